# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and texts that can be written in two ways: plus addresses, domains in Unicode and in ASCII, letters with
accents.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import (
    person,
    spellings,
    without_tag,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

Values = dict[str, Any]

FACTS: Values = {"accepted_domains": ["contoso.com"], "remote_domains": []}
UNICODE, ASCII = "münchen.example", "xn--mnchen-3ya.example"
COMPOSED, APART = unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")


def matched(conditions: Values, facts: Values | None = None, **message: Any) -> bool | str:
    """Whether a rule matches: true, false, or ``unknown``."""
    given = {"from": "megan@contoso.com", "authenticated": True, "to": ["joe@fabrikam.com"], **message}
    rule = {"name": "Rule", "conditions": conditions, "actions": {"set_audit_severity": "Low"}}
    (found,) = (
        Simulator([rule], facts_of(FACTS if facts is None else facts))
        .run(message_of(given, "", "message"))["recipients"]
        .values()
    )
    return found["rules"][0]["matched"] if found["rules"] else False


@pytest.mark.parametrize("option", ["sent_to", "any_of_to_header"])
def test_a_plus_address_may_be_the_one_without_its_tag(option: str) -> None:
    """Plus addressing is on unless the organization turned it off."""
    to: Values = {"to": ["ann+offers@contoso.com"]}
    assert matched({option: ["ann@contoso.com"]}, **to) == "unknown"
    assert matched({option: ["bob@contoso.com"]}, **to) is False
    assert (
        matched(
            {option: ["ann@contoso.com"]},
            {**FACTS, "organization_config": {"disable_plus_address_in_recipients": True}},
            **to,
        )
        is False
    )
    assert (
        matched(
            {option: ["ann@contoso.com"]}, {**FACTS, "mailboxes": ["ann+offers@contoso.com", "ann@contoso.com"]}, **to
        )
        is False
    )
    assert matched({option: ["ann@contoso.com"]}, {**FACTS, "mailboxes": ["bob@contoso.com"]}, **to) is False
    assert matched({option: ["ann@fabrikam.com"]}, to=["ann+offers@fabrikam.com"]) is False


def test_a_domain_may_be_written_in_unicode_or_in_ascii() -> None:
    for one, other in ((UNICODE, ASCII), (ASCII, UNICODE)):
        assert matched({"recipient_domain_is": [one]}, to=[f"ann@{one}"]) is True
        assert matched({"recipient_domain_is": [one]}, to=[f"ann@{other}"]) == "unknown"
        assert matched({"sent_to": [f"ann@{one}"]}, to=[f"ann@{other}"]) == "unknown"
        assert matched({"sender_domain_is": [one]}, **{"from": f"ann@{other}"}) == "unknown"
        assert matched({"recipient_domain_is": ["other.example"]}, to=[f"ann@{other}"]) is False
    assert spellings("ann@contoso.com") == ()
    assert spellings(f"ann@{UNICODE}") == (f"ann@{ASCII}",)


@pytest.mark.parametrize(("word", "text"), [(COMPOSED, APART), (APART, COMPOSED), ("cafe", APART)])
def test_a_letter_and_its_accent_may_be_one_character_or_two(word: str, text: str) -> None:
    assert matched({"subject_contains_words": [word]}, subject=f"our {text}") == "unknown"
    assert matched({"subject_or_body_contains_words": [word]}, body=f"our {text}") == "unknown"
    assert matched({"subject_contains_words": [text]}, subject=f"our {text}") is True
    assert matched({"subject_matches_patterns": [COMPOSED]}, subject=f"our {APART}") == "unknown"
    assert matched({"subject_contains_words": ["cafe"]}, subject=f"our {COMPOSED}") is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(
            ("a@b.com", "a@b.com"),
            ("<a@b.com>", "a@b.com"),
            ("Ann Doe <a@b.com>", "a@b.com"),
            ("SMTP:a@b.com", "a@b.com"),
            ('"x y"@b.com', '"x y"@b.com'),
        ),
        *(("Ext Contact", "Ext Contact"), ("Ann <Doe>", "Ann <Doe>"), (" Ann ", "Ann")),
    ],
)
def test_a_person_is_an_address_or_a_name(text: str, expected: str) -> None:
    assert person(text) == expected


def test_only_a_tag_is_left_out() -> None:
    assert [without_tag(each) for each in ("a+b@c.com", "a+b+c@c.com", "+a@c.com", "a+@c.com", "a@c.com")] == [
        *("a@c.com", "a@c.com", "+a@c.com", "a+@c.com", "a@c.com")
    ]
