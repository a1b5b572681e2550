"""From a Keras network to ONNX and back: one set of weights answers there and trains here.

Keras keeps channels last, ONNX Runtime is fastest with channels first: the graph is written for
images (N, C, ...), and every kernel is stored in ONNX's order under the name of its Keras variable.
Normalisations stay nodes of their own, so that the tensors are the network's; ONNX Runtime folds
them into the convolutions before them when it opens the file.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import WeightsError
from core.images import FloatArray
from models.onnx_file import OPSET, compact, initialisers, write

if TYPE_CHECKING:
    import keras

IR_VERSION = 8
ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}


def export_keras(
    model: keras.Model,
    path: Path,
    *,
    outputs: dict[str, str | None],
    fixed: bool = False,
    bits: int = 16,
) -> str:
    """Write a functional Keras network of images as ONNX.

    Inputs keep their names and get their channels first. Shared layers, nested models and layers
    that are not listed in `_Writer.layer` are refused.

    Args:
        model: Its images have channels last; vectors (N, F) are taken as they are.
        path: The file to write.
        outputs: What each output is called in the file, in the model's order, and the activation
            that follows it there ("sigmoid" where the network ends in logits), or None.
        fixed: Whether the sides of the input are those of the model; any length otherwise.
        bits: 16 or 8, see `onnx_file.compact`.

    Returns:
        The file's SHA-256 (hex).

    Raises:
        ValueError: If the network has a layer of a kind that is not known here.
    """
    from onnx import TensorProto, helper

    taken = {*outputs, *(tensor.name for tensor in model.inputs)}
    writer = _Writer(taken, _names(model))
    infos = []
    for tensor in model.inputs:
        name = tensor.name
        writer.names[id(tensor)] = name
        sides = [
            side if fixed else f"{name}_{axis}" for axis, side in enumerate(tensor.shape[1:-1])
        ]
        shape = ["N", tensor.shape[-1], *sides]
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    for operation in model.operations:
        if type(operation).__name__ != "InputLayer":
            writer.layer(operation)
    ends = []
    for tensor, (name, activation) in zip(model.outputs, outputs.items(), strict=True):
        kind = "Identity" if activation is None else ACTIVATIONS[activation]
        writer.taken.discard(name)
        writer.node(kind, [writer.names[id(tensor)]], name)
        ends.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * len(tensor.shape))
        )
    graph = helper.make_graph(writer.nodes, model.name, infos, ends, writer.tensors)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    whole.ir_version = IR_VERSION
    return write(compact(whole, bits), path)


def fill_keras(model: keras.Model, path: Path) -> None:
    """Give a Keras network the weights of a file of `export_keras`; the file was verified before.

    Raises:
        WeightsError: If the file lacks a tensor or one has another shape.
    """
    stored, names = initialisers(path), _names(model)
    for layer in model.layers:
        for variable in layer.variables:
            if "seed_generator" in variable.path:
                continue  # the random state of a dropout
            try:
                value = stored[names[id(variable)]]
                shape = tuple(variable.shape)
                variable.assign(_to_keras(value, shape, _depthwise(layer, variable.name)))
            except (KeyError, ValueError) as err:
                raise WeightsError(
                    f"The weights {path.name} do not fit the network “{model.name}” ({err}). "
                    "Restore models/weights."
                ) from err


def _names(model: keras.Model) -> dict[int, str]:
    """Names of the variables by identity: their paths, with unnamed layers counted anew.

    Keras counts unnamed layers through the process, so that a second network has other names.
    """
    names, counts = {}, Counter[str]()
    for layer in model.layers:
        own, kind = layer.name, type(layer).__name__.lower()
        if re.sub(r"_\d+$", "", own).replace("_", "") == kind:
            own = f"{kind}_{counts[kind]}"
            counts[kind] += 1
        for variable in layer.variables:
            names[id(variable)] = "/".join([own, *variable.path.split("/")[1:]])
    return names


def _depthwise(layer: keras.Layer, variable: str = "") -> bool:
    return type(layer).__name__ == "DepthwiseConv2D" or variable == "depthwise_kernel"


def _to_onnx(value: FloatArray, depthwise: bool) -> FloatArray:
    """A kernel (sides ..., in, out) as ONNX's (out, in, sides ...)."""
    if value.ndim < 3:
        return value
    sides = tuple(range(value.ndim - 2))
    if depthwise:  # (sides, channels, multiplier) as (channels * multiplier, 1, sides)
        turned = value.transpose(value.ndim - 2, value.ndim - 1, *sides)
        return np.ascontiguousarray(turned.reshape(-1, 1, *turned.shape[2:]))
    return np.ascontiguousarray(value.transpose(value.ndim - 1, value.ndim - 2, *sides))


