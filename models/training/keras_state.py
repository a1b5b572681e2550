"""What a Keras loop of our own goes on from after it was stopped, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


def keep(path: Path, variables: Sequence[keras.Variable], step: int, seconds: float) -> None:
    """Write all variables, those of dropout and of the optimiser too, after so many steps.

    Args:
        path: An .npz file.
        variables: In the order in which they are taken up.
        step, seconds: How far the run is.
    """
    arrays = {f"v{number}": np.asarray(variable) for number, variable in enumerate(variables)}
    partial = path.with_suffix(".partial.npz")
    told = {"step": np.int64(step), "seconds": np.float64(seconds)}
    np.savez(partial, **told, **arrays)  # type: ignore[arg-type]  # numpy's stub takes no mapping
    partial.replace(path)


def take_up(path: Path, variables: Sequence[keras.Variable]) -> tuple[int, float]:
    """Fill the variables from a file of `keep`; the steps and seconds so far, 0 without a file."""
    if not path.is_file():
        return 0, 0.0
    with np.load(path, allow_pickle=False) as kept:
        for number, variable in enumerate(variables):
            variable.assign(kept[f"v{number}"])
        return int(kept["step"]), float(kept["seconds"])
