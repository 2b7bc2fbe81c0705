# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees, differences and lint by brute force: every message of a small world is sent through the emulator's mail
flow.

A small world has few senders, recipients, words and headers, and all combinations of them: enough for rules and claims
that name nothing else. Nothing here is the collection's. What holds in every possible world of a message is certain; no
guess is taken.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.emulator.mail_flow.directory import Directory, domain_of
from tests.emulator.mail_flow.mail import Copy, Mail, Recipient, first_copy, mail
from tests.emulator.mail_flow.outcomes import Judge, Outcome
from tests.emulator.mail_flow.passage import Passage
from tests.emulator.mail_flow.rules import Matching, Rule, rules
from tests.emulator.mail_flow.worlds import TooManyWorlds, World, explore
from tests.unit.mail_flow.translation import facts, stored

Values = dict[str, Any]

INSIDERS = ("megan@contoso.com", "bob@contoso.com")
RECIPIENTS = ("bob@contoso.com", "ann@fabrikam.com", "x@eu.fabrikam.com", "joe@northwind.com")
#: An alias, and whose it is.
ALIAS, ALIASED = "robert@contoso.com", "bob@contoso.com"
WORDS = ("secure", "offer")
HEADER = "X-Class"
ARRIVALS = (
    {"kind": "none"},
    {"kind": "encrypt", "owner": "own"},
    {"kind": "encrypt", "owner": "other"},
    {"kind": "smime", "owner": "other"},
)
TENANT: Values = {
    "accepted_domains": [{"name": "contoso.com", "type": "Authoritative", "match_subdomains": False}],
    "remote_domains": [],
    "mailboxes": list(INSIDERS),
    "mail_users": [],
    "contacts": [],
    "groups": {},
    "managers": {},
    "attributes": {},
    "proxy_addresses": {ALIAS: ALIASED},
}
#: When all mail is sent that says nothing else.
NOW = "2026-03-01T00:00:00Z"
#: All outcomes that are possible before, and after.
Sides = tuple[set[Outcome], set[Outcome]]
#: Of somebody who gets no copy.
NOBODY = Outcome("nobody", ())
THENS = ("encrypted", "not_in_clear", "portal", "unencrypted")
#: More of them, of which the plain world draws none.
MORE_THENS = ("delivered", "not_in_clear_if_delivered", "decrypted_on_arrival")
#: Branding to the days after which mail with it expires in the portal; 0 is never.
EXPIRY = {"Branding1": 7, "Branding2": 30, "Branding3": 0}
_TEMPLATES = {"Encrypt": "encrypt", "Do Not Forward": "do_not_forward"}


def messages(*, most: int = 2) -> Iterator[Values]:
    """Every message of the small world, to at most so many recipients."""
    senders = [
        (INSIDERS[0], True),
        (INSIDERS[1], True),
        (INSIDERS[0], False),
        (INSIDERS[1], False),
        ("ann@fabrikam.com", False),
    ]
    every = [chosen for count in range(1, most + 1) for chosen in itertools.combinations(RECIPIENTS, count)]
    subjects = [
        " / ".join(chosen) for count in range(len(WORDS) + 1) for chosen in itertools.combinations(WORDS, count)
    ]
    product = itertools.product(senders, every, subjects, (None, "yes"), ("", "Voicemail"), ARRIVALS)
    for (sender, authenticated), people, subject, header, kind, arrival in product:
        # Whoever is first may be in the blind copy only, where no field names them. Somebody may be written to at an
        # alias.
        aliased = [ALIAS if address == ALIASED else address for address in people]
        for hidden, to in itertools.product((False, True), (people, aliased)[: 1 + (ALIASED in people)]):
            made = {
                "from": sender,
                "mail_from": sender,
                "authenticated": authenticated,
                "to": list(to[hidden:]),
                "cc": [],
                "bcc": list(to[:hidden]),
            }
            made |= {
                "subject": subject,
                "body": "",
                "headers": {HEADER: header} if header else {},
                "attachments": [],
                "protection": arrival,
            }
            yield made | ({"type": kind} if kind else {})


