# SPDX-License-Identifier: GPL-3.0-or-later
"""What only mail can tell. The suite sends none: somebody has to, in a tenant for tests, and then knows what the
simulation says "unknown" to.
"""

from __future__ import annotations

#: Number, under which the simulation names it; what is not known; the smallest experiment.
ONLY_MAIL_TELLS: tuple[tuple[str, str, str], ...] = (
    (
        "U01",
        "which of two templates, or of two brandings, a message gets",
        "two rules that match one message; read its protection; swap the rules",
    ),
    ("U02", "whether a rule that encrypts or one that decrypts wins", "both kinds of rule on one message"),
    (
        "U03",
        "whether a later rule takes mail for protected that an earlier one protects",
        "a second rule on PermissionControlled that marks the subject",
    ),
    ("U04", "nested, dynamic and stale group memberships", "members of each kind, and one who has just left"),
    (
        "U05",
        "conditions about several recipients: each by itself, or all together",
        "recipients that differ, and a rule that rejects",
    ),
    ("U06", "whether a rule in test mode splits a message", "a rule in test mode, then one about any recipient"),
    (
        "U07",
        "conditions about the To field after a message was split",
        "a rule about a person in To, after one that splits",
    ),
    ("U08", "whether stopping works in test mode", "a rule in test mode that stops, and one behind it"),
    (
        "U09",
        "whether later rules see recipients that an earlier one adds",
        "a rule that adds a recipient, then one about that recipient",
    ),
    ("U10", "whether rules run behind a rejection", "a rule that rejects, then one with an incident report"),
    ("U11", "the spam level when rules run", "the message trace of a message with a rule about its level"),
    ("U12", "what makes a rule fail, and how often it is tried", "an attachment that cannot be read in time"),
    ("U13", "what a rule does that Exchange calls unsupported", "wait for one"),
    ("U14", "the edges of a rule's time, and dates without a zone", "a rule that begins on the hour"),
    ("U15", "has_no_classification: false", "a message with and one without a classification"),
    ("U16", "senders whose header and envelope differ in scope", "such a message, for each sender_address_location"),
    ("U17", "where a word ends", "Test-Message over subjects with signs inside of words"),
    ("U18", "patterns beyond the common ones", "Test-Message over a list of patterns"),
    ("U19", "recipients of own domains without an object", "unauthenticated mail to one"),
    ("U20", "guests: inside or outside", "mail to a guest"),
    ("U21", "remote domains that are marked as internal", "mail to one"),
    (
        "U22",
        "who counts as authenticated",
        "the header X-MS-Exchange-Organization-AuthAs of mail from devices and connectors",
    ),
    ("U23", "sizes that are exactly the limit", "a file of 10 MB"),
    ("U24", "what recipient_address_type: Original changes", "mail to an alias"),
    ("U25", "PDF attachments where they are not encrypted", "one in a protected message"),
    ("U26", "encryption of mail that was forwarded or relayed", "a mailbox that forwards outside"),
    ("U27", "encryption of signed mail", "one with S/MIME"),
    ("U28", "rules that encrypt while rights management is off", "switch it off, and send"),
    ("U29", "encryption of automatic replies, receipts and meetings", "one of each"),
    ("U30", "content conditions on mail that is protected already", "one from each kind of sender"),
    ("U31", "encryption above 25 MB", "one of 26 MB"),
    ("U35", "encryption of mail to 200 and more recipients", "one to 200 addresses of a test domain"),
)
