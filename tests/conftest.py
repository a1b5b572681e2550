"""What all tests share: where the real data may lie, and a guard against the network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

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


@pytest.fixture
def real_data() -> Path:
    """Folder of the real data sets; the test skips where they are absent."""
    if not DATA.is_dir():
        pytest.skip("the real data sets (../shared/data) are not on this machine")
    return DATA
