"""Score everything in a folder with a Dask cluster: hand out, gather, write part by part."""

from __future__ import annotations

import re
import time
import uuid
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from distributed import Client, Future, KilledWorker

from core.errors import ImagingError, WeightsError
from models.cards import load_card, verified_weights
from models.score import sources, worker
from models.score.cocofile import write_coco_file
from models.score.parts import Folder
from models.score.progress import Pace, duration
from models.score.sources import Item
from models.score.task import Contents, Task
from models.score.worker import Loaded, Row

TICK_SECONDS = 0.5
AHEAD = 3
"""Chunks a worker's thread has in hand or in its queue: it never waits for the next one."""
WITHOUT_WORKERS_SECONDS = 300
START_SECONDS = 5
TRIES = 2
"""Workers that an image may end while it is alone, after the one that it ended in company."""
TOO_LONG = (
    "This file took longer than {} to read and answer, twice, and was left out. Open it alone on "
    "its page, or allow more time (--seconds)."
)


class ScoreError(ImagingError):
    """The run cannot go on; what is in place stays, and --resume goes on from there."""


@dataclass(frozen=True)
class Chunk:
    """Images of one part that travel together: (place in the part, image)."""

    part: int
    images: tuple[tuple[int, Item], ...]


def score_all(
    task: Task,
    given: str | Path,
    out: Path,
    cluster: AbstractContextManager[Client],
    *,
    resume: bool = False,
    masks: bool = False,
    progress: Callable[[Pace], None] = lambda pace: None,
) -> dict[str, Any]:
    """Score everything that is given and write rows, parts and a summary into a folder.

    Args:
        task: What to ask.
        given: See `sources.items`.
        out: Folder of the results.
        cluster: Gives a client of the cluster that does the work; entered when all that can be
            said before has been found in order.
        resume: Whether to go on with the run that the folder holds.
        masks: Whether to write masks, or COCO for a task of boxes.
        progress: Called about twice a second.

    Returns:
        The summary, as in summary.json.

    Raises:
        ImagingError: With a sentence, if the run cannot begin or cannot go on.
    """
    hashes = worker.hashes_of(task)
    for room, name in task.cards:
        verified_weights(load_card(room, name))
    folder = Folder(out, task)
    with folder.locked():
        about = {
            "task": task.name,
            "in": str(given),
            "cards": [
                f"{room}/{name} {sha}" for (room, name), sha in zip(task.cards, hashes, strict=True)
            ],
            "masks": masks,
        }
        items = sources.items(given, volumes=task.volumes, leave_out=out)
        total = folder.begin(items, about, resume=resume)
        done = total - sum(len(part) for _, part in folder.open_parts())
        pace = Pace(total, done, unit="heads" if task.volumes else "films")
        start = time.monotonic()
        if done < total:
            with warnings.catch_warnings():
                # Images are sent within tasks where a worker cannot see the files.
                warnings.filterwarnings("ignore", message="Sending large graph")
                with cluster as client:
                    _run(folder, client, Loaded(task, hashes, masks), pace, progress)
        return _finish(folder, about, time.monotonic() - start, total - done)


def _run(
    folder: Folder, client: Client, loaded: Loaded, pace: Pace, progress: Callable[[Pace], None]
) -> None:
    name = f"score-{uuid.uuid4().hex}"
    client.register_plugin(loaded, name=name)
    try:
        _prepared(client, name)
        chunks, parts = _chunks(folder.open_parts(), folder.task.chunk_size)
        sent = not _shared(client, folder)
        watch = _Watch(time.monotonic())
        pace.at(watch.seen)
        for chunk, rows in _results(client, name, chunks, loaded.task.most_seconds, sent=sent):
            if chunk is not None:
                _collect(folder, parts, chunk, rows, loaded)
                pace.done += len(rows)
                pace.refused += sum(bool(row.columns["refused"]) for row in rows)
            _complete(client, watch)
            pace.waiting = not threads(client)
            pace.at(time.monotonic())
            progress(pace)
    finally:
        if client.status == "running":
            client.unregister_worker_plugin(name)


@dataclass
class _Watch:
    """When a worker was last seen, and when missing ones were last started."""

    seen: float
    started: float = 0.0


def _complete(client: Client, watch: _Watch) -> None:
    """Start local workers that Dask gave up, which it does where one dies while it starts.

    Raises:
        ScoreError: If there has been no worker for long.
    """
    now = time.monotonic()
    if threads(client):
        watch.seen = now
    elif now - watch.seen > WITHOUT_WORKERS_SECONDS:
        raise ScoreError(
            "No worker has come back for five minutes. What is done is kept: start workers and "
            "run the same command with --resume."
        )
    cluster = client.cluster
    if cluster is not None and now - watch.started > START_SECONDS:
        watch.started = now
        cluster.scale(len(cluster.worker_spec))


@dataclass
class _Part:
    """A part that is being filled, by place."""

    items: list[Item]
    rows: dict[int, Row]


def _chunks(
    open_parts: Iterable[tuple[int, list[Item]]], size: int
) -> tuple[Iterator[Chunk], dict[int, _Part]]:
    """The work in order, and the parts that were begun, which grows while it is handed out."""
    begun: dict[int, _Part] = {}

    def work() -> Iterator[Chunk]:
        for part, items in open_parts:
            begun[part] = _Part(items, {})
            placed = list(enumerate(items))
            for first in range(0, len(placed), size):
                yield Chunk(part, tuple(placed[first : first + size]))

    return work(), begun


