"""Figures are told as Prometheus reads them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exposition import Family, Histogram, Kind, Sample, gauge, number, one_of, render
from tests.exposition import read_exposition

WORDS = st.text(max_size=20)


@given(st.dictionaries(WORDS, st.floats(allow_nan=False), min_size=1, max_size=5), WORDS)
def test_whatever_stands_in_a_label_comes_back(figures: dict[str, float], about: str) -> None:
    clean = {
        word: value for word, value in figures.items() if not set(word) & set("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
    }
    family = Family(
        "menshen_x", Kind.GAUGE, "An x.", tuple(Sample(value, {"w": word}) for word, value in clean.items())
    )
    read = read_exposition(render([family]))
    if clean:
        assert {dict(labels)["w"]: value for (_, labels), value in read["menshen_x"].samples.items()} == clean


def test_a_histogram_counts_upwards_and_adds_up() -> None:
    histogram = Histogram("menshen_s", "Steps.", (0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(seconds, step="face")
    read = read_exposition(render([histogram.family()]))["menshen_s"]
    assert [read.value("_bucket", step="face", le=bound) for bound in ("0.1", "1", "+Inf")] == [2, 3, 4]
    assert (read.value("_sum", step="face"), read.value("_count", step="face")) == (7.65, 4)


def test_what_is_not_known_is_left_out() -> None:
    assert render([gauge("menshen_x", "An x.", None), Histogram("menshen_h", "An h.").family()]) == ""


def test_one_state_of_several_holds() -> None:
    read = read_exposition(render([one_of("menshen_phase", "P.", "phase", ("a", "b"), "b")]))["menshen_phase"]
    assert (read.value(phase="a"), read.value(phase="b")) == (0, 1)


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.25, "0.25"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN")]
)
def test_numbers_are_written_as_the_format_wants(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "a 1",
        "a 1\n",
        "# HELP a A.\n# TYPE a gauge\n",
        "# HELP a A.\n# TYPE a gauge\na 1\na 2\n",
        "# HELP a A.\n# TYPE a counter\na 1\n",
        "# HELP a A.\n# TYPE a gauge\nb 1\n",
        '# HELP a A.\n# TYPE a gauge\na{x="1",x="2"} 1\n',
        '# HELP a A.\n# TYPE a gauge\na{x="1} 1\n',
        '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_sum 1\na_count 2\n',
        '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
)
def test_the_reader_that_the_tests_go_by_is_strict(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_exposition(text)
