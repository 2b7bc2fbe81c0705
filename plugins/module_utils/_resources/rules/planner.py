# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans mail flow rules: one in its place, a list, their order, and rules that nobody named."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..._engine.plan import Phase, Plan, PlanWarning, warning
from ..._exchange.errors import AlreadyExistsError, OptionError
from ..._exchange.names import name_key
from .action_effects import ENDING
from .concurrent_changes import concurrent_changes
from .fields import SECTIONS, SETTINGS_FIELDS
from .reordering import moves, moves_to_end
from .rule import DeclaredRule, Rule, decrypts, encrypts
from .rule_index import RuleBook, RulePlan
from .rule_plan import move, plan_rule, removal, switch
from .shadowing import first_that_covers
from .values import differing, given_sections


def plan_in_place(
    book: RuleBook, rule: DeclaredRule, *, place_before: str | None = None, place_after: str | None = None
) -> Plan:
    """Plans one rule. A place is the name of another rule; any position on that side of it satisfies the option."""
    plan = Plan(concurrent_changes=concurrent_changes)
    neighbor = place_before or place_after
    if not neighbor or rule.state == "absent":
        _add(plan, book, plan_rule(book, rule))
        return _finished(plan, book)
    option = "place_before" if place_before else "place_after"
    if book.check_mode and not book.has(neighbor):
        _add(plan, book, plan_rule(book, rule))
        text = f"{option} names the rule {neighbor!r}, which this organization does not have. A task before this one must create it."
        plan.warnings.append(warning("neighbor_missing", text, option=option, rule=neighbor))
        return _finished(plan, book)
    neighbor_key = book.key(neighbor, option)
    planned = plan_rule(book, rule, index=book.order.index(neighbor_key) + (0 if place_before else 1))
    if planned.key == neighbor_key:
        raise OptionError(f"{option} names the rule itself.")
    _add(plan, book, planned)
    _move(
        plan,
        book,
        moves(
            book.order, [planned.key, neighbor_key] if place_before else [neighbor_key, planned.key], moving=planned.key
        ),
    )
    return _finished(plan, book)


def plan_order(book: RuleBook, names: Sequence[str], position: str) -> Plan:
    """Plans the order of existing rules."""
    named: dict[str, str] = {}
    for name in names:
        key = book.key(name, "rules")
        if key in named:
            raise OptionError(f"rules names {named[key]!r} twice.")
        named[key] = name
    plan = Plan(concurrent_changes=concurrent_changes)
    plan.before = {"rules": [book.by_guid[key].name for key in book.order]}
    _move(plan, book, moves(book.order, list(named), position))
    plan.after = {"rules": [book.by_guid[key].name for key in book.order]}
    return plan


def plan_rules(
    book: RuleBook,
    rules: Sequence[DeclaredRule],
    *,
    unmanaged: str = "keep",
    also_named: Collection[str] = (),
    refuse_doubles: bool = False,
    ordered: bool = True,
) -> Plan:
    """Plans a list of rules. A new rule is created after the one that precedes it in the list.

    :param rules: those that stand after all others come last.
    :param also_named: GUIDs or names of further rules that are not unmanaged, although nothing is planned of them.
    :param ordered: whether existing rules are moved into the order of the list.
    """
    _refuse_repeats(rules)
    plan = Plan(concurrent_changes=concurrent_changes)
    _claim(plan, book, rules)
    stored = list(map(book.find, rules))
    existing = [rule.guid for rule in stored if rule]
    keys: list[str] = []
    last: list[str] = []
    planned: list[RulePlan] = []
    for position, wanted in enumerate(rules):
        # The list defines the order. Its entries have a priority if the list is the state of another organization, or
        # an older one.
        rule = replace(wanted, priority=None)
        if refuse_doubles:
            refuse_double(book, rule, existing)
        later = [other.guid for other in stored[position + 1 :] if other]
        planned.append(plan_rule(book, rule, index=_place(book.order, [] if rule.last else keys, later)))
        _add(plan, book, planned[-1])
        if rule.state == "present":
            (last if rule.last else keys).append(planned[-1].key)
    if ordered:
        _move(plan, book, moves(book.order, keys))
        _move(plan, book, moves_to_end(book.order, last))
    also = set(map(name_key, also_named))
    deliberate = [rule.guid for rule in book.rules if {name_key(rule.guid), name_key(rule.name)} & also]
    _treat_unmanaged(plan, book, {*existing, *deliberate}, unmanaged)
    _finished(plan, book)
    plan.before = {"rules": [rule_plan.before for rule_plan in planned]}
    plan.after = {"rules": [rule_plan.after for rule_plan in planned]}
    plan.steps.sort(key=lambda step: step.phase)
    return plan


