"""Draw the home page's pictures: phantoms with what the shipped models say of them.

Run after weights or phantoms changed: `python -m pages.shared.pictures.draw`. They are kept as
files because the first page must open without loading a model.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from core.augment.apply import apply_film
from core.augment.films import FILMS as TRANSFORMS_2D
from core.augment.labels import Labels
from core.augment.pipeline import Planned, draw
from core.bone_age.growth import short
from core.phantoms.chest.phantom import chest_phantom
from core.phantoms.hand.phantom import hand_phantom
from core.phantoms.head.phantom import random_head
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from core.plots.draw import PREDICTION, TRUTH, Picture, tile, to_rgb, windowed, with_boxes
from models.cards import load_card
from models.fracture.settings import detector_settings

FOLDER = Path(__file__).parent
SIZE_WH = (960, 480)
TRANSFORMS = (
    ("rotate", "rotation"),
    ("elastic", "elastic"),
    ("noise", "noise"),
    ("mirror", "mirror"),
)
READER = (80, 214, 168)  # as in the films of Practice
HAND_YEARS = (4, 6, 11, 12)
HEART_RATIOS = (0.44, 0.6)
FILMS = (
    LimbPhantom(seed=7, kind="forearm", fracture="oblique", shape=(480, 320)),
    LimbPhantom(seed=9, kind="lower leg", fracture="oblique", shape=(480, 320)),
    LimbPhantom(seed=5, kind="hand", fracture="oblique", shape=(480, 320)),
)


def fracture() -> Picture:
    """Three broken limbs side by side, with the detector's boxes at the card's threshold."""
    from models.fracture import predict

    card = load_card("fracture", "detector")
    model = predict.load_model(card)
    shown = []
    for film in FILMS:
        image, _ = limb_phantom(film)
        found = predict.detect(
            model,
            image,
            threshold=card.operating_points["fracture"],
            iou=detector_settings(card).iou,
        )
        shown.append(with_boxes(windowed(image.pixels), found.boxes_xyxy))
    return np.concatenate(shown, axis=1)


def skull_strip() -> Picture:
    """A head phantom in three planes with the outline of the network's mask; air is shown black."""
    from models.skull_strip import predict

    head = random_head(4).volume
    mask = predict.segment(predict.load_model(load_card("skull_strip", "unet")), head).voxels
    middle = [int(index.mean()) for index in np.nonzero(mask)]
    shown = []
    for axis in (0, 1, 2):
        plane = np.rot90(head.voxels.take(middle[axis], axis))
        brain = np.rot90(mask.take(middle[axis], axis))
        high = float(np.quantile(head.voxels[mask > 0], 0.99)) * 1.15
        grey = to_rgb(np.rint(np.clip(plane / high - 0.1, 0, 0.9) / 0.9 * 255).astype(np.uint8))
        side = SIZE_WH[0] // 3
        scale = min(side / grey.shape[1], SIZE_WH[1] / grey.shape[0])
        size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
        picture = cv2.resize(np.ascontiguousarray(grey), size, interpolation=cv2.INTER_CUBIC)
        large = cv2.resize(brain.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        outline, _ = cv2.findContours(
            (large > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(picture, outline, -1, PREDICTION, 2, cv2.LINE_AA)
        panel = np.zeros((SIZE_WH[1], side, 3), np.uint8)
        top, left = (SIZE_WH[1] - size[1]) // 2, (side - size[0]) // 2
        panel[top : top + size[1], left : left + size[0]] = picture
        shown.append(panel)
    return np.concatenate(shown, axis=1)


def bone_age() -> Picture:
    """One girl's hand at four ages; below each what the model says."""
    from models.bone_age import predict

    model = predict.load_model(load_card("bone_age", "hand_age"))
    shown = []
    for years in HAND_YEARS:
        hand = hand_phantom(
            11,
            age_months=12.0 * years,
            sex="F",
            marker=False,
            collimation="none",
            exposure=1.0,
            shape=(640, 384),
        )
        found = predict.estimate(model, hand.image, "F")
        if not found.low_months <= 12 * years <= found.high_months:
            raise ValueError(f"at {years} years the model reads {short(found.months)}: not a first")
        panel = tile(windowed(hand.image.pixels), SIZE_WH[0] // len(HAND_YEARS), 420)
        shown.append(
            _with_words(panel, [f"simulated: {years} years", f"model: {short(found.months)}"])
        )
    return np.concatenate(shown, axis=1)


def chest() -> Picture:
    """A small and a large heart with the outlines that the network drew, and the ratio."""
    from core.chest.ctr import measure
    from models.chest import segment

    model = segment.load_model(load_card("chest", "heart_lungs"))
    shown = []
    for ratio in HEART_RATIOS:
        film = chest_phantom(4, heart_ratio=ratio, shape=(420, 480)).image
        masks = segment.segment(model, film)
        picture = to_rgb(windowed(film.pixels))
        for name, mask in masks.items():
            outline, _ = cv2.findContours(
                mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            colour = TRUTH if name == "heart" else PREDICTION
            cv2.drawContours(picture, outline, -1, colour, 2, cv2.LINE_AA)
        panel = tile(picture, SIZE_WH[0] // 2, 440)
        shown.append(_with_words(panel, [f"heart / chest = {measure(masks).ratio:.2f}"]))
    return np.concatenate(shown, axis=1)


def practice() -> Picture:
    """A broken limb to be read, a reader's box, and then the truth and the detector's box."""
    from models.fracture import predict

    card = load_card("fracture", "detector")
    image, boxes = limb_phantom(FILMS[0])
    found = predict.detect(
        predict.load_model(card),
        image,
        threshold=card.operating_points["fracture"],
        iou=detector_settings(card).iou,
    )
    film = windowed(image.pixels)
    own = boxes + np.array([[-22, -16, 6, 12]], np.float32)  # as a reader might draw it
    answered = with_boxes(film, own, ["you"] * len(own), colour=READER)
    revealed = with_boxes(answered, boxes, colour=TRUTH, dashed=True)
    revealed = with_boxes(revealed, found.boxes_xyxy)
    panels = ((film, "read"), (answered, "say how sure you are"), (revealed, "compare"))
    width = SIZE_WH[0] // len(panels)
    return np.concatenate(
        [_with_words(tile(panel, width, 440), [words]) for panel, words in panels], axis=1
    )


def augmentation() -> Picture:
    """One broken limb as it is and under three transforms, the true box carried along."""
    image, boxes = limb_phantom(FILMS[0])
    labels = Labels(boxes, ("fracture",) * len(boxes))
    shown = []
    for name, words in TRANSFORMS:
        moved = apply_film(draw((Planned(name),), TRANSFORMS_2D, 5), image.pixels, labels)
        labelled = with_boxes(
            windowed(moved.pixels), moved.labels.boxes_xyxy, colour=TRUTH, dashed=True
        )
        panel = tile(labelled, SIZE_WH[0] // len(TRANSFORMS), 440)
        shown.append(_with_words(panel, [words]))
    return np.concatenate(shown, axis=1)


def _with_words(picture: Picture, lines: list[str]) -> Picture:
    """A picture with lines of text under it, as high as the home page's pictures."""
    height, width = SIZE_WH[1], picture.shape[1]
    panel = np.zeros((height, width, 3), np.uint8)
    panel[: picture.shape[0]] = to_rgb(picture)
    step = (height - picture.shape[0]) // (len(lines) + 1)
    for number, line in enumerate(lines):
        at = (16, picture.shape[0] + (number + 1) * step + 6)
        cv2.putText(panel, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (235, 235, 235), 1, cv2.LINE_AA)
    return panel


def main() -> None:
    """Draw those that are named, or all."""
    FOLDER.mkdir(exist_ok=True)
    for task in (fracture, bone_age, chest, skull_strip, practice, augmentation):
        if sys.argv[1:] and task.__name__ not in sys.argv[1:]:
            continue
        # JPEG: the noise of a film makes a PNG ten times as large
        picture = cv2.cvtColor(task(), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(FOLDER / f"{task.__name__}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
