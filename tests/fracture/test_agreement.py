"""The page's rule for a hit, what is said of a film, and a film made worse."""

from __future__ import annotations

import re

import numpy as np
import pytest

from core import report as reports
from core.detections import Detections
from core.files import write as exports
from core.fracture import report
from core.fracture.agreement import Answer, agreement, elsewhere, outcome, score_on_truth, verdict
from core.fracture.degrade import DEGRADATIONS, degraded
from core.fracture.matching import above, best_on_truth, match, reaches
from core.images import Radiograph, digest_of
from core.phantoms.limb.phantom import KINDS, LimbPhantom, limb_phantom

TRUTH = np.array([[10, 20, 30, 60]], np.float32)
NONE = np.zeros((0, 4), np.float32)
EMPTY = Detections(NONE, np.zeros(0, np.float32))


def boxes(*rows: tuple[float, float, float, float], first: float = 0.9) -> Detections:
    scores = first - 0.1 * np.arange(len(rows))
    return Detections(np.array(rows, np.float32).reshape(-1, 4), scores.astype(np.float32))


@pytest.mark.parametrize(
    ("found", "truth", "names"),
    [
        (EMPTY, TRUTH, ()),
        (boxes((0, 0, 5, 5)), NONE, ("false alarm",)),
        (boxes((11, 20, 30, 60)), TRUTH, ("hit",)),
        (boxes((16, 30, 24, 44)), TRUTH, ("hit",)),  # small, with its centre inside
        (boxes((25, 20, 60, 60)), TRUTH, ("near miss",)),
        (boxes((40, 20, 60, 60)), TRUTH, ("false alarm",)),
        (boxes((10, 20, 30, 60), (12, 22, 28, 58)), TRUTH, ("hit", "second box")),
    ],
)
def test_every_box_is_called_what_it_is(
    found: Detections, truth: np.ndarray, names: tuple[str, ...]
) -> None:
    result = match(found, truth)
    assert result.names == names
    assert result.hit.tolist() == [name == "hit" for name in names]
    assert int(result.found.sum()) == names.count("hit")
    assert [row.match for row in exports.box_rows(found, against_truth=result)] == list(names)


def test_a_label_and_its_rule_are_rounded_alike() -> None:
    found = Detections(np.tile(TRUTH, (3, 1)), np.array([0.1849, 0.1751, 0.1749], np.float32))
    kept = above(found, 0.18)
    assert [f"{score:.2f}" for score in kept.scores] == ["0.18", "0.18"]
    assert [reaches(p, 0.5) for p in (0.495, 0.4949, 0.51)] == [True, False, True]


@pytest.mark.parametrize(
    ("found", "truth", "pile"),
    [
        (EMPTY, NONE, "true negative"),
        (EMPTY, TRUTH, "miss"),
        (boxes((10, 20, 30, 60), (12, 22, 28, 58)), TRUTH, "hit"),
        (boxes((10, 20, 30, 60), (50, 50, 60, 60)), TRUTH, "false alarm"),
        (boxes((10, 20, 30, 60)), NONE, "false alarm"),
        (boxes((25, 20, 60, 60)), TRUTH, "miss"),
    ],
)
def test_film_goes_to_its_pile(found: Detections, truth: np.ndarray, pile: str) -> None:
    assert outcome(found, truth) == pile


