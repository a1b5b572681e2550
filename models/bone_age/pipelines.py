"""The pipelines by name, and the shape of what each hands to its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.bone_age import landmark, whole_hand
from core.stages import Stage


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


PIPELINES = {
    "whole_hand": Pipeline("Whole hand (ours)", whole_hand.INPUT_SHAPE, whole_hand.stages),
    "landmark": Pipeline("Landmarks and regions", (224, 224), _landmark),
}


def stages_of(pipeline: str, **parameters: Any) -> list[Stage]:
    """The stages of a pipeline with its own or other parameters."""
    return PIPELINES[pipeline].stages(**parameters)
