"""Turn a training checkpoint into the weights that ship.

ONNX, because the page then needs neither PyTorch nor Ultralytics to detect, and because the file
runs no code when it is opened. Weights are kept in float16 (half the size) and computed with in
float32. The classifier's file keeps the names of its tensors, so that it also fills the PyTorch
network where an explanation needs gradients.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from models.fracture import network as networks
from models.fracture.classifier_network import Answering, YoloClassifier
from models.fracture.classify import EVIDENCE, LOGIT
from models.fracture.crops import SIDE_PX
from models.fracture.rescore import OFFSETS
from models.fracture.rescorer_network import Rescorer
from models.onnx_file import export_torch

LEAST_HALVED = 64
"""Tensors with fewer values (shapes, strides, offsets) stay as they are."""


class Decoded(nn.Module):
    """The network with its boxes decoded to (1, A, 5): xyxy in pixels of the input, and score."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        boxes, scores = networks.decode(self.network, inputs)
        return torch.cat([boxes, scores[..., None]], dim=2)


def export(network: nn.Module, path: Path) -> str:
    """Write an ONNX file with free height and width, and return its SHA-256."""
    import onnx

    fused = copy.deepcopy(network).float().eval()
    fused = fused.fuse(verbose=False)  # type: ignore[operator]  # an Ultralytics model
    head = fused.model[-1]
    head.export, head.dynamic, head.format = True, True, "onnx"
    torch.onnx.export(
        Decoded(fused).eval(),
        (torch.zeros(1, 1, 320, 256),),
        str(path),
        input_names=["radiograph"],
        output_names=["candidates"],
        dynamic_axes={"radiograph": {2: "height", 3: "width"}, "candidates": {1: "cells"}},
        opset_version=17,
        dynamo=False,
    )
    halved = halve_weights(onnx.load(str(path)))
    onnx.checker.check_model(halved)
    onnx.save(halved, str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def export_classifier(network: YoloClassifier, path: Path) -> str:
    """Write the classifier with both outputs and free batch, height and width; its SHA-256."""
    answering = Answering(power=network.power)
    answering.load_state_dict(network.state_dict())
    return export_torch(
        answering.float(),
        (torch.zeros(2, 1, 320, 256),),
        path,
        inputs=("radiograph",),
        outputs=(LOGIT, EVIDENCE),
        free_axes={
            "radiograph": {0: "films", 2: "height", 3: "width"},
            LOGIT: {0: "films"},
            EVIDENCE: {0: "films", 1: "rows", 2: "columns"},
        },
    )


def export_rescorer(network: Rescorer, path: Path) -> str:
    """Write the second reader with a free number of crops, and return the file's SHA-256."""
    return export_torch(
        network.float(),
        (torch.zeros(2, 2, SIDE_PX, SIDE_PX),),
        path,
        inputs=("crops",),
        outputs=(LOGIT, OFFSETS),
        free_axes={"crops": {0: "boxes"}, LOGIT: {0: "boxes"}, OFFSETS: {0: "boxes"}},
    )


def halve_weights(graph_file):  # type: ignore[no-untyped-def]  # onnx ships no types
    """Store large float32 initialisers as float16, each followed by a Cast to float32."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = graph_file.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LEAST_HALVED:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    return graph_file


def averaged(paths: Sequence[Path]) -> dict[str, torch.Tensor]:
    """Mean of the weights in several checkpoints (Izmailov et al. 2018)."""
    states = []
    for path in paths:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        states.append(saved.get("average", saved))
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0).to(tensor.dtype)
        for name, tensor in states[0].items()
    }
