# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization's rules do to mail, in English, the most important first. Private to the collection.

It is made of the difference between no rules and all of them. So each sentence is about a class of mail that a message
shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import listed, visible_line
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import Difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    Changed,
    CutShort,
    Finding,
    MayBecome,
    MayReach,
    SideEffectsChanged,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import Atom, FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.difference import (
    difference_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import (
    FATES,
    LIMITS,
    filled,
    mail_of,
)

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
    *("in_transit", "branded", "shown", "reported", "routed", "unknown"),
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
    "connector": ("routed", "leaves through the connector '{}'"),
    "tls": ("routed", "leaves by TLS only"),
}


def policy_rows(found: Difference) -> list[Row]:
    """The sentences: ``kind``, ``text`` and ``rules`` (names), each once, with all rules that do the same.

    :param found: the difference between no rules and an organization's.
    """
    return [_with_rules(row) for row in _by_text(found).values()]


def policy_contrast(before: Difference, after: Difference) -> tuple[list[Row], list[Row], list[str]]:
    """The sentences that are true of one organization only, whatever the names of its rules: of the one before, and of
    the other; and those that say what is unknown of both.
    """
    one, other = _by_text(before), _by_text(after)
    unknown = [
        {**row, "rules": list(dict.fromkeys((*row["rules"], *other[text]["rules"])))}
        for text, row in one.items()
        if text in other and row["kind"] == "unknown"
    ]
    return (
        [_with_rules(row) for text, row in one.items() if text not in other],
        [_with_rules(row) for text, row in other.items() if text not in one],
        [_with_rules(row)["text"] for row in unknown],
    )


def _by_text(found: Difference) -> dict[str, Row]:
    """The sentences without their rules, the most important first."""
    rows: dict[str, Row] = {}
    for said in _together([each for finding in found.findings for each in _said(finding)]):
        row = rows.setdefault(said.text, {"kind": said.kind, "text": said.text, "rules": []})
        row["rules"] += [name for name in said.rules if name not in row["rules"]]
    return dict(sorted(rows.items(), key=lambda each: KINDS.index(each[1]["kind"])))


@dataclass(frozen=True)
class _Said:
    """A sentence.

    :param what: what happens to the mail.
    :param about: rules whose conditions the mail meets; without :param:`mail`, as :func:`mail_of` takes it,
        :param:`what` is the whole sentence.
    """

    kind: str
    what: str
    rules: tuple[str, ...]
    about: tuple[FlowRule, ...] = ()
    mail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return f"{mail_of(self.about, **self.mail)} {self.what}" if self.mail else self.what


def _together(every: Sequence[_Said]) -> list[_Said]:
    """Sentences that differ in the values of one condition only, as one: the largest groups first."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, said in enumerate(every):
        for number, atom in enumerate(_lists(said)):
            if atom is not None:
                groups.setdefault(
                    (said.kind, *atom.predicate.options, repr(atom.settings), _with(said, number, ()).text), []
                ).append(place)
    left, found = dict(enumerate(every)), list[tuple[int, _Said]]()
    for key, places in sorted(groups.items(), key=lambda each: (-len(each[1]), each[1])):
        some = (
            [left.pop(place) for place in places if place in left] if sum(place in left for place in places) > 1 else []
        )
        if some:
            numbers = [
                next(i for i, atom in enumerate(_lists(each)) if atom and key[-1] == _with(each, i, ()).text)
                for each in some
            ]
            values = dict.fromkeys(
                value for each, i in zip(some, numbers, strict=True) for value in each.about[0].conditions[i].values
            )
            rules = tuple(dict.fromkeys(name for each in some for name in each.rules))
            found.append((places[0], replace(_with(some[0], numbers[0], tuple(values)), rules=rules)))
    return [said for _place, said in sorted([*found, *left.items()], key=lambda each: each[0])]


def _lists(said: _Said) -> list[Atom | None]:
    """The conditions of a sentence about one rule; ``None`` for one that is no list of texts."""
    if len(said.about) != 1 or said.mail.get("why"):
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


def _with_rules(row: Row) -> Row:
    names = listed(list(map(repr, row["rules"])), joint="and")
    return {**row, "text": visible_line(f"{row['text']} ({names})." if names else f"{row['text']}.")}


def policy_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The sentences as lines for a terminal, with one before them."""
    yield (
        "What the rules do, the most important first:"
        if rows
        else "No rule encrypts, decrypts, rejects, deletes, holds, redirects, copies, brands, reports or routes mail."
    )
    yield from (f"  {row['text']}" for row in rows)


