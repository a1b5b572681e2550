"""One chest film as the page sees it: answers, masks and ratio."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.chest import ctr, heart_size
from core.chest.ctr import CardiothoracicRatio
from core.chest.heart_size import HeartSize
from core.chest.plots import FindingRow
from core.chest.result import Findings
from core.errors import UnsuitableInputError
from core.images import Radiograph
from core.percent import percent
from models.cards import ModelCard, cards_of
from models.chest.percentiles import share_below
from models.chest.settings import findings_settings
from pages.shared import caching
from pages.shared.inputs import Case
from pages.tasks.chest import loaders
from pages.tasks.chest.loaders import Masks
from pages.tasks.chest.sidebar import Settings

CARDIOMEGALY = "Cardiomegaly"
SIMULATED = "simulated"
ENOUGH = 10
"""Films with a finding from which on its metrics are given, as `models.chest.evaluate` has it."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One chest film as the page shows it.

    Attributes:
        case: The film, upright, with its truth where known.
        card: The classifier that was chosen.
        findings: Its answer.
        single: Every cardiomegaly network's card with its answer.
        masks: Heart and lungs.
        ratio: From the masks, or None where they give none; then `no_ratio` says why.
        by_hand: From lines that a person moved on this film.
    """

    case: Case
    card: ModelCard
    findings: Findings
    single: tuple[tuple[ModelCard, Findings], ...]
    masks: Masks
    ratio: CardiothoracicRatio | None
    no_ratio: str = ""
    by_hand: CardiothoracicRatio | None = None

    @property
    def heart(self) -> HeartSize | None:
        """What the ratio says: by hand where lines were moved, else the network's."""
        return self.judged_by(self.by_hand) if self.by_hand else self.judged_by(self.ratio)

    def judged_by(self, ratio: CardiothoracicRatio | None) -> HeartSize | None:
        """What a ratio says of this film's heart: the network's own, or one by hand."""
        if ratio is None:
            return None
        masks = self.masks if ratio is self.ratio else None
        return heart_size.judge(ratio, masks, view=self.image.view, age_years=self.age_years)

    @property
    def mm_per_px(self) -> float | None:
        """Width of a pixel, where known."""
        return None if self.image.spacing_mm is None else self.image.spacing_mm[1]

    @property
    def age_years(self) -> int | None:
        age = str(self.case.truth.get("age", ""))
        return int(age) if age.isdigit() else None

    @property
    def image(self) -> Radiograph:
        return self.case.image

    @property
    def labelled(self) -> tuple[str, ...] | None:
        """Findings that are simulated or labelled; None where nothing is known."""
        known = self.case.truth.get("findings")
        return None if known is None else tuple(known)

    @property
    def rows(self) -> list[FindingRow]:
        """The findings, those farthest above their operating points first."""
        word = SIMULATED if self.case.origin == "Phantom" else "labelled"
        return finding_rows(self.findings, self.card, self.labelled or (), word)


def finding_rows(
    found: Findings, card: ModelCard, labelled: tuple[str, ...] = (), word: str = "labelled"
) -> list[FindingRow]:
    """An answer as rows, those farthest above their operating points (in odds) first.

    Findings that the card has no figure for come last, and are not called.
    """
    known, table = judged(card), loaders.percentiles(card)
    rows = [
        FindingRow(
            in_words(label),
            found.probabilities[label],
            found.operating_points[label],
            word if label in labelled else "",
            label in known,
            share_below(table, label, found.probabilities[label]),
        )
        for label in found.ranked
    ]
    return sorted(rows, key=lambda row: not row.judged)


def judged(card: ModelCard) -> set[str]:
    """Labels with films enough to measure on; all, where the card has no metrics yet."""
    return findings_settings(card).judged(card.labels, ENOUGH)


def operating_rows(card: ModelCard) -> list[dict[str, str]]:
    """What each operating point means on the test films, one row a finding; may be empty."""
    settings = findings_settings(card)
    found, kept, positives = settings.sensitivity, settings.specificity, settings.positives
    return [
        {
            "finding": in_words(label),
            "threshold": percent(card.operating_points[label]),
            "sensitivity": percent(found[label]),
            "false-positive rate": percent(1 - kept[label]),
            "labelled films": str(positives.get(label, "")),
        }
        for label in card.labels
        if label in found and label in kept
    ]


def false_calls(card: ModelCard) -> float:
    """How many findings are called on a film that has none of them, on average; NaN if unknown."""
    kept = findings_settings(card).specificity
    known = [1 - kept[label] for label in judged(card) if label in kept]
    return sum(known) if known else float("nan")


def in_words(label: str) -> str:
    """A label for the screen: "Pleural_Thickening" becomes "Pleural thickening"."""
    return label.replace("_", " ").capitalize()


def single_cards() -> list[ModelCard]:
    """Networks that answer for cardiomegaly alone, to stand beside the many-label one."""
    return cards_of("chest", "cardiomegaly")


def read(case: Case, settings: Settings) -> Reading:
    """All answers to a case; only the first run of a film runs the networks.

    Raises:
        ImagingError: If weights are missing, or the film cannot be read by a network.
    """
    image = case.image
    found = loaders.findings(settings.classifier, image)
    single = tuple((card, loaders.findings(card, image)) for card in single_cards())
    masks = loaders.masks(settings.segmenter, image)
    ratio, problem = measured(masks)
    caching.note_answer("chest", image, settings.classifier, settings.segmenter)
    by_hand = st.session_state.get("chest_moved", {}).get(image.digest)
    return Reading(case, settings.classifier, found, single, masks, ratio, problem, by_hand)


def measured(masks: Masks) -> tuple[CardiothoracicRatio | None, str]:
    """The ratio of masks, or why there is none."""
    try:
        return ctr.measure(masks), ""
    except UnsuitableInputError as err:
        return None, str(err)


def chosen(reading: Reading) -> str:
    """The label whose heat map is shown: the one chosen for this film, else the top one."""
    labels = {in_words(label): label for label in reading.findings.probabilities}
    name = str(st.session_state.get(finding_key(reading)))
    return labels.get(name) or labels[reading.rows[0].name]


def finding_key(reading: Reading) -> str:
    """Key of the choice of a finding: it goes with the film, so another one opens on its top."""
    return f"chest_finding_{reading.image.digest[:12]}"
