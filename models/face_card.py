"""A face model's card: whose network it is, how it is fed, and how well it was seen to tell people apart.

A card stands as TOML beside its network. What decides a template (files, detector, input, alignment) makes up the
model's version, by hash: a card that is changed in one of these is another model, and templates of two models never
meet. What was measured (populations, with their bands and curves) is no part of it.
"""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from models.face import FaceBands
from models.wire import WireError, from_builtins, to_builtins, to_json

ANYBODY = "any"
"""The population of bands that were not measured on one of their own."""


_NAME, _FILE, _SHA256 = re.compile(r"[a-z0-9][a-z0-9._-]*"), re.compile(r"\w[\w.-]*"), re.compile(r"[0-9a-f]{64}")


class CardRefused(ValueError):
    """A text that is no card of a face model; the words say where and why."""


class Colour(StrEnum):
    """The order in which a network takes colours."""

    BGR = "bgr"
    RGB = "rgb"


class Runner(StrEnum):
    """What computes the network: the name of the driver in `drivers/face`."""

    DLIB = "dlib"
    ONNX = "onnx"
    NCNN = "ncnn"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file by name, size in bytes and SHA-256 (64 hexadecimal digits)."""

    name: str
    size: int
    sha256: str

    @property
    def is_plain(self) -> bool:
        """A name without folders, a size and a hash as they should be."""
        return bool(_FILE.fullmatch(self.name) and self.size > 0 and _SHA256.fullmatch(self.sha256))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a template is made of a frame.

    The face that `detector` (YuNet) finds is turned, scaled and moved so that its five points come nearest to `points`
    (x and y in pixels of the chip: right eye, left eye, nose, right and left corner of the mouth, as the person has
    them). The network, `files`, takes the chip of `width` x `height` pixels in `colour`, each value less `mean`, times
    `scale`. What it gives is divided by its length, so that the Euclidean distance of two templates is
    sqrt(2 - 2 cosine). `source` and `result` are the network's names for its ends; empty: the only ones it has.
    """

    files: tuple[ModelFile, ...]
    detector: ModelFile
    points: tuple[tuple[float, float], ...]
    width: int = 112
    height: int = 112
    colour: Colour = Colour.RGB
    mean: float = 0.0
    scale: float = 1.0
    source: str = ""
    result: str = ""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Errors at one distance: strangers at most that far apart, holders further."""

    distance: float
    false_matches: int
    impostors: int
    false_non_matches: int
    genuine: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Bands for one population and the curve they were read from. `on` says what was measured, in words."""

    population: str
    accept: float
    refuse: float
    on: str = ""
    curve: tuple[CurvePoint, ...] = ()
    watch: float | None = None  # lists are searched within this


@dataclass(frozen=True, slots=True)
class FaceCard:
    """One model. Without a recipe its own driver knows how, and `name` is the version."""

    name: str
    runner: Runner
    licence: str
    origin: str  # who made it, and where it comes from
    recipe: Recipe | None = None
    measured: tuple[Measured, ...] = ()
    warning: str = ""  # what a venue must know before it relies on this model

    @property
    def model_version(self) -> str:
        """What templates of this model carry."""
        if self.recipe is None:
            return self.name
        return f"{self.name}-{hashlib.sha256(to_json(self.recipe)).hexdigest()[:12]}"

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """All files that the recipe needs."""
        return (*self.recipe.files, self.recipe.detector) if self.recipe else ()

    def bands(self, population: str = ANYBODY) -> FaceBands | None:
        """The bands for `population`; where none were measured on it, those for anybody; `None` without these."""
        for wanted in (population, ANYBODY):
            for each in self.measured:
                if each.population == wanted:
                    return FaceBands(self.model_version, wanted, each.accept, each.refuse, watch=each.watch)
        return None


def read_card(text: str) -> FaceCard:
    """The card that a TOML text holds. Raises `CardRefused` for an unknown key, or a value that can't be."""
    try:
        plain = tomllib.loads(text)
        card = from_builtins(FaceCard, plain)
    except (tomllib.TOMLDecodeError, WireError) as error:
        raise CardRefused(f"no card of a face model: {error}") from None
    problem = next(_problems(card, plain), None)
    if problem:
        raise CardRefused(f"no card of a face model: {problem}")
    return card


def write_card(card: FaceCard) -> str:
    """The card as TOML, which `read_card` reads back."""
    plain = to_builtins(card)
    recipe: dict[str, Any] | None = plain.pop("recipe")
    measured: tuple[dict[str, Any], ...] = plain.pop("measured")
    parts = [_lines(plain)]
    if recipe is not None:
        parts.append("[recipe]\n" + _lines(recipe))
    parts += ["[[measured]]\n" + _lines(each) for each in measured]
    return "\n".join(parts)


def _problems(card: FaceCard, plain: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(plain, FaceCard, "the card")
    if not _NAME.fullmatch(card.name):
        yield "its name is of small letters, digits, - _ and ."
    if (card.recipe is None) != (card.runner is Runner.DLIB):
        yield f"a model run by {card.runner} has {'a' if card.recipe is None else 'no'} recipe"
    if card.recipe is not None:
        yield from _unknown(plain["recipe"], Recipe, "the recipe")
        yield from _unfit(card.recipe)
    for each in card.measured:
        if not 0 <= each.accept <= each.refuse:
            yield f"the bands of {each.population}: accept is at most refuse, and neither is below 0"
        if each.watch is not None and not 0 <= each.watch <= each.accept:
            yield f"the bands of {each.population}: lists are searched at most as far as a holder is accepted"


def _unfit(recipe: Recipe) -> Iterator[str]:
    if len(recipe.points) != 5:
        yield f"five points are aligned, not {len(recipe.points)}"
    if not (0 < recipe.width <= 1024 and 0 < recipe.height <= 1024):
        yield f"a chip of {recipe.width} x {recipe.height} pixels"
    if not all(math.isfinite(value) for value in (recipe.mean, recipe.scale, *sum(recipe.points, ()))):
        yield "mean, scale and points are finite numbers"
    if not recipe.files:
        yield "the recipe names no file"
    for file in (*recipe.files, recipe.detector):
        if not file.is_plain:
            yield "a file has a name without a folder, a size in bytes and 64 hexadecimal digits of SHA-256"


def _unknown(plain: Mapping[str, Any], kind: type, what: str) -> Iterator[str]:
    known = {field.name for field in fields(kind)}
    yield from (f"{what} has an unknown key {key!r}" for key in plain if key not in known)


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items() if value not in ((), None))


def _value(value: Any) -> str:
    """A TOML value; arrays of tables are written inline, one a line."""
    if isinstance(value, str):
        return to_json(value).decode().replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, tuple) and isinstance(value[0], dict | tuple):
        return "[\n" + "".join(f"    {_value(each)},\n" for each in value) + "]"
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    return repr(value)
