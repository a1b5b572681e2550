"""What a model of a person's own can be here, and the card that it gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from models.cards import ModelCard
from models.own.reads import Reads


@dataclass(frozen=True)
class Role:
    """One place for a model.

    Attributes:
        task, role: As on its card.
        title: What the screen calls it.
        purpose: A sentence for the card.
        choice: Key of the widget on the task's page that chooses it.
        counted: What is asked about its outputs; "" where none is chosen.
    """

    task: str
    role: str
    title: str
    purpose: str
    choice: str
    counted: str = ""


ROLES = {
    "detector": Role(
        "fracture",
        "detector",
        "Fracture detector (boxes)",
        "Boxes on limb radiographs.",
        "fracture_detector",
        "Classes that count as a fracture",
    ),
    "classifier": Role(
        "fracture",
        "classifier",
        "Fracture classifier (one probability)",
        "One probability that a limb radiograph shows a fracture.",
        "fracture_classifier",
        "Outputs that mean “fractured”",
    ),
    "age": Role(
        "bone_age",
        "age",
        "Bone age (months from a hand radiograph)",
        "Bone age from a hand radiograph.",
        "bone_age_model",
    ),
    "findings": Role(
        "chest",
        "findings",
        "Chest findings (a probability each)",
        "Findings on frontal chest radiographs, a probability each.",
        "chest_classifier",
    ),
    "brain": Role(
        "skull_strip",
        "brain",
        "Brain mask (3D)",
        "Marks the brain in a T1-weighted MR volume of the head.",
        "skull_strip_model",
        "Labels that are brain",
    ),
}
"""By the role on the card."""
UNKNOWN = "not said"
YOLO_GREY = round(114 / 255, 4)
"""What the YOLO families are trained with around an image (Ultralytics' LetterBox)."""
NOT_MEASURED = "Your own model: Lightbox measured nothing on it."


def card_of(
    role: str,
    file: str,
    sha256: str,
    reads: Reads,
    labels: Sequence[str],
    *,
    title: str,
    licence: str = "",
    trained: str = "",
    architecture: str = "",
    prepared: str = "",
) -> ModelCard:
    """The card of a person's own model.

    Args:
        role: Key of `ROLES`.
        file, sha256: Of its ONNX file in `models.cards.own_files`.
        reads: What its network takes and gives.
        labels: Names of all outputs; of a classifier of findings they become the card's labels.
        title, licence, trained, architecture: As the person said.
        prepared: How a film reaches it: "as ours" through the task's own stages, else as it is.
    """
    place = ROLES[role]
    chosen: dict[str, Any] = {}
    names, points = _labels(role, reads, labels)
    if role == "detector":
        chosen = {"long_sides_px": [reads.shape[0]], "square": True, "plain": prepared != AS_OURS}
        chosen["padding"] = YOLO_GREY
    elif role == "classifier":
        # Not fitted: the mean of both log odds.
        fusion = {"bias": 0.0, "detector": 0.5, "classifier": 0.5}
        chosen = {"fusion": fusion, "square": True, "plain": prepared != AS_OURS}
    elif role == "age":
        pipeline = "whole_hand" if prepared == AS_OURS else "film"
        chosen = {"pipeline": pipeline}
    said = {"Trained by, on": trained, "Counted": ", ".join(labels[one] for one in reads.counted)}
    return ModelCard(
        name="draft",
        title=title,
        task=place.task,
        role=place.role,
        purpose=place.purpose,
        file=file,
        sha256=sha256,
        licence=licence or UNKNOWN,
        source=trained or UNKNOWN,
        framework="ONNX, brought by you",
        architecture=architecture or UNKNOWN,
        input_shape=(reads.channels, *reads.shape),
        labels=names,
        operating_points=points,
        training={key: value for key, value in said.items() if value},
        limitations=(NOT_MEASURED,),
        settings=chosen,
        reads={
            key: _plain(value) for key, value in asdict(replace(reads, names=tuple(labels))).items()
        },
    )


AS_OURS = "as ours"


def _labels(
    role: str, reads: Reads, labels: Sequence[str]
) -> tuple[tuple[str, ...], Mapping[str, float]]:
    """The card's labels with the threshold that each starts from."""
    if role == "findings":
        names = tuple(labels[one] for one in reads.counted)
        return names, dict.fromkeys(names, 0.5)
    if role == "age":
        return ("months",), {}
    name = "brain" if role == "brain" else "fracture"
    return (name,), {name: 0.25 if role == "detector" else 0.5}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
