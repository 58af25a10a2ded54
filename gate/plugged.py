"""What is plugged into this machine that a driver may know, each with a URL to copy.

Read from `/dev` and `/sys` alone: nothing is opened, so nothing is disturbed. Only card readers of PC/SC are asked for
by their service, where its library is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import quote

from drivers import Kind, available

KNOWN_USB: dict[str, tuple[str, tuple[str, ...]]] = {
    "1a86:7523": ("CH340: LCUS relay boards, and many readers, scanners and adapters", ("relay/lcus", "reader/sam")),
    "1a86:55d3": ("CH343 serial adapter", ("reader/sam", "relay/modbus")),
    "0403:6001": ("FTDI serial adapter, often RS-485", ("reader/osdp", "relay/modbus", "sensor/modbus")),
    "0403:6015": ("FTDI serial adapter, often RS-485", ("reader/osdp", "relay/modbus", "sensor/modbus")),
    "10c4:ea60": ("CP210x serial adapter: many SAM readers and scanners", ("reader/sam", "reader/line")),
    "067b:2303": ("PL2303 serial adapter: many SAM readers", ("reader/sam", "reader/line")),
    "16c0:05df": ("USB HID relay board", ("relay/hid",)),
    "0400:c35a": ("SAM module on bare USB, without a serial port: not supported", ()),
    "0c2e:0b6a": ("Honeywell scanner with a serial port of its own", ("reader/line",)),
}
"""By vendor and product. An adapter's numbers say nothing of what is behind it, so these are guesses."""

_ANY_SERIAL = ("reader/sam", "reader/line", "relay/lcus")


@dataclass(frozen=True, slots=True)
class Plug:
    """One device. `urls` are pairs of URL and kind, likeliest first."""

    path: str
    about: str
    usb: str = ""
    urls: tuple[tuple[str, str], ...] = field(default=())


def plugged_in(root: Path = Path("/")) -> list[Plug]:
    """All of them; `root` is where `dev` and `sys` are."""
    found = [*_serial(root), *_video(root), *_keyboards(root), *_hidraw(root), *_gpio(root)]
    return [*found, *_smart_card_readers()] if root == Path("/") else found


def _serial(root: Path) -> Iterator[Plug]:
    for entry in _listed(root / "sys/class/tty"):
        device = entry / "device"
        if not device.exists() or (device / "driver").resolve().name in ("serial8250", "port", "driver"):
            continue  # a console, or one of the thirty-two sockets that boards reserve
        usb = _usb_id(device)
        about, drivers = KNOWN_USB.get(usb, ("serial port", _ANY_SERIAL))
        path, warning = _stable(root, entry.name)
        yield Plug(path, f"{about}{f' [{usb}]' if usb else ''}{warning}", usb, _urls(drivers, "+serial", path))


def _stable(root: Path, name: str) -> tuple[str, str]:
    """A path that stays, and a warning where there is none or it is shared.

    Two adapters without serial numbers have one name by-id, so that is trusted only where it holds a serial number.
    """
    for folder, trusted in (("by-id", True), ("by-path", True)):
        for link in _listed(root / "dev/serial" / folder):
            if link.resolve().name != name:
                continue
            nameless = folder == "by-id" and link.name.startswith(("usb-1a86_USB", "usb-067b", "usb-Prolific"))
            if trusted and not nameless:
                return f"/dev/serial/{folder}/{link.name}", ""
    return f"/dev/{name}", "; its number may change at the next start: give it a link by a udev rule"


def _video(root: Path) -> Iterator[Plug]:
    for entry in _listed(root / "sys/class/video4linux"):
        if _text(entry / "index") not in ("", "0"):
            continue  # the second node of a camera gives no pictures
        links = [link for link in _listed(root / "dev/v4l/by-id") if link.resolve().name == entry.name]
        path = f"/dev/v4l/by-id/{links[0].name}" if links else f"/dev/{entry.name}"
        yield Plug(
            path, _text(entry / "name") or "camera", _usb_id(entry / "device"), _urls(("camera/v4l2",), "", path)
        )


def _keyboards(root: Path) -> Iterator[Plug]:
    for link in _listed(root / "dev/input/by-id"):
        if link.name.endswith("-event-kbd"):
            path = f"/dev/input/by-id/{link.name}"
            yield Plug(path, "keyboard, or a scanner that types", "", _urls(("reader/wedge",), "", path))


def _hidraw(root: Path) -> Iterator[Plug]:
    for entry in _listed(root / "sys/class/hidraw"):
        told = dict(line.split("=", 1) for line in _text(entry / "device/uevent").splitlines() if "=" in line)
        _, _, numbers = told.get("HID_ID", "").partition(":")
        usb = ":".join(part[-4:].lower() for part in numbers.split(":"))
        about, drivers = KNOWN_USB.get(usb, ("HID device", ()))
        path = f"/dev/{entry.name}"
        yield Plug(path, f"{told.get('HID_NAME') or about}{f' [{usb}]' if usb else ''}", usb, _urls(drivers, "", path))


def _gpio(root: Path) -> Iterator[Plug]:
    for entry in _listed(root / "dev"):
        if entry.name.startswith("gpiochip"):
            path = f"/dev/{entry.name}"
            yield Plug(
                path, "pins of this computer", "", _urls(("relay/gpio?line=17", "sensor/gpio?turn_in=22"), "", path)
            )


def _smart_card_readers() -> Iterator[Plug]:
    try:
        from smartcard.System import readers  # type: ignore[import-not-found,import-untyped,unused-ignore]

        names = [str(reader) for reader in readers()]
    except Exception:  # no library, no service, or one that just stops: pyscard has an error for each, of many kinds
        return
    for name in names:
        yield Plug(
            name, "smart card reader (PC/SC)", "", _urls(("reader/pcsc", "reader/emrtd?csca=DIR"), "", f"/{name}")
        )


def _urls(drivers: tuple[str, ...], transport: str, path: str) -> tuple[tuple[str, str], ...]:
    """The URLs of those drivers that exist here, each `kind/driver` with the options it can't do without."""
    found = []
    for driver in drivers:
        bare, _, options = driver.partition("?")
        kind, name = bare.split("/")
        if name in available(cast(Kind, kind)):
            url = f"{name}{transport}://{quote(path, safe='/:+,@')}" + (f"?{options}" if options else "")
            found.append((url, kind))
    return tuple(found)


def _usb_id(device: Path) -> str:
    """`1a86:7523` of the USB device that `device` belongs to, or empty."""
    here = device.resolve()
    for folder in (here, *here.parents):
        if vendor := _text(folder / "idVendor"):
            return f"{vendor}:{_text(folder / 'idProduct')}"
    return ""


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
