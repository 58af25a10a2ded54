"""`gatectl devices`: which drivers there are, and whether a device answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import click

from drivers import KINDS, Kind, available, load
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, MissingLibrary
from drivers.url import parse
from gate.commands._exits import Exit
from gate.commands._out import json_option, note, say_json
from gate.commands._watching import say_findings, show
from gate.commands._wear import wear
from gate.doctor import Trouble
from gate.plugged import Plug, plugged_in
from gate.support import insert, support_table
from gate.watch import Watch, begin, find_speed, open_device
from models.credential import CardFault, Credential
from models.passage import SensorSignal

READ_S = 10.0
LISTEN_S = 3.0  # at each speed; a contact board says something once a second
NOTHING = "nothing came"


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


command.add_command(wear)


@command.command("list")
@json_option
def list_drivers(as_json: bool) -> None:
    """Tell every driver by kind, which of them lack a library here, and what is plugged in with a URL to copy."""
    for kind in KINDS:
        if not as_json:
            click.secho(kind, bold=True)
        for driver in map(_driver, [kind] * len(available(kind)), available(kind)):
            if as_json:
                say_json(driver)
            else:
                _print(driver)
    found = plugged_in()
    if not as_json:
        click.secho("plugged in here", bold=True)
        click.echo("  nothing that a driver could use" if not found else "", nl=not found)
    for one in found:
        if as_json:
            say_json({"kind": "plugged", **asdict(one)})
        else:
            _print_plug(one)


seconds_option = click.option("--seconds", type=click.FloatRange(0.1, 86400), default=READ_S, show_default=True)
baud_option = click.option("--baud", help="Speed of the line, in place of the URL's; `probe` tries the usual ones.")


@command.command("probe")
@click.argument("url")
@click.argument("kind", type=click.Choice(get_args(Kind)))
@seconds_option
@baud_option
@json_option
def probe(url: str, kind: Kind, seconds: float, baud: str | None, as_json: bool) -> None:
    """Open the device at URL, as in sam+serial:///dev/ttyUSB0, ask it once, and say what happened and what to look at.

    A reader waits for one card, a camera takes one picture, a sensor waits for one signal, a relay is asked whether it
    is there (it does not move), a face engine loads.

    With --baud probe (or ?baud=probe in the URL) the usual speeds of a serial line are tried with what connecting asks
    anyway, which moves nothing; the device must be understood, not only heard.
    """
    url = _at_speed(url, kind, baud, seconds, as_json)
    watch = begin(url, kind)
    began = time.monotonic()
    try:
        with closing(open_device(watch)) as device:
            open_s = time.monotonic() - began
            if not as_json:
                click.echo(f"{kind} open after {open_s * 1000:.0f} ms" + _what_to_do(kind, seconds))
            began = time.monotonic()
            saw = ASK[kind](device, seconds)
            asked_s = time.monotonic() - began
    except (DeviceLost, DeviceTimeout, BadAnswer, DeviceRefused) as error:
        watch.note(error)
        say_findings(watch, as_json)
        raise
    watch.got += saw != NOTHING
    if as_json:
        times = {"open_s": round(open_s, 4), "asked_s": round(asked_s, 4)}
        say_json({"kind": kind, **times, "saw": saw, "findings": [asdict(one) for one in watch.findings()]})
    else:
        click.echo(f"{saw}, after {asked_s * 1000:.0f} ms")
        say_findings(watch, as_json)


@command.command("watch")
@click.argument("url")
@click.argument("kind", type=click.Choice(get_args(Kind)))
@seconds_option
@baud_option
@json_option
def watch_device(url: str, kind: Kind, seconds: float, baud: str | None, as_json: bool) -> None:
    """Count what the device at URL says, live, for a while, and say at the end what is wrong and where to look.

    Present cards meanwhile, turn the turnstile, move the cable. A relay is polled and doesn't move. Exit status 1 when
    something is wrong.

    To take a tape with it, put `spy` into the URL: `sam+spy+serial:///dev/gate-reader?tape=/var/tmp/t.tape`. What was
    on the wire can be had again without the device, with the same options, as in `gatectl devices watch
    sam+replay:///var/tmp/t.tape reader`. A tape holds what the cards hold: use a test card, and delete it.
    """
    url = _at_speed(url, kind, baud, seconds, as_json)
    found = show(begin(url, kind), seconds, as_json)
    if any(one.trouble not in (Trouble.NONE, Trouble.IDLE) for one in found):
        raise SystemExit(Exit.NOT_RIGHT)


@command.command("table")
@click.option("--write", "readme", type=click.Path(exists=True, path_type=Path), help="Put it into this README.")
def print_table(readme: Path | None) -> None:
    """Print what each driver says of its support, as the README has it between its marks."""
    if readme is None:
        click.echo(support_table())
    else:
        readme.write_text(insert(readme.read_text("utf-8")), "utf-8")


def _at_speed(url: str, kind: Kind, baud: str | None, seconds: float, as_json: bool) -> str:
    """The URL with its speed; where that is `probe`, with the first one at which the device is understood."""
    address = parse(url)
    if baud is not None:
        address = replace(address, options={**address.options, "baud": baud})
    if address.options.get("baud") != "probe":
        return str(address)

    def heard(speed: int, watch: Watch) -> None:
        if not as_json:
            signs = watch.signs()
            note(f"{speed:>7} baud: {signs.bytes_in} bytes, {signs.frames} good frames")

    speed = find_speed(kind, str(address), min(seconds, LISTEN_S), heard)
    if speed is None:
        raise DeviceTimeout(f"{address}: not understood at any speed; is it plugged in, powered, and RX and TX right?")
    note(f"the device speaks at {speed} baud: write baud={speed} into its URL")
    return str(replace(address, options={**address.options, "baud": str(speed)}))


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


def _print_plug(plug: Plug) -> None:
    click.echo(f"  {plug.path:<14}{plug.about}")
    for url, kind in plug.urls:
        click.secho(f"                {url}  {kind}", dim=True)


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
            return NOTHING


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
    "signal": _poll,
}
