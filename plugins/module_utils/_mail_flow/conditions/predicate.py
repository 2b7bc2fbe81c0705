# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row of a condition of a mail flow rule has. The table of all conditions is ``predicates``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from typing import Any, TypeAlias

from ..._exchange.text import LONGEST_SHOWN, listed, short
from ..formula import Value
from ..model.header_edits import HeaderEdit
from ..model.kleene import Open, Truth, any_of
from ..model.reason_kinds import UntracedKind
from ..model.rule_view import RuleView, Settings
from ..model.words import first_token
from .formulas import AddressVariables, Formulas, Properties
from .keys import ATTRIBUTES, HEADER, Key, header_slot, keys_of
from .seen_message import SeenMessage
from .witness import Witness


@dataclass(frozen=True, slots=True)
class Phrase:
    """The words for a condition.

    :param place: its position in a sentence: the kind of message, then from the sender to what is in the message.
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

    def with_values(self, about: str, lists: Sequence[Sequence[Any]], preposition: str = "") -> str:
        """The phrase for lists of values. One value of each list is true.

        :param about: what is not a list.
        :param preposition: what it begins with instead of its own first word.
        """
        own, _blank, rest = self.forms.get(about, self.form).partition(" ")
        before, placeholder, after = " ".join(filter(None, (preposition or own, rest))).partition("{}")
        around = [part.replace("<>", about) for part in (before, after)]
        return (_joined(lists, self.mark) if placeholder else "").join(around)


def _joined(lists: Sequence[Sequence[Any]], mark: str) -> str:
    """Lists of values in a row, one value of each of which is true: ``'a' or 'b'``, ``both 'a' and 'b'``, ``'a' or 'b', and 'c'``."""
    shown = ([short(text) if len(text) > LONGEST_SHOWN else text for text in map(str, values)] for values in lists)
    texts = [listed(values, mark) for values in shown]
    if any(len(values) > 1 for values in lists):
        return ", and ".join(texts)
    return f"{'both ' if len(texts) == 2 else ''}{' and '.join(texts)}"


class Reach(Enum):
    """On whom a rule acts, as far as one of its conditions decides."""

    MESSAGE = "message"  #: A property of the message: all recipients alike.
    SENDER = "sender"  #: A property of the sender: all recipients alike.
    COPY = "copy"  #: Looks at recipients and acts on all who share the copy.
    RECIPIENT = "recipient"  #: Acts on the recipients that it is true for, and splits the copy.
    RELATION = "relation"  #: The relation of sender and recipient. Which of the two previous ones applies is not documented (U05).


#: What no rule changes, but by the headers that say it.
_STEADY = frozenset({"sender", "recipient", "last hop", "character sets", "size", "importance"})

#: What may differ between a wrapping disclaimer and the message inside: which of the two rules see is not documented.
_MAY_DIFFER_IN_WRAPPER = frozenset({"header", "character sets", "size", "protection", "importance", "classification"})

#: What a message must have for a condition not to be false; see :class:`Predicate`.
Needs: TypeAlias = "tuple[tuple[str, str], ...] | None"

#: Evaluates a condition on a message.
Evaluate: TypeAlias = Callable[[RuleView, Any, Settings], Truth]

#: Compiles a condition for somebody's copy, as a rule sees it.
Compile: TypeAlias = Callable[[Formulas, "Atom", SeenMessage, AddressVariables], Value]

#: Makes the variables of conditions, and relates them.
Declare: TypeAlias = Callable[[Properties, Sequence["Atom"]], None]

#: Writes the keys of a message with these variables.
Write: TypeAlias = Callable[[Witness], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """A condition, with all that anything knows of it. A row without one of its parts fails as it is imported; see
    :func:`row`. What each owes the others:

    * ``evaluate`` takes whatever earlier rules can change from the view's ``content`` and ``fork``, never from the
      ``message``.
    * ``formula`` means the same. It takes the same from ``seen``, the changes by earlier rules.
    * ``witness`` writes a message that has its variables. Addresses, and what a directory says, are written for all
      conditions together.
    * The trace decides it from the row's ``column`` by ``evaluate``, or leaves it open with the word ``untraced``.
    * ``phrase`` and ``saw`` say it.
    * The tests have samples of it. They hold formula, evaluation and trace against each other, after each action that
      changes what it looks at.

    :param options: its options. Several are one condition.
    :param looks_at: what it looks at. Earlier rules can change ``subject``, ``body``, ``header``, ``classification``,
        ``scl``, ``protection`` and, of a copy, ``recipients``, ``fields`` and ``relation``: an action's ``seen`` says it.
    :param sort: how its values are meant: of a list of values each ``address``, ``word``, ``pattern``, ``member`` (of a group), ``below`` (a domain),
        ``attribute word``, ``attribute pattern``, ``extension``, ``property`` or ``range``; of another one what it is.
    :param reach: whom the rule acts on.
    :param evaluate: evaluates it.
    :param formula: compiles it.
    :param witness: writes what a message needs for it; ``None`` if that is an address, or nothing that a message says.
    :param read: the values, hashable and in one form, from a rule's section.
    :param shown: the values as people read them: what is not a list, and the list.
    :param phrase: the words for it.
    :param saw: the words for what it looked at.
    :param headers: the headers, in lower case, that say what it looks at. It is open once a rule has set or removed one;
        see ``model.header_edits``.
    :param slots: of a list of values, the texts, addresses and properties that each of them is looked for in, and has a
        variable for.
    :param variables: makes its variables if ``slots`` do not; ``None`` if the message has them anyway.
    :param fields: the fields of the message in which it looks for people.
    :param needs: keys, one of which a message must have for the condition not to be false; ``None`` if none can be
        named.
    :param column: what of a row of the message trace says it: ``sender``, ``recipient``, ``pair`` of both, ``subject``,
        ``size`` or ``hop``; empty if none.
    :param untraced: the reason in results for what no row says of it; ``None`` if a column says all.
    :param unknowns: the open questions that it can meet.
    :param content: whether it looks into content that S/MIME hides.
    :param reach_of: the reach where it depends on the values.
    :param headers_of: the headers that depend on them.
    :param column_of: the column where it depends on them.
    :param least_size: the bytes that a message has at least, as rows have it, for the condition not to be false;
        ``None`` if that is not known.
    :param optional: the options without which it is a condition, too.
    :param off_counts: whether a switch that is off is a condition, too.
    :param groups: of its values, the groups whose members it looks at, if these are not its values themselves.
    :param managers: whether it looks at who is somebody's manager.
    :param outside_headers: evaluates it on what no header says; ``None`` if that is nothing.
        :param:`formula_outside_headers`: the same, compiled.
    """

    options: tuple[str, ...]
    looks_at: str
    sort: str
    reach: Reach
    evaluate: Evaluate
    formula: Compile
    witness: Write | None
    read: Callable[[Mapping[str, Any]], Any]
    shown: Callable[[Any], tuple[str, list[Any]]]
    phrase: Phrase
    saw: Callable[[RuleView, Atom], str]
    headers: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    variables: Declare | None = None
    fields: tuple[str, ...] = ()
    needs: Callable[[Any], Needs] = lambda values: None
    column: str = ""
    untraced: UntracedKind | None = None
    unknowns: tuple[str, ...] = ()
    content: bool = False
    reach_of: Callable[[Any], Reach] | None = None
    headers_of: Callable[[Any], tuple[str, ...]] = lambda values: ()
    column_of: Callable[[Any], str] | None = None
    least_size: Callable[[Any], int | None] = lambda values: None
    optional: tuple[str, ...] = ()
    off_counts: bool = False
    groups: Callable[[Any], tuple[str, ...]] = lambda values: ()
    managers: bool = False
    outside_headers: Evaluate | None = None
    formula_outside_headers: Callable[[Formulas, Atom, SeenMessage], Value] | None = None

    def __post_init__(self) -> None:
        if not self.column and not self.untraced:
            raise TypeError(f"{self.options[0]} has neither column nor untraced")
        if self.variables and not self.witness:
            raise TypeError(f"{self.options[0]} has variables, and no witness that writes them")
        if (self.outside_headers is None) is not (self.formula_outside_headers is None):
            raise TypeError(f"{self.options[0]} has only one of outside_headers and formula_outside_headers")

    def reads(self, values: Any, settings: Settings) -> frozenset[str]:
        """The header fields that it reads under a rule's settings: none for a sender in the envelope, and To and Cc if
        it looks for recipients as these fields name them.
        """
        if settings.location == "Envelope" and self.of_sender and self.slots:
            return frozenset()
        written = ("to", "cc") if settings.address_type == "Original" and self.of_recipient else ()
        return frozenset((*self.headers, *self.headers_of(values), *written))

    @property
    def is_steady(self) -> bool:
        """Whether no rule changes what it looks at, but by its headers: then one formula is that of all rules."""
        return self.looks_at in _STEADY

    @property
    def may_differ_in_wrapper(self) -> bool:
        """Whether it looks at something that may differ between a wrapping disclaimer and the message inside."""
        return self.looks_at in _MAY_DIFFER_IN_WRAPPER

    @property
    def is_hidden_by_wrapper(self) -> bool:
        """Whether a rule may not see what it looks at in a message around which a disclaimer is wrapped."""
        return self.content or self.may_differ_in_wrapper or self.looks_at == "subject"

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


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition with its values, as one or several rules have it.

    :param number: its place among the atoms of the rule set.
    :param reach: on whom a rule acts, as far as this condition decides.
    :param headers: the header fields that it reads; see ``model.header_edits``.
    """

    number: int
    predicate: Predicate
    values: Any
    settings: Settings
    reach: Reach
    headers: frozenset[str]

    @property
    def looks_around(self) -> bool:
        """Whether it depends on who shares the copy."""
        return self.reach in (Reach.COPY, Reach.RELATION)

    @property
    def keys(self) -> list[Key]:
        """The atoms of its values, any of which is enough; empty if it has no list of values."""
        predicate = self.predicate
        if not predicate.slots:
            return []
        return keys_of(predicate.sort, predicate.shown(self.values)[1], self.settings.dialect)

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots that it looks at, if it has a list of values."""
        slots = self.predicate.slots
        return (header_slot(self.values[0]),) if slots == (HEADER,) else slots

    @property
    def people(self) -> tuple[str, ...]:
        """The people whom its values name."""
        return tuple(self.values) if self.predicate.sort == "address" else ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose members it looks at."""
        return tuple(self.values) if self.predicate.sort == "member" else self.predicate.groups(self.values)

    @property
    def watches_aliases(self) -> bool:
        """Whether it may matter at which address somebody is written to."""
        return self.predicate.of_recipient and self.settings.address_type == "Original"

    @property
    def looks_at_written(self) -> bool:
        """Whether it looks at the addresses that the sender wrote."""
        return self.predicate.as_written and self.watches_aliases

    @property
    def column(self) -> str:
        """The column of the message trace that says it; empty if none does."""
        predicate = self.predicate
        if predicate.column_of is not None:
            return predicate.column_of(self.values)
        return "sender" if self.reach is Reach.SENDER else predicate.column

    def evaluate(self, rule_view: RuleView) -> Truth:
        """Evaluates it for a view. It is open if rules edited a header that it reads, unless the rest is enough."""
        as_given = self.predicate.evaluate(rule_view, self.values, self.settings)
        edits = rule_view.content.edits_of(self.headers)
        return self._with_edited_headers(edits, as_given, rule_view) if edits else as_given

    def _with_edited_headers(self, edits: tuple[HeaderEdit, ...], as_given: Truth, rule_view: RuleView) -> Truth:
        """The result of the condition after rules edited headers that it reads.

        :param as_given: its result without these edits.
        """
        predicate, content = self.predicate, rule_view.content
        outside = predicate.outside_headers
        stays = [outside(rule_view, self.values, self.settings)] if outside else []
        if predicate.sort == "word" and all(edit.adds for edit in edits):
            stays.append(as_given)
        whom = rule_view.recipient.address if self.reach in (Reach.RECIPIENT, Reach.RELATION) else ""
        known = as_given if isinstance(as_given, bool) else (as_given.key, as_given.negated)
        key = ("edited", edits, known, content.wrapped, whom, rule_view.fork if self.looks_around else None)
        reasons = {edit.reason for edit in edits if edit.reason}
        return any_of((*stays, Open(key, tuple(sorted(reasons)))))


