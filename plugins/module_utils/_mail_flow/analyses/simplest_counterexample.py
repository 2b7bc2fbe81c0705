# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that show something without what does not matter, and the rule that decides a counterexample. Private to the
collection.

A key that a message does not have is not known. So a message that breaks a guarantee without one breaks it whatever
that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import Counterexample
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    Guarantee,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import message_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import is_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule, RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import result
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import Course
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Replayed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.replay import (
    course_of,
    is_about,
    surely_breaks,
    surely_keeps,
)

#: What makes a message mail from somebody to somebody.
_KEPT = ("name", "from", "authenticated", "to")


@dataclass(frozen=True)
class Breach:
    """A guarantee that is broken.

    :param rules: those under which it is broken.
    :param claim: the mail that it is about, one of :param:`claims`.
    """

    guarantee: Guarantee
    rules: RuleSet
    claims: RuleSet
    claim: FlowRule


def told(breach: Breach, candidate: Replayed, course: Course, outcome: Mapping[str, Any]) -> Counterexample:
    """The counterexample that a message is.

    :param course: whose copy breaks it.
    """
    address, facts = course.recipient.address, candidate.facts[0]

    def breaks(message: Message) -> bool:
        """Whether a message breaks it whatever is unknown about it, with the same outcome."""
        if is_about(breach.claims, breach.claim, message, facts, address) is not True:
            return False
        found = course_of(breach.rules, message, facts, address)
        if found is None or not surely_breaks(found, breach.guarantee, message, facts):
            return False
        return result(found, breach.rules, message, facts) == outcome

    def keeps(rules: RuleSet) -> bool:
        message = candidate.message
        return surely_keeps(course_of(rules, message, facts, address), breach.guarantee, message, facts)

    message = without_noise(candidate, address, breaks)
    recipient = course.recipient.label if is_name(address) else address
    matched = [str(each["name"]) for each in outcome.get("rules", ()) if each["matched"] is True]
    decided = next((name for name in matched[::-1] if keeps(_without(breach.rules, name))), "")
    return Counterexample(
        {"name": breach.guarantee.name, **message},
        recipient,
        dict(outcome),
        (decided,) if decided else (),
        candidate.letter.facts,
    )


def without_noise(candidate: Replayed, recipient: str, shows: Callable[[Message], bool]) -> dict[str, Any]:
    """The message of a candidate as :func:`simplest` leaves it; as it is where a rule makes the copy that shows
    something.

    :param recipient: by the address.
    :param shows: whether a message shows the same, whatever is unknown about it.
    """

    def still_shows(options: Mapping[str, Any]) -> bool:
        try:
            message = message_of(options, "", "message")
        except OptionError:
            return False  # It needs somebody to go to.
        return shows(replace(message, date=candidate.message.date))

    options = dict(candidate.letter.message)
    return simplest(options, recipient, still_shows) if still_shows(options) else options


def simplest(message: Mapping[str, Any], recipient: str, shows: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """The message without the keys, and the people and attachments of a key, that it can do without.

    :param message: in the form of the option ``messages``.
    :param recipient: the one whose copy it is about, by the address.
    """
    found = dict(message)
    for key in [key for key in message if key not in _KEPT]:
        without = {name: value for name, value in found.items() if name != key}
        if shows(without):
            found = without
    for key in [key for key, value in found.items() if isinstance(value, list)]:
        for each in list(found[key]):
            left: Sequence[Any] = [other for other in found[key] if other != each]
            if left and str(each).casefold() != recipient.casefold() and shows({**found, key: left}):
                found[key] = left
    return found


def _without(rules: RuleSet, name: str) -> RuleSet:
    """Rules of which one does nothing."""
    others = copy(rules)
    others.rules = tuple(
        replace(each, actions={}, told={}, by_manager=False, surprises=()) if each.name == name else each
        for each in rules.rules
    )
    return others
