"""What we touch: card readers, cameras, face engines, relays, sensors, signals. See `connect`.

The file name is the registration: `sam+serial:///dev/ttyUSB0` opens `drivers/reader/sam.py`. A driver module has

* `open(url: DeviceUrl)`, which gives the device;
* `OPTIONS: dict[str, str]`, the URL options of its own, each with one line of explanation (may be missing: none);
* `TRANSPORTS: tuple[str, ...]`, the transports it takes, such as `("serial", "tcp")` (may be missing: none). With a
  byte stream among them, `spy` and `replay` of `drivers.transport` come for free.

Files whose name starts with an underscore are parts of a driver, not drivers.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from drivers.errors import MissingLibrary, UnknownDevice
from drivers.url import DeviceUrl, did_you_mean, parse

if TYPE_CHECKING:
    from drivers.interfaces import Camera, CardReader, FaceEngine, PassageSensor, Relay, Signal

Kind: TypeAlias = Literal["reader", "camera", "face", "relay", "sensor", "signal"]
KINDS: tuple[Kind, ...] = ("reader", "camera", "face", "relay", "sensor", "signal")


@overload
def connect(kind: Literal["reader"], url: str) -> CardReader: ...
@overload
def connect(kind: Literal["camera"], url: str) -> Camera: ...
@overload
def connect(kind: Literal["face"], url: str) -> FaceEngine: ...
@overload
def connect(kind: Literal["relay"], url: str) -> Relay: ...
@overload
def connect(kind: Literal["sensor"], url: str) -> PassageSensor: ...
@overload
def connect(kind: Literal["signal"], url: str) -> Signal: ...
def connect(kind: Kind, url: str) -> Any:
    """Open the device at `url`.

    Raises `UnknownDevice` for a URL that fits no driver, `MissingLibrary` where the driver's library isn't installed,
    and whatever the device itself raises (`DeviceLost` and its siblings).
    """
    address = parse(url)
    module = load(kind, address.driver)
    _check(address, module)
    try:
        return module.open(address)
    except ImportError as error:
        raise _missing(kind, address.driver, error) from error


def available(kind: Kind) -> tuple[str, ...]:
    """The drivers of a kind by name, sorted. None of them is imported."""
    if kind not in KINDS:
        raise UnknownDevice(f"no kind of device is called {kind!r}, there are: {', '.join(KINDS)}")
    package = importlib.import_module(f"drivers.{kind}")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")))


def load(kind: Kind, driver: str) -> ModuleType:
    """The module of one driver. Raises `UnknownDevice` or `MissingLibrary`."""
    known = available(kind)
    if driver not in known:
        names = ", ".join(known) or "none"
        raise UnknownDevice(f"no {kind} driver is called {driver!r}{did_you_mean(driver, known)}, there are: {names}")
    try:
        return importlib.import_module(f"drivers.{kind}.{driver}")
    except ImportError as error:
        raise _missing(kind, driver, error) from error


def _check(url: DeviceUrl, module: ModuleType) -> None:
    """Hold the URL against what the driver and its transport know."""
    from drivers import transport

    own: dict[str, str] = getattr(module, "OPTIONS", {})
    transports: tuple[str, ...] = getattr(module, "TRANSPORTS", ())
    allowed = transport.with_replay(transports) or ("",)
    if url.transport not in allowed:
        given = f"does not take {url.transport!r}" if url.transport else "needs a transport"
        fitting = ", ".join(name or "none" for name in allowed)
        raise UnknownDevice(f"{url}: {url.driver} {given}{did_you_mean(url.transport, allowed)}; it takes: {fitting}")
    for wrapper in url.wrappers:
        if wrapper not in transport.WRAPPERS:
            raise UnknownDevice(f"{url}: no wrapper is called {wrapper!r}, there are: {', '.join(transport.WRAPPERS)}")
    url.check_options({**own, **transport.options_of(url)})


def _missing(kind: str, driver: str, error: ImportError) -> ImportError:
    """Tell a library that isn't installed from a fault of our own, which must stay visible as it is."""
    library = error.name or str(error)
    if isinstance(error, MissingLibrary) or library.split(".")[0] in ("drivers", "models"):
        return error
    return MissingLibrary(f"the {kind} driver {driver!r} needs {library}, which is not installed", name=library)
