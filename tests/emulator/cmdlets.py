# SPDX-License-Identifier: GPL-3.0-or-later
"""What each cmdlet does to an organization."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

from . import properties, rules
from .compliance_cmdlets import COMPLIANCE, get_compliance_objects
from .context import NOT_MODIFIED, Context, limited, row_of, tail
from .errors import CmdletError, already_exists, customization_needed, refused
from .message_trace import get_message_trace
from .organization import BUILT_IN_OWA_POLICY, DEFAULT_OME, ome_configuration
from .properties import Record
from .recipients import MEMBERS_OF, get_inbox_rules, get_mail_user, get_mailbox, get_members, get_recipient
from .rule_reports import get_detail, get_dlp_report, get_encryption_report, get_rule_report
from .values import Delta, days_text, ordinal, stored_instant

_Handler = Callable[[Context], None]
#: Cmdlet, in lower case, to what it does.
HANDLERS: dict[str, _Handler] = {}


def _cmdlet(*names: str) -> Callable[[_Handler], _Handler]:
    def register(handler: _Handler) -> _Handler:
        HANDLERS.update(dict.fromkeys(map(str.lower, names), handler))
        return handler

    return register


@_cmdlet("Get-OrganizationConfig")
def _get_organization_config(context: Context) -> None:
    state = context.state
    values = {
        name: _of_this_organization(value, state["name"]) for name, value in properties.organization_template().items()
    }
    values |= {
        "Name": state["name"],
        "DisplayName": state["display_name"],
        "Guid": state["guid"],
        "ExchangeObjectId": state["guid"],
        "IsDehydrated": state["dehydrated"],
        **tail(state["name"]),
    }
    if not state["cloud"]:
        values["OrganizationId"] = ""
    elif state["shows_tenant_id"]:
        values["ExternalDirectoryOrganizationId"] = state["tenant_id"]
    context.outcome.records.append(Record(properties.ORGANIZATION, values))


def _of_this_organization(value: Any, name: str) -> Any:
    """A captured value with this organization's name in it, and a date as it is stored."""
    if isinstance(value, list):
        return [_of_this_organization(item, name) for item in value]
    if not isinstance(value, str):
        return value
    date = re.fullmatch(r"/Date\((-?\d+)\)/", value)
    if date is None:
        return value.replace("northwind.onmicrosoft.com", name).replace("northwind.", name.partition(".")[0] + ".")
    return stored_instant(
        datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(milliseconds=int(date[1]))
    )


# OME configurations


@_cmdlet("Get-OMEConfiguration")
def _get_ome_configuration(context: Context) -> None:
    rows = context.state["ome_configurations"]
    identity = ordinal(context.parameters.get("Identity") or "")
    # A name that nobody has selects everything.
    for row in [row for row in rows if ordinal(row["Identity"]) == identity] or rows:
        image, output = row["Image"], context.state["image_output"]
        url = (
            f"https://outlook.office365.com/Encryption/images/{context.state['tenant_id']}/{row['Identity']}"
            if image
            else None
        )
        context.emit(
            properties.OME,
            {
                **row,
                "TemplateName": row["Identity"],
                "ImageUrl": url,
                "Image": None if output == "url" else image,
                **tail(row["Identity"]),
            },
        )


def _ome_settings(context: Context, identity: str) -> dict[str, Any]:
    settings = context.settings
    days = settings.pop("ExternalMailExpiryInDays", None)
    if days is not None:
        if identity.lower() == DEFAULT_OME.lower():
            raise refused(
                f"The parameter 'ExternalMailExpiryInDays' can't be used on the default configuration '{DEFAULT_OME}'."
            )
        settings["ExternalMailExpiryInterval"] = days_text(days)
    color = settings.get("BackgroundColor")
    if color and not re.fullmatch(r"#[0-9A-Fa-f]{6}|0x(00)?[0-9A-Fa-f]{6}|[A-Za-z]+", color):
        raise refused(f"The background color '{color}' isn't valid.")
    return settings


@_cmdlet("Set-OMEConfiguration")
def _set_ome_configuration(context: Context) -> None:
    row = _ome_row(context)
    if row["Identity"] != DEFAULT_OME and not context.state["advanced_message_encryption"]:
        raise refused(
            "Only the default configuration can be changed without a license for Advanced Message Encryption."
        )
    context.store(row, _ome_settings(context, row["Identity"]), row["Identity"])


@_cmdlet("New-OMEConfiguration")
def _new_ome_configuration(context: Context) -> None:
    identity = context.parameters["Identity"]
    if any(ordinal(row["Identity"]) == ordinal(identity) for row in context.state["ome_configurations"]):
        raise already_exists(identity)
    row = {**ome_configuration(identity), **_ome_settings(context, identity)}
    context.state["ome_configurations"].append(row)
    context.emit(properties.OME, {**row, "TemplateName": identity, **tail(identity)})


