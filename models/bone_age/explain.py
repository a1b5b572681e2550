"""Where a bone-age network looks: its attention, Grad-CAM, and occlusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from core.bone_age.geometry import film_matrix
from core.images import FloatArray, Radiograph
from core.stages import Step
from models.bone_age.pipelines import PIPELINES, stages_of
from models.bone_age.predict import Model, months_of, together
from models.bone_age.preprocess import SEX_INPUT, network_input

if TYPE_CHECKING:
    import keras

PATCH_SHARE, STRIDE_SHARE = 0.16, 0.08  # of the input's longer side


def on_film(seen_map: FloatArray, steps: Sequence[Step], film_shape: tuple[int, int]) -> FloatArray:
    """Put a map over the network's input back onto the film, zero where the input shows none.

    Args:
        seen_map: (H, W) over the network's input.
        steps: The steps that made the input; the mark `matrix` of a step, (3, 3), maps pixels
            before it to pixels after it.
        film_shape: (H, W) of the film.
    """
    matrix = film_matrix(steps)
    size = (film_shape[1], film_shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(seen_map.astype(np.float32), matrix[:2], size, flags=flags)


def _seen(model: Model, image: Radiograph) -> tuple[list[Step], FloatArray]:
    shape = PIPELINES[model.pipeline].shape
    return network_input(image.pixels, stages_of(model.pipeline), shape)


def _shown_networks(model: Model) -> list[keras.Model]:
    return [member.network for member in model.shown.members.values()]


def _scaled(array: FloatArray) -> FloatArray:
    top = float(array.max())
    return (array / top if top > 0 else array).astype(np.float32)


def attention(model: Model, image: Radiograph, sex: str | None) -> FloatArray | None:
    """How much each place weighs in what the networks pool; None for networks without attention.

    The attention alone may be high over empty film, where there is nothing to weigh; shown is
    the attention times the length of the feature vector there, averaged over the networks.

    Returns:
        float32 (H, W) of the film in [0, 1], scaled to its own maximum.
    """
    import keras

    steps, seen = _seen(model, image)
    maps = []
    for network in _shown_networks(model):
        if any(layer.name == "attended" for layer in network.layers):
            part = keras.Model(network.inputs, network.get_layer("attended").output)
            weighed = part([seen[None, ..., None], _sex(sex)], training=False).numpy()[0]
            coarse = np.linalg.norm(weighed, axis=-1)
            size = (seen.shape[1], seen.shape[0])
            maps.append(_scaled(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).clip(0)))
    if not maps:
        return None
    return on_film(_scaled(np.mean(maps, axis=0)), steps, image.pixels.shape)


def _sex(sex: str | None) -> FloatArray:
    return np.array([SEX_INPUT[sex]], np.float32)


def last_map_layer(network: keras.Model) -> str:
    """The last layer whose output is a map of features before the attention."""
    name = ""
    for layer in network.layers:
        if layer.name == "attention_norm":
            break
        if len(getattr(layer.output, "shape", ())) == 4:
            name = layer.name
    return name


def grad_cam(model: Model, image: Radiograph, sex: str | None) -> FloatArray:
    """Grad-CAM (Selvaraju et al., ICCV 2017) of the months, averaged over the networks.

    A regression has no class: what raises the age and what lowers it both count, so the
    absolute value of the weighted sum is shown.

    Returns:
        float32 (H, W) of the film in [0, 1], scaled to its own maximum.
    """
    import keras
    import tensorflow as tf

    steps, seen = _seen(model, image)
    maps = []
    for network in _shown_networks(model):
        features = network.get_layer(last_map_layer(network)).output
        part = keras.Model(network.inputs, [features, network.output])
        with tf.GradientTape() as tape:
            maps_out, months = part([seen[None, ..., None], _sex(sex)], training=False)
            tape.watch(maps_out)
            # The tape must see the way from the features on: the second half runs again.
            months = _tail(network, features)([maps_out, tf.constant(_sex(sex))], training=False)
        gradient = tape.gradient(months, maps_out).numpy()[0]
        weights = gradient.mean(axis=(0, 1))
        coarse = np.abs((maps_out.numpy()[0] * weights).sum(axis=-1)).astype(np.float32)
        size = (seen.shape[1], seen.shape[0])
        maps.append(_scaled(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).clip(0)))
    return on_film(_scaled(np.mean(maps, axis=0)), steps, image.pixels.shape)


def _tail(network: keras.Model, features: Any) -> keras.Model:
    """The network from its last feature map on."""
    import keras

    return keras.Model([features, network.inputs[1]], network.output)


def occluders(shape: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Squares (y0, y1, x0, x1) that cover an input of `shape` in overlapping rows."""
    side, stride = round(PATCH_SHARE * max(shape)), max(1, round(STRIDE_SHARE * max(shape)))
    return [
        (y, min(y + side, shape[0]), x, min(x + side, shape[1]))
        for y in range(0, shape[0] - side // 2, stride)
        for x in range(0, shape[1] - side // 2, stride)
    ]


def occluded_months(
    model: Model, seen: FloatArray, sex: str | None, patches: Sequence[tuple[int, int, int, int]]
) -> FloatArray:
    """Months, by the members that see what is shown, with each square blackened, (N,)."""
    hidden = np.repeat(seen[None], len(patches), axis=0)
    for film, (y0, y1, x0, x1) in zip(hidden, patches, strict=True):
        film[y0:y1, x0:x1] = 0
    shown = model.shown
    by_member = months_of(shown, {model.pipeline: hidden}, [sex] * len(patches))
    return np.asarray(together(shown, by_member), np.float32)


def occlusion_map(
    shape: tuple[int, int],
    patches: Sequence[tuple[int, int, int, int]],
    change: FloatArray,
) -> FloatArray:
    """Mean change in months of all squares over each pixel, float32 (H, W)."""
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for (y0, y1, x0, x1), months in zip(patches, change, strict=True):
        total[y0:y1, x0:x1] += months
        count[y0:y1, x0:x1] += 1
    return (total / np.maximum(count, 1)).astype(np.float32)
