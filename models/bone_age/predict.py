"""Bone age: from a hand radiograph and the sex to months with an interval."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
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


Seen = Mapping[str, FloatArray]
"""Network inputs by pipeline: (N, H, W) in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Member:
    """One network of a model.

    Attributes:
        network: Takes (N, H, W, 1) and (N, 2), gives (N, 1) months.
        pipeline: Name in `PIPELINES`: what prepares its films.
        weight: Its share in the answer, relative to the others.
    """

    network: keras.Model
    pipeline: str
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Model:
    """Networks whose answers are averaged, with their card.

    Attributes:
        card: Where they come from and how good they are together.
        members: By card name; the first one's pipeline is the one that is shown.
    """

    card: ModelCard
    members: Mapping[str, Member]

    @property
    def pipeline(self) -> str:
        """The pipeline that is shown, whose stages may be changed, and that is explained."""
        return next(iter(self.members.values())).pipeline

    @property
    def shown(self) -> Model:
        """The members that see what is shown."""
        return Model(
            self.card, {k: m for k, m in self.members.items() if m.pipeline == self.pipeline}
        )


def pipelines_of(card: ModelCard) -> tuple[str, ...]:
    """The pipelines of a card's networks, the one that is shown first."""
    if "members" not in card.extra:
        return (str(card.extra["pipeline"]),)
    parts = [load_card("bone_age", name) for name in card.extra["members"]]
    return tuple(dict.fromkeys(str(part.extra["pipeline"]) for part in parts))


def load_model(card: ModelCard) -> Model:
    """Build the networks of a card and fill them with its weights.

    The card's `extra` names the network and the pipeline, or the cards that are averaged.

    Raises:
        WeightsError: If a file is missing or is not the one that its card describes.
    """
    if "members" in card.extra:
        members = {}
        for name, weight in card.extra["members"].items():
            part = load_model(load_card("bone_age", name)).members[name]
            members[name] = replace(part, weight=weight)
        return Model(card, members)
    from models.bone_age import network

    path = verified_weights(card)
    pipeline = card.extra["pipeline"]
    built = network.NETWORKS[card.extra["network"]](PIPELINES[pipeline].shape)
    try:
        network.load_weights(built, path)
    except (KeyError, ValueError, OSError) as err:
        raise WeightsError(f"{card.file} does not hold the weights of {card.title}.") from err
    return Model(card, {card.name: Member(built, pipeline)})


def months_of(model: Model, seen: Seen, sexes: Sequence[str | None]) -> dict[str, Any]:
    """Months of each member for network inputs, mirrored ones averaged in: name to (N,).

    Args:
        model: The networks.
        seen: What they see, by pipeline.
        sexes: "F", "M" or None, N of them.
    """
    sex = np.array([SEX_INPUT[s] for s in sexes], np.float32)
    found = {}
    for name, member in model.members.items():
        films = np.asarray(seen[member.pipeline], np.float32)[..., None]
        both = np.concatenate([films, films[:, :, ::-1]])
        months = member.network([both, np.concatenate([sex, sex])], training=False).numpy()[:, 0]
        found[name] = months.reshape(2, -1).mean(axis=0)
    return found


def together(model: Model, by_member: Mapping[str, Any]) -> Any:
    """The weighted mean of the members' months."""
    weights = {name: model.members[name].weight for name in by_member}
    summed = sum(weights[name] * months for name, months in by_member.items())
    return summed / sum(weights.values())


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
        skip: Names of stages of the pipeline that is shown to leave out.
        parameters: Of that pipeline, other than the defaults that training used.

    Returns:
        The answer; where a stage failed, its step says so and the answer rests on what there was.
    """
    steps, seen = network_input(
        image.pixels,
        stages_of(model.pipeline, **(parameters or {})),
        PIPELINES[model.pipeline].shape,
        skip=skip,
    )
    pictures = {model.pipeline: seen, **other_inputs(model, image.pixels)}
    batch = {name: picture[None] for name, picture in pictures.items()}
    by_member = {name: float(m[0]) for name, m in months_of(model, batch, [sex]).items()}
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
        seen_by={name: pictures[member.pipeline] for name, member in model.members.items()},
    )


def other_inputs(model: Model, pixels: FloatArray) -> dict[str, FloatArray]:
    """What the members see that do not see what is shown: (H, W) by pipeline."""
    names = {member.pipeline for member in model.members.values()} - {model.pipeline}
    return {
        name: network_input(pixels, stages_of(name), PIPELINES[name].shape)[1] for name in names
    }


@lru_cache(maxsize=4)
def kept_model(name: str, sha256: str) -> Model:
    """The model of a card, loaded once in this process; a changed card loads it again."""
    return load_model(load_card("bone_age", name))
