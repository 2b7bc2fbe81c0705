# SPDX-License-Identifier: GPL-3.0-or-later
"""What the formula of a condition is made of: a logic, and the variables of a message.

The prover has them (``symbolic``). A condition knows them by these protocols alone, so that a simulation, which imports
the conditions, imports no solver.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, ItemsView, Mapping
from typing import Any, Protocol

from ..formula import Literal, Value
from ..model.facts import Facts
from .connectives import Connectives, Variables
from .keys import Key
from .seen_message import SeenMessage


class AddressVariables(Protocol):
    """The address of a sender or a recipient."""

    @property
    def name(self) -> str:
        """A unique name."""

    @property
    def atoms(self) -> Mapping[Key, Literal]:
        """The variables of its atoms."""

    @property
    def object(self) -> Literal:
        """Whether the person is an object of the organization."""

    @property
    def managed(self) -> Literal:
        """Whether the person has a manager."""

    def __getitem__(self, key: Key) -> Literal:
        """The variable of an atom."""

    def in_accepted(self, kinds: tuple[str, ...]) -> Literal:
        """Whether the address is in an accepted domain of one of these types."""

    def in_accepted_otherwise(self) -> Literal:
        """Whether the address would be in one whose people are inside in another spelling."""

    def in_internal(self) -> Literal:
        """Whether a remote domain makes the person internal."""

    def in_internal_otherwise(self) -> Literal:
        """Whether one would in another spelling."""

    def value(self, key: Key, logic: Connectives) -> Value:
        """Whether it has an atom."""


class EnvelopeVariables(Protocol):
    """The sender of the envelope."""

    @property
    def sender(self) -> AddressVariables | None:
        """Its address; ``None`` if no condition looks at it."""

    @property
    def empty(self) -> Literal:
        """Whether there is none."""


class AddressingVariables(Protocol):
    """At which addresses, and in which fields, the sender writes to people."""

    @property
    def direct(self) -> Literal:
        """Whether the sender wrote to the recipient's primary address, and not to an alias."""

    @property
    def others_direct(self) -> Literal:
        """Whether the sender wrote to the primary addresses of all others, and not to aliases."""

    @property
    def watches_aliases(self) -> bool:
        """Whether it matters to a condition at which address somebody is written to."""

    @property
    def perhaps_named(self) -> dict[str, dict[Literal, None]]:
        """Address that a condition looks for in fields to what says that these name its owner by an alias (U24)."""

    def named(self, address: str, field: str) -> Literal:
        """Whether a field contains an address."""

    @property
    def members_named(self) -> Literal:
        """Whether the fields may name members of groups that conditions look for there."""

    @property
    def more_in_from(self) -> Literal:
        """Whether the From field holds more than the sender's primary address."""


class ArrivalVariables(Protocol):
    """How a message is protected as it arrives: ``own`` or ``other`` keys, ``smime``, ``smime_signed``; in clear
    otherwise.
    """

    @property
    def rights(self) -> Literal:
        """Whether rights protect it."""

    def __getitem__(self, kind: str) -> Literal:
        """Whether it arrives so."""


class SubjectVariables(Protocol):
    """The subject as it arrives, as far as a prefix may change what is found in it."""

    @property
    def hides(self) -> bool:
        """Whether a rule may hide the word at the beginning by a prefix that touches it."""

    def begins(self, key: Key) -> Literal:
        """Whether a word occurs only at the beginning."""


class PdfVariables(Protocol):
    """PDF documents."""

    @property
    def attached(self) -> Literal:
        """Whether the message has one."""

    @property
    def stay_plain(self) -> bool:
        """Whether Exchange may leave them unencrypted."""


class DisclaimerVariables(Protocol):
    """Disclaimers."""

    @property
    def insertable(self) -> Literal:
        """Whether one can be put into the message, if its sender did not sign it and no foreign key protects it."""


class PropertyVariables(Collection[Key], Protocol):
    """What conditions look at beside people and texts."""

    def __getitem__(self, key: Key) -> Literal:
        """The variable of a property and value, such as a size."""

    def items(self) -> ItemsView[Key, Literal]:
        """All of them."""

    @property
    def spelled(self) -> Mapping[str, str]:
        """By what makes two names the same, how one is written."""


