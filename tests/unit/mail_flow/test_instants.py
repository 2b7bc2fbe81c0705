# SPDX-License-Identifier: GPL-3.0-or-later
"""Instants as people read them."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.instants import instant_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-04-01T00:00:00Z", "2026-04-01 00:00 UTC"),
        ("2026-04-01T09:30:05+00:00", "2026-04-01 09:30:05 UTC"),
        ("2026-04-01T09:30:00+02:00", "2026-04-01 09:30 UTC+02:00"),
        ("2026-04-01T09:30:00", "2026-04-01 09:30"),
        ("2026-04-01", "2026-04-01"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_an_instant_is_written_with_its_offset_if_it_has_one(text: str, words: str) -> None:
    assert instant_words(text) == words
