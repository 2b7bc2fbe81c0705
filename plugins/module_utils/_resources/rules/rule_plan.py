# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans one mail flow rule: a pure function from the rules to the changes and steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..._engine.plan import Change, Impact, Phase, PlanWarning, Step, warning
from ..._exchange.cmdlet import Call, Value
from ..._exchange.errors import OptionError
from ..._exchange.kinds import Instant
from ..._exchange.spelling import meant
from .checks import check_rule, lookalikes_of
from .fields import AMBIENT, FIELDS, SETTINGS_FIELDS
from .impact import RuleChange, Sections, behind, of_creation, of_switch, passed_over
from .rule import DeclaredRule, Rule, is_past
from .rule_index import RuleBook, RulePlan
from .shadowing import PlacedRule
from .values import differing, given_sections, remedy_for, section_parameters, sent

#: Every move shifts the places of other rules, so each move is planned from the result of the previous one.
_AFTER_A_MOVE = frozenset({Phase.RULE_ORDER, Phase.RULE_STATE, Phase.RULE_REMOVAL})
_SETTINGS = {field.option: field for field in SETTINGS_FIELDS}


def plan_rule(book: RuleBook, wanted: DeclaredRule, *, index: int | None = None) -> RulePlan:
    """Plans one rule. A new one is created at ``index`` (``None``: last). The book is not changed."""
    rule = book.find(wanted)
    before = _before(book, wanted, rule)
    if wanted.state == "absent":
        gone = RulePlan(rule.guid if rule else "", book.order, before, {"state": "absent"})
        if rule:
            gone.steps, gone.warnings = [removal(book, rule)], removal_warnings(rule)
        return gone
    warnings = check_rule(book, wanted, rule)
    wanted = replace(wanted, sections=given_sections(wanted, book.rms_templates))
    plan = _update(book, wanted, rule) if rule else _create(book, wanted, index)
    # A task that restores an earlier state is not responsible for what is dangerous in it.
    plan.warnings = [] if book.restoring and not plan.steps else [*warnings, *plan.warnings]
    plan.before = before
    plan.standing = standing = PlacedRule.from_rules(rule, wanted)
    plan.after = {"state": "present", "name": standing.name, **_after(book, wanted, rule, plan)}
    return plan


def removal(book: RuleBook, rule: Rule) -> Step:
    """Removes a rule."""
    return book.step(
        "Remove-TransportRule",
        rule.guid,
        {},
        [book.change(rule.name, "state", "present", "absent", Impact.DELETES)],
        Phase.RULE_REMOVAL,
    )


def removal_warnings(rule: Rule) -> list[PlanWarning]:
    """Warnings before a rule is removed."""
    text = f"The rule {rule.name!r} cannot be recreated after its removal: {rule.not_rebuildable}."
    return [warning("rule_not_rebuildable", text, **rule.rebuilding)] if rule.not_rebuildable else []


def switch(book: RuleBook, rule: Rule, enabled: bool, sections: Sections | None = None) -> Step:
    """Enables or disables a rule. A rule is disabled last, so that no mail leaves without it in between.

    :param sections: its sections, to judge the impact; ``None`` for those that are stored.
    """
    change = book.change(
        rule.name, "enabled", rule.enabled, enabled, of_switch(rule.sections if sections is None else sections, enabled)
    )
    cmdlet, phase = ("Enable-TransportRule", Phase.RULES) if enabled else ("Disable-TransportRule", Phase.RULE_STATE)
    return book.step(cmdlet, rule.guid, {}, [change], phase)


def move(book: RuleBook, order: list[str], key: str, index: int) -> tuple[Step, list[str]]:
    """Moves a rule to another place. Later steps are planned again from a fresh read.

    :param order: the keys in their current order.
    :returns: the step and the new order.
    """
    after = [other for other in order if other != key]
    after.insert(index, key)
    rule = book.by_guid.get(key)
    impact = Impact.IN_CLEAR if passed_over(book.by_guid, order, after) else Impact.NONE
    change = book.change(rule.name if rule else key, "priority", order.index(key), index, impact)
    return book.step("Set-TransportRule", key, {"Priority": index}, [change], Phase.RULE_ORDER, _AFTER_A_MOVE), after


