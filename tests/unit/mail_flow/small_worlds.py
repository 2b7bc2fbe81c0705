# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees, differences and lint by brute force: every message of a small world is sent through the emulator's mail flow.

A small world has few senders, recipients, words and headers, and all combinations of them: enough for rules and claims that
name nothing else. Nothing here is the collection's. What holds in every possible world of a message is certain; no guess is taken.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.emulator.mail_flow.directory import Directory
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
ARRIVALS = ({"kind": "none"}, {"kind": "encrypt", "owner": "own"}, {"kind": "encrypt", "owner": "other"}, {"kind": "smime", "owner": "other"})
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
_TEMPLATES = {"Encrypt": "encrypt", "Do Not Forward": "do_not_forward"}


def messages(*, most: int = 2) -> Iterator[Values]:
    """Every message of the small world, to at most so many recipients."""
    senders = [(INSIDERS[0], True), (INSIDERS[1], True), (INSIDERS[0], False), (INSIDERS[1], False), ("ann@fabrikam.com", False)]
    every = [chosen for count in range(1, most + 1) for chosen in itertools.combinations(RECIPIENTS, count)]
    subjects = [" / ".join(chosen) for count in range(len(WORDS) + 1) for chosen in itertools.combinations(WORDS, count)]
    product = itertools.product(senders, every, subjects, (None, "yes"), ("", "Voicemail"), ARRIVALS)
    for (sender, authenticated), people, subject, header, kind, arrival in product:
        # Whoever is first may be in the blind copy only, where no field names them. Somebody may be written to at an alias.
        aliased = [ALIAS if address == ALIASED else address for address in people]
        for hidden, to in itertools.product((False, True), (people, aliased)[: 1 + (ALIASED in people)]):
            made = {"from": sender, "mail_from": sender, "authenticated": authenticated, "to": list(to[hidden:]), "cc": [], "bcc": list(to[:hidden])}
            made |= {"subject": subject, "body": "", "headers": {HEADER: header} if header else {}, "attachments": [], "protection": arrival}
            yield made | ({"type": kind} if kind else {})


@dataclass(frozen=True)
class Claim:
    """A guarantee: the keys of the option ``guarantees``."""

    when: Values
    unless: Values
    then: str
    template: str = ""

    def option(self, name: str = "claim") -> Values:
        made: Values = {"name": name, "when": self.when, "unless": self.unless, "then": self.then, "template": self.template}
        return {key: value for key, value in made.items() if value or key in ("name", "when")}

    def rule(self) -> Rule:
        """A rule that matches those whom the claim is about."""
        (made,) = rules([stored({"name": "claim", "priority": 0, "conditions": self.when, "exceptions": self.unless})])
        return made

    def broken_by(self, outcome: Outcome, *, outside: bool) -> bool:
        """Whether an outcome is not what the claim says."""
        if self.then == "encrypted":
            return outcome.fate != "delivered" or not self._protected(outcome)
        if self.then == "unencrypted":
            return outcome.fate != "delivered" or bool(outcome.protected_by)
        let_through = [one for one in (outcome.after_approval, outcome.after_release) if one is not None]
        if outcome.fate != "delivered":
            return any(self.broken_by(one, outside=outside) for one in let_through)
        return not self._protected(outcome) or (self.then == "portal" and outside and outcome.branding is None)

    def _protected(self, outcome: Outcome) -> bool:
        if self.template:
            return outcome.protection == _TEMPLATES.get(self.template, f"template:{self.template}")
        return outcome.protection != "none"


