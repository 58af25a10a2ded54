"""A travel document's chip, simulated: the other end of the wire, and of every attack that the reader must notice.

It speaks BAC, PACE, secure messaging, file reading and both proofs of the chip, and it is as strict as chips are: a
command out of place ends the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from drivers.errors import BadAnswer
from drivers.reader._emrtd import issue, tlv
from drivers.reader._emrtd.apdu import (
    END_OF_FILE,
    NOT_FOUND,
    OK,
    SECURITY_STATUS,
    SM_WRONG,
    Command,
    Response,
)
from drivers.reader._emrtd.bac import BacChip
from drivers.reader._emrtd.chip import CA_ECDH, CA_KEY_ECDH
from drivers.reader._emrtd.curves import BY_PARAM_ID, Curve
from drivers.reader._emrtd.files import APPLICATION, CARD_ACCESS, COM, SOD, fid_of
from drivers.reader._emrtd.keys import Cipher
from drivers.reader._emrtd.messaging import SecureMessaging
from drivers.reader._emrtd.pace import ECDH_GM, PaceChip, choose
from drivers.reader._emrtd.security import dotted
from models.mrz import Can, parse_mrz

WRONG_LENGTH, FAILED, WRONG_DATA, UNKNOWN_COMMAND = 0x6700, 0x6300, 0x6A80, 0x6D00
_NOTHING_SELECTED = 0x6986


@dataclass(frozen=True, slots=True)
class ChipKey:
    """The static key of chip authentication."""

    curve: Curve
    secret: int = field(repr=False)
    cipher: Cipher = Cipher.AES128

    @classmethod
    def make(cls, param_id: int = 13, cipher: Cipher = Cipher.AES128) -> ChipKey:
        """A fresh one."""
        curve = BY_PARAM_ID[param_id]
        return cls(curve, curve.random(), cipher)

    @property
    def oid(self) -> str:
        """The protocol's name."""
        return f"{CA_ECDH}.{list(Cipher).index(self.cipher) + 1}"


@dataclass(frozen=True, slots=True)
class Contents:
    """All that is in a chip. A clone is a copy with the readable files and without the keys."""

    mrz: str = field(repr=False)
    files: dict[int, bytes] = field(repr=False)
    can: str = field(default="", repr=False)
    chip_key: ChipKey | None = None
    active_key: rsa.RSAPrivateKey | None = field(default=None, repr=False)

    def with_file(self, fid: int, data: bytes) -> Contents:
        """A forgery: one file replaced."""
        return replace(self, files={**self.files, fid: data})

    def cloned(self) -> Contents:
        """A copy: same files, keys of its own."""
        key = ChipKey.make(self.chip_key.curve.param_id, self.chip_key.cipher) if self.chip_key else None
        return replace(self, chip_key=key, active_key=self.active_key and rsa.generate_private_key(65537, 2048))


def personalise(
    issuer: issue.Issuer,
    mrz: str,
    portrait: bytes,
    *,
    name: str = "",
    personal_number: str = "",
    can: str = "",
    pace: tuple[tuple[int, Cipher], ...] = (),
    chip_key: ChipKey | None = None,
    active_key: rsa.RSAPrivateKey | None = None,
) -> Contents:
    """The contents of a document. `pace`: curves by PACE's number and ciphers; none means BAC alone."""
    groups = {1: issue.dg1(mrz), 2: issue.dg2(portrait)}
    if name or personal_number:
        groups[11] = issue.dg11(name, personal_number)
    if chip_key:
        point = chip_key.curve.multiply_to_point(chip_key.secret, chip_key.curve.base)
        infos = issue.security_info(CA_KEY_ECDH, issue.ec_key_info(chip_key.curve, point))
        infos += issue.security_info(chip_key.oid, issue.der_integer(1))
        groups[14] = tlv.pack(0x6E, tlv.pack(0x31, infos))
    if active_key:
        groups[15] = tlv.pack(0x6F, issue.rsa_key_info(active_key))
    files = {fid_of(n): data for n, data in groups.items()} | {COM: issue.com(groups), SOD: issuer.sign(groups)}
    if pace:
        offers = (
            issue.security_info(
                f"{ECDH_GM}.{list(Cipher).index(cipher) + 1}", issue.der_integer(2), issue.der_integer(param)
            )
            for param, cipher in pace
        )
        files[CARD_ACCESS] = tlv.pack(0x31, b"".join(offers))
    return Contents(mrz, files, can, chip_key, active_key)


