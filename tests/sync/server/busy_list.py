"""A list of persons in use, for pages to show: every state, the same person twice, hits, an import with its report."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from models.watch import WatchDone, WatchState
from sync.server import tables, watch_evidence, watch_import, watch_life
from sync.server.hub import Hub
from sync.server.imports import new_folder
from sync.server.watch_import import ListFile
from sync.server.watch_import_rows import Defaults
from sync.server.watch_tables import watch_hit, watch_hit_count
from sync.server.watch_tables import watch_import as jobs
from tests.sync.server.organiser import number
from tests.sync.server.watch_people import OLGA, OTTO, SAM, approve, listed

OWNER = "第三人民医院保卫处"
APPEAL = "门诊一层 3 号窗口，周一至周五"
SAID: dict[str, Any] = {"owner": OWNER, "appeal": APPEAL}


def furnish_list(hub: Hub) -> list[str]:
    """The paths of its pages."""
    active = listed(hub, 1, legal_basis="治安管理处罚法第五十二条", **SAID)
    listed(hub, 1, purpose="order", action="notify", owner="City Hospital, security", appeal="+86 25 0000 0000")
    waiting = listed(
        hub, 2, action="refuse_unless_cleared", purpose="court_ban", legal_basis="（2026）苏01民初7号", **SAID
    )
    listed(hub, 3, evidence=False, purpose="missing", action="notify", **SAID)
    contested, over = listed(hub, 4, **SAID), listed(hub, 5, **SAID)
    approve(hub, active)
    approve(hub, waiting, OLGA)
    approve(hub, contested)
    with hub.begin() as connection:
        watch_life.rest(hub, connection, SAM, contested, WatchState.CONTESTED, "当事人来信，正在核查")
        watch_life.withdraw(hub, connection, OTTO, over, "认错了人")
        watch_evidence.attach(hub, connection, OTTO, active, "行政处罚决定书.pdf", "application/pdf", b"%PDF-1.7")
    meet(hub, active)
    job, other = import_list(hub, 20), import_list(hub, 80)
    with hub.begin() as connection:
        watch_import.propose_import(hub, connection, OTTO, other)
        moving = {"job": f"import-{'c' * 16}", "actor": "otto", "file_name": "照片.zip", "state": "reading"}
        connection.execute(insert(jobs).values(**moving, done=410, of=2100, made_at=hub.clock()))
    return (
        [f"/watch/import/{other}", f"/watch/import/{moving['job']}"]
        + ["/watch", "/watch?state=proposed", "/watch/propose", "/watch/import", f"/watch/import/{job}"]
        + [f"/watch/entry/{entry}" for entry in (active, waiting, contested, over)]
    )


def meet(hub: Hub, entry: str) -> None:
    """Gates met the person."""
    now = hub.clock()
    with hub.begin() as connection:
        gate = connection.execute(select(tables.device.c.device).limit(1)).scalar() or "gate-A1"
        for seq, (means, done) in enumerate((("document", WatchDone.NOTED), ("face", WatchDone.CLEARED)), start=1):
            hit = {
                "device": gate,
                "epoch": "e",
                "seq": seq,
                "attempt": seq,
                "item": entry,
                "version": 1,
                "means": means,
                "done": done,
            }
            hit |= {"distance": 0.31 if means == "face" else 0.0, "by": "门岗王", "at": now - 3600 * seq}
            connection.execute(insert(watch_hit).values(**hit))
        for partner, hits in (("", 2), ("城东医院", 5)):
            count = {"entry": entry, "partner": partner, "day": "2026-11-21", "hits": hits}
            connection.execute(insert(watch_hit_count).values(**count))


def import_list(hub: Hub, first: int) -> str:
    """A list with rows of all kinds."""
    said = [(serial, "号贩子", "2027-05-01") for serial in range(first, first + 40)]
    said += [(first + 40, "不喜欢", ""), (first, "号贩子", "2027-05-01")]
    said += [(first + 41, "号贩子", "2020-01-01"), (first + 42, "号贩子", "某天"), (first + 43, "号贩子", "")]
    rows = [f"{number(serial)},张三,{purpose},{ends},甲、乙" for serial, purpose, ends in said]
    folder = new_folder(hub)
    table = folder / "list.csv"
    table.write_text("\n".join(("身份证号,姓名,事由,截止日期,审批人", *rows)), encoding="utf-8")
    defaults = Defaults(OWNER, "", "review", APPEAL, evidence="联席会议纪要 2026-05")
    return watch_import.begin(hub, OTTO, ListFile("号贩子名单 2026.xlsx", table), defaults, folder)
