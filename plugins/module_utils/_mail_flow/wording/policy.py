# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization's rules do to mail, in English, the most important first.

It is made of the difference between no rules and all of them. So each sentence is about a class of mail.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import Any

from ..._exchange.text import listed, visible_line
from ..._resources.rules.action_effects import Does
from ..analyses.difference import Difference
from ..analyses.finding import (
    Changed,
    CutShort,
    MailFinding,
    MayBecome,
    MayChange,
    MayChangeLater,
    MayHaveSideEffects,
    MayReach,
    SideEffect,
    SideEffectsChanged,
)
from ..analyses.rule_changes import NOTHING, Apart
from ..conditions.predicate import Atom
from ..rules.flow_rule import FlowRule
from .difference import may_happen, open_questions
from .sentences import FATES, LIMITS, NamedMail, filled, mail_of

Row = dict[str, Any]

#: The kinds of sentences, the most important first.
KINDS = (
    *(
        "encrypted",
        "decrypted",
        "rejected",
        "deleted",
        "quarantined",
        "moderated",
        "redirected",
        "undelivered",
        "copied",
    ),
    *("in_transit", "branded", "shown", "reported", "routed", "marked", "unknown"),
)

#: Kind of difference to the kind of sentence, and what happens to the mail.
_SAID: Mapping[str, tuple[str, str]] = {
    "protection_gained": ("encrypted", "is encrypted"),
    "protection_changed": ("encrypted", "is protected in another way than it arrives"),
    "protection_lost": ("decrypted", "is decrypted"),
    "delivery_lost": ("undelivered", "is not delivered"),
    "fate_changed": ("undelivered", "is handled in another way"),
    "delivery_gained": ("copied", "is delivered"),
    "transit_gained": ("in_transit", "is better protected on its way"),
    "transit_lost": ("in_transit", "is less protected on its way"),
    "branding_changed": ("branded", "shows a branding"),
}

#: The same where it is open whether it happens.
_MAY: Mapping[str, str] = {
    "protection_gained": "may be encrypted",
    "protection_lost": "may be decrypted",
    "delivery_lost": "may be kept from delivery",
    "transit_gained": "may be better protected on its way",
    "transit_lost": "may be less protected on its way",
}

#: Sort of side effect to the kind of sentence, and its words.
_BESIDE: Mapping[str, tuple[str, str]] = {
    "report": ("reported", "is reported to {}"),
    "original": ("shown", "is reported to {} with the original mail"),
    "notification": ("reported", "brings its recipients a notification"),
    "approval": ("shown", "is shown to {} for approval"),
    "attachments": ("decrypted", "has its protected attachments decrypted"),
    "connector": ("routed", "leaves through the connector '{}'"),
    "tls": ("routed", "leaves by TLS only"),
    "spam": ("marked", "may be treated as spam (SCL {})"),
    "no_spam": ("marked", "is marked as no spam (SCL {})"),
}

#: The same where it is open.
_MAY_BESIDE: Mapping[str, tuple[str, str]] = {
    "report": ("unknown", "may be reported to {}"),
    "original": ("unknown", "may be reported to {} with the original mail"),
    "notification": ("unknown", "may bring its recipients a notification"),
}


def policy_rows(found: Difference) -> list[Row]:
    """The sentences: ``kind``, ``text`` and ``rules`` (names), each once, with all rules that do the same.

    :param found: the difference between no rules and an organization's.
    """
    return list(map(_row, _told(found)))


def policy_contrast(before: Difference, after: Difference) -> tuple[list[Row], list[Row], list[str]]:
    """The sentences that are true of one organization only, whatever the names of its rules: of the one before, and of
    the other; and those that say what is unknown of both.
    """
    one, other = _told(before), _told(after)
    unknown = [
        replace(
            said,
            rules=tuple(dict.fromkeys((*said.rules, *(name for each in other if each == said for name in each.rules)))),
        )
        for said in one
        if said.kind == "unknown" and said in other
    ]
    return (
        [_row(said) for said in one if said not in other],
        [_row(said) for said in other if said not in one],
        [_row(said)["text"] for said in unknown],
    )


def _of_all(alike: Sequence[_Said]) -> _Said:
    """One for all that say the same: where other rules decide for each, all of these are named."""
    first = alike[0]
    if not isinstance(first.what, _Happens):
        return first
    told = [each.what for each in alike if isinstance(each.what, _Happens)]
    asking, by = (
        tuple(dict.fromkeys(name for each in told for name in getattr(each, key))) for key in ("asking", "by")
    )
    return replace(first, what=replace(first.what, asking=asking, by=by))


def _told(found: Difference) -> list[_Said]:
    """What is said of a difference, each once with all of its rules, the most important first."""
    told: dict[_Said, list[_Said]] = {}
    for said in _together([each for finding in found.findings for each in _said(finding)]):
        told.setdefault(said, []).append(said)
    every = [
        replace(_of_all(alike), rules=tuple(dict.fromkeys(name for each in alike for name in each.rules)))
        for alike in told.values()
    ]
    return sorted(every, key=lambda said: KINDS.index(said.kind))


