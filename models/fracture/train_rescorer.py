"""Train the second reader, which looks at the detector's candidates one by one.

The detector has seen the films of training, so its scores there are too good: this learns from
the pictures alone. Boxes around fractures are the annotators', moved and scaled; wrong boxes are
candidates on normal films, and boxes beside fractures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.detections import Boxes, iou_matrix
from core.fracture.fusion import logit
from core.images import FloatArray
from models.fracture.augment import exposed
from models.fracture.candidate_films import Film
from models.fracture.crops import SIDE_PX, View, crop, offsets
from models.fracture.rescore import Read
from models.fracture.weigh import looked_at, map50
from models.training.loop import CHECKPOINT, Loss, Training, adamw, growing, run, warmed_cosine


@dataclass(frozen=True)
class RescorerPlan:
    """What a run does.

    Attributes:
        epochs, steps, batch: So many epochs of so many steps of so many crops.
        around: Share of a batch that lies on or near a true box; the rest is of normal films.
        place: Weight of the loss of the offsets.
        smoothing: Overlaps from which and to which a box goes from wrong to right.
        rate, weight_decay, warm_up_steps, ema: As of the detector.
        val_every: Epochs between looks at val.
    """

    epochs: int = 20
    steps: int = 150
    batch: int = 64
    around: float = 0.5
    place: float = 2.0
    smoothing: tuple[float, float] = (0.3, 0.6)
    rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up_steps: int = 100
    ema: float = 0.998
    val_every: int = 2
    seed: int = 0


def train_rescorer(
    network: nn.Module,
    films: Sequence[Film],
    validation: Sequence[Film],
    out: Path,
    plan: RescorerPlan,
) -> Path:
    """Train, writing `last.pt` after every epoch and `curves.csv`; goes on where it stopped."""
    fractured = [film for film in films if len(film.truth_xyxy)]
    normal = [film for film in films if not film.fractured and len(film.found)]
    optimiser = adamw(network, plan.rate, plan.weight_decay)

    def losses(epoch: int, rng: np.random.Generator) -> Iterator[Loss]:
        for _ in range(plan.steps):
            inputs, truth, places = _batch(fractured, normal, plan, rng)
            logits, offs = network(inputs.to(memory_format=torch.channels_last))
            answer = nn.functional.binary_cross_entropy_with_logits(logits, truth)
            known = torch.isfinite(places)
            far = nn.functional.smooth_l1_loss(
                offs, torch.where(known, places, offs.detach()), beta=0.1, reduction="sum"
            )
            place = far / known.sum().clamp(min=1)
            parts = {"answer": float(answer.detach()), "place": float(place.detach())}
            yield answer + plan.place * place, parts

    def measured(average: nn.Module, epoch: int) -> dict[str, float]:
        due = (epoch + 1) % plan.val_every == 0 or epoch + 1 == plan.epochs
        if not len(validation) or not due:
            return {"val_map50": float("nan"), "val_map50_moved": float("nan")}
        return measure(average, validation)

    run(
        Training(
            network,
            optimiser,
            warmed_cosine(optimiser, plan.epochs * plan.steps, plan.warm_up_steps, floor=0.02),
            growing(plan.ema),
            plan.epochs,
            losses,
            measured,
            seed=plan.seed,
        ),
        out,
        say=partial(print, flush=True),
    )
    return out / CHECKPOINT


def measure(network: nn.Module, films: Sequence[Film]) -> dict[str, float]:
    """mAP50 with a quarter of the second reader's log odds, with boxes left and moved half way."""
    read, found = torch_read(network), {}
    for name, share in (("val_map50", 0.0), ("val_map50_moved", 0.5)):
        seen, own = looked_at(read, films, share)
        sums = [logit(f.found.scores) + 0.25 * logit(one) for f, one in zip(seen, own, strict=True)]
        found[name] = map50(seen, sums)
    return found


def torch_read(network: nn.Module) -> Read:
    """Run a PyTorch network in evaluation mode: what training measures itself with."""

    def read(seen: FloatArray) -> tuple[FloatArray, FloatArray]:
        with torch.inference_mode():
            log_odds, by = network(torch.from_numpy(seen))
        return log_odds.numpy(), by.numpy()

    return read


