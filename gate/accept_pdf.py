"""The acceptance report as a PDF to be printed and signed by hand; the JSON beside it is what the machine signed.

Made by reportlab, which comes with the hub's libraries and with the Debian package; a gate without it keeps the JSON.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, tzinfo
from importlib.util import find_spec
from typing import Any
from xml.sax.saxutils import escape

from gate.accept import Item, Report, Result

FONT = "STSong-Light"  # one of Acrobat's own Chinese fonts, so that no file has to be brought along
_COLOURS = {Result.PASSED: "#1b6b3a", Result.FAILED: "#a3211b", Result.SKIPPED: "#8a5a00", Result.NOT_THERE: "#555555"}


def can_be_made() -> bool:
    """Whether the library is here."""
    return find_spec("reportlab") is not None


def as_pdf(report: Report, digest: str, fingerprint: str, zone: tzinfo | None = None) -> bytes:
    """A4. `digest` is the SHA-256 of the JSON file, `fingerprint` the signing key's."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    out, style = io.BytesIO(), _styles()
    margins = {f"{side}Margin": 20 * mm for side in ("left", "right", "top", "bottom")}
    title = f"Acceptance of lane {report.gate}"
    document = SimpleDocTemplate(out, pagesize=A4, title=title, author="Menshen", **margins)
    at = datetime.fromtimestamp(report.at, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
    trust = "" if report.clock_trusted else " (the clock is not trusted)"
    lines = [f"{at}{trust}, by {report.by}; program {report.program}"]
    lines += [report.remarks] if report.remarks else []
    story: list[Any] = [Paragraph(title, style["title"])]
    word = "Accepted" if report.accepted else "Not accepted"
    story += [Paragraph(f"A rehearsal, nobody was asked: {word}" if report.rehearsal else word, style["word"])]
    story += [Paragraph(escape(line), style["text"]) for line in lines]
    story += [Spacer(1, 6 * mm), _items(report, style["text"]), Spacer(1, 6 * mm)]
    story += [Paragraph(escape(f"{name}: {url}"), style["small"]) for name, url in report.devices.items()]
    story += [Spacer(1, 8 * mm), Paragraph(f"Signed by the lane's key {fingerprint}", style["small"])]
    story += [Paragraph(f"SHA-256 of the signed file: {digest}", style["small"]), Spacer(1, 16 * mm)]
    story += [
        Paragraph("For the house: ______________________ For the technician: ______________________", style["text"])
    ]
    document.build(story)
    return out.getvalue()


def _items(report: Report, style: Any) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, Table

    heads = [Paragraph(word, style) for word in ("What", "Result", "Why, and what was measured")]
    rows = [[Paragraph(cell, style) for cell in _row(item)] for item in report.items]
    table = Table([heads, *rows], colWidths=[28 * mm, 28 * mm, 114 * mm], repeatRows=1)
    line, tint = HexColor("#c9c7bf"), HexColor("#e6eff0")
    table.setStyle([("LINEBELOW", (0, 0), (-1, -1), 0.5, line), ("BACKGROUND", (0, 0), (-1, 0), tint)])
    return table


def _row(item: Item) -> tuple[str, str, str]:
    facts = ", ".join(f"{name} {value}" for name, value in item.facts.items())
    result = f'<font color="{_COLOURS[item.result]}">{item.result.replace("_", " ")}</font>'
    return escape(item.name), result, escape("; ".join(filter(None, (item.why, facts))))


def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont

    registerFont(UnicodeCIDFont(FONT))
    text = ParagraphStyle("text", fontName=FONT, fontSize=9.5, leading=14)
    return {
        "text": text,
        "small": ParagraphStyle("small", text, fontSize=7.5, leading=11),
        "word": ParagraphStyle("word", text, fontSize=13, leading=20),
        "title": ParagraphStyle("title", text, fontSize=18, leading=26),
    }
