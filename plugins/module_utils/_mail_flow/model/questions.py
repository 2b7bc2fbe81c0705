# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody says about Exchange: the open questions by their numbers, which results name.

The guide "What is unknown of mail" has the same table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: How much is known: no source speaks of it, sources disagree, a source speaks of Exchange Server, or nobody gave a
#: fact.
SILENT, DISPUTED, ON_PREMISES, NOT_GIVEN = (
    "not documented",
    "sources disagree",
    "documented for Exchange Server only",
    "not given",
)


@dataclass(frozen=True, slots=True)
class Question:
    """An open question.

    :param id: its number.
    :param sentence: what nobody says, as the guide has it.
    :param settled_by: the smallest experiment that answers it, or how to avoid the question.
    :param grade: how much is known.
    :param source: Microsoft's pages that come nearest to it; empty if none does.
    """

    id: str
    sentence: str
    settled_by: str
    grade: str
    source: str = ""


A_FACT = "U00"
WHICH_TEMPLATE = "U01"
ENCRYPTED_AND_DECRYPTED = "U02"
PROTECTED_BY_NOW = "U03"
NESTED_GROUPS = "U04"
RELATION_TO_WHOM = "U05"
AUDIT_SPLITS = "U06"
FIELDS_OF_A_COPY = "U07"
AUDIT_STOPS = "U08"
ADDED_RECIPIENTS = "U09"
AFTER_REJECTION = "U10"
SPAM_LEVEL = "U11"
RULE_FAILS = "U12"
UNSUPPORTED = "U13"
DATES = "U14"
CLASSIFICATION_FALSE = "U15"
SENDER_LOCATION = "U16"
WORD_BORDERS = "U17"
PATTERN_SYNTAX = "U18"
UNAUTHENTICATED_INSIDE = "U19"
GUESTS = "U20"
REMOTE_DOMAINS = "U21"
AUTHENTICATED = "U22"
AT_THE_LIMIT = "U23"
ALIASES = "U24"
PDF = "U25"
FORWARDED = "U26"
SMIME_SIGNED = "U27"
LICENSING_OFF = "U28"
SYSTEM_MAIL = "U29"
UNREADABLE = "U30"
TOO_LARGE = "U31"
WHICH_CONNECTOR = "U32"
DLP_RULES = "U33"
LABELS = "U34"
MANY_RECIPIENTS = "U35"
SEVERAL_DLP_RULES = "U36"
LABEL_IN_TRANSPORT = "U37"

