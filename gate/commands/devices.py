"""`gatectl devices`: which drivers there are, and whether a device answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, get_args

import click

from drivers import KINDS, Kind, available, connect, load
from drivers.errors import DeviceTimeout, MissingLibrary
from gate.commands._out import json_option, say_json
from models.credential import CardFault, Credential
from models.passage import SensorSignal

READ_S = 10.0


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver as the list shows it. `missing` says which library it lacks here, or nothing."""

    kind: Kind
    name: str
    about: str
    transports: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    missing: str = ""


@click.group("devices")
def command() -> None:
    """Drivers and devices."""


@command.command("list")
@json_option
def list_drivers(as_json: bool) -> None:
    """Tell every driver by kind, and which of them lack a library here."""
    for kind in KINDS:
        if not as_json:
            click.secho(kind, bold=True)
        for driver in map(_driver, [kind] * len(available(kind)), available(kind)):
            if as_json:
                say_json(driver)
            else:
                _print(driver)


@command.command("probe")
@click.argument("url")
@click.argument("kind", type=click.Choice(get_args(Kind)))
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=READ_S, show_default=True, help="How long to wait.")
@json_option
def probe(url: str, kind: Kind, seconds: float, as_json: bool) -> None:
    """Open the device at URL, as in sam+serial:///dev/ttyUSB0, ask it once, and say what happened.

    A reader waits for one card, a camera takes one picture, a sensor waits for one signal, a relay is asked whether it
    is there (it does not move), a face engine loads.
    """
    began = time.monotonic()
    opened: Any = connect(kind, url)
    with closing(opened) as device:
        open_s = time.monotonic() - began
        if not as_json:
            click.echo(f"{kind} open after {open_s * 1000:.0f} ms" + _what_to_do(kind, seconds))
        began = time.monotonic()
        saw = ASK[kind](device, seconds)
        asked_s = time.monotonic() - began
    if as_json:
        say_json({"kind": kind, "open_s": round(open_s, 4), "asked_s": round(asked_s, 4), "saw": saw})
    else:
        click.echo(f"{saw}, after {asked_s * 1000:.0f} ms")


def _driver(kind: Kind, name: str) -> Driver:
    try:
        module = load(kind, name)
    except MissingLibrary as error:
        return Driver(kind, name, "", missing=str(error))
    about = (module.__doc__ or "").strip().split("\n", 1)[0]
    return Driver(kind, name, about, tuple(getattr(module, "TRANSPORTS", ())), tuple(getattr(module, "OPTIONS", {})))


def _print(driver: Driver) -> None:
    click.echo(f"  {driver.name:<10}{driver.about}" if not driver.missing else f"  {driver.name:<10}", nl=False)
    click.secho(driver.missing, fg="yellow")
    forms = [f"{driver.name}{f'+{transport}' if transport else ''}:" for transport in driver.transports or ("",)]
    options = f"  ?{'&'.join(driver.options)}" if driver.options else ""
    if not driver.missing:
        click.secho(f"            {' '.join(forms)}{options}", dim=True)


def _what_to_do(kind: Kind, seconds: float) -> str:
    return {"reader": f"; present a card within {seconds:g} s", "sensor": f"; turn it within {seconds:g} s"}.get(
        kind, ""
    )


def _read(device: Any, seconds: float) -> str:
    match _next(device, seconds):
        case Credential() as card:
            return f"{card.document} {card.masked}, {card.medium}, {card.assurance.name.lower()}"
        case CardFault() as fault:
            return f"a card that is {fault.problem}" + (f" ({fault.detail})" if fault.detail else "")
        case SensorSignal() as signal:
            return f"{signal.kind}, {signal.direction}" + (f" ({signal.detail})" if signal.detail else "")
        case _:
            return "nothing came"


def _next(device: Any, seconds: float) -> Any:
    """The first thing that comes within `seconds`; a device may come back with nothing before."""
    until = time.monotonic() + seconds
    found = None
    while found is None and (left := until - time.monotonic()) > 0:
        with suppress(DeviceTimeout):
            found = device.read(min(left, 1.0))
    return found


def _grab(device: Any, seconds: float) -> str:
    height, width, _ = device.grab(seconds).shape
    return f"a picture of {width}x{height} pixels"


def _poll(device: Any, seconds: float) -> str:
    device.poll()
    return "it is there"


def _name_model(device: Any, seconds: float) -> str:
    return f"model {device.model_version}"


ASK: dict[Kind, Callable[[Any, float], str]] = {
    "reader": _read,
    "camera": _grab,
    "face": _name_model,
    "relay": _poll,
    "sensor": _read,
}
