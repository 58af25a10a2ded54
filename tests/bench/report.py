"""The bench's figures for people: a table a section, peers in columns beside ours."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure, Section

_STYLES = {"met": "green", "missed": "red", "": ""}


def show(console: Console, section: Section) -> None:
    """One section."""
    peers = list(dict.fromkeys(peer.name for figure in section.figures for peer in figure.peers))
    noted = any(figure.note for figure in section.figures)
    ours = "ours" if peers else "p50 or value"
    table = Table(title=f"{section.name}  ({section.seconds:.0f} s)", title_justify="left", title_style="bold")
    table.add_column("figure")
    tails = any(figure.p99 is not None for figure in section.figures)
    for name in (ours, *peers, *(["p99"] if tails else []), "unit", "n", "target", "verdict"):
        table.add_column(name, justify="left" if name in ("unit", "verdict") else "right")
    if noted:
        table.add_column("95 %")
    for figure in section.figures:
        table.add_row(*_row(figure, peers, tails), *([figure.note] if noted else []))
    if section.figures:
        console.print(table)
    for note in section.notes:
        console.print(f"  {section.name}: {note}", style="dim", highlight=False)
    console.print()


def show_machine(console: Console, machine: dict[str, Any]) -> None:
    """What the figures were taken on."""
    table = Table(title="machine", title_justify="left", title_style="bold", show_header=False)
    for name, value in machine.items():
        words = ", ".join(f"{key} {word}" for key, word in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(name.replace("_", " "), words)
    console.print(table)


def _row(figure: Figure, peers: list[str], tails: bool) -> list[str]:
    theirs = {peer.name: _number(peer.value) for peer in figure.peers}
    aims = [_number(most) for most in (figure.at_most, figure.p99_at_most) if most is not None]
    target = f"≤ {' / '.join(aims)}" if aims else ""
    if figure.at_least is not None:
        target = " ".join(filter(None, [f"≥ {_number(figure.at_least)}", target]))
    verdict = f"[{_STYLES[figure.verdict]}]{figure.verdict}[/]" if figure.verdict else ""
    beside = [theirs.get(name, "") for name in peers]
    if tails:
        beside.append("" if figure.p99 is None else _number(figure.p99))
    return [figure.name, _number(figure.value), *beside, figure.unit, f"{figure.n:,}", target, verdict]


def _number(value: float) -> str:
    """Three digits that mean something, and no more."""
    if math.isnan(value):
        return "-"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"
