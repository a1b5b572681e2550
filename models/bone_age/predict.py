"""Bone age: from a hand radiograph and the sex to months with an interval."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from core.bone_age.result import BoneAge
from core.errors import WeightsError
from core.images import FloatArray, Radiograph
from models.bone_age.pipelines import PIPELINES, stages_of
from models.bone_age.preprocess import SEX_INPUT, network_input
from models.cards import ModelCard, load_card, verified_weights

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Model:
    """Networks whose answers are averaged, with their card.

    Attributes:
        card: Where they come from and how good they are together.
        members: Network by card name; each takes (N, H, W, 1) and (N, 2), gives (N, 1) months.
        weights: Share of each member in the answer.
        pipeline: Name in `PIPELINES`; the same for all members.
    """

    card: ModelCard
    members: Mapping[str, keras.Model]
    weights: Mapping[str, float]
    pipeline: str


def load_model(card: ModelCard) -> Model:
    """Build the networks of a card and fill them with its weights.

    The card's `extra` names the network and the pipeline, or the cards that are averaged.

    Raises:
        WeightsError: If a file is missing or is not the one that its card describes.
    """
    if "members" in card.extra:
        parts = [load_model(load_card("bone_age", name)) for name in card.extra["members"]]
        members = {part.card.name: part.members[part.card.name] for part in parts}
        return Model(card, members, card.extra["members"], parts[0].pipeline)
    from models.bone_age import network

    path = verified_weights(card)
    pipeline = card.extra["pipeline"]
    built = network.NETWORKS[card.extra["network"]](PIPELINES[pipeline].shape)
    try:
        network.load_weights(built, path)
    except (KeyError, ValueError, OSError) as err:
        raise WeightsError(f"{card.file} does not hold the weights of {card.title}.") from err
    return Model(card, {card.name: built}, {card.name: 1.0}, pipeline)


def months_of(model: Model, seen: FloatArray, sexes: Sequence[str | None]) -> dict[str, Any]:
    """Months of each member for network inputs, mirrored ones averaged in: name to (N,).

    Args:
        model: The networks.
        seen: (N, H, W) in [0, 1].
        sexes: "F", "M" or None, N of them.
    """
    films = np.asarray(seen, np.float32)[..., None]
    sex = np.array([SEX_INPUT[s] for s in sexes], np.float32)
    both = np.concatenate([films, films[:, :, ::-1]])
    found = {}
    for name, network in model.members.items():
        months = network([both, np.concatenate([sex, sex])], training=False).numpy()[:, 0]
        found[name] = months.reshape(2, -1).mean(axis=0)
    return found


def together(model: Model, by_member: Mapping[str, Any]) -> Any:
    """The weighted mean of the members' months."""
    total = sum(model.weights.values())
    return sum(model.weights[name] * months for name, months in by_member.items()) / total


def interval(card: ModelCard, months: float, sex: str | None) -> tuple[float, float]:
    """Split-conformal 90 % interval (Lei et al., JASA 2018;113(523):1094), in months.

    Its half-width is the 90th percentile of the absolute error on the validation films, kept
    on the card for films with and without a known sex.
    """
    half = float(card.extra["half_width_months" if sex else "half_width_months_sex_unknown"])
    return max(0.0, months - half), months + half


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
        skip: Names of stages to leave out.
        parameters: Of the pipeline, other than the defaults that training used.

    Returns:
        The answer; where a stage failed, its step says so and the answer rests on what there was.
    """
    pipeline = PIPELINES[model.pipeline]
    stages = stages_of(model.pipeline, **(parameters or {}))
    steps, seen = network_input(image.pixels, stages, pipeline.shape, skip=skip)
    by_member = {name: float(m[0]) for name, m in months_of(model, seen[None], [sex]).items()}
    months = max(0.0, float(together(model, by_member)))
    low, high = interval(model.card, months, sex)
    return BoneAge(
        months=months,
        low_months=low,
        high_months=high,
        sex=sex,
        model=model.card.name,
        steps=steps,
        seen=seen,
        by_member=by_member,
    )


@lru_cache(maxsize=4)
def kept_model(name: str, sha256: str) -> Model:
    """The model of a card, loaded once in this process; a changed card loads it again."""
    return load_model(load_card("bone_age", name))
