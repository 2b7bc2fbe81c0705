# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a rule from acting on a copy, as the cause of what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model.addresses import domain
from ..model.domains import INSIDE
from ..model.inside import sender_inside
from ..simulator.rule_trace import hits, result_values
from .breach_cause import BreachCause
from .helping_rules import would_do
from .miswritten import miswritten
from .standings import SCOPES, Copy, FailedCondition, Standing

#: How rules leave out people inside, to whom a remote domain may add others.
_MISSING_INTERNAL_DOMAINS = (
    ("conditions.sent_to_scope", "NotInOrganization"),
    ("exceptions.sent_to_scope", "InOrganization"),
)

#: The most that may keep a rule from acting for that to be said.
_MOST_IN_THE_WAY = 2


def cause_by_standing(standing: Standing, every: Sequence[Standing], copy: Copy) -> BreachCause | None:
    """What keeps a rule from acting on a copy, one thing or two; ``None`` if that is nothing, more, or of no known kind."""
    if not 0 < standing.distance <= _MOST_IN_THE_WAY:
        return None
    found = [_cause_by_failed(failed, standing, copy) for failed in standing.failed]
    known = [*filter(None, found), *_causes_by_state(standing, every, copy)]
    if len(known) != standing.distance:
        return None
    also = known[1] if len(known) > 1 else None
    return replace(known[0], also=also)


def missed_exception(standing: Standing, copy: Copy) -> BreachCause | None:
    """The exception of a rule that acts on a copy that likely is meant for it, and is written so that it misses it; ``None`` if
    there is none.
    """
    for atom in standing.rule.criteria.exceptions:
        found = miswritten(atom, standing.rule_view, copy)
        if found:
            option = FailedCondition("exceptions", atom).option
            return BreachCause(found.kind, standing.rule.name, option, found.values)
    return None


def _cause_by_failed(failed: FailedCondition, standing: Standing, copy: Copy) -> BreachCause | None:
    """What a condition or exception that keeps a rule from acting says of it, if that is of a known kind."""
    name, option, values = standing.rule.name, failed.option, result_values(failed.atom.values)
    would = would_do(standing.rule)
    if _is_internal(failed, copy):
        return BreachCause("internal_domain", name, option, domain(copy.recipient), would=would)
    if failed.section == "exceptions":
        return BreachCause("exception", name, option, hits(failed.atom, standing.rule_view))
    if _is_unauthenticated(failed, copy):
        return BreachCause("unauthenticated", name, option, values)
    if failed.atom.predicate.options[0] in SCOPES:
        return BreachCause("scope", name, option, values, would=would)
    found = miswritten(failed.atom, standing.rule_view, copy)
    return BreachCause(found.kind, name, option, found.values) if found else None


def _is_unauthenticated(failed: FailedCondition, copy: Copy) -> bool:
    """Whether a condition is not met because a sender of the organization was not authenticated."""
    if copy.message.authenticated is not False:
        return False
    sender = copy.facts.people.primary(copy.message.sender)
    return failed.option == "conditions.from_scope" and sender_inside(copy.facts, sender, True) is True


def _is_internal(failed: FailedCondition, copy: Copy) -> bool:
    """Whether a condition on people outside is not met, or an exception for people inside is, because a remote domain makes them
    internal.
    """
    name = domain(copy.recipient)
    return (
        (failed.option, failed.atom.values) in _MISSING_INTERNAL_DOMAINS
        and copy.facts.domains.counts_as_internal(name) is True
        and copy.facts.domains.type_of(name) not in INSIDE
    )


def _causes_by_state(standing: Standing, every: Sequence[Standing], copy: Copy) -> list[BreachCause]:
    """What keeps a rule from acting on a copy besides its conditions and exceptions."""
    rule, would = standing.rule, would_do(standing.rule)
    causes = []
    if rule.idle:
        causes.append(BreachCause("disabled", rule.name, "enabled", False, would=would))
    if not rule.actions.enforced:
        causes.append(BreachCause("mode", rule.name, "mode", rule.actions.mode, would=would))
    if not standing.in_window:
        ended = rule.dates.borders(copy.message.date)[-1] is False and bool(rule.dates.ends)
        option, date = ("expiry_date", rule.dates.ends) if ended else ("activation_date", rule.dates.begins)
        causes.append(BreachCause("dates", rule.name, option, date, would=would))
    if not standing.reached:
        stops = [
            other.rule.name
            for other in every
            if other.acts and other.rule.actions.is_final and other.rule.place < rule.place
        ]
        causes.append(BreachCause("stopped", rule.name, other=stops[-1] if stops else ""))
    return causes
