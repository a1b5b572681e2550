"""The small U-Net that finds the hand, and its way from Keras to ONNX."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

SIDE_PX = 128
CHANNELS = 2
FILTERS = (8, 16, 32, 48)
"""Channels at each resolution, the finest first."""
NORM_EPSILON = 1e-3


def build(side_px: int = SIDE_PX, filters: Sequence[int] = FILTERS) -> keras.Model:
    """A U-Net (Ronneberger et al., MICCAI 2015) with batch normalisation.

    Args:
        side_px: Side of the square input, a multiple of 2 ** (len(filters) - 1).
        filters: Channels at each resolution, the finest first.

    Returns:
        A model from float32 (N, side, side, 2) to float32 (N, side, side, 1) logits.
    """
    inputs = keras.Input((side_px, side_px, CHANNELS), name="film")
    x: Any = inputs
    skips = []
    for level, width in enumerate(filters):
        x = _pair(x, width, f"down{level}")
        if level < len(filters) - 1:
            skips.append(x)
            x = layers.MaxPooling2D(2, name=f"pool{level}")(x)
    for level in reversed(range(len(filters) - 1)):
        x = layers.UpSampling2D(2, name=f"grow{level}")(x)
        x = layers.Concatenate(name=f"join{level}")([x, skips[level]])
        x = _pair(x, filters[level], f"up{level}")
    logits = layers.Conv2D(1, 1, name="logits")(x)
    return keras.Model(inputs, logits, name="hand_unet")


def _pair(x: Any, width: int, name: str) -> Any:
    for number in (1, 2):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}_conv{number}")(x)
        x = layers.BatchNormalization(
            momentum=0.95, epsilon=NORM_EPSILON, name=f"{name}_norm{number}"
        )(x)
        x = layers.ReLU(name=f"{name}_relu{number}")(x)
    return x


def export(model: keras.Model, path: Path) -> str:
    """Write the network as ONNX and return the file's SHA-256.

    Normalisations are folded into the convolutions before them, and a sigmoid follows the logits.
    Kernels are stored as float16 and computed with in float32.

    Args:
        model: From `build`.
        path: Where to write; the input is "film" float32 (N, 2, side, side), the output "hand"
            the probability (N, 1, side, side).
    """
    from onnx import TensorProto, checker, helper, save

    graph = _Graph()
    depth = sum(layer.name.startswith("pool") for layer in model.layers)
    side = model.input_shape[1]
    x = "film"
    skips = []
    for level in range(depth + 1):
        x = graph.pair(model, x, f"down{level}")
        if level < depth:
            skips.append(x)
            x = graph.add("MaxPool", [x], f"pool{level}", kernel_shape=[2, 2], strides=[2, 2])
    scales = graph.constant("twice", np.array([1, 1, 2, 2], np.float32))
    for level in reversed(range(depth)):
        x = graph.add(
            "Resize",
            [x, "", scales],
            f"grow{level}",
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        x = graph.add("Concat", [x, skips[level]], f"join{level}", axis=1)
        x = graph.pair(model, x, f"up{level}")
    kernel, bias = model.get_layer("logits").get_weights()
    x = graph.convolution(x, "logits", kernel, bias)
    graph.add("Sigmoid", [x], "hand")
    whole = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "hand_unet",
            [helper.make_tensor_value_info("film", TensorProto.FLOAT, ["N", CHANNELS, side, side])],
            [helper.make_tensor_value_info("hand", TensorProto.FLOAT, ["N", 1, side, side])],
            graph.tensors,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    whole.ir_version = 8
    checker.check_model(whole)
    save(whole, str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Graph:
    """Nodes and tensors of an ONNX graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, name: str, values: np.ndarray) -> str:
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, x: str, name: str, kernel: np.ndarray, bias: np.ndarray) -> str:
        """A convolution with a Keras kernel (height, width, in, out)."""
        from onnx import TensorProto

        half = self.constant(f"{name}.half", kernel.transpose(3, 2, 0, 1).astype(np.float16))
        full = self.add("Cast", [half], f"{name}.kernel", to=TensorProto.FLOAT)
        offset = self.constant(f"{name}.bias", bias.astype(np.float32))
        rim = kernel.shape[0] // 2
        return self.add("Conv", [x, full, offset], name, pads=[rim] * 4)

    def pair(self, model: keras.Model, x: str, name: str) -> str:
        for number in (1, 2):
            (kernel,) = model.get_layer(f"{name}_conv{number}").get_weights()
            gain, offset, mean, variance = model.get_layer(f"{name}_norm{number}").get_weights()
            scale = gain / np.sqrt(variance + NORM_EPSILON)
            x = self.convolution(x, f"{name}_conv{number}", kernel * scale, offset - mean * scale)
            x = self.add("Relu", [x], f"{name}_relu{number}")
        return x
