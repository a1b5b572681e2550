"""A model is added by writing its card: the page of its task then offers it, with its figures."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import WeightsError
from models import cards
from models.bone_age.settings import age_settings
from models.cards import MODELS, cards_of, load_card, task_cards
from models.chest.settings import findings_settings, outlines_settings
from models.fracture.settings import detector_settings, fusion_of, rescorer_settings
from models.skull_strip.settings import settings_of

TASKS = ("bone_age", "chest", "film_kind", "fracture", "skull_strip")
READ = {
    "brain": settings_of,
    "age": age_settings,
    "cardiomegaly": findings_settings,
    "classifier": fusion_of,
    "comparison": findings_settings,
    "detector": detector_settings,
    "findings": findings_settings,
    "outlines": outlines_settings,
    "rescorer": rescorer_settings,
}
ADDED = "Added by the test"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all cards, which the program reads instead of its own."""
    for task in TASKS:
        shutil.copytree(MODELS / task, tmp_path / task, ignore=shutil.ignore_patterns("*.py", "_*"))
    monkeypatch.setattr(cards, "MODELS", tmp_path)
    return tmp_path


def add(folder: Path, task: str, name: str) -> None:
    """A copy of a card under another name and title."""
    source = folder / task / f"{name}.toml"
    title = f'title = "{load_card(task, name).title}"'
    text = source.read_text(encoding="utf-8")
    assert title in text
    (folder / task / "added.toml").write_text(text.replace(title, f'title = "{ADDED}"'))


def sidebar_of(task: str) -> list[str]:
    """Options of every choice in the sidebar of a page."""

    def script(task: str) -> None:
        from importlib import import_module

        sidebar = import_module(f"pages.tasks.{task}.sidebar")
        if task == "skull_strip":
            sidebar.model(task)
        elif task == "bone_age":
            sidebar.settings(None)
        else:
            sidebar.settings()

    test = AppTest.from_function(script, args=(task,), default_timeout=60).run()
    return [option for box in test.sidebar.selectbox for option in box.options]


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("fracture", "detector"),
        ("fracture", "classifier"),
        ("bone_age", "lite0"),
        ("chest", "findings"),
        ("chest", "heart_lungs"),
        ("skull_strip", "unet"),
    ],
)
def test_added_card_is_offered_on_the_page_of_its_task(folder: Path, task: str, name: str) -> None:
    assert ADDED not in sidebar_of(task)
    add(folder, task, name)
    assert ADDED in sidebar_of(task)


def test_added_card_for_cardiomegaly_stands_beside_the_others(folder: Path) -> None:
    from models.score.chest import chest
    from pages.tasks.chest.reading import single_cards

    add(folder, "chest", "cardiomegaly_ctr")
    assert single_cards()[0].name == "added"
    assert ("chest", "added") in chest().cards
    assert "p_added" in dict(chest().columns)


def test_named_cards_come_first(folder: Path) -> None:
    add(folder, "chest", "findings")
    assert [card.name for card in cards_of("chest", "findings")] == ["added", "findings"]
    assert cards_of("chest", "findings", ("findings",))[0].name == "findings"
    assert cards_of("chest", "detector") == []


@pytest.mark.parametrize(
    "card", [card for task in TASKS for card in task_cards(task)], ids=lambda card: card.name
)
def test_settings_of_every_card_fit_its_role(card: cards.ModelCard) -> None:
    if card.role in READ:
        assert READ[card.role](card)
    else:
        assert not card.settings


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"iou": "much"}, "iou = 'much'"),
        ({"iou": 1.5}, "iou lies in"),
        ({"long_sides_px": [640, "x"]}, "long_sides_px = 'x'"),
        ({"mirrored": 1}, "mirrored = 1"),
        ({"threshold": 0.5}, "unknown: threshold"),
    ],
)
def test_settings_that_do_not_fit_are_said(settings: dict[str, object], what: str) -> None:
    card = replace(load_card("fracture", "detector"), settings=settings)
    with pytest.raises(WeightsError, match=what) as err:
        detector_settings(card)
    assert "fracture/detector.toml" in str(err.value)


def test_card_without_a_role_or_a_needed_setting_is_refused(folder: Path) -> None:
    path = folder / "fracture" / "classifier.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('role = "classifier"\n', ""))
    with pytest.raises(WeightsError, match="role"):
        load_card("fracture", "classifier")
    with pytest.raises(WeightsError, match="fusion"):
        fusion_of(replace(cards.read_card(MODELS / "fracture" / "classifier.toml"), settings={}))
