"""Where a network looked: several methods side by side, its feature maps, and two trainings."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.glossary import GLOSSARY
from core.images import FloatArray, Radiograph
from core.metrics import heat_maps
from core.percent import percent
from core.plots import draw
from models.cards import ModelCard, cards_of
from models.chest.heatmaps import LAYERS, METHODS, OPENING, FeatureMaps, HeatMap
from models.chest.settings import findings_settings
from pages.shared import background
from pages.shared.address import KEPT
from pages.tasks.chest import loaders
from pages.tasks.chest.reading import CARDIOMEGALY, Reading, chosen, in_words
from pages.tasks.chest.sidebar import Settings
from pages.tasks.chest.views import picture, shown_heat

TILE_PX = 520
MAPS = 16
TRAINED = ("rotation", "blur")
"""Names of the cards of the two networks that differ in their augmentation alone."""


@st.fragment
def show(reading: Reading, settings: Settings) -> None:
    """Heat maps of the chosen finding by the chosen methods, then the layer's feature maps."""
    label = chosen(reading)
    card = settings.classifier
    probability = reading.findings.probabilities[label]
    st.markdown(
        f"#### {in_words(label)}, {percent(probability)}: where the network looked",
        help=None if card.is_own else GLOSSARY["Grad-CAM"],
    )
    if card.is_own:
        _occlusion(reading, settings, label)
        return
    methods = st.pills(
        "Methods",
        tuple(METHODS),
        default=[OPENING],
        selection_mode="multi",
        key="chest_methods",
        **KEPT,
        help="Grad-CAM of the last layer is there at once. Everything else needs gradients and "
        "runs PyTorch in a process of its own, which takes some seconds to start.",
    )
    left, right = st.columns(2, gap="large")
    layer = _layer("chest_layer", card, left)
    opacity = _opacity("chest_opacity", right)
    heat_bar()
    columns = st.columns(3, gap="medium")
    shown = [one for one in METHODS if one in methods]
    for number, method in enumerate(shown):
        with columns[number % 3]:
            beside = columns[1] if len(shown) == 1 else None
            _method(reading, settings, label, method, layer, opacity, beside)
    both = " It is the mean over the film and its mirror image, as the answer is."
    settled = findings_settings(card)
    summed = " A second network’s log odds are in the probability, but not in the map."
    st.caption(
        "Brightness is the heat, relative to each map’s hottest place, times the root of the "
        "probability. A map shows what moved the answer, not where disease is."
        + (both if settled.mirrored else "")
        + (summed if label in settled.partners else "")
    )
    with st.expander(f"Feature maps of the {layer_words(layer)}", icon=":material/grid_view:"):
        maps = _features(card, reading.image, layer)
        if maps is not None:
            _grid(maps, card.title)
    if trained() and st.toggle(
        "Compare two trainings: rotation and Gaussian blur",
        key="chest_two_trainings",
        **KEPT,
    ):
        two_trainings(reading, settings)


def _occlusion(reading: Reading, settings: Settings, label: str) -> None:
    """The one map of a network of a person's own: its inner layers are not known."""
    found = loaders.heat(settings.classifier, reading.image, label)
    opacity = _opacity("chest_opacity", st.columns(2)[1])
    columns = st.columns(3, gap="medium")
    with columns[0]:
        probability = reading.findings.probabilities[label]
        words = f"Occlusion of {in_words(label).lower()}"
        picture_of(reading.image, settings, found, probability, opacity, words)
    columns[1].caption(
        f"{_scored(reading, label, found)} Each cell was hidden under the film’s mean grey in turn "
        "(Zeiler & Fergus 2014); bright is where the probability fell. Gradients and feature maps "
        "need the network in PyTorch, and of your own model only its ONNX file is here."
    )