@dataclass(frozen=True)
class Claim:
    """A guarantee: the keys of the option ``guarantees``."""

    when: Values
    unless: Values
    then: str
    template: str = ""
    expires_within_days: int = 0
    copies: str = ""

    def option(self, name: str = "claim") -> Values:
        made: Values = {
            "name": name,
            "when": self.when,
            "unless": self.unless,
            "then": self.then,
            "template": self.template,
        }
        made |= {"expires_within_days": self.expires_within_days, "copies": self.copies}
        return {key: value for key, value in made.items() if value or key in ("name", "when")}

    def rule(self) -> Rule:
        """A rule that matches those whom the claim is about."""
        (made,) = rules([stored({"name": "claim", "priority": 0, "conditions": self.when, "exceptions": self.unless})])
        return made

    def broken_by(self, outcome: Outcome, *, outside: bool) -> bool:
        """Whether an outcome is not what the claim says."""
        delivered = outcome.fate == "delivered"
        match self.then:
            case "encrypted":
                return not delivered or not self._protected(outcome)
            case "unencrypted":
                return not delivered or bool(outcome.protected_by)
            case "delivered":
                return not delivered
            case "decrypted_on_arrival":
                return not delivered or outcome.protection != "none"
            case "not_in_clear_if_delivered":
                return delivered and not self._protected(outcome)
        let_through = [one for one in (outcome.after_approval, outcome.after_release) if one is not None]
        if outcome.fate != "delivered":
            return any(self.broken_by(one, outside=outside) for one in let_through)
        in_portal = outcome.protection == "smime" or (outcome.branding is not None and self._expires(outcome.branding))
        return not self._protected(outcome) or (self.then == "portal" and outside and not in_portal)

    @property
    def of_copies(self) -> Claim | None:
        """What is claimed of copies that rules make for others; None if nothing is."""
        if self.then in ("unencrypted", "delivered", "decrypted_on_arrival") or self.copies == "recipients_only":
            return None
        return replace(self, then="not_in_clear") if self.then == "encrypted" else self

    def is_about(self, message: Mail) -> bool:
        """Whether it is about mail that arrives so, whoever it is from and to."""
        return self.then != "decrypted_on_arrival" or (message.rights_protected and bool(message.own_keys))

    def _expires(self, branding: str) -> bool:
        return not self.expires_within_days or 0 < EXPIRY[branding] <= self.expires_within_days

    def _protected(self, outcome: Outcome) -> bool:
        if self.template:
            return outcome.protection == _TEMPLATES.get(self.template, f"template:{self.template}")
        return outcome.protection != "none"


@dataclass
class Verdict:
    """What enumeration says about a claim. ``certain`` are messages that break it whatever is unknown, ``possible``
    those that may.
    """

    about: int = 0
    certain: list[tuple[Values, str]] = field(default_factory=list)
    possible: list[tuple[Values, str]] = field(default_factory=list)

    @property
    def says(self) -> str:
        if not self.about:
            return "empty"
        return "refuted" if self.certain else "unknown" if self.possible else "proved"


