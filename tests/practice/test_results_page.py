"""The Practice page's results: figures and plots, all readers, what is kept of one."""

from __future__ import annotations

import json

import pytest

from tests.practice.stand_in import CASES, TRUTHS, World, opened, read_all, series_of


@pytest.mark.parametrize("task", TRUTHS)
def test_results_have_figures_every_plot_and_every_case_again(task: str, world: World) -> None:
    page = read_all(opened(series_of(task)), task)
    page.button_group(key="practice_mode").set_value("Results").run()
    assert page.metrics["Right"].endswith("%")
    plots = page.button_group(key=f"practice_plot_{task}")
    keys = {one.case for one in world.store.readings()}
    for name in plots.options:
        page.button_group(key=f"practice_plot_{task}").set_value(name).run()
        charts = page.get("plotly_chart")
        assert charts or "Not enough cases" in page.words
        for traces in [json.loads(chart.proto.spec)["data"] for chart in charts]:
            marks = [row[0] for trace in traces for row in trace.get("customdata") or ()]
            assert keys & set(marks)  # a click on a mark opens its case
    assert len(page.dataframe[0].value) == len(CASES)


def test_teacher_sees_all_readers_only_after_asking(world: World) -> None:
    for reader in ("Kestrel", "Osprey", "Merlin"):
        read_all(opened(series_of("fracture"), reader), "fracture")
    page = opened(series_of("fracture"), "Kestrel")
    page.button_group(key="practice_mode").set_value("Results").run()
    page.button_group(key="practice_view").set_value("Compare readers").run()
    assert "Neither this page nor a nickname is protected" in page.warning[0].value
    assert not page.dataframe
    page.toggle(key=f"practice_teacher_{series_of('fracture').key}").set_value(True).run()
    assert list(page.dataframe[0].value["wrong"]) == ["3 of 3"] * 3
    assert set(page.dataframe[1].value["statistic"]) == {"Cohen's kappa", "Fleiss' kappa"}


def test_deleting_a_reader_names_what_goes_and_asks(world: World) -> None:
    page = read_all(opened(series_of("fracture")), "fracture")
    page.button_group(key="practice_mode").set_value("Results").run()
    page.button_group(key="practice_view").set_value("Kept data").run()
    page.selectbox(key="practice_kill_reader").set_value("Kestrel").run()
    assert "Kestrel with 3 answers" in page.warning[0].value
    assert page.button(key="practice_kill_go").disabled
    page.checkbox(key="practice_kill_sure_Kestrel").set_value(True).run()
    page.button(key="practice_kill_go").click().run()
    assert world.store.readers() == ()
