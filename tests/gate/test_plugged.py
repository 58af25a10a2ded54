"""What is plugged in, read from a `/dev` and a `/sys` made of plain files."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import connect
from drivers.errors import DriverError, UnknownDevice
from gate.plugged import KNOWN_USB, plugged_in


@pytest.fixture
def machine(tmp_path: Path):
    """A function that writes files into an empty machine; `-> target` makes a link."""

    def build(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                path.symlink_to(text.removeprefix("-> "))
            else:
                path.write_text(text)
        return tmp_path

    return build


def usb_serial(name: str = "ttyUSB0", usb: str = "1a86:7523", driver: str = "ch341-uart") -> dict[str, str]:
    device = f"sys/devices/usb1/1-1/1-1:1.0/{name}"
    vendor, product = usb.split(":")
    return {
        "sys/devices/usb1/1-1/idVendor": vendor + "\n",
        "sys/devices/usb1/1-1/idProduct": product + "\n",
        f"sys/bus/drivers/{driver}/bind": "",
        f"{device}/driver": f"-> ../../../../../bus/drivers/{driver}",
        f"sys/class/tty/{name}/device": f"-> ../../../devices/usb1/1-1/1-1:1.0/{name}",
        f"dev/{name}": "",
    }


def test_nothing_is_nothing(tmp_path):
    assert plugged_in(tmp_path) == []


def test_a_serial_adapter_has_its_numbers_a_guess_and_a_url(machine):
    (plug,) = plugged_in(machine(**usb_serial()))
    assert plug.usb == "1a86:7523"
    assert "LCUS" in plug.about
    assert "may change at the next start" in plug.about
    assert plug.urls[0] == ("lcus+serial:///dev/ttyUSB0", "relay")


def test_a_stable_link_is_preferred_but_not_a_nameless_one(machine):
    root = machine(
        **usb_serial(),
        **{
            "dev/serial/by-id/usb-1a86_USB_Serial-if00-port0": "-> ../../ttyUSB0",
            "dev/serial/by-path/pci-0-usb-0:1:1.0-port0": "-> ../../ttyUSB0",
        },
    )
    (plug,) = plugged_in(root)
    assert plug.path == "/dev/serial/by-path/pci-0-usb-0:1:1.0-port0"
    assert "may change" not in plug.about
    (root / "dev/serial/by-id/usb-FTDI_A9007UX1-if00-port0").symlink_to("../../ttyUSB0")
    (plug,) = plugged_in(root)
    assert plug.path == "/dev/serial/by-id/usb-FTDI_A9007UX1-if00-port0"


def test_consoles_and_reserved_sockets_are_not_plugs(machine):
    root = machine(**usb_serial("ttyS3", driver="serial8250"), **{"sys/class/tty/tty1/dev": "4:1"})
    assert plugged_in(root) == []


def test_cameras_keyboards_hid_devices_and_pins(machine):
    root = machine(
        **{
            "sys/class/video4linux/video0/name": "Face Cam\n",
            "sys/class/video4linux/video0/index": "0\n",
            "sys/class/video4linux/video1/name": "Face Cam\n",
            "sys/class/video4linux/video1/index": "1\n",
            "dev/input/by-id/usb-Acme_Scanner-event-kbd": "",
            "dev/input/by-id/usb-Acme_Mouse-event-mouse": "",
            "sys/class/hidraw/hidraw0/device/uevent": "HID_ID=0003:000016C0:000005DF\nHID_NAME=USBRelay2\n",
            "dev/gpiochip0": "",
        }
    )
    found = {plug.path: plug for plug in plugged_in(root)}
    assert set(found) == {
        "/dev/video0",
        "/dev/input/by-id/usb-Acme_Scanner-event-kbd",
        "/dev/hidraw0",
        "/dev/gpiochip0",
    }
    assert found["/dev/video0"].urls == (("v4l2:///dev/video0", "camera"),)
    assert found["/dev/video0"].about == "Face Cam"
    assert found["/dev/hidraw0"].usb == "16c0:05df"


def test_every_url_offered_is_one_that_a_driver_takes(machine):
    """It may not open, for there is nothing behind it; or ask for more, such as a key. But it is understood."""
    root = machine(**usb_serial("ttyUSB7"))
    for usb in KNOWN_USB:
        vendor, product = usb.split(":")
        (root / "sys/devices/usb1/1-1/idVendor").write_text(vendor)
        (root / "sys/devices/usb1/1-1/idProduct").write_text(product)
        for plug in plugged_in(root):
            for url, kind in plug.urls:
                if url.startswith("hid"):
                    continue  # not a serial port: it is offered for hidraw alone
                with pytest.raises(DriverError) as refused:
                    connect(kind, url)
                assert not isinstance(refused.value, UnknownDevice) or "give " in str(refused.value)
