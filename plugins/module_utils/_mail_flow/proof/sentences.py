# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A difference in one sentence: which mail, what becomes of it now, and because of which rule. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.edits import Edit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import Atom, FlowRule

#: So many values of a condition are written out.
_WRITTEN = 3


def _listed(values: Sequence[Any], mark: str = "", joint: str = "or") -> str:
    shown = [f"{mark}{value}{mark}" for value in values[:_WRITTEN]]
    if len(values) > _WRITTEN:
        shown.append(f"{len(values) - _WRITTEN} others")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joint} {shown[-1]}" if shown else ""


def _scope(inside: str, outside: str) -> Callable[[Any], str]:
    return lambda value: inside if value == "InOrganization" else outside if value == "NotInOrganization" else f"with the scope {value}"


def _with(form: str, mark: str = "'") -> Callable[[Any], str]:
    return lambda values: form.format(_listed(list(values) if isinstance(values, (tuple, list)) else [values], mark))


#: Option to the order in which it is said, and its words.
PHRASES: Mapping[str, tuple[int, Callable[[Any], str]]] = {
    "from": (0, _with("from {}", "")),
    "from_scope": (0, _scope("from inside", "from outside")),
    "sender_domain_is": (1, _with("from {}", "")),
    "from_member_of": (1, _with("from members of {}", "")),
    "from_address_contains_words": (1, _with("from addresses with {}")),
    "from_address_matches_patterns": (1, _with("from addresses that match {}")),
    "sender_ad_attribute_contains_words": (1, _with("from people with {}")),
    "sender_ad_attribute_matches_patterns": (1, _with("from people with {}")),
    "sender_ip_ranges": (1, _with("from the IP addresses {}", "")),
    "sent_to": (2, _with("to {}", "")),
    "sent_to_scope": (2, _scope("to people inside", "to people outside")),
    "recipient_domain_is": (3, _with("to {}", "")),
    "sent_to_member_of": (3, _with("to members of {}", "")),
    "recipient_address_contains_words": (3, _with("to addresses with {}")),
    "recipient_address_matches_patterns": (3, _with("to addresses that match {}")),
    "recipient_ad_attribute_contains_words": (3, _with("to people with {}")),
    "recipient_ad_attribute_matches_patterns": (3, _with("to people with {}")),
    "any_of_recipient_address_contains_words": (4, _with("with a recipient whose address has {}")),
    "any_of_recipient_address_matches_patterns": (4, _with("with a recipient whose address matches {}")),
    "any_of_to_header": (4, _with("with {} in its To field", "")),
    "any_of_cc_header": (4, _with("with {} in its Cc field", "")),
    "any_of_to_cc_header": (4, _with("with {} in its To or Cc field", "")),
    "any_of_to_header_member_of": (4, _with("with a member of {} in its To field", "")),
    "any_of_cc_header_member_of": (4, _with("with a member of {} in its Cc field", "")),
    "any_of_to_cc_header_member_of": (4, _with("with a member of {} in its To or Cc field", "")),
    "subject_contains_words": (5, _with("with {} in its subject")),
    "subject_matches_patterns": (5, _with("with a subject that matches {}")),
    "subject_or_body_contains_words": (5, _with("with {} in its subject or text")),
    "subject_or_body_matches_patterns": (5, _with("with a subject or text that matches {}")),
    "attachment_contains_words": (6, _with("with {} in an attachment")),
    "attachment_matches_patterns": (6, _with("with an attachment that matches {}")),
    "attachment_name_matches_patterns": (6, _with("with an attachment whose name matches {}")),
    "attachment_extension_matches_words": (6, _with("with an attachment of type {}", "")),
    "attachment_size_over": (6, _with("with an attachment over {}", "")),
    "attachment_property_contains_words": (6, _with("with an attachment with {}")),
    "attachment_has_executable_content": (6, lambda value: "with an executable attachment"),
    "attachment_is_password_protected": (6, lambda value: "with an attachment that a password protects"),
    "attachment_is_unsupported": (6, lambda value: "with an attachment that Exchange cannot look into"),
    "attachment_processing_limit_exceeded": (6, lambda value: "with an attachment that Exchange cannot finish looking into"),
    "message_size_over": (7, _with("over {}", "")),
    "message_type_matches": (7, _with("of the type {}", "")),
    "with_importance": (7, _with("of {} importance", "")),
    "has_classification": (7, _with("with the classification {}", "")),
    "has_no_classification": (7, lambda value: "without a classification"),
    "scl_over": (7, _with("with a spam level of {} or more", "")),
    "content_character_set_contains_words": (7, _with("with the character set {}", "")),
}


