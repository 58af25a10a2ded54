"""The keys of a US keyboard by their Linux numbers (linux/input-event-codes.h), as scanners type by default."""

from __future__ import annotations

ENTER = frozenset({28, 96})  # of the block and of the keypad
SHIFT = frozenset({42, 54})

_ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
)

PLAIN = {first + at: character for first, row, _ in _ROWS for at, character in enumerate(row)}
SHIFTED = {first + at: character for first, _, row in _ROWS for at, character in enumerate(row)}
KEYPAD = {55: "*", 71: "7", 72: "8", 73: "9", 74: "-", 75: "4", 76: "5", 77: "6", 78: "+", 79: "1", 80: "2", 81: "3"}
KEYPAD |= {82: "0", 83: ".", 98: "/"}


def key_of(character: str) -> tuple[int, bool]:
    """The key and whether shift is held. Raises `ValueError` for what a US keyboard does not have."""
    for shift, row in ((False, PLAIN), (True, SHIFTED)):
        for key, typed in row.items():
            if typed == character:
                return key, shift
    raise ValueError("a character that a US keyboard does not have")
