"""The folder of face models: networks, detectors and the cards that describe them. Nothing unknown gets onto it.

A file is known by its content's SHA-256, never by its name: of the models this program knows, or of a card that
somebody wrote for a network of their own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.face_card import CardRefused, FaceCard, ModelFile, read_card, write_card
from models.face_models import KNOWN, known_file

FOLDER = Path("/var/lib/menshen/models")
LARGEST_BYTES = 1 << 30


class ModelRefused(ValueError):
    """A file that gets no place on the shelf, or one that does not belong where it is; the words say why."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """A card on the shelf. `troubles` are empty where all its files are what it says."""

    card: FaceCard
    path: Path
    troubles: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The URL for a configuration."""
        return f"{self.card.runner}://{self.path.absolute()}"


def shelved(folder: Path) -> Iterator[Shelved]:
    """All cards in `folder`, by name. Raises `CardRefused` for what is none, `OSError`."""
    for path in sorted(folder.glob("*.toml")):
        card = _card(path)
        yield Shelved(card, path, tuple(_troubles(folder, card)))


def put_file(path: Path, folder: Path) -> list[Shelved]:
    """Shelve a known model's file; returns the models that are whole by it. Raises `ModelRefused`, `OSError`."""
    content = _content(path)
    known = known_file(hashlib.sha256(content).hexdigest())
    if known is None:
        raise ModelRefused(
            f"{path} ({len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}) is no file of a known model:"
            " put a card beside it that describes it, and install the card"
        )
    put(folder, known.name, content)
    whole = (card for card in KNOWN if known in card.files and not list(_troubles(folder, card)))
    return [_put_card(card, folder) for card in whole]


def put_card(path: Path, folder: Path) -> Shelved:
    """Shelve the network that a card describes, from the card's own folder. Raises `ModelRefused`, `CardRefused`."""
    card = _card(path)
    if card.recipe is None:
        raise ModelRefused(f"{path}: {card.runner} needs no card")
    contents = [(file, _content(path.parent / file.name)) for file in card.files]
    for file, content in contents:
        if not _fits(file, content):
            raise ModelRefused(f"{path.parent / file.name} is not the file that {path.name} names by size and SHA-256")
    _refuse_another(card, folder)
    for file, content in contents:
        put(folder, file.name, content)
    return _put_card(card, folder)


def put(folder: Path, name: str, content: bytes) -> Path:
    """Write a file whole or not at all; returns where. Another file of that name is never replaced: `ModelRefused`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if path.exists():
        if path.read_bytes() == content:
            return path
        raise ModelRefused(f"{path} is another file of this name: take it away first")
    fresh = folder / f".{name}.{os.getpid()}"
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path


def _put_card(card: FaceCard, folder: Path) -> Shelved:
    _refuse_another(card, folder)
    path = folder / f"{card.name}.toml"
    if not path.exists():
        put(folder, path.name, write_card(card).encode())
    return Shelved(card, path)


def _refuse_another(card: FaceCard, folder: Path) -> None:
    """A model may not change under its name: configurations point there."""
    path = folder / f"{card.name}.toml"
    if path.exists() and _card(path).model_version != card.model_version:
        raise ModelRefused(f"{path} is another model of this name: give the new one another name in its card")


def _troubles(folder: Path, card: FaceCard) -> Iterator[str]:
    for file in card.files:
        path = folder / file.name
        if not path.is_file():
            yield f"{path} is missing"
        elif not _fits(file, path.read_bytes()):
            yield f"{path} is not the file that the card names by size and SHA-256"


def _fits(file: ModelFile, content: bytes) -> bool:
    return (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_BYTES:
        raise ModelRefused(f"{path} is larger than any face model")
    return path.read_bytes()


def _card(path: Path) -> FaceCard:
    try:
        return read_card(path.read_text(encoding="utf-8"))
    except UnicodeError:
        raise CardRefused(f"{path}: no card of a face model: it is no UTF-8 text") from None
    except CardRefused as error:
        raise CardRefused(f"{path}: {error}") from None
