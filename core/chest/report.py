"""A chest film's answers to take away: tables, masks, pictures and a report of one page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core import report
from core.chest.ctr import LIMIT, CardiothoracicRatio, labels_from_masks
from core.chest.heart_size import HeartSize
from core.chest.plots import CHEST, HEART, STRUCTURES, FindingRow
from core.files.write import table
from core.percent import percent
from core.plots.draw import Picture, Rgb, scaled, to_rgb

REPORT_PX = 640


def csv(rows: Sequence[FindingRow], hearts: Mapping[str, HeartSize]) -> bytes:
    """Findings and ratios as one CSV file, a line each, in the words of the page."""
    lines: list[dict[str, Any]] = [
        {
            "name": row.name,
            "value": round(row.probability, 4),
            "threshold": round(row.operating_point, 4),
            "answer": row.verdict,
            "higher_than": round(row.share_below, 4) if math.isfinite(row.share_below) else None,
        }
        for row in rows
    ]
    for name, heart in hearts.items():
        lines.append(
            {
                "name": name,
                "value": round(heart.ratio.ratio, 4),
                "threshold": LIMIT,
                "answer": heart.words,
                "reason": heart.reason,
                "heart_width_px": round(heart.ratio.heart_width_px, 1),
                "chest_width_px": round(heart.ratio.chest_width_px, 1),
            }
        )
    return table(lines, ("name", "value", "threshold", "answer", "higher_than", "reason"))


def label_map(masks: Mapping[str, NDArray[np.bool_]]) -> bytes:
    """Masks as one PNG: 0 background, 1 left lung, 2 right lung, 3 heart."""
    _, encoded = cv2.imencode(".png", labels_from_masks(masks))
    return encoded.tobytes()


def read_label_map(source: bytes) -> NDArray[np.uint8]:
    """What `label_map` wrote, uint8 (H, W)."""
    return np.asarray(cv2.imdecode(np.frombuffer(source, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


def with_anatomy(
    picture: Picture,
    masks: Mapping[str, NDArray[np.bool_]],
    ratio: CardiothoracicRatio | None,
) -> Picture:
    """A film with the outlines of heart and lungs and the ratio's lines drawn on it.

    Args:
        picture: uint8 (h, w) or (h, w, 3): the film, also made smaller or larger.
        masks: bool (H, W) each, in pixels of the film.
        ratio: Its lines in pixels of the film, or None.

    Returns:
        uint8, three channels, enlarged to about `REPORT_PX` where it was smaller.
    """
    factor = max(1.0, REPORT_PX / max(picture.shape[:2]))
    drawn = to_rgb(scaled(picture, factor))
    height, width = drawn.shape[:2]
    line = max(1, round(max(height, width) / 400))
    for structure, (_, colour, _) in STRUCTURES.items():
        large = cv2.resize(
            masks[structure].astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
        )
        found, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, found, -1, colour, line, cv2.LINE_AA)
    if ratio is not None:
        to_drawn = width / masks["heart"].shape[1]
        for name, colour in (("heart", HEART), ("chest", CHEST)):
            _line(drawn, ratio.lines[name], colour, to_drawn, line)
    return drawn


def _line(
    drawn: Picture, ends: tuple[float, float, float, float], colour: Rgb, factor: float, line: int
) -> None:
    x0, y0, x1, _ = (round(value * factor) for value in ends)
    tick = 6 * line
    strokes = [((x0, y0), (x1, y0)), *(((x, y0 - tick), (x, y0 + tick)) for x in (x0, x1))]
    for rim, tint in ((line + 3, (0, 0, 0)), (line + 1, colour)):
        for start, end in strokes:
            cv2.line(drawn, start, end, tint, rim)


def parts(
    rows: Sequence[FindingRow],
    heart: Sequence[Mapping[str, str]],
    sentences: Sequence[str],
    models: Sequence[str],
) -> list[tuple[str, str]]:
    """What the one-page report says of the answers.

    Args:
        rows: The findings.
        heart: Cardiomegaly as asked in several ways: one row each, all with the same keys.
        sentences: What the answer says, and what may mislead.
        models: A sentence for each model, with its measured figure.
    """
    findings = [
        (
            row.name,
            percent(row.probability),
            percent(row.operating_point),
            ", ".join(filter(None, (row.verdict, row.standing, row.mark))),
        )
        for row in rows
    ]
    above = {number for number, row in enumerate(rows) if row.above}
    asked = report.table([list(row.values()) for row in heart], list(heart[0]) if heart else ())
    head = ("finding", "probability", "threshold", "")
    return [
        ("Findings", report.table(findings, head, above)),
        ("Heart size", asked + report.bullets(sentences)),
        ("Models", report.bullets(models)),
    ]
