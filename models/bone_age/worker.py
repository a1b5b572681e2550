"""The bone-age networks in a process of their own (see `models.worker`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from core.bone_age.result import BoneAge
from core.images import FloatArray, Radiograph
from core.stages import Progress
from models import worker as apart
from models.bone_age import explain, predict
from models.bone_age.pipelines import PIPELINES, stages_of
from models.bone_age.preprocess import network_input
from models.cards import ModelCard

HERE = __name__
BATCH = 16


class Apart(apart.Apart):
    """One process that holds the bone-age networks, shared by all users."""

    def __init__(self) -> None:
        super().__init__("models.bone_age.network")

    def estimate(
        self,
        card: ModelCard,
        image: Radiograph,
        sex: str | None,
        skip: Collection[str] = (),
        parameters: Mapping[str, Any] | None = None,
    ) -> BoneAge:
        """As `predict.estimate`, in the other process."""
        arguments = (card.name, card.sha256, image, sex, tuple(skip), dict(parameters or {}))
        found: BoneAge = self.call(f"{HERE}:_estimate", *arguments)
        return found

    def months(
        self, card: ModelCard, films: Sequence[FloatArray], sexes: Sequence[str | None]
    ) -> FloatArray:
        """Months of many films at once, (N,), each prepared as by `predict.estimate`.

        Args:
            card: The model.
            films: Pixels as `Radiograph.pixels`, N of them.
            sexes: "F", "M" or None, N of them.
        """
        # Prepared here, where the page's own processor time goes on meanwhile.
        seen = {
            name: np.stack(
                [network_input(film, stages_of(name), PIPELINES[name].shape)[1] for film in films]
            )
            for name in predict.pipelines_of(card)
        }
        found: FloatArray = self.call(f"{HERE}:_months", card.name, card.sha256, seen, list(sexes))
        return found

    def grad_cam(self, card: ModelCard, image: Radiograph, sex: str | None) -> FloatArray:
        """As `explain.grad_cam`, in the other process."""
        found: FloatArray = self.call(
            f"{HERE}:_explain", "grad_cam", card.name, card.sha256, image, sex
        )
        return found

    def attention(self, card: ModelCard, image: Radiograph, sex: str | None) -> FloatArray | None:
        """As `explain.attention`, in the other process."""
        found: FloatArray | None = self.call(
            f"{HERE}:_explain", "attention", card.name, card.sha256, image, sex
        )
        return found

    def occlusion(
        self, card: ModelCard, image: Radiograph, sex: str | None, progress: Progress | None = None
    ) -> FloatArray:
        """How many months the answer changes where a square of the hand is hidden.

        After Lee et al., J Digit Imaging 2017;30:427.

        Returns:
            float32 (H, W) of the film in months, signed: positive where hiding makes older.
        """
        pipeline = predict.pipelines_of(card)[0]
        shape = PIPELINES[pipeline].shape
        steps, seen = network_input(image.pixels, stages_of(pipeline), shape)
        patches = explain.occluders(shape)
        nothing = [(0, 0, 0, 0)]
        plain = self.call(f"{HERE}:_occluded", card.name, card.sha256, seen, sex, nothing)
        months: list[np.ndarray] = []
        for start in range(0, len(patches), BATCH):
            if progress is not None:
                progress(start / len(patches), "Hiding one part of the hand after the other")
            some = patches[start : start + BATCH]
            arguments = (card.name, card.sha256, seen, sex, some)
            months.append(self.call(f"{HERE}:_occluded", *arguments))
        if progress is not None:
            progress(1.0, "done")
        change = np.concatenate(months) - plain
        return explain.on_film(
            explain.occlusion_map(shape, patches, change), steps, image.pixels.shape
        )


def _estimate(
    name: str,
    sha256: str,
    image: Radiograph,
    sex: str | None,
    skip: tuple[str, ...],
    parameters: dict[str, Any],
) -> BoneAge:
    return predict.estimate(predict.kept_model(name, sha256), image, sex, skip, parameters)


def _months(name: str, sha256: str, seen: predict.Seen, sexes: list[str | None]) -> FloatArray:
    model = predict.kept_model(name, sha256)
    return np.asarray(predict.together(model, predict.months_of(model, seen, sexes)), np.float32)


def _explain(
    what: str, name: str, sha256: str, image: Radiograph, sex: str | None
) -> FloatArray | None:
    found: FloatArray | None = getattr(explain, what)(predict.kept_model(name, sha256), image, sex)
    return found


def _occluded(
    name: str, sha256: str, seen: FloatArray, sex: str | None, patches: list
) -> FloatArray:
    return explain.occluded_months(predict.kept_model(name, sha256), seen, sex, patches)
