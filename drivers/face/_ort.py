"""onnxruntime, where one is installed that keeps to its work.

From some version between 1.26 and 1.31 on it keeps a number of its own in the temporary folder as soon as it is
imported, to report to its makers with. A gate reports to nobody: such a one counts as absent.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

LAST_TRIED = (1, 26)


def runtime() -> Any:
    """The module. Raises `ImportError` where it is absent or newer than what was tried; then it isn't imported."""
    try:
        found = version("onnxruntime")
    except PackageNotFoundError:
        raise ImportError("onnxruntime is not installed") from None
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdecimal())
    if numbers > LAST_TRIED:
        raise ImportError(f"onnxruntime {found} may report to its makers: install one below 1.27")
    return import_module("onnxruntime")
