"""How well the network marks heads of sources that it has not seen.

    git show ad15ab2:models/weights/skull_strip_unet.npz > ixi.npz
    python -m models.skull_strip.study --data ../shared/data/brain --ixi ixi.npz \
        --out runs/skull_strip/study --steps 60

The weights that ship were made in two parts. Those after the first, which had seen IXI and head
phantoms alone, are in the history of this project: all five other sources are unseen by them. With
`--steps` a last part is trained from there on the heads of the other sources, once of all and once
without each, and mixed as the weights that ship are; without it no network is trained. The
threshold is the card's, chosen on IXI's validation heads: nothing is chosen on what is scored.

A network without IXI is not trained: it would have six heads to learn from.

What is done is not done again, and a training that was stopped goes on. `unseen_sources.csv` gets
a row a head and network; its first line says how they were made.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import WeightsError
from core.skull_strip import Settings, prepare
from models.cards import MODELS, load_card, verified_weights
from models.onnx_runtime import open_file
from models.skull_strip.evaluate import agreement, masks_of, read_volume, table_of
from models.skull_strip.predict import Model, probability
from models.skull_strip.settings import settings_of
from models.skull_strip.unseen import EVERY, IXI, IXI_ONLY, OTHERS, SHIPS, WITHOUT, write
from models.training.recipe import file_sha256, read_recipe

FIGURES = ("dice", "dice_mask2", "iou", "iou_mask2", "hd95_mm", "hd95_mask2_mm")
WEIGHTS, HEADS = "unet.onnx", "heads.npz"
IXI_SHA256 = "0d997b8f2bc4a472ade0714b8f7603077cf30d38ec9178d3c17b132a14d42dbf"
"""Of the weights after the first part."""
SHARE = 0.6
"""Of the last part in the mean of weights, as on the card."""


def names() -> tuple[str, ...]:
    """Of the networks that are trained, in their order."""
    return (EVERY, *(WITHOUT + source for source in OTHERS))


def plan_of(name: str, steps: int) -> dict[str, Any]:
    """The recipe's plan of the last part, of the other sources alone."""
    recipe = read_recipe(MODELS / "skull_strip" / "recipes" / "unet.toml")
    plan = next(step["plan"] for step in recipe.steps if step["name"] == "all")
    without = name.removeprefix(WITHOUT) if name.startswith(WITHOUT) else ""
    changed = {"sources": "others", "without": without, "steps": steps, "seed": recipe.seed}
    return {**plan, **changed}


def first_part(path: Path, out: Path) -> Path:
    """The weights after the first part as the file that answers.

    Raises:
        WeightsError: If the file is another one.
    """
    import numpy as np

    from models.skull_strip import network

    if file_sha256(path) != IXI_SHA256:
        raise WeightsError(f"{path.name} is not the file of the first part; see the docstring.")
    made = out / "ixi.onnx"
    if not made.is_file():
        model = network.build()
        with np.load(path, allow_pickle=False) as stored:
            for variable in model.variables:
                if "seed_generator" not in variable.path:
                    variable.assign(stored[variable.path])
        network.save(model, made)
    return made


def train(name: str, data: Path, out: Path, start: Path, steps: int) -> Path:
    """Train one network of `names`, or go on with it; returns its mixed weights.

    Args:
        name: Of the network.
        data: The data set.
        out: Folder of the study, a folder a network in it.
        start: Weights after the first part.
        steps: Of the last one.
    """
    from models.skull_strip import network
    from models.skull_strip.train import Plan, train_plan
    from models.skull_strip.train_steps import fill_mixed

    folder = out / name.replace(" ", "_")
    mixed = folder / "mixed.onnx"
    if mixed.is_file():
        return mixed
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(**plan_of(name, steps))
    train_plan(data, plan, folder / WEIGHTS, out / HEADS, start=start)
    model = network.build(plan.filters)
    fill_mixed(model, start, folder / WEIGHTS, SHARE)
    network.save(model, mixed)
    return mixed


def scored(
    networks: Mapping[str, Path],
    data: Path,
    settings: Settings,
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[dict[str, Any]]:
    """A row a head and network: heads of the five sources, and IXI's test heads.

    Args:
        networks: Weights by name.
        data: The data set.
        settings: What happens before and after the network.
        say: Told of progress.
    """
    card = load_card("skull_strip", "unet")
    opened = {name: Model(card, open_file(path)) for name, path in networks.items()}
    for row in table_of(data):
        source = source_of(row["file"])
        asked = [name for name in opened if name in asked_of(source)]
        if not asked or (source == IXI and row["split"] != "test"):
            continue
        volume = read_volume(data / row["file"])
        masks = masks_of(data, row)
        prepared = prepare(volume, settings)
        for name in asked:
            found = probability(opened[name], prepared).mask().voxels
            told = agreement(found, *masks, volume.spacing_mm)
            say(f"{row['file']}, {name}: Dice {told['dice']:.4f}")
            figures = {figure: told[figure] for figure in FIGURES}
            yield {"source": source, "file": row["file"], "network": name, **figures}


def source_of(file: str) -> str:
    """The source of a file by its name."""
    stem = PurePosixPath(file).name
    return next((one for one in (IXI, *OTHERS) if stem.startswith(one)), "")


def asked_of(source: str) -> tuple[str, ...]:
    """Names of the networks that are asked about heads of a source."""
    if source == IXI:
        return (IXI_ONLY, EVERY, SHIPS)
    return (IXI_ONLY, WITHOUT + source, EVERY, SHIPS)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the data set of heads")
    parser.add_argument("--ixi", type=Path, required=True, help="weights after the first part")
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--steps", type=int, default=0, help="of each last part; 0 trains none")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    from models.train import hold_to

    hold_to(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    say = partial(print, flush=True)
    card = load_card("skull_strip", "unet")
    start = first_part(options.ixi, options.out)
    paths = {IXI_ONLY: start, SHIPS: verified_weights(card)}
    for name in names() if options.steps else ():
        say(name)
        paths[name] = train(name, options.data, options.out, start, options.steps)
    settings = settings_of(card)
    rows = list(scored(paths, options.data, settings, say))
    weights = {name: file_sha256(path) for name, path in paths.items()}
    write(rows, {"steps": options.steps, "threshold": settings.threshold, "weights": weights})


if __name__ == "__main__":
    main()
