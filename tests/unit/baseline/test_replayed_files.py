# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an organization whose mail the role replays."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.replayed import _files
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError


@pytest.mark.parametrize(
    ("value", "files"),
    [
        (None, []),
        ("a.csv", ["a.csv"]),
        (["a.csv", "b.csv"], ["a.csv", "b.csv"]),
        ({"contoso": "a.csv"}, ["a.csv"]),
        ({"contoso": ["a.csv"]}, ["a.csv"]),
        ({"contoso": None, "fabrikam": "b.csv"}, []),
    ],
)
def test_files_are_for_all_or_for_each_organization(value: Any, files: list[str]) -> None:
    assert _files(value, "contoso") == files


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"Contoso": "a.csv"}, "hardened_baseline_replay_trace has no files for 'contoso'"),
        ({}, "hardened_baseline_replay_trace has no files for 'contoso'"),
        ([], "The list hardened_baseline_replay_trace is empty"),
        ({"contoso": []}, "The list hardened_baseline_replay_trace is empty"),
    ],
)
def test_where_there_are_none_the_live_trace_is_not_read_instead(value: Any, why: str) -> None:
    with pytest.raises(OptionError, match=why):
        _files(value, "contoso")
