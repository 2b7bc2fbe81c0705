# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of card numbers, identity numbers and the like, as rules have them that look for such data: what a rule does
about them is decided, and a message shows it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.expressions import Dialect
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.patterns import has_pattern
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.pattern_samples import samples
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.string_constraints import (
    sample,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.string_solver import (
    BehindPrefix,
    behind,
    find_text,
    is_impossible,
)

from tests.unit.mail_flow.answers import difference
from tests.unit.mail_flow.asking import ENCRYPT, NOW, OUTGOING, compared, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

CONTENT = "subject_or_body_matches_patterns"

#: Kind of data to its pattern, with what all sources agree on.
PATTERNS: dict[str, str] = {
    "visa": r"4\d{15}",
    "mastercard": r"5[1-5]\d{14}",
    "visa, parted": r"4\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}",
    "any card": r"(^|\D)(4\d{3}|5[1-5]\d{2}|6011|65\d{2})[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(\D|$)",
    "american express": r"3[47]\d{2}[ -]?\d{6}[ -]?\d{5}",
    "diners": r"3(0[0-5]|[68]\d)\d{11}",
    "jcb": r"(?:2131|1800|35\d{3})\d{11}",
    "social security": r"\d{3}-\d{2}-\d{4}",
    "social security, perhaps parted": r"\d{3}[- ]?\d{2}[- ]?\d{4}",
    "social security, in use": (r"(^|\s)(00[1-9]|0[1-9]\d|[1-578]\d{2}|6[0-57-9]\d|66[0-57-9])-\d{2}-\d{4}(\s|$)"),
    "taxpayer": r"9\d{2}-[78]\d-\d{4}",
    "employer": r"\d{2}-\d{7}",
    "iban": r"[A-Z]{2}\d{2}[ ]?([A-Z0-9]{4}[ ]?){2,7}[A-Z0-9]{1,4}",
    "german iban": r"DE\d{2} ?(\d{4} ?){4}\d{2}",
    "bic": r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?",
    "routing number": r"(0[1-9]|[12]\d|3[0-2])\d{7}",
    "account": r"(account|acct)\.? ?(no|number)?:? ?\d{6,17}",
    "british passport": r"passport\D{0,20}\d{9}",
    "german passport": r"[CFGHJKLMNPRTVWXYZ0-9]{9}\d",
    "national health service": r"\d{3}[ -]?\d{3}[ -]?\d{4}",
    "national insurance": r"[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
    "medical record": r"(MRN|patient)[ #:]*\d{6,10}",
    "medicare": r"[2-6]\d{3} ?\d{5} ?\d",
    "drug enforcement": r"[ABFGMPRX][A-Z9]\d{7}",
    "diagnosis": r"[A-TV-Z]\d[0-9A-Z]\.[0-9A-Z]{1,4}",
    "french health": r"[12] ?\d{2} ?(0[1-9]|1[0-2]) ?\d{2} ?\d{3} ?\d{3} ?\d{2}",
    "italian fiscal code": r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]",
    "brazilian taxpayer": r"\d{3}\.\d{3}\.\d{3}-\d{2}",
    "aadhaar": r"[2-9]\d{3} ?\d{4} ?\d{4}",
    "swiss insurance": r"756\.\d{4}\.\d{4}\.\d{2}",
    "vehicle": r"[A-HJ-NPR-Z0-9]{17}",
    "date of birth": r"(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])/(19|20)\d{2}",
    "phone": r"\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}",
    "address": r"[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,6}",
    "access key": r"AKIA[0-9A-Z]{16}",
    "private key": r"-----BEGIN [A-Z ]+PRIVATE KEY-----",
    "mark": r"(CONF|SECRET)-\d{4,}",
}

#: As Microsoft's pages and .NET write them, for who says that Exchange reads patterns so.
DOTNET: dict[str, str] = {
    "visa": r"\b4\d{15}\b",
    "social security": r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)",
    "any card": r"\b(?:\d[ -]*?){13,16}\b",
    "labelled": r"(?<=:)\d{8}",
}

