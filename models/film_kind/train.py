"""Train the network that says what a film is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from core.film_kind import KINDS, ORIENTATIONS
from models import onnx_file
from models.film_kind.augment import View, training_view
from models.film_kind.cross_sections import cross_section
from models.film_kind.films import (
    FIRST_TRAINING_SEED,
    LONG_SIDE_PX,
    Film,
    corner,
    phantom_films,
    real_films,
)
from models.film_kind.network import SIDE_PX, FilmKindNetwork
from models.film_kind.out_of_distribution import foreign_picture
from models.training.loop import Loss, Training, run

SHARES = {
    "RSNA hands": 0.20,
    "FracAtlas hands": 0.12,
    "FracAtlas limbs": 0.15,
    "FracAtlas shoulders": 0.10,
    "corners of chests": 0.05,
    "NIH 128 px": 0.09,
    "NIH 64 px": 0.06,
    "JSRT chests": 0.03,
    "hospital chests": 0.04,
    "brain slices": 0.05,
    "cross-sections": 0.05,
    "out of distribution": 0.15,
    "hand phantoms": 0.03,
    "chest phantoms": 0.02,
    "limb phantoms": 0.02,
    "brain phantoms": 0.01,
}
"""How often a source is drawn: by what it teaches, not by how many films it has."""

EPOCH = 100
"""Steps after which a run is kept: the films have no end that would make an epoch."""


@dataclass(frozen=True)
class Plan:
    """What a run does; `ema` is the memory of the averaged weights that ship."""

    steps: int = 1800
    batch: int = 64
    rate: float = 2e-3
    weight_decay: float = 0.02
    smoothing: float = 0.03
    ema: float = 0.995
    phantoms: int = 80
    out_of_distribution: int = 6000
    cross_sections: int = 1500
    chest_every: int = 3
    seed: int = 0


def shrunk(film: Film) -> Film:
    """The film as it is kept while training."""
    scale = LONG_SIDE_PX / max(film.grey.shape)
    if scale >= 1:
        return film
    size_wh = (max(1, round(film.grey.shape[1] * scale)), max(1, round(film.grey.shape[0] * scale)))
    return replace(film, grey=cv2.resize(film.grey, size_wh, interpolation=cv2.INTER_AREA))


def training_films(folder: Path, plan: Plan, limit: int | None = None) -> dict[str, list[Film]]:
    """The films by source, small; of real ones all or the first."""
    films: dict[str, list[Film]] = defaultdict(list)
    for film in islice(real_films(folder, "train", chest_every=plan.chest_every), limit):
        films[film.source].append(shrunk(film))
    if plan.phantoms:
        for film in phantom_films(FIRST_TRAINING_SEED, plan.phantoms):
            films[film.source].append(shrunk(film))
    rng = np.random.default_rng(plan.seed)
    films["out of distribution"] = [
        Film(foreign_picture(rng), "other", "out of distribution")
        for _ in range(plan.out_of_distribution)
    ]
    films["cross-sections"] = [
        Film(cross_section(rng), "cross-section", "cross-sections")
        for _ in range(plan.cross_sections)
    ]
    chests = films.get("NIH 128 px", [])[::4]
    films["corners of chests"] = [
        Film(corner(film.grey, rng), "limb", "corners of chests") for film in chests
    ]
    return dict(films)


def batch(
    films: Mapping[str, Sequence[Film]],
    size: int,
    shares: Mapping[str, float],
    rng: np.random.Generator,
) -> list[View]:
    """Random views, the sources drawn by their shares."""
    sources = [source for source in shares if films.get(source)]
    weights = np.array([shares[source] for source in sources])
    views = []
    for choice in rng.choice(len(sources), size, p=weights / weights.sum()):
        pool = films[sources[choice]]
        first, second = rng.integers(0, len(pool), 2)
        views.append(training_view(pool[first], pool[second], SIDE_PX, rng))
    return views


def loss_of(logits: torch.Tensor, views: Sequence[View], smoothing: float) -> torch.Tensor:
    """Cross-entropy of the kind, and of orientation and polarity where these mean something."""
    middle, end = len(KINDS), len(KINDS) + len(ORIENTATIONS)
    kinds = torch.tensor([view.kind for view in views])
    orientations = torch.tensor([view.orientation for view in views])
    inverted = torch.tensor([float(view.inverted) for view in views])
    loss = nn.functional.cross_entropy(logits[:, :middle], kinds, label_smoothing=smoothing)
    chest = orientations >= 0
    if chest.any():
        loss = loss + 0.5 * nn.functional.cross_entropy(
            logits[chest, middle:end], orientations[chest], label_smoothing=smoothing
        )
        loss = loss + 0.3 * nn.functional.binary_cross_entropy_with_logits(
            logits[chest, end], inverted[chest] * (1 - smoothing) + smoothing / 2
        )
    return loss


def train(
    films: Mapping[str, Sequence[Film]],
    plan: Plan,
    out: Path | None = None,
    shares: Mapping[str, float] = SHARES,
) -> FilmKindNetwork:
    """Train, and return the network with averaged weights, in evaluation mode.

    Args:
        out: Folder of the run, which goes on where it stopped.
        shares: How often each source is drawn.
    """
    torch.manual_seed(plan.seed)
    network = FilmKindNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=plan.rate, weight_decay=plan.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.rate, total_steps=plan.steps, pct_start=0.1
    )

    def losses(epoch: int, rng: np.random.Generator) -> Iterator[Loss]:
        for _ in range(min(EPOCH, plan.steps - epoch * EPOCH)):
            views = batch(films, plan.batch, shares, rng)
            inputs = torch.from_numpy(np.stack([view.pixels for view in views])[:, None])
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(inputs.to(memory_format=torch.channels_last))
            yield loss_of(logits.float(), views, plan.smoothing)

    epochs = -(-plan.steps // EPOCH)
    state = run(
        Training(network, optimiser, schedule, lambda _: plan.ema, epochs, losses, seed=plan.seed),
        out,
        say=partial(print, flush=True),
    )
    trained = FilmKindNetwork()
    trained.load_state_dict(state)
    return trained.eval()


def export(network: FilmKindNetwork, path: Path) -> str:
    """Write an ONNX file for any number of films, and return its SHA-256."""
    return onnx_file.export_torch(
        network,
        [torch.zeros(2, 1, SIDE_PX, SIDE_PX)],
        path,
        inputs=["film"],
        outputs=["logits"],
        free_axes={"film": {0: "films"}, "logits": {0: "films"}},
    )
