# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules show others of mail that guarantees are about: in reports with the original mail, and in requests for approval.

Whether Exchange protects it there is not documented, so a guarantee is open for whoever sees it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..conditions.predicate import Reach
from ..input.guarantee_options import Guarantee
from ..model.facts import Facts
from ..rules.rule_set import RuleSet
from ..simulator.disclosures import Disclosure, disclosures
from ..symbolic.witness_replay import is_about, others_count
from .chain import Chain
from .groups import CopyGroup, Sorter
from .row_messages import NOBODY, message_of_row
from .side_effects import reached


class ShownMail:
    """Counts what the rules of a set show others, for guarantees.

    :param claims: the mail that the guarantees are about, as rules.
    """

    def __init__(self, chain: Chain, guarantees: Sequence[Guarantee], claims: RuleSet) -> None:
        self._chain = chain
        self._claims = claims.rules
        self._guarantees = [guarantee for guarantee in enumerate(guarantees) if guarantee[1].covers_disclosures]
        shown = list(disclosures(chain.rules.rules, chain.facts)) if self._guarantees else []
        self._disclosures = {
            rule.place: [disclosure for disclosure in shown if disclosure.rule is rule] for rule in chain.rules.rules
        }
        people = dict.fromkeys(disclosure.person.address for disclosure in shown)
        #: The guarantees that may be about mail of these people themselves, by the places of the guarantees.
        self._selected = {
            place: frozenset(who for who in people if may_select(claims, place, chain.facts, who))
            for place, _guarantee in self._guarantees
        }

    def unsettled(self, groups: Sequence[CopyGroup], sorter: Sorter) -> Counter[str]:
        """How often rules show somebody a message that counts for a guarantee, by the guarantee's name."""
        shown: set[tuple[str, str, int]] = set()
        asked: dict[tuple[str, int], set[int]] = {}
        for group in groups:
            claimed = {place for place, _why in group.met[len(sorter.chains)]}
            for disclosure in self._disclosures_of(group):
                who = disclosure.person.address
                messages = set(self._messages(group, disclosure, sorter))
                for place, guarantee in self._guarantees:
                    if others_count(guarantee, place in claimed, self._chain.facts, who) is not False:
                        shown.update((guarantee.name, who, message) for message in messages)
                    elif who in self._selected[place]:
                        asked.setdefault((who, place), set()).update(messages)
        names = dict(self._guarantees)
        shown.update(
            (names[place].name, who, message)
            for (who, place), messages in asked.items()
            for message in self._selecting(place, who, messages, sorter)
        )
        return Counter(name for name, _who, _message in shown)

    def _disclosures_of(self, group: CopyGroup) -> Iterator[Disclosure]:
        """To whom rules show the copies of a group."""
        if not group.made:
            for place, _why in reached(self._chain, group.met[0]):
                yield from self._disclosures[place]

    def _messages(self, group: CopyGroup, disclosure: Disclosure, sorter: Sorter) -> Iterator[int]:
        """The messages of a group that are from somebody whose mail a rule shows to a person, by their numbers."""
        block = sorter.block
        for place in group.places:
            sender = self._chain.facts.people.primary(block.text("sender", place))
            if not disclosure.senders or sender in disclosure.senders:
                yield block.message[place]

    def _selecting(self, place: int, who: str, messages: Iterable[int], sorter: Sorter) -> Iterator[int]:
        """The messages of which a guarantee may be about a copy that somebody gets, who was sent none or is a recipient.

        :param place: the place of the guarantee; :param:`messages`: the numbers of messages.
        """
        block, wanted = sorter.block, frozenset(messages)
        starts = {block.spans[place].start for place, message in enumerate(block.message) if message in wanted}
        sent = Sorter(block.with_made({start: [who] for start in starts}), self._chain.facts, [], self._claims)
        possible = sent.matches.met(self._claims[place]).possible
        for number, message in enumerate(sent.block.message):
            recipient = self._chain.facts.people.primary(sent.block.text("recipient", number))
            if possible >> number & 1 and recipient == who and message in wanted:
                yield message


def may_select(claims: RuleSet, place: int, facts: Facts, who: str) -> bool:
    """Whether a guarantee may be about a copy that somebody gets, as far as that depends on who it is.

    :param claims: the mail that guarantees are about; :param:`place`: the place of this one.
    """
    claim = claims.rules[place]
    conditions, exceptions = (
        [atom for atom in atoms if atom.reach is Reach.RECIPIENT]
        for atoms in (claim.criteria.conditions, claim.criteria.exceptions)
    )
    of_person = claim.with_criteria(conditions, exceptions)
    return is_about(claims, of_person, message_of_row(NOBODY, NOBODY), facts, who) is not False
