"""The bone-age page's main column: viewer, answer, growth chart, downloads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from core.bone_age import growth, plots, whole_hand
from core.bone_age.growth import Difference, short, signed, years_and_months
from core.bone_age.result import BoneAge
from core.images import FloatArray, Radiograph
from core.percent import percent
from core.plots import draw
from core.plots import viewer as figures
from models.cards import ModelCard, load_card
from pages.shared import charts, inputs, views
from pages.shared.inputs import Case
from pages.shared.stage import Tone
from pages.shared.views import Figure
from pages.tasks.bone_age import loaders
from pages.tasks.bone_age.sidebar import PAGE, Settings

FAIR_CONTRAST = 0.4
"""Share of the grey scale between the 1st and 99th percentile below which a film is windowed."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One hand film as the page shows it."""

    case: Case
    found: BoneAge
    settings: Settings

    @property
    def image(self) -> Radiograph:
        return self.case.image

    @property
    def known_months(self) -> float | None:
        return loaders.known_months(self.case)

    @property
    def difference(self) -> Difference | None:
        """Against the calendar, where an age was given."""
        if self.settings.age_months is None:
            return None
        return growth.compare(self.found.months, self.settings.age_months, self.settings.sex)

    @property
    def is_measured(self) -> bool:
        """Whether the model's interval is known."""
        return not math.isnan(self.found.low_months)

    @property
    def interval(self) -> str:
        if not self.is_measured:
            return "not measured"
        return f"{short(self.found.low_months)} – {short(self.found.high_months)}"

    @property
    def heat(self) -> FloatArray | None:
        """Where all networks of the model look, by their shares in the answer, or None."""
        return self.found.attention(self.image.shape) if self.settings.looked else None


def read(case: Case, settings: Settings) -> Reading:
    """The chosen model's answer to a case; only the first run of a film runs the network.

    Raises:
        WeightsError: If weights are missing or not those of the card.
        ImagingError: If a step could not do its work.
    """
    found = loaders.estimate(settings.card, case.image, settings.sex)
    return Reading(case, found, settings)


def picture(case: Case, settings: Settings) -> draw.Picture:
    """The radiograph as the eye sees it: windowed where it is dark or pale, then as chosen."""
    pixels, window = case.image.pixels, settings.display
    if settings.automatic and needs_window(pixels):
        pixels = whole_hand.window(pixels)
    return draw.windowed(pixels, window.level, window.width, invert=window.invert)


def side_of(case: Case) -> str | None:
    """The side mark that the viewer adds: none where the film has one burned in."""
    return None if case.truth.get("has_marker") else case.image.laterality


def needs_window(pixels: FloatArray) -> bool:
    """Whether a film uses so little of the grey scale that the eye misses the bones."""
    low, high = np.percentile(pixels[::4, ::4], (1, 99))
    return bool(high - low < FAIR_CONTRAST)


def verdict(reading: Reading) -> None:
    """The answer in one line, with what it can be compared with."""
    found, known, difference = reading.found, reading.known_months, reading.difference
    parts = [f"**Bone age {short(found.months)}** (90 %: {reading.interval})"]
    tone: Tone = "neutral"
    if known is not None:
        parts.append(f"reference {short(known)}: {signed(found.months - known)}")
        if reading.is_measured:
            tone = "clear" if _covers(found, known) else "attention"
    if difference is not None:
        z = difference.deviations
        apart = difference.against_calendar + ("" if z is None else f" ({z:+.1f} SD)")
        parts.append(f"age {short(difference.age_months)}: {apart}")
        if z is not None and abs(z) > 2:
            tone = "attention"
    parts.append(entered(reading.settings.sex))
    views.verdict(" · ".join(parts), tone)


def viewer(reading: Reading) -> None:
    """The film, and beside it where the networks looked, with linked zoom."""
    shown = picture(reading.case, reading.settings)
    heat = reading.heat
    panels = [figures.Panel("Radiograph", shown)]
    if heat is not None:
        panels.append(figures.Panel("Attention", shown, (), heat))
    views.film(
        figures.viewer(
            panels,
            spacing_mm=reading.image.spacing_mm,
            laterality=side_of(reading.case),
            revision=f"{reading.image.digest}{len(panels)}",
        ),
        key=f"{PAGE}_viewer",
        aspect=2 * shown.shape[1] / shown.shape[0],
        alt=f"{reading.case.words}; bone age {years_and_months(reading.found.months)}"
        + (", beside it the networks’ attention." if len(panels) > 1 else "."),
        stage=True,
        on_step=partial(inputs.step, PAGE),
    )
    views.known_of(reading.image, reading.case.words, reading.case.look)
    notes = [_members(reading)] if heat is not None else []
    if reading.settings.automatic and needs_window(reading.image.pixels):
        notes.append("Shown with an automatic window; the model sees the film as read.")
    if notes:
        st.caption(" ".join(notes))


