# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of a copy that wishes of guarantees are about: as formulas over all messages, and in one world of the
simulator.

In a world, a property is true, false, or open (``None``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from ..._exchange.names import name_key, same_name
from ..._resources.rules.action_effects import Does
from ..actions.protect import option_name
from ..formula import FALSE, TRUE, Value, negate
from ..input.guarantee_options import Guarantee
from ..model import questions
from ..model.facts import Facts
from ..model.inside import recipient_outside
from ..model.kleene import Reason
from ..model.message import Message
from ..model.outcomes import Fate, ProtectionKind
from ..model.wishes import WISHES
from ..simulator.protection import CopyProtection, protection_of, protects
from ..simulator.state import World
from .compile_outcomes import Outcome, in_transit


@dataclass(frozen=True)
class EndedCopy:
    """Somebody's copy in a world after the last rule.

    :param address: whose copy it is.
    """

    world: World
    address: str
    message: Message
    facts: Facts

    @cached_property
    def protection(self) -> CopyProtection:
        """Its protection, if it is delivered."""
        return protection_of(self.world, self.message, self.facts)


@dataclass(frozen=True)
class Property:
    """A property of a copy, as far as a guarantee asks for it: as a formula, and in a world."""

    formula: Callable[[Outcome, Guarantee], Value]
    in_world: Callable[[EndedCopy, Guarantee], bool | None]


def breaks(outcome: Outcome, guarantee: Guarantee) -> Value:
    """Whether a copy breaks a guarantee."""
    logic = outcome.logic
    return ~WISHES[guarantee.then].is_kept(
        lambda name: PROPERTIES[name].formula(outcome, guarantee), negate, logic.all_of, logic.any_of
    )


def breaks_anyway(outcome: Outcome, guarantee: Guarantee) -> Value:
    """Whether the copy breaks a guarantee, whatever the outcome of a copy that rules ask to protect. Assumptions about
    mail are about such outcomes, so that for such mail, usually nothing else is open.
    """
    return outcome.logic.all_of([breaks(possible, guarantee) for possible in outcome.possible_outcomes])


def breaks_in(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    """Whether a copy breaks a guarantee in a world; ``None`` if that is open."""
    if ended.world.fate == Fate.NOBODY:
        return False
    if ended.world.surprises or ended.protection.assumes:
        return None
    return _not(
        WISHES[guarantee.then].is_kept(lambda name: PROPERTIES[name].in_world(ended, guarantee), _not, _all_of, _any_of)
    )


def reasons_of_expiry(ended: EndedCopy, guarantee: Guarantee) -> list[Reason]:
    """Why it is open whether a copy expires in time."""
    days = guarantee.expires_within_days
    names = sorted(
        {
            name
            for _rule, name in ended.world.brands
            if days and ended.facts.encryption.expires_within(name, days) is None
        }
    )
    return [Reason(questions.A_FACT, "expiry", (name,), "facts.ome_configurations") for name in names]


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _all_of(values: Iterable[bool | None]) -> bool | None:
    every = list(values)
    if False in every:
        return False
    return None if None in every else True


def _any_of(values: Iterable[bool | None]) -> bool | None:
    return _not(_all_of([_not(value) for value in values]))


# Delivery


def _delivered_now(outcome: Outcome, guarantee: Guarantee) -> Value:
    return outcome.fate.delivered & ~outcome.fate.waits()


def _is_delivered(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    return _arrives(ended) if ended.world.fate == Fate.DELIVERED and not ended.world.held else False


def _is_gone(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    return _not(_arrives(ended)) if ended.world.fate in (Fate.DELIVERED, Fate.QUARANTINED) else True


def _arrives(ended: EndedCopy) -> bool | None:
    """Whether a copy that rules let through is delivered: to protect it may fail."""
    if ended.protection.ended:
        return False
    return True if ended.protection.delivered else None


def _is_outside(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    outside = recipient_outside(ended.facts, ended.address)
    return outside if isinstance(outside, bool) else None


# Protection


def _protected(outcome: Outcome, guarantee: Guarantee) -> Value:
    return (
        outcome.protection.has_option(option_name(guarantee.template))
        if guarantee.template
        else outcome.protection.protected
    )


def _is_protected(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    protection = ended.protection.kind
    arrival = ended.message.protection
    wanted = option_name(guarantee.template) if guarantee.template else ""
    if protection == ProtectionKind.NONE:
        return False
    if protection == ProtectionKind.UNKNOWN:
        possible = {name_key(option_name(asked)) for _rule, asked in ended.world.asked} | {
            name_key(arrival.kind) if arrival else ""
        }
        may = ended.world.after.may_use(wanted) or name_key(wanted) in possible
        return False if wanted and not may else None
    if wanted and protection == ProtectionKind.OPTION_UNKNOWN:
        return None
    return not wanted or same_name(protection, wanted)


def _is_protected_by_rules(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    protection = ended.protection
    if protection.kind == ProtectionKind.UNKNOWN and (ended.world.asked or ended.world.after.may("options")):
        return None
    return bool(protection.by or protection.by_dlp or protection.by_label or protection.replaced)


def _not_ours(outcome: Outcome, guarantee: Guarantee) -> Value:
    return ~outcome.state.surprised & (outcome.by_rules.smime | outcome.mail.arrival["other"])


def _is_not_ours(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    """Whether it keeps the protection with which it arrives, S/MIME or with another organization's keys."""
    arrival = ended.message.protection
    if arrival is None:
        return None
    return (
        {"other": True, "own": False}.get(arrival.owner)
        if arrival.by_rights
        else ended.protection.kind == ProtectionKind.SMIME
    )


def _is_own_on_arrival(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    arrival = ended.message.protection
    if arrival is None:
        return None
    return {"own": True, "other": False}.get(arrival.owner) if arrival.by_rights else False


# The portal


def _is_branded(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    if ended.protection.kind in (ProtectionKind.NONE, ProtectionKind.SMIME):
        return False
    if ended.protection.rebranded:
        return None
    if not ended.world.brands:
        return False
    foreign = ended.protection.on_arrival and _is_own_on_arrival(ended, guarantee) is not True
    return None if foreign or ended.protection.kind == ProtectionKind.UNKNOWN else True


def _expires(outcome: Outcome, guarantee: Guarantee) -> Value:
    days = guarantee.expires_within_days
    logic = outcome.logic
    state = outcome.state
    if not days:
        return TRUE
    in_time = list[Value]()
    too_late = list[Value]()
    for name, chosen in state.brands.items():
        known = outcome.mail.facts.encryption.expires_within(name, days)
        expires: Value = TRUE if known else FALSE
        if known is None:
            expires = logic.unknown("expires", days, name_key(name))
        in_time.append(chosen & expires)
        too_late.append(chosen & ~expires)
    which = logic.unknown_in_order(
        state.order(logic, Does.BRAND, named=True), questions.WHICH_TEMPLATE, "expires", days
    )
    return outcome.branding.shown & logic.any_of(in_time) & logic.choose(logic.any_of(too_late), which, TRUE)


def _does_expire(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    days = guarantee.expires_within_days
    if not days:
        return True
    known = {ended.facts.encryption.expires_within(name, days) for _rule, name in ended.world.brands}
    return _all_of((_is_branded(ended, guarantee), known.pop() if len(known) == 1 else None))


# On the way


def _in_transit(outcome: Outcome, guarantee: Guarantee) -> Value:
    return in_transit(outcome.chain, guarantee.tls_validation)


def _is_in_transit(ended: EndedCopy, guarantee: Guarantee) -> bool | None:
    return protects(ended.world, ended.facts, ended.address, guarantee.tls_validation)


#: Every property that a wish names.
PROPERTIES: dict[str, Property] = {
    "delivered": Property(_delivered_now, _is_delivered),
    "gone": Property(lambda outcome, _guarantee: outcome.fate.gone, _is_gone),
    "outside": Property(
        lambda outcome, _guarantee: outcome.chain.conditions.scopes.recipient(
            "NotInOrganization", outcome.chain.person
        ),
        _is_outside,
    ),
    "protected": Property(_protected, _is_protected),
    "protected_by_rules": Property(
        lambda outcome, _guarantee: outcome.protection.by_rules | outcome.protection.after_rules, _is_protected_by_rules
    ),
    "not_ours": Property(_not_ours, _is_not_ours),
    "own_on_arrival": Property(lambda outcome, _guarantee: outcome.mail.arrival["own"], _is_own_on_arrival),
    "branded": Property(lambda outcome, _guarantee: outcome.branding.shown, _is_branded),
    "expires": Property(_expires, _does_expire),
    "in_transit": Property(_in_transit, _is_in_transit),
}