@dataclass
class Verdict:
    """What enumeration says about a claim. ``certain`` are messages that break it whatever is unknown, ``possible`` those that may."""

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
        """Each message and recipient with all outcomes that are possible, in an order that does not depend on the rules."""
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

    def _possible(self, arrived: Mail, compiled: list[Rule], claims: Sequence[Claim], abouts: Sequence[Rule]) -> list[list[dict[str, bool | None]]]:
        """Per claim, and world that is possible: recipient to whether the claim is broken; only those whom it is about. Claims of which much is open are
        looked at one by one, since worlds multiply.
        """
        try:
            run = functools.partial(self._judged, arrived=arrived, compiled=compiled, claims=claims, abouts=abouts)
            results = explore(run, guesses=(), limit=64 if len(claims) > 1 else 4096).results
        except TooManyWorlds:
            half = len(claims) // 2
            if not half:
                raise
            return [found for part in (slice(half), slice(half, None)) for found in self._possible(arrived, compiled, claims[part], abouts[part])]
        return [[judged[place] for judged in results] for place in range(len(claims))]

    def _judged(self, world: World, arrived: Mail, compiled: list[Rule], claims: Sequence[Claim], abouts: Sequence[Rule]) -> list[dict[str, bool | None]]:
        """Of each claim whom it is about, and whether it is broken for them; ``None`` where it is so for one of the copies that somebody gets, and not for
        another.
        """
        passage, judge = Passage(world, arrived, self._directory, compiled), Judge(world, arrived, self._directory)
        copies = [(recipient, judge.outcome(copy, recipient)) for copy in passage.copies for recipient in copy.recipients]
        whole = first_copy(arrived, self._directory)
        judged = []
        for claim, about in zip(claims, abouts, strict=True):
            meant = {recipient.address for recipient in Matching(world, arrived, self._directory, about, whole).recipients()}
            broken: dict[str, bool | None] = {}
            for recipient, outcome in copies:
                address = recipient.address
                if address in meant if not recipient.added else self._is_about(world, arrived, about, whole, address):
                    outside = claim.then == "portal" and self._outside(address, arrived, world)
                    value = claim.broken_by(outcome, outside=outside)
                    broken[address] = value if broken.get(address, value) == value else None
            judged.append(broken)
        return judged

    def _is_about(self, world: World, arrived: Mail, about: Rule, whole: Copy, address: str) -> bool:
        """Whether a claim is about somebody whom a rule added: by their address, and by the message as it came."""
        matching = Matching(world, arrived, self._directory, about, replace(whole, recipients=[Recipient(address, (address,))]))
        matching._view = replace(matching._view, copy=whole)
        return bool(matching.recipients())

    def meeting(self, when: Values, **settings: Any) -> set[str]:
        """Whoever gets a message that perhaps meets these conditions as it arrives."""
        (about,) = rules([stored({"name": "when", "priority": 0, "conditions": when, "exceptions": {}, **settings})])
        found: set[str] = set()
        for _message, arrived in self._messages:
            whole = first_copy(arrived, self._directory)

            def met(world: World, arrived: Mail = arrived, whole: Copy = whole) -> list[Recipient]:
                return Matching(world, arrived, self._directory, about, whole).recipients()

            found |= {recipient.address for recipients in explore(met, guesses=()).results for recipient in recipients}
        return found

    def _outside(self, address: str, arrived: Mail, world: World) -> bool:
        return world.settle(self._directory.recipient_in(address, "NotInOrganization", arrived.authenticated), "claim", address)

    def _outcomes(self, world: World, arrived: Mail, compiled: list[Rule]) -> dict[str, Outcome]:
        passage = Passage(world, arrived, self._directory, compiled)
        judge = Judge(world, arrived, self._directory)
        return {recipient.address: judge.outcome(copy, recipient) for copy in reversed(passage.copies) for recipient in copy.recipients if not recipient.added}

    def changes(self, before: Sequence[Values], after: Sequence[Values]) -> list[tuple[Values, str, Outcome, Outcome]]:
        """Mail whose fate, protection or branding changes: message, recipient, and both outcomes. Only where both are certain."""
        found = []
        for message, address, old, new in self.possible(before, after):
            if len(old) == len(new) == 1 and old != new:
                found.append((message, address, next(iter(old)), next(iter(new))))
        return found

    def possible(self, before: Sequence[Values], after: Sequence[Values]) -> Iterator[tuple[Values, str, set[Outcome], set[Outcome]]]:
        """Each message and recipient with all outcomes that are possible before and after."""
        sets = compile_rules(before), compile_rules(after)
        for message, arrived in self._messages:
            explored = [explore(lambda world, one=one, arrived=arrived: self._outcomes(world, arrived, one), guesses=()) for one in sets]  # type: ignore[misc]
            for address in explored[0].results[0]:
                old, new = ({essence(outcomes[address]) for outcomes in one.results} for one in explored)
                yield message, address, old, new

    def changes_of_added(self, before: Sequence[Values], after: Sequence[Values]) -> list[tuple[Values, str, Outcome, Outcome]]:
        """The same of the copies of people whom rules add: message, person, and both outcomes. Only where it is so of all copies that somebody gets, and of
        those alone that come of one recipient's.
        """
        found = []
        for message, address, (old, new), every in self.added(before, after):
            if len(old) == len(new) == 1 and old != new and (old, new) in every:
                found.append((message, address, next(iter(old)), next(iter(new))))
        return found

    def added(self, before: Sequence[Values], after: Sequence[Values]) -> Iterator[tuple[Values, str, Sides, list[Sides]]]:
        """Each message and person whom rules add, with all outcomes of the person's copies that are possible before and after; and the same of those alone
        that come of a recipient's copy, for each recipient. Where there is none, it is the outcome of nobody.
        """
        sets = compile_rules(before), compile_rules(after)
        for message, arrived in self._messages:
            sides = [explore(functools.partial(self._outcomes_of_added, arrived=arrived, compiled=one), guesses=()).results for one in sets]
            made = sorted({which for side in sides for found in side for which in found})
            for address in sorted({address for _recipient, address in made}):
                whole, *every = (self._sides(sides, which) for which in made if which[1] == address)
                yield message, address, whole, every

    @staticmethod
    def _sides(sides: Sequence[Sequence[Mapping[tuple[str, str], set[Outcome]]]], which: tuple[str, str]) -> Sides:
        old, new = ({outcome for found in side for outcome in found.get(which, {NOBODY})} for side in sides)
        return old, new

    def _outcomes_of_added(self, world: World, arrived: Mail, compiled: list[Rule]) -> dict[tuple[str, str], set[Outcome]]:
        """The outcomes of the copies of each person whom rules add, by the recipient whose copy they come of, or none: of all of them."""
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
            for outcomes in explore(lambda world, arrived=arrived: self._outcomes(world, arrived, compiled), guesses=()).results:  # type: ignore[misc]
                found |= {name for outcome in outcomes.values() for name in _matched(outcome)}
        return found


