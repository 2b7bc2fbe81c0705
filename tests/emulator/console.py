# SPDX-License-Identifier: GPL-3.0-or-later
"""What one remote PowerShell session can run, and whose cmdlets they are.

Three kinds of endpoint, told apart by the configuration's name:

* ``Microsoft.Exchange``: an Exchange server. Its cmdlets are there from the start.
* ``Microsoft.PowerShell`` and ``PowerShell.*``: a management host. Exchange's cmdlets exist after
  Connect-ExchangeOnline, those of the compliance endpoint after Connect-IPPSSession.
* anything else: a constrained endpoint whose start-up script has connected already; to both if its name ends with
  ``.Purview``.

None of them runs scripts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import properties
from .authority import Application, Authority, NotEntitled, Unauthorized
from .clixml import Flavour
from .context import Outcome
from .errors import CmdletError, missing_mandatory, not_granted, prompt_failed, unknown_parameter
from .module_functions import bind, is_confirmed, prompt_without_host
from .organization import Organization
from .properties import Record
from .runner import granted
from .service import Service
from .values import now

_QUIET = ("ignore", "silentlycontinue", "0", "4")
_AUTOMATION = "System.Management.Automation."
_CONNECT_PARAMETERS = """accesstoken appid certificate certificatethumbprint certificatefilepath certificatepassword managedidentity managedidentityaccountid
    userprincipalname organization commandname showbanner skiploadingformatdata skiploadingcmdlethelp exchangeenvironmentname loglevel trackperformance
    erroraction warningaction"""
#: Connect-IPPSSession has no managed identity and no clouds. Source: Microsoft's page of it.
_CONNECT_COMPLIANCE_PARAMETERS = """connectionuri azureadauthorizationendpointuri accesstoken appid certificate certificatethumbprint certificatefilepath
    certificatepassword userprincipalname organization commandname showbanner loglevel erroraction warningaction"""

_NO_ROLE = "The role assigned to application isn't supported in this scenario. Please check online documentation."

#: A management host's own configuration.
HOST = "Microsoft.PowerShell"


def is_management_host(configuration: str) -> bool:
    return configuration.lower() == HOST.lower() or configuration.lower().startswith("powershell.")


def stops(parameters: Mapping[str, Any]) -> bool:
    """Whether ErrorAction asks for the first error to end the pipeline."""
    return _error_action(parameters) in ("stop", "1")


def _error_action(parameters: Mapping[str, Any]) -> str:
    return next((str(value).lower() for name, value in parameters.items() if name.lower() == "erroraction"), "continue")


class Console:
    """One session's view.

    :param bound: the organization that the endpoint belongs to, where it belongs to one.
    :param certificate_files: path on the management host to the application whose certificate lies there.
    :param authority: judges access tokens.
    :param wire: the name under which calls are recorded.
    """

    def __init__(
        self,
        service: Service,
        applications: Mapping[str, Application],
        certificate_files: Mapping[str, str],
        configuration: str,
        bound: Organization,
        authority: Authority,
        wire: str = "psrp",
    ) -> None:
        self._service = service
        self._applications = applications
        self._certificate_files = certificate_files
        self._authority = authority
        self._wire = wire
        self._host = is_management_host(configuration)
        self._organization: Organization | None = None if self._host else bound
        #: The organization that a session with the compliance endpoint is in.
        self._compliance: Organization | None = None
        if configuration.lower().endswith(".purview"):
            self._compliance = self._of_compliance(bound)
        self._only: frozenset[str] | None = None
        self._only_compliance: frozenset[str] | None = None
        self.flavour = Flavour.SERVER if configuration.lower() == "microsoft.exchange" else Flavour.MODULE

    @property
    def organization(self) -> Organization | None:
        """The organization that the session is connected to."""
        return self._organization or self._compliance

    @property
    def compliance(self) -> Organization | None:
        """The organization that the session with the compliance endpoint is in."""
        return self._compliance

    def _of_compliance(self, organization: Organization) -> Organization:
        return self._service.find(organization.state["compliance_of"]) or organization

    @property
    def is_signed_in(self) -> bool:
        """Whether the session has been connected, and nobody has ended that."""
        return self._host and self.organization is not None

    def names(self) -> list[str]:
        """The cmdlets that the session has."""
        connecting = ["Connect-ExchangeOnline", "Connect-IPPSSession", "Disconnect-ExchangeOnline"]
        names = ["Get-Command"] + (connecting if self._host else [])
        if self.flavour is Flavour.MODULE and "Get-ConnectionInformation" not in self._hidden():
            names.append("Get-ConnectionInformation")
        return names + self.exchange_cmdlets() + self.compliance_cmdlets()

    def exchange_cmdlets(self) -> list[str]:
        """Exchange's cmdlets that the session has."""
        if self._organization is None:
            return []
        return [name for name in granted(self._organization.state) if self._only is None or name.lower() in self._only]

    def compliance_cmdlets(self) -> list[str]:
        """The compliance endpoint's cmdlets that the session has."""
        if self._compliance is None:
            return []
        only = self._only_compliance
        names = granted(self._compliance.state, compliance=True)
        return [name for name in names if only is None or name.lower() in only]

    def run(self, command: str, parameters: Mapping[str, Any]) -> Outcome:
        """Runs one command.

        :raises CmdletError: it ended with an error.
        """
        own = {
            "get-command": self._get_command,
            "connect-exchangeonline": self._connect,
            "connect-ippssession": self._connect_compliance,
            "disconnect-exchangeonline": self._disconnect,
            "get-connectioninformation": self._get_connection_information,
        }
        name = {name.lower(): name for name in self.names()}.get(command.lower())
        if name is None:
            raise not_granted(command)
        if command.lower() in own:
            return own[command.lower()](parameters)
        organization = self._organization_of(name)
        assert organization is not None
        if self.flavour is Flavour.SERVER:
            return self._service.invoke(organization, "psrp", name, parameters, prompts=True)
        bind(name, parameters, [text.lower() for text in organization.state["hidden_parameters"]])
        return self.forward(name, parameters, confirmed=is_confirmed(name, parameters))

    def forward(self, cmdlet: str, parameters: Mapping[str, Any], *, confirmed: bool) -> Outcome:
        """What a function of the module hands to the service.

        :param confirmed: nobody needs to be asked any more.
        :raises CmdletError: the service's, in the module's words.
        """
        organization = self._organization_of(cmdlet)
        compliance = organization is not None and _has(self.compliance_cmdlets(), cmdlet)
        if organization is None:
            raise not_granted(cmdlet)
        try:
            return self._service.invoke(
                organization, self._wire, cmdlet, parameters, prompts=not confirmed, compliance=compliance
            )
        except CmdletError as error:
            raise self.worded(error) from error

    def _organization_of(self, cmdlet: str) -> Organization | None:
        """The organization in which a cmdlet runs; None where the session does not have it."""
        if _has(self.compliance_cmdlets(), cmdlet):
            return self._compliance
        return self._organization if _has(self.exchange_cmdlets(), cmdlet) else None

    def worded(self, error: CmdletError) -> CmdletError:
        """The module shows the service's errors with their id and type in front; what it refuses itself, it says
        itself.
        """
        if error.type.endswith(".HostException"):
            return prompt_without_host("Set-IRMConfiguration")
        from_service = not error.type.startswith(_AUTOMATION) or error.type.endswith("ParameterTransformationException")
        if self.flavour is Flavour.SERVER or not from_service:
            return error
        shown = f"{error.error_id}|{error.type}|{error.message}"
        return CmdletError(shown, "System.Exception", error.error_id, error.status, error.category, reason=error.reason)

    def is_terminating(self, error: CmdletError, parameters: Mapping[str, Any]) -> bool:
        """Whether an error ends its pipeline: what PowerShell itself refuses does, what a cmdlet reports does not.

        The module's functions do not hand ErrorAction on to what reports an error.
        """
        return (
            error.thrown or error.type.startswith(_AUTOMATION) or (self.flavour is Flavour.SERVER and stops(parameters))
        )

    def _get_command(self, parameters: Mapping[str, Any]) -> Outcome:
        values = {name.lower(): value for name, value in parameters.items()}
        unknown = set(values) - {"name", "erroraction", "warningaction", "commandtype"}
        if unknown:
            raise unknown_parameter(unknown.pop(), rest=False)
        names = {name.lower(): name for name in self.names()}
        wanted = values.get("name") or list(names)
        outcome = Outcome()
        for name in [wanted] if isinstance(wanted, str) else wanted:
            if name.lower() in names:
                outcome.records.append(
                    Record(
                        properties.COMMAND,
                        {"Name": names[name.lower()], "CommandType": "Function" if self._host else "Cmdlet"},
                    )
                )
            elif _error_action(parameters) not in _QUIET:
                outcome.errors.append(not_granted(name))
        return outcome

    def _hidden(self) -> list[str]:
        return list(self._organization.state["hidden_cmdlets"]) if self._organization is not None else []

    def _get_connection_information(self, parameters: Mapping[str, Any]) -> Outcome:
        """The module's connections: one for each endpoint, or none."""
        unknown = {name.lower() for name in parameters} - {
            "connectionid",
            "moduleprefix",
            "erroraction",
            "warningaction",
        }
        if unknown:
            raise unknown_parameter(unknown.pop(), rest=False)
        sessions = ((self._organization, False), (self._compliance, True))
        return Outcome(
            [
                self._connection(organization, compliance=compliance)
                for organization, compliance in sessions
                if organization is not None and organization.cloud
            ]
        )

    def _connection(self, organization: Organization, *, compliance: bool) -> Record:
        values = {
            "ConnectionId": organization.state["guid"],
            "State": "Connected",
            "Name": "ExchangeOnlineProtection_1" if compliance else "ExchangeOnline_1",
            "UserPrincipalName": None,
            "ConnectionUri": (
                "https://nam10b.ps.compliance.protection.outlook.com" if compliance else "https://outlook.office365.com"
            ),
            "AzureAdAuthorizationEndpointUri": "https://login.microsoftonline.com/organizations",
            "TokenExpiryTimeUTC": now(),
            "CertificateAuthentication": True,
            "ModuleName": "tmpEXO_emulated",
            "ModulePrefix": None,
            "Organization": organization.name,
            "DelegatedOrganization": None,
            "AppId": self._applications[organization.name].client_id,
            "PageSize": 1000,
            "TenantID": organization.tenant_id,
            "TokenStatus": "Active",
            "ConnectionUsedForInbuiltCmdlets": not compliance,
            "IsEopSession": compliance,
        }
        return Record(properties.CONNECTION, values)

    def _connect(self, parameters: Mapping[str, Any]) -> Outcome:
        values = _known(parameters, _CONNECT_PARAMETERS)
        organization = self._signed_in(values, compliance=False)
        if not self._applications[organization.name].directory_role:
            raise _not_permitted(_NO_ROLE)
        self._only = _wanted(values)
        if self._organization is None:
            self._service.ledger.count("exchange_sessions_opened")
        self._organization = organization
        return Outcome()

    def _connect_compliance(self, parameters: Mapping[str, Any]) -> Outcome:
        values = _known(parameters, _CONNECT_COMPLIANCE_PARAMETERS)
        organization = self._signed_in(values, compliance=True)
        if not organization.state["compliance_role"]:
            raise _not_permitted(_NO_ROLE)
        self._only_compliance = _wanted(values)
        if self._compliance is None:
            self._service.ledger.count("exchange_sessions_opened")
        self._compliance = self._of_compliance(organization)
        return Outcome()

    def _signed_in(self, values: Mapping[str, Any], *, compliance: bool) -> Organization:
        """The organization that somebody signs in to.

        :raises CmdletError: it is not there, or the credential is not accepted.
        """
        if not values.get("organization"):
            raise missing_mandatory(["Organization"])
        organization = self._service.find(str(values["organization"]))
        if organization is None or not organization.cloud:
            raise _sign_in_failed(f"AADSTS90002: Tenant '{values['organization']}' not found.")
        self._check_credential(values, organization, compliance=compliance)
        return organization

    def _check_credential(self, values: Mapping[str, Any], organization: Organization, *, compliance: bool) -> None:
        application = self._applications[organization.name]
        if "accesstoken" in values:
            try:
                self._authority.check(f"Bearer {values['accesstoken']}", organization.tenant_id, compliance=compliance)
                # A person's token goes with the person's name. Source: the documentation of Connect-ExchangeOnline.
                if self._authority.is_of_a_person(values["accesstoken"]) != bool(values.get("userprincipalname")):
                    raise Unauthorized("UserPrincipalName")
            except Unauthorized as error:
                raise _not_permitted("UnAuthorized") from error
            except NotEntitled as error:
                raise _not_permitted(_NO_ROLE) from error
            return
        if values.get("managedidentity"):
            account = values.get("managedidentityaccountid")
            if account not in (None, application.client_id):
                raise _sign_in_failed("ManagedIdentityCredential authentication failed: no such identity.")
            return
        if str(values.get("appid", "")).lower() != application.client_id:
            raise _sign_in_failed(
                f"AADSTS700016: Application with identifier '{values.get('appid')}' was not found in the directory."
            )
        # A certificate object comes as its thumbprint: who has it has opened a store already.
        thumbprint = values.get("certificatethumbprint", values.get("certificate"))
        if thumbprint is not None:
            if str(thumbprint).upper() != application.thumbprint:
                raise _sign_in_failed("Certificate with the given thumbprint was not found in the certificate store.")
        elif "certificatefilepath" in values:
            if self._certificate_files.get(str(values["certificatefilepath"])) != application.client_id:
                raise _sign_in_failed("The certificate file does not exist, or its certificate is not registered.")
            if values.get("certificatepassword") != application.certificate_password:
                raise _sign_in_failed("The specified network password is not correct.")
        else:
            raise missing_mandatory(["CertificateThumbprint"])

    def _disconnect(self, parameters: Mapping[str, Any]) -> Outcome:
        values = {name.lower(): value for name, value in parameters.items()}
        if values.get("confirm") is not False:
            raise prompt_failed("Disconnect-ExchangeOnline")
        self.close(orderly=True)
        return Outcome()

    def close(self, *, orderly: bool) -> None:
        """The session ends, with Disconnect-ExchangeOnline or without."""
        if not self._host:
            return
        for _session in filter(None, (self._organization, self._compliance)):
            self._service.ledger.count("exchange_sessions_closed" if orderly else "exchange_sessions_abandoned")
        self._organization = self._compliance = None


def _has(names: list[str], name: str) -> bool:
    return name.lower() in {known.lower() for known in names}


def _known(parameters: Mapping[str, Any], names: str) -> dict[str, Any]:
    """Parameters by their names in lower case.

    :raises CmdletError: one that the cmdlet does not have.
    """
    for name in parameters:
        if name.lower() not in names.split():
            raise unknown_parameter(name, rest=False)
    return {name.lower(): value for name, value in parameters.items()}


def _wanted(values: Mapping[str, Any]) -> frozenset[str] | None:
    """The cmdlets that a session loads, in lower case; None for all."""
    only = values.get("commandname")
    return None if only is None else frozenset(name.lower() for name in ([only] if isinstance(only, str) else only))


def _sign_in_failed(message: str) -> CmdletError:
    return CmdletError(message, "System.Exception", "", category=9, thrown=True)


def _not_permitted(message: str) -> CmdletError:
    """What 401 and 403 become where the module connects."""
    return CmdletError(message, "System.UnauthorizedAccessException", "", category=9, thrown=True)
