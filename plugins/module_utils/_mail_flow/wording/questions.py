# SPDX-License-Identifier: GPL-3.0-or-later
"""What an experiment asks of an organization, and what it answers, as results and lines have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..._exchange.text import listed, quoted
from ..analyses.overview import CellVerdict
from ..experiment.question_experiments import (
    GROUP,
    GUEST,
    INSIDE,
    NESTED,
    NOBODY,
    OUTSIDE,
    SECOND,
)
from ..experiment.question_run import RemovedRules
from ..experiment.relied_on import Dependence, RestingVerdict, Subject, Verdict
from ..experiment.telling import QuestionAnswer
from ..experiment.temporary_rules import LeftoverRule
from ..model.questions import (
    ADDED_RECIPIENTS,
    AUTHENTICATED,
    BY_ID,
    ENCRYPTED_AND_DECRYPTED,
    OBSERVABLE,
    SPAM_LEVEL,
)
from .overview import CELL_WORDS, KINDS_OF_MAIL

#: Who is lacking in ``recipients``, by role.
_ROLES: Mapping[str, str] = {
    INSIDE: "a mailbox of the organization",
    SECOND: "a second mailbox of the organization",
    OUTSIDE: "an address outside",
    NOBODY: "an address of nobody in a domain of the organization that is an internal relay",
    GUEST: "a guest or a mail user",
    NESTED: "a member of a group that is in another group",
    GROUP: "that group in a rule or in facts.groups",
}

#: Why no message of an experiment tells the answer to a question.
_UNTOLD: Mapping[str, str] = {
    "fact": "no message tells what was not given",
    "read": "no message is needed: Exchange shows it, and each task reads it",
    "rights": "the rights that a protected message has are seen in Outlook alone",
    "by_hand": "this version has no message for it",
    "report": "how the report of a rule can be recognized is not documented",
    "error": "errors cannot be forced without harm",
    "unsupported": "such rules cannot be made",
    "dates": "rules begin and end to act too slowly for it",
    "envelope": "neither Microsoft Graph nor this collection sends mail with another sender in its envelope",
    "texts": "it is another question for each text",
    "inside": "what is inside a protected message is seen in Outlook alone",
    "forwards": "a mailbox that forwards its mail would have to be set up for it",
    "licensing": "rights management would have to be turned off for it",
    "answers": "it is about mail that mailboxes send by themselves",
    "foreign": "it is about mail that another organization protected",
    "large": "no message is larger than 1 MB",
    "connectors": "a temporary rule would have to send mail to a connector",
    "policies": "it is about policies and labels, which are never written",
    "many": "no message has 200 recipients",
}

#: How to send, by way.
_WAYS: Mapping[str, str] = {
    "graph": "a mailbox of the organization (send_with: graph)",
    "smtp": "outside (send_with: smtp)",
}


def settled_by(number: str) -> str:
    """What tells the answer to a question, as a sentence."""
    return BY_ID[number].settled_by.replace("``", "")


#: Why a question is not asked, by the word of it.
UNASKED: Mapping[str, Callable[[tuple[str, ...]], str]] = {
    "untold": lambda names: f"{_UNTOLD[names[0]]}. What tells it: {settled_by(names[1]).rstrip('.')}",
    "temporary_rules": lambda names: (
        "it needs temporary rules (temporary_rules: true, only in a test organization). What tells it: "
        f"{settled_by(names[0]).rstrip('.')}"
    ),
    "way": lambda names: f"its message comes from {listed([_WAYS[way] for way in names])}",
    "copies": lambda names: "only a delivered copy shows it (read_copies: true)",
    "roles": lambda names: f"recipients lack {listed([_ROLES[role] for role in names], joint='and')}",
    "others": lambda names: (
        f"{'the rule' if len(names) == 1 else 'the rules'} {listed([quoted(name) for name in names], joint='and')} "
        "can act on its messages, and would be mixed up with the temporary rules"
    ),
}

#: Why nothing was told.
_NOT_TOLD: Mapping[str, Callable[[tuple[str, ...]], str]] = {
    "not_sent": lambda names: "not all of its messages were sent",
    "not_seen": lambda names: "what Exchange shows of its messages says too little",
    "not_acting": lambda names: f"the temporary rule {quoted(names[0])} was not seen to act",
    "others": lambda names: f"{listed([quoted(name) for name in names], joint='and')} acted on its messages, too",
    "neither": lambda names: "what was seen is none of its answers",
}


def answer_text(answer: QuestionAnswer) -> str:
    """What was told, as a sentence, or why nothing was, as a clause."""
    if answer.answer is None:
        return f"{_NOT_TOLD[answer.why](answer.names)}."
    if answer.number in OBSERVABLE:
        return OBSERVABLE[answer.number][0 if answer.answer else 1]
    return _OTHERS[answer.number][0 if answer.answer else 1]


#: What the answers mean to questions whose answers are no observations: they are about one sender, or about a part of a question, and no
#: verdict takes them.
_OTHERS: Mapping[str, tuple[str, str]] = {
    ENCRYPTED_AND_DECRYPTED: (
        "Mail that arrives unprotected is encrypted if one rule encrypts it and another one decrypts it, in both orders.",
        "Mail that arrives unprotected stays unprotected if one rule encrypts it and another one decrypts it, in both orders.",
    ),
    ADDED_RECIPIENTS: (
        "Later rules look at the copy of somebody whom a rule added.",
        "Later rules do not look at the copy of somebody whom a rule added.",
    ),
    SPAM_LEVEL: (
        "Later rules see the spam confidence level that a rule set.",
        "Later rules do not see the spam confidence level that a rule set.",
    ),
    AUTHENTICATED: (
        "Mail that is sent as this message was is authenticated: give authenticated: true in messages.",
        "Mail that is sent as this message was is not authenticated: give authenticated: false in messages.",
    ),
}


def answer_row(answer: QuestionAnswer) -> dict[str, Any]:
    """What an experiment told of a question, as a result has it."""
    row: dict[str, Any] = {"id": answer.number, "is_told": answer.answer is not None, "text": answer_text(answer)}
    if answer.answer is None:
        return {**row, "why": answer.why}
    return {
        **row,
        "answer": answer.answer,
        "seen": answer.seen,
        "experiment": answer.experiment,
        "evidence": list(answer.evidence),
    }


def answer_lines(answers: Iterable[QuestionAnswer]) -> list[str]:
    """What was told, a line for each question that is no observation."""
    return [
        f"{answer.number} is {'told' if answer.answer is not None else 'not told'}: {answer_text(answer)}"
        for answer in answers
        if answer.answer is None or answer.number not in OBSERVABLE
    ]


def dependence_row(dependence: Dependence, after: Mapping[Subject, RestingVerdict]) -> dict[str, Any]:
    """A verdict that rests on a question, as a result has it.

    :param after: the verdicts with the answers that were told; empty if nothing was asked.
    """
    subject = dependence.subject
    about = {"kind_of_mail": str(subject.kind), "destination": subject.destination}
    verdicts = {"if_true": dependence.if_true, "if_false": dependence.if_false}
    if subject in after:
        verdicts["after"] = after[subject].verdict
    return {
        "id": dependence.number,
        **({"guarantee": subject.guarantee} if subject.guarantee else about),
        "verdict": str(dependence.now),
        **{key: str(verdict) for key, verdict in verdicts.items() if verdict is not None},
    }


def dependence_lines(dependences: Iterable[Dependence]) -> list[str]:
    """What the answers would decide, a line for each question and verdict: first what they change. Mail of a kind to several
    destinations is one line.
    """
    alike: dict[tuple[Any, ...], list[Subject]] = {}
    for dependence in sorted(dependences, key=lambda dependence: not dependence.is_decided):
        key = (
            dependence.number,
            dependence.subject.guarantee,
            dependence.subject.kind,
            dependence.now,
            dependence.if_true,
            dependence.if_false,
        )
        alike.setdefault(key, []).append(dependence.subject)
    return [
        _dependence_text(number, _subject_text(subjects), now, if_true, if_false)
        for (number, _guarantee, _kind, now, if_true, if_false), subjects in alike.items()
    ]


def _dependence_text(number: str, subject: str, now: Verdict, if_true: Verdict | None, if_false: Verdict | None) -> str:
    known = f"{subject} (now {_verdict_text(now)})"
    if if_true is None or if_false is None:
        return f"{number} matters to {known}. No verdict takes an answer to it."
    if if_true == if_false == now:
        return f"{number} matters to {known}. Its answer alone decides nothing."
    return f"{number} would decide {known}: {_verdict_text(if_true)} if true, {_verdict_text(if_false)} if false."


def decided_lines(dependences: Iterable[Dependence], after: Mapping[Subject, RestingVerdict]) -> list[str]:
    """The verdicts that the answers have changed, a line for each.

    :param after: the verdicts with the answers.
    """
    now = {dependence.subject: dependence.now for dependence in dependences}
    return [
        f"With these answers, {_subject_text([subject])} is {_verdict_text(after[subject].verdict)}, not {_verdict_text(was)}."
        for subject, was in now.items()
        if subject in after and after[subject].verdict != was
    ]


def _subject_text(subjects: Sequence[Subject]) -> str:
    """What verdicts are about: one guarantee, or mail of one kind."""
    first = subjects[0]
    if first.guarantee:
        return f"the guarantee {first.guarantee!r}"
    kind = KINDS_OF_MAIL[first.kind]
    return f"{kind[0].lower()}{kind[1:]} to {listed([subject.destination for subject in subjects], joint='and')}"


def _verdict_text(verdict: Verdict) -> str:
    return CELL_WORDS[verdict] if isinstance(verdict, CellVerdict) else str(verdict)


def temporary_rule_lines(rules: Sequence[Mapping[str, Any]], over: Sequence[str]) -> list[str]:
    """How many rules would be made and removed, and which are left. The result has those that would be made.

    :param over: the names of rules that earlier runs left.
    """
    several = f"{len(rules)} temporary rule{'' if len(rules) == 1 else 's'}"
    made = f"Would make {several} behind all others, and remove them again (temporary_rules)."
    return [*([made] if rules else []), *(f"Would remove a rule that an earlier run left: {name}" for name in over)]


def leftover_row(rule: LeftoverRule) -> dict[str, str]:
    """A temporary rule that may still be there, as a result has it."""
    return {"name": rule.name, "reason": rule.reason, "command": rule.command}


def removed_lines(runs: Iterable[RemovedRules]) -> list[str]:
    """The temporary rules of earlier runs that this run removed, a line for each of them."""
    return [
        f"Removed {len(run.names)} temporary rule{'' if len(run.names) == 1 else 's'} that an earlier run left"
        f"{f' (record: {run.record})' if run.record else ''}: {listed(list(map(quoted, run.names)), joint='and', most=len(run.names))}."
        for run in runs
    ]


def leftover_lines(rules: Iterable[LeftoverRule]) -> list[str]:
    """Temporary rules that may still be there, and what removes them."""
    return [
        f"{f'The temporary rule {quoted(rule.name)}' if rule.name else 'A temporary rule'} may still be there: {rule.reason} "
        f"Remove it: {rule.command}"
        for rule in rules
    ]