def plan_unmanaged(book: RuleBook, treatment: str) -> Plan:
    """Plans what to do with all rules that encrypt or decrypt: ``warn``, ``disable`` or ``remove``."""
    plan = Plan(concurrent_changes=concurrent_changes)
    _treat_unmanaged(plan, book, (), treatment)
    return plan


def refuse_double(book: RuleBook, wanted: DeclaredRule, named: Iterable[str]) -> None:
    """Refuses to create a rule that exists under another name.

    :param named: the GUIDs of rules that are declared themselves.
    """
    if wanted.state != "present" or book.find(wanted):
        return
    sections = given_sections(wanted, book.rms_templates)
    for rule in book.rules:
        if rule.guid not in named and sections.get("actions") and _does(book, rule, sections):
            raise AlreadyExistsError(
                f"{wanted.where}name: the rule {rule.name!r} does exactly what {wanted.name!r} would do.",
                remedy=f"This looks like an accidental duplicate. To rename the rule, add guid: {rule.guid}.",
            )


def _does(book: RuleBook, rule: Rule, sections: dict[str, dict[str, Any]]) -> bool:
    return not any(
        differing(section, sections.get(section, {}), rule.sections[section], restoring=book.restoring)
        for section in SECTIONS
    )


def _add(plan: Plan, book: RuleBook, planned: RulePlan) -> None:
    """Merges the plan for one rule into the whole plan."""
    book.take(planned)
    plan.steps += planned.steps
    plan.warnings += planned.warnings
    plan.before, plan.after = planned.before, planned.after


def _claim(plan: Plan, book: RuleBook, rules: Sequence[DeclaredRule]) -> None:
    """Assigns rules to the entries of a list: a rule that one entry identifies by GUID is not available to another
    entry by name.

    When a state is restored, a rule that now has the name of another one gives it up first.
    """
    book.claimed = {wanted.guid for wanted in rules if wanted.guid in book.by_guid}
    taken = {name_key(wanted.name) for wanted in rules} | book.names
    for wanted in rules if book.restoring else ():
        holder = book.named(wanted.name)
        meant = book.by_guid.get(wanted.guid) or (holder if holder and _can_become(book, holder, wanted) else None)
        if holder is None or holder is meant:
            continue
        free = next(
            name for number in itertools.count(2) if name_key(name := f"{wanted.name[:58]} ({number})") not in taken
        )
        taken.add(name_key(free))
        book.rename(holder, free)
        plan.steps.append(
            book.step(
                "Set-TransportRule",
                holder.guid,
                {"Name": free},
                [book.change(holder.name, "name", holder.name, free)],
                Phase.RULES,
            )
        )
        if holder.guid not in book.claimed:
            text = f"The rule {holder.name!r} has the name of another rule and is renamed to {free!r}."
            plan.warnings.append(warning("rule_renamed", text, rule=holder.name, name=free))


def _can_become(book: RuleBook, rule: Rule, wanted: DeclaredRule) -> bool:
    """Whether a rule that only shares the name of a declared one can be changed into it. Create-only settings cannot be
    changed.
    """
    if rule.guid in book.claimed:
        return False
    fixed = (field for field in SETTINGS_FIELDS if field.create_only and field.option in wanted.settings)
    return not wanted.guid or all(
        field.equal(rule.settings[field.option], wanted.settings[field.option]) for field in fixed
    )


