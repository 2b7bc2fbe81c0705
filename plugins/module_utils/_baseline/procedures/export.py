# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization as variables: its state for the modules, and its values for the hardened baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._engine.context import ModuleContext
from ..._exchange.errors import CmdletNotAvailableError, ExchangeError
from ..._exchange.organization import COMPLIANCE_FACTS, Organization
from ..._mail_flow.input.parsing import facts_of
from ..._mail_flow.rules.rule_set import RuleSet
from ..._mail_flow.wording.encrypters import KINDS_OF_ENCRYPTER, READ, encrypter_rows
from ..._resources.ome_configuration import OME_CONFIGURATION
from ..._resources.organization_state import PARTS, brief_state, describe
from ..._resources.rules.organization_rules import rules_of
from ..._resources.rules.rule import decrypts, encrypts
from ..._resources.table import name_of
from ..controls.control import WritingControl
from ..controls.controls import CONTROLS
from ..controls.mail import Mail

#: The variable that holds what message_encryption_state takes.
STATE_VARIABLE = "message_encryption_state"
#: The role's variable with rules, which the file takes from the state.
ENCRYPTION_RULES = "hardened_baseline_encryption_rules"


@dataclass
class ExportContext(ModuleContext):
    """What the export's ``run`` gets.

    :param store: writes variables with what the rules do, and the playbook that enforces them, to files in a directory, unless they are there already or it is
        told not to.
        Gives both paths and whether a file differed.
    """

    store: Callable[[str, Mapping[str, Any], Sequence[str], bool], tuple[str, str, bool]] = (
        lambda directory, variables, policy, write: ("", "", False)
    )


def variables_of(organization: Organization) -> dict[str, Any]:
    """The variables with which an organization is as it is.

    A control whose settings differ between objects, or that has no counterpart in the organization, is not there:
    unmanaged. The rules are written once, in the state; ``ENCRYPTION_RULES`` has the GUIDs of those that the role
    manages.
    """
    state = state_of(organization)
    baseline = {
        f"hardened_baseline_{name}": value
        for control in CONTROLS
        if isinstance(control, WritingControl)
        for name, value in _values(control, state).items()
        if value is not None
    }
    if "transport_rules" in state:
        ours = {rule.guid for rule in rules_of(organization) if encrypts(rule.sections) or decrypts(rule.sections)}
        baseline[ENCRYPTION_RULES] = [rule["guid"] for rule in state["transport_rules"] if rule["guid"] in ours]
    return {STATE_VARIABLE: brief_state(state), **baseline}


def state_of(organization: Organization) -> dict[str, Any]:
    """The state that the modules can put an organization into again."""
    state: dict[str, Any] = {}
    for part in ("organization", *PARTS):
        if not isinstance(organization.error(part), CmdletNotAvailableError):
            state.update(describe(organization, [part]))
    for named_part in ("transport_rules_unsupported", "transport_rules_not_rebuildable"):
        state.pop(named_part, None)
    return state


def others_that_encrypt(organization: Organization) -> list[str]:
    """What besides rules encrypts or decrypts mail, as sentences: it was read, and no variable holds it."""
    try:
        facts = Mail.of_organization(organization).facts
    except ExchangeError:
        return []
    read = {key: facts[key] for key in COMPLIANCE_FACTS if key in facts}
    rows = encrypter_rows(RuleSet([]), facts_of(read), read=read)
    shown = [row for row in rows if row.kind in ("dlp", "label") and row.rests_on == READ]
    return [f"{KINDS_OF_ENCRYPTER[row.kind]} (not exported): {row.name}: {row.covers}" for row in shown]


def not_enforced(organization: Organization) -> list[str]:
    """What the organization has and the exported state does not keep, as sentences."""
    texts = [
        f"{part}: this session may not read it ({error})."
        for part in PARTS
        if isinstance(error := organization.error(part), CmdletNotAvailableError)
    ]
    if organization.error("transport_rules") is None:
        rules = rules_of(organization)
        texts += [
            f"The rule {rule.name!r} is not in the file: {rule.unsupported}." for rule in rules if rule.unsupported
        ]
        separate = [rule for rule in rules if rule.not_rebuildable and not rule.unsupported]
        texts += [
            f"The rule {rule.name!r} cannot be made again once it is removed: {rule.not_rebuildable}."
            for rule in separate
        ]
    if organization.error(OME_CONFIGURATION.subset) is None:
        for item in organization.objects(OME_CONFIGURATION.subset):
            hidden = [field.option for field in OME_CONFIGURATION.fields if field.hidden(item)]
            texts += [
                f"{option} of {name_of(item)!r} is not in the file: Exchange shows that it is set, but not its value."
                for option in hidden
            ]
    return [*texts, "Rules and OME configurations that somebody adds later stay as they are."]


def _values(control: WritingControl, state: Mapping[str, Any]) -> dict[str, Any]:
    part = state.get(control.subset) or {}
    objects = part if isinstance(part, list) else [part]
    values: dict[str, Any] = {}
    for variable in control.variables:
        settings = [item[variable.option] for item in objects if variable.option in item]
        same = bool(settings) and len(settings) == len(objects) and all(value == settings[0] for value in settings)
        values[variable.name] = variable.counterpart(settings[0]) if same else None
    return values
