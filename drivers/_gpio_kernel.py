"""The lines of a kernel's GPIO chip, through libgpiod 2: the near half of `_gpio_lines` on real hardware."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

import gpiod

from drivers._gpio_lines import BIASES, CONSUMER, Bias, Edge
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DriverError, MissingLibrary, UnknownDevice

if not hasattr(gpiod, "LineSettings"):
    raise MissingLibrary("this gpiod is version 1 (Debian's python3-libgpiod); install gpiod 2 from PyPI", name="gpiod")

from gpiod.line import Bias as ChipBias  # after the check, whose words are clearer
from gpiod.line import Direction, Value
from gpiod.line import Edge as ChipEdge

_VALUES = {True: Value.ACTIVE, False: Value.INACTIVE}
_BIASES = dict(zip(BIASES, (ChipBias.AS_IS, ChipBias.DISABLED, ChipBias.PULL_UP, ChipBias.PULL_DOWN), strict=True))


class _Request:
    """Lines of a kernel's chip, by the names of the URL."""

    def __init__(self, path: str, lines: Iterable[str], settings: Mapping[str, gpiod.LineSettings]) -> None:
        self._path, self._lines = path, tuple(lines)
        self._closed = False
        with _told(path), gpiod.Chip(path) as chip:
            self._offsets = {line: _offset(chip, path, line) for line in self._lines}
            self._names = {offset: line for line, offset in self._offsets.items()}
            if len(self._names) < len(self._offsets):
                raise UnknownDevice(f"{path}: two of the lines {', '.join(self._lines)} are one")
            config: dict[Iterable[int | str] | int | str, gpiod.LineSettings | None]
            config = {self._offsets[line]: one for line, one in settings.items()}
            try:
                self._request = chip.request_lines(config, consumer=CONSUMER)
            except OSError as error:
                users = self._users(chip) if error.errno == errno.EBUSY else []
                raise _why_not(path, error, users) from error

    def levels(self) -> dict[str, bool]:
        """See `Outputs.levels` and `Inputs.levels`."""
        self._check_open()
        with _told(self._path):
            values = self._request.get_values(list(self._offsets.values()))
        return {line: bool(value) for line, value in zip(self._offsets, values, strict=True)}

    def close(self) -> None:
        """Give the lines back."""
        if not self._closed:
            self._closed = True
            with suppress(OSError, RuntimeError):
                self._request.release()

    def _check_open(self) -> None:
        if self._closed:
            raise DeviceLost(f"{self._path}: the lines were given back")

    def _users(self, chip: gpiod.Chip) -> list[str]:
        """Who has which of the lines."""
        with suppress(OSError):
            infos = [(line, chip.get_line_info(offset)) for line, offset in self._offsets.items()]
            return [f"line {line} by {info.consumer or 'the kernel'}" for line, info in infos if info.used]
        return []


class KernelOutputs(_Request):
    """See `Outputs`."""

    def __init__(self, path: str, at_rest: Mapping[str, bool], *, active_low: bool = False) -> None:
        wanted = {
            line: gpiod.LineSettings(direction=Direction.OUTPUT, active_low=active_low, output_value=_VALUES[level])
            for line, level in at_rest.items()
        }
        super().__init__(path, at_rest, wanted)

    def set(self, levels: Mapping[str, bool]) -> None:
        """See `Outputs.set`."""
        self._check_open()
        wanted: dict[int | str, gpiod.line.Value]
        wanted = {self._offsets[line]: _VALUES[level] for line, level in levels.items()}
        with _told(self._path):
            self._request.set_values(wanted)


class KernelInputs(_Request):
    """See `Inputs`."""

    def __init__(
        self, path: str, lines: Sequence[str], *, bias: Bias, debounce_ms: float, active_low: bool = False
    ) -> None:
        wanted = gpiod.LineSettings(
            direction=Direction.INPUT,
            edge_detection=ChipEdge.BOTH,
            bias=_BIASES[bias],
            debounce_period=timedelta(milliseconds=debounce_ms),
            active_low=active_low,
        )
        super().__init__(path, lines, dict.fromkeys(lines, wanted))
        self._sequence = 0
        self._kept: list[Edge] = []

    def wait(self, timeout: float) -> list[Edge]:
        """See `Inputs.wait`."""
        self._check_open()
        edges, self._kept = self._kept, []
        if edges:
            return edges
        lost = 0
        with _told(self._path):
            if not self._request.wait_edge_events(max(timeout, 0.0)):
                return []
            for event in self._request.read_edge_events():
                lost += event.global_seqno - self._sequence - 1
                self._sequence = event.global_seqno
                level = event.event_type is event.Type.RISING_EDGE
                edges.append(Edge(self._names[event.line_offset], level, event.timestamp_ns))
        if lost:
            self._kept = edges
            raise BadAnswer(f"{self._path}: {lost} edges came faster than they were read")
        return edges


def _offset(chip: gpiod.Chip, path: str, line: str) -> int:
    try:
        return chip.line_offset_from_id(line)
    except ValueError as error:
        raise UnknownDevice(f"{path} has no line {line}; gpioinfo lists them") from error
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise UnknownDevice(f"{path} has no line called {line!r}; gpioinfo lists them") from error
        raise


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn what the kernel says into declared errors."""
    try:
        yield
    except DriverError:
        raise
    except OSError as error:
        raise _why_not(path, error) from error


def _why_not(path: str, error: OSError, users: Sequence[str] = ()) -> DriverError:
    match error.errno:
        case errno.EBUSY:
            return DeviceRefused(f"{path} is in use: {', '.join(users) or 'gpioinfo says by whom'}")
        case errno.EACCES | errno.EPERM:
            return DeviceLost(f"{path} may not be opened by this user: add it to the group of the chip (often gpio)")
        case errno.ENOENT:
            return DeviceLost(f"{path} is not there: gpiodetect lists the chips of this machine")
        case errno.ENOTTY | errno.EINVAL:
            return DeviceRefused(f"{path} does not take this: is it a GPIO chip, and has it such a line and bias?")
        case _:
            return DeviceLost(f"{path} is gone: {error}")
