"""Both strings files are complete: the same keys, the same blanks to fill, and a word for whatever a page may show."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from models.decision import Profile, Reason, Verdict
from models.ids import DocumentType
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.sighting import Sight
from models.ticket import TicketStatus
from models.view import Mode
from models.watch import HitMeans, WatchAction, WatchDone, WatchPurpose, WatchState
from models.words import FACE_PROBLEMS
from sync.findings import Rule
from sync.server.alarm_rules import AlarmKind
from sync.server.board import Standing
from sync.server.conflicts import Finding
from sync.server.imports import State
from sync.server.pages.render import FOLDER
from sync.server.pages.rule_fields import FIELDS, GROUPS, Amount, Choice
from sync.server.pages.words import LANGUAGES, choose_language, words_in
from sync.server.permissions import Role
from sync.server.report import figures
from sync.server.watch_history import WatchAct
from sync.server.watch_import import ListState
from sync.server.watch_rules import Fault
from sync.sources.pretix_reading import Odd

SECTIONS: dict[str, Iterable[str]] = {
    "alarm_kind": AlarmKind,
    "alarm_next": AlarmKind,
    "reasons": Reason,
    "profile": Profile,
    "document": DocumentType,
    "direction": Direction,
    "watch_done": WatchDone,
    "passage": Passage,
    "ticket_status": TicketStatus,
    "lane_mode": Mode,
    "standing": Standing,
    "finding": Finding,
    "import_state": State,
    "role": Role,
    "role_may": Role,
    "rule": Rule,
    "entry_kind": EntryKind,
    "sight": Sight,
    "verdict": Verdict,
    "pretix_odd": Odd,
    "rule_choice": [f"{field.name}_{one}" for field in FIELDS if isinstance(field, Choice) for one in field.kinds],
    "rule_field": [field.name for field in FIELDS],
    "rule_means": [field.name for field in FIELDS],
    "rule_group": GROUPS,
    "watch_action": WatchAction,
    "watch_fault": Fault,
    "watch_import_state": ListState,
    "watch_means": HitMeans,
    "watch_purpose": WatchPurpose,
    "watch_state": WatchState,
    "rule_unit": [field.unit for field in FIELDS if isinstance(field, Amount)],
}
ROOT = FOLDER.parents[1]


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
    sources = [*(FOLDER / "templates").glob("*.html"), *(FOLDER / "pages").glob("*.py")]
    sources += [FOLDER / name for name in ("report_files.py", "evidence_ticket.py", "sightings.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    whole = set(re.findall(r"""\bt\(["']([a-z_]+\.[a-z_0-9]+)["'][,)]""", text))
    assert whole <= said
    began = re.findall(r"""["']([a-z_]+\.[a-z_]*)["'] ?~""", text) + re.findall(r"""f"([a-z_]+\.[a-z_]*)\{""", text)
    sections = {f"{section}." for section in re.findall(r"""t\.(?:of|translated)\(["']([a-z_]+)["']""", text)}
    sections |= {f"{blank}." for key in said for blank in blanks(words_in("zh").said[key])}
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


# --- what the code says, read from its source -----------------------------------------------------------------------


def calls(folder: str, name: str) -> Iterator[tuple[Path, ast.Call]]:
    """Every call of a function or method called `name`."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
                yield path, node


def phrases(node: ast.AST) -> Iterator[str]:
    """The texts that an expression may give, with a number in each blank."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*phrases(node.body), *phrases(node.orelse))
    elif isinstance(node, ast.BinOp):
        yield from (text + "7" for text in phrases(node.left))
    elif isinstance(node, ast.Tuple):
        yield from phrases(node.elts[-1])


def functions(path: str) -> dict[str, ast.FunctionDef]:
    """The functions of a file, wherever in it they stand."""
    tree = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    return {node.name: node for node in tree if isinstance(node, ast.FunctionDef)}


def answered(path: str, *names: str) -> Iterator[str]:
    """What functions of a file return or yield."""
    for name in names:
        for node in ast.walk(functions(path)[name]):
            if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                yield from phrases(node.value)


def untold(section: str, said: set[str]) -> set[str]:
    """Those of `said` that Chinese has no words for."""
    zh = words_in("zh")
    return {text for text in said if text and zh.translated(section, text) == text}


def test_every_refusal_has_words() -> None:
    codes = {text for _, call in calls("sync/server", "Refused") for text in phrases(call.args[1])}
    nouns = {text for _, call in calls("sync/server/permissions.py", "_check") for text in phrases(call.args[3])}
    nouns |= {
        text for _, call in calls("sync/server", "_check") if len(call.args) > 3 for text in phrases(call.args[3])
    }
    assert nouns == {"event", "venue", "device"}
    codes = codes - {"no_such_7", "http"} | {f"no_such_{noun}" for noun in nouns} | {"forked"}
    assert len(codes) > 70
    assert codes == {key.partition(".")[2] for key in words_in("zh").said if key.startswith("refusal.")}


ACTS_MADE_UP = {
    ("attempts.py", "act"): {
        f"{limit}.limited" for limit in ("log_in", "enrol", "account_code", "report", "report_ask", "case", "case_ask")
    },
    ("hub_gates.py", "act"): {"hub_gate.refused"},
    ("ticket_changes.py", "act"): {"waitlist_served", "resold"},
    ("watch_history.py", "act"): set(WatchAct),
}


def test_every_act_in_the_audit_has_words_and_so_have_its_details() -> None:
    acts, details, elsewhere = set[str](), set[str](), set[tuple[str, str]]()
    for path, call in calls("sync/server", "audit"):
        if len(call.args) >= 3:
            found = set(phrases(call.args[2]))
            acts |= found
            elsewhere |= set() if found else {(path.name, ast.unparse(call.args[2]))}
            details |= {str(each.arg) for each in call.keywords if each.arg} - {"from_address"}
    assert elsewhere == set(ACTS_MADE_UP)
    acts = acts.union(*ACTS_MADE_UP.values())
    said = words_in("zh").said
    assert {act for act in acts if f"act.{act}" not in said} == set()
    assert {key for key in said if key.startswith("act.")} == {f"act.{act}" for act in acts}
    assert {name for name in details if f"audit_detail.{name}" not in said} == set()


def test_whatever_a_rule_finds_is_said_in_chinese() -> None:
    rules = [name for name in functions("sync/findings.py") if name in {f"_{rule}" for rule in Rule} | {"_unbound"}]
    said = {text for rule in rules for text in joined(functions("sync/findings.py")[rule])}
    assert len(said) >= len(Rule)
    assert untold("rule_words", said) == set()


def joined(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.JoinedStr) and len(text := next(phrases(each))) > 12:  # the others are formats
            yield text


TABLE_CALLS = {"complain": 1, "needed": 1, "NotASheet": 0}
A_MOMENT = "a date and time7, such as 2025-05-01T19:307"


def name_of(call: ast.Call) -> str:
    return str(getattr(call.func, "id", "") or getattr(call.func, "attr", ""))


def test_whatever_is_wrong_with_a_table_is_said_in_chinese() -> None:
    theirs = [one for name in TABLE_CALLS for one in calls("sync/sources", name)]
    said = {
        text
        for path, call in theirs
        if path.name != "watchlist.py"
        for text in arguments(call, TABLE_CALLS[name_of(call)])
    }
    for folder in ("sync/sources", "sync/server"):
        said |= {text for _, call in calls(folder, "Problem") for text in arguments(call, 2)}
    said |= set(answered("sync/sources/table.py", "kind_of"))
    said |= set(answered("sync/sources/people.py", "wrong_number"))
    said |= set(answered("sync/server/enroller.py", "_enrol"))
    said |= {text for _, call in calls("sync/server/enroller.py", "_answer") for text in arguments(call, 1)}
    assert len(said) > 50
    said = said - {A_MOMENT, "7"} | {"a date and time, such as 1", "a date and time with its offset, such as 1"}
    assert untold("table_words", said) == set()


def arguments(call: ast.Call, first: int) -> Iterator[str]:
    for argument in call.args[first:]:
        yield from phrases(argument)


def keywords(call: ast.Call, name: str) -> Iterator[str]:
    for each in call.keywords:
        if each.arg == name:
            yield from phrases(each.value)


def test_whatever_is_wrong_with_a_picture_is_said_in_chinese() -> None:
    assert untold("table_words", {f"a picture where {words}" for words in FACE_PROBLEMS.values()}) == set()
    assert words_in("zh").translated("table_words", "a picture where the face is covered") == "不合格的图片：人脸被遮挡"


def test_whatever_pretix_gives_to_do_is_said_in_chinese() -> None:
    names = ("PretixRefused", "PretixAway", "PretixDenied")
    said = {text for name in names for _, call in calls("sync/sources", name) for text in phrases(call.args[0])}
    said |= {
        text for _, call in calls("sync/server", "Portrait") for text in (*arguments(call, 0), *keywords(call, "words"))
    }
    said |= set(answered("sync/server/pretix_round.py", "_forbidden")) | set(
        answered("sync/server/pretix_queue.py", "_tell")
    )
    said |= set(answered("sync/sources/pretix_reading.py", "_document"))
    assert len(said) > 12
    assert untold("pretix_words", said) == set()


def test_what_has_no_words_is_left_as_it_is() -> None:
    zh, en = words_in("zh"), words_in("en")
    assert zh.translated("rule_words", "something new: ticket T1") == "something new: ticket T1"
    words = "one ticket per identity: tickets T1 and T2 have the same resident_id"
    assert zh.translated("rule_words", words) == "一证一票：门票 T1 和 T2 的居民身份证相同"
    assert en.translated("rule_words", words) == words.replace("resident_id", "Resident ID card")
