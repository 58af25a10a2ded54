"""Secure messaging (Doc 9303-11, 9.8): every command and response encrypted and authenticated, in strict order.

A `SecureMessaging` is one end of a session. The reader uses `wrap` and `unwrap`, a chip `open_command` and
`seal_response`. What fails once fails for ever: the session is over, as it is on the chip.
"""

from __future__ import annotations

import hmac

from drivers.errors import BadAnswer
from drivers.reader._emrtd import tlv
from drivers.reader._emrtd.apdu import Command, Response
from drivers.reader._emrtd.keys import ENC, MAC, Cipher, pad, unpad

_SECURED = 0x0C
_SW, _MAC, _LE, _PLAIN_CRYPTOGRAM, _CRYPTOGRAM = 0x99, 0x8E, 0x97, 0x85, 0x87


class SecureMessaging:
    """Session keys and the send sequence counter (SSC), which counts commands and responses alike."""

    def __init__(self, cipher: Cipher, k_enc: bytes, k_mac: bytes, ssc: int = 0) -> None:
        self.cipher = cipher
        self._k_enc, self._k_mac = k_enc, k_mac
        self._ssc = ssc
        self._over = False

    @classmethod
    def of_secret(cls, cipher: Cipher, secret: bytes) -> SecureMessaging:
        """A session with keys derived of a shared secret, its counter at 0 (PACE, chip authentication)."""
        return cls(cipher, cipher.derive(secret, ENC), cipher.derive(secret, MAC))

    # the reader's end

    def wrap(self, command: Command) -> Command:
        """`command` under protection."""
        self._step()
        objects = b""
        if command.data:
            objects = self._cryptogram(command.data, odd=bool(command.ins & 1))
        if command.le is not None:
            size = 1 if command.le <= 256 else 2
            objects += tlv.pack(_LE, (command.le % 256**size).to_bytes(size, "big"))
        head = bytes([command.cla | _SECURED, command.ins, command.p1, command.p2])
        objects += tlv.pack(_MAC, self._mac(self._padded(head) + objects))
        le = 65536 if len(objects) > 255 or (command.le or 0) > 256 else 256
        return Command(command.ins, command.p1, command.p2, objects, le, head[0])

    def unwrap(self, response: Response) -> Response:
        """The chip's answer in clear. Raises `BadAnswer` where it isn't what this session's chip sent."""
        self._step()
        try:
            return self._unwrap(response)
        except BadAnswer as error:
            self._over = True
            raise BadAnswer(f"secure messaging: {error}", card_present=True) from error

    def _unwrap(self, response: Response) -> Response:
        if not response.data:
            raise BadAnswer(f"the chip left the session with {response.sw:04X}")
        objects = tlv.parse(response.data)
        if objects[-1].tag != _MAC:
            raise BadAnswer("an answer without its MAC")
        authentic = response.data[: -len(objects[-1].whole)]
        if not hmac.compare_digest(self._mac(authentic), objects[-1].value):
            raise BadAnswer("an answer's MAC does not agree")
        tags = [o.tag for o in objects[:-1]]
        if tags not in ([_SW], [_CRYPTOGRAM, _SW], [_PLAIN_CRYPTOGRAM, _SW]):
            raise BadAnswer("an answer's data objects are not those of secure messaging")
        if objects[-2].value != response.sw.to_bytes(2, "big"):
            raise BadAnswer("an answer's status is not the one it authenticates")
        return Response(self._clear(objects[0]) if len(tags) == 2 else b"", response.sw)

    # the chip's end

    def open_command(self, command: Command) -> Command:
        """The reader's command in clear. Raises `BadAnswer` where it isn't of this session."""
        self._step()
        objects = tlv.parse(command.data)
        if command.cla & _SECURED != _SECURED or not objects or objects[-1].tag != _MAC:
            self._over = True
            raise BadAnswer("a command without secure messaging")
        head = bytes([command.cla, command.ins, command.p1, command.p2])
        body = command.data[: -len(objects[-1].whole)]
        if not hmac.compare_digest(self._mac(self._padded(head) + body), objects[-1].value):
            self._over = True
            raise BadAnswer("a command's MAC does not agree")
        data, le = b"", None
        for item in objects[:-1]:
            if item.tag in (_CRYPTOGRAM, _PLAIN_CRYPTOGRAM):
                data = self._clear(item)
            elif item.tag == _LE:
                le = int.from_bytes(item.value, "big") or 256 ** len(item.value)
        return Command(command.ins, command.p1, command.p2, data, le, command.cla & ~_SECURED)

    def seal_response(self, response: Response, odd: bool = False) -> Response:
        """`response` under protection; `odd` for an answer to a command with an odd instruction byte."""
        self._step()
        objects = self._cryptogram(response.data, odd) if response.data else b""
        objects += tlv.pack(_SW, response.sw.to_bytes(2, "big"))
        return Response(objects + tlv.pack(_MAC, self._mac(objects)), response.sw)

    # both

    def _step(self) -> None:
        if self._over:
            raise BadAnswer("secure messaging: the session is over", card_present=True)
        self._ssc = (self._ssc + 1) % 256**self.cipher.block

    def _counter(self) -> bytes:
        return self._ssc.to_bytes(self.cipher.block, "big")

    def _iv(self) -> bytes | None:
        return None if self.cipher is Cipher.DES3 else self.cipher.encrypt(self._k_enc, self._counter())

    def _padded(self, head: bytes) -> bytes:
        return pad(head, self.cipher.block)

    def _mac(self, data: bytes) -> bytes:
        """Over the counter and `data`, padded."""
        message = self._counter() + data
        # retail MAC pads by its own rule, CMAC has to be handed whole blocks here
        return self.cipher.mac(self._k_mac, message if self.cipher is Cipher.DES3 else pad(message, self.cipher.block))

    def _cryptogram(self, data: bytes, odd: bool) -> bytes:
        cryptogram = self.cipher.encrypt(self._k_enc, pad(data, self.cipher.block), self._iv())
        return tlv.pack(_PLAIN_CRYPTOGRAM, cryptogram) if odd else tlv.pack(_CRYPTOGRAM, b"\x01" + cryptogram)

    def _clear(self, item: tlv.Tlv) -> bytes:
        cryptogram = item.value
        if item.tag == _CRYPTOGRAM:
            if cryptogram[:1] != b"\x01":
                raise BadAnswer("a cryptogram with an unknown padding indicator")
            cryptogram = cryptogram[1:]
        return unpad(self.cipher.decrypt(self._k_enc, cryptogram, self._iv()))
