# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a copy, the way by which it leaves, and all copies for one person, as formulas.

See the simulator's ``protection``: Exchange encrypts a message after the last rule, as the rules asked and depending on
how it arrived. See its ``transit``, too: the way is a function of the recipient's domain, of the rules that route, and
of those that require TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..._exchange.names import name_key
from ..._resources.rules.action_effects import Does
from ..actions.brought_people import sent_by
from ..formula import FALSE, TRUE, Literal, Value, high, low
from ..model import questions
from ..model.connectors import EVERY_DOMAIN, VALIDATIONS, Connector, at_least
from ..model.domains import RELAYED
from ..model.encrypters import BLOCKED
from ..model.outcomes import Fate
from ..rules.dlp_rules import SendingRule
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.disclosures import Disclosure
from .address import AddressSlot
from .compile_encrypters import EncrypterFormulas
from .compile_protection import Branding, FinalProtection, ProtectionByRules, by_unread_actions
from .compile_rules import CopiesOfChain, RuleChain
from .logic import Logic
from .symbolic_message import SymbolicMessage


class CopyFate:
    """What becomes of a copy.

    :param gone: whether nobody gets it.
    :param released: whether it is in quarantine, from which it may be released.
    :param delivered: whether it is delivered after all approvals.
    :param approvals: number of approvals, from 1, to whether it waits for at least that many.
    """

    def __init__(self, chain: RuleChain, left_by_rules: ProtectionByRules, after: EncrypterFormulas) -> None:
        self._logic = chain.logic
        self._fates = chain.state.fates
        self._rules = left_by_rules
        self._after = after
        refused = left_by_rules.refused
        ends = [value for fate, value in sorted(self._fates.items()) if fate != Fate.QUARANTINED]
        by_unread = chain.state.surprised & by_unread_actions(chain, "fate")
        self.gone = self._logic.any_of(ends) | refused | by_unread | after.effects.withheld | self._refused_by_dlp()
        self.released = (self._fates.get(Fate.QUARANTINED, FALSE) | after.effects.ends[Fate.QUARANTINED]) & ~self.gone
        self.delivered = ~(self.gone | self.released)
        self.approvals = after.effects.approvals

    def _refused_by_dlp(self) -> Value:
        """Whether a copy is refused that DLP encrypts: see :attr:`ProtectionByRules.may_be_refused`."""
        asks = self._after.effects.encrypts
        if asks == FALSE or self._rules.may_be_refused == FALSE:
            return FALSE
        return self._rules.in_clear & asks & self._rules.may_be_refused & self._after.unknown("dlp refused")

    def waits(self, approvals: int = 0) -> Value:
        """Whether the copy waits for one more approval than these: of mail flow rules, or of DLP after them."""
        return self.approvals[approvals] if approvals < len(self.approvals) else FALSE

    @property
    def waits_for_dlp(self) -> Value:
        """Whether the copy waits for an approval that DLP rules ask for."""
        return self._after.effects.ends[Fate.MODERATED] & ~self._logic.any_of(self._fates.values())

    def by_rule(self, fate: Fate) -> Value:
        """Whether a rule gave the copy this fate: a mail flow rule, or a DLP rule what they let through."""
        by_rules = self._fates.get(fate, FALSE)
        by_dlp = self._after.effects.blocked if fate == BLOCKED else self._after.effects.ends.get(fate, FALSE)
        if by_dlp == FALSE:
            return by_rules
        return by_rules | (by_dlp & ~self._logic.any_of(self._fates.values()))

    def is_in(self, fate: Fate, approvals: int = 0) -> Value:
        """Whether this is the copy's fate after a number of approvals."""
        held = self.waits(approvals)
        if fate == Fate.MODERATED:
            return held
        if fate == Fate.DELIVERED:
            return ~held & self.delivered
        if fate == Fate.QUARANTINED:
            return ~held & self.released
        return ~held & self.by_rule(fate)


