# SPDX-License-Identifier: GPL-3.0-or-later
"""A test of rules: each verb that a task may ask for, with its part of the result and its lines."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..analyses.contrast import RulesWithFacts, another_organization, contrast
from ..analyses.difference import difference
from ..analyses.expectations import TestedMessages, differences, run_cases
from ..analyses.judgment import GuaranteeVerdict, Judgment
from ..analyses.lint import lint
from ..analyses.overview import overview
from ..analyses.policy import policy
from ..analyses.standings import Copy
from ..analyses.verifier import prove
from ..budget import bounded, own_budgets
from ..input.guarantee_options import Guarantee, declared_guarantees
from ..input.messages import Case, cases_of
from ..input.parsing import facts_of
from ..input.references import Reference, references
from ..input.rule_sources import (
    MailFlowContext,
    compared_rules,
    given_facts,
    given_messages,
    settings_before,
    tested_rules,
)
from ..model.connectors import IN_TRANSIT
from ..model.kleene import Reason
from ..model.questions import numbers_told
from ..repair.nearest import copy_of, in_clear
from ..repair.simplify import simplify
from ..repair.suggest import suggestions
from ..rules.rule_set import RuleSet
from ..simulator.copy_result import CopyResult
from ..simulator.results import Simulator
from ..wording.contradicted import contradicting_texts
from ..wording.difference import compared_rows, difference_rows
from ..wording.fewer_rules import simplified_lines, simplified_row
from ..wording.guarantees import guarantee_rows
from ..wording.lint import LintRow, lint_lines, lint_rows
from ..wording.nearest_rule import NearestRow, nearest_lines, nearest_row
from ..wording.observed import ObservedRow, observed_lines, observed_rows
from ..wording.overview import (
    ANOTHER_ORGANIZATION,
    CellRow,
    ContrastRow,
    contrast_lines,
    contrast_row,
    overview_rows,
    reach_lines,
)
from ..wording.policy import PolicyRow, policy_lines, policy_rows
from ..wording.reasons import reason_text, worded
from ..wording.references import reference_lines, reference_rows
from ..wording.result_rows import DifferenceRow, GuaranteeRow
from ..wording.screen import screen_of
from ..wording.suggestion_row import SuggestionRow
from ..wording.suggestions import suggestion_lines, suggestion_rows
from ..wording.summary import difference_lines, failure_diff, tested_text, verdict_lines
from ..wording.unseen import not_read_row, unseen_lines

#: The maximum number of sentences about a difference in the message for people.
_SAID = 10


#: A message or a guarantee, a recipient of its mail, and the result's row of that copy; the result, the copy, and the rule
#: that is meant for it, empty if none is known to be.
_CopyWithResult: TypeAlias = tuple[tuple[str, str, dict[str, Any]], CopyResult, Copy, str]


@dataclass
class _Test:
    """What a task tests, and what is found so far.

    :param rows: the rows of all messages, of which the result lists those that the task asks for.
    :param compared: the rules with which they are compared, those of ``compare_with`` or those without the added ones;
        ``None`` if the task compares nothing.
    :param their_organization: their organization, if it is another one than the tested rules'.
    :param irm_before: the IRM configuration under which they are compared.
    :param observed: what was observed in the organization.
    :param difference: the classes of mail that the compared rules treat differently.
    :param judged: the verdicts on the guarantees, and :param:`verdicts` the same in words.
    :param lint: the problems of the rules.
    :param reach: which mail to people outside is protected, and :param:`policy`: what the rules do.
    :param suggestions: the edits that put guarantees and expectations right.
    :param nearest: the message or guarantee of each copy in clear, its recipient, and what kept it so.
    :param contrast: where the other organization differs; ``None`` if there is none.
    :param references: whom and what the rules name.
    :param fewer: fewer rules that do the same, in lines.
    :param result: the task's result.
    """

    task: MailFlowContext
    now: datetime.datetime
    cases: Sequence[Case]
    guarantees: Sequence[Guarantee]
    rules: RuleSet
    facts: Mapping[str, Any]
    simulator: Simulator
    tested: TestedMessages
    rows: Sequence[dict[str, Any]]
    compared: RuleSet | None
    their_organization: RulesWithFacts | None
    irm_before: Mapping[str, Any] | None
    observed: Sequence[ObservedRow]
    difference: Sequence[DifferenceRow] = ()
    judged: list[Judgment] = field(default_factory=list)
    verdicts: Sequence[GuaranteeRow] = ()
    lint: Sequence[LintRow] = ()
    reach: Sequence[CellRow] = ()
    policy: Sequence[PolicyRow] = ()
    suggestions: Sequence[SuggestionRow] = ()
    nearest: list[tuple[str, str, NearestRow]] = field(default_factory=list)
    contrast: ContrastRow | None = None
    references: Sequence[Reference] = ()
    fewer: Sequence[str] = ()
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def before(self) -> RuleSet:
        """The rules with which they are compared, where the task compares."""
        if self.compared is None:
            raise AssertionError("the task compares nothing")
        return self.compared

    @property
    def params(self) -> Mapping[str, Any]:
        """The task's options."""
        return self.task.params


