# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign rules, which the role does not manage: their places, their ages, and what they can do to our mail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from ..._engine.plan import Plan
from ..._exchange.organization import Organization
from ..._mail_flow.analyses.foreign_rules import foreign_rules
from ..._mail_flow.wording.plans import ForeignRow, foreign_line, foreign_row
from ..._resources.rules.organization_rules import rules_of
from ..._resources.rules.rule import Rule, first_date
from .effect_on_mail import EffectOnMail
from .mail import Mail

#: Rules that a terminal names.
_NAMED = 5


def foreign_to(
    organization: Organization,
    plan: Plan | None,
    ours: Collection[str],
    since: Mapping[str, str] = MappingProxyType({}),
) -> list[ForeignRow]:
    """The foreign rules as a plan leaves them, first to last; none if the rules cannot be read.

    :param plan: ``None`` for the rules as they are.
    :param ours: the names of our rules.
    :param since: GUID of a rule to what is known of when it came or changed.
    """
    if "transport_rules" not in organization.subsets or organization.error("transport_rules") is not None:
        return []
    now = Mail.of_organization(organization)
    mail = now.after(plan) if plan else now
    stored = {rule.guid: rule for rule in rules_of(organization)}
    rules = foreign_rules(mail.rules, ours, mail.facts)
    return [foreign_row(rule, since.get(rule.guid, ""), _last_changed(stored.get(rule.guid))) for rule in rules]


def _last_changed(rule: Rule | None) -> str:
    """When a rule last changed, and by whom, as far as Exchange shows it."""
    properties = rule.properties if rule else {}
    changed = first_date(properties, "WhenChanged")
    who = properties.get("LastModifiedBy")
    text = " ".join([*([changed.date().isoformat()] if changed else []), *([f"by {who}"] if who else [])])
    return f"last changed {text}" if text else ""


def foreign_lines(mail: EffectOnMail) -> list[str]:
    """The foreign rules that need a look, as lines for a terminal.

    :param mail: what a plan does to mail.
    """
    rows = [row for row in mail.foreign if row.needs_a_look]
    more = f"{len(rows) - _NAMED} more such rules are in the report." if len(rows) > _NAMED else ""
    return [*(f"Foreign rule {foreign_line(row)}" for row in rows[:_NAMED]), *([more] if more else [])]
