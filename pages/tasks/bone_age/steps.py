"""What happens to the film: three pipelines with live parameters, and what skipping changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.bone_age import overlays
from core.bone_age.growth import short, years_and_months
from core.plots import draw
from core.stages import Step
from models.bone_age.pipelines import stages_of
from models.bone_age.predict import pipelines_of
from pages.shared import views
from pages.shared.address import KEPT
from pages.shared.views import Figure
from pages.tasks.bone_age import loaders
from pages.tasks.bone_age.pipelines import PIPELINES, Pipeline, by_key, parameters
from pages.tasks.bone_age.sidebar import PAGE
from pages.tasks.bone_age.views import Reading

VIEWS = ("What the model received", "Landmarks", "Segmentation", "Side by side", "Before and after")
TILE_PX, COLUMNS = 420, 5
MANY_COLUMNS = 7  # where two rows of five do not hold all steps: the page stays short


def show(reading: Reading) -> None:
    """Choose a pipeline and walk through it."""
    view = st.selectbox("Pipeline", VIEWS, key=f"{PAGE}_pipeline", width=320, **KEPT)
    if view == VIEWS[0]:
        _own(reading)
    elif view == "Side by side":
        _side_by_side(reading)
    elif view == "Before and after":
        _alignment(reading)
    else:
        _published(reading, PIPELINES[view])


def _own(reading: Reading) -> None:
    """The chosen model's own steps, and its answer when they are changed or left out."""
    card, default = reading.settings.card, reading.found
    pipeline = by_key(pipelines_of(card)[0])
    changed = parameters(pipeline)
    names = [stage.name for stage in stages_of(pipeline.key, **changed)]
    skip = _skips(pipeline.name.lower(), names)
    shown = default
    if changed or skip:
        with st.spinner("Reading the film anew …"):
            shown = loaders.estimate(card, reading.image, reading.settings.sex, skip, changed)
        views.metric_strip(
            [
                Figure("Default steps", years_and_months(default.months), note=reading.interval),
                Figure(
                    "As changed",
                    years_and_months(shown.months),
                    note=f"{short(shown.low_months)} to {short(shown.high_months)}",
                ),
                Figure("Change", f"{shown.months - default.months:+.1f} months"),
            ]
        )
        st.caption(
            "The network was trained with the default steps, so most changes make it worse; the "
            "interval was measured with them and no longer holds."
        )
    gallery(shown.steps)
    others = " Its other networks receive other pictures: see “Explain”, “Each model”."
    st.caption(
        f"The last picture is what “{card.title}” received, in training as here."
        + (others if len(pipelines_of(card)) > 1 else "")
    )


def _skips(name: str, names: Sequence[str]) -> list[str]:
    """Which stages the user leaves out."""
    return st.pills(
        "Leave out",
        names,
        selection_mode="multi",
        key=f"{PAGE}_skip_{name}",
        help="What if a stage were not there? The answer without it stands beside the default.",
        persist_state="session",
    )


def _published(reading: Reading, pipeline: Pipeline) -> None:
    """A published pipeline with its parameters, and what a model makes of its picture."""
    st.markdown(pipeline.words)
    changed = parameters(pipeline)
    stages = stages_of(pipeline.key, **changed)
    with st.expander("Leave steps out", icon=":material/content_cut:"):
        skip = _skips(pipeline.name.lower(), [stage.name for stage in stages])
    default = steps = loaders.pipeline_steps(pipeline.key, reading.image, {}, ())
    if changed or skip:
        steps = loaders.pipeline_steps(pipeline.key, reading.image, changed, skip)
    with st.spinner("Reading its picture …"):
        months = months_of(reading, pipeline, default, {}, ())
        changed_months = months_of(reading, pipeline, steps, changed, skip)
    answer = [
        Figure("Through the model’s own steps", years_and_months(reading.found.months)),
        _answer("Through these steps", months),
    ]
    if changed or skip:
        answer.append(_answer("As changed", changed_months))
        if months is not None and changed_months is not None:
            answer.append(Figure("Change", f"{changed_months - months:+.1f} months"))
    views.metric_strip(answer)
    own = loaders.trained_on(pipeline.key)
    if own is None:
        st.caption(
            f"“{reading.settings.card.title}” reads {pipeline.read_words}. It was trained on "
            "films prepared by its own steps: a difference says what these steps take away or add "
            "for it."
        )
    else:
        st.caption(f"Answered by “{own.title}”, which was trained on the last picture.")
    gallery(steps)


def months_of(
    reading: Reading,
    pipeline: Pipeline,
    steps: Sequence[Step],
    changed: Mapping[str, Any],
    skip: Sequence[str],
) -> float | None:
    """The answer to a pipeline's picture, or None where the pipeline failed before it.

    By the network that was trained on such pictures, or else by the chosen one.
    """
    seen = next((step for step in steps if step.name == pipeline.read), None)
    if seen is None or seen.error:
        return None
    settings = reading.settings
    own = loaders.trained_on(pipeline.key)
    if own is None:
        return loaders.of_picture(settings.card, seen.image, settings.sex).months
    return loaders.estimate(own, reading.image, settings.sex, skip, changed).months