def _batch(
    fractured: Sequence[Film],
    normal: Sequence[Film],
    plan: RescorerPlan,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Crops, how right their boxes are in [0, 1], and offsets of the true box (NaN for none)."""
    seen, truth, places = [], [], []
    around = round(plan.batch * plan.around)
    low, high = plan.smoothing
    for number in range(plan.batch):
        view = _random_view(rng)
        if number < around:
            film = fractured[int(rng.integers(len(fractured)))]
            box = _near(film, rng)
            overlap = iou_matrix(box[None], film.truth_xyxy)[0]
            best = int(overlap.argmax())
            truth.append(min(1.0, max(0.0, (float(overlap[best]) - low) / (high - low))))
            far = overlap[best] < 0.25
            places.append([np.nan] * 4 if far else offsets(box, film.truth_xyxy[best], view))
        else:
            film = normal[int(rng.integers(len(normal)))]
            box = _wrong(film, rng)
            truth.append(0.0)
            places.append([np.nan] * 4)
        grey = film.grey[0 if rng.random() < 0.6 else int(rng.integers(len(film.grey)))]
        seen.append(crop(*_around(grey, box), view))
        seen[-1][0] = exposed(seen[-1][0], rng, 0.25, 0.08, blur_px=1.2, noise=0.04)
    return (
        torch.from_numpy(np.stack(seen)),
        torch.tensor(truth, dtype=torch.float32),
        torch.from_numpy(np.asarray(places, np.float32)),
    )


def _near(film: Film, rng: np.random.Generator) -> Boxes:
    """A box on or near a fracture: mostly a moved true box."""
    if len(film.found) and rng.random() < 0.3:
        box = film.found.boxes_xyxy[int(rng.integers(min(10, len(film.found))))]
    else:
        true = film.truth_xyxy[int(rng.integers(len(film.truth_xyxy)))]
        size = true[2:] - true[:2]
        far = 0.12 if rng.random() < 0.7 else 0.5
        centre = (true[:2] + true[2:]) / 2 + rng.normal(0, far, 2) * size
        half = size / 2 * np.exp(rng.normal(0, 0.2, 2) + rng.normal(0, 0.15))
        box = np.concatenate([centre - half, centre + half]).astype(np.float32)
    return box


def _wrong(film: Film, rng: np.random.Generator) -> Boxes:
    """A box on a normal film: a candidate, the better ones more often, scaled a little."""
    weight = np.sqrt(film.found.scores.astype(float))
    box = film.found.boxes_xyxy[int(rng.choice(len(weight), p=weight / weight.sum()))]
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    centre = centre + rng.normal(0, 0.15, 2) * half
    half = half * np.exp(rng.normal(0, 0.15, 2))
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


def _random_view(rng: np.random.Generator) -> View:
    shift = rng.uniform(-0.06, 0.06, 2)
    return View(
        mirrored=bool(rng.random() < 0.5),
        quarter_turns=int(rng.integers(4)) if rng.random() < 0.4 else 0,
        angle_deg=float(rng.normal(0, 8)),
        zoom=float(np.exp(rng.uniform(-0.15, 0.15))),
        shift=(float(shift[0]), float(shift[1])),
    )


REACH = 4.0
"""Longer sides of a box around it that are made float32 for a crop: it never shows more."""


def _around(grey: NDArray[np.uint8], box: Boxes) -> tuple[FloatArray, Boxes]:
    """The part of a film around a box, in [0, 1], and the box in its pixels."""
    longer = float((box[2:] - box[:2]).max())
    reach = max(REACH * longer, 2 * SIDE_PX)
    middle = (box[:2] + box[2:]) / 2
    limit = np.array([grey.shape[1], grey.shape[0]])
    low = np.clip(np.floor(middle - reach), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(middle + reach), low + 1, limit).astype(int)
    part = np.asarray(grey[low[1] : high[1], low[0] : high[0]], np.float32) / np.float32(255)
    return part, np.asarray(box - np.tile(low, 2), np.float32)