class SmallWorld:
    """Sends every one of ``given`` messages (all of the small world by default) through sets of rules."""

    def __init__(self, tenant: Mapping[str, Any] | None = None, given: Iterable[Values] | None = None) -> None:
        self._tenant = TENANT if tenant is None else tenant
        self._directory = Directory(facts(self._tenant))
        self._messages = [(one, mail(one)) for one in (messages() if given is None else given)]

    def with_settings(self, irm: Mapping[str, Any]) -> SmallWorld:
        """The same messages in an organization with these settings of IRM."""
        return SmallWorld({**self._tenant, "irm_configuration": irm}, [message for message, _arrived in self._messages])

    def outcomes(self, of_rules: Sequence[Values]) -> Iterator[tuple[Values, str, set[Outcome]]]:
        """Each message and recipient with all outcomes that are possible, in an order that does not depend on the
        rules.
        """
        compiled = compile_rules(of_rules)
        for message, arrived in self._messages:
            explored = explore(lambda world, arrived=arrived: self._outcomes(world, arrived, compiled), guesses=())  # type: ignore[misc]
            for address in sorted(explored.results[0]):
                yield message, address, {essence(outcomes[address]) for outcomes in explored.results}

    def verdicts(self, of_rules: Sequence[Values], claims: Sequence[Claim]) -> list[Verdict]:
        """What holds of each claim."""
        found = [Verdict() for _claim in claims]
        abouts = [claim.rule() for claim in claims]
        compiled = compile_rules(of_rules)
        for message, arrived in self._messages:
            for verdict, results in zip(found, self._possible(arrived, compiled, claims, abouts), strict=True):
                addressed = {address for broken in results for address in broken}
                verdict.about += any(all(address in broken for broken in results) for address in addressed)
                for address in addressed:
                    values = [broken.get(address, False) for broken in results]
                    if all(values):
                        verdict.certain.append((message, address))
                    elif any(value is not False for value in values):
                        verdict.possible.append((message, address))
        return found

    def _possible(
        self, arrived: Mail, compiled: list[Rule], claims: Sequence[Claim], abouts: Sequence[Rule]
    ) -> list[list[dict[str, bool | None]]]:
        """Per claim, and world that is possible: recipient to whether the claim is broken; only those whom it is about.
        Claims of which much is open are looked at one by one, since worlds multiply.
        """
        try:
            run = functools.partial(self._judged, arrived=arrived, compiled=compiled, claims=claims, abouts=abouts)
            results = explore(run, guesses=(), limit=64 if len(claims) > 1 else 4096).results
        except TooManyWorlds:
            half = len(claims) // 2
            if not half:
                raise
            return [
                found
                for part in (slice(half), slice(half, None))
                for found in self._possible(arrived, compiled, claims[part], abouts[part])
            ]
        return [[judged[place] for judged in results] for place in range(len(claims))]

    def _judged(
        self, world: World, arrived: Mail, compiled: list[Rule], claims: Sequence[Claim], abouts: Sequence[Rule]
    ) -> list[dict[str, bool | None]]:
        """Of each claim whom it is about, and whether it is broken for them; ``None`` where it is so for one of the
        copies that somebody gets, and not for another.
        """
        passage, judge = Passage(world, arrived, self._directory, compiled), Judge(world, arrived, self._directory)
        copies = [
            (recipient, judge.outcome(copy, recipient)) for copy in passage.copies for recipient in copy.recipients
        ]
        whole = first_copy(arrived, self._directory)
        judged: list[dict[str, bool | None]] = []
        for claim, about in zip(claims, abouts, strict=True):
            if not claim.is_about(arrived):
                judged.append({})
                continue
            meant = {
                recipient.address for recipient in Matching(world, arrived, self._directory, about, whole).recipients()
            }
            broken: dict[str, bool | None] = {}
            for recipient, outcome in copies:
                address = recipient.address
                wanted: Claim | None = claim
                if not (
                    address in meant if not recipient.added else self._is_about(world, arrived, about, whole, address)
                ):
                    of_mail = recipient.added and recipient.beside & meant
                    stays = claim.copies == "outside" and self._directory.kind(domain_of(address)) == "inside"
                    wanted = claim.of_copies if of_mail and not stays else None
                if wanted is not None:
                    foreign = arrived.rights_protected and arrived.own_keys is False
                    outside = claim.then == "portal" and not foreign and self._outside(address, arrived, world)
                    value = wanted.broken_by(outcome, outside=outside)
                    broken[address] = value if broken.get(address, value) == value else None
            judged.append(broken)
        return judged

    def _is_about(self, world: World, arrived: Mail, about: Rule, whole: Copy, address: str) -> bool:
        """Whether a claim is about somebody whom a rule added: by their address, and by the message as it came."""
        matching = Matching(
            world, arrived, self._directory, about, replace(whole, recipients=[Recipient(address, (address,))])
        )
        matching._view = replace(matching._view, copy=whole)
        return bool(matching.recipients())

    def meeting(self, when: Values, unless: Values | None = None, **settings: Any) -> set[str]:
        """Whoever gets a message that perhaps meets these conditions as it arrives, and perhaps none of the exceptions."""
        (about,) = rules(
            [stored({"name": "when", "priority": 0, "conditions": when, "exceptions": unless or {}, **settings})]
        )
        found: set[str] = set()
        for _message, arrived in self._messages:
            whole = first_copy(arrived, self._directory)

            def met(world: World, arrived: Mail = arrived, whole: Copy = whole) -> list[Recipient]:
                return Matching(world, arrived, self._directory, about, whole).recipients()

            found |= {recipient.address for recipients in explore(met, guesses=()).results for recipient in recipients}
        return found

    def _outside(self, address: str, arrived: Mail, world: World) -> bool:
        return world.settle(
            self._directory.recipient_in(address, "NotInOrganization", arrived.authenticated), "claim", address
        )

    def _outcomes(self, world: World, arrived: Mail, compiled: list[Rule]) -> dict[str, Outcome]:
        passage = Passage(world, arrived, self._directory, compiled)
        judge = Judge(world, arrived, self._directory)
        return {
            recipient.address: judge.outcome(copy, recipient)
            for copy in reversed(passage.copies)
            for recipient in copy.recipients
            if not recipient.added
        }

    def changes(self, before: Sequence[Values], after: Sequence[Values]) -> list[tuple[Values, str, Outcome, Outcome]]:
        """Mail whose fate, protection or branding changes: message, recipient, and both outcomes. Only where both are
        certain.
        """
        found = []
        for message, address, old, new in self.possible(before, after):
            if len(old) == len(new) == 1 and old != new:
                found.append((message, address, next(iter(old)), next(iter(new))))
        return found

    def possible(
        self, before: Sequence[Values], after: Sequence[Values]
    ) -> Iterator[tuple[Values, str, set[Outcome], set[Outcome]]]:
        """Each message and recipient with all outcomes that are possible before and after."""
        sets = compile_rules(before), compile_rules(after)
        for message, arrived in self._messages:
            explored = [
                explore(lambda world, one=one, arrived=arrived: self._outcomes(world, arrived, one), guesses=())
                for one in sets
            ]  # type: ignore[misc]
            for address in explored[0].results[0]:
                old, new = ({essence(outcomes[address]) for outcomes in one.results} for one in explored)
                yield message, address, old, new

    def changes_of_added(
        self, before: Sequence[Values], after: Sequence[Values]
    ) -> list[tuple[Values, str, Outcome, Outcome]]:
        """The same of the copies of people whom rules add: message, person, and both outcomes. Only where it is so of
        all copies that somebody gets, and of those alone that come of one recipient's.
        """
        found = []
        for message, address, (old, new), every in self.added(before, after):
            if len(old) == len(new) == 1 and old != new and (old, new) in every:
                found.append((message, address, next(iter(old)), next(iter(new))))
        return found

    def added(
        self, before: Sequence[Values], after: Sequence[Values]
    ) -> Iterator[tuple[Values, str, Sides, list[Sides]]]:
        """Each message and person whom rules add, with all outcomes of the person's copies that are possible before and
        after; and the same of those alone that come of a recipient's copy, for each recipient. Where there is none, it
        is the outcome of nobody.
        """
        sets = compile_rules(before), compile_rules(after)
        for message, arrived in self._messages:
            sides = [
                explore(functools.partial(self._outcomes_of_added, arrived=arrived, compiled=one), guesses=()).results
                for one in sets
            ]
            made = sorted({which for side in sides for found in side for which in found})
            for address in sorted({address for _recipient, address in made}):
                whole, *every = (self._sides(sides, which) for which in made if which[1] == address)
                yield message, address, whole, every

    @staticmethod
    def _sides(sides: Sequence[Sequence[Mapping[tuple[str, str], set[Outcome]]]], which: tuple[str, str]) -> Sides:
        old, new = ({outcome for found in side for outcome in found.get(which, {NOBODY})} for side in sides)
        return old, new

    def _outcomes_of_added(
        self, world: World, arrived: Mail, compiled: list[Rule]
    ) -> dict[tuple[str, str], set[Outcome]]:
        """The outcomes of the copies of each person whom rules add, by the recipient whose copy they come of, or none:
        of all of them.
        """
        passage = Passage(world, arrived, self._directory, compiled)
        judge = Judge(world, arrived, self._directory)
        found: dict[tuple[str, str], set[Outcome]] = {}
        for copy in passage.copies:
            for one in copy.recipients:
                for recipient in ("", *one.beside) if one.added else ():
                    found.setdefault((recipient, one.address), set()).add(essence(judge.outcome(copy, one)))
        return found

    def acting(self, of_rules: Sequence[Values]) -> set[str]:
        """The rules that match some message, perhaps."""
        compiled = compile_rules(of_rules)
        found: set[str] = set()
        for _message, arrived in self._messages:
            for outcomes in explore(
                lambda world, arrived=arrived: self._outcomes(world, arrived, compiled), guesses=()
            ).results:  # type: ignore[misc]
                found |= {name for outcome in outcomes.values() for name in _matched(outcome)}
        return found


def essence(outcome: Outcome) -> Outcome:
    """What people see of an outcome: fate, protection and branding, also after approval and release."""
    approved, released = (one and essence(one) for one in (outcome.after_approval, outcome.after_release))
    return Outcome(
        outcome.fate,
        (),
        protection=outcome.protection,
        branding=outcome.branding,
        after_approval=approved,
        after_release=released,
    )


def compile_rules(given: Sequence[Values]) -> list[Rule]:
    return rules([stored(one) for one in given])


def _matched(outcome: Outcome) -> Iterator[str]:
    yield from (name for name, _certain in outcome.rules)
    for one in (outcome.after_approval, outcome.after_release):
        if one is not None:
            yield from _matched(one)
