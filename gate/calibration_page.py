"""The report of a calibration: one HTML page without scripts or anything fetched, which a browser also prints."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

from gate.calibration import Calibration, Row
from models.error_rates import Rate

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 300, 56, 34
LEAST = 1e-5
"""The lowest rate on the plot's scale."""
POINTS = 160

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24 }
table { border-collapse: collapse; width: 100% } th, td { text-align: right; padding: .3rem .6rem }
th:first-child, td:first-child { text-align: left } tr + tr { border-top: 1px solid #d5dae0 }
svg { width: 100%; height: auto } .note { color: #57606a }
"""


def page(calibration: Calibration, title: str) -> str:
    """The whole page."""
    bands = calibration.bands
    told = (
        f"<p>Accept up to <b>{bands.accept:.3f}</b>, mismatch beyond <b>{bands.refuse:.3f}</b>, "
        f"for {escape(bands.model_version)} and the population {escape(bands.population)}.</p>"
        if bands
        else "<p><b>No bands.</b></p>"
    )
    notes = "".join(f"<p>{escape(words)}.</p>" for words in calibration.words)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
{told}{notes}
<h2>Errors at every distance</h2>
{plot(calibration)}
<h2>At accept, with 95 % intervals</h2>
{_table(calibration.rows)}
<p class="note">Wanted false match rate: {calibration.wanted_fmr:g}. False matches: strangers at most so far apart.
False non-matches: holders further from themselves; they see a person, nobody is turned away by a machine. After
ISO/IEC 19795-1; without an error in n trials the rate is bounded by 3/n. Pairs of the same persons are not
independent, so that the true intervals are wider than these.</p>
</body></html>
"""


def plot(calibration: Calibration) -> str:
    """False matches and false non-matches over the distance, as SVG. The rates' scale is logarithmic."""
    scores = calibration.scores
    ends = [float(side[end]) for side in (scores.genuine, scores.impostor) if len(side) for end in (0, -1)]
    if not ends:
        return ""
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def x(distance: float) -> float:
        return LEFT + (distance - low) / span * (WIDTH - LEFT - 10)

    def line(rate: Callable[[float], Rate], colour: str) -> str:
        at = [low + span * step / POINTS for step in range(POINTS + 1)]
        places = " ".join(f"{x(d):.1f},{_height(rate(d).value):.1f}" for d in at if rate(d).trials)
        return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'

    bands = calibration.bands
    marks = [("accept", bands.accept), ("mismatch", bands.refuse)] if bands else []
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="error rates over distance" font-size="12">'
        + "".join(_rule(10.0**power) for power in range(-5, 1))
        + "".join(_tick(x(low + span * part / 4), low + span * part / 4) for part in range(5))
        + "".join(_mark(x(at), name) for name, at in marks)
        + line(scores.fmr, "#b3261e")
        + line(scores.fnmr, "#1f5fbf")
        + f'<text x="{LEFT + 8}" y="24" fill="#b3261e">false matches</text>'
        + f'<text x="{LEFT + 108}" y="24" fill="#1f5fbf">false non-matches</text></svg>'
    )


def _height(rate: float) -> float:
    part = math.log10(max(rate, LEAST)) / math.log10(LEAST)
    return 10 + part * (HEIGHT - BOTTOM - 10)


def _rule(rate: float) -> str:
    y = _height(rate)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d5dae0"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{rate:g}</text>'
    )


def _tick(x: float, distance: float) -> str:
    return f'<text x="{x:.1f}" y="{HEIGHT - 12}" text-anchor="middle">{distance:.2f}</text>'


def _mark(x: float, name: str) -> str:
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="10" y2="{HEIGHT - BOTTOM}" stroke="#57606a" stroke-dasharray="4 3"/>'
        f'<text x="{x + 4:.1f}" y="{HEIGHT - BOTTOM - 6}">{name}</text>'
    )


def _table(rows: tuple[Row, ...]) -> str:
    head = (
        "<tr><th>Group</th><th>False matches</th><th>False non-matches</th><th>Equal error</th><th>Own accept</th></tr>"
    )
    return "<table>" + head + "".join(map(_line, rows)) + "</table>"


def _line(row: Row) -> str:
    own = "–" if row.own is None else f"{row.own:.3f}"
    error = "–" if math.isnan(row.equal_error) else f"{row.equal_error:.2%}"
    cells = (escape(row.group) or "everybody", str(row.fmr), str(row.fnmr), error, own)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
