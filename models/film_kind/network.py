"""A small network that says what a film is, from one grey channel of 64 × 64."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from core.film_kind import KINDS, ORIENTATIONS

SIDE_PX = 64
"""As small as the smallest films of the training data (NIH at 64 px): at this size no film is
sharper than another, so that resolution cannot tell where one comes from."""


class FilmKindNetwork(nn.Module):
    """Plain convolutions, then a dense layer that knows where in the film it looks.

    The place matters: a pooled mean would see a turned chest as the same set of edges.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 24, 48, 80), dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = [*_convolution(1, widths[0], stride=2)]
        for before, after in pairwise(widths):
            layers += [*_convolution(before, after), *_convolution(after, after)]
            layers.append(nn.MaxPool2d(2))
        layers += [nn.Conv2d(widths[-1], 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        cells = (SIDE_PX // 2 ** len(widths)) ** 2
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(32 * cells, 96),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(96, len(KINDS) + len(ORIENTATIONS) + 1),
        )

    def forward(self, film: torch.Tensor) -> torch.Tensor:
        """Logits (B, 11) of float32 (B, 1, 64, 64) in [0, 1].

        Kinds, then orientations, then inverted; the last two mean something for a chest only.
        """
        return self.head(self.features(film - 0.5))


def _convolution(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    ]
