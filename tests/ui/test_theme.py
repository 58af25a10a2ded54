"""What is seen: contrast, shapes, glyphs, sizes of what is touched."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import QRectF
from PyQt5.QtGui import QColor, QFontDatabase, QFontMetrics, QImage, QPainter, QRawFont
from PyQt5.QtWidgets import QWidget

from ui import icons, theme, words
from ui.theme import FAMILIES, Look
from ui.view import Tone


@pytest.mark.parametrize("which", Tone)
@pytest.mark.parametrize(("contrast", "least"), [(False, 4.5), (True, 7.0)])
def test_ink_stands_out_on_every_ground(which, contrast, least):
    look = theme.tone(which, contrast=contrast)
    assert theme.contrast_ratio(look.ink, look.background) >= least
    assert theme.contrast_ratio(look.ink, look.panel) >= least


def test_contrast_is_reckoned_as_wcag_does():
    assert theme.contrast_ratio("#000000", "#ffffff") == pytest.approx(21.0)
    assert theme.contrast_ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known near miss
    assert theme.contrast_ratio("#ff0000", "#ff0000") == 1.0


@pytest.mark.parametrize("contrast", [False, True])
def test_no_two_tones_share_colour_shape_or_icon(contrast):
    looks = [theme.tone(which, contrast=contrast) for which in Tone]
    assert len({look.shape for look in looks}) == len({look.icon for look in looks}) == len(Tone)
    assert len({look.background for look in looks}) >= len(Tone) - contrast  # two are black, and differ in shape
    sounds = [look.sound for look in looks if look.sound]
    assert len(set(sounds)) == len(sounds) == 4


@pytest.mark.parametrize("name", icons.DRAWINGS)
def test_every_icon_is_drawn_within_its_box(qapp, name):
    assert ink_of(lambda painter, box: icons.paint(painter, name, box, QColor("black"))) > 60
    assert QRectF(0, 0, 24, 24).contains(icons.outline(icons.DRAWINGS[name]).boundingRect())


@pytest.mark.parametrize("name", icons.SHAPES)
def test_every_shape_is_drawn_within_its_box(qapp, name):
    inked = ink_of(lambda painter, box: icons.paint_shape(painter, name, box, QColor("black")))
    assert (inked > 60) is (name != "plain")
    assert QRectF(0, 0, 24, 24).contains(icons.outline(icons.SHAPES[name]).boundingRect()) or name == "plain"


def test_a_drawing_with_a_slip_is_refused():
    with pytest.raises(ValueError, match="'Q'"):
        icons.outline("M 1 1 Q 2 2 3 3")


def test_every_tone_has_an_icon_and_a_shape():
    for contrast in (False, True):
        for which in Tone:
            look = theme.tone(which, contrast=contrast)
            assert look.icon in icons.DRAWINGS
            assert look.shape in icons.SHAPES


@pytest.mark.parametrize("language", words.languages())
def test_every_letter_has_a_glyph(qapp, language):
    families = [name for name in FAMILIES if name in QFontDatabase().families()]
    if not families:
        pytest.skip("no font with Chinese glyphs here; the installer brings one")
    texts = "".join(words.read(words.STRINGS / f"{language}.toml").values())
    assert without_glyph(texts) == set()


def test_a_letter_without_a_glyph_is_found(qapp):
    assert without_glyph("a\U000e0fff") == {"\U000e0fff"}


@pytest.mark.parametrize("look", [Look(), Look(large=True)])
def test_what_is_touched_is_at_least_twelve_millimetres(qapp, look):
    widget = QWidget()
    side = theme.touch_px(widget, look)
    assert side >= theme.TOUCH_PX
    assert side >= theme.mm(widget, theme.TOUCH_MM)
    assert theme.TOUCH_PX / (800 / 155) >= 12.0  # on the 7-inch panel


def ink_of(draw) -> int:
    """How many pixels of 48 by 48 are inked."""
    picture = QImage(48, 48, QImage.Format_RGB32)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    draw(painter, QRectF(0, 0, 48, 48))
    painter.end()
    return sum(QColor(picture.pixel(x, y)).lightness() < 128 for x in range(48) for y in range(48))


def without_glyph(text: str) -> set[str]:
    """The letters that the screens' best font lacks."""
    family = next((name for name in FAMILIES if name in QFontDatabase().families()), "")
    font = theme.font(20)
    font.setFamily(family)
    raw, metrics = QRawFont.fromFont(font), QFontMetrics(font)
    return {c for c in text if not c.isspace() and not (raw.supportsCharacter(ord(c)) and metrics.inFontUcs4(ord(c)))}
