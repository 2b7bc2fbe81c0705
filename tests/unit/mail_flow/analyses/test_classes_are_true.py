# SPDX-License-Identifier: GPL-3.0-or-later
"""What a difference says of a class is true of all unprotected mail that it names, but for that of the rules after "unless", each of
which keeps some of it: asked of an evaluator of its own, over random edits of random rules.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import DifferenceKind
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    ChangedMail,
    Exempting,
    MayChange,
)

from tests.rounds import seeds
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, STOP, rule
from tests.unit.mail_flow.named_mail import names
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

RECIPIENTS = ("alice@contoso.com", "x@partner.com", "y@other.example")
WORDS = "abc"
#: How rules exempt mail to the action by which they do.
ACTIONS: dict[str, Values] = {
    "deletes": {"delete_message": True},
    "rejects": {"reject_message_reason_text": "No."},
    "quarantines": {"quarantine": True},
    "encrypts": ENCRYPT,
    "stops": STOP,
}
FATES = {"deletes": "deleted", "rejects": "rejected", "quarantines": "quarantined"}
PROTECTION = (DifferenceKind.PROTECTION_GAINED, DifferenceKind.PROTECTION_LOST)
OUTSIDE = {"sent_to_scope": "NotInOrganization"}


@dataclass(frozen=True)
class Mail:
    """An unprotected message with words in its subject to one recipient."""

    words: frozenset[str]
    recipient: str
    from_inside: bool
    is_meeting: bool

    def meets(self, option: str, values: Any) -> bool:
        if option == "subject_contains_words":
            return not self.words.isdisjoint(values)
        if option == "recipient_domain_is":
            return self.recipient.partition("@")[2] in values
        if option == "message_type_matches":
            return self.is_meeting
        inside = self.from_inside if option == "from_scope" else self.recipient.endswith("@contoso.com")
        return inside == (values == "InOrganization")


MAIL = [
    Mail(frozenset(words), recipient, from_inside, is_meeting)
    for count in range(len(WORDS) + 1)
    for words in itertools.combinations(WORDS, count)
    for recipient in RECIPIENTS
    for from_inside in (True, False)
    for is_meeting in (True, False)
]


@dataclass(frozen=True)
class End:
    """What becomes of a message.

    :param by: the rules that act on it, each with how.
    """

    fate: str
    is_encrypted: bool
    by: frozenset[tuple[str, str]]


def drawn(chance: random.Random) -> list[Values]:
    """Rules that encrypt, end the way of mail, or stop the others. Some spare meetings."""
    found = []
    spares = random.Random(chance.getstate()[1][0])
    for number in range(chance.randint(2, 5)):
        conditions: Values = dict(IN) if chance.random() < 0.7 else {}
        exceptions: Values = {}
        if chance.random() < 0.5:
            conditions["subject_contains_words"] = chance.sample(WORDS, chance.randint(1, 2))
        if chance.random() < 0.3:
            exceptions["subject_contains_words"] = [chance.choice(WORDS)]
        if chance.random() < 0.5 or not conditions:
            conditions |= OUTSIDE
        if chance.random() < 0.3:
            (conditions if chance.random() < 0.5 else exceptions)["recipient_domain_is"] = ["partner.com"]
        if spares.random() < 0.3:
            exceptions["message_type_matches"] = "Calendaring"
        actions = dict(chance.choice([*ACTIONS.values(), ENCRYPT, ENCRYPT])) | (STOP if chance.random() < 0.2 else {})
        found.append(rule(f"R{number}", conditions, actions, exceptions=exceptions))
    return found


def edited(chance: random.Random, rules: Sequence[Values]) -> list[Values]:
    """The rules after an edit: one is gone, moved, new, about other mail, or does something else."""
    after = list(rules)
    place = chance.randrange(len(after))
    kind = chance.choice(["gone", "moved", "new", "mail", "word", "actions"])
    if kind in ("gone", "moved"):
        moved = after.pop(place)
        if kind == "moved":
            after.insert(chance.randint(0, len(after)), moved)
        return after
    (other, *_more) = drawn(chance)
    if kind == "new":
        after.insert(place, {**other, "name": "New"})
    elif kind == "word":
        word = {"subject_contains_words": chance.sample(WORDS, 1)}
        after[place] = {**after[place], "conditions": after[place]["conditions"] | word}
    else:
        of_other = ("actions",) if kind == "actions" else ("conditions", "exceptions")
        after[place] = {**after[place], **{part: other[part] for part in of_other}}
    return after


def end(rules: Sequence[Values], mail: Mail) -> End:
    by = set()
    encrypted = False
    for each in rules:
        if not all(mail.meets(*item) for item in each["conditions"].items()) or any(
            mail.meets(*item) for item in each["exceptions"].items()
        ):
            continue
        hows = [how for how, does in ACTIONS.items() if does.items() <= each["actions"].items()]
        by |= {(each["name"], how) for how in hows}
        encrypted = encrypted or "encrypts" in hows
        for how in hows:
            if how in FATES:
                return End(FATES[how], encrypted, frozenset(by))
        if "stops" in hows:
            break
    return End("delivered", encrypted, frozenset(by))


def is_named(found: ChangedMail, mail: Mail) -> bool:
    outside = found.limit == "outside" and not mail.from_inside
    return names(found, mail.meets) and not outside


def applies(found: ChangedMail, sides: tuple[End, End]) -> bool:
    """Whether one of the rules applies to a message that a sentence says do so, if it names any."""
    acting = {name for name, _how in sides[found.cause.acted != (False, True)].by}
    return not found.applying or not acting.isdisjoint(found.applying)


def is_open_of(mail: Mail, sides: tuple[End, End]) -> bool:
    """Whether it is open if a message is encrypted: of a meeting, that is not documented."""
    return mail.is_meeting and any(side.is_encrypted for side in sides)


def is_treated(found: ChangedMail, was: End, now: End) -> bool:
    """Whether a message is treated as a sentence says."""
    delivered = (was.fate == "delivered", now.fate == "delivered")
    stages = (found.was_and_becomes.get("was", was.fate), found.was_and_becomes.get("becomes", now.fate))
    match found.kind:
        case DifferenceKind.PROTECTION_GAINED:
            return all(delivered) and now.is_encrypted and not was.is_encrypted
        case DifferenceKind.PROTECTION_LOST:
            return all(delivered) and was.is_encrypted and not now.is_encrypted
        case DifferenceKind.DELIVERY_GAINED:
            return delivered == (False, True) and was.fate == stages[0]
        case DifferenceKind.DELIVERY_LOST:
            return delivered == (True, False) and now.fate == stages[1]
    assert found.kind is DifferenceKind.FATE_CHANGED
    return was.fate != now.fate and now.fate == stages[1]


def was_so(found: ChangedMail, now: End) -> bool:
    """Whether a message that is not treated as a sentence says is now as if it were."""
    gained = found.kind in (DifferenceKind.PROTECTION_GAINED, DifferenceKind.DELIVERY_GAINED)
    protection = found.kind in PROTECTION
    delivered = now.fate == "delivered"
    return (delivered and (now.is_encrypted or not protection)) if gained else not (delivered and now.is_encrypted)


def exempts(by: Exempting, found: ChangedMail, was: End, now: End) -> bool:
    """Whether a rule exempts a message as a sentence says. One that encrypts does not exempt it from losing that."""
    before, after = ((by.rule, by.how) in side.by for side in (was, now))
    if by.how == "encrypts":
        gained = found.kind is DifferenceKind.PROTECTION_GAINED
        return was.is_encrypted and (before or after) if gained else now.is_encrypted and after
    return before if by.before else after


@pytest.mark.parametrize("seed", seeds(120, 178, 239, 431))
def test_what_is_said_of_a_class_is_true_of_all_mail_that_is_named(seed: int) -> None:
    chance = random.Random(seed)
    before = drawn(chance)
    after = edited(chance, before)
    found = difference(before, after, TENANT, NOW)
    assert found.complete
    for each in found.findings:
        if not isinstance(each, ChangedMail) or isinstance(each, MayChange):
            continue
        ends = [
            (mail, sides)
            for mail in MAIL
            if is_named(each, mail) and applies(each, sides := (end(before, mail), end(after, mail)))
        ]
        untreated = [(was, now) for _mail, (was, now) in ends if not is_treated(each, was, now)]
        assert len(untreated) < len(ends), each
        for by in each.by:
            assert any(exempts(by, each, *sides) for sides in untreated), (by, each)
        if each.limit == "some" or each.other_ways:
            continue
        open_ends = [sides for mail, sides in ends if each.kind in PROTECTION and is_open_of(mail, sides)]
        untreated = [sides for sides in untreated if sides not in open_ends]
        unexplained = [sides for sides in untreated if not any(exempts(by, each, *sides) for by in each.by)]
        assert [now for _was, now in unexplained if each.limit != "already" or not was_so(each, now)] == [], each
