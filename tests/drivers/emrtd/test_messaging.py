"""Secure messaging: both ends agree, and not one flipped byte passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadAnswer
from drivers.reader._emrtd.apdu import Command, Response
from drivers.reader._emrtd.keys import Cipher, pad, unpad
from drivers.reader._emrtd.messaging import SecureMessaging

CIPHERS = list(Cipher)


def ends(cipher: Cipher) -> tuple[SecureMessaging, SecureMessaging]:
    return SecureMessaging.of_secret(cipher, b"shared"), SecureMessaging.of_secret(cipher, b"shared")


@given(
    st.sampled_from(CIPHERS),
    st.lists(
        st.tuples(st.sampled_from([0xB0, 0xB1]), st.binary(min_size=1, max_size=300), st.binary(max_size=300)),
        min_size=1,
        max_size=4,
    ),
)
def test_both_ends_agree(cipher: Cipher, talk: list[tuple[int, bytes, bytes]]) -> None:
    reader, chip = ends(cipher)
    for ins, question, answer in talk:
        command = Command(ins, 1, 2, question, 223)
        wire = reader.wrap(command).encode()
        assert question not in wire or len(question) < 4
        assert chip.open_command(Command.decode(wire)) == command
        sealed = chip.seal_response(Response(answer, 0x9000), odd=bool(ins & 1)).encode()
        assert reader.unwrap(Response.decode(sealed)) == Response(answer, 0x9000)


@pytest.mark.parametrize("cipher", CIPHERS)
def test_every_flipped_byte_of_an_answer_is_refused(cipher: Cipher) -> None:
    reader, chip = ends(cipher)
    chip.open_command(reader.wrap(Command(0xB0, 0, 0, le=20)))
    sealed = chip.seal_response(Response(b"twenty bytes of data")).encode()
    for at in range(len(sealed)):
        for bit in (0x01, 0x80):
            flipped = sealed[:at] + bytes([sealed[at] ^ bit]) + sealed[at + 1 :]
            fresh, _ = ends(cipher)
            fresh.wrap(Command(0xB0, 0, 0, le=20))
            with pytest.raises(BadAnswer):
                fresh.unwrap(Response.decode(flipped))
    assert reader.unwrap(Response.decode(sealed)).data == b"twenty bytes of data"


@pytest.mark.parametrize("cipher", CIPHERS)
def test_every_flipped_byte_of_a_command_is_refused(cipher: Cipher) -> None:
    reader, _ = ends(cipher)
    wire = reader.wrap(Command(0xA4, 2, 0x0C, b"\x01\x1e")).encode()
    for at in range(len(wire) - 1):  # the last is Le, which is for the wire alone
        _, chip = ends(cipher)
        with pytest.raises(BadAnswer):
            chip.open_command(Command.decode(wire[:at] + bytes([wire[at] ^ 1]) + wire[at + 1 :]))


def test_an_answer_is_not_taken_twice_and_a_failed_session_stays_closed() -> None:
    reader, chip = ends(Cipher.AES128)
    chip.open_command(reader.wrap(Command(0xB0, 0, 0, le=4)))
    sealed = chip.seal_response(Response(b"once"))
    assert reader.unwrap(sealed).data == b"once"
    reader.wrap(Command(0xB0, 0, 4, le=4))
    with pytest.raises(BadAnswer, match="MAC"):
        reader.unwrap(sealed)
    with pytest.raises(BadAnswer, match="over"):
        reader.wrap(Command(0xB0, 0, 8, le=4))


def test_an_answer_in_clear_ends_the_session() -> None:
    reader, _ = ends(Cipher.DES3)
    reader.wrap(Command(0xB0, 0, 0, le=4))
    with pytest.raises(BadAnswer, match="6988"):
        reader.unwrap(Response(b"", 0x6988))


@given(st.sampled_from(CIPHERS), st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_a_bad_answer(cipher: Cipher, data: bytes) -> None:
    reader, _ = ends(cipher)
    reader.wrap(Command(0xB0, 0, 0, le=4))
    with pytest.raises(BadAnswer):
        reader.unwrap(Response(data))


@given(st.binary(max_size=40), st.sampled_from([8, 16]))
def test_padding_comes_off(data: bytes, block: int) -> None:
    assert len(pad(data, block)) % block == 0
    assert unpad(pad(data, block)) == data
