"""What a recipe of a bone-age network can ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.bone_age.cases import BoneAgeCase, read_bone_age_cases
from models.bone_age import network
from models.bone_age.calibrate import half_width
from models.bone_age.evaluate import predict_all
from models.bone_age.pipelines import PIPELINES, stages_of
from models.bone_age.predict import pipelines_of
from models.bone_age.settings import age_settings
from models.bone_age.simulated import (
    CHECK_SEED,
    SimulatedHand,
    prepare_simulated,
    simulated_hands,
)
from models.bone_age.train import Plan, predicted, train
from models.bone_age.train_films import prepare
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


def blend(
    run: Run, folder: Path, *, of: str, go_on_from: str, shares: Sequence[float], worse_by: float
) -> dict[str, Any]:
    """Weights on the line from where a step began to where it ended, as far as val allows.

    Fine-tuning for further films costs some of what was known before; the mean of both sets of
    weights often keeps it (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).
    Taken is the largest of `shares` of the way whose error on val is at most `worse_by` months
    above that of the beginning, or else the share with the least error.
    """
    settings = age_settings(load_card("bone_age", run.recipe.name))
    pipeline = PIPELINES[settings.pipeline]
    model = network.NETWORKS[settings.network](pipeline.shape)
    network.load_weights(model, run.weights(of, WEIGHTS))
    ends = model.get_weights()
    network.load_weights(model, run.weights(go_on_from, WEIGHTS))
    begins = model.get_weights()
    cases, films = _films(run, settings.pipeline)
    truth = np.array([case.months for case in cases])

    def put(share: float) -> None:
        between = zip(begins, ends, strict=True)
        model.set_weights([(1 - share) * one + share * other for one, other in between])

    found = {}
    for share in (0.0, *shares):
        put(share)
        found[share] = float(np.abs(predicted(model, films, cases, mirror=True) - truth).mean())
    chosen = furthest(found, worse_by)
    put(chosen)
    network.save_weights(model, folder / WEIGHTS)
    rows = "".join(f"{share},{error:.3f}\n" for share, error in found.items())
    (folder / "shares.csv").write_text(f"share,val_mae_months\n{rows}", encoding="utf-8")
    return {"share": chosen, "val_mae_months": round(found[chosen], 3)}


def furthest(errors: Mapping[float, float], worse_by: float) -> float:
    """The largest share but 0 whose error is near enough to that of share 0, or else the best."""
    others = {share: error for share, error in errors.items() if share}
    allowed = [share for share, error in others.items() if error <= errors[0.0] + worse_by]
    return max(allowed) if allowed else min(others, key=lambda share: others[share])


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
    run: Run,
    folder: Path,
    *,
    members: Sequence[str],
    shares: Sequence[float],
    near: float = 0.0,
    simulated: int = 0,
    scales: Sequence[float] = (1.0,),
) -> dict[str, Any]:
    """Shares of the shipped members with the least error on val, and the interval of their mean.

    Of the shares that lie within `near` months of the least error, those are taken that read
    `simulated` simulated hands best, of seeds that neither training nor the cards' figures use.
    Every network is asked about the film at all `scales`.
    """
    asked = {"scales": list(scales)}
    shipped = [load_card("bone_age", name) for name in members]
    cards = [replace(card, settings={**card.settings, **asked}) for card in shipped]
    pipelines = sorted({p for card in cards for p in pipelines_of(card)})
    found = _by_share(cards, shares, *_val(run, pipelines))
    allowed = [some for some in found if found[some] <= min(found.values()) + near]
    best = min(allowed, key=lambda some: found[some])
    told: dict[str, Any] = {}
    if simulated:
        hands = _by_share(cards, shares, *_check(run, pipelines, simulated))
        best = min(allowed, key=lambda some: hands[some])
        told["simulated_mae_months"] = round(hands[best], 3)
    chosen = {name: share for name, share in zip(members, best, strict=True) if share}
    card = load_card("bone_age", run.recipe.name)
    mixed = replace(card, settings={**card.settings, **asked, "members": chosen})
    told["settings.scales"] = list(scales)
    told |= {f"settings.members.{name}": share for name, share in chosen.items()}
    run.used.update({one.name: one.sha256 for one in cards})
    told["card_sha256"] = next(one.sha256 for one in cards if one.name in chosen)
    return {**told, "val_mae_months": round(found[best], 3), **_half_widths(run, mixed)}


def _by_share(
    cards: Sequence[ModelCard],
    shares: Sequence[float],
    cases: Sequence[BoneAgeCase | SimulatedHand],
    seen: Mapping[str, NDArray[np.float32]],
) -> dict[tuple[float, ...], float]:
    """Mean absolute error in months of the cards' weighted mean, by their shares."""
    truth, sexes = np.array([case.months for case in cases]), [case.sex for case in cases]
    readable = np.ones(len(cases), bool)
    months = np.stack([predict_all(card, seen, sexes, readable)[0] for card in cards])
    return {
        some: float(np.abs(np.average(months, axis=0, weights=some) - truth).mean())
        for some in product(shares, repeat=len(cards))
        if sum(some)
    }


def _half_widths(run: Run, card: ModelCard) -> dict[str, float]:
    cases, seen = _val(run, pipelines_of(card))
    truth, readable = np.array([case.months for case in cases]), np.ones(len(cases), bool)
    found = {}
    for key, known in (("half_width_months", True), ("half_width_months_sex_unknown", False)):
        sexes = [case.sex if known else None for case in cases]
        errors = np.abs(predict_all(card, seen, sexes, readable)[0] - truth)
        found[f"settings.{key}"] = round(half_width(errors), 1)
        if known:
            found["val_mae_months_of_file"] = round(float(errors.mean()), 3)
    return found


def _films(run: Run, pipeline: str) -> tuple[list[BoneAgeCase], NDArray[np.uint8]]:
    """The validation cases, and their films as a pipeline prepares them, uint8 (N, H, W)."""
    cases = read_bone_age_cases(run.data, "val")[: run.limit]
    kept = run.folder("films") / f"{pipeline}_val.npy"
    return cases, prepare(cases, stages_of(pipeline), PIPELINES[pipeline].shape, kept)


def _val(
    run: Run, pipelines: Sequence[str]
) -> tuple[list[BoneAgeCase], dict[str, NDArray[np.float32]]]:
    """The validation cases and what networks see of them, by pipeline, in [0, 1]."""
    found = {name: _films(run, name) for name in pipelines}
    cases = found[pipelines[0]][0]
    seen = {name: np.divide(some, 255, dtype=np.float32) for name, (_, some) in found.items()}
    return cases, seen


def _check(
    run: Run, pipelines: Sequence[str], count: int
) -> tuple[list[SimulatedHand], dict[str, NDArray[np.float32]]]:
    """The same of simulated hands to choose by."""
    hands = simulated_hands(count, CHECK_SEED)[: run.limit]
    seen = {}
    for name in pipelines:
        kept = run.folder("films") / f"{name}_check.npy"
        films = prepare_simulated(hands, stages_of(name), PIPELINES[name].shape, kept)
        seen[name] = np.divide(films, 255, dtype=np.float32)
    return hands, seen


STEPS: dict[str, Step] = {
    "age": age,
    "hand_mask": hand_mask,
    "blend": blend,
    "export": exported,
    "calibrate": calibrate,
    "mix": mix,
}