def essence(outcome: Outcome) -> Outcome:
    """What people see of an outcome: fate, protection and branding, also after approval and release."""
    approved, released = (one and essence(one) for one in (outcome.after_approval, outcome.after_release))
    return Outcome(outcome.fate, (), protection=outcome.protection, branding=outcome.branding, after_approval=approved, after_release=released)


def compile_rules(given: Sequence[Values]) -> list[Rule]:
    return rules([stored(one) for one in given])


def _matched(outcome: Outcome) -> Iterator[str]:
    yield from (name for name, _certain in outcome.rules)
    for one in (outcome.after_approval, outcome.after_release):
        if one is not None:
            yield from _matched(one)


# Random rules and claims that name nothing but what the small world has


def _predicate(source: random.Random) -> Values:
    scopes = ("InOrganization", "NotInOrganization")
    domains = (["fabrikam.com"], ["eu.fabrikam.com"], ["northwind.com"], ["contoso.com"], ["fabrikam.com", "northwind.com"])
    choices: list[Values] = [
        {"from_scope": source.choice(scopes)},
        {"from": [source.choice((*INSIDERS, "ann@fabrikam.com"))]},
        {"sender_domain_is": source.choice(domains)},
        {"sent_to_scope": source.choice(scopes)},
        {"sent_to": [source.choice(RECIPIENTS)]},
        {"recipient_domain_is": source.choice(domains)},
        {"recipient_address_contains_words": [source.choice(("fabrikam", "eu", "northwind.com", "bob", "robert"))]},
        {"any_of_recipient_address_contains_words": [source.choice(("fabrikam", "eu", "northwind.com", "bob", "robert"))]},
        {"any_of_to_header": [source.choice(RECIPIENTS)]},
        {"any_of_to_cc_header": [source.choice(RECIPIENTS)]},
        {"subject_contains_words": [source.choice(WORDS)]},
        {"subject_or_body_contains_words": [source.choice(WORDS)]},
        {"header_contains_message_header": HEADER, "header_contains_words": ["yes"]},
        {"message_type_matches": source.choice(("Voicemail", "Encrypted", "PermissionControlled"))},
    ]
    return source.choice(choices)


