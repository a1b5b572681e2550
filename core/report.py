"""A report of one page as an HTML file that needs nothing else: its pictures are inside it."""

from __future__ import annotations

import base64
from collections.abc import Container, Iterable, Sequence
from html import escape

from core.plots.draw import Picture
from core.plots.viewer import data_uri

DISCLAIMER = "Made with Lightbox for teaching. It is not a medical device and not for diagnosis."

_STYLE = """
@page { size: A4; margin: 12mm }
body { font: 12px/1.4 system-ui, sans-serif; color: #1d2124; max-width: 186mm; margin: 1em auto }
h1 { font-size: 19px; margin: 0 0 4px } h2 { font-size: 13px; margin: 10px 0 3px }
.answer { font-size: 18px; font-weight: 600; margin: 6px 0 0 }
figure { margin: 6px 8px 6px 0; display: inline-block; vertical-align: top }
figure img { height: 88mm; max-width: 88mm; object-fit: contain; background: #000 }
figure img.plot { height: auto; width: 88mm; background: none }
figcaption { font-size: 11px; color: #444; max-width: 88mm }
.parts { columns: 80mm 2; column-gap: 6mm }
section { break-inside: avoid }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #cfd3d6; padding: 2px 6px 2px 0; text-align: left }
td { overflow-wrap: anywhere } td:first-child { overflow-wrap: normal }
table:has(th) td { overflow-wrap: break-word }
.strong td { font-weight: 600 }
ul { margin: 2px 0; padding-left: 18px }
.disclaimer { border: 2px solid #9a5b00; padding: 5px 8px; margin: 8px 0; font-weight: 600 }
@media print { body { font-size: 10.5px; margin: 0 } figure img { height: 72mm }
  figure img.plot { width: 74mm } }
"""


def page(
    heading: str,
    title: str,
    *,
    answer: str = "",
    lines: Sequence[str] = (),
    pictures: Iterable[tuple[str, Picture | bytes]] = (),
    parts: Iterable[tuple[str, str]] = (),
) -> bytes:
    """The report as one file: nothing is fetched, and it prints on a page.

    Args:
        heading: What was asked.
        title: What the image is; never taken from a patient tag.
        answer: In words, without Markdown.
        lines: Sentences below it.
        pictures: Captions and pictures, uint8 (H, W) or (H, W, 3), or a plot as an SVG file.
        parts: Titles and HTML, from `bullets` or `table`; an empty part is left out.
    """
    figures = "".join(
        f'<figure><img {_source(picture)} alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, picture in pictures
    )
    told = "".join(
        f"<section><h2>{escape(name)}</h2>{content}</section>" for name, content in parts if content
    )
    said = f'<p class="answer">{escape(answer)}</p>' if answer else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}: {escape(title)}</title>
<style>{_STYLE}</style></head><body>
<h1>{escape(heading)}</h1>
<div>{escape(title)}</div>
{said}
{bullets(lines)}
<p class="disclaimer">{escape(DISCLAIMER)}</p>
{figures}
<div class="parts">{told}</div>
</body></html>
""".encode()


def _source(picture: Picture | bytes) -> str:
    if isinstance(picture, bytes):
        return f'class="plot" src="data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"'
    return f'src="{data_uri(picture)}"'


def bullets(sentences: Iterable[str]) -> str:
    """Sentences as a list; empty where there are none."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def table(
    rows: Sequence[Sequence[str]], head: Sequence[str] = (), strong: Container[int] = ()
) -> str:
    """Rows of cells under a head; empty where there are none.

    Args:
        rows: Cells, as text.
        head: Titles of the columns.
        strong: Numbers of the rows that stand out.
    """
    if not rows:
        return ""
    above = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        f'<tr class="{"strong" if number in strong else ""}">'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for number, row in enumerate(rows)
    )
    return f"<table>{f'<tr>{above}</tr>' if above else ''}{body}</table>"
