# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan does to mail: from the preflight through plan and report to the pages, in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..._engine.plan import Change, Impact
from ..._mail_flow.analyses.aspects import DifferenceKind
from ..._resources.rules.impact import of_all_outgoing
from ..._resources.rules.stored import RULE

#: A row of a result, as the documentation of the modules describes it.
Row = Mapping[str, Any]


@dataclass(frozen=True)
class EffectOnMail:
    """What a plan does to mail. Its fields are the keys of ``mail`` in a plan and in a report, which have those that say
    something.

    :param difference: the classes of mail that are treated differently, most important first; ``None`` if the plan
        changes nothing that decides about mail, or if what decides cannot be read.
    :param difference_more: how many more classes there are at least.
    :param rests_on: what the difference depends on beside rules and settings of IRM: ``kind``, ``name``, ``values``.
    :param guarantees: the verdicts.
    :param lint: remarks about the rules.
    :param foreign: the rules that are not ours.
    :param replay: what would have become of the mail of the last days, as ``mail_flow_replay`` returns it.
    :param evidence: what Exchange reports of rules, as ``mail_flow_evidence`` returns it.
    :param trials: what each rule on trial would do if it were enforced.
    :param suggestions: edits of rules that would put guarantees right.
    :param reach: which mail to people outside is protected after the plan.
    :param encrypters: who encrypts what today.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told; ``None`` if nothing
        here says how mail is protected.
    :param untested: the controls that would have tested whether encryption works.
    """

    difference: tuple[Row, ...] | None = None
    difference_more: int = 0
    rests_on: tuple[Row, ...] = ()
    guarantees: tuple[Row, ...] = ()
    lint: tuple[Row, ...] = ()
    foreign: tuple[Row, ...] = ()
    replay: Row | None = None
    evidence: Row | None = None
    trials: tuple[Row, ...] = ()
    suggestions: tuple[Row, ...] = ()
    reach: tuple[Row, ...] = ()
    encrypters: tuple[Row, ...] = ()
    unseen: tuple[str, ...] | None = None
    untested: tuple[str, ...] = ()

    @classmethod
    def read(cls, document: Any) -> EffectOnMail:
        """From the written form. Raises ValueError if it is none."""
        if not isinstance(document, Mapping) or not {field.name for field in fields(cls)}.issuperset(document):
            raise ValueError("it is not what a plan does to mail")
        if ("difference" in document) != ("difference_more" in document):
            raise ValueError("what a plan does to mail has half of a difference")
        for name, value in document.items():
            if not isinstance(value, _written_type(name)):
                raise ValueError(f"{name} of what a plan does to mail has the wrong type")
        rows = (row for name, value in document.items() if name in _TABLES for row in value)
        if not all(isinstance(row, Mapping) for row in rows):
            raise ValueError("a row of what a plan does to mail has the wrong type")
        parts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**parts)

    def as_dict(self) -> dict[str, Any]:
        """The written form: what says something."""
        document: dict[str, Any] = {}
        if self.difference is not None:
            document.update(difference=list(self.difference), difference_more=self.difference_more)
        if self.unseen is not None:
            document["unseen"] = list(self.unseen)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _OWN_RULES and value:
                document[field.name] = list(value) if isinstance(value, tuple) else value
        return document

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return self != EffectOnMail()

    @property
    def verdicts_are_shown(self) -> bool:
        """Whether the last lines of a run rest on how mail is protected."""
        return bool(self.guarantees or self.trials or self.replay or self.evidence)

    @property
    def says_how_protected(self) -> bool:
        """Whether anything in it, on a terminal or a page, says how mail is protected."""
        shown = self.suggestions or self.reach or self.encrypters or self.difference is not None
        return self.verdicts_are_shown or bool(shown)


#: What does nothing to mail.
NO_EFFECT = EffectOnMail()

#: Fields that are one record, that are texts, and that are written by a rule of their own.
_RECORDS = frozenset(("replay", "evidence"))
_TEXTS = frozenset(("unseen", "untested"))
_OWN_RULES = frozenset(("difference", "difference_more", "unseen"))
_TABLES = frozenset(field.name for field in fields(EffectOnMail)) - _RECORDS - _TEXTS - {"difference_more"}


def _written_type(name: str) -> type:
    """The type of a field in its written form."""
    if name == "difference_more":
        return int
    return Mapping if name in _RECORDS else list


#: What a class of the difference does to people. All others affect some mail.
IMPACTS: Mapping[DifferenceKind, Impact] = {
    DifferenceKind.PROTECTION_LOST: Impact.IN_CLEAR,
    DifferenceKind.TRANSIT_LOST: Impact.IN_CLEAR,
    DifferenceKind.DELIVERY_LOST: Impact.REJECTS,
}


def impact_of(change: Change, mail: EffectOnMail) -> Impact:
    """The impact of a change on people. For a rule, the worst effect on mail that the difference attributes to it;
    removing a rule always deletes.

    :param mail: what the plan does to mail.
    """
    if change.resource != RULE or mail.difference is None or mail.difference_more:
        # Where not all of the effect on mail is known, what the rule alone tells is better than nothing.
        return change.impact
    impacts = [_impact(row) for row in mail.difference if change.identity in row["rules"]]
    worst = [Impact.DELETES] if change.impact is Impact.DELETES else []
    return min([*impacts, *worst], key=list(Impact).index, default=Impact.NONE)


def _impact(row: Mapping[str, Any]) -> Impact:
    return IMPACTS.get(row["kind"]) or (
        Impact.ALL_OUTGOING if row.get("every") and of_all_outgoing(row["when"]) else Impact.SOME_MAIL
    )
