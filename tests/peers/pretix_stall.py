"""Run by pretix's own Python: an organiser, a show with products, seats, questions and quota, a device, a team's token.

Prints one line of JSON: the identifiers, the device's initialisation token, and the token of a box office.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pretix.settings")

import django

django.setup()

from django.db import transaction  # noqa: E402  Django wants to be set up first
from django_scopes import scopes_disabled  # noqa: E402
from pretix.base.models import Device, Event, Item, Organizer, Question, Seat, Team, TeamAPIToken  # noqa: E402


def _question(event, identifier, kind, items, **more):
    made = event.questions.create(question=identifier, identifier=identifier, type=kind, required=False, **more)
    made.items.add(*items)
    return made


def build(seats: int) -> dict[str, object]:
    """The whole stall."""
    organizer = Organizer.objects.create(name="Hall", slug="hall")
    begins = datetime.now(UTC) + timedelta(days=3)
    event = Event.objects.create(
        organizer=organizer,
        name="Gala",
        slug="gala",
        currency="CNY",
        date_from=begins,
        date_to=begins + timedelta(hours=4),
        live=True,
        plugins="pretix.plugins.banktransfer",
    )
    event.settings.timezone = "Asia/Shanghai"
    event.settings.attendee_names_asked = True
    products = {
        name: Item.objects.create(event=event, name=name, default_price=0, admission=admission, personalized=admission)
        for name, admission in (("public", True), ("work", True), ("sponsor", True), ("parking", False))
    }
    quota = event.quotas.create(name="all", size=None)
    quota.items.add(*products.values())
    number = _question(event, "id_number", Question.TYPE_STRING, [products[n] for n in ("public", "work", "sponsor")])
    kind = _question(event, "document", Question.TYPE_CHOICE, [products["public"]])
    for identifier in ("card", "passport", "library"):
        kind.options.create(identifier=identifier, answer=identifier)
    consent = _question(event, "consent", Question.TYPE_BOOLEAN, [products["public"]])
    portrait = _question(event, "portrait", Question.TYPE_FILE, [products["public"]])
    event.seat_category_mappings.create(product=products["public"], layout_category="Stalls")
    for n in range(seats):
        Seat.objects.create(event=event, seat_guid=f"S{n}", seat_number=str(n), row_name="A", zone_name="Stalls",
                            product=products["public"])  # fmt: skip
    checkins = event.checkin_lists.create(name="Doors", all_products=True)
    device = Device.objects.create(organizer=organizer, name="Menshen", all_events=True)
    team = Team.objects.create(
        organizer=organizer, name="office", all_events=True, all_event_permissions=True, all_organizer_permissions=True
    )
    office = TeamAPIToken.objects.create(team=team, name="office")
    return {
        "items": {name: item.pk for name, item in products.items()},
        "questions": {one.identifier: one.pk for one in (number, kind, consent, portrait)},
        "options": {option.identifier: option.pk for option in kind.options.all()},
        "list": checkins.pk,
        "device": device.initialization_token,
        "office": office.token,
        "begins_at": begins.timestamp(),
    }


with scopes_disabled(), transaction.atomic():
    print(json.dumps(build(int(sys.argv[1]))))
