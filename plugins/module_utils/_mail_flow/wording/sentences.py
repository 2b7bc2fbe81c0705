# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes a difference in one sentence: which mail it is, what happens to it now, and which rule is the cause. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.comparison import BECOMES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import Finding, Later
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_changes import Dated, Edit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_version_delta import NOTHING, Apart
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import is_below
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import Atom, FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import looks_at_written, slots_look_at_sender

#: How mail arrives protected.
_ARRIVES = {
    "own": "that arrives protected by the organization's own keys",
    "other": "that arrives protected by another organization's keys",
    "smime": "that arrives encrypted with S/MIME",
    "smime_signed": "that arrives with an S/MIME signature",
}

#: The maximum number of a condition's values that a sentence lists.
_WRITTEN = 3


def listed(values: Sequence[Any], mark: str = "", joint: str = "or", most: int = _WRITTEN) -> str:
    """The first values in a row, with how many more there are."""
    shown, more = [f"{mark}{value}{mark}" for value in values[:most]], len(values) - most
    if more > 0:
        shown.append(f"{more} other{'s' if more > 1 else ''}")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joint} {shown[-1]}" if shown else ""


@dataclass(frozen=True)
class Phrase:
    """The words for a condition.

    :param place: its position in a sentence, from the sender to the message.
    :param form: its words, with a placeholder ``{}`` for a list of values, and ``<>`` for what is not a list.
    :param mark: the quotation mark around each value.
    :param forms: the words by what is not a list, instead of :param:`form` where it is one of these.
    """

    place: int
    form: str = ""
    mark: str = "'"
    forms: Mapping[str, str] = field(default_factory=dict)

    @property
    def depends(self) -> bool:
        """Whether the words depend on what is not a list."""
        return bool(self.forms) or "<>" in self.form

    def said(self, about: str, lists: Sequence[Sequence[Any]]) -> str:
        """The phrase for lists of values. One value of each list is true.

        :param about: what is not a list.
        """
        before, placeholder, after = self.forms.get(about, self.form).partition("{}")
        found = [part.replace("<>", about) for part in (before, after)]
        return (_joined(lists, self.mark) if placeholder else "").join(found)


def _joined(lists: Sequence[Sequence[Any]], mark: str) -> str:
    joint = ", and " if any(len(values) > 1 for values in lists) else " and "
    return joint.join(listed(values, mark) for values in lists)


