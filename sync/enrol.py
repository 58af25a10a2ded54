"""How a box becomes a device of a site: it is told where the server is, a code, and which authority it must meet.

    menshen://hub.example:8443/7K3M-9QTV-X0D2-HWEN?ca=…64 hexadecimal digits…

The code is said to nobody but a server whose certificate comes from that authority. All of this blocks.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from models.wire import WireError, from_json, to_json
from sync.client import LARGEST_ANSWER, authority_only, refusal
from sync.contract import VERSION, Enrolled, EnrolRequest
from sync.enrolment import Enrolment, papers
from sync.failures import Garbled, SyncFailed, Unreachable

WAIT_S = 15.0


class NoInvitation(ValueError):
    """The text is none that a server shows."""


class OtherAuthority(SyncFailed):
    """Who answers there is not the one that the invitation names."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a server shows for one device. `ca` is the SHA-256 of the authority's certificate, in hexadecimal."""

    host: str
    port: int
    code: str = field(repr=False)
    ca: str

    @property
    def server(self) -> str:
        """The server's URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"


def read_invitation(text: str) -> Invitation:
    """The parts of `menshen://HOST:PORT/CODE?ca=FINGERPRINT`. Raises `NoInvitation`."""
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NoInvitation("the invitation's address can't be read: copy it whole") from None
    ca = re.sub(r"[\s:]", "", parse_qs(parts.query).get("ca", [""])[0]).lower()
    code = parts.path.strip("/")
    if parts.scheme != "menshen" or not host or not code:
        raise NoInvitation("an invitation is written menshen://HOST:PORT/CODE?ca=FINGERPRINT, as the server shows it")
    if not re.fullmatch(r"[0-9a-f]{64}", ca):
        raise NoInvitation("the invitation's ca must be 64 hexadecimal digits: copy it whole")
    return Invitation(host, port or 8443, code, ca)


def enrol(invitation: Invitation, name: str, signing_key: bytes, device_key: bytes, program: str = "") -> Enrolment:
    """Ask to be let in, with raw public keys; the papers to keep. Raises `SyncFailed`: `OtherAuthority` and others."""
    authority = authority_at(invitation)
    wish = EnrolRequest(
        invitation.code, name, signing_key.hex(), device_key.hex(), program=program, authority=invitation.ca
    )
    answer = _ask(invitation.server, authority_only(authority), wish)
    if _fingerprint(answer.authority) != invitation.ca:
        raise OtherAuthority("the server's answer names another authority than the invitation: ask the office")
    return papers(invitation.server, answer)


def authority_at(invitation: Invitation) -> str:
    """The authority's certificate (PEM) as the server shows it, if it is the one that the invitation names.

    Nothing is said on this connection. Raises `OtherAuthority`, `Unreachable`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # what is shown is held against `ca`
    try:
        with (
            socket.create_connection((invitation.host, invitation.port), WAIT_S) as raw,
            context.wrap_socket(raw, server_hostname=invitation.host) as tls,
        ):
            shown = _chain(tls)
    except OSError as error:
        raise Unreachable(f"{invitation.server}: {error}") from None
    for certificate in shown:
        if hashlib.sha256(certificate).hexdigest() == invitation.ca:
            return ssl.DER_cert_to_PEM_cert(certificate)
    raise OtherAuthority(
        f"{invitation.server} is not under the authority that the invitation names: compare it with the server's screen"
    )


def _chain(tls: ssl.SSLSocket) -> list[bytes]:
    """The certificates that the server showed, as DER. Python has a public way to them from 3.13 on."""
    source: Any = tls if hasattr(tls, "get_unverified_chain") else tls._sslobj  # type: ignore[attr-defined]
    shown = source.get_unverified_chain() or ()
    return [one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in shown]


def _ask(server: str, context: ssl.SSLContext, wish: EnrolRequest) -> Enrolled:
    headers = {"Content-Type": "application/json"}
    try:
        with (
            httpx.Client(base_url=server, verify=context, timeout=WAIT_S, trust_env=False) as client,
            client.stream("POST", f"/{VERSION}/enrol", content=to_json(wish), headers=headers) as response,
        ):
            raw = b""
            for piece in response.iter_raw():
                raw += piece
                if len(raw) > LARGEST_ANSWER:
                    raise Garbled("the server's answer does not end")
    except httpx.HTTPError as error:
        raise Unreachable(f"{server}: {error}") from None
    if response.status_code != 200:
        raise refusal(response.status_code, raw)
    try:
        return from_json(Enrolled, raw)
    except WireError as error:
        raise Garbled(f"the server's answer can't be read: {error}") from None


def _fingerprint(pem: str) -> str:
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()
    except ValueError:
        return ""
