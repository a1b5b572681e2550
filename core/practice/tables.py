"""Results as tables: of readings, cases, changes and agreement."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from core.metrics.estimates import (
    Estimate,
    cohen_kappa,
    fleiss_kappa,
    running_mean,
)
from core.percent import percent
from core.practice.answers import (
    Answer,
    BoneAgeAnswer,
    ChestAnswer,
    FractureAnswer,
    HeadAnswer,
    answer_mapping,
)
from core.practice.change import changes, count
from core.practice.judging import judge
from core.practice.readings import Reading, packed
from core.practice.results import Answers, Results, against_model, findings_of
from core.practice.sources import case_key, source_mapping
from core.practice.truths import truth_mapping


def reading_row(one: Reading) -> dict[str, Any]:
    """One reading by column name; answer, truth and source as JSON."""
    return {
        "reader": one.reader,
        "series": one.series,
        "task": one.task,
        "case": one.case,
        "round": one.round,
        "model_shown": one.model,
        "right": one.verdict.right,
        **{name: _rounded(value) for name, value in one.verdict.measures.items()},
        "confidence": one.answer.confidence,
        "seconds": round(one.seconds, 1),
        "kept_at": one.kept_at,
        "answer": packed(answer_mapping(one.answer)),
        "truth": packed(truth_mapping(one.truth)),
        "source": packed(source_mapping(one.source)),
        "digest": one.digest,
    }


def against_model_table(results: Results, finding: str | None = None) -> pd.DataFrame:
    """Area under each reader's curve minus the model's on the same cases, with DeLong's p."""
    rows = []
    for one in results.readers if results.model else ():
        found = against_model(one, results.model, finding) if results.model else None
        if found is not None:
            rows.append(
                {
                    "reader": one.label,
                    "reader_auc": found.first,
                    "model_auc": found.second,
                    "difference": found.difference.value,
                    "low": found.difference.low,
                    "high": found.difference.high,
                    "p": found.p,
                    "cases": found.difference.n,
                }
            )
    return pd.DataFrame(rows)


def cases_table(results: Results, round: int = 1) -> pd.DataFrame:
    """The cases that were read, those that most got wrong first.

    Columns: case (key), number (in the series, from 1), readers, wrong, share_wrong, model_right
    (None where unknown), median_seconds.
    """
    own = [one for one in results.readers if one.round == round]
    verdicts = {one.name: one.verdicts for one in own}
    rows: list[dict[str, Any]] = []
    for number, source in enumerate(results.series.cases, start=1):
        key = case_key(results.series.task, source)
        read = [one for one in own if key in one.answers]
        if not read:
            continue
        wrong = sum(not verdicts[one.name][key].right for one in read)
        said = results.model.answers.get(key) if results.model else None
        rows.append(
            {
                "case": key,
                "number": number,
                "readers": len(read),
                "wrong": wrong,
                "share_wrong": wrong / len(read),
                "model_right": None if said is None else judge(said, read[0].truths[key]).right,
                "median_seconds": float(np.median([one.seconds[key] for one in read])),
            }
        )
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    return table.sort_values(["share_wrong", "number"], ascending=[False, True], ignore_index=True)


def change_table(results: Results) -> pd.DataFrame:
    """What seeing the model did, by reader (`core.practice.change`)."""
    rows = []
    for second in results.readers:
        first = results.of(second.name) if second.round == 2 else None
        if first is not None:
            found = changes(first, second, results.model)
            # The first case of each kind, which a click on its bar opens.
            cases = {f"{one.kind.replace(' ', '_')}_case": one.case for one in reversed(found)}
            rows.append({"reader": second.name, **vars(count(found)), **cases})
    return pd.DataFrame(rows)


