# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of a mail flow rule does to mail, as far as the rule alone tells. Private to the collection.

The dangerous direction is that mail leaves in clear which was protected before: a rule that encrypts takes in fewer messages, or one that
decrypts more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Integer, Kind, Listing, Size
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import DECRYPTING, ENCRYPTING, REJECTING
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import REMEDIES, Rule, decrypts, encrypts, idle
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field

Sections = Mapping[str, Mapping[str, Any]]

#: Conditions that all mail meets which leaves the organization, with their values.
_OUTGOING = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}


def reach(sections: Sections) -> Impact:
    """Whose mail a rule affects that begins to encrypt, but for its exceptions."""
    if not encrypts(sections):
        return Impact.NONE
    everything = all(_OUTGOING.get(option) == value for option, value in sections.get("conditions", {}).items())
    return Impact.ALL_OUTGOING if everything else Impact.SOME_MAIL


def of_creation(sections: Sections, enabled: bool, settings: Mapping[str, Any]) -> Impact:
    """What a new rule does; nothing as long as it does not act."""
    return Impact.NONE if idle(enabled, settings) else reach(sections)


def of_switch(sections: Sections, enabled: bool) -> Impact:
    """What switching a rule on or off does."""
    protects, exposes = encrypts(sections), decrypts(sections)
    if (protects and not enabled) or (exposes and enabled):
        return Impact.IN_CLEAR
    return reach(sections) if enabled else Impact.NONE


@dataclass(frozen=True)
class Edit:
    """A change of a rule that is there.

    :param before: its sections as they are.
    :param after: its sections as they will be.
    """

    before: Sections
    after: Sections

    def of_setting(self, option: str, value: Any) -> Impact:
        """What a setting outside of the sections does."""
        if option == "rule_error_action":
            return Impact.IN_CLEAR if encrypts(self.after) and value != "Defer" else Impact.NONE
        if option not in REMEDIES:
            return Impact.NONE
        # A rule that is going to end is one that will not act.
        return of_switch(self.after, not value if option == "expiry_date" else not idle(True, {option: value}))

    def of_option(self, section: str, row: Field, before: Any, after: Any, *, passes: Sequence[str] = ()) -> Impact:
        """What an option of a section does.

        :param passes: the names of rules that encrypt and come later: they no longer see mail on which this rule stops.
        """
        if section == "actions":
            return self._of_action(row.option, after, passes)
        more, fewer = _taken_in(row.kind, before, after, conditions=section == "conditions")
        if (fewer and encrypts(self.before)) or (more and decrypts(self.after)):
            return Impact.IN_CLEAR
        return Impact.WIDENS if more else Impact.NONE

    def _of_action(self, option: str, after: Any, passes: Sequence[str]) -> Impact:
        if option in REJECTING and after:
            return Impact.REJECTS
        if option in ENCRYPTING and not after:
            return Impact.TAKES_AWAY if encrypts(self.after) else Impact.IN_CLEAR
        if option in DECRYPTING and after:
            return Impact.IN_CLEAR
        if option in ENCRYPTING and not encrypts(self.before):
            return reach(self.after)
        return Impact.IN_CLEAR if option == "stop_rule_processing" and after and passes and not encrypts(self.after) else Impact.NONE


def passed_over(rules: Mapping[str, Rule], before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The names of rules that encrypt and come behind one that stops, which they did not before.

    :param rules: those that are there, by their keys.
    :param before: the keys in their order now.
    :param after: the keys in their order then.
    """
    then = {key: index for index, key in enumerate(before)}
    now = {key: index for index, key in enumerate(after)}
    stopping = [key for key, rule in rules.items() if key in then and key in now and _stops(rule)]
    return [
        rule.name
        for key, rule in rules.items()
        if key in then and rule.enabled and any(then[key] < then[stop] and now[stop] < now[key] for stop in stopping) and rule.does(ENCRYPTING)
    ]


def behind(rules: Mapping[str, Rule], order: Sequence[str], key: str) -> list[str]:
    """The names of the rules that encrypt and come after one."""
    later = order[order.index(key) + 1 :] if key in order else ()
    return [rules[other].name for other in later if other in rules and rules[other].enabled and rules[other].does(ENCRYPTING)]


def _stops(rule: Rule) -> bool:
    return rule.enabled and rule.does(["stop_rule_processing"]) and not rule.does(ENCRYPTING)


def _taken_in(kind: Kind, before: Any, after: Any, *, conditions: bool) -> tuple[bool, bool]:
    """Whether a rule takes in messages that it did not, and whether it no longer takes in some."""
    if before is None or after is None:
        # A condition that appears takes in fewer messages, and so does an exception.
        return after is None, before is None
    first, second = kind.key(before), kind.key(after)
    more, fewer = matches_more(kind, first, second), matches_more(kind, second, first)
    return (more, fewer) if conditions else (fewer, more)


def matches_more(kind: Kind, key: Any, other: Any) -> bool:
    """Whether a predicate with the other value matches messages that it does not match with the one."""
    if isinstance(kind, Listing):
        return bool(other - key)
    if isinstance(kind, (Size, Integer)):
        return bool(other < key)
    return bool(other != key)
