# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning mail flow rules: one, a list of them, and their order. Private to the collection."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Impact, Phase, Plan, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Value
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import AlreadyExistsError, NotFoundError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Instant
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import lookalikes, name_key, same_name
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import describe_organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.concurrent_changes import concurrent_changes
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.coverage import ENDING, Standing, first_that_covers
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    AMBIENT,
    ENCRYPTING,
    GROUPS,
    SECTIONS,
    SETTINGS_FIELDS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.impact import Edit, behind, of_creation, of_switch, passed_over
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.order import moves
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import (
    REMEDIES,
    DeclaredRule,
    Rule,
    Templates,
    by_template_name,
    decrypts,
    encrypts,
    idle,
    is_past,
    keeps_senders_inside,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field, name_of

#: The module that manages one rule, which is what a change names.
RULE = "ome_transport_rule"
#: Every move shifts the places of others, so each next one is planned from what the last one made.
_AFTER_A_MOVE = frozenset({Phase.RULE_ORDER, Phase.RULE_STATE, Phase.RULE_REMOVAL})
_FIELDS = {section: {row.option: row for row in fields} for section, fields in SECTIONS.items()}
_SETTINGS = {row.option: row for row in SETTINGS_FIELDS}


def subsets_for(rules: Iterable[DeclaredRule]) -> list[str]:
    """What has to be read to plan these rules: templates only where one is named."""
    rules = list(rules)
    actions = [rule.sections.get("actions", {}) for rule in rules]
    subsets = ["transport_rules"]
    if any("apply_rights_protection_template" in section for section in actions):
        subsets.append("rms_templates")
    if any("apply_rights_protection_customization_template" in section for section in actions):
        subsets.append("ome_configurations")
    if any(_exists_on_premises_only(section, option, value) for rule in rules for section, values in rule.sections.items() for option, value in values.items()):
        subsets.append("organization")
    return subsets


def _exists_on_premises_only(section: str, option: str, value: Any) -> bool:
    row = _FIELDS[section][option]
    return isinstance(value, str) and value in row.onprem_values


def templates_of(organization: Organization) -> Templates:
    """The organization's templates; none where they were not read."""
    return organization.parsed(_templates)


def rules_of(organization: Organization) -> list[Rule]:
    """The organization's rules, first to last."""
    return list(organization.parsed(_rules))


def _templates(organization: Organization) -> Templates:
    if organization.available("rms_templates"):
        return Templates(organization.objects("rms_templates"))
    withheld = "rms_templates" in organization.subsets
    return Templates(unlisted="the session does not have Get-RMSTemplate, so that no templates are listed" if withheld else "")


def _rules(organization: Organization) -> list[Rule]:
    templates = templates_of(organization)
    return sorted((Rule(item, templates) for item in organization.objects("transport_rules")), key=lambda rule: rule.priority)


class RulesPlanner:
    """Plans rules one after the other over a picture of their order, so that each new rule is created in its place.

    :param restoring: a section is the whole truth also of what a portal adds on its own (audit severity). Restoring needs that; a playbook would see drift.
    :param check_mode: an OME configuration that is missing is a warning, since the same play may create it.
    :param created: OME configurations that this very plan creates.
    """

    def __init__(self, organization: Organization, *, restoring: bool = False, check_mode: bool = False, created: Sequence[str] = ()) -> None:
        self.rules = rules_of(organization)
        self._by_guid = {rule.guid: rule for rule in self.rules}
        self._by_name = {name_key(rule.name): rule for rule in self.rules}
        self.templates = templates_of(organization)
        self.ome_configurations: set[str] | None = None
        if organization.available("ome_configurations"):
            self.ome_configurations = {name_key(name_of(item)) for item in organization.objects("ome_configurations")} | {name_key(name) for name in created}
        self.in_cloud = organization.available("organization") and not describe_organization(organization.only("organization"))["on_premises"]
        self.restoring = restoring
        self.check_mode = check_mode
        self.plan = Plan(concurrent_changes=concurrent_changes)
        self._claimed: set[str] = set()
        #: The declared rules as they will be, by their keys in the order.
        self._standings: dict[str, Standing] = {}
        #: The order as it will be: guids, and names of rules that do not exist yet.
        self.order = [rule.guid for rule in self.rules]

    def find(self, wanted: DeclaredRule) -> Rule | None:
        """The rule that is meant: by guid, else by name. A guid that is gone does not count where there is a name."""
        by_guid = self._by_guid.get(wanted.guid)
        by_name = self.named(wanted.name)
        if by_guid and by_name and by_guid is not by_name and not self.restoring:
            raise OptionError(
                f"{wanted.where}guid {wanted.guid} is the rule {by_guid.name!r}, and there is another rule with the name {wanted.name!r}.",
                remedy="Give the guid or the name of the one rule that is meant.",
            )
        if by_guid is None and by_name and by_name.guid in self._claimed:
            raise OptionError(
                f"{wanted.where}name {wanted.name!r} is the rule that another entry of the list means by its guid.",
                remedy="Give the guid of the rule that is meant, or rename that one first.",
            )
        if by_guid is None and by_name is None and not wanted.name and wanted.state == "present":
            raise NotFoundError(f"{wanted.where}guid {wanted.guid} is no rule of this organization.", remedy="Give a name to create it.")
        return by_guid or by_name

    def claim(self, rules: Sequence[DeclaredRule]) -> None:
        """Takes a list: a rule that one entry means by its guid is no other entry's by its name.

        Where a state is restored, a rule that has another one's name by now gives it up first.
        """
        self._claimed = {wanted.guid for wanted in rules if wanted.guid in self._by_guid}
        taken = {name_key(wanted.name) for wanted in rules} | set(self._by_name)
        for wanted in rules if self.restoring else ():
            holder = self.named(wanted.name)
            meant = self._by_guid.get(wanted.guid) or (holder if holder and self._can_become(holder, wanted) else None)
            if holder is None or holder is meant:
                continue
            free = next(name for number in itertools.count(2) if name_key(name := f"{wanted.name[:58]} ({number})") not in taken)
            taken.add(name_key(free))
            self._by_name[name_key(free)] = self._by_name.pop(name_key(wanted.name))
            self._step("Set-TransportRule", holder, {"Name": free, "Confirm": False}, [self._change(holder.name, "name", holder.name, free)], Phase.RULES)
            if holder.guid not in self._claimed:
                self.plan.warnings.append(f"The rule {holder.name!r} has the name of another one, and is called {free!r} now.")

    def _can_become(self, rule: Rule, wanted: DeclaredRule) -> bool:
        """Whether a rule that has only the name of a wanted one can be made into it. What only a new rule takes cannot be changed."""
        if rule.guid in self._claimed:
            return False
        fixed = (row for row in SETTINGS_FIELDS if row.create_only and row.option in wanted.settings)
        return not wanted.guid or all(row.equal(rule.settings[row.option], wanted.settings[row.option]) for row in fixed)

    def named(self, name: str) -> Rule | None:
        """The rule of that name."""
        return self._by_name.get(name_key(name))

    def key(self, name: str, where: str) -> str:
        """Where in the order a rule of that name stands."""
        rule = self.named(name)
        key = rule.guid if rule else next((entry for entry in self.order if same_name(entry, name)), "")
        if not key:
            raise NotFoundError(f"{where} names the rule {name!r}, which this organization does not have.")
        return key

    def ensure(self, wanted: DeclaredRule, *, index: int | None = None) -> str:
        """Plans one rule; a new one at ``index`` (last where that is ``None``). Gives its key in the order."""
        rule = self.find(wanted)
        before = self.show(wanted, rule)
        if wanted.state == "absent":
            if rule:
                self.remove(rule)
            self.plan.before, self.plan.after = before, {"state": "absent"}
            return rule.guid if rule else ""
        steps, warnings = len(self.plan.steps), len(self.plan.warnings)
        self._check(wanted, rule)
        key = self._update(wanted, rule) if rule else self._create(wanted, index)
        if self.restoring and len(self.plan.steps) == steps:
            # What is dangerous in a state that was there before is not this task's doing.
            del self.plan.warnings[warnings:]
        self.plan.before = before
        self.plan.after = self.show(wanted, rule, after=True)
        self._standings[key] = Standing.of(rule, replace(wanted, sections={**wanted.sections, **self._given(wanted)}))
        return key

    def finish(self) -> None:
        """Says where new rules land, and which rules can never act because of their place where the task has declared one of the two."""
        gone = {str(step.call.parameters.get("Identity")) for step in self.plan.steps if step.phase == Phase.RULE_REMOVAL}
        order = [key for key in self.order if key not in gone]
        for index, key in enumerate(order):
            if key not in self._by_guid:
                where = f"behind {self._name(order[index - 1])!r}" if index else "before all others"
                self.plan.places[self._name(key)] = f"{index + 1} of {len(order)}, {where}" if len(order) > 1 else "the only rule"
        # Only what ends the matter has to be looked at, which few rules do.
        ending = [(index, key) for index, key in enumerate(order) if not self.restoring and (key in self._standings or self._by_guid[key].does(ENDING))]
        for index, key in enumerate(order):
            declared = key in self._standings
            earlier = [other for place, other in ending if place < index and (declared or other in self._standings)]
            early = first_that_covers(self._standing(key), map(self._standing, earlier)) if earlier else None
            if early:
                text = f"The rule {self._name(key)!r} can never act: {early.name!r} comes before it, takes all of its mail, and is the last to see it."
                self.plan.warnings.append(text)

    def _name(self, key: str) -> str:
        return self._standings[key].name if key in self._standings else self._by_guid[key].name

    def _standing(self, key: str) -> Standing:
        return self._standings.get(key) or Standing.of(self._by_guid[key])

    def remove(self, rule: Rule) -> None:
        """Plans the removal of a rule."""
        if rule.not_rebuildable:
            self.plan.warnings.append(f"The rule {rule.name!r} could not be made again after its removal: {rule.not_rebuildable}.")
        self._step(
            "Remove-TransportRule", rule, {"Confirm": False}, [self._change(rule.name, "state", "present", "absent", Impact.DELETES)], Phase.RULE_REMOVAL
        )

    def set_enabled(self, rule: Rule, enabled: bool) -> None:
        """Plans switching a rule on or off. What is switched off goes last, so that nothing leaves in clear in between."""
        change = self._change(rule.name, "enabled", rule.enabled, enabled, of_switch(rule.sections, enabled))
        cmdlet, phase = ("Enable-TransportRule", Phase.RULES) if enabled else ("Disable-TransportRule", Phase.RULE_STATE)
        self._step(cmdlet, rule, {"Confirm": False}, [change], phase)

    def arrange(self, named: Sequence[str], position: str = "relative", moving: str = "") -> None:
        """Plans the moves that bring the rules of these keys into their order.

        :param moving: of two rules that are the wrong way round, the one to move.
        """
        for key, index in moves(self.order, named, position, moving):
            self.move(key, index)

    def move(self, key: str, index: int) -> None:
        """Plans one move. What comes after it is planned anew from a fresh read."""
        name = next((rule.name for rule in self.rules if rule.guid == key), key)
        before = list(self.order)
        self.order.remove(key)
        self.order.insert(index, key)
        impact = Impact.IN_CLEAR if passed_over(self._by_guid, before, self.order) else Impact.NONE
        change = self._change(name, "priority", before.index(key), index, impact)
        self.plan.steps.append(
            Step(Call("Set-TransportRule", {"Identity": key, "Priority": index, "Confirm": False}), (change,), Phase.RULE_ORDER, _AFTER_A_MOVE)
        )

    def unmanaged(self, named: Iterable[str], treatment: str) -> None:
        """Plans what becomes of rules that were not named. Only rules that encrypt or decrypt are ever touched."""
        for rule in self.rules if treatment != "keep" else ():
            if rule.guid in set(named) or not (encrypts(rule.sections) or decrypts(rule.sections)):
                continue
            if treatment == "remove" and not rule.not_rebuildable:
                self.remove(rule)
            elif treatment in ("disable", "remove") and rule.enabled:
                self.set_enabled(rule, False)
            if treatment == "warn":
                self.plan.warnings.append(f"The rule {rule.name!r} encrypts or decrypts and is not managed here.")
            elif treatment == "remove" and rule.not_rebuildable:
                self.plan.warnings.append(f"The rule {rule.name!r} is disabled and not removed: it could not be made again, since {rule.not_rebuildable}.")

    def refuse_double(self, wanted: DeclaredRule, named: Iterable[str]) -> None:
        """Refuses to create what exists under another name."""
        if wanted.state != "present" or self.find(wanted):
            return
        sections = self._given(wanted)
        for rule in self.rules:
            if rule.guid not in named and sections.get("actions") and self._same(rule.sections, sections):
                raise AlreadyExistsError(
                    f"{wanted.where}name: the rule {rule.name!r} does exactly what {wanted.name!r} is to do.",
                    remedy=f"To rename it, add guid: {rule.guid}. To have it twice is hardly meant.",
                )

    def show(self, wanted: DeclaredRule, rule: Rule | None, *, after: bool = False) -> dict[str, Any]:
        """The managed options as they are, or as they will be."""
        if rule is None and not after:
            return {"state": "absent"}
        shown: dict[str, Any] = {"state": "present", "name": wanted.name if after and wanted.name else rule.name if rule else wanted.name}
        if wanted.enabled is not None:
            shown["enabled"] = wanted.enabled if after or rule is None else rule.enabled
        if wanted.priority is not None:
            shown["priority"] = self.order.index(rule.guid if rule else wanted.name)
        stored = rule.settings if rule else {}
        shown.update({option: wanted.settings[option] if after else stored.get(option) for option in wanted.settings})
        for section, values in self._given(wanted).items():
            shown[section] = values if after or rule is None else rule.sections[section]
            if after and rule and not self.restoring:
                shown[section] = {**{option: value for option, value in rule.sections[section].items() if option in AMBIENT}, **values}
        return shown

    def _check(self, wanted: DeclaredRule, rule: Rule | None) -> None:
        """Refuses by name what must not be sent, and warns of what is dangerous."""
        where = wanted.where
        for section in wanted.sections if rule else ():
            overlooked = rule.unknown[section] if rule else ()
            if overlooked:
                raise OptionError(
                    f"{where}{section} of {wanted.label!r}: the rule also has {', '.join(overlooked)}, which this collection cannot write.",
                    remedy=f"Leave {section} out, or remove that part in the portal first.",
                )
        if rule and any(rule.unknown.values()):
            self.plan.warnings.append(f"The rule {rule.name!r} has parts that were not compared: {rule.unsupported}.")
        given = self._given(wanted)
        for section, values in given.items():
            for option, value in values.items():
                if self.in_cloud and _exists_on_premises_only(section, option, value):
                    raise OptionError(
                        f"{where}{section}.{option} {value} exists in Exchange on-premises only.", remedy="Exchange Online has NotInOrganization."
                    )
        actions = given.get("actions", {})
        template = actions.get("apply_rights_protection_template")
        if template and self.templates.known(template) is False:
            raise NotFoundError(
                f"{where}actions.apply_rights_protection_template {template!r} is no template of this organization.", remedy=f"It has: {self.templates}."
            )
        if template and self.templates.known(template) is None:
            self.plan.warnings.append(f"{where}actions.apply_rights_protection_template {template!r} could not be checked: {self.templates.unlisted}.")
        branding = actions.get("apply_rights_protection_customization_template")
        if branding and self.ome_configurations is not None and name_key(branding) not in self.ome_configurations:
            missing = f"{where}actions.apply_rights_protection_customization_template {branding!r} is no OME configuration of this organization."
            if not self.check_mode:
                raise NotFoundError(missing, remedy="Create it with m365.message_encryption.ome_configuration first.")
            self.plan.warnings.append(missing)
        sections = {**(rule.sections if rule else {}), **given}
        if encrypts(sections) and not keeps_senders_inside(sections):
            self.plan.warnings.append(
                f"The rule {wanted.label!r} encrypts and has no condition that keeps its senders inside: on mail from outside it has no effect, or bounces it "
                "(550 5.7.162), depending on the state of the service. conditions.from_scope: InOrganization is what is mostly meant."
            )
        if rule and encrypts(sections):
            self._warn_of_idleness(wanted, rule)

    def _warn_of_idleness(self, wanted: DeclaredRule, rule: Rule) -> None:
        """Warns of a rule that encrypts and does not act as it looks, where the task leaves alone what keeps it from that."""
        told = {*wanted.settings, *(["enabled"] if wanted.enabled is not None else [])}
        for option, reason in idle(rule.enabled, rule.settings).items():
            if option not in told:
                self.plan.warnings.append(f"The rule {rule.name!r} encrypts and {reason}, which the task leaves as it is. {REMEDIES[option]} would mend it.")
        if wanted.sections and "exceptions" not in wanted.sections and rule.sections["exceptions"]:
            names = ", ".join(rule.sections["exceptions"])
            self.plan.warnings.append(
                f"The rule {rule.name!r} encrypts and has exceptions that the task does not name ({names}). exceptions: {{}} would clear them."
            )

    def _warn_of_lookalikes(self, name: str, besides: str = "") -> None:
        """Warns where a name that a rule gets might be another rule's to a directory that looks less closely."""
        others = [rule.name for rule in self.rules if rule.name != besides] + [entry for entry in self.order if entry not in self._by_guid]
        self.plan.warnings += lookalikes([name], others)

    def _create(self, wanted: DeclaredRule, index: int | None) -> str:
        if "actions" not in wanted.sections:
            raise OptionError(f"{wanted.where}actions is needed: the rule {wanted.name!r} does not exist, and a rule without an action does nothing.")
        if is_past(wanted.settings.get("expiry_date", "")):
            raise OptionError(f"{wanted.where}expiry_date {wanted.settings['expiry_date']} is past, and Exchange takes no past date for a new rule.")
        if wanted.priority is not None and index is None:
            if wanted.priority > len(self.order):
                raise OptionError(f"{wanted.where}priority {wanted.priority} is too high: a new rule can have 0 to {len(self.order)} here.")
            index = wanted.priority
        self._warn_of_lookalikes(wanted.name)
        parameters: dict[str, Value] = {"Name": wanted.name}
        if index is not None and index < len(self.order):
            parameters["Priority"] = index
        if wanted.enabled is False:
            parameters["Enabled"] = False
        given = self._given(wanted)
        edit = Edit({}, given)
        self.order.insert(len(self.order) if index is None else index, wanted.name)
        passes = behind(self._by_guid, self.order, wanted.name)
        changes = [self._change(wanted.name, "state", "absent", "present", of_creation(given, wanted.enabled is not False, wanted.settings))]
        for option, value in wanted.settings.items():
            if value != _SETTINGS[option].kind.cleared:
                parameters[_SETTINGS[option].parameter] = _SETTINGS[option].send(value)
                changes.append(self._change(wanted.name, option, None, value))
        if wanted.enabled is False:
            changes.append(self._change(wanted.name, "enabled", None, False))
        for section, values in given.items():
            for option, value in values.items():
                row = _FIELDS[section][option]
                parameters[row.parameter] = self._send(row, value)
                # What a new rule takes in or spares is told by the rule as a whole.
                impact = edit.of_option(section, row, None, value, passes=passes) if section == "actions" and option not in ENCRYPTING else Impact.NONE
                changes.append(self._change(wanted.name, f"{section}.{option}", None, value, impact))
        self.plan.steps.append(Step(Call("New-TransportRule", {**parameters, "Confirm": False}), tuple(changes), Phase.RULES, remedy=self._remedy(parameters)))
        return wanted.name

    def _update(self, wanted: DeclaredRule, rule: Rule) -> str:
        parameters: dict[str, Value] = {}
        changes: list[Change] = []
        edit = Edit(rule.sections, {**rule.sections, **self._given(wanted)})
        passes = behind(self._by_guid, self.order, rule.guid)
        if wanted.name and wanted.name != rule.name:
            self._warn_of_lookalikes(wanted.name, besides=rule.name)
            parameters["Name"] = wanted.name
            changes.append(self._change(rule.name, "name", rule.name, wanted.name))
        for option, value in wanted.settings.items():
            row = _SETTINGS[option]
            stored = rule.settings[option]
            if row.equal(stored, value):
                continue
            shown = rule.properties.get(row.parameter)
            if isinstance(row.kind, Instant) and row.kind.differs_by_a_zone(shown, value):
                self.plan.warnings.append(
                    f"{wanted.where}{option} of {rule.name!r} was not written: Exchange shows {shown} without a zone, and {value} may be the same instant in "
                    "another zone. See in the portal which it is."
                )
                continue
            if row.create_only:
                raise OptionError(
                    f"{wanted.where}{option} can only be given to a new rule, and {rule.name!r} exists with {stored}.", remedy="Remove the rule first."
                )
            parameters[row.parameter] = row.send(value)
            changes.append(self._change(rule.name, option, stored, value, edit.of_setting(option, value)))
        for section, values in self._given(wanted).items():
            differing = self._differing(section, values, rule.sections[section])
            for option in differing:
                row, old, new = _FIELDS[section][option], rule.sections[section].get(option), values.get(option)
                changes.append(self._change(rule.name, f"{section}.{option}", old, new, edit.of_option(section, row, old, new, passes=passes)))
            parameters.update(self._section_parameters(section, values, rule.sections[section], differing))
        if changes:
            self._step("Set-TransportRule", rule, {**parameters, "Confirm": False}, changes, Phase.RULES)
        if wanted.enabled is not None and wanted.enabled != rule.enabled:
            self.set_enabled(rule, wanted.enabled)
        if wanted.priority is not None and wanted.priority != self.order.index(rule.guid):
            if wanted.priority >= len(self.order):
                raise OptionError(f"{wanted.where}priority {wanted.priority} is too high: with {len(self.order)} rules the last is {len(self.order) - 1}.")
            self.move(rule.guid, wanted.priority)
        return rule.guid

    def _given(self, wanted: DeclaredRule) -> dict[str, dict[str, Any]]:
        """The sections that were given, templates by their canonical names."""
        sections = wanted.sections
        return {**sections, "actions": by_template_name(sections["actions"], self.templates)} if "actions" in sections else sections

    def _same(self, stored: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Mapping[str, Any]]) -> bool:
        return not any(self._differing(section, wanted.get(section, {}), stored[section]) for section in SECTIONS)

    def _differing(self, section: str, wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
        return [
            row.option
            for row in SECTIONS[section]
            if (row.option in wanted or (row.option in stored and (self.restoring or row.option not in AMBIENT)))
            and not row.equal(wanted.get(row.option), stored.get(row.option))
        ]

    def _section_parameters(self, section: str, wanted: Mapping[str, Any], stored: Mapping[str, Any], differing: Sequence[str]) -> dict[str, Value]:
        """The differing fields, and those that Exchange takes together with one of them."""
        together = {
            option for group in GROUPS[section] if set(group.options) & set(differing) for option in group.options if option in wanted or option in stored
        }
        rows = [row for row in SECTIONS[section] if row.option in differing or row.option in together]
        return {row.parameter: self._send(row, wanted.get(row.option)) for row in rows}

    def _remedy(self, parameters: Mapping[str, Value]) -> str:
        """What to do where Exchange refuses parameters: a template that it does not list, or a null for a switch whose false says something."""
        if any(row.listed[1] and parameters.get(row.parameter, row) is None for fields in SECTIONS.values() for row in fields):
            return (
                "A PowerShell session takes no null for has_no_classification, and false would say something else: take the condition away in the portal, "
                "or over rest."
            )
        if self.templates.listed or not parameters.get("ApplyRightsProtectionTemplate"):
            return ""
        return (
            f"{self.templates.unlisted[0].upper()}{self.templates.unlisted[1:]}. Exchange lists none while internal_licensing_enabled of the IRM configuration "
            "is off, or to callers who may not see them. Then nothing tells what an organization of another language calls Encrypt and Do Not Forward."
        )

    def _send(self, row: Field, value: Any) -> Value:
        return self.templates.sendable(value) if row.option == "apply_rights_protection_template" and value else row.send(value)

    def _change(self, name: str, option: str, before: Any, after: Any, impact: Impact = Impact.NONE) -> Change:
        return Change(RULE, name, option, before, after, impact)

    def _step(self, cmdlet: str, rule: Rule, parameters: Mapping[str, Value], changes: Sequence[Change], phase: Phase) -> None:
        self.plan.steps.append(Step(Call(cmdlet, {"Identity": rule.guid, **parameters}), tuple(changes), phase, remedy=self._remedy(parameters)))


def plan_rule(planner: RulesPlanner, rule: DeclaredRule, *, place_before: str | None = None, place_after: str | None = None) -> Plan:
    """Plans one rule. A place is given by the name of another rule, and holds wherever on that side the rule stands."""
    neighbor = place_before or place_after
    if not neighbor or rule.state == "absent":
        planner.ensure(rule)
        planner.finish()
        return planner.plan
    option = "place_before" if place_before else "place_after"
    beside = planner.key(neighbor, option)
    key = planner.ensure(rule, index=planner.order.index(beside) + (0 if place_before else 1))
    if key == beside:
        raise OptionError(f"{option} names the rule itself.")
    planner.arrange([key, beside] if place_before else [beside, key], moving=key)
    planner.finish()
    return planner.plan


def plan_order(planner: RulesPlanner, names: Sequence[str], position: str) -> Plan:
    """Plans the order of rules that exist."""
    keys = [planner.key(name, "rules") for name in names]
    repeated = next((name for name, key in zip(names, keys, strict=True) if keys.count(key) > 1), None)
    if repeated:
        raise OptionError(f"rules names {repeated!r} twice.")
    label = {rule.guid: rule.name for rule in planner.rules}
    planner.plan.before = {"rules": [label[key] for key in planner.order]}
    planner.arrange(keys, position)
    planner.plan.after = {"rules": [label[key] for key in planner.order]}
    return planner.plan


def plan_rules(planner: RulesPlanner, rules: Sequence[DeclaredRule], *, unmanaged: str = "keep", refuse_doubles: bool = False, ordered: bool = True) -> Plan:
    """Plans a list of rules. A new one is created behind the one that the list names before it.

    :param ordered: whether rules that are there are moved into the list's order.
    """
    _refuse_repeats(rules)
    planner.claim(rules)
    found = list(map(planner.find, rules))
    existing = [rule.guid for rule in found if rule]
    keys: list[str] = []
    before: list[dict[str, Any]] = []
    after: list[dict[str, Any]] = []
    for position, wanted in enumerate(rules):
        # The list says the order; a priority comes along when the list is another organization's state, or an older one.
        rule = replace(wanted, priority=None)
        if refuse_doubles:
            planner.refuse_double(rule, existing)
        key = planner.ensure(rule, index=None if found[position] else _place(planner.order, keys, [later.guid for later in found[position + 1 :] if later]))
        if rule.state == "present":
            keys.append(key)
        before.append(planner.plan.before)
        after.append(planner.plan.after)
    if ordered:
        planner.arrange(keys)
    planner.unmanaged(existing, unmanaged)
    planner.finish()
    planner.plan.before = {"rules": before}
    planner.plan.after = {"rules": after}
    planner.plan.steps.sort(key=lambda step: step.phase)
    return planner.plan


def _place(order: Sequence[str], predecessors: Sequence[str], successors: Sequence[str]) -> int | None:
    """Where a new rule goes: behind the rule that the list names before it, else before those that it names later, else last."""
    return order.index(predecessors[-1]) + 1 if predecessors else min(map(order.index, successors), default=None)


def _refuse_repeats(rules: Sequence[DeclaredRule]) -> None:
    for attribute in ("name", "guid"):
        seen: set[str] = set()
        for rule in rules:
            value = name_key(getattr(rule, attribute))
            if value and value in seen:
                raise OptionError(f"{rule.where}{attribute} {getattr(rule, attribute)!r} is in the list twice.")
            seen.add(value)
