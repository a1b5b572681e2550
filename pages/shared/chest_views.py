"""The chest page's main column: viewer, answer in figures and words, probabilities as bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core import chest_figures, draw, figures
from core.chest import ctr
from core.chest.ctr import CardiothoracicRatio
from core.chest.result import Findings
from core.chest_figures import FindingRow, percent
from core.errors import UnsuitableInputError
from core.glossary import GLOSSARY
from core.images import FloatArray, Radiograph
from models.cards import ModelCard, task_cards
from pages.shared import chest_loaders, views
from pages.shared.chest_inputs import Settings
from pages.shared.chest_loaders import Masks
from pages.shared.inputs import Case
from pages.shared.views import Figure

CARDIOMEGALY = "Cardiomegaly"
MINED = (
    "The labels of NIH films were mined from the radiologists' reports by a program (Wang et al. "
    "2017): expect one in three to ten to be wrong, in both directions. A finding that nobody "
    "mentioned is labelled absent."
)


@dataclass(frozen=True, eq=False)
class Reading:
    """One chest film as the page shows it.

    Attributes:
        case: The film, upright, with its truth where known.
        findings: The chosen classifier's answer.
        single: Every cardiomegaly network's card with its answer.
        masks: Heart and lungs.
        ratio: From the masks, or None where they give none; then `no_ratio` says why.
    """

    case: Case
    findings: Findings
    single: tuple[tuple[ModelCard, Findings], ...]
    masks: Masks
    ratio: CardiothoracicRatio | None
    no_ratio: str = ""

    @property
    def image(self) -> Radiograph:
        return self.case.image

    @property
    def view(self) -> str | None:
        """View position, from the file or from the sample's table."""
        return self.image.view or self.case.truth.get("view")

    @property
    def labelled(self) -> tuple[str, ...] | None:
        """Findings that are drawn in or labelled; None where nothing is known."""
        known = self.case.truth.get("findings")
        return None if known is None else tuple(known)

    @property
    def rows(self) -> list[FindingRow]:
        """The findings, those farthest above their operating points first."""
        word = "drawn in" if self.case.origin == "Phantom" else "labelled"
        return finding_rows(self.findings, self.labelled or (), word)


def finding_rows(
    found: Findings, labelled: tuple[str, ...] = (), word: str = "labelled"
) -> list[FindingRow]:
    """An answer as rows, those farthest above their operating points (in odds) first."""
    return [
        FindingRow(
            in_words(label),
            found.probabilities[label],
            found.operating_points[label],
            word if label in labelled else "",
        )
        for label in found.ranked
    ]


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
    return Reading(case, found, single, masks, ratio, problem)


def measured(masks: Masks) -> tuple[CardiothoracicRatio | None, str]:
    """The ratio of masks, or why there is none."""
    try:
        return ctr.measure(masks), ""
    except UnsuitableInputError as err:
        return None, str(err)


def was_read(case: Case, settings: Settings) -> bool:
    """Whether the answer to this film is at hand, so that nobody has to wait."""
    now = (case.image.digest, settings.classifier.sha256)
    return st.session_state.get("chest_read") == now


def picture(image: Radiograph, settings: Settings) -> draw.Picture:
    """The film through the display window."""
    window = settings.display
    return draw.windowed(image.pixels, window.level, window.width, invert=window.invert)


def waiting(case: Case, settings: Settings) -> None:
    """The film alone, while the networks read it."""
    shown = picture(case.image, settings)
    panels = [figures.Panel("Film", shown), figures.Panel("The networks are reading …", shown)]
    views.film(
        figures.viewer(panels, spacing_mm=case.image.spacing_mm, laterality=case.image.laterality),
        key="chest_waiting",
        aspect=2 * shown.shape[1] / shown.shape[0],
        alt=f"{case.words}, before the networks have answered.",
    )


def chosen(reading: Reading) -> str:
    """The label whose heat map is shown: the one chosen, else the first of the bars."""
    labels = {in_words(label): label for label in reading.findings.probabilities}
    name = st.session_state.get("chest_finding")
    return labels.get(name) or labels[reading.rows[0].name]


def shown_heat(heat: FloatArray, settings: Settings) -> FloatArray:
    """A heat map without what lies below the threshold of the sidebar."""
    return np.where(heat >= settings.threshold, heat, 0).astype(np.float32)


def true_boxes(reading: Reading, label: str) -> tuple[figures.BoxLayer, ...]:
    """Where a phantom's finding was drawn, dashed; nothing where that is not known."""
    boxes = reading.case.truth.get("boxes", {}).get(label, ())
    if not len(boxes):
        return ()
    return (figures.truth_layer(np.asarray(boxes, np.float32).reshape(-1, 4)),)


