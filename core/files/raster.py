"""Grey values from PNG, JPEG, TIFF, BMP and WebP files in 8 and 16 bit."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files.checks import (
    MAX_PIXELS,
    check_finite,
    check_size,
    check_varied,
    grey_of,
    unit_range,
)
from core.images import FloatArray
from core.rounding import span

_ORIENTATION = 274
_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_SAMPLE_FORMAT = 339

_UPRIGHT = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}
"""What undoes each EXIF orientation (Exif 2.32, tag 0x0112)."""


def read_raster(source: bytes, kind: str) -> tuple[FloatArray, list[str]]:
    """Decode the first picture of a raster file.

    8-bit values keep their scale; 16-bit ones are scaled by the number of bits they use; 32-bit
    and floating ones by their own range, unless they lie in [0, 1].

    Args:
        source: The file's bytes.
        kind: One of `core.files.kinds.RASTER_KINDS`.

    Returns:
        float32 (H, W) in [0, 1], upright, and notes for the user.

    Raises:
        UnreadableImageError: If it cannot be decoded.
        UnsuitableInputError: If it is too large or small, coloured, constant or not finite.
    """
    notes: list[str] = []
    try:
        array, full_scale = _decode(source, kind, notes)
    except ImagingError:
        raise
    except Exception as err:  # decoders raise anything on damage
        _refuse_bomb(err, kind)
        raise UnreadableImageError(
            f"The {kind} file is damaged, incomplete or of a rare kind, so that its pixels cannot "
            "be decoded; export or download it again."
        ) from err
    check_finite(array)
    if array.ndim == 3:
        array, note = grey_of(array, full_scale or 1.0)
        notes += [note] if note else []
    check_varied(array)
    if full_scale:
        return unit_range(array, 0.0, full_scale), notes
    low, high = float(array.min()), float(array.max())
    if np.issubdtype(array.dtype, np.floating) and low >= 0.0 and high <= 1.0:
        return array.astype(np.float32), notes
    notes.append(f"Its values ({span(low, high)}) were scaled to the full range.")
    return unit_range(array, low, high), notes


def _refuse_bomb(err: Exception, kind: str) -> None:
    """Tell Pillow's own limit on pixels, which acts on opening, from damage."""
    from PIL import Image

    if isinstance(err, Image.DecompressionBombError):
        raise UnsuitableInputError(
            f"The {kind} file claims more pixels than the {MAX_PIXELS // 1_000_000} million that "
            "are decoded at most; export it at a lower resolution."
        ) from err


def _decode(source: bytes, kind: str, notes: list[str]) -> tuple[np.ndarray[Any, Any], float]:
    """Decode to (H, W) or (H, W, 3) with the value of full scale, 0 where it is not known."""
    from PIL import Image

    if kind == "WebP":  # Pillow's decoder allocates the canvas when it opens the file
        check_size(*_webp_size(source), coloured=True)
    with Image.open(BytesIO(source), formats=(kind,)) as image:
        width, height = image.size
        check_size(height, width, coloured=len(image.getbands()) > 1)
        if kind != "JPEG" and getattr(image, "is_animated", False):
            notes.append("The file holds several pictures; only the first was read.")
        orientation = int(image.getexif().get(_ORIENTATION, 1))
        tags = dict(getattr(image, "tag_v2", {}))
        deep_colour = _is_deep_colour(source, kind, tags)
        image.load()
        array, full_scale = _array_of(image, tags, notes)
    if deep_colour:
        array, full_scale = _deep_colours(source), 65535.0
    if orientation in _UPRIGHT:
        notes.append("The picture was turned upright as its orientation tag says.")
        if kind != "TIFF":  # these both decoders turn themselves
            array = _UPRIGHT[orientation](array)
    if array.ndim == 3 and array.shape[2] == 4:
        array = _over_black(array, full_scale)
    return np.ascontiguousarray(array), full_scale


def _array_of(
    image: Any, tags: dict[int, Any], notes: list[str]
) -> tuple[np.ndarray[Any, Any], float]:
    """Pixels of a loaded Pillow image, with the value of full scale or 0."""
    if image.mode == "1":
        return np.asarray(image.convert("L")), 255.0
    if image.mode == "L":
        return np.asarray(image), 255.0
    if image.mode.startswith("I;16"):
        array = np.asarray(image).astype(np.uint16)
        full_scale = _full_scale(int(array.max()), notes)
        if tags.get(_PHOTOMETRIC) == 0:  # white is zero: Pillow inverts 8 bit only
            notes.append("The file stores white as zero, so it was inverted.")
            array = np.uint16(full_scale) - array
        return array, full_scale
    if image.mode in ("I", "F"):
        array = np.asarray(image)
        if image.mode == "I" and tags.get(_SAMPLE_FORMAT, (1,))[0] == 1:
            array = array.view(np.uint32)
        return array, 0.0
    alpha = "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info
    return np.asarray(image.convert("RGBA" if alpha else "RGB")), 255.0


def _full_scale(highest: int, notes: list[str]) -> float:
    """Full scale of 16-bit storage: many files hold values of 10, 12 or 14 bits only."""
    bits = next(bits for bits in (8, 10, 12, 14, 16) if highest < 2**bits)
    if bits < 16:
        notes.append(f"The 16-bit file holds {bits}-bit values: 0 to {2**bits - 1} is full range.")
    return float(2**bits - 1)


def _is_deep_colour(source: bytes, kind: str, tags: dict[int, Any]) -> bool:
    """Whether the file has 16 bits in several channels, which Pillow would cut to 8."""
    if kind == "PNG":
        return source[24] == 16 and source[25] != 0
    bits = tags.get(_BITS_PER_SAMPLE, ())
    return kind == "TIFF" and len(bits) > 1 and bits[0] == 16


def _deep_colours(source: bytes) -> np.ndarray[Any, Any]:
    """Decode a 16-bit colour file, which Pillow has found whole, to (H, W, 3 or 4)."""
    import cv2

    array = cv2.imdecode(np.frombuffer(source, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.ndim != 3 or array.dtype != np.uint16:
        raise UnreadableImageError(
            "The file stores 16-bit colours in a rare way that cannot be decoded; "
            "export it as 16-bit greyscale PNG or TIFF."
        )
    order = [2, 1, 0, 3][: array.shape[2]]
    return np.asarray(array)[..., order]


def _over_black(colours: np.ndarray[Any, Any], full_scale: float) -> np.ndarray[Any, Any]:
    """Lay (H, W, 4) with alpha over black: (H, W, 3)."""
    alpha = colours[..., 3:]
    if (alpha == full_scale).all():
        return colours[..., :3]
    shown = colours[..., :3].astype(np.float32) * (alpha.astype(np.float32) / full_scale)
    return np.rint(shown).astype(colours.dtype)


def _webp_size(source: bytes) -> tuple[int, int]:
    """(H, W) from the header of a WebP file (RFC 9649)."""
    chunk = source[12:16]
    if chunk == b"VP8X":
        width = 1 + int.from_bytes(source[24:27], "little")
        height = 1 + int.from_bytes(source[27:30], "little")
        return height, width
    if chunk == b"VP8L":
        (bits,) = struct.unpack("<I", source[21:25])
        return 1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF)
    width, height = struct.unpack("<HH", source[26:30])
    return height & 0x3FFF, width & 0x3FFF
