"""A simulated child that grows: growth plates close under a slider, with the answer beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from core.bone_age import plots
from core.bone_age.growth import SEXES, short, signed, years_and_months
from core.percent import percent
from core.phantoms.hand.phantom import HandPhantom
from core.plots import draw
from core.stages import Progress
from models.cards import ModelCard
from pages.shared import background, charts, views
from pages.shared.views import Figure
from pages.tasks.bone_age import loaders
from pages.tasks.bone_age.sidebar import PAGE, HandParameters, Settings, simulated

AGES = tuple(range(2, 19))
"""Ages (years) at which the whole childhood is read."""
CLOSE_UPS = {"Wrist": "wrist", "Knuckles": "mcp", "Middle finger": "middle_finger"}


@dataclass(frozen=True)
class Childhood:
    """Answers to one phantom at all of `AGES`, in months."""

    months: tuple[float, ...]
    low_months: tuple[float, ...]
    high_months: tuple[float, ...]


def show(settings: Settings, base: HandParameters) -> None:
    """The slider with film, close-ups and answer, and the whole childhood on request."""
    st.markdown(
        f"The same simulated {SEXES[base.sex]} (seed {base.seed} in the sidebar) at every age. "
        "Move the slider and watch the carpal bones appear and the growth plates, the dark lines "
        "near the bone ends, close; the model reads each film again."
    )
    _slider(settings, base)
    _childhood(settings, base)


@st.fragment
def _slider(settings: Settings, base: HandParameters) -> None:
    """Film and answer at one age, in a fragment: nothing else of the page runs again."""
    years = st.slider(
        "Age of the simulated child (years)",
        1.0,
        19.0,
        min(base.age_years, 19.0),
        0.5,
        key=f"{PAGE}_growing",
    )
    now = replace(base, age_years=years)
    phantom = simulated(now)
    with st.spinner("Reading …"):
        found = views.show_error(lambda: loaders.estimate(settings.card, phantom.image, base.sex))
    if found is None:
        return
    left, right = st.columns([2, 3], gap="large")
    words = f"Simulated at {years_and_months(years * 12)}"
    left.image(
        draw.tile(draw.windowed(phantom.image.pixels), 512, 640), words, width="stretch", alt=words
    )
    with right:
        views.metric_strip(
            [
                Figure("Simulated age", short(years * 12)),
                Figure(
                    "The model's answer",
                    short(found.months),
                    note=f"{short(found.low_months)} – {short(found.high_months)}",
                ),
                Figure("Error", signed(found.months - years * 12)),
                Figure("Growth plates open", f"{percent(_open(phantom.growth_plates))}"),
            ]
        )
        for column, (name, picture) in zip(st.columns(3), close_ups(phantom), strict=True):
            column.image(picture, name, width="stretch", alt=f"{name} of the phantom, enlarged.")
        _plates(phantom.growth_plates)


def _open(plates: Mapping[str, float]) -> float:
    return sum(plates.values()) / max(len(plates), 1)


def close_ups(phantom: HandPhantom) -> list[tuple[str, draw.Picture]]:
    """The regions where age shows best, enlarged."""
    film = draw.windowed(phantom.image.pixels)
    found = []
    for name, region in CLOSE_UPS.items():
        x0, y0, x1, y1 = (round(value) for value in phantom.regions[region])
        found.append((name, draw.tile(film[y0:y1, x0:x1], 300, 360)))
    return found


def _plates(plates: Mapping[str, float]) -> None:
    """How far each growth plate is open, as simulated."""
    rows = [{"growth plate": name, "open": share} for name, share in plates.items()]
    with st.expander("Every growth plate, as simulated", icon=":material/list:"):
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            height=260,
            alt="Open share of every growth plate of the phantom.",
            column_config={
                "open": st.column_config.ProgressColumn(
                    "open", min_value=0, max_value=1, format="percent"
                )
            },
        )


def _read_all(card: ModelCard, base: HandParameters, progress: Progress) -> Childhood:
    """The answers at all ages."""
    found = []
    for number, years in enumerate(AGES):
        progress(number / len(AGES), f"{years} years")
        image = simulated(replace(base, age_years=float(years))).image
        found.append(loaders.estimate(card, image, base.sex))
    return Childhood(
        tuple(one.months for one in found),
        tuple(one.low_months for one in found),
        tuple(one.high_months for one in found),
    )


def _childhood(settings: Settings, base: HandParameters) -> None:
    """The answer over the whole childhood, on request: it simulates and reads many films."""
    wanted = (settings.card.sha256, replace(base, age_years=0.0))
    state = f"{PAGE}_childhood"
    if st.session_state.get(state) != wanted:
        label = f"Read the whole childhood ({AGES[0]} to {AGES[-1]} years)"
        if not st.button(label, key=f"{PAGE}_read_childhood", icon=":material/timeline:"):
            return
        st.session_state[state] = wanted
    result = background.result(
        f"{PAGE}_growing_up",
        wanted,
        lambda run: _read_all(settings.card, base, run.report),
        is_public=True,
    )
    if result is None:
        return
    ages = [12.0 * years for years in AGES]
    errors = [abs(found - age) for found, age in zip(result.months, ages, strict=True)]
    charts.chart(
        plots.sweep(ages, result.months, result.low_months, result.high_months),
        key=f"{PAGE}_childhood_chart",
        alt="The model's answer over the simulated age.",
    )
    st.caption(
        f"Mean absolute error on this child: {_mean(errors):.1f} months. Phantoms show how the "
        "answer follows the growth plates; they do not say how good it is on real films."
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
