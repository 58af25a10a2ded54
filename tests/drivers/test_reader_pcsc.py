"""The PC/SC reader: real pyscard, real pcscd, simulated cards; then what needs no wire."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

if os.environ.get("MENSHEN_REAL_STACK") != "required":
    pytest.importorskip("smartcard", reason="pyscard is not installed")

from drivers import connect
from drivers.errors import BadAnswer, DeviceLost, DeviceTimeout, DriverError, UnknownDevice
from drivers.reader._pcsc_cards import Card, Decoding, UidReading, is_classic, is_random
from drivers.reader._pcsc_desfire import DesfireFile, DesfireReading, Secrecy, Session, cmac
from drivers.reader._pcsc_slot import CardGone, CardSlot, with_length
from drivers.reader._pcsc_virtual import (
    BENCH_APP,
    BENCH_KEY,
    CLASSIC_ATR,
    ULTRALIGHT_ATR,
    ClassicCard,
    DesfireCard,
    PcscBench,
    SocialCard,
    UidCard,
)
from models.credential import Assurance, CardFault, CardProblem, Credential, Medium
from models.ids import DocumentType, check_digit
from tests.pcsc_stack import EVENT_S, READER, PcscStack, _pcscd_users, occupied, pcscd, until  # noqa: F401

LOOK_S = 0.05
NUMBER = "00000019900101001" + check_digit("00000019900101001")
CLASSIC_KEY = bytes.fromhex("A1B2C3D4E5F6")
ADDRESS = "pcsc:///" + READER.replace(" ", "%20")


class Hand:
    """A reader at work, and cards for it."""

    def __init__(self, stack: PcscStack, options: str) -> None:
        self.stack = stack
        self.device = connect("reader", f"{ADDRESS}?{options}")

    def tap(self, chip: Any) -> Any:
        """Lay a card on, and give what the reader makes of it."""
        self.stack.sweep()
        self.stack.card(chip).insert()
        return self.next()

    def next(self) -> Any:
        """What the reader gives next, an error too."""
        ends = time.monotonic() + EVENT_S
        while time.monotonic() < ends:
            try:
                outcome = self.device.read(LOOK_S)
            except DriverError as error:
                return error
            if outcome is not None:
                return outcome
        raise AssertionError("the card gave nothing")


@pytest.fixture
def hand(pcscd: PcscStack) -> Iterator[Callable[[str], Hand]]:  # noqa: F811
    made: list[Hand] = []

    def make(options: str) -> Hand:
        made.append(Hand(pcscd, options))
        return made[-1]

    yield make
    for one in made:
        one.device.close()
        one.device.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("pcsc-")]


@pytest.fixture
def secret(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(key: bytes) -> Path:
        path = tmp_path / f"key-{len(key)}"
        path.write_bytes(key)
        path.chmod(0o600)
        return path

    return write


Hands = Callable[[str], Hand]
Secrets = Callable[[bytes], Path]


def test_a_uid_is_read_once_a_tap_and_proves_nothing(hand: Hands) -> None:
    reader = hand("cards=uid")
    for digits in ("04A1B2C3D4E5F6", "0102030405060708090A"):
        found = reader.tap(UidCard(bytes.fromhex(digits)))
        assert isinstance(found, Credential)
        assert (found.number, found.document, found.assurance) == (digits, DocumentType.CARD_UID, Assurance.UID_ONLY)
        assert found.medium is Medium.CONTACTLESS_CARD
        assert found.read_s > 0
        assert [reader.device.read(LOOK_S) for _ in range(6)] == [None] * 6


def test_a_random_uid_is_refused(hand: Hands) -> None:
    found = hand("cards=uid").tap(UidCard(bytes.fromhex("08A1B2C3")))
    assert isinstance(found, CardFault)
    assert found.problem is CardProblem.UNSUPPORTED


@pytest.mark.parametrize("key_b", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_block_of_a_classic_is_read_with_its_key(hand: Hands, secret: Secrets, key_b: bool) -> None:
    options = f"cards=classic&block=6&key={secret(CLASSIC_KEY)}&decode=gbk&slice=2:12&key_type={'AB'[key_b]}"
    found = hand(options).tap(ClassicCard(6, b"\x01\x02" + "年票0042".encode("gbk"), CLASSIC_KEY, key_b=key_b))
    assert isinstance(found, Credential)
    assert (found.number, found.assurance, found.uid) == ("年票0042", Assurance.UID_ONLY, bytes.fromhex("DEADBEEF"))


@pytest.mark.slow
def test_a_classic_with_another_key_is_rejected_and_not_read_as_something_else(hand: Hands, secret: Secrets) -> None:
    reader = hand(f"cards=classic,uid&block=6&key={secret(CLASSIC_KEY)}")
    found = reader.tap(ClassicCard(6, b"M1", bytes(6)))
    assert isinstance(found, CardFault)
    assert found.problem is CardProblem.REJECTED
    assert CLASSIC_KEY.hex() not in found.detail.lower()
    wrong_side = reader.tap(ClassicCard(6, b"M1", CLASSIC_KEY, key_b=True))
    assert isinstance(wrong_side, CardFault)


def test_a_desfire_proves_its_key_and_then_says_who_it_is(hand: Hands, secret: Secrets) -> None:
    reader = hand(f"cards=desfire,uid&app={BENCH_APP:06X}&key={secret(BENCH_KEY)}")
    found = reader.tap(DesfireCard(BENCH_APP, BENCH_KEY))
    assert isinstance(found, Credential)
    assert (found.number, found.assurance) == ("04112233445566", Assurance.AUTHENTICATED)
    other = reader.tap(UidCard(bytes.fromhex("04000000000001")))
    assert isinstance(other, Credential)
    assert other.assurance is Assurance.UID_ONLY


@pytest.mark.slow
def test_a_desfire_with_another_key_is_rejected_and_not_read_by_its_uid(hand: Hands, secret: Secrets) -> None:
    reader = hand(f"cards=desfire,uid&app={BENCH_APP:06X}&key={secret(BENCH_KEY)}")
    found = reader.tap(DesfireCard(BENCH_APP, BENCH_KEY[::-1]))
    assert isinstance(found, CardFault)
    assert found.problem is CardProblem.REJECTED


@pytest.mark.parametrize("mode", list(Secrecy))
def test_a_file_of_a_desfire_is_read_in_several_frames(hand: Hands, secret: Secrets, mode: Secrecy) -> None:
    content = bytes(range(1, 121)) + b"MEMBER-0042" + bytes(69)
    options = f"app={BENCH_APP:06X}&key={secret(BENCH_KEY)}&file=1&file_bytes=200&file_mode={mode}&decode=ascii"
    reader = hand(f"cards=desfire&{options}&slice=120:140&document=ticket_code")
    found = reader.tap(DesfireCard(BENCH_APP, BENCH_KEY, file=content, full=mode is Secrecy.FULL))
    assert isinstance(found, Credential)
    assert (found.number, found.document) == ("MEMBER-0042", DocumentType.TICKET_CODE)
    assert found.assurance is Assurance.AUTHENTICATED


@pytest.mark.parametrize("by_tag", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_social_security_card_gives_its_free_part_and_proves_nothing(hand: Hands, by_tag: bool) -> None:
    found = hand("cards=social").tap(SocialCard(NUMBER, by_tag=by_tag))
    assert isinstance(found, Credential)
    assert (found.number, found.document, found.assurance) == (NUMBER, DocumentType.RESIDENT_ID, Assurance.UID_ONLY)
    assert (found.holder.name, found.holder.sex, found.holder.birth) == ("测试样本", "1", date(1990, 1, 1))


@pytest.mark.slow
def test_a_social_security_number_with_a_wrong_check_digit_is_no_number(hand: Hands) -> None:
    found = hand("cards=social").tap(SocialCard(NUMBER[:17] + ("1" if NUMBER[17] == "0" else "0")))
    assert isinstance(found, CardFault)
    assert found.problem is CardProblem.UNREADABLE
    assert NUMBER[:6] not in found.detail


@pytest.mark.slow
def test_a_card_of_no_kind_that_was_asked_for_is_unsupported(hand: Hands) -> None:
    found = hand("cards=social").tap(UidCard())
    assert isinstance(found, CardFault)
    assert found.problem is CardProblem.UNSUPPORTED


class Beeping(UidCard):
    """A card on an ACR122U, which takes commands of its own."""

    def __init__(self, heard: list[bytes]) -> None:
        super().__init__()
        self._heard = heard

    def answer(self, apdu: bytes) -> bytes:
        self._heard.append(apdu[:3])
        return super().answer(apdu)


@pytest.mark.slow
def test_the_beep_is_turned_off_once(hand: Hands) -> None:
    reader, heard = hand("cards=uid&buzzer=0"), list[bytes]()
    for _ in range(2):
        assert isinstance(reader.tap(Beeping(heard)), Credential)
    assert heard.count(bytes.fromhex("FF0052")) == 1


@pytest.mark.slow
def test_a_pcscd_that_hangs_is_told_in_time(hand: Hands) -> None:
    reader = hand("cards=uid")
    reader.stack.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(DeviceTimeout):
            reader.device.read(LOOK_S)
        assert time.monotonic() - began < EVENT_S
    finally:
        reader.stack.signal(signal.SIGCONT)
    for thread in threading.enumerate():
        if thread.name == "pcsc-call":
            thread.join(EVENT_S)
    assert isinstance(reader.tap(UidCard()), Credential)


class Pulled(UidCard):
    """A card that is torn away while it is asked for its UID."""

    def __init__(self, pull: Callable[[], None]) -> None:
        super().__init__()
        self._pull = pull

    def answer(self, apdu: bytes) -> bytes:
        self._pull()
        return super().answer(apdu)


def test_a_card_torn_away_is_told_and_the_next_one_is_read(hand: Hands) -> None:
    reader = hand("cards=uid")
    error = reader.tap(Pulled(lambda: reader.stack._cards[-1].remove()))
    assert isinstance(error, CardGone)
    assert error.card_present
    assert isinstance(reader.tap(UidCard()), Credential)


@pytest.mark.slow
def test_a_card_that_went_and_came_while_nobody_looked_is_a_new_one(hand: Hands) -> None:
    reader = hand("cards=uid")
    assert isinstance(reader.tap(UidCard()), Credential)
    reader.stack.sweep()
    reader.stack.card(UidCard()).insert()
    until(lambda: occupied()[0], "pcscd has met the second card")  # the driver has not looked since the first
    assert isinstance(reader.next(), Credential)
    assert [reader.device.read(LOOK_S) for _ in range(6)] == [None] * 6


class Hung(UidCard):
    """A card that does not answer until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def answer(self, apdu: bytes) -> bytes:
        self.let_go.wait(30)
        return super().answer(apdu)


