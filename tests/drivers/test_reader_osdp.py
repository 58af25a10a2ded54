"""An OSDP reader and its host on a pseudo-terminal, libosdp at both ends."""

from __future__ import annotations

import binascii
import itertools
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("osdp")

from drivers import connect
from drivers.errors import DeviceLost, DeviceTimeout, UnknownDevice
from drivers.reader._osdp_frames import frame_size
from drivers.reader._osdp_key import DEFAULT_KEY
from drivers.reader._wiegand import encode, pack
from drivers.reader.osdp import InstallWindow, Keypad, OsdpReader, OsdpSimulator
from drivers.transport import PtyPort, SerialStream
from models.credential import Assurance, CardFault, CardProblem, Credential, Medium
from models.cue import Cue
from models.ids import DocumentType
from tests.bad_wire import PATIENCE_S, BadWire
from tests.contract import Bench, Kit, ReaderContract, open_files, until_lost

KEY, OTHER_KEY = bytes(range(16)), bytes(range(1, 17))
CARD = encode(123, 45678, "wg26")  # type: ignore[arg-type]  # a StrEnum's value will do
TAPPED = Credential(Medium.CONTACTLESS_CARD, DocumentType.CARD_UID, "12345678", Assurance.UID_ONLY)
SHORT = "session_s=0.3&lost_s=0.4"


class Cable(BadWire):
    """A good wire that can go bad."""

    def spoil(self, fault: str) -> None:
        self._fault, self._every = fault, 7


class Rig:
    """A simulated reader that serves, a key file, and hosts on request."""

    def __init__(self, folder: Path, key: bytes | None = KEY, *, enforced: bool = True) -> None:
        self.port = PtyPort(folder / "reader")
        self.wire = Cable(self.port, "clean")
        self.simulator = OsdpSimulator(self.wire, key, enforced=enforced)
        self.key_file = folder / "key"
        self.write_key(KEY)
        self._stop = threading.Event()
        self._runner: threading.Thread | None = None
        self.hosts: list[OsdpReader] = []
        self.power_on()

    def write_key(self, key: bytes, mode: int = 0o600) -> None:
        self.key_file.unlink(missing_ok=True)
        self.key_file.touch()
        self.key_file.write_bytes(key)
        self.key_file.chmod(mode)

    def power_on(self) -> None:
        self._stop.clear()
        self._runner = threading.Thread(target=self.simulator.run, args=(self._stop,))
        self._runner.start()

    def power_off(self) -> None:
        self._stop.set()
        if self._runner:
            self._runner.join(PATIENCE_S)

    def connect(self, options: str = "") -> OsdpReader:
        host = connect(
            "reader", f"osdp+serial://{self.port.path}?key={self.key_file}&baud=115200&{options}".rstrip("&")
        )
        assert isinstance(host, OsdpReader)
        self.hosts.append(host)
        return host

    def install(self, window: InstallWindow) -> OsdpReader:
        host = OsdpReader(SerialStream(self.port.path, 115200), KEY, session_s=0.5, install=window)
        self.hosts.append(host)
        return host

    def close(self) -> None:
        for host in self.hosts:
            host.close()
        self.power_off()
        self.port.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """For the readers that are not as they should be."""
    rigs: list[Rig] = []

    def make(key: bytes | None, *, enforced: bool = True) -> Rig:
        rigs.append(Rig(tmp_path, key, enforced=enforced))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


def next_of(host: OsdpReader) -> Credential | CardFault:
    """What the next tap gives."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        outcome = host.read(0.1)
        if outcome is not None:
            return outcome
    raise AssertionError("nothing came")


def tap_until_read(rig: Rig, host: OsdpReader) -> Credential | CardFault:
    """Tap as a patient visitor does: cards count once there is a session again."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        rig.simulator.present(CARD)
        outcome = host.read(0.5)
        if outcome is not None:
            return outcome
    raise AssertionError("no tap was read")


def seen(rig: Rig, host: OsdpReader) -> str:
    """What the reader was made to do next."""
    ends = time.monotonic() + PATIENCE_S
    while rig.simulator.seen.empty() and time.monotonic() < ends:
        host.read(0.05)
    return rig.simulator.seen.get(timeout=1)


def test_a_card_is_read_in_a_secure_session(rig):
    host = rig.connect()
    assert rig.simulator.secure
    assert host.read(0.02) is None
    rig.simulator.present(CARD)
    assert next_of(host) == TAPPED
    assert host.read(0.3) is None


def test_without_libosdp_the_driver_says_what_to_install():
    """The others work on."""
    code = "import sys; sys.modules['osdp'] = None; import drivers; drivers.connect('reader', 'osdp+serial:///dev/x')"
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root)
    assert "MissingLibrary: the OSDP reader needs libosdp: pip install menshen[osdp]" in result.stderr


