# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of a capture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the digest that it should have, made as its documentation says."""
    said = {name: value for name, value in document.items() if name != "digest"}
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {**said, "digest": "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()}
