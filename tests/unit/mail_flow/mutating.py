# SPDX-License-Identifier: GPL-3.0-or-later
"""What wrong programs of proofs and of differences share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Patch = Callable[[Any, str, Any], None]


Values = dict[str, Any]


def subject(*words: str) -> Values:
    return {"subject_contains_words": list(words)}
