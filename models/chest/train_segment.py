"""Train the U-Net for lungs and heart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.chest.ctr import masks_from_labels, measure
from core.errors import ImagingError
from core.metrics.statistics import dice
from models.chest.augment import Strength, exposed, moving
from models.chest.dataset import MaskCase, read_film, read_mask
from models.chest.segment import SegmentModel, segment
from models.chest.segment_network import CLASSES, UNet
from models.chest.train import Plan, batches, prepared
from models.chest.weights import InTraining
from models.training.loop import CHECKPOINT, Loss, run

VIEWS = Strength(
    rotation_deg=8.0,
    shift=0.08,
    zoom=0.2,
    brightness=0.15,
    contrast=0.35,
    blur_px=1.2,
    noise=0.04,
    mirror=0.3,
)
MEASURED = ("dice_heart", "dice_lungs", "ctr_mae")


def square_masks(cases: Sequence[MaskCase], side_px: int) -> NDArray[np.uint8]:
    """Masks by people (N, S, S) on the grid that the network receives."""
    masks = np.zeros((len(cases), side_px, side_px), np.uint8)
    for number, case in enumerate(cases):
        mask = read_mask(case.mask_path)
        side = max(mask.shape)
        square = np.zeros((side, side), np.uint8)
        top, left = (side - mask.shape[0]) // 2, (side - mask.shape[1]) // 2
        square[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
        masks[number] = cv2.resize(square, (side_px, side_px), interpolation=cv2.INTER_NEAREST)
    return masks


def training_pair(
    film: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """One random view of a film and its mask; mirrored views swap left and right lung."""
    side = film.shape[0]
    view = film.astype(np.float32) / np.float32(255)
    if rng.random() < 0.35:  # films of the other collection have 64 or 128 px
        small = int(rng.choice([64, 96, 128]))
        view = cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA)
        view = cv2.resize(view, (side, side), interpolation=cv2.INTER_LINEAR)
    matrix = moving(side, VIEWS, rng)
    if matrix is not None:
        view = cv2.warpAffine(view, matrix, (side, side), flags=cv2.INTER_LINEAR)
        mask = np.asarray(
            cv2.warpAffine(mask, matrix, (side, side), flags=cv2.INTER_NEAREST), np.uint8
        )
        if matrix[0, 0] < 0:
            mask = np.array([0, 2, 1, 3], np.uint8)[mask]
    view = np.asarray(view, np.float32) ** np.float32(np.exp(rng.uniform(-0.5, 0.5)))
    return exposed(view, VIEWS, rng), mask.astype(np.int64)


def overlap_loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy plus one minus the soft Dice of lungs and heart (Milletari et al. 2016)."""
    shares = torch.softmax(logits, dim=1)[:, 1:]
    true = nn.functional.one_hot(truth, len(CLASSES)).movedim(3, 1)[:, 1:].float()
    both = (shares * true).sum(dim=(0, 2, 3))
    total = shares.sum(dim=(0, 2, 3)) + true.sum(dim=(0, 2, 3))
    soft = ((2 * both + 1) / (total + 1)).mean()
    return nn.functional.cross_entropy(logits, truth) + 1 - soft


def train(
    network: UNet,
    films: NDArray[np.uint8],
    masks: NDArray[np.uint8],
    validation: Sequence[MaskCase],
    out: Path,
    plan: Plan,
    every: int = 5,
) -> Path:
    """Train, writing `last.pt` after every epoch; goes on where it stopped."""

    def losses(epoch: int, rng: np.random.Generator) -> Iterator[Loss]:
        for chosen in batches(rng.permutation(len(films)), plan.batch):
            pairs = [training_pair(films[i], masks[i], rng) for i in chosen]
            inputs = torch.from_numpy(np.stack([view for view, _ in pairs])[:, None])
            truth = torch.from_numpy(np.stack([mask for _, mask in pairs]))
            with torch.autocast("cpu", torch.bfloat16, enabled=plan.half):
                logits = network(inputs.to(memory_format=torch.channels_last))
            yield overlap_loss(logits.float(), truth)

    def measure(average: nn.Module, epoch: int) -> dict[str, float]:
        if (epoch + 1) % every and epoch + 1 < plan.epochs:
            return dict.fromkeys(MEASURED, float("nan"))
        return dict(zip(MEASURED, measured(average, validation, len(films[0])), strict=True))

    say = partial(print, flush=True)
    run(prepared(network, plan, len(films), losses, measure), out, say=say)
    return out / CHECKPOINT


def measured(
    network: nn.Module, cases: Sequence[MaskCase], side_px: int
) -> tuple[float, float, float]:
    """Mean Dice of heart and lungs, and mean absolute error of the ratio."""
    model = SegmentModel(InTraining(network.eval()), CLASSES, side_px)
    hearts, lungs, errors = [], [], []
    for case in cases:
        found = segment(model, read_film(case.path))
        true = masks_from_labels(read_mask(case.mask_path))
        hearts.append(dice(found["heart"], true["heart"]))
        lungs += [dice(found[name], true[name]) for name in ("left_lung", "right_lung")]
        try:
            errors.append(abs(measure(found).ratio - case.ratio))
        except ImagingError:
            errors.append(0.5)  # not found at all counts as badly as it can
    return float(np.mean(hearts)), float(np.mean(lungs)), float(np.mean(errors))
