# SPDX-License-Identifier: GPL-3.0-or-later
"""A class of mail is an edit, the later rule that no longer acts or newly acts, and a kind; what is said of it is true
of all of its mail.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any

import pytest

from tests.rounds import rounds, seeds
from tests.unit.mail_flow.asking import ENCRYPT, ENCRYPTING, IN, STOP, compared, rule
from tests.unit.mail_flow.deciding import classes
from tests.unit.mail_flow.search import Search
from tests.unit.mail_flow.themes import CROWDED

Values = dict[str, Any]

REJECT = {"reject_message_reason_text": "no"}
NEWS = {"from": ["newsletter@contoso.com"]}
PARTNER = rule("Partner", {**IN, "recipient_domain_is": ["partner.example"]}, ENCRYPT)
LAW = rule("Law", {**IN, "recipient_domain_is": ["law.example"]}, ENCRYPT)
SECRET = rule("Secret", {**IN, "subject_contains_words": ["secret"]}, ENCRYPT)
THREE = [PARTNER, LAW, SECRET]
WHAT = [
    {"recipient_domain_is": ["partner.example"]},
    {"recipient_domain_is": ["law.example"]},
    {"subject_contains_words": ["secret"]},
]

BYPASS, TAG = rule("Bypass", NEWS, STOP), rule("Tag", NEWS, {"prepend_subject": "[x] "})
LABEL = rule("Label", NEWS, {"set_header_name": "X-Free", "set_header_value": "yes"})
SPARING = [
    {**each, "exceptions": {"header_contains_message_header": "X-Free", "header_contains_words": ["yes"]}}
    for each in THREE
]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (THREE, [BYPASS, *THREE]),
        ([TAG, *THREE], [{**TAG, "actions": {**TAG["actions"], **STOP}}, *THREE]),
        ([*THREE, BYPASS], [BYPASS, *THREE]),
        ([rule("Bypass", {"from": ["bob@contoso.com"]}, STOP), *THREE], [BYPASS, *THREE]),
        (SPARING, [LABEL, *SPARING]),
    ],
    ids=[
        "a new rule that stops",
        "a rule gains a stop",
        "a stop moves",
        "a stop is for others",
        "a header that rules except",
    ],
)
def test_all_mail_that_a_rule_keeps_from_others_is_told(before: Sequence[Values], after: Sequence[Values]) -> None:
    found = compared(before, after)
    assert (found.complete, found.more) == (True, 0)
    lost = [row for row in found.rows if row["kind"] == "protection_lost"]
    assert [(row["later"], row["when"]) for row in lost] == [
        ([each["name"]], {**IN, **NEWS, **what}) for each, what in zip(THREE, WHAT, strict=True)
    ]
    for row, each in zip(lost, THREE, strict=True):
        assert f"'{each['name']}'" in row["text"]


@pytest.mark.parametrize("number", [8, 9, 40])
def test_what_many_later_rules_do_is_told_without_each_of_them(number: int) -> None:
    """The last row is about all of the mail that is left, and names no condition of theirs."""
    many = [rule(f"R{place}", {**IN, "subject_contains_words": [f"w{place}"]}, ENCRYPT) for place in range(number)]
    found = compared(many, [BYPASS, *many])
    assert (found.complete, found.more) == (True, 0)
    assert len(found.rows) == min(number, 9)
    assert all(row["later"] for row in found.rows[:8])
    if number > 8:
        rest = found.rows[-1]
        assert (rest["when"], rest.get("later"), rest["every"]) == (NEWS, None, False)
        assert rest["text"].endswith(
            "is no longer encrypted, if it was before: the new rule 'Bypass' stops before other rules."
        )


def test_a_stop_that_moves_behind_many_rules_is_not_said_to_stop_before_them() -> None:
    many = [rule(f"R{place}", {**IN, "subject_contains_words": [f"w{place}"]}, ENCRYPT) for place in range(9)]
    found = compared([BYPASS, *many], [*many, BYPASS])
    assert (found.complete, found.more) == (True, 0)
    assert {row["kind"] for row in found.rows} == {"protection_gained"}
    assert not [row["text"] for row in found.rows if "stops before" in row["text"]]


def test_a_class_is_not_narrowed_by_its_message() -> None:
    """What one message meets, since an earlier rule made it so, another one meets as it arrives, or the other way
    round.
    """
    opens = rule("Opens", {**IN, "subject_contains_words": ["offer"]}, {"prepend_subject": "secret: "})
    found = compared([opens, SECRET], [opens])
    assert [(row["kind"], row["when"]) for row in found.rows] == [("protection_lost", IN)]


@pytest.mark.parametrize("first", range(0, rounds(20), 10))
def test_random_edits_of_many_rules_are_told_to_the_last_message(first: int) -> None:
    """Each message whose outcome certainly differs is covered by a row of its kind."""
    search = Search(60, CROWDED)
    wrong = [
        search.changes(classes, seed, shared=shared) for seed in range(first, first + 10) for shared in (False, True)
    ]
    assert not [each for each in wrong if each]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (
            [BYPASS, ENCRYPTING],
            [ENCRYPTING, BYPASS],
            "All mail from inside sent by newsletter@contoso.com is now encrypted: "
            "the moved rule 'Encrypting' now comes before 'Bypass'.",
        ),
        (
            [ENCRYPTING, BYPASS],
            [BYPASS, ENCRYPTING],
            "All mail from inside sent by newsletter@contoso.com is no longer encrypted: "
            "the moved rule 'Bypass' stops before 'Encrypting'.",
        ),
        (
            [BYPASS, rule("Rejects", IN, REJECT)],
            [rule("Rejects", IN, REJECT), BYPASS],
            "All mail from inside sent by newsletter@contoso.com is now rejected: the moved rule 'Rejects' now comes before 'Bypass'.",
        ),
    ],
)
def test_what_was_so_before_is_not_said_to_be_otherwise(
    before: Sequence[Values], after: Sequence[Values], text: str
) -> None:
    assert text in [row["text"] for row in compared(before, after).rows]


WORDS = ("a", "b", "c")


@pytest.mark.parametrize("seed", seeds(40))
def test_what_is_said_of_all_but_some_mail_is_true(seed: int) -> None:
    """Rules about words of a subject: *unless it already was* says that now all of the mail is encrypted, *if it was
    before* that none is, and *not all of it* neither.
    """
    chance = random.Random(seed)
    before = [
        rule(f"R{number}", {**IN, "subject_contains_words": chance.sample(WORDS, 1)}, chance.choice([STOP, ENCRYPT]))
        for number in range(3)
    ]
    before += [rule("All", IN, chance.choice([STOP, ENCRYPT]))]
    after = chance.sample(before, 4)

    def encrypted(rules: Sequence[Values], subject: Sequence[str]) -> bool:
        met = [
            each["actions"] for each in rules if {*each["conditions"].get("subject_contains_words", ())} <= {*subject}
        ]
        first = next((place for place, actions in enumerate(met) if actions == STOP), len(met))
        return ENCRYPT in met[:first]

    subjects = [found for number in range(4) for found in itertools.combinations(WORDS, number)]
    for row in compared(before, after).rows:
        mail = [each for each in subjects if {*row["when"].get("subject_contains_words", ())} <= {*each}]
        now = {encrypted(after, each) for each in mail}
        gained = row["kind"] == "protection_gained"
        assert ("unless it already was" in row["text"] or "if it was before" in row["text"]) <= (now == {gained})
