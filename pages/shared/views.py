"""What every task page shows in the same way: metrics, steps, the model card, downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from mimetypes import guess_type
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import ImagingError, missing_package
from core.glossary import GLOSSARY
from core.images import Radiograph
from core.stages import Step
from models.cards import Metric, ModelCard
from models.headline import sentence as headline_of
from pages.shared.stage import end_of_presentation as end_of_presentation
from pages.shared.stage import film as film
from pages.shared.stage import headline as headline
from pages.shared.stage import pair as pair
from pages.shared.stage import place as place
from pages.shared.stage import segments as segments
from pages.shared.stage import verdict as verdict

Answer = TypeVar("Answer")
Given = ParamSpec("Given")
TILE_WIDTH = 220  # screen pixels of a film in a gallery
MOST_FIGURES = 4  # rows of a card before the click


@dataclass(frozen=True)
class Figure:
    """One figure of the answer: label, value with unit, and the word of the glossary behind it."""

    label: str
    value: str
    term: str = ""
    note: str = ""


@dataclass(frozen=True)
class Download:
    """A file to offer; it is made when the button is pressed, unless it is given made."""

    label: str
    file_name: str
    content: Callable[[], bytes] | bytes | str
    icon: str | None = ":material/download:"

    @property
    def mime(self) -> str:
        """By the name's ending."""
        found, packed = guess_type(self.file_name)
        return f"application/{packed}" if packed else found or "application/octet-stream"


def show_error(
    task: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs
) -> Answer | None:
    """Run a task; None where a person's input or installation broke it, which a sentence says."""
    try:
        return task(*given, **named)
    except ImagingError as err:
        st.error(str(err), icon=":material/error:")
    except ModuleNotFoundError as err:
        st.info(str(missing_package(err)), icon=":material/extension:")
    return None


def metric_strip(answer: Sequence[Figure]) -> None:
    """The answer as a short row of figures, wrapping on a narrow screen."""
    with st.container(horizontal=True, gap="medium"):
        for figure in answer:
            st.metric(
                figure.label,
                figure.value,
                figure.note or None,
                delta_color="off",
                delta_arrow="off",
                help=GLOSSARY.get(figure.term),
                width="content",
            )


def known_of(image: Radiograph, words: str, look: str | None = None) -> None:
    """One quiet line under the viewer: what the image is, its size, side, view and notes.

    Args:
        words: What the image is.
        look: What to look at on a sample, in a sentence; above the line.
    """
    what_to_see(look)
    height, width = image.shape
    spacing = image.spacing_mm
    parts = [
        words or image.title,
        f"{width} × {height} px",
        f"{spacing[1]:.3g} × {spacing[0]:.3g} mm per pixel" if spacing else "pixel size unknown",
        {"L": "left side", "R": "right side"}.get(image.laterality or "", ""),
        f"{image.view} view" if image.view else "",
    ]
    st.caption(" · ".join(part for part in parts if part))
    for note in image.notes:
        st.caption(note)


def what_to_see(look: str | None) -> None:
    """What a real sample was chosen to show; nothing for another case."""
    if look:
        st.markdown(f":material/visibility: {look}")


def step_gallery(steps: Sequence[Step]) -> None:
    """Every stage with its picture, parameters, duration and why it is there."""
    for start in range(0, len(steps), 3):
        columns = st.columns(3, gap="medium")
        for number, step in enumerate(steps[start : start + 3], start=start + 1):
            with columns[number - start - 1]:
                _step(number, step)


def _step(number: int, step: Step) -> None:
    st.markdown(f"**{number}. {step.name}**")
    height, width = step.image.shape[:2]
    st.image(
        _shown(step.image),
        width="stretch",
        alt=f"The radiograph after step {number}, {step.name}, {width} by {height} pixels.",
    )
    settings = ", ".join(in_words(name, value) for name, value in step.parameters.items())
    parts = (f"{width} × {height} px", f"{step.seconds * 1000:.0f} ms", settings)
    st.caption(" · ".join(part for part in parts if part))
    st.write(step.why)
    if step.skipped:
        st.caption("Left out.")
    if step.error:
        st.error(step.error)


