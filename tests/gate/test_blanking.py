"""A blanked tape still tells how the wire behaved, and nothing of who came."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import BadAnswer
from drivers.reader import _osdp_frames as osdp
from drivers.reader._sam_frames import PREAMBLE, Answer, Command, wrap
from drivers.reader.sam import resident_card
from drivers.tape import Chunk, read_chunks
from gate.blanking import _EVENT, blank_tape
from gate.detector import scan_bytes

NAME, NUMBER = "张晓明", "11010519491231002X"


def tape(about: str, *said: tuple[bool, bytes]) -> str:
    lines = ["# menshen tape 1", f"# {about}, 2026-05-01T09:00:00Z"]
    return (
        "\n".join([*lines, *(str(Chunk(number / 10, side, data)) for number, (side, data) in enumerate(said))]) + "\n"
    )


def said_by(text: str, from_host: bool) -> bytes:
    return b"".join(chunk.data for chunk in read_chunks(text) if chunk.from_host is from_host)


@cache
def card_answer() -> bytes:
    card = resident_card(NAME, NUMBER, birth=date(1949, 12, 31), valid_from=date(2021, 1, 1), valid_to=None)
    return wrap(bytes([0, 0, 0x90]) + card.text + card.portrait)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_modules_answers_keep_their_frames_however_they_were_torn(data: st.DataObject):
    answer = card_answer()
    cuts = sorted(data.draw(st.sets(st.integers(1, len(answer) - 1), max_size=4)))
    pieces = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    blanked = blank_tape(tape("sam+serial", (True, wrap(b"\x30\x01")), *((False, piece) for piece in pieces)))
    assert said_by(blanked, True) == wrap(b"\x30\x01")
    left = said_by(blanked, False)
    assert Answer.from_bytes(left).status == 0x90, "its check is right again"
    assert left[: len(PREAMBLE) + 5] == answer[: len(PREAMBLE) + 5]
    assert not any(Answer.from_bytes(left).data)
    assert [len(chunk.data) for chunk in read_chunks(blanked)][1:] == [len(piece) for piece in pieces]
    assert list(scan_bytes("a.tape", blanked.encode())) == []


def test_the_tape_before_it_was_blanked_is_found_out():
    whole = tape("sam+serial", (False, card_answer()))
    assert {kind for trove in scan_bytes("a.tape", whole.encode()) for kind in trove.counts} >= {"id-number"}


def test_a_wrong_check_stays_wrong():
    answer = bytearray(card_answer())
    answer[-1] ^= 0x55
    left = said_by(blank_tape(tape("sam+serial", (False, bytes(answer)))), False)
    with pytest.raises(BadAnswer, match="checksum"):
        Answer.from_bytes(left)


def test_half_a_frame_tells_its_length_alone():
    half = card_answer()[:300]
    left = said_by(blank_tape(tape("sam+serial", (False, half))), False)
    assert left == half[:7] + bytes(293)


def test_a_question_keeps_its_command():
    question = Command(0x30, 0x05, b"secret").to_bytes()
    left = Command.from_bytes(said_by(blank_tape(tape("sam+serial", (True, question))), True))
    assert (left.code, left.parameter, left.data) == (0x30, 0x05, bytes(6))


def test_a_scanners_code_keeps_its_end():
    blanked = blank_tape(
        tape("line+tcp", (False, b"]Q1" + NUMBER.encode()[:9]), (False, NUMBER.encode()[9:] + b"\r\n"))
    )
    assert said_by(blanked, False) == b"A" * 21 + b"\r\n"


def test_keys_become_one_key_and_enter_stays():
    keys = b"".join(_EVENT.pack(1, 2, kind, code, value) for kind, code, value in [(4, 4, 7), (1, 2, 1), (1, 28, 1)])
    left = said_by(blank_tape(tape("wedge+serial", (False, keys))), False)
    assert [_EVENT.unpack_from(left, at)[2:] for at in range(0, len(left), _EVENT.size)] == [
        (4, 4, 0),
        (1, 30, 1),
        (1, 28, 1),
    ]


def osdp_frame(code: int, data: bytes, control: int = 0x04) -> bytes:
    import binascii

    body = bytes([0x53, 0x81]) + (8 + len(data)).to_bytes(2, "little") + bytes([control, code]) + data
    return body + binascii.crc_hqx(body, 0x1D0F).to_bytes(2, "little")


def test_a_badge_becomes_zeros_and_an_acknowledgement_stays():
    badge, ack = osdp_frame(0x50, b"\x00\x00\x1a\x00\x12\x34\x56\x78"), osdp_frame(0x40, b"")
    left = said_by(blank_tape(tape("osdp+serial", (False, badge + ack))), False)
    assert left.endswith(ack)
    assert left[:6] == badge[:6]
    assert left[6:14] == bytes(8)
    assert osdp.frame_size(left) == len(badge), "its check is right"


def test_a_chips_messages_keep_head_and_status():
    command, answer = bytes.fromhex("00B0000004") + b"data", b"P<CHNZHANG<<SAN" + b"\x90\x00"
    blanked = blank_tape(tape("emrtd", (True, command), (False, answer)))
    assert said_by(blanked, True) == bytes.fromhex("00B00000") + bytes(5)
    assert said_by(blanked, False) == bytes(15) + b"\x90\x00"


def test_of_an_unknown_wire_nothing_but_lengths_remains():
    blanked = blank_tape(tape("brandnew+tcp", (True, b"who"), (False, NAME.encode())))
    assert [(c.from_host, c.data) for c in read_chunks(blanked)] == [(True, bytes(3)), (False, bytes(9))]


def test_a_relays_wire_stays_as_it_was():
    whole = tape("lcus+serial", (True, bytes.fromhex("A00101A2")))
    assert said_by(blank_tape(whole), True) == bytes.fromhex("A00101A2")


def test_what_is_no_tape_is_refused(tmp_path: Path):
    with pytest.raises(BadAnswer):
        blank_tape("hello")
