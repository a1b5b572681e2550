"""A labelled folder scored in the page's own process: kept, taken up again, read as any run."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.dataset_folders.layouts import open_dataset
from core.stages import Cancelled
from models.score import here, results
from tests.score.stand_in import OTHER, TINY, write_film


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Thirty films with ages, one of which is refused, and an empty folder for answers."""
    monkeypatch.setenv("LIGHTBOX_DATA", str(tmp_path / "own"))
    monkeypatch.setattr(here, "PART", 10)
    monkeypatch.setattr(results, "tasks", lambda: {"tiny": TINY})
    folder = tmp_path / "data"
    rows = ["file,age_months,sex,split"]
    for number in range(30):
        write_film(folder / "images" / f"{number}.png", number, OTHER if number == 7 else 48)
        rows.append(f"{number}.png,{number},{'FM'[number % 2]},val")
    (folder / "bone_age.csv").write_text("\n".join(rows) + "\n")
    return folder


def quiet(fraction: float, stage: str) -> None:
    assert 0 <= fraction < 1 and "of 30 films" in stage


def test_cancelled_run_goes_on_and_leaves_a_runs_folder(data: Path) -> None:
    dataset = open_dataset(data)
    items = here.items_of(dataset, list(dataset.rows.index), 400)
    assert [one.sex for one in items[:2]] == ["F", "M"]
    out = here.folder_of(TINY, items)
    assert out.is_relative_to(data.parent / "own") and not here.is_done(out)
    asked: list[float] = []

    def until(fraction: float, stage: str) -> None:
        asked.append(fraction)
        if len(asked) > 24:
            raise Cancelled

    with pytest.raises(Cancelled):
        here.score_here(TINY, items, out, until)
    assert not here.is_done(out) and len(results.open_results(out).rows) == 20
    asked.clear()
    found = here.score_here(TINY, items, out, lambda fraction, stage: asked.append(fraction))
    assert len(asked) == 10 and asked[0] == pytest.approx(20 / 30)
    assert here.is_done(out)
    assert list(found.rows["path"]) == [f"images/{number}.png" for number in range(30)]
    assert list(found.refused["path"]) == ["images/7.png"] and len(found.boxes) == 29
    assert list(found.boxes["path"]) == list(found.answered["path"])
    assert set(found.rows["card"]) == {"film_kind"} and found.rows["card_sha256"].iloc[0]
    (name, content), *_ = found.contents(3)
    assert (name, content) == ("3.png", (data / "images" / "3.png").read_bytes())


def test_other_files_or_models_are_another_run(data: Path) -> None:
    dataset = open_dataset(data)
    names = list(dataset.rows.index)
    items = here.items_of(dataset, names, 400)
    out = here.folder_of(TINY, items)
    assert here.folder_of(TINY, items) == out
    some = here.items_of(dataset, names, 12)
    assert len(some) == 12 and some == here.items_of(dataset, names, 12)
    assert here.folder_of(TINY, some) != out
    write_film(data / "images" / "3.png", 99)
    (data / "images" / "3.png").touch()
    assert here.folder_of(TINY, items) != out


def test_whole_run_is_quiet_about_nothing(data: Path) -> None:
    dataset = open_dataset(data)
    items = here.items_of(dataset, list(dataset.rows.index), 400)
    found = here.score_here(TINY, items, here.folder_of(TINY, items), quiet)
    assert len(found.answered) == 29
