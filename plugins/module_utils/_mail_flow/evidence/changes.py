# SPDX-License-Identifier: GPL-3.0-or-later
"""When rules and facts changed, as Exchange shows it.

Exchange keeps no history of a rule: of one that changed in a window, what it did before is not known. Members of
groups, guests and accepted domains have no date that shows.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._exchange.organization import Organization
from ..._resources.rules.organization_rules import rules_of
from ..._resources.rules.rule import first_date
from ..rules.flow_rule import FlowRule
from ..trace.rows import microseconds_of

#: What changed.
RULE, FACT, DLP_POLICY, DLP_RULE = "rule", "fact", "dlp_policy", "dlp_rule"

#: The subsets whose objects decide who is inside.
_FACTS = ("accepted_domains", "remote_domains", "inbound_connectors")

#: A change takes some time until mail shows it. Source: observations on a tenant (up to 16 minutes), and pages that say
#: up to 30 minutes.
TAKES_EFFECT = datetime.timedelta(hours=1)

#: A date without a time zone may be off by that.
_ANY_ZONE = datetime.timedelta(hours=14)


@dataclass(frozen=True)
class LatestChange:
    """The latest change of something.

    :param what: :data:`RULE`, :data:`FACT`, :data:`DLP_POLICY` or :data:`DLP_RULE`.
    :param guid: of a rule.
    :param when: the latest time at which it may have been; ``None`` if Exchange does not show it.
    """

    what: str
    name: str
    when: datetime.datetime | None
    guid: str = ""

    def is_after(self, begin: datetime.datetime) -> bool:
        """Whether mail from then on may have met it, or what was before it. So it is if the time is unknown."""
        return self.when is None or self.when + TAKES_EFFECT > begin


def changes_of(organization: Organization) -> list[LatestChange]:
    """The latest changes of the rules, first to last, and of the facts that were read and have a date: accepted domains
    have none.
    """
    rules = [
        LatestChange(RULE, rule.name, _when(rule.properties), rule.guid.lower()) for rule in rules_of(organization)
    ]
    subsets = [subset for subset in _FACTS if subset in organization.subsets and organization.error(subset) is None]
    facts = [
        LatestChange(FACT, str(properties.get("Name") or subset), _when(properties))
        for subset in subsets
        for properties in organization.objects(subset)
    ]
    return [*rules, *(fact for fact in facts if fact.when)]


def dlp_changes_of(organization: Organization) -> list[LatestChange]:
    """The latest changes of DLP policies and their rules; one without a date if they were not read of the organization."""
    if "dlp_policies" not in organization.subsets or organization.error("dlp_policies") is not None:
        return [LatestChange(DLP_POLICY, "", None)]
    return [
        LatestChange(what, str(properties.get("Name") or ""), _when(properties))
        for what, subset in ((DLP_POLICY, "dlp_policies"), (DLP_RULE, "dlp_rules"))
        for properties in organization.objects(subset)
    ]


def changed_rules(
    rules: Iterable[FlowRule], changes: Sequence[LatestChange], begin: datetime.datetime
) -> list[FlowRule]:
    """The rules that changed themselves since then, and not only what stands before them."""
    changed = {(change.guid, change.name) for change in changes if change.what == RULE and change.is_after(begin)}
    return [rule for rule in rules if (rule.guid.lower(), rule.name) in changed]


def unchanged_since(rules: Sequence[FlowRule], changes: Sequence[LatestChange]) -> list[int | None]:
    """For each rule: the time, in microseconds, from which on mail met it and all rules before it as they are now; ``None``
    if that is not known.

    :param rules: all of the organization, first to last.
    """
    since = [change.when for change in changes if change.what == FACT]
    unchanged: list[int | None] = []
    for rule in rules:
        own = [change.when for change in changes if change.what == RULE and change.guid == rule.guid.lower()]
        since += own or [None]
        known = [when for when in since if when]
        last = max(known) + TAKES_EFFECT if len(known) == len(since) else None
        unchanged.append(microseconds_of(last) if last else None)
    return unchanged


def what_changed(
    rule: FlowRule, others: Iterable[FlowRule], changes: Sequence[LatestChange], begin: datetime.datetime
) -> LatestChange | None:
    """The first change that keeps a window from being compared: of the rule, of another one that matters, or of a fact.

    :param others: the rules before it, and those of which nothing may be reported, now or before they changed. What a
        changed one did before is not known, such as stopping this one. On which copies the other later ones acted is
        reported: ``compare`` leaves those out.
    """
    matter = {other.guid.lower() for other in others}
    own = [change for change in changes if change.what == RULE and change.guid == rule.guid.lower()]
    more = [change for change in changes if change.what != RULE or change.guid in matter]
    of_rule = own or [LatestChange(RULE, rule.name, None)]
    return next((change for change in (*of_rule, *more) if change.is_after(begin)), None)


def _when(properties: Mapping[str, Any]) -> datetime.datetime | None:
    instant = first_date(properties, "WhenChangedUTC", "WhenChanged")
    return instant if instant is None or instant.tzinfo else instant.replace(tzinfo=datetime.UTC) + _ANY_ZONE
