"""Small data sets of phantoms in the layouts that training reads, and weights to begin with."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.phantoms.chest.phantom import chest_phantom
from core.phantoms.hand.phantom import hand_phantom
from core.phantoms.head.phantom import random_head
from core.phantoms.limb.phantom import limb_phantom, random_limb
from models.cards import WEIGHTS
from models.chest.dataset import FINDINGS

SPLITS = ("train",) * 4 + ("val",) * 2


def simulated_data(folder: Path) -> Path:
    """All data sets: four training cases and two to choose on (six limbs: these go in folds)."""
    _hands(folder / "bone_age")
    _limbs(folder / "fracture")
    _chests(folder / "chest")
    _heads(folder / "brain")
    return folder


def untrained_parent(path: Path) -> None:
    """Write a file named and laid out as the published weights of its name, untrained."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".onnx":  # earlier weights of a card: those that ship are laid out alike
        path.write_bytes((WEIGHTS / path.name).read_bytes())
        return
    if path.suffix == ".npz":
        import keras

        body = keras.applications.Xception(include_top=False, weights=None, input_shape=(96, 80, 3))
        np.savez(path, *body.get_weights())
        return
    import torch

    torch.manual_seed(0)
    if path.stem.startswith("yolo"):
        from models.fracture.network import DetectionModel

        torch.save({"model": DetectionModel(f"{path.stem}.yaml", verbose=False)}, path)
    else:
        import torchvision

        build = getattr(torchvision.models, path.stem.rpartition("-")[0])
        torch.save(build(weights=None, num_classes=2).state_dict(), path)


def _hands(folder: Path) -> None:
    rows = []
    for number, split in enumerate(SPLITS):
        hand = hand_phantom(2000 + number, shape=(320, 256))
        _write(folder / "images" / f"{number}.png", hand.image.pixels)
        row = {"file": f"{number}.png", "split": split}
        rows.append({**row, "age_months": round(hand.age_months), "sex": hand.sex})
    _table(folder / "bone_age.csv", rows)


def _limbs(folder: Path) -> None:
    rows, boxes = [], []
    for number, split in enumerate((*SPLITS, *SPLITS[-2:] * 2)):
        film, found = limb_phantom(random_limb(2000 + number, fractured=number % 2 == 0))
        file = f"{number}.png"
        _write(folder / "images" / file, film.pixels)
        row = {"file": file, "split": split, "fractured": int(number % 2 == 0)}
        row |= dict.fromkeys(("frontal", "lateral", "oblique", "multiscan", "mixed"), 0)
        rows.append({**row, "hand": int(number < 2), "shoulder": int(number == 2)})
        columns = ("file", "xmin", "ymin", "xmax", "ymax")
        boxes += [dict(zip(columns, (file, *box), strict=True)) for box in found.tolist()]
    _table(folder / "images.csv", rows)
    _table(folder / "boxes.csv", boxes)


def _chests(folder: Path) -> None:
    """Every second heart is enlarged, every second film has 64 px."""
    rows, outlined = [], []
    for number, split in enumerate(SPLITS):
        findings = ("Cardiomegaly",) if number % 2 else ()
        chest = chest_phantom(2000 + number, findings=findings, shape=(128, 128))
        px = 64 if number in (1, 2) else 128
        _write(folder / "img" / f"{number}.png", cv2.resize(chest.image.pixels, (px, px)))
        row: dict[str, Any] = {"file": f"img/{number}.png", "split": split}
        _write(folder / "masks" / f"{number}.png", _mask(chest.masks) / 255)
        ratio = {"ctr_from_mask": round(chest.ctr, 4)}
        mask = {"mask": f"masks/{number}.png", "source": "ctr_jsrt", **ratio}
        outlined.append({**row, **mask})
        row |= {"px": px, "patient": f"p{number}", "view": "PA", "age": 40, "sex": "F"}
        row |= {name: int(name in findings) for name in FINDINGS}
        rows.append({**row, "No_Finding": int(not findings)})
    _table(folder / "labels.csv", rows)
    _table(folder / "heart_lung_masks.csv", outlined)


def _mask(masks: Mapping[str, Any]) -> np.ndarray:
    """The masks of lungs and heart as the numbers that a person's mask has."""
    numbered = np.zeros(next(iter(masks.values())).shape, np.float32)
    for number, name in enumerate(("left_lung", "right_lung", "heart"), 1):
        numbered[np.asarray(masks[name], bool)] = number
    return numbered


def _heads(folder: Path) -> None:
    import nibabel as nib

    rows = []
    for number, split in enumerate(("train", "val")):
        head = random_head(2000 + number, (4.0, 5.0, 6.0))
        row = {"source": "IXI-HH", "split": split, "mask2": ""}
        for kind, voxels in (("file", head.volume.voxels), ("mask", head.mask)):
            row[kind] = f"{kind}_{number}.nii.gz"
            folder.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(voxels, head.volume.affine), folder / row[kind])
        rows.append(row)
    _table(folder / "brain.csv", rows)


def _write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.rint(pixels * 255).astype(np.uint8))


def _table(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    every = list(rows)
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, every[0])
        writer.writeheader()
        writer.writerows(every)
