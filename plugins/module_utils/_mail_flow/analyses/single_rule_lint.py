# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of a single rule: misused options, and what an administrator may not expect.

A check is a row of :data:`CHECKS`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..._exchange.names import name_key
from ..._resources.ome_configuration import DEFAULT_OME_CONFIGURATION, needs_work_account
from ..._resources.rules.action_effects import Does
from ..._resources.rules.unmatchable_values import never_matching
from ..actions.protect import option_name
from ..conditions.keys import is_open
from ..conditions.meant_values import is_website
from ..conditions.predicate import Atom, Reach
from ..model.addresses import domain, is_below, is_name
from ..model.domains import AUTHORITATIVE, INSIDE
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

#: A pattern that is a set of letters and nothing else.
_LETTER_SET = re.compile(r"(\^?)\[([^\W\d_]{2,}(?: [^\W\d_]+)*)\](\$?)")

#: What a finding names in addition to its rules; ``case`` distinguishes findings of a kind. ``None`` if there is no finding.
About: TypeAlias = "Mapping[str, Any] | None"


@dataclass(frozen=True)
class LintFinding:
    """A problem of rules.

    :param rules: the names of the rules. The first one has the problem.
    :param about: what the sentence about it names.
    """

    kind: LintKind
    rules: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckedRule:
    """The input of a check: a rule, with the rules and the organization around it.

    :param facts: what is known of the organization.
    :param domains: the domains of all people in the directory.
    """

    rule: FlowRule
    rules: RuleSet
    facts: Facts
    domains: frozenset[str]
    now: datetime.datetime

    @property
    def options(self) -> set[str]:
        """The options of the conditions and exceptions of the rule."""
        return {option for atom in self.atoms for option in atom.predicate.options}

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """The conditions and exceptions of the rule."""
        return self.rule.criteria.atoms

    @property
    def encrypts(self) -> bool:
        """Whether the rule encrypts mail if it acts and is enforced."""
        return bool(self.rule.actions.does(Does.ENCRYPT))

    def date(self, text: str) -> datetime.datetime | None:
        """A date of the rule; ``None`` if it cannot be read."""
        try:
            date = datetime.datetime.fromisoformat(text)
        except ValueError:
            return None
        return date if date.tzinfo else date.replace(tzinfo=datetime.UTC)


def is_over(rule: FlowRule, now: datetime.datetime) -> bool:
    """Whether a rule's time is over."""
    return bool(rule.dates.ends) and not is_later(rule.dates.ends, now)


def _expired(checked: CheckedRule) -> About:
    return {"date": checked.rule.dates.ends} if is_over(checked.rule, checked.now) else None


def _expiring(checked: CheckedRule) -> About:
    ends = checked.date(checked.rule.dates.ends)
    soon = (
        ends is not None
        and is_later(checked.rule.dates.ends, checked.now)
        and ends < checked.now + datetime.timedelta(days=30)
    )
    return {"date": checked.rule.dates.ends} if soon and checked.rule.enforces(Does.ENCRYPT) else None


def _idle_encryption(checked: CheckedRule) -> About:
    if not checked.encrypts:
        return None
    if checked.rule.idle:
        return {"idle": checked.rule.idle}
    return None if checked.rule.actions.enforced else {"case": "tried", "mode": checked.rule.actions.mode}


def _bad_patterns(checked: CheckedRule) -> About:
    patterns = [key[1][-2:] for atom in checked.atoms for key in atom.keys if is_open(key)]
    if not patterns:
        return None
    return {"pattern": patterns[0][0], **({"case": "too_large"} if is_too_large(*patterns[0]) else {})}


def _asterisks(checked: CheckedRule) -> About:
    words = [
        word
        for atom in checked.atoms
        if atom.predicate.sort in ("word", "property", "character set")
        for word in atom.predicate.shown(atom.values)[1]
        if "*" in word
    ]
    return {"word": words[0]} if words else None


def _letter_sets(checked: CheckedRule) -> About:
    """A pattern that is a set of letters, as of a tag in brackets. Alone, it matches nearly all texts."""
    sets = [
        key[1][0]
        for atom in checked.atoms
        if atom.predicate.sort == "pattern"
        for key in atom.keys
        if not is_open(key) and _LETTER_SET.fullmatch(key[1][0])
    ]
    return {"pattern": sets[0], "tag": _LETTER_SET.sub(r"\1\\[\2\\]\3", sets[0])} if sets else None


