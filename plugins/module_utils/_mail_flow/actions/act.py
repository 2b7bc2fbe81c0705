# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row of an action of a mail flow rule has, and its family, which does it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from ..._resources.rules.action_effects import DOES, ENDING, Does
from ..conditions.connectives import Connectives
from ..conditions.formulas import AddressVariables, MessageVariables
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, Value
from ..model import questions
from ..model.facts import Facts
from ..model.kleene import Open, Reason
from ..model.message import Message, Recipient
from ..model.rule_view import Content, Fork
from .copy_state import CopiesByRule, CopyState
from .text_edits import TextEdit

#: The sorts of actions of which later rules see something.
_SEEN = frozenset((Does.ENCRYPT, Does.DECRYPT, Does.ADD, Does.REDIRECT, Does.CHANGE))


@dataclass(frozen=True, slots=True)
class Action:
    """An action. Its family (:class:`Family`) does it, to a message and to all messages.

    :param seen: what later rules see of it, as a predicate's ``looks_at``; empty if they see nothing. A test holds it
        against both programs.
    :param content: whether it needs content that S/MIME hides.
    :param in_audit: the modes other than ``Enforce`` in which it is done.
    :param unknowns: the open questions that it can meet.
    :param fate_if: the option and its value with which it also decides what becomes of the copy; empty if there is
        none.
    """

    option: str
    seen: str = ""
    content: bool = False
    in_audit: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()
    fate_if: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        if self.option not in DOES:
            raise TypeError(f"{self.option} has a row, and nothing in DOES says what it does")
        if self.does in _SEEN and not self.seen:
            raise TypeError(f"{self.option} does not say what later rules see of it")

    @property
    def does(self) -> Does:
        """What it does."""
        return DOES[self.option]

    @property
    def ends(self) -> bool:
        """Whether no later rule is evaluated for the copy."""
        return self.option in ENDING


@dataclass(frozen=True, slots=True)
class Added:
    """Somebody whom a rule adds, or to whom it redirects the message.

    :param instead: whether the recipient gets it instead of the others.
    :param field: the field, ``to``, ``cc`` or ``bcc``, in which the rule puts the recipient; empty if none.
    """

    address: str
    rule: str
    place: int
    instead: bool
    field: str = ""

    @property
    def doubt(self) -> Reason:
        """Why it is open whether later rules count this recipient."""
        return Reason(questions.ADDED_RECIPIENTS, "added", ((self.rule, self.address),))


class TakenActions(Protocol):
    """What a rule does, as far as actions know it; see ``rules.rule_actions``."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Option to value of what it does."""

    @property
    def templates(self) -> list[str]:
        """The rights management templates that it applies."""

    @property
    def surprises(self) -> tuple[Reason, ...]:
        """Why it is open what it does."""

    @property
    def redirects_to_manager(self) -> bool:
        """Whether the sender's manager gets the message instead of its recipients."""

    @property
    def manager_field(self) -> str:
        """The field in which it adds the sender's manager; empty if it adds none."""

    @property
    def stops_approved(self) -> bool:
        """Whether it is told to stop and asks for an approval."""

    def does(self, what: Does) -> Mapping[str, Any]:
        """Its actions of one sort: option to value."""


class ActingRule(Protocol):
    """A rule, as far as actions know it; see ``rules.flow_rule``."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def place(self) -> int:
        """Its place among the rules."""

    @property
    def actions(self) -> TakenActions:
        """What it does."""


class ActingWorld(Protocol):
    """The state of a copy, as far as actions know it; see ``simulator.state``."""

    @property
    def content(self) -> Content:
        """What later rules see."""

    @property
    def fork(self) -> Fork:
        """Who shares the copy."""

    @property
    def asked(self) -> tuple[tuple[str, str], ...]:
        """The protection that rules asked for."""

    @property
    def removed(self) -> tuple[str, ...]:
        """The rules that asked to remove protection."""

    @property
    def brands(self) -> tuple[tuple[str, str], ...]:
        """The branding that rules chose."""

    @property
    def held(self) -> int:
        """How often the message waits for an approval."""

    @property
    def routes(self) -> tuple[tuple[str, str], ...]:
        """The connectors that rules routed it to."""

    @property
    def requires_tls(self) -> bool:
        """Whether a rule lets it leave by TLS alone."""

    @property
    def notified(self) -> tuple[tuple[str, str, str], ...]:
        """What rules report to whom."""

    @property
    def added(self) -> tuple[Added, ...]:
        """The people whom rules added."""

    @property
    def surprises(self) -> tuple[Reason, ...]:
        """Why it is open what a rule did."""

    def with_changes(self, **changes: Any) -> Self:
        """The state with other values for some fields."""

    def answered(self) -> Mapping[Hashable, bool]:
        """The answers by the questions' keys."""

    def answering(self, question: Open, value: bool) -> Self:
        """The state with an answer to an open value."""


