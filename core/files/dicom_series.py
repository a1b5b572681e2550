"""Assemble a DICOM series into one volume, or say why it is none.

Geometry as in DICOM PS3.3 C.7.6.2 (Image Plane): slices are sorted along the normal of their
plane, never by file name or instance number. Only the tags listed here are read: no name, date
or number of a patient enters.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImageError, UnsuitableInputError
from core.files.volume_formats import StoredVolume, check_matrix

# What is read; everything else in the file stays there.
TAGS = [
    "BitsAllocated", "BitsStored", "Columns", "EchoTime", "GantryDetectorTilt", "HighBit",
    "ImageOrientationPatient", "ImagePositionPatient", "InstanceNumber", "Modality",
    "NumberOfFrames", "PerFrameFunctionalGroupsSequence", "PhotometricInterpretation",
    "PixelData", "PixelRepresentation", "PixelSpacing", "PlanarConfiguration",
    "RescaleIntercept", "RescaleSlope", "Rows", "SamplesPerPixel", "SeriesInstanceUID",
    "SharedFunctionalGroupsSequence", "TemporalPositionIdentifier", "AcquisitionNumber",
    "SmallestImagePixelValue", "PixelPaddingValue", "SOPClassUID",
]  # fmt: skip
DEFLATED = b"1.2.840.10008.1.2.1.99"
MAX_TILT_DEGREES = 0.5
MAX_UNEVEN = 0.05  # of the slice distance


class _Slice:
    """Plane of one frame: position and directions in LPS mm, and where its pixels are."""

    def __init__(self, dataset: Any, frame: int, plane: tuple[Any, ...], rescale: tuple[Any, ...]):
        self.dataset, self.frame = dataset, frame
        position, orientation, spacing = (np.asarray(part, float) for part in plane)
        if position.shape != (3,) or orientation.shape != (6,) or spacing.shape != (2,):
            raise ValueError("plane of a wrong length")
        if not all(np.isfinite(part).all() for part in (position, orientation, spacing)):
            raise ValueError("plane with numbers that are not finite")
        self.position, self.spacing = position, spacing
        self.row, self.column = orientation[:3], orientation[3:]
        normal = np.cross(self.row, self.column)
        if not 0.98 < float(np.linalg.norm(normal)) < 1.02 or (spacing <= 0).any():
            raise ValueError("directions that are not perpendicular unit vectors")
        self.normal = normal / np.linalg.norm(normal)
        self.slope, self.intercept = (float(value) for value in rescale)
        number = getattr(dataset, "InstanceNumber", None)
        self.number = (int(number) if number is not None else 0) * 100000 + frame


def read_series(files: Sequence[bytes], index: int = 0) -> StoredVolume:
    """Sort the slices of one series and stack them.

    Args:
        files: DICOM files: one per slice, or enhanced multi-frame.
        index: Which volume, where every position occurs more than once.

    Raises:
        UnreadableImageError: If a file is damaged.
        UnsuitableInputError: If the files are not one series of parallel, evenly spaced,
            untilted slices.
    """
    datasets = [_parse(content) for content in files]
    with_pixels = [found for found in datasets if "PixelData" in found]
    if not with_pixels:
        raise UnreadableImageError("The DICOM files hold no images.")
    series = {str(found.get("SeriesInstanceUID", "")) for found in with_pixels}
    if len(series) > 1:
        raise UnsuitableInputError(
            f"The {len(with_pixels)} DICOM files belong to {len(series)} different series. "
            "Choose the files of one T1 series."
        )
    slices = _planes(with_pixels)
    if len(slices) < 3:
        raise UnsuitableInputError(
            f"The series has {len(slices)} slices, and this page needs a 3D volume. "
            "Choose all files of the series."
        )
    stacks = _stacks(slices)
    if not 0 <= index < len(stacks):
        raise UnsuitableInputError(f"The series has {len(stacks)} volumes: choose one of them.")
    stack = stacks[index]
    matrix = (int(stack[0].dataset.Columns), int(stack[0].dataset.Rows), len(stack))
    check_matrix(matrix)
    affine = _affine(stack)
    array = np.empty(matrix, np.float32)
    decoded: dict[int, np.ndarray] = {}
    for k, one in enumerate(stack):
        array[:, :, k] = _pixels(one, decoded).T * one.slope + one.intercept
    notes = [f"{len(stack)} DICOM slices were sorted by position."]
    modality = str(stack[0].dataset.get("Modality", ""))
    if modality and modality != "MR":
        notes.append(f"The series says that it is {modality}, not MR.")
    if str(stack[0].dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        array = array.max() + array.min() - array
        notes.append("MONOCHROME1 was inverted.")
    return StoredVolume(array, affine, "DICOM series", len(stacks), False, tuple(notes))


def _parse(content: bytes) -> Any:
    """The listed tags of a file."""
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    if DEFLATED in content[:2048]:
        raise UnsuitableInputError(
            "The DICOM files are deflated, which is not supported. Save them uncompressed."
        )
    try:
        # Its complaints quote the file, names and all, and would end in the terminal's log.
        with pydicom.config.disable_value_validation():
            found = pydicom.dcmread(io.BytesIO(content), force=True, specific_tags=list(TAGS))
            for element in found:  # values are parsed on access: do it here, once
                _ = element.value
    except (
        InvalidDicomError, BytesLengthException, ValueError, KeyError, TypeError, IndexError,
        AttributeError, EOFError, OSError, OverflowError, NotImplementedError, RecursionError,
        MemoryError, LookupError,
    ) as err:  # fmt: skip
        raise UnreadableImageError(f"A DICOM file cannot be read ({_short(err)}).") from err
    return found


def _short(err: BaseException) -> str:
    return str(err).split("\n")[0][:120] or type(err).__name__


def _planes(datasets: Sequence[Any]) -> list[_Slice]:
    """Every frame of every file with its plane."""
    slices: list[_Slice] = []
    sizes = set()
    try:
        for found in datasets:
            sizes.add((int(found.Rows), int(found.Columns)))
            if int(found.get("SamplesPerPixel", 1)) != 1:
                raise UnsuitableInputError(
                    "The DICOM images are in colour, and this page needs one intensity a voxel."
                )
            if abs(float(found.get("GantryDetectorTilt", None) or 0.0)) > MAX_TILT_DEGREES:
                raise _tilted(abs(float(found.GantryDetectorTilt)))
            frames = int(found.get("NumberOfFrames", None) or 1)
            if frames * int(found.Rows) * int(found.Columns) > 4 * 512 * 512 * 400:
                raise UnsuitableInputError("The DICOM file is too large. Save one volume alone.")
            if "PerFrameFunctionalGroupsSequence" in found:
                groups = list(found.PerFrameFunctionalGroupsSequence)
                slices += [_enhanced(found, n, group) for n, group in enumerate(groups[:frames])]
            elif frames > 1:
                raise UnsuitableInputError(
                    "The DICOM file is a film of frames without positions, not a volume."
                )
            else:
                plane = (
                    found.ImagePositionPatient,
                    found.ImageOrientationPatient,
                    found.PixelSpacing,
                )
                scale = (found.get("RescaleSlope", 1) or 1, found.get("RescaleIntercept", 0) or 0)
                slices.append(_Slice(found, 0, plane, scale))
    except (AttributeError, ValueError, TypeError, KeyError, IndexError, OverflowError) as err:
        raise UnsuitableInputError(
            "The DICOM files do not say where their slices lie (position, orientation or pixel "
            f"spacing is missing or damaged: {_short(err)})."
        ) from err
    if len(sizes) > 1:
        raise UnsuitableInputError(
            f"The slices have {len(sizes)} different sizes: the files are of mixed series."
        )
    return slices


def _enhanced(found: Any, number: int, group: Any) -> _Slice:
    """Plane of a frame of an enhanced multi-frame file."""
    shared = found.SharedFunctionalGroupsSequence[0]

    def one(name: str) -> Any:
        return (group if name in group else shared)[name][0]

    measures, scale = one("PixelMeasuresSequence"), (1, 0)
    if "PixelValueTransformationSequence" in group or "PixelValueTransformationSequence" in shared:
        transform = one("PixelValueTransformationSequence")
        scale = (transform.RescaleSlope, transform.RescaleIntercept)
    plane = (
        one("PlanePositionSequence").ImagePositionPatient,
        one("PlaneOrientationSequence").ImageOrientationPatient,
        measures.PixelSpacing,
    )
    return _Slice(found, number, plane, scale)


def _tilted(degrees: float) -> UnsuitableInputError:
    return UnsuitableInputError(
        f"The gantry was tilted by {degrees:.1f}°: the slices are sheared against each other, "
        "and stacking them would bend the head. Choose a series without tilt."
    )


def _stacks(slices: list[_Slice]) -> list[list[_Slice]]:
    """Slices sorted along their normal, one list per volume."""
    first = slices[0]
    for other in slices:
        turned = max(
            float(np.abs(other.row - first.row).max()),
            float(np.abs(other.column - first.column).max()),
        )
        if turned > 0.01:
            raise UnsuitableInputError(
                "The slices lie in different planes (a localiser or mixed series). "
                "Choose one series with parallel slices."
            )
        if np.abs(other.spacing - first.spacing).max() > 1e-3:
            raise UnsuitableInputError("The slices differ in pixel spacing: mixed series.")
    at: dict[float, list[_Slice]] = {}
    for one in slices:
        at.setdefault(round(float(one.position @ first.normal), 2), []).append(one)
    counts = {len(found) for found in at.values()}
    if len(counts) > 1:
        raise UnsuitableInputError(
            f"Some slice positions occur {max(counts)} times and others {min(counts)} times: "
            "slices are missing, or two series are mixed."
        )
    ordered = [sorted(at[key], key=lambda one: one.number) for key in sorted(at)]
    if len(ordered) < 3:
        raise UnsuitableInputError(
            f"The series has {len(ordered)} slice positions, and this page needs a 3D volume."
        )
    return [[same[number] for same in ordered] for number in range(counts.pop())]


def _affine(stack: list[_Slice]) -> NDArray[np.float64]:
    """Index (column, row, slice) to RAS+ mm."""
    first, last = stack[0], stack[-1]
    positions = np.array([one.position for one in stack])
    steps = np.diff(positions @ first.normal)
    typical = float(np.median(steps))
    if np.abs(steps - typical).max() > MAX_UNEVEN * typical + 0.02:
        gap = float(steps.max())
        raise UnsuitableInputError(
            f"The slices are unevenly spaced ({typical:.2f} mm, once {gap:.2f} mm): "
            "some are missing. Choose all files of the series."
        )
    along = (last.position - first.position) / (len(stack) - 1)
    cosine = float(along @ first.normal / np.linalg.norm(along))
    tilt = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    if tilt > MAX_TILT_DEGREES:
        raise _tilted(tilt)
    affine = np.eye(4)
    affine[:3, 0] = first.row * first.spacing[1]
    affine[:3, 1] = first.column * first.spacing[0]
    affine[:3, 2] = along
    affine[:3, 3] = first.position
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def _pixels(one: _Slice, decoded: dict[int, np.ndarray]) -> np.ndarray:
    """Stored values (rows, columns) of one frame; multi-frame files are decoded once."""
    key = id(one.dataset)
    found = decoded.get(key)
    try:
        if found is None:
            found = np.asarray(one.dataset.pixel_array)
            if found.ndim == 3:
                decoded[key] = found
    except (
        AttributeError, ValueError, KeyError, TypeError, IndexError, RuntimeError, OSError,
        EOFError, NotImplementedError, OverflowError, MemoryError, LookupError,
    ) as err:  # fmt: skip
        raise UnreadableImageError(
            f"The pixels of a DICOM file cannot be decoded ({_short(err)})."
        ) from err
    plane = found[one.frame] if found.ndim == 3 else found
    if plane.ndim != 2:
        raise UnsuitableInputError("The DICOM images are not grey images.")
    return plane
