"""What all tests share: where the real data may lie, and a guard against the network."""

from __future__ import annotations

import gc
import logging
import os
import tempfile
import threading
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

if "PYTEST_XDIST_WORKER" in os.environ:  # shares the cores with others, whose parent chose two
    os.environ["OMP_NUM_THREADS"] = os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "2")
# Streamlit says so for each cached function; at the end of a run that would bury the summary.
logging.getLogger("streamlit.runtime.caching.cache_data_api").addFilter(
    lambda record: "No runtime found" not in record.getMessage()
)
# Samples that were fetched, folders that were opened and readings that were kept on this computer
# would change what the pages open on, and a test's must not land among them.
OWN = tempfile.TemporaryDirectory(prefix="lightbox-tests-", ignore_cleanup_errors=True)
os.environ["XDG_CACHE_HOME"] = f"{OWN.name}/cache"
os.environ["XDG_CONFIG_HOME"] = f"{OWN.name}/config"
os.environ["LIGHTBOX_DATA"] = f"{OWN.name}/data"

# Before any test loads TensorFlow: in one process, the compiler that torchvision brings along
# aborts where TensorFlow's is there first. (The app has TensorFlow in a process of its own.)
import torchvision  # noqa: E402, F401 (OMP_NUM_THREADS comes first)

IN_ONE_PIECE = ("tests/browser/", "tests/own/")
"""Rooms with one browser and server, and with one set of networks that takes long to make."""
DATA = Path(__file__).parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come first: with two workers, no other piece takes one as long."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


class Pieces(LoadScopeScheduling):
    """What goes to a worker of pytest-xdist in one piece: a file, or a room with one fixture."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return next((room for room in IN_ONE_PIECE if file.startswith(room)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Pieces | None:
    """For `--dist loadfile`. (Marks for `loadgroup` are not seen: xdist 3.8 with pytest 9.2.)"""
    return Pieces(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(autouse=True, scope="module")
def frameworks_out_of_collections() -> None:
    """Leave what earlier files loaded out of garbage collections, as the server does.

    Streamlit collects after every run of a page: half a second where TensorFlow, Keras and PyTorch
    are loaded, which made a file of page tests take five times as long after theirs.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let work end that a page began: a process that ends amid a network's run is aborted."""
    for thread in threading.enumerate():
        if thread.name.startswith(("heavy", "warm")):
            thread.join(120)
    gc.unfreeze()  # libraries would take what is left for leaks, and print it


@pytest.fixture
def real_data() -> Path:
    """Folder of the real data sets; the test skips where they are absent."""
    if not DATA.is_dir():
        pytest.skip("the real data sets (../shared/data) are not on this machine")
    return DATA
