"""A person's own network, made to take and give what the network of its task takes and gives.

Its inputs and outputs are those of the task's files, so that the page, the lab, Practice and the
scorer run it by the code that runs ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import UnsuitableInputError, WeightsError
from core.images import FloatArray
from models.cards import ModelCard
from models.onnx_runtime import Network
from models.own.boxes import decode
from models.own.reads import PROBABILITIES, SEXES, Reads, reads_of
from models.priority import is_behind

LEAST = 1e-6
"""Probabilities are kept this far from 0 and 1, so that their log odds are finite."""
CELLS = 8
"""Occlusion hides so many cells along each side, one after the other."""
LOGIT, EVIDENCE = "logit", "evidence"
LOGITS, MAPS, LAST = "logits", "maps", "last"
MONTHS = "months"
BRAIN = "brain"


@dataclass(frozen=True, eq=False, kw_only=True)
class Adapted(Network):
    """A network of a person's own that speaks as the task's.

    Attributes:
        card: Of the model.
        reads: What the network itself takes and gives.
    """

    card: ModelCard
    reads: Reads

    def __call__(self, *arrays: FloatArray, only: Sequence[str] = ()) -> tuple[FloatArray, ...]:
        """As `Network`, with the task's inputs and outputs.

        Raises:
            UnsuitableInputError: If the network cannot run on the image, or its answer is not
                finite.
        """
        answers = ROLES[self.card.role][1](self, *arrays)
        return tuple(answers[name]() for name in only or self.outputs)

    def received(self, grey: FloatArray) -> FloatArray:
        """What the network receives of images (N, 1, H, W) or (N, 1, I, J, K)."""
        reads = self.reads
        seen = np.asarray(grey, np.float32)
        if seen.ndim == 4:
            seen = np.stack([_fitted(one[0], reads.shape) for one in seen])[:, None] * reads.top
        else:
            seen = _zoomed(seen, reads.shape)
            if reads.unit_range:
                low, high = float(seen.min()), float(seen.max())
                seen = (seen - low) / max(high - low, 1e-9) * reads.top
        axes = (1, -1, *[1] * (seen.ndim - 2))
        mean, scale = (_by_channel(reads, some).reshape(axes) for some in (reads.mean, reads.scale))
        seen = (np.repeat(seen, reads.channels, axis=1) - mean) / scale
        return np.ascontiguousarray(np.moveaxis(seen, 1, -1) if reads.channels_last else seen)

    def sex_input(self, sex: FloatArray) -> FloatArray | None:
        """The sex as the network takes it, from (girl, boy); None where it takes none."""
        ways = {SEXES[1]: sex, SEXES[2]: sex[:, 1:], SEXES[3]: sex[:, :1]}
        return ways.get(self.reads.sex)

    def raw(self, received: FloatArray, sex: FloatArray | None = None) -> FloatArray:
        """What the network itself gives for what it receives, one image after the other.

        Raises:
            UnsuitableInputError: If it cannot run, or its answer is not finite.
        """
        found = np.concatenate(
            [
                self._one(received[n : n + 1], None if sex is None else sex[n : n + 1])
                for n in range(len(received))
            ]
        )
        if not np.isfinite(found).all():
            raise UnsuitableInputError(
                f"“{self.card.title}” gives numbers that are not finite (NaN or infinity) for this "
                "image: its weights are damaged, or mean and scale are wrong."
            )
        return found

    def _one(self, received: FloatArray, sex: FloatArray | None) -> FloatArray:
        wanted = self.session.get_outputs()[self.reads.output].name
        fed: dict[str, Any] = {}
        for number, port in enumerate(self.session.get_inputs()):
            array = received if number == self.reads.image_input else sex
            if array is None:
                raise WeightsError(
                    f"“{self.card.title}” has the input “{port.name}”, for which there is nothing."
                )
            fed[port.name] = array.astype(DTYPES.get(port.type, np.float32))
        try:
            (found,) = self.session.run([wanted], fed)
        except Exception as err:  # ONNX Runtime's errors have no common base
            shape = " × ".join(map(str, received.shape))
            raise UnsuitableInputError(
                f"“{self.card.title}” cannot run on an input of {shape}: {_first_line(err)}"
            ) from err
        return np.asarray(found, np.float32)


DTYPES = {"tensor(float16)": np.float16, "tensor(double)": np.float64, "tensor(uint8)": np.uint8}
Answers = dict[str, Callable[[], FloatArray]]


def adapted(card: ModelCard, network: Network) -> Adapted:
    """The network of an own card as the task's code expects it.

    Raises:
        WeightsError: If its role is unknown, or the card does not fit.
    """
    if card.role not in ROLES:
        raise WeightsError(f"A model of your own cannot have the role “{card.role}”.")
    outputs, reads = ROLES[card.role][0], reads_of(card)
    opened = {is_behind(): network.session}
    return Adapted(network.open_session, ("image",), outputs, opened, card=card, reads=reads)


def _detector(network: Adapted, film: FloatArray) -> Answers:
    """(N, A, 5): corners in pixels of the input, and the score of the classes that count."""
    return {"boxes": lambda: decode(network.raw(network.received(film)), network.reads)}


def _classifier(network: Adapted, film: FloatArray) -> Answers:
    """Log odds (N, 1) of the classes that count together, and what each cell adds to them."""

    def logit(seen: FloatArray) -> FloatArray:
        chances = _chances(network, seen)[:, list(network.reads.counted)]
        together = chances.sum(1) if network.reads.exclusive else chances.max(1)
        return _log_odds(together)[:, None]

    return {LOGIT: lambda: logit(film), EVIDENCE: lambda: occluded(logit, film)[:, 0]}


def _findings(network: Adapted, film: FloatArray) -> Answers:
    """Log odds (N, L) of the card's labels, and what each cell adds to each."""

    def logits(seen: FloatArray) -> FloatArray:
        return _log_odds(_chances(network, seen)[:, list(network.reads.counted)])

    def last() -> FloatArray:
        raise UnsuitableInputError(
            f"“{network.card.title}” is a model of your own: its inner layers are not shown here."
        )

    return {LOGITS: lambda: logits(film), MAPS: lambda: occluded(logits, film), LAST: last}


