# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else sees a message: recipients of incident reports with the original mail, and moderators.

Exchange encrypts the message after the last rule. Whether it protects the original in a report, or in a request for
approval, is not documented. Source: Microsoft's New-TransportRule page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..actions.bring import asked_for_approval
from ..actions.brought_people import THE_MANAGER, Senders
from ..actions.tell import reported_whole_to
from ..model.facts import Facts
from ..model.inside import recipient_outside
from ..model.kleene import Reason
from ..model.message import Recipient
from ..model.message_recipients import people_behind
from ..model.reason_kinds import ReasonKind
from ..rules.flow_rule import FlowRule
from .assumptions import SHOWN


@dataclass(frozen=True)
class Disclosure:
    """Somebody to whom a rule shows whatever it acts on.

    :param asks: whether it asks them for an approval; otherwise it sends them incident reports with the original mail.
    :param senders: of whose mail that is so; nobody for those who have a manager, where nobody knows the managers.
    """

    rule: FlowRule
    person: Recipient
    asks: bool
    senders: Senders = None

    @property
    def reason(self) -> Reason:
        """What is not known about it."""
        kind: ReasonKind = "shown_for_approval" if self.asks else "shown_in_report"
        field = "facts.managers" if self.person.label == THE_MANAGER else ""
        return Reason(SHOWN, kind, (self.person.label, self.rule.name), field)


def disclosures(rules: Iterable[FlowRule], facts: Facts) -> Iterator[Disclosure]:
    """The people to whom rules show what they act on, once for each way in which a rule does. A report with the original
    mail is a copy, whoever gets it; somebody inside who is asked for an approval gets none.
    """
    for rule in rules:
        if rule.idle:
            continue
        for shown, asks, senders in _shown_to(rule, facts):
            every = (Disclosure(rule, person, asks, senders) for person in people_behind(facts, shown))
            yield from (disclosure for disclosure in every if not asks or _may_be_outside(disclosure, facts))


def disclosures_outside(rules: Iterable[FlowRule], facts: Facts) -> list[Disclosure]:
    """The :func:`disclosures` to people who may be outside."""
    return [disclosure for disclosure in disclosures(rules, facts) if _may_be_outside(disclosure, facts)]


def _may_be_outside(disclosure: Disclosure, facts: Facts) -> bool:
    """Whether somebody to whom a rule shows mail may be outside."""
    return recipient_outside(facts, disclosure.person.address) is not False


def _shown_to(rule: FlowRule, facts: Facts) -> Iterator[tuple[str, bool, Senders]]:
    """The people to whom a rule shows a message, whether it asks them for an approval, and of whose mail that is so."""
    reported = reported_whole_to(rule)
    if reported is not None:
        yield reported, False, None
    if rule.actions.enforced:
        yield from ((asked, True, senders) for asked, senders in asked_for_approval(rule, facts))
