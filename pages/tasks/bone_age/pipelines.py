"""The two published pipelines as the page shows them: words, parameters, and where the hand is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.bone_age.landmark import ALL_AROUND, BOTTOM_RIGHT
from pages.tasks.bone_age.sidebar import PAGE

Value = float | int | str | bool


@dataclass(frozen=True)
class Knob:
    """One live parameter of a pipeline.

    Attributes:
        name: Keyword of the pipeline's `stages`.
        label: What the screen calls it.
        default: The published or shipped value.
        low, high, step: Range of a number.
        options: Choices of a word; then there is no range.
        why: Help text.
    """

    name: str
    label: str
    default: Value
    low: float = 0.0
    high: float = 1.0
    step: float = 1.0
    options: tuple[str, ...] = ()
    why: str = ""

    def widget(self, key: str) -> Value:
        """Draw the widget and return its value."""
        common: dict[str, Any] = {
            "key": key,
            "help": self.why or None,
            "persist_state": "session",
        }
        if self.options:
            return st.selectbox(
                self.label, self.options, self.options.index(str(self.default)), **common
            )
        if isinstance(self.default, bool):
            return st.toggle(self.label, self.default, **common)
        kind = int if isinstance(self.default, int) else float
        return st.slider(
            self.label, kind(self.low), kind(self.high), kind(self.default), kind(self.step),
            **common,
        )  # fmt: skip


@dataclass(frozen=True)
class Pipeline:
    """A published way from film to network.

    Attributes:
        name: Key in `PIPELINES`.
        key: Its name in `models.bone_age.pipelines`.
        words: What it does, in a sentence or two.
        knobs: Its live parameters.
        aligned: Name of the step after which the hand is as this pipeline wants it.
        read: Name of the step whose picture is read for an answer.
        read_words: What is read, for the line under the answer.
    """

    name: str
    key: str
    words: str
    knobs: tuple[Knob, ...]
    aligned: str
    read: str
    read_words: str


_CLAHE = "Limit of contrast-limited adaptive histogram equalisation, in multiples of an even share."
OURS = Pipeline(
    "Ours",
    "whole_hand",
    "The steps that the whole-hand networks were trained with.",
    (
        Knob("low_percent", "Window: black below (%)", 1.0, 0.0, 40.0, 1.0),
        Knob("high_percent", "Window: white above (%)", 99.0, 60.0, 100.0, 1.0),
        Knob("clip", "CLAHE: clip", 2.0, 0.5, 8.0, 0.5, why=_CLAHE),
        Knob("tiles", "CLAHE: tiles per side", 4, 1, 12, 1),
    ),
    aligned="Find the hand",
    read="CLAHE",
    read_words="",
)
FILM = Pipeline(
    "Film",
    "film",
    "The whole film, as a model of your own takes it.",
    (),
    aligned="Fit the film",
    read="Fit the film",
    read_words="",
)


def _regions(name: str, key: str, words: str, trim_at: str) -> Pipeline:
    """Four regions of the hand; the published system and ours differ in where they trim."""
    return Pipeline(
        name,
        key,
        words,
        (
            Knob("clahe_clip", "CLAHE: clip", 1.0, 0.5, 8.0, 0.5, why=_CLAHE),
            Knob("clahe_tiles", "CLAHE: tiles per side", 3, 1, 12, 1),
            Knob("denoise_strength", "Denoise: strength (greys)", 3.0, 0.0, 20.0, 1.0),
            Knob("keep_height_percent", "Trim: height kept (%)", 90.0, 60.0, 100.0, 1.0),
            Knob("keep_width_percent", "Trim: width kept (%)", 95.0, 60.0, 100.0, 1.0),
            Knob(
                "trim_at",
                "Trim: where",
                trim_at,
                options=(ALL_AROUND, BOTTOM_RIGHT),
                why="The published system cuts at the bottom and right, and so were the films of "
                "Attention-Xception; our four-region network had half of it cut at each side.",
            ),
            Knob(
                "level_offset",
                "Threshold: mean plus (greys)",
                0.0,
                -60.0,
                60.0,
                2.0,
                why="0 is the published threshold at the mean.",
            ),
            Knob("output", "Output", "regions", options=("regions", "whole hand")),
            Knob(
                "binary",
                "Binarised crops",
                False,
                why="Black and white at the mean, as one of the published experiments.",
            ),
        ),
        aligned="Straighten (added)",
        read="Hull and gaps",
        read_words="the upright, masked hand, before it is cut into regions",
    )


FOUR_REGIONS = _regions("Four regions", "landmark", "", ALL_AROUND)
PIPELINES: dict[str, Pipeline] = {
    "Landmarks": _regions(
        "Landmarks",
        "published_regions",
        "A published student system: threshold, outline, turn upright, and four regions from the "
        "gaps between the fingers, read by Attention-Xception. Hull dashed, outline solid, "
        "landmarks as rings. What we had to add for the films of the archive says “added” and can "
        "be left out.",
        BOTTOM_RIGHT,
    ),
    "Segmentation": Pipeline(
        "Segmentation",
        "segmentation",
        "The other published system: a U-Net marks the hand, everything else turns black, and the "
        "hand is fitted onto a square, evened out and sharpened. No masks come with the data: the "
        "U-Net learned from phantoms and from clear films whose masks were made and checked here.",
        (
            Knob("margin_percent", "Crop: margin (%)", 2.0, 0.0, 20.0, 1.0),
            Knob("mean_grey", "Equalise: mean grey", 110.0, 40.0, 200.0, 5.0),
            Knob("clahe_clip", "CLAHE: clip", 2.0, 0.5, 8.0, 0.5, why=_CLAHE),
            Knob("clahe_tiles", "CLAHE: tiles per side", 4, 1, 12, 1),
            Knob("denoise_strength", "Denoise: strength (greys)", 3.0, 0.0, 20.0, 1.0),
            Knob("sharpen_amount", "Sharpen: amount", 0.6, 0.0, 3.0, 0.1),
        ),
        aligned="Fit",
        read="Sharpen",
        read_words="the last picture",
    ),
}


def by_key(key: str) -> Pipeline:
    """The pipeline of a name in `models.bone_age.pipelines`."""
    return next(one for one in (OURS, FILM, FOUR_REGIONS, *PIPELINES.values()) if one.key == key)


def parameters(pipeline: Pipeline) -> Mapping[str, Value]:
    """The pipeline's live parameters; only those that differ from the default."""
    with st.expander("Parameters", icon=":material/tune:"):
        changed = {}
        columns = st.columns(3, gap="medium")
        for number, knob in enumerate(pipeline.knobs):
            with columns[number % 3]:
                value = knob.widget(f"{PAGE}_{pipeline.name.lower()}_{knob.name}")
            if value != knob.default:
                changed[knob.name] = value
    return changed
