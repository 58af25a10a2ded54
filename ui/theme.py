"""How it looks: a colour, an icon, a shape and a sound for each tone; sizes in millimetres; fonts with Chinese glyphs.

Colour never speaks alone: each tone has another outline and another sound too, so that it is told apart by who sees no
red and green, and by who only hears it. Every ink has at least 4.5:1 on its ground (WCAG 2.2, 1.4.3), in high contrast
at least 7:1 (1.4.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from PyQt5.QtGui import QColor, QFont, QFontDatabase
from PyQt5.QtWidgets import QWidget

from ui.view import Tone

FAMILIES = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "Noto Sans SC", "Droid Sans Fallback")
"""Fonts that have the Chinese glyphs, the best first."""

TOUCH_MM = 12.0
"""What a finger hits without looking twice."""

TOUCH_PX = 62
"""The same on the 7-inch panel with 800 by 480 (155 mm wide). A screen that tells no size gets this."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a person wants it: set for the lane, or by a touch. `low`: all that is touched lies in the lower half."""

    high_contrast: bool = False
    large: bool = False
    still: bool = False
    low: bool = False


@dataclass(frozen=True, slots=True)
class ToneLook:
    """A tone for the eyes and ears. Colours are `#rrggbb`; `panel` is a quieter ground that bears the same ink.

    `shape` is the icon's outline: round, eye, drop, diamond, octagon, square, none like another.
    """

    background: str
    ink: str
    panel: str
    icon: str
    shape: str
    sound: str = ""


_TONES = MappingProxyType(
    {
        Tone.CALM: ToneLook("#f5f2ea", "#17242e", "#ffffff", "card", "plain"),
        Tone.GO: ToneLook("#08693f", "#ffffff", "#075a36", "tick", "circle", "go"),
        Tone.LOOK: ToneLook("#123f86", "#ffffff", "#0e3371", "face", "oval", "look"),
        Tone.WAIT: ToneLook("#dfe8ef", "#14303f", "#ffffff", "hourglass", "pill"),
        Tone.DESK: ToneLook("#ffc845", "#2a1d00", "#ffdc8a", "person", "diamond", "desk"),
        Tone.STOP: ToneLook("#a3161d", "#ffffff", "#8c1218", "hand", "octagon", "stop"),
        Tone.OUT: ToneLook("#2b2f36", "#ffffff", "#3a3f48", "barred", "square"),
    }
)

_CONTRAST = MappingProxyType(
    {
        Tone.CALM: ToneLook("#000000", "#ffffff", "#1a1a1a", "card", "plain"),
        Tone.GO: ToneLook("#003d22", "#ffffff", "#002a17", "tick", "circle", "go"),
        Tone.LOOK: ToneLook("#00245c", "#ffffff", "#001a44", "face", "oval", "look"),
        Tone.WAIT: ToneLook("#ffffff", "#000000", "#eeeeee", "hourglass", "pill"),
        Tone.DESK: ToneLook("#ffdd33", "#000000", "#ffe97a", "person", "diamond", "desk"),
        Tone.STOP: ToneLook("#6d0008", "#ffffff", "#520006", "hand", "octagon", "stop"),
        Tone.OUT: ToneLook("#000000", "#ffffff", "#222222", "barred", "square"),
    }
)


def tone(which: Tone, *, contrast: bool = False) -> ToneLook:
    """How `which` looks and sounds, in high contrast where asked."""
    return (_CONTRAST if contrast else _TONES)[which]


def contrast_ratio(one: str, other: str) -> float:
    """The contrast of two colours `#rrggbb`, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, "relative luminance")."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def font(px: float, *, bold: bool = False) -> QFont:
    """A font with Chinese glyphs, `px` high."""
    made = QFont()
    made.setFamilies([*(name for name in FAMILIES if name in _installed()), made.family()])
    made.setPixelSize(max(1, round(px)))
    made.setWeight(QFont.Bold if bold else QFont.Normal)
    return made


def mm(widget: QWidget, length_mm: float) -> int:
    """So many millimetres in pixels on the widget's screen; a screen that tells nonsense counts as the 7-inch panel."""
    dots_per_mm = (widget.physicalDpiX() or 0) / 25.4
    return round(length_mm * (dots_per_mm if 2.0 <= dots_per_mm <= 16.0 else TOUCH_PX / TOUCH_MM))


def touch_px(widget: QWidget, look: Look | None = None) -> int:
    """The least side of anything that is touched: 12 mm and never under 62 pixels; a quarter more where large."""
    side = max(TOUCH_PX, mm(widget, TOUCH_MM))
    return round(side * 1.25) if look and look.large else side


def colour(name: str, alpha: float = 1.0) -> QColor:
    """A colour `#rrggbb`, `alpha` from 0 to 1."""
    made = QColor(name)
    made.setAlphaF(alpha)
    return made


_families: set[str] = set()


def _installed() -> set[str]:
    if not _families:
        _families.update(QFontDatabase().families())
    return _families
