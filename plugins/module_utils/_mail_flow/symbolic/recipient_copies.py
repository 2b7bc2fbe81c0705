# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies of a message for one person, as formulas. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.disclosures import Showing
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import FALSE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_outcomes import (
    Outcome,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_rules import RuleChain
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_transit import (
    in_transit,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.copy_state import sent_by
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import Logic, Value


class Copies:
    """What is true of the copies that somebody gets; nothing is true if there is none.

    The recipient whom the sender names gets one. People whom rules add may get several, or none. Nothing is said about
    several different copies; for equal ones, this says the same as for one.

    :param every: the copies: the condition for each, and its outcome.
    """

    def __init__(self, logic: Logic, every: Sequence[tuple[Value, Outcome]]) -> None:
        self.logic, self._every = logic, every
        self.delivered = self._any(lambda copy: copy.delivered)
        self.released = self._any(lambda copy: copy.released)
        self.gone = self._any(lambda copy: copy.gone)
        self.protected = self._any(lambda copy: copy.protected)
        self.smime = self._any(lambda copy: copy.smime)
        self.branded = self._any(lambda copy: copy.branded)
        self.surprised = self._any(lambda copy: copy.state.surprised)
        self.brands = sorted({brand for _when, copy in every for brand in copy.state.brands})
        self.approvals = max((len(copy.state.held) for _when, copy in every), default=0)

    def _any(self, value: Callable[[Outcome], Value]) -> Value:
        return self.logic.any_of([self.logic.all_of((when, value(copy))) for when, copy in self._every])

    def held(self, approvals: int) -> Value:
        """Whether a copy waits for one more approval than these."""
        return self._any(lambda copy: copy.state.held[approvals] if approvals < len(copy.state.held) else FALSE)

    def ends(self, fate: str) -> Value:
        """Whether a rule gave a copy this fate."""
        return self._any(lambda copy: copy.state.fates.get(fate, FALSE))

    def fate(self, name: str, approvals: int = 0) -> Value:
        """Whether this is a copy's fate after a number of approvals."""
        return self._any(lambda copy: copy.fate(name, approvals))

    def in_transit(self, least: str) -> Value:
        """Whether a copy does not leave, or only by forced TLS that checks this at least."""
        return self._any(lambda copy: in_transit(copy.chain, least))

    def option(self, name: str) -> Value:
        """Whether a copy is protected with this option and no other."""
        return self._any(lambda copy: copy.option(name))

    def brand(self, name: str) -> Value:
        """Whether a copy shows this branding and no other."""
        return self._any(lambda copy: copy.brand(name))


def shows(showing: Showing, chains: Sequence[tuple[Value, RuleChain]], logic: Logic) -> Value:
    """Whether somebody sees a message in clear.

    :param chains: the copies that rules act on, each with its condition.
    """
    acts = logic.any_of([logic.all_of((when, chain.acts(showing.rule))) for when, chain in chains])
    mail = chains[0][1].mail
    in_clear = mail.circuit.disjunction((mail.rights, mail.arrival["smime"])) ^ 1
    sees = logic.unknown("shown", showing.rule.place, showing.asks, showing.person.address)
    return logic.all_of((acts, sent_by(mail, logic, showing.senders), in_clear, sees))
