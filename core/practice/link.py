"""A series of phantoms as a few letters, to send as a link."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import replace
from typing import Any

from core.errors import UnsuitableInputError
from core.practice.phantoms import draw_phantoms
from core.practice.series import MAX_CASES, Series, from_mapping, to_mapping
from core.practice.sources import PhantomSource, is_whole

MAX_LETTERS = 1800
"""Longest link part; browsers, chats and mail programs carry addresses of 2,000 letters."""
_MAX_TEXT = 64 * 1024


def to_link(series: Series) -> str:
    """The series as the value of a query parameter: letters, digits, "-" and "_".

    Where `draw_phantoms` with the series' seed and prevalence gives its cases, only their number
    is written.

    Raises:
        UnsuitableInputError: If a case is no phantom, or the series is too long.
    """
    phantoms = [case for case in series.cases if isinstance(case, PhantomSource)]
    if len(phantoms) < len(series.cases):
        raise UnsuitableInputError(
            "The series has cases that are files, and only phantoms fit into a link; pass on "
            "the series as a JSON file together with the images."
        )
    found = to_mapping(series)
    del found["cases"]
    options = phantoms[0].options
    if any(one.options != options for one in phantoms):
        found["cases"] = to_mapping(series)["cases"]
    else:
        found["options"] = dict(options)
        drawn = draw_phantoms(
            series.task,
            len(phantoms),
            seed=series.seed,
            prevalence=series.prevalence,
            options=dict(options),
        )
        found["draw" if drawn == series.cases else "seeds"] = (
            len(phantoms) if drawn == series.cases else [one.seed for one in phantoms]
        )
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode()
    packed = base64.urlsafe_b64encode(zlib.compress(text, 9, wbits=-15)).decode().rstrip("=")
    if len(packed) > MAX_LETTERS:
        raise UnsuitableInputError(
            f"The series needs a link of {len(packed)} letters, and {MAX_LETTERS} fit; pass it "
            "on as a JSON file."
        )
    return packed


def from_link(packed: str) -> Series:
    """Read what `to_link` wrote.

    Raises:
        UnsuitableInputError: If it is damaged, too long or of a later version.
    """
    found = _unpacked(packed)
    seeds = found.pop("seeds", None)
    draw = found.pop("draw", None)
    options = found.pop("options", {})
    if seeds is None and draw is None:
        return from_mapping(found)
    if not isinstance(options, dict) or not (
        isinstance(seeds, list) or is_whole(draw, 1, MAX_CASES)
    ):
        raise UnsuitableInputError(_DAMAGED)
    listed = seeds if isinstance(seeds, list) else [0]
    cases = [{"phantom": seed, "options": options} for seed in listed[: MAX_CASES + 1]]
    series = from_mapping({**found, "cases": cases})  # checks all the rest
    if isinstance(seeds, list):
        return series
    return replace(
        series,
        cases=draw_phantoms(
            series.task, draw, seed=series.seed, prevalence=series.prevalence, options=options
        ),
    )


_DAMAGED = "The link to the series is damaged or not complete; copy it again as a whole."


def _unpacked(packed: str) -> dict[str, Any]:
    if len(packed) > MAX_LETTERS:
        raise UnsuitableInputError(
            f"The link to the series has {len(packed)} letters, and at most {MAX_LETTERS} are "
            "read; pass the series on as a JSON file."
        )
    try:
        content = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        unpack = zlib.decompressobj(wbits=-15)
        text = unpack.decompress(content, _MAX_TEXT)
        if not unpack.eof:
            raise UnsuitableInputError(_DAMAGED)
        found = json.loads(text.decode())
    except (binascii.Error, zlib.error, ValueError, RecursionError) as err:
        raise UnsuitableInputError(_DAMAGED) from err
    if not isinstance(found, dict):
        raise UnsuitableInputError(_DAMAGED)
    return found
