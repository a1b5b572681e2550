"""The pipeline around the network: where things land in millimetres, and what N4 takes away."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from core.errors import UnsuitableInputError
from core.images import Volume
from core.metrics.statistics import dice
from core.phantoms.head.phantom import random_head
from core.skull_strip import (
    OURS,
    TALLER,
    Cancelled,
    Settings,
    expected_n4_seconds,
    from_grid,
    looks_like_t1_head,
    n4_field,
    place_grid,
    prepare,
    restore,
    restore_steps,
    to_grid,
)
from core.skull_strip.bias import shrunk_grid
from core.skull_strip.pipeline import N4, RESAMPLE, RESCALE, Z_SCORE
from core.skull_strip.post import close_deep_cavities, fill_holes, largest_component

SHAPE, SPACING, ORIGIN = (20, 24, 16), (4.0, 3.0, 6.0), (-31.0, -52.0, 17.0)
SMALL = Settings(n4=False, grid=(24, 24, 32), spacing_mm=4.0)
CENTRE_MM, RADIUS_MM = np.array([6.0, -20.0, 66.0]), 22.0


def affine_of(flips: tuple[int, int, int] = (1, 1, 1)) -> np.ndarray:
    affine = np.diag([*(f * s for f, s in zip(flips, SPACING, strict=True)), 1.0])
    affine[:3, 3] = ORIGIN
    for axis, flip in enumerate(flips):  # keeps the same box of space when an axis is turned
        if flip < 0:
            affine[axis, 3] += SPACING[axis] * (SHAPE[axis] - 1)
    return affine


def distance_mm(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    return np.linalg.norm(places @ affine[:3, :3].T + affine[:3, 3] - CENTRE_MM, axis=-1)


def ball(affine: np.ndarray | None = None) -> Volume:
    """A bright ball in grey air at a known place in mm."""
    affine = affine_of() if affine is None else affine
    inside = distance_mm(affine, SHAPE) < RADIUS_MM
    noise = np.random.default_rng(0).uniform(0, 5, SHAPE)
    return Volume((inside * 100 + noise).astype(np.float32), affine, "ball")


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
@pytest.mark.parametrize("settings", [SMALL, replace(SMALL, grid=(16, 16, 16), spacing_mm=6.0)])
def test_ball_on_working_grid_lands_at_its_place_in_mm(flips, settings) -> None:
    volume = ball(affine_of(flips))
    prepared = prepare(volume, settings)
    # The truth is drawn on the working grid through its own affine, then taken back.
    drawn = (distance_mm(prepared.affine, settings.grid) < RADIUS_MM).astype(np.float32)
    mask = restore(drawn, prepared, 0.5)
    truth = distance_mm(volume.affine, SHAPE) < RADIUS_MM
    assert mask.shape == SHAPE and mask.dtype == np.uint8
    assert dice(mask, truth) > 0.9
    places = np.argwhere(mask) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    assert places.mean(axis=0) == pytest.approx(CENTRE_MM, abs=1.5)


def test_resampled_ball_is_bright_where_its_affine_says() -> None:
    prepared = prepare(ball(), SMALL)
    inside = distance_mm(prepared.affine, SMALL.grid) < RADIUS_MM - 6
    outside = distance_mm(prepared.affine, SMALL.grid) > RADIUS_MM + 6
    image = prepared.step(RESAMPLE).image
    assert image[inside].min() > 80 > 20 > image[outside].max()


def test_oblique_affine_is_kept() -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[0.9, -0.4359], [0.4359, 0.9]]
    volume = ball()
    volume = Volume(volume.voxels, turn @ volume.affine, "oblique")
    prepared = prepare(volume, SMALL)
    centre = np.array([*prepared.grid.start_ijk, 1.0])
    assert prepared.affine @ [0, 0, 0, 1] == pytest.approx(volume.affine @ centre)
    assert np.linalg.norm(prepared.affine[:3, :3], axis=0) == pytest.approx([4.0] * 3)


def test_equal_spacing_is_not_interpolated() -> None:
    voxels = np.random.default_rng(1).random(SHAPE, np.float32)
    volume = Volume(voxels, np.diag([2.0, 2.0, 2.0, 1.0]), "noise")
    grid = place_grid(volume, (24, 32, 24), (2.0, 2.0, 2.0))
    assert np.array_equal(from_grid(to_grid(voxels, grid), grid), voxels)


def test_neck_is_cut_before_the_head() -> None:
    voxels = np.zeros((20, 24, 60), np.float32)
    voxels[5:15, 5:19, 10:50] = 100
    volume = Volume(voxels, np.diag([4.0, 4.0, 4.0, 1.0]), "tall")
    grid = place_grid(volume, (24, 24, 32), (4.0, 4.0, 4.0))
    kept = to_grid(voxels, grid)
    assert kept[:, :, -1].max() == 0 and kept.any(axis=(0, 1)).sum() > 25
    assert grid.start_ijk[2] + 32 > 50


def test_outside_of_the_volume_gets_its_minimum() -> None:
    volume = ball()
    grid = place_grid(volume, (40, 40, 40), (4.0, 4.0, 4.0))
    lowered = volume.voxels - 1000
    assert to_grid(lowered, grid)[0, 0, 0] == pytest.approx(lowered.min())


def test_n4_flattens_a_known_field() -> None:
    shape, spacing = (40, 48, 32), (4.0, 4.0, 6.0)
    places = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    head = (places[0] ** 2 + places[1] ** 2 + places[2] ** 2) < 0.8
    core = (places[0] ** 2 + places[1] ** 2 + places[2] ** 2) < 0.4
    truth = np.exp(0.35 * places[0] - 0.25 * places[2] * places[1]).astype(np.float32)
    noise = np.random.default_rng(0).normal(1, 0.02, shape)
    clean = np.where(core, 100.0, np.where(head, 60.0, 0.0)) * noise
    field = n4_field((clean * truth).astype(np.float32), spacing, shrink=2)
    before = float((clean * truth)[core].std() / (clean * truth)[core].mean())
    after = float((clean * truth / field)[core].std() / (clean * truth / field)[core].mean())
    assert after < 0.45 * before
    assert np.corrcoef(np.log(field[head]), np.log(truth[head]))[0, 1] > 0.9


def test_n4_step_shows_its_field_and_skipping_leaves_the_volume() -> None:
    with_n4 = prepare(ball(), replace(SMALL, n4=True, iterations=(2, 2), shrink=1)).step(N4)
    assert with_n4.image * with_n4.overlays["field"] == pytest.approx(ball().voxels, abs=1e-3)
    without = prepare(ball(), SMALL).step(N4)
    assert without.skipped and np.array_equal(without.image, ball().voxels)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_n4_lets_go_of_who_watched_it(is_cancelled: bool) -> None:
    # A page's watcher holds the head and its answer: 40 MB a head stayed on the server for good.
    class Watcher:
        told = 0

        def progress(self, done: float, stage: str) -> None:
            self.told += 1

        def cancelled(self) -> bool:
            return is_cancelled

    watcher = Watcher()
    known = weakref.ref(watcher)
    try:
        n4_field(
            ball().voxels,
            SPACING,
            1,
            (2,),
            progress=watcher.progress,
            cancelled=watcher.cancelled,
        )
        assert not is_cancelled and watcher.told
    except Cancelled:
        assert is_cancelled
    del watcher
    gc.collect()
    assert known() is None


def test_last_step_is_what_the_network_receives() -> None:
    prepared = prepare(ball(), SMALL)
    assert prepared.working is prepared.steps[-1].image
    assert prepared.working.shape == SMALL.grid and prepared.working.dtype == np.float32


@pytest.mark.parametrize("factor, offset", [(1.0, 0.0), (7.3, 0.0), (0.01, 0.0), (2.0, 500.0)])
def test_unit_of_the_intensities_does_not_matter(factor: float, offset: float) -> None:
    volume = ball()
    other = replace(volume, voxels=volume.voxels * np.float32(factor) + np.float32(offset))
    assert prepare(other, SMALL).working == pytest.approx(prepare(volume, SMALL).working, abs=0.02)


def test_one_normalisation_may_be_chosen() -> None:
    prepared = prepare(ball(), replace(SMALL, normalisation="rescale"))
    assert prepared.step(Z_SCORE).skipped and not prepared.step(RESCALE).skipped
    assert prepared.working.min() == 0.0


def test_uniform_volume_is_refused() -> None:
    flat = Volume(np.ones(SHAPE, np.float32), affine_of(), "flat")
    with pytest.raises(UnsuitableInputError, match="no head"):
        prepare(flat, SMALL)


@pytest.mark.parametrize("grid", [(20, 24, 32), (0, 8, 8)])
def test_grid_that_cannot_be_halved_is_refused(grid) -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        Settings(grid=grid)


def test_cancel_stops_before_the_first_stage() -> None:
    with pytest.raises(Cancelled):
        prepare(ball(), SMALL, cancelled=lambda: True)


def test_cancel_stops_n4_within_an_iteration() -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 4  # the fourth question comes from inside N4

    seen: list[str] = []
    with pytest.raises(Cancelled):
        prepare(
            ball(),
            replace(SMALL, n4=True, shrink=1, iterations=(50, 50, 50)),
            lambda done, name: seen.append(name),
            cancelled,
        )
    assert set(seen) == {N4} and len(asked) < 12


def test_progress_rises_and_names_the_stages() -> None:
    seen: list[tuple[float, str]] = []
    settings = replace(SMALL, n4=True, shrink=1, iterations=(2, 2))
    prepare(ball(), settings, lambda done, name: seen.append((done, name)))
    fractions = [done for done, _ in seen]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] <= 1
    assert list(dict.fromkeys(name for _, name in seen)) == [
        N4,
        RESAMPLE,
        RESCALE,
        Z_SCORE,
    ]


def test_probability_of_another_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="grid"):
        restore(np.zeros((8, 8, 8), np.float32), prepare(ball(), SMALL))


def test_threshold_changes_the_mask_alone() -> None:
    prepared = prepare(ball(), SMALL)
    soft = np.clip(1.5 - distance_mm(prepared.affine, SMALL.grid) / 40, 0, 1).astype(np.float32)
    sizes = [int(restore(soft, prepared, level).sum()) for level in (0.2, 0.5, 0.8)]
    assert sizes[0] > sizes[1] > sizes[2] > 0
    assert restore_steps(soft, prepared, 0.8)[-1].parameters == {"threshold": 0.8}


def test_nothing_above_the_threshold_gives_an_empty_mask() -> None:
    prepared = prepare(ball(), SMALL)
    assert restore(np.zeros(SMALL.grid, np.float32), prepared).sum() == 0


def test_islands_go_and_holes_are_filled() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:10, 3:12, 2:12] = 1
    mask[5, 6, 6] = 0  # a hole
    mask[15:17, 18:20, 13:15] = 1  # an island
    mask[2:4, 6, 6] = 0  # a dent, open to the outside
    kept = fill_holes(largest_component(mask))
    assert kept[5, 6, 6] == 1 and kept[15:17].sum() == 0 and kept[2, 6, 6] == 0
    assert mask[5, 6, 6] == 0


def test_cavity_with_a_narrow_way_out_is_filled_and_the_surface_kept() -> None:
    mask = np.zeros((40, 44, 36), np.uint8)
    mask[6:34, 6:38, 6:30] = 1
    dented = mask.copy()
    dented[18:22, 18:26, 16:20] = 0  # a cavity
    dented[20, 22, :17] = 0  # and its way out
    dented[30:, 10:30, 10:20] = 0  # a wide dent
    closed = close_deep_cavities(dented, (2.0, 2.0, 2.0))
    assert closed[18:22, 18:26, 16:20].all()
    assert closed[30:, 10:30, 10:20].sum() == 0
    assert not closed[mask == 0].any()


def test_clean_up_on_the_working_grid_agrees_with_that_at_full_resolution() -> None:
    head = random_head(1, 2.0)
    prepared = prepare(head.volume, Settings(n4=False, grid=(72, 88, 88), spacing_mm=3.0))
    drawn = to_grid(head.mask.astype(np.float32), prepared.grid)
    probability = ndimage.gaussian_filter(drawn, 0.7)
    i, j, k = np.argwhere(probability > 0.99).mean(axis=0).astype(int)
    probability[i : i + 9, j : j + 8, k : k + 7] = 0.1  # a hole inside, and an island outside
    probability[:9, :8, :7] = 0.9
    raw = (from_grid(probability, prepared.grid) >= 0.45).astype(np.uint8)
    expected = fill_holes(largest_component(raw))
    assert dice(raw, expected) < 0.996  # the bar would tell an answer that was not cleaned
    assert dice(restore(probability, prepared, 0.45), expected) >= 0.999


def test_presets_are_what_the_screen_says_of_them() -> None:
    assert (TALLER.shrink, TALLER.grid, TALLER.spacing_mm) == (3, (96, 128, 160), 2.0)
    assert (OURS.shrink, OURS.iterations) == (4, (20, 10, 10, 5))


def test_thin_axes_are_not_shrunk_away() -> None:
    assert shrunk_grid((320, 320, 39), (0.7, 0.7, 3.0), 4).shape == (80, 80, 20)


def test_n4_is_expected_to_take_longer_for_more_work() -> None:
    quick = expected_n4_seconds((256, 256, 192), 4, (20, 10, 10, 5))
    assert quick < expected_n4_seconds((256, 256, 192), 3, (20, 10, 10, 5))
    assert quick < expected_n4_seconds((256, 256, 192), 4, (50, 50, 50, 50))


def head_like(white: float, grey: float, fluid: float, air: float = 0.0) -> tuple[Volume, ...]:
    """A head of shells (skin, skull, fluid, grey, white matter) and its brain mask."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = [-98.0, -98.0, -98.0]
    places = np.stack(np.meshgrid(*[np.arange(50)] * 3, indexing="ij"), -1) * 4.0 - 98.0
    radius = np.linalg.norm(places / [0.9, 1.1, 1.0], axis=-1)
    edges, values = [60, 68, 70, 78, 90], [white, grey, fluid, 10.0, 80.0, air]
    voxels = np.asarray(values, np.float32)[np.digitize(radius, edges)]
    return Volume(voxels, affine, "shells"), (radius < 70).astype(np.uint8)


def test_t1_head_raises_no_warning() -> None:
    volume, mask = head_like(100, 70, 25)
    assert looks_like_t1_head(volume) is None
    assert looks_like_t1_head(volume, mask) is None


@pytest.mark.parametrize(
    "tissues, says",
    [
        ((45, 65, 130), "T2 or FLAIR"),
        ((70, 90, 15), "T2 or FLAIR"),
        ((40, 45, 10, -1000), "CT"),
    ],
)
def test_other_contrasts_are_named(tissues, says: str) -> None:
    warning = looks_like_t1_head(*head_like(*tissues))
    assert warning is not None and says in warning


def test_small_body_part_is_no_head() -> None:
    volume, _ = head_like(100, 70, 25)
    knee = Volume(volume.voxels, np.diag([1.8, 1.8, 1.8, 1.0]), "knee")
    assert "whole head" in (looks_like_t1_head(knee) or "")


def test_tiny_brain_is_doubted() -> None:
    volume, mask = head_like(100, 70, 25)
    mask = mask * (np.arange(50)[:, None, None] > 40)
    assert "mL" in (looks_like_t1_head(volume, mask.astype(np.uint8)) or "")