_ACTIONS: tuple[tuple[int, Values], ...] = (
    (7, {"apply_rights_protection_template": "Encrypt"}),
    (2, {"apply_rights_protection_template": "Do Not Forward"}),
    (2, {"apply_rights_protection_template": "Encrypt", "apply_rights_protection_customization_template": "Branding1"}),
    (2, {"remove_ome_v2": True}),
    (1, {"apply_rights_protection_customization_template": "Branding1"}),
    (1, {"delete_message": True}),
    (1, {"reject_message_reason_text": "no"}),
    (1, {"quarantine": True}),
    (1, {"moderate_message_by_user": ["bob@contoso.com"]}),
    (3, {"stop_rule_processing": True, "set_audit_severity": "Low"}),
    (1, {"prepend_subject": "secure "}),
    (2, {"set_header_name": HEADER, "set_header_value": "yes"}),
    (1, {"set_header_name": HEADER, "set_header_value": "other"}),
    (1, {"remove_header": HEADER}),
    (1, {"set_audit_severity": "Low"}),
    # Whom rules add is nobody whom messages name: they would get two copies, of which only what is the same in both can be told.
    (1, {"copy_to": ["new@northwind.com"]}),
    (1, {"blind_copy_to": ["new@eu.fabrikam.com"], "apply_rights_protection_template": "Encrypt"}),
    (1, {"redirect_message_to": ["new@fabrikam.com"]}),
)


#: What a rule does rarely beside its other actions: it asks for an approval, so that nothing else is done, or blocks the message for whom it adds, too.
_BESIDE: tuple[Values, ...] = (
    {"moderate_message_by_user": ["bob@contoso.com"]},
    {"moderate_message_by_manager": True},
    {"delete_message": True, "copy_to": ["new@northwind.com"]},
    {"quarantine": True, "apply_rights_protection_template": "Encrypt"},
)
#: Actions of which nobody knows what two of them do in one rule.
_FATES = {"delete_message", "reject_message_reason_text", "quarantine", "redirect_message_to"}
#: Actions of which nobody knows whether they are done where the message is redirected.
_ADDING = {"add_to_recipients", "copy_to", "blind_copy_to"}


@dataclass(frozen=True)
class Theme:
    """A kind of small worlds: what is sent in which organization, and what its rules and claims have beside those of the plain world.

    :param tenants: organizations, of which one is drawn, and :param:`hidden` what may not be told of it: a proof holds whatever that is.
    :param settings: options of rules that are neither conditions nor actions.
    :param beside: what a rule does beside its other actions, and :param:`often` how often.
    :param most: how many rules there are at most.
    """

    messages: Callable[[], Iterable[Values]] = messages
    tenants: Sequence[Values] = (TENANT,)
    hidden: Sequence[str] = ()
    predicates: Sequence[Values] = ()
    actions: Sequence[tuple[int, Values]] = ()
    settings: Sequence[Values] = ()
    beside: Sequence[Values] = _BESIDE
    often: float = 0.06
    most: int = 5

    def organization(self, source: random.Random) -> tuple[Values, Values]:
        """An organization, and what is told of it."""
        whole = source.choice(self.tenants) if len(self.tenants) > 1 else self.tenants[0]
        untold = source.choice(("", "", *self.hidden)) if self.hidden else ""
        return whole, {key: value for key, value in whole.items() if key != untold} if untold else whole


#: The world of this module. It draws as it always has, so that a seed that found something finds it again.
PLAIN = Theme()


def section(source: random.Random, most: int, theme: Theme = PLAIN) -> Values:
    found: Values = {}
    for _count in range(source.randint(0, most)):
        found |= source.choice(theme.predicates) if theme.predicates and source.random() < 0.6 else _predicate(source)
    return found


def _go_together(one: Values, other: Values) -> bool:
    """Whether the sources say what becomes of a message for which a rule does both."""
    both = {**one, **other}
    to_manager = both.get("add_manager_as_recipient_type")
    adds = both.keys() & _ADDING or to_manager not in (None, "Redirect")
    fates = sum(len(actions.keys() & _FATES) + (actions.get("add_manager_as_recipient_type") == "Redirect") for actions in (one, other))
    return fates < 2 and not (adds and ("redirect_message_to" in both or to_manager == "Redirect"))


