# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule sees of a message.

Earlier rules change it: a subject, a header, the text, a classification. The encryption that they ask for does not
show, because a message is encrypted after the last rule.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Self

from .expressions import Dialect
from .facts import Facts
from .header_edits import HeaderEdit
from .kleene import Reason, Truth
from .message import Message, Recipient


class Value:
    """A frozen dataclass with a fast copy: ``dataclasses.replace`` is six times slower, and would take most of the
    simulator's time.
    """

    def with_changes(self, **changes: Any) -> Self:
        """A copy with other values for some fields.

        :raises TypeError: there is no such field.
        """
        if changes.keys() - self.__dict__.keys():
            raise TypeError(
                f"{type(self).__name__} has no such fields: {sorted(changes.keys() - self.__dict__.keys())}"
            )
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new.__dict__.update(changes)
        return new


@dataclass(frozen=True)
class Content(Value):
    """What earlier rules have made of a message.

    :param subject: the subject.
    :param body: the text; ``None`` if unknown.
    :param headers: name in lower case to values.
    :param classifications: names; ``None`` if unknown.
    :param edits: what rules did to header fields that conditions read, in order.
    :param wrapped: whether the message is now an attachment of another one.
    :param asked: whether a rule has asked for encryption; :param:`removed`: for its removal.
    :param readings: other texts that rules may read instead of the body; :param:`sources`: HTML in which patterns may
        match.
    :param known: predicates that were evaluated on this content.
    """

    subject: str
    body: str | None
    headers: tuple[tuple[str, tuple[str, ...]], ...]
    classifications: frozenset[str] | None
    edits: tuple[HeaderEdit, ...] = ()
    wrapped: bool = False
    asked: bool = False
    removed: bool = False
    readings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    known: dict[int, Truth] = field(default_factory=dict, compare=False, repr=False)

    def header(self, name: str) -> tuple[str, ...] | None:
        """The values of a header."""
        return next((values for header, values in self.headers if header == name), None)

    def edits_of(self, fields: Collection[str]) -> tuple[HeaderEdit, ...]:
        """What rules did to some header fields."""
        return tuple(edit for edit in self.edits if edit.field in fields) if self.edits else ()


def first_content(message: Message) -> Content:
    """A message as it arrives."""
    return Content(
        message.subject,
        message.body,
        message.headers,
        message.classifications,
        readings=message.readings,
        sources=message.sources,
    )


@dataclass(frozen=True, slots=True)
class Fork:
    """Who shares a copy of the message with a recipient, the recipient included.

    :param sure: who does.
    :param perhaps: who may, and why that is open.
    """

    sure: tuple[Recipient, ...]
    perhaps: tuple[tuple[Recipient, tuple[Reason, ...]], ...] = ()
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.sure, self.perhaps)))

    def __hash__(self) -> int:
        """Cached: a message may have thousands of recipients, each of whom is followed."""
        return self._hash

    @property
    def people(self) -> tuple[Recipient, ...]:
        """Everybody who shares the copy, or may."""
        return (*self.sure, *(person for person, _reasons in self.perhaps)) if self.perhaps else self.sure


@dataclass(frozen=True, slots=True)
class RuleView:
    """What a predicate looks at.

    :param recipient: the recipient for whom it is asked.
    """

    message: Message
    facts: Facts
    content: Content
    recipient: Recipient
    fork: Fork


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a rule that change what its predicates look at.

    :param location: where the sender's address is: ``Header``, ``Envelope`` or ``HeaderOrEnvelope``.
    :param address_type: which address of a recipient: ``Resolved`` or ``Original``.
    :param dialect: how patterns are read.
    """

    location: str = "Header"
    address_type: str = "Resolved"
    dialect: Dialect = Dialect.AGREED
