"""Draw the home page's pictures: phantoms with what the shipped models say of them.

Run after weights or phantoms changed: `python -m pages.shared.draw_pictures`. They are kept as
files because the first page must open without loading a model.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from core.draw import PREDICTION, Picture, to_rgb, windowed, with_boxes
from core.phantoms.head import random_head
from core.phantoms.limb import LimbPhantom, limb_phantom
from models.cards import load_card

FOLDER = Path(__file__).parent / "pictures"
SIZE_WH = (960, 480)
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
            iou=float(card.extra.get("iou", 0.5)),
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


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for draw in (fracture, skull_strip):
        # JPEG: the noise of a film makes a PNG ten times as large
        picture = cv2.cvtColor(draw(), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(FOLDER / f"{draw.__name__}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
