# SPDX-License-Identifier: GPL-3.0-or-later
"""An experiment as a task's result, and in lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..._exchange.organization import COMPLIANCE_SUBSETS
from ..._exchange.text import listed
from ..experiment.comparing import NOT_COMPARABLE, lacks_protection, shows_rule
from ..experiment.letters import LARGEST, TEXTS
from ..experiment.observing import NOT_SEEN, Sighting
from ..experiment.reach import ANYBODY, BY_RULE, STANDS_FOR, Forward
from ..experiment.record import PERHAPS, PLANNED, PROBE, REFUSED, SENDING, ExperimentRecord, RecordedMail
from ..experiment.sampling import Demonstration, PlannedMail, SendingPlan, Unsent
from ..experiment.watching import ObservedMail, SeenCopy
from ..input.messages import broken
from ..input.observations import PART_TEXTS, Observation
from ..model.addresses import is_address, without_addresses
from .copy_row import CopyRow
from .experiment_row import (
    BounceRow,
    ContradictingPartRow,
    NotShownRow,
    SeenCopyRow,
    SeenMessageRow,
    SightingRow,
)
from .questions import UNASKED
from .reasons import worded
from .summary import outcome_words

#: Why a message is not sent.
_UNSENT: Mapping[str, Callable[[tuple[str, ...]], str]] = {
    "described": lambda names: f"mail cannot be sent with {listed(names, joint='and')}, which only describes it",
    "blind_copy": lambda names: "it has recipients whom no header shows (bcc)",
    "attachment": lambda names: (
        f"the file {listed(names)} cannot be written, only plain text can ({listed(TEXTS)}): use eml_path"
    ),
    "large": lambda names: f"it has {listed(names)} bytes, and at most {LARGEST:,} are sent",
    "address": lambda names: f"{listed(names, chr(39))} is no plain address in ASCII",
    "header": lambda names: (
        f"the header {listed(names)} cannot be sent, only headers of your own that begin with X- can"
    ),
    "answered": lambda names: f"it has a part of the type {listed(names)}, which mailboxes answer to whom it names",
    "several_senders": lambda names: "its From field has several addresses",
    "sender": lambda names: f"it is from {listed(names)}, which is not in senders",
    "recipient": lambda names: (
        f"it is to {listed(names, joint='and')}, not in recipients" if names else "it has no recipient"
    ),
    "limit": lambda names: "there are max_messages before it",
    "disabled_rule": lambda names: "it is disabled, so it never acts",
    "dlp_rule": lambda names: "it belongs to a DLP policy, so it never acts as a mail flow rule",
    "no_sender": lambda names: "it has no sender (from)",
    "nobody": lambda names: "no plain message from senders to recipients shows it",
    **UNASKED,
}

#: What a goal is.
_GOALS: Mapping[str, Callable[[Demonstration], str]] = {
    "acts": lambda goal: f"the rule {goal.name!r} acts",
    "misses": lambda goal: f"the rule {goal.name!r} just does not act",
    "about": lambda goal: f"mail that the guarantee {goal.name!r} covers",
    "beside": lambda goal: (
        f"mail that the guarantee {goal.name!r} just does not cover{f' ({goal.by})' if goal.by else ''}"
    ),
    "protects": lambda goal: f"the rule {goal.rule!r} protects what the guarantee {goal.name!r} covers",
    "idle": lambda goal: f"the rule {goal.name!r}",
}

#: Why it is not known who else may get a copy.
_OPEN: Mapping[str, str] = {
    "names": "rules name people whose addresses are not known",
    "groups": "a group whose members cannot be read may get it",
    "budget": "the rules are too complex for it",
    "rules": "a rule does something unknown",
    "journal_rules": "the journal rules cannot be read",
    "forwarding": "what mailboxes send on cannot be read",
}


def goal_text(goal: Demonstration) -> str:
    """What a message shows."""
    return _GOALS[goal.kind](goal)


def unsent_row(unsent: Unsent) -> dict[str, Any]:
    """What is not sent, as a result has it."""
    name = unsent.name or (goal_text(unsent.goal) if unsent.goal else "")
    return {"name": name, "why": unsent.kind, "reason": f"{_UNSENT[unsent.kind](unsent.names)}."}


def planned_row(planned: PlannedMail) -> dict[str, Any]:
    """A message that is planned, as a result has it."""
    missed = broken(planned.expect, planned.predicted)
    row: dict[str, Any] = {
        "name": planned.letter.name,
        "message": dict(planned.options),
        "message_id": planned.letter.message_id,
        "recipients": {
            address.lower() if is_address(address) else address: {"predicted": result}
            for address, result in worded(planned.predicted).items()
        },
        "shows": shown_of(planned),
        "may_get": [*planned.reach.inside, *planned.reach.outside],
        "forwards": list(map(_forward_row, planned.reach.forwards)),
        "refutes": list(planned.refutes),
        "unexpected": [
            {"recipient": miss.recipient, "key": miss.key, "expected": miss.wanted, "predicted": miss.found}
            for miss in missed
        ],
    }
    return {key: value for key, value in row.items() if value != []}


def seen_row(message: ObservedMail) -> SeenMessageRow:
    """A message that was to be sent, as a result has it."""
    recorded = message.recorded
    return SeenMessageRow(
        name=recorded.name,
        message_id=recorded.message_id,
        state=PERHAPS if recorded.state == SENDING else recorded.state,
        reason=recorded.reason,
        sent_at=recorded.sent_at,
        recipients={copy.address: _copy_row(copy) for copy in message.copies},
        shows=tuple(recorded.shows),
    )


def _copy_row(copy: SeenCopy) -> SeenCopyRow:
    return SeenCopyRow(
        predicted=dict(copy.predicted),
        observed=_sighting_row(copy.seen),
        agrees=copy.agreement.agrees,
        contradictions=tuple(ContradictingPartRow(*part) for part in copy.agreement.parts),
    )


def _sighting_row(seen: Sighting) -> SightingRow:
    return SightingRow(
        fate=seen.fate,
        rules=seen.rules,
        protection=seen.protection,
        evidence=seen.evidence,
        remarks=seen.remarks,
        internal=seen.internal,
        bounce=BounceRow(seen.bounce.status, seen.bounce.text) if seen.bounce else None,
        tls=seen.tls,
        connector=seen.connector,
    )


#: What follows if protection was computed and not seen.
PROTECTION_NOT_SEEN = "Only a delivered copy that read_copies may read shows protection."

#: What to do about a contradiction.
REPORT = (
    "A contradiction is a mistake of this collection, of a fact, or a change that Exchange does not apply to mail yet. Run it again an hour later; if it "
    "stays, report it as a bug, with the rules and without addresses, subjects and other data of people."
)


#: What follows of a contradiction that is kept.
KEPT = "It is kept in the observations. With these, no guarantee is proved until the same message agrees, the rules that acted on it change, or it is too old."


def not_shown_rows(messages: Sequence[ObservedMail], missing: Iterable[Demonstration]) -> list[NotShownRow]:
    """The goals that something acts which no copy shows.

    :param missing: those for which no message is sent.
    """
    is_sent: dict[Demonstration, bool] = {}
    shown: set[Demonstration] = set()
    for message in messages:
        for goal in (Demonstration(**fields) for fields in message.recorded.goals):
            if goal.matters:
                is_sent[goal] = is_sent.get(goal, False) or message.recorded.is_out
                shown |= {goal} if any(_is_shown(goal, copy) for copy in message.copies) else set()
    rows = [NotShownRow(goal_text(goal), sent) for goal, sent in is_sent.items() if goal not in shown]
    return [*rows, *(NotShownRow(goal_text(goal), False) for goal in missing)]


def _is_shown(goal: Demonstration, copy: SeenCopy) -> bool:
    """Whether a copy shows that what a goal is about acts. Of a guarantee that nothing protects, agreement is all there is."""
    if copy.agreement.agrees is not True:
        return False
    if goal.kind == "about":
        protecting = copy.predicted.get("protected_by", ())
        return not protecting or any(shows_rule(rule, copy.predicted, copy.seen) for rule in protecting)
    return shows_rule(goal.rule or goal.name, copy.predicted, copy.seen)


def not_shown_lines(rows: Iterable[NotShownRow]) -> list[str]:
    """The goals that no message shows, a line for each reason."""
    goals: dict[bool, list[str]] = {}
    for row in rows:
        goals.setdefault(row.sent, []).append(row.goal)
    why = {
        True: "no copy was seen with the rule or the protection that was computed",
        False: "no message was sent",
    }
    return [f"Not shown, because {why[sent]}: {'; '.join(texts)}." for sent, texts in goals.items()]


def unavailable_lines(unavailable: Mapping[str, str], unread: Sequence[str]) -> list[str]:
    """What could not be read, a line for each reason, and what follows of it. Why DLP policies and labels were not read,
    ``not_read`` says.

    :param unread: what acts on mail beside rules and was not read.
    """
    by_reason: dict[str, list[str]] = {}
    other_facts = list(unread)
    for name, reason in unavailable.items():
        if name in COMPLIANCE_SUBSETS:
            other_facts.append(COMPLIANCE_SUBSETS[name].several)
        else:
            by_reason.setdefault(without_addresses(" ".join(reason.split())), []).append(name)
    lines = [f"Not read: {listed(names, joint='and')}: {reason}" for reason, names in by_reason.items()]
    if other_facts:
        what = listed(list(dict.fromkeys(other_facts)), joint="and", most=len(other_facts))
        lines.append(f"Not read: {what}. What they do to mail, and to whom they send copies, is not computed.")
    return lines


def expected_lines(plan: SendingPlan, indent: str = "") -> list[str]:
    """What of the computed results is not as the user expects or guarantees it."""
    return [line for planned in plan.messages for line in _unexpected_lines(planned, indent)]


def _unexpected_lines(planned: PlannedMail, indent: str) -> list[str]:
    name = planned.letter.name
    expected = [
        f"{indent}Not as expected: {name}: {row.key or 'the recipient'} is computed as {worded(row.found)!r}, not {row.wanted!r}."
        for row in broken(planned.expect, planned.predicted)
    ]
    refuted = [
        f"{indent}Refuted by what is computed: the guarantee {guarantee!r} covers {name!r}, and is not kept."
        for guarantee in planned.refutes
    ]
    return [*expected, *refuted]


def seen_lines(messages: Sequence[ObservedMail], record: ExperimentRecord, *, is_kept: bool) -> list[str]:
    """What was seen, without addresses and subjects.

    :param is_kept: whether contradictions are kept in a file of observations.
    """
    every = [(message, copy) for message in messages for copy in message.copies]
    asked = [pair for pair in every if pair[0].recorded.question and pair[1].agreement.agrees is not False]
    copies = [pair for pair in every if pair not in asked]
    return [
        _headline(copies, record),
        *_asked_lines(asked),
        *_hidden_lines(copies),
        *_contradiction_lines(copies, record, is_kept=is_kept),
        *(
            f"Not comparable: {message.recorded.name}: {_why_open(copy, record.unlogged)}."
            for message, copy in copies
            if copy.agreement.agrees == NOT_COMPARABLE
        ),
        *(line for message in messages for line in _sending_lines(message.recorded)),
    ]


#: Copies, each with its message.
_Copies = Sequence[tuple[ObservedMail, SeenCopy]]


def _headline(copies: _Copies, record: ExperimentRecord) -> str:
    """How many messages were sent, and how many copies agree."""
    agreements = [copy.agreement.agrees for _message, copy in copies]
    agreeing, contradicting, open_ = (
        sum(agrees == answer for agrees in agreements) for answer in (True, False, NOT_COMPARABLE)
    )
    probes = len(record.probes_out)
    beside = f", and {_counted(probes, 'message')} to see when the temporary rules act" if probes else ""
    all_sent = f"{len(record.asked_for_out)} of {_counted(len(record.asked_for), 'message')} sent{beside}."
    if not copies:
        return all_sent
    return (
        f"{all_sent} Of {_counted(len(copies), 'copy')}, {agreeing} "
        f"{_verb(agreeing, 'agree')} with what was computed, {contradicting} {_verb(contradicting, 'contradict')} it, "
        f"{open_} cannot be compared."
    )


def _asked_lines(copies: _Copies) -> list[str]:
    """The line about copies that are not compared, because they are of questions; none if there is no such copy."""
    if not copies:
        return []
    names = list(dict.fromkeys(message.recorded.question for message, _copy in copies))
    numbers = [name for name in names if name != PROBE]
    probes = " and of messages to see when the temporary rules act" if PROBE in names else ""
    what = f"{listed(numbers, joint='and', most=len(numbers))}{probes}" if numbers else probes.removeprefix(" and of ")
    return [f"Asked, not compared: {_counted(len(copies), 'copy')} of {what}."]


def _hidden_lines(copies: _Copies) -> list[str]:
    """The line about copies that agree although their computed protection was not seen; none if there is no such copy."""
    hidden = sum(
        copy.agreement.agrees is True and lacks_protection(copy.predicted, copy.seen) for _message, copy in copies
    )
    if not hidden:
        return []
    return [
        f"Protection not seen: {_counted(hidden, 'copy')} that {_verb(hidden, 'agree')} by fate and rules "
        f"{'is' if hidden == 1 else 'are'} computed as protected. {PROTECTION_NOT_SEEN}"
    ]


def _contradiction_lines(copies: _Copies, record: ExperimentRecord, *, is_kept: bool) -> list[str]:
    """What contradicts, and what to do about it."""
    lines = []
    for message, copy in copies:
        if copy.agreement.agrees is False:
            parts = "; ".join(
                f"{PART_TEXTS[part]}{f' (computed {computed!r}, seen {shown!r})' if part != 'copy' else ''}"
                for part, computed, shown in copy.agreement.parts
            )
            lines.append(f"Contradicts what was computed: {message.recorded.name}: {parts}.")
    if not lines:
        return []
    if record.unread:
        what = listed(list(record.unread), joint="and")
        lines.append(f"{what[0].upper()}{what[1:]} were not read, and may be the cause. If they are not:")
    lines += [REPORT, *([KEPT] if is_kept else [])]
    return lines


def _sending_lines(recorded: RecordedMail) -> list[str]:
    """Whether a message was not, or only perhaps, sent."""
    if recorded.state in (PERHAPS, SENDING):
        return [f"Perhaps sent, and not sent again: {recorded.name}."]
    if recorded.state == REFUSED:
        return [f"Refused: {recorded.name}: {recorded.reason}"]
    if recorded.state != PLANNED:
        return []
    if recorded.reason:
        return [f"Not sent: {recorded.name}: {recorded.reason}"]
    return [f"Not sent, because an earlier one was refused: {recorded.name}."]


def _counted(number: int, noun: str) -> str:
    """``1 copy``, ``2 copies``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def _verb(number: int, verb: str) -> str:
    """A verb in the present: ``agrees`` for one, ``agree`` for any other number."""
    return f"{verb}s" if number == 1 else verb


