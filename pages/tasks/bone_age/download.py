"""The answer to take away: a table, the steps on one sheet, and a one-page report."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import streamlit as st

from core import report as reports
from core.bone_age import growth, overlays
from core.bone_age.growth import short, signed, years_and_months
from core.files import write as exports
from core.plots import draw
from pages.shared import views
from pages.shared.inputs import Case
from pages.shared.views import Download
from pages.tasks.bone_age.sidebar import PAGE
from pages.tasks.bone_age.views import Reading, entered, picture


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
        words = "Where the networks looked (attention)"
        pictures.append((words, draw.scaled(overlay, factor)))
    lines = [f"{entered(reading.settings.sex).capitalize()}."]
    if reading.known_months is not None:
        lines.append(f"Reference age: {years_and_months(reading.known_months)}.")
    sources = list(card.citations)
    if difference is not None:
        lines.append(f"Chronological age: {years_and_months(difference.age_months)}.")
        if difference.deviations is not None:
            lines.append(
                f"Difference {signed(difference.months)}; {difference.deviations:+.1f} standard "
                f"deviations of {difference.sd_months:.1f} months from the mean bone age "
                f"{short(difference.mean_months or 0)} of healthy children of that age and sex."
            )
        lines.append(difference.words)
        sources += [growth.CITATION, growth.DISAGREEMENT]
    # Those by sex and age stand on the card; here they would not leave it one page.
    main = [m.sentence for m in card.metrics if ", " not in m.name and m.split != "val"]
    facts = (
        ("Model", card.title),
        ("Purpose", card.purpose),
        ("Network", f"{card.architecture} ({card.framework})"),
        ("Licence", card.licence),
        ("Weights", f"{card.file}, SHA-256 {card.sha256}"),
    )
    return reports.page(
        "Bone age from a hand radiograph",
        reading.case.words,
        answer=f"{years_and_months(found.months)} (90 % interval {reading.interval})",
        lines=lines,
        pictures=pictures,
        parts=[
            ("The model", reports.table(facts)),
            ("How good it is", reports.bullets(main)),
            ("Where it fails", reports.bullets(card.limitations)),
            ("Sources", reports.bullets(sources)),
        ],
    )


def show(reading: Reading) -> None:
    """The answer as table, step gallery and one-page report."""
    name = exports.stem(PurePath(_title(reading.case)).stem)
    views.downloads(
        PAGE,
        [
            Download("Report (HTML)", f"{name}_report.html", lambda: report(reading)),
            Download("Table (CSV)", f"{name}.csv", lambda: exports.table([row(reading)])),
            Download(
                "Step gallery (PNG)",
                f"{name}_steps.png",
                lambda: exports.png(overlays.sheet(reading.found.steps)),
            ),
        ],
    )
    st.caption(
        "The report is one page and opens in any browser, from which it can be printed or kept "
        "as PDF. Nothing from a DICOM header enters a file; the chronological age does, if given."
    )
