"""Which tests the fast run leaves out, beside those that say so themselves; and what chance has to do with them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
NOT_IN_THE_FAST_RUN = frozenset(
    HERE / name
    for name in (
        "drivers/emrtd/test_over_pcscd.py",
        "drivers/emrtd/test_read_document.py",
        "drivers/test_accuracy_script.py",
        "drivers/test_camera_v4l2.py",
        "drivers/test_dlib_net.py",
        "drivers/test_dlib_search.py",
        "drivers/test_face_best.py",
        "drivers/test_face_dlib.py",
        "drivers/test_face_networked.py",
        "drivers/test_pad_cues.py",
        "drivers/test_pad_network.py",
        "drivers/test_reader_osdp.py",
        "drivers/test_reader_pcsc.py",
        "drivers/test_reader_sam.py",
        "drivers/test_relay_gpio.py",
        "drivers/test_relay_hid.py",
        "drivers/test_relay_lcus.py",
        "drivers/test_relay_modbus.py",
        "drivers/test_relay_uhppote.py",
        "drivers/test_sensor_gpio.py",
        "drivers/test_sensor_modbus.py",
        "drivers/test_sensor_uhppote.py",
        "drivers/test_signal_lamps.py",
        "gate/check/test_cli_check.py",
        "gate/check/test_stories.py",
        "gate/test_before_card.py",
        "gate/test_by_eye.py",
        "gate/test_calibration.py",
        "gate/test_cli_ledger.py",
        "gate/test_hour_without_card.py",
        "gate/test_lane_portrait.py",
        "gate/test_live_picture.py",
        "gate/test_right_face.py",
        "gate/test_simulate.py",
        "gate/test_staff_book.py",
        "gate/test_vision.py",
        "gate/test_vision_portrait.py",
        "models/test_ledger_failures.py",
        "models/test_ledger_verify.py",
        "sync/test_bundle_attacks.py",
        "ui/test_real_windows.py",
    )
)
"""Networks that load, processes that start, wires at their own speed, keys that are slow on purpose: seconds each."""


WITH_THE_LONG_ONES = frozenset(HERE / "drivers" / name for name in ("test_reader_osdp.py", "test_signal_lamps.py"))
"""They wait for wires for minutes and have the processor do nothing."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make check` is for every commit and has to be quick; `make test` runs these too."""
    for item in items:
        if item.path in NOT_IN_THE_FAST_RUN:
            item.add_marker(pytest.mark.slow)
        if item.path in WITH_THE_LONG_ONES:
            item.add_marker(pytest.mark.long)


# A change is judged by its own faults, not by the luck of the draw. `MENSHEN_EXAMPLES=other` goes on searching.
settings.register_profile("same", derandomize=True)
if os.environ.get("MENSHEN_EXAMPLES") != "other":
    settings.load_profile("same")

# A shell ignores Ctrl-C for what it runs in the background, and what tests start would inherit that and never end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
