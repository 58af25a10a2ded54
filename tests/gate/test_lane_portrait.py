"""Whose ticket has no reference is compared with the portrait in his document: at the lane, on the disk, in memory."""

from __future__ import annotations

import gc
import queue
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import pytest

from drivers.camera import _visitors as visitors
from drivers.face import sim
from drivers.interfaces import Frame
from gate.core.events import StewardSaid
from gate.messages import FaceHint, FaceProbed, Message, PortraitRefused, ReaderGave
from gate.vision_link import Decoder
from gate.visitor import Visitor
from models.credential import Assurance, Credential
from models.decision import Policy, StewardAction
from models.face import FaceReference
from models.profiles import DLIB_BANDS
from models.store.manifest_db import ManifestContents
from models.ticket import Ticket
from models.view import Phase
from tests.gate.lane_bench import POLICY, Bench, Guest, contents, play, ticket_of
from tests.gate.portrait_codec import closed, program
from tests.gate.test_portrait import png_bomb
from tests.gate.test_vision import Bench as VisionBench
from tests.gate.test_vision import running
from tests.gate.test_vision_portrait import portrait

ANNA, BORIS = Guest(1), Guest(2)
OK, NO_REFERENCE, MISMATCH = ("admit", "ok"), ("refer", "no_reference"), ("refer", "face_mismatch")


def without_reference(policy: Policy = POLICY, **more: Any) -> ManifestContents:
    """A manifest in which Anna's ticket has no reference and Boris's has one."""
    tickets: list[tuple[Guest, Ticket]] = [
        (ANNA, ticket_of(ANNA, reference=None, **more)),
        (BORIS, ticket_of(BORIS)),
    ]
    return contents(tickets, policy=policy)


def from_document(guest: Guest) -> FaceReference:
    return replace(guest.reference, legal_basis="presented document")


async def shows(bench: Bench, guest: Guest, reference: FaceReference | None) -> None:
    bench.runner.take(FaceProbed(bench.runner.lane.attempt, guest.probe(), {}, reference))
    await bench.quiet()


