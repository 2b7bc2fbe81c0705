# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of a single rule: misused options, and what an administrator may not expect.

A check is a row of :data:`CHECKS`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..._exchange.names import name_key
from ..._resources.ome_configuration import DEFAULT_OME_CONFIGURATION, needs_work_account
from ..._resources.rules.action_effects import Does
from ..._resources.rules.unmatchable_values import never_matching
from ..actions.protect import option_name
from ..conditions.keys import is_open
from ..conditions.predicate import Atom, Reach
from ..model.addresses import is_below, is_name
from ..model.domains import INSIDE
from ..model.facts import Facts
from ..model.inside import recipient_outside
from ..model.message_recipients import people_behind
from ..model.patterns import is_too_large
from ..rules.flow_rule import FlowRule
from ..rules.rule_dates import is_later
from ..rules.rule_set import RuleSet
from ..simulator.disclosures import disclosures
from .lint_kinds import LintKind
from .sender_choices import missed_answer, repeated_prefix

#: What a finding is about, beside its rules; ``case`` tells apart what findings of a kind are about. ``None`` if there
#: is no finding.
About: TypeAlias = "Mapping[str, Any] | None"


@dataclass(frozen=True)
class LintFinding:
    """A problem of rules.

    :param rules: their names; the first one is the one that has it.
    :param about: what the words for it name.
    """

    kind: LintKind
    rules: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckedRule:
    """The input of a check: a rule, and what it is among.

    :param facts: what is known.
    :param domains: the domains of everybody in the directory.
    """

    rule: FlowRule
    rules: RuleSet
    facts: Facts
    domains: frozenset[str]
    now: datetime.datetime

    @property
    def options(self) -> set[str]:
        """The options of its conditions and exceptions."""
        return {option for atom in self.atoms for option in atom.predicate.options}

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """Its conditions and exceptions."""
        return self.rule.criteria.atoms

    @property
    def encrypts(self) -> bool:
        """Whether its purpose is to encrypt."""
        return bool(self.rule.actions.does(Does.ENCRYPT))

    def date(self, text: str) -> datetime.datetime | None:
        """A date of the rule."""
        try:
            date = datetime.datetime.fromisoformat(text)
        except ValueError:
            return None
        return date if date.tzinfo else date.replace(tzinfo=datetime.UTC)


def _expired(look: CheckedRule) -> About:
    return (
        {"date": look.rule.dates.ends}
        if look.rule.dates.ends and not is_later(look.rule.dates.ends, look.now)
        else None
    )


def _expiring(look: CheckedRule) -> About:
    ends = look.date(look.rule.dates.ends)
    soon = (
        ends is not None and is_later(look.rule.dates.ends, look.now) and ends < look.now + datetime.timedelta(days=30)
    )
    return {"date": look.rule.dates.ends} if soon and look.rule.enforces(Does.ENCRYPT) else None


def _idle_encryption(look: CheckedRule) -> About:
    if not look.encrypts:
        return None
    if look.rule.idle:
        return {"idle": look.rule.idle}
    return None if look.rule.actions.enforced else {"case": "tried", "mode": look.rule.actions.mode}


def _bad_patterns(look: CheckedRule) -> About:
    patterns = [key[1][-2:] for atom in look.atoms for key in atom.keys if is_open(key)]
    if not patterns:
        return None
    return {"pattern": patterns[0][0], **({"case": "too_large"} if is_too_large(*patterns[0]) else {})}


def _asterisks(look: CheckedRule) -> About:
    words = [
        word
        for atom in look.atoms
        if atom.predicate.sort in ("word", "property", "character set")
        for word in atom.predicate.shown(atom.values)[1]
        if "*" in word
    ]
    return {"word": words[0]} if words else None


def _never_matching(look: CheckedRule) -> About:
    sections = ({atom.predicate.options[0]: atom.values} for atom in look.atoms)
    never_met = [sections_values for section in sections for sections_values in never_matching(section)]
    return dict(zip(("option", "value", "instead"), never_met[0], strict=True)) if never_met else None


