"""BER-TLV as chips write it: strict, bounded, definite lengths alone (ISO/IEC 8825-1, ISO/IEC 7816-4 annex E)."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.errors import BadAnswer

LONGEST = 1 << 20
"""No value is longer: a portrait has some 20 kB."""


@dataclass(frozen=True, slots=True)
class Tlv:
    """One object. `whole` is it with tag and length, as it came."""

    tag: int
    value: bytes = field(repr=False)
    whole: bytes = field(repr=False)

    @property
    def children(self) -> list[Tlv]:
        """What is inside, for a constructed tag. Raises `BadAnswer`."""
        return parse(self.value)


def header(data: bytes, at: int = 0) -> tuple[int, int, int]:
    """The tag at `at`, where its value starts and how long that is. Raises `BadAnswer`."""
    try:
        tag, at = data[at], at + 1
        if tag & 0x1F == 0x1F:
            for _ in range(3):
                tag = tag << 8 | data[at]
                at += 1
                if not tag & 0x80:
                    break
            else:
                raise BadAnswer("a tag of more than three bytes")
        length, at = data[at], at + 1
        if length >= 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4 or at + count > len(data):
                raise BadAnswer("a length in no form that chips use")
            length, at = int.from_bytes(data[at : at + count], "big"), at + count
    except IndexError:
        raise BadAnswer("a data object ends in its own header") from None
    if length > LONGEST:
        raise BadAnswer(f"a data object claims {length} bytes")
    return tag, at, length


def parse(data: bytes) -> list[Tlv]:
    """The objects in `data`, one after another, with nothing left over. Raises `BadAnswer`."""
    objects = []
    at = 0
    while at < len(data):
        tag, start, length = header(data, at)
        if start + length > len(data):
            raise BadAnswer("a data object is longer than what holds it")
        objects.append(Tlv(tag, data[start : start + length], data[at : start + length]))
        at = start + length
    return objects


def single(data: bytes, tag: int) -> Tlv:
    """The one object that `data` is, which must have `tag`. Raises `BadAnswer`."""
    objects = parse(data)
    if len(objects) != 1 or objects[0].tag != tag:
        raise BadAnswer(f"expected one data object {tag:X}")
    return objects[0]


def find(data: bytes, *path: int) -> bytes | None:
    """The value of the first object at `path` (tags from the outside in), or `None`. Raises `BadAnswer`."""
    value: bytes | None = data
    for tag in path:
        value = next((o.value for o in parse(value or b"") if o.tag == tag), None)
        if value is None:
            return None
    return value


def need(data: bytes, *path: int) -> bytes:
    """As `find`, but what isn't there is a `BadAnswer`."""
    value = find(data, *path)
    if value is None:
        raise BadAnswer("the data object " + "/".join(f"{tag:X}" for tag in path) + " is missing")
    return value


def pack(tag: int, value: bytes) -> bytes:
    """`value` with tag and the shortest length."""
    size = len(value)
    if size < 0x80:
        length = bytes([size])
    else:
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(digits)]) + digits
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big") + length + value
