"""What seeing the model's answer did: changes from the first reading to the second."""

from __future__ import annotations

from dataclasses import dataclass

from core.metrics.estimates import mcnemar
from core.practice.answers import Answer, BoneAgeAnswer, ChestAnswer, FractureAnswer
from core.practice.judging import judge
from core.practice.results import Answers


@dataclass(frozen=True)
class Change:
    """One case read twice.

    Attributes:
        case: Key.
        before, after: Whether the answer was right.
        model_right: Whether the model was, None where its answer is not known.
        changed: Whether the answer is another one; confidence alone does not count.
        followed: Whether the change was towards the model's answer.
    """

    case: str
    before: bool
    after: bool
    model_right: bool | None
    changed: bool
    followed: bool

    @property
    def kind(self) -> str:
        """ "better", "worse", "still right" or "still wrong"."""
        if self.before == self.after:
            return "still right" if self.after else "still wrong"
        return "better" if self.after else "worse"

    @property
    def misled(self) -> bool:
        """Whether the reader followed the model where it was wrong (automation bias: Goddard et
        al., J Am Med Inform Assoc 2012;19:121-127)."""
        return self.followed and self.model_right is False


@dataclass(frozen=True)
class ChangeCounts:
    """Changes of one reader, in cases.

    Attributes:
        better, worse, still_right, still_wrong: They add up to all cases read twice.
        followed_right, followed_wrong: Changes towards a model that was right, or wrong.
        kept_against_wrong: Wrong model answers that the reader did not follow.
        p: McNemar's exact p for better against worse; NaN without either.
    """

    better: int
    worse: int
    still_right: int
    still_wrong: int
    followed_right: int
    followed_wrong: int
    kept_against_wrong: int
    p: float


def changes(first: Answers, second: Answers, model: Answers | None = None) -> list[Change]:
    """The cases that a reader read in both rounds."""
    found = []
    for key, later in second.answers.items():
        if key not in first.answers:
            continue
        earlier, truth = first.answers[key], second.truths[key]
        said = model.answers.get(key) if model else None
        moved = distance(earlier, later) > 0
        found.append(
            Change(
                key,
                judge(earlier, truth).right,
                judge(later, truth).right,
                judge(said, truth).right if said is not None else None,
                moved,
                said is not None and distance(later, said) < distance(earlier, said),
            )
        )
    return found


def count(found: list[Change]) -> ChangeCounts:
    """How often each kind of change occurred."""
    kinds = [one.kind for one in found]
    better, worse = kinds.count("better"), kinds.count("worse")
    return ChangeCounts(
        better,
        worse,
        kinds.count("still right"),
        kinds.count("still wrong"),
        sum(one.followed and one.model_right is True for one in found),
        sum(one.misled for one in found),
        sum(one.model_right is False and not one.followed for one in found),
        mcnemar(better, worse),
    )


def distance(one: Answer, other: Answer) -> float:
    """How far two answers are apart: months, findings named by one only, 0 or 1 for yes and no;
    for boxes also those of one that hit none of the other.

    Raises:
        ValueError: If they are answers to different tasks.
    """
    from core.practice.judging import match_boxes

    if type(one) is not type(other):
        raise ValueError(f"{type(one).__name__} cannot be compared with {type(other).__name__}")
    if isinstance(one, BoneAgeAnswer) and isinstance(other, BoneAgeAnswer):
        return abs(one.months - other.months)
    if isinstance(one, ChestAnswer) and isinstance(other, ChestAnswer):
        return float(len(set(one.findings) ^ set(other.findings)))
    if isinstance(one, FractureAnswer) and isinstance(other, FractureAnswer):
        hit, found = match_boxes(one.boxes, other.boxes)
        return float((~hit).sum() + (~found).sum())
    return float(getattr(one, "side", None) != getattr(other, "side", None))
