# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do to the copies of a trace, in numbers, and what other rule sets would change.

Two things are assumed because no row says them: a message arrives in clear, and is an ordinary one, not forwarded mail,
an automatic reply or a meeting item, unless its row shows that it may be one.

A rule that several rule sets have is decided once for all of them. A rule set whose rules a copy meets in the same order
as the present ones changes nothing for it.
"""

from __future__ import annotations

import datetime
from bisect import insort
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from ..analyses.aspects import DifferenceKind, Kinds
from ..analyses.verifier import claims_of
from ..budget import bounded
from ..input.guarantee_options import Guarantee
from ..model.addresses import domain
from ..model.facts import Facts
from ..model.inside import leaves
from ..model.kleene import Truth, all_of
from ..model.message import Message
from ..model.outcomes import Fate
from ..model.reason_kinds import UntracedKind
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.copy_result import CopyResult
from ..simulator.state import Course
from ..symbolic.witness_replay import surely_breaks, surely_keeps
from .chain import Chain
from .changed_copies import Changes, changes_of_made, remembered_changes
from .columns import Block, blocks_of, places_of
from .copies_by_rules import (
    AlikeCopies,
    CopyOrigins,
    MetBy,
    PassedRuleSet,
    alike_copies,
    copies_by_rules,
    course_of,
    message_of_copies,
)
from .delivered import RulesInEffect
from .followed_copies import FollowedCopies
from .groups import CopyGroup, Sorter
from .plain_copies import plain_group
from .row_messages import plain as plain_message
from .rows import SENT, Trace, instant_of, left_out
from .sharing import BROUGHT, MISSING
from .shown_mail import ShownMail
from .side_effects import side_effects_of, with_change_of_side_effects
from .truth_sets import DLP_AND_LABELS, ENVELOPE, FROM_IP, Doubt, RulesMet, Unknown

#: Fate, protection, and the rules and the DLP rules that protect.
OutcomeKey: TypeAlias = tuple[Fate, str, tuple[str, ...], tuple[str, ...]]

#: How a copy counts in the tables of days and domains.
COVERAGE = ("protected", "not_by_rules", "undecided", "not_delivered")
PROTECTED, NOT_BY_RULES, UNDECIDED, NOT_DELIVERED = COVERAGE

#: What is taken for granted of some copies only: of those without a size, of delivered ones, and of those from mailboxes.
OF_SIZES, OF_DELIVERY, OF_MAILBOXES = "size", "delivered", "mailboxes"

#: The steps for the copies of a block that meet different rules: whoever sends mail chooses subjects, and so which rules
#: copies meet. The most frequent ones are followed first.
STEPS_OF_BLOCK = 8_000_000


@dataclass(frozen=True, order=True)
class Example:
    """A copy as an example in a result, newest first."""

    age: int
    sender: str
    recipient: str
    subject: str

    def described(self) -> dict[str, str]:
        """Its row, as results have it."""
        return {
            "from": self.sender,
            "to": self.recipient,
            "subject": self.subject,
            "received": instant_of(-self.age).isoformat().replace("+00:00", "Z"),
        }


@dataclass
class Tally:
    """Some copies, counted.

    :param certain: recipient's domain to copies, and so :param:`possible`.
    :param rules: names of rules, in the order of the rules.
    :param because: why the possible ones are no more than that.
    :param plain: how many of the possible ones are certain if they are plain mail, and :param:`plain_possible` how many are
        possible even so.
    """

    certain: Counter[str] = field(default_factory=Counter)
    possible: Counter[str] = field(default_factory=Counter)
    senders: set[int] = field(default_factory=set)
    rules: dict[str, None] = field(default_factory=dict)
    because: set[UntracedKind] = field(default_factory=set)
    examples: list[Example] = field(default_factory=list)
    plain: int = 0
    plain_possible: int = 0


@dataclass
class Tallies:
    """What was counted.

    :param outcomes: outcome to copies; :param:`undecided` the reason.
    :param plain: the same of undecided copies, if they are plain mail. Their rules would have to find something in the content
        for anything else.
    :param left_out: reason to copies; :param:`perhaps_twice` see :class:`Trace`.
    :param difference: kind to copies.
    :param kept: guarantee's name to the copies that keep it, and so the others.
    :param days: day and how the copy counts (:data:`COVERAGE`) to copies, and :param:`domains`.
    :param assumed: the numbers of the guesses that were taken for answers.
    :param changed: the copies with a difference of any kind, each once.
    :param premises: what is taken for granted of some copies only (:data:`OF_SIZES`, :data:`OF_DELIVERY`, :data:`OF_MAILBOXES`),
        to how many these are.
    :param encrypted: the messages of which rules certainly encrypt a copy, and :param:`perhaps_encrypted` these and those of
        which they may.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told.
    """

    copies: int = 0
    messages: int = 0
    recipients: int = 0
    outcomes: dict[OutcomeKey, Tally] = field(default_factory=dict)
    undecided: dict[Unknown, Tally] = field(default_factory=dict)
    plain: dict[OutcomeKey, Tally] = field(default_factory=dict)
    perhaps_twice: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    difference: dict[DifferenceKind, Tally] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)
    broken: dict[str, Tally] = field(default_factory=dict)
    unsettled: Counter[str] = field(default_factory=Counter)
    days: Counter[tuple[datetime.date, str]] = field(default_factory=Counter)
    domains: Counter[tuple[str, str]] = field(default_factory=Counter)
    assumed: set[str] = field(default_factory=set)
    changed: Tally = field(default_factory=Tally)
    premises: Counter[str] = field(default_factory=Counter)
    encrypted: int = 0
    perhaps_encrypted: int = 0
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True)
class _OpenGroup:
    """Copies of which something is open.

    :param of_rows: the group without copies that rules may have made.
    :param followed: what becomes of them under each rule set.
    :param changes: the kinds of change that are certain, and those that are possible.
    """

    group: CopyGroup
    of_rows: CopyGroup
    followed: Sequence[FollowedCopies]
    changes: tuple[Kinds, Kinds]


class Replay:
    """Passes copies through rules.

    :param rules: the rules, and :param:`before` others to compare them with.
    :param facts_before: the facts about the organization under the others.
    :param examples: the number of copies that each row names.
    :param present: which are the organization's own: 0 for the rules, -1 for the others where there are some.
    :param since: for each of its own rules, since when it and all rules before it are as they are now, in microseconds; ``None``
        where that is not known. Without any, that copies were delivered tells nothing.
    """

    def __init__(
        self,
        rules: RuleSet,
        facts: Facts,
        before: RuleSet | None = None,
        facts_before: Facts | None = None,
        guarantees: Sequence[Guarantee] = (),
        examples: int = 0,
        present: int = 0,
        since: Sequence[int | None] = (),
    ) -> None:
        self.facts = facts
        self.guarantees = guarantees
        self.examples = examples
        self._present = present
        self.chains = [
            Chain(
                RuleSet.read(rule_set, facts.dialect), known, with_side_effects=before is not None or bool(guarantees)
            )
            for rule_set, known in ((rules, facts), (before, facts_before or facts))
            if rule_set is not None
        ]
        about = len(self.chains) - 1 if present else 0
        self._in_effect = RulesInEffect(about, since) if since else None
        claims = claims_of([guarantee.selection for guarantee in guarantees], facts.dialect)
        self._claims = claims.rules
        self._shown = ShownMail(self.chains[0], guarantees, claims)
        self._common = frozenset.intersection(*(frozenset(chain.identities.complete) for chain in self.chains))
        self._changes = remembered_changes()
        self._passed = [PassedRuleSet(chain, about, _met_in(about)) for about, chain in enumerate(self.chains)]
        #: For each rule set, the numbers of its rules: equal where these have equal identities.
        self._numbers = _numbered([chain.identities.complete for chain in self.chains])

    def run(self, trace: Trace) -> Tallies:
        """What happens to the copies of a trace."""
        tallies = Tallies(
            copies=len(trace),
            messages=len(trace.texts["message"].listed),
            recipients=len(trace.texts["recipient"].listed),
            perhaps_twice=trace.perhaps_twice,
            unseen=self.facts.encrypters.unseen,
        )
        tallies.broken = {guarantee.name: Tally() for guarantee in self.guarantees}
        for block in blocks_of(trace):
            self._add(block, tallies)
        return tallies

    def _add(self, block: Block, tallies: Tallies) -> None:
        """Counts the copies of a block."""
        sorter = Sorter.with_made_copies(block, self.facts, self.chains, self._claims, in_effect=self._in_effect)
        block = sorter.block
        reasons = reasons_left_out(block)
        tallies.left_out.update(filter(None, reasons))
        included = [not reason for reason in reasons]
        groups = sorted(sorter.groups(included), key=CopyGroup.rank)
        made_up = frozenset(places_of(block.made))
        tallies.premises[OF_SIZES] += sum(
            size < 0 and here and place not in made_up
            for place, (size, here) in enumerate(zip(block.size, included, strict=True))
        )
        tallies.premises[OF_MAILBOXES] += sorter.resting_on_no_hop(included)
        tallies.premises[OF_DELIVERY] += sorter.told_by_delivery
        encrypted: dict[bool, set[int]] = {True: set(), False: set()}
        with bounded(STEPS_OF_BLOCK):
            made = copies_by_rules(sorter, groups, self._passed)
            rows: dict[int, Sequence[FollowedCopies]] = {}
            open_groups: list[_OpenGroup] = []
            for number, group in enumerate(groups):
                if group.made:
                    continue
                message, person = sorter.message(group.places[0])
                followed = rows[number] = [
                    chain.follower.follow(met, self._common, message, person, group.alike, dlp)
                    for chain, met, dlp in zip(self.chains, group.met, group.dlp, strict=False)
                ]
                here = _domains_of(group.places, block)
                self._count(followed[0], group, here, block, tallies)
                by_rules = None if group.brought else followed[self._present].encrypted
                if by_rules is not False:
                    encrypted[by_rules is True].update(block.message[place] for place in group.places)
                of_rows = without(group, made)
                changes = self._changes_of(followed, of_rows.met, of_rows)
                if not group.brought and (followed[0].undecided or changes[1]):
                    open_groups.append(_OpenGroup(group, of_rows, followed, changes))
                else:
                    self._add_changes_of(changes, changes, followed, of_rows, block, tallies)
                self._judge(followed[0], group, here, block, tallies)
        with bounded(STEPS_OF_BLOCK):
            of_plain_mail = self._made_of_plain_mail(groups, made, sorter)
            for copies in alike_copies(made, groups, block):
                self._add_made(copies, of_plain_mail.get(copies.places[0]), groups, rows, block, tallies)
        with bounded(STEPS_OF_BLOCK):
            for open_group in open_groups:
                if_plain = self._add_plain(open_group, sorter, tallies)
                self._add_changes_of(
                    open_group.changes, if_plain, open_group.followed, open_group.of_rows, block, tallies
                )
        tallies.unsettled.update(self._shown.unsettled(groups, sorter))
        tallies.assumed |= sorter.conditions.assumed
        # A block splits no message.
        tallies.encrypted += len(encrypted[True])
        tallies.perhaps_encrypted += len(encrypted[True] | encrypted[False])

    def _made_of_plain_mail(
        self, groups: Sequence[CopyGroup], made: Mapping[int, CopyOrigins], sorter: Sorter
    ) -> Mapping[int, CopyOrigins]:
        """The copies that rules make if all copies are plain mail, by their places in the block.

        :param made: those that they make, or may, of whatever the copies are.
        """
        if not made or len(self.chains) < 2:
            return made
        plain = [plain_group(group, sorter.matches, len(sorter.block)) for group in groups]
        if not any(plain):
            return made
        as_plain = [known.group if known else group for known, group in zip(plain, groups, strict=True)]
        return copies_by_rules(sorter, as_plain, self._passed)

    def _add_made(
        self,
        copies: AlikeCopies,
        if_plain: CopyOrigins | None,
        groups: Sequence[CopyGroup],
        rows: Mapping[int, Sequence[FollowedCopies]],
        block: Block,
        tallies: Tallies,
    ) -> None:
        """Counts copies that rules make, and those of rows that rules may have made.

        :param if_plain: how they are made if the copies of rows are plain mail; ``None`` if they are not.
        """
        here = _domains_of(copies.places, block)
        group = groups[copies.group]
        if len(self.chains) > 1:
            after, before = copies.ways.made
            certain, possible = changes_of_made(before, after, rows.get(copies.group), self._changes, self.facts)
            names = [
                name
                for group_number in sorted({copies.group, *copies.ways.origins})
                for name in self._differing(groups[group_number])
            ]
            changes = (Kinds(), certain | possible) if copies.doubtful else (certain, possible)
            because = _because(rows.get(copies.group, ()), MISSING if copies.doubtful else group.brought or BROUGHT)
            changes_of_plain = changes
            if group.made and not copies.doubtful:
                after, before = if_plain.made if if_plain else ({}, {})
                changes_of_plain = changes_of_made(before, after, None, self._changes, self.facts)
            self._add_changes(changes, changes_of_plain, names, because, copies.places, here, block, tallies)
        if group.made:
            self._judge_made(copies, groups, here, block, tallies)

    def _judge_made(
        self,
        copies: AlikeCopies,
        groups: Sequence[CopyGroup],
        here: Counter[str],
        block: Block,
        tallies: Tallies,
    ) -> None:
        """Counts who keeps the guarantees about copies that rules make."""
        course, message = course_of(copies.ways.made[0].values()), message_of_copies(copies.ways.made[0].values())
        if course is None or message is None:
            return
        for guarantee, sure in self._claimed(copies, groups):
            keeps = self._keeps(guarantee, course, message, sure) if not copies.doubtful else None
            self._add_judged(guarantee, keeps, here, copies.places, block, tallies)

    def _claimed(self, copies: AlikeCopies, groups: Sequence[CopyGroup]) -> Iterator[tuple[Guarantee, bool]]:
        """What copies that rules make have to keep, and whether that is certain."""
        own = dict(groups[copies.group].met[len(self.chains)])
        origins, intermediate = (
            [dict(groups[number].met[len(self.chains)]) for number in sorted(numbers)]
            for numbers in (copies.ways.origins, copies.ways.intermediate[0])
        )
        for place, guarantee in enumerate(self.guarantees):
            claim = _claim(place, guarantee, own, origins, intermediate, partial(leaves, self.facts, copies.address))
            if claim:
                yield claim

    def _count(
        self, followed: FollowedCopies, group: CopyGroup, here: Counter[str], block: Block, tallies: Tallies
    ) -> None:
        """Counts what becomes of the copies of a group.

        :param here: the recipients' domains of the copies.
        """
        outcome = followed.outcome
        if followed.undecided or group.brought:
            how = UNDECIDED
            why, rules = (group.brought, ()) if group.brought and not followed.undecided else followed.because
            self._add_undecided(why, rules, group, block, tallies)
        else:
            how = _coverage(outcome)
            key = _outcome_key(outcome)
            self._add_to(tallies.outcomes.setdefault(key, Tally()), here, group.places, block)
        for name, count in here.items():
            tallies.domains[name, how] += count
        for day, count in Counter(block.received[place] // 86_400_000_000 for place in group.places).items():
            tallies.days[instant_of(day * 86_400_000_000).date(), how] += count

    def _add_undecided(
        self, why: Unknown, rules: Sequence[int], group: CopyGroup, block: Block, tallies: Tallies
    ) -> None:
        """Counts copies of which something is open, those apart whose rows do not say where they came from."""
        parts: dict[Unknown, list[int]] = {}
        for place in group.places:
            hopless = why.kind == ENVELOPE and block.text("from_ip", place) in ("", SENT)
            parts.setdefault(replace(why, kind=FROM_IP) if hopless else why, []).append(place)
        for unknown, places in parts.items():
            tally = tallies.undecided.setdefault(unknown, Tally())
            tally.rules.update(dict.fromkeys(self.chains[0].rules.rules[place].name for place in rules))
            self._add_to(tally, _domains_of(places, block), places, block)

    def _changes_of(
        self, followed: Sequence[FollowedCopies], met: Sequence[RulesMet], group: CopyGroup
    ) -> tuple[Kinds, Kinds]:
        """The certain and the possible kinds of change between what becomes of copies under both rule sets.

        :param met: the rules that they meet.
        """
        if len(followed) == 1:
            return Kinds(), Kinds()
        after, before = followed
        now, then = (side_effects_of(chain, met_rules) for chain, met_rules in zip(self.chains, met, strict=False))
        certain, possible = with_change_of_side_effects(self._changes(before, after), then, now)
        return (frozenset(), certain | possible) if group.brought else (certain, possible)

    def _add_changes_of(
        self,
        changes: tuple[Kinds, Kinds],
        if_plain: tuple[Kinds, Kinds],
        followed: Sequence[FollowedCopies],
        group: CopyGroup,
        block: Block,
        tallies: Tallies,
    ) -> None:
        """Counts the changes of the copies of a group; see :meth:`_add_changes`."""
        if any(changes) or any(if_plain):
            here, because = _domains_of(group.places, block), _because(followed, group.brought)
            self._add_changes(changes, if_plain, self._differing(group), because, group.places, here, block, tallies)

    def _add_plain(self, open_group: _OpenGroup, sorter: Sorter, tallies: Tallies) -> tuple[Kinds, Kinds]:
        """Counts what becomes of open copies if they are plain mail, and returns what then changes of them: the certain kinds of
        change, and the possible ones.
        """
        group = open_group.group
        followed = open_group.followed
        plain = plain_group(group, sorter.matches, len(sorter.block))
        if plain is None:
            return open_group.changes
        message, person = sorter.message(group.places[0])
        as_plain = [
            chain.follower.follow(met, self._common, plain_message(message), person, plain.group.alike, dlp)
            for chain, met, dlp in zip(self.chains, plain.group.met, group.dlp, strict=False)
        ]
        if followed[0].undecided and not as_plain[0].undecided:
            outcome = as_plain[0].outcome
            key = _outcome_key(outcome)
            tally = tallies.plain.setdefault(key, Tally())
            deciding = plain.deciding(0, followed[0], as_plain[0])
            tally.rules.update(dict.fromkeys(self.chains[0].rules.rules[place].name for place in deciding))
            tally.because.update(plain.settled[0][place] for place in deciding)
            if any(why.kind == DLP_AND_LABELS for why, _steps in followed[0].end.because):
                tally.because.add(DLP_AND_LABELS)
            self._add_to(tally, _domains_of(group.places, sorter.block), group.places, sorter.block)
        return self._changes_of(as_plain, plain.group.met, group)

    def _add_changes(
        self,
        changes: tuple[Kinds, Kinds],
        if_plain: tuple[Kinds, Kinds],
        rules: Iterable[str],
        because: Iterable[UntracedKind],
        places: Sequence[int],
        here: Counter[str],
        block: Block,
        tallies: Tallies,
    ) -> None:
        """Counts the changes of copies, those that are not certain also as changes of plain copies.

        :param changes: the kinds of change that are certain, and those that are possible.
        :param if_plain: the same if the copies are plain mail; equal where nothing more is known of plain mail.
        """
        certain, possible = changes
        surely, perhaps = if_plain
        # Where plain copies are not followed to their ends either, everything stays possible.
        still_possible = possible - surely if DifferenceKind.UNKNOWN in perhaps else possible & perhaps
        if certain:
            tallies.changed.certain.update(here)
        elif possible or surely:
            tallies.changed.possible.update(here)
            tallies.changed.plain += len(places) if surely else 0
            tallies.changed.plain_possible += len(places) if perhaps and not surely else 0
        # What is certain only of plain copies is possible of all: they were not followed to their ends.
        for kind in certain | possible | surely:
            tally = tallies.difference.setdefault(kind, Tally())
            tally.plain += len(places) if kind in surely - certain else 0
            tally.plain_possible += len(places) if kind in still_possible else 0
            tally.rules.update(dict.fromkeys(rules))
            tally.because.update(because if kind not in certain else ())
            self._add_to(tally, here, places, block, certain=kind in certain)

    def _differing(self, group: CopyGroup) -> list[str]:
        """The names of the rules that copies meet under one rule set but not, or not in the same way, under the other."""
        met = [
            {(numbers[place], why): chain.rules.rules[place] for place, why in met_rules}
            for chain, numbers, met_rules in zip(self.chains, self._numbers, group.met, strict=False)
        ]
        return [rule.name for one, other in (met, met[::-1]) for what, rule in one.items() if what not in other]

    def _judge(
        self, followed: FollowedCopies, group: CopyGroup, here: Counter[str], block: Block, tallies: Tallies
    ) -> None:
        """Counts who keeps the guarantees about these copies."""
        for place, why in group.met[len(self.chains)]:
            guarantee = self.guarantees[place]
            end = followed.end
            keeps = self._keeps(guarantee, end.course, end.message, why is None) if not group.brought else None
            self._add_judged(guarantee, keeps, here, group.places, block, tallies)

    def _keeps(self, guarantee: Guarantee, course: Course, message: Message, sure: bool) -> bool | None:
        """Whether a copy keeps a guarantee; ``None`` if that is open.

        :param sure: whether the guarantee is certainly about it.
        """
        if surely_keeps(course, guarantee, message, self.facts):
            return True
        return False if sure and surely_breaks(course, guarantee, message, self.facts) else None

    def _add_judged(
        self,
        guarantee: Guarantee,
        keeps: bool | None,
        here: Counter[str],
        places: Sequence[int],
        block: Block,
        tallies: Tallies,
    ) -> None:
        """Counts copies that keep a guarantee, that break it, or of which that is open."""
        if keeps:
            tallies.kept[guarantee.name] += len(places)
        elif keeps is False:
            self._add_to(tallies.broken[guarantee.name], here, places, block)
        else:
            tallies.unsettled[guarantee.name] += len(places)

    def _add_to(
        self, tally: Tally, here: Counter[str], places: Sequence[int], block: Block, *, certain: bool = True
    ) -> None:
        """Counts copies as certain or possible ones, and keeps the newest as examples.

        :param here: the recipients' domains of the copies.
        """
        (tally.certain if certain else tally.possible).update(here)
        tally.senders.update(block.sender[place] for place in places)
        for place in places if self.examples else ():
            if len(tally.examples) < self.examples or -block.received[place] <= tally.examples[-1].age:
                insort(
                    tally.examples,
                    Example(
                        -block.received[place],
                        *(block.text(name, place) for name in ("sender", "recipient", "subject")),
                    ),
                )
                del tally.examples[self.examples :]


def _claim(
    place: int,
    guarantee: Guarantee,
    own: Mapping[int, Doubt | None],
    origins: Sequence[Mapping[int, Doubt | None]],
    intermediate: Sequence[Mapping[int, Doubt | None]],
    goes: Callable[[], Truth],
) -> tuple[Guarantee, bool] | None:
    """What a copy that rules make has to keep because of a guarantee, and whether that is certain; ``None`` if nothing.

    :param place: the guarantee's.
    :param own: the guarantees whose mail the copy is, with what is open of that; :param:`origins` those of the copies of rows that it is
        made of, and :param:`intermediate` those of the copies that rules make first, and this one of them.
    :param goes: whether it leaves the organization.
    """
    if place in own and own[place] is None:
        return guarantee, True
    of_copies, asked = guarantee.of_copies, guarantee.added_copy_counts_if(goes)
    if (
        of_copies
        and asked is not None
        and False not in asked
        and any(place in met for met in (*origins, *intermediate))
    ):
        return of_copies, all_of(asked) is True and all(met.get(place, BROUGHT) is None for met in origins)
    return (guarantee, False) if place in own else None


def _numbered(identities: Iterable[Iterable[Hashable]]) -> list[list[int]]:
    """Numbers for what is slow to compare: equal where it is."""
    known: dict[Hashable, int] = {}
    return [[known.setdefault(identity, len(known)) for identity in of_one] for of_one in identities]


def _because(followed: Iterable[FollowedCopies], brought: Unknown | None) -> set[UntracedKind]:
    """Why it is open how copies differ between rule sets.

    :param followed: what becomes of them under each.
    """
    ends = [copies.end for copies in followed]
    kinds: set[UntracedKind] = {why.kind for end in ends if end.is_open for why, _steps in end.because}
    return (kinds | ({brought.kind} if brought else set())) or {"semantics"}


def _outcome_key(outcome: CopyResult) -> OutcomeKey:
    """What copies with one outcome have in common."""
    return outcome.fate, outcome.protection, outcome.protected_by, outcome.protected_by_dlp


def _coverage(outcome: CopyResult) -> str:
    """How a copy of which nothing is open counts, one of :data:`COVERAGE`. DLP rules are no rules here."""
    if not outcome.is_delivered:
        return NOT_DELIVERED
    by_dlp_alone = bool(outcome.protected_by_dlp) and not outcome.protected_by
    return NOT_BY_RULES if outcome.is_in_clear or by_dlp_alone else PROTECTED


def without(group: CopyGroup, made: Mapping[int, CopyOrigins]) -> CopyGroup:
    """A group without the copies that rules may have made."""
    return replace(group, places=[place for place in group.places if place not in made]) if made else group


def reasons_left_out(block: Block) -> list[str]:
    """Why copies are left out; empty for those that are replayed, and for those that rules make."""
    made = frozenset(places_of(block.made))
    return [
        "" if place in made else left_out(block.text("status", place), block.text("sender", place))
        for place in range(len(block))
    ]


def _met_in(about: int) -> MetBy:
    """Says which rules of the rule set with this number the copies of a group meet."""
    return lambda group: group.met[about]


def _domains_of(places: Iterable[int], block: Block) -> Counter[str]:
    """The recipients' domains of copies."""
    numbers = Counter(block.recipient[place] for place in places)
    domains: Counter[str] = Counter()
    for number, count in numbers.items():
        domains[domain(block.texts["recipient"][number])] += count
    return domains


