"""Half-widths of the 90 % intervals.

The 90th percentile of the absolute error on the validation split, with the finite-sample
correction of split-conformal prediction (Lei et al., JASA 2018;113(523):1094).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

COVERAGE = 0.9


def half_width(errors: NDArray[np.float64], coverage: float = COVERAGE) -> float:
    """The smallest half-width that holds `coverage` of errors like these, in months.

    Args:
        errors: Absolute errors on films that training did not see, (N,).
        coverage: In (0, 1).
    """
    rank = min(len(errors), math.ceil((len(errors) + 1) * coverage))
    return float(np.sort(errors)[rank - 1])
