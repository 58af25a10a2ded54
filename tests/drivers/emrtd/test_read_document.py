"""Reader and simulated chip over the wire: every way in, every proof, and every attack."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import BadAnswer, DeviceLost
from drivers.reader._emrtd import issue, passive, tlv
from drivers.reader._emrtd.apdu import Channel, Command
from drivers.reader._emrtd.chip import NotGenuine, authenticate_actively, signature_hash
from drivers.reader._emrtd.document import ChipKey, Contents, SimulatedDocument, personalise
from drivers.reader._emrtd.files import SOD, fid_of, read_details, read_portrait
from drivers.reader._emrtd.keys import Cipher
from drivers.reader._emrtd.passive import Trust, Unverified, Verified
from drivers.reader._emrtd.read import Document, Proof, read_document
from drivers.reader._emrtd.security import oid_bytes, public_key
from drivers.reader._emrtd.sod import Certificate, read_sod
from models.credential import Assurance, CardFault, CardProblem, Medium
from models.ids import DocumentType
from models.mrz import Can, MrzKey, parse_mrz

TODAY = date(2026, 6, 1)
MRZ = issue.td3("EA1234567", "ZHENGJIAN", "YANGBEN", "810203", "F", "330305", "CHN")
SECRET = parse_mrz(MRZ)
PORTRAIT = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 60 + b"\xff\xd9"
PACE = ((13, Cipher.AES128),)


@cache
def issuer(scheme: str = "ecdsa", digest: str = "sha256") -> issue.Issuer:
    return issue.Issuer(TODAY, scheme=scheme, digest=digest)  # type: ignore[arg-type]


@cache
def trust() -> Trust:
    return Trust([Certificate.load(issuer().certificate)])


@cache
def active_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def contents(**more: object) -> Contents:
    options = {"name": "证件样本", "personal_number": "110101198102030021", **more}
    return personalise(issuer(), MRZ, PORTRAIT, **options)  # type: ignore[arg-type]


def read(inside: Contents, secret: object = SECRET, whom: Trust | None = None) -> Document | CardFault:
    return read_document(SimulatedDocument(inside), secret, whom or trust(), TODAY)  # type: ignore[arg-type]


def well_read(*args: object) -> Document:
    outcome = read(*args)  # type: ignore[arg-type]
    assert isinstance(outcome, Document), outcome
    return outcome


def rejected(*args: object) -> str:
    outcome = read(*args)  # type: ignore[arg-type]
    assert isinstance(outcome, CardFault)
    assert outcome.problem is CardProblem.REJECTED
    return outcome.detail


def test_a_passport_is_read_by_bac() -> None:
    document = well_read(contents())
    credential = document.credential
    assert (document.access, document.verdict, document.proof) == ("BAC", Verified(), Proof.NONE)
    assert (credential.medium, credential.document) == (Medium.E_PASSPORT, DocumentType.PASSPORT)
    assert (credential.number, credential.assurance) == ("EA1234567", Assurance.SIGNED)
    assert (credential.holder.name, credential.holder.sex) == ("证件样本", "2")
    assert credential.holder.birth == date(1981, 2, 3)
    assert credential.valid_to == date(2033, 3, 5)
    assert credential.portrait == PORTRAIT
    assert document.details.personal_number == "110101198102030021"
    assert "EA1234567" not in repr(document)


@pytest.mark.parametrize("cipher", list(Cipher))
@pytest.mark.parametrize("secret", [SECRET, Can("123456")], ids=["mrz", "can"])
def test_a_passport_is_read_by_pace(cipher: Cipher, secret: object) -> None:
    document = well_read(contents(can="123456", pace=((13, cipher),)), secret)
    assert (document.access, document.credential.assurance) == ("PACE", Assurance.SIGNED)
    assert document.credential.portrait == PORTRAIT


@pytest.mark.parametrize("param_id", [12, 14, 15, 16, 17, 18])
def test_pace_on_the_other_curves(param_id: int) -> None:
    assert well_read(contents(pace=((param_id, Cipher.AES256),))).access == "PACE"


def test_pace_names_the_curve_where_the_chip_offers_several() -> None:
    assert well_read(contents(pace=((16, Cipher.AES128), (12, Cipher.AES128)))).access == "PACE"


def test_a_chip_with_an_unknown_way_of_pace_is_read_by_bac() -> None:
    other = tlv.pack(0x31, issue.security_info("0.4.0.127.0.7.2.2.4.4.2", issue.der_integer(2), issue.der_integer(13)))
    assert well_read(contents().with_file(0x011C, other)).access == "BAC"


def test_a_portrait_beyond_the_near_offsets_is_read() -> None:
    big = b"\xff\xd8\xff" + bytes(70_000)
    assert well_read(personalise(issuer(), MRZ, big)).credential.portrait == big


@pytest.mark.parametrize("pace", [(), PACE], ids=["bac", "pace"])
def test_a_wrong_mrz_opens_nothing(pace: object) -> None:
    outcome = read(contents(pace=pace), MrzKey("EA1234568781020353303051"))
    assert isinstance(outcome, CardFault)
    assert outcome.problem is CardProblem.UNREADABLE
    assert "MRZ or CAN" in outcome.detail


def test_a_wrong_can_opens_nothing() -> None:
    outcome = read(contents(can="123456", pace=PACE), Can("654321"))
    assert isinstance(outcome, CardFault)
    assert outcome.problem is CardProblem.UNREADABLE


def test_a_can_needs_pace() -> None:
    outcome = read(contents(can="123456"), Can("123456"))
    assert isinstance(outcome, CardFault)
    assert outcome.problem is CardProblem.UNSUPPORTED


@pytest.mark.parametrize("cipher", list(Cipher))
@pytest.mark.parametrize("pace", [(), PACE], ids=["bac", "pace"])
def test_chip_authentication(cipher: Cipher, pace: object) -> None:
    document = well_read(contents(pace=pace, chip_key=ChipKey.make(12, cipher)))
    assert (document.proof, document.credential.assurance) == (Proof.CHIP, Assurance.AUTHENTICATED)


def test_active_authentication_with_rsa_needs_a_long_answer() -> None:
    document = well_read(contents(active_key=active_key()))
    assert (document.proof, document.credential.assurance) == (Proof.ACTIVE, Assurance.AUTHENTICATED)


@pytest.mark.parametrize("cipher", [Cipher.DES3, Cipher.AES128])
def test_a_clone_fails_chip_authentication(cipher: Cipher) -> None:
    assert "chip authentication" in rejected(contents(chip_key=ChipKey.make(13, cipher)).cloned())


class Signer:
    """A chip that knows INTERNAL AUTHENTICATE alone."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def transmit(self, apdu: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(Command.decode(apdu).data, ec.ECDSA(hashes.SHA384())))
        return r.to_bytes(48, "big") + s.to_bytes(48, "big") + b"\x90\x00"


