#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_flow_replay_report
short_description: Write the page of what mail flow rules would have done to real mail
version_added: 1.0.0
description:
  - Writes what M(m365.message_encryption.mail_flow_replay) returned for the hosts of the play to C(replay.html) and
    C(replay.json) in a new run folder, also in check mode. It does not contact Exchange.
  - The files hold numbers, names of rules and domains of recipients. Addresses and subjects are left out, whatever was
    asked for.
  - The playbook C(m365.message_encryption.replay) uses this module.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.files
options:
  registered:
    description: The name under which the results of M(m365.message_encryption.mail_flow_replay) are registered. A host
      without a result gets a remark.
    type: str
    required: true
  directory:
    description: The directory of the artifacts, which is
      O(m365.message_encryption.hardened_baseline#role:main:hardened_baseline_artifacts_dir).
    type: str
    required: true
  owners:
    description: Users, by name or number, that may own the directory and its files, beside root and the user that runs
      Ansible.
    type: list
    elements: str
    default: []
seealso:
  - module: m365.message_encryption.mail_flow_replay
"""

EXAMPLES = r"""
- name: Replay the mail of a week
  m365.message_encryption.mail_flow_replay:
  register: week

- name: Write its page
  m365.message_encryption.mail_flow_replay_report:
    registered: week
    directory: ./message_encryption
  run_once: true
"""

RETURN = r"""
msg:
  description: A summary.
  returned: success
  type: str
  sample: "1 organization was replayed."
report:
  description: The path of C(replay.html).
  returned: success
  type: str
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.replay_report import (
    ReplayedOrganization,
    ReplayReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import now
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import (
    NoResultRow,
    ReplayResultRow,
    ReplayRow,
)

SPEC: dict[str, Any] = {
    "argument_spec": {
        "registered": {"type": "str", "required": True},
        "directory": {"type": "str", "required": True},
        "owners": {"type": "list", "elements": "str", "default": []},
    },
}

#: What a file has of a result.
_KEPT = tuple(part.name for part in fields(ReplayRow))


@dataclass
class ReplayReportContext(ModuleContext):
    """A task that writes the page.

    :param results: each host of the play with what was registered for it; empty where nothing was.
    :param store: writes the files of a document to a new run folder. Returns the paths.
    """

    results: Mapping[str, Mapping[str, Any]] = field(kw_only=True)
    store: Callable[[str, ReplayReport], dict[str, str]] = field(kw_only=True)


def run(task: ReplayReportContext) -> dict[str, Any]:
    """Writes the files."""
    organizations = [ReplayedOrganization(host, _replay_of(host, result)) for host, result in task.results.items()]
    paths = task.store(task.params["directory"], ReplayReport(now(), organizations))
    replayed = sum(isinstance(organization.replay, ReplayRow) for organization in organizations)
    missing = f" {len(organizations) - replayed} could not be." if replayed < len(organizations) else ""
    return {
        "changed": False,
        "msg": f"{replayed} organization{' was' if replayed == 1 else 's were'} replayed.{missing}",
        "report": paths.get("replay.html", ""),
    }


def _replay_of(host: str, result: Mapping[str, Any]) -> ReplayResultRow:
    """The replay of a host, without examples, or why there is none. Raises OptionError if what is registered is the result
    of something else.
    """
    if "counts" not in result:
        return NoResultRow(remark=str(result.get("msg") or "The mail of this organization was not replayed."))
    try:
        return ReplayRow.from_row({key: _unnamed(result[key]) for key in _KEPT if key in result})
    except ValueError as error:
        raise OptionError(
            f"registered: what is registered for {host} is not the result of a replay ({error}).",
            remedy="Name the variable in which mail_flow_replay is registered.",
        ) from error


def _unnamed(value: Any) -> Any:
    """A part of a replay without examples, which name people."""
    if isinstance(value, Mapping):
        return {key: _unnamed(part) for key, part in value.items() if key != "examples"}
    return [_unnamed(part) for part in value] if isinstance(value, list) else value


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
