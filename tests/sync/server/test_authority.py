"""The site's own authority: made once, kept safe, believed by OpenSSL."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.store.errors import UnsafeKey, WrongStore
from sync.server.authority import SERVER_DAYS, Authority, spoken
from sync.server.settings import Settings

NOW = 1_780_000_000.0
DAY = 86_400.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path, NOW)


def _shaken_hands(server_file: Path, trusted: str, name: str) -> None:
    """Have OpenSSL on both ends shake hands; raises what the client says."""
    ours, theirs = socket.socketpair()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(server_file)
    client = ssl.create_default_context(cadata=trusted)

    def answer() -> None:
        try:
            server.wrap_socket(ours, server_side=True).close()
        except (ssl.SSLError, OSError):
            ours.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        client.wrap_socket(theirs, server_hostname=name).close()
    finally:
        theirs.close()
        thread.join(10)


@pytest.fixture
def today(tmp_path: Path) -> Authority:
    """An authority of this very moment, for OpenSSL has its own clock."""
    return Authority.open(tmp_path, time.time())


@pytest.mark.parametrize("name", ["hub.example", "192.0.2.7"])
def test_who_pins_the_authority_believes_the_server_under_its_names(
    today: Authority, tmp_path: Path, name: str
) -> None:
    settings = Settings(tmp_path, names=("hub.example", "192.0.2.7", "2001:db8::1"))
    file = today.server_file(settings, time.time())
    _shaken_hands(file, today.pem, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shaken_hands(file, today.pem, "other.example")


def test_the_server_of_another_site_is_not_believed(today: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority.open(tmp_path / "other", time.time())
    with pytest.raises(ssl.SSLCertVerificationError):
        _shaken_hands(today.server_file(Settings(tmp_path), time.time()), other.pem, "localhost")


def test_it_is_made_once_and_its_key_is_its_owners_alone(authority: Authority, tmp_path: Path) -> None:
    again = Authority.open(tmp_path, NOW + DAY)
    assert (again.fingerprint, again.pem) == (authority.fingerprint, authority.pem)
    assert (tmp_path / "authority.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "authority.key").chmod(0o640)
    with pytest.raises(UnsafeKey):
        Authority.open(tmp_path, NOW)


def test_a_key_that_was_lost_or_swapped_is_noticed(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    Authority.open(tmp_path / "other", NOW)
    key = tmp_path / "authority.key"
    key.unlink()
    with pytest.raises(WrongStore, match="missing"):
        Authority.open(tmp_path, NOW)
    (tmp_path / "other" / "authority.key").rename(key)
    with pytest.raises(WrongStore, match="belongs to it"):
        Authority.open(tmp_path, NOW)


def test_the_servers_certificate_is_made_anew_before_it_ends_and_for_new_names(
    authority: Authority, tmp_path: Path
) -> None:
    settings = Settings(tmp_path)
    first = authority.server_file(settings, NOW).read_bytes()
    assert authority.server_file(settings, NOW + 100 * DAY).read_bytes() == first
    later = authority.server_file(settings, NOW + (SERVER_DAYS - 30) * DAY).read_bytes()
    assert later != first
    named = authority.server_file(replace(settings, names=("hub.example",)), NOW + (SERVER_DAYS - 30) * DAY)
    assert named.read_bytes() != later
    assert named.stat().st_mode & 0o777 == 0o600


def test_a_devices_certificate_names_its_site_itself_and_its_key(authority: Authority) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    made = x509.load_pem_x509_certificate(
        authority.certify_device("hall", "gate-1", key.public_bytes_raw(), NOW).encode()
    )
    made.verify_directly_issued_by(authority.certificate)
    assert made.public_key() == key
    assert made.subject.rfc4514_string() == "CN=gate-1,O=hall"
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_fingerprint_is_read_in_groups_of_four(authority: Authority) -> None:
    assert len(spoken(authority.fingerprint).split()) == 16
