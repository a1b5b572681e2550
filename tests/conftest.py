"""What all tests share: where the real data may lie, and a guard against the network."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # shares the cores with others, whose parent chose two
    os.environ["OMP_NUM_THREADS"] = os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "2")
# Samples that were fetched, folders that were opened and readings that were kept on this computer
# would change what the pages open on, and a test's must not land among them.
OWN = tempfile.TemporaryDirectory(prefix="lightbox-tests-", ignore_cleanup_errors=True)
os.environ["XDG_CACHE_HOME"] = f"{OWN.name}/cache"
os.environ["XDG_CONFIG_HOME"] = f"{OWN.name}/config"
os.environ["LIGHTBOX_DATA"] = f"{OWN.name}/data"

# Before any test loads TensorFlow: in one process, the compiler that torchvision brings along
# aborts where TensorFlow's is there first. (The app has TensorFlow in a process of its own.)
import torchvision  # noqa: E402, F401 (OMP_NUM_THREADS comes first)

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stays together with several workers: a file, and all that uses the one browser.

    The browser's tests come first, because no other group takes as long.
    """
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))
        elif not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


def pytest_sessionfinish() -> None:
    """Let work end that a page began: a process that ends amid a network's run is aborted."""
    for thread in threading.enumerate():
        if thread.name.startswith(("heavy", "warm")):
            thread.join(120)


@pytest.fixture
def real_data() -> Path:
    """Folder of the real data sets; the test skips where they are absent."""
    if not DATA.is_dir():
        pytest.skip("the real data sets (../shared/data) are not on this machine")
    return DATA
