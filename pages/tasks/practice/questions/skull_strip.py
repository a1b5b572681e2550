"""Head: two masks over the same slices, one of them right; and the spot where the other is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.images import Volume
from core.plots import draw, slices
from core.practice.answers import Answer, HeadAnswer
from core.practice.cases import Case
from core.practice.truths import HeadTruth
from pages.tasks.practice import film as films
from pages.tasks.practice.film import Film, Layer, Shape, Style
from pages.tasks.practice.questions import shared
from pages.tasks.practice.questions.shared import Choice, Seat

Ijk = tuple[float, float, float]
OUTLINE = (204, 121, 167)  # Okabe & Ito's purple: neither truth nor model nor reader
GAP_PX = 8
SCALE = 3  # screen pixels a voxel of 2 mm: outlines stay thin


def ask(case: Case, seat: Seat) -> list[Choice]:
    """Draw both masks and the question; the answers that can be kept now."""
    start = cast(HeadAnswer | None, seat.start)
    plane, index = _slice(case, seat, start.spot_ijk if start else None)
    sheet = _Sheet(case.volume, plane, index)
    held = f"{seat.name}_spot"
    if held not in st.session_state:
        st.session_state[held] = start.spot_ijk if start else None
    layers = () if seat.model is None else sheet.layers("model", cast(HeadAnswer, seat.model))
    with seat.left:
        placed = films.spot(
            _film(case, seat, sheet, layers),
            key=f"{seat.name}_film",
            frame=f"{plane} {index}",
            placed=sheet.place(st.session_state[held]),
        )
        if placed is not None:
            st.session_state[held] = sheet.voxel(placed)
        elif sheet.holds(st.session_state[held]):
            st.session_state[held] = None  # it was deleted here
    with seat.right:
        side = st.segmented_control(
            "**Which mask is the brain?** The other is wrong in one place.",
            ("A", "B"),
            default=start.side if start else None,
            key=f"{seat.name}_side",
        )
        shared.the_model_says(seat, in_words)
        spot = st.session_state[held]
        st.caption(
            "Then click on the wrong spot in either picture, or press *Mark centre* and "
            "use the arrow keys. "
            + ("A spot is marked." if spot else "No spot is marked (it may stay so).")
        )
        sure = shared.confidence(seat)
    kept = HeadAnswer(str(side), sure, spot) if side else None
    return [Choice("Keep my answer", "K", kept)]


def _slice(case: Case, seat: Seat, spot: Ijk | None) -> tuple[str, int]:
    """The plane and the slice that are looked at."""
    with seat.right:
        plane = st.segmented_control(
            "Plane", slices.PLANES, default="axial", required=True, key=f"{seat.name}_plane"
        )
        axis = slices.NORMAL[plane]
        last = case.volume.voxels.shape[axis] - 1
        start = round(spot[axis]) if spot else last // 2
        index = st.slider(
            "Slice", 0, last, min(max(start, 0), last), key=f"{seat.name}_slice_{plane}"
        )
    return str(plane), int(index)


class _Sheet:
    """One slice twice, mask A at the left and B at the right; voxels to its pixels and back."""

    def __init__(self, volume: Volume, plane: str, index: int) -> None:
        self.volume, self.plane, self.index = volume, plane, index
        self.across = slices.ACROSS[plane]
        a, b = self.across
        spacing = volume.spacing_mm
        finest = min(spacing)
        self.step = (SCALE * spacing[a] / finest, SCALE * spacing[b] / finest)
        self.size = (
            round(volume.voxels.shape[a] * self.step[0]),
            round(volume.voxels.shape[b] * self.step[1]),
        )

    @property
    def width(self) -> int:
        return 2 * self.size[0] + GAP_PX

    def picture(self, masks: Mapping[str, NDArray[Any]]) -> draw.Picture:
        """uint8 (H, W, 3)."""
        low, high = slices.display_range(self.volume.voxels)
        grey = slices.grey(self._cut(self.volume.voxels), low, high)
        base = draw.to_rgb(cv2.resize(grey, self.size, interpolation=cv2.INTER_LINEAR))
        sheet = np.zeros((self.size[1], self.width, 3), np.uint8)
        for place, side in enumerate("AB"):
            mask = self._cut(np.asarray(masks[side], np.uint8))
            large = cv2.resize(mask, self.size, interpolation=cv2.INTER_NEAREST)
            lines, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            panel = base.copy()
            cv2.drawContours(panel, lines, -1, OUTLINE, 1)
            left = place * (self.size[0] + GAP_PX)
            sheet[:, left : left + self.size[0]] = panel
        return sheet

    def _cut(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """The slice as a picture, top row first."""
        layer = slices.layer_of("", voxels, self.volume)
        axis = slices.NORMAL[self.plane]
        found = slices.slice_at(layer, self.plane, self.index * layer.step_mm[axis])
        return np.ascontiguousarray(found.image[::-1])

    def voxel(self, place: tuple[float, float]) -> Ijk:
        """The voxel under a pixel, of either picture."""
        x = place[0] % (self.size[0] + GAP_PX)
        a, b = self.across
        found = [0.0, 0.0, 0.0]
        found[slices.NORMAL[self.plane]] = float(self.index)
        found[a] = self.volume.voxels.shape[a] - 0.5 - x / self.step[0]
        found[b] = self.volume.voxels.shape[b] - 0.5 - place[1] / self.step[1]
        return found[0], found[1], found[2]

    def holds(self, spot: Ijk | None) -> bool:
        """Whether a spot lies on this slice."""
        return spot is not None and round(spot[slices.NORMAL[self.plane]]) == self.index

    def place(self, spot: Ijk | None, side: str = "A") -> tuple[float, float] | None:
        """Where a voxel lies on the sheet, or None where it is on another slice."""
        if spot is None or not self.holds(spot):
            return None
        a, b = self.across
        x = (self.volume.voxels.shape[a] - 0.5 - spot[a]) * self.step[0]
        y = (self.volume.voxels.shape[b] - 0.5 - spot[b]) * self.step[1]
        return x + (self.size[0] + GAP_PX if side == "B" else 0), y

    def layers(self, style: Style, answer: HeadAnswer) -> tuple[Layer, ...]:
        """An answer's spot, on the mask that it says is wrong."""
        wrong = "B" if answer.side == "A" else "A"
        found = self.place(answer.spot_ijk, wrong)
        return () if found is None else (Layer(style, (Shape(style, spot=found),)),)


