"""`gatectl devices wear`: what each device of the lane has done since it was installed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
from rich.table import Table

from gate.commands._config import config_option
from gate.commands._out import clock, console, json_option, say_json

_USES = {
    "relay": "closings of the contact",
    "sensor": "turns",
    "reader": "documents",
    "exit_reader": "documents",
    "signal": "cues",
}
_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("device", "left"),
    ("since", "left"),
    ("uses", "right"),
    ("", "left"),
    ("of its life", "right"),
    ("errors", "right"),
    ("reconnects", "right"),
)
_WORN = 0.8
"""A device beyond this part of its rated life is marked."""


@dataclass(frozen=True, slots=True)
class WornDevice:
    """One device as the table shows it. `rated` is the data sheet's figure as the configuration tells it, or `None`."""

    device: str
    since: float
    uses: int
    errors: int
    reconnects: int
    rated: int | None = None


@click.command("wear")
@click.option("--replaced", metavar="DEVICE", help="A new one was put in its place: count from zero.")
@config_option
@json_option
def wear(replaced: str | None, config_path: Path, as_json: bool) -> None:
    """Tell what each device has done, had gone wrong and survived since it was installed.

    The gate writes it once a minute. How much a device is made for stands in its data sheet, and from there in the
    configuration, as in rated = { relay = 100000 }.
    """
    from gate.config import load
    from gate.wear import WearBook

    config = load(config_path)
    book = WearBook(config.gate.state_dir)
    if replaced is not None:
        try:
            book.begin_anew(replaced, time.time())
        except KeyError:
            known = ", ".join(sorted(book.read())) or "none"
            raise click.BadParameter(f"nothing was counted of {replaced}; there are: {known}") from None
    rated = dict(config.devices.rated)
    devices = [
        WornDevice(name, one.since, one.uses, one.errors, one.reconnects, rated.get(name))
        for name, one in sorted(book.read().items())
    ]
    if as_json:
        for device in devices:
            say_json(device)
    elif devices:
        _print(devices)
    else:
        click.echo(f"nothing is counted yet in {book.path}")


def _print(devices: list[WornDevice]) -> None:
    table = Table(box=None, pad_edge=False)
    for column, side in _COLUMNS:
        table.add_column(column, justify=side)
    for one in devices:
        what = _USES.get(one.device.rpartition("-")[0] or one.device, "")
        row = (clock(one.since), str(one.uses), what, _life(one), str(one.errors), str(one.reconnects))
        table.add_row(one.device, *row, style="yellow" if one.rated and one.uses >= _WORN * one.rated else None)
    console().print(table)


def _life(one: WornDevice) -> str:
    return f"{one.uses / one.rated:.0%} of {one.rated}" if one.rated else "not known"
