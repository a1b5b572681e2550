"""Chests in the lab: a film with its outlines and findings, probabilities and heart size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.augment.labels import Labels, Moved
from core.augment.pictures import with_masks
from core.augment.report import Measure
from core.chest import ctr
from core.errors import UnsuitableInputError
from core.images import Radiograph, digest_of
from core.percent import percent
from core.plots.draw import PREDICTION, windowed, with_heat
from models.cards import load_card
from pages.shared.inputs import Case
from pages.tasks.augmentation import subjects as augmentation_subjects
from pages.tasks.augmentation.models import Answering, Cards, Figures, Looked, Stopped
from pages.tasks.augmentation.subjects import Subject
from pages.tasks.chest import loaders as chest_loaders
from pages.tasks.chest import sidebar as chest_inputs

HEART = "Cardiomegaly"


def chest() -> Subject | None:
    """A chest film with lungs, heart and the boxes of its findings."""
    return augmentation_subjects.film("chest", "chest", chest_inputs.phantom, _chest_of)


def _chest_of(case: Case) -> Subject:
    image, truth = case.image, case.truth
    masks, words = truth.get("masks"), "the phantom’s own outlines and findings"
    if masks is None:
        masks = chest_loaders.masks(load_card("chest", "heart_lungs"), image)
        words = "the model’s own outlines on the original (its truth is not known here)"
    rows = [(name, box) for name, boxes in truth.get("boxes", {}).items() for box in boxes]
    boxes = np.array([box for _, box in rows], np.float32).reshape(-1, 4)
    names = tuple(name.replace("_", " ") for name, _ in rows)
    outlines = {name.replace("_", " "): np.asarray(mask, bool) for name, mask in masks.items()}
    return Subject(
        "chest", image.pixels, Labels(boxes, names, outlines), image.digest,
        case.words or image.title, words, image.spacing_mm, image.laterality,
        known={"findings": tuple(truth.get("findings", ()))}, notes=image.notes,
        is_public=image.is_public,
    )  # fmt: skip


def answering(subject: Subject, cards: Cards) -> Answering:
    """The classifier of findings, a batch at a time, and the outlines of heart and lungs.

    Raises:
        ImagingError: If weights are missing or not those of the cards, or the film is unsuitable.
    """
    from models.chest import heatmaps, predict, segment

    card, outlines = cards["findings"], load_card("chest", "heart_lungs")
    classifier, segmenter = chest_loaders.models(card, outlines)
    original = chest_loaders.findings(card, Radiograph(subject.pixels, subject.digest))
    drawn = [name for name in subject.known["findings"] if name in original.probabilities]
    wanted = [*drawn, HEART, "Effusion", *original.ranked]
    watched = [one for one in dict.fromkeys(wanted) if one in original.probabilities][:2]

    def answer(many: Sequence[Moved], stopped: Stopped) -> list[Figures]:
        images = [Radiograph(moved.pixels, digest_of(moved.pixels)) for moved in many]
        batch = np.stack([predict.network_input(classifier, one) for one in images])
        rows = predict.probabilities(classifier, batch)
        found = []
        for image, row in zip(images, rows, strict=True):
            figures = dict(zip(classifier.labels, map(float, row), strict=True))
            masks = segment.segment(segmenter, image)
            try:
                figures["ratio"] = ctr.measure(masks).ratio
            except UnsuitableInputError:
                figures["ratio"] = float("nan")
            found.append(figures)
        return found

    def look(moved: Moved) -> Looked:
        image = Radiograph(moved.pixels, digest_of(moved.pixels))
        figures = answer([moved], lambda: False)[0]
        heat = heatmaps.class_map(classifier, image, watched[0])
        masks = segment.segment(segmenter, image)
        picture = with_heat(windowed(moved.pixels), heat.values, 0.55)
        picture = with_masks(picture, masks, PREDICTION)
        title = watched[0].replace("_", " ")
        ratio = f"{figures['ratio']:.2f}" if np.isfinite(figures["ratio"]) else "not measurable"
        return Looked(picture, f"{title} {percent(figures[watched[0]])}, heart ratio {ratio}")

    measures = [
        Measure(name, name.replace("_", " "), better="same", limits=None, digits=3,
                level=original.operating_points[name], level_name="operating point")
        for name in watched
    ]  # fmt: skip
    measures.append(
        Measure("ratio", "Cardiothoracic ratio", better="same", limits=(0.2, 0.9),
                level=ctr.LIMIT, level_name="enlarged above")
    )  # fmt: skip
    return Answering(tuple(measures), answer, look, card)
