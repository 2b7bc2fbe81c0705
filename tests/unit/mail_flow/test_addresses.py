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
    is_plain_address,
    person,
    spellings,
    without_tag,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, rule, unknown_ids, verdict
from tests.unit.mail_flow.small_worlds import TENANT

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


def test_a_letter_that_two_standards_write_in_two_ways_has_both() -> None:
    sharp = "stra\u00dfe.example"
    assert spellings(sharp) == ("strasse.example", "xn--strae-oqa.example")
    assert spellings("xn--strae-oqa.example") == (sharp,)
    assert matched({"recipient_domain_is": [sharp]}, to=["ann@xn--strae-oqa.example"]) == "unknown"
    assert spellings("ann@xn--99999999.example") == ()


@pytest.mark.parametrize(("one", "other"), [(UNICODE, ASCII), (ASCII, UNICODE)])
def test_whether_an_accepted_or_remote_domain_in_another_spelling_counts_is_open(one: str, other: str) -> None:
    accepts = {**FACTS, "accepted_domains": ["contoso.com", one]}
    internal = {**FACTS, "remote_domains": [{"domain_name": f"*.{one}", "is_internal": True}]}
    for facts, address in ((accepts, f"ann@{other}"), (internal, f"ann@sub.{other}")):
        for scope in ("InOrganization", "NotInOrganization"):
            assert matched({"sent_to_scope": scope}, facts, to=[address]) == "unknown"
    assert matched({"sent_to_scope": "InOrganization"}, accepts, to=[f"ann@{one}"]) is True
    assert matched({"from_scope": "InOrganization"}, accepts, **{"from": f"ann@{other}"}) == "unknown"
    assert matched({"from_scope": "NotInOrganization"}, accepts, **{"from": f"ann@{other}"}) == "unknown"


@pytest.mark.parametrize(("one", "other"), [(UNICODE, ASCII), (ASCII, UNICODE)])
def test_nothing_is_proved_of_a_domain_that_may_be_another_spelling(one: str, other: str) -> None:
    """Found by hand: it was proved of mail of which the simulator does not know whether an exception spares it."""
    when = {**IN, "recipient_domain_is": [other]}
    accepts = {**TENANT, "accepted_domains": ["contoso.com", one]}
    internal = {**TENANT, "remote_domains": [{"domain_name": one, "is_internal": True}]}
    for spared in ({"recipient_domain_is": [one]}, {"sent_to": [f"recipient@{one}"]}):
        assert unknown_ids([{**ALL, "exceptions": spared}], when=when) == ["U24"]
    for facts in (accepts, internal):
        assert unknown_ids([ALL], facts, when=when) == ["U24"]
    assert verdict([ALL], when=when, then="not_in_clear")["verdict"] == "proved"
    assert verdict([rule("Own", when, ENCRYPT)], when=when, then="not_in_clear")["verdict"] == "proved"


@pytest.mark.parametrize(("word", "text"), [(COMPOSED, APART), (APART, COMPOSED), ("cafe", APART)])
def test_a_letter_and_its_accent_may_be_one_character_or_two(word: str, text: str) -> None:
    assert matched({"subject_contains_words": [word]}, subject=f"our {text}") == "unknown"
    assert matched({"subject_or_body_contains_words": [word]}, body=f"our {text}") == "unknown"
    assert matched({"subject_contains_words": [text]}, subject=f"our {text}") is True
    assert matched({"subject_matches_patterns": [COMPOSED]}, subject=f"our {APART}") == "unknown"
    assert matched({"subject_matches_patterns": [APART]}, subject=f"our {COMPOSED}") == "unknown"
    assert matched({"subject_matches_patterns": ["c.f"]}, subject=f"our {COMPOSED}") is True
    assert matched({"subject_contains_words": ["cafe"]}, subject=f"our {COMPOSED}") is False


@pytest.mark.parametrize("invisible", ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff"])
def test_an_invisible_character_in_a_word_leaves_it_open(invisible: str) -> None:
    for subject in (f"our sec{invisible}ret", f"our secret{invisible}s", f"sec{invisible}ret"):
        assert matched({"subject_contains_words": ["secret"]}, subject=subject) == "unknown"
    assert matched({"subject_contains_words": [f"sec{invisible}ret"]}, subject="caf\u00e9 secret") == "unknown"
    assert matched({"subject_contains_words": ["secret"]}, subject=f"our secret{invisible} here") is True
    assert matched({"subject_contains_words": ["secret"]}, subject=f"no{invisible}thing") is False
    assert matched({"subject_contains_words": [invisible]}, subject=f"caf\u00e9 {invisible} x") == "unknown"


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


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a.b@contoso.com", True),
        ("-a_b+c@contoso.com", True),
        ("j\u00f6rg@m\u00fcller.example", True),
        (".a@contoso.com", False),
        ("a.@contoso.com", False),
        ("a..b@contoso.com", False),
        ("a[b@contoso.com", False),
        ('"a b"@contoso.com', False),
        ("a@b_c.example", False),
        ("a@contoso.com.", False),
    ],
)
def test_an_address_is_plain_that_needs_no_quotation_marks(text: str, plain: bool) -> None:
    assert is_plain_address(text) is plain