#: How a pattern stands in a rule.
FORMS = {"alone": "{}", "whole": "^({})$", "behind a word": "reference:? ?{}"}

DECIDED = ("refuted", "proved", ["protection_gained"])

TAG = rule("Tag", OUTGOING, {"prepend_subject": "[x] "})


def asked(
    condition: Values, exception: Values | None = None, before: Sequence[Values] = (), facts: Values = TENANT
) -> tuple[str, str, list[str]]:
    """The verdict on "this mail is encrypted" without a rule and with one, and the kinds of what the rule changes."""
    about = {"when": {**OUTGOING, **condition}, "then": "encrypted", **({"unless": exception} if exception else {})}
    encrypting = {**rule("Encrypt", about["when"], ENCRYPT), "exceptions": exception or {}}
    found = difference(before, [*before, encrypting], facts, NOW)
    assert found.complete
    return (
        verdict(before, facts, **about)["verdict"],
        verdict([*before, encrypting], facts, **about)["verdict"],
        sorted({row["kind"] for row in found.rows} - {"side_effect_changed"}),
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", PATTERNS)
def test_what_a_rule_does_about_data_is_decided(kind: str, form: str) -> None:
    pattern = FORMS[form].format(PATTERNS[kind])
    assert asked({CONTENT: [pattern]}) == DECIDED
    assert asked({"subject_matches_patterns": [pattern]}) == DECIDED


@pytest.mark.parametrize("kind", PATTERNS)
def test_it_is_decided_with_an_exception_of_other_data(kind: str) -> None:
    kinds = list(PATTERNS)
    other = PATTERNS[kinds[(kinds.index(kind) + 9) % len(kinds)]]
    assert asked({CONTENT: [PATTERNS[kind]]}, {CONTENT: [other]}) == DECIDED
    assert asked({"subject_matches_patterns": [PATTERNS[kind]]}, {"subject_matches_patterns": [other]}) == DECIDED


@pytest.mark.parametrize("kind", PATTERNS)
def test_it_is_decided_behind_a_prefix(kind: str) -> None:
    assert asked({CONTENT: [PATTERNS[kind]]}, before=[TAG]) == DECIDED
    assert asked({"subject_matches_patterns": [PATTERNS[kind]]}, before=[TAG]) == DECIDED


@pytest.mark.parametrize("kind", DOTNET)
def test_what_only_one_dialect_reads_is_decided_in_it(kind: str) -> None:
    condition = {CONTENT: [DOTNET[kind]]}
    assert asked(condition, facts={**TENANT, "dialect": "dotnet"}) == DECIDED
    assert asked(condition) == ("unknown", "proved", ["unknown"])


def test_each_of_many_rules_about_data_is_a_change_of_its_own() -> None:
    rules = [rule(kind, {**OUTGOING, CONTENT: [pattern]}, ENCRYPT) for kind, pattern in PATTERNS.items()]
    every = {**OUTGOING, CONTENT: list(PATTERNS.values())}
    assert verdict(rules, when=every)["verdict"] == "proved"
    found = verdict(rules[:-1], when=every)
    assert found["counterexample"]["message"]["body"] == sample(("pattern", (PATTERNS["mark"], Dialect.AGREED)))
    changed = compared(rules[:-1], rules)
    assert [(row["kind"], row["rules"]) for row in changed.rows] == [("protection_gained", ["mark"])]


def test_a_pattern_that_is_part_of_two_others_is_decided() -> None:
    parts = [
        rule(f"R{digits}", {**OUTGOING, CONTENT: [rf"4[{digits}]\d{{14}}"]}, ENCRYPT) for digits in (r"0-4", r"5-9")
    ]
    card = {**OUTGOING, CONTENT: [r"4[0-9]\d{14}"]}
    assert verdict(parts, when=card)["verdict"] == "proved"
    assert verdict(parts[:1], when=card)["verdict"] == "refuted"
    parted = rule("R", {**OUTGOING, CONTENT: [PATTERNS["visa, parted"]]}, ENCRYPT)
    assert verdict([parted], when={**OUTGOING, CONTENT: [PATTERNS["visa"]]})["verdict"] == "proved"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (PATTERNS["visa"], "4000000000000000"),
        (PATTERNS["iban"], "AA00AAAAAAAAA"),
        (PATTERNS["mark"], "CONF-0000"),
        (r"^\[secure\]", "[secure]"),
        (r"[^\d\s]-?\W", "a "),
        (r".{3}x", "aaax"),
    ],
)
def test_a_sample_is_written_as_its_pattern_is(pattern: str, text: str) -> None:
    assert next(samples(pattern, Dialect.AGREED)) == text


