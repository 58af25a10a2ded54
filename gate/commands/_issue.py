"""What the one who issues a manifest says on the command line: rules, recipients, version and end."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers.url import did_you_mean
from gate.commands._out import note
from gate.commands.keys import own_device_key
from models import wire
from models.credential import Assurance
from models.decision import Policy, Profile
from models.profiles import policy_of
from models.store.keys import load_or_make_signing_key
from models.store.public_key import KeyUse, PublicKey, read_public_key, write_public_key
from models.store.vault import load_or_make_event_secret
from sync.bundle_build import Issue

_FIXED = ("profile", "event")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options of `gatectl manifest build` that make an `Issue`, as they were typed."""

    issuer: str
    event: str
    profile: str
    changes: tuple[str, ...]
    key: Path
    secret: Path
    gates: tuple[str, ...]
    version: int | None
    hours: float | None
    expires: str | None
    shrinks: bool
    config_path: Path


def issue_from(wish: Wish, policy: Policy, zone: ZoneInfo, now: float) -> Issue:
    """Everything but the tables. Keys are made last, when nothing else is wrong."""
    expires_at, gates = _end(wish, zone, now, policy.stale_after_s), _recipients(wish.gates, wish.config_path)
    return Issue(
        issuer=wish.issuer,
        policy=policy,
        version=wish.version or version_at(now),
        issued_at=now,
        expires_at=expires_at,
        gates=gates,
        event_secret=_event_secret(wish.secret),
        signing_key=issuer_key(wish.key, wish.issuer),
        shrinks=wish.shrinks,
    )


def policy_from(wish: Wish, zone: ZoneInfo, now: float) -> Policy:
    """The profile's policy with `key=value` changes; days printed on cards are the zone's. Raises `BadParameter`."""
    offset = datetime.fromtimestamp(now, zone).utcoffset() or timedelta()
    plain: dict[str, Any] = wire.to_builtins(policy_of(Profile(wish.profile), wish.event))
    plain["utc_offset_s"] = int(offset.total_seconds())
    known = [one.name for one in fields(Policy) if one.name not in _FIXED]
    for change in wish.changes:
        name, equals, value = change.partition("=")
        name = name.strip()
        if not equals or name not in known:
            raise click.BadParameter(
                f"{change!r}{did_you_mean(name, known)}; key=value with a key of: {', '.join(known)}",
                param_hint="--set",
            )
        plain[name] = _value(name, value.strip())
    try:
        return wire.from_builtins(Policy, plain)
    except wire.WireError as error:
        raise click.BadParameter(f"{error}", param_hint="--set") from None


def _value(name: str, text: str) -> Any:
    """`true`, `3`, `0.35`, `["work"]` as TOML has them, `none`, or a word."""
    if text == "none":
        return None
    if name in ("min_assurance", "min_code_assurance"):
        if text not in (words := {one.name.lower(): one for one in Assurance}):
            raise click.BadParameter(f"{name} is one of {', '.join(words)}", param_hint="--set")
        return int(words[text])
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _recipients(named: tuple[str, ...], config_path: Path) -> dict[str, bytes]:
    """Gates and their device keys, of `NAME=FILE` or `FILE`; without any, this machine's own."""
    if not named:
        from gate.config import load

        config = load(config_path)
        return {config.gate.name: own_device_key(config).public}
    gates: dict[str, bytes] = {}
    for one in named:
        name, _, file = one.rpartition("=")
        key = read_public_key(Path(file), KeyUse.DEVICE)
        if gates.setdefault(name or key.name, key.raw) != key.raw:
            raise click.BadParameter(f"{name or key.name} is named twice, with two keys", param_hint="--gate")
    return gates


def issuer_key(path: Path, issuer: str) -> Ed25519PrivateKey:
    """The issuer's signing key, made when there is none, with its public half beside it as `.pub`."""
    fresh = not path.exists()
    key = load_or_make_signing_key(path)
    public = path.with_suffix(".pub")
    if fresh or not public.exists():
        write_public_key(public, PublicKey(KeyUse.ISSUER, issuer, key.public_key().public_bytes_raw()))
        made = f"made a new issuer's key in {path}, readable by you alone; " if fresh else ""
        note(f"{made}name {public} among the issuers in each gate's configuration")
    elif (found := read_public_key(public, KeyUse.ISSUER)).name != issuer:
        raise click.BadParameter(
            f"{public} says that this key is {found.name!r}; gates know it by that name", param_hint="--issuer"
        )
    return key


def _event_secret(path: Path) -> bytes:
    """The event's secret, made when there is none."""
    if not path.exists():
        note(f"made a new event secret in {path}: keep it for all manifests of the event, destroy it afterwards")
    return load_or_make_event_secret(path)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name. Raises `BadParameter`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(f"{name!r} is no time zone, as Asia/Shanghai is", param_hint="--timezone") from None


def _end(wish: Wish, zone: ZoneInfo, now: float, fresh_s: float) -> float:
    if wish.hours is not None and wish.expires is not None:
        raise click.UsageError("--hours or --expires, not both")
    if wish.expires is None:
        return now + (wish.hours * 3600 if wish.hours is not None else fresh_s)
    try:
        moment = datetime.fromisoformat(wish.expires)
    except ValueError:
        raise click.BadParameter("a date and time, as in 2026-05-01T23:00", param_hint="--expires") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def version_at(at: float) -> int:
    """A version that rises by itself and can be read: `20260501193005`, UTC. No counter that could be lost."""
    return int(datetime.fromtimestamp(at, UTC).strftime("%Y%m%d%H%M%S"))
