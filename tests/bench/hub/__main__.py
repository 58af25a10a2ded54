"""`python -m tests.bench.hub`: what one server carries, over real TLS, on SQLite and on PostgreSQL.

Everything runs on this one machine: the load, the server's workers and the database share its cores. Prints a table a
section and writes the same figures as JSON, like `python -m tests.bench`.
"""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path

import click
from rich.console import Console

from tests.bench import machine, report
from tests.bench.figures import Section
from tests.bench.hub import bell, claims, ledgers, stadium
from tests.bench.hub.rig import Engine, engines
from tests.bench.writing import write

OUT = Path(__file__).resolve().parents[3] / "build" / "bench-hub.json"
SECTIONS = {"claims": claims.measure, "ledgers": ledgers.measure, "bell": bell.measure, "stadium": stadium.measure}
ENGINES = ("sqlite", "postgresql")


@click.command()
@click.option("--only", type=click.Choice(list(SECTIONS)), multiple=True, help="Some of the sections.")
@click.option("--engine", type=click.Choice(ENGINES), multiple=True, help="One of the engines.")
@click.option("--quick", is_flag=True, help="fewer trials")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=OUT, show_default="build/bench-hub.json"
)
def main(only: tuple[str, ...], engine: tuple[str, ...], quick: bool, out: Path) -> None:
    """Measure, print, write."""
    console = Console()
    console.width = max(console.width, 110)
    began, load = time.perf_counter(), machine.load()
    done: list[Section] = []
    broken: list[str] = []
    with engines(list(engine or ENGINES)) as found:
        for name in only or SECTIONS:
            for on in found:
                console.print(f"measuring: {name}, {on.name}", style="dim")
                section, trace = _run(name, on, quick)
                if trace:
                    broken.append(section.name)
                    console.print(trace, style="red", markup=False, highlight=False)
                done.append(section)
                report.show(console, section)
    facts = machine.describe() | {"load_at_start": load, "load_at_end": machine.load()}
    facts |= {"quick": quick, "seconds": round(time.perf_counter() - began, 1)}
    report.show_machine(console, facts)
    write(out, facts, done, broken)
    console.print(f"written to {out}" + (f"; broken: {', '.join(broken)}" if broken else ""), highlight=False)
    sys.exit(1 if broken else 0)


def _run(name: str, on: Engine, quick: bool) -> tuple[Section, str]:
    """The section, and the trace of what broke in it."""
    began, trace, load = time.perf_counter(), "", machine.load()[0]
    try:
        section = SECTIONS[name](on, quick)
    except Exception as error:  # the other sections shall still be measured
        trace = traceback.format_exc()
        section = Section(f"{name}, {on.name}", notes=[f"broken: {type(error).__name__}"])
    section.seconds = time.perf_counter() - began
    section.notes.append(f"load of the machine before: {load}")
    return section, trace


if __name__ == "__main__":
    main()
