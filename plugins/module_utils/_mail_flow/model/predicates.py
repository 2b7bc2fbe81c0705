# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every condition of a mail flow rule: what it looks at, on whom its rule then acts, and what evaluating it requires.
Private to the collection.

An exception is the same condition. Source: Microsoft's "Mail flow rule conditions and exceptions" and New-TransportRule
pages, and, where these contradict each other, the later one by the rules' own team.
"""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicate import Predicate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicates_of_messages import (
    OF_MESSAGES,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicates_of_people import (
    OF_PEOPLE,
)

#: Every condition, by the name of its option.
PREDICATES: tuple[Predicate, ...] = (*OF_PEOPLE, *OF_MESSAGES)

#: Option to its condition.
BY_OPTION: dict[str, Predicate] = {option: row for row in PREDICATES for option in row.options}

#: Options without which a condition of several options means nothing.
OPTIONAL = frozenset({"ad_comparison_operator"})