@dataclass(frozen=True)
class CopyCount:
    """How many copies are, and how many more may be, treated differently in one way."""

    certain: int
    possible: int


def alternatives(
    present: RuleSet, others: Sequence[RuleSet], facts: Facts, trace: Trace, since: Sequence[int | None] = ()
) -> list[dict[DifferenceKind, CopyCount]]:
    """What each of some other rule sets would change: kind of difference to copies, the most important first.

    The same is assumed as for a replay.

    :param since: as :class:`Replay` has it, of the present rules.
    """
    if not others:
        return []
    chains = [Chain(RuleSet.read(rules, facts.dialect), facts, with_side_effects=True) for rules in (present, *others)]
    rules: dict[Hashable, FlowRule] = {}
    now, *then = (_NumberedRules(chain, rules) for chain in chains)
    every = chains[0].rules.with_rules(replace(rule, place=number) for number, rule in enumerate(rules.values()))
    pool = Chain(every, facts, with_side_effects=True)
    # A rule of the pool is where it is in the rule set that has it.
    pool.identities.earlier = tuple(earlier for side in (now, *then) for earlier in side.earlier)
    pool.identities.changes = tuple(changes for side in (now, *then) for changes in side.changes)
    pairs = [
        _Pair(now, other, frozenset(now.chain.identities.complete) & frozenset(other.chain.identities.complete))
        for other in then
    ]
    # The first rules of the pool are the present ones.
    of_others = [None] * (len(rules) - len(now.places))
    in_effect = RulesInEffect(0, [*since, *of_others]) if since else None
    for block in blocks_of(trace):
        sorter = Sorter.with_made_copies(block, facts, [pool], in_effect=in_effect)
        groups = sorted(sorter.groups([not reason for reason in reasons_left_out(sorter.block)]), key=CopyGroup.rank)
        with bounded(STEPS_OF_BLOCK):
            for pair in pairs:
                pair.add(groups, sorter)
    return [
        {
            kind: CopyCount(pair.certain[kind], pair.possible[kind])
            for kind in DifferenceKind
            if pair.certain[kind] or pair.possible[kind]
        }
        for pair in pairs
    ]


