"""A ZIP archive of photographs, unpacked for as long as they are being enrolled."""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from pathlib import Path

from sync.sources.table import Problem, SourceRefused, tidy

PICTURE_LIMIT = 16 << 20
COUNT_LIMIT = 300_000
UNPACKED_LIMIT = 6 << 30

_UTF8_FLAG = 0x800


def unpack_pictures(archive: Path, folder: Path) -> dict[str, Path]:
    """The pictures of `archive` by their names, without the folders they stood in. Raises `SourceRefused`.

    On the disk they get names of ours: those in an archive may say anything.
    """
    folder.mkdir(mode=0o700)
    problems: list[Problem] = []
    found: dict[str, Path] = {}
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [member for member in zipped.infolist() if _is_picture(member)]
            _refuse_too_much(members)
            for number, member in enumerate(members):
                name = _name(member)
                if name in found:
                    problems.append(Problem(0, "photo", "two photographs of one name", "each name once"))
                elif member.file_size > PICTURE_LIMIT:
                    problems.append(Problem(0, "photo", "a huge photograph", f"at most {PICTURE_LIMIT >> 20} MB each"))
                else:
                    found[name] = folder / str(number)
                    with zipped.open(member) as packed, found[name].open("wb") as file:
                        shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error):
        problems = [Problem(0, "photo", "a damaged or encrypted archive", "a ZIP archive of photographs")]
    if problems:
        raise SourceRefused("photographs", problems)
    return found


def _refuse_too_much(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > COUNT_LIMIT or sum(member.file_size for member in members) > UNPACKED_LIMIT:
        limit = f"at most {COUNT_LIMIT} photographs and {UNPACKED_LIMIT >> 30} GB"
        raise SourceRefused("photographs", [Problem(0, "photo", "an archive that unpacks to too much", limit)])


def _is_picture(member: zipfile.ZipInfo) -> bool:
    name = _name(member)
    return not member.is_dir() and bool(name) and not name.startswith(".") and "__MACOSX" not in member.filename


def _name(member: zipfile.ZipInfo) -> str:
    """Without its folders. Chinese Windows writes names in its own code page and doesn't say so."""
    name = member.filename
    if not member.flag_bits & _UTF8_FLAG:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return tidy(re.split(r"[/\\]", name)[-1])
