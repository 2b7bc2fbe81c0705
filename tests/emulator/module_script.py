# SPDX-License-Identifier: GPL-3.0-or-later
"""The script of the temporary module that Connect-ExchangeOnline makes, as the service writes it for each caller.

One function a cmdlet, with the parameters, types and parameter sets of the live module (``data/module_manifest.json``).
What a function does is the stand-in's: ``tests/powershell``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from .schema import described

_POWERSHELL = Path(__file__).parents[1] / "powershell"
_MANIFEST = Path(__file__).parent / "data/module_manifest.json"

#: Cmdlets that stop and ask, as Microsoft's documentation of each says.
ASKING = frozenset(
    {
        "New-OMEConfiguration",
        "Set-OMEConfiguration",
        "Remove-OMEConfiguration",
        "Remove-TransportRule",
        "Disable-TransportRule",
    }
)


@cache
def manifest() -> Mapping[str, Any]:
    """Cmdlet name to its default parameter set and its parameters (type, and attributes by parameter set)."""
    loaded: Mapping[str, Any] = json.loads(_MANIFEST.read_text(encoding="utf-8"))
    return loaded


def script(names: Iterable[str], *, hidden_parameters: Collection[str] = ()) -> str:
    """The script of a module with these cmdlets.

    :param hidden_parameters: ``Cmdlet -Parameter`` in lower case: what the caller's role withholds.
    """
    return "\n".join(
        [
            "param($Forward)",
            "$script:Forward = $Forward",
            *_functions(names, hidden_parameters),
            "Export-ModuleMember -Function *",
            "",
        ]
    )


def module_file(names: Sequence[str], *, hidden_parameters: Collection[str] = ()) -> str:
    """The same script as Microsoft's own module gets it from the service: with all that it needs to reach it."""
    parts = [
        (_POWERSHELL / path).read_text(encoding="utf-8")
        for path in ("Route.ps1", "ExchangeOnlineManagement/Proxies.ps1")
    ]
    exported = ", ".join(f"'{name}'" for name in names)
    forward = "$script:Forward = ${function:Invoke-ExchangeCommand}"
    return "\n".join(
        [*parts, forward, *_functions(names, hidden_parameters), f"Export-ModuleMember -Function {exported}", ""]
    )


def _functions(names: Iterable[str], hidden: Collection[str]) -> list[str]:
    return [_function(name, described(name), hidden) for name in names]


def _function(name: str, known: Mapping[str, Any], hidden: Collection[str]) -> str:
    reads = name.partition("-")[0] in ("Get", "Test")
    binding = [f"DefaultParameterSetName = '{known['default_set']}'"] if known["default_set"] else []
    binding += [] if reads else ["SupportsShouldProcess", f"ConfirmImpact = '{'High' if name in ASKING else 'Medium'}'"]
    parameters = [
        _parameter(parameter, row["type"], row.get("sets", {"__AllParameterSets": {}}))
        for parameter, row in known["parameters"].items()
        if f"{name} -{parameter}".lower() not in hidden
    ]
    lines = [
        f"function {name} {{",
        f"[CmdletBinding({', '.join(binding)})]",
        f"param({', '.join(parameters)})",
        "process {",
    ]
    confirmed = "$false"
    if not reads:
        # A prompt that fails ends the statement: without the catch the function would go on, and write.
        lines.append(
            f"try {{ $yes = $PSCmdlet.ShouldProcess([string]$PSBoundParameters['Identity'], '{name}') }} catch {{ $PSCmdlet.ThrowTerminatingError($_) }}"
        )
        lines.append("if (-not $yes) { return }")
        confirmed = (
            "$true"
            if name in ASKING
            else "($PSBoundParameters.ContainsKey('Confirm') -or [bool]$PSBoundParameters['Force'])"
        )
    lines += [f"& $script:Forward $PSCmdlet $PSBoundParameters {confirmed}", "}", "}"]
    return "\n".join(lines)


def _parameter(name: str, net_type: str, sets: Mapping[str, Mapping[str, Any]]) -> str:
    attributes = "".join(f"[Parameter({_attribute(in_set, row)})]" for in_set, row in sets.items())
    return f"{attributes} [{net_type}] ${{{name}}}"


def _attribute(in_set: str, row: Mapping[str, Any]) -> str:
    said = [f"ParameterSetName = '{in_set}'"] if in_set != "__AllParameterSets" else []
    said += ["Mandatory"] if row.get("mandatory") else []
    said += [f"Position = {row['position']}"] if "position" in row else []
    said += ["ValueFromPipeline"] if row.get("pipeline") else []
    said += ["ValueFromPipelineByPropertyName"] if row.get("pipeline_by_name") else []
    return ", ".join(said)
