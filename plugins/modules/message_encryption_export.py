#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: message_encryption_export
short_description: Export an organization as variables, with a playbook that enforces them
version_added: 1.0.0
description:
  - Reads an organization and writes two files on the controller, with mode 0600. C(export.yml) holds variables. The
    playbook C(enforce.yml) in the same folder restores the organization to exactly the exported state. Run right after
    the export, it changes nothing.
  - >-
    C(message_encryption_state) is what M(m365.message_encryption.message_encryption_state) takes with
    O(m365.message_encryption.message_encryption_state#module:omitted=default). It omits empty values and the defaults
    of a new rule. It contains each rule once.
  - >-
    With the variables that begin with C(hardened_baseline_), R(the
    baseline,ansible_collections.m365.message_encryption.hardened_baseline_role) finds nothing to change. A control
    whose settings differ between objects is omitted and so stays unmanaged.
  - >-
    Every text of the organization is marked C(!unsafe), because Ansible templates variables that it loads from files,
    and anyone who can name a mail flow rule can put text into this one.
  - A comment in C(export.yml) says in English what the mail flow rules do (RV(policy)). It needs facts about domains,
    connectors and mail users; without the right to read one, it says what is only possible.
  - A host whose name is also the name of a group, or that Ansible would read as a pattern or a template, is refused,
    because the playbook names the host.
  - RV(not_enforced) lists what the playbook does not enforce.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange.info
options:
  directory:
    description:
      - The directory to write to. The files go into a folder that is named after the host. Relative to the working
        directory.
    type: str
    default: ./message_encryption
attributes:
  diff_mode:
    support: none
    description: Shows no diff, because the files are private.
seealso:
  - module: m365.message_encryption.message_encryption_info
  - module: m365.message_encryption.message_encryption_state
"""

EXAMPLES = r"""
- name: Export the organization as variables, with a playbook that enforces them
  m365.message_encryption.message_encryption_export:
    directory: ./exported
"""

RETURN = r"""
path:
  description: The path of the file of variables. Check mode does not write it.
  returned: success
  type: str
  sample: "/home/admin/exported/contoso/export.yml"
playbook:
  description: The path of the playbook that restores the exported state. Check mode does not write it.
  returned: success
  type: str
  sample: "/home/admin/exported/contoso/enforce.yml"
policy:
  description: >-
    What the mail flow rules do to mail, in English, the most important first, each with C(kind), C(text) and C(rules)
    (names), as RV(m365.message_encryption.mail_flow_test#module:policy). The file of variables has the sentences as a
    comment.
  returned: success
  type: list
  elements: dict
  sample: [{kind: encrypted, text: "All mail from inside to people outside is encrypted with 'Encrypt' ('Encrypt all').", rules: [Encrypt all]}]
not_enforced:
  description: Sentences about what the playbook does not enforce.
  returned: success
  type: list
  elements: str
  sample: ["Rules and OME configurations that somebody adds later stay as they are."]
not_exported:
  description: The mail flow rules that no module can write, each with its name, GUID and reason.
  returned: success
  type: list
  elements: dict
  sample: []
unavailable:
  description: The parts that could not be read because this session does not have the cmdlet, with the reason.
  returned: success
  type: dict
  sample: {}
"""

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.first_look import policy_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.export import (
    ExportContext,
    not_enforced,
    others_that_encrypt,
    variables_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import CmdletNotAvailableError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    MAIL_FACTS,
    read,
    with_compliance,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import (
    PARTS,
    describe,
)

SPEC: dict[str, Any] = {"argument_spec": {"directory": {"type": "str", "default": "./message_encryption"}}}


def run(task: ExportContext) -> dict[str, Any]:
    """Reads the organization in one round trip and writes its files where they differ."""
    subsets = with_compliance(["organization", *PARTS, "rms_templates", *MAIL_FACTS])
    organization = read(task.session, subsets, fresh=True)
    errors = {part: organization.error(part) for part in PARTS}
    unavailable = {part: str(error) for part, error in errors.items() if isinstance(error, CmdletNotAvailableError)}
    policy = policy_of(organization)
    path, playbook, changed = task.store(
        task.params["directory"],
        variables_of(organization),
        [*(row.text for row in policy), *others_that_encrypt(organization)],
        not task.check_mode,
    )
    not_exported = (
        describe(organization, ["transport_rules"])["transport_rules_unsupported"]
        if "transport_rules" not in unavailable
        else []
    )
    kept = {
        "policy": [row.as_row() for row in policy],
        "not_enforced": not_enforced(organization),
        "not_exported": not_exported,
        "unavailable": unavailable,
    }
    return {"changed": changed, "path": path, "playbook": playbook, **kept}


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
