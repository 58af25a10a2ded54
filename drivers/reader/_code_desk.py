"""From a scanned code to a credential: decoding, what scanners put around a code, the same code again, signatures.

Shared by the scanners on a line (`line`) and those that pretend to be a keyboard (`wedge`).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from drivers.errors import UnknownDevice
from drivers.url import DeviceUrl
from models.code import CodeProblem, SignedCode, is_ours
from models.credential import Assurance, CardFault, CardProblem, Credential, Medium
from models.ids import DocumentType
from models.store.code_signature import SECRET_BYTES, CodeKeys, RotatingSecret, code_keys, open_code
from models.store.errors import StoreError
from models.store.key_file import read_secret
from models.store.public_key import KeyUse, read_public_key
from models.totp import Rotation

OPTIONS = {
    "again_ms": "a code counts as taken away when it was not seen for this time (1000)",
    "aim": "0 where codes may themselves begin as an AIM identifier does (1)",
    "prefix": "what the scanner is set up to put before each code",
    "suffix": "what the scanner is set up to put after each code, before the end",
    "keys": "public key files of the issuers whose signed codes are taken, with commas between",
    "plain": "1 to take plain codes beside signed ones, as weak credentials (0 with keys, 1 without)",
    "event": "the event whose signed codes are taken (any)",
    "totp": "secret file for codes that change",
    "step_s": "how often codes change, in seconds (15)",
    "drift": "how many steps before and after are taken as well (1)",
    "utc_offset_s": "the place's time, for the days of signed codes (28800)",
}
"""Options of every driver that reads codes."""

MOST_CHARACTERS = 4296  # the alphanumeric characters of the largest QR code; digits alone may be 7089
_SAME_MOST = 64

# ISO/IEC 15424: a bracket, the symbology's letter, a modifier.
_AIM = re.compile(r"\][ABCDEFGHIJKLMNOPQRSTUVXYZcdefhjmopqrsz][0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class Dressing:
    """What a scanner puts around a code."""

    prefix: str = ""
    suffix: str = ""
    aim: bool = True


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures count, for which event, and the secret of changing codes. Without keys none counts.

    `plain`: unsigned codes are taken too. Where codes are signed, whatever else is held up is a mistake or a trick.
    """

    keys: CodeKeys | None = None
    plain: bool = True
    event: str = ""
    rotating: RotatingSecret | None = None
    utc_offset_s: int = 28_800


