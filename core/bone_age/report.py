"""The one-page report of a bone age, as an HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from core.plots.draw import Picture
from core.plots.viewer import data_uri

DISCLAIMER = "Made with Lightbox for teaching. It is not a medical device and not for diagnosis."

_STYLE = """
@page { size: A4; margin: 14mm }
body { font: 13px/1.4 system-ui, sans-serif; color: #1d2124; max-width: 184mm; margin: 1em auto }
h1 { font-size: 20px; margin: 0 0 4px } h2 { font-size: 14px; margin: 14px 0 4px }
.answer { font-size: 24px; font-weight: 600; margin: 6px 0 0 }
figure { margin: 8px 12px 8px 0; display: inline-block; vertical-align: top }
figure img { height: 84mm; max-width: 88mm; object-fit: contain; background: #000 }
figcaption { font-size: 11px; color: #444 }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #cfd3d6; padding: 2px 6px 2px 0; text-align: left }
ul { margin: 2px 0; padding-left: 18px }
.disclaimer { border: 2px solid #9a5b00; padding: 6px 8px; margin: 10px 0; font-weight: 600 }
small { color: #444 }
"""


def html(
    title: str,
    answer: str,
    lines: Sequence[str],
    pictures: Sequence[tuple[str, Picture]],
    card: Mapping[str, str],
    metrics: Sequence[str],
    limits: Sequence[str],
    sources: Sequence[str],
) -> bytes:
    """The report as one file: pictures are inside, nothing is fetched.

    Args:
        title: What the film is.
        answer: The bone age with its interval, in words.
        lines: Sentences below it.
        pictures: Captions and pictures, uint8 (H, W) or (H, W, 3).
        card: Facts of the model by name.
        metrics: Its measured figures, a sentence each.
        limits: Where it fails.
        sources: Whom to cite.
    """
    figures = "".join(
        f'<figure><img src="{data_uri(picture)}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, picture in pictures
    )
    facts = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in card.items()
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Bone age: {escape(title)}</title>
<style>{_STYLE}</style></head><body>
<h1>Bone age from a hand radiograph</h1>
<div>{escape(title)}</div>
<p class="answer">{escape(answer)}</p>
{_list(lines)}
<p class="disclaimer">{escape(DISCLAIMER)}</p>
{figures}
<h2>The model</h2>
<table>{facts}</table>
<h2>How good it is</h2>
{_list(metrics)}
<h2>Where it fails</h2>
{_list(limits)}
<h2>Sources</h2>
<small>{_list(sources)}</small>
</body></html>
""".encode()


def _list(sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""
