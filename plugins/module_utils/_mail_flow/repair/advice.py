# SPDX-License-Identifier: GPL-3.0-or-later
"""What helps a refuted guarantee, and is no edit of mail flow rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..._exchange.errors import OptionError
from ..._exchange.names import same_name
from ..._resources.compliance.dlp_policies import ACTS
from ..._resources.ome_configuration import is_default
from ..._resources.rules.action_effects import Does
from ..analyses.finding import section_of
from ..analyses.judgment import GuaranteeVerdict, Judgment
from ..analyses.standings import SCOPES, Copy
from ..analyses.verifier import prove
from ..budget import BudgetError
from ..conditions.predicates import BY_OPTION
from ..input.guarantee_options import RECIPIENTS_ONLY, Guarantee
from ..input.parsing import facts_of
from ..model.encrypters import ENDS_BY_DLP
from ..model.facts import Facts
from ..model.wishes import PORTAL, WISHES
from ..rules.dlp_rules import DlpRules
from ..rules.flow_rule import FlowRule
from ..simulator.copy_result import CopyResult
from .aims import Aim, branding_for, is_meant, keeps_back
from .nearest import copy_of
from .rules_at_copy import COPYING, is_of_returned_mail, routes_to_connector, stops_returned_mail
from .task import RepairTask

#: The kinds of causes that are a rule which keeps mail from delivery.
KEPT_FROM_DELIVERY = ("rejects", "deletes", "quarantines", "redirects", "holds")

#: At most so many rules keep mail from delivery that a guarantee is advised to leave out.
_MOST_LEFT_OUT = 8

#: What a guarantee claims to what it may claim instead where some mail is not to be delivered.
IF_DELIVERED = {"encrypted": "not_in_clear"}

#: The scope of mail from outside.
_OUTSIDE = "NotInOrganization"

#: The kinds of causes that are a DLP rule which decides what becomes of a copy.
_BY_DLP = frozenset((*ENDS_BY_DLP.values(), "dlp_decrypts", "dlp_undoes", "dlp_encrypts"))

#: The kinds of causes that are a DLP rule which does not act, and could keep the guarantee.
_IDLE_DLP = ("dlp_tested", "dlp_disabled")

#: The action of a DLP rule that encrypts.
_ENCRYPTS_BY_DLP = "encrypt_rms_template"

#: The option of an OME configuration that says after how many days mail expires; 0 for never.
EXPIRY = "external_mail_expiry_in_days"

#: The condition on two groups between whose members mail goes.
_BETWEEN = ("between_member_of_1", "between_member_of_2")
#: The conditions on the groups of a sender and a recipient.
_MEMBERS = ("from_member_of", "sent_to_member_of")

#: What a DLP rule calls the scope of recipients, which mail flow rules call otherwise.
_SCOPE_OF_DLP = {"access_scope": "sent_to_scope"}


@dataclass(frozen=True)
class Advice:
    """What helps, and is no edit.

    :param kind: ``sign_in``: a sender of the organization that did not sign in does so, or a connector takes its mail;
        ``then``: the guarantee asks for another ``then``, which is kept; ``unless``: it leaves out what some rules
        keep from delivery, and is kept then; ``template``: it asks for protection of any kind, and is kept then;
        ``from_outside``: it asks for no mail from outside, which no rule encrypts; ``dlp``: people edit a DLP rule, or it
        leaves out the mail of that rule; ``opposed_rule``: a rule keeps all of its mail from delivery, so it or the rule
        goes; ``returned``: it leaves out mail that comes back from a connector; ``expiry``: mail with a branding expires in
        time; ``add_branding``: there is one more branding, with which mail expires in time; ``dlp_idle``: people let a DLP
        rule act; ``copies``: the guarantee does not count copies that rules make, or leaves out the mail of which a rule
        makes one; ``copied_to``: it leaves out mail to those who get such copies; ``added``: it leaves out mail that is also to
        those whom rules add.
    :param value: the sender, the person who gets such a copy, the other ``then``, the template for which it no longer asks,
        what the DLP rule does, as causes call it, the branding, or the rule that routes mail to the connector.
    :param unless: the exceptions of the guarantee then, in the form of a rule's, and :param:`rules` the names of the
        rules; :param:`policy` that of the policy of a DLP rule.
    :param days: after how many days mail expires then at the latest.
    :param left_open: the verdict then, if it is not proved; ``None`` if it is kept.
    """

    kind: str
    value: str = ""
    unless: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    policy: str = ""
    days: int = 0
    left_open: Judgment | None = None


def beyond_rules(judged: Judgment, copy: Copy, task: RepairTask) -> Advice | None:
    """What helps a guarantee that is refuted by a copy on which no edit of mail flow rules helps: it comes from outside, or a
    DLP rule, which comes after them, surely decides it whatever they do. ``None`` for others.
    """
    guarantee = judged.guarantee
    if copy.is_from_outside and copy.message.arrives_in_clear and WISHES[guarantee.then].protects_what_is_delivered:
        advice = Advice("from_outside")
        if guarantee.when.get("from_scope") == _OUTSIDE:
            return advice
        return _with_unless(advice, guarantee, {**guarantee.unless, "from_scope": _OUTSIDE}, task, task.facts)
    of_branding = _of_branding(judged, task)
    if of_branding:
        return of_branding
    cause = judged.counterexample.cause if judged.counterexample else None
    if cause is None or cause.kind not in _BY_DLP:
        return None
    policy, conditions = _dlp_rule(task.given, cause.rule)
    advice = Advice("dlp", cause.kind, rules=(cause.rule,), policy=policy)
    said = all(option in BY_OPTION for option in conditions)
    unless = leaving_out(guarantee, conditions) if said else None
    return (_with_unless(advice, guarantee, unless, task, task.facts) if unless else None) or advice


def instead_of_edits(judged: Judgment, copy: Copy, task: RepairTask) -> Advice | None:
    """What helps a refuted guarantee where no edit puts all mail right. ``None`` if that is not known.

    :param copy: the one that refutes it.
    """
    counterexample = judged.counterexample
    if counterexample is None:
        return None
    if counterexample.cause is not None and counterexample.cause.kind == "unauthenticated":
        return Advice("sign_in", str(counterexample.message["from"]))
    known = _of_idle_dlp_rule(judged, task) or _of_added_copies(judged, copy, task)
    if known:
        return known
    try:
        other = _of_other_guarantee(judged, counterexample.outcome, task)
    except BudgetError:
        other = None  # That it helps is not known.
    is_from_outside = copy.is_from_outside and copy.message.arrives_in_clear
    if other is None and is_from_outside and WISHES[judged.guarantee.then].protects_what_is_delivered:
        return Advice("from_outside")
    return other


def _of_other_guarantee(judged: Judgment, outcome: CopyResult, task: RepairTask) -> Advice | None:
    """Advice to ask for a guarantee that is kept.

    :param outcome: what becomes of the copy that refutes it.
    :raises BudgetError: that takes too long.
    """
    guarantee = judged.guarantee
    if not outcome.is_delivered:
        then = IF_DELIVERED.get(guarantee.then)
        other = _if_kept(Advice("then", then), replace(guarantee, then=then), task) if then else None
        return other or _without_kept_back_mail(judged, task)
    if outcome.on_arrival and guarantee.template:
        return _if_kept(Advice("template", guarantee.template), replace(guarantee, template=""), task)
    return None


def of_opposed_rule(guarantee: Guarantee, task: RepairTask) -> Advice | None:
    """Advice on a rule that keeps back just the mail of which a guarantee asks that it is delivered; ``None`` if none does."""
    if guarantee.then != "delivered":
        return None
    opposed = [
        rule.name
        for rule in task.rules.rules
        if keeps_back(rule) and _is_meant_for_all(rule, guarantee) and not _says_more(guarantee, rule)
    ]
    return Advice("opposed_rule", rules=(opposed[0],)) if opposed else None


def of_returned_mail(judged: Judgment, aim: Aim, task: RepairTask) -> Advice | None:
    """Advice that a guarantee leaves out mail that comes back from the connector to which a rule routes it, where that refutes
    it: an exception of this rule, or a rule before it that stops such mail, keeps it from a loop. ``None`` for others.
    """
    cause = judged.counterexample.cause if judged.counterexample else None
    rules = {rule.name: rule for rule in task.rules.rules}
    guard = rules.get(cause.rule) if cause else None
    if cause is None or guard is None or cause.kind not in ("exception", "stops"):
        return None
    routing = guard if cause.kind == "exception" else rules.get(cause.other)
    if routing is None or not (routes_to_connector(routing) and aim.is_helped_by(routing)):
        return None
    if cause.kind == "exception":
        option = cause.option.rpartition(".")[2]
        atoms = [atom for atom in guard.criteria.exceptions if option in atom.predicate.options]
        is_guard = all(map(is_of_returned_mail, atoms))
    else:
        atoms, is_guard = list(guard.criteria.conditions), stops_returned_mail(guard)
    unless = leaving_out(judged.guarantee, section_of(atoms)) if is_guard else None
    if unless is None:
        return None
    try:
        (found,) = prove(task.rules, task.facts, [replace(judged.guarantee, unless=unless)], task.now)
    except (OptionError, BudgetError):
        return None
    return Advice("returned", routing.name, unless=unless, rules=(guard.name,), left_open=found.unless_proved)


def _is_meant_for_all(rule: FlowRule, guarantee: Guarantee) -> bool:
    """Whether all mail of a guarantee meets the conditions of a rule, as they say: the same, or for a sender in one group and a
    recipient in the other, that the mail is between them.
    """
    conditions, when = section_of(rule.criteria.conditions), guarantee.when
    one, other = (set(conditions.pop(option, ())) for option in _BETWEEN)
    sender, recipient = (set(when.get(option) or ()) for option in _MEMBERS)
    if not (conditions or one):
        return False
    is_between = (sender <= one and recipient <= other) or (sender <= other and recipient <= one)
    is_of_groups = not one or bool(sender and recipient and is_between)
    return is_of_groups and all(when.get(option) == value for option, value in conditions.items())


def _says_more(guarantee: Guarantee, rule: FlowRule) -> bool:
    """Whether a guarantee selects its mail by more than a rule for all of it does, beside who is inside or outside."""
    said = set(section_of(rule.criteria.conditions))
    return any(
        option not in (*said, *SCOPES, *(_MEMBERS if said >= set(_BETWEEN) else ())) for option in guarantee.when
    )


def _without_kept_back_mail(judged: Judgment, task: RepairTask) -> Advice | None:
    """Advice that a guarantee leaves out the mail of the rules that keep it from delivery, one after the other, if no mail
    surely breaks it then, or only mail that is kept from delivery in another way, and all was to be delivered.

    :raises BudgetError: that takes too long.
    """
    guarantee, names = judged.guarantee, list[str]()
    while judged.counterexample is not None and len(names) < _MOST_LEFT_OUT:
        cause = judged.counterexample.cause
        if cause is None or cause.kind not in KEPT_FROM_DELIVERY or cause.rule in names:
            break
        rule = next(rule for rule in task.rules.rules if rule.name == cause.rule)
        unless = leaving_out(guarantee, section_of(rule.criteria.conditions))
        if unless is None:
            is_opposed = _is_meant_for_all(rule, guarantee) and not names
            return Advice("opposed_rule", rules=(cause.rule,)) if is_opposed else None
        names.append(cause.rule)
        guarantee = replace(guarantee, unless=unless)
        try:
            (judged,) = prove(task.rules, task.facts, [guarantee], task.now)
        except OptionError:  # That leaves out all mail.
            return Advice("opposed_rule", rules=(cause.rule,)) if len(names) == 1 else None
    remaining = judged.counterexample
    if not names or (remaining and (remaining.outcome.is_delivered or guarantee.then != "delivered")):
        return None
    return Advice("unless", unless=guarantee.unless, rules=tuple(names), left_open=judged.unless_proved)


def _of_idle_dlp_rule(judged: Judgment, task: RepairTask) -> Advice | None:
    """Advice to let a DLP policy act that is in a test mode, or a rule of it that is disabled, where that is why a guarantee is
    refuted, and no mail surely breaks it then.
    """
    cause = judged.counterexample.cause if judged.counterexample else None
    if cause is None or cause.kind not in _IDLE_DLP:
        return None
    policy, _conditions = _dlp_rule(task.given, cause.rule)
    advice = Advice("dlp_idle", cause.kind, rules=(cause.rule,), policy=policy)
    return _with_acting_dlp(advice, judged, task)


def of_meant_dlp_rule(judged: Judgment, aim: Aim, task: RepairTask) -> Advice | None:
    """Advice to let a DLP rule act that is meant to encrypt the mail of an aim, as its conditions say, if that helps the message
    which refutes the guarantee.
    """
    if not aim.is_helped_by_encryption:
        return None
    for policy in task.given.get("dlp_policies") or ():
        is_tested = str(policy.get("mode", "")).startswith("Test")
        for rule in policy.get("rules") or ():
            acts = policy.get("mode", ACTS) == ACTS and rule.get("enabled", True)
            encrypts = (rule.get("actions") or {}).get(_ENCRYPTS_BY_DLP)
            if acts or not encrypts or not is_meant({"conditions": _conditions_of(rule)}, aim):
                continue
            kind = "dlp_tested" if is_tested else "dlp_disabled"
            advice = Advice("dlp_idle", kind, rules=(str(rule["name"]),), policy=str(policy["name"]))
            return _with_acting_dlp(advice, judged, task, also_refuted=True)
    return None


def _with_acting_dlp(
    advice: Advice, judged: Judgment, task: RepairTask, *, also_refuted: bool = False
) -> Advice | None:
    """Advice to let a DLP rule act, if no mail surely breaks the guarantee then.

    :param also_refuted: whether other mail than the message that refutes it at present may surely break it then.
    """
    (name,) = advice.rules
    policies = task.given.get("dlp_policies") or ()
    edited = [_acting(known, name) if known.get("name") == advice.policy else known for known in policies]
    facts = facts_of({**task.given, "dlp_policies": edited})
    shown = judged.counterexample
    try:
        (found,) = prove(task.rules, facts, [judged.guarantee], task.now)
    except BudgetError:
        return None
    if found.counterexample and (not also_refuted or (shown and found.counterexample.message == shown.message)):
        return None
    return replace(advice, left_open=found.unless_proved)


def _of_added_copies(judged: Judgment, copy: Copy, task: RepairTask) -> Advice | None:
    """Advice not to count the copies that rules make, if one of them breaks a guarantee, and no mail surely does then; where all
    copies count, to leave out the mail of the rule that makes it.
    """
    guarantee, shown = judged.guarantee, judged.counterexample
    if guarantee.copies == RECIPIENTS_ONLY or not copy.is_made_by_rules or shown is None:
        return None
    deciding = (*shown.decided_by, shown.cause.rule if shown.cause else "")
    copying = [rule for rule in task.rules.rules if rule.name in deciding and any(map(rule.actions.does, COPYING))]
    advice = Advice("copies", copy.recipient, rules=tuple(rule.name for rule in copying))
    if WISHES[guarantee.then].of_copies:
        narrower = replace(guarantee, copies=RECIPIENTS_ONLY)
        return _with_unless(advice, narrower, guarantee.unless, task, task.facts)
    for atom in (atom for rule in copying for atom in rule.criteria.conditions):
        unless = leaving_out(guarantee, section_of([atom]))
        advised = _with_unless(advice, guarantee, unless, task, task.facts) if unless else None
        if advised:
            return advised
    return _without_people(advice, judged, task)


def _without_people(advice: Advice, judged: Judgment, task: RepairTask) -> Advice | None:
    """Advice that a guarantee leaves out the mail to people who get copies which break it, one after the other, if no mail surely
    breaks it then.

    :param advice: that on the first copy: who gets it, and the mail flow rules that make it.
    """
    guarantee = judged.guarantee
    people = list[str]()
    try:
        while judged.counterexample is not None and len(people) < _MOST_LEFT_OUT:
            shown = copy_of(judged.counterexample, task.facts, task.now)
            unless = leaving_out(guarantee, {"sent_to": [shown.recipient]})
            if unless is None or not shown.is_made_by_rules or shown.recipient in people:
                return None
            people.append(shown.recipient)
            guarantee = replace(guarantee, unless=unless)
            (judged,) = prove(task.rules, task.facts, [guarantee], task.now)
    except (OptionError, BudgetError):
        return None
    if judged.counterexample is not None:
        return None
    known = replace(advice, kind="copied_to", unless=guarantee.unless, left_open=judged.unless_proved)
    return known if known.rules else _with_sending_dlp_rule(known, task)


def of_added_people(judged: Judgment, task: RepairTask) -> Advice | None:
    """Advice that a guarantee leaves out mail to the people whom rules add, where nothing else keeps it from a proof; ``None`` if it
    is not proved then.

    :param judged: a guarantee that is unknown only because rules add people.
    """
    added = list(dict.fromkeys((str(rule), str(person)) for reason in judged.unknown for rule, person in reason.values))
    people = list(dict.fromkeys(person for _rule, person in added))
    unless = leaving_out(judged.guarantee, {"sent_to": people})
    if unless is None:
        return None
    rules = tuple(dict.fromkeys(rule for rule, _person in added))
    advised = _with_unless(Advice("added", rules=rules), judged.guarantee, unless, task, task.facts)
    return advised if advised and advised.left_open is None else None


def _with_sending_dlp_rule(advice: Advice, task: RepairTask) -> Advice:
    """Advice with the one DLP rule that may send somebody a copy; as it is if there are several."""
    policies = task.facts.encrypters.dlp_policies
    sending = [
        rule.name
        for rule in (policies.rules if isinstance(policies, DlpRules) else ())
        if any(same_name(person, advice.value) for _option, person in rule.does.brings)
    ]
    if len(sending) != 1:
        return advice
    policy, _conditions = _dlp_rule(task.given, sending[0])
    return replace(advice, rules=tuple(sending), policy=policy)


def _acting(policy: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A DLP policy that acts, with one of its rules enabled."""
    rules = [{**rule, "enabled": True} if rule.get("name") == name else rule for rule in policy.get("rules") or ()]
    return {**policy, "mode": ACTS, "rules": rules}


