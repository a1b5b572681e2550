"""Make the weights of a card again: `python -m models.train TASK NAME --data ../shared/data`.

Follows `models/<task>/recipes/<name>.toml` step by step into `runs/<task>/<name>` (or `--out`),
and leaves `run.json` there; the same command goes on where it was stopped. With `--ship` what it
made goes to `models/weights`, its record to `models/<task>/made`, hash and settings onto the card;
`python -m models.verify --data … --write` then measures it.

To try a recipe: `--limit 20 --instead epochs=1 steps=2` takes a few films and other numbers than
its plans name. Such a run does not ship.
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import ImagingError, UnsuitableInputError
from models.cards import MODELS
from models.predictions import FOLDERS
from models.training.recipe import read_recipe, recipes_of, with_numbers
from models.training.record import RECORD, Run, carry_out


def main(arguments: Sequence[str] | None = None) -> int:
    known = "; ".join(f"{task}: {', '.join(recipes_of(task))}" for task in FOLDERS)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=known)
    parser.add_argument("task", choices=sorted(FOLDERS))
    parser.add_argument("name", help="of the recipe; see below")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--parents", type=Path, help="folder with published weights to begin with")
    parser.add_argument("--out", type=Path, help="folder of the run")
    parser.add_argument("--limit", type=int, help="films of a split at most, to try a recipe")
    parser.add_argument(
        "--instead", nargs="*", default=[], metavar="NAME=VALUE", help="other numbers, to try it"
    )
    parser.add_argument("--ship", action="store_true", help="put what it made where it ships")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    hold_to(options.threads)
    out = options.out or Path("runs") / options.task / options.name
    say = partial(print, flush=True)
    try:
        recipe = read_recipe(MODELS / options.task / "recipes" / f"{options.name}.toml")
        if options.instead:
            recipe = with_numbers(recipe, _values(options.instead))
        folder = options.data / FOLDERS[options.task]
        record = carry_out(Run(recipe, folder, out, options.limit, options.parents), say)
        if options.ship:
            from models.training.ship import ship

            say(f"record: {ship(options.task, options.name, out)}")
    except ImagingError as err:
        say(f"{err}")
        return 1
    say(f"{out / RECORD}: {record.get('result', {})}")
    return 0


def _values(words: Sequence[str]) -> dict[str, Any]:
    """What `NAME=VALUE` says, the values as in a recipe."""
    try:
        return tomllib.loads("\n".join(words))
    except tomllib.TOMLDecodeError as err:
        said = " ".join(words)
        raise UnsuitableInputError(f"--instead takes NAME=VALUE, not “{said}” ({err}).") from err


def hold_to(threads: int) -> None:
    """Keep to so many threads; before a framework is imported, which is when it asks."""
    import cv2

    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)
    cv2.setNumThreads(threads)


if __name__ == "__main__":
    sys.exit(main())
