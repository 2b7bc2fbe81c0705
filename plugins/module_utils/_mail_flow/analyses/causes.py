# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a copy breaks a guarantee, as far as that is known: the rule that decides it and how, or what keeps a rule from
acting with which the copy would keep the guarantee: one that encrypts, brands or decrypts, chooses how mail leaves, or keeps
other rules from encrypting it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..._resources.rules.action_effects import Does
from ..conditions.meant_values import seeks_in_part
from ..conditions.predicates import BY_OPTION
from ..input.guarantee_options import Guarantee
from ..model.addresses import domain, is_below
from ..model.connectors import IN_TRANSIT
from ..model.domains import INSIDE
from ..model.facts import Facts
from ..model.inside import sender_inside
from ..model.wishes import PORTAL, WISHES
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.rule_trace import hits, result_values
from .meant_rules import as_list, is_meant_at_least_for, may_take_values, shares_values, unlike
from .miswritten import miswritten
from .standings import SCOPES, Copy, FailedCondition, Standing, standings

#: What a rule does with mail that does not arrive, to the kind of a cause.
_FATES = {
    Does.REJECT: "rejects",
    Does.DELETE: "deletes",
    Does.QUARANTINE: "quarantines",
    Does.REDIRECT: "redirects",
    Does.MODERATE: "holds",
}

#: What a rule does with mail of which nothing is delivered, not even later, and with mail that waits.
_KEEPS_BACK = (Does.REJECT, Does.DELETE)
_KEEPS_WAITING = (Does.QUARANTINE, Does.MODERATE)

#: The condition on people to the one on their domains.
_PEOPLE_OF = {"from": "sender_domain_is", "sent_to": "recipient_domain_is"}

#: How rules leave out people inside, to whom a remote domain may add others.
_MISSING_INTERNAL_DOMAINS = (
    ("conditions.sent_to_scope", "NotInOrganization"),
    ("exceptions.sent_to_scope", "InOrganization"),
)

#: The most that may keep a rule from acting for that to be said.
_MOST_IN_THE_WAY = 2

#: What a rule may do to help a copy, that first which it is said to do.
_HELPING = (Does.ENCRYPT, Does.DECRYPT, Does.ROUTE, Does.BRAND, *_KEEPS_BACK, *_KEEPS_WAITING, Does.STOP)

#: What a rule does for mail without encrypting it, to the kind of a cause.
_INSTEAD_OF_ENCRYPTING = {Does.BRAND: "only_brands", Does.ROUTE: "only_routes"}


@dataclass(frozen=True)
class BreachCause:
    """Why a copy breaks a guarantee.

    :param kind: one of

        * what the deciding rule does: ``rejects``, ``deletes``, ``quarantines``, ``redirects``, ``holds``, ``decrypts``,
          ``encrypts`` (before the rule :param:`other`, if there is one that is meant to keep rules from that), ``sends_copy``
          (it makes the copy) or ``stops`` (before the rule :param:`other`);
        * what keeps a rule from helping the copy: ``disabled``, ``mode``, ``dates``, ``exception`` (also what keeps a rule from
          keeping it back), ``scope``, ``internal_domain`` (a remote domain makes people there internal), ``never_matches``,
          ``asterisk`` (which is no wildcard in a word), ``misspelled`` (a domain or group), ``unauthenticated``, ``stopped`` (by the
          rule :param:`other`), ``no_manager`` (the rule asks the sender's manager), or ``elsewhere`` (the rule looks for the same
          texts or people in another place, for longer texts, for some of the people in a domain, for some of the guarantee's
          values, for others of such mail, or for a part of the mail with these values);
        * what a rule that acts does without encrypting: ``only_brands`` or ``only_routes``, or ``from_outside`` (it encrypts,
          but no mail from outside);
        * what a DLP rule does: ``dlp_blocks``, ``dlp_redirects``, ``dlp_quarantines``, ``dlp_holds``, ``dlp_decrypts``,
          ``dlp_encrypts``, or ``dlp_undoes`` (it leaves no such mail protected);
        * why a DLP rule that could prevent the breach does not: ``dlp_tested`` or ``dlp_disabled``.

    :param option: the condition, exception or setting that it is about, with its :param:`value`.
    :param would: what a rule that does not act would do: ``encrypt``, ``decrypt``, ``route``, ``brand``, ``reject``, ``delete``,
        ``quarantine``, ``moderate`` or ``stop``.
    :param also: what else keeps the same rule from acting; of one that acts, its exception that likely is meant for the mail and
        is written so that it misses it.
    """

    kind: str
    rule: str
    option: str = ""
    value: Any = None
    other: str = ""
    would: str = ""
    also: BreachCause | None = None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> BreachCause:
        """The cause that a row of results has."""
        return cls(**{**row, "also": cls.of_row(row["also"]) if row.get("also") else None})

    def as_row(self) -> dict[str, Any]:
        """The cause as a row of results, without what does not apply."""
        row = {**asdict(self), "also": self.also.as_row() if self.also else None}
        return {key: value for key, value in row.items() if value not in ("", None)}