class SimulatedDocument:
    """A chip in the field (see `Chip`). `log` keeps the instruction bytes that were said."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._key = parse_mrz(contents.mrz).key
        self._session: SecureMessaging | None = None
        self._next_session: SecureMessaging | None = None
        self._application = False
        self._file: bytes | None = None
        self._bac = BacChip(self._key.information)
        self._pace: PaceChip | None = None
        self._chip_authentication = False
        self.log: list[int] = []

    def transmit(self, apdu: bytes) -> bytes:
        """See `Chip`."""
        try:
            command = Command.decode(apdu)
        except BadAnswer:
            return Response(b"", WRONG_LENGTH).encode()
        self.log.append(command.ins)
        if self._session is None:
            return self._carry_out(command).encode()
        return self._in_session(self._session, command, le=command.le or 0)

    def _in_session(self, session: SecureMessaging, wrapped: Command, le: int) -> bytes:
        try:
            command = session.open_command(wrapped)
        except BadAnswer:
            self._session = None
            return Response(b"", SM_WRONG).encode()
        response = session.seal_response(self._carry_out(command), odd=bool(command.ins & 1))
        if self._next_session:  # new keys count from the command after the one that agreed on them
            self._session, self._next_session = self._next_session, None
        if len(response.data) > le:
            return Response(b"", WRONG_LENGTH).encode()  # what doesn't fit the frame is lost
        return response.encode()

    def _carry_out(self, command: Command) -> Response:
        answers = {
            0xA4: self._select,
            0xB0: self._read,
            0xB1: self._read,
            0x84: self._challenge,
            0x82: self._external,
            0x22: self._manage,
            0x86: self._general,
            0x88: self._internal,
        }
        answer = answers.get(command.ins)
        try:
            return answer(command) if answer else Response(b"", UNKNOWN_COMMAND)
        except BadAnswer:
            return Response(b"", FAILED)

    # files

    def _select(self, command: Command) -> Response:
        if command.p1 == 4:
            self._application = command.data == APPLICATION
            return Response(b"", OK if self._application else NOT_FOUND)
        fid = int.from_bytes(command.data, "big")
        if fid != CARD_ACCESS and not (self._session and self._application):
            return Response(b"", SECURITY_STATUS)
        self._file = self._contents.files.get(fid)
        return Response(b"", NOT_FOUND if self._file is None else OK)

    def _read(self, command: Command) -> Response:
        if self._file is None:
            return Response(b"", _NOTHING_SELECTED)
        odd = bool(command.ins & 1)
        offset = command.p1 << 8 | command.p2
        if odd:
            offset = int.from_bytes(tlv.single(command.data, 0x54).value, "big")
        elif offset > 0x7FFF:
            return Response(b"", WRONG_DATA)
        room = command.le or 0
        data = self._file[offset : offset + room]
        while odd and len(tlv.pack(0x53, data)) > room:
            data = data[:-1]
        sw = OK if offset + room <= len(self._file) or odd else END_OF_FILE
        return Response(tlv.pack(0x53, data) if odd else data, sw)

    # opening

    def _challenge(self, command: Command) -> Response:
        return Response(self._bac.challenge())

    def _external(self, command: Command) -> Response:
        answer, session = self._bac.authenticate(command.data)
        self._session = session
        return Response(answer)

    def _manage(self, command: Command) -> Response:
        objects = {item.tag: item.value for item in tlv.parse(command.data)}
        if (command.p1, command.p2) == (0xC1, 0xA4):
            return self._choose_pace(objects)
        if command.p1 != 0x41 or self._contents.chip_key is None or self._session is None:
            return Response(b"", WRONG_DATA)
        if command.p2 == 0xA6 and self._contents.chip_key.cipher is Cipher.DES3:
            self._agree(self._contents.chip_key, objects.get(0x91, b""))
            return Response(b"")
        self._chip_authentication = dotted(objects.get(0x80, b"")) == self._contents.chip_key.oid
        return Response(b"", OK if self._chip_authentication else WRONG_DATA)

    def _choose_pace(self, objects: dict[int, bytes]) -> Response:
        offered = self._contents.files.get(CARD_ACCESS)
        info = choose(offered) if offered else None
        by_can = objects.get(0x83) == b"\x02"
        if info is None or dotted(objects.get(0x80, b"")) != info.oid or (by_can and not self._contents.can):
            return Response(b"", WRONG_DATA)
        if info.ambiguous and objects.get(0x84) != bytes([info.curve.param_id]):
            return Response(b"", WRONG_DATA)
        self._pace = PaceChip(info, Can(self._contents.can) if by_can else self._key)
        return Response(b"")

    def _general(self, command: Command) -> Response:
        if self._chip_authentication and self._contents.chip_key:
            self._chip_authentication = False
            self._agree(self._contents.chip_key, tlv.need(command.data, 0x7C, 0x80))
            return Response(tlv.pack(0x7C, b""))
        if self._pace is None:
            return Response(b"", WRONG_DATA)
        response = Response(self._pace.answer(command.data))
        if self._pace.session:
            self._session = self._pace.session
            self._pace = None
        return response

    # proofs

    def _agree(self, key: ChipKey, ephemeral: bytes) -> None:
        point = key.curve.multiply_to_point(key.secret, key.curve.decode(ephemeral))
        self._next_session = SecureMessaging.of_secret(key.cipher, key.curve.x_bytes(point))

    def _internal(self, command: Command) -> Response:
        if self._contents.active_key is None or self._session is None:
            return Response(b"", WRONG_DATA)
        return Response(sign_9796(self._contents.active_key, command.data))


def sign_9796(key: rsa.RSAPrivateKey, challenge: bytes) -> bytes:
    """ISO/IEC 9796-2 scheme 1 with SHA-256 and partial recovery, as active authentication has it."""
    size = key.key_size // 8
    message = bytes(range(256))[: size - 32 - 3]
    digest = hashes.Hash(hashes.SHA256())
    digest.update(message + challenge)
    block = b"\x6a" + message + digest.finalize() + b"\x34\xcc"
    numbers = key.private_numbers()
    return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")