@_cmdlet("Remove-OMEConfiguration")
def _remove_ome_configuration(context: Context) -> None:
    row = _ome_row(context)
    if row["Identity"] == DEFAULT_OME:
        raise refused(f"The default configuration '{DEFAULT_OME}' can't be removed.")
    context.state["ome_configurations"].remove(row)


def _ome_row(context: Context) -> dict[str, Any]:
    return row_of(context.state["ome_configurations"], "Identity", context.parameters["Identity"])


# IRM and ActiveSync


@_cmdlet("Get-IRMConfiguration")
def _get_irm_configuration(context: Context) -> None:
    row = context.state["irm_configuration"]
    guid = context.state["guid"]
    context.emit(
        properties.IRM,
        {**row, "Name": "ControlPoint Configuration", "Guid": guid, **tail("ControlPoint Configuration")},
    )


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
    # The module takes the call without a sender; whom the service tests then is not known.
    sender = context.parameters.get("Sender") or state["recipients"][0]["address"]
    irm = state["irm_configuration"]
    failing = state["irm_test_failure"]
    if not failing and not irm["InternalLicensingEnabled"]:
        failing = "IRM"
    if not failing and not state["rms_templates"]:
        failing = "templates"
    names = ", ".join(row["Name"] for row in rules.templates(state))
    steps = [
        (
            "templates",
            "Acquiring RMS Templates ...",
            f"RMS Templates acquired.  Templates available: {names}.",
            "Failed to acquire RMS templates",
        ),
        ("encryption", "Verifying encryption ...", "Encryption verified successfully.", "Failed to verify encryption."),
    ]
    for recipient in context.parameters.get("Recipient") or [sender]:
        steps.append(
            (
                "decryption",
                f"Verifying decryption for recipient: {recipient} ...",
                "Decryption verified successfully.",
                "Failed to verify decryption.",
            )
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
        **tail(name),
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
    context.outcome.records = limited(context, records)


def _described_like(records: list[Record], condition: str) -> list[Record]:
    match = re.fullmatch(r"\s*Description\s+-like\s+'(.*)'\s*", condition, re.IGNORECASE | re.DOTALL)
    if match is None:
        raise refused(f"The filter '{condition}' isn't valid.")
    pattern = re.compile(".*".join(map(re.escape, match[1].replace("''", "'").split("*"))), re.IGNORECASE | re.DOTALL)
    return [record for record in records if pattern.fullmatch(record.values["Description"])]


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
        context.outcome.warnings.append(NOT_MODIFIED.format(rule["Name"]))
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
    wanted = {
        **rule,
        "State": "Enabled" if context.cmdlet.name.startswith("Enable") else "Disabled",
        "Mode": context.parameters.get("Mode") or rule["Mode"],
    }
    if not rules.same(rule, wanted):
        _replace(context, rule, wanted)


@_cmdlet("Remove-TransportRule")
def _remove_transport_rule(context: Context) -> None:
    context.state["transport_rules"].remove(_rule(context))


@_cmdlet("Get-TransportRulePredicate", "Get-TransportRuleAction")
def _get_rule_catalog(context: Context) -> None:
    actions = context.cmdlet.name.endswith("Action")
    for rank, name in enumerate(rules.catalog("actions" if actions else "conditions")):
        if (context.parameters.get("Name") or name).lower() == name.lower():
            context.emit(
                properties.ACTION if actions else properties.PREDICATE,
                {"Name": name, "Rank": rank, "LinkedDisplayText": name, **tail(name)},
            )


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
            context.emit(properties.TEMPLATE, {**row, **tail(row["Name"])})
    context.outcome.records = limited(context, context.outcome.records)


@_cmdlet("Set-RMSTemplate")
def _set_rms_template(context: Context) -> None:
    guid = rules.template(context.state, context.parameters["Identity"])["TemplateGuid"]
    row = row_of(context.state["rms_templates"], "TemplateGuid", guid)
    context.store(row, {"Type": context.parameters["Type"]}, row["Name"])


@_cmdlet("Get-OMEMessageStatus")
def _get_ome_message_status(context: Context) -> None:
    context.emit(properties.MESSAGE, row_of(context.state["messages"], "MessageId", context.parameters["MessageId"]))


@_cmdlet("Set-OMEMessageRevocation")
def _set_ome_message_revocation(context: Context) -> None:
    row = row_of(context.state["messages"], "MessageId", context.parameters["MessageId"])
    if not row["IsRevocable"]:
        raise refused(
            f"The message '{row['MessageId']}' can't be revoked: it wasn't delivered through the encrypted message portal."
        )
    row["Revoked"] = context.parameters["Revoke"]


_POLICIES = {"owamailboxpolicy": (properties.OWA, "owa_mailbox_policies")}
_POLICIES |= dict.fromkeys(
    ("mobiledevicemailboxpolicy", "activesyncmailboxpolicy"), (properties.MOBILE, "mobile_device_mailbox_policies")
)


@_cmdlet("Get-OwaMailboxPolicy", "Get-MobileDeviceMailboxPolicy", "Get-ActiveSyncMailboxPolicy")
def _get_mailbox_policy(context: Context) -> None:
    kind, key = _POLICIES[context.cmdlet.name.partition("-")[2].lower()]
    rows = context.state[key]
    identity = context.parameters.get("Identity")
    for row in rows if identity in (None, "*") else [row_of(rows, "Name", identity)]:
        context.emit(kind, {**row, **tail(row["Name"])})


@_cmdlet("Set-OwaMailboxPolicy", "Set-MobileDeviceMailboxPolicy", "Set-ActiveSyncMailboxPolicy")
def _set_mailbox_policy(context: Context) -> None:
    _unused, key = _POLICIES[context.cmdlet.name.partition("-")[2].lower()]
    row = row_of(context.state[key], "Name", context.parameters["Identity"])
    if context.state["cloud"] and context.state["dehydrated"] and row["Name"] == BUILT_IN_OWA_POLICY:
        raise customization_needed()
    settings = context.settings
    if settings.get("RequireStorageCardEncryption"):
        settings["DeviceEncryptionEnabled"] = True
    context.store(row, settings, row["Name"])


# What mail flow depends on beside rules

_MAIL_FLOW = {
    "accepteddomain": (properties.ACCEPTED_DOMAIN, "accepted_domains"),
    "remotedomain": (properties.REMOTE_DOMAIN, "remote_domains"),
    "inboundconnector": (properties.INBOUND_CONNECTOR, "inbound_connectors"),
    "journalrule": (properties.JOURNAL_RULE, "journal_rules"),
}


@_cmdlet("Get-AcceptedDomain", "Get-RemoteDomain", "Get-InboundConnector", "Get-JournalRule")
def _get_mail_flow_object(context: Context) -> None:
    kind, key = _MAIL_FLOW[context.cmdlet.name.partition("-")[2].lower()]
    rows = context.state[key]
    identity = context.parameters.get("Identity")
    for row in rows if identity in (None, "*") else [row_of(rows, "Name", identity)]:
        context.emit(kind, {**row, **tail(row["Name"])})


@_cmdlet("Get-OutboundConnector")
def _get_outbound_connector(context: Context) -> None:
    """By itself it shows neither connectors in test mode nor those of rules; either parameter shows only these. Source:
    Microsoft's page of the cmdlet.
    """
    rows, parameters = context.state["outbound_connectors"], context.parameters
    identity, testing, scoped = (
        parameters.get(name) for name in ("Identity", "IncludeTestModeConnectors", "IsTransportRuleScoped")
    )
    if identity not in (None, "*"):
        rows = [row_of(rows, "Name", identity)]
    elif testing or scoped:
        rows = [row for row in rows if (testing and row["TestMode"]) or (scoped and row["IsTransportRuleScoped"])]
    else:
        rows = [row for row in rows if not row["TestMode"] and not row["IsTransportRuleScoped"]]
    for row in rows:
        context.emit(properties.OUTBOUND_CONNECTOR, {**row, **tail(row["Name"])})


HANDLERS |= dict.fromkeys(COMPLIANCE, get_compliance_objects)
HANDLERS["get-messagetracev2"] = get_message_trace
HANDLERS["get-messagetracedetailv2"] = get_detail
HANDLERS["get-maildetailtransportrulereport"] = get_rule_report
HANDLERS["get-maildetaildlppolicyreport"] = get_dlp_report
HANDLERS["get-mailtrafficencryptionreport"] = get_encryption_report
HANDLERS["get-mailuser"] = get_mail_user
HANDLERS["get-recipient"] = get_recipient
HANDLERS["get-mailbox"] = get_mailbox
HANDLERS["get-inboxrule"] = get_inbox_rules
HANDLERS |= dict.fromkeys(MEMBERS_OF, get_members)


@_cmdlet("Get-TransportConfig")
def _get_transport_config(context: Context) -> None:
    limits = {
        "TransportRuleLimit": rules.MAXIMUM_RULES,
        "TransportRuleSizeLimit": "8 KB (8,192 bytes)",
        "TransportRuleCollectionRegexCharsLimit": "20 KB (20,480 bytes)",
        "TransportRuleCollectionAddedRecipientsLimit": 100,
    }
    context.emit(
        properties.TRANSPORT,
        {**context.state["transport_config"], **limits, "Name": "Transport Settings", **tail("Transport Settings")},
    )


@_cmdlet("Set-TransportConfig")
def _set_transport_config(context: Context) -> None:
    settings = {
        name: [] if value is None and name.endswith("List") else value for name, value in context.settings.items()
    }
    context.store(context.state["transport_config"], settings, "Transport Settings")
