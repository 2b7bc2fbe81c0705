# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a copy breaks a guarantee, as far as that is known: the rule that decides it and how, or what keeps a rule from
acting with which the copy would keep the guarantee: one that encrypts, brands or decrypts, chooses how mail leaves, or keeps
other rules from encrypting it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..._resources.rules.action_effects import Does
from ..input.guarantee_options import Guarantee
from ..model.wishes import PORTAL, WISHES
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.rule_trace import result_values
from .breach_cause import BreachCause
from .helping_rules import brands, encrypts_as_asked, helps, keeps_back, would_do
from .likely_meant import is_for_a_part, is_meant_for_it, likeness_of, looks_in_another_place, nearest_of, remoteness_of
from .obstacles import cause_by_standing, missed_exception
from .standings import Copy, Standing, standings

#: What a rule does with mail that does not arrive, to the kind of a cause.
_FATES = {
    Does.REJECT: "rejects",
    Does.DELETE: "deletes",
    Does.QUARANTINE: "quarantines",
    Does.REDIRECT: "redirects",
    Does.MODERATE: "holds",
}


#: What a rule does for mail without encrypting it, to the kind of a cause.
_INSTEAD_OF_ENCRYPTING = {Does.BRAND: "only_brands", Does.ROUTE: "only_routes"}


def cause_of(rules: RuleSet, copy: Copy, guarantee: Guarantee, decided_by: str, copied_by: str) -> BreachCause | None:
    """Why a copy breaks a guarantee; ``None`` if nothing can be said of a rule.

    :param decided_by: the rule without which the guarantee would be kept; empty if there is none.
    :param copied_by: the rule that makes the copy; empty for a recipient whom the sender names.
    """
    wish = WISHES[guarantee.then]

    def matters(rule: FlowRule) -> bool:
        """Whether it matters what keeps a rule from acting."""
        return helps(rule, guarantee) or keeps_back(rule, guarantee) or brands(rule, guarantee, copy.facts)

    declared = standings(rules, copy, matters)
    every = [_as_it_acts(standing, copy) for standing in declared]
    lacks_branding = guarantee.then == PORTAL and _is_encrypted(every)
    helping = [
        standing
        for standing in every
        if (brands(standing.rule, guarantee, copy.facts) if lacks_branding else helps(standing.rule, guarantee))
    ]
    decider = next((standing for standing in every if standing.rule.name == decided_by), None)
    if decider is not None and decided_by != copied_by:
        encrypts = wish.wants_no_rule_to_protect and bool(decider.rule.actions.does(Does.ENCRYPT))
        by_encryption = _cause_by_encryption(every, copy, guarantee) if encrypts else None
        cause = by_encryption or _cause_by_decider(decider.rule, every, helping, copy, guarantee)
        if cause is None or cause.rule != decided_by:
            return cause
        return replace(cause, also=missed_exception(decider, copy))
    # Somebody to whom a rule copies mail need not get it.
    ending = None if copied_by and wish.wants_protection else _cause_by_end(every)
    if wish.wants_decryption:
        return ending or _cause_by_nearest_rule(every, helping, copy, guarantee)
    if wish.wants_no_rule_to_protect and not copied_by:
        return ending or _cause_by_encryption(every, copy, guarantee)
    if not wish.wants_protection or (ending and wish.wants_delivery):
        return ending
    if lacks_branding:
        return _cause_by_nearest_rule(every, helping, copy, guarantee)
    if copied_by:
        return BreachCause("sends_copy", copied_by, value=copy.recipient)
    # Where it is not known why nothing protects it, who holds it is all that is.
    return (
        _cause_if_unprotected(every, helping, copy, guarantee)
        or ending
        or _cause_without_manager(declared, copy, guarantee)
    )


def _cause_by_decider(
    decider: FlowRule, every: Sequence[Standing], helping: Sequence[Standing], copy: Copy, guarantee: Guarantee
) -> BreachCause | None:
    """The rule that is meant for a copy and misses it, or the one without which the guarantee would be kept."""
    meant = _rule_meant_for(decider, every, helping, copy, guarantee)
    if meant:
        return cause_by_standing(meant, every, copy)
    keeping = every if WISHES[guarantee.then].wants_protection else helping
    others = [standing for standing in keeping if standing in helping or keeps_back(standing.rule, guarantee)]
    return _how_it_decides(decider, others, guarantee)