#: Option to its position in a sentence and its words.
PHRASES: Mapping[str, Phrase] = {
    "from": Phrase(0, "from {}", ""),
    "from_scope": Phrase(0, "with the scope <>", forms={"InOrganization": "from inside", "NotInOrganization": "from outside"}),
    "between_member_of_1": Phrase(0, "between members of <>"),
    "sender_in_recipient_list": Phrase(0, "from people in a list {} of the recipient"),
    "sender_domain_is": Phrase(1, "from {}", ""),
    "from_member_of": Phrase(1, "from members of {}", ""),
    "from_address_contains_words": Phrase(1, "from addresses with {}"),
    "from_address_matches_patterns": Phrase(1, "from addresses that match {}"),
    "sender_ad_attribute_contains_words": Phrase(1, "from people with {}"),
    "sender_ad_attribute_matches_patterns": Phrase(1, "from people with {}"),
    "sender_ip_ranges": Phrase(1, "from the IP addresses {}", ""),
    "sent_to": Phrase(2, "to {}", ""),
    "sent_to_scope": Phrase(2, "with the scope <>", forms={"InOrganization": "to people inside", "NotInOrganization": "to people outside"}),
    "manager_for_evaluated_user": Phrase(2, "to people whose manager is {}", "", {"Sender": "from people whose manager is {}"}),
    "sender_management_relationship": Phrase(2, "to people whose manager is the sender", forms={"DirectReport": "to the sender's manager"}),
    "ad_comparison_attribute": Phrase(2, "<>"),
    "recipient_in_sender_list": Phrase(2, "to people in a list {} of the sender"),
    "recipient_domain_is": Phrase(3, "to {}", ""),
    "sent_to_member_of": Phrase(3, "to members of {}", ""),
    "recipient_address_contains_words": Phrase(3, "to addresses with {}"),
    "recipient_address_matches_patterns": Phrase(3, "to addresses that match {}"),
    "recipient_ad_attribute_contains_words": Phrase(3, "to people with {}"),
    "recipient_ad_attribute_matches_patterns": Phrase(3, "to people with {}"),
    "any_of_recipient_address_contains_words": Phrase(4, "with a recipient whose address has {}"),
    "any_of_recipient_address_matches_patterns": Phrase(4, "with a recipient whose address matches {}"),
    "any_of_to_header": Phrase(4, "with {} in its To field", ""),
    "any_of_cc_header": Phrase(4, "with {} in its Cc field", ""),
    "any_of_to_cc_header": Phrase(4, "with {} in its To or Cc field", ""),
    "any_of_to_header_member_of": Phrase(4, "with a member of {} in its To field", ""),
    "any_of_cc_header_member_of": Phrase(4, "with a member of {} in its Cc field", ""),
    "any_of_to_cc_header_member_of": Phrase(4, "with a member of {} in its To or Cc field", ""),
    "header_contains_message_header": Phrase(6, "with the header <> with {}"),
    "header_matches_message_header": Phrase(6, "with the header <> that matches {}"),
    "subject_contains_words": Phrase(5, "with {} in its subject"),
    "subject_matches_patterns": Phrase(5, "with a subject that matches {}"),
    "subject_or_body_contains_words": Phrase(5, "with {} in its subject or text"),
    "subject_or_body_matches_patterns": Phrase(5, "with a subject or text that matches {}"),
    "attachment_contains_words": Phrase(6, "with {} in an attachment"),
    "attachment_matches_patterns": Phrase(6, "with an attachment that matches {}"),
    "attachment_name_matches_patterns": Phrase(6, "with an attachment whose name matches {}"),
    "attachment_extension_matches_words": Phrase(6, "with an attachment of type {}", ""),
    "attachment_size_over": Phrase(6, "with an attachment over {}", ""),
    "attachment_property_contains_words": Phrase(6, "with an attachment with {}"),
    "attachment_has_executable_content": Phrase(6, "with an executable attachment"),
    "attachment_is_password_protected": Phrase(6, "with an attachment that a password protects"),
    "attachment_is_unsupported": Phrase(6, "with an attachment that Exchange cannot look into"),
    "attachment_processing_limit_exceeded": Phrase(6, "with an attachment that Exchange cannot finish looking into"),
    "message_size_over": Phrase(7, "over {}", ""),
    "message_type_matches": Phrase(7, "of the type {}", ""),
    "with_importance": Phrase(7, "of {} importance", ""),
    "has_classification": Phrase(7, "with the classification {}", ""),
    "has_no_classification": Phrase(7, "without a classification", forms={"False": "where has_no_classification is false (which is not documented, U15)"}),
    "scl_over": Phrase(7, "with a spam level of {} or more", ""),
    "content_character_set_contains_words": Phrase(7, "with the character set {}", ""),
}


def _of(atoms: Sequence[Atom]) -> tuple[int, str]:
    """Conditions with the same options as a part of a sentence, and its position."""
    option = atoms[0].predicate.options[0]
    about, lists = _about(atoms[0])[0], _met(option, [_about(atom)[1] for atom in atoms])
    known = PHRASES[option]
    return known.place, known.said(about, lists) + _which(atoms[0])


def _which(atom: Atom) -> str:
    """Which address a condition looks at, unless it is the one that most do."""
    if looks_at_written(atom):
        return " (as written)"
    return _LOCATIONS.get(atom.settings.location, "") if slots_look_at_sender(atom) else ""


_LOCATIONS = {"Envelope": " (in the envelope)", "HeaderOrEnvelope": " (in the header or the envelope)"}