@pytest.mark.parametrize(
    ("found", "probability", "truth", "tone", "said"),
    [
        (
            EMPTY,
            0.2,
            None,
            "clear",
            "No fracture found:** no box at 0.18 or above, classifier 20\u00a0%",
        ),
        (EMPTY, 0.2, NONE, "clear", "Ground truth: no fracture (true negative)"),
        (EMPTY, 0.2, TRUTH, "problem", "Fracture missed** (1 fracture in the ground truth)"),
        (boxes((10, 20, 30, 60)), 0.9, None, "attention", "suspected:** 1 box, highest 0.90"),
        (
            boxes((10, 20, 30, 60)),
            0.9,
            NONE,
            "attention",
            "Ground truth: no fracture (false alarm)",
        ),
        (boxes((25, 20, 60, 60)), 0.2, TRUTH, "attention", "by the detector alone:**"),
        (boxes((25, 20, 60, 60)), 0.9, TRUTH, "attention", "0 of 1 boxed, 1 near miss"),
        (EMPTY, 0.9, None, "attention", "by the classifier alone:** no box"),
    ],
)
def test_verdict_is_one_line(
    found: Detections, probability: float, truth: np.ndarray | None, tone: str, said: str
) -> None:
    result = None if truth is None else match(found, truth)
    answer = Answer(found, 0.18, probability, 0.5, 0.4, result)
    assert verdict(answer)[0] == tone
    assert said in verdict(answer)[1]
    agree = (len(found) > 0) == (probability >= 0.5)
    assert agreement(answer)[0] is agree
    assert ("disagree" in agreement(answer)[1]) is not agree


@pytest.mark.parametrize(
    ("lift", "away"), [(0.0, True), (1.9, True), (2.1, False), (np.nan, False)]
)
def test_a_flat_map_looked_elsewhere(lift: float, away: bool) -> None:
    assert elsewhere(lift) is away


@pytest.mark.parametrize(("found", "score"), [(EMPTY, 0.0), (boxes((10, 20, 30, 60)), 0.9)])
def test_score_on_the_fracture(found: Detections, score: float) -> None:
    assert best_on_truth(found, TRUTH) == pytest.approx(score)
    assert score_on_truth(found, TRUTH) == pytest.approx(score)
    assert best_on_truth(found, NONE) == 0


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_film_gets_worse_in_small_steps_and_keeps_its_shape(name: str) -> None:
    rng = np.random.default_rng(0)
    pixels = np.kron(rng.uniform(0.2, 0.8, (60, 80)), np.ones((6, 6))).astype(np.float32)
    image = Radiograph(pixels, digest_of(pixels), spacing_mm=(0.2, 0.3))
    values = DEGRADATIONS[name].values
    films = [degraded(image, name, value) for value in values]
    assert films[0] is image
    assert len({film.digest for film in films}) == len(values)
    assert {film.shape for film in films} == {(360, 480)}
    change = [float(np.abs(film.pixels - pixels).mean()) for film in films]
    assert change == sorted(change)
    assert change[-1] > 0.02


def test_unknown_degradation_is_refused() -> None:
    image = Radiograph(np.zeros((4, 6), np.float32), "d")
    with pytest.raises(ValueError, match="Noise"):
        degraded(image, "Rust", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_hung_limbs_are_upright_with_the_trunk_up_and_fingers_up(kind: str) -> None:
    for seed in (5, 7):
        film, _ = limb_phantom(LimbPhantom(seed=seed, kind=kind, hung=True, noise=0))
        height, width = film.shape
        assert height > width
        # An arm or a leg is thicker towards the trunk, and a hand towards the wrist.
        inside = film.pixels[height // 8 : -height // 8, width // 6 : -width // 6]
        upper, lower = np.array_split(inside, 2)
        assert bool(upper.mean() < lower.mean()) == (kind == "hand")


def test_report_stands_alone_and_escapes() -> None:
    picture = np.zeros((20, 30), np.uint8)
    found = boxes((10, 20, 30, 60))
    rows = exports.box_rows(found, (0.5, 0.5), match(found, TRUTH))
    page = reports.page(
        "Fracture", "a<b>.png", pictures=[("Film", picture)], parts=[("Boxes", report.boxes(rows))]
    ).decode()
    assert "a&lt;b&gt;.png" in page
    assert "10.0 × 20.0 mm (20 × 40 px)" in page
    assert "<td>hit</td>" in page
    assert "not for diagnosis" in page
    assert not re.search(r'(src|href)="http', page)
