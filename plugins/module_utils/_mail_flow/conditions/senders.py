# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about the sender, and about the server from which a message came last."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ..formula import Literal, Value
from ..model import questions
from ..model.inside import sender_inside, sender_outside
from ..model.kleene import Open, Truth, any_of, opened, with_field
from ..model.message import Message
from ..model.rule_view import RuleView, Settings
from .formulas import AddressVariables, Formulas, Properties
from .keys import SENDER
from .people import (
    OfAddress,
    address_has_pattern,
    address_has_word,
    address_is,
    attribute_has_pattern,
    attribute_has_word,
    domain_is,
    has_one,
    member_of,
    read_address,
)
from .predicate import (
    Atom,
    Evaluate,
    Phrase,
    Predicate,
    Reach,
    any_value_in,
    list_predicate,
    lowercase_texts,
    single,
    words_in,
)
from .seen_message import SeenMessage
from .witness import Witness

# Evaluation


def sender_addresses(rule_view: RuleView, settings: Settings) -> tuple[str, ...]:
    """The known addresses of the sender that a rule looks at. An automatic reply has an empty envelope sender."""
    message = rule_view.message
    header = message.sender
    if settings.location == "Header":
        return (header,)
    envelope = () if message.mail_from is None else (message.mail_from,)
    return envelope if settings.location == "Envelope" else tuple(dict.fromkeys((header, *envelope)))


def _other_sender(message: Message, values: Any) -> Open:
    return opened(
        ("senders", message.also_from, values), questions.A_FACT, "which_sender", (message.sender, *message.also_from)
    )


def _envelope_not_known(location: str) -> Open:
    return opened(("envelope", location), questions.A_FACT, "mail_from")


def of_sender(decide: OfAddress, *, written: bool = False) -> Evaluate:
    """A predicate about the sender's address.

    :param written: whether it may look at an alias that the sender writes from, instead of the primary address.
    """

    def at_address(rule_view: RuleView, address: str, values: Any, settings: Settings) -> Truth:
        primary = read_address(decide, rule_view, rule_view.facts.people.primary(address), values, settings)
        alias = read_address(decide, rule_view, address.lower(), values, settings) if written else primary
        return primary if alias == primary else opened(("alias", address, values), questions.A_FACT, "alias", address)

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        known = with_field(
            any_of(
                at_address(rule_view, address, values, settings) for address in sender_addresses(rule_view, settings)
            ),
            "from",
        )
        if settings.location != "Envelope" and any(
            at_address(rule_view, address, values, settings) != known for address in rule_view.message.also_from
        ):
            return _other_sender(rule_view.message, values)
        complete = settings.location == "Header" or rule_view.message.mail_from is not None
        return known if complete else any_of((known, _envelope_not_known(settings.location)))

    return evaluate


