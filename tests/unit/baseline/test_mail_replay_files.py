# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an organization whose mail the role replays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run import mail_replay
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError

from .conftest import Role


@pytest.mark.parametrize(
    ("value", "files"),
    [
        (None, []),
        ("a.csv", ["a.csv"]),
        (["a.csv", "b.csv"], ["a.csv", "b.csv"]),
        ({"contoso": "a.csv"}, ["a.csv"]),
        ({"contoso": ["a.csv"]}, ["a.csv"]),
        ({"contoso": None, "fabrikam": "b.csv"}, []),
        ({"Contoso": "a.csv"}, None),
        ({}, None),
    ],
)
def test_files_are_for_all_or_for_each_organization(value: Any, files: list[str] | None) -> None:
    assert mail_replay._files(value, "contoso") == files


@pytest.mark.parametrize("value", [[], {"contoso": []}])
def test_an_empty_list_of_files_is_refused(value: Any) -> None:
    with pytest.raises(OptionError, match="The list hardened_baseline_replay_trace is empty"):
        mail_replay._files(value, "contoso")


@pytest.mark.parametrize("days", [0, 7])
def test_of_an_organization_without_files_the_live_trace_is_not_read_instead(
    role: Role, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_replay, "_traced", pytest.fail)
    planned = role.plan("audit", check=True, replay_trace={"Fabrikam": "a.csv"}, replay_days=days)
    assert planned["mail"]["replay"] == {
        "remark": "The mail of the last days was not replayed: hardened_baseline_replay_trace has no files for 'contoso'."
    }


@pytest.mark.parametrize("complete", [False, True])
def test_files_may_be_said_to_be_complete(role: Role, complete: bool, tmp_path: Path) -> None:
    row = "m,2026-11-20T00:00:00Z,joe@contoso.com,ann@fabrikam.com,Delivered"
    path = tmp_path / "trace.csv"
    path.write_text(f"MessageTraceId,Received,SenderAddress,RecipientAddress,Status\n{row}\n")
    role.plan("audit", check=True, replay_trace=str(path), replay_trace_complete=complete)
    replay = role.report["mail"]["replay"]
    assert replay["counts"]["copies"] == 1
    assert ("trace_complete" in {row["id"] for row in replay["assumes"]}) is complete
