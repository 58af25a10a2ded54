"""`python -m tests.bench`: how fast, how large and how right everything is, on this machine and beside other programs.

Prints a table a section and writes the same figures as JSON. A target that is missed is said, and is no failure: the
exit status is 1 only when something broke.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

import click
from rich.console import Console

from tests.bench import machine, report
from tests.bench.figures import Section
from tests.bench.sections import ON_REQUEST, SECTIONS
from tests.bench.writing import write

OUT = Path(__file__).resolve().parents[2] / "build" / "bench.json"
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def _chosen(context: click.Context, parameter: click.Parameter, value: str) -> list[str]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    names = names or [name for name in SECTIONS if name not in ON_REQUEST]
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise click.BadParameter(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    return names


@click.command()
@click.option("--only", default="", callback=_chosen, help=f"some of the sections, by commas: {','.join(SECTIONS)}")
@click.option("--quick", is_flag=True, help="fewer trials: a minute in place of six")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=OUT, show_default="build/bench.json")
def main(only: list[str], quick: bool, out: Path) -> None:
    """Measure, print, write."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # before numpy is imported by any section
    console = Console()
    console.width = max(console.width, 110)
    began, load = time.perf_counter(), machine.load()
    done, broken = [], []
    for name in only:
        console.print(f"measuring: {name}", style="dim")
        section, trace = _run(name, quick)
        if trace:
            broken.append(name)
            console.print(trace, style="red", markup=False, highlight=False)
        done.append(section)
        report.show(console, section)
    facts = machine.describe() | {"load_at_start": load, "load_at_end": machine.load()}
    facts |= {"quick": quick, "seconds": round(time.perf_counter() - began, 1)}
    report.show_machine(console, facts)
    write(out, facts, done, broken)
    console.print(f"written to {out}" + (f"; broken: {', '.join(broken)}" if broken else ""), highlight=False)
    sys.exit(1 if broken else 0)


def _run(name: str, quick: bool) -> tuple[Section, str]:
    """The section, and the trace of what broke in it."""
    began, trace = time.perf_counter(), ""
    try:
        section = SECTIONS[name](quick)
    except Exception as error:  # the other sections shall still be measured
        trace = traceback.format_exc()
        section = Section(name, notes=[f"broken: {type(error).__name__}"])
    section.seconds = time.perf_counter() - began
    return section, trace


if __name__ == "__main__":
    main()
