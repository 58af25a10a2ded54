"""Scanners on a line: the vendors' bytes, codes out of any stream, and what a code is worth."""

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import connect
from drivers.errors import BadAnswer, DeviceRefused, UnknownDevice
from drivers.reader._code_desk import CodeDesk, Dressing, Trust, open_desk
from drivers.reader._code_lines import MOST_BYTES, CodeCutter, End, TooLong
from drivers.reader._code_triggers import FAMILIES, crc16_xmodem, gm65, newland, ssi
from drivers.reader.line import LineReader, LineSimulator
from drivers.transport import PtyPort
from drivers.url import parse
from models.code import SignedCode
from models.credential import Assurance, CardFault, CardProblem, Credential, Medium
from models.ids import DocumentType
from models.store.code_signature import RotatingSecret, code_keys, sign_code, sign_rotating_code
from models.store.key_file import write_secret
from models.store.public_key import KeyUse, PublicKey, write_public_key
from tests.examples import examples

ISSUER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = ISSUER.public_key().public_bytes_raw()
NOW = 1_800_000_000.0
CODE = SignedCode("hall", "T-17", int(NOW) - 60, int(NOW) + 86_400)
SECRET = RotatingSecret(b"s" * 32)
ENDS = {End.CR: b"\r", End.LF: b"\n", End.CRLF: b"\r\n", End.TAB: b"\t"}

texts = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=20)


# bytes


@pytest.mark.parametrize(
    ("words", "frame"),
    [
        (FAMILIES["gm65"].start, "7E 00 08 01 00 02 01 AB CD"),
        (FAMILIES["gm65"].stop, "7E 00 08 01 00 02 00 AB CD"),
        (gm65(8, 2, b"\x01"), "7E 00 08 01 00 02 01 02 DA"),
        (gm65(9, 0, b"\x00"), "7E 00 09 01 00 00 00 DE C8"),
        (gm65(7, 0x2A, b"\x02"), "7E 00 07 01 00 2A 02 D8 0F"),
        (gm65(8, 0xD9, b"\x50", checked=False), "7E 00 08 01 00 D9 50 AB CD"),
        (FAMILIES["gm65"].replies[0], "02 00 00 01 00 33 31"),
        (FAMILIES["honeywell"].start, "16 54 0D"),
        (FAMILIES["honeywell"].stop, "16 55 0D"),
        (newland(b"SCNTRG1"), "7E 01 30 30 30 30 23 53 43 4E 54 52 47 31 3B 03"),
        (newland(b"SCNTRG0"), "7E 01 30 30 30 30 23 53 43 4E 54 52 47 30 3B 03"),
        (ssi(0xE4), "04 E4 04 00 FF 14"),
        (ssi(0xE5), "04 E5 04 00 FF 13"),
        (ssi(0xE9), "04 E9 04 00 FF 0F"),
        (ssi(0xEA), "04 EA 04 00 FF 0E"),
        (FAMILIES["cipherlab"].start, "45"),
        (FAMILIES["cipherlab"].stop, "44"),
    ],
)
def test_commands_are_the_vendors_byte_for_byte(words, frame):
    assert words == bytes.fromhex(frame)


def test_the_checksum_is_xmodems():
    assert crc16_xmodem(b"123456789") == 0x31C3
    reply = FAMILIES["gm65"].replies[0]
    assert crc16_xmodem(reply[2:-2]) == int.from_bytes(reply[-2:], "big")


# framing


def cut(cutter, pieces):
    """The codes in `pieces`, which come at once, and after a long silence."""
    out = [code for piece in pieces for code in cutter.feed(piece, 0.0)]
    return out + cutter.quiet(100.0)


