"""Two thresholds of the fracture detector on the same films, and the paired difference."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.metrics.detection import (
    MatchedImage,
    found_and_false,
    precision_recall,
    threshold_difference,
)
from core.metrics.estimates import Estimate
from core.percent import percent
from pages.shared.address import KEPT
from pages.tasks.evaluation.shared import KEY


def second() -> float | None:
    """The sidebar's second threshold, or None where none is asked for."""
    with st.sidebar:
        if not st.toggle("Compare with a second threshold", key=f"{KEY}_two", **KEPT):
            return None
        return float(
            st.slider("Second threshold", 0.01, 0.90, 0.40, 0.01, key=f"{KEY}_threshold_2", **KEPT)
        )


def compare(question: str, matched: list[MatchedImage], first: float, other: float) -> pd.DataFrame:
    """Fractures found and films with a false box at both, and what the second changes."""
    st.markdown("##### Two thresholds on the same films")
    found, false = _difference(question, matched, first, other)
    shares = [
        (
            precision_recall(matched, threshold)[1],
            float(found_and_false(matched, threshold)[1].mean()),
        )
        for threshold in (first, other)
    ]
    columns: dict[str, Sequence[object]] = {
        "": (f"fractures found (of {found.n})", f"films with a false box (of {false.n})")
    }
    for threshold, some in zip(
        (f"first, {first:.2f}", f"second, {other:.2f}"), shares, strict=True
    ):
        columns[threshold] = ["–" if math.isnan(one) else percent(one) for one in some]
    columns["difference (points)"] = [_points(one.value) for one in (found, false)]
    columns["95 % interval"] = [
        f"{_points(one.low)} to {_points(one.high)}" for one in (found, false)
    ]
    columns["verdict"] = [_verdict(one) for one in (found, false)]
    table = pd.DataFrame(columns)
    st.dataframe(table, hide_index=True, alt="Both thresholds and their paired difference.")
    st.caption(
        "Difference: second minus first, in percentage points, on the same films; interval by "
        "bootstrap over films."
    )
    return table


@st.cache_data(max_entries=16, show_spinner="Bootstrapping the difference …")
def _difference(
    question: str, _matched: list[MatchedImage], first: float, other: float
) -> tuple[Estimate, Estimate]:
    return threshold_difference(_matched, first, other)


def _points(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:+.1f}"


def _verdict(one: Estimate) -> str:
    if one.low == one.high == 0:
        return "the same"
    return "more" if one.low > 0 else "fewer" if one.high < 0 else "cannot be decided"
