# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hardened baseline: from the role's variables to a plan, and what each control is like. Private to the collection.

There is one planner. Check mode, the run, the audit and the proof afterwards all use it; a control on its own is the same
planner with that control alone.
"""

from __future__ import annotations

import datetime
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls import CONTROL, CONTROLS, OBSERVED, OUTGOING_RULE, Control
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.effect import shortcomings, whole
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import CmdletNotAvailableError, ExchangeError, NotFoundError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import SUBSETS, Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import ACTIVESYNC_ORG_SETTINGS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import IRM_CONFIGURATION
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.mailbox_policies import MOBILE_DEVICE_MAILBOX_POLICY, OWA_MAILBOX_POLICY
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    DEFAULT_OME_CONFIGURATION,
    OME_CONFIGURATION,
    check_configuration,
    find,
    is_default,
    plan_configuration,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import RulesPlanner, plan_rules, rules_of
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import DeclaredRule, declare
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import plan_settings, policies_without_irm
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.state import describe_organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Table, name_of

_TABLES: dict[str, Table] = {table.name: table for table in (IRM_CONFIGURATION, ACTIVESYNC_ORG_SETTINGS, OME_CONFIGURATION)}
_SINGLE = (IRM_CONFIGURATION, ACTIVESYNC_ORG_SETTINGS)
#: What a control of a resource has to do beside being stored.
_EFFECTS: dict[str, Callable[[Baseline, Organization], list[str]]] = {
    "ome_transport_rule": lambda baseline, organization: shortcomings(baseline.rules, organization),
}
_POLICIES = {"POL-1": OWA_MAILBOX_POLICY, "POL-2": MOBILE_DEVICE_MAILBOX_POLICY}

MET, NOT_MET, NOT_APPLICABLE, NOT_ASSESSABLE = "met", "not met", "not applicable", "not assessable"
ACCEPTED, UNMANAGED = "accepted exception", "unmanaged"


@dataclass(frozen=True)
class AcceptedException:
    """An accepted exception, as the role's variable ``skip`` has it."""

    reason: str
    owner: str
    until: str

    @property
    def expired(self) -> bool:
        """Whether its last day is over."""
        return moment(self.until, "hardened_baseline_skip[].until") <= datetime.datetime.now(datetime.UTC)


