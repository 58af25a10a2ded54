"""A device's key and certificate are renewed over the real server, whatever breaks in between."""

from __future__ import annotations

import asyncio
import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update

from gate.cli import main
from gate.config import sample
from models.link import Reach
from models.store.key_file import write_secret
from models.store.keys import load_or_make_signing_key
from sync.agent import Agent
from sync.client import Client, authority_only
from sync.contract import Contact
from sync.enrolment import keep, read
from sync.failures import RefusedBy
from sync.numbers import KeptNumber
from sync.post import Post
from sync.renewal import DeviceFiles, RenewedElsewhere, due_at, renew
from sync.server import tables
from sync.server.devices import directory
from sync.signing import Signer
from tests.sync.site import SITE, Box, Site, a_site, at_work, until

pytestmark = pytest.mark.slow

YEAR_S = 365 * 86_400.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("site") / "site") as made:
        yield made


def furnished(site: Site, name: str, age_years: float = 0.0) -> tuple[Box, DeviceFiles, Post]:
    """A gate with its key and its papers on the disk; how old its certificate is."""
    box = site.enrol(name)
    write_secret(box.folder / "signing.key", box.key.private_bytes_raw())
    public = box.key.public_key().public_bytes_raw()
    certificate = site.authority.certify_device(SITE, box.device, public, time.time() - age_years * YEAR_S)
    post = box.post()
    post = replace(
        post, enrolment=replace(post.enrolment, certificate=certificate), key_file=box.folder / "signing.key"
    )
    keep(box.folder, post.enrolment)
    files = post.device_files
    assert files is not None
    return box, files, post


def known_key(site: Site, box: Box) -> bytes:
    """By which key the server knows the gate."""
    device = tables.device
    ((key,),) = site.rows(select(device.c.signing_key).where(device.c.device == box.device))
    assert isinstance(key, bytes)
    return key


def public_of(files: DeviceFiles) -> bytes:
    """The key on the disk."""
    return files.key().public_key().public_bytes_raw()


def client_of(post: Post) -> Client:
    """As a sync process that has just begun."""
    papers, files = post.enrolment, post.device_files
    assert files is not None
    signer = Signer(papers.site, papers.device, files.key(), time.time)
    return Client(papers.server, authority_only(papers.authority), signer, KeptNumber(post.state_dir / "number"))


def renewed(post: Post) -> None:
    """A renewal, and a sign of life under the new key."""

    async def work() -> None:
        client, files = client_of(post), post.device_files
        assert files is not None
        try:
            await renew(client, files)
            await client.contact(Contact(time.time()))
        finally:
            await client.close()

    asyncio.run(work())


def test_the_last_third_of_a_certificate_is_the_time_to_renew(site: Site):
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    due = due_at(site.authority.certify_device(SITE, "d", key, 1_000_000_000.0))
    assert due is not None
    assert abs(due - (1_000_000_000.0 + 10 * YEAR_S * 2 / 3)) < 86_400
    assert due_at("") is None


@pytest.mark.parametrize(("age_years", "anew"), [(1.0, False), (8.0, True)])
def test_a_sync_process_renews_by_itself_in_time_and_not_before(site: Site, age_years: float, anew: bool):
    box, files, post = furnished(site, f"S{age_years:.0f}", age_years)

    async def evening() -> None:
        agent = Agent(post)
        async with at_work(agent):
            await until(lambda: agent.status().reach is Reach.ONLINE)
            if anew:
                await until(lambda: known_key(site, box) == public_of(files) and not files.begun)
            before = agent.status().contact_at
            box.writes(3)
            await until(lambda: agent.status().acknowledged == 3)
            assert agent.status().contact_at >= before

    first = public_of(files)
    asyncio.run(evening())
    assert (known_key(site, box) == public_of(files), public_of(files) != first) == (True, anew)
    certificate = read(box.folder).certificate
    assert (certificate != post.enrolment.certificate) is anew
    assert files.key_file.stat().st_mode & 0o777 == 0o600


