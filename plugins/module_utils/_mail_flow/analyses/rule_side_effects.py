# SPDX-License-Identifier: GPL-3.0-or-later
"""The side effects of rules: whom they tell or ask, what they tell people, and how mail leaves."""

from __future__ import annotations

from ..._resources.rules.action_effects import Does
from ..actions.brought_people import THE_MANAGER
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .finding import SideEffect
from .rule_changes import edits_of

#: The sorts of side effects that rejected mail may have, too (U10).
TOLD_AFTER_REJECTION = frozenset(("report", "original", "notification", "notification_text"))


def effects_of(rule: FlowRule) -> set[SideEffect]:
    """The side effects of a rule."""
    if rule.idle:
        return set()
    effects = _reports_of(rule)
    if rule.actions.enforced:
        effects |= _texts_of(rule) | _spam_of(rule) | _approvals_of(rule) | _routing_of(rule)
    return effects


def side_effects_differ(before: RuleSet, after: RuleSet) -> bool:
    """Whether an edit may change side effects of rules."""
    edits = edits_of(before, after, every=True)
    return any(rule is not None and effects_of(rule) for edit in edits for rule in (edit.before, edit.after))


def _reports_of(rule: FlowRule) -> set[SideEffect]:
    """The people whom a rule tells about its mail, also in a test mode that does so, and what it tells them."""
    effects: set[SideEffect] = set()
    reporting = {
        row.option
        for row in rule.actions.rows
        if row.does is Does.REPORT and (rule.actions.enforced or rule.actions.mode in row.in_audit)
    }
    if "generate_incident_report" in reporting:
        content = rule.actions.options.get("incident_report_content") or ()
        words = {str(part).casefold() for part in ([content] if isinstance(content, str) else content)}
        sort = "original" if "attachoriginalmail" in words else "report"
        effects.add(SideEffect(sort, str(rule.actions.options["generate_incident_report"])))
    if "generate_notification" in reporting:
        effects.add(SideEffect("notification"))
        effects.add(SideEffect("notification_text", str(rule.actions.options["generate_notification"])))
    return effects


def _approvals_of(rule: FlowRule) -> set[SideEffect]:
    """The people whom a rule asks for an approval."""
    moderation = rule.actions.does(Does.MODERATE)
    effects = {SideEffect("approval", str(person)) for person in moderation.get("moderate_message_by_user") or ()}
    if moderation.get("moderate_message_by_manager"):
        effects.add(SideEffect("approval", THE_MANAGER))
    return effects


def _routing_of(rule: FlowRule) -> set[SideEffect]:
    """How a rule changes the way on which its mail leaves."""
    effects: set[SideEffect] = set()
    connector = str(rule.actions.options.get("route_message_outbound_connector") or "")
    if connector:
        effects.add(SideEffect("connector", connector))
    if rule.actions.options.get("route_message_outbound_require_tls"):
        effects.add(SideEffect("tls"))
    if rule.actions.options.get("remove_rms_attachment_encryption"):
        effects.add(SideEffect("attachments"))
    return effects


#: The spam confidence level from which Exchange takes a message for spam. Source: Microsoft's page of New-TransportRule.
_LEAST_SPAM_LEVEL = 5


def _spam_of(rule: FlowRule) -> set[SideEffect]:
    """What a rule tells the spam filter."""
    level = rule.actions.options.get("set_scl")
    if level is None:
        return set()
    return {SideEffect("spam" if int(level) >= _LEAST_SPAM_LEVEL else "no_spam", str(level))}


#: The sort of a text to the actions that say it: what a sender is told of a rejection, what a disclaimer says and where, and what
#: becomes of mail into which it does not fit.
_TEXTS = {
    "rejection_text": ("reject_message_reason_text", "reject_message_enhanced_status_code"),
    "disclaimer_text": ("apply_html_disclaimer_text", "apply_html_disclaimer_location"),
    "disclaimer_fallback": ("apply_html_disclaimer_fallback_action",),
}


def _texts_of(rule: FlowRule) -> set[SideEffect]:
    """The texts of a rejection and of a disclaimer."""
    return {
        SideEffect(sort, "; ".join(str(rule.actions.options.get(option, "")) for option in options))
        for sort, options in _TEXTS.items()
        if any(rule.actions.options.get(option) for option in options)
    }
