# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies of a block are ordinary mail, whose sender signed in, and whose people have no address, as sets of bits."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from ..model.addresses import is_name
from ..model.facts import Facts
from ..model.inside import leaves
from .columns import Block, bits_of
from .row_messages import authenticated
from .sought_texts import SubjectPrefixes

#: How programs begin the subjects of automatic replies, and of answers to meeting requests and requests for receipts.
_AUTOMATIC = re.compile(
    r"\s*(automatic reply|automatische antwort|réponse automatique|respuesta automática|risposta automatica|automatisch antwoord"
    r"|accepted|declined|tentative|canceled|read|not read)\s*:",
    re.IGNORECASE,
)

#: The types of messages whose rows show that they are automatic, and of those that came from outside and leave again.
_AUTOMATIC_REPLY, _FORWARDED = frozenset(("OOF",)), frozenset(("AutoForward",))


class RowTraits:
    """What the rows of a block show of their copies beside what conditions look at.

    :param prefixes: what rules put before subjects.
    """

    def __init__(self, block: Block, facts: Facts, prefixes: SubjectPrefixes) -> None:
        self._block = block
        self._facts = facts
        self._prefixes = prefixes

    @cached_property
    def authenticated(self) -> list[bool | None]:
        """Whether each copy's message came over an authenticated connection; ``None`` if unknown."""
        block = self._block
        known: dict[tuple[int, int], bool | None] = {}
        pairs = list(zip(block.sender, block.from_ip, strict=True))
        for place, pair in enumerate(pairs):
            if pair not in known:
                known[pair] = authenticated(block.text("sender", place), block.text("from_ip", place), self._facts)
        return [known[pair] for pair in pairs]

    @cached_property
    def without_hop(self) -> int:
        """The copies of messages that have no last hop before the service: mailboxes of the organization sent them."""
        known = self.authenticated
        return self._where(lambda place: known[place] is True)

    @cached_property
    def without_sender(self) -> int:
        """The copies whose rows have no sender's address."""
        named = [is_name(text) for text in self._block.texts["sender"]]
        return self._where(lambda place: named[self._block.sender[place]])

    @cached_property
    def without_recipient(self) -> int:
        """The copies that rules would make for somebody whose address is not known."""
        named = [is_name(text) for text in self._block.texts["recipient"]]
        return self._where(lambda place: named[self._block.recipient[place]])

    @cached_property
    def special_by_types(self) -> dict[frozenset[str], int]:
        """The copies whose rows show that they are no ordinary mail, by what they most likely are: automatic mail, which
        has no return path or a subject that says so, also behind prefixes of rules, and mail from outside that leaves
        again.
        """
        block = self._block
        subjects = {
            number
            for number in set(block.subject)
            if number >= 0 and any(map(_AUTOMATIC.match, self._prefixes.originals(block.texts["subject"][number])))
        }
        automatic = self.without_sender | self._where(lambda place: block.subject[place] in subjects)
        from_outside = self._outside("sender")
        to_outside = self._outside("recipient")
        forwarded = self._where(
            lambda place: block.sender[place] in from_outside and block.recipient[place] in to_outside
        )
        return {_AUTOMATIC_REPLY: automatic, _FORWARDED: forwarded & ~automatic}

    @cached_property
    def special(self) -> int:
        """The copies whose rows show that they are no ordinary mail."""
        special = 0
        for bits in self.special_by_types.values():
            special |= bits
        return special

    def _outside(self, name: str) -> set[int]:
        """The numbers of a column's people who are outside."""
        texts = self._block.texts[name]
        primary = self._facts.people.primary
        return {
            number
            for number in set(getattr(self._block, name))
            if not is_name(texts[number]) and leaves(self._facts, primary(texts[number])) is True
        }

    def _where(self, is_so: Callable[[int], bool]) -> int:
        return bits_of(filter(is_so, range(len(self._block))), len(self._block))
