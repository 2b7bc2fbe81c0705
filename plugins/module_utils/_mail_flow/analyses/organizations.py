# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two organizations, each with its own rules and its own facts: where their mail differs. Private to the collection.

People and domains of one are nobody in the other. So what is compared is kinds of mail by destinations outside, and
what their rules do to mail.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import (
    Difference,
    difference,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview import (
    Cell,
    destinations,
    overview,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet


@dataclass(frozen=True)
class Organization:
    """The rules of an organization, and its facts in the form of the option ``facts``."""

    rules: RuleSet
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Contrast:
    """Where two organizations differ.

    :param cells: a kind of mail to a destination, in each of them, where it is not decided alike.
    :param does: what the rules of each do: the difference from none.
    """

    cells: tuple[tuple[Cell, Cell], ...]
    does: tuple[Difference, Difference]


def another_organization(
    rules: RuleSet | None, facts: Mapping[str, Any], here: Mapping[str, Any]
) -> Organization | None:
    """The organization that other rules are of, if it is another one: both name their accepted domains, and these are
    not the same.

    :param facts: what is known of it, and :param:`here` of the tested one.
    """
    names = [
        {
            str(each["name"] if isinstance(each, Mapping) else each).lower()
            for each in known.get("accepted_domains") or ()
        }
        for known in (facts, here)
    ]
    return Organization(rules, facts) if rules is not None and all(names) and names[0] != names[1] else None


def contrast(one: Organization, other: Organization, now: datetime.datetime) -> Contrast:
    """Where two organizations differ. Destinations that are inside one of them are not compared."""
    names = {name for each in (one, other) for name in destinations(each.rules, each.facts)}
    both = [
        {(cell.destination, cell.kind): cell for cell in overview(each.rules, each.facts, now, also=names)}
        for each in (one, other)
    ]
    pairs = [(cell, both[1][key]) for key, cell in both[0].items() if key in both[1]]
    does = (difference([], one.rules, one.facts, now), difference([], other.rules, other.facts, now))
    return Contrast(tuple(pair for pair in pairs if pair[0].protected != pair[1].protected), does)
