"""Films to train a bone-age network with: prepared once, varied, in the order of their epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from core.bone_age.cases import BoneAgeCase
from core.files.radiograph import read_radiograph
from core.stages import Stage
from models.bone_age.preprocess import SEX_INPUT, network_input
from models.bone_age.simulated import SimulatedHand


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training film; zero switches a part off.

    Attributes:
        degrees: Rotation to either side.
        shift: Translation as a share of the side.
        zoom: Scale to either side of 1.
        mirror: Whether a film may be mirrored (a right hand is a mirrored left hand).
        contrast: Gamma between 1 / (1 + contrast) and 1 + contrast, gain the same.
        noise: Standard deviation of Gaussian noise, on the scale [0, 1].
        erase: Share of films of which a rectangle is blackened.
    """

    degrees: float = 20.0
    shift: float = 0.06
    zoom: float = 0.15
    mirror: bool = True
    contrast: float = 0.25
    noise: float = 0.03
    erase: float = 0.3


NO_AUGMENTATION = Augmentation(0, 0, 0, False, 0, 0, 0)


def prepare(
    cases: Sequence[BoneAgeCase], stages: Sequence[Stage], shape: tuple[int, int], cache: Path
) -> NDArray[np.uint8]:
    """The network's inputs of all cases, uint8 (N, H, W), made once and kept in `cache`."""
    if cache.is_file():
        kept = np.load(cache)
        if kept.shape == (len(cases), *shape):
            return kept
    films = np.zeros((len(cases), *shape), np.uint8)
    for number, case in enumerate(cases):
        pixels = read_radiograph(case.path.read_bytes(), name=case.file).pixels
        films[number] = (255 * network_input(pixels, stages, shape)[1]).round()
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.save(cache, films)
    return films


def augmented(
    film: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """One random variant of a film, float32 (H, W) in [0, 1]."""
    height, width = film.shape
    degrees = rng.uniform(-how.degrees, how.degrees)
    scale = np.exp(rng.uniform(-how.zoom, how.zoom))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += rng.uniform(-how.shift, how.shift, 2) * (width, height)
    image = cv2.warpAffine(film, matrix, (width, height)).astype(np.float32) / 255
    if how.mirror and rng.random() < 0.5:
        image = image[:, ::-1]
    if how.contrast:
        gamma, gain = np.exp(rng.uniform(-1, 1, 2) * np.log1p(how.contrast))
        image = image**gamma * gain
    if how.noise:
        deviation = np.float32(rng.uniform(0, how.noise))
        image = image + deviation * rng.standard_normal(image.shape, np.float32)
    if how.erase and rng.random() < how.erase:
        sides = rng.uniform(0.1, 0.25, 2) * film.shape
        y, x = rng.uniform(0, 1, 2) * film.shape
        image = image.copy()
        image[int(y) : int(y + sides[0]), int(x) : int(x + sides[1])] = 0
    return np.clip(image, 0, 1).astype(np.float32)


class Films(keras.utils.PyDataset):
    """Shuffled, augmented batches; seed and epoch say which, so a resumed run sees the same.

    Of the last `of_last` films, an epoch takes only `some`, drawn anew each time.
    """

    def __init__(
        self,
        films: NDArray[np.uint8],
        cases: Sequence[BoneAgeCase | SimulatedHand],
        how: Augmentation,
        *,
        batch: int,
        seed: int,
        with_sex: bool = True,
        some: int = 0,
        of_last: int = 0,
    ) -> None:
        super().__init__()
        self.films, self.how, self.batch = films, how, batch
        self.months = np.array([case.months for case in cases], np.float32)
        self.sex = np.array([SEX_INPUT[case.sex if with_sex else None] for case in cases])
        self.seed, self.some, self.of_last = seed, some, of_last
        self.begin(0)

    def __len__(self) -> int:
        return len(self.order) // self.batch

    def __getitem__(self, index: int) -> tuple:
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        rng = np.random.default_rng([self.seed, self.epoch, 1 + index])
        images = np.stack([augmented(self.films[i], self.how, rng) for i in chosen])
        sex = self.sex[chosen].astype(np.float32)
        sex[rng.random(len(chosen)) < 0.1] = 0.5  # so that "unknown" is known, too
        return (images[..., None], sex), self.months[chosen][:, None]

    def begin(self, epoch: int) -> None:
        """Take the order of that epoch, counted from 0."""
        self.epoch = epoch
        rng = np.random.default_rng([self.seed, epoch])
        self.order = rng.permutation(len(self.films))
        if self.of_last:
            first = len(self.films) - self.of_last
            chosen = first + rng.permutation(self.of_last)[: self.some]
            self.order = self.order[(self.order < first) | np.isin(self.order, chosen)]
