"""The folder on this computer that keeps what a person made: readings, models of their own."""

from __future__ import annotations

import os
from pathlib import Path


def user_folder() -> Path:
    """The user's data folder for this program; `LIGHTBOX_DATA` names another one."""
    import platformdirs

    return Path(os.environ.get("LIGHTBOX_DATA") or platformdirs.user_data_dir("lightbox", False))
