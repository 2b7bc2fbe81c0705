# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of the snapshots that runs leave behind."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action import snapshot_files

from tests.unit.emulated_session import WIRES

from .conftest import Role


class _Past(datetime.datetime):
    """A clock that was set back."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return datetime.datetime(1999, 1, 1, tzinfo=tz)


@pytest.mark.parametrize("wire", WIRES)
def test_a_clock_that_was_set_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wire: str) -> None:
    role = Role({}, str(tmp_path), wire)
    first = role.state()
    role.run()
    second = role.state()
    monkeypatch.setattr(snapshot_files.datetime, "datetime", _Past)
    role.run(encrypt_outgoing={"template": "Encrypt"})
    role.run("rollback")
    assert role.state() == second
    role.run("rollback")
    assert role.state() == first


def test_a_broken_chain_asks_for_a_name(role: Role) -> None:
    for words in (["a"], ["b"], ["c"]):
        role.run(encrypt_outgoing={"exceptions": {"subject_contains_words": words}}, accept=["weakened_mail"])
    last = role.artifacts.snapshots.chain().newest()
    assert last is not None
    (start,) = role.artifacts.snapshots.chain().starts
    (middle,) = [link for link in role.artifacts.snapshots.chain().links if link.previous == start.id]
    Path(middle.path).unlink()
    writes = len(role.session.writes)
    with pytest.raises(OptionError, match="is broken"):
        role.run("rollback")
    assert len(role.session.writes) == writes
    role.run("rollback", rollback_snapshot=Path(last.path).name)
    assert len(role.session.writes) > writes


def test_a_snapshot_under_a_strangers_name_is_refused(role: Role) -> None:
    role.run()
    (link,) = role.artifacts.snapshots.chain().links
    Path(link.path).rename(link.path.replace(link.id, "0" * 12))
    with pytest.raises(OptionError, match="the file was renamed"):
        role.run("rollback")


def test_a_snapshot_tells_its_run(role: Role) -> None:
    path = role.run()["snapshot"]
    document = role.artifacts.load(path)
    assert document["run"] == role.artifacts.run
    assert document["previous"] == ""
