"""The service units: who may touch what, how they are watched, and what systemd itself thinks of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gate.config import load

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = ("gate", "gate-sync", "gate-ui", "gate-hub")
NETWORKED = {"gate-sync", "gate-hub"}

BY_HAND = {
    "gate.accept_steps": "gatectl accept, which refuses while the gate is at work",
    "gate.setup_code": "gatectl setup --code camera, which refuses likewise",
    "gate.check.camera": "gatectl check, which asks the gate at work instead, since a camera serves one process",
    "gate.calibration_faces": "gatectl calibrate faces: a folder of photographs, no device",
}
"""Who else opens a camera: a technician's commands, processes of their own that no unit starts."""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def settings(unit: str) -> dict[str, list[str]]:
    """The unit's settings, each with all its values in order."""
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / f"{unit}.service").read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def devices(unit: str) -> set[str]:
    return {value.split()[0] for value in settings(unit).get("DeviceAllow", [])}


def seconds(text: str) -> float:
    number, scale = re.fullmatch(r"(\d+)(ms|s)", text).groups()
    return int(number) / (1000 if scale == "ms" else 1)


@pytest.mark.parametrize("unit", SERVICES)
def test_only_sync_and_the_server_have_a_network(unit):
    told = settings(unit)
    families = set(" ".join(told["RestrictAddressFamilies"]).split())
    assert (told.get("PrivateNetwork") == ["yes"]) == (unit not in NETWORKED)
    assert bool(families & {"AF_INET", "AF_INET6"}) == (unit in NETWORKED)


def test_only_the_gate_has_a_relay_and_its_child_the_camera():
    wires = {f"char-{kind}" for kind in ("ttyUSB", "ttyACM", "ttyAMA", "ttyS", "gpiochip", "hidraw", "usb_device")}
    for unit in SERVICES:
        assert settings(unit)["DevicePolicy"] == ["closed"], "what is not named is not there"
        assert devices(unit) & (wires | {"char-video4linux"}) == (
            wires | {"char-video4linux"} if unit == "gate" else set()
        ), unit
    for unit in NETWORKED:
        assert settings(unit)["PrivateDevices"] == ["yes"]


def test_only_the_vision_child_opens_a_camera():
    """Gate and child are one unit, so here the source has to say it; and the gate must not load the others."""
    gate = SYSTEMD.parent / "gate"
    opens = {
        path.relative_to(gate.parent).with_suffix("").as_posix().replace("/", ".")
        for path in gate.rglob("*.py")
        if re.search(r"""connect\(\s*["']camera["']|from drivers\.camera""", path.read_text())
        and "demo" not in path.parts
    }
    assert opens == {"gate.vision_child", *BY_HAND}
    asked = f"import gate.daemon, sys; print(*({set(BY_HAND)} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", asked], cwd=gate.parent, capture_output=True, text=True, check=True)
    assert told.stdout.split() == []


def test_the_ledger_and_the_keys_are_nobody_elses():
    for unit, places in {"gate-ui": [], "gate-hub": ["/var/lib/menshen/hub"]}.items():
        assert settings(unit).get("ReadWritePaths", []) == places
    assert settings("gate-ui")["InaccessiblePaths"] == ["/var/lib/menshen"]
    for unit in SERVICES:
        assert settings(unit)["ProtectSystem"] == ["strict"]


@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_is_watched_and_comes_back(unit):
    told = settings(unit)
    assert told["Type"] == ["notify"]
    assert seconds(told["WatchdogSec"][0]) >= 10
    assert told["Restart"] == ["always"]
    assert told["StartLimitIntervalSec"] == ["0"]
    assert told["ExecStopPost"][-1].endswith("/libexec/back-off")
    assert seconds(told["TimeoutStopSec"][0]) > 15, "longer than the longest back-off"


def test_the_relay_goes_to_rest_whatever_was_the_end():
    assert settings("gate")["ExecStopPost"][0] == "-/opt/menshen/current/bin/gatectl rest"


def test_all_of_a_lane_fits_into_a_gigabyte():
    most = {unit: int(settings(unit)["MemoryMax"][0].removesuffix("M")) for unit in SERVICES}
    lane = most["gate"] + most["gate-sync"] + most["gate-ui"]
    assert lane <= 800, "and 100 for the system, of the 900 that a board with 1 GB leaves to programs"
    assert lane + most["gate-hub"] <= 1_500, "with a server beside it: 2 GB"
    for unit in SERVICES:
        high, most_of_it = (int(settings(unit)[key][0].removesuffix("M")) for key in ("MemoryHigh", "MemoryMax"))
        assert 0.6 * most_of_it < high < most_of_it, "it is slowed down before it is killed"


@pytest.mark.parametrize("unit", SERVICES)
@needs_systemd
def test_systemd_finds_a_unit_safe(unit):
    path = str(SYSTEMD / f"{unit}.service")
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", path],
        capture_output=True,
        text=True,
        env=os.environ | {"SYSTEMD_COLORS": "0", "SYSTEMD_URLIFY": "0"},
    )
    score = re.search(r"exposure level for \S+: ([\d.]+)", told.stdout)
    assert score, told.stderr
    assert float(score.group(1)) <= (2.0 if unit in NETWORKED else 1.5)


@needs_systemd
def test_systemd_understands_every_line(tmp_path):
    """Its program is not installed here, so each start is told to be `true`."""
    for path in SYSTEMD.glob("gate*.*"):
        if path.suffix in (".service", ".target"):
            ours = r"/(opt/menshen/current|usr/lib/menshen)/\S+"
            text = re.sub(ours, shutil.which("true") or "/bin/true", path.read_text())
            (tmp_path / path.name).write_text(re.sub(r"file:///\S+", "man:systemd(1)", text))
    units = [str(tmp_path / name) for name in ("gate.target", *(f"{unit}.service" for unit in SERVICES))]
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    assert (told.returncode, told.stderr) == (0, "")


def back_off(folder: Path, result: str) -> str:
    """What it would sleep, as `echo` in the place of `sleep` says."""
    environment = {"PATH": os.environ["PATH"], "RUNTIME_DIRECTORY": str(folder), "SERVICE_RESULT": result}
    told = subprocess.run(
        [str(SYSTEMD / "back-off.sh")],
        capture_output=True,
        text=True,
        check=True,
        env=environment | {"MENSHEN_SLEEP": "echo"},
    )
    return told.stdout.strip()


def test_failures_in_a_row_wait_longer_and_a_quiet_spell_forgets_them(tmp_path):
    assert [back_off(tmp_path, "exit-code") for _ in range(7)] == ["0", "1", "2", "4", "8", "15", "15"]
    long_ago = (tmp_path / "failures").stat().st_mtime - 600
    os.utime(tmp_path / "failures", (long_ago, long_ago))
    assert back_off(tmp_path, "watchdog") == "0"


def test_an_ordinary_stop_waits_for_nothing(tmp_path):
    assert back_off(tmp_path, "success") == ""
    assert not list(tmp_path.iterdir())


def test_the_configuration_to_start_from_is_a_whole_one():
    config = load(SYSTEMD / "gate.toml")
    assert config.socket.group == "menshen-ui"
    for key in (config.secrets.device_key, config.secrets.signing_key):
        assert key.is_relative_to("/var/lib/menshen"), "the sync process renews it, and /etc may be read-only"
