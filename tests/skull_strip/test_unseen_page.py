"""Sources that a network has not seen, as Evaluation and the card show them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import predictions
from models.cards import load_card
from models.skull_strip import unseen
from models.skull_strip.unseen import EVERY, IXI, IXI_ONLY, OTHERS, SHIPS, UNSEEN, WITHOUT
from pages.tasks.skull_strip import experiments
from tests.page_runner import page

ABOUT = {"steps": 62, "threshold": 0.45}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study in which an unseen source costs a hundredth or two."""
    rng = np.random.default_rng(0)
    rows = []
    for source, count in ((IXI, 9), *((one, 1 + (one == "openms")) for one in OTHERS)):
        for number in range(count):
            level = rng.uniform(0.95, 0.97)
            asked = {SHIPS: 0.0, EVERY: 0.0, IXI_ONLY: 0.02}
            asked |= {} if source == IXI else {WITHOUT + source: 0.01}
            for network, lost in asked.items():
                dice = level - lost + rng.uniform(-0.001, 0.001)
                row = {"source": source, "file": f"t1/{source}{number}", "network": network}
                row |= dict.fromkeys(("dice", "iou", "dice_mask2", "iou_mask2"), dice)
                rows.append({**row, "hd95_mm": 2.0 + 50 * lost, "hd95_mask2_mm": None})
    path = tmp_path / "unseen_sources.csv"
    unseen.write(rows, ABOUT, path)
    monkeypatch.setattr(unseen, "FILE", path)
    return path


def test_evaluation_shows_each_source_and_what_it_costs(study: Path) -> None:
    test = page("evaluation")
    test.session_state["evaluation_mode"] = "Skull stripping"
    test.run()
    assert f"##### {experiments.TITLE}" in test.words
    assert "of 62 steps" in test.words and "the 6 heads" in test.words
    tables = [one.value for one in test.dataframe if UNSEEN in one.value]
    first = tables[0].set_index("source")
    assert list(first["heads"]) == [2, 1, 1, 1, 1, 9]
    assert first[UNSEEN].iloc[-1] == "–"
    (cost,) = [one.value for one in test.dataframe if "compared" in one.value]
    assert list(cost["result"]) == ["worse", "worse", "better", "worse"]
    assert list(cost["heads"]) == [6, 6, 6, 9]
    assert list(cost["change"].str[0]) == ["-", "-", "+", "-"]
    test.button_group(key="evaluation_unseen_figure").set_value(list(experiments.FIGURES)[2]).run()
    (far,) = [one.value for one in test.dataframe if "compared" in one.value]
    assert list(far["result"]) == list(cost["result"])
    assert list(far["change"].str[0]) == ["+", "+", "-", "+"]


def test_study_without_last_parts_says_nothing_of_them(study: Path) -> None:
    rows, _ = unseen.read()
    kept = rows[rows["trained on"].isin((IXI_ONLY, SHIPS))].drop(columns="trained on")
    unseen.write(kept.to_dict("records"), {**ABOUT, "steps": 0}, study)
    rows, about = unseen.read()
    assert "last part" not in experiments.said(rows, about)
    assert list(experiments.table(rows, "dice", ".3f")) == ["source", "heads", IXI_ONLY, SHIPS]
    assert [trace.name for trace in experiments.heads(rows, "Dice", "dice").data] == [
        IXI_ONLY,
        SHIPS,
    ]


def test_kept_study_is_of_the_weights_that_ship() -> None:
    """Else run `python -m models.skull_strip.study` anew."""
    rows, about = unseen.read()
    assert about["weights"][SHIPS] == load_card("skull_strip", "unet").sha256
    others = rows[(rows["source"] != IXI) & (rows["trained on"] == IXI_ONLY)]
    assert set(others["source"]) == set(OTHERS) and len(others) == 6
    kept = predictions.read("skull_strip", "test")
    assert kept is not None
    told = kept.rows.set_index("file")["dice"]
    again = rows[(rows["source"] == IXI) & (rows["trained on"] == SHIPS)].set_index("file")["dice"]
    assert again.sub(told).abs().max() < 0.001 and len(again) == len(told)
    mean = others["dice"].mean()
    assert f"Dice of the weights that had seen IXI alone: {mean:.3f} (" in experiments.level(
        rows, "Dice", "dice", ".3f"
    )


def test_page_without_the_study_does_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unseen, "FILE", tmp_path / "none.csv")
    test = page("evaluation")
    test.session_state["evaluation_mode"] = "Skull stripping"
    test.run()
    assert experiments.TITLE not in test.words


def test_table_of_a_figure_that_no_head_has_is_empty(study: Path) -> None:
    rows, _ = unseen.read()
    assert experiments.table(rows, "hd95_mask2_mm", ".1f").empty
    figure = experiments.heads(rows, "Dice", "dice")
    assert [len(trace.x) for trace in figure.data] == [15, 6, 15, 15]
    assert figure.layout.xaxis.categoryarray[-1] == "IXI"


def test_appendix_of_the_card_holds_the_study(study: Path) -> None:
    from streamlit.testing.v1 import AppTest

    def shown() -> None:
        from pages.tasks.skull_strip import experiments

        experiments.appendix()

    test = AppTest.from_function(shown).run(timeout=60)
    assert not test.exception
    (below,) = test.expander
    assert below.label == "Appendix: sources that a network has not seen"
    assert any("compared" in one.value for one in below.dataframe)
