# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns as .NET reads them, for who says that Exchange does: in the simulator and in proofs; what is not read stays
unknown.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.expressions import Dialect
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Open
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.patterns import (
    has_pattern,
    search_for,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.string_solver import (
    find_text,
    is_impossible,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rounds import rounds
from tests.unit.mail_flow.asking import IN, NOW, rule, verdict

Values = dict[str, Any]

#: Each is read alike by Python, but for what the end of the text is.
PATTERNS = (
    *(
        r"\bab",
        r"ab\b",
        r"a\Bb",
        r"\B1",
        r"(?<!\d)1{2}(?!\d)",
        r"(?<=a)b",
        r"(?<!a)b",
        r"a(?=b|\s|\Z)",
        r"(?<=\s|^)a",
        r"a+?b",
        r"(?:a|b)??1",
        r"a{1,2}?",
    ),
    *(
        r"(?i:a)b",
        r"\Aa",
        r"a\Z",
        r"(?s)a.b",
        r"a\tb",
        r"\x41b",
        r"(?m)^b$",
        r"^a",
        r"(?=a)",
        r"a(?!b|\s|$)",
        r"[ab](?![ab])",
        r"(?<![ab1])\d",
    ),
)


#: Those that Python writes otherwise.
_IN_PYTHON = {r"(?<=\s|^)a": r"(?:(?<=\s)|\A)a"}


def found(pattern: str, text: str) -> bool | str:
    answer = has_pattern(text, pattern, Dialect.DOTNET)
    return answer.reasons[0].id if isinstance(answer, Open) else answer


@given(st.sampled_from(PATTERNS), st.text("abA1 \t", max_size=8))
@settings(max_examples=rounds(400))
def test_patterns_are_found_as_everywhere(pattern: str, text: str) -> None:
    expected = re.search(_IN_PYTHON.get(pattern, pattern), text, re.IGNORECASE) is not None
    search = search_for(pattern, Dialect.DOTNET)
    assert found(pattern, text) is expected
    assert search.states.matches(text, False) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        *(
            (r"a$", "a\n", True),
            (r"a$", "a\nb", False),
            (r"a\Z", "a\n", True),
            (r"a\z", "a\n", False),
            (r"^b", "a\nb", False),
            (r"(?m)^b$", "a\nb\nc", True),
        ),
        *(
            (r"(?m)a$", "a\nb", True),
            (r".", "\n", False),
            (r"(?s).", "\n", True),
            (r"\bé", "aé", False),
            (r"\bé", "-é", True),
            (r"(?<year>\d{4})", "in 2026", True),
        ),
    ],
)
def test_borders_are_those_of_the_text_and_lines_need_a_flag(pattern: str, text: str, expected: bool) -> None:
    assert found(pattern, text) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a)\1",
        r"(?=ab)a",
        r"(?<=ab)c",
        r"\p{L}",
        r"(?>a)b",
        r"a++",
        "a$\\n",
        r"(a$)?b",
        r"(?x)a b",
        r"(?-i:a)",
        r"(?(a)b|c)",
        r"[\b]",
        r"\b+a",
        r"(?=a$)",
    ],
)
def test_what_is_not_read_stays_unknown(pattern: str) -> None:
    assert found(pattern, "abc \n1aa\n L") == "U18"


def test_texts_are_found_and_ruled_out() -> None:
    def keys(*patterns: str) -> list[tuple[str, Any]]:
        return [("pattern", (pattern, Dialect.DOTNET)) for pattern in patterns]

    for pattern in PATTERNS:
        text = find_text(keys(pattern))
        assert text is not None
        assert found(pattern, text) is True
    assert is_impossible(keys(r"\bab\b"), keys("ab"))
    assert is_impossible(keys(r"(?<!\d)12", r"^\d+\z"), keys(r"^12"))
    assert not is_impossible(keys("ab"), keys(r"\bab\b"))
    assert found(r"\bab\b", find_text(keys("ab"), keys(r"\bab\b")) or "") is False


def test_a_guarantee_about_words_is_proved_only_in_this_dialect() -> None:
    """What a rule finds at the borders of a word, a guarantee about the word as a whole implies."""
    rules = [
        rule(
            "Secret",
            {**IN, "subject_matches_patterns": [r"\bsecret\b"]},
            {"apply_rights_protection_template": "Encrypt"},
        )
    ]
    facts: Values = {"accepted_domains": ["contoso.com"], "remote_domains": []}
    when = {**IN, "sent_to_scope": "NotInOrganization", "subject_matches_patterns": [r"\bsecret\b(?=\s)"]}
    assert verdict(rules, {**facts, "dialect": "dotnet"}, then="not_in_clear", when=when)["verdict"] == "proved"
    assert verdict(rules, facts, then="not_in_clear", when=when)["verdict"] == "unknown"
    wider = verdict(
        rules,
        {**facts, "dialect": "dotnet"},
        then="not_in_clear",
        when={**when, "subject_matches_patterns": ["secret"]},
    )
    assert wider["verdict"] == "refuted"
    assert re.search(r"\bsecret\b", wider["counterexample"]["message"]["subject"]) is None


def test_rules_that_change_the_subject_are_followed() -> None:
    facts: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "dialect": "dotnet"}
    for prefix, pattern, verdicts in (
        ("[x] ", r"\bx\b", {"proved"}),
        ("x", r"\Bb", {"refuted", "unknown"}),
        ("re: ", r"(?<=: )b", {"refuted", "unknown"}),
    ):
        rules = [
            rule("Prefix", IN, {"prepend_subject": prefix}),
            rule(
                "Encrypts",
                {**IN, "subject_matches_patterns": [pattern]},
                {"apply_rights_protection_template": "Encrypt"},
            ),
        ]
        answer = verdict(rules, facts, then="not_in_clear", when={**IN, "sent_to_scope": "NotInOrganization"})
        assert answer["verdict"] in verdicts, pattern


def test_the_simulator_reads_a_rule_so_and_an_old_rule_as_before() -> None:
    sent = message_of(
        {
            "from": "a@contoso.com",
            "to": ["x@b.example"],
            "authenticated": True,
            "subject": "our secret",
            "date": NOW.isoformat(),
        },
        "",
        "m",
    )

    def matched(dialect: str, **more: Any) -> Any:
        rules = [{**rule("R", {"subject_matches_patterns": [r"\bsecret"]}, {"set_audit_severity": "Low"}), **more}]
        (answer,) = (
            Simulator(rules, facts_of({"accepted_domains": ["contoso.com"], "dialect": dialect}))
            .run(sent)["recipients"]
            .values()
        )
        return answer["rules"][0]["matched"]

    assert [matched("dotnet"), matched("agreed"), matched("dotnet", use_legacy_regex=True)] == [
        True,
        "unknown",
        "unknown",
    ]
    with pytest.raises(OptionError, match="Use one of agreed, dotnet"):
        facts_of({"dialect": "perl"})
