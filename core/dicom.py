"""Radiographs from DICOM files; only the tags listed here are ever read from the file."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

import numpy as np

from core.codestreams import codestream_size
from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.images import Radiograph
from core.suitability import check_finite, check_size, check_varied, grey_of, unit_range
from core.windows import Preset, presets_of, through_lut

MAX_FRAME_PIXELS = 4_000_000_000
"""Most pixels in all frames together; only the chosen frame is decoded."""
MAX_INFLATED_BYTES = 256 * 2**20

_TAGS = [
    *("SOPClassUID", "Modality", "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel"),
    *("PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated", "BitsStored"),
    *("HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("RedPaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData"),
    *("GreenPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableData"),
    *("BluePaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableData"),
    *("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept", "VOILUTSequence"),
    *("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction"),
    *("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"),
    *("ImageLaterality", "Laterality", "ViewPosition"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData"),
]
"""The allow-list. Names, identifiers, dates and free texts are not parsed at all."""

_MACROS = {
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
    "PixelMeasuresSequence": ("PixelSpacing",),
    "FrameAnatomySequence": ("FrameLaterality",),
}
_VIEWS = {"AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "LAT", "LATERAL", "OBL", "OBLIQUE"}
_VIEWS |= {"CC", "ML", "MLO", "LM", "LMO", "XCCL", "XCCM", "TAN", "AX", "AXIAL"}
_PROJECTIONS = {"CR", "DX", "MG", "RG", "RF", "XA", "PX", "IO", "OT", "SC"}
_OTHER_MODALITIES = {"CT", "MR", "US", "NM", "PT", "OP", "ES", "XC", "GM", "SM", "OCT"}
_SPACINGS = (
    ("PixelSpacing", "It comes from PixelSpacing."),
    (
        "ImagerPixelSpacing",
        "It comes from ImagerPixelSpacing and holds at the detector: "
        "bones lie in front of it, so lengths read too long.",
    ),
    ("NominalScannedPixelSpacing", "It is that of the scanned film."),
)


def read_dicom(source: bytes, *, window: int = 0, frame: int = 0) -> Radiograph:
    """Read one frame of a DICOM file: modality LUT, then window, then polarity (PS3.4 N.2).

    Args:
        source: The file's bytes.
        window: Index of the display preset; "Full range" is offered after the file's own.
        frame: Index of the frame, from 0.

    Returns:
        The radiograph; its digest is left to `core.readers.read_radiograph`.

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
    dataset = _parse(source)
    notes: list[str] = []
    frames = _check_header(dataset, frame)
    _apply_functional_groups(dataset, frame)
    stored = _decode_frame(dataset, frame, frames)
    if frames > 1:
        notes.append(f"The file has {frames} frames; frame {frame + 1} is shown.")
    modality = str(dataset.get("Modality", ""))
    if modality in _OTHER_MODALITIES:
        notes.append(f"The file says that its modality is {modality}, not a projection radiograph.")
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
        title=f"DICOM image ({modality})" if modality in _PROJECTIONS else "DICOM image",
        spacing_mm=_spacing(dataset, notes),
        laterality=_laterality(dataset),
        view=view if (view := str(dataset.get("ViewPosition", ""))) in _VIEWS else None,
        windows=names,
        window=window,
        frames=frames,
        frame=frame,
        notes=tuple(notes),
    )


def _parse(source: bytes) -> Any:
    """The allowed tags of the file as a pydicom dataset with its transfer syntax set."""
    import pydicom
    from pydicom import config, uid

    # pydicom's warnings about malformed values quote them, and they may be a patient's.
    config.settings.reading_validation_mode = config.IGNORE
    _check_inflation(source)
    dataset = pydicom.dcmread(BytesIO(source), force=True, specific_tags=list(_TAGS))
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _check_inflation(source: bytes) -> None:
    """Refuse a deflated data set that would grow beyond bounds: pydicom inflates without limit."""
    deflated = b"1.2.840.10008.1.2.1.99"
    if deflated not in source[:2048]:
        return
    length = int.from_bytes(source[140:144], "little")  # value of (0002,0000)
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    total = 0
    for at in range(144 + length, len(source), 2**16):
        packed = source[at : at + 2**16]
        while packed and not inflater.eof:
            total += len(inflater.decompress(packed, 2**20))
            packed = inflater.unconsumed_tail
            if total > MAX_INFLATED_BYTES:
                raise UnsuitableInputError(
                    f"The deflated DICOM file grows beyond {MAX_INFLATED_BYTES // 2**20} MB when "
                    "it is unpacked, which no radiograph does; export it uncompressed."
                )


