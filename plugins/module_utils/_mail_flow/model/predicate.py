# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a condition of a mail flow rule, and its words. The table of all conditions is ``predicates``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from ..._exchange.text import LONGEST_SHOWN, listed, short
from .rule_view import Settings
from .sender_recipient import Evaluate
from .words import first_token


@dataclass(frozen=True, slots=True)
class Phrase:
    """The words for a condition.

    :param place: its position in a sentence, from the sender to the message.
    :param form: its words, with a placeholder ``{}`` for a list of values, and ``<>`` for what is not a list.
    :param mark: the quotation mark around each value.
    :param forms: the words by what is not a list, instead of :param:`form` where it is one of these.
    """

    place: int
    form: str = ""
    mark: str = "'"
    forms: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def depends(self) -> bool:
        """Whether the words depend on what is not a list."""
        return bool(self.forms) or "<>" in self.form

    def preposition(self, about: str) -> str:
        """The first word of the phrase."""
        return self.forms.get(about, self.form).partition(" ")[0]

    def said(self, about: str, lists: Sequence[Sequence[Any]], preposition: str = "") -> str:
        """The phrase for lists of values. One value of each list is true.

        :param about: what is not a list.
        :param preposition: what it begins with instead of its own first word.
        """
        own, _blank, rest = self.forms.get(about, self.form).partition(" ")
        before, placeholder, after = " ".join(filter(None, (preposition or own, rest))).partition("{}")
        found = [part.replace("<>", about) for part in (before, after)]
        return (_joined(lists, self.mark) if placeholder else "").join(found)


def _joined(lists: Sequence[Sequence[Any]], mark: str) -> str:
    joint = ", and " if any(len(values) > 1 for values in lists) else " and "
    shown = ([short(each) if len(each) > LONGEST_SHOWN else each for each in map(str, values)] for values in lists)
    return joint.join(listed(values, mark) for values in shown)


class Reach(Enum):
    """On whom a rule acts, as far as one of its conditions decides."""

    MESSAGE = "message"  #: A property of the message: all recipients alike.
    SENDER = "sender"  #: A property of the sender: all recipients alike.
    COPY = "copy"  #: Looks at recipients and acts on all who share the copy.
    RECIPIENT = "recipient"  #: Acts on the recipients that it is true for, and splits the copy.
    RELATION = "relation"  #: The relation of sender and recipient. Which of the two previous ones applies is not documented (U05).


class Use(Enum):
    """What evaluating a condition requires."""

    COMPUTABLE = "computable"  #: The message.
    FACTS = "facts"  #: Facts about the organization.
    OPAQUE = "opaque"  #: Only somebody who has the message can tell.


#: The texts, addresses and properties of a message that values are looked for in.
SENDER, RECIPIENT, SUBJECT, BODY, HEADER = "sender", "recipient", "subject", "body", "header"
ATTACHED, ATTACHED_NAME, ATTACHMENT = "attachment text", "attachment name", "attachment"

#: The sorts of values that are looked for in what the directory says about somebody.
ATTRIBUTES = ("attribute word", "attribute pattern")

#: What a rule sees of a message inside a wrapping disclaimer, which is not documented.
_OF_WRAPPER = frozenset({"header", "character sets", "size", "protection", "importance", "classification"})

