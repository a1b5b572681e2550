"""The second look: what it is shown, what it does to boxes and scores, and how it is weighed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.detections import Boxes, Detections, iou_matrix
from core.fracture.fusion import Fusion
from core.images import FloatArray, Radiograph, digest_of
from models.cards import load_card
from models.fracture import crops
from models.fracture.candidate_films import Film, keep_proposals, read_films
from models.fracture.crops import SIDE_PX, View, crop, moved, offsets
from models.fracture.predict import Model, candidates, load_first, load_model, proposals
from models.fracture.rescore import MOST_PLACES, Rescorer, looked_again, places, rescored
from models.fracture.weigh import best_threshold, choose, looked_at, map50, matched, scores_apart

BOX = np.array([85, 110, 125, 140], np.float32)
TRUE = np.array([80, 120, 110, 140], np.float32)
SHAPE = (300, 200)
EVEN = Fusion(0.0, 1.0, 1.0)


def film(*bright: Boxes) -> FloatArray:
    """A dark film with bright boxes."""
    pixels = np.full(SHAPE, 0.1, np.float32)
    for box in bright:
        x0, y0, x1, y1 = box.astype(int)
        pixels[y0:y1, x0:x1] = 0.9
    return pixels


def radiograph(*bright: Boxes) -> Radiograph:
    pixels = film(*bright)
    return Radiograph(pixels, digest_of(pixels))


def around(seen: FloatArray) -> Boxes:
    """The box around what is bright."""
    ys, xs = np.nonzero(seen > 0.5)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)


@pytest.mark.parametrize("quarter_turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_crop_shows_box_and_surroundings_where_the_offsets_say(
    mirrored: bool, quarter_turns: int
) -> None:
    view = View(mirrored=mirrored, quarter_turns=quarter_turns)
    grey, mask = crop(film(TRUE), BOX, view)
    assert grey.shape == mask.shape == (SIDE_PX, SIDE_PX)
    middle = (around(mask)[:2] + around(mask)[2:]) / 2
    np.testing.assert_allclose(middle, SIDE_PX / 2, atol=1)
    seen = offsets(around(mask), around(grey))
    np.testing.assert_allclose(seen, offsets(BOX, TRUE, view), atol=0.05)


def test_small_box_keeps_its_surroundings() -> None:
    small = np.array([100, 150, 104, 156], np.float32)
    _, mask = crop(film(), small)
    assert mask.sum() == pytest.approx(4 * 6 * (SIDE_PX / crops.LEAST_PX) ** 2, rel=0.1)


def test_box_moved_by_its_offsets_is_the_true_one() -> None:
    by = offsets(BOX, TRUE)[None]
    np.testing.assert_allclose(moved(BOX[None], by)[0], TRUE, atol=1e-3)


def sees_bright(seen: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Stands in for the network: sure where the middle of a crop is bright, and of its box."""
    middle = seen[:, 0, SIDE_PX // 2 - 4 : SIDE_PX // 2 + 4, SIDE_PX // 2 - 4 : SIDE_PX // 2 + 4]
    log_odds = np.where(middle.mean(axis=(1, 2)) > 0.5, 3.0, -3.0).astype(np.float32)
    by = [
        offsets(around(mask), around(grey)) if grey.max() > 0.5 else np.zeros(4)
        for grey, mask in seen
    ]
    return log_odds, np.asarray(by, np.float32)


def found(*rows: tuple[Boxes, float]) -> Detections:
    return Detections(np.stack([box for box, _ in rows]), np.array([s for _, s in rows]))


FAR = np.array([20, 30, 60, 70], np.float32)


def test_second_look_puts_the_right_box_first() -> None:
    first = found((FAR, 0.6), (BOX, 0.3), (BOX + 1, 0.2))
    second, image = Rescorer(sees_bright, EVEN, 0.0, 0.6), radiograph(TRUE)
    looks = looked_again(second, image, first)
    after = rescored(second, image, first, looks)
    np.testing.assert_allclose(after.boxes_xyxy[:2], [BOX, BOX + 1])  # of one place, in order
    assert after.scores[0] > after.scores[1] > after.scores[2]
    assert len(after.suppressed(0.6)) == 2
    np.testing.assert_allclose(looks.scores, [after.scores[2], after.scores[0]], rtol=1e-5)


@pytest.mark.parametrize(("share", "least"), [(0.0, 0.3), (0.5, 0.5), (1.0, 0.9)])
def test_box_goes_a_share_of_the_way(share: float, least: float) -> None:
    second, image, first = (
        Rescorer(sees_bright, EVEN, share, 0.6),
        radiograph(TRUE),
        found((BOX, 0.4)),
    )
    after = rescored(second, image, first, looked_again(second, image, first))
    overlap = float(iou_matrix(after.boxes_xyxy, TRUE[None])[0, 0])
    assert least < overlap <= least + 0.35


def test_nothing_proposed_stays_nothing() -> None:
    none = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    weak = found((BOX, 0.004))
    for some in (none, weak):
        second, image = Rescorer(sees_bright, EVEN, 0.5, 0.6), radiograph(TRUE)
        assert len(rescored(second, image, some, looked_again(second, image, some))) == 0


def test_no_more_places_than_agreed_are_looked_at() -> None:
    boxes = [(np.array([x, y, x + 8, y + 8], np.float32), 0.5) for x in range(0, 190, 20)
             for y in range(0, 290, 60)]  # fmt: skip
    assert len(places(found(*boxes), 0.6)) == MOST_PLACES < len(boxes)


def test_detector_without_second_look_keeps_its_scores() -> None:
    def forward(seen: FloatArray) -> tuple[Boxes, FloatArray]:
        return BOX[None] + [12, 10, 12, 10], np.array([0.3], np.float32)  # within the padding

    model = Model(forward, (300,))
    image = radiograph(TRUE)
    np.testing.assert_array_equal(candidates(model, image).scores, proposals(model, image).scores)
    looked = replace(model, rescorer=Rescorer(sees_bright, EVEN, 0.0, 0.6))
    assert candidates(looked, image).scores[0] > proposals(looked, image).scores[0] > 0.2


def kept(truth: Boxes | None, *rows: tuple[Boxes, float]) -> Film:
    bright = film() if truth is None else film(truth)
    grey = np.rint(bright * 255).astype(np.uint8)[None]
    true = np.zeros((0, 4), np.float32) if truth is None else truth[None]
    none = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    return Film(grey, true, found(*rows) if rows else none, truth is not None)


def films() -> list[Film]:
    """The detector prefers the wrong box, and its right one lies beside the fracture."""
    return [
        kept(TRUE + 3 * n, (FAR, 0.5), (BOX + 3 * n, 0.2 + n / 100)) if n % 2 else
        kept(None, (FAR, 0.4)) if n % 4 else kept(None)
        for n in range(20)
    ]  # fmt: skip


def test_weighing_finds_what_raises_the_precision() -> None:
    some = films()
    looks = {share: looked_at(sees_bright, some, share) for share in (0.0, 1.0)}
    before = map50(some, [one.found.scores for one in some])
    choice = choose(looks, np.arange(len(some)))
    assert choice.share == 1.0 and choice.weight > 0
    seen, own = looks[1.0]
    scores = [
        choice.fusion.probabilities(f.found.scores, o) for f, o in zip(seen, own, strict=True)
    ]
    assert before < 0.1 < 0.9 < map50(seen, scores)
    assert map50(*scores_apart(looks)) > 0.9
    threshold, f1 = best_threshold(matched(seen, scores))
    assert 0 < threshold < 1 and f1 > 0.9


def test_kept_proposals_come_back_film_by_film(tmp_path: Path) -> None:
    import cv2

    (tmp_path / "images").mkdir()
    table, boxes = ["file,split,fractured"], ["file,xmin,ymin,xmax,ymax"]
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / "images" / name), np.rint(film(TRUE) * 255).astype(np.uint8))
        table.append(f"{name},train,{int(name == 'b.png')}")
    boxes.append("b.png," + ",".join(str(v) for v in TRUE))
    (tmp_path / "images.csv").write_text("\n".join(table))
    (tmp_path / "boxes.csv").write_text("\n".join(boxes))
    none = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    keep_proposals(tmp_path / "train.npz", [none, found((BOX, 0.4), (FAR, 0.2))])
    first, second = read_films(tmp_path, "train", tmp_path / "train.npz", (2.0, 0.0))
    assert (len(first.found), first.fractured) == (0, False)
    assert second.grey.shape == (2, *SHAPE) and second.grey.dtype == np.uint8
    np.testing.assert_allclose(second.found.boxes_xyxy, [BOX, FAR])
    np.testing.assert_allclose(second.truth_xyxy, [TRUE])
    with pytest.raises(ValueError, match="of 2 films, not of 1"):
        read_films(tmp_path, "train", tmp_path / "train.npz", (2.0,), 1)


