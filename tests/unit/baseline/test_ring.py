# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rings: every combination of what can become of three organizations, and what is taken back then."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.apply import apply
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.ring import failed_of_ring, take_back_ring
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, UnreachableError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifacts import Artifacts, Run

from .conftest import FailingSession, Role

#: What can become of an organization of a ring.
CONVERGED, CHANGED, REFUSED, UNREACHABLE = "converged", "changed", "refused", "unreachable"
WRITE_FAILS, LOST, MAIL, TEST, STUCK = "write fails", "lost afterwards", "mail is wrong", "test fails", "cannot be rolled back"
FATES = (CONVERGED, CHANGED, REFUSED, UNREACHABLE, WRITE_FAILS, LOST, MAIL, TEST, STUCK)
FINE = (CONVERGED, CHANGED)

#: A message of which the baseline makes nothing that this expects.
WRONG = [{"name": "Outside", "from": "a@contoso.com", "to": ["b@fabrikam.com"], "expect": {"b@fabrikam.com": {"protection": "template:Nothing"}}}]


class RingSession(FailingSession):
    """An organization that can become unreachable, or refuse all further writes."""

    is_gone = False
    refuses = False

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        if self.is_gone:
            raise UnreachableError("no session could be opened.")
        if self.refuses and not calls[0].is_read:
            return [Result(error=ExchangeError("The service refused this.", cmdlet=call.cmdlet)) for call in calls]
        return super().invoke(calls, fresh=fresh)


class Member(Role):
    """One organization of a ring, and what becomes of it."""

    def __init__(self, directory: Path, number: int, fate: str, ring: Sequence[str]) -> None:
        state: dict[str, Any] = {"irm_test_failure": "encryption"} if fate == TEST else {}
        session = RingSession(state, fails=1 if fate == WRITE_FAILS else -1)
        super().__init__(session, str(directory))
        self.session: RingSession = session
        self.host, self.fate, self.hosts, self.ring = ring[number], fate, list(ring), list(ring)
        self.variables: dict[str, Any] = {"encrypt_outgoing": True, "accept": ["EAS-1", "IRM-4"], "ring_rollback": True}
        if fate == CONVERGED:
            self.run("baseline", **self.variables)
        self.before = self.state()
        if fate == MAIL:
            self.variables["messages"] = WRONG
        if fate == TEST:
            self.variables |= {"test_sender": "a@contoso.com", "test_timeout": 0}
        if fate == REFUSED:
            self.variables["rollback_snapshot"] = "x"
            self.variables["accept"] = []
            self.variables["transport_decryption"] = "Mandatory"
        session.is_gone = fate == UNREACHABLE
        self.began = False

    def begin(self, procedure: str) -> None:
        super().begin(procedure)
        own = Path(self.directory) / ".run-of-the-ring"
        own.mkdir(exist_ok=True)
        if getattr(self, "ring", [])[1:]:
            self.artifacts = Artifacts(self.directory, self.host, Run("ring", "20261125T030000Z", own), procedure)

    def go(self) -> dict[str, Any] | None:
        """Plans. What it returns is there to be applied."""
        try:
            planned = self.plan("baseline", **self.variables)
        except ExchangeError:
            return None
        return planned if planned["writes"] else None

    def write(self, planned: dict[str, Any]) -> None:
        stage = self._stage(planned["snapshot"], "")
        if self.fate in (CHANGED, LOST, STUCK):
            apply(stage)
        else:
            said = {MAIL: "mail is not treated as declared", TEST: "the test of rights management does not pass"}.get(self.fate, "")
            with pytest.raises(ExchangeError, match=said or None):
                apply(stage)
        self.session.is_gone = self.fate == LOST
        self.session.refuses = self.fate == STUCK

    def take_back(self) -> dict[str, Any]:
        return take_back_ring(self._stage("", "ring"))

    def _stage(self, snapshot: str, stage: str) -> Any:
        return self._task("baseline", "recommended", self.variables, False, run_tags=[], skip_tags=[], snapshot=snapshot, stage=stage)


@pytest.mark.parametrize("fates", [tuple(fates) for fates in itertools.combinations_with_replacement(FATES, 2)], ids=" + ".join)
def test_a_ring_goes_back_as_a_whole_and_once(fates: tuple[str, ...], tmp_path: Path) -> None:
    ring = [f"org{number}" for number in range(len(fates))]
    members = [Member(tmp_path, number, fate, ring) for number, fate in enumerate(fates)]
    # Core runs each task for all organizations of the ring before the next one.
    planned = [(member, plan) for member in members if (plan := member.go())]
    for member, plan in planned:
        member.write(plan)

    # Being lost or stuck after the writing is no failure of it.
    wrong = [member.host for member in members if member.fate not in (*FINE, LOST, STUCK)]
    for member, _plan in planned:
        assert set(failed_of_ring(member.artifacts)) == set(wrong), member.host

    for member in members:
        kept = member.state()
        if wrong and member.fate in (LOST, STUCK):
            with pytest.raises(ExchangeError, match=f"{member.host} was not rolled back") as caught:
                member.take_back()
            assert (member.report["message"], member.report["status"], member.state()) == (caught.value.message, "failed", kept)
            continue
        result = member.take_back()
        assert result["changed"] == bool(wrong and member in [one for one, _plan in planned] and kept != member.before)
        assert member.state() == (member.before if wrong else kept)
        if result["changed"]:
            assert all(host in result["msg"] for host in wrong)
            assert {change["state"] for change in member.report["changes"]} == {"not applied"}
        # Nothing is rolled back twice.
        writes = len(member.session.writes)
        assert not member.take_back()["changed"]
        assert len(member.session.writes) == writes