def test_the_portrait_serves_where_the_ticket_has_no_reference(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await bench.taps(ANNA)
        assert bench.camera.portraits == [ANNA.card().portrait]
        await shows(bench, ANNA, from_document(ANNA))
        assert bench.words() == [OK]
        entry = bench.entries()[-1].body
        assert entry["decision"]["flags"] == ["document_reference"]
        assert entry["facts"]["card"]["portrait_model"] == sim.MODEL_VERSION

    play(tmp_path, scene, manifest=without_reference())


def test_another_persons_face_is_referred(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await bench.taps(ANNA)
        for _ in range(POLICY.face_tries):
            await shows(bench, BORIS, from_document(ANNA))
        assert bench.words() == [MISMATCH]
        assert bench.turnstile.pulses == []
        assert bench.camera.portraits == [ANNA.card().portrait, b"", b""]

    play(tmp_path, scene, manifest=without_reference())


def test_the_tickets_own_reference_goes_first(tmp_path: Path) -> None:
    """A document with another's portrait in it changes nothing for a ticket that knows its holder."""

    async def scene(bench: Bench) -> None:
        await bench.taps(BORIS)
        assert bench.camera.portraits == [b""]
        await shows(bench, BORIS, from_document(ANNA))
        assert bench.words() == [OK]
        assert bench.entries()[-1].body["decision"]["flags"] == []

    play(tmp_path, scene, manifest=without_reference())


@pytest.mark.parametrize(
    ("policy", "ticket", "card", "guest"),
    [
        (replace(POLICY, document_reference=False), {}, {}, ANNA),
        (POLICY, {"face_declined": True}, {}, ANNA),
        (POLICY, {}, {"portrait": b"a closed codec"}, ANNA),
        (POLICY, {}, {"portrait": b""}, ANNA),
        (replace(POLICY, min_assurance=Assurance.UID_ONLY), {}, {"assurance": Assurance.UID_ONLY}, ANNA),
        (POLICY, {}, {}, Guest(9)),
    ],
    ids=["policy", "declined", "closed", "none", "nobody vouches", "no ticket"],
)
def test_else_nothing_is_opened_and_nobody_photographed(
    tmp_path: Path, policy: Policy, ticket: dict[str, Any], card: dict[str, Any], guest: Guest
) -> None:
    async def scene(bench: Bench) -> None:
        bench.runner.take(ReaderGave("reader", replace(guest.card(), **card), 0.0))
        await bench.until(lambda: len(bench.words()) == 1)
        assert bench.words()[0][0] != "admit"
        assert bench.camera.asked == []

    play(tmp_path, scene, manifest=without_reference(policy, **ticket))


def test_a_portrait_that_gives_none_is_on_record_and_a_steward_settles_it(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        attempt = await bench.taps(ANNA)
        bench.runner.take(PortraitRefused(attempt, "too_small"))
        await bench.quiet()
        assert bench.words() == [NO_REFERENCE]
        assert bench.entries()[-1].body["facts"]["face"]["portrait_problem"] == "too_small"
        bench.runner.post(StewardSaid(attempt, StewardAction.ADMIT, "steward-4"))
        await bench.quiet()
        assert bench.words()[-1] == ("admit", "ok_by_steward")

    play(tmp_path, scene, manifest=without_reference())


def test_a_late_reference_is_not_the_next_persons(tmp_path: Path) -> None:
    """The answer to Anna's attempt comes when Clara stands there, who has no reference either."""
    clara = Guest(3)
    manifest = contents([(each, ticket_of(each, reference=None)) for each in (ANNA, clara)], policy=POLICY)

    async def scene(bench: Bench) -> None:
        late = await bench.taps(ANNA)
        bench.runner.take(PortraitRefused(late, "no_face"))
        await bench.quiet()
        await bench.a_while_later(5.0)
        await bench.taps(clara)
        bench.runner.take(FaceProbed(late, ANNA.probe(), {}, from_document(ANNA)))
        await bench.quiet()
        assert bench.view.phase is Phase.CAPTURE
        await shows(bench, ANNA, from_document(clara))
        assert OK not in bench.words()

    play(tmp_path, scene, manifest=manifest)


PICTURE = b"portrait, and nothing else in here is like it"


def is_held() -> bool:
    """Whether a card or a visitor in this process's memory has the picture."""
    gc.collect()
    things = gc.get_objects()
    cards = any(isinstance(one, Credential) and one.portrait == PICTURE for one in things)
    return cards or any(PICTURE in vars(one).values() for one in things if isinstance(one, Visitor))


async def taps_with_picture(bench: Bench) -> None:
    """Anna taps; the camera's own memory of what it was given is no matter."""
    bench.runner.take(ReaderGave("reader", replace(ANNA.card(), portrait=bytes(bytearray(PICTURE))), 0.0))
    await bench.until(lambda: bool(bench.camera.asked or bench.words()))
    bench.camera.portraits.clear()


def test_the_portrait_is_dropped_once_it_is_a_reference_and_that_with_the_attempt(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await taps_with_picture(bench)
        assert is_held()
        await shows(bench, BORIS, from_document(ANNA))
        assert bench.view.phase is Phase.CAPTURE
        assert not is_held()
        await shows(bench, ANNA, None)
        assert bench.words() == [OK]
        await bench.turns()
        references = [one for one in gc.get_objects() if isinstance(one, FaceReference)]
        assert "presented document" not in {one.legal_basis for one in references}

    play(tmp_path, scene, manifest=without_reference())


def test_a_portrait_that_nobody_will_use_is_not_kept_for_a_moment(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await taps_with_picture(bench)
        assert bench.view.phase is Phase.REFERRED
        assert not is_held()

    play(tmp_path, scene, manifest=without_reference(replace(POLICY, document_reference=False)))


# --- with the vision child ----------------------------------------------------------------------------------------


@dataclass
class Eyed:
    """A lane whose camera is a real vision child's. The lane's time stands still while the child works."""

    lane: Bench
    child: VisionBench

    async def comes(self, guest: Guest, picture: bytes, frame: Frame) -> tuple[str, str]:
        """Presents a document with this portrait, stands before the camera; the word on it."""
        self.child.stage.show([frame])
        before = len(self.lane.words())
        self.lane.runner.take(ReaderGave("reader", replace(guest.card(), portrait=picture), 0.0))
        await self.lane.quiet()
        while len(self.lane.words()) == before:
            message = self._posted()
            if not isinstance(message, FaceHint):
                self.lane.runner.take(message)
            await self.lane.quiet()
        return self.lane.words()[-1]

    def _posted(self) -> Message:
        try:
            return self.child.next()
        except queue.Empty:
            raise AssertionError(f"the child says nothing; the lane shows {self.lane.view}") from None


Scene = Callable[[Eyed], Awaitable[None]]


def played(folder: Path, child: VisionBench, scene: Scene, policy: Policy = POLICY) -> None:
    async def act(bench: Bench) -> None:
        await scene(Eyed(bench, child))

    play(folder, act, manifest=without_reference(policy), eyes=child.vision)


@pytest.fixture
def child(tmp_path: Path) -> Iterator[VisionBench]:
    with running(VisionBench(tmp_path)) as made:
        yield made


def test_from_the_chip_to_the_turnstile(tmp_path: Path, child: VisionBench) -> None:
    async def scene(at: Eyed) -> None:
        assert await at.comes(ANNA, portrait(1), sim.marked(1, 0.1)) == OK
        await at.lane.turns()
        assert len(at.lane.turnstile.pulses) == 1

    played(tmp_path, child, scene)


@pytest.mark.parametrize(
    ("picture", "seen", "word"),
    [
        (portrait(1), sim.marked(2), MISMATCH),
        (portrait(2), sim.marked(1), MISMATCH),
        (portrait(1)[:300], sim.marked(1), NO_REFERENCE),
        (png_bomb(20_000), sim.marked(1), NO_REFERENCE),
        (bytes(1024), sim.marked(1), NO_REFERENCE),
        (portrait(13), sim.marked(1), ("refer", "device_fault")),
    ],
    ids=["other person", "other document", "broken", "bomb", "closed", "crash"],
)
def test_whoever_is_not_the_one_in_the_picture_meets_a_person(
    tmp_path: Path, child: VisionBench, picture: bytes, seen: Frame, word: tuple[str, str]
) -> None:
    async def scene(at: Eyed) -> None:
        assert await at.comes(ANNA, picture, seen) == word
        assert at.lane.turnstile.pulses == []

    played(tmp_path, child, scene)


@pytest.mark.parametrize(
    ("name", "word"), [("good", OK), ("hanging", NO_REFERENCE), ("greedy", NO_REFERENCE), ("crashing", NO_REFERENCE)]
)
def test_a_customers_decoder_opens_the_closed_picture_or_a_person_looks(
    tmp_path: Path, name: str, word: tuple[str, str]
) -> None:
    async def scene(at: Eyed) -> None:
        assert await at.comes(ANNA, closed(portrait(1)), sim.marked(1)) == word

    with running(VisionBench(tmp_path, decoder=Decoder(program(name), 0.5))) as child:
        played(tmp_path, child, scene)


@pytest.mark.slow
def test_rendered_people_are_known_by_the_small_picture_in_their_card(tmp_path: Path) -> None:
    """With dlib, at a resident card's 102 x 126 pixels, through JPEG 2000."""
    policy = replace(POLICY, bands=(DLIB_BANDS,))
    anna, boris = (visitors.identity(seed) for seed in visitors.CHOSEN[:2])
    small = cv2.resize(visitors.portrait(anna), (102, 126), interpolation=cv2.INTER_AREA)
    picture = cv2.imencode(".jp2", small)[1].tobytes()

    async def scene(at: Eyed) -> None:
        verdict, reason = await at.comes(ANNA, picture, visitors.visit(boris, 1)[5])
        assert (verdict, reason) in (MISMATCH, ("refer", "face_uncertain"))
        await at.lane.a_while_later(3.0)
        assert await at.comes(ANNA, picture, visitors.visit(anna, 1)[5]) == OK

    with running(VisionBench(tmp_path, "dlib:")) as child:
        played(tmp_path, child, scene, policy)
