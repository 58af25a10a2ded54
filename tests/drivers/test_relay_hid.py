"""HID relay boards: the reports byte for byte, the contract on the bench's wires, and which board is meant."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from drivers import connect
from drivers._bench_wire import Port
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, MissingLibrary, UnknownDevice
from drivers.relay.hid import DcttechContact, HidSimulator, find_board, qyf_report, read_state, switch_report
from drivers.transport import PtyPort
from drivers.url import parse
from tests.contract import Kit, RelayContract


class TestDcttech(RelayContract):
    """A board with a state."""

    kit = Kit("relay", "hid", "?channel=2")


class TestQyf(RelayContract):
    """A board without."""

    kit = Kit("relay", "hid", "?board=qyf&channel=1")


class Plugged:
    """A board on the USB, as far as the driver can see."""

    def __init__(self, state: bytes) -> None:
        self.state = state
        self.sent: list[bytes] = []
        self.closed = False

    def send_feature(self, report: bytes) -> None:
        self.sent.append(report)

    def get_feature(self, number: int) -> bytes:
        assert number == 1
        return self.state

    def send(self, report: bytes) -> None:
        self.sent.append(report)

    def close(self) -> None:
        self.closed = True


def usb(*names: str) -> dict[str, Plugged]:
    """Boards of these names, by path. An empty name is a board that doesn't speak."""
    states = [HidSimulator(port=None, name=name).state_report() if name else b"" for name in names]  # type: ignore[arg-type]
    return {f"/dev/hidraw{n}": Plugged(state) for n, state in enumerate(states)}


def found(boards: dict[str, Plugged], url: str) -> Plugged:
    board = find_board(parse(url), "dcttech", lambda: list(boards), boards.__getitem__)
    assert isinstance(board, Plugged)
    return board


@pytest.mark.parametrize(
    ("report", "bytes_"),
    [
        (switch_report(1, True), "00 FF 01 00 00 00 00 00 00"),
        (switch_report(1, False), "00 FD 01 00 00 00 00 00 00"),
        (switch_report(8, True), "00 FF 08 00 00 00 00 00 00"),
        (qyf_report(1, True), "00 F1"),
        (qyf_report(1, False), "00 01"),
        (qyf_report(2, True), "00 F2"),
        (qyf_report(2, False), "00 02"),
    ],
)
def test_reports_byte_for_byte(report: bytes, bytes_: str) -> None:
    assert report == bytes.fromhex(bytes_)


@pytest.mark.parametrize("number", [b"", b"\x00", b"\x01"])
def test_the_state_is_read_with_or_without_the_reports_number(number: bytes) -> None:
    assert read_state(number + b"BITFT\x00\x00\x05") == ("BITFT", 5)


@pytest.mark.parametrize("report", [b"", b"BITFT", b"\x01\x00BITFT\x00\x00\x05"])
def test_a_state_of_another_size_is_a_bad_answer(report: bytes) -> None:
    with pytest.raises(BadAnswer, match="bytes"):
        read_state(report)


def test_each_channel_has_its_bit() -> None:
    board = Plugged(b"BITFT\x00\x00\x82")
    assert [n for n in range(1, 9) if DcttechContact(board, n).is_closed()] == [2, 8]


def test_a_board_is_found_by_its_name_and_the_others_are_given_back() -> None:
    boards = usb("BITFT", "", "ABCDE")
    assert found(boards, "hid:///ABCDE") is boards["/dev/hidraw2"]
    assert [board.closed for board in boards.values()] == [True, True, False]


def test_the_only_board_needs_no_name() -> None:
    boards = usb("BITFT")
    assert found(boards, "hid:") is boards["/dev/hidraw0"]


def test_a_path_is_taken_as_it_is_and_nobody_else_is_asked() -> None:
    boards = usb("BITFT", "BITFT")
    assert found(boards, "hid:///dev/hidraw1") is boards["/dev/hidraw1"]
    assert not boards["/dev/hidraw0"].closed


@pytest.mark.parametrize(
    ("names", "url", "error", "words"),
    [
        ((), "hid:", DeviceLost, "none that this user may open"),
        (("BITFT",), "hid:///ABCDE", DeviceLost, "'ABCDE'; there are: BITFT"),
        (("BITFT", "ABCDE"), "hid:", UnknownDevice, "ABCDE, BITFT"),
        (("BITFT", "BITFT"), "hid:///BITFT", DeviceRefused, "two relay boards"),
        (("BITFT", "BITFT"), "hid:", DeviceRefused, "two relay boards"),
    ],
)
def test_a_doubtful_choice_is_none(names: tuple[str, ...], url: str, error: type[Exception], words: str) -> None:
    boards = usb(*names)
    with pytest.raises(error, match=words):
        found(boards, url)
    assert all(board.closed for board in boards.values())