@dataclass(frozen=True)
class _Happens:
    """What certainly happens to mail.

    :param kind: of the difference to no rules.
    :param fate: where it is not delivered, or handled in another way.
    :param asked: whom it waits for.
    :param asking: the rules that ask for another template; :param:`by`, those that exempt mail.
    :param limit: what exempts mail from it.
    """

    kind: str
    fate: str
    branding: str
    templates: tuple[str, ...]
    asked: tuple[str, ...]
    person: str
    instead: bool
    approved: bool
    limit: str
    asking: tuple[str, ...] = field(default=(), compare=False)
    by: tuple[str, ...] = field(default=(), compare=False)

    @property
    def sort(self) -> str:
        """The kind of the sentence."""
        return self.fate or _SAID[self.kind][0]

    def __str__(self) -> str:
        approved = " once it is approved" if self.approved else ""
        limit = f", unless {_named(self.by)} applies to it" if self.by else LIMITS.get(self.limit, "")
        return f"{self._reaches() if self.person else self._what()}{approved}{limit}"

    def _what(self) -> str:
        what = FATES[self.fate][0] if self.fate else _SAID[self.kind][1]
        what = f"shows the branding {self.branding!r}" if self.branding else what
        templates = f", with {' and '.join(map(repr, self.templates))}" if self.templates else ""
        unless = f", unless {_named(self.asking)} asks for another template" if self.asking else ""
        by = f" by {listed(list(self.asked), joint='and')}" if self.asked else ""
        return f"{what}{templates}{unless}{by}"

    def _reaches(self) -> str:
        beside = " instead" if self.instead else ", too"
        reached = {
            "delivery_gained": f"reaches {self.person}{beside}",
            "delivery_lost": f"does not reach {self.person}",
        }
        return reached.get(self.kind) or f"{self._what()} for {self.person}"


def _named(rules: Sequence[str]) -> str:
    return listed(list(map(repr, rules)))


@dataclass(frozen=True)
class _Beside:
    """A side effect.

    :param numbers: the open questions on which it depends.
    """

    effect: SideEffect
    numbers: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = filled((_MAY_BESIDE if self.numbers else _BESIDE)[self.effect.sort][1], self.effect.name)
        return f"{words} ({', '.join(self.numbers)})" if self.numbers else words


@dataclass(frozen=True)
class _May:
    """What may happen to mail.

    :param becomes: the possible kind of difference; empty if it may reach :param:`people`.
    :param numbers: the open questions.
    """

    becomes: str
    people: tuple[str, ...]
    numbers: tuple[str, ...]

    def __str__(self) -> str:
        what = _MAY.get(self.becomes, "may be treated otherwise than without rules")
        people = listed(list(self.people), joint="and")
        if self.people:
            what = f"may reach {people}" if self.becomes in ("", "delivery_gained") else f"{what} for {people}"
        return f"{what} ({', '.join(self.numbers)})"


@dataclass(frozen=True)
class _Said:
    """A sentence. Those that say the same are equal, whatever their rules.

    :param what: what happens to the mail, as data whose text is the words; without :param:`every`, it is the whole
        sentence.
    :param about: rules whose conditions the mail meets; with what follows, as :func:`mail_of` takes it.
    :param every: ``None`` if the sentence names no mail.
    """

    kind: str
    what: Hashable
    rules: tuple[str, ...] = field(compare=False)
    about: tuple[FlowRule, ...] = field(default=(), compare=False)
    why: Apart = field(default=NOTHING, compare=False)
    arrives: str = field(default="", compare=False)
    every: bool | None = None
    mail: NamedMail | None = field(init=False)

    def __post_init__(self) -> None:
        named = self.every is not None
        mail = mail_of(self.about, self.why, every=bool(self.every), arrives=self.arrives) if named else None
        object.__setattr__(self, "mail", mail)

    @property
    def text(self) -> str:
        return f"{self.mail} {self.what}" if self.mail else str(self.what)


def _together(every: Sequence[_Said]) -> list[_Said]:
    """Sentences that differ in the values of one condition only, as one: the largest groups first."""
    groups: dict[tuple[Hashable, ...], list[int]] = {}
    for place, said in enumerate(every):
        for number, atom in enumerate(_lists(said)):
            if atom is not None:
                groups.setdefault(_but(said, number, atom), []).append(place)
    left, found = dict(enumerate(every)), list[tuple[int, _Said]]()
    for key, places in sorted(groups.items(), key=lambda each: (-len(each[1]), each[1])):
        some = (
            [left.pop(place) for place in places if place in left] if sum(place in left for place in places) > 1 else []
        )
        if some:
            numbers = [
                next(i for i, atom in enumerate(_lists(each)) if atom and key == _but(each, i, atom)) for each in some
            ]
            values = dict.fromkeys(
                value for each, i in zip(some, numbers, strict=True) for value in each.about[0].conditions[i].values
            )
            rules = tuple(dict.fromkeys(name for each in some for name in each.rules))
            found.append((places[0], replace(_with(_of_all(some), numbers[0], tuple(values)), rules=rules)))
    return [said for _place, said in sorted([*found, *left.items()], key=lambda each: each[0])]


