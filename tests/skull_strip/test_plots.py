"""Slices, montage, figures, compact files and surfaces: geometry, not looks."""

from __future__ import annotations

import base64
import gzip

import cv2
import nibabel as nib
import numpy as np
import pytest

from core.files.browser_volume import MAX_SIDE, compact
from core.images import Volume
from core.plots.level_lines import level_lines
from core.plots.slices import PLANES, Slice, layer_of, montage, slice_at, spread
from core.skull_strip.exports import strip_png
from core.skull_strip.plots import disagreement_strip, histogram, sheet, shown_range, strip
from core.skull_strip.surface import stl_bytes, surface_net

SHAPE = (20, 24, 16)
AFFINE = np.array([[2.0, 0, 0, -15], [0, 3.0, 0, 7], [0, 0, 4.0, -3], [0, 0, 0, 1]])


def volume() -> Volume:
    """Ramp in all directions: every voxel has its own value."""
    i, j, k = np.indices(SHAPE)
    return Volume((i + 100 * j + 10000 * k).astype(np.float32), AFFINE, "digest")


@pytest.mark.parametrize(
    ("plane", "at", "left_bottom", "right_top"),
    [
        # The patient's right (high i) is at the left; front and top are up.
        ("axial", 8.0, (19, 0, 2), (0, 23, 2)),
        ("coronal", 15.0, (19, 5, 0), (0, 5, 15)),
        # The nose (high j) is at the left.
        ("sagittal", 6.0, (3, 23, 0), (3, 0, 15)),
    ],
)
def test_slice_is_laid_out_as_on_a_film(
    plane: str, at: float, left_bottom: tuple[int, ...], right_top: tuple[int, ...]
) -> None:
    head = volume()
    cut = slice_at(layer_of("", head.voxels, head), plane, at)
    assert cut.image[0, 0] == head.voxels[left_bottom]
    assert cut.image[-1, -1] == head.voxels[right_top]


def test_a_layer_on_another_grid_falls_on_the_same_millimetres() -> None:
    head = volume()
    coarse = AFFINE @ np.diag([2, 2, 2, 1])
    coarse[:3, 3] = (AFFINE @ [0.5, 0.5, 0.5, 1])[:3]
    small = head.voxels.reshape(10, 2, 12, 2, 8, 2).mean(axis=(1, 3, 5))
    layer = layer_of("", small, head, coarse)
    assert layer.start_mm == pytest.approx((1.0, 1.5, 2.0))
    fine = slice_at(layer_of("", head.voxels, head), "axial", 10.0)
    cut = slice_at(layer, "axial", 10.0)
    middle = cut.image[6, 5]
    x, y = cut.x_mm + 5 * cut.step_mm[0], cut.y_mm + 6 * cut.step_mm[1]
    around = fine.image[
        int((y - fine.y_mm) / fine.step_mm[1]) :, int((x - fine.x_mm) / fine.step_mm[0]) :
    ][:2, :2]
    assert middle == pytest.approx(around.mean() + 5000)  # between slices 2 and 3


def test_a_slice_beyond_a_layer_is_empty() -> None:
    head = volume()
    assert np.ptp(slice_at(layer_of("", head.voxels, head), "axial", 900.0).image) == 0


def test_montage_reads_from_the_upper_left() -> None:
    head = volume()
    sheet_of = montage(layer_of("", head.voxels, head), "axial", [1, 5, 9], columns=2)
    assert sheet_of.shape == (2 * 24, 2 * 20)
    assert sheet_of[0, 0] == head.voxels[19, 23, 1]
    assert sheet_of[0, 20] == head.voxels[19, 23, 5]
    assert sheet_of[24, 0] == head.voxels[19, 23, 9]


def test_spread_stays_within_the_mask() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, :, 4:11] = 1
    found = spread(volume(), "axial", 4, mask)
    assert len(found) == 4 and min(found) >= 4 and max(found) <= 10


