"""Makes the files that the tests bring as a person's own models, in the process that converts."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path


class Bomb:
    """Writes a file where a pickle of it is opened."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.target,))


def bomb(path: Path, target: Path) -> Path:
    """A pickle that would make `target`."""
    path.write_bytes(pickle.dumps({"state_dict": Bomb(target)}, protocol=2))
    return path


def make(folder: Path) -> None:
    """Write them all; in a process of its own, for Keras keeps its first backend."""
    os.environ |= {"KERAS_BACKEND": "torch", "YOLO_AUTOINSTALL": "false"}
    import torch
    import torchvision
    from torch import nn

    torch.manual_seed(0)

    warnings.simplefilter("ignore")

    def onnx(network: nn.Module, shape: tuple[int, ...], name: str) -> None:
        torch.onnx.export(
            network.eval(), torch.rand(shape), str(folder / name), input_names=["image"],
            opset_version=17, dynamo=False,
        )  # fmt: skip

    mobile = torchvision.models.mobilenet_v3_small(weights=None, num_classes=3)
    for module in mobile.modules():  # fresh weights answer all alike: let their spread grow
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.fill_(0.13)
    onnx(mobile, (1, 3, 96, 96), "mobilenet.onnx")
    torch.save({"state_dict": {f"module.{k}": v for k, v in mobile.state_dict().items()}},
               folder / "mobilenet.pth")  # fmt: skip
    labels = nn.Sequential(nn.Conv3d(1, 3, 3, padding=1))
    onnx(labels, (1, 1, 24, 32, 32), "labels.onnx")
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 3))
    onnx(flat, (1, 3, 8, 8), "small.onnx")
    onnx(nn.Linear(8, 3), (1, 8), "no_image.onnx")
    broken = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 3))
    nn.init.constant_(broken[1].bias, float("nan"))
    onnx(broken, (1, 3, 8, 8), "not_finite.onnx")
    still = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 3))
    nn.init.zeros_(still[1].weight)
    onnx(still, (1, 3, 8, 8), "still.onnx")

    class Detector(nn.Module):
        """25 boxes of two classes, as Ultralytics writes them: (1, 4 + 2, 25)."""

        def __init__(self) -> None:
            super().__init__()
            self.rows = nn.Conv2d(3, 6, 16, stride=16)

        def forward(self, film: torch.Tensor) -> torch.Tensor:
            rows = self.rows(film).sigmoid().flatten(2)
            centre = torch.linspace(8, 72, 5)
            x, y = torch.meshgrid(centre, centre, indexing="xy")
            place = torch.stack([x.flatten(), y.flatten()])[None]
            return torch.cat([place, 10 + 10 * rows[:, 2:4], rows[:, 4:]], dim=1)

    onnx(Detector(), (1, 3, 80, 80), "detector.onnx")

    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [keras.Input((64, 48, 1)), layers.Conv2D(4, 3, strides=2, padding="same"),
         layers.Activation("relu")], name="nested",
    )  # fmt: skip
    film, sex = keras.Input((64, 48, 1), name="film"), keras.Input((1,), name="male")
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(inner(film)), sex])
    keras.Model([film, sex], layers.Dense(1)(x), name="small_age").save(folder / "age.keras")

    from ultralytics import YOLO

    YOLO("yolo11n.yaml", verbose=False).save(folder / "yolo.pt")
