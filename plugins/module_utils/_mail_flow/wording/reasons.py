# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an answer is open, how to find out, and what a condition looked at, as results have it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.text import listed, quoted, short
from ..._exchange.unprotected import UNPROTECTED
from ..input.observations import contradiction_text
from ..model import questions
from ..model.connectors import ROUTED_TO
from ..model.contradictions import ContradictedCopy
from ..model.kleene import Reason
from ..model.reason_kinds import ReasonKind, RuleIdle
from ..simulator.protection import LARGEST, SURELY_PROTECTED
from ..simulator.rule_trace import Saw
from .dlp import looks_words
from .instants import instant_words
from .row import ResultRow
from .sentences import template_name
from .settled_by import settled_by

#: The largest message that is surely protected, and the largest that is protected, in megabytes.
SURELY_MB, MOST_MB = SURELY_PROTECTED * 10 // (1 << 20) / 10, LARGEST >> 20

#: What to show of a reason that is no question about Exchange, and so has no number: its id to a few words.
_WITHOUT_NUMBER: Mapping[str, str] = {
    "approvals": "many approvals",
    "budget": "too complex",
    "date": "later",
    "not_found": "neither a proof nor an example was found",
    "shown": "what people see to whom rules show it",
}

#: Number of an assumption about usual mail to the mail that does not meet it.
UNUSUAL = {
    questions.UNAUTHENTICATED_INSIDE: "mail to people in the organization's domains who are not in its directory",
    questions.GUESTS: "mail of guests and mail users",
    questions.REMOTE_DOMAINS: "mail to remote domains that count as internal",
    questions.ALIASES: "mail to aliases",
    questions.PDF: "mail with a PDF attachment",
    questions.FORWARDED: "mail that is forwarded automatically",
    questions.SMIME_SIGNED: "mail with a clear S/MIME signature",
    questions.SYSTEM_MAIL: "automatic replies, read receipts and meeting items and requests for approval",
    questions.TOO_LARGE: (
        f"messages of more than {SURELY_MB} MB, which may have more than {MOST_MB} MB once they are encoded"
    ),
}

#: Number of a question about unusual mail alone to that mail, in a few words.
UNUSUAL_MAIL = {
    questions.UNAUTHENTICATED_INSIDE: "mail to people inside who are not in the directory",
    questions.GUESTS: "mail of guests and mail users",
    questions.REMOTE_DOMAINS: "mail to remote domains that count as internal",
    questions.ALIASES: "mail to aliases",
    questions.PDF: "mail with a PDF document",
    questions.FORWARDED: "forwarded mail",
    questions.SMIME_SIGNED: "mail with an S/MIME signature",
    questions.SYSTEM_MAIL: "automatic replies, receipts and meetings",
    questions.TOO_LARGE: f"mail over {SURELY_MB} MB",
}

#: Kind of a reason to the mail of which alone it leaves something open.
_OF_MAIL: Mapping[ReasonKind, str] = {
    "forwarded": UNUSUAL_MAIL[questions.FORWARDED],
    "many_recipients": "mail to 200 and more recipients",
    "pdf": UNUSUAL_MAIL[questions.PDF],
    "sender_not_inside": "mail from somebody who is not known to be inside",
    "smime_signed": UNUSUAL_MAIL[questions.SMIME_SIGNED],
    "system_mail": UNUSUAL_MAIL[questions.SYSTEM_MAIL],
    **dict.fromkeys(("too_large", "perhaps_too_large"), UNUSUAL_MAIL[questions.TOO_LARGE]),
}

#: Why a connector takes no mail that a rule routes to it.
CONNECTOR_IDLE: Mapping[str, str] = {
    "disabled": "disabled",
    "test_mode": "in test mode",
    "not_for_rules": "not for rules (IsTransportRuleScoped)",
}

#: Why a rule never acts.
RULE_IDLE: Mapping[RuleIdle, str] = {
    "disabled_rule": "is disabled",
    "dlp_rule": ("belongs to a policy of data loss prevention, and Exchange Online no longer evaluates such rules"),
}


def _authenticated(connectors: tuple[str, ...]) -> str:
    inside = f" (the connectors {', '.join(connectors)} make mail count as such)" if connectors else ""
    return f"whether the message was sent over an authenticated connection (give authenticated){inside}"


