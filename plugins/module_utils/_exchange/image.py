# SPDX-License-Identifier: GPL-3.0-or-later
"""The format and size of an image, from its first bytes.

The size of a damaged image is unknown. This is never an error.
"""

from __future__ import annotations

import struct

_FORMATS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"BM": "bmp", b"II*\x00": "tiff", b"MM\x00*": "tiff"}

#: Other formats of pictures: where their mark stands, and the mark. They are GIF, WebP, AVIF and HEIC, and icons.
_OTHERS = ((0, b"GIF8"), (8, b"WEBP"), (4, b"ftypavif"), (4, b"ftyphei"), (0, b"\x00\x00\x01\x00"))

#: The JPEG markers that begin a frame, which holds the size. C4, C8 and CC have other meanings.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257


def format_of(content: bytes) -> str:
    """``png``, ``jpg``, ``bmp`` or ``tiff``. Empty for a format that the portal is not documented to accept."""
    return next((name for magic, name in _FORMATS.items() if content.startswith(magic)), "")


def is_picture(content: bytes) -> bool:
    """Whether the first bytes are those of a picture of any common format."""
    return (
        bool(format_of(content))
        or any(content[place:].startswith(magic) for place, magic in _OTHERS)
        or b"<svg" in content[:1024].lower()
    )


def dimensions(content: bytes) -> tuple[int, int]:
    """Width and height in pixels; (0, 0) if unknown."""
    readers = {"png": _png, "jpg": _jpeg, "bmp": _bmp, "tiff": _tiff}
    reader = readers.get(format_of(content))
    try:
        return reader(content) if reader else (0, 0)
    except (struct.error, IndexError):
        return 0, 0


def _png(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _bmp(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<ii", content, 18)
    return width, abs(height)  # a negative height means that rows are stored from top to bottom


def _jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    while content[at] == 0xFF:
        marker, length = content[at + 1], struct.unpack_from(">H", content, at + 2)[0]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        at += 2 + length
    return 0, 0


def _tiff(content: bytes) -> tuple[int, int]:
    order = "<" if content.startswith(b"II") else ">"
    (at,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, at)
    tags = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", content, entry)
        # A two-byte number occupies the first two of the field's four bytes.
        tags[tag] = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", content, entry + 8)[0]
    return tags.get(_TIFF_WIDTH, 0), tags.get(_TIFF_HEIGHT, 0)
