"""Words find the largest letters that fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.fitting import SMALLEST_PX, FittedLabel, balanced_width, fits, fitting_px, level

LONG = "Please use the ID that you bought with, or ask at the ticket desk."
CHINESE = "请使用购票时的证件，或到票务服务台查询。"


@given(text=st.sampled_from([LONG, CHINESE, "欢迎"]), width=st.integers(60, 900), height=st.integers(20, 500))
def test_the_found_size_fits_and_the_next_does_not(qapp, text, width, height):
    px = fitting_px(text, width, height, 90, SMALLEST_PX)
    if px > SMALLEST_PX:
        assert fits(text, width, height, px)
    if px < 90:
        assert not fits(text, width, height, px + 1)


def test_no_word_is_broken_and_no_short_chinese_one(qapp):
    assert not fits("conscientiousness", 60, 1000, 20)
    assert not fits("详情", 25, 1000, 20)
    assert fits("详情", 45, 30, 20)


@pytest.mark.parametrize("text", [LONG, CHINESE])
def test_balanced_lines_are_as_many_and_no_wider(qapp, text):
    width = balanced_width(text, 400, 30)
    assert width <= 400
    tall = next(height for height in range(10, 2000) if fits(text, 400, height, 30))
    assert fits(text, width, tall, 30)


def test_a_label_says_whether_all_is_seen(qapp):
    label = FittedLabel(LONG, largest=60)
    label.resize(400, 200)
    assert label.fits()
    label.resize(40, 20)
    assert (label.fits(), label.px()) == (False, SMALLEST_PX)
    label.setText("")
    assert label.fits()


def test_a_short_word_stands_on_one_line_where_it_may(qapp):
    label = FittedLabel("此入口暂停服务", largest=90)
    label.resize(500, 240)
    assert 500 // 7 - 6 <= label.px() <= 500 // 7


def test_labels_of_one_level_have_letters_of_one_size(qapp):
    labels = [FittedLabel(text, largest=60) for text in ("A", LONG, "", CHINESE)]
    for label in labels:
        label.resize(300, 90)
    level(*labels)
    assert len({label.px() for label in labels if label.text()}) == 1
    labels[1].setText("short")
    level(*labels)
    assert labels[0].px() > 20  # the long one no longer holds the others down
