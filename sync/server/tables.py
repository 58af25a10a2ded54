"""What the server keeps. SQLAlchemy Core tables that mean the same on SQLite and on PostgreSQL.

Times are Unix seconds. Bytes that only the server may read are sealed under its own key (`sealed_*`); numbers and names
of persons are nowhere else. Identifiers are short texts that we make. Migrations follow these tables, and a test holds
both together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only in an INTEGER

# --- who ------------------------------------------------------------------------------------------------------------

site = Table(
    "site",
    metadata,
    Column("one", Integer, primary_key=True),  # always 1
    Column("name", Text, nullable=False),  # this installation, as devices know it; part of every signature
    Column("made_at", Double, nullable=False),
)

organisation = Table(
    "organisation",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("account", Text, primary_key=True),  # the log-in name
    Column("name", Text, nullable=False),
    Column("organisation", ForeignKey("organisation.organisation")),  # none: of the whole site
    Column("role", Text, nullable=False),  # owner, organiser, supervisor, auditor
    Column("password", Text, nullable=False),  # argon2id, with its parameters
    Column("language", Text, nullable=False, server_default="zh"),
    Column("disabled_at", Double),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", Double, nullable=False, server_default="0"),
    Column("made_at", Double, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),  # SHA-256; the token itself is the browser's alone
    Column("account", ForeignKey("account.account"), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("label", Text, nullable=False),
    Column("account", ForeignKey("account.account"), nullable=False),
    Column("made_at", Double, nullable=False),
    Column("ends_at", Double),
)

account_code = Table(
    "account_code",
    metadata,
    # Lets a person choose a password, once: for the first time, or because the old one is forgotten.
    Column("code_hash", LargeBinary, primary_key=True),
    Column("account", Text),  # none: the site's first owner, who also chooses the log-in name
    Column("made_by", Text, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("used_at", Double),
)

failed_attempt = Table(
    "failed_attempt",
    metadata,
    # Wrong codes and passwords of the last minutes, so that nobody can try many.
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("what", Text, nullable=False),  # enrol, log_in, account_code
    Column("address", Text, nullable=False),
    Column("at", Double, nullable=False),
    Index("ix_failed_attempt_what_at", "what", "at"),
)

turn = Table(
    "turn",
    metadata,
    # What is done once in a while, by whichever worker comes first.
    Column("name", Text, primary_key=True),
    Column("next_at", Double, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),  # an account, a device, or "server"
    Column("act", Text, nullable=False),
    Column("object", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default="{}"),  # JSON, nothing personal
    Column("from_address", Text, nullable=False, server_default=""),
)

# --- what is on -----------------------------------------------------------------------------------------------------

venue = Table(
    "venue",
    metadata,
    Column("venue", Text, primary_key=True),
    Column("organisation", ForeignKey("organisation.organisation"), nullable=False),
    Column("name", Text, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("event", Text, primary_key=True),
    Column("organisation", ForeignKey("organisation.organisation"), nullable=False),
    Column("venue", ForeignKey("venue.venue"), nullable=False),
    Column("name", Text, nullable=False),
    Column("begins_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("policy", Text, nullable=False),  # JSON of models.decision.Policy
    Column("state", Text, nullable=False, server_default="draft"),  # draft, published, closed
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("lessee", Text),  # the venue hub that answers for its claims; none: this server
    Column("revision", BigInteger, nullable=False, server_default="0"),  # goes up with every change of its tickets
    Column("made_at", Double, nullable=False),
)

ticket = Table(
    "ticket",
    metadata,
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("ticket", Text, primary_key=True),
    Column("status", Text, nullable=False),  # models.ticket.TicketStatus
    Column("category", Text, nullable=False),
    Column("seat", Text, nullable=False, server_default=""),
    Column("masked_name", Text, nullable=False, server_default=""),
    Column("bound_at", Double),
    Column("has_reference", Boolean, nullable=False),
    Column("sealed_holding", LargeBinary, nullable=False),  # sync.holding.Holding, all of it
    Column("source", Text, nullable=False),  # import, api, pretix…
    Column("source_ref", Text, nullable=False, server_default=""),
    Column("revision", BigInteger, nullable=False),  # of the event, when this row last changed
    Column("changed_at", Double, nullable=False),
    Index("ix_ticket_event_revision", "event", "revision"),
)

ticket_document = Table(
    "ticket_document",
    metadata,
    Column("event", Text, primary_key=True),
    Column("lookup_key", LargeBinary, primary_key=True),  # as at the gates: HMAC by the event's secret
    Column("ticket", Text, primary_key=True),
    ForeignKeyConstraint(["event", "ticket"], ["ticket.event", "ticket.ticket"], ondelete="CASCADE"),
)

removed_ticket = Table(
    "removed_ticket",
    metadata,
    # A ticket that was erased, until a later bundle than its `revision` took it out of the gates.
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("ticket", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

import_job = Table(
    "import_job",
    metadata,
    Column("job", Text, primary_key=True),
    Column("event", ForeignKey("event.event"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("mode", Text, nullable=False, server_default="add"),  # add, replace
    Column("absent", Text, nullable=False, server_default="revoke"),  # what replace does with tickets not in the file
    Column("state", Text, nullable=False),  # reading, ready, refused, writing, done, failed, dropped
    Column("done", Integer, nullable=False, server_default="0"),
    Column("of", Integer, nullable=False, server_default="0"),
    Column("problems", Text, nullable=False, server_default="[]"),  # JSON: row, column, what is wrong
    Column("preview", Text, nullable=False, server_default="{}"),  # JSON: counts, masked first rows
    Column("sealed_rows", LargeBinary),  # what a commit will write; gone afterwards
    Column("made_at", Double, nullable=False),
)

bundle = Table(
    "bundle",
    metadata,
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("issue", Integer, nullable=False, server_default="1"),  # of a base, signed anew for gates that came later
    Column("kind", Text, nullable=False),  # base, delta
    Column("after", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),  # of the event: everything up to it is in the gates' hands
    Column("digest", Text, nullable=False),
    Column("tickets", Integer, nullable=False),  # after it was applied
    Column("size", BigInteger, nullable=False),
    Column("file_name", Text, nullable=False),  # in the state folder
    Column("issued_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("recipients", Text, nullable=False, server_default="{}"),  # JSON: devices that any issue was for, their keys
)

erasure = Table(
    "erasure",
    metadata,
    # That an event's persons were erased here: the receipt, and the issuer's signature of it.
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("receipt", Text, nullable=False),  # JSON, as it was signed
    Column("signature", LargeBinary, nullable=False),
)

erasure_due = Table(
    "erasure_due",
    metadata,
    # Whose time to keep is over by the clock, and in how many looks in a row it was: a clock can be wrong.
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("looks", Integer, nullable=False),
)

# --- devices --------------------------------------------------------------------------------------------------------

device = Table(
    "device",
    metadata,
    Column("device", Text, primary_key=True),  # an identifier for ever; a name may go to another box
    Column("kind", Text, nullable=False),  # gate, hub
    Column("name", Text, nullable=False),
    Column("venue", ForeignKey("venue.venue"), nullable=False),
    Column("hub", Text),  # the venue hub through which it is known, if any
    Column("signing_key", LargeBinary, nullable=False),
    Column("device_key", LargeBinary, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("state", Text, nullable=False),  # enrolled, revoked, replaced
    Column("event", Text),  # what it is to serve now
    Column("last_number", BigInteger, nullable=False, server_default="0"),
    Column("last_contact_at", Double),
    Column("contact", Text, nullable=False, server_default="{}"),  # JSON of sync.contract.Contact
    Column("epoch", Text, nullable=False, server_default=""),  # of its ledger, the newest one known
    Column("made_at", Double, nullable=False),
    Column("wiped_at", Double),
    Index(
        "uq_device_venue_name_in_force",
        "venue",
        "name",
        unique=True,
        sqlite_where=text("state = 'enrolled'"),
        postgresql_where=text("state = 'enrolled'"),
    ),
)

old_key = Table(
    "old_key",
    metadata,
    Column("device", ForeignKey("device.device"), primary_key=True),
    Column("signing_key", LargeBinary, primary_key=True),  # still proves checkpoints made before `until`
    Column("until", Double, nullable=False),
)

enrolment_code = Table(
    "enrolment_code",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("venue", ForeignKey("venue.venue"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("replaces", Text),  # the device whose place the new one takes; none: the name is free
    Column("made_by", Text, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("used_at", Double),
    Column("device", Text),
)

# --- what happened --------------------------------------------------------------------------------------------------

ledger = Table(
    "ledger",
    metadata,
    Column("device", ForeignKey("device.device"), primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("gate", Text, nullable=False),  # the name that its hashes contain
    Column("seq", BigInteger, nullable=False),  # the last entry held
    Column("hash", LargeBinary, nullable=False),  # of that entry
    Column("sealed_seq", BigInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False, server_default="good"),  # good, forked
    Column("first_at", Double, nullable=False),
)

entry = Table(
    "entry",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("received_at", Double, nullable=False),
    Index("ix_entry_received_at", "received_at"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

fork = Table(
    "fork",
    metadata,
    Column("fork", Serial, primary_key=True, autoincrement=True),
    Column("device", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # of the line that doesn't fit
    Column("line", Text, nullable=False),  # JSON of the line, kept: nothing is dropped because it is odd
    Column("at", Double, nullable=False),
    UniqueConstraint("device", "epoch", "seq", "hash"),
)

lease = Table(
    "lease",
    metadata,
    # At the centre: which venue hub answers for an event. `returning`: it was asked to give it back.
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("device", ForeignKey("device.device"), nullable=False),
    Column("state", Text, nullable=False, server_default="leased"),  # leased, returning
    Column("made_by", Text, nullable=False),
    Column("made_at", Double, nullable=False),
)

forwarded = Table(
    "forwarded",
    metadata,
    # At a venue hub: how much of each gate's ledger the centre has acknowledged.
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    Column("sealed_seq", BigInteger, nullable=False, server_default="0"),
    Column("fork", BigInteger, nullable=False, server_default="0"),  # the last one of `fork` that was passed on
    Column("refusal", Text, nullable=False, server_default=""),  # why the centre takes no more of it
    Column("not_before", Double, nullable=False, server_default="0"),
)

claim = Table(
    "claim",
    metadata,
    # One row a ticket in use: whoever inserts it first has the claim. An exit or a no-show takes it away again.
    Column("event", Text, primary_key=True),
    Column("ticket", Text, primary_key=True),
    Column("claim", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("gate", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("passage", Text, nullable=False, server_default="held"),  # held, passed, unknown
    Index("ix_claim_device_passage", "device", "passage"),
)

ended_claim = Table(
    "ended_claim",
    metadata,
    # A claim that was given back: the same claim, repeated late, must not take the ticket again.
    Column("event", Text, primary_key=True),
    Column("claim", Text, primary_key=True),
    Column("at", Double, nullable=False),
)

code_claim = Table(
    "code_claim",
    metadata,
    # A step of a code that changes, held by the claim that showed it first, until that claim's own line tells more.
    Column("event", Text, primary_key=True),
    Column("ticket", Text, primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("claim", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("at", Double, nullable=False),
    Index("ix_code_claim_device", "device"),
    Index("ix_code_claim_at", "at"),
)

use = Table(
    "use",
    metadata,
    # One row a release, made of the gates' entries: the opening decision, and what became of it.
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # of the entry that opened it
    Column("event", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("person_key", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("passage", Text),  # none: still open
    Column("at", Double, nullable=False),
    Column("claim", Text, nullable=False, server_default=""),
    Column("code_step", BigInteger),  # of a code that changes: it and those before it are used up
    Index("ix_use_event_ticket", "event", "ticket"),
    Index("ix_use_event_at", "event", "at"),
)

tally = Table(
    "tally",
    metadata,
    # How often what happened in a minute at a gate: see `sync.server.tally`.
    Column("event", Text, primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("device", Text, primary_key=True),
    Column("word", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

conflict = Table(
    "conflict",
    metadata,
    Column("conflict", Serial, primary_key=True, autoincrement=True),
    Column("event", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("nth", Integer, nullable=False),  # the second entry too many is a conflict of its own
    Column("found_at", Double, nullable=False),
    Column("uses", Text, nullable=False),  # JSON: device, gate, epoch, seq, at, passage of each
    Column("state", Text, nullable=False, server_default="open"),  # open, settled, withdrawn
    Column("settled_by", Text),
    Column("settled_at", Double),
    Column("finding", Text, nullable=False, server_default=""),
    Column("words", Text, nullable=False, server_default=""),  # what whoever settled it has to add
    Column("stands", Integer, nullable=False, server_default="1"),  # 0: as many came out since; another is a new one
    UniqueConstraint("event", "ticket", "nth"),
)

pretix_link = Table(
    "pretix_link",
    metadata,
    # An event whose tickets are sold at a pretix: where, how it is read, and how far that has come.
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("base_url", Text, nullable=False),
    Column("organizer", Text, nullable=False),
    Column("pretix_event", Text, nullable=False),
    Column("subevent", BigInteger),  # of a series: the date that this event is
    Column("check_in_list", BigInteger, nullable=False),
    Column("gate_lists", Text, nullable=False, server_default="{}"),  # JSON: gates that have a list of their own
    Column("reading", Text, nullable=False),  # JSON of sync.sources.pretix_reading.Reading
    Column("scheme", Text, nullable=False),  # Device, Token
    Column("sealed_token", LargeBinary, nullable=False),
    Column("period_s", Double, nullable=False),
    Column("since", Text, nullable=False, server_default=""),  # pretix's own time, up to which orders were taken in
    Column("refusals_at", Double, nullable=False, server_default="0"),  # refusals received before are in the queue
    Column("round_at", Double),
    Column("trouble", Text, nullable=False, server_default=""),  # why the last round came to nothing
    Column("made_by", Text, nullable=False),
    Column("made_at", Double, nullable=False),
)

pretix_position = Table(
    "pretix_position",
    metadata,
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("order_code", Text, nullable=False),
    Column("place", Integer, nullable=False),  # in its order
    Column("ticket", Text, nullable=False, server_default=""),  # its holder's; every new holder has a new one
    Column("holders", Integer, nullable=False, server_default="0"),
    Column("sealed_secret", LargeBinary, nullable=False),  # what pretix's own code says
    Column("odd", Text, nullable=False, server_default=""),  # sync.sources.pretix_reading.Odd: why it has no ticket
    Column("words", Text, nullable=False, server_default=""),
    Column("portrait", Text, nullable=False, server_default=""),  # what became of it, in words; empty: nothing odd
    Column("changed_at", Double, nullable=False),  # of the order, as pretix says
    Index("ix_pretix_position_event_ticket", "event", "ticket"),
)

pretix_holder = Table(
    "pretix_holder",
    metadata,
    # Which position each ticket was of, also after its seat has changed hands.
    Column("event", Text, primary_key=True),
    Column("ticket", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    ForeignKeyConstraint(["event", "position"], ["pretix_position.event", "pretix_position.position"]),
)

pretix_checkin = Table(
    "pretix_checkin",
    metadata,
    # What pretix is to hear of: passages and refusals, each once, until it has answered.
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # of the entry that opened or refused
    Column("event", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("kind", Text, nullable=False),  # entry, exit, refusal
    Column("reason", Text, nullable=False, server_default=""),  # models.decision.Reason of a refusal
    Column("gate", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("state", Text, nullable=False, server_default="queued"),  # queued, told, refused
    Column("answer", Text, nullable=False, server_default=""),  # why pretix would not, or did not, take it
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("not_before", Double, nullable=False, server_default="0"),
    Column("told_at", Double),
    Index("ix_pretix_checkin_event_state", "event", "state", "at"),
)

change = Table(
    "change",
    metadata,
    # The doorbell's memory: who has heard up to `cursor` asks for what came after.
    Column("cursor", Serial, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("event", Text, nullable=False, server_default=""),  # concerns the devices that serve it
    Column("device", Text, nullable=False, server_default=""),  # concerns this one
)

alarm = Table(
    "alarm",
    metadata,
    # What the server found by itself and a person has to look at: see `sync.server.alarms`.
    Column("alarm", Serial, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),  # sync.server.alarm_rules.AlarmKind
    Column("object", Text, nullable=False),  # a device, an event, or "site"
    Column("organisation", Text),  # whose it is; none: the whole site's
    Column("event", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default="{}"),  # JSON: names and figures, nothing personal
    Column("raised_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),  # when it was last found to be so
    Column("ended_at", Double),  # when it was no longer so
    Column("noticed_at", Double),  # when somebody took notice
    Column("noticed_by", Text),
    Column("words", Text, nullable=False, server_default=""),  # what that person has to add
    Index(
        "uq_alarm_kind_object_going_on",
        "kind",
        "object",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)
