"""A run over many files goes through, whatever happens to files, workers and the run itself."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import psutil
import pytest
from distributed import Client

from core.errors import ImagingError
from models.score import cluster, run
from models.score.__main__ import main
from models.score.progress import Pace
from models.score.run import score_all
from tests.benchmarks.score import cost
from tests.score import stand_in
from tests.score.stand_in import TASKS, command, write_film

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    # A new process imports the main module again, and a page test leaves its page as that.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        with cluster.local(2, "600MB") as found:
            yield found


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty small films."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(80):
        write_film(folder / f"{number:03}.png", number)
    return folder


def table(out: Path, name: str = "images") -> pd.DataFrame:
    """A table of results without what differs between equal runs."""
    return pd.read_parquet(out / name).drop(columns="seconds", errors="ignore")


def test_two_hundred_good_and_broken_files_and_two_that_end_their_worker(
    client: Client, tmp_path: Path
) -> None:
    given = tmp_path / "in"
    heights = {7: stand_in.KILLS, 50: stand_in.FAULTY, 90: stand_in.OTHER, 130: stand_in.HOARDS}
    for number in range(200):
        path = given / f"{number // 50}" / f"{number:03}.png"
        write_film(path, number, heights.get(number, stand_in.PLAIN))
        if number % 10 == 4:
            path.write_bytes(path.read_bytes()[: 5 * (number % 7)])  # cut short, or empty
    out = tmp_path / "out"
    summary = score_all(TASKS["tiny"], given, out, nullcontext(client), masks=True)
    rows = table(out)
    assert list(rows["path"]) == [str(path) for path in sorted(given.rglob("*.png"))]
    assert list(rows["number"]) == list(range(200))
    assert rows["why"].notna().tolist() == rows["refused"].tolist() == rows["value"].isna().tolist()
    refused = rows[rows["refused"]]
    assert len(refused) == 24 == summary["refused"]
    assert "ended, 3 times" in refused.loc[7, "why"]
    assert "ended, 3 times" in refused.loc[130, "why"]
    assert "ValueError: made to fail" in refused.loc[50, "why"]
    assert "looks like a chest" in refused.loc[90, "why"]
    boxes = table(out, "boxes")
    assert list(boxes["number"]) == list(rows[~rows["refused"]]["number"])
    coco = json.loads((out / "coco.json").read_text())
    assert len(coco["images"]) == len(coco["annotations"]) == 176
    assert coco["annotations"][0]["bbox"] == [1.0, 2.0, 8.0, 10.0]


def test_image_that_hangs_is_left_out_and_the_run_goes_on(client: Client, tmp_path: Path) -> None:
    given, out = tmp_path / "in", tmp_path / "out"
    for number in range(5):
        write_film(given / f"{number}.png", number, stand_in.HANGS if number == 2 else 48)
    score_all(TASKS["hasty"], given, out, nullcontext(client))
    rows = table(out)
    assert rows["refused"].tolist() == [False, False, True, False, False]
    assert rows.loc[2, "why"].startswith("This file took longer than 2 s to read and answer")


def test_worker_that_is_killed_from_outside_costs_no_image(
    client: Client, films: Path, tmp_path: Path
) -> None:
    killed = []

    def kill_once(pace: Pace) -> None:
        if not killed and pace.done > 8:
            worker = next(iter(client.run(os.getpid).values()))
            killed.append(worker)
            os.kill(worker, signal.SIGKILL)

    score_all(TASKS["slow"], films, tmp_path, nullcontext(client), progress=kill_once)
    assert killed
    rows = table(tmp_path)
    assert len(rows) == 80
    assert not rows["refused"].any()


def test_run_that_was_killed_goes_on_to_the_same_rows(
    client: Client, films: Path, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    score_all(TASKS["slow"], films, whole, nullcontext(client))
    arguments = ["slow", "--in", str(films), "--out", str(broken), "--workers", "1"]
    started = subprocess.Popen(command(arguments), cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        first = broken / "images" / "part-000000.parquet"
        while not first.exists():
            assert started.poll() is None
            time.sleep(0.02)
        tree = psutil.Process(started.pid).children(recursive=True)
    finally:
        started.kill()
        started.wait()
    left = psutil.wait_procs(tree, timeout=30)[1]
    assert left == []  # its workers end with it
    assert len(list(broken.glob("images/*.parquet"))) < 4
    made = first.stat().st_mtime_ns
    with pytest.raises(ImagingError, match="--resume"):
        score_all(TASKS["slow"], films, broken, nullcontext(client))
    with pytest.raises(ImagingError, match="another task"):
        score_all(TASKS["tiny"], films, broken, nullcontext(client), resume=True)
    score_all(TASKS["slow"], films, broken, nullcontext(client), resume=True)
    assert first.stat().st_mtime_ns == made  # what was done is not done again
    for name in ("images", "boxes"):
        pd.testing.assert_frame_equal(table(broken, name), table(whole, name))


def test_two_tasks_at_once_on_one_cluster(client: Client, films: Path, tmp_path: Path) -> None:
    def scored(name: str) -> dict[str, Any]:
        return score_all(TASKS[name], films, tmp_path / name, nullcontext(client))

    with ThreadPoolExecutor(2) as both:
        summaries = list(both.map(scored, ("tiny", "slow")))
    assert [one["answered"] for one in summaries] == [80, 80]
    pd.testing.assert_series_equal(
        table(tmp_path / "tiny")["value"], table(tmp_path / "slow")["value"]
    )


def test_workers_that_do_not_see_the_folder_are_sent_the_bytes(
    client: Client, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_shared", lambda *_: False)
    score_all(TASKS["tiny"], films, tmp_path, nullcontext(client))
    assert not table(tmp_path)["refused"].any()


def test_nothing_listens_beyond_this_computer(client: Client) -> None:
    tree = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = {
        one.laddr.ip
        for process in tree
        for one in process.net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_unreachable_scheduler_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImagingError, match="No Dask scheduler answers"):
        cluster.remote("tcp://127.0.0.1:9").__enter__()


def test_a_folder_takes_one_run_at_a_time(client: Client, films: Path, tmp_path: Path) -> None:
    from models.score.parts import Folder

    with (
        Folder(tmp_path, TASKS["tiny"]).locked(),
        pytest.raises(ImagingError, match="Another run"),
    ):
        score_all(TASKS["tiny"], films, tmp_path, nullcontext(client))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bone_age", "--in", "x", "--masks"], "has no masks"),
        (["fracture", "--in", "nowhere"], "There is no “nowhere”"),
        (["fracture", "--in", "empty"], "nothing to score"),
    ],
)
def test_what_cannot_be_scored_is_said_in_a_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main([*arguments, "--out", "out"]) == 1
    assert sentence in capsys.readouterr().err


def test_pace_says_rate_and_time_left() -> None:
    pace = Pace(1000, 100)
    pace.at(0.0)
    pace.done, pace.refused = 200, 3
    pace.at(10.0)
    assert pace.words == "200 of 1,000 films (20 %), 10 a second, 80 s left, 3 refused"
    pace.waiting = True
    assert "waiting for workers" in pace.words


def test_readme_says_what_a_million_films_cost_at_the_rate_it_names() -> None:
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    rate = re.search(r"([\d.]+) fracture films a second on one core", text)
    assert rate is not None and cost(float(rate[1])) in text