def test_stopped_training_goes_on_and_its_file_answers_alike(tmp_path: Path) -> None:
    import torch

    from models.fracture.export import export_rescorer
    from models.fracture.rescorer_network import Rescorer as Network
    from models.fracture.train_rescorer import RescorerPlan, torch_read, train_rescorer
    from models.onnx_runtime import open_file

    torch.manual_seed(0)
    plan = RescorerPlan(epochs=1, steps=2, batch=4, val_every=1)
    network, some = Network(), films()
    train_rescorer(network, some, some, tmp_path, plan)
    checkpoint = train_rescorer(Network(), some, some, tmp_path, replace(plan, epochs=2))
    saved = torch.load(checkpoint, weights_only=True)
    assert (saved["epoch"], saved["updates"]) == (2, 4)
    network.load_state_dict(saved["average"])
    network.eval()
    seen = np.stack([crop(film(TRUE), BOX), crop(film(), FAR), crop(film(FAR), FAR)])
    export_rescorer(network, tmp_path / "rescorer.onnx")
    for one, other in zip(
        open_file(tmp_path / "rescorer.onnx")(seen), torch_read(network)(seen), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=0.02)


def test_shipped_detector_looks_twice() -> None:
    card = load_card("fracture", "detector")
    from core.phantoms.limb.phantom import limb_phantom, random_limb

    image, _ = limb_phantom(random_limb(3, fractured=True))
    both, first = candidates(load_model(card), image), candidates(load_first(card), image)
    assert len(first) and len(both)
    assert not np.isclose(both.scores[0], first.scores[0])
