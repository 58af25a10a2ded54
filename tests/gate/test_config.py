"""The configuration file: everything wrong is told at once, nothing secret is told at all."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from gate.config import MOST_BYTES, Config, ConfigError, LogLevel, Problem, load, sample
from gate.setting import setting_of
from models.credential import Assurance
from models.passage import Direction

GOOD = """\
[gate]
name = "G1"
timezone = "Asia/Shanghai"
state_dir = "/var/lib/menshen"
issuers = ["issuers/hall.pub", "/etc/hall2.pub"]

[devices]
reader = "sim:"
camera = "sim:"
relay = "sim:"
"""


@pytest.fixture
def written(tmp_path):
    """A function that writes a configuration and gives its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "gate.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def problems_of(path: Path) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return list(caught.value.problems)


def test_the_sample_loads_as_it_stands(written):
    config = load(written(sample()))
    assert config.gate.name == "G1"
    assert config.devices.sensor is None
    assert config.gate.log_level is LogLevel.INFO


def test_the_mirror_stands_beside_the_gates_socket_unless_told_otherwise(written):
    assert load(written(GOOD)).socket.mirror_path == Path("/run/menshen/mirror.sock")
    moved = load(written(GOOD + '[socket]\npath = "/tmp/g1/gate.sock"\n'))
    assert moved.socket.mirror_path == Path("/tmp/g1/mirror.sock")
    named = load(written(GOOD + '[socket]\nmirror = "/run/g1.picture"\n'))
    assert named.socket.mirror_path == Path("/run/g1.picture")
    assert "an absolute path" in problems_of(written(GOOD + '[socket]\nmirror = "here"\n'))[0].expected


def test_the_sample_loads_with_every_line_uncommented(written):
    everything = sample().splitlines()
    lines = [line.removeprefix("# ") if " = " in line else line for line in everything]
    config = load(written("\n".join(lines)))
    assert config.policy.face_accept == {"dlib-resnet-v1-hog5": 0.38}
    assert config.policy.min_assurance is Assurance.AUTHENTICATED
    assert None not in [getattr(config.policy, one.name) for one in fields(config.policy)]


def test_the_samples_commented_lines_show_the_defaults(written):
    plain = load(written(sample()))
    for table in fields(Config):
        part = getattr(plain, table.name)
        for one in fields(part):
            told = setting_of(one)
            if table.name != "policy" and one.default is not MISSING and one.name not in ("sensor", "exit_reader"):
                assert one.default == told.kind.read(tomllib.loads(f"x = {told.example}")["x"]), one.name


def test_every_value_arrives_in_its_own_type(written):
    config = load(written(GOOD))
    assert config.gate.direction is Direction.ENTRY
    assert config.gate.timezone.key == "Asia/Shanghai"
    assert config.devices.face == "best:"


def test_who_answers_for_the_data_is_said_in_one_short_line(written):
    assert load(written(GOOD)).gate.controller == ""
    hall = "海风演艺文化有限公司, desk 5, +86 21 5555 0100"
    assert load(written(GOOD.replace("[gate]", f'[gate]\ncontroller = "{hall}"'))).gate.controller == hall
    for wrong in ("x" * 61, "海" * 31, " Hall", "Hall\\nand more"):
        assert "one line" in problems_of(written(GOOD.replace("[gate]", f'[gate]\ncontroller = "{wrong}"')))[0].expected


