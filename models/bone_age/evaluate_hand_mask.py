"""How the hand mask compares with known masks; `models.verify` puts the figures on its card."""

from __future__ import annotations

from collections.abc import Sequence

from core.bone_age.cases import BoneAgeCase
from core.files.radiograph import read_radiograph
from core.metrics.statistics import dice
from core.phantoms.hand.phantom import hand_phantom
from models.bone_age.hand_labels import clear_mask
from models.bone_age.hand_mask import HandMaskModel, hand_mask


def phantom_scores(model: HandMaskModel, seeds: Sequence[int]) -> list[float]:
    """Dice of each phantom; the network learns from seeds 1000 on."""
    found = []
    for seed in seeds:
        phantom = hand_phantom(seed, shape=(480, 384))
        found.append(dice(hand_mask(model, phantom.image.pixels), phantom.mask))
    return found


def film_scores(model: HandMaskModel, cases: Sequence[BoneAgeCase]) -> dict[str, float]:
    """Dice against the thresholded mask of each clear film, by file.

    Those masks are no truth, and the clear films are the easy ones.
    """
    found = {}
    for case in cases:
        pixels = read_radiograph(case.path.read_bytes(), name=case.file).pixels
        mask = clear_mask(pixels)
        if mask is not None:
            found[case.file] = dice(hand_mask(model, pixels), mask)
    return found
