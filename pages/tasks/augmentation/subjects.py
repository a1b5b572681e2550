"""What the lab works on: an image of any task with its labels, phantoms first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from core.augment import heads
from core.augment.apply import apply_film
from core.augment.labels import Labels, Moved, inside
from core.augment.pipeline import Draw
from core.fracture.matching import above
from core.images import FloatArray
from models.cards import load_card
from models.fracture.settings import detector_settings
from pages.shared import inputs, views
from pages.shared.inputs import Case
from pages.shared.send_to_lab import HERE, SENT, SENT_ON
from pages.tasks.fracture import loaders as fracture_loaders
from pages.tasks.fracture import sidebar as fracture_inputs
from pages.tasks.skull_strip import sidebar as volume_inputs
from pages.tasks.skull_strip.sidebar import VolumeCase


@dataclass(frozen=True, eq=False)
class Subject:
    """An image of the lab.

    Attributes:
        modality: Name of its kind.
        pixels: float32 (H, W) in [0, 1], or (I, J, K) of a head.
        labels: What is known of it, or what a model says of it.
        digest: Of the image: the cache key.
        words: What it is, for the line under the viewer.
        label_words: Where the labels come from.
        spacing_mm: Of its pixels or voxels, or None.
        laterality: "L", "R" or None.
        affine: Of a head.
        from_model: Whether the labels are a model's own answer: then nothing is known to be right.
        known: Whatever else its task knows ("sex", "age_months", "truth").
        is_public: Whether it is nobody's, so that what a draw makes of it may be kept for all.
    """

    modality: str
    pixels: FloatArray
    labels: Labels
    digest: str
    words: str
    label_words: str
    spacing_mm: tuple[float, ...] | None = None
    laterality: str | None = None
    affine: Any = None
    known: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    from_model: bool = False
    is_public: bool = False

    def after(self, draw: Draw) -> Moved:
        """The image after a draw, with its labels."""
        if self.pixels.ndim == 3:
            return heads.apply_head(draw, self.pixels, self.affine, self.labels)
        return apply_film(draw, self.pixels, self.labels)

    @property
    def untouched(self) -> Moved:
        """The image as it is, as a draw that applied nothing."""
        return self.after(Draw(0, ()))


def sent(modality: str) -> Any:
    """The case that a task page sent here, if the person wants it; asked in the sidebar."""
    found = st.session_state.get(SENT, {}).get(modality)
    if found is None:
        return None
    with st.sidebar:
        source = st.segmented_control(
            "Image",
            (SENT_ON, HERE),
            default=SENT_ON,
            required=True,
            key=f"augmentation_{modality}_sent",
            help="“As sent” is the image that came from its own page.",
            persist_state="session",
        )
    return found if source == SENT_ON else None


def film(
    modality: str, task: str, phantom: Callable[[str], Case], of: Callable[[Case], Subject]
) -> Subject | None:
    """A film of the sidebar as a subject; None where there is none yet, which a sentence says."""
    case = sent(modality) or inputs.radiograph(f"augmentation_{modality}", task, phantom)
    return views.show_error(lambda: of(case)) if case is not None else None


def limb() -> Subject | None:
    """A limb radiograph with the boxes around its fractures."""
    return film("limb", "fracture", fracture_inputs.phantom, _limb_of)


def _limb_of(case: Case) -> Subject:
    image, boxes = case.image, true_boxes(case)
    names = tuple(f"fracture {n + 1}" for n in range(0 if boxes is None else len(boxes)))
    words, from_model = "the true boxes", boxes is None
    if boxes is None:
        card = load_card("fracture", "detector")
        candidates = fracture_loaders.candidates(card, image)
        shown = above(candidates, card.operating_points["fracture"])
        found = shown.suppressed(detector_settings(card).iou)
        boxes = found.boxes_xyxy
        names = tuple(f"found {score:.2f}" for score in found.scores)
        words = "the detector’s own boxes on the original (its truth is not known here)"
    labels = Labels(boxes, names, outlined(case) if not from_model else {})
    return Subject(
        "limb", image.pixels, labels, image.digest, case.words or image.title,
        words, image.spacing_mm, image.laterality, notes=image.notes, from_model=from_model,
        is_public=image.is_public,
    )  # fmt: skip


def true_boxes(case: Case) -> np.ndarray | None:
    """The case's true boxes (N, 4), or None where they are not known."""
    known = case.truth.get("boxes_xyxy")
    return None if known is None else np.asarray(known, np.float32).reshape(-1, 4)


def outlined(case: Case) -> dict[str, np.ndarray]:
    """The inside of the case's true outlines as a mask, which moves along with the film."""
    polygons = case.truth.get("polygons")
    return {"fracture": inside(polygons, case.image.shape)} if polygons else {}


def head() -> Subject | None:
    """A T1 head with the mask of its brain."""
    case = sent("head") or volume_inputs.head("augmentation_head", "skull_strip")
    return views.show_error(lambda: _head_of(case)) if case is not None else None


def _head_of(case: VolumeCase) -> Subject:
    small, mask = _coarsened(case.volume.digest, case.truth is not None, case)
    masks = {} if mask is None else {"brain": mask}
    words = case.truth_words if masks else "no mask: the volume of the brain is followed alone"
    return Subject(
        "head", small.voxels, Labels(masks=masks), small.digest, case.words, words,
        small.spacing_mm, affine=small.affine, known={"volume": small}, notes=small.notes,
        from_model=case.truth_from_model,
    )  # fmt: skip


@st.cache_resource(max_entries=4, scope="session", show_spinner="Preparing the head …")
def _coarsened(digest: str, known: bool, _case: VolumeCase) -> Any:
    truth = None if _case.truth is None else _case.truth > 0
    return heads.coarsened(_case.volume, truth)
