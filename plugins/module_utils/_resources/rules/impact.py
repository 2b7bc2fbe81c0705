# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of a mail flow rule does to mail, as far as the rule alone shows.

The danger is that mail that was protected leaves in clear text: a rule that encrypts matches fewer messages, or one
that decrypts matches more. Actions beside an approval count as set only where they are done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._engine.plan import Impact
from ..._exchange.kinds import Integer, Kind, Size
from ..._exchange.list_kinds import Listing
from ..table import Field
from .action_effects import BRANDING, DECRYPTING, ENCRYPTING, MODERATING, REJECTING
from .moderation import doing
from .rule import REMEDIES, Rule, decrypts, encrypts, idle

Sections = Mapping[str, Mapping[str, Any]]

#: Conditions, with their values, that all mail that leaves the organization meets.
OUTGOING: Mapping[str, str] = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}


def of_all_outgoing(conditions: Mapping[str, Any]) -> bool:
    """Whether all mail that leaves the organization meets these conditions."""
    return all(OUTGOING.get(option) == value for option, value in conditions.items())


def reach(sections: Sections) -> Impact:
    """Whose mail a rule affects when it starts to encrypt, apart from its exceptions."""
    if not encrypts(doing(sections)):
        return Impact.NONE
    return Impact.ALL_OUTGOING if of_all_outgoing(sections.get("conditions", {})) else Impact.SOME_MAIL


def of_creation(sections: Sections, enabled: bool, settings: Mapping[str, Any]) -> Impact:
    """The impact of a new rule; none while the rule does not act."""
    return Impact.NONE if idle({**settings, "enabled": enabled}) else reach(sections)


def of_switch(sections: Sections, enabled: bool) -> Impact:
    """The impact of enabling or disabling a rule."""
    if decrypts(doing(sections)) if enabled else encrypts(doing(sections)):
        return Impact.IN_CLEAR
    return reach(sections)


@dataclass(frozen=True)
class RuleChange:
    """A change of an existing rule.

    :param before: its current sections.
    :param after: its sections after the change.
    """

    before: Sections
    after: Sections

    def of_setting(self, option: str, value: Any) -> Impact:
        """The impact of a setting outside the sections."""
        if option == "rule_error_action":
            return Impact.IN_CLEAR if encrypts(doing(self.after)) and value != "Defer" else Impact.NONE
        if option not in REMEDIES:
            return Impact.NONE
        # A rule that gets an expiry date will stop acting.
        return of_switch(self.after, not value if option == "expiry_date" else not idle({option: value}))

    def of_option(self, section: str, field: Field, before: Any, after: Any, *, passes: Sequence[str] = ()) -> Impact:
        """The impact of an option in a section.

        :param passes: the names of later rules that encrypt: they no longer process mail on which this rule stops.
        """
        if section == "actions":
            return _worst(self._where(managed)._of_action(field.option, passes) for managed in (True, False))
        more, fewer = _taken_in(field.kind, before, after, conditions=section == "conditions")
        if (fewer and encrypts(doing(self.before))) or (more and decrypts(doing(self.after))):
            return Impact.IN_CLEAR
        return Impact.WIDENS if more else Impact.NONE

    def _where(self, managed: bool) -> RuleChange:
        """The change of what the rule does where the sender has a manager, or where not."""
        return RuleChange(doing(self.before, managed=managed), doing(self.after, managed=managed))

    def _of_action(self, option: str, passes: Sequence[str]) -> Impact:
        """The impact of an action, in sections that have only what is done. An approval decides whether the others are."""
        before, after = self.before["actions"], self.after["actions"]
        if option in MODERATING:
            return _worst(
                self._of_done(other, passes) for other in {**before, **after} if before.get(other) != after.get(other)
            )
        return self._of_done(option, passes) if option in before or option in after else Impact.NONE

    def _of_done(self, option: str, passes: Sequence[str]) -> Impact:
        after = self.after["actions"].get(option)
        if option in REJECTING and after:
            return Impact.REJECTS
        if option in BRANDING and not after:
            return Impact.TAKES_AWAY
        if option in ENCRYPTING and not after:
            return Impact.TAKES_AWAY if encrypts(self.after) else Impact.IN_CLEAR
        if option in DECRYPTING and after:
            return Impact.IN_CLEAR
        if option in ENCRYPTING and not encrypts(self.before):
            return reach(self.after)
        return (
            Impact.IN_CLEAR
            if option == "stop_rule_processing" and after and passes and not encrypts(self.after)
            else Impact.NONE
        )


def _worst(impacts: Iterable[Impact]) -> Impact:
    return min(impacts, key=list(Impact).index, default=Impact.NONE)


def passed_over(rules: Mapping[str, Rule], before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The names of rules that encrypt and that now follow a rule that stops, but did not before.

    :param rules: the existing rules, by their keys.
    :param before: the keys in their current order, those of all existing rules among them.
    :param after: the same keys in their new order.
    """
    stopping = [key for key, rule in rules.items() if _stops(rule)]
    passed = {
        key for stop in stopping for key in set(before[: before.index(stop)]).intersection(after[after.index(stop) :])
    }
    return [rule.name for key, rule in rules.items() if key in passed and rule.enabled and rule.does(ENCRYPTING)]


def behind(rules: Mapping[str, Rule], order: Sequence[str], key: str) -> list[str]:
    """The names of the rules that encrypt and follow another one."""
    later = order[order.index(key) + 1 :]
    return [
        rules[other].name
        for other in later
        if other in rules and rules[other].enabled and rules[other].does(ENCRYPTING)
    ]


def _stops(rule: Rule) -> bool:
    return rule.enabled and rule.does(["stop_rule_processing"]) and not rule.does(ENCRYPTING)


def _taken_in(kind: Kind, before: Any, after: Any, *, conditions: bool) -> tuple[bool, bool]:
    """Whether a rule matches additional messages, and whether it no longer matches some."""
    if before is None or after is None:
        # A new condition matches fewer messages, and so does a new exception.
        return after is None, before is None
    first, second = kind.key(before), kind.key(after)
    more, fewer = matches_more(kind, first, second), matches_more(kind, second, first)
    return (more, fewer) if conditions else (fewer, more)


def matches_more(kind: Kind, key: Any, other: Any) -> bool:
    """Whether a predicate with value ``other`` matches messages that it does not match with value ``key``."""
    if isinstance(kind, Listing):
        return bool(other - key)
    if isinstance(kind, (Size, Integer)):
        return bool(other < key)
    return bool(other != key)
