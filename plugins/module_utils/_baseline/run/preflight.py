# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything before the first write: one read, one list of all findings, the plan and the snapshot. Private to the
collection.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.context import (
    BaselineContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.refusals import check_ring
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.drafting import draft
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.judging import judge, refuse, warn
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.prepare import prepare
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.recording import Record
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variable_validation import (
    for_report,
)


def preflight(task: BaselineContext) -> dict[str, Any]:
    """Everything before the first write: reads the organization, plans, collects the findings, and takes the snapshot.

    :raises OptionError: with all findings.
    """
    task.artifacts(for_report(task)).notes.begin()
    prepared = prepare(task)
    check_ring(task, prepared.artifacts)
    drafted = draft(task, prepared)
    findings = judge(task, drafted)
    record = Record(task, drafted, findings, warn(task, drafted))
    refuse(prepared, findings, record.report, record.result)
    return record.finish()