#: All questions, by their numbers.
QUESTIONS = (
    Question(
        A_FACT,
        "A fact that was not given, such as accepted domains or the text of an attachment, or a detail of Exchange that is "
        "not documented and has no number of its own. Such are: which of several actions that contradict each other in one "
        "rule is done, and whether rules can set or remove a header that other conditions read, such as the subject, the "
        "sender, To, Cc, the importance or the spam confidence level.",
        "Give the fact, as an option or in the message.",
        NOT_GIVEN,
    ),
    Question(
        WHICH_TEMPLATE,
        "Which of two templates or brandings a message gets.",
        "Two rules with different templates on one test message: read the label of what arrives, then swap the rules.",
        SILENT,
        "configure-exo-rules",
    ),
    Question(
        ENCRYPTED_AND_DECRYPTED,
        "Whether a message is encrypted if one rule encrypts it and another decrypts it.",
        "An encrypting and a decrypting rule on one test message, in both orders.",
        SILENT,
    ),
    Question(
        PROTECTED_BY_NOW,
        "Whether a message counts as protected right after a rule asked for it (likely not) or removed it (likely still).",
        "An encrypting rule, followed by a rule for PermissionControlled messages that changes the subject.",
        ON_PREMISES,
        "transport-protection-rules",
    ),
    Question(
        NESTED_GROUPS,
        "Whether members of a nested group count.",
        "A test message to a member of a nested group.",
        SILENT,
        "New-TransportRule",
    ),
    Question(
        RELATION_TO_WHOM,
        "Whether a condition about sender and recipient applies to each recipient, or to the whole message.",
        "A test message to recipients for whom the condition has different results.",
        DISPUTED,
        "New-TransportRule, conditions-and-exceptions",
    ),
    Question(
        AUDIT_SPLITS,
        "Whether a rule in a test mode splits a message.",
        "A rule in Audit mode for some of the recipients, followed by a rule with an any_of condition.",
        SILENT,
    ),
    Question(
        FIELDS_OF_A_COPY,
        "Whether a condition about To or Cc holds in a copy that no longer goes to that person.",
        "A test message to two people, with a rule for one of them, followed by a rule about the To field.",
        SILENT,
        "bifurcation",
    ),
    Question(
        AUDIT_STOPS,
        "Whether ``stop_rule_processing`` of a rule in a test mode stops the later rules. Likely not.",
        "Two rules, the first in Audit mode with stop_rule_processing. Enforce it, or remove the stop.",
        SILENT,
        "New-TransportRule",
    ),
    Question(
        ADDED_RECIPIENTS,
        "Whether later rules consider recipients whom a rule added, see them in the To and Cc fields, or block the "
        "message for them, too. If they do not consider them: whether what they do to the other recipients reaches these "
        "people.",
        "A rule that adds a recipient, followed by a rule for this recipient.",
        SILENT,
        "mail-flow-rule-actions",
    ),
    Question(
        AFTER_REJECTION,
        "Whether later rules still send their reports after a rejection. Likely not.",
        "A rule that rejects, followed by a rule with an incident report.",
        SILENT,
        "configuration-best-practices",
    ),
    Question(
        SPAM_LEVEL,
        "The spam confidence level when the rules run.",
        "A message trace of mail with a spam level.",
        SILENT,
        "New-TransportRule",
    ),
    Question(
        RULE_FAILS,
        "What makes a rule fail on a message.",
        "A message with a large attachment.",
        SILENT,
        "invalid-message-ndr",
    ),
    Question(
        UNSUPPORTED,
        "What a rule does that Exchange does not support, or that has an unknown part. Whether Exchange Online still "
        "evaluates a rule with a condition of data loss prevention (sensitive information) that belongs to no policy.",
        "Rewrite the rule with conditions and actions that Exchange supports.",
        SILENT,
    ),
    Question(
        DATES,
        "When a rule's dates without a time zone begin and end.",
        "Give the rule's dates with an offset from UTC.",
        SILENT,
        "New-TransportRule, manage-mail-flow-rules",
    ),
    Question(
        CLASSIFICATION_FALSE,
        "What ``has_no_classification: false`` means.",
        "Omit has_no_classification, or set it to true.",
        SILENT,
        "New-TransportRule",
    ),
    Question(
        SENDER_LOCATION,
        "Where the sender is, if From field and envelope differ and the rule looks at the envelope.",
        "Set the rule's sender_address_location to Header, or test an automatic reply.",
        SILENT,
        "understand-troubleshoot-oof-replies",
    ),
    Question(
        WORD_BORDERS,
        "Where a word ends: next to punctuation or an underscore, in scripts without spaces, in a phrase with different white "
        "space, or where accents or invisible characters differ.",
        "Test-Message with such a text.",
        SILENT,
        "conditions-and-exceptions",
    ),
    Question(
        PATTERN_SYNTAX,
        "What a pattern matches that has a construct on which Microsoft's pages disagree, such as ``\\b`` or a "
        "look-around, if the rest of the pattern is in the text. The option ``dialect: dotnet`` relies on .NET for most of them.",
        "Rewrite the pattern with syntax that the sources agree on, or rely on .NET's with dialect: dotnet.",
        DISPUTED,
        "configuration-best-practices, use-rules-to-route-email",
    ),
    Question(
        UNAUTHENTICATED_INSIDE,
        "Whether unauthenticated mail to one of your addresses without a mailbox goes inside. Likely yes.",
        "A test message from outside to such an address.",
        DISPUTED,
        "New-TransportRule, common-attachment-blocking-scenarios, define-mail-flow-rules-to-encrypt-email",
    ),
    Question(
        GUESTS,
        "Whether guests and mail users are inside. Likely not.",
        "A test message to a guest.",
        DISPUTED,
        "New-TransportRule",
    ),
    Question(
        REMOTE_DOMAINS,
        "Whether a remote domain makes somebody internal, if the remote domains are unknown. Likely not.",
        "Get-RemoteDomain.",
        NOT_GIVEN,
        "Set-RemoteDomain",
    ),
    Question(
        AUTHENTICATED,
        "Whether the message was authenticated, if that was not given.",
        "The header X-MS-Exchange-Organization-AuthAs of such mail.",
        NOT_GIVEN,
        "Set-InboundConnector",
    ),
    Question(
        AT_THE_LIMIT,
        "Whether a size of exactly the limit is over the limit, and whether a rule sees the size that a message trace has.",
        "A test message of exactly the limit.",
        DISPUTED,
        "New-TransportRule, conditions-and-exceptions, inspect-message-attachments",
    ),
    Question(
        ALIASES,
        "Whether ``recipient_address_type: Original`` makes ``sent_to``, ``recipient_domain_is`` and groups look at an "
        "alias, and whether an alias in the To or Cc field names its owner. Whether ``ann+news@`` is ``ann@`` for a rule, "
        "and whether a domain in letters is the same one in ASCII (``xn--``).",
        "A test message to a secondary address.",
        SILENT,
        "New-TransportRule",
    ),
    Question(
        PDF,
        "What happens to mail with a PDF document while ``enable_pdf_encryption`` is false.",
        "A test message with a PDF document, or set enable_pdf_encryption.",
        DISPUTED,
        "Set-IRMConfiguration",
    ),
    Question(
        FORWARDED,
        "Whether forwarded mail, or mail with a forged sender, is encrypted.",
        "A forwarded test message, and one with a forged sender.",
        SILENT,
        "define-mail-flow-rules-to-encrypt-email",
    ),
    Question(
        SMIME_SIGNED,
        "What happens to mail with an S/MIME signature that a rule encrypts.",
        "A test message with an S/MIME signature.",
        SILENT,
    ),
    Question(
        LICENSING_OFF,
        "What happens to mail that a rule encrypts while rights management is off or not activated.",
        "Enable licensing, and activate the service.",
        SILENT,
        "Set-IRMConfiguration",
    ),
    Question(
        SYSTEM_MAIL,
        "Whether automatic replies, receipts and meeting requests are encrypted.",
        "An automatic reply and a meeting request.",
        SILENT,
        "mail-flow-rules",
    ),
    Question(
        UNREADABLE,
        "How a rule treats content that Exchange cannot read, and whether Exchange rejects it if ``transport_decryption_setting`` is ``Mandatory``.",
        "A test message that another organization protected.",
        SILENT,
        "Set-IRMConfiguration",
    ),
    Question(
        TOO_LARGE,
        "What happens to mail over 25 MB that a rule encrypts.",
        "A test message over 25 MB.",
        SILENT,
        "ome-faq",
    ),
    Question(
        WHICH_CONNECTOR,
        "Which outbound connector takes a message if several can, or one is in test mode, and how mail leaves that a rule routes to a connector that "
        "does not take it. Also: whether mail for somebody inside leaves that a rule routes to a connector, or that Exchange may relay to other "
        "servers, and what a connector checks that forces DomainValidation without a name.",
        "A message trace of a test message. Let no more than one connector take mail to a domain.",
        SILENT,
        "New-OutboundConnector",
    ),
    Question(
        DLP_RULES,
        "Whether a DLP rule matches mail, if it looks at more than the sender, the recipient and whether that one is outside, "
        "such as at sensitive information, or at what a mail flow rule changed.",
        "A test message that the DLP rule is about: look at what arrives, and at the event DLP rule of its trace. If a message "
        "has no sensitive information, say it: sensitive_information: false.",
        SILENT,
        "dlp-policy-reference",
    ),
    Question(
        LABELS,
        "Which mail gets a sensitivity label on the way.",
        "A test message: look at the label of what arrives. Where auto-labeling policies were neither read nor told, tell them.",
        SILENT,
        "apply-sensitivity-label-automatically",
    ),
    Question(
        MANY_RECIPIENTS,
        "What happens to mail to 200 and more recipients that a rule encrypts.",
        "A test message to 200 addresses of a test domain. Write to a group, or to fewer at a time.",
        SILENT,
        "encrypted-email-cannot-send-many-recipients",
    ),
    Question(
        SEVERAL_DLP_RULES,
        "Which of several DLP rules that match acts, if one encrypts, decrypts or withholds mail, or sends copies of it, and another "
        "does not, and what a DLP rule that encrypts does with mail that is already protected, or that comes from outside. Also: what becomes of "
        "mail that a DLP rule keeps from its recipient in a way that is not documented, or by a block that its sender may "
        "override; and what a DLP rule that asks for an approval does beside, or whether one that keeps mail from its "
        "recipient sends others copies of it.",
        "Two DLP rules that match one test message: look at what arrives.",
        SILENT,
        "dlp-policy-reference",
    ),
    Question(
        LABEL_IN_TRANSPORT,
        "Whether Exchange encrypts mail that carries an encrypting label and that the sender's program did not encrypt. Likely "
        "yes.",
        "A test message with the label from Outlook on the web: look at what arrives.",
        SILENT,
        "encryption-sensitivity-labels",
    ),
)

