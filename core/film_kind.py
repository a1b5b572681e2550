"""What a film is of, in words: whether a page should refuse it, and how to set it upright."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from core.images import Radiograph
from core.percent import percent

KINDS = ("hand", "other hand", "limb", "chest", "cross-section", "other")
ORIENTATIONS = ("upright", "turned left", "upside down", "turned right")
"""By the number of quarter turns to the left (`numpy.rot90`) that an upright film went through."""

DESCRIPTIONS = {
    "hand": "one whole hand laid flat",
    "other hand": "a part of a hand, a hand from the side, more than one hand, or a forearm",
    "limb": "another part of the limbs, such as a foot, knee, elbow, shoulder or hip",
    "chest": "a chest from the front",
    "cross-section": "a slice through a head or a body (CT or MR)",
    "other": "no radiograph that Lightbox knows",
}
EXPECTED = {
    "hand": "one whole hand laid flat, with all its fingers and the wrist",
    "chest": "a chest from the front, with both lungs",
    "limb": "a radiograph of an arm, a leg, a shoulder or a hip",
}
RIM_SIDE, RIM = 64, 3
BRIGHT_RIM = 0.05
"""How much brighter the rim of a small copy of a hand's film is than its middle, if inverted."""
ACCEPTED = {"hand": ("hand",), "chest": ("chest",), "limb": ("hand", "other hand", "limb")}
"""What each page takes: the kinds whose probabilities count together."""


@dataclass(frozen=True, eq=False)
class FilmKind:
    """The answer for one film.

    Attributes:
        probabilities: By kind (`KINDS`), summing to 1.
        orientations: By orientation (`ORIENTATIONS`), summing to 1; of meaning for a chest only.
        inverted_probability: That bones are dark; of meaning for a chest only.
        contrast: Range of the grey values without the extreme hundredths, in [0, 1], after the
            film was made small (so that noise alone gives little).
        operating_points: "hand", "chest" and "limb", below which probability a page that wants it
            refuses; "turned" and "inverted", above which it says so; "contrast", below which a
            film is too poor for any answer.
    """

    probabilities: Mapping[str, float]
    orientations: Mapping[str, float]
    inverted_probability: float
    contrast: float
    operating_points: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.probabilities) != set(KINDS):
            raise ValueError(f"probabilities need the kinds {KINDS}")
        if set(self.orientations) != set(ORIENTATIONS):
            raise ValueError(f"orientations need {ORIENTATIONS}")

    def probability_of(self, wanted: str) -> float:
        """That a film is what a page takes: a key of `ACCEPTED`."""
        return sum(self.probabilities[kind] for kind in ACCEPTED[wanted])

    @property
    def kind(self) -> str:
        """The most probable kind."""
        return max(self.probabilities, key=lambda kind: self.probabilities[kind])

    @property
    def orientation(self) -> str:
        """How a chest film lies: the most probable orientation, "upright" unless it is clear."""
        found = max(self.orientations, key=lambda one: self.orientations[one])
        clear = self.orientations[found] >= self.operating_points.get("turned", 0.5)
        return found if clear else ORIENTATIONS[0]

    @property
    def inverted(self) -> bool:
        """Whether a chest film clearly shows bones dark."""
        return self.inverted_probability >= self.operating_points.get("inverted", 0.5)

    @property
    def too_poor(self) -> bool:
        """Whether the film is nearly of one grey."""
        return self.contrast < self.operating_points.get("contrast", 0.0)


def refusal(kind: FilmKind, wanted: str) -> str | None:
    """Why a page should not answer for a film, or None where it may.

    Args:
        kind: What the film is.
        wanted: "hand", "chest" or "limb".

    Returns:
        What was found and what was expected, in words for people; the page offers to go on.

    Raises:
        ValueError: If no page wants such a film.
    """
    if wanted not in EXPECTED:
        raise ValueError(f"wanted must be one of {sorted(EXPECTED)}, got {wanted!r}")
    if kind.too_poor:
        return (
            f"The film is nearly of one grey: its grey values span {percent(kind.contrast)} of the "
            f"range. Expected is {EXPECTED[wanted]}, with bone that stands out from what is "
            "around it; export it with another window, or show it anyway."
        )
    probability = kind.probability_of(wanted)
    if probability >= kind.operating_points.get(wanted, 0.5):
        return None
    seen = max((k for k in KINDS if k not in ACCEPTED[wanted]), key=lambda k: kind.probabilities[k])
    return (
        f"This looks like {DESCRIPTIONS[seen]} ({percent(kind.probabilities[seen])}). Expected is "
        f"{EXPECTED[wanted]} ({percent(probability)}); choose another image, or show it anyway."
    )


def has_bright_rim(image: Radiograph) -> bool:
    """Whether a hand seems to be shown inverted: its film's rim is brighter than its middle.

    On the 181 validation hands of RSNA no film as it came was called so, and 83 % of them were
    once their greys were inverted.
    """
    small = cv2.resize(image.pixels, (RIM_SIDE, RIM_SIDE), interpolation=cv2.INTER_AREA)
    inner = np.zeros(small.shape, bool)
    inner[RIM:-RIM, RIM:-RIM] = True
    quarter = RIM_SIDE // 4
    middle = small[quarter:-quarter, quarter:-quarter]
    return float(np.median(small[~inner]) - np.median(middle)) > BRIGHT_RIM


def turned(kind: FilmKind) -> str | None:
    """How a chest film lies or is exposed wrongly, in words, or None where it is in order."""
    what = {
        "turned left": "turned by 90° to the left",
        "turned right": "turned by 90° to the right",
        "upside down": "upside down",
    }
    faults = [what[kind.orientation]] if kind.orientation in what else []
    if kind.inverted:
        faults.append("inverted (bones dark, air bright)")
    return f"This chest film seems to be {' and '.join(faults)}." if faults else None


def reoriented(image: Radiograph, kind: FilmKind) -> Radiograph:
    """A chest film turned upright and with bones bright, as `kind` says; itself if it is so."""
    turns = ORIENTATIONS.index(kind.orientation)
    if not turns and not kind.inverted:
        return image
    pixels = np.rot90(image.pixels, -turns)
    if kind.inverted:
        pixels = np.float32(1) - pixels
    changed = image.with_pixels(
        np.ascontiguousarray(pixels, np.float32), f"turned {turns} inverted {kind.inverted}"
    )
    spacing = image.spacing_mm
    if spacing is None or turns % 2 == 0:
        return changed
    return replace(changed, spacing_mm=(spacing[1], spacing[0]))
