"""Bone age: from a hand radiograph and the sex to months with an interval."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.bone_age.geometry import views_of
from core.bone_age.result import BoneAge, Member
from core.images import FloatArray, Radiograph
from core.stages import Step
from models.bone_age.pipelines import PIPELINES, stages_of
from models.bone_age.preprocess import SEX_INPUT, network_input
from models.bone_age.settings import age_settings
from models.cards import ModelCard, load_card
from models.onnx_runtime import Network, open_network

MONTHS, ATTENDED = "months", "attended"
"""Outputs of a file: (N, 1) months, and the attended feature maps (N, C, h, w) where it has any."""

Seen = Mapping[str, FloatArray]
"""Network inputs by pipeline: (N, H, W) in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Part:
    """One network of a model.

    Attributes:
        network: Takes (N, 1, H, W) and (N, 2), gives `MONTHS` and perhaps `ATTENDED`.
        pipeline: Name in `PIPELINES`: what prepares its films.
        weight: Its share in the answer, relative to the others.
        scales: Sizes of the film that it is asked about; the first is 1.
    """

    network: Network
    pipeline: str
    weight: float = 1.0
    scales: tuple[float, ...] = (1.0,)

    @property
    def has_attention(self) -> bool:
        """Whether the network says how much each place weighs."""
        return ATTENDED in self.network.outputs


@dataclass(frozen=True, eq=False)
class Model:
    """Networks whose answers are averaged, with their card; may be shared by threads.

    Attributes:
        card: Where they come from and how good they are together.
        parts: By card name; the first one's pipeline is the one that is shown.
    """

    card: ModelCard
    parts: Mapping[str, Part]

    @property
    def pipeline(self) -> str:
        """The pipeline that is shown, and whose stages may be changed."""
        return next(iter(self.parts.values())).pipeline

    @property
    def pipelines(self) -> tuple[str, ...]:
        """The pipelines of all parts, the one that is shown first."""
        return tuple(dict.fromkeys(part.pipeline for part in self.parts.values()))

    @property
    def shares(self) -> dict[str, float]:
        """Each part's share in the answer; together 1."""
        total = sum(part.weight for part in self.parts.values())
        return {name: part.weight / total for name, part in self.parts.items()}


def pipelines_of(card: ModelCard) -> tuple[str, ...]:
    """The pipelines of a card's networks, the one that is shown first."""
    settings = age_settings(card)
    if not settings.members:
        return (settings.pipeline,)
    parts = [age_settings(load_card("bone_age", name)) for name in settings.members]
    return tuple(dict.fromkeys(part.pipeline for part in parts))


def load_model(card: ModelCard) -> Model:
    """Open the networks of a card.

    The card's settings name the pipeline, or the cards that are averaged.

    Raises:
        WeightsError: If a file is missing or is not the one that its card describes.
    """
    settings = age_settings(card)
    if not settings.members:
        part = Part(open_network(card), settings.pipeline, scales=settings.scales)
        return Model(card, {card.name: part})
    parts = {}
    for name, weight in settings.members.items():
        part = load_model(load_card("bone_age", name)).parts[name]
        parts[name] = replace(part, weight=weight, scales=settings.scales)
    return Model(card, parts)


def months_of(model: Model, seen: Seen, sexes: Sequence[str | None]) -> dict[str, Any]:
    """Months of each part for network inputs: name to (N,).

    Args:
        model: The networks.
        seen: What they see, by pipeline.
        sexes: "F", "M" or None, N of them.
    """
    return {
        name: months_of_part(part, seen[part.pipeline], sexes) for name, part in model.parts.items()
    }


def months_of_part(part: Part, films: FloatArray, sexes: Sequence[str | None]) -> FloatArray:
    """Months (N,) of one network for its inputs (N, H, W), over its scales and their mirror
    images."""
    return _run(part, films, sexes, (MONTHS,))[0]