#: The questions that an organization can answer by what it does to a message, with what the answers true and false mean.
OBSERVABLE = {
    PROTECTED_BY_NOW: (
        "Later rules see at once what a rule does to protection.",
        "Later rules see a message as it was before rules asked for protection, or removed it.",
    ),
    NESTED_GROUPS: (
        "Members of a nested group count.",
        "Members of a nested group do not count.",
    ),
    AUDIT_SPLITS: (
        "A rule in a test mode splits a message.",
        "A rule in a test mode does not split a message.",
    ),
    FIELDS_OF_A_COPY: (
        "A condition about To or Cc holds in a copy that no longer goes to that person.",
        "A condition about To or Cc does not hold in a copy that no longer goes to that person.",
    ),
    AUDIT_STOPS: (
        "A rule in a test mode with stop_rule_processing stops the later rules.",
        "A rule in a test mode with stop_rule_processing does not stop the later rules.",
    ),
    CLASSIFICATION_FALSE: (
        "has_no_classification: false is true of mail without a classification.",
        "has_no_classification: false is not true of mail without a classification.",
    ),
    UNAUTHENTICATED_INSIDE: (
        "Unauthenticated mail to an address of the organization without an object goes inside.",
        "Unauthenticated mail to an address of the organization without an object does not go inside.",
    ),
    GUESTS: (
        "Guests and mail users are inside, as recipients.",
        "Guests and mail users are outside, as recipients.",
    ),
}

#: Number to its question.
BY_ID = {question.id: question for question in QUESTIONS}

_NUMBER = re.compile(r"\bU\d\d\b")

#: A name or value, in which a number is none.
_QUOTED = re.compile(r"(?<!\w)'[^']*'")


def numbers_told(lines: Iterable[str]) -> list[str]:
    """A line for each question whose number stands in some lines, but in no name: the number, and the first sentence of what nobody
    says, without marks of code.
    """
    texts = (_QUOTED.sub("", line) for line in lines)
    numbers = sorted({number for text in texts for number in _NUMBER.findall(text)} & BY_ID.keys())
    first = {number: BY_ID[number].sentence.partition(". ")[0].rstrip(".") for number in numbers}
    return [f"{number}: {sentence.replace('``', '')}." for number, sentence in first.items()]