def settled_row(observation: Observation) -> dict[str, Any]:
    """An open question that was settled, as a result has it."""
    return {
        "id": observation.id,
        "answer": observation.answer,
        "text": observation.text,
        "seen": observation.seen,
        "experiment": observation.experiment,
        "evidence": list(observation.evidence),
    }


def settled_lines(observations: Iterable[Observation]) -> list[str]:
    """The open questions that were settled."""
    return [f"{observation.id} is settled: {observation.text}" for observation in observations]


def _why_open(copy: SeenCopy, unlogged: Sequence[str]) -> str:
    """Why a copy was not compared.

    :param unlogged: the names of the rules that can act without a log.
    """
    remarks = copy.seen.remarks
    if not copy.predicted and copy.seen.fate not in (NOT_SEEN, "expanded"):
        return "a mailbox sent it on"
    if copy.seen.internal is False:
        return "Exchange took its sender for one outside"
    for remark, text in _REMARKS.items():
        if remark in remarks:
            return text
    if copy.predicted.get("unknown"):
        return f"it is not known what happens to it ({', '.join(row['id'] for row in copy.predicted['unknown'])})"
    rules = copy.seen.rules
    if rules is not None and copy.seen.protection == NOT_SEEN and any(name not in rules for name in unlogged):
        return (
            f"seen as {copy.seen.fate}, but a rule without set_audit_severity can have acted unseen, and its protection was not "
            "seen (read_copies)"
        )
    return f"seen as {copy.seen.fate}, which says too little"


