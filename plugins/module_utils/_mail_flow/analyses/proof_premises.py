# SPDX-License-Identifier: GPL-3.0-or-later
"""The premises of the proof of a guarantee: what is assumed about mail, how conditions are read, how far mail is followed, and
which copies the proof does not cover.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..._exchange.text import listed
from ..actions.brought_people import THE_MANAGER, brought_by
from ..conditions.keys import RECIPIENT, SENDER, Key
from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, Literal, Value, high
from ..input.guarantee_options import Guarantee
from ..model.connectors import IN_TRANSIT
from ..model.domains import AUTHORITATIVE, RELAYED
from ..model.facts import Facts
from ..model.routing import connectors_to_own_servers
from ..model.wishes import PORTAL, WISHES
from ..rules.dlp_rules import DlpRules, SendingRule
from ..rules.rule_dates import is_later
from ..sat.batch import Batch
from ..simulator.assumptions import (
    AUTHENTICATED,
    NEXT_SERVER,
    NO_INTERNAL,
    NONE_FAILS,
    NOT_OURS,
    SENT_FROM,
    SIZES,
    SUBDOMAINS,
    WRAPPED,
    Premise,
)
from ..simulator.disclosures import disclosures
from ..symbolic.address import AddressSlot
from ..symbolic.compile_added_copies import AddedCopy
from ..symbolic.compile_outcomes import taken_by
from ..symbolic.counted_copies import CountedCopies
from ..symbolic.encoding import Model
from ..symbolic.message_assumptions import Assumption
from .guarantee_formulas import GuaranteeFormulas


def proof_premises(
    first: GuaranteeFormulas, proved: GuaranteeFormulas, assumptions: Sequence[Assumption], budget: int
) -> tuple[Premise, ...]:
    """The premises of the proof of a guarantee.

    :param first: the guarantee in the first model; :param:`proved`: in the model in which it is proved.
    :param assumptions: the assumptions of the latter model with which it is proved.
    :param budget: the maximum number of conflicts for each question.
    """
    model = first.model
    needed = _needed(proved, assumptions, budget)
    kinds = {(assumption.id, assumption.kind) for assumption in needed}
    literals = [
        assumption.literal
        for assumption in model.mail.assumptions.for_claims
        if (assumption.id, assumption.kind) in kinds
    ]
    premises = _copies_left_out(model, first.place, first.guarantee, literals, budget)
    premises += [
        Premise(assumption.id, assumption.kind) for assumption in sorted(needed, key=lambda assumption: assumption.id)
    ]
    further = _premises_about_reading(model, first.place, first.guarantee, budget)
    premises += [premise for premise in further if premise not in premises]
    return (*premises, *_premises_of_every_proof(model.facts))


def _needed(proved: GuaranteeFormulas, assumptions: Sequence[Assumption], budget: int) -> list[Assumption]:
    """The assumptions that a proof needs, out of those with which it succeeds: none can be left out."""
    broken = proved.broken()
    needed = list(assumptions)
    for assumption in assumptions:
        without = [other for other in needed if other is not assumption]
        literals = [broken, *(other.literal for other in without)]
        if proved.model.circuit.solve(literals, budget) is False:
            needed = without
    return needed


def _premises_about_reading(model: Model, place: int, guarantee: Guarantee, budget: int) -> list[Premise]:
    """The premises about how conditions are read, and how far mail is followed, as far as the proof of a guarantee may depend on
    them.

    :param place: the place of its claim in the model.
    :param budget: the maximum number of conflicts for each question.
    """
    policies = model.facts.encrypters.dlp_policies
    atoms = (
        *model.rule_sets[0].atoms,
        *(policies.leaves.atoms if isinstance(policies, DlpRules) else ()),
        *model.claims.rules[place].criteria.conditions,
        *model.claims.rules[place].criteria.exceptions,
    )
    rules = [rule for rule in model.rule_sets[0].rules if not rule.idle]
    dates = sorted(
        {date for rule in rules for date in (rule.dates.begins, rule.dates.ends) if is_later(date, model.now)}
    )
    further = {IN_TRANSIT: _next_server_premises, PORTAL: _not_in_portal}.get(guarantee.then)
    wraps = any("delivered" in one_of for one_of in WISHES[guarantee.then].kept)
    return [
        *_readings_of_conditions(model, atoms),
        *([Premise("date", values=tuple(dates))] if dates else []),
        *(further(model, place, budget) if further else ()),
        *(_disclaimer_fits(model, place, budget) if wraps else ()),
        *_dlp_rules(model, place, budget),
    ]


def _readings_of_conditions(model: Model, atoms: Sequence[Atom]) -> list[Premise]:
    """The premises about how conditions are read."""
    options = {atom.predicate.options[0] for atom in atoms}
    sought = [(slot, key) for atom in atoms for key in atom.keys for slot in atom.slots]
    parents = {slot: model.mail.vocabulary.parents(slot) for slot in (SENDER, RECIPIENT)}
    nested = any(name in parents[slot] for slot, (sort, name) in sought if sort == "below")
    named = (
        (AUTHENTICATED, "from_scope" in options),
        (SUBDOMAINS, nested or _may_depend_on_subdomains(model.facts, sought)),
        (SENT_FROM, any(slot == SENDER and sort in _IN_ADDRESSES for slot, (sort, _value) in sought)),
        (SIZES, {"attachment_size_over", "message_size_over"} <= options),
    )
    premises = [premise for premise, applies in named if applies]
    return [*premises, *(_internal_domains(model.facts) if "sent_to_scope" in options else [])]


#: The sorts of keys that a condition finds in addresses.
_IN_ADDRESSES = ("address", "word", "pattern", "below")


def _internal_domains(facts: Facts) -> list[Premise]:
    """The premise that some remote domains count as inside, or that none does where they are not known; empty if none does."""
    if facts.domains.remote is None:
        return [NO_INTERNAL]
    internal = tuple(sorted(name for name, counts in facts.domains.remote.items() if counts))
    return [Premise("internal_domains", values=internal)] if internal else []


def _copies_left_out(
    model: Model, place: int, guarantee: Guarantee, literals: Sequence[Literal], budget: int
) -> list[Premise]:
    """The premises about copies that do not count for a guarantee and may break it: rules make them of mail that it covers, or
    show them to somebody.

    :param literals: literals that are true together of the mail that the proof covers.
    :param budget: the maximum number of conflicts for each question.
    """
    if guarantee.of_copies is None:
        return []
    copies = CountedCopies(model, model.free, guarantee, model.claims.rules[place], place)
    left_out = dict[Premise, Literal]()

    def leave_out(premise: Premise, copy_: Value) -> None:
        left_out[premise] = left_out.get(premise, FALSE) | high(copy_)

    for counted_copy in copies.every:
        if counted_copy.copy is not None:
            names = _names(counted_copy.copy, model.facts)
            kind = "dlp_copies" if isinstance(counted_copy.copy.rule, SendingRule) else "added_copies"
            leave_out(Premise(kind, values=(counted_copy.copy.rule.name, names)), copies.left_out(counted_copy))
    for disclosure in disclosures(model.rule_sets[0].rules, model.facts):
        premise = Premise("shown_copies", values=(disclosure.rule.name, disclosure.person.label))
        leave_out(premise, copies.disclosed(disclosure, counted=False))
    return [premise for premise, may in left_out.items() if model.solve([may, *literals], budget)]


def _names(copy_: AddedCopy, facts: Facts) -> str:
    """The person whose copy it is; all people if it is a copy for one of several."""
    every = sorted({address for _option, address, _senders in brought_by(copy_.rule, facts)})
    return copy_.address or listed(every, joint="or") or THE_MANAGER


def _applies_to(model: Model, place: int, person: AddressSlot) -> Value:
    """Whether the guarantee is about somebody's copy."""
    return model.free.conditions.matches(model.claims.rules[place], ("claim", place), SeenMessage(), person)