def test_a_card_that_hangs_is_given_up_in_time_and_the_next_one_is_read(hand: Hands) -> None:
    reader = hand("cards=uid&answer_s=0.3")
    hung = Hung()
    reader.stack.card(hung).insert()
    began = time.monotonic()
    assert isinstance(reader.next(), DeviceTimeout)
    assert time.monotonic() - began < EVENT_S
    began = time.monotonic()
    assert reader.device.read(LOOK_S) is None
    assert time.monotonic() - began < 1.0
    hung.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "pcsc-call":
            thread.join(EVENT_S)  # the call that was left behind ends, and gives the card back
    assert isinstance(reader.tap(UidCard()), Credential)


@pytest.mark.slow
def test_reading_goes_on_after_pcscd_was_killed(hand: Hands) -> None:
    reader = hand("cards=uid")
    assert isinstance(reader.tap(UidCard()), Credential)
    reader.stack.kill()
    for _ in range(2):
        with pytest.raises(DeviceLost):
            reader.device.read(1.0)
    with pytest.raises(DeviceLost):
        connect("reader", ADDRESS)
    reader.stack.start()
    _until_found(reader)
    assert isinstance(reader.tap(UidCard()), Credential)


@pytest.mark.slow
def test_pcscd_killed_while_a_card_is_read_is_a_lost_device(hand: Hands) -> None:
    reader = hand("cards=uid&answer_s=5")
    error = reader.tap(Pulled(reader.stack.kill))
    assert isinstance(error, DeviceLost | CardGone)
    reader.stack.start()
    _until_found(reader)
    assert isinstance(reader.tap(UidCard()), Credential)


