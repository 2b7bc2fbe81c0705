# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with ``defaults: ordinary``: an attached document need not be described to be known."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.messages import cases_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

Values = dict[str, Any]

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
FACTS: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mailboxes": ["megan@contoso.com"]}
FILE = (
    b"From: megan@contoso.com\r\nTo: ann@fabrikam.com\r\n"
    b"Content-Type: application/x; name=a.xlsx\r\nContent-Disposition: attachment; filename=a.xlsx\r\n\r\nx"
)
SWITCHES = (
    "attachment_has_executable_content",
    "attachment_is_password_protected",
    "attachment_is_unsupported",
    "attachment_processing_limit_exceeded",
)


def matched(conditions: Values, **message: Any) -> bool | str:
    """Whether a rule matches: true, false, or ``unknown``."""
    given = {
        "name": "message",
        **({"from": "megan@contoso.com", "to": ["ann@fabrikam.com"]} if "eml_path" not in message else {}),
        **message,
    }
    (case,) = cases_of([given], lambda path: FILE, NOW)
    rule = {"name": "Rule", "conditions": conditions, "actions": {"set_audit_severity": "Low"}}
    (found,) = Simulator([rule], facts_of(FACTS)).run(case.message)["recipients"].values()
    return found["rules"][0]["matched"] if found["rules"] else False


@pytest.mark.parametrize("switch", SWITCHES)
def test_an_ordinary_document_is_known(switch: str) -> None:
    for given in ({"attachments": [{"name": "a.xlsx"}]}, {"eml_path": "a.eml"}):
        assert matched({switch: True}, **given) == "unknown"
        assert matched({switch: True}, defaults="ordinary", **given) is False


def test_what_is_said_counts_and_what_a_document_says_stays_unknown() -> None:
    protected = {"attachments": [{"name": "a.xlsx", "password_protected": True}]}
    assert matched({"attachment_is_password_protected": True}, defaults="ordinary", **protected) is True
    assert (
        matched({"attachment_contains_words": ["secret"]}, defaults="ordinary", attachments=[{"name": "a.xlsx"}])
        == "unknown"
    )
    assert (
        matched({"attachment_is_password_protected": True}, defaults="ordinary", attachments=[{"name": "a.zip"}])
        == "unknown"
    )


def test_ordinary_mail_is_taken_for_no_spam() -> None:
    for level, said in ((0, True), (1, False)):
        assert matched({"scl_over": level}) == "unknown"
        assert matched({"scl_over": level}, defaults="ordinary") is said
    assert matched({"scl_over": 5}, defaults="ordinary", scl=6) is True


def test_a_list_has_defaults_for_all_messages() -> None:
    given = [
        {"name": "A", "from": "megan@contoso.com", "to": ["ann@fabrikam.com"], "attachments": [{"name": "a.xlsx"}]},
        {"name": "B", "eml_path": "a.eml"},
    ]
    for case, one in zip(cases_of(given, lambda path: FILE, NOW, defaults="ordinary"), given, strict=True):
        (alone,) = cases_of([{**one, "defaults": "ordinary"}], lambda path: FILE, NOW)
        assert case.message == alone.message
        assert case.message.scl == 0


def test_an_ordinary_file_is_of_no_special_type() -> None:
    assert matched({"message_type_matches": "OOF"}, eml_path="a.eml") == "unknown"
    assert matched({"message_type_matches": "OOF"}, eml_path="a.eml", defaults="ordinary") is False
    assert matched({"has_no_classification": True}, eml_path="a.eml", defaults="ordinary") is True
