# SPDX-License-Identifier: GPL-3.0-or-later
"""What an approver approves of a plan's effect on mail, and how the effect has moved since."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..._exchange.document import digest_of
from ..._exchange.text import value_text
from ..._mail_flow.analyses.judgment import GuaranteeVerdict
from ..._mail_flow.wording.guarantees import copies_not_covered
from ..._mail_flow.wording.result_rows import DifferenceRow, GuaranteeRow
from ..controls.effect_on_mail import EffectOnMail

#: Verdicts, best first.
_VERDICTS = list(GuaranteeVerdict)

#: What an approver approves of a row of the difference. Its sentence says the same in words, beside the place of a rule
#: among rules of others, which says nothing once others have moved; its message is one of many.
_COUNTED = (
    "kind",
    "when",
    "unless",
    "arrives",
    "every",
    "was",
    "becomes",
    "rules",
    "later",
    "added",
    "people",
    "dates",
    "side_effects",
)


def _counted(difference: DifferenceRow) -> dict[str, Any]:
    """What counts of a row for the digest. It is digested as it is written."""
    row = difference.as_row()
    counted = {key: row[key] for key in _COUNTED if key in row}
    if difference.unknown is None:
        return counted
    return {**counted, "unknown": sorted(difference.open_questions)}


def counted_mail(mail: EffectOnMail) -> dict[str, Any]:
    """The part of the effect on mail that counts for the digest: the classes of mail, and the verdicts."""
    return {
        "difference": sorted(digest_of(_counted(row)) for row in mail.difference or ()),
        "difference_more": mail.difference_more,
        "guarantees": {row.name: _judged(row) for row in mail.guarantees},
        "rests_on": sorted(digest_of(foundation.as_row()) for foundation in mail.rests_on),
    }


def _judged(row: GuaranteeRow) -> list[str]:
    """What an approver reads of a verdict: it, and what a proof leaves out because rules copy or show it."""
    return [str(row.verdict), *sorted(copies_not_covered(row))]


def _without_reasons(row: DifferenceRow) -> tuple[str, set[str]]:
    """The digest of a row without the reasons why it is unknown, and these: with fewer of them, it is known better."""
    reasons = row.open_questions
    return digest_of({**_counted(row), "unknown": bool(reasons)}), reasons


def moved_mail(
    approved: EffectOnMail,
    current: EffectOnMail,
    holds: Callable[[DifferenceRow], bool] = lambda _row: True,
) -> list[str]:
    """How the effects on mail differ from the approved ones, and what these rest on, as sentences. Gains count, too:
    they may be why somebody approved.

    :param holds: whether an approved effect must still be there: nothing that brings it is done yet.
    """
    texts = [
        f"it does not include this effect on mail: {text}"
        for text in _more(current.difference or (), approved.difference or ())
    ]
    # There may be fewer reasons why an effect is unknown.
    now = [_without_reasons(row)[0] for row in current.difference or ()]
    gone = [row for row in approved.difference or () if holds(row) and _without_reasons(row)[0] not in now]
    # An effect that is another one now is named as that already.
    known = [row.text for row in current.difference or ()]
    texts += [
        f"it includes this effect on mail, which is no longer so: {row.text.removesuffix('.')}"
        for row in gone
        if row.text not in known
    ]
    if current.difference_more > approved.difference_more:
        texts.append("it lists all effects on mail, but there are now more than can be listed")
    return [*texts, *_moved_verdicts(approved, current), *_moved_foundations(approved, current)]


def _more(rows: Iterable[DifferenceRow], others: Iterable[DifferenceRow]) -> list[str]:
    """The sentences of rows of a difference that are more than others say."""
    known: dict[str, list[set[str]]] = {}
    for row in others:
        digest, reasons = _without_reasons(row)
        known.setdefault(digest, []).append(reasons)
    more = []
    for row in rows:
        digest, reasons = _without_reasons(row)
        if not any(reasons <= known_ones for known_ones in known.get(digest, ())):
            more.append(row.text.removesuffix("."))
    return more


def _moved_verdicts(approved: EffectOnMail, current: EffectOnMail) -> list[str]:
    """The guarantees with worse verdicts than the approved ones, and the copies that proofs leave out since."""
    before = {row.name: row for row in approved.guarantees}
    texts = []
    for row in current.guarantees:
        old = before.get(row.name, row)
        if _VERDICTS.index(row.verdict) > _VERDICTS.index(old.verdict):
            texts.append(f"in it, {row.name!r} is {old.verdict}, but now it is {row.verdict}")
        elif old.verdict is row.verdict:
            known = copies_not_covered(old)
            new = [text for text in copies_not_covered(row) if text not in known]
            texts += [f"it does not say that {text.removesuffix('.')}" for text in new]
    return texts


def _moved_foundations(approved: EffectOnMail, current: EffectOnMail) -> list[str]:
    """How differs now what the approved effects rest on."""
    if not current.difference:
        return []  # Nothing that rests on it is left.
    before = {(foundation.kind, foundation.name): foundation.values for foundation in approved.rests_on}
    now = {(foundation.kind, foundation.name): foundation.values for foundation in current.rests_on}
    texts = []
    for kind, named in sorted({*before, *now}):
        old = before.get((kind, named))
        new = now.get((kind, named))
        name = f"the {kind} {named!r}"
        if old is None or new is None:
            texts.append(f"its effects on mail rest on {name}, which is {'gone' if new is None else 'new'}")
            continue
        differing = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        texts += [
            f"its effects on mail rest on {key} of {name}, which was {value_text(old.get(key))} and is now {value_text(new.get(key))}"
            for key in differing
        ]
    return texts
