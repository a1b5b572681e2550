"""What every sidebar shares: uploads that stay, the newest shown, settings that go with a case."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pages.tasks.fracture import sidebar
from tests.files.radiograph_files import dicom, raster
from tests.page_runner import PageError, PageTest, opened

SCRIPT = """
import streamlit as st
from pages.shared import inputs, uploads
from pages.shared.inputs import Case

def phantom(key):
    from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
    seed = st.number_input("Phantom number", 0, 99, 5, key=f"{key}_seed", bind="query-params")
    image, _ = limb_phantom(LimbPhantom(seed=seed))
    return Case(image, words=f"phantom {seed}")

if st.toggle("Many", key="many"):
    files = uploads.uploads("page", "Films", "PNG", widget="page_batch")
    st.markdown(f"many: {[file.name for file in files]}")
    st.stop()
case = inputs.radiograph("page", "fracture", phantom)
window = inputs.display("page")
st.button("Next", key="next", on_click=inputs.step, args=("page", 1))
st.markdown(f"shown: {case.words if case else None}, level {window.level:g}")
"""


def broken(*given: object, **named: object) -> None:
    raise ValueError("a fault of ours")


def film(name: str, seed: int) -> tuple[str, bytes, str]:
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 64), np.uint8)
    return name, raster(pixels=pixels), "image/png"


@pytest.fixture
def app(tmp_path: Path) -> PageTest:
    script = tmp_path / "page.py"
    script.write_text(SCRIPT)
    test = PageTest(str(script), default_timeout=30)
    test.run()
    return test


def test_newest_upload_is_shown_and_uploads_survive_the_page_of_many(app: PageTest) -> None:
    app.upload(film("one.png", 1))
    assert "shown: one.png" in app.words
    app.upload(film("one.png", 1), film("two.png", 2), film("three.png", 3))
    assert "shown: two.png" in app.words
    app.button(key="next").click().run()
    assert "shown: three.png" in app.words
    app.upload(("four.png", b"\x89PNG\r\n\x1a\nnothing more", "image/png"))
    assert app.error[0].value.startswith("four.png: ")
    app.toggle(key="many").set_value(True).run()
    assert "many: ['four.png']" in app.words


def test_display_window_goes_with_the_case(app: PageTest) -> None:
    app.slider(key="page_level").set_value(20).run()
    assert "level 0.2" in app.words
    app.button(key="next").click().run()
    assert "shown: phantom 6, level 0.5" in app.words
    app.number_input(key="page_seed").set_value(5).run()
    assert "shown: phantom 5, level 0.2" in app.words


def test_address_brings_a_case_back(app: PageTest) -> None:
    app.number_input(key="page_seed").set_value(9).run()
    again = PageTest(app._script_path, default_timeout=30)
    again.query_params["page_seed"] = "9"
    again.run()
    assert "shown: phantom 9" in again.words


def test_address_brings_threshold_and_source_of_a_task_page_back() -> None:
    page = opened("fracture", fracture_threshold_detector="0.5", fracture_seed="7")
    assert page.slider(key="fracture_threshold_detector").value == 0.5
    assert page.number_input(key="fracture_seed").value == 7


def test_crash_output_holds_no_file_name_and_no_patient(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = opened("fracture", fracture_source="Upload")
    page.upload(("MUSTERMANN_ERIKA.dcm", dicom(PatientName="Quixote^Dulcinea"), ""))
    assert "MUSTERMANN" in page.words  # it is open
    monkeypatch.setattr(sidebar, "settings", broken)
    with pytest.raises(PageError):
        page.run()
    told = "".join(capfd.readouterr()) + caplog.text
    assert "a fault of ours" in told
    assert not [name for name in ("MUSTERMANN", "ERIKA", "Quixote", "Dulcinea") if name in told]


def test_text_on_the_border_of_an_upload_is_warned_about(app: PageTest) -> None:
    plain = np.zeros((600, 480), np.uint8)
    plain[200:400, 150:330] = 120
    for name, text, warned in (("one.png", "L", 0), ("two.png", "QUIXOTE DULCINEA", 1)):
        film = cv2.putText(plain.copy(), text, (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 1)
        app.upload((name, raster(pixels=film), "image/png"))
        assert len(app.warning) == warned
