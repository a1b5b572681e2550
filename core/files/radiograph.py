"""Read a radiograph from the bytes of whatever file a user has."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from core.errors import UnreadableImageError, UnsuitableInputError
from core.files.dicom import read_dicom
from core.files.kinds import RASTER_KINDS, described, kind_of, named_kind
from core.files.raster import read_raster
from core.images import Radiograph

EXPECTED = "a radiograph as PNG, JPEG, TIFF, BMP, WebP or DICOM"

_ADVICE = {
    "zip": "unpack it, or give it to the batch, which reads zip archives",
    "NIfTI": "open volumes on the skull stripping page",
    "NRRD": "open volumes on the skull stripping page",
    "HEIC photo": "export it as JPEG or PNG",
    "AVIF image": "export it as PNG",
    "GIF": "save it as PNG",
    "JPEG 2000 image": "save it as PNG, or give the DICOM file that it came from",
    "NumPy array": "save it as 16-bit PNG",
    "PDF": "export the picture in it as PNG",
}


def read_radiograph(
    source: bytes, *, name: str = "", window: int = 0, frame: int = 0
) -> Radiograph:
    """Read a radiograph, judging the format by content.

    Args:
        source: The file's bytes.
        name: The file's name. Its extension is compared with the content; nothing of it is kept.
        window: Which of the file's display presets makes the pixels; raster files have none.
        frame: Which frame of a multi-frame DICOM file, from 0.

    Returns:
        The radiograph, bone bright. Its notes say what reading changed or assumed.

    Raises:
        UnreadableImageError: If the bytes are not a whole image of a known format.
        UnsuitableInputError: If they are, but cannot be a radiograph.
    """
    if not source:
        raise UnreadableImageError(
            f"The file is empty (0 bytes), and {EXPECTED} was expected; choose it again."
        )
    kind = kind_of(source)
    extension, promised = named_kind(name)
    if kind == "DICOM":
        image = read_dicom(source, window=window, frame=frame)
    elif kind in RASTER_KINDS:
        if window or frame:
            raise UnsuitableInputError(
                f"A {kind} file has no window presets or frames to choose from; "
                "choose the first of each."
            )
        pixels, notes = read_raster(source, kind)
        image = Radiograph(pixels, "unset", title=f"{kind} image", notes=tuple(notes))
    else:
        raise UnreadableImageError(_not_an_image(kind, extension, promised))
    if promised and promised != kind:
        note = f"The name ends in {extension}, but the file is {kind} and was read as such."
        image = replace(image, notes=(note, *image.notes))
    digest = hashlib.sha256(source)
    if image.window or image.frame:
        digest.update(f"|window {image.window}|frame {image.frame}".encode())
    return replace(image, digest=digest.hexdigest())


def _not_an_image(kind: str, extension: str, promised: str) -> str:
    """The sentence about a file that is no image at all."""
    found = described(kind)
    if promised and promised != kind:
        found += f" although its name ends in {extension}"
    advice = _ADVICE.get(kind, "choose the image itself")
    return f"The file is {found}, and {EXPECTED} was expected; {advice}."
