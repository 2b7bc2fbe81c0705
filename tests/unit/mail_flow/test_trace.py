# SPDX-License-Identifier: GPL-3.0-or-later
"""The trace says what the result says, and why."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.expectations import run_cases
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.messages import Case
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded

from tests.unit.mail_flow import generators

FACTS: dict[str, Any] = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mailboxes": ["megan@contoso.com"]}
MESSAGE = {"from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"], "subject": "Offer"}
SALES = {"from_member_of": ["sales@contoso.com"]}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
STOP = {"stop_rule_processing": True}
APPROVAL = {"moderate_message_by_user": ["boss@contoso.com"]}


def rule(name: str, conditions: Mapping[str, Any], actions: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "conditions": conditions, "actions": actions, **more}


def traced(rules: list[dict[str, Any]], facts: Mapping[str, Any] | None = None, **message: Any) -> list[dict[str, Any]]:
    """The results of all recipients, with their traces."""
    given = {key: value for key, value in {**MESSAGE, **message}.items() if key != "name"}
    cases = [Case(message_of(given, "", "M"))]
    tested = run_cases(cases, Simulator(rules, facts_of(FACTS if facts is None else facts)), "all")
    return list(worded(tested.messages[0].as_row()["recipients"]).values())


def said(result: Mapping[str, Any]) -> dict[str, Any]:
    """Which rules a result names: before an approval, and after."""
    later = [each for key in ("after_approval", "after_release") if key in result for each in said(result[key]).items()]
    return {**{each["name"]: each["matched"] for each in result.get("rules") or ()}, **dict(later)}


def matched(result: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["rule"]: entry["matched"] for entry in result["trace"]}


@pytest.mark.parametrize(
    ("rules", "message", "wanted"),
    [
        # Nobody says who is a member, and both rules ask.
        ([rule("One", SALES, ENCRYPT), rule("Two", SALES, STOP)], {}, {"One": "unknown", "Two": "unknown"}),
        ([rule("Stop", SALES, STOP), rule("Later", {}, ENCRYPT)], {}, {"Stop": "unknown", "Later": "unknown"}),
        ([rule("Stop", {}, STOP), rule("Later", SALES, ENCRYPT)], {}, {"Stop": True, "Later": False}),
        ([rule("Tag", SALES, {"set_header_name": "X-A", "set_header_value": "b"}),
          rule("Look", {"header_contains_message_header": "X-A", "header_contains_words": ["b"]}, ENCRYPT)], {}, {"Tag": "unknown", "Look": "unknown"}),
        ([rule("One", SALES, ENCRYPT), rule("Never", SALES, STOP, exceptions=SALES)], {}, {"One": "unknown", "Never": False}),
        ([rule("Hold", {}, APPROVAL), rule("Later", SALES, ENCRYPT)], {}, {"Hold": True, "Later": "unknown"}),
        ([rule("Encrypt", {}, ENCRYPT)], {"protection": {"kind": "smime"}}, {"Encrypt": "unknown"}),
    ],
)  # fmt: skip
def test_a_rule_of_which_it_is_open_is_unknown_in_the_trace_too(
    rules: list[dict[str, Any]], message: Any, wanted: Any
) -> None:
    (result,) = traced(rules, **message)
    assert matched(result) == wanted
    assert said(result) == {name: each for name, each in wanted.items() if each}
    for entry in result["trace"]:
        assert (entry["matched"] != "unknown") or entry["reason"], entry
    assert all("S/MIME" not in entry.get("reason", "") for entry in result["trace"]) or "protection" in message


def test_what_a_condition_is_assumed_to_be_names_the_assumption() -> None:
    rules = [
        rule("Encrypt", {}, ENCRYPT),
        rule("Protected", {"message_type_matches": "PermissionControlled"}, {"prepend_subject": "x"}),
    ]
    (result,) = traced(rules)
    assert matched(result) == {"Encrypt": True, "Protected": False}
    assert result["assumes"] == ["U03"]
    (because,) = result["trace"][1]["because"]
    assert (because["result"], because["assumes"]) == (False, ["U03"])


@pytest.mark.parametrize(
    ("headers", "matches", "saw"),
    [
        ({"X-A": ""}, True, "an empty header"),
        ({"X-A": None}, True, "an empty header"),
        ({"X-A": [""]}, True, "an empty header"),
        ({"X-A": []}, False, "no such header"),
        ({}, False, "no such header"),
    ],
)
def test_a_header_that_is_there_but_empty_is_there(headers: dict[str, Any], matches: bool, saw: str) -> None:
    empty = {"header_matches_message_header": "X-A", "header_matches_patterns": ["^$"]}
    (result,) = traced([rule("Empty", empty, ENCRYPT)], headers=headers)
    assert matched(result) == {"Empty": matches}
    assert [each["saw"] for each in result["trace"][0]["because"]] == [saw]


def test_a_rule_after_one_that_only_tries_to_stop_matches() -> None:
    (result,) = traced([rule("Stop", {}, STOP, mode="Audit"), rule("Encrypt", {}, ENCRYPT)])
    assert matched(result) == said(result) == {"Stop": True, "Encrypt": True}
    assert result["assumes"] == ["U08"]


def test_somebody_whom_a_rule_adds_shares_the_rules_of_the_copy() -> None:
    results = traced([rule("Copy", {}, {"blind_copy_to": ["archive@contoso.com"]})])
    assert [matched(each) for each in results] == [{"Copy": True}, {"Copy": True}]
    assert results[1]["trace"][0]["reason"].startswith("the recipient was added by the rule 'Copy'")


def test_the_trace_of_random_mail_says_what_the_result_says() -> None:
    wrong, unknown = [], 0
    for seed in range(300):
        source = random.Random(seed)
        tenant, rules, message = generators.organization(source), generators.rules(source), generators.message(source)
        for number, each in enumerate(rules):
            each["name"] = f"{number} {each['name']}"
        for result in traced(rules, tenant, **message):
            named = said(result)
            unknown += "unknown" in named.values()
            traces = {name: each for name, each in matched(result).items() if each is not False}
            reasonless = [
                entry for entry in result["trace"] if entry["matched"] == "unknown" and not entry.get("reason")
            ]
            if traces != named or reasonless:
                wrong.append((seed, traces, named, reasonless))
    assert unknown > 50
    assert not wrong
