"""How a child's hand grows: length, ossification centres, growth plates.

Stature (CDC 2000) scales the hand, since the bones of the hand keep their proportion to it well
enough to estimate it from them (Kimura 1992, Ann Hum Biol 19:267). Centres appear at about the
median ages of Garn, Rohmann & Silverman 1967 (Med Radiogr Photogr 43:45); the order of the
carpals, and the ages of pisiform and hook, are those of Gilsanz & Ratib 2005 (Hand Bone Age), and
their ossified area rises as Matar et al. 2021 measured (Forensic Sci Int Rep 3:100211).
Growth plates close in the order and at about the ages of Greulich & Pyle 1959 (Radiographic Atlas
of Skeletal Development of the Hand and Wrist): distal phalanges first, then proximal phalanges,
metacarpals and middle phalanges, the ulna, and the radius last. All are rounded, and how fast an
epiphysis grows in between is chosen to look right: the phantom shows what age does to a hand, it is
no standard to measure one by. Ages are in years here; a girl's come first in each pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Median stature in cm; at one year, length (Kuczmarski et al. 2002, Vital Health Stat 11(246)).
_STATURE = {
    "F": {1: 74.0, 2: 85.0, 3: 93.9, 4: 100.8, 5: 107.7, 6: 114.7, 7: 121.5, 8: 127.6, 9: 132.9,
          10: 138.0, 11: 144.0, 12: 151.2, 13: 157.2, 14: 160.4, 15: 161.9, 16: 162.5, 17: 162.9,
          18: 163.1, 19: 163.3, 20: 163.3},
    "M": {1: 75.7, 2: 86.5, 3: 95.0, 4: 102.2, 5: 108.9, 6: 115.4, 7: 121.8, 8: 127.9, 9: 133.5,
          10: 138.6, 11: 143.5, 12: 149.1, 13: 156.1, 14: 163.8, 15: 169.9, 16: 173.5, 17: 175.3,
          18: 176.2, 19: 176.6, 20: 176.8},
}  # fmt: skip
_ADULT_CM = 170.0  # of the adults, both sexes, whose bones `hand_anatomy` holds

_CARPALS_APPEAR = {
    "capitate": (0.17, 0.25), "hamate": (0.18, 0.31), "triquetrum": (1.7, 2.4),
    "lunate": (2.6, 4.1), "scaphoid": (4.1, 5.7), "trapezium": (4.1, 5.9),
    "trapezoid": (4.2, 6.2), "pisiform": (9.5, 11.0),
    "hook": (10.5, 12.5), "sesamoid": (10.75, 12.75),
}  # fmt: skip
_CARPALS_GROWN = (13.2, 15.2)

_EPIPHYSES_APPEAR = {
    "radius": (0.85, 1.1), "ulna": (5.4, 7.1),
    "thumb metacarpal": (1.6, 2.65), "index metacarpal": (1.1, 1.6),
    "middle metacarpal": (1.15, 1.75), "ring metacarpal": (1.25, 1.9),
    "little metacarpal": (1.35, 2.2),
    "thumb proximal": (1.7, 2.7), "index proximal": (0.9, 1.35), "middle proximal": (0.85, 1.35),
    "ring proximal": (0.9, 1.4), "little proximal": (1.2, 1.75),
    "index middle": (1.35, 2.2), "middle middle": (1.25, 2.0), "ring middle": (1.25, 2.0),
    "little middle": (1.85, 3.4),
    "thumb distal": (1.0, 1.6), "index distal": (1.95, 3.25), "middle distal": (1.5, 2.4),
    "ring distal": (1.5, 2.4), "little distal": (1.95, 3.25),
}  # fmt: skip
# Years at which an epiphysis is as wide as the shaft, at which fusion begins and is complete.
_WIDE = {"radius": (7.5, 9.5), "ulna": (10.5, 12.8), "": (8.5, 10.5)}
_FUSION = {
    "distal": ((12.7, 13.9), (14.6, 15.9)),
    "thumb metacarpal": ((12.9, 14.1), (14.8, 16.0)),
    "proximal": ((13.2, 14.7), (15.2, 16.7)),
    "metacarpal": ((13.4, 14.9), (15.4, 16.8)),
    "middle": ((13.5, 15.0), (15.5, 17.0)),
    "ulna": ((14.2, 16.4), (16.2, 18.0)),
    "radius": ((14.6, 17.2), (16.5, 18.8)),
}
PLATES = tuple(_EPIPHYSES_APPEAR)
CARPALS = tuple(_CARPALS_APPEAR)


@dataclass(frozen=True)
class Epiphysis:
    """The end of a long bone beyond its growth plate.

    Attributes:
        width: Over that of the shaft's end: 0 before it appears, beyond 1 where it caps.
        height: Over its height when grown.
        open: Share of the growth plate that is open, 1 open to 0 closed.
        scar: How clearly a closed plate still shows as a line, 0 to 1.
    """

    width: float
    height: float
    open: float
    scar: float


def scale(years: float, sex: str) -> float:
    """Length of the hand's bones over those of the adults in `hand_anatomy`."""
    table = _STATURE[sex]
    return float(np.interp(years, list(table), list(table.values())) / _ADULT_CM)


def carpal(name: str, years: float, sex: str, tempo: float = 1.0) -> float:
    """How far an ossification centre has grown: 0 not yet seen, 1 to the adult outline.

    Args:
        name: One of `CARPALS`.
        years: Age.
        sex: "F" or "M".
        tempo: How late the centre is: factor on its age of appearance.
    """
    appears = _CARPALS_APPEAR[name][sex == "M"] * tempo
    grown = max(_CARPALS_GROWN[sex == "M"], appears + 2.5)
    return float(np.clip((years - appears) / (grown - appears), 0, 1))


def epiphysis(name: str, years: float, sex: str, tempo: float = 1.0) -> Epiphysis:
    """The state of a long bone's growing end; arguments as of `carpal`, names of `PLATES`."""
    boy = sex == "M"
    appears = _EPIPHYSES_APPEAR[name][boy] * tempo
    wide = _WIDE.get(name, _WIDE[""])[boy]
    begins, ends = _fusion(name)[boy]
    since = years - appears
    spread = float(np.clip(since / (wide - appears), 0, 1)) ** 0.5
    cap = float(np.clip((years - wide) / (begins - wide), 0, 1))
    closing = float(np.clip((years - begins) / (ends - begins), 0, 1))
    return Epiphysis(
        width=0.0 if since <= 0 else 0.34 + 0.64 * spread + 0.07 * cap * (1 - closing),
        height=0.0 if since <= 0 else 0.3 + 0.48 * spread + 0.22 * cap,
        open=1 - closing * closing * (3 - 2 * closing),
        scar=float(np.clip(1 - (years - ends) / 2.5, 0, 1)) if closing == 1 else 0.0,
    )


def _fusion(name: str) -> tuple[tuple[float, float], tuple[float, float]]:
    return _FUSION.get(name) or _FUSION[name.split()[-1]]
