"""The residual 3D U-Nets that give every voxel its probability of being brain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
from keras import layers

from models.keras_to_onnx import export_keras


def residual_block(x: keras.KerasTensor, filters: int, name: str, dtype: str) -> keras.KerasTensor:
    """Two 3×3×3 convolutions added to a shortcut that nothing bends (He et al. 2016).

    One batch normalisation a block: on a processor it takes three times as long as a
    convolution. Without a second one, and without a rectifier after the sum, a training step
    took 1.2 s instead of 3.2; accuracy was not compared.
    """
    shortcut = x
    if x.shape[-1] != filters:
        shortcut = layers.Conv3D(filters, 1, use_bias=False, dtype=dtype, name=f"{name}_shortcut")(
            x
        )
    x = layers.Conv3D(
        filters, 3, padding="same", use_bias=False, dtype=dtype, name=f"{name}_conv1"
    )(x)
    x = layers.BatchNormalization(momentum=0.95, dtype=dtype, name=f"{name}_norm")(x)
    x = layers.Activation("relu", dtype=dtype, name=f"{name}_relu")(x)
    x = layers.Conv3D(filters, 3, padding="same", dtype=dtype, name=f"{name}_conv2")(x)
    return layers.Add(dtype=dtype, name=f"{name}_add")([x, shortcut])


def build(
    filters: int = 16,
    *,
    depth: int = 4,
    shape: Sequence[int | None] = (None, None, None),
    dropout: float = 0.1,
    mixed: bool = False,
) -> keras.Model:
    """A U-Net (Çiçek et al., MICCAI 2016) of residual blocks.

    Args:
        filters: Channels at full resolution, doubled at every halving.
        depth: Number of resolutions, at least 2.
        shape: Input sides (i, j, k); None lets one network take every grid whose sides are
            multiples of `2 ** (depth - 1)`.
        dropout: Fraction of the deepest channels left out in training.
        mixed: Compute in bfloat16 and keep weights in float32; see `fast_bfloat16`.

    Returns:
        A model from float (N, I, J, K, 1) to float32 (N, I, J, K, 1) logits.
    """
    return _unet(residual_block, _resized, "residual", filters, depth, shape, dropout, mixed)


def published_block(x: keras.KerasTensor, filters: int, name: str, dtype: str) -> keras.KerasTensor:
    """Two 3×3×3 convolutions, each with its batch normalisation, and a rectifier after the sum."""
    shortcut = x
    if x.shape[-1] != filters:
        shortcut = layers.Conv3D(filters, 1, use_bias=False, dtype=dtype, name=f"{name}_shortcut")(
            x
        )
    for number in (1, 2):
        x = layers.Conv3D(
            filters, 3, padding="same", use_bias=False, dtype=dtype, name=f"{name}_conv{number}"
        )(x)
        x = layers.BatchNormalization(momentum=0.95, dtype=dtype, name=f"{name}_norm{number}")(x)
        if number == 1:
            x = layers.Activation("relu", dtype=dtype, name=f"{name}_relu1")(x)
    x = layers.Add(dtype=dtype, name=f"{name}_add")([x, shortcut])
    return layers.Activation("relu", dtype=dtype, name=f"{name}_relu2")(x)


def published(
    filters: int = 8,
    *,
    depth: int = 5,
    shape: Sequence[int | None] = (None, None, None),
    dropout: float = 0.1,
    mixed: bool = False,
) -> keras.Model:
    """A student project's residual U-Net: five levels, transposed convolutions upwards.

    Its 16 filters at full resolution take twice as long and 11 MB in float16; ours are 8.

    Args:
        filters, shape, dropout, mixed: As of `build`; the grid's sides are multiples of
            `2 ** (depth - 1)`.
        depth: Number of resolutions, at least 2.

    Returns:
        As `build`.
    """
    return _unet(published_block, _transposed, "published", filters, depth, shape, dropout, mixed)


def _unet(
    block: Callable[[keras.KerasTensor, int, str, str], keras.KerasTensor],
    grown: Callable[[keras.KerasTensor, int, int, str], keras.KerasTensor],
    name: str,
    filters: int,
    depth: int,
    shape: Sequence[int | None],
    dropout: float,
    mixed: bool,
) -> keras.Model:
    """The U that both networks share; they differ in their blocks and in how a grid is doubled."""
    dtype = "mixed_bfloat16" if mixed else "float32"
    inputs = keras.Input((*shape, 1), name="t1")
    x: keras.KerasTensor = inputs
    skips = []
    for level in range(depth):
        x = block(x, filters * 2**level, f"down{level}", dtype)
        if level < depth - 1:
            skips.append(x)
            x = layers.MaxPooling3D(2, dtype=dtype, name=f"pool{level}")(x)
    x = layers.SpatialDropout3D(dropout, dtype=dtype, name="dropout")(x)
    for level in reversed(range(depth - 1)):
        x = grown(x, filters * 2**level, level, dtype)
        x = layers.Concatenate(dtype=dtype, name=f"join{level}")([x, skips[level]])
        x = block(x, filters * 2**level, f"up{level}_block", dtype)
    logits = layers.Conv3D(1, 1, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=f"{name}_unet_3d")


def _resized(x: keras.KerasTensor, filters: int, level: int, dtype: str) -> keras.KerasTensor:
    """Fewer channels, then every voxel repeated."""
    x = layers.Conv3D(filters, 1, use_bias=False, dtype=dtype, name=f"narrow{level}")(x)
    return layers.UpSampling3D(2, dtype=dtype, name=f"up{level}")(x)


def _transposed(x: keras.KerasTensor, filters: int, level: int, dtype: str) -> keras.KerasTensor:
    """A transposed convolution."""
    return layers.Conv3DTranspose(filters, 2, strides=2, dtype=dtype, name=f"up{level}")(x)


NETWORKS: dict[str, Callable[..., keras.Model]] = {"residual": build, "published": published}


def fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; elsewhere it is slower."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return False
    told = cpuinfo.read_text(encoding="utf-8")
    return "amx_bf16" in told or "avx512_bf16" in told


def save(model: keras.Model, path: Path) -> str:
    """Write the network as the ONNX file that answers, and return its SHA-256 (hex).

    Its input "t1" is float32 (N, 1, I, J, K), its output "brain" the probability of that shape.
    `models.keras_to_onnx.fill_keras` gives the weights back to a network of `build`.
    """
    return export_keras(model, path, outputs={"brain": "sigmoid"})
