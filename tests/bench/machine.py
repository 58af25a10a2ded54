"""What the figures were taken on: without it they say nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "opencv-python-headless", "dlib-bin", "msgspec", "cryptography", "face_recognition", "faiss-cpu")


def describe() -> dict[str, Any]:
    """Processor, system and versions."""
    return {
        "cpu": _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": int((_field("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) // 1024,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "scratch": f"{tempfile.gettempdir()} on {_file_system(Path(tempfile.gettempdir()).resolve())}",
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def load() -> list[float]:
    """The load averages of 1, 5 and 15 minutes: above the number of cores, others had the processor too."""
    return [round(value, 2) for value in os.getloadavg()]


def _field(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _file_system(path: Path) -> str:
    """The type of the file system that holds `path`: durable lines cost nothing on tmpfs."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return "an unknown file system"
    holding = [(point, kind) for point, kind in mounts if path.is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0]))[1] if holding else "an unknown file system"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
