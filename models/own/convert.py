"""ONNX out of the files of PyTorch, Ultralytics and Keras: in a worker process, once a file.

A pickle can run any program while it is opened, so one is opened only where the person has said
that they trust its origin. ONNX, safetensors, Keras files without Lambda layers and state dicts
that PyTorch reads with `weights_only=True` run nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import WeightsError
from models.own.network_file import checked_size, shown

ENDINGS = (".onnx", ".pt", ".pth", ".keras", ".safetensors")
RISK = (
    "Opening it runs whatever its author put in: it could read, change or delete the files of this "
    "computer."
)


class UntrustedError(WeightsError):
    """The file can only be opened by running what is in it, and nobody said that it is trusted."""


def convert(
    source: Path, target: Path, role: str, architecture: str = "", side_px: int = 0,
    trusted: bool = False,
) -> str:  # fmt: skip
    """Write the network of a file as ONNX.

    Args:
        source: As a person gave it.
        target: The ONNX file to write.
        role: What it is for; a detector in PyTorch is taken as Ultralytics'.
        architecture: Name of torchvision's network whose weights a state dict holds.
        side_px: Side of its input; 0 for the usual one.
        trusted: Whether a pickle may be opened.

    Returns:
        What was found, for the card.

    Raises:
        UntrustedError: If it is a pickle and may not be opened.
        WeightsError: If it is broken, or of a kind that cannot be converted.
    """
    checked_size(source)
    ending = source.suffix.lower()
    if ending not in ENDINGS:
        raise WeightsError(
            f"{shown(source)} is of no kind that is known here: {', '.join(ENDINGS)} are taken."
        )
    if ending == ".keras":
        return _keras(source, target)
    return _torch(source, target, role, architecture, side_px, trusted)


def _keras(source: Path, target: Path) -> str:
    """Keras on PyTorch, which writes ONNX by itself whatever the layers are."""
    if not zipfile.is_zipfile(source):
        raise WeightsError(
            f"{shown(source)} is no Keras file: it was renamed, cut short or damaged."
        )
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    import torch

    try:
        model = keras.saving.load_model(source, compile=False, safe_mode=True)
    except Exception as err:  # Keras raises whatever it meets
        why = str(err).strip().splitlines()
        raise WeightsError(
            f"Keras cannot open {shown(source)} ({why[0][:200] if why else type(err).__name__}). "
            "Lambda layers and layers of your own are not opened, since they run code; save the "
            "network without them, or as ONNX."
        ) from err
    if keras.config.backend() != "torch":
        raise WeightsError("Keras was started with another backend in this process; try again.")
    examples = [
        torch.zeros([1, *(side or 224 for side in tensor.shape[1:])]) for tensor in model.inputs
    ]

    class Called(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: torch.Tensor) -> Any:
            return self.model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)

    names = [tensor.name.replace("/", "_") for tensor in model.inputs]
    _export(Called(), examples, target, names)
    return f"{model.name}, Keras"


def _torch(
    source: Path, target: Path, role: str, architecture: str, side_px: int, trusted: bool
) -> str:
    import torch

    if source.suffix.lower() == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            held: Any = load_file(source)
        except (SafetensorError, ValueError, OSError) as err:
            raise WeightsError(f"{shown(source)} is damaged: {str(err)[:200]}.") from err
    else:
        held = _unpickled(source, trusted)
    module = _module(held)
    if module is not None and role == "detector":
        return _ultralytics(source, target, side_px)
    if module is None:
        if not architecture:
            raise WeightsError(
                f"{shown(source)} holds weights without their network: choose which network of "
                "torchvision they belong to."
            )
        module = _filled(_state(source, held), architecture, source)
    side = side_px or 224
    channels = next(
        (one.in_channels for one in module.modules() if isinstance(one, torch.nn.Conv2d)), 3
    )
    _export(module.float(), [torch.zeros(1, channels, side, side)], target, ["image"])
    return architecture or type(module).__name__


def _unpickled(source: Path, trusted: bool) -> Any:
    import pickle

    import torch

    with source.open("rb") as handle:
        start = handle.read(2)
    if start != b"PK" and start[:1] != b"\x80":
        raise WeightsError(
            f"{shown(source)} is no file of PyTorch: it was renamed, cut short or damaged."
        )
    try:
        return torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as err:
        if not trusted:
            raise UntrustedError(
                f"{shown(source)} holds more than weights (a pickle). {RISK} It was not opened: "
                "confirm that you trust its origin, or give the network as ONNX."
            ) from err
    except Exception as err:  # a broken archive raises whatever it meets
        raise WeightsError(
            f"PyTorch cannot open {shown(source)}: it is cut short or damaged."
        ) from err
    try:
        return torch.load(source, map_location="cpu", weights_only=False)
    except Exception as err:  # the file's own code may raise anything
        raise WeightsError(
            f"PyTorch cannot open {shown(source)} ({type(err).__name__}: {str(err)[:200]})."
        ) from err


def _module(held: Any) -> Any:
    """The network that a checkpoint holds whole, or None."""
    import torch

    if isinstance(held, Mapping):
        held = held.get("ema") or held.get("model")
    return held.eval() if isinstance(held, torch.nn.Module) else None


def _state(source: Path, held: Any) -> dict[str, Any]:
    """The tensors of a checkpoint by name, without the prefixes that trainers put before them."""
    import torch

    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    if not isinstance(held, Mapping) or not any(isinstance(t, torch.Tensor) for t in held.values()):
        raise WeightsError(f"{shown(source)} holds no weights of a network.")
    state = {str(name): t for name, t in held.items() if isinstance(t, torch.Tensor)}
    for prefix in ("module.", "model.", "net."):
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): t for name, t in state.items()}
    return state


def _filled(state: dict[str, Any], architecture: str, source: Path) -> Any:
    import torchvision

    last = [t for name, t in state.items() if name.endswith("weight") and t.ndim == 2]
    count = len(last[-1]) if last else 1000
    try:
        network = torchvision.models.get_model(architecture, weights=None, num_classes=count)
        network.load_state_dict(state)
    except (RuntimeError, ValueError, TypeError) as err:
        lines = [one.strip() for one in str(err).splitlines() if one.strip()]
        raise WeightsError(
            f"The weights of {shown(source)} are not those of torchvision's {architecture} with "
            f"{count} outputs ({lines[1][:160] if len(lines) > 1 else lines[0][:160]})."
        ) from err
    return network.eval()


def _ultralytics(source: Path, target: Path, side_px: int) -> str:
    """Ultralytics' own export, which also writes labels and sides into the file."""
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    from ultralytics import YOLO

    side = {"imgsz": side_px} if side_px else {}
    with tempfile.TemporaryDirectory() as folder:  # it writes beside the file that it opened
        copy = Path(folder) / "model.pt"
        shutil.copyfile(source, copy)
        try:
            model = YOLO(copy)
            if model.task != "detect":
                raise WeightsError(f"{shown(source)} is for “{model.task}”, not for boxes.")
            made = model.export(format="onnx", opset=17, simplify=False, device="cpu", **side)
        except WeightsError:
            raise
        except Exception as err:  # Ultralytics raises whatever it meets
            raise WeightsError(
                f"Ultralytics cannot export {shown(source)} ({type(err).__name__}: "
                f"{str(err)[:200]})."
            ) from err
        shutil.move(made, target)
    return f"{Path(model.model.yaml.get('yaml_file', 'YOLO')).stem}, Ultralytics"


def _export(module: Any, examples: list[Any], target: Path, names: list[str]) -> None:
    import torch

    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module.eval(), tuple(examples), str(target), input_names=names, opset_version=17,
                dynamo=False,
            )  # fmt: skip
    except Exception as err:  # the exporter raises whatever it meets
        raise WeightsError(
            f"The network cannot be written as ONNX ({type(err).__name__}: {str(err)[:200]}). "
            "Export it where it was trained, and give the ONNX file."
        ) from err


def architectures() -> tuple[str, ...]:
    """Names of torchvision's classifiers whose weights can be given."""
    return (
        "alexnet", "convnext_tiny", "convnext_small", "convnext_base", "densenet121",
        "densenet161", "densenet169", "densenet201", "efficientnet_b0", "efficientnet_b1",
        "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_v2_s",
        "mnasnet1_0", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small",
        "regnet_y_400mf", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
        "resnext50_32x4d", "shufflenet_v2_x1_0", "swin_t", "vgg11", "vgg11_bn",
        "vgg16", "vgg16_bn", "vgg19", "vit_b_16", "wide_resnet50_2",
    )  # fmt: skip
