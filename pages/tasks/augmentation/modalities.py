"""The kinds of image of the lab: where each comes from, what is done to it, and who answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.augment import films, heads
from core.augment.pipeline import Catalogue
from pages.tasks.augmentation import chest, hand, models, subjects
from pages.tasks.augmentation.models import Answering, Cards
from pages.tasks.augmentation.subjects import Subject

MODELS = Path(__file__).parents[3] / "models"


@dataclass(frozen=True)
class Modality:
    """One kind of image.

    Attributes:
        name, title: In links, and on the screen.
        task: Its page and its package of models.
        kind: "film" or "head": modalities of a kind share catalogue and pipeline.
        catalogue, groups: Its transforms, and the headings they stand under.
        examples: Pipelines to start from, as the text of a link; the first is shown at first.
        subject: Draws the sidebar's first part and returns the image.
        answering: Loads its models.
        models: By role, what the choice of a model is called and the card it opens on.
        draws: Least, usual and greatest number of draws that the model answers.
        experiments: Table of what training with and without a transform brought, if there is one.
    """

    name: str
    title: str
    task: str
    kind: str
    catalogue: Catalogue
    groups: tuple[str, ...]
    examples: dict[str, str]
    subject: Callable[[], Subject | None]
    answering: Callable[[Subject, Cards], Answering]
    models: Mapping[str, tuple[str, str]]
    draws: tuple[int, int, int]
    experiments: Path | None = None


_LIMB = {
    "Gentle, as in training": "rotate,degrees=-12~12;zoom,factor=0.9~1.1;"
    "contrast,factor=0.85~1.15,p=0.5;noise,spread=0.5~3",
    "Harsh": "rotate,degrees=-45~45;crop,kept=40~80;gamma,exponent=0.5~2;noise,spread=4~10",
    "Wrong on purpose": "invert;elastic,displacement=4~6;dropout,holes=4~10,side=10~25",
}
_HAND = {
    "Gentle, as in training": "rotate,degrees=-15~15;zoom,factor=0.92~1.08;"
    "brightness,added=-8~8,p=0.5;noise,spread=0.5~2",
    "Another hospital": "contrast,factor=0.5~1.6;gamma,exponent=0.6~1.7;blur,sigma=0.5~2;"
    "rotate,degrees=-45~45",
    "Wrong on purpose": "stretch,x=1.2~1.4,y=0.9~1;elastic,displacement=3~6;mirror",
}
_CHEST = {
    "Gentle, as in training": "rotate,degrees=-8~8;shift,x=-5~5,y=-5~5;zoom,factor=0.92~1.08;"
    "contrast,factor=0.85~1.15,p=0.5",
    "A bedside film": "rotate,degrees=-15~15;shift,x=-12~12,y=-12~12;contrast,factor=0.5~0.9;"
    "noise,spread=2~6;blur,sigma=0.5~2",
    "Wrong on purpose": "mirror;stretch,x=1.15~1.3,y=0.85~1;upside_down,p=0.3",
}
_HEAD = {
    "Gentle, as in training": "turn,degrees=-10~10;bias,strength=0.2~0.6;noise,spread=1~4",
    "A restless patient": "motion,degrees=3~10,shift=2~8;ghosting,ghosts=3~6,strength=0.3~0.8",
    "A coarse clinical scan": "anisotropy,factor=3~5;noise,spread=3~8;nod,degrees=-20~20",
}

MODALITIES = {
    one.name: one
    for one in (
        Modality(
            "limb",
            "Limb radiograph",
            "fracture",
            "film",
            films.FILMS,
            films.GROUPS,
            _LIMB,
            subjects.limb,
            models.limb,
            {"detector": ("Detector", "detector"), "classifier": ("Classifier", "classifier")},
            (8, 24, 96),
            MODELS / "fracture" / "vgg16_experiments.csv",
        ),
        Modality(
            "hand",
            "Hand radiograph",
            "bone_age",
            "film",
            films.FILMS,
            films.GROUPS,
            _HAND,
            hand.hand,
            hand.answering,
            {"age": ("Model", "hand_age")},
            (8, 24, 96),
            MODELS / "bone_age" / "experiments.csv",
        ),
        Modality(
            "chest",
            "Chest radiograph",
            "chest",
            "film",
            films.FILMS,
            films.GROUPS,
            _CHEST,
            chest.chest,
            chest.answering,
            {"findings": ("Findings by", "findings")},
            (8, 24, 96),
            MODELS / "chest" / "experiments.csv",
        ),
        Modality(
            "head",
            "T1 head",
            "skull_strip",
            "head",
            heads.HEADS,
            heads.GROUPS,
            _HEAD,
            subjects.head,
            models.head,
            {"brain": ("Network", "unet")},
            (4, 8, 24),
        ),
    )
}
