"""Put what a run made where it ships: weights, record with its curves, the values of the card."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from core.errors import UnsuitableInputError
from models.cards import MODELS, WEIGHTS, load_card
from models.figures import write_settings
from models.training.recipe import read_recipe
from models.training.record import RECORD, made

ON_CARD = ("settings.", "operating_points.")
"""What a step found under such a key is a value of the card."""


def ship(task: str, name: str, out: Path) -> Path:
    """Copy a finished run's result and record, and put hash and settings on the card.

    The figures are not touched: `models.verify --write` measures them.

    Args:
        task, name: Of the card.
        out: Folder of the run.

    Returns:
        The folder of the record.

    Raises:
        UnsuitableInputError: If the run is of another recipe, of a part of the films only, or has
            steps left.
    """
    record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    recipe = read_recipe(MODELS / task / "recipes" / f"{name}.toml")
    left = [step["name"] for step in recipe.steps if step["name"] not in record["steps"]]
    if record["recipe_sha256"] != recipe.sha256 or record["limit"] is not None or left:
        raise UnsuitableInputError(
            f"The run in {out.name} does not ship: it must be of the recipe as it is now, on all "
            f"films, with every step done ({', '.join(left) or 'none'} left)."
        )
    card, result = load_card(task, name), record["result"]
    if (out / result["file"]).is_file():  # a mean of other cards' networks makes no file
        shutil.copyfile(out / result["file"], WEIGHTS / card.file)
    path = MODELS / task / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    named = f'sha256 = "{result["sha256"]}"'
    text = re.sub(r'^sha256 = "[0-9a-f]*"', named, text, count=1, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    for step in record["steps"].values():
        values = {key: v for key, v in step["found"].items() if key.startswith(ON_CARD)}
        write_settings(path, {tuple(key.rsplit(".", 1)): v for key, v in values.items()})
    folder = made(task, name)
    shutil.rmtree(folder, ignore_errors=True)
    for file in (RECORD, *record["curves"]):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(out / file, folder / file)
    return folder
