# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the role one after the other, with clocks that jump and disks that fill up or can only be read.

The law: what is said of Exchange is what happened to it; nothing is written without a snapshot that can be read; and a
rollback goes back to before the last run that was not rolled back, whatever clocks said.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import random
import tempfile
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents import snapshot as _snapshot
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot import read_snapshot
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.apply import apply
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import waiting as _waiting
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action import snapshot_files

from tests.unit.baseline.conftest import Role

_WISHES: tuple[dict[str, Any], ...] = (
    {},
    {"encrypt_outgoing": {"template": "Encrypt"}},
    {"encrypt_outgoing": {"template": "Do Not Forward", "exceptions": {"subject_contains_words": ["clear"]}}},
    {"branding": {"portal_text": "Ours"}, "pdf_encryption": True, "accept": ["IRM-5"]},
    {"transport_decryption": "Mandatory", "encrypt_button": False, "accept": ["mail_rejection"]},
)
_FULL, _READ_ONLY = errno.ENOSPC, errno.EROFS


class Surroundings:
    """A clock that can be set, and a disk that fails from its ``free``-th file on; ``None`` takes all."""

    def __init__(self) -> None:
        self.shift = datetime.timedelta()
        self.free: int | None = None
        self.code = _FULL
        self._replace = os.replace

    def replace(self, source: Any, target: Any) -> None:
        if self.free is not None:
            if self.free <= 0:
                raise OSError(self.code, os.strerror(self.code))
            self.free -= 1
        self._replace(source, target)

    @contextlib.contextmanager
    def around(self) -> Iterator[Surroundings]:
        here = self

        class Clock(datetime.datetime):
            """The time as this machine believes it to be."""

            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
                return datetime.datetime(2026, 11, 25, 3, tzinfo=tz) + here.shift

        times = SimpleNamespace(
            **{name: getattr(datetime, name) for name in ("UTC", "timedelta", "date", "time")}, datetime=Clock
        )
        with (
            mock.patch.object(snapshot_files, "datetime", times),
            mock.patch.object(_snapshot, "datetime", times),
            mock.patch.object(os, "replace", self.replace),
            mock.patch.object(_waiting, "VERIFY_INTERVAL", 0.0),
        ):
            yield self


def examine(seed: int, steps: int = 8) -> int:
    """One sequence of runs. How many there were. An AssertionError says which part of the law was broken."""
    source = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory, Surroundings().around() as surroundings:
        role = Role({"advanced_message_encryption": True}, directory, source.choice(["rest", "module", "server"]))
        #: The id of each snapshot whose run has written, with the state before it, oldest first.
        behind: list[tuple[str, Any]] = []
        for _step in range(steps):
            surroundings.shift = datetime.timedelta(
                seconds=source.choice([0, 1, -1, 3600, -86400 * 400, 86400 * 9000, -86400 * 9000])
            )
            surroundings.free = source.choice([None, None, None, source.randint(0, 8)])
            surroundings.code = source.choice([_FULL, _READ_ONLY])
            if source.random() < 0.6:
                _go_on(role, source.choice(_WISHES), behind)
            else:
                _go_back(role, behind, whole=surroundings.free is None)
        surroundings.free = None
        first = behind[0][1] if behind else role.state()
        # A run that failed before its first write has left a snapshot, too.
        for _link in role.artifacts.snapshots.chain().links:
            _go_back(role, behind, whole=True)
        assert not behind, "a run is not rolled back"
        assert role.state() == first, "all was rolled back, and it is not as it was at first"
    return steps


def _go_on(role: Role, wishes: dict[str, Any], behind: list[tuple[str, Any]]) -> None:
    """A run of the baseline."""
    before, writes = role.state(), len(role.session.writes)
    snapshot = _run(role, "baseline", wishes)
    if role.state() == before:
        return
    assert len(role.session.writes) > writes
    assert snapshot, "it wrote without a snapshot"
    document = read_snapshot(role.artifacts.load(snapshot), snapshot)
    behind.append((document.id, before))


def _go_back(role: Role, behind: list[tuple[str, Any]], *, whole: bool) -> None:
    """A run of the rollback.

    :param whole: no disk fails in it.
    """
    before = role.state()
    _run(role, "rollback", {})
    after = role.state()
    gone = {link.id for link in role.artifacts.snapshots.chain().links if link.rolled_back}
    if behind and (after != before or behind[-1][0] in gone):
        assert after == behind[-1][1], "it did not go back to before the last run that is not rolled back"
        if behind[-1][0] in gone:
            behind.pop()
    assert not whole or after == before or not behind or behind[-1][0] not in gone
    assert not [id_ for id_, _state in behind if id_ in gone], "another snapshot than the newest counts as rolled back"


def _run(role: Role, procedure: str, wishes: dict[str, Any]) -> str:
    """Plans and applies. Holds what is said of Exchange against what reached it. The snapshot's path, empty where there
    is none.
    """
    writes = len(role.session.writes)
    try:
        planned = role.plan(procedure, **wishes)
    except ExchangeError:
        assert len(role.session.writes) == writes, "a refusal came after a write"
        return ""
    assert len(role.session.writes) == writes, "the preflight wrote"
    if not planned["pending"]:
        return ""
    task = role._task(
        procedure, "recommended", wishes, False, run_tags=[], skip_tags=[], snapshot=planned["snapshot"], stage=""
    )
    try:
        said = apply(task)
    except ExchangeError as error:
        said = dict(error.result)
    done = [str(call) for call in role.session.writes[writes:]]
    assert list(said.get("commands", ())) == done, f"it says {said.get('commands')}, and did {done}"
    assert bool(said.get("changed")) == bool(done)
    return str(planned["snapshot"])