def _cause_by_encryption(every: Sequence[Standing], copy: Copy, guarantee: Guarantee) -> BreachCause | None:
    """Why rules encrypt a copy that none is to encrypt: what keeps the rule from stopping before them that is meant for the mail,
    or that they stand before it, or just the rule, if it is one. ``None`` if nothing of that is known.
    """
    encrypting = [standing.rule for standing in _acting(every) if encrypts_as_asked(standing.rule, guarantee)]
    if not encrypting:
        return None
    meant = [
        standing for standing in every if helps(standing.rule, guarantee) and is_meant_for_it(standing.rule, guarantee)
    ]
    late = [standing for standing in _acting(meant) if standing.rule.place > encrypting[-1].place]
    missing = [
        standing
        for standing in meant
        if standing.distance == 1
        and standing.rule.place < encrypting[0].place
        and cause_by_standing(standing, every, copy) is not None
    ]
    nearest = nearest_of([*late, *missing], guarantee)
    if nearest in missing:
        return cause_by_standing(nearest, every, copy)
    if nearest is None and len(encrypting) > 1:
        return None
    return BreachCause("encrypts", encrypting[-1].name, other=nearest.rule.name if nearest else "")


def _cause_if_unprotected(
    every: Sequence[Standing], helping: Sequence[Standing], copy: Copy, guarantee: Guarantee
) -> BreachCause | None:
    """Why no rule protects the copy of somebody whom the sender names; ``None`` of mail that arrives so that no rule encrypts it
    anew.
    """
    if not _arrives_readable(copy):
        return None
    if copy.is_from_outside:
        encrypting = [standing for standing in helping if encrypts_as_asked(standing.rule, guarantee)]
        return _cause_if_from_outside(encrypting, guarantee)
    return _cause_by_nearest_rule(every, helping, copy, guarantee)


def _cause_if_from_outside(helping: Sequence[Standing], guarantee: Guarantee) -> BreachCause | None:
    """The rule that acts on mail from outside, which rules do not encrypt; ``None`` if none does."""
    nearest = nearest_of(_acting(helping), guarantee)
    return BreachCause("from_outside", nearest.rule.name) if nearest else None


def _cause_by_end(every: Sequence[Standing]) -> BreachCause | None:
    """The one rule that surely keeps a copy back; ``None`` if there is none, or more than one."""
    ending = [
        BreachCause(kind, standing.rule.name)
        for standing in _acting(every)
        for what, kind in _FATES.items()
        if standing.rule.actions.does(what)
    ]
    return ending[0] if len(ending) == 1 else None


def _cause_without_manager(declared: Sequence[Standing], copy: Copy, guarantee: Guarantee) -> BreachCause | None:
    """The rule that would keep a copy back if its sender had a manager, whom it asks; ``None`` if there is none."""
    asking = [
        standing.rule
        for standing in _acting(declared)
        if standing.rule.actions.by_manager
        and keeps_back(standing.rule, guarantee)
        and not keeps_back(_as_it_acts(standing, copy).rule, guarantee)
    ]
    return BreachCause("no_manager", asking[0].name, would=would_do(asking[0])) if asking else None


def _as_it_acts(standing: Standing, copy: Copy) -> Standing:
    """How a rule stands to a copy with what it surely does to it: nothing for which its sender needs a manager, unless there is one."""
    if not standing.rule.actions.by_manager:
        return standing
    has_manager = bool(copy.facts.people.manager(copy.message.sender))
    return replace(standing, rule=standing.rule.where(has_manager))


def _cause_by_nearest_rule(
    every: Sequence[Standing], helping: Sequence[Standing], copy: Copy, guarantee: Guarantee
) -> BreachCause | None:
    """What the rule that is most likely meant to protect a copy, or to keep it back, misses it by, or does for it without
    encrypting it.
    """
    wish = WISHES[guarantee.then]

    def is_known(standing: Standing) -> bool:
        """Whether it is known what keeps a rule from acting: one thing, or two of a rule in effect that is meant for the mail."""
        cause = cause_by_standing(standing, every, copy)
        if cause is None or cause.also is None:
            return cause is not None
        return standing.could_act and is_meant_for_it(standing.rule, guarantee)

    near, others = list[Standing](), list[Standing]()
    for standing in helping:
        (near if is_known(standing) else others).append(standing)
    if wish.wants_protection and not wish.wants_delivery:
        near += [standing for standing in every if _would_keep_back(standing, guarantee)]
    nearest = nearest_of(near, guarantee)
    elsewhere = nearest_of(
        [
            standing
            for standing in others
            if looks_in_another_place(standing, guarantee) or is_for_a_part(standing, guarantee)
        ],
        guarantee,
    )
    if elsewhere and (
        nearest is None or likeness_of(elsewhere.rule, guarantee) >= likeness_of(nearest.rule, guarantee)
    ):
        atom = elsewhere.failed[0].atom
        option = f"conditions.{atom.predicate.options[0]}"
        return BreachCause(
            "elsewhere",
            elsewhere.rule.name,
            option,
            result_values(atom.values),
            would=would_do(elsewhere.rule),
        )
    instead = _acting_without_encrypting(every) if wish.protects_what_is_delivered else []
    unencrypting = nearest_of([one for one in instead if is_meant_for_it(one.rule, guarantee)], guarantee)
    if unencrypting and (
        nearest is None or likeness_of(unencrypting.rule, guarantee) > likeness_of(nearest.rule, guarantee)
    ):
        return BreachCause(_done_instead(unencrypting.rule), unencrypting.rule.name)
    return cause_by_standing(nearest, every, copy) if nearest else None


