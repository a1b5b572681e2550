"""Series as files and links: what comes back, and what is refused."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from typing import Any

import pytest

from core.errors import ImagingError
from core.practice import phantoms
from core.practice.link import MAX_LETTERS, from_link, to_link
from core.practice.phantoms import draw_phantoms
from core.practice.series import MAX_BYTES, Series, from_json, to_json
from core.practice.sources import FolderSource, PhantomSource, SampleSource

FOREARMS = Series(
    "fracture",
    draw_phantoms("fracture", 20, seed=5, prevalence=0.4, options={"kind": "forearm"}),
    mode="aided",
    reveal="end",
    seed=5,
    prevalence=0.4,
    title="Twenty forearms",
)
FILES = Series(
    "chest",
    (
        SampleSource("a.png"),
        FolderSource("/data/chest", "img/b.png", "0" * 64),
        PhantomSource(7, (("view", "AP"),)),
    ),
    order="fixed",
)


@pytest.mark.parametrize("series", [FOREARMS, FILES], ids=["phantoms", "files"])
def test_json_gives_the_series_back(series: Series) -> None:
    assert from_json(to_json(series)) == series
    assert from_json(to_json(series)).key == series.key


@pytest.mark.parametrize(
    "series",
    [
        FOREARMS,
        replace(FOREARMS, cases=FOREARMS.cases[3:]),
        replace(FOREARMS, cases=(PhantomSource(1), PhantomSource(1, (("kind", "hand"),)))),
    ],
    ids=["drawn", "seeds", "mixed"],
)
def test_link_gives_the_series_back(series: Series) -> None:
    link = to_link(series)
    assert from_link(link) == series
    assert len(link) < 450


def test_neither_link_nor_file_tells_which_phantoms_are_abnormal() -> None:
    text = to_json(FOREARMS).decode()
    broken = [phantoms.limb(case).fracture for case in FOREARMS.cases]  # type: ignore[arg-type]
    assert sum(kind is not None for kind in broken) == 8  # 40 % of 20
    # Sources of normal and abnormal cases look the same.
    shapes = {tuple(case) for case in json.loads(text)["cases"]}
    assert shapes == {("phantom", "options")}


@pytest.mark.parametrize("task", ["fracture", "chest"])
@pytest.mark.parametrize("prevalence", [0.0, 0.25, 1.0])
def test_prevalence_is_met(task: str, prevalence: float) -> None:
    drawn = draw_phantoms(task, 8, seed=3, prevalence=prevalence)
    abnormal = [phantoms.is_abnormal(task, case.seed) for case in drawn]
    assert sum(abnormal) == 8 * prevalence
    assert len(set(drawn)) == 8


def test_order_is_shuffled_for_each_reader() -> None:
    anna, ben = FOREARMS.order_for("Anna"), FOREARMS.order_for("Ben")
    assert sorted(anna) == sorted(ben) == list(range(20))
    assert anna != ben
    assert FOREARMS.order_for(" anna") == anna
    assert FILES.order_for("Anna") == (0, 1, 2)


def _altered(**values: Any) -> bytes:
    found = json.loads(to_json(FOREARMS))
    return json.dumps({**found, **values}).encode()


BAD = {
    "empty": (b"", "no JSON or is not complete"),
    "truncated": (to_json(FOREARMS)[:-40], "no JSON or is not complete"),
    "deep": (b"[" * 100_000, "no JSON or is not complete"),
    "huge": (b" " * (MAX_BYTES + 1), "MB"),
    "other JSON": (b'{"a": 1}', "no series"),
    "list": (b"[1]", "no series"),
    "later version": (_altered(lightbox_series=99, cases="in other words"), "update Lightbox"),
    "version of wrong type": (_altered(lightbox_series="1"), "version"),
    "no cases": (_altered(cases=[]), "0 cases"),
    "cases no list": (_altered(cases={"a": 1}), "no list"),
    "too many": (_altered(cases=[{"phantom": n} for n in range(501)]), "501 cases"),
    "twice": (_altered(cases=[{"phantom": 3}, {"phantom": 3}]), "phantom 3 twice"),
    "unknown task": (_altered(task="knee"), "task"),
    "task of wrong type": (_altered(task=["fracture"]), "task"),
    "unknown mode": (_altered(mode=3), "mode"),
    "prevalence": (_altered(prevalence=1.5), "prevalence"),
    "seed": (_altered(seed=True), "seed"),
    "title": (_altered(title="x" * 500), "title"),
    "seed of a case": (_altered(cases=[{"phantom": -1}]), "seed of a phantom"),
    "option": (_altered(cases=[{"phantom": 1, "options": {"kind": "tail"}}]), "option"),
    "options no mapping": (_altered(cases=[{"phantom": 1, "options": [1]}]), "neither"),
    "unknown source": (_altered(cases=[{"address": "x"}]), "neither phantom"),
    "case a number": (_altered(cases=[7]), "neither phantom"),
    "way up": (
        _altered(cases=[{"folder": "/data", "file": "../../etc/passwd", "sha256": "0" * 64}]),
        "“..”",
    ),
    "way up by backslash": (
        _altered(cases=[{"folder": "/data", "file": "a\\..\\..\\b.png", "sha256": "0" * 64}]),
        "“..”",
    ),
    "absolute": (
        _altered(cases=[{"folder": "/data", "file": "/etc/passwd", "sha256": "0" * 64}]),
        "absolute path",
    ),
    "digest": (_altered(cases=[{"folder": "/d", "file": "a", "sha256": "zz"}]), "SHA-256"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_series_gives_one_sentence(name: str) -> None:
    content, said = BAD[name]
    with pytest.raises(ImagingError, match=said) as caught:
        from_json(content)
    assert len(str(caught.value)) < 400


def _link(content: bytes) -> str:
    squeeze = zlib.compressobj(9, wbits=-15)
    return base64.urlsafe_b64encode(squeeze.compress(content) + squeeze.flush()).decode()


@pytest.mark.parametrize(
    "link",
    [
        "",
        "not base64!",
        "ÄÖÜ",
        to_link(FOREARMS)[:-9],
        "A" * (MAX_LETTERS + 1),
        _link(b" " * 1_000_000),  # unpacks to far more than it holds
        _link(b"[]"),
        _link(b'{"lightbox_series":1,"task":"fracture","draw":1e9}'),
        _link(b'{"lightbox_series":1,"task":"fracture","seeds":[1,1]}'),
        _link(b'{"lightbox_series":1,"task":"knee","draw":3}'),
        _link(b'{"lightbox_series":2,"task":"knee","draw":3}'),
        _link(b'{"lightbox_series":1,"task":"fracture","draw":3,"options":{"kind":[1]}}'),
    ],
    ids=range(12),
)
def test_bad_link_gives_one_sentence(link: str) -> None:
    with pytest.raises(ImagingError):
        from_link(link)


def test_files_do_not_fit_into_a_link() -> None:
    with pytest.raises(ImagingError, match="only phantoms"):
        to_link(FILES)
    many = replace(FOREARMS, cases=tuple(PhantomSource(n * 7_919_777) for n in range(270)))
    with pytest.raises(ImagingError, match="letters"):
        to_link(many)