def _run(
    part: Part, films: FloatArray, sexes: Sequence[str | None], wanted: Sequence[str]
) -> tuple[FloatArray, FloatArray | None]:
    """Months (N,) over all scales and their mirror images, and the attention (N, h, w) to films of
    their own size."""
    sex = np.array([SEX_INPUT[one] for one in sexes], np.float32)
    answers, attention = [], None
    for scale in part.scales:
        seen = scaled(np.asarray(films, np.float32), scale)[:, None]
        both = np.concatenate([seen, seen[..., ::-1]])
        only = wanted if scale == 1 else (MONTHS,)
        months, *attended = part.network(both, np.concatenate([sex, sex]), only=only)
        answers.append(months.reshape(2, -1).mean(axis=0))
        if attended:
            # Attention alone may be high over empty film, where there is nothing to weigh.
            one, mirrored = np.split(np.linalg.norm(attended[0], axis=1), 2)
            attention = ((one + mirrored[..., ::-1]) / 2).astype(np.float32)
    return np.mean(answers, axis=0), attention


def scaled(films: FloatArray, scale: float) -> FloatArray:
    """Films (N, H, W) grown or shrunk about their middle, black beyond their border."""
    if scale == 1:
        return films
    import cv2

    height, width = films.shape[1:]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0, scale)
    return np.stack([cv2.warpAffine(film, turn, (width, height)) for film in films])


def ensemble_mean(model: Model, by_part: Mapping[str, Any]) -> Any:
    """The weighted mean of the parts' months."""
    return sum(model.shares[name] * months for name, months in by_part.items())


def interval(card: ModelCard, months: float, sex: str | None) -> tuple[float, float]:
    """Split-conformal 90 % interval (Lei et al., JASA 2018;113(523):1094), in months.

    Its half-width is the 90th percentile of the absolute error on the validation films, kept
    on the card for films with and without a known sex; NaN twice where it was not measured.
    """
    settings = age_settings(card)
    half = settings.half_width_months if sex else settings.half_width_months_sex_unknown
    return (math.nan, math.nan) if math.isnan(half) else (max(0.0, months - half), months + half)


def estimate(
    model: Model,
    image: Radiograph,
    sex: str | None,
    skip: Collection[str] = (),
    parameters: Mapping[str, Any] | None = None,
) -> BoneAge:
    """The bone age of one film.

    Args:
        model: From `load_model`.
        image: Any radiograph; whether it is a hand is not asked here.
        sex: "F", "M", or None where unknown.
        skip: Names of stages of the pipeline that is shown to leave out.
        parameters: Of that pipeline, other than the defaults that training used.

    Returns:
        The answer; where a stage failed, its step says so and the answer rests on what there was.
    """
    inputs = network_inputs(model, image.pixels, skip, parameters)
    members = {}
    for (name, part), share in zip(model.parts.items(), model.shares.values(), strict=True):
        steps, seen = inputs[part.pipeline]
        wanted = (MONTHS, ATTENDED) if part.has_attention else (MONTHS,)
        found, attention = _run(part, seen[None], [sex], wanted)
        members[name] = Member(
            float(found[0]),
            share,
            seen,
            views_of(steps),
            None if attention is None else attention[0],
        )
    months = max(0.0, sum(member.weight * member.months for member in members.values()))
    low, high = interval(model.card, months, sex)
    steps, seen = inputs[model.pipeline]
    return BoneAge(months, low, high, sex, model.card.name, steps, seen, members)


def network_inputs(
    model: Model,
    pixels: FloatArray,
    skip: Collection[str] = (),
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, tuple[list[Step], FloatArray]]:
    """The steps and the input (H, W) of each of a model's pipelines.

    Args:
        model: The networks.
        pixels: As `Radiograph.pixels`.
        skip, parameters: Of the pipeline that is shown.
    """
    own: dict[str, Mapping[str, Any]] = {model.pipeline: parameters or {}}
    return {
        name: network_input(
            pixels,
            stages_of(name, **own.get(name, {})),
            PIPELINES[name].shape,
            skip=skip if name == model.pipeline else (),
        )
        for name in model.pipelines
    }


def months_of_films(
    model: Model, films: Sequence[FloatArray], sexes: Sequence[str | None]
) -> FloatArray:
    """Months of many films in one run, (N,), each prepared as by `estimate`.

    Args:
        model: From `load_model`.
        films: Pixels as `Radiograph.pixels`, N of them, of any sizes.
        sexes: "F", "M" or None, N of them.
    """
    inputs = [network_inputs(model, pixels) for pixels in films]
    seen = {name: np.stack([one[name][1] for one in inputs]) for name in model.pipelines}
    return np.asarray(ensemble_mean(model, months_of(model, seen, sexes)), np.float32)
