#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: baseline_apply
short_description: Applies what baseline_plan has planned
version_added: 1.0.0
description:
  - >-
    Runs the plan that M(m365.message_encryption.baseline_plan) has made in the same run of the playbook, with the same
    planner, and proves that it is stored.
  - Without O(verify_timeout), C(hardened_baseline_verify_timeout) counts.
  - If there is nothing to write, or the task that planned was in check mode, it does nothing.
  - Once nothing more is to be written to the organization, or after a failure, it writes the report of the
    organization.
  - It reads the organization first. If something else is needed than was planned, someone has changed the organization
    since, and nothing is written. Nor is it if the organization is not the one of the plan, or the approval has expired
    meanwhile.
  - The role P(m365.message_encryption.hardened_baseline#role) uses it.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
  - m365.message_encryption.baseline
  - m365.message_encryption.baseline.tags
options:
  snapshot:
    description:
      - The snapshot to restore, or to restore after a failure. By default, the one that the task that planned has
        chosen or taken.
    type: str
    default: ""
  stage:
    description:
      - With O(procedure=disable), whether to turn off the rules or the settings. Exchange continues to apply removed
        rules for a while, so the settings follow later.
      - >-
        V(published) records that C(hardened_baseline_artifacts_publish) has stored the snapshots of all organizations
        of the ring. Without that record, nothing is written if that variable is set.
      - >-
        With O(procedure=baseline), V(ring) rolls back what this run wrote if another organization of the same ring
        failed and C(hardened_baseline_ring_rollback) is true.
    type: str
    choices: [rules, settings, published, ring]
seealso:
  - module: m365.message_encryption.message_encryption_state
"""

EXAMPLES = r"""
- name: Plan what the role's variables ask for
  m365.message_encryption.baseline_plan:
    procedure: baseline
  vars: &wishes
    hardened_baseline_social_id_sign_in: false
    hardened_baseline_artifacts_dir: ./message_encryption

- name: Apply the plan
  m365.message_encryption.baseline_apply:
    procedure: baseline
  vars: *wishes
"""

RETURN = r"""
msg:
  description: One line about what changed. After a failure, its cause and remedy.
  returned: always
  type: str
  sample: "There is nothing to write."
before:
  description: The managed options before the task.
  returned: if there was something to write
  type: dict
  sample: {"irm_configuration": {"simplified_client_access_enabled": false}}
after:
  description: The managed options after the task, as Exchange shows them.
  returned: if there was something to write
  type: dict
  sample: {"irm_configuration": {"simplified_client_access_enabled": true}}
changes:
  description: One entry for each difference.
  returned: if there was something to write, and also on failure while writing
  type: list
  elements: dict
  contains:
    resource:
      description: The module that manages the object.
      type: str
      returned: always
    identity:
      description: The object's name. Empty if an organization has only one.
      type: str
      returned: always
    option:
      description: The option, with its section if it has one, or V(state).
      type: str
      returned: always
    before:
      description: The value before.
      type: raw
      returned: always
    after:
      description: The value after.
      type: raw
      returned: always
    impact:
      description: >-
        How the change affects people, worst first: V(may leave in clear), V(rejects), V(affects all outgoing mail),
        V(deletes), V(takes away), V(widens), V(affects some mail). Otherwise empty.
      type: str
      returned: always
  sample: []
commands:
  description: The cmdlets that ran, as PowerShell text.
  returned: if there was something to write, and also on failure while writing
  type: list
  elements: str
  sample: ["Set-IRMConfiguration -SimplifiedClientAccessEnabled $true -Force:$true -Confirm:$false"]
status:
  description: V(changed), V(drift), V(met), V(refused) or V(failed), as the report has it.
  returned: if the report was written
  type: str
  sample: changed
report:
  description: The path of C(report.html) of the organization; empty if it could not be written.
  returned: if the report was written
  type: str
not_applied:
  description: The cmdlets that Exchange refused, and those that the task did not reach.
  returned: failure while writing
  type: list
  elements: str
unkept_report:
  description: The organization's part of the report, if it could not be stored in a file of the run.
  returned: if a file cannot be written
  type: dict
outcome_unknown:
  description: The cmdlets whose response was lost or unclear, and those that Exchange accepted but does not show. They may or may not
    have changed something. To find out, run the task again.
  returned: failure while writing
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.baseline_context import (
    BaselineContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import (
    PROCEDURE_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.apply import apply, note_published
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.ring import take_back_ring
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import COMMON_ARGUMENT_SPEC
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import bounded

SPEC: dict[str, Any] = {
    "argument_spec": {
        **PROCEDURE_ARGUMENT_SPEC,
        "snapshot": {"type": "str", "default": ""},
        "stage": {"type": "str", "choices": ["rules", "settings", "published", "ring"]},
        **COMMON_ARGUMENT_SPEC,
    },
    "required_if": [["procedure", "disable", ["stage"]]],
}


#: Stages that are not a part of a plan, and what they do.
_BESIDE_THE_PLAN = {"published": note_published, "ring": take_back_ring}


def goes_on(params: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Whether later tasks of the role will write to the organization."""
    return params["stage"] in ("rules", "published")


def run(task: BaselineContext) -> dict[str, Any]:
    """Applies the plan or a stage of it, or does what its ring needs before and afterwards."""
    with bounded(share=1):  # One budget for all that is asked about the organization's mail.
        return _BESIDE_THE_PLAN.get(task.params["stage"], apply)(task)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
