# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cmdlets: binding of parameters, the prompts, and what each cmdlet does to an organization.

:func:`run` is the only way in. Both wires, and the tests' "other administrator", call it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import properties, rules
from .errors import CmdletError, already_exists, missing_mandatory, not_granted, object_not_found, prompt_failed, refused, unknown_parameter
from .organization import DEFAULT_OME, Organization, State, ome_configuration
from .properties import Record
from .schema import ADVANCED, Cmdlet, cmdlets
from .values import Delta, binds_nothing, convert, days_text, now

_COMMON = frozenset({"erroraction", "warningaction", "errorvariable", "warningvariable", "verbose", "debug", "informationaction", "progressaction"})
_NOT_MODIFIED = "The command completed successfully but no settings of '{}' have been modified."
_MORE_RESULTS = "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter."


@dataclass
class Outcome:
    """What a cmdlet brought: objects, warnings, and errors that did not end it.

    ``garbled`` asks the wire to cut the objects off in the middle, as a broken proxy or a full disk would.
    """

    records: list[Record] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[CmdletError] = field(default_factory=list)
    garbled: bool = False


@dataclass
class Context:
    """One running cmdlet: the state it sees (its own copy when it writes), its bound parameters, and its outcome."""

    state: State
    parameters: dict[str, Any]
    cmdlet: Cmdlet
    outcome: Outcome = field(default_factory=Outcome)

    def emit(self, kind: str, values: Mapping[str, Any]) -> None:
        self.outcome.records.append(Record(kind, {name: values.get(name) for name in properties.KINDS[kind]}))

    def store(self, row: dict[str, Any], values: Mapping[str, Any], identity: str) -> None:
        """Stores values in a row; says so when they were there already."""
        wanted = {name: value.apply(row.get(name)) if isinstance(value, Delta) else value for name, value in values.items()}
        if all(row.get(name) == value for name, value in wanted.items()):
            self.outcome.warnings.append(_NOT_MODIFIED.format(identity))
            return
        row.update(wanted)
        if "WhenChanged" in row:
            row["WhenChanged"] = now()

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters without those that select an object or answer a prompt."""
        return {name: value for name, value in self.parameters.items() if name not in ("Identity", "Confirm", "Force", "WhatIf", "DomainController")}


_Handler = Callable[[Context], None]
_HANDLERS: dict[str, _Handler] = {}


def _cmdlet(*names: str) -> Callable[[_Handler], _Handler]:
    def register(handler: _Handler) -> _Handler:
        _HANDLERS.update(dict.fromkeys(map(str.lower, names), handler))
        return handler

    return register


def granted(state: State) -> list[str]:
    """The cmdlets that a caller of this organization has, by name."""
    hidden = {name.lower() for name in state["hidden_cmdlets"]}
    if not state["advanced_message_encryption"]:
        hidden |= {name.lower() for name in ADVANCED}
    return sorted(cmdlet.name for key, cmdlet in cmdlets().items() if cmdlet.exists(cloud=state["cloud"]) and key not in hidden)


def run(
    organization: Organization, name: str, parameters: Mapping[str, Any], *, rest: bool, prompts: bool, view: State | None = None, discard: bool = False
) -> Outcome:
    """Runs a cmdlet in an organization.

    :param rest: parameters came as JSON, and errors are worded as over REST.
    :param prompts: whether a cmdlet that asks for confirmation asks (a shell does, REST does not).
    :param view: the state that a read sees, when it is not the present one.
    :param discard: the write succeeds and nothing is stored.
    :raises CmdletError: the cmdlet ended with an error; nothing was stored.
    """
    with organization.lock:
        cmdlet = cmdlets().get(name.lower())
        if cmdlet is None or cmdlet.name not in granted(organization.state):
            raise not_granted(name)
        bound = bind(cmdlet, parameters, organization.state, rest=rest)
        if prompts and _asks(cmdlet, bound, organization.state):
            raise prompt_failed(cmdlet.name)
        if cmdlet.reads:
            context = Context(view or organization.state, bound, cmdlet)
            _HANDLERS[name.lower()](context)
            return Outcome([_drifted(record, cmdlet, organization.state) for record in context.outcome.records], context.outcome.warnings)
        ignored = {text.lower() for text in organization.state["ignored_parameters"]}
        kept = {key: value for key, value in bound.items() if f"{cmdlet.name} -{key}".lower() not in ignored}
        context = Context(copy.deepcopy(organization.state), kept, cmdlet)
        _HANDLERS[name.lower()](context)
        if not discard and not bound.get("WhatIf"):
            organization.commit(context.state)
        return context.outcome


def bind(cmdlet: Cmdlet, parameters: Mapping[str, Any], state: State, *, rest: bool) -> dict[str, Any]:
    """The parameters under their own names, in stored form.

    :raises CmdletError: unknown, missing or unusable parameters.
    """
    cloud = state["cloud"]
    hidden = {text.lower() for text in state["hidden_parameters"]}
    bound: dict[str, Any] = {}
    for name, value in parameters.items():
        if name.lower() in _COMMON:
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
    return cmdlet.name.startswith("Remove-") or cmdlet.name in ("Set-OMEConfiguration", "New-OMEConfiguration", "Disable-TransportRule")


def _drifted(record: Record, cmdlet: Cmdlet, state: State) -> Record:
    """The object with the properties that this organization's build adds or lacks."""
    added = state["added_properties"].get(cmdlet.name, {})
    dropped = state["dropped_properties"].get(cmdlet.name, ())
    if not added and not dropped:
        return record
    return Record(record.type, {name: value for name, value in {**record.values, **added}.items() if name not in dropped})


