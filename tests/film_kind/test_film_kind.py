"""What a film is: refusals in words, chest films set upright, and the shipped network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.film_kind import (
    EXPECTED,
    KINDS,
    ORIENTATIONS,
    FilmKind,
    refusal,
    reoriented,
    turned,
)
from core.images import FloatArray, Radiograph, digest_of
from core.phantoms.chest.phantom import chest_phantom
from core.phantoms.hand.phantom import hand_phantom
from core.phantoms.head.phantom import random_head
from core.phantoms.limb.phantom import limb_phantom, random_limb
from models.cards import load_card
from models.film_kind.films import Film, grey_of, phantom_films, real_films
from models.film_kind.out_of_distribution import foreign_picture
from models.film_kind.predictions import table
from models.film_kind.recognise import Model, film_kinds, load_model, network_input, recognise

POINTS = {"hand": 0.2, "chest": 0.2, "turned": 0.7, "inverted": 0.7, "contrast": 0.02}


@pytest.fixture(scope="module")
def shipped() -> Model:
    return load_model(load_card("film_kind", "film_kind"))


def radiograph(pixels: NDArray[Any]) -> Radiograph:
    film = np.ascontiguousarray(pixels, np.float32)
    return Radiograph(film, digest_of(film), spacing_mm=(0.2, 0.3))


def answer(
    kind: str = "hand",
    share: float = 0.9,
    *,
    orientation: str = "upright",
    clear: float = 0.97,
    inverted: float = 0.01,
    contrast: float = 0.8,
) -> FilmKind:
    """An answer with `share` for one kind and the rest for the others in equal parts."""
    rest = (1 - share) / (len(KINDS) - 1)
    return FilmKind(
        {k: share if k == kind else rest for k in KINDS},
        {o: clear if o == orientation else (1 - clear) / 3 for o in ORIENTATIONS},
        inverted,
        contrast,
        POINTS,
    )


@pytest.mark.parametrize(("wanted", "kind"), [("hand", "hand"), ("chest", "chest")])
def test_page_answers_for_its_own_kind(wanted: str, kind: str) -> None:
    assert refusal(answer(kind), wanted) is None


@pytest.mark.parametrize(
    ("kind", "wanted", "found"),
    [
        ("chest", "hand", "a chest from the front"),
        ("other hand", "hand", "more than one hand"),
        ("limb", "hand", "foot"),
        ("hand", "chest", "one whole hand"),
        ("cross-section", "chest", "a slice through a head"),
        ("other", "chest", "no radiograph"),
    ],
)
def test_refusal_says_what_was_found_and_expected(kind: str, wanted: str, found: str) -> None:
    sentence = refusal(answer(kind), wanted)
    assert sentence is not None
    said, expected = sentence.split("Expected is ")
    assert found in said
    assert ("wrist" if wanted == "hand" else "both lungs") in expected
    assert "show it anyway" in expected


def test_doubtful_film_is_not_refused() -> None:
    assert refusal(answer("other hand", 0.5), "hand") is not None  # 0.1 is left for a hand
    unsure = dict.fromkeys(KINDS, 0.0) | {"hand": 0.25, "other hand": 0.75}
    kind = FilmKind(unsure, answer().orientations, 0.0, 0.8, POINTS)
    assert refusal(kind, "hand") is None


def test_poor_film_is_refused_with_its_reason() -> None:
    sentence = refusal(answer("hand", contrast=0.004), "hand")
    assert sentence is not None
    assert "nearly of one grey" in sentence
    assert "0.4\u00a0%" in sentence


def test_refusal_knows_two_pages_only() -> None:
    with pytest.raises(ValueError, match="wanted"):
        refusal(answer(), "cross-section")


def test_answer_needs_every_kind() -> None:
    with pytest.raises(ValueError, match="kinds"):
        FilmKind({"hand": 1.0}, answer().orientations, 0.0, 0.5)


@pytest.mark.parametrize(
    ("orientation", "clear", "inverted", "words"),
    [
        ("upright", 0.97, 0.1, None),
        ("turned left", 0.6, 0.6, None),  # neither is clear
        ("turned left", 0.97, 0.1, "to the left"),
        ("turned right", 0.97, 0.99, "to the right and inverted"),
        ("upside down", 0.97, 0.1, "upside down"),
    ],
)
def test_turned_names_only_what_is_clear(
    orientation: str, clear: float, inverted: float, words: str | None
) -> None:
    kind = answer("chest", orientation=orientation, clear=clear, inverted=inverted)
    sentence = turned(kind)
    assert sentence is None if words is None else words in (sentence or "")


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_righted_undoes_the_turn(turns: int, inverted: bool) -> None:
    upright = np.random.default_rng(0).uniform(0, 1, (48, 64)).astype(np.float32)
    wrong = np.rot90(upright, turns)
    image = radiograph(1 - wrong if inverted else wrong)
    kind = answer("chest", orientation=ORIENTATIONS[turns], inverted=float(inverted))
    fixed = reoriented(image, kind)
    np.testing.assert_allclose(fixed.pixels, upright, atol=1e-6)
    assert fixed.spacing_mm == ((0.3, 0.2) if turns % 2 else (0.2, 0.3))
    assert (fixed.digest == image.digest) == (turns == 0 and not inverted)


def test_size_shape_and_exposure_do_not_reach_the_network() -> None:
    film = limb_phantom(random_limb(3))[0].pixels
    seen = network_input(film, 64)
    darker = network_input(film[:, ::2] * np.float32(0.4) + np.float32(0.1), 64)
    assert seen.shape == darker.shape == (64, 64)
    assert np.abs(seen - darker).mean() < 0.03
    assert network_input(np.full((40, 90), 0.5, np.float32), 64).max() == 0


def test_outputs_are_named_in_order() -> None:
    logits = np.full((1, 11), -9, np.float32)
    logits[0, [KINDS.index("cross-section"), len(KINDS) + 2, 10]] = 9
    (found,) = film_kinds(logits, [0.5], {})
    assert (found.kind, found.orientation, found.inverted) == ("cross-section", "upside down", True)
    assert sum(found.probabilities.values()) == pytest.approx(1)


def hand(seed: int) -> FloatArray:
    return hand_phantom(seed).image.pixels


def chest(seed: int) -> FloatArray:
    return chest_phantom(seed).image.pixels


def limb(seed: int) -> FloatArray:
    return limb_phantom(random_limb(seed))[0].pixels


def brain(seed: int) -> FloatArray:
    voxels = random_head(seed, 4.0).volume.voxels
    middle = np.rot90(voxels[:, :, voxels.shape[2] * 3 // 5])
    return (np.clip(middle / middle.max(), 0, 1)).astype(np.float32)


def picture(seed: int) -> FloatArray:
    return foreign_picture(np.random.default_rng(seed)).astype(np.float32) / np.float32(255)


@pytest.mark.parametrize(
    ("make", "wanted"),
    [(hand, {"hand", "limb"}), (chest, {"chest"}), (limb, {"limb"}), (brain, set())],
)
def test_phantoms_are_wanted_on_their_own_page_only(
    shipped: Model, make: Callable[[int], FloatArray], wanted: set[str]
) -> None:
    for seed in range(3):
        kind = recognise(shipped, radiograph(make(seed)))
        accepted = {page for page in ("hand", "chest", "limb") if refusal(kind, page) is None}
        assert accepted == wanted, (seed, kind.probabilities)


def test_tilted_dark_and_inverted_hands_are_hands(shipped: Model) -> None:
    for tilt in (-40, 40):
        pixels = hand_phantom(5, tilt_degrees=tilt).image.pixels
        for changed in (pixels, pixels * np.float32(0.15), 1 - pixels, np.rot90(pixels, 2)):
            assert refusal(recognise(shipped, radiograph(changed)), "hand") is None


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_turned_chest_is_set_upright(shipped: Model, turns: int, inverted: bool) -> None:
    upright = chest(7)
    wrong = np.rot90(1 - upright if inverted else upright, turns)
    kind = recognise(shipped, radiograph(wrong))
    assert refusal(kind, "chest") is None
    assert (turned(kind) is None) == (turns == 0 and not inverted)
    np.testing.assert_allclose(reoriented(radiograph(wrong), kind).pixels, upright, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_blank_film_is_too_poor(shipped: Model, value: float) -> None:
    noise = np.random.default_rng(1).normal(value, 0.004, (300, 200))
    kind = recognise(shipped, radiograph(np.clip(noise, 0, 1)))
    assert kind.too_poor
    assert refusal(kind, "hand") is not None
    assert refusal(kind, "chest") is not None


def test_weights_are_small() -> None:
    from models.cards import verified_weights

    card = load_card("film_kind", "film_kind")
    assert verified_weights(card).stat().st_size < 1_000_000
    assert card.labels == KINDS


def test_chest_view_knows_how_it_was_turned() -> None:
    from models.film_kind.augment import training_view

    film = Film(grey_of(chest_phantom(1).image), "chest", "chest phantoms")
    for seed in range(20):
        view = training_view(film, film, 64, np.random.default_rng(seed))
        assert view.pixels.shape == (64, 64)
        assert KINDS[view.kind] == "chest"
        assert view.orientation in range(4)
        assert view.inverted in (0, 1)
    again = training_view(film, film, 64, np.random.default_rng(19))
    np.testing.assert_array_equal(view.pixels, again.pixels)


def test_part_of_a_hand_and_two_hands_are_no_whole_hand() -> None:
    from models.film_kind.augment import training_view

    film = Film(grey_of(hand_phantom(1).image), "hand", "hand phantoms")
    views = [training_view(film, film, 64, np.random.default_rng(seed)) for seed in range(60)]
    kinds = {KINDS[view.kind] for view in views}
    assert kinds == {"hand", "other hand"}
    assert {view.orientation for view in views} == {-1}


def test_training_learns_and_exports_what_it_learned(tmp_path: Path) -> None:
    import torch

    from models.film_kind import train
    from models.film_kind.recognise import onnx_forward
    from models.onnx_runtime import open_file

    films = {
        "out of distribution": [
            Film(
                foreign_picture(np.random.default_rng(i)),
                "other",
                "out of distribution",
            )
            for i in range(4)
        ],
        "limb phantoms": [Film(grey_of(radiograph(limb(1))), "limb", "limb phantoms")],
    }
    network = train.train(films, train.Plan(steps=3, batch=4))
    train.export(network, tmp_path / "small.onnx")
    inputs = np.random.default_rng(0).uniform(0, 1, (3, 1, 64, 64)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(
        onnx_forward(open_file(tmp_path / "small.onnx"))(inputs), expected, atol=2e-2
    )


def bright_is_hand(films: FloatArray) -> NDArray[np.float32]:
    """Stands in for a network: a film with a bright middle is a hand, any other a chest."""
    logits = np.full((len(films), 11), -5, np.float32)
    bright = films[:, 0, 28:36, 28:36].mean(axis=(1, 2)) > 0.5
    logits[:, KINDS.index("hand")] = np.where(bright, 5, -5)
    logits[:, KINDS.index("chest")] = np.where(bright, -5, 5)
    logits[:, len(KINDS)] = 5
    return logits


def test_refusals_turns_and_polarity_are_counted_film_by_film() -> None:
    grey = np.zeros((80, 50), np.uint8)
    grey[20:60, 10:40] = 200
    films = [
        Film(grey, "hand", "bright"),
        Film(255 - grey, "chest", "dark"),
        Film(grey, "limb", "bright limbs"),
        Film(255 - grey, "other hand", "dark hands"),
    ]
    rows = table(Model(bright_is_hand, 64, POINTS), films).set_index("kind")
    assert rows["refused hand"].tolist() == rows["squeezed hand"].tolist() == [0, 1, 0, 1]
    assert rows["refused chest"].tolist() == [1, 0, 1, 0]
    # Of eight ways two are upright; polarity is never called wrong, and so right in four.
    assert rows.loc["chest", ["ways orientation", "ways polarity"]].tolist() == [2, 4]
    assert rows.loc["chest", "upright turned"] == 0


def test_missing_data_sets_are_left_out(tmp_path: Path) -> None:
    assert list(real_films(tmp_path, "val")) == []


def test_phantom_films_are_of_every_kind_but_other() -> None:
    kinds = [film.kind for film in phantom_films(0, 1)]
    assert set(kinds) == {"hand", "chest", "limb", "cross-section"}
    assert kinds.count("cross-section") == 9


def test_simulated_cross_sections_are_refused_everywhere(shipped: Model) -> None:
    from models.film_kind.cross_sections import cross_section

    for seed in range(12):
        grey = cross_section(np.random.default_rng([seed, 7]))
        kind = recognise(shipped, radiograph(grey.astype(np.float32) / np.float32(255)))
        assert {page for page in EXPECTED if refusal(kind, page) is None} == set(), seed