def _results(
    client: Client, plugin: str, chunks: Iterator[Chunk], most_seconds: float, *, sent: bool
) -> Iterator[tuple[Chunk | None, list[Row]]]:
    """Hand out chunks a few at a time and yield their rows as they come; None for a tick.

    Images of a chunk whose worker died are tried again one by one, each with the cluster to
    itself: whichever ends its worker then is the one that did it.

    Raises:
        ScoreError: If the connection to the scheduler is lost, or a worker cannot work at all.
        WeightsError: If a worker has other weights, or none.
    """
    ended: SimpleQueue[Future] = SimpleQueue()
    flying: dict[Future, Chunk] = {}
    suspects: deque[Chunk] = deque()
    killed: Counter[tuple[int, int]] = Counter()
    number, since = 0, time.monotonic()
    while True:
        room = 0 if suspects else AHEAD * max(1, threads(client)) - len(flying)
        wanted = [chunk for _, chunk in zip(range(room), chunks, strict=False)]
        if suspects and not flying:
            wanted, since = [suspects.popleft()], time.monotonic()
        for chunk in wanted:
            number += 1
            future = _submitted(client, (plugin, number), plugin, chunk, sent)
            flying[future] = chunk
            future.add_done_callback(ended.put)
        if not flying:
            return
        try:
            future = ended.get(timeout=TICK_SECONDS)
        except Empty:
            yield None, []
            continue
        chunk = flying.pop(future)
        rows = _outcome(future)
        if rows is not None:
            yield chunk, rows
            continue
        # Alone with the cluster, an image whose worker ended that late was ended by its limit.
        late = len(chunk.images) == 1 and time.monotonic() - since >= most_seconds
        for place, item in chunk.images:
            killed[chunk.part, place] += 1
            alone = Chunk(chunk.part, ((place, item),))
            if late and killed[chunk.part, place] > 1:
                yield alone, [worker.refused(TOO_LONG.format(duration(most_seconds)))]
            elif killed[chunk.part, place] > TRIES:
                yield alone, [_left_out(killed[chunk.part, place])]
            else:
                suspects.append(alone)


def _submitted(
    client: Client, key: tuple[str, int], plugin: str, chunk: Chunk, sent: bool
) -> Future:
    items = [item for _, item in chunk.images]
    given: list[Contents | str] | None = [worker.read(item) for item in items] if sent else None
    return client.submit(worker.score_items, plugin, items, given, key=key, pure=False)


def _outcome(future: Future) -> list[Row] | None:
    """The rows of a chunk, or None where its worker died."""
    try:
        rows: list[Row] = future.result()
    except KilledWorker:
        return None
    except WeightsError:
        raise
    except CancelledError as err:
        raise ScoreError(
            "The connection to the scheduler was lost. What is done is kept: run the same command "
            "with --resume."
        ) from err
    except Exception as err:  # whatever a worker's own fault raises there
        raise ScoreError(
            f"The cluster failed ({type(err).__name__}: {str(err)[:200]}). What is done is kept: "
            "run the same command with --resume."
        ) from err
    return rows


def _left_out(times: int) -> Row:
    return worker.refused(
        f"The worker that read this file ended, {times} times, for lack of memory or by a crash; "
        "the file was left out. Give workers more memory (--memory), or check the file."
    )


def _prepared(client: Client, plugin: str) -> None:
    """Load the model once, so that a model at fault is not taken for a fault of the images."""
    try:
        client.submit(worker.prepare, plugin, key=(f"{plugin}-prepare", 0), pure=False).result()
    except KilledWorker as err:
        raise ScoreError(
            "The workers end while they load the model, probably for lack of memory; use fewer "
            "workers, or give each more (--memory)."
        ) from err
    except ImagingError:
        raise
    except Exception as err:  # an import that fails there can raise anything
        raise ScoreError(
            f"A worker cannot load the model ({type(err).__name__}: {str(err)[:200]}); start the "
            "workers in the folder of the same version of Lightbox."
        ) from err


def _shared(client: Client, folder: Folder) -> bool:
    """Whether every worker sees the files that are to be scored."""
    for _, items in folder.open_parts():
        for item in items:
            path = Path(item.files[0]).resolve()
            if path.is_file():
                seen = client.run(worker.same_file, str(path), path.stat().st_size)
                return bool(seen) and all(seen.values())
    return True


def threads(client: Client) -> int:
    """Threads of all workers, as the client last heard."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return sum(one["nthreads"] for one in workers)


def _collect(
    folder: Folder, parts: dict[int, _Part], chunk: Chunk, rows: list[Row], loaded: Loaded
) -> None:
    """Put rows into their part, and the part into place when it is complete."""
    part = parts[chunk.part]
    for (place, item), row in zip(chunk.images, rows, strict=True):
        if row.mask:
            name = folder.mask_name(item.path)
            folder.write_mask(name, row.mask)
            row.columns["mask"] = name
        part.rows[place] = Row(row.columns, row.boxes)
    if len(part.rows) < len(part.items):
        return
    rows_in_order = [part.rows[place] for place in range(len(part.items))]
    told = [(row.columns, row.boxes) for row in rows_in_order]
    folder.write_rows(chunk.part, part.items, told, loaded.hashes[0])
    del parts[chunk.part]


def _finish(folder: Folder, about: dict[str, Any], seconds: float, scored: int) -> dict[str, Any]:
    """Write what can only be written at the end."""
    answered = 0
    reasons: Counter[str] = Counter()
    for row in folder.rows():
        if row["refused"]:
            reasons[re.sub(r"\d[\d.,]*", "…", str(row["why"]))] += 1
        else:
            answered += 1
    summary = {
        **about,
        "images": answered + reasons.total(),
        "answered": answered,
        "refused": reasons.total(),
        "refused_because": dict(reasons.most_common(20)),
        "this_run": {"images": scored, "seconds": round(seconds, 3)},
    }
    if about["masks"] and folder.task.box_columns:
        write_coco_file(folder)
    folder.write_json("summary.json", summary)
    return summary