def _of_branding(judged: Judgment, task: RepairTask) -> Advice | None:
    """Advice on the OME configuration that mail has to show in the portal, where there is none with which it expires in time, or
    none at all but the default one: no edit of rules puts all mail right before. One that rules apply is for other mail, if this
    mail shows its own.
    """
    guarantee, shown = judged.guarantee, judged.counterexample
    every = task.given.get("ome_configurations")
    days = guarantee.expires_within_days
    if guarantee.then != PORTAL or shown is None or every is None:
        return None
    suitable = branding_for(guarantee, task.rules, task.facts)
    is_of_others = bool(days) and _is_applied(suitable, task) and not is_default(shown.outcome.branding or "")
    if suitable and not (is_of_others and shown.outcome.branding):
        return None
    other = branding_for(replace(guarantee, expires_within_days=0), task.rules, task.facts)
    for branding in (shown.outcome.branding, other):
        edited = [
            {**each, EXPIRY: days} if same_name(str(each.get("identity", "")), branding) else each for each in every
        ]
        if branding and not is_default(branding) and edited != every:
            facts = facts_of({**task.given, "ome_configurations": edited})
            return _as_first_step(Advice("expiry", branding, days=days), judged, facts, task)
    return Advice("add_branding", days=days)


def _is_applied(branding: str, task: RepairTask) -> bool:
    """Whether a rule shows a branding."""
    applied = [name for rule in task.rules.rules for name in rule.actions.does(Does.BRAND).values()]
    return any(same_name(str(name), branding) for name in applied)


