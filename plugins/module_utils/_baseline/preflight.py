# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is refused, found before the first write, in one list. Private to the collection."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.baseline import NOT_APPLICABLE, NOT_MET, Baseline, missing_policies, moment
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls import CONTROL, PREFIX
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.plan import NOT_POSSIBLE, Finding
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, NotFoundError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Patterns
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.permissions import GRANTED_BY
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import IRM_CONFIGURATION
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import OME_CONFIGURATION, find
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import SECTIONS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import RulesPlanner
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import DeclaredRule, encrypts, keeps_senders_inside
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.state import describe_organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import name_of

#: Exchange's own limits, where Get-TransportConfig does not show them.
_RULES, _RULE_BYTES, _PATTERN_BYTES = 300, 8192, 20480

_PATTERNS = [(section, row.option) for section, rows in SECTIONS.items() for row in rows if isinstance(row.kind, Patterns)]


def allow(variable: str, value: str = "true") -> str:
    """The line of YAML that allows a finding."""
    return f"{PREFIX}{variable}: {value}"


def without_licence(baseline: Baseline, organization: Organization) -> tuple[Baseline, list[Finding]]:
    """The wishes that the organization's licence allows, and what is refused of the rest."""
    if "OME-4" not in baseline.written or organization.error(OME_CONFIGURATION.subset) is not None:
        return baseline, []
    # Asked first: what the session may run does not matter, and a failure to find it out neither, once the template is there.
    if find(organization.objects(OME_CONFIGURATION.subset), baseline.template):
        return baseline, []
    if not organization.available("exported_cmdlets") or "New-OMEConfiguration" in granted(organization):
        return baseline, []
    text = f"the template {baseline.template!r} needs Advanced Message Encryption: New-OMEConfiguration is not granted to this session."
    if baseline.variables.get("on_missing_licence") == "skip":
        return baseline.without("OME-4", NOT_APPLICABLE, text), []
    return baseline.without("OME-4", NOT_MET, text), [Finding("OME-4", text, allow("on_missing_licence", "skip") + ", which leaves the template out")]


def granted(organization: Organization) -> set[str]:
    """The names of the cmdlets that the session may run."""
    return {str(item["Name"]) for item in organization.objects("exported_cmdlets")}


def plannable(baseline: Baseline, organization: Organization, check_mode: bool) -> tuple[Plan, list[Finding]]:
    """The plan of all controls that can be planned, and a finding for each that cannot."""
    findings: list[Finding] = []
    fine: list[str] = []
    for id_ in baseline.written:
        errors = list(_rule_errors(baseline, organization)) if id_ == "MFR-1" and organization.error("transport_rules") is None else []
        try:
            if not errors:
                baseline.plan_controls(organization, [id_], check_mode=check_mode)
                fine.append(id_)
        except ExchangeError as error:
            errors.append(error)
        findings += [Finding(id_, _sentence(error), allow_nothing(id_)) for error in errors]
    findings += [Finding("POL-1", str(error)) for error in missing_policies(baseline, organization)]
    return baseline.plan_controls(organization, fine, check_mode=check_mode), findings


def allow_nothing(control: str) -> str:
    """What is left for a control that cannot be planned: to leave it out of the run."""
    return f"--skip-tags {control}, which leaves the control out of the run"


def organization_findings(organization: Organization, variables: Mapping[str, Any], expected: str) -> list[Finding]:
    """What is refused about the organization as such."""
    error = organization.error("organization")
    if error is not None:
        return (
            []
            if variables.get("allow_other_organization")
            else [Finding("organization", f"it cannot be identified: {error}", allow("allow_other_organization"))]
        )
    found = describe_organization(organization.only("organization"))
    findings = []
    names = {str(found[key]).casefold() for key in ("name", "tenant_id", "guid")}
    if expected and not found["on_premises"] and expected.casefold() not in names and not variables.get("allow_other_organization"):
        text = f"the inventory names {expected!r}, and the session is in {found['name']!r} ({found['tenant_id']})."
        findings.append(Finding("organization", text, allow("allow_other_organization")))
    if found["on_premises"] and not variables.get("allow_on_premises"):
        findings.append(Finding("organization", "it is on-premises, where most of message encryption does not exist.", allow("allow_on_premises")))
    if found["is_dehydrated"] and not variables.get("allow_dehydrated_organization"):
        text = "it is dehydrated, and Exchange refuses some changes there. Enable-OrganizationCustomization, which cannot be undone, is yours to run."
        findings.append(Finding("organization", text, allow("allow_dehydrated_organization")))
    return findings


def cmdlet_findings(organization: Organization, plan: Plan) -> list[Finding]:
    """A finding for each cmdlet that the plan needs and the session does not have."""
    if not organization.available("exported_cmdlets"):
        return []
    known = granted(organization)
    missing = sorted({step.call.cmdlet for step in plan.steps} - known) if known else []
    return [
        Finding("permissions", f"{cmdlet} is not granted to this session. It comes with {GRANTED_BY.get(cmdlet, 'an Exchange role')}.") for cmdlet in missing
    ]


