# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of controls that set or test something; those about mail flow rules have a file of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..._engine.plan import PlanWarning, warning
from ..._exchange.errors import OptionError
from ..._exchange.names import name_key
from ..._exchange.organization import Organization
from ..._resources.irm_configuration import IRM_CONFIGURATION
from ..._resources.mailbox_policies import MOBILE_DEVICE_MAILBOX_POLICY, OWA_MAILBOX_POLICY
from ..._resources.ome_configuration import (
    DEFAULT_OME_CONFIGURATION,
    SETTINGS_OF_A_NEW_CONFIGURATION,
    check_configuration,
    find,
    is_default,
    needs_work_account,
)
from ..._resources.rights_management import obstacle_of
from ..._resources.rules.organization_rules import rules_of
from ..._resources.settings import policies_without_irm
from ..._resources.table import Table, name_of
from .control import BaselineRequest, JudgingControl, Outlook, Parts, WritingControl, named
from .findings import PREFIX, Finding, allow

_BRANDED_BY = "apply_rights_protection_customization_template"


@dataclass(frozen=True, kw_only=True)
class TableControl(WritingControl):
    """A control of a resource whose settings are a table."""

    table: Table

    @property
    def resource(self) -> str:
        return self.table.name

    @property
    def subset(self) -> str:
        return self.table.subset

    def settings(self, request: BaselineRequest) -> dict[str, Any]:
        """The canonical settings that its variables want."""
        wanted = {}
        for variable in self.variables:
            value = request.variables.get(variable.name)
            if variable.option and value is not None:
                wanted[variable.option] = self.table.field(variable.option).parse(
                    variable.counterpart(value), "hardened_baseline: "
                )
        return wanted


@dataclass(frozen=True, kw_only=True)
class SettingsControl(TableControl):
    """Settings of a resource of which an organization has exactly one.

    :param dangerous: new value to the word that accepts it, and why it has to be accepted.
    """

    dangerous: Mapping[Any, tuple[str, str]] | None = None

    def check(self, request: BaselineRequest) -> None:
        self.settings(request)

    def desired(self, request: BaselineRequest, organization: Organization) -> Parts:
        return {self.subset: self.settings(request)}

    def owns(self, resource: str, identity: str, option: str) -> bool:
        return resource == self.resource and any(variable.option == option for variable in self.variables)

    def findings(self, outlook: Outlook) -> list[Finding]:
        new = [
            change.after
            for change in outlook.plan.changes
            if self.owns(change.resource, change.identity, change.option)
        ]
        dangerous = [(text, word) for value, (word, text) in (self.dangerous or {}).items() if value in new]
        return [*super().findings(outlook), *(Finding.acceptable(self.id, text, word) for text, word in dangerous)]


@dataclass(frozen=True, kw_only=True)
class ProtectionControl(SettingsControl):
    """Settings that let mail be protected. That they are stored does not mean that the service behind them is active."""

    def doubts(self, organization: Organization) -> list[str]:
        obstacle = obstacle_of(organization)
        if obstacle is None or obstacle.switched_off:
            return []  # IRM-1 and IRM-2 say themselves what is off.
        return [f"Whether rights management works is not known: {obstacle.cause}. {obstacle.cure}"]


@dataclass(frozen=True, kw_only=True)
class ButtonControl(SettingsControl):
    """The Encrypt button, which Exchange shows only where it uses Azure Rights Management."""

    def shortcomings(self, request: BaselineRequest, organization: Organization) -> list[str]:
        (shows, *_others) = self.variables
        uses = IRM_CONFIGURATION.field("azure_rms_licensing_enabled").read(organization.only(self.subset))
        if request.variables.get(shows.name) is not True or uses is not False:
            return []
        return [
            f"azure_rms_licensing_enabled is false (IRM-1): the button protects nothing then, and Microsoft's test {self.assessed_by} fails."
        ]


@dataclass(frozen=True, kw_only=True)
class LicensingControl(ProtectionControl):
    """Azure Rights Management, which would change the key service of an organization that still uses AD RMS."""

    def findings(self, outlook: Outlook) -> list[Finding]:
        changes = [
            change for change in outlook.plan.changes if self.owns(change.resource, change.identity, change.option)
        ]
        locations = (
            IRM_CONFIGURATION.field("licensing_location").read(outlook.organization.only(self.subset)) or []
            if changes
            else []
        )
        foreign = [
            location for location in locations if ".aadrm." not in (urlsplit(location).hostname or "").casefold()
        ]
        if not foreign:
            return super().findings(outlook)
        text = f"LicensingLocation shows AD RMS ({', '.join(foreign)}): migrate its keys first."
        return [
            *super().findings(outlook),
            Finding(self.id, text, allow(self.variables[0].name, "null") + ", which leaves it unmanaged"),
        ]