def learning_table(results: Results, window: int = 10) -> pd.DataFrame:
    """Readings in order: reader, n (from 1), case, right, running (share right of the last
    `window`), error (months, bone age only), running_error (mean absolute), seconds."""
    parts = []
    for one in results.readers:
        if one.round != 1:
            continue
        verdicts = one.verdicts
        right = np.array([verdict.right for verdict in verdicts.values()], float)
        errors = [verdict.measures.get("error_months", math.nan) for verdict in verdicts.values()]
        parts.append(
            pd.DataFrame(
                {
                    "reader": one.name,
                    "n": np.arange(1, len(right) + 1),
                    "case": list(verdicts),
                    "right": right.astype(bool),
                    "running": running_mean(right, window),
                    "error": errors,
                    "running_error": running_mean(np.abs(errors), window),
                    "seconds": [one.seconds[key] for key in verdicts],
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def agreement_table(results: Results, round: int = 1) -> pd.DataFrame:
    """Kappa of every two readers on the cases that both read, then of all on those all read.

    Columns: what (the chest finding; "" otherwise), readers, statistic, kappa, cases. Bone ages
    are no categories and have no rows.
    """
    own = [one for one in results.readers if one.round == round and one.answers]
    topics: Sequence[str] = [""]
    if results.series.task == "chest":
        topics = tuple(dict.fromkeys(name for one in own for name in findings_of(one)))
    elif results.series.task == "bone_age":
        topics = ()
    rows = []
    for topic in topics:
        for first, second in combinations(own, 2):
            shared = [key for key in first.answers if key in second.answers]
            kappa = cohen_kappa(
                _categories(first, shared, topic), _categories(second, shared, topic)
            )
            names = f"{first.name} and {second.name}"
            rows.append((topic, names, "Cohen's kappa", kappa, len(shared)))
        if len(own) > 2:
            shared = [key for key in own[0].answers if all(key in one.answers for one in own)]
            table = np.array([_categories(one, shared, topic) for one in own])
            kinds = np.unique(table)
            counts = (table[None] == kinds[:, None, None]).sum(axis=1).T
            rows.append((topic, "all", "Fleiss' kappa", fleiss_kappa(counts), len(shared)))
    return pd.DataFrame(rows, columns=["what", "readers", "statistic", "kappa", "cases"])


def answer_words(answer: Answer) -> str:
    """An answer in a few words, for a table or a tooltip."""
    if isinstance(answer, FractureAnswer):
        n = len(answer.boxes_xyxy)
        said = f"fracture, {n} box{'es' if n > 1 else ''}" if n else "no fracture"
    elif isinstance(answer, BoneAgeAnswer):
        years, months = divmod(round(answer.months), 12)
        said = f"{years} years {months} months"
    elif isinstance(answer, ChestAnswer):
        said = ", ".join(name.replace("_", " ") for name in answer.findings) or "no finding"
        if answer.ctr is not None:
            said += f", CTR {answer.ctr:.2f}"
    else:
        said = f"mask {answer.side}"
    if isinstance(answer, FractureAnswer) and answer.probability is not None:
        return f"{said} (probability {percent(answer.probability)})"
    return said


def worded(figure: str, estimate: Estimate) -> str:
    """A figure with its interval as text: shares as percent, others with one or two digits."""
    if math.isnan(estimate.value):
        return "–"
    if "(months)" in figure or "(s)" in figure:
        form: Callable[[float], str] = "{:.1f}".format
    elif figure in ("AUC", "false boxes per film") or figure.startswith("CTR"):
        form = "{:.2f}".format
    else:
        form = percent
    if math.isnan(estimate.low):
        return form(estimate.value)
    return f"{form(estimate.value)} ({form(estimate.low)} to {form(estimate.high)})"


def _categories(one: Answers, keys: Sequence[str], topic: str) -> list[str]:
    return [_category(one.answers[key], topic) for key in keys]


def _category(answer: Answer, topic: str) -> str:
    if isinstance(answer, ChestAnswer):
        return str(topic in answer.findings)
    if isinstance(answer, HeadAnswer):
        return answer.side
    return str(getattr(answer, "present", ""))


def _rounded(value: float) -> float:
    return round(float(value), 4)
