#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: baseline_history
short_description: Show how long findings have been open, from the folders of earlier runs
version_added: 1.0.0
description:
  - Reads the reports of all earlier runs in a directory, and writes C(history.html) and C(history.json) to a new run
    folder, also in check mode.
  - The history shows for each finding when it appeared, when it ended, and how often it came back. The module needs no
    database and does not contact Exchange.
  - Two runs have the same finding if its organization (tenant id, or else initial domain), control, resource, rule
    (GUID, or else name) and option are the same. An organization or host keeps its history when it is renamed.
  - What happened between two runs is unknown, so times read "between ... and ...". A run that could not read an
    organization or a control is ignored there.
  - Audits, checks and applied baselines count. MFR-2 of a check does not, because a check assesses it as its plan would
    leave it.
  - The playbook C(m365.message_encryption.history) uses this module.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.files
options:
  directory:
    description:
      - The directory of the earlier runs' artifacts, which is their
        O(m365.message_encryption.hardened_baseline#role:main:hardened_baseline_artifacts_dir).
    type: str
    required: true
  owners:
    description:
      - Users, by name or number, that may own the directory and its files, beside root and the user that runs Ansible.
        What anybody else could change is refused.
    type: list
    elements: str
    default: []
seealso:
  - module: m365.message_encryption.baseline_report
"""

EXAMPLES = r"""
- name: Show how long findings have been open
  m365.message_encryption.baseline_history:
    directory: ./message_encryption
  run_once: true
"""

RETURN = r"""
open:
  description: The number of open findings.
  returned: success
  type: int
  sample: 3
flapping:
  description: The number of findings, open or not, that came back after they had ended.
  returned: success
  type: int
  sample: 1
runs:
  description: The number of runs in the directory.
  returned: success
  type: int
  sample: 12
history:
  description: The path of C(history.html).
  returned: success
  type: str
files:
  description: The paths of all files.
  returned: success
  type: dict
msg:
  description: One line about the outcome.
  returned: success
  type: str
  sample: "3 findings are open, 1 flapping, in 2 organizations and 12 runs."
"""

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.history import (
    HistoryContext,
    history_document,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.history_rows import OPEN
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse

SPEC: dict[str, Any] = {
    "argument_spec": {
        "directory": {"type": "str", "required": True},
        "owners": {"type": "list", "elements": "str", "default": []},
    }
}


def run(task: HistoryContext) -> dict[str, Any]:
    """Reads the runs and writes their history."""
    directory = task.params["directory"]
    runs = list(task.runs(directory))
    history = history_document([findings for run in runs for findings in run], len(runs))
    files = task.store(directory, history)
    opened = sum(row.state == OPEN for row in history.findings)
    flapping = sum(row.flapping for row in history.findings)
    number = len(history.organizations)
    return {
        "changed": False,
        "msg": f"{_are(opened, 'finding')} open, {flapping} flapping, in {_count(number, 'organization')} and {_count(len(runs), 'run')}.",
        "open": opened,
        "flapping": flapping,
        "runs": len(runs),
        "history": files["history.html"],
        "files": files,
    }


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _are(number: int, thing: str) -> str:
    return f"{_count(number, thing)} {'is' if number == 1 else 'are'}"


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