def _to_keras(value: FloatArray, shape: tuple[int, ...], depthwise: bool) -> FloatArray:
    """The other way round.

    Raises:
        ValueError: If the result does not have `shape`.
    """
    if value.ndim >= 3:
        if depthwise:
            value = value.reshape(*shape[-2:], *value.shape[2:])
            value = np.moveaxis(value, (0, 1), (-2, -1))
        else:
            value = np.moveaxis(value, (1, 0), (-2, -1))
    if value.shape != shape:
        raise ValueError(f"a tensor has the shape {value.shape} instead of {shape}")
    return value


class _Writer:
    """Nodes and tensors of an ONNX graph in the making."""

    def __init__(self, taken: set[str], variables: dict[int, str]) -> None:
        self.variables = variables  # names of the Keras variables, by identity
        self.taken = taken  # names of the file's inputs and outputs; a layer may have the same
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []
        self.names: dict[int, str] = {}  # of the Keras tensors, by identity

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"{name}.layer" if name in self.taken else name
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, values: np.ndarray) -> str:
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weights(self, layer: keras.Layer, *attributes: str) -> list[str]:
        """The layer's tensors in that order, without those that it does not have."""
        found = [getattr(layer, attribute, None) for attribute in attributes]
        return [
            self.constant(
                self.variables[id(one)],
                _to_onnx(np.asarray(one.value, np.float32), _depthwise(layer, one.name)),
            )
            for one in found
            if one is not None
        ]

    def layer(self, layer: keras.Layer) -> None:
        """Add what a layer does.

        Raises:
            ValueError: If its kind is not known.
        """
        kind, name = type(layer).__name__, layer.name
        given = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
        x = [self.names[id(tensor)] for tensor in given]
        rank = len(given[0].shape)
        if kind in ("Conv2D", "Conv3D", "DepthwiseConv2D"):
            end = self._convolution(layer, x)
        elif kind == "Conv3DTranspose":
            end = self._transposed(layer, x)
        elif kind == "SeparableConv2D":
            end = self._separable(layer, x)
        elif kind == "Dense":
            end = self._dense(layer, x, rank)
        elif kind == "BatchNormalization":
            names = self.weights(layer, "gamma", "beta", "moving_mean", "moving_variance")
            if len(names) < 4:
                raise ValueError(f"the normalisation {name} lacks its scale or centre")
            end = self.node("BatchNormalization", x + names, name, epsilon=layer.epsilon)
        elif kind in ("MaxPooling2D", "MaxPooling3D", "AveragePooling2D", "AveragePooling3D"):
            same = {"auto_pad": "SAME_UPPER"} if layer.padding == "same" else {}
            end = self.node(
                "MaxPool" if kind.startswith("Max") else "AveragePool",
                x,
                name,
                kernel_shape=list(layer.pool_size),
                strides=list(layer.strides),
                **same,
            )
        elif kind in ("UpSampling2D", "UpSampling3D"):
            scales = np.array([1, 1, *_tuple(layer.size, rank - 2)], np.float32)
            nearest = {
                "mode": "nearest",
                "coordinate_transformation_mode": "asymmetric",
                "nearest_mode": "floor",
            }
            end = self.node(
                "Resize", [x[0], "", self.constant(f"{name}.scales", scales)], name, **nearest
            )
        elif kind.startswith("GlobalAveragePooling"):
            pooled = self.node("GlobalAveragePool", x, f"{name}.pooled")
            keep = getattr(layer, "keepdims", False)
            end = pooled if keep else self.node("Flatten", [pooled], name)
        elif kind == "Concatenate":
            end = self.node("Concat", x, name, axis=1)
        elif kind in ("Add", "Multiply", "Divide"):  # the last from keras.ops.divide
            end = self._chain({"Add": "Add", "Multiply": "Mul", "Divide": "Div"}[kind], x, name)
        elif kind in ("Activation", "ReLU", "Softmax"):
            end = self._activation(layer, x[0])
        elif kind == "ZeroPadding2D":
            (top, bottom), (left, right) = layer.padding
            pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
            end = self.node("Pad", [x[0], self.constant(f"{name}.pads", pads)], name)
        elif kind == "Flatten":
            if rank > 2:  # in Keras' order: channels last
                x = [self.node("Transpose", x, f"{name}.last", perm=[0, *range(2, rank), 1])]
            end = self.node("Flatten", x, name)
        elif kind == "Rescaling":
            scale = self.constant(f"{name}.scale_by", np.asarray(layer.scale, np.float32))
            offset = self.constant(f"{name}.offset", np.asarray(layer.offset, np.float32))
            end = self.node(
                "Add", [self.node("Mul", [x[0], scale], f"{name}.scaled"), offset], name
            )
        elif "Dropout" in kind:
            end = x[0]
        else:
            raise ValueError(f"a layer of the kind {kind} ({name}) cannot be written as ONNX")
        self.names[id(layer.output)] = end

    def _convolution(self, layer: Any, x: list[str]) -> str:
        groups = layer.input.shape[-1] if _depthwise(layer) else layer.groups
        tensors = self.weights(layer, "kernel", "bias")
        name = f"{layer.name}.sum"
        return self._after(
            layer, self.node("Conv", x + tensors, name, group=groups, **_sides(layer))
        )

    def _transposed(self, layer: Any, x: list[str]) -> str:
        """Kernels as large as their stride, which neither overlap nor need padding."""
        if tuple(layer.kernel_size) != tuple(layer.strides):
            raise ValueError(f"the kernel of {layer.name} must be as large as its stride")
        tensors = self.weights(layer, "kernel", "bias")
        strides = list(layer.strides)
        return self._after(
            layer, self.node("ConvTranspose", x + tensors, f"{layer.name}.sum", strides=strides)
        )

    def _separable(self, layer: Any, x: list[str]) -> str:
        each = self.weights(layer, "depthwise_kernel")
        groups = layer.input.shape[-1]
        end = self.node("Conv", x + each, f"{layer.name}.each", group=groups, **_sides(layer))
        tensors = self.weights(layer, "pointwise_kernel", "bias")
        return self._after(layer, self.node("Conv", [end, *tensors], f"{layer.name}.sum"))

    def _dense(self, layer: Any, x: list[str], rank: int) -> str:
        if rank != 2:
            raise ValueError(f"the dense layer {layer.name} works on images")
        return self._after(
            layer, self.node("Gemm", x + self.weights(layer, "kernel", "bias"), f"{layer.name}.sum")
        )

    def _after(self, layer: Any, x: str) -> str:
        """The activation that a convolution or dense layer holds itself."""
        kind = layer.activation.__name__
        return x if kind == "linear" else self._function(kind, x, layer.name)

    def _activation(self, layer: Any, x: str) -> str:
        if type(layer).__name__ == "Softmax":
            return self._function("softmax", x, layer.name)
        if type(layer).__name__ == "ReLU":
            if layer.negative_slope or layer.threshold:
                raise ValueError(f"the rectifier {layer.name} has a slope or threshold")
            if layer.max_value is None:
                return self._function("relu", x, layer.name)
            return self._clip(x, layer.name, float(layer.max_value))
        return self._function(layer.activation.__name__, x, layer.name)

    def _function(self, kind: str, x: str, name: str) -> str:
        if kind == "relu6":
            return self._clip(x, name, 6.0)
        if kind == "linear":
            return x
        if kind in ("silu", "swish"):
            return self.node("Mul", [x, self.node("Sigmoid", [x], f"{name}.gate")], name)
        if kind not in ACTIVATIONS:
            raise ValueError(f"the activation {kind} ({name}) cannot be written as ONNX")
        options = {"axis": 1} if kind == "softmax" else {}
        return self.node(ACTIVATIONS[kind], [x], name, **options)

    def _clip(self, x: str, name: str, high: float) -> str:
        low_name = self.constant(f"{name}.low", np.array(0, np.float32))
        high_name = self.constant(f"{name}.high", np.array(high, np.float32))
        return self.node("Clip", [x, low_name, high_name], name)

    def _chain(self, kind: str, x: list[str], name: str) -> str:
        end = x[0]
        for number, other in enumerate(x[1:], start=1):
            last = number == len(x) - 1
            end = self.node(kind, [end, other], name if last else f"{name}.{number}")
        return end


def _sides(layer: Any) -> dict[str, Any]:
    """Strides, dilations and padding of a convolution."""
    same = layer.padding == "same"
    options: dict[str, Any] = {"strides": list(layer.strides)}
    if set(layer.dilation_rate) != {1}:
        options["dilations"] = list(layer.dilation_rate)
    if same and set(layer.strides) == {1} and all(side % 2 for side in layer.kernel_size):
        rims = [
            side // 2 * rate
            for side, rate in zip(layer.kernel_size, layer.dilation_rate, strict=True)
        ]
        options["pads"] = rims * 2  # ONNX Runtime folds a norm behind plain pads only
    elif same:
        options["auto_pad"] = "SAME_UPPER"
    return options


def _tuple(value: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)
