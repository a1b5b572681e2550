"""Networks that answer "fractured or not" with one logit, from one grey channel."""

from __future__ import annotations

import torch
from torch import nn

from models.fracture import network as networks

LAYERS = 14
"""Backbone and the first top-down block: the map that sees 16 px cells in the whole's context."""


class YoloClassifier(nn.Module):
    """The detector's backbone, a generalised mean over its map, and one logit.

    MobileNetV2 was the first choice; on a CPU its depth-wise layers train six times slower than
    this at the same input, although it counts fewer multiplications.

    A fracture covers a few cells of the map: a plain mean would drown it, and the generalised
    mean (Radenović et al. 2019) lies between mean and maximum.
    """

    def __init__(self, dropout: float = 0.2, power: float = 4.0) -> None:
        super().__init__()
        self.features = Backbone()
        self.power = power
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(128, 1))

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """Logit (B, 1) of float32 (B, 1, H, W) in [0, 1]."""
        return self.answer(self.features(grey).float())[0]

    def answer(self, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logit (B, 1), and each cell's share of it (B, H, W), from the last feature maps.

        With m the generalised mean of a channel f and w its weight in the last layer, the
        derivative of the logit by a cell is w m^(1-p) f^(p-1) / N; times f it is HiResCAM
        (Draelos & Carin 2020). Summed over all cells it gives the logit without its offset.
        Grad-CAM averages that derivative over the film first, and so loses the place: for p = 4
        it is large at the few cells that made the mean.
        """
        raised = maps.clamp(min=1e-4) ** self.power
        pooled = raised.mean(dim=(2, 3)) ** (1 / self.power)
        weights = self.head[1].get_parameter("weight")[0]
        share = weights * pooled ** (1 - self.power)
        cells = raised.shape[2] * raised.shape[3]
        return self.head(pooled), (raised * share[:, :, None, None]).sum(dim=1) / cells


class Answering(YoloClassifier):
    """The same network with both outputs, for the file that ships."""

    def forward(self, grey: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        """Logit (B, 1) and evidence (B, H/16, W/16)."""
        return self.answer(self.features(grey).float())


class Backbone(nn.Module):
    """The first layers of YOLO26n up to a map with stride 16, (B, 128, H/16, W/16)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = networks.build("yolo26n").model[:LAYERS]

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        maps: list[torch.Tensor] = []
        found = grey
        for layer in self.layers:
            source = layer.f  # -1 is the last map; a list is concatenated by the layer
            if isinstance(source, list):
                found = layer([found if index == -1 else maps[index] for index in source])
            else:
                found = layer(found if source == -1 else maps[source])
            maps.append(found)
        return found


def start_from_detector(network: YoloClassifier, detector: dict[str, torch.Tensor]) -> int:
    """Copy the layers that a detector's weights share, and return how many tensors they are."""
    own = network.features.layers.state_dict()
    fitting = {name: detector[f"model.{name}"] for name in own if f"model.{name}" in detector}
    network.features.layers.load_state_dict({**own, **fitting})
    return len(fitting)


class Vgg16(nn.Module):
    """VGG-16 (Simonyan & Zisserman 2015), `width` times as wide, with a small dense part.

    Batch normalisation is added because it starts from random weights on little data.
    """

    LAYOUT = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))

    def __init__(self, width: float = 0.25, dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for wanted, repeats in self.LAYOUT:
            out = max(8, int(wanted * width))
            for _ in range(repeats):
                layers += [nn.Conv2d(channels, out, 3, padding=1, bias=False)]
                layers += [nn.BatchNorm2d(out), nn.ReLU()]
                channels = out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(3),
            nn.Flatten(),
            nn.Linear(channels * 9, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, 1),
        )

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """Logit (B, 1) of float32 (B, 1, H, W) in [0, 1]."""
        return self.head(self.features(grey))
