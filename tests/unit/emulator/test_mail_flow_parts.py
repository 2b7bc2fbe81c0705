# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the emulator's mail flow: possible worlds, words, patterns, and what forks show."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.mail_flow import MailFlow, TooManyWorlds
from tests.emulator.mail_flow.patterns import pattern_in
from tests.emulator.mail_flow.words import word_in
from tests.emulator.mail_flow.worlds import Maybe, World, both, decisive, doubt, either, explore
from tests.rounds import rounds

_ATOMS = st.sampled_from(
    ["a", "b", "-", ".", "[ab]", "[^a]", r"\d", r"\w", r"\S", r"\.", "(a|bc)", "(?:ab)", "^", "$", "[a-c-]"]
)
_QUANTIFIED = st.tuples(
    _ATOMS.filter(lambda atom: atom not in "^$"), st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{2,}"])
).map("".join)
_PATTERNS = st.lists(st.lists(_QUANTIFIED | _ATOMS, min_size=1, max_size=4).map("".join), min_size=1, max_size=3).map(
    "|".join
)


@given(_PATTERNS, st.text("aAbBc.-1 ", max_size=6))
@settings(max_examples=rounds(500))
def test_patterns_of_the_subset_match_as_everywhere(pattern: str, text: str) -> None:
    assert pattern_in(text, pattern) is bool(re.search(pattern, text, re.IGNORECASE))


@given(_PATTERNS, st.text("aAb\n", max_size=6))
@settings(max_examples=rounds(200))
def test_lines_need_the_multi_line_flag(pattern: str, text: str) -> None:
    in_lines = bool(re.search(pattern, text, re.IGNORECASE | re.MULTILINE))
    assert pattern_in(text, "(?im)" + pattern) is in_lines
    # Python's "$" stands before a last line break, too, so that end is written as it is meant here.
    whole = bool(re.search(pattern.replace("$", r"\Z"), text, re.IGNORECASE))
    assert pattern_in(text, pattern) is in_lines if whole is in_lines else isinstance(pattern_in(text, pattern), Maybe)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)a",
        r"\bword",
        r"(a)\1",
        "a+?",
        "a*+",
        "*",
        "(*a)",
        "a|*b",
        "a||b",
        r"\p{L}",
        "(?i:a)",
        "(?<n>a)",
        "a(",
        "[a",
        "^*",
        "",
    ],
)
def test_other_patterns_are_unknown(pattern: str) -> None:
    value = pattern_in("a word", pattern)
    assert isinstance(value, Maybe)
    assert value.question.unknown == "U18"


def test_legacy_patterns_know_the_old_table_only() -> None:
    assert pattern_in("item 12", r"\w* \d\d$", legacy=True) is True
    for pattern in ("a.b", "a+", "[ab]", "a?", "a{2}", "(?i)a"):
        assert isinstance(pattern_in("ab", pattern, legacy=True), Maybe)


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("Contoso news", "contoso", True),
        ("(contoso)", "contoso", True),
        ("Acontoso contosob", "contoso", False),
        ("Acontoso contoso", "contoso", True),
        ("contosofoo", "contoso*", False),
        ("a@eu.fabrikam.com", "fabrikam.com", True),
        ("encrypt: x", "encrypt:", True),
        ("Press Release: Q3", "press release", True),
        ("", "a", False),
    ],
)
def test_words(text: str, word: str, expected: bool) -> None:
    assert word_in(text, word) is expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        *(
            ("encrypt:report", "encrypt:"),
            ("press  release", "press release"),
            ("契約書", "契約"),
            ("STRASSE", "straße"),
            ("a*b", "a*"),
        ),
        *(("x_secure", "secure"), ("契secure", "secure")),
    ],
)
def test_words_that_only_a_generous_reading_finds(text: str, word: str) -> None:
    value = word_in(text, word)
    assert isinstance(value, Maybe)
    assert value.question.unknown == "U17"


def test_only_what_decides_is_blamed() -> None:
    """Two questions come up, and the result hangs on one."""
    one, other = doubt("U17", "one", "a"), doubt("U18", "other", "b")
    explored = explore(lambda world: (world.settle(other), world.settle(one))[1])
    assert sorted(explored.results) == [False, False, True, True]
    assert {question.unknown for question in decisive(explored.worlds, explored.results)} == {"U17"}


