"""The first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Go from the version before to this one."""
    op.create_table(
        "account_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_account_code")),
    )
    op.create_table(
        "alarm",
        sa.Column("alarm", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("event", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        sa.Column("raised_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("noticed_at", sa.Double(), nullable=True),
        sa.Column("noticed_by", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("alarm", name=op.f("pk_alarm")),
    )
    op.create_index(
        "uq_alarm_kind_object_going_on",
        "alarm",
        ["kind", "object"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        sa.Column("from_address", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_table(
        "change",
        sa.Column("cursor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("event", sa.Text(), server_default="", nullable=False),
        sa.Column("device", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("cursor", name=op.f("pk_change")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device", "epoch", "seq", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "claim",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("passage", sa.Text(), server_default="held", nullable=False),
        sa.PrimaryKeyConstraint("event", "ticket", name=op.f("pk_claim")),
    )
    op.create_index("ix_claim_device_passage", "claim", ["device", "passage"], unique=False)
    op.create_table(
        "code_claim",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("event", "ticket", "step", name=op.f("pk_code_claim")),
    )
    op.create_index("ix_code_claim_at", "code_claim", ["at"], unique=False)
    op.create_index("ix_code_claim_device", "code_claim", ["device"], unique=False)
    op.create_table(
        "conflict",
        sa.Column("conflict", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.Double(), nullable=False),
        sa.Column("uses", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.Double(), nullable=True),
        sa.Column("finding", sa.Text(), server_default="", nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("stands", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("conflict", name=op.f("pk_conflict")),
        sa.UniqueConstraint("event", "ticket", "nth", name=op.f("uq_conflict_event_ticket_nth")),
    )
    op.create_table(
        "ended_claim",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("event", "claim", name=op.f("pk_ended_claim")),
    )
    op.create_table(
        "entry",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("device", "epoch", "seq", name=op.f("pk_entry")),
    )
    op.create_index("ix_entry_received_at", "entry", ["received_at"], unique=False)
    op.create_table(
        "failed_attempt",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_failed_attempt")),
    )
    op.create_index("ix_failed_attempt_what_at", "failed_attempt", ["what", "at"], unique=False)
    op.create_table(
        "fork",
        sa.Column("fork", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("fork", name=op.f("pk_fork")),
        sa.UniqueConstraint("device", "epoch", "seq", "hash", name=op.f("uq_fork_device_epoch_seq_hash")),
    )
    op.create_table(
        "forwarded",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sealed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fork", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refusal", sa.Text(), server_default="", nullable=False),
        sa.Column("not_before", sa.Double(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("device", "epoch", name=op.f("pk_forwarded")),
    )
    op.create_table(
        "organisation",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_organisation")),
    )
    op.create_table(
        "pretix_checkin",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.Double(), server_default="0", nullable=False),
        sa.Column("told_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("device", "epoch", "seq", name=op.f("pk_pretix_checkin")),
    )
    op.create_index("ix_pretix_checkin_event_state", "pretix_checkin", ["event", "state", "at"], unique=False)
    op.create_table(
        "report",
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("word_hash", sa.LargeBinary(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("sealed_text", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_photo", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_contact", sa.LargeBinary(), nullable=True),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.Column("triaged_by", sa.Text(), server_default="", nullable=False),
        sa.Column("triaged_at", sa.Double(), nullable=True),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("report", name=op.f("pk_report")),
    )
    op.create_index("ix_report_state_made_at", "report", ["state", "made_at"], unique=False)
    op.create_table(
        "site",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_site")),
    )
    op.create_table(
        "tally",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("minute", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event", "minute", "device", "word", "reason", name=op.f("pk_tally")),
    )
    op.create_table(
        "turn",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_turn")),
    )
    op.create_table(
        "use",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("person_key", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("passage", sa.Text(), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("claim", sa.Text(), server_default="", nullable=False),
        sa.Column("code_step", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("device", "epoch", "seq", name=op.f("pk_use")),
    )
    op.create_index("ix_use_event_at", "use", ["event", "at"], unique=False)
    op.create_index("ix_use_event_ticket", "use", ["event", "ticket"], unique=False)
    op.create_table(
        "watch_case",
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.Column("word_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_person", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_text", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("answered_by", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("case", name=op.f("pk_watch_case")),
    )
    op.create_index("ix_watch_case_state_due_at", "watch_case", ["state", "due_at"], unique=False)
    op.create_table(
        "watch_domain",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_watch_domain")),
    )
    op.create_table(
        "watch_hit",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("distance", sa.Double(), nullable=False),
        sa.Column("done", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("device", "epoch", "seq", "item", name=op.f("pk_watch_hit")),
    )
    op.create_index("ix_watch_hit_item_at", "watch_hit", ["item", "at"], unique=False)
    op.create_table(
        "watch_hit_count",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("entry", "partner", "day", name=op.f("pk_watch_hit_count")),
    )
    op.create_table(
        "watch_partner",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("authority", sa.Text(), server_default="", nullable=False),
        sa.Column("issuer_key", sa.LargeBinary(), nullable=False),
        sa.Column("seal_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gets", sa.Boolean(), nullable=False),
        sa.Column("gives", sa.Boolean(), nullable=False),
        sa.Column("may_entrust", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("entrusts", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("purposes", sa.Text(), server_default="[]", nullable=False),
        sa.Column("owners", sa.Text(), server_default="[]", nullable=False),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_contact_at", sa.Double(), nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("trusted_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_watch_partner")),
    )
    op.create_table(
        "watch_received",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("local", sa.Text(), nullable=True),
        sa.Column("removed", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("receipted_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("source", "item", name=op.f("pk_watch_received")),
    )
    op.create_index("ix_watch_received_local", "watch_received", ["local"], unique=False)
    op.create_table(
        "watch_source",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_watch_source")),
    )
    op.create_table(
        "watch_state",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_watch_state")),
    )
    op.create_table(
        "account",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), server_default="zh", nullable=False),
        sa.Column("disabled_at", sa.Double(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.Double(), server_default="0", nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.organisation"], name=op.f("fk_account_organisation")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_account")),
    )
    op.create_table(
        "venue",
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.organisation"], name=op.f("fk_venue_organisation")),
        sa.PrimaryKeyConstraint("venue", name=op.f("pk_venue")),
    )
    op.create_table(
        "watch_entry",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), server_default="", nullable=False),
        sa.Column("appeal", sa.Text(), nullable=False),
        sa.Column("sites", sa.Text(), server_default="[]", nullable=False),
        sa.Column("entrances", sa.Text(), server_default="[]", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Double(), nullable=False),
        sa.Column("valid_to", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("sealed_person", sa.LargeBinary(), nullable=True),
        sa.Column("person_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_template", sa.LargeBinary(), nullable=True),
        sa.Column("model_version", sa.Text(), server_default="", nullable=False),
        sa.Column("partner", sa.Text(), nullable=True),
        sa.Column("their_entry", sa.Text(), server_default="", nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("erased_at", sa.Double(), nullable=True),
        sa.Column("told", sa.Text(), server_default="", nullable=False),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.organisation"], name=op.f("fk_watch_entry_organisation")
        ),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_watch_entry")),
    )
    op.create_index("ix_watch_entry_batch", "watch_entry", ["batch"], unique=False)
    op.create_index("ix_watch_entry_person_key", "watch_entry", ["person_key"], unique=False)
    op.create_index(
        "uq_watch_entry_partner_their_entry",
        "watch_entry",
        ["partner", "their_entry"],
        unique=True,
        sqlite_where=sa.text("partner IS NOT NULL"),
        postgresql_where=sa.text("partner IS NOT NULL"),
    )
    op.create_table(
        "watch_import",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("of", sa.Integer(), server_default="0", nullable=False),
        sa.Column("report", sa.Text(), server_default="{}", nullable=False),
        sa.Column("sealed_rows", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.organisation"], name=op.f("fk_watch_import_organisation")
        ),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_watch_import")),
    )
    op.create_table(
        "watch_item",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.Column("partner", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("valid_to", sa.Double(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["domain"], ["watch_domain.domain"], name=op.f("fk_watch_item_domain")),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_watch_item")),
    )
    op.create_index("ix_watch_item_entry", "watch_item", ["entry"], unique=False)
    op.create_index("ix_watch_item_revision", "watch_item", ["revision"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["account.account"], name=op.f("fk_api_token_account")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_api_token")),
    )
    op.create_table(
        "device",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=True),
        sa.Column("signing_key", sa.LargeBinary(), nullable=False),
        sa.Column("device_key", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=True),
        sa.Column("last_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_contact_at", sa.Double(), nullable=True),
        sa.Column("contact", sa.Text(), server_default="{}", nullable=False),
        sa.Column("epoch", sa.Text(), server_default="", nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("wiped_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["venue"], ["venue.venue"], name=op.f("fk_device_venue")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_device")),
    )
    op.create_index(
        "uq_device_venue_name_in_force",
        "device",
        ["venue", "name"],
        unique=True,
        sqlite_where=sa.text("state = 'enrolled'"),
        postgresql_where=sa.text("state = 'enrolled'"),
    )
    op.create_table(
        "enrolment_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["venue"], ["venue.venue"], name=op.f("fk_enrolment_code_venue")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_enrolment_code")),
    )
    op.create_table(
        "event",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("lessee", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.organisation"], name=op.f("fk_event_organisation")),
        sa.ForeignKeyConstraint(["venue"], ["venue.venue"], name=op.f("fk_event_venue")),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_event")),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.account"], name=op.f("fk_session_account")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
    )
    op.create_table(
        "watch_approval",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["watch_entry.entry"], name=op.f("fk_watch_approval_entry")),
        sa.PrimaryKeyConstraint("entry", "version", "account", name=op.f("pk_watch_approval")),
    )
    op.create_table(
        "watch_evidence",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["watch_entry.entry"], name=op.f("fk_watch_evidence_entry")),
        sa.PrimaryKeyConstraint("entry", "number", name=op.f("pk_watch_evidence")),
    )
    op.create_table(
        "watch_history",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["watch_entry.entry"], name=op.f("fk_watch_history_entry")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_watch_history")),
    )
    op.create_index("ix_watch_history_entry_seq", "watch_history", ["entry", "seq"], unique=False)
    op.create_table(
        "watch_shared",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("gates_told_at", sa.Double(), nullable=True),
        sa.Column("receipt", sa.Text(), server_default="", nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["entry"], ["watch_entry.entry"], name=op.f("fk_watch_shared_entry")),
        sa.ForeignKeyConstraint(["partner"], ["watch_partner.partner"], name=op.f("fk_watch_shared_partner")),
        sa.PrimaryKeyConstraint("partner", "entry", name=op.f("pk_watch_shared")),
    )
    op.create_index("ix_watch_shared_partner_revision", "watch_shared", ["partner", "revision"], unique=False)
    op.create_index("uq_watch_shared_item", "watch_shared", ["item"], unique=True)
    op.create_table(
        "bundle",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("issue", sa.Integer(), server_default="1", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("recipients", sa.Text(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_bundle_event")),
        sa.PrimaryKeyConstraint("event", "version", name=op.f("pk_bundle")),
    )
    op.create_table(
        "erasure",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_erasure_event")),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_erasure")),
    )
    op.create_table(
        "erasure_due",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_erasure_due_event")),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_erasure_due")),
    )
    op.create_table(
        "import_job",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), server_default="add", nullable=False),
        sa.Column("absent", sa.Text(), server_default="revoke", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("of", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problems", sa.Text(), server_default="[]", nullable=False),
        sa.Column("preview", sa.Text(), server_default="{}", nullable=False),
        sa.Column("sealed_rows", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_import_job_event")),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_import_job")),
    )
    op.create_table(
        "lease",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="leased", nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_lease_device")),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_lease_event")),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_lease")),
    )
    op.create_table(
        "ledger",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="good", nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_ledger_device")),
        sa.PrimaryKeyConstraint("device", "epoch", name=op.f("pk_ledger")),
    )
    op.create_table(
        "old_key",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("signing_key", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_old_key_device")),
        sa.PrimaryKeyConstraint("device", "signing_key", name=op.f("pk_old_key")),
    )
    op.create_table(
        "pretix_link",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("organizer", sa.Text(), nullable=False),
        sa.Column("pretix_event", sa.Text(), nullable=False),
        sa.Column("subevent", sa.BigInteger(), nullable=True),
        sa.Column("check_in_list", sa.BigInteger(), nullable=False),
        sa.Column("gate_lists", sa.Text(), server_default="{}", nullable=False),
        sa.Column("reading", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=False),
        sa.Column("period_s", sa.Double(), nullable=False),
        sa.Column("since", sa.Text(), server_default="", nullable=False),
        sa.Column("refusals_at", sa.Double(), server_default="0", nullable=False),
        sa.Column("round_at", sa.Double(), nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_pretix_link_event")),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_pretix_link")),
    )
    op.create_table(
        "pretix_position",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_code", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("ticket", sa.Text(), server_default="", nullable=False),
        sa.Column("holders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("odd", sa.Text(), server_default="", nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("portrait", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_pretix_position_event")),
        sa.PrimaryKeyConstraint("event", "position", name=op.f("pk_pretix_position")),
    )
    op.create_index("ix_pretix_position_event_ticket", "pretix_position", ["event", "ticket"], unique=False)
    op.create_table(
        "removed_ticket",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_removed_ticket_event")),
        sa.PrimaryKeyConstraint("event", "ticket", name=op.f("pk_removed_ticket")),
    )
    op.create_table(
        "seen",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("person_key", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("gates", sa.Text(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_seen_event")),
        sa.PrimaryKeyConstraint("event", "person_key", "day", name=op.f("pk_seen")),
    )
    op.create_table(
        "seen_exempt",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("person_key", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_seen_exempt_event")),
        sa.PrimaryKeyConstraint("event", "person_key", name=op.f("pk_seen_exempt")),
    )
    op.create_table(
        "ticket",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("seat", sa.Text(), server_default="", nullable=False),
        sa.Column("masked_name", sa.Text(), server_default="", nullable=False),
        sa.Column("bound_at", sa.Double(), nullable=True),
        sa.Column("has_reference", sa.Boolean(), nullable=False),
        sa.Column("sealed_holding", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.event"], name=op.f("fk_ticket_event")),
        sa.PrimaryKeyConstraint("event", "ticket", name=op.f("pk_ticket")),
    )
    op.create_index("ix_ticket_event_revision", "ticket", ["event", "revision"], unique=False)
    op.create_table(
        "pretix_holder",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event", "position"],
            ["pretix_position.event", "pretix_position.position"],
            name=op.f("fk_pretix_holder_event"),
        ),
        sa.PrimaryKeyConstraint("event", "ticket", name=op.f("pk_pretix_holder")),
    )
    op.create_table(
        "ticket_document",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("lookup_key", sa.LargeBinary(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event", "ticket"],
            ["ticket.event", "ticket.ticket"],
            name=op.f("fk_ticket_document_event"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event", "lookup_key", "ticket", name=op.f("pk_ticket_document")),
    )