class Baseline:
    """What the variables ask for.

    :param variables: the role's variables without their prefix, validated; what is not there or ``None`` is unmanaged.
    :param run_tags: Ansible's tags of the run: where control ids are among them, only those are managed.
    :param skip_tags: control ids that are not managed in this run.
    :param left_out: controls that the organization cannot have: id to status and reason.
    """

    def __init__(
        self,
        variables: Mapping[str, Any],
        run_tags: Iterable[str] = (),
        skip_tags: Iterable[str] = (),
        left_out: Mapping[str, tuple[str, str]] = types.MappingProxyType({}),
    ) -> None:
        self.variables = variables
        self.tags = (run_tags, skip_tags)
        self.left_out = left_out
        self.exceptions = {item["control"]: AcceptedException(item["reason"], item["owner"], str(item["until"])) for item in variables.get("skip") or ()}
        for exception in self.exceptions.values():
            moment(exception.until, "hardened_baseline_skip[].until")
        chosen = {tag.upper() for tag in run_tags} & set(CONTROL)
        dropped = {tag.upper() for tag in skip_tags}
        #: What the tags of the run leave out.
        self.unselected = {control.id for control in CONTROLS if (chosen and control.id not in chosen) or control.id in dropped}
        self.selected = [control.id for control in CONTROLS if (not chosen or control.id in chosen) and control.id not in {*dropped, *left_out}]
        self._refuse_nonsense()

    @property
    def subsets(self) -> list[str]:
        """What one round trip has to bring. Whether a template may be made is seen by what the session may run."""
        return [subset for subset in SUBSETS if subset != "exported_cmdlets" or "OME-4" in self.written]

    @property
    def wanted(self) -> list[str]:
        """The controls that the variables give a value and that this run selects."""
        return [id_ for id_ in self.selected if self._has_wish(CONTROL[id_])]

    @property
    def written(self) -> list[str]:
        """The controls that this run may write."""
        reported = list(_POLICIES) if self.variables.get("mailbox_policies") == "warn" else []
        return [id_ for id_ in self.wanted if id_ not in self.exceptions and id_ not in reported and CONTROL[id_].resource]

    @cached_property
    def rules(self) -> list[DeclaredRule]:
        """The rules that MFR-1 wants, in order."""
        listed = [
            declare(whole(rule), f"hardened_baseline_encryption_rules[{index}].") for index, rule in enumerate(self.variables.get("encryption_rules") or ())
        ]
        outgoing = self.variables.get("encrypt_outgoing")
        if not outgoing:
            return listed
        actions = {"apply_rights_protection_template": outgoing.get("template") or "Encrypt"}
        if self.template and "OME-4" in self.wanted:
            actions["apply_rights_protection_customization_template"] = self.template
        built = {
            "name": OUTGOING_RULE,
            "mode": outgoing.get("mode"),
            "rule_error_action": "Defer",
            "conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"},
            "exceptions": outgoing.get("exceptions"),
            "actions": actions,
        }
        return [*listed, declare(whole(built), "hardened_baseline_encrypt_outgoing.")]

    @property
    def template(self) -> str:
        """The name of OME-4's template; empty where there is none."""
        return str((self.variables.get("branding_template") or {}).get("name") or "")

    def without(self, control: str, status: str, why: str) -> Baseline:
        """The same wishes without a control, which the report has with that status."""
        return Baseline(self.variables, *self.tags, {**self.left_out, control: (status, why)})

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        """What brings the organization to the baseline. Raises the error of the first control that cannot be planned."""
        return self.plan_controls(organization, self.written, check_mode=check_mode)

    def plan_controls(self, organization: Organization, controls: Collection[str], *, check_mode: bool = False) -> Plan:
        """The plan of some controls."""
        plans: dict[str, Plan] = {}
        for table in _SINGLE:
            wanted = self.settings(table, controls)
            if wanted:
                plans[table.subset] = plan_settings(table, wanted, organization.only(table.subset))
        portal = any(CONTROL[id_].resource == OME_CONFIGURATION.name for id_ in controls)
        configurations = self.configurations(organization, controls) if portal else {}
        if configurations:
            existing = organization.objects(OME_CONFIGURATION.subset)
            plans[OME_CONFIGURATION.subset] = Plan.join(
                {name: plan_configuration(name, "present", wanted, existing) for name, wanted in configurations.items()}
            )
        for id_, table in _POLICIES.items():
            if id_ in controls:
                plans[table.subset] = self._plan_policies(organization, table)
        if "MFR-1" in controls:
            planner = RulesPlanner(organization, check_mode=check_mode, created=[self.template] if self.template and "OME-4" in self.wanted else [])
            plans["transport_rules"] = plan_rules(planner, self.rules, refuse_doubles=True)
        return Plan.join(plans)

    def settings(self, table: Table, controls: Collection[str]) -> dict[str, Any]:
        """The canonical settings that some controls want of one resource."""
        wanted: dict[str, Any] = {}
        for control in CONTROLS:
            for variable in control.variables if control.resource == table.name and control.id in controls else ():
                value = self.variables.get(variable.name)
                if variable.option and value is not None:
                    wanted[variable.option] = table.field(variable.option).parse(not value if variable.inverted else value, "hardened_baseline: ")
        return wanted

    def configurations(self, organization: Organization, controls: Collection[str]) -> dict[str, dict[str, Any]]:
        """The OME configurations that some controls want, by name: OME-1 and OME-2 are about every one that is there, or will be."""
        everywhere = self.settings(OME_CONFIGURATION, controls)
        names = [name_of(item) for item in organization.objects(OME_CONFIGURATION.subset)] if everywhere else []
        wanted: dict[str, dict[str, Any]] = {name: dict(everywhere) for name in names}
        if "OME-3" in controls:
            branding = OME_CONFIGURATION.parse(given(self.variables["branding"]), "hardened_baseline_branding.")
            wanted[DEFAULT_OME_CONFIGURATION] = {**wanted.get(DEFAULT_OME_CONFIGURATION, {}), **branding}
        if "OME-4" in controls:
            days = self.variables["branding_template"].get("external_mail_expiry_in_days")
            expires = {} if days is None else OME_CONFIGURATION.parse({"external_mail_expiry_in_days": days}, "hardened_baseline_branding_template.")
            existing = find(organization.objects(OME_CONFIGURATION.subset), self.template)
            name = name_of(existing) if existing else self.template
            wanted[name] = {**everywhere, **wanted.get(name, {}), **expires}
        return wanted

    def controls(self, organization: Organization) -> list[dict[str, Any]]:
        """Every control as the report has it, in the order of the table."""
        return [self._assess(control, organization) for control in CONTROLS]

    def wishes(self) -> dict[str, Any]:
        """What the run wants, for people and for the digest: no secret, and a picture stands for itself by its digest."""
        shown: dict[str, Any] = {}
        for id_ in self.written:
            values = {variable.name: self.variables.get(variable.name) for variable in CONTROL[id_].variables}
            shown[id_] = {name: value for name, value in values.items() if value is not None}
        if "branding" in shown.get("OME-3", {}):
            shown["OME-3"] = {"branding": OME_CONFIGURATION.show(OME_CONFIGURATION.parse(given(self.variables["branding"])))}
        if "MFR-1" in shown:
            shown["MFR-1"] = {"rules": [_shown_rule(rule) for rule in self.rules]}
        return shown

    def _plan_policies(self, organization: Organization, table: Table) -> Plan:
        policies = organization.objects(table.subset)
        names = self.variables.get("mailbox_policy_names")
        chosen = policies if not names else [policy for policy in policies if name_of(policy).casefold() in {name.casefold() for name in names}]
        return Plan.join({name_of(policy): plan_settings(table, {"irm_enabled": True}, policy) for policy in chosen})

    def _has_wish(self, control: Control) -> bool:
        if control.id == "VRF-1":
            return bool(self.variables.get("test_sender") or self.variables.get("test_recipients"))
        if control.id in _POLICIES:
            return self.variables.get("mailbox_policies") is not None
        return any(self.variables.get(variable.name) not in (None, [], {}) for variable in control.variables)

    def _refuse_nonsense(self) -> None:
        """Refuses by name what needs no organization to be wrong."""
        if self.variables.get("test_recipients") and not self.variables.get("test_sender"):
            raise OptionError("hardened_baseline_test_recipients needs hardened_baseline_test_sender.")
        if self.template and is_default(self.template):
            raise OptionError(
                f"hardened_baseline_branding_template.name is {self.template!r}, which every organization has: give the template a name of its own."
            )
        if "OME-4" in self.wanted:
            check_configuration(self.template, "present", {})
        for table in _SINGLE:
            self.settings(table, self.wanted)
        _valid = self.rules

    def _assess(self, control: Control, organization: Organization) -> dict[str, Any]:
        exception = self.exceptions.get(control.id)
        row: dict[str, Any] = {
            "id": control.id,
            "title": control.title,
            "selected": control.id not in self.unselected,
            "status": UNMANAGED,
            "wanted": None,
            "found": None,
            "reason": control.reason,
            "risk": control.risk,
            "notice": control.notice,
            "provenance": control.provenance,
            "source": control.source,
            "exception": None if exception is None else {"reason": exception.reason, "owner": exception.owner, "until": exception.until},
            "findings": [],
        }
        if control.id in self.left_out:
            status, why = self.left_out[control.id]
            return {**row, "status": status, "findings": [why]}
        if control.id not in self.wanted:
            row["findings"] = [] if control.id in self.selected else ["Not selected by the tags of this run."]
            return row
        if not control.resource:
            return {**row, "status": NOT_ASSESSABLE, "findings": ["The test was not run."]}
        try:
            plan = self.plan_controls(organization, [control.id], check_mode=True)
        except ExchangeError as error:
            absent = isinstance(error, CmdletNotAvailableError) and control.cloud_only and on_premises(organization)
            return {**row, "status": NOT_APPLICABLE if absent else NOT_ASSESSABLE, "findings": [str(error)]}
        row["wanted"], row["found"] = plan.after.get(control.subset), plan.before.get(control.subset)
        if control.id in _POLICIES and policies_without_irm(organization, control.subset):
            row["findings"] = [f"Rights management is off in {', '.join(policies_without_irm(organization, control.subset))}."]
        ineffective = _EFFECTS[control.resource](self, organization) if control.resource in _EFFECTS else []
        row["findings"] += ineffective
        if exception is None or exception.expired:
            row["status"] = NOT_MET if plan.steps or ineffective else MET
            row["findings"] += [f"The accepted exception ended on {exception.until}."] if exception else []
        else:
            row["status"] = ACCEPTED
        return row


