"""The figures of the skull stripping cards, from kept predictions."""

from __future__ import annotations

from models.cards import ModelCard
from models.figures import Figure, Rows, mean
from models.skull_strip.predictions import part_of

SHOWN = (
    ("Dice", "dice", "IXI, first mask (deepbet)", ""),
    (
        "Dice",
        "dice_mask2",
        "IXI, second mask (DLMUSE)",
        "The two masks agree with each other at 0.977 to 0.985.",
    ),
    ("IoU", "iou", "IXI, first mask (deepbet)", ""),
    ("HD95 (mm)", "hd95_mm", "IXI, first mask (deepbet)", "Voxels of 2 mm."),
)
NOTES = {"test": "", "val": "Threshold and weights were chosen on these."}


def figures(card: ModelCard, rows: Rows) -> list[Figure]:
    """Test first, then val; all with N4."""
    found = []
    for split, chosen in NOTES.items():
        heads = rows(split, part_of(card))
        for name, column, data_set, note in SHOWN:
            values = heads[column].dropna().to_numpy(float)
            said = " ".join(part for part in (chosen, note) if part)
            found.append(Figure(name, data_set, split, (values,), mean, note=said))
    return found
