"""What is read from a DICOM file's header: an allow-list of tags, checked before pixels are."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

from core.errors import UnreadableImageError, UnsuitableInputError
from core.files.checks import check_size

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
OTHER_MODALITIES = {"CT", "MR", "US", "NM", "PT", "OP", "ES", "XC", "GM", "SM", "OCT"}
_SPACINGS = (
    ("PixelSpacing", "It comes from PixelSpacing."),
    (
        "ImagerPixelSpacing",
        "It comes from ImagerPixelSpacing and holds at the detector: "
        "bones lie in front of it, so lengths read too long.",
    ),
    ("NominalScannedPixelSpacing", "It is that of the scanned film."),
)


def parse(source: bytes) -> Any:
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


def check_header(dataset: Any, frame: int) -> int:
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


def apply_functional_groups(dataset: Any, frame: int) -> None:
    """Lift what an enhanced multi-frame object says of a frame to the top level."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in [*shared[:1], *per_frame[frame : frame + 1]]:
        for macro, names in _MACROS.items():
            for item in (group.get(macro) or [])[:1]:
                for name in names:
                    if name in item:
                        setattr(dataset, name, item[name].value)


def spacing(dataset: Any, notes: list[str]) -> tuple[float, float] | None:
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


def laterality(dataset: Any) -> str | None:
    """ "L" or "R", where the file says so."""
    for name in ("ImageLaterality", "FrameLaterality", "Laterality"):
        value = str(dataset.get(name) or "")
        if value in ("L", "R"):
            return value
    return None


def view(dataset: Any) -> str | None:
    """View position, where it is a usual one."""
    value = str(dataset.get("ViewPosition") or "")
    return value if value in _VIEWS else None


def modality(dataset: Any, notes: list[str]) -> str:
    """Modality, where it is a known one, else nothing; notes what is no projection."""
    value = str(dataset.get("Modality") or "")
    if value in OTHER_MODALITIES:
        notes.append(f"The file says that its modality is {value}, not a projection radiograph.")
    return value if value in _PROJECTIONS | OTHER_MODALITIES else ""
