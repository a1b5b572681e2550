"""The small U-Net that finds the hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
from keras import layers

from models.keras_to_onnx import export_keras

SIDE_PX = 128
CHANNELS = 2
FILTERS = (8, 16, 32, 48)
"""Channels at each resolution, the finest first."""


def build(side_px: int = SIDE_PX, filters: Sequence[int] = FILTERS) -> keras.Model:
    """A U-Net (Ronneberger et al., MICCAI 2015) with batch normalisation.

    Args:
        side_px: Side of the square input, a multiple of 2 ** (len(filters) - 1).
        filters: Channels at each resolution, the finest first.

    Returns:
        A model from float32 (N, side, side, 2) to float32 (N, side, side, 1) logits.
    """
    inputs = keras.Input((side_px, side_px, CHANNELS), name="film")
    x: Any = inputs
    skips = []
    for level, width in enumerate(filters):
        x = _pair(x, width, f"down{level}")
        if level < len(filters) - 1:
            skips.append(x)
            x = layers.MaxPooling2D(2, name=f"pool{level}")(x)
    for level in reversed(range(len(filters) - 1)):
        x = layers.UpSampling2D(2, name=f"grow{level}")(x)
        x = layers.Concatenate(name=f"join{level}")([x, skips[level]])
        x = _pair(x, filters[level], f"up{level}")
    logits = layers.Conv2D(1, 1, name="logits")(x)
    return keras.Model(inputs, logits, name="hand_unet")


def _pair(x: Any, width: int, name: str) -> Any:
    for number in (1, 2):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}_conv{number}")(x)
        x = layers.BatchNormalization(momentum=0.95, name=f"{name}_norm{number}")(x)
        x = layers.ReLU(name=f"{name}_relu{number}")(x)
    return x


def export(model: keras.Model, path: Path) -> str:
    """Write the network as ONNX, with a sigmoid behind the logits, and return the file's SHA-256.

    Args:
        model: From `build`.
        path: Where to write; the input is "film" float32 (N, 2, side, side), the output "hand"
            the probability (N, 1, side, side).
    """
    return export_keras(model, path, outputs={"hand": "sigmoid"}, fixed=True)
