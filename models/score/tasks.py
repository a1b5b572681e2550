"""What the scorer asks of each task, through the task's own public functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core import film_kind
from core.chest import ctr, projection, report
from core.chest.result import Findings
from core.detections import Detections
from core.errors import UnsuitableInputError
from core.film_kind import FilmKind
from core.images import Radiograph, Volume
from models.cards import load_card, task_cards
from models.score.task import Answer, Ask, Task

LEAST_SCORE = 0.05
"""Boxes below are not kept: thousands a film would be, and none would ever be looked at."""
CARDIOMEGALY = "Cardiomegaly"
FILM_KIND = ("film_kind", "film_kind")
SIZE = (("width", "int64"), ("height", "int64"))


@lru_cache(maxsize=1)
def tasks() -> Mapping[str, Task]:
    """Every task that can be scored, by name."""
    found = (_fracture(), _bone_age(), _chest(), _skull_strip())
    return {task.name: task for task in found}


def _size(image: Radiograph) -> dict[str, int]:
    height, width = image.shape
    return {"width": width, "height": height}


def _check_kind(model: Any, image: Radiograph, wanted: str) -> FilmKind:
    """Refuse a film that is none of the task.

    Raises:
        UnsuitableInputError: With the sentence of the film-kind check.
    """
    from models.film_kind import recognise

    kind = recognise.recognise(model, image)
    # A task that the check does not know (yet) takes every film.
    refused = film_kind.refusal(kind, wanted) if wanted in film_kind.EXPECTED else None
    if refused:
        raise UnsuitableInputError(refused)
    return kind


def _load_film_kind() -> Any:
    from models.film_kind import recognise

    return recognise.load_model(load_card(*FILM_KIND))


# Fracture


@dataclass(frozen=True, eq=False)
class FractureModels:
    """The networks that read a limb film."""

    detector: Any
    classifier: Any
    film_kind: Any
    iou: float


def _fracture() -> Task:
    return Task(
        name="fracture",
        cards=(("fracture", "detector"), ("fracture", "classifier"), FILM_KIND),
        columns=(
            *SIZE,
            ("boxes", "int64"),
            ("highest_score", "float64"),
            ("classifier_probability", "float64"),
            ("classifier_card", "string"),
            ("classifier_sha256", "string"),
        ),
        box_columns=(
            ("box", "int64"),
            ("score", "float64"),
            ("xmin", "float64"),
            ("ymin", "float64"),
            ("xmax", "float64"),
            ("ymax", "float64"),
        ),
        load=load_fracture,
        score=score_fracture,
    )


def load_fracture() -> FractureModels:
    """Load detector, classifier and film-kind check."""
    from models.fracture import classify, predict

    detector = load_card("fracture", "detector")
    return FractureModels(
        predict.load_model(detector),
        classify.load_classifier(load_card("fracture", "classifier")),
        _load_film_kind(),
        float(detector.extra.get("iou", 0.5)),
    )


def score_fracture(models: FractureModels, image: Radiograph, ask: Ask) -> Answer:
    """Boxes after suppression, and the classifier's probability; `detail` is all candidates."""
    from models.fracture import classify, predict

    if not ask.options.get("any_film"):
        _check_kind(models.film_kind, image, "limb")
    card = load_card("fracture", "detector")
    candidates = predict.candidates(models.detector, image)
    found = candidates.above(LEAST_SCORE).suppressed(models.iou)
    classifier = load_card("fracture", "classifier")
    columns = {
        **_size(image),
        "boxes": len(found.above(card.operating_points["fracture"])),
        "highest_score": float(found.scores[0]) if len(found) else None,
        "classifier_probability": float(classify.probability(models.classifier, image)),
        "classifier_card": classifier.name,
        "classifier_sha256": classifier.sha256,
    }
    return Answer(columns, _box_rows(found), detail=candidates)