def interrupted_before_it_was_told(site: Site, box: Box, files: DeviceFiles) -> None:
    load_or_make_signing_key(files.next_file)


def interrupted_before_the_answer(site: Site, box: Box, files: DeviceFiles) -> None:
    fresh = load_or_make_signing_key(files.next_file).public_key().public_bytes_raw()
    with site.hub.begin() as connection:
        device = tables.device
        connection.execute(update(device).where(device.c.device == box.device).values(signing_key=fresh))
        old = {"device": box.device, "signing_key": box.key.public_key().public_bytes_raw(), "until": 1.0}
        connection.execute(tables.old_key.insert().values(**old))
    directory(site.hub).forget(box.device)


def interrupted_before_the_papers(site: Site, box: Box, files: DeviceFiles) -> None:
    interrupted_before_the_answer(site, box, files)
    files.next_file.replace(files.key_file)


BREAKS = [interrupted_before_it_was_told, interrupted_before_the_answer, interrupted_before_the_papers]


@pytest.mark.parametrize("interrupted", BREAKS)
def test_whoever_was_interrupted_goes_on_where_it_was(site: Site, interrupted: Callable[..., None]):
    box, files, post = furnished(site, f"I{BREAKS.index(interrupted)}")
    interrupted(site, box, files)
    renewed(post)
    assert known_key(site, box) == public_of(files)
    assert not files.begun
    assert read(box.folder).certificate != post.enrolment.certificate


@pytest.mark.parametrize("interrupted", BREAKS)
def test_a_sync_process_that_was_killed_meanwhile_is_in_touch_again(site: Site, interrupted: Callable[..., None]):
    box, files, post = furnished(site, f"K{BREAKS.index(interrupted)}")
    interrupted(site, box, files)

    async def evening() -> None:
        agent = Agent(replace(post, signing_key=files.key()))
        async with at_work(agent):
            await until(lambda: agent.status().reach is Reach.ONLINE)
            await until(lambda: not files.begun)

    asyncio.run(evening())
    assert known_key(site, box) == public_of(files)


def test_a_device_whose_keys_are_both_unknown_keeps_them(site: Site):
    box, files, post = furnished(site, "U1")
    load_or_make_signing_key(files.next_file)
    with site.hub.begin() as connection:
        device = tables.device
        connection.execute(update(device).where(device.c.device == box.device).values(signing_key=bytes(range(32))))
    directory(site.hub).forget(box.device)
    before = files.key_file.read_bytes(), files.next_file.read_bytes()
    with pytest.raises(RefusedBy, match="signature"):
        renewed(post)
    assert (files.key_file.read_bytes(), files.next_file.read_bytes()) == before


def test_two_programs_do_not_renew_at_once(site: Site):
    _, files, post = furnished(site, "T1")
    with (files.folder / ".renewal.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RenewedElsewhere):
            renewed(post)
    renewed(post)


def test_a_technician_renews_while_the_sync_process_runs(site: Site, tmp_path: Path):
    box, files, post = furnished(site, "C1")
    text = sample().replace('name = "G1"', 'name = "C1"').replace("/var/lib/menshen", str(box.folder))
    for name, path in (("signing-key", files.key_file), ("device-key", box.folder / "device.key")):
        text = text.replace(f'"{name}"', f'"{path}"')
    text = text.replace("# signing_key", "signing_key").replace("# device_key", "device_key")
    (tmp_path / "gate.toml").write_text(text)

    async def evening() -> str:
        agent = Agent(post)
        async with at_work(agent):
            await until(lambda: agent.status().reach is Reach.ONLINE)
            command = ["renew", "--json", "--config", str(tmp_path / "gate.toml")]
            answer = await asyncio.to_thread(CliRunner().invoke, main, command)
            assert answer.exit_code == 0, answer.output
            box.writes(2)
            await until(lambda: agent.status().acknowledged == 2)
        return answer.output

    said = asyncio.run(evening())
    assert box.device in said
    assert known_key(site, box) == public_of(files) != box.key.public_key().public_bytes_raw()
