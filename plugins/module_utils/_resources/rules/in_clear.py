# SPDX-License-Identifier: GPL-3.0-or-later
"""The warning that mail may leave unprotected by rules, of the modules that manage rules. The role says which mail."""

from __future__ import annotations

from ..._engine.plan import Change, Impact, Plan, warning
from ..._exchange.unprotected import UNPROTECTED
from .moderation import doing
from .rule import encrypts
from .rule_index import RuleBook
from .shadowing import PlacedRule

#: Rules that the warning names.
_NAMED = 5


def warned(plan: Plan, book: RuleBook) -> Plan:
    """The plan, with one warning if its changes may let mail leave unprotected by rules.

    :param book: the rules before and after the plan.
    """
    parts: dict[str, dict[str, None]] = {}
    for change in plan.changes:
        if _is_dangerous(change, book):
            parts.setdefault(change.identity, {})[change.option.partition(".")[0]] = None
    if parts:
        named = [f"{name!r} ({', '.join(changed)})" for name, changed in parts.items()]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        text = (
            f"Mail may leave {UNPROTECTED}: rule{'s' if len(named) > 1 else ''} {', '.join(named[:_NAMED])}{more}. "
            "m365.message_encryption.mail_flow_test with compare_with says which mail."
        )
        plan.warnings.append(
            warning("may_leave_in_clear", text, rules={name: list(changed) for name, changed in parts.items()})
        )
    return plan


def rules_warned_of(plan: Plan) -> set[str]:
    """The names of the rules whose changes may let mail leave unprotected by rules, as the warning of a plan has them."""
    return {
        name for warning in plan.warnings if warning.kind == "may_leave_in_clear" for name in warning.values["rules"]
    }


def _is_dangerous(change: Change, book: RuleBook) -> bool:
    stored = [PlacedRule.from_rules(rule) for rule in book.rules if rule.name == change.identity]
    planned = [
        standing
        for key, standing in book.standings.items()
        if key == change.identity or _is_named(book, key, change.identity)
    ]
    removed = (
        change.option == "state"
        and change.after == "absent"
        and any(encrypts(doing(standing.sections)) for standing in stored)
    )
    return (change.impact is Impact.IN_CLEAR or removed) and any(map(_lets_out, (*stored, *planned)))


def _is_named(book: RuleBook, key: str, name: str) -> bool:
    """Whether a key is that of the stored rule of this name: changes name a rule as it was."""
    return key in book.by_guid and book.by_guid[key].name == name


def _lets_out(standing: PlacedRule) -> bool:
    """Whether a rule acts, and may act on mail to people outside."""
    inside = standing.sections.get("conditions", {}).get("sent_to_scope") == "InOrganization"
    return not inside and not standing.idle
