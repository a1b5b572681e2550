"""What each task's own model says of an image of the lab, and of many draws of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.augment import pictures
from core.augment.labels import Moved
from core.augment.report import Measure
from core.fracture.agreement import score_on_truth
from core.images import Radiograph, digest_of
from core.metrics.statistics import dice
from core.percent import percent
from core.plots.draw import Picture, windowed, with_boxes, with_heat
from core.skull_strip import prepare
from models.cards import ModelCard
from models.fracture.settings import detector_settings
from models.skull_strip.predict import probability
from models.skull_strip.settings import settings_of
from pages.tasks.augmentation.subjects import Subject
from pages.tasks.fracture import loaders as fracture_loaders
from pages.tasks.skull_strip import loaders as volume_loaders

Figures = dict[str, float]
Stopped = Callable[[], bool]
NEAR = 0.3
"""Overlap (IoU) from which a box counts as found: a box turned by 45° must stay upright and
grows, so that the usual 0.5 would punish the label and not the model."""


@dataclass(frozen=True, eq=False)
class Looked:
    """An image with the model's answer drawn on it."""

    picture: Picture
    words: str


@dataclass(frozen=True, eq=False)
class Answering:
    """A modality's model, loaded and ready for work in the background.

    Attributes:
        measures: Figures of its answer; the first decides what is best and worst.
        answer: Figures of several draws, in one batch where the network takes one.
        look: A draw with the answer on it, the heat map too where the model has one.
        card: The model's.
        batch: Draws a call.
    """

    measures: tuple[Measure, ...]
    answer: Callable[[Sequence[Moved], Stopped], list[Figures]]
    look: Callable[[Moved], Looked]
    card: ModelCard
    batch: int = 8


def _image(moved: Moved) -> Radiograph:
    return Radiograph(moved.pixels, digest_of(moved.pixels))


Cards = Mapping[str, ModelCard]
"""The models that were chosen, by role."""


def limb(subject: Subject, cards: Cards) -> Answering:
    """Detector and classifier of the fracture page.

    Raises:
        WeightsError: If weights are missing or not those of the cards.
    """
    from models.fracture import classify, predict

    card, second = cards["detector"], cards["classifier"]
    detector, classifier = fracture_loaders.detector(card), fracture_loaders.classifier(second)
    threshold, overlap = card.operating_points["fracture"], detector_settings(card).iou
    labelled = len(subject.labels.box_names) > 0
    title = "Highest score"
    if labelled:
        title = "Score on the detector’s own box" if subject.from_model else "Score on the fracture"

    def answer(many: Sequence[Moved], stopped: Stopped) -> list[Figures]:
        found = []
        images = [_image(moved) for moved in many]
        chances = classify.probabilities(classifier, images)
        for moved, image, chance in zip(many, images, chances, strict=True):
            candidates = predict.candidates(detector, image)
            shown = candidates.above(threshold).suppressed(overlap)
            truth = moved.labels.boxes_xyxy
            figures: Figures = {"classifier": chance, "boxes": float(len(shown))}
            if labelled:
                gone = len(truth) == 0
                figures["score"] = np.nan if gone else score_on_truth(candidates, truth, NEAR)
            else:
                figures["score"] = float(candidates.scores[0]) if len(candidates) else 0.0
            found.append(figures)
        return found

    def look(moved: Moved) -> Looked:
        image = _image(moved)
        candidates = predict.candidates(detector, image)
        opinion = classify.classify(classifier, image)
        shown = candidates.above(threshold).suppressed(overlap)
        picture = with_heat(windowed(moved.pixels), opinion.heat_map, 0.6)
        picture = with_boxes(picture, moved.labels.boxes_xyxy, dashed=True, colour=(230, 159, 0))
        labels = [f"{score:.2f}" for score in shown.scores]
        picture = with_boxes(picture, shown.boxes_xyxy, labels)
        boxes = f"{len(shown)} box{'' if len(shown) == 1 else 'es'}"
        words = f"{boxes}, classifier {percent(opinion.probability)}"
        return Looked(picture, words)

    return Answering(
        (
            Measure(
                "score",
                title,
                better="same" if subject.from_model else "high" if labelled else "low",
                level=threshold,
                level_name="threshold",
            ),
            Measure(
                "classifier",
                "Classifier: fracture",
                better="same",
                level=second.operating_points["fracture"],
                level_name="operating point",
            ),
            Measure("boxes", "Boxes", better="same", limits=None, digits=0),
        ),
        answer,
        look,
        card,
    )


def head(subject: Subject, cards: Cards) -> Answering:
    """The skull stripping network, without N4, which would undo a bias field first.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    card = cards["brain"]
    network = volume_loaders.model(card)
    settings = replace(settings_of(card), n4=False)
    volume = subject.known["volume"]
    millilitres = float(np.prod(volume.spacing_mm)) / 1000
    known = "brain" in subject.labels.masks

    def mask_of(moved: Moved, stopped: Stopped) -> np.ndarray:
        changed = replace(volume, voxels=moved.pixels, digest=digest_of(moved.pixels))
        prepared = prepare(changed, settings, cancelled=stopped)
        return probability(network, prepared, cancelled=stopped).mask().voxels > 0

    def answer(many: Sequence[Moved], stopped: Stopped) -> list[Figures]:
        found = []
        for moved in many:
            mask = mask_of(moved, stopped)
            figures = {"volume": float(mask.sum()) * millilitres}
            if known:
                figures["dice"] = dice(mask, moved.labels.masks["brain"])
            found.append(figures)
        return found

    def look(moved: Moved) -> Looked:
        mask = mask_of(moved, lambda: False)
        spacing = volume.spacing_mm
        index = int(moved.pixels.shape[1] * 0.5)
        window = pictures.display_range(subject.pixels)
        picture = pictures.head_slice(
            moved.pixels, moved.labels.masks, window, spacing, "coronal", index
        )
        outline = {"found": mask}
        found = pictures.head_outline(outline, spacing, "coronal", index)
        picture = pictures.with_masks(picture, found, (86, 180, 233))
        return Looked(picture, f"brain {mask.sum() * millilitres:,.0f} mL")

    amount = Measure(
        "volume", "Brain volume", "mL", "same", limits=None, digits=0
    )  # fmt: skip
    better = "same" if subject.from_model else "high"
    overlap = Measure("dice", "Dice with the moved mask", better=better, digits=3)
    return Answering((overlap, amount) if known else (amount,), answer, look, card, batch=1)