def _any_of(names: Iterable[str]) -> str:
    """All of some names: ``'A', 'B' or 'C'``."""
    shown = list(map(quoted, names))
    return listed(shown, most=len(shown))


def _which_way(domain: str, connectors: tuple[str, ...]) -> str:
    names = [quoted(name) if name else "none" for name in connectors]
    return f"through which connector mail to {domain} leaves: {listed(names, most=len(names))}"


#: What a pattern has that sources disagree about.
_CONSTRUCTS: Mapping[str, str] = {
    "backward_count": "a count that ends before it begins",
    "bare": "a bare {}",
    "behind_end": "something behind the end of the text",
    "brace_without_count": "a brace that is not a count",
    "bracket_too_many": "a bracket too many",
    "construct": "the construct ({}",
    "empty_alternative": "an empty alternative",
    "empty_class": "an empty class",
    "escape": "the escape \\{}",
    "escape_in_class": "an escape in a class that is no character",
    "invalid_range": "an invalid range in a class",
    "nested_class": "a class in a class",
    "old": "{} in an expression of the old kind",
    "old_flags": "flags in an expression of the old kind",
    "open_bracket": "a bracket that is not closed",
    "open_class": "a class that is not closed",
    "quantified_anchor": "a quantifier of an anchor",
    "quantified_quantifier": "a quantifier of a quantifier, which may be a lazy or a possessive one",
    "wide_look_around": "look-around for more than a character",
}


def _pattern(pattern: str, construct: str, *values: str) -> str:
    return (
        f"what the pattern {quoted(short(pattern))} means to Exchange: it has {_CONSTRUCTS[construct].format(*values)}"
    )


def _of_pattern(form: str) -> Callable[..., str]:
    return lambda pattern, *_more: form.format(quoted(short(pattern)))


def _added(*brought: tuple[str, str]) -> str:
    """:param brought: each rule with whom it sends the message to."""
    people: dict[str, list[str]] = {}
    for rule, person in brought:
        people.setdefault(rule, []).append(person)
    if not people:
        return "no page says whether later rules look at people whom rules add"
    sent = ", ".join(
        f"the rule {rule!r} {'to' if place else 'sends the message to'} {listed(persons, joint='and')}"
        for place, (rule, persons) in enumerate(people.items())
    )
    return f"{sent}, and no page says whether later rules look at people whom rules add"


def _nameless(rules: tuple[str, ...]) -> str:
    names = listed([repr(rule) for rule in rules], joint="and")
    return f"the managers of senders are not known, to whom {names} sends mail"


#: How a DLP rule is called.
_OF_POLICY = "{!r} of the policy {!r}"
#: The kinds of reasons for why it is open what a DLP rule does, and whether it or another one does it; and what that is.
_DLP_DOES: Sequence[tuple[ReasonKind, ReasonKind, str]] = (
    ("dlp_brands", "several_dlp_brands", "chooses another branding for the message"),
    ("dlp_brings", "several_dlp_brings", "sends others copies of the message"),
    ("dlp_options", "several_dlp_options", "encrypts the message"),
    ("dlp_removes", "several_dlp_removes", "takes the protection of the message away"),
    ("dlp_withholds", "several_dlp_withholds", "keeps the message from its recipient"),
)


def _whether_dlp(does: str) -> Callable[[str, str, Sequence[str]], str]:
    def text(rule: str, policy: str, names: Sequence[str]) -> str:
        return f"whether the DLP rule {_OF_POLICY.format(rule, policy)} {does}: {looks_words(names)}"

    return text


