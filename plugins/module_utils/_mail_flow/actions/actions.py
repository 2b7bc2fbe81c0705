# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action of a mail flow rule: a file for each family, with what it does to a message and to all messages.

The actions of one rule have no order among themselves. Source: Microsoft's "Mail flow rules", "Mail flow rule actions"
and New-TransportRule pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .act import Action, Effect
from .bring import BRING, NAMING_PEOPLE, bring
from .deliver import DELIVER, deliver
from .edit import EDIT, edit
from .protect import PROTECT, protect
from .route import ROUTE, route
from .tell import TELL, tell

#: Every action.
ACTIONS: tuple[Action, ...] = (*PROTECT, *DELIVER, *BRING, *EDIT, *ROUTE, *TELL)

#: What the families do to a copy, in the order in which worlds are told apart.
EFFECTS: tuple[Effect, ...] = (protect, route, edit, tell, bring, deliver)

#: Option to its action.
BY_OPTION: dict[str, Action] = {row.option: row for row in ACTIONS}


def set_actions(section: Mapping[str, Any]) -> dict[str, Any]:
    """The actions of a rule that do something, so no switch that is off and no empty text or list. One person becomes a
    list of one.
    """
    found = {
        option: value
        for option, value in section.items()
        if value is not None and value is not False and value not in ("", [], ())
    }
    return {
        option: [value] if option in NAMING_PEOPLE and isinstance(value, str) else value
        for option, value in found.items()
    }
