"""The skull-stripping page: what it shows, what it never runs again, how it stops."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import streamlit as st

from core.files.browser_volume import Compact
from core.images import Volume
from core.phantoms.head.phantom import random_head
from core.skull_strip import Cancelled, Prepared, Settings, prepare
from models.skull_strip.predict import BrainProbability, Model
from pages.tasks.skull_strip import loaders as volume_loaders
from pages.tasks.skull_strip import opening, views
from tests import page_runner
from tests.files.volume_files import nifti, oblique_affine, scan
from tests.page_runner import PageTest

ROOT = Path(__file__).parents[2]
PAGE = "skull_strip"


class Counted:
    """Stands in for the network: a ball in the middle of the working grid is brain."""

    def __init__(self) -> None:
        self.runs = 0
        self.heads: set[str] = set()
        self.settings: list[Settings] = []
        self.hold = threading.Event()
        self.hold.set()

    def probability(
        self, model: Model, prepared: Prepared, cancelled: Callable[[], bool]
    ) -> BrainProbability:
        self.runs += 1
        self.heads.add(prepared.volume.digest)
        self.settings.append(prepared.settings)
        while not self.hold.wait(0.05):
            if cancelled():
                raise Cancelled
        shape = prepared.working.shape
        grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
        ball = 6 * (1.0 - 2.2 * sum(axis**2 for axis in grid))
        return BrainProbability((1 / (1 + np.exp(-ball))).astype(np.float32), prepared, 0.1)


@pytest.fixture(scope="module")
def prepared_once() -> Callable[..., Prepared]:
    """The real stages before the network, each head's once for this file: they take seconds."""
    kept: dict[tuple[str, Settings], Prepared] = {}

    def prepared(volume: Volume, settings: Settings, *watched: Any) -> Prepared:
        question = volume.digest, settings
        if question not in kept:
            kept[question] = prepare(volume, settings, *watched)
        return kept[question]

    return prepared


@pytest.fixture
def network(
    monkeypatch: pytest.MonkeyPatch, prepared_once: Callable[..., Prepared]
) -> Iterator[Counted]:
    """A quick network in place of the real one, so that the page itself is tested."""
    counted = Counted()
    monkeypatch.setattr(volume_loaders, "probability", counted.probability)
    monkeypatch.setattr(volume_loaders, "prepare", prepared_once)
    st.cache_resource.clear()  # answers about phantoms are kept for all users
    yield counted
    counted.hold.set()
    st.cache_resource.clear()


def opened() -> PageTest:
    return page_runner.opened(PAGE)


def answered(app: PageTest) -> PageTest:
    return app.until(lambda page: len(page.metric) > 0)


def uploaded(app: PageTest, name: str, content: bytes) -> PageTest:
    app.radio(key=f"{PAGE}_source").set_value("Upload").run()
    return app.file_uploader(key=f"{PAGE}_upload").set_value((name, content, "")).run()


def test_page_opens_on_a_phantom_and_the_answer_follows(network: Counted) -> None:
    app = opened()
    assert app.title[0].value == "Skull stripping"
    found = answered(app).metrics
    assert found["Orientation"] == "RAS"
    assert found["Voxel"] == "2 × 2 × 2 mm"
    assert 0.3 < float(found["Dice"]) < 0.95  # a ball is no brain, and the page says so


