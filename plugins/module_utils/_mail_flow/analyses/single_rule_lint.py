# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of a single rule: misused options, and what an administrator may not expect. Private to the collection.

A check is a row of :data:`CHECKS`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import directions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import is_below
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.disclosures import showings
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import INSIDE, Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicates import Reach
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import Atom, FlowRule, RuleSet, is_later
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.protection import option_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import LISTS, is_open, keys_of, slots_look_at_sender
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.never import never_matching

#: Conditions that name senders, so that a rule is not for all mail from outside.
_OF_PEOPLE = frozenset(
    (
        *("from", "from_member_of", "sender_domain_is", "from_address_contains_words", "from_address_matches_patterns"),
        *("sender_ad_attribute_contains_words", "sender_ad_attribute_matches_patterns"),
    )
)


@dataclass(frozen=True)
class Look:
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
        return (*self.rule.conditions, *self.rule.exceptions)

    @property
    def encrypts(self) -> bool:
        """Whether its purpose is to encrypt."""
        return bool(self.rule.does(Does.ENCRYPT))

    def date(self, text: str) -> datetime.datetime | None:
        """A date of the rule."""
        try:
            found = datetime.datetime.fromisoformat(text)
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _expired(look: Look) -> str:
    return f"it ended on {look.rule.ends}" if look.rule.ends and not is_later(look.rule.ends, look.now) else ""


def _expiring(look: Look) -> str:
    ends = look.date(look.rule.ends)
    soon = ends is not None and is_later(look.rule.ends, look.now) and ends < look.now + datetime.timedelta(days=30)
    return f"it encrypts, and ends on {look.rule.ends}" if soon and look.encrypts else ""


def _idle_encryption(look: Look) -> str:
    if not look.encrypts:
        return ""
    if look.rule.idle:
        return f"it would encrypt, but never acts: {look.rule.idle}"
    return "" if look.rule.enforced else f"it would encrypt, but is only tried (mode {look.rule.mode})"


def _bad_patterns(look: Look) -> str:
    patterns = [key[1][-2] for atom in look.atoms if atom.predicate.options[0] in LISTS for key in keys_of(atom) if is_open(key)]
    return f"sources disagree about what the pattern {patterns[0]!r} means to Exchange (U18)" if patterns else ""


def _asterisks(look: Look) -> str:
    words = [
        word
        for atom in look.atoms
        if "_contains_" in atom.predicate.options[0] and "attribute" not in atom.predicate.options[0]
        for word in (atom.values[1] if atom.predicate.options[0].startswith("header_") else atom.values)
        if "*" in word
    ]
    return f"the asterisk in {words[0]!r} stands for itself: words have no wildcards" if words else ""


def _never_matching(look: Look) -> str:
    sections = ({atom.predicate.options[0]: atom.values} for atom in look.atoms)
    found = [each for section in sections for each in never_matching(section)]
    return f"{found[0][0]} has {found[0][1]!r}, which matches no mail, since it has no wildcards: write {found[0][2]}" if found else ""


def _subdomains(look: Look) -> str:
    spared = [atom for atom in look.rule.exceptions if atom.predicate.options == ("recipient_domain_is",)]
    opened = [atom for atom in look.rule.conditions if atom.predicate.options == ("recipient_domain_is",)]
    if spared and _acts(look.rule, Does.ENCRYPT):
        return f"its exception for {spared[0].values[0]} also leaves mail to all subdomains unencrypted"
    return f"it also decrypts mail to all subdomains of {opened[0].values[0]}" if opened and _acts(look.rule, Does.DECRYPT) else ""


def _templates(look: Look) -> str:
    asked = sorted(templates_of(look.rule).values())
    return f"it applies {' and '.join(asked)}: which one mail gets is not documented (U01)" if len(asked) > 1 else ""


def templates_of(rule: FlowRule) -> dict[str, str]:
    """The options of protection that a rule applies, by what makes two the same."""
    return {name_key(option_name(template)): option_name(template) for template in rule.templates}


def _groups(look: Look) -> str:
    groups = look.facts.groups or {}
    named = [each for atom in look.rule.conditions if atom.predicate.options == ("sent_to",) for each in atom.values if each.lower() in groups]
    return f"sent_to names the group {named[0]}, and matches none of its members: use sent_to_member_of or any_of_to_header" if named else ""


def _of_the_copy(look: Look, atoms: Iterable[Atom]) -> str:
    """The first condition of an encrypting rule that looks at all who share the copy."""
    wide = [atom.predicate.options[0] for atom in atoms if atom.reach is Reach.COPY] if _acts(look.rule, Does.ENCRYPT) else []
    return wide[0] if wide else ""


def _widely(look: Look) -> str:
    option = _of_the_copy(look, look.rule.conditions)
    return f"{option} protects everyone who shares the copy, and depends on how earlier rules split it" if option else ""