def cause_of(rules: RuleSet, copy: Copy, guarantee: Guarantee, decided_by: str, copied_by: str) -> BreachCause | None:
    """Why a copy breaks a guarantee; ``None`` if nothing can be said of a rule.

    :param decided_by: the rule without which the guarantee would be kept; empty if there is none.
    :param copied_by: the rule that makes the copy; empty for a recipient whom the sender names.
    """
    wish = WISHES[guarantee.then]

    def matters(rule: FlowRule) -> bool:
        """Whether it matters what keeps a rule from acting."""
        return _helps(rule, guarantee) or _keeps_back(rule, guarantee) or _brands(rule, guarantee, copy.facts)

    declared = standings(rules, copy, matters)
    every = [_as_it_acts(standing, copy) for standing in declared]
    lacks_branding = guarantee.then == PORTAL and _is_encrypted(every)
    helping = [
        standing
        for standing in every
        if (_brands(standing.rule, guarantee, copy.facts) if lacks_branding else _helps(standing.rule, guarantee))
    ]
    decider = next((standing for standing in every if standing.rule.name == decided_by), None)
    if decider is not None and decided_by != copied_by:
        encrypts = wish.wants_no_rule_to_protect and bool(decider.rule.actions.does(Does.ENCRYPT))
        by_encryption = _cause_by_encryption(every, copy, guarantee) if encrypts else None
        cause = by_encryption or _cause_by_decider(decider.rule, every, helping, copy, guarantee)
        if cause is None or cause.rule != decided_by:
            return cause
        return replace(cause, also=_missed_exception(decider, copy))
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
        return _cause_by_standing(meant, every, copy)
    keeping = every if WISHES[guarantee.then].wants_protection else helping
    others = [standing for standing in keeping if standing in helping or _keeps_back(standing.rule, guarantee)]
    return _how_it_decides(decider, others, guarantee)


def _cause_by_encryption(every: Sequence[Standing], copy: Copy, guarantee: Guarantee) -> BreachCause | None:
    """Why rules encrypt a copy that none is to encrypt: what keeps the rule from stopping before them that is meant for the mail,
    or that they stand before it, or just the rule, if it is one. ``None`` if nothing of that is known.
    """
    encrypting = [standing.rule for standing in _acting(every) if _encrypts(standing.rule, guarantee)]
    if not encrypting:
        return None
    meant = [
        standing for standing in every if _helps(standing.rule, guarantee) and _is_meant_for(standing.rule, guarantee)
    ]
    late = [standing for standing in _acting(meant) if standing.rule.place > encrypting[-1].place]
    missing = [
        standing
        for standing in meant
        if standing.distance == 1
        and standing.rule.place < encrypting[0].place
        and _cause_by_standing(standing, every, copy) is not None
    ]
    nearest = _nearest([*late, *missing], guarantee)
    if nearest in missing:
        return _cause_by_standing(nearest, every, copy)
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
        encrypting = [standing for standing in helping if _encrypts(standing.rule, guarantee)]
        return _cause_if_from_outside(encrypting, guarantee)
    return _cause_by_nearest_rule(every, helping, copy, guarantee)