class HistoryNumbers(Protocol):
    """Histories of changes."""

    def number(self, history: tuple[Hashable, ...]) -> int:
        """The number of a history, the same wherever the history is the same; 0 for none."""


class MessageVariables(Protocol):
    """A message and one of its recipients, by subject; see ``symbolic.symbolic_message``."""

    @property
    def circuit(self) -> Variables:
        """What makes the variables."""

    @property
    def facts(self) -> Facts:
        """The organization."""

    @property
    def sender(self) -> AddressVariables:
        """The sender of the From field."""

    @property
    def envelope(self) -> EnvelopeVariables:
        """The sender of the envelope."""

    @property
    def recipient(self) -> AddressVariables:
        """The recipient who is followed."""

    @property
    def addressing(self) -> AddressingVariables:
        """At which addresses, and in which fields, the sender writes to recipients."""

    @property
    def properties(self) -> PropertyVariables:
        """What conditions look at beside people and texts."""

    @property
    def arrival(self) -> ArrivalVariables:
        """How it is protected as it arrives."""

    @property
    def kinds(self) -> Mapping[str, Literal]:
        """Its types but for those that follow from its protection."""

    @property
    def importance(self) -> Mapping[str, Literal]:
        """Its importance if it is not normal: ``Low`` or ``High``."""

    @property
    def texts(self) -> Mapping[str, Mapping[Key, Literal]]:
        """Slot to the atoms of its text."""

    @property
    def subject(self) -> SubjectVariables:
        """Its subject where rules prefix it."""

    @property
    def pdf(self) -> PdfVariables:
        """Its PDF documents."""

    @property
    def disclaimers(self) -> DisclaimerVariables:
        """The disclaimers that rules put into it."""

    @property
    def histories(self) -> HistoryNumbers:
        """The histories of changes that rules may have made."""


class Properties(Protocol):
    """The variables of what conditions look at beside people and texts, as they are made."""

    @property
    def circuit(self) -> Variables:
        """What makes variables."""

    @property
    def literals(self) -> dict[Key, Literal]:
        """Property and value to its variable; grows."""

    @property
    def spelled(self) -> dict[str, str]:
        """By what makes two names the same, how one is written; grows."""

    @property
    def sizes(self) -> Collection[int]:
        """The sizes of messages, in bytes, that matter whatever conditions look for."""


class OtherRecipients(Protocol):
    """The other recipients of a copy."""

    @property
    def nobody(self) -> list[Literal]:
        """Literals that are true together if the message is only for the followed recipient."""

    def another_has(self, key: Key, history: int, *, written: bool = False) -> Value:
        """Whether one of them has an atom after a history of splits; with ``written``, in the address at which the
        sender wrote to them.
        """

    def another_meets(self, meets: Callable[[Any], Value], anybody: Value, history: int) -> Value:
        """Whether one of them, after a history of splits, meets something that is about one recipient.

        :param meets: whether somebody does; :param:`anybody`: whether it is possible of somebody.
        """

    def at_alias(self, address: str) -> Value:
        """Whether the sender may have written to the owner of this address, if among them, at an alias."""

    def is_modeled(self, address: str) -> bool:
        """Whether it is known of somebody else at an address after which splits they share the copy."""

    def still_there(self, address: str, history: int) -> Value:
        """Whether somebody else in the To or Cc field certainly is still in the copy."""


class ScopeFormulas(Protocol):
    """Who counts as inside or outside."""

    def of_sender(self, value: str, location: str) -> Value:
        """Whether the sender is in a scope, where a rule looks for the sender."""

    def recipient(self, value: str, person: AddressVariables) -> Value:
        """Whether a recipient is in a scope."""


class Formulas(Protocol):
    """What formulas of conditions are made of, in one logic; see ``symbolic.compile_conditions``."""

    @property
    def logic(self) -> Connectives:
        """The logic."""

    @property
    def mail(self) -> MessageVariables:
        """The message."""

    @property
    def other_recipients(self) -> OtherRecipients:
        """Who shares the copy."""

    @property
    def scopes(self) -> ScopeFormulas:
        """Who is inside and outside."""

    @property
    def foreign(self) -> Literal:
        """Whether Exchange may not be able to read a message that arrives like this (U30)."""

    def text(self, slot: str, key: Key, seen: SeenMessage) -> Value:
        """An atom of a text as a rule sees it."""
