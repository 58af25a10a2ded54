"""How `gatectl devices watch` shows what it counts: a table that changes, lines in a pipe, JSON for programs."""

from __future__ import annotations

import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from gate.commands._out import console, say_json
from gate.doctor import Finding, Trouble, decoding
from gate.watch import Watch, run

if TYPE_CHECKING:
    from rich.table import Table

LINE_S = 1.0
_COLOURS = {Trouble.NONE: "green", Trouble.IDLE: "yellow"}


def show(watch: Watch, seconds: float, as_json: bool) -> tuple[Finding, ...]:
    """Watch to the end, or until Ctrl-C, and show it meanwhile; gives the findings, which are printed last."""
    stop = threading.Event()
    try:
        if sys.stdout.isatty() and not as_json:
            _live(watch, seconds, stop)
        else:
            _lines(watch, seconds, stop, as_json)
    except KeyboardInterrupt:
        stop.set()
    say_findings(watch, as_json, counts=True)
    return watch.findings()


def say_findings(watch: Watch, as_json: bool, counts: bool = False) -> None:
    """The verdict in words, and the next thing to look at."""
    found = watch.findings()
    if as_json:
        told = {"error": watch.last_error, "findings": [asdict(one) for one in found]}
        say_json({**(numbers(watch) if counts else {}), **told})
        return
    if watch.last_error and counts:
        click.echo(f"the driver said last: {watch.last_error}")
    for one in found:
        click.secho(f"{one.trouble}: {one.words}", fg=_COLOURS.get(one.trouble, "red"))
        if one.look_at:
            click.echo(f"  look at: {one.look_at}")


def numbers(watch: Watch) -> dict[str, Any]:
    """Everything counted, for programs."""
    signs = asdict(watch.signs())
    told = {"seconds": round(watch.seconds, 2), "connected": watch.opened, "card_faults": watch.faults}
    return {**told, **signs, "decoding": decoding(watch.signs()), "errors": dict(watch.errors)}


def rows(watch: Watch) -> list[tuple[str, str]]:
    """Label and figure, for people."""
    s = watch.signs()
    shown = [
        ("bytes in / out", f"{s.bytes_in} / {s.bytes_out}"),
        ("frames good / damaged", f"{s.frames} / {s.bad_checks}" if s.knows else "not known for this driver"),
        ("bytes between frames", str(s.noise) if s.knows else "not known for this driver"),
        ("questions / unanswered / repeated", f"{s.questions} / {s.unanswered} / {s.repeats}"),
        ("longest silence", f"{s.longest_gap_s * 1000:.0f} ms"),
        ("went away", str(s.reconnects)),
        ("got / card faults", f"{s.got} / {watch.faults}"),
        ("read time, half / 19 of 20", f"{s.p50_s * 1000:.0f} / {s.p95_s * 1000:.0f} ms"),
        ("the driver said", ", ".join(f"{name} {n}" for name, n in sorted(watch.errors.items())) or "nothing wrong"),
    ]
    where = {"local": "in the reader", "remote": "over a network, not in the reader"}.get(decoding(s))
    return [*shown, *([("the chip is decoded", where)] if where else [])]


def _live(watch: Watch, seconds: float, stop: threading.Event) -> None:
    from rich.live import Live

    with Live(_table(watch), console=console(), refresh_per_second=8) as live:
        for seen in run(watch, seconds, stop):
            live.update(_table(seen))


def _lines(watch: Watch, seconds: float, stop: threading.Event, as_json: bool) -> None:
    shown = 0.0
    for seen in run(watch, seconds, stop):
        if seen.seconds - shown < LINE_S:
            continue
        shown = seen.seconds
        if as_json:
            say_json(numbers(seen))
        else:
            s = seen.signs()
            click.echo(
                f"{seen.seconds:6.1f} s  in {s.bytes_in}  out {s.bytes_out}  good {s.frames}  damaged {s.bad_checks}  "
                f"noise {s.noise}  unanswered {s.unanswered}  got {s.got}  went away {s.reconnects}"
            )


def _table(watch: Watch) -> Table:
    from rich.table import Table

    table = Table(title=f"{watch.kind} {watch.url}, {watch.seconds:.0f} s", show_header=False)
    for label, figure in rows(watch):
        table.add_row(label, figure)
    for one in watch.findings():
        table.add_row(str(one.trouble), f"{one.words}. {one.look_at}")
    return table
