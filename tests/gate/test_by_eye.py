"""What staff may see while they compare by eye, and for how long: at the lane, with a camera that notes its orders."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gate.by_eye import compares, shows_live
from gate.core.events import StewardSaid
from gate.core.state import Lane
from gate.messages import FaceProbed
from models.credential import Credential
from models.decision import Decision, Facts, Policy, Profile, Reason, StewardAction, Verdict
from models.face import FaceProblem
from models.profiles import policy_of
from models.store.manifest_rows import ManifestContents
from models.view import Phase
from tests.gate.core.strategies import EVENT, good_facts, ticket, word
from tests.gate.core.strategies import lookup as found
from tests.gate.lane_bench import POLICY, Bench, Guest, contents, play, ticket_of

ANNA, BORIS = Guest(1), Guest(2)


def evening(**changes: Any) -> ManifestContents:
    return contents([(guest, ticket_of(guest)) for guest in (ANNA, BORIS)], policy=replace(POLICY, **changes))


async def is_referred(bench: Bench, guest: Guest = ANNA) -> int:
    """Somebody else's face at each of the tries."""
    attempt = await bench.taps(guest)
    for _ in range(POLICY.face_tries):
        await bench.shows(replace(guest.probe(), problem=FaceProblem.TOO_SMALL))
    assert bench.view.phase is Phase.REFERRED
    return attempt


def test_who_is_referred_for_a_comparison_is_shown_until_the_word(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        attempt = await is_referred(bench)
        assert bench.camera.shown == [(attempt, True, b"")]
        assert not bench.runner.by_eye.portrait
        await bench.runner.ask(StewardSaid(attempt, StewardAction.ADMIT, "steward-4"))
        assert bench.camera.shown == [(attempt, True, b""), None]

    play(tmp_path, scene, manifest=evening())


def test_who_is_admitted_is_shown_to_nobody(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await bench.admitted(ANNA)
        assert bench.camera.shown == []

    play(tmp_path, scene, manifest=evening(show_portrait=True))


def with_portrait() -> list[Credential]:
    """Every document in this process's memory that has a picture."""
    return [one for one in gc.get_objects() if isinstance(one, Credential) and one.portrait]


def test_the_documents_portrait_comes_with_it_where_the_policy_says_so_and_is_forgotten_after(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        attempt = await is_referred(bench)
        assert bench.camera.shown == [(attempt, True, ANNA.card().portrait)]
        assert bench.runner.by_eye.portrait
        await bench.runner.ask(StewardSaid(attempt, StewardAction.REFUSE, "steward-4"))
        assert bench.camera.shown[-1] is None
        assert not bench.runner.by_eye.portrait
        bench.camera.shown.clear()
        bench.camera.portraits.clear()
        gc.collect()
        others = set(map(id, before))
        assert [one for one in with_portrait() if id(one) not in others] == []
        assert vars(bench.runner.by_eye)["_portrait"] == b""

    before = with_portrait()  # what other tests of this process keep is theirs
    play(tmp_path, scene, manifest=evening(show_portrait=True))


def test_the_next_persons_card_takes_the_former_portrait_away(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await is_referred(bench)
        attempt = await is_referred(bench, BORIS)
        assert bench.camera.shown[1:] == [None, (attempt, True, BORIS.card().portrait)]

    play(tmp_path, scene, manifest=evening(show_portrait=True))


def test_who_declines_the_camera_is_not_shown_by_it_but_hands_over_the_document(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        attempt = await bench.taps(ANNA)
        await bench.runner.ask(StewardSaid(attempt, StewardAction.SKIP_FACE, "steward-4"))
        assert bench.view.reason is Reason.FACE_DECLINED
        assert bench.camera.shown == [(attempt, False, ANNA.card().portrait)]

    play(tmp_path, scene, manifest=evening(show_portrait=True))


def test_while_the_camera_tries_again_the_portrait_waits(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        attempt = await is_referred(bench)
        await bench.runner.ask(StewardSaid(attempt, StewardAction.RETRY_FACE, "steward-4"))
        await bench.quiet()
        assert bench.camera.shown[-1] is None
        bench.runner.take(FaceProbed(attempt, replace(ANNA.probe(), problem=FaceProblem.TOO_SMALL)))
        await bench.a_while_later(POLICY.capture_s + 1)
        assert bench.camera.shown[-1] == (attempt, True, ANNA.card().portrait)

    play(tmp_path, scene, manifest=evening(show_portrait=True))


def lane(reason: Reason, phase: Phase = Phase.REFERRED, facts: Facts | None = None) -> Lane:
    return Lane("G1", phase=phase, decision=Decision(Verdict.REFER, reason, ticket="T1"), facts=facts or good_facts())


def policy(profile: Profile, **changes: Any) -> Policy:
    return replace(policy_of(profile, EVENT), **changes)


def test_the_camera_shows_nobody_where_no_face_is_asked_for_and_staff_have_no_portrait_to_compare() -> None:
    asked = lane(Reason.DOCUMENT_NEEDED)
    assert not shows_live(asked, policy(Profile.CARD))
    assert shows_live(asked, policy(Profile.CARD, show_portrait=True))
    assert shows_live(asked, policy(Profile.CONCERT))


@pytest.mark.parametrize(
    "reason", [Reason.ALREADY_ADMITTED, Reason.WATCHLISTED, Reason.CONFIRM_FIRST, Reason.NO_TICKET]
)
def test_a_question_that_no_look_at_a_face_answers_shows_nobody(reason: Reason) -> None:
    assert not compares(lane(reason))


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.REFERRED])
def test_nobody_is_compared_but_who_is_referred(phase: Phase) -> None:
    assert not compares(lane(Reason.FACE_MISMATCH, phase))


def test_a_ticket_whose_holder_declined_keeps_the_camera_away_whatever_is_asked() -> None:
    declined = good_facts(lookup=found(ticket(face_declined=True)))
    skipped = good_facts(steward=(word(StewardAction.SKIP_FACE),))
    for facts in (declined, skipped):
        assert not shows_live(lane(Reason.DOCUMENT_NEEDED, facts=facts), policy(Profile.CONCERT, show_portrait=True))
