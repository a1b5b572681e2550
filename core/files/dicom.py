"""Radiographs from DICOM files: decoding, modality LUT, window and polarity of one frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files.checks import check_finite, check_varied, grey_of, unit_range
from core.files.dicom_header import (
    apply_functional_groups,
    check_header,
    laterality,
    modality,
    parse,
    spacing,
    view,
)
from core.files.dicom_windows import Preset, presets_of, through_lut
from core.files.jpeg_size import codestream_size
from core.images import Radiograph
from core.percent import percent


def read_dicom(source: bytes, *, window: int = 0, frame: int = 0) -> Radiograph:
    """Read one frame of a DICOM file: modality LUT, then window, then polarity (PS3.4 N.2).

    Args:
        source: The file's bytes.
        window: Index of the display preset; "Full range" is offered after the file's own.
        frame: Index of the frame, from 0.

    Returns:
        The radiograph; its digest is left to `core.files.radiograph.read_radiograph`.

    Raises:
        UnreadableImageError: If the file or its pixels cannot be decoded.
        UnsuitableInputError: If it has no pixels, or such as cannot be a radiograph.
    """
    try:
        return _read(source, window, frame)
    except ImagingError:
        raise
    except Exception as err:  # parser and decoders raise anything
        raise UnreadableImageError(
            "The DICOM file is damaged or incomplete, so that its pixels cannot be decoded; "
            "export or copy it again."
        ) from err


def _read(source: bytes, window: int, frame: int) -> Radiograph:
    dataset = parse(source)
    notes: list[str] = []
    frames = check_header(dataset, frame)
    apply_functional_groups(dataset, frame)
    stored = _decode_frame(dataset, frame, frames)
    if frames > 1:
        notes.append(f"The file has {frames} frames; frame {frame + 1} is shown.")
    kind = modality(dataset, notes)
    check_finite(stored)
    names: tuple[str, ...] = ()
    if stored.ndim == 3:
        full_scale = float(2 ** int(dataset.BitsStored) - 1)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            full_scale = float(np.iinfo(stored.dtype).max)
        grey, note = grey_of(stored, full_scale)
        notes += [note] if note else []
        check_varied(grey)
        pixels, window = unit_range(grey, 0.0, full_scale), 0
    else:
        check_varied(stored)
        pixels, names, window = _displayed(dataset, stored, window, notes)
    return Radiograph(
        pixels,
        "unset",
        title=f"DICOM image ({kind})" if kind else "DICOM image",
        spacing_mm=spacing(dataset, notes),
        laterality=laterality(dataset),
        view=view(dataset),
        modality=kind or None,
        windows=names,
        window=window,
        frames=frames,
        frame=frame,
        notes=tuple(notes),
    )


def _decode_frame(dataset: Any, frame: int, frames: int) -> np.ndarray[Any, Any]:
    """Stored values of a frame: (H, W), or (H, W, 3) as RGB."""
    from pydicom.pixels import apply_color_lut, get_decoder, pixel_array

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        name = syntax.name if syntax.is_transfer_syntax else "an unknown format"
        raise UnreadableImageError(
            f"The DICOM file is stored as {name}, which cannot be decoded here; export it "
            "uncompressed or as RLE, JPEG, JPEG-LS or JPEG 2000."
        )
    if syntax.is_encapsulated:
        _check_codestream(dataset, frame, frames)
    try:
        stored = pixel_array(dataset, index=frame)
    except Exception as err:  # decoders raise anything on damage
        raise UnreadableImageError(
            "The pixels of the DICOM file are damaged, or fewer or more than its header says, "
            "so that they cannot be decoded; export or copy it again."
        ) from err
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
    return stored


def _check_codestream(dataset: Any, frame: int, frames: int) -> None:
    """Refuse a compressed frame whose own header disagrees with the DICOM header.

    The decoders believe the codestream, so that a small header could hide a huge picture.
    """
    from pydicom.encaps import get_frame
    from pydicom.uid import RLELossless

    encoded = get_frame(dataset.PixelData, frame, number_of_frames=frames)
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        plain = rows * columns * int(dataset.SamplesPerPixel) * (int(dataset.BitsAllocated) // 8)
        agrees = len(encoded) <= plain + plain // 16 + 4096  # the worst that RLE does is 129/128
    else:
        agrees = codestream_size(encoded) == (rows, columns)
    if not agrees:
        raise UnreadableImageError(
            "The compressed pixels of the DICOM file are damaged or of another size than its "
            f"header says ({columns} × {rows}); export or copy it again."
        )


def _displayed(
    dataset: Any, stored: np.ndarray[Any, Any], window: int, notes: list[str]
) -> tuple[np.ndarray[Any, Any], tuple[str, ...], int]:
    """Modality LUT, window, polarity: pixels, the names of the presets and the one used."""
    padding = _padding(dataset, stored)
    values = _modality_values(dataset, stored)
    inside = values if padding is None else values[~padding]
    presets = [*presets_of(dataset), _full_range(dataset, inside)]
    if not 0 <= window < len(presets):
        raise UnsuitableInputError(
            f"Window preset {window + 1} was asked for, but the file offers {len(presets)}; "
            "choose one of these."
        )
    pixels = presets[window].apply(values)
    if pixels.min() == pixels.max():
        notes.append(
            f"The preset “{presets[window].name}” leaves one grey value only, "
            "so the full range is shown."
        )
        window = len(presets) - 1
        pixels = presets[window].apply(values)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        pixels = np.float32(1.0) - pixels
        notes.append("MONOCHROME1 was inverted, so that bone is bright.")
    if padding is not None:
        pixels = np.where(padding, np.float32(0.0), pixels)
        notes.append(f"Padding around the image ({percent(padding.mean())}) was set to black.")
    check_varied(pixels)
    return pixels, tuple(preset.name for preset in presets), window


def _modality_values(dataset: Any, stored: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Stored values through the modality LUT or rescale, where there is one (PS3.3 C.11.1)."""
    if dataset.get("ModalityLUTSequence"):
        return through_lut(stored, dataset.ModalityLUTSequence[0])
    slope = float(dataset.get("RescaleSlope") or 1)
    intercept = float(dataset.get("RescaleIntercept") or 0)
    if (slope, intercept) == (1, 0):
        return stored
    exact: Any = np.float32 if stored.dtype.itemsize <= 2 else np.float64
    values: np.ndarray[Any, Any] = stored.astype(exact)
    values *= slope
    values += intercept
    check_finite(values)
    return values


def _full_range(dataset: Any, values: np.ndarray[Any, Any]) -> Preset:
    """From the lowest to the highest value; 0 to 255 where the file holds plain 8-bit values."""
    if values.dtype == np.uint8 and int(dataset.get("BitsStored", 8)) == 8:
        return Preset("Full range", lambda array: unit_range(array, 0, 255))
    low, high = float(values.min()), float(values.max())
    return Preset("Full range", lambda array: unit_range(array, low, high))


def _padding(dataset: Any, stored: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """bool (H, W): pixels that fill up the rectangle around the image (PS3.3 C.7.5.1.1.2)."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.get("PixelPaddingRangeLimit", value)
    low, high = sorted((int(value), int(limit)))
    padding = (stored >= low) & (stored <= high)
    return padding if padding.any() and not padding.all() else None
