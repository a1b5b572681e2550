"""What many draws did to a model's answer: figures, a table and one picture to take away."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.augment.pipeline import Catalogue, Draw, words
from core.files.write import table
from core.plots.draw import PREDICTION, TRUTH, Picture, hex_colour
from core.plots.layout import QUIET

DISCLAIMER = "Lightbox is for teaching. Not a medical device, not for diagnosis."


@dataclass(frozen=True)
class Measure:
    """A figure of a model's answer.

    Attributes:
        key, title, unit: In tables, on the screen, and of the number.
        better: "high", "low", "level": nearest to `level`, the truth; or "same": nearest to the
            answer on the original, where the truth is not known.
        limits: Of the axis, or None.
        level: A threshold to draw, or None; `level_name` is its text.
        digits: After the decimal point.
    """

    key: str
    title: str
    unit: str = ""
    better: str = "high"
    limits: tuple[float, float] | None = (0.0, 1.0)
    level: float | None = None
    level_name: str = ""
    digits: int = 2

    def words(self, value: float) -> str:
        """A value with its unit, or that there is none."""
        if not np.isfinite(value):
            return "none"
        return f"{value:.{self.digits}f}{' ' if self.unit else ''}{self.unit}"

    @property
    def axis(self) -> str:
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True)
class Trial:
    """A draw and the model's answer to it.

    Attributes:
        draw: What was applied.
        figures: The answer by `Measure.key`; NaN where there is none (the label is gone).
        flags: What the draw made false, as sentences.
        value: Of the swept parameter, where there is one.
    """

    draw: Draw
    figures: Mapping[str, float]
    flags: tuple[str, ...] = field(default=())
    value: float | None = None


def harm(measure: Measure, original: float, values: np.ndarray) -> np.ndarray:
    """How bad each answer is; higher is worse. A missing answer counts as worst."""
    if measure.better == "high":
        bad = -values
    elif measure.better == "low":
        bad = values
    else:
        truth = measure.level if measure.better == "level" else None
        bad = np.abs(values - (original if truth is None else truth))
    return np.where(np.isfinite(bad), bad, np.inf)


def best_and_worst(
    measure: Measure, original: Mapping[str, float], trials: Sequence[Trial]
) -> tuple[Trial, Trial]:
    """The least and the most changed of at least one trial.

    Where the measure knows the truth ("high", "low" or "level" is better) that is the nearest to
    it and the farthest from it. Draws that applied nothing, and those that lost the label, are
    left out where others remain.
    """
    trials = [trial for trial in trials if trial.draw.parts] or trials
    answered = [trial for trial in trials if np.isfinite(trial.figures[measure.key])] or trials
    values = np.array([trial.figures[measure.key] for trial in answered])
    bad = harm(measure, original[measure.key], values)
    return answered[int(bad.argmin())], answered[int(bad.argmax())]


def summary(measure: Measure, original: float, values: np.ndarray) -> str:
    """The distribution in a sentence."""
    found = values[np.isfinite(values)]
    gone = len(values) - len(found)
    lost = f" In {gone} the label left the image." if gone else ""
    if not len(found):
        return f"{measure.title}: no answer in any of {len(values)} draws.{lost}"
    low, middle, high = np.quantile(found, (0.05, 0.5, 0.95))
    said = measure.words
    return (
        f"{measure.title}: {said(original)} on the original; over {len(found)} draws a median of "
        f"{said(middle)}, nine in ten between {said(low)} and {said(high)}.{lost}"
    )


def distribution(
    measures: Sequence[Measure], original: Mapping[str, float], trials: Sequence[Trial]
) -> go.Figure:
    """Every draw as a dot over a box, a panel for each figure, the original as a line."""
    figure = make_subplots(1, len(measures), subplot_titles=[one.axis for one in measures])
    for column, measure in enumerate(measures, start=1):
        values = [trial.figures[measure.key] for trial in trials]
        figure.add_trace(
            go.Box(
                y=values,
                name="draws",
                boxpoints="all",
                jitter=0.5,
                pointpos=0,
                marker={"color": hex_colour(PREDICTION), "size": 7, "opacity": 0.75},
                line={"color": hex_colour(PREDICTION), "width": 1.5},
                fillcolor="rgba(86,180,233,0.12)",
                hovertext=[f"draw {trial.draw.seed}" for trial in trials],
                hovertemplate="%{hovertext}: %{y:.3f}<extra></extra>",
                showlegend=False,
            ),
            row=1,
            col=column,
        )
        _lines(figure, measure, original[measure.key], column)
        figure.update_xaxes(showticklabels=False, row=1, col=column)
        if measure.limits:
            low, high = measure.limits
            figure.update_yaxes(range=[low - 0.03, high * 1.05], row=1, col=column)
    figure.update_layout(height=340, margin={"l": 0, "r": 0, "t": 40, "b": 8})
    return figure


def _lines(figure: go.Figure, measure: Measure, original: float, column: int) -> None:
    place = {"row": 1, "col": column}
    if np.isfinite(original):
        figure.add_hline(y=original, **place, line={"color": hex_colour(TRUTH), "width": 2},
                         annotation_text="original", annotation_position="top right",
                         annotation_font_color=hex_colour(TRUTH))  # fmt: skip
    if measure.level is not None:
        figure.add_hline(y=measure.level, **place,
                         line={"color": QUIET, "width": 1.5, "dash": "longdash"},
                         annotation_text=measure.level_name,
                         annotation_position="bottom right")  # fmt: skip


def grouped(trials: Sequence[Trial], key: str) -> tuple[list[float], np.ndarray]:
    """Values of a sweep in order, and the answers at each: (V, repeats), NaN where missing."""
    values = sorted({trial.value for trial in trials if trial.value is not None})
    rows = [[t.figures[key] for t in trials if t.value == value] for value in values]
    width = max((len(row) for row in rows), default=0)
    return values, np.array([row + [np.nan] * (width - len(row)) for row in rows], float)


def sweep_curve(
    measures: Sequence[Measure],
    original: Mapping[str, float],
    trials: Sequence[Trial],
    x_title: str,
    usual: tuple[float, float] | None = None,
) -> go.Figure:
    """The answer over one parameter: mean with the span of the repeats, the usual range shaded."""
    figure = make_subplots(1, len(measures), subplot_titles=[one.axis for one in measures])
    for column, measure in enumerate(measures, start=1):
        place = {"row": 1, "col": column}
        values, answers = grouped(trials, measure.key)
        if values:
            mean, low, high = spans(answers)
            if answers.shape[1] > 1:
                figure.add_scatter(
                    x=values + values[::-1], y=[*high, *low[::-1]], fill="toself",
                    fillcolor="rgba(86,180,233,0.18)", line={"width": 0}, hoverinfo="skip",
                    showlegend=False, **place,
                )  # fmt: skip
            figure.add_scatter(
                x=values, y=mean, mode="lines+markers", showlegend=False,
                line={"color": hex_colour(PREDICTION), "width": 2.5}, marker={"size": 7},
                hovertemplate="%{x:g}: %{y:.3f}<extra></extra>", **place,
            )  # fmt: skip
        _lines(figure, measure, original[measure.key], column)
        if usual is not None:
            figure.add_vrect(x0=usual[0], x1=usual[1], fillcolor=QUIET, opacity=0.15,
                             line_width=0, **place)  # fmt: skip
        figure.update_xaxes(title=x_title, **place)
        if measure.limits:
            low_end, high_end = measure.limits
            figure.update_yaxes(range=[low_end - 0.03, high_end * 1.05], **place)
    figure.update_layout(height=380, margin={"l": 0, "r": 0, "t": 40, "b": 0})
    return figure


def spans(answers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, least and greatest of each row; NaN where a row has no answer."""
    some = np.isfinite(answers).any(axis=1)
    found = np.full((3, len(answers)), np.nan)
    if some.any():
        kept = answers[some]
        found[:, some] = np.nanmean(kept, 1), np.nanmin(kept, 1), np.nanmax(kept, 1)
    return found[0], found[1], found[2]