def _before(book: RuleBook, wanted: DeclaredRule, rule: Rule | None) -> dict[str, Any]:
    """The managed options as they are."""
    if rule is None:
        return {"state": "absent"}
    shown: dict[str, Any] = {"state": "present", "name": rule.name}
    if wanted.enabled is not None:
        shown["enabled"] = rule.enabled
    if wanted.priority is not None:
        shown["priority"] = book.order.index(rule.guid)
    return (
        shown
        | {option: rule.settings[option] for option in wanted.settings}
        | {section: rule.sections[section] for section in wanted.sections}
    )


def _after(book: RuleBook, wanted: DeclaredRule, rule: Rule | None, plan: RulePlan) -> dict[str, Any]:
    """The managed options after the plan, apart from state and name."""
    shown: dict[str, Any] = {}
    if wanted.enabled is not None:
        shown["enabled"] = wanted.enabled
    if wanted.priority is not None:
        shown["priority"] = plan.order.index(plan.key)
    shown |= wanted.settings
    for section, values in wanted.sections.items():
        stored = rule.sections[section] if rule and not book.restoring else {}
        shown[section] = {**{option: value for option, value in stored.items() if option in AMBIENT}, **values}
    return shown


def _refuse_creation(book: RuleBook, wanted: DeclaredRule) -> None:
    """Refuses a new rule that does nothing or has expired."""
    where = wanted.where
    if "actions" not in wanted.sections:
        raise OptionError(
            f"{where}name: there is no rule {wanted.name!r}{meant(wanted.name, (rule.name for rule in book.rules))}",
            remedy=f"Correct the name. To create the rule, set {where}actions: a rule without an action does nothing.",
        )
    if is_past(wanted.settings.get("expiry_date", "")):
        raise OptionError(
            f"{where}expiry_date {wanted.settings['expiry_date']} is in the past, and Exchange does not accept a past date for a new rule."
        )


def _place_of_new_rule(book: RuleBook, wanted: DeclaredRule) -> int | None:
    """The place that a new rule is declared to have; ``None`` if it has none. Refuses one behind the last."""
    if wanted.priority is not None and wanted.priority > len(book.order):
        raise OptionError(
            f"{wanted.where}priority {wanted.priority} is too high: the valid range for a new rule is 0 to {len(book.order)}."
        )
    return wanted.priority


def _create(book: RuleBook, wanted: DeclaredRule, index: int | None) -> RulePlan:
    """The creation of a rule.

    :param index: its place; ``None`` for the declared one.
    """
    _refuse_creation(book, wanted)
    if index is None:
        index = _place_of_new_rule(book, wanted)
    warnings = lookalikes_of(book, wanted.name)
    parameters: dict[str, Value] = {"Name": wanted.name}
    if index is not None and index < len(book.order):
        parameters["Priority"] = index
    if wanted.enabled is False:
        parameters["Enabled"] = False
    edit = RuleChange(wanted.sections, wanted.sections)
    order = list(book.order)
    order.insert(len(order) if index is None else index, wanted.name)
    passes = behind(book.by_guid, order, wanted.name)
    changes = [
        book.change(
            wanted.name,
            "state",
            "absent",
            "present",
            of_creation(wanted.sections, wanted.enabled is not False, wanted.settings),
        )
    ]
    for option, value in wanted.settings.items():
        if value != _SETTINGS[option].kind.cleared:
            parameters[_SETTINGS[option].parameter] = _SETTINGS[option].send(value)
            changes.append(book.change(wanted.name, option, None, value))
    if wanted.enabled is False:
        changes.append(book.change(wanted.name, "enabled", None, False))
    for section, values in wanted.sections.items():
        for option, value in values.items():
            field = FIELDS[section][option]
            parameters[field.parameter] = sent(field, value, book.rms_templates)
            # The rule as a whole determines what a new rule matches, spares and encrypts.
            impact = edit.of_option(section, field, None, value, passes=passes) if section == "actions" else Impact.NONE
            changes.append(book.change(wanted.name, f"{section}.{option}", None, value, impact))
    step = Step(
        Call("New-TransportRule", {**parameters, "Confirm": False}),
        tuple(changes),
        Phase.RULES,
        remedy=remedy_for(parameters, book.rms_templates),
    )
    return RulePlan(wanted.name, order, steps=[step], warnings=warnings)


