"""A Keras network, its ONNX file, and the network filled from that file say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import WeightsError
from models.onnx_runtime import open_file


def flat_network(width: int = 6):
    """Every kind of 2D layer that our networks have, on images of unequal sides."""
    from keras import Input, Model, layers, ops

    film, sex = Input((18, 22, 2), name="film"), Input((1,), name="sex")
    x = layers.Rescaling(2.0, -1.0)(film)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.Conv2D(width, 3, strides=2, use_bias=False, name="stem")(x)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.ReLU(6.0)(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="each")(x)
    y = layers.SeparableConv2D(width, 3, padding="same")(y)
    y = layers.Conv2D(width, (1, 3), padding="same", activation="relu", name="mixed")(y)
    x = layers.Add()([x, y, y])
    x = layers.MaxPooling2D(2, padding="same")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(width, 1, activation="sigmoid", name="gate")(gate)
    x = layers.Multiply()([x, gate])
    x = ops.divide(x, layers.Rescaling(1.0, 0.5)(gate))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="silu", name="down")(x)
    x = layers.Concatenate()([layers.Flatten()(x), layers.Dense(3, name="said")(sex)])
    x = layers.Dropout(0.5)(x)
    return Model([film, sex], layers.Dense(5, activation="softmax", name="ages")(x), name="flat")


@pytest.mark.parametrize("kind", ["2D", "residual", "published"])
def test_onnx_and_refilled_network_agree(kind: str, tmp_path: Path) -> None:
    from models.keras_to_onnx import export_keras, fill_keras
    from models.skull_strip.network import NETWORKS

    two_dimensional = kind == "2D"
    rng = np.random.default_rng(0)
    if two_dimensional:
        first, second = flat_network(), flat_network()
        arrays = [rng.random((3, 18, 22, 2), np.float32), rng.random((3, 1), np.float32)]
        ends = {"ages": None}
    else:
        first, second = NETWORKS[kind](2, depth=2), NETWORKS[kind](2, depth=2)
        arrays = [rng.random((1, 8, 16, 12, 1), np.float32)]
        ends = {"brain": None}
    for variable in first.variables:  # norms that do something
        if "moving" in variable.path:
            variable.assign(0.5 + rng.random(variable.shape))
    path = tmp_path / "network.onnx"
    export_keras(first, path, outputs=ends, fixed=two_dimensional)
    fill_keras(second, path)
    given = arrays if len(arrays) > 1 else arrays[0]
    expected = np.asarray(second(given, training=False))
    assert expected == pytest.approx(np.asarray(first(given, training=False)), abs=2e-3)  # float16
    found = open_file(path)(*(np.moveaxis(a, -1, 1) if a.ndim > 2 else a for a in arrays))[0]
    assert (np.moveaxis(found, 1, -1) if found.ndim > 2 else found) == pytest.approx(
        expected, abs=1e-5
    )


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    from models.keras_to_onnx import export_keras, fill_keras

    export_keras(flat_network(6), tmp_path / "six.onnx", outputs={"ages": None}, fixed=True)
    with pytest.raises(WeightsError, match="do not fit"):
        fill_keras(flat_network(8), tmp_path / "six.onnx")


def test_unknown_layers_are_refused(tmp_path: Path) -> None:
    from keras import Input, Model, layers

    from models.keras_to_onnx import export_keras

    x = Input((8, 8, 1))
    y = Input((4, 4, 4, 1))
    with pytest.raises(ValueError, match="as large as its stride"):
        model = Model(y, layers.Conv3DTranspose(1, 3, strides=2)(y))
        export_keras(model, tmp_path / "no.onnx", outputs={"y": None})
    with pytest.raises(ValueError, match="Conv2DTranspose"):
        model = Model(x, layers.Conv2DTranspose(1, 2)(x))
        export_keras(model, tmp_path / "no.onnx", outputs={"y": None})