def _as_first_step(advice: Advice, judged: Judgment, facts: Facts, task: RepairTask) -> Advice | None:
    """Advice with what it leaves open, which may be that mail surely breaks the guarantee; ``None`` where that is not known.

    :param facts: those after what is advised.
    """
    try:
        (found,) = prove(task.rules, facts, [judged.guarantee], task.now)
    except BudgetError:
        return None
    return replace(advice, left_open=found.unless_proved)


def _dlp_rule(given: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """The policy of a DLP rule and the rule's conditions, as a mail flow rule calls them."""
    for policy in given.get("dlp_policies") or ():
        for rule in policy.get("rules") or ():
            if rule.get("name") == name:
                return str(policy.get("name", "")), _conditions_of(rule)
    return "", {}


def _conditions_of(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions of a DLP rule, as a mail flow rule calls them."""
    conditions = rule.get("conditions") or {}
    return {_SCOPE_OF_DLP.get(option, option): value for option, value in conditions.items()}


def _with_unless(
    advice: Advice, guarantee: Guarantee, unless: Mapping[str, Any], task: RepairTask, facts: Facts
) -> Advice | None:
    """Advice with exceptions of a guarantee, if no mail surely breaks it with them; ``None`` where that is not known.

    :param facts: those after what is advised.
    """
    try:
        (found,) = prove(task.rules, facts, [replace(guarantee, unless=unless)], task.now)
    except (OptionError, BudgetError):
        return None
    if found.verdict is GuaranteeVerdict.REFUTED:
        return None
    return replace(advice, unless={} if unless == guarantee.unless else unless, left_open=found.unless_proved)


def _if_kept(advice: Advice, guarantee: Guarantee, task: RepairTask) -> Advice | None:
    """Advice to ask for another guarantee, if that is kept.

    :raises BudgetError: that takes too long.
    """
    (found,) = prove(task.rules, task.facts, [guarantee], task.now)
    return advice if found.verdict is GuaranteeVerdict.PROVED else None


def leaving_out(guarantee: Guarantee, conditions: Mapping[str, Any]) -> dict[str, Any] | None:
    """The exceptions of a guarantee, and the one of some conditions that is beside those of the guarantee and on who is
    inside: of several, the one with a list, which takes more values. ``None`` if that leaves several.

    :param conditions: in the form of a rule's section.
    """
    beside = {
        option: value
        for option, value in conditions.items()
        if option not in SCOPES and guarantee.when.get(option) != value
    }
    lists = {option: value for option, value in beside.items() if isinstance(value, list)}
    predicates = {BY_OPTION[option] for option in lists or beside if option in BY_OPTION}
    if len(predicates) != 1:
        return None
    (predicate,) = predicates
    section = {option: value for option, value in beside.items() if option in predicate.options}
    if not any(option in guarantee.unless for option in predicate.options):
        return {**guarantee.unless, **section}
    if len(section) > 1:
        return None  # Of two headers, say.
    ((option, value),) = section.items()
    known = guarantee.unless.get(option)
    if isinstance(known, list) and isinstance(value, list):
        return {**guarantee.unless, option: [*known, *(one for one in value if one not in known)]}
    return None
