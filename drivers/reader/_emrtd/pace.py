"""PACE with elliptic curves and generic mapping (Doc 9303-11, 4.4): opening a chip by MRZ or CAN. Both halves.

Integrated mapping, chip authentication mapping and PACE over plain Diffie-Hellman are not spoken; a chip that offers
nothing else is opened by BAC.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from drivers.errors import BadAnswer
from drivers.reader._emrtd import tlv
from drivers.reader._emrtd.apdu import Channel, ChipRefused, Command, WrongSecret
from drivers.reader._emrtd.curves import BY_PARAM_ID, Curve
from drivers.reader._emrtd.keys import MAC, PACE, Cipher, mrz_seed
from drivers.reader._emrtd.messaging import SecureMessaging
from drivers.reader._emrtd.security import integer, oid_bytes, security_infos
from models.mrz import Can, MrzKey

ECDH_GM = "0.4.0.127.0.7.2.2.4.2"
_BY_MRZ, _BY_CAN = 1, 2
_STEPS = "nonce", "mapping", "key agreement", "mutual authentication"

Scalar = Callable[[Curve], int]


@dataclass(frozen=True, slots=True)
class PaceInfo:
    """One way of PACE that a chip offers. `ambiguous`: the chip offers the same protocol on several curves."""

    oid: str
    cipher: Cipher
    curve: Curve
    ambiguous: bool = False


def choose(card_access: bytes) -> PaceInfo | None:
    """The best way of PACE in EF.CardAccess that is spoken here, or `None`. Raises `BadAnswer`."""
    offers = [
        (info.oid, integer(info.optional))
        for info in security_infos(card_access)
        if info.oid.startswith(ECDH_GM + ".") and integer(info.required) == 2 and info.optional is not None
    ]
    ways = [
        PaceInfo(oid, Cipher.of(int(oid.rpartition(".")[2])), BY_PARAM_ID[param], [o for o, _ in offers].count(oid) > 1)
        for oid, param in offers
        if param in BY_PARAM_ID
    ]
    return max(ways, key=lambda way: (way.cipher is not Cipher.DES3, -way.curve.size), default=None)


def open_pace(
    channel: Channel, info: PaceInfo, secret: MrzKey | Can, scalar: Scalar = lambda curve: curve.random()
) -> None:
    """Open the chip and secure the channel.

    Raises `WrongSecret` where the chip refuses the secret, `ChipRefused` where it refuses PACE, `BadAnswer`.
    """
    _announce(channel, info, secret)
    half = PaceHalf(info, scalar)
    half.s = info.cipher.decrypt(pace_key(secret, info.cipher), _nonce(_step(channel, 0, b"", 0x80)))
    half.map(_step(channel, 1, tlv.pack(0x81, half.mapping_key()), 0x82))
    half.agree(_step(channel, 2, tlv.pack(0x83, half.ephemeral_key()), 0x84))
    token = _step(channel, 3, tlv.pack(0x85, half.token()), 0x86)
    if not hmac.compare_digest(token, half.expected_token()):
        raise BadAnswer("PACE: the chip's token is not of the same keys", card_present=True)
    channel.protection = half.session()


class PaceHalf:
    """One side's state. Chip and reader do the same with each other's keys. `s` is the nonce in clear."""

    def __init__(self, info: PaceInfo, scalar: Scalar = lambda curve: curve.random()) -> None:
        self._info, self._curve = info, info.curve
        self._scalar = scalar
        self.s = b""

    def mapping_key(self) -> bytes:
        """The public key for the mapping."""
        self._map_secret = self._scalar(self._curve)
        return self._curve.encode(self._curve.multiply_to_point(self._map_secret, self._curve.base))

    def map(self, other: bytes) -> None:
        """The base point of this session: G~ = s*G + H (4.4.3.3.1), H shared with the other's mapping key."""
        curve = self._curve
        shared = curve.multiply(self._map_secret, curve.decode(other))
        mapped = curve.add(curve.multiply(int.from_bytes(self.s, "big"), curve.base), shared)
        if mapped is None:
            raise BadAnswer("PACE: a mapping to infinity", card_present=True)
        self.base = mapped

    def ephemeral_key(self) -> bytes:
        """The public key for the agreement, on the mapped base point."""
        self._secret = self._scalar(self._curve)
        self._own = self._curve.encode(self._curve.multiply_to_point(self._secret, self.base))
        return self._own

    def agree(self, other: bytes) -> None:
        """The secret shared with the other's ephemeral key."""
        if other == self._own:
            raise BadAnswer("PACE: the chip sent our own key back", card_present=True)
        self._other = other
        point = self._curve.multiply_to_point(self._secret, self._curve.decode(other))
        self.shared = self._curve.x_bytes(point)

    def token(self) -> bytes:
        """What shows the other that we have the keys: a MAC over the other's ephemeral key."""
        return self._token(self._other)

    def expected_token(self) -> bytes:
        """What the other must show."""
        return self._token(self._own)

    def session(self) -> SecureMessaging:
        """The session that results."""
        return SecureMessaging.of_secret(self._info.cipher, self.shared)

    def _token(self, key: bytes) -> bytes:
        data = tlv.pack(0x7F49, tlv.pack(0x06, oid_bytes(self._info.oid)) + tlv.pack(0x86, key))
        return self._info.cipher.mac(self._info.cipher.derive(self.shared, MAC), data)