class CodeDesk:
    """Judges codes one after the other. `clock` is monotonic, `wall` is Unix seconds."""

    def __init__(
        self,
        dressing: Dressing,
        trust: Trust,
        again_s: float,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._dressing, self._trust = dressing, trust
        self._again_s, self._clock, self._wall = again_s, clock, wall
        self._salt = secrets.token_bytes(16)
        self._seen: dict[bytes, float] = {}  # salted hashes: enough to know a code again

    def take(self, code: bytes) -> Credential | CardFault | None:
        """What a code says; `None` for one that is still being held before the scanner."""
        outcome, same = self.read(code), code
        if isinstance(outcome, Credential) and outcome.assurance > Assurance.UID_ONLY:
            same = f"{outcome.event}|{outcome.number}".encode()  # whatever digits it shows now
        return None if self._is_still_there(same) else outcome

    def read(self, code: bytes) -> Credential | CardFault:
        """What a code says, whether it was seen before or not."""
        text = _decode(code)
        if text is None:
            return _unreadable("bytes that are neither UTF-8 nor GB 18030")
        bare = self._undress(text)
        if bare is None:
            return _unreadable("without the prefix or suffix that the scanner is said to send")
        if not bare.strip():
            return _unreadable("an empty code")
        if any(unicodedata.category(character)[0] == "C" for character in bare):
            return _unreadable("characters that are no text")
        if len(bare) > MOST_CHARACTERS and not bare.isdecimal():
            return _unreadable(f"more than {MOST_CHARACTERS} characters")
        return self._signed(bare) if is_ours(bare) else self._plain(bare)

    def _is_still_there(self, code: bytes) -> bool:
        now = self._clock()
        self._seen = {known: at for known, at in self._seen.items() if now - at < self._again_s}
        digest = hashlib.blake2b(code, key=self._salt, digest_size=16).digest()
        still = digest in self._seen
        if still or len(self._seen) < _SAME_MOST:
            self._seen[digest] = now
        return still

    def _undress(self, text: str) -> str | None:
        dressing = self._dressing
        if not (text.startswith(dressing.prefix) and text.endswith(dressing.suffix)):
            return None
        if len(text) < len(dressing.prefix) + len(dressing.suffix):
            return None
        text = text.removeprefix(dressing.prefix).removesuffix(dressing.suffix)
        return _AIM.sub("", text, count=1) if dressing.aim and _AIM.match(text) else text

    def _plain(self, text: str) -> Credential | CardFault:
        if not self._trust.plain:
            return _fault(CardProblem.UNSUPPORTED, "not a signed code; plain=1 would take it as a weak credential")
        return Credential(Medium.CODE, DocumentType.TICKET_CODE, text, Assurance.UID_ONLY)

    def _signed(self, text: str) -> Credential | CardFault:
        trust = self._trust
        if trust.keys is None:
            return _fault(CardProblem.UNSUPPORTED, "a signed code, and no issuer's key is configured")
        code = open_code(text, trust.keys, self._wall(), trust.rotating)
        if isinstance(code, CodeProblem):
            return _fault(CardProblem.REJECTED, f"signed code: {code.value}")
        if trust.event and code.event != trust.event:
            return _fault(CardProblem.REJECTED, "signed code: another event's")
        return self._genuine(code)

    def _genuine(self, code: SignedCode) -> Credential:
        return Credential(
            Medium.CODE,
            DocumentType.TICKET_CODE,
            code.ticket,
            Assurance.SIGNED,
            valid_from=self._day(code.not_before),
            valid_to=self._day(code.not_after),
            event=code.event,
            code_step=code.step,
            valid_since=float(code.not_before),
            valid_until=float(code.not_after),
        )

    def _day(self, at: int) -> date:
        return (datetime.fromtimestamp(at, UTC) + timedelta(seconds=self._trust.utc_offset_s)).date()


def open_desk(url: DeviceUrl, clock: Callable[[], float], wall: Callable[[], float]) -> CodeDesk:
    """The desk that a URL's options ask for. Raises `UnknownDevice`, also for key files that can't be used."""
    dressing = Dressing(url.option("prefix", str, ""), url.option("suffix", str, ""), url.option("aim", bool, True))
    again_s = url.option("again_ms", float, 1000.0, low=0, high=600_000) / 1000
    return CodeDesk(dressing, _trust(url), again_s, clock, wall)


def _trust(url: DeviceUrl) -> Trust:
    step_s, drift = url.option("step_s", int, 15, low=1, high=3600), url.option("drift", int, 1, low=0, high=20)
    offset_s = url.option("utc_offset_s", int, 28_800, low=-86_400, high=86_400)
    given, secret = url.option("keys", str, ""), url.option("totp", str, "")
    if not given and ("totp" in url.options or "event" in url.options):
        raise UnknownDevice(f"{url}: totp and event are about signed codes; give keys= as well")
    try:
        files = [Path(name) for name in given.split(",")] if given else []
        keys = code_keys(read_public_key(file, KeyUse.ISSUER).raw for file in files) if files else None
        rotating = RotatingSecret(read_secret(Path(secret), SECRET_BYTES), Rotation(step_s, drift)) if secret else None
    except (StoreError, OSError) as error:
        raise UnknownDevice(f"signed codes: {error}") from error
    plain = url.option("plain", bool, keys is None)
    return Trust(keys, plain, url.option("event", str, ""), rotating, offset_s)


def _decode(code: bytes) -> str | None:
    """UTF-8, else GB 18030. A few short GBK texts are good UTF-8 too, and are then read as that: better print UTF-8."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return code.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _unreadable(why: str) -> CardFault:
    return _fault(CardProblem.UNREADABLE, why)


def _fault(problem: CardProblem, why: str) -> CardFault:
    return CardFault(problem, why, Medium.CODE)
