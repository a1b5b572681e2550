"""The command: `python -m models.score TASK --in FOLDER_OR_LIST --out FOLDER`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from core.errors import ImagingError
from models.score.progress import Pace, duration
from models.score.task import Task
from models.score.tasks import task_with
from models.score.tasks import tasks as all_tasks

LINE_SECONDS = 10.0
"""Where the output is no terminal, a line of progress comes this often."""


def main(given: Sequence[str] | None = None, tasks: Mapping[str, Task] | None = None) -> int:
    """Run the command; 0 if it went through, 1 with a sentence if not, 130 if interrupted.

    Args:
        given: Arguments, by default those of the process.
        tasks: What may be asked, by name; by default all tasks.
    """
    tasks = all_tasks() if tasks is None else tasks
    asked = _parser(tasks).parse_args(given)
    task = tasks[asked.task]
    if asked.model:
        try:
            task = task_with(asked.task, asked.model)
        except ImagingError as err:
            return _failed(str(err))
    if asked.seconds:
        task = replace(task, most_seconds=asked.seconds)
    if asked.masks and not (task.mask_suffix or task.box_columns):
        return _failed(f"{task.name} has no masks or boxes to write; leave out --masks.")
    # Dask takes half a second to import, which a wrong argument should not wait for.
    from models.score import cluster
    from models.score.run import score_all

    local = cluster.local(asked.workers or cluster.usable_cores(), asked.memory)
    try:
        # A scheduler is called first, the processes of this computer only when they are needed.
        with cluster.remote(asked.scheduler) if asked.scheduler else nullcontext() as client:
            summary = score_all(
                task,
                asked.given,
                asked.out,
                local if client is None else nullcontext(client),
                resume=asked.resume,
                masks=asked.masks,
                progress=Line(),
            )
    except ImagingError as err:
        return _failed(str(err))
    except KeyboardInterrupt:
        _failed("Stopped. What is done is kept: run the same command with --resume.")
        return 130
    run = summary["this_run"]
    sys.stderr.write("\n")
    sys.stdout.write(
        f"{summary['answered']:,} answered, {summary['refused']:,} refused; {run['images']:,} in "
        f"{duration(run['seconds'])} now. Results: {asked.out}\n"
    )
    return 0


class Line:
    """The line of progress: one that changes in a terminal, one every 10 s elsewhere."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.said = -LINE_SECONDS

    def __call__(self, pace: Pace) -> None:
        if self.live:
            sys.stderr.write(f"\r{pace.words:<78}")
        elif time.monotonic() - self.said >= LINE_SECONDS or pace.done == pace.total:
            self.said = time.monotonic()
            sys.stderr.write(f"{pace.words}\n")
        sys.stderr.flush()


def _parser(tasks: Mapping[str, Task]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.score", description=__doc__)
    parser.add_argument(
        "task", choices=sorted(tasks), metavar="TASK", help=", ".join(sorted(tasks))
    )
    parser.add_argument(
        "--in",
        dest="given",
        required=True,
        help="folder (with all below it), CSV or Parquet list with a column “path”, zip archive, "
        "DICOMDIR or one file",
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME",
        help="card that answers instead of the usual one; your own, too. Once for each place",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--workers", type=int, default=0, help="processes; by default one a core")
    parser.add_argument("--memory", default="auto", help="most memory of a worker, as “4GB”")
    parser.add_argument("--scheduler", help="tcp://HOST:PORT of a Dask scheduler with workers")
    parser.add_argument("--seconds", type=float, help="most time for one image (120; heads 900)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--masks", action="store_true", help="write masks (NIfTI, PNG) or COCO too")
    return parser


def _failed(sentence: str) -> int:
    sys.stderr.write(f"\n{sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
