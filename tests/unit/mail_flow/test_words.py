# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a message is English, whatever is missing or is one of a kind."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import numbers_told
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.rule_trace import Tracer
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.summary import decided
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.labels import as_text

FACTS: dict[str, Any] = {"accepted_domains": ["contoso.com"], "remote_domains": []}
MAIL: dict[str, Any] = {"from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"]}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (
            {"attachment_has_executable_content": True},
            "whether there is executable content in the attachment a.bin is not known",
        ),
        ({"attachment_is_password_protected": True}, "the password protection of the attachment a.bin is not known"),
        ({"attachment_is_unsupported": True}, "whether Exchange can look into the attachment a.bin is not known"),
        ({"attachment_contains_words": ["x"]}, "the text of the attachment a.bin is not known"),
        ({"attachment_size_over": "1MB"}, "the size of the attachment a.bin is not known"),
        ({"attachment_property_contains_words": ["a:b"]}, "a document property of the attachment a.bin is not known"),
    ],
)
def test_what_is_not_known_of_an_attachment(conditions: dict[str, Any], said: str) -> None:
    message = message_of({**MAIL, "attachments": [{"name": "a.bin"}]}, "", "m")
    found = Simulator([{"name": "r", "conditions": conditions, "actions": ENCRYPT}], facts_of(FACTS)).run(message)[
        "recipients"
    ]
    assert said in [each["reason"] for each in worded(found["ann@fabrikam.com"])["unknown"]]


def test_an_empty_subject_and_text_are_named() -> None:
    rules = RuleSet([{"name": "r", "conditions": {"subject_or_body_contains_words": ["secret"]}, "actions": ENCRYPT}])
    message = message_of({**MAIL, "subject": "", "body": ""}, "", "m")
    trace = Tracer(rules, message, facts_of(FACTS)).trace("ann@fabrikam.com")
    (line,) = decided({}, trace, {"r"})
    assert (
        line == "rule 'r' did not match: the condition subject_or_body_contains_words is false of no subject / no text"
    )


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "and 1 more rule that protects mail did not match"), (2, "and 2 more rules that protect mail did not match")],
)
def test_how_many_more_rules_did_not_match(number: int, said: str) -> None:
    trace = [{"rule": f"r{place}", "matched": False, "reason": "it is disabled"} for place in range(40)]
    for count in range(1, 40):
        lines = decided({}, trace[:count], {f"r{place}" for place in range(40)})
        if len(lines) > 1 and lines[-1].startswith(f"and {number} more"):
            assert lines[-1] == said
            return
    pytest.fail("nothing was left out")


def test_one_element_is_one() -> None:
    assert as_text({"text": "x" * 5000}).endswith("[shortened, 1 element in all]")


def test_a_number_in_a_name_is_no_question() -> None:
    """A possessive begins no name."""
    lines = ["The rule 'U10 Finance' holds it.", "It may reach the sender's manager (U09): the rule 'U11' asks them."]
    assert [line.partition(":")[0] for line in numbers_told(lines)] == ["U09"]