@pytest.mark.parametrize("kind", PATTERNS)
def test_every_kind_of_data_has_a_sample_that_matches(kind: str) -> None:
    assert has_pattern(sample(("pattern", (PATTERNS[kind], Dialect.AGREED))) or "", PATTERNS[kind]) is True


def test_a_pattern_is_searched_for_in_few_steps_from_one_beginning() -> None:
    """With all beginnings in mind, each of these takes two to the power of its length of states."""
    longest = ("pattern", (r"4\d{40}", Dialect.AGREED))
    assert find_text([longest], [("pattern", (r"4\d{41}", Dialect.AGREED))], "40") == "4" + "0" * 40
    for wider in (r"4\d{39}", r"\d{41}", r"[4-6]\d{3}[ -]?\d{35}"):
        assert is_impossible([longest], [("pattern", (wider, Dialect.AGREED))])
    assert not is_impossible([longest], [("pattern", (r"5\d{39}", Dialect.AGREED))])


@pytest.mark.parametrize(
    ("prefix", "pattern", "gains", "loses", "possible"),
    [
        ("[x] ", r"4\d{3}", False, False, True),
        ("[x] ", r"(^|\D)4\d{3}(\D|$)", False, False, True),
        ("x", r"(^|\s)a", False, True, True),
        ("x", r"^a", False, True, False),
        ("x", r"(?m)^a", False, True, False),
        ("a", r"^ab", True, True, True),
        ("4", r"4\d{3}", True, False, True),
        ("x", r"a$", False, False, True),
    ],
)
def test_what_a_prefix_changes_of_a_pattern_is_known(
    prefix: str, pattern: str, gains: bool, loses: bool, possible: bool
) -> None:
    """In short texts, nothing else changes. Behind a line break, what matches at its beginning may be in any text."""
    one_line, several = (behind(prefix, pattern, Dialect.AGREED, one_line=one_line) for one_line in (True, False))
    assert one_line == BehindPrefix(gains, loses, possible)
    assert several == replace(one_line, possible=True)
    for length in range(5):
        for letters in itertools.product("ab4 ", repeat=length):
            text = "".join(letters)
            before, after = has_pattern(text, pattern), has_pattern(prefix + text, pattern)
            assert before == after or (gains if after else loses), text
            assert possible or not after


@pytest.mark.parametrize(
    ("option", "narrow", "wide"),
    [
        ("attachment_name_matches_patterns", "^ITAR[-_]", "^(ITAR|EAR)[-_]"),
        ("attachment_name_matches_patterns", r"[.]dwg$", r"[.](dwg|step)$"),
        ("subject_matches_patterns", "^secure:", "^secur"),
    ],
)
def test_an_anchored_pattern_is_part_of_a_wider_one(option: str, narrow: str, wide: str) -> None:
    """Whether anchors stand for the borders of lines is open (U18), and the same for both."""
    answer = verdict(
        [rule("Wide", {**OUTGOING, option: [wide]}, ENCRYPT)], when={**OUTGOING, option: [narrow]}, then="not_in_clear"
    )
    assert answer["verdict"] == "proved", answer