@pytest.mark.parametrize("plane", PLANES)
def test_strip_has_a_picture_and_outlines_on_every_panel(plane: str) -> None:
    head = volume()
    mask = np.zeros(SHAPE, np.uint8)
    mask[5:15, 5:15, 4:12] = 1
    layers = [layer_of(str(n), head.voxels, head) for n in range(3)]
    outlines = [("prediction", layer_of("", mask, head)), ("truth", layer_of("", mask, head))]
    figure = strip(layers, plane, 30.0, outlines)
    assert [image.xref for image in figure.layout.images] == ["x", "x2", "x3"]
    drawn = [(trace.xaxis, trace.line.dash) for trace in figure.data]
    assert drawn == [(f"x{n}", dash) for n in ("", 2, 3) for dash in ("solid", "dash")]
    assert figure.layout.xaxis2.matches == "x"
    letters = {note.text for note in figure.layout.annotations}
    assert {"axial": {"R", "L", "A", "P"}, "coronal": {"R", "L", "S", "I"}}.get(
        plane, {"A", "P", "S", "I"}
    ) <= letters
    picture = cv2.imdecode(
        np.frombuffer(strip_png(layers, plane, 30.0, outlines), np.uint8), cv2.IMREAD_COLOR
    )
    assert picture is not None and picture.max() > 200


def test_slices_and_outlines_of_a_strip_lie_on_the_same_millimetres() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[3:9, 4:14, 2:6] = 1
    head = Volume(mask.astype(np.float32), AFFINE, "digest")
    layer = layer_of("", head.voxels, head)
    figure = strip([layer], "axial", 12.0, [("prediction", layer)])
    # Voxels 3 to 8 and 4 to 13 of 2 and 3 mm, half of one beyond; x runs to the patient's left.
    box = (-2 * 8.5, 3 * 3.5, -2 * 2.5, 3 * 13.5)
    (line,), (image,) = figure.data, figure.layout.images
    found = (np.nanmin(line.x), np.nanmin(line.y), np.nanmax(line.x), np.nanmax(line.y))
    assert found == pytest.approx(box, abs=0.5)
    content = np.frombuffer(base64.b64decode(image.source.split(",")[1]), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    picture = picture[::-1]  # first row at the bottom
    rows, columns = np.nonzero(picture > 200)
    step = image.sizex / picture.shape[1], image.sizey / picture.shape[0]
    assert step == pytest.approx((2.0, 3.0))
    left, right = (image.x + step[0] * edge for edge in (columns.min(), columns.max() + 1))
    low, high = (image.y + step[1] * edge for edge in (rows.min(), rows.max() + 1))
    assert (left, low, right, high) == pytest.approx(box)


def test_an_outline_closes_at_the_edge_of_a_slice_and_a_field_line_ends_there() -> None:
    ramp = np.tile(np.arange(8, dtype=np.float32), (6, 1))
    (line,) = level_lines(Slice(ramp, 10.0, 0.0, (2.0, 2.0)), 3.5)
    assert line[:, 0] == pytest.approx(10 + 2 * 3.5, abs=0.3)
    assert np.ptp(line[:, 1]) == pytest.approx(2 * 5, abs=0.8)
    (ring,) = level_lines(Slice(np.ones((6, 8)), 10.0, 0.0, (2.0, 2.0)), 0.5, closed=True)
    assert np.array_equal(ring[0], ring[-1])
    assert np.ptp(ring, axis=0) == pytest.approx((16, 12), abs=0.6)
    assert level_lines(Slice(np.zeros((6, 8)), 0.0, 0.0, (1.0, 1.0)), 0.5, closed=True) == []


def test_colours_of_a_field_are_centred_on_one() -> None:
    head = volume()
    field = np.linspace(0.8, 1.1, head.voxels.size, dtype=np.float32).reshape(SHAPE)
    layer = layer_of("f", field, head, scale="field")
    assert sum(shown_range(layer)) == pytest.approx(2.0)
    texts = [note.text for note in strip([layer], "axial", 8.0).layout.annotations]
    assert texts[-3:] == ["0.8", "1", "1.2"]


def test_histogram_sheet_and_disagreement_draw() -> None:
    head = volume()
    mask = np.zeros(SHAPE, np.uint8)
    mask[5:15, 5:15, 4:12] = 1
    layer, outline = layer_of("", head.voxels, head), layer_of("", mask, head)
    assert len(sheet(layer, outline, "axial", [2, 4, 6]).data) == 2
    assert len(sheet(layer, None, "coronal", [2]).data) == 1
    values = head.voxels[mask == 1]
    curves = histogram([("in", values, "solid"), ("out", values, "dash")], "intensity").data
    width = curves[0].x[1] - curves[0].x[0]
    assert float(np.sum(curves[0].y) * width) == pytest.approx(1.0, abs=0.01)
    three = disagreement_strip(layer, layer_of("", mask * 2, head), dict.fromkeys(PLANES, 20.0))
    assert len(three.data) == 6


def test_compact_gives_the_intensities_back_and_thins_what_is_large() -> None:
    head = volume()
    packed = nib.Nifti1Image.from_bytes(gzip.decompress(compact(head.voxels, AFFINE).content))
    assert packed.get_data_dtype() == np.uint8
    error = np.abs(packed.get_fdata() - head.voxels)
    assert np.percentile(error, 80) < 400  # 150,000 in 255 steps; the extremes are clipped
    assert np.allclose(packed.affine, AFFINE)
    long = np.zeros((MAX_SIDE * 2 + 10, 4, 4), np.uint8)
    thinned = nib.Nifti1Image.from_bytes(gzip.decompress(compact(long, AFFINE).content))
    assert max(thinned.shape) <= MAX_SIDE
    assert thinned.header.get_zooms()[0] == pytest.approx(6.0)


def test_mask_is_not_rescaled_in_the_compact_file() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[4:9] = 1
    packed = nib.Nifti1Image.from_bytes(gzip.decompress(compact(mask, AFFINE).content))
    assert np.array_equal(packed.get_fdata(), mask)


def ball(radius: float) -> np.ndarray:
    i, j, k = np.indices((34, 30, 26))
    return ((i - 16) ** 2 + (j - 15) ** 2 + (k - 12) ** 2 < radius**2).astype(np.uint8)


@pytest.mark.parametrize("mirrored", [False, True])
def test_surface_is_closed_faces_outwards_and_holds_the_volume(mirrored: bool) -> None:
    affine = AFFINE @ np.diag([-1 if mirrored else 1, 1, 1, 1.0])
    vertices, triangles = surface_net(ball(9), affine, smooth_mm=0.0)
    edges = np.sort(np.concatenate([triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))]), 1)
    assert set(np.unique(edges, axis=0, return_counts=True)[1]) == {2}
    a, b, c = (vertices[triangles[:, n]].astype(float) for n in range(3))
    inside = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
    assert inside == pytest.approx(ball(9).sum() * 24.0, rel=0.03)
    centre = (affine @ [16, 15, 12, 1])[:3]
    assert np.allclose(vertices.mean(axis=0), centre, atol=0.5)


