"""Find the hand on a film with the small U-Net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.bone_age.geometry import fitted
from core.images import FloatArray
from models.cards import ModelCard
from models.onnx_runtime import open_network

Forward = Callable[[FloatArray], FloatArray]
"""Network input (N, 2, S, S) → probability of being hand (N, 1, S, S)."""


@dataclass(frozen=True, eq=False)
class HandMaskModel:
    """A hand finder ready to run; may be shared by threads.

    Attributes:
        forward: Runs the network.
        side_px: Side of its input.
        threshold: Probability from which a pixel is hand.
    """

    forward: Forward
    side_px: int
    threshold: float = 0.5


def load_hand_mask(card: ModelCard) -> HandMaskModel:
    """Load the network of a card.

    Raises:
        WeightsError: If the weights are missing, are not those of the card, or hold no network.
    """
    network = open_network(card, threads=1)
    return HandMaskModel(
        lambda film: network(film)[0],
        int(card.input_shape[1]),
        float(card.operating_points.get("hand", 0.5)),
    )


def hand_mask(model: HandMaskModel, pixels: FloatArray) -> NDArray[np.bool_]:
    """bool (H, W): where the hand is on a film.

    Args:
        model: From `load_hand_mask`.
        pixels: float32 (H, W) in [0, 1], bone bright.
    """
    return hand_probability(model, pixels) >= model.threshold


def hand_probability(model: HandMaskModel, pixels: FloatArray) -> FloatArray:
    """float32 (H, W) in [0, 1]: how sure the network is of each pixel."""
    square, matrix = fitted(pixels, model.side_px)
    found = model.forward(contrast_channels(square)[None])[0, 0]
    height, width = pixels.shape
    # Pixel centres lie at half: the matrix maps edges, and remap wants centres.
    xs = (np.arange(width) + 0.5) * matrix[0, 0] + matrix[0, 2] - 0.5
    ys = (np.arange(height) + 0.5) * matrix[1, 1] + matrix[1, 2] - 0.5
    map_x, map_y = np.meshgrid(xs.astype(np.float32), ys.astype(np.float32))
    return cv2.remap(
        found.astype(np.float32), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def contrast_channels(square: FloatArray) -> FloatArray:
    """What the network receives of a film fitted onto a square.

    Returns:
        float32 (2, S, S): the film stretched between two percentiles, and that with its local
        contrast raised, in which a dark film's hand stands out as well.
    """
    low, high = np.percentile(square, [1, 99])
    stretched = np.clip((square - low) / max(float(high - low), 1e-3), 0, 1).astype(np.float32)
    grey = np.rint(stretched * 255).astype(np.uint8)
    local = cv2.createCLAHE(8.0, (4, 4)).apply(grey).astype(np.float32) / 255
    return np.stack([stretched, local])
