"""Half-widths of the 90 % intervals: `python -m models.bone_age.calibrate --data FOLDER`.

Prints, for every card, the value that belongs into its settings: the 90th percentile of the
absolute error on the validation split, with the finite-sample correction of split-conformal
prediction (Lei et al., JASA 2018;113(523):1094), with and without the sex given.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.bone_age.cases import read_bone_age_cases
from models.bone_age.evaluate import age_cards, predict_all, read_inputs
from models.bone_age.predict import pipelines_of

COVERAGE = 0.9


def half_width(errors: NDArray[np.float64], coverage: float = COVERAGE) -> float:
    """The smallest half-width that holds `coverage` of errors like these, in months.

    Args:
        errors: Absolute errors on films that training did not see, (N,).
        coverage: In (0, 1).
    """
    rank = min(len(errors), math.ceil((len(errors) + 1) * coverage))
    return float(np.sort(errors)[rank - 1])


def main() -> None:
    """Read the arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", nargs="*", help="names of cards; default: all")
    options = parser.parse_args()
    cards = [card for card in age_cards() if not options.models or card.name in options.models]
    cases = read_bone_age_cases(options.data, "val")
    seen, readable = read_inputs(
        cases, sorted({name for card in cards for name in pipelines_of(card)})
    )
    truth = np.array([case.months for case in cases])
    for card in cards:
        widths = []
        for known in (True, False):
            sexes = [case.sex if known else None for case in cases]
            error = np.abs(predict_all(card, seen, sexes, readable)[0] - truth)
            widths.append(half_width(error))
            print(card.name, "sex known" if known else "sex unknown", f"MAE {error.mean():.2f}")
        print(f"half_width_months = {widths[0]:.1f}")
        print(f"half_width_months_sex_unknown = {widths[1]:.1f}")


if __name__ == "__main__":
    main()
