# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rule is most likely meant to keep a guarantee, as its conditions and its name say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._resources.rules.action_effects import Does
from ..conditions.meant_values import seeks_in_part
from ..conditions.predicates import BY_OPTION
from ..input.guarantee_options import Guarantee
from ..model.addresses import domain, is_below
from ..model.connectors import IN_TRANSIT
from ..rules.flow_rule import FlowRule
from ..simulator.rule_trace import result_values
from .meant_rules import as_list, is_meant_at_least_for, may_take_values, shares_values, unlike
from .standings import SCOPES, Standing

#: The condition on people to the one on their domains.
_PEOPLE_OF = {"from": "sender_domain_is", "sent_to": "recipient_domain_is"}


def nearest_of(every: Sequence[Standing], guarantee: Guarantee) -> Standing | None:
    """The rule that is most likely meant to keep a guarantee: one with the same conditions, the least in its way, and in
    effect.
    """
    return min(
        every,
        key=lambda standing: (
            *remoteness_of(standing.rule, guarantee),
            standing.distance,
            not standing.could_act,
            standing.rule.place,
        ),
        default=None,
    )


def remoteness_of(rule: FlowRule, guarantee: Guarantee) -> tuple[bool, int, int]:
    """How far the mail of a rule is from that of a guarantee: first whether the rule is meant for other mail, then how unlike
    their conditions are.
    """
    return not is_meant_for_it(rule, guarantee), *unlike(rule, guarantee.when)


def likeness_of(rule: FlowRule, guarantee: Guarantee) -> tuple[bool, int]:
    """How like the mail of a guarantee that of a rule is: first whether the rule is meant for it, then how many values their
    conditions have in common.
    """
    return is_meant_for_it(rule, guarantee), -unlike(rule, guarantee.when)[0]


def is_meant_for_it(rule: FlowRule, guarantee: Guarantee) -> bool:
    """Whether a rule is meant for the mail of a guarantee, or for more, as its conditions say."""
    return is_meant_at_least_for(_conditions(rule), guarantee.when)


def _conditions(rule: FlowRule) -> dict[str, Any]:
    """The conditions of a rule, in the form of a rule's section."""
    return {atom.predicate.options[0]: result_values(atom.values) for atom in rule.criteria.conditions}


def looks_in_another_place(standing: Standing, guarantee: Guarantee) -> bool:
    """Whether a rule fails to help a copy only because it looks for what the guarantee is about in another place, or for less
    of it, or for something else of the same mail: in the subject alone, say, at its beginning, or in the To field, or for some
    people of a domain, some of the guarantee's values, or another type of the same files.
    """
    if standing.distance != 1 or len(standing.failed) != 1 or standing.failed[0].section != "conditions":
        return False
    atom = standing.failed[0].atom
    if atom.predicate.options[0] in _PEOPLE_OF:
        names = guarantee.when.get(_PEOPLE_OF[atom.predicate.options[0]]) or []
        return any(is_below(domain(str(address)), str(name)) for address in atom.values for name in names)
    if len(atom.predicate.options) > 1:
        return False
    option = atom.predicate.options[0]
    if shares_values(option, result_values(atom.values), guarantee.when):
        return True
    # Other people are other mail; other texts or files may be for the same.
    if not (atom.predicate.of_sender or atom.predicate.of_recipient) and may_take_values(
        standing.rule.name, _conditions(standing.rule), option, guarantee.name, guarantee.when
    ):
        return True
    return any(
        seeks_in_part(atom.predicate, atom.values, option, as_list(values))
        for option, values in guarantee.when.items()
        if atom.predicate.fields and option in BY_OPTION
    )


def is_for_a_part(standing: Standing, guarantee: Guarantee) -> bool:
    """Whether a rule for mail with values of the guarantee fails to help a copy only by a condition that it has beside. One that
    encrypts some of the mail is not meant for the way of all of it.
    """
    if guarantee.then == IN_TRANSIT and not standing.rule.actions.does(Does.ROUTE):
        return False
    if standing.distance != 1 or len(standing.failed) != 1 or standing.failed[0].section != "conditions":
        return False
    if standing.failed[0].atom.predicate.options[0] in guarantee.when:
        return False
    return is_meant_for_it(standing.rule, guarantee) or any(
        shares_values(option, values, guarantee.when)
        for option, values in _conditions(standing.rule).items()
        if option not in SCOPES
    )
