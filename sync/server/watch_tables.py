"""What the server keeps of lists of persons: entries, their approvals, evidence and history, and what left.

A listed person's document and template stand here sealed under the server's own key, never a name, never a photograph
beside a number. What a gate or another site gets is in `watch_item`, keyed anew for its domain.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from sync.server.tables import Serial, metadata

# --- entries ----------------------------------------------------------------------------------------------------------

watch_entry = Table(
    "watch_entry",
    metadata,
    Column("entry", Text, primary_key=True),
    Column("organisation", ForeignKey("organisation.organisation")),  # none: the whole site's, or entrusted to it
    Column("owner", Text, nullable=False),  # the institution that answers for it, as everybody reads it
    Column("purpose", Text, nullable=False),  # models.watch.WatchPurpose
    Column("action", Text, nullable=False),  # models.watch.WatchAction
    Column("legal_basis", Text, nullable=False, server_default=""),
    Column("appeal", Text, nullable=False),  # where the listed person turns to
    Column("sites", Text, nullable=False, server_default="[]"),  # JSON: partners that may get it; empty: all that may
    Column("entrances", Text, nullable=False, server_default="[]"),  # JSON: gates where it counts; empty: all
    Column("state", Text, nullable=False),  # models.watch.WatchState, but those that the time alone makes
    Column("valid_from", Double, nullable=False),
    Column("valid_to", Double, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),  # up with every change of what a gate would do
    Column("sealed_person", LargeBinary),  # document type and number; none: known by face alone, or erased
    Column("person_key", LargeBinary),  # keyed hash of it in the site's own domain, to find the same person twice
    Column("sealed_template", LargeBinary),
    Column("model_version", Text, nullable=False, server_default=""),
    Column("partner", Text),  # the site that entrusted it to us; none: our own
    Column("their_entry", Text, nullable=False, server_default=""),  # what it is called there
    Column("proposed_by", Text, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("erased_at", Double),
    Column("told", Text, nullable=False, server_default=""),  # the state that its history told last
    Column("batch", Text),  # the import that it came with
    Index("ix_watch_entry_person_key", "person_key"),
    Index("ix_watch_entry_batch", "batch"),
    Index(
        "uq_watch_entry_partner_their_entry",
        "partner",
        "their_entry",
        unique=True,
        sqlite_where=text("partner IS NOT NULL"),
        postgresql_where=text("partner IS NOT NULL"),
    ),
)

watch_approval = Table(
    "watch_approval",
    metadata,
    # Two different people of different roles, neither of them the proposer alone.
    Column("entry", ForeignKey("watch_entry.entry"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("at", Double, nullable=False),
)

watch_evidence = Table(
    "watch_evidence",
    metadata,
    Column("entry", ForeignKey("watch_entry.entry"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("sealed", LargeBinary),  # none: erased
    Column("by", Text, nullable=False),
    Column("at", Double, nullable=False),
)

watch_history = Table(
    "watch_history",
    metadata,
    # Each step of an entry: who, when, from what to what, why.
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("watch_entry.entry"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("state", Text, nullable=False),  # afterwards
    Column("why", Text, nullable=False, server_default=""),
    Index("ix_watch_history_entry_seq", "entry", "seq"),
)

watch_import = Table(
    "watch_import",
    metadata,
    # A list that somebody had elsewhere, with what each row lacks; its rows are gone once they are proposed.
    Column("job", Text, primary_key=True),
    Column("organisation", ForeignKey("organisation.organisation")),
    Column("actor", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("state", Text, nullable=False),  # reading, ready, refused, failed, done, dropped
    Column("done", Integer, nullable=False, server_default="0"),
    Column("of", Integer, nullable=False, server_default="0"),
    Column("report", Text, nullable=False, server_default="{}"),  # JSON: row by row what is missing, nothing personal
    Column("sealed_rows", LargeBinary),
    Column("made_at", Double, nullable=False),
)

# --- what leaves the house --------------------------------------------------------------------------------------------

watch_domain = Table(
    "watch_domain",
    metadata,
    # A secret under which documents are keyed and templates are turned: one of our own, one for each partner.
    Column("domain", Text, primary_key=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("made_at", Double, nullable=False),
)

watch_item = Table(
    "watch_item",
    metadata,
    # What our gates hold, or are to drop: our own entries in force, and what partners sent.
    Column("item", Text, primary_key=True),  # the entry's name at our gates
    Column("domain", ForeignKey("watch_domain.domain"), nullable=False),
    Column("entry", Text),  # ours
    Column("partner", Text),  # or theirs
    Column("version", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),  # of the whole list, when this row last changed
    Column("removed", Boolean, nullable=False, server_default="0"),
    Column("valid_to", Double, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # sync.watch_page.WatchItem, under the domain's key; empty: removed
    Index("ix_watch_item_revision", "revision"),
    Index("ix_watch_item_entry", "entry"),
)

watch_state = Table(
    "watch_state",
    metadata,
    Column("one", Integer, primary_key=True),  # always 1
    Column("revision", BigInteger, nullable=False, server_default="0"),
)

# --- partners ---------------------------------------------------------------------------------------------------------

watch_partner = Table(
    "watch_partner",
    metadata,
    # Another site. Both sides entered the other's card and compared fingerprints before it is trusted.
    Column("partner", Text, primary_key=True),  # its site's name
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False, server_default=""),
    Column("authority", Text, nullable=False, server_default=""),  # PEM of its TLS authority
    Column("issuer_key", LargeBinary, nullable=False),  # Ed25519
    Column("seal_key", LargeBinary, nullable=False),  # X25519, to which domain secrets are wrapped
    Column("state", Text, nullable=False),  # entered, trusted, ended
    Column("gets", Boolean, nullable=False),  # it may subscribe to our list
    Column("gives", Boolean, nullable=False),  # we subscribe to its list
    Column("may_entrust", Boolean, nullable=False, server_default="0"),  # it may put its own entries on our list
    Column("entrusts", Boolean, nullable=False, server_default="0"),  # we put ours on its list
    Column("purposes", Text, nullable=False, server_default="[]"),  # JSON: what we take of it, or hand it; empty: all
    Column("owners", Text, nullable=False, server_default="[]"),  # JSON: likewise
    Column("domain", Text),  # in which we hand it entries
    Column("revision", BigInteger, nullable=False, server_default="0"),  # of what we hand it
    Column("last_number", BigInteger, nullable=False, server_default="0"),
    Column("last_contact_at", Double),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("made_by", Text, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("trusted_at", Double),
)

watch_shared = Table(
    "watch_shared",
    metadata,
    # Which entry a partner holds, by the name made for it alone, and its receipt when the entry is gone again.
    Column("partner", ForeignKey("watch_partner.partner"), primary_key=True),
    Column("entry", ForeignKey("watch_entry.entry"), primary_key=True),
    Column("item", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("removed", Boolean, nullable=False, server_default="0"),
    Column("gates_told_at", Double),  # the partner's receipt: no gate of it holds the entry any more
    Column("receipt", Text, nullable=False, server_default=""),  # JSON, as the partner signed it
    Column("signature", LargeBinary),
    Index("ix_watch_shared_partner_revision", "partner", "revision"),
    Index("uq_watch_shared_item", "item", unique=True),
)

watch_source = Table(
    "watch_source",
    metadata,
    # How far we hold another's list: a partner's, or with an empty name, at a venue hub, the centre's.
    Column("source", Text, primary_key=True),
    Column("cursor", BigInteger, nullable=False),
    Column("issued_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("revision", BigInteger, nullable=False),  # of our own list, when we had taken all that
)

watch_received = Table(
    "watch_received",
    metadata,
    # What another list holds, by its names, and which item of ours it became; none: not taken.
    Column("source", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("local", Text),
    Column("removed", Boolean, nullable=False, server_default="0"),
    Column("revision", BigInteger, nullable=False),  # of our list, with this change
    Column("at", Double, nullable=False),
    Column("receipted_at", Double),  # when we told its owner that no gate of ours holds it any more
    Index("ix_watch_received_local", "local"),
)

# --- hits -------------------------------------------------------------------------------------------------------------

watch_hit = Table(
    "watch_hit",
    metadata,
    # What gates wrote down of hits: what was done, and by whom; not who the visitor was.
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("item", Text, primary_key=True),
    Column("attempt", BigInteger, nullable=False),  # the last line of an attempt counts
    Column("version", Integer, nullable=False),
    Column("means", Text, nullable=False),  # models.watch.HitMeans
    Column("distance", Double, nullable=False),
    Column("done", Text, nullable=False),  # the attempt's reason in the end
    Column("by", Text, nullable=False, server_default=""),
    Column("at", Double, nullable=False),
    Index("ix_watch_hit_item_at", "item", "at"),
)

watch_hit_count = Table(
    "watch_hit_count",
    metadata,
    # How often an entry was met in a day, also by partners' gates: the number, nobody's name.
    Column("entry", Text, primary_key=True),
    Column("partner", Text, primary_key=True),  # empty: our own gates
    Column("day", Text, primary_key=True),
    Column("hits", Integer, nullable=False),
)

# --- those who ask and those who report -------------------------------------------------------------------------------

watch_case = Table(
    "watch_case",
    metadata,
    # A listed person, or one who thinks so, asks, corrects, appeals or wants to be erased. The clock runs to `due_at`.
    Column("case", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # ask, correct, appeal, erase
    Column("entry", Text),
    Column("word_hash", LargeBinary, nullable=False),  # of the word with which the person asks how it stands
    Column("sealed_person", LargeBinary),  # the document that was named, gone once the case is closed
    Column("sealed_text", LargeBinary, nullable=False),
    Column("sealed_answer", LargeBinary),
    Column("state", Text, nullable=False),  # open, answered, closed
    Column("due_at", Double, nullable=False),
    Column("answered_by", Text, nullable=False, server_default=""),
    Column("answered_at", Double),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("made_at", Double, nullable=False),
    Index("ix_watch_case_state_due_at", "state", "due_at"),
)

report = Table(
    "report",
    metadata,
    # What a passer-by or a steward told of a suspected scalper.
    Column("report", Text, primary_key=True),
    Column("word_hash", LargeBinary, nullable=False),
    Column("venue", Text),
    Column("place", Text, nullable=False, server_default=""),
    Column("sealed_text", LargeBinary, nullable=False),
    Column("sealed_photo", LargeBinary),
    Column("sealed_contact", LargeBinary),  # none: anonymous
    Column("by", Text, nullable=False, server_default=""),  # a steward; empty: the public page
    Column("state", Text, nullable=False, server_default="new"),  # new, nothing, warning, proposed
    Column("entry", Text),
    Column("triaged_by", Text, nullable=False, server_default=""),
    Column("triaged_at", Double),
    Column("answer", Text, nullable=False, server_default=""),  # what the reporter reads who asks with the number
    Column("made_at", Double, nullable=False),
    Index("ix_report_state_made_at", "state", "made_at"),
)

# --- who comes too often ----------------------------------------------------------------------------------------------

seen = Table(
    "seen",
    metadata,
    # How often a document came in a day, under a key of the event; rows of days out of the window are deleted.
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("person_key", LargeBinary, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("times", Integer, nullable=False),
    Column("gates", Text, nullable=False, server_default="[]"),  # JSON
)

seen_exempt = Table(
    "seen_exempt",
    metadata,
    # Couriers and staff, who come often.
    Column("event", ForeignKey("event.event"), primary_key=True),
    Column("person_key", LargeBinary, primary_key=True),
    Column("label", Text, nullable=False),  # "courier", no name
    Column("by", Text, nullable=False),
    Column("until", Double, nullable=False),
)
