"""`best:` opens the best model that is installed, and never another one in its place."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from drivers import connect
from drivers.errors import MissingLibrary, UnknownDevice
from drivers.face.best import chosen
from drivers.url import parse
from models.face_card import write_card
from models.face_models import DLIB, MOBILEFACENET

NETWORKS = Path(__file__).resolve().parents[2].parent / "shared" / "models"


def test_with_nothing_installed_it_is_dlib(tmp_path: Path) -> None:
    engine = connect("face", f"best://{tmp_path}?min_height=60")
    assert engine.model_version == DLIB.model_version
    assert str(chosen(parse("best:///nowhere?min_height=60"))) == "dlib:?min_height=60"


def test_an_installed_model_comes_first_and_a_damaged_one_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mobilefacenet.toml").write_text(write_card(MOBILEFACENET))
    assert str(chosen(parse(f"best://{tmp_path}"))) == f"ncnn://{tmp_path}/mobilefacenet.toml"
    with pytest.raises((UnknownDevice, MissingLibrary), match=r"lacks .*mobilefacenet|pip install ncnn"):
        connect("face", f"best://{tmp_path}")


@pytest.mark.skipif(not NETWORKS.is_dir(), reason="the folder of networks is not here")
@pytest.mark.skipif(importlib.util.find_spec("ncnn") is None, reason="ncnn is not installed")
def test_the_installed_model_opens(tmp_path: Path) -> None:
    (tmp_path / "mobilefacenet.toml").write_text(write_card(MOBILEFACENET))
    for file in (*(NETWORKS / "mobilefacenet").iterdir(), *(NETWORKS / "yunet").iterdir()):
        (tmp_path / file.name).symlink_to(file)
    assert connect("face", f"best://{tmp_path}").model_version == MOBILEFACENET.model_version
