# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that conditions and exceptions have, and that miss mail for which they likely are meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..._resources.rules.unmatchable_values import meant_domain, meant_extension, never_matching
from ..conditions.meant_values import is_misspelled, pattern_option, wildcard_pattern
from ..conditions.predicate import Atom, Predicate
from ..conditions.predicates import BY_OPTION
from ..model.addresses import domain, is_below
from ..model.facts import Facts
from ..model.known_groups import KnownGroups
from ..model.rule_view import RuleView
from ..simulator.rule_trace import result_values
from .standings import Copy, Standing

#: The sorts of conditions on names that people misspell: on domains, and on the members of groups.
_DOMAINS, _GROUPS = MISSPELLED_SORTS = ("below", "member")


@dataclass(frozen=True)
class Miswritten:
    """Values that miss a copy for which they likely are meant.

    :param kind: ``never_matches``, ``asterisk`` (which is no wildcard in a word), or ``misspelled`` (a domain or group).
    """

    kind: str
    values: list[str]


def miswritten(atom: Atom, rule_view: RuleView, copy: Copy) -> Miswritten | None:
    """The values of a condition or exception that a copy does not meet, if they likely are meant for it and are written so that
    they miss it; ``None`` if there are none.
    """
    if _would_match(atom, copy):
        return Miswritten("never_matches", _never_matching(atom, copy.facts))
    if words := _asterisks(atom, rule_view):
        return Miswritten("asterisk", words)
    own = _own_names(atom.predicate, copy)
    misspelled = [*misspellings(atom.predicate.sort, atom.values, own, copy.facts.groups)] if own else []
    return Miswritten("misspelled", misspelled) if misspelled else None


def misses_as_written(standing: Standing, copy: Copy) -> bool:
    """Whether the only conditions that keep a rule from acting on a copy are likely meant for it."""
    failed = [failed.atom for failed in standing.failed if failed.section == "conditions"]
    return bool(failed) and all(miswritten(atom, standing.rule_view, copy) for atom in failed)


def misspellings(sort: str, values: Iterable[str], meant: Iterable[str], groups: KnownGroups) -> dict[str, str]:
    """The values of a condition on domains or groups that likely are misspelled, each with the one of some names that is likely
    meant. A group of which a member is known is not misspelled.

    :param sort: that of the condition.
    """
    names = list(meant)
    written = [value for value in values if not (sort == _GROUPS and groups.members_of(value.casefold()))]
    likely = {value: [name for name in names if is_misspelled(value.casefold(), name.casefold())] for value in written}
    return {value: names[0] for value, names in likely.items() if names}


def _own_names(predicate: Predicate, copy: Copy) -> list[str]:
    """The domain of a copy's sender or recipient, or their groups, as far as a condition is about them; none if it is not."""
    if not (predicate.of_sender or predicate.of_recipient):
        return []
    person = copy.facts.people.primary(copy.message.sender) if predicate.of_sender else copy.recipient
    groups = copy.facts.groups
    if predicate.sort == _GROUPS:
        return [group for group in groups.expanded if person in groups.members_of(group)]
    return [domain(person)] if predicate.sort == _DOMAINS else []


def _never_matching(atom: Atom, facts: Facts) -> list[str]:
    """The values that match no mail, such as groups that a condition names as recipients."""
    section = {atom.predicate.options[0]: result_values(atom.values)}
    return [*(value for _option, value, _instead in never_matching(section)), *_groups(atom, facts)]


def _groups(atom: Atom, facts: Facts) -> list[str]:
    """The groups that a condition names as recipients: it sees their members instead."""
    if atom.predicate.options != ("sent_to",):
        return []
    return [value for value in atom.values if value.casefold() in facts.groups.expanded]


def _would_match(atom: Atom, copy: Copy) -> bool:
    """Whether a condition has a value that matches no mail, and is meant for mail such as this copy."""
    predicate = atom.predicate
    never = _never_matching(atom, copy.facts)
    if predicate.of_sender or predicate.of_recipient:
        groups = _groups(atom, copy.facts)
        name = domain(copy.message.sender if predicate.of_sender else copy.recipient)
        return any(copy.recipient in copy.facts.groups.members_of(group.casefold()) for group in groups) or any(
            is_below(name, meant_domain(value)) for value in never if value not in groups
        )
    files = [attachment.name.casefold() for attachment in copy.message.attachments or ()]
    extensions = tuple(f".{meant_extension(value).casefold()}" for value in never)
    return any(name.endswith(extensions) for name in files)


def _asterisks(atom: Atom, rule_view: RuleView) -> list[str]:
    """The words with an asterisk of a condition, if a copy would meet it were that a wildcard."""
    predicate = atom.predicate
    if len(predicate.options) > 1 or predicate.sort != "word":
        return []
    words = [word for word in atom.values if wildcard_pattern(word)]
    sought = BY_OPTION.get(pattern_option(predicate.options[0]))
    if not words or sought is None:
        return []
    meant = replace(atom, predicate=sought, values=tuple(map(wildcard_pattern, words)))
    return words if meant.evaluate(rule_view) is True else []
