# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary rules of experiments: how they are written, made and removed, and how those are known that a run left behind.

A rule only acts on mail of one sender that has a word of its run in the subject. It ends by itself, and is removed
whatever happens. What is removed has the name, the comment and the words of a run: nobody else's rule has all three.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._engine.context import COMMON_ARGUMENT_SPEC, ModuleContext
from ..._engine.converge import converge
from ..._engine.plan import Plan
from ..._exchange.cmdlet import Call
from ..._exchange.errors import ExchangeError
from ..._exchange.organization import Organization, read
from ..._resources.rules.organization_rules import rules_of, subsets_for
from ..._resources.rules.planner import plan_rules
from ..._resources.rules.rule import DeclaredRule, Rule, declare
from ..._resources.rules.rule_index import RuleBook
from .letters import Sending
from .question_experiments import SENDER, TemporaryRule

#: What the name of a temporary rule begins with, and the cmdlet that removes one.
PREFIX, REMOVE = "Message encryption experiment", "Remove-TransportRule"

#: How often a removal is tried, and the seconds between two tries.
_TRIES, _PAUSE = 3, 10.0

_NAME = re.compile(rf"{PREFIX} ([0-9a-f]{{8}}) (U\d\d|ready) [a-z ]+")
_ROLE = re.compile(r"\{([a-z]+)\}")


def word_of(token: str, number: str, message: str) -> str:
    """The word in the subject by which rules know a message of a question."""
    return f"{token}{number.lower()}{message}"


def rule_name(token: str, number: str, part: str) -> str:
    """The name of a temporary rule."""
    return f"{PREFIX} {token} {number} {part}"


def _comment(token: str) -> str:
    return (
        f"Made by mail_flow_experiment for its run {token}. It acts on that run's messages alone, and can be removed."
    )


def rule_of_run(
    number: str, rule: TemporaryRule, sending: Sending, people: Mapping[str, str], until: datetime.datetime
) -> dict[str, Any]:
    """A temporary rule in the form of the modules.

    :param people: role to address.
    :param until: when it ends by itself.
    """
    words = [word_of(sending.token, number, message) for message in rule.of]
    scope = {"from": [people[SENDER]], "subject_contains_words": words}
    return {
        "name": rule_name(sending.token, number, rule.part),
        "enabled": True,
        "mode": rule.mode,
        "comments": _comment(sending.token),
        "expiry_date": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "conditions": {**scope, **_with_people(rule.conditions, people)},
        "exceptions": _with_people(rule.exceptions, people),
        "actions": {**_with_people(rule.actions, people), "set_audit_severity": "Low"},
    }


def _with_people(options: Mapping[str, Any], people: Mapping[str, str]) -> dict[str, Any]:
    """Options with addresses in place of roles."""

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(item) for item in value]
        return _ROLE.sub(lambda role: people[role[1]], value) if isinstance(value, str) else value

    return {option: filled(value) for option, value in options.items()}


def token_of(rule: Rule) -> str:
    """The token of the run that made a rule; empty if it is none of an experiment."""
    named = _NAME.fullmatch(rule.name)
    if named is None or rule.settings.get("comments") != _comment(named[1]):
        return ""
    words = rule.sections["conditions"].get("subject_contains_words") or []
    start = f"{named[1]}{named[2].lower()}"
    return named[1] if words and all(str(word).startswith(start) for word in words) else ""


def is_over(rule: Rule, now: datetime.datetime) -> bool:
    """Whether a temporary rule has ended by itself, so that its run is over."""
    try:
        end = datetime.datetime.fromisoformat(str(rule.settings.get("expiry_date") or ""))
    except ValueError:
        return False
    return end.tzinfo is not None and end < now


@dataclass(frozen=True)
class LeftoverRule:
    """A temporary rule that could not be removed, or of which nobody knows whether it was.

    :param reason: why.
    :param command: the cmdlet that removes it.
    """

    name: str
    reason: str
    command: str


@dataclass
class TemporaryRules:
    """Makes and removes temporary rules.

    :param sleep: waits for seconds.
    """

    task: ModuleContext
    sleep: Callable[[float], None]

    def make(self, rules: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Makes rules, behind all others.

        :returns: name to GUID.
        :raises ExchangeError: one was not made, or it is not known. Others may be there.
        """
        declared = [declare(options, f"temporary_rules[{place}].") for place, options in enumerate(rules)]

        def planner(organization: Organization) -> Plan:
            return plan_rules(RuleBook(organization), declared)

        converge(self._writing(), subsets_for(declared), planner, fresh=True)
        names = {rule.name for rule in declared}
        organization = read(self.task.session, ["transport_rules"], fresh=True)
        return {rule.name: rule.guid for rule in rules_of(organization) if rule.name in names}

    def remove(self, is_ours: Callable[[Rule], bool]) -> list[LeftoverRule]:
        """Removes temporary rules.

        :param is_ours: which of them. What is not a temporary rule stays.
        :returns: those that may still be there.
        """
        seen: dict[str, str] = {}

        def planner(organization: Organization) -> Plan:
            removed = [rule for rule in rules_of(organization) if token_of(rule) and is_ours(rule)]
            seen.update({rule.guid: rule.name for rule in removed})
            return plan_rules(RuleBook(organization), [_absent(rule) for rule in removed], ordered=False)

        reason = ""
        for attempt in range(_TRIES):
            if attempt:
                self.sleep(_PAUSE)
            try:
                converge(self._writing(), ["transport_rules"], planner, fresh=True)
            except ExchangeError as error:
                reason = str(error)
            else:
                return []
        return [
            LeftoverRule(name, reason, str(Call(REMOVE, {"Identity": guid, "Confirm": False})))
            for guid, name in (self._still_there(is_ours) or seen).items()
        ] or [LeftoverRule("", reason, f"Get-TransportRule | Where-Object Name -like '{PREFIX} *' | {REMOVE}")]

    def _still_there(self, is_ours: Callable[[Rule], bool]) -> dict[str, str]:
        """GUID to name of those that a read shows; empty if it shows none or fails."""
        try:
            organization = read(self.task.session, ["transport_rules"], fresh=True)
            return {rule.guid: rule.name for rule in rules_of(organization) if token_of(rule) and is_ours(rule)}
        except ExchangeError:
            return {}

    def _writing(self) -> ModuleContext:
        """The task as one that writes, with warnings of its own: they would be about rules that are removed again."""
        timeout = COMMON_ARGUMENT_SPEC["verify_timeout"]["default"]
        return ModuleContext(
            params={"verify_timeout": timeout},
            check_mode=False,
            session=self.task.session,
            describe=self.task.describe,
            say=self.task.say,
        )


def _absent(rule: Rule) -> DeclaredRule:
    return DeclaredRule("", rule.guid, "absent", None, None, {}, {})


def temporary_rules_of(organization: Organization) -> Iterable[Rule]:
    """The temporary rules that an organization has."""
    return [rule for rule in rules_of(organization) if token_of(rule)]
