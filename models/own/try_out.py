"""A first run of a person's own model on phantoms: whether its preprocessing is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.detections import Detections
from core.images import FloatArray, Radiograph, Volume
from core.percent import percent
from models.cards import ModelCard
from models.onnx_runtime import open_network
from models.own.adapter import BRAIN, LOGIT, LOGITS, MONTHS, Adapted

SEEDS = (3, 8)
ALIKE = 1e-4
"""Share of the answers' size below which two answers count as the same."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One phantom through the model.

    Attributes:
        image: What came in, [0, 1]; of a head its middle coronal slice.
        received: float32 (C, H, W): exactly what the network received; of a head a slice of it.
        low, high, mean: Of all that it received.
        raw_low, raw_high: Of all that it gave.
        moved: Numbers that differ where two answers do.
        answers: What the task makes of it, by name.
        boxes: Of a detector, before any threshold.
        mask: Of a segmenter, the same slice of its probabilities over what was received.
    """

    image: FloatArray
    received: FloatArray
    low: float
    high: float
    mean: float
    raw_low: float
    raw_high: float
    moved: tuple[float, ...]
    answers: Mapping[str, float]
    boxes: Detections | None = None
    mask: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class TryOut:
    """The model on two phantoms and a black image.

    Attributes:
        seen: The phantoms.
        warnings: A sentence for everything that is not as it should be.
    """

    seen: tuple[Seen, ...]
    warnings: tuple[str, ...] = field(default=())


def try_out(card: ModelCard) -> TryOut:
    """Run a model on two phantoms of its task and on a black image.

    Raises:
        ImagingError: If its file is missing, it cannot run, or its answers are not finite.
    """
    network = open_network(card)
    if not isinstance(network, Adapted):
        raise TypeError(f"{card.name} is not a model of a person's own")
    images, read = TASKS[card.role]
    seen = [read(card, network, image) for image in images()]
    black = read(card, network, _black(images()[0]))
    return TryOut(tuple(seen), tuple(_warnings(card, seen, black)))


def _warnings(card: ModelCard, seen: Sequence[Seen], black: Seen) -> list[str]:
    found = []
    first, second = seen[:2]
    if _alike(first, second) and _alike(first, black):
        found.append(
            "The answers do not move: two phantoms and a black image get the same. Mean and scale "
            "are probably wrong (is a white pixel 1 or 255?), or the output is not the answer."
        )
    elif _alike(first, second):
        found.append(
            "Two different phantoms get the same answer. Check mean, scale and colour order."
        )
    if card.role in ("classifier", "findings") and not _alike(first, second):
        ends = [min(one, 1 - one) < 1e-4 for each in seen for one in each.answers.values()]
        if all(ends):
            found.append(
                "Every answer is 0 or 1, never between: the numbers are far too large. Check mean "
                "and scale, and whether the outputs are log odds or probabilities."
            )
    if max(abs(first.low), abs(first.high)) > 20 and card.reads.get("top") != 255:
        found.append(
            f"The network receives values from {first.low:.3g} to {first.high:.3g}: more than "
            "networks are usually trained on."
        )
    if card.role == "detector" and all(
        one.boxes is None or not len(one.boxes.above(0.05)) for one in seen
    ):
        found.append(
            "No box has a score of 0.05 on either phantom. That may be so for a network that never "
            "saw a limb radiograph; if it has, check the greys and the classes that count."
        )
    if card.role == "age" and not all(0 <= one.answers["months"] <= 240 for one in seen):
        found.append(
            "An answer lies outside of 0 to 240 months: are the answer’s unit, factor and offset "
            "right?"
        )
    if card.role == "brain":
        share = first.answers["brain, share of the volume"]
        if not 0.02 <= share <= 0.6:
            found.append(
                f"{percent(share)} of the phantom counts as brain; about 15\u00a0% is. Check which "
                "labels are brain, and the greys."
            )
    return found


def _alike(one: Seen, other: Seen) -> bool:
    """Whether two answers are the same."""
    ours, theirs = np.array(one.moved), np.array(other.moved)
    return bool(np.allclose(ours, theirs, rtol=ALIKE, atol=1e-9))


def _black(image: Radiograph | Volume) -> Radiograph | Volume:
    if isinstance(image, Radiograph):
        return replace(image, pixels=np.zeros_like(image.pixels), digest="black")
    # A head of one grey is no head: one voxel is left.
    voxels = np.zeros_like(image.voxels)
    voxels[tuple(side // 2 for side in voxels.shape)] = 1
    return replace(image, voxels=voxels, digest="black")


def _limbs() -> list[Radiograph]:
    from core.phantoms.limb.phantom import limb_phantom, random_limb

    return [limb_phantom(random_limb(seed, fractured=True))[0] for seed in SEEDS]


def _hands() -> list[Radiograph]:
    from core.phantoms.hand.phantom import hand_phantom

    return [hand_phantom(seed, age_months=age, sex="F").image
            for seed, age in zip(SEEDS, (60.0, 168.0), strict=True)]  # fmt: skip


def _chests() -> list[Radiograph]:
    from core.phantoms.chest.phantom import chest_phantom

    return [chest_phantom(seed, heart_ratio=ratio).image
            for seed, ratio in zip(SEEDS, (0.42, 0.62), strict=True)]  # fmt: skip


def _heads() -> list[Volume]:
    from core.phantoms.head.phantom import random_head

    return [random_head(seed, 3.0).volume for seed in SEEDS]


def _seen(
    network: Adapted, image: FloatArray, grey: FloatArray, answers: Mapping[str, float],
    sex: FloatArray | None = None, boxes: Detections | None = None, mask: FloatArray | None = None,
    moved: tuple[float, ...] = (),
) -> Seen:  # fmt: skip
    received = network.received(grey)
    raw = network.raw(received, sex)
    shown = np.moveaxis(received[0], -1, 0) if network.reads.channels_last else received[0]
    if shown.ndim == 4:
        shown = shown[:, :, shown.shape[2] // 2]
    return Seen(
        image, shown, float(received.min()), float(received.max()), float(received.mean()),
        float(raw.min()), float(raw.max()), moved or tuple(answers.values()), answers, boxes, mask,
    )  # fmt: skip


def _detector(card: ModelCard, network: Adapted, image: Radiograph) -> Seen:
    from models.fracture.predict import candidates, load_model, steps

    model = load_model(card)
    found = candidates(model, image).suppressed(0.5)
    answers = {"highest score": float(found.scores[0]) if len(found) else 0.0}
    grey = steps(model, image)[-1].image[None, None]
    scores = network(grey)[0][..., 4]
    moved = (float(scores.max()), float(scores.mean()))
    return _seen(network, image.pixels, grey, answers, boxes=found, moved=moved)


def _classifier(card: ModelCard, network: Adapted, image: Radiograph) -> Seen:
    from models.fracture.classify import classifier_steps, load_classifier, probability

    model = load_classifier(card)
    grey = classifier_steps(model, image)[-1].image[None, None]
    (logit,) = network(grey, only=(LOGIT,))
    answers = {"fractured": probability(model, image)}
    return _seen(network, image.pixels, grey, answers, moved=(float(logit[0, 0]),))


def _findings(card: ModelCard, network: Adapted, image: Radiograph) -> Seen:
    from core.stages import run_stages
    from models.chest.preprocess import input_stages

    grey = run_stages(image.pixels, input_stages(int(card.input_shape[-1])))[-1].image[None, None]
    if image.digest == "black":  # the stages refuse a film of one grey
        grey = np.zeros((1, 1, *card.input_shape[1:]), np.float32)
    (logits,) = network(grey, only=(LOGITS,))
    chances = 1 / (1 + np.exp(-logits[0].astype(float)))
    answers = dict(zip(card.labels, map(float, chances), strict=True))
    return _seen(network, image.pixels, grey, answers, moved=tuple(map(float, logits[0])))


def _age(card: ModelCard, network: Adapted, image: Radiograph) -> Seen:
    from models.bone_age.predict import load_model, network_inputs

    model = load_model(card)
    _, seen = network_inputs(model, image.pixels)[model.pipeline]
    sex = np.array([[1.0, 0.0]], np.float32)
    (months,) = network(seen[None, None], sex, only=(MONTHS,))
    return _seen(
        network, image.pixels, seen[None, None], {"months": float(months[0, 0])},
        network.sex_input(sex),
    )  # fmt: skip


def _brain(card: ModelCard, network: Adapted, volume: Volume) -> Seen:
    from core.skull_strip import Settings, prepare

    prepared = prepare(volume, Settings(n4=False))
    grey = prepared.working[None, None]
    (found,) = network(grey, only=(BRAIN,))
    share = float((found >= 0.5).mean())
    middle = grey.shape[3] // 2
    slices = (grey[0, 0, :, middle], found[0, 0, :, middle])
    return _seen(
        network, slices[0], grey, {"brain, share of the volume": share,
        "mean probability": float(found.mean())}, mask=slices[1],
    )  # fmt: skip


TASKS: dict[str, tuple[Callable[[], list], Callable[..., Seen]]] = {
    "detector": (_limbs, _detector),
    "classifier": (_limbs, _classifier),
    "findings": (_chests, _findings),
    "age": (_hands, _age),
    "brain": (_heads, _brain),
}
"""By role: phantoms of its task, and how one is read."""
