"""The detector's network: YOLO26 for one class and one grey channel, one-to-many head only.

The published network (Ultralytics YOLO26, AGPL-3.0) has a second, one-to-one head that needs no
suppression. It is left out: the page caches the candidates *before* suppression, so that both of
its sliders act without running the network again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("YOLO_OFFLINE", "true")  # Ultralytics must not look for the network
os.environ.setdefault("YOLO_AUTOINSTALL", "false")

import torch
from torch import nn
from ultralytics.cfg import get_cfg
from ultralytics.nn.tasks import DetectionModel, yaml_model_load
from ultralytics.utils.loss import v8DetectionLoss

from core.errors import WeightsError
from models.onnx_file import initialisers


def build(arch: str) -> DetectionModel:
    """An untrained network: `arch` is "yolo26n" or "yolo26s"; one class, one grey channel.

    The class branch keeps the width that it has for COCO's 80 classes, so that its published
    weights fit; only its last layer is new.
    """
    layout: dict[str, Any] = yaml_model_load(f"{arch}.yaml")
    layout["end2end"] = False
    network = DetectionModel(layout, ch=1, nc=80, verbose=False)
    head = network.model[-1]
    head.nc, head.no = 1, 1 + 4 * head.reg_max
    for branch in head.cv3:
        branch[-1] = nn.Conv2d(branch[-1].in_channels, 1, 1)
    head.bias_init()
    network.names = {0: "fracture"}
    network.args = get_cfg()
    return network


def start_from_coco(network: DetectionModel, path: Path) -> int:
    """Copy what fits from a published COCO checkpoint, and return how many tensors fitted.

    The checkpoint is a pickle: only for a file whose hash was checked by the caller. The three
    colour channels of the first layer are summed, which gives the same answer on a grey image.
    """
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    source = checkpoint["model"].float().state_dict()
    own = network.state_dict()
    fitting: dict[str, torch.Tensor] = {}
    for name, tensor in own.items():
        found = source.get(name)
        if found is None:
            continue
        if found.ndim == 4 and found.shape[1] == 3 and tensor.shape[1] == 1:
            found = found.sum(dim=1, keepdim=True)
        if found.shape == tensor.shape:
            fitting[name] = found
    network.load_state_dict({**own, **fitting})
    return len(fitting)


def start_from_answering(network: DetectionModel, path: Path) -> None:
    """Fill an unfused network from the file that answers, in which norms are part of convolutions.

    Each norm then changes nothing but adds the convolution's bias; `measure_norms` gives it the
    statistics of real inputs back.

    Raises:
        WeightsError: If the file is of another network.
    """
    found = {
        name.removeprefix("network."): torch.from_numpy(values)
        for name, values in initialisers(path).items()
    }
    own = network.state_dict()
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            bias = found.pop(f"{name.removesuffix('bn')}conv.bias", None)
            if bias is not None:
                neutral = torch.ones(len(bias))
                found |= {
                    f"{name}.weight": neutral * (1 + module.eps) ** 0.5,
                    f"{name}.bias": bias,
                    f"{name}.running_mean": neutral * 0,
                    f"{name}.running_var": neutral,
                }
    fixed = ("num_batches_tracked", "dfl.conv.weight")
    lacking = [name for name in own if name not in found and not name.endswith(fixed)]
    if lacking:
        raise WeightsError(f"The weights {path.name} do not fit the detector: no {lacking[0]}.")
    network.load_state_dict({**own, **{name: found[name] for name in own if name in found}})


@torch.no_grad()
def measure_norms(network: nn.Module, batches: Sequence[torch.Tensor]) -> None:
    """Give norms the statistics of `batches` without changing what the network answers.

    A network that learns normalises by the statistics of its batch; norms that know none would
    make it another network at the first step.
    """
    sums: dict[nn.Module, list[torch.Tensor]] = {}

    def note(norm: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen = inputs[0].double()
        found = torch.stack([seen.mean((0, 2, 3)), seen.square().mean((0, 2, 3))])
        sums.setdefault(norm, []).append(found)

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    network.eval()
    for batch in batches:
        network(batch)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        mean, square = torch.stack(sums[norm]).mean(0)
        spread = (square - mean.square()).clamp(min=0)
        before, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
        gain = norm.weight.double() / (variance.double() + norm.eps).sqrt()
        norm.bias.add_(((mean - before.double()) * gain).float())
        norm.weight.copy_(gain * (spread + norm.eps).sqrt())
        before.copy_(mean)
        variance.copy_(spread)


class Loss:
    """Ultralytics' loss of the one-to-many head, in float32."""

    def __init__(self, network: DetectionModel) -> None:
        self.loss = v8DetectionLoss(network, tal_topk=10)

    def __call__(
        self, raw: dict[str, Any], boxes_xyxy: list[torch.Tensor], shape_hw: tuple[int, int]
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """Loss per image and its parts.

        Args:
            raw: What the network returns in training mode.
            boxes_xyxy: Per image, (N, 4) in pixels of the input.
            shape_hw: Shape of the input.
        """
        scale = torch.tensor([shape_hw[1], shape_hw[0]] * 2, dtype=torch.float32)
        boxes = torch.cat([boxes.float() for boxes in boxes_xyxy]) / scale
        index = torch.cat(
            [
                torch.full((len(boxes),), i, dtype=torch.float32)
                for i, boxes in enumerate(boxes_xyxy)
            ]
        )
        centre_size = torch.cat(
            [(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], dim=1
        )
        batch = {"batch_idx": index, "cls": torch.zeros_like(index), "bboxes": centre_size}
        raw = {
            "boxes": raw["boxes"].float(),
            "scores": raw["scores"].float(),
            "feats": [feature.float() for feature in raw["feats"]],
        }
        parts, items = self.loss.loss(raw, batch)
        return parts.sum() / len(boxes_xyxy), {name: float(v.detach()) for name, v in items.items()}


def decode(network: nn.Module, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes (B, A, 4) as xyxy in pixels of the input, and scores (B, A) in [0, 1]."""
    out = network(inputs)
    out = out[0] if isinstance(out, tuple) else out
    centre, size, score = out[:, 0:2], out[:, 2:4], out[:, 4]
    boxes = torch.cat([centre - size / 2, centre + size / 2], dim=1)
    return boxes.permute(0, 2, 1), score
