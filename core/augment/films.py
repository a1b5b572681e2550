"""The 2D transforms, each one call of AlbumentationsX.

`call(ranges, shape)` gives the class and its arguments for ranges, or for what was drawn when
both ends of every range are the same: one description serves training, replay and the code that
is shown. Shape is (H, W).
"""

from __future__ import annotations

from typing import Any

from core.augment.pipeline import ParameterSpec, Ranges, TransformSpec

Call = tuple[str, dict[str, Any]]
Shape = tuple[int, int]

GEOMETRY, GREY, NOISE, HOLES = "Geometry", "Grey values", "Blur and noise", "Holes"
GROUPS = (GEOMETRY, GREY, NOISE, HOLES)


def _share(pair: tuple[float, float]) -> tuple[float, float]:
    """Per cent as a share of 1."""
    return round(pair[0] / 100, 8), round(pair[1] / 100, 8)


def _rotate(ranges: Ranges, shape: Shape) -> Call:
    return "Affine", {"rotate": ranges["degrees"]}


def _shift(ranges: Ranges, shape: Shape) -> Call:
    moved = {"x": _share(ranges["x"]), "y": _share(ranges["y"])}
    return "Affine", {"translate_percent": moved}


def _zoom(ranges: Ranges, shape: Shape) -> Call:
    return "Affine", {"scale": ranges["factor"]}


def _stretch(ranges: Ranges, shape: Shape) -> Call:
    return "Affine", {"scale": {"x": ranges["x"], "y": ranges["y"]}, "keep_ratio": False}


def _shear(ranges: Ranges, shape: Shape) -> Call:
    return "Affine", {"shear": {"x": ranges["x"], "y": ranges["y"]}}


def _perspective(ranges: Ranges, shape: Shape) -> Call:
    return "Perspective", {"scale": _share(ranges["strength"])}


def _elastic(ranges: Ranges, shape: Shape) -> Call:
    return "ElasticTransform", {"displacement_range": _share(ranges["displacement"])}


def _crop(ranges: Ranges, shape: Shape) -> Call:
    height, width = shape
    arguments = {"size": shape, "scale": _share(ranges["kept"]), "ratio": (width / height,) * 2}
    return "RandomResizedCrop", arguments


def _brightness(ranges: Ranges, shape: Shape) -> Call:
    added = {"brightness_range": _share(ranges["added"]), "contrast_range": (0.0, 0.0)}
    return "RandomBrightnessContrast", {**added, "brightness_by_max": True}


def _contrast(ranges: Ranges, shape: Shape) -> Call:
    low, high = ranges["factor"]
    factors = (round(low - 1, 8), round(high - 1, 8))
    return "RandomBrightnessContrast", {"brightness_range": (0.0, 0.0), "contrast_range": factors}


def _gamma(ranges: Ranges, shape: Shape) -> Call:
    low, high = ranges["exponent"]
    return "RandomGamma", {"gamma_range": (round(100 * low, 6), round(100 * high, 6))}


def _clahe(ranges: Ranges, shape: Shape) -> Call:
    return "CLAHE", {"clip_range": ranges["clip"]}


def _blur(ranges: Ranges, shape: Shape) -> Call:
    return "GaussianBlur", {"sigma_range": ranges["sigma"], "blur_range": (0, 0)}


def _sharpen(ranges: Ranges, shape: Shape) -> Call:
    return "Sharpen", {"alpha_range": _share(ranges["strength"]), "lightness_range": (1.0, 1.0)}


def _coarse(ranges: Ranges, shape: Shape) -> Call:
    low, high = ranges["factor"]
    pair = {"downscale": 3, "upscale": 1}  # OpenCV's INTER_AREA, INTER_LINEAR
    scale = (round(1 / high, 8), round(1 / low, 8))
    return "Downscale", {"scale_range": scale, "interpolation_pair": pair}


def _noise(ranges: Ranges, shape: Shape) -> Call:
    return "GaussNoise", {"std_range": _share(ranges["spread"])}


def _poisson(ranges: Ranges, shape: Shape) -> Call:
    low, high = ranges["quanta"]
    return "ShotNoise", {"scale_range": (round(1 / high, 8), round(1 / low, 8))}


def _jpeg(ranges: Ranges, shape: Shape) -> Call:
    low, high = ranges["quality"]
    return "ImageCompression", {"quality_range": (int(low), int(high))}


def _dropout(ranges: Ranges, shape: Shape) -> Call:
    low, high = ranges["holes"]
    sides = _share(ranges["side"])
    holes = {"num_holes_range": (int(low), int(high))}
    return "CoarseDropout", {**holes, "hole_height_range": sides, "hole_width_range": sides}


def _plain(name: str) -> Any:
    return lambda ranges, shape: (name, {})


def _one(name: str, label: str, unit: str, low: float, high: float, usual: tuple[float, float],
         step: float, *, whole: bool = False) -> tuple[ParameterSpec, ...]:  # fmt: skip
    return (ParameterSpec(name, label, unit, low, high, usual, step, whole),)


def _two(unit: str, low: float, high: float, usual: tuple[float, float],
         step: float) -> tuple[ParameterSpec, ...]:  # fmt: skip
    return (
        ParameterSpec("x", "Sideways", unit, low, high, usual, step),
        ParameterSpec("y", "Up and down", unit, low, high, usual, step),
    )


