"""Does the answer hold: a small change of the film, and a heart that grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.chest import ctr, study_plots
from core.chest.projection import Change, changed
from core.percent import percent
from core.plots import curves
from core.stages import Progress
from models.cards import ModelCard
from pages.shared import background, charts, views
from pages.shared.views import Figure
from pages.tasks.chest import loaders, sidebar
from pages.tasks.chest.explain import heat_bar, picture_of
from pages.tasks.chest.reading import (
    CARDIOMEGALY,
    Reading,
    chosen,
    finding_rows,
    in_words,
    measured,
    single_cards,
)
from pages.tasks.chest.sidebar import Phantom, Settings
from pages.tasks.chest.views import WRAPPER

RATIOS = (0.38, 0.42, 0.46, 0.5, 0.54, 0.58, 0.62, 0.66)
OPACITY = 0.6


@st.fragment
def show(reading: Reading, settings: Settings) -> None:
    """One of two questions to the networks."""
    question = views.segments(
        "Ask",
        ("A small change of the film", "A heart that grows"),
        "chest_robust",
        "A small change of the film",
    )
    if question == "A heart that grows":
        _growing(settings, sidebar.current_phantom())
    else:
        _change(reading, settings)


def _change(reading: Reading, settings: Settings) -> None:
    """Rotate, blur or change the contrast, and see what becomes of the answer."""
    keep: dict[str, Any] = {"persist_state": "session"}
    columns = st.columns(3, gap="large")
    rotation = columns[0].slider("Rotation (°)", -15.0, 15.0, 5.0, 0.5, key="chest_rotate", **keep)
    blur = columns[1].slider(
        "Blur (% of the width)",
        0.0,
        2.0,
        0.0,
        0.1,
        key="chest_blur",
        help="Standard deviation of a Gaussian blur. 1 % is 1.3 pixels of a 128-pixel film.",
        **keep,
    )
    contrast = columns[2].slider("Contrast (×)", 0.4, 1.6, 1.0, 0.05, key="chest_contrast", **keep)
    change = Change(rotation, blur, contrast)
    if not change.words:
        st.info("Move a slider: the networks read the changed film when you let go.")
        return
    after = changed(reading.image, change)
    with st.spinner("Reading the changed film …"):
        found = loaders.findings(settings.classifier, after)
        ratio, problem = measured(loaders.masks(settings.segmenter, after))
        label = chosen(reading)
        heats = [
            loaders.heat(settings.classifier, image, label) for image in (reading.image, after)
        ]
    before_rows, after_rows = reading.rows, finding_rows(found, settings.classifier)
    was = {row.name: row for row in before_rows}
    moves = {row.name: row.probability - was[row.name].probability for row in after_rows}
    largest = max(moves, key=lambda name: abs(moves[name]))
    crossed = [row.name for row in after_rows if row.above != was[row.name].above]
    answer = [
        Figure(
            "Largest move", study_plots.in_points(moves[largest]), "calibrated", largest.lower()
        ),
        Figure("Answers that flip", str(len(crossed)), "operating point", ", ".join(crossed)),
    ]
    if reading.ratio is not None and ratio is not None:
        move = ratio.ratio - reading.ratio.ratio
        answer.append(
            Figure(
                "CTR", f"{ratio.ratio:.2f}", "cardiothoracic ratio", f"{move:+.3f} by the change"
            )
        )
    views.metric_strip(answer)
    if problem:
        st.warning(problem, icon=":material/straighten:")
    st.markdown(
        f"The film {change.words}. What it shows is the same: what moves is the network’s opinion."
    )
    style = "flex: 1 1 380px; min-width: min(100%, 380px);"
    for box in ("deltas", "heats"):
        st.html(f"<style>{WRAPPER}chest_{box}_box) {{ {style} }}</style>")
    beside = st.container(horizontal=True, gap="medium")
    with beside.container(key="chest_deltas_box"):
        words = "; ".join(f"{name} {study_plots.in_points(move)}" for name, move in moves.items())
        charts.chart(
            study_plots.delta_chart(before_rows, after_rows),
            key="chest_deltas",
            config={"displayModeBar": False},
            alt=f"Change of each probability: {words}.",
        )
    with beside.container(key="chest_heats_box"):
        heat_bar()
        pair = zip(
            st.columns(2),
            (("before", reading.image), ("after", after)),
            heats,
            (was[in_words(label)].probability, found.probabilities[label]),
            strict=True,
        )
        for column, (when, image), values, probability in pair:
            with column:
                st.markdown(f"**{in_words(label)} {when}: {percent(probability)}**")
                words = f"Heat map {when} the change"
                picture_of(image, settings, values, probability, OPACITY, words)


@dataclass(frozen=True)
class Growth:
    """Answers to one phantom whose heart grows.

    Attributes:
        measured: The network's ratio at every true ratio.
        probabilities: Of cardiomegaly, by network.
        points: The operating point of each.
    """

    measured: tuple[float, ...]
    probabilities: Mapping[str, tuple[float, ...]]
    points: Mapping[str, float]


def grown(cards: tuple[ModelCard, ...], base: Phantom, progress: Progress) -> Growth:
    """All networks on one phantom at every ratio of `RATIOS`.

    Args:
        base: The phantom; only its heart changes.
        cards: The segmenter first, then the classifiers.
    """
    ratios = []
    chances: dict[str, list[float]] = {card.title: [] for card in cards[1:]}
    points: dict[str, float] = {}
    for number, ratio in enumerate(RATIOS):
        progress(number / len(RATIOS), f"ratio {ratio:.2f}")
        image = sidebar.made(replace(base, heart_ratio=ratio)).image
        found, _ = measured(loaders.masks(cards[0], image))
        ratios.append(float("nan") if found is None else found.ratio)
        for card in cards[1:]:
            answer = loaders.findings(card, image)
            chances[card.title].append(answer.probabilities[CARDIOMEGALY])
            points[card.title] = answer.operating_points[CARDIOMEGALY]
    named = {name: tuple(values) for name, values in chances.items()}
    return Growth(tuple(ratios), named, points)


def _growing(settings: Settings, base: Phantom) -> None:
    """One phantom, a heart from small to large: what ruler and networks say."""
    cards = (settings.segmenter, settings.classifier, *single_cards())
    cards = tuple(
        card for card in cards if card.name == "heart_lungs" or CARDIOMEGALY in card.labels
    )
    base = replace(base, kind=sidebar.UPRIGHT)
    result = background.result(
        "chest_growing",
        (tuple(card.sha256 for card in cards), base),
        lambda run: grown(cards, base, run.report),
        is_public=True,
    )
    if result is None:
        return
    st.markdown(
        f"Phantom {base.seed} with nothing changed but its heart. The measured ratio should lie "
        "on the true one; a network that reads the heart should pass its operating point near "
        f"{ctr.LIMIT:g}."
    )
    lines: dict[str, Sequence[float]] = {"measured ratio (CTR)": result.measured}
    lines |= {f"probability: {name}": values for name, values in result.probabilities.items()}
    charts.chart(
        curves.curve(
            RATIOS,
            lines,
            x_title="True cardiothoracic ratio",
            y_title="ratio, or probability of cardiomegaly",
            threshold=ctr.LIMIT,
            threshold_name=f"ratio of {ctr.LIMIT:g}",
        ),
        key="chest_growth",
        alt="Measured ratio and probability of cardiomegaly over the true ratio.",
    )
    off = [abs(a - b) for a, b in zip(result.measured, RATIOS, strict=True)]
    words = [f"The measured ratio is off by {sum(off) / len(off):.3f} on average."]
    for name, values in result.probabilities.items():
        point = result.points[name]
        first = next((r for r, p in zip(RATIOS, values, strict=True) if p >= point), None)
        words.append(
            f"{name} never reaches its operating point of {percent(point)}."
            if first is None
            else f"{name} passes its operating point of {percent(point)} at {first:.2f}."
        )
    st.markdown(" ".join(words))
