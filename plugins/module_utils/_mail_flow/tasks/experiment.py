# SPDX-License-Identifier: GPL-3.0-or-later
"""An experiment: which messages show what rules and guarantees say, whom they may reach, and their sending."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..._engine.arguments import validate
from ..._exchange.errors import ExchangeError, OptionError
from ..._exchange.organization import Organization
from ..._exchange.spelling import remedy
from ..._exchange.text import listed, quoted
from ..._resources.organization_state import describe
from ..experiment.comparing import is_silent
from ..experiment.experiment_context import ExperimentContext, SmtpPost
from ..experiment.letters import Sending, is_sendable_address
from ..experiment.onward import OnwardAddresses, absent_of, read_onward_addresses, with_onward_addresses
from ..experiment.posting import GraphPost, LetterSender, Post
from ..experiment.question_plan import (
    QuestionPlan,
    QuestionRequest,
    may_be_nobody,
    messages_of,
    numbers_of,
    question_plan_of,
)
from ..experiment.question_run import QuestionRun, remove_left_behind
from ..experiment.reach import ANYBODY
from ..experiment.record import ExperimentRecord, RecordedMail, record_of
from ..experiment.relied_on import RELIED_ON, Dependence, VerdictsRelying, numbers_by_use
from ..experiment.sampling import ExperimentRequest, PlannedMail, SendingPlan, readable_recipients, sending_plan_of
from ..experiment.sending_options import SENDING_RANGES
from ..experiment.temporary_rules import is_over, temporary_rules_of, token_of
from ..input.guarantee_options import Guarantee, declared_guarantees
from ..input.message_options import MESSAGES_ARGUMENT_SPEC
from ..input.observations import digest_of_rules, observed_of
from ..input.parsing import facts_of
from ..input.rule_sources import organization_rules
from ..model.facts import Facts
from ..model.questions import UNAUTHENTICATED_INSIDE, numbers_told
from ..rules.rule_set import RuleSet
from ..trace.reading import check_ranges
from ..wording.experiment import (
    planned_row,
    refused_text,
    sending_plan_lines,
    shown_of,
    unavailable_lines,
    unsent_lines,
    unsent_row,
)
from ..wording.questions import (
    decided_lines,
    dependence_lines,
    dependence_row,
    leftover_lines,
    removed_lines,
    temporary_rule_lines,
)
from ..wording.reasons import worded
from ..wording.screen import WordedResult
from ..wording.unseen import not_read_row
from .experiment_outcome import (
    known_observations,
    now_in_utc,
    outcome_of_record,
    read_experiment,
    tracker_of,
    with_leftovers,
)

#: How long temporary rules last at least.
AT_LEAST = datetime.timedelta(hours=2)

#: What marks messages that are only shown.
_NO_TOKEN = "x" * 8


def run_experiment(task: ExperimentContext) -> WordedResult:
    """Sends the messages, or shows them in check mode, and says what became of them: the result, with the lines of its ``msg``."""
    params = task.params
    check_ranges(params, SENDING_RANGES)
    numbers = numbers_of(params["questions"] or [])
    if params["read_only"]:
        return read_experiment(task)
    if not task.check_mode and not params["record"]:
        raise OptionError(
            "record is required to send messages.",
            remedy="Name a file for what was sent, so that it can be read later.",
        )
    guarantees = declared_guarantees(params["guarantees"] or [])
    sending = _sending(params, _NO_TOKEN if task.check_mode else secrets.token_hex(4))
    organization, rules, facts, unavailable = organization_rules(
        task, guarantees, sending.recipients, compliance=params["compliance"]
    )
    known = facts_of(facts)
    rules = RuleSet.read(rules, known.dialect)
    relying = _Relying.of_task(task, rules, facts, guarantees)
    numbers = list(dict.fromkeys([*numbers, *numbers_by_use(relying.dependences, messages_of)]))
    plan, asking = _plans(task, sending, rules, known, guarantees, numbers)
    onward = read_onward_addresses(task.session, [*plan.messages, *asking.probes], known)
    unavailable = {**unavailable, **onward.unread}
    plan = replace(plan, messages=with_onward_addresses(plan.messages, onward, known))
    asking = replace(asking, probes=with_onward_addresses(asking.probes, onward, known))
    _check_reach(replace(plan, messages=[*plan.messages, *asking.probes]), params["may_reach"], onward)
    # What verdicts rest on is told before anything is sent, also where no message tells more.
    if not plan.messages and not (task.check_mode and relying.dependences):
        raise _nothing_to_send(task, plan, relying)
    unread = _unread_encrypters(known)
    not_read = not_read_row(known.encrypters.unseen, unavailable, asked=params["compliance"])
    if task.check_mode:
        over = [rule.name for rule in temporary_rules_of(organization) if is_over(rule, sending.now)]
        shown = _shown(task, plan, asking, over if params["temporary_rules"] else [], relying, unavailable, unread)
        return replace(shown, row={**shown.row, **not_read})
    if asking.rules:
        _check_record(task, organization)
        removed, leftover = remove_left_behind(task, organization, params["record"])
        task.warnings += [*removed_lines(removed), *leftover_lines(leftover)]
    record = _new_record(task, plan, rules, sending.token, unread)
    if asking.rules:
        record.temporary = asking.rules
        record.before = describe(organization, ["transport_rules"])
    record.people = asking.people
    sent = relying.with_decisions(_sent(task, plan, asking, record, unavailable))
    return replace(sent, row={**sent.row, **not_read})


def _plans(
    task: ExperimentContext,
    sending: Sending,
    rules: RuleSet,
    known: Facts,
    guarantees: Sequence[Guarantee],
    numbers: Sequence[str],
) -> tuple[SendingPlan, QuestionPlan]:
    """The messages to send, with those that ask the questions of some numbers; and what else these ask with."""
    params = task.params
    plan = sending_plan_of(
        ExperimentRequest(
            sending=sending,
            rule_set=rules,
            facts=known,
            given=_messages_given(task),
            guarantees=guarantees,
            rules=_named(params["rules"] or [], rules),
            most=params["max_messages"],
            readable=readable_recipients(sending, known) if params["read_copies"] else frozenset(),
        )
    )
    asking = question_plan_of(
        QuestionRequest(
            numbers=numbers,
            sending=sending,
            rule_set=rules,
            facts=known,
            first=len(plan.messages) + 1,
            most=params["max_messages"] - len(plan.messages),
            may_make_rules=params["temporary_rules"],
            reads_copies=params["read_copies"],
            until=sending.now + _lasting(params),
            absent=_absent(task, numbers, sending, known),
        )
    )
    messages = [*plan.messages, *asking.messages]
    return replace(plan, messages=messages, unsent=[*plan.unsent, *asking.unsent]), asking


def _unread_encrypters(known: Facts) -> list[str]:
    """What encrypts or decrypts beside rules and was not read."""
    read = {"DLP policies": known.encrypters.dlp_policies, "labels": known.encrypters.labels}
    return [name for name, encrypters in read.items() if encrypters is None]


def _nothing_to_send(task: ExperimentContext, plan: SendingPlan, relying: _Relying) -> OptionError:
    """The error if there is no message to send, with the reason. Several reasons are shown as lines, and are in the result."""
    reasons = unsent_lines(plan)
    if len(reasons) > 1:
        for line in reasons:
            task.say(line)
        reasons = [f"not_sent of the result has the {len(reasons)} reasons."]
    error = OptionError(
        " ".join(["There is no message to send.", *relying.none_lines, *reasons]),
        remedy="Give messages, guarantees, rules or questions, with senders and recipients that they are about.",
    )
    error.result = {"not_sent": [unsent_row(each) for each in plan.unsent]}
    return error


@dataclass(frozen=True)
class _Relying:
    """The verdicts that rest on open questions, if the task asks for these.

    :param verdicts: ``None`` if it does not.
    """

    verdicts: VerdictsRelying | None = None
    dependences: Sequence[Dependence] = ()

    @classmethod
    def of_task(
        cls, task: ExperimentContext, rules: RuleSet, facts: Mapping[str, Any], guarantees: Sequence[Guarantee]
    ) -> _Relying:
        """What the verdicts of a task rest on, with what was observed already."""
        if RELIED_ON not in (task.params["questions"] or []):
            return cls()
        today = now_in_utc()
        known = known_observations(task, task.describe().organization_name) if task.params["observations"] else []
        answers = observed_of(known, rules, today.date()).answers
        observed = {**(facts.get("observed") or {}), **answers}
        verdicts = VerdictsRelying(rules, {**facts, "observed": observed}, guarantees, today)
        return cls(verdicts, verdicts.dependences())

    @property
    def none_lines(self) -> list[str]:
        """The line that no verdict rests on a question, if that was asked."""
        return ["No verdict rests on an open question."] if self.verdicts and not self.dependences else []

    @property
    def rows(self) -> dict[str, Any]:
        """What the questions would decide, as a result has it."""
        return {"relied_on": [dependence_row(each, {}) for each in self.dependences]} if self.verdicts else {}

    @property
    def lines(self) -> list[str]:
        """What the questions would decide, in lines, with what is asked."""
        lines = dependence_lines(self.dependences)
        return [*self.none_lines, *lines, *numbers_told(lines)]

    def with_decisions(self, result: WordedResult) -> WordedResult:
        """A result with what the answers have decided."""
        if self.verdicts is None:
            return result
        answers: dict[str, set[bool]] = {}
        for row in result.row["settled"]:
            answers.setdefault(row["id"], set()).add(row["answer"])
        after = self.verdicts.under({number: values.pop() for number, values in answers.items() if len(values) == 1})
        lines = decided_lines(self.dependences, after) or self.none_lines
        relied_on = [dependence_row(each, after) for each in self.dependences]
        return WordedResult({**result.row, "relied_on": relied_on}, (*result.parts, lines))


def _shown(
    task: ExperimentContext,
    plan: SendingPlan,
    asking: QuestionPlan,
    over: Sequence[str],
    relying: _Relying,
    unavailable: Mapping[str, str],
    unread: Sequence[str],
) -> WordedResult:
    """The messages that would be sent, and the temporary rules that would be made.

    :param over: the names of temporary rules that earlier runs left.
    :param relying: the verdicts that rest on the questions that are asked.
    """
    rows = [planned_row(each) for each in [*plan.messages, *asking.probes[:1]]]
    failed = any("unexpected" in row or "refutes" in row for row in rows)
    lines = [
        *temporary_rule_lines(asking.rules, over),
        *relying.lines,
        *sending_plan_lines(plan),
        *unavailable_lines(unavailable, unread),
    ]
    row = {
        "changed": bool(plan.messages),
        "experiments": rows,
        "not_sent": [unsent_row(each) for each in plan.unsent],
        "sent": 0,
        "unavailable": dict(unavailable),
        **relying.rows,
        **({"temporary_rules": list(asking.rules)} if asking.rules else {}),
        **({"failed": task.params["fail_on_error"]} if failed else {}),
    }
    return WordedResult(row, (lines,))


def _sent(
    task: ExperimentContext,
    plan: SendingPlan,
    asking: QuestionPlan,
    record: ExperimentRecord,
    unavailable: Mapping[str, str],
) -> WordedResult:
    """Sends the messages, and waits for what becomes of them.

    :raises OptionError: the record exists, or the way of sending cannot be used. Nothing was sent.
    """
    by = task.params["send_with"]
    post: Post = GraphPost(task.mailboxes()) if by == "graph" else SmtpPost(task.mail_server(task.params))
    known_observations(task, task.describe().organization_name)
    file = task.record_file(task.params["record"])
    file.create(record.document())
    sender = LetterSender(post, file, task.say, task.sleep, now_in_utc)
    run_of_questions = QuestionRun(
        task, record, file, sender, lambda part: tracker_of(task, part)[0].wait(task.params["wait"]), _record_of_message
    )
    own = len(plan.messages) - len(asking.messages)
    sender.send_all([each.letter for each in plan.messages[:own]], record)
    try:
        with task.hold(task.params["record"]) if asking.rules else nullcontext():
            watched = run_of_questions.ask(
                asking, own, lambda: outcome_of_record(task, record, None, plan, unavailable)
            )
    except BaseException as error:
        lines = leftover_lines(run_of_questions.leftovers)
        for line in lines:
            task.say(line)
        if lines and isinstance(error, Exception):
            raise ExchangeError(" ".join([str(error), *lines])) from error
        raise
    wishes = ("unexpected", "refutes")
    planned = {each.letter.name: planned_row(each) for each in plan.messages}
    for row in watched.row["experiments"]:
        row |= {key: planned[row["name"]][key] for key in wishes if key in planned.get(row["name"], {})}
    is_unmet = any(key in row for row in planned.values() for key in wishes)
    failed = watched.row.get("failed") or (is_unmet and task.params["fail_on_error"])
    row = {
        **watched.row,
        "not_sent": [*(unsent_row(each) for each in plan.unsent), *watched.row["not_sent"]],
        **({"failed": True} if failed else {}),
    }
    return with_leftovers(replace(watched, row=row), run_of_questions.leftovers)


def _new_record(
    task: ExperimentContext, plan: SendingPlan, rules: RuleSet, token: str, unread: Sequence[str]
) -> ExperimentRecord:
    return ExperimentRecord(
        organization=task.describe().organization_name,
        token=token,
        by=task.params["send_with"],
        began=now_in_utc(),
        messages=[_record_of_message(each) for each in plan.messages],
        rules={rule.name: rule.guid for rule in rules.rules},
        digests={rule.name: digest_of_rules(rules, [rule.name]) for rule in rules.rules},
        silent=[rule.name for rule in rules.rules if is_silent(rule.actions.declared) or not rule.actions.enforced],
        unlogged=[rule.name for rule in rules.rules if is_silent(rule.actions.declared) and rule.is_on_and_enforced],
        unread=unread,
    )


def _record_of_message(planned: PlannedMail) -> RecordedMail:
    """A planned message as a record has it."""
    return RecordedMail(
        name=planned.letter.name,
        mark=planned.letter.mark,
        message_id=planned.letter.message_id,
        sender=planned.letter.sender,
        recipients=planned.letter.recipients,
        predicted=worded(planned.predicted),
        shows=tuple(shown_of(planned)),
        goals=tuple(map(asdict, planned.goals)),
        open={address: copy.document() for address, copy in planned.open.items()},
        question=planned.question,
        message=planned.message,
        sent_on=tuple(dict.fromkeys(forward.to for forward in planned.reach.forwards)),
    )


def _lasting(params: Mapping[str, Any]) -> datetime.timedelta:
    """After how long temporary rules end by themselves: longer than a run takes."""
    return datetime.timedelta(minutes=params["effective_within"] + 2 * params["wait"]) + AT_LEAST


def _sending(params: Mapping[str, Any], token: str) -> Sending:
    """How messages are sent, and between whom.

    :raises OptionError: an address is none.
    """
    people = {option: [_address(each, option) for each in params[option]] for option in ("senders", "recipients")}
    for option, each in people.items():
        if not each:
            raise OptionError(f"{option} is empty.", remedy="Name at least one address.")
    return Sending(
        by=params["send_with"],
        senders=people["senders"],
        recipients=people["recipients"],
        token=token,
        now=now_in_utc().replace(microsecond=0),
    )


def _address(text: str, option: str) -> str:
    if not is_sendable_address(text):
        raise OptionError(
            f"{option}: {text!r} is not a plain address in ASCII.",
            remedy="Give addresses such as ann@contoso.com, with an internationalized domain as xn--.",
        )
    return text.lower()


def _messages_given(task: ExperimentContext) -> list[tuple[Mapping[str, Any], bytes | None]]:
    """The user's messages, each with the content of its file.

    :raises OptionError: two have one name, or a file cannot be read.
    """
    messages: Sequence[Mapping[str, Any]] = task.params["messages"] or []
    if task.params["messages_path"]:
        content = task.load(task.params["messages_path"])
        validation, errors = validate({"messages_path": content}, {"messages_path": MESSAGES_ARGUMENT_SPEC})
        if errors:
            raise OptionError("; ".join(errors))
        messages = validation.validated_parameters["messages_path"]
    names = [str(each["name"]) for each in messages]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OptionError(f"Two messages have the name {twice!r}.", remedy="Give each message a unique name.")
    return [(each, task.find_file(each["eml_path"]) if each.get("eml_path") else None) for each in messages]


def _named(names: Sequence[str], rules: RuleSet) -> list[str]:
    """The names of rules, as the organization has them.

    :raises OptionError: a name is none of a rule.
    """
    known = {rule.name.casefold(): rule.name for rule in rules.rules}
    for name in names:
        if name.casefold() not in known:
            raise OptionError(
                f"rules: the organization has no rule {name!r}.", remedy=remedy(name, list(known.values()))
            )
    return [known[name.casefold()] for name in names]


def _absent(task: ExperimentContext, numbers: Sequence[str], sending: Sending, facts: Facts) -> list[str]:
    """The recipients in relayed domains whom the directory does not have, if a question is about such people."""
    if UNAUTHENTICATED_INSIDE not in numbers:
        return []
    return absent_of(task.session, [address for address in sending.recipients if may_be_nobody(address, facts)])


def _check_record(task: ExperimentContext, organization: Organization) -> None:
    """Refuses a file that has the record of an earlier run whose temporary rules still stand, and says how to remove them. Any other
    file that exists is refused when it would be made.

    :raises OptionError: it is such a record.
    """
    path = task.params["record"]
    file = task.record_file(path)
    if not file.exists():
        return
    try:
        token = record_of(file.read(), "record").token
    except OptionError:
        return
    names = [rule.name for rule in temporary_rules_of(organization) if token_of(rule) == token]
    if names:
        raise OptionError(
            f"record: {path} exists, and is the record of an earlier experiment, of which {len(names)} temporary "
            f"rule{' still stands' if len(names) == 1 else 's still stand'}: {listed(list(map(quoted, names)), most=len(names))}. Nothing was sent.",
            remedy="Run the task with read_only: true and this record, which removes them. Then name another file.",
        )


def _check_reach(plan: SendingPlan, may_reach: Sequence[str], onward: OnwardAddresses) -> None:
    """Refuses what may reach somebody outside whom nobody allowed.

    :param onward: what was read of mail that goes on.

    :raises OptionError: it may.
    """
    allowed = [each if each == ANYBODY else _address(each, "may_reach") for each in may_reach]
    text = refused_text(plan.messages, allowed, onward.unread)
    if text:
        raise OptionError(
            f"{text[0].upper()}{text[1:].rstrip('.')}. Nothing was sent.",
            remedy=f"If that is intended, list them in may_reach; {ANYBODY} there is for those whom nobody can compute.",
        )
