"""The table behind a chart holds the chart's own numbers."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from core.plots.table import table_of


def test_figure_without_numbers_has_no_table() -> None:
    assert table_of(go.Figure()) is None
    assert table_of(go.Figure(go.Image(z=np.zeros((4, 6, 3))))) is None


def test_points_carry_the_names_of_axes_and_series_and_their_intervals() -> None:
    figure = go.Figure(
        [
            go.Scatter(x=[1, 2, 3], y=[0.1, 0.23456789, 0.3], name="one"),
            go.Scatter(x=[4], y=[2.0], name="two", error_y={"array": [0.5], "arrayminus": [0.25]}),
        ]
    )
    figure.update_xaxes(title="degrees").update_yaxes(title="score")
    table = table_of(figure)
    assert table is not None
    assert list(table.columns) == ["Series", "degrees", "score", "from", "to"]
    assert table["Series"].tolist() == ["one"] * 3 + ["two"]
    assert table["score"].tolist() == [0.1, 0.2346, 0.3, 2.0]
    assert table[["from", "to"]].iloc[3].tolist() == [1.75, 2.5]


def test_bars_of_one_series_need_no_name() -> None:
    table = table_of(go.Figure(go.Bar(x=[3, 5], y=["arm", "leg"], orientation="h")))
    assert table is not None
    assert table.to_dict("list") == {"x": [3, 5], "y": ["arm", "leg"]}


@pytest.mark.parametrize("named", [True, False])
def test_heat_map_keeps_rows_and_columns(named: bool) -> None:
    names = {"x": ["a", "b", "c"], "y": ["p", "q"]} if named else {}
    table = table_of(go.Figure(go.Heatmap(z=[[1, 2, 3], [4, 5, 6]], **names)))
    assert table is not None
    assert table.iloc[1].tolist() == (["q", 4, 5, 6] if named else ["1", 4, 5, 6])
