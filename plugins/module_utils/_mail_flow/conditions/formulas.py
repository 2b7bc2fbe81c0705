# SPDX-License-Identifier: GPL-3.0-or-later
"""What the formula of a condition is made of: truth values and their logic, and the variables of a message.

The prover has them (``symbolic``). A condition knows them by these protocols alone, so that a simulation, which imports
the conditions, imports no solver.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from ..model.facts import Facts
from ..model.header_edits import HeaderEdit
from ..model.kleene import Truth
from .keys import Key

#: A variable of a message, or a formula over variables: the prover's own, with ``&``, ``|`` and ``~``.
Literal: TypeAlias = Any

#: A truth value: a literal or, of something unknown, what is certain and what is possible. It has the same operators.
Value: TypeAlias = Any


class Connectives(Protocol):
    """What is unknown, and what operators do not say; see ``symbolic.logic``."""

    @property
    def free(self) -> bool:
        """Whether an unknown is a variable; otherwise it is open."""

    @property
    def observed(self) -> Mapping[str, bool]:
        """The number of an open question to the answer that was observed."""

    def unknown(self, *name: Hashable) -> Value:
        """An unknown. The same name is the same unknown."""

    def known(self, truth: Truth, *name: Hashable) -> Value:
        """A truth of the simulator; an open one is unknown."""

    def all_of(self, values: Iterable[Value]) -> Value:
        """And, of any number of values."""

    def any_of(self, values: Iterable[Value]) -> Value:
        """Or, of any number of values."""

    def or_perhaps(self, value: Value, condition: Literal, *name: Hashable) -> Value:
        """Or an unknown of this name where a condition holds."""

    def choose(self, condition: Value, then: Value, otherwise: Value) -> Value:
        """If, then, else."""

    def equal(self, one: Value, other: Value) -> Value:
        """Whether two values are equal."""


class Variables(Protocol):
    """Makes variables, and says what they have to do with each other."""

    def variable(self, name: Hashable) -> Literal:
        """The variable of this name."""

    def add(self, *clause: Literal) -> None:
        """Adds that one of these literals is true."""

    def at_most_one(self, literals: Iterable[Literal]) -> None:
        """Adds that no two of these literals are true."""

    def conjunction(self, literals: Iterable[Literal]) -> Literal:
        """And."""

    def disjunction(self, literals: Iterable[Literal]) -> Literal:
        """Or."""


class AddressVariables(Protocol):
    """The address of a sender or a recipient."""

    @property
    def name(self) -> str:
        """A unique name."""

    def __getitem__(self, key: Key) -> Literal:
        """The variable of an atom."""

    def value(self, key: Key, logic: Any) -> Value:
        """Whether it has an atom."""


class MessageVariables(Protocol):
    """A message and one of its recipients; see ``symbolic.symbolic_message``."""

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
    def envelope(self) -> AddressVariables | None:
        """The sender of the envelope; ``None`` if no condition looks at it."""

    @property
    def empty_envelope(self) -> Literal:
        """Whether the envelope has no sender."""

    @property
    def recipient(self) -> AddressVariables:
        """The recipient who is followed."""

    @property
    def direct(self) -> Literal:
        """Whether the sender wrote to the recipient's primary address, and not to an alias."""

    @property
    def others_direct(self) -> Literal:
        """The same of all others."""

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

    @property
    def properties(self) -> Mapping[Key, Literal]:
        """Property and value, such as a size, to its variable."""

    @property
    def arrival(self) -> Mapping[str, Literal]:
        """How it arrives protected: ``own`` or ``other`` keys, ``smime``, ``smime_signed``; in clear otherwise."""

    @property
    def rights(self) -> Literal:
        """Whether rights protect it as it arrives."""

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
    def hides(self) -> bool:
        """Whether a rule may hide the word at the beginning of the subject by a prefix that touches it."""

    def begins(self, key: Key) -> Literal:
        """Whether a word occurs only at the beginning of the subject."""

    @property
    def pdf(self) -> Literal:
        """Whether it has a PDF document."""

    @property
    def leaves_pdf_out(self) -> bool:
        """Whether Exchange may leave PDF documents unencrypted."""

    @property
    def insertable(self) -> Literal:
        """Whether a disclaimer can be put into it, if its sender did not sign it and no foreign key protects it."""

    @property
    def spelled(self) -> Mapping[str, str]:
        """By what makes two names the same, how one is written."""

    def numbered(self, history: tuple[Hashable, ...]) -> int:
        """The number of a history of changes, the same wherever it is the same; 0 for none."""


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


class TextSeen(Protocol):
    """A text as earlier rules left it."""

    @property
    def values(self) -> Mapping[Key, tuple[Value, int]]:
        """The atoms that a known text contributes to."""

    @property
    def erasures(self) -> Sequence[Value]:
        """When it was erased."""

    @property
    def history(self) -> tuple[tuple[Hashable, Value], ...]:
        """The known texts that may have changed it."""

    def value(self, key: Key, first: Value, logic: Any) -> Value:
        """The current value of an atom; ``first`` is its value on arrival."""

    def of_unagreed(self, key: Key, first: Value, unknown: Value, logic: Any) -> Value:
        """The current value of a pattern without an agreed meaning in a subject."""


class MessageSeen(Protocol):
    """What a rule sees of a message after the changes of earlier rules."""

    @property
    def texts(self) -> Mapping[str, TextSeen]:
        """Slot to its text; a missing slot is unchanged."""

    @property
    def classes(self) -> Mapping[Any, Value]:
        """The classifications that rules set, by what makes two names the same; ``None`` is having none."""

    @property
    def wrapped(self) -> Value:
        """Whether a disclaimer is wrapped around it."""

    @property
    def asked(self) -> Value:
        """Whether a rule asked for encryption."""

    @property
    def removed(self) -> Value:
        """Whether a rule asked for its removal."""

    @property
    def edits(self) -> tuple[tuple[HeaderEdit, Value], ...]:
        """What rules may have done to header fields that conditions read, in order."""

    @property
    def added(self) -> tuple[tuple[str, str, Value, Hashable], ...]:
        """The recipients that rules added: address, empty if unknown, field, condition, and the rule's unique name."""

    @property
    def splits(self) -> int:
        """The copy's history of splits; 0 is none."""

    def edits_of(self, fields: Collection[str]) -> Sequence[tuple[HeaderEdit, Value]]:
        """What rules may have done to some header fields."""


class OtherRecipients(Protocol):
    """The other recipients of a copy."""

    def another_has(self, key: Key, history: int, *, written: bool = False) -> Value:
        """Whether one of them has an atom after a history of splits; with ``written``, in the address at which the
        sender wrote to them.
        """

    def at_alias(self, address: str) -> Value:
        """Whether the sender may have written to the owner of this address, if among them, at an alias."""

    def still_there(self, address: str, history: int) -> Value:
        """Whether somebody else in the To or Cc field certainly is still in the copy."""


class ScopeFormulas(Protocol):
    """Who counts as inside or outside."""

    def of_sender(self, value: str, location: str) -> Value:
        """Whether the sender is in a scope, where a rule looks for the sender."""

    def recipient(self, value: str, person: Any) -> Value:
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
    def company(self) -> OtherRecipients:
        """Who shares the copy."""

    @property
    def scopes(self) -> ScopeFormulas:
        """Who is inside and outside."""

    @property
    def foreign(self) -> Literal:
        """Whether Exchange may not be able to read a message that arrives like this (U30)."""

    def text(self, slot: str, key: Key, seen: MessageSeen) -> Value:
        """An atom of a text as a rule sees it."""
