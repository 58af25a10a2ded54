"""Which part of the camera's picture is this lane."""

from __future__ import annotations

from typing import TypeAlias

Region: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom, as parts of the picture's width and height."""

WHOLE: Region = (0.0, 0.0, 1.0, 1.0)
LEAST = 0.1
"""Of either side."""
