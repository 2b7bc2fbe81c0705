# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what is sent against the live module's manifest: the cmdlet, each parameter by its exact name, and its type; and
against what the constrained endpoint offers.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call

from scripts import generate_endpoint
from tests.emulator.schema import manifest

#: PowerShell adds them to each cmdlet that changes something; they are in no list of the module's parameters.
_COMMON = {"Confirm", "WhatIf"}

#: Type in the module's script to what may be sent. What the module calls an object is bound by the service; a null
#: clears it there.
_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "switch": (bool,),
    "string": (str, type(None)),
    "int": (int,),
    "double": (int, float),
    "uri": (str, type(None)),
    "byte[]": (bytes, type(None)),
    "System.Object": (str, bool, int, datetime.datetime, type(None), Mapping, Sequence),
    "System.Object[]": (Sequence, Mapping, type(None)),
}

#: What the constrained endpoint makes visible beside Exchange's cmdlets.
_OF_THE_SHELL = {"Get-Command", "Get-ConnectionInformation"}

#: A switch that a null clears, because its false says something.
_CLEARED_BY_NULL = {"HasNoClassification", "ExceptIfHasNoClassification"}


def objections(call: Call) -> list[str]:
    """What the live module would have against a call; nothing where the manifest does not know the cmdlet."""
    described = manifest().get(call.cmdlet)
    if described is None:
        return []
    parameters = described["parameters"]
    found = [
        f"{call.cmdlet} has no -{name}" for name in call.parameters if name not in parameters and name not in _COMMON
    ]
    found += [
        f"{call.cmdlet} -{name} is {parameters[name]['type']}, not {type(value).__name__}"
        for name, value in call.parameters.items()
        if name in parameters and not _fits(name, parameters[name]["type"], value)
    ]
    mandatory = [
        name
        for name, row in parameters.items()
        if row.get("sets") and all(one.get("mandatory") for one in row["sets"].values())
    ]
    return found + [f"{call.cmdlet} needs -{name}" for name in mandatory if name not in call.parameters]


def withheld(call: Call) -> list[str]:
    """What the constrained endpoint would refuse of a call to Exchange. It offers none to the compliance endpoint or to
    Microsoft Graph, which are not asked over it.
    """
    if call.is_compliance or call.cmdlet.startswith(("GET ", "POST ")) or call.cmdlet in _OF_THE_SHELL:
        return []
    offered = _offered()
    if call.cmdlet not in offered:
        return [f"the constrained endpoint has no {call.cmdlet}"]
    return [
        f"the constrained endpoint has no -{name} of {call.cmdlet}"
        for name in call.parameters
        if name not in offered[call.cmdlet]
    ]


@functools.cache
def _offered() -> dict[str, list[str]]:
    return generate_endpoint.allowed("Baseline")


def _fits(name: str, net_type: str, value: Any) -> bool:
    if value is None and name in _CLEARED_BY_NULL:
        return True
    if net_type in ("int", "double") and isinstance(value, bool):
        return False
    if net_type == "System.Object[]" and isinstance(value, (str, bytes)):
        return False
    return isinstance(value, _TYPES[net_type])
