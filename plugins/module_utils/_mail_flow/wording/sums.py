# SPDX-License-Identifier: GPL-3.0-or-later
"""One sentence for several classes of mail that one edit treats differently in one way, where a page has no room for all.

The rows of a difference stay: ``summary`` of a row is the sentence that a page has in its place, and equal for all rows
that are summed up together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeGuard

from ..._exchange.text import listed, quoted
from ..analyses.finding import ChangedMail, MailFinding, MayChange, SideEffectsChanged, looked_for
from ..conditions.predicate import Atom
from .sentences import NamedMail, because, becomes, parts_of, side_effects_said

#: What is certain of a class of mail.
_Certain: TypeAlias = "ChangedMail | SideEffectsChanged"

#: Up to so many rows, a page has each by itself.
MOST_ALONE = 12

#: The maximum number of later rules, people and effects that a sentence names.
_MOST_NAMED = 4


def summaries(findings: Sequence[MailFinding]) -> dict[int, str]:
    """Place of a finding to the sentence that sums it up with others, where there are too many for a page: as many as it
    takes, the least important first.
    """
    alike: dict[Hashable, list[int]] = {}
    for place, finding in enumerate(findings):
        if _is_certain(finding):
            alike.setdefault(_same_change(finding), []).append(place)
    summed_up: dict[int, str] = {}
    count = len(findings)
    for places in sorted(alike.values(), key=lambda places: findings[places[0]].kind.rank, reverse=True):
        if count <= MOST_ALONE:
            break
        if len(places) > 1:
            summary = _summary([finding for place in places if _is_certain(finding := findings[place])])
            summed_up.update(dict.fromkeys(places, summary))
            count -= len(places) - 1
    return summed_up


def _is_certain(finding: MailFinding) -> TypeGuard[_Certain]:
    return isinstance(finding, (ChangedMail, SideEffectsChanged)) and not isinstance(finding, MayChange)


def _same_change(finding: _Certain) -> Hashable:
    """What findings have in common that one sentence sums up: how mail is treated, and which edit is the cause."""
    how = finding.arrives if isinstance(finding, ChangedMail) else finding.now
    return type(finding), finding.kind, how, finding.rules, _why(finding)


def _why(finding: _Certain) -> str:
    """The cause, without the later rule that acts differently."""
    if finding.cause is None:
        return "other rules changed"
    return because(replace(finding.cause, later=None))


def _summary(findings: Sequence[_Certain]) -> str:
    first = findings[0]
    arrives = first.arrives if isinstance(first, ChangedMail) else ""
    mail = NamedMail(parts_of(_met_by_all(findings)), (), (), every=False, arrives=arrives, partly=True)
    return f"{mail} {_what_happens(findings)} ({len(findings)} kinds): {_why(first)}{_then(findings)}."


def _met_by_all(findings: Sequence[_Certain]) -> Iterable[Atom]:
    """The conditions that the mail of all findings meets."""
    met: list[Mapping[Hashable, Atom]] = [
        {looked_for(atom): atom for rule in finding.about for atom in rule.criteria.conditions} for finding in findings
    ]
    return [atom for key, atom in met[0].items() if all(key in others for others in met)]


def _what_happens(findings: Sequence[_Certain]) -> str:
    changed = [finding for finding in findings if isinstance(finding, ChangedMail)]
    if not changed:
        effects = {
            side_effects_said([effect], now=finding.now): None
            for finding in findings
            if isinstance(finding, SideEffectsChanged)
            for effect in finding.effects
        }
        return _either(list(effects))
    people = sorted({finding.person for finding in changed})
    if len(people) > 1 and all(people):
        return becomes(changed[0].kind, person=listed(people, joint="or", most=_MOST_NAMED))
    return _either(list(dict.fromkeys(becomes(each.kind, each.stages, each.person) for each in changed)))


def _either(effects: Sequence[str]) -> str:
    return listed(effects, joint="or", most=max(len(effects), 1))


def _then(findings: Sequence[_Certain]) -> str:
    """Which later rules act differently on some of the mail."""
    texts = []
    for acts in (True, False):
        later_rules = [_rule_behind(finding) for finding in findings]
        names = list(dict.fromkeys(name for name, later_acts in later_rules if name and later_acts is acts))
        if names:
            now = "now" if acts else "no longer"
            apply = "apply" if len(names) > 1 else "applies"
            named = listed(list(map(quoted, names)), joint="and", most=_MOST_NAMED)
            texts.append(f"; {named} {now} {apply} to some of it")
    return "".join(texts)


def _rule_behind(finding: _Certain) -> tuple[str, bool]:
    """The name of the later rule that acts differently, and whether it newly acts; no name if there is none."""
    cause = finding.cause
    later = cause.later if cause is not None else None
    if later is None and isinstance(finding, SideEffectsChanged):
        later = finding.later
    return (later.name, later.acts) if later is not None else ("", False)
