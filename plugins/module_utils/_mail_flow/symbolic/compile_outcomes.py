# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a copy, the way by which it leaves, and all copies for one person, as formulas.

See the simulator's ``protection``: Exchange encrypts a message after the last rule, as the rules asked and depending on
how it arrived. See its ``transit``, too: the way is a function of the recipient's domain, of the rules that route, and
of those that require TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..._exchange.names import name_key, same_name
from ..._resources.rights_management import obstacle
from ..._resources.rules.action_effects import Does
from ..actions.brought_people import sent_by
from ..formula import FALSE, TRUE, Literal, Value, high, low
from ..model import questions
from ..model.connectors import EVERY_DOMAIN, VALIDATIONS, Connector, at_least
from ..model.domains import RELAYED
from ..model.encrypters import BLOCKED, Encrypter
from ..model.outcomes import Fate
from ..rules.rule_set import RuleSet
from ..simulator.protection import SURELY_PROTECTED, SYSTEM_TYPES
from ..simulator.showings import Showing
from .address import AddressSlot
from .compile_encrypters import EncrypterFormulas
from .compile_rules import RuleChain
from .logic import Logic
from .symbolic_message import SymbolicMessage


class Outcome:
    """The end of a chain.

    :param delivered: whether the copy is delivered after all approvals.
    :param approvals: number of approvals, from 1, to whether it waits for at least that many.
    :param released: whether it is in quarantine, from which it may be released.
    :param protected: whether the copy is protected, if it is delivered or released; :param:`by_rules` by rules.
    :param by_us_after: whether DLP or a label protects it after the mail flow rules.
    :param branded: whether it shows a branding.
    :param protected_and_refused: if the outcome of a copy that rules ask to protect is open: whether it is protected,
        and whether it is refused instead; both unknown unless given.
    :param after: what follows the chain, if that is compiled already.
    """

    def __init__(
        self,
        chain: RuleChain,
        protected_and_refused: tuple[Literal, Literal] | None = None,
        after: EncrypterFormulas | None = None,
    ) -> None:
        self.chain = chain
        self.logic = chain.logic
        self.mail = chain.mail
        self.state = chain.state
        self.after = after or EncrypterFormulas(chain)
        logic = self.logic
        state = self.state
        arrival = self.mail.arrival
        wrapped = state.seen.wrapped
        clear = ~(self.mail.arrival.rights | arrival["smime"])
        self.asked = logic.any_of(state.asked.values())
        open_to_rules = clear | (arrival["smime"] & wrapped)
        unsure = self._unsure()
        perhaps, refused = protected_and_refused or (
            self._protected_perhaps(),
            logic.unknown("outcome", "refused", self.refusing),
        )
        as_asked = logic.choose(self._from_outside(), FALSE, logic.choose(unsure, perhaps, TRUE))
        newly = open_to_rules & self.asked & as_asked
        order = state.order(self.logic, Does.ENCRYPT, Does.DECRYPT)
        again = (
            arrival["own"]
            & state.removed
            & self.asked
            & logic.unknown(questions.ENCRYPTED_AND_DECRYPTED, "replaced", order)
        )
        self.keeps_protection = self.mail.arrival.rights & ~(arrival["own"] & state.removed & self._decrypts())
        both = (
            arrival["own"]
            & state.removed
            & self.asked
            & logic.unknown(questions.ENCRYPTED_AND_DECRYPTED, "kept", order)
        )
        self.smime = arrival["smime"] & ~(wrapped & self.asked)
        self._unknown_option = both | again
        surprised = state.surprised
        doubt = self._unread("protected")
        self._by_rules = logic.choose(surprised, doubt, newly | again)
        self._rights_by_rules = logic.choose(surprised, doubt, newly | again | self.keeps_protection | both)
        self._unsure_after = unsure | self._from_outside() | self.mail.arrival.rights | arrival["smime"]
        self.by_rules = self._still_protected(self._by_rules) & ~self._by_label()
        self.by_us_after = self._encrypted_after_rules() | self._by_label()
        self.by_rights = self._still_protected(self._rights_by_rules) | self.by_us_after
        self.protected = self.by_rights | logic.choose(surprised, FALSE, self.smime)
        fates = state.fates
        refused = open_to_rules & self.asked & ~self._from_outside() & self.refusing & refused
        ends = [value for fate, value in sorted(fates.items()) if fate != Fate.QUARANTINED]
        unsure_fate = surprised & self._unread("fate")
        self.gone = logic.any_of(ends) | refused | unsure_fate | self.after.withheld | self._refused_after()
        self.released = (fates.get(Fate.QUARANTINED, FALSE) | self.after.ends[Fate.QUARANTINED]) & ~self.gone
        self.delivered = ~(self.gone | self.released)
        self.approvals = self.after.approvals
        self.held = self.waits(0)
        brands = list(state.brands.values())
        foreign = logic.choose(arrival["other"], logic.unknown("branding", "foreign"), TRUE)
        self._foreign = foreign
        chosen = self.by_rights & logic.any_of(brands) & foreign if brands else FALSE
        self.branded = self._rebranded(chosen, "branded")

    # After the rules

    def _keeps_foreign_protection(self) -> Value:
        """Whether the copy keeps protection that neither DLP nor a label can change."""
        return self.keeps_protection & self.mail.arrival["other"]

    def _still_protected(self, protected: Value) -> Value:
        """Protection after what may remove it."""
        taken = self.after.removes
        if taken != FALSE:
            taken &= self.logic.choose(self.keeps_protection, self._decrypts(), TRUE)
        unlabelled = self.after.any_label(lambda label: label.removes)
        if taken == FALSE and unlabelled == FALSE:
            return protected
        return protected & (self._keeps_foreign_protection() | ~(taken | unlabelled))

    def _encrypted_after_rules(self) -> Value:
        """Whether DLP encrypts a copy in clear."""
        asks = self.after.encrypts
        if asks == FALSE:
            return FALSE
        clear = ~(self._rights_by_rules | self.smime)
        done = self.logic.choose(self._unsure_after, self.after.unknown("dlp protects"), TRUE)
        return clear & asks & done

    def _refused_after(self) -> Value:
        """Whether a copy is refused that DLP encrypts: see :attr:`refusing`."""
        asks = self.after.encrypts
        if asks == FALSE or self.refusing == FALSE:
            return FALSE
        clear = ~(self._rights_by_rules | self.smime)
        return clear & asks & self.refusing & self.after.unknown("dlp refused")

    def _by_label(self) -> Value:
        """Whether a label protects the copy, whatever did before."""
        asks = self.after.any_label(lambda label: label.options)
        return FALSE if asks == FALSE else asks & ~(self.smime | self._keeps_foreign_protection())

    def _replaced(self, name: str, chosen: Value) -> Value:
        """Whether a copy has this option after the rules, if they chose it or another."""
        if self.after.is_empty:
            return chosen
        theirs = self._keeps_foreign_protection()

        def is_this(does: Encrypter) -> bool:
            return any(same_name(option, name) for option in does.options)

        def is_other(does: Encrypter) -> bool:
            return bool(does.options) and not is_this(does)

        mine, others = self.after.any_dlp(is_this), self.after.any_dlp(is_other)
        remaining = self._still_protected(chosen)
        if others != FALSE:
            remaining &= theirs | ~(others & self.after.unknown("dlp replaces", name_key(name)))
        if mine != FALSE:
            sole = self.logic.choose(others, self.after.unknown("dlp uses", name_key(name)), TRUE)
            remaining |= self._encrypted_after_rules() & mine & sole
            again = self._rights_by_rules & ~(chosen | theirs)
            remaining |= again & mine & self.after.unknown("dlp changes", name_key(name)) & self.by_rights
        mine, others = self.after.any_label(is_this), self.after.any_label(is_other)
        return (remaining & (theirs | ~others)) | (mine & ~(theirs | self.smime) & self.by_rights)

    def _rebranded(self, chosen: Value, *what: Hashable) -> Value:
        """Whether a copy shows a branding after the rules, if they chose it or not."""
        touched = self.after.any_dlp(lambda does: does.brands)
        if self.state.brands:
            touched |= self.after.any_dlp(lambda does: does.options or does.removes)
            touched |= self.after.any_label(lambda label: label.options or label.removes)
        if touched == FALSE:
            return chosen
        shown = self.by_rights & self.after.unknown("brands", *what)
        return self.logic.choose(touched & ~self._keeps_foreign_protection(), shown, chosen)

    def ended(self, fate: Fate) -> Value:
        """Whether a rule gave the copy this fate: a mail flow rule, or a DLP rule what they let through."""
        ends_so = self.state.fates.get(fate, FALSE)
        by_dlp = self.after.blocked if fate == BLOCKED else self.after.ends.get(fate, FALSE)
        if by_dlp == FALSE:
            return ends_so
        return ends_so | (by_dlp & ~self.logic.any_of(self.state.fates.values()))

    # What rules ask for

    def _protected_perhaps(self) -> Value:
        """Whether a copy is protected if that is open. If one rule encrypts and another decrypts, their order may
        decide (U02).
        """
        order = self.state.order(self.logic, Does.ENCRYPT, Does.DECRYPT)
        plain, ordered = (self.logic.unknown("outcome", "protected", self.refusing, *more) for more in ((), order))
        return self.logic.choose(self.state.removed, ordered, plain)

    def _unread(self, *what: Hashable) -> Value:
        """The effect of rules' unknown actions: the same whenever the same rules act."""
        logic = self.logic
        unread = self.logic.unknown(questions.UNSUPPORTED, *what)
        acting = [
            (other, self.chain.acts(rule))
            for rule in self.chain.rules.rules
            if rule.actions.surprises and rule.actions.enforced
            for other in rule.unread
        ]
        for place, (unread_action, acts) in enumerate(acting):
            if unread_action[0] == "actions":
                own = logic.unknown(
                    questions.UNSUPPORTED,
                    *what,
                    unread_action,
                    sum(unread_action == other for other, _acts in acting[:place]),
                )
                unread = logic.choose(acts, ~logic.equal(unread, own), unread)
        return unread

    def _scope(self, value: str) -> Value:
        return self.chain.conditions.scopes.sender(value, self.mail.sender)

    def _forwarded(self) -> Literal:
        return self.mail.kinds["AutoForward"] | self.mail.kinds["SmtpForwarding"]

    def _from_outside(self) -> Value:
        """Mail from outside is delivered as it is, whatever rules ask for."""
        return self._scope("NotInOrganization") & ~self._scope("InOrganization") & ~self._forwarded()

    def _unsure(self) -> Value:
        """Whether the outcome of a message that rules ask to protect is open."""
        mail = self.mail
        signed = mail.arrival["smime_signed"] | mail.kinds["Signed"]
        by_system = mail.circuit.disjunction([mail.kinds[kind] for kind in SYSTEM_TYPES])
        return (
            self.state.removed
            | ~self._scope("InOrganization")
            | self._scope("NotInOrganization")
            | self._forwarded()
            # Whether requested protection survives the quarantine is not documented.
            | self.state.fates.get(Fate.QUARANTINED, FALSE)
            | self.after.ends[Fate.QUARANTINED]
            | (signed & ~self.state.seen.wrapped)
            | by_system
            | self.refusing
        )

    @property
    def refusing(self) -> Literal:
        """Whether protection may fail in a way that keeps the message from being delivered (U25, U28, U31)."""
        settings = self.chain.conditions.settings
        obstacles: list[Literal] = [self.mail.properties["message", SURELY_PROTECTED]]
        if self._licensing_off:
            obstacles.append(TRUE)
        if settings.get("enable_pdf_encryption") is False:
            obstacles.append(self.mail.pdf.attached)
        return self.mail.circuit.disjunction(obstacles)

    @property
    def _licensing_off(self) -> bool:
        return obstacle(self.chain.conditions.settings, self.mail.facts.encryption.rms_templates) is not None

    def _decrypts(self) -> Value:
        """Whether Exchange removes the protection that rules ask to remove (U28, U30)."""
        if not self._licensing_off and self.chain.conditions.settings.get("transport_decryption_setting") != "Disabled":
            return TRUE
        return self.logic.unknown(questions.LICENSING_OFF if self._licensing_off else questions.UNREADABLE, "decrypts")

    def waits(self, approvals: int) -> Value:
        """Whether the copy waits for one more approval than these: of mail flow rules, or of DLP after them."""
        return self.approvals[approvals] if approvals < len(self.approvals) else FALSE

    def fate(self, fate: Fate, approvals: int = 0) -> Value:
        """Whether this is the copy's fate after a number of approvals."""
        held = self.waits(approvals)
        if fate == Fate.MODERATED:
            return held
        if fate == Fate.DELIVERED:
            return ~held & self.delivered
        if fate == Fate.QUARANTINED:
            return ~held & self.released
        return ~held & self.ended(fate)

    def option(self, name: str) -> Value:
        """Whether the copy is protected with this option and no other."""
        logic = self.logic
        arrived = self.keeps_protection & self.mail.arrival_options.is_option(name)
        others = logic.any_of([value for option, value in self.state.asked.items() if not same_name(option, name)])
        mine = next((value for option, value in self.state.asked.items() if same_name(option, name)), FALSE)
        sole = mine & logic.choose(
            others,
            logic.unknown(
                questions.WHICH_TEMPLATE, name_key(name), self.state.order(self.logic, Does.ENCRYPT, named=True)
            ),
            TRUE,
        )
        unsure = self._unknown_option & logic.unknown(
            questions.ENCRYPTED_AND_DECRYPTED,
            "option",
            name_key(name),
            self.state.order(self.logic, Does.ENCRYPT, Does.DECRYPT),
        )
        newly = self._by_rules & sole
        chosen = logic.choose(
            self.state.surprised,
            self._unread("option", name_key(name)),
            logic.choose(self._unknown_option, unsure, newly) | arrived,
        )
        return self._replaced(name, chosen)

    def brand(self, name: str) -> Value:
        """Whether it shows this branding and no other."""
        mine, others = (
            [value for brand, value in self.state.brands.items() if same_name(brand, name) is same]
            for same in (True, False)
        )
        sole = self.logic.choose(
            self.logic.any_of(others),
            self.logic.unknown(
                questions.WHICH_TEMPLATE, "brand", name_key(name), self.state.order(self.logic, Does.BRAND, named=True)
            ),
            TRUE,
        )
        chosen = self.by_rights & self.logic.any_of(mine) & sole & self._foreign
        return self._rebranded(chosen, "brand", name_key(name))

    @property
    def known(self) -> Literal:
        """Whether it is known if the copy is delivered, and if it is protected."""
        circuit = self.mail.circuit
        return circuit.conjunction(
            [low(value) | ~high(value) for value in (self.delivered, self.protected, self.state.surprised)]
        )

    @cached_property
    def possible_outcomes(self) -> tuple[Outcome, ...]:
        """The same for each possible outcome of a copy that rules ask to protect."""
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
    """The connectors that may take a copy of somebody outside. Of facts that nobody gave there are none."""
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


