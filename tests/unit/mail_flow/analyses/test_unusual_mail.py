# SPDX-License-Identifier: GPL-3.0-or-later
"""Assumptions about mail cover only mail of which nobody knows what becomes of it: unusual mail that is known to leave
in clear refutes a guarantee.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

from tests.unit.mail_flow.asking import ALL, IN, NOW, OUTGOING, STOP, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

_NO_PDF = {"irm_configuration": {"enable_pdf_encryption": False}}
_TYPES = ("OOF", "ReadReceipt", "Calendaring", "ApprovalRequest", "AutoForward", "Signed")

#: What rules look for, and facts of an organization in which nobody knows what becomes of such mail once a rule
#: encrypts it.
UNUSUAL: dict[str, tuple[Values, Values]] = {
    **{kind: ({"message_type_matches": kind}, {}) for kind in _TYPES},
    **{size: ({"message_size_over": size}, {}) for size in ("17.9MB", "20MB", "25MB", "26MB")},
    "pdf": ({"attachment_extension_matches_words": ["pdf"]}, _NO_PDF),
    "pdf by its name": ({"attachment_name_matches_patterns": [r"\.pdf$"]}, _NO_PDF),
    "a reply that is large": ({"message_type_matches": "OOF", "message_size_over": "26MB"}, {}),
    "an attachment that is large": ({"attachment_size_over": "30MB"}, {}),
    "to nobody in the directory": ({"recipient_address_contains_words": ["nobody"]}, {}),
}


def replayed(found: Mapping[str, Any], rules: Sequence[Values], facts: Mapping[str, Any]) -> Values:
    """What the simulator makes of a counterexample."""
    example = found["counterexample"]
    given = {key: value for key, value in example["message"].items() if key != "name"}
    message = message_of({"date": NOW, **given}, "", "message")
    answers = Simulator(rules, facts_of({**facts, **example.get("facts", {})})).run(message)["recipients"]
    outcome: Values = answers[example["recipient"]]
    return outcome


@pytest.mark.parametrize("how", ["an exception", "a stop before it"])
@pytest.mark.parametrize("name", UNUSUAL)
def test_mail_that_is_known_to_leave_in_clear_refutes(name: str, how: str) -> None:
    looks_for, more = UNUSUAL[name]
    facts, spared = {**TENANT, **more}, how == "an exception"
    if spared and len(looks_for) > 1:
        looks_for = dict(list(looks_for.items())[:1])
    rules = [{**ALL, "exceptions": looks_for}] if spared else [rule("Away", looks_for, STOP), ALL]
    found = verdict(rules, facts, then="not_in_clear")
    assert found["verdict"] == "refuted"
    outcome = replayed(found, rules, facts)
    assert (outcome["fate"], outcome["protection"], outcome.get("assumes")) == ("delivered", "none", None)


@pytest.mark.parametrize("kind", ["Voicemail", *_TYPES])
def test_a_counterexample_is_no_more_unusual_than_it_has_to_be(kind: str) -> None:
    found = verdict([{**ALL, "exceptions": {"message_type_matches": kind}}], then="not_in_clear")["counterexample"][
        "message"
    ]
    assert (found["type"], sorted(found.keys() & {"size", "protection", "attachments", "mail_from"})) == ([kind], [])


@pytest.mark.parametrize("encrypts", [True, False])
def test_a_document_of_a_type_is_one_by_its_name(encrypts: bool) -> None:
    """One in another file would be stranger than the document itself."""
    found = verdict(
        [{**ALL, "exceptions": {"attachment_extension_matches_words": ["pdf"]}}],
        {**TENANT, "irm_configuration": {"enable_pdf_encryption": encrypts}},
        then="not_in_clear",
    )["counterexample"]["message"]
    assert [each["name"] for each in found["attachments"]] == ["file0.pdf"]


def test_usual_mail_refutes_before_unusual_mail() -> None:
    spared = {"message_type_matches": "OOF", "subject_contains_words": ["public"]}
    found = verdict([{**ALL, "exceptions": spared}], then="not_in_clear")["counterexample"]["message"]
    assert (found.get("type"), found["subject"]) == (None, "public")


def test_unusual_mail_refutes_where_usual_mail_is_open() -> None:
    tried = rule("Tried", IN, STOP, mode="Audit")
    assert verdict([tried, ALL], then="not_in_clear")["verdict"] == "unknown"
    found = verdict([tried, {**ALL, "exceptions": {"message_type_matches": "OOF"}}], then="not_in_clear")
    assert found["counterexample"]["message"]["type"] == ["OOF"]


def test_unusual_mail_of_which_nobody_knows_is_assumed_away() -> None:
    """Also where that is so for another reason: whether a rule that is only tried stops (U08)."""
    rules = [rule("Tried", {"message_type_matches": "OOF"}, STOP, mode="Audit"), ALL]
    for each in (rules, [ALL]):
        found = verdict(each, then="not_in_clear")
        assert (found["verdict"], {"U26", "U27", "U29", "U31"} - {row["id"] for row in found["assumptions"]}) == (
            "proved",
            set(),
        )


@pytest.mark.parametrize("kind", _TYPES)
def test_a_guarantee_about_unusual_mail_assumes_no_other(kind: str) -> None:
    when = {**OUTGOING, "message_type_matches": kind}
    assert verdict([], when=when, then="not_in_clear")["verdict"] == "refuted"
    assert verdict([ALL], when=when, then="not_in_clear")["verdict"] == "unknown"
    deletes = [rule("Deletes", {}, {"delete_message": True})]
    assert verdict(deletes, when=when, then="not_in_clear")["verdict"] == (
        "unknown" if kind == "ApprovalRequest" else "proved"
    )


def test_a_proof_makes_no_assumption_that_it_does_not_need() -> None:
    found = verdict(
        [rule("Deletes", {}, {"delete_message": True}, exceptions={"message_type_matches": "ApprovalRequest"})],
        then="not_in_clear",
    )
    assert found["counterexample"]["message"]["type"] == ["ApprovalRequest"]
    found = verdict([rule("Deletes", {}, {"delete_message": True})], then="not_in_clear")
    assert [row["id"] for row in found["assumptions"] if row["id"].startswith("U")] == ["U29"]


@pytest.mark.parametrize("left_out", range(3))
def test_each_exception_of_a_rule_lets_mail_out(left_out: int) -> None:
    spared: list[Values] = [
        {"subject_contains_words": ["public"]},
        {"recipient_domain_is": ["partner.com"]},
        {"message_type_matches": "OOF"},
    ]
    exceptions = {name: value for each in spared for name, value in each.items()}
    others = {name: value for name, value in exceptions.items() if name not in spared[left_out]}
    rules = [{**ALL, "exceptions": exceptions}]
    assert verdict(rules, unless=others, then="not_in_clear")["verdict"] == "refuted"
    assert verdict(rules, unless=exceptions, then="not_in_clear")["verdict"] == "proved"