def test_relative_names_are_taken_from_the_files_own_folder(written, tmp_path, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    config = load(written(GOOD))
    assert config.gate.issuers == (tmp_path / "issuers/hall.pub", Path("/etc/hall2.pub"))
    assert config.secrets.device_key == tmp_path / "device-key"


def test_secrets_are_looked_for_in_systemds_credentials_folder(written, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/gate")
    assert load(written(GOOD)).secrets.signing_key == Path("/run/credentials/gate/signing-key")
    assert load(written(GOOD), Path("/keys")).secrets.signing_key == Path("/keys/signing-key")


def test_all_problems_are_reported_at_once_each_with_its_line(written):
    path = written(
        '[gate]\nnmae = "G1"\ndirection = "enrty"\ntimezone = "Mars/Base"\nstate_dir = "here"\n'
        'issuers = 7\n\n[devics]\n\n[devices]\nreader = "sim:"\ncamera = 7\n\n[policy]\nface_tries = true\n'
    )
    told = {(one.line, one.key, one.nearest) for one in problems_of(path)}
    assert told == {
        (1, "gate.name", ""),
        (2, "gate.nmae", "name"),
        (3, "gate.direction", "entry"),
        (4, "gate.timezone", ""),
        (5, "gate.state_dir", ""),
        (6, "gate.issuers", ""),
        (8, "devics", "devices"),
        (10, "devices.relay", ""),
        (12, "devices.camera", ""),
        (15, "policy.face_tries", ""),
    }


def test_the_message_reads_as_one_line_a_problem(written):
    path = written(GOOD.replace("name =", "direction = 'enrty'\nname ="))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).splitlines() == [
        f"{path}:",
        '  line 2: gate.direction = "enrty": expected one of entry, exit; did you mean entry?',
    ]


@pytest.mark.parametrize(
    "line",
    [
        'device_key = "4f0c9d1e4f0c9d1e4f0c9d1e4f0c9d1e"',
        'device_key = "-----BEGIN PRIVATE KEY-----"',
        'device_key = "x\\ny"',
        "device_key = 4711",
        'password = "hunter2"',
        'pin = "246810"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_repeated(written, line):
    (problem,) = problems_of(written(GOOD + "\n[secrets]\n" + line))
    assert problem.line == GOOD.count("\n") + 3
    assert problem.value == "(not shown)"


@pytest.mark.parametrize(
    "url", ["sam+tcp://user:hunter2@host:1", "osdp:///dev/x?secret_key=hunter2", "sim:?token=hunter2"]
)
def test_a_secret_in_a_device_url_is_refused_and_never_repeated(written, url):
    path = written(GOOD.replace('reader = "sim:"', f'reader = "{url}"'))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [one.key for one in caught.value.problems] == ["devices.reader"]
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("kind", ["inputs", "signals"])
def test_a_secret_in_one_url_of_a_list_is_refused_and_never_repeated(written, kind):
    path = written(GOOD.replace('reader = "sim:"', f'reader = "sim:"\n{kind} = ["sim:", "sim:?token=hunter2"]'))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [one.key for one in caught.value.problems] == [f"devices.{kind}"]
    assert "hunter2" not in str(caught.value)


def test_a_url_may_name_the_file_that_holds_a_key(written):
    url = "osdp+serial:///dev/gate-reader?key=/etc/menshen/keys/reader&address=101"
    assert load(written(GOOD.replace('reader = "sim:"', f'reader = "{url}"'))).devices.reader == url


def test_a_lane_may_have_several_signals_and_further_inputs_and_says_what_they_are_rated_for(written):
    more = 'signals = ["sim:", "sim:?x=1"]\ninputs = ["sim:"]\nrated = { relay = 100_000, input = 5 }'
    devices = load(written(GOOD.replace('reader = "sim:"', f'reader = "sim:"\n{more}'))).devices
    assert (devices.signals, devices.inputs) == (("sim:", "sim:?x=1"), ("sim:",))
    assert devices.rated == (("relay", 100_000), ("input", 5))


@pytest.mark.parametrize(
    "line", ['signals = "sim:"', "signals = [7]", 'inputs = [""]', "rated = { relay = 0 }", "rated = []"]
)
def test_a_list_of_devices_holds_urls_and_a_rating_is_a_number_above_zero(written, line):
    (problem,) = problems_of(written(GOOD.replace('reader = "sim:"', f'reader = "sim:"\n{line}')))
    assert problem.key == f"devices.{line.split(' ')[0]}"


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "true", '"6"', "[6]", "61"])
def test_a_number_out_of_its_range_is_refused(written, value):
    (problem,) = problems_of(written(GOOD + f"\n[policy]\ncapture_s = {value}\n"))
    assert (problem.key, problem.expected) == ("policy.capture_s", "a number from 0.5 to 60")


@pytest.mark.parametrize("url", ["reader", "/dev/ttyUSB0", "SAM:///x", "sam+:x", "sim: x"])
def test_a_device_must_be_a_url(written, url):
    (problem,) = problems_of(written(GOOD.replace('camera = "sim:"', f'camera = "{url}"')))
    assert problem.key == "devices.camera"


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        (b"[gate]\nname = \n", 2, "TOML"),
        (b"[gate]\nname = 'a'\nname = 'b'\n", 3, "TOML"),
        (b"[gate]\nname = '\xc3\x28'\n", 2, "UTF-8"),
        (b"# " + b"x" * MOST_BYTES, 0, "at most"),
    ],
)
def test_a_file_that_is_no_toml_is_one_problem(written, content, line, expected):
    (problem,) = problems_of(written(content))
    assert problem.line == line
    assert expected in problem.expected


def test_a_missing_file_is_one_problem(tmp_path):
    (problem,) = problems_of(tmp_path / "nowhere.toml")
    assert "No such file" in problem.expected


def test_a_folder_is_one_problem(tmp_path):
    (problem,) = problems_of(tmp_path)
    assert "directory" in problem.expected


def test_a_table_that_is_none_is_one_problem(written):
    (problem,) = problems_of(written("vision = 3\n" + GOOD))
    assert (problem.line, problem.key, problem.expected) == (1, "vision", "a table, written as [vision]")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ()),
        ("/opt/acme/decode --bmp 'a b'", ("/opt/acme/decode", "--bmp", "a b")),
        ("library /opt/acme/libwlt.so unpack buffers", ("library", "/opt/acme/libwlt.so", "unpack", "buffers")),
    ],
)
def test_a_portrait_decoder_is_a_command_line_for_no_shell(written, line, words):
    assert load(written(GOOD + f'[vision]\nportrait_decoder = "{line}"\n')).vision.portrait_decoder == words


@pytest.mark.parametrize(
    "line", ["decode", "library", "library libwlt.so unpack file", "library /a.so unpack", "library /a.so f x", "/a 'b"]
)
def test_a_decoder_that_can_not_be_found_by_its_name_is_a_problem(written, line):
    (problem,) = problems_of(written(GOOD + f'[vision]\nportrait_decoder = "{line}"\n'))
    assert problem.key == "vision.portrait_decoder"
    assert "absolute path" in problem.expected


def test_what_a_windows_editor_writes_is_read(written):
    assert load(written(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())).gate.name == "G1"
