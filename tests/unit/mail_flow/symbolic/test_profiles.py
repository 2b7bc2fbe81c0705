# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory that is too large for a variable per person: as much is proved as of a small one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview import overview
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.keys import SENDER
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.expressions import Dialect
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Truth
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.patterns import has_pattern
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.words import has_word
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic import atoms, profiles

from tests.rounds import seeds
from tests.unit.mail_flow.answers import difference, lint, prove
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, STOP, rule, verdict

Values = dict[str, Any]

DOMAINS = {"accepted_domains": ["contoso.com", "eu.contoso.com"], "remote_domains": []}
ALL = rule("All", OUTGOING, ENCRYPT)


def people(number: int) -> Values:
    return {**DOMAINS, "mailboxes": [f"user{place}@contoso.com" for place in range(number)], "mail_users": []}


@pytest.mark.parametrize("number", [300, 301, 3_000])
def test_what_is_proved_of_a_small_directory_is_proved_of_a_large_one(number: int) -> None:
    facts = people(number)
    assert verdict([ALL], facts)["verdict"] == "proved"
    found = difference([], [ALL], facts, NOW)
    assert [row["text"] for row in found.rows] == [
        "All mail from inside to people outside is now encrypted: the new rule 'All' now applies to it."
    ]
    assert {cell.kind: cell.protected for cell in overview(RuleSet([ALL]), facts, NOW)}["from_inside"] == "always"


@pytest.mark.parametrize("number", [300, 301, 3_000])
def test_a_message_that_shows_it_is_from_somebody_in_the_directory(number: int) -> None:
    """Each of them in turn: the sender is somebody else than the recipients."""
    facts = people(number)
    some = {"groups": {"half@contoso.com": [f"user{place}@contoso.com" for place in range(0, number, 2)]}}
    words: Values = {"from_member_of": ["half@contoso.com"], "recipient_address_contains_words": ["user7"]}
    words["sent_to_scope"] = "InOrganization"
    message = verdict([ALL], {**facts, **some}, when=words)["counterexample"]["message"]
    assert int(message["from"].partition("@")[0].removeprefix("user")) % 2 == 0
    assert message["to"] == ["user7@contoso.com"]
    nobody = {**words, "from_address_matches_patterns": ["^user[0-9]*[13579]@"]}
    assert verdict([rule("R", nobody, ENCRYPT)], {**facts, **some}, when=words)["verdict"] == "refuted"
    (idle,) = [row for row in lint([rule("R", nobody, ENCRYPT)], {**facts, **some}, NOW) if row["kind"] == "never_acts"]
    assert idle["rules"] == ["R"]


def test_profiles_say_who_has_what() -> None:
    facts = facts_of(
        {
            **DOMAINS,
            "mailboxes": [
                f"{name}{place}@contoso.com" for name in ("sales.a", "b_sales.c", "d") for place in range(101)
            ],
            "mail_users": ["guest@partner.com"],
            "groups": {"g@contoso.com": ["d0@contoso.com", "h@contoso.com"], "h@contoso.com": ["d1@contoso.com"]},
        }
    )
    rules = [
        rule("R", {"from_address_contains_words": ["sales"], "from_member_of": ["g@contoso.com"], **IN}, ENCRYPT),
        rule("S", {"from": ["d5@contoso.com"]}, ENCRYPT),
    ]
    found = profiles.Profiles(atoms.vocabulary_of([RuleSet(rules)], facts), facts, SENDER)
    word, group = ("word", "sales"), ("member", "g@contoso.com")
    sizes = {
        (each.has.get(word), each.has.get(group), ("below", "contoso.com") in each.has): each.people.bit_count()
        for each in found.profiles
    }
    assert sizes == {
        (True, None, True): 101,
        (False, None, True): 101,  # Whether an underscore ends a word is open.
        (None, None, True): 98 + 1,  # The group itself is one of them, but for the members and d5.
        (None, None, False): 1,
    }


_TEXTS = [
    "hr",
    "HR, it",
    "it_hr",
    "legal-hr",
    "chr",
    "stra\u00dfe",
    "strasse",
    "\u017fales",
    "sales",
    "caf\u00e9",
    "cafe\u0301",
]


