# SPDX-License-Identifier: GPL-3.0-or-later
"""What the functions of Exchange's module do before they ask the service: PowerShell binds their parameters, and some
ask.

The emulator's own PSRP does here what a real PowerShell does with the functions of ``module_script.py``;
``test_engine_comparison.py`` holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .errors import CmdletError, missing_mandatory, unknown_parameter
from .module_script import ASKING
from .schema import COMMON_PARAMETERS, described

_AUTOMATION = "System.Management.Automation."
#: Those that it adds to functions that change something.
_SHOULD_PROCESS = frozenset(("confirm", "whatif"))
_NUMBERS = {"int": "System.Int32", "double": "System.Double", "short": "System.Int16", "uint": "System.UInt32"}


def bind(cmdlet: str, parameters: Mapping[str, Any], hidden: Collection[str]) -> None:
    """Refuses what PowerShell refuses before a function runs.

    :param hidden: ``Cmdlet -Parameter`` in lower case: parameters that the function does not have here.
    :raises CmdletError: an unknown, unusable or missing parameter.
    """
    binding = described(cmdlet)
    types = {
        name.lower(): row["type"]
        for name, row in binding["parameters"].items()
        if f"{cmdlet} -{name}".lower() not in hidden
    }
    for name, value in parameters.items():
        if name.lower() in COMMON_PARAMETERS | _SHOULD_PROCESS:
            continue
        if name.lower() not in types:
            raise unknown_parameter(name, rest=False)
        _convert(name, types[name.lower()], value)
    given = {name.lower() for name in parameters}
    sets = {name: row.get("sets", {}) for name, row in binding["parameters"].items()}
    default = binding["default_set"] or "__AllParameterSets"
    missing = [
        name
        for name, row in sets.items()
        if name.lower() not in given and any(row.get(in_set, {}).get("mandatory") for in_set in (default, *_only(row)))
    ]
    if missing:
        raise missing_mandatory(missing)


def _only(sets: Mapping[str, Any]) -> list[str]:
    """The one parameter set of a parameter that is in one only."""
    return list(sets) if len(sets) == 1 else []


def _convert(name: str, net_type: str, value: Any) -> None:
    if net_type == "bool" and not isinstance(value, (bool, int, float)):
        kind = "" if value is None else "System.String" if isinstance(value, str) else "System.Object[]"
        raise _unusable(
            name,
            kind,
            "System.Boolean",
            " Boolean parameters accept only Boolean values and numbers, such as $True, $False, 1 or 0.",
        )
    if net_type in _NUMBERS and isinstance(value, str):
        try:
            float(value)
        except ValueError:
            raise _unusable(
                name, value, _NUMBERS[net_type], f" Error: \"The input string '{value}' was not in a correct format.\""
            ) from None


def _unusable(parameter: str, value: str, net_type: str, detail: str) -> CmdletError:
    return CmdletError(
        f'Cannot process argument transformation on parameter \'{parameter}\'. Cannot convert value "{value}" to type "{net_type}".{detail}',
        f"{_AUTOMATION}ParameterBindingArgumentTransformationException",
        "ParameterArgumentTransformationError",
        category=6,
    )


def is_confirmed(cmdlet: str, parameters: Mapping[str, Any]) -> bool:
    """Whether nobody needs to be asked by the service any more.

    :raises CmdletError: the function asks, and nobody answers.
    """
    given = {name.lower(): value for name, value in parameters.items()}
    if cmdlet in ASKING:
        if given.get("confirm") is not False and not given.get("whatif"):
            raise prompt_without_host(cmdlet)
        return True
    return "confirm" in given or bool(given.get("force"))


def prompt_without_host(cmdlet: str) -> CmdletError:
    """A function's prompt in a session that nobody watches."""
    return CmdletError(
        'Exception calling "ShouldProcess" with "2" argument(s): "A command that prompts the user failed because the host program or the command type does '
        "not support user interaction. The host was attempting to request confirmation with the following message: Are you sure you want to perform this "
        f'action?\nPerforming the operation "{cmdlet}" on target "".""',
        f"{_AUTOMATION}MethodInvocationException",
        "HostException",
        category=0,
    )
