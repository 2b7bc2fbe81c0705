# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule may have seen of copies with one value of a column: messages that say this value alone.

A message arrives in clear and has no special type, as ordinary mail, unless its row shows that it is something else.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from ..model.facts import Facts
from ..model.message import Protection
from ..model.rule_view import Fork, RuleView, first_content
from ..model.sizes import ENCODED
from .columns import Block, Column
from .row_messages import NO_HOP, NOBODY, message_of_row, plain, recipient_of
from .row_traits import RowTraits
from .sought_texts import SubjectPrefixes

#: What a message of a column says of its copies.
_SAYS = {
    "sender": ("sender", "is_authenticated"),
    "recipient": ("recipient", "is_authenticated"),
    "pair": ("sender", "recipient", "is_authenticated"),
    "subject": ("subject",),
    "hop": ("from_ip",),
    "size": ("size",),
}


class RowViews:
    """The columns of a block, and what a rule may have seen of copies with one of their values.

    :param traits: what rows show beside.
    :param prefixes: what rules put before subjects.
    :param added: the number of bytes that rules may have added to the size of a message.
    :param encrypts: whether rules may have asked for encryption.
    """

    def __init__(
        self, block: Block, facts: Facts, traits: RowTraits, prefixes: SubjectPrefixes, added: int, encrypts: bool
    ) -> None:
        self._block = block
        self._facts = facts
        self._traits = traits
        self._prefixes = prefixes
        self._added = added
        self._encrypts = encrypts
        self._columns: dict[str, Column] = {}
        self._views: dict[tuple[str, int], tuple[RuleView, ...]] = {}
        self._with_prefixes: dict[int, tuple[RuleView, ...]] = {}

    @cached_property
    def blank(self) -> RuleView:
        """A message of which nothing is known."""
        return self._view(NOBODY, NOBODY)

    @cached_property
    def by_no_hop(self) -> RuleView:
        """A message with the address that rows have in place of a last hop."""
        return replace(self.blank, message=replace(self.blank.message, sender_ip=NO_HOP))

    @cached_property
    def usual(self) -> RuleView:
        """An ordinary message, behind rules that may have asked for encryption."""
        message = replace(self.blank.message, types=frozenset())
        return replace(
            self.blank, message=message, content=self.blank.content.with_changes(asked=self._encrypts, known={})
        )

    @cached_property
    def plain(self) -> RuleView:
        """A plain message; see :func:`.row_messages.plain`."""
        message = plain(self.usual.message)
        return replace(self.usual, message=message, content=first_content(message))

    @cached_property
    def unusual(self) -> RuleView:
        """A message of which it is open of which type it is, and how it arrives."""
        message = message_of_row(NOBODY, NOBODY)
        return replace(self.blank, message=message, content=first_content(message))

    def column(self, name: str) -> Column:
        """A column, or the pairs of sender and recipient, each with whether the sender signed in where that matters."""
        if name not in self._columns:
            self._columns[name] = self._read_column(name)
        return self._columns[name]

    def _read_column(self, name: str) -> Column:
        block = self._block
        people = [getattr(block, side) for side in ("sender", "recipient") if side in _SAYS[name]]
        if people:
            values = zip(*people, self._traits.authenticated, strict=True)
            return Column(values, block, name if name != "pair" else "")
        return Column(getattr(block, "from_ip" if name == "hop" else name), block, name if name == "subject" else "")

    def of_value(self, name: str, number: int) -> tuple[RuleView, ...]:
        """The views of a value, as the row shows it first: subjects also without prefixes, sizes also as they may have been.

        :param number: the value's number in the column.
        """
        views = self._views.get((name, number))
        if views is None:
            views = self._views[name, number] = self._read_views(name, self.column(name).places[number][0])
        return views

    def _read_views(self, name: str, place: int) -> tuple[RuleView, ...]:
        block = self._block
        says = _SAYS[name]
        known = {column: block.value(column, place) for column in says if column in ("subject", "from_ip", "size")}
        if "is_authenticated" in says:
            known["is_authenticated"] = self._traits.authenticated[place]
        shown = self._view(
            block.text("sender", place) if "sender" in says else NOBODY,
            block.text("recipient", place) if "recipient" in says else NOBODY,
            **known,
        )
        if name == "subject":
            subjects = self._prefixes.originals(block.text("subject", place))[1:]
            return (shown, *(_with_subject(shown, subject) for subject in subjects))
        if name == "size":
            sizes = self._sizes_of(block.size[place])
            return (shown, *(replace(shown, message=replace(shown.message, size=size)) for size in sizes))
        return (shown,)

    def with_prefixes(self, number: int) -> tuple[RuleView, ...]:
        """The views of a subject behind prefixes that its row does not show.

        :param number: the subject's number in its column.
        """
        views = self._with_prefixes.get(number)
        if views is None:
            views = self._with_prefixes[number] = tuple(
                _with_subject(rule_view, f"{prefix}{rule_view.content.subject}")
                for rule_view in self.of_value("subject", number)
                for prefix in self._prefixes.combinations
            )
        return views

    def _sizes_of(self, size: int) -> tuple[int, ...]:
        """The least and the greatest size that a rule may have seen, of a message of which a row has this one."""
        return () if size < 0 else (max(0, int(size / ENCODED) - self._added), int(size * ENCODED))

    def _view(self, sender: str, recipient: str, **known: object) -> RuleView:
        message = replace(message_of_row(sender, recipient, **known), protection=Protection())  # type: ignore[arg-type]
        person = recipient_of(recipient, self._facts)
        return RuleView(message, self._facts, first_content(message), person, Fork((person,)))


def _with_subject(rule_view: RuleView, subject: str) -> RuleView:
    """The view of the same message with another subject."""
    content = rule_view.content.with_changes(subject=subject, known={})
    return RuleView(rule_view.message, rule_view.facts, content, rule_view.recipient, rule_view.fork)
