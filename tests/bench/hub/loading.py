"""A gate takes in a stadium while a lane goes on: what that takes, and how long a look-up waits meanwhile.

The loading is a process of its own with all that the gate's sync process brings; this one is the gate's other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.face import FaceReference
from models.ids import DocumentType
from models.store.manifest_db import ManifestReader
from models.store.vault import DeviceKey
from sync.bundle_build import Issue
from sync.manifest import DEVICE_KEY, MANIFEST, Result, Tables, build_manifest
from tests.bench.bench_manifest import EVENT, POLICY, SECRET, id_number, people

FEW = 1_000
PAUSE_S = 0.002
_ROOT = Path(__file__).resolve().parents[3]
_LOAD = """
import json, sys
from pathlib import Path
import sync.agent
from sync.manifest import load_manifest
folder, bundle, key = Path(sys.argv[1]), Path(sys.argv[2]), bytes.fromhex(sys.argv[3])
loaded = load_manifest(bundle, folder, gate="A1", issuers={"bench": key}, now=1.0)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"load_s": loaded.seconds, "peak_mb": int(peak) / 1024, "tickets": loaded.tickets}))
"""


def measure(tickets: int) -> dict[str, float]:
    """`build_s` (with references), `load_s`, `peak_mb` of the process that loads, `waited_ms` and `looks` meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        device, signing = DeviceKey.make(folder / DEVICE_KEY), Ed25519PrivateKey.generate()
        key = signing.public_key().public_bytes_raw().hex()
        _bundle(folder, device, signing, 1, FEW)
        _finish(_begin(folder, key, 1))
        built = _bundle(folder, device, signing, 2, tickets)
        waited, found = _look_meanwhile(folder, device, _begin(folder, key, 2))
        assert found["tickets"] == tickets
        return found | {"build_s": built.seconds, "waited_ms": max(waited), "looks": len(waited)}


def _bundle(folder: Path, device: DeviceKey, signing: Ed25519PrivateKey, version: int, count: int) -> Result:
    issue = Issue("bench", POLICY, version, 0.0, 1e9, {"A1": device.public}, SECRET, signing)
    assert issue.event == EVENT
    references = {f"T{serial}": FaceReference("dlib-resnet-v1-hog5", os.urandom(512)) for serial in range(count)}
    return build_manifest(Tables(people(folder, count), references=references), folder / str(version), issue)


def _begin(folder: Path, key: str, version: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _LOAD, str(folder), str(folder / str(version)), key]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT)


def _look_meanwhile(
    folder: Path, device: DeviceKey, process: subprocess.Popen[str]
) -> tuple[list[float], dict[str, Any]]:
    """Milliseconds of each look-up, as a visitor causes one, from the beginning to the end of the loading."""
    reader = ManifestReader(folder / MANIFEST, device)
    waited: list[float] = []
    while process.poll() is None:
        began = time.perf_counter()
        assert reader.find(DocumentType.RESIDENT_ID, id_number(len(waited) % FEW)).tickets
        waited.append((time.perf_counter() - began) * 1e3)
        time.sleep(PAUSE_S)
    reader.close()
    return waited, _finish(process)


def _finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    told, _ = process.communicate(timeout=120)
    found: dict[str, Any] = json.loads(told)
    return found
