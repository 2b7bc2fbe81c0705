#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: baseline_report
short_description: Writes the report of a run of the hardened baseline
version_added: 1.0.0
description:
  - Writes C(report.html), C(report.json) and C(SHA256SUMS), also in check mode. The role's variable
    C(hardened_baseline_reports) chooses the formats, among them C(report.jsonl), C(report.csv) and C(junit.xml).
  - With O(scope=run), the terminal shows RV(lines).
  - Each run has its own folder. It contains one report for the whole run, and one in the folder of each organization.
  - >-
    The report of a run over several organizations also has C(fleet.html): each control of each organization as a
    matrix, the worst organizations first.
  - It works only on the controller, so that organizations that could not be reached are reported, too.
  - The role P(m365.message_encryption.hardened_baseline#role) uses it.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.files
  - m365.message_encryption.baseline
options:
  scope:
    description:
      - The report of the whole V(run), which combines the reports of its organizations, or of all V(slices) of an AWX
        job, each of which was a run.
    type: str
    choices: [run, slices]
    default: run
  run:
    description:
      - With O(scope=slices), the name of the folder of any of the slices.
      - The report covers all runs of the same procedure in the same workflow job of AWX, whose number is part of their
        names.
    type: str
    default: ''
  results:
    description:
      - With O(scope=run), the names of the variables in which the tasks that planned and applied registered their
        results, in order.
      - An organization whose task could not write its report, for example because Ansible's C(timeout) ended it, is
        reported from them.
    type: list
    elements: str
    default: []
  hosts:
    description:
      - With O(scope=run) and O(scope=slices), the hosts of the run, or of all slices. By default all hosts of the play.
    type: list
    elements: str
    default: []
seealso:
  - module: m365.message_encryption.message_encryption_state
"""

EXAMPLES = r"""
- name: Look at the organization
  m365.message_encryption.baseline_plan:
    procedure: audit
  register: plan

- name: Report on the run
  m365.message_encryption.baseline_report:
    procedure: audit
    results: [plan]
  run_once: true
"""

RETURN = r"""
statuses:
  description: The status of each host.
  returned: with O(scope=slices)
  type: dict
  sample: {"contoso": "drift", "fabrikam": "met"}
change_count:
  description: How many changes all plans have.
  returned: with O(scope=slices)
  type: int
counts:
  description: How many organizations have which status.
  returned: always
  type: dict
  sample: {"met": 12, "drift": 1}
run:
  description: The name of the run's folder.
  returned: always
  type: str
  sample: 20261125T031655Z-audit-2914ab_c9d2
summary:
  description: How many organizations have which status, and the path of the report, as a sentence.
  returned: always
  type: str
  sample: "13 organizations: 1 drifted, 12 as wanted. Report:
    /srv/message_encryption/runs/20261125T031655Z-audit-2914ab_c9d2/report.html"
lines:
  description: A line for each organization of the ring with its changes, those that need attention first, and
    RV(summary) unless other rings follow.
  returned: always
  type: list
  elements: str
digest:
  description: The digest of the content of the report.
  returned: always
  type: str
report:
  description: The path of C(report.html) or, where that format is not wished, of C(report.json).
  returned: always
  type: str
files:
  description: The paths of all files.
  returned: always
  type: dict
"""

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.baseline_context import (
    BaselineContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.procedure_report import (
    report_run,
    report_slices,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse

SPEC: dict[str, Any] = {
    "argument_spec": {
        "procedure": {"type": "str", "required": True, "choices": list(KINDS)},
        "variables": {"type": "dict"},
        "awx": {"type": "dict", "default": {}},
        "scope": {"type": "str", "choices": ["run", "slices"], "default": "run"},
        "run": {"type": "str", "default": ""},
        "results": {"type": "list", "elements": "str", "default": []},
        "hosts": {"type": "list", "elements": "str", "default": []},
    },
}


#: Scope to what writes its report.
_REPORTS = {"run": report_run, "slices": report_slices}


def run(task: BaselineContext) -> dict[str, Any]:
    """Writes a report."""
    return _REPORTS[task.params["scope"]](task)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
