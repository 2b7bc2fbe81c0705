# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action of a mail flow rule: a file for each family, with what it does to a message and to all messages.

The actions of one rule have no order among themselves. Source: Microsoft's "Mail flow rules", "Mail flow rule actions"
and New-TransportRule pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..._resources.rules.action_effects import DOES, Does
from .act import Action, Family, nothing
from .bring import BRING, NAMING_PEOPLE, bring, hold, make_copies, show_added
from .deliver import DELIVER, FATES, deliver, end_copy, end_rejected
from .edit import EDIT, edit, show_edits
from .protect import PROTECT, protect, request_protection, show_protection
from .route import ROUTE, route, route_by
from .tell import TELL, tell

#: Every action.
ACTIONS: tuple[Action, ...] = (*PROTECT, *DELIVER, *BRING, *EDIT, *ROUTE, *TELL)

#: What each family does to a copy, in the order in which worlds are told apart. What is told of mail shows on no copy.
FAMILIES: tuple[Family, ...] = (
    Family(frozenset((Does.ENCRYPT, Does.DECRYPT, Does.BRAND)), protect, show_protection, request_protection),
    Family(frozenset((Does.ROUTE,)), route, nothing, route_by),
    Family(frozenset((Does.CHANGE,)), edit, show_edits, nothing),
    Family(frozenset((Does.REPORT,)), tell, nothing, nothing),
    Family(frozenset((Does.MODERATE, Does.ADD, Does.REDIRECT)), bring, show_added, hold, makes=make_copies),
    Family(frozenset((*FATES, Does.STOP)), deliver, nothing, end_copy, on_rejected=end_rejected),
)

#: Option to its action.
BY_OPTION: dict[str, Action] = {row.option: row for row in ACTIONS}


def check(rows: Iterable[Action], done: Collection[Does]) -> None:
    """Refuses a table of actions in which one is missing, stands twice, or is done by no family.

    :param done: what the families do; what belongs to another action needs none.
    :raises TypeError: with the name of the option.
    """
    counts = Counter(row.option for row in rows)
    for option, does in DOES.items():
        if counts[option] != 1:
            raise TypeError(f"{option} has {counts[option]} rows in the families of actions")
        if does is not Does.DETAIL and does not in done:
            raise TypeError(f"no family of actions does what {option} does: {does}")


check(ACTIONS, frozenset[Does]().union(*(family.does for family in FAMILIES)))


def set_actions(section: Mapping[str, Any]) -> dict[str, Any]:
    """The actions of a rule that do something, so no switch that is off and no empty text or list. One person becomes a
    list of one.
    """
    set_options = {
        option: value
        for option, value in section.items()
        if value is not None and value is not False and value not in ("", [], ())
    }
    return {
        option: [value] if option in NAMING_PEOPLE and isinstance(value, str) else value
        for option, value in set_options.items()
    }
