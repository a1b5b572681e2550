"""Picture sizes from the headers of compressed codestreams, read before anything is decoded."""

from __future__ import annotations

import struct

_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers of JPEG (ITU-T T.81 B.1.1.3) and JPEG-LS (T.87)."""


def codestream_size(encoded: bytes) -> tuple[int, int] | None:
    """(H, W) that a JPEG, JPEG-LS or JPEG 2000 codestream states, or None where it has none."""
    if encoded.startswith(b"\xff\xd8"):
        return _jpeg_size(encoded)
    start = encoded[:4096].find(b"\xff\x4f\xff\x51")  # SOC and SIZ (ITU-T T.800 A.5.1)
    if start < 0 or len(encoded) < start + 24:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", encoded, start + 8)
    return bottom - top, right - left


def _jpeg_size(encoded: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(encoded) and encoded[at] == 0xFF:
        marker = encoded[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", encoded, at + 5)
            return height, width
        else:
            at += 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
    return None