def _until_found(reader: Hand) -> None:
    ends = time.monotonic() + 2 * EVENT_S
    while time.monotonic() < ends:
        try:
            reader.device.read(LOOK_S)
        except DeviceLost:
            continue
        return
    raise AssertionError("the driver did not find pcscd again")


@pytest.mark.slow
def test_read_keeps_its_timeout_and_after_close_the_device_is_lost(hand: Hands) -> None:
    reader = hand("cards=uid")
    for timeout_s in (0.0, 0.05, 0.5):
        began = time.monotonic()
        assert reader.device.read(timeout_s) is None
        assert timeout_s <= time.monotonic() - began < timeout_s + 1.0
    reader.device.close()
    with pytest.raises(DeviceLost):
        reader.device.read(LOOK_S)


def test_the_slot_can_be_closed_while_somebody_waits(pcscd: PcscStack) -> None:  # noqa: F811
    slot = CardSlot(READER)
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(DeviceLost):
            slot.wait(30)
        ended.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    slot.close()
    assert ended.wait(EVENT_S)
    waiter.join()


@pytest.mark.slow
def test_readers_are_found_by_part_of_their_name(pcscd: PcscStack) -> None:  # noqa: F811
    CardSlot("pcd 00 00").close()
    with pytest.raises(UnknownDevice, match="several readers"):
        CardSlot("Virtual")
    with pytest.raises(DeviceLost, match="no reader is called 'ACR122'"):
        CardSlot("ACR122")


