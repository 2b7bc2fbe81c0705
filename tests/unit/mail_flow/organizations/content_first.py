# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations with rules about attachments, headers and classifications before all others."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from tests.unit.mail_flow.organizations.organization import LEAVING, Organization, rule

Values = dict[str, Any]

#: Rules about what no row shows, as they stand before all others in most organizations.
EXECUTABLES = rule("Executables", {"attachment_has_executable_content": True}, {"quarantine": True})
FIRST = [
    EXECUTABLES,
    rule("Extensions", {"attachment_extension_matches_words": ["exe", "js"]}, {"reject_message_reason_text": "no"}),
    rule("Unreadable", {"attachment_is_unsupported": True}, {"quarantine": True}),
    rule(
        "Marked",
        {**LEAVING, "header_contains_message_header": "X-Mark", "header_contains_words": ["secret"]},
        {"reject_message_reason_text": "no"},
    ),
    rule("Classified", {**LEAVING, "has_classification": "Secret"}, {"reject_message_reason_text": "no"}),
]


def behind(organization: Organization, *rules: Values) -> Organization:
    return replace(organization, rules=(*rules, *organization.rules))


def unplain(organization: Organization, seed: int) -> Organization:
    """An organization with files that rules about attachments find."""
    mail = organization.mail
    files = (*mail.files, random.Random(seed).choice(("a.exe", "b.js")))
    return replace(organization, mail=replace(mail, files=files))
