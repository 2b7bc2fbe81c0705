# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a copy of any message on its path through the rules, as formulas. The simulator's ``state`` has it of one.

A rejected copy may go on through the rules (U10), and shows in nothing but reports.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..._resources.rules.action_effects import Does
from ..conditions.connectives import Connectives
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Literal, Value
from ..model.encrypters import Encrypter
from ..model.outcomes import Fate

#: The maximum number of approvals to distinguish; more count as this many.
MOST_APPROVALS = 4


@dataclass
class CopyState:
    """The state of somebody's copy.

    :param over: whether no later rule is evaluated; :param:`stopped`: whether a rule asked for exactly that.
    :param rejected: whether rules nevertheless go on, because it is only rejected (U10). It shows in who is told alone.
    :param fates: its fate, if it is not delivered.
    :param asked: option of protection to whether a rule asked for it.
    :param brands: OME configuration to whether a rule chose it.
    :param routes: connector, by what makes two names the same, to whether a rule routed the copy to it.
    :param requires_tls: whether a rule lets the copy leave by TLS alone.
    :param held: number of approvals, from 1 to :data:`MOST_APPROVALS`, to whether it waits for at least that many.
    :param surprised: whether a rule did something unknown to this collection.
    :param requests: the requests for protection and branding by rules that may act, in order.
    :param after: what DLP rules do to the copy after the last rule, each with whether it does, if one of them sends it;
        :param:`met_by_others`: then, by place of a later DLP rule, whether it matches the copy that this one is made of.
    """

    seen: SeenMessage = field(default_factory=SeenMessage)
    over: Value = FALSE
    stopped: Value = FALSE
    rejected: Value = FALSE
    fates: dict[str, Value] = field(default_factory=dict)
    asked: dict[str, Value] = field(default_factory=dict)
    removed: Value = FALSE
    brands: dict[str, Value] = field(default_factory=dict)
    routes: dict[str, Value] = field(default_factory=dict)
    requires_tls: Value = FALSE
    held: list[Value] = field(default_factory=list)
    surprised: Value = FALSE
    requests: tuple[tuple[Does, str, Value], ...] = ()
    after: tuple[tuple[Encrypter, Value], ...] = ()
    met_by_others: Mapping[int, Value] = field(default_factory=dict)

    def copy(self) -> CopyState:
        """A state that starts as this one is, and changes by itself."""
        return replace(
            self,
            fates=dict(self.fates),
            asked=dict(self.asked),
            brands=dict(self.brands),
            routes=dict(self.routes),
            held=list(self.held),
        )

    def order(self, logic: Connectives, *does: Does, named: bool = False) -> tuple[tuple[Hashable, Value], ...]:
        """The order of some of these requests: each run of equal ones, and when one of them is made; empty if there is
        only one run.

        :param named: whether the requested value counts, and not only the request.
        """
        asked = [
            ((request, name) if named else request, when) for request, name, when in self.requests if request in does
        ]
        runs = [
            (what, [when for _what, when in run])
            for what, run in itertools.groupby(asked, key=lambda request: request[0])
        ]
        return tuple((what, logic.any_of(when)) for what, when in runs) if len(runs) > 1 else ()

    def stop(self, logic: Connectives, when: Value, matches: Value | None = None) -> None:
        """No later rule is evaluated. If the copy may have been stopped before, it stops now at the latest, which is
        more certain than the remainder.

        :param matches: whether a rule asks for it, whatever happened before.
        """
        over = when
        if matches is not None and not isinstance(self.over, Literal):
            when |= matches & ~logic.any_of(self.fates.values())
            over = matches
        self.stopped |= when
        self.over |= over

    def end(self, logic: Connectives, fate: Fate, when: Value, matches: Value) -> None:
        """A fate. A copy that may have met it before meets it now, unless something else ended its path, which is more
        certain than the remainder.
        """
        others = [self.stopped, *(value for other, value in self.fates.items() if other != fate)]
        if not isinstance(self.over, Literal):
            when |= matches & ~logic.any_of(others)
        self.fates[fate] = self.fates.get(fate, FALSE) | when
        self.over |= when

    def end_reports(self, when: Value) -> None:
        """No later rule tells anybody of a rejected copy."""
        self.rejected &= ~when


def held_again(held: Sequence[Value], when: Value) -> list[Value]:
    """Approvals with a further one.

    :param held: as :class:`CopyState` has them; :param:`when`: whether the copy waits for one more.
    """
    counts = [when if not number else when & before for number, before in enumerate([TRUE, *held])]
    return [now | count for now, count in zip([*held, FALSE], counts, strict=True)][:MOST_APPROVALS]


def note(known: dict[str, Value], name: str, acts: Value) -> None:
    """Notes that a rule may have done something of this name."""
    known[name] = known[name] | acts if name in known else acts


@dataclass(frozen=True)
class CopyByRule:
    """A copy that a rule makes for somebody.

    :param place: the rule's place.
    :param address: the primary address of the person whom the rule adds or redirects to; empty if there may be several.
    :param instead: whether it redirects.
    :param when: the condition.
    :param state: the state of their copy right after the rule.
    :param people: if it is one of several people, their primary addresses, each with its condition; empty if it may be
        anybody.
    """

    place: int
    address: str
    instead: bool
    when: Value
    state: CopyState
    people: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True)
class CopiesByRule:
    """The copies that a rule makes of one.

    :param named: for others by the addresses that the rule names, and for known managers.
    :param every: the same for everybody to whom it sends one, including members of groups, managers, and people known
        only by name.
    :param unfollowed: the added people without an address: an unknown manager, a group, a name.
    """

    named: tuple[CopyByRule, ...] = ()
    every: tuple[CopyByRule, ...] = ()
    unfollowed: tuple[str, ...] = ()
