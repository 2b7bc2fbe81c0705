# SPDX-License-Identifier: GPL-3.0-or-later
"""What undeclared rules can do to mail of declared rules.

A finding says what a rule *can* do: some mail may meet the conditions of both rules. If that is impossible, there is
none.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..._exchange.names import name_key
from ..._resources.rules.action_effects import Does
from ..._resources.rules.rule import idle
from ..conditions.seen_message import SeenMessage
from ..formula import high
from ..input.parsing import facts_of
from ..model.addresses import is_name, person
from ..model.facts import Facts
from ..model.inside import recipient_outside
from ..model.reason_kinds import RuleIdle
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..sat.batch import Batch
from ..symbolic.encoding import Model
from ..symbolic.message_search import CONFLICTS

#: The effect of an action on mail that another rule is for, worst first.
_EFFECTS: Mapping[Does, str] = {
    Does.DELETE: "deletes",
    Does.REJECT: "rejects",
    Does.REDIRECT: "redirects",
    Does.QUARANTINE: "quarantines",
    Does.MODERATE: "moderates",
    Does.DECRYPT: "decrypts",
}
#: An action that lets mail be delivered, and keeps it from later rules.
STOPS = "stops"
#: An action that reports mail to somebody outside, even in a test mode.
REPORTS = "reports"


@dataclass(frozen=True)
class ForeignRule:
    """A rule that is not declared.

    :param place: its place among all rules, from 1; :param:`rules`: their number.
    :param never: the kind of the reason why it can never act; empty if it can.
    :param idle: what else keeps it from acting today: option to its value.
    :param acts: its effects on its mail, the worst first: ``deletes``, ``rejects``, ``stops``, ...; and ``reports``, if it
        sends incident reports to somebody who may be outside.
    :param does: each effect that it can have on mail of declared rules that encrypt, with the names of these rules.
    """

    name: str
    guid: str
    place: int
    rules: int
    never: RuleIdle | Literal[""]
    idle: Mapping[str, str]
    acts: tuple[str, ...]
    does: Mapping[str, tuple[str, ...]]


def foreign_rules(
    rules: Sequence[Mapping[str, Any]],
    ours: Collection[str],
    facts: Mapping[str, Any],
) -> list[ForeignRule]:
    """The undeclared rules, first to last.

    :param rules: complete, in the form of an organization's description, first to last.
    :param ours: the names of the declared rules.
    :param facts: in the form of the option ``facts``.
    """
    known = {name_key(name) for name in ours}
    rule_set = RuleSet({key: value for key, value in rule.items() if key != "priority"} for rule in rules)
    foreign = [rule for rule in rule_set.rules if name_key(rule.name) not in known]
    inactive_by = {rule.place: _inactive_by(rule, options) for rule, options in zip(rule_set.rules, rules, strict=True)}
    known_facts = facts_of(facts)
    reporting = {rule.place for rule in foreign if _reports_outside(rule, inactive_by[rule.place], known_facts)}
    active = [rule for rule in rule_set.rules if not inactive_by[rule.place]]
    protecting = [rule for rule in active if name_key(rule.name) in known and rule.actions.does(Does.ENCRYPT)]
    deciding = {rule.place for rule in active if _decides(rule)}
    acting = [rule for rule in foreign if rule.place in reporting | deciding]
    met = _rules_whose_mail_is_met(rule_set, acting, protecting, known_facts)
    number = len(rule_set.rules)
    return [
        _foreign_rule(
            rule, number, inactive_by[rule.place], met.get(rule.place, []), reports_outside=rule.place in reporting
        )
        for rule in foreign
    ]


def _foreign_rule(
    rule: FlowRule, rules: int, inactive_by: Mapping[str, str], met: Sequence[FlowRule], *, reports_outside: bool
) -> ForeignRule:
    """A rule that is not declared.

    :param rules: the number of all rules.
    :param inactive_by: what keeps it from acting, by option.
    :param met: the declared rules that encrypt and whose mail it may act on.
    :param reports_outside: whether it sends incident reports to somebody who may be outside.
    """
    return ForeignRule(
        name=rule.name,
        guid=rule.guid,
        place=rule.place + 1,
        rules=rules,
        never=rule.idle,
        idle={} if rule.idle else inactive_by,
        acts=_effects(rule, reports_outside=reports_outside),
        does=dict(_effects_on_met_mail(rule, met, inactive_by, reports_outside=reports_outside)),
    )


def _decides(rule: FlowRule) -> bool:
    """Whether a rule decides about its mail if it acts."""
    return rule.actions.is_final or any(rule.actions.does(what) for what in _EFFECTS)


def _inactive_by(rule: FlowRule, options: Mapping[str, Any]) -> dict[str, str]:
    """What keeps a rule from acting, by option; empty if nothing does."""
    return {"enabled": rule.idle} if rule.idle else idle(options)


def _reports_outside(rule: FlowRule, inactive_by: Mapping[str, str], facts: Facts) -> bool:
    """Whether a rule sends incident reports to somebody who may be outside, even in a test mode.

    :param inactive_by: what keeps it from acting, by option.
    """
    if not inactive_by.keys() <= {"mode"}:
        return False
    report = rule.actions.options.get("generate_incident_report")
    address = person(str(report)) if report else ""
    return bool(address) and not is_name(address) and recipient_outside(facts, address) is not False


def _effects(rule: FlowRule, *, reports_outside: bool) -> tuple[str, ...]:
    """The effects of a rule on its mail, the worst first."""
    words = [word for what, word in (*_EFFECTS.items(), (Does.ENCRYPT, "encrypts")) if rule.actions.does(what)]
    # Deleted or held mail reaches no later rule anyway.
    stops = rule.actions.is_final and not set(words) - {"moderates", "decrypts", "encrypts"}
    return (*words, *((REPORTS,) if reports_outside else ()), *((STOPS,) if stops else ()))


def _effects_on_met_mail(
    rule: FlowRule, met: Sequence[FlowRule], inactive_by: Mapping[str, str], *, reports_outside: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The effects that a rule can have on mail of other rules, each with their names.

    :param met: the rules whose mail it may act on.
    """
    for word in _effects(rule, reports_outside=reports_outside):
        mail_of = tuple(met_rule.name for met_rule in met if word != STOPS or met_rule.place > rule.place)
        if mail_of and word != "encrypts" and (word == REPORTS or not inactive_by):
            yield word, mail_of