def _tail(identity: str) -> dict[str, Any]:
    return {"Identity": identity, "IsValid": True, "ObjectState": "Unchanged"}


@_cmdlet("Get-OrganizationConfig")
def _get_organization_config(context: Context) -> None:
    state = context.state
    values = {
        "Name": state["name"],
        "DisplayName": state["display_name"],
        "Guid": state["guid"],
        "ExternalDirectoryOrganizationId": state["tenant_id"],
        "IsDehydrated": state["dehydrated"],
        "WhenChanged": "2026-01-01T00:00:00.0000000Z",
        "WhenCreated": "2020-01-01T00:00:00.0000000Z",
        **_tail(state["name"]),
    }
    context.emit(properties.ORGANIZATION, values)
    if not state["cloud"]:
        only = context.outcome.records[0]
        context.outcome.records[0] = Record(only.type, {key: value for key, value in only.values.items() if key != "ExternalDirectoryOrganizationId"})


# OME configurations


@_cmdlet("Get-OMEConfiguration")
def _get_ome_configuration(context: Context) -> None:
    rows = context.state["ome_configurations"]
    identity = (context.parameters.get("Identity") or "").lower()
    # A name that nobody has selects everything.
    for row in [row for row in rows if row["Identity"].lower() == identity] or rows:
        image, output = row["Image"], context.state["image_output"]
        url = f"https://outlook.office365.com/Encryption/images/{context.state['tenant_id']}/{row['Identity']}" if image else None
        context.emit(
            properties.OME,
            {**row, "TemplateName": row["Identity"], "ImageUrl": url, "Image": None if output == "url" else image, **_tail(row["Identity"])},
        )


def _ome_settings(context: Context, identity: str) -> dict[str, Any]:
    settings = context.settings
    days = settings.pop("ExternalMailExpiryInDays", None)
    if days is not None:
        if identity.lower() == DEFAULT_OME.lower():
            raise refused(f"The parameter 'ExternalMailExpiryInDays' can't be used on the default configuration '{DEFAULT_OME}'.")
        settings["ExternalMailExpiryInterval"] = days_text(days)
    colour = settings.get("BackgroundColor")
    if colour and not re.fullmatch(r"#[0-9A-Fa-f]{6}|0x[0-9A-Fa-f]{6}|[A-Za-z]+", colour):
        raise refused(f"The background color '{colour}' isn't valid.")
    return settings


@_cmdlet("Set-OMEConfiguration")
def _set_ome_configuration(context: Context) -> None:
    row = _ome_row(context)
    if row["Identity"] != DEFAULT_OME and not context.state["advanced_message_encryption"]:
        raise refused("Only the default configuration can be changed without a license for Advanced Message Encryption.")
    context.store(row, _ome_settings(context, row["Identity"]), row["Identity"])


@_cmdlet("New-OMEConfiguration")
def _new_ome_configuration(context: Context) -> None:
    identity = context.parameters["Identity"]
    if any(row["Identity"].lower() == identity.lower() for row in context.state["ome_configurations"]):
        raise already_exists(identity)
    row = {**ome_configuration(identity), **_ome_settings(context, identity)}
    context.state["ome_configurations"].append(row)
    context.emit(properties.OME, {**row, "TemplateName": identity, **_tail(identity)})


