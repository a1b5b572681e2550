"""What a reader, or a model, says of a case: one dataclass a task, kept as JSON.

Confidence is how sure the reader is of the whole answer, 0 (guessed) to 100 (certain). A model
gives a probability instead. Both become a score from 0 (surely normal) to 100 (surely abnormal),
the rating that ROC curves are made from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.detections import Boxes
from core.errors import UnsuitableInputError

Box = tuple[float, float, float, float]
MAX_BOXES = 100
SIDES = ("A", "B")


@dataclass(frozen=True)
class FractureAnswer:
    """Boxes around fractures; none says "no fracture".

    Attributes:
        boxes_xyxy: In pixels of the film, x0 < x1 and y0 < y1.
        confidence: In [0, 100], see above.
        box_scores: In [0, 100], one a box; empty means `confidence` for each.
        probability: In [0, 1], a model's that there is a fracture; None for a reader.
    """

    boxes_xyxy: tuple[Box, ...] = ()
    confidence: float = 50.0
    box_scores: tuple[float, ...] = ()
    probability: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes_xyxy", tuple(_box(box) for box in self.boxes_xyxy))
        object.__setattr__(self, "box_scores", tuple(float(one) for one in self.box_scores))
        _check(len(self.boxes_xyxy) <= MAX_BOXES, f"more than {MAX_BOXES} boxes")
        _check(_is_percent(self.confidence, *self.box_scores), "a confidence outside 0 to 100")
        counts = (0, len(self.boxes_xyxy))
        _check(len(self.box_scores) in counts, "scores that do not fit the boxes")
        _check(_is_probability(self.probability), "a probability outside 0 to 1")

    @property
    def present(self) -> bool:
        """Whether it says that there is a fracture."""
        return bool(self.boxes_xyxy)

    @property
    def score(self) -> float:
        """Rating of the film, 0 surely sound to 100 surely fractured."""
        return _rating(self.present, self.confidence, self.probability)

    @property
    def boxes(self) -> Boxes:
        """float32 (N, 4)."""
        return np.asarray(self.boxes_xyxy, np.float32).reshape(-1, 4)

    @property
    def ratings(self) -> tuple[float, ...]:
        """Score of each box, 0 to 100."""
        return self.box_scores or (self.confidence,) * len(self.boxes_xyxy)


@dataclass(frozen=True)
class BoneAgeAnswer:
    """A bone age.

    Attributes:
        months: In [0, 300].
        confidence: In [0, 100]: that it is right within `judging.BONE_AGE_MONTHS`.
    """

    months: float
    confidence: float = 50.0

    def __post_init__(self) -> None:
        ok = math.isfinite(self.months) and 0 <= self.months <= 300
        _check(ok, "a bone age outside 0 to 25 years")
        _check(_is_percent(self.confidence), "a confidence outside 0 to 100")


@dataclass(frozen=True)
class ChestAnswer:
    """Findings that are seen, and the lines of the cardiothoracic ratio.

    Attributes:
        findings: Confidence in [0, 100] of each finding that is said to be present; what is not
            named is said to be absent.
        lines: (x0, y0, x1, y1) in pixels under "heart" and "chest" as in `core.chest.ctr`, or
            None where they were not drawn.
        probabilities: A model's, in [0, 1] by finding; empty for a reader.
        confidence: In [0, 100] of the whole answer.
    """

    findings: Mapping[str, float] = field(default_factory=dict)
    lines: Mapping[str, Box] | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    confidence: float = 50.0

    def __post_init__(self) -> None:
        _check(len(self.findings) <= 50, "more than 50 findings")
        _check(_is_percent(self.confidence, *self.findings.values()), "a confidence outside 0–100")
        _check(all(map(_is_probability, self.probabilities.values())), "a wrong probability")
        if self.lines is not None:
            _check(set(self.lines) == {"heart", "chest"}, "other lines than heart and chest")
            lines = {name: _numbers(line) for name, line in self.lines.items()}
            object.__setattr__(self, "lines", lines)

    @property
    def present(self) -> bool:
        """Whether it names a finding."""
        return bool(self.findings)

    def score(self, finding: str) -> float:
        """Rating of one finding, 0 surely absent to 100 surely present.

        A reader who does not name a finding rates it 0: there is no confidence of absence.
        """
        if self.probabilities:
            return 100 * self.probabilities.get(finding, 0.0)
        if finding not in self.findings:
            return 0.0
        return 50 + self.findings[finding] / 2

    @property
    def ctr(self) -> float | None:
        """The ratio of the lines, or None where they give none."""
        from core.chest.ctr import ratio_from_lines

        if self.lines is None:
            return None
        try:
            return ratio_from_lines(self.lines).ratio
        except UnsuitableInputError:
            return None


@dataclass(frozen=True)
class HeadAnswer:
    """Which of two masks is right, and where the other is wrong.

    Attributes:
        side: "A" or "B", the mask that is said to be right.
        confidence: In [0, 100].
        spot_ijk: Voxel where the other mask is said to be wrong, or None.
    """

    side: str
    confidence: float = 50.0
    spot_ijk: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        _check(self.side in SIDES, "a side that is neither A nor B")
        _check(_is_percent(self.confidence), "a confidence outside 0 to 100")
        if self.spot_ijk is not None:
            spot = tuple(float(place) for place in self.spot_ijk)
            _check(len(spot) == 3 and all(map(math.isfinite, spot)), "a spot that is no place")
            object.__setattr__(self, "spot_ijk", spot)


Answer = FractureAnswer | BoneAgeAnswer | ChestAnswer | HeadAnswer
OF_TASK: Mapping[str, type[Answer]] = {
    "fracture": FractureAnswer,
    "bone_age": BoneAgeAnswer,
    "chest": ChestAnswer,
    "skull_strip": HeadAnswer,
}


def answer_mapping(answer: Answer) -> dict[str, Any]:
    """The answer as JSON has it; fields without a value are left out."""
    fields = ((name, getattr(answer, name)) for name in answer.__dataclass_fields__)
    return {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in fields
        if value not in (None, (), {})
    }


def answer_from_mapping(task: str, found: Any) -> Answer:
    """The answer that JSON has.

    Raises:
        UnsuitableInputError: If it is none of this task.
    """
    kind = OF_TASK[task]
    if not isinstance(found, dict) or not set(found) <= set(kind.__dataclass_fields__):
        raise UnsuitableInputError(
            f"An answer to a {task} case was expected, but other fields were found; "
            "use a file that Practice made."
        )
    try:
        return kind(**found)
    except (TypeError, ValueError, AttributeError) as err:
        raise UnsuitableInputError(
            f"An answer to a {task} case has values of a wrong type; use a file that Practice made."
        ) from err


def _rating(present: bool, confidence: float, probability: float | None) -> float:
    if probability is not None:
        return 100 * probability
    return 50 + (confidence if present else -confidence) / 2


def _box(box: Any) -> Box:
    x0, y0, x1, y1 = _numbers(box)
    _check(x0 < x1 and y0 < y1, "a box without width or height")
    return x0, y0, x1, y1


def _numbers(values: Any) -> Box:
    four = tuple(float(value) for value in values)
    _check(len(four) == 4 and all(map(math.isfinite, four)), "a box that is not four numbers")
    return four[0], four[1], four[2], four[3]


def _is_percent(*values: float) -> bool:
    return all(0 <= value <= 100 for value in values)


def _is_probability(value: float | None) -> bool:
    return value is None or 0 <= value <= 1


def _check(good: bool, what: str) -> None:
    if not good:
        raise UnsuitableInputError(f"The answer has {what}; correct it and keep it again.")
