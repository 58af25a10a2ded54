"""Keys, padding and MACs of Doc 9303-11, section 9.7 and 9.8.

3DES is what the documents speak; it is used for nothing else here.
"""

from __future__ import annotations

import hashlib
from enum import Enum

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher as _Cipher
from cryptography.hazmat.primitives.ciphers import modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from drivers.errors import BadAnswer

ENC, MAC, PACE = 1, 2, 3
"""What a key is derived for."""


class Cipher(Enum):
    """Block cipher and key length in bytes. The last byte of a protocol's OID names them, 1 to 4."""

    DES3 = 16
    AES128 = -16
    AES192 = -24
    AES256 = -32

    @classmethod
    def of(cls, last_byte: int) -> Cipher:
        """The cipher that a protocol's OID names. Raises `BadAnswer`."""
        if not 1 <= last_byte <= 4:
            raise BadAnswer("the chip names a cipher that Doc 9303 doesn't know")
        return (cls.DES3, cls.AES128, cls.AES192, cls.AES256)[last_byte - 1]

    @property
    def key_size(self) -> int:
        """Bytes of a key."""
        return abs(self.value)

    @property
    def block(self) -> int:
        """Bytes of a block."""
        return 8 if self is Cipher.DES3 else 16

    def derive(self, secret: bytes, purpose: int) -> bytes:
        """KDF (9.7.1): the key for `purpose` (`ENC`, `MAC`, `PACE`) out of a shared secret."""
        seed = secret + purpose.to_bytes(4, "big")
        digest = hashlib.sha1(seed) if self.key_size == 16 else hashlib.sha256(seed)  # noqa: S324  the standard's
        key = digest.digest()[: self.key_size]
        return _with_parity(key) if self is Cipher.DES3 else key

    def encrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
        """CBC over whole blocks; the IV is zero unless given."""
        encryptor = self._cbc(key, iv).encryptor()
        return encryptor.update(data) + encryptor.finalize()

    def decrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
        """The reverse of `encrypt`. Raises `BadAnswer` where `data` isn't whole blocks."""
        if not data or len(data) % self.block:
            raise BadAnswer("the chip sent a cryptogram that is no whole number of blocks")
        decryptor = self._cbc(key, iv).decryptor()
        return decryptor.update(data) + decryptor.finalize()

    def mac(self, key: bytes, data: bytes) -> bytes:
        """Eight bytes: retail MAC for 3DES, over `data` padded, or CMAC."""
        if self is Cipher.DES3:
            return retail_mac(key, pad(data, 8))
        mac = CMAC(AES(key))
        mac.update(data)
        return mac.finalize()[:8]

    def _cbc(self, key: bytes, iv: bytes | None) -> _Cipher[modes.CBC]:
        mode = modes.CBC(iv or bytes(self.block))
        return _Cipher(TripleDES(key + key[:8]), mode) if self is Cipher.DES3 else _Cipher(AES(key), mode)


def retail_mac(key: bytes, padded: bytes) -> bytes:
    """ISO/IEC 9797-1 MAC algorithm 3 with DES over whole blocks: DES-CBC, the last block through two-key 3DES."""
    first, second = key[:8], key[8:16]
    chain = _Cipher(TripleDES(first * 3), modes.CBC(bytes(8))).encryptor().update(padded)[-8:]
    inner = _Cipher(TripleDES(second * 3), modes.CBC(bytes(8))).decryptor().update(chain)
    return _Cipher(TripleDES(first * 3), modes.CBC(bytes(8))).encryptor().update(inner)


def pad(data: bytes, block: int) -> bytes:
    """ISO/IEC 9797-1 padding method 2: 80, then zeros."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block)


def unpad(data: bytes) -> bytes:
    """Take the padding off. Raises `BadAnswer` where there is none."""
    stripped = data.rstrip(b"\x00")
    if not stripped.endswith(b"\x80"):
        raise BadAnswer("the chip's cryptogram holds no padding: wrong key or damaged")
    return stripped[:-1]


def mrz_seed(information: str) -> bytes:
    """SHA-1 of MRZ_information, 20 bytes: K for PACE; its first 16 bytes are Kseed for BAC."""
    return hashlib.sha1(information.encode("ascii")).digest()  # noqa: S324  the standard's


def bac_keys(information: str) -> tuple[bytes, bytes]:
    """K_Enc and K_MAC of Basic Access Control."""
    seed = mrz_seed(information)[:16]
    return Cipher.DES3.derive(seed, ENC), Cipher.DES3.derive(seed, MAC)


def xor(a: bytes, b: bytes) -> bytes:
    """Byte by byte; both of one length."""
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _with_parity(key: bytes) -> bytes:
    """Set each byte's lowest bit so that the byte has an odd number of ones."""
    return bytes(b & 0xFE | (bin(b >> 1).count("1") + 1) & 1 for b in key)