def rollback_findings(changes: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]) -> list[Finding]:
    """What a rollback could not undo."""
    lost = [change for change in changes if change["rollback"] == NOT_POSSIBLE] if not variables.get("accept_irreversible") else []
    return [
        Finding(
            change["control"] or "rollback",
            f"{change['option']} of {change['identity'] or change['resource']} could not be rolled back.",
            allow("accept_irreversible"),
        )
        for change in lost
    ]


def confirmation_findings(variables: Mapping[str, Any], hosts: Sequence[str]) -> list[Finding]:
    """What is refused of a rollback of several organizations that nobody has named."""
    confirmed = variables.get("confirm_rollback") or []
    if len(hosts) < 2 or sorted(confirmed) == sorted(hosts):
        return []
    said = f"it says {', '.join(confirmed)}" if confirmed else "it is not given"
    text = f"this run takes {len(hosts)} organizations back. The list of their names has to confirm this, and {said}."
    return [Finding("confirm_rollback", text, allow("confirm_rollback", json.dumps(list(hosts), ensure_ascii=False)))]


def run_findings(variables: Mapping[str, Any], awx: Mapping[str, Any], *, writes: bool) -> list[Finding]:
    """What is refused about the run as such."""
    findings = []
    until = variables.get("approval_valid_until")
    if until and moment(str(until), f"{PREFIX}approval_valid_until") <= datetime.datetime.now(datetime.UTC):
        findings.append(Finding("approval", f"the approval was valid until {until}.", "a new approval, and its " + allow("approval_valid_until", "<date>")))
    if writes and awx.get("job_id") and not variables.get("artifacts_durable") and not variables.get("artifacts_publish"):
        text = "the directory of an AWX job is thrown away, and the snapshot with it, without which there is no rollback."
        findings.append(Finding("artifacts", text, f"{allow('artifacts_publish', '<task file>')} or {allow('artifacts_durable')}"))
    return findings


def baseline_findings(baseline: Baseline, organization: Organization, plan: Plan) -> list[Finding]:
    """What the baseline refuses about its own changes."""
    variables = baseline.variables
    findings = []
    if any(change.option == "azure_rms_licensing_enabled" for change in plan.changes):
        foreign = _ad_rms(organization)
        if foreign:
            text = f"LicensingLocation shows AD RMS ({', '.join(foreign)}): migrate its keys first."
            findings.append(Finding("IRM-1", text, allow("azure_rms_licensing", "null") + ", which leaves it unmanaged"))
    for setting, word in (("Mandatory", "allow_mail_rejection"), ("Disabled", "allow_blind_transport")):
        if any(change.option == "transport_decryption_setting" and change.after == setting for change in plan.changes) and not variables.get(word):
            text = {"Mandatory": "mail that cannot be decrypted would be rejected.", "Disabled": "rules and scanners would no longer see into protected mail."}[
                setting
            ]
            findings.append(Finding("IRM-6", text, allow(word)))
    findings += _unacknowledged(baseline, plan)
    findings += _locked_out(baseline, organization)
    if "MFR-1" in baseline.written and organization.error("transport_rules") is None:
        findings += _sender_findings(baseline, organization, plan)
        findings += _limit_findings(baseline, organization)
    return findings


def _sentence(error: ExchangeError) -> str:
    remedy = f"It comes with {GRANTED_BY[error.cmdlet]}." if not error.remedy and error.cmdlet in GRANTED_BY else ""
    return f"{error} {remedy}".strip()


def _rule_errors(baseline: Baseline, organization: Organization) -> Iterable[ExchangeError]:
    """The error of each rule that cannot be planned, each on its own."""
    created = [baseline.template] if baseline.template and "OME-4" in baseline.wanted else []
    named = []
    for rule in baseline.rules:
        try:
            planner = RulesPlanner(organization, created=created)
            found = planner.find(rule)
            named += [found.guid] if found else []
            planner.refuse_double(rule, named)
            planner.ensure(rule)
        except ExchangeError as error:
            yield error


def _ad_rms(organization: Organization) -> list[str]:
    locations = IRM_CONFIGURATION.field("licensing_location").read(organization.only(IRM_CONFIGURATION.subset)) or []
    return [location for location in locations if ".aadrm." not in (urlsplit(location).hostname or "").casefold()]


def _unacknowledged(baseline: Baseline, plan: Plan) -> list[Finding]:
    findings = []
    for id_ in baseline.written:
        control = CONTROL[id_]
        options = {variable.option for variable in control.variables if variable.option} or {"irm_enabled"}
        taking = [change for change in plan.changes if change.resource == control.resource and change.option in options and change.after in control.acknowledge]
        if taking and id_ not in (baseline.variables.get("acknowledge") or ()):
            identities = ", ".join(repr(change.identity) for change in taking if change.identity)
            text = f"{taking[0].option}{' of ' + identities if identities else ''} would become {str(taking[0].after).lower()}. Who notices: {control.notice}"
            findings.append(Finding(id_, text, allow("acknowledge", f"[{id_}]")))
    return findings