@_cmdlet("Remove-OMEConfiguration")
def _remove_ome_configuration(context: Context) -> None:
    row = _ome_row(context)
    if row["Identity"] == DEFAULT_OME:
        raise refused(f"The default configuration '{DEFAULT_OME}' can't be removed.")
    context.state["ome_configurations"].remove(row)


def _ome_row(context: Context) -> dict[str, Any]:
    return _row(context.state["ome_configurations"], "Identity", context.parameters["Identity"])


def _row(rows: list[dict[str, Any]], key: str, identity: str) -> dict[str, Any]:
    for row in rows:
        if identity.lower() in (row[key].lower(), row.get("Guid", row[key]).lower()):
            return row
    raise object_not_found(identity)


# IRM and ActiveSync


@_cmdlet("Get-IRMConfiguration")
def _get_irm_configuration(context: Context) -> None:
    row = context.state["irm_configuration"]
    guid = context.state["guid"]
    context.emit(properties.IRM, {**row, "Name": "ControlPoint Configuration", "Guid": guid, **_tail("ControlPoint Configuration")})


@_cmdlet("Set-IRMConfiguration")
def _set_irm_configuration(context: Context) -> None:
    settings = context.settings
    settings.pop("RefreshServerCertificates", None)
    if settings.get("RMSOnlineKeySharingLocation") is not None:
        raise CmdletError(
            "The Trusted Publishing Domain (TPD) for your organization should be managed in Microsoft Azure Rights Management.  "
            "The 'RMSOnlineKeySharingLocation' parameter has been deprecated."
        )
    if settings.get("TransportDecryptionSetting", "Optional") is None:
        raise refused("The property 'TransportDecryptionSetting' can't be empty.")
    if "LicensingLocation" in settings:
        locations = settings["LicensingLocation"]
        row = context.state["irm_configuration"]
        locations = locations.apply(row["LicensingLocation"]) if isinstance(locations, Delta) else locations or []
        for location in locations:
            if not re.match(r"https?://[^/\s]+", location, re.IGNORECASE):
                raise refused(f"'{location}' isn't an absolute URL.")
        settings["LicensingLocation"] = locations
    context.store(context.state["irm_configuration"], settings, "ControlPoint Configuration")


@_cmdlet("Test-IRMConfiguration")
def _test_irm_configuration(context: Context) -> None:
    state = context.state
    sender = context.parameters["Sender"]
    irm = state["irm_configuration"]
    failing = state["irm_test_failure"]
    if not failing and not irm["InternalLicensingEnabled"]:
        failing = "IRM"
    names = ", ".join(row["Name"] for row in rules.templates(state))
    steps = [
        ("templates", "Acquiring RMS Templates ...", f"RMS Templates acquired.  Templates available: {names}.", "Failed to acquire RMS templates"),
        ("encryption", "Verifying encryption ...", "Encryption verified successfully.", "Failed to verify encryption."),
    ]
    for recipient in context.parameters.get("Recipient") or [sender]:
        steps.append(
            ("decryption", f"Verifying decryption for recipient: {recipient} ...", "Decryption verified successfully.", "Failed to verify decryption.")
        )
    steps.append(("IRM", "Verifying IRM is enabled ...", "IRM verified successfully.", "Failed to verify IRM."))
    lines: list[str] = []
    for step, title, passed, failed in steps:
        if step.lower() == failing.lower():
            detail = "Microsoft.Exchange.Data.RightsManagement.RmException: Failed to get publishing license. FailureCode:UnknownFailure. Recoverable:False."
            lines += [title, f"    - FAIL: {failed}", "----------------------------------------", detail]
            break
        lines += [title, f"    - PASS: {passed}"]
    lines += ["", f"OVERALL RESULT: {'FAIL' if any('- FAIL:' in line for line in lines) else 'PASS'}"]
    context.emit(properties.IRM_TEST, {"Results": "\r\n".join(lines)})


@_cmdlet("Get-ActiveSyncOrganizationSettings")
def _get_activesync(context: Context) -> None:
    state = context.state
    row = state["activesync_organization_settings"]
    name = "Mobile Mailbox Settings"
    values = {
        **row,
        "Name": name,
        "Id": name,
        "OtherWellKnownObjects": [],
        "ExchangeVersion": "0.10 (14.0.100.0)",
        "DistinguishedName": f"CN={name},CN=Configuration,CN={state['name']},CN=ConfigurationUnits,DC=EMUPR01A001,DC=PROD,DC=OUTLOOK,DC=COM",
        "ObjectClass": ["top", "msExchMobileMailboxSettings"],
        "WhenChangedUTC": row["WhenChanged"],
        "WhenCreated": "2020-01-01T00:00:00.0000000Z",
        "WhenCreatedUTC": "2020-01-01T00:00:00.0000000Z",
        "ExchangeObjectId": row["Guid"],
        "OrganizationId": state["name"],
        **_tail(name),
    }
    context.emit(properties.ACTIVESYNC, values)


