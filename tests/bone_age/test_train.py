"""Bone age: training, with tiny networks and simple films."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.bone_age import whole_hand
from core.bone_age.cases import read_bone_age_cases
from models.bone_age import augment
from tests.bone_age.films import SHAPE, film


def test_training_goes_from_films_to_smaller_errors(folder: Path) -> None:
    import keras

    from models.bone_age import network, train
    from models.bone_age import train_films as made

    keras.utils.set_random_seed(0)
    cases = read_bone_age_cases(folder, "test")[:3]
    films = np.stack([np.full((32, 32), level, np.uint8) for level in (30, 120, 220)])
    model = network.small_cnn((32, 32), filters=4, dropout=0.0)
    batches = made.Films(films, cases, augment.NO_AUGMENTATION, batch=3, seed=0)
    before = np.abs(train.predicted(model, films, cases) - [60, 120, 180]).mean()
    train.fit(model, batches, lambda: 0.0, epochs=150, rate=5e-3, report=False)
    after = np.abs(train.predicted(model, films, cases) - [60, 120, 180]).mean()
    assert after < before / 2


def test_stopped_training_goes_on_to_the_same_bits(folder: Path, tmp_path: Path) -> None:
    import keras

    from models.bone_age import network, train
    from models.bone_age import train_films as made

    cases = read_bone_age_cases(folder, "test")[:3] * 2
    films = np.random.default_rng(0).integers(0, 255, (6, 32, 32), np.uint8)

    def run(backup: Path, stop_after: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(0)
        model = network.small_cnn((32, 32), filters=4, dropout=0.5)
        batches = made.Films(films, cases, augment.Augmentation(), batch=2, seed=0)

        def stop(epoch: int, error: float) -> None:
            if epoch == stop_after:
                raise InterruptedError

        common = {"epochs": 4, "rate": 1e-2, "average": 0.9, "backup": backup, "on_epoch": stop}
        train.fit(model, batches, lambda: 0.0, **common)
        return model.get_weights()

    whole = run(tmp_path / "whole", -1)
    with pytest.raises(InterruptedError):
        run(tmp_path / "stopped", 1)
    resumed = run(tmp_path / "stopped", -1)
    assert all(np.array_equal(one, other) for one, other in zip(whole, resumed, strict=True))


def test_simulated_hands_cover_all_ages_with_seeds_of_their_own(tmp_path: Path) -> None:
    from models.bone_age.simulated import TRAIN_SEED, prepare_simulated, simulated_hands

    hands = simulated_hands(3, TRAIN_SEED)
    assert [(hand.months, hand.sex) for hand in hands] == [(12, "F"), (120, "M"), (228, "F")]
    assert min(hand.seed for hand in hands) > 9999  # pages and tests use smaller ones
    stages = whole_hand.stages(shape=SHAPE)
    films = prepare_simulated(hands[:1], stages, SHAPE, tmp_path / "a.npy")
    assert films.shape == (1, *SHAPE) and films.max() > 100
    assert np.array_equal(films, prepare_simulated(hands[:1], stages, SHAPE, tmp_path / "a.npy"))


def test_hands_to_train_with_differ_in_more_than_their_age() -> None:
    from models.bone_age.simulated import TRAIN_SEED, simulated_hands, varied

    hands = simulated_hands(20, TRAIN_SEED)
    made = varied(hands)
    assert made == varied(hands)
    assert [(hand.seed, hand.months) for hand in made] == [(h.seed, h.months) for h in hands]
    assert len({hand.density for hand in made}) == len({hand.noise for hand in made}) == 20
    assert len({hand.shape for hand in made}) > 1
    drawn = made[3].drawn
    assert drawn.image.pixels.shape == made[3].shape and drawn.age_months == made[3].months


def test_epoch_takes_all_films_and_some_simulated_hands(folder: Path) -> None:
    from models.bone_age import train_films as made

    cases = read_bone_age_cases(folder, "test")[:3]
    films = np.zeros((9, 8, 8), np.uint8)
    batches = made.Films(
        films,
        [*cases, *cases, *cases],
        augment.NO_AUGMENTATION,
        batch=1,
        seed=0,
        some=2,
        of_last=6,
    )
    orders = []
    for epoch in range(8):
        batches.begin(epoch)
        orders.append(list(batches.order))
    assert all(sorted(order)[:3] == [0, 1, 2] for order in orders)
    assert all(len(set(order)) == len(order) == len(batches) == 5 for order in orders)
    assert len({tuple(sorted(order)[3:]) for order in orders}) > 2


@pytest.mark.parametrize(
    ("errors", "share"),
    [
        ({0.0: 9.0, 0.5: 9.04, 1.0: 9.3}, 0.5),
        ({0.0: 9.0, 0.5: 9.2, 1.0: 9.05}, 1.0),
        ({0.0: 9.0, 0.5: 9.2, 1.0: 9.3}, 0.5),
        ({0.0: 9.0, 0.5: 8.1, 1.0: 8.9}, 1.0),
    ],
)
def test_weights_go_as_far_as_val_allows(errors: dict[float, float], share: float) -> None:
    from models.bone_age.train_steps import furthest

    assert furthest(errors, 0.05) == share


def test_augmentation_keeps_shape_and_range_and_repeats_with_its_seed() -> None:

    picture = (255 * film(64, 48).pixels).astype(np.uint8)
    how = augment.Augmentation()
    one, again = (augment.augmented(picture, how, np.random.default_rng(3)) for _ in range(2))
    assert one.shape == picture.shape and one.min() >= 0 and one.max() <= 1
    assert np.array_equal(one, again)
    plain = augment.augmented(picture, augment.NO_AUGMENTATION, np.random.default_rng(3))
    assert np.allclose(plain, picture / 255, atol=1e-6)


def test_half_width_holds_the_promised_share_of_errors() -> None:
    from models.bone_age.calibrate import half_width

    errors = np.arange(1, 100, dtype=float)  # 99 errors: the 90th of them
    assert half_width(errors) == 90
    assert half_width(errors[::-1].copy(), 0.5) == 50
    assert half_width(np.array([3.0])) == 3  # too few to promise more than the largest
