# SPDX-License-Identifier: GPL-3.0-or-later
"""All predicates, under the names of the properties of a transport rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import content, people
from .view import Test, View, patterns, words
from .worlds import FACTS, Truth, doubt


@dataclass(frozen=True)
class Kind:
    """A predicate: what it is about (``message``, ``recipient``, ``all`` recipients, or the ``relation`` of sender and
    recipient), its test, whether it needs the message's content, and the other properties that belong to it.
    """

    about: str
    test: Test
    content: bool = False
    partners: tuple[str, ...] = ()


def _of_wrapper(test: Test) -> Test:
    """What the wrapper of a disclaimer has of this is not documented; rules act on the wrapper."""

    def wrapped(view: View, value: Any) -> Truth:
        if view.copy.wrapped:
            copy = view.copy
            state = (
                *(tuple(sorted(each.items())) for each in (copy.headers, copy.edits)),
                tuple(sorted(copy.classifications)),
            )
            return doubt(FACTS, "what the message around the wrapped one has", "wrapper", test, str(value), state)
        return test(view, value)

    return wrapped


def _said_by(
    test: Test,
    *headers: str,
    shared: bool = False,
    envelope: bool = False,
    inside: bool = False,
    of_sender: bool = False,
) -> Test:
    """What these headers say, once a rule set or removed one of them.

    :param shared: whether it may depend on who shares the copy; :param:`envelope`: whether rules may look into the
        envelope instead; :param:`inside`: whether it depends on who is authenticated if it is about people inside;
        :param:`of_sender`: whether it is about the sender only if it names one.
    """

    def said(view: View, value: Any) -> Truth:
        if (envelope and view.settings.location == "Envelope") or (of_sender and value[1] != "Sender"):
            return test(view, value)
        read = (*headers, *([_AUTHENTICATED] if inside and value == "InOrganization" else []))
        if view.copy.edits.keys().isdisjoint(read):
            return test(view, value)
        people = tuple(sorted(recipient.address for recipient in view.copy.recipients)) if shared else ()
        return content.edited(view, read, test, str(value), view.recipient and view.recipient.address, people)

    return said


def _as_named(test: Test, *, shared: bool = False) -> Test:
    """What a recipient's address says, which a rule may look for as the fields To and Cc name it."""
    in_fields = _said_by(test, "to", "cc", shared=shared)
    return lambda view, value: (in_fields if view.settings.original else test)(view, value)


_AUTHENTICATED = "x-ms-exchange-organization-authas"
_LEVEL = "x-ms-exchange-organization-scl"
_TYPES = ("auto-submitted", "content-class", "content-type")
_URGENCY = ("importance", "priority", "x-msmail-priority", "x-priority")

