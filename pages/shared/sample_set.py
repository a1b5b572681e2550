"""All real samples at once: what they weigh, on which terms, and one button that fetches them."""

from __future__ import annotations

import streamlit as st

from core.errors import DownloadError
from core.samples import Sample, fetch, is_cached, samples
from pages.shared import background

KEY = "home_samples"


def offer() -> None:
    """Say what there is, fetch it on a click with progress, and go on where it broke off."""
    rows = samples()
    missing = [row for row in rows if not is_cached(row)]
    if not missing:
        st.caption(f"All {len(rows)} real samples are on this computer: pages open on a real case.")
        return
    known = sum(bool(row.truth) for row in rows)
    st.markdown(
        f"**{len(rows)} real cases**, {known} of them with their truth, {_megabytes(rows)}, "
        f"{len(rows) - len(missing)} of them on this computer. They are downloaded from their "
        "publishers’ servers, checked by SHA-256 and kept on this computer."
    )
    with st.expander("Licences", icon=":material/gavel:"):
        for licence in sorted({row.licence for row in rows}):
            count = sum(row.licence == licence for row in rows)
            st.markdown(f"- {licence}: {count} image{'' if count == 1 else 's'}")
    st.button(
        f"Fetch all real samples ({_megabytes(missing)})",
        key=f"{KEY}_fetch",
        icon=":material/download:",
        on_click=_ask,
    )
    if not st.session_state.get(KEY):
        return
    problems = background.result(KEY, st.session_state[KEY], lambda run: _fetched(missing, run))
    if problems is None:
        return
    for problem in problems:
        st.error(problem, icon=":material/error:")
    if not problems:
        st.rerun()  # nothing is missing any more


def _ask() -> None:
    """Begin, or begin again with what is still missing."""
    st.session_state[KEY] = st.session_state.get(KEY, 0) + 1


def _fetched(missing: list[Sample], run: background.Run[list[str]]) -> list[str]:
    """Fetch one after the other; sentences for those that did not come, each said once."""
    problems: dict[str, None] = {}
    total = sum(row.bytes for row in missing)
    done = 0
    for row in missing:
        before = done / total
        share = row.bytes / total

        def arrived(part: float, what: str, before: float = before, share: float = share) -> None:
            run.report(before + share * min(part, 1.0), what)

        try:
            fetch(row, progress=arrived)
        except DownloadError as err:
            problems[str(err)] = None
        done += row.bytes
    return list(problems)


def _megabytes(rows: list[Sample] | tuple[Sample, ...]) -> str:
    return f"{sum(row.bytes for row in rows) / 1e6:.1f} MB"