#: Kind to what is unknown, as a sentence without its period: a form for the values, or a function of them. A list has
#: what joins it, behind a quotation mark if its items are quoted; ``{rule}`` is the rule that is the first value.
_SENTENCES: Mapping[ReasonKind, str | Callable[..., str]] = {
    # People
    "accepted_domains": "the accepted domains are not known",
    "added": _added,
    "address": "the address of {} is not known",
    "alias": "whether a rule looks at the alias {} of a sender, or at the primary address",
    "alias_in_header": "whether the rule takes {} in the message's header for {}",
    "attribute": "the attribute {} of {} is not known",
    "attribute_not_set": "what a comparison with {} of {} is, which is not set",
    "authenticated": _authenticated,
    "fields": "who is in the To and Cc fields of the message is not known",
    "from_field": "which address of the From field counts",
    "guest": "whether {}, a guest or mail user of the organization with an address outside, is inside",
    "perhaps_guest": "whether {}, who may be a guest or mail user of the organization with an address outside, is inside",
    "header_of_a_copy": "whether a rule still sees {} in the header of a copy that no longer goes there",
    "location": "whether {} or {} says where the sender is",
    "mail_from": "the envelope sender of the message is not known (give mail_from)",
    "manager": "the manager of {} is not known",
    "members": (
        "the members of {} are not known (Get-DistributionGroupMember, Get-DynamicDistributionGroupMember or"
        " Get-UnifiedGroupLinks)"
    ),
    "nameless": _nameless,
    "nested_member": "whether {}, a member of a group in {}, counts as one of its members",
    "on_premises_scope": "the scope {} exists on-premises only",
    "other_spelling": "whether a rule takes {} for {: or }",
    "relation": "whether the condition is for each recipient or for the whole message",
    "remote_domain": "whether a remote domain makes {} internal",
    "sender_ip": "the address that the message came from last is not known (give sender_ip)",
    "unauthenticated": "whether unauthenticated mail to {}, no known object, goes inside",
    "which_address": "whether the rule looks at {: or at }",
    "which_sender": "which address of the From field counts ({:, }): from says it",
    # Content
    "attachment_content": "what is in the attachment {} is not known",
    "attachment_executable": "whether there is executable content in the attachment {} is not known",
    "attachment_limit_exceeded": "whether Exchange finishes looking into the attachment {} is not known",
    "attachment_name": "the name of the attachment of the type {} is not known",
    "attachment_password_protected": "the password protection of the attachment {} is not known",
    "attachment_property": "a document property of the attachment {} is not known",
    "attachment_size": "the size of the attachment {} is not known",
    "attachment_text": "the text of the attachment {} is not known",
    "attachment_unsupported": "whether Exchange can look into the attachment {} is not known",
    "attachment_at_limit": "whether an attachment of exactly {} bytes is over the limit",
    "attachments": "the attachments of the message are not known (give attachments)",
    "body": "the text of the message is not known (give body)",
    "character_sets": "the character sets of the message are not known",
    "classification": "the classification of the message is not known (give classification, [] for none)",
    "disclaimer": "whether a disclaimer can be put into the message",
    "files_in_message": "whether files in {}, a message, count",
    "has_no_classification_false": "what has_no_classification does if it is false",
    "header": "the header {} is not known",
    "header_that_is_set": "the header {}, which the mail system sets, is not known",
    "header_of_every_message": "whether rules can set or remove the header {}, which every message has",
    "header_of_mail_system": "whether rules can set or remove the header {}, which the mail system sets",
    "importance": "the importance of the message, of which it has only headers of other systems (importance)",
    "limit": "what the size {} is",
    "message_at_limit": "whether a message of exactly {} bytes is over the limit",
    "name_in_field": "whether the field {} has a name beside an address (headers)",
    "names_in_attachment": "whether the names of files in {} count",
    "pattern": _pattern,
    "pattern_accents": _of_pattern("whether the pattern {} sees a letter and its accent as one character"),
    "pattern_plain_letters": _of_pattern(
        "whether the pattern {} takes such letters as a dotless i or a long s for i and s"
    ),
    "pattern_lines": _of_pattern("whether ^ and $ in the pattern {} stand for the borders of lines"),
    "pattern_too_large": _of_pattern("what the pattern {} finds: it is too large for this collection to analyze"),
    "range": "what the range {} is",
    "reserved": "the condition is reserved by Microsoft",
    "scl": "the spam confidence level of the message when the rules run (give scl)",
    "scl_that_a_rule_set": "whether a rule sees the spam confidence level that an earlier rule set",
    "size": "the size of the message is not known closely enough (give size)",
    "type": "whether the message is of the type {} (give type, [] for none)",
    "which_text": "which text of the message a rule reads: its alternatives, or its markup, differ in it",
    "word_accents": "whether Exchange finds the word {!r} here: the word and the text compose accents differently",
    "word_blanks": "whether Exchange finds the word {!r} here: the white space differs from that of the phrase",
    "word_border": (
        "whether Exchange finds the word {!r} here: an adjacent character may belong to it, or be punctuation"
    ),
    "word_invisible": "whether Exchange finds the word {!r} here: invisible characters have to count as nothing for it",
    "word_plain_letters": (
        "whether Exchange finds the word {!r} here: it would have to take such letters as a dotless i or a long s for i and s"
    ),
    "word_letters": "whether Exchange finds the word {!r} here: letters that fold to several have to be equal for it",
    "tokens": "what the text of the message is after a disclaimer with tokens or hidden parts",
    "wrapped": "what a rule sees of the {} of a message that a disclaimer was wrapped around",
    "wrapped_attachments": "what a rule sees of attachments in a message that a disclaimer was wrapped around",
    "wrapped_subject": "the subject of the message that a disclaimer was wrapped around is not documented",
    # Protection
    "after_quarantine": "whether a message that leaves the quarantine is protected as rules asked before",
    "arrival": "how the message is protected on arrival is not known",
    "arrival_keys": "whose keys protect the message is not known",
    "arrival_option": "with which option the message is protected on arrival is not known",
    "decrypts_disabled": "whether a rule decrypts a message while transport_decryption_setting is Disabled",
    "decrypts_unlicensed": "whether a rule decrypts a message while {}",
    "decryption_mandatory": (
        "whether Exchange rejects the message, which it must decrypt (transport_decryption_setting is Mandatory): the keys "
        "may be another organization's"
    ),
    "decryption_off": (
        "what a rule makes of protected content that Exchange cannot read: transport decryption is switched off"
    ),
    **dict.fromkeys(
        ("keys_of_others", "keys_unknown"),
        "what a rule makes of protected content that Exchange cannot read: the keys are not known to be the"
        " organization's",
    ),
    "dlp_looks_at": lambda *names: f"whether a DLP rule matches: {looks_words(names)}",
    **{kind: _whether_dlp(does) for kind, _of_several, does in _DLP_DOES},
    "dlp_perhaps_withholds": (
        f"whether the DLP rule {_OF_POLICY} keeps the message from its recipient: its sender may override that, or Microsoft "
        "does not say what its action does to mail"
    ),
    "dlp_stops": _whether_dlp("stops the later ones"),
    "dlp_beside_end": f"whether the DLP rule {_OF_POLICY}, which keeps the message from its recipient, sends others copies of it",
    "dlp_beside_approval": f"whether the DLP rule {_OF_POLICY}, which asks for an approval, does its other actions, too",
    "dlp_withheld": f"what becomes of the message that the DLP rule {_OF_POLICY} keeps from its recipient",
    "dlp_inbound": f"whether the DLP rule {_OF_POLICY} encrypts mail that may come from outside, or already protected",
    "label_automatic": "whether a policy sets the sensitivity label {!r} on the way",
    "label_in_transport": "whether Exchange applies the sensitivity label {!r} that the message carries",
    "label_not_given": "whether the message has a sensitivity label is not known",
    "label_unclear": "how the sensitivity label {!r} encrypts is not known",
    "label_not_told": "what the sensitivity label of the message does is not known",
    "labels_options": "what becomes of the message with the sensitivity label {!r}, which encrypts",
    "labels_removes": "what becomes of the message with the sensitivity label {!r}, which removes protection",
    **{
        kind: f"whether the DLP rule {_OF_POLICY} {does}, or another one that matches acts instead"
        for _of_one, kind, does in _DLP_DOES
    },
    "encrypted_and_decrypted": lambda encrypting, decrypting: (
        f"what happens to a message that {_any_of(encrypting)} encrypts and {_any_of(decrypting)} decrypts"
    ),
    "encrypts_unlicensed": "what happens to a message that a rule encrypts while {}",
    "expiry": "when mail with the branding {} expires is not known",
    "forwarded": "whether Exchange encrypts mail that is forwarded",
    "pdf": "whether a message with the PDF document {} is encrypted while enable_pdf_encryption is false",
    "protected_by_now": "whether a message counts as protected right after a rule asked for it",
    "protected_still": "whether a message counts as protected right after a rule removed it",
    "protection": "how the message is protected is not known (give protection)",
    "readable": "whether the message is protected, and Exchange can read it",
    "sender_not_inside": "whether Exchange encrypts mail from {}, who is not known to be inside",
    "shown_for_approval": f"whether {{}}, whom the rule {{!r}} asks for an approval, sees mail {UNPROTECTED}",
    "shown_in_report": f"whether {{}}, to whom the rule {{!r}} reports with the original mail, sees mail {UNPROTECTED}",
    "smime_signed": "what happens to a message with an S/MIME signature that a rule encrypts",
    "system_mail": "whether Exchange encrypts messages of the type {:, }",
    "too_large": "what happens to a message over 25 MB that a rule encrypts",
    "perhaps_too_large": "what happens to a message that a rule encrypts and that may be over 25 MB once it is encoded",
    "many_recipients": "what happens to a message to {} recipients that a rule encrypts",
    "which_branding": lambda brandings: f"whether the message shows the branding {_any_of(brandings)}",
    "which_template": lambda templates: f"whether the message gets {_any_of(map(template_name, templates))}",
    # Rules
    **{kind: f"it {words}" for kind, words in RULE_IDLE.items()},
    "after_rejection": "whether later rules still send their reports after a rejection",
    "added_later": "the recipient was added by {rule}, and shares what the copy went through before",
    "adds_and_redirects": "whether {rule} adds recipients to a message that it redirects",
    "approval_requests": "whether rules see requests for approval",
    "approved_stops": "whether {rule} stops the later ones once the message is approved",
    "contradictory": "its conditions and exceptions cannot all be met together, whatever is open",
    **dict.fromkeys(
        ("date", "date_exactly", "date_of_message", "date_without_offset"),
        lambda date, *_more: f"whether {instant_words(date)} is over when the message passes the rules",
    ),
    "delivery_report": "rules do not see non-delivery reports",
    "header_last": "whether {rule} sets or removes the header {1} last",
    "hidden_by_smime": "S/MIME hides the content that it looks at",
    "hidden_from_rule": "whether {rule} does anything on a message that S/MIME hides",
    "hidden_and_matched": "whether {rule} counts as matched on a message that S/MIME hides",
    "not_reached": "not reached: {:' or } ended the processing",
    "outside_dates": lambda *dates: (
        f"the message is outside of its dates: {' to '.join(instant_words(date) or 'always' for date in dates)}"
    ),
    "reports": "which rules see reports that Exchange itself sends",
    "rule_fails": "what makes Exchange fail on a rule is not documented",
    "several_fates": "what happens to a message that {rule} wants {1: and }",
    "several_ways": (
        "the message arrives in several ways, because a rule adds this recipient or redirects the message here"
    ),
    "test_mode_splits": "whether {rule}, which is in a test mode, splits the message",
    "test_mode_stops": "whether {rule}, which is in a test mode, stops the later ones",
    "dlp_part": (
        "{rule} has {1} ({2}), which belongs to data loss prevention: Microsoft does not say whether Exchange Online still "
        "evaluates such a rule"
    ),
    "unknown_action": "{rule} has the action {1} ({2}), which this collection does not know",
    "unknown_condition": "{rule} has {1} ({2}), which this collection does not know",
    "unknown_exception": "{rule} has the exception {1} ({2}), which this collection does not know",
    "unsupported_rule": "Exchange says that it does not support the configuration of {rule}",
    # How mail leaves
    "no_tls_domain": "whether the connector {!r} checks a name: tls_settings is DomainValidation, and tls_domain is missing",
    "relayed": (
        "how mail to {} leaves, and whether: the domain is InternalRelay, so Exchange relays what it has no mailbox for,"
        " and no connector of the type OnPremises alone takes it"
    ),
    "routed_inside": "whether mail to {} leaves: the rule {!r} routes it to the connector {!r}",
    "mandatory_dane": (
        "what the connector {!r} forces: smtp_dane_mode is Mandatory, and what happens to mail to servers without DANE is "
        "not documented"
    ),
    "outbound_connectors": "the outbound connectors are not known (Get-OutboundConnector)",
    **{
        why: f"how mail leaves that the rule {{!r}} routes to the connector {{!r}}, which is {words}"
        for why, words in {
            "routed_to_unknown": "unknown",
            **{ROUTED_TO[idle]: words for idle, words in CONNECTOR_IDLE.items()},
        }.items()
    },
    "unknown_tls": "what the connector {!r} forces: tls_settings is {!r}, which is not known here",
    "which_way": _which_way,
    # How somebody opens it
    "opening_branding": "that depends on which OME configuration its branding comes from",
    "opening_china": "whether Outlook opens mail between the cloud of 21Vianet and another one is not documented",
    "opening_configurations": "the OME configurations are not known",
    "opening_government": (
        "Outlook does not open mail between GCC High and the worldwide cloud; whether it does for DoD is not documented"
    ),
    "opening_inside": "Outlook opens it for people inside",
    "opening_keys": "another organization's keys may protect the message, and its settings decide",
    "opening_locked": "{:each} allows neither passcodes nor social IDs, so only work and school accounts can sign in",
    "opening_no_configuration": "there is no OME configuration {: or }",
    "opening_outlook": (
        "Outlook opens it for people with a work or school account in the same cloud of Microsoft 365, if the sender's"
        " organization does not ask outsiders for MFA or otherwise keep them out by Conditional Access"
    ),
    "opening_passcode": "{:each} sends a one-time passcode",
    "opening_policies": "Outlook on the web does not open it for mailboxes with the policy {:, }",
    "opening_portal": "the portal accepts a work or school account, if Conditional Access allows it",
    "opening_protection": "how the message is protected is not known",
    "opening_recipient": "whether the recipient is inside is not known",
    "opening_sign_in": "what {:each} lets people sign in with is not known",
    "opening_smime": "the recipient needs the key of the S/MIME certificate",
    "opening_social": "{:each} lets people sign in with a social ID, if Microsoft supports their mail provider",
    "opening_template": "whether {} gives rights to people outside is not known",
    # What a test message contradicts
    "contradicted": lambda rules, parts: (
        f"whether Exchange does what is computed: {contradiction_text(ContradictedCopy(rules, parts))}"
    ),
    # What is not looked at
    "later": "only mail of today is compared",
    "many_approvals": "approvals are compared only up to a few",
    "message_too_complex": "the rules and the message are too complex together",
    "not_followed": "copies of managers and members of groups are not followed",
    "not_found": "neither a proof nor an example was found",
    "too_complex": "the question is too complex",
    "too_many_copies": "rules make more copies for people whom they add than are followed",
    "too_many_questions": "there are too many open questions to follow",
    "untraced": "what no row of a message trace says: {}",
    "unusual": lambda number: f"what happens to {UNUSUAL[number]}",
}


