"""The second reader's network: is the box in the middle of this crop a fracture?"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

GREY_MEAN, GREY_STD = 0.449, 0.226
"""Mean and spread of ImageNet over its channels, which its weights expect."""
FEATURES = 576


class Rescorer(nn.Module):
    """MobileNetV3-Small (Howard et al. 2019) on a crop and the place of its box, one logit.

    The first layer has two inputs: the grey crop, for which the weights of the three colours are
    summed, and the mask of the box, for which they begin at 0.
    """

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        import torchvision

        self.features = torchvision.models.mobilenet_v3_small().features
        first = self.features[0][0]
        self.features[0][0] = nn.Conv2d(2, first.out_channels, 3, stride=2, padding=1, bias=False)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * FEATURES, 1))
        self.place = nn.Sequential(
            nn.Conv2d(FEATURES, 48, 1),
            nn.Hardswish(),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(48 * 16, 4),
        )

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logit (B,) of float32 (B, 2, S, S): grey in [0, 1], and the mask of the box."""
        grey, mask = crops[:, :1], crops[:, 1:]
        maps = self.features(torch.cat([(grey - GREY_MEAN) / GREY_STD, mask], dim=1)).float()
        middle = nn.functional.avg_pool2d(mask, mask.shape[2] // maps.shape[2])
        inside = (maps * middle).sum(dim=(2, 3)) / middle.sum(dim=(2, 3)).clamp(min=1e-3)
        logit = self.head(torch.cat([inside, maps.mean(dim=(2, 3))], dim=1))[:, 0]
        return logit, self.place(maps)


def start_from_imagenet(network: Rescorer, path: Path) -> int:
    """Copy the published weights of the features, and return how many tensors they are."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    own = network.features.state_dict()
    fitting = {name: saved[f"features.{name}"] for name in own}
    grey = fitting["0.0.weight"].sum(dim=1, keepdim=True)
    fitting["0.0.weight"] = torch.cat([grey, torch.zeros_like(grey)], dim=1)
    network.features.load_state_dict(fitting)
    return len(fitting)
