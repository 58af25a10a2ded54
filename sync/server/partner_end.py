"""The end of a partnership: what it handed us goes from our gates, and what we handed it is to go from its gates."""

from __future__ import annotations

from sqlalchemy import Connection

from sync.server.hub import Hub
from sync.server.partner_entrusted import take_all_off
from sync.server.partner_received import drop_all
from sync.server.partner_shares import hand_nothing
from sync.server.partners import ENDED, find_partner, note_trouble
from sync.server.problems import Refused


def end(hub: Hub, connection: Connection, actor: str, partner: str) -> None:
    """End it from this side; the other learns of it within seconds. Raises `Refused`: 404; 409 `partner_ended`."""
    if find_partner(connection, partner, lock=True).state == ENDED:
        raise Refused(409, "partner_ended", "this partnership is over already")
    end_with(hub, connection, partner)
    hub.audit(connection, actor, "partner.ended", partner)


def end_with(hub: Hub, connection: Connection, partner: str) -> None:
    """Nothing of either stays with the other, as far as it is in our hands."""
    hand_nothing(hub, connection, partner)
    drop_all(hub, connection, partner)
    take_all_off(hub, connection, partner)
    note_trouble(connection, partner, "")