class Outcome:
    """The end of a chain, by subject.

    :param after: what follows the chain: DLP and labels.
    :param by_rules: the copy's protection as the chain leaves it; :param:`protection`: its protection in the end.
    :param fate: what becomes of it; :param:`branding`: the branding that its recipient sees.
    """

    def __init__(
        self,
        chain: RuleChain,
        protected_and_refused: tuple[Literal, Literal] | None = None,
        after: EncrypterFormulas | None = None,
    ) -> None:
        """The outcome of a copy.

        :param protected_and_refused: if the outcome of a copy that rules ask to protect is open: whether it is
            protected, and whether it is refused instead; both unknown unless given.
        :param after: what follows the chain, if that is compiled already.
        """
        self.chain = chain
        self.logic = chain.logic
        self.mail = chain.mail
        self.state = chain.state
        self.after = after or EncrypterFormulas(chain)
        self.by_rules = ProtectionByRules(chain, self.after, protected_and_refused)
        self.protection = FinalProtection(chain, self.by_rules, self.after)
        self.fate = CopyFate(chain, self.by_rules, self.after)
        self.branding = Branding(chain, self.by_rules, self.protection, self.after)

    @property
    def known(self) -> Literal:
        """Whether it is known if the copy is delivered, and if it is protected."""
        values = (self.fate.delivered, self.protection.protected, self.state.surprised)
        return self.mail.circuit.conjunction([low(value) | ~high(value) for value in values])

    @cached_property
    def copies(self) -> CopiesOfChain:
        """The copies that mail flow rules and DLP rules make of this one."""
        made = self.chain.copies
        by_dlp = self.after.copies.by_rule
        if not by_dlp:
            return made
        named = [copy for of_rule in by_dlp for copy in of_rule.named]
        every = [copy for of_rule in by_dlp for copy in of_rule.every]
        return CopiesOfChain([*made.named, *named], [*made.every, *every], made.unfollowed)

    def maker(self, place: int) -> FlowRule | SendingRule:
        """The rule that makes a copy of this one, by its place."""
        rules = self.chain.rules.rules
        return rules[place] if place < len(rules) else self.after.copies.sending(place)

    def makes(self, place: int) -> Value:
        """Whether the rule at a place, which makes copies, acts on this one."""
        rules = self.chain.rules.rules
        return self.chain.acts(rules[place]) if place < len(rules) else self.after.dlp.applies(place)

    @cached_property
    def possible_outcomes(self) -> tuple[Outcome, ...]:
        """This outcome, with each thing that can become of a copy that rules ask to protect."""
        return tuple(
            Outcome(self.chain, answer, self.after) for answer in ((TRUE, FALSE), (FALSE, FALSE), (FALSE, TRUE))
        )


_ACCEPTED = ("Authoritative", "InternalRelay", "ExternalRelay")


@dataclass(frozen=True)
class TakingConnector:
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


def taken_by(chain: RuleChain) -> Iterator[TakingConnector]:
    """The connectors that may take a copy of somebody outside; none where connectors are not known."""
    connectors = chain.mail.facts.connectors.outbound or ()
    by_name = {name_key(connector.name): connector for connector in connectors}
    for name, when in chain.state.routes.items():
        connector_found = by_name.get(name)
        yield TakingConnector(
            connector_found or Connector(name), when, known=connector_found is not None and not connector_found.idle
        )
    for connector in connectors:
        if connector.takes_any:
            yield TakingConnector(
                connector, _takes(chain.mail, chain.logic, chain.person, connector), surely=not connector.test_mode
            )


def forced(chain: RuleChain, least: str) -> Value:
    """Whether a copy of somebody outside leaves only by forced TLS that checks this at least."""
    logic = chain.logic
    state = chain.state
    person = chain.person
    required = state.requires_tls if least == VALIDATIONS[0] else FALSE
    if chain.mail.facts.connectors.outbound is None:
        return required | logic.unknown("connectors", least, person.name, *state.routes.items())
    ways = [(taking.connector.name, taking.when, taking.protects(least)) for taking in taken_by(chain)]
    ways.append(("", ~logic.any_of([taking.when for taking in taken_by(chain) if taking.surely]), False))
    may, may_not = (
        logic.any_of([when for _name, when, protects in ways if protects is not other]) for other in (False, True)
    )
    # Which of several wins is open, and the same where the same may.
    open_ = logic.unknown(
        questions.WHICH_CONNECTOR, least, *((name, when) for name, when, _protects in ways if when != FALSE)
    )
    return required | logic.choose(may_not, may & open_, TRUE)