@pytest.mark.slow
def test_the_same_card_counts_again_at_the_next_tap(rig):
    host = rig.connect()
    for _ in range(3):
        rig.simulator.present(CARD)
        assert next_of(host) == TAPPED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "bits", "number"),
    [
        ("format=wg34", encode(1, 2, "wg34"), "0000100002"),  # type: ignore[arg-type]
        ("format=uid32&order=lsb", f"{0xA1B2C3D4:032b}", "D4C3B2A1"),
        ("format=raw", "10110", "5:16"),
    ],
)
def test_the_bits_mean_what_the_url_says(rig, options, bits, number):
    host = rig.connect(options)
    rig.simulator.present(bits)
    assert next_of(host) == replace(TAPPED, number=number)


def test_a_card_of_another_format_is_a_fault_without_its_number(rig):
    host = rig.connect()
    rig.simulator.present("1" * 34)
    assert next_of(host) == CardFault(CardProblem.UNSUPPORTED, "wg26: a card of 34 bits; expected 26")
    rig.simulator.present("10"[int(CARD[0])] + CARD[1:])
    assert next_of(host) == CardFault(CardProblem.UNREADABLE, "wg26: a parity bit does not fit")


def test_the_keypad_is_off_unless_asked_for(rig):
    host = rig.connect()
    rig.simulator.type("1234#")
    rig.simulator.present(CARD)
    assert next_of(host) == TAPPED


def test_digits_up_to_the_hash_are_a_typed_code(rig):
    host = rig.connect("keypad=1")
    rig.simulator.type("99*12")
    rig.simulator.type("34#")
    assert next_of(host) == Credential(Medium.TYPED, DocumentType.TICKET_CODE, "1234", Assurance.UID_ONLY)


def test_a_keypad_forgets_what_was_left_half_typed():
    keypad = Keypad(patience_s=10)
    assert keypad.press(b"12", 0) is None
    assert keypad.press(b"34\r", 9) == "1234"
    assert keypad.press(b"12", 20) is None
    assert keypad.press(b"34\r", 31) == "34"
    assert keypad.press(b"\r", 32) is None
    assert keypad.press(b"1A2#", 33) == "2"
    assert keypad.press(b"1" * 33 + b"\r", 34) is None
    assert keypad.press(b"1" * 32 + b"\r", 35) == "1" * 32


LIGHTS = {
    Cue.READY: ["led amber"],
    Cue.WAIT: ["led amber/dark 0.2 s"],
    Cue.LOOK: ["led amber/dark 0.5 s"],
    Cue.WELCOME: ["led green", "buzzer 1"],
    Cue.HELP: ["led amber/red 0.5 s", "buzzer 2"],
    Cue.REFUSED: ["led red", "buzzer 3"],
    Cue.FREE: ["led green"],
    Cue.FAULT: ["led red/dark 1 s"],
}


@pytest.mark.slow
def test_every_cue_has_its_light_and_some_are_heard(rig):
    host = rig.connect()
    assert set(LIGHTS) == set(Cue)
    for cue, told in LIGHTS.items():
        host.show(cue)
        assert [seen(rig, host) for _ in told] == told


@pytest.mark.slow
def test_a_reader_that_was_without_power_is_lit_again_and_is_silent(rig):
    host = rig.connect("lost_s=30")
    host.show(Cue.REFUSED)
    assert [seen(rig, host), seen(rig, host)] == ["led red", "buzzer 3"]
    rig.simulator.take_key(KEY)  # begins anew, as after a cut of its power
    assert seen(rig, host) == "led red"
    host.read(0.3)
    assert rig.simulator.seen.empty()


@pytest.mark.slow
def test_a_cue_without_a_session_is_a_time_out_and_costs_no_read(rig):
    host = rig.connect("lost_s=30")
    rig.power_off()

    def show_on() -> None:
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            host.read(0.05)
            host.show(Cue.READY)

    with pytest.raises(DeviceTimeout, match=r"no secure session|no more commands"):
        show_on()
    assert host.read(0.05) is None


def test_the_output_switches_itself_off(rig):
    host = rig.connect()
    host.output(0.5)
    assert seen(rig, host) == "output 0.5 s"


def test_a_wrong_key_is_no_session_and_says_what_to_look_at(rig):
    rig.write_key(OTHER_KEY)
    files = open_files()
    with pytest.raises(DeviceLost, match="makes no secure session: is the key"):
        rig.connect(SHORT)
    assert open_files() == files
    assert not rig.simulator.secure


def test_another_address_is_silence(rig):
    with pytest.raises(DeviceTimeout, match="at address 7: check wires, baud and address"):
        rig.connect(SHORT + "&address=7")