def test_gates() -> None:
    one, other = doubt("U17", "one", "a"), doubt("U18", "other", "b")
    assert either([False, one, True]) is True
    assert both([True, one, False]) is False
    assert both([one, True]) == either([one, False]) == one
    explored = explore(
        lambda world: (
            world.settle(one),
            world.settle(other),
            world.settle(both([one, other])),
            world.settle(either([one, other])),
        )
    )
    assert sorted(explored.results) == [
        (one, other, one and other, one or other) for one in (False, True) for other in (False, True)
    ]


def test_the_same_question_has_one_answer_unless_places_are_independent() -> None:
    def run(world: World) -> tuple[bool, bool]:
        unknown = doubt("U18", "a pattern", "p")
        return world.settle(unknown, "rule 1"), world.settle(unknown, "rule 2")

    assert set(explore(run).results) == {(True, True), (False, False)}
    assert len(set(explore(run, independent=True).results)) == 4


def test_too_much_is_refused_and_not_guessed() -> None:
    rules = [
        {"Name": str(n), "Priority": n, "SubjectMatchesPatterns": [f"(?=a){n}"], "PrependSubject": str(n)}
        for n in range(12)
    ]
    with pytest.raises(TooManyWorlds):
        MailFlow(rules, {}).deliver(
            {"from": "a@b.c", "to": ["d@e.f"], "subject": " ".join(map(str, range(12)))}, limit=100
        )


KNOWN: dict[str, Any] = {
    "accepted_domains": [{"DomainName": "contoso.com"}],
    "remote_domains": [],
    "mailboxes": ["megan@contoso.com", "adele@contoso.com"],
    "mail_users": [],
    "groups": {"sales@contoso.com": ["adele@contoso.com", "ann@fabrikam.com"]},
}


def _deliver(rules: list[dict[str, Any]], known: dict[str, Any] | None = None, **message: Any) -> dict[str, Any]:
    stored = [{"Name": chr(65 + place), "Priority": place, **rule} for place, rule in enumerate(rules)]
    whole = {
        "from": "megan@contoso.com",
        "authenticated": True,
        "to": ["adele@contoso.com", "ann@fabrikam.com"],
        **message,
    }
    recipients: dict[str, Any] = MailFlow(stored, {**KNOWN, **(known or {})}).deliver(whole)["recipients"]
    return recipients


ENCRYPT = {"ApplyRightsProtectionTemplate": "Encrypt"}
FIRST = {"RecipientDomainIs": ["fabrikam.com"]}


def test_a_certain_exception_spares_the_questions() -> None:
    answer = _deliver(
        [{"SubjectMatchesPatterns": ["(?=a)"], "ExceptIfSentTo": ["adele@contoso.com"], **ENCRYPT}],
        to=["adele@contoso.com"],
    )
    assert "unknown" not in answer["adele@contoso.com"]


def test_an_unknown_that_two_rules_share_may_not_matter() -> None:
    """Either the rule or the one that excepts the same acts."""
    answer = _deliver(
        [{"SubjectMatchesPatterns": ["(?=a)"], **ENCRYPT}, {"ExceptIfSubjectMatchesPatterns": ["(?=a)"], **ENCRYPT}]
    )
    assert {result["protection"] for result in answer.values()} == {"encrypt"}


def test_named_recipients_who_are_gone_from_a_copy() -> None:
    answer = _deliver([{**FIRST, "SetAuditSeverity": "Low"}, {"AnyOfToHeader": ["adele@contoso.com"], **ENCRYPT}])
    assert answer["adele@contoso.com"]["protection"] == "encrypt"
    assert answer["ann@fabrikam.com"]["protection"] == "unknown"
    assert [row["id"] for row in answer["ann@fabrikam.com"]["unknown"]] == ["U07"]


def test_whether_an_audited_rule_splits() -> None:
    rules = [{**FIRST, "Mode": "Audit", **ENCRYPT}, {"AnyOfRecipientAddressContainsWords": ["fabrikam"], **ENCRYPT}]
    answer = _deliver(rules)
    assert answer["ann@fabrikam.com"]["protection"] == "encrypt"
    assert [row["id"] for row in answer["adele@contoso.com"]["unknown"]] == ["U06"]


