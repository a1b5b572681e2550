"""Cost of the chest page's answers beside a bare forward pass of the same network.

`python -m tests.benchmarks.chest`: run it on an idle machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.phantoms.chest.phantom import chest_phantom
from models.cards import load_card
from models.chest import gradients, heatmaps, predict, segment
from models.chest.weights import LOGITS
from tests.benchmarks.clock import seconds as least

seconds = partial(least, repeats=9)


def main() -> None:
    image = chest_phantom(2).image
    model = predict.load_model(load_card("chest", "findings"))
    explained = gradients.load_model(load_card("chest", "findings"))
    seen = predict.network_input(model, image)[None, None]

    def bare() -> None:
        for network in model.networks.values():
            network(seen, only=(LOGITS,))

    alone = seconds(bare)
    print(f"bare forward pass of {len(model.networks)} network(s): {alone * 1000:.1f} ms")
    tasks: dict[str, Callable[[], object]] = {
        "classify": lambda: predict.classify(model, image),
        "classify and the class map": lambda: (
            predict.classify(model, image),
            heatmaps.class_map(model, image, "Cardiomegaly"),
        ),
    }
    for method in heatmaps.METHODS:
        tasks[method] = partial(gradients.heat_map, explained, image, "Cardiomegaly", method=method)
    drawer = segment.load_model(load_card("chest", "heart_lungs"))
    tasks["masks"] = lambda: segment.segment(drawer, image)
    for name, task in tasks.items():
        taken = seconds(task)
        print(f"{name}: {taken * 1000:.0f} ms, {taken / alone:.1f} bare forward passes")


if __name__ == "__main__":
    main()
