"""The client against servers that answer what no server should: over TLS, from a script."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.wire import to_json
from sync.client import LARGEST_ANSWER, Client, authority_only
from sync.contract import BundleOffer, ClaimBatch, Contact, LedgerBatch, Standing
from sync.download import TooLarge, download, part_of
from sync.failures import Garbled, RefusedBy, Revoked, SyncFailed, Unreachable
from sync.numbers import KeptNumber
from sync.server.authority import Authority
from sync.server.settings import Settings
from sync.signing import Signer, claimed_by, verify

KEY = Ed25519PrivateKey.generate()
OFFER = BundleOffer("演出", 3, "base", 0, 10, "d")
CALM = to_json(Standing(5.0, "", 1))


def answer(body: bytes = b"", status: str = "200 OK", head: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


class Script:
    """A server that gives these answers, one a request, and keeps what it was asked. The last one is for all others."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = first.split(" ")
        self.asked.append((method, target, headers, body))
        writer.write(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
        try:
            await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    """The authority's certificate, and what a server under it shows."""
    folder = tmp_path_factory.mktemp("authority")
    made = Authority.open(folder, time.time())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server_file(Settings(folder), time.time()))
    return made.pem, context


@pytest.fixture
def play(authority: tuple[str, ssl.SSLContext], tmp_path: Path):
    """Run a scene with a client of the scripted server."""

    def run(script: Script, scene: Callable[[Client], Awaitable[None]]) -> None:
        async def at_once() -> None:
            server = await asyncio.start_server(script.serve, "127.0.0.1", 0, ssl=authority[1])
            port = server.sockets[0].getsockname()[1]
            signer = Signer("hall", "gate-1", KEY, time.time)
            numbers = KeptNumber(tmp_path / "number")
            client = Client(f"https://127.0.0.1:{port}", authority_only(authority[0]), signer, numbers)
            await scene(client)
            await client.close()
            server.close()

        asyncio.run(at_once())

    return run


def test_every_request_is_signed_with_a_rising_number_that_the_file_covers(play, tmp_path: Path):
    script = Script(answer(CALM))

    async def scene(client: Client) -> None:
        _, first = await client.contact(Contact(1.0))
        _, second = await client.contact(Contact(2.0))
        assert first < second <= KeptNumber(tmp_path / "number").kept

    play(script, scene)
    for method, target, headers, body in script.asked:
        named = {name.title(): value for name, value in headers.items()}
        verify(claimed_by(named), KEY.public_key().public_bytes_raw(), method, target, body)


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (answer(b"{}"), Garbled),
        (answer(b"<html>"), Garbled),
        (answer(b"x" * (LARGEST_ANSWER + 1)), Garbled),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", Unreachable),
        (b"SSH-2.0-elsewhere\r\n", Unreachable),
        (b"", Unreachable),
        (answer(b"", "503 Busy"), Unreachable),
        (answer(b"", "302 Found", "Location: https://elsewhere/\r\n"), RefusedBy),
        (answer(b'{"code":"gap","detail":"from 7 on"}', "409 Conflict"), RefusedBy),
        (answer(b'{"code":"revoked","detail":"enrol it"}', "401 No"), Revoked),
    ],
)
def test_what_is_no_answer_is_one_failure_of_the_tree(play, said: bytes, failure: type[SyncFailed]):
    async def scene(client: Client) -> None:
        with pytest.raises(SyncFailed) as raised:
            await client.send(LedgerBatch("e", "", ()))
        assert isinstance(raised.value, failure)
        assert isinstance(raised.value, Revoked) == (failure is Revoked)

    play(Script(said), scene)