def test_a_relation_that_holds_for_some() -> None:
    answer = _deliver(
        [{"ManagerAddresses": ["megan@contoso.com"], "ManagerForEvaluatedUser": "Recipient", **ENCRYPT}],
        {"managers": {"adele@contoso.com": "megan@contoso.com"}},
    )
    assert {row["id"] for result in answer.values() for row in result["unknown"]} == {"U05"}
    answer = _deliver(
        [{"ManagerAddresses": ["adele@contoso.com"], "ManagerForEvaluatedUser": "Sender", **ENCRYPT}],
        {"managers": {"megan@contoso.com": "adele@contoso.com"}},
    )
    assert {result["protection"] for result in answer.values()} == {"encrypt"}


def test_two_templates_and_two_brandings() -> None:
    do_not_forward = {
        "ApplyRightsProtectionTemplate": "Do Not Forward",
        "ApplyRightsProtectionCustomizationTemplate": "One",
    }
    answer = _deliver([ENCRYPT, do_not_forward, {"ApplyRightsProtectionCustomizationTemplate": "Two"}])
    for result in answer.values():
        assert (result["protection"], result["protected_by"]) == ("protected_option_unknown", ["A", "B"])
        assert "branding" not in result
        assert {row["id"] for row in result["unknown"]} == {"U01"}


def test_moderation_goes_on_after_approval() -> None:
    answer = _deliver(
        [
            {"ModerateMessageByUser": ["adele@contoso.com"]},
            {"ModerateMessageByUser": ["megan@contoso.com"], **FIRST},
            ENCRYPT,
        ]
    )
    first = answer["ann@fabrikam.com"]
    assert (first["fate"], first["after_approval"]["fate"]) == ("moderated", "moderated")
    assert first["after_approval"]["after_approval"]["protection"] == "encrypt"
    assert "protection" not in first
    assert answer["adele@contoso.com"]["after_approval"]["fate"] == "delivered"


def test_a_release_skips_the_later_rules() -> None:
    answer = _deliver([{"Quarantine": True, **FIRST}, ENCRYPT])
    assert answer["ann@fabrikam.com"]["after_release"]["protection"] == "none"
    assert answer["adele@contoso.com"]["protection"] == "encrypt"


def test_added_and_redirected_recipients() -> None:
    answer = _deliver(
        [
            {"CopyTo": ["new@contoso.com"]},
            {"SentToScope": "InOrganization", **ENCRYPT},
            {"FromScope": "InOrganization", "PrependSubject": "x"},
        ]
    )
    added = answer["new@contoso.com"]
    assert {row["id"] for row in added["unknown"]} == {"U09"}
    assert [row["matched"] for row in added["rules"]] == [True, "unknown", True]
    answer = _deliver([{"RedirectMessageTo": ["new@contoso.com"]}, {"FromScope": "InOrganization", **ENCRYPT}])
    assert (answer["ann@fabrikam.com"]["fate"], answer["new@contoso.com"]["protection"]) == ("redirected", "encrypt")


def test_reports_behind_a_rejection_rest_on_a_guess() -> None:
    answer = _deliver([{"RejectMessageReasonText": "no"}, {"GenerateIncidentReport": "adele@contoso.com"}])
    assert answer["ann@fabrikam.com"]["assumes"] == ["U10"]
    assert "assumes" not in _deliver([{"RejectMessageReasonText": "no"}, ENCRYPT])["ann@fabrikam.com"]


def test_protected_mail_and_its_content() -> None:
    rule = {"SubjectOrBodyContainsWords": ["secret"], "PrependSubject": "x"}
    own = {"protection": {"kind": "encrypt", "owner": "own"}, "body": "secret", "to": ["adele@contoso.com"]}
    other = {**own, "protection": {"kind": "encrypt", "owner": "other"}}
    assert _deliver([rule], **own)["adele@contoso.com"]["rules"] == [{"name": "A", "matched": True}]
    assert _deliver([rule], **other)["adele@contoso.com"]["unknown"][0]["id"] == "U30"
    blind = _deliver([rule], {"irm_configuration": {"TransportDecryptionSetting": "Disabled"}}, **own)
    assert blind["adele@contoso.com"]["unknown"][0]["id"] == "U30"


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ({"authenticated": False}, "U26"),
        ({"protection": {"kind": "smime_signed"}}, "U27"),
        ({"type": "OOF"}, "U29"),
        ({"size": 26 * 2**20}, "U31"),
        ({"size": 24 * 2**20}, "U31"),
        ({"to": [f"p{number}@fabrikam.com" for number in range(200)]}, "U35"),
    ],
)
def test_what_may_keep_a_message_from_being_encrypted(message: dict[str, Any], number: str) -> None:
    for result in _deliver([ENCRYPT], **message).values():
        assert result["protection"] == "unknown"
        assert number in {row["id"] for row in result["unknown"]}