_REMARKS: Mapping[str, str] = {
    "missing": "the trace does not show it",
    "contradicting": "what Exchange shows of it contradicts itself",
    "duplicated": "the trace shows it several times",
    "late": "it has no end yet",
    "partial": "the trace shows no details of it",
}


def refused_text(planned: Sequence[PlannedMail], may_reach: Iterable[str], unread: Mapping[str, str]) -> str:
    """Who may get a copy although nobody allowed it; empty if there is none.

    :param unread: cmdlet to why what mailboxes send on could not be read.
    """
    allowed = list(may_reach)
    by_rules: dict[str, None] = {}
    sent_on: dict[str, None] = {}
    why: dict[str, None] = {}
    for row in planned:
        refused = row.reach.refused(allowed)
        forwards = [forward for forward in row.reach.forwards if forward.to in refused]
        sent_on.update(dict.fromkeys(map(_forward_text, forwards)))
        targets = {forward.to for forward in forwards}
        by_rules.update(dict.fromkeys(address for address in refused if address not in (ANYBODY, *targets)))
        if ANYBODY in refused:
            why.update(dict.fromkeys(_OPEN[word] for word in row.reach.open))
    parts = list(sent_on)
    if by_rules:
        parts.append(f"by rules, {listed(list(by_rules), joint='and')} may get copies")
    if why:
        reasons = [f"{cmdlet}: {reason}" for cmdlet, reason in unread.items()] if _OPEN["forwarding"] in why else []
        parts.append(f"it is not known who may get copies ({'; '.join([*why, *reasons])})")
    return ", and ".join(parts)