def from_scope(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """Whether the sender is inside, or outside. The role of the envelope is documented only for an empty one (U16)."""
    message, facts = rule_view.message, rule_view.facts

    def scope(address: str) -> Truth:
        if value == "InOrganization":
            return sender_inside(facts, address, message.authenticated)
        return sender_outside(facts, address)

    header = facts.people.primary(message.sender)
    if settings.location != "Envelope" and any(
        scope(facts.people.primary(other)) != scope(header) for other in message.also_from
    ):
        return _other_sender(message, value)
    if settings.location == "Header":
        return scope(header)
    if message.mail_from is None:
        return _envelope_not_known(settings.location)
    envelope = facts.people.primary(message.mail_from)
    if header == envelope:
        return scope(header)
    if not envelope:
        return value == "NotInOrganization" if settings.location == "Envelope" else scope(header)
    one, other = scope(header), scope(envelope)
    if one == other:
        return one
    return opened(("location", settings.location, value), questions.SENDER_LOCATION, "location", header, envelope)


def of_directory_sender(decide: OfAddress) -> Evaluate:
    """A predicate about the directory entry of the From field's sender, whatever the location."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        return decide(rule_view, rule_view.facts.people.primary(rule_view.message.sender), values, settings)

    return evaluate


def sent_from(rule_view: RuleView, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether the last hop is in one of the ranges; open if it is not known."""
    if rule_view.message.sender_ip is None:
        return opened(("last hop", values), questions.A_FACT, "sender_ip")
    here = ipaddress.ip_address(rule_view.message.sender_ip)
    return any_of(_in_range(here, value) for value in values)


def _in_range(here: ipaddress.IPv4Address | ipaddress.IPv6Address, value: str) -> Truth:
    """Whether an address is in a range; open if the text is not a range."""
    return (
        _is_between(here, value) if _edges(value) else opened(("range", value), questions.UNSUPPORTED, "range", value)
    )


# Formulas


def _formula(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """The sender of the From field, of the envelope, or either one."""
    logic, mail = formulas.logic, formulas.mail
    location, envelope = atom.settings.location, mail.envelope.sender
    if location == "Header" or envelope is None or atom.predicate.in_directory:
        return has_one(formulas, mail.sender, atom)
    header = [mail.sender.value(key, logic) for key in atom.keys]
    in_envelope = ~mail.envelope.empty & has_one(formulas, envelope, atom)
    return in_envelope if location == "Envelope" else logic.any_of((*header, in_envelope))


def _formula_of_scope(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    return formulas.scopes.of_sender(atom.values, atom.settings.location)


def _formula_of_last_hop(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    properties, logic = formulas.mail.properties, formulas.logic
    return logic.any_of(
        [properties[key] if key in properties else logic.unknown(questions.UNSUPPORTED, key) for key in atom.keys]
    )


# The last hop: its variables, and the address that a message needs

#: Last-hop addresses that real mail never has. A message has one of them for any address that no rule names.
ANY_HOP = ("192.0.2.254", "198.51.100.254", "203.0.113.254")


def _declare_last_hop(properties: Properties, atoms: Sequence[Atom]) -> None:
    """The last hop is an address in a range that conditions name, or in none: all addresses from one border to the next
    are equivalent. There is a variable for an address of each part that is in a range, and one for each range but for
    texts that are no range.
    """
    circuit, ranges = properties.circuit, [value for atom in atoms for value in atom.values]
    hops: dict[tuple[bool, ...], Literal] = {}
    for here in _first_addresses(ranges):
        signature = tuple(_is_between(here, value) for value in ranges)
        if any(signature) and signature not in hops:
            hops[signature] = circuit.variable(("last hop", str(here)))
            properties.literals["last hop", str(here)] = hops[signature]
    circuit.at_most_one(hops.values())
    for place, value in enumerate(ranges):
        if ("range", value) not in properties.literals and _edges(value):
            hits = [literal for signature, literal in hops.items() if signature[place]]
            properties.literals["range", value] = circuit.disjunction(hits)


def _write_last_hop(witness: Witness) -> Mapping[str, Any]:
    properties = witness.mail.properties
    hops = {value: literal for (sort, value), literal in properties.items() if sort == "last hop"}
    if not hops:
        return {}
    here = next((hop for hop, literal in hops.items() if witness.is_true(literal)), "")
    here = here or hop_in_no_range([value for sort, value in properties if sort == "range"])
    return {"sender_ip": here} if here else {}


def hop_in_no_range(ranges: Sequence[str]) -> str:
    """An address in no range; empty where ranges hold all addresses."""
    free = (str(here) for here in _first_addresses(ranges) if not any(_is_between(here, value) for value in ranges))
    return next(free, "")


@lru_cache(maxsize=4096)
def _edges(value: str) -> tuple[Any, ...]:
    """The first and the last address of a range; empty if the text is not a range."""
    first, dash, last = (part.strip() for part in value.partition("-"))
    try:
        if dash:
            return ipaddress.ip_address(first), ipaddress.ip_address(last)
        network = ipaddress.ip_network(first, strict=False)
        return network[0], network[-1]
    except ValueError:
        return ()


def _first_addresses(ranges: Iterable[str]) -> list[Any]:
    """The first address of each part into which ranges divide all addresses, after three that are reserved for
    documentation (RFC 5737), which real mail never has.
    """
    firsts: set[Any] = {ipaddress.IPv4Address(0), ipaddress.IPv6Address(0)}
    for first, last in filter(None, map(_edges, ranges)):
        firsts |= {first, *([last + 1] if int(last) + 1 < 1 << last.max_prefixlen else [])}
    in_order = sorted(firsts, key=lambda address: (address.version, int(address)))
    return [*map(ipaddress.ip_address, ANY_HOP), *in_order]


def _is_between(here: Any, value: str) -> bool:
    """Whether an address is in a range."""
    edges = _edges(value)
    return (
        bool(edges)
        and here.version == edges[0].version == edges[1].version
        and int(edges[0]) <= int(here) <= int(edges[1])
    )


# Words


def _saw(rule_view: RuleView, atom: Atom) -> str:
    return " or ".join(address or "nobody" for address in sender_addresses(rule_view, atom.settings))


def _saw_scope(rule_view: RuleView, atom: Atom) -> str:
    known = {True: "authenticated", False: "not authenticated", None: "authentication not known"}
    return f"{_saw(rule_view, atom)}, {known[rule_view.message.authenticated]}"


# The rows

#: What the conditions about an address have in common.
_SENDER: Mapping[str, Any] = {
    "looks_at": "sender",
    "headers": ("from",),
    "slots": (SENDER,),
    "reach": Reach.SENDER,
    "column": "sender",
    "formula": _formula,
    "witness": None,
    "saw": _saw,
}


def headers_of_scope(scope: str) -> tuple[str, ...]:
    """The headers on which a scope depends: only who is inside depends on whether the message was authenticated."""
    return ("x-ms-exchange-organization-authas",) if scope == "InOrganization" else ()


#: The conditions, in the order of the documentation.
SENDERS: tuple[Predicate, ...] = (
    list_predicate(
        "from",
        lowercase_texts,
        **_SENDER,
        sort="address",
        evaluate=of_sender(address_is),
        needs=any_value_in("sender"),
        phrase=Phrase(1, "from {}", ""),
    ),
    list_predicate(
        "from_address_contains_words",
        **_SENDER,
        sort="word",
        evaluate=of_sender(address_has_word, written=True),
        needs=words_in("sender word"),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(1, "from addresses with {}"),
    ),
    list_predicate(
        "from_address_matches_patterns",
        **_SENDER,
        sort="pattern",
        evaluate=of_sender(address_has_pattern, written=True),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(1, "from addresses that match {}"),
    ),
    list_predicate(
        "from_member_of",
        lowercase_texts,
        **_SENDER,
        sort="member",
        evaluate=of_sender(member_of),
        unknowns=(questions.NESTED_GROUPS,),
        phrase=Phrase(1, "from members of {}", ""),
    ),
    list_predicate(
        "sender_domain_is",
        lowercase_texts,
        **_SENDER,
        sort="below",
        evaluate=of_sender(domain_is, written=True),
        needs=any_value_in("sender domain"),
        phrase=Phrase(1, "from {}", ""),
    ),
    single(
        "from_scope",
        looks_at="sender",
        headers=("from",),
        headers_of=headers_of_scope,
        sort="scope",
        reach=Reach.SENDER,
        column="sender",
        evaluate=from_scope,
        formula=_formula_of_scope,
        witness=None,
        saw=_saw_scope,
        unknowns=(questions.SENDER_LOCATION, questions.GUESTS, questions.AUTHENTICATED),
        phrase=Phrase(
            0, "with the scope <>", forms={"InOrganization": "from inside", "NotInOrganization": "from outside"}
        ),
    ),
    list_predicate(
        "sender_ad_attribute_contains_words",
        **_SENDER,
        sort="attribute word",
        evaluate=of_directory_sender(attribute_has_word),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(1, "from people with {}"),
    ),
    list_predicate(
        "sender_ad_attribute_matches_patterns",
        **_SENDER,
        sort="attribute pattern",
        evaluate=of_directory_sender(attribute_has_pattern),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(1, "from people with {}"),
    ),
    list_predicate(
        "sender_ip_ranges",
        reach=Reach.MESSAGE,
        looks_at="last hop",
        column="hop",
        sort="range",
        slots=("last hop",),
        evaluate=sent_from,
        formula=_formula_of_last_hop,
        variables=_declare_last_hop,
        witness=_write_last_hop,
        saw=lambda rule_view, atom: rule_view.message.sender_ip or "not known",
        phrase=Phrase(1, "from IP {}", ""),
    ),
)