def _rules_whose_mail_is_met(
    rule_set: RuleSet,
    acting: Sequence[FlowRule],
    protecting: Sequence[FlowRule],
    facts: Facts,
) -> dict[int, list[FlowRule]]:
    """The place of each acting rule to the protecting rules whose mail it can act on."""
    if not acting or not protecting:
        return {}
    # Each rule is compared alone, with mail as it arrives: a sender can also write what earlier rules make of it.
    alone = [*acting, *protecting]
    model = Model([RuleSet([])], rule_set, facts, datetime.datetime.now(datetime.UTC))
    conditions = model.free.conditions
    recipient = model.mail.recipient
    matches = {
        rule.place: high(conditions.matches(rule, ("foreign", rule.place), SeenMessage(), recipient)) for rule in alone
    }
    # Mail comes from inside and is not the service's own, like all mail that rules protect.
    usual = [
        *(assumption.literal for assumption in model.mail.assumptions),
        high(conditions.scopes.sender("InOrganization", model.mail.sender)),
    ]
    questions = [
        ((rule.place, other.place), [matches[rule.place], matches[other.place], *usual])
        for rule in acting
        for other in protecting
    ]
    possible = Batch(model.circuit, CONFLICTS).possible(questions)
    return {rule.place: [other for other in protecting if (rule.place, other.place) in possible] for rule in acting}