def in_words(name: str, value: object) -> str:
    """A parameter as a reader says it: `long_side_px` 640 is "long side 640 px"."""
    words = name.split("_")
    unit = f" {words.pop()}" if words[-1] in ("px", "mm", "cm") and len(words) > 1 else ""
    if value is None or isinstance(value, bool):
        value = "yes" if value else "no"
    return f"{' '.join(words)} {value}{unit}"


def _shown(array: np.ndarray) -> np.ndarray:
    """An array on the scale [0, 1] of the screen; one that lies there already is not touched."""
    low, high = float(array.min()), float(array.max())
    if low >= 0.0 and high <= 1.0:
        return array
    return (array - low) / max(high - low, 1e-9)


def error_line(card: ModelCard) -> None:
    """The model's name, its measured error and its first limit: under every result."""
    limit = f" {card.limitations[0]}" if card.limitations else ""  # own: that none was measured
    measured = f" {headline_of(card)}" if card.metrics else ""
    st.caption(f"**{card.title}.**{measured}{limit}")


def model_card(card: ModelCard) -> None:
    """A model's card: what it is, its test figures and limits; all the rest behind a click."""
    st.markdown(f"#### {card.title}")
    st.write(card.purpose)
    if card.metrics:
        st.markdown(headline_of(card))
    first = [one for one in card.metrics if one.split == card.metrics[0].split][:MOST_FIGURES]
    rest = [one for one in card.metrics if one not in first]
    if first:
        _metric_table(card, first)
    _listing("Where it fails", card.limitations)
    if rest:
        with st.expander("Further figures", icon=":material/table:"):
            _metric_table(card, rest)
    with st.expander("Training, weights, licence and citations", icon=":material/description:"):
        left, right = st.columns(2, gap="large")
        with left:
            _pairs("Training", card.training)
        with right:
            _pairs("Operating points", {k: f"{v:.3g}" for k, v in card.operating_points.items()})
            _pairs(
                "Weights",
                {
                    "Licence": card.licence,
                    "Source": card.source,
                    "Network": f"{card.architecture} ({card.framework})",
                    "Input": " × ".join(str(side) for side in card.input_shape),
                    "Labels": ", ".join(card.labels),
                    "File": f"{card.file}, SHA-256 {card.sha256[:12]}…, checked at loading",
                    **({"Recipe": card.rebuild} if card.rebuild else {}),
                },
            )
            _listing("Please cite", card.citations)


def _metric_table(card: ModelCard, metrics: Sequence[Metric]) -> None:
    rows = [
        {
            "Figure": metric.name,
            "Value": f"{metric.value:.3g}",
            "95 % interval": f"{metric.low:.3g} to {metric.high:.3g}",
            "Data": f"{metric.data_set}, {metric.split}",
            "n": metric.n,
            "Note": metric.note,
        }
        for metric in metrics
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        alt=f"Measured figures of {card.title} with 95 % intervals, from {metrics[0].name}.",
        column_config={"95 % interval": st.column_config.TextColumn(help=GLOSSARY["interval"])},
    )


def _listing(title: str, sentences: Sequence[str]) -> None:
    if sentences:
        st.markdown(f"**{title}**\n\n" + "\n".join(f"- {sentence}" for sentence in sentences))


def _pairs(title: str, pairs: Mapping[str, Any]) -> None:
    if pairs:
        lines = (f"- {name.replace('_', ' ')}: {value}" for name, value in pairs.items())
        st.markdown(f"**{title}**\n\n" + "\n".join(lines))


def downloads(key: str, files: Sequence[Download]) -> None:
    """A row of download buttons."""
    with st.container(horizontal=True):
        for file in files:
            download(f"{key}_{file.file_name}", file)


def download(key: str, file: Download) -> None:
    """A download button; the page is not run again for it."""
    st.download_button(
        file.label,
        file.content,
        file.file_name,
        file.mime,
        key=key,
        icon=file.icon,
        on_click="ignore",
    )
