"""`gatectl demo`: an evening at one lane, from the first visitor to the checked ledger."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from drivers import connect
from gate.demo.box_office import evening_policy, sell
from gate.demo.cast import Looks, Person, looks_from_folder
from gate.demo.link import GateSilent
from gate.demo.night import Night, NotAsTold
from gate.demo.outcome import Outcome, Told
from gate.demo.readers import Wire, wire_of
from gate.demo.rig import Rig, Wiring
from gate.demo.stories import Book, Ending, Story, evening, ordinary, rendered_looks
from gate.demo.table import Board, JsonBoard, LiveBoard
from gate.demo.ward import morning
from models import wire
from models.decision import Profile
from models.ledger import Entry, EntryKind
from models.record import DecisionBody
from models.store.ledger_db import read_ledger, verify

_COUNTED = (EntryKind.PASSAGE, EntryKind.TAILGATE, EntryKind.INTRUSION)


OWN_PICTURES = "dlib:?enrol_height=70"
"""People's own pictures are seldom as large as an office asks for."""


def main(
    *,
    people: int = 0,
    faces: Path | None = None,
    pace: float = 0.0,
    as_json: bool = False,
    keep: Path | None = None,
    reader: str = "sam",
    profile: Profile = Profile.CONCERT,
) -> int:
    """Run the evening and show it. Exit status 0 only if everything went as it must.

    `reader` is one of `readers.NAMES`. Raises `DriverError` where what it needs is not installed.
    """
    wire_of(reader)
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="menshen-")))
        folder.mkdir(parents=True, exist_ok=True)
        board: Board = JsonBoard() if as_json else stack.enter_context(LiveBoard())
        looks = _real_looks(faces, board) if faces else rendered_looks()
        wiring = Wiring(reader=reader, face=OWN_PICTURES) if faces else Wiring(reader=reader)
        outcome = run(folder, looks, people, pace, board, wiring, profile)
        board.close(outcome)
    return 0 if outcome.ok else 1


def _real_looks(faces: Path, board: Board) -> list[Looks]:
    board.say("looking through the pictures")
    with closing(connect("face", OWN_PICTURES)) as engine:
        return looks_from_folder(faces, engine, board.note)


def run(
    folder: Path,
    looks: list[Looks],
    people: int,
    pace: float,
    board: Board,
    wiring: Wiring | None = None,
    profile: Profile = Profile.CONCERT,
) -> Outcome:
    """Sell the tickets, start the lane, tell every story, stop, and check the ledger."""
    with Rig(folder, wiring) as rig:
        in_hospital = profile is Profile.HOSPITAL
        book = morning(looks, rig.wire) if in_hospital else evening(looks, rig.wire)
        stories = book.stories + ([] if in_hospital else _crowd(looks, people, rig.wire))
        board.opens(rig.wire, book.left_out)
        began = time.monotonic()
        board.say("enrolling the pictures and signing the manifest")
        sell(rig, everybody(stories), evening_policy(profile) if in_hospital else None, progress=board.progress)
        sold_s = time.monotonic() - began
        return replace(play(rig, stories, board, pace), sold_s=sold_s, left_out=book.left_out)


def play(rig: Rig, stories: list[Story], board: Board, pace: float = 0.0) -> Outcome:
    """Start the lane of `rig`, tell the stories, stop, and check the ledger. The tickets are sold already."""
    board.say("starting the lane")
    began = time.monotonic()
    rig.start()
    ready_s = time.monotonic() - began
    night = Night(rig, pace)
    told = tuple(tell(night, story, board) for story in stories)
    exit_status = rig.stop()
    with read_ledger(rig.ledger) as ledger:
        counts = ledger.count_by_reason()
    return Outcome(told, verify(rig.ledger), counts, ready_s, exit_status=exit_status, wire=rig.wire)


def _crowd(looks: list[Looks], people: int, wire: Wire) -> list[Story]:
    book = Book(looks, first=1000, wire=wire)
    ordinary(book, people)
    return book.stories


def everybody(stories: list[Story]) -> list[Person]:
    """All who come in the stories, each once."""
    return list({one.ticket: one for story in stories for one in story.people}.values())


def tell(night: Night, story: Story, board: Board) -> Told:
    """Play one story at a lane that runs, and compare the ledger with what it must hold."""
    board.begins(story)
    before, pictures, pulses = _last_seq(night.rig), night.rig.stage.frames_taken, len(night.relay_ms)
    problem = ""
    try:
        for deed in story.deeds:
            deed(night)
    except (NotAsTold, GateSilent) as error:
        problem = str(error)
        night.leaves()
    entries = _entries_after(night.rig, before)
    told = _compare(story, entries, night.rig.stage.frames_taken - pictures, tuple(night.relay_ms[pulses:]), problem)
    board.ends(told)
    return told


def _compare(story: Story, entries: list[Entry], pictures: int, relay_ms: tuple[float, ...], problem: str) -> Told:
    decisions = tuple(
        wire.from_builtins(DecisionBody, entry.body) for entry in entries if entry.kind is EntryKind.DECISION
    )
    leaves = tuple(_leaf(entry) for entry in entries if entry.kind in _COUNTED)
    problem = problem or _difference(story, decisions, leaves, pictures)
    return Told(story, decisions, leaves, pictures, relay_ms, problem)


def _difference(story: Story, decisions: tuple[DecisionBody, ...], leaves: tuple[str, ...], pictures: int) -> str:
    """What is wrong, in words; empty when nothing is."""
    said = [(body.decision.verdict, body.decision.reason) for body in decisions]
    as_told = len(said) == len(story.endings) and all(
        verdict is expected and reason in reasons
        for (verdict, reason), (expected, reasons) in zip(said, story.endings, strict=True)
    )
    if not as_told:
        found = ", ".join(f"{verdict} {reason}" for verdict, reason in said)
        return f"expected {_words(story.endings)}; the ledger has {found or 'nothing'}"
    if sorted(leaves) != sorted(story.leaves):
        return (
            f"expected {', '.join(story.leaves) or 'nobody to pass'}; the ledger has {', '.join(leaves) or 'nothing'}"
        )
    if story.unseen and pictures:
        return f"{pictures} pictures were taken of somebody without a good ticket"
    return ""


def _words(endings: tuple[Ending, ...]) -> str:
    return ", ".join(f"{verdict} {'/'.join(sorted(reasons))}" for verdict, reasons in endings) or "nothing"


def _leaf(entry: Entry) -> str:
    return f"passage:{entry.body['passage']}" if entry.kind is EntryKind.PASSAGE else str(entry.kind)


def _last_seq(rig: Rig) -> int:
    with read_ledger(rig.ledger) as ledger:
        return ledger.last_seq()


def _entries_after(rig: Rig, seq: int) -> list[Entry]:
    with read_ledger(rig.ledger) as ledger:
        return list(ledger.entries(seq, limit=500))
