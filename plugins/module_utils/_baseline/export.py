# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization as variables: its state for the modules, and its values for the hardened baseline. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.control import Control
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls import CONTROLS
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import CmdletNotAvailableError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import decrypts, encrypts
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.stored import rules_of
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.state import PARTS, describe

#: The variable that holds what message_encryption_state takes.
STATE_VARIABLE = "message_encryption_state"


@dataclass
class ExportContext(ModuleContext):
    """What the export's ``run`` gets.

    :param store: writes variables to a file in a directory, unless they are there already or it is told not to. Gives the path and whether it differed.
    """

    store: Callable[[str, Mapping[str, Any], bool], tuple[str, bool]] = lambda directory, variables, write: ("", False)


def variables_of(organization: Organization) -> dict[str, Any]:
    """The variables with which an organization is as it is.

    A control whose settings differ between objects, or that has no counterpart in the organization, is ``None``: unmanaged.
    """
    state: dict[str, Any] = {}
    for part in ("organization", *PARTS):
        if not isinstance(organization.error(part), CmdletNotAvailableError):
            state.update(describe(organization, [part]))
    for apart in ("transport_rules_unsupported", "transport_rules_not_rebuildable"):
        state.pop(apart, None)
    baseline = {f"hardened_baseline_{name}": value for control in CONTROLS for name, value in _values(control, state).items()}
    if "transport_rules" in state:
        ours = {rule.guid for rule in rules_of(organization) if encrypts(rule.sections) or decrypts(rule.sections)}
        baseline["hardened_baseline_encryption_rules"] = [rule for rule in state["transport_rules"] if rule["guid"] in ours]
    return {**baseline, STATE_VARIABLE: state}


def _values(control: Control, state: Mapping[str, Any]) -> dict[str, Any]:
    part = state.get(control.subset) or {}
    objects = part if isinstance(part, list) else [part]
    values: dict[str, Any] = {}
    for variable in control.variables:
        found = [item[variable.option] for item in objects if variable.option in item]
        same = bool(found) and len(found) == len(objects) and all(value == found[0] for value in found)
        values[variable.name] = (not found[0] if variable.inverted else found[0]) if same else None
    return values