class PaceChip:
    """The chip's half: answers the four steps in order. `session` is there when the last has succeeded."""

    def __init__(
        self,
        info: PaceInfo,
        secret: MrzKey | Can,
        scalar: Scalar = lambda curve: curve.random(),
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._info = info
        self._half = PaceHalf(info, scalar)
        self._half.s = random(16)
        self._nonce = info.cipher.encrypt(pace_key(secret, info.cipher), self._half.s)
        self._next = 0
        self.session: SecureMessaging | None = None

    def answer(self, data: bytes) -> bytes:
        """Answer GENERAL AUTHENTICATE. Raises `BadAnswer` for anything out of place and for a wrong secret."""
        step, self._next = self._next, self._next + 1
        body = tlv.need(data, 0x7C)
        half = self._half
        if step == 0:
            inner = tlv.pack(0x80, self._nonce)
        elif step == 1:
            key = half.mapping_key()
            half.map(tlv.need(body, 0x81))
            inner = tlv.pack(0x82, key)
        elif step == 2:
            key = half.ephemeral_key()
            half.agree(tlv.need(body, 0x83))
            inner = tlv.pack(0x84, key)
        elif step == 3 and hmac.compare_digest(tlv.need(body, 0x85), half.expected_token()):
            inner = tlv.pack(0x86, half.token())
            self.session = half.session()
        else:
            raise BadAnswer("a wrong token")
        return tlv.pack(0x7C, inner)


def pace_key(secret: MrzKey | Can, cipher: Cipher) -> bytes:
    """K_pi, which hides the nonce (4.4.3.1 and 9.7.1)."""
    shared = mrz_seed(secret.information) if isinstance(secret, MrzKey) else secret.digits.encode("ascii")
    return cipher.derive(shared, PACE)


def _announce(channel: Channel, info: PaceInfo, secret: MrzKey | Can) -> None:
    """MSE:SET AT."""
    kind = _BY_MRZ if isinstance(secret, MrzKey) else _BY_CAN
    data = tlv.pack(0x80, oid_bytes(info.oid)) + tlv.pack(0x83, bytes([kind]))
    if info.ambiguous:
        data += tlv.pack(0x84, bytes([info.curve.param_id]))
    channel.ask(Command(0x22, 0xC1, 0xA4, data), "choosing PACE")


def _step(channel: Channel, step: int, data: bytes, tag: int) -> bytes:
    """One GENERAL AUTHENTICATE; all but the last are chained."""
    command = Command(0x86, 0, 0, tlv.pack(0x7C, data), le=256, cla=0 if step == 3 else 0x10)
    try:
        return tlv.need(channel.ask(command, f"PACE, {_STEPS[step]}"), 0x7C, tag)
    except ChipRefused as error:
        if step < 3:
            raise
        raise WrongSecret("opening by PACE", error.sw) from error


def _nonce(data: bytes) -> bytes:
    if len(data) != 16:
        raise BadAnswer("PACE: a nonce has 16 bytes", card_present=True)
    return data
