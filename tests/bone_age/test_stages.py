"""The stages from a hand film to a bone-age network: landmarks, regions, masks, refusals."""

import cv2
import numpy as np
import pytest

from core.bone_age import landmark, segmentation
from core.bone_age.collimation import cut_to_field, field_mask
from core.bone_age.geometry import film_matrix, fitted, moved, to_film, turned
from core.bone_age.grey import clahe, clip_extremes, denoise, equalise_mean, normalise, sharpen
from core.bone_age.one_hand import one_hand_contour
from core.bone_age.regions import REGIONS, hand_outline, region_boxes
from core.errors import UnsuitableInputError
from core.phantoms.hand.phantom import hand_phantom
from core.stages import run_stages

QUICK = {"width_px": 400, "height_px": 500}


@pytest.fixture(scope="module")
def phantom():
    return hand_phantom(3, tilt_degrees=9.0, collimation="none", shape=(400, 320), age_months=130)


@pytest.fixture(scope="module")
def steps(phantom):
    return run_stages(phantom.image.pixels, landmark.stages(**QUICK))


def overlays(steps, name):
    """All overlays of one name, the last stage's first."""
    return next(step.overlays[name] for step in reversed(steps) if name in step.overlays)


def test_landmark_pipeline_ends_in_four_crops(steps):
    assert steps[-1].error is None
    assert steps[-1].image.shape == (448, 448) and steps[-1].image.dtype == np.uint8
    quarters = [half for row in np.vsplit(steps[-1].image, 2) for half in np.hsplit(row, 2)]
    assert len(quarters) == len(REGIONS)
    assert all(crop.shape == (224, 224) and crop.max() > 60 for crop in quarters)


def test_landmarks_lie_where_the_phantom_has_them(phantom, steps):
    upto = [step.name for step in steps].index("Hull and gaps") + 1
    points = steps[upto - 1].overlays["points"]
    tip, thumb = to_film(np.array([points["middle fingertip"], points["thumb tip"]]), steps[:upto])
    assert np.hypot(*(tip - phantom.landmarks["middle_tip"])) < 12
    assert np.hypot(*(thumb - phantom.landmarks["thumb_tip"])) < 16


@pytest.mark.parametrize(
    ("at", "first"), [(landmark.ALL_AROUND, (5, 2)), ("bottom and right", (0, 0))]
)
def test_trimming_cuts_where_it_says(at, first):
    film = np.arange(100 * 80).reshape(100, 80)
    kept, found = landmark.trim(film, height_percent=90, width_percent=95, at=at)
    assert kept.shape == (90, 76)
    assert kept[0, 0] == film[first]
    assert tuple(found["matrix"][:2, 2]) == (-first[1], -first[0])


def test_trimming_elsewhere_is_refused():
    with pytest.raises(ValueError, match="trim_at"):
        landmark.stages(trim_at="top")


def test_joints_lie_in_their_regions(phantom):
    # This phantom's wrist lies low: the published trimming would cut its growth plates off.
    steps = run_stages(phantom.image.pixels, landmark.stages(**QUICK), skip=("Trim",))
    upto = [step.name for step in steps].index("Regions") + 1
    matrix = film_matrix(steps[:upto])
    boxes = steps[upto - 1].overlays["boxes"]
    expected = {
        "middle_finger": ("middle_pip", "middle_dip"),
        "thumb": ("thumb_mcp", "thumb_pip"),
        "mcp": ("little_mcp", "ring_mcp", "middle_mcp", "index_mcp"),
        "wrist": ("wrist", "radius", "ulna"),
    }
    for name, joints in expected.items():
        x0, y0, x1, y1 = boxes[name]
        for joint in joints:
            ((x, y),) = moved(np.array(phantom.landmarks[joint]), matrix)
            assert x0 <= x <= x1 and y0 <= y <= y1, (name, joint)


def test_hand_stands_upright_whatever_its_tilt():
    for tilt in (-20.0, 20.0):
        film = hand_phantom(5, tilt_degrees=tilt, collimation="none", shape=(400, 320))
        steps = run_stages(
            film.image.pixels, landmark.stages(**QUICK, output="whole hand"), skip=("Denoise",)
        )
        assert steps[-1].error is None
        points = overlays(steps, "points")
        x, y = np.subtract(points["middle fingertip"], points["palm"])
        assert y < 0 and abs(np.degrees(np.arctan2(x, -y))) < 4
        turned_by = sum(step.overlays.get("angle_degrees", 0.0) for step in steps)
        assert turned_by * tilt > 0 and abs(turned_by) > 8


def test_right_hand_has_its_thumb_on_the_other_side(phantom):
    mirrored = np.ascontiguousarray(phantom.image.pixels[:, ::-1])
    steps = run_stages(mirrored, landmark.stages(**QUICK))
    points, boxes = steps[-3].overlays["points"], steps[-2].overlays["boxes"]
    assert points["thumb tip"][0] < points["palm"][0]
    assert boxes["thumb"][0] < boxes["middle_finger"][0]


