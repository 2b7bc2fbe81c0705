# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is inside.

The two scopes of a sender are not opposites: a forged address of the organization is in neither. Source: Microsoft's
New-TransportRule and Set-RemoteDomain pages; if they contradict each other, the likely answer is marked as a guess.
"""

from __future__ import annotations

from collections.abc import Callable

from . import questions
from .addresses import domain, is_name, spellings
from .domains import INSIDE
from .facts import Facts
from .kleene import Truth, all_of, any_of, negate, opened
from .reason_kinds import ReasonKind


def _guest(facts: Facts, address: str, asked: str, guess: bool) -> Truth:
    """Whether an address outside of the accepted domains that belongs to an object of the organization has a scope."""
    kind: ReasonKind = "guest" if facts.is_object(address) else "perhaps_guest"
    return opened(("guest", address, asked), questions.GUESTS, kind, address, guess=guess, shared=True)


def _guest_recipient(facts: Facts, address: str, *, inside: bool) -> Truth:
    """Whether a recipient whose address is outside of the accepted domains is inside, or is outside. If it was observed that
    guests are outside, all with such addresses are.
    """
    observed = facts.observed.get(questions.GUESTS)
    if observed is False or (observed and facts.is_object(address)):
        return observed is inside
    return _guest(facts, address, f"recipient {'inside' if inside else 'outside'}", guess=not inside)


def _accepted(facts: Facts, address: str) -> Truth:
    """Whether an address is in a domain whose people are inside."""
    if is_name(address):
        return opened(("name", address), questions.A_FACT, "address", address, shared=True)
    name = domain(address)
    kind = facts.domains.type_of(name)
    if kind is None:
        return opened(("domain", name), questions.A_FACT, "accepted_domains", shared=True)
    return kind in INSIDE or (not kind and _otherwise(name, lambda other: facts.domains.type_of(other) in INSIDE))


def _otherwise(name: str, holds: Callable[[str], bool | None]) -> Truth:
    """Whether something holds of a domain in another spelling, which leaves it open (U24); false if it does in none."""
    others = tuple(other for other in spellings(name) if holds(other))
    key = ("otherwise", name, others)
    return opened(key, questions.ALIASES, "other_spelling", name, others, shared=True) if others else False


def leaves(facts: Facts, address: str) -> Truth:
    """Whether a copy for somebody leaves the organization. Rules take some people outside for inside; their mail leaves
    all the same.
    """
    return negate(_accepted(facts, address))


def _could_be_object(facts: Facts, address: str) -> bool:
    return facts.is_object(address) is not False and not facts.people.is_contact(address)


def sender_inside(facts: Facts, address: str, authenticated: bool | None) -> Truth:
    """``from_scope: InOrganization``."""
    if authenticated is False:
        return False
    person = _accepted(facts, address)
    if person is not True and _could_be_object(facts, address):
        person = any_of((person, _guest(facts, address, "sender inside", False)))
    return all_of((True if authenticated else _authenticated(facts), person))


def _authenticated(facts: Facts) -> Truth:
    return opened(
        ("authenticated",), questions.AUTHENTICATED, "authenticated", facts.connectors.internal or (), shared=True
    )


def sender_outside(facts: Facts, address: str) -> Truth:
    """``from_scope: NotInOrganization``."""
    outside = negate(_accepted(facts, address))
    if outside is not False and _could_be_object(facts, address):
        outside = all_of((outside, _guest(facts, address, "sender outside", True)))
    return outside


def recipient_inside(facts: Facts, address: str, authenticated: bool | None) -> Truth:
    """``sent_to_scope: InOrganization``."""
    person = _accepted(facts, address)
    internal = _internal_domain(facts, address)
    if person is False:
        guest: Truth = _guest_recipient(facts, address, inside=True) if _could_be_object(facts, address) else False
        return any_of((internal, guest))
    if facts.is_object(address) or authenticated:
        return person
    inside = all_of((person, _unauthenticated_inside(facts, address, authenticated)))
    # Where it is open whether the domain is accepted, a remote domain may make the recipient inside.
    return all_of((negate(person), internal)) if inside is False and person is not True else inside


def _unauthenticated_inside(facts: Facts, address: str, authenticated: bool | None) -> Truth:
    """Whether mail to an address of the organization goes inside that is no known object, and is not known to be
    authenticated. An answer about unauthenticated mail to no object decides nothing where one of both is open, unless all
    is inside.
    """
    observed = facts.observed.get(questions.UNAUTHENTICATED_INSIDE)
    is_object = facts.is_object(address)
    if observed or (observed is False and is_object is False and authenticated is False):
        return observed
    if observed is False:
        perhaps: Truth = opened(("object", address), questions.A_FACT, "unauthenticated", address, shared=True)
        return any_of((is_object is None and perhaps, authenticated is None and _authenticated(facts)))
    asked = ("unauthenticated",) if is_object is False and authenticated is False else ("unauthenticated?",)
    key = (*asked, address)
    return opened(key, questions.UNAUTHENTICATED_INSIDE, "unauthenticated", address, guess=True, shared=True)


def recipient_outside(facts: Facts, address: str) -> Truth:
    """``sent_to_scope: NotInOrganization``."""
    outside = negate(_accepted(facts, address))
    if outside is False:
        return False
    guest: Truth = _guest_recipient(facts, address, inside=False) if _could_be_object(facts, address) else True
    return all_of((outside, negate(_internal_domain(facts, address)), guest))


def _internal_domain(facts: Facts, address: str) -> Truth:
    internal = facts.domains.counts_as_internal(domain(address))
    if internal is None:
        return opened(
            ("remote domain", domain(address)),
            questions.REMOTE_DOMAINS,
            "remote_domain",
            domain(address),
            guess=False,
            shared=True,
        )
    return internal or _otherwise(domain(address), facts.domains.counts_as_internal)
