"""The 3D page's main column: viewer with its progress, answer, downloads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import streamlit as st

from core.errors import ImagingError
from core.files.browser_volume import compact
from core.files.volume import nifti_bytes, obliqueness_degrees, orientation_of
from core.images import Volume, digest_of
from core.metrics.masks import MaskAgreement, compare_masks
from core.metrics.statistics import dice
from core.percent import percent
from core.skull_strip import Settings, exports, looks_like_t1_head
from core.skull_strip.pipeline import N4
from models.cards import ModelCard
from pages.shared import inputs, stage, views
from pages.shared.views import Download, Figure
from pages.tasks.skull_strip import loaders, steps
from pages.tasks.skull_strip.loaders import Run
from pages.tasks.skull_strip.niivue_viewer import niivue
from pages.tasks.skull_strip.sidebar import PHANTOMS, VolumeCase

POLL_SECONDS = 0.7


def verdict(case: VolumeCase, run: Run, threshold: float) -> None:
    """The answer in one line."""
    if run.state != "done":
        waiting = {"running": "The network is reading the head …", "cancelled": "Cancelled"}
        views.verdict(waiting.get(run.state, "No answer"))
        return
    mask = run.mask(threshold)
    if not mask.any():
        views.verdict(f"**No brain found** at threshold {percent(threshold)}", "problem")
        return
    words = f"**Brain {_millilitres(case.volume, mask):,.0f} mL**"
    if case.truth is not None:
        words += f", Dice {dice(mask, case.truth):.3f} against {case.truth_words}"
    doubt = run.once("doubt", threshold, lambda: looks_like_t1_head(case.volume, mask))
    views.verdict(f"{words}. {doubt}" if doubt else words, "problem" if doubt else "neutral")


def _millilitres(volume: Volume, mask: np.ndarray) -> float:
    return float(np.count_nonzero(mask)) * float(np.prod(volume.spacing_mm)) / 1000


def viewer(key: str, case: VolumeCase, run: Run, threshold: float) -> None:
    """NiiVue with the head, and the mask once there is one.

    Above it stands what the run is doing, and once it is done the choice of intensities: one
    place, so that the viewer does not move.
    """
    shown = "As read"
    with st.container(height=56, border=False, vertical_alignment="center"):
        if run.state == "running":
            _progress(key, run)
        elif run.state == "done" and run.result().prepared.settings.n4:
            shown = st.segmented_control(
                "Intensities",
                ("As read", "Bias corrected"),
                default="As read",
                required=True,
                key=f"{key}_intensities",
                label_visibility="collapsed",
            )
    with st.container(key=f"{key}_viewer_frame"):
        _niivue(key, case, run, threshold, shown)
    stage.tools(f"{key}_viewer", case.words, partial(_step, key), own=True)


def _step(key: str, by: int) -> None:
    """Go to the previous (-1) or next (1) head; a callback."""
    if st.session_state.get(f"{key}_source", "Phantom") != "Phantom":
        inputs.step(key, by)
        return
    seed = int(st.session_state.get(f"{key}_seed", 1)) + by
    st.session_state[f"{key}_seed"] = min(max(seed, 1), PHANTOMS)


@st.fragment
def _niivue(key: str, case: VolumeCase, run: Run, threshold: float, shown: str) -> None:
    """The viewer in a fragment of its own: nothing in it makes the page run again."""
    mask, reference, volume = None, None, case.volume
    if run.state == "done":
        mask = run.once(
            "mask packed", threshold, lambda: compact(run.mask(threshold), volume.affine)
        )  # fmt: skip
    if case.truth is not None:
        digest = volume.digest + digest_of(case.truth)
        reference = loaders.reference_packed(digest, case.truth, volume.affine)
    if shown == "As read":
        head = loaders.as_read(volume)
    else:
        voxels = run.result().prepared.step(N4).image
        head = run.once(f"{shown} packed", 0.0, lambda: compact(voxels, volume.affine))
    niivue(f"{key}_viewer", head, mask, reference, case.name)


def known_of(case: VolumeCase) -> None:
    """One quiet line under the viewer: what the volume is, and what reading it did."""
    volume = case.volume
    views.what_to_see(case.look)
    kind = volume.source.kind if volume.source else ""
    tilt = obliqueness_degrees(volume)
    parts = [case.words, kind, f"oblique by {tilt:.0f}°" if tilt > 1 else ""]
    st.caption(" · ".join(part for part in parts if part))
    for note in volume.notes:
        st.caption(note)


def _progress(key: str, run: Run) -> None:
    """The stage that is running, how far it is, and a way to stop it."""

    @st.fragment(run_every=POLL_SECONDS)
    def watch() -> None:
        if run.state != "running":
            st.rerun(scope="app")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(run.work.fraction, 1.0), f"{run.work.stage} …")
            st.button(
                "Cancel", key=f"{key}_cancel", icon=":material/stop:", on_click=run.work.cancel
            )  # fmt: skip

    watch()


def no_result(key: str, run: Run) -> None:
    """What is said of a run that was cancelled or failed."""
    if run.state == "cancelled":
        st.info("Cancelled. The head is shown as it was read.", icon=":material/stop_circle:")
        st.button(
            "Run again",
            key=f"{key}_again",
            type="primary",
            on_click=run.forget,
        )
    elif run.state == "failed":
        try:
            run.result()
        except ImagingError as err:
            st.error(str(err), icon=":material/error:")


def answer(case: VolumeCase, run: Run, threshold: float, card: ModelCard) -> None:
    """Brain volume and geometry, agreement with a reference where there is one, warnings."""
    volume = case.volume
    mask = run.mask(threshold)
    grid = volume.source.shape if volume.source else volume.voxels.shape
    edges = volume.spacing_mm
    figures = [
        Figure("Brain", f"{_millilitres(volume, mask):,.0f} mL", "brain volume"),
        Figure("Voxel", " × ".join(f"{edge:.3g}" for edge in edges) + " mm", "voxel"),
        Figure("Matrix", " × ".join(str(side) for side in grid)),
        Figure("Orientation", orientation_of(volume), "orientation"),
    ]
    if case.truth is not None:
        found = agreement(case, run, threshold)
        figures += [
            Figure("Dice", f"{found.dice:.3f}", "Dice"),
            Figure("IoU", f"{found.iou:.3f}", "mask IoU"),
            Figure("HD95", f"{found.hd95_mm:.1f} mm", "HD95"),
            Figure("Difference", f"{found.volume_difference_ml:+,.0f} mL", "brain volume"),
        ]
    views.metric_strip(figures)
    if case.truth is not None:
        st.caption(f"Dice, IoU, HD95 and difference are against {case.truth_words}.")
    views.error_line(card)


def agreement(case: VolumeCase, run: Run, threshold: float) -> MaskAgreement:
    """The mask against the case's reference, measured once a threshold."""
    truth = case.truth
    assert truth is not None
    return run.once(
        f"agreement {digest_of(truth)}",
        threshold,
        lambda: compare_masks(run.mask(threshold), truth, case.volume.spacing_mm),
    )


