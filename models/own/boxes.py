"""A detector's rows, as the YOLO families write them, as corners and one score."""

from __future__ import annotations

import numpy as np

from core.errors import UnsuitableInputError
from core.images import FloatArray
from models.own.reads import FINAL, OBJECTNESS, Reads


def rows_of(raw: FloatArray) -> FloatArray:
    """A detector's answer (N, A, C) with a box a row, whichever axis the boxes came on.

    Raises:
        UnsuitableInputError: If it has no such shape.
    """
    if raw.ndim != 3 or min(raw.shape[1:]) < 5:
        shape = " × ".join(map(str, raw.shape))
        raise UnsuitableInputError(
            f"The detector answers with {shape} numbers; expected are 1 × boxes × (4 + classes), "
            "as an export of Ultralytics gives."
        )
    # An answer has far more boxes than numbers to a box.
    return raw if raw.shape[1] >= raw.shape[2] else raw.swapaxes(1, 2)


def decode(raw: FloatArray, reads: Reads) -> FloatArray:
    """Corners in pixels of the input, and the highest score among the classes that count.

    Args:
        raw: What the network gives.
        reads: How its rows are built.

    Returns:
        (N, A, 5).

    Raises:
        UnsuitableInputError: If the rows are too short for the classes.
    """
    rows = rows_of(raw)
    counted = list(reads.counted)
    needed = {FINAL: 6, OBJECTNESS: 5 + reads.outputs}.get(reads.answer, 4 + reads.outputs)
    if rows.shape[2] < needed:
        raise UnsuitableInputError(
            f"The detector gives {rows.shape[2]} numbers to a box, but {needed} are needed for "
            f"{reads.outputs} classes: correct its labels."
        )
    if reads.answer == FINAL:
        corners = rows[..., :4]
        scores = np.where(np.isin(rows[..., 5].round(), counted), rows[..., 4], 0)
    else:
        centre, half = rows[..., :2], rows[..., 2:4] / 2
        corners = np.concatenate([centre - half, centre + half], axis=-1)
        if reads.answer == OBJECTNESS:
            scores = rows[..., 4] * rows[..., 5 : 5 + reads.outputs][..., counted].max(-1)
        else:
            scores = rows[..., 4 : 4 + reads.outputs][..., counted].max(-1)
    if reads.unit_boxes:
        height, width = reads.shape
        corners = corners * np.array([width, height, width, height], np.float32)
    return np.concatenate([corners, np.clip(scores, 0, 1)[..., None]], axis=-1).astype(np.float32)
