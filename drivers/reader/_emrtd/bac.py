"""Basic Access Control (Doc 9303-11, 4.3): three-pass authentication with keys made of the MRZ. Both halves."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

from drivers.errors import BadAnswer
from drivers.reader._emrtd.apdu import Channel, ChipRefused, Command, WrongSecret
from drivers.reader._emrtd.keys import ENC, MAC, Cipher, bac_keys, xor
from drivers.reader._emrtd.messaging import SecureMessaging

_DES = Cipher.DES3
Random = Callable[[int], bytes]


def open_bac(channel: Channel, information: str, random: Random = secrets.token_bytes) -> None:
    """Open the chip with MRZ_information and secure the channel.

    Raises `WrongSecret` where the chip refuses, `BadAnswer` where its answer isn't of the same keys.
    """
    keys = bac_keys(information)
    rnd_ic = channel.ask(Command(0x84, 0, 0, le=8), "asking for a challenge")
    if len(rnd_ic) != 8:
        raise BadAnswer("a challenge has 8 bytes", card_present=True)
    rnd_ifd, k_ifd = random(8), random(16)
    try:
        answer = channel.ask(Command(0x82, 0, 0, seal(keys, rnd_ifd + rnd_ic + k_ifd), le=40), "opening by BAC")
    except ChipRefused as error:
        raise WrongSecret("opening by BAC", error.sw) from error
    clear = unseal(keys, answer)
    if clear[:16] != rnd_ic + rnd_ifd:
        raise BadAnswer("the chip repeats other challenges than those of this session", card_present=True)
    channel.protection = session(k_ifd, clear[16:], rnd_ic, rnd_ifd)


class BacChip:
    """The chip's half."""

    def __init__(self, information: str, random: Random = secrets.token_bytes) -> None:
        self._keys = bac_keys(information)
        self._random = random
        self._challenge = b""

    def challenge(self) -> bytes:
        """Answer GET CHALLENGE."""
        self._challenge = self._random(8)
        return self._challenge

    def authenticate(self, data: bytes) -> tuple[bytes, SecureMessaging]:
        """Answer EXTERNAL AUTHENTICATE: the response's data and the session. Raises `BadAnswer` for wrong keys."""
        clear = unseal(self._keys, data)
        rnd_ic, self._challenge = self._challenge, b""
        if not rnd_ic or clear[8:16] != rnd_ic:
            raise BadAnswer("another challenge than the chip's")
        k_ic = self._random(16)
        answer = seal(self._keys, rnd_ic + clear[:8] + k_ic)
        return answer, session(clear[16:], k_ic, rnd_ic, clear[:8])


def seal(keys: tuple[bytes, bytes], clear: bytes) -> bytes:
    """32 bytes encrypted, and their MAC."""
    cryptogram = _DES.encrypt(keys[0], clear)
    return cryptogram + _DES.mac(keys[1], cryptogram)


def unseal(keys: tuple[bytes, bytes], data: bytes) -> bytes:
    """The 32 bytes in `data`. Raises `BadAnswer` where they aren't of these keys."""
    if len(data) != 40 or not hmac.compare_digest(_DES.mac(keys[1], data[:32]), data[32:]):
        raise BadAnswer("a BAC token that isn't of the same keys", card_present=True)
    return _DES.decrypt(keys[0], data[:32])


def session(k_ifd: bytes, k_ic: bytes, rnd_ic: bytes, rnd_ifd: bytes) -> SecureMessaging:
    """The session that both key halves make."""
    seed = xor(k_ifd, k_ic)
    ssc = int.from_bytes(rnd_ic[4:] + rnd_ifd[4:], "big")
    return SecureMessaging(_DES, _DES.derive(seed, ENC), _DES.derive(seed, MAC), ssc)