def lacks_license(organization: Organization) -> bool:
    """Whether the cmdlets of the session show that the organization has no Advanced Message Encryption: then
    New-OMEConfiguration is missing.
    """
    return organization.available("exported_cmdlets") and all(
        item["Name"] != "New-OMEConfiguration" for item in organization.objects("exported_cmdlets")
    )


@dataclass(frozen=True, kw_only=True)
class LicensedControl(SettingsControl):
    """A setting that only Advanced Message Encryption has."""

    def needs(self) -> tuple[str, ...]:
        return ("exported_cmdlets",)

    def without_license(self, request: BaselineRequest, organization: Organization) -> str:
        # If the setting is already as wanted, no license is needed; it may also have expired.
        if organization.error(self.subset) is not None:
            return ""
        properties = organization.only(self.subset)
        wanted = self.settings(request)
        met = all(
            self.table.field(option).equal(self.table.field(option).read(properties), value)
            for option, value in wanted.items()
        )
        if met or not lacks_license(organization):
            return ""
        return f"{self.sets} requires Advanced Message Encryption, but New-OMEConfiguration is not granted to this session."


@dataclass(frozen=True, kw_only=True)
class SignInControl(SettingsControl):
    """A way to sign in to the portal, on every OME configuration that exists or that this run creates: Exchange creates
    one with both ways on.
    """

    def desired(self, request: BaselineRequest, organization: Organization) -> Parts:
        names = [name_of(item) for item in organization.objects(self.subset)]
        known = {name_key(name) for name in names}
        new = [name for name in request.created if name_key(name) not in known]
        return {self.subset: {name: self.settings(request) for name in [*names, *new]}}

    def findings(self, outlook: Outlook) -> list[Finding]:
        return [*super().findings(outlook), *self._locked_out(outlook)]

    def _locked_out(self, outlook: Outlook) -> list[Finding]:
        """OME configurations that the run would leave without passcodes and social accounts."""
        existing = {name_of(item): self.table.describe(item) for item in outlook.organization.objects(self.subset)}
        findings = []
        for name, wanted in outlook.parts.get(self.subset, {}).items():
            stored = {**SETTINGS_OF_A_NEW_CONFIGURATION, **existing.get(name, {})}
            if needs_work_account({**stored, **wanted}) and not needs_work_account(stored):
                text = f"{name!r} would allow neither passcodes nor social accounts: only recipients with a work or school account could read such mail."
                findings.append(Finding.acceptable(self.id, text, "work_accounts_only", about=(self.subset, name)))
        return findings


@dataclass(frozen=True, kw_only=True)
class BrandingControl(TableControl):
    """The branding of the default OME configuration: one variable, a dictionary of its options."""

    def desired(self, request: BaselineRequest, organization: Organization) -> Parts:
        return {
            self.subset: {
                DEFAULT_OME_CONFIGURATION: self.table.parse(
                    self._declared_settings(request), named(self.variables[0].name)
                )
            }
        }

    def owns(self, resource: str, identity: str, option: str) -> bool:
        return resource == self.resource and is_default(identity)

    def shown(self, request: BaselineRequest) -> dict[str, Any]:
        return {self.variables[0].name: self.table.show(self.table.parse(self._declared_settings(request)))}

    def _declared_settings(self, request: BaselineRequest) -> dict[str, Any]:
        branding = request.variables[self.variables[0].name]
        return {option: value for option, value in branding.items() if value is not None and self.table.get(option)}


