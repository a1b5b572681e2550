"""One weights file for both uses: ONNX to answer, its tensors to fill the training framework.

Weights are kept in float16, or in 8 bits with one float32 scale an output channel, under the names
that the framework gives them; small nodes make them float32 when the file is opened, where ONNX
Runtime folds them away. `initialisers` gives them back to a network that needs gradients.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.images import FloatArray

if TYPE_CHECKING:
    import torch

LEAST_COMPACT = 64
"""Tensors with fewer values (shapes, offsets, norms of small layers) stay as they are."""
LEAST_EIGHT = 32_768
"""Tensors with fewer values are kept in 16 bits where the others are in 8: they save little."""
STORED = ".stored"
SCALE = ".scale"
OPSET = 17


def export_torch(
    network: torch.nn.Module,
    examples: Sequence[torch.Tensor],
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    free_axes: Mapping[str, Mapping[int, str]],
    bits: int = 16,
) -> str:
    """Write a PyTorch network as ONNX whose tensors keep the names of its state dict.

    Args:
        network: Set to evaluation here.
        examples: One tensor an input.
        path: The file to write.
        inputs, outputs: Names for the file.
        free_axes: Axes of any length by input or output, as {"film": {0: "N"}}.
        bits: 16 or 8, see `compact`.

    Returns:
        The file's SHA-256 (hex).
    """
    import torch

    with warnings.catch_warnings():
        # The exporter that keeps the names; its successor needs a further package.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            tuple(examples),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(axes) for name, axes in free_axes.items()},
            opset_version=OPSET,
            dynamo=False,
            # Norms are not merged into convolutions: ONNX Runtime does that, and the file's
            # tensors stay those of the network.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    import onnx

    return write(compact(onnx.load(str(path)), bits), path)


def write(graph_file: Any, path: Path) -> str:
    """Check an ONNX model, save it, and return the file's SHA-256 (hex)."""
    import onnx

    onnx.checker.check_model(graph_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(graph_file, str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def compact(graph_file: Any, bits: int = 16) -> Any:
    """An ONNX model with its large float32 tensors stored in fewer bits.

    Args:
        graph_file: An `onnx.ModelProto`; altered and returned.
        bits: 16 for float16; 8 for integers with one scale a row of the first axis (the output
            channel of a convolution), where tensors with one axis stay float32 and those with
            fewer than `LEAST_EIGHT` values are float16.

    Raises:
        ValueError: If `bits` is neither.
    """
    from onnx import TensorProto, helper, numpy_helper

    if bits not in (8, 16):
        raise ValueError(f"8 or 16 bits, not {bits}")
    graph = graph_file.graph
    tensors, nodes = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        small = values.size < LEAST_COMPACT or (bits == 8 and values.ndim < 2)
        if values.dtype != np.float32 or small:
            tensors.append(tensor)
            continue
        name = tensor.name
        if bits == 16 or values.size < LEAST_EIGHT:
            tensors.append(numpy_helper.from_array(values.astype(np.float16), name + STORED))
            nodes.append(helper.make_node("Cast", [name + STORED], [name], to=TensorProto.FLOAT))
            continue
        rows = values.reshape(len(values), -1)
        scale = (np.maximum(np.abs(rows).max(axis=1), 1e-12) / 127).astype(np.float32)
        whole = np.rint(rows / scale[:, None]).astype(np.int8).reshape(values.shape)
        tensors.append(numpy_helper.from_array(whole, name + STORED))
        tensors.append(numpy_helper.from_array(scale, name + SCALE))
        nodes.append(
            helper.make_node("DequantizeLinear", [name + STORED, name + SCALE], [name], axis=0)
        )
    nodes += list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(tensors)
    graph.node.extend(nodes)
    return graph_file


def initialisers(path: Path) -> dict[str, FloatArray]:
    """The float32 tensors of a file by the names they had before they were made compact.

    Call it with a file that was verified. A tensor that the exporter found twice is given under
    both names.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    kept = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {
        name: values.astype(np.float32)
        for name, values in kept.items()
        if values.dtype == np.float32 and not name.endswith(SCALE)
    }
    halved = {name for name, values in kept.items() if values.dtype == np.float16}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in halved:
            found[node.output[0]] = kept[node.input[0]].astype(np.float32)
        elif node.op_type == "DequantizeLinear":
            whole, scale = (kept[name] for name in node.input)
            shape = (-1, *[1] * (whole.ndim - 1))
            found[node.output[0]] = whole.astype(np.float32) * scale.reshape(shape)
        elif node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found
