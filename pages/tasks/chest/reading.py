"""One chest film as the page sees it: answers, masks, ratio, and what they say in words."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.chest import ctr
from core.chest.ctr import CardiothoracicRatio
from core.chest.plots import FindingRow, percent
from core.chest.result import Findings
from core.errors import UnsuitableInputError
from core.images import Radiograph
from models.cards import ModelCard, task_cards
from pages.shared.inputs import Case
from pages.tasks.chest import loaders as chest_loaders
from pages.tasks.chest.loaders import Masks
from pages.tasks.chest.sidebar import Settings

CARDIOMEGALY = "Cardiomegaly"
DRAWN = "drawn in"
ADULT_YEARS = 18
ENOUGH = 10
"""Films with a finding from which on its figures are given, as `models.chest.evaluate` has it."""


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
    """

    case: Case
    card: ModelCard
    findings: Findings
    single: tuple[tuple[ModelCard, Findings], ...]
    masks: Masks
    ratio: CardiothoracicRatio | None
    no_ratio: str = ""

    @property
    def image(self) -> Radiograph:
        return self.case.image

    @property
    def labelled(self) -> tuple[str, ...] | None:
        """Findings that are drawn in or labelled; None where nothing is known."""
        known = self.case.truth.get("findings")
        return None if known is None else tuple(known)

    @property
    def rows(self) -> list[FindingRow]:
        """The findings, those farthest above their operating points first."""
        word = DRAWN if self.case.origin == "Phantom" else "labelled"
        return finding_rows(self.findings, self.card, self.labelled or (), word)


def finding_rows(
    found: Findings, card: ModelCard, labelled: tuple[str, ...] = (), word: str = "labelled"
) -> list[FindingRow]:
    """An answer as rows, those farthest above their operating points (in odds) first.

    Findings that the card has no figure for come last, and are not called.
    """
    known = judged(card)
    rows = [
        FindingRow(
            in_words(label),
            found.probabilities[label],
            found.operating_points[label],
            word if label in labelled else "",
            label in known,
        )
        for label in found.ranked
    ]
    return sorted(rows, key=lambda row: not row.judged)


def judged(card: ModelCard) -> set[str]:
    """Labels with films enough to measure on; all, where the card has no figures yet."""
    positives = card.extra.get("positives", {})
    return {label for label in card.labels if positives.get(label, ENOUGH) >= ENOUGH}


def operating_rows(card: ModelCard) -> list[dict[str, str]]:
    """What each operating point means on the test films, one row a finding; may be empty."""
    found, kept = card.extra.get("sensitivity", {}), card.extra.get("specificity", {})
    positives = card.extra.get("positives", {})
    return [
        {
            "finding": in_words(label),
            "operating point": percent(card.operating_points[label]),
            "called where labelled": percent(found[label]),
            "called where not": percent(1 - kept[label]),
            "labelled films": str(positives.get(label, "")),
        }
        for label in card.labels
        if label in found and label in kept
    ]


def false_calls(card: ModelCard) -> float:
    """How many findings are called on a film that has none of them, on average; NaN if unknown."""
    kept = card.extra.get("specificity", {})
    known = [1 - float(kept[label]) for label in judged(card) if label in kept]
    return sum(known) if known else float("nan")


def in_words(label: str) -> str:
    """A label for the screen: "Pleural_Thickening" becomes "Pleural thickening"."""
    return label.replace("_", " ").capitalize()


def single_cards() -> list[ModelCard]:
    """Networks that answer for cardiomegaly alone, to stand beside the many-label one."""
    return [card for card in task_cards("chest") if card.name.startswith("cardiomegaly")]


def read(case: Case, settings: Settings) -> Reading:
    """All answers to a case; only the first run of a film runs the networks.

    Raises:
        ImagingError: If weights are missing, or the film cannot be read by a network.
    """
    image = case.image
    found = chest_loaders.findings(settings.classifier, image)
    single = tuple((card, chest_loaders.findings(card, image)) for card in single_cards())
    masks = chest_loaders.masks(settings.segmenter, image)
    ratio, problem = measured(masks)
    st.session_state["chest_read"] = (image.digest, settings.classifier.sha256)
    return Reading(case, settings.classifier, found, single, masks, ratio, problem)