def _applies_to_recipient(model: Model, place: int) -> Literal:
    """The literal that is true if the guarantee is about the recipient's copy."""
    return high(_applies_to(model, place, model.mail.recipient))


def _disclaimer_fits(model: Model, place: int, budget: int) -> list[Premise]:
    """The premise that a disclaimer can be put around mail, if a rule may put one around it: Exchange rejects mail where that
    fails. Source: Microsoft's "Mail flow rule actions".
    """
    wrapped = high(model.free.chains[0].state.seen.wrapped)
    return [WRAPPED] if model.solve([_applies_to_recipient(model, place), wrapped], budget) else []


def _dlp_rules(model: Model, place: int, budget: int) -> Iterator[Premise]:
    """The premises that Exchange enforces the known DLP rules that may match the mail, and that what they show for an approval
    does not count.
    """
    applied = model.free.outcomes[0].after.dlp.applied
    if not applied:
        return
    about = _applies_to_recipient(model, place)
    asked = Batch(model.circuit, budget)
    matching = asked.possible([(number, [about, high(when)]) for number, (_does, when) in enumerate(applied)])
    matched = [does for number, (does, _when) in enumerate(applied) if number in matching]
    if matched:
        yield Premise("dlp_rules", values=tuple(dict.fromkeys(does.name for does in matched)))
    yield from (Premise("dlp_shown_copies", values=(does.name, listed(does.asks))) for does in matched if does.asks)


