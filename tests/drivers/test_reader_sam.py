"""The SAM reader: bytes against the published vectors, and both halves of the protocol joined over a pty."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drivers
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout
from drivers.reader import sam
from drivers.reader._sam_cards import read_card
from drivers.reader._sam_frames import (
    CARD_NUMBER,
    FIND,
    IDENTITY,
    LONGEST,
    NEWEST_ADDRESS,
    PREAMBLE,
    RADIO_FRAME_80,
    READ,
    READ_WITH_FINGERPRINT,
    RESET,
    SELECT,
    STALE_S,
    STATUS,
    STATUSES,
    Answer,
    Command,
    Decoder,
    Stats,
    checksum,
    join_base_info,
    split_base_info,
)
from drivers.reader.sam import SamReader, SamSimulator
from drivers.transport import PtyPort, open_transport
from drivers.url import parse
from models.credential import Assurance, CardFault, CardProblem, Credential, Medium
from models.ids import DocumentType

NUMBER = "000000190001010017"
CARD = sam.resident_card("测试样本", NUMBER)
OTHER = sam.resident_card("样本测试", "999999199001010016")
PROBLEMS = (CardProblem.REJECTED, CardProblem.UNSUPPORTED, CardProblem.UNREADABLE)


# bytes


@pytest.mark.parametrize(
    ("command", "frame"),
    [
        (RESET, "AA AA AA 96 69 00 03 10 FF EC"),
        (STATUS, "AA AA AA 96 69 00 03 11 FF ED"),
        (IDENTITY, "AA AA AA 96 69 00 03 12 FF EE"),
        (FIND, "AA AA AA 96 69 00 03 20 01 22"),
        (SELECT, "AA AA AA 96 69 00 03 20 02 21"),
        (READ, "AA AA AA 96 69 00 03 30 01 32"),
        (READ_WITH_FINGERPRINT, "AA AA AA 96 69 00 03 30 10 23"),
        (NEWEST_ADDRESS, "AA AA AA 96 69 00 03 30 03 30"),
        (CARD_NUMBER, "AA AA AA 96 69 00 03 30 05 36"),
        (Command(0x60, 0x00), "AA AA AA 96 69 00 03 60 00 63"),
        (Command(0x60, 0x04), "AA AA AA 96 69 00 03 60 04 67"),
        (RADIO_FRAME_80, "AA AA AA 96 69 00 04 61 FF 50 CA"),
        (Command(0x61, 0xFF, b"\x58"), "AA AA AA 96 69 00 04 61 FF 58 C2"),
        (Answer(0x9F, bytes(4)), "AA AA AA 96 69 00 08 00 00 9F 00 00 00 00 97"),
        (Answer(0x80), "AA AA AA 96 69 00 04 00 00 80 84"),
        (Answer(0x90, bytes(8)), "AA AA AA 96 69 00 0C 00 00 90 00 00 00 00 00 00 00 00 9C"),
        (Answer(0x41), "AA AA AA 96 69 00 04 00 00 41 45"),
        (Answer(0x32), "AA AA AA 96 69 00 04 00 00 32 36"),
        (Answer(0x90), "AA AA AA 96 69 00 04 00 00 90 94"),
    ],
)
def test_frames_are_the_published_ones(command: Command | Answer, frame: str) -> None:
    assert command.to_bytes().hex(" ").upper() == frame
    assert type(command).from_bytes(bytes.fromhex(frame)) == command


def test_the_sample_card_is_the_published_one() -> None:
    start = (
        "4B 6D D5 8B 37 68 2C 67" + " 20 00" * 11 + " 31 00 30 00 31 00 31 00 39 00 30 00 30 00 30 00 31 00 30 00 31 00"
    )
    assert CARD.text[:52] == bytes.fromhex(start)
    assert checksum(CARD.text) == 0xE7
    assert sha256(CARD.text).hexdigest() == "a1443564256c8ab7b4b40c4c3e8cfea0b4b0ed9f23e64172103e77214d2ef815"


@pytest.mark.parametrize(
    ("fingerprint", "size", "head", "check"),
    [
        (None, 1295, "05 08 00 00 90 01 00 04 00", 0x7F),
        (bytes(1024), 2321, "09 0A 00 00 90 01 00 04 00 04 00", 0x75),
        (b"", 1297, "05 0A 00 00 90 01 00 04 00 00 00", 0x7D),
    ],
)
def test_base_information_is_laid_out_as_published(fingerprint: bytes | None, size: int, head: str, check: int) -> None:
    data = join_base_info(CARD.text, bytes(1024), fingerprint)
    frame = Answer(0x90, data).to_bytes()
    assert len(frame) == size
    assert frame[5:].startswith(bytes.fromhex(head))
    assert frame[-1] == check
    assert split_base_info(data, fingerprint is not None) == (CARD.text, bytes(1024))


def test_the_module_number_prints_as_published() -> None:
    data = bytes.fromhex("05 00 01 00 35 29 33 01 87 D6 12 00 D2 02 96 49")
    assert sam.module_id(data) == "05.01-20130101-0001234567-1234567890"
    assert Answer(0x90, data).to_bytes()[-1] == 0xE2


answers = st.builds(Answer, st.integers(0, 255), st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255))


@given(st.lists(answers, max_size=4), st.lists(st.integers(1, 200), max_size=30))
def test_frames_come_out_the_same_however_the_stream_is_cut(sent: list[Answer], sizes: list[int]) -> None:
    stream = b"".join(answer.to_bytes() for answer in sent)
    decoder = Decoder(Answer, Stats())
    heard, at = [], 0
    for size in [*sizes, len(stream)]:
        heard += decoder.feed(stream[at : at + size], 0.0)
        at += size
    assert heard == sent


@given(st.binary(max_size=50).filter(lambda garbage: PREAMBLE not in garbage), answers)
def test_garbage_before_a_frame_is_skipped_at_once(garbage: bytes, answer: Answer) -> None:
    assert Decoder(Answer, Stats()).feed(garbage + answer.to_bytes(), 0.0) == [answer]


@given(st.integers(400, LONGEST), answers)
def test_a_frame_that_never_ends_does_not_swallow_the_next_for_long(size: int, answer: Answer) -> None:
    decoder = Decoder(Answer, Stats())
    assert decoder.feed(PREAMBLE + size.to_bytes(2, "big") + answer.to_bytes(), 0.0) == []
    assert decoder.feed(b"", STALE_S + 0.1) == [answer]


@given(st.one_of(st.integers(0, 3), st.integers(LONGEST + 1, 65535)), answers)
def test_a_length_that_cannot_be_is_skipped_at_once(size: int, answer: Answer) -> None:
    assert Decoder(Answer, Stats()).feed(PREAMBLE + size.to_bytes(2, "big") + answer.to_bytes(), 0.0) == [answer]


@given(answers, st.data())
def test_one_spoiled_byte_is_never_taken_for_a_good_frame(answer: Answer, data: st.DataObject) -> None:
    frame = bytearray(answer.to_bytes())
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    decoder = Decoder(Answer, Stats())
    assert decoder.feed(bytes(frame), 0.0) + decoder.feed(b"", 9.0) == []


wild = st.lists(st.one_of(st.binary(max_size=40), st.just(PREAMBLE), st.just(PREAMBLE + b"\x00\x08")), max_size=20)


@given(wild)
def test_any_bytes_whatever_are_survived(chunks: list[bytes]) -> None:
    both: list[Decoder[Answer] | Decoder[Command]] = [Decoder(Answer, Stats()), Decoder(Command, Stats())]
    for decoder in both:
        for at, chunk in enumerate(chunks):
            for frame in decoder.feed(chunk, at * 0.4):
                assert frame.to_bytes() in b"".join(chunks)
        decoder.feed(b"", 1e6)
        assert not decoder.partial


@given(st.one_of(st.binary(max_size=40), wild.map(b"".join)))
def test_parsing_any_bytes_raises_nothing_but_bad_answer(data: bytes) -> None:
    for read in (Answer.from_bytes, Command.from_bytes, split_base_info):
        try:
            read(data)
        except BadAnswer:
            continue


# cards


@given(st.binary(min_size=256, max_size=256), st.sampled_from([b"", b" \0", b"J\0", b"I\0", b"Y\0"]))
def test_any_text_gives_a_credential_or_a_fault(text: bytes, flag: bytes) -> None:
    if flag:
        text = text[:248] + flag + text[250:]
    assert isinstance(read_card(text), Credential | CardFault)


FOREIGN_NUMBER = "TST000000000001"
FOREIGN_2023 = "932682198501010017"  # an agency's printed specimen


@pytest.mark.parametrize(
    ("card", "document", "number", "name", "birth", "sex", "valid_to"),
    [
        (CARD, DocumentType.RESIDENT_ID, NUMBER, "测试样本", date(1900, 1, 1), "1", None),
        (
            sam.permit_card("测试样本", NUMBER, valid_to=date(2030, 1, 2)),
            DocumentType.RESIDENCE_PERMIT,
            NUMBER,
            "测试样本",
            date(1900, 1, 1),
            "1",
            date(2030, 1, 2),
        ),
        (
            sam.foreigner_card_2017("SPECIMEN, ANNA MARIA", FOREIGN_NUMBER, date(1981, 8, 3), "2", chinese_name="安娜"),
            DocumentType.FOREIGNER_CARD,
            FOREIGN_NUMBER,
            "SPECIMEN, ANNA MARIA",
            date(1981, 8, 3),
            "2",
            date(2099, 12, 31),
        ),
        (
            sam.foreigner_card_2023("SPECIMEN, WITH A NAME LONGER THAN 35 CHARS", FOREIGN_2023, sex="9"),
            DocumentType.FOREIGNER_CARD,
            FOREIGN_2023,
            "SPECIMEN, WITH A NAME LONGER THAN 35 CHARS",
            date(1985, 1, 1),
            "9",
            date(2099, 12, 31),
        ),
    ],
)
def test_all_layouts_read_as_they_were_written(
    card: sam.Card, document: DocumentType, number: str, name: str, birth: date, sex: str, valid_to: date | None
) -> None:
    credential = read_card(card.text, card.portrait)
    assert isinstance(credential, Credential)
    assert credential.medium is Medium.CHIP_CARD
    assert credential.assurance is Assurance.AUTHENTICATED
    assert (credential.document, credential.number) == (document, number)
    assert (credential.holder.name, credential.holder.birth, credential.holder.sex) == (name, birth, sex)
    assert (credential.valid_from, credential.valid_to) == (date(2020, 1, 1), valid_to)
    assert len(credential.portrait) == 1024


def test_padding_with_nul_reads_like_padding_with_spaces() -> None:
    assert read_card(CARD.text.replace(b"\x20\x00", b"\x00\x00")) == read_card(CARD.text)


def test_an_unknown_type_of_card_is_never_guessed_at() -> None:
    text = CARD.text[:248] + b"Z\0" + CARD.text[250:]
    assert read_card(text) == CardFault(CardProblem.UNSUPPORTED, "card type 5A00")


def _with(at: int, word: str) -> bytes:
    raw = word.encode("utf-16-le")
    return CARD.text[:at] + raw + CARD.text[at + len(raw) :]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (_with(122, "000000190001010018"), "check digit"),
        (_with(122, "00000019000101001?"), "number"),
        (_with(36, "19001301"), "birth"),
        (_with(36, "１９０００１０１"), "birth"),
        (_with(188, "20200230"), "valid from"),
        (_with(204, "短期    "), "valid to"),
        (CARD.text[:-1], "text of 255 bytes"),
        (sam.foreigner_card_2017("A", "TS0000000000001").text, "number"),
    ],
)
def test_a_damaged_field_is_named_and_not_shown(text: bytes, detail: str) -> None:
    assert read_card(text) == CardFault(CardProblem.UNREADABLE, detail)


def test_a_value_too_long_for_the_card_is_refused() -> None:
    with pytest.raises(ValueError, match="name has 16 characters, the card has room for 15"):
        sam.resident_card("测" * 16, NUMBER)


# both halves over a wire


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(tmp_path / "sam") as port:
        yield port


@contextmanager
def running(module: SamSimulator) -> Iterator[SamSimulator]:
    stop = threading.Event()
    thread = threading.Thread(target=module.run, args=(stop,))
    thread.start()
    try:
        yield module
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def module(port: PtyPort) -> Iterator[SamSimulator]:
    with running(sam.simulator(port)) as module:
        yield module


def opened(port: PtyPort, more: str = "") -> SamReader:
    return sam.open(parse(f"sam+serial://{port.path}?poll_ms=5{more}"))


@pytest.fixture
def reader(port: PtyPort, module: SamSimulator) -> Iterator[SamReader]:
    reader = opened(port)
    yield reader
    reader.close()


def a_person(outcome: object) -> bool:
    return isinstance(outcome, Credential) and outcome.number == NUMBER


def nothing_comes(reader: SamReader) -> bool:
    """Several looks for a card, all in vain."""
    return all(reader.read(0.02) is None for _ in range(3))


def test_the_reader_is_found_by_its_url(port: PtyPort, module: SamSimulator) -> None:
    device = drivers.connect("reader", f"sam+serial://{port.path}?poll_ms=5&baud=115200")
    module.present(CARD)
    assert a_person(device.read(5))
    device.close()
    device.close()


def test_the_reader_greets_its_module(reader: SamReader, module: SamSimulator) -> None:
    assert reader.module_id == "05.01-20130101-0001234567-1234567890"
    assert module.asked[STATUS] == 1


def test_an_empty_field_gives_nothing(reader: SamReader) -> None:
    assert nothing_comes(reader)
    assert reader.read(0) is None


def test_a_card_that_stays_is_read_once(reader: SamReader, module: SamSimulator) -> None:
    module.present(CARD)
    assert a_person(reader.read(5))
    assert nothing_comes(reader)
    assert module.asked[NEWEST_ADDRESS] > 0, "'no card' right after a read proves nothing"
    assert module.asked[READ] == 1


def test_a_card_that_comes_again_is_read_again(reader: SamReader, module: SamSimulator) -> None:
    for _ in range(2):
        module.present(CARD)
        assert a_person(reader.read(5))
        module.remove()
        assert nothing_comes(reader)


def test_the_next_card_may_come_without_a_gap(reader: SamReader, module: SamSimulator) -> None:
    module.present(CARD)
    assert a_person(reader.read(5))
    module.present(OTHER)
    assert isinstance(reader.read(5), Credential)


def test_a_module_that_finds_a_card_again_and_again_is_heard_once(reader: SamReader, module: SamSimulator) -> None:
    module.forgetful = True
    module.present(CARD)
    assert a_person(reader.read(5))
    assert nothing_comes(reader)
    assert module.asked[READ] > 1
    module.present(OTHER)
    assert isinstance(reader.read(5), Credential)
    module.remove()
    assert nothing_comes(reader)
    module.present(OTHER)
    assert isinstance(reader.read(5), Credential)


def test_a_card_that_stays_is_told_again_where_asked_for(port: PtyPort, module: SamSimulator) -> None:
    reader = opened(port, "&again_s=0.01")
    module.present(CARD)
    assert a_person(reader.read(5))
    assert a_person(reader.read(5))
    reader.close()


def test_a_card_comes_at_the_speed_of_the_wire(port: PtyPort) -> None:
    """1295 bytes at 115,200 baud take 112 ms; read_s covers them."""
    with running(SamSimulator(port, pace=True)) as module:
        reader = opened(port)
        module.present(CARD)
        credential = reader.read(5)
        assert isinstance(credential, Credential)
        assert credential.read_s >= 0.112
        assert module.last_answer_at > 0
        reader.close()


class BadWire:
    """A port whose sent bytes arrive one by one, or after noise."""

    def __init__(self, port: PtyPort, kind: str) -> None:
        self._port, self._kind = port, kind
        self.read = port.read

    def write(self, data: bytes) -> None:
        if self._kind == "split":
            for byte in data:
                self._port.write(bytes([byte]))
        if self._kind == "noise":
            self._port.write(b"\x00\xff\xaa\xaa" + data + b"\xaa\xaa\xaa\x96")
        if self._kind == "late frame first":
            self._port.write(Answer(0x90).to_bytes() + data)


@pytest.mark.parametrize("kind", ["split", "noise"])
def test_a_card_is_read_over_a_bad_wire(port: PtyPort, kind: str) -> None:
    with running(SamSimulator(BadWire(port, kind))) as module:
        reader = opened(port)
        module.present(CARD)
        assert a_person(reader.read(5))
        reader.close()


def test_an_answer_to_another_question_is_passed_over(port: PtyPort) -> None:
    with running(SamSimulator(BadWire(port, "late frame first"))) as module:
        reader = opened(port)
        module.present(CARD)
        assert a_person(reader.read(5))
        reader.close()


class WildPort:
    """A port that sends the next of `replies` in place of each answer, as long as there are any."""

    def __init__(self, port: PtyPort) -> None:
        self._port, self.replies = port, list[bytes]()
        self.read = port.read

    def write(self, data: bytes) -> None:
        self._port.write(self.replies.pop(0) if self.replies else data)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.one_of(answers.map(Answer.to_bytes), wild.map(b"".join)), min_size=1, max_size=6))
def test_whatever_a_module_sends_the_reader_recovers(replies: list[bytes]) -> None:
    """Any bytes give an outcome or a declared error in good time, and then the reader works on."""
    with PtyPort() as port, running(SamSimulator(wild_port := WildPort(port))) as module:
        reader = opened(port, "&answer_s=0.1")
        reader.read(0)
        wild_port.replies = replies
        while wild_port.replies:
            with suppress(DeviceTimeout, BadAnswer, DeviceRefused):
                assert not a_person(reader.read(0.01))
        with suppress(DeviceTimeout, BadAnswer, DeviceRefused):
            reader.read(0.01)
        module.present(CARD)
        assert isinstance(reader.read(5), Credential)
        reader.close()


def test_a_garbled_answer_is_asked_for_again(reader: SamReader, module: SamSimulator) -> None:
    module.spoil_checksum(1)
    module.present(CARD)
    assert a_person(reader.read(5))
    assert (reader.stats.checksum_errors, reader.stats.retries) == (1, 1)


def test_two_garbled_answers_are_a_bad_answer_about_a_card(reader: SamReader, module: SamSimulator) -> None:
    module.spoil_checksum(2)
    module.present(CARD)
    with pytest.raises(BadAnswer, match="checksum") as caught:
        reader.read(5)
    assert caught.value.card_present
    module.remove()
    assert nothing_comes(reader)
    module.present(CARD)
    assert a_person(reader.read(5)), "the reader has recovered"


def test_garbled_answers_without_a_card_say_so(reader: SamReader, module: SamSimulator) -> None:
    module.spoil_checksum(2, FIND)
    with pytest.raises(BadAnswer) as caught:
        reader.read(5)
    assert not caught.value.card_present


def test_a_lost_answer_is_asked_for_again(port: PtyPort, module: SamSimulator) -> None:
    reader = opened(port, "&answer_s=0.2")
    module.lose(1)
    module.present(CARD)
    assert a_person(reader.read(5))
    assert reader.stats.timeouts == 1
    reader.close()


def test_a_module_that_falls_silent_is_a_timeout(port: PtyPort, module: SamSimulator) -> None:
    reader = opened(port, "&answer_s=0.2")
    module.mute = True
    with pytest.raises(DeviceTimeout):
        reader.read(5)
    module.mute = False
    module.present(CARD)
    assert a_person(reader.read(5))
    reader.close()


def test_a_silent_module_does_not_open_and_leaves_the_port_free(port: PtyPort, module: SamSimulator) -> None:
    module.mute = True
    with pytest.raises(DeviceTimeout):
        opened(port, "&answer_s=0.1")
    module.mute = False
    opened(port).close()


def test_an_unplugged_reader_is_lost_and_comes_back(port: PtyPort, reader: SamReader, module: SamSimulator) -> None:
    port.unplug()
    with pytest.raises(DeviceLost):
        reader.read(5)
    reader.close()
    with pytest.raises(DeviceLost):
        opened(port)
    port.replug()
    back = opened(port)
    module.present(CARD)
    assert a_person(back.read(5))
    back.close()


def test_a_plug_pulled_between_two_looks_is_heard_at_once(port: PtyPort, module: SamSimulator) -> None:
    reader = sam.open(parse(f"sam+serial://{port.path}?poll_ms=5000"))
    assert reader.read(0) is None
    threading.Timer(0.02, port.unplug).start()
    with pytest.raises(DeviceLost):
        reader.read(4)
    reader.close()


def test_the_heartbeat_goes_on_while_nobody_comes(port: PtyPort, module: SamSimulator) -> None:
    stream = open_transport(parse(f"sam+serial://{port.path}"), 115200)
    reader = SamReader(stream, poll_s=0.004, heartbeat_s=0.012)
    while module.asked[FIND] < 9:
        assert reader.read(0.01) is None
    assert module.asked[STATUS] == 1 + module.asked[FIND] // 3, "one greeting, and one for every three looks"
    reader.close()


# what the module's statuses make the driver do


@pytest.mark.parametrize("status", [0x10, 0x11, 0x21])
def test_a_question_not_understood_is_sent_again(reader: SamReader, module: SamSimulator, status: int) -> None:
    module.force(READ, status)
    module.present(CARD)
    assert a_person(reader.read(5))
    assert (module.asked[READ], module.asked[RESET], reader.stats.retries) == (2, 0, 1)


@pytest.mark.parametrize("status", [0x10, 0x11, 0x21])
def test_a_question_not_understood_twice_resets_the_module(
    reader: SamReader, module: SamSimulator, status: int
) -> None:
    module.force(READ, status, 2)
    module.present(CARD)
    assert a_person(reader.read(5))
    assert module.asked[RESET] == 1


@pytest.mark.parametrize("status", [0x24, 0x55])
def test_an_unrecognised_error_resets_the_module(reader: SamReader, module: SamSimulator, status: int) -> None:
    module.force(SELECT, status)
    module.present(CARD)
    assert a_person(reader.read(5))
    assert module.asked[RESET] == 1


def test_a_module_that_resets_do_not_cure_is_refused(reader: SamReader, module: SamSimulator) -> None:
    module.force(FIND, 0x24, 50)
    with pytest.raises(DeviceRefused, match=r"24 \(unrecognised error\)"):
        reader.read(5)


@pytest.mark.parametrize(
    ("command", "status"), [(READ, 0x23), (SELECT, 0x81), (READ, 0x41), (READ, 0x47), (READ, 0x91)]
)
def test_a_failed_read_begins_again_by_itself(
    reader: SamReader, module: SamSimulator, command: Command, status: int
) -> None:
    module.force(command, status, 2)
    module.present(CARD)
    assert a_person(reader.read(5))
    assert module.asked[RESET] == 0


def test_a_card_pulled_too_soon_is_to_be_presented_again(reader: SamReader, module: SamSimulator) -> None:
    module.pull_during_read = True
    module.present(CARD)
    assert reader.read(5) == CardFault(CardProblem.UNREADABLE, "41 (card read failed)")
    assert nothing_comes(reader)
    module.present(CARD)
    assert a_person(reader.read(5))


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (0x31, CardProblem.REJECTED),
        (0x32, CardProblem.REJECTED),
        (0x33, CardProblem.REJECTED),
        (0x40, CardProblem.UNSUPPORTED),
        (0x41, CardProblem.UNREADABLE),
        (0x47, CardProblem.UNREADABLE),
    ],
)
def test_a_bad_card_is_told_once_however_long_it_stays(
    reader: SamReader, module: SamSimulator, status: int, problem: CardProblem
) -> None:
    for _ in range(2):
        module.present(CARD, read_status=status)
        fault = reader.read(5)
        assert isinstance(fault, CardFault)
        assert (fault.problem, fault.detail[:2]) == (problem, f"{status:02X}")
        assert nothing_comes(reader)
        module.remove()
        assert nothing_comes(reader)
    module.present(CARD)
    assert a_person(reader.read(5))


def test_a_bad_card_that_reads_at_last_is_welcome(reader: SamReader, module: SamSimulator) -> None:
    module.force(READ, 0x41, 5)
    module.present(CARD)
    assert isinstance(reader.read(5), CardFault)
    assert a_person(reader.read(5))


@pytest.mark.parametrize("status", [0x60, 0x66])
def test_a_module_out_of_order_is_refused(port: PtyPort, module: SamSimulator, status: int) -> None:
    module.force(STATUS, status)
    with pytest.raises(DeviceRefused, match=f"out of order: {status:02X}"):
        opened(port)
    reader = opened(port)
    module.force(FIND, status)
    with pytest.raises(DeviceRefused, match=f"out of order: {status:02X}"):
        reader.read(5)
    reader.close()


@pytest.mark.parametrize("status", [*STATUSES, 0x00, 0x55, 0xFF])
@pytest.mark.parametrize("command", [FIND, SELECT, READ, NEWEST_ADDRESS])
def test_no_status_at_any_step_keeps_the_reader_from_going_on(
    port: PtyPort, module: SamSimulator, command: Command, status: int
) -> None:
    """Whatever the module says once, the reader reads the next card, or says why not in a declared error."""
    reader = opened(port, "&answer_s=0.2")
    module.force(command, status)
    module.present(CARD)
    try:
        outcome = reader.read(5)
        assert a_person(outcome) or (isinstance(outcome, CardFault) and outcome.problem in PROBLEMS)
        reader.read(0.02)
    except (DeviceRefused, BadAnswer):
        pass
    module.remove()
    reader.read(0.02)
    module.present(OTHER)
    assert isinstance(reader.read(5), Credential)
    reader.close()


@pytest.mark.parametrize("old", [False, True])
def test_fingerprints_are_thrown_away(port: PtyPort, module: SamSimulator, old: bool) -> None:
    module.old = old
    reader = opened(port, "&fingerprint=1")
    module.present(sam.Card(CARD.text, fingerprint=bytes(1024)))
    credential = reader.read(5)
    assert isinstance(credential, Credential)
    assert a_person(credential)
    assert len(credential.portrait) == 1024
    reader.close()


# tapes, and driving the simulated module by hand


def test_a_tape_of_a_card_reads_the_same_card(port: PtyPort, module: SamSimulator, tmp_path: Path) -> None:
    module.present(CARD)
    live = drivers.connect("reader", f"sam+spy+serial://{port.path}?poll_ms=5&tape={tmp_path}/a.tape")
    heard = live.read(5)
    live.close()
    replay = drivers.connect("reader", f"sam+replay://{tmp_path}/a.tape?poll_ms=5")
    assert a_person(heard)
    assert a_person(replay.read(5))
    with pytest.raises(DeviceLost, match="over"):
        replay.read(5)


def test_a_hand_can_drive_the_module(reader: SamReader, module: SamSimulator) -> None:
    assert module.command("state") == "no card"
    assert module.command(f"present resident 测试样本 {NUMBER} to=20300101 sex=2") == "ok"
    credential = reader.read(5)
    assert isinstance(credential, Credential)
    assert (credential.valid_to, credential.holder.sex) == (date(2030, 1, 1), "2")
    assert nothing_comes(reader)
    assert module.command("state") == "a card, read"
    assert module.command("remove") == "ok"
    assert nothing_comes(reader)
    assert module.command(f"forged resident 测试样本 {NUMBER}") == "ok"
    fault = reader.read(5)
    assert isinstance(fault, CardFault)
    assert fault.problem is CardProblem.REJECTED
    assert module.command(f"present foreigner2017 'SPECIMEN, ANNA' {FOREIGN_NUMBER} birth=19810803") == "ok"
    credential = reader.read(5)
    assert isinstance(credential, Credential)
    assert credential.holder.name == "SPECIMEN, ANNA"
    for line in ("spoil 1", "lose 1 find", "status read 41 2", "mute on", "mute off", "old on", "pull", "stranger"):
        assert module.command(line) == "ok", line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "'' is not known here, there are: present, forged"),
        ("dance", "'dance' is not known here"),
        ("present resident", "expected KIND NAME NUMBER"),
        ("present cat Tom 1", "'cat' is not known here"),
        (f"present resident 样本 {NUMBER} birth=tomorrow", "tomorrow"),
        (f"present resident 样本 {NUMBER} colour=red", "colour"),
        ("mute maybe", "mute on, or mute off"),
        ("spoil", "error"),
        ("spoil 1 everything", "'everything' is not known"),
        ("present 'unclosed", "No closing quotation"),
    ],
)
def test_a_line_that_makes_no_sense_is_answered_so(module: SamSimulator, line: str, words: str) -> None:
    answer = module.command(line)
    assert answer.startswith("error: ")
    assert words in answer
