# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a difference, as results have them, each with a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import singledispatch
from typing import Any

from ..._exchange.text import listed, visible_line
from ..actions.copy_state import MOST_APPROVALS
from ..analyses.difference import Difference
from ..analyses.expectations import ComparedCopy
from ..analyses.finding import (
    ChangedMail,
    CutShort,
    MailFinding,
    MayBecome,
    MayChange,
    MayChangeLater,
    MayChangeUnusual,
    MayDifferForPeople,
    MayFail,
    MayHaveSideEffects,
    MayReach,
    MayWait,
    SideEffectsChanged,
    section_of,
)
from ..conditions.predicate import Atom
from .copy_row import copy_row
from .reasons import ids_in_words, open_reasons, open_words
from .result_rows import DifferenceRow, KeepingUnusualRow, SideEffectRow
from .sentences import (
    BECOMES,
    NamedMail,
    because,
    dated,
    effect_parts,
    mail_of,
    mail_with_side_effects,
    may_become,
    parts_of,
    sentence,
    side_effect_parts,
    side_effect_words,
    words_of,
)
from .summary import THAT_IS_UNUSUAL, outcome_words
from .sums import summaries

Row = dict[str, Any]

#: The number of rows that are shown.
SHOWN = 50


def difference_rows(difference: Difference, shown: int = SHOWN) -> tuple[list[DifferenceRow], int]:
    """The rows of a difference, the most important first, and the number of classes that are not in them: at least 1
    if there may be others. Findings of one class of mail are one row; of many rows, ``summary`` sums up some.

    :param shown: the maximum number of rows.
    """
    stated = _each_once(difference.findings)
    more = difference.more + max(len(stated) - shown, 0)
    summed_up = summaries(stated[:shown])
    rows = [
        replace(difference_row(finding), summary=visible_line(summed_up[place]) if place in summed_up else None)
        for place, finding in enumerate(stated[:shown])
    ]
    return rows, more if difference.complete else max(more, 1)


def _each_once(findings: Iterable[MailFinding]) -> list[MailFinding]:
    """Each class of mail once."""
    stated: list[MailFinding] = []
    for finding in findings:
        if not any(_same(finding, other) for other in stated):
            stated.append(finding)
    return stated


#: What shows a finding, which does not tell it from another.
_SHOWN = ("witness", "sides", "unknown")


def _same(one: MailFinding, other: MailFinding) -> bool:
    """Whether two findings are of the same class of mail, whatever shows it."""
    if type(one) is not type(other) or open_questions(one) != open_questions(other):
        return False
    return all(
        getattr(one, field.name) == getattr(other, field.name) for field in fields(one) if field.name not in _SHOWN
    )


def difference_row(finding: MailFinding) -> DifferenceRow:
    """A finding in words."""
    row = DifferenceRow(
        kind=finding.kind,
        text=visible_line(_text(finding)),
        when=finding.when,
        unless=finding.unless or None,
        rules=finding.rules,
        added=finding.person or None,
        witness=dict(finding.witness) if finding.witness else None,
    )
    return _with_more(finding, row)


def effects_of(findings: Iterable[MailFinding], most: int) -> tuple[str, int]:
    """What becomes of classes of mail, as sentences, where their cause is said otherwise, and the number of classes of
    which nothing is said. Each sentence is there once. Several about the same mail name it once: what some mail becomes need
    not be what the same mail becomes.

    :param most: the maximum number of sentences.
    """
    effects: dict[tuple[str, str], MailFinding] = {}
    for finding in findings:
        effects.setdefault(_effect(finding), finding)
    sentences: list[str] = []
    last = ""
    for (mail, becomes_now), finding in list(effects.items())[:most]:
        sentences.append(f"{'It' if mail and mail == last else mail} {becomes_now}".strip())
        last = "" if isinstance(finding, (ChangedMail, SideEffectsChanged)) and finding.limit == "some" else mail
    return visible_line(" ".join(sentences)), max(len(effects) - most, 0)


def _effect(finding: MailFinding) -> tuple[str, str]:
    """Mail, in words that begin a sentence, and what becomes of it; no mail where the sentence names it otherwise."""
    if isinstance(finding, ChangedMail):
        mail, becomes_now = effect_parts(finding)
        return mail, f"{becomes_now}."
    if isinstance(finding, SideEffectsChanged) and not isinstance(finding, MayChange):
        mail, effects = side_effect_parts(finding)
        return mail, f"{effects}."
    return "", _text(finding)