def _move(plan: Plan, book: RuleBook, moved: Iterable[tuple[str, int]]) -> None:
    """Plans moves: a key, and the place that it gets."""
    for key, index in moved:
        step, book.order = move(book, book.order, key, index)
        plan.steps.append(step)


def _treat_unmanaged(plan: Plan, book: RuleBook, named: Collection[str], treatment: str) -> None:
    """Plans what becomes of rules that were not named. Only rules that encrypt or decrypt are ever touched."""
    for rule in book.rules if treatment != "keep" else ():
        if rule.guid in named or not (encrypts(rule.sections) or decrypts(rule.sections)):
            continue
        if treatment == "warn":
            text = f"The rule {rule.name!r} encrypts or decrypts and is not managed here."
            plan.warnings.append(warning("rule_not_managed", text, rule=rule.name))
        elif treatment == "remove" and not rule.not_rebuildable:
            plan.steps.append(removal(book, rule))
        else:
            plan.steps += [switch(book, rule, False)] if rule.enabled else []
            if treatment == "remove":
                text = f"The rule {rule.name!r} is disabled and not removed: it cannot be recreated, since {rule.not_rebuildable}."
                plan.warnings.append(warning("rule_not_removed", text, **rule.rebuilding))


def _finished(plan: Plan, book: RuleBook) -> Plan:
    """Says where new rules land, and which rules can never act because of their place where the task has declared one
    of the two.
    """
    gone = {str(step.call.parameters.get("Identity")) for step in plan.steps if step.phase == Phase.RULE_REMOVAL}
    order = [key for key in book.order if key not in gone]
    plan.places.update(_places_of_new_rules(order, book))
    plan.warnings += _never_acting(order, book)
    return plan


def _places_of_new_rules(order: Sequence[str], book: RuleBook) -> Iterator[tuple[str, str]]:
    """The names of the rules that are created, with where each lands."""
    for index, key in enumerate(order):
        if key in book.by_guid:
            continue
        where = f"after {book.name(order[index - 1])!r}" if index else "before all others"
        yield book.name(key), f"{index + 1} of {len(order)}, {where}" if len(order) > 1 else "the only rule"


def _never_acting(order: Sequence[str], book: RuleBook) -> Iterator[PlanWarning]:
    """A warning for each rule that an earlier one keeps from acting, where the task has declared one of the two."""
    if book.restoring:
        return
    # Only rules that end the processing need a check, and few do.
    ending = [
        (index, key) for index, key in enumerate(order) if key in book.standings or book.by_guid[key].does(ENDING)
    ]
    for index, key in enumerate(order):
        declared = key in book.standings
        earlier = [other for place, other in ending if place < index and (declared or other in book.standings)]
        if earlier and (early := first_that_covers(book.standing(key), map(book.standing, earlier))):
            text = f"The rule {book.name(key)!r} can never act: {early.name!r} comes first, takes all of its mail and ends the processing."
            yield warning("rule_never_acts", text, rule=book.name(key), earlier=early.name)


def _place(order: Sequence[str], predecessors: Sequence[str], successors: Sequence[str]) -> int | None:
    """Where to create a rule: after the one that precedes it in the list, otherwise before those that follow it in the
    list, otherwise last.
    """
    return order.index(predecessors[-1]) + 1 if predecessors else min(map(order.index, successors), default=None)


def _refuse_repeats(rules: Sequence[DeclaredRule]) -> None:
    for attribute in ("name", "guid"):
        seen: set[str] = set()
        for rule in rules:
            value = name_key(getattr(rule, attribute))
            if value and value in seen:
                raise OptionError(f"{rule.where}{attribute} {getattr(rule, attribute)!r} is listed twice.")
            seen.add(value)