def _but(said: _Said, number: int, atom: Atom) -> tuple[Hashable, ...]:
    """A sentence but for the values of a condition."""
    return atom.predicate.options, atom.settings, _with(said, number, ())


def _lists(said: _Said) -> list[Atom | None]:
    """The conditions of a sentence about one rule; ``None`` for one that is no list of texts."""
    if len(said.about) != 1 or said.why:
        return []
    return [
        atom if len(atom.predicate.options) == 1 and isinstance(atom.values, tuple) else None
        for atom in said.about[0].conditions
    ]


def _with(said: _Said, number: int, values: tuple[Any, ...]) -> _Said:
    """A sentence with other values of a condition; without it if there are none."""
    rule = said.about[0]
    before, atom, after = rule.conditions[:number], rule.conditions[number], rule.conditions[number + 1 :]
    return replace(
        said, about=(replace(rule, conditions=(*before, *([replace(atom, values=values)] if values else []), *after)),)
    )


def _row(said: _Said) -> Row:
    names = listed(list(map(repr, said.rules)), joint="and")
    text = visible_line(f"{said.text} ({names})." if names else f"{said.text}.")
    return {"kind": said.kind, "text": text, "rules": list(said.rules)}


def policy_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The sentences as lines for a terminal, with one before them."""
    yield (
        "What the rules do, the most important first:"
        if rows
        else "No rule encrypts, decrypts, rejects, deletes, holds, redirects, copies, brands, reports, routes or marks mail."
    )
    yield from (f"  {row['text']}" for row in rows)


@singledispatch
def _said(finding: MailFinding) -> list[_Said]:
    """The sentences about a finding."""
    raise TypeError(f"No sentence for {type(finding).__name__}.")


@_said.register
def _changed(finding: Changed) -> list[_Said]:
    what = _happens(finding)
    return [_Said(what.sort, what, finding.rules, finding.about, finding.why, finding.arrives, finding.whole)]


def _happens(finding: Changed) -> _Happens:
    after, edit, kind = finding.stages[1], finding.cause.edit, finding.kind
    fate = str(after.get("fate")) if kind in ("delivery_lost", "fate_changed") and after.get("fate") in FATES else ""
    asked = edit.rule.does(Does.MODERATE) if edit and fate == "moderated" else {}
    people = asked.get("moderate_message_by_user") or ["the sender's manager"] if asked else []
    encrypted = edit and _SAID[kind][0] == "encrypted"
    sure = finding.option or finding.asking
    templates = tuple(edit.rule.templates) if edit and encrypted and sure else ()
    return _Happens(
        kind=kind,
        fate=fate,
        branding=str(after.get("branding") or "") if kind == "branding_changed" else "",
        templates=templates,
        asked=tuple(map(str, people)),
        person=finding.person,
        instead=bool(edit and finding.person.lower() in _redirected(edit.rule)),
        approved=finding.approved,
        limit=finding.limit,
        asking=finding.asking,
        by=finding.by,
    )


def _redirected(rule: FlowRule) -> set[str]:
    """The people to whom a rule redirects mail, in lower case."""
    told = rule.does(Does.REDIRECT)
    return {str(each).lower() for each in told.get("redirect_message_to") or ()}


@_said.register
def _beside(finding: SideEffectsChanged) -> list[_Said]:
    numbers = tuple(open_questions(finding))
    return [
        _Said(
            (_MAY_BESIDE if numbers else _BESIDE)[each.sort][0],
            _Beside(each, numbers),
            (finding.about[0].name,),
            finding.about,
            every=False,
        )
        for each in finding.effects
    ]


_said.register(MayHaveSideEffects, _beside)


def _may(finding: MayChange, becomes: str, people: tuple[str, ...]) -> list[_Said]:
    what = _May(becomes, people, tuple(open_questions(finding)))
    return [_Said("unknown", what, finding.rules, finding.about[:1], finding.why, every=False)]


@_said.register
def _perhaps(finding: MayBecome) -> list[_Said]:
    return _may(finding, finding.becomes, (finding.person,) if finding.person else ())


@_said.register
def _may_reach(finding: MayReach) -> list[_Said]:
    return _may(finding, "", finding.people)


@dataclass(frozen=True)
class _MayHappen:
    """What else may happen to mail.

    :param kind: the kind of finding, with what tells it from others of its kind.
    """

    kind: tuple[Hashable, ...]
    finding: MayChange = field(compare=False)

    def __str__(self) -> str:
        return may_happen(self.finding)


@_said.register
def _may_change(finding: MayChange) -> list[_Said]:
    dated = (finding.rules, finding.dates) if isinstance(finding, MayChangeLater) else ()
    what = _MayHappen((type(finding).__name__, *open_questions(finding), *dated), finding)
    return [_Said("unknown", what, finding.rules, finding.about[:1], finding.why, every=False)]


#: What is said where a search used up its budget.
_NOT_ALL = "This is not all: there are too many classes of mail, or the rules are too complex"


@_said.register
def _cut_short(finding: CutShort) -> list[_Said]:
    return [_Said("unknown", _NOT_ALL, ())]
