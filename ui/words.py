"""The words of the screens: one TOML file a language in `ui/strings/`. A language is added by adding its file.

A word is asked for by its dotted key: `words("reason.no_ticket.visitor")`. `{names}` in it are filled from the call.
A file that lacks a key is served by the English one, so that a half-done translation never leaves a screen empty; the
tests, unlike the screens, insist on every key.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

STRINGS = Path(__file__).parent / "strings"

FALLBACK = "en"
"""Spoken to somebody whose language has no file."""


@dataclass(frozen=True)
class Words:
    """One language's words. `texts` has every key, dots and all."""

    language: str
    texts: MappingProxyType[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The words of `key` with `values` filled in. Raises `KeyError` that names the key and where it belongs."""
        if key not in self.texts:
            raise KeyError(f"no words for {key!r}: add it to every file in ui/strings")
        text = self.texts[key]
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Whether there are words for `key`."""
        return key in self.texts


def languages() -> tuple[str, ...]:
    """The languages there are files for, by their short tags."""
    return tuple(sorted(path.stem for path in STRINGS.glob("*.toml")))


@cache
def load(language: str) -> Words:
    """The words of `language` (`zh`, `zh-CN`), or the English ones where it has no file.

    Raises `ValueError` that names the file when it can't be read as TOML, or holds something that is no word.
    """
    base = language.split("-")[0].split("_")[0].lower()
    chosen = next((tag for tag in (language, base) if tag in languages()), FALLBACK)
    texts = read(STRINGS / f"{FALLBACK}.toml") | read(STRINGS / f"{chosen}.toml")
    return Words(chosen, MappingProxyType(texts))


def read(path: Path) -> dict[str, str]:
    """The words of one file, by dotted key. Raises `ValueError` that names file and key."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: not TOML in UTF-8: {error}") from None
    return _flatten(tree, "", path)


def _flatten(tree: dict[str, Any], above: str, path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in tree.items():
        key = above + name
        if isinstance(value, dict):
            texts |= _flatten(value, f"{key}.", path)
        elif isinstance(value, str):
            texts[key] = value
        else:
            raise ValueError(f"{path.name}: {key} is no text; put it in quotes")
    return texts
