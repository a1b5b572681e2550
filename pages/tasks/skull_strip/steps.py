"""The stages behind a 3D answer: strip, montage, histograms, bias field, uncertainty."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.glossary import GLOSSARY
from core.images import Volume
from core.metrics.masks import disagreement
from core.percent import percent
from core.plots.slices import NORMAL, PLANES, Layer, layer_of, spread
from core.rounding import span
from core.skull_strip import plots
from core.skull_strip.pipeline import N4, RESAMPLE, Z_SCORE
from core.stages import Step
from pages.shared import charts, views
from pages.tasks.skull_strip.loaders import Run
from pages.tasks.skull_strip.sidebar import VolumeCase

SCANNER = "scanner units"
UNITS = {"As read": SCANNER, N4: SCANNER, RESAMPLE: SCANNER, Z_SCORE: "SD"}
"""Of a stage's values; those of the others are shares or masks, from 0 to 1."""
CONFIG = {"displaylogo": False}
STEP_VIEWS = ("Strip", "Montage", "Histograms", "Bias field")


def layers(case: VolumeCase, run: Run, threshold: float) -> list[Layer]:
    """Every stage as a layer of the strip, from the head as read to the brain alone."""
    volume, result = case.volume, run.result()
    found = [layer_of("As read", volume.voxels, volume)]
    for step in result.prepared.steps:
        if step.skipped:
            continue
        affine = step.overlays.get("affine", result.prepared.affine)
        found.append(layer_of(step.name, step.image, volume, affine))
        if step.name == N4:
            found.insert(1, layer_of("Bias field", step.overlays["field"], volume, affine, "field"))
    probability = layer_of(
        "Probability", result.values, volume, result.prepared.affine, "probability"
    )
    brain = volume.voxels * run.mask(threshold)
    return [*found, probability, layer_of("Brain", brain, volume)]


def outlines(case: VolumeCase, run: Run, threshold: float) -> list[tuple[str, Layer]]:
    """Outline of the mask (solid) and of the reference (dashed) where there is one."""
    found = [("prediction", layer_of("mask", run.mask(threshold), case.volume))]
    if case.truth is not None:
        found.append(("truth", layer_of("reference", case.truth, case.volume)))
    return found


def where(key: str, volume: Volume) -> tuple[str, float]:
    """Plane and position (mm) chosen for the strip, also while its widgets are not shown."""
    plane = st.session_state.get(f"{key}_plane") or PLANES[0]
    size = volume.voxels.shape[NORMAL[plane]]
    index = st.session_state.get(f"{key}_{plane}_{size}_index", int(size * 0.55))
    return plane, index * volume.spacing_mm[NORMAL[plane]]