def _cause_if_from_outside(helping: Sequence[Standing], guarantee: Guarantee) -> BreachCause | None:
    """The rule that acts on mail from outside, which rules do not encrypt; ``None`` if none does."""
    nearest = _nearest(_acting(helping), guarantee)
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
        and _keeps_back(standing.rule, guarantee)
        and not _keeps_back(_as_it_acts(standing, copy).rule, guarantee)
    ]
    return BreachCause("no_manager", asking[0].name, would=_would_do(asking[0])) if asking else None


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
        cause = _cause_by_standing(standing, every, copy)
        if cause is None or cause.also is None:
            return cause is not None
        return standing.could_act and _is_meant_for(standing.rule, guarantee)

    near, others = list[Standing](), list[Standing]()
    for standing in helping:
        (near if is_known(standing) else others).append(standing)
    if wish.wants_protection and not wish.wants_delivery:
        near += [standing for standing in every if _would_keep_back(standing, guarantee)]
    nearest = _nearest(near, guarantee)
    elsewhere = _nearest(
        [
            standing
            for standing in others
            if _looks_in_another_place(standing, guarantee) or _is_for_a_part(standing, guarantee)
        ],
        guarantee,
    )
    if elsewhere and (nearest is None or _likeness(elsewhere.rule, guarantee) >= _likeness(nearest.rule, guarantee)):
        atom = elsewhere.failed[0].atom
        option = f"conditions.{atom.predicate.options[0]}"
        return BreachCause(
            "elsewhere",
            elsewhere.rule.name,
            option,
            result_values(atom.values),
            would=_would_do(elsewhere.rule),
        )
    instead = _acting_without_encrypting(every) if wish.protects_what_is_delivered else []
    unencrypting = _nearest([one for one in instead if _is_meant_for(one.rule, guarantee)], guarantee)
    if unencrypting and (
        nearest is None or _likeness(unencrypting.rule, guarantee) > _likeness(nearest.rule, guarantee)
    ):
        return BreachCause(_done_instead(unencrypting.rule), unencrypting.rule.name)
    return _cause_by_standing(nearest, every, copy) if nearest else None


def _keeps_back(rule: FlowRule, guarantee: Guarantee) -> bool:
    """Whether a rule keeps mail back for good, or as long as nobody approves or releases it, if that is enough for a guarantee."""
    is_kept_by = (*_KEEPS_BACK, *(_KEEPS_WAITING if WISHES[guarantee.then].is_kept_by_waiting else ()))
    return not rule.dlp and any(map(rule.actions.does, is_kept_by))


def _would_keep_back(standing: Standing, guarantee: Guarantee) -> bool:
    """Whether nothing but an exception keeps a rule from keeping a copy back, or, if it is meant for the mail, nothing but that it is
    off, only tested, or out of its dates.
    """
    if not _keeps_back(standing.rule, guarantee) or standing.distance != 1:
        return False
    if standing.failed:
        return standing.failed[0].section == "exceptions"
    return standing.reached and _is_meant_for(standing.rule, guarantee)


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


def _helps(rule: FlowRule, guarantee: Guarantee) -> bool:
    """Whether what a rule does may make a copy keep a guarantee."""
    if WISHES[guarantee.then].wants_decryption:
        return bool(rule.actions.does(Does.DECRYPT)) and not rule.dlp
    if WISHES[guarantee.then].wants_no_rule_to_protect:
        return bool(rule.actions.does(Does.STOP)) and not rule.actions.does(Does.ENCRYPT) and not rule.dlp
    if guarantee.then == IN_TRANSIT and rule.actions.does(Does.ROUTE) and not rule.dlp:
        return True
    return _encrypts(rule, guarantee)


def _encrypts(rule: FlowRule, guarantee: Guarantee) -> bool:
    """Whether a rule encrypts mail as a guarantee wants it."""
    if not rule.actions.does(Does.ENCRYPT) or rule.dlp:
        return False
    return not guarantee.template or guarantee.template in rule.actions.templates


def _brands(rule: FlowRule, guarantee: Guarantee, facts: Facts) -> bool:
    """Whether a rule brands mail as a guarantee about the portal wants it."""
    if guarantee.then != PORTAL or rule.dlp:
        return False
    days = guarantee.expires_within_days
    names = [str(name) for name in rule.actions.does(Does.BRAND).values()]
    return bool(names) and (not days or all(facts.encryption.expires_within(name, days) for name in names))


def _how_it_decides(rule: FlowRule, helping: Sequence[Standing], guarantee: Guarantee) -> BreachCause | None:
    """What the rule does without which the guarantee would be kept; ``None`` if no kind of cause says it."""
    kind = next((kind for what, kind in _FATES.items() if rule.actions.does(what)), "")
    if kind:
        return BreachCause(kind, rule.name)
    if rule.actions.does(Does.STOP):
        stopped = _nearest(_stopped(rule, helping), guarantee)
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
        and _cause_by_standing(standing, every, copy) is not None
    ]
    nearest = _nearest(near, guarantee)
    if nearest is None:
        return None
    remoteness = min(_remoteness(standing.rule, guarantee) for standing in stopped)
    return nearest if _remoteness(nearest.rule, guarantee) < remoteness else None


