"""How loud and bright this lane is, and in which language it begins: kept in a file of the gate's."""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path

from gate.kept import write_whole
from models import wire
from models.command import Settings

_log = logging.getLogger("gate.lane_settings")

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


def check(settings: Settings) -> None:
    """Raise `ValueError` for settings that no screen could follow."""
    for name in ("volume", "brightness"):
        value = getattr(settings, name)
        if not math.isfinite(value) or not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} goes from 0 to 1")
    if not _LANGUAGE.fullmatch(settings.language):
        raise ValueError("a language is written as in zh or en")


def read(path: Path) -> Settings:
    """What was kept, or the defaults."""
    try:
        settings = wire.from_json(Settings, path.read_bytes())
        check(settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:  # a WireError is a ValueError
        _log.error("%s can't be used, and the defaults are: %s", path, error)
        return Settings()
    return settings


def write(path: Path, settings: Settings) -> None:
    """Keep them. Raises `OSError`."""
    write_whole(path, wire.to_json(settings))
