"""MobileFaceNet and its like in ncnn, which is fastest on ARM: YuNet finds the face, a card says how it is fed.

    ncnn:///var/lib/menshen/models/mobilefacenet.toml

The card names the `.param` and the `.bin` file, which lie beside it with the detector's. `pip install ncnn` has wheels
for x86-64 and for a Raspberry Pi (aarch64, armv7l).

Device: face engine
Does: YuNet detector, five-point alignment, an ncnn network by path and card
Tried: YuNet and MobileFaceNet on real photographs, x86-64
Untried: any ARM board
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from drivers.errors import BadAnswer, MissingLibrary, UnknownDevice
from drivers.face import _pad_watch, _quality
from drivers.face._networked import Engine, Features, load
from drivers.face._quality import Limits
from drivers.interfaces import Frame
from drivers.url import DeviceUrl
from models.face_card import Colour, Recipe, Runner

try:
    import ncnn
except ImportError as absent:
    raise MissingLibrary("the ncnn face engine needs ncnn: pip install ncnn") from absent

OPTIONS = _quality.OPTIONS | _pad_watch.OPTIONS


def open(url: DeviceUrl) -> Engine:
    """The engine whose card is at `url`. Raises `UnknownDevice`."""
    card, files, detector = load(url, Runner.NCNN)
    if card.recipe is None or len(files) != 2:
        raise UnknownDevice(f"{url}: an ncnn network is a .param and a .bin file, the card names {len(files)}")
    features = _features(files[0], files[1], card.recipe)
    return Engine(card, detector, features, Limits.from_url(url), _pad_watch.from_url(url))


def _features(param: bytes, weights: bytes, recipe: Recipe) -> Features:
    net = ncnn.Net()
    net.opt.num_threads = 1
    with _in_memory(param) as param_path, _in_memory(weights) as weights_path:
        if net.load_param(param_path) or net.load_model(weights_path):
            raise UnknownDevice("ncnn can't read this network")
    source = recipe.source or net.input_names()[0]
    result = recipe.result or net.output_names()[0]
    mean, scale = [recipe.mean] * 3, [recipe.scale] * 3

    def run(chip: Frame) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        ordered = cv2.cvtColor(chip, cv2.COLOR_BGR2RGB) if recipe.colour is Colour.RGB else np.ascontiguousarray(chip)
        picture = ncnn.Mat.from_pixels(ordered, ncnn.Mat.PixelType.PIXEL_BGR, chip.shape[1], chip.shape[0])
        picture.substract_mean_normalize(mean, scale)
        extractor = net.create_extractor()
        extractor.input(source, picture)
        trouble, answer = extractor.extract(result)
        if trouble:
            raise BadAnswer("ncnn can't run this network as its card says")
        return np.array(answer, np.float32).ravel()

    return run


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A path to `content` that no disk knows. ncnn's own loading from memory keeps a pointer to what Python frees."""
    with os.fdopen(os.memfd_create("network"), "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"
