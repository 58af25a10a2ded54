"""A real pcscd with two virtual readers (vpcd), for tests of PC/SC drivers. Use: `from tests.pcsc_stack import pcscd`.

    def test_a_card(pcscd: PcscStack) -> None:
        card = pcscd.card(chip)        # in slot 0; taken away at the test's end
        card.insert()
        pcscd.kill(); pcscd.start()

There is one pcscd to a machine (its socket has a fixed name) and two slots to a vpcd. So workers and runs take turns:
each test holds a lock. The daemon outlives the test; the last run that uses it ends it. Where pcscd, vpcd or pyscard is
missing the tests are skipped, unless `MENSHEN_REAL_STACK=required`: then they fail.

vpcd listens on all addresses, and its dial-out mode ends pcscd when nobody listens: there is no loopback-only mode. It
is started for tests alone and ended after them. Never put it on an appliance.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from drivers._virtual_card import PORTS, Chip, VirtualCard

READER = "Virtual PCD 00 00"
EVENT_S = 5.0  # vpcd is asked for its card every 0.4 s; the machine may be busy

_ROOM = Path(tempfile.gettempdir()) / f"menshen-pcscd-{os.getuid()}"
_SOCKETS = Path("/run/pcscd")
_LIBRARIES = ("/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "/usr/lib/*/pcsc/drivers/serial/libifdvpcd.so")
_CONF = 'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x{port:X}\nLIBPATH {library}\nCHANNELID 0x{port:X}\n'


class PcscStack:
    """pcscd, and the cards of one test."""

    def __init__(self) -> None:
        self._cards: list[VirtualCard] = []

    def card(self, chip: Chip, slot: int = 0) -> VirtualCard:
        """A card for a slot, not yet inserted."""
        card = VirtualCard(chip, PORTS[slot])
        self._cards.append(card)
        return card

    def start(self) -> None:
        """Have pcscd run and its slots listen."""
        if not _alive():
            _clear_away()
            _launch()
        until(lambda: all(map(_listens, PORTS)) and len(occupied()) == len(PORTS), "vpcd listens")

    def kill(self) -> None:
        """End pcscd as a crash does. Returns when it is gone."""
        _end(signal.SIGKILL)

    def signal(self, which: signal.Signals) -> None:
        """Stop pcscd in its tracks (SIGSTOP), or have it go on (SIGCONT)."""
        subprocess.run([*(_as_root() or []), "kill", f"-{which.value}", str(_pid())], check=True)

    def sweep(self) -> None:
        """Take all cards away, and wait until pcscd has seen it (it looks every 0.4 s, and misses a faster change)."""
        for card in self._cards:
            card.remove()
        for card in self._cards:
            card.wait(EVENT_S)
        self._cards.clear()
        if _alive():
            until(lambda: not any(occupied()), "the slots are empty")


def occupied() -> list[bool]:
    """Which readers hold a card, in pcscd's eyes; asked through a context of its own."""
    from smartcard import scard

    status, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if status != scard.SCARD_S_SUCCESS:
        return [True]  # not known: ask again
    try:
        _, names = scard.SCardListReaders(context, [])
        states = [(name, scard.SCARD_STATE_UNAWARE) for name in names]
        status, seen = scard.SCardGetStatusChange(context, 0, states)
    finally:
        scard.SCardReleaseContext(context)
    return [bool(state & scard.SCARD_STATE_PRESENT) for _, state, _ in seen] if names else [True]


