"""Plots as SVG within the page: no script draws them, and no colour alone says anything."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDE, NARROW, HEIGHT, FOOT, LEFT = 960, 400, 230, 26, 44
NARROW_MIN = 30
"""A phone shows the last half hour: bars that can be told apart."""

GRID = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 80, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000)


def bars(points: Sequence[tuple[int, int]], label: str, utc_offset_s: int) -> Markup:
    """A bar for each minute; the last one, which still runs, is hollow. `label` says in words what is to be seen.

    Drawn twice, for a desk and for a phone; the style shows one of them, and hides the other from everybody.
    """
    return _plot(points, label, utc_offset_s, WIDE, "wide-only") + _plot(
        points[-NARROW_MIN:], label, utc_offset_s, NARROW, "narrow-only"
    )


def _plot(points: Sequence[tuple[int, int]], label: str, utc_offset_s: int, width: int, shown: str) -> Markup:
    most = max((count for _, count in points), default=0)
    step = next((step for step in GRID if step * 4 >= most), GRID[-1])
    top = step * 4
    wide = (width - LEFT) / max(len(points), 1)
    parts = [_line(mark, top, width) for mark in range(0, top + 1, step)]
    for place, (minute, count) in enumerate(points):
        kind = "running" if place == len(points) - 1 else "bar"
        left = LEFT + place * wide
        if count:
            parts.append(_bar(left, wide, count / top, kind))
        if minute % 10 == 0:
            parts.append(_hour(left, minute, utc_offset_s))
    inside = "".join(parts)
    box, said = f"0 0 {width} {HEIGHT}", escape(label)
    return Markup(  # noqa: S704 - numbers of ours, and a label that is escaped
        f'<svg class="plot {shown}" viewBox="{box}" role="img" aria-label="{said}">{inside}</svg>'
    )


def _bar(left: float, wide: float, part: float, kind: str) -> str:
    tall = part * (HEIGHT - FOOT - 8)
    return (
        f'<rect class="{kind}" x="{left + 1.5:.1f}" y="{HEIGHT - FOOT - tall:.1f}" '
        f'width="{max(wide - 3, 1):.1f}" height="{tall:.1f}"/>'
    )


def _line(mark: int, top: int, width: int) -> str:
    y = HEIGHT - FOOT - mark / top * (HEIGHT - FOOT - 8)
    return (
        f'<line class="grid" x1="{LEFT}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{mark}</text>'
    )


def _hour(left: float, minute: int, utc_offset_s: int) -> str:
    of_day = (minute + utc_offset_s // 60) % 1440
    said = f"{of_day // 60:02}:{of_day % 60:02}"
    return f'<text class="axis" x="{left:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{said}</text>'