def _would_keep_back(standing: Standing, guarantee: Guarantee) -> bool:
    """Whether nothing but an exception keeps a rule from keeping a copy back, or, if it is meant for the mail, nothing but that it is
    off, only tested, or out of its dates.
    """
    if not keeps_back(standing.rule, guarantee) or standing.distance != 1:
        return False
    if standing.failed:
        return standing.failed[0].section == "exceptions"
    return standing.reached and is_meant_for_it(standing.rule, guarantee)


def _arrives_readable(copy: Copy) -> bool:
    """Whether anybody on the way could read the message as it arrives: nothing protects it, or only a signature."""
    arrival = copy.message.protection
    return arrival is not None and arrival.kind in ("none", "smime_signed")


def _acting_without_encrypting(every: Sequence[Standing]) -> list[Standing]:
    """The rules that act on a copy, and brand or route it, if none of those that act encrypts it."""
    if _is_encrypted(every):
        return []
    return [standing for standing in _acting(every) if _done_instead(standing.rule)]


def _is_encrypted(every: Sequence[Standing]) -> bool:
    """Whether a rule surely encrypts a copy."""
    return any(standing.rule.actions.does(Does.ENCRYPT) for standing in _acting(every))


def _acting(every: Sequence[Standing]) -> list[Standing]:
    """The rules that surely act on a copy."""
    return [standing for standing in every if standing.surely and standing.rule.actions.enforced]


def _done_instead(rule: FlowRule) -> str:
    """What a rule does for mail instead of encrypting it, as a kind of cause; empty if nothing."""
    return next((kind for what, kind in _INSTEAD_OF_ENCRYPTING.items() if rule.actions.does(what)), "")


def _how_it_decides(rule: FlowRule, helping: Sequence[Standing], guarantee: Guarantee) -> BreachCause | None:
    """What the rule does without which the guarantee would be kept; ``None`` if no kind of cause says it."""
    kind = next((kind for what, kind in _FATES.items() if rule.actions.does(what)), "")
    if kind:
        return BreachCause(kind, rule.name)
    if rule.actions.does(Does.STOP):
        stopped = nearest_of(_stopped(rule, helping), guarantee)
        return BreachCause("stops", rule.name, other=stopped.rule.name if stopped else "")
    if rule.actions.does(Does.DECRYPT):
        return BreachCause("decrypts", rule.name)
    return BreachCause("encrypts", rule.name) if rule.actions.does(Does.ENCRYPT) else None


def _stopped(rule: FlowRule, helping: Sequence[Standing]) -> list[Standing]:
    """The rules that would help a copy which a rule stops before them: those that surely would, if there are any, and none that
    would do nothing.
    """
    stopped = [
        standing
        for standing in helping
        if not (standing.reached or standing.failed) and standing.rule.place > rule.place and standing.could_act
    ]
    return [standing for standing in stopped if standing.met] or stopped


def _rule_meant_for(
    decider: FlowRule, every: Sequence[Standing], helping: Sequence[Standing], copy: Copy, guarantee: Guarantee
) -> Standing | None:
    """The rule that one thing keeps from helping a copy, and that is more likely meant to keep a guarantee than all that
    a rule stops before them: it ends the rules for other mail, too. ``None`` if there is none.
    """
    stopped = _stopped(decider, helping) if decider.actions.does(Does.STOP) else []
    if not stopped:
        return None
    near = [
        standing
        for standing in helping
        if standing.rule.place < decider.place
        and standing.distance == 1
        and cause_by_standing(standing, every, copy) is not None
    ]
    nearest = nearest_of(near, guarantee)
    if nearest is None:
        return None
    remoteness = min(remoteness_of(standing.rule, guarantee) for standing in stopped)
    return nearest if remoteness_of(nearest.rule, guarantee) < remoteness else None
