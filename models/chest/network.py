"""The chest classifiers: from one grey channel to log odds, in PyTorch."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional

GREY_MEAN, GREY_STD = 0.449, 0.226
"""Mean and spread of ImageNet over its channels, which its weights expect."""

ARCHITECTURES = ("efficientnet_lite0", "mobilenet_v2", "densenet121")


class ChestNet(nn.Module):
    """A backbone, the mean over its last map, and one logit per label.

    Attributes:
        features: From (B, 1, S, S) to the last map (B, C, h, w); a `Sequential`.
        layers: Name on the screen of each layer that a heat map may look at, with its module in
            `features`, from the finest to the last. All are rectified: class activation maps
            read an activation as evidence, which the negative half of a linear bottleneck is not.
    """

    def __init__(self, architecture: str, outputs: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.architecture = architecture
        self.features, channels, self.layers = _backbone(architecture)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, outputs)

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """Logits (B, outputs) of float32 (B, 1, S, S) in [0, 1]."""
        found = self.features((grey - GREY_MEAN) / GREY_STD)
        return self.head(self.dropout(found.float().mean(dim=(2, 3))))

    def layer(self, name: str) -> nn.Module:
        """The module of a layer of `layers`."""
        return self.features.get_submodule(self.layers[name])


class ChestNetWithMaps(ChestNet):
    """The same network with what its answer is made of, for the file that answers.

    With a mean over the last map and one linear layer, Grad-CAM is the class activation map: the
    last map weighed by the linear layer's weights (Zhou et al. 2016), without gradients.
    """

    def forward(self, grey: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # type: ignore[override]  # more outputs
        """Logits (B, L), class activation maps (B, L, h, w), and the last map (B, C, h, w).

        A logit is the mean of its map, plus the linear layer's offset.
        """
        last = self.features((grey - GREY_MEAN) / GREY_STD)
        maps = functional.conv2d(last, self.head.weight[:, :, None, None])
        return self.head(last.mean(dim=(2, 3))), maps, last


def _backbone(architecture: str) -> tuple[nn.Sequential, int, dict[str, str]]:
    """Feature layers, their number of channels, and the layers to look at.

    All keep the stride of the last stage at 1: films of 128 px would otherwise end in a map of
    4×4 cells, too coarse for a heat map (as Luo et al. 2019 do for people on small images).
    """
    import torchvision

    if architecture == "efficientnet_lite0":
        return (
            EfficientNetLite0.layers(),
            1280,
            # The rectified expansions of the blocks that follow these sizes.
            {"1/4": "4.layers.2", "1/8": "6.layers.2", "1/16": "12.layers.2", "last": "17"},
        )
    if architecture == "mobilenet_v2":
        features = torchvision.models.mobilenet_v2().features
        features[0][0] = _one_channel(features[0][0])
        features[14].conv[1][0].stride = (1, 1)
        layers = {"1/4": "4.conv.0", "1/8": "7.conv.0", "1/16": "14.conv.0", "last": "18"}
        return features, 1280, layers
    if architecture == "densenet121":
        features = torchvision.models.densenet121().features
        features.conv0 = _one_channel(features.conv0)
        features.transition3.pool = nn.Identity()
        features.add_module("relu5", nn.ReLU(inplace=False))
        layers = {f"1/{4 * 2**i}": f"transition{i + 1}.relu" for i in range(3)}
        return features, 1024, {**layers, "last": "relu5"}
    raise ValueError(f"no such architecture: {architecture!r}, expected one of {ARCHITECTURES}")


def _one_channel(conv: nn.Conv2d) -> nn.Conv2d:
    """The same first convolution for grey images."""
    single = copy.deepcopy(conv)
    single.in_channels = 1
    single.weight = nn.Parameter(conv.weight.detach().sum(dim=1, keepdim=True))
    return single


class SamePad(nn.Module):
    """TensorFlow's padding for stride 2, which the published weights were trained with."""

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pads: list[int] = []
        for size in (x.shape[-1], x.shape[-2]):
            total = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return functional.pad(x, pads)


class Inverted(nn.Module):
    """Widen, filter each channel, narrow again (Sandler et al. 2018); no squeeze in Lite."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, widen: int) -> None:
        super().__init__()
        wide = inside * widen
        layers: list[nn.Module] = []
        if widen > 1:
            layers += [nn.Conv2d(inside, wide, 1, bias=False), _norm(wide), nn.ReLU6()]
        if stride == 2:
            layers.append(SamePad(kernel, stride))
        padding = 0 if stride == 2 else kernel // 2
        layers += [
            nn.Conv2d(wide, wide, kernel, stride, padding, groups=wide, bias=False),
            _norm(wide),
            nn.ReLU6(),
            nn.Conv2d(wide, outside, 1, bias=False),
            _norm(outside),
        ]
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inside == outside

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.layers(x)
        return found + x if self.shortcut else found


class EfficientNetLite0:
    """EfficientNet-Lite0 (Tan & Le 2019; Lite: TensorFlow TPU models, 2020)."""

    STAGES = (
        # repeats, kernel, stride, widen, channels
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 1, 6, 192),  # published with stride 2; see `_backbone`
        (1, 3, 1, 6, 320),
    )

    @classmethod
    def layers(cls) -> nn.Sequential:
        """Stem, 16 blocks, head."""
        stem = nn.Sequential(
            SamePad(3, 2), nn.Conv2d(1, 32, 3, 2, bias=False), _norm(32), nn.ReLU6()
        )
        blocks: list[nn.Module] = [stem]
        inside = 32
        for repeats, kernel, stride, widen, channels in cls.STAGES:
            for repeat in range(repeats):
                blocks.append(Inverted(inside, channels, kernel, 1 if repeat else stride, widen))
                inside = channels
        blocks.append(nn.Sequential(nn.Conv2d(320, 1280, 1, bias=False), _norm(1280), nn.ReLU6()))
        return nn.Sequential(*blocks)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, momentum=0.01, eps=1e-3)


def start_from_imagenet(network: ChestNet, state: dict[str, torch.Tensor]) -> int:
    """Copy published ImageNet weights into the backbone, and return how many tensors fitted.

    Three colours become one grey by adding the filters up. Lite0's names differ from ours, but
    its tensors come in the order of ours.
    """
    own = network.features.state_dict()
    if network.architecture == "efficientnet_lite0":
        tensors = [t for name, t in state.items() if not name.startswith("_fc")]
        names = list(own)
        if len(names) != len(tensors):
            raise ValueError(f"{len(tensors)} tensors for {len(names)} of the network")
        pairs = dict(zip(names, tensors, strict=True))
    else:
        cut = len("features.")
        pairs = {n[cut:]: t for n, t in state.items() if n.startswith("features.")}
    taken = {}
    for name, tensor in pairs.items():
        if tensor.ndim == 4 and tensor.shape[1] == 3 and own[name].shape[1] == 1:
            tensor = tensor.sum(dim=1, keepdim=True)
        taken[name] = tensor
    network.features.load_state_dict(taken)
    return len(taken)
