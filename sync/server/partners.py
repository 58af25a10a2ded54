"""Partners: other sites that share lists of persons with this one. Their cards, their fingerprints, what was agreed.

Each side enters the other's card and compares fingerprints with a person there, by telephone; before that nothing is
handed over and nothing taken. What a partner gets, and what we take of it, is decided here, at each side for itself.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import ssl
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, Row, insert, select, update

from models.store.errors import UnsafeKey
from models.store.vault import SECRET_BYTES, DeviceKey
from models.watch import WatchPurpose
from models.wire import WireError, from_json, to_json
from sync.contract_partner import Card
from sync.server.hub import Hub, new_identifier
from sync.server.problems import Refused
from sync.server.site import authority_of, site_name
from sync.server.watch_items import domain_secret, keep_domain
from sync.server.watch_tables import watch_partner, watch_source

ENTERED, TRUSTED, ENDED = "entered", "trusted", "ended"
TOLD_DIGITS = 8
"""So many digits of the fingerprint are typed in by whoever heard them: nobody trusts by a click alone."""

_NAME = re.compile(r"[!-.0-~](?:[ -.0-~]{0,62}[!-.0-~])?")  # goes into a header, and into a page's address
_URL = re.compile(r"https://[^\s/?#@]{1,255}")
_LONGEST = 16_384
_SHARED = frozenset(one.value for one in WatchPurpose if one is not WatchPurpose.FREQUENT)


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed with a partner, as this side sees it. Empty `purposes` and `owners` are all there are.

    Whoever `entrusts` hands over numbers, sealed for the keeper of the list; whoever `gets` a list, keyed copies alone.
    """

    gets: bool = False
    gives: bool = False
    may_entrust: bool = False
    entrusts: bool = False
    purposes: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


def own_card(hub: Hub, connection: Connection) -> Card:
    """This site's card, to be given to anybody."""
    site, key = site_name(connection), seal_key_of(hub).public.hex()
    public = hub.issuer_key.public_key().public_bytes_raw().hex()
    return Card(site, site, hub.settings.base_url, authority_of(hub).pem, public, key)


def fingerprint(card: Card) -> str:
    """SHA-256 over who a card says somebody is, 64 hexadecimal digits; where it is found may change."""
    der = x509.load_pem_x509_certificate(card.authority.encode()).public_bytes(Encoding.DER)
    digest = hashlib.sha256(b"menshen partner\0")
    for part in (card.site.encode(), hashlib.sha256(der).digest(), card.issuer_key.encode(), card.seal_key.encode()):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


def card_of(row: Row[Any]) -> Card:
    """The card that was entered for the partner of `row`."""
    return Card(row.partner, row.name, row.url, row.authority, row.issuer_key.hex(), row.seal_key.hex())


def read_card(text: str) -> Card:
    """A card as JSON. Raises `Refused`: 422 `no_card`."""
    try:
        card = from_json(Card, text[:_LONGEST].encode())
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(card.issuer_key))
        ssl.create_default_context(cadata=card.authority)
        good = len(bytes.fromhex(card.seal_key)) == SECRET_BYTES and len(card.authority) < _LONGEST
        good = good and card.format == 1 and bool(_NAME.fullmatch(card.site)) and bool(_URL.fullmatch(card.url))
        fingerprint(card)
    except (WireError, ValueError, TypeError, ssl.SSLError):
        good = False
    if not good:
        raise Refused(422, "no_card", "this is no partner's card: copy all of the text that its page shows")
    return card


def enter(hub: Hub, connection: Connection, actor: str, card: Card, terms: Terms) -> None:
    """Keep a partner's card; nothing goes over before `trust`. A partner that was ended may be entered again.

    Raises `Refused`: 409 `own_card`, `partner_known`; 422 `bad_terms`.
    """
    if card.site == site_name(connection):
        raise Refused(409, "own_card", "this is the card of this site itself: enter the partner's")
    row = watch_partner.c
    there = connection.execute(select(row.state).where(row.partner == card.site).with_for_update()).scalar()
    if there in (ENTERED, TRUSTED):
        raise Refused(409, "partner_known", "this partner is known already: end that partnership first")
    values: dict[str, Any] = {"name": card.name[:200] or card.site, "url": card.url, "authority": card.authority}
    values |= {"issuer_key": bytes.fromhex(card.issuer_key), "seal_key": bytes.fromhex(card.seal_key)}
    values |= {
        "state": ENTERED,
        "made_by": actor,
        "made_at": hub.clock(),
        "trouble": "",
        "trusted_at": None,
        "domain": None,
    }
    values |= _columns(terms)
    if there is None:
        connection.execute(insert(watch_partner).values(partner=card.site, **values))
    else:
        connection.execute(update(watch_partner).where(row.partner == card.site).values(**values))
    hub.audit(connection, actor, "partner.entered", card.site, fingerprint=fingerprint(card))


