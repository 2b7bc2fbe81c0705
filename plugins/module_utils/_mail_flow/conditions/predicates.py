# SPDX-License-Identifier: GPL-3.0-or-later
"""Every condition of a mail flow rule: a file for each family, with all that anything knows of its conditions.

An exception is the same condition. Source: Microsoft's "Mail flow rule conditions and exceptions" and New-TransportRule
pages, and, where these contradict each other, the later one by the rules' own team.
"""

from __future__ import annotations

from .attachments import ATTACHMENTS
from .copies import COPIES
from .headers import HEADERS
from .predicate import Predicate
from .properties import MESSAGE
from .recipients import RECIPIENTS
from .relations import RELATIONS
from .senders import SENDERS
from .subject_body import SUBJECT_BODY

#: Every condition, in the order of the documentation.
PREDICATES: tuple[Predicate, ...] = (
    *(*SENDERS, *RELATIONS, *RECIPIENTS, *COPIES),
    *(*SUBJECT_BODY, *HEADERS, *ATTACHMENTS, *MESSAGE),
)

#: Option to its condition.
BY_OPTION: dict[str, Predicate] = {option: row for row in PREDICATES for option in row.options}

#: The options without which a condition of several options is one, too.
OPTIONAL = frozenset(option for row in PREDICATES for option in row.optional)