PREDICATES: dict[str, Kind] = {
    "From": Kind("message", _said_by(people.from_, "from", envelope=True)),
    "FromMemberOf": Kind("message", _said_by(people.from_member_of, "from", envelope=True)),
    "FromAddressContainsWords": Kind("message", _said_by(people.from_address(words), "from", envelope=True)),
    "FromAddressMatchesPatterns": Kind("message", _said_by(people.from_address(patterns), "from", envelope=True)),
    "SenderDomainIs": Kind("message", _said_by(people.sender_domain, "from", envelope=True)),
    "FromScope": Kind("message", _said_by(people.from_scope, "from", inside=True)),
    "SenderADAttributeContainsWords": Kind("message", _said_by(people.sender_attribute(words), "from")),
    "SenderADAttributeMatchesPatterns": Kind("message", _said_by(people.sender_attribute(patterns), "from")),
    "SenderIpRanges": Kind("message", people.sender_ip),
    "SenderManagementRelationship": Kind("relation", _said_by(people.relationship, "from", shared=True)),
    "ManagerAddresses": Kind(
        "relation", _said_by(people.manager, "from", of_sender=True, shared=True), partners=("ManagerForEvaluatedUser",)
    ),
    "BetweenMemberOf1": Kind("relation", _said_by(people.between, "from", shared=True), partners=("BetweenMemberOf2",)),
    "ADComparisonAttribute": Kind(
        "relation", _said_by(people.comparison, "from", shared=True), partners=("ADComparisonOperator",)
    ),
    "SenderInRecipientList": Kind("relation", _said_by(people.supervision, "from", shared=True)),
    "RecipientInSenderList": Kind("relation", _said_by(people.supervision, "from", shared=True)),
    "SentTo": Kind("recipient", _as_named(people.sent_to)),
    "SentToScope": Kind("recipient", _said_by(people.sent_to_scope, inside=True)),
    "SentToMemberOf": Kind("recipient", _as_named(people.sent_to_member_of)),
    "RecipientDomainIs": Kind("recipient", _as_named(people.recipient_domain)),
    "RecipientAddressContainsWords": Kind("recipient", _as_named(people.recipient_address(words))),
    "RecipientAddressMatchesPatterns": Kind("recipient", _as_named(people.recipient_address(patterns))),
    "RecipientADAttributeContainsWords": Kind("recipient", people.recipient_attribute(words)),
    "RecipientADAttributeMatchesPatterns": Kind("recipient", people.recipient_attribute(patterns)),
    "AnyOfRecipientAddressContainsWords": Kind("all", _as_named(people.any_recipient(words), shared=True)),
    "AnyOfRecipientAddressMatchesPatterns": Kind("all", _as_named(people.any_recipient(patterns), shared=True)),
    "AnyOfToHeader": Kind("all", _said_by(people.field(("to",), members=False), "to", shared=True)),
    "AnyOfCcHeader": Kind("all", _said_by(people.field(("cc",), members=False), "cc", shared=True)),
    "AnyOfToCcHeader": Kind("all", _said_by(people.field(("to", "cc"), members=False), "to", "cc", shared=True)),
    "AnyOfToHeaderMemberOf": Kind("all", _said_by(people.field(("to",), members=True), "to", shared=True)),
    "AnyOfCcHeaderMemberOf": Kind("all", _said_by(people.field(("cc",), members=True), "cc", shared=True)),
    "AnyOfToCcHeaderMemberOf": Kind("all", _said_by(people.field(("to", "cc"), members=True), "to", "cc", shared=True)),
    "SubjectContainsWords": Kind("message", content.subject(words)),
    "SubjectMatchesPatterns": Kind("message", content.subject(patterns)),
    "SubjectOrBodyContainsWords": Kind("message", content.subject_or_body(words), content=True),
    "SubjectOrBodyMatchesPatterns": Kind("message", content.subject_or_body(patterns), content=True),
    "HeaderContainsMessageHeader": Kind(
        "message", _of_wrapper(content.header(words)), partners=("HeaderContainsWords",)
    ),
    "HeaderMatchesMessageHeader": Kind(
        "message", _of_wrapper(content.header(patterns)), partners=("HeaderMatchesPatterns",)
    ),
    "ContentCharacterSetContainsWords": Kind("message", _of_wrapper(_said_by(content.character_sets, "content-type"))),
    "AttachmentContainsWords": Kind("message", content.attachment_text(words, content.WORDS_LIMIT), content=True),
    "AttachmentMatchesPatterns": Kind(
        "message", content.attachment_text(patterns, content.PATTERNS_LIMIT), content=True
    ),
    "AttachmentNameMatchesPatterns": Kind("message", content.attachments(content.attachment_name), content=True),
    "AttachmentExtensionMatchesWords": Kind("message", content.attachments(content.attachment_extension), content=True),
    "AttachmentSizeOver": Kind("message", content.attachments(content.attachment_size), content=True),
    "AttachmentPropertyContainsWords": Kind("message", content.attachments(content.attachment_property), content=True),
    "AttachmentHasExecutableContent": Kind("message", content.told("executable"), content=True),
    "AttachmentIsPasswordProtected": Kind("message", content.told("password_protected"), content=True),
    "AttachmentIsUnsupported": Kind("message", content.told("unsupported"), content=True),
    "AttachmentProcessingLimitExceeded": Kind("message", content.told("limit_exceeded"), content=True),
    "MessageSizeOver": Kind("message", _of_wrapper(content.message_size)),
    "MessageTypeMatches": Kind("message", _of_wrapper(_said_by(content.type_, *_TYPES))),
    "WithImportance": Kind("message", _of_wrapper(_said_by(content.importance, *_URGENCY))),
    "HasClassification": Kind("message", _of_wrapper(_said_by(content.classification, content.CLASSIFIED))),
    "HasNoClassification": Kind("message", _of_wrapper(_said_by(content.no_classification, content.CLASSIFIED))),
    "SCLOver": Kind("message", _said_by(content.scl, _LEVEL)),
}
