"""A document's portrait before anything opens it: whether its format is an open one, and how large it claims to be.

The bytes come from a stranger's chip. Headers are read here by our own few lines, so that a small file that unfolds to
gigabytes is refused before a decoder sees it. JPEG and JPEG 2000 stand in passports (ISO/IEC 19794-5), BMP is what
decoders of resident cards give.
"""

from __future__ import annotations

import struct

MOST_BYTES = 200_000
"""A chip's portrait has 1 to 25 kB."""

MOST_PIXELS = 4_000_000
MOST_TILES, MOST_COMPONENTS = 64, 4

UNREADABLE, TOO_LARGE = "unreadable", "too_large"

_JPEG, _PNG, _BMP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"
_JP2, _J2K = b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"
_NO_FRAME_HEADER = {0xC4, 0xC8, 0xCC}  # of C0 to CF: tables, reserved, arithmetic conditioning


class PortraitUnusable(ValueError):
    """No reference comes of this portrait. `why` is one word for the ledger, `detail` is for the technician's log."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(detail or why)
        self.why, self.detail = why, detail


def is_open(portrait: bytes) -> bool:
    """Whether the portrait begins like a format that needs no decoder of anybody's."""
    return portrait.startswith((_JPEG, _PNG, _JP2, _J2K)) or _bmp_header(portrait) is not None


def check_size(picture: bytes) -> None:
    """Raise `PortraitUnusable` unless `picture` is in an open format and small, by its bytes and by its own word."""
    if len(picture) > MOST_BYTES:
        raise PortraitUnusable(TOO_LARGE)
    width, height = size_px(picture)
    if width < 1 or height < 1:
        raise PortraitUnusable(UNREADABLE)
    if width * height > MOST_PIXELS:
        raise PortraitUnusable(TOO_LARGE)


def size_px(picture: bytes) -> tuple[int, int]:
    """Width and height as the header says them. Raises `PortraitUnusable` when there is none that we can read."""
    try:
        if picture.startswith(_JPEG):
            return _jpeg(picture)
        if picture.startswith(_PNG):
            return struct.unpack_from(">II", picture, 16)
        if picture.startswith(_JP2):
            return _codestream(_jp2_codestream(picture))
        if picture.startswith(_J2K):
            return _codestream(picture)
        bmp = _bmp_header(picture)
    except (struct.error, IndexError) as error:
        raise PortraitUnusable(UNREADABLE) from error
    if bmp is None:
        raise PortraitUnusable(UNREADABLE)
    return bmp


def _jpeg(picture: bytes) -> tuple[int, int]:
    """From the frame header (ITU-T T.81, B.2.2). Segments must follow one another without gaps."""
    at = 2
    while picture[at] == 0xFF:
        marker = picture[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER:
            height, width = struct.unpack_from(">HH", picture, at + 5)
            return width, height
        if marker == 0xDA:  # a scan before any frame
            break
        at += 2 + struct.unpack_from(">H", picture, at + 2)[0]
    raise PortraitUnusable(UNREADABLE)


def _bmp_header(picture: bytes) -> tuple[int, int] | None:
    if not picture.startswith(_BMP) or len(picture) < 54:
        return None
    (header_size,) = struct.unpack_from("<I", picture, 14)
    if header_size not in (12, 40, 52, 56, 108, 124):
        return None
    width, height = struct.unpack_from("<HH" if header_size == 12 else "<ii", picture, 18)
    return width, abs(height)  # a negative height: rows from the top


def _jp2_codestream(picture: bytes) -> bytes:
    """The box `jp2c` (ISO/IEC 15444-1, annex I)."""
    at = 0
    while True:
        size, kind = struct.unpack_from(">I4s", picture, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", picture, start)
            start += 8
        if kind == b"jp2c":
            return picture[start:]
        if size < 8:
            raise PortraitUnusable(UNREADABLE)
        at += size


def _codestream(stream: bytes) -> tuple[int, int]:
    """From the SIZ segment (ISO/IEC 15444-1, A.5.1). Tiles and components cost memory each, so they are limited too."""
    if not stream.startswith(_J2K):
        raise PortraitUnusable(UNREADABLE)
    right, bottom, left, top, *tiles, components = struct.unpack_from(">8IH", stream, 8)
    tile_width, tile_height, tile_left, tile_top = tiles
    if not tile_width or not tile_height or left >= right or top >= bottom or tile_left > left or tile_top > top:
        raise PortraitUnusable(UNREADABLE)
    across, down = -(-(right - tile_left) // tile_width), -(-(bottom - tile_top) // tile_height)
    if across * down > MOST_TILES or components > MOST_COMPONENTS:
        raise PortraitUnusable(TOO_LARGE)
    return right - left, bottom - top
