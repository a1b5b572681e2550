"""What of a data set can be looked at: its columns as categories, counted under a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.dataset_folders.dataset import SEVERAL, Dataset

NONE = "none"
BINS = 12
MOST_LETTERS = 18
ALL, CHOSEN = "#6b7378", "#56b4e9"
PARTS = (CHOSEN, "#e69f00", "#9aa3a8")
"""Of what is told apart in one bar: sexes, and where none is said."""


@dataclass(frozen=True, eq=False)
class View:
    """One column of a data set as categories.

    Attributes:
        name: What the screen calls it, with its unit.
        categories: In the order of the axis.
        members: bool (images, categories): which image is in which; an image may be in several.
        index: The images, by path below the folder.
    """

    name: str
    categories: tuple[str, ...]
    members: np.ndarray
    index: pd.Index

    def chosen(self, wanted: Sequence[str]) -> np.ndarray:
        """Which images are in any of the wanted categories; all where none is wanted: (N,)."""
        columns = [self.categories.index(name) for name in wanted if name in self.categories]
        if not columns:
            return np.ones(len(self.index), bool)
        return np.asarray(self.members[:, columns].any(axis=1))


def views_of(dataset: Dataset, scanned: pd.DataFrame) -> list[View]:
    """The views of a data set, those of its task first.

    Args:
        dataset: From `layouts.open_dataset`.
        scanned: From `scan.scan`.
    """
    rows = dataset.rows.join(scanned.drop(columns=["unreadable", "hash"], errors="ignore"))
    if dataset.task == "fracture":
        rows["box size (px)"] = _box_sizes(dataset, rows)
    by_task = {
        "fracture": ("fractured", "body part", "view", "boxes", "box size (px)", "hardware"),
        "bone_age": ("age (months)", "sex"),
        "chest": ("findings", "view", "age (years)", "sex", "cardiothoracic ratio"),
        "skull_strip": ("source", "brain volume (mL)", "voxel size (mm)", "slices"),
    }
    columns = (*by_task[dataset.task], "multiscan", "split", "width", "brightness")
    found = [_view(column, rows[column]) for column in columns if column in rows]
    return [view for view in found if len(view.categories) > 1]


def _box_sizes(dataset: Dataset, rows: pd.DataFrame) -> pd.Series:
    sizes = pd.Series(np.nan, rows.index)
    sides = rows[["width", "height"]].to_dict("index")
    for below, outlines in dataset.outlines.items():
        width, height = (float(sides[below][side]) for side in ("width", "height"))
        boxes = outlines.in_pixels(width, height).boxes_xyxy
        if len(boxes):
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
            sizes[below] = float(np.sqrt(np.abs(areas)).mean())
    return sizes


def _view(name: str, column: pd.Series) -> View:
    if name in ("findings", "body part", "view"):
        sets = [set(str(cell).split(SEVERAL)) - {""} or {NONE} for cell in column]
        counts = pd.Series([one for some in sets for one in some]).value_counts()
        categories = tuple(counts.index)
        members = np.array([[name in some for name in categories] for some in sets], bool)
        return View(name, categories, members, column.index)
    if column.dtype == bool:
        words = column.map({True: "yes", False: "no"})
    elif pd.api.types.is_numeric_dtype(column) and column.nunique() > BINS:
        words = _binned(column.astype(float))
    elif pd.api.types.is_numeric_dtype(column):
        words = column.map(lambda value: NONE if pd.isna(value) else f"{value:g}")
    else:
        words = column.fillna("").astype(str).replace("", "not said")
    if isinstance(words.dtype, pd.CategoricalDtype):
        categories = tuple(str(one) for one in words.cat.categories)
    else:
        categories = tuple(sorted(words.unique(), key=_in_order))
    names = words.astype(str).to_numpy()
    members = names[:, None] == np.array(categories, dtype=object)[None]
    return View(name, categories, members, column.index)


def _binned(column: pd.Series) -> pd.Series:
    """Numbers in about twelve round steps, as "60–72"; in none where there is no number."""
    low, high = float(column.min()), float(column.max())
    raw = (high - low) / BINS
    scale = 10.0 ** np.floor(np.log10(raw))
    step = next(scale * times for times in (1, 2, 2.5, 5, 10) if scale * times >= raw)
    if "months" in str(column.name):
        step = 12.0 * max(1.0, np.ceil(raw / 12))
    edges = np.arange(np.floor(low / step), np.floor(high / step) + 2) * step
    labels = [f"{a:.4g}–{b:.4g}" for a, b in pairwise(edges)]
    binned = pd.cut(column, edges.tolist(), labels=labels, right=False)
    return binned.cat.remove_unused_categories()


def _in_order(word: str) -> tuple[bool, float, str]:
    try:
        return False, float(word), ""
    except ValueError:
        return word in (NONE, "not said"), 0.0, word


def kept(views: Sequence[View], wanted: Mapping[str, Sequence[str]], but: str = "") -> np.ndarray:
    """Which images pass the filter of all views, save that of the view named `but`: (N,)."""
    passing = np.ones(len(views[0].index), bool)
    for view in views:
        if view.name != but:
            passing &= view.chosen(wanted.get(view.name, ()))
    return passing


def bars(
    view: View, passing: np.ndarray, wanted: Sequence[str], by: View | None = None
) -> go.Figure:
    """How many images lie in each category: all of them behind, those that pass in front.

    Args:
        view: What to count.
        passing: (N,) images that pass the filters of the other views.
        wanted: Categories chosen in this view; the others are drawn pale.
        by: Another view by whose categories those that pass are told apart, one upon the other.
    """
    every = view.members.sum(axis=0)
    opacity = [1.0 if not wanted or name in wanted else 0.35 for name in view.categories]
    figure = go.Figure()
    figure.add_bar(
        x=list(view.categories),
        y=every,
        name="all",
        marker={"color": ALL, "opacity": 0.35},
        hovertemplate="%{x}: %{y:,} in all<extra></extra>",
    )
    parts = {"passing the filter": passing}
    if by is not None:
        parts = {name: passing & by.members[:, n] for n, name in enumerate(by.categories)}
    base, words = np.zeros(len(view.categories)), []
    for number, (name, part) in enumerate(parts.items()):
        colour = PARTS[number % len(PARTS)]
        some = view.members[part].sum(axis=0)
        told = f", {name}" if by is not None else ""
        figure.add_bar(
            x=list(view.categories),
            y=some,
            base=base,
            name=name,
            marker={"color": colour, "opacity": opacity},
            customdata=some,
            hovertemplate=f"%{{x}}{told}: %{{customdata:,}}<extra></extra>",
        )
        base = base + some
        words.append(f'<span style="color:{colour}">{name}</span>')
    title = f"{view.name}, {', '.join(words)}" if by is not None else view.name
    figure.update_layout(
        barmode="overlay",
        showlegend=False,
        margin={"l": 45, "r": 5, "t": 28, "b": 5},
        title={"text": title, "font": {"size": 14}, "y": 0.98},
        yaxis={"title": "images"},
        xaxis={
            "type": "category",
            "tickangle": -50,
            "automargin": True,
            "tickfont": {"size": 10},
            **_short(view.categories),
        },
        bargap=0.15,
        clickmode="event+select",
        dragmode=False,
    )
    return figure


def _short(categories: Sequence[str]) -> dict[str, list[str]]:
    """Ticks for names that would take the chart's height; the whole name stands at the pointer."""
    if max(map(len, categories)) <= MOST_LETTERS:
        return {}
    words = [one if len(one) <= MOST_LETTERS else f"{one[:MOST_LETTERS]}…" for one in categories]
    return {"tickvals": list(categories), "ticktext": words}


def together(view: View, passing: np.ndarray) -> go.Figure:
    """How often two categories of a view occur in one image: a matrix of counts."""
    members = view.members[passing].astype(int)
    counts = members.T @ members
    figure = go.Figure(
        go.Heatmap(
            x=list(view.categories),
            y=list(view.categories),
            z=np.log10(np.maximum(counts, 1)),
            customdata=counts,
            colorscale="Cividis",
            colorbar={
                "title": {"text": "images"},
                "tickvals": [0, 1, 2, 3, 4],
                "ticktext": ["≤ 1", "10", "100", "1,000", "10,000"],
            },
            texttemplate="%{customdata:,}",
            textfont={"size": 11},
            hovertemplate="%{x} and %{y}: %{customdata:,} images<extra></extra>",
        )
    )
    figure.update_layout(
        margin={"l": 5, "r": 5, "t": 5, "b": 5},
        xaxis={"automargin": True, "tickangle": -40},
        yaxis={"automargin": True, "autorange": "reversed", "scaleanchor": None},
    )
    return figure