def _locked_out(baseline: Baseline, organization: Organization) -> list[Finding]:
    """OME configurations that the run would leave without passcodes and social accounts."""
    controls = [id_ for id_ in baseline.written if id_.startswith("OME-")]
    if baseline.variables.get("allow_work_accounts_only") or not {"OME-1", "OME-2"} & set(controls) or organization.error(OME_CONFIGURATION.subset) is not None:
        return []
    existing = {name_of(item): OME_CONFIGURATION.describe(item) for item in organization.objects(OME_CONFIGURATION.subset)}
    signs_in = ("otp_enabled", "social_id_sign_in")
    findings = []
    for name, wanted in baseline.configurations(organization, controls).items():
        stored = {option: existing.get(name, {}).get(option, True) for option in signs_in}
        after = {option: wanted.get(option, stored[option]) for option in signs_in}
        if not any(after.values()) and any(stored.values()):
            text = f"{name!r} would leave recipients neither passcodes nor social accounts: only those with a work or school account could read such mail."
            findings.append(Finding("OME-1" if "OME-1" in controls else "OME-2", text, allow("allow_work_accounts_only")))
    return findings


def _effective(organization: Organization, rule: DeclaredRule) -> Mapping[str, Mapping[str, Any]]:
    """A rule's sections as they would be."""
    found = RulesPlanner(organization).find(rule)
    return {**{section: {} for section in SECTIONS}, **(found.sections if found else {}), **rule.sections}


def _sender_findings(baseline: Baseline, organization: Organization, plan: Plan) -> list[Finding]:
    touched = {change.identity.casefold() for change in plan.changes if change.resource == "ome_transport_rule"}
    findings = []
    for rule in baseline.rules:
        try:
            found = RulesPlanner(organization).find(rule)
            sections = _effective(organization, rule)
        except (NotFoundError, OptionError):
            continue  # The rule is among the findings already.
        name = found.name if found else rule.name
        if rule.state == "absent" or name.casefold() not in touched or not encrypts(sections):
            continue
        if not sections["conditions"]:
            if not baseline.variables.get("allow_unconditional_rule"):
                findings.append(Finding("MFR-1", f"{name!r} would encrypt all mail: it has no condition.", allow("allow_unconditional_rule")))
        elif not keeps_senders_inside(sections) and not baseline.variables.get("allow_any_sender"):
            text = f"{name!r} has no condition that keeps its senders inside, so Exchange would bounce inbound mail that it matches (550 5.7.162)."
            findings.append(Finding("MFR-1", text, allow("allow_any_sender")))
    return findings


def _limit_findings(baseline: Baseline, organization: Organization) -> list[Finding]:
    """What would exceed Exchange's limits of rules. Sizes are estimates: Exchange counts its own form of a rule."""
    config = organization.only("transport_config") if organization.error("transport_config") is None else {}
    planner = RulesPlanner(organization)
    after: dict[str, Mapping[str, Mapping[str, Any]]] = {rule.guid: rule.sections for rule in planner.rules}
    try:
        for rule in baseline.rules:
            found = planner.find(rule)
            key = found.guid if found else rule.name
            if rule.state == "absent":
                after.pop(key, None)
            else:
                after[key] = _effective(organization, rule)
    except ExchangeError:
        return []
    findings = []
    limit = int(config.get("TransportRuleLimit") or _RULES)
    if len(after) > limit and len(after) > len(planner.rules):
        findings.append(Finding("MFR-1", f"there would be {len(after)} rules, and the organization can have {limit}."))
    size = _bytes(config.get("TransportRuleSizeLimit"), _RULE_BYTES)
    for rule in baseline.rules:
        length = len(json.dumps(_effective(organization, rule), ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if length > size:
            findings.append(Finding("MFR-1", f"the rule {rule.label!r} would have about {length:,} bytes, and Exchange takes {size:,}."))
    patterns = sum(len(pattern) for sections in after.values() for section, option in _PATTERNS for pattern in sections.get(section, {}).get(option, ()))
    before = sum(len(pattern) for rule in planner.rules for section, option in _PATTERNS for pattern in rule.sections.get(section, {}).get(option, ()))
    most = _bytes(config.get("TransportRuleCollectionRegexCharsLimit"), _PATTERN_BYTES)
    if patterns > most and patterns > before:
        findings.append(Finding("MFR-1", f"the patterns of all rules would have {patterns:,} characters, and the organization can have {most:,}."))
    return findings


def _bytes(value: Any, otherwise: int) -> int:
    match = re.search(r"\(([\d,.\s]+) bytes\)", str(value or ""))
    return int(re.sub(r"\D", "", match[1])) if match else otherwise
