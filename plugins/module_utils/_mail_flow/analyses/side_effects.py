# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do beside protecting and delivering mail, and on which mail that changes: who is told of it or asked about
it, and how it leaves. Private to the collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    Cause,
    Later,
    SideEffect,
    SideEffectsChanged,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.mail_class import (
    acted,
    witness_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.open_findings import (
    names_of,
    unchanged,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_changes import (
    Edit,
    edits_of,
    unedited,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import directions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.disclosures import THE_MANAGER
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule, RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.bit_simulation import Batch
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import FALSE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import result
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import high
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    course_of,
)


def effects_of(rule: FlowRule) -> set[SideEffect]:
    """What a rule does beside."""
    if rule.idle:
        return set()
    found: set[SideEffect] = set()
    told = {row.option for row in rule.rows if row.does is Does.REPORT and (rule.enforced or rule.mode in row.in_audit)}
    if "generate_incident_report" in told:
        content = rule.actions.get("incident_report_content") or ()
        words = {str(each).casefold() for each in ([content] if isinstance(content, str) else content)}
        found.add(
            SideEffect(
                "original" if "attachoriginalmail" in words else "report", str(rule.actions["generate_incident_report"])
            )
        )
    found |= {SideEffect("notification")} if "generate_notification" in told else set()
    if rule.enforced:
        found |= {
            SideEffect("approval", str(each)) for each in rule.does(Does.MODERATE).get("moderate_message_by_user") or ()
        }
        found |= (
            {SideEffect("approval", THE_MANAGER)}
            if rule.does(Does.MODERATE).get("moderate_message_by_manager")
            else set()
        )
        connector = str(rule.actions.get("route_message_outbound_connector") or "")
        found |= {SideEffect("connector", connector)} if connector else set()
        found |= {SideEffect("tls")} if rule.actions.get("route_message_outbound_require_tls") else set()
    return found


def side_effects_differ(before: RuleSet, after: RuleSet) -> bool:
    """Whether an edit may change what rules do beside."""
    edits = edits_of(before, after, every=True)
    return any(rule is not None and effects_of(rule) for edit in edits for rule in (edit.before, edit.after))


class SideEffects:
    """Finds the mail on which rules newly do something beside, or no longer do.

    :param budget: the maximum number of conflicts for all questions, those that there were before included.
    """

    def __init__(self, model: Model, budget: int) -> None:
        self.model, self._budget = model, budget
        self._edits = edits_of(*model.rule_sets, every=True)
        self._places = {id(rule): both[1].place for both in unedited(*model.rule_sets) for rule in both}

    def findings(self) -> Iterator[SideEffectsChanged]:
        """One for each rule that does so, or did, and each direction."""
        doing = [[(rule, effects_of(rule)) for rule in rules.rules] for rules in self.model.rule_sets]
        circuit, chains = self.model.circuit, self.model.free.chains
        every = sorted({effect for side in doing for _rule, effects in side for effect in effects})
        done = [
            {
                effect: circuit.disjunction(high(chain.acts(rule)) for rule, effects in side if effect in effects)
                for effect in every
            }
            for side, chain in zip(doing, chains, strict=True)
        ]
        asked = Batch(circuit, self._budget)
        wanted = [(which, effect) for which in (1, 0) for effect in every]
        only = {
            (which, effect): (done[not which][effect] ^ 1, *self._waits(effect, not which)) for which, effect in wanted
        }
        changed = asked.possible(
            [((which, effect), (done[which][effect], *only[which, effect])) for which, effect in wanted]
        )
        questions = [
            ((which, rule.place, effect), (high(chains[which].acts(rule)), *only[which, effect]))
            for which, effect in wanted
            if (which, effect) in changed
            for rule, effects in doing[which]
            if effect in effects
        ]
        possible = asked.possible(questions)
        for which in (1, 0):
            for rule, effects in doing[which]:
                found = sorted(effect for effect in effects if (which, rule.place, effect) in possible)
                if found:
                    shown = circuit.disjunction(circuit.conjunction(only[which, effect]) for effect in found)
                    yield self._finding(rule, found, now=bool(which), literals=[high(chains[which].acts(rule)), shown])

    def _waits(self, effect: SideEffect, which: bool) -> list[int]:
        """That mail waits for an approval in a rule set, where an effect is news only then: somebody inside who is
        asked is told with the approval.
        """
        if effect.sort != "approval" or directions.recipient_outside(self.model.facts, effect.name) is not False:
            return []
        held = self.model.free.chains[which].state.held
        return [high(held[0]) if held else FALSE]

    def _finding(
        self, rule: FlowRule, found: Sequence[SideEffect], *, now: bool, literals: Sequence[int]
    ) -> SideEffectsChanged:
        mine = [edit for edit in self._edits if rule is edit.before or rule is edit.after]
        edits = mine or [edit for edit in self._edits if edit.place < self._places[id(rule)]]
        later = None if mine else Later(rule.name, acts=now, stays=True)
        return SideEffectsChanged(
            about=(unchanged(self.model, rule),),
            rules=names_of(edits),
            witness=self._witness(rule, literals, now=now),
            effects=tuple(found),
            now=now,
            later=later,
            cause=Cause(edits[0], _acting(edits[0], now=now or not mine), later) if len(edits) == 1 else None,
        )

    def _witness(self, rule: FlowRule, literals: Sequence[int], *, now: bool) -> Mapping[str, Any] | None:
        """A message on which the rule surely acts in one rule set, if one is found."""
        usual = [each.literal for each in self.model.mail.assumptions]
        left = self._budget - self.model.circuit.solver.conflicts
        if left <= 0:
            return None
        _possible, candidate = self.model.search([*usual, *literals], self.model.free, left)
        if candidate is None:
            return None
        rules, facts, edit = (
            self.model.rule_sets[now],
            candidate.facts[now],
            Edit("", None if now else rule, rule if now else None, rule.place),
        )

        def outcome(message: Message) -> tuple[bool, Any]:
            """Whether the rule acts on a message, and what becomes of it."""
            course = course_of(rules, message, facts, candidate.letter.recipient)
            return (
                (acted(edit, (course, course))[now], result(course, rules, message, facts)) if course else (False, None)
            )

        found = outcome(candidate.message)
        return witness_of(candidate, shows=lambda message: outcome(message) == found) if found[0] else None


def _acting(edit: Edit, *, now: bool) -> tuple[bool, bool]:
    """Whether the rule of an edit acted before, and acts now, as far as the edit tells."""
    was, acts = (rule is not None and not rule.idle for rule in (edit.before, edit.after))
    return (True, True) if was and acts else (not now, now) if was == acts else (was, acts)
