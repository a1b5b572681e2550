"""What the scorer asks of a head: the brain's mask and volume."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.errors import UnsuitableInputError
from core.files.volume import nifti_bytes
from core.images import Volume
from core.skull_strip import Settings, looks_like_t1_head
from models.cards import load_card
from models.score.task import Answer, Ask, Task
from models.skull_strip.predict import BrainMask

Segment = Callable[[Volume, Settings | None], BrainMask]


def skull_strip(model: str = "unet") -> Task:
    """The task, with the card of this name."""
    return Task(
        name="skull_strip",
        cards=(("skull_strip", model),),
        columns=(
            ("volume_ml", "float64"),
            ("threshold", "float64"),
            ("doubt", "string"),
            ("mask", "string"),
        ),
        load=partial(load_skull_strip, model),
        score=score_skull_strip,
        volumes=True,
        mask_suffix=".nii.gz",
        part_size=10,
        chunk_size=1,
        most_seconds=900.0,
    )


def load_skull_strip(name: str) -> Segment:
    """Load the network."""
    from models.skull_strip import predict

    return partial(predict.segment, predict.load_model(load_card("skull_strip", name)))


def score_skull_strip(segment: Segment, image: Volume, ask: Ask) -> Answer:
    """The volume of the brain, and its mask on the file's own grid if wanted.

    The option "settings" is a `core.skull_strip.Settings`; without it the card's are taken.
    `detail` is the `BrainMask`.
    """
    wrong = looks_like_t1_head(image)
    if wrong:
        raise UnsuitableInputError(wrong)
    found = segment(image, ask.options.get("settings"))
    columns = {
        "volume_ml": found.volume_ml,
        "threshold": found.threshold,
        "doubt": looks_like_t1_head(image, found.voxels),
    }
    mask = nifti_bytes(found.voxels, image) if ask.mask else b""
    return Answer(columns, mask=mask, detail=found)
