"""The site's own certificate authority: what a device pins when it is enrolled, and what the server shows it.

| file in the state folder | what it holds                                                        |
|--------------------------|----------------------------------------------------------------------|
| `authority.key`          | the authority's private key, 32 raw bytes on P-256, mode 0600         |
| `authority.pem`          | its certificate, which anybody may see                                |
| `server.pem`             | the server's key and certificate in one file, so that they never mix  |

P-256 is what every TLS library takes; the devices' own keys are Ed25519 (RFC 8410).
"""

from __future__ import annotations

import fcntl
import hashlib
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from models.store.errors import WrongStore
from models.store.key_file import read_secret, write_secret
from sync.server.settings import Settings

AUTHORITY_DAYS = 20 * 365
DEVICE_DAYS = 10 * 365  # what stops a device is its row, not a date
SERVER_DAYS = 365  # browsers take no more than 398
RENEW_DAYS = 60
_KEY_BYTES = 32
_BACKDATED = timedelta(days=1)  # a gate's clock may be behind


class Authority:
    """The key and the certificate. `Authority.open` makes both at the first start."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self.certificate = certificate

    @classmethod
    def open(cls, folder: Path, now: float) -> Authority:
        """The authority in `folder`. Raises `UnsafeKey`, and `WrongStore` where key and certificate don't match."""
        with _alone(folder):
            key_file, file = folder / "authority.key", folder / "authority.pem"
            if not key_file.exists():
                if file.exists():
                    raise WrongStore(f"{key_file} is missing, {file} is there: put the key back from a backup")
                fresh = ec.generate_private_key(ec.SECP256R1())
                write_secret(key_file, fresh.private_numbers().private_value.to_bytes(_KEY_BYTES, "big"))
            scalar = int.from_bytes(read_secret(key_file, _KEY_BYTES), "big")
            key = ec.derive_private_key(scalar, ec.SECP256R1())
            if not file.exists():
                _write(file, _self_signed(key, now).public_bytes(Encoding.PEM), 0o644)
            certificate = x509.load_pem_x509_certificate(file.read_bytes())
        if certificate.public_key() != key.public_key():
            raise WrongStore(f"{file} is not the certificate of {key_file}: put back the one that belongs to it")
        return cls(key, certificate)

    @property
    def pem(self) -> str:
        """The certificate, to be given to anybody."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate's DER, 64 hexadecimal digits: what an enrolment code names."""
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()

    def certify_device(self, site: str, device: str, signing_key: bytes, now: float) -> str:
        """PEM of a certificate that says: this raw Ed25519 key is `device`'s at `site`. Raises `ValueError`."""
        name = _name((NameOID.ORGANIZATION_NAME, site), (NameOID.COMMON_NAME, device))
        public_key = Ed25519PublicKey.from_public_bytes(signing_key)
        builder = _builder(name, self.certificate.subject, now, DEVICE_DAYS).public_key(public_key)
        builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        builder = builder.add_extension(_key_usage(digital_signature=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        return self._sign(builder).public_bytes(Encoding.PEM).decode()

    def server_file(self, settings: Settings, now: float) -> Path:
        """The server's key and certificate; made anew when they end soon, or when its names have changed."""
        path = settings.state_dir / "server.pem"
        with _alone(settings.state_dir):
            if not (path.exists() and self._is_good(path, settings.names, now)):
                _write(path, self._server_pem(settings.names, now), 0o600)
        return path

    def _is_good(self, path: Path, names: tuple[str, ...], now: float) -> bool:
        found = x509.load_pem_x509_certificates(path.read_bytes())[0]
        ends = found.not_valid_after_utc.timestamp() - timedelta(days=RENEW_DAYS).total_seconds()
        held = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        signed_here = found.issuer == self.certificate.subject and list(held) == list(_alternatives(names))
        return now < ends and signed_here

    def _server_pem(self, names: tuple[str, ...], now: float) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name((NameOID.COMMON_NAME, names[0][:64])), self.certificate.subject, now, SERVER_DAYS)
        builder = builder.public_key(key.public_key()).add_extension(_alternatives(names), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        builder = builder.add_extension(_key_usage(digital_signature=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return private + self._sign(builder).public_bytes(Encoding.PEM) + self.certificate.public_bytes(Encoding.PEM)

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        own = self.certificate.public_key()
        assert isinstance(own, ec.EllipticCurvePublicKey)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(own)
        return builder.add_extension(identifier, critical=False).sign(self._key, SHA256())


def spoken(fingerprint: str) -> str:
    """A fingerprint in groups of four, to be compared by eye."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def _self_signed(key: ec.EllipticCurvePrivateKey, now: float) -> x509.Certificate:
    name = _name((NameOID.COMMON_NAME, f"Menshen authority {os.urandom(4).hex()}"))
    builder = _builder(name, name, now, AUTHORITY_DAYS).public_key(key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
    builder = builder.add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(identifier, critical=False).sign(key, SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, now: float, days: int) -> x509.CertificateBuilder:
    at = datetime.fromtimestamp(int(now), UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(at - _BACKDATED).not_valid_after(at + timedelta(days=days))


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def _alternatives(names: tuple[str, ...]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_alternative(name) for name in names])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(**wanted: bool) -> x509.KeyUsage:
    kinds = "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
    kinds += " key_cert_sign crl_sign encipher_only decipher_only"
    return x509.KeyUsage(**{kind: wanted.get(kind, False) for kind in kinds.split()})


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Workers that start at once take turns."""
    with (folder / ".authority.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