def test_active_authentication_with_ecdsa() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    sha384 = tlv.pack(0x06, oid_bytes("0.4.0.127.0.7.1.1.4.1.4"))
    info = issue.security_info("2.23.136.1.1.5", issue.der_integer(1), sha384)
    name = signature_hash(tlv.pack(0x6E, tlv.pack(0x31, info)))
    assert name == "sha384"
    authenticate_actively(Channel(Signer(key)), public_key(spki), name)
    with pytest.raises(NotGenuine):
        authenticate_actively(Channel(Signer(ec.generate_private_key(ec.SECP384R1()))), public_key(spki), name)


def test_a_clone_fails_active_authentication() -> None:
    assert "active authentication" in rejected(contents(active_key=active_key()).cloned())


def test_a_clone_that_hides_its_key_file_is_noticed() -> None:
    inside = contents(chip_key=ChipKey.make())
    without = {fid: data for fid, data in inside.files.items() if fid != fid_of(14)}
    hiding = Contents(inside.mrz, without)
    assert "DG14" in rejected(hiding)


def test_a_forged_name_is_noticed() -> None:
    other = issue.td3("EA1234567", "SOMEBODY", "ELSE", "810203", "F", "330305", "CHN")
    assert "DG1 has been changed" in rejected(contents().with_file(fid_of(1), issue.dg1(other)))


