# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains and groups in rules that are written almost as others are."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..conditions.meant_values import is_website
from ..model.connectors import EVERY_DOMAIN
from ..model.facts import Facts
from ..model.known_groups import KnownGroups
from ..rules.rule_set import RuleSet
from .miswritten import MISSPELLED_SORTS, misspellings
from .single_rule_lint import LintFinding


def misspelled_names(rules: RuleSet, facts: Facts, domains: Collection[str]) -> Iterator[LintFinding]:
    """Domains and groups in rules that likely are misspelled.

    :param domains: those of all people in the directory.
    """
    known = ({*domains, *_domains_of(facts)}, set(facts.groups.members or ()))
    for sort, names in zip(MISSPELLED_SORTS, known, strict=True):
        yield from _misspelled(sort, rules, names, facts.groups)


def _misspelled(sort: str, rules: RuleSet, known: Collection[str], groups: KnownGroups) -> Iterator[LintFinding]:
    """The values of conditions of a sort that likely are misspelled: the facts have one that is almost the same, or a rule does.
    Values that the facts have, or that are in the same rule, are not.

    :param known: the values that the facts have.
    """
    named: dict[str, list[str]] = {}
    for rule in rules.rules:
        for value in (value for atom in rule.criteria.atoms if atom.predicate.sort == sort for value in atom.values):
            named.setdefault(value.casefold(), []).append(rule.name)
    doubtful = [value for value in named if value not in known and not is_website(value)]
    by_facts = misspellings(sort, doubtful, known, groups)
    for value, meant in by_facts.items():
        for name in dict.fromkeys(named[value]):
            if name not in named.get(meant, ()):
                yield LintFinding("misspelled", (name,), {"value": value, "meant": meant})
    others = [value for value in doubtful if value not in by_facts]
    for value, meant in misspellings(sort, others, others, groups).items():
        if others.index(value) < others.index(meant) and set(named[value]).isdisjoint(named[meant]):
            about = {"case": "rules", "value": value, "meant": meant}
            yield LintFinding("misspelled", (named[value][0], named[meant][0]), about)


def _domains_of(facts: Facts) -> Iterator[str]:
    """The domains of the organization and of its connectors and remote domains."""
    yield from (accepted.name for accepted in facts.domains.accepted or ())
    connected = (name for connector in facts.connectors.outbound or () for name in connector.domains)
    for name in (*connected, *(facts.domains.remote or ())):
        if name != EVERY_DOMAIN:
            yield name.removeprefix("*.")
