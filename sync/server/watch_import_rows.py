"""A list that somebody kept elsewhere, row by row: what it says, and what each row lacks to be lawful here.

Columns, in English or in Chinese: number, document, purpose, action, owner, appeal, legal_basis, valid_from, valid_to,
evidence (words that say where it is), approvers, photo (a file in the archive), sites, entrances (`a|b`). Names and
whatever else such lists hold are not even looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from models.watch import WatchAction, WatchPurpose
from sync.holding import Document
from sync.server.watch_rules import Fault, Proposal, bars, faults_of
from sync.sources.people import read_document
from sync.sources.table import Encoding, Problem, Row, SourceRefused, read_table

CHINA = timezone(timedelta(hours=8))
COLUMNS = {
    "number": ("身份证号", "身份证号码", "公民身份号码", "证件号码", "证件号"),
    "document": ("证件类型", "证件种类"),
    "purpose": ("事由", "列入事由", "原因"),
    "action": ("措施", "处置"),
    "owner": ("责任单位", "列入单位", "单位"),
    "appeal": ("申诉", "申诉方式", "申诉联系方式"),
    "legal_basis": ("依据", "法律依据"),
    "valid_from": ("开始", "开始日期", "起始日期", "生效日期"),
    "valid_to": ("截止", "截止日期", "到期日期", "结束日期"),
    "evidence": ("证据", "证据编号"),
    "approvers": ("审批人", "批准人"),
    "photo": ("照片", "照片文件"),
    "sites": ("共享单位",),
    "entrances": ("入口", "闸机"),
}
VALUES = {
    "黄牛": WatchPurpose.SCALPING,
    "号贩子": WatchPurpose.SCALPING,
    "倒号": WatchPurpose.SCALPING,
    "扰乱秩序": WatchPurpose.ORDER,
    "法院禁令": WatchPurpose.COURT_BAN,
    "频繁进入": WatchPurpose.FREQUENT,
    "走失": WatchPurpose.MISSING,
    "走失人员": WatchPurpose.MISSING,
    "提示": WatchAction.NOTIFY,
    "复核": WatchAction.REVIEW,
    "核实": WatchAction.REVIEW,
    "未核清不得入内": WatchAction.REFUSE_UNLESS_CLEARED,
}
KINDS = {"身份证": "resident_id", "居民身份证": "resident_id", "护照": "passport"}
LINE = 200
"""So long a text may be."""

_NAMES = {name: column for column, names in COLUMNS.items() for name in (column, *names)}
_SEPARATOR = re.compile(r"[|、;；,，]")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What goes for rows that don't say it themselves. An empty field: they have to."""

    owner: str = ""
    purpose: str = ""
    action: str = ""
    appeal: str = ""
    legal_basis: str = ""
    evidence: str = ""
    valid_to: float | None = None


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row as an entry. `photo` is a file's name; `cells` are columns that can't be read."""

    number: int
    proposal: Proposal = field(repr=False)
    evidence: str = ""
    photo: str = ""
    faults: tuple[Fault, ...] = ()
    cells: tuple[str, ...] = ()
    good: bool = False


def read_list(path: Path, defaults: Defaults) -> list[ListRow]:
    """The rows of a CSV file, in UTF-8 or GB18030, or of a workbook; not judged yet. Raises `SourceRefused`."""
    rows = [_renamed(row) for row in _read(path)]
    if not rows:
        raise SourceRefused(path.name, [Problem(2, "", "nothing", "at least one row")])
    if not {"number", "photo"} & set(rows[0].cells):
        raise SourceRefused(path.name, [Problem(1, "number", "no such column", "this column")])
    return [_list_row(row, defaults) for row in rows]


def judge(
    row: ListRow, now: float, taken: Callable[[Document, str], Fault | None], reference: tuple[bytes, str] | None
) -> ListRow:
    """The row with what it lacks. `reference` is its photograph's template and model, where there is one.

    A photograph without a ground in law, or that won't do, is left out; the document can still be listed. `taken` says
    whether the same document stands on the list already for this purpose.
    """
    proposal, faults = row.proposal, list[Fault]()
    if row.photo and not proposal.legal_basis:
        faults.append(Fault.NO_BASIS_FACE)
    elif row.photo and reference is None and may_have_face(row, now):
        faults.append(Fault.BAD_PHOTOGRAPH)
    elif row.photo and reference is not None:
        proposal = replace(proposal, template=reference[0], model_version=reference[1])
    hard = faults_of(proposal, now)
    if proposal.document is not None and (found := taken(proposal.document, proposal.purpose)):
        hard.append(found)
    if row.cells:
        hard.append(Fault.BAD_CELL)
    soft = [Fault.NO_EVIDENCE] if not row.evidence and proposal.purpose != WatchPurpose.FREQUENT else []
    found_now = dict.fromkeys((*hard, *faults, *soft, *row.faults))
    return replace(row, proposal=proposal, faults=tuple(found_now), good=not bars(hard))


def may_have_face(row: ListRow, now: float) -> bool:
    """Whether the row's photograph may be opened: with a template in its place the entry would be lawful."""
    return not row.cells and not faults_of(replace(row.proposal, template=b"a face"), now)


