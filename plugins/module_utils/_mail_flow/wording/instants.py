# SPDX-License-Identifier: GPL-3.0-or-later
"""Instants as people read them."""

from __future__ import annotations

import datetime


def instant_words(text: str) -> str:
    """An instant in ISO 8601 in words, such as ``2026-04-01 00:00 UTC``. A date without a time, and what is no instant, stay as they are."""
    try:
        instant = datetime.datetime.fromisoformat(text)
    except ValueError:
        return text
    if len(text) <= len("2026-04-01"):
        return text
    words = instant.strftime("%Y-%m-%d %H:%M:%S" if instant.second else "%Y-%m-%d %H:%M")
    return f"{words} {instant.tzname()}" if instant.tzinfo else words
