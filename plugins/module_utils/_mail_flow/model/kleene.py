# SPDX-License-Identifier: GPL-3.0-or-later
"""Three values: true, false, and an open question that says why it is open.

Kleene's logic: one false part makes a conjunction false, even if other parts are open. An open question knows its
subject, so the same question asked twice has the same answer. It may carry a likely answer.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as part
from typing import Any, TypeAlias

from . import questions
from .reason_kinds import ReasonKind


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """Why an answer is open.

    :param id: the number under which the question is listed: ``U01`` to ``U37``, or ``U00`` for a fact that nobody
        gave; a word if this collection found no answer, such as ``budget``; empty if it is no question.
    :param kind: what is unknown, in a word; ``wording.reasons`` has its sentence.
    :param values: what the sentence names.
    :param field: the key of a message, or of the facts, that says it or that it is about: ``type``,
        ``facts.accepted_domains``; empty if none does.
    """

    id: str
    kind: ReasonKind
    values: tuple[Any, ...] = ()
    field: str = part(default="", compare=False)


def rows_of(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Reasons as results have them before ``wording.reasons`` says them."""
    return [{"id": reason.id, "reason": reason} for reason in reasons]


#: What a question is about, the first part of its key, to the key of a message or of the facts.
_FIELDS = {
    **dict.fromkeys(("arrival", "readable", "decrypted", "smime", "controlled"), "protection"),
    **dict.fromkeys(("attachments", "attachment", "nested"), "attachments"),
    **dict.fromkeys(("classification", "classified"), "classification"),
    **dict.fromkeys(("type", "approval request", "report"), "type"),
    **dict.fromkeys(("manager", "has manager"), "facts.managers"),
    **dict.fromkeys(("message size", "size"), "size"),
    **dict.fromkeys(("envelope", "location"), "mail_from"),
    **{name: name for name in ("body", "authenticated", "scl")},
    "header": "headers",
    "fields": "to",
    "last hop": "sender_ip",
    "disclaimer": "disclaimer_insertable",
    "domain": "facts.accepted_domains",
    "remote domain": "facts.remote_domains",
    "guest": "facts.mail_users",
    "unauthenticated": "facts.mailboxes",
    "member": "facts.groups",
    "attribute": "facts.attributes",
    "alias": "facts.proxy_addresses",
}


@dataclass(frozen=True, slots=True)
class Open:
    """A question without an answer.

    :param key: what the question is about. Two questions with one key have one answer.
    :param reasons: why it is open, at least one.
    :param guess: the likely answer, if one may be shown; otherwise ``None``.
    :param negated: whether this is the opposite of the question's answer.
    :param shared: whether the question is the same for every condition. Otherwise it belongs to the condition that raises it: what two
        conditions make of the same open fact are two answers.
    """

    key: Hashable
    reasons: tuple[Reason, ...]
    guess: bool | None = None
    negated: bool = False
    shared: bool = False

    def __hash__(self) -> int:
        """The hash of what it is about: the reasons follow from that, and are long."""
        return hash((self.key, self.negated))

    @property
    def likely(self) -> bool | None:
        """The guess, as a value of this."""
        return None if self.guess is None else self.guess is not self.negated


#: A value of the logic.
Truth: TypeAlias = "bool | Open"


def opened(
    key: Hashable, number: str, kind: ReasonKind, *values: Any, guess: bool | None = None, shared: bool = False
) -> Open:
    """An open question with one reason: its kind, and what that names.

    :param key: what it is about; the first part of a tuple says what sort of thing that is.
    """
    about = key[0] if isinstance(key, tuple) and key else key
    return Open(
        key,
        (Reason(number, kind, values, _FIELDS.get(about, "") if isinstance(about, str) else ""),),
        guess,
        shared=shared,
    )


def with_field(value: Truth, field: str) -> Truth:
    """A value whose reasons name the key of a message, or of the facts, that has a text, where it is open what is found in
    that text (U17, U18).
    """
    if isinstance(value, bool):
        return value
    of_text = (questions.WORD_BORDERS, questions.PATTERN_SYNTAX)
    named = tuple(
        replace(reason, field=field) if not reason.field and reason.id in of_text else reason
        for reason in value.reasons
    )
    return replace(value, reasons=named)


def evaluate(value: Truth, answers: Mapping[Hashable, bool]) -> Truth:
    """A value under answers (key to answer): true or false if they answer its question, the value itself if not."""
    if isinstance(value, bool):
        return value
    answer = answers.get(value.key)
    return value if answer is None else answer is not value.negated


def negate(value: Truth) -> Truth:
    """Not."""
    return not value if isinstance(value, bool) else replace(value, negated=not value.negated)


def any_of(values: Iterable[Truth]) -> Truth:
    """Or. True as soon as one is true; otherwise open if one is."""
    still_open: list[Open] = []
    for value in values:
        if value is True:
            return True
        if value is not False:
            still_open.append(value)
    return _joined("any", still_open, False) if still_open else False


def all_of(values: Iterable[Truth]) -> Truth:
    """And. False as soon as one is false; otherwise open if one is."""
    still_open: list[Open] = []
    for value in values:
        if value is False:
            return False
        if value is not True:
            still_open.append(value)
    return _joined("all", still_open, True) if still_open else True


def _joined(word: str, values: list[Open], neutral: bool) -> Open:
    """One question in place of several. Its guess is the result of their guesses.

    If some guesses alone decide it, it is open for their reasons only.
    """
    if len(values) == 1:
        return values[0]
    likely = [value.likely for value in values]
    deciding = [value for value in values if value.likely is not neutral and value.likely is not None]
    guess: bool | None = neutral
    if deciding:
        guess = not neutral
    elif None in likely:
        guess = None
    reasons = tuple(sorted({reason for value in deciding or values for reason in value.reasons}))
    return Open(
        (word, tuple((value.key, value.negated) for value in values)),
        reasons,
        guess,
        shared=all(value.shared for value in values),
    )