def _never_matching(checked: CheckedRule) -> About:
    sections = ({atom.predicate.options[0]: atom.values} for atom in checked.atoms)
    never_met = [sections_values for section in sections for sections_values in never_matching(section)]
    return dict(zip(("option", "value", "instead"), never_met[0], strict=True)) if never_met else None


def _extension_with_dot(checked: CheckedRule) -> About:
    """An extension with the dot before it."""
    written = [
        (atom.predicate.options[0], value)
        for atom in checked.atoms
        if atom.predicate.sort == "extension"
        for value in atom.values
        if value.startswith(".") and "*" not in value
    ]
    return {"option": written[0][0], "value": written[0][1], "instead": written[0][1].lstrip(".")} if written else None


def _no_such_person(checked: CheckedRule) -> About:
    """A sender or recipient in the organization's domains whom its directory does not have."""
    facts = checked.facts
    named = [
        (atom.predicate.options[0], person)
        for atom in checked.atoms
        if atom.predicate.is_sole
        for person in map(facts.people.primary, atom.people)
        if facts.domains.type_of(domain(person)) == AUTHORITATIVE and facts.is_object(person) is False
    ]
    return {"option": named[0][0], "value": named[0][1]} if named else None


def _web_domain(checked: CheckedRule) -> About:
    """A domain in a condition whose name is that of a web site."""
    named = [
        (atom.predicate.options[0], name)
        for atom in checked.atoms
        if atom.predicate.options[0] in ("recipient_domain_is", "sender_domain_is")
        for name in atom.values
        if is_website(name) and not checked.facts.domains.type_of(name.lower())
    ]
    if not named:
        return None
    option, value = named[0]
    return {"option": option, "value": value, "instead": value[len("www.") :]}


def _subdomains(checked: CheckedRule) -> About:
    exceptions = [
        atom for atom in checked.rule.criteria.exceptions if atom.predicate.options == ("recipient_domain_is",)
    ]
    conditions = [
        atom for atom in checked.rule.criteria.conditions if atom.predicate.options == ("recipient_domain_is",)
    ]
    if exceptions and checked.rule.enforces(Does.ENCRYPT):
        return {"domains": exceptions[0].values}
    return (
        {"case": "decrypts", "domains": conditions[0].values}
        if conditions and checked.rule.enforces(Does.DECRYPT)
        else None
    )


def _templates(checked: CheckedRule) -> About:
    asked = sorted(templates_of(checked.rule).values())
    return {"templates": asked} if len(asked) > 1 and checked.rule.is_on_and_enforced else None


def templates_of(rule: FlowRule) -> dict[str, str]:
    """The options of protection that a rule applies, by a key that is equal for equal ones."""
    return {name_key(option_name(template)): option_name(template) for template in rule.actions.templates}


def _groups(checked: CheckedRule) -> About:
    groups = checked.facts.groups.members or {}
    named = [
        group
        for atom in checked.rule.criteria.conditions
        if atom.predicate.options == ("sent_to",)
        for group in atom.values
        if group.lower() in groups
    ]
    return {"group": named[0]} if named else None


def _on_whole_copy(checked: CheckedRule, atoms: Iterable[Atom]) -> About:
    """The first of some conditions of a rule that encrypts that looks at all who share the copy."""
    wide = (
        [atom.predicate.options[0] for atom in atoms if atom.reach is Reach.COPY]
        if checked.rule.enforces(Does.ENCRYPT)
        else []
    )
    return {"option": wide[0]} if wide else None


def _fails_open(checked: CheckedRule) -> About:
    return _finding_if(checked.encrypts and checked.rule.criteria.content and not checked.rule.defers)


def _fails_closed(checked: CheckedRule) -> About:
    return _finding_if(checked.encrypts and checked.rule.criteria.content and checked.rule.defers)


def _missing_branding(checked: CheckedRule) -> About:
    known = checked.facts.encryption.ome_configurations
    if known is None or not checked.rule.actions.does(Does.BRAND):
        return None
    names = {name_key(str(configuration.get("identity"))) for configuration in known}
    missing = [
        str(brand) for brand in checked.rule.actions.does(Does.BRAND).values() if name_key(str(brand)) not in names
    ]
    return {"branding": missing[0]} if missing else None


def _missed_answers(checked: CheckedRule) -> About:
    encrypting = [rule for rule in checked.rules.rules if rule.enforces(Does.ENCRYPT)]
    return missed_answer(checked.rule, encrypting) if checked.rule in encrypting else None


