"""How well a network marks heads of sources that it has not seen.

    python -m models.skull_strip.study --data ../shared/data/brain --out runs/skull_strip/study

Follows the recipe `unet` with a narrower network and fewer steps (`--filters`, `--steps`). The
first part sees IXI alone. From there the last part is trained once with every source and once
without each of the five others, with the same number of steps; one more network is trained from
nothing without IXI. One threshold for all, chosen on IXI's validation heads with the network of
every source: nothing is chosen on the heads that are scored.

What is done is not done again, and a training that was stopped goes on. `unseen_sources.csv` gets
a row a head and network; its first line says how they were made.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from core.skull_strip import Settings, prepare
from models.cards import MODELS, load_card
from models.onnx_runtime import open_file
from models.skull_strip.evaluate import agreement, masks_of, read_volume, table_of
from models.skull_strip.predict import Model, probability
from models.skull_strip.settings import settings_of
from models.skull_strip.unseen import EVERY, IXI, IXI_ONLY, OTHERS, WITHOUT, write
from models.training.recipe import file_sha256, read_recipe

FIGURES = ("dice", "dice_mask2", "iou", "iou_mask2", "hd95_mm", "hd95_mask2_mm")
WEIGHTS, HEADS = "unet.onnx", "heads.npz"


@dataclass(frozen=True)
class Plans:
    """How large the networks are, and how long they are trained.

    Attributes:
        filters: Channels at full resolution; the network that ships has 16.
        ixi: Steps of the first part, from nothing on IXI.
        last: Steps of each last part.
        without_ixi: Steps from nothing on the other sources.
    """

    filters: int = 8
    ixi: int = 360
    last: int = 60
    without_ixi: int = 240

    def table(self, name: str) -> dict[str, Any]:
        """The recipe's plan of a network with these numbers."""
        recipe = read_recipe(MODELS / "skull_strip" / "recipes" / "unet.toml")
        plans = {step["name"]: step["plan"] for step in recipe.steps if "plan" in step}
        without = name.removeprefix(WITHOUT) if name.startswith(WITHOUT) else ""
        begins = name == IXI_ONLY or without == IXI
        steps = self.ixi if name == IXI_ONLY else self.without_ixi if begins else self.last
        changed = {"filters": self.filters, "steps": steps, "without": without}
        changed["sources"] = "IXI" if name == IXI_ONLY else "all"
        return {**plans["ixi" if begins else "all"], **changed, "seed": recipe.seed}


def names() -> tuple[str, ...]:
    """Of the networks, in the order in which they are trained."""
    return (IXI_ONLY, EVERY, *(WITHOUT + source for source in OTHERS), WITHOUT + IXI)


def train(name: str, data: Path, out: Path, plans: Plans) -> Path:
    """Train one network of `names`, or go on with it; returns its weights.

    Args:
        name: Of the network.
        data: The data set.
        out: Folder of the study, a folder a network in it.
        plans: How large it is, and how long it is trained.
    """
    from models.skull_strip.train import Plan, train_plan

    folder = out / name.replace(" ", "_")
    done = folder / "done"
    if not done.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        plan = Plan(**plans.table(name))
        begins = name in (IXI_ONLY, WITHOUT + IXI)
        start = None if begins else out / IXI_ONLY.replace(" ", "_") / WEIGHTS
        train_plan(data, plan, folder / WEIGHTS, out / HEADS, start=start)
        done.touch()
    return folder / WEIGHTS


def threshold_of(path: Path, filters: int, data: Path, cache: Path) -> float:
    """The threshold with the best mean Dice on IXI's validation heads."""
    from models.keras_to_onnx import fill_keras
    from models.skull_strip import network
    from models.skull_strip.heads import read_heads
    from models.skull_strip.train import mean_dice, probabilities

    held_out = [head for head in read_heads(data, cache) if head.split == "val"]
    model = network.build(filters)
    fill_keras(model, path)
    said = probabilities(model, held_out)
    return max((0.35, 0.4, 0.45, 0.5, 0.55), key=partial(mean_dice, said, held_out))


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
        return (WITHOUT + IXI, EVERY)
    return (IXI_ONLY, WITHOUT + source, EVERY)


def main(arguments: Sequence[str] | None = None) -> None:
    usual = Plans()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the data set of heads")
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--filters", type=int, default=usual.filters)
    parser.add_argument(
        "--steps", type=int, nargs=3, default=(usual.ixi, usual.last, usual.without_ixi),
        metavar=("IXI", "LAST", "WITHOUT_IXI"), help="of the first part, each last, without IXI",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    from models.train import hold_to

    hold_to(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    plans, say = Plans(options.filters, *options.steps), partial(print, flush=True)
    paths = {}
    for name in names():
        say(name)
        paths[name] = train(name, options.data, options.out, plans)
    threshold = threshold_of(paths[EVERY], plans.filters, options.data, options.out / HEADS)
    settings = replace(settings_of(load_card("skull_strip", "unet")), threshold=threshold)
    rows = list(scored(paths, options.data, settings, say))
    steps = {"ixi": plans.ixi, "last": plans.last, "without_ixi": plans.without_ixi}
    weights = {name: file_sha256(path) for name, path in paths.items()}
    told = {"filters": plans.filters, "steps": steps, "threshold": threshold, "weights": weights}
    write(rows, told)


if __name__ == "__main__":
    main()