class _NumberedRules:
    """A rule set, with the numbers of its rules among those of all rule sets.

    :param rules: all of these so far; those that are new are added. A rule that is there twice counts twice, as what it
        does may add up.
    """

    def __init__(self, chain: Chain, rules: dict[Hashable, FlowRule]) -> None:
        self.chain = chain
        times: Counter[Hashable] = Counter()
        keys = []
        for identity in chain.identities.complete:
            times[identity] += 1
            keys.append((identity, times[identity]))
        new = [(key, rule) for key, rule in zip(keys, chain.rules.rules, strict=True) if key not in rules]
        rules.update(new)
        known = {key: number for number, key in enumerate(rules)}
        self.places = {known[key]: place for place, key in enumerate(keys)}
        #: For each rule that it has first: the numbers of the earlier ones that split copies, or add people.
        self.earlier = [
            tuple(known[keys[place]] for place in chain.identities.earlier[self.places[known[key]]])
            for key, _rule in new
        ]
        self.changes = [chain.identities.changes[self.places[known[key]]] for key, _rule in new]

    def met(self, met: Sequence[tuple[int, Doubt | None]]) -> list[tuple[int, int, Doubt | None]]:
        """The places of the rules that copies meet, first to last, their numbers, and why that is open.

        :param met: the numbers of all rules that they meet, and why that is open.
        """
        return sorted(
            ((self.places[number], number, why) for number, why in met if number in self.places),
            key=lambda place_met: place_met[0],
        )

    def met_by(self, group: CopyGroup) -> list[tuple[int, Doubt | None]]:
        """The places of the rules that the copies of a group meet, first to last, and why that is open."""
        return [(place, why) for place, _number, why in self.met(group.met[0])]