def with_mask(case: VolumeCase, run: Run, threshold: float) -> VolumeCase:
    """The case as the lab gets it: with the model's mask where there is no reference."""
    if case.truth is not None:
        return case
    return replace(
        case, truth=run.mask(threshold), truth_words="the model's mask", truth_from_model=True
    )


def download(key: str, case: VolumeCase, run: Run, settings: Settings, card: ModelCard) -> None:
    """Files on the grid of the input."""
    volume, mask = case.volume, run.mask(settings.threshold)
    result = run.result()
    plane, position = steps.where(key, volume)
    found: dict[str, float] = {"brain_ml": round(_millilitres(volume, mask), 1)}
    if case.truth is not None:
        measured = agreement(case, run, settings.threshold)
        found |= {
            "dice": round(measured.dice, 4),
            "iou": round(measured.iou, 4),
            "hd95_mm": round(measured.hd95_mm, 2),
        }

    def nifti(label: str, what: str, content: Callable[[], bytes]) -> Download:
        return Download(label, f"{case.name}_{what}.nii.gz", content)

    files = [
        nifti("Mask", "brain_mask", lambda: nifti_bytes(mask, volume)),
        nifti("Stripped brain", "brain", lambda: exports.stripped(volume, mask)),
        Download(
            "Surface (STL)", f"{case.name}_brain.stl", lambda: exports.surface_stl(volume, mask)
        ),
        Download(
            "Stages (PNG)",
            f"{case.name}_stages.png",
            lambda: exports.strip_png(
                steps.layers(case, run, settings.threshold),
                plane,
                position,
                steps.outlines(case, run, settings.threshold),
            ),
        ),
        Download(
            "Parameters (JSON)",
            f"{case.name}_parameters.json",
            lambda: exports.parameters_json(
                volume,
                asdict(settings),
                {"title": card.title, "file": card.file, "sha256": card.sha256},
                found,
            ),
        ),
    ]
    if result.prepared.settings.n4:
        corrected = result.prepared.step(N4).image
        files.insert(
            2, nifti("Bias corrected", "bias_corrected", lambda: nifti_bytes(corrected, volume))
        )
    st.caption(
        "Volumes are NIfTI on the grid and affine of the input "
        f"({orientation_of(volume)}); the surface is in millimetres, RAS."
    )
    views.downloads(key, files)
