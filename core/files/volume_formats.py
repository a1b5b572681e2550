"""Decode 3D files (NIfTI, MGH, NRRD) without trusting them.

Every decoder reads the header first, counts the voxels it promises, and only then reads exactly
that many bytes: a truncated file, a decompression bomb or a nonsense header ends in a sentence.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImageError, UnsuitableInputError

MAX_VOXELS = 512 * 512 * 400
MAX_SKIPPED_BYTES = 2 * 1024**3  # of a 4D file in front of the volume that is wanted
MAX_HEADER_BYTES = 16 * 1024**2


@dataclass(frozen=True, eq=False)
class StoredVolume:
    """One volume as its file stores it.

    Attributes:
        array: (i, j, k) in stored order and any numeric type, intensities scaled.
        affine: float64 (4, 4), stored index to RAS+ mm.
        kind: "NIfTI-1", "MGH", "NRRD", "DICOM series".
        volumes: Number of volumes in the file.
        assumed: Whether the file gave no orientation.
        notes: Plain sentences about what reading did.
    """

    array: np.ndarray
    affine: NDArray[np.float64]
    kind: str
    volumes: int = 1
    assumed: bool = False
    notes: tuple[str, ...] = field(default=())


def check_matrix(shape: tuple[int, ...]) -> None:
    """Refuse what is no volume, or too large for memory, before its voxels are read.

    Raises:
        UnsuitableInputError: With the matrix and the limit.
    """
    matrix = " × ".join(str(size) for size in shape)
    if len(shape) < 3 or sum(size > 1 for size in shape) < 3 or min(shape) < 1:
        raise UnsuitableInputError(
            f"The file holds a flat image ({matrix}), and this page needs a 3D volume. "
            "Choose a whole head scan, not a single slice."
        )
    voxels = int(np.prod([int(size) for size in shape], dtype=object))
    if voxels > MAX_VOXELS:
        raise UnsuitableInputError(
            f"The volume has {matrix} voxels ({voxels / 1e6:.0f} million); the limit is "
            f"{MAX_VOXELS / 1e6:.0f} million. Resample or crop it first."
        )


def truncated(kind: str, err: Exception | None = None) -> UnreadableImageError:
    """The error of a file that ends early or whose compression is broken."""
    reason = f" ({err})" if err is not None and str(err) else ""
    return UnreadableImageError(
        f"The {kind} file ends early or is damaged{reason}. Copy or download it again."
    )


def open_stream(content: bytes) -> BinaryIO:
    """The content as a stream, decompressed on the fly where it is gzip."""
    if content[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=io.BytesIO(content))  # type: ignore[return-value]  # reads bytes
    return io.BytesIO(content)


def read_exactly(stream: BinaryIO, count: int, kind: str) -> bytearray:
    """`count` bytes, and never more in memory.

    Raises:
        UnreadableImageError: If the stream is damaged or shorter.
    """
    found = bytearray()
    try:
        while len(found) < count:
            piece = stream.read(min(count - len(found), 1 << 22))
            if not piece:
                break
            found += piece
    except (EOFError, OSError, zlib.error, ValueError) as err:
        raise truncated(kind, err) from err
    if len(found) < count:
        raise truncated(kind)
    return found


def skip(stream: BinaryIO, count: int, kind: str) -> None:
    """Move on by `count` bytes, decompressing but keeping nothing."""
    if count > MAX_SKIPPED_BYTES:
        raise UnsuitableInputError(
            f"The volume lies {count / 1e9:.1f} GB into the file; the limit is "
            f"{MAX_SKIPPED_BYTES / 1e9:.0f} GB. Save that volume alone."
        )
    while count > 0:
        step = min(count, 1 << 22)
        read_exactly(stream, step, kind)
        count -= step


def read_array(
    stream: BinaryIO, shape: tuple[int, ...], dtype: np.dtype, index: int, kind: str
) -> np.ndarray:
    """Volume `index` of a stream of Fortran-ordered volumes of `shape`."""
    size = int(np.prod(shape)) * dtype.itemsize
    skip(stream, size * index, kind)
    return np.frombuffer(read_exactly(stream, size, kind), dtype).reshape(shape, order="F")


def choose_volume(dims: list[int], index: int) -> tuple[tuple[int, int, int], int]:
    """The 3D matrix of stored dimensions and how many such volumes there are.

    Raises:
        UnsuitableInputError: If there are more than four dimensions or `index` is not there.
    """
    while len(dims) > 3 and dims[-1] == 1:
        dims = dims[:-1]
    if len(dims) > 4:
        shown = " × ".join(map(str, dims))
        raise UnsuitableInputError(
            f"The file has {len(dims)} dimensions ({shown}): a vector or tensor image. "
            "Choose a file with plain intensities."
        )
    check_matrix(tuple(dims[:3]))
    volumes = dims[3] if len(dims) == 4 else 1
    if volumes < 1 or not 0 <= index < volumes:
        raise UnsuitableInputError(
            f"The file has {max(volumes, 0)} volumes; number {index + 1} is not among them. "
            "Choose another volume."
        )
    return (dims[0], dims[1], dims[2]), volumes


def usable_affine(affine: NDArray[np.float64]) -> bool:
    """Whether an affine is finite and its axes span space."""
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        return False
    lengths = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    if not (lengths > 1e-6).all() or lengths.max() > 1e6:
        return False
    return bool(abs(np.linalg.det(affine[:3, :3] / lengths)) > 0.05)


def read_nifti(content: bytes, index: int = 0) -> StoredVolume:
    """Decode NIfTI-1 or NIfTI-2 in one file.

    Raises:
        UnreadableImageError: If it is damaged.
        UnsuitableInputError: If it is flat, colour, complex or too large.
    """
    import nibabel as nib

    stream = open_stream(content)
    head = read_exactly(stream, 348, "NIfTI")
    size = struct.unpack("<i", head[:4])[0]
    version2 = size == 540 or struct.unpack(">i", head[:4])[0] == 540
    kind = "NIfTI-2" if version2 else "NIfTI-1"
    if version2:
        head += read_exactly(stream, 540 - 348, kind)
    header_class = nib.Nifti2Header if version2 else nib.Nifti1Header
    try:
        header = header_class(bytes(head), check=False)
        dtype = np.dtype(header.get_data_dtype())
        slope, intercept = header.get_slope_inter()
    except (nib.spatialimages.HeaderDataError, ValueError, KeyError, TypeError) as err:
        raise UnreadableImageError(f"The NIfTI header cannot be read ({err}).") from err
    if bytes(header["magic"]).startswith(b"ni"):
        raise UnsuitableInputError(
            "This is one half of a .hdr/.img pair. Add the other file, or both in one zip."
        )
    if dtype.fields is not None or dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise UnsuitableInputError(
            f"The voxels are {_type_words(dtype)}, and this page needs one intensity a voxel."
        )
    rank = int(header["dim"][0])
    if not 1 <= rank <= 7:
        raise UnreadableImageError(f"The NIfTI header promises {rank} dimensions: it is damaged.")
    shape, volumes = choose_volume([int(size) for size in header["dim"][1 : rank + 1]], index)
    offset = float(header["vox_offset"])
    if not len(head) <= offset <= MAX_HEADER_BYTES:
        raise UnreadableImageError("The NIfTI header does not say where the voxels begin.")
    affine, assumed, notes = _nifti_affine(header)
    skip(stream, int(offset) - len(head), kind)
    array = read_array(stream, shape, dtype, index, kind)
    array = _scaled(array, slope, intercept)
    return StoredVolume(array, affine, kind, volumes, assumed, notes)


def _scaled(array: np.ndarray, slope: float | None, intercept: float | None) -> np.ndarray:
    if slope in (None, 1.0) and intercept in (None, 0.0):
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = array.astype(np.float32) * np.float32(slope or 1.0) + np.float32(intercept or 0.0)
    return np.asarray(scaled)


def _type_words(dtype: np.dtype) -> str:
    if dtype.fields is not None:
        return "RGB colours"
    if dtype.kind == "c":
        return "complex numbers"
    return f"of the type {dtype}"


def _nifti_affine(header: Any) -> tuple[NDArray[np.float64], bool, tuple[str, ...]]:
    """Affine in mm, whether it was assumed, and notes."""
    from nibabel.spatialimages import HeaderDataError

    notes: list[str] = []
    affine = None
    for code, read in (("sform_code", header.get_sform), ("qform_code", header.get_qform)):
        if int(header[code]) <= 0:
            continue
        try:
            found = np.asarray(read(), float)
        except (HeaderDataError, ValueError):
            found = np.full((4, 4), np.nan)
        if usable_affine(found):
            affine = found
            break
        notes.append(f"The {code[:5]} of the header is not usable and was passed over.")
    assumed = affine is None
    if affine is None:
        pixdim = np.abs(np.asarray(header["pixdim"][1:4], float))
        if not np.isfinite(pixdim).all() or (pixdim == 0).any():
            pixdim = np.ones(3)
            notes.append("The header gives no voxel size: 1 mm was assumed.")
        affine = np.diag([*pixdim, 1.0])
        notes.append(
            "The file gives no orientation (sform and qform are empty): its axes were taken as "
            "right, anterior, superior and its voxel size from pixdim. Left and right may be "
            "swapped."
        )
    units = int(header["xyzt_units"]) & 7
    if units in (1, 3):
        affine[:3] *= 1000.0 if units == 1 else 0.001
        notes.append(f"Lengths were converted from {'metres' if units == 1 else 'micrometres'}.")
    return affine, assumed, tuple(notes)


def read_mgh(content: bytes, index: int = 0) -> StoredVolume:
    """Decode FreeSurfer .mgh or .mgz.

    Raises:
        UnreadableImageError: If it is damaged.
        UnsuitableInputError: If it is flat or too large.
    """
    from nibabel.freesurfer.mghformat import MGHError, MGHHeader
    from nibabel.spatialimages import HeaderDataError

    stream = open_stream(content)
    head = bytes(read_exactly(stream, 284, "MGH"))
    try:
        header = MGHHeader(head, check=False)
        dtype = np.dtype(header.get_data_dtype()).newbyteorder(">")
        affine = np.asarray(header.get_affine(), float)
    except (HeaderDataError, MGHError, ValueError, KeyError, TypeError) as err:
        raise UnreadableImageError(f"The MGH header cannot be read ({err}).") from err
    shape, volumes = choose_volume([int(size) for size in header["dims"]], index)
    notes: tuple[str, ...] = ()
    assumed = int(header["goodRASFlag"]) != 1
    if assumed:
        notes = ("The file gives no orientation: FreeSurfer's usual one was assumed.",)
    array = read_array(stream, shape, dtype, index, "MGH")
    return StoredVolume(array, affine, "MGH", volumes, assumed, notes)


# NRRD's world axes as signs that turn them into RAS+.
_NRRD_SPACES = {
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
}


def read_nrrd(content: bytes, index: int = 0) -> StoredVolume:
    """Decode NRRD with attached raw or gzip data.

    Raises:
        UnreadableImageError: If it is damaged or in an encoding that is not supported.
        UnsuitableInputError: If it is flat, colour or too large.
    """
    import nrrd

    stream = io.BytesIO(content)
    try:
        header = nrrd.read_header(stream)
        dtype = np.dtype(nrrd.reader._determine_datatype(header))
        dims = [int(size) for size in header["sizes"]]
    except (
        nrrd.NRRDError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        OverflowError,
    ) as err:
        raise UnreadableImageError(f"The NRRD header cannot be read ({err}).") from err
    if "data file" in header or "datafile" in header:
        raise UnsuitableInputError(
            "The NRRD header points to a second file. Save it with the voxels attached (.nrrd)."
        )
    kinds = [str(kind).lower() for kind in header.get("kinds", [])]
    if any(kind.startswith(("rgb", "hsv", "xyz")) or "vector" in kind for kind in kinds):
        raise UnsuitableInputError(
            "The voxels are colours or vectors, and this page needs one intensity a voxel."
        )
    if dtype.kind not in "iuf":
        raise UnsuitableInputError(f"The voxels are {_type_words(dtype)}.")
    first = len(dims) == 4 and kinds[:1] in (["list"], ["vector"])
    shape, volumes = choose_volume(dims[1:] + dims[:1] if first else dims, index)
    encoding = str(header.get("encoding", "raw")).lower()
    if encoding in ("gzip", "gz"):
        start = stream.tell()
        stream = open_stream(content[start:])  # type: ignore[assignment]  # both read bytes
    elif encoding != "raw":
        raise UnreadableImageError(
            f"The NRRD encoding “{encoding}” is not supported. Save it as gzip or raw."
        )
    affine, assumed, notes = _nrrd_affine(header, first)
    if first:
        size = int(np.prod(dims)) * dtype.itemsize
        if size > MAX_SKIPPED_BYTES:
            raise UnsuitableInputError("The 4D NRRD file is too large. Save one volume alone.")
        every = np.frombuffer(read_exactly(stream, size, "NRRD"), dtype).reshape(dims, order="F")
        array = np.ascontiguousarray(every[index])
    else:
        array = read_array(stream, shape, dtype, index, "NRRD")
    return StoredVolume(array, affine, "NRRD", volumes, assumed, notes)


def _nrrd_affine(
    header: dict[str, Any], first: bool
) -> tuple[NDArray[np.float64], bool, tuple[str, ...]]:
    spatial = slice(1, 4) if first else slice(0, 3)
    signs = _NRRD_SPACES.get(str(header.get("space", "")).lower())
    affine = np.eye(4)
    try:
        directions = np.array(
            [np.full(3, np.nan) if row is None else row for row in header["space directions"]],
            float,
        )[spatial]
        affine[:3, :3] = directions.T
        affine[:3, 3] = np.asarray(header.get("space origin", np.zeros(3)), float)
    except (KeyError, ValueError, TypeError, IndexError):
        affine[:] = np.nan
    if signs is not None and usable_affine(affine):
        return np.diag([*signs, 1.0]) @ affine, False, ()
    spacings = np.ones(3)
    try:
        stored = np.abs(np.asarray(header["spacings"], float))[spatial]
        if stored.shape == (3,) and np.isfinite(stored).all() and (stored > 0).all():
            spacings = stored
    except (KeyError, ValueError, TypeError):
        pass
    note = (
        "The NRRD header gives no orientation: its axes were taken as right, anterior, superior "
        f"with voxels of {spacings[0]:g} × {spacings[1]:g} × {spacings[2]:g} mm. Left and right "
        "may be swapped."
    )
    return np.diag([*spacings, 1.0]), True, (note,)
