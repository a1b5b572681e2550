"""The chest page's main column: viewer, answer in figures and words, probabilities as bars."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from core.chest import ctr
from core.chest import plots as chest_figures
from core.chest.ctr import CardiothoracicRatio
from core.chest.plots import percent
from core.glossary import GLOSSARY
from core.images import FloatArray, Radiograph
from core.metrics import heat_maps
from core.plots import draw
from core.plots import viewer as figures
from pages.shared import inputs, views
from pages.shared.inputs import Case
from pages.shared.views import Figure
from pages.tasks.chest import loaders as chest_loaders
from pages.tasks.chest.reading import (
    CARDIOMEGALY,
    Reading,
    chosen,
    false_calls,
    in_words,
    operating_rows,
    opinion,
    opinions,
)
from pages.tasks.chest.sidebar import Settings

MINED = (
    "The labels of NIH films were mined from the radiologists' reports by a program (Wang et al. "
    "2017): expect one in three to ten to be wrong, in both directions. A finding that nobody "
    "mentioned is labelled absent."
)


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
        stage=True,
    )


def shown_heat(heat: FloatArray, settings: Settings, probability: float) -> FloatArray:
    """A heat map as bright as its finding is probable, without what the sidebar leaves out."""
    kept = np.where(heat >= settings.threshold, heat, 0)
    return heat_maps.by_probability(kept, probability)


def true_boxes(reading: Reading, label: str) -> tuple[figures.BoxLayer, ...]:
    """Where a phantom's finding was drawn, dashed; nothing where that is not known."""
    boxes = reading.case.truth.get("boxes", {}).get(label, ())
    if not len(boxes):
        return ()
    return (figures.truth_layer(np.asarray(boxes, np.float32).reshape(-1, 4)),)


def verdict(reading: Reading) -> None:
    """The answer in one line."""
    above = [row for row in reading.rows if row.judged and row.above]
    count = len(above)
    said = f"**{count} finding{'' if count == 1 else 's'} above threshold**"
    if reading.ratio is not None:
        side = "heart enlarged" if reading.ratio.enlarged else "heart not enlarged"
        said += f"; CTR {reading.ratio.ratio:.2f}, {side}"
    views.verdict(said, "attention" if above else "clear")


def viewer(reading: Reading, settings: Settings) -> None:
    """The film with outlines and lines, and beside it the heat map of one finding."""
    label = chosen(reading)
    shown = picture(reading.image, settings)
    heat = chest_loaders.heat(settings.classifier, reading.image, label).values
    figure = figures.heat_viewer(
        shown,
        shown_heat(heat, settings, reading.findings.probabilities[label]),
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
        stage=True,
        on_step=partial(inputs.step, "chest"),
    )
    if not heat.any():
        st.caption(
            f"Nothing on this film spoke for {in_words(label).lower()}: its heat map is empty."
        )
    views.known_of(reading.image, reading.case.words)


def strip(reading: Reading, settings: Settings) -> None:
    """The answer in figures, then in words, then how far to trust it."""
    rows = [row for row in reading.rows if row.judged]
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
    meaning = operating_rows(reading.card)
    if meaning:
        with st.expander("What the operating points mean", icon=":material/rule:"):
            st.markdown(
                "Every finding has its own chance of a false call. On a film with none of them, "
                f"expect {false_calls(reading.card):.1f} calls in all: one finding just above its "
                "operating point is weak evidence."
            )
            st.dataframe(
                pd.DataFrame(meaning),
                hide_index=True,
                height=300,
                alt="Share of test films on which each finding is called, labelled and not.",
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
        truth = reading.case.truth
        known = [f"{truth['age']} years"] if truth.get("age") else []
        known += [{"F": "female", "M": "male"}.get(str(truth.get("sex")), "")]
        who = f" ({', '.join(word for word in known if word)})" if any(known) else ""
        st.markdown(f"**Labels of this film{who}:** {listed}.")
        st.caption(MINED)


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
