"""A venue hub renews its own key at its centre, over the centre as it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from models.store.keys import load_or_make_signing_key
from models.store.vault import DeviceKey
from sync.contract import ClaimAnswer, ClaimRequest, Issuer
from sync.enrolment import Enrolment, keep, read
from sync.server import tables
from sync.server.database import migrate
from sync.server.devices import directory
from sync.server.hub import Hub, open_hub
from sync.server.settings import Settings
from sync.server.upstream import Beyond, towards_the_centre
from sync.server.upstream_papers import device_files, folder_of, papers_of
from tests.sync.site import SHOW, SITE, Site, a_site, until

pytestmark = pytest.mark.slow

DEVICE = "hub-1"
AGE_S = 8 * 365 * 86_400.0  # of ten years


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(tmp_path / "site") as made:
        yield made


@pytest.fixture
def venue(site: Site, tmp_path: Path) -> Iterator[Hub]:
    """A venue hub whose certificate is in its last third."""
    url = f"https://127.0.0.1:{site.port}"
    hub = open_hub(Settings(tmp_path / "venue", upstream=url))
    migrate(hub.engine)
    folder = folder_of(hub.settings)
    folder.mkdir(mode=0o700)
    public = load_or_make_signing_key(folder / "signing.key").public_key().public_bytes_raw()
    device_key = DeviceKey.make(folder / "device.key").public
    certificate = site.authority.certify_device(SITE, DEVICE, public, time.time() - AGE_S)
    issuer = Issuer("centre", site.hub.issuer_key.public_key().public_bytes_raw().hex())
    keep(folder, Enrolment(url, SITE, DEVICE, site.authority.pem, certificate, (issuer,)))
    with hub.begin() as connection:
        connection.execute(tables.site.insert().values(one=1, name="venue", made_at=0.0))
    row = {"device": DEVICE, "kind": "hub", "name": "H1", "venue": "v", "signing_key": public, "device_key": device_key}
    with site.hub.begin() as connection:
        fixed = {"certificate": certificate, "state": "enrolled", "made_at": 0.0}
        connection.execute(tables.device.insert().values(**row, **fixed))
    yield hub
    hub.engine.dispose()


def _known(site: Site) -> bytes:
    ((key,),) = site.rows(select(tables.device.c.signing_key).where(tables.device.c.device == DEVICE))
    assert isinstance(key, bytes)
    return key


def test_a_hub_renews_by_itself_and_its_other_workers_go_on_with_the_new_key(site: Site, venue: Hub) -> None:
    papers = papers_of(venue.settings)
    assert papers is not None
    first = _known(site)

    async def evening() -> list[ClaimAnswer]:
        other = Beyond(venue)
        other.open(papers)
        async with towards_the_centre(venue):
            await until(lambda: _known(site) != first and not device_files(venue.settings).begun)
            claim = ClaimRequest("c1", SHOW, "T1")
            unanswered = [ClaimAnswer("c1", "no_answer")]
            answers = unanswered
            ends = time.monotonic() + 15
            while answers == unanswered and time.monotonic() < ends:
                answers = await other.complete([claim], unanswered)
                await asyncio.sleep(0.05)
        await other.close()
        return answers

    with site.hub.begin() as connection:
        connection.execute(update(tables.event).values(lessee=None))
    directory(site.hub).forget(DEVICE)
    assert asyncio.run(evening()) == [ClaimAnswer("c1", "granted")]
    public = device_files(venue.settings).key().public_key().public_bytes_raw()
    assert public == _known(site)
    assert read(folder_of(venue.settings)).certificate != papers.certificate
