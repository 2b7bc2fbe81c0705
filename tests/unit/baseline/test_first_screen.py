# SPDX-License-Identifier: GPL-3.0-or-later
"""The first screen of a report never soothes: over any organization and any wishes, an impact needs attention."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report import first_screen
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.first_screen import answers_of, figures_of
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.rounds import rounds
from tests.unit.baseline.wishes import ALLOWED, STATES, WISHES
from tests.unit.emulated_session import WIRES
from tests.unit.run_reports import run_of

from .conftest import Role

#: Procedure and whether it is only tried.
STEPS = (("baseline", True), ("baseline", False), ("audit", False), ("rollback", True), ("rollback", False))


def judge(role: Role, kind: str) -> bool:
    """Whether the plan has an impact. An AssertionError says how its report soothes."""
    report = role.report
    run = run_of(report, kind=kind)
    attention, _changes, _decisions = answers_of(run)
    facts = figures_of(run)
    impact = any(change["impact"] or change["rollback"] == "not possible" for change in report["changes"])
    if impact:
        assert attention.word != "Nothing seen"
    if report["status"] in ("refused", "failed", "not assessable") or report["warnings"]:
        assert attention.word != "Nothing seen"
    # Every change is on a card, and every impact is counted.
    assert {impact for impact in facts.impacts if impact} == {
        change["impact"] for change in report["changes"] if change["impact"]
    }
    if report["controls"]:
        assert any(f"of {len(report['controls'])} controls looked at" in text for text in attention.asides)
    return impact


@given(STATES, WISHES, st.sampled_from(WIRES), st.sampled_from([[], ["ome-1"]]))
@settings(max_examples=rounds(15))
def test_no_impact_goes_without_attention(
    state: dict[str, Any], wishes: dict[str, Any], wire: str, tags: list[str]
) -> None:
    role = Role(state, wire=wire)
    for procedure, check in STEPS:
        variables = {**ALLOWED, **wishes, "run_tags": tags} if procedure != "rollback" else {}
        try:
            role.plan(procedure, check=True, **variables) if check else role.run(procedure, **variables)
        except ExchangeError:
            if "report" not in role.artifacts.notes.remembered():
                return
        if judge(role, {("baseline", True): "check", ("baseline", False): "apply"}.get((procedure, check), procedure)):
            event("impact")


def test_the_law_sees_a_screen_that_soothes(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    role.plan(check=True)
    judge(role, "check")
    monkeypatch.setattr(first_screen, "IMPACT", {})
    with pytest.raises(AssertionError):
        judge(role, "check")
