"""A device that talks to the program in this process: starlette's client, and every request signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import Response
from starlette.testclient import TestClient

from models.wire import to_json
from sync.signing import Signer


class Device:
    """One device's requests."""

    def __init__(self, client: TestClient, signer: Signer) -> None:
        self._client, self._signer = client, signer

    @classmethod
    def of(cls, client: TestClient, device: str, key: Ed25519PrivateKey, clock: Any, site: str = "hall") -> Device:
        """The device with this key."""
        return cls(client, Signer(site, device, key, clock))

    def ask(self, method: str, target: str, body: object = None, headers: Mapping[str, str] | None = None) -> Response:
        """One request."""
        content = b"" if body is None else to_json(body)
        signed = self._signer.headers(method, target, content)
        if content:
            signed["Content-Type"] = "application/json"
        answer: Response = self._client.request(method, target, content=content, headers=signed | dict(headers or {}))
        return answer

    def signed(self, method: str, target: str) -> list[tuple[bytes, bytes]]:
        """The headers of a request without a body, as a server program gets them."""
        made = self._signer.headers(method, target, b"")
        return [(name.lower().encode(), value.encode()) for name, value in made.items()]
