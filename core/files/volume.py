"""Read 3D scans, work on them in RAS+, and hand results back on the file's own grid."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImageError, UnsuitableInputError
from core.files.dicom_series import read_series
from core.files.volume_foreign import endings_of, read_foreign
from core.files.volume_formats import (
    StoredVolume,
    open_stream,
    read_exactly,
    read_mgh,
    read_nifti,
    read_nrrd,
    usable_affine,
)
from core.images import SourceGrid, Volume
from core.percent import percent

MAX_FILE_BYTES = 200 * 1024**2
MAX_ZIP_BYTES = 900 * 1024**2  # a 512 × 512 × 400 series of 16 bits takes 210 MB
MAX_ZIP_FILES = 4000
MIN_SLICES = 8
Files = Sequence[tuple[str, bytes]]


def read_volume(files: Files, *, volume_index: int = 0) -> Volume:
    """Read one scan, reorient it to RAS+ and check that it can be a head.

    Args:
        files: (name, content) of one NIfTI, MGH/MGZ, NRRD or MINC file, of the two files of an
            Analyze, NIfTI, AFNI or PAR/REC pair, of the files of one DICOM series, or of one zip
            of any of these.
        volume_index: Which volume of a 4D file, from 0.

    Returns:
        A finite RAS+ volume whose `source` says what grid it was stored on.

    Raises:
        UnreadableImageError: If the content is damaged or of no known type.
        UnsuitableInputError: If it is flat, colour, a label map, constant, too large or of an
            impossible voxel size, or a DICOM series that is not one straight stack.
    """
    stored = _decode(files, volume_index)
    notes = list(stored.notes)
    voxels, orientation = _to_ras(stored)
    finite = np.isfinite(voxels)
    if not finite.all():
        share = 1 - float(finite.mean())
        if share > 0.5:
            raise UnsuitableInputError(
                f"{percent(share)} of the voxels are not numbers (NaN or infinite): there is no "
                "image to work on."
            )
        voxels = np.where(finite, voxels, np.float32(0))
        notes.append(f"{percent(share)} of the voxels were not numbers and were set to 0.")
    del finite
    _check_size(stored)
    _check_content(voxels)
    affine = stored.affine @ _inverse_orientation(orientation, stored.array.shape)
    grid = SourceGrid(
        (stored.array.shape[0], stored.array.shape[1], stored.array.shape[2]),
        stored.affine,
        stored.kind,
        stored.volumes,
        volume_index,
        stored.assumed,
    )
    return Volume(
        voxels, affine, _digest(files, volume_index), f"{stored.kind} volume", tuple(notes), grid
    )


def read_mask(files: Files, volume: Volume) -> NDArray[np.uint8]:
    """Read a mask or label map and bring it onto a volume's grid; every label above 0 counts.

    Returns:
        uint8 (I, J, K) of `volume`, 1 inside. A mask on another grid is resampled to the nearest
        voxel.

    Raises:
        UnreadableImageError: As `read_volume`.
        UnsuitableInputError: If it is empty, or does not overlap the volume.
    """
    from scipy.ndimage import affine_transform

    stored = _decode(files, 0)
    array = (np.nan_to_num(stored.array) > 0.5).astype(np.uint8)
    if not array.any():
        raise UnsuitableInputError("The reference mask is empty.")
    to_stored = np.linalg.inv(stored.affine) @ volume.affine
    mask = np.asarray(
        affine_transform(
            array, to_stored[:3, :3], to_stored[:3, 3], volume.voxels.shape, order=0, output="uint8"
        )
    )
    if not mask.any():
        raise UnsuitableInputError(
            "The reference mask does not overlap the volume: it belongs to another scan, or one "
            "of the two lacks its orientation."
        )
    return mask


def to_input_grid(array: np.ndarray, volume: Volume) -> np.ndarray:
    """A result on a volume's RAS+ grid, flipped and permuted back as its file was stored."""
    import nibabel as nib

    if array.shape != volume.voxels.shape:
        raise ValueError(f"result of shape {array.shape} for a volume of {volume.voxels.shape}")
    if volume.source is None:
        return array
    stored = nib.orientations.io_orientation(volume.source.affine)
    ras = np.array([[0, 1], [1, 1], [2, 1]])
    back = nib.orientations.ornt_transform(ras, stored)
    return np.asarray(nib.orientations.apply_orientation(array, back))


