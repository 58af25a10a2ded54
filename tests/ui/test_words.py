"""Every word that a screen can ask for is there, in every language, and can be painted."""

from __future__ import annotations

import re
import string

import pytest

from models.command import Cause, Role
from models.credential import Medium
from models.decision import OfflineRule, Profile, Reason, Verdict
from models.face import FaceProblem
from models.ids import DocumentType
from models.link import Reach
from models.passage import STANDING, Direction, Passage, SignalKind
from models.sighting import Sight
from models.ticket import NoteKind
from models.view import Mode, Phase
from models.watch import HitMeans, WatchAction
from models.words import CODE_WORDS, TYPED_WORDS, words_of
from ui import words
from ui.view import Tap

FILES = {path.stem: words.read(path) for path in words.STRINGS.glob("*.toml")}
VOICES = ("short", "visitor", "step", "staff", "next")
ONE_WORD_EACH = {
    "hint": FaceProblem,
    "note": NoteKind,
    "alert": SignalKind,
    "tap": Tap,
    "mode": Mode,
    "cause": Cause,
    "role": Role,
    "reach": Reach,
    "offline": OfflineRule,
    "verdict": Verdict,
    "passage": Passage,
    "direction": Direction,
    "means": HitMeans,
    "watch": WatchAction,
    "document": DocumentType,
    "medium": Medium,
    "profile": Profile,
    "sight": Sight,
}
OTHERWISE = {Medium.CODE: ("code", CODE_WORDS), Medium.TYPED: ("typed", TYPED_WORDS)}
REFUSALS = [reason for reason in Reason if not reason.startswith("ok")]

# What nobody is to read on the screen that the queue sees.
ACCUSING = {
    "en": r"\b(list|watch|fake|forge|fraud|police|mismatch|not genuine|stolen|someone else|refus|den(y|ied)|suspect)",
    "zh": r"名单|黑|假|伪|警|公安|不符|冒|他人|拒绝|可疑|嫌疑|相似度",
}


def every(language: str) -> list[str]:
    """The keys that the nouns ask for."""
    keys = [f"reason.{reason}.{voice}" for reason in Reason for voice in VOICES]
    for section, reasons in OTHERWISE.values():
        keys += [f"{section}.{reason}.{voice}" for reason in reasons for voice in VOICES]
    keys += [f"{section}.{each.value}" for section, nouns in ONE_WORD_EACH.items() for each in nouns]
    keys += [f"alerted.{kind}.{voice}" for kind in STANDING for voice in ("staff", "next")]
    for phase in (*(f"phase.{phase}" for phase in Phase), "phase.out_of_order", "out_of_service"):
        keys += [f"{phase}.{voice}" for voice in ("visitor", "visitor_body", "step", "short", "staff", "next")]
    return keys


def missing(language: str, files: dict[str, dict[str, str]]) -> list[str]:
    """Keys that the language's own file lacks: those the nouns ask for, and those another file has."""
    wanted = {key for texts in files.values() for key in texts} | set(every(language))
    return sorted(wanted - set(files[language]))


def test_chinese_and_english_are_there():
    assert {"zh", "en"} <= set(words.languages())


@pytest.mark.parametrize("language", FILES)
def test_no_key_is_missing_in_any_file(language):
    assert missing(language, FILES) == []


def test_a_missing_key_is_found():
    holed = {key: text for key, text in FILES["zh"].items() if key != "reason.no_ticket.step"}
    assert missing("zh", {**FILES, "zh": holed}) == ["reason.no_ticket.step"]


@pytest.mark.parametrize("language", FILES)
def test_every_refusal_says_something_in_each_voice(language):
    spoken = words.load(language)
    silent = [
        f"reason.{reason}.{voice}"
        for reason in REFUSALS
        for voice in VOICES
        if not FILES[language][f"reason.{reason}.{voice}"]
    ]
    assert silent == []
    assert spoken("reason.ok.visitor")


@pytest.mark.parametrize("language", FILES)
def test_the_same_names_are_filled_in_in_every_language(language):
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    other = FILES["en"]
    assert [key for key, text in FILES[language].items() if fields(text) != fields(other[key])] == []


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("medium", [None, *OTHERWISE])
def test_staff_reads_on_the_screen_what_the_technician_reads_in_the_terminal(reason, medium):
    told, english = words_of(reason, medium), words.load("en")
    section, reasons = OTHERWISE.get(medium, ("reason", ()))
    section = section if reason in reasons else "reason"
    assert english(f"{section}.{reason}.staff") == told.staff
    assert english(f"{section}.{reason}.next") == told.next_step


@pytest.mark.parametrize("language", ACCUSING)
def test_no_visitor_is_accused(language):
    told = {
        key: text
        for key, text in FILES[language].items()
        if key.startswith(("reason.", "code.", "typed.")) and key.endswith((".visitor", ".step"))
    }
    assert len(told) > 80
    assert [key for key, text in told.items() if re.search(ACCUSING[language], text, re.IGNORECASE)] == []


def test_a_third_language_is_one_file(tmp_path, monkeypatch):
    for name, texts in (("en", 'greeting = "Hello {name}"\nrest = "Rest"'), ("fr", 'greeting = "Bonjour {name}"')):
        (tmp_path / f"{name}.toml").write_text(texts, encoding="utf-8")
    monkeypatch.setattr(words, "STRINGS", tmp_path)
    words.load.cache_clear()
    try:
        french = words.load("fr-CA")
        assert words.languages() == ("en", "fr")
        assert (french.language, french("greeting", name="vous"), french("rest")) == ("fr", "Bonjour vous", "Rest")
        assert words.load("tlh").language == "en"
    finally:
        words.load.cache_clear()


def test_an_unknown_key_is_named():
    with pytest.raises(KeyError, match=r"reason\.none\.visitor.*ui/strings"):
        words.load("en")("reason.none.visitor")


@pytest.mark.parametrize(
    ("text", "told"), [("a = ", "not TOML"), ("[a]\nb = 3", r"a\.b is no text"), (b"a = '\xff'", "not TOML")]
)
def test_a_bad_file_is_named_with_the_key(tmp_path, text, told):
    path = tmp_path / "xx.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=rf"xx\.toml: .*{told}|xx\.toml: {told}"):
        words.read(path)