def _forward_text(forward: Forward) -> str:
    """What sends mail on, and to whom."""
    if forward.by == STANDS_FOR:
        return f"the recipient {forward.mailbox} stands for {forward.to}"
    if forward.by == BY_RULE:
        return f"the inbox rule {forward.rule!r} of {forward.mailbox} sends mail on to {forward.to}"
    return f"the mailbox {forward.mailbox} forwards its mail to {forward.to}"


def _forward_row(forward: Forward) -> dict[str, str]:
    row = {"mailbox": forward.mailbox, "to": forward.to, "by": forward.by, "rule": forward.rule}
    return {key: value for key, value in row.items() if value}


def sending_plan_lines(plan: SendingPlan) -> list[str]:
    """What would be sent, without addresses and subjects."""
    lines = [f"Would send {_counted(len(plan.messages), 'message')}."]
    for planned in plan.messages:
        # Its name says the first of several things that it shows.
        more = [_further_text(goal, planned.goals[0]) for goal in planned.goals[1:]]
        lines.append("  " + "; ".join([planned.letter.name, *more]))
        lines += _computed_lines(planned, "    ")
        lines += _unexpected_lines(planned, "    ")
    return [*lines, *unsent_lines(plan)]


def _further_text(goal: Demonstration, first: Demonstration) -> str:
    """What a message shows beside the first, which its name says. What has the same name is not named again."""
    words = _FURTHER.get(goal.kind)
    if words is None or goal.name != first.name:
        return goal_text(goal)
    return words(goal)


