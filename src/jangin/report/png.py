"""A picture as PNG text, with nothing but the standard library.

    data = encode(pixels)          # (height, width, 3) uint8 -> the bytes of a PNG file
    uri = data_uri(pixels)         # the same as "data:image/png;base64,...", for the src of an <img>

Eight bits a channel, true colour, no interlace; every row is stored as its difference to the row above, which is what
makes rendered pictures small.
Source: W3C, Portable Network Graphics Specification, third edition, clauses 5 (chunks), 9 (filter "Up"), 10 (zlib).
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from jangin.task import Array

__all__ = ["data_uri", "encode"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2  # the row filter: this row minus the row above, modulo 256


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encode(pixels: Array) -> bytes:
    """The bytes of a PNG file of a picture, (height, width, 3) uint8; raises ValueError for any other array."""
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(f"A picture is (height, width, 3) uint8, not {pixels.shape} {pixels.dtype}.")
    height, width, _ = pixels.shape
    rows = np.full((height, 1 + 3 * width), _UP, np.uint8)
    rows[0, 1:] = pixels[0].reshape(-1)
    rows[1:, 1:] = (pixels[1:] - pixels[:-1]).reshape(height - 1, 3 * width)  # uint8 wraps, as the filter asks
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def data_uri(pixels: Array) -> str:
    """The picture as a data URI; raises ValueError as `encode` does."""
    return "data:image/png;base64," + base64.b64encode(encode(pixels)).decode("ascii")