def _film(
    case: Case, seat: Seat, sheet: _Sheet, layers: tuple[Layer, ...], locked: bool = False
) -> Film:
    return Film(
        name=seat.name,
        picture=sheet.picture(case.masks),
        alt=f"{seat.title}: the same {sheet.plane} slice with mask A and with mask B",
        texts=tuple(
            (x + 8, 8, "start", "1em", side)
            for side, x in (("A", 0.0), ("B", float(sheet.size[0] + GAP_PX)))
        ),
        layers=layers,
        locked=locked,
        has_scale=False,
    )


def reveal(case: Case, seat: Seat, answers: Mapping[str, Answer]) -> None:
    """Both masks with the spots of all three."""
    truth = cast(HeadTruth, case.truth)
    again = Seat(f"{seat.name}_after", seat.title, seat.left, seat.right)
    plane, index = _slice(case, again, truth.spot_ijk)
    sheet = _Sheet(case.volume, plane, index)
    layers = sheet.layers("truth", HeadAnswer(truth.side, 100, truth.spot_ijk))
    if "model" in answers:
        layers += sheet.layers("model", cast(HeadAnswer, answers["model"]))
    own = answers.get("final", answers.get("first"))
    if own is not None:
        layers += sheet.layers("you", cast(HeadAnswer, own))
    with seat.left:
        films.look(_film(case, again, sheet, layers, locked=True), key=f"{again.name}_film")


def in_words(answer: Answer) -> str:
    """An answer as a table has it."""
    found = cast(HeadAnswer, answer)
    spot = "with" if found.spot_ijk else "without"
    return f"{found.side} is right, {found.confidence:.0f} % sure, {spot} a spot"


def truth_in_words(case: Case) -> str:
    """The truth as a table has it."""
    truth = cast(HeadTruth, case.truth)
    other = "B" if truth.side == "A" else "A"
    wrong = "brain is missing" if truth.error == "missing" else "other tissue is included"
    return f"{truth.side} is right; in {other} {wrong}"