def test_empty_mask_gives_an_empty_surface() -> None:
    vertices, triangles = surface_net(np.zeros(SHAPE), AFFINE)
    assert len(vertices) == len(triangles) == 0
    assert len(stl_bytes(vertices, triangles)) == 84


def test_stl_holds_every_triangle() -> None:
    vertices, triangles = surface_net(ball(6), AFFINE)
    content = stl_bytes(vertices, triangles)
    assert len(content) == 84 + 50 * len(triangles)
    assert int.from_bytes(content[80:84], "little") == len(triangles)


def test_histogram_bins_of_whole_numbers_hold_as_many_of_them_each() -> None:
    values = np.repeat(np.arange(300), 7).astype(np.float32)
    curve = histogram([("in", values, "solid")], "intensity").data[0]
    assert np.ptp(curve.y[1:-2]) < 1e-6 * curve.y[1]  # no comb


def test_field_panel_has_contours_and_titles_lie_inside() -> None:
    head = volume()
    field = np.linspace(0.8, 1.1, head.voxels.size, dtype=np.float32).reshape(SHAPE)
    figure = strip([layer_of("Bias field", field, head, scale="field")], "axial", 8.0)
    lines, values = figure.data
    assert lines.mode == "lines" and values.mode == "text"
    assert {float(text) for text in values.text} <= {0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1}
    assert len(values.text) == len(values.x) > 0
    title = next(note for note in figure.layout.annotations if note.text == "Bias field")
    assert 0 <= title.x <= 1 and 0 <= title.y <= 1
    upper = next(note for note in figure.layout.annotations if note.text == "A")
    assert upper.yshift < -title.font.size  # a long title never covers it