def _box_rows(found: Detections) -> list[dict[str, Any]]:
    return [
        {"box": number, "score": float(score)}
        | dict(zip(("xmin", "ymin", "xmax", "ymax"), map(float, box), strict=True))
        for number, (box, score) in enumerate(
            zip(found.boxes_xyxy, found.scores, strict=True), start=1
        )
    ]


# Bone age


@dataclass(frozen=True, eq=False)
class BoneAgeModels:
    """The networks that read a hand film."""

    estimator: Any
    film_kind: Any


def _bone_age() -> Task:
    return Task(
        name="bone_age",
        cards=(("bone_age", "hand_age"), FILM_KIND),
        columns=(
            *SIZE,
            ("sex", "string"),
            ("months", "float64"),
            ("low_months", "float64"),
            ("high_months", "float64"),
        ),
        load=load_bone_age,
        score=score_bone_age,
    )


def load_bone_age() -> BoneAgeModels:
    """Load the ensemble and the film-kind check."""
    from models.bone_age import predict

    return BoneAgeModels(predict.load_model(load_card("bone_age", "hand_age")), _load_film_kind())


def score_bone_age(models: BoneAgeModels, image: Radiograph, ask: Ask) -> Answer:
    """Months with their interval; `detail` is the `BoneAge`."""
    from models.bone_age import predict

    if not ask.options.get("any_film"):
        _check_kind(models.film_kind, image, "hand")
    found = predict.estimate(models.estimator, image, ask.sex)
    columns = {
        **_size(image),
        "sex": ask.sex,
        "months": found.months,
        "low_months": found.low_months,
        "high_months": found.high_months,
    }
    return Answer(columns, detail=found)


# Chest


@dataclass(frozen=True, eq=False)
class ChestModels:
    """The networks that read a chest film; `single` answer for cardiomegaly alone, by card."""

    findings: Any
    single: Mapping[str, Any]
    segmenter: Any
    film_kind: Any


@dataclass(frozen=True, eq=False)
class ChestReading:
    """All answers to a chest film.

    Attributes:
        findings: Of the network of many findings.
        single: Probability of cardiomegaly by each network for it alone, by card.
        ratio: None where the masks give none; then `no_ratio` says why.
        came: How the film lay, where it was turned or inverted first.
    """

    findings: Findings
    single: Mapping[str, float]
    ratio: ctr.CardiothoracicRatio | None
    no_ratio: str
    masks_png: bytes
    came: FilmKind | None


def chest_single_cards() -> tuple[str, ...]:
    """Names of the cards that answer for cardiomegaly alone."""
    names = (card.name for card in task_cards("chest"))
    return tuple(name for name in names if name.startswith("cardiomegaly"))


def _chest() -> Task:
    labels = load_card("chest", "findings").labels
    return Task(
        name="chest",
        cards=(
            ("chest", "findings"),
            *(("chest", name) for name in chest_single_cards()),
            ("chest", "heart_lungs"),
            FILM_KIND,
        ),
        columns=(
            *SIZE,
            ("above", "string"),
            *((f"p_{label}", "float64") for label in labels),
            *((f"p_{name}", "float64") for name in chest_single_cards()),
            ("ctr", "float64"),
            ("no_ctr", "string"),
            ("came", "string"),
            ("mask", "string"),
        ),
        load=load_chest,
        score=score_chest,
        mask_suffix=".png",
    )


def load_chest() -> ChestModels:
    """Load the classifiers, the segmenter and the film-kind check."""
    from models.chest import predict, segment

    return ChestModels(
        predict.load_model(load_card("chest", "findings")),
        {name: predict.load_model(load_card("chest", name)) for name in chest_single_cards()},
        segment.load_model(load_card("chest", "heart_lungs")),
        _load_film_kind(),
    )