def phrase(atom: Atom) -> tuple[int, str]:
    """A condition as a part of a sentence, and where it stands there."""
    option, values = atom.predicate.options[0], atom.values
    if option.startswith("header_"):
        verb = "with" if option.startswith("header_contains") else "that matches"
        return 6, f"with the header {values[0]} {verb} {_listed(values[1], chr(39))}"
    known = PHRASES.get(option)
    if known is None:
        return 8, f"where {' and '.join(atom.predicate.options)} holds"
    return known[0], known[1](values)


def mail_of(rules: Sequence[FlowRule], *, every: bool) -> str:
    """Which mail: what these rules' conditions have in common, each once."""
    phrases = dict.fromkeys(phrase(atom) for rule in rules for atom in rule.conditions)
    words = " ".join(text for _place, text in sorted(phrases, key=lambda each: each[0]))
    return f"{'All mail' if every else 'Mail'}{' ' if words else ''}{words}"


def section_of(rules: Sequence[FlowRule]) -> dict[str, Any]:
    """The same as a section like a rule's conditions. Where two rules have a condition with other values, the first one's."""
    found: dict[str, Any] = {}
    for rule in rules:
        for atom in rule.conditions:
            options, values = atom.predicate.options, atom.values
            given = values if len(options) > 1 else (values,)
            for option, value in zip(options, given, strict=True):
                found.setdefault(option, list(value) if isinstance(value, tuple) else value)
    return found


_KEPT = {"none": "in clear", "encrypt": "encrypted", "do_not_forward": "with Do Not Forward", "smime": "with S/MIME"}

_FATES = {
    "rejected": "is rejected",
    "deleted": "is deleted",
    "quarantined": "goes into quarantine",
    "redirected": "is sent to somebody else",
    "moderated": "waits for an approval",
    "delivered": "is delivered",
    "unknown": "has an unknown fate",
}


def protection_name(protection: str) -> str:
    """How a copy is protected, as a part of a sentence."""
    if protection.startswith("template:"):
        return f"with {protection.removeprefix('template:')}"
    return _KEPT.get(protection, "protected in a way that is not known")


def becomes(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What becomes of it now."""
    old, new = str(before.get("protection", "none")), str(after.get("protection", "none"))
    if kind == "protection_lost":
        return "is no longer encrypted" if old in ("encrypt", "none") else "is no longer protected"
    if kind == "protection_gained":
        return "is now encrypted" if new in ("encrypt", "none") else "is now protected"
    if kind == "delivery_lost":
        return f"is no longer delivered: it {_FATES[str(after['fate'])]}"
    if kind == "delivery_gained":
        # How it is protected may differ from message to message: what came protected stays so.
        return f"is now delivered: before, it {_FATES[str(before['fate'])].replace('is ', 'was ', 1).replace('goes', 'went').replace('waits', 'waited')}"
    if kind == "protection_changed":
        return f"is now delivered {protection_name(new)} instead of {protection_name(old)}" if "protection" in after else "is now protected in another way"
    if kind == "branding_changed":
        one, other = (str(side.get("branding", "")) for side in (before, after))
        shown = f"now shows the branding {other!r}" if other else "no longer shows a branding"
        return f"{shown}{f' instead of {one!r}' if one and other else ''}"
    if kind == "fate_changed":
        return f"now {_FATES[str(after['fate'])]}"
    return "may be treated in another way"


def because(edit: Edit | None, acted: tuple[bool, bool], overtaken: str, unknown: Sequence[str] = ()) -> str:
    """Because of which rule.

    :param edit: the first edit that the message meets; ``None`` where no edited rule acts in another way.
    :param acted: whether its rule acted before, and whether it does now.
    :param overtaken: a rule that does not come to act any more since this one ends the processing; empty elsewhere.
    """
    if edit is None:
        return "since an edited rule splits the message in another way"
    rule, place = edit.rule, f"priority {edit.rule.place}"
    named = f"rule '{rule.name}' ({edit.how}{'' if edit.how == 'removed' else f', {place}'})"
    was, now = acted
    if edit.how == "removed":
        return f"{named} was for it"
    ends = bool(rule.does(Does.STOP) or any(row.ends for row in rule.rows))
    if now and overtaken and ends:
        return f"{named} stops before '{overtaken}'"
    if was and now:
        return f"{named} does something else with it, or at another place"
    return f"{named} is for it now" if now else f"{named} is no longer for it"