def test_a_reader_in_clear_text_is_refused(make_rig):
    """One that would talk without a session, with its key unknown to us, and reports a card all the same."""
    rig = make_rig(OTHER_KEY, enforced=False)
    rig.simulator.present(CARD)
    with pytest.raises(DeviceLost, match="no secure session"):
        rig.connect(SHORT)


def test_a_reader_put_in_the_place_of_another_is_not_heard(rig):
    """It is new, so it talks without a session, or in one under the key that everybody knows."""
    host = rig.connect("lost_s=1")
    rig.simulator.take_key(None)
    rig.simulator.present(CARD)
    heard = until_gone(lambda: host.read(0.1))
    assert heard == {None}


def test_a_card_in_clear_text_is_not_heard_in_a_session(rig):
    """Somebody on the line answers the polls in the reader's place, with each sequence number."""
    host = rig.connect("lost_s=1")
    rig.power_off()
    sequences = itertools.cycle(range(4))

    def answer_in_its_place() -> object:
        rig.port.read(0.02)
        rig.port.write(clear_card(next(sequences)))
        return host.read(0.02)

    assert until_gone(answer_in_its_place) == {None}


def until_gone(act: Callable[[], object]) -> set[object]:
    """What `act` gives until it raises `DeviceLost`."""
    given: set[object] = set()
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            given.add(act())
        except DeviceLost:
            return given
    raise AssertionError("the reader counts as there")


def clear_card(sequence: int) -> bytes:
    """RAW (50): reader 0, format Wiegand, 26 bits."""
    card = bytes((0x50, 0, 1, 26, 0)) + pack(CARD)
    frame = bytes((0x53, 0x80)) + (5 + len(card) + 2).to_bytes(2, "little") + bytes((0x04 | sequence,)) + card
    frame += binascii.crc_hqx(frame, 0x1D0F).to_bytes(2, "little")
    assert frame_size(frame) == len(frame)
    return frame


@pytest.mark.parametrize("key", [DEFAULT_KEY, bytes(16), b"\xff" * 16])
def test_a_key_that_everybody_knows_is_refused(rig, key):
    rig.write_key(key)
    for options in ("", "install_s=300"):
        with pytest.raises(UnknownDevice, match="everybody knows"):
            rig.connect(options)


def test_a_key_file_that_is_missing_or_open_to_others_is_refused(rig):
    rig.write_key(KEY, 0o644)
    with pytest.raises(UnknownDevice, match="chmod 600"):
        rig.connect()
    rig.write_key(KEY[:15])
    with pytest.raises(UnknownDevice, match="16 bytes"):
        rig.connect()
    rig.key_file.unlink()
    with pytest.raises(UnknownDevice, match="missing"):
        rig.connect()
    with pytest.raises(UnknownDevice, match="give key=FILE"):
        connect("reader", f"osdp+serial://{rig.port.path}")


def test_an_option_that_does_not_fit_is_told(rig):
    for options in ("format=wg27", "address=127", "order=middle", "format=wg37&order=lsb"):
        with pytest.raises(UnknownDevice):
            rig.connect(options)


def test_a_new_reader_is_refused_without_install_mode(make_rig):
    rig = make_rig(None)
    with pytest.raises(DeviceLost, match="install_s=300"):
        rig.connect(SHORT)
    assert rig.simulator.key is None


def test_install_mode_gives_a_new_reader_its_key_once_and_says_so(make_rig, caplog):
    caplog.set_level(logging.WARNING, "drivers.osdp")
    rig = make_rig(None)
    host = rig.connect("install_s=300")
    assert rig.simulator.key == KEY
    rig.simulator.present(CARD)
    assert next_of(host) == TAPPED
    host.close()
    rig.simulator.take_key(None)  # somebody puts another new reader in its place
    with pytest.raises(DeviceLost, match="no secure session"):
        rig.connect(SHORT + "&install_s=300")
    assert rig.simulator.key is None
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "install mode for 300 s",
        "install mode is over",
    ]
    assert KEY.hex() not in caplog.text.lower()


def test_install_mode_ends_by_itself(make_rig, caplog):
    rig = make_rig(None)
    now = [0.0]
    window = InstallWindow(300, clock=lambda: now[0])
    now[0] = 300.0
    with pytest.raises(DeviceLost, match="no secure session"):
        rig.install(window)
    assert rig.simulator.key is None
    assert "install mode is over: its time is over" in caplog.text
    now[0] = 0.0
    assert not window.is_open()


@pytest.mark.slow
def test_a_reader_with_its_key_ends_install_mode(rig):
    window = InstallWindow(300)
    rig.install(window)
    assert not window.is_open()


@pytest.mark.slow
def test_install_mode_does_not_take_a_reader_with_another_key(make_rig):
    rig = make_rig(OTHER_KEY)
    with pytest.raises(DeviceLost, match="no secure session"):
        rig.install(InstallWindow(300))
    assert rig.simulator.key == OTHER_KEY