def test_the_window_of_a_rule() -> None:
    rule = {"ActivationDate": "2026-03-01T00:00:00Z", **ENCRYPT}
    for date, expected in (
        ("2026-02-28T23:59:59Z", "none"),
        ("2026-03-01T00:00:01Z", "encrypt"),
        ("2026-03-01T00:00:00Z", "unknown"),
    ):
        assert _deliver([rule], date=date)["ann@fabrikam.com"]["protection"] == expected
    nowhere = {"ExpiryDate": "2026-03-01T00:00:00", **ENCRYPT}
    for date, expected in (
        ("2026-03-01T20:00:00Z", "unknown"),
        ("2026-03-02T01:00:00Z", "none"),
        ("2026-02-27T00:00:00Z", "encrypt"),
    ):
        assert _deliver([nowhere], date=date)["ann@fabrikam.com"]["protection"] == expected


def test_a_group_that_is_gone_has_no_members() -> None:
    gone = {"groups": {"old@contoso.com": None}}
    assert (
        _deliver([{"SentToMemberOf": ["old@contoso.com"], **ENCRYPT}], gone)["ann@fabrikam.com"]["protection"] == "none"
    )
    assert (
        _deliver([{"ExceptIfSentToMemberOf": ["old@contoso.com"], **ENCRYPT}], gone)["ann@fabrikam.com"]["protection"]
        == "encrypt"
    )
    assert (
        _deliver([{"SentToMemberOf": ["untold@contoso.com"], **ENCRYPT}])["ann@fabrikam.com"]["unknown"][0]["id"]
        == "facts"
    )


@pytest.mark.parametrize(
    ("to", "known", "protection"),
    [
        ("adele+news@contoso.com", {}, "unknown"),
        ("adele+news@contoso.com", {"organization_config": {"DisablePlusAddressInRecipients": True}}, "none"),
        ("adele+news@contoso.com", {"mailboxes": ["adele@contoso.com", "adele+news@contoso.com"]}, "none"),
        ("nobody+news@contoso.com", {}, "none"),
        ("adele+@contoso.com", {}, "none"),
        ("ann+news@fabrikam.com", {}, "none"),
    ],
)
def test_a_plus_address_may_be_the_one_without_its_tag(to: str, known: dict[str, Any], protection: str) -> None:
    plain = f"{to.partition('+')[0]}@{to.partition('@')[2]}"
    assert _deliver([{"SentTo": [plain], **ENCRYPT}], known, to=[to])[to]["protection"] == protection
    assert _deliver([{"SentTo": [to], **ENCRYPT}], known, to=[to])[to]["protection"] == (
        "unknown" if protection == "unknown" else "encrypt"
    )


@pytest.mark.parametrize("option", ["RecipientDomainIs", "SentTo", "AnyOfToHeader", "RecipientAddressContainsWords"])
def test_an_international_name_has_two_spellings(option: str) -> None:
    names = ("m\u00fcnchen.example", "xn--mnchen-3ya.example")
    for one, other in (names, names[::-1]):
        value = f"ann@{one}" if option in ("SentTo", "AnyOfToHeader") else one
        for name, protection in ((one, "encrypt"), (other, "unknown"), ("example.org", "none")):
            assert (
                _deliver([{option: [value], **ENCRYPT}], to=[f"ann@{name}"])[f"ann@{name}"]["protection"] == protection
            )


def test_a_letter_and_its_accent_may_be_one_character_or_two() -> None:
    composed, apart = "caf\u00e9", "cafe\u0301"
    for text, word, expected in (
        (composed, composed, True),
        (apart, apart, True),
        (apart, composed, None),
        (composed, apart, None),
        (composed, "cafe", False),
    ):
        found = word_in(f"our {text}", word)
        assert found is expected if expected is not None else isinstance(found, Maybe)
    assert isinstance(pattern_in(apart, composed), Maybe)
    assert pattern_in(composed, composed) is True
