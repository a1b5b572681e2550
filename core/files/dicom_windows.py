"""Display presets of DICOM files: windows and lookup tables, offered by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from core.errors import UnreadableImageError
from core.files.checks import unit_range
from core.images import FloatArray

_WORDS = {
    *("NORMAL", "STANDARD", "DEFAULT", "USER", "HARD", "HARDER", "SOFT", "SOFTER", "HIGH", "LOW"),
    *("MEDIUM", "CONTRAST", "BONE", "LUNG", "SOFTTISSUE", "TISSUE", "SKIN", "SPINE", "CHEST"),
    *("ABDOMEN", "MEDIASTINUM", "BRAIN", "WINDOW", "WIDE", "NARROW", "SIGMOID", "LINEAR", "LUT"),
    *("DETAIL", "EDGE", "VASCULAR", "ALGO", "FULL", "BRIGHT", "DARK", "METAL", "IMPLANT"),
}
"""Words that a preset's own name may be made of: it is free text and could name a patient."""


@dataclass(frozen=True)
class Preset:
    """A way to map stored values to grey.

    Attributes:
        name: What the screen offers.
        apply: Values (H, W) → float32 (H, W) in [0, 1].
    """

    name: str
    apply: Callable[[np.ndarray[Any, Any]], FloatArray]


def presets_of(dataset: Any) -> list[Preset]:
    """The file's lookup tables, then its windows; unusable windows are left out."""
    tables = list(dataset.get("VOILUTSequence") or [])
    presets = [
        Preset(_name(table.get("LUTExplanation"), f"Table {number}"), partial(_looked_up, table))
        for number, table in enumerate(tables, 1)
    ]
    centres, widths = _numbers(dataset.get("WindowCenter")), _numbers(dataset.get("WindowWidth"))
    explanations = _listed(dataset.get("WindowCenterWidthExplanation"))
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    least = 1.0 if function == "LINEAR" else 0.0
    for index, (centre, width) in enumerate(zip(centres, widths, strict=False)):
        if not (np.isfinite(centre) and np.isfinite(width) and width >= least and width > 0):
            continue
        explanation = explanations[index] if index < len(explanations) else None
        name = _name(explanation, f"Window {index + 1}")
        presets.append(
            Preset(
                f"{name} (centre {centre:g}, width {width:g})",
                partial(windowed, centre=centre, width=width, function=function),
            )
        )
    return presets


def windowed(
    values: np.ndarray[Any, Any], centre: float, width: float, function: str = "LINEAR"
) -> FloatArray:
    """Apply a window as in DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3, to [0, 1].

    Args:
        values: (H, W) after the modality LUT.
        centre: Window centre in units of the values.
        width: Window width, at least 1 for LINEAR, above 0 for the others.
        function: "LINEAR", "LINEAR_EXACT" or "SIGMOID"; another counts as LINEAR.
    """
    if function == "SIGMOID":
        steepness = np.clip(-4.0 * (values - centre) / width, -60.0, 60.0)
        return (1.0 / (1.0 + np.exp(steepness))).astype(np.float32)
    if function == "LINEAR_EXACT":
        return unit_range(values, centre - width / 2, centre + width / 2)
    if width == 1:
        return (values > centre - 0.5).astype(np.float32)
    return unit_range(values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)


def through_lut(values: np.ndarray[Any, Any], table: Any) -> np.ndarray[Any, Any]:
    """Map values through a DICOM lookup table (PS3.3 C.11.1.1.1); ends go on outwards.

    Args:
        values: (H, W) stored or modality values.
        table: Item of a Modality or VOI LUT sequence.

    Returns:
        (H, W) table entries, uint16.
    """
    count, first, _ = (int(number) for number in table.LUTDescriptor)
    entries = _entries(table, count or 65536)
    index = np.clip(np.rint(values).astype(np.int64) - first, 0, len(entries) - 1)
    return entries[index]


def _looked_up(table: Any, values: np.ndarray[Any, Any]) -> FloatArray:
    bits = int(table.LUTDescriptor[2])
    entries = through_lut(values, table)
    # Some devices state 16 bits though their tables end at 12: the table's own end decides.
    highest = int(_entries(table, int(table.LUTDescriptor[0]) or 65536).max())
    full_scale = 2**bits - 1 if highest > 2 ** (bits - 1) else highest
    return unit_range(entries, 0, max(full_scale, 1))


def _entries(table: Any, count: int) -> np.ndarray[Any, Any]:
    stored = table.LUTData
    if isinstance(stored, bytes):
        packed = len(stored) < 2 * count  # 8-bit entries, two to a word
        entries = np.frombuffer(stored, np.uint8 if packed else "<u2")[:count]
    else:
        entries = np.asarray(stored).reshape(-1)[:count]
    if len(entries) < count:
        raise UnreadableImageError(
            "A lookup table of the DICOM file is shorter than its header says, so that the grey "
            "values cannot be shown; export or copy it again."
        )
    return entries.astype(np.uint16)


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)


def _numbers(value: Any) -> list[float]:
    found = []
    for part in _listed(value):
        try:
            found.append(float(part))
        except (TypeError, ValueError):
            found.append(float("nan"))
    return found


def _name(explanation: Any, otherwise: str) -> str:
    """The preset's own name where it is made of known words, else a plain number."""
    words = str(explanation or "").upper().replace("_", " ").split()
    known = bool(words) and all(word.rstrip("0123456789") in _WORDS for word in words)
    short = known and all(sum(letter.isdigit() for letter in word) <= 2 for word in words)
    return " ".join(words).capitalize() if short else otherwise