def observed(organization: Organization) -> list[dict[str, Any]]:
    """The settings that are reported and never changed; none where the IRM configuration cannot be read."""
    if organization.error(IRM_CONFIGURATION.subset) is not None:
        return []
    properties = organization.only(IRM_CONFIGURATION.subset)
    fields = [(item, IRM_CONFIGURATION.field(item.option)) for item in OBSERVED]
    return [{"title": item.title, "value": field.show(field.read(properties)), "reason": item.reason} for item, field in fields]


def on_premises(organization: Organization) -> bool:
    """Whether the organization says that it has no tenant."""
    return organization.error("organization") is None and bool(describe_organization(organization.only("organization"))["on_premises"])


def unused_template(organization: Organization, template: str, wanted: Sequence[DeclaredRule]) -> bool:
    """Whether no rule, neither one that is there nor one that is wanted, applies a template: it has no effect then."""
    option = "apply_rights_protection_customization_template"
    applied = [rule.sections["actions"].get(option, "") for rule in rules_of(organization)] if organization.error("transport_rules") is None else []
    applied += [rule.sections.get("actions", {}).get(option, "") for rule in wanted]
    return template.casefold() not in {name.casefold() for name in applied}


def missing_policies(baseline: Baseline, organization: Organization) -> list[NotFoundError]:
    """An error for each name among ``mailbox_policy_names`` that is no policy."""
    names = baseline.variables.get("mailbox_policy_names") or ()
    read = [table.subset for table in _POLICIES.values() if organization.error(table.subset) is None]
    known = {name_of(policy).casefold() for subset in read for policy in organization.objects(subset)}
    return [
        NotFoundError(f"hardened_baseline_mailbox_policy_names has {name!r}, which is no policy of this organization.")
        for name in names
        if name.casefold() not in known
    ]


def moment(text: str, variable: str) -> datetime.datetime:
    """The end of a date, or a date and time with an offset. An OptionError names the variable."""
    try:
        if len(text) == 10:
            return datetime.datetime.combine(datetime.date.fromisoformat(text), datetime.time(), datetime.UTC) + datetime.timedelta(days=1)
        parsed = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        parsed = datetime.datetime.min
    if parsed.tzinfo is None:
        raise OptionError(f"{variable} must be a date such as 2030-01-31, or a date and time with an offset, not {text!r}.")
    return parsed


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {option: value for option, value in options.items() if value is not None}


def _shown_rule(rule: DeclaredRule) -> dict[str, Any]:
    values = {"name": rule.name, "guid": rule.guid, "state": rule.state, "enabled": rule.enabled, **rule.settings, **rule.sections}
    return {option: value for option, value in values.items() if value not in (None, "")}
