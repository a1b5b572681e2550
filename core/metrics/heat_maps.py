"""Scoring heat maps: whether they point where a finding lies, and whether they need the network.

A heat map is float (H, W), finite and not negative. A region is (H, W) in [0, 1]: a mask, or
the share of each pixel inside boxes. All scores are read beside chance: a flat map has the
region's share of the area as its pointing score and as its energy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class HeatScore:
    """How one heat map agrees with one region.

    Attributes:
        pointing: 1 where the hottest pixel lies in the region, 0 where not; between where
            several pixels are equally hot.
        energy: Share of the heat inside the region; NaN for a map without heat.
        area: The region's share of the film, which is what a flat map scores in both.
    """

    pointing: float
    energy: float
    area: float

    @property
    def lift(self) -> float:
        """Energy over area: 1 for a flat map, above 1 for one that favours the region."""
        return self.energy / self.area if self.area > 0 else float("nan")


def score(heat: ArrayLike, region: ArrayLike, tolerance_px: float = 0.0) -> HeatScore:
    """All scores of a heat map against a region; `tolerance_px` is that of `points_at`."""
    return HeatScore(
        points_at(heat, region, tolerance_px), energy_inside(heat, region), area_share(region)
    )


def boxes_region(boxes_xyxy: Iterable[Sequence[float]], shape: tuple[int, int]) -> FloatArray:
    """Share of each pixel that lies in at least one box, float32 (H, W) in [0, 1].

    Boxes thinner than a pixel of a coarse map still count for what they cover.

    Args:
        boxes_xyxy: (x0, y0, x1, y1) in pixels of this shape; none gives an empty region.
        shape: (H, W).
    """
    region = np.zeros(shape, np.float32)
    for x0, y0, x1, y1 in boxes_xyxy:
        rows = _covered(y0, y1, shape[0])
        columns = _covered(x0, x1, shape[1])
        np.maximum(region, rows[:, None] * columns, out=region)
    return region


def _covered(low: float, high: float, count: int) -> FloatArray:
    edges = np.arange(count, dtype=np.float64)
    return np.clip(np.minimum(edges + 1, high) - np.maximum(edges, low), 0, 1).astype(np.float32)


def points_at(heat: ArrayLike, region: ArrayLike, tolerance_px: float = 0.0) -> float:
    """The pointing game: does the hottest pixel lie in the region (Zhang et al. 2018)?

    Args:
        heat: (H, W).
        region: (H, W); pixels at least half inside count, or the most covered where none is.
        tolerance_px: The hottest pixel may miss the region by this distance.

    Returns:
        Share of the hottest pixels that hit: 0 or 1 unless several are equally hot.
    """
    hot, inside = _pair(heat, region)
    if not inside.any():
        return 0.0
    target = inside >= min(0.5, float(inside.max()))
    if tolerance_px > 0:
        from scipy.ndimage import distance_transform_edt

        target = np.asarray(distance_transform_edt(~target) <= tolerance_px)
    return float(target[hot == hot.max()].mean())


def energy_inside(heat: ArrayLike, region: ArrayLike) -> float:
    """Share of the heat that lies in the region (Wang et al. 2020); NaN without any heat."""
    hot, inside = _pair(heat, region)
    total = float(hot.sum())
    return float((hot * inside).sum()) / total if total > 0 else float("nan")


def area_share(region: ArrayLike) -> float:
    """The region's share of the film: the score of a map that says nothing."""
    return float(np.asarray(region, np.float64).mean())


def by_probability(heat: ArrayLike, probability: float) -> FloatArray:
    """A heat map of [0, 1] as bright as its finding is probable: times the root of that.

    A map is relative to its own maximum; shown as it is, a finding of 3 % glows like one of
    90 %. The root leaves the findings of a few percent visible.

    Args:
        heat: (H, W) in [0, 1].
        probability: In [0, 1].
    """
    return (np.asarray(heat, np.float32) * np.float32(probability) ** 0.5).astype(np.float32)


def centre_map(shape: tuple[int, int], width: float = 0.25) -> FloatArray:
    """A bell in the middle of the film, `width` of its sides wide (one standard deviation).

    Many findings lie near the middle: a heat map is worth something where it beats this one,
    which has not seen the film.
    """
    rows, columns = (np.exp(-0.5 * (((np.arange(n) + 0.5) / n - 0.5) / width) ** 2) for n in shape)
    return (rows[:, None] * columns).astype(np.float32)


def rank_correlation(one: ArrayLike, other: ArrayLike) -> float:
    """Spearman's correlation of two maps, pixel by pixel; NaN where one of them is flat."""
    from scipy.stats import spearmanr

    a, b = _pair(one, other)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b, axis=None).statistic)


def _pair(one: ArrayLike, other: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as float64 (H, W), checked."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if a.ndim != 2 or a.shape != b.shape or a.size == 0:
        raise ValueError(f"maps must be (H, W) of one shape, got {a.shape} and {b.shape}")
    for values in (a, b):
        if not np.isfinite(values).all() or float(values.min()) < 0:
            raise ValueError("maps must be finite and not negative")
    return a, b