def _map(card: ModelCard, image: Radiograph, label: str, method: str, layer: str) -> HeatMap | None:
    """A heat map: at once where the answering file gives it, else from the worker process."""
    if (method, layer) == (OPENING, LAYERS[-1]):
        return loaders.heat(card, image, label)
    return background.result(
        f"chest_heat_{card.name}_{method}",
        (image.digest, card.sha256, label, layer, method),
        lambda run: loaders.gradient_heat(card, image, label, method, layer, run.report),
        is_public=image.is_public,
        in_worker=True,
    )


def _features(card: ModelCard, image: Radiograph, layer: str) -> FeatureMaps | None:
    """The strongest feature maps, as `_map`."""
    if layer == LAYERS[-1]:
        return loaders.last_features(card, image, MAPS)
    return background.result(
        f"chest_features_{card.name}",
        (image.digest, card.sha256, layer),
        lambda run: loaders.inner_features(card, image, layer, MAPS, run.report),
        is_public=image.is_public,
        in_worker=True,
    )


def layer_words(layer: str) -> str:
    """A layer as a reader says it."""
    return "last layer" if layer == LAYERS[-1] else f"layer at {layer} of the input’s size"


def _layer(key: str, card: ModelCard, where: st.delta_generator.DeltaGenerator) -> str:
    """A layer of the network to look at."""
    return where.segmented_control(
        "Layer",
        LAYERS,
        default=LAYERS[-1],
        required=True,
        key=f"{key}_{card.name}",
        persist_state="session",
        help="From the finest, a quarter of the input’s size, to the last. Early layers know edges "
        "and textures, the last ones what speaks for a finding, on a coarser grid.",
    )


def _opacity(key: str, where: st.delta_generator.DeltaGenerator) -> float:
    """How strongly the heat covers the film."""
    return where.slider("Opacity (%)", 0, 100, 60, 5, key=key, persist_state="session") / 100


def _method(
    reading: Reading,
    settings: Settings,
    label: str,
    method: str,
    layer: str,
    opacity: float,
    beside: st.delta_generator.DeltaGenerator | None,
) -> None:
    """One method's heat map with its scores below or beside it."""
    st.markdown(f"**{method}**")
    found = _map(settings.classifier, reading.image, label, method, layer)
    if found is None:
        return
    words = f"{method} of {in_words(label).lower()}"
    probability = reading.findings.probabilities[label]
    picture_of(reading.image, settings, found, probability, opacity, words)
    (beside or st).caption(f"{_scored(reading, label, found)} {METHODS[method]}")


def picture_of(
    image: Radiograph,
    settings: Settings,
    found: HeatMap,
    probability: float,
    opacity: float,
    words: str,
) -> None:
    """A film under its heat map, small enough for a gallery."""
    st.image(
        tile(picture(image, settings), shown_heat(found.values, settings, probability), opacity),
        width="stretch",
        alt=f"{words} over the film.",
    )


def tile(shown: draw.Picture, values: FloatArray, opacity: float) -> draw.Picture:
    """A picture under a heat map, at the size of a gallery."""
    factor = TILE_PX / max(shown.shape[:2])
    small, cells = draw.scaled(shown, factor), draw.scaled(values, factor)
    return draw.with_heat(small, np.clip(cells, 0, 1), opacity)


def _scored(reading: Reading, label: str, found: HeatMap) -> str:
    """How much of the heat lies where it should, as far as that is known for this film."""
    rows, columns = found.cells_hw
    words = f"{rows} × {columns} cells."
    if not found.values.any():
        return f"{words} Nothing spoke for the finding: the map is empty."
    regions = {}
    if label == CARDIOMEGALY and reading.ratio is not None:
        regions["the heart’s outline"] = reading.masks["heart"]
    boxes = reading.case.truth.get("boxes", {}).get(label, ())
    if len(boxes) and label != CARDIOMEGALY:
        regions["the box of the simulated finding"] = heat_maps.boxes_region(
            boxes, reading.image.shape
        )
    for name, region in regions.items():
        scored = heat_maps.score(found.values, region)
        words += (
            f" {percent(scored.energy)} of the heat lies in {name}, which covers "
            f"{percent(scored.area)} of the film."
        )
    return words


