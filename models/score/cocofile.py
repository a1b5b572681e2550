"""The boxes of a whole run as one COCO file (https://cocodataset.org/#format-results)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

from core.files.write import LABEL
from models.score.parts import Folder, moved


def write_coco_file(folder: Folder) -> None:
    """Write coco.json, row by row: the boxes of an archive need not fit in memory."""

    def write(handle: TextIO) -> None:
        handle.write('{"images": [')
        for count, row in enumerate(one for one in folder.rows() if not one["refused"]):
            image = {
                "id": row["number"],
                "file_name": row["path"],
                "width": row["width"],
                "height": row["height"],
            }
            handle.write((",\n" if count else "\n") + json.dumps(image))
        handle.write(f'],\n"categories": [{json.dumps({"id": 1, "name": LABEL})}],\n')
        handle.write('"annotations": [')
        for count, row in enumerate(folder.rows("boxes")):
            width, height = row["xmax"] - row["xmin"], row["ymax"] - row["ymin"]
            box = {
                "id": count + 1,
                "image_id": row["number"],
                "category_id": 1,
                "bbox": [row["xmin"], row["ymin"], width, height],
                "area": width * height,
                "iscrowd": 0,
                "score": row["score"],
            }
            handle.write((",\n" if count else "\n") + json.dumps(box))
        handle.write("]}\n")

    def fill(path: Path) -> None:
        with path.open("w", encoding="utf-8") as handle:
            write(handle)

    moved(folder.path / "coco.json", fill)
