"""Server time of the lab's grid of nine draws, and what batches save a model.

`python -m tests.benchmarks.augmentation`: run it on an idle machine. Times are processor seconds
of this process as well as wall seconds, so that a busy machine can be told from slow code.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from core.augment import apply, checks, pictures
from core.augment.apply import apply_film
from core.augment.films import FILMS
from core.augment.labels import Labels
from core.augment.pipeline import Planned, draw
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom

REPEATS = 7
BAR_MS = 300
PIPELINES = {
    "rotation": ("rotate",),
    "rotation, zoom, contrast, noise (the first example)": ("rotate", "zoom", "contrast", "noise"),
    "elastic (slowest geometry)": ("elastic",),
    "Poisson noise (slowest noise)": ("poisson",),
}


def seconds(function: Callable[[], object]) -> tuple[float, float]:
    """Least wall and processor time of several calls, after one to warm up."""
    function()
    found = []
    for _ in range(REPEATS):
        wall, own = time.perf_counter(), time.process_time()
        function()
        found.append((time.perf_counter() - wall, time.process_time() - own))
    return min(wall for wall, _ in found), min(own for _, own in found)


def grid(names: tuple[str, ...], pixels: np.ndarray, labels: Labels) -> list[np.ndarray]:
    """What the server does for a 3 × 3 grid: draw, apply, check, picture, thumbnail."""
    pipeline = tuple(Planned(name, FILMS[name].usual) for name in names)
    shown = []
    for seed in range(9):
        moved = apply_film(draw(pipeline, FILMS, seed), pixels, labels)
        checks.flags("limb", pixels, labels, moved)
        shown.append(pictures.thumbnail(pictures.film(moved.pixels, moved.labels, boxes=True)))
    return shown


def bare(names: tuple[str, ...], pixels: np.ndarray) -> None:
    """The library alone on the same draws, without labels."""
    pipeline = tuple(Planned(name, FILMS[name].usual) for name in names)
    for seed in range(9):
        one = draw(pipeline, FILMS, seed)
        apply.composed(one, pixels.shape)(image=apply.film_input(one, pixels))


def main() -> None:
    image, boxes = limb_phantom(
        LimbPhantom(seed=5, kind="forearm", fracture="oblique", shape=(512, 410))
    )
    labels = Labels(boxes, ("fracture",), {"bone": image.pixels > 0.5})
    for title, names in PIPELINES.items():
        ours = seconds(lambda names=names: grid(names, image.pixels, labels))
        theirs = seconds(lambda names=names: bare(names, image.pixels))
        print(
            f"3 × 3 grid of {image.shape}, {title}: {ours[0] * 1000:.0f} ms wall, "
            f"{ours[1] * 1000:.0f} ms processor (bar {BAR_MS}), "
            f"{ours[1] / theirs[1]:.2f} times the library alone"
        )
    batches(image.pixels)


def batches(pixels: np.ndarray) -> None:
    """The fracture classifier on eight draws, one by one and in one batch."""
    from core.images import Radiograph, digest_of
    from models.cards import load_card
    from models.fracture import classify

    model = classify.load_classifier(load_card("fracture", "classifier"))
    pipeline = (Planned("rotate", FILMS["rotate"].usual),)
    films = []
    for seed in range(8):
        moved = apply_film(draw(pipeline, FILMS, seed), pixels, Labels()).pixels
        films.append(Radiograph(moved, digest_of(moved)))
    single = seconds(lambda: [classify.probability(model, film) for film in films])
    batch = seconds(lambda: classify.probabilities(model, films))
    print(
        f"classifier, eight draws: one by one {single[0]:.2f} s wall, {single[1]:.2f} s processor; "
        f"batched {batch[0]:.2f} s and {batch[1]:.2f} s"
    )


if __name__ == "__main__":
    main()
