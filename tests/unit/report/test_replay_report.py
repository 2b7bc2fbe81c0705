# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a replay alone: what it has of what is registered for the hosts of a play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.replay_report import (
    ReplayReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_replay_report
from ansible_collections.m365.message_encryption.plugins.modules.mail_flow_replay_report import ReplayReportContext

from tests.unit.fake_session import FakeSession

OUTCOME = {"fate": "delivered", "protection": "none", "copies": 2}
REPLAY: dict[str, Any] = {
    "window": {"from": "2026-11-18T00:00:00Z", "until": "2026-11-25T00:00:00Z", "complete": True},
    "counts": {"copies": 2, "messages": 2, "recipients": 1, "left_out": {}},
    "outcome": [{**OUTCOME, "examples": [{"sender": "alexw@contoso.com"}]}],
    "undecided": [],
    "plain": [],
    "days": [],
    "domains": [],
    "assumes": [],
    "unseen": [],
}
#: What is registered for a host has more than the replay.
REGISTERED = {**REPLAY, "changed": False, "failed": False, "msg": "2 copies."}


def written(results: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The result of the task, and the document that it stores."""
    documents: list[ReplayReport] = []

    def store(_directory: str, report: ReplayReport) -> dict[str, str]:
        documents.append(report)
        return {"replay.html": "runs/1/replay.html"}

    task = ReplayReportContext(
        params={"directory": "runs"}, check_mode=False, session=FakeSession({}), results=results, store=store
    )
    result = mail_flow_replay_report.run(task)
    (document,) = documents
    return result, document.as_row()


def test_it_has_the_replays_without_examples_and_why_others_are_missing() -> None:
    result, document = written({"contoso": REGISTERED, "fabrikam": {"msg": "No mail.", "failed": True}, "tailspin": {}})
    assert result["msg"] == "1 organization was replayed. 2 could not be."
    assert result["report"] == "runs/1/replay.html"
    assert (document["format"], document["kind"]) == (1, "replay")
    assert document["organizations"] == [
        {"host": "contoso", **REPLAY, "outcome": [OUTCOME]},
        {"host": "fabrikam", "remark": "No mail."},
        {"host": "tailspin", "remark": "The mail of this organization was not replayed."},
    ]


def test_the_result_of_something_else_is_refused() -> None:
    with pytest.raises(OptionError, match="what is registered for contoso is not the result of a replay"):
        written({"contoso": {"counts": {"met": 3}}})