def deal(data, cuts):
    """`data` in pieces."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(st.sampled_from(list(ENDS)), st.lists(texts, max_size=5), st.lists(st.integers(0, 200)), st.booleans())
def test_codes_are_the_same_however_the_bytes_are_dealt(end, codes, cuts, auto):
    stream = b"".join(code.encode() + ENDS[end] for code in codes)
    assert cut(CodeCutter(End.AUTO if auto else end), deal(stream, cuts)) == [code.encode() for code in codes]


@settings(max_examples=examples(200))
@given(st.sampled_from(End), st.binary(max_size=300), st.lists(st.integers(0, 300)), st.sampled_from(list(FAMILIES)))
def test_any_bytes_are_cut_the_same_way_however_they_are_dealt(end, data, cuts, family):
    replies = FAMILIES[family].replies + FAMILIES[family].refusals
    data = data[:150] + (replies[0] if replies else b"") + data[150:]
    assert cut(CodeCutter(end, 0.04, replies), deal(data, cuts)) == cut(CodeCutter(end, 0.04, replies), [data])


@given(st.sampled_from(list(ENDS)), st.binary(max_size=200), texts)
def test_after_any_garbage_and_one_end_the_next_code_is_right(end, garbage, code):
    stream = garbage + ENDS[end] + code.encode() + ENDS[end]
    assert CodeCutter(end).feed(stream, 0.0)[-1] == code.encode()


@pytest.mark.parametrize("end", End)
def test_what_is_too_long_is_thrown_away_and_the_next_code_is_right(end):
    cutter = CodeCutter(end)
    assert cutter.feed(b"9" * (MOST_BYTES + 5000), 0.0) == []
    ended = ENDS.get(end, b"")
    out = cutter.feed(ended, 0.0) or cutter.quiet(1.0)
    assert out == [TooLong()]
    assert (cutter.feed(b"T-17" + ended, 1.0) or cutter.quiet(2.0)) == [b"T-17"]
    assert cutter.stats.too_long == 1


def test_the_longest_code_there_is_passes():
    assert CodeCutter().feed(b"9" * MOST_BYTES + b"\r", 0.0) == [b"9" * MOST_BYTES]


def test_silence_ends_a_code_where_nothing_else_does():
    cutter = CodeCutter(End.NONE, 0.04)
    assert cutter.feed(b"T-17", 1.0) == []
    assert cutter.due == pytest.approx(1.04)
    assert cutter.quiet(1.03) == []
    assert cutter.quiet(1.05) == [b"T-17"]
    assert cutter.due is None


def test_who_has_ended_codes_before_is_given_more_time():
    cutter = CodeCutter(End.AUTO, 0.04)
    cutter.feed(b"T-1\rT-", 1.0)
    assert cutter.quiet(1.3) == []
    assert cutter.feed(b"17\r", 1.3) == [b"T-17"]


def test_half_a_code_that_stays_half_is_dropped_where_the_end_is_set():
    cutter = CodeCutter(End.CR, 0.04)
    cutter.feed(b"T-", 1.0)
    assert cutter.quiet(2.0) == []
    assert cutter.feed(b"T-17\r", 2.0) == [b"T-17"]
    assert cutter.stats.unfinished == 1


@pytest.mark.parametrize("stream", ["{}T-17\r", "T-17{}\r", "T-{}17\r{}", "{}{}T-17\r"])
def test_replies_are_taken_out_wherever_they_stand(stream):
    for trigger in FAMILIES.values():
        for reply in trigger.replies + trigger.refusals:
            cutter = CodeCutter(End.AUTO, 0.04, (*trigger.replies, *trigger.refusals))
            raw = stream.encode().replace(b"{}", reply)
            assert cut(cutter, [bytes((byte,)) for byte in raw]) == [b"T-17"]
            assert cutter.stats.replies == stream.count("{}")


# what a code is worth


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def desk(dressing=None, *, keys=True, plain=True, event="", rotating=SECRET, wall=NOW, clock=None):
    """A desk that knows the issuer."""
    trust = Trust(code_keys([PUBLIC]) if keys else None, plain, event, rotating)
    return CodeDesk(dressing or Dressing(), trust, 1.0, clock or Clock(), lambda: wall)


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (b"T-17", "T-17"),
        ("票-17".encode(), "票-17"),
        ("测试-17".encode("gbk"), "测试-17"),
        (b"]Q1T-17", "T-17"),
        (b"]C1T-17", "T-17"),
        (b"]d2T-17", "T-17"),
        (b"]Q1]Q1T-17", "]Q1T-17"),
        (b"] T-17", "] T-17"),
        (b"9" * MOST_BYTES, "9" * MOST_BYTES),
    ],
)
def test_a_plain_code_is_a_weak_credential(code, number):
    plain = Credential(Medium.CODE, DocumentType.TICKET_CODE, number, Assurance.UID_ONLY)
    assert desk().read(code) == plain


@pytest.mark.parametrize("code", [b"", b" ", b"]Q1", b"T\x0017", b"T\x1d17", b"\xff\xff", b"\x7f", b"A" * 4297])
def test_what_is_no_text_is_unreadable_and_is_not_told(code):
    fault = desk().read(code)
    assert isinstance(fault, CardFault)
    assert fault.problem is CardProblem.UNREADABLE
    assert "17" not in fault.detail


def test_a_prefix_and_a_suffix_are_taken_off_and_must_be_there():
    dressed = desk(Dressing("<<", ">>"))
    assert dressed.read(b"<<]Q1T-17>>").number == "T-17"
    for bare in (b"T-17", b"<<T-17", b"T-17>>", b"<<>"):
        assert dressed.read(bare).problem is CardProblem.UNREADABLE
    assert desk(Dressing(aim=False)).read(b"]Q1T-17").number == "]Q1T-17"


@given(st.binary(max_size=80))
def test_any_bytes_give_a_credential_or_a_fault(code):
    for head in (b"", b"M1:", b"M2:123456:"):
        assert isinstance(desk().read(head + code), Credential | CardFault)


def test_a_signed_code_is_a_credential_with_its_days():
    found = desk(event="hall").read(sign_code(CODE, ISSUER).encode())
    assert (found.number, found.event, found.assurance) == ("T-17", "hall", Assurance.SIGNED)
    assert (found.document, found.medium) == (DocumentType.TICKET_CODE, Medium.CODE)
    assert (found.valid_from, found.valid_to) == (date(2027, 1, 15), date(2027, 1, 16))
    assert (found.valid_since, found.valid_until) == (CODE.not_before, CODE.not_after)


def test_plain_codes_can_be_left_out():
    assert desk(plain=False).read(b"T-17").problem is CardProblem.UNSUPPORTED
    assert desk(plain=False).read(sign_code(CODE, ISSUER).encode()).assurance is Assurance.SIGNED


def test_an_expired_code_is_left_to_the_core():
    late = desk(wall=NOW + 1_000_000).read(sign_code(CODE, ISSUER).encode())
    assert late.valid_to == date(2027, 1, 16)


def test_a_changing_code_tells_its_step_and_a_screenshot_is_rejected():
    shown = sign_rotating_code(CODE, ISSUER, SECRET).text(NOW).encode()
    assert desk().read(shown).code_step == int(NOW) // 15
    assert desk().read(sign_code(CODE, ISSUER).encode()).code_step is None
    assert desk(wall=NOW + 60).read(shown) == CardFault(CardProblem.REJECTED, "signed code: wrong_step", Medium.CODE)
    assert desk(rotating=None).read(shown) == CardFault(CardProblem.REJECTED, "signed code: no_secret", Medium.CODE)


def test_a_bad_signature_another_event_or_no_key_gives_no_credential():
    text = sign_code(CODE, ISSUER)
    forged = text[:-6] + ("000000" if text[-6:] != "000000" else "111111")
    assert desk().read(forged.encode()).problem is CardProblem.REJECTED
    assert desk(event="other").read(text.encode()).problem is CardProblem.REJECTED
    assert desk(keys=False).read(text.encode()).problem is CardProblem.UNSUPPORTED


def test_a_code_counts_once_until_it_was_away_for_a_while():
    clock = Clock()
    held = desk(clock=clock)
    outcomes = []
    for clock.now in (0.0, 0.9, 1.8, 2.9):
        outcomes.append(held.take(b"T-17") is not None)
    assert outcomes == [True, False, False, True]
    assert held.take(b"T-18") is not None
    assert held.take(b"T-17") is None


def test_a_changing_code_that_stays_counts_once():
    held = desk(clock=Clock())
    phone = sign_rotating_code(CODE, ISSUER, SECRET)
    assert held.take(phone.text(NOW).encode()) is not None
    assert held.take(phone.text(NOW + 15).encode()) is None


# both halves


@contextmanager
def gate(options="", family="none"):
    """A reader and its scanner on a line."""
    with PtyPort() as port:
        scanner = LineSimulator(port, trigger=FAMILIES.get(family))
        reader = connect("reader", f"line+serial://{port.path}{options}")
        assert isinstance(reader, LineReader)
        stop = threading.Event()
        runner = threading.Thread(target=scanner.run, args=(stop,))
        runner.start()
        try:
            yield reader, scanner
        finally:
            reader.close()
            stop.set()
            runner.join()


def test_a_code_goes_through_a_line():
    with gate("?keys=") as (reader, scanner):
        assert scanner.command("aim ]Q1 T-17") == "ok"
        assert reader.read(5).number == "T-17"
        assert scanner.command("hex 00 0D") == "ok"
        assert reader.read(5).problem is CardProblem.UNREADABLE
        assert scanner.command("dance").startswith("error")
        assert scanner.command("hex xx").startswith("error")


def test_more_than_any_code_is_a_bad_answer_and_the_line_reads_on():
    with gate() as (reader, scanner):
        scanner.send([b"x" * 2000] * 4)
        scanner.send([b"\r"])
        with pytest.raises(BadAnswer, match="7089"):
            reader.read(5)
        scanner.scan("T-17")
        assert reader.read(5).number == "T-17"


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_scanner_in_command_mode_is_told_to_look_and_its_reply_is_no_code(family):
    with gate(f"?family={family}&trigger=command&again_ms=0", family) as (reader, scanner):
        scanner.show("T-17")
        assert reader.read(5).number == "T-17"
        assert reader.read(5).number == "T-17"
        assert scanner.starts >= 2


def test_a_scanner_that_refuses_the_trigger_is_heard():
    family = FAMILIES["newland"]
    with gate("?family=newland&trigger=command") as (reader, scanner):
        scanner.send(family.refusals[:1])
        with pytest.raises(DeviceRefused, match="command mode"):
            reader.read(5)


def test_keys_and_secrets_come_from_files(tmp_path):
    write_public_key(tmp_path / "issuer.pub", PublicKey(KeyUse.ISSUER, "hall", PUBLIC))
    write_secret(tmp_path / "totp", SECRET.secret)
    url = parse(f"line+serial:///x?keys={tmp_path}/issuer.pub&totp={tmp_path}/totp&event=hall&again_ms=0")
    told = open_desk(url, Clock(), lambda: NOW)
    assert told.read(sign_code(CODE, ISSUER).encode()).assurance is Assurance.SIGNED
    assert told.read(sign_rotating_code(CODE, ISSUER, SECRET).text(NOW).encode()).assurance is Assurance.SIGNED
    other = sign_code(replace(CODE, event="other"), ISSUER)
    assert told.read(other.encode()).problem is CardProblem.REJECTED
    assert told.read(b"T-17").problem is CardProblem.UNSUPPORTED, "where codes are signed, plain ones are a mistake"


@pytest.mark.parametrize(
    ("options", "about"),
    [
        ("end=cr_lf", "crlf"),
        ("trigger=command", "family"),
        ("gap_ms=0", "1 to 5000"),
        ("event=hall", "keys"),
        ("totp=/none", "keys"),
        ("keys=/nowhere/issuer.pub", "nowhere"),
        ("keys=/dev/null", "no public key"),
        ("totp_secret=1234", "unknown option"),
    ],
)
def test_a_wrong_option_is_told(options, about):
    with pytest.raises(UnknownDevice, match=about):
        connect("reader", f"line+serial:///dev/null?{options}")
