"""What the scorer asks of a chest film: findings, cardiothoracic ratio, outlines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core import film_kind
from core.chest import ctr, heart_size, projection, report
from core.chest.heart_size import HeartSize
from core.chest.result import Findings
from core.errors import UnsuitableInputError
from core.film_kind import FilmKind
from core.images import Radiograph
from models.cards import ModelCard, cards_of, load_card
from models.chest.settings import findings_settings
from models.score.input_check import (
    FILM_KIND,
    Recognise,
    check,
    load_film_kind,
    other_modality,
    without_offer,
)
from models.score.task import SIZE, Answer, Ask, Task, size_of

CARDIOMEGALY = "Cardiomegaly"
ENOUGH = 10
"""Films with a finding from which on its figures are given, as on the chest page."""
Masks = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class ChestReaders:
    """What reads a chest film; `single` answer for cardiomegaly alone, by card.

    `called` are the findings with test films enough to be called.
    """

    classify: Callable[[Radiograph], Findings]
    single: Mapping[str, Callable[[Radiograph], Findings]]
    segment: Callable[[Radiograph], Masks]
    recognise: Recognise
    called: Set[str]


@dataclass(frozen=True, eq=False)
class ChestReading:
    """All answers to a chest film.

    Attributes:
        findings: Of the network of many findings.
        single: Probability of cardiomegaly by each network for it alone, by card.
        heart: What the measured ratio says; None where the masks give none: `no_ratio` says why.
        notes: What limits the answer, a sentence each.
        came: How the film lay, where it was turned or inverted first.
    """

    findings: Findings
    single: Mapping[str, float]
    heart: HeartSize | None
    no_ratio: str
    notes: tuple[str, ...]
    came: FilmKind | None

    @property
    def ratio(self) -> ctr.CardiothoracicRatio | None:
        """The measured ratio."""
        return None if self.heart is None else self.heart.ratio


def chest_single_cards() -> tuple[str, ...]:
    """Names of the cards that answer for cardiomegaly alone."""
    return tuple(card.name for card in cards_of("chest", "cardiomegaly"))


def chest(findings: str = "findings") -> Task:
    """The task, with the card of this name for the findings."""
    labels = load_card("chest", findings).labels
    return Task(
        name="chest",
        cards=(
            ("chest", findings),
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
            ("heart", "string"),
            ("no_ctr", "string"),
            ("notes", "string"),
            ("came", "string"),
            ("mask", "string"),
        ),
        load=partial(load_chest, findings),
        score=score_chest,
        mask_suffix=".png",
    )


def load_chest(findings: str) -> ChestReaders:
    """Load the classifiers, the segmenter and the film-kind check."""
    from models.chest import predict, segment

    def classifier(name: str) -> Callable[[Radiograph], Findings]:
        return partial(predict.classify, predict.load_model(load_card("chest", name)))

    return ChestReaders(
        classifier(findings),
        {name: classifier(name) for name in chest_single_cards()},
        partial(segment.segment, segment.load_model(load_card("chest", "heart_lungs"))),
        load_film_kind(),
        judged(load_card("chest", findings)),
    )


def score_chest(readers: ChestReaders, image: Radiograph, ask: Ask) -> Answer:
    """Findings and cardiothoracic ratio of a film, turned upright first where it lay wrongly.

    The option "as_it_came" refuses such films instead; "view" ("PA" or "AP") holds for films whose
    file does not say. `detail` is the `ChestReading`.
    """
    image, came = _upright(readers.recognise, image, as_it_came=bool(ask.options.get("as_it_came")))
    found = readers.classify(image)
    single = {
        name: classify(image).probabilities[CARDIOMEGALY]
        for name, classify in readers.single.items()
    }
    masks = readers.segment(image)
    view = image.view or ask.options.get("view")
    heart, no_ratio = None, ""
    try:
        heart = heart_size.judge(ctr.measure(masks), masks, view=view)
    except UnsuitableInputError as err:
        no_ratio = str(err)
    notes = heart_size.notes(heart, masks, view)
    mask = report.label_map(masks) if ask.mask else b""
    columns = {
        **size_of(image),
        "above": ", ".join(name for name in found.above if name in readers.called),
        **{f"p_{label}": value for label, value in found.probabilities.items()},
        **{f"p_{name}": value for name, value in single.items()},
        "ctr": None if heart is None else heart.ratio.ratio,
        "heart": "not judged" if heart is None else heart.words,
        "no_ctr": no_ratio or None,
        "notes": " ".join(notes) or None,
        "came": None if came is None else film_kind.turned(came),
    }
    detail = ChestReading(found, single, heart, no_ratio, notes, came)
    return Answer(columns, mask=mask, detail=detail)


def judged(card: ModelCard) -> set[str]:
    """Findings with test films enough for figures; the others are called nowhere."""
    return findings_settings(card).judged(card.labels, ENOUGH)


def _upright(
    recognise: Recognise, image: Radiograph, *, as_it_came: bool
) -> tuple[Radiograph, FilmKind | None]:
    """The film as the networks know films, and how it lay if it was changed.

    Raises:
        UnsuitableInputError: If it is no frontal chest film, or lies wrongly and must stay so.
    """
    check(other_modality(image) or projection.view_refusal(image.view))
    kind = recognise(image)
    refused = without_offer(film_kind.refusal(kind, "chest"))
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
    return film_kind.reoriented(image, kind), kind