def _freeing(look: Look) -> str:
    option = _of_the_copy(look, look.rule.exceptions)
    return f"the exception {option} removes protection for everyone who shares the copy" if option else ""


def _fails_open(look: Look) -> str:
    odd = look.encrypts and look.rule.content and not look.rule.defers
    return "if Exchange cannot finish inspecting the content, it ignores the rule: set rule_error_action to Defer" if odd else ""


def _fails_closed(look: Look) -> str:
    odd = look.encrypts and look.rule.content and look.rule.defers
    return "if Exchange cannot finish inspecting the content, it defers the message, and may return it to the sender (554 5.6.0)" if odd else ""


def _branding(look: Look) -> str:
    brands = look.rule.does(Does.BRAND)
    others = any(rule.does(Does.ENCRYPT) for rule in look.rules.rules if not rule.idle)
    return "it sets a branding, but no rule encrypts: only mail that people protect themselves shows it" if brands and not look.encrypts and not others else ""


def _unconfigured(look: Look) -> str:
    known = look.facts.ome_configurations
    if known is None or not look.rule.does(Does.BRAND):
        return ""
    names = {name_key(str(each.get("identity"))) for each in known}
    missing = [str(brand) for brand in look.rule.does(Does.BRAND).values() if name_key(str(brand)) not in names]
    text = "which is not an OME configuration of the organization: only Advanced Message Encryption allows more than the default one"
    return f"it sets the branding {missing[0]}, {text}" if missing else ""


def _undone(look: Look) -> str:
    """What a rule is told beside an approval, a block or a redirection, and does not do."""
    rule, told = look.rule, look.rule.told
    if rule.stops_approved and not rule.left_undone:
        return "it asks for an approval: whether it then stops the later rules is not documented"
    if rule.left_undone:
        when = ", if the sender has a manager," if rule.by_manager else ""
        return f"it asks for an approval{when} and then takes no further action: Exchange ignores its {', '.join(rule.left_undone)}"
    to_manager = ("add_manager_as_recipient_type",) if rule.redirects_to_manager else ()
    added = [option for option in rule.does(Does.ADD) if option not in to_manager]
    blocks = [option for what in (Does.DELETE, Does.REJECT, Does.QUARANTINE) for option in rule.does(what)]
    idle = [*added, *(["prepend_subject"] if "prepend_subject" in told and not rule.does(Does.QUARANTINE) else [])]
    if idle and blocks and rule.enforced:
        return f"its {', '.join(idle)} has no effect beside {blocks[0]}: that takes two rules, the second of which has {blocks[0]}"
    away = [option for option in told if option in ("redirect_message_to", *to_manager)]
    return f"whether its {', '.join(added)} does anything beside {away[0]} is not documented" if added and away and rule.enforced else ""


def _shows_outside(look: Look) -> str:
    """To whom outside a rule shows mail that it acts on, or sends it."""
    seen_by = [each for each in showings([look.rule], look.facts) if _outside(look, each.person.address)]
    shown = [f"it {'asks for approvals:' if each.asks else 'sends incident reports with the original mail to'} {each.person.label}" for each in seen_by]
    ways = {Does.ADD: "copies mail to", Does.REDIRECT: "redirects mail to"}
    for what, way in ways.items() if look.rule.enforced else ():
        named = [str(each) for option, value in look.rule.does(what).items() if option != "add_manager_as_recipient_type" for each in value]
        people = [person for each in named for person in look.facts.brought(each) if _outside(look, person.address)]
        shown += [f"it {way} {person.label}" for person in people]
    more = f", and the same holds for {len(shown) - 1} others" if len(shown) > 1 else ""
    return f"{shown[0]}, who is outside{more}" if shown else ""


def _spares_internal(look: Look) -> str:
    """To which domains outside a rule that encrypts mail to people outside does not, since they count as internal."""
    internal = sorted(name for name, counts in (look.facts.remote_domains or {}).items() if counts)
    outside = any(atom.predicate.options == ("sent_to_scope",) and atom.values == "NotInOrganization" for atom in look.rule.conditions)
    return f"it does not encrypt mail to {', '.join(internal)}: a remote domain makes people there internal" if internal and outside and look.encrypts else ""


def _outside(look: Look, address: str) -> bool:
    """Whether somebody is outside, or likely is."""
    found = directions.recipient_outside(look.facts, address)
    return bool(found if isinstance(found, bool) else found.likely)


def _acts(rule: FlowRule, what: Does) -> bool:
    return bool(rule.does(what)) and rule.enforced and not rule.idle


def _reads_recipients(rule: FlowRule) -> bool:
    """Whether a rule encrypts by who the recipients are."""
    return _acts(rule, Does.ENCRYPT) and rule.looks_at_recipients


