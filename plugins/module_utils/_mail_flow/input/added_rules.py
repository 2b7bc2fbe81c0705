# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that a test adds to those that are there, each in its place, as creating them would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._exchange.errors import OptionError
from ..._exchange.names import same_name
from ..._exchange.spelling import meant
from ..._resources.rules.fields import rule_argument_spec
from ..._resources.rules.rule import proposed_rule

_OPTION = "add_rules"
_PLACES = ("priority", "place_before", "place_after")

#: The argument spec of added rules.
ADDED_RULES_ARGUMENT_SPEC: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {**rule_argument_spec(), "place_before": {"type": "str"}, "place_after": {"type": "str"}},
    "mutually_exclusive": [_PLACES],
}


def declared_additions(added: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The added rules, complete, in the order of the option.

    :raises OptionError: a rule is invalid.
    """
    return [_declared(options, _where(index)) for index, options in enumerate(added)]


def with_added(rules: Sequence[Mapping[str, Any]], added: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rules and the added ones, first to last. A rule without a place is the last one.

    :raises OptionError: a rule is invalid, exists already, or its place does not exist.
    """
    placed = [dict(rule) for rule in rules]
    for index, options in enumerate(added):
        where = _where(index)
        rule = _declared(options, where)
        _refuse_existing(rule, placed, where)
        placed.insert(_place(options, placed, where), rule)
    return placed


def _where(index: int) -> str:
    return f"{_OPTION}[{index}]."


def _declared(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    if options.get("state") == "absent":
        raise OptionError(
            f"{where}state is absent, but {_OPTION} only adds rules.",
            remedy="To test without a rule, give the others as rules.",
        )
    if not options.get("name"):
        raise OptionError(f"{where}name is required.")
    return proposed_rule(options, where)


def _refuse_existing(rule: Mapping[str, Any], rules: Sequence[Mapping[str, Any]], where: str) -> None:
    if any(same_name(str(existing["name"]), rule["name"]) for existing in rules):
        raise OptionError(
            f"{where}name: there already is a rule {rule['name']!r}.",
            remedy=f"Give it another name. To test a changed rule, give all rules as rules instead of {_OPTION}.",
        )


def _place(options: Mapping[str, Any], rules: Sequence[Mapping[str, Any]], where: str) -> int:
    """The index at which a new rule is inserted."""
    if options.get("place_before"):
        return _index(str(options["place_before"]), rules, f"{where}place_before")
    if options.get("place_after"):
        return _index(str(options["place_after"]), rules, f"{where}place_after") + 1
    priority: int | None = options.get("priority")
    if priority is None:
        return len(rules)
    if priority > len(rules):
        raise OptionError(
            f"{where}priority {priority} is too high: the valid range for a new rule is 0 to {len(rules)}."
        )
    return priority


def _index(name: str, rules: Sequence[Mapping[str, Any]], option: str) -> int:
    """The index of a rule by its name."""
    places = [index for index, rule in enumerate(rules) if same_name(str(rule["name"]), name)]
    if not places:
        known = [str(rule["name"]) for rule in rules]
        raise OptionError(f"{option} names the rule {name!r}, which is not among the rules{meant(name, known)}")
    if len(places) > 1:
        raise OptionError(f"{option} names the rule {name!r}, but {len(places)} rules have this name.")
    return places[0]