def test_a_number_that_fell_behind_leaps_until_it_is_taken(play):
    replayed = answer(b'{"code":"replayed","detail":"sign it anew"}', "409 Conflict")
    script = Script(replayed, replayed, answer(CALM))

    async def scene(client: Client) -> None:
        for _ in range(2):
            with pytest.raises(RefusedBy):
                await client.contact(Contact(1.0))
        await client.contact(Contact(1.0))

    play(script, scene)
    first, second, third = (int(headers["menshen-number"]) for _, _, headers, _ in script.asked)
    assert second - first >= 60_000_000
    assert third - second >= 120_000_000


@pytest.mark.parametrize("script", [Script(answer(CALM)), Script(b"", answer(CALM))])
def test_a_connection_that_was_given_up_costs_nothing(play, script: Script):
    """The server closes after each answer without a word, or before it: the request is made once more."""

    async def scene(client: Client) -> None:
        for at in (1.0, 2.0):
            await client.contact(Contact(at))

    play(script, scene)


def test_a_server_that_says_nothing_costs_a_claim_its_time_and_no_more(play):
    class Silent(Script):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

    async def scene(client: Client) -> None:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"0\.1 s"):
            await client.claim(ClaimBatch(()), 0.1)
        assert time.monotonic() - began < 0.3

    play(Silent(), scene)


def piece(begins: int, body: bytes, size: int = 10) -> bytes:
    ends = begins + len(body) - 1
    return answer(body, "206 Partial Content", f"Content-Range: bytes {begins}-{ends}/{size}\r\n")


def test_a_bundle_that_was_cut_is_gone_on_with(play, tmp_path: Path):
    script = Script(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123", piece(4, b"456789"))

    async def scene(client: Client) -> None:
        with pytest.raises(Unreachable):
            await download(client, OFFER, tmp_path / "bundles")
        assert part_of(tmp_path / "bundles", OFFER).read_bytes() == b"0123"
        path = await download(client, OFFER, tmp_path / "bundles")
        assert path.read_bytes() == b"0123456789"
        await download(client, OFFER, tmp_path / "bundles")

    play(script, scene)
    assert [headers.get("range") for _, _, headers, _ in script.asked] == [None, "bytes=4-"], "whole, none is asked for"
    assert script.asked[0][1] == "/v1/gate/bundles/%E6%BC%94%E5%87%BA/3"


@pytest.mark.parametrize(
    "said",
    [
        answer(b"0123456789A"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"8\r\n01234567\r\n" * 500,
        piece(0, b"0123456789A", 11),
        answer(b"0123", "206 Partial Content"),
        piece(7, b"789"),
        answer(b"0123"),
    ],
)
def test_what_is_another_length_than_was_offered_is_no_bundle(play, tmp_path: Path, said: bytes):
    async def scene(client: Client) -> None:
        with pytest.raises(Garbled):
            await download(client, OFFER, tmp_path / "bundles")

    play(Script(said), scene)
    part = part_of(tmp_path / "bundles", OFFER)
    assert not part.exists() or part.stat().st_size < OFFER.size


def test_a_server_that_sends_all_again_is_taken_at_its_word(play, tmp_path: Path):
    part_of(tmp_path, OFFER).write_bytes(b"xxxx")

    async def scene(client: Client) -> None:
        assert (await download(client, OFFER, tmp_path)).read_bytes() == b"0123456789"

    play(Script(answer(b"0123456789")), scene)


def test_what_does_not_fit_is_begun_anew(play, tmp_path: Path):
    part_of(tmp_path, OFFER).write_bytes(b"x" * 4)

    async def scene(client: Client) -> None:
        with pytest.raises(RefusedBy):
            await download(client, OFFER, tmp_path)
        assert not part_of(tmp_path, OFFER).exists()

    play(Script(answer(b"", "416 Range Not Satisfiable")), scene)


@pytest.mark.parametrize("size", [0, -5, 2**60])
def test_an_offer_beyond_measure_is_not_asked_for(play, tmp_path: Path, size: int):
    async def scene(client: Client) -> None:
        with pytest.raises(TooLarge):
            await download(client, BundleOffer("e", 1, "base", 0, size, ""), tmp_path)

    play(Script(answer()), scene)
