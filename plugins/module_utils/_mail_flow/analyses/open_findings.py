# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings about mail that may be treated differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import high
from ..rules.flow_rule import FlowRule
from ..simulator.assumptions import BUDGET, FAILING, LATER, MANY_APPROVALS, NOT_FOLLOWED, NOT_FOUND, unusual
from ..symbolic.message_assumptions import Assumption
from .class_model import CopyCause
from .difference_kinds import MailClass
from .difference_queries import DifferenceSearch
from .edited_rules import edit_at, names_of, rules_of, telling_separation, unchanged, watching_rules
from .finding import (
    Cause,
    CutShort,
    MayBecome,
    MayChangeLater,
    MayChangeUnusual,
    MayDifferForPeople,
    MayFail,
    MayReach,
    MayWait,
    section_of,
)
from .rule_changes import NOTHING, DateChange, Edit, Separation, separation_of


@dataclass(frozen=True)
class _Versions:
    """The versions of an edited rule whose mail may be treated differently.

    :param acted: whether the rule acted before, and acts now.
    :param separation: what distinguishes the mail of one version from that of the other.
    """

    rules: tuple[FlowRule, ...]
    acted: tuple[bool, bool]
    separation: Separation = NOTHING


class OpenFindings:
    """The findings about what may be different."""

    def __init__(self, search: DifferenceSearch) -> None:
        self._search = search
        self.model = search.model

    def unknown(self, classes: Iterable[MailClass]) -> list[MayBecome]:
        """One finding for each cause and person, with the possible differences."""
        by_cause: dict[tuple[int, str], list[MailClass]] = {}
        for mail_class in classes:
            by_cause.setdefault((mail_class.cause, mail_class.person), []).append(mail_class)
        copies_of_people = self._people_who_share_copies(by_cause)
        return [
            self._unknown(cause, person, group)
            for (cause, person), group in sorted(by_cause.items())
            if (cause, person) not in copies_of_people
        ]

    def _people_who_share_copies(self, by_cause: Mapping[tuple[int, str], Sequence[MailClass]]) -> set[tuple[int, str]]:
        """The causes and people of whose copies nothing is known but that other people may share them, as of the recipient's copy,
        of which it is said.
        """
        return {
            (cause, person)
            for (cause, person), group in by_cause.items()
            if person and edit_at(self._search.edits, cause) is None and (cause, "") in by_cause
            if not any(mail_class.reasons for mail_class in group)
        }

    def _unknown(self, cause: int, person: str, group: Sequence[MailClass]) -> MayBecome:
        """The finding about the classes of a cause and a person."""
        edit = edit_at(self._search.edits, cause)
        # A message without anything unknown is not a witness, nor is one on which the edited rule never acts.
        witnesses = [
            mail_class
            for mail_class in group
            if mail_class.witness is not None and mail_class.reasons and (edit is None or any(mail_class.acted))
        ]
        shown = witnesses[0] if witnesses else None
        about = self._version_that_acts(edit, group) or self._either_version(edit, shown)
        kinds = {mail_class.kind for mail_class in group} if edit else set()
        reasons = tuple(dict.fromkeys(reason for mail_class in group for reason in mail_class.reasons))
        return MayBecome(
            about=tuple(self._met_under_all_settings(rule, group) for rule in about.rules),
            why=about.separation,
            rules=rules_of(self.model, self._search.edits, edit),
            person=person,
            witness=shown.witness if shown else None,
            unknown=reasons or (NOT_FOUND,),
            becomes=tuple(sorted(kinds, key=lambda kind: kind.rank)),
            cause=Cause(
                edit,
                about.acted,
                settings=self.model.settings_that_differ,
                watching=() if edit else watching_rules(self.model),
            ),
        )

    def _met_under_all_settings(self, rule: FlowRule, group: Sequence[MailClass]) -> FlowRule:
        """A rule with only the conditions that all mail of some classes meets as it arrives, whichever settings are in effect: of
        what Exchange decrypts under some, it does not know the words under others.
        """
        if not self.model.settings_that_differ:
            return rule
        recipient = self.model.mail.recipient
        chains = self.model.free.chains
        mail = [
            self._search.about_copies(mail_class.person).of_class(mail_class.kind, mail_class.cause, mail_class.part)
            for mail_class in group
        ]

        def is_met(atom: Atom) -> bool:
            truths = [high(chain.conditions.truth(atom, SeenMessage(), recipient)) for chain in chains]
            return len(set(truths)) == 1 or all(
                self._search.solve([*of_class, ~truth]) is False for of_class in mail for truth in truths
            )

        return rule.with_criteria(atom for atom in rule.criteria.conditions if is_met(atom))

    def _either_version(self, edit: Edit | None, shown: MailClass | None) -> _Versions:
        """The versions of an edited rule whose mail may be treated differently; only the new one if both have the same
        conditions.

        :param shown: a class with a witness.
        """
        if edit is None:
            return _Versions((), shown.acted if shown else (False, False))
        rules = [
            unchanged(self.model, rule) for rule in (edit.before, edit.after) if rule is not None and not rule.idle
        ]
        if len(rules) > 1 and section_of(rules[0].criteria.conditions) == section_of(rules[1].criteria.conditions):
            rules = rules[1:]
        if len(rules) > 1:  # The mail of either version may be treated differently.
            return _Versions(tuple(rules), (True, True))
        exists = (edit.before is not None, edit.after is not None)
        return _Versions(tuple(rules), shown.acted if shown else exists)

    def _version_that_acts(self, edit: Edit | None, group: Sequence[MailClass]) -> _Versions | None:
        """The version of an edited rule that alone acts on all mail of some classes, and what distinguishes its mail; ``None`` if
        there is no such version.
        """
        nows = {mail_class.part.now for mail_class in group}
        if edit is None or edit.before is None or edit.after is None or len(nows) > 1 or nows == {None}:
            return None
        if not all(edit.does_the_same(mail_class.kind.aspect) for mail_class in group):
            return None
        now = nows == {True}
        acting, other = (edit.after, edit.before) if now else (edit.before, edit.after)
        separation = separation_of(acting, other)
        recipient = self.model.mail.recipient
        if not separation:
            return None
        differs = ~self.model.free.conditions.may_meet_or_fail(separation.met, separation.unmet, recipient)
        for mail_class in group:
            remaining = self._search.remaining
            of_class = self._search.about_copies(mail_class.person).of_class(
                mail_class.kind, mail_class.cause, mail_class.part
            )
            if remaining <= 0 or self.model.circuit.solve([*of_class, differs], remaining) is not False:
                return None
        rule = unchanged(self.model, acting)
        if separation.is_one:
            rule = rule.with_criteria((*rule.criteria.conditions, *separation.met))
            separation = NOTHING
        return _Versions(
            (rule,), (not now, now), telling_separation(self.model, [rule], separation, self._search.solve)
        )

    def on_error(self, rule: FlowRule) -> MayFail:
        """The finding about a rule whose ``rule_error_action`` changed."""
        return MayFail(about=(unchanged(self.model, rule),), rules=(rule.name,), unknown=(FAILING,), defers=rule.defers)

    def on_dates(self, rule: FlowRule, dates: Sequence[DateChange]) -> MayChangeLater:
        """The finding about a rule whose dates change what it does later.

        :param dates: their new effects.
        """
        return MayChangeLater(
            about=(unchanged(self.model, rule),), rules=(rule.name,), unknown=(LATER,), dates=tuple(dates)
        )

    def unusual(self, copy_causes: Sequence[CopyCause]) -> MayChangeUnusual:
        """The finding about unusual mail that rules distinguish from usual mail, and whose outcome is unknown.

        :param copy_causes: the people and the places of the edits that may change the outcome.
        """
        edits = [edit for _person, cause in copy_causes if (edit := edit_at(self._search.edits, cause)) is not None]
        ids = sorted({assumption.id for assumption in self._relevant_assumptions(copy_causes)})
        return MayChangeUnusual(rules=names_of(edits), unknown=tuple(map(unusual, ids)))

    def _relevant_assumptions(self, copy_causes: Sequence[CopyCause]) -> list[Assumption]:
        """The assumptions about usual mail that alone keep mail from being treated differently; all that rules see if there are none:
        then such mail meets several of them not.
        """
        made = [each for each in self.model.mail.assumptions if each.id not in self._search.about]
        seen = [each for each in made if each.seen]
        differs = self.model.circuit.disjunction(
            queries.cause(kind, cause) & literal
            for person, cause in copy_causes
            for queries in (self._search.about_copies(person),)
            for kind, literal in queries.kinds.items()
        )
        relevant = [
            each
            for each in seen
            if self._search.solve([differs, ~each.literal, *(other.literal for other in made if other.id != each.id)])
            is not False
        ]
        return relevant or seen

    def held_longer(self) -> MayWait:
        """The finding about mail that waits for more approvals than the model counts."""
        return MayWait(rules=names_of(self._search.edits), unknown=(MANY_APPROVALS,))

    def sent_on(self, cause: int, brings: Sequence[FlowRule], people: Sequence[str]) -> MayReach:
        """The finding about an edited rule that adds people who cannot be followed, or redirects mail to them.

        :param brings: its versions that do. If their mail differs, the finding is about all mail.
        """
        edit = self._search.edits[cause]
        versions = [unchanged(self.model, rule) for rule in brings]
        alike = all(
            section_of(rule.criteria.conditions) == section_of(versions[0].criteria.conditions) for rule in versions
        )
        return MayReach(
            about=tuple(versions[:1]) if alike else (),
            rules=rules_of(self.model, self._search.edits, edit),
            unknown=(NOT_FOLLOWED,),
            people=tuple(people),
            versions=(len(brings) > 1 or brings[0] is not edit.after, len(brings) > 1 or brings[0] is edit.after),
            cause=Cause(edit, (edit.before is not None, edit.after is not None)),
        )

    def differs_for(self, cause: int, brings: FlowRule, people: Sequence[str]) -> MayDifferForPeople:
        """The finding about an edited rule that may change the copies of people who cannot be followed.

        :param brings: the rule, not an edited one, that makes these copies.
        """
        edit = self._search.edits[cause]
        return MayDifferForPeople(
            about=(unchanged(self.model, brings),),
            rules=rules_of(self.model, self._search.edits, edit),
            unknown=(NOT_FOLLOWED,),
            people=tuple(people),
            cause=Cause(edit, (edit.before is not None, edit.after is not None)),
        )


#: The finding about a search that used up its budget.
CUT_SHORT = CutShort(unknown=(BUDGET,))