@dataclass(frozen=True)
class _Verb:
    """Something that a task can ask for.

    :param is_asked: whether the task asks for it.
    :param answer: its part of the result.
    :param lines: what it found, for people.
    :param of_all_mail: whether it is about all mail. All such verbs share one budget; guarantees have their own.
    """

    is_asked: Callable[[_Test], bool]
    answer: Callable[[_Test], Mapping[str, Any]]
    lines: Callable[[_Test], Iterable[str]] = lambda test: ()
    of_all_mail: bool = False


def run_test(task: MailFlowContext) -> dict[str, Any]:
    """Answers what the task asks of its rules."""
    test = _test_of(task)
    asked = [verb for verb in _VERBS if verb.is_asked(test)]
    with bounded(share=1):
        for verb in asked:
            if verb.of_all_mail:
                test.result.update(verb.answer(test))
    for verb in asked:
        if not verb.of_all_mail:
            test.result.update(verb.answer(test))
    lines = [line for verb in asked for line in verb.lines(test)]
    # What nobody asked for is no news on the terminal; the result has it.
    not_read = test.result.get("not_read", []) if test.params["compliance"] else []
    unseen = unseen_lines(test.result["unseen"], not_read)
    last_lines = [*numbers_told(lines), *observed_lines(test.observed), *unseen]
    test.result["msg"] = screen_of(lines, last_lines)
    test.result["messages"] = worded(test.result["messages"])
    return {**test.result, **_failure(test)}


def _test_of(task: MailFlowContext) -> _Test:
    """The rules, the messages taken through them, and whatever they are compared with."""
    params, now = task.params, datetime.datetime.now(datetime.UTC)
    messages, option = given_messages(task)
    cases = cases_of(messages, task.find_file, now, option, params["defaults"])
    guarantees = declared_guarantees(params["guarantees"] or [])
    facts_of(given_facts(params))
    before, their_facts = compared_rules(task)
    tested_side = tested_rules(task, cases, before, guarantees, every_fact=False, compliance=params["compliance"])
    rules = tested_side.rules
    facts = tested_side.facts
    for rule in rules.rules:
        if rule.dlp:
            task.warnings.append(f"The rule {rule.name!r} does nothing: {reason_text(Reason('', 'dlp_rule'))}.")
    simulator = Simulator(rules, facts_of(facts))
    tested = run_cases(cases, simulator, params["trace"])
    rows = [message.as_row() for message in tested.messages]
    observed = observed_rows(tested_side.observed)
    return _Test(
        task=task,
        now=now,
        cases=cases,
        guarantees=guarantees,
        rules=rules,
        facts=facts,
        simulator=simulator,
        tested=tested,
        rows=rows,
        compared=tested_side.without if before is None else before,
        their_organization=another_organization(before, {**their_facts, **given_facts(params)}, facts),
        irm_before=settings_before(facts, params["facts"] or {}, their_facts),
        observed=observed,
        result={
            "changed": False,
            "messages": [row for row in rows if tested.is_listed(row["name"], params["results"])],
            "unavailable": tested_side.unavailable,
            "unseen": list(simulator.facts.encrypters.unseen),
            **not_read_row(simulator.facts.encrypters.unseen, tested_side.unavailable, asked=params["compliance"]),
            **({"observed": [row.as_row() for row in observed]} if params["observations"] else {}),
        },
    )


