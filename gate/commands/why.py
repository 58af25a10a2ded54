"""`gatectl why`: one decision, rule by rule, and whether it comes out the same again."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from gate.commands._exits import Exit
from gate.commands._ledger import ledger_file, ledger_option
from gate.commands._out import COLOURS, clock, console, json_option, say_json
from gate.stores import digest_of
from gate.why import Answer, Asked, Finding, why
from models import wire
from models.decision import Policy
from models.ledger import Entry, EntryKind
from models.record import DecisionBody
from models.store.errors import WrongStore
from models.store.ledger_read import LedgerReader, read_ledger
from models.words import VERDICTS

_MARKS = {Finding.FINE: "✓", Finding.OBJECTS: "✗", Finding.SETTLED: "☑", Finding.CAN_NOT_TELL: "?"}
_STYLES = {Finding.FINE: "green", Finding.OBJECTS: "red", Finding.SETTLED: "yellow", Finding.CAN_NOT_TELL: "yellow"}


@click.command("why", short_help="Say why it was decided so, rule by rule.")
@click.argument("entry", default="last")
@ledger_option
@json_option
def command(entry: str, ledger: Path | None, config_path: Path, as_json: bool) -> None:
    """Say why ENTRY was decided so: a number of the ledger, `last`, or `attempt:N`.

    The rules are asked again with the recorded facts and policy. Exit code 1: the word does not come out as recorded.
    """
    with closing(read_ledger(ledger_file(ledger, config_path))) as reader:
        found = _find(reader, entry)
        body = wire.from_builtins(DecisionBody, found.body)
        answer = why(body, _policy(reader, found, body.policy))
    if as_json:
        say_json({"seq": found.seq, "same": answer.same, **wire.to_builtins(answer)})
    else:
        _print(found.seq, answer)
    if not answer.same:
        raise SystemExit(Exit.NOT_RIGHT)


def _find(reader: LedgerReader, wanted: str) -> Entry:
    if wanted.isascii() and wanted.isdecimal():
        found = reader.entry(min(int(wanted), 2**63 - 1))
        if found is None:
            raise click.UsageError(f"the ledger has no entry {wanted}; its last is {reader.last_seq()}")
        if found.kind is not EntryKind.DECISION:
            raise click.UsageError(
                f"entry {wanted} tells of a {found.kind}: ask about a decision, see gatectl ledger tail"
            )
        return found
    if attempt := re.fullmatch(r"attempt:([0-9]{1,18})", wanted):
        latest = reader.newest(EntryKind.DECISION, field="attempt", value=int(attempt[1]))
    elif wanted == "last":
        latest = reader.newest(EntryKind.DECISION)
    else:
        raise click.UsageError(f"{wanted!r} names no entry: give its number, last, or attempt:N")
    return next(latest, None) or _nothing(wanted)


def _nothing(wanted: str) -> Entry:
    raise click.UsageError("the ledger has no such decision" if wanted != "last" else "nothing was decided yet")


def _policy(reader: LedgerReader, decision: Entry, digest: str) -> Policy:
    """The policy whose digest the decision names, as it was last written before it."""
    found = next(reader.newest(EntryKind.POLICY, decision.seq, "digest", digest), None)
    if found is None:
        raise WrongStore(f"the policy {digest[:12]} of entry {decision.seq} is not in this ledger: verify the ledger")
    written = found.body["policy"]
    if digest_of(written) != digest:  # as it was written: an older program knew fewer rules
        raise WrongStore(f"the policy in entry {found.seq} is not the one of its digest: verify the ledger")
    return wire.from_builtins(Policy, written)


def _print(seq: int, answer: Answer) -> None:
    out, word = console(), answer.recorded
    out.print(f"entry {seq}, attempt {answer.attempt}, {clock(answer.at)}", style="bold")
    rules = Table(box=None, padding=(0, 1), show_header=False)
    for asked in answer.asked:
        rules.add_row(
            Text(_MARKS[asked.finding], _STYLES[asked.finding]), Text(asked.sentence).append_text(_found(asked))
        )
    out.print(rules)
    verdict = Text(VERDICTS[word.verdict], f"bold {COLOURS[word.verdict]}")
    out.print(verdict.append(f"  {word.reason}", "default").append(f"  {word.ticket}", "dim"))
    lines = Table(box=None, padding=(0, 1), show_header=False)
    for name, text in (
        ("visitor", answer.words.visitor),
        ("staff", answer.words.staff),
        ("next", answer.words.next_step),
        ("flags", ", ".join(word.flags)),
        ("portrait", answer.portrait_problem and f"gave no reference: {answer.portrait_problem}"),
        ("remark", answer.remark),
    ):
        if text:
            lines.add_row(Text(name, "dim"), text)
    out.print(lines)
    out.print(_verdict_on_the_record(answer))


def _found(asked: Asked) -> Text:
    match asked.finding:
        case Finding.FINE:
            words = ", ".join(asked.flags)
        case Finding.OBJECTS:
            words = f"{asked.verdict}: {asked.reason}"
        case Finding.SETTLED:
            words = f"{asked.reason}, settled by {', '.join(asked.settled_by)}"
        case Finding.CAN_NOT_TELL:
            words = f"needs the {asked.need}"
    return Text(f"  → {words}" if words else "", "yellow" if asked.flags else _STYLES[asked.finding])


def _verdict_on_the_record(answer: Answer) -> Text:
    if answer.same:
        return Text("asked again, the rules say the same", "green")
    again = answer.again
    return Text(f"asked again, the rules do NOT say this, but {again.verdict}: {again.reason}", "bold red")