def _check_header(dataset: Any, frame: int) -> int:
    """Check what the file says of its pixels before they are decoded; returns the frame count."""
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise UnsuitableInputError(
            f"The DICOM file {_what_instead(dataset)}, and an image was expected; choose the file "
            "of the image itself, or copy it again."
        )
    rows, columns = (_whole(dataset, name) for name in ("Rows", "Columns"))
    frames = _whole(dataset, "NumberOfFrames", default=1)
    check_size(rows, columns)
    if rows * columns * frames > MAX_FRAME_PIXELS:
        raise UnsuitableInputError(
            f"The DICOM file claims {frames} frames of {columns} × {rows} pixels, more than can be "
            "opened; export the frame of interest alone."
        )
    if not 0 <= frame < frames:
        raise UnsuitableInputError(
            f"Frame {frame + 1} was asked for, but the file has {frames}; choose one of these."
        )
    return frames


def _what_instead(dataset: Any) -> str:
    """What a file without pixels is, in the standard's words."""
    from pydicom.uid import UID_dictionary

    entry = UID_dictionary.get(str(dataset.get("SOPClassUID", "")))
    if entry is None or "Image" in entry[0]:
        return "holds no pixels, or ends before them"
    return f"holds no pixels but “{entry[0].removesuffix(' Storage')}”"


def _whole(dataset: Any, name: str, default: int | None = None) -> int:
    """A positive whole number from the header."""
    value = dataset.get(name)
    if value in (None, "") and default is not None:
        return default
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise UnreadableImageError(
            f"The DICOM file gives no valid {name}, which must be a positive whole number; "
            "export or copy it again."
        )
    return number


def _apply_functional_groups(dataset: Any, frame: int) -> None:
    """Lift what an enhanced multi-frame object says of a frame to the top level."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in [*shared[:1], *per_frame[frame : frame + 1]]:
        for macro, names in _MACROS.items():
            for item in (group.get(macro) or [])[:1]:
                for name in names:
                    if name in item:
                        setattr(dataset, name, item[name].value)


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
    values: np.ndarray[Any, Any] = stored
    if dataset.get("ModalityLUTSequence"):
        values = through_lut(stored, dataset.ModalityLUTSequence[0])
    elif "RescaleSlope" in dataset and "RescaleIntercept" in dataset:
        values = stored * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        check_finite(values)
    presets = [*presets_of(dataset), _full_range(dataset, values[~padding])]
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
    if padding.any():
        pixels = np.where(padding, np.float32(0.0), pixels)
        notes.append(f"Padding around the image ({padding.mean():.1%}) was set to black.")
    check_varied(pixels)
    return pixels, tuple(preset.name for preset in presets), window


def _full_range(dataset: Any, values: np.ndarray[Any, Any]) -> Preset:
    """From the lowest to the highest value; 0 to 255 where the file holds plain 8-bit values."""
    if values.dtype == np.uint8 and int(dataset.get("BitsStored", 8)) == 8:
        return Preset("Full range", lambda array: unit_range(array, 0, 255))
    low, high = float(values.min()), float(values.max())
    return Preset("Full range", lambda array: unit_range(array, low, high))


def _padding(dataset: Any, stored: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """bool (H, W): pixels that fill up the rectangle around the image (PS3.3 C.7.5.1.1.2)."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit", value)
    low, high = sorted((int(value), int(limit)))
    padding = (stored >= low) & (stored <= high)
    return np.zeros(stored.shape, bool) if padding.all() else padding


def _spacing(dataset: Any, notes: list[str]) -> tuple[float, float] | None:
    """(row, column) spacing in mm from the first tag that holds a plausible one."""
    for name, meaning in _SPACINGS:
        value = dataset.get(name)
        if not value:
            continue
        try:
            row, column = (float(part) for part in value)
        except (TypeError, ValueError):
            row = column = float("nan")
        if 0.001 <= row <= 10 and 0.001 <= column <= 10:
            notes.append(f"Pixel spacing {row:.4g} × {column:.4g} mm. {meaning}")
            return row, column
        notes.append(f"{name} holds no plausible spacing and was ignored.")
    return None


def _laterality(dataset: Any) -> str | None:
    for name in ("ImageLaterality", "FrameLaterality", "Laterality"):
        value = str(dataset.get(name) or "")
        if value in ("L", "R"):
            return value
    return None
