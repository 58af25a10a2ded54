"""Asked why, the program runs the recorded decision again: it comes out as recorded, or the record is not true."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings

from gate.cli import main
from gate.core.decide import decide, explain
from gate.core.effects import Record
from gate.core.rules import ENTRY_RULES, EXIT_RULES, SCREENING_RULES
from gate.stores import digest_of
from gate.why import Finding, why
from models import wire
from models.credential import CardProblem, Medium
from models.decision import Decision, Facts, Profile, Reason, StewardAction, Verdict
from models.ledger import EntryKind
from models.record import DecisionBody
from models.words import words_of
from tests.examples import examples
from tests.gate.core.strategies import (
    MODEL,
    NOW,
    card,
    code,
    face,
    facts,
    good_facts,
    lookup,
    nows,
    policies,
    policy,
    ticket,
    use,
    word,
)
from tests.gate.ledger_of_an_evening import Evening


def recorded(facts, rules, now=NOW, said: Decision | None = None) -> DecisionBody:
    """A decision as it comes back out of the ledger's JSON."""
    body = DecisionBody(1, facts, said or decide(facts, rules, now), now.wall)
    return wire.from_json(DecisionBody, wire.to_json(body))


@settings(max_examples=examples(300), deadline=None)
@given(facts=facts(), rules=policies(), now=nows())
def test_whatever_the_facts_the_word_comes_out_as_it_was_decided(facts, rules, now):
    answer = why(recorded(facts, rules, now), rules)
    assert answer.same
    assert answer.again == decide(facts, rules, now)
    assert [asked.rule for asked in answer.asked] == [step.rule.__name__ for step in explain(facts, rules, now)[1]]


@settings(max_examples=examples(100), deadline=None)
@given(facts=facts(), rules=policies())
def test_an_admission_that_the_rules_did_not_give_is_noticed(facts, rules):
    forged = Decision(Verdict.ADMIT, Reason.OK)
    answer = why(recorded(facts, rules, said=forged), rules)
    assert answer.same == (decide(facts, rules, NOW) == forged)


def test_a_portrait_that_gave_no_reference_says_why():
    known = good_facts(
        card=card(portrait_model=MODEL),
        lookup=lookup(ticket(reference_model="")),
        face=face(portrait_problem="blurred"),
    )
    answer = why(recorded(known, policy()), policy())
    assert (answer.portrait_problem, answer.asked[-1].reason) == ("blurred", Reason.NO_REFERENCE)
    assert why(recorded(good_facts(), policy()), policy()).portrait_problem == ""


@pytest.mark.parametrize(
    "rule", dict.fromkeys(ENTRY_RULES + EXIT_RULES + SCREENING_RULES), ids=lambda one: one.__name__
)
def test_every_rule_explains_itself_in_a_sentence(rule):
    assert (rule.__doc__ or "").splitlines()[0].endswith(".")


def test_each_rule_that_was_asked_is_there_with_its_finding():
    answer = why(recorded(good_facts(face=face(0.5)), policy()), policy())
    *before, last = answer.asked
    assert {asked.finding for asked in before} == {Finding.FINE}
    assert (last.rule, last.finding, last.verdict, last.reason) == (
        "face_matches",
        Finding.OBJECTS,
        Verdict.REFER,
        Reason.FACE_UNCERTAIN,
    )
    assert answer.words.next_step.startswith("Compare")


def test_what_a_person_settled_is_told_with_the_person():
    used = good_facts(lookup=lookup(uses=(use(),)), steward=(word(StewardAction.ADMIT, Reason.ALREADY_ADMITTED),))
    answer = why(recorded(used, policy()), policy())
    (settled,) = (asked for asked in answer.asked if asked.finding is Finding.SETTLED)
    assert (settled.reason, settled.settled_by) == (Reason.ALREADY_ADMITTED, ("steward-4",))
    assert answer.recorded.reason is Reason.OK_BY_STEWARD


def test_a_missing_fact_is_told():
    answer = why(recorded(good_facts(face=None), policy()), policy())
    assert [asked.need for asked in answer.asked if asked.finding is Finding.CAN_NOT_TELL] == ["face"]


def test_a_steward_who_did_not_come_is_no_contradiction():
    said = Decision(Verdict.DENY, Reason.STEWARD_TIMEOUT, (), "T1")
    answer = why(recorded(good_facts(face=face(0.5)), policy(), said=said), policy())
    assert answer.same
    assert "face_uncertain" in answer.remark
    assert not why(recorded(good_facts(), policy(), said=said), policy()).same


def test_free_passage_is_no_contradiction():
    would_be = decide(good_facts(face=None), policy(), NOW)
    said = replace(would_be, awaiting=(), flags=(*would_be.flags, "free_passage"))
    assert why(recorded(good_facts(face=None), policy(), said=said), policy()).same


