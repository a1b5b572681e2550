"""What is missing, contradictory, damaged or there twice, with a count and the files."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.dataset_folders.problems import WORDS
from pages.shared import views
from pages.shared.views import Download
from pages.tasks.datasets import browser
from pages.tasks.datasets.folder import KEY, Opened

MOST_SHOWN = 6


def show(opened: Opened) -> None:
    """The list of problems; one of them open with its files and pictures."""
    if not opened.problems:
        checked = " ".join(WORDS.values())
        st.success(f"Nothing was found. Looked for: {checked}", icon=":material/check_circle:")
        return
    table = pd.DataFrame(
        {
            "problem": [problem.kind for problem in opened.problems],
            "files": [len(problem.files) for problem in opened.problems],
            "what it means": [WORDS[problem.kind] for problem in opened.problems],
        }
    )
    st.dataframe(table, hide_index=True, alt="Problems of the data set with their counts.")
    by_kind = {problem.kind: problem for problem in opened.problems}
    kind = st.selectbox("Files of", list(by_kind), key=f"{KEY}_problem")
    files = by_kind[kind].files
    known = [name for name in files if name in opened.dataset.rows.index]
    columns = st.columns(MOST_SHOWN)
    for below, column in zip(known[:MOST_SHOWN], columns, strict=False):
        with column:
            browser.tile(opened, below)
    listing = pd.DataFrame({"file": list(files)})
    if "unreadable" in opened.scanned:
        why = listing["file"].map(opened.scanned["unreadable"]).fillna("")
        if (why != "").any():
            listing["why"] = why
    st.dataframe(
        listing,
        hide_index=True,
        height=300 if len(listing) > 7 else "content",
        alt=f"Files: {kind}.",
    )
    name = f"{opened.dataset.listing.root.name}_problems.csv"
    views.download(f"{KEY}_problems", Download("All problems (CSV)", name, _all(opened)))


def _all(opened: Opened) -> bytes:
    rows = [(problem.kind, file) for problem in opened.problems for file in problem.files]
    return pd.DataFrame(rows, columns=["problem", "file"]).to_csv(index=False).encode()
