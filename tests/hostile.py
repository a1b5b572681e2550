"""What the tests send that nobody should: damaged files, changed documents, values of any kind."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.files import fuzz

ASKED = int(os.environ.get("LIGHTBOX_FUZZ", "0"))


def budget(examples: int) -> Callable[[Any], Any]:
    """So many examples, the same ones at every run."""
    return settings(
        max_examples=ASKED or examples,
        derandomize=not ASKED,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


EDIT = st.tuples(
    st.sampled_from(["flip", "number", "cut", "insert", "blank", "repeat"]),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]),
    st.booleans(),
)


def damaged(files: Callable[[], dict[str, bytes]]) -> st.SearchStrategy[bytes]:
    """A good file with up to six edits, most of them near its start, where headers are."""

    @st.composite
    def one(draw_from: st.DrawFn) -> bytes:
        source = bytearray(files()[draw_from(st.sampled_from(sorted(files())))])
        for kind, where, value, near in draw_from(st.lists(EDIT, min_size=1, max_size=6)):
            at = int(where * min(len(source), 700 if near else len(source)))
            if kind == "flip":
                source[at : at + 1] = bytes([source[at] ^ (value & 0xFF or 1)]) if source else b""
            elif kind == "number":
                source[at : at + 4] = struct.pack("<I" if value % 3 else ">I", value)
            elif kind == "cut" and not near:
                del source[at:]
            elif kind == "insert":
                source[at:at] = bytes([value & 0xFF]) * (1 + value % 9)
            elif kind == "blank":
                source[at : at + 64] = bytes(len(source[at : at + 64]))
            elif kind == "repeat":
                source[at:at] = source[at : at + 32]
        if source.startswith(b"\x89PNG") and draw_from(st.booleans()):
            fuzz.repair_checksums(source)
        return bytes(source)

    return one() | st.binary(max_size=600)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([10**400, -(10**30), "9" * 5000, float("nan"), "\ud800", "\0", {}, []]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def changed_json(document: Callable[[], Any]) -> st.SearchStrategy[bytes]:
    """A good document with up to three of its values replaced, removed or doubled."""

    def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for name, value in items:
            yield (*path, name)
            if isinstance(value, dict | list):
                yield from places(value, (*path, name))

    @st.composite
    def one(draw_from: st.DrawFn) -> bytes:
        found = json.loads(json.dumps(document()))
        for _ in range(draw_from(st.integers(1, 3))):
            every = list(places(found))
            if not every:
                break
            *above, last = draw_from(st.sampled_from(every))
            node = found
            for name in above:
                node = node[name]
            if draw_from(st.integers(0, 4)):
                node[last] = draw_from(JUNK)
            else:
                del node[last]
        return json.dumps(found).encode("utf-8", "surrogatepass")

    return one() | JUNK.map(lambda junk: json.dumps(junk).encode()) | st.binary(max_size=200)