def _answer(label: str, months: float | None) -> Figure:
    if months is None:
        return Figure(label, "none", note="a step failed")
    return Figure(label, years_and_months(months))


def _side_by_side(reading: Reading) -> None:
    """The same film through both published pipelines, step by step."""
    st.markdown(
        "The same film through both published pipelines: landmarks by thresholds and geometry "
        "(left), a hand mask by a U-Net (right)."
    )
    for column, name in zip(st.columns(2, gap="large"), ("Landmarks", "Segmentation"), strict=True):
        with column:
            st.markdown(f"#### {name}")
            steps = loaders.pipeline_steps(PIPELINES[name].key, reading.image, {}, ())
            gallery(steps, columns=2, brief=True)


def _alignment(reading: Reading) -> None:
    """The film as read, and the hand as each pipeline sets it upright or crops it."""
    film = draw.windowed(reading.image.pixels)
    pictures = [("As read", film)]
    for name, pipeline in PIPELINES.items():
        steps = loaders.pipeline_steps(PIPELINES[name].key, reading.image, {}, ())
        aligned = next((step for step in steps if step.name == pipeline.aligned), None)
        if aligned is None or aligned.error:
            failed = next((step.error for step in steps if step.error), "it did not come so far")
            st.warning(f"{name}: {failed}", icon=":material/error:")
        else:
            turned = sum(float(step.overlays.get("angle_degrees", 0)) for step in steps)
            words = f", turned by {turned:.0f}°" if turned else ""
            pictures.append((f"{name}{words}", overlays.shown(aligned.image)))
    pictures.append(("What the model received", overlays.shown(reading.found.seen)))
    for column, (words, picture) in zip(st.columns(len(pictures)), pictures, strict=True):
        column.image(
            draw.tile(picture, TILE_PX, TILE_PX + 80),
            words,
            width="stretch",
            alt=f"The hand: {words}.",
        )
    st.caption(
        "A hand that lies askew puts every joint in another place. The landmark pipeline turns "
        "it by the line from its centre to the middle fingertip."
    )


def gallery(steps: Sequence[Step], columns: int = COLUMNS, *, brief: bool = False) -> None:
    """Every stage with its picture and overlays, parameters, duration, reason, and its failure."""
    pictures = overlays.pictures(steps, TILE_PX)
    if len(steps) > 2 * columns and not brief:
        columns, brief = MANY_COLUMNS, True
    for start in range(0, len(steps), columns):
        places = st.columns(columns, gap="small")
        row = list(zip(steps, pictures, strict=True))[start : start + columns]
        for number, (step, picture) in enumerate(row, start=start + 1):
            with places[number - start - 1]:
                _step(number, step, picture, brief)


def _step(number: int, step: Step, picture: draw.Picture, brief: bool) -> None:
    """One stage; where there are many, its parameters stand behind the question mark."""
    height, width = step.image.shape[:2]
    facts = [f"{width} × {height} px", f"{step.seconds * 1000:.0f} ms", *in_words(step.parameters)]
    found = "" if step.skipped else numbers(step.overlays)
    words = " · ".join([*facts, found] if found else facts)
    st.markdown(f"**{number}. {step.name}**", help=words if brief else None)
    st.image(
        draw.tile(picture, TILE_PX, TILE_PX),
        width="stretch",
        alt=f"The radiograph after step {number}, {step.name}, {width} by {height} pixels.",
    )
    if not brief:
        st.caption(words)
    if step.error:
        st.error(step.error, icon=":material/error:")
    else:
        st.caption(f"{step.why}{' **Left out.**' if step.skipped else ''}")


WORDS = {
    "low_percent": "black below the {} % percentile",
    "high_percent": "white above the {} % percentile",
    "clip": "contrast limit {}",
    "tiles": "{} tiles a side",
    "shape": "{} px (height × width)",
    "width_px": "{} px wide",
    "height_px": "{} px high",
    "strength": "strength {} grey values",
    "height_percent": "{} % of the height kept",
    "width_percent": "{} % of the width kept",
    "at": "cut {}",
    "margin_high": "margin {} of the height",
    "margin_wide": "margin {} of the width",
    "level_offset": "threshold at the mean plus {}",
    "least_gap": "least depth of a gap {} (of the root of the hand’s area)",
    "side_px": "{} px a side",
    "margin_percent": "margin {} %",
    "mean": "mean grey {}",
    "amount": "amount {}",
}
"""How the screen says a stage's parameters."""


def in_words(parameters: Mapping[str, Any]) -> list[str]:
    """A stage's parameters as a person says them; switches that are off are left out."""
    return [
        WORDS.get(name, name.replace("_", " ") + " {}").format(_value(value))
        for name, value in parameters.items()
        if value is not False
    ]


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return " × ".join(str(one) for one in value)
    if value is True:
        return "on"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def numbers(found: Mapping[str, Any]) -> str:
    """The single numbers among a step's overlays, in words."""
    return " · ".join(
        f"{name.replace('_', ' ')} {value:.1f}"
        for name, value in found.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    )
