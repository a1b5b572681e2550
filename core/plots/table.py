"""The numbers behind a Plotly figure as a table, for whoever does not see the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

MOST_ROWS = 2000
DIGITS = 4  # significant, of a number in the table


def table_of(figure: go.Figure) -> pd.DataFrame | None:
    """A row for each point of the lines, marks and bars, or a heat map's own rows and columns.

    Returns:
        Columns are named as the axes are, with "Series" first where several have a name, and
        "from" and "to" where points have error bars; None where the figure shows pictures only.
    """
    maps = [trace for trace in figure.data if trace.type == "heatmap" and trace.z is not None]
    if maps:
        one = maps[0]
        columns = one.x if one.x is not None else range(np.shape(one.z)[1])
        rows = one.y if one.y is not None else range(np.shape(one.z)[0])
        # Colours may run over another scale than the counts that the pointer tells.
        told = one.z if np.shape(one.customdata) != np.shape(one.z) else one.customdata
        found = pd.DataFrame(np.asarray(told), columns=[str(name) for name in columns])
        found.insert(0, "", [str(name) for name in rows])
        return found.head(MOST_ROWS)
    parts = [_points(figure, trace) for trace in figure.data if trace.type in ("scatter", "bar")]
    parts = [part for part in parts if part is not None]
    if not parts:
        return None
    found = pd.concat(parts, ignore_index=True)
    if found["Series"].nunique() <= 1:
        found = found.drop(columns="Series")
    return found.head(MOST_ROWS)


def _is_area(trace: Any) -> bool:
    return trace.type == "scatter" and trace.fill == "toself"


def _points(figure: go.Figure, trace: Any) -> pd.DataFrame | None:
    if trace.x is None or trace.y is None or len(trace.x) != len(trace.y) or _is_area(trace):
        return None
    across = _title(figure.layout[f"xaxis{(trace.xaxis or 'x')[1:]}"], "x")
    up = _title(figure.layout[f"yaxis{(trace.yaxis or 'y')[1:]}"], "y")
    found = pd.DataFrame({"Series": trace.name or "", across: trace.x, up: trace.y})
    for error, of in ((trace.error_x, across), (trace.error_y, up)):
        if error.array is not None:
            below = error.array if error.arrayminus is None else error.arrayminus
            middle = found[of].astype(float)
            found["from"] = middle - np.asarray(below, float)
            found["to"] = middle + np.asarray(error.array, float)
    numbers = found.select_dtypes("number").columns
    found[numbers] = found[numbers].map(lambda value: float(f"{value:.{DIGITS}g}"))
    return found


def _title(axis: Any, otherwise: str) -> str:
    return str(axis.title.text or otherwise).replace("<br>", " ")
