"""The face models that are known by name, size and hash, with what was measured of them.

All were measured alike: 141 photographs of 29 persons (public ones, of mixed origin, 9 persons East Asian), each looked
at as a frame of the lane; those not refused for their quality were compared all with all, by distance. No false match
in n pairs bounds the rate at 3/n with 95 % confidence; photographs of one person are not independent, so that the true
bound is wider. Few pairs: a site that can should measure its own audience.

| model | bands | pairs of strangers | admitted by the machine | holders sent to a person | 95 % |
|---|---|---|---|---|---|
| dlib | 0.40, 0.60 | 5455, of them 609 East Asian | 0, 0 | 84 of 216, 9 of 94 | FMR below 0.06 %, 0.5 % |
| MobileFaceNet | 0.95, 1.15 | 5152, of them 609 East Asian | 0, 0 | 27 of 204, 1 of 94 | FMR below 0.06 %, 0.5 % |

By the bands' other end, at which a steward reads "mismatch", 3 of 204 holders are beyond it with MobileFaceNet and none
of 216 with dlib. Equal error, all and East Asian: dlib 1.2 % and 0.5 %, MobileFaceNet 1.0 % and none among 94.

SFace could not be measured here, and what nobody measured admits nobody: without bands every face goes to a person
until the site has measured its own. A network of dlib's shape trained on Japanese faces (Taguchi's, MIT) is taken by
the dlib engine as `dlib:?weights=FILE`; its version follows from its content, and it has no bands either.
"""

from __future__ import annotations

from models.face_card import ANYBODY, CurvePoint, FaceCard, Measured, ModelFile, Recipe, Runner

EAST_ASIAN = "east-asian"

_ARCFACE_POINTS = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
_ON = "29 persons, 141 photographs in public repositories"
_ON_EAST_ASIAN = "9 persons, 38 frontal photographs in public repositories"

YUNET_2023 = ModelFile(
    "face_detection_yunet_2023mar.onnx", 232_589, "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
)
YUNET_640 = ModelFile(
    "yunet_n_640_640.onnx", 317_466, "25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31"
)

SFACE = FaceCard(
    "sface",
    Runner.ONNX,
    licence="Apache-2.0; its detector YuNet: MIT",
    origin="OpenCV Zoo",
    recipe=Recipe(
        files=(
            ModelFile(
                "face_recognition_sface_2021dec.onnx",
                38_696_353,
                "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
            ),
        ),
        detector=YUNET_2023,
        points=_ARCFACE_POINTS,
    ),
    warning="no bands: its makers tell 99.40 % on LFW, nobody has measured it through this program",
)

MOBILEFACENET = FaceCard(
    "mobilefacenet",
    Runner.NCNN,
    licence="its repository: BSD-3-Clause; not stated for the data it was trained on",
    origin="Qengineering/Face-Recognition-Raspberry-Pi-64-bits; detector: ShiqiYu/libfacedetection.train, Apache-2.0",
    recipe=Recipe(
        files=(
            ModelFile(
                "mobilefacenet.param", 20_288, "dfea20c1a5c2adef2126296f42771ecf33bfa9a50cbe0f7ca8864c7bd1a4bbeb"
            ),
            ModelFile(
                "mobilefacenet.bin", 4_091_592, "9638dcfee63785b87a5ab0b0ed9f9dffe93e4b3718e5ea1b537dd5243a661b87"
            ),
        ),
        detector=YUNET_640,
        points=_ARCFACE_POINTS,
    ),
    measured=(
        Measured(
            ANYBODY,
            accept=0.95,
            refuse=1.15,
            watch=0.85,
            on=_ON,
            curve=(
                CurvePoint(0.85, 0, 5152, 56, 204),
                CurvePoint(0.95, 0, 5152, 27, 204),
                CurvePoint(1.05, 0, 5152, 7, 204),
                CurvePoint(1.10, 2, 5152, 4, 204),
                CurvePoint(1.15, 4, 5152, 3, 204),
                CurvePoint(1.20, 15, 5152, 2, 204),
                CurvePoint(1.25, 67, 5152, 2, 204),
            ),
        ),
        Measured(
            EAST_ASIAN,
            accept=0.95,
            refuse=1.15,
            watch=0.85,
            on=_ON_EAST_ASIAN,
            curve=(
                CurvePoint(0.85, 0, 609, 8, 94),
                CurvePoint(0.95, 0, 609, 1, 94),
                CurvePoint(1.05, 0, 609, 0, 94),
                CurvePoint(1.10, 2, 609, 0, 94),
                CurvePoint(1.15, 4, 609, 0, 94),
                CurvePoint(1.20, 9, 609, 0, 94),
                CurvePoint(1.25, 31, 609, 0, 94),
            ),
        ),
    ),
    warning="ask for the rights before it is used for more than trials: those of its training data are not stated",
)

DLIB = FaceCard(
    "dlib-resnet-v1-hog5",
    Runner.DLIB,
    licence="CC0-1.0",
    origin="dlib, in the package face_recognition_models",
    measured=(
        Measured(
            ANYBODY,
            accept=0.40,
            refuse=0.60,
            on=_ON,
            curve=(
                CurvePoint(0.35, 0, 5455, 127, 216),
                CurvePoint(0.40, 0, 5455, 84, 216),
                CurvePoint(0.45, 0, 5455, 46, 216),
                CurvePoint(0.50, 4, 5455, 33, 216),
                CurvePoint(0.55, 36, 5455, 15, 216),
                CurvePoint(0.60, 144, 5455, 0, 216),
            ),
        ),
        Measured(
            EAST_ASIAN,
            accept=0.40,
            refuse=0.60,
            on=_ON_EAST_ASIAN,
            curve=(
                CurvePoint(0.35, 0, 609, 27, 94),
                CurvePoint(0.40, 0, 609, 9, 94),
                CurvePoint(0.45, 0, 609, 1, 94),
                CurvePoint(0.50, 3, 609, 0, 94),
                CurvePoint(0.55, 33, 609, 0, 94),
                CurvePoint(0.60, 123, 609, 0, 94),
            ),
        ),
    ),
    warning="trained on few East-Asian faces: beyond 0.45 many strangers of this origin look alike to it",
)

KNOWN = (DLIB, MOBILEFACENET, SFACE)

BEST_FIRST = (MOBILEFACENET, DLIB)
"""Those with bands, the one that tells people apart best first."""

SHIPPED_BANDS = tuple(bands for card in (DLIB, MOBILEFACENET) if (bands := card.bands()) is not None)
"""For policies: whichever of these models made the references, its bands are there."""

_ZOO = "https://github.com/opencv/opencv_zoo/raw"
ADDRESSES = {
    SFACE.files[0].sha256: f"{_ZOO}/edef535367a4f8053b5bfb7580935c83772a9639/models/face_recognition_sface/"
    "face_recognition_sface_2021dec.onnx",
    YUNET_2023.sha256: f"{_ZOO}/82b38c8f98e7b52aa171400f3e4c722352d0669f/models/face_detection_yunet/"
    "face_detection_yunet_2023mar.onnx",
}
"""Where a file of that hash can be fetched from."""


def known_file(sha256: str) -> ModelFile | None:
    """The known models' file of this hash."""
    return next((file for card in KNOWN for file in card.files if file.sha256 == sha256), None)
