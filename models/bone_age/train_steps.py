"""What a recipe of a bone-age network can ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from core.bone_age.cases import read_bone_age_cases
from models.bone_age import network
from models.bone_age.calibrate import half_width
from models.bone_age.evaluate import predict_all, read_inputs
from models.bone_age.pipelines import PIPELINES
from models.bone_age.predict import pipelines_of
from models.bone_age.settings import age_settings
from models.bone_age.train import Plan, train
from models.bone_age.train_hand_mask import Plan as HandMaskPlan
from models.bone_age.train_hand_mask import train as train_hand_mask
from models.cards import ModelCard, load_card
from models.training.recipe import file_sha256
from models.training.record import Run, Step

WEIGHTS = "weights.npz"


def age(
    run: Run, folder: Path, *, plan: Mapping[str, Any], start: str = "", go_on_from: str = ""
) -> dict[str, float]:
    """Train a network from ImageNet (`start`), from an earlier step or parent, or from nothing."""
    error = train(
        run.data,
        Plan(**plan, seed=run.recipe.seed),
        folder / WEIGHTS,
        run.folder("films"),
        start=run.weights(start) if start else None,
        go_on_from=run.weights(go_on_from, WEIGHTS) if go_on_from else None,
        limit=run.limit,
    )
    return {"val_mae_months": round(error, 3)}


def hand_mask(run: Run, folder: Path, *, plan: Mapping[str, Any]) -> dict[str, str]:
    """Train the hand mask and write its file."""
    file = load_card("bone_age", run.recipe.name).file
    chosen = HandMaskPlan(**plan, seed=run.recipe.seed)
    return {"sha256": train_hand_mask(run.data, chosen, folder / file, folder, run.limit)}


def exported(run: Run, folder: Path, *, of: str, bits: int) -> dict[str, str]:
    """Write the file that answers."""
    card = load_card("bone_age", run.recipe.name)
    settings = age_settings(card)
    model = network.NETWORKS[settings.network](PIPELINES[settings.pipeline].shape)
    network.load_weights(model, run.weights(of, WEIGHTS))
    return {"sha256": network.export(model, folder / card.file, bits)}


def calibrate(run: Run, folder: Path, *, of: str) -> dict[str, float]:
    """Half-widths of the 90 % interval on val, for the card."""
    card = load_card("bone_age", run.recipe.name)
    path = (run.folder(of) / card.file).resolve()
    return _half_widths(run, replace(card, file=str(path), sha256=file_sha256(path)))


def mix(
    run: Run, folder: Path, *, members: Sequence[str], shares: Sequence[float]
) -> dict[str, Any]:
    """Shares of the shipped members with the least error on val, and the interval of their mean."""
    cards = [load_card("bone_age", name) for name in members]
    cases = read_bone_age_cases(run.data, "val")[: run.limit]
    seen, readable = read_inputs(cases, sorted({p for card in cards for p in pipelines_of(card)}))
    truth, sexes = np.array([case.months for case in cases]), [case.sex for case in cases]
    months = np.stack([predict_all(card, seen, sexes, readable)[0] for card in cards])
    found = {}
    for some in product(shares, repeat=len(members)):
        if sum(some):
            mean = np.average(months, axis=0, weights=some)
            found[some] = float(np.abs(mean - truth).mean())
    best = min(found, key=lambda some: found[some])
    chosen = {name: share for name, share in zip(members, best, strict=True) if share}
    card = load_card("bone_age", run.recipe.name)
    mixed = replace(card, settings={**card.settings, "members": chosen})
    told: dict[str, Any] = {f"settings.members.{name}": share for name, share in chosen.items()}
    run.used.update({one.name: one.sha256 for one in cards})
    told["card_sha256"] = next(one.sha256 for one in cards if one.name in chosen)
    return {**told, "val_mae_months": round(found[best], 3), **_half_widths(run, mixed)}


def _half_widths(run: Run, card: ModelCard) -> dict[str, float]:
    cases = read_bone_age_cases(run.data, "val")[: run.limit]
    seen, readable = read_inputs(cases, pipelines_of(card))
    truth = np.array([case.months for case in cases])
    found = {}
    for key, known in (("half_width_months", True), ("half_width_months_sex_unknown", False)):
        sexes = [case.sex if known else None for case in cases]
        errors = np.abs(predict_all(card, seen, sexes, readable)[0] - truth)
        found[f"settings.{key}"] = round(half_width(errors), 1)
        if known:
            found["val_mae_months_of_file"] = round(float(errors.mean()), 3)
    return found


STEPS: dict[str, Step] = {
    "age": age,
    "hand_mask": hand_mask,
    "export": exported,
    "calibrate": calibrate,
    "mix": mix,
}
