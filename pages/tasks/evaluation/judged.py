"""The answers of a run beside what is true of the same images, as a task's screen wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.dataset_folders.truths import Truths
from core.errors import ImagingError, WeightsError
from core.files.volume import read_mask, read_volume
from core.metrics.masks import compare_masks
from core.stages import Progress
from models.cards import ModelCard, load_card
from models.score.results import Results
from models.score.tasks import tasks

Open = Callable[[str], None]
EXTRACT_PX = (64, 128)
"""Sides of the chest extract's films: their size tells their source, so it is kept apart."""


def card_of(results: Results) -> ModelCard | None:
    """The card of the main model that answered; None where it is not on this computer."""
    try:
        return load_card(results.task, str(results.rows["card"].iloc[0]))
    except WeightsError:
        return None


def titles_of(results: Results) -> str:
    """What the models that answered are called: of two networks the one that is not usual."""
    usual = {name for _, name in tasks()[results.task].cards}
    names = [str(results.rows["card"].iloc[0])]
    if "classifier_card" in results.rows:
        names += [str(name) for name in results.answered["classifier_card"].unique()[:1]]
    shown = [name for name in names if name not in usual] or names[:1]
    titles = []
    for name in shown:
        try:
            titles.append(load_card(results.task, name).title)
        except WeightsError:
            titles.append(name)
    return ", ".join(titles)


def films(results: Results, truths: Truths) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Answered films with a truth: the rows of their task's screen, and its further tables.

    Args:
        results: Of fracture, bone_age or chest.
        truths: Labels of the same images, or of some.
    """
    rows = results.answered
    names = pd.Series(list(truths.names_of(rows["path"])), index=rows.index, dtype=object)
    rows, names = rows[names.notna()], names[names.notna()]
    true = [truths.values[name] for name in names]
    common = {"file": rows["path"]}
    if results.task == "bone_age":
        ages = {"sex": rows["sex"], "age_months": true}
        return pd.DataFrame({**common, **ages, str(rows["card"].iloc[0]): rows["months"]}), {}
    if results.task == "chest":
        named = [str(column) for column in rows.columns]
        findings = [one.removeprefix("p_") for one in named if one.startswith("p_")]
        said = {one for some in true for one in some}
        columns: dict[str, Any] = {}
        for finding in findings:
            # A finding that the labels never name was perhaps not looked for.
            if finding in said and rows[f"p_{finding}"].notna().all():
                columns[f"true {finding}"] = [int(finding in some) for some in true]
                columns[f"p {finding}"] = rows[f"p_{finding}"]
        sides = rows[["width", "height"]].max(axis=1)
        if columns and sides.isin(EXTRACT_PX).all():
            columns["px"] = sides
        return pd.DataFrame({**common, **columns}), {}
    scores = {
        "fractured": [int(one) for one in true],
        "detector": rows["highest_score"],
        "classifier": rows["classifier_probability"],
        "fused": rows["fracture_probability"],
    }
    found = pd.DataFrame({**common, **scores})
    return found, {"boxes": _boxes(results, rows, names, truths)} if truths.boxes else {}


def _boxes(results: Results, rows: pd.DataFrame, names: pd.Series, truths: Truths) -> pd.DataFrame:
    """Found and true boxes, one row each, in pixels of the films."""
    corners = ["x0", "y0", "x1", "y1"]
    found = results.boxes[results.boxes["path"].isin(rows["path"])]
    found = found.rename(
        columns={"path": "file", "xmin": "x0", "ymin": "y0", "xmax": "x1", "ymax": "y1"}
    )[["file", "score", *corners]].assign(kind="found")
    true = []
    for row, name in zip(rows.to_dict("records"), names, strict=True):
        if name in truths.boxes:
            drawn = truths.boxes[name].in_pixels(row["width"], row["height"]).boxes_xyxy
            true += [{"file": row["path"], **dict(zip(corners, box, strict=True))} for box in drawn]
    table = pd.DataFrame(true, columns=["file", *corners]).assign(kind="true", score=np.nan)
    return pd.concat([found, table], ignore_index=True)


def heads(results: Results, truths: Truths, progress: Progress) -> pd.DataFrame:
    """Heads with a mask of their own and a true one, compared on the head's own grid.

    A head or mask that is not there, or does not fit, is left out; `file` names the others.
    """
    rows = results.answered
    found = []
    for number, (row, name) in enumerate(
        zip(rows.to_dict("records"), truths.names_of(rows["path"]), strict=True)
    ):
        progress(number / max(1, len(rows)), f"Head {number + 1} of {len(rows)}")
        mask = results.mask(row["mask"]) if isinstance(row["mask"], str) else None
        if name is not None and mask is not None:
            compared = _compared(results, int(row["number"]), mask, truths.values[name])
            if compared is not None:
                found.append({"file": row["path"], "seconds": row["seconds"], **compared})
    columns = ["file", "source", "dice", "hd95_mm", "volume_ml", "reference_ml", "seconds"]
    return pd.DataFrame(found).reindex(columns=columns).assign(source="")


def _compared(
    results: Results, number: int, mask: Path, reference: Path
) -> Mapping[str, float] | None:
    try:
        volume = read_volume(results.contents(number))
        ours, true = (
            read_mask([(path.name, path.read_bytes())], volume) for path in (mask, reference)
        )
    except (ImagingError, OSError):
        return None
    one = compare_masks(ours, true, volume.spacing_mm)
    return {
        "dice": one.dice,
        "hd95_mm": one.hd95_mm,
        "volume_ml": one.volume_ml,
        "reference_ml": one.reference_ml,
    }


def case_truth(results: Results, truths: Truths | None, row: pd.Series) -> dict[str, Any]:
    """What is known of one film, keyed as its task's page keys it."""
    known: dict[str, Any] = {}
    if results.task == "bone_age" and isinstance(row["sex"], str):
        known["sex"] = row["sex"]
    name = None if truths is None else next(truths.names_of([row["path"]]))
    if truths is None or name is None:
        return known
    value = truths.values[name]
    if results.task == "bone_age":
        return {**known, "age_months": value}
    if results.task == "chest":
        return {"findings": sorted(one.replace("_", " ") for one in value)}
    size = {"width": int(row["width"]), "height": int(row["height"])}
    if name in truths.boxes:
        drawn = truths.boxes[name].in_pixels(row["width"], row["height"])
        polygons = [points.tolist() for points in drawn.polygons]
        return {"boxes_xyxy": drawn.boxes_xyxy.tolist(), "polygons": polygons, **size}
    return {} if value else {"boxes_xyxy": [], **size}