def viewer(reading: Reading, settings: Settings) -> None:
    """The film with outlines and lines, and beside it the heat map of one finding."""
    label = chosen(reading)
    shown = picture(reading.image, settings)
    heat = chest_loaders.heat(settings.classifier, reading.image, label).values
    figure = figures.heat_viewer(
        shown,
        shown_heat(heat, settings),
        true_boxes(reading, label),
        spacing_mm=reading.image.spacing_mm,
        laterality=reading.image.laterality,
        revision=reading.image.digest,
        titles=("Film, heart and lungs", f"Grad-CAM, {in_words(label).lower()}"),
    )
    if settings.outlines:
        chest_figures.add_outlines(figure, reading.masks)
    if reading.ratio is not None:
        chest_figures.add_ratio_lines(figure, reading.ratio)
    words = f"heat map of {in_words(label).lower()}"
    views.film(
        figure,
        key="chest_viewer",
        aspect=1.75 * shown.shape[1] / shown.shape[0],  # the slider needs its own room
        alt=f"{reading.case.words}, with heart and lungs outlined, beside it the {words}.",
    )
    views.known_of(reading.image, reading.case.words)


def strip(reading: Reading, settings: Settings) -> None:
    """The answer in figures, then in words, then how far to trust it."""
    rows = reading.rows
    above = [row for row in rows if row.above]
    many = reading.findings
    answer = [
        Figure(
            "Findings",
            f"{len(above)} of {len(rows)}",
            "operating point",
            "at or above their operating point",
        ),
    ]
    if CARDIOMEGALY in many.probabilities:
        probability, point = many.probabilities[CARDIOMEGALY], many.operating_points[CARDIOMEGALY]
        side = "above" if many.is_above(CARDIOMEGALY) else "below"
        answer.append(
            Figure(CARDIOMEGALY, percent(probability), "calibrated", f"{side} its {percent(point)}")
        )
    if reading.ratio is not None:
        side = "above" if reading.ratio.enlarged else "not above"
        answer.append(
            Figure(
                "Heart ÷ chest (CTR)",
                f"{reading.ratio.ratio:.2f}",
                "cardiothoracic ratio",
                f"{side} {ctr.LIMIT:g}, measured",
            )
        )
    if "ctr" in reading.case.truth:
        answer.append(Figure("True CTR", f"{reading.case.truth['ctr']:.2f}", "truth", "as drawn"))
    views.metric_strip(answer)
    st.markdown(opinion(reading))
    if reading.no_ratio:
        st.warning(reading.no_ratio, icon=":material/straighten:")
    views.error_line(settings.classifier)


def _short(card: ModelCard) -> str:
    return str(card.extra.get("short", card.title))


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
        words += f" On the heart they disagree: {_and(yes)} call it enlarged, {_and(no)} do not."
    elif yes:
        words += " All call the heart enlarged, the networks and the ruler."
    elif no:
        words += " None calls the heart enlarged, neither network nor ruler."
    return words


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def bars(reading: Reading) -> None:
    """The probabilities against their operating points; a click or the list chooses a finding."""
    rows = reading.rows
    label = in_words(chosen(reading))
    st.plotly_chart(
        chest_figures.finding_bars(rows, label),
        key="chest_bars",
        config={"displayModeBar": False},
        on_select=_clicked,
        selection_mode="points",
        alt="Bars: " + "; ".join(f"{row.name} {row.words}" for row in rows) + ".",
    )
    st.caption(
        f"{GLOSSARY['calibrated']} A finding is called from its own operating point on, chosen on "
        "validation films; rare findings have low ones, so the axis is logarithmic. Sorted by how "
        "far above it they are."
    )


def choice(reading: Reading) -> None:
    """Which finding's heat map is shown, and what the film is labelled with."""
    names = [row.name for row in reading.rows]
    if st.session_state.get("chest_finding") not in names:
        st.session_state["chest_finding"] = in_words(chosen(reading))
    st.selectbox(
        "Heat map of",
        names,
        key="chest_finding",
        help="A click on a bar does the same.",
        persist_state="session",
    )
    if reading.labelled is not None and reading.case.origin != "Phantom":
        listed = ", ".join(in_words(one).lower() for one in reading.labelled) or "no finding"
        st.markdown(f"**Labels of this film:** {listed}.")
        st.caption(MINED)


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


def heart_table(reading: Reading, by_hand: CardiothoracicRatio | None = None) -> None:
    """Is the heart enlarged: every network's opinion beside the ruler's."""
    rows = "\n".join(
        f"| {row['asked']} | {row['value']} | {row['limit']} | {row['heart']} |"
        for row in opinions(reading, by_hand)
    )
    st.markdown(
        "**Is the heart enlarged?** Asked in several ways\n\n"
        f"| asked | value | limit | heart |\n|:--|--:|--:|:--|\n{rows}",
        help=f"{GLOSSARY['cardiothoracic ratio']} {GLOSSARY['multi-label']}",
    )
    st.caption(
        "A probability is an opinion that cannot be checked on the film; the ratio can, with a "
        "ruler."
    )


def _clicked() -> None:
    """Show the heat map of the bar that was clicked."""
    state = st.session_state.get("chest_bars")
    points = state["selection"]["points"] if state else []
    if points:
        st.session_state["chest_finding"] = points[0]["y"]
