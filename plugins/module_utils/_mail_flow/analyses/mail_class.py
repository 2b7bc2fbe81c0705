# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A class of mail that is treated differently, while more is found out about it, and the mail among which classes are
searched for. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.attribution import Part
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import Changed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    without_noise,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_changes import Edit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.state import Course
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import Key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_recipients import (
    ANYBODY,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import (
    Model,
    Replayed,
    Side,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import high
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.symbolic_message import (
    SHOWN_FIELDS,
)

#: What happens to somebody's copy before and after.
Courses = tuple[Course, Course]


@dataclass(frozen=True)
class Shown:
    """A message that shows a class.

    :param usual: whether it was looked for in usual mail.
    """

    candidate: Replayed
    courses: Courses
    usual: bool


@dataclass
class MailClass:
    """A kind of difference with its cause, which is an index into the edits, and its part.

    :param person: whose copies it is about, if rules add them; empty for the recipient whom the sender names.
    :param shown: the message that shows it, once one is found, and :param:`told` what is told of it then.
    :param refine: the atoms for which another recipient must be built to find out more.
    :param reasons: what is unknown about :param:`witness`.
    :param acted: whether the edited rule acted on it before, and whether it acts now.
    :param usual: whether it is about usual mail. Of other mail nothing is said but what is certain.
    """

    kind: str
    cause: int
    part: Part
    person: str = ""
    shown: Shown | None = None
    told: Changed | None = None
    refine: list[Key] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    witness: dict[str, Any] | None = None
    acted: tuple[bool, bool] = (False, False)
    usual: bool = True


def assumed(model: Model, about: Collection[str], *, usual: bool) -> list[int]:
    """The assumptions about usual mail, or about mail that rules do not distinguish from it.

    :param about: those that the edits are about, which are not made.
    """
    return [each.literal for each in model.mail.assumptions if each.id not in about and (usual or not each.seen)]


def witness_of(
    candidate: Replayed, person: str = "", shows: Callable[[Message], bool] = lambda message: False
) -> dict[str, Any]:
    """A message that shows the difference, its recipient or the person whom rules add, and the facts that it rests on
    beside those that are known.

    :param shows: whether a message shows the same: what this one can do without then is left out.
    """
    letter = candidate.letter
    found: dict[str, Any] = {
        "message": {"name": "witness", **without_noise(candidate, letter.recipient, shows)},
        "recipient": person or letter.recipient,
    }
    return {**found, "facts": letter.facts} if letter.facts else found


def acted(edit: Edit | None, courses: Courses) -> tuple[bool, bool]:
    """Whether an edited rule acted on a message before, and whether it acts now, in at least one world. One that S/MIME
    keeps from its work perhaps did.
    """
    if edit is None:
        return False, False
    found = []
    for rule, course in ((edit.before, courses[0]), (edit.after, courses[1])):
        found.append(
            rule is not None
            and any(rule.place == place for world in course.worlds for _held, place in (*world.matched, *world.perhaps))
        )
    return found[0], found[1]


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
            [high(conditions.scopes.sender(value, sender)) for value in ("InOrganization", "NotInOrganization")]
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