def test_a_changed_portrait_is_noticed_without_any_country_certificate() -> None:
    forged = contents().with_file(fid_of(2), issue.dg2(b"\xff\xd8\xff somebody else"))
    assert "DG2 has been changed" in rejected(forged, SECRET, Trust())


def test_another_mrz_than_the_printed_one_is_noticed() -> None:
    other = issue.td3("EA7654321", "ZHENGJIAN", "YANGBEN", "810203", "F", "330305", "CHN")
    assert "another MRZ" in rejected(contents().with_file(fid_of(1), issue.dg1(other)), SECRET, Trust())


def test_a_self_made_country_of_the_same_name_is_noticed() -> None:
    impostor = issue.Issuer(TODAY)
    forged = personalise(impostor, MRZ, PORTRAIT)
    # its authority key identifier names another key, so the country's certificate isn't at hand for it
    outcome = well_read(forged)
    assert outcome.credential.assurance is Assurance.UID_ONLY


def test_a_signer_that_its_country_never_certified_is_a_forgery() -> None:
    country = replace(Certificate.load(issue.Issuer(TODAY).certificate), key_id=b"")
    assert "not its country's" in rejected(contents(), SECRET, Trust([country]))


def test_a_signers_certificate_in_the_folder_is_no_countrys() -> None:
    country = replace(Certificate.load(issuer().certificate), is_ca=False)
    assert well_read(contents(), SECRET, Trust([country])).unverified


def test_without_a_country_certificate_nothing_is_vouched_for() -> None:
    document = well_read(contents(chip_key=ChipKey.make()), SECRET, Trust())
    assert isinstance(document.verdict, Unverified)
    assert document.unverified
    assert document.credential.assurance is Assurance.UID_ONLY


@pytest.mark.parametrize(
    ("scheme", "digest"),
    [
        ("ecdsa", "sha1"),
        ("ecdsa", "sha384"),
        ("rsa", "sha256"),
        ("rsa", "sha512"),
        ("pss", "sha256"),
        ("pss", "sha384"),
    ],
)
def test_signature_schemes(scheme: str, digest: str) -> None:
    country = issuer(scheme, digest)
    anchors = Trust([Certificate.load(country.certificate)])
    assert well_read(personalise(country, MRZ, PORTRAIT), SECRET, anchors).verdict == Verified()


def test_every_flipped_byte_of_the_signed_part_is_noticed() -> None:
    files = contents().files
    sod = files[SOD]
    groups = {1: files[fid_of(1)]}
    assert passive.verify(sod, groups, trust(), TODAY) == Verified()
    for at, bit in product(range(len(sod)), (0x01, 0x04, 0x20)):
        flipped = sod[:at] + bytes([sod[at] ^ bit]) + sod[at + 1 :]
        try:
            verdict = passive.verify(flipped, groups, trust(), TODAY)
        except BadAnswer:
            continue
        # names of algorithms may turn into unknown ones; versions, copies of names and spare bits aren't signed
        if verdict == Verified():
            assert read_sod(flipped).hashes == read_sod(sod).hashes
            assert replace(read_sod(flipped).signer, der=b"") == replace(read_sod(sod).signer, der=b"")


def test_a_document_signed_tomorrow_is_not_vouched_for() -> None:
    files = contents().files
    verdict = passive.verify(files[SOD], {1: files[fid_of(1)]}, trust(), TODAY - timedelta(days=1))
    assert isinstance(verdict, Unverified)
    assert "future" in verdict.reason


def test_a_document_outlives_its_signers_certificate() -> None:
    files = contents().files
    assert passive.verify(files[SOD], {1: files[fid_of(1)]}, trust(), TODAY + timedelta(days=9000)) == Verified()


