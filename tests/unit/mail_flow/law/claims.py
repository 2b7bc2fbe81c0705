# SPDX-License-Identifier: GPL-3.0-or-later
"""What verbs say about mail, in one small vocabulary, and which of it cannot be true together.

A claim leaves a subject some values. Two claims about one subject contradict each other if they leave it none. What a
verb does not know, it claims nothing of.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

#: Aspects of somebody's copy of a message, with their values.
FATE = "fate"  #: what results call it; ``nobody`` of somebody who gets none
PROTECTION = "protection"  #: what results call it
PROTECTED = "protected"  #: whether it is delivered protected
IN_CLEAR = "in clear"  #: whether it is delivered in clear, now or once somebody lets it through
WAY = "way"  #: how it leaves: ``stays``, ``forced`` (TLS) or ``free``
EXPOSED = "exposed"  #: whether it is delivered in clear and leaves without forced TLS
ACTS = "acts"  #: whether a rule acts on it
CHANGES = "changes"  #: whether an edit changes it in this way: a kind of difference
STAYS = "stays"  #: whether it is treated as before by rules that are to do the same

#: Aspects of rules, edits and organizations: all are true or false.
ENCRYPTS = "encrypts"  #: a rule asks for protection, and acts
LETS_OUT = "lets mail out"  #: by the edit of a rule, mail that was protected leaves in clear
REACHES = "reaches mail"  #: the edit of a rule protects mail that was not protected
MATTERS = "matters"  #: the edit of a rule is seen by somebody who gets mail, or decides what becomes of it
ANY_ENCRYPTS = "some rule encrypts"
ALL_HOLD = "all guarantees hold"
AS_APPROVED = "mail is treated as somebody approved"
ALL_COMPARED = "every rule that protects is compared"


@dataclass(frozen=True)
class Subject:
    """What a claim is about.

    :param aspect: one of the above.
    :param about: whose: side, message and person of a copy; the name of a rule.
    :param what: the rule that acts, or the kind of change.
    """

    aspect: str
    about: tuple[Hashable, ...] = ()
    what: str = ""


@dataclass(frozen=True)
class Claim:
    """What a verb says.

    :param values: those that it leaves the subject.
    :param said: what it is made of, for people.
    """

    verb: str
    subject: Subject
    values: frozenset[Hashable]
    said: Any = None


@dataclass(frozen=True)
class Contradiction:
    """Two claims that cannot both be true."""

    one: Claim
    other: Claim

    @property
    def kind(self) -> tuple[str, str, str, str]:
        """Which verbs contradict each other, and about what."""
        first, second = sorted((self.one.verb, self.other.verb))
        subject = self.one.subject
        return first, second, subject.aspect, subject.what if subject.aspect == CHANGES else ""


def contradictions(claims: Iterable[Claim]) -> Iterator[Contradiction]:
    """The pairs of claims of which not both can be true, each kind of them once."""
    known: dict[Subject, dict[tuple[str, frozenset[Hashable]], Claim]] = {}
    for each in claims:
        known.setdefault(each.subject, {}).setdefault((each.verb, each.values), each)
    seen = set()
    for said in known.values():
        every = list(said.values())
        for place, one in enumerate(every):
            for other in every[:place]:
                found = Contradiction(one, other)
                if one.values.isdisjoint(other.values) and found.kind not in seen:
                    seen.add(found.kind)
                    yield found
