"""Cost of the chest page's answers beside a bare forward pass of the same network.

`python -m tests.benchmarks.chest`: run it on an idle machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from core.phantoms.chest.phantom import chest_phantom
from models.cards import load_card
from models.chest import heatmaps, predict, segment

REPEATS = 9


def seconds(function: Callable[[], object]) -> float:
    """Least time of several calls, after two to warm up: the least disturbed one."""
    times = []
    for _ in range(REPEATS + 2):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times[2:])


def main() -> None:
    image = chest_phantom(2).image
    model = predict.load_model(load_card("chest", "findings"))
    seen = torch.from_numpy(np.ascontiguousarray(predict.network_input(model, image)))[None, None]

    def bare() -> None:
        with torch.inference_mode():
            for network in model.networks.values():
                network(seen)

    alone = seconds(bare)
    print(f"bare forward pass of {len(model.networks)} network(s): {alone * 1000:.1f} ms")
    tasks: dict[str, Callable[[], object]] = {
        "classify": lambda: predict.classify(model, image),
        "classify and Grad-CAM": lambda: (
            predict.classify(model, image),
            heatmaps.heat_map(model, image, "Cardiomegaly"),
        ),
    }
    for method in heatmaps.METHODS:
        tasks[method] = partial(heatmaps.heat_map, model, image, "Cardiomegaly", method=method)
    drawer = segment.load_model(load_card("chest", "heart_lungs"))
    tasks["masks"] = lambda: segment.segment(drawer, image)
    for name, task in tasks.items():
        taken = seconds(task)
        print(f"{name}: {taken * 1000:.0f} ms, {taken / alone:.1f} bare forward passes")


if __name__ == "__main__":
    main()