class Parted(UidCard):
    """A card that holds back (61 xx) and names lengths (6C xx), as contact cards do."""

    def answer(self, apdu: bytes) -> bytes:
        if apdu == bytes.fromhex("00B0000000"):
            return bytes.fromhex("6C04")
        if apdu == bytes.fromhex("00B0000004"):
            return bytes.fromhex("AABBCCDD9000")
        if apdu == bytes.fromhex("00A4000C023F00"):
            return bytes.fromhex("6102")
        if apdu == bytes.fromhex("00C0000002"):
            return bytes.fromhex("01026101")
        if apdu == bytes.fromhex("00C0000001"):
            return bytes.fromhex("039000")
        return bytes.fromhex("6100")


def test_what_a_card_holds_back_is_fetched(pcscd: PcscStack) -> None:  # noqa: F811
    pcscd.card(Parted()).insert()
    with closing(CardSlot(READER)) as slot:
        card = slot.wait(EVENT_S)
        assert card is not None
        with closing(card):
            assert card.atr == ULTRALIGHT_ATR
            assert card.transmit(bytes.fromhex("00B0000000")) == bytes.fromhex("AABBCCDD9000")
            assert card.transmit(bytes.fromhex("00A4000C023F00")) == bytes.fromhex("0102039000")
            with pytest.raises(BadAnswer, match="no end"):
                card.transmit(bytes.fromhex("00CA000000"))


@pytest.mark.slow
def test_the_bench_lays_cards_on_by_hand(pcscd: PcscStack) -> None:  # noqa: F811
    bench = PcscBench()
    with closing(bench), closing(connect("reader", bench.url + "?cards=uid")) as reader:
        assert bench.command("uid 04A1B2C3D4E5F6") == "done: uid"
        found = reader.read(EVENT_S)
        assert isinstance(found, Credential)
        assert found.number == "04A1B2C3D4E5F6"
        assert bench.command("uid XY") == "the UID is given in hexadecimal digits"
        assert bench.command("remove") == "removed"
        bench.unplug()
        assert bench.command("social").startswith("unplugged")
        assert bench.command("help").startswith("commands")


# From here on without pcscd.


class Wire:
    """A chip at hand: no reader between."""

    def __init__(self, chip: Any, spoil: Callable[[bytes], bytes] = lambda answer: answer) -> None:
        self.atr, self._chip, self._spoil = chip.atr, chip, spoil

    def transmit(self, apdu: bytes) -> bytes:
        return self._spoil(self._chip.answer(apdu))


def test_the_mac_is_that_of_rfc_4493() -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    message = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411")
    assert cmac(key, b"").hex() == "bb1d6929e95937287fa37d129b756746"
    assert cmac(key, message[:16]).hex() == "070a16b46b4d4144f79bdd9dd04a287c"
    assert cmac(key, message).hex() == "dfa66747de9ae63030ca32611497c827"


@given(st.binary(max_size=100))
def test_what_one_side_enciphers_the_other_deciphers(data: bytes) -> None:
    card, reader = Session(BENCH_KEY), Session(BENCH_KEY)
    for _ in range(2):  # the second hangs on the first
        assert reader.decipher(card.encipher(data), len(data)) == data


