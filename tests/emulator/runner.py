# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a cmdlet: who has it, the binding of its parameters, its prompts, and the storing of what it did.

:func:`run` is the only way in. All wires, and the tests' "other administrator", call it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .cmdlets import HANDLERS
from .context import Context, Outcome
from .errors import missing_mandatory, not_granted, prompt_failed, unknown_parameter
from .organization import Organization, State
from .properties import Record
from .schema import ADVANCED, ADVANCED_PARAMETERS, COMMON_PARAMETERS, Cmdlet, cmdlets
from .values import binds_nothing, convert


def granted(state: State, *, compliance: bool = False) -> list[str]:
    """The cmdlets that a caller of this organization has at one of its endpoints, by name."""
    if compliance and not state["compliance_role"]:
        return []
    hidden = {name.lower() for name in state["hidden_cmdlets"]}
    if not state["advanced_message_encryption"]:
        hidden |= {name.lower() for name in ADVANCED}
    return sorted(
        cmdlet.name
        for key, cmdlet in cmdlets().items()
        if cmdlet.exists(cloud=state["cloud"]) and cmdlet.compliance is compliance and key not in hidden
    )


def run(
    organization: Organization,
    name: str,
    parameters: Mapping[str, Any],
    *,
    rest: bool,
    prompts: bool,
    compliance: bool = False,
    view: State | None = None,
    discard: bool = False,
) -> Outcome:
    """Runs a cmdlet in an organization.

    :param rest: parameters came as JSON, and errors are worded as over REST.
    :param prompts: whether a cmdlet that asks for confirmation asks (a shell does, REST does not).
    :param compliance: whether it is asked of the compliance endpoint.
    :param view: the state that a read sees, when it is not the present one.
    :param discard: the write succeeds and nothing is stored.
    :raises CmdletError: the cmdlet ended with an error; nothing was stored.
    """
    with organization.lock:
        cmdlet = cmdlets().get(name.lower())
        if cmdlet is None or cmdlet.name not in granted(organization.state, compliance=compliance):
            raise not_granted(name)
        bound = bind(cmdlet, parameters, organization.state, rest=rest)
        if prompts and _asks(cmdlet, bound, organization.state):
            raise prompt_failed(cmdlet.name)
        if cmdlet.reads:
            context = Context(view or organization.state, bound, cmdlet)
            HANDLERS[name.lower()](context)
            return Outcome(
                [_drifted(record, cmdlet, organization.state) for record in context.outcome.records],
                context.outcome.warnings,
            )
        ignored = {text.lower() for text in organization.state["ignored_parameters"]}
        kept = {key: value for key, value in bound.items() if f"{cmdlet.name} -{key}".lower() not in ignored}
        context = Context(copy.deepcopy(organization.state), kept, cmdlet)
        HANDLERS[name.lower()](context)
        if len(kept) < len(bound):
            # Who ignores a setting silently does not say that nothing was changed either.
            context.outcome.warnings.clear()
        if not discard and not bound.get("WhatIf"):
            organization.commit(context.state)
        return context.outcome


def bind(cmdlet: Cmdlet, parameters: Mapping[str, Any], state: State, *, rest: bool) -> dict[str, Any]:
    """The parameters under their own names, in stored form.

    :raises CmdletError: unknown, missing or unusable parameters.
    """
    cloud = state["cloud"]
    hidden = {text.lower() for text in state["hidden_parameters"]}
    if not state["advanced_message_encryption"]:
        hidden |= ADVANCED_PARAMETERS
    bound: dict[str, Any] = {}
    for name, value in parameters.items():
        if name.lower() in COMMON_PARAMETERS:
            continue
        parameter = cmdlet.parameter(name, cloud=cloud)
        if parameter is None or f"{cmdlet.name} -{parameter.name}".lower() in hidden:
            raise unknown_parameter(name, rest=rest)
        if not (rest and binds_nothing(parameter, value)):
            bound[parameter.name] = convert(parameter, value, rest=rest)
    needed = {parameter.name for parameter in cmdlet.parameters.values() if parameter.is_mandatory(cloud=cloud)}
    missing = sorted(name for name in needed if bound.get(name) is None)
    if missing:
        raise missing_mandatory(missing)
    return bound


def _asks(cmdlet: Cmdlet, bound: Mapping[str, Any], state: State) -> bool:
    if bound.get("Confirm") is False or bound.get("Force"):
        return False
    if cmdlet.name == "Set-IRMConfiguration":
        licensing: bool = state["irm_configuration"]["InternalLicensingEnabled"]
        return bool(bound.get("InternalLicensingEnabled", licensing) != licensing)
    return cmdlet.name.startswith("Remove-") or cmdlet.name in (
        "Set-OMEConfiguration",
        "New-OMEConfiguration",
        "Disable-TransportRule",
    )


def _drifted(record: Record, cmdlet: Cmdlet, state: State) -> Record:
    """The object with the properties that this organization's build adds or lacks."""
    added = state["added_properties"].get(cmdlet.name, {})
    dropped = state["dropped_properties"].get(cmdlet.name, ())
    if not added and not dropped:
        return record
    return Record(
        record.type, {name: value for name, value in {**record.values, **added}.items() if name not in dropped}
    )
