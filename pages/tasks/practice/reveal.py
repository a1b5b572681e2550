"""The reveal: truth dashed, model solid, the reader's own dotted; and what each got right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from core.practice.answers import Answer
from core.practice.cases import Case
from core.practice.judging import RULES, Verdict, judge
from core.practice.readings import Reading
from pages.tasks.practice.questions import OF_TASK
from pages.tasks.practice.questions.shared import NAMES, Seat

LINES = "Truth is dashed, the model solid, yours dotted; each has its word beside it."


def show(case: Case, seat: Seat, readings: Sequence[Reading], model: Answer | None) -> None:
    """The film with all answers, and beside it what each said, whether it is right, and the time.

    Args:
        readings: Those of one reader to this case; empty where there are none.
    """
    question = OF_TASK[case.task]
    answers: dict[str, Answer] = {}
    seconds: dict[str, float] = {}
    for one in readings:
        who = "first" if one.round == 1 else "final"
        answers[who], seconds[who] = one.answer, one.seconds
    if model is not None:
        answers["model"] = model
    question.reveal(case, seat, answers)
    with seat.right:
        rows = [("Truth", question.truth_in_words(case), "", "")]
        for who, name in NAMES.items():
            if who in answers:
                verdict = judge(answers[who], case.truth)
                time = f"{seconds[who]:.0f} s" if who in seconds else ""
                said = question.in_words(answers[who])
                rows.append((name, said, verdict_in_words(verdict), time))
        st.table(pd.DataFrame(rows, columns=["", "answer", "verdict", "time"]).set_index(""))
        if readings and any(one.digest != case.image.digest for one in readings):
            st.warning(
                "The image of this case is not the one that was read: this version of Lightbox "
                "simulates the phantom differently, or the file was changed. The verdicts of "
                "Results are those of the image that was read.",
                icon=":material/difference:",
            )
        st.caption(f"{LINES} {RULES[case.task]}" if case.task != "bone_age" else RULES[case.task])
        if case.credit:
            st.caption(case.credit)
        for one in readings[-1:]:
            at = datetime.fromisoformat(one.kept_at).astimezone()
            st.caption(f"Kept on {at:%d %B %Y at %H:%M:%S}.")


COUNTED = {
    "hits": ("hit", "hits"),
    "misses": ("missed", "missed"),
    "false_boxes": ("false box", "false boxes"),
    "named": ("named", "named"),
    "missed": ("missed", "missed"),
    "false": ("false", "false"),
}


def verdict_in_words(verdict: Verdict) -> str:
    """Right or wrong, and by how much; what did not occur is left out."""
    m = verdict.measures
    parts = [
        f"{m[name]:.0f} {one if m[name] == 1 else several}"
        for name, (one, several) in COUNTED.items()
        if m.get(name)
    ]
    if "error_months" in m:
        parts.append(f"{m['error_months']:+.0f} months")
    if "ctr_error" in m:
        parts.append(f"CTR {m['ctr_error']:+.2f}")
    if "spot_found" in m:
        parts.append("spot found" if m["spot_found"] else f"spot off by {m['spot_mm']:.0f} mm")
    said = "✓ right" if verdict.right else "✗ wrong"
    return said + (f": {', '.join(parts)}" if parts else "")