def _read(path: Path) -> list[Row]:
    encoding: Encoding = "utf-8"
    if path.suffix.lower() != ".xlsx":
        try:
            path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding = "gb18030"
    return read_table(path, (), re.compile(r".*", re.DOTALL), encoding)


def _renamed(row: Row) -> Row:
    """The row by our names; what we have no name for is left behind."""
    cells: dict[str, str] = {}
    for name, value in row.cells.items():
        if column := _NAMES.get(name.replace(" ", "")):
            cells[column] = cells.get(column) or value
    kind = cells.get("document", "")
    return Row(row.number, cells | ({"document": KINDS[kind]} if kind in KINDS else {}), [])


def _list_row(row: Row, defaults: Defaults) -> ListRow:
    ends = _end(row, "valid_to")
    document = read_document(row, "document", "number")
    long = [column for column in ("owner", "appeal", "legal_basis", "evidence") if len(row.text(column)) > LINE]
    for column in long:
        row.complain(column, f"at most {LINE} characters")
    faults = [Fault.NO_END] if not row.text("valid_to") and defaults.valid_to is None else []
    if len(set(_several(row, "approvers"))) < 2:
        faults.append(Fault.NO_APPROVERS)
    proposal = Proposal(
        row.text("owner", defaults.owner)[:LINE],
        _value(row, "purpose", defaults.purpose),
        _value(row, "action", defaults.action),
        row.text("appeal", defaults.appeal)[:LINE],
        row.text("legal_basis", defaults.legal_basis)[:LINE],
        document,
        _begin(row),
        defaults.valid_to if ends is None else ends,
        _several(row, "sites"),
        _several(row, "entrances"),
    )
    cells = tuple(dict.fromkeys(problem.column for problem in row.problems))
    evidence = row.text("evidence", defaults.evidence)[:LINE]
    return ListRow(row.number, proposal, evidence, row.text("photo"), tuple(faults), cells)


def _value(row: Row, column: str, default: str) -> str:
    said = row.text(column, default)
    return str(VALUES.get(said, said.lower()))


def _several(row: Row, column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _SEPARATOR.split(row.text(column)) if part.strip())


def _begin(row: Row) -> float | None:
    return _moment(row, "valid_from", timedelta())


def _end(row: Row, column: str) -> float | None:
    """A day is meant with all its hours."""
    return _moment(row, column, timedelta(days=1))


def _moment(row: Row, column: str, of_a_day: timedelta) -> float | None:
    value = re.sub(r"[./年月]", "-", row.text(column)).rstrip("日")
    if not value:
        return None
    try:
        if found := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", value):
            year, month, day = map(int, found.groups())
            return (datetime(year, month, day, tzinfo=CHINA) + of_a_day).timestamp()
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=CHINA)).timestamp()
    except (ValueError, OverflowError):
        row.complain(column, "a day, such as 2030-05-01, or 长期")
        return None
