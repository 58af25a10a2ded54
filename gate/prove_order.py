"""Asks a running gate for a test admission over its socket, and follows it to its end."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from models import wire
from models.command import Answer, Command, Line, Order, Snapshot
from models.proof import ProofBody, ProofState, ProofStep, ProofWish

ANSWER_S = 5.0
BEYOND_S = 90.0
"""What a test may take beside its window: devices, a face, the decision, a turn."""

_ID = 1


class NoProof(Exception):
    """The gate did not begin, or did not end, a test: why, in words for a person."""


class GateLine:
    """A connection to the gate's socket. Raises `OSError` where no gate listens."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rb")
        self.snapshot = self._first()

    def __enter__(self) -> GateLine:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def prove(self, wish: ProofWish, actor: str, pin: str, at: Callable[[ProofStep], None]) -> ProofBody:
        """Begin a test and wait for its end; `at` is told of each step. Raises `NoProof`."""
        order = Command(_ID, Order.PROVE, actor, pin=pin, proof=wish)
        self._socket.sendall(wire.to_json(order) + b"\n")
        step, last = None, self.snapshot.proof if self.snapshot else None
        answered = False
        for line in self._until(time.monotonic() + wish.window_s + BEYOND_S):
            if isinstance(line, Answer):
                answered = self._begun(line)
            elif (state := line.proof) is not None and answered and not _is(state, last):
                if state.ended is not None:
                    return state.ended
                if state.step is not step:
                    step = state.step
                    at(step)
        raise NoProof("the gate does not tell how the test ended")

    @staticmethod
    def _begun(answer: Answer) -> bool:
        if not answer.ok:
            wait = f"; wait {answer.wait_s:.0f} s" if answer.wait_s else ""
            raise NoProof(f"{answer.error}{wait}")
        return True

    def _first(self) -> Snapshot | None:
        return next((line for line in self._until(time.monotonic() + ANSWER_S) if isinstance(line, Snapshot)), None)

    def _until(self, ends_mono: float) -> Iterator[Answer | Snapshot]:
        with contextlib.suppress(TimeoutError):
            while time.monotonic() < ends_mono and (raw := self._lines.readline()):
                line = wire.from_json(Line, raw)
                if line.answer is not None:
                    yield line.answer
                elif line.snapshot is not None:
                    yield line.snapshot


def _is(state: ProofState, last: ProofState | None) -> bool:
    """Whether that is the test that was known before."""
    return last is not None and state.began_at == last.began_at