@dataclass
class _Pair:
    """What one rule set changes.

    :param common: the identities of the rules that both rule sets have.
    """

    now: _NumberedRules
    then: _NumberedRules
    common: frozenset[Hashable]
    certain: Counter[str] = field(default_factory=Counter)
    possible: Counter[str] = field(default_factory=Counter)
    changes: Changes = field(default_factory=remembered_changes)

    def add(self, groups: Sequence[CopyGroup], sorter: Sorter) -> None:
        """Counts copies, and those that rules make of them."""
        made = copies_by_rules(
            sorter, groups, [PassedRuleSet(side.chain, 0, side.met_by) for side in (self.then, self.now)]
        )
        for group in groups:
            if not group.made:
                self._add_row(without(group, made), sorter)
        for copies in alike_copies(made, groups, sorter.block):
            group = groups[copies.group]
            after, before = copies.ways.made
            row = None if group.made else self._followed(group, sorter)
            certain, possible = changes_of_made(before, after, row, self.changes, sorter.facts)
            self._add(certain, possible, len(copies.places), doubtful=copies.doubtful)

    def _add_row(self, group: CopyGroup, sorter: Sorter) -> None:
        """Counts the copies of a group that rows show."""
        before, after = (
            [(number, why) for _place, number, why in side.met(group.met[0])] for side in (self.now, self.then)
        )
        if before != after and group.places:
            then, now = self._followed(group, sorter)
            old, new = (side_effects_of(side.chain, side.met_by(group)) for side in (self.now, self.then))
            certain, possible = with_change_of_side_effects(self.changes(now, then), old, new)
            self._add(certain, possible, len(group.places), doubtful=group.brought is not None)

    def _followed(self, group: CopyGroup, sorter: Sorter) -> tuple[FollowedCopies, FollowedCopies]:
        """What becomes of the copies of a group, then and now."""
        message, person = sorter.message(group.places[0])
        now, then = (
            side.chain.follower.follow(side.met_by(group), self.common, message, person, group.alike, group.dlp[0])
            for side in (self.now, self.then)
        )
        return then, now

    def _add(self, certain: frozenset[str], possible: frozenset[str], count: int, *, doubtful: bool) -> None:
        if doubtful:
            certain, possible = frozenset(), certain | possible
        self.certain.update(dict.fromkeys(certain, count))
        self.possible.update(dict.fromkeys(possible, count))