def _failure(test: _Test) -> dict[str, Any]:
    """Whether the task fails, and the expectations that are not met."""
    failures = test.tested.failures
    diff = {"diff": [failure_diff(failure) for failure in failures]} if failures else {}
    if failures or any(judgment.verdict is GuaranteeVerdict.REFUTED for judgment in test.judged):
        return {"failed": test.params["fail_on_error"], **diff}
    return diff


def _message_lines(test: _Test) -> list[str]:
    return [tested_text(test.tested)]


def _changed_messages(test: _Test) -> dict[str, Any]:
    """What the compared rules do differently to the messages."""
    facts = (
        facts_of(test.their_organization.facts)
        if test.their_organization
        else test.simulator.facts.with_irm_configuration(test.irm_before)
    )
    simulator = Simulator(test.before, facts)
    before = [simulator.results(case.message) for case in test.cases]
    after = [message.result for message in test.tested.messages]
    return {"changed_messages": compared_rows(differences(before, after))}


def _difference(test: _Test) -> dict[str, Any]:
    """What the compared rules do differently to all mail."""
    findings = difference(test.before, test.rules, test.facts, test.now, irm_before=test.irm_before)
    rows, more = difference_rows(findings)
    test.difference = [row.with_contradicted(contradicting_texts(row.rules, test.observed)) for row in rows]
    return {"difference": [row.as_row() for row in test.difference], "difference_more": more}


def _difference_lines(test: _Test) -> list[str]:
    notes = [ANOTHER_ORGANIZATION] if test.their_organization else []
    return [*notes, *difference_lines(test.difference, test.result["difference_more"], test.observed, _SAID)]


def _verdicts(test: _Test) -> dict[str, Any]:
    """The verdicts on the guarantees."""
    with own_budgets():  # A verdict does not depend on what else is asked.
        test.judged = prove(test.rules, test.facts, test.guarantees, test.now)
    test.verdicts = guarantee_rows(test.judged)
    return {"guarantees": [row.as_row() for row in test.verdicts]}


def _verdict_lines(test: _Test) -> Iterable[str]:
    return verdict_lines(test.verdicts)


def _is_linted(test: _Test) -> bool:
    if test.params["lint"] is None:
        return bool(test.guarantees) or test.compared is not None
    return bool(test.params["lint"])


def _problems(test: _Test) -> dict[str, Any]:
    """The problems in the rules."""
    test.lint = lint_rows(lint(test.rules, test.facts, test.now))
    return {"lint": [row.as_row() for row in test.lint]}


def _problem_lines(test: _Test) -> list[str]:
    """The problems, if the task asks for them by name."""
    if not test.params["lint"]:
        return []
    return lint_lines(test.lint, _SAID)


def _overview(test: _Test) -> dict[str, Any]:
    """What an organization does to mail, and where another one differs."""
    test.reach = overview_rows(overview(test.rules, test.facts, test.now))
    sentences = policy_rows(policy(test.rules, test.facts, test.now))
    test.policy = [row.with_contradicted(contradicting_texts(row.rules, test.observed)) for row in sentences]
    result: dict[str, Any] = {
        "overview": [row.as_row() for row in test.reach],
        "policy": [row.as_row() for row in test.policy],
    }
    if test.their_organization:
        here = RulesWithFacts(test.rules, test.facts)
        test.contrast = contrast_row(contrast(test.their_organization, here, test.now))
        result["organizations"] = test.contrast.as_row()
    return result


