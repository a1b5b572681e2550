"""The bone-age page's main column: viewer, answer, growth chart, downloads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Any

import streamlit as st

from core.bone_age import growth
from core.bone_age import overlays as bone_age_marks
from core.bone_age import plots as bone_age_figures
from core.bone_age import report as bone_age_report
from core.bone_age.growth import Difference, short, years_and_months
from core.bone_age.result import BoneAge
from core.files import write as exports
from core.images import FloatArray, Radiograph
from core.plots import draw
from core.plots import viewer as figures
from pages.shared import inputs, views
from pages.shared.inputs import Case
from pages.shared.views import Download, Figure
from pages.tasks.bone_age import loaders as bone_age_loaders
from pages.tasks.bone_age.sidebar import PAGE, SEX_NAMES, Settings


@dataclass(frozen=True, eq=False)
class Reading:
    """One hand film as the page shows it."""

    case: Case
    found: BoneAge
    heat: FloatArray | None
    settings: Settings

    @property
    def image(self) -> Radiograph:
        return self.case.image

    @property
    def known_months(self) -> float | None:
        return bone_age_loaders.known_months(self.case)

    @property
    def difference(self) -> Difference | None:
        """Against the calendar, where an age was given."""
        if self.settings.age_months is None:
            return None
        return growth.compare(self.found.months, self.settings.age_months, self.settings.sex)

    @property
    def interval(self) -> str:
        return f"{short(self.found.low_months)} to {short(self.found.high_months)}"


def read(case: Case, settings: Settings) -> Reading:
    """The chosen model's answer to a case; only the first run of a film runs the network.

    Raises:
        WeightsError: If weights are missing or not those of the card.
        ImagingError: If a step could not do its work.
    """
    found = bone_age_loaders.estimate(settings.card, case.image, settings.sex)
    heat = None
    if settings.looked:
        heat = bone_age_loaders.grad_cam(settings.card, case.image, settings.sex)
    st.session_state[f"{PAGE}_read"] = _now(case, settings)
    return Reading(case, found, heat, settings)


def was_read(case: Case, settings: Settings) -> bool:
    """Whether the answer to this film is at hand, so that nobody has to wait."""
    return st.session_state.get(f"{PAGE}_read") == _now(case, settings)


def _now(case: Case, settings: Settings) -> tuple[str, str, str | None]:
    return case.image.digest, settings.card.sha256, settings.sex


def picture(case: Case, settings: Settings) -> draw.Picture:
    """The radiograph through the display window."""
    window = settings.display
    return draw.windowed(case.image.pixels, window.level, window.width, invert=window.invert)


def film(case: Case, settings: Settings, title: str) -> None:
    """The film alone, without an answer."""
    shown = picture(case, settings)
    views.film(
        figures.viewer(
            [figures.Panel(title, shown)],
            spacing_mm=case.image.spacing_mm,
            laterality=case.image.laterality,
        ),
        key=f"{PAGE}_alone",
        aspect=2 * shown.shape[1] / shown.shape[0],  # as large as beside a second panel
        alt=f"{case.words}, without an answer.",
        stage=True,
    )
    views.known_of(case.image, case.words)


def verdict(reading: Reading) -> None:
    """The answer in one line."""
    months = years_and_months(reading.found.months)
    views.verdict(f"**Bone age {months}** (90 %: {reading.interval})")


def viewer(reading: Reading) -> None:
    """The film, and beside it what moved the model's answer, with linked zoom."""
    shown = picture(reading.case, reading.settings)
    heat = reading.heat
    panels = [figures.Panel("Film", shown)]
    if heat is not None:
        panels.append(figures.Panel("What moved the answer (Grad-CAM)", shown, (), heat))
    views.film(
        figures.viewer(
            panels,
            spacing_mm=reading.image.spacing_mm,
            laterality=reading.image.laterality,
            revision=f"{reading.image.digest}{len(panels)}",
        ),
        key=f"{PAGE}_viewer",
        aspect=2 * shown.shape[1] / shown.shape[0],
        alt=f"{reading.case.words}; bone age {years_and_months(reading.found.months)}"
        + (", beside it Grad-CAM." if len(panels) > 1 else "."),
        stage=True,
        on_step=partial(inputs.step, PAGE),
    )
    views.known_of(reading.image, reading.case.words)


def strip(reading: Reading) -> None:
    """The answer in figures, then in words, then how far to trust it."""
    found, difference, known = reading.found, reading.difference, reading.known_months
    answer = [
        Figure(
            "Bone age",
            years_and_months(found.months),
            note=f"{found.months:.0f} months, told: {_told(reading.settings.sex)}",
        ),
        Figure("90 % interval", reading.interval, note="covered 9 of 10 films"),
    ]
    if known is not None:
        answer += [
            Figure(
                "Known bone age",
                years_and_months(known),
                note="drawn" if reading.case.origin == "Phantom" else "mean of readers",
            ),
            Figure("Error", f"{found.months - known:+.0f} months", note=_inside(found, known)),
        ]
    if difference is not None:
        answer += [
            Figure("Chronological age", years_and_months(difference.age_months)),
            Figure("Difference", f"{difference.months:+.0f} months", note="bone minus calendar"),
        ]
        if difference.deviations is not None:
            answer.append(
                Figure(
                    "Standard deviations",
                    f"{difference.deviations:+.1f}",
                    note=f"one is {difference.sd_months:.1f} months here",
                )
            )
    views.metric_strip(answer)
    if difference is not None:
        compared(reading, difference)
    elif reading.settings.sex is None:
        st.markdown(
            "The model was not told the sex, so its answer lies between that for a girl and that "
            "for a boy."
        )
    views.error_line(reading.settings.card)