def rule(source: random.Random, place: int, theme: Theme = PLAIN) -> Values:
    choices = (*_ACTIONS, *theme.actions)
    (_weight, actions) = source.choices(choices, [weight for weight, _actions in choices])[0]
    if source.random() < 0.2:
        actions = {**actions, "stop_rule_processing": True}
    beside = source.choice(theme.beside) if source.random() < theme.often else {}
    if _go_together(actions, beside):
        actions = {**actions, **beside}
    made = {
        "name": f"Rule {place}",
        "priority": place,
        "state": "Disabled" if source.random() < 0.04 else "Enabled",
        "mode": source.choices(("Enforce", "Audit"), (15, 1))[0],
        "conditions": section(source, 3, theme),
        "exceptions": section(source, 1, theme),
        "actions": dict(actions),
        "recipient_address_type": source.choices(("Resolved", "Original"), (7, 1))[0],
    }
    return made | (source.choice(theme.settings) if theme.settings and source.random() < 0.4 else {})


def rule_set(source: random.Random, theme: Theme = PLAIN) -> list[Values]:
    return [rule(source, place, theme) for place in range(source.randint(1, theme.most))]


def shared_rule_set(source: random.Random, theme: Theme = PLAIN) -> list[Values]:
    """Rules of which some split messages, and some look at all who share a copy."""
    while True:
        found = rule_set(source, theme)
        options = {option for one in found for part in ("conditions", "exceptions") for option in one[part]}
        if any(option.startswith("any_of_") for option in options) and any(option.startswith(("sent_to", "recipient_")) for option in options):
            return found


def claim(source: random.Random, theme: Theme = PLAIN, of_rules: Sequence[Values] = ()) -> Claim:
    """A claim; where rules are given, often about nearly the mail from inside that one of them is about."""
    then = source.choices(THENS, (4, 6, 1, 1))[0]
    template = source.choice(("", "", "Encrypt", "Do Not Forward")) if then in ("encrypted", "not_in_clear") else ""
    if of_rules and source.random() < 0.7:
        one = source.choice([one for one in of_rules if "apply_rights_protection_template" in one["actions"]] or of_rules)
        template = template and source.choice(("", template))
        return Claim(_INSIDE | _near(source, one["conditions"], theme), _near(source, one["exceptions"], theme), then, template)
    return Claim(section(source, 3, theme) or _INSIDE, section(source, 1, theme), then, template)


_INSIDE: Values = {"from_scope": "InOrganization"}


def _near(source: random.Random, given: Values, theme: Theme) -> Values:
    """These predicates, or with another of the theme in place of one with the same option, or beside them."""
    match source.choice(("same", "other", "more")):
        case "other":
            others = [one for one in theme.predicates if one.keys() <= given.keys()]
            return {**given, **source.choice(others)} if others else dict(given)
        case "more":
            return {**given, **source.choice(theme.predicates)}
    return dict(given)


def edited(source: random.Random, given: Sequence[Values], theme: Theme = PLAIN) -> list[Values]:
    """The rules after a random edit: one added, removed, changed or moved; in a theme also nearly the same."""
    after = [dict(one) for one in given]
    match source.choice(("add", "remove", "change", "move", *(["near"] * 4 if theme.predicates else []))):
        case "add":
            after.insert(source.randint(0, len(after)), {**rule(source, 0, theme), "name": "New"})
        case "remove" if len(after) > 1:
            after.pop(source.randrange(len(after)))
        case "move":
            after.insert(source.randrange(len(after)), after.pop(source.randrange(len(after))))
        case "near":
            one, part = source.choice(after), source.choice(("conditions", "conditions", "exceptions"))
            one[part] = _near(source, one[part], theme)
        case _:
            place = source.randrange(len(after))
            after[place] = {**rule(source, 0, theme), "name": after[place]["name"]}
    return [{**one, "priority": place} for place, one in enumerate(after)]


def irm_configuration(source: random.Random) -> Values:
    """Settings of IRM, most of them as they are by default."""
    settings: Values = {"azure_rms_licensing_enabled": source.random() < 0.8, "internal_licensing_enabled": source.random() < 0.9}
    return settings | {"transport_decryption_setting": source.choice(("Optional", "Optional", "Disabled", "Mandatory"))}
