"""The chest models: inputs, answers, heat maps, masks, calibration and figures."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from core.chest.result import Findings
from core.errors import UnsuitableInputError, WeightsError
from core.images import Radiograph, digest_of
from core.phantoms.chest.phantom import chest_phantom
from models.cards import ModelCard, load_card, task_cards
from models.chest import evaluate, export, gradients, heatmaps, predict, segment, weights
from models.chest.augment import Strength, training_view
from models.chest.dataset import FINDINGS, read_cases, read_film
from models.chest.network import ARCHITECTURES, ChestNet, ChestNetWithMaps
from models.chest.preprocess import input_stages, network_film, to_original
from models.chest.segment_network import CLASSES, UNet
from models.figures import without_nan

DATA = Path(__file__).parents[3] / "shared" / "data" / "chest"


def film(shape: tuple[int, int] = (90, 120), seed: int = 0) -> Radiograph:
    pixels = np.random.default_rng(seed).random(shape, dtype=np.float32)
    return Radiograph(pixels, digest_of(pixels))


LABELS = ("Cardiomegaly", "Effusion")
OUTPUTS = (weights.LOGITS, weights.MAPS, weights.LAST)


def networks_of(architecture: str = "mobilenet_v2") -> tuple[ChestNet, weights.InTraining]:
    """One network with random weights: to look into, and as it answers."""
    torch.manual_seed(0)
    network = ChestNetWithMaps(architecture, len(LABELS)).eval()
    plain = ChestNet(architecture, len(LABELS)).eval()
    plain.load_state_dict(network.state_dict())
    return plain, weights.InTraining(network, OUTPUTS)


def model_of(architecture: str = "mobilenet_v2", side_px: int = 64) -> predict.Model:
    _, network = networks_of(architecture)
    calibration = dict.fromkeys(LABELS, (1.0, 0.0))
    points = dict.fromkeys(LABELS, 0.5)
    return predict.Model("Tiny", {"Tiny": network}, LABELS, side_px, calibration, points)


@pytest.fixture(scope="module")
def model() -> predict.Model:
    return model_of()


@pytest.fixture(scope="module")
def explained() -> gradients.Explained:
    return gradients.Explained((networks_of()[0],), LABELS, 64, False)


def test_input_is_a_padded_square() -> None:
    from core.stages import run_stages

    pixels = np.full((60, 120), 0.5, np.float32)
    pixels[:, :60] = 0.7
    seen = run_stages(pixels, input_stages(32))[-1].image
    assert seen.shape == (32, 32) and seen.dtype == np.float32
    assert seen[:7].max() == 0 and seen[-7:].max() == 0
    assert seen[16, 4] == 1


def test_map_of_the_input_lands_on_the_film() -> None:
    heat = np.zeros((32, 32), np.float32)
    heat[16, 24] = 1  # the middle row, at three quarters of the width
    found = to_original(heat, (60, 120))
    assert found.shape == (60, 120)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert abs(row - 31) <= 2 and abs(column - 91) <= 3


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_networks_keep_eight_cells_a_side(architecture: str) -> None:
    network = ChestNet(architecture, 3).eval()
    with torch.inference_mode():
        last = network.features(torch.zeros(1, 1, 128, 128))
        assert last.shape[2:] == (8, 8)
        assert network(torch.zeros(2, 1, 128, 128)).shape == (2, 3)


def test_answers_are_keyed_by_label_and_repeat(model: predict.Model) -> None:
    found = predict.classify(model, film())
    again = predict.classify(model, film())
    assert set(found.probabilities) == {"Cardiomegaly", "Effusion"}
    assert found.probabilities == again.probabilities
    assert found.px == 64


def test_mirrored_answers_do_not_change_with_the_side(model: predict.Model) -> None:
    both = predict.Model(**{**vars(model), "mirrored": True})
    image = film((80, 80))
    turned = image.with_pixels(np.ascontiguousarray(image.pixels[:, ::-1]), "mirrored")
    first, second = (predict.classify(both, one).probabilities for one in (image, turned))
    assert first["Effusion"] == pytest.approx(second["Effusion"], abs=1e-5)


def test_members_are_averaged_before_calibration(model: predict.Model) -> None:
    other = model_of("efficientnet_lite0")
    pair = predict.Model(
        **{
            **vars(model),
            "networks": {"A": model.networks["Tiny"], "B": other.networks["Tiny"]},
            "calibration": {"Cardiomegaly": (2.0, 1.0), "Effusion": (1.0, 0.0)},
        }
    )
    batch = predict.network_input(pair, film())[None]
    odds = predict.member_log_odds(pair, batch)
    expected = 1 / (1 + np.exp(-(2 * (odds["A"] + odds["B"])[0, 0] / 2 + 1)))
    found = predict.classify(pair, film())
    assert found.probabilities["Cardiomegaly"] == pytest.approx(expected, abs=1e-5)
    assert set(found.by_member) == {"A", "B"}


def test_heat_map_of_several_networks_is_the_mean_of_theirs(model: predict.Model) -> None:
    def seeing(row: int) -> weights.Answering:
        """A network that looks at one row of cells for the second finding."""
        maps = np.zeros((1, 2, 4, 4), np.float32)
        maps[0, 1, row] = 16.0
        return lambda *_, only=(): (maps,)

    pair = predict.Model(**{**vars(model), "networks": {"A": seeing(0), "B": seeing(3)}})
    cells = heatmaps.class_cells(pair, predict.network_input(pair, film()), 1)
    np.testing.assert_allclose(cells[:, 0], [0.5, 0, 0, 0.5])
    assert not heatmaps.class_cells(pair, predict.network_input(pair, film()), 0).any()


def test_partner_adds_its_log_odds_to_its_finding_alone(model: predict.Model) -> None:
    def partner(*_: np.ndarray, only: Sequence[str] = ()) -> tuple[np.ndarray, ...]:
        return (np.full((1, 1), 1.5, np.float32),)

    pair = predict.Model(**{**vars(model), "partners": {"Cardiomegaly": partner}})
    batch = predict.network_input(pair, film())[None]
    alone, summed = (predict.member_log_odds(one, batch)["Tiny"][0] for one in (model, pair))
    assert dict(zip(model.labels, (summed - alone).round(4), strict=True)) == {
        "Cardiomegaly": 1.5,
        "Effusion": 0.0,
    }


@pytest.mark.parametrize("pixels", [np.zeros((20, 50)), np.full((64, 64), 0.3)])
def test_films_without_content_are_refused(model: predict.Model, pixels: np.ndarray) -> None:
    image = Radiograph(pixels.astype(np.float32), "d")
    with pytest.raises(UnsuitableInputError):
        predict.classify(model, image)


def test_findings_rank_by_odds_above_the_operating_point() -> None:
    found = Findings({"A": 0.3, "B": 0.02, "C": 0.5}, {"A": 0.4, "B": 0.01, "C": 0.5}, "m", 64)
    assert found.above == ("B", "C")
    assert found.ranked == ("B", "C", "A")
    assert not found.is_above("A")


@pytest.mark.parametrize("bad", [{"A": 1.5}, {"A": float("nan")}, {"B": 0.5}])
def test_findings_refuse_what_is_no_probability(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Findings(bad, {"A": 0.5}, "m", 64)


@pytest.mark.parametrize("method", heatmaps.METHODS)
def test_heat_maps_cover_the_film(explained: gradients.Explained, method: str) -> None:
    told: list[float] = []
    found = gradients.heat_map(
        explained, film(), "Effusion", method=method, progress=lambda done, _: told.append(done)
    )
    assert found.values.shape == (90, 120)
    assert found.values.min() >= 0 and found.values.max() <= 1
    assert found.cells_hw == (4, 4)
    assert bool(told) == (method == gradients.SCORE_CAM)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layers_are_rectified_and_finer_ones_give_finer_maps(architecture: str) -> None:
    network, _ = networks_of(architecture)
    seen = torch.rand(1, 1, 64, 64)
    found = [gradients._activations(network, seen, network.layer(name)) for name in heatmaps.LAYERS]
    assert [maps.shape[-1] for maps in found] == [16, 8, 4, 4]
    assert all(float(maps.min()) >= 0 for maps in found)


@pytest.mark.parametrize("mirrored", [False, True])
def test_class_map_is_grad_cam(mirrored: bool) -> None:
    """The opening map, without gradients, is that of `grad-cam` on the last layer."""
    network, answering = networks_of()
    model = predict.Model(**{**vars(model_of()), "mirrored": mirrored})
    seen = predict.network_input(model, film())
    views = [seen, np.ascontiguousarray(seen[:, ::-1])] if mirrored else [seen]
    for target, finding in enumerate(LABELS):
        ours = heatmaps.class_cells(model, seen, target)
        theirs = [gradients.cells_of(network, v, target, "Grad-CAM", "last") for v in views]
        expected = np.mean([theirs[0], *(other[:, ::-1] for other in theirs[1:])], axis=0)
        np.testing.assert_allclose(ours, expected, atol=1e-4)
        explained = gradients.Explained((network,), LABELS, 64, mirrored)
        shown = gradients.heat_map(explained, film(), finding).values
        opening = heatmaps.class_map(model, film(), finding).values
        np.testing.assert_allclose(opening, shown, atol=1e-4)
    assert answering.outputs == OUTPUTS


def test_worker_explains_the_model_that_answers() -> None:
    """Grad-CAM in the worker, on the shipped weights and both views, is the opening map."""
    card = load_card("chest", "findings")
    image = chest_phantom(3, shape=(96, 104)).image
    opening = heatmaps.class_map(predict.load_model(card), image, "Effusion")
    found = gradients.explain(card, image, "Effusion", "Grad-CAM", "last")
    np.testing.assert_allclose(opening.values, found.values, atol=1e-3)
    assert gradients.features(card, image, "1/4", 4).total == 144


def test_mirrored_model_is_explained_on_both_views() -> None:
    both = predict.Model(**{**vars(model_of()), "mirrored": True})
    image = film((80, 80))
    turned = image.with_pixels(np.ascontiguousarray(image.pixels[:, ::-1]), "mirrored")
    first, second = (heatmaps.class_map(both, one, "Effusion").values for one in (image, turned))
    np.testing.assert_allclose(first, second[:, ::-1], atol=1e-3)


def test_feature_maps_come_strongest_first(
    model: predict.Model, explained: gradients.Explained
) -> None:
    found = gradients.feature_maps(explained, film(), layer="1/8", count=6)
    assert found.maps.shape == (6, 8, 8)
    assert list(found.strengths) == sorted(found.strengths, reverse=True)
    assert found.total == 192  # the rectified expansion, not the bottleneck of 32
    last = heatmaps.last_features(model, film(), count=6)
    again = gradients.feature_maps(explained, film(), count=6)
    assert last.channels == again.channels and last.total == 1280
    np.testing.assert_allclose(last.maps, again.maps, atol=1e-4)


@pytest.mark.parametrize("wrong", [{"method": "none"}, {"layer": "none"}])
def test_unknown_choices_are_loud(explained: gradients.Explained, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        gradients.heat_map(explained, film(), "Effusion", **wrong)  # type: ignore[arg-type]


def test_masks_have_the_size_of_the_film() -> None:
    torch.manual_seed(0)
    drawer = segment.SegmentModel(weights.InTraining(UNet().eval()), CLASSES, 64)
    masks = segment.segment(drawer, film())
    assert set(masks) == {"left_lung", "right_lung", "heart"}
    assert all(mask.shape == (90, 120) and mask.dtype == bool for mask in masks.values())
    assert not (masks["heart"] & masks["left_lung"]).any()


def test_mirrored_film_swaps_the_lungs() -> None:
    torch.manual_seed(0)
    drawer = segment.SegmentModel(weights.InTraining(UNet().eval()), CLASSES, 64)
    seen = film((64, 64)).pixels
    shares = segment._shares(drawer, seen)
    turned = segment._shares(drawer, np.ascontiguousarray(seen[:, ::-1]))[:, :, ::-1]
    np.testing.assert_allclose(shares[1], turned[2], atol=1e-4)
    np.testing.assert_allclose(shares[3], turned[3], atol=1e-4)


def test_wrong_weights_are_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.onnx_runtime.open_network.__defaults__", (tmp_path, None))
    (tmp_path / "w.onnx").write_bytes(b"not weights")
    card = ModelCard(
        "x", "X", "chest", "findings", "", "w.onnx", "0" * 64, "", "", "", "mobilenet_v2",
        (1, 64, 64), ("Effusion",),
    )  # fmt: skip
    with pytest.raises(WeightsError, match="not opened"):
        predict.load_model(card)


@pytest.mark.parametrize("card", task_cards("chest"), ids=lambda card: card.name)
def test_one_file_answers_and_fills_the_framework_alike(card: ModelCard) -> None:
    """On 20 phantoms, and on real films where they are."""
    films = [chest_phantom(seed, shape=(96, 104)).image for seed in range(20)]
    films += [read_film(case.path) for case in read_cases(DATA, "test")[:20]]
    side = card.input_shape[-1]
    seen = np.stack([network_film(image, side) for image in films])[:, None]
    if "heart" in card.labels:
        drawer = segment.load_model(card)
        (found,) = drawer.network(seen)
        module = weights.filled_segmenter(card)
        assert segment.segment(drawer, films[0])["heart"].any()
    else:
        model = predict.load_model(card)
        (network,) = model.networks.values()
        (found,) = network(seen, only=(weights.LOGITS,))
        module = weights.filled_classifier(card)
        assert tuple(predict.classify(model, films[0]).probabilities) == card.labels
        assert set(card.operating_points) == set(card.labels) == set(card.settings["calibration"])
    (expected,) = weights.InTraining(module)(seen)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_views_without_strength_are_the_film() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    view = training_view(grey, Strength(), np.random.default_rng(1))
    np.testing.assert_allclose(view, grey / np.float32(255), atol=1e-6)


def test_mirrored_views_are_mirror_images() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    view = training_view(grey, Strength(mirror=1.0), np.random.default_rng(1))
    np.testing.assert_allclose(view, grey[:, ::-1] / np.float32(255), atol=1e-3)


def scored(positives: int = 12, n: int = 40) -> evaluate.Labelled:
    truth = np.zeros((n, 2), np.float32)
    truth[:positives, 0] = 1
    truth[:3, 1] = 1
    found = np.linspace(0.9, 0.1, n, dtype=np.float32)[:, None].repeat(2, axis=1)
    px = np.where(np.arange(n) % 2, 64, 128)
    return evaluate.Labelled(("A", "B"), truth, found, px, tuple(f"{i}.png" for i in range(n)))


def test_rare_findings_are_null_and_left_out_of_the_mean() -> None:
    found = evaluate.label_metrics(scored(), draws=20)
    assert found["auroc"] == {"A": 1.0, "B": None}
    assert found["mean_auroc"] == 1.0


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), None),
        (np.array([[1.0], [0.0]]), np.array([[1.0], [0.0]]), 0.0),
        (np.array([[1.0], [0.0]]), np.array([[0.5], [0.5]]), 0.0),
        (np.array([[1.0], [1.0]]), np.array([[0.5], [0.5]]), 0.5),
    ],
)
def test_calibration_error(truth: np.ndarray, found: np.ndarray, expected: float | None) -> None:
    error = evaluate.calibration_error(truth.astype(np.float32), found.astype(np.float32))
    assert np.isnan(error) if expected is None else error == pytest.approx(expected)


def test_report_has_the_contract_with_and_without_parts() -> None:
    nothing = scored().part(np.zeros(40, bool))
    for labelled, n in ((scored(), 40), (nothing, 0)):
        found = without_nan(evaluate.report(labelled, [], draws=10))
        top = {"mean_auroc", "auroc", "ece", "dice_heart", "dice_lungs", "ctr_mae", "n", "by_px"}
        assert top <= set(found)
        assert found["n"] == n and found["dice_heart"] is None
        assert set(found["by_px"]) == {"128", "64"}
        assert set(found["by_px"]["64"]["auroc"]) == {"A", "B"}
        assert "cases" not in found
    assert found["mean_auroc"] is None


def test_calibration_brings_back_true_odds() -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(-1, 1.5, (4000, 2)).astype(np.float32)
    truth = (rng.random((4000, 2)) < 1 / (1 + np.exp(-odds))).astype(np.float32)
    fitted = export.fit_calibration(odds * 2 + 1, truth, ("A", "B"))
    for slope, offset in fitted.values():
        assert slope == pytest.approx(0.5, abs=0.08)
        assert offset == pytest.approx(-0.5, abs=0.15)


def test_operating_points_leave_a_tenth_of_the_negatives_above() -> None:
    found = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    points = export.operating_points(found, np.zeros((101, 1), np.float32), ("A",))
    assert points["A"] == pytest.approx(0.9, abs=0.01)


def test_cases_follow_the_table(tmp_path: Path) -> None:
    assert read_cases(tmp_path, "test") == []
    columns = ["file", "split", "px", *FINDINGS]
    with (tmp_path / "labels.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, restval="0")
        writer.writeheader()
        writer.writerow({"file": "img/a.jpg", "split": "test", "px": "64", "Effusion": "1"})
        writer.writerow({"file": "img/b.jpg", "split": "val", "px": "128"})
    (case,) = read_cases(tmp_path, "test")
    assert case.findings == {"Effusion"} and case.px == 64
    assert len(read_cases(tmp_path)) == 2
