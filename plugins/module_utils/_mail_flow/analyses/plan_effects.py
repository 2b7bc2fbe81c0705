# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules and facts as a plan would leave them.

The steps of a plan say it all: which rule they are about, what they change of it, and at which place they leave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._engine.plan import Change, Step
from ..._exchange.names import name_key
from ..._exchange.organization import Organization
from ..._resources.irm_configuration import IRM_CONFIGURATION, LICENSING
from ..._resources.mailbox_policies import OWA_MAILBOX_POLICY
from ..._resources.ome_configuration import OME_CONFIGURATION
from ..._resources.rights_management import RMS_TEMPLATES, Obstacle, facts_read, obstacle
from ..._resources.rules.organization_rules import RULE
from ..._resources.rules.rule import DeclaredRule, encrypts_today
from ..input.rule_sources import rules_from

#: Resources whose objects are facts, each object under its identity.
_NAMED_FACTS = {table.name: table.subset for table in (OME_CONFIGURATION, OWA_MAILBOX_POLICY)}


def rules_after(rules: Sequence[Mapping[str, Any]], steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The rules, first to last, once the steps are done.

    :param rules: in the form of an organization's description, first to last.
    """
    remaining = [{key: value for key, value in rule.items() if key != "priority"} for rule in rules]
    for step in steps:
        if any(change.resource == RULE for change in step.changes):
            _apply(remaining, step)
    return remaining


def _apply(rules: list[dict[str, Any]], step: Step) -> None:
    """Applies a step to rules, in place."""
    place = step.call.parameters.get("Priority")
    states = [change.after for change in step.changes if change.option == "state"]
    if "present" in states:
        name = str(step.call.parameters["Name"])
        rule: dict[str, Any] = {
            "name": name,
            "guid": name,
            "enabled": True,
            "conditions": {},
            "exceptions": {},
            "actions": {},
        }
        rules.insert(len(rules) if place is None else int(str(place)), rule)
    else:
        # A call names an existing rule by its GUID, and one that the plan itself makes by its name.
        key = str(step.call.parameters["Identity"])
        rule = next(rule for rule in rules if rule["guid"] == key)
        if place is not None or "absent" in states:
            rules.remove(rule)
        if place is not None:
            rules.insert(int(str(place)), rule)
    for change in step.changes:
        if change.option not in ("state", "priority"):
            _set(rule, change)


def _set(rule: dict[str, Any], change: Change) -> None:
    """Applies a change of an option, or of a whole section, to a rule, in place."""
    section, _dot, option = change.option.partition(".")
    values = {**rule[section], option: change.after} if option else {}
    rule[section] = {key: value for key, value in values.items() if value is not None} if option else change.after


def unlicensed(
    organization: Organization, steps: Sequence[Step], declared: Iterable[DeclaredRule]
) -> tuple[Obstacle | None, list[str]]:
    """What keeps rights management from working once the steps are done, as far as it was read, and the names of the
    declared rules that encrypt then.
    """
    facts = facts_after(facts_read(organization), steps)
    why = obstacle(facts.get(IRM_CONFIGURATION.name), facts.get(RMS_TEMPLATES))
    if why is None:
        return None, []
    ours = {key for rule in declared for key in (rule.guid, name_key(rule.name)) if key}
    rules = (
        rule
        for rule in rules_after(rules_from(organization), steps)
        if ours & {rule["guid"], name_key(str(rule["name"]))}
    )
    return why, encrypting_today(rules)


def encrypting_today(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the rules that protect mail today.

    :param rules: in the form of an organization's description.
    """
    return [str(rule["name"]) for rule in rules if encrypts_today(rule)]


def facts_after(facts: Mapping[str, Any], steps: Iterable[Step]) -> dict[str, Any]:
    """The facts once the steps are done, as far as protection by rules and the portal depend on them."""
    facts_then = dict(facts)
    for change in (change for step in steps for change in step.changes):
        if change.resource == IRM_CONFIGURATION.name and IRM_CONFIGURATION.subset in facts_then:
            facts_then[IRM_CONFIGURATION.subset] = {**facts_then[IRM_CONFIGURATION.subset], change.option: change.after}
            if change.option in LICENSING and change.after is True:
                # Exchange may list none only because licensing is off, and what it lists then was not read.
                facts_then.pop(RMS_TEMPLATES, None)
        subset = _NAMED_FACTS.get(change.resource)
        if subset in facts_then:
            facts_then[subset] = _objects_after(facts_then[subset], change)
    return facts_then


def _objects_after(objects: Sequence[Mapping[str, Any]], change: Change) -> list[dict[str, Any]]:
    """The objects of a subset after a change of one of them."""
    by_identity = {str(object_["identity"]): dict(object_) for object_ in objects}
    if (change.option, change.after) == ("state", "absent"):
        by_identity.pop(change.identity, None)
    else:
        row = by_identity.setdefault(change.identity, {"identity": change.identity})
        row.update({} if change.option == "state" else {change.option: change.after})
    return list(by_identity.values())
