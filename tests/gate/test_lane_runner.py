"""The lane at work on real stores: the order of ink and motion, failing parts, timers, and what is forgotten."""

from __future__ import annotations

import asyncio
import base64
import gc
import logging
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.errors import DeviceLost
from gate.core.attempt import WOBBLE_S
from gate.core.decide import decide
from gate.core.events import ModeSet, StewardSaid
from gate.messages import DeviceDown, DeviceUp, FaceFailed, FaceProbed, PumpDied, ReaderGave
from models import wire
from models.credential import CardFault, CardProblem, Credential
from models.decision import Now, Policy, StewardAction
from models.face import FaceProblem, FaceReference
from models.ledger import EntryKind
from models.record import DecisionBody
from models.store.ledger_db import verify
from models.view import Mode, Phase
from models.watch import WatchAction
from tests.gate.lane_bench import POLICY, Bench, Guest, contents, load, play, ticket_of

ANNA, BORIS, CLARA = Guest(1), Guest(2), Guest(3)
STRANGER = Guest(77)
OK, NO_TICKET, FAULT = ("admit", "ok"), ("deny", "no_ticket"), ("refer", "device_fault")


def test_the_decision_is_on_the_disk_before_the_turnstile_hears_of_it(tmp_path: Path):
    seen: list[list[tuple[str, str]]] = []

    async def scene(bench: Bench) -> None:
        bench.turnstile.before_pulse = lambda: seen.append(bench.words())
        await bench.admitted(ANNA)
        assert seen == [[OK]]
        assert (bench.view.phase, bench.view.verdict) == (Phase.RELEASED, "admit")
        await bench.turns()
        assert bench.passages() == [("passed", "")]
        assert bench.view.phase is Phase.IDLE

    play(tmp_path, scene)
    assert verify(tmp_path / "ledger.db").ok


def test_without_ink_there_is_no_motion(tmp_path: Path):
    """The ledger dies between card and verdict: no pulse, the lane is out of order, and heals by itself."""

    async def scene(bench: Bench) -> None:
        await bench.taps(ANNA)
        bench.break_ledger()
        await bench.shows(ANNA.probe())
        assert bench.turnstile.pulses == []
        assert (bench.view.phase, bench.view.verdict, bench.view.reason) == (Phase.FAULT, *FAULT)
        assert bench.view.faults == ("ledger",)
        await bench.until(lambda: bench.view.phase is Phase.IDLE, within_s=4.0)
        assert bench.words() == []
        await bench.admitted(ANNA)
        assert bench.words() == [OK]

    play(tmp_path, scene)
    assert verify(tmp_path / "ledger.db").ok


def test_who_comes_while_the_ledger_is_away_is_let_in_by_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)

    async def scene(bench: Bench) -> None:
        bench.break_ledger()
        for guest in (ANNA, BORIS, CLARA):
            await bench.taps(guest)
            assert bench.view.reason in ("device_fault", "out_of_order")
        await bench.until(lambda: bench.view.phase is Phase.IDLE, within_s=6.0)
        assert bench.turnstile.pulses == []
        back = [entry.body for entry in bench.entries(EntryKind.DEVICE)]
        assert [(body["device"], body["up"]) for body in back] == [("ledger", True)]
        await bench.a_while_later(2.0)
        assert caplog.text.count("the ledger takes no entries") > 1
        assert caplog.text.count("the ledger is back") == 1, "reopened once, and not once a failure"

    play(tmp_path, scene)