class _List(tuple[str, ...]):
    """Values that a form joins with its specification."""

    def __format__(self, spec: str) -> str:
        if spec == "each":
            return f"{'each of ' if len(self) > 1 else ''}{listed(self, joint='and', most=len(self))}"
        return spec[1:].join(map(repr, self)) if spec.startswith("'") else spec.join(self)


def reason_text(reason: Reason, rule: str = "") -> str:
    """What is unknown, as a sentence without its period.

    :param rule: what to call the rule that the reason names first, if it is not by its name.
    """
    form, values = _SENTENCES[reason.kind], reason.values
    if not isinstance(form, str):
        return form(*values)
    shown = [_List(value) if isinstance(value, tuple) else value for value in values]
    return form.format(*shown, rule=rule or f"the rule {next(iter(values), '')!r}")


@dataclass(frozen=True)
class OpenReason(ResultRow):
    """Why something is unknown.

    :param id: the number of the open question, or another name.
    :param reason: what is unknown, as a clause.
    :param field: the key of a message or fact that it is about; empty if it is about none.
    :param settled_by: how to find out; ``None`` if nothing says so.
    """

    id: str
    reason: str
    field: str = ""
    settled_by: str | None = None


def open_reason(reason: Reason) -> OpenReason:
    """A reason in words: with the key of a message or fact that it is about, and how to find out."""
    return OpenReason(reason.id, reason_text(reason), reason.field, settled_by(reason))


