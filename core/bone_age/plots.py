"""Plots of the bone-age page: growth chart, a phantom's childhood, agreement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.bone_age.growth import BRUSH, SEXES, years_and_months
from core.images import FloatArray
from core.plots.draw import PREDICTION, TRUTH, hex_colour
from core.plots.layout import QUIET, add_equality, laid_out


def growth_chart(
    sex: str | None, months: float, low_months: float, high_months: float, age_months: float | None
) -> go.Figure:
    """The answer among healthy children's bone ages: mean and one and two deviations by age.

    Args:
        sex: "F" or "M"; with None the chart holds the line of equal ages only.
        months: Bone age with its interval from `low_months` to `high_months`.
        age_months: Chronological age, or None: then the answer is a level line.
    """
    figure = go.Figure()
    reference = BRUSH.get(sex or "")
    if reference is not None:
        ages = np.array(reference.age_months) / 12
        mean, sd = np.array(reference.mean_months) / 12, np.array(reference.sd_months) / 12
        for count, shade in ((2, 0.16), (1, 0.24)):
            figure.add_scatter(
                x=np.concatenate([ages, ages[::-1]]),
                y=np.concatenate([mean + count * sd, (mean - count * sd)[::-1]]),
                fill="toself",
                fillcolor=f"rgba(138,145,151,{shade})",
                line={"width": 0},
                hoverinfo="skip",
                name=f"{SEXES[sex or '']}s, ± {count} standard deviation{'s' if count > 1 else ''}",
            )
        figure.add_scatter(
            x=ages,
            y=mean,
            mode="lines",
            line={"color": QUIET, "dash": "dash", "width": 2},
            name="their mean (dashed)",
            hovertemplate="at %{x:.1f} years: mean bone age %{y:.1f} years<extra></extra>",
        )
    else:
        figure.add_scatter(
            x=[0, 19],
            y=[0, 19],
            mode="lines",
            line={"color": QUIET, "dash": "dash", "width": 2},
            name="equal ages (dashed)",
            hoverinfo="skip",
        )
    colour = hex_colour(PREDICTION)
    if age_months is None:
        figure.add_hrect(
            low_months / 12, high_months / 12, fillcolor=colour, opacity=0.15, line_width=0
        )
        figure.add_hline(
            months / 12,
            line={"color": colour, "width": 2.5},
            annotation_text=f"bone age {years_and_months(months)}",
        )
    else:
        figure.add_scatter(
            x=[age_months / 12],
            y=[months / 12],
            error_y={
                "array": [(high_months - months) / 12],
                "arrayminus": [(months - low_months) / 12],
                "color": colour,
                "thickness": 2,
            },
            mode="markers",
            marker={"color": colour, "size": 13, "symbol": "diamond"},
            name="this film, with its interval",
            hovertemplate="age %{x:.1f}, bone age %{y:.1f} years<extra></extra>",
        )
    laid_out(figure, 420, "chronological age (years)", "bone age (years)", top=40)
    figure.update_xaxes(range=[0, 19.5], dtick=2)
    return figure.update_yaxes(range=[0, 19.5], dtick=2)


def sweep(
    age_months: Sequence[float],
    months: Sequence[float],
    low_months: Sequence[float],
    high_months: Sequence[float],
    chosen_months: float | None = None,
) -> go.Figure:
    """The model's answer to one phantom as it grows, over its simulated age.

    Args:
        age_months: (A,) simulated ages, rising.
        months, low_months, high_months: (A,) answers with their intervals.
        chosen_months: Age of the phantom on screen, marked by a level line.
    """
    figure = go.Figure()
    ages = np.asarray(age_months) / 12
    figure.add_scatter(
        x=np.concatenate([ages, ages[::-1]]),
        y=np.concatenate([np.asarray(high_months), np.asarray(low_months)[::-1]]) / 12,
        fill="toself",
        fillcolor="rgba(86,180,233,0.18)",
        line={"width": 0},
        hoverinfo="skip",
        name="90 % interval",
    )
    figure.add_scatter(
        x=ages,
        y=np.asarray(months) / 12,
        mode="lines+markers",
        line={"color": hex_colour(PREDICTION), "width": 2.5},
        name="answer",
    )
    figure.add_scatter(
        x=ages,
        y=ages,
        mode="lines",
        line={"color": hex_colour(TRUTH), "dash": "dash", "width": 2},
        name="simulated age (dashed)",
        hoverinfo="skip",
    )
    if chosen_months is not None:
        figure.add_vline(chosen_months / 12, line={"color": QUIET, "dash": "dot", "width": 1.5})
    titles = "simulated age (years)", "bone age (years)"
    return laid_out(figure, 360, *titles, top=40, hovermode="x unified")


def agreement(difference_months: NDArray[np.float64]) -> tuple[float, float, float]:
    """Bias and 95 % limits of agreement of differences (Bland and Altman, Lancet 1986;1:307)."""
    bias, spread = float(np.mean(difference_months)), float(np.std(difference_months, ddof=1))
    return bias, bias - 1.96 * spread, bias + 1.96 * spread


def bland_altman(
    read_months: NDArray[np.float64],
    answer_months: NDArray[np.float64],
    sexes: Sequence[str],
    files: Sequence[str] = (),
) -> go.Figure:
    """Difference between model and readers over the mean of both, a mark a film.

    Args:
        read_months: (N,) readers' bone age.
        answer_months: (N,) the model's.
        sexes: (N,) "F", "M" or "" where it is not said.
        files: (N,) what each mark is of, if it is to be told.
    """
    named = np.asarray(files, dtype=object)
    words = "%{customdata}: " if len(named) else ""
    middle = (read_months + answer_months) / 2 / 12
    difference = answer_months - read_months
    figure = go.Figure()
    marks = (("F", TRUTH, "diamond"), ("M", PREDICTION, "circle"), ("", PREDICTION, "x"))
    for sex, colour, symbol in marks:
        own = np.array([one == sex for one in sexes], bool)
        if not own.any():
            continue
        figure.add_scatter(
            x=middle[own],
            y=difference[own],
            mode="markers",
            marker={"color": hex_colour(colour), "symbol": symbol, "size": 7, "opacity": 0.75},
            name=f"{SEXES[sex]}s" if sex else "sex not said",
            customdata=named[own] if len(named) else None,
            hovertemplate=f"{words}mean %{{x:.1f}} years, difference %{{y:+.1f}} months"
            "<extra></extra>",
        )
    bias, low, high = agreement(difference)
    for value, name, dash in (
        (bias, f"bias {bias:+.1f}", "solid"),
        (low, f"{low:+.1f}", "dash"),
        (high, f"{high:+.1f}", "dash"),
    ):
        figure.add_hline(
            value,
            line={"color": QUIET, "dash": dash, "width": 2},
            annotation_text=name,
            annotation_position="top right",
        )
    titles = "mean of model and readers (years)", "model minus readers (months)"
    return laid_out(figure, 400, *titles, top=40).update_yaxes(zeroline=False)


def against_reader(
    read_months: Sequence[float],
    answer_months: Sequence[float],
    intervals_months: Sequence[tuple[float, float]],
    names: Sequence[str],
) -> go.Figure:
    """The model's bone age over the reader's, with intervals and the line of equal ages.

    Args:
        read_months, answer_months: (N,) of the reader and of the model.
        intervals_months: (N,) low and high bound of each answer.
        names: (N,) what each mark is called.
    """
    read, answer = np.asarray(read_months) / 12, np.asarray(answer_months) / 12
    low, high = np.asarray(intervals_months, float).reshape(-1, 2).T / 12
    low_end, high_end = min(read.min(), answer.min()) - 1, max(read.max(), answer.max()) + 1
    figure = go.Figure()
    add_equality(figure, low_end, high_end, dash="dash")
    figure.add_scatter(
        x=read,
        y=answer,
        text=list(names),
        name="film, with 90 % interval",
        mode="markers",
        marker={"color": hex_colour(PREDICTION), "size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": high - answer,
            "arrayminus": answer - low,
            "thickness": 1,
            "width": 0,
        },
        hovertemplate="%{text}<br>reader %{x:.1f} years, model %{y:.1f} years<extra></extra>",
    )
    return laid_out(figure, 420, "reader's bone age (years)", "model's bone age (years)")


def occlusion_heat(change_months: FloatArray, way: str) -> tuple[FloatArray, float]:
    """A heat map of an occlusion map, scaled to its own maximum.

    Args:
        change_months: (H, W) how the answer changes where a place is hidden.
        way: "Older" or "Younger" shows changes of that sign, anything else both.

    Returns:
        float32 (H, W) in [0, 1], and the months that 1 stands for; 0 where nothing changes.
    """
    if way == "Older":
        size = np.maximum(change_months, 0)
    elif way == "Younger":
        size = np.maximum(-change_months, 0)
    else:
        size = np.abs(change_months)
    most = float(size.max())
    return (size / most if most > 0 else size).astype(np.float32), most
