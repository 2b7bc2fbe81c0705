# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator with a mistake in it: the named cases notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import deliver
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions import people
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import any_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import rule_actions, rule_set
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator import (
    copy_splits,
    decider,
    results,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import Does

from tests.unit.mail_flow.vectors import BY_ID, verify

Patch = Callable[[Any, str, Any], None]


def conditions_are_ored(patch: Patch) -> None:
    def parts(self: Any, rule: Any, world: Any, person: Any, added: bool = False) -> Any:
        yield any_of(self.truth(atom, world, person) for atom in rule.criteria.conditions)

    patch(decider.MessageDecider, "parts", parts)
    patch(decider.MessageDecider, "matches_nobody", lambda *_arguments: False)


def exceptions_are_ignored(patch: Patch) -> None:
    whole = decider.MessageDecider.parts

    def parts(self: Any, rule: Any, *arguments: Any) -> Any:
        return whole(self, rule.with_criteria(exceptions=()), *arguments)

    patch(decider.MessageDecider, "parts", parts)


def stop_is_ignored(patch: Patch) -> None:
    whole = deliver._ended
    patch(deliver, "_ended", lambda act, world: whole(replace(act, does=act.does - {Does.STOP}), world))


def copies_are_never_split(patch: Patch) -> None:
    patch(copy_splits.CopySplits, "after", lambda self, rule, branches, person: branches)


def order_is_reversed(patch: Patch) -> None:
    def reverse(given: Any) -> rule_set.RuleSet:
        return rule_set.RuleSet([{**rule, "priority": -rule["priority"]} for rule in given])

    patch(
        results.Simulator, "__init__", lambda self, given, facts: vars(self).update(rules=reverse(given), facts=facts)
    )


def audit_acts(patch: Patch) -> None:
    patch(rule_actions.RuleActions, "enforced", property(lambda self: True))


def subdomains_are_ignored(patch: Patch) -> None:
    patch(people, "is_below", lambda name, parent: name == parent)


@pytest.mark.parametrize(
    ("mutant", "noticed_by"),
    [
        (conditions_are_ored, ["A03", "C12"]),
        (exceptions_are_ignored, ["A07", "B04", "I02"]),
        (stop_is_ignored, ["B18", "D08", "D10"]),
        (copies_are_never_split, ["B08"]),
        (order_is_reversed, ["B08", "D08", "E02"]),
        (audit_acts, ["D04", "D06"]),
        (subdomains_are_ignored, ["F10", "I02"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_mistake_is_noticed(
    mutant: Callable[[Patch], None], noticed_by: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for vector in noticed_by:
        verify(BY_ID[vector])
    mutant(monkeypatch.setattr)
    for vector in noticed_by:
        with pytest.raises((AssertionError, StopIteration)):
            verify(BY_ID[vector])
