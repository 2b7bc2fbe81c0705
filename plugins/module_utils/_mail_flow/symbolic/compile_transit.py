# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a copy as formulas; see the simulator's ``transit``. Private to the collection.

It is a function of the recipient's domain, of the rules that route, and of those that require TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import (
    EVERY_DOMAIN,
    VALIDATIONS,
    Connector,
    at_least,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.address import AddressSlot
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_rules import RuleChain
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import Value, negate

_ACCEPTED = ("Authoritative", "InternalRelay", "ExternalRelay")


@dataclass(frozen=True)
class Taken:
    """A connector that may take a copy.

    :param when: whether it does, as far as it is known which copies it takes.
    :param surely: whether no copy of these leaves without a connector.
    :param known: whether it is known what happens to the copy then.
    """

    connector: Connector
    when: Value
    surely: bool = True
    known: bool = True

    def protects(self, least: str) -> bool | None:
        """Whether it takes a copy only by forced TLS that checks this at least; ``None`` if that is open."""
        if self.known and at_least(self.connector.validation, least):
            return True
        return None if not self.known or self.connector.doubt else False


def taken_by(chain: RuleChain) -> Iterator[Taken]:
    """The connectors that may take a copy of somebody outside. Of facts that nobody gave there are none."""
    connectors = chain.mail.facts.outbound_connectors or ()
    by_name = {name_key(each.name): each for each in connectors}
    for name, when in chain.state.routes.items():
        found = by_name.get(name)
        yield Taken(found or Connector(name), when, known=found is not None and not found.idle)
    for each in connectors:
        if each.enabled and not each.of_rules:
            yield Taken(each, _takes(chain, each), surely=not each.test_mode)


def forced(chain: RuleChain, least: str) -> Value:
    """Whether a copy of somebody outside leaves only by forced TLS that checks this at least."""
    logic, state, person = chain.logic, chain.state, chain.person
    required = state.requires_tls if least == VALIDATIONS[0] else FALSE
    if chain.mail.facts.outbound_connectors is None:
        return logic.any_of((required, logic.unknown("connectors", least, person.name, *state.routes.items())))
    ways = [(each.connector.name, each.when, each.protects(least)) for each in taken_by(chain)]
    ways.append(("", logic.all_of([negate(each.when) for each in taken_by(chain) if each.surely]), False))
    may, may_not = (
        logic.any_of([when for _name, when, protects in ways if protects is not other]) for other in (False, True)
    )
    # Which of several wins is open, and the same where the same may.
    open_ = logic.unknown(
        questions.WHICH_CONNECTOR, least, *((name, when) for name, when, _protects in ways if when != FALSE)
    )
    return logic.any_of((required, logic.choose(may_not, logic.all_of((may, open_)), TRUE)))


def in_transit(chain: RuleChain, least: str) -> Value:
    """Whether a copy does not leave, or only by forced TLS that checks this at least."""
    return chain.logic.any_of((negate(chain.conditions.leaves(chain.person)), forced(chain, least)))


def _takes(chain: RuleChain, connector: Connector) -> Value:
    person = chain.person
    found: list[Value] = [_covers(pattern, person) for pattern in connector.domains]
    if connector.accepted:
        unknown = chain.mail.facts.accepted_domains is None
        found.append(chain.logic.unknown("accepted", person.name) if unknown else person.in_accepted(_ACCEPTED))
    return chain.logic.any_of(found)


def _covers(pattern: str, person: AddressSlot) -> Value:
    if pattern == EVERY_DOMAIN:
        return TRUE
    name = pattern.removeprefix("*.")
    if name == pattern:
        return person["exact", name]
    return person.below_alone(name)
