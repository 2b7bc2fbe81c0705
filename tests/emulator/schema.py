# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cmdlets and their parameters, as Microsoft's documentation lists them (``data/cmdlets.json``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"

#: Cmdlets that the documentation extract does not hold, because they are not about message encryption.
_MORE: dict[str, Any] = {"Get-OrganizationConfig": {"cloud": True, "onprem": True, "parameters": []}}

#: Cmdlets that exist only in organizations that have Advanced Message Encryption.
ADVANCED = frozenset({"New-OMEConfiguration", "Remove-OMEConfiguration", "Get-OMEMessageStatus", "Set-OMEMessageRevocation"})


@dataclass(frozen=True)
class Parameter:
    """One parameter: its .NET type, whether it must be given, its values and limits, and where it exists."""

    name: str
    type: str
    required: bool | str = False
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    cloud: bool = True
    onprem: bool = True

    def is_mandatory(self, *, cloud: bool) -> bool:
        return cloud if self.required == "cloud" else bool(self.required)


@dataclass(frozen=True)
class Cmdlet:
    """One cmdlet. Names of cmdlets and parameters are case-insensitive."""

    name: str
    cloud: bool
    onprem: bool
    parameters: Mapping[str, Parameter]

    @property
    def reads(self) -> bool:
        return is_read(self.name)

    def exists(self, *, cloud: bool) -> bool:
        return self.cloud if cloud else self.onprem

    def parameter(self, name: str, *, cloud: bool) -> Parameter | None:
        found = self.parameters.get(name.lower())
        return found if found is not None and (found.cloud if cloud else found.onprem) else None


def is_read(cmdlet: str) -> bool:
    """Whether a cmdlet of this name changes nothing."""
    return cmdlet.partition("-")[0].lower() in ("get", "test")


def _load(name: str) -> Any:
    return json.loads((_DATA / name).read_text(encoding="utf-8"))


@cache
def cmdlets() -> dict[str, Cmdlet]:
    """Lower-case cmdlet name to cmdlet."""
    found = {}
    for name, data in {**_load("cmdlets.json"), **_MORE}.items():
        parameters: dict[str, Parameter] = {}
        for row in data["parameters"]:
            values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
            parameter = Parameter(**values)
            parameters.update({spelling.lower(): parameter for spelling in (parameter.name, *parameter.aliases)})
        found[name.lower()] = Cmdlet(name, data["cloud"], data["onprem"], parameters)
    return found


@cache
def rule_sections() -> dict[str, str | None]:
    """Parameter of New-TransportRule to ``rule``, ``conditions``, ``exceptions`` or ``actions``."""
    return {name: row.get("section") for name, row in _load("transport_rule_options.json").items()}


@cache
def rule_refusals() -> dict[str, str]:
    """Parameter of New-TransportRule to the reason why the service does not act on it."""
    return {name: row["reason"] for name, row in _load("transport_rule_options.json").items() if "reason" in row}


@cache
def rule_properties() -> tuple[str, ...]:
    """The 200 properties of a transport rule in the service's own order."""
    return tuple(_load("transport_rule_properties.json"))
