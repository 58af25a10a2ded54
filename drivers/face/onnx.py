"""Any face network of the SFace or ArcFace shape, in ONNX: YuNet finds the face, a card says how the network is fed.

    onnx:///var/lib/menshen/models/sface.toml                     the fastest that runs here
    onnx:///var/lib/menshen/models/sface.toml?network=opencv      OpenCV's DNN module, which is always there

The network and its detector lie beside their card; `gatectl models install` puts them there. Files are held against
the hashes in the card before anything is made of them.

MobileFaceNet, one core at 2.1 GHz: 7 ms in OpenCV, 7 to 9 ms in onnxruntime; detector, alignment and checks 2 to 5 ms.

Device: face engine
Does: YuNet detector, five-point alignment, a network of the SFace or ArcFace shape by path and card
Tried: YuNet and MobileFaceNet (written out as ONNX) on real photographs, in OpenCV and in onnxruntime
Untried: SFace's own file; speed on a Raspberry Pi
"""

from __future__ import annotations

import cv2
import numpy as np

from drivers.errors import BadAnswer, MissingLibrary, UnknownDevice
from drivers.face import _pad_watch, _quality
from drivers.face._networked import Engine, Features, load
from drivers.face._ort import runtime
from drivers.face._quality import Limits
from drivers.interfaces import Frame
from drivers.url import DeviceUrl
from models.face_card import Colour, Recipe, Runner

CHOICES = ("auto", "onnxruntime", "opencv")
OPTIONS = _quality.OPTIONS | {
    "network": "who computes the network: auto (the fastest here), onnxruntime or opencv (auto)",
    **_pad_watch.OPTIONS,
}


def open(url: DeviceUrl) -> Engine:
    """The engine whose card is at `url`. Raises `UnknownDevice`, `MissingLibrary`."""
    wanted = url.choice("network", CHOICES, "auto")
    card, files, detector = load(url, Runner.ONNX)
    if card.recipe is None or len(files) != 1:
        raise UnknownDevice(f"{url}: an ONNX network is one file, the card names {len(files)}")
    try:
        features = _features(files[0], card.recipe, wanted)
        return Engine(card, detector, features, Limits.from_url(url), _pad_watch.from_url(url))
    except cv2.error:
        raise UnknownDevice(f"{url}: OpenCV can't run this network as its card says") from None


def _features(network: bytes, recipe: Recipe, wanted: str) -> Features:
    if wanted != "opencv":
        try:
            return _on_onnxruntime(network, recipe)
        except ImportError as absent:
            if wanted == "onnxruntime":
                raise MissingLibrary("this address asks for onnxruntime: pip install 'onnxruntime<1.27'") from absent
    return _on_opencv(network, recipe)


def _blob(chip: Frame, recipe: Recipe) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    swap = recipe.colour is Colour.RGB
    blob = cv2.dnn.blobFromImage(chip, recipe.scale, mean=(recipe.mean,) * 3, swapRB=swap)
    return np.asarray(blob, np.float32)


def _on_opencv(network: bytes, recipe: Recipe) -> Features:
    net = cv2.dnn.readNetFromONNX(np.frombuffer(network, np.uint8))

    def run(chip: Frame) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        net.setInput(_blob(chip, recipe), recipe.source)
        return np.asarray(net.forward(recipe.result) if recipe.result else net.forward(), np.float32).ravel()

    return run


def _on_onnxruntime(network: bytes, recipe: Recipe) -> Features:
    module = runtime()
    options = module.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = module.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own errors share no root but this
        raise UnknownDevice("onnxruntime can't read this network") from error
    source = recipe.source or session.get_inputs()[0].name
    result = recipe.result or session.get_outputs()[0].name

    def run(chip: Frame) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        try:
            return np.asarray(session.run([result], {source: _blob(chip, recipe)})[0], np.float32).ravel()
        except Exception as error:
            raise BadAnswer("onnxruntime can't run this network as its card says") from error

    return run
