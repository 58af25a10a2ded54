"""What the pages say, in two languages: one file of strings each, and nothing to read anywhere else."""

from __future__ import annotations

import re
import string
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

    def has(self, section: str, word: str) -> bool:
        """Whether we have a word for it."""
        return f"{section}.{word}" in self.said

    def translated(self, section: str, text: str) -> str:
        """What a program says in English, where it says what `section` of the English file holds; else as it is.

        A blank that has the name of a section, such as `{document}`, is filled by what that section has for it.
        """
        for key, pattern in _patterns(section):
            if found := pattern.fullmatch(text):
                blanks = {name: self._blank(name, value) for name, value in found.groupdict().items()}
                return self.said[key].format(**blanks)
        return text

    def _blank(self, name: str, value: str) -> str:
        word = self.of(name, value)
        return self.translated(name, value) if word == value else word


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


@cache
def _patterns(section: str) -> list[tuple[str, re.Pattern[str]]]:
    """The English phrases of a section, each as a pattern with its blanks open; those that say most come first."""
    found = [(key, text) for key, text in words_in("en").said.items() if key.startswith(f"{section}.")]
    found.sort(key=lambda one: -len(re.sub(r"\{.*?\}", "", one[1])))
    return [(key, re.compile(_pattern(text), re.DOTALL)) for key, text in found]


def _pattern(text: str) -> str:
    parts = string.Formatter().parse(text)
    return "".join(re.escape(said) + (f"(?P<{blank}>.+?)" if blank else "") for said, blank, _, _ in parts)
