"""`gatectl prove`: a test admission through the running gate, before the doors open."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from gate.commands._config import config_option
from gate.commands._exits import Exit
from gate.commands._out import json_option, note, say_json
from models.proof import Alive, ProofBody, ProofStep, ProofWish

_DO = {
    ProofStep.DEVICES: "asking the devices",
    ProofStep.FACE: "a test face before the camera, please: a colleague, or a printed picture",
    ProofStep.CARD: "lay the test card on the reader now; this one card is the test card and opens nothing else",
    ProofStep.DECISION: "deciding; stay before the camera",
}


@click.command("prove", short_help="A test admission through the running gate; nobody is let in.")
@click.option("--no-card", is_flag=True, help="No test card: a number that belongs to nobody is used.")
@click.option("--no-face", is_flag=True, help="No test face: the camera is asked for a picture and compares nobody.")
@click.option("--pulse", is_flag=True, help="Really release the turnstile, once; go through it when it opens.")
@click.option("--window", "window_s", type=click.FloatRange(1, 300), default=60.0, show_default=True, help="Seconds.")
@click.option("--actor", default="technician", show_default=True, help="Who asks; with a staff book a supervisor.")
@click.option("--pin-file", type=click.File("r"), help="Where the PIN stands, for a timer; otherwise it is asked for.")
@json_option
@config_option
def command(
    no_card: bool,
    no_face: bool,
    pulse: bool,
    window_s: float,
    actor: str,
    pin_file: TextIO | None,
    as_json: bool,
    config_path: Path,
) -> None:
    """Prove that this lane admits: devices, camera, card, comparison, decision, disk, and if asked for the turnstile.

    The test runs in the gate's own process with its own devices, on a manifest and a ledger of its own that are thrown
    away: it can let nobody in, and counts nobody. That it took place stands in the lane's ledger as `proof`. When a
    visitor comes meanwhile, the test gives way. Exit status 1 when something was not proved.
    """
    from gate.config import load
    from gate.prove_order import GateLine, NoProof

    path = load(config_path).socket.path
    wish = ProofWish(window_s, card=not no_card, face=not no_face, pulse=pulse)
    try:
        with GateLine(path) as line:
            needs_pin = line.snapshot is not None and line.snapshot.pins
            pin = pin_file.read().strip() if pin_file else _ask_pin(actor) if needs_pin else ""
            body = line.prove(wish, actor, pin, lambda step: None if as_json else note(_DO.get(step, step)))
    except OSError as error:
        note(f"no gate answers on {path}: {error.strerror or error}")
        raise SystemExit(Exit.DEVICE) from None
    except NoProof as error:
        note(str(error))
        raise SystemExit(Exit.NOT_RIGHT) from None
    say_json(body) if as_json else _print(body)
    raise SystemExit(Exit.DONE if body.ok else Exit.NOT_RIGHT)


def _ask_pin(actor: str) -> str:
    pin: str = click.prompt(f"PIN of {actor}", hide_input=True, err=True)
    return pin


def _print(body: ProofBody) -> None:
    words = {Alive.ANSWERS: "answers", Alive.CANNOT_TELL: "listens; nobody can tell more", Alive.SILENT: "silent"}
    for name, alive in body.devices.items():
        click.echo(f"{name:<14}" + click.style(words[alive], fg="red" if alive is Alive.SILENT else None))
    if body.verdict is not None:
        times = ", ".join(f"{name} {ms:.0f} ms" for name, ms in body.ms.items())
        click.echo(f"{'decision':<14}{body.verdict}, {body.reason}{f' ({times})' if times else ''}")
    if body.pulses:
        click.echo(f"{'turnstile':<14}released once; {body.passage or 'no passage'}")
    if body.manifest:
        click.echo(f"{'tickets':<14}of {body.event}, version {body.manifest}")
    else:
        click.secho(f"{'tickets':<14}none: there is no manifest, so no visitor would be let in yet", fg="yellow")
    click.secho("proved" if body.ok else f"not proved, at {body.step}: {body.why}", fg="green" if body.ok else "red")
