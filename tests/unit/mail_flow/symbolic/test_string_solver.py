# SPDX-License-Identifier: GPL-3.0-or-later
"""Unusual texts and addresses: what no person would write, but the simulator accepts, is mail, too. A message that
breaks each false proof is given.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.keys import holds
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import (
    TRUE,
    UNKNOWN,
    Literal,
    Value,
    high,
    low,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.expressions import Dialect, parse
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.patterns import (
    Search,
    has_pattern,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.words import HALF_ASCII
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.circuit import Circuit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_text_edits import (
    Changer,
    last_looks,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import Logic
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.string_solver import (
    find_text,
    is_impossible,
)

from tests.unit.mail_flow.answers import difference, lint, prove
from tests.unit.mail_flow.asking import ENCRYPT, NOW, STOP
from tests.unit.mail_flow.small_worlds import Claim, SmallWorld

Values = dict[str, Any]

FACTS: Values = {"accepted_domains": ["contoso.com"], "remote_domains": []}
IN: Values = {"from_scope": "InOrganization"}


def rule(conditions: Values | None = None, actions: Values = ENCRYPT, exceptions: Values | None = None) -> Values:
    return {"conditions": conditions or {}, "exceptions": exceptions or {}, "actions": actions}


def named(rules: Sequence[Values]) -> list[Values]:
    return [{"name": f"R{place}", "priority": place, **each} for place, each in enumerate(rules)]


def sent(**message: Any) -> Values:
    whole = {
        "from": "bob@contoso.com",
        "authenticated": True,
        "to": ["ann@fabrikam.com"],
        "protection": {"kind": "none"},
        **message,
    }
    return {
        **whole,
        "mail_from": whole["from"],
        "cc": [],
        "bcc": [],
        "attachments": [],
        "subject": "",
        "body": "",
        "headers": {},
        **message,
    }


def outcomes(rules: Sequence[Values], message: Values, facts: Mapping[str, Any] | None = None) -> Values:
    """What the simulator says, by recipient."""
    found: Values = Simulator(RuleSet(named(rules)), facts_of(facts or FACTS)).run(
        message_of({**message, "date": NOW}, "", "m")
    )["recipients"]
    return found


def protections(rules: Sequence[Values], message: Values, facts: Mapping[str, Any] | None = None) -> set[str]:
    return {each["protection"] for each in outcomes(rules, message, facts).values()}


def by_emulator(rules: Sequence[Values], message: Values, claim: Claim, facts: Mapping[str, Any] | None = None) -> str:
    """What the emulator says about a claim and one message."""
    empty: Values = {
        "mailboxes": [],
        "mail_users": [],
        "contacts": [],
        "groups": {},
        "managers": {},
        "attributes": {},
        "proxy_addresses": {},
    }
    domains = [
        {"name": name, "type": "Authoritative", "match_subdomains": False}
        for name in (facts or FACTS)["accepted_domains"]
    ]
    tenant = {**empty, "mailboxes": ["bob@contoso.com"], **(facts or FACTS), "accepted_domains": domains}
    return SmallWorld(tenant, [{**message, "date": NOW.isoformat()}]).verdicts(named(rules), [claim])[0].says


def proofs(
    rules: Sequence[Values],
    *claims: tuple[Values, Values],
    facts: Mapping[str, Any] | None = None,
    then: str = "not_in_clear",
) -> list[Values]:
    """The verdicts on mail of some conditions, but not of others."""
    asked = [
        {"name": f"G{place}", "when": when, "unless": unless, "then": then}
        for place, (when, unless) in enumerate(claims)
    ]
    return prove(named(rules), facts or FACTS, asked, NOW)


#: Rules before and after, and a message that they treat differently.
LOST = {
    "plus": ({"recipient_address_matches_patterns": [r"\+"]}, {}, sent(to=["ann+x@fabrikam.com"])),
    "accent": ({"recipient_address_matches_patterns": ["é"]}, {}, sent(to=["é@fabrikam.com"])),
    "digits at the end": ({"recipient_address_matches_patterns": [r"\.\d+$"]}, {}, sent(to=["ann@10.0.0.1"])),
    "not a plain sender": (
        {},
        {"from_address_matches_patterns": ["^[a-z0-9.@_-]+$"]},
        sent(**{"from": "o'brien@contoso.com"}),
    ),
}


@pytest.mark.parametrize("case", LOST)
def test_an_address_may_have_any_form(case: str) -> None:
    conditions, exceptions, message = LOST[case]
    before, stop = [rule(IN)], rule(conditions, STOP, exceptions)
    assert protections(before, message) == {"encrypt"}
    assert protections([stop, *before], message) == {"none"}
    found = difference(named(before), [{"name": "New", **stop}, *named(before)], FACTS, NOW)
    assert [row["kind"] for row in found.rows] == ["protection_lost"]
    assert [each["verdict"] for each in proofs([stop, *before], (IN, {}), (IN, {}))] == ["refuted", "refuted"]
    assert by_emulator([stop, *before], message, Claim(IN, {}, "not_in_clear")) == "refuted"


def test_an_address_in_a_witness_is_as_plain_as_it_can_be() -> None:
    stop = rule({"recipient_address_matches_patterns": [r"\+"]}, STOP)
    (found,) = proofs([stop, rule(IN)], (IN, {}))
    assert found["counterexample"]["recipient"] == "recipient+@example.org"
    stop = rule({"recipient_address_matches_patterns": [r"^\w+\d@"]}, STOP)
    (found,) = proofs([stop, rule(IN)], (IN, {}))
    assert found["counterexample"]["recipient"] == "a0@a.a"


def test_a_header_that_is_missing_is_not_an_empty_one() -> None:
    """L18."""
    rules = [rule(IN, exceptions={"header_matches_message_header": "X-Foo", "header_matches_patterns": [".*"]})]
    assert protections(rules, sent()) == {"encrypt"}
    assert protections(rules, sent(headers={"X-Foo": [""]})) == {"none"}
    assert [row["kind"] for row in difference([], named(rules), FACTS, NOW).rows] == ["protection_gained"]
    (found,) = proofs(rules, (IN, {}))
    assert found["counterexample"]["message"]["headers"] == {"x-foo": "x"}


def test_a_header_may_be_there_twice() -> None:
    first, second = (
        {"header_matches_message_header": "X-C", "header_matches_patterns": [pattern]} for pattern in ("^a$", "^b$")
    )
    rules = [rule({**IN, **first}, exceptions=second)]
    message = sent(headers={"X-C": ["a", "b"]})
    assert protections(rules, message) == {"none"}
    for _again in range(2):
        (found, _same) = proofs(rules, ({**IN, **first}, {}), ({**IN, **first}, {}))
        assert found["counterexample"]["message"]["headers"] == {"x-c": ["a", "b"]}
    without = [rule({**IN, **first})]
    assert [row["kind"] for row in difference(named(rules), named(without), FACTS, NOW).rows] == ["protection_gained"]
    assert by_emulator(rules, message, Claim({**IN, **first}, {}, "not_in_clear")) == "refuted"


def test_a_word_that_is_open_is_no_law() -> None:
    """U17: whether ``encrypt:`` is a word where a letter follows."""
    rules = [rule({**IN, "subject_matches_patterns": ["encrypt:([^a-z0-9]|$)"]})]
    when = {**IN, "subject_contains_words": ["encrypt:"]}
    assert protections(rules, sent(subject="encrypt:report")) == {"none"}
    found = proofs(rules, (when, {}), (when, {}))
    assert [(each["verdict"], each["unknown"][0]["id"]) for each in found] == [("unknown", "U17"), ("unknown", "U17")]


def test_nothing_is_learned_from_a_spam_level_that_there_is_not() -> None:
    found = proofs([rule({**IN, "scl_over": -1})], (IN, {}), (IN, {}))
    assert [each["verdict"] for each in found] == ["unknown", "unknown"]


def test_a_relation_that_is_learned_does_not_change_an_answer() -> None:
    """The sender is inside, but in another domain: only a guest is (U20), so that there are none cannot be assumed."""
    when = {**IN, "from_address_matches_patterns": ["@fab"]}
    found = proofs(
        [rule({"recipient_address_matches_patterns": [r"\W"]}, STOP), rule(IN)], (when, {}), (when, {}), (when, {})
    )
    assert [each["verdict"] for each in found] == ["unknown"] * 3
    assert {reason["id"] for each in found for reason in each["unknown"]} == {"U20"}


def test_of_two_patterns_one_of_which_every_address_has_the_message_has_one() -> None:
    """A relation between two atoms that no question is about still leaves a choice."""
    exceptions = {"recipient_address_matches_patterns": ["[^a-z]", "^[a-z0-9.@_-]+$"]}
    found = proofs([rule({}, {"set_audit_severity": "Low"}, exceptions)], (IN, {}), (IN, {}))
    assert [each["verdict"] for each in found] == ["refuted", "refuted"]


def test_a_pattern_that_nothing_matches_proves_nothing_else() -> None:
    for option in ("attachment_matches_patterns", "attachment_name_matches_patterns"):
        found = proofs([rule({option: ["a^b"]}, STOP)], (IN, {}), (IN, {}))
        assert [each["verdict"] for each in found] == ["refuted", "refuted"]
    found = proofs([rule({"subject_matches_patterns": ["a^b"]}, STOP), rule(IN)], (IN, {}), (IN, {}))
    assert [each["verdict"] for each in found] == ["proved", "proved"]


def test_a_pattern_for_addresses_may_be_one_without_an_agreed_meaning() -> None:
    rules = [rule({"from_address_matches_patterns": ["(?=x)"]}, STOP), rule(IN)]
    (found,) = proofs(rules, (IN, {}))
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U18"])


#: Atoms to have and to lack, and a text that perhaps does.
POSSIBLE: list[tuple[list[Any], list[Any], str]] = [
    ([("word", "encrypt:")], [("pattern", ("encrypt:([^a-z0-9]|$)", False))], "encrypt:report"),
    ([("word", "top secret")], [("pattern", ("top secret", False))], "top  secret"),
    ([("word", "strasse")], [("pattern", ("strasse", False))], "straße"),
    ([("pattern", ("^b$", False)), ("word", "c")], [], "c\nb"),
    ([("pattern", ("^b$", False))], [("pattern", ("^[ab]", True))], "c\nb"),
    ([("pattern", ("[à-ÿ]", False))], [("pattern", (r"\w", False))], "÷"),
]


@pytest.mark.parametrize(("wanted", "unwanted", "text"), POSSIBLE)
def test_a_text_that_may_be_is_not_impossible(wanted: list[Any], unwanted: list[Any], text: str) -> None:
    assert all(holds(text, key) is not False for key in wanted)
    assert not any(holds(text, key) is True for key in unwanted)
    assert not is_impossible(wanted, unwanted)


@pytest.mark.parametrize("pattern", ["k", "[^k]", "s", "[a-t]", "i", "[^i]", r"\w", r"[^\w]", "[à-ÿ]", "µ", "(k|ß)+x"])
def test_a_letter_is_the_same_to_both_kinds_of_search(pattern: str) -> None:
    search = Search(parse(pattern))
    for text in map(chr, [*range(0x250), 0x3BC, 0x1E9E, 0x2126, 0x212A, 0x212B, 0x4E2D, 0xFB00]):
        quick = re.search(pattern, text, re.IGNORECASE) is not None
        found = has_pattern(text, pattern)  # Open where comparisons disagree.
        assert (found, search.states.matches(text, False)) == (found if text in HALF_ASCII else quick, quick), text


def test_all_patterns_read_lines_alike() -> None:
    """Where one of them finds the beginning of a line, so does a wider one."""
    assert is_impossible([("pattern", ("^b$", False))], [("pattern", ("^[ab]", False))])
    assert is_impossible([("pattern", ("[.]b$", False))], [("pattern", ("[.](b|c)$", False))])
    assert not is_impossible([("pattern", ("^b", False))], [("pattern", ("^b$", False))])
    assert not is_impossible([("pattern", ("(?m)^b$", False))], [("pattern", ("^[ab]", False))])


def test_a_text_that_cannot_be_is_impossible() -> None:
    assert is_impossible([("pattern", ("^abc$", False))], [("pattern", ("a", False))])
    assert (
        is_impossible([("word", "offer")], [("pattern", ("f", False))]) is False
    )  # With a letter that folds to several, it is open.
    assert is_impossible([("word", "red")], [("pattern", ("e", False))])
    assert is_impossible([], [("pattern", (".*", False))])
    assert find_text([("word", "red")], [("pattern", ("e", False))]) is None


@pytest.mark.parametrize(
    "condition",
    [
        {"recipient_address_matches_patterns": [r"\.fabrikam\.com$"]},
        {"recipient_address_contains_words": [".fabrikam.com"]},
    ],
    ids=["pattern", "word"],
)
def test_a_domain_comes_after_a_dot_or_after_the_at_sign(condition: Values) -> None:
    rules, when, message = [rule({**IN, **condition})], {**IN, "recipient_domain_is": ["fabrikam.com"]}, sent()
    assert protections(rules, message) == {"none"}
    assert by_emulator(rules, message, Claim(when, {}, "not_in_clear")) == "refuted"
    assert [each["verdict"] for each in proofs(rules, (when, {}))] == ["refuted"]
    wider = [rule(when)]
    assert difference(named(wider), named(rules), FACTS, NOW).rows[0]["kind"] == "protection_lost"
    excepted = named([rule({**IN, "recipient_domain_is": ["fabrikam.com"]}, exceptions=condition)])
    assert lint(excepted, FACTS, NOW) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"recipient_address_matches_patterns": [r"[.@]fabrikam\.com$"]},
        {"recipient_address_contains_words": ["fabrikam.com"]},
    ],
    ids=["pattern", "word"],
)
def test_what_every_address_of_a_domain_ends_with_is_known(condition: Values) -> None:
    (found,) = proofs([rule({**IN, **condition})], ({**IN, "recipient_domain_is": ["fabrikam.com"]}, {}))
    assert found["verdict"] == "proved"


def test_a_word_of_a_domain_that_touches_a_letter_is_open() -> None:
    """U17: whether ``@contoso.com`` is a word in ``bob@contoso.com``."""
    rules, when = (
        [rule({**IN, "recipient_address_contains_words": ["@contoso.com"]})],
        {**IN, "sent_to_scope": "InOrganization"},
    )
    assert protections(rules, sent(to=["amy@contoso.com"])) == {"unknown"}
    (found,) = proofs(rules, (when, {}))
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U17"])


def test_what_is_open_about_a_word_is_open_about_the_words_and_patterns_in_it() -> None:
    for inner in ({"subject_matches_patterns": ["top secret"]}, {"subject_contains_words": ["top secret"]}):
        claim = ({**IN, "subject_contains_words": ["very top secret"]}, {})
        (found,) = proofs([rule({**IN, **inner})], claim)
        assert (found["verdict"], {each["id"] for each in found["unknown"]}) == ("unknown", {"U17"})
    for inner in ({"subject_matches_patterns": [r"top\s+secret"]}, {"subject_contains_words": ["secret"]}):
        claim = ({**IN, "subject_contains_words": ["very top secret"]}, {})
        assert [each["verdict"] for each in proofs([rule({**IN, **inner})], claim)] == ["proved"]


@pytest.mark.parametrize(
    "more",
    [{"contacts": ["c@partner.com"]}, {"mailboxes": ["bob@contoso.com"], "mail_users": []}],
    ids=["contact", "no object"],
)
@pytest.mark.parametrize(
    "to", [{"sent_to": ["c@partner.com"]}, {"recipient_domain_is": ["partner.com"]}], ids=["named", "not named"]
)
def test_attributes_of_somebody_who_is_no_object_do_not_count(more: Values, to: Values) -> None:
    """The conditions are about users of the organization only."""
    facts = {**FACTS, **more, "attributes": {"c@partner.com": {"Department": "Sales"}}}
    rules = [rule(IN, exceptions={"recipient_ad_attribute_contains_words": ["Department:Sales"]})]
    assert protections(rules, sent(to=["c@partner.com"]), facts) == {"encrypt"}
    (found,) = proofs(rules, ({**IN, **to}, {}), facts=facts)
    assert found["verdict"] == "proved"


@pytest.mark.parametrize(
    "to", [{"sent_to": ["c@partner.com"]}, {"recipient_domain_is": ["partner.com"]}], ids=["named", "not named"]
)
def test_attributes_of_somebody_of_whom_more_is_not_known_count(to: Values) -> None:
    facts = {**FACTS, "attributes": {"c@partner.com": {"Department": "Sales"}}}
    rules = [rule(IN, exceptions={"recipient_ad_attribute_contains_words": ["Department:Sales"]})]
    assert protections(rules, sent(to=["c@partner.com"]), facts) == {"none"}
    (found,) = proofs(rules, ({**IN, **to}, {}), facts=facts)
    assert found["verdict"] != "proved"


#: An action that changes what later rules see, the condition of a rule after it, and what the sender wrote.
CHANGED = {
    "anchor": ({"prepend_subject": "[EXT] "}, {"subject_matches_patterns": [r"^\[EXT\]"]}, {"subject": "hi"}),
    "lines": ({"prepend_subject": "secret "}, {"subject_matches_patterns": ["(?im)secret"]}, {"subject": "hi"}),
    "lines and anchor": (
        {"prepend_subject": "secret "},
        {"subject_matches_patterns": ["(?m)^secret"]},
        {"subject": "hi"},
    ),
    "whole": ({"prepend_subject": "secret"}, {"subject_matches_patterns": ["^secret$"]}, {"subject": ""}),
    "line break": (
        {"apply_html_disclaimer_text": "<p>Top secret</p>", "apply_html_disclaimer_location": "Prepend"},
        {"subject_or_body_matches_patterns": [r"secret\s"]},
        {"body": "hi"},
    ),
    "line break after the text": (
        {"apply_html_disclaimer_text": "<p>Legal</p>", "apply_html_disclaimer_location": "Append"},
        {"subject_or_body_matches_patterns": [r"secret\s"]},
        {"body": "top secret"},
    ),
    "line break before the disclaimer": (
        {"apply_html_disclaimer_text": "<p>Legal</p>", "apply_html_disclaimer_location": "Append"},
        {"subject_or_body_matches_patterns": [r"\slegal"]},
        {"body": "hi"},
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_later_rules_see_all_of_a_changed_text(case: str) -> None:
    change, condition, text = CHANGED[case]
    rules, message = [rule(IN, change), rule(condition, STOP), rule(IN)], sent(**text)
    assert protections(rules, message) == {"none"}
    assert by_emulator(rules, message, Claim(IN, condition, "not_in_clear")) == "refuted"
    assert proofs(rules, (IN, condition))[0]["verdict"] != "proved"


@pytest.mark.parametrize("pattern", [r"^\[secure\]", r"(?im)^\[secure\]", r"^(\[secure\]|confidential)"])
def test_a_pattern_for_the_beginning_of_subjects_never_matches_behind_a_prefix(pattern: str) -> None:
    """A subject of one line has one beginning. What leans on that says so."""
    encrypts = rule({**IN, "subject_matches_patterns": [pattern]})
    tags = rule(actions={"prepend_subject": "[EXT] "})
    assert protections([tags, encrypts], sent(subject="[secure] offer")) == {"none"}
    for rules, verdict, said in (([tags, encrypts], "proved", True), ([encrypts], "refuted", False)):
        (found,) = proofs(rules, (IN, {}), then="unencrypted")
        assert found["verdict"] == verdict
        assert ("U18" in {assumption["id"] for assumption in found["assumptions"]}) is said


def test_a_subject_of_two_lines_is_not_decided_by_a_pattern_for_the_beginning() -> None:
    rules = [rule(actions={"prepend_subject": "[EXT] "}), rule({**IN, "subject_matches_patterns": [r"^\[secure\]"]})]
    assert protections(rules, sent(subject="offer\n[secure]")) == {"unknown"}


@pytest.mark.parametrize("html", ["<p>Regards</p><p>secure</p>", "Regards<br/>secure"])
def test_words_end_where_a_paragraph_does(html: str) -> None:
    """They were put together, so that the word of the second paragraph was not found."""
    words = {"subject_or_body_contains_words": ["secure"]}
    rules = [rule(IN, {"apply_html_disclaimer_text": html}), rule(words, STOP), rule(IN)]
    assert protections(rules, sent()) == {"none"}
    assert [each["verdict"] for each in proofs(rules, (IN, words))] == ["refuted"]


def test_white_space_where_two_texts_meet_is_open() -> None:
    words = {"subject_or_body_contains_words": ["top secret"]}
    for plain, location, body in (
        ("top ", "Prepend", "secret"),
        (" secret", "Append", "top"),
        ("x top", "Prepend", "secret"),
    ):
        rules = [
            rule(IN, {"apply_html_disclaimer_text": plain, "apply_html_disclaimer_location": location}),
            rule(words, STOP),
            rule(IN),
        ]
        assert protections(rules, sent(body=body)) == {"unknown"}
        assert [each["verdict"] for each in proofs(rules, (IN, words))] == ["unknown"]
    rules = [rule(IN, {"prepend_subject": "top  "}), rule({"subject_contains_words": ["top secret"]}, STOP), rule(IN)]
    assert protections(rules, sent(subject="secret")) == {"unknown"}
    assert [each["verdict"] for each in proofs(rules, (IN, {"subject_contains_words": ["top secret"]}))] == ["unknown"]


PATTERNS = [
    *(
        "a",
        "ab",
        "a b",
        r"a\s",
        r"\sa",
        r"\s+b",
        "^a",
        "a$",
        "^a$",
        "^$",
        "^",
        "$",
        "^ab",
        "b$",
        "^a b$",
        r"^\[",
        r"\[a\]",
        r"\]$",
        "(?i)a",
        "(?im)a",
        "(?m)^a",
    ),
    *(
        "(?m)a$",
        "(?im)^ab$",
        "(?m)^$",
        "[^a]",
        "[^a]b",
        "[ab]+$",
        "^[^a]",
        "a|^b",
        "^a|b$",
        "(a|b)c",
        "a.b",
        "a.*b",
        "a?b",
        "(ab)*c",
        r"\w\w",
        r"\W",
        r"\d",
        r"\D$",
    ),
    *(r"a\Sb", ".", ".*", "x*", "a{2}", "a{2,3}b", "(?:a|b){2}$", r"b\n", r"\na", r"a\W+b"),
]
WORDS = ["a", "ab", "a b", "[a]", "b]", "a:", ":b", "ab a"]
KNOWN = ["a", "ab", "a ", "a  ", "[a] ", "[a]", "b", ": ", "a:", "x", " ", "ab\n", "c a", "aa", "a\nb"]
WRITTEN = ["", "a", "b", "ab", " b", "b a", "[a]", ":b", "c", "aab", "x", "a b", " ", "  b"]


def certainly(value: Value, old: Literal, before: bool) -> bool | None:
    """What a formula over one variable says; None where it leaves it open."""
    ends = (low(value), high(value))
    sure, possible = (end is TRUE or (end is old and before) or (end is ~old and not before) for end in ends)
    return sure if sure == possible else None


def test_what_no_later_rule_looks_for_is_not_followed() -> None:
    """A class of mail of which no rule sees the change was said to be treated differently, perhaps."""
    header = {"header_contains_message_header": "Subject", "header_contains_words": ["offer"]}
    rules = [
        rule({"subject_contains_words": ["secret"]}, STOP),
        rule(header, STOP),
        rule({"subject_matches_patterns": [r"\bx"]}, STOP),
    ]
    rules += [{**rule({"subject_contains_words": ["secret"]}, STOP), "enabled": False}]
    looks = last_looks(RuleSet(rules))["subject"]
    pattern, wider = ("pattern", (r"\bx", Dialect.AGREED)), ("pattern", ("(?m)x", Dialect.AGREED))
    assert looks == {("word", "secret"): 0, ("word", "offer"): 1, pattern: 2, wider: 2}
    changer = Changer(looks, Logic(Circuit(), free=False), "subject")
    assert [changer.near("Secret offer", place) for place in range(3)] == [
        [("word", "offer"), pattern, wider],
        [pattern, wider],
        [],
    ]
    assert changer.held("Secret x", 1) == {pattern: UNKNOWN, wider: TRUE}


@pytest.mark.parametrize(
    ("unless", "verdict"),
    [({"subject_contains_words": ["again"]}, "proved"), ({}, "unknown")],
    ids=["the same", "changed"],
)
def test_a_pattern_that_nobody_knows_stays_what_it_was_until_a_prefix_changes_the_subject(
    unless: Values, verdict: str
) -> None:
    """What each prefix makes of it is followed from where a rule last looked, so that many take no longer than one."""
    pattern = {"subject_matches_patterns": [r"\bsecret"]}
    marks = [rule({**IN, "subject_contains_words": [word]}, {"prepend_subject": "[x] "}) for word in ("first", "again")]
    rules = [marks[0], rule({**IN, **pattern}, ENCRYPT), marks[1], rule(IN, ENCRYPT, exceptions=pattern)]
    assert [each["verdict"] for each in proofs(rules, (IN, unless))] == [verdict]


def test_what_a_pattern_that_nobody_knows_was_before_rule_sets_part_is_the_same_in_both() -> None:
    """Settings are the cause of another difference, of which such a pattern is no part."""
    marks = [
        {"name": word, **rule({**IN, "subject_contains_words": [word]}, {"prepend_subject": "[x] "})}
        for word in ("first", "again")
    ]
    others = [
        {"name": "Stops", **rule({"subject_matches_patterns": [r"\bsecret"]}, STOP)},
        {"name": "Encrypts", **rule(IN, ENCRYPT)},
    ]
    before, after = (named([*some, *others]) for some in (marks, marks[:1]))
    settings = {"azure_rms_licensing_enabled": True, "internal_licensing_enabled": True, "enable_pdf_encryption": True}
    facts = {**FACTS, "irm_configuration": settings}
    rows = difference(before, after, facts, NOW, irm_before={**settings, "enable_pdf_encryption": False}).rows
    assert [{why["id"] for why in each["unknown"]} for each in rows] == [{"U18", "U25"}, {"U25"}]


@pytest.mark.parametrize("how", ["prefix", "before", "after"])
def test_what_is_certain_of_a_changed_text_is_what_the_simulator_finds(how: str) -> None:
    circuit = Circuit()
    past = circuit.variable("before")
    keys = [("word", word) for word in WORDS] + [("pattern", (pattern, False)) for pattern in PATTERNS]
    decided = 0
    for known, text in itertools.product(KNOWN, WRITTEN):
        changer = Changer(dict.fromkeys(keys, 1), Logic(circuit, free=False), "text")
        old = dict.fromkeys(keys, past)
        looked = dict.fromkeys(
            changer.near(known, 0, every=how == "prefix" and known[-1:].isalnum(), phrases=True), past
        )
        new = {
            **old,
            **(
                changer.prefixed(known, looked, "x")
                if how == "prefix"
                else changer.with_disclaimer(known, how == "before", looked, "x")
            ),
        }
        whole = {"prefix": f"{known}{text}", "before": f"{known}\n{text}", "after": f"{text}\n{known}"}[how]
        for key in keys:
            before, after = holds(text, key), holds(whole, key)
            if isinstance(before, bool):
                said = certainly(new[key], past, before)
                assert said is None or said is after, (how, known, text, key)
                decided += said is not None
    assert decided > len(KNOWN) * len(WRITTEN) * len(keys) // 2