def _web_domain(look: CheckedRule) -> About:
    """A domain in a condition whose name is that of a web site."""
    named = [
        (atom.predicate.options[0], name)
        for atom in look.atoms
        if atom.predicate.options[0] in ("recipient_domain_is", "sender_domain_is")
        for name in atom.values
        if name.lower().startswith("www.") and not look.facts.domains.type_of(name.lower())
    ]
    if not named:
        return None
    option, value = named[0]
    return {"option": option, "value": value, "instead": value[len("www.") :]}


def _subdomains(look: CheckedRule) -> About:
    exceptions = [atom for atom in look.rule.criteria.exceptions if atom.predicate.options == ("recipient_domain_is",)]
    opened = [atom for atom in look.rule.criteria.conditions if atom.predicate.options == ("recipient_domain_is",)]
    if exceptions and look.rule.enforces(Does.ENCRYPT):
        return {"domains": exceptions[0].values}
    return {"case": "decrypts", "domains": opened[0].values} if opened and look.rule.enforces(Does.DECRYPT) else None


def _templates(look: CheckedRule) -> About:
    asked = sorted(templates_of(look.rule).values())
    return {"templates": asked} if len(asked) > 1 and look.rule.is_on_and_enforced else None


def templates_of(rule: FlowRule) -> dict[str, str]:
    """The options of protection that a rule applies, by what makes two the same."""
    return {name_key(option_name(template)): option_name(template) for template in rule.actions.templates}


def _groups(look: CheckedRule) -> About:
    groups = look.facts.groups.members or {}
    named = [
        group
        for atom in look.rule.criteria.conditions
        if atom.predicate.options == ("sent_to",)
        for group in atom.values
        if group.lower() in groups
    ]
    return {"group": named[0]} if named else None


def _of_the_copy(look: CheckedRule, atoms: Iterable[Atom]) -> About:
    """The first condition of an encrypting rule that looks at all who share the copy."""
    wide = (
        [atom.predicate.options[0] for atom in atoms if atom.reach is Reach.COPY]
        if look.rule.enforces(Does.ENCRYPT)
        else []
    )
    return {"option": wide[0]} if wide else None


def _fails_open(look: CheckedRule) -> About:
    return _where(look.encrypts and look.rule.criteria.content and not look.rule.defers)


def _fails_closed(look: CheckedRule) -> About:
    return _where(look.encrypts and look.rule.criteria.content and look.rule.defers)


def _unconfigured(look: CheckedRule) -> About:
    known = look.facts.encryption.ome_configurations
    if known is None or not look.rule.actions.does(Does.BRAND):
        return None
    names = {name_key(str(configuration.get("identity"))) for configuration in known}
    missing = [str(brand) for brand in look.rule.actions.does(Does.BRAND).values() if name_key(str(brand)) not in names]
    return {"branding": missing[0]} if missing else None


def _missed_answers(look: CheckedRule) -> About:
    encrypting = [rule for rule in look.rules.rules if rule.enforces(Does.ENCRYPT)]
    return missed_answer(look.rule, encrypting) if look.rule in encrypting else None


def _locked_out(look: CheckedRule) -> About:
    """The configuration of mail that a rule encrypts for people outside who have neither passcode nor social ID."""
    if not look.rule.enforces(Does.ENCRYPT) or _only_inside(look.rule):
        return None
    brands = [name_key(str(brand)) for brand in look.rule.actions.does(Does.BRAND).values()] or [
        name_key(DEFAULT_OME_CONFIGURATION)
    ]
    for configuration in look.facts.encryption.ome_configurations or ():
        if needs_work_account(configuration) and name_key(str(configuration.get("identity"))) in brands:
            return {"branding": str(configuration.get("identity"))}
    return None


def _only_inside(rule: FlowRule) -> bool:
    return any(
        atom.predicate.options == ("sent_to_scope",) and atom.values == "InOrganization"
        for atom in rule.criteria.conditions
    )


