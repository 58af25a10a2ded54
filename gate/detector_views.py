"""The ways in which bytes may hide a text: encodings, escapes, hexadecimal, base64. A view knows where it is from."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

_HEX = re.compile(rb"(?:(?:0x|\\x)?[0-9A-Fa-f]{2}(?:, ?|[ :\-])?){8,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{10,}={0,2}")
_LINE_END = re.compile(rb"\r?\n[ \t]*|\\(?:r\\)?")  # written as \n, its n looks like the next line's first letter
_FULL_LINE = 40
_REPR = re.compile(rb"[^\n'\"]{0,200}(?:\\x[0-9A-Fa-f]{2}[^\n'\"]{0,200})+")  # bytes as Python writes them
_ESCAPES = re.compile(
    r"((?:\\u[0-9A-Fa-f]{4})+)|((?:\\x[0-9A-Fa-f]{2})+)|((?:%[0-9A-Fa-f]{2})+)|((?:&#(?:\d{2,7}|x[0-9A-Fa-f]{2,6});)+)"
)
_WIDE = {0xFF10 + digit: 0x30 + digit for digit in range(10)} | {0xFF38: "X", 0xFF58: "x", 0x3000: " "}


@dataclass(frozen=True, slots=True)
class View:
    """A text, and for each of its characters (and its end) the place in the bytes where it began.

    `sure`: these bytes are meant to be read like this. In the other views chance makes Chinese characters.
    """

    text: str
    starts: Sequence[int]
    sure: bool = True

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The bytes of the characters from `start` to `end`."""
        first, behind = self.starts[start], self.starts[end]
        return (first, behind) if first < behind else (self.starts[0], self.starts[-1])


def texts(data: bytes) -> Iterator[View]:
    """The texts that `data` may be. Each plain one is followed by what its escapes say."""
    for view in _plain(data):
        widened = View(view.text.translate(_WIDE), view.starts, view.sure)
        yield widened
        if view.sure and _ESCAPES.search(view.text):
            for encoding in ("utf-8", "gb18030"):
                yield _unescaped(widened, encoding)


def _plain(data: bytes) -> Iterator[View]:
    if data.isascii():
        yield View(data.decode("ascii"), range(len(data) + 1))
        if b"\0" in data:
            yield from _utf16(data)
        return
    try:
        text = data.decode("utf-8")
        heads = np.flatnonzero((np.frombuffer(data, np.uint8) & 0xC0) != 0x80)
        yield View(text, [*heads.tolist(), len(data)])
        utf8 = True
    except UnicodeDecodeError:
        yield View(data.decode("latin-1"), range(len(data) + 1))
        utf8 = False
    yield from _line_by_line(data, utf8)
    yield from _utf16(data)


def _line_by_line(data: bytes, utf8: bool) -> Iterator[View]:
    """Every line that is more than ASCII in GB18030, and in UTF-8 where the whole is not."""
    at = 0
    for line in data.split(b"\n"):
        if not line.isascii():
            for encoding in ("gb18030",) if utf8 else ("gb18030", "utf-8"):
                text = line.decode(encoding, errors="replace")
                yield View(text, _starts(text, encoding, at, len(line)), encoding == "utf-8")
        at += len(line) + 1


def _starts(text: str, encoding: str, at: int, length: int) -> Sequence[int]:
    """Where characters begin; where that can't be told for damage, a hit shall take the line from its beginning on."""
    sizes = [1 if one == "\ufffd" else len(one.encode(encoding)) for one in text]
    if sum(sizes) != length:
        return [at, *[at + length] * len(text)]
    return [at + end for end in (0, *accumulate(sizes))]


def _utf16(data: bytes) -> Iterator[View]:
    for order in ("<u2", ">u2"):
        for first in (0, 1):
            units = np.frombuffer(data, order, (len(data) - first) // 2, first).astype("<u2")
            units[(units >= 0xD800) & (units < 0xE000)] = 0xFFFD  # one unit stays one character
            text = units.tobytes().decode("utf-16-le")
            yield View(text, range(first, first + 2 * len(units) + 1, 2), sure=False)


def _unescaped(view: View, encoding: str) -> View:
    r"""The text with `\u5f20`, `\xe5`, `%E5` and `&#24352;` read, single bytes in an `encoding`."""
    pieces: list[str] = []
    starts: list[int] = []
    last = 0
    for found in _ESCAPES.finditer(view.text):
        pieces.append(view.text[last : found.start()])
        starts += view.starts[last : found.start()]
        said = _said(found, encoding)
        pieces.append(said)
        start, end = view.span(*found.span())
        starts += [start + (end - start) * number // max(len(said), 1) for number in range(len(said))]
        last = found.end()
    pieces.append(view.text[last:])
    starts += view.starts[last:]
    return View("".join(pieces).translate(_WIDE), starts)


def _said(found: re.Match[str], encoding: str) -> str:
    unicode, raw, percent, entities = found.groups()
    if unicode:
        units = bytes.fromhex(unicode.replace("\\u", ""))
        return units.decode("utf-16-be", errors="replace")
    if entities:
        numbers = [
            int(x[1:], 16) if x.startswith("x") else int(x) for x in re.findall(r"&#(x?[0-9A-Fa-f]+);", entities)
        ]
        return "".join(chr(number) if number < 0x110000 else "\ufffd" for number in numbers)
    data = bytes.fromhex((raw or percent).replace("\\x", "").replace("%", ""))
    return data.decode(encoding, errors="replace")


def wrapped(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Bytes written as hexadecimal digits or base64: where they stand, and what they are."""
    for found in _HEX.finditer(data):
        digits = re.sub(rb"0x|\\x|[^0-9A-Fa-f]", b"", found[0])
        for shift in (0, 1):
            part = digits[shift:]
            yield (*found.span(), bytes.fromhex(part[: len(part) // 2 * 2].decode()))
    for found in _REPR.finditer(data):
        with contextlib.suppress(UnicodeError):
            yield (*found.span(), found[0].decode("unicode_escape").encode("latin-1"))
    for start, end in _base64_runs(data):
        letters = re.sub(rb"[\s=]|\\[rn]", b"", data[start:end]).replace(b"-", b"+").replace(b"_", b"/")
        for shift in range(4):
            part = letters[shift:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            try:
                yield start, end, base64.b64decode(part + b"=" * (-len(part) % 4))
            except binascii.Error:
                continue


def _base64_runs(data: bytes) -> Iterator[tuple[int, int]]:
    """Runs of its letters; each alone, and where long lines follow each other, all of them as one."""
    first = last = length = 0
    for found in _BASE64.finditer(data):
        start, end = found.span()
        if length >= _FULL_LINE and _LINE_END.fullmatch(data, last, start):
            last = end
        else:
            if last > first + length:
                yield first, last
            first, last = start, end
        yield start, end
        length = end - start
    if last > first + length:
        yield first, last
