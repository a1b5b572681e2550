"""Draws on films and heads: labels move with the pixels, a draw replays, false labels are named."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest

from core.augment import apply, checks, code, heads, safety
from core.augment.apply import apply_film
from core.augment.films import FILMS
from core.augment.heads import HEADS, apply_head
from core.augment.labels import Labels, Motion, Moved, motion_of
from core.augment.pipeline import Catalogue, Draw, Planned, draw, fixed, from_text, to_text, words
from core.errors import UnsuitableInputError
from core.images import Volume
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom

SHAPE = (288, 320)  # above 256 × 256 px, from where on the library's Perspective differs
DOT = (190.0, 120.0)  # (x, y), away from the middle, so that swapped axes fail


def dot_film() -> tuple[np.ndarray, Labels]:
    """A bright dot with a box, a mask and a point around it."""
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    away = (xx - DOT[0]) ** 2 + (yy - DOT[1]) ** 2
    pixels = (0.2 + 0.6 * np.exp(-away / (2 * 5.0**2))).astype(np.float32)
    box = np.array([[DOT[0] - 18, DOT[1] - 14, DOT[0] + 18, DOT[1] + 14]], np.float32)
    return pixels, Labels(box, ("dot",), {"dot": away < 13**2}, {"dot": DOT})


def strong(transform: str, seed: int = 3, catalogue: Catalogue = FILMS) -> Draw:
    """A draw at the strong end of the usual range."""
    values = {one.name: one.usual[1] for one in catalogue[transform].parameters}
    return fixed(transform, values, seed)


@pytest.mark.parametrize("name", [name for name, one in FILMS.items() if one.moves])
def test_labels_move_with_the_pixels(name: str) -> None:
    pixels, labels = dot_film()
    moved = apply_film(strong(name), pixels, labels)
    assert moved.pixels.shape == SHAPE
    near = np.zeros(SHAPE, bool)
    x, y = moved.labels.points["dot"]
    near[int(y) - 14 : int(y) + 15, int(x) - 14 : int(x) + 15] = True
    peak = np.unravel_index(np.where(near, moved.pixels, 0).argmax(), SHAPE)
    assert np.hypot(peak[1] - x, peak[0] - y) < 2.5
    centre = np.argwhere(moved.labels.masks["dot"]).mean(axis=0)
    assert np.hypot(centre[1] - x, centre[0] - y) < 2.5
    x0, y0, x1, y1 = moved.labels.boxes_xyxy[0]
    assert x0 < x < x1
    assert y0 < y < y1
    assert abs((x0 + x1) / 2 - x) < 5
    assert abs((y0 + y1) / 2 - y) < 5


@pytest.mark.parametrize("name", [name for name, one in FILMS.items() if not one.moves])
def test_grey_values_leave_labels_where_they_are(name: str) -> None:
    pixels, labels = dot_film()
    before = pixels.copy()
    moved = apply_film(strong(name), pixels, labels)
    assert moved.labels is labels
    assert np.array_equal(pixels, before)
    assert not np.array_equal(moved.pixels, before)
    assert moved.pixels.dtype == np.float32
    assert 0 <= moved.pixels.min() <= moved.pixels.max() <= 1


@pytest.mark.parametrize("name", FILMS)
def test_a_film_draw_replays_to_identical_pixels(name: str) -> None:
    pixels, labels = dot_film()
    first, second = (apply_film(strong(name), pixels, labels) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize("degrees", [-30.0, 15.0, 90.0])
def test_rotated_box_holds_the_rotated_fracture(degrees: float) -> None:
    image, boxes = limb_phantom(LimbPhantom(seed=5, fracture="oblique", shape=(320, 288)))
    x0, y0, x1, y1 = boxes[0]
    inside = np.zeros(image.shape, bool)
    inside[int(y0) : int(y1), int(x0) : int(x1)] = True
    moved = apply_film(
        fixed("rotate", {"degrees": degrees}), image.pixels, Labels(boxes, ("f",), {"f": inside})
    )
    rows, columns = np.nonzero(moved.labels.masks["f"])
    x0, y0, x1, y1 = moved.labels.boxes_xyxy[0]
    assert x0 - 1 <= columns.min() <= columns.max() <= x1 + 1
    assert y0 - 1 <= rows.min() <= rows.max() <= y1 + 1
    assert moved.motion.turn_degrees == pytest.approx(degrees, abs=0.2)


def test_positive_rotation_is_counter_clockwise() -> None:
    pixels, labels = dot_film()
    middle = (SHAPE[1] / 2, SHAPE[0] / 2)
    x, y = apply_film(fixed("rotate", {"degrees": 90.0}), pixels, labels).labels.points["dot"]
    assert (x - middle[0], y - middle[1]) == pytest.approx(
        (DOT[1] - middle[1], -(DOT[0] - middle[0])), abs=1.5
    )


def test_no_transform_and_no_label_change_nothing() -> None:
    pixels, labels = dot_film()
    assert apply_film(Draw(1, ()), pixels, labels).pixels is pixels
    moved = apply_film(strong("rotate"), pixels, Labels())
    assert len(moved.labels.boxes_xyxy) == 0
    assert checks.flags("limb", pixels, Labels(), moved) == []


@pytest.mark.parametrize(
    ("name", "values", "about"),
    [
        ("shift", {"x": -40.0, "y": 0.0}, None),
        ("mirror", {}, "side"),
        ("upside_down", {}, "side"),
        ("stretch", {"x": 1.4, "y": 1.0}, "shape"),
        ("shear", {"x": 25.0, "y": 0.0}, "shape"),
        ("elastic", {"displacement": 6.0}, "shape"),
        ("zoom", {"factor": 1.5}, "shape"),
        ("brightness", {"added": 50.0}, None),
        ("contrast", {"factor": 2.5}, None),
        ("rotate", {"degrees": 8.0}, None),
    ],
)
def test_what_became_false_is_flagged(
    name: str, values: Mapping[str, float], about: str | None
) -> None:
    pixels, labels = dot_film()
    moved = apply_film(fixed(name, values), pixels, labels)
    found = {flag.about for flag in checks.flags("hand", pixels, labels, moved)}
    assert found == ({about} if about else set())


def test_a_chest_is_not_filmed_on_its_side_and_a_limb_may_be() -> None:
    pixels, labels = dot_film()
    moved = apply_film(fixed("rotate", {"degrees": 30.0}), pixels, labels)
    assert [flag.about for flag in checks.flags("chest", pixels, labels, moved)] == ["shape"]
    assert checks.flags("limb", pixels, labels, moved) == []


def test_labels_that_leave_the_image_are_flagged_and_gone() -> None:
    pixels, _ = dot_film()
    corner = Labels(
        np.array([[290.0, 10, 318, 40]], np.float32),
        ("corner",),
        {"corner": np.pad(np.ones((30, 28), bool), ((10, 248), (290, 2)))},
        {"corner": (304.0, 25.0)},
    )
    moved = apply_film(fixed("shift", {"x": 20.0, "y": 0.0}), pixels, corner)
    assert moved.labels.box_names == ()
    assert moved.visible == (0.0,)
    found = {flag.about for flag in checks.flags("limb", pixels, corner, moved)}
    assert found == {"box", "mask", "point"}
    half = apply_film(fixed("shift", {"x": 5.0, "y": 0.0}), pixels, corner)
    assert 0.3 < half.visible[0] < 0.75
    assert any(
        "left in the image" in f.sentence for f in checks.flags("limb", pixels, corner, half)
    )


def test_a_torn_mask_is_flagged() -> None:
    pixels, labels = dot_film()
    torn = labels.masks["dot"].copy()
    torn[int(DOT[1]) - 3 : int(DOT[1]) + 3] = False
    moved = Moved(pixels, Labels(labels.boxes_xyxy, labels.box_names, {"dot": torn}), (0,), (1.0,))
    sentences = [f.sentence for f in checks.flags("chest", pixels, labels, moved)]
    assert any("torn: 2 parts, 1 before" in sentence for sentence in sentences)


def test_clipped_grey_is_flagged() -> None:
    pixels = np.linspace(0, 1, 64 * 48, dtype=np.float32).reshape(48, 64)
    moved = apply_film(fixed("brightness", {"added": 40.0}), pixels, Labels())
    assert [flag.about for flag in checks.flags("limb", pixels, Labels(), moved)] == ["grey"]


def test_motion_is_measured_from_points() -> None:
    grid = np.stack(np.meshgrid(np.arange(5.0), np.arange(4.0)), axis=-1)
    turn = np.deg2rad(30)
    matrix = 1.2 * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    found = motion_of(grid, grid @ matrix.T)
    assert found.turn_degrees == pytest.approx(30)
    assert found.scale == pytest.approx(1.2)
    assert found.stretch == pytest.approx(0, abs=1e-9)
    mirrored = motion_of(grid, grid * [-1, 1])
    assert mirrored.mirrored
    assert mirrored.turn_degrees == 0
    assert motion_of(grid, grid * [1.3, 1.0]).stretch == pytest.approx(0.3)


def test_draws_stay_in_their_ranges_and_one_range_moves_no_other_number() -> None:
    pipeline = (
        Planned("rotate", {"degrees": (-7.0, 9.0)}),
        Planned("dropout", {"holes": (2.0, 4.0), "side": (5.0, 6.0)}, 0.5),
        Planned("noise", {"spread": (1.0, 2.0)}),
    )
    draws = [draw(pipeline, FILMS, seed) for seed in range(200)]
    angles = [one.parts[0].values["degrees"] for one in draws]
    assert -7 <= min(angles) < -5
    assert 7 < max(angles) <= 9
    holes = {p.values["holes"] for one in draws for p in one.parts if p.transform == "dropout"}
    assert holes == {2.0, 3.0, 4.0}
    assert 70 < sum("dropout" in one.skipped for one in draws) < 130
    other = draw((Planned("rotate", {"degrees": (0.0, 1.0)}), *pipeline[1:]), FILMS, 7)
    assert other.parts[1:] == draws[7].parts[1:]


def test_a_link_keeps_the_pipeline() -> None:
    pipeline = (
        Planned("shift", {"x": (-3.0, 4.0), "y": (0.0, 0.0)}),
        Planned("mirror", {}, 0.5),
        Planned("zoom", {"factor": (0.85, 1.15)}),
    )
    assert from_text(to_text(pipeline), FILMS) == pipeline
    assert from_text("", FILMS) == ()
    assert from_text("rotate,degrees=-999~999", FILMS)[0].ranges == {"degrees": (-180.0, 180.0)}
    assert "pipeline=mirror" in code.link("/x", "limb", (Planned("mirror"),), 3)


@pytest.mark.parametrize(
    "text", ["teleport", "rotate,degrees=north", "rotate,metres=1~2", "rotate,degrees=1..2~3"]
)
def test_a_broken_link_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(UnsuitableInputError, match="link"):
        from_text(text, FILMS)


@pytest.mark.parametrize("name", FILMS)
def test_python_of_a_film_draw_gives_the_same_pixels(name: str) -> None:
    pixels, _ = dot_film()
    one = strong(name, seed=11)
    scope = {"film": pixels}
    exec(code.film_draw(one, SHAPE), scope)  # the code that the page shows
    found = np.clip(np.asarray(scope["out"]), 0, 1)
    assert np.array_equal(found, apply_film(one, pixels, Labels()).pixels)
    assert "telemetry=False" in code.film_draw(one, SHAPE)


def test_json_of_a_draw_gives_the_same_pixels_here_and_in_the_library() -> None:
    pixels, labels = dot_film()
    pipeline = tuple(Planned(name, FILMS[name].usual) for name in ("rotate", "noise", "dropout"))
    one = draw(pipeline, FILMS, 5)
    moved = apply_film(one, pixels, labels)
    text = code.to_json(one, "limb", pixels, moved.pixels)
    again, said = code.from_json(text, FILMS)
    assert again == one
    assert code.pixel_hash(apply_film(again, pixels, labels).pixels) == said["pixels_after"]
    plain = apply_film(one, pixels, Labels())
    loaded = apply.library().from_dict(json.loads(text))
    assert np.array_equal(loaded(image=pixels)["image"], plain.pixels)
    assert not loaded.telemetry


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("no json", "no draw"),
        ("{}", "no draw"),
        ('{"lightbox": {"seed": 1, "parts": [{"transform": "ghost", "values": {}}]}}', "ghost"),
        ('{"lightbox": {"seed": 1, "parts": [{"transform": "rotate", "values": {}}]}}', "numbers"),
    ],
)
def test_a_json_that_is_no_draw_is_said_in_a_sentence(text: str, match: str) -> None:
    with pytest.raises(UnsuitableInputError, match=match):
        code.from_json(text, FILMS)


def test_no_pipeline_reports_to_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    library = apply.library()
    assert not apply.composed(strong("rotate"), SHAPE).telemetry
    source = (code.film_draw(strong("rotate"), SHAPE), code.film_training((), SHAPE))
    assert all("telemetry=False" in text for text in source)
    from albumentations.core.analytics.settings import settings

    assert library is not None
    assert not settings.telemetry_enabled


@pytest.mark.parametrize("name", FILMS)
def test_training_code_of_every_film_transform_runs(name: str) -> None:
    pixels, labels = dot_film()
    scope = {"film": pixels, "boxes_xyxy": labels.boxes_xyxy, "names": ["dot"]}
    exec(code.film_training((Planned(name, FILMS[name].usual, 0.9),), SHAPE).replace(
        "image=film", "image=film[..., None].repeat(3, 2)"), scope)  # fmt: skip
    assert np.asarray(scope["out"]["image"]).shape[:2] == SHAPE


HEAD_SHAPE, EDGES = (20, 24, 16), (2.0, 1.8, 3.0)


def small_head() -> tuple[np.ndarray, np.ndarray, Labels]:
    """A bright ball off the middle in dim tissue, on an anisotropic grid with a shifted origin."""
    axes = [np.arange(n) * edge for n, edge in zip(HEAD_SHAPE, EDGES, strict=True)]
    i, j, k = np.meshgrid(*axes, indexing="ij")
    ball = (i - 26) ** 2 + (j - 16) ** 2 + (k - 20) ** 2 < 8**2
    voxels = np.where(ball, 400.0, 120.0).astype(np.float32)
    voxels += np.random.default_rng(0).normal(0, 4, HEAD_SHAPE).astype(np.float32)
    affine = np.diag([*EDGES, 1.0])
    affine[:3, 3] = (-30, 12, 5)
    return voxels, affine, Labels(masks={"ball": ball})


@pytest.mark.parametrize("name", HEADS)
def test_a_head_draw_replays_and_its_mask_stays_on_the_ball(name: str) -> None:
    voxels, affine, labels = small_head()
    before = voxels.copy()
    one = strong(name, catalogue=HEADS)
    first, second = (apply_head(one, voxels, affine, labels) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)
    assert first.pixels.shape == HEAD_SHAPE
    assert first.pixels.dtype == np.float32
    assert first.pixels.min() >= 0  # magnitudes
    assert np.array_equal(voxels, before)
    assert not np.array_equal(first.pixels, before)
    mask = first.labels.masks["ball"]
    inside, outside = np.median(first.pixels[mask]), np.median(first.pixels[~mask])
    assert inside > outside + 80
    if not HEADS[name].moves:
        assert np.array_equal(mask, labels.masks["ball"])


@pytest.mark.parametrize("name", HEADS)
def test_python_of_a_head_draw_gives_the_same_voxels(name: str) -> None:
    voxels, affine, labels = small_head()
    one = strong(name, seed=2, catalogue=HEADS)
    scope = {"voxels": voxels, "affine": affine}
    exec(code.head_draw(one, heads.bright(voxels)), scope)
    assert np.array_equal(scope["out"], apply_head(one, voxels, affine, labels).pixels)


def test_training_code_of_every_head_transform_can_be_built() -> None:
    import torchio

    for line in heads.ranged_text([Planned(name, one.usual, 0.5) for name, one in HEADS.items()]):
        eval(line, {"tio": torchio})


def test_mirror_of_a_head_exchanges_its_sides() -> None:
    voxels, affine, labels = small_head()
    moved = apply_head(fixed("mirror", {}), voxels, affine, labels)
    assert np.array_equal(moved.pixels, voxels[::-1] / heads.bright(voxels) * heads.bright(voxels))
    assert np.array_equal(moved.labels.masks["ball"], labels.masks["ball"][::-1])
    assert [f.about for f in checks.flags("head", voxels, labels, moved)] == ["side"]


def test_fine_heads_are_made_coarse_and_stay_in_place() -> None:
    voxels, _, labels = small_head()
    volume = Volume(voxels, np.diag([0.5, 0.5, 3.0, 1.0]), "x")
    small, mask = heads.coarsened(volume, labels.masks["ball"])
    assert small.spacing_mm == (2.0, 2.0, 3.0)
    assert mask is not None
    before = np.argwhere(labels.masks["ball"]).mean(axis=0) * (0.5, 0.5, 3.0)
    after = np.argwhere(mask).mean(axis=0) * (2.0, 2.0, 3.0)
    assert np.allclose(before, after, atol=0.6)
    assert heads.coarsened(small, None)[0] is small


@pytest.mark.parametrize("modality", ["limb", "hand", "chest", "head"])
def test_every_transform_has_a_badge_with_a_source(modality: str) -> None:
    for name in HEADS if modality == "head" else FILMS:
        found = safety.badge(modality, name)
        assert found.level in (safety.SAFE, safety.CARE, safety.WRONG)
        assert len(found.why) > 20
        assert any(mark in found.source for mark in ("(", "20", "PS3"))


def test_mirrored_chest_and_stretched_hand_are_wrong() -> None:
    assert safety.badge("chest", "mirror").level == safety.WRONG
    assert safety.badge("hand", "stretch").level == safety.WRONG
    assert safety.badge("limb", "mirror").level == safety.SAFE


def test_what_was_drawn_is_said_with_units() -> None:
    assert words(fixed("rotate", {"degrees": 12.34}).parts[0], FILMS) == "Rotation 12.3°"
    assert words(fixed("mirror", {}).parts[0], FILMS) == "Mirror left and right"
    said = words(fixed("shift", {"x": 3.0, "y": -2.0}).parts[0], FILMS)
    assert said == "Shift sideways 3 %, up and down -2 %"


def test_motion_without_a_change_is_none() -> None:
    assert Motion() == Motion(False, 0.0, 1.0, 0.0)