def test_who_held_up_a_code_was_not_spoken_to_about_a_card():
    refused = Facts("north", card_problem=CardProblem.REJECTED, problem_medium=Medium.CODE)
    assert why(recorded(refused, policy()), policy()).words == words_of(Reason.REJECTED_CARD, Medium.CODE)
    stranger = good_facts(card=code(), lookup=replace(lookup(), tickets=()))
    assert "code" in why(recorded(stranger, policy()), policy()).words.visitor


@pytest.fixture
def evening(tmp_path: Path):
    """A ledger that is being written."""
    found = Evening(tmp_path)
    yield found
    found.close()


@pytest.fixture
def ask(evening):
    """A function that asks `gatectl why` about the evening."""

    def run(*arguments: object):
        return CliRunner().invoke(main, ["why", *map(str, arguments), "--ledger", str(evening.path)])

    return run


def test_the_command_tells_rules_words_and_that_they_agree(evening, ask):
    entry = evening.decide()
    evening.decide(good_facts(lookup=replace(lookup(), tickets=())))
    told = ask("last")
    assert told.exit_code == 0
    assert "✗  The person holds a ticket at all" in told.stdout
    assert "deny: no_ticket" in told.stdout
    assert "We could not find a ticket for this ID." in told.stdout
    assert "Ask for the document" in told.stdout
    assert "the rules say the same" in told.stdout
    for admitted in (ask(entry.seq), ask("attempt:1")):
        assert "admitted" in admitted.stdout


def test_each_decision_is_judged_by_the_policy_of_its_time(evening, ask):
    lenient, strict = policy(), policy(occupancy_limit=1)
    first = evening.decide()
    evening.use(strict)
    second = evening.decide()
    evening.use(lenient)
    assert [json.loads(ask(entry.seq, "--json").stdout)["again"]["reason"] for entry in (first, second)] == [
        "ok",
        "occupancy",
    ]
    assert ask(first.seq).exit_code == ask(second.seq).exit_code == 0


def test_a_code_alone_is_told_as_such(evening, ask):
    evening.use(policy(Profile.HOSPITAL))
    evening.decide(good_facts(card=code(), face=None))
    told = ask()
    assert told.exit_code == 0
    assert "or a person looked.  → refer: document_needed" in told.stdout
    assert "Compare an ID with the name on the ticket" in told.stdout


def test_a_policy_of_an_older_program_is_the_one_of_its_digest(evening, ask):
    """It knew fewer rules, and they stand in its ledger as it wrote them."""
    older = {name: rule for name, rule in wire.to_builtins(policy()).items() if "code" not in name}
    evening.stores.ledger.append(EntryKind.POLICY, {"digest": digest_of(older), "policy": older}, NOW.wall)
    said = DecisionBody(1, good_facts(), decide(good_facts(), policy(), NOW), NOW.wall)
    evening.stores.write(Record(1, EntryKind.DECISION, said), NOW.wall, digest_of(older))
    told = ask()
    assert (told.exit_code, "the rules say the same" in told.stdout) == (0, True)


def test_a_word_that_the_rules_did_not_give_is_told_and_counts_as_not_right(evening, ask):
    evening.decide(good_facts(face=face(0.9)), word=Decision(Verdict.ADMIT, Reason.OK, ticket="T1"))
    told = ask()
    assert told.exit_code == 1
    assert "do NOT say this, but refer: face_mismatch" in told.stdout
    assert json.loads(ask("--json").stdout)["same"] is False


def test_a_recording_changed_in_the_file_is_noticed(evening, ask):
    entry = evening.decide(good_facts(face=face(0.9)))
    evening.close()
    with closing(sqlite3.connect(evening.path)) as tampering:
        tampering.executescript(
            "".join(
                f"DROP TRIGGER {name};"
                for (name,) in tampering.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'entry'"
                )
            )
            + f"UPDATE entry SET body = replace(body, '0.9', '0.2') WHERE seq = {entry.seq}"
        )
    assert ask(entry.seq).exit_code == 1


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("0", "has no entry 0; its last is 2"),
        ("99999999999999999999999", "has no entry"),
        ("1", "tells of a policy: ask about a decision"),
        ("attempt:9", "no such decision"),
        ("yesterday", "give its number, last, or attempt:N"),
        ("-1", ""),
    ],
)
def test_an_entry_that_is_not_there_is_wrong_use(evening, ask, entry, words):
    evening.decide()
    told = ask(entry)
    assert told.exit_code == 2
    assert words in " ".join(told.stderr.split())


def test_before_the_first_decision_there_is_nothing_to_ask(ask):
    assert "nothing was decided yet" in ask().stderr


def test_a_ledger_that_is_not_there_is_a_store_trouble(tmp_path):
    told = CliRunner().invoke(main, ["why", "--ledger", str(tmp_path / "none.db")])
    assert told.exit_code == 4
    assert "Traceback" not in told.stderr