@dataclass(frozen=True, kw_only=True)
class TemplateControl(TableControl):
    """A custom OME configuration: one variable, a dictionary with its name and its expiry."""

    def needs(self) -> tuple[str, ...]:
        # The cmdlets of the session show whether it can be created.
        return ("exported_cmdlets",)

    def creates(self, variables: Mapping[str, Any]) -> tuple[str, ...]:
        name = str((variables.get(self.variables[0].name) or {}).get("name") or "")
        return (name,) if name else ()

    def check(self, request: BaselineRequest) -> None:
        (name,) = self.creates(request.variables)
        if is_default(name):
            raise OptionError(
                f"{named(self.variables[0].name)}name is {name!r}, the default OME configuration: use another name for the branding template."
            )
        check_configuration(name, "present", {})

    def desired(self, request: BaselineRequest, organization: Organization) -> Parts:
        days = request.variables[self.variables[0].name].get("external_mail_expiry_in_days")
        expiry = (
            {}
            if days is None
            else self.table.parse({"external_mail_expiry_in_days": days}, named(self.variables[0].name))
        )
        (name,) = self.creates(request.variables)
        existing = find(organization.objects(self.subset), name)
        return {self.subset: {name_of(existing) if existing else name: expiry}}

    def without_license(self, request: BaselineRequest, organization: Organization) -> str:
        (name,) = self.creates(request.variables)
        # This comes first: once the template exists, it does not matter which cmdlets the session has, or whether that
        # can be read.
        if organization.error(self.subset) is not None or find(organization.objects(self.subset), name):
            return ""
        if not lacks_license(organization):
            return ""
        return f"the branding template {name!r} requires Advanced Message Encryption: New-OMEConfiguration is not granted to this session."

    def warnings(self, outlook: Outlook) -> list[PlanWarning]:
        if outlook.organization.error("transport_rules") is not None:
            return []
        (name,) = self.creates(outlook.request.variables)
        applied = [rule.sections["actions"].get(_BRANDED_BY, "") for rule in rules_of(outlook.organization)]
        applied += [
            rule.sections.get("actions", {}).get(_BRANDED_BY, "") for rule in outlook.parts.get("transport_rules", ())
        ]
        if name_key(name) in {name_key(branding) for branding in applied}:
            return []
        text = f"No rule applies the branding template {name!r}, so it has no effect. The rule of hardened_baseline_encrypt_outgoing would apply it."
        return [warning("template_not_applied", text, template=name)]

    def owns(self, resource: str, identity: str, option: str) -> bool:
        return resource == self.resource and not is_default(identity)


@dataclass(frozen=True, kw_only=True)
class PolicyControl(TableControl):
    """Mailbox policies in which rights management must not be off.

    Two variables: what becomes of such policies (``warn`` or ``enforce``), and the names of those that are looked at.
    """

    def is_wanted(self, variables: Mapping[str, Any]) -> bool:
        return variables.get(self.variables[0].name) is not None

    def is_written(self, variables: Mapping[str, Any]) -> bool:
        return variables.get(self.variables[0].name) != "warn"

    def desired(self, request: BaselineRequest, organization: Organization) -> Parts:
        names = {name_key(name) for name in request.variables.get(self.variables[1].name) or ()}
        policies = [name_of(policy) for policy in organization.objects(self.subset)]
        return {self.subset: {name: {"irm_enabled": True} for name in policies if not names or name_key(name) in names}}

    def mistakes(self, request: BaselineRequest, organization: Organization) -> list[Finding]:
        # A name may belong to a policy of either kind.
        tables = [
            table
            for table in (OWA_MAILBOX_POLICY, MOBILE_DEVICE_MAILBOX_POLICY)
            if organization.error(table.subset) is None
        ]
        known = {name_key(name_of(policy)) for table in tables for policy in organization.objects(table.subset)}
        variable = self.variables[1].name
        missing = [name for name in request.variables.get(variable) or () if name_key(name) not in known]
        return [
            Finding(
                self.id,
                f"{PREFIX}{variable} contains {name!r}, which is not a policy of this organization.",
                about=(variable, name),
            )
            for name in missing
        ]

    def remarks(self, request: BaselineRequest, organization: Organization) -> list[str]:
        names = policies_without_irm(organization, self.table)
        if not names:
            return []
        how = "" if self.is_written(request.variables) else f" {allow(self.variables[0].name, 'enforce')} turns it on."
        return [f"Rights management is off in {', '.join(names)}.{how}"]


@dataclass(frozen=True, kw_only=True)
class TestControl(JudgingControl):
    """Exchange's own test, which the role runs after the writes."""

    def check(self, request: BaselineRequest) -> None:
        sender, recipients, *_timeout = (variable.name for variable in self.variables)
        if request.variables.get(recipients) and not request.variables.get(sender):
            raise OptionError(f"{PREFIX}{recipients} requires {PREFIX}{sender}.")

    def is_wanted(self, variables: Mapping[str, Any]) -> bool:
        return any(variables.get(variable.name) for variable in self.variables[:2])
