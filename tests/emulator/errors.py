# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cmdlet refuses, in Exchange's own words where they are known.

Known texts and exception types are used as they stand: from tests/data/captures/rest, and from public reports such as
Microsoft365DSC's issues 3552 and 4401. All others (duplicate rule names, unknown templates, limits) are the emulator's
own, and nothing may depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass

DOMAIN_CONTROLLER = "EMUPR01A01DC001.EMUPR01A001.PROD.OUTLOOK.COM"


@dataclass
class CmdletError(Exception):
    """A terminating error of a cmdlet.

    :param message: the text that a user sees.
    :param type: the .NET exception type.
    :param error_id: the service's identifier, may be empty.
    :param status: the HTTP status over REST.
    :param category: the PowerShell error category, as PSRP numbers them (5 InvalidArgument, 7 InvalidOperation, 13
        ObjectNotFound, …).
    :param thrown: ends a pipeline whatever ErrorAction says.
    """

    message: str
    type: str = "Microsoft.Exchange.Data.LocalizedException"
    error_id: str = "612DECAE"
    status: int = 400
    category: int = 5
    thrown: bool = False

    #: The name of the service's exception, where the type is the module's own.
    reason: str = ""

    def __post_init__(self) -> None:
        self.reason = self.reason or self.type.rpartition(".")[2]

    def __str__(self) -> str:
        return self.message


class CmdletNotGranted(CmdletError):
    """The session does not have the cmdlet: over REST the answer is not even JSON."""


def not_granted(cmdlet: str) -> CmdletNotGranted:
    return CmdletNotGranted(
        f"The term '{cmdlet}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
        "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
        "System.Management.Automation.CommandNotFoundException",
        "CommandNotFoundException",
        status=403,
        category=13,
    )


def object_not_found(identity: str) -> CmdletError:
    return CmdletError(
        f"The operation couldn't be performed because object '{identity}' couldn't be found on '{DOMAIN_CONTROLLER}'.",
        "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
        "Ex6F9304",
        status=404,
        category=7,
    )


def already_exists(identity: str) -> CmdletError:
    return CmdletError(
        f"The object '{identity}' already exists.",
        "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
        "",
        category=3,
    )


def unknown_parameter(name: str, *, rest: bool) -> CmdletError:
    if rest:
        return CmdletError(
            f"Parameter set cannot be resolved using the specified named parameters. Invalid cmdlet parameters specified. {name}",
            "Microsoft.Exchange.Configuration.Tasks.AmbiguousParameterSetException",
            "",
        )
    return CmdletError(
        f"A parameter cannot be found that matches parameter name '{name}'.",
        "System.Management.Automation.ParameterBindingException",
        "NamedParameterNotFound",
    )


def missing_mandatory(names: list[str]) -> CmdletError:
    return CmdletError(
        f"Cannot process command because of one or more missing mandatory parameters: {' '.join(names)}.",
        "System.Management.Automation.ParameterBindingException",
        "MissingMandatoryParameter",
    )


def transformation(parameter: str, value: object, net_type: str, detail: str) -> CmdletError:
    return CmdletError(
        f'Cannot process argument transformation on parameter \'{parameter}\'. Cannot convert value "{value}" to type "{net_type}". Error: "{detail}"',
        "System.Management.Automation.ParameterTransformationException",
        "ParameterArgumentTransformationError",
    )


def refused(message: str) -> CmdletError:
    """A value that the service itself refuses; the text is the emulator's."""
    return CmdletError(message, "Microsoft.Exchange.Configuration.Tasks.TaskArgumentException", "")


def customization_needed() -> CmdletError:
    """What a dehydrated organization refuses."""
    return CmdletError(
        "The command you tried to run isn't currently allowed in your organization. To run this command, you first need to run the command: "
        "Enable-OrganizationCustomization.",
        "Microsoft.Exchange.Configuration.Tasks.InvalidOperationInDehydratedContextException",
        "",
    )


def prompt_failed(cmdlet: str) -> CmdletError:
    """A confirmation prompt in a session that nobody watches."""
    return CmdletError(
        f"A command that prompts the user failed because the host program or the command type does not support user interaction. "
        f"The host was attempting to request confirmation with the following message: Are you sure you want to perform this action? {cmdlet}",
        "System.Management.Automation.Host.HostException",
        "HostFunctionNotImplemented",
        category=1,
    )
