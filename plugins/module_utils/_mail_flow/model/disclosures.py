# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else sees a message that rules act on: recipients of incident reports with the original mail, and moderators.
Private to the collection.

Exchange encrypts the message after the last rule. Whether it protects the original in a report, or in a request for
approval, is not documented. Source: Microsoft's New-TransportRule page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import directions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import person
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Recipient
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule

#: How the manager of a sender is called where nobody knows who that is.
THE_MANAGER = "the sender's manager"

#: What an incident report has in it with the whole message.
_WHOLE = "attachoriginalmail"

#: How to find out what a rule shows others.


@dataclass(frozen=True)
class Showing:
    """Somebody who may be outside, and to whom a rule shows whatever it acts on.

    :param asks: whether it asks them for an approval; otherwise it sends them incident reports with the original mail.
    :param senders: of whose mail that is so: ``None`` for all; nobody for those who have a manager, where nobody knows
        the managers.
    """

    rule: FlowRule
    person: Recipient
    asks: bool
    senders: tuple[str, ...] | None = None

    @property
    def reason(self) -> Reason:
        """What is not known about it."""
        kind = "shown_for_approval" if self.asks else "shown_in_report"
        field = "facts.managers" if self.person.label == THE_MANAGER else ""
        return Reason("shown", kind, (self.person.label, self.rule.name), field)


def showings(rules: Iterable[FlowRule], facts: Facts) -> Iterator[Showing]:
    """The ones who may be outside."""
    for rule in rules:
        every = (
            []
            if rule.idle
            else [
                Showing(rule, who, asks, senders)
                for each, asks, senders in _shown_to(rule, facts)
                for who in facts.brought(each)
            ]
        )
        yield from (each for each in every if directions.recipient_outside(facts, each.person.address) is not False)


def _shown_to(rule: FlowRule, facts: Facts) -> Iterator[tuple[str, bool, tuple[str, ...] | None]]:
    """The people to whom a rule shows a message, whether it asks them for an approval, and of whose mail that is so."""
    content = rule.actions.get("incident_report_content") or ()
    if "generate_incident_report" in rule.actions and _WHOLE in {
        str(each).lower() for each in ([content] if isinstance(content, str) else content)
    }:
        yield person(str(rule.actions["generate_incident_report"])), False, None
    asks = rule.does(Does.MODERATE) if rule.enforced else {}
    yield from ((str(each), True, None) for each in asks.get("moderate_message_by_user") or ())
    if asks.get("moderate_message_by_manager"):
        yield from (
            [(THE_MANAGER, True, ())]
            if facts.managers is None
            else [(manager, True, senders) for manager, senders in facts.teams.items()]
        )
