# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an experiment on disk: only its owner reads it, and nobody's file is written over."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.mail_flow import OwnerFile


def test_it_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "record.json"
    file = OwnerFile(path)
    file.create({"a": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(OptionError, match="exists"):
        OwnerFile(path).create({"a": 2})
    assert file.read() == {"a": 1}
    file.write({"a": 3})
    assert file.read() == {"a": 3}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["record.json"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    link = tmp_path / "record.json"
    link.symlink_to(target)
    with pytest.raises(OptionError):
        OwnerFile(link).create({"a": 1})
    assert not target.exists()


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(OptionError):
        OwnerFile(path).read()