def score_chest(models: ChestModels, image: Radiograph, ask: Ask) -> Answer:
    """Findings and cardiothoracic ratio of a film, turned upright first where it lay wrongly.

    The option "as it came" refuses such films instead. `detail` is the `ChestReading`.
    """
    from models.chest import predict, segment

    image, came = _upright(models, image, as_it_came=bool(ask.options.get("as_it_came")))
    found = predict.classify(models.findings, image)
    single = {
        name: predict.classify(model, image).probabilities[CARDIOMEGALY]
        for name, model in models.single.items()
    }
    masks = segment.segment(models.segmenter, image)
    ratio, no_ratio = None, ""
    try:
        ratio = ctr.measure(masks)
    except UnsuitableInputError as err:
        no_ratio = str(err)
    wanted = ask.mask or bool(ask.options.get("masks"))
    reading = ChestReading(
        found, single, ratio, no_ratio, report.label_map(masks) if wanted else b"", came
    )
    columns = {
        **_size(image),
        "above": ", ".join(found.above),
        **{f"p_{label}": value for label, value in found.probabilities.items()},
        **{f"p_{name}": value for name, value in single.items()},
        "ctr": None if ratio is None else ratio.ratio,
        "no_ctr": no_ratio or None,
        "came": None if came is None else film_kind.turned(came),
    }
    return Answer(columns, mask=reading.masks_png, detail=reading)


def _upright(
    models: ChestModels, image: Radiograph, *, as_it_came: bool
) -> tuple[Radiograph, FilmKind | None]:
    """The film as the networks know films, and how it lay if it was changed.

    Raises:
        UnsuitableInputError: If it is no frontal chest film, or lies wrongly and must stay so.
    """
    from models.film_kind import recognise

    refused = projection.view_refusal(image.view)
    if refused:
        raise UnsuitableInputError(refused)
    kind = recognise.recognise(models.film_kind, image)
    refused = film_kind.refusal(kind, wanted="chest")
    faults = film_kind.turned(kind)
    if refused and (kind.kind != "chest" or not faults):
        raise UnsuitableInputError(refused)
    if not faults:
        return image, None
    if as_it_came:
        raise UnsuitableInputError(
            f"{faults} The networks learned from upright films with bright bone; to this one they "
            "would answer at random."
        )
    return film_kind.righted(image, kind), kind


# Heads


@dataclass(frozen=True, eq=False)
class HeadReading:
    """The brain of a head.

    Attributes:
        mask: A `models.skull_strip.predict.BrainMask`.
        doubt: Why the head may be none that the network knows; None where nothing speaks for it.
    """

    mask: Any
    doubt: str | None


def _skull_strip() -> Task:
    return Task(
        name="skull_strip",
        cards=(("skull_strip", "unet"),),
        columns=(
            ("volume_ml", "float64"),
            ("threshold", "float64"),
            ("doubt", "string"),
            ("mask", "string"),
        ),
        load=load_skull_strip,
        score=score_skull_strip,
        volumes=True,
        mask_suffix=".nii.gz",
        part_size=10,
        chunk_size=1,
    )


def load_skull_strip() -> Any:
    """Load the network."""
    from models.skull_strip import predict

    return predict.load_model(load_card("skull_strip", "unet"))


def score_skull_strip(model: Any, image: Volume, ask: Ask) -> Answer:
    """The volume of the brain, and its mask on the file's own grid if wanted.

    The option "settings" is a `core.skull_strip.Settings`. `detail` is the `HeadReading`.
    """
    from core.files.volume import nifti_bytes
    from core.skull_strip import OURS, looks_like_t1_head
    from models.skull_strip import predict

    wrong = looks_like_t1_head(image)
    if wrong:
        raise UnsuitableInputError(wrong)
    settings = ask.options.get("settings", OURS)
    found = predict.segment(model, image, settings)
    doubt = looks_like_t1_head(image, found.voxels)
    columns = {"volume_ml": found.volume_ml, "threshold": found.threshold, "doubt": doubt}
    mask = nifti_bytes(found.voxels, image) if ask.mask else b""
    return Answer(columns, mask=mask, detail=HeadReading(found, doubt))
