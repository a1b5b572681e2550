"""The one-page report of a fracture film, as an HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core.files.write import BoxRow
from core.plots.draw import Picture
from core.plots.viewer import data_uri

DISCLAIMER = "Made with Lightbox for teaching. It is not a medical device and not for diagnosis."

_STYLE = """
@page { size: A4; margin: 12mm }
body { font: 12px/1.4 system-ui, sans-serif; color: #1d2124; max-width: 186mm; margin: 1em auto }
h1 { font-size: 19px; margin: 0 0 4px } h2 { font-size: 13px; margin: 10px 0 3px }
.answer { font-size: 17px; font-weight: 600; margin: 6px 0 0 }
figure { margin: 6px 8px 6px 0; display: inline-block; vertical-align: top }
figure img { height: 92mm; max-width: 88mm; object-fit: contain; background: #000 }
figcaption { font-size: 11px; color: #444 }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #cfd3d6; padding: 2px 6px 2px 0; text-align: left }
ul { margin: 2px 0; padding-left: 18px }
.disclaimer { border: 2px solid #9a5b00; padding: 5px 8px; margin: 8px 0; font-weight: 600 }
"""


def html(
    title: str,
    answer: str,
    lines: Sequence[str],
    pictures: Sequence[tuple[str, Picture]],
    boxes: Sequence[BoxRow],
    models: Sequence[tuple[str, Sequence[str]]],
) -> bytes:
    """The report as one file: pictures are inside, nothing is fetched, and it prints on a page.

    Args:
        title: What the film is.
        answer: The verdict, without Markdown.
        lines: Sentences below it.
        pictures: Captions and pictures, uint8 (H, W) or (H, W, 3).
        boxes: The predicted boxes.
        models: Each model's title with sentences: measured figures and limits.
    """
    figures = "".join(
        f'<figure><img src="{data_uri(picture)}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, picture in pictures
    )
    about = "".join(f"<h2>{escape(name)}</h2>{_list(sentences)}" for name, sentences in models)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Fracture: {escape(title)}</title>
<style>{_STYLE}</style></head><body>
<h1>Fracture detection</h1>
<div>{escape(title)}</div>
<p class="answer">{escape(answer)}</p>
{_list(lines)}
<p class="disclaimer">{escape(DISCLAIMER)}</p>
{figures}
{_boxes(boxes)}
{about}
</body></html>
""".encode()


def _boxes(rows: Sequence[BoxRow]) -> str:
    """The boxes as a table, at most eight, so that the page stays one."""
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td>{row.number}</td><td>{row.score:.2f}</td><td>{_size(row)}</td>"
        f"<td>{escape('' if row.match == 'unknown' else row.match)}</td></tr>"
        for row in rows[:8]
    )
    more = f"<p>and {len(rows) - 8} more</p>" if len(rows) > 8 else ""
    return (
        "<h2>Boxes</h2><table><tr><th>box</th><th>score (not a probability)</th><th>size</th>"
        f"<th>against the ground truth</th></tr>{lines}</table>{more}"
    )


def _size(row: BoxRow) -> str:
    pixels = f"{row.size_px[0]:.0f} × {row.size_px[1]:.0f} px"
    if row.size_mm is None:
        return pixels
    return f"{row.size_mm[0]:.1f} × {row.size_mm[1]:.1f} mm ({pixels})"


def _list(sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""
