"""What a reload, the browser's back button and a copied link bring back: the page's address.

Streamlit writes a widget that is given `**KEPT` into it under its key, leaves defaults out, and
ignores what it cannot read. What belongs to an uploaded file stays out: an address is copied and
kept by browsers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

KEPT: Mapping[str, Any] = MappingProxyType({"persist_state": "session", "bind": "query-params"})
"""Keyword arguments of a widget whose value stays in the session and stands in the address."""


def readable() -> None:
    """Take out of the address what Streamlit 1.67 fails on before a page's first widget reads it.

    That is an endless number, and nothing at all, which it takes for "none" even where a choice is
    required. All else that is malformed it leaves out itself.
    """
    new = [name for name in st.query_params if name not in st.session_state]
    refused = [name for name in new if not all(map(_is_readable, st.query_params.get_all(name)))]
    for name in refused:
        del st.query_params[name]
    if refused:
        st.rerun()


def _is_readable(value: str) -> bool:
    try:
        return bool(value) and not math.isinf(float(value))
    except ValueError:
        return True
