"""The chest page's main column: viewer, answer in metrics and words, findings as bars."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from core.chest import plots
from core.glossary import GLOSSARY
from core.images import FloatArray, Radiograph
from core.metrics import heat_maps
from core.percent import percent
from core.plots import box_layers, draw
from core.plots import viewer as viewers
from models.chest.heatmaps import opening_of
from models.chest.preprocess import SMALL_SIDE_PX
from pages.shared import caching, charts, inputs, stage, views
from pages.shared.inputs import Case
from pages.shared.views import Figure
from pages.tasks.chest import loaders, sentences
from pages.tasks.chest.reading import (
    CARDIOMEGALY,
    Reading,
    chosen,
    finding_key,
    in_words,
    operating_rows,
)
from pages.tasks.chest.sidebar import Settings

MINED = (
    "The labels of NIH films were mined from the radiologists' reports by a program (Wang et al. "
    "2017): expect one in three to ten to be wrong, in both directions. A finding that nobody "
    "mentioned is labelled absent."
)

LEAST_HEIGHT = "24rem !important"
"""Of the viewer: on a narrow screen its legend and slider would leave the films no room."""

WRAPPER = "[data-testid=stLayoutWrapper]:has(> .st-key-"  # what a horizontal container sizes
BESIDE = (
    f"{WRAPPER}chest_findings) {{ flex: 1 1 440px; min-width: min(100%, 440px); }}"
    f"{WRAPPER}chest_heart) {{ flex: 1 1 345px; min-width: min(100%, 345px); }}"
)
"""Findings and heart table stand side by side, one below the other where it is narrow."""


def was_read(case: Case, settings: Settings) -> bool:
    """Whether the answer to this film is at hand, so that nobody has to wait."""
    return caching.is_at_hand("chest", case.image, settings.classifier, settings.segmenter)


def picture(image: Radiograph, settings: Settings) -> draw.Picture:
    """The film through the display window."""
    window = settings.display
    return draw.windowed(image.pixels, window.level, window.width, invert=window.invert)


def waiting(case: Case, settings: Settings) -> None:
    """The film alone, while the networks read it."""
    shown = picture(case.image, settings)
    panels = [
        viewers.Panel("Film", shown),
        viewers.Panel("The networks are reading …", shown),
    ]
    views.film(
        viewers.viewer(panels, spacing_mm=case.image.spacing_mm, laterality=case.image.laterality),
        key="chest_waiting",
        aspect=2 * shown.shape[1] / shown.shape[0],
        alt=f"{case.words}, before the networks have answered.",
        stage=True,
    )


def shown_heat(heat: FloatArray, settings: Settings, probability: float) -> FloatArray:
    """A heat map as bright as its finding is probable, without what the sidebar leaves out."""
    kept = np.where(heat >= settings.threshold, heat, 0)
    return heat_maps.by_probability(kept, probability)


def true_boxes(reading: Reading, label: str) -> tuple[box_layers.BoxLayer, ...]:
    """Where a phantom's finding was simulated, dashed; nothing where that is not known."""
    boxes = reading.case.truth.get("boxes", {}).get(label, ())
    if not len(boxes):
        return ()
    return (box_layers.truth_layer(np.asarray(boxes, np.float32).reshape(-1, 4)),)


def verdict(reading: Reading) -> None:
    """The answer in one line, and beside it the finding whose heat map the viewer shows."""
    said, tone = sentences.verdict(reading)
    # One below the other where the sentence would be squeezed.
    st.html(f"<style>{WRAPPER}chest_verdict) {{ min-width: min(100%, 24rem); }}</style>")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(width="stretch", key="chest_verdict"):
            views.verdict(said, tone)
        if stage.is_presenting():
            return
        names = [row.name for row in reading.rows]
        st.selectbox(
            "Heat map of",
            names,
            format_func=lambda name: f"Heat map: {name.lower()}",
            key=finding_key(reading),
            label_visibility="collapsed",
            persist_state="session",
            width=260,
            help="Opens on the finding that stands farthest above its threshold. A click on a "
            "bar below does the same.",
        )