def through(chain: RuleChain, connector: str) -> Value:
    """Whether a copy leaves through a connector. See :func:`simulator.protection.leaves_through`."""
    logic = chain.logic
    name = name_key(connector)
    ways = [(name_key(taking.connector.name), taking) for taking in taken_by(chain)]
    if chain.mail.facts.connectors.outbound is None:
        return _goes(chain) & chain.state.routes.get(name, FALSE) & _open_way(chain, "takes", name)
    may = logic.any_of([taking.when for way, taking in ways if way == name])
    surely = logic.any_of([taking.when for way, taking in ways if way == name and taking.known and taking.surely])
    # Which of two wins is one question, whatever rules route mail to them.
    wins = [~taking.when | _open_way(chain, "wins", name, way) for way, taking in ways if way != name]
    return logic.all_of([_goes(chain), may, surely | _open_way(chain, "takes", name), *wins])


def _open_way(chain: RuleChain, *question: str) -> Value:
    """The value of an open question about how somebody's copy leaves."""
    return chain.logic.unknown(questions.WHICH_CONNECTOR, chain.person.name, *question)


def in_transit(chain: RuleChain, least: str) -> Value:
    """Whether a copy does not leave, or only by forced TLS that checks this at least."""
    return ~_goes(chain) | forced(chain, least)


def _goes(chain: RuleChain) -> Value:
    """Whether a copy leaves. Where a rule routes a copy for somebody inside to a connector, or Exchange may relay it to
    other servers, that is open.
    """
    logic = chain.logic
    routed = [when & _open_way(chain, "goes", name) for name, when in chain.state.routes.items()]
    relayed = _may_relay(chain) & _open_way(chain, "relays")
    return logic.any_of([chain.conditions.scopes.leaves(chain.person), *routed, relayed])


def _may_relay(chain: RuleChain) -> Value:
    """See :func:`model.routing.may_relay`."""
    logic = chain.logic
    person = chain.person
    facts = chain.mail.facts
    if not facts.domains.relays:
        return FALSE
    here = chain.mail.circuit.disjunction(person.mailboxes)
    taking = [connector for connector in facts.connectors.outbound or () if connector.takes_any]
    surely = logic.any_of(
        [
            _takes(chain.mail, chain.logic, chain.person, connector)
            for connector in taking
            if connector.on_premises and not connector.test_mode
        ]
    )
    others = logic.any_of(
        [_takes(chain.mail, chain.logic, chain.person, connector) for connector in taking if not connector.on_premises]
    )
    own = surely & ~others
    return person.in_accepted((RELAYED,)) & ~here & ~own


def _takes(mail: SymbolicMessage, logic: Logic, person: AddressSlot, connector: Connector) -> Value:
    covering: list[Value] = [_covers(pattern, person) for pattern in connector.domains]
    if connector.accepted:
        unknown = mail.facts.domains.accepted is None
        covering.append(logic.unknown("accepted", person.name) if unknown else person.in_accepted(_ACCEPTED))
    return logic.any_of(covering)


def _covers(pattern: str, person: AddressSlot) -> Value:
    if pattern == EVERY_DOMAIN:
        return TRUE
    name = pattern.removeprefix("*.")
    if name == pattern:
        return person["exact", name]
    return person.below_alone(name)


