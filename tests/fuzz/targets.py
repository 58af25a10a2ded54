"""What strangers can send us, parser by parser: how it is fed, what it may raise, and some good examples to begin with.

A target gets any bytes. It raises one of its declared errors or nothing; every other exception is a finding, and so is
an input that takes more than `SLOW_S` of processor time. Decoders of a stream also have to understand the next good
frames after any rubbish: `resyncs` holds them to it.
"""

from __future__ import annotations

import binascii
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers import _modbus
from drivers._uhppote import Function as DoorFunction
from drivers._uhppote import encode as door_packet
from drivers._uhppote import event_of, status_of
from drivers.ears import ContactEar, ModbusEar, OsdpEar, SamEar, TextEar
from drivers.errors import BadAnswer, DeviceRefused, UnknownDevice
from drivers.json_lines import JsonLines
from drivers.reader import _sam_frames as sam
from drivers.reader import sim
from drivers.reader._code_desk import open_desk
from drivers.reader._code_lines import CodeCutter
from drivers.reader._emrtd import apdu, files, issue, security, sod, tlv
from drivers.reader._osdp_frames import Frames
from drivers.reader._sam_cards import read_card, resident_card
from drivers.reader._wiegand import Format, Order, WrongLength, WrongParity, decode, encode, unpack
from drivers.reader.wedge import EV_KEY, EVENT, WedgeReader
from drivers.sensor._contact_lines import Line, LineCutter
from drivers.sensor._contact_lines import encode as contact_line
from drivers.tape import read_tape
from drivers.url import parse
from gate.config import ConfigError, load, sample
from models import base45, mrz, wire
from models.code import SignedCode, take_apart
from models.credential import Assurance, Credential, Medium
from models.ids import DocumentType
from models.record import Facts
from models.store.code_signature import code_keys, open_code, sign_code
from models.view import LaneView
from sync import bundle_format
from sync.bundle import look
from sync.refusals import BundleRefused

SLOW_S = 0.05
LONGEST = 2400
_ROOM = Path(tempfile.gettempdir())
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_KEYS = code_keys([_KEY.public_key().public_bytes_raw()])
_CODE = sign_code(SignedCode("hall", "T17", 0, 2_000_000_000), _KEY)


class Deaf(AssertionError):
    """A good frame after rubbish was not understood."""


class Slow(AssertionError):
    """One input took more than `SLOW_S`."""


@dataclass(frozen=True)
class Target:
    """`run` takes any bytes and raises nothing but `declared`."""

    run: Callable[[bytes], object]
    declared: tuple[type[Exception], ...] = ()
    seeds: tuple[bytes, ...] = ()

    def __call__(self, data: bytes) -> None:
        """One input, held to the declared errors and to the time. A slow one is tried again: it may be the machine."""
        took = [self._timed(data)]
        while took[-1] > SLOW_S and len(took) < 4:
            took.append(self._timed(data))
        if min(took) > SLOW_S:
            raise Slow(f"{len(data)} bytes took {min(took) * 1000:.0f} ms")

    def _timed(self, data: bytes) -> float:
        began = time.thread_time()
        with suppress(*self.declared):
            self.run(data)
        return time.thread_time() - began


