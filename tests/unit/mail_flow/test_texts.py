# SPDX-License-Identifier: GPL-3.0-or-later
"""Words and patterns: what is found, what is not, and what is open."""

from __future__ import annotations

import re

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import bounded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import patterns
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.expressions import (
    Dialect,
    NotAgreedError,
    parse,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Open, Truth
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.patterns import has_pattern
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.words import (
    first_token,
    has_word,
    tokens,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.string_solver import (
    is_impossible,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import reason_text
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rounds import rounds
from tests.unit.mail_flow.answers import lint
from tests.unit.mail_flow.asking import ENCRYPT, NOW, verdict
from tests.unit.mail_flow.small_worlds import TENANT


def number(value: Truth) -> bool | str:
    return value if isinstance(value, bool) else value.reasons[0].id


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("Secure", "secure", True),
        ("(secure)", "secure", True),
        ("a@fabrikam.com", "fabrikam.com", True),
        ("a@eu.fabrikam.com", "fabrikam", True),
        ("insecure", "secure", False),
        ("secured", "secure", False),
        ("contoso*", "contoso*", True),
        ("contosofoo", "contoso*", False),
        ("encrypt: now", "encrypt:", True),
        ("encrypt:now", "encrypt:", "U17"),
        ("a:report", ":report", "U17"),
        ("secure_mail", "secure", "U17"),
        ("sales quote", "sales quote", True),
        ("sales  quote", "sales quote", "U17"),
        ("sales\nquote", "sales quote", "U17"),
        ("Press news, release", "press release", False),
        ("STRASSE", "straße", "U17"),
        ("これは機密文書です", "機密", "U17"),
        ("", "secure", False),
        ("secure", "", False),
    ],
)
def test_words(text: str, word: str, found: bool | str) -> None:
    assert number(has_word(text, word)) == found


@pytest.mark.parametrize("letter", ["\u0130", "\u0131", "\u017f", "\u212a"])
def test_a_letter_that_only_some_comparisons_take_for_a_plain_one_decides_nothing(letter: str) -> None:
    plain = {"\u017f": "s", "\u212a": "k"}.get(letter, "i")
    for text, wanted in ((f"x{letter}y", f"x{plain}y"), (f"x{plain}y", f"x{letter}y")):
        assert number(has_word(text, wanted)) == "U17"
        assert number(has_pattern(text, wanted)) == "U18"
    assert number(has_pattern(f"x{letter}y", "x[^a-z]y")) == "U18"
    for text, wanted in ((f"x{letter}y", f"x{letter}y"), (f"{letter} xay", "xay"), (f"{letter} xay", f"{letter} x")):
        assert has_pattern(text, wanted) is True
    assert has_word(f"x{letter}y", f"x{letter}y") is True
    assert has_word(f"{letter} xay", "xay") is True
    assert has_word(f"{letter} xay", "xby") is False
    assert has_pattern(f"{letter} xay", "x[b-d]y") is False


@given(st.text("aA1_:. é機", max_size=8), st.text("aA1_:. é機", min_size=1, max_size=4))
@settings(max_examples=rounds(500))
def test_a_word_that_may_be_there_has_its_first_run_in_the_text(text: str, word: str) -> None:
    token = first_token(word)
    if token and has_word(text, word) is not False:
        assert token in tokens(text)


@pytest.mark.parametrize(
    ("text", "pattern", "found"),
    [
        ("about NICROSOFT stock", "[mn].crosoft", True),
        ("a@eu.domain.com", r"\.domain\.com$", True),
        ("a@domain.com", r"\.domain\.com$", False),
        ("x 123-45-6789", r"\d{3}-\d{2}-\d{4}", True),
        ("x 123-45-678", r"\d{3}-\d{2}-\d{4}", False),
        ("secret", "(?i)SECRET", True),
        ("one\nsecret", "^secret", "U18"),
        ("one\nsecret", "(?im)^secret$", True),
        ("one\ntwo", "^secret", False),
        ("abc", "(?=a)", "U18"),
        ("abc", "*bc", "U18"),
        ("abc", r"\babc", "U18"),
        ("abc", "a+?", "U18"),
        ("abc", "(?<name>a)", "U18"),
        ("abc", "a||b", "U18"),
        ("abc", "a{2", "U18"),
        ("abc", "[[:alpha:]]", "U18"),
        ("abc", "[a-", "U18"),
        ("a]b", r"[\]]", True),
        ("a-b", "[x-]", True),
        ("b", "[^a]", True),
        ("a", "[^a]", False),
        ("a.b", r"a\.b", True),
        ("a1", r"a[\d]", True),
        ("ac", "(?:a|b)c", True),
    ],
)
def test_patterns(text: str, pattern: str, found: bool | str) -> None:
    assert number(has_pattern(text, pattern)) == found


@pytest.mark.parametrize(
    ("pattern", "found"),
    [(r"\d\d*", True), ("a|1", True), (r".1", "U18"), (r"a.c", False), ("[a]", "U18"), ("a+", "U18"), ("(?i)a", "U18")],
)
def test_patterns_of_the_old_kind_have_few_constructs(pattern: str, found: bool | str) -> None:
    assert number(has_pattern("1", pattern, dialect=Dialect.LEGACY)) == found


@pytest.mark.parametrize(
    ("pattern", "dialect", "has"),
    [
        ("(?=a)a", Dialect.AGREED, "the construct (?=a"),
        (r"\ba", Dialect.AGREED, r"the escape \b"),
        ("a{b}", Dialect.AGREED, "a brace that is not a count"),
        ("*a", Dialect.AGREED, "a bare *"),
        ("[a]", Dialect.LEGACY, "[ in an expression of the old kind"),
    ],
)
def test_what_sources_disagree_about_is_named(pattern: str, dialect: Dialect, has: str) -> None:
    found = has_pattern("a b [a", pattern, dialect)
    assert isinstance(found, Open)
    assert reason_text(found.reasons[0]) == f"what the pattern '{pattern}' means to Exchange: it has {has}"


def test_a_cunning_pattern_takes_no_longer_than_its_text() -> None:
    assert has_pattern("a" * 5000 + "!", r"(a|a)*(a+)+$") is False
    assert has_pattern("a" * 5000, r"^(a|aa)+$") is True
    with pytest.raises(NotAgreedError, match="too_large"):
        parse("(a{1000}){1000}")


_LONG = "|".join(f"word{place:04}x?" for place in range(700))


def test_a_long_list_of_words_is_an_ordinary_pattern() -> None:
    """Exchange allows 8 KB a rule."""
    assert len(_LONG) < 8192
    assert [has_pattern(text, _LONG) for text in ("a Word0699x", "word0700", "x" * 100_000)] == [True, False, False]
    states = patterns.States(parse(_LONG).root)
    with bounded(20_000, share=1):  # One step for each letter, not for each word.
        assert [states.matches(text, False) for text in ("a word0699", "word0700 " * 200)] == [True, False]
    found = verdict([], when={"subject_matches_patterns": [_LONG]}, then="not_in_clear")
    assert found["verdict"] == "refuted"
    assert len(found["claim"]) < 250
    assert is_impossible([("pattern", ("word0001", Dialect.AGREED))], [("pattern", (_LONG, Dialect.AGREED))])


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "(" * 60 + "a" + ")" * 60, "a" * 8193])
def test_a_pattern_that_is_too_large_is_our_limit(pattern: str) -> None:
    found = has_pattern("a" * 9000, pattern)
    assert isinstance(found, Open)
    (reason,) = found.reasons
    said = reason_text(reason)
    assert said.endswith("it is too large for this collection to analyze")
    assert len(said) < 250
    rules = [{"name": "r", "conditions": {"subject_matches_patterns": [pattern]}, "actions": ENCRYPT}]
    (row,) = [row for row in lint(rules, TENANT, NOW) if row["kind"] == "unknown_pattern"]
    assert "too large for this collection to analyze" in row["reason"]
    assert len(row["reason"]) < 250


