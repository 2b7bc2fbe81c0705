# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of which a task says that they have the rows of all recipients of each message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_replay

from tests.unit.mail_flow.organizations.organization import LEAVING, rule
from tests.unit.mail_flow.replaying import KNOWN, encrypting
from tests.unit.mail_flow.running import NoSession, flow

_ROWS = (
    "MessageTraceId,Received,SenderAddress,RecipientAddress,Subject,Status,Size,FromIP\n"
    "m1,2026-11-18T14:03:04Z,megan@contoso.com,ann@fabrikam.com,Offer,Delivered,2048,255.255.255.255\n"
)

#: Closed lists before the rule that encrypts.
_RULES = [
    rule("Closed", {"any_of_to_cc_header": ["board@contoso.com"]}, {"reject_message_reason_text": "no"}),
    encrypting(LEAVING),
]


def _replay(trace: list[str], **options: Any) -> dict[str, Any]:
    return flow(NoSession(), module=mail_flow_replay, rules=_RULES, facts=KNOWN, trace=trace, **options)


def test_who_is_in_to_and_cc_is_known_of_complete_files(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(_ROWS)
    found = _replay([str(path)])
    assert [row["reason"] for row in found["undecided"]] == ["to_or_cc"]
    assert "trace_complete: true" in found["msg"]
    found = _replay([str(path)], trace_complete=True)
    assert [row["protected_by"] for row in found["outcome"]] == [["Encrypt"]]
    assert found["window"]["complete"]
    assert "trace_complete" in [row["id"] for row in found["assumes"]]
    assert "trace_complete" not in found["msg"]


def test_only_files_can_be_called_complete() -> None:
    with pytest.raises(OptionError, match="trace_complete"):
        flow(NoSession(), module=mail_flow_replay, rules=_RULES, facts=KNOWN, trace_complete=True)
