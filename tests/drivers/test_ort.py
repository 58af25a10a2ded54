"""Which onnxruntime is taken: one that was tried, and none that reports to its makers."""

from __future__ import annotations

import sys

import pytest

from drivers.face import _ort


@pytest.mark.parametrize("found", ["1.27.0", "1.31.1", "2.0.0rc1"])
def test_one_that_may_report_to_its_makers_is_never_imported(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setattr(_ort, "version", lambda name: found)
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    with pytest.raises(ImportError, match="report to its makers"):
        _ort.runtime()
    assert "onnxruntime" not in sys.modules


def test_an_absent_one_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise _ort.PackageNotFoundError(name)

    monkeypatch.setattr(_ort, "version", missing)
    with pytest.raises(ImportError, match="not installed"):
        _ort.runtime()


def test_the_one_that_is_installed_leaves_nothing_in_the_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Asked in a process of its own, which has never imported it."""
    import subprocess

    pytest.importorskip("onnxruntime")
    room = tmp_path_factory.mktemp("room")
    script = "from drivers.face._ort import runtime; runtime().SessionOptions()"
    environment = {"TMPDIR": str(room), "HOME": str(room), "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert list(room.rglob("*")) == []
