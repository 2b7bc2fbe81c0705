# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mail a rule is meant for, as its conditions say, also where they are written so that they miss it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..conditions.meant_values import (
    as_meant,
    is_misspelled,
    is_miswritten_pattern,
    is_pattern_of,
    says_patterns,
    seeks_in_part,
    wildcard_start,
)
from ..conditions.predicates import BY_OPTION
from ..model.sizes import bytes_of
from ..rules.flow_rule import FlowRule
from ..simulator.rule_trace import result_values
from ..symbolic.pattern_samples import finds_most, looks_for
from .names_alike import is_called_like
from .standings import SCOPES

#: The conditions on domains, whose names people misspell.
_DOMAINS = ("sender_domain_is", "recipient_domain_is")


def is_meant_for(conditions: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    """Whether a rule is meant for some mail, as its conditions say: each that selects that mail has a value in common with
    it. Who is inside or outside counts where neither says anything else, and may be wrong.

    :param conditions: those of the rule, in the form of a rule's section; :param:`about`: those of the mail.
    """
    telling = {option: value for option, value in about.items() if option not in SCOPES}
    if not telling:
        return bool(conditions) and set(conditions) <= set(SCOPES)
    return all(
        any(shares_values(own, values, {option: wanted}) for own, values in conditions.items())
        for option, wanted in telling.items()
    )


def is_part_of(conditions: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    """Whether some mail is a part of that of a rule, as its conditions say: each that tells more than who is inside or outside
    has a value in common with it.

    :param conditions: those of the rule; :param:`about`: those of the mail.
    """
    telling = [option for option in conditions if option not in SCOPES]
    return bool(telling) and all(shares_values(option, conditions[option], about) for option in telling)


def is_meant_at_least_for(conditions: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    """Whether a rule is meant for some mail, or for more mail of which that is a part, as its conditions say.

    :param conditions: those of the rule; :param:`about`: those of the mail.
    """
    return is_meant_for(conditions, about) or is_part_of(conditions, about)


def may_take_values(
    name: str, conditions: Mapping[str, Any], option: str, asked: str, about: Mapping[str, Any]
) -> bool:
    """Whether a condition of a rule may be meant for the values that some mail has instead of it, or beside: all else that the
    rule says is for that mail, and the rule says more or is called like it.

    :param name: the name of the rule; :param:`conditions`: all of its conditions, in the form of a rule's section.
    :param asked: the name of what is asked of that mail; :param:`about`: the conditions of the mail.
    """
    others = {other: values for other, values in conditions.items() if other not in (*SCOPES, option)}
    return (
        option in about
        and (bool(others) or is_called_like(name, asked, about))
        and all(shares_values(other, values, about) for other, values in others.items())
    )


def shares_values(option: str, values: Any, about: Mapping[str, Any]) -> bool:
    """Whether a condition has a value in common with one in a section. A value that matches no mail counts as the one that it
    is meant for, and so does a misspelled domain, a pattern that lacks a backslash, one that finds texts of the other one, and
    one for such texts in another place, or for a part of them.
    """
    own = as_list(values)
    return any(
        _has_one_as_meant(option, own, as_list(wanted))
        if other == option
        else _is_meant_for_texts(option, own, other, as_list(wanted))
        for other, wanted in about.items()
    )


def _has_one_as_meant(option: str, values: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether one of a condition's values is one of other values of it, as it is meant."""
    meant = {str(meant).casefold() for value in values if (meant := as_meant(option, value)) is not None}
    named = {str(value).casefold() for value in wanted}
    if meant & named:
        return True
    sort = BY_OPTION[option].sort if option in BY_OPTION else ""
    if sort == "size":
        return _is_over(values, wanted)
    if sort == "word" and any(_is_start_of_one(str(value), named) for value in values):
        return True
    if option in BY_OPTION and seeks_in_part(BY_OPTION[option], values, option, wanted):
        return True
    is_like = _is_like_pattern if says_patterns(option) else is_misspelled if option in _DOMAINS else None
    return is_like is not None and any(is_like(value, name) for value in meant for name in named)


def _is_start_of_one(word: str, named: Iterable[str]) -> bool:
    """Whether a word has an asterisk at its end and is one of some words if that is a wildcard."""
    start = wildcard_start(word).casefold()
    return bool(start) and any(name.startswith(start) for name in named)


def _is_over(sizes: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether what is over one of some sizes is over one of others, too."""
    own, others = ([size for size in map(bytes_of, given) if size is not None] for given in (sizes, wanted))
    return bool(own) and bool(others) and min(own) <= max(others)


def _is_like_pattern(pattern: str, wanted: str) -> bool:
    """Whether a pattern is another one but for how it is written, or one of both finds most of a text of the other one."""
    return is_miswritten_pattern(pattern, wanted) or finds_most(pattern, wanted) or finds_most(wanted, pattern)


def _is_meant_for_texts(option: str, values: Sequence[Any], other: str, wanted: Sequence[Any]) -> bool:
    """Whether a condition looks for texts of another one, or for some of them."""
    own, asked = BY_OPTION.get(option), BY_OPTION.get(other)
    if own is None or asked is None or own.fields or len(own.options) > 1 or len(asked.options) > 1:
        return False
    if seeks_in_part(own, values, other, wanted):
        return True
    if own.sort != "pattern" or not {*own.slots} & {*asked.slots}:
        return False
    is_for = {"word": is_for_word, "pattern": _is_like_pattern}.get(asked.sort)
    return is_for is not None and any(is_for(str(value), str(text)) for value in values for text in wanted)


def is_for_word(pattern: str, word: str) -> bool:
    """Whether a pattern is just a word, or one way in which it is found is."""
    return is_pattern_of(pattern, word) or looks_for(pattern, word)


def unlike(rule: FlowRule, when: Mapping[str, Any]) -> tuple[int, int]:
    """How far the conditions of a rule are from those of a guarantee: first by the values that they have in common, then
    by the conditions that the rule has beside.

    :param when: the conditions of the guarantee, in the form of a rule's section.
    """
    shared = 0
    others = 0
    for atom in rule.criteria.conditions:
        wanted = when.get(atom.predicate.options[0])
        values = {str(value).casefold() for value in as_list(wanted)}
        shared += sum(str(value).casefold() in values for value in as_list(result_values(atom.values)))
        others += wanted is None
    return -shared, others


def as_list(value: Any) -> list[Any]:
    """The values of a list, or the one of another condition."""
    return list(value) if isinstance(value, (list, tuple)) else [value]
