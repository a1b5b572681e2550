"""Score the hand mask on phantoms: `python -m models.bone_age.evaluate_hand_mask --phantoms 40`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.bone_age.cases import read_bone_age_cases
from core.files.radiograph import read_radiograph
from core.metrics.statistics import bootstrap_interval, dice
from core.phantoms.hand.phantom import hand_phantom
from models.bone_age.hand_labels import clear_mask
from models.bone_age.hand_mask import HandMaskModel, hand_mask, load_hand_mask
from models.cards import load_card


def phantom_scores(model: HandMaskModel, seeds: Sequence[int]) -> list[float]:
    """Dice of each phantom; the network learns from seeds 1000 on."""
    found = []
    for seed in seeds:
        phantom = hand_phantom(seed, shape=(480, 384))
        found.append(dice(hand_mask(model, phantom.image.pixels), phantom.mask))
    return found


def film_scores(model: HandMaskModel, folder: Path, split: str) -> tuple[list[float], int]:
    """Dice against the thresholded masks of a split's clear films, and how many films it has.

    Those masks are no truth, and the clear films are the easy ones.
    """
    found = []
    cases = read_bone_age_cases(folder, split)
    for case in cases:
        pixels = read_radiograph(case.path.read_bytes(), name=case.file).pixels
        mask = clear_mask(pixels)
        if mask is not None:
            found.append(dice(hand_mask(model, pixels), mask))
    return found, len(cases)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phantoms", type=int, default=40, help="how many, from seed 0 on")
    parser.add_argument("--data", type=Path, help="also score clear films of this folder")
    parser.add_argument("--split", default="val")
    options = parser.parse_args(arguments)
    model = load_hand_mask(load_card("bone_age", "hand_mask"))
    start = time.perf_counter()
    print("phantoms:", _summary(phantom_scores(model, range(options.phantoms))))
    print(f"{time.perf_counter() - start:.1f} s, phantoms included")
    if options.data:
        scores, total = film_scores(model, options.data, options.split)
        print(f"{len(scores)} clear films of {total} in {options.split}:", _summary(scores))


def _summary(scores: Sequence[float]) -> str:
    low, high = bootstrap_interval(lambda part: float(np.mean(part)), np.asarray(scores))
    return (
        f"mean Dice {np.mean(scores):.4f} (95 % interval {low:.4f} to {high:.4f}), "
        f"least {min(scores):.4f}, n = {len(scores)}"
    )


if __name__ == "__main__":
    main()