def _not_in_portal(model: Model, place: int, budget: int) -> list[Premise]:
    """The premise that mail which arrives encrypted by others is not led to the portal, if there may be such mail."""
    side = model.free
    mail = model.mail
    about = _applies_to_recipient(model, place)
    outside = high(side.conditions.scopes.recipient("NotInOrganization", side.chains[0].person))
    not_ours = mail.arrival["smime"] | mail.arrival["other"]
    return [NOT_OURS] if model.solve([about, outside, not_ours], budget) else []


def _next_server_premises(model: Model, place: int, budget: int) -> list[Premise]:
    """The premises that mail is followed to the next server only, which may be a smart host, and that mail to servers on
    premises does not leave.
    """
    side = model.free
    about = _applies_to_recipient(model, place)
    chain = side.chains[0]
    leaves = high(side.conditions.scopes.leaves(chain.person))
    to_smart_hosts = {taking.connector: high(taking.when) for taking in taken_by(chain) if taking.connector.smart_hosts}
    possible = [connector for connector, when in to_smart_hosts.items() if model.solve([about, leaves, when], budget)]
    names = [accepted.name for accepted in model.facts.domains.accepted or () if accepted.type == RELAYED]
    is_relayed = bool(names) and model.solve([about, chain.person.in_accepted((RELAYED,))], budget)
    smart_hosts = (Premise("smart_hosts", values=(connector.name, connector.smart_hosts)) for connector in possible)
    relayed = [Premise("internal_relay", values=tuple(names))] if is_relayed else []
    return [NEXT_SERVER, *smart_hosts, *relayed, *_to_own_servers(model, about, chain.person, budget)]


def _to_own_servers(model: Model, about: Literal, person: AddressSlot, budget: int) -> list[Premise]:
    """The premise that mail to authoritative domains does not leave, if connectors may hand it to servers on premises."""
    connectors_by_domain = {
        accepted.name: [
            connector.name
            for name in (accepted.name, *([f"any.{accepted.name}"] if accepted.match_subdomains else []))
            for connector in connectors_to_own_servers(model.facts, name)
        ]
        for accepted in model.facts.domains.accepted or ()
        if accepted.type == AUTHORITATIVE
    }
    domains = tuple(name for name, connectors in connectors_by_domain.items() if connectors)
    is_possible = bool(domains) and model.solve([about, person.in_accepted((AUTHORITATIVE,))], budget)
    names = tuple(dict.fromkeys(name for connectors in connectors_by_domain.values() for name in connectors))
    return [Premise("own_servers", values=(domains, names))] if is_possible else []


def _may_depend_on_subdomains(facts: Facts, atoms_sought: Sequence[tuple[str, Key]]) -> bool:
    """Whether a proof may depend on whether a condition on a domain matches addresses in its subdomains."""
    slots = {slot for slot, (sort, _value) in atoms_sought if sort == "below"}
    wide = any(accepted.match_subdomains for accepted in facts.domains.accepted or ()) or any(
        name.startswith("*.") for name in facts.domains.remote or ()
    )
    return bool(slots) and (
        wide or any(slot in slots and sort in ("word", "pattern") for slot, (sort, _value) in atoms_sought)
    )


#: The premise that encryption is configured, if its configuration is not known.
_MAY_BE_CONFIGURED = Premise("configured", values=("Get-IRMConfiguration",))


def _premises_of_every_proof(facts: Facts) -> tuple[Premise, ...]:
    """The premises of every proof. They do not depend on the rules."""
    configured = Premise("configured") if facts.encryption.irm_configuration is not None else _MAY_BE_CONFIGURED
    return (
        Premise("settled"),
        NONE_FAILS,
        configured,
        Premise("system_mail"),
        Premise("later", values=facts.encrypters.unseen),
    )
