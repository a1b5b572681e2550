"""Volumes that only nibabel reads: Analyze and NIfTI pairs, MINC, AFNI, PAR/REC.

Their readers trust what a header says, so they run in a process of their own with little memory
and time, on a private folder that goes with it. What comes back is an array and a few numbers.

    python -m core.files.volume_foreign FOLDER FILE INDEX     (that process)
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files.volume_formats import StoredVolume, choose_volume

FORMATS = {
    frozenset({".hdr", ".img"}): ("Analyze or NIfTI pair", ".hdr"),
    frozenset({".head", ".brik"}): ("AFNI pair", ".head"),
    frozenset({".par", ".rec"}): ("PAR/REC pair", ".par"),
}
"""Endings of the two files: what they are called, and which of them is opened."""
HALVES = {ending: pair for pair in FORMATS for ending in pair}
MOST_SECONDS = 60
MOST_MEMORY = 3 * 2**30  # of address space: the libraries alone take 1 GB of it
PREFIX = "lightbox-scan-"
ROOT = Path(__file__).parents[2]
Files = Sequence[tuple[str, bytes]]


def endings_of(files: Files) -> dict[str, bytes] | None:
    """The files by the ending they are read under; None where they are of none of these formats.

    Raises:
        UnsuitableInputError: If one of two files is missing.
    """
    if len(files) == 1 and files[0][1][:4] in (b"CDF\x01", b"CDF\x02", b"\x89HDF"):
        return {".mnc": files[0][1]}
    found: dict[str, bytes] = {}
    for name, content in files:
        if content[128:132] == b"DICM" or content[344:347] == b"n+1":
            return None  # whatever it is called
        path = PurePosixPath(name.replace("\\", "/").lower())
        packed = ".gz" if path.suffix == ".gz" else ""
        ending = PurePosixPath(path.stem).suffix if packed else path.suffix
        if ending not in HALVES or any(known.startswith(ending) for known in found):
            return None
        found[ending + packed] = content
    bare = {ending.removesuffix(".gz") for ending in found}
    if not found or not any(bare <= pair for pair in FORMATS):
        return None
    if len(bare) == 1:
        (other,) = HALVES[next(iter(bare))] - bare
        raise UnsuitableInputError(
            f"This is one half of a pair. Add the {other} file beside it, or both in one zip."
        )
    return found


def read_foreign(found: dict[str, bytes], index: int = 0) -> StoredVolume:
    """Decode files that `endings_of` has recognised.

    Raises:
        UnreadableImageError: If they are damaged, or reading takes too much time or memory.
        UnsuitableInputError: If they hold no volume, or one that is too large.
    """
    bare = frozenset(ending.removesuffix(".gz") for ending in found)
    kind, opened = FORMATS.get(bare, ("MINC file", ".mnc"))
    name = next(ending for ending in found if ending.startswith(opened))
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as made:
        folder = Path(made)  # mode 0700; the files' own names are not written
        for ending, content in found.items():
            (folder / f"scan{_cased(ending)}").write_bytes(content)
        command = [sys.executable, "-m", __name__, made, f"scan{_cased(name)}", str(index)]
        try:
            subprocess.run(
                command, cwd=ROOT, capture_output=True, timeout=MOST_SECONDS, check=False
            )
            said = json.loads((folder / "said.json").read_text(encoding="utf-8"))
            if "unsuitable" in said:
                raise UnsuitableInputError(said["unsuitable"])
            array = np.load(folder / "array.npy", allow_pickle=False)
            affine = np.array(said["affine"], float)
        except (OSError, ValueError, KeyError, EOFError, subprocess.TimeoutExpired) as err:
            raise UnreadableImageError(
                f"The {kind} cannot be read: it is damaged, or takes too much memory or time. "
                "Export it again, as NIfTI where you can."
            ) from err
    notes = tuple(said["notes"])
    return StoredVolume(array, affine, kind, int(said["volumes"]), bool(notes), notes)


def clear_leftovers(older_seconds: float = 600.0) -> None:
    """Remove folders of reads that a killed server left behind."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if time.time() - path.stat().st_mtime > older_seconds:
            shutil.rmtree(path, ignore_errors=True)


def _cased(ending: str) -> str:
    """The spelling by which nibabel knows an ending."""
    upper = ending.startswith((".head", ".brik", ".par", ".rec"))
    return ending.replace(ending.split(".")[1], ending.split(".")[1].upper()) if upper else ending


def _decode(folder: Path, name: str, index: int) -> None:
    """In the process of its own: the array and what is said of it, as files."""
    import nibabel as nib
    from nibabel.analyze import AnalyzeImage
    from nibabel.nifti1 import Nifti1Pair

    said: dict[str, object] = {}
    try:
        image = nib.load(folder / name)
        sizes = [int(size) for size in image.shape]
        if type(image.dataobj).__name__.startswith("Minc") and len(sizes) == 4:
            sizes = sizes[1:] + sizes[:1]  # MINC has time first
        _, volumes = choose_volume(sizes, index)
        if image.get_data_dtype().kind not in "iuf":
            raise UnsuitableInputError("The voxels are no plain intensities.")
        voxels = np.asanyarray(image.dataobj)
        if voxels.ndim > 3:
            first = type(image.dataobj).__name__.startswith("Minc")
            voxels = voxels[index] if first else voxels.reshape(*sizes[:3], -1)[..., index]
        np.save(folder / "array.npy", np.asarray(voxels, np.float32))
        bare = isinstance(image, AnalyzeImage) and not isinstance(image, Nifti1Pair)
        note = (
            "An Analyze file gives no orientation: its axes were taken as right, anterior, "
            "superior. Left and right may be swapped."
        )
        affine = np.diag([*map(float, image.header.get_zooms()[:3]), 1.0]) if bare else image.affine
        said = {
            "affine": np.asarray(affine, float).tolist(),
            "volumes": volumes,
            "notes": [note] if bare else [],
        }
    except ImagingError as err:
        said = {"unsuitable": str(err)}
    (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    _decode(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