def in_transit(chain: RuleChain, least: str) -> Value:
    """Whether a copy does not leave, or only by forced TLS that checks this at least."""
    return ~_goes(chain) | forced(chain, least)


def _goes(chain: RuleChain) -> Value:
    """Whether a copy leaves. Where a rule routes a copy for somebody inside to a connector, or Exchange may relay it to
    other servers, that is open.
    """
    logic = chain.logic
    person = chain.person
    routes = chain.state.routes
    perhaps = logic.any_of(routes.values()) | _may_relay(chain)
    if perhaps == FALSE:
        return chain.conditions.scopes.leaves(person)
    open_ = logic.unknown(questions.WHICH_CONNECTOR, "goes", person.name, *routes.items())
    return chain.conditions.scopes.leaves(person) | (perhaps & open_)


def _may_relay(chain: RuleChain) -> Value:
    """See :func:`model.routing.may_relay`."""
    logic = chain.logic
    person = chain.person
    facts = chain.mail.facts
    if not any(domain.type == RELAYED for domain in facts.domains.accepted or ()):
        return FALSE
    known = [("address", address) for address in sorted(facts.people.mailboxes or ())]
    here = chain.mail.circuit.disjunction([person[key] for key in known if key in person.atoms])
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
        self.delivered = self._any(lambda copy: copy.delivered)
        self.released = self._any(lambda copy: copy.released)
        self.gone = self._any(lambda copy: copy.gone)
        self.protected = self._any(lambda copy: copy.protected)
        self.smime = self._any(lambda copy: copy.smime)
        self.branded = self._any(lambda copy: copy.branded)
        self.surprised = self._any(lambda copy: copy.state.surprised)
        self.brands = sorted({brand for _when, copy in every for brand in copy.state.brands})
        self.approvals = max((len(copy.approvals) for _when, copy in every), default=0)

    def _any(self, value: Callable[[Outcome], Value]) -> Value:
        return self.logic.any_of([when & value(copy) for when, copy in self._every])

    def held(self, approvals: int) -> Value:
        """Whether a copy waits for one more approval than these."""
        return self._any(lambda copy: copy.waits(approvals))

    def ends(self, fate: Fate) -> Value:
        """Whether a rule gave a copy this fate."""
        return self._any(lambda copy: copy.ended(fate))

    def fate(self, fate: Fate, approvals: int = 0) -> Value:
        """Whether this is a copy's fate after a number of approvals."""
        return self._any(lambda copy: copy.fate(fate, approvals))

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
    """Whether somebody sees a message in clear. That is open unless nothing can encrypt: see
    :func:`witness_replay.surely_shows`.

    :param chains: the copies that rules act on, each with its condition.
    """
    acts = logic.any_of([when & chain.acts(showing.rule) for when, chain in chains])
    mail = chains[0][1].mail
    in_clear = ~(mail.arrival.rights | mail.arrival["smime"])
    may_encrypt = may_act_on_reports(chains[0][1].rules, Does.ENCRYPT)
    sees = logic.unknown("shown", showing.rule.place, showing.asks, showing.person.address) if may_encrypt else TRUE
    return acts & sent_by(mail, logic, showing.senders) & in_clear & sees


def may_act_on_reports(rules: RuleSet, *does: Does) -> bool:
    """Whether a rule may do one of these to reports and requests for approval. Whether rules act on them, and how mail
    looks in them that a rule encrypts, is not documented.
    """
    acting = [rule for rule in rules.rules if not rule.idle and rule.actions.enforced]
    return any(rule.actions.surprises or any(rule.actions.does(action) for action in does) for rule in acting)


def sent_in_clear(
    showing: Showing, person: AddressSlot, mail: SymbolicMessage, logic: Logic, least: str, rules: RuleSet
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
    return logic.choose(protected, logic.unknown("sent", least, showing.rule.place, showing.person.address), TRUE)
