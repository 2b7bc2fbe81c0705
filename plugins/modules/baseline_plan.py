#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: baseline_plan
short_description: Plans the hardened baseline before anything is written
version_added: 1.0.0
description:
  - Reads the organization once. If anything must be refused, it fails with a list of all findings.
  - Otherwise, it makes the plan with its digest. Outside of check mode, it also takes the snapshot if there is
    something to change.
  - In check mode, it writes the plan of V(baseline) or V(disable) to C(plan.json) in the organization's folder of the
    run.
  - If nothing is to be written to the organization, or it fails, it also writes the report of the organization, and
    nothing more is done there.
  - It never writes to the organization. The role P(m365.message_encryption.hardened_baseline#role) uses it.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange.info
  - m365.message_encryption.baseline
  - m365.message_encryption.baseline.tags
options:
  only_control_tags:
    description:
      - Whether to refuse a tag of the run that is not a control.
      - The collection's own playbooks set this, because none of their other tasks has a tag. Elsewhere, only a tag that
        looks like a control is refused.
    type: bool
    default: false
  rings:
    description:
      - Whether to refuse an organization if one of an earlier ring (C(serial)) of the play has failed.
    type: bool
    default: false
  expected_organization:
    description:
      - The organization that the inventory names, by its domain or tenant ID. Any other organization is refused.
    type: str
    default: ""
seealso:
  - module: m365.message_encryption.message_encryption_state
"""

EXAMPLES = r"""
- name: What would change, and what would be refused
  m365.message_encryption.baseline_plan:
    procedure: baseline
    variables:
      hardened_baseline_social_id_sign_in: false
      hardened_baseline_artifacts_dir: ./message_encryption
  check_mode: true
"""

RETURN = r"""
msg:
  description: One line about what changed or, in check mode, would change. After a failure, its cause and remedy.
  returned: in check mode, and with O(procedure=audit)
  type: str
  sample: "No change."
organization:
  description: The organization, as RV(m365.message_encryption.exchange_connection_info#module:organization) has it.
  returned: once the organization was read
  type: dict
writes:
  description: Whether the run continues to write, to the organization or to a separate snapshot. Never in check mode,
    and never in an audit.
  returned: once the organization was read
  type: bool
pending:
  description: Whether there is something to change.
  returned: once the organization was read
  type: bool
changes:
  description: The planned changes, worst impact first, with their rollback class and cmdlet.
  returned: in check mode, and with O(procedure=audit) unless drift fails it
  type: list
  elements: dict
  contains:
    control:
      description: The control that makes the change.
      type: str
      returned: always
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
    rollback:
      description: How a rollback could undo it, V(exact), V(equivalent) or V(not possible).
      type: str
      returned: always
    command:
      description: The cmdlet that makes the change.
      type: str
      returned: always
    state:
      description: Always V(planned).
      type: str
      returned: always
  sample: []
mail:
  description: >-
    What the plan does to mail, and what is guaranteed of it; with C(--diff) the terminal shows it. RV(mail) holds
    C(difference) and C(difference_more), C(guarantees), C(observed), C(unseen) and C(lint), as M(m365.message_encryption.mail_flow_test)
    returns them. A guarantee is judged as the plan would leave it, and with O(procedure=audit) as it is; C(before) is
    its verdict now, where the plan changes it. C(rests_on) lists what the difference rests on beside rules, each with
    C(kind) (V(connector), V(template), V(group) or V(observation)), C(name) and C(values). C(observed) has the answers
    of C(hardened_baseline_observations). C(foreign) lists the mail flow rules that are not ours, first to last:
    C(name), C(guid), C(place) of how many C(rules), C(changed) and C(since) (texts, where known), C(idle) (why it does
    not act), C(acts) (what it decides about its mail), and C(does) (what of this it can do, and to C(mail_of) which of
    our rules). In check mode and audits, C(replay) has what the mail of C(hardened_baseline_replay_days) or
    C(hardened_baseline_replay_trace) would have met, C(evidence) what Exchange reports of rules, C(trials) the rules
    that are only tried, and C(suggestions) edits after which guarantees hold. C(contradicted) on a row of
    C(difference), C(guarantees) or C(trials) has the sentences about what Exchange has contradicted. What does not
    apply is absent.
  returned: where a plan touches rules, or something is guaranteed or odd, unless drift fails it
  type: dict
  sample: {}
status:
  description: >-
    V(met), V(drift), V(refused), V(failed) or V(not assessable). An audit with C(hardened_baseline_fail_on_drift) fails
    where it is not V(met).
  returned: if nothing is to be written to the organization
  type: str
  sample: met
report:
  description: The path of C(report.html) of the organization; empty if it could not be written.
  returned: if nothing is to be written to the organization
  type: str
digest:
  description: The digest of the plan.
  returned: once the organization was read
  type: str
  sample: sha256:4f0c0d1b2a93
plan:
  description: >-
    The path of the plan; empty outside of check mode, and with other procedures than V(baseline) and V(disable).
  returned: once the organization was read
  type: str
snapshot:
  description: The path of the snapshot; empty if none was taken. With O(procedure=rollback), the snapshot to restore.
  returned: once the organization was read
  type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.baseline_context import (
    BaselineContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import (
    PROCEDURE_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.preflight import preflight
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import bounded

SPEC: dict[str, Any] = {
    "argument_spec": {
        **PROCEDURE_ARGUMENT_SPEC,
        "expected_organization": {"type": "str", "default": ""},
        "only_control_tags": {"type": "bool", "default": False},
        "rings": {"type": "bool", "default": False},
    },
}


def goes_on(params: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Whether later tasks of the role will write to the organization."""
    return bool(result.get("writes") and result["pending"])


def run(task: BaselineContext) -> dict[str, Any]:
    """Plans, and finds what is refused."""
    with bounded(share=1):  # One budget for all that is asked about the organization's mail.
        return preflight(task)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