@singledispatch
def _said(finding: Finding) -> list[_Said]:
    """The sentences about a finding."""
    return [_Said("unknown", str(difference_row(finding)["text"]).rstrip("."), finding.rules)]


@_said.register
def _changed(finding: Changed) -> list[_Said]:
    kind, what = _happens(finding)
    approved = " once it is approved" if finding.approved else ""
    mail = {"why": finding.why, "every": finding.whole, "arrives": finding.arrives}
    return [_Said(kind, f"{what}{approved}{LIMITS.get(finding.limit, '')}", finding.rules, finding.about, mail)]


def _happens(finding: Changed) -> tuple[str, str]:
    kind, what = _SAID[finding.kind]
    after, edit = finding.stages[1], finding.cause.edit
    if finding.kind in ("delivery_lost", "fate_changed") and after.get("fate") in FATES:
        kind, what = str(after["fate"]), FATES[after["fate"]][0]
    if finding.kind == "branding_changed" and after.get("branding"):
        what = f"shows the branding {after['branding']!r}"
    if edit and kind == "encrypted" and edit.rule.templates:
        what += f", with {' and '.join(map(repr, edit.rule.templates))}"
        what += "" if finding.option else ", unless another rule asks for another template"
    if edit and kind == "moderated" and (asked := edit.rule.does(Does.MODERATE)):
        people = asked.get("moderate_message_by_user") or ["the sender's manager"]
        what += f" by {listed(list(map(str, people)))}"
    if not finding.person:
        return kind, what
    beside = " instead" if edit and finding.person.lower() in _redirected(edit.rule) else ", too"
    reached = {
        "delivery_gained": f"reaches {finding.person}{beside}",
        "delivery_lost": f"does not reach {finding.person}",
    }
    return kind, reached.get(finding.kind) or f"{what} for {finding.person}"


def _redirected(rule: FlowRule) -> set[str]:
    """The people to whom a rule redirects mail, in lower case."""
    told = rule.does(Does.REDIRECT)
    return {str(each).lower() for each in told.get("redirect_message_to") or ()}


@_said.register
def _beside(finding: SideEffectsChanged) -> list[_Said]:
    found = [(*_BESIDE[each.sort], each.name) for each in finding.effects]
    return [
        _Said(kind, filled(words, name), (finding.about[0].name,), finding.about, {"every": False})
        for kind, words, name in found
    ]


@_said.register
def _perhaps(finding: MayBecome) -> list[_Said]:
    what = _MAY.get(finding.becomes, "may be treated otherwise than without rules")
    if finding.person:
        what = f"may reach {finding.person}" if finding.becomes == "delivery_gained" else f"{what} for {finding.person}"
    numbers = ", ".join(sorted({each.id for each in finding.unknown}))
    return [
        _Said("unknown", f"{what} ({numbers})", finding.rules, finding.about[:1], {"why": finding.why, "every": False})
    ]


@_said.register
def _may_reach(finding: MayReach) -> list[_Said]:
    numbers = ", ".join(sorted({each.id for each in finding.unknown}))
    what = f"may reach {listed(list(finding.people), joint='and')} ({numbers})"
    return [_Said("unknown", what, finding.rules, finding.about[:1], {"why": finding.why, "every": False})]


@_said.register
def _cut_short(finding: CutShort) -> list[_Said]:
    return [_Said("unknown", "This is not all: there are too many classes of mail, or the rules are too complex", ())]
