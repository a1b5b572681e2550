"""Which transform is safe for which kind of image: a badge, why, and who says so.

A badge speaks of usual strengths; `judged` lowers it where the range that is set goes beyond
them. What one draw made false, `checks` finds. Levels are this project's reading of the sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.augment.pipeline import TransformSpec

Range = tuple[float, float]
SAFE, CARE, WRONG = "safe", "with care", "wrong"

SOURCES = {
    "chlap": "Chlap et al., J Med Imaging Radiat Oncol 65:545-563 (2021)",
    "cohen": "Cohen et al., On the limits of cross-domain generalization, MIDL 2020",
    "danzer": "Danzer, Am J Med Sci 157:513-521 (1919)",
    "devries": "DeVries & Taylor, arXiv:1708.04552 (2017)",
    "dicom": "DICOM PS3.3, Photometric Interpretation",
    "elgendi": "Elgendi et al., Front Med 8:629134 (2021)",
    "esr": "European Society of Radiology, Insights Imaging 2:103-115 (2011)",
    "garcea": "Garcea et al., Comput Biol Med 152:106391 (2023)",
    "gp": "Greulich & Pyle, Radiographic Atlas of Skeletal Development, 2nd ed. (1959)",
    "halabi": "Halabi et al., Radiology 290:498-503 (2019)",
    "lee": "Lee et al., J Digit Imaging 30:427-441 (2017)",
    "pizer": "Pizer et al., Comput Vis Graph Image Process 39:355-368 (1987)",
    "rajpurkar": "Rajpurkar et al., CheXNet, arXiv:1711.05225 (2017)",
    "shaw": "Shaw et al., MIDL 2019, PMLR 102:427-436",
    "shorten": "Shorten & Khoshgoftaar, J Big Data 6:60 (2019)",
    "synthstrip": "Hoopes et al., SynthStrip, NeuroImage 260:119474 (2022)",
    "toga": "Toga & Thompson, Nat Rev Neurosci 4:37-48 (2003)",
    "torchio": "Pérez-García et al., Comput Methods Programs Biomed 208:106236 (2021)",
    "tw3": "Tanner et al., Assessment of Skeletal Maturity (TW3), 3rd ed. (2001)",
}


@dataclass(frozen=True)
class Badge:
    """How safe a transform is for one kind of image.

    Attributes:
        level: `SAFE`, `CARE` or `WRONG`.
        why: One or two sentences.
        source: A citation.
    """

    level: str
    why: str
    source: str


_Row = tuple[str, str, str]

_FILM: dict[str, _Row] = {
    "rotate": (SAFE, "Patients lie a few degrees off; the labels turn along.", "chlap"),
    "shift": (SAFE, "Positioning differs; nothing changes but what leaves the film.", "chlap"),
    "zoom": (SAFE, "Distances differ; the size of a pixel in mm changes with it.", "chlap"),
    "stretch": (CARE, "Proportions change, which no real film shows.", "garcea"),
    "shear": (CARE, "Angles and proportions of bones change.", "garcea"),
    "mirror": (CARE, "The side changes: the letter on the film reads mirrored.", "chlap"),
    "upside_down": (CARE, "Mirrored as well as turned.", "chlap"),
    "perspective": (CARE, "X-rays do diverge, but not from a tilted photo.", "garcea"),
    "elastic": (CARE, "Soft tissue bends, bone does not.", "garcea"),
    "crop": (CARE, "What the label speaks of can be cut away.", "chlap"),
    "brightness": (SAFE, "Exposure differs from film to film.", "shorten"),
    "contrast": (SAFE, "Tube voltage and detector differ.", "shorten"),
    "gamma": (SAFE, "Makers' grey curves differ.", "shorten"),
    "clahe": (SAFE, "Detectors equalise locally, too; strong settings raise noise.", "pizer"),
    "equalise": (CARE, "It wipes out exposure and always gives one contrast.", "pizer"),
    "invert": (WRONG, "Bone is bright by convention; dark bone means that a file was read "
               "wrongly. Correct it on reading, do not teach it.", "dicom"),
    "blur": (CARE, "Fine detail goes first.", "garcea"),
    "sharpen": (SAFE, "Makers enhance edges, too; strong settings draw false lines.", "garcea"),
    "coarse": (CARE, "Detail below the new pixel is lost and the label stays.", "garcea"),
    "noise": (SAFE, "Detectors add it; too much hides detail.", "shorten"),
    "poisson": (SAFE, "Low dose is noisy; too few quanta hide detail.", "chlap"),
    "jpeg": (CARE, "Moderate compression is accepted for reading; blocks are not.", "esr"),
    "dropout": (CARE, "A hole over what the label speaks of makes the label false.", "devries"),
}  # fmt: skip

_LIMB: dict[str, _Row] = {
    "rotate": (SAFE, "Limbs are filmed at any angle. A turned box grows, since it must stay "
               "upright: at 45° it is a loose one.", "chlap"),
    "mirror": (SAFE, "A left and a right limb break alike; only the letter on the film is then "
               "false.", "chlap"),
    "upside_down": (SAFE, "Hands and feet are stored either way up; the letter is then false.",
                    "chlap"),
    "stretch": (CARE, "Fracture angles change; a few per cent are harmless.", "garcea"),
    "shear": (CARE, "A slanted bone can look displaced.", "garcea"),
    "elastic": (CARE, "A bent shaft can look broken or bowed, and the label says it is not.",
                "garcea"),
    "crop": (CARE, "The fracture can be cut away: look whether its box is left.", "chlap"),
    "blur": (CARE, "A fracture line of a pixel's width vanishes, and the label stays.", "garcea"),
    "coarse": (CARE, "A hairline fracture is finer than the new pixels.", "garcea"),
    "dropout": (CARE, "A hole over the fracture hides what the box claims.", "devries"),
}  # fmt: skip

_HAND: dict[str, _Row] = {
    "rotate": (SAFE, "Hands lie turned; training of bone age models turns them, too.", "lee"),
    "zoom": (CARE, "Age is read from shape more than from size, but small hands are young "
             "hands: a large factor changes the age that the picture suggests.", "tw3"),
    "stretch": (WRONG, "Maturity is judged by the width of an epiphysis beside that of its shaft: "
                "stretched bones have another age.", "tw3"),
    "shear": (CARE, "Small angles pass in training; larger ones change the proportions that age "
              "is read from.", "lee"),
    "mirror": (CARE, "The atlas is of left hands. Both hands mature alike, so the age holds; "
               "the side does not.", "gp"),
    "upside_down": (CARE, "No hand is filmed with its fingers down, and it is mirrored.", "gp"),
    "perspective": (CARE, "It stretches bones differently along the hand.", "tw3"),
    "elastic": (WRONG, "It widens and narrows growth plates, which are what age is read from.",
                "tw3"),
    "crop": (CARE, "Wrist or fingers can be lost, and with them stages of maturity.", "tw3"),
    "brightness": (SAFE, "Exposures of the public films differ widely.", "halabi"),
    "contrast": (SAFE, "Exposures of the public films differ widely.", "halabi"),
    "blur": (CARE, "A growth plate that closes is a faint line: blur makes a hand older.", "tw3"),
    "coarse": (CARE, "Thin growth plates fall below the new pixels.", "tw3"),
    "dropout": (CARE, "A hole over the wrist takes the carpal bones, which tell the age of small "
                "children.", "gp"),
}  # fmt: skip

_CHEST: dict[str, _Row] = {
    "rotate": (SAFE, "A few degrees; beyond ten the lungs no longer lie as in any film.",
               "cohen"),
    "shift": (SAFE, "As in the training of public chest models.", "cohen"),
    "zoom": (SAFE, "As in the training of public chest models; the heart's share of the chest "
             "stays.", "cohen"),
    "stretch": (CARE, "Sideways alone it widens heart and chest alike, so the ratio stays, but "
                "the heart looks broad.", "danzer"),
    "shear": (CARE, "A slanted chest looks like a rotated patient.", "elgendi"),
    "mirror": (WRONG, "The heart would lie on the right (situs inversus), the gastric bubble too. "
               "Well-known models were trained so all the same.", "rajpurkar"),
    "upside_down": (WRONG, "Air and fluid levels obey gravity: effusions lie below.", "elgendi"),
    "perspective": (CARE, "It changes the heart's share of the chest.", "danzer"),
    "elastic": (CARE, "It can widen the heart: the ratio and the label part ways.", "danzer"),
    "crop": (CARE, "Costophrenic angles and apices are lost first, and with them small effusions "
             "and pneumothoraces.", "elgendi"),
    "blur": (CARE, "Fine interstitial lines and small nodules vanish.", "garcea"),
    "dropout": (CARE, "A hole over a nodule makes its label false.", "devries"),
}  # fmt: skip

_HEAD: dict[str, _Row] = {
    "turn": (SAFE, "Heads lie turned in the coil.", "torchio"),
    "nod": (SAFE, "Chins are up or down.", "torchio"),
    "shift": (SAFE, "The mask moves along; what leaves the field of view is lost.", "torchio"),
    "zoom": (CARE, "Brains differ in size by some 10 %; a volume in mL is then another one.",
             "synthstrip"),
    "elastic": (SAFE, "Brain extraction is trained with strong deformations; for volumetry the "
                "volume is then false.", "synthstrip"),
    "mirror": (CARE, "Fine for a mask without sides; false for whatever names a hemisphere: "
               "brains are asymmetric.", "toga"),
    "bias": (SAFE, "Every coil shades; models must bear it.", "torchio"),
    "anisotropy": (SAFE, "Clinical scans have thick slices; the truth stays that of the thin "
                   "ones.", "torchio"),
    "spike": (CARE, "A rare fault; strong ones are repeated on the scanner.", "torchio"),
    "noise": (SAFE, "Short scans and low fields are noisy. It is Gaussian, then made a magnitude "
              "as in a scanner.", "torchio"),
    "motion": (SAFE, "Common in practice. The mask stays at the first position, so that with a "
               "strong motion it is no longer true.", "shaw"),
    "ghosting": (SAFE, "Pulsation makes ghosts; the brain stays where it was.", "torchio"),
    "blur": (SAFE, "Fine for masks of whole organs; small vessels and sulci go.", "synthstrip"),
    "gamma": (CARE, "It changes the contrast of grey and white matter, below about 0.5 to one "
              "that T1 does not have.", "synthstrip"),
}  # fmt: skip

_TABLES = {
    "limb": {**_FILM, **_LIMB},
    "hand": {**_FILM, **_HAND},
    "chest": {**_FILM, **_CHEST},
    "head": _HEAD,
}


ANY_STRENGTH = {("limb", "rotate")}
"""Safe at any value: limbs are filmed at every angle."""
FAR = 3.0
"""From this many times the usual strength on a transform is wrong, not only with care."""


def judged(modality: str, transform: TransformSpec, ranges: Mapping[str, Range]) -> Badge:
    """The badge of a transform at the ranges that are set, not of its name alone.

    Args:
        modality: "limb", "hand", "chest" or "head".
        transform: From the modality's catalogue.
        ranges: (low, high) by parameter; a missing one is the usual range.

    Raises:
        KeyError: If the modality has no such transform.
    """
    named = badge(modality, transform.name)
    if named.level == WRONG or (modality, transform.name) in ANY_STRENGTH:
        return named
    far, sentences = 1.0, []
    for parameter in transform.parameters:
        low, high = ranges.get(parameter.name, parameter.usual)
        least, most = parameter.usual
        middle, half = (least + most) / 2, max((most - least) / 2, parameter.step)
        reach = max(abs(low - middle), abs(high - middle)) / half
        if reach > 1.0 + 1e-9:
            far = max(far, reach)
            sentences.append(
                f"{parameter.label} beyond the usual {parameter.words(least)} to "
                f"{parameter.words(most)}."
            )
    if far <= 1.0:
        return named
    return Badge(WRONG if far >= FAR else CARE, " ".join([*sentences, named.why]), named.source)


def badge(modality: str, transform: str) -> Badge:
    """How safe a transform is for a modality: "limb", "hand", "chest" or "head".

    Raises:
        KeyError: If the modality has no such transform.
    """
    level, why, source = _TABLES[modality][transform]
    return Badge(level, why, SOURCES[source])
