"""The files on a travel document's chip (Doc 9303-10): reading them, and what stands in them.

A file is read in chunks of 0xDF bytes, so that the answer under secure messaging fits a short APDU. Beyond offset
0x7FFF READ BINARY takes its odd instruction byte and the offset in a data object (ISO/IEC 7816-4, 11.3.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from drivers.errors import BadAnswer
from drivers.reader._emrtd import tlv
from drivers.reader._emrtd.apdu import END_OF_FILE, OK, Channel, ChipRefused, Command
from models.mrz import Mrz, parse_mrz

APPLICATION = bytes.fromhex("A0000002471001")
CARD_ACCESS, COM, SOD = 0x011C, 0x011E, 0x011D
CHUNK = 0xDF
LONGEST_FILE = 256 * 1024
_FAR = 0x7FFF

TAGS = {1: 0x61, 2: 0x75, 11: 0x6B, 12: 0x6C, 14: 0x6E, 15: 0x6F}
"""Data groups that are read here, and their tags. Fingerprints (3) and irises (4) never are."""

_PICTURES = (b"\xff\xd8\xff", b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")  # JPEG, JP2, JPEG 2000 codestream


@dataclass(frozen=True, slots=True)
class Details:
    """From DG11: the name in the country's own script and the personal number (the ID number in Chinese passports)."""

    name: str = field(default="", repr=False)
    personal_number: str = field(default="", repr=False)


def fid_of(group: int) -> int:
    """The file identifier of a data group."""
    return 0x0100 | group


def select_application(channel: Channel) -> None:
    """Select the eMRTD application. Raises `ChipRefused` where the chip has none."""
    channel.ask(Command(0xA4, 4, 0x0C, APPLICATION), "selecting the travel document's application")


def read_file(channel: Channel, fid: int, tag: int) -> bytes:
    """The whole file, tag and length included. Raises `ChipRefused`, or `BadAnswer` where it isn't a `tag`."""
    channel.ask(Command(0xA4, 2, 0x0C, fid.to_bytes(2, "big")), f"selecting file {fid:04X}")
    data = _read(channel, fid, 0, 6)
    found, start, length = tlv.header(data)
    total = start + length
    if found != tag or total > LONGEST_FILE:
        raise BadAnswer(f"file {fid:04X} starts with {found:X} and {length} bytes", card_present=True)
    parts, size = [data], len(data)
    while size < total:
        chunk = _read(channel, fid, size, min(CHUNK, total - size))
        parts.append(chunk)
        size += len(chunk)
    return b"".join(parts)[:total]


def groups_in_com(com: bytes) -> set[int]:
    """The data groups that EF.COM lists. It is not signed: EF.SOD decides."""
    listed = tlv.need(com, 0x60, 0x5C)
    return {group for group, tag in TAGS.items() if tag in listed}


def read_mrz(dg1: bytes) -> Mrz:
    """The machine readable zone in DG1. Raises `BadAnswer`."""
    try:
        return parse_mrz(tlv.need(dg1, 0x61, 0x5F1F).decode("ascii"))
    except ValueError as error:
        raise BadAnswer(f"DG1: {error}", card_present=True) from error


def read_details(dg11: bytes) -> Details:
    """Name and personal number in DG11; what isn't there is empty. Raises `BadAnswer`."""
    try:
        name = (tlv.find(dg11, 0x6B, 0x5F0E) or b"").decode("utf-8")
        number = (tlv.find(dg11, 0x6B, 0x5F10) or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadAnswer("DG11 holds text that isn't UTF-8", card_present=True) from error
    return Details(_spoken(name), number.replace("<", "").strip())


def read_portrait(dg2: bytes) -> bytes:
    """The first portrait in DG2 as JPEG or JPEG 2000, empty where there is none. Raises `BadAnswer`.

    The picture is looked for by its own first bytes: headers differ by edition (ISO/IEC 19794-5, 39794-5).
    """
    body = tlv.need(dg2, 0x75)
    blocks = list(_biometric_data(body)) or [body]
    for block in blocks:
        starts = [at for sign in _PICTURES if (at := block.find(sign)) >= 0]
        if starts:
            return block[min(starts) :]
    return b""


def _biometric_data(body: bytes) -> Iterable[bytes]:
    for instance in tlv.parse(tlv.find(body, 0x7F61) or b""):
        if instance.tag == 0x7F60:
            yield from (item.value for item in instance.children if item.tag in (0x5F2E, 0x7F2E))


def _spoken(name: str) -> str:
    """`ZHENGJIAN<<YANGBEN` with spaces; Chinese characters stand together."""
    parts = name.replace("<", " ").split()
    return (" " if name.isascii() else "").join(parts)


def _read(channel: Channel, fid: int, offset: int, count: int) -> bytes:
    """Some bytes at `offset`, at least one and at most `count`."""
    if offset <= _FAR:
        command = Command(0xB0, offset >> 8, offset & 0xFF, le=count)
    else:
        where = tlv.pack(0x54, offset.to_bytes(2 if offset <= 0xFFFF else 3, "big"))
        command = Command(0xB1, 0, 0, where, le=min(count + 3, CHUNK))  # the answer comes in a data object 53
    response = channel.send(command)
    if response.sw not in (OK, END_OF_FILE):
        raise ChipRefused(f"reading file {fid:04X}", response.sw)
    data = response.data if offset <= _FAR else tlv.single(response.data, 0x53).value
    if not 0 < len(data) <= count:
        raise BadAnswer(f"file {fid:04X} gives {len(data)} bytes where {count} were asked for", card_present=True)
    return data
