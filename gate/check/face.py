"""Faces: which model compares here, is it whole, and can it decide anything for this event's audience?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from drivers.errors import DriverError
from drivers.face.best import FOLDER, chosen
from drivers.url import DeviceUrl, parse
from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from gate.model_shelf import shelved
from models.decision import Policy
from models.face_card import CardRefused
from models.face_models import DLIB, EAST_ASIAN
from models.store.errors import StoreError
from models.store.manifest_db import ManifestReader
from models.store.vault import DeviceKey


@dataclass(frozen=True, slots=True)
class Facts:
    """`model` is the version of the engine's templates, empty where only loading it would tell.

    `banded` are the models that the event's policy has bands for; `None` where there is no policy.
    """

    camera: bool
    model: str = ""
    dlib_alone: bool = False
    damaged: tuple[str, ...] = ()
    needs_face: bool = False
    banded: tuple[str, ...] | None = None


def gather(around: Around) -> Facts | None:
    """Look at the shelf of models, and at the policy of the manifest in force."""
    if around.config is None:
        return None
    url = parse(around.config.devices.face)
    damaged: tuple[str, ...] = ()
    model = {"sim": "sim-1", "dlib": "" if url.options.get("weights") else DLIB.name}.get(url.driver, "")
    alone = False
    if url.driver == "best":
        engine = chosen(url)
        alone = engine.driver == "dlib"
        model = DLIB.name if alone else _version(engine)
        damaged = _damaged(Path(url.location or FOLDER), engine)
    elif url.driver == "dlib":
        alone = not url.options.get("weights")
    policy = _policy(around)
    return Facts(
        bool(around.config.devices.camera),
        *(model, alone, damaged),
        bool(policy and policy.needs_face),
        tuple(bands.model_version for bands in policy.bands) if policy else None,
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong, and what dlib alone means."""
    for trouble in facts.damaged:
        yield Finding(Code.MODEL_DAMAGED, "face", trouble)
    if facts.needs_face and not facts.camera:
        yield Finding(Code.NO_CAMERA, "camera")
    if not facts.camera:
        return
    if facts.dlib_alone:
        yield Finding(Code.DLIB_ALONE, "face", _what_dlib_does())
    if facts.needs_face and facts.model and facts.banded is not None and facts.model not in facts.banded:
        yield Finding(Code.NO_BANDS, "face", f"{facts.model}; bands for {', '.join(facts.banded) or 'none'}")


def _what_dlib_does() -> str:
    """In whole people, from what was measured."""
    measured = next(one for one in DLIB.measured if one.population == EAST_ASIAN)
    points = {round(point.distance, 2): point for point in measured.curve}
    ours, usual = points[measured.accept], points[0.60]
    strangers = round(100 * usual.false_matches / usual.impostors)
    to_a_person = round(100 * ours.false_non_matches / ours.genuine)
    return (
        f"of 100 East Asian visitors with their own ticket about {to_a_person} are sent to a person; "
        f"at dlib's usual threshold {strangers} of 100 strangers would be taken for the holder, "
        f"at ours {ours.false_matches} of {ours.impostors} were"
    )


def _version(engine: DeviceUrl) -> str:
    try:
        return next(
            (
                one.card.model_version
                for one in shelved(Path(engine.location).parent)
                if one.path == Path(engine.location)
            ),
            "",
        )
    except (CardRefused, OSError):
        return ""


def _damaged(folder: Path, engine: DeviceUrl) -> tuple[str, ...]:
    try:
        return tuple(
            trouble
            for one in (shelved(folder) if folder.is_dir() else ())
            if not engine.location or one.path == Path(engine.location)
            for trouble in one.troubles
        )
    except (CardRefused, OSError) as error:
        return (str(error),)


def _policy(around: Around) -> Policy | None:
    assert around.config is not None
    path, key = around.config.gate.state_dir / "manifest.db", around.config.secrets.device_key
    if not path.exists() or not key.exists():
        return None
    try:
        with closing(ManifestReader(path, DeviceKey.load(key))) as reader:
            return reader.policy()
    except (StoreError, DriverError):
        return None  # told by the manifest's own concern
