# SPDX-License-Identifier: GPL-3.0-or-later
"""Where two organizations differ.

People and domains of one organization mean nothing in another. So the comparison is about kinds of mail to destinations
outside of both, and about what the rules do to mail. Settings that this shows only in part are named where they differ.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..input.parsing import facts_of
from ..rules.rule_set import RuleSet
from ..symbolic.encoding import differing
from .overview import Cell, CellVerdict, destinations, overview
from .policy import MailPolicy, policy


@dataclass(frozen=True)
class RulesWithFacts:
    """The rules of an organization, and its facts in the form of the option ``facts``."""

    rules: RuleSet
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Contrast:
    """Where two organizations differ.

    :param cells: by kind of mail and destination, the cells of both where their verdicts differ.
    :param unknown: the cells whose verdict is unknown in both.
    :param does: what the rules of each organization do.
    :param settings: the facts that differ and that cells show only in part: ``outbound_connectors``,
        ``irm_configuration``, ``remote_domains``.
    """

    cells: tuple[tuple[Cell, Cell], ...]
    unknown: tuple[Cell, ...]
    does: tuple[MailPolicy, MailPolicy]
    settings: tuple[str, ...] = ()


def another_organization(
    rules: RuleSet | None, facts: Mapping[str, Any], here: Mapping[str, Any]
) -> RulesWithFacts | None:
    """The organization of other rules; ``None`` unless both organizations have accepted domains, and these differ.

    :param facts: the facts of that organization, and :param:`here`: of the tested one.
    """
    names = [
        {
            str(domain["name"] if isinstance(domain, Mapping) else domain).lower()
            for domain in known.get("accepted_domains") or ()
        }
        for known in (facts, here)
    ]
    return RulesWithFacts(rules, facts) if rules is not None and all(names) and names[0] != names[1] else None


def contrast(one: RulesWithFacts, other: RulesWithFacts, now: datetime.datetime) -> Contrast:
    """Where two organizations differ. Destinations that are inside one of them are not compared."""
    names = {name for organization in (one, other) for name in destinations(organization.rules, organization.facts)}
    both = [
        {
            (cell.destination, cell.kind): cell
            for cell in overview(organization.rules, organization.facts, now, also=names)
        }
        for organization in (one, other)
    ]
    pairs = [(cell, both[1][key]) for key, cell in both[0].items() if key in both[1]]
    does = (policy(one.rules, one.facts, now), policy(other.rules, other.facts, now))
    unlike = tuple(pair for pair in pairs if pair[0].protected != pair[1].protected)
    unknown = tuple(one for one, other in pairs if one.protected == other.protected == CellVerdict.UNKNOWN)
    return Contrast(unlike, unknown, does, _settings(one.facts, other.facts))


def _settings(*facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the settings that differ. Names of connectors do not count."""
    known = [facts_of(facts_of_side) for facts_of_side in facts]
    differ = {
        "outbound_connectors": len({_connectors(facts_of_side) for facts_of_side in facts}) > 1,
        "irm_configuration": bool(differing([facts_of_side.encryption.irm_configuration for facts_of_side in known]))
        or known[0].encryption.obstacle != known[1].encryption.obstacle,
        "remote_domains": known[0].domains.remote != known[1].domains.remote,
    }
    return tuple(name for name, differs in differ.items() if differs)


def _connectors(facts: Mapping[str, Any]) -> str:
    """The outbound connectors without their names, as a text to compare."""
    every = facts.get("outbound_connectors")
    return repr(
        every
        and sorted(
            repr(sorted((key, value) for key, value in connector.items() if key != "name")) for connector in every
        )
    )
