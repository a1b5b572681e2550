"""What the recipe of the film-kind network can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from models.cards import load_card
from models.film_kind.network import FilmKindNetwork
from models.film_kind.train import Plan, export, train, training_films
from models.training.record import Run, Step


def film_kind(
    run: Run, folder: Path, *, plan: Mapping[str, Any], shares: Mapping[str, float]
) -> dict[str, int]:
    """Train the network; says how many films of each source it learnt from."""
    chosen = Plan(**plan, seed=run.recipe.seed)
    films = training_films(run.data, chosen, run.limit)
    train(films, chosen, folder, shares)
    return {source: len(pool) for source, pool in films.items()}


def exported(run: Run, folder: Path, *, of: str) -> dict[str, str]:
    """Write the file that answers."""
    network = FilmKindNetwork()
    saved = torch.load(run.weights(of), map_location="cpu", weights_only=True)
    network.load_state_dict(saved["average"])
    file = load_card("film_kind", run.recipe.name).file
    return {"sha256": export(network.eval(), folder / file)}


STEPS: dict[str, Step] = {"film_kind": film_kind, "export": exported}