#: A state of a copy.
World = TypeVar("World", bound=ActingWorld)


@dataclass(frozen=True, slots=True)
class Scene:
    """The context in which a rule acts.

    :param recipient: the followed recipient.
    :param last: whether no rule comes after it.
    :param protection_shows: whether a later rule looks at how the message is protected.
    :param headers: the header fields that rules read.
    """

    message: Message
    facts: Facts
    recipient: Recipient
    last: bool
    protection_shows: bool
    headers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Act:
    """A rule that acts on a copy.

    :param does: the sorts of actions that it does.
    :param wraps: whether a disclaimer is wrapped around the message.
    :param sets_last: whether a header that it sets and removes is set last.
    """

    rule: ActingRule
    scene: Scene
    does: frozenset[Does]
    wraps: bool = False
    sets_last: bool = True


class TextFormulas(Protocol):
    """What rules make of texts that later rules see, as formulas; see ``symbolic.compile_text_edits``."""

    def edited(self, edit: TextEdit, act: FormulaAct, now: SeenMessage) -> SeenMessage:
        """What later rules see after a rule's edit of a text.

        :param now: what they see after what else the rule did.
        """

    def replaced(self, edit: TextEdit, act: FormulaAct, when: Value, now: SeenMessage) -> SeenMessage:
        """What later rules see after a rule's edit of a text, with the known text alone where a condition holds."""


@dataclass(frozen=True, slots=True)
class FormulaScene:
    """The context in which rules act on a copy of any message.

    :param person: who gets the copy; :param:`address`: the primary address of somebody whom a rule adds, empty for one
        of several people, ``None`` for the recipient whom the sender names.
    :param texts: what rules make of texts.
    :param last_watching_protection: the place of the last rule that looks at how the message is protected; -1 if none does.
    :param headers: the header fields that rules read.
    :param counts_added: whether a condition looks at all who share a copy.
    """

    mail: MessageVariables
    logic: Connectives
    person: AddressVariables
    address: str | None
    texts: TextFormulas
    last_watching_protection: int
    headers: frozenset[str]
    counts_added: bool


@dataclass(frozen=True, slots=True)
class FormulaAct:
    """A rule that may act on a copy of any message.

    :param name: its unique name.
    :param seen: what it sees.
    :param acts: whether it does what needs no content; :param:`acts_on_content`: what needs it.
    :param matches: whether it does the former, whatever happened to the copy before.
    :param wraps: whether a disclaimer is wrapped around the message.
    :param last: whether no rule comes after it.
    :param told_later: whether a later rule tells somebody of mail.
    """

    rule: ActingRule
    scene: FormulaScene
    name: Hashable
    seen: SeenMessage
    acts: Value = FALSE
    acts_on_content: Value = FALSE
    matches: Value = FALSE
    wraps: Value = FALSE
    last: bool = False
    told_later: bool = False


#: The worlds after a family's part of an act.
Effect = Callable[[Act, Any], list[Any]]

#: A family's part of what a rule does to the state of a copy of any message, which it changes.
FormulaEffect = Callable[[CopyState, FormulaAct], None]


def nothing(copy: CopyState, act: FormulaAct) -> None:
    """Nothing shows on a copy."""


def no_copies(copy: CopyState, act: FormulaAct) -> CopiesByRule:
    """No copy is made of one."""
    return CopiesByRule()


@dataclass(frozen=True, slots=True)
class Family:
    """What a family of actions does, to a message and to all messages. Its rows say what each action does.

    :param does: the sorts of actions that it does.
    :param on_message: the worlds after it.
    :param on_seen: what it makes of what later rules see; :func:`nothing` if they see nothing of it.
    :param on_copy: what it makes of the rest of a copy's state; :func:`nothing` if nothing shows on a copy.
    :param on_rejected: what it makes of a copy that is rejected, and may go on.
    :param makes: the copies that it makes of one.
    """

    does: frozenset[Does]
    on_message: Effect
    on_seen: FormulaEffect
    on_copy: FormulaEffect
    on_rejected: FormulaEffect = nothing
    makes: Callable[[CopyState, FormulaAct], CopiesByRule] = no_copies
