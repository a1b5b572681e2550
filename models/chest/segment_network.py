"""A U-Net that draws the lungs and the heart."""

from __future__ import annotations

import torch
from torch import nn

CLASSES = ("background", "left_lung", "right_lung", "heart")
"""Outputs in order; left and right are the patient's."""


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) with batch normalisation, additive skips and few channels.

    It works on 2×2 blocks of pixels and enlarges its answer: the finest level would otherwise
    cost most of the time, and the borders of heart and lungs are smooth.
    """

    def __init__(self, widths: tuple[int, ...] = (24, 48, 72, 96, 128)) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        inside = 4
        for width in widths:
            self.down.append(_pair(inside, width))
            inside = width
        self.up = nn.ModuleList()
        self.narrow = nn.ModuleList()
        for width in reversed(widths[:-1]):
            self.narrow.append(nn.Conv2d(inside, width, 1))
            self.up.append(_pair(width, width))
            inside = width
        self.head = nn.Conv2d(inside, len(CLASSES), 1)

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """Logits (B, 4, S, S) of float32 (B, 1, S, S) in [0, 1]; S a multiple of 32."""
        found = nn.functional.pixel_unshuffle((grey - 0.5) * 4, 2)
        skips = []
        for number, block in enumerate(self.down):
            if number:
                found = nn.functional.max_pool2d(found, 2)
            found = block(found)
            skips.append(found)
        for narrow, block, skip in zip(self.narrow, self.up, skips[-2::-1], strict=True):
            found = nn.functional.interpolate(narrow(found), scale_factor=2.0, mode="nearest")
            found = block(found + skip)
        logits = self.head(found)
        return nn.functional.interpolate(logits, scale_factor=2.0, mode="bilinear")


def _pair(inside: int, outside: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(2):
        layers += [nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside)]
        layers.append(nn.ReLU(inplace=True))
        inside = outside
    return nn.Sequential(*layers)
