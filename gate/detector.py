"""Searches bytes for what must not leave the lane: numbers, names, documents, telephones, pictures, vectors, keys.

It looks through encodings (UTF-8, GB18030, UTF-16), escapes, hexadecimal and base64, one inside the other. It errs on
the side of finding: a word too many in a support bundle that is blanked costs little.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drivers.errors import DriverError
from drivers.tape import HEADER, read_chunks
from gate.detector_rules import Kind, found_in
from gate.detector_views import texts, wrapped

DEPTH = 3
MOST_BYTES = 64 << 20
_LEAST_KNOWN = 6
_FLOATS = 100  # in a row; a face has 128, and noise beside them may spoil some

_PICTURES = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51\x00|RIFF....WEBP"
    rb"|GIF8[79]a|\x00\x00\x00.ftyp(?:heic|heix|mif1|avif)|WLf\x00",
    re.DOTALL,
)
_PICTURES_AS_TEXT = re.compile(
    rb"/9j/[2-9a-zA-Z+/]|iVBORw0KGgo|AAAADGpQICANCocK|UklGR[A-Za-z0-9+/]{8}XRUJQ|R0lGOD[dl]h"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """What was found, and the bytes that it takes."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Trove:
    """What was found in one part of a bundle or folder; `where` is its path, through archives."""

    where: str
    counts: dict[str, int]


def search(data: bytes, known: Collection[bytes] = (), depth: int = DEPTH) -> list[Hit]:
    """All that is in `data`, in order. `known` are secrets to look for as they are, as the device's own keys."""
    hits = [Hit(Kind.KNOWN, at, at + len(one)) for one in known if len(one) >= _LEAST_KNOWN for at in _every(data, one)]
    hits += [Hit(Kind.PICTURE, *found.span()) for found in _PICTURES.finditer(data)]
    hits += [Hit(Kind.PICTURE, *_run(data, found.start())) for found in _PICTURES_AS_TEXT.finditer(data)]
    hits += [Hit(Kind.VECTOR, *span) for span in _vectors(data)]
    for view in texts(data):
        hits += [Hit(kind, *view.span(start, end)) for kind, start, end in found_in(view.text, view.sure)]
    if depth:
        for start, end, inner in wrapped(data):
            hits += [Hit(kind, start, end) for kind in _kinds(inner, tuple(known), depth - 1)]
        if opened := _inflated(data):
            hits += [Hit(hit.kind, 0, len(data)) for hit in search(opened, known, depth - 1)[:1]]
    return sorted(set(hits), key=lambda hit: (hit.start, hit.end))


@lru_cache(maxsize=20_000)  # logs repeat their words
def _kinds(data: bytes, known: tuple[bytes, ...], depth: int) -> tuple[Kind, ...]:
    return tuple(sorted({hit.kind for hit in search(data, known, depth)}))


def blank(data: bytes, hits: Collection[Hit]) -> bytes:
    """`data` with a mark in the place of every hit, such as `[id-number]`. What overlaps becomes one."""
    pieces, last = [], 0
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if hit.end <= last:
            continue
        if hit.start >= last:
            pieces += [data[last : hit.start], f"[{hit.kind}]".encode()]
        last = hit.end
    return b"".join([*pieces, data[last:]])


def scan(path: Path, known: Collection[bytes] = ()) -> Iterator[Trove]:
    """Every file of a folder, or of an archive, that holds something. Raises `OSError`."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        yield from scan_bytes(name, file.read_bytes(), known)


def scan_bytes(where: str, data: bytes, known: Collection[bytes] = (), depth: int = DEPTH) -> Iterator[Trove]:
    """One file; an archive's parts one by one, a tape's two directions each as a whole, and the file's own name."""
    inside = list(_unpacked(data)) if depth else []
    parts = (where.encode(), *([] if inside else _parts(data)))
    if counts := Counter(hit.kind.value for part in parts for hit in search(part, known)):
        yield Trove(where, dict(counts))
    for name, inner in inside:
        yield from scan_bytes(f"{where}/{name}", inner, known, depth - 1)


def _parts(data: bytes) -> Iterator[bytes]:
    yield data
    if data.startswith(HEADER.encode()):
        try:
            chunks = read_chunks(data.decode("utf-8", errors="replace"))
        except DriverError:
            return
        for from_host in (True, False):
            yield b"".join(chunk.data for chunk in chunks if chunk.from_host is from_host)


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in an archive; none where it is no archive, or a broken one."""
    try:
        if data.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for info in archive.infolist():
                    if info.file_size <= MOST_BYTES:
                        yield info.filename, archive.read(info)
        elif data.startswith(b"\x1f\x8b") or data[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                for member in tar:
                    if member.isfile() and member.size <= MOST_BYTES and (file := tar.extractfile(member)):
                        yield member.name, file.read()
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, zlib.error, RuntimeError):
        return


def _inflated(data: bytes) -> bytes:
    """What was compressed, or nothing."""
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.GzipFile(fileobj=io.BytesIO(data)).read(MOST_BYTES)
        if data[:1] == b"\x78" and data[1:2] in b"\x01\x5e\x9c\xda":
            return zlib.decompressobj().decompress(data, MOST_BYTES)
    except (OSError, EOFError, zlib.error):
        pass
    return b""


def _every(data: bytes, sought: bytes) -> Iterator[int]:
    at = data.find(sought)
    while at >= 0:
        yield at
        at = data.find(sought, at + 1)


def _run(data: bytes, at: int) -> tuple[int, int]:
    """The base64 around a place."""
    found = re.compile(rb"[A-Za-z0-9+/_=-]*(?:(?:\r?\n|\\n)[A-Za-z0-9+/_=-]+)*").match(data, at)
    before = re.search(rb"[A-Za-z0-9+/_-]*$", data[max(at - 4096, 0) : at])
    return at - len(before[0] if before else b""), found.end() if found else at


def _vectors(data: bytes) -> Iterator[tuple[int, int]]:
    """Floats in a row, of either size and order, at any place: of both signs, none huge, none tiny."""
    if len(data) < 4 * _FLOATS or data.isascii():
        return
    for kind, size in (("<f4", 4), (">f4", 4), ("<f8", 8), (">f8", 8)):
        for first in range(size):
            values = np.frombuffer(data, kind, (len(data) - first) // size, first)
            for start, end in _plausible(values):
                yield first + start * size, first + end * size


def _plausible(values: npt.NDArray[np.floating]) -> Iterator[tuple[int, int]]:
    with np.errstate(invalid="ignore"):
        sizes = np.abs(values)
        good = (sizes < 64) & (sizes > 1e-7)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], good.view(np.int8), [0]))))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        run = values[start:end]
        if end - start >= _FLOATS and len(np.unique(run)) > _FLOATS // 2:
            yield start, end
