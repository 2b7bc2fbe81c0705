# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a copy breaks a guarantee, as far as DLP rules are the cause: one decides it after the mail flow rules, one leaves no copy
protected whatever mail flow rules do, or one does not act with which the copy would keep the guarantee.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._resources.compliance.dlp_policies import ACTS, DlpPolicyFact, DlpRuleFact
from ..model.encrypters import ENDS_BY_DLP
from ..model.facts import Facts
from ..model.message import Message
from ..model.outcomes import Fate
from ..model.wishes import Wish
from ..rules.dlp_rules import DlpRules
from ..simulator.protection import protection_of
from ..simulator.rule_trace import result_values
from ..simulator.state import Course
from .breach_cause import BreachCause
from .meant_rules import shares_values
from .standings import SCOPES

#: The maximum number of DLP rules that do not act and are tried.
_MOST_TRIED = 12


def cause_by_encrypters(course: Course, message: Message, facts: Facts, wish: Wish) -> BreachCause | None:
    """The DLP rule that surely decides that a copy breaks a wish after the mail flow rules; ``None`` if there is none."""
    fates = {(world.fate, world.ended_by_dlp) for world in course.worlds}
    fate, enders = next(iter(fates)) if len(fates) == 1 else (Fate.UNKNOWN, ())
    if enders and fate != Fate.DELIVERED:
        return BreachCause(ENDS_BY_DLP[fate], enders[0])
    ends = [protection_of(world, message, facts) for world in course.worlds if world.fate == Fate.DELIVERED]
    if not ends or len(ends) < len(course.worlds):
        return None
    for kind, names in (
        ("dlp_blocks", [end.ended_by if end.ended else () for end in ends]),
        ("dlp_decrypts", [end.taken_by for end in ends]),
        ("dlp_encrypts", [end.by_dlp for end in ends]),
    ):
        if all(names):
            return BreachCause(kind, names[0][0])
    return BreachCause(ENDS_BY_DLP[Fate.MODERATED], enders[0]) if enders and wish.wants_delivery else None


def cause_by_removal(course: Course, wish: Wish) -> BreachCause | None:
    """The DLP rule that surely takes away whatever protection rules give a copy; ``None`` if there is none."""
    name = removing_rule(course) if wish.wants_protection else ""
    return BreachCause("dlp_undoes", name) if name else None


def removing_rule(course: Course) -> str:
    """The name of the DLP rule that surely takes away whatever protection a delivered copy has; empty if there is none."""
    worlds = course.worlds
    if not worlds or not all(world.fate == Fate.DELIVERED and world.after.surely("removes") for world in worlds):
        return ""
    return worlds[0].after.names("removes")[0]


@dataclass(frozen=True)
class IdleDlpRule:
    """A DLP rule that does not act, and with which a copy would keep a guarantee.

    :param surely: whether it surely would; otherwise that is open.
    :param is_meant: whether it looks for something that the guarantee is about, too, or the guarantee is about whatever there is.
    """

    cause: BreachCause
    surely: bool
    is_meant: bool


def idle_rules(facts: Facts, keeps: Callable[[Facts], bool | None], about: Mapping[str, Any]) -> Iterator[IdleDlpRule]:
    """The DLP rules that do not act, and with which the copy would keep the guarantee, or may.

    :param keeps: whether the copy keeps the guarantee if facts are true; ``None`` if that is open.
    :param about: what the guarantee is about, in the form of a rule's conditions.
    """
    policies = facts.encrypters.dlp_policies
    if not isinstance(policies, DlpRules):
        return
    for policy, rule in itertools.islice(_idle_rules(policies), _MOST_TRIED):
        acting = DlpRules(
            [_with_acting(other, rule) if other is policy else other for other in policies.policies], facts.dialect
        )
        kept = keeps(replace(facts, encrypters=replace(facts.encrypters, dlp_policies=acting)))
        if kept is not False:
            tested = policy.mode.startswith("Test")
            cause = (
                BreachCause("dlp_tested", rule.name, value=policy.mode)
                if tested
                else BreachCause("dlp_disabled", rule.name)
            )
            yield IdleDlpRule(cause, kept is True, _is_meant(acting, rule.name, about))


def _is_meant(policies: DlpRules, name: str, about: Mapping[str, Any]) -> bool:
    """Whether a DLP rule looks for something that a guarantee is about, too, or the guarantee is about whatever there is."""
    if set(about) <= set(SCOPES):
        return True
    leaves = (leaf.atom for rule in policies.rules if rule.name == name for leaf in rule.looks_for.leaves)
    telling = [atom for atom in leaves if atom is not None and atom.predicate.options[0] not in SCOPES]
    return any(shares_values(atom.predicate.options[0], result_values(atom.values), about) for atom in telling)


def _idle_rules(policies: DlpRules) -> Iterator[tuple[DlpPolicyFact, DlpRuleFact]]:
    """The DLP rules, with their policies, that would change mail and do not act: the rule or its policy is disabled, or the policy
    is in a test mode.
    """
    every = ((policy, rule) for policy in policies.in_order for rule in policy.rules)
    for (policy, rule), does in zip(every, policies.encrypters, strict=True):
        if not does.acts and does.would_change_mail and policy.scope.exchange is True and policy.mode:
            yield policy, rule


def _with_acting(policy: DlpPolicyFact, rule: DlpRuleFact) -> DlpPolicyFact:
    """A policy in which one rule acts, and of the others only those that act now."""
    rules = (replace(other, enabled=other is rule or (other.enabled and policy.mode == ACTS)) for other in policy.rules)
    return replace(policy, mode=ACTS, rules=tuple(rules))
