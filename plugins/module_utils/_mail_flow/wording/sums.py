# SPDX-License-Identifier: GPL-3.0-or-later
"""One sentence for several classes of mail that one edit treats differently in one way, where a page has no room for all.

The rows of a difference stay: ``summary`` of a row is the sentence that a page has in its place, and equal for all rows
that are summed up together.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeGuard

from ..._exchange.text import listed, quoted
from ..analyses.finding import ChangedMail, MailFinding, MayBecome, MayChange, SideEffectsChanged, looked_for
from ..conditions.predicate import Atom
from ..model.kleene import Reason
from .reasons import open_words
from .sentences import (
    NamedMail,
    because,
    becomes,
    becomes_one_of,
    may_become,
    one_of,
    parts_of,
    side_effect_phrase,
    that_match,
)

#: The findings that can be summed up.
_Changed: TypeAlias = "ChangedMail | SideEffectsChanged | MayBecome"

#: The maximum number of rows that a page shows one by one.
MOST_ALONE = 6

#: The maximum number of sentences about open findings on a page; more become one.
_MOST_OPEN = 2

#: The maximum number of later rules, people and effects that a sentence names.
_MOST_NAMED = 4


def summaries(findings: Sequence[MailFinding]) -> dict[int, str]:
    """Place of a finding to the sentence that sums it up with others, if there are too many for a page. As many are summed up as
    it takes, the least important first.
    """
    summed_up: dict[int, str] = {}
    count = len(findings)
    for places in sorted(_alike(findings), key=lambda places: findings[places[0]].kind.rank, reverse=True):
        if count <= MOST_ALONE:
            break
        if len(places) > 1:
            summary = _summary([finding for place in places if _can_be_summed_up(finding := findings[place])])
            summed_up.update(dict.fromkeys(places, summary))
            count -= len(places) - 1
    return summed_up


def _alike(findings: Sequence[MailFinding]) -> list[list[int]]:
    """The places of findings that one sentence can sum up: those of one change, and all that are open where these have too
    many changes.
    """
    alike: dict[Hashable, list[int]] = {}
    for place, finding in enumerate(findings):
        if _can_be_summed_up(finding):
            alike.setdefault(_same_change(finding), []).append(place)
    open_ = [places for places in alike.values() if isinstance(findings[places[0]], MayChange)]
    if len(open_) <= _MOST_OPEN:
        return list(alike.values())
    return [*(places for places in alike.values() if places not in open_), sorted(itertools.chain(*open_))]


def _can_be_summed_up(finding: MailFinding) -> TypeGuard[_Changed]:
    """Whether one sentence can sum a finding up with others."""
    return isinstance(finding, (ChangedMail, SideEffectsChanged, MayBecome))


def _same_change(finding: _Changed) -> Hashable:
    """A key that is equal for findings that one sentence sums up: how mail is treated, which edit is the cause, and what is open."""
    how: Hashable
    if isinstance(finding, MayBecome):
        how = finding.becomes
    else:
        how = finding.arrives if isinstance(finding, ChangedMail) else finding.now
    numbers = frozenset(reason.id for reason in _open(finding))
    return type(finding), finding.kind, how, bool(finding.person), finding.rules, _why(finding), numbers


def _open(finding: _Changed) -> tuple[Reason, ...]:
    """Why it is open what becomes of the mail of a finding; empty if that is certain."""
    return finding.unknown if isinstance(finding, MayChange) else ()


def _why(finding: _Changed) -> str:
    """The cause of a finding, without the later rule that acts differently."""
    if finding.cause is None:
        return "other rules changed"
    cause = finding.cause
    return because(replace(cause, later=None, perhaps=cause.perhaps and cause.later is None))


def _summary(findings: Sequence[_Changed]) -> str:
    """The sentence that sums findings up."""
    first = findings[0]
    arrives = first.arrives if isinstance(first, ChangedMail) else ""
    is_open = isinstance(first, MayChange)
    mail = NamedMail(
        that_match(parts_of(_met_by_all(findings))), (), (), every=False, arrives=arrives, partly=not is_open
    )
    reasons = open_words([reason for finding in findings for reason in _open(finding)])
    counted = "; ".join([*([reasons] if reasons else []), f"{len(findings)} kinds"])
    if len(set(map(_same_change, findings))) > 1:
        return f"{mail} may be treated differently{_also_for(findings)} ({counted}): {_edits(findings)}."
    return f"{mail} {_what_happens(findings)} ({counted}): {_why(first)}{_then(findings)}."


def _also_for(findings: Sequence[_Changed]) -> str:
    """The people whose copies findings are about, as the end of a clause; empty if there are none."""
    people = sorted({finding.person for finding in findings if finding.person})
    also = "also " if any(not finding.person for finding in findings) else ""
    return f", {also}for {listed(people, joint='and', most=_MOST_NAMED)}" if people else ""


def _edits(findings: Sequence[_Changed]) -> str:
    """The edits that are causes of findings, without what they do to the mail of each."""
    names = list(dict.fromkeys(name for finding in findings for name in finding.rules))
    if not all(finding.rules for finding in findings):
        return "rules or settings changed"
    changes = "changes" if len(names) > 1 else "the change"
    return f"{changes} of {listed(list(map(quoted, names)), joint='and', most=_MOST_NAMED)} may be the cause"


def _met_by_all(findings: Sequence[_Changed]) -> Iterable[Atom]:
    """The conditions that the mail of all findings meets."""
    met = [atoms for finding in findings for atoms in _met(finding)]
    return [atom for key, atom in met[0].items() if all(key in others for others in met)] if met else []


def _met(finding: _Changed) -> list[dict[Hashable, Atom]]:
    """The conditions that all mail of a finding meets; for an open one, the conditions of each rule that it may be about."""
    rules = [{looked_for(atom): atom for atom in rule.criteria.conditions} for rule in finding.about]
    if isinstance(finding, MayChange) and not isinstance(finding, SideEffectsChanged):
        return rules or [{}]
    return [{key: atom for atoms in rules for key, atom in atoms.items()}]


def _what_happens(findings: Sequence[_Changed]) -> str:
    """What happens, or may happen, to the mail of findings of one change."""
    people = listed(sorted({finding.person for finding in findings if finding.person}), most=_MOST_NAMED)
    first = findings[0]
    if isinstance(first, MayBecome):
        return may_become(first.becomes, people)
    changed = [finding for finding in findings if isinstance(finding, ChangedMail)]
    if not changed:
        return one_of(
            side_effect_phrase(effect, now=finding.now, perhaps=isinstance(finding, MayChange))
            for finding in findings
            if isinstance(finding, SideEffectsChanged)
            for effect in finding.effects
        )
    kind = changed[0].kind
    if people:
        return becomes(kind, person=people)
    return becomes_one_of(kind, [finding.stages for finding in changed])


def _then(findings: Sequence[_Changed]) -> str:
    """The later rules that act differently on some of the mail, after a semicolon; empty if there are none."""
    texts = []
    for acts in (True, False):
        later_rules = [_rule_behind(finding) for finding in findings]
        names = list(dict.fromkeys(name for name, later_acts in later_rules if name and later_acts is acts))
        if names:
            now = "now" if acts else "no longer"
            apply = "apply" if len(names) > 1 else "applies"
            how = f"may {now} apply" if isinstance(findings[0], MayChange) else f"{now} {apply}"
            named = listed(list(map(quoted, names)), joint="and", most=_MOST_NAMED)
            texts.append(f"; {named} {how} to some of it")
    return "".join(texts)


def _rule_behind(finding: _Changed) -> tuple[str, bool]:
    """The name of the later rule that acts differently, and whether it newly acts; no name if there is none."""
    cause = finding.cause
    later = cause.later if cause is not None else None
    if later is None and isinstance(finding, SideEffectsChanged):
        later = finding.later
    return (later.name, later.acts) if later is not None else ("", False)
