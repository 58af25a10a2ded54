"""Every page in a real browser, in both languages, on a phone and on a desk: nothing sticks out, all has a name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from sqlalchemy import insert, select, update

from models.ids import DocumentType
from sync.holding import Document
from sync.server import cases, reports, tables
from sync.server.cases import Asked, Wish
from sync.server.hub import Hub, open_hub
from sync.server.imports import Upload, new_folder, start_import
from sync.server.permissions import Person, Role
from sync.server.reports import Outcome, Told
from sync.server.settings import Settings
from sync.server.watch_tables import watch_case
from tests.chromium import chromium, programs
from tests.sync.server import busy_house
from tests.sync.server.album import Album
from tests.sync.server.busy_house import DRAFT, LATER, SHOW, Evening
from tests.sync.server.busy_list import furnish_list
from tests.sync.server.test_process import Running
from tests.sync.server.test_walk_through import PASSWORD, write_table

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(programs() is None, reason="Chromium is not installed here (Debian: chromium, chromium-driver)"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path / "hub", "--site", "hall")
    yield made
    made.stop()


def test_every_page(server: Running, tmp_path: Path) -> None:
    hub = open_hub(Settings(server.state))
    with server.client() as api, chromium(tmp_path / "profile") as browser:
        album = Album(browser, tmp_path)
        before_anybody(api, server, album)
        album.browser.fill("#account", "olga")
        album.browser.fill("#password", PASSWORD)
        album.browser.click(".card button")
        for path in ("/events", "/places", "/devices"):
            album.page(server.url, path, f"02-empty{path.replace('/', '-')}")
        busy_house.furnish(hub)
        evening = Evening(hub, tmp_path)
        busy_house.link_and_lease(hub)
        for place, path in enumerate(pages(hub, tmp_path), start=10):
            album.page(server.url, path, f"{place}{path.partition('?')[0].replace('/', '-')[:60]}")
        for place, path in enumerate(furnish_list(hub), start=70):
            album.page(server.url, path, f"{place}{path.replace('?', '-').replace('/', '-')[:30]}")
        evening.close()
        assert album.faults == []
        assert [one for one in browser.errors() if "status of 4" not in one] == []
    hub.engine.dispose()


def before_anybody(api: httpx.Client, server: Running, album: Album) -> None:
    """The pages without a session."""
    album.page(server.url, "/open-account", "00-open-account")
    said = {"code": server.told["setup_code"], "password": PASSWORD, "account": "olga", "name": "Olga"}
    api.post("/v1/account-code", json=said).raise_for_status()
    album.page(server.url, "/log-in?opened=yes", "01-log-in")


def pages(hub: Hub, folder: Path) -> list[str]:
    """All of them."""
    with hub.engine.connect() as connection:
        token = connection.execute(select(tables.device.c.device).where(tables.device.c.name == "北门")).scalar_one()
    show = f"/events/{SHOW}"
    tabs = ("", "/board", "/tickets", "/import", "/conflicts", "/report", "/setup", "/rules", "/venue-hub", "/pretix")
    found = ["/events", *(show + tab for tab in tabs), f"{show}/ticket?name=T0003", f"{show}/seat?ticket=T0003"]
    found += [f"/events/{DRAFT}", f"/events/{LATER}/board", f"/events/{LATER}/conflicts", f"/events/{LATER}/pretix"]
    found += [f"/events/{LATER}/venue-hub", f"/events/{LATER}/erasure", *imports(hub, folder)]
    found += ["/devices", f"/devices/{token}", "/devices/hub-1", "/accounts", "/accounts/supervisor.li", "/me"]
    found += ["/places", "/audit", "/evidence?case=ticket:show/T1", "/events/none", *inbox(hub)]
    return [*found, "/report", "/report/answer", "/listed", "/listed/answer"]


def inbox(hub: Hub) -> list[str]:
    """A report with a photograph, one that is settled, and a case whose time is nearly over."""
    owner = Person("olga", "Olga", Role.OWNER, None, "zh")
    photo = cv2.imencode(".jpg", np.full((240, 320, 3), 150, np.uint8))[1].tobytes()
    reports.take(hub, "10.0.0.1", Told("穿红色外套的人在 B 口外兜售门票，\n一张要三倍价钱。", "B 口外", photo=photo))
    reports.take(hub, "10.0.0.1", Told("有人说可以带人进场", "地铁口"))
    document = Document(DocumentType.RESIDENT_ID, "11010519491231002X")
    asked = Asked(Wish.APPEAL, document, "我只是替家人取票，从未倒卖。", "138 0000 0000")
    cases.open_case(hub, "10.0.0.1", asked)
    with hub.begin() as connection:
        first, second = reports.list_reports(hub, connection, owner, is_new=True)
        reports.settle(hub, connection, owner, second.report, Outcome.NOTHING, "已查看，未发现问题")
        case = connection.execute(select(watch_case.c.case)).scalar_one()
        venue = connection.execute(select(tables.venue.c.venue)).scalars().first()
    found = ["/reports", f"/reports/{first.report}", f"/reports/{second.report}", f"/reports/poster?venue={venue}"]
    return [*found, "/cases", f"/cases/{case}"]


def imports(hub: Hub, folder: Path) -> list[str]:
    """One with problems, one to look at, one on its way, one that is over."""
    jobs = [import_of(hub, write_table(folder / f"观众名单{bad}.xlsx", bad)) for bad in (3, 0, 1)]
    with hub.begin() as connection:
        job = tables.import_job
        row = connection.execute(select(job).where(job.c.job == jobs[1])).one()._asdict()
        moving = {"job": "import-moving", "state": "reading", "done": 41_000, "of": 80_000, "sealed_rows": None}
        connection.execute(insert(job).values(**row | moving | {"preview": "{}", "problems": json.dumps([])}))
        connection.execute(update(job).where(job.c.job == jobs[2]).values(state="done", problems="[]"))
    return [f"/events/{LATER}/import/{job}" for job in (*jobs, "import-moving")] + [f"/events/{LATER}/import"]


def import_of(hub: Hub, table: Path) -> str:
    folder = new_folder(hub)
    here = folder / "table.xlsx"
    here.write_bytes(table.read_bytes())
    job = start_import(hub, "organiser.li", Upload(LATER, table.name, here), folder)
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with hub.engine.connect() as connection:
            state = connection.execute(select(tables.import_job.c.state).where(tables.import_job.c.job == job)).scalar()
        if state != "reading":
            return job
    raise AssertionError("the import was not read")
