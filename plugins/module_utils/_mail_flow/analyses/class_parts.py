# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts into which the mail of a kind and a cause falls, by the rule that differs first: each is a class."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..formula import Literal
from ..symbolic.message_search import CandidateMessage
from .aspects import DifferenceKind
from .attribution import ANY, WHOLE, Part
from .class_messages import ClassMessages
from .class_model import ClassModel, CopyCause, MailClasses
from .difference_kinds import MailClass

#: The maximum number of later rules with a class of their own per kind and cause, and of such classes in all, most
#: important kinds first. All others of a kind and a cause are one class.
MOST_LATER = 8
MOST_PARTS = 24

#: The part of a class, and a message of it, if one could be written.
Example: TypeAlias = "tuple[Part, CandidateMessage | None]"


@dataclass(frozen=True)
class _Sought:
    """What a search for the classes of a kind and a cause looks for.

    :param literals: what its mail satisfies.
    :param preferred: what messages satisfy if they can.
    :param usual: whether it is usual mail.
    """

    kind: DifferenceKind
    copy_cause: CopyCause
    literals: Sequence[Literal]
    preferred: Sequence[Literal]
    usual: bool


class PartSearch:
    """The search for the parts of kinds and causes in one model, as long as there is room for classes of their own."""

    def __init__(self, class_model: ClassModel, classes: MailClasses, messages: ClassMessages) -> None:
        self._class_model = class_model
        self._classes = classes
        self._messages = messages
        self._room = MOST_PARTS

    def classes(
        self,
        kind: DifferenceKind,
        copy_cause: CopyCause,
        assumed: Sequence[Literal],
        *,
        known: Sequence[Part] = (),
        example: Example | None = None,
        usual: bool,
    ) -> Iterator[MailClass]:
        """The classes of a kind and a cause, each with a message that certainly shows it, if a search finds one.

        :param known: parts that are known; :param:`example`: a part that is possible.
        :param usual: whether it is usual mail that the assumptions are about.
        """
        if WHOLE in known:
            return
        person, cause = copy_cause
        queries = self._class_model.queries.free(person)
        of_kind = [
            *self._class_model.mail.somebody_else(person),
            queries.cause(kind, cause),
            queries.kinds[kind],
            *assumed,
        ]
        sought = _Sought(kind, copy_cause, of_kind, self._class_model.preferred(), usual=usual)
        parts = [part for part in known if part.first_to_differ != ANY]
        has_more = yield from self._by_first_to_differ(sought, parts, example)
        if has_more:
            yield from self._with_any_first(sought, known, parts, example)

    def _by_first_to_differ(
        self, sought: _Sought, parts: list[Part], example: Example | None
    ) -> Generator[MailClass, None, bool]:
        """The classes by the rule that differs first, as many as there is room for. Returns whether there may be more.

        :param parts: those that are known; the ones that are found are added.
        :param example: a part that is possible.
        """
        person, cause = sought.copy_cause
        queries = self._class_model.queries.free(person)
        literals = queries.parts_of(sought.kind, cause)
        most = min(MOST_LATER, self._room)
        while True:
            remaining = [part for part in literals if part not in parts]
            if len(remaining) > 1 and len(parts) >= most:
                return True
            if example is None or example[0] in parts:
                if not remaining:
                    return False
                others = [~queries.part(sought.kind, cause, part) for part in parts if part in literals]
                possible, candidate = self._message_of(sought, *queries.some_part(sought.kind, cause), *others)
                if not possible:
                    return False
                example = self.of_last_model(sought.kind, sought.copy_cause), candidate
            parts.append(example[0])
            self._room -= 1
            yield self._class_with_message(sought.kind, sought.copy_cause, *example, usual=sought.usual)

    def _with_any_first(
        self, sought: _Sought, known: Sequence[Part], parts: Sequence[Part], example: Example | None
    ) -> Iterator[MailClass]:
        """The classes of the other parts together, whichever rule differs first.

        :param parts: those that have classes of their own.
        """
        person, cause = sought.copy_cause
        queries = self._class_model.queries.free(person)
        for now in dict.fromkeys(part.now for part in queries.parts_of(sought.kind, cause)):
            if any(part.first_to_differ == ANY and part.now is now for part in known):
                continue
            rest = Part(now, ANY, others=tuple(part for part in parts if part.now is now))
            if example is not None and example[0] not in parts and example[0].now is now:
                possible, candidate = True, example[1]
            else:
                possible, candidate = self._message_of(sought, queries.part(sought.kind, cause, rest))
            if possible:
                yield self._class_with_message(sought.kind, sought.copy_cause, rest, candidate, usual=sought.usual)

    def _message_of(self, sought: _Sought, *literals: Literal) -> tuple[bool, CandidateMessage | None]:
        """Whether mail of a kind and a cause can satisfy literals, with a message that does."""
        wanted = [*sought.literals, *literals]
        return self._class_model.model.messages.search(
            wanted, self._class_model.model.free, self._class_model.remaining_budget, sought.preferred
        )

    def of_last_model(self, kind: DifferenceKind, copy_cause: CopyCause) -> Part:
        """The part of a kind and a cause to which the last model belongs."""
        person, cause = copy_cause
        holds = self._class_model.model.circuit.holds
        parts = self._class_model.queries.free(person).parts_of(kind, cause)
        return next(part for part, both in parts.items() if all(map(holds, both)))

    def _class_with_message(
        self,
        kind: DifferenceKind,
        copy_cause: CopyCause,
        part: Part,
        candidate: CandidateMessage | None,
        *,
        usual: bool,
    ) -> MailClass:
        """The class of a part, with the message if it certainly shows the class."""
        mail_class = self._classes.of_part(kind, copy_cause, part)
        if candidate is not None and (courses := self._messages.courses(candidate, mail_class.person)) is not None:
            self._messages.note(mail_class, candidate, courses, usual=usual)
        return mail_class
