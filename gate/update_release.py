"""A release: one signed file with a whole version of the program in it.

    "menshen release 1", line feed | length of the head (4, big-endian) | head, JSON | Ed25519 signature (64) | tar.gz

The signature covers all before it, and the head names every file with its size and SHA-256: nothing is believed that
was not signed, and a stick that changes its mind while it is read is found out. The head also says for which machines
the version is, from which one on it can be reached, and which databases it writes.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gate.update_disk import Disk
from models.store.migrate import newest_version
from models.wire import WireError, from_json, to_json

MAGIC = b"menshen release 1\n"
SUFFIX = ".release"
CHUNK = 1 << 20
_MOST_HEAD = 64 << 20
_SIGNATURE = 64
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*([a-z~+.-][0-9A-Za-z~+.-]{0,20})?")


class UpdateRefused(ValueError):
    """This release is not taken, or an update can't be made now. Says why and what to do."""


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file of the version: with its hash, or a symbolic link with its target."""

    path: str
    size: int = 0
    sha256: str = ""
    mode: int = 0o644
    link: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """What a release says of itself. `stores` are the schema versions that it writes, by kind."""

    version: str
    arch: str
    python: str
    minimum_from: str = "0"
    made_at: float = 0.0
    stores: dict[str, int] = field(default_factory=dict)
    files: tuple[FileLine, ...] = ()

    @property
    def size(self) -> int:
        """Bytes when unpacked."""
        return sum(line.size for line in self.files)


@dataclass(frozen=True, slots=True)
class Release:
    """A release whose signature is right. `payload_at` is where its files begin."""

    path: Path
    head: Head
    payload_at: int


def order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """By which versions are older and newer: 0.9 < 0.10~rc1 < 0.10 < 0.10.1. Raises `UpdateRefused`."""
    if not _VERSION.fullmatch(version):
        raise UpdateRefused("a version is written as in 0.4.1")
    numbers, rest = re.match(r"([0-9.]*[0-9])(.*)", version).groups()  # type: ignore[union-attr]
    return tuple(map(int, numbers.split("."))), not rest.startswith("~"), rest


def make(tree: Path, head: Head, out: Path) -> Head:
    """Put a laid-out version (`bin/`, `lib/`, …) into an unsigned release. Its `files` and `stores` are filled in."""
    lines = tuple(_lines(tree))
    stores = {kind: newest_version(kind) for kind in ("ledger", "manifest")}
    whole = Head(head.version, head.arch, head.python, head.minimum_from, head.made_at, head.stores or stores, lines)
    order(whole.version)
    with out.open("wb") as file:
        file.write(_signed_part(to_json(whole)) + bytes(_SIGNATURE))
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar:
            for line in lines:
                _add(tar, tree, line)
    return whole


def sign(path: Path, key: Ed25519PrivateKey) -> None:
    """Sign a release where it lies."""
    with path.open("r+b") as file:
        signed, _ = _read_head(file, path)
        file.write(key.sign(signed))


def open_release(path: Path, keys: list[bytes]) -> Release:
    """Look at who made a release. Raises `UpdateRefused` unless one of `keys` (raw, 32 bytes) signed it."""
    try:
        with path.open("rb") as file:
            signed, text = _read_head(file, path)
            signature = file.read(_SIGNATURE)
            at = file.tell()
    except OSError as error:
        raise UpdateRefused(f"{path} can't be read: {error.strerror}") from None
    if not any(_signs(key, signature, signed) for key in keys):
        raise UpdateRefused(f"{path} is not signed by a key of this machine: get it anew, and compare the maker's key")
    try:
        head = from_json(Head, text)
    except WireError as error:
        raise UpdateRefused(f"{path} has a head that this program does not understand: {error}") from None
    order(head.version)
    if any(PurePosixPath(line.path).is_absolute() or ".." in PurePosixPath(line.path).parts for line in head.files):
        raise UpdateRefused(f"{path} names files outside of its folder")
    return Release(path, head, at)


def unpack(release: Release, folder: Path, disk: Disk) -> None:
    """Write the files into the new `folder`, each compared with its hash. Raises `UpdateRefused`, `OSError`."""
    wanted = {line.path: line for line in release.head.files}
    made: set[PurePosixPath] = set()
    disk.make_folder(folder)
    with release.path.open("rb") as file:
        file.seek(release.payload_at)
        try:
            with tarfile.open(fileobj=file, mode="r|gz") as tar:
                for member in tar:
                    line = wanted.pop(member.name, None)
                    if line is None:
                        raise UpdateRefused(f"{release.path} holds a file that its maker did not name")
                    _make_folders(folder, PurePosixPath(line.path).parent, made, disk)
                    _unpack_one(tar, member, line, folder, disk)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise _damaged(release.path) from error
        except OSError as error:
            if error.errno is None:  # gzip's own words for damage
                raise _damaged(release.path) from error
            raise
    if wanted:
        raise _damaged(release.path)


def is_whole(folder: Path, head: Head) -> bool:
    """Whether every file of the version is there as it was signed."""
    return all(_is_there(folder / line.path, line) for line in head.files)


def _is_there(path: Path, line: FileLine) -> bool:
    try:
        if line.link:
            return str(path.readlink()) == line.link
        return not path.is_symlink() and hashlib.sha256(path.read_bytes()).hexdigest() == line.sha256
    except OSError:
        return False


def _unpack_one(tar: tarfile.TarFile, member: tarfile.TarInfo, line: FileLine, folder: Path, disk: Disk) -> None:
    if line.link:
        disk.link(line.link, folder / line.path)
        return
    source = tar.extractfile(member) if member.isreg() else None
    if source is None or member.size != line.size:
        raise UpdateRefused(f"a file of version {folder.name} is not the one that was signed")
    digest = hashlib.sha256()

    def chunks() -> Iterator[bytes]:
        while data := source.read(CHUNK):
            digest.update(data)
            yield data

    disk.write(folder / line.path, chunks(), line.mode)
    if digest.hexdigest() != line.sha256:
        raise UpdateRefused("a file in the release is not the one that was signed: get it anew")


def _make_folders(folder: Path, part: PurePosixPath, made: set[PurePosixPath], disk: Disk) -> None:
    for each in (*reversed(part.parents), part):
        if each not in made and each != PurePosixPath("."):
            disk.make_folder(folder / each)
        made.add(each)


def _damaged(path: Path) -> UpdateRefused:
    return UpdateRefused(f"{path} is cut short or damaged: copy it again")


def _signed_part(text: bytes) -> bytes:
    return MAGIC + len(text).to_bytes(4, "big") + text


def _read_head(file: BinaryIO, path: Path) -> tuple[bytes, bytes]:
    """The signed bytes, and the head in them; the file stands at the signature."""
    start = file.read(len(MAGIC) + 4)
    size = int.from_bytes(start[len(MAGIC) :], "big")
    if len(start) != len(MAGIC) + 4 or not start.startswith(MAGIC) or size > _MOST_HEAD:
        raise UpdateRefused(f"{path} is no release of Menshen")
    text = file.read(size)
    if len(text) != size:
        raise _damaged(path)
    return start + text, text


def _signs(key: bytes, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _lines(tree: Path) -> Iterator[FileLine]:
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        if path.is_symlink():
            yield FileLine(name, link=str(path.readlink()))
        elif path.is_file():
            data = path.read_bytes()
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            yield FileLine(name, len(data), hashlib.sha256(data).hexdigest(), mode)


def _add(tar: tarfile.TarFile, tree: Path, line: FileLine) -> None:
    info = tarfile.TarInfo(line.path)
    if line.link:
        info.type, info.linkname = tarfile.SYMTYPE, line.link
        tar.addfile(info)
        return
    data = (tree / line.path).read_bytes()
    info.size, info.mode = len(data), line.mode
    tar.addfile(info, io.BytesIO(data))
