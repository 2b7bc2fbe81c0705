# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control of what Exchange reports: whether it is what was computed. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.control import Control, Request
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.findings import PREFIX
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError

#: The control that evidence decides.
EVIDENCE_CONTROL = "VRF-2"

#: The days that Exchange's reports of rules go back. Source: Microsoft's page of Get-MailDetailTransportRuleReport.
LONGEST = 10


@dataclass(frozen=True, kw_only=True)
class EvidenceControl(Control):
    """What Exchange reports of rules, beside what is computed of the same mail. One variable: the days. Only an audit
    looks at it.
    """

    def is_wanted(self, variables: Mapping[str, Any]) -> bool:
        return bool(variables.get(self.variables[0].name))

    def check(self, request: Request) -> None:
        days = int(request.variables.get(self.variables[0].name) or 0)
        if not 0 <= days <= LONGEST:
            raise OptionError(
                f"{PREFIX}{self.variables[0].name} is {days}.",
                remedy=f"Use a number from 0 to {LONGEST}; 0 turns it off.",
            )


def judged(evidence: Mapping[str, Any]) -> tuple[bool | None, list[str]]:
    """Whether Exchange reports what was computed, ``None`` where that cannot be told, and what was found.

    :param evidence: the result of ``mail_flow_evidence``, or why there is none (``remark``).
    """
    if "remark" in evidence:
        return None, [evidence["remark"]]
    rules = evidence["rules"]
    against = [rule for rule in rules if rule["contradictions"]]
    others = [rule for rule in rules if not rule["contradictions"]]
    # Of nothing, nothing is met.
    compared = any(rule.get("compared") for rule in rules)
    return (False if against else True if compared else None), [rule["text"] for rule in (*against, *others)] or [
        "No rule protects or is in a test mode."
    ]