@pytest.mark.parametrize("stage", [stage.name for stage in landmark.stages()])
def test_every_landmark_stage_can_be_left_out(phantom, stage):
    steps = run_stages(phantom.image.pixels, landmark.stages(**QUICK), skip=(stage,))
    if stage == "Hand mask" and steps[-1].error:  # a black background may serve as a mask
        assert steps[-1].name == "Straighten (added)" and "gaps" in steps[-1].error
    elif stage == "Crop regions":
        assert steps[-1].skipped
    else:
        assert steps[-1].error is None and steps[-1].image.shape == (448, 448)


def test_binary_crops_are_black_and_white(phantom):
    steps = run_stages(phantom.image.pixels, landmark.stages(**QUICK, binary=True, side_px=64))
    assert steps[-1].image.shape == (128, 128)
    values = np.unique(landmark._cut_at_mean(phantom_grey(phantom), True))
    assert values.tolist() == [0, 255]


def phantom_grey(phantom):
    return np.rint(phantom.image.pixels * 255).astype(np.uint8)


def test_unknown_output_is_a_programming_fault():
    with pytest.raises(ValueError, match="whole hand"):
        landmark.stages(output="foot")


def test_stages_leave_their_input_alone(phantom):
    before = phantom.image.pixels.copy()
    run_stages(before, landmark.stages(**QUICK))
    run_stages(before, segmentation.stages(lambda _: phantom.mask))
    np.testing.assert_array_equal(before, phantom.image.pixels)


# --- refusals, each at the step where it happens


def ellipse(shape, centre, axes):
    mask = np.zeros(shape, np.uint8)
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1)
    return mask > 0


def test_empty_mask_is_no_hand():
    with pytest.raises(UnsuitableInputError, match="No hand"):
        one_hand_contour(np.zeros((48, 64), bool))


def test_two_shapes_of_one_size_are_two_hands():
    both = ellipse((120, 160), (40, 60), (25, 50)) | ellipse((120, 160), (120, 60), (25, 50))
    with pytest.raises(UnsuitableInputError, match="Two hands"):
        one_hand_contour(both)


@pytest.mark.parametrize("angle", [0.0, 17.0])
def test_rectangle_is_taken_for_a_frame(angle):
    mask = np.zeros((120, 160), np.uint8)
    corners = cv2.boxPoints(((80.0, 60.0), (90.0, 60.0), angle))
    cv2.fillConvexPoly(mask, corners.astype(np.int32), 1)
    with pytest.raises(UnsuitableInputError, match="rectangle"):
        one_hand_contour(mask > 0)


def test_bright_border_is_not_a_second_hand():
    mask = ellipse((120, 160), (80, 65), (30, 45))
    mask[:10] = True
    contour = one_hand_contour(mask)
    assert contour[:, 1].min() >= 10


def test_shape_without_gaps_is_refused_where_gaps_are_looked_for():
    film = ellipse((300, 240), (120, 150), (60, 110)).astype(np.float32) * 0.6 + 0.1
    film[140:160, 110:130] = 0.9
    steps = run_stages(film, landmark.stages(**QUICK))
    assert steps[-1].name == "Straighten (added)" and "gaps between fingers" in steps[-1].error


def test_flat_film_is_refused_in_plain_words():
    steps = run_stages(np.full((60, 48), 0.4, np.float32), landmark.stages(**QUICK))
    assert steps[-1].name == "Normalise" and "same grey" in steps[-1].error


def test_segmentation_refuses_where_the_mask_is_made():
    steps = run_stages(
        np.random.default_rng(0).random((60, 48)).astype(np.float32),
        segmentation.stages(lambda film: np.zeros(film.shape, bool)),
    )
    assert len(steps) == 1 and "No hand" in steps[0].error


# --- the exposed field


@pytest.mark.parametrize("grey", [0.0, 1.0])
@pytest.mark.parametrize("angle", [0.0, 2.0, 14.0])
def test_frame_is_cut_off(phantom, grey, angle):
    film = phantom.image.pixels * 0.6 + 0.15
    inside = np.zeros(film.shape, np.uint8)
    size = (film.shape[1] * 0.98, film.shape[0] * 0.98)
    small = cv2.resize(film, None, fx=0.62, fy=0.62, interpolation=cv2.INTER_AREA)
    large = np.full_like(film, np.quantile(film, 0.1))
    top, left = (film.shape[0] - small.shape[0]) // 2, (film.shape[1] - small.shape[1]) // 2
    large[top : top + small.shape[0], left : left + small.shape[1]] = small
    centre = (film.shape[1] / 2, film.shape[0] / 2)
    corners = cv2.boxPoints((centre, (size[0] * 0.76, size[1] * 0.76), angle))
    cv2.fillConvexPoly(inside, np.rint(corners).astype(np.int32), 1)
    framed = np.where(inside > 0, large, np.float32(grey)).astype(np.float32)
    found = field_mask(framed)
    both = (found & (inside > 0)).sum()
    assert both / (found | (inside > 0)).sum() > 0.9
    cropped, left_marks = cut_to_field(framed)
    assert cropped.size < framed.size
    x, y = left_marks["matrix"][:2, 2]
    assert x <= 0 and y <= 0