def _told(sex: str | None) -> str:
    return SEX_NAMES[sex].lower() if sex else "sex unknown"


def _inside(found: BoneAge, known: float) -> str:
    return "inside the interval" if _covers(found, known) else "outside the interval"


def _covers(found: BoneAge, known: float) -> bool:
    return found.low_months <= known <= found.high_months


def compared(reading: Reading, difference: Difference) -> None:
    """The difference to the calendar in words, and the chart of healthy children behind it."""
    words = difference.words
    low, high = reading.found.low_months, reading.found.high_months
    if low <= difference.age_months <= high:
        words += " The model's own interval holds the chronological age."
    st.markdown(f"{words} This is no diagnosis.")
    with st.expander("Growth chart: the answer among healthy children", icon=":material/timeline:"):
        st.plotly_chart(
            bone_age_figures.growth_chart(
                reading.settings.sex, reading.found.months, low, high, difference.age_months
            ),
            key=f"{PAGE}_growth_chart",
            alt=f"Bone age over chronological age with normal variation; {words}",
        )
        from_mean = difference.deviations_from_mean
        if from_mean is not None:
            st.caption(
                f"Healthy children of this age and sex had a mean bone age of "
                f"{years_and_months(difference.mean_months or 0)}; counted from there the answer "
                f"lies {from_mean:+.1f} standard deviations away."
            )
        st.caption(f"{growth.CITATION} {growth.DISAGREEMENT}")


def row(reading: Reading) -> dict[str, Any]:
    """The answer by column name, as in the CSV file."""
    found, difference, known = reading.found, reading.difference, reading.known_months
    columns: dict[str, Any] = {
        "file": _title(reading.case),
        "sex": reading.settings.sex or "",
        "bone_age_months": round(found.months, 1),
        "low_months": round(found.low_months, 1),
        "high_months": round(found.high_months, 1),
        "bone_age": years_and_months(found.months),
        "model": found.model,
    }
    if known is not None:
        columns |= {"known_months": known, "error_months": round(found.months - known, 1)}
    if difference is not None:
        columns |= {
            "chronological_months": difference.age_months,
            "difference_months": round(difference.months, 1),
        }
        if difference.deviations is not None:
            columns["standard_deviations"] = round(difference.deviations, 2)
    return columns


def _title(case: Case) -> str:
    return case.words if case.origin == "Upload" else case.image.title


def report(reading: Reading) -> bytes:
    """The one-page report: film, answer, interval, model card, disclaimer."""
    found, card, difference = reading.found, reading.settings.card, reading.difference
    shown = picture(reading.case, reading.settings)
    factor = min(1.0, 1000 / max(shown.shape))
    pictures = [("The film", draw.scaled(shown, factor))]
    if reading.heat is not None:
        overlay = draw.with_heat(shown, reading.heat, 0.6)
        pictures.append(("What moved the answer (Grad-CAM)", draw.scaled(overlay, factor)))
    lines = [f"The model was told: {_told(reading.settings.sex)}."]
    if reading.known_months is not None:
        lines.append(f"Known bone age: {years_and_months(reading.known_months)}.")
    sources = list(card.citations)
    if difference is not None:
        lines.append(f"Chronological age: {years_and_months(difference.age_months)}.")
        if difference.deviations is not None:
            lines.append(
                f"Difference {difference.months:+.0f} months, {difference.deviations:+.1f} "
                f"standard deviations of {difference.sd_months:.1f} months."
            )
        lines.append(difference.words)
        sources += [growth.CITATION, growth.DISAGREEMENT]
    return bone_age_report.html(
        reading.case.words,
        f"{years_and_months(found.months)} (90 % interval {reading.interval})",
        lines,
        pictures,
        {
            "Model": card.title,
            "Purpose": card.purpose,
            "Network": f"{card.architecture} ({card.framework})",
            "Licence": card.licence,
            "Weights": f"{card.file}, SHA-256 {card.sha256}",
        },
        [metric.sentence for metric in card.metrics],
        card.limitations,
        sources,
    )


def download(reading: Reading) -> None:
    """The answer as table, step gallery and one-page report."""
    name = exports.stem(PurePath(_title(reading.case)).stem)
    views.downloads(
        PAGE,
        [
            Download("Report (HTML)", f"{name}_report.html", "text/html", lambda: report(reading)),
            Download(
                "Table (CSV)", f"{name}.csv", "text/csv", lambda: exports.table([row(reading)])
            ),
            Download(
                "Step gallery (PNG)",
                f"{name}_steps.png",
                "image/png",
                lambda: exports.png(bone_age_marks.sheet(reading.found.steps)),
            ),
        ],
    )
    st.caption(
        "The report is one page and opens in any browser, from which it can be printed or kept "
        "as PDF. Nothing from a DICOM header enters a file; the chronological age does, if given."
    )