def _about(atom: Atom) -> tuple[str, list[Any]]:
    """What a condition is about that is no list of values, and such a list."""
    option, values = atom.predicate.options[0], atom.values
    if option in _LISTS_OF:
        return str(values[0]), list(values[1])
    if option == "between_member_of_1":
        return " and members of ".join(listed(each) for each in values), []
    if option == "ad_comparison_attribute":
        name, operator = values
        return (f"to people with the sender's {name}" if operator == "Equal" else f"to people with another {name} than the sender's"), []
    return ("", list(values)) if isinstance(values, (tuple, list)) else (str(values), [values])


#: Options whose list of values belongs to what their condition names first.
_LISTS_OF = frozenset(("header_contains_message_header", "header_matches_message_header", "manager_for_evaluated_user"))


#: Options of which only one value can be true of a message.
_SOLE = frozenset(("from", "sent_to"))
#: Options whose values include everything below them.
_NESTED = frozenset(("sender_domain_is", "recipient_domain_is"))


def _met(option: str, lists: list[list[Any]]) -> list[list[Any]]:
    """Lists of values, one of each being true, without what the other lists already say."""
    if option in _SOLE:
        both = [value for value in lists[0] if all(value in values for values in lists)]
        return [both] if both else lists
    if option in _NESTED:
        whole = lists[0]
        for values in lists[1:]:
            deeper = [one if is_below(one, other) else other for one in whole for other in values if is_below(one, other) or is_below(other, one)]
            whole = list(dict.fromkeys(deeper))
        return [whole] if whole else lists
    found: list[list[Any]] = []
    for values in sorted(lists, key=len):
        if not any(set(known) <= set(values) for known in found):
            found.append(values)
    return found


def mail_of(rules: Sequence[FlowRule], why: Apart = NOTHING, *, every: bool, arrives: str = "") -> str:
    """The mail that meets the conditions of all these rules, with each condition once.

    :param why: one of these is true of it, too.
    :param arrives: how it arrives protected, as the model has it; empty where that does not matter.
    """
    parts = [*_parts([atom for rule in rules for atom in rule.conditions]), *([_ARRIVES[arrives]] if arrives else [])]
    mail = " ".join(["All mail" if every else "Mail", *parts])
    if why.met:
        reasons = [*(_of([atom])[1] for atom in why.met), *(f"not {_of([atom])[1]}" for atom in why.unmet)]
        return f"{mail}, either {', '.join(reasons[:-1])} or {reasons[-1]},"
    return f"{mail}, except mail {' '.join(_parts(why.unmet))}," if why else mail


#: What a guarantee says of mail: of any protection, and of a template.
_CLAIMS = {
    "encrypted": ("all {mail} is delivered encrypted", "all {mail} is delivered with {template}"),
    "not_in_clear": ("no {mail} is delivered in clear", "no {mail} is delivered without {template}"),
    "portal": ("no {mail} is delivered in clear, and people outside are led to the portal",) * 2,
    "unencrypted": ("all {mail} is delivered, and no rule encrypts it",) * 2,
}


def claimed(rule: FlowRule, then: str, template: str = "") -> str:
    """What a guarantee says, as a clause: ``no mail from inside to people outside is delivered in clear``.

    :param rule: the mail that it is about, as a rule's conditions and exceptions.
    """
    mail = " ".join(["mail", *_parts(rule.conditions)])
    unless = " or ".join(_of([atom])[1] for atom in rule.exceptions)
    return _CLAIMS[then][bool(template)].format(mail=f"{mail}, except mail {unless}," if unless else mail, template=f"'{template}'")


def _parts(atoms: Iterable[Atom]) -> list[str]:
    """The words for conditions, from the sender to the message."""
    groups: dict[tuple[Any, ...], list[Atom]] = {}
    for atom in atoms:
        options = atom.predicate.options
        about = _about(atom)[0].lower() if PHRASES[options[0]].depends else ""
        groups.setdefault((*options, about, _which(atom)), []).append(atom)
    found: list[str] = []
    said = [(*_of(same), same[0].predicate.options[0]) for same in groups.values()]
    for _place, text, option in sorted(said, key=lambda each: each[0]):
        before = found[-1] if found else ""
        again = text.startswith("with ") and before.startswith(("with ", "and with "))
        preposition, _space, domains = text.partition(" ")
        if option in _NESTED and before.startswith(f"{preposition} ") and before.endswith((" inside", " outside")):
            text = f"at {domains}"
        found.append(f"and {text}" if again else text)
    return found


