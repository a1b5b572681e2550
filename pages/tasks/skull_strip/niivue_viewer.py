"""NiiVue in the browser, fed once per change of data.

The packaged `niivue_component` encodes the whole volume as base64 text at every call and takes
the mask's opacity from Python, so that each move of a slider would send the head again. This
component runs the same library, out of the same installed package, with controls of its own in
the browser. Nothing comes from the internet.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import streamlit as st
import streamlit.components.v1 as components

from core.errors import ImagingError
from core.files.browser_volume import Compact

HERE = Path(__file__).parent / "niivue"
# The bundle exports nothing: its one class of this shape is NiiVue itself (0.68, in the package
# niivue-streamlit 0.3.0), and an export is added behind it.
_CLASS = re.compile(
    r'([\w$]+)=class extends EventTarget\{constructor\([\w$=]*\)\{super\(\),[\w$]+\(this,"loaders"'
)


class ViewerError(ImagingError):
    """The installed NiiVue package is not the one that the viewer knows."""


@st.cache_resource(show_spinner=False)
def _component() -> Callable[..., Any]:
    """The component, its files gathered in one folder as Streamlit wants them."""
    bundle = files("niivue_component") / "frontend" / "build" / "assets" / "index.js"
    source = bundle.read_text(encoding="utf-8")
    found = _CLASS.findall(source)
    if len(found) != 1:
        raise ViewerError(
            "The installed niivue-streamlit is not the version that the 3D viewer knows (0.3.0). "
            "Install the packages of requirements.txt."
        )
    folder = Path(tempfile.mkdtemp(prefix="lightbox-niivue-"))
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    (folder / "niivue.js").write_text(f"{source}\nexport{{{found[0]} as Niivue}};\n", "utf-8")
    component: Callable[..., Any] = components.declare_component("lightbox_niivue", path=folder)
    return component


def niivue(key: str, head: Compact, mask: Compact | None) -> None:
    """Three planes and a 3D render of a head, with its mask where there is one.

    Args:
        key: Widget key.
        head: The head, 8 bit.
        mask: 0 and 1 on the same grid.

    Raises:
        ViewerError: If the installed package is another version.
    """
    _component()(
        head=head.content,
        head_digest=head.digest,
        mask=mask.content if mask else None,
        mask_digest=mask.digest if mask else "",
        key=key,
        default=None,
    )
