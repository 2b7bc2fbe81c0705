# SPDX-License-Identifier: GPL-3.0-or-later
"""The logo of an OME configuration: files that are none, and what Microsoft's article about branding recommends."""

from __future__ import annotations

import base64

from .._engine.plan import PlanWarning, warning
from .._exchange.errors import OptionError
from .._exchange.image import dimensions, format_of, is_picture

#: Recommendations, which are not limits: bytes, and width and height in pixels.
_ADVISED_BYTES = 40 * 1024
_ADVISED_SIZE = (170, 70)


def refuse_other_files(content: bytes, named: str) -> None:
    """Refuses the content of a file that is no picture.

    :param named: how the error begins.
    """
    if not is_picture(content):
        raise OptionError(f"{named} is not a picture.", remedy="Give a PNG, JPEG, BMP or TIFF file.")


def logo_warnings(image_content: str | None) -> list[PlanWarning]:
    """Warnings about a logo that does not follow the recommendations.

    :param image_content: the file in Base64; nothing if there is none.
    """
    if not image_content:
        return []
    content = base64.b64decode(image_content)
    warnings = []
    if not format_of(content):
        text = "The logo is not a PNG, JPEG, BMP or TIFF image, so the portal may not show it."
        warnings.append(warning("logo_format", text))
    if len(content) > _ADVISED_BYTES:
        size = len(content)
        text = f"The logo has {size:,} bytes; Microsoft recommends less than {_ADVISED_BYTES:,}."
        warnings.append(warning("logo_size", text, size=size))
    width, height = dimensions(content)
    if width > _ADVISED_SIZE[0] or height > _ADVISED_SIZE[1]:
        text = f"The logo has {width} x {height} pixels; Microsoft recommends {_ADVISED_SIZE[0]} x {_ADVISED_SIZE[1]}."
        warnings.append(warning("logo_pixels", text, width=width, height=height))
    return warnings
