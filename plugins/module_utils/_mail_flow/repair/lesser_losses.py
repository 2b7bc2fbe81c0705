# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses that are to be said, and are no reason to prefer a worse edit: only a message shows them that hardly anybody sends, or
they are of people inside, whose copies are protected only for the sake of others who get the message.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..analyses.aspects import DifferenceKind
from ..analyses.difference_kinds import sure_kinds, treated
from ..analyses.finding import ChangedMail, MailFinding
from ..conditions.predicates import BY_OPTION
from ..input.parsing import message_of, with_facts
from ..model.addresses import is_below
from ..model.facts import Facts
from ..model.inside import leaves
from ..model.message import Message
from ..rules.rule_set import RuleSet
from ..symbolic.witness_replay import course_of

#: The fields with the recipients of a message.
_FIELDS = ("to", "cc", "bcc")

#: A word that is the name of a domain.
_DOMAIN_NAME = re.compile(r"@?(?P<name>[\w-]+(?:\.[\w-]+)+)")


def lesser_losses(
    losses: Sequence[MailFinding], before: RuleSet, after: RuleSet, facts: Facts, now: datetime.datetime
) -> tuple[MailFinding, ...]:
    """Those of some losses that a message shows which is to an odd address, in one domain with the name of another one in it, and
    not one to an address in each of both domains; or one to somebody inside and others, and not one to this person
    alone.

    :param before: the rules before an edit, and :param:`after` those after it.
    """
    sought = {*_sought_domains(before), *_sought_domains(after)}
    return tuple(
        loss
        for loss in losses
        if isinstance(loss, ChangedMail) and not loss.person and _is_lesser(loss, sought, (before, after), facts, now)
    )


def _sought_domains(rules: RuleSet) -> Iterator[str]:
    """The domains for which conditions look as words in the addresses of recipients."""
    for rule in rules.rules:
        for atom in (*rule.criteria.conditions, *rule.criteria.exceptions):
            predicate = BY_OPTION[atom.predicate.options[0]]
            if predicate.sort == "word" and predicate.of_recipient:
                found = (_DOMAIN_NAME.fullmatch(str(word).lower()) for word in atom.values)
                yield from (match["name"] for match in found if match)


def _is_lesser(
    loss: ChangedMail, sought: set[str], rules: tuple[RuleSet, RuleSet], facts: Facts, now: datetime.datetime
) -> bool:
    """Whether a usual message in place of the one that shows a loss does not show it."""
    shown: Mapping[str, Any] = loss.witness or {}
    known = with_facts(facts, shown.get("facts") or {})
    given = {option: value for option, value in (shown.get("message") or {}).items() if option != "name"}
    for options, people in _in_its_place(given, str(shown.get("recipient", "")), loss.kind, sought, known):
        message = message_of(options, "", "usual")
        message = replace(message, date=message.date or now)
        if not any(_is_shown(loss.kind, message, person, rules, known) for person in people):
            return True
    return False


def _in_its_place(
    given: Mapping[str, Any], recipient: str, kind: DifferenceKind, sought: set[str], facts: Facts
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The usual messages in place of one, each with the people who are its recipient there: without odd addresses, and to somebody
    inside alone.

    :param given: the options of the message.
    """
    to = {field: given[field] for field in _FIELDS if given.get(field)}
    usual = {address: list(_usual(address, sought)) for addresses in to.values() for address in addresses}
    if any(usual.values()):
        fields = {
            field: [other for address in addresses for other in usual[address] or [address]]
            for field, addresses in to.items()
        }
        yield {**given, **fields}, usual.get(recipient) or [recipient]
    if kind is DifferenceKind.PROTECTION_LOST and len(usual) > 1 and leaves(facts, recipient) is False:
        without = {option: value for option, value in given.items() if option not in _FIELDS}
        yield {**without, "to": [recipient]}, [recipient]


def _is_shown(
    kind: DifferenceKind, message: Message, person: str, rules: tuple[RuleSet, RuleSet], facts: Facts
) -> bool:
    """Whether somebody's copy of a message shows a kind of difference, or it is not known what becomes of it."""
    courses = [course_of(each, message, facts, person) for each in rules]
    outcomes = [treated(course, message, facts) for course in courses if course]
    return len(outcomes) < len(rules) or kind in sure_kinds(*outcomes)


def _usual(address: str, sought: set[str]) -> Iterator[str]:
    """An address in each of both domains of an odd address; none for another address."""
    local, _at, its_domain = address.lower().rpartition("@")
    named = [name for name in sought if name in address.lower() and not is_below(its_domain, name)]
    if named:
        name = max(named, key=len)
        rest = local.replace(name, "").strip(".-") or "recipient"
        yield f"{rest}@{its_domain.replace(name, '').strip('.')}"
        yield f"{rest}@{name}"