#: What a message must have for a condition not to be false; see :class:`Predicate`.
Needs: TypeAlias = "tuple[tuple[str, str], ...] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """A condition. What a new row owes the others:

    * ``evaluate`` takes whatever earlier rules can change from the view's ``content`` and ``fork``, never from the
      ``message``.
    * ``symbolic.compile_conditions`` has its formula, by ``looks_at`` and ``sort``. It takes the same from ``seen``, the
      changes by earlier rules; a condition that reads none of them is compiled once for all rules.
    * ``symbolic.atoms`` or ``symbolic.message_properties`` has its variables, and ``symbolic.concretizer`` writes a message
      that has them.
    * ``trace.conditions`` decides it from the row's ``column``, or leaves it open with the word ``untraced``.
    * The tests have samples of it. They hold formula, evaluation and trace against each other, after each action that
      changes what it looks at.

    :param options: its options. Several are one condition.
    :param looks_at: what it looks at. Earlier rules can change ``subject``, ``body``, ``header``, ``classification``,
        ``scl``, ``protection`` and, of a copy, ``recipients``, ``fields`` and ``relation``: an action's ``seen`` says it.
    :param headers: the headers, in lower case, that say what it looks at. It is open once a rule has set or removed one;
        see ``model.header_edits``.
    :param sort: how its values are meant: of a list of values each ``address``, ``word``, ``pattern``, ``member`` (of a group), ``below`` (a domain),
        ``attribute word``, ``attribute pattern``, ``extension``, ``property`` or ``range``; of another one what it is.
    :param slots: of a list of values, the texts, addresses and properties that each of them is looked for in.
    :param fields: the fields of the message in which it looks for people.
    :param reach: whom the rule acts on.
    :param use: what evaluating it requires.
    :param evaluate: evaluates it.
    :param read: the values, hashable and in one form, from a rule's section.
    :param shown: the values as people read them: what is not a list, and the list.
    :param phrase: the words for it.
    :param needs: keys, one of which a message must have for the condition not to be false; ``None`` if none can be
        named.
    :param column: what of a row of the message trace says it: ``sender``, ``recipient``, ``pair`` of both, ``subject``,
        ``size`` or ``hop``; empty if none.
    :param untraced: the reason in results for what no row says of it; empty if the open question tells it.
    :param unknowns: the open questions that it can meet.
    :param content: whether it looks into content that S/MIME hides.
    :param reach_of: the reach where it depends on the values.
    :param headers_of: the same, and further headers.
    :param beside: evaluates it on what no header says; ``None`` if that is nothing.
    """

    options: tuple[str, ...]
    looks_at: str
    headers: tuple[str, ...] = ()
    sort: str
    slots: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    reach: Reach
    use: Use
    evaluate: Evaluate
    read: Callable[[Mapping[str, Any]], Any]
    shown: Callable[[Any], tuple[str, list[Any]]]
    phrase: Phrase
    needs: Callable[[Any], Needs] = lambda values: None
    column: str = ""
    untraced: str = ""
    unknowns: tuple[str, ...] = ()
    content: bool = False
    reach_of: Callable[[Any], Reach] | None = None
    headers_of: Callable[[Any], tuple[str, ...]] = lambda values: ()
    beside: Evaluate | None = None

    def reads(self, values: Any, settings: Settings) -> frozenset[str]:
        """The header fields that it reads under a rule's settings: none for a sender in the envelope, and To and Cc if
        it looks for recipients as these fields name them.
        """
        if settings.location == "Envelope" and self.of_sender and self.slots:
            return frozenset()
        written = ("to", "cc") if settings.address_type == "Original" and self.of_recipient else ()
        return frozenset((*self.headers, *self.headers_of(values), *written))

    @property
    def of_wrapper(self) -> bool:
        """Whether it looks at something that may differ between a wrapping disclaimer and the message inside."""
        return self.looks_at in _OF_WRAPPER

    @property
    def in_directory(self) -> bool:
        """Whether it looks at what the directory says about somebody, whatever the address."""
        return self.sort in ATTRIBUTES

    @property
    def of_recipient(self) -> bool:
        """Whether it looks at addresses of recipients."""
        return self.looks_at in ("recipient", "recipients") and not self.in_directory

    @property
    def of_sender(self) -> bool:
        """Whether it looks at the sender's address, which the envelope has, too."""
        return self.looks_at == "sender" and not self.in_directory

    @property
    def as_written(self) -> bool:
        """Whether it looks at recipients' addresses as the sender wrote them. Whether other conditions do is open
        (U24).
        """
        return self.of_recipient and self.sort in ("word", "pattern")

    @property
    def is_sole(self) -> bool:
        """Whether only one value can be true of a message."""
        return self.sort == "address" and self.looks_at in ("sender", "recipient")


def list_of(value: Any) -> tuple[str, ...]:
    """A list of texts, or one text, as a list."""
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else (str(value),)


def texts(option: str) -> Callable[[Mapping[str, Any]], Any]:
    """Reads a list of texts."""
    return lambda section: list_of(section[option])


def small(option: str) -> Callable[[Mapping[str, Any]], Any]:
    """Reads a list of texts of which case does not count."""
    return lambda section: tuple(item.lower() for item in list_of(section[option]))


def one(option: str) -> Callable[[Mapping[str, Any]], Any]:
    """Reads one value."""
    return lambda section: section[option]


def as_list(values: tuple[str, ...]) -> tuple[str, list[Any]]:
    """Shows a list."""
    return "", list(values)


def as_one(value: Any) -> tuple[str, list[Any]]:
    """Shows one value."""
    return str(value), [value]


def as_list_of(values: tuple[str, tuple[str, ...]]) -> tuple[str, list[Any]]:
    """Shows a list that belongs to what is named first."""
    return str(values[0]), list(values[1])


def words_in(place: str) -> Callable[[Any], Needs]:
    """Each word requires its first run of letters."""

    def needs(values: tuple[str, ...]) -> Needs:
        found = tuple((place, first_token(word)) for word in values)
        return found if all(token for _place, token in found) else None

    return needs


def each_in(place: str) -> Callable[[Any], Needs]:
    """One of the values has to be there."""
    return lambda values: tuple((place, value) for value in values)


def several(
    option: str, read: Callable[[str], Callable[[Mapping[str, Any]], Any]] = texts, **columns: Any
) -> Predicate:
    """A condition with a list of values, one of which is enough."""
    return Predicate(options=(option,), read=read(option), shown=as_list, **columns)


def single(option: str, **columns: Any) -> Predicate:
    """A condition with one value."""
    return Predicate(options=(option,), read=one(option), shown=as_one, **columns)
