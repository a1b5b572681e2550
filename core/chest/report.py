"""A chest film's answers to take away: tables, masks, pictures and a report of one page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.chest.ctr import LIMIT, CardiothoracicRatio, labels_from_masks
from core.chest.heart_size import HeartSize
from core.chest.plots import CHEST, HEART, STRUCTURES, FindingRow
from core.files.write import table
from core.percent import percent
from core.plots.draw import Picture, Rgb, scaled, to_rgb
from core.plots.viewer import data_uri

DISCLAIMER = "For teaching. Lightbox is not a medical device and not for diagnosis."
REPORT_PX = 640
STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto; color: #111; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1rem 0 .3rem; }
figure { margin: 0; } figure img { width: 100%; } figcaption, .quiet { color: #555; }
.films, .tables { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; align-items: start; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .1rem .4rem; }
tr { border-bottom: 1px solid #ddd; } .above td { font-weight: 600; }
@media print { body { margin: 0; font-size: 11px; } @page { size: A4; margin: 12mm; } }
"""


@dataclass(frozen=True, eq=False)
class ReportPicture:
    """A picture of the report, with the line under it."""

    picture: Picture
    caption: str


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


def html(
    title: str,
    known: str,
    pictures: Sequence[ReportPicture],
    rows: Sequence[FindingRow],
    heart: Sequence[Mapping[str, str]],
    sentences: Sequence[str],
    models: Sequence[str],
) -> bytes:
    """One page to print or keep: it holds its pictures and needs nothing else.

    Args:
        title: Of the film; never taken from a patient tag.
        known: What is known of it, in a line.
        pictures: Shown in a row of two.
        rows: The findings.
        heart: Cardiomegaly as asked in several ways: one row each, all with the same keys.
        sentences: What the answer says, and what may mislead.
        models: A sentence for each model, with its measured figure.
    """
    films = "".join(
        f'<figure><img src="{data_uri(one.picture)}" alt="{escape(one.caption)}">'
        f"<figcaption>{escape(one.caption)}</figcaption></figure>"
        for one in pictures
    )
    findings = "".join(
        f'<tr class="{"above" if row.above else "below"}"><td>{escape(row.name)}</td>'
        f"<td>{percent(row.probability)}</td><td>{percent(row.operating_point)}</td>"
        f"<td>{escape(', '.join(filter(None, (row.verdict, row.standing, row.mark))))}</td></tr>"
        for row in rows
    )
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><h1>Chest film: {escape(title)}</h1>"
        f'<p class="quiet">{escape(known)}</p><div class="films">{films}</div>'
        f'<div class="tables"><section><h2>Findings</h2><table><tr><th>finding</th>'
        "<th>calibrated probability</th><th>threshold</th><th></th></tr>"
        f"{findings}</table></section><section><h2>Heart size</h2>{_table(heart)}"
        f"{_list('', sentences)}</section></div>"
        f"{_list('Models', models)}<p><strong>{DISCLAIMER}</strong></p></html>"
    )
    return page.encode()


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(value)}</td>' for value in row.values())}</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _list(title: str, sentences: Sequence[str]) -> str:
    head = f"<h2>{escape(title)}</h2>" if title else ""
    return f"{head}<ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences)}</ul>"