class Copies:
    """What is true of the copies that somebody gets; nothing is true if there is none.

    The recipient whom the sender names gets one. People whom rules add may get several, or none. Nothing is said about
    several different copies; for equal ones, this says the same as for one.

    :param every: the copies: the condition for each, and its outcome.
    """

    def __init__(self, logic: Logic, every: Sequence[tuple[Value, Outcome]]) -> None:
        self.logic = logic
        self._every = every
        self.delivered = self._any(lambda copy: copy.fate.delivered)
        self.released = self._any(lambda copy: copy.fate.released)
        self.gone = self._any(lambda copy: copy.fate.gone)
        self.protected = self._any(lambda copy: copy.protection.protected)
        self.smime = self._any(lambda copy: copy.by_rules.smime)
        self.branded = self._any(lambda copy: copy.branding.shown)
        self.surprised = self._any(lambda copy: copy.state.surprised)
        self.brands = sorted({brand for _when, copy in every for brand in copy.state.brands})
        self.approvals = max((len(copy.fate.approvals) for _when, copy in every), default=0)

    def _any(self, value: Callable[[Outcome], Value]) -> Value:
        return self.logic.any_of([when & value(copy) for when, copy in self._every])

    def held(self, approvals: int) -> Value:
        """Whether a copy waits for one more approval than these."""
        return self._any(lambda copy: copy.fate.waits(approvals))

    def ends(self, fate: Fate) -> Value:
        """Whether a rule gave a copy this fate."""
        return self._any(lambda copy: copy.fate.by_rule(fate))

    def fate(self, fate: Fate, approvals: int = 0) -> Value:
        """Whether this is a copy's fate after a number of approvals."""
        return self._any(lambda copy: copy.fate.is_in(fate, approvals))

    def in_transit(self, least: str) -> Value:
        """Whether a copy does not leave, or only by forced TLS that checks this at least."""
        return self._any(lambda copy: in_transit(copy.chain, least))

    def option(self, name: str) -> Value:
        """Whether a copy is protected with this option and no other."""
        return self._any(lambda copy: copy.protection.has_option(name))

    def brand(self, name: str) -> Value:
        """Whether a copy shows this branding and no other."""
        return self._any(lambda copy: copy.branding.is_named(name))


def disclosed(disclosure: Disclosure, chains: Sequence[tuple[Value, RuleChain]], logic: Logic) -> Value:
    """Whether somebody sees a message in clear. That is open unless nothing can encrypt: see
    :func:`witness_replay.surely_discloses`.

    :param chains: the copies that rules act on, each with its condition.
    """
    acts = logic.any_of([when & chain.discloses(disclosure.rule) for when, chain in chains])
    mail = chains[0][1].mail
    in_clear = ~(mail.arrival.rights | mail.arrival["smime"])
    may_encrypt = may_act_on_reports(chains[0][1].rules, Does.ENCRYPT)
    sees = (
        logic.unknown("shown", disclosure.rule.place, disclosure.asks, disclosure.person.address)
        if may_encrypt
        else TRUE
    )
    return acts & sent_by(mail, logic, disclosure.senders) & in_clear & sees


def may_act_on_reports(rules: RuleSet, *does: Does) -> bool:
    """Whether a rule may do one of these to reports and requests for approval. Whether rules act on them, and how mail
    looks in them that a rule encrypts, is not documented.
    """
    acting = [rule for rule in rules.rules if rule.is_on_and_enforced]
    return any(rule.actions.surprises or any(rule.actions.does(action) for action in does) for rule in acting)


def sent_in_clear(
    disclosure: Disclosure, person: AddressSlot, mail: SymbolicMessage, logic: Logic, least: str, rules: RuleSet
) -> Value:
    """Whether what a rule shows somebody outside is sent without forced TLS that checks this at least. By which way
    reports and requests leave is not documented, so it is open where a connector or a rule may protect them.
    """
    connectors = mail.facts.connectors.outbound
    protecting = [
        connector
        for connector in connectors or ()
        if connector.takes_any and (connector.doubt or at_least(connector.validation, least))
    ]
    open_ = connectors is None or may_act_on_reports(rules, Does.ROUTE)
    protected = TRUE if open_ else logic.any_of([_takes(mail, logic, person, connector) for connector in protecting])
    return logic.choose(protected, logic.unknown("sent", least, disclosure.rule.place, disclosure.person.address), TRUE)
