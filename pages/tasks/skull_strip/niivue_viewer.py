"""NiiVue in the browser, fed once per change of data.

The library lies unchanged beside this module (`niivue/NIIVUE.md`), with controls of our own that
work in the browser: nothing of a volume is sent again when a slider moves, and nothing comes from
the internet.
"""

from __future__ import annotations

from pathlib import Path

import streamlit.components.v1 as components

from core.files.browser_volume import Compact

HERE = Path(__file__).parent / "niivue"
_component = components.declare_component("lightbox_niivue", path=HERE)


def niivue(
    key: str,
    head: Compact,
    mask: Compact | None,
    reference: Compact | None = None,
    file_stem: str = "head",
) -> None:
    """A large plane with the two others and a 3D view of a head, and its masks where known.

    Args:
        key: Widget key.
        head: The head, 8 bit.
        mask, reference: The model's mask and the true one, 0 and 1 on the same grid.
        file_stem: How a screenshot's file name begins.
    """
    _component(
        head=head.content,
        head_digest=head.digest,
        mask=mask.content if mask else None,
        mask_digest=mask.digest if mask else "",
        reference=reference.content if reference else None,
        reference_digest=reference.digest if reference else "",
        file_stem=file_stem,
        key=key,
        default=None,
    )
