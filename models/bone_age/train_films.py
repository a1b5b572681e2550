"""Films to train a bone-age network with: prepared once, varied, in the order of their epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from core.bone_age.cases import BoneAgeCase
from core.files.radiograph import read_radiograph
from core.stages import Stage
from models.bone_age.augment import Augmentation, augmented
from models.bone_age.preprocess import SEX_INPUT, network_input
from models.bone_age.simulated import SimulatedHand


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