@_cmdlet("Set-ActiveSyncOrganizationSettings")
def _set_activesync(context: Context) -> None:
    settings = context.settings
    row = context.state["activesync_organization_settings"]
    if "AdminMailRecipients" in settings:
        recipients = settings["AdminMailRecipients"]
        recipients = recipients.apply(row["AdminMailRecipients"]) if isinstance(recipients, Delta) else recipients or []
        for recipient in recipients:
            if "@" not in recipient:
                raise refused(f"The email address '{recipient}' isn't correct.")
        settings["AdminMailRecipients"] = recipients
    if settings.get("DefaultAccessLevel", "Allow") is None:
        raise refused("The property 'DefaultAccessLevel' can't be empty.")
    context.store(row, settings, "Mobile Mailbox Settings")


# Mail flow rules


@_cmdlet("Get-TransportRule")
def _get_transport_rule(context: Context) -> None:
    state, parameters = context.state, context.parameters
    found = state["transport_rules"]
    if parameters.get("Identity"):
        found = [rules.find(found, parameters["Identity"], state["name"])]
    if parameters.get("State"):
        found = [rule for rule in found if rule["State"] == parameters["State"]]
    records = [rules.record(rule, state, details=not parameters.get("ExcludeConditionActionDetails")) for rule in found]
    if parameters.get("Filter"):
        records = _described_like(records, parameters["Filter"])
    context.outcome.records = _limited(context, records)


def _described_like(records: list[Record], condition: str) -> list[Record]:
    match = re.fullmatch(r"\s*Description\s+-like\s+'(.*)'\s*", condition, re.IGNORECASE | re.DOTALL)
    if match is None:
        raise refused(f"The filter '{condition}' isn't valid.")
    pattern = re.compile(".*".join(map(re.escape, match[1].replace("''", "'").split("*"))), re.IGNORECASE | re.DOTALL)
    return [record for record in records if pattern.fullmatch(record.values["Description"])]


def _limited(context: Context, records: list[Record]) -> list[Record]:
    limit = context.parameters.get("ResultSize", 1000)
    if limit == "Unlimited" or len(records) <= limit:
        return records
    context.outcome.warnings.append(_MORE_RESULTS)
    return records[:limit]


@_cmdlet("New-TransportRule")
def _new_transport_rule(context: Context) -> None:
    settings = context.settings
    priority = settings.pop("Priority", None)
    rule = rules.new(context.state, settings)
    rules.place(context.state["transport_rules"], rule, priority)
    rule["Priority"] = context.state["transport_rules"].index(rule)
    context.outcome.records.append(rules.record(rule, context.state))


@_cmdlet("Set-TransportRule")
def _set_transport_rule(context: Context) -> None:
    settings = context.settings
    priority = settings.pop("Priority", None)
    rule = _rule(context)
    wanted = rules.changed(rule, settings, context.state)
    moved = priority is not None and priority != rule.get("Priority")
    if rules.same(rule, wanted) and not moved:
        context.outcome.warnings.append(_NOT_MODIFIED.format(rule["Name"]))
        return
    _replace(context, rule, wanted, priority)


def _rule(context: Context) -> rules.Rule:
    return rules.find(context.state["transport_rules"], context.parameters["Identity"], context.state["name"])


def _replace(context: Context, rule: rules.Rule, wanted: rules.Rule, priority: int | None = None) -> None:
    rule_list = context.state["transport_rules"]
    wanted = rules.stamped(wanted, context.state)
    rule_list[rule_list.index(rule)] = wanted
    rules.place(rule_list, wanted, priority)


@_cmdlet("Enable-TransportRule", "Disable-TransportRule")
def _switch_transport_rule(context: Context) -> None:
    rule = _rule(context)
    wanted = {**rule, "State": "Enabled" if context.cmdlet.name.startswith("Enable") else "Disabled", "Mode": context.parameters.get("Mode") or rule["Mode"]}
    if not rules.same(rule, wanted):
        _replace(context, rule, wanted)