def test_a_file_that_was_not_signed_is_refused() -> None:
    files = contents().files
    verdict = passive.verify(files[SOD], {1: files[fid_of(1)], 15: b"\x6f\x00"}, trust(), TODAY)
    assert verdict == passive.Forged("DG15 is not among the signed files")


def test_certificates_come_from_a_folder(tmp_path: Path) -> None:
    der = issuer().certificate
    (tmp_path / "utopia.cer").write_bytes(der)
    (tmp_path / "utopia.pem").write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    (tmp_path / "notes.txt").write_text("not a certificate")
    assert len(Trust.of_folder(tmp_path).certificates) == 2
    (tmp_path / "broken.der").write_bytes(b"0\x03abc")
    with pytest.raises(ValueError, match=r"broken\.der"):
        Trust.of_folder(tmp_path)


class Spoilt:
    """A wire that changes one answer, or breaks."""

    def __init__(self, inside: Contents, turn: int, mask: bytes) -> None:
        self._chip = SimulatedDocument(inside)
        self._turn, self._mask = turn, mask
        self.turns = 0

    def transmit(self, apdu: bytes) -> bytes:
        answer = self._chip.transmit(apdu)
        self.turns += 1
        if self.turns != self._turn:
            return answer
        if not self._mask:
            raise DeviceLost("the card is gone")
        return bytes(a ^ self._mask[n % len(self._mask)] for n, a in enumerate(answer))


@pytest.fixture(scope="module")
def small() -> Contents:
    return personalise(issuer(), MRZ, b"\xff\xd8\xff small", pace=PACE, chip_key=ChipKey.make())


@settings(max_examples=40, deadline=None)
@given(turn=st.integers(1, 40), mask=st.binary(min_size=1, max_size=20).filter(any))
def test_a_spoilt_answer_is_a_fault_a_bad_answer_or_without_effect(small: Contents, turn: int, mask: bytes) -> None:
    outcome: object = None
    with contextlib.suppress(BadAnswer):
        outcome = read_document(Spoilt(small, turn, mask), SECRET, trust(), TODAY)
    if isinstance(outcome, Document):
        assert outcome.credential.number == "EA1234567"
        assert outcome.credential.portrait == b"\xff\xd8\xff small"


def test_a_bad_answer_says_that_a_card_is_there(small: Contents) -> None:
    for turn in range(9, 20):  # under secure messaging, before the chip's own proof
        with pytest.raises(BadAnswer) as caught:
            read_document(Spoilt(small, turn, b"\x00\x01"), SECRET, trust(), TODAY)
        assert caught.value.card_present


def test_a_card_pulled_at_any_moment_is_a_lost_device(small: Contents) -> None:
    whole = Spoilt(small, 0, b"")
    assert isinstance(read_document(whole, SECRET, trust(), TODAY), Document)
    for turn in range(1, whole.turns + 1, 5):
        with pytest.raises(DeviceLost):
            read_document(Spoilt(small, turn, b""), SECRET, trust(), TODAY)


@given(st.binary(max_size=200))
def test_any_bytes_in_a_file_are_read_or_a_bad_answer(data: bytes) -> None:
    for parse in (
        lambda: read_sod(data),
        lambda: read_sod(tlv.pack(0x77, data)),
        lambda: read_portrait(tlv.pack(0x75, data)),
        lambda: read_details(tlv.pack(0x6B, data)),
        lambda: Certificate.load(data),
    ):
        try:
            parse()
        except BadAnswer:
            continue


@pytest.mark.parametrize(
    "picture", [b"\xff\xd8\xff\xe0..", b"\x00\x00\x00\x0cjP  \r\n", b"\xff\x4f\xff\x51\x00"], ids=["jpeg", "jp2", "j2k"]
)
def test_all_three_kinds_of_picture_are_found(picture: bytes) -> None:
    assert read_portrait(issue.dg2(picture)) == picture
    assert read_portrait(tlv.pack(0x75, tlv.pack(0x7F61, b"\x02\x01\x00"))) == b""