def rows(
    measures: Sequence[Measure],
    original: Mapping[str, float],
    trials: Sequence[Trial],
    catalogue: Catalogue,
) -> list[dict[str, Any]]:
    """One row a trial, the original first."""
    found: list[dict[str, Any]] = [{"draw": "original", **_rounded(measures, original)}]
    for trial in trials:
        row: dict[str, Any] = {"draw": str(trial.draw.seed)}
        if trial.value is not None:
            row["value"] = trial.value
        row |= _rounded(measures, trial.figures)
        row["applied"] = "; ".join(words(part, catalogue) for part in trial.draw.parts) or "nothing"
        row["flags"] = " ".join(trial.flags)
        found.append(row)
    return found


def _rounded(measures: Sequence[Measure], figures: Mapping[str, float]) -> dict[str, Any]:
    return {
        one.key: round(figures[one.key], 4) if np.isfinite(figures[one.key]) else None
        for one in measures
    }


def csv(found: Sequence[dict[str, Any]], about: str) -> bytes:
    """The rows as CSV, with a last line that says what they are of."""
    return table(found, ("draw",)) + f"# {about} {DISCLAIMER}\n".encode()


def png(
    title: str,
    measures: Sequence[Measure],
    original: Mapping[str, float],
    trials: Sequence[Trial],
    pictures: Sequence[tuple[str, Picture]],
    x_title: str = "",
) -> bytes:
    """The report as one picture: examples above, distribution or curve below."""
    from matplotlib.figure import Figure  # without pyplot, which keeps state

    figure = Figure(figsize=(11, 8.2 if pictures else 4.6), dpi=120, layout="constrained")
    figure.suptitle(title, fontsize=12)
    ratios = [1.25, 1] if pictures else [1]
    parts = figure.subfigures(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
    if pictures:
        shown = parts[0].subplots(1, len(pictures), squeeze=False)[0]
        for axes, (name, picture) in zip(shown, pictures, strict=True):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
            axes.set_title(name, fontsize=9)
            axes.axis("off")
    plots = parts[-1].subplots(1, len(measures), squeeze=False)[0]
    for axes, measure in zip(plots, measures, strict=True):
        blue, orange = hex_colour(PREDICTION), hex_colour(TRUTH)
        if x_title:
            values, answers = grouped(trials, measure.key)
            if values:
                mean, low, high = spans(answers)
                axes.fill_between(values, low, high, color=blue, alpha=0.25, linewidth=0)
                axes.plot(values, mean, "o-", color=blue, markersize=4)
            axes.set_xlabel(x_title)
        else:
            values = [trial.figures[measure.key] for trial in trials]
            axes.hist([v for v in values if np.isfinite(v)], bins=12, color=blue)
            axes.set_xlabel(measure.axis)
            axes.set_ylabel("draws")
        if np.isfinite(original[measure.key]):
            line = axes.axhline if x_title else axes.axvline
            line(original[measure.key], color=orange, linestyle="--", label="original")
            axes.legend(fontsize=8)
        axes.set_title(measure.axis, fontsize=9)
    figure.text(0.005, 0.003, DISCLAIMER, fontsize=7, color="#555555")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
