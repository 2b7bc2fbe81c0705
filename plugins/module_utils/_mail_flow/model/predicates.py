# SPDX-License-Identifier: GPL-3.0-or-later
"""Every condition of a mail flow rule: what it looks at, on whom its rule then acts, and what evaluating it requires.

An exception is the same condition. Source: Microsoft's "Mail flow rule conditions and exceptions" and New-TransportRule
pages, and, where these contradict each other, the later one by the rules' own team.
"""

from __future__ import annotations

from .predicate import Predicate
from .predicates_of_messages import OF_MESSAGES
from .predicates_of_people import OF_PEOPLE

#: Every condition, by the name of its option.
PREDICATES: tuple[Predicate, ...] = (*OF_PEOPLE, *OF_MESSAGES)

#: Option to its condition.
BY_OPTION: dict[str, Predicate] = {option: row for row in PREDICATES for option in row.options}

#: Options without which a condition of several options means nothing.
OPTIONAL = frozenset({"ad_comparison_operator"})