def test_first_visitor_finds_the_opening_head(
    network: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    st.cache_resource.clear()
    opening.compute()
    assert network.runs == 1
    answered(opened())
    assert network.runs == 1

    def measured_again(*args: object) -> None:
        raise AssertionError("a second visitor measures nothing")

    for name in ("compact", "compare_masks", "looks_like_t1_head"):
        monkeypatch.setattr(views, name, measured_again)
    assert "Dice" in answered(opened()).metrics


def test_head_that_is_nobodys_is_packed_once_for_all_visitors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packed: list[bool] = []

    def compact(voxels: np.ndarray, affine: np.ndarray) -> Compact:
        packed.append(True)
        return Compact(b"a head", "digest")

    monkeypatch.setattr(volume_loaders, "compact", compact)
    st.cache_data.clear()
    head = Volume(np.zeros((4, 5, 6), np.float32), np.eye(4), "digest of a head", is_public=True)
    for _ in range(2):
        assert volume_loaders.as_read(head).content == b"a head"
    assert len(packed) == 1
    for _ in range(2):  # an upload's is kept by its session, and here is none
        volume_loaders.as_read(replace(head, is_public=False))
    assert len(packed) == 3
    st.cache_data.clear()


def test_threshold_view_and_slice_rerun_no_network(network: Counted) -> None:
    app = answered(opened())
    before = app.metrics["Brain"]
    app.slider(key=f"{PAGE}_threshold").set_value(0.9).run()
    assert app.metrics["Brain"] != before
    app.segmented_control(key=f"{PAGE}_plane").set_value("coronal").run()
    next(one for one in app.slider if one.label == "Slice").set_value(20).run()
    app.segmented_control(key=f"{PAGE}_step_view").set_value("Montage").run()
    for part in ("Explain", "Model card", "Download", "Steps"):
        app.segmented_control(key=f"{PAGE}_more").set_value(part).run()
    assert network.runs == 1


def test_every_teaching_view_draws(network: Counted) -> None:
    app = answered(opened())
    for view in ("Strip", "Montage", "Histograms", "Bias field"):
        app.segmented_control(key=f"{PAGE}_step_view").set_value(view).run()
        assert app.get("plotly_chart")


def test_cancel_stops_the_run_and_it_can_start_again(network: Counted) -> None:
    network.hold.clear()
    app = opened()
    app.button(key=f"{PAGE}_cancel").click().run()
    app.until(lambda page: any("Cancelled" in info.value for info in page.info))
    assert not app.metric
    network.hold.set()
    app.button(key=f"{PAGE}_again").click().run()
    assert answered(app).metrics["Orientation"] == "RAS"


def test_another_head_cancels_the_run_under_way(network: Counted) -> None:
    network.hold.clear()
    app = opened()
    app.slider(key=f"{PAGE}_seed").set_value(2).run()
    runs = list(app.session_state[f"{PAGE}_strip_runs"].values())
    assert [run.stop.is_set() for run in runs] == [True, False]
    network.hold.set()
    answered(app)


def test_upload_of_a_head_in_any_orientation_is_answered_in_its_own(network: Counted) -> None:
    head = random_head(3, (2.0, 2.5, 3.0))
    image = nib.Nifti1Image(head.volume.voxels, head.volume.affine)
    turned = image.as_reoriented(
        nib.orientations.ornt_transform(
            nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(("P", "I", "R"))
        )
    )
    app = answered(uploaded(opened(), "head.nii.gz", gzip.compress(turned.to_bytes(), 1)))
    found = app.metrics
    assert found["Orientation"] == "PIR"
    assert found["Matrix"] == " × ".join(map(str, turned.shape))
    assert "Dice" not in found


def test_head_that_was_added_last_is_shown_and_the_first_stays_in_reach(network: Counted) -> None:
    heads = [random_head(seed, 2.5).volume for seed in (3, 4)]
    files = [(f"{n}.nii.gz", nifti(one.voxels, one.affine), "") for n, one in enumerate(heads)]
    app = uploaded(opened(), *files[0][:2])
    app.file_uploader(key=f"{PAGE}_upload").set_value(files).run()
    chosen = app.selectbox(key=f"{PAGE}_film")
    assert chosen.options == ["0.nii.gz", "1.nii.gz"] and chosen.value == 1
    assert "1.nii.gz · NIfTI-1" in answered(app).words


def test_reference_mask_brings_agreement(network: Counted) -> None:
    head = random_head(3, 2.5)
    app = uploaded(opened(), "a.nii.gz", nifti(head.volume.voxels, head.volume.affine))
    app.file_uploader(key=f"{PAGE}_reference").set_value(
        ("mask.nii.gz", nifti(head.mask, head.volume.affine), "")
    ).run()
    assert {"Dice", "IoU", "HD95", "Difference"} <= set(answered(app).metrics)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.nii.gz", b"not a scan at all, just words", "not a volume"),
        ("a.nii", nifti(scan()[:, :, 0], oblique_affine()), "flat image"),
        ("a.nii.gz", nifti(scan(), oblique_affine())[:-700], "ends early"),
        ("a.nii", nifti((scan() > 200).astype(np.uint8), oblique_affine()), "labels"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_runs_on_it(
    network: Counted, name: str, content: bytes, words: str
) -> None:
    app = uploaded(opened(), name, content)
    assert any(words in one.value and one.value.startswith(name) for one in app.error)
    assert [slider.label for slider in app.slider] == []
    assert len(network.heads) <= 1  # the opening head, once or as a run of the last test ends


def test_volume_of_a_4d_file_can_be_chosen(network: Counted) -> None:
    stack = np.stack([random_head(seed, 4.0, neck_mm=100).volume.voxels for seed in (1, 2)], axis=3)
    affine = random_head(1, 4.0, neck_mm=100).volume.affine
    app = uploaded(opened(), "4d.nii.gz", nifti(stack, affine))
    app.number_input[0].set_value(2).run()
    answered(app)


def test_viewer_library_is_the_packaged_file_that_its_note_names() -> None:
    folder = ROOT / "pages/tasks/skull_strip/niivue"
    content = gzip.decompress((folder / "niivue.umd.js.gz").read_bytes())
    assert hashlib.sha256(content).hexdigest() in (folder / "NIIVUE.md").read_text("utf-8")


def test_changed_stages_are_said_and_taken_back(network: Counted) -> None:
    app = opened()
    app.slider(key=f"{PAGE}_lightbox_shrink").set_value(6).run()
    assert any("shrink 6" in caption.value for caption in app.caption)
    app.button(key=f"{PAGE}_lightbox_reset").click().run()
    assert app.slider(key=f"{PAGE}_lightbox_shrink").value == 4


def test_downloads_lie_on_the_grid_of_the_input(network: Counted) -> None:
    app = answered(opened())
    app.segmented_control(key=f"{PAGE}_more").set_value("Download").run()
    run = app.session_state[f"{PAGE}_strip_shown_run"]
    from core.files.volume import nifti_bytes
    from core.skull_strip import exports as volume_exports

    volume = run.result().prepared.volume
    mask = run.mask(0.5)
    back = nib.Nifti1Image.from_bytes(gzip.decompress(nifti_bytes(mask, volume)))
    assert np.array_equal(np.asarray(back.dataobj), mask)
    assert np.allclose(back.affine, volume.affine)
    brain = nib.Nifti1Image.from_bytes(gzip.decompress(volume_exports.stripped(volume, mask)))
    assert np.array_equal(np.asarray(brain.dataobj) != 0, (mask > 0) & (volume.voxels != 0))
    table = json.loads(
        volume_exports.parameters_json(volume, {"shrink": 4}, {"title": "x"}, {"brain_ml": 1.0})
    )
    assert table["volume"]["orientation"] == "RAS"
    assert len(app.get("download_button")) == 6