def locking_brand(rule: FlowRule, facts: Facts) -> str:
    """The OME configuration of a rule that encrypts, if it lets people outside in by neither passcode nor social ID; empty if it
    does, or nothing is known about it.
    """
    brands = [name_key(str(brand)) for brand in rule.actions.does(Does.BRAND).values()] or [
        name_key(DEFAULT_OME_CONFIGURATION)
    ]
    configurations = facts.encryption.ome_configurations or ()
    locking = (str(each.get("identity")) for each in configurations if needs_work_account(each))
    return next((name for name in locking if name_key(name) in brands), "")


def _actions_left_undone(checked: CheckedRule) -> About:
    """The actions of a rule that Exchange does not do beside an approval, a block or a redirection."""
    rule = checked.rule
    actions = checked.rule.actions.declared
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
    redirections = [option for option in actions if option in ("redirect_message_to", *to_manager)]
    return (
        {"case": "redirection", "options": added, "beside": redirections[0]}
        if added and redirections and rule.actions.enforced
        else None
    )


def _shows_outside(checked: CheckedRule) -> About:
    """The first person outside to whom a rule shows or sends mail on which it acts, and the number of others."""
    seen_by = [
        disclosure
        for disclosure in disclosures([checked.rule], checked.facts)
        if _is_likely_outside(checked, disclosure.person.address)
    ]
    shown = [("approval" if disclosure.asks else "report", disclosure.person.label) for disclosure in seen_by]
    for what in (Does.ADD, Does.REDIRECT) if checked.rule.actions.enforced else ():
        named = [
            str(person)
            for option, value in checked.rule.actions.does(what).items()
            if option != "add_manager_as_recipient_type"
            for person in value
        ]
        people = [
            person
            for named_person in named
            for person in people_behind(checked.facts, named_person)
            if _is_likely_outside(checked, person.address)
        ]
        shown += [("copy" if what is Does.ADD else "redirection", person.label) for person in people]
    return {"case": shown[0][0], "person": shown[0][1], "others": len(shown) - 1} if shown else None


def _misses_internal_domains(checked: CheckedRule) -> About:
    """The domains to which a rule for people outside does not encrypt mail, because they count as internal."""
    internal = sorted(name for name, counts in (checked.facts.domains.remote or {}).items() if counts)
    criteria = checked.rule.criteria
    scopes = [
        *((atom, "NotInOrganization") for atom in criteria.conditions),
        *((atom, "InOrganization") for atom in criteria.exceptions),
    ]
    outside = any(atom.predicate.options == ("sent_to_scope",) and atom.values == scope for atom, scope in scopes)
    return {"domains": internal} if internal and outside and checked.rule.enforces(Does.ENCRYPT) else None


def _is_likely_outside(checked: CheckedRule, address: str) -> bool:
    """Whether a person is outside, or likely is; false if only a name is known."""
    outside = not is_name(address) and recipient_outside(checked.facts, address)
    return bool(outside if isinstance(outside, bool) else outside.likely)


def _reads_recipients(rule: FlowRule) -> bool:
    """Whether a rule encrypts by who the recipients are."""
    return rule.enforces(Does.ENCRYPT) and rule.looks_at_recipients


def _encrypts_from_outside(checked: CheckedRule) -> About:
    """Whether a rule that encrypts is also, or only, about mail from outside, which no rule encrypts."""
    if not checked.rule.enforces(Does.ENCRYPT):
        return None
    if any(_is_only_for(atom, "NotInOrganization", checked) for atom in checked.rule.criteria.conditions):
        return {"case": "outside"}
    inside = any(_is_only_for(atom, "InOrganization", checked) for atom in checked.rule.criteria.conditions)
    excepted = any(
        atom.predicate.options == ("from_scope",) and atom.values == "NotInOrganization"
        for atom in checked.rule.criteria.exceptions
    )
    return _finding_if(not (inside or excepted))


def _is_only_for(atom: Atom, scope: str, checked: CheckedRule) -> bool:
    """Whether a condition is only about senders in a scope, as far as that is known. People who are named count as inside."""
    option = atom.predicate.options[0]
    if option == "from_scope":
        return bool(atom.values == scope)
    if option == "sender_domain_is" and checked.facts.domains.accepted is not None:
        inside = [value in checked.domains or checked.facts.domains.type_of(value) in INSIDE for value in atom.values]
        if scope == "InOrganization":
            return all(inside)
        # A domain means its subdomains, too.
        others = {
            *checked.domains,
            *(domain.name for domain in checked.facts.domains.accepted if domain.type in INSIDE),
        }
        return not any(inside) and not any(is_below(single, value) for value in atom.values for single in others)
    return scope == "InOrganization" and atom.predicate.looks_at == "sender"


