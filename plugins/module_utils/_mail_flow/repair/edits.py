# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a list of rules, as data. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    SECTIONS,
    rule_argument_spec,
)

#: A rule as the modules describe it.
Rule = Mapping[str, Any]

#: The kinds of edits.
MOVE, STOP, EXCEPTION, CONDITION, ENABLE, ADD = KINDS = ("move", "stop", "exception", "condition", "enable", "add")

#: The options that the modules only read and remove.
_RETIRED = [(section, field.option) for section, fields in SECTIONS.items() for field in fields if field.refuse]

#: The options of a rule in a list of rules, whose order says what ``priority`` would.
_SPEC = {option: spec for option, spec in rule_argument_spec().items() if option not in ("state", "priority")}


@dataclass(frozen=True)
class RuleEdit:
    """One edit of one rule.

    :param kind: one of :data:`KINDS`.
    :param rule: the rule's name.
    :param option: the option that changes, such as ``exceptions.sent_to``; ``priority`` of a rule that is moved or
        added.
    :param before: its value before, and :param:`after` now; ``None`` if it is not set. Priorities count from 0.
    """

    kind: str
    rule: str
    option: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class EditedRules:
    """A list of rules, first to last, and the edits that made it of the present one."""

    rules: tuple[Rule, ...]
    edits: tuple[RuleEdit, ...] = ()

    def moved(self, place: int, to: int) -> EditedRules:
        """With the rule at a place moved, so that it is then at another."""
        rules = list(self.rules)
        rules.insert(to, rules.pop(place))
        return EditedRules(
            tuple(rules), (*self.edits, RuleEdit(MOVE, name_of(self.rules[place]), "priority", place, to))
        )

    def added(self, rule: Rule, place: int) -> EditedRules:
        """With one more rule, at a place."""
        return EditedRules(
            (*self.rules[:place], rule, *self.rules[place:]),
            (*self.edits, RuleEdit(ADD, name_of(rule), "priority", after=place)),
        )

    def set(self, place: int, option: str, before: Any, after: Any) -> EditedRules:
        """With an option outside of the sections of the rule at a place set."""
        # What Exchange shows says twice whether a rule is enabled.
        rule = {
            **{key: each for key, each in self.rules[place].items() if (option, key) != ("enabled", "state")},
            option: after,
        }
        return self._with(place, rule, RuleEdit(ENABLE, name_of(rule), option, before, after))

    def with_section(self, place: int, kind: str, section: str, values: Mapping[str, Any]) -> EditedRules:
        """With options of a section of the rule at a place set; ``None`` takes an option out."""
        old = self.rules[place].get(section) or {}
        new = {option: value for option, value in {**old, **values}.items() if value is not None}
        before, after = ({option: each[option] for option in values if option in each} for each in (old, new))
        edit = RuleEdit(kind, name_of(self.rules[place]), section, before or None, after or None)
        if len(values) == 1:
            (option,) = values
            edit = RuleEdit(kind, edit.rule, f"{section}.{option}", before.get(option), after.get(option))
        return self._with(place, {**self.rules[place], section: new}, edit)

    def _with(self, place: int, rule: Rule, edit: RuleEdit) -> EditedRules:
        return EditedRules((*self.rules[:place], rule, *self.rules[place + 1 :]), (*self.edits, edit))


def unplaced(rule: Rule) -> Rule:
    """The rule without its priority, which the order of the rules says."""
    return {option: value for option, value in rule.items() if option != "priority"}


def name_of(rule: Rule) -> str:
    """The rule's name, or its GUID if it has none."""
    return str(rule.get("name") or rule.get("guid") or "")


def as_options(rules: Iterable[Rule], present: Iterable[Rule]) -> list[dict[str, Any]]:
    """Rules as the option ``rules`` takes them, without those that it cannot say. What is not set is left out, unless
    it is set at present.

    :param present: the rules before the edits.
    """
    was = {name_of(rule): _stated(rule) for rule in present}
    return [_as_option(_stated(rule), was.get(name_of(rule), {})) for rule in rules if not _unwritten(rule)]


def _stated(rule: Rule) -> Rule:
    """The rule with its state as a module's option: what Exchange shows names it."""
    state = str(rule.get("state") or "").casefold()
    return (
        {**rule, "enabled": state == "enabled"} if state in ("enabled", "disabled") and "enabled" not in rule else rule
    )


def _as_option(rule: Rule, was: Rule) -> dict[str, Any]:
    return {
        option: rule[option]
        for option in _SPEC
        if option in rule and (_is_set(option, rule[option]) or rule[option] != was.get(option, rule[option]))
    }


def _is_set(option: str, value: Any) -> bool:
    return value is False if option == "enabled" else value not in (None, "", {}, [])


def unwritten(rules: Iterable[Rule]) -> list[str]:
    """The names of the rules that the option ``rules`` cannot say: of data loss prevention, with a retired action, or
    with something that this collection does not know.
    """
    return [name_of(rule) for rule in rules if _unwritten(rule)]


def _unwritten(rule: Rule) -> bool:
    sections = {section: rule.get(section) or {} for section in SECTIONS}
    retired = any(sections[section].get(option) for section, option in _RETIRED)
    return (
        bool(rule.get("dlp_policy"))
        or retired
        or any(given.keys() - _SPEC[section]["options"].keys() for section, given in sections.items())
    )