@_cmdlet("Remove-TransportRule")
def _remove_transport_rule(context: Context) -> None:
    context.state["transport_rules"].remove(_rule(context))


@_cmdlet("Get-TransportRulePredicate", "Get-TransportRuleAction")
def _get_rule_catalogue(context: Context) -> None:
    actions = context.cmdlet.name.endswith("Action")
    for rank, name in enumerate(rules.catalogue("actions" if actions else "conditions")):
        if (context.parameters.get("Name") or name).lower() == name.lower():
            context.emit(properties.ACTION if actions else properties.PREDICATE, {"Name": name, "Rank": rank, "LinkedDisplayText": name, **_tail(name)})


# Templates, messages, policies


@_cmdlet("Get-RMSTemplate")
def _get_rms_template(context: Context) -> None:
    state = context.state
    if not state["irm_configuration"]["InternalLicensingEnabled"]:
        return
    found = rules.templates(state)
    if context.parameters.get("Identity"):
        found = [rules.template(state, context.parameters["Identity"])]
    for row in found:
        if context.parameters.get("Type", "All") in ("All", row["Type"]):
            context.emit(properties.TEMPLATE, {**row, **_tail(row["Name"])})
    context.outcome.records = _limited(context, context.outcome.records)


@_cmdlet("Set-RMSTemplate")
def _set_rms_template(context: Context) -> None:
    guid = rules.template(context.state, context.parameters["Identity"])["TemplateGuid"]
    row = _row(context.state["rms_templates"], "TemplateGuid", guid)
    context.store(row, {"Type": context.parameters["Type"]}, row["Name"])


@_cmdlet("Get-OMEMessageStatus")
def _get_ome_message_status(context: Context) -> None:
    context.emit(properties.MESSAGE, _row(context.state["messages"], "MessageId", context.parameters["MessageId"]))


@_cmdlet("Set-OMEMessageRevocation")
def _set_ome_message_revocation(context: Context) -> None:
    row = _row(context.state["messages"], "MessageId", context.parameters["MessageId"])
    if not row["IsRevocable"]:
        raise refused(f"The message '{row['MessageId']}' can't be revoked: it wasn't delivered through the encrypted message portal.")
    row["Revoked"] = context.parameters["Revoke"]


_POLICIES = {"owamailboxpolicy": (properties.OWA, "owa_mailbox_policies")}
_POLICIES |= dict.fromkeys(("mobiledevicemailboxpolicy", "activesyncmailboxpolicy"), (properties.MOBILE, "mobile_device_mailbox_policies"))


@_cmdlet("Get-OwaMailboxPolicy", "Get-MobileDeviceMailboxPolicy", "Get-ActiveSyncMailboxPolicy")
def _get_mailbox_policy(context: Context) -> None:
    kind, key = _POLICIES[context.cmdlet.name.partition("-")[2].lower()]
    rows = context.state[key]
    identity = context.parameters.get("Identity")
    for row in rows if identity in (None, "*") else [_row(rows, "Name", identity)]:
        context.emit(kind, {**row, **_tail(row["Name"])})


@_cmdlet("Set-OwaMailboxPolicy", "Set-MobileDeviceMailboxPolicy", "Set-ActiveSyncMailboxPolicy")
def _set_mailbox_policy(context: Context) -> None:
    _, key = _POLICIES[context.cmdlet.name.partition("-")[2].lower()]
    row = _row(context.state[key], "Name", context.parameters["Identity"])
    settings = context.settings
    if settings.get("RequireStorageCardEncryption"):
        settings["DeviceEncryptionEnabled"] = True
    context.store(row, settings, row["Name"])


@_cmdlet("Get-TransportConfig")
def _get_transport_config(context: Context) -> None:
    limits = {
        "TransportRuleLimit": rules.MAXIMUM_RULES,
        "TransportRuleSizeLimit": "8 KB (8,192 bytes)",
        "TransportRuleCollectionRegexCharsLimit": "20 KB (20,480 bytes)",
        "TransportRuleCollectionAddedRecipientsLimit": 100,
    }
    context.emit(properties.TRANSPORT, {**context.state["transport_config"], **limits, "Name": "Transport Settings", **_tail("Transport Settings")})


@_cmdlet("Set-TransportConfig")
def _set_transport_config(context: Context) -> None:
    settings = {name: [] if value is None and name.endswith("List") else value for name, value in context.settings.items()}
    context.store(context.state["transport_config"], settings, "Transport Settings")