def says_all(rules: Sequence[FlowRule]) -> bool:
    """Whether :func:`section_of` says all that conditions of these rules say."""
    if any(slots_look_at_sender(atom) and atom.settings.location != "Header" for rule in rules for atom in rule.conditions):
        return False
    given = {(option, atom.values) for rule in rules for atom in rule.conditions for option in atom.predicate.options}
    return len(given) == len({option for option, _values in given})


def section_of(rules: Sequence[FlowRule]) -> dict[str, Any]:
    """The same in the form of a rule's conditions. If two rules have different values for a condition, the first rule's values."""
    found: dict[str, Any] = {}
    for rule in rules:
        for atom in rule.conditions:
            options, values = atom.predicate.options, atom.values
            given = values if len(options) > 1 else (values,)
            for option, value in zip(options, given, strict=True):
                found.setdefault(option, list(value) if isinstance(value, tuple) else value)
    return found


_OPTIONS = {"encrypt": "Encrypt", "do_not_forward": "Do Not Forward", "smime": "S/MIME"}

#: Fate to what happens to mail now, and what happened to it before.
_FATES = {
    "rejected": ("is rejected", "was rejected"),
    "deleted": ("is deleted", "was deleted"),
    "quarantined": ("goes into quarantine", "went into quarantine"),
    "redirected": ("is redirected", "was redirected"),
    "moderated": ("waits for approval", "waited for approval"),
}

_REACHES = {"delivery_lost": "no longer reaches", "delivery_gained": "now reaches"}


def becomes(kind: str, sides: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}), person: str = "", *, approved: bool = False) -> str:
    """What happens to it now.

    :param sides: the results before and now, if they are the same for all the mail in question.
    :param person: whose copy it is, if rules add them.
    :param approved: whether it happens after an approval for which the mail waits anyway.
    """
    plain = f"{BECOMES[kind]}{' once it is approved' if approved else ''}"
    if person:
        return f"{_REACHES.get(kind) or f'{_becomes(kind, plain, *sides)} for'} {person}"
    return _becomes(kind, plain, *sides)


