"""A holder of a simulated document: lays its chip on a virtual PC/SC reader, shows its page to a machine at a line.

The country that signed it is made on the spot. Its certificate goes into a folder for `csca=`; a passport of a country
whose certificate is in that folder is believed, so keep it apart from the real ones.
"""

from __future__ import annotations

import shlex
import tempfile
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

from drivers._virtual_card import PORTS, VirtualCard
from drivers.pty_port import PtyPort
from drivers.reader._emrtd import issue
from drivers.reader._emrtd.document import ChipKey, Contents, SimulatedDocument, personalise
from drivers.reader._emrtd.files import fid_of
from drivers.reader._emrtd.keys import Cipher

ATR = bytes.fromhex("3B888001000000000000000009")  # a type A chip behind PC/SC part 3, no historical bytes to tell
_CIPHERS = {"3des": Cipher.DES3, "aes": Cipher.AES128, "aes256": Cipher.AES256}
_BRAINPOOL_256 = 13
_WORDS = ("pace", "bac", *_CIPHERS, "proof", "clone", "forged", "strange")


class DocumentCard:
    """A document as a card of a virtual reader. `leave_after` commands it is gone: pulled in the middle."""

    def __init__(self, contents: Contents, leave_after: int = 0, leave: Callable[[], object] = lambda: None) -> None:
        self.atr = ATR
        self.said = 0
        self._chip = SimulatedDocument(contents)
        self._leave_after, self._leave = leave_after, leave

    def answer(self, apdu: bytes) -> bytes:
        """See `drivers._virtual_card.Chip`."""
        self.said += 1
        if self._leave_after and self.said > self._leave_after:
            self._leave()
            raise EOFError
        return self._chip.transmit(apdu)


class DocumentHolder:
    """The simulator (see `gate.simulate.BenchSimulator`): a pseudo-terminal for the page, a slot of vpcd for the chip.

    `folder` gets the country's certificate; without one it is made, and goes with `close`.
    """

    def __init__(self, folder: Path | None = None, slot: int = 0) -> None:
        self._line, self._slot = PtyPort(), slot
        self._own_folder = None if folder else tempfile.TemporaryDirectory(prefix="menshen-csca-")
        self.folder = folder or Path(self._own_folder.name if self._own_folder else "")
        self._country = issue.Issuer(date.today(), "Utopia")
        (self.folder / "utopia.cer").write_bytes(self._country.certificate)
        self._card: VirtualCard | None = None
        self.contents = self._make([])

    @property
    def url(self) -> str:
        """What to connect to."""
        return f"emrtd:///Virtual%20PCD%2000%20{self._slot:02}?mrz={self._line.path}&csca={self.folder}"

    def run(self, stop: threading.Event) -> None:
        """The card has a thread of its own: wait until `stop` is set, then take it away."""
        stop.wait()
        self.remove()

    def lay(self, leave_after: int = 0) -> None:
        """Lay the chip on the reader. `ConnectionRefusedError` where no vpcd runs."""
        self.remove()
        chip = DocumentCard(self.contents, leave_after, self.remove)
        card = VirtualCard(chip, PORTS[self._slot])
        try:
            card.insert()
        except OSError as error:
            raise ConnectionRefusedError("no virtual reader listens: is pcscd running, with vpcd?") from error
        self._card = card

    def remove(self) -> None:
        """Take it away."""
        card, self._card = self._card, None
        if card is not None:
            card.remove()

    def show(self) -> None:
        """Show the page to the machine at the line, as such machines send it."""
        self._line.write(self.contents.mrz.replace("\n", "\r").encode() + b"\r")

    def unplug(self) -> None:
        """Pull the plug of the machine at the line."""
        self._line.unplug()

    def replug(self) -> None:
        """Put it back, at another `url`."""
        self._line.replug()

    def close(self) -> None:
        """Take chip and machine away. May be called twice."""
        self.remove()
        self._line.close()
        if self._own_folder:
            self._own_folder.cleanup()

    def command(self, text: str) -> str:
        """Do what one line of text says, and answer `ok`, some words or `error: …`.

        new [pace|bac] [3des|aes|aes256] [proof] [clone] [forged] [strange] [number=…] [name=SURNAME/GIVEN] [seed=N]
        lay | pull N (gone after N commands) | remove | show | mrz | can | csca
        """
        try:
            word, *rest = shlex.split(text) or [""]
            acts: dict[str, Callable[[], str | None]] = {
                "new": lambda: self._renew(rest),
                "lay": self.lay,
                "pull": lambda: self.lay(int(rest[0])),
                "remove": self.remove,
                "show": self.show,
                "mrz": lambda: self.contents.mrz.replace("\n", " "),
                "can": lambda: self.contents.can,
                "csca": lambda: str(self.folder),
            }
            if word not in acts:
                return f"error: {word!r} is not known here, there are: {', '.join(acts)}; new takes {', '.join(_WORDS)}"
            return acts[word]() or "ok"
        except (ValueError, IndexError, OSError) as error:
            return f"error: {error}"

    def _renew(self, words: list[str]) -> None:
        self.remove()
        self.contents = self._make(words)

    def _make(self, words: list[str]) -> Contents:
        given = dict(word.split("=", 1) for word in words if "=" in word)
        flags = [word for word in words if "=" not in word]
        if unknown := [word for word in flags if word not in _WORDS] or [k for k in given if k not in _GIVEN]:
            raise ValueError(f"a document is not {unknown[0]!r}; there are {', '.join((*_WORDS, *_GIVEN))}")
        cipher = next((_CIPHERS[word] for word in flags if word in _CIPHERS), Cipher.AES128)
        pace = "bac" not in flags
        surname, _, name = given.get("name", "ZHENGJIAN/YANGBEN").upper().partition("/")
        mrz = issue.td3(given.get("number", "EA1234567"), surname, name, "810203", "F", "350305")
        contents = personalise(
            issue.Issuer(date.today(), "Nowhere") if "strange" in flags else self._country,
            mrz,
            rendered(int(given.get("seed", "0"))),
            can="123456" if pace else "",
            pace=((_BRAINPOOL_256, cipher),) if pace else (),
            chip_key=ChipKey.make(cipher=cipher) if {"proof", "clone"} & set(flags) else None,
        )
        if "forged" in flags:
            contents = contents.with_file(fid_of(2), issue.dg2(rendered(int(given.get("seed", "0")) + 1)))
        return contents.cloned() if "clone" in flags else contents


_GIVEN = ("number", "name", "seed")


def rendered(seed: int) -> bytes:
    """The portrait of an invented person, as JPEG."""
    import cv2

    from drivers.camera._visitors import CHOSEN, identity, portrait

    done, data = cv2.imencode(".jpg", portrait(identity(CHOSEN[seed % len(CHOSEN)])), [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not done:
        raise ValueError("the portrait can't be written as JPEG")
    return bytes(data)
