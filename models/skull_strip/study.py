"""How well the network marks heads of sources that it has not seen.

    python -m models.skull_strip.study --data ../shared/data/brain --run runs/skull_strip/unet \
        --out runs/skull_strip/study --steps 100 --steps-without-ixi 400

Begins with a finished run of the recipe `unet`. Its first part has seen IXI alone. From there the
last part is trained again, once with every source and once without each of the five others, with
the same number of steps, and mixed as the run's weights are. One more network is trained from
nothing without IXI. Share and threshold are the run's, chosen on IXI's validation heads: nothing
is chosen on the heads that are scored.

`--only NAME` trains one network, so that each may be a call of its own; what is done is not done
again. `unseen_sources.csv` gets a row a head and network, its first line says how they were made.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from core.skull_strip import Settings, prepare
from models.cards import MODELS, load_card
from models.onnx_runtime import open_file
from models.skull_strip.evaluate import agreement, masks_of, read_volume, table_of
from models.skull_strip.predict import Model, probability
from models.skull_strip.settings import settings_of
from models.training.recipe import file_sha256
from models.training.record import RECORD

FILE = MODELS / "skull_strip" / "unseen_sources.csv"
IXI = "ixi"
OTHERS = ("openms", "ds000031", "pycortex", "mni6asym", "colin27")
"""Beginnings of the file names of the sources that are not IXI, one or two heads each."""
IXI_ONLY, EVERY, WITHOUT = "IXI alone", "every source", "without "
FIGURES = ("dice", "dice_mask2", "iou", "iou_mask2", "hd95_mm", "hd95_mask2_mm")
WEIGHTS = "network.onnx"


@dataclass(frozen=True)
class Made:
    """The run that the study begins with.

    Attributes:
        folder: Of the run.
        record: Its `run.json`.
    """

    folder: Path
    record: Mapping[str, Any]

    def plan(self, step: str) -> dict[str, Any]:
        """The plan of a step of its recipe."""
        found = next(one for one in self.record["recipe"]["steps"] if one["name"] == step)
        return dict(found["plan"])

    @property
    def chosen(self) -> Mapping[str, Any]:
        """Share and threshold, as its last step chose them on the validation heads."""
        found: Mapping[str, Any] = self.record["steps"]["weights"]["found"]
        return found


def names() -> tuple[str, ...]:
    """Of the networks that the study trains."""
    return (EVERY, *(WITHOUT + source for source in OTHERS), WITHOUT + IXI)


def train(made: Made, name: str, data: Path, out: Path, steps: Mapping[str, int]) -> Path:
    """Train one network of `names`, or go on with it; returns its weights.

    Args:
        made: The run to begin with.
        name: Of the network.
        data: The data set.
        out: Folder of the study, a folder a network in it.
        steps: By network how many, "" for those that begin with the run's first part.
    """
    from models.skull_strip import network
    from models.skull_strip.train import Plan, train_plan
    from models.skull_strip.train_steps import HEADS, fill_mixed
    from models.skull_strip.train_steps import WEIGHTS as LAST

    folder = out / name.replace(" ", "_")
    weights = folder / WEIGHTS
    if weights.is_file():
        return weights
    folder.mkdir(parents=True, exist_ok=True)
    without = name.removeprefix(WITHOUT) if name.startswith(WITHOUT) else ""
    from_nothing = without == IXI
    table = made.plan(IXI if from_nothing else "all")
    table |= {"sources": "all", "without": without, "steps": steps.get(name, steps[""])}
    plan = Plan(**table, seed=made.record["seed"])
    first = made.folder / "ixi" / LAST
    cache = made.folder / "heads" / HEADS
    train_plan(data, plan, folder / LAST, cache, start=None if from_nothing else first)
    model = network.build(plan.filters)
    share = 1.0 if from_nothing else made.chosen["share_of_last"]
    fill_mixed(model, first, folder / LAST, share)
    network.save(model, weights)
    return weights


def scored(networks: Mapping[str, Path], data: Path, settings: Settings) -> Iterator[dict]:
    """Every head of every source but IXI's training heads, by each network that may be asked.

    A row a head and network. Heads of IXI are asked of the network without IXI and of that of
    every source, which never trained on their splits; all others of every network that has IXI,
    but where it left out another source.

    Args:
        networks: Weights by name.
        data: The data set.
        settings: What happens before and after the network.
    """
    card = load_card("skull_strip", "unet")
    opened = {name: Model(card, open_file(path)) for name, path in networks.items()}
    for row in table_of(data):
        source = source_of(row["file"])
        asked = [name for name in opened if name in asked_of(source)]
        if not asked or (source == IXI and row["split"] == "train"):
            continue
        volume = read_volume(data / row["file"])
        masks = masks_of(data, row)
        prepared = prepare(volume, settings)
        for name in asked:
            found = probability(opened[name], prepared).mask().voxels
            told = agreement(found, *masks, volume.spacing_mm)
            yield {
                "source": source,
                "file": row["file"],
                "network": name,
                "seen": name == EVERY,
                **{figure: told[figure] for figure in FIGURES},
            }


def source_of(file: str) -> str:
    """The source of a file by its name."""
    stem = PurePosixPath(file).name
    return next((one for one in (IXI, *OTHERS) if stem.startswith(one)), "")


def asked_of(source: str) -> tuple[str, ...]:
    """Names of the networks that are asked about heads of a source."""
    if source == IXI:
        return (WITHOUT + IXI, EVERY)
    return (IXI_ONLY, WITHOUT + source, EVERY)


def write(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any], path: Path = FILE) -> None:
    """Write the table with its first line."""
    body = pd.DataFrame(rows).to_csv(index=False, float_format="%.5g", lineterminator="\n")
    path.write_text(f"# {json.dumps(about)}\n{body}", encoding="utf-8")


def read(path: Path = FILE) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table, and how it was made."""
    with path.open(encoding="utf-8") as handle:
        about: dict[str, Any] = json.loads(handle.readline().removeprefix("# "))
        return pd.read_csv(handle), about


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the data set of heads")
    parser.add_argument("--run", type=Path, required=True, help="finished, of the recipe unet")
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--steps", type=int, default=100, help="of each last part")
    parser.add_argument("--steps-without-ixi", type=int, default=400)
    parser.add_argument("--only", choices=names(), help="train this one, and score nothing")
    options = parser.parse_args(arguments)
    record = json.loads((options.run / RECORD).read_text(encoding="utf-8"))
    made = Made(options.run, record)
    steps = {"": options.steps, WITHOUT + IXI: options.steps_without_ixi}
    wanted = (options.only,) if options.only else names()
    paths = {name: train(made, name, options.data, options.out, steps) for name in wanted}
    if options.only:
        return
    paths[IXI_ONLY] = made.folder / "ixi" / "unet.onnx"
    own = settings_of(load_card("skull_strip", "unet"))
    settings = replace(own, threshold=made.chosen["operating_points.brain"])
    about = {
        "run": record["commit"],
        "steps": options.steps,
        "steps_without_ixi": options.steps_without_ixi,
        "steps_ixi": made.plan("ixi")["steps"],
        "share_of_last": made.chosen["share_of_last"],
        "threshold": settings.threshold,
        "weights": {name: file_sha256(path) for name, path in paths.items()},
    }
    write(list(scored(paths, options.data, settings)), about)


if __name__ == "__main__":
    main()
