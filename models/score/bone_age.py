"""What the scorer asks of a hand film: months with their interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from core.bone_age.result import BoneAge
from core.images import Radiograph
from models.cards import load_card
from models.score.input_check import FILM_KIND, Refused, check, load_film_kind, refused_by
from models.score.task import SIZE, Answer, Ask, Task, size_of


@dataclass(frozen=True, eq=False)
class BoneAgeReaders:
    """What reads a hand film: the estimate from film and sex, and the input check."""

    estimate: Callable[[Radiograph, str | None], BoneAge]
    refused: Refused


def bone_age(model: str = "hand_age") -> Task:
    """The task, with the card of this name."""
    return Task(
        name="bone_age",
        cards=(("bone_age", model), FILM_KIND),
        columns=(
            *SIZE,
            ("sex", "string"),
            ("months", "float64"),
            ("low_months", "float64"),
            ("high_months", "float64"),
        ),
        load=partial(load_bone_age, model),
        score=score_bone_age,
    )


def load_bone_age(name: str) -> BoneAgeReaders:
    """Load the model and the film-kind check."""
    from models.bone_age import predict

    model = predict.load_model(load_card("bone_age", name))
    return BoneAgeReaders(
        partial(predict.estimate, model), partial(refused_by, load_film_kind(), "hand")
    )


def score_bone_age(readers: BoneAgeReaders, image: Radiograph, ask: Ask) -> Answer:
    """Months with their interval; `detail` is the `BoneAge`."""
    check(readers.refused(image))
    found = readers.estimate(image, ask.sex)
    columns = {
        **size_of(image),
        "sex": ask.sex,
        "months": found.months,
        "low_months": found.low_months,
        "high_months": found.high_months,
    }
    return Answer(columns, detail=found)