def heat_bar() -> None:
    """The colours of a heat map from 0 to 1."""
    ramp = np.repeat(np.linspace(0, 1, 512, dtype=np.float32)[None], 10, axis=0)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("heat 0", width="content")
        st.image(
            draw.heat_colours(ramp),
            width=220,
            alt="Scale of the heat maps: black is 0, purple, red and orange between, yellow is 1.",
        )
        st.caption("1: the hottest place of a finding that is certain", width="content")


def _grid(maps: FeatureMaps, title: str, columns: int = 8) -> None:
    """The strongest channels as a grid of grey pictures."""
    rows, cells = maps.maps.shape[1:]
    st.image(
        mosaic(maps.maps, columns),
        width="stretch",
        alt=f"The {len(maps.channels)} strongest feature maps of layer {maps.layer} of {title}.",
    )
    numbers = ", ".join(str(channel) for channel in maps.channels)
    st.caption(
        f"The {len(maps.channels)} strongest of {maps.total} channels, {rows} × {cells} cells "
        f"each, bright where they respond; from the upper left: {numbers}."
    )


def mosaic(maps: FloatArray, columns: int) -> draw.Picture:
    """Maps in [0, 1] as one picture, row by row, a gap between them."""
    side, gap = 128, 6
    count = -(-len(maps) // columns)
    page = np.zeros((count * (side + gap) - gap, columns * (side + gap) - gap), np.float32)
    for number, values in enumerate(maps):
        top, left = (number // columns) * (side + gap), (number % columns) * (side + gap)
        large = draw.scaled(np.ascontiguousarray(values), side / max(values.shape))
        height, width = large.shape
        page[top : top + height, left : left + width] = large
    return draw.windowed(np.clip(page, 0, 1))


def trained() -> list[ModelCard]:
    """The cards of two networks that differ in one augmentation; none where they do not ship."""
    found = {card.name: card for card in cards_of("chest", "comparison")}
    return [found[name] for name in TRAINED] if set(TRAINED) <= set(found) else []


def two_trainings(reading: Reading, settings: Settings) -> None:
    """Two networks that differ in one augmentation, on this film: heat maps and feature maps."""
    cards = trained()
    st.write(
        "Both networks learned cardiomegaly from the same films in the same order. One saw them "
        "rotated, the other blurred. They may answer alike and yet look at different places."
    )
    left, right = st.columns(2, gap="large")
    layer = _layer("chest_trained_layer", cards[0], left)
    opacity = _opacity("chest_trained_opacity", right)
    heat_bar()
    maps = [_map(card, reading.image, card.labels[0], OPENING, layer) for card in cards]
    for column, card, found in zip(st.columns(2, gap="large"), cards, maps, strict=True):
        if found is not None:
            with column:
                _training(reading, settings, card, found, opacity)
    shown = [found.values for found in maps if found is not None]
    likeness = heat_maps.rank_correlation(*shown) if len(shown) == len(cards) else float("nan")
    if likeness == likeness:  # NaN where a map is flat
        st.markdown(
            f"Rank correlation of the two heat maps: **{likeness:.2f}** (1 for the same map, 0 for "
            "none in common). Which of the two trainings answers better is in the table under "
            "*Experiments*."
        )


def _training(
    reading: Reading, settings: Settings, card: ModelCard, found: HeatMap, opacity: float
) -> None:
    answer = loaders.findings(card, reading.image)
    label = card.labels[0]
    side = "above" if answer.is_above(label) else "below"
    probability = answer.probabilities[label]
    st.markdown(
        f"**{card.title}**: {in_words(label).lower()} {percent(probability)}, "
        f"{side} its {percent(answer.operating_points[label])}"
    )
    words = f"Grad-CAM of {card.title}"
    picture_of(reading.image, settings, found, probability, opacity, words)
    st.caption(_scored(reading, label, found))
    maps = _features(card, reading.image, found.layer)
    if maps is not None:
        _grid(maps, card.title, columns=4)
    for metric in card.metrics[:1]:
        st.caption(metric.sentence)
