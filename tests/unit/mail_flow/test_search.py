# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for wrong answers finds them, and none among right ones: enumeration itself decides here, rightly and
wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.unit.mail_flow.oracle import kinds_of, plainer
from tests.unit.mail_flow.search import Search
from tests.unit.mail_flow.small_worlds import Claim, SmallWorld, Verdict, messages

Values = dict[str, Any]

SOME = [one for place, one in enumerate(messages()) if place % 40 == 0]
SEEDS = range(12)


def enumerated(rules: Sequence[Values], tenant: Mapping[str, Any], options: Sequence[Values]) -> list[Values]:
    """Verdicts by enumeration, in the shape of a result."""
    claims = [Claim(one["when"], one.get("unless", {}), one["then"], one.get("template", "")) for one in options]
    verdicts = SmallWorld(tenant, SOME).verdicts(rules, claims)
    return [
        _answer(one["name"], verdict, claim, rules, tenant)
        for one, claim, verdict in zip(options, claims, verdicts, strict=True)
        if verdict.about
    ]


def _answer(name: str, verdict: Verdict, claim: Claim, rules: Sequence[Values], tenant: Mapping[str, Any]) -> Values:
    answer: Values = {"name": name, "verdict": verdict.says}
    if verdict.says == "refuted":
        message, recipient = verdict.certain[0]
        while (less := plainer(message, recipient, claim, rules, tenant)) is not None:
            message = less
        return answer | {"counterexample": {"message": message, "recipient": recipient}}
    return answer | ({"assumptions": [{"id": "all"}]} if verdict.says == "proved" else {"unknown": [{"id": "U02"}]})


class Few(Search):
    """The search over the messages that enumeration looks at, too."""

    def _world(self, source: Any, tenant: Any) -> SmallWorld:
        return SmallWorld(tenant, SOME)


def test_right_answers_pass() -> None:
    assert [Few().claims(enumerated, seed, 6) for seed in SEEDS] == [""] * len(SEEDS)


@pytest.mark.parametrize("verdict", ["proved", "unknown"])
def test_one_answer_for_everything_is_found_out(verdict: str) -> None:
    def always(rules: Sequence[Values], tenant: Mapping[str, Any], options: Sequence[Values]) -> list[Values]:
        return [
            {"name": one["name"], "verdict": verdict, "assumptions": [{"id": "all"}], "unknown": [{"id": "U02"}]}
            for one in options
        ]

    assert any("it is called " + verdict in Few().claims(always, seed, 6) for seed in SEEDS)


def test_a_counterexample_of_another_claim_is_found_out() -> None:
    def mixed(rules: Sequence[Values], tenant: Mapping[str, Any], options: Sequence[Values]) -> list[Values]:
        answers = enumerated(rules, tenant, options)
        refuted = [one for one in answers if one["verdict"] == "refuted"]
        examples = [one["counterexample"] for one in refuted]
        for one, example in zip(refuted, [*examples[1:], *examples[:1]], strict=True):
            one["counterexample"] = example
        return answers

    assert any("does not break" in Few().claims(mixed, seed, 6) for seed in SEEDS)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"decided_by": ["Rule 0"]}, "is said to decide it"),
        ({"headers": {"X-Other": "no"}}, "has more than it needs"),
        ({"cc": ["other@contoso.com"]}, "has more than it needs"),
    ],
)
def test_a_counterexample_that_says_too_much_is_found_out(change: Values, wrong: str) -> None:
    def more(rules: Sequence[Values], tenant: Mapping[str, Any], options: Sequence[Values]) -> list[Values]:
        answers = enumerated(rules, tenant, options)
        for example in [one["counterexample"] for one in answers if one["verdict"] == "refuted"]:
            (example if "decided_by" in change else example["message"]).update(change)
        return answers

    assert any(wrong in Few().claims(more, seed, 6) for seed in SEEDS)


def test_a_refusal_of_what_says_something_is_found_out() -> None:
    assert any("refused" in Few().claims(lambda rules, tenant, options: [], seed, 6) for seed in SEEDS)


def changed(before: Sequence[Values], after: Sequence[Values], tenant: Mapping[str, Any]) -> tuple[list[Values], int]:
    """The difference by enumeration: a class a kind, and for each person whom rules add."""
    world, rows = SmallWorld(tenant, SOME), dict[tuple[str, str], Values]()
    for changes, of_added in ((world.changes(before, after), False), (world.changes_of_added(before, after), True)):
        for message, recipient, old, new in changes:
            for kind in kinds_of(old, new):
                sides = {
                    name: {"fate": one.fate, "protection": one.protection, "branding": one.branding}
                    for name, one in (("before", old), ("after", new))
                }
                row = {"kind": kind, "when": {}, **sides, "witness": {"message": message, "recipient": recipient}}
                rows.setdefault((kind, recipient if of_added else ""), row | ({"added": recipient} if of_added else {}))
    return list(rows.values()), 0


def test_right_and_missing_differences() -> None:
    assert [Few().changes(changed, seed) for seed in SEEDS] == [""] * len(SEEDS)
    assert any("nothing is said of" in Few().changes(lambda before, after, tenant: ([], 0), seed) for seed in SEEDS)


def test_rules_that_are_wrongly_said_never_to_act() -> None:
    assert any(
        "said never to act" in Few().idle(lambda rules, tenant: {rule["name"] for rule in rules}, seed)
        for seed in SEEDS
    )
    assert Few().idle(lambda rules, tenant: set(), 1) == ""


def test_settings_that_change_nothing_are_doubted() -> None:
    assert any("nothing is said" in Few().settings(lambda *_sides: ([], 0), seed) for seed in SEEDS)