def _age(network: Adapted, film: FloatArray, sex: FloatArray) -> Answers:
    """Months (N, 1) from films and (girl, boy)."""
    reads, given = network.reads, network.sex_input(sex)

    def months() -> FloatArray:
        found = network.raw(network.received(film), given).reshape(len(film), -1)[:, :1]
        return np.asarray(found * reads.factor + reads.offset, np.float32)

    return {MONTHS: months}


def _brain(network: Adapted, head: FloatArray) -> Answers:
    """Probability (1, 1, I, J, K) of the labels that count together."""

    def probability() -> FloatArray:
        chances = _chances(network, head)[:, list(network.reads.counted)]
        together = chances.sum(1) if network.reads.exclusive else chances.max(1)
        return np.clip(_zoomed(together[:, None], head.shape[2:]), 0, 1)

    return {BRAIN: probability}


ROLES: dict[str, tuple[tuple[str, ...], Callable[..., Answers]]] = {
    "detector": (("boxes",), _detector),
    "classifier": ((LOGIT, EVIDENCE), _classifier),
    "findings": ((LOGITS, MAPS), _findings),
    "age": ((MONTHS,), _age),
    "brain": ((BRAIN,), _brain),
}
"""Outputs of each role's files, and what gives them here."""


def _chances(network: Adapted, grey: FloatArray) -> FloatArray:
    """Probability of each output, (N, C) or (N, C, I, J, K)."""
    reads = network.reads
    raw = network.raw(network.received(grey))
    if reads.channels_last and raw.ndim == 5:
        raw = np.moveaxis(raw, -1, 1)
    if raw.ndim != 5:
        raw = raw.reshape(len(raw), -1)
    if raw.shape[1] != reads.outputs:
        raise UnsuitableInputError(
            f"“{network.card.title}” gives {raw.shape[1]} outputs, its card says {reads.outputs}."
        )
    if reads.answer == PROBABILITIES:
        return raw
    if reads.exclusive and reads.outputs > 1:
        shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)
    return np.asarray(1 / (1 + np.exp(-np.clip(raw, -30, 30))), np.float32)


def _log_odds(chances: FloatArray) -> FloatArray:
    kept = np.clip(chances.astype(np.float64), LEAST, 1 - LEAST)
    return np.log(kept / (1 - kept)).astype(np.float32)


def occluded(answer: Callable[[FloatArray], FloatArray], films: FloatArray) -> FloatArray:
    """How much each of 8 × 8 cells adds to an answer: what is lost where it is hidden.

    After Zeiler & Fergus 2014; a cell is hidden under the film's mean grey.

    Args:
        answer: Films (N, 1, H, W) to numbers (N, L).
        films: The films.

    Returns:
        (N, L, 8, 8).
    """
    height, width = films.shape[2:]
    rows, columns = (np.linspace(0, side, CELLS + 1).astype(int) for side in (height, width))
    before = answer(films)
    found = np.zeros((*before.shape, CELLS, CELLS), np.float32)
    for i in range(CELLS):
        for j in range(CELLS):
            hidden = films.copy()
            cell = (..., slice(rows[i], rows[i + 1]), slice(columns[j], columns[j + 1]))
            hidden[cell] = films.mean(axis=(2, 3), keepdims=True)
            found[:, :, i, j] = before - answer(hidden)
    return found


def _by_channel(reads: Reads, values: Sequence[float]) -> FloatArray:
    every = list(values) * reads.channels if len(values) == 1 else list(values)
    return np.array(every[::-1] if reads.blue_first else every, np.float32)


def _fitted(image: FloatArray, shape_hw: Sequence[int]) -> FloatArray:
    """A film inside a shape at its own proportions, black around it."""
    import cv2

    height, width = shape_hw
    if image.shape == (height, width):
        return image
    scale = min(height / image.shape[0], width / image.shape[1])
    inner_h, inner_w = (max(1, round(side * scale)) for side in image.shape)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    padded = np.zeros((height, width), np.float32)
    top, left = (height - inner_h) // 2, (width - inner_w) // 2
    small = cv2.resize(image, (inner_w, inner_h), interpolation=how)
    padded[top : top + inner_h, left : left + inner_w] = small
    return padded


def _zoomed(volumes: FloatArray, shape: Sequence[int]) -> FloatArray:
    """Volumes (N, 1, I, J, K) on another number of voxels over the same space."""
    if volumes.shape[2:] == tuple(shape):
        return volumes
    from scipy import ndimage

    by = [new / old for new, old in zip(shape, volumes.shape[2:], strict=True)]
    return np.stack(
        [ndimage.zoom(one[0], by, order=1, mode="nearest", grid_mode=True) for one in volumes]
    )[:, None].astype(np.float32)


def _first_line(err: Exception) -> str:
    return str(err).strip().splitlines()[0][:200]