_TRANSFORMS = (
    TransformSpec("rotate", "Rotation", GEOMETRY, "No patient lies on the detector quite straight.",
              _one("degrees", "Angle", "°", -180, 180, (-10, 10), 1), _rotate, moves=True),
    TransformSpec("shift", "Shift", GEOMETRY, "The part is not always in the middle of the film.",
              _two("%", -40, 40, (-6, 6), 1), _shift, moves=True),
    TransformSpec("zoom", "Zoom", GEOMETRY,
              "Distance and detector size change how large a bone is on the film.",
              _one("factor", "Factor", "×", 0.5, 2.0, (0.9, 1.1), 0.05), _zoom, moves=True),
    TransformSpec("stretch", "Stretch", GEOMETRY,
              "A film squeezed into a square by careless resizing: proportions change.",
              _two("×", 0.6, 1.6, (0.9, 1.1), 0.05), _stretch, moves=True),
    TransformSpec("shear", "Shear", GEOMETRY,
              "An oblique beam slants the picture; bones change their proportions.",
              _two("°", -30, 30, (-5, 5), 1), _shear, moves=True),
    TransformSpec("mirror", "Mirror left and right", GEOMETRY,
              "Doubles the films, and turns a left side into a right one.",
              (), _plain("HorizontalFlip"), moves=True),
    TransformSpec("upside_down", "Upside down", GEOMETRY,
              "A film hung the wrong way round, and mirrored.",
              (), _plain("VerticalFlip"), moves=True),
    TransformSpec("perspective", "Perspective", GEOMETRY,
              "A photo of a film, or a tilted detector: near parts larger than far ones.",
              _one("strength", "Corner shift", "%", 0, 12, (1, 4), 0.5), _perspective,
              moves=True, field=True),
    TransformSpec("elastic", "Elastic", GEOMETRY,
              "Bends the picture smoothly, as soft tissue may bend and bone does not.",
              _one("displacement", "Displacement", "%", 0, 6, (1, 3), 0.5), _elastic,
              moves=True, field=True),
    TransformSpec("crop", "Crop", GEOMETRY,
              "Another collimation: a random part of the film, enlarged to its size.",
              _one("kept", "Area kept", "%", 15, 100, (70, 95), 5), _crop,
              moves=True, field=True),
    TransformSpec("brightness", "Brightness", GREY, "Exposure and display settings differ.",
              _one("added", "Added", "%", -50, 50, (-10, 10), 1), _brightness),
    TransformSpec("contrast", "Contrast", GREY, "Tube voltage and detector curve differ.",
              _one("factor", "Factor", "×", 0.2, 2.5, (0.8, 1.2), 0.05), _contrast),
    TransformSpec("gamma", "Gamma", GREY,
              "Another curve between exposure and grey: below 1 brightens, above 1 darkens.",
              _one("exponent", "Exponent", "", 0.3, 3.0, (0.8, 1.25), 0.05), _gamma),
    TransformSpec("clahe", "CLAHE", GREY,
              "Local contrast, as many detectors add by themselves; noise grows with it.",
              _one("clip", "Clip limit", "", 1, 12, (1, 3), 0.5), _clahe),
    TransformSpec("equalise", "Equalise", GREY,
              "Spreads the grey values evenly; the same film always gives the same result.",
              (), _plain("Equalize")),
    TransformSpec("invert", "Invert", GREY,
              "Bone dark instead of bright: a polarity read wrongly (MONOCHROME1).",
              (), _plain("InvertImg")),
    TransformSpec("blur", "Gaussian blur", NOISE, "A patient who moved, a large focal spot.",
              _one("sigma", "Sigma", "px", 0.2, 8, (0.3, 1.2), 0.1), _blur),
    TransformSpec("sharpen", "Sharpen", NOISE, "Edge enhancement of the maker's processing.",
              _one("strength", "Strength", "%", 0, 100, (10, 40), 5), _sharpen),
    TransformSpec("coarse", "Coarse pixels", NOISE,
              "A film stored small and enlarged again: fine lines go first.",
              _one("factor", "Factor", "×", 1.0, 10, (1.2, 2.0), 0.2), _coarse),
    TransformSpec("noise", "Gaussian noise", NOISE, "Electronic noise of the detector.",
              _one("spread", "Standard deviation", "%", 0, 25, (0.5, 3), 0.5), _noise, field=True),
    TransformSpec("poisson", "Poisson noise", NOISE,
              "Few quanta. The library counts light as a camera does, so bright bone gets more "
              "noise; on a real film bone let fewer quanta through, too.",
              _one("quanta", "Quanta at white", "", 10, 1000, (100, 500), 10), _poisson,
              field=True),
    TransformSpec("jpeg", "JPEG compression", NOISE,
              "Films in teaching files and mails are compressed with loss.",
              _one("quality", "Quality", "", 2, 100, (40, 90), 1, whole=True), _jpeg),
    TransformSpec("dropout", "Coarse dropout", HOLES,
              "Black rectangles force a network to use more than one place.",
              (ParameterSpec("holes", "Holes", "", 1, 20, (1, 4), 1, True),
               ParameterSpec("side", "Side", "%", 2, 50, (5, 15), 1)), _dropout,
              moves=True, field=True),
)  # fmt: skip

FILMS = {transform.name: transform for transform in _TRANSFORMS}
