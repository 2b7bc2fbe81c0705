# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
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
            state = (tuple(sorted(view.copy.headers.items())), tuple(sorted(view.copy.classifications)))
            return doubt(FACTS, "what the message around the wrapped one has", "wrapper", test, str(value), state)
        return test(view, value)

    return wrapped


PREDICATES: dict[str, Kind] = {
    "From": Kind("message", people.from_),
    "FromMemberOf": Kind("message", people.from_member_of),
    "FromAddressContainsWords": Kind("message", people.from_address(words)),
    "FromAddressMatchesPatterns": Kind("message", people.from_address(patterns)),
    "SenderDomainIs": Kind("message", people.sender_domain),
    "FromScope": Kind("message", people.from_scope),
    "SenderADAttributeContainsWords": Kind("message", people.sender_attribute(words)),
    "SenderADAttributeMatchesPatterns": Kind("message", people.sender_attribute(patterns)),
    "SenderIpRanges": Kind("message", people.sender_ip),
    "SenderManagementRelationship": Kind("relation", people.relationship),
    "ManagerAddresses": Kind("relation", people.manager, partners=("ManagerForEvaluatedUser",)),
    "BetweenMemberOf1": Kind("relation", people.between, partners=("BetweenMemberOf2",)),
    "ADComparisonAttribute": Kind("relation", people.comparison, partners=("ADComparisonOperator",)),
    "SenderInRecipientList": Kind("relation", people.supervision),
    "RecipientInSenderList": Kind("relation", people.supervision),
    "SentTo": Kind("recipient", people.sent_to),
    "SentToScope": Kind("recipient", people.sent_to_scope),
    "SentToMemberOf": Kind("recipient", people.sent_to_member_of),
    "RecipientDomainIs": Kind("recipient", people.recipient_domain),
    "RecipientAddressContainsWords": Kind("recipient", people.recipient_address(words)),
    "RecipientAddressMatchesPatterns": Kind("recipient", people.recipient_address(patterns)),
    "RecipientADAttributeContainsWords": Kind("recipient", people.recipient_attribute(words)),
    "RecipientADAttributeMatchesPatterns": Kind("recipient", people.recipient_attribute(patterns)),
    "AnyOfRecipientAddressContainsWords": Kind("all", people.any_recipient(words)),
    "AnyOfRecipientAddressMatchesPatterns": Kind("all", people.any_recipient(patterns)),
    "AnyOfToHeader": Kind("all", people.field(("to",), members=False)),
    "AnyOfCcHeader": Kind("all", people.field(("cc",), members=False)),
    "AnyOfToCcHeader": Kind("all", people.field(("to", "cc"), members=False)),
    "AnyOfToHeaderMemberOf": Kind("all", people.field(("to",), members=True)),
    "AnyOfCcHeaderMemberOf": Kind("all", people.field(("cc",), members=True)),
    "AnyOfToCcHeaderMemberOf": Kind("all", people.field(("to", "cc"), members=True)),
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
    "ContentCharacterSetContainsWords": Kind("message", _of_wrapper(content.character_sets)),
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
    "MessageTypeMatches": Kind("message", _of_wrapper(content.type_)),
    "WithImportance": Kind("message", _of_wrapper(content.importance)),
    "HasClassification": Kind("message", _of_wrapper(content.classification)),
    "HasNoClassification": Kind("message", _of_wrapper(content.no_classification)),
    "SCLOver": Kind("message", content.scl),
}
