"""The skull-stripping page in a browser: the viewer draws, and its controls stay in the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page, WebSocket, expect

from tests.files.volume_files import nifti, oblique_affine, scan

pytestmark = pytest.mark.browser

PATIENCE_MS = 300_000  # two cores, and a software renderer for WebGL


def opened(page: Page, app_url: str) -> FrameLocator:
    """The page with its viewer loaded, before or after the network has answered."""
    page.set_default_timeout(PATIENCE_MS)
    page.goto(app_url)
    page.get_by_role("link", name="Skull stripping").first.click()
    expect(page.get_by_role("heading", name="Skull stripping", exact=True)).to_be_visible()
    viewer = page.frame_locator("iframe[title*=niivue]")
    viewer.locator("body[data-loaded]").wait_for()
    return viewer


def answered(page: Page) -> None:
    page.get_by_text("Dice", exact=True).first.wait_for(timeout=PATIENCE_MS)


def picture(viewer: FrameLocator) -> bytes:
    return viewer.locator("#canvas").screenshot()


def test_viewer_controls_work_in_the_browser_and_send_nothing_back(
    page: Page, app_url: str
) -> None:
    received: list[int] = []

    def count(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: received.append(len(frame)))

    page.on("websocket", count)
    viewer = opened(page, app_url)
    answered(page)
    brain = viewer.get_by_role("button", name="Brain only")
    expect(brain).to_be_enabled()
    page.wait_for_timeout(3000)
    so_far = len(received)
    seen = [picture(viewer)]
    brain.click()
    seen.append(picture(viewer))
    viewer.get_by_role("button", name="Whole head").click()
    viewer.get_by_label("Mask opacity").fill("90")
    seen.append(picture(viewer))
    viewer.get_by_label("Window, bright end").fill("40")
    seen.append(picture(viewer))
    viewer.get_by_role("button", name="Neurological").click()
    seen.append(picture(viewer))
    viewer.get_by_label("Overlay").select_option("disagreement")
    seen.append(picture(viewer))
    viewer.get_by_label("Cut 3D open").check()
    seen.append(picture(viewer))
    viewer.get_by_role("button", name="Coronal", exact=True).click()
    seen.append(picture(viewer))
    before = viewer.locator("#status").inner_text()
    viewer.locator("#canvas").press("PageDown")
    expect(viewer.locator("#status")).not_to_have_text(before)
    assert "coronal slice" in viewer.locator("#status").inner_text()
    assert len(set(seen)) == len(seen)
    assert sum(received[so_far:]) < 20_000  # no volume travelled again


def test_threshold_keeps_the_viewer_and_changes_the_mask(page: Page, app_url: str) -> None:
    viewer = opened(page, app_url)
    answered(page)
    expect(viewer.get_by_role("button", name="Brain only")).to_be_enabled()
    before = viewer.locator("body").get_attribute("data-loaded")
    assert before is not None
    thumb = page.get_by_role("slider", name="Threshold")
    thumb.focus()
    for _ in range(6):
        thumb.press("ArrowRight")
    page.wait_for_function(
        "before => [...document.querySelectorAll('iframe')].some(frame => "
        "(frame.contentDocument?.body.dataset.loaded ?? before) !== before)",
        arg=before,
        timeout=PATIENCE_MS,
    )
    after = viewer.locator("body").get_attribute("data-loaded")
    assert after is not None
    assert after.split()[0] == before.split()[0]  # the head was not sent as another one


def test_cancel_leaves_the_head_and_offers_to_run_again(page: Page, app_url: str) -> None:
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{app_url}/skull_strip?skull_strip_shrink=2")  # N4 takes long enough to be stopped
    answered(page)
    page.get_by_text("1 mm (slow)").click()
    page.get_by_role("button", name="Cancel").click()
    again = page.get_by_role("button", name="Run again")
    again.wait_for()
    assert page.get_by_text("Dice", exact=True).count() == 0


def test_broken_upload_while_a_run_is_under_way_keeps_the_page(
    page: Page, app_url: str, tmp_path: Path
) -> None:
    broken = tmp_path / "head.nii.gz"
    broken.write_bytes(nifti(scan(), oblique_affine())[:-500])
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    opened(page, app_url)
    page.locator("[data-testid=stRadio] label").filter(has_text="Upload").click()
    # By name: until the sidebar has changed, the first input is the reference mask's.
    scans = page.get_by_role("region", name="Head scan")
    scans.locator("input[type=file]").set_input_files(broken)
    expect(page.get_by_text("ends early")).to_be_visible()
    page.wait_for_timeout(2000)  # the progress bar's last tick must not draw into this page
    expect(page.get_by_role("heading", name="Skull stripping", exact=True)).to_be_visible()
    assert failures == []
