"""A closed codec that nobody uses: a JPEG behind four letters, each byte turned over. And programs that open it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

MAGIC = b"TEST"

PROGRAMS = {
    "good": "import sys; p = sys.stdin.buffer.read(); assert p[:4] == b'TEST'\n"
    "sys.stdout.buffer.write(bytes(b ^ 255 for b in p[4:]))",
    "refusing": "import sys; sys.stdout.write('half'); sys.exit(3)",
    "silent": "pass",
    "crashing": "import os; os.abort()",
    "hanging": "import threading; threading.Event().wait()",
    "busy": "while True: pass",
    "greedy": "b = bytearray(2 << 30); import sys; sys.stdout.write('got it')",
    "chatty": "import sys\nwhile True: sys.stdout.buffer.write(bytes(65536))",
    "garbling": "import sys; sys.stdout.write('BM and no more than that')",
    "curious": "import os, sys\n"
    "assert not set(os.environ) - {'LC_CTYPE'}, 'environment'\n"
    "assert set(os.listdir('/proc/self/fd')) <= {'0', '1', '2', '3'}, 'files'\n"
    "assert os.readlink('/proc/self/fd/1').startswith('/memfd:'), 'disk'\n"
    "sys.stdout.write('BM')",
}

LIBRARY = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int buffers(const unsigned char *in, unsigned char *bmp) {
    printf("a closed library talks\n");
    fflush(stdout);
    if (memcmp(in, "TEST", 4)) return -4;
    memset(bmp, 0, 38862);
    bmp[0] = 'B'; bmp[1] = 'M'; bmp[10] = 54; bmp[14] = 40; bmp[18] = 102; bmp[22] = 126; bmp[26] = 1; bmp[28] = 24;
    for (int i = 54; i < 38862; i++) bmp[i] = in[4];
    return 0;
}

int file(const char *path, int type) {
    char other[256];
    unsigned char in[1024], bmp[38862];
    FILE *f = fopen(path, "rb");
    if (!f || fread(in, 1, 1024, f) != 1024 || type != 2) return -3;
    fclose(f);
    if (buffers(in, bmp)) return -4;
    strcpy(other, path);
    strcpy(other + strlen(other) - 3, "bmp");
    f = fopen(other, "wb");
    fwrite(bmp, 1, sizeof bmp, f);
    fclose(f);
    return 1;
}

int hang(const char *path, int type) { for (;;) pause(); }
"""


def closed(picture: bytes) -> bytes:
    """A picture in the codec."""
    return MAGIC + bytes(byte ^ 255 for byte in picture)


def program(name: str) -> tuple[str, ...]:
    """One of the programs, as a decoder's command."""
    return (sys.executable, "-I", "-S", "-c", PROGRAMS[name])


def library(folder: Path) -> Path | None:
    """The library for the codec's cousin, or `None` without a compiler."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return None
    source, made = folder / "codec.c", folder / "libcodec.so"
    source.write_text(LIBRARY)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source], check=True)
    return made