def _update(book: RuleBook, wanted: DeclaredRule, rule: Rule) -> RulePlan:
    plan = RulePlan(rule.guid, book.order)
    edit = RuleChange(rule.sections, {**rule.sections, **wanted.sections})
    parameters: dict[str, Value] = {}
    changes: list[Change] = []
    if wanted.name and wanted.name != rule.name:
        plan.warnings = lookalikes_of(book, wanted.name, besides=rule.name)
        parameters["Name"] = wanted.name
        changes.append(book.change(rule.name, "name", rule.name, wanted.name))
    settings, sent = _changed_settings(book, wanted, rule, edit, plan.warnings)
    sections, content = _changed_sections(book, wanted, rule, edit)
    changes += [*settings, *sections]
    parameters |= sent | content
    if changes:
        plan.steps.append(book.step("Set-TransportRule", rule.guid, parameters, changes, Phase.RULES))
    if wanted.enabled is not None and wanted.enabled != rule.enabled:
        # A rule that is enabled is judged by its new sections, one that is disabled by its old ones.
        plan.steps.append(switch(book, rule, wanted.enabled, edit.after if wanted.enabled else edit.before))
    if wanted.priority is not None and wanted.priority != book.order.index(rule.guid):
        if wanted.priority >= len(book.order):
            raise OptionError(
                f"{wanted.where}priority {wanted.priority} is too high: with {len(book.order)} rules, the highest priority value is {len(book.order) - 1}."
            )
        step, plan.order = move(book, book.order, rule.guid, wanted.priority)
        plan.steps.append(step)
    return plan


#: Changes, and the parameters that make them.
_Changed = tuple[list[Change], dict[str, Value]]


def _changed_settings(
    book: RuleBook, wanted: DeclaredRule, rule: Rule, edit: RuleChange, warnings: list[PlanWarning]
) -> _Changed:
    """What differs outside the sections. Adds warnings about what cannot be compared."""
    changes: list[Change] = []
    parameters: dict[str, Value] = {}
    for option, value in wanted.settings.items():
        field, stored = _SETTINGS[option], rule.settings[option]
        if field.equal(stored, value):
            continue
        shown = rule.properties.get(field.parameter)
        if isinstance(field.kind, Instant) and field.kind.differs_by_a_zone(shown, value):
            text = (
                f"{wanted.where}{option} of {rule.name!r} was not written: Exchange shows {shown} without a time zone, which may be the same instant as "
                f"{value} in another zone. Check it in the portal."
            )
            warnings.append(
                warning(
                    "date_not_written",
                    text,
                    option=f"{wanted.where}{option}",
                    rule=rule.name,
                    shown=str(shown),
                    value=value,
                )
            )
            continue
        if field.create_only:
            raise OptionError(
                f"{wanted.where}{option} can only be set on a new rule, but {rule.name!r} already exists with {stored}.",
                remedy="Remove the rule first.",
            )
        parameters[field.parameter] = field.send(value)
        changes.append(book.change(rule.name, option, stored, value, edit.of_setting(option, value)))
    return changes, parameters


def _changed_sections(book: RuleBook, wanted: DeclaredRule, rule: Rule, edit: RuleChange) -> _Changed:
    """What differs in the given sections."""
    changes: list[Change] = []
    parameters: dict[str, Value] = {}
    passes = behind(book.by_guid, book.order, rule.guid)
    for section, values in wanted.sections.items():
        stored = rule.sections[section]
        options = differing(section, values, stored, restoring=book.restoring)
        for option in options:
            field = FIELDS[section][option]
            old = stored.get(option)
            new = values.get(option)
            changes.append(
                book.change(
                    rule.name, f"{section}.{option}", old, new, edit.of_option(section, field, old, new, passes=passes)
                )
            )
        parameters.update(section_parameters(section, values, stored, options, book.rms_templates))
    return changes, parameters
