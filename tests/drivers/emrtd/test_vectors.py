"""The worked examples of ICAO Doc 9303-11, appendices D and G, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drivers.reader._emrtd.apdu import Channel, Command, Response
from drivers.reader._emrtd.bac import BacChip, open_bac
from drivers.reader._emrtd.curves import BY_PARAM_ID, CURVES, Curve
from drivers.reader._emrtd.keys import ENC, MAC, Cipher, bac_keys, mrz_seed
from drivers.reader._emrtd.messaging import SecureMessaging
from drivers.reader._emrtd.pace import PaceChip, PaceHalf, PaceInfo, choose, open_pace, pace_key
from models.mrz import MrzKey

hex_ = bytes.fromhex

BAC_INFORMATION = "L898902C<369080619406236"
RND_IC, RND_IFD = hex_("4608F91988702212"), hex_("781723860C06C226")
K_IC, K_IFD = hex_("0B4F80323EB3191CB04970CB4052790B"), hex_("0B795240CB7049B01C19B33E32804F0B")
E_IFD = "72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A7"
E_IC = "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D7449"

PACE_INFORMATION = MrzKey("T22000129364081251010318")
PACE_INFO = PaceInfo("0.4.0.127.0.7.2.2.4.2.2", Cipher.AES128, BY_PARAM_ID[13])
S = hex_("3F00C4D39D153F2B2A214A078D899B22")
Z = hex_("95A3A016522EE98D01E76CB6B98B42C3")
READER_SCALARS = (
    0x7F4EF07B9EA82FD78AD689B38D0BC78CF21F249D953BC46F4C6E19259C010F99,
    0xA73FB703AC1436A18E0CFA5ABB3F7BEC7A070E7A6788486BEE230C4A22762595,
)
CHIP_SCALARS = (
    0x498FF49756F2DC1587840041839A85982BE7761D14715FB091EFA7BCE9058560,
    0x107CF58696EF6155053340FD633392BA81909DF7B9706F226F32086C7AFF974A,
)


class Script:
    """A chip that expects commands and gives answers, in order."""

    def __init__(self, *lines: tuple[str, str]) -> None:
        self._lines = list(lines)

    def transmit(self, apdu: bytes) -> bytes:
        expected, answer = self._lines.pop(0)
        assert apdu.hex().upper() == expected
        return hex_(answer)

    def is_done(self) -> bool:
        return not self._lines


def dealing(*values: bytes) -> object:
    hand: Iterator[bytes] = iter(values)
    return lambda size: next(hand)


def scalars(values: tuple[int, ...]) -> object:
    hand = iter(values)
    return lambda curve: next(hand)


def test_bac_keys_of_appendix_d() -> None:
    assert mrz_seed(BAC_INFORMATION)[:16] == hex_("239AB9CB282DAF66231DC5A4DF6BFBAE")
    assert bac_keys(BAC_INFORMATION) == (
        hex_("AB94FDECF2674FDFB9B391F85D7F76F2"),
        hex_("7962D9ECE03D1ACD4C76089DCE131543"),
    )


def test_a_whole_bac_session_of_appendix_d() -> None:
    chip = Script(
        ("0084000008", RND_IC.hex() + "9000"),
        (f"0082000028{E_IFD}28", E_IC + "9000"),
        ("0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800", "990290008E08FA855A5D4C50A8ED9000"),
        ("0CB000000D9701048E08ED6705417E96BA5500", "8709019FF0EC34F9922651990290008E08AD55CC17140B2DED9000"),
        (
            "0CB000040D9701128E082EA28A70F3C7B53500",
            "871901FB9235F4E4037F2327DCC8964F1F9B8C30F42C8E2FFF224A990290008E08C8B2787EAEA07D749000",
        ),
    )
    channel = Channel(chip)
    open_bac(channel, BAC_INFORMATION, dealing(RND_IFD, K_IFD))  # type: ignore[arg-type]
    assert channel.send(Command(0xA4, 2, 0x0C, hex_("011E"))) == Response(b"")
    assert channel.send(Command(0xB0, 0, 0, le=4)).data == hex_("60145F01")
    assert channel.send(Command(0xB0, 0, 4, le=0x12)).data == hex_("04303130365F36063034303030305C026175")
    assert chip.is_done()


def test_the_chips_half_of_appendix_d() -> None:
    chip = BacChip(BAC_INFORMATION, dealing(RND_IC, K_IC))  # type: ignore[arg-type]
    assert chip.challenge() == RND_IC
    answer, session = chip.authenticate(hex_(E_IFD))
    assert answer.hex().upper() == E_IC
    apdu = hex_("0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800")
    assert session.open_command(Command.decode(apdu)).data == hex_("011E")
    assert session.seal_response(Response(b"")).encode() == hex_("990290008E08FA855A5D4C50A8ED9000")


def test_bac_session_keys_of_appendix_d() -> None:
    seed = bytes(a ^ b for a, b in zip(K_IFD, K_IC, strict=True))
    assert Cipher.DES3.derive(seed, ENC) == hex_("979EC13B1CBFE9DCD01AB0FED307EAE5")
    assert Cipher.DES3.derive(seed, MAC) == hex_("F1CB1F1FB5ADF208806B89DC579DC1F8")


def test_the_nonce_of_appendix_g() -> None:
    key = pace_key(PACE_INFORMATION, Cipher.AES128)
    assert key == hex_("89DED1B26624EC1E634C1989302849DD")
    assert Cipher.AES128.decrypt(key, Z) == S


def test_mapping_agreement_and_tokens_of_appendix_g() -> None:
    reader = PaceHalf(PACE_INFO, scalars(READER_SCALARS))  # type: ignore[arg-type]
    chip = PaceHalf(PACE_INFO, scalars(CHIP_SCALARS))  # type: ignore[arg-type]
    reader.s = chip.s = S
    from_reader, from_chip = reader.mapping_key(), chip.mapping_key()
    reader.map(from_chip)
    chip.map(from_reader)
    assert (
        reader.base
        == chip.base
        == (
            0x8CED63C91426D4F0EB1435E7CB1D74A46723A0AF21C89634F65A9AE87A9265E2,
            0x8C879506743F8611AC33645C5B985C80B5F09A0B83407C1B6A4D857AE76FE522,
        )
    )
    from_reader, from_chip = reader.ephemeral_key(), chip.ephemeral_key()
    reader.agree(from_chip)
    chip.agree(from_reader)
    assert reader.shared == hex_("28768D20701247DAE81804C9E780EDE582A9996DB4A315020B2733197DB84925")
    assert Cipher.AES128.derive(reader.shared, ENC) == hex_("F5F0E35C0D7161EE6724EE513A0D9A7F")
    assert Cipher.AES128.derive(reader.shared, MAC) == hex_("FE251C7858B356B24514B3BD5F4297D1")
    assert reader.token() == chip.expected_token() == hex_("C2B0BD78D94BA866")
    assert chip.token() == reader.expected_token() == hex_("3ABB9674BCE93C08")


class PaceOverTheWire:
    """Just enough of a chip to carry PACE: it keeps what was said."""

    def __init__(self, chip: PaceChip) -> None:
        self.chip = chip
        self.said: list[str] = []

    def transmit(self, apdu: bytes) -> bytes:
        self.said.append(apdu.hex().upper())
        command = Command.decode(apdu)
        return (b"" if command.ins == 0x22 else self.chip.answer(command.data)) + b"\x90\x00"


def test_pace_over_the_wire_of_appendix_g() -> None:
    chip = PaceChip(PACE_INFO, PACE_INFORMATION, scalars(CHIP_SCALARS), lambda size: S)  # type: ignore[arg-type]
    wire = PaceOverTheWire(chip)
    channel = Channel(wire)
    open_pace(channel, PACE_INFO, PACE_INFORMATION, scalars(READER_SCALARS))  # type: ignore[arg-type]
    assert wire.said[0] == "0022C1A40F800A04007F00070202040202830101"
    assert wire.said[1] == "10860000027C0000"
    assert wire.said[4] == "008600000C7C0A8508C2B0BD78D94BA86600"
    assert isinstance(channel.protection, SecureMessaging)
    assert chip.session is not None


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_every_curve_holds_its_base_point_and_its_order(curve: Curve) -> None:
    assert curve.holds(curve.base)
    assert curve.multiply(curve.n, curve.base) is None
    assert curve.multiply(curve.n - 1, curve.base) == (curve.base[0], curve.p - curve.base[1])


def test_card_access_of_appendix_g_names_the_curve() -> None:
    info = choose(hex_("31143012060A04007F0007020204020202010202010D"))
    assert info == PACE_INFO
