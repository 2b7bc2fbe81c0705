# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of a rule that decide what happens to the copies that it acts on."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from ..._exchange.text import value_text
from ..._resources.rules.action_effects import Does
from ..actions.actions import BY_OPTION
from ..rules.flow_rule import FlowRule

#: The effects of actions that decide what happens to a copy. All others only affect conditions, which are decided
#: before.
_DECIDES = frozenset(
    (
        Does.ENCRYPT,
        Does.DECRYPT,
        Does.BRAND,
        Does.DELETE,
        Does.QUARANTINE,
        Does.REJECT,
        Does.REDIRECT,
        Does.MODERATE,
        Does.STOP,
    )
)


def effect_of(rule: FlowRule) -> Hashable | None:
    """What a rule does to a copy, the same for rules that do the same; ``None`` if that is nothing."""
    if not rule.actions.enforced:
        return None
    deciding, _declared = deciding_actions(rule)
    doing = {option: value_text(value) for option, value in deciding.items()}
    return (
        (frozenset(doing.items()), rule.actions.by_manager, rule.actions.surprises)
        if doing or rule.actions.surprises or rule.actions.by_manager
        else None
    )


def deciding_actions(rule: FlowRule, *, making: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """The actions of a rule that decide what happens to a copy, resolved and as it tells them.

    :param making: with those that make others of it.
    """
    actions, deciding = (
        {
            option: value
            for option, value in options.items()
            if rule.actions.surprises or _decides(rule, option) or (making and BY_OPTION[option].does is Does.ADD)
        }
        for options in (rule.actions.options, rule.actions.declared)
    )
    return actions, deciding


def _identity(rule: FlowRule, *, making: bool = False) -> Hashable:
    """Everything that a rule without surprises does to a copy that it meets, the same for rules that do the same.

    :param making: with the copies that it makes of it.
    """
    written = (
        frozenset((option, value_text(value)) for option, value in options.items())
        for options in deciding_actions(rule, making=making)
    )
    return (*written, rule.actions.mode, rule.actions.by_manager)


def deciding_identities(
    rules: Sequence[FlowRule], identities: Sequence[Hashable], *, making: bool = False
) -> tuple[Hashable, ...]:
    """What each rule does to a copy that it meets, the same for rules that do the same. One with surprises is only like itself.

    :param identities: the identity of each rule; see :class:`.rule_identities.RuleIdentities`.
    :param making: with the copies that they make of it.
    """
    return tuple(
        identity if rule.actions.surprises else _identity(rule, making=making)
        for rule, identity in zip(rules, identities, strict=True)
    )


def templates_and_branding(rule: FlowRule) -> frozenset[tuple[str, str]]:
    """What a rule that is met leaves on a copy for good: templates that it asked for, and a branding."""
    if not rule.actions.enforced:
        return frozenset()
    brands = map(str, rule.actions.does(Does.BRAND).values())
    return frozenset(
        (*(("template", name) for name in rule.actions.templates), *(("branding", name) for name in brands))
    )


def _decides(rule: FlowRule, option: str) -> bool:
    action = BY_OPTION[option]
    return action.does in _DECIDES or _is_declared(rule, *action.fate_if)


def _is_declared(rule: FlowRule, option: str, value: str) -> bool:
    return rule.actions.declared.get(option) == value
