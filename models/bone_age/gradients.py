"""Grad-CAM of a bone age: the only answer that needs Keras, so it runs in a worker process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.bone_age.geometry import on_film, views_of
from core.bone_age.result import to_unit
from core.images import FloatArray, Radiograph
from models.bone_age.pipelines import PIPELINES, stages_of
from models.bone_age.preprocess import SEX_INPUT, network_input
from models.bone_age.settings import age_settings
from models.cards import load_card, verified_weights

if TYPE_CHECKING:
    import keras


@lru_cache(maxsize=3)
def keras_network(name: str, sha256: str) -> keras.Model:
    """The Keras network of a card, filled from its ONNX file; a changed card fills it again.

    Raises:
        WeightsError: If the file is missing, is not that of the card, or does not fit.
    """
    from models.bone_age import network

    card = load_card("bone_age", name)
    settings = age_settings(card)
    built = network.NETWORKS[settings.network](PIPELINES[settings.pipeline].shape)
    network.load_weights(built, verified_weights(card))
    return built


def last_map_layer(built: keras.Model) -> str:
    """The last layer whose output is a map of features before the attention."""
    name = ""
    for layer in built.layers:
        if layer.name == "attention_norm":
            break
        if len(getattr(layer.output, "shape", ())) == 4:
            name = layer.name
    return name


def coarse_map(built: keras.Model, seen: FloatArray, sex: str | None) -> FloatArray:
    """Grad-CAM (Selvaraju et al., ICCV 2017) of the months at the last maps' resolution.

    A regression has no class: what raises the age and what lowers it both count, so the
    absolute value of the weighted sum is taken. Film and mirror image are averaged.

    Args:
        built: The network.
        seen: float32 (H, W): what it receives.
        sex: "F", "M" or None.
    """
    import keras
    import tensorflow as tf

    features = built.get_layer(last_map_layer(built)).output
    until = keras.Model(built.inputs[0], features)
    onwards = keras.Model([features, built.inputs[1]], built.output)
    views = np.stack([seen, seen[:, ::-1]])[..., None]
    told = tf.constant([SEX_INPUT[sex]] * 2, tf.float32)
    maps = until(views, training=False)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        months = onwards([maps, told], training=False)
    weights = tape.gradient(months, maps).numpy().mean(axis=(1, 2), keepdims=True)
    one, mirrored = np.abs((maps.numpy() * weights).sum(axis=-1))
    return ((one + mirrored[:, ::-1]) / 2).astype(np.float32)


def grad_cam(
    card_name: str, sha256: str, image: Radiograph, sex: str | None
) -> dict[str, FloatArray]:
    """Grad-CAM of every network of a card, each put back onto the film.

    Returns:
        float32 (H, W) of the film in [0, 1] by card name, each scaled to its own maximum.
    """
    card = load_card("bone_age", card_name)
    members = age_settings(card).members or (card_name,)
    found = {}
    for name in members:
        part = load_card("bone_age", name)
        pipeline = age_settings(part).pipeline
        shape = PIPELINES[pipeline].shape
        steps, seen = network_input(image.pixels, stages_of(pipeline), shape)
        coarse = coarse_map(keras_network(name, part.sha256), seen, sex)
        fine = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC).clip(0)
        found[name] = to_unit(on_film(fine, views_of(steps), image.shape))
    return found