def _undone(look: CheckedRule) -> About:
    """What a rule is told beside an approval, a block or a redirection, and does not do."""
    rule = look.rule
    actions = look.rule.actions.declared
    if rule.actions.stops_approved and not rule.actions.left_undone:
        return {"case": "stop"}
    if rule.actions.left_undone:
        return {"case": "managed" if rule.actions.by_manager else "approval", "options": rule.actions.left_undone}
    to_manager = ("add_manager_as_recipient_type",) if rule.actions.redirects_to_manager else ()
    added = tuple(option for option in rule.actions.does(Does.ADD) if option not in to_manager)
    blocks = [option for what in (Does.DELETE, Does.REJECT, Does.QUARANTINE) for option in rule.actions.does(what)]
    idle = (
        *added,
        *(("prepend_subject",) if "prepend_subject" in actions and not rule.actions.does(Does.QUARANTINE) else ()),
    )
    if idle and blocks and rule.actions.enforced:
        return {"case": "block", "options": idle, "beside": blocks[0]}
    away = [option for option in actions if option in ("redirect_message_to", *to_manager)]
    return (
        {"case": "redirection", "options": added, "beside": away[0]}
        if added and away and rule.actions.enforced
        else None
    )


def _shows_outside(look: CheckedRule) -> About:
    """To whom outside a rule shows mail that it acts on, or sends it."""
    seen_by = [
        disclosure for disclosure in disclosures([look.rule], look.facts) if _outside(look, disclosure.person.address)
    ]
    shown = [("approval" if disclosure.asks else "report", disclosure.person.label) for disclosure in seen_by]
    for what in (Does.ADD, Does.REDIRECT) if look.rule.actions.enforced else ():
        named = [
            str(person)
            for option, value in look.rule.actions.does(what).items()
            if option != "add_manager_as_recipient_type"
            for person in value
        ]
        people = [
            person
            for named_person in named
            for person in people_behind(look.facts, named_person)
            if _outside(look, person.address)
        ]
        shown += [("copy" if what is Does.ADD else "redirection", person.label) for person in people]
    return {"case": shown[0][0], "person": shown[0][1], "others": len(shown) - 1} if shown else None


def _spares_internal(look: CheckedRule) -> About:
    """To which domains outside a rule that encrypts mail to people outside does not, since they count as internal."""
    internal = sorted(name for name, counts in (look.facts.domains.remote or {}).items() if counts)
    outside = any(
        atom.predicate.options == ("sent_to_scope",) and atom.values == "NotInOrganization"
        for atom in look.rule.criteria.conditions
    )
    return {"domains": internal} if internal and outside and look.rule.enforces(Does.ENCRYPT) else None


def _outside(look: CheckedRule, address: str) -> bool:
    """Whether somebody is outside, or likely is. Of whom only a name is known, that is not."""
    outside = not is_name(address) and recipient_outside(look.facts, address)
    return bool(outside if isinstance(outside, bool) else outside.likely)


def _reads_recipients(rule: FlowRule) -> bool:
    """Whether a rule encrypts by who the recipients are."""
    return rule.enforces(Does.ENCRYPT) and rule.looks_at_recipients


def _unscoped(look: CheckedRule) -> About:
    """Why a rule is for mail that no rule encrypts: that from outside."""
    if not look.rule.enforces(Does.ENCRYPT):
        return None
    if any(_keeps_to(atom, "NotInOrganization", look) for atom in look.rule.criteria.conditions):
        return {"case": "outside"}
    inside = any(_keeps_to(atom, "InOrganization", look) for atom in look.rule.criteria.conditions)
    excepted = any(
        atom.predicate.options == ("from_scope",) and atom.values == "NotInOrganization"
        for atom in look.rule.criteria.exceptions
    )
    return _where(not (inside or excepted))


