# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a copy on its path through the rules, and the copies that rules make of it for others. Private to the
collection.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import (
    MANAGER,
    REDIRECTS,
    brought_by,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_conditions import Seen
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import Logic, Value
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.symbolic_message import (
    SymbolicMessage,
)

#: The maximum number of recipients added by one rule who have a copy each; more share one, which belongs to one of
#: them.
_APART = 6


@dataclass
class State:
    """The state of the recipient's copy.

    :param over: whether no later rule is evaluated; :param:`stopped`: whether a rule asked for exactly that.
    :param fates: its fate, if it is not delivered.
    :param asked: option of protection to whether a rule asked for it.
    :param brands: OME configuration to whether a rule chose it.
    :param routes: connector, by what makes two names the same, to whether a rule routed the copy to it.
    :param requires_tls: whether a rule lets the copy leave by TLS alone.
    :param held: number of approvals, from 1 to :data:`MOST_APPROVALS`, to whether it waits for at least that many.
    :param surprised: whether a rule did something unknown to this collection.
    :param requests: the requests for protection and branding by rules that may act, in order.
    """

    seen: Seen = field(default_factory=Seen)
    over: Value = FALSE
    stopped: Value = FALSE
    fates: dict[str, Value] = field(default_factory=dict)
    asked: dict[str, Value] = field(default_factory=dict)
    removed: Value = FALSE
    brands: dict[str, Value] = field(default_factory=dict)
    routes: dict[str, Value] = field(default_factory=dict)
    requires_tls: Value = FALSE
    held: list[Value] = field(default_factory=list)
    surprised: Value = FALSE
    requests: tuple[tuple[Does, str, Value], ...] = ()

    def order(self, logic: Logic, *does: Does, named: bool = False) -> tuple[Hashable, ...]:
        """The order of some of these requests: each run of equal ones, and when one of them is made; empty if there is
        only one run.

        :param named: whether the requested value counts, and not only the request.
        """
        asked = [((each, name) if named else each, when) for each, name, when in self.requests if each in does]
        runs = [
            (what, [when for _what, when in run]) for what, run in itertools.groupby(asked, key=lambda each: each[0])
        ]
        return tuple((what, logic.any_of(when)) for what, when in runs) if len(runs) > 1 else ()


@dataclass(frozen=True)
class Branch:
    """A copy that a rule makes for somebody.

    :param rule: the rule.
    :param address: the primary address of the person whom the rule adds or redirects to; empty if there may be several.
    :param instead: whether it redirects.
    :param when: the condition.
    :param state: the state of their copy right after the rule.
    :param people: if it is one of several people, their primary addresses, each with its condition; empty if it may be
        anybody.
    """

    rule: FlowRule
    address: str
    instead: bool
    when: Value
    state: State
    people: tuple[tuple[str, Value], ...] = ()


def branches(
    mail: SymbolicMessage, logic: Logic, rule: FlowRule, whole: FlowRule, instead: bool, when: Value, state: State
) -> Iterator[Branch]:
    """The copies for everybody whom a rule adds or redirects to.

    :param rule: the rule as it acts; :param:`whole`: the rule as it is.
    """
    people: dict[str, list[Value]] = {}
    somebody: list[Value] = []
    for option, address, senders in brought_by(rule, mail.facts):
        if (option == REDIRECTS or (option == MANAGER and rule.redirects_to_manager)) is not instead:
            continue
        theirs = sent_by(mail, logic, senders)
        known = ("address", address) in mail.recipient.atoms
        (people.setdefault(address, []) if known else somebody).append(theirs)
    if rule.actions.get(MANAGER) and rule.redirects_to_manager is instead and mail.facts.managers is None:
        somebody.append(mail.sender.managed)
    each = [(address, logic.any_of(values)) for address, values in people.items()]
    if len(each) > _APART:
        yield Branch(whole, "", instead, when, state, tuple(each))
    else:
        yield from (Branch(whole, address, instead, logic.all_of((when, theirs)), state) for address, theirs in each)
    if somebody:
        yield Branch(whole, "", instead, logic.all_of((when, logic.any_of(somebody))), state)


def sent_by(mail: SymbolicMessage, logic: Logic, senders: tuple[str, ...] | None) -> Value:
    """Whether one of these people sent the message. Somebody without a name here may have.

    :param senders: ``None`` for everybody; none for those who have a manager.
    """
    if senders is None:
        return TRUE
    atoms = mail.sender.atoms
    return (
        logic.any_of([atoms.get(("address", sender), mail.sender.managed) for sender in senders])
        if senders
        else mail.sender.managed
    )
