# SPDX-License-Identifier: GPL-3.0-or-later
"""When two names are the same to .NET, and when a directory might take them for one."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import (
    lookalikes,
    name_key,
    same_name,
)
from hypothesis import given
from hypothesis import strategies as st

#: What ToUpperInvariant of PowerShell 7.6.9 makes of every character that it changes, and OrdinalIgnoreCase takes for
#: the same: code point, code point.
_TABLE = Path(__file__).parents[2] / "data/dotnet_upper_invariant.txt"


def test_every_letter_is_compared_as_dotnet_compares_it() -> None:
    rows = (line.split() for line in _TABLE.read_text(encoding="ascii").splitlines())
    dotnet = {int(small, 16): int(capital, 16) for small, capital in rows}
    assert len(dotnet) > 1400
    for point in range(0x110000):
        capital = chr(dotnet.get(point, point))
        # What this Python's Unicode does not know yet, it leaves as it is.
        if not 0xD800 <= point < 0xE000 and "Cn" not in (
            unicodedata.category(chr(point)),
            unicodedata.category(capital),
        ):
            assert name_key(chr(point)) == capital, hex(point)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("OME Configuration", "ome configuration", True),
        ("Ångström", "ÅNGSTRÖM", True),
        ("Πάσης", "ΠΆΣΗΣ", True),
        ("ma\u0131l", "MAIL", False),
        ("mai\u017f", "MAIS", False),
        ("Straße", "STRASSE", False),
        ("\ufb01rst", "FIRST", False),
        ("e\u0301", "\u00e9", False),
        ("\u212a", "k", False),
    ],
)
def test_names(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same
    assert bool(lookalikes(one, [other])) is not same


@given(st.text())
def test_a_key_is_stable(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)
    assert len(name_key(name)) == len(name)


def test_each_other_name_is_told_once() -> None:
    assert lookalikes("Résumé", ["Resume", "RESUME", "Resume", "Résumés"]) == ["Resume", "RESUME"]
    assert lookalikes("a", ["A", "c"]) == []
