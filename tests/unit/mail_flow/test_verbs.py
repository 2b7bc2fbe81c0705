# SPDX-License-Identifier: GPL-3.0-or-later
"""What mail_flow_test can be asked: its documentation says when a person wants which, and each example runs."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.modules import (
    mail_flow_test,
    message_encryption_info,
    ome_transport_rule,
)

from tests.unit.emulated_session import EmulatedSession
from tests.unit.mail_flow.running import NoSession, flow

#: What each verb brings into the result. ``explain`` adds to what is there.
RESULTS = {
    "messages": ["messages"],
    "guarantees": ["guarantees"],
    "compare_with": ["difference"],
    "add_rules": ["difference"],
    "lint": ["lint"],
    "overview": ["overview", "policy"],
    "explain": ["messages"],
    "suggest": ["suggestions"],
    "simplify": ["simplified"],
    "references": ["references"],
}
EXAMPLES = {
    task["name"]: task["m365.message_encryption.mail_flow_test"] for task in yaml.safe_load(mail_flow_test.EXAMPLES)
}


@pytest.fixture(name="session", scope="module")
def session_fixture() -> EmulatedSession:
    licensed = {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
    session = EmulatedSession({"advanced_message_encryption": True, "irm_configuration": licensed})
    session.run(
        ome_transport_rule,
        name="Encrypt all outgoing mail",
        conditions={"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"},
        actions={"apply_rights_protection_template": "Encrypt"},
    )
    return session


def test_the_documentation_says_in_a_line_when_a_person_wants_which_verb() -> None:
    description = yaml.safe_load(mail_flow_test.DOCUMENTATION)["description"]
    told = [match[1] for line in description if (match := re.match(r"O\((\w+)\) asks ", line))]
    assert told == list(RESULTS)


def test_each_verb_has_an_example_in_the_same_order() -> None:
    shown = [next((verb for verb in reversed(RESULTS) if verb in options), None) for options in EXAMPLES.values()]
    assert shown[: len(RESULTS)] == list(RESULTS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_as_it_stands(session: EmulatedSession, name: str) -> None:
    options = EXAMPLES[name]
    state = session.run(message_encryption_info)
    from_options = "rules" in options and "facts" in options
    writes = len(session.writes)
    result = flow(NoSession() if from_options else session, load=lambda path: state, **options)
    assert session.writes[writes:] == []
    assert not result.get("failed"), result["msg"]
    asked = [verb for verb in RESULTS if options.get(verb) not in (None, False)]
    assert {key for verb in asked for key in RESULTS[verb]} <= set(result)
    assert result["msg"]


def test_what_an_example_asks_is_answered(session: EmulatedSession) -> None:
    """The two whose answer is in other keys, or empty where there is nothing to say."""
    state = session.run(message_encryption_info)
    results: dict[str, Any] = {
        verb: flow(session, load=lambda path: state, **next(each for each in EXAMPLES.values() if verb in each))
        for verb in ("explain", "suggest")
    }
    (message,) = results["explain"]["messages"]
    assert message["recipients"]["ann@fabrikam.com"]["nearest"]["rule"] == "Encrypt all outgoing mail"
    assert results["suggest"]["suggestions"][0]["edits"]
