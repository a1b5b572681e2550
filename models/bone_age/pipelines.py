"""The pipelines by name, and the shape of what each hands to its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from core.bone_age import landmark, segmentation, whole_hand
from core.stages import Stage
from models.bone_age.hand_mask import HandMaskModel, hand_mask, load_hand_mask
from models.cards import load_card


@dataclass(frozen=True)
class Pipeline:
    """A way from film to network.

    Attributes:
        title: What the screen calls it.
        shape: (H, W) of the network's input.
        stages: Makes the stages; keywords are their parameters.
    """

    title: str
    shape: tuple[int, int]
    stages: Callable[..., list[Stage]]


def _landmark(**parameters: Any) -> list[Stage]:
    """Four regions, two by two, on the square that the network takes."""
    return landmark.stages(**{"side_px": 112, **parameters})


def _segmentation(**parameters: Any) -> list[Stage]:
    """The hand alone on black, found by the small U-Net."""
    model = _hand_finder(load_card("bone_age", "hand_mask").sha256)
    return segmentation.stages(partial(hand_mask, model), **parameters)


@lru_cache(maxsize=1)
def _hand_finder(sha256: str) -> HandMaskModel:
    """The U-Net, loaded once; a changed card loads it again."""
    return load_hand_mask(load_card("bone_age", "hand_mask"))


def _film() -> list[Stage]:
    """The whole film, nothing found or evened out: for a network of a person's own."""
    return [
        Stage(
            "Fit the film",
            whole_hand.fit,
            {"shape": (512, 512)},
            "The whole film on a square, at its own proportions.",
        )
    ]


PIPELINES = {
    "whole_hand": Pipeline("Whole hand", whole_hand.INPUT_SHAPE, whole_hand.stages),
    "segmentation": Pipeline("Segmented hand", (224, 224), _segmentation),
    "landmark": Pipeline("Landmarks and regions", (224, 224), _landmark),
    "published_regions": Pipeline(
        "Landmarks and regions, trimmed as published",
        (224, 224),
        partial(_landmark, trim_at=landmark.BOTTOM_RIGHT),
    ),
    "film": Pipeline("The film as it is", (512, 512), _film),
}


def stages_of(pipeline: str, **parameters: Any) -> list[Stage]:
    """The stages of a pipeline with its own or other parameters."""
    return PIPELINES[pipeline].stages(**parameters)