def test_a_reader_that_falls_silent_is_lost_after_its_time_and_comes_back(rig):
    host = rig.connect("lost_s=0.4")
    rig.power_off()
    began = time.monotonic()
    until_lost(lambda: host.read(0.02))
    assert time.monotonic() - began > 0.3
    host.close()
    rig.power_on()
    again = rig.connect()
    rig.simulator.present(CARD)
    assert next_of(again) == TAPPED


@pytest.mark.slow
def test_a_reader_that_is_back_in_time_was_never_lost(rig):
    """It was without power for a moment, and knows no session."""
    host = rig.connect()
    rig.power_off()
    for _ in range(4):
        assert host.read(0.1) is None
    rig.simulator.take_key(KEY)
    rig.power_on()
    assert tap_until_read(rig, host) == TAPPED


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["garbled", "lost"])
def test_a_bad_wire_recovers_without_a_new_connection(rig, fault):
    host = rig.connect()
    rig.wire.spoil(fault)
    for _ in range(4):
        assert host.read(0.1) is None
    rig.wire.heal()
    assert tap_until_read(rig, host) == TAPPED


def test_a_card_tapped_before_the_session_is_nobody_s(rig):
    """Its holder may be gone. The reader has kept it; the gate throws it away."""
    rig.simulator.present(CARD)
    host = rig.connect()
    assert host.read(0.5) is None
    rig.simulator.present(CARD)
    assert next_of(host) == TAPPED


@pytest.mark.slow
def test_a_card_that_the_reader_tells_again_after_a_new_connection_is_not_a_tap(rig):
    """It never heard that the first telling arrived."""
    host = rig.connect()
    rig.simulator.present(CARD)
    assert next_of(host) == TAPPED
    host.close()
    assert rig.connect().read(0.5) is None


@pytest.mark.slow
def test_an_opened_case_is_a_lost_reader_until_it_is_closed(rig):
    host = rig.connect()
    rig.simulator.tamper()
    with pytest.raises(DeviceLost, match="case is open"):
        next_of(host)
    host.close()
    with pytest.raises(DeviceLost, match="case is open"):
        rig.connect()
    rig.simulator.tamper(False)
    once_more = rig.connect()
    rig.simulator.present(CARD)
    assert next_of(once_more) == TAPPED


def test_close_leaves_no_thread_and_no_file(rig):
    """libosdp brings a thread of its own, which is never started."""
    before = threading.active_count(), len(os.listdir("/proc/self/task")), open_files()  # noqa: PTH208
    host = rig.connect()
    host.read(0.02)
    assert (threading.active_count(), len(os.listdir("/proc/self/task"))) == before[:2]  # noqa: PTH208
    host.close()
    host.close()
    assert open_files() == before[2]
    for act in (lambda: host.read(0), lambda: host.show(Cue.WELCOME), lambda: host.output(1)):
        with pytest.raises(DeviceLost):
            act()


@pytest.mark.slow
def test_the_simulator_takes_lines_of_text(rig, tmp_path):
    simulator = rig.simulator
    path = tmp_path / "made"
    assert simulator.command(f"key {path}") == f"ok: connect with key={path}"
    assert path.stat().st_mode & 0o777 == 0o600
    made = path.read_bytes()
    assert simulator.command(f"key {path}").startswith("ok")
    assert simulator.key == path.read_bytes() == made
    rig.write_key(made)
    host = rig.connect("keypad=1")
    assert simulator.command("card 123 45678") == "ok"
    assert next_of(host) == TAPPED
    assert simulator.command(f"bits {CARD}") == "ok"
    assert next_of(host) == TAPPED
    assert simulator.command("type 7#") == "ok"
    assert isinstance(next_of(host), Credential)
    host.show(Cue.WELCOME)
    host.read(0.5)
    assert simulator.command("seen") == "led green; buzzer 1"
    assert simulator.command("seen") == "nothing"
    assert "tamper on|off" in simulator.command("help")
    for wrong in ("", "card 1", "card 999 1", "bits 012", "tap", "key /proc/no/such"):
        assert simulator.command(wrong).startswith("error: "), wrong


@pytest.mark.slow
@pytest.mark.parametrize("bench", ["late"], indirect=True)
class TestContract(ReaderContract):
    """On the wire that is hardest for OSDP: each frame in two parts, with pauses. The tests above have the others."""

    kit = Kit("reader", "osdp", margin_s=1.5, tap=lambda reader: reader.present(CARD))

    @pytest.fixture(autouse=True)
    def give_key(self, bench: Bench, tmp_path: Path) -> None:
        """To both."""
        key_file = tmp_path / "key"
        assert bench.simulator.command(f"key {key_file}").startswith("ok")
        self.kit = bench.kit = replace(self.kit, options=f"?baud=115200&session_s=4&key={key_file}")
