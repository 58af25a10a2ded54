"""The report as tables, and these as a CSV file and as a PDF in both languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from sync.server.pages.words import Words
from sync.server.report import Report

CHINESE_FONT = "STSong-Light"  # every PDF reader has it: nothing is embedded
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of the report."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sheets(report: Report, t: Words) -> list[Sheet]:
    """The report in words."""
    value = t("report.value")
    main = tuple((t(f"report.{key}"), _number(key, number)) for key, number in report.figures.items())
    reasons = tuple((t.of("reasons", reason), str(number)) for reason, number in report.by_reason)
    findings = tuple((t.of("finding", finding), str(number)) for finding, number in report.by_finding)
    gates = tuple(
        (one.name, str(one.admitted), str(one.refused), str(one.passed_in), str(one.unchecked))
        for one in report.by_gate
    )
    heads = ("report.gate", "report.admissions", "report.refused", "report.passed_in", "report.unchecked")
    made = [
        Sheet(t("report.heading"), (t("report.figure"), value), main),
        Sheet(t("report.by_reason"), (t("report.reason"), value), reasons),
        Sheet(t("report.by_finding"), (t("report.finding"), value), findings),
        Sheet(t("report.by_gate"), tuple(t(head) for head in heads), gates),
    ]
    if report.unsent:
        made.append(Sheet(t("report.unsent"), (t("report.gate"),), tuple((name,) for name in report.unsent)))
    return made


def as_csv(head: Sequence[str], tables: Sequence[Sheet]) -> bytes:
    """UTF-8 with a byte-order mark, as spreadsheets of both languages read it. No cell can be taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([_plain(line)] for line in head)
    for sheet in tables:
        writer.writerows(([], [_plain(sheet.title)], [_plain(cell) for cell in sheet.heads]))
        writer.writerows([_plain(cell) for cell in row] for row in sheet.rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_pdf(head: Sequence[str], tables: Sequence[Sheet], made_at: str) -> bytes:
    """A4, a table after the other, with page numbers."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    out, style = io.BytesIO(), _styles()
    margins = {f"{side}Margin": 20 * mm for side in ("left", "right", "top", "bottom")}
    document = SimpleDocTemplate(out, pagesize=A4, title=head[0], author="Menshen", **margins)
    story: list[Any] = [Paragraph(escape(head[0]), style["title"])]
    story += [Paragraph(escape(line), style["text"]) for line in head[1:]]
    for sheet in tables:
        story += [Spacer(1, 6 * mm), Paragraph(escape(sheet.title), style["head"]), _table(sheet, style["text"])]

    def foot(canvas: Any, _: Any) -> None:
        canvas.setFont(CHINESE_FONT, 8)
        canvas.drawString(20 * mm, 12 * mm, made_at)
        canvas.drawRightString(190 * mm, 12 * mm, str(canvas.getPageNumber()))

    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _table(sheet: Sheet, style: Any) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, Table

    cells = [[Paragraph(escape(cell), style) for cell in row] for row in (sheet.heads, *(sheet.rows or (("–",),)))]
    rest = max(len(sheet.heads) - 1, 1)
    widths = [170 * mm - rest * 25 * mm, *([25 * mm] * rest)] if len(sheet.heads) > 1 else [170 * mm]
    table = Table([[*row, *[""] * (len(widths) - len(row))] for row in cells], colWidths=widths, repeatRows=1)
    line, tint = HexColor("#c9c7bf"), HexColor("#e6eff0")
    table.setStyle([("LINEBELOW", (0, 0), (-1, -1), 0.5, line), ("BACKGROUND", (0, 0), (-1, 0), tint)])
    return table


@cache
def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont

    registerFont(UnicodeCIDFont(CHINESE_FONT))
    text = ParagraphStyle("text", fontName=CHINESE_FONT, fontSize=9.5, leading=14)
    return {
        "text": text,
        "head": ParagraphStyle("head", text, fontSize=12, leading=18),
        "title": ParagraphStyle("title", text, fontSize=18, leading=26),
    }


def _number(key: str, number: float) -> str:
    return f"{number:.2%}" if key.endswith("_share") else f"{number:d}" if isinstance(number, int) else f"{number:g}"


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
