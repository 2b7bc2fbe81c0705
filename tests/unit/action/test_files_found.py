# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a file that an option names cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleFileNotFound
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import _why_unread


@pytest.mark.parametrize("path", ["/there/is/none.yml", "a\0b", "/" + "x" * 5000])
def test_a_file_that_is_not_there_is_said_in_words_of_its_own(path: str) -> None:
    assert _why_unread(path, AnsibleFileNotFound(file_name=path)) == "There is no such file."


def test_a_folder_is_named_as_one(tmp_path: Path) -> None:
    assert "folder" in _why_unread(str(tmp_path), AnsibleFileNotFound(file_name=str(tmp_path)))


def test_the_places_where_it_was_looked_for_are_named() -> None:
    found = _why_unread("a.yml", AnsibleFileNotFound(file_name="a.yml", paths=["/one/a.yml", "/two/a.yml"]))
    assert found == "Searched for: /one/a.yml, /two/a.yml."


def test_what_the_system_says_is_kept() -> None:
    assert _why_unread("/a", PermissionError(13, "Permission denied")) == "Permission denied."
