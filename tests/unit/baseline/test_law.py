# SPDX-License-Identifier: GPL-3.0-or-later
"""The law of the role: for any organization and any wishes, the baseline converges, and the rollback leaves what was
there before.

Also where the baseline fails at any one of its writes.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from tests.emulator import Organization
from tests.emulator.errors import CmdletError
from tests.rounds import rounds
from tests.unit.baseline.wishes import ALLOWED, NAMES, STATES, WISHES
from tests.unit.emulated_session import WIRES

from .conftest import FAULTS, VOLATILE, FailingSession, Role, lasting

LAW = settings(max_examples=rounds(10))


@given(STATES, WISHES, st.sampled_from(WIRES))
@LAW
def test_baseline_then_rollback_is_nothing(state: dict[str, Any], wishes: dict[str, Any], wire: str) -> None:
    role = Role(state, wire=wire)
    before = role.state()
    try:
        check = role.plan(check=True, **ALLOWED, **wishes)
    except ExchangeError:
        assert role.session.writes == []  # A refusal comes before the first write.
        event("refused")
        return
    assert role.session.writes == []
    result = role.run(**ALLOWED, **wishes)
    assert result["digest"] == check["digest"]
    again = role.plan(**ALLOWED, **wishes)
    assert not again["pending"], role.report["changes"]
    if not result["pending"]:
        assert role.state() == before
        return
    role.run("rollback", remove_created_templates=True)
    assert role.state() == before
    writes = len(role.session.writes)
    assert not role.run("rollback")["pending"]
    assert len(role.session.writes) == writes


@given(STATES, WISHES, st.integers(0, 8), st.sampled_from(FAULTS), st.sampled_from(WIRES), st.booleans())
@settings(LAW, max_examples=rounds(16))
def test_what_a_failure_left_is_rolled_back(
    state: dict[str, Any], wishes: dict[str, Any], fails: int, fault: str, wire: str, at_once: bool
) -> None:
    session = FailingSession(state, fails, fault, wire)
    role = Role(session)
    before = role.state()
    try:
        result = role.run(rollback_on_failure=at_once, **ALLOWED, **wishes)
    except ExchangeError:
        if session.fails == fails:
            assert not session.writes  # Refused.
            return
        event(f"{fault}{', and put back at once' if at_once else ''}")
        assert "The rollback failed" not in role.report["message"]
        # Templates that were created stay where nothing says that they shall go: only this removes them.
        if role.artifacts.snapshots.chain().links:
            role.run("rollback", remove_created_templates=True)
        assert role.state() == before
        return
    session.fails = -1
    if result["pending"]:
        role.run("rollback", remove_created_templates=True)
    assert role.state() == before


def settled(rule: dict[str, Any] | None) -> dict[str, Any]:
    """What others can have set in a rule: its place also follows from those of others."""
    return {key: value for key, value in (rule or {}).items() if key not in VOLATILE and key != "Priority"}


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("Remove-TransportRule"), st.sampled_from(NAMES), st.just({})),
        st.tuples(st.just("Disable-TransportRule"), st.sampled_from(NAMES), st.just({})),
        st.tuples(
            st.just("Set-TransportRule"),
            st.sampled_from(NAMES),
            st.sampled_from([{"Name": "renamed"}, {"Comments": "others"}, {"Priority": 0}]),
        ),
        st.tuples(st.just("New-TransportRule"), st.sampled_from(NAMES), st.just({"PrependSubject": "theirs"})),
    ),
    min_size=1,
    max_size=3,
)


@given(STATES, WISHES, EDITS, st.sampled_from(WIRES))
@settings(LAW, max_examples=rounds(16), phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_a_rollback_never_undoes_what_others_did_unasked(
    state: dict[str, Any], wishes: dict[str, Any], edits: list[tuple[str, str, dict[str, Any]]], wire: str
) -> None:
    """Either it is refused before any write, or every rule that others touched is still as they left it, but for what
    the run had changed of it.
    """
    role = Role(state, wire=wire)
    try:
        if not role.run(**ALLOWED, **wishes)["pending"]:
            return
    except ExchangeError:
        return
    ran = {rule["Guid"]: rule for rule in role.session.organization.dump()["transport_rules"]}
    for cmdlet, name, parameters in edits:
        with contextlib.suppress(CmdletError):
            role.session.edit(cmdlet, **{"Name" if cmdlet.startswith("New-") else "Identity": name}, **parameters)
    left = {rule["Guid"]: rule for rule in role.session.organization.dump()["transport_rules"]}
    writes = len(role.session.writes)
    try:
        role.run("rollback", remove_created_templates=True)
    except ExchangeError:
        assert len(role.session.writes) == writes
        event("refused")
        return
    after = {rule["Guid"]: rule for rule in role.session.organization.dump()["transport_rules"]}
    event("rolled back")
    for guid, rule in left.items():
        if guid not in ran:
            assert settled(after.get(guid)) == settled(rule), "a rule that others made was changed or removed"
            continue
        theirs = {key: value for key, value in settled(rule).items() if value != ran[guid].get(key)}
        if theirs:
            assert guid in after, "a rule that others had changed was removed"
            assert {key: after[guid].get(key) for key in theirs} == theirs
    # No rule is there again that others had removed.
    gone = {rule["Name"] for guid, rule in ran.items() if guid not in left}
    assert not {rule["Name"] for guid, rule in after.items() if guid not in left} & gone


@given(STATES, WISHES, st.integers(0, 8))
@LAW
def test_a_half_applied_plan_can_be_resumed(state: dict[str, Any], wishes: dict[str, Any], fails: int) -> None:
    session = FailingSession(state, fails)
    role = Role(session)
    try:
        digest = role.plan(check=True, **ALLOWED, **wishes)["digest"]
        role.run(approved_plan=digest, **ALLOWED, **wishes)
    except ExchangeError:
        if not session.writes:
            return
        # Without it an approval counts for one run.
        role.run(approved_plan=digest, approval_valid_until="2999-01-31", **ALLOWED, **wishes)
    assert not role.plan(**ALLOWED, **wishes)["pending"]


@given(STATES, WISHES)
@LAW
def test_the_digest_is_the_same_over_every_wire(state: dict[str, Any], wishes: dict[str, Any]) -> None:
    digests = set()
    organization = lasting(Organization(state).dump())
    for wire in WIRES:
        for reorder in (False, True):
            role = Role({**state, "reorder_lists": reorder}, wire=wire)
            try:
                digests.add(role.plan(check=True, **ALLOWED, **wishes)["digest"])
            except ExchangeError as error:
                digests.add(str(error))
    assert len(digests) == 1, organization