def test_film_without_frame_stays_whole(phantom):
    assert field_mask(phantom.image.pixels).mean() > 0.9


# --- geometry and greys


def test_fitted_keeps_the_aspect_and_its_matrix_is_true():
    array = np.zeros((30, 60), np.uint8)
    array[10, 40] = 200
    square, matrix = fitted(array, 120)
    ((x, y),) = moved(np.array([40.5, 10.5]), matrix)
    row, column = np.unravel_index(int(square.argmax()), square.shape)
    assert square.shape == (120, 120) and abs(column + 0.5 - x) <= 1 and abs(row + 0.5 - y) <= 1
    assert not square[:30].any() and not square[90:].any()


def test_turned_crops_to_the_hand_and_keeps_black():
    array = np.zeros((50, 70), np.uint8)
    array[20:24, 10:60] = 90
    image, matrix = turned(array, (35.0, 22.0), 90.0)
    assert image.shape[0] > image.shape[1]
    ((x, y),) = moved(np.array([59.0, 22.0]), matrix)
    assert image[round(y), round(x)] > 0 and y < image.shape[0] / 4


def test_normalise_uses_the_full_range():
    values = normalise(np.linspace(0.2, 0.3, 30, dtype=np.float32).reshape(5, 6))
    assert values.min() == 0 and values.max() == 255


def test_letters_do_not_set_the_scale():
    film = np.tile(np.linspace(0, 0.2, 100, dtype=np.float32), (100, 1))
    film[:3, :3] = 1.0
    assert clip_extremes(film).max() < 0.25


@pytest.mark.parametrize("stage", [clahe, denoise, equalise_mean, sharpen])
def test_black_around_the_hand_stays_black(stage):
    hand = np.zeros((60, 48), np.uint8)
    hand[10:50, 10:30] = np.random.default_rng(1).integers(1, 255, (40, 20))
    out = stage(hand)
    np.testing.assert_array_equal(out > 0, hand > 0)


def test_mean_of_dark_and_bright_hands_becomes_one():
    hands = [np.full((20, 30), grey, np.uint8) for grey in (20, 90)]
    means = [equalise_mean(hand, mean=110).mean() for hand in hands]
    assert np.allclose(means, 110, atol=2)


# --- segmentation


def test_segmentation_hands_on_the_hand_alone(phantom):
    steps = run_stages(phantom.image.pixels, segmentation.stages(lambda _: phantom.mask))
    assert steps[-1].image.shape == (224, 224) and steps[-1].image.dtype == np.uint8
    assert abs(float((steps[-1].image > 0).mean()) - hand_share(phantom)) < 0.05
    (tip,) = moved(np.array(phantom.landmarks["middle_tip"]), film_matrix(steps))
    assert 0 <= tip[1] < 60


def hand_share(phantom):
    rows, columns = np.nonzero(phantom.mask)
    side = max(np.ptp(rows), np.ptp(columns)) * 1.04
    return phantom.mask.sum() / side**2


@pytest.mark.parametrize("stage", [s.name for s in segmentation.stages(lambda film: film > 0)])
def test_every_segmentation_stage_can_be_left_out(phantom, stage):
    steps = run_stages(
        phantom.image.pixels, segmentation.stages(lambda _: phantom.mask), skip=(stage,)
    )
    assert steps[-1].error is None and steps[-1].image.dtype == np.uint8


def test_outline_of_a_drawn_hand():
    mask = np.zeros((320, 300), np.uint8)
    cv2.circle(mask, (130, 200), 60, 1, -1)
    for root, tip in ((80, (35, 70)), (113, (95, 40)), (147, (160, 30)), (175, (222, 55))):
        cv2.line(mask, (root, 180), tip, 1, 16)
    cv2.line(mask, (170, 220), (270, 160), 1, 20)
    cv2.line(mask, (130, 210), (130, 319), 1, 70)
    outline = hand_outline(mask > 0)
    assert outline.thumb_side == 1 and len(outline.gaps) == 4
    assert (np.diff(outline.gaps[:, 0]) > 0).all()
    assert np.hypot(*(outline.palm - (130, 200))) < 25
    boxes = region_boxes(outline, mask.shape)
    assert boxes["thumb"][2] > 250 and boxes["wrist"][1] > boxes["middle_finger"][3]
    assert all(x0 < x1 and y0 < y1 for x0, y0, x1, y1 in boxes.values())
