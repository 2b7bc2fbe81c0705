# SPDX-License-Identifier: GPL-3.0-or-later
"""The open questions on which the verdicts about an organization rest: which are asked, and what their answers decide."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.question_experiments import (
    BY_NUMBER,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.relied_on import (
    MOST_TRIED,
    Dependence,
    RestingVerdict,
    Subject,
    VerdictsRelying,
    numbers_by_use,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    declared_guarantees,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.observations import (
    Observation,
    observations_document,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import (
    BY_ID,
    OBSERVABLE,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.tasks.experiment_outcome import (
    NO_RULES,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.questions import (
    dependence_lines,
)
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_test

from tests.unit.emulated_session import EmulatedSession
from tests.unit.mail_flow.experiment.mailboxes import DOMAIN, ENCRYPT, KeptRecord, session_with
from tests.unit.mail_flow.experiment.questioning import ask, rules_of, told

STOPS: dict[str, Any] = {
    "name": "Tries to stop",
    "mode": "Audit",
    "conditions": {"recipient_domain_is": ["fabrikam.com"], "subject_contains_words": ["trial"]},
    "actions": {"set_header_name": "X-Tried", "set_header_value": "1", "stop_rule_processing": True},
}
ALWAYS: dict[str, Any] = {key: value for key, value in ENCRYPT.items() if key != "exceptions"}
UNCLASSIFIED: dict[str, Any] = {
    "name": "Unclassified",
    "conditions": {"from_scope": "InOrganization", "has_no_classification": False, "subject_contains_words": ["quiet"]},
    "actions": {"stop_rule_processing": True, "set_header_name": "X-Quiet", "set_header_value": "1"},
}
PARTNERS: dict[str, Any] = {
    "name": "Partners",
    "when": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "then": "encrypted",
}
ELSEWHERE: dict[str, Any] = {
    "name": "Elsewhere",
    "when": {"from_scope": "InOrganization", "recipient_domain_is": ["northwind.com"]},
    "then": "unencrypted",
}


def relying(session: EmulatedSession, *guarantees: dict[str, Any], **options: Any) -> dict[str, Any]:
    return ask(session, questions=["relied_on"], guarantees=list(guarantees), **{"max_messages": 60, **options})


def rows(found: dict[str, Any]) -> dict[tuple[str, str], tuple[str, ...]]:
    return {
        (row["id"], row.get("guarantee") or row["destination"]): tuple(
            row[key] for key in ("verdict", "if_true", "if_false", "after") if key in row
        )
        for row in found["relied_on"]
        if row["id"] in OBSERVABLE
    }


def verdict(session: EmulatedSession, answers: dict[str, bool], guarantee: dict[str, Any]) -> str:
    """As another module says it."""
    found = session.run(mail_flow_test, guarantees=[guarantee], facts={"observed": answers}, fail_on_error=False)
    return str(found["guarantees"][0]["verdict"])


def test_only_what_a_verdict_rests_on_is_asked() -> None:
    session = session_with(STOPS, ALWAYS)
    found = relying(session, PARTNERS, ELSEWHERE, check_mode=True)
    assert rows(found) == {("U08", "Partners"): ("unknown", "refuted", "proved")}
    asked = {row["name"].partition(" ")[0] for row in found["experiments"] if row["name"].startswith("U")}
    assert asked == {"U08"}
    # Nothing else is asked, and what no message tells is named only if a verdict assumes something of it.
    resting = {row["id"] for row in found["relied_on"]}
    assert {row["name"] for row in found["not_sent"] if row["name"] in BY_ID} == resting - {"U08"}
    assert not resting & BY_NUMBER.keys() - {"U08"}
    assert rules_of(session) == ["Tries to stop", "Partners"]


@pytest.mark.parametrize("answer", [True, False])
def test_the_answer_decides_what_was_said_that_it_would(answer: bool) -> None:
    session = session_with(STOPS, ALWAYS, answers={"U08": answer})
    found = relying(session, PARTNERS)
    assert told(found) == {"U08": answer}
    would = verdict(session, {"U08": answer}, PARTNERS)
    assert rows(found) == {("U08", "Partners"): ("unknown", "refuted", "proved", would)}
    assert would == ("refuted" if answer else "proved")
    assert rules_of(session) == ["Tries to stop", "Partners"]


def test_what_an_answer_would_decide_is_what_mail_flow_test_says() -> None:
    session = session_with(STOPS, UNCLASSIFIED, ALWAYS)
    found = rows(relying(session, PARTNERS, check_mode=True))
    assert {number for number, _name in found} == {"U08", "U15"}
    for (number, _name), (now, if_true, if_false) in found.items():
        expected = [verdict(session, answers, PARTNERS) for answers in ({}, {number: True}, {number: False})]
        assert [now, if_true, if_false] == expected
    # Its reason names one question: the other one shows by what its answer changes.
    assert found["U08", "Partners"][1] == "refuted"


def test_without_guarantees_the_mail_that_leaves_is_looked_at() -> None:
    found = relying(session_with(STOPS, ALWAYS), check_mode=True)
    assert rows(found) == {("U08", "fabrikam.com"): ("unknown", "depends", "always")}
    assert {row["kind_of_mail"] for row in found["relied_on"] if row["id"] == "U08"} == {"from_inside"}


def test_what_was_observed_is_not_asked_again() -> None:
    seen = Observation("U08", False, "2026-11-30", "U08 (a)", ("detail",), (), NO_RULES)
    others = {"observed.json": KeptRecord()}
    others["observed.json"].write(observations_document(DOMAIN, [seen]))
    session = session_with(STOPS, ALWAYS)
    found = relying(session, PARTNERS, check_mode=True, others=others, observations="observed.json")
    assert rows(found) == {}
    assert not [row for row in found["experiments"] if row["name"].startswith("U")]


def test_where_no_verdict_rests_on_a_question_none_is_asked() -> None:
    with pytest.raises(OptionError, match="No verdict rests on an open question"):
        relying(session_with(), {**ELSEWHERE, "name": "Nowhere", "then": "encrypted"}, recipients=[f"x@{DOMAIN}"])


def test_what_decides_the_most_with_the_fewest_messages_comes_first() -> None:
    one, two, three = (Subject(name) for name in ("one", "two", "three"))
    unknown, proved = GuaranteeVerdict.UNKNOWN, GuaranteeVerdict.PROVED
    dependences = [
        Dependence("U08", one, unknown, proved, unknown),
        Dependence("U15", one, unknown, proved, unknown),
        Dependence("U15", two, unknown, unknown, proved),
        Dependence("U29", three, unknown),
        Dependence("U03", three, unknown, unknown, unknown),
    ]
    costs = {"U08": 2, "U15": 1, "U03": 1}
    for each in itertools.permutations(dependences):
        assert numbers_by_use(each, lambda number: costs.get(number, 0)) == ["U15", "U08", "U03", "U29"]


def test_the_sets_of_answers_that_are_tried_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = VerdictsRelying(RuleSet([]), {}, declared_guarantees([PARTNERS]), datetime.datetime.now(datetime.UTC))
    judged: list[dict[str, bool]] = []

    def judge(facts: dict[str, Any]) -> Iterator[tuple[Subject, RestingVerdict]]:
        judged.append(facts["observed"])
        yield (
            Subject("one"),
            RestingVerdict(GuaranteeVerdict.UNKNOWN, frozenset(OBSERVABLE.keys() - facts["observed"].keys())),
        )

    monkeypatch.setattr(verdicts, "_judged", judge)
    assert {each.number for each in verdicts.dependences()} == OBSERVABLE.keys()
    assert len(judged) <= MOST_TRIED + 2 * len(OBSERVABLE)


def test_a_line_says_what_an_answer_decides() -> None:
    partners, known = Subject("Partners"), GuaranteeVerdict.UNKNOWN
    decided = Dependence("U08", partners, known, GuaranteeVerdict.REFUTED, GuaranteeVerdict.PROVED)
    lines = dependence_lines(
        [Dependence("U26", partners, known, known, known), Dependence("U25", partners, known), decided]
    )
    assert lines == [
        "U08 would decide the guarantee 'Partners' (now unknown): refuted if true, proved if false.",
        "U26 matters to the guarantee 'Partners' (now unknown). Its answer alone decides nothing.",
        "U25 matters to the guarantee 'Partners' (now unknown). No verdict takes an answer to it.",
    ]