@singledispatch
def _text(finding: MailFinding) -> str:
    """What is said of a finding, as a sentence."""
    raise TypeError(f"No words for {type(finding).__name__}.")


@singledispatch
def _with_more(finding: MailFinding, row: DifferenceRow) -> DifferenceRow:
    """The row with what not all of them have."""
    raise TypeError(f"No row for {type(finding).__name__}.")


@_text.register
def _changed(finding: ChangedMail) -> str:
    return sentence(finding)


@_with_more.register
def _changed_row(finding: ChangedMail, row: DifferenceRow) -> DifferenceRow:
    later_rule = finding.cause.later
    stages = finding.was_and_becomes
    sides = {side: copy_row(result) for side, result in finding.sides.items()}
    return replace(
        row,
        arrives=finding.arrives or None,
        every=finding.every,
        keep_unusual=_keeping_unusual(finding),
        was=stages.get("was"),
        becomes=stages.get("becomes"),
        later=(later_rule.name,) if later_rule and later_rule.name else None,
        before=sides.get("before"),
        after=sides.get("after"),
    )


@_text.register
def _side_effects(finding: SideEffectsChanged) -> str:
    rule = finding.later.name if finding.later else finding.rules[0]
    applies = f"rule '{rule}' {'now' if finding.now else 'no longer'} applies to it, because other rules changed"
    why = because(finding.cause) if finding.cause else applies
    return f"{' '.join(side_effect_parts(finding))}: {why}."


@_with_more.register
def _side_effects_row(finding: SideEffectsChanged, row: DifferenceRow) -> DifferenceRow:
    return replace(_with_side_effects(finding, row), every=False, keep_unusual=_keeping_unusual(finding))


def _keeping_unusual(finding: ChangedMail | SideEffectsChanged) -> tuple[KeepingUnusualRow, ...] | None:
    """The other rules that keep unusual mail alone from what a finding says; ``None`` if none does."""
    rows = (
        KeepingUnusualRow(keeping.rule, section_of(keeping.mail), _unusual_mail(keeping.mail))
        for keeping in finding.keep_unusual
    )
    return tuple(rows) or None


def _unusual_mail(atoms: Sequence[Atom]) -> str:
    """The unusual mail for which conditions look."""
    return " ".join(["mail", *words_of(parts_of(atoms))]) if atoms else "some unusual mail"


def _with_side_effects(finding: SideEffectsChanged, row: DifferenceRow) -> DifferenceRow:
    effects = tuple(SideEffectRow(effect.sort, effect.name, finding.now) for effect in finding.effects)
    return replace(row, later=(finding.later.name,) if finding.later else None, side_effects=effects)


@_text.register
def _may_have_side_effects(finding: MayHaveSideEffects) -> str:
    return f"{mail_with_side_effects(finding)} {may_happen(finding)}."


@_with_more.register
def _may_have_side_effects_row(finding: MayHaveSideEffects, row: DifferenceRow) -> DifferenceRow:
    return _may_change_row(finding, _with_side_effects(finding, row))


@_text.register
def _may_change(finding: MayChange) -> str:
    mail = [named.words(first=not place) for place, named in enumerate(_mail(finding))]
    return f"{' and '.join(mail)} {may_happen(finding)}."


def _mail(finding: MayChange) -> list[NamedMail]:
    """The mail of each rule that it is about. What is among the mail of another one is not said."""
    wider = [
        rule
        for rule in finding.about
        if not any(set(other.criteria.conditions) < set(rule.criteria.conditions) for other in finding.about)
    ]
    return [mail_of([rule], finding.why, every=False) for rule in wider] or [mail_of([], every=False)]


@_text.register
def _cut_short(finding: CutShort) -> str:
    return "The comparison is incomplete: there are too many classes of mail, or the rules are too complex."


@_with_more.register
def _may_change_row(finding: MayChange, row: DifferenceRow) -> DifferenceRow:
    return replace(row, unknown=open_reasons(finding.unknown), in_words=ids_in_words(finding.unknown) or None)


