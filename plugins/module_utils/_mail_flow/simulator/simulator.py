# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages and rules in, answers out. Private to the collection; the one entrance to the sub-package.

Pure: the same rules, facts, messages and dates give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import (
    STEPS_OF_MESSAGE,
    BudgetError,
    bounded,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason, rows_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import result
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import (
    Course,
    Passage,
)

#: The result of a copy that would take too many steps.
_TOO_MUCH: dict[str, Any] = {"fate": "unknown", "protection": "unknown", "rules": []}
_WHY = Reason("budget", "message_too_complex")


class Simulator:
    """The mail flow of an organization.

    :param rules: its rules, as the modules describe them, or a compiled rule set.
    """

    def __init__(self, rules: Iterable[Mapping[str, Any]] | RuleSet, facts: Facts) -> None:
        self.rules = RuleSet.read(rules, facts.dialect)
        self.facts = facts

    def courses(self, message: Message) -> list[Course]:
        """What happens to each copy, including everything that is open."""
        return Passage(self.rules, message, self.facts).courses()

    def run(self, message: Message) -> dict[str, Any]:
        """``name`` of the message and ``recipients``: address to result, with the keys of the module's result. What
        exceeds the step budget is unknown.
        """
        try:
            with bounded(STEPS_OF_MESSAGE):
                found = {
                    course.recipient.label: result(course, self.rules, message, self.facts)
                    for course in self.courses(message)
                }
        except BudgetError:
            found = {
                person.label: {**_TOO_MUCH, "unknown": rows_of([_WHY])} for person in self.facts.recipients(message)
            }
        return {
            "name": message.name,
            "recipients": {label: described for label, described in found.items() if described is not None},
        }
