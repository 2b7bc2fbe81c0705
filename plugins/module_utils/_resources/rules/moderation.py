# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule does that asks for an approval.

Sources: Microsoft's "Mail flow rules" and "Mail flow rule actions" pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .action_effects import MODERATING

#: The action that asks the sender's manager.
_BY_MANAGER = "moderate_message_by_manager"


def done(actions: Mapping[str, Any], managed: bool) -> dict[str, Any]:
    """What a rule does of what it is told. One that forwards a message for approval takes no further action. Whether it
    stops the later rules once that is approved is not documented.

    Where it would ask the sender's manager, and there is none, it asks nobody, and nothing keeps it from its other
    actions. So what a rule does for some sender is what it does for one without a manager, and what it does for every
    sender is what it does for one with a manager.

    :param actions: those that are set.
    :param managed: whether the sender has a manager.
    """
    asks = {option for option in MODERATING if actions.get(option) and (managed or option != _BY_MANAGER)}
    return {
        option: value for option, value in actions.items() if (option in asks if asks else option not in MODERATING)
    }


def doing(sections: Mapping[str, Mapping[str, Any]], *, managed: bool = False) -> dict[str, Mapping[str, Any]]:
    """A rule's sections with those of its actions that it does.

    :param managed: whether the sender has a manager.
    """
    return {**sections, "actions": done(sections.get("actions", {}), managed)}
