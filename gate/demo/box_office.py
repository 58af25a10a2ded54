"""Sells the evening's tickets: from tables and pictures to a signed manifest in the lane's database."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers import connect
from gate.demo.cast import EVENT, Person, write_tables
from gate.demo.rig import Rig
from gate.enrol import enroller
from models.decision import Policy, Profile
from models.face import FaceReference
from models.profiles import policy_of
from models.store.public_key import KeyUse, PublicKey, write_public_key
from models.store.vault import DeviceKey, load_or_make_event_secret
from sync.bundle_build import Issue
from sync.manifest import Result, Tables, build_manifest, load_manifest

ISSUER = "demo-hall"


def evening_policy(profile: Profile = Profile.CONCERT) -> Policy:
    """The profile with people let out and in again, and with short waits."""
    return replace(policy_of(profile, EVENT), exits=True, passage_s=2.0, capture_s=3.0, show_s=1.0)


def sell(
    rig: Rig,
    people: list[Person],
    policy: Policy | None = None,
    progress: Callable[[int, int], None] | None = None,
    known: dict[str, FaceReference] | None = None,
) -> Result:
    """Write the tables, enrol the photographs, sign the bundle and load it. `known` are references without pictures."""
    tables, now = rig.folder / "office", time.time()
    write_tables(people, tables, now, rig.wire.document)
    key_file = rig.state_dir / "device.key"
    device_key = DeviceKey.load(key_file) if key_file.exists() else DeviceKey.make(key_file)
    signing_key = Ed25519PrivateKey.generate()
    issue = Issue(
        issuer=ISSUER,
        policy=policy or rig.wire.policy(evening_policy()),
        version=1,
        issued_at=now,
        expires_at=now + 86_400,
        gates={rig.wiring.name: device_key.public},
        event_secret=load_or_make_event_secret(rig.folder / "event.secret"),
        signing_key=signing_key,
    )
    public = signing_key.public_key().public_bytes_raw()
    write_public_key(rig.issuer_key, PublicKey(KeyUse.ISSUER, ISSUER, public))
    sources = Tables(tables / "people.csv", tables / "photos", tables / "watch.csv", references=known or {})
    with closing(connect("face", rig.wiring.face)) as engine:
        # Rules that an organiser keeps to are broken on purpose: the evening shows what the gate does then.
        build_manifest(
            sources,
            tables / "bundle",
            issue,
            enrol=enroller(engine),
            progress=progress,
            rules=False,
        )
    _burn(tables / "photos")
    return load_manifest(
        tables / "bundle", rig.state_dir, gate=rig.wiring.name, issuers={ISSUER: public}, now=now, event=EVENT
    )


def _burn(photos: Path) -> None:
    """Photographs are not kept once they are enrolled."""
    for path in photos.iterdir():
        path.unlink()