def until(condition: Callable[[], bool], words: str, timeout_s: float = 10.0) -> None:
    """Ask until `condition` holds, with pauses of 10 ms."""
    pause = threading.Event()
    for _ in range(round(timeout_s * 100)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError(f"not in {timeout_s:g} s: {words}")


@pytest.fixture(scope="session")
def _pcscd_users() -> Iterator[None]:
    """Count this run among pcscd's users; the last one ends it."""
    why = _missing()
    if why and os.environ.get("MENSHEN_REAL_STACK") == "required":
        pytest.fail(f"MENSHEN_REAL_STACK=required, but {why}")
    if why:
        pytest.skip(why)
    _ROOM.mkdir(mode=0o700, exist_ok=True)
    with (_ROOM / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield
        with _turn(), contextlib.suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _end(signal.SIGTERM)


@pytest.fixture
def pcscd(_pcscd_users: None) -> Iterator[PcscStack]:
    """The running stack, ours until the test's end."""
    with _turn():
        stack = PcscStack()
        stack.start()
        try:
            yield stack
        finally:
            stack.sweep()


@contextlib.contextmanager
def _turn() -> Iterator[IO[str]]:
    with (_ROOM / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield turn


def _missing() -> str:
    """What is missing for a real stack, in words; empty when nothing is."""
    if importlib.util.find_spec("smartcard") is None:
        return "pyscard is not installed"
    if _daemon() is None:
        return "pcscd is not installed (apt-get install pcscd)"
    if _library() is None:
        return "vpcd is not installed (apt-get install vsmartcard-vpcd)"
    if _as_root() is None:
        return "pcscd is started by root, and sudo -n does not work here"
    if _foreign():
        return "a pcscd runs already that is not the tests' own: stop it first"
    return ""


def _foreign() -> bool:
    return not _alive() and _answers(_SOCKETS / "pcscd.comm")


def _daemon() -> str | None:
    return shutil.which("pcscd", path=os.environ.get("PATH", "") + ":/usr/sbin")


def _library() -> Path | None:
    return next((path for pattern in _LIBRARIES for path in Path("/").glob(pattern[1:])), None)


def _as_root() -> list[str] | None:
    if os.getuid() == 0:
        return []
    sudo = shutil.which("sudo")
    able = sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if able else None


def _launch() -> None:
    """Start it with a reader.conf of its own. It hangs on nobody, so that any run may end it."""
    daemon, root = _daemon(), _as_root()
    assert daemon is not None
    assert root is not None
    conf = _ROOM / "reader.conf.d"
    conf.mkdir(exist_ok=True)
    (conf / "vpcd").write_text(_CONF.format(port=PORTS[0], library=_library()))
    options = ["--foreground", "--config", str(conf)]
    if "--disable-polkit" in subprocess.run([daemon, "--help"], capture_output=True, text=True, check=False).stdout:
        options.append("--disable-polkit")
    script = f'mkdir -p {_SOCKETS}; "$@" >"{_ROOM}/log" 2>&1 </dev/null & echo $! >"{_ROOM}/pid"'
    subprocess.run([*root, "sh", "-c", script, "sh", daemon, *options], check=True, start_new_session=True, timeout=10)


def _end(how: signal.Signals) -> None:
    pid = _pid()
    if pid and _alive():
        root = _as_root() or []
        subprocess.run([*root, "kill", f"-{how.value}", str(pid)], check=False, capture_output=True)
        until(lambda: not _alive(), "pcscd ends")
    _clear_away()


def _clear_away() -> None:
    """What a killed pcscd leaves behind, and would take for another pcscd that runs."""
    subprocess.run(
        [*(_as_root() or []), "rm", "-f", str(_SOCKETS / "pcscd.comm"), str(_SOCKETS / "pcscd.pid")], check=False
    )


def _pid() -> int:
    with contextlib.suppress(OSError, ValueError):
        return int((_ROOM / "pid").read_text())
    return 0


def _alive() -> bool:
    """Whether the pcscd of these tests runs. A dead one may wait for its parent as a zombie."""
    try:
        words = Path(f"/proc/{_pid()}/stat").read_text()
    except OSError:
        return False
    return "(pcscd)" in words and words.rpartition(")")[2].split()[0] != "Z"


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1.0)
        try:
            line.connect(str(path))
        except OSError:
            return False
    return True


def _listens(port: int) -> bool:
    """Whether a socket listens there. Not tried by connecting: to vpcd that would be a card."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            rows = [row.split() for row in Path(table).read_text().splitlines()[1:]]
            if any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows):
                return True
    return False
