"""A card in a virtual reader, with the test as the reader."""

from __future__ import annotations

import socket
import threading

from drivers._virtual_card import VirtualCard

PATIENCE_S = 5.0


class Chip:
    atr = b"\x3b\x80"

    def answer(self, apdu: bytes) -> bytes:
        return apdu[::-1]


def test_a_lifted_card_waits_until_the_reader_has_seen_it_go():
    with socket.create_server(("127.0.0.1", 0)) as reader:
        card = VirtualCard(Chip(), reader.getsockname()[1])
        card.insert()
        slot, _ = reader.accept()
        seen: list[bool] = []
        lifting = threading.Thread(target=lambda: seen.append(card.lift(PATIENCE_S)))
        with slot:
            slot.sendall(b"\x00\x01\x04")
            assert slot.recv(4, socket.MSG_WAITALL) == b"\x00\x02\x3b\x80"
            lifting.start()
            assert slot.recv(1) == b""
            assert lifting.is_alive()
            assert seen == []
        lifting.join(PATIENCE_S)
        assert seen == [True]


def test_a_reader_that_never_looks_is_waited_for_in_vain():
    with socket.create_server(("127.0.0.1", 0)) as reader:
        card = VirtualCard(Chip(), reader.getsockname()[1])
        card.insert()
        slot, _ = reader.accept()
        with slot:
            assert not card.lift(0.05)
            assert slot.recv(1) == b""


def test_a_card_that_lies_nowhere_is_lifted_at_once():
    assert VirtualCard(Chip(), 1).lift(PATIENCE_S)