def nifti_bytes(array: np.ndarray, volume: Volume) -> bytes:
    """A result as .nii.gz on the grid and affine of the input file."""
    import nibabel as nib

    affine = volume.affine if volume.source is None else volume.source.affine
    stored = to_input_grid(array, volume)
    if stored.dtype not in (np.uint8, np.int16, np.float32):
        stored = stored.astype(np.float32)
    image = nib.Nifti1Image(np.ascontiguousarray(stored), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    return gzip.compress(image.to_bytes(), compresslevel=4, mtime=0)


def orientation_of(volume: Volume) -> str:
    """Axis codes of the grid in the file, "RAS" or "PIR" say."""
    import nibabel as nib

    affine = volume.affine if volume.source is None else volume.source.affine
    return "".join(nib.aff2axcodes(affine))


def obliqueness_degrees(volume: Volume) -> float:
    """Largest angle between a voxel axis and the patient axis that it is named after."""
    axes = volume.affine[:3, :3] / np.array(volume.spacing_mm)
    return float(np.degrees(np.arccos(np.clip(np.diag(axes), -1, 1)).max()))


def _decode(files: Files, index: int) -> StoredVolume:
    """Recognise the content by its first bytes, not by its name."""
    if not files:
        raise UnreadableImageError("No file was given.")
    total = sum(len(content) for _, content in files)
    if total > MAX_FILE_BYTES:
        raise UnsuitableInputError(
            f"The files take {total / 1e6:.0f} MB; the limit is {MAX_FILE_BYTES / 1e6:.0f} MB. "
            "Compress them or leave out what does not belong to the series."
        )
    if len(files) == 1 and files[0][1][:4] == b"PK\x03\x04":
        files = _unzip(files[0][1])
    foreign = endings_of(files)
    if foreign is not None:
        return read_foreign(foreign, index)
    kinds = [_kind(content) for _, content in files]
    if all(kind == "DICOM" for kind in kinds):
        return read_series([content for _, content in files], index)
    known = [n for n, kind in enumerate(kinds) if kind not in ("", "picture")]
    if len(files) > 1 and len(known) == 1 and kinds[known[0]] != "DICOM":
        files, kinds = [files[known[0]]], [kinds[known[0]]]
    elif len(files) > 1:
        dicom = [n for n, kind in enumerate(kinds) if kind == "DICOM"]
        if not dicom or any(kinds[n] != "DICOM" for n in known):
            raise UnsuitableInputError(
                f"{len(files)} files were given that are not one DICOM series. Choose one volume "
                "file, or the DICOM files of one series."
            )
        return read_series([files[n][1] for n in dicom], index)
    name, content = files[0]
    readers = {"NIfTI": read_nifti, "MGH": read_mgh, "NRRD": read_nrrd}
    if kinds[0] in readers:
        return readers[kinds[0]](content, index)
    if kinds[0] == "picture":
        raise UnsuitableInputError(
            "This is a 2D picture, and this page needs a 3D volume (NIfTI, MGZ, NRRD or DICOM)."
        )
    ending = "." + name.rsplit(".", 1)[-1].lower()[:8] if "." in name else "without ending"
    raise UnreadableImageError(
        f"The file ({ending}, {len(content):,} bytes) is not a volume that can be read here. "
        "Use NIfTI (.nii, .nii.gz), MGZ, NRRD, or the DICOM files of one series."
    )


def _kind(content: bytes) -> str:
    """ "NIfTI", "MGH", "NRRD", "DICOM", "picture" or "" where it is none of these."""
    if content.startswith(b"NRRD"):
        return "NRRD"
    if content[:8] == b"\x89PNG\r\n\x1a\n" or content[:3] in (b"\xff\xd8\xff", b"GIF"):
        return "picture"
    if content[128:132] == b"DICM":
        return "DICOM"
    head = content[:348]
    if content[:2] == b"\x1f\x8b":
        try:
            head = open_stream(content).read(348)
        except (EOFError, OSError, zlib.error, ValueError) as err:
            raise UnreadableImageError(
                f"The compressed file is damaged ({err}). Copy or download it again."
            ) from err
    if len(head) >= 4:
        for order in "<>":
            size = struct.unpack(order + "i", head[:4])[0]
            if size == 540 and len(head) >= 12 and head[4:7] in (b"n+2", b"ni2"):
                return "NIfTI"
            if size == 348 and (len(head) < 348 or head[344:347] in (b"n+1", b"ni1")):
                return "NIfTI"
        if head[:4] == b"\x00\x00\x00\x01":
            return "MGH"
        # A data set without preamble begins with group 0002 or 0008, little endian.
        if head[:2] in (b"\x02\x00", b"\x08\x00") and head[2:4] < b"\x20\x00" and len(head) > 132:
            return "DICOM"
    return ""


def _unzip(content: bytes) -> list[tuple[str, bytes]]:
    """Files of a zip, within limits and without what the operating system added."""
    found: list[tuple[str, bytes]] = []
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [
                entry
                for entry in archive.infolist()
                if not entry.is_dir()
                and not entry.filename.startswith("__MACOSX")
                and not entry.filename.rsplit("/", 1)[-1].startswith((".", "DICOMDIR"))
            ]
            if len(entries) > MAX_ZIP_FILES:
                raise UnsuitableInputError(
                    f"The zip holds {len(entries)} files; the limit is {MAX_ZIP_FILES}."
                )
            for entry in entries:
                if entry.flag_bits & 1:
                    raise UnsuitableInputError("The zip is protected by a password.")
                total += entry.file_size
                if total > MAX_ZIP_BYTES:
                    raise UnsuitableInputError(
                        f"The zip unpacks to more than {MAX_ZIP_BYTES / 1e6:.0f} MB."
                    )
                with archive.open(entry) as stream:
                    # The directory may lie about the size, so that much and no more is read.
                    piece = bytes(read_exactly(stream, entry.file_size, "zip"))  # type: ignore[arg-type]  # reads bytes
                found.append((entry.filename, piece))
    except (
        zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError,
        zlib.error, struct.error, ValueError, RuntimeError, KeyError, IndexError,
    ) as err:  # fmt: skip
        raise UnreadableImageError(f"The zip is damaged ({err}).") from err
    if not found:
        raise UnreadableImageError("The zip holds no files.")
    return found


def _to_ras(stored: StoredVolume) -> tuple[NDArray[np.float32], np.ndarray]:
    import nibabel as nib

    if not usable_affine(stored.affine):
        raise UnsuitableInputError(
            "The file's orientation is not usable: its axes do not span space. "
            "Convert it again from the original scan."
        )
    orientation = nib.orientations.io_orientation(stored.affine)
    turned = nib.orientations.apply_orientation(stored.array, orientation)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(turned, dtype=np.float32), orientation


def _inverse_orientation(orientation: np.ndarray, shape: tuple[int, ...]) -> NDArray[np.float64]:
    import nibabel as nib

    return np.asarray(nib.orientations.inv_ornt_aff(orientation, shape), float)


def _check_size(stored: StoredVolume) -> None:
    """Refuse voxel sizes and extents that no head scan has."""
    shape = stored.array.shape
    if min(shape) < MIN_SLICES:
        raise UnsuitableInputError(
            f"The volume has only {min(shape)} slices in one direction; at least {MIN_SLICES} are "
            "needed. Choose a scan of the whole head."
        )
    edges = np.sqrt((stored.affine[:3, :3] ** 2).sum(axis=0))
    extent = edges * shape
    if edges.min() < 0.05 or edges.max() > 20 or extent.max() > 1000 or extent.max() < 40:
        sizes = " × ".join(f"{edge:.3g}" for edge in edges)
        raise UnsuitableInputError(
            f"The voxel size of {sizes} mm would make the volume "
            f"{' × '.join(f'{side:.0f}' for side in extent)} mm large, which no head is. "
            "The header is wrong, often in its units: correct it first."
        )


def _check_content(voxels: NDArray[np.float32]) -> None:
    """Refuse a constant volume and label maps."""
    low, high = float(voxels.min()), float(voxels.max())
    if low == high:
        raise UnsuitableInputError(
            f"Every voxel has the same value ({low:g}): there is no image in the file."
        )
    if not np.isfinite(high - low):
        raise UnsuitableInputError("The intensities are too large to work with.")
    sample = voxels[:: max(1, voxels.shape[0] // 40)]
    pairs = sample[:, :-1], sample[:, 1:]
    filled = (pairs[0] != low) & (pairs[1] != low)
    if not np.array_equal(sample, np.round(sample)):
        return
    values = len(np.unique(sample))
    alike = float((pairs[0] == pairs[1])[filled].mean()) if filled.any() else 1.0
    # Neighbours are seldom equal in a scan, nearly always in a map of labels.
    if values <= 8 or (values < 1000 and alike > 0.85):
        raise UnsuitableInputError(
            f"The file looks like a map of {values} labels, not like a scan. "
            "Choose the T1 volume that it was drawn on."
        )


def _digest(files: Files, volume_index: int) -> str:
    state = hashlib.sha256(f"volume {volume_index}".encode())
    for _, content in files:
        state.update(hashlib.sha256(content).digest())
    return state.hexdigest()