def viewer(reading: Reading, settings: Settings) -> None:
    """The film with outlines and lines, and beside it the heat map of one finding."""
    label = chosen(reading)
    row = next(row for row in reading.rows if row.name == in_words(label))
    shown = picture(reading.image, settings)
    heat = loaders.heat(settings.classifier, reading.image, label).values
    method = opening_of(settings.classifier)
    below = "" if row.above else f", {row.verdict}{' its threshold' if row.judged else ''}"
    figure = viewers.heat_viewer(
        shown,
        shown_heat(heat, settings, row.probability),
        true_boxes(reading, label),
        spacing_mm=reading.image.spacing_mm,
        laterality=reading.image.laterality,
        revision=reading.image.digest,
        titles=(
            "Film",
            f"{method}, {row.name.lower()} {percent(row.probability)}{below}",
        ),
    )
    if settings.outlines:
        plots.add_outlines(figure, reading.masks)
    if reading.heart is not None:
        plots.add_ratio_lines(
            figure,
            reading.heart.ratio,
            name="by hand: " if reading.heart.by_hand else "",
            mm_per_px=reading.mm_per_px,
        )
    words = f"heat map of {row.name.lower()}"
    st.html(f"<style>.st-key-chest_viewer_frame {{ min-height: {LEAST_HEIGHT}; }}</style>")
    views.film(
        figure,
        key="chest_viewer",
        aspect=1.75 * shown.shape[1] / shown.shape[0],  # the slider needs its own room
        alt=f"{reading.case.words}, with heart and lungs outlined, beside it the {words}.",
        stage=True,
        on_step=partial(inputs.step, "chest"),
    )


def known(reading: Reading) -> None:
    """What the film is, which way it lies, and what of it limits every answer."""
    views.known_of(reading.image, reading.case.words, reading.case.look)
    if sentences.is_mirrored(reading):
        st.warning(sentences.side_check(reading), icon=":material/flip:")
    if min(reading.image.shape) < SMALL_SIDE_PX:
        st.caption(small_film(reading))
    if reading.no_ratio:
        st.warning(reading.no_ratio, icon=":material/straighten:")


def small_film(reading: Reading) -> str:
    """What a film smaller than the networks' input costs, in sentences."""
    height, width = reading.image.shape
    found = {metric.name: metric.value for metric in reading.card.metrics if metric.split == "test"}
    small, large = (found.get(f"Mean AUROC, {px}-px films") for px in (64, 128))
    cost = (
        f" Mean AUROC is {small:.2f} on 64-px films, {large:.2f} on 128-px films." if small else ""
    )
    return (
        f"The networks look at {SMALL_SIDE_PX} px and the film has {width} × {height}.{cost} One "
        f"pixel is {100 / width:.1f}\u00a0% of its width: the ratio is no finer than that."
    )


def strip(reading: Reading, settings: Settings) -> None:
    """The answer in metrics, and how far to trust it."""
    rows = [row for row in reading.rows if row.judged]
    above = [row for row in rows if row.above]
    strong = sum(row.strong for row in above)
    many = reading.findings
    answer = [
        Figure(
            "Findings",
            f"{len(above)} of {len(rows)}",
            "operating point",
            f"{strong} strong, {len(above) - strong} weak" if above else "none above threshold",
        ),
    ]
    if CARDIOMEGALY in many.probabilities:
        probability, point = many.probabilities[CARDIOMEGALY], many.operating_points[CARDIOMEGALY]
        times = f"{probability / point:.1f} × its threshold" if point else ""
        answer.append(Figure(CARDIOMEGALY, percent(probability), "calibrated", times))
    heart = reading.heart
    if heart is not None:
        said = f"{heart.words}, {'by hand' if heart.by_hand else 'measured'}"
        answer.append(
            Figure("Heart ÷ chest (CTR)", f"{heart.ratio.ratio:.2f}", "cardiothoracic ratio", said)
        )
    if "ctr" in reading.case.truth:
        true = f"{reading.case.truth['ctr']:.2f}"
        answer.append(Figure("True CTR", true, "truth", "as simulated"))
    views.metric_strip(answer)
    views.error_line(settings.classifier)


