"""Time and memory of skull stripping, and other tools on the same heads.

    python -m tests.benchmarks.skull_strip                      # stages on a 256 × 256 × 192 head
    python -m tests.benchmarks.skull_strip --peers deepbet deepbrain \
        --data ../shared/data/brain --split test --json peers.json [--keep]

deepbet (MIT) and deepbrain (MIT) are no requirements of Lightbox: install them beside it
(`pip install --no-deps deepbet connected-components-3d fill_voids fastremap deepbrain`). deepbet
made `mask`, so tools are compared by `mask2`. `--keep` writes what the Evaluation page shows, a row
a tool and head; its seconds are those of all threads together on the processor, which a busy
machine does not lengthen as it does the clock's.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from core.images import Volume
from core.metrics.masks import compare_masks
from core.skull_strip import OURS, TALLER, expected_n4_seconds, prepare
from models import predictions
from models.cards import load_card
from models.skull_strip import evaluate, predict
from models.skull_strip.predictions import DATA_SET

Tool = Callable[[Volume], np.ndarray]


def large_head(seed: int = 0) -> Volume:
    """A phantom of 256 × 256 × 192 voxels of 1 mm."""
    from core.phantoms.head.phantom import random_head

    made = random_head(seed, 1.0).volume
    voxels = np.zeros((256, 256, 192), np.float32)
    taken = made.voxels[:256, :256, -192:]
    voxels[: taken.shape[0], : taken.shape[1], : taken.shape[2]] = taken
    return Volume(voxels, made.affine, f"phantom {seed}")


def deepbet() -> Tool:
    """deepbet 1.0.2 (Fisch et al. 2024) on the processor."""
    import nibabel as nib
    from deepbet import BrainExtraction

    extraction = BrainExtraction(no_gpu=True)

    def run(volume: Volume) -> np.ndarray:
        mask = extraction.run(nib.Nifti1Image(volume.voxels, volume.affine))[1]
        return np.asarray(mask.dataobj) > 0

    return run


def deepbrain() -> Tool:
    """deepbrain 0.1, its TensorFlow 1 graph run as it is, its resizing as published."""
    import importlib.util

    import tensorflow as tf
    from skimage.transform import resize

    spec = importlib.util.find_spec("deepbrain")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("deepbrain")
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString((Path(spec.origin).parent / "models" / "graph.pb").read_bytes())
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition)
    session = tf.compat.v1.Session(graph=graph)

    def run(volume: Volume) -> np.ndarray:
        small = resize(volume.voxels, (128,) * 3, mode="constant", anti_aliasing=True)
        feed = {"import/training:0": False, "import/img:0": (small / small.max())[None, ..., None]}
        answer = session.run("import/prob:0", feed).squeeze()
        shape = volume.voxels.shape
        return np.asarray(resize(answer, shape, mode="constant", anti_aliasing=True) > 0.5)

    return run


def ours(*, n4: bool = False) -> Tool:
    """The shipped model with or without bias correction, as the page calls it."""
    model = predict.load_model(load_card("skull_strip", "unet"))
    settings = replace(OURS, n4=n4, threshold=model.card.operating_points["brain"])
    return lambda volume: predict.segment(model, volume, settings).voxels > 0


TOOLS = {
    "ours": ours,
    "ours with N4": partial(ours, n4=True),
    "deepbet": deepbet,
    "deepbrain": deepbrain,
}


def stages(repeats: int) -> None:
    """Print the seconds of every stage on the large head, and the peak memory."""
    volume = large_head()
    model = predict.load_model(load_card("skull_strip", "unet"))
    print("resident after loading", peak_mb(), "MB (peak so far)")
    for name, settings in (("ours", OURS), ("taller grid", TALLER)):
        estimate = expected_n4_seconds((256, 256, 192), settings.shrink, settings.iterations)
        rows = []
        for _ in range(repeats):
            start, busy = time.perf_counter(), time.process_time()
            prepared = prepare(volume, settings)
            answer = predict.probability(model, prepared)
            steps = answer.steps()
            total = time.perf_counter() - start
            n4 = prepared.steps[0].seconds
            parts = [*prepared.steps, *steps]
            rows.append((total, total - n4, n4, answer.seconds, time.process_time() - busy))
        fastest = min(rows)
        print(
            f"{name}: whole {fastest[0]:.2f} s, without N4 {fastest[1]:.2f} s, N4 "
            f"{fastest[2]:.2f} s (expected {estimate:.1f}), network {fastest[3]:.2f} s; "
            f"{fastest[4]:.1f} processor seconds; peak {peak_mb()} MB"
        )
        print("  " + ", ".join(f"{step.name} {step.seconds:.2f}" for step in parts))


def peak_mb() -> int:
    """Peak resident memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def compare(tools: list[str], data: Path, split: str, out: Path | None, *, keep: bool) -> None:
    """Score tools against both masks, and time them on the large head."""
    with (data / "brain.csv").open(encoding="utf-8", newline="") as handle:
        table = [row for row in csv.DictReader(handle) if row["split"] == split]
    heads = [evaluate.read_volume(data / row["file"]) for row in table]
    large = large_head()
    found: dict[str, dict[str, float]] = {}
    kept: list[dict[str, object]] = []
    for name in tools:
        run = TOOLS[name]()
        run(heads[0])  # the first call loads and traces
        scores: dict[str, list[float]] = {"seconds": []}
        for volume, row in zip(heads, table, strict=True):
            start, start_busy = time.perf_counter(), time.process_time()
            mask = run(volume)
            scores["seconds"].append(time.perf_counter() - start)
            one: dict[str, object] = {"file": row["file"], "tool": titled(name)}
            one["processor_seconds"] = time.process_time() - start_busy
            kept.append(one)
            for kind in ("mask", "mask2"):
                if row[kind]:
                    truth = evaluate.read_mask(data / row[kind])
                    agreement = compare_masks(mask, truth, volume.spacing_mm)
                    scores.setdefault(f"dice_{kind}", []).append(agreement.dice)
                    scores.setdefault(f"hd95_{kind}_mm", []).append(agreement.hd95_mm)
                    one |= {f"dice_{kind}": agreement.dice, f"hd95_{kind}_mm": agreement.hd95_mm}
        times, busy = [], []
        for _ in range(3):
            start, start_busy = time.perf_counter(), time.process_time()
            run(large)
            times.append(time.perf_counter() - start)
            busy.append(time.process_time() - start_busy)
        found[name] = {key: statistics.fmean(values) for key, values in scores.items()}
        found[name]["seconds_256x256x192"] = min(times)
        # All threads together; unlike wall time it does not grow on a busy machine.
        found[name]["processor_seconds_256x256x192"] = min(busy)
        print(name, {key: round(value, 4) for key, value in found[name].items()}, flush=True)
    if keep:
        card = load_card("skull_strip", "unet")
        day = datetime.date.today().isoformat()
        about = predictions.About(DATA_SET, split, len(table), day, {card.name: card.sha256})
        rows = pd.DataFrame(kept)
        path = predictions.path_of("skull_strip", split, "tools")
        predictions.write(predictions.Predictions(about, rows), path)
    if out is not None:
        out.write_text(json.dumps({"split": split, "n": len(table), **found}, indent=1))


def titled(name: str) -> str:
    """A tool with its version; ours has none."""
    return name if name.startswith("ours") else f"{name} {version(name)}"


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", nargs="*", choices=sorted(TOOLS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", action="store_true", help="write the Evaluation page's table")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.peers:
        names = ["ours", "ours with N4", *options.peers]
        compare(names, options.data, options.split, options.json, keep=options.keep)
    else:
        stages(options.repeats)


if __name__ == "__main__":
    main()