class Once:
    """A stream that has `data` and then nothing."""

    def __init__(self, data: bytes, cut: int = 7) -> None:
        self._pieces = [data[at : at + cut] for at in range(0, len(data), cut)]

    def read(self, timeout: float) -> bytes:
        """The next piece."""
        return self._pieces.pop(0) if self._pieces else b""

    def write(self, data: bytes) -> None:
        """Nobody hears it."""

    def discard(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def resyncs(take: Callable[[bytes], Iterable[Any]], rubbish: bytes, good: bytes, wanted: Callable[[Any], bool]) -> None:
    """After any rubbish and one good frame, which may be lost in it, the next good one is understood."""
    list(take(rubbish))
    list(take(good))
    if not any(map(wanted, take(good))):
        raise Deaf("the second good frame after the rubbish was not understood")


def _sam_frames(data: bytes) -> None:
    decoder, moment = sam.Decoder(sam.Answer, sam.Stats()), iter(range(0, 100, 2))
    good = sam.Answer(sam.OK, b"12345678")
    resyncs(lambda came: decoder.feed(came, float(next(moment))), data, good.to_bytes(), lambda found: found == good)


def _sam_card(data: bytes) -> None:
    text, portrait = sam.split_base_info(data, with_fingerprint=bool(data[:1] == b"\1"))
    read_card(text, portrait, 0.0)


def _sam_text(data: bytes) -> None:
    read_card(data[:256].ljust(256, b" "), b"", 0.0)


def _code(data: bytes) -> None:
    cutter = CodeCutter()
    desk = open_desk(parse("line:"), time.monotonic, time.time)
    for piece in [*cutter.feed(data, 0.0), *cutter.quiet(9.0)]:
        if isinstance(piece, bytes):
            desk.read(piece)
    text = data.decode("latin-1")
    take_apart(text)
    open_code(text, _KEYS, 1_000_000_000.0, None)


def _base45(data: bytes) -> None:
    text = data.decode("ascii", errors="ignore")
    again = base45.encode(base45.decode(text))
    assert again == text, "a text with two meanings"


def _wedge(data: bytes) -> None:
    keys = WedgeReader(Once(data), open_desk(parse("wedge:"), time.monotonic, time.time))
    for _ in range(len(data) // 7 + 2):
        keys.read(0)


def _osdp(data: bytes) -> None:
    good = _with_crc(b"\x53\x80\x08\x00\x04\x40")
    frames = Frames()
    resyncs(lambda came: [frames.take(came)], data, good, lambda found: good in found)


def _with_crc(frame: bytes) -> bytes:
    return frame + binascii.crc_hqx(frame, 0x1D0F).to_bytes(2, "little")


def _wiegand(data: bytes) -> None:
    form, order = list(Format)[data[0] % len(Format)], list(Order)[data[0] // 16 % 2]
    with suppress(WrongLength, WrongParity):
        decode(unpack(data[2:], data[1]), form, Order.MSB if form is Format.WG37 else order)


def _modbus_answer(data: bytes) -> None:
    for asked in (_modbus.request(1, 1, 0, 8), _modbus.request(1, 2, 0, 64), _modbus.write_coil(1, 0, True)):
        with suppress(BadAnswer, DeviceRefused):
            _modbus.answer_in(data, asked)


def _contacts(data: bytes) -> None:
    cutter = LineCutter()
    resyncs(cutter.feed, data, contact_line(b"T+", 17), lambda found: found == Line(b"T+", 17))


def _door_board(data: bytes) -> None:
    packet = data.ljust(64, b"\0")[:64]
    for one in (data, packet, door_packet(DoorFunction.STATUS, 7, data[:56])):
        status_of(one, 7)
        event_of(one, 7)


def _ears(data: bytes) -> None:
    """What the signal doctor hears with: nothing but counts may come of anything."""
    for ear in (SamEar(), ModbusEar(), OsdpEar(), ContactEar(), TextEar()):
        for at in range(0, len(data), 64):
            ear.asked(data[at : at + 8])
            ear.hear(data[at : at + 64], at / 1000)
        assert min(ear.heard.frames, ear.heard.bad_checks, ear.heard.noise) >= 0


def _tlv(data: bytes) -> None:
    for one in tlv.parse(data):
        with suppress(BadAnswer):
            assert [child.whole for child in one.children] == [child.whole for child in tlv.parse(one.value)]


def _apdu(data: bytes) -> None:
    with suppress(BadAnswer):
        apdu.Response.decode(data)
    apdu.Command.decode(data)


def _data_groups(data: bytes) -> None:
    for read in (files.read_portrait, files.read_details, files.read_mrz, files.groups_in_com):
        with suppress(BadAnswer):
            read(data)


def _security(data: bytes) -> None:
    for read in (security.security_infos, security.public_key, sod.Certificate.load):
        with suppress(BadAnswer):
            read(data)  # type: ignore[operator]


def _sod(data: bytes) -> None:
    """Read it, and ask its country's certificate: what is parsed late has to fail as cleanly."""
    security_object = sod.read_sod(data)
    security_object.signer.signed_by(sod.Certificate.load(_ISSUER.certificate))


def _mrz(data: bytes) -> None:
    mrz.parse_mrz(data.decode("latin-1"))


def _on_disk(read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A reader of files as one of bytes."""

    def run(data: bytes) -> object:
        with tempfile.NamedTemporaryFile(dir=_ROOM) as file:
            file.write(data)
            file.flush()
            return read(Path(file.name))

    return run


def _wire(data: bytes) -> None:
    for kind in (Credential, Facts, LaneView, dict[str, Any]):
        with suppress(wire.WireError):
            noun = wire.from_json(kind, data)
            assert wire.from_json(kind, wire.to_json(noun)) == noun
        with suppress(wire.WireError):
            wire.from_msgpack(kind, data)


def _json_lines(data: bytes) -> None:
    lines = JsonLines(Once(data + b'\n{"good":1}\n{"good":1}\n', 512))
    for _ in range(data.count(b"\n") + len(data) // 512 + 4):
        with suppress(BadAnswer):
            message = lines.receive(0)
            if message == {"good": 1}:
                return
    raise Deaf("the second good line was not understood")


def _signed_header(data: bytes) -> None:
    """What an issuer whose key was stolen may sign: every check behind the signature's."""
    signature = _KEY.sign(bundle_format.SIGNED + data)
    _look(bundle_format.frame(data, signature))


def _url(data: bytes) -> None:
    url = parse(data.decode("utf-8", errors="replace"))
    assert parse(str(url)) == url, "an address that reads otherwise when it is written down"


_PASSPORT = b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"
_CARD = resident_card("测试样本", "000000190001010017")
_TAPE = b"# menshen tape 1\n# sam+serial\n0.000000 > AA AA\n0.041210 < AA 80 84\n"
_KEYS_TYPED = b"".join(EVENT.pack(1, at * 1000, EV_KEY, key, 1) for at, key in enumerate((20, 2, 8, 28)))

_NOUN = Credential(Medium.CODE, DocumentType.TICKET_CODE, "T17", Assurance.SIGNED, valid_to=date(2030, 1, 1))
_ISSUER = issue.Issuer(date(2026, 1, 1))
_RSA = rsa.generate_private_key(65537, 1024)
_PARTS = tuple(bundle_format.Part(name, 0, 0, "0" * 64) for name in bundle_format.PARTS["base"])
_HEADER = wire.to_json(
    bundle_format.Header(
        *(bundle_format.FORMAT, "base", "hall", "hall", 1, 1.0, 2.0, {"G1": b"secret"}, {"event": "hall"}, _PARTS),
        *(bundle_format.digest_of(_PARTS), 0),
    )
)
_look = _on_disk(lambda path: look(path, {"hall": _KEY.public_key().public_bytes_raw()}))

TARGETS: dict[str, Target] = {
    "sam_frames": Target(_sam_frames, (), (sam.Answer(sam.FOUND, bytes(4)).to_bytes(), sam.FIND.to_bytes())),
    "sam_card": Target(_sam_card, (BadAnswer,), (sam.join_base_info(_CARD.text, bytes(1024)),)),
    "sam_text": Target(_sam_text, (), (_CARD.text,)),
    "codes": Target(_code, (), (_CODE.encode(), b"]Q1T-17\r\n", "票17\r".encode("gbk"))),
    "base45": Target(_base45, (ValueError,), (b"BB8", b"%69 VD92EX0", _CODE[3:].encode())),
    "wedge": Target(_wedge, (), (_KEYS_TYPED,)),
    "osdp": Target(_osdp, (), (_with_crc(b"\x53\x80\x08\x00\x04\x40"),)),
    "wiegand": Target(
        _wiegand, (IndexError,), (b"\x00\x1a" + int(encode(1, 2, Format.WG26) + "000000", 2).to_bytes(4, "big"),)
    ),
    "modbus": Target(_modbus_answer, (), (_modbus.seal(b"\1\1\1\0"), _modbus.write_coil(1, 0, True))),
    "contacts": Target(_contacts, (), (contact_line(b"T+", 17), contact_line(b"A0", 999))),
    "door_board": Target(_door_board, (), (door_packet(DoorFunction.STATUS, 7, bytes(range(56))),)),
    "ears": Target(_ears, (), (sam.Answer(sam.OK).to_bytes(), contact_line(b"T+", 1), b"T-17\r\n")),
    "tlv": Target(_tlv, (BadAnswer,), (tlv.pack(0x61, tlv.pack(0x5F1F, _PASSPORT)),)),
    "apdu": Target(_apdu, (BadAnswer,), (bytes.fromhex("00A4040C07A0000002471001"), bytes.fromhex("9000"))),
    "data_groups": Target(_data_groups, (), (tlv.pack(0x61, tlv.pack(0x5F1F, _PASSPORT)), tlv.pack(0x75, b"\xff\xd8"))),
    "security": Target(_security, (), (_ISSUER.signer, issue.rsa_key_info(_RSA))),
    "sod": Target(_sod, (BadAnswer,), (_ISSUER.sign({1: issue.dg1(_PASSPORT.decode())}),)),
    "mrz": Target(_mrz, (ValueError,), (_PASSPORT,)),
    "config": Target(_on_disk(load), (ConfigError,), (sample().encode()[:LONGEST],)),
    "wire": Target(_wire, (), (wire.to_json(_NOUN), wire.to_msgpack(_NOUN))),
    "bundle": Target(_look, (BundleRefused,), (bundle_format.frame(_HEADER, bytes(64)),)),
    "bundle_header": Target(_signed_header, (BundleRefused,), (_HEADER,)),
    "json_lines": Target(_json_lines, (), (b'{"pulse":0.5}\n',)),
    "sim_lines": Target(sim.read_line, (BadAnswer,), (b'{"number":"1"}', b'{"problem":"unreadable"}')),
    "tape": Target(_on_disk(read_tape), (BadAnswer,), (_TAPE,)),
    "url": Target(_url, (UnknownDevice,), (b"sam+spy+serial:///dev/x?baud=115200&tape=/tmp/t", b"sim:")),
}
