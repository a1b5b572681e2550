"""Pictures, figures, measurements, words and files that are made from results."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import cv2
import numpy as np
import plotly.graph_objects as go
import pytest

from core.detections import Detections, compare
from core.files import write as exports
from core.glossary import GLOSSARY
from core.plots import box_layers, curves, draw
from core.plots import viewer as figures
from core.plots.measure import angle, distance, scale_bar
from core.plots.pictures import picture

SHAPE = (48, 64)
NONE = np.zeros((0, 4), np.float32)
TRUTH = np.array([[10, 20, 30, 40]], np.float32)
FOUND = Detections(
    np.array([[11, 20, 30, 40], [40, 5, 60, 15]], np.float32), np.array([0.8, 0.3], np.float32)
)
EMPTY = Detections(NONE, np.zeros(0, np.float32))


@pytest.fixture
def ramp() -> np.ndarray:
    """float32 (48, 64), dark on the left and bright on the right."""
    return np.tile(np.linspace(0, 1, SHAPE[1], dtype=np.float32), (SHAPE[0], 1))


# Pictures


def test_full_window_keeps_the_grey_values(ramp: np.ndarray) -> None:
    assert (draw.windowed(ramp) == np.rint(ramp * 255)).all()


def test_narrow_window_spreads_its_greys_and_cuts_the_rest(ramp: np.ndarray) -> None:
    shown = draw.windowed(ramp, level=0.5, width=0.2)
    assert shown[:, :25].max() == 0
    assert shown[:, 39:].min() == 255
    assert 100 < shown[0, 32] < 155


def test_inverted_window_is_the_negative(ramp: np.ndarray) -> None:
    assert (draw.windowed(ramp, invert=True) == 255 - draw.windowed(ramp)).all()


def test_window_without_width_is_refused(ramp: np.ndarray) -> None:
    with pytest.raises(ValueError, match="above 0"):
        draw.windowed(ramp, width=0)


def test_windowing_leaves_the_pixels_as_they_were(ramp: np.ndarray) -> None:
    before = ramp.copy()
    draw.windowed(ramp, 0.3, 0.4, invert=True)
    assert (ramp == before).all()


def test_box_is_drawn_on_its_sides_only() -> None:
    dark = np.zeros(SHAPE, np.uint8)
    drawn = draw.with_boxes(dark, TRUTH)
    assert tuple(drawn[30, 10]) == draw.PREDICTION
    assert tuple(drawn[20, 20]) == draw.PREDICTION
    assert drawn[30, 20].max() == 0
    assert drawn[5, 50].max() == 0
    assert dark.max() == 0


def test_dashed_box_has_gaps_that_a_solid_one_has_not() -> None:
    dark = np.zeros((200, 260), np.uint8)
    box = np.array([[20, 20, 240, 180]], np.float32)
    solid = draw.with_boxes(dark, box)[20, 20:240].max(axis=1) > 0
    dashed = draw.with_boxes(dark, box, dashed=True)[20, 20:240].max(axis=1) > 0
    assert solid.all()
    assert 0.3 < dashed.mean() < 0.8


def test_no_box_draws_nothing() -> None:
    assert draw.with_boxes(np.zeros(SHAPE, np.uint8), NONE).max() == 0


def test_cold_pixels_of_a_heat_map_show_the_film_untouched(ramp: np.ndarray) -> None:
    heat = np.zeros(SHAPE, np.float32)
    heat[:10, :10] = 1
    shown = draw.windowed(ramp)
    laid = draw.with_heat(shown, heat, opacity=1.0)
    assert (laid[10:, 10:, 0] == shown[10:, 10:]).all()
    assert tuple(laid[0, 0]) == draw.HEAT_SCALE[-1]


def test_heat_map_of_another_shape_is_refused(ramp: np.ndarray) -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        draw.with_heat(draw.windowed(ramp), np.zeros((64, 48), np.float32))


@pytest.mark.parametrize("shape", [(48, 64), (300, 20), (1, 1)])
def test_tile_holds_the_whole_picture_in_its_frame(shape: tuple[int, int]) -> None:
    tile = draw.tile(np.full(shape, 200, np.uint8), 120, 150)
    assert tile.shape == (150, 120, 3)
    bright = np.argwhere(tile[..., 0] > 100)
    height, width = bright.max(axis=0) - bright.min(axis=0) + 1
    assert height == 150 or width == 120
    assert height / width == pytest.approx(shape[0] / shape[1], rel=0.15)


# Figures


def panels(*layers: box_layers.BoxLayer) -> list[figures.Panel]:
    picture = np.zeros(SHAPE, np.uint8)
    return [figures.Panel("Original", picture), figures.Panel("Result", picture, layers)]


def predicted() -> box_layers.BoxLayer:
    return box_layers.BoxLayer(
        "prediction (solid)", FOUND.boxes_xyxy, ("0.80", "0.30"), ("Box 1", "Box 2")
    )


def texts(figure: object) -> list[str]:
    return [note.text for note in figure.layout.annotations]  # type: ignore[attr-defined]


def test_zoom_of_both_panels_is_linked_and_keeps_the_aspect() -> None:
    layout = figures.viewer(panels()).layout
    assert (layout.xaxis2.matches, layout.yaxis2.matches) == ("x", "y")
    assert layout.yaxis.scaleanchor == "x"
    assert list(layout.yaxis.range) == [48, 0]
    assert list(layout.xaxis.range) == [0, 64]


@pytest.mark.parametrize(("side", "count"), [("L", 2), (None, 0)])
def test_every_panel_says_which_side_it_shows(side: str | None, count: int) -> None:
    assert texts(figures.viewer(panels(), laterality=side)).count("<b>L</b>") == count


def test_viewer_tells_the_page_the_column_spacing_for_its_scale_bar() -> None:
    known = figures.viewer(panels(), spacing_mm=(0.4, 0.5))
    assert known.layout.meta["film"]["spacing_mm"] == 0.5
    assert figures.viewer(panels()).layout.meta["film"]["spacing_mm"] is None


def test_figure_is_checked_once_not_at_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def updated(*args: object, **kwargs: object) -> None:
        raise AssertionError("Plotly's update copies and checks the whole figure")

    for name in ("plotly_update", "update_layout", "add_trace"):
        monkeypatch.setattr(go.Figure, name, updated)
    assert len(figures.viewer(panels(predicted())).data) == 6  # two panels, two boxes with rims


def test_boxes_stand_where_they_are_with_hover_and_solid_line() -> None:
    figure = figures.viewer(panels(predicted()))
    boxes = [trace for trace in figure.data if trace.hoveron == "fills"]
    assert [box.text for box in boxes] == ["Box 1", "Box 2"]
    assert (min(boxes[0].x), max(boxes[0].x)) == (11, 30)
    assert (min(boxes[0].y), max(boxes[0].y)) == (20, 40)
    assert {box.xaxis for box in boxes} == {"x2"}
    assert {box.line.dash for box in boxes} == {"solid"}


def test_truth_is_dashed_and_a_miss_is_named() -> None:
    figure = figures.viewer(panels(box_layers.truth_layer(TRUTH, [False])))
    box = next(trace for trace in figure.data if trace.hoveron == "fills")
    assert (box.line.dash, box.name) == ("dash", "truth (dashed)")
    assert "truth, missed" in texts(figure)


def test_chosen_box_is_thicker() -> None:
    layer = box_layers.BoxLayer("p", FOUND.boxes_xyxy, ("", ""), ("", ""), chosen=1)
    boxes = [t for t in figures.viewer(panels(layer)).data if t.hoveron == "fills"]
    assert boxes[1].line.width > boxes[0].line.width


def test_panels_of_two_shapes_are_refused() -> None:
    other = figures.Panel("Other", np.zeros((64, 48), np.uint8))
    with pytest.raises(ValueError, match="linked"):
        figures.viewer([*panels(), other])


def test_picture_arrives_in_the_figure_as_it_is(ramp: np.ndarray) -> None:
    shown = draw.windowed(ramp)
    head, encoded = figures.data_uri(shown).split(",")
    assert head == "data:image/png;base64"
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), -1)
    assert (decoded == shown).all()


def test_large_picture_is_sent_as_jpeg() -> None:
    large = np.zeros((1300, 1200), np.uint8)
    assert figures.data_uri(large).startswith("data:image/jpeg")


def test_heat_map_lies_over_the_film_and_its_opacity_moves_in_the_browser() -> None:
    heat = np.zeros(SHAPE, np.float32)
    heat[40:, 50:] = 1
    figure = figures.heat_viewer(np.zeros(SHAPE, np.uint8), heat)
    index, trace = next((i, t) for i, t in enumerate(figure.data) if t.type == "heatmap")
    assert (np.asarray(trace.z) == heat).all()
    assert (trace.x0, trace.dx, trace.y0, trace.dy) == (0.5, 1, 0.5, 1)
    assert trace.xaxis == "x2"
    steps = figure.layout.sliders[0].steps
    assert [list(step.args[1]) for step in steps] == [[index]] * 11
    assert steps[0].args[0] == {"opacity": 0.0}
    assert trace.colorbar.title.text == "heat"


def test_curve_runs_backwards_where_its_values_fall() -> None:
    figure = curves.curve([1.0, 0.5], {"a": [0.9, 0.1]}, x_title="Density (×)", y_title="Score")
    assert figure.layout.xaxis.autorange == "reversed"
    assert figure.layout.xaxis.title.text == "Density (×)"


def test_learning_curves_tell_training_from_validation_by_line() -> None:
    figure = curves.learning_curves({"plain": ([1, 2], [0.7, 0.3], [0.7, 0.9])})
    training, validation = figure.data
    assert (training.line.dash, validation.line.dash) == ("solid", "dash")
    assert (list(training.y), list(validation.y)) == ([0.7, 0.3], [0.7, 0.9])
    assert texts(figure) == ["plain"]


# Measurements


@pytest.mark.parametrize(
    ("spacing", "value", "unit"), [(None, 5.0, "px"), ((0.5, 2.0), np.hypot(6, 2), "mm")]
)
def test_distance_uses_row_and_column_spacing(
    spacing: tuple[float, float] | None, value: float, unit: str
) -> None:
    found = distance((1, 1), (4, 5), spacing)
    assert (found.value, found.unit) == (pytest.approx(value), unit)


@pytest.mark.parametrize(
    ("b", "spacing", "degrees"),
    [((0, 10), None, 90.0), ((-10, 0), None, 180.0), ((10, 10), (2.0, 1.0), 63.4349)],
)
def test_angle_at_the_middle_point(
    b: tuple[float, float], spacing: tuple[float, float] | None, degrees: float
) -> None:
    assert angle((10, 0), (0, 0), b, spacing).value == pytest.approx(degrees, abs=1e-3)


def test_angle_needs_three_points() -> None:
    with pytest.raises(ValueError, match="three different points"):
        angle((1, 1), (1, 1), (2, 2))


@pytest.mark.parametrize(
    ("width", "spacing", "bar"),
    [(64, None, (10, "10 px")), (400, 0.5, (40, "20 mm")), (3000, 0.1, (500, "50 mm"))],
)
def test_scale_bar_is_a_round_fifth(
    width: int, spacing: float | None, bar: tuple[float, str]
) -> None:
    assert scale_bar(width, spacing) == (pytest.approx(bar[0]), bar[1])


# Words


@pytest.mark.parametrize("term", GLOSSARY)
def test_glossary_explains_in_sentences(term: str) -> None:
    assert GLOSSARY[term].endswith(".")
    assert len(GLOSSARY[term]) > 40


# Files


def item(found: Detections, file: str = "a.png") -> exports.Item:
    return exports.Item(file, SHAPE, found, (0.5, 2.0), compare(found, TRUTH))


def test_rows_carry_sizes_in_px_and_mm_and_the_match() -> None:
    first, second = exports.box_rows(FOUND, (0.5, 2.0), compare(FOUND, TRUTH))
    assert (first.size_px, first.size_mm, first.match) == ((19, 20), (38, 10), "hit")
    assert second.match == "false alarm"
    assert "38.0 × 10.0 mm" in first.words


def test_rows_without_spacing_have_no_mm() -> None:
    row = exports.box_rows(FOUND)[0]
    assert row.size_mm is None
    assert not any(column.endswith("_mm") for column in row.columns)


def test_csv_has_a_line_for_a_film_without_boxes() -> None:
    lines = exports.csv([item(EMPTY, "none.png"), item(FOUND)]).decode().splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("none.png,")
    assert lines[2].startswith("a.png,1,0.8,11.0,20.0,30.0,40.0")


def test_overlay_png_shows_predictions_and_truth() -> None:
    drawn = exports.overlay(np.zeros(SHAPE, np.uint8), FOUND.above(0.5), TRUTH - 5)
    png = cv2.imdecode(np.frombuffer(exports.png(drawn), np.uint8), -1)[..., ::-1]
    colours = {tuple(int(v) for v in pixel) for pixel in png.reshape(-1, 3)}
    assert {draw.PREDICTION, draw.TRUTH} <= colours
    assert png.shape == (*SHAPE, 3)


def test_enlarged_overlay_moves_its_boxes_along() -> None:
    large = draw.scaled(np.zeros(SHAPE, np.uint8), 4)
    drawn = exports.overlay(large, FOUND.above(0.5), factor=4)
    assert drawn.shape == (192, 256, 3)
    assert tuple(drawn[120, 44]) == draw.PREDICTION


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("hand, fracture", "hand_fracture"),
        ("../../etc/passwd", "etc_passwd"),
        ("Röntgen 1", "Röntgen_1"),
        ("…", "radiograph"),
    ],
)
def test_file_names_stay_in_their_folder(name: str, clean: str) -> None:
    assert exports.stem(name) == clean


def test_archive_holds_everything_once() -> None:
    items = [item(FOUND, "a.png"), item(EMPTY, "set.zip/b.dcm")]
    rows = [{"file": "a.png", "boxes": 2}, {"file": "c.txt", "problem": "no image"}]
    source = exports.archive(items, [("a.png", b"png")], rows)
    with zipfile.ZipFile(io.BytesIO(source)) as packed:
        assert sorted(packed.namelist()) == [
            "boxes.csv",
            "coco.json",
            "films.csv",
            "overlays/a.png",
            "yolo/a.txt",
            "yolo/set.zip_b.txt",
        ]
        coco = json.loads(packed.read("coco.json"))
        assert packed.read("films.csv").decode().splitlines()[2] == "c.txt,,no image"
        assert packed.read("yolo/a.txt").decode().split()[:2] == ["0", f"{20.5 / 64:.6f}"]
        assert packed.read("yolo/set.zip_b.txt") == b""
    assert [image["file_name"] for image in coco["images"]] == ["a.png", "set.zip/b.dcm"]
    assert coco["annotations"][0]["bbox"] == [11, 20, 19, 20]
    assert coco["annotations"][0]["score"] == pytest.approx(0.8)


def test_saved_plot_has_an_upright_line_and_the_words_of_its_axis() -> None:
    figure = go.Figure(go.Scatter(x=[0, 1], y=[0, 1], mode="markers"))
    figure.add_vline(0.5, line={"color": "#ff0000"})
    figure.update_yaxes(tickvals=[0, 1], ticktext=["normal", "fractured"], range=[-0.5, 1.5])
    image = cv2.imdecode(np.frombuffer(picture(figure, "png"), np.uint8), cv2.IMREAD_COLOR)
    blue, green, red = np.moveaxis(image.astype(int), -1, 0)
    rows, columns = np.nonzero((red > 200) & (green < 60) & (blue < 60))
    assert np.ptp(rows) > 0.5 * image.shape[0] and np.ptp(columns) < 10
    assert b">fractured<" in picture(figure, "svg", width=4.8)


def test_saved_plot_has_bands_and_powers_of_ten() -> None:
    figure = go.Figure()
    figure.add_scatter(
        x=[1, 100, 100, 1], y=[0.2, 0.2, 0.8, 0.8], fill="toself", fillcolor="#ff0000",
        line={"width": 0}, mode="lines", name="band",
    )  # fmt: skip
    figure.add_scatter(x=[1, 10, 100], y=[0.5, 0.5, 0.5], mode="markers", name="marks")
    figure.update_xaxes(type="log")
    image = cv2.imdecode(np.frombuffer(picture(figure, "png"), np.uint8), cv2.IMREAD_COLOR)
    blue, green, red = np.moveaxis(image.astype(int), -1, 0)
    assert ((red > 240) & (green < 210) & (blue < 210) & (green > 150)).mean() > 0.2
    assert "10^{" in (svg := picture(figure, "svg").decode()) or "mathdefault" in svg