def _is_for_all_mail(checked: CheckedRule) -> bool:
    """Whether a rule that can act has no conditions and exceptions."""
    return (
        not (checked.atoms or checked.rule.criteria.doubts or checked.rule.idle)
        and checked.rule.dates.allow(checked.now) is True
    )


def _unsupported(checked: CheckedRule) -> About:
    doubts = (*checked.rule.criteria.doubts, *checked.rule.actions.surprises)
    return {"reason": doubts[0]} if doubts else None


def _finding_if(is_found: bool) -> About:
    """The empty description of a finding; ``None`` if there is none."""
    return {} if is_found else None


def _has(checked: CheckedRule, option: str, value: str) -> bool:
    """Whether a rule has a condition or an exception with a value."""
    return any(atom.predicate.options == (option,) and atom.values == value for atom in checked.atoms)


#: Kind of finding to its check, which returns what the finding is about; ``None`` if there is no problem.
CHECKS: Mapping[LintKind, Callable[[CheckedRule], About]] = {
    "expired": _expired,
    "expiring": _expiring,
    "inactive_encryption": _idle_encryption,
    "unscoped_encryption": _encrypts_from_outside,
    "retired_action": lambda checked: _finding_if(
        not {"apply_ome", "remove_ome"}.isdisjoint(checked.rule.actions.options)
    ),
    "encrypts_and_decrypts": lambda checked: _finding_if(
        checked.rule.enforces(Does.ENCRYPT) and checked.rule.enforces(Does.DECRYPT)
    ),
    "for_all_mail": lambda checked: _finding_if(_is_for_all_mail(checked)),
    "whole_copy": lambda checked: _on_whole_copy(checked, checked.rule.criteria.conditions),
    "one_frees_all": lambda checked: _on_whole_copy(checked, checked.rule.criteria.exceptions),
    "names_a_group": _groups,
    "fails_open": _fails_open,
    "fails_closed": _fails_closed,
    "branding_missing": _missing_branding,
    "unknown_pattern": _bad_patterns,
    "literal_asterisk": _asterisks,
    "set_of_letters": _letter_sets,
    "value_never_matches": _never_matching,
    "extension_with_dot": _extension_with_dot,
    "no_such_person": _no_such_person,
    "web_domain": _web_domain,
    "subdomains": _subdomains,
    "two_templates": _templates,
    "answers_missed": _missed_answers,
    "prefix_repeats": lambda checked: repeated_prefix(checked.rule),
    "on_premises_scope": lambda checked: _finding_if(
        _has(checked, "sent_to_scope", "ExternalPartner") or _has(checked, "sent_to_scope", "ExternalNonPartner")
    ),
    "envelope_sender": lambda checked: _finding_if(
        any(atom.settings.location == "Envelope" and atom.predicate.of_sender for atom in checked.atoms)
    ),
    "auto_forward": lambda checked: _finding_if(_has(checked, "message_type_matches", "AutoForward")),
    "adds_recipients": lambda checked: _finding_if(
        checked.rule.enforces(Does.ADD, Does.REDIRECT)
        and any(map(_reads_recipients, checked.rules.rules[checked.rule.place + 1 :]))
    ),
    "shows_outside": _shows_outside,
    "internal_domains": _misses_internal_domains,
    "actions_left_undone": _actions_left_undone,
    "dlp_rule": lambda checked: {"idle": checked.rule.idle} if checked.rule.dlp else None,
    "unsupported": _unsupported,
}

#: The checks that also apply to rules that never act: how a rule is written, and why it does not act. All others are about what
#: a rule does to mail.
OF_IDLE_RULES: frozenset[LintKind] = frozenset(
    (
        "expired",
        "inactive_encryption",
        "retired_action",
        "names_a_group",
        "branding_missing",
        "unknown_pattern",
        "literal_asterisk",
        "set_of_letters",
        "value_never_matches",
        "extension_with_dot",
        "no_such_person",
        "web_domain",
        "on_premises_scope",
        "dlp_rule",
        "unsupported",
    )
)
