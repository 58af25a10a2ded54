"""Visitors whom the dlib engine keeps well apart, found by `tests/bench/choose_visitors.py`."""

CHOSEN: tuple[int, ...] = (
    *(0, 54, 340, 397, 75, 543, 589, 546, 62, 531, 2, 687, 31, 665, 501, 79),
    *(170, 10, 110, 156, 187, 32, 301, 975, 226, 604, 309, 490, 88, 392, 499, 207),
)
"""32 seeds. Lane frames lie within 0.30 of their own portrait and beyond 0.43 of every other; accept is 0.40."""
