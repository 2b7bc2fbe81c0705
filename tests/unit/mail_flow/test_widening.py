# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns without an agreed meaning: where not even the part that has one is found, nothing is."""

from __future__ import annotations

import re

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.expressions import Dialect
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Open
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.patterns import (
    has_pattern,
    is_agreed,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.widening import widened
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, STOP, rule, verdict

#: Pattern to a text that perhaps has it and one that certainly does not; empty where every text may.
WIDER = {
    r"\bsecure\b": ("in secure", "hi"),
    r"(?=secure)secure": ("secure", "secret"),
    r"(?<!in)secure": ("insecure", "hi"),
    r"(?<word>top|no) secret\k<word>": ("our secret", "secre"),
    r"(a+)b\1c": ("abac", "cb"),
    r"a*?b": ("b", "aaa"),
    "*.com": ("x.com", "com"),
    r"\p{Lu}secret": ("secret", "x"),
    r"\x41bc": ("abc", "acb"),
    "[a-z-[aeiou]]": ("", ""),
    "(?x) a b": ("ab", ""),
    "a{,3}b": ("b", "a,3"),
    "a|": ("", ""),
    "x(?s).*y": ("x\ny", "yx"),
    "(": ("", ""),
    "((a*?)*?b)*?c": ("c", "ab"),
}


@pytest.mark.parametrize("pattern", WIDER)
def test_what_lacks_even_the_agreed_part_does_not_match(pattern: str) -> None:
    perhaps, never = WIDER[pattern]
    assert isinstance(has_pattern(perhaps, pattern), Open)
    assert has_pattern(never, pattern) is False if never else isinstance(has_pattern("any", pattern), Open)


@pytest.mark.parametrize("pattern", ["a+b", "[ab]c", "x.y"])
def test_the_old_kind(pattern: str) -> None:
    assert has_pattern("hi", pattern, dialect=Dialect.LEGACY) is False
    assert isinstance(has_pattern(pattern, pattern, dialect=Dialect.LEGACY), Open)


_PARTS = st.sampled_from(
    [
        "a",
        "b",
        ".",
        r"\b",
        r"\B",
        "(?=a)",
        "(?!b)",
        "(?<=a)",
        "a*?",
        "b+?",
        "[ab]",
        "^",
        "$",
        "(?:a|b)",
        "(?P<n>a)",
        r"\d",
        "(a|b)",
        "a{2}",
    ]
)


@given(st.lists(_PARTS, min_size=1, max_size=5).map("".join), st.text("ab1 \n", max_size=8))
def test_a_wider_pattern_is_found_wherever_python_finds_the_pattern(pattern: str, text: str) -> None:
    wide = widened(pattern)
    try:
        found = re.search(pattern, text, re.IGNORECASE)
    except re.error:
        return
    if found and wide:
        assert is_agreed(wide)
        assert has_pattern(text, wide) is True


def test_mail_that_lacks_it_is_known_to_be_in_clear() -> None:
    rules = [rule("Encrypts", {**IN, "subject_matches_patterns": [r"\bsecret\b"]}, ENCRYPT)]
    assert verdict(rules, then="not_in_clear")["verdict"] == "refuted"
    assert (
        verdict(rules, when={**IN, "subject_contains_words": ["secret"]}, then="not_in_clear")["verdict"] == "unknown"
    )
    stops = [rule("Stops", {"subject_matches_patterns": [r"\bpublic\b"]}, STOP), ALL]
    assert verdict(stops, then="not_in_clear")["verdict"] == "unknown"
    assert verdict(stops, unless={"subject_matches_patterns": ["public"]}, then="not_in_clear")["verdict"] == "proved"