#: What a goal is, beside another one of the same rule or guarantee.
_FURTHER: Mapping[str, Callable[[Demonstration], str]] = {
    "about": lambda goal: "covered",
    "protects": lambda goal: f"protected by {goal.rule!r}",
}


def _computed_lines(planned: PlannedMail, indent: str) -> list[str]:
    """What is computed of a message, a line for each domain and outcome, and how many others may get copies."""
    copies = [
        (address.rpartition("@")[2].lower(), outcome_words(CopyRow.from_row(worded(result))))
        for address, result in planned.predicted.items()
    ]
    counts = Counter(copies)
    lines = [
        f"{indent}to {domain}: {words}{f' ({number} copies)' if number > 1 else ''}"
        for (domain, words), number in counts.items()
    ]
    others = len(planned.reach.inside) + len(planned.reach.outside)
    return [*lines, *([f"{indent}{_counted(others, 'other')} may get copies (may_get)"] if others else [])]


def unsent_lines(plan: SendingPlan) -> list[str]:
    """What is not sent, and why."""
    return [f"Not sent: {row['name']}: {row['reason']}" for row in map(unsent_row, plan.unsent)]


def shown_of(planned: PlannedMail) -> list[str]:
    """What a message shows of rules and guarantees."""
    return [goal_text(goal) for goal in planned.goals]
