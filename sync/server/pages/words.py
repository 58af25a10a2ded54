"""What the pages say, in two languages: one file of strings each, and nothing to read anywhere else."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "strings"
LANGUAGES = ("zh", "en")
COOKIE = "menshen-language"


class Words:
    """One language. `words("board.title")` says it; what stands in braces is filled in."""

    def __init__(self, language: str, said: dict[str, str]) -> None:
        self.language = language
        self.said = said

    def __call__(self, key: str, **fill: object) -> str:
        """What stands under `key`. Raises `KeyError` where there is nothing."""
        return self.said[key].format(**fill) if fill else self.said[key]

    def of(self, section: str, word: str) -> str:
        """The word for something that a newer device may say; the word itself where we have none."""
        return self.said.get(f"{section}.{word}", word)


@cache
def words_in(language: str) -> Words:
    """The words of one of `LANGUAGES`."""
    sections = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    said = {f"{section}.{key}": text for section, keys in sections.items() for key, text in keys.items()}
    return Words(language, said)


def choose_language(switched: str, account: str, accepted: str) -> str:
    """By the switch on the page, else as the account says, else as the browser asks; else Chinese."""
    for wish in (switched, account, _best(accepted)):
        if wish in LANGUAGES:
            return wish
    return LANGUAGES[0]


def _best(accepted: str) -> str:
    """The first of our languages by the weights of an Accept-Language header (RFC 9110, 12.5.4)."""
    found: list[tuple[float, str]] = []
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.partition(";")
        try:
            weighs = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        language = tag.strip().lower().split("-")[0]
        if language in LANGUAGES and weighs > 0:
            found.append((-weighs, language))
    return min(found, key=lambda item: item[0])[1] if found else ""