def _overview_lines(test: _Test) -> list[str]:
    lines = [*reach_lines(test.reach), *policy_lines(test.policy)]
    return [*lines, *contrast_lines(test.contrast)] if test.contrast else lines


def _explanation(test: _Test) -> dict[str, Any]:
    """Nothing of its own: it adds to the results of copies that no rule protects what kept them so."""
    for (name, recipient, row), nearest in in_clear(
        test.rules, [*_message_copies(test), *_counterexample_copies(test)]
    ):
        explained = nearest_row(nearest)
        row["nearest"] = explained.as_row()
        test.nearest.append((name, recipient, explained))
    return {}


def _explanation_lines(test: _Test) -> Iterable[str]:
    return nearest_lines(test.nearest)


def _message_copies(test: _Test) -> Iterator[_CopyWithResult]:
    """The recipients' copies."""
    for case, tested, row in zip(test.cases, test.tested.messages, test.rows, strict=True):
        for address, result in tested.result.recipients.items():
            copy = Copy(case.message, test.simulator.facts, address)
            yield (tested.result.name, address, row["recipients"][address]), result, copy, ""


def _counterexample_copies(test: _Test) -> Iterator[_CopyWithResult]:
    """The copies of counterexamples. How near encryption was does not matter to a guarantee of the way that mail takes, unless a rule
    is known to be meant for it.
    """
    for row, each in zip(test.result.get("guarantees", ()), test.judged, strict=True):
        counterexample = each.counterexample
        if counterexample and (counterexample.meant or each.guarantee.then != IN_TRANSIT):
            copy = copy_of(counterexample, test.simulator.facts, test.now)
            name = (row["name"], counterexample.recipient, row["counterexample"]["outcome"])
            yield name, counterexample.outcome, copy, counterexample.meant


def _suggestions(test: _Test) -> dict[str, Any]:
    """The edits after which the guarantees hold and the expectations are met."""
    suggested = suggestions(test.rules, test.facts, test.judged, test.cases, test.now)
    # What an edit does rests on all rules.
    contradicting = contradicting_texts((), test.observed)
    rows = suggestion_rows(suggested, test.rules.descriptions, test.task.to_yaml)
    test.suggestions = [row.with_contradicted(contradicting) for row in rows]
    return {"suggestions": [row.as_row() for row in test.suggestions]}


def _suggestion_lines(test: _Test) -> Iterable[str]:
    return suggestion_lines(test.suggestions)


def _references(test: _Test) -> dict[str, Any]:
    """Whom and what the rules name."""
    test.references = references(test.task.session, test.rules.descriptions)
    return {"references": reference_rows(test.references)}


def _reference_lines(test: _Test) -> Iterable[str]:
    return reference_lines(test.references)


def _simplified(test: _Test) -> dict[str, Any]:
    """Fewer rules that do the same."""
    simplified = simplify(test.rules, test.facts, test.now)
    test.fewer = list(simplified_lines(simplified))
    return {"simplified": simplified_row(simplified, test.task.to_yaml)}


def _is_set(option: str) -> Callable[[_Test], bool]:
    return lambda test: bool(test.params[option])


#: What a task can ask for, in the order in which it is said.
_VERBS = (
    _Verb(lambda test: bool(test.cases), lambda test: {}, _message_lines),
    _Verb(lambda test: test.compared is not None and bool(test.cases), _changed_messages),
    _Verb(lambda test: test.compared is not None, _difference, _difference_lines, of_all_mail=True),
    _Verb(lambda test: bool(test.guarantees), _verdicts, _verdict_lines, of_all_mail=True),
    _Verb(_is_linted, _problems, _problem_lines, of_all_mail=True),
    _Verb(_is_set("overview"), _overview, _overview_lines, of_all_mail=True),
    _Verb(_is_set("explain"), _explanation, _explanation_lines),
    _Verb(_is_set("suggest"), _suggestions, _suggestion_lines),
    _Verb(_is_set("references"), _references, _reference_lines),
    _Verb(_is_set("simplify"), _simplified, lambda test: test.fewer),
)