def _nearest(every: Sequence[Standing], guarantee: Guarantee) -> Standing | None:
    """The rule that is most likely meant to keep a guarantee: one with the same conditions, the least in its way, and in
    effect.
    """
    return min(
        every,
        key=lambda standing: (
            *_remoteness(standing.rule, guarantee),
            standing.distance,
            not standing.could_act,
            standing.rule.place,
        ),
        default=None,
    )


def _remoteness(rule: FlowRule, guarantee: Guarantee) -> tuple[bool, int, int]:
    """How far the mail of a rule is from that of a guarantee: first whether the rule is meant for other mail, then how unlike
    their conditions are.
    """
    return not _is_meant_for(rule, guarantee), *unlike(rule, guarantee.when)


def _conditions(rule: FlowRule) -> dict[str, Any]:
    """The conditions of a rule, in the form of a rule's section."""
    return {atom.predicate.options[0]: result_values(atom.values) for atom in rule.criteria.conditions}


def _is_meant_for(rule: FlowRule, guarantee: Guarantee) -> bool:
    """Whether a rule is meant for the mail of a guarantee, or for more, as its conditions say."""
    return is_meant_at_least_for(_conditions(rule), guarantee.when)


def _likeness(rule: FlowRule, guarantee: Guarantee) -> tuple[bool, int]:
    """How like the mail of a guarantee that of a rule is: first whether the rule is meant for it, then how many values their
    conditions have in common.
    """
    return _is_meant_for(rule, guarantee), -unlike(rule, guarantee.when)[0]


def _looks_in_another_place(standing: Standing, guarantee: Guarantee) -> bool:
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


def _is_for_a_part(standing: Standing, guarantee: Guarantee) -> bool:
    """Whether a rule for mail with values of the guarantee fails to help a copy only by a condition that it has beside. One that
    encrypts some of the mail is not meant for the way of all of it.
    """
    if guarantee.then == IN_TRANSIT and not standing.rule.actions.does(Does.ROUTE):
        return False
    if standing.distance != 1 or len(standing.failed) != 1 or standing.failed[0].section != "conditions":
        return False
    if standing.failed[0].atom.predicate.options[0] in guarantee.when:
        return False
    return _is_meant_for(standing.rule, guarantee) or any(
        shares_values(option, values, guarantee.when)
        for option, values in _conditions(standing.rule).items()
        if option not in SCOPES
    )


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


def _would_do(rule: FlowRule) -> str:
    """What a rule would do to help a copy; empty if nothing."""
    return next((str(what) for what in _HELPING if rule.actions.does(what)), "")


def _cause_by_standing(standing: Standing, every: Sequence[Standing], copy: Copy) -> BreachCause | None:
    """What keeps a rule from acting on a copy, one thing or two; ``None`` if that is nothing, more, or of no known kind."""
    if not 0 < standing.distance <= _MOST_IN_THE_WAY:
        return None
    found = [_cause_by_failed(failed, standing, copy) for failed in standing.failed]
    known = [*filter(None, found), *_causes_by_state(standing, every, copy)]
    if len(known) != standing.distance:
        return None
    also = known[1] if len(known) > 1 else None
    return replace(known[0], also=also)


def _cause_by_failed(failed: FailedCondition, standing: Standing, copy: Copy) -> BreachCause | None:
    """What a condition or exception that keeps a rule from acting says of it, if that is of a known kind."""
    name, option, values = standing.rule.name, failed.option, result_values(failed.atom.values)
    would = _would_do(standing.rule)
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


def _missed_exception(standing: Standing, copy: Copy) -> BreachCause | None:
    """The exception of a rule that acts on a copy that likely is meant for it, and is written so that it misses it; ``None`` if
    there is none.
    """
    for atom in standing.rule.criteria.exceptions:
        found = miswritten(atom, standing.rule_view, copy)
        if found:
            option = FailedCondition("exceptions", atom).option
            return BreachCause(found.kind, standing.rule.name, option, found.values)
    return None


def _causes_by_state(standing: Standing, every: Sequence[Standing], copy: Copy) -> list[BreachCause]:
    """What keeps a rule from acting on a copy besides its conditions and exceptions."""
    rule, would = standing.rule, _would_do(standing.rule)
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
