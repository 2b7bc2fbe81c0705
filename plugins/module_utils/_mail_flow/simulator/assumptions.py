# SPDX-License-Identifier: GPL-3.0-or-later
"""What proofs assume, and why answers are open that no simulation gives.

``wording.guarantees`` and ``wording.reasons`` say it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import questions
from ..model.contradictions import ContradictedCopy
from ..model.kleene import Reason
from .protection import FORWARDED_TYPES, SURELY_PROTECTED, SYSTEM_TYPES


@dataclass(frozen=True, slots=True)
class Premise:
    """What a proof rests on.

    :param id: the number of the question, or a word.
    :param kind: which of several with this number it is.
    :param values: what its sentence names, if anything.
    """

    id: str
    kind: str = ""
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Usual:
    """A property of usual mail, needed while the outcome of other mail is unknown.

    :param id: the number of the question.
    :param kind: the property, in a word.
    :param types: the types of messages that do not have it.
    :param arrivals: the protections on arrival that do not have it.
    :param most: the maximum size in bytes; ``None`` for any size.
    """

    id: str
    kind: str
    types: tuple[str, ...] = ()
    arrivals: tuple[str, ...] = ()
    most: int | None = None


_REQUEST = "ApprovalRequest"

#: The properties of usual mail in any organization.
USUAL = (
    Usual(questions.FORWARDED, "not_forwarded", FORWARDED_TYPES),
    Usual(questions.SMIME_SIGNED, "not_signed", ("Signed",), ("smime_signed",)),
    Usual(questions.SYSTEM_MAIL, "not_automatic", tuple(kind for kind in SYSTEM_TYPES if kind != _REQUEST)),
    Usual(questions.SYSTEM_MAIL, "no_approval_request", (_REQUEST,)),
    Usual(questions.TOO_LARGE, "not_too_large", most=SURELY_PROTECTED),
)

#: The assumption of a proof about rules that look into content.
NONE_FAILS = Premise("rule_errors")


#: What a proof assumes if rules or the guarantee have such conditions, because the sources disagree or are silent.
AUTHENTICATED, SUBDOMAINS, SENT_FROM, SIZES = map(Premise, ("authenticated", "subdomains", "sent_from", "sizes"))

#: That no remote domain makes people internal.
NO_INTERNAL = Premise(questions.REMOTE_DOMAINS, "no_internal_domains")

#: For mail that is led to the portal.
NOT_OURS = Premise("not_ours")

#: For mail that is delivered within a disclaimer, which is put around what it cannot be put into.
WRAPPED = Premise("wrapped")

#: For mail that is protected on its way.
NEXT_SERVER = Premise("next_server")

#: If rules make more copies than are followed.
TOO_MANY_COPIES = Reason(questions.ADDED_RECIPIENTS, "too_many_copies")


def contradicted_by(copy: ContradictedCopy) -> Reason:
    """The reason that a test message contradicts what a proof would be made of."""
    return Reason("", "contradicted", (copy.rules, copy.parts), "facts.contradicted")


#: The id of the question what those see to whom a rule shows mail.
SHOWN = "shown"

#: If a question took too many conflicts.
BUDGET = Reason("budget", "too_complex")

#: For a difference in whom rules add.
NOT_FOLLOWED = Reason(questions.ADDED_RECIPIENTS, "not_followed")

#: For a difference in who is told of rejected mail.
AFTER_REJECTION = Reason(questions.AFTER_REJECTION, "after_rejection")

#: For a difference in what happens where Exchange fails on a rule.
FAILING = Reason(questions.RULE_FAILS, "rule_fails")

#: For mail that waits for many approvals.
MANY_APPROVALS = Reason("approvals", "many_approvals")

#: For a rule that begins or ends later.
LATER = Reason("date", "later")

#: For what a condition about sender and recipient leaves open.
TO_WHOM = Reason(questions.RELATION_TO_WHOM, "relation")

#: For a verdict without a known reason.
NOT_FOUND = Reason("not_found", "not_found")


def unusual(number: str) -> Reason:
    """The reason that nobody knows what happens to mail that does not meet an assumption."""
    return Reason(number, "unusual", (number,))