def measured(masks: Masks) -> tuple[CardiothoracicRatio | None, str]:
    """The ratio of masks, or why there is none."""
    try:
        return ctr.measure(masks), ""
    except UnsuitableInputError as err:
        return None, str(err)


def chosen(reading: Reading) -> str:
    """The label whose heat map is shown: the one chosen, else a drawn one, else the first bar."""
    labels = {in_words(label): label for label in reading.findings.probabilities}
    name = st.session_state.get("chest_finding")
    drawn = [row.name for row in reading.rows if row.mark == DRAWN]
    return labels.get(name) or labels[[*drawn, reading.rows[0].name][0]]


def caveats(reading: Reading, ratio: CardiothoracicRatio) -> list[str]:
    """Why the ratio of this film may mislead, in sentences."""
    said = list(ctr.caveats(ratio, reading.image.shape, reading.image.view))
    age = str(reading.case.truth.get("age", ""))
    if age.isdigit() and int(age) < ADULT_YEARS:
        said.append(
            f"The limit of {ctr.LIMIT:g} is meant for adults; this person is {age} years old."
        )
    return said


def _short(card: ModelCard) -> str:
    """A card's title without the finding that all cards beside it share."""
    name = card.title.removeprefix(f"{CARDIOMEGALY}, ")
    return name[:1].upper() + name[1:]


def opinion(reading: Reading) -> str:
    """What is above, and whether networks and ruler agree on the heart, in sentences."""
    above = [row for row in reading.rows if row.above]
    if above:
        listed = ", ".join(f"{row.name.lower()} ({percent(row.probability)})" for row in above)
        words = f"**Above the operating point:** {listed}."
    else:
        words = (
            "**No finding is above its operating point.** That is an answer, not proof that "
            "nothing is there."
        )
    unknown = [row.name.lower() for row in reading.rows if not row.judged]
    if unknown:
        words += f" Not judged, for want of films to measure on: {_and(unknown)}."
    called = {
        name: found.is_above(CARDIOMEGALY)
        for name, found in (
            ("the network of many findings", reading.findings),
            *((f"“{_short(card)}”", found) for card, found in reading.single),
        )
        if CARDIOMEGALY in found.probabilities
    }
    if reading.ratio is not None:
        called["the ruler (CTR)"] = reading.ratio.enlarged
    yes = [name for name, answer in called.items() if answer]
    no = [name for name, answer in called.items() if not answer]
    if yes and no:
        words += f" On the heart they disagree: enlarged for {_and(yes)}, not for {_and(no)}."
    elif yes:
        words += " All call the heart enlarged, the networks and the ruler."
    elif no:
        words += " None calls the heart enlarged, neither network nor ruler."
    return words


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def opinions(reading: Reading, by_hand: CardiothoracicRatio | None = None) -> list[dict[str, str]]:
    """Cardiomegaly by every network and by the ratio, one row each."""
    rows = []
    networks = [("One of 14 findings", reading.findings)]
    networks += [(_short(card), found) for card, found in reading.single]
    for name, found in networks:
        if CARDIOMEGALY in found.probabilities:
            point = percent(found.operating_points[CARDIOMEGALY])
            probability = percent(found.probabilities[CARDIOMEGALY])
            rows.append(_opinion(name, probability, point, found.is_above(CARDIOMEGALY)))
    ratios = {"CTR, network’s lines": reading.ratio, "CTR, by hand": by_hand}
    if "masks" in reading.case.truth:
        ratios["CTR, truth"], _ = measured(reading.case.truth["masks"])
    for name, ratio in ratios.items():
        if ratio is not None:
            rows.append(_opinion(name, f"{ratio.ratio:.3f}", f"{ctr.LIMIT:g}", ratio.enlarged))
    return rows


def _opinion(name: str, value: str, limit: str, enlarged: bool) -> dict[str, str]:
    says = "enlarged" if enlarged else "not enlarged"
    return {"asked": name, "value": value, "limit": limit, "heart": says}