def open_reasons(reasons: Iterable[Reason]) -> tuple[OpenReason, ...]:
    """Reasons in words."""
    return tuple(map(open_reason, _one_question(reasons)))


def _one_question(reasons: Iterable[Reason]) -> list[Reason]:
    """Reasons, with one in place of all that ask the same of other rules: whether rules look at somebody whom rules add, and
    what becomes of mail that a rule encrypts and another one decrypts.
    """
    alike: dict[Hashable, list[Reason]] = {}
    for reason in reasons:
        alike.setdefault(_question(reason), []).append(reason)
    return [
        _ONE_OF[kind](same) if (kind := same[0].kind) in _ONE_OF and len(same) > 1 else same[0]
        for same in alike.values()
    ]


def _question(reason: Reason) -> Hashable:
    """What is equal for reasons that ask the same of other rules."""
    if reason.kind == "added":
        return reason.kind
    return (reason.kind, reason.values[1]) if reason.kind == "encrypted_and_decrypted" else reason


def _all_added(reasons: Sequence[Reason]) -> Reason:
    return replace(reasons[0], values=tuple(pair for reason in reasons for pair in reason.values))


def _all_encrypting(reasons: Sequence[Reason]) -> Reason:
    encrypting = dict.fromkeys(rule for reason in reasons for rule in reason.values[0])
    return replace(reasons[0], values=(tuple(encrypting), reasons[0].values[1]))


