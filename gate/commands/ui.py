"""`gatectl ui`: the screens of this lane."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.commands._config import DEFAULT

if TYPE_CHECKING:
    from PyQt5.QtWidgets import QApplication

    from ui.app import Wanted

ALIVE_MS = 5000
_SOCKET = Path("/run/menshen/gate.sock")
_INSTALL = (
    "the screens need PyQt5: systemd/bootstrap.sh screens; or on Debian and Raspberry Pi OS "
    "apt-get install python3-pyqt5, elsewhere pip install 'menshen[screens]'"
)


class CannotShow(RuntimeError):
    """There is nothing to show windows with, or on. Says what to install or to connect."""


def _size(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """A window's width and height in pixels, as in 800x480."""
    if value is None:
        return None
    width, _, height = value.lower().partition("x")
    if width.isdigit() and height.isdigit() and all(320 <= int(each) <= 7680 for each in (width, height)):
        return int(width), int(height)
    raise click.BadParameter(f"{value!r}: expected WIDTHxHEIGHT in pixels, 320 to 7680 each, as in 800x480")


@click.command("ui", short_help="Show this lane's screens, for visitor and steward.")
@click.option(
    "--config",
    "config_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    envvar="MENSHEN_CONFIG",
    show_envvar=True,
    help=f"This lane's configuration; only the socket's name is read from it.  [default: {DEFAULT}]",
)
@click.option("--socket", metavar="PATH", type=click.Path(path_type=Path), help="The gate's socket; no --config then.")
@click.option("--visitor", is_flag=True, help="The visitor's screen alone.")
@click.option("--steward", is_flag=True, help="The steward's screen alone.")
@click.option("--both", is_flag=True, help="Both: the steward's on the first screen, the visitor's on the second.")
@click.option("--swap", is_flag=True, help="The other way round: the visitor looks at the first screen.")
@click.option("--language", metavar="CODE", default=None, help="Where words begin; zh and en are there.  [default: zh]")
@click.option("--high-contrast", is_flag=True, help="Black and white, and few strong colours.")
@click.option("--large", is_flag=True, help="Larger words and buttons.")
@click.option("--still", is_flag=True, help="Nothing moves.")
@click.option("--low", is_flag=True, help="Everything that is touched in the lower half, for a wheelchair's height.")
@click.option(
    "--voices",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Spoken words: WAV files LANGUAGE/go.wav, LANGUAGE/reason.no_ticket.wav...",
)
@click.option("--windowed", metavar="WxH", callback=_size, help="Windows of this size in place of full screens.")
@click.option("--pointer", is_flag=True, help="Show the mouse's arrow also on full screens.")
@click.option("--demo", is_flag=True, help="The evening of `gatectl demo` on the screens, to try everything by hand.")
def command(
    config_path: Path | None, socket: Path | None, windowed: tuple[int, int] | None, demo: bool, **how: Any
) -> None:
    """Show this lane's screens. Without --visitor, --steward or --both: both where there are two screens.

    The process holds no key and no data, and needs none: let it run as a user of its own, in the group that [socket]
    names. It may start before the gate and outlive it; ending it changes nothing at the lane. On a panel without a
    desktop set QT_QPA_PLATFORM to eglfs or linuxfb.

    Exit code 2: two windows and one screen; 3: the configuration; 5: no display, or PyQt5 is not installed.
    """
    if demo and (_config_given(config_path) or socket):
        raise click.UsageError("--demo has a lane of its own: leave --config and --socket out")
    _need_qt()
    if demo:
        raise SystemExit(_demo(_passed_on(), windowed))

    raise SystemExit(_run(_wanted(socket or _socket_of(config_path), windowed, how)))


def _wanted(socket: Path, windowed: tuple[int, int] | None, how: dict[str, Any]) -> Wanted:
    """The command line, as the screens' process understands it."""
    from ui.app import Wanted
    from ui.theme import Look

    return Wanted(
        socket,
        visitor=how["visitor"] or how["both"],
        steward=how["steward"] or how["both"],
        language=_known(how["language"]),
        look=Look(**{name: how[name] for name in ("high_contrast", "large", "still", "low")}),
        windowed=windowed,
        swapped=how["swap"],
        voices=how["voices"],
        pointer=how["pointer"],
    )


def _config_given(path: Path | None) -> bool:
    """Whether the command line names a file; the environment's does not count."""
    source = click.get_current_context().get_parameter_source("config_path")
    return path is not None and source is click.core.ParameterSource.COMMANDLINE


def _passed_on() -> list[str]:
    """The words of the command line that the screens of the demo get too."""
    given = click.get_current_context().params
    names = ("visitor", "steward", "both", "swap", "high_contrast", "large", "still", "low")
    words = [f"--{name.replace('_', '-')}" for name in names if given[name]]
    for name in ("language", "voices"):
        words += [f"--{name}", str(given[name])] if given[name] is not None else []
    return words


def _need_qt() -> None:
    try:
        import PyQt5.QtWidgets  # noqa: F401
    except ImportError as error:
        missing = "" if isinstance(error, ModuleNotFoundError) else f" ({error})"
        raise CannotShow(_INSTALL + missing) from error


def _known(language: str | None) -> str:
    from ui.words import languages

    if language is not None and language not in languages():
        raise click.BadParameter(f"{language!r}: there are {', '.join(languages())}", param_hint="--language")
    return language or "zh"


def _socket_of(config_path: Path | None) -> Path:
    """From the configuration. A machine with screens alone may have none: then it is the usual place."""
    if config_path is None and not Path(DEFAULT).exists():
        return _SOCKET
    from gate.config import load

    return load(config_path or Path(DEFAULT)).socket.path


def _run(wanted: Wanted) -> int:
    from ui.app import TooFewScreens, run, start

    app = start(["gatectl"], _no_display)
    _stay_watched(app)
    try:
        return run(app, wanted)
    except TooFewScreens as error:
        raise click.UsageError(f"{error}: name one of --visitor and --steward, or --windowed 800x480") from None


def _stay_watched(app: QApplication) -> None:
    """The service supervisor hears from the loop that paints; one that hangs is started anew."""
    from PyQt5.QtCore import QTimer

    from gate.notify import Notifier

    notifier, timer = Notifier(), QTimer(app)
    timer.timeout.connect(notifier.at_work)
    timer.start(ALIVE_MS)
    QTimer.singleShot(0, notifier.at_work)


def _demo(words: list[str], windowed: tuple[int, int] | None) -> int:
    from ui.app import Signals, start

    app = start(["gatectl"], _no_display)
    from gate.demo.screens import main

    with Signals(app):
        return main(app, words, windowed)


def _no_display(message: str) -> None:
    """Qt is about to abort this process; a sentence and an exit code are better than a core dump."""
    from gate.commands._exits import Exit

    where = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    told = f"the display {where} does not answer" if where else "no display: neither DISPLAY nor WAYLAND_DISPLAY is set"
    reason = next((line.strip() for line in message.splitlines() if "plugin" in line.lower()), "")
    print(
        f"gatectl: {told}, or a library of it is missing (Debian: libxcb-xinerama0 libxcb-icccm4 libxcb-keysyms1); "
        f"on a panel without a desktop set QT_QPA_PLATFORM=eglfs or linuxfb. Qt says: {reason or message.strip()}",
        file=sys.stderr,
        flush=True,
    )
    os._exit(int(Exit.DEVICE))