def test_a_qyf_board_has_no_name_to_be_found_by() -> None:
    with pytest.raises(UnknownDevice, match="give its path"):
        connect("relay", "hid:///ABCDE?board=qyf")


@pytest.mark.parametrize("option", ["channel=9", "board=acme", "board=qyf&channel=3"])
def test_unknown_options_are_named(option: str) -> None:
    with pytest.raises(UnknownDevice):
        connect("relay", f"hid+serial:///dev/none?{option}")


def test_a_missing_board_is_lost() -> None:
    pytest.importorskip("hid")
    with pytest.raises(DeviceLost, match="udev"):
        connect("relay", "hid:///dev/hidraw99")


class Hidapi:
    """A module in hidapi's place, with one board plugged in. `sent` is what a call gives: -1 where it failed."""

    def __init__(self) -> None:
        self.state = [*b"BITFT\x00\x00\x00"]
        self.sent = 9
        self.opened: list[bytes] = []

    def enumerate(self, vendor: int, product: int) -> list[dict[str, object]]:
        assert (vendor, product) == (0x16C0, 0x05DF)
        names = {"/dev/hidraw0": "USBRelay2", "/dev/hidraw1": "somebody's thermometer", "/dev/hidraw2": None}
        return [{"path": path.encode(), "product_string": name} for path, name in names.items()]

    def device(self) -> Hidapi:
        return self

    def open_path(self, path: bytes) -> None:
        self.opened.append(path)

    def send_feature_report(self, report: bytes) -> int:
        self.state[7] = int(report[1] == 0xFF)
        return self.sent

    def get_feature_report(self, number: int, size: int) -> list[int]:
        return self.state[:size]

    def error(self) -> str:
        return "Protocol error"

    def close(self) -> None:
        pass


@pytest.fixture
def hidapi(monkeypatch: pytest.MonkeyPatch) -> Hidapi:
    library = Hidapi()
    monkeypatch.setitem(sys.modules, "hidraw", library)  # type: ignore[arg-type]
    return library


def test_only_relay_boards_are_asked_for_their_name(hidapi: Hidapi) -> None:
    relay = connect("relay", "hid:///BITFT?channel=1")
    assert hidapi.opened == [b"/dev/hidraw0"]
    relay.pulse(0.01)
    relay.close()


def test_a_report_that_does_not_go_out_is_a_lost_device(hidapi: Hidapi) -> None:
    relay = connect("relay", "hid:")
    hidapi.sent = -1
    with pytest.raises(DeviceLost, match="Protocol error"):
        relay.pulse(0.01)
    relay.close()


def test_without_hidapi_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("hid", "hidraw"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingLibrary, match="hidapi"):
        connect("relay", "hid:///BITFT")


@pytest.fixture
def board() -> Iterator[HidSimulator]:
    """A board at work at the end of a wire."""
    stop = threading.Event()
    with PtyPort() as port:
        board = HidSimulator(port)
        runner = threading.Thread(target=board.run, args=(stop,))
        runner.start()
        yield board
        stop.set()
        runner.join()


def address(board: HidSimulator, options: str = "") -> str:
    port: Port = board.port
    assert isinstance(port, PtyPort)
    return f"hid+serial://{port.path}{options}"


def test_connecting_opens_a_contact_that_a_dead_host_left_closed(board: HidSimulator) -> None:
    board.bits = 0b11
    relay = connect("relay", address(board, "?channel=2"))
    assert board.bits == 0b01
    relay.close()


def test_a_poll_puts_right_what_somebody_else_switched(board: HidSimulator) -> None:
    relay = connect("relay", address(board))
    board.bits = 1
    relay.poll()
    assert board.command("state") == "MNSHN; closed: none; pulses: 0"
    relay.close()


def test_a_stuck_contact_is_refused_in_words(board: HidSimulator) -> None:
    relay = connect("relay", address(board))
    board.command("jam")
    with pytest.raises(DeviceRefused, match="told closed and says open"):
        relay.pulse(0.01)
    board.command("free")
    relay.pulse(0.01)
    assert board.pulses == 1
    relay.close()


def test_a_board_that_says_nothing_is_a_timeout(board: HidSimulator) -> None:
    board.command("mute")
    with pytest.raises(DeviceTimeout):
        connect("relay", address(board))


def test_closing_opens_a_held_contact(board: HidSimulator) -> None:
    relay = connect("relay", address(board))
    relay.hold(True)
    assert board.is_closed(1)
    relay.close()
    assert not board.is_closed(1)
