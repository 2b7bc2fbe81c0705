# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of what artifacts say. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import exact_digest


def normal(value: Any) -> Any:
    """The value in the form that is compared and digested: the order of words in a list is ignored, and line breaks are
    ``\\n``.
    """
    if isinstance(value, Mapping):
        return {str(key): normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [normal(item) for item in value]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def digest_of(value: Any) -> str:
    """``sha256:`` and the digest of the value's normal form."""
    return exact_digest(normal(value))
