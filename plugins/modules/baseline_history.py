#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: baseline_history
short_description: Says since when findings are open, from the folders of earlier runs
version_added: 1.0.0
description:
  - Reads the reports of all earlier runs in a directory, and writes C(history.html) and C(history.json) into a run folder of its own, also in check mode.
  - For each finding it says since when it is open, when it ended, and how often it came back. It reads no database, and never Exchange.
  - A finding is the same one as long as organization (tenant id, else initial domain), control, resource, rule (its GUID, else its name) and option are the
    same. So a renamed organization or host keeps its history.
  - What lies between two runs is not known, so a time reads "between ... and ...". A run that could not read an organization or a control says nothing of it.
  - Audits, checks and applied baselines count. MFR-2 of a check does not, because a check judges it as its plan would leave it.
  - The playbook C(m365.message_encryption.history) uses it.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange.info
options:
  directory:
    description:
      - The directory of the artifacts of the earlier runs, as O(m365.message_encryption.hardened_baseline#role:main:hardened_baseline_artifacts_dir) had it.
    type: str
    required: true
seealso:
  - module: m365.message_encryption.baseline_report
"""

EXAMPLES = r"""
- name: Since when is what open?
  m365.message_encryption.baseline_history:
    directory: ./message_encryption
  run_once: true
"""

RETURN = r"""
open:
  description: How many findings are open.
  returned: success
  type: int
  sample: 3
flapping:
  description: How many findings came back after they had ended, open or not.
  returned: success
  type: int
  sample: 1
runs:
  description: How many runs the directory holds.
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
  description: The outcome in a sentence.
  returned: success
  type: str
  sample: "3 findings are open, 1 flapping, in 2 organizations and 12 runs."
"""

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.history import HistoryContext, history_document
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse

SPEC: dict[str, Any] = {"argument_spec": {"directory": {"type": "str", "required": True}}}


def run(task: HistoryContext) -> dict[str, Any]:
    """Reads the runs and writes their history."""
    directory = task.params["directory"]
    runs = list(task.runs(directory))
    document = history_document([look for looks in runs for look in looks], len(runs))
    files = task.store(directory, document)
    opened = sum(row["state"] == "open" for row in document["findings"])
    flapping = sum(row["flapping"] for row in document["findings"])
    number = len(document["organizations"])
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