@singledispatch
def may_happen(finding: MayChange) -> str:
    """What may happen to mail, and why."""
    raise TypeError(f"No words for {type(finding).__name__}.")


@may_happen.register
def _becomes(finding: MayBecome) -> str:
    return f"{may_become(finding.becomes, finding.person)} ({_numbers(finding)}): {because(finding.cause)}"


@may_happen.register
def _has_side_effects(finding: MayHaveSideEffects) -> str:
    why = because(finding.cause) if finding.cause else "rules changed that it meets before"
    return f"{side_effect_words(finding.effects, now=finding.now, perhaps=True)} ({_numbers(finding)}): {why}"


@may_happen.register
def _reaches(finding: MayReach) -> str:
    how = {(False, True): "may now", (True, False): "may no longer"}.get(finding.versions, "may now, or may no longer,")
    return f"{how} reach {listed(finding.people, joint='and', most=len(finding.people))} ({_numbers(finding)}): {because(finding.cause)}"


@_with_more.register
def _reaches_row(finding: MayReach, row: DifferenceRow) -> DifferenceRow:
    return replace(_may_change_row(finding, row), people=finding.people)


@may_happen.register
def _differs_for_people(finding: MayDifferForPeople) -> str:
    people = listed(finding.people, joint="and", most=len(finding.people))
    return f"may be treated differently for {people} ({_numbers(finding)}): {because(finding.cause)}"


@_with_more.register
def _differs_for_people_row(finding: MayDifferForPeople, row: DifferenceRow) -> DifferenceRow:
    return replace(_may_change_row(finding, row), people=finding.people)


@may_happen.register
def _fails(finding: MayFail) -> str:
    was, now = _error_actions(finding)
    how = "may be deferred, or returned to the sender," if finding.defers else "may pass without the rule"
    return f"{how} if Exchange fails on rule '{finding.rules[0]}' ({_numbers(finding)}): its rule_error_action is now {now} instead of {was}"


@_with_more.register
def _fails_row(finding: MayFail, row: DifferenceRow) -> DifferenceRow:
    was, now = _error_actions(finding)
    return replace(_may_change_row(finding, row), was=was, becomes=now)


def _error_actions(finding: MayFail) -> tuple[str, str]:
    return ("Ignore", "Defer") if finding.defers else ("Defer", "Ignore")


@may_happen.register
def _changes_later(finding: MayChangeLater) -> str:
    return f"may be treated differently later: the rule '{finding.rules[0]}' {dated(finding.dates)}"


@_with_more.register
def _changes_later_row(finding: MayChangeLater, row: DifferenceRow) -> DifferenceRow:
    dates = tuple((date.how, date.verb, date.date) for date in finding.dates)
    later = tuple(reason.id for reason in finding.unknown if reason.kind == "later")
    return replace(_may_change_row(finding, row), dates=dates, in_words=later or None)


@may_happen.register
def _unusual(finding: MayChangeUnusual) -> str:
    return f"{THAT_IS_UNUSUAL} may be treated differently ({_numbers(finding)})"


@may_happen.register
def _waits(finding: MayWait) -> str:
    return f"that waits for {MOST_APPROVALS} or more approvals may be treated differently: how many there are is not compared"


def open_questions(finding: MailFinding) -> list[str]:
    """The open questions that it depends on."""
    return sorted({reason.id for reason in finding.unknown}) if isinstance(finding, MayChange) else []


def _numbers(finding: MayChange) -> str:
    return open_words(finding.unknown)


def compared_rows(compared_copies: Sequence[ComparedCopy]) -> list[Row]:
    """How messages are treated differently, as results have it: ``kind``, ``text``, ``before``, ``after``, ``witness``."""
    return [_compared_row(compared) for compared in compared_copies]


def _compared_row(compared: ComparedCopy) -> Row:
    sides = {
        side: copy_row(result) for side, result in (("before", compared.before), ("after", compared.after)) if result
    }
    before, after = (outcome_words(sides[side]) if side in sides else "not a recipient" for side in ("before", "after"))
    text = f"The message {compared.message!r} to {compared.recipient} {BECOMES[compared.kind]}: before, {before}; after, {after}."
    return {
        "kind": str(compared.kind),
        "text": text,
        **{side: row.as_row() for side, row in sides.items()},
        "witness": {"message": compared.message, "recipient": compared.recipient},
    }
