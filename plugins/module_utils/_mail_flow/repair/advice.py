# SPDX-License-Identifier: GPL-3.0-or-later
"""What helps a refuted guarantee, and is no edit of mail flow rules."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..._exchange.errors import OptionError
from ..._exchange.names import same_name
from ..._resources.compliance.dlp_policies import ACTS
from ..analyses.judgment import GuaranteeVerdict, Judgment
from ..analyses.standings import SCOPES, Copy
from ..analyses.verifier import prove
from ..budget import BudgetError
from ..conditions.predicates import BY_OPTION
from ..input.guarantee_options import Guarantee
from ..input.parsing import facts_of
from ..model.encrypters import ENDS_BY_DLP
from ..model.facts import Facts
from ..model.wishes import WISHES
from ..rules.rule_set import RuleSet

#: The scope of mail from outside.
_OUTSIDE = "NotInOrganization"

#: The kinds of causes that are a DLP rule which decides what becomes of a copy.
_BY_DLP = frozenset((*ENDS_BY_DLP.values(), "dlp_decrypts", "dlp_undoes", "dlp_encrypts"))

#: The kinds of causes that are a DLP rule which does not act, and could keep the guarantee.
_IDLE_DLP = ("dlp_tested", "dlp_disabled")

#: The option of an OME configuration that says after how many days mail expires; 0 for never.
_EXPIRY = "external_mail_expiry_in_days"

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
        goes; ``expiry``: mail with a branding expires in time; ``dlp_idle``: people let a DLP rule act.
    :param value: the sender, the other ``then``, the template for which it no longer asks, what the DLP rule does, as
        causes call it, or the branding.
    :param unless: the exceptions of the guarantee then, in the form of a rule's, and :param:`rules` the names of the
        rules; :param:`policy` that of the policy of a DLP rule.
    :param days: after how many days mail expires then at the latest.
    :param left_open: the verdict then, if it is unknown; ``None`` if it is kept.
    """

    kind: str
    value: str = ""
    unless: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    policy: str = ""
    days: int = 0
    left_open: Judgment | None = None


def beyond_rules(
    judged: Judgment,
    copy: Copy,
    rules: RuleSet,
    facts: Facts,
    given: Mapping[str, Any],
    now: datetime.datetime,
) -> Advice | None:
    """What helps a guarantee that is refuted by a copy on which no edit of mail flow rules helps: it comes from outside, or a
    DLP rule, which comes after them, surely decides it whatever they do. ``None`` for others.

    :param given: the facts in the form of the option ``facts``.
    """
    guarantee = judged.guarantee
    if copy.is_from_outside and copy.message.arrives_in_clear and WISHES[guarantee.then].protects_what_is_delivered:
        advice = Advice("from_outside")
        if guarantee.when.get("from_scope") == _OUTSIDE:
            return advice
        return _with_unless(advice, guarantee, {**guarantee.unless, "from_scope": _OUTSIDE}, rules, facts, now)
    late = _expiring_late(judged, rules, given, now)
    if late:
        return late
    cause = judged.counterexample.cause if judged.counterexample else None
    if cause is None or cause.kind not in _BY_DLP:
        return None
    policy, conditions = _dlp_rule(given, cause.rule)
    advice = Advice("dlp", cause.kind, rules=(cause.rule,), policy=policy)
    said = all(option in BY_OPTION for option in conditions)
    unless = leaving_out(guarantee, conditions) if said else None
    return (_with_unless(advice, guarantee, unless, rules, facts, now) if unless else None) or advice


def of_idle_dlp_rule(
    judged: Judgment, rules: RuleSet, given: Mapping[str, Any], now: datetime.datetime
) -> Advice | None:
    """Advice to let a DLP policy act that is in a test mode, or a rule of it that is disabled, if no mail surely breaks the
    guarantee then.
    """
    cause = judged.counterexample.cause if judged.counterexample else None
    if cause is None or cause.kind not in _IDLE_DLP:
        return None
    policy, _conditions = _dlp_rule(given, cause.rule)
    edited = [
        _acting(each, cause.rule) if each.get("name") == policy else each for each in given.get("dlp_policies") or ()
    ]
    facts = facts_of({**given, "dlp_policies": edited})
    advice = Advice("dlp_idle", cause.kind, rules=(cause.rule,), policy=policy)
    return _with_unless(advice, judged.guarantee, judged.guarantee.unless, rules, facts, now)


def _acting(policy: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A DLP policy that acts, with one of its rules enabled."""
    rules = [{**rule, "enabled": True} if rule.get("name") == name else rule for rule in policy.get("rules") or ()]
    return {**policy, "mode": ACTS, "rules": rules}


def _expiring_late(judged: Judgment, rules: RuleSet, given: Mapping[str, Any], now: datetime.datetime) -> Advice | None:
    """Advice to let mail with a branding expire in time, if no mail surely breaks the guarantee then, and no branding does so
    already.
    """
    days, found = judged.guarantee.expires_within_days, judged.counterexample
    every = list(given.get("ome_configurations") or ())
    if not days or found is None or found.expiry is None or any(_expires(each, days) for each in every):
        return None
    branding = found.outcome.branding
    edited = [{**each, _EXPIRY: days} if same_name(str(each.get("identity", "")), branding) else each for each in every]
    if not branding or edited == every:
        return None
    facts = facts_of({**given, "ome_configurations": edited})
    return _with_unless(
        Advice("expiry", branding, days=days), judged.guarantee, judged.guarantee.unless, rules, facts, now
    )


def _expires(configuration: Mapping[str, Any], days: int) -> bool:
    """Whether mail with an OME configuration expires in time."""
    return 0 < int(configuration.get(_EXPIRY) or 0) <= days


def _dlp_rule(given: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """The policy of a DLP rule and the rule's conditions, as a mail flow rule calls them."""
    for policy in given.get("dlp_policies") or ():
        for rule in policy.get("rules") or ():
            if rule.get("name") == name:
                conditions = rule.get("conditions") or {}
                return str(policy.get("name", "")), {
                    _SCOPE_OF_DLP.get(option, option): value for option, value in conditions.items()
                }
    return "", {}


def _with_unless(
    advice: Advice,
    guarantee: Guarantee,
    unless: Mapping[str, Any],
    rules: RuleSet,
    facts: Facts,
    now: datetime.datetime,
) -> Advice | None:
    """Advice with exceptions of a guarantee, if no mail surely breaks it with them; ``None`` where that is not known."""
    try:
        (found,) = prove(rules, facts, [replace(guarantee, unless=unless)], now)
    except (OptionError, BudgetError):
        return None
    if found.verdict is GuaranteeVerdict.REFUTED:
        return None
    left_open = None if found.verdict is GuaranteeVerdict.PROVED else found
    return replace(advice, unless={} if unless == guarantee.unless else unless, left_open=left_open)


def if_kept(
    advice: Advice, guarantee: Guarantee, rules: RuleSet, facts: Facts, now: datetime.datetime
) -> Advice | None:
    """Advice to ask for another guarantee, if that is kept.

    :raises BudgetError: that takes too long.
    """
    (found,) = prove(rules, facts, [guarantee], now)
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