def trust(hub: Hub, connection: Connection, actor: str, partner: str, heard: str) -> None:
    """The fingerprints were compared; `heard` are the last digits of theirs, as their side read them out.

    Raises `Refused`: 404; 409 `partner_not_entered`; 422 `other_fingerprint`.
    """
    row = find_partner(connection, partner, lock=True)
    if row.state != ENTERED:
        raise Refused(409, "partner_not_entered", "there is nothing to be confirmed: look at the partner's state")
    if re.sub(r"\s", "", heard).lower() != fingerprint(card_of(row))[-TOLD_DIGITS:]:
        raise Refused(422, "other_fingerprint", "these are not the last digits of the card that was entered: stop here")
    domain = row.domain
    if domain is None:
        domain = new_identifier("d")
        keep_domain(hub, connection, domain, os.urandom(SECRET_BYTES))
    values = {"state": TRUSTED, "trusted_at": hub.clock(), "domain": domain}
    connection.execute(update(watch_partner).where(watch_partner.c.partner == partner).values(**values))
    hub.audit(connection, actor, "partner.trusted", partner, fingerprint=fingerprint(card_of(row)))


def change_terms(hub: Hub, connection: Connection, actor: str, partner: str, terms: Terms) -> None:
    """Agree on something else. All of the partner's list is looked at again. Raises `Refused`: 404; 422 `bad_terms`."""
    row = find_partner(connection, partner, lock=True)
    if (row.entrusts and terms.gets) or (row.gets and terms.entrusts):
        raise Refused(422, "bad_terms", "a copy and entrusted entries don't take each other's place: end it first")
    connection.execute(update(watch_partner).where(watch_partner.c.partner == partner).values(**_columns(terms)))
    connection.execute(update(watch_source).where(watch_source.c.source == partner).values(cursor=0))
    hub.audit(connection, actor, "partner.terms", partner, terms=json.loads(to_json(terms)))
    hub.ring(connection, device=bell_of(partner))


def terms_of(row: Row[Any]) -> Terms:
    """What was agreed with the partner of `row`."""
    filters = tuple(json.loads(row.purposes)), tuple(json.loads(row.owners))
    return Terms(row.gets, row.gives, row.may_entrust, row.entrusts, *filters)


def covers(terms: Terms, purpose: str, owner: str) -> bool:
    """Whether entries of this purpose and owner were agreed on; what a server counted for itself never is."""
    if purpose not in _SHARED:
        return False
    return (not terms.purposes or purpose in terms.purposes) and (not terms.owners or owner in terms.owners)


def find_partner(connection: Connection, partner: str, *, lock: bool = False) -> Row[Any]:
    """The partner's row. Raises `Refused`: 404."""
    asked = select(watch_partner).where(watch_partner.c.partner == partner)
    row = connection.execute(asked.with_for_update() if lock else asked).first()
    if row is None:
        raise Refused(404, "no_such_partner", "there is no such partner")
    return row


def list_partners(connection: Connection) -> list[Row[Any]]:
    """All of them, by name."""
    return list(connection.execute(select(watch_partner).order_by(watch_partner.c.partner)))


def note_trouble(connection: Connection, partner: str, trouble: str) -> None:
    """What stands in the way, for the page; empty: nothing."""
    row = watch_partner.c
    changed = update(watch_partner).where(row.partner == partner, row.trouble != trouble)
    connection.execute(changed.values(trouble=trouble))


def secret_for(hub: Hub, connection: Connection, row: Row[Any]) -> bytes:
    """The secret of the domain in which the trusted partner of `row` gets our entries."""
    secret = domain_secret(hub, connection, row.domain)
    assert secret is not None
    return secret


def seal_key_of(hub: Hub) -> DeviceKey:
    """The key with which this site opens what partners seal for it; made when first asked for. Raises `UnsafeKey`."""
    path = hub.settings.state_dir / "partner.key"
    if not path.exists():
        try:
            return DeviceKey.make(path)
        except UnsafeKey:
            pass  # another worker was quicker
    return DeviceKey.load(path)


def bell_of(partner: str) -> str:
    """Under which name a partner hangs on the doorbell; no device has a blank in its name."""
    return f"partner {partner}"


def is_time(value: float) -> bool:
    """Whether `value` can be a moment."""
    return math.isfinite(value) and 0 <= value < 1e11


def _columns(terms: Terms) -> dict[str, Any]:
    if terms.gets and terms.entrusts:
        raise Refused(422, "bad_terms", "who is entrusted with our entries has them: it does not subscribe as well")
    if terms.gives and terms.may_entrust and terms.entrusts:
        raise Refused(422, "bad_terms", "only one of two sites keeps the other's entries")
    if not set(terms.purposes) <= set(WatchPurpose):
        raise Refused(422, "bad_terms", "one of the purposes is none")
    columns: dict[str, Any] = {"gets": terms.gets, "gives": terms.gives, "entrusts": terms.entrusts}
    columns |= {"may_entrust": terms.may_entrust, "purposes": json.dumps(sorted(terms.purposes))}
    return columns | {"owners": json.dumps(sorted(terms.owners), ensure_ascii=False)}
