# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A counterexample without what does not matter, and the rule that decides it. Private to the collection.

A key that a message does not have is not known. So a message that breaks a guarantee without one breaks it whatever that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import Counterexample
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import message_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import is_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule, RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import result
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import Course
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Replayed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.replay import course_of, is_about, surely_breaks, surely_keeps

#: What makes a message mail from somebody to somebody.
_KEPT = ("name", "from", "authenticated", "to")


@dataclass(frozen=True)
class Breach:
    """A guarantee that is broken.

    :param rules: those under which it is broken.
    :param claim: the mail that it is about, one of :param:`claims`.
    """

    name: str
    then: str
    template: str
    rules: RuleSet
    claims: RuleSet
    claim: FlowRule


def told(breach: Breach, candidate: Replayed, course: Course, outcome: Mapping[str, Any]) -> Counterexample:
    """The counterexample that a message is.

    :param course: whose copy breaks it.
    """
    address, facts = course.recipient.address, candidate.facts[0]

    def breaks(options: Mapping[str, Any]) -> bool:
        """Whether a message breaks it whatever is unknown about it, with the same outcome."""
        try:
            message = replace(message_of(options, "", breach.name), date=candidate.message.date)
        except OptionError:
            return False  # It needs somebody to go to.
        found = course_of(breach.rules, message, facts, address)
        if found is None or is_about(breach.claims, breach.claim, message, facts, address) is not True:
            return False
        return surely_breaks(found, breach.then, breach.template, message, facts) and result(found, breach.rules, message, facts) == outcome

    def keeps(rules: RuleSet) -> bool:
        message = candidate.message
        return surely_keeps(course_of(rules, message, facts, address), breach.then, breach.template, message, facts)

    options = {**candidate.letter.message}
    # Nothing is left out where the copy is one that a rule makes.
    message = simplest(options, address, breaks) if breaks(options) else options
    recipient = course.recipient.label if is_name(address) else address
    matched = [str(each["name"]) for each in outcome.get("rules", ()) if each["matched"] is True]
    decided = next((name for name in matched[::-1] if keeps(_without(breach.rules, name))), "")
    return Counterexample({"name": breach.name, **message}, recipient, dict(outcome), (decided,) if decided else (), candidate.letter.facts)


def simplest(message: Mapping[str, Any], recipient: str, breaks: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """The message without the keys, and the people and attachments of a key, that it can do without.

    :param message: in the form of the option ``messages``.
    :param recipient: the one whose copy breaks the guarantee, by the address.
    """
    found = dict(message)
    for key in [key for key in message if key not in _KEPT]:
        without = {name: value for name, value in found.items() if name != key}
        if breaks(without):
            found = without
    for key in [key for key, value in found.items() if isinstance(value, list)]:
        for each in list(found[key]):
            left: Sequence[Any] = [other for other in found[key] if other != each]
            if left and str(each).casefold() != recipient.casefold() and breaks({**found, key: left}):
                found[key] = left
    return found


def _without(rules: RuleSet, name: str) -> RuleSet:
    """Rules of which one does nothing."""
    others = copy(rules)
    others.rules = tuple(replace(each, actions={}, told={}, by_manager=False, surprises=()) if each.name == name else each for each in rules.rules)
    return others
