# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail among which a difference is searched for, as literals. Private to the collection."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.mail_class import assumed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_recipients import (
    ANYBODY,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model, Side
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import high
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.symbolic_message import (
    SHOWN_FIELDS,
)


class SearchedMail:
    """The mail to search for.

    :param about: the ids of the assumptions that a change is about: mail that does not meet them is affected.
    """

    def __init__(self, model: Model, about: Collection[str]) -> None:
        self._model, self._about = model, about

    def meant(self, side: Side, person: str, *, usual: bool) -> list[int]:
        """What must be true of a message for a recipient, or of one that a rule copies to a person."""
        return [*self.assumed(usual=usual), *self.company(side), *self.somebody_else(person)]

    def assumed(self, *, usual: bool) -> list[int]:
        """The assumptions about usual mail, or about other mail that rules distinguish from it, which is searched if
        usual mail shows nothing.
        """
        found, circuit = assumed(self._model, self._about, usual=usual), self._model.circuit
        return (
            found
            if usual
            else [*found, circuit.disjunction(literal ^ 1 for literal in set(self.assumed(usual=True)) - set(found))]
        )

    @property
    def some_unusual(self) -> bool:
        """Whether rules distinguish some mail from usual mail."""
        return any(each.seen and each.id not in self._about for each in self._model.mail.assumptions)

    def company(self, side: Side) -> Sequence[int]:
        """The recipients of the messages to search for: at first one recipient, then one more, who may be anybody; then
        those who are modeled, and others.
        """
        if not side.company.watched or (self._model.exact and ANYBODY not in self._model.exact):
            return []
        return side.company.nobody_else

    def of_known_senders(self) -> int:
        """That the sender is inside or outside: for other mail it is unknown whether it is encrypted."""
        conditions, sender = self._model.free.conditions, self._model.mail.sender
        return self._model.circuit.disjunction(
            [high(conditions.sender_scope(value, sender)) for value in ("InOrganization", "NotInOrganization")]
        )

    def not_held_back(self) -> list[int]:
        """That mail is not in quarantine: whether it is still protected after its release is unknown."""
        return [high(outcome.released) ^ 1 for outcome in self._model.free.outcomes]

    def somebody_else(self, person: str) -> list[int]:
        """That a person whom rules add is not a recipient of the message."""
        if not person:
            return []
        built = self._model.free.company.companions.values()
        itself = (self._model.circuit.conjunction((each.there, each.slot["address", person])) for each in built)
        mail = self._model.mail
        named = (mail.named(person, field) for field in SHOWN_FIELDS if person in mail.vocabulary.fields)
        return [literal ^ 1 for literal in (mail.recipient["address", person], *itself, *named)]