def member_name(name: str) -> str:
    """What the screen calls a network that a model averages."""
    return load_card(PAGE, name).title


def _members(reading: Reading) -> str:
    """Whose attention is shown."""
    members = reading.found.members
    if len(members) < 2:
        return ""
    shares = " and ".join(f"{member_name(n)} ({percent(m.weight)})" for n, m in members.items())
    return f"Attention of {shares}, by their shares in the answer."


def strip(reading: Reading) -> None:
    """The answer in figures, then in words, then how far to trust it."""
    found, difference, known = reading.found, reading.difference, reading.known_months
    answer = [
        Figure(
            "Bone age",
            years_and_months(found.months),
            note=f"{found.months:.0f} months; {entered(reading.settings.sex)}",
        ),
        Figure("90 % interval", reading.interval, note=_coverage(reading.settings.card)),
    ]
    if known is not None:
        answer += [
            Figure(
                "Reference age",
                years_and_months(known),
                note="simulated" if reading.case.origin == "Phantom" else "mean of readers",
            ),
            Figure("Error", signed(found.months - known), note=_inside(reading, known)),
        ]
    if difference is not None:
        answer += [
            Figure("Chronological age", years_and_months(difference.age_months)),
            Figure("Difference", signed(difference.months), note="bone minus calendar"),
        ]
        if difference.deviations is not None:
            answer.append(
                Figure(
                    "Standard deviations",
                    f"{difference.deviations:+.1f}",
                    note=f"from {short(difference.mean_months or 0)}, "
                    f"SD {difference.sd_months:.1f} months",
                )
            )
    views.metric_strip(answer)
    if difference is not None:
        compared(reading, difference)
    elif reading.settings.sex is None:
        st.markdown(
            "No sex was entered, so the answer lies between that for a girl and that for a boy."
        )
    views.error_line(reading.settings.card)
    if reading.case.origin == "Phantom":
        simulated_error(reading.settings.card)


def simulated_error(card: ModelCard) -> None:
    """What the model's error on simulated hands is, by age."""
    measured = {metric.name: metric for metric in card.metrics if "simulated" in metric.name}
    if not measured:
        return
    whole = measured.pop(next(iter(measured)))
    bands = "; ".join(
        f"{name.split(', ')[-1].removesuffix(' (months)')}: {metric.value:.0f}"
        for name, metric in measured.items()
    )
    st.caption(
        f"On simulated hands this model’s mean error is {whole.value:.1f} months (n = {whole.n})"
        + (f"; by age {bands} months." if bands else ".")
        + " How well it reads a phantom says little of real films."
    )


def _coverage(card: ModelCard) -> str:
    """How often the interval contained the truth where that was measured."""
    found = next((m for m in card.metrics if m.name.startswith("Coverage")), None)
    if found is None:
        return ""
    return f"contained the reference age in {percent(found.value)} of {found.n} {found.split} films"


def entered(sex: str | None) -> str:
    """The sex that the model was given."""
    return f"sex entered: {growth.SEXES[sex] if sex else 'none'}"


def _inside(reading: Reading, known: float) -> str:
    if not reading.is_measured:
        return ""
    return "inside the interval" if _covers(reading.found, known) else "outside the interval"


def _covers(found: BoneAge, known: float) -> bool:
    return found.low_months <= known <= found.high_months


def compared(reading: Reading, difference: Difference) -> None:
    """The difference to the calendar in words, and the chart of healthy children behind it."""
    words = difference.words
    low, high = reading.found.low_months, reading.found.high_months
    if low <= difference.age_months <= high:
        words += " The model's own interval contains the chronological age."
    st.markdown(f"{words} Not a diagnosis.")
    with st.expander("Growth chart: the answer among healthy children", icon=":material/timeline:"):
        charts.chart(
            plots.growth_chart(
                reading.settings.sex, reading.found.months, low, high, difference.age_months
            ),
            key=f"{PAGE}_growth_chart",
            alt=f"Bone age over chronological age with normal variation; {words}",
        )
        if difference.deviations is not None:
            st.caption(
                f"Healthy children of this age and sex had a mean bone age of "
                f"{years_and_months(difference.mean_months or 0)}, with a standard deviation of "
                f"{difference.sd_months:.1f} months: {difference.deviations:+.1f} is counted "
                "from there."
            )
        st.caption(f"{growth.CITATION} {growth.DISAGREEMENT}")