def flagged(reading: Reading) -> None:
    """What is flagged, in words, and what the film is labelled with."""
    st.markdown(sentences.flagged(reading))
    labels(reading)


def findings(reading: Reading) -> None:
    """Every finding, and every answer about the heart, side by side where there is room."""
    st.html(f"<style>{BESIDE}</style>")
    with st.container(horizontal=True, gap="medium"):
        with st.container(key="chest_findings"):
            bars(reading)
        with st.container(key="chest_heart"):
            heart_table(reading)


def bars(reading: Reading) -> None:
    """Every finding as a bar; a click chooses its heat map."""
    rows = reading.rows
    charts.chart(
        plots.finding_bars(rows, in_words(chosen(reading))),
        key="chest_bars",
        config={"displayModeBar": False},
        on_select=partial(_clicked, finding_key(reading)),
        selection_mode="points",
        alt="Bars: " + "; ".join(f"{row.name} {row.words}" for row in rows) + ".",
    )
    unknown = [row.name.lower() for row in rows if not row.judged]
    few = f" Too few cases to evaluate: {', '.join(unknown)}." if unknown else ""
    if reading.card.is_own:
        st.caption("Beside each bar: the probability that your model gives; nothing calibrated it.")
        return
    st.caption(
        f"Beside each bar: the calibrated chance that the finding is there. Filled: a strong call, "
        f"as one film without it in fifty gets; hatched: a weak one, as one in ten gets.{few}"
    )


def thresholds(reading: Reading) -> None:
    """What the threshold of each finding means on test films."""
    meaning = operating_rows(reading.card)
    if meaning:
        with st.expander(
            "Sensitivity and false-positive rate of each threshold", icon=":material/table:"
        ):
            st.dataframe(
                pd.DataFrame(meaning),
                hide_index=True,
                height="content",
                alt="Sensitivity and false-positive rate of each finding on test films.",
            )
            st.caption(f"Test films; cardiomegaly on 128-px films only. {GLOSSARY['calibrated']}")


def labels(reading: Reading) -> None:
    """What the film is labelled with."""
    if reading.labelled is not None and reading.case.origin != "Phantom":
        listed = ", ".join(in_words(one).lower() for one in reading.labelled) or "no finding"
        truth = reading.case.truth
        person = [f"{truth['age']} years"] if truth.get("age") else []
        person += [{"F": "female", "M": "male"}.get(str(truth.get("sex")), "")]
        who = f" ({', '.join(word for word in person if word)})" if any(person) else ""
        st.markdown(f"**Labels of this film{who}:** {listed}.")
        st.caption(MINED)


def heart_table(reading: Reading) -> None:
    """Is the heart enlarged: every network's opinion beside the ruler's."""
    rows = "\n".join(
        f"| {row['asked']} | {row['value']} | {row['threshold']} | {row['heart']} |"
        for row in sentences.opinions(reading)
    )
    st.markdown(
        "**Is the heart enlarged?** Asked in several ways\n\n"
        f"| asked | value | threshold | heart |\n|:--|--:|--:|:--|\n{rows}",
        help=f"{GLOSSARY['cardiothoracic ratio']} {GLOSSARY['multi-label']}",
    )
    heart = reading.heart
    if heart is not None and reading.mm_per_px is not None:
        widths = (heart.ratio.heart_width_px, heart.ratio.chest_width_px)
        across = [plots.length(px, reading.mm_per_px) for px in widths]
        st.caption(f"Heart {across[0]}, chest {across[1]} wide, at the detector’s pixel size.")
    if heart is not None and heart.reason:
        st.caption(f"Ratio not judged: {heart.reason}.")
    st.caption(sentences.agreement(reading))
    if not sentences.is_mirrored(reading):
        st.caption(sentences.side_check(reading))


def _clicked(key: str) -> None:
    """Show the heat map of the bar that was clicked."""
    state = st.session_state.get("chest_bars")
    points = state["selection"]["points"] if state else []
    if points:
        st.session_state[key] = points[0]["y"]