@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(Secrecy))
def test_a_bit_changed_on_the_way_never_makes_another_card(at: int, flip: int, mode: Secrecy) -> None:
    """Whatever byte of the whole conversation is changed: a fault, a declared error or nothing, or the same number."""
    passed = 0

    def spoil(answer: bytes) -> bytes:
        nonlocal passed
        out = bytearray(answer)
        if passed <= at % 150 < passed + len(out):
            out[at % 150 - passed] ^= flip
        passed += len(out)
        return bytes(out)

    chip = DesfireCard(BENCH_APP, BENCH_KEY, file=b"0123456789ABCDEF" * 2, full=mode is Secrecy.FULL)
    reading = DesfireReading(BENCH_APP, BENCH_KEY, file=DesfireFile(1, 32, secrecy=mode))
    try:
        found = reading.read(Wire(chip, spoil))
    except BadAnswer:
        return
    assert not isinstance(found, Credential) or found.number == (b"0123456789ABCDEF" * 2).hex().upper()


@given(st.binary(min_size=2, max_size=40))
def test_no_answer_upsets_the_reading_of_a_uid(answer: bytes) -> None:
    card: Card = Wire(UidCard(), lambda _: answer)
    found = UidReading().read(card)
    assert found is None or isinstance(found, Credential | CardFault)


def test_a_copy_that_does_not_know_the_key_is_rejected() -> None:
    class Mirror(DesfireCard):
        """It repeats what it once saw of a true card."""

        def answer(self, apdu: bytes) -> bytes:
            if apdu[:2] == b"\x90\xaf":
                return bytes(16) + bytes.fromhex("9100")
            return super().answer(apdu)

    found = DesfireReading(BENCH_APP, BENCH_KEY).read(Wire(Mirror(BENCH_APP, BENCH_KEY)))
    assert isinstance(found, CardFault)
    assert found.problem is CardProblem.REJECTED


def test_bytes_are_spelled_as_configured() -> None:
    assert Decoding.HEX.text(b"\x0a\xff") == "0AFF"
    assert Decoding.BCD.text(bytes.fromhex("20260042FF")) == "20260042"
    assert Decoding.ASCII.text(b"A17 \x00\x00") == "A17"
    for decoding, data in ((Decoding.BCD, b"\x1a"), (Decoding.ASCII, b"\x80"), (Decoding.ASCII, b"A\x01B")):
        with pytest.raises(ValueError, match=r"not|decode"):
            decoding.text(data)


def test_random_uids_and_classics_are_known_by_their_first_bytes() -> None:
    assert is_random(bytes.fromhex("08112233"))
    assert not is_random(bytes.fromhex("08112233445566"))
    assert is_classic(CLASSIC_ATR)
    assert not is_classic(ULTRALIGHT_ATR)


def test_the_right_length_takes_the_place_of_the_wrong_one() -> None:
    assert with_length(bytes.fromhex("00B0000000"), 4).hex() == "00b0000004"
    assert with_length(bytes.fromhex("00B00000"), 4).hex() == "00b0000004"
    assert with_length(bytes.fromhex("00A4000C023F00"), 4).hex() == "00a4000c023f0004"
    assert with_length(bytes.fromhex("00A4000C023F0000"), 4).hex() == "00a4000c023f0004"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("cards=uid,desfir", "did you mean 'desfire'"),
        ("cards=uid,uid", "twice"),
        ("cards=classic", "give key=FILE"),
        ("cards=desfire", "give app="),
        ("cards=desfire&app=4D454E&key=/nowhere", "is missing"),
        ("cards=classic&key={key}", "exactly 6 bytes"),
        ("cards=desfire&app=4D454E&key={zeros}", "everybody knows"),
        ("cards=classic&key={short}&slice=8:2", "first:end"),
        ("cards=classic&key={short}&decode=utf8", "one of"),
    ],
)
def test_options_that_do_not_fit_are_named(tmp_path: Path, options: str, words: str) -> None:
    files = {"key": BENCH_KEY, "zeros": bytes(16), "short": CLASSIC_KEY}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    with pytest.raises(UnknownDevice, match=words):
        connect("reader", f"{ADDRESS}?" + options.format(**{name: tmp_path / name for name in files}))


def test_a_relative_key_is_one_of_the_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: Secrets
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    name = secret(CLASSIC_KEY).name
    with pytest.raises(UnknownDevice, match="exactly 16 bytes"):
        connect("reader", f"{ADDRESS}?cards=desfire&app=4D454E&key={name}")
