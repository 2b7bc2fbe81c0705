# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail flow rules of a snapshot, and what a rollback makes of those that an organization has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..._engine.plan import Plan
from ..._exchange.names import name_key
from ..._exchange.organization import Organization
from ..._mail_flow.experiment.temporary_rules import token_of
from ..._mail_flow.wording.plans import ForeignRow
from ..._resources.rules.concurrent_changes import concurrent_changes
from ..._resources.rules.organization_rules import RULE, rules_of
from ..._resources.rules.rule import DeclaredRule, Rule, decides_about_mail, encrypts, is_past
from ..._resources.rules.rule_index import RuleBook
from ..._resources.rules.rule_plan import plan_rule
from ..controls.foreign import foreign_to
from ..documents.change import PlannedChange
from ..documents.snapshot import SnapshotDocument
from .recorded_changes import RecordedChanges


@dataclass(frozen=True)
class RestoredRules:
    """The rules of a snapshot.

    :param held: those that a state can hold.
    :param run: what the snapshot's run changed.
    :param changed_later: what later runs changed.
    :param whole: whether the whole state is restored, not only what the run changed.
    :param force: whether rules that others made since are removed, too, where the whole state is restored.
    """

    snapshot: SnapshotDocument
    held: Sequence[DeclaredRule]
    run: RecordedChanges
    changed_later: Sequence[PlannedChange]
    whole: bool
    force: bool

    def declared(self, organization: Organization) -> list[DeclaredRule]:
        """The rules to restore, in their old order, with those that only keep their places."""
        existing = rules_of(organization)
        by_guid = {rule.guid: rule for rule in existing}
        counted = Counter(name_key(rule.name) for rule in existing)
        by_name = {key: rule for rule in existing if counted[key := name_key(rule.name)] == 1}
        touched = self.run.touched()
        wanted: list[DeclaredRule] = []
        held = {rule.guid: rule for rule in self.held}
        for guid in self.snapshot.order:
            rule = held.get(guid)
            if rule is None:
                # One that a state cannot hold keeps its place among the others.
                wanted += [_untouched(guid)] if guid in by_guid else []
                continue
            now = by_guid.get(guid) or by_name.get(name_key(rule.name))
            options = touched.get(rule.name, set())
            if now is None and not self._comes_back(rule):
                continue
            if self.whole or now is None:
                wanted.append(rule if now is None else replace(rule, guid=now.guid))
            else:
                wanted.append(self._narrowed(rule, now, options))
        extra = self._extra(organization)
        return [*wanted, *(DeclaredRule("", rule.guid, "absent", None, None, {}, {}) for rule in extra)]

    def switches(self, organization: Organization, check_mode: bool) -> Plan:
        """Rules that a snapshot cannot contain, because they cannot be written, but that the run has turned on or off."""
        held = {rule.guid for rule in self.held}
        book = RuleBook(organization, restoring=True, check_mode=check_mode)
        switched = {
            change.identity: change.before
            for change in self.run.changes
            if change.resource == RULE and change.option == "enabled"
        }
        plan = Plan(concurrent_changes=concurrent_changes)
        for rule in book.rules:
            name = self.run.names.get(rule.guid, "")
            if name in switched and rule.guid not in held:
                planned = plan_rule(book, replace(_untouched(rule.guid), enabled=switched[name]))
                plan.steps += planned.steps
                plan.warnings += planned.warnings
        return plan

    def since(self, organization: Organization) -> list[Rule]:
        """The rules that the snapshot knows neither by their GUID nor, where that one is gone, by their name."""
        rules = rules_of(organization)
        guids = {rule.guid for rule in rules}
        rebuilt = {name_key(rule.name) for rule in self.held if rule.guid not in guids}
        return [rule for rule in rules if rule.guid not in self.snapshot.order and name_key(rule.name) not in rebuilt]

    def strangers(self, organization: Organization) -> list[str]:
        """The names of the rules that others have created since, that decide about mail, and that stay. They are only
        looked for if the whole state is restored.
        """
        if not self.whole or self.force:
            return []
        removed = {rule.guid for rule in self._extra(organization)}
        return [
            rule.name
            for rule in self.since(organization)
            if rule.guid not in removed and decides_about_mail(rule.sections)
        ]

    def foreign(self, organization: Organization, plan: Plan) -> list[ForeignRow]:
        """The foreign rules: all but those that runs made or changed, and those that encrypted at the time of the
        snapshot.
        """
        if organization.error("transport_rules") is not None:
            return []
        changed = {change.identity for change in (*self.run.changes, *self.changed_later) if change.resource == RULE}
        held = {rule.guid: rule for rule in self.held}
        made = self.run.created_now(organization)
        ours = (
            changed
            | {rule.name for rule in held.values() if encrypts(rule.sections)}
            | {rule.name for rule in rules_of(organization) if rule.guid in made or token_of(rule)}
        )
        since = {rule.guid: "new since the snapshot" for rule in self.since(organization) if rule.name not in ours}
        book = RuleBook(organization, restoring=True)
        for rule in (rule for rule in book.rules if rule.guid in held and rule.name not in ours):
            if plan_rule(book, replace(held[rule.guid], priority=None)).steps:
                since[rule.guid] = "changed since the snapshot"
        return foreign_to(organization, plan, ours, since)

    def expired(self, organization: Organization) -> list[DeclaredRule]:
        """The rules that are gone, and that are not recreated although they are to be there."""
        return [rule for rule in self._gone(organization) if self._is_wanted(rule) and not self._comes_back(rule)]

    def unread(self, organization: Organization) -> list[str]:
        """The sentence about a read without any rule of an organization that had some: it is no basis to say that the
        rules are restored.
        """
        restored = self.whole or any(change.resource == RULE for change in self.run.changes)
        if not restored or self.force or not self.snapshot.order or rules_of(organization):
            return []
        return [f"No rule was read, although the snapshot contains {len(self.snapshot.order)}."]

    def _comes_back(self, rule: DeclaredRule) -> bool:
        """Whether a missing rule is recreated."""
        return self._is_wanted(rule) and not is_past(rule.settings.get("expiry_date", ""))

    def _is_wanted(self, rule: DeclaredRule) -> bool:
        """Whether a missing rule is to be there."""
        return self.whole or bool(self.run.touched().get(rule.name))

    def _gone(self, organization: Organization) -> list[DeclaredRule]:
        """The rules of the snapshot that do not exist anymore."""
        rules = rules_of(organization)
        guids, names = {rule.guid for rule in rules}, {name_key(rule.name) for rule in rules}
        return [rule for rule in self.held if rule.guid not in guids and name_key(rule.name) not in names]

    def _extra(self, organization: Organization) -> list[Rule]:
        """The rules to remove: those that the run created, those that experiments left and, if the whole state is restored,
        those that later runs or others created.
        """
        created = self.run.created_now(organization)
        return [
            rule for rule in self.since(organization) if rule.guid in created or token_of(rule) or self._is_extra(rule)
        ]

    def _is_extra(self, rule: Rule) -> bool:
        if not self.whole:
            return False
        made = self.run.as_created(rule, rule.name, [*self.run.changes, *self.changed_later])
        return made or (self.force and decides_about_mail(rule.sections))

    def _narrowed(self, rule: DeclaredRule, now: Rule, options: set[str]) -> DeclaredRule:
        """The part of an existing rule that the plan names. Sections are restored as a whole."""
        everything = "state" in options
        sections = {option.partition(".")[0] for option in options}
        return replace(
            rule,
            name=rule.name if everything or "name" in options else "",
            guid=now.guid,
            priority=None,
            where="",
            enabled=rule.enabled if everything or "enabled" in options else None,
            settings={option: value for option, value in rule.settings.items() if everything or option in options},
            sections={section: value for section, value in rule.sections.items() if everything or section in sections},
        )


def _untouched(guid: str) -> DeclaredRule:
    """A rule of which only the place matters."""
    return DeclaredRule("", guid, "present", None, None, {}, {})