@st.fragment
def steps(key: str, case: VolumeCase, run: Run, threshold: float) -> None:
    """The teaching views: strip, montage, histograms, bias field."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = views.segments("View", STEP_VIEWS, f"{key}_step_view", "Strip")
        plane = PLANES[0]
        if view != "Histograms":
            plane = views.segments("Plane", PLANES, f"{key}_plane", has_label=True)
        size = case.volume.voxels.shape[NORMAL[plane]]
        if view in ("Strip", "Bias field"):
            st.slider(
                "Slice", 0, size - 1, int(size * 0.55), key=f"{key}_{plane}_{size}_index",
                help="Counted on the input grid; the slice nearest to it is shown of each stage.",
            )  # fmt: skip
    lines = outlines(case, run, threshold)
    if view == "Strip":
        _strip(key, case, layers(case, run, threshold), lines)
        _listing(case, run, threshold)
    elif view == "Montage":
        indices = spread(case.volume, plane, 18, run.mask(threshold))
        _slices(
            plots.sheet(layer_of("", case.volume.voxels, case.volume), lines[0][1], plane, indices),
            f"{key}_montage",
            f"{len(indices)} {plane} slices through the brain with the outline of the mask.",
        )
    elif view == "Histograms":
        _histograms(key, case, run, threshold)
    else:
        _bias_field(key, case, run, threshold)


def _strip(key: str, case: VolumeCase, shown: list[Layer], lines: Any, name: str = "strip") -> None:
    plane, position = where(key, case.volume)
    _slices(
        plots.strip(shown, plane, position, lines),
        f"{key}_{name}",
        f"The same {plane} slice through {len(shown)} stages, with the outline of the mask.",
    )
    st.caption(
        "Blue, solid: the model's mask."
        + (f" Orange, dashed: {case.truth_words}." if case.truth is not None else "")
        + " Zoom by dragging; all panels follow. Patient's right is at the left, as on a film."
    )


def _listing(case: VolumeCase, run: Run, threshold: float) -> None:
    """Every stage with what came out of it: steps that look alike differ here."""
    result = run.result()
    volume, prepared = case.volume, result.prepared
    own, grid = volume.spacing_mm, prepared.grid.spacing_mm
    rows = [_row("As read", volume.voxels, own, None, "", "The head as its file holds it.")]

    def add(step: Step) -> None:
        said = ", ".join(
            f"{name.replace('_', ' ')} {value}" for name, value in step.parameters.items()
        )
        at = own if step.image.shape == volume.voxels.shape else grid
        seconds = None if step.skipped else step.seconds
        rows.append(_row(step.name, step.image, at, seconds, said, step.why))

    for step in prepared.steps:
        add(step)
    rows.append(
        _row("3D U-Net", result.values, grid, result.seconds, "", GLOSSARY["3D U-Net"])
    )  # fmt: skip
    for step in run.steps_after(threshold):
        add(step)
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        alt="Every stage with its range of values, matrix, voxel size, duration and reason.",
    )


def _row(
    name: str,
    image: np.ndarray,
    spacing_mm: tuple[float, float, float],
    seconds: float | None,
    parameters: str,
    why: str,
) -> dict[str, str]:
    low, high = float(image.min()), float(image.max())
    return {
        "Stage": name,
        "Range": span(low, high, UNITS.get(name, "")),
        "Matrix": " × ".join(map(str, image.shape)),
        "Voxel (mm)": " × ".join(f"{edge:.3g}" for edge in spacing_mm),
        "Time": "left out" if seconds is None and name != "As read" else f"{seconds or 0:.2f} s",
        "Parameters": parameters,
        "Why": why,
    }


def _histograms(key: str, case: VolumeCase, run: Run, threshold: float) -> None:
    mask = run.mask(threshold).astype(bool)
    voxels = case.volume.voxels
    if not mask.any() or mask.all():
        st.info("A histogram in and out of the mask needs a mask.")
        return
    air = float(voxels.min()) + 0.05 * float(np.ptp(voxels[::3, ::3, ::3]))
    _chart(
        plots.histogram(
            [
                ("in the mask", voxels[mask], "solid"),
                ("outside, without air", voxels[~mask & (voxels > air)], "dash"),
            ],
            "intensity as read",
        ),
        f"{key}_in_out",
        "Histogram of intensities inside and outside the brain mask.",
    )
    st.caption(
        "Brain, muscle and marrow share many intensities: no single threshold on brightness "
        "separates the brain, which is why a network looks at shape and place."
    )


def _bias_field(key: str, case: VolumeCase, run: Run, threshold: float) -> None:
    prepared = run.result().prepared
    step = prepared.step(N4)
    if step.skipped:
        st.info("N4 was left out of this run. Switch it on under “Adjust the stages”.")
        return
    shown = [
        layer
        for layer in layers(case, run, threshold)
        if layer.title in ("As read", "Bias field", N4)
    ]
    _strip(key, case, shown, [])
    mask = run.mask(threshold).astype(bool)
    if mask.any():
        before, after = case.volume.voxels[mask], step.image[mask]
        after = after * (float(np.median(before)) / max(float(np.median(after)), 1e-6))
        _chart(
            plots.histogram(
                [("before N4", before, "dash"), ("after N4", after, "solid")],
                "intensity in the mask, medians matched",
            ),
            f"{key}_before_after",
            "Histogram of brain intensities before and after bias correction.",
        )
        st.caption(
            "Where shading is removed, grey and white matter draw apart into narrower peaks."
        )


def explain(key: str, case: VolumeCase, run: Run, threshold: float) -> None:
    """Where the network is unsure, and where a reference disagrees with it."""
    result = run.result()
    st.markdown("**Where the network is unsure.** Its probability before the threshold.")
    shown = layers(case, run, threshold)
    _strip(key, case, [shown[0], shown[-2]], outlines(case, run, threshold), "unsure")
    sure = float(((result.values < 0.1) | (result.values > 0.9)).mean())
    st.caption(f"{percent(1 - sure)} of the working grid lies between 10 % and 90 %.")
    if case.truth is None:
        st.caption("Add a reference mask in the sidebar to see where the two disagree.")
        return
    difference = disagreement(run.mask(threshold), case.truth)
    st.markdown(f"**Where the mask and {case.truth_words} disagree.**")
    volume = case.volume
    worst = {
        plane: float(np.argmax((difference >= 2).sum(axis=tuple(a for a in range(3) if a != axis))))
        * volume.spacing_mm[axis]
        for plane, axis in NORMAL.items()
    }
    _slices(
        plots.disagreement_strip(
            layer_of("", volume.voxels, volume),
            layer_of("", difference, volume, scale="difference"),
            worst,
        ),
        f"{key}_disagreement",
        "Three planes with the voxels that only the model or only the reference counts as brain.",
    )
    millilitres = float(np.prod(volume.spacing_mm)) / 1000
    only = [float((difference == value).sum()) * millilitres for value in (2, 3)]
    st.caption(
        f"In each plane the slice with most disagreement. Vermilion: only the model "
        f"({only[0]:,.0f} mL). Yellow: only {case.truth_words} ({only[1]:,.0f} mL)."
    )


def _slices(figure: Any, key: str, alt: str) -> None:
    """A figure of pictures: a table of grey values would tell nobody anything."""
    st.plotly_chart(figure, key=key, alt=alt, config=CONFIG, theme="streamlit")


def _chart(figure: Any, key: str, alt: str) -> None:
    charts.chart(figure, key=key, alt=alt, config=CONFIG, theme="streamlit")
