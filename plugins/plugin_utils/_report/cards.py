# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as people see them: a rule that is created is one change, whatever it contains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._baseline.documents.status import RollbackClass
from ...module_utils._engine.plan import Impact
from ...module_utils._mail_flow.rules.rule_set import RuleSet
from ...module_utils._mail_flow.wording.sentences import parts_of, words_of
from .labels import IMPACT, ROLLBACK, STATE, Record, part_of, rank

_NOUNS = {"ome_transport_rule": "Rule", "ome_configuration": "OME configuration"}
_VERBS = {"present": "is created", "absent": "is removed"}


def is_high(card: Record) -> bool:
    """Someone must decide on this change itself, not only on the plan."""
    return bool(card.get("impact")) or card.get("rollback") == RollbackClass.NOT_POSSIBLE


def cards_of(organization: Record) -> list[Record]:
    """The organization's changes. All changes of a rule, or of an object that is created or removed, are one."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    changes = part_of("changes")(organization)
    whole = {_object(change) for change in changes if change.get("option") == "state"}
    for place, change in enumerate(changes):
        as_one = change.get("resource") == "ome_transport_rule" or _object(change) in whole
        groups.setdefault(_object(change) if as_one and change.get("identity") else (place,), []).append(change)
    return [_card(rows) for rows in groups.values()]


def _object(change: Record) -> tuple[Any, ...]:
    return change.get("resource"), change.get("identity")


def _card(rows: Sequence[Record]) -> Record:
    first = rows[0]
    impacts = sorted({str(row["impact"]) for row in rows if row.get("impact")}, key=lambda impact: rank(IMPACT, impact))
    state = next((row for row in rows if row.get("option") == "state"), None)
    # An object that is created or removed is shown with its content, without its state.
    parts = [row for row in rows if row is not state or len(rows) == 1]
    return {
        "control": (state or first).get("control"),
        "resource": first.get("resource"),
        "identity": first.get("identity"),
        "title": _title(rows, state),
        "rows": [{key: row.get(key) for key in ("option", "before", "after", "impact")} for row in parts],
        "impacts": impacts,
        "impact": impacts[0] if impacts else "",
        "whose": whose(_conditions(rows)) if Impact.SOME_MAIL in impacts else "",
        "rollback": _worst(rows, "rollback", ROLLBACK),
        "state": _worst(rows, "state", STATE),
        "commands": list(dict.fromkeys(str(row["command"]) for row in rows if row.get("command"))),
    }


def _worst(rows: Iterable[Record], key: str, words: Mapping[str, Any]) -> str:
    return min((str(row.get(key) or "") for row in rows), key=lambda value: rank(words, value))


def _title(rows: Sequence[Record], state: Record | None) -> str:
    """What happens to an object; empty for a setting, which has its control's title."""
    noun = _NOUNS.get(str(rows[0].get("resource")), "")
    if not noun or not (state or rows[0].get("resource") == "ome_transport_rule"):
        return ""
    options = {row.get("option") for row in rows}
    if state:
        after = state.get("after")
        verb = _VERBS.get(str(after.get("state") if isinstance(after, Mapping) else after), "is changed")
    elif options == {"enabled"}:
        verb = "is switched on" if rows[0].get("after") else "is switched off"
    else:
        verb = "is moved" if options == {"priority"} else "is changed"
    return f"{noun} '{rows[0].get('identity')}' {verb}"


def _conditions(rows: Sequence[Record]) -> dict[str, Any]:
    conditions: dict[str, Any] = {}
    for row in rows:
        section, _dot, option = str(row.get("option")).partition(".")
        if section == "conditions" and row.get("after") is not None:
            conditions[option] = row["after"]
    return conditions


def whose(conditions: Mapping[str, Any]) -> str:
    """Whose mail a rule affects, in words; empty if not all of its conditions are known."""
    (rule,) = RuleSet([{"name": "it", "conditions": conditions}]).rules
    return "" if rule.unread else " ".join(words_of(parts_of(rule.criteria.conditions)))
