"""`gatectl setup`: from a box with its devices plugged in to a lane of a site, in five questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._out import groups, json_option
from gate.commands._setup import Talk, as_owner_of
from models.version import VERSION

if TYPE_CHECKING:
    from drivers import Kind
    from gate.check.around import Around
    from gate.config import Config
    from gate.setup_file import Key

BY_CAMERA = "camera"
BEFORE_A_START = ("configuration", "keys", "clock", "disk", "heat", "memory", "devices", "face")
"""What `gatectl check` can judge of a lane that has not started yet."""


@click.command("setup", short_help="Set this lane up: devices, name, enrolment, test. Can be run again.")
@click.option("--name", default="", help="What this lane is called, as in G7.")
@click.option(
    "--code", default="", metavar="URL", help="The invitation, menshen://…; or `camera`: read it off a screen."
)
@click.option("--reader", default="", metavar="URL", help="The card reader; otherwise it is looked for.")
@click.option("--relay", default="", metavar="URL", help="The turnstile's contact.")
@click.option("--camera", default=None, metavar="URL", help="The camera; an empty one: a person compares.")
@click.option("--sensor", default=None, metavar="URL", help="The passage sensor; an empty one: none.")
@click.option("--set", "settings", multiple=True, metavar="TABLE.KEY=VALUE", help="Any other setting; may be repeated.")
@click.option("--again", is_flag=True, help="Enrol anew although this lane has papers already.")
@click.option("--yes", is_flag=True, help="Ask nothing: take what was given, what stands there, or what answers.")
@click.option("--probe-s", type=click.FloatRange(0.05, 60), default=1.2, hidden=True)
@click.option("--root", type=click.Path(path_type=Path), default=Path("/"), hidden=True)
@json_option
@config_option
def command(
    name: str,
    code: str,
    reader: str,
    relay: str,
    camera: str | None,
    sensor: str | None,
    settings: tuple[str, ...],
    again: bool,
    yes: bool,
    probe_s: float,
    root: Path,
    as_json: bool,
    config_path: Path,
) -> None:
    """Find the devices, name the lane, write its configuration, enrol it by the code that the hub shows, and test it.

    Whatever interrupts it, run it again: what is done stands, and is offered as the answer. The configuration is
    written whole or not at all, and only when it loads; comments and further settings in it stay.
    """
    from gate.check.around import Around

    talk = Talk(asks=not yes and not as_json, as_json=as_json)
    given = {"reader": reader or None, "relay": relay or None, "camera": camera, "sensor": sensor}
    before = _known(config_path)
    values = _settings(settings)
    talk.heading(1, "Devices")
    values |= _devices(talk, given, before, root)
    talk.heading(2, "Name")
    values["gate", "name"] = name or talk.line("   this lane's name", before.gate.name if before else "G1")
    config = _write(talk, config_path, values)
    talk.heading(3, "Enrolment")
    around = Around(config_path, root, thorough=False, probe_s=probe_s)
    enrolled = _enrol(talk, config, code, again, around)
    talk.heading(4, "Test")
    well = _test(talk, config, around)
    talk.heading(5, "Next")
    _next(talk, config_path, enrolled, well)
    raise SystemExit(Exit.DONE if well else Exit.NOT_RIGHT)


def _known(path: Path) -> Config | None:
    """The configuration that is there. A broken one is told of, and not written over."""
    from gate.config import load
    from gate.setup_file import FIRST

    return load(path) if path.exists() and path.read_text("utf-8-sig") != FIRST else None


def _settings(settings: tuple[str, ...]) -> dict[Key, object]:
    from gate.setup_file import parse_value

    found: dict[Key, object] = {}
    for one in settings:
        place, equals, value = one.partition("=")
        table, dot, key = place.strip().partition(".")
        if not (equals and dot and table and key):
            raise click.BadParameter(f"{one}: written as in gate.timezone=Asia/Tokyo", param_hint="--set")
        found[table, key] = parse_value(value.strip())
    return found


def _devices(talk: Talk, given: dict[str, str | None], before: Config | None, root: Path) -> dict[Key, object]:
    from gate.check.around import ask_gate
    from gate.setup_found import NEEDED, WANTED, Choice, find

    known = {kind: getattr(before.devices, kind) or "" if before else "" for kind in WANTED}
    told = {kind: url for kind, url in given.items() if url is not None}
    runs = before is not None and ask_gate(before.socket.path) is not None
    missing: list[Kind] = [kind for kind in WANTED if kind not in told and not known[kind]]
    if runs and missing:
        talk.says("   a gate runs here and has its devices in its hands: none is looked for")
    taken = [url for url in (*told.values(), *known.values()) if url]
    found = {} if runs else {choice.kind: choice for choice in find(missing, root, taken)}
    urls: dict[str, str] = dict(told)
    for kind in WANTED:
        if kind not in told:
            urls[kind] = talk.device(found.get(kind, Choice(kind)), known[kind])
        talk.says(f"   {kind:<8}{urls[kind] or 'none'}")
    talk.did("devices", **urls)
    if lacking := [kind for kind in NEEDED if not urls[kind]]:
        raise click.UsageError(
            f"no {' and no '.join(lacking)} answers here: plug it in, or give it by --{lacking[0]} URL"
        )
    return {("devices", kind): url for kind, url in urls.items()}


def _write(talk: Talk, path: Path, values: dict[Key, object]) -> Config:
    from gate.setup_file import CannotChange, put, text_of, with_values

    try:
        config = put(path, with_values(text_of(path), values))
    except CannotChange as error:
        raise click.UsageError(f"{path}: {error}; change it by hand, then run this again") from None
    talk.says(f"   written to {path}")
    talk.did("configuration", file=str(path), name=config.gate.name)
    return config


def _enrol(talk: Talk, config: Config, code: str, again: bool, around: Around) -> bool:
    """Make the lane a device of its site, unless it is one. Returns whether it is."""
    from gate.commands.keys import own_keys
    from models.store.keys import fingerprint
    from sync.enrol import NoInvitation, enrol, read_invitation
    from sync.enrolment import FILE, keep

    folder = config.gate.state_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / FILE).exists() and not again:
        talk.says("   this lane is enrolled already; its papers stand (--again replaces them)")
        talk.did("enrolment", enrolled=True, new=False)
        return True
    question = f"   the code that the hub shows, menshen://…; `{BY_CAMERA}` to read it off its screen; - for later"
    text = code or talk.line(question, "-")
    text = _by_camera(talk, config, around.gate_at_work) if text == BY_CAMERA else text
    if text in ("", "-"):
        talk.did("enrolment", enrolled=False, new=False)
        return False
    try:
        invited = read_invitation(text)
    except NoInvitation as error:
        raise click.UsageError(str(error)) from None
    with as_owner_of(folder):
        device, signing = own_keys(config)
    papers = enrol(invited, config.gate.name, signing.raw, device.raw, VERSION)
    with as_owner_of(folder):
        keep(folder, papers)
    talk.says(f"   {config.gate.name} is the device {papers.device} of {papers.site}")
    talk.says(f"   authority  {groups(invited.ca)}\n   this lane  {fingerprint(signing.raw)}")
    talk.says("   compare the last line with this device on the hub's screen")
    talk.did("enrolment", enrolled=True, new=True, site=papers.site, device=papers.device)
    return True


def _by_camera(talk: Talk, config: Config, at_work: bool) -> str:
    from gate.setup_code import LOOK_S, read_code

    if not config.devices.camera:
        raise click.UsageError("this lane has no camera that could read a code: type it, or give it by --code")
    if at_work:
        raise click.UsageError("the gate is at work and has the camera: systemctl stop gate first, or type the code")
    talk.says(f"   hold the code before the camera, a hand's breadth away; it looks for {LOOK_S:g} s")
    text = read_code(config.devices.camera)
    if text is None:
        raise click.UsageError("the camera saw no invitation: enlarge it on the screen, or type it")
    return text


def _test(talk: Talk, config: Config, around: Around) -> bool:
    from gate.check.catalogue import Severity, meanings
    from gate.check.walk import check
    from gate.setup_try import admit_nobody

    wrong = admit_nobody(config)
    talk.says(f"   a synthetic admission: {wrong or 'well'}", "red" if wrong else "green")
    talk.did("admission", ok=not wrong, why=wrong)
    said, well = meanings("en"), not wrong
    for concern, findings in check(around, BEFORE_A_START):
        for one in findings or ():
            if one.code.severity < Severity.WARNING:
                continue
            well &= one.code.severity < Severity.ERROR
            told = said[one.code.value]
            talk.says(f"   {one.code.value} {one.subject or concern}: {told.what}; {told.fix}", "yellow")
            talk.did("finding", concern=concern, code=one.code.value, subject=one.subject, fix=told.fix)
    return well


def _next(talk: Talk, path: Path, enrolled: bool, well: bool) -> None:
    steps = [] if well else ["mend what is told above, in that order, and run this again"]
    if not enrolled:
        steps.append(
            "enrol this lane when you have its code: gatectl setup --code menshen://…, or lay tickets in by hand"
        )
    steps += [
        "take it over with the house: gatectl accept, which writes the signed report",
        "start it: systemctl enable --now gate.target; tickets come by themselves when the hub has an event for it",
        "before doors open, every day: gatectl prove",
    ]
    for step in steps:
        talk.says(f"   - {step}")
    talk.did("next", well=well, enrolled=enrolled, config=str(path), steps=steps)
