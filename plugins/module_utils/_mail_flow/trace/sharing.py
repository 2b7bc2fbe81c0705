# SPDX-License-Identifier: GPL-3.0-or-later
"""Who shares a copy with whom when it reaches a rule.

At first, all recipients of a message share one copy. A rule that acts on some of them alone splits it, as the simulator
says: whoever it treats alike stay together. Copies of one message are next to each other in a block, so what a rule says
of copies that are so many places apart is one operation on sets of bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..model import questions
from .columns import Block, bits_of
from .truth_sets import TruthSets, Unknown

#: Copies of one message that are further apart are not compared: who shares them is open.
MOST_APART = 64

#: Why a condition about all recipients is open: whether they share the copy.
SHARING = Unknown("semantics", questions.AUDIT_SPLITS)

#: Why a condition about sender and recipient is open: whether it applies to each recipient alone.
TO_WHOM = Unknown("semantics", questions.RELATION_TO_WHOM)

#: Why it is open what happens because of, or to, somebody whom a rule added: later rules may count them, or not.
BROUGHT = Unknown("semantics", questions.ADDED_RECIPIENTS)

#: Why it is open where a row of another recipient may be missing.
MISSING = Unknown("recipients")


@dataclass
class Neighbors:
    """The pairs of copies of one message.

    :param pairs: for each distance up to :data:`MOST_APART`: the copies whose neighbor at that distance, which comes
        after them, is of the same message.
    :param crowded: the copies of messages with copies further apart than that.
    """

    pairs: tuple[int, ...]
    crowded: int

    @classmethod
    def of_block(cls, block: Block) -> Neighbors:
        """The pairs in a block."""
        longest = max((len(span) for span in block.spans), default=0)
        pairs = tuple(
            bits_of((place for place, span in enumerate(block.spans) if place + distance < span.stop), len(block))
            for distance in range(1, min(longest, MOST_APART + 1))
        )
        crowded = (place for place, span in enumerate(block.spans) if len(span) > MOST_APART + 1)
        return cls(pairs, bits_of(crowded, len(block)) if longest > MOST_APART + 1 else 0)


@dataclass
class Sharing:
    """Who shares a copy with whom.

    :param sure: for each distance, the copies that certainly share one with their neighbor, and :param:`perhaps` these
        and those that may.
    """

    block: Block
    neighbors: Neighbors
    sure: list[int] = field(default_factory=list)
    perhaps: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.perhaps = list(self.neighbors.pairs)
        self.sure = list(self.neighbors.pairs)

    def doubted(self, copies: int) -> Sharing:
        """This sharing, where it is open whether some copies share one with any other."""
        for index, distance in enumerate(range(1, len(self.sure) + 1)):
            self.sure[index] &= ~(copies | (copies >> distance))
        return self

    def lacking(self, copies: int) -> Sharing:
        """This sharing without some copies, which nobody shares."""
        for index, distance in enumerate(range(1, len(self.sure) + 1)):
            self.perhaps[index] &= ~(copies | (copies >> distance))
        return self.doubted(copies)

    def after_rules(self, rules: Iterable[tuple[TruthSets, bool]]) -> Sharing:
        """This sharing after some rules.

        :param rules: the copies that each matches, and whether it surely parts those that it matches from the others.
        """
        for truth, parts in rules:
            true, possible = truth.true, truth.possible
            if not possible:
                continue
            open_ = possible & ~true
            for index, distance in enumerate(range(1, len(self.sure) + 1)):
                differ, doubt = true ^ (true >> distance), open_ | (open_ >> distance)
                self.sure[index] &= ~(differ | doubt)
                if parts:
                    self.perhaps[index] &= ~(differ & ~doubt)
        return self

    def of_any(self, own: TruthSets) -> TruthSets:
        """The copies that share one for which something is true, or open.

        :param own: the same of each copy alone.
        """
        block, made = self.block, self.block.made
        true, possible = own.true, own.possible
        real, may_be, added = true & ~made, possible, possible & made
        sure = perhaps = brought = 0
        for index, distance in enumerate(range(1, len(self.sure) + 1)):
            both, either = self.sure[index], self.perhaps[index]
            sure |= ((real >> distance) & both) | ((real & both) << distance)
            perhaps |= ((may_be >> distance) & either) | ((may_be & either) << distance)
            brought |= ((added >> distance) & either) | ((added & either) << distance)
        crowd = block.whole_messages(possible & self.neighbors.crowded)
        decided = block.every_copy & ~(possible & ~true)
        truth = TruthSets(true | sure, {why: bits & ~sure for why, bits in own.open.items() if bits & ~sure})
        truth = truth.opened((perhaps | crowd) & decided & ~truth.true, SHARING)
        # Whether later rules count somebody whom a rule added is open; so it is for what a rule added.
        truth = truth.opened((brought & decided & ~(true | sure)) | (truth.possible & made), BROUGHT)
        decided = block.every_copy & ~(truth.possible & ~truth.true)
        return truth.opened(block.partial & decided & ~truth.true, MISSING)

    def of_each(self, own: TruthSets) -> TruthSets:
        """The copies for which something is true, or open, that may apply to each recipient alone, or to all.

        :param own: the same of each copy alone.
        """
        true, open_ = own.true, own.possible & ~own.true
        differing = 0
        for index, distance in enumerate(range(1, len(self.perhaps) + 1)):
            either = self.perhaps[index]
            differ = ((true ^ (true >> distance)) | open_ | (open_ >> distance)) & either
            differing |= differ | (differ << distance)
        decided = self.block.every_copy & ~open_
        mixed = self.block.whole_messages(own.possible & self.neighbors.crowded)
        truth = own.opened((differing | mixed) & decided, TO_WHOM)
        decided = self.block.every_copy & ~(truth.possible & ~truth.true)
        return truth.opened(self.block.partial & decided, MISSING)