def _becomes(kind: str, plain: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if not before or not after:
        return plain
    if kind in ("delivery_lost", "fate_changed") and after["fate"] in _FATES:
        now = _FATES[after["fate"]][0]
        return f"{plain}: it {now}" if kind == "delivery_lost" else f"now {now}"
    if kind == "delivery_gained" and before["fate"] in _FATES:
        # The protection may differ between messages: mail that arrives protected stays protected.
        return f"{plain}: before, it {_FATES[before['fate']][1]}"
    if kind == "protection_changed":
        return f"is now protected with {_option(after)} instead of {_option(before)}"
    if kind == "branding_changed":
        one, other = (str(side.get("branding", "")) for side in (before, after))
        shown = f"now shows the branding {other!r}" if other else "no longer shows a branding"
        return f"{shown}{f' instead of {one!r}' if one and other else ''}"
    return plain


def _option(side: Mapping[str, Any]) -> str:
    protection = str(side["protection"])
    return _OPTIONS.get(protection, protection.removeprefix("template:"))


#: What keeps mail that is named from being treated so.
_LIMITS = {
    "another": ", unless another rule applies to it",
    "exception": ", unless an exception applies to it",
    "outside": ", unless it comes from outside",
    "protected": ", unless it arrives protected",
}


def sentence(finding: Finding) -> str:
    """What is told of a class of mail."""
    mail = mail_of(finding.about, finding.why, every=finding.whole, arrives=finding.arrives)
    now = becomes(finding.kind, finding.stages, finding.person, approved=finding.approved)
    why = because(finding.edit, finding.acted, finding.later, finding.settings)
    return f"{mail} {now}{_LIMITS.get(finding.limit, '')}: {why}."


def because(edit: Edit | None, acted: tuple[bool, bool], later: Later | None = None, settings: Mapping[str, Any] | None = None) -> str:
    """Which rule is the cause.

    :param edit: the first edit that the message meets; ``None`` if no edited rule acts differently.
    :param acted: whether its rule acted before, and whether it acts now.
    :param later: a later rule that no longer acts, or newly acts.
    :param settings: the changed settings with their values.
    """
    then = f"; '{later.name}' {'now' if later.acts else 'no longer'} applies to it" if later and later.name else ""
    if edit is None and settings:
        return f"because of {' and '.join(f'{name}: {_setting(value)}' for name, value in settings.items())}{then}"
    if edit is None:
        return f"because an edited rule splits the message differently{then}"
    rule, place = edit.rule, f"priority {edit.rule.place}"
    named = f"rule '{rule.name}' ({edit.how}{'' if edit.how == 'removed' else f', {place}'})"
    was, now = acted
    quoted = f"'{later.name}'" if later and later.name else "other rules"
    if now and rule.is_final and later and later.stays and not later.acts:
        return f"{named} stops before {quoted}"
    if edit.how == "removed":
        return f"{named} applied to it{then}"
    if was and now:
        return f"{named} {_differently(edit)}{then}"
    return f"{named} {'now' if now else 'no longer'} applies to it{then}"


def _setting(value: Any) -> str:
    return "unknown" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _differently(edit: Edit) -> str:
    """What is different about a rule that acts on the same mail."""
    if edit.before is None or edit.after is None or edit.how == "moved":
        return "is now at another position"
    if edit.before.enforced is not edit.after.enforced:
        return "is now enforced" if edit.after.enforced else f"is now only tried (mode {edit.after.mode})"
    return "now treats it differently"


#: How a date counts, to the words before it.
_DATED = {"new": "", "gone": "no longer ", "other": "is no longer the same when it ", "meets": "meets other rules or settings when it "}


def dated(dates: Sequence[Dated]) -> str:
    """What dates of a rule change."""
    found: list[str] = []
    for place, each in enumerate(dates):
        again = place and each.how in ("other", "meets") and dates[place - 1].how == each.how
        found.append(f"{'' if again else _DATED[each.how]}{each.verb} on {each.date}")
    return " and ".join(found)


#: Sort of what a rule does beside to what happens to mail, where it newly does, and where it no longer does.
_BESIDE = {
    "report": ("is now reported to {}", "is no longer reported to {}"),
    "original": ("is now reported to {} with the original mail", "is no longer reported to {} with the original mail"),
    "notification": ("now brings its recipients a notification", "no longer brings its recipients a notification"),
    "approval": ("is now shown to {} for approval", "is no longer shown to {} for approval"),
    "connector": ("now leaves through the connector '{}'", "no longer leaves through the connector '{}'"),
    "tls": ("now leaves by TLS only", "no longer has to leave by TLS"),
}


def side_effects_said(effects: Sequence[tuple[str, str]], *, now: bool) -> str:
    """What rules newly do with mail beside protecting and delivering it, or no longer do.

    :param effects: sort and name of each.
    """
    return " and ".join(_filled(_BESIDE[sort][not now], name) for sort, name in effects)


def _filled(form: str, name: str) -> str:
    before, mark, after = form.partition("{}")
    return f"{before}{name if mark else ''}{after}"


#: Kind to what may become of mail where that is not known.
_MAY_BECOME = {
    "protection_lost": "may no longer be encrypted",
    "delivery_lost": "may no longer be delivered",
    "protection_gained": "may now be encrypted",
    "delivery_gained": "may now be delivered",
}


def may_become(kind: str, person: str = "") -> str:
    """What may become of mail where that is not known.

    :param kind: the kind of difference that may be; ``unknown`` where it may be one or another.
    :param person: whose copy it is, if rules add them.
    """
    plain = _MAY_BECOME.get(kind, BECOMES["unknown"])
    if not person:
        return plain
    reaches = {"delivery_lost": "may no longer reach", "delivery_gained": "may now reach"}.get(kind)
    return f"{reaches or f'{plain} for'} {person}"