def _unscoped(look: Look) -> str:
    """Why a rule is for mail that no rule encrypts: that from outside."""
    if not _acts(look.rule, Does.ENCRYPT):
        return ""
    if any(_keeps_to(atom, "NotInOrganization", look) for atom in look.rule.conditions):
        return "it encrypts only mail from outside, which rules do not encrypt"
    inside = any(_keeps_to(atom, "InOrganization", look) for atom in look.rule.conditions)
    spared = any(atom.predicate.options == ("from_scope",) and atom.values == "NotInOrganization" for atom in look.rule.exceptions)
    missing = "it encrypts without a condition that limits its senders to people inside, but rules do not encrypt mail from outside"
    return "" if inside or spared else missing


def _keeps_to(atom: Atom, scope: str, look: Look) -> bool:
    """Whether a condition is for senders in a scope alone, as far as that is known. People who are named are taken for people inside."""
    option = atom.predicate.options[0]
    if option == "from_scope":
        return bool(atom.values == scope)
    if option == "sender_domain_is" and look.facts.accepted_domains is not None:
        inside = [value in look.domains or look.facts.domain_type(value) in INSIDE for value in atom.values]
        if scope == "InOrganization":
            return all(inside)
        # A domain means its subdomains, too.
        others = {*look.domains, *(each.name for each in look.facts.accepted_domains if each.type in INSIDE)}
        return not any(inside) and not any(is_below(each, value) for value in atom.values for each in others)
    return scope == "InOrganization" and option in _OF_PEOPLE


def _takes_all(look: Look) -> bool:
    """Whether nothing keeps the rule from any mail."""
    return not (look.atoms or look.rule.doubts or look.rule.idle) and look.rule.in_window(Message("", "", "", date=look.now)) is True


#: Kind of finding to its check, which returns the reason; empty if there is no problem.
CHECKS: Mapping[str, Callable[[Look], str]] = {
    "expired": _expired,
    "expiring": _expiring,
    "inactive_encryption": _idle_encryption,
    "unscoped_encryption": _unscoped,
    "retired_action": lambda look: (
        "apply_ome and remove_ome are retired: use apply_rights_protection_template and remove_ome_v2"
        if {"apply_ome", "remove_ome"} & set(look.rule.actions)
        else ""
    ),
    "encrypts_and_decrypts": lambda look: (
        "it encrypts and decrypts, and the order is not guaranteed (U02)" if look.encrypts and look.rule.does(Does.DECRYPT) else ""
    ),
    "for_all_mail": lambda look: "it has no condition, so it applies to all mail, incoming and outgoing" if _takes_all(look) else "",
    "whole_copy": _widely,
    "one_frees_all": _freeing,
    "names_a_group": _groups,
    "fails_open": _fails_open,
    "fails_closed": _fails_closed,
    "branding_alone": _branding,
    "branding_missing": _unconfigured,
    "unknown_pattern": _bad_patterns,
    "literal_asterisk": _asterisks,
    "value_never_matches": _never_matching,
    "subdomains": _subdomains,
    "two_templates": _templates,
    "on_premises_scope": lambda look: (
        "the scopes ExternalPartner and ExternalNonPartner exist only on-premises"
        if any(atom.predicate.options == ("sent_to_scope",) and atom.values.startswith("External") for atom in look.atoms)
        else ""
    ),
    "envelope_sender": lambda look: (
        "it checks the envelope's sender, which is empty for automatic replies"
        if any(atom.settings.location == "Envelope" and slots_look_at_sender(atom) for atom in look.atoms)
        else ""
    ),
    "auto_forward": lambda look: (
        "AutoForward matches mail that an Inbox rule forwards, but not mail that a mailbox setting forwards"
        if any(atom.predicate.options == ("message_type_matches",) and atom.values == "AutoForward" for atom in look.atoms)
        else ""
    ),
    "adds_recipients": lambda look: (
        "whether later rules apply to the recipients that it adds, or redirects mail to, is not documented (U09)"
        if (_acts(look.rule, Does.ADD) or _acts(look.rule, Does.REDIRECT))
        and any(_reads_recipients(later) for later in look.rules.rules[look.rule.place + 1 :])
        else ""
    ),
    "shows_outside": _shows_outside,
    "internal_domains": _spares_internal,
    "actions_left_undone": _undone,
    "dlp_rule": lambda look: f"it does nothing: {look.rule.idle}" if look.rule.dlp else "",
    "unsupported": lambda look: next((each.text.replace(f"the rule {look.rule.name!r}", "it", 1) for each in (*look.rule.doubts, *look.rule.surprises)), ""),
}

#: The checks of how a rule is written, and why it does not act. The others say what it does to mail, which a rule that never acts does not.
OF_IDLE_RULES = frozenset(
    (
        *("expired", "inactive_encryption", "retired_action", "names_a_group", "branding_missing", "unknown_pattern", "literal_asterisk"),
        "value_never_matches",
        *("on_premises_scope", "dlp_rule", "unsupported"),
    )
)
