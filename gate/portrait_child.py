"""Calls a portrait decoder that comes as a shared library: `portrait_child.py LIBRARY FUNCTION SHAPE`.

The chip's picture comes on stdin, BMP goes to stdout. `gate.portrait_decoder` starts this in a process of its own, for
such libraries are closed and meant for other systems. It imports nothing of ours. Two shapes of call are known of the
libraries for resident cards:

    buffers    int f(const unsigned char *picture, unsigned char *bmp)    1024 bytes in, 38862 out, no file
    file       int f(const char *path, int type)                          reads NAME.wlt and leaves NAME.bmp beside it

What the numbers that they return mean differs between them, so the number is not believed: a BMP is. Files of the
second shape lie in a folder of their own in /dev/shm, which is memory; without it, there is no decoding. The library
finds its own files (as base.dat) in its folder, which is the working directory.

Untried: any real library. Names, shapes and sizes are told by several sources and were not met here.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

BMP_SIZE = 54 + 126 * 308
"""102 x 126 pixels of 24 bits, rows padded to four bytes."""

ROOM = 1 << 16  # what a buffer is made to hold, should a library write more than it ought to
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - memory, and a private folder in it
FOLDER_PREFIX = "menshen-portrait-"
"""Followed by the process's id, so that what a killed one leaves is known for that and removed."""

USB_READER = 2
"""`type`, from memory: 1 for readers on a serial port, 2 on USB."""


def by_buffers(function: ctypes._NamedFuncPointer, picture: bytes) -> bytes:
    """The BMP that a library of the first shape makes."""
    out = ctypes.create_string_buffer(ROOM)
    function.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    function(picture, out)
    return out.raw[:BMP_SIZE]


def by_file(function: ctypes._NamedFuncPointer, picture: bytes) -> bytes:
    """The BMP that a library of the second shape leaves."""
    function.argtypes = [ctypes.c_char_p, ctypes.c_int]
    folder = MEMORY_FOLDER / f"{FOLDER_PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        path = folder / "portrait.wlt"
        path.write_bytes(picture)
        function(os.fsencode(path), USB_READER)
        bmp = path.with_suffix(".bmp")
        return bmp.read_bytes() if bmp.exists() else b""
    finally:
        shutil.rmtree(folder, ignore_errors=True)


SHAPES = {"buffers": by_buffers, "file": by_file}


def main(library: str, name: str, shape: str) -> int:
    """Decode one picture; returns the exit status."""
    picture = sys.stdin.buffer.read()
    # Printing is what such libraries do: what they say must not run into the picture.
    out = os.dup(1)
    os.dup2(2, 1)
    os.chdir(Path(library).parent)
    bmp = SHAPES[shape](getattr(ctypes.CDLL(library), name), picture)
    if not bmp.startswith(b"BM"):
        return 1
    with os.fdopen(out, "wb") as stdout:
        stdout.write(bmp)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