def test_a_passage_that_could_not_be_written_is_unknown_and_not_left_open(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        bench.break_ledger()
        await bench.turns()
        assert bench.view.phase is Phase.FAULT
        await bench.until(lambda: bench.view.phase is Phase.IDLE, within_s=4.0)
        assert bench.passages() == [("unknown", "ledger failed")]
        assert bench.stores.ledger.open_releases() == ()
        await bench.admitted(BORIS)
        await bench.turns()
        assert bench.passages()[1:] == [("passed", "")]

    play(tmp_path, scene)
    assert verify(tmp_path / "ledger.db").ok


def test_a_mode_that_is_not_on_record_moves_nothing_and_is_not_confirmed(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        bench.break_ledger()
        assert not await bench.runner.ask(ModeSet(Mode.FREE, "anna"))
        assert bench.turnstile.holds == []

    play(tmp_path, scene)


def test_a_look_up_that_fails_asks_for_a_person(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        damage = sqlite3.connect(tmp_path / "manifest.db")
        damage.execute("UPDATE ticket SET sealed = zeroblob(64)")
        damage.commit()
        damage.close()
        await bench.taps(ANNA)
        assert bench.words() == [FAULT]
        assert bench.turnstile.pulses == bench.camera.asked == []

    play(tmp_path, scene)


def test_a_look_up_that_takes_too_long_asks_for_a_person_and_comes_too_late(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        bench.store.hold()
        attempt = await bench.taps(ANNA)
        await bench.until(lambda: bench.view.phase is Phase.REFERRED, within_s=POLICY.lookup_s + 0.1)
        bench.store.let_go()
        await bench.quiet()
        assert bench.words() == [FAULT]
        assert (bench.runner.lane.attempt, bench.camera.asked) == (attempt, [])

    play(tmp_path, scene)


def test_a_relay_that_does_not_obey_leaves_the_ticket_good(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        bench.turnstile.pulses[0][1].set_exception(DeviceLost("the relay is not connected"))
        await bench.quiet()
        assert bench.passages() == [("no_show", "release_failed")]
        assert (bench.view.phase, bench.view.reason) == (Phase.REFERRED, "device_fault")
        assert bench.stores.look_up(ANNA.card()).facts.uses == ()
        await bench.a_while_later(WOBBLE_S)
        await bench.admitted(ANNA)

    play(tmp_path, scene)


def test_a_camera_that_says_nothing_is_told_to_stop(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        attempt = await bench.taps(ANNA)
        assert bench.camera.asked == [(attempt, POLICY.capture_s)]
        await bench.until(lambda: bench.view.phase is Phase.REFERRED, within_s=POLICY.capture_s + 0.1)
        assert (bench.words(), bench.camera.cancelled) == ([("refer", "no_face")], [attempt])

    play(tmp_path, scene)


def test_a_camera_that_fails_asks_for_a_person(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        attempt = await bench.taps(ANNA)
        bench.runner.take(FaceFailed(attempt, "the vision child died of signal 9"))
        await bench.quiet()
        assert bench.words() == [FAULT]

    play(tmp_path, scene)


def test_nobody_walks_on_an_earlier_visitors_face(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        earlier = await bench.taps(ANNA)
        await bench.until(lambda: bench.view.phase is Phase.REFERRED, within_s=POLICY.capture_s + 0.1)
        await bench.taps(BORIS)
        for probe in (ANNA.probe(), BORIS.probe()):
            bench.runner.take(FaceProbed(earlier, probe))
        await bench.quiet()
        assert (bench.runner.lane.phase, bench.turnstile.pulses) == (Phase.CAPTURE, [])

    play(tmp_path, scene)


def test_who_does_not_pass_in_time_may_come_again(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        began = bench.loop.time()
        await bench.until(lambda: bench.view.phase is Phase.IDLE, within_s=POLICY.passage_s + 0.1)
        assert bench.loop.time() - began == pytest.approx(POLICY.passage_s, abs=0.05)
        assert bench.passages() == [("no_show", "")]
        await bench.admitted(ANNA)

    play(tmp_path, scene)


def test_without_a_sensor_a_passage_is_unknown(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        await bench.until(lambda: bench.view.phase is Phase.IDLE, within_s=POLICY.passage_s + 0.1)
        assert bench.passages() == [("unknown", "")]

    play(tmp_path, scene, has_sensor=False)


def test_who_is_settled_by_nobody_loses_the_lane(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.taps(ANNA)
        await bench.shows(BORIS.probe())
        for _ in range(POLICY.face_tries):
            await bench.shows(BORIS.probe())
        assert bench.view.phase is Phase.REFERRED
        await bench.until(lambda: bench.view.phase is Phase.IDLE, within_s=POLICY.refer_s + 0.1)
        assert bench.words() == [("refer", "face_mismatch"), ("deny", "steward_timeout")]

    play(tmp_path, scene)


def test_a_second_try_has_the_whole_time_again(tmp_path: Path):
    """The steward has the camera look once more: the clock of the first try is stopped."""

    async def scene(bench: Bench) -> None:
        attempt = await bench.taps(ANNA)
        await bench.until(lambda: bench.view.phase is Phase.REFERRED, within_s=POLICY.capture_s + 0.1)
        await bench.a_while_later(0.9 * POLICY.refer_s)
        assert await bench.runner.ask(StewardSaid(attempt, StewardAction.RETRY_FACE, "anna"))
        await bench.until(lambda: bench.view.phase is Phase.REFERRED, within_s=POLICY.capture_s + 0.1)
        await bench.a_while_later(0.9 * POLICY.refer_s)
        assert bench.view.phase is Phase.REFERRED
        await bench.until(lambda: bench.view.phase is Phase.IDLE, within_s=0.2 * POLICY.refer_s)

    play(tmp_path, scene)


def test_a_refusal_is_shown_for_a_while(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.taps(STRANGER)
        assert (bench.words(), bench.view.verdict) == ([NO_TICKET], "deny")
        await bench.until(lambda: bench.view.verdict is None, within_s=POLICY.show_s + 0.1)
        assert bench.camera.asked == [], "who has no ticket is not photographed"

    play(tmp_path, scene)


def test_a_second_tap_of_the_same_card_is_nothing_new(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        attempt = await bench.taps(ANNA)
        for _ in range(3):
            bench.runner.take(ReaderGave("reader", ANNA.card(), bench.loop.time()))
        await bench.quiet()
        await bench.shows(ANNA.probe())
        await bench.turns()
        assert (bench.runner.lane.attempt, bench.words()) == (attempt, [OK])
        assert bench.view.phase is Phase.IDLE

    play(tmp_path, scene)


def test_who_is_early_waits_for_his_turn(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.taps(ANNA)
        bench.runner.take(ReaderGave("reader", BORIS.card(), bench.loop.time()))
        await bench.shows(ANNA.probe())
        await bench.turns()
        assert (bench.runner.lane.attempt, bench.runner.lane.phase) == (2, Phase.CAPTURE)
        await bench.shows(BORIS.probe())
        assert bench.words() == [OK, OK]

    play(tmp_path, scene)


def test_a_card_that_can_not_be_read_is_told_at_once(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        bench.runner.take(ReaderGave("reader", CardFault(CardProblem.UNREADABLE), 0.0))
        await bench.quiet()
        assert bench.words() == [("deny", "unreadable_card")]

    play(tmp_path, scene)


def test_a_reader_on_the_inner_side_lets_people_out(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        await bench.turns()
        bench.runner.take(ReaderGave("exit_reader", ANNA.card(), bench.loop.time()))
        await bench.quiet()
        body = bench.entries(EntryKind.DECISION)[-1].body
        assert (body["facts"]["direction"], body["decision"]["verdict"]) == ("exit", "admit")

    play(tmp_path, scene)


def test_devices_come_and_go_on_record(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        bench.runner.take(DeviceDown("reader", "unplugged"))
        await bench.quiet()
        assert (bench.view.phase, bench.view.faults) == (Phase.FAULT, ("reader",))
        bench.runner.take(DeviceUp("reader"))
        await bench.quiet()
        assert bench.view.phase is Phase.IDLE
        assert [entry.body["up"] for entry in bench.entries(EntryKind.DEVICE)] == [False, True]

    play(tmp_path, scene)


def test_free_passage_holds_the_barrier_and_counts(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        assert await bench.runner.ask(ModeSet(Mode.FREE, "anna", "fire drill"))
        assert bench.turnstile.holds == [True]
        await bench.taps(STRANGER)
        await bench.turns()
        await bench.turns()
        assert bench.entries(EntryKind.DECISION)[0].body["decision"]["flags"] == ["free_passage"]
        assert bench.passages() == [("passed", ""), ("passed", "")]
        assert bench.runner.tally.counts["passage"] == 2
        assert await bench.runner.ask(ModeSet(Mode.CONTROLLED, "anna"))
        assert (bench.turnstile.holds, bench.turnstile.pulses) == ([True, False], [])

    play(tmp_path, scene)


def test_a_word_that_comes_too_late_is_told_so(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        attempt = await bench.taps(ANNA)
        await bench.until(lambda: bench.view.phase is Phase.REFERRED, within_s=POLICY.capture_s + 0.1)
        await bench.taps(BORIS)
        assert not await bench.runner.ask(StewardSaid(attempt, StewardAction.ADMIT, "anna"))
        assert bench.turnstile.pulses == []

    play(tmp_path, scene)


def test_tickets_are_judged_by_the_rules_that_came_with_them(tmp_path: Path):
    """A manifest comes a moment before a card, and nobody has told the lane yet."""

    async def scene(bench: Bench) -> None:
        load(tmp_path, contents([(BORIS, ticket_of(BORIS))], version=2, policy=replace(POLICY, needs_face=False)))
        await bench.taps(BORIS)
        assert bench.words() == [("admit", "ok_without_face")]
        kinds = [entry.kind for entry in bench.stores.ledger.tail(3)]
        assert kinds == [EntryKind.POLICY, EntryKind.MANIFEST, EntryKind.DECISION]

    play(tmp_path, scene)


def test_every_decision_names_the_rules_it_was_made_by(tmp_path: Path):
    """New rules come while somebody is in the lane; asked again with the recorded rules, each word is the same."""
    strict = replace(POLICY, bands=(replace(POLICY.bands[0], accept=0.05),))

    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        await bench.turns()
        await bench.taps(BORIS)
        load(tmp_path, contents([(BORIS, ticket_of(BORIS))], version=2, policy=strict))
        rules = bench.stores.rules(bench.runner.rules)
        bench.runner.take(FaceProbed(bench.runner.lane.attempt, BORIS.probe(0.1)))  # before the rules in the queue
        await bench.runner.use(rules)
        assert bench.words() == [OK, OK]
        await bench.turns()
        await bench.taps(ANNA)
        assert bench.words()[2:] == [NO_TICKET]
        kinds = [entry.kind for entry in bench.entries()]
        assert kinds[-4:] == ["policy", "manifest", "passage", "decision"]
        digests = [entry.body["policy"] for entry in bench.entries(EntryKind.DECISION)]
        assert digests[0] == digests[1] != digests[2] == rules.digest
        assert_same_again(bench)

    play(tmp_path, scene)


def assert_same_again(bench: Bench) -> None:
    rules: dict[str, Policy] = {}
    for entry in bench.entries():
        if entry.kind is EntryKind.POLICY:
            rules[entry.body["digest"]] = wire.from_builtins(Policy, entry.body["policy"])
        if entry.kind is EntryKind.DECISION:
            body = wire.from_builtins(DecisionBody, {k: v for k, v in entry.body.items() if k != "opens"})
            assert decide(body.facts, rules[body.policy], Now(body.at, 0.0)) == body.decision


def test_rules_that_are_not_on_record_are_not_used(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        before = bench.runner.rules
        load(tmp_path, contents([], version=2))
        rules = bench.stores.rules(before)
        bench.break_ledger()
        await bench.runner.use(rules)
        assert bench.runner.rules is before
        assert bench.view.phase is Phase.FAULT

    play(tmp_path, scene)


def test_no_template_number_or_name_gets_into_ledger_log_or_screen(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    views: list[bytes] = []

    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        await bench.turns()
        await bench.taps(BORIS)
        await bench.shows(CLARA.probe())
        await bench.until(lambda: bench.view.phase is Phase.REFERRED, within_s=POLICY.capture_s + 0.1)
        await bench.taps(STRANGER)
        bench.break_ledger()
        await bench.taps(CLARA)
        views.extend(wire.to_json(view) for view in bench.views)

    listed = (BORIS.listed(WatchAction.NOTIFY),)
    play(tmp_path, scene, manifest=contents([(g, ticket_of(g)) for g in (ANNA, BORIS, CLARA)], watch=listed))
    assert "verdict=admit reason=ok" in caplog.text
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir()) + b"".join(views) + caplog.text.encode()
    for guest in (ANNA, BORIS, CLARA, STRANGER):
        for secret in (guest.reference.template, guest.probe().template, guest.number.encode(), guest.name.encode()):
            assert secret not in kept
            assert base64.b64encode(secret)[:40] not in kept


@pytest.mark.parametrize("guest", [ANNA, STRANGER], ids=["admitted", "refused"])
def test_who_has_left_is_forgotten(tmp_path: Path, guest: Guest):
    """No credential or template stays in memory, neither of the one in the lane nor of one who tapped in vain."""

    async def scene(bench: Bench) -> None:
        await bench.taps(guest)
        bench.runner.take(ReaderGave("reader", guest.card(), 0.0))
        await bench.quiet()
        if guest is ANNA:
            assert references_of(guest)
            await bench.shows(guest.probe())
            await bench.turns()
        else:
            await bench.until(lambda: bench.view.verdict is None, within_s=POLICY.show_s + 0.1)
        assert credentials_of(guest) == references_of(guest) == []

    play(tmp_path, scene)


def references_of(guest: Guest) -> list[FaceReference]:
    gc.collect()
    template = guest.reference.template
    return [one for one in gc.get_objects() if isinstance(one, FaceReference) and one.template == template]


def credentials_of(guest: Guest) -> list[Credential]:
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, Credential) and one.number == guest.number]


def test_a_lane_that_is_paused_keeps_no_credential(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.runner.ask(ModeSet(Mode.PAUSED, "anna"))
        await bench.taps(ANNA)
        assert bench.words() == [("refer", "paused")]
        assert credentials_of(ANNA) == []

    play(tmp_path, scene)


def test_an_error_that_nobody_foresaw_ends_the_lane(tmp_path: Path):
    """In a task that the lane started, too: a bug is not to be survived by halves."""

    async def scene(bench: Bench) -> None:
        bench.store.broken = KeyError("a bug in the look-up")
        bench.runner.take(ReaderGave("reader", ANNA.card(), 0.0))
        await asyncio.wait([bench.running], timeout=1.0)
        assert isinstance(bench.running.exception(), KeyError)

    play(tmp_path, scene)


def test_a_message_that_is_not_the_lanes_is_refused(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        with pytest.raises(TypeError, match="PumpDied"):
            bench.runner.take(PumpDied("reader", ""))

    play(tmp_path, scene)


def test_a_template_without_sense_asks_for_a_person(tmp_path: Path):
    """Numbers that are none would break the ledger's line; a template cut short would break the comparison."""

    async def scene(bench: Bench) -> None:
        for guest, template in ((ANNA, b"\xff" * 512), (BORIS, b"\x00" * 7), (CLARA, b"")):
            await bench.taps(guest)
            await bench.shows(replace(guest.probe(), template=template))
            assert bench.words()[-1] == FAULT
            assert bench.runner.lane.lost == ()
        assert bench.turnstile.pulses == []

    play(tmp_path, scene)


def test_a_better_picture_is_waited_for(tmp_path: Path):
    async def scene(bench: Bench) -> None:
        await bench.taps(ANNA)
        await bench.shows(ANNA.probe(problem=FaceProblem.TURNED))
        assert (len(bench.camera.asked), bench.words()) == (2, [])
        await bench.shows(ANNA.probe())
        assert bench.words() == [OK]

    play(tmp_path, scene)
