"""A pcscd of the demo's own, with two virtual card slots (vpcd). It touches no other pcscd, and needs no rights.

pcscd takes its socket from whoever starts it, as it does from systemd (`sd_listen_fds`), so that ours may lie in a
folder of our own; the PC/SC library finds it through `PCSCLITE_CSOCK_NAME`. Started by root it runs as nobody: it
opens no real reader that way, and leaves the real one's files alone.

vpcd listens on all addresses for as long as it runs: who is in the network could lay a card on, in this evening.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from drivers.errors import DeviceLost, MissingLibrary

INSTALL = "apt-get install pcscd vsmartcard-vpcd"
START_S, END_S, TRIES = 10.0, 5.0, 5
_LIBRARIES = ("pcsc/drivers/serial/libifdvpcd.so", "*/pcsc/drivers/serial/libifdvpcd.so")
_CONF = 'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x{port:X}\nLIBPATH {library}\nCHANNELID 0x{port:X}\n'

# In a process of its own: descriptor 3 and LISTEN_PID are what sd_listen_fds looks for.
_LAUNCH = """
import os, sys
fd, uid, gid, *command = sys.argv[1:]
os.dup2(int(fd), 3)
if os.getuid() == 0:
    os.setgroups([]); os.setgid(int(gid)); os.setuid(int(uid))
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(command[0], command)
"""


def check() -> None:
    """Raise `MissingLibrary`, saying what to install, unless everything is there."""
    missing = [name for name, found in (("pcscd", _program()), ("vpcd", _library())) if not found]
    if missing:
        raise MissingLibrary(f"this evening needs {' and '.join(missing)}: {INSTALL}", name=missing[0])


class OwnPcscd:
    """Runs until `close`. The slots are `Virtual PCD 00 00` and `01`, their cards connect to `ports`."""

    def __init__(self) -> None:
        check()
        self._room = tempfile.TemporaryDirectory(prefix="menshen-pcscd-")
        self._folder = Path(self._room.name)
        self.path = self._folder / "pcscd.comm"
        self.ports = (0, 0)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it. May be called twice."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._room.cleanup()

    def _start(self) -> None:
        self._folder.chmod(0o755)
        (self._folder / "conf").mkdir()
        (self._folder / "conf").chmod(0o755)  # whatever umask this process has
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.path))
            listener.listen(64)
            for _ in range(TRIES):  # another program may take the ports first
                self.ports = _free_pair()
                self._launch(listener)
                if self._listens():
                    return
        words = (self._folder / "log").read_text(errors="replace").strip().splitlines()
        raise DeviceLost(f"pcscd did not start its virtual readers: {words[-1] if words else 'it said nothing'}")

    def _launch(self, listener: socket.socket) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        conf = _CONF.format(port=self.ports[0], library=_library())
        (self._folder / "conf" / "vpcd").write_text(conf)
        (self._folder / "conf" / "vpcd").chmod(0o644)
        nobody, program = pwd.getpwnam("nobody"), _program()
        command = [program, "--foreground", "--config", str(self._folder / "conf"), *_options(program)]
        launch = [sys.executable, "-I", "-c", _LAUNCH, *map(str, (listener.fileno(), nobody.pw_uid, nobody.pw_gid))]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                launch + command, pass_fds=(listener.fileno(),), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _listens(self) -> bool:
        """Whether both slots listen, in time. Not tried by connecting: to vpcd that would be a card."""
        ends = time.monotonic() + START_S
        while self._process is not None and self._process.poll() is None and time.monotonic() < ends:
            if set(self.ports) <= _listening():
                return True
            threading.Event().wait(0.02)
        return False


def _options(program: str) -> list[str]:
    """Newer ones ask polkit who may use cards, and there may be none."""
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    return ["--disable-polkit"] if "--disable-polkit" in said else []


def _program() -> str:
    return shutil.which("pcscd", path=os.environ.get("PATH", "") + ":/usr/sbin") or ""


def _library() -> str:
    return next((str(path) for pattern in _LIBRARIES for path in Path("/usr/lib").glob(pattern)), "")


def _free_pair() -> tuple[int, int]:
    """Two ports, one after the other, that nobody has just now."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("", port + 1))
                return port, port + 1


def _listening() -> set[int]:
    """The TCP ports of this machine that somebody listens at."""
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            rows = (row.split() for row in Path(table).read_text().splitlines()[1:])
            ports |= {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}
    return ports