#: Kind of reasons that ask the same of other rules to one reason for all of them.
_ONE_OF: Mapping[str, Callable[[Sequence[Reason]], Reason]] = {
    "added": _all_added,
    "encrypted_and_decrypted": _all_encrypting,
}


def in_order(reasons: Iterable[Reason]) -> list[Reason]:
    """Reasons in the order of results, whatever their sentences are."""
    return sorted(reasons, key=_order)


def ids_words(ids: Iterable[str]) -> str:
    """The ids of reasons in a sentence or a cell: numbers as they are, and words for what has none."""
    return ", ".join(_WITHOUT_NUMBER.get(id_, id_) for id_ in ids)


def open_words(reasons: Iterable[Reason]) -> str:
    """The ids of reasons, as :func:`ids_words` says them, each with the mail of which alone it leaves something open: ``U31, mail
    over 17.8 MB``.
    """
    by_id = _by_id(reasons)
    parts = [[ids_words([id_]), *_mail_left_open(by_id[id_])] for id_ in sorted(by_id)]
    joint = "; " if any(len(part) > 1 for part in parts) else ", "
    return joint.join(map(", ".join, parts))


def ids_in_words(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """The ids of reasons beside which :func:`open_words` says what is unknown, or of which mail alone."""
    by_id = _by_id(reasons)
    return tuple(
        id_
        for id_, alike in sorted(by_id.items())
        if _mail_left_open(alike) or all(reason_text(reason) == _WITHOUT_NUMBER.get(id_) for reason in alike)
    )


def _by_id(reasons: Iterable[Reason]) -> dict[str, list[Reason]]:
    """Reasons by their ids."""
    by_id: dict[str, list[Reason]] = {}
    for reason in reasons:
        by_id.setdefault(reason.id, []).append(reason)
    return by_id


def _mail_left_open(reasons: Iterable[Reason]) -> list[str]:
    """The mail of which alone reasons leave something open; nothing if one of them is about other mail, too."""
    mail = [
        UNUSUAL_MAIL[reason.id] if reason.kind == "unusual" else _OF_MAIL.get(reason.kind, "") for reason in reasons
    ]
    return list(dict.fromkeys(mail)) if all(mail) else []


def _order(reason: Reason) -> tuple[str, ...]:
    """The place of a reason among others, whatever its sentence is."""
    return reason.id, reason.kind, repr(reason.values), reason.field


def worded(result: Any) -> Any:
    """A result, a trace, or a part of one, with sentences in place of reasons."""
    if isinstance(result, Reason):
        return f"{result.id}: {reason_text(result)}" if result.id else reason_text(result)
    if isinstance(result, Saw):
        return saw_text(result)
    if isinstance(result, tuple) and all(isinstance(part, Reason) for part in result):
        return "; ".join(map(worded, in_order(result)))
    if isinstance(result, (list, tuple)):
        return [worded(part) for part in result]
    if not isinstance(result, Mapping):
        return result
    if "unknown" in result:
        reasons = _one_question(in_order(reason["reason"] for reason in result["unknown"]))
        result = {**result, "unknown": [open_reason(reason).as_row() for reason in reasons]}
        return {key: value if key == "unknown" else worded(value) for key, value in result.items()}
    return {key: worded(value) for key, value in result.items()}


def saw_text(looked: Saw) -> str:
    """What a condition looked at."""
    return short(looked.atom.predicate.saw(looked.rule_view, looked.atom))
