# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proof takes for granted always, and what would settle what is unknown, in an administrator's words. Private to the collection."""

from __future__ import annotations

#: Assumptions behind every proof: nothing in the rules could tell.
ALWAYS: tuple[dict[str, str], ...] = (
    {"id": "settled", "text": "The rules have been in effect for some hours: Exchange applies a change late."},
    {"id": "rule_errors", "text": "No rule fails on the message, as one may that looks into large attachments (rule_error_action)."},
    {"id": "configured", "text": "Message encryption is set up and works."},
    {"id": "system_mail", "text": "The message is no non-delivery report, journal report or rule report, which rules do not see or may not see."},
    {"id": "later", "text": "Purview DLP, automatic labels, filters and other systems after the rules leave the protection as it is."},
)

#: Where rules add recipients, or send mail to others instead.
NAMED_ONLY = {"id": "U09", "text": "The recipient is one whom the sender names. Whoever gets a copy since a rule adds or redirects is not looked at."}

#: Where a question took more conflicts than it may.
BUDGET = {"id": "budget", "reason": "the question takes more steps than are allowed", "settled_by": "Fewer or simpler conditions in the rules that overlap."}

#: Where nothing names what is open.
NOT_FOUND = {"id": "U00", "reason": "no message was found that surely breaks it, and none is ruled out", "settled_by": "A message of your own as a test."}

_SETTLED_BY = {
    "U00": "Give the fact, as an option or in the message.",
    "U01": "Two rules with different templates on one test message: read the label of what arrives, then swap the rules.",
    "U02": "An encrypting and a decrypting rule on one test message, in both orders.",
    "U03": "An encrypting rule, then a rule for PermissionControlled messages that changes the subject.",
    "U04": "A test message to a member of a nested group.",
    "U05": "A test message to recipients on whom the condition differs.",
    "U06": "A rule in Audit mode that is for some recipients, then a rule with an any_of condition.",
    "U07": "A test message to two people, a rule for one of them, then a rule about the To field.",
    "U08": "Two rules: the first in Audit mode with stop_rule_processing. Enforce it, or take the stop out.",
    "U09": "A rule that adds a recipient, then a rule for this recipient.",
    "U11": "A message trace of mail with a spam level.",
    "U12": "A message with a large attachment.",
    "U13": "Rewrite the rule with conditions and actions that Exchange supports.",
    "U14": "Give the rule's dates with an offset from UTC.",
    "U15": "Leave has_no_classification out, or set it to true.",
    "U16": "Let the rule look at the Header alone, or test an automatic reply.",
    "U17": "Test-Message over such subjects.",
    "U18": "Rewrite the pattern with what the sources agree on.",
    "U19": "A test message from outside to such an address.",
    "U20": "A test message to a guest.",
    "U21": "Get-RemoteDomain.",
    "U22": "The header X-MS-Exchange-Organization-AuthAs of such mail.",
    "U23": "A test message of exactly the limit.",
    "U24": "A test message to a secondary address.",
    "U25": "A test message with a PDF document, or set enable_pdf_encryption.",
    "U26": "A forwarded test message, and one with a forged sender.",
    "U27": "A test message with an S/MIME signature.",
    "U28": "Switch licensing on.",
    "U29": "An automatic reply and a meeting request.",
    "U30": "A test message that another organization protected.",
    "U31": "A test message over 25 MB.",
}


def settled_by(number: str) -> str:
    """What would settle an open question: the smallest experiment."""
    return _SETTLED_BY.get(number, "A test message.")