def test_an_index_of_texts_finds_what_a_look_at_each_text_finds() -> None:
    people = [f"user{place}@contoso.com" for place in range(2 * len(_TEXTS))]
    directory = profiles.Directory(people)
    owners = {text: people[2 * place : 2 * place + 2] for place, text in enumerate(_TEXTS)}
    found = profiles.TextIndex(directory, owners)

    def marks(has: Callable[[str], Truth]) -> profiles.Marks:
        sure, doubtful = (
            directory.bits(address for text, of in owners.items() if wanted(has(text)) for address in of)
            for wanted in (lambda truth: truth is True, lambda truth: not isinstance(truth, bool))
        )
        return profiles.Marks(sure, doubtful)

    words = ["hr", "IT", "legal-hr", "STRASSE", "stra\u00dfe", "sales", "caf\u00e9", ",", "nobody"]
    patterns = ["^hr", "hr$", "s+e", "(?=a)b", "caf.", "x"]
    assert {word: found.with_word(word) for word in words} == {
        word: marks(lambda text, word=word: has_word(text, word)) for word in words
    }
    assert {each: found.with_pattern(each, Dialect.AGREED) for each in patterns} == {
        each: marks(lambda text, each=each: has_pattern(text, each)) for each in patterns
    }


_WORDS, _PATTERNS = ["ann", "sales", "lead", "bob_x", "x"], ["^a", "sales.*@", "[0-9]+@", "x$", "(?=a)b", "\\.b"]
_NAMES = [
    "ann",
    "bob",
    "ann.sales",
    "sales1",
    "lead7",
    "bob_x",
    "x",
    "y",
    "z1",
    "ann.lead",
    "q",
    "carl",
    "dora",
    "emil",
    "fritz",
]
_PEOPLE = [f"{name}@{'contoso.com' if place % 3 else 'eu.contoso.com'}" for place, name in enumerate(_NAMES)]
_GROUPS = ["g1@contoso.com", "g2@contoso.com"]
_ACTIONS = (
    ENCRYPT,
    ENCRYPT,
    STOP,
    {"delete_message": True},
    {"add_manager_as_recipient_type": "Redirect"},
    {"redirect_message_to": [_PEOPLE[0]]},
    {"copy_to": [_PEOPLE[1]]},
)


def _condition(mix: random.Random) -> Values:
    options = {
        "from_address_contains_words": _WORDS,
        "recipient_address_contains_words": _WORDS,
        "any_of_recipient_address_contains_words": _WORDS,
        "from_address_matches_patterns": _PATTERNS,
        "recipient_address_matches_patterns": _PATTERNS,
        "from_member_of": [*_GROUPS, "unknown@contoso.com"],
        "sent_to_member_of": _GROUPS,
        "sender_domain_is": ["contoso.com", "eu.contoso.com", "partner.com", "xn--bcher-kva.example"],
        "recipient_domain_is": ["contoso.com", "partner.com"],
        "from": _PEOPLE,
        "sent_to": _PEOPLE,
        "sender_ad_attribute_contains_words": ["department:hr", "department:it"],
        "recipient_ad_attribute_matches_patterns": ["department:h", "department:i"],
    }
    return {name: [mix.choice(options[name])] for name in mix.sample(sorted(options), mix.randint(1, 2))}


def _answers(seed: int) -> tuple[list[str], list[str], list[str]]:
    """Of random rules about people: verdicts, rows of a difference, and what lint finds."""
    mix = random.Random(seed)
    groups = [mix.sample(_PEOPLE, 6), [_GROUPS[0], *mix.sample(_PEOPLE, 3)]]
    facts = {
        **DOMAINS,
        "mailboxes": _PEOPLE,
        "mail_users": ["guest1@partner.com", "guest2@other.com", "ann@partner.com", "b@bücher.example"],
        "groups": dict(zip(_GROUPS, groups, strict=True)),
        "managers": {each: mix.choice(_PEOPLE) for each in mix.sample(_PEOPLE, 6)},
        "attributes": {each: {"department": mix.choice(["hr", "it", "hr it", ""])} for each in mix.sample(_PEOPLE, 9)},
    }
    rules = [
        rule(f"R{place}", _condition(mix), mix.choice(_ACTIONS), exceptions=_condition(mix) if place else {})
        for place in range(3)
    ]
    guarantees = [{"name": f"G{place}", "when": {**IN, **_condition(mix)}, "then": "encrypted"} for place in range(2)]
    verdicts = [row["verdict"] for row in prove(rules, facts, guarantees, NOW)]
    rows = sorted(row["text"] for row in difference(rules, rules[1:], facts, NOW).rows)
    return verdicts, rows, sorted(row["reason"] for row in lint(rules, facts, NOW))


@pytest.mark.parametrize("seed", seeds(4))
def test_profiles_answer_as_names_do(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    by_name = _answers(seed)
    for module in (atoms, profiles):
        monkeypatch.setattr(module, "MOST_NAMED", 15)
    assert _answers(seed) == by_name


@pytest.mark.parametrize("seed", seeds(4))
def test_too_many_profiles_contradict_no_answer(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would make too many of them stays open, and is learned from the directory when it matters."""
    by_name = _answers(seed)[0]
    for module in (atoms, profiles):
        monkeypatch.setattr(module, "MOST_NAMED", 3)
    assert {"proved", "refuted"} not in [set(pair) for pair in zip(by_name, _answers(seed)[0], strict=True)]
