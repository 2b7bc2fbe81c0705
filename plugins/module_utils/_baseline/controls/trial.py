# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on trial: in Exchange under another name, last, in Mode Audit, in which a rule does nothing to mail and only
its actions are logged.

Last and without stop, a trial is harmless whatever Mode Audit does to splits (U06) and stops
(U08). Incident reports and notifications would go out even so, so a trial has none. ``SetAuditSeverity: DoNotAudit``
would log nothing. Exchange inspects content for a trial, too, and with ``RuleErrorAction: Defer``, mail would wait, and
could bounce, where it cannot finish: a trial has ``Ignore``. Source: Microsoft's pages of Set-TransportRule, of testing
mail flow rules, and of "554 5.6.0 Invalid message content".
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..._exchange.names import same_name
from ..._mail_flow.wording.plans import TrialRow
from ..._resources.rules.rule import DeclaredRule, Rule, first_date

#: The end of a trial's name, and the longest name of a rule (64 characters) that leaves room for it.
_SUFFIX = " (trial)"
LONGEST_NAME = 64 - len(_SUFFIX)

#: The comment by which a trial is known, whatever name somebody gives it. The name of the rule that is tried follows.
_MARK = "Trial by m365.message_encryption of the rule: "

#: Actions that reach people even in Mode Audit, and the one that may keep mail from other rules.
_NOT_TRIED = ("generate_incident_report", "generate_notification", "incident_report_content", "stop_rule_processing")


@dataclass(frozen=True)
class Trial:
    """A rule on trial.

    :param name: the rule that is tried.
    :param rule: the name of its trial in Exchange.
    :param since: the day since which the trial has been as it is; ``None`` if it does not exist yet, or Exchange does
        not show it.
    :param until: the last day of its time; ``None`` with ``since``, or if its time does not end.
    :param changed: whether ``since`` is the day of its last change, because Exchange does not show when it was created.
    """

    name: str
    rule: str
    since: datetime.date | None = None
    until: datetime.date | None = None
    changed: bool = False

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.until is not None and self.until < datetime.datetime.now(datetime.UTC).date()

    @property
    def row(self) -> TrialRow:
        """The trial as results have it."""
        return TrialRow(
            name=self.name,
            rule=self.rule,
            expired=self.expired,
            since=self.since.isoformat() if self.since else "",
            until=self.until.isoformat() if self.until else "",
            changed=self.changed,
        )

    @classmethod
    def of_rule(cls, name: str, stored: Rule | None, days: int) -> Trial:
        """The trial of a rule, as Exchange shows it.

        :param days: how long a trial may take; 0 for any time.
        """
        created = _day(stored, "WhenCreatedUTC", "WhenCreated") if stored else None
        begun = created or (_day(stored, "WhenChangedUTC", "WhenChanged") if stored else None)
        until = begun + datetime.timedelta(days=days) if begun and days else None
        return cls(name, trial_name(name), begun, until, changed=begun is not None and created is None)


def trial_name(name: str) -> str:
    """The name of a rule's trial."""
    return f"{name}{_SUFFIX}"


def trial_of(rule: DeclaredRule) -> DeclaredRule:
    """A declared rule as its trial."""
    sections = dict(rule.sections)
    if "actions" in sections:
        actions = {option: value for option, value in sections["actions"].items() if option not in _NOT_TRIED}
        severity = actions.get("set_audit_severity")
        sections["actions"] = {**actions, "set_audit_severity": "Low" if severity in (None, "DoNotAudit") else severity}
    settings = {**rule.settings, "mode": "Audit", "rule_error_action": "Ignore", "comments": f"{_MARK}{rule.name}"}
    return replace(rule, name=trial_name(rule.name), guid="", settings=settings, sections=sections, last=True)


def tried_by(rule: Rule) -> str:
    """The name of the rule that a rule of the organization is the trial of; empty if it is no trial, as one that
    somebody has enforced.
    """
    comments = str(rule.properties.get("Comments") or "")
    return comments.removeprefix(_MARK) if is_trial(comments, rule.settings["mode"]) else ""


def is_trial(comments: str, mode: str | None) -> bool:
    """Whether a rule with such a comment and mode is a trial."""
    return comments.startswith(_MARK) and mode != "Enforce"


def trial_among(rules: Sequence[Rule], name: str) -> Rule | None:
    """The trial of a rule. Of several, because somebody has copied it, the one with a trial's name."""
    trials = [rule for rule in rules if same_name(tried_by(rule), name)]
    return next((rule for rule in trials if same_name(rule.name, trial_name(name))), trials[0] if trials else None)


def _day(rule: Rule, *names: str) -> datetime.date | None:
    """The day of the first of these dates that Exchange shows; ``None`` if it shows none."""
    instant = first_date(rule.properties, *names)
    return instant.date() if instant else None