def _keeps_to(atom: Atom, scope: str, look: CheckedRule) -> bool:
    """Whether a condition is for senders in a scope alone, as far as that is known. People who are named are taken for
    people inside.
    """
    option = atom.predicate.options[0]
    if option == "from_scope":
        return bool(atom.values == scope)
    if option == "sender_domain_is" and look.facts.domains.accepted is not None:
        inside = [value in look.domains or look.facts.domains.type_of(value) in INSIDE for value in atom.values]
        if scope == "InOrganization":
            return all(inside)
        # A domain means its subdomains, too.
        others = {*look.domains, *(domain.name for domain in look.facts.domains.accepted if domain.type in INSIDE)}
        return not any(inside) and not any(is_below(single, value) for value in atom.values for single in others)
    return scope == "InOrganization" and atom.predicate.looks_at == "sender"


def _takes_all(look: CheckedRule) -> bool:
    """Whether nothing keeps the rule from any mail."""
    return not (look.atoms or look.rule.criteria.doubts or look.rule.idle) and look.rule.dates.allow(look.now) is True


def _unsupported(look: CheckedRule) -> About:
    doubts = (*look.rule.criteria.doubts, *look.rule.actions.surprises)
    return {"reason": doubts[0]} if doubts else None


def _where(is_outside: bool) -> About:
    return {} if is_outside else None


def _has(look: CheckedRule, option: str, value: str) -> bool:
    return any(atom.predicate.options == (option,) and atom.values == value for atom in look.atoms)


#: Kind of finding to its check, which returns what the finding is about; ``None`` if there is no problem.
CHECKS: Mapping[LintKind, Callable[[CheckedRule], About]] = {
    "expired": _expired,
    "expiring": _expiring,
    "inactive_encryption": _idle_encryption,
    "unscoped_encryption": _unscoped,
    "retired_action": lambda look: _where(not {"apply_ome", "remove_ome"}.isdisjoint(look.rule.actions.options)),
    "encrypts_and_decrypts": lambda look: _where(look.rule.enforces(Does.ENCRYPT) and look.rule.enforces(Does.DECRYPT)),
    "for_all_mail": lambda look: _where(_takes_all(look)),
    "whole_copy": lambda look: _of_the_copy(look, look.rule.criteria.conditions),
    "one_frees_all": lambda look: _of_the_copy(look, look.rule.criteria.exceptions),
    "names_a_group": _groups,
    "fails_open": _fails_open,
    "fails_closed": _fails_closed,
    "branding_missing": _unconfigured,
    "unknown_pattern": _bad_patterns,
    "literal_asterisk": _asterisks,
    "value_never_matches": _never_matching,
    "web_domain": _web_domain,
    "subdomains": _subdomains,
    "two_templates": _templates,
    "answers_missed": _missed_answers,
    "prefix_repeats": lambda look: repeated_prefix(look.rule),
    "outsiders_locked_out": _locked_out,
    "on_premises_scope": lambda look: _where(
        _has(look, "sent_to_scope", "ExternalPartner") or _has(look, "sent_to_scope", "ExternalNonPartner")
    ),
    "envelope_sender": lambda look: _where(
        any(atom.settings.location == "Envelope" and atom.predicate.of_sender for atom in look.atoms)
    ),
    "auto_forward": lambda look: _where(_has(look, "message_type_matches", "AutoForward")),
    "adds_recipients": lambda look: _where(
        look.rule.enforces(Does.ADD, Does.REDIRECT)
        and any(map(_reads_recipients, look.rules.rules[look.rule.place + 1 :]))
    ),
    "shows_outside": _shows_outside,
    "internal_domains": _spares_internal,
    "actions_left_undone": _undone,
    "dlp_rule": lambda look: {"idle": look.rule.idle} if look.rule.dlp else None,
    "unsupported": _unsupported,
}

#: The checks of how a rule is written, and why it does not act. The others say what it does to mail, which a rule that
#: never acts does not.
OF_IDLE_RULES: frozenset[LintKind] = frozenset(
    (
        "expired",
        "inactive_encryption",
        "retired_action",
        "names_a_group",
        "branding_missing",
        "unknown_pattern",
        "literal_asterisk",
        "value_never_matches",
        "web_domain",
        "on_premises_scope",
        "dlp_rule",
        "unsupported",
    )
)