def row(*options: str, **parts: Any) -> Predicate:
    """A condition of these options.

    :raises TypeError: it lacks a part. The message names both.
    """
    needed = (part.name for part in fields(Predicate) if part.default is MISSING and part.name != "options")
    missing = [name for name in needed if name not in parts]
    if missing:
        raise TypeError(f"{options[0]} has no {', '.join(missing)}")
    return Predicate(options=options, **parts)


def list_of(value: Any) -> tuple[str, ...]:
    """A list of texts, or one text, as a list."""
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else (str(value),)


def texts(option: str) -> Callable[[Mapping[str, Any]], Any]:
    """Reads a list of texts."""
    return lambda section: list_of(section[option])


def lowercase_texts(option: str) -> Callable[[Mapping[str, Any]], Any]:
    """Reads a list of texts of which case does not count."""
    return lambda section: tuple(item.lower() for item in list_of(section[option]))


def single_value(option: str) -> Callable[[Mapping[str, Any]], Any]:
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
        tokens = tuple((place, first_token(word)) for word in values)
        return tokens if all(token for _place, token in tokens) else None

    return needs


def any_value_in(place: str) -> Callable[[Any], Needs]:
    """One of the values has to be there."""
    return lambda values: tuple((place, value) for value in values)


def list_predicate(
    option: str, read: Callable[[str], Callable[[Mapping[str, Any]], Any]] = texts, **parts: Any
) -> Predicate:
    """A condition with a list of values, one of which is enough."""
    return row(option, read=read(option), shown=as_list, **parts)


def single(option: str, **parts: Any) -> Predicate:
    """A condition with one value."""
    return row(option, read=single_value(option), shown=as_one, **parts)