_LETTERS = st.sampled_from(["a", "ab", "abc", "b", "ba", "a*", "[ab]c", "(a|b)c"])


@given(st.lists(_LETTERS, min_size=1, max_size=6), st.text("abc", max_size=5))
@settings(max_examples=rounds(300))
def test_alternatives_with_one_beginning_are_found_as_each_of_them_is(options: list[str], text: str) -> None:
    whole = "|".join(options)
    states = patterns.States(parse(f"^({whole})$").root)
    assert states.matches(text, False) is any(re.fullmatch(each, text) is not None for each in options)


_ATOM = st.sampled_from(["a", "b", ".", r"\d", r"\W", "[ab]", "[^a]", "^", "$", "1"])
_PATTERN = st.recursive(
    _ATOM,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})")
        | st.tuples(
            inner.filter(lambda text: text not in ("^", "$")), st.sampled_from(["*", "+", "?", "{1,2}", "{2}"])
        ).map(lambda two: f"({two[0]}){two[1]}")
    ),
    max_leaves=6,
)


@given(_PATTERN, st.text("abA1 \n", max_size=6))
@settings(max_examples=rounds(500))
def test_the_table_of_states_finds_what_a_backtracking_search_finds(pattern: str, text: str) -> None:
    expression = parse(pattern)
    for lines in (False, True):
        quick = re.search(
            patterns._rendered(expression.root, lines), text, re.IGNORECASE | (re.MULTILINE if lines else 0)
        )
        assert patterns.States(expression.root).matches(text, lines) is (quick is not None), (pattern, text, lines)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"4\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}", "Card 4111 1111-1111 1111, please", True),
        (r"4\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}", f"Card {'4111 ' * 3}, please", False),
        (r"[a-z]{2}\d{2} ?\d{4} ?\d{4} ?\d{4}", "An account: DE89 3704 0044 0532", True),
        (r"\d{1000}", "1" * 5000, True),
        (r"\d{1000}x", "1" * 5000, False),
    ],
)
def test_fixed_counts_are_searched_for_in_a_short_text_without_an_automaton(
    pattern: str, text: str, found: bool
) -> None:
    search = patterns.search_for(pattern, Dialect.AGREED)
    assert search.matches(text, False) is found
    assert (search._states is None) is (len(text) < 1000)


def test_questions_about_the_same_are_one() -> None:
    one, other = has_word("encrypt:now", "encrypt:"), has_word("encrypt:now", "encrypt:")
    assert isinstance(one, Open)
    assert isinstance(other, Open)
    assert one.key == other.key
