"""Both strings files are complete: the same keys, the same blanks to fill, and a word for whatever a page may show."""

from __future__ import annotations

import re
import string

import pytest

from models.decision import Profile, Reason
from models.ids import DocumentType
from models.passage import Direction, Passage
from models.ticket import TicketStatus
from models.view import Mode
from sync.server.board import Standing
from sync.server.conflicts import Finding
from sync.server.imports import State
from sync.server.pages.render import FOLDER
from sync.server.pages.words import LANGUAGES, choose_language, words_in
from sync.server.permissions import Role
from sync.server.report import figures

SECTIONS = {
    "reasons": Reason,
    "profile": Profile,
    "document": DocumentType,
    "direction": Direction,
    "passage": Passage,
    "ticket_status": TicketStatus,
    "lane_mode": Mode,
    "standing": Standing,
    "finding": Finding,
    "import_state": State,
    "role": Role,
}


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_languages_say_the_same_things() -> None:
    zh, en = (words_in(language).said for language in LANGUAGES)
    assert set(zh) == set(en)
    assert {key: blanks(text) for key, text in zh.items()} == {key: blanks(text) for key, text in en.items()}
    assert all(text.strip() for text in (*zh.values(), *en.values()))


@pytest.mark.parametrize("section", SECTIONS)
def test_whatever_a_page_may_show_has_a_word(section: str) -> None:
    said = words_in("zh").said
    assert {f"{section}.{word}" for word in SECTIONS[section]} <= set(said)


def test_every_figure_of_the_report_has_a_word() -> None:
    assert {f"report.{key}" for key in figures([])} <= set(words_in("zh").said)


def test_what_templates_say_stands_in_the_files_and_the_reverse() -> None:
    said = set(words_in("zh").said)
    sources = [*(FOLDER / "templates").glob("*.html"), *(FOLDER / "pages").glob("*.py"), FOLDER / "report_files.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    whole = set(re.findall(r"""\bt\(["']([a-z_]+\.[a-z_0-9]+)["'][,)]""", text))
    assert whole <= said
    began = re.findall(r"""["']([a-z_]+\.[a-z_]*)["'] ?~""", text) + re.findall(r"""f"([a-z_]+\.[a-z_]*)\{""", text)
    sections = {f"{section}." for section in re.findall(r"""t\.of\(["']([a-z_]+)["']""", text)}
    unused = {key for key in said - whole if not key.startswith((*began, *sections)) and f'"{key}"' not in text}
    assert unused == set()


@pytest.mark.parametrize(
    ("switched", "account", "accepted", "language"),
    [
        ("", "", "", "zh"),
        ("", "", "en", "en"),
        ("", "", "de, en;q=0.5, zh-TW;q=0.9", "zh"),
        ("", "", "en;q=0, zh;q=nonsense", "zh"),
        ("", "zh", "en", "zh"),
        ("en", "zh", "zh", "en"),
        ("xx", "yy", ",;,", "zh"),
    ],
)
def test_a_language_is_chosen(switched: str, account: str, accepted: str, language: str) -> None:
    assert choose_language(switched, account, accepted) == language
