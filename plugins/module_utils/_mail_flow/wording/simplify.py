# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer rules that do the same, as results and lines of a terminal have them. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import listed, visible_line
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.simplify import (
    Kept,
    Merged,
    Removed,
    Simplified,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.assumptions import premise_row
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import BECOMES

#: Why nothing is proposed.
_WHY_NOT = {
    "nothing": "no rule is disabled, never acts, or leaves all of its work to others, and no two differ in the values of one condition only",
    "difference": "for every rule that looks as if it could go, it is possible that mail is treated differently without it",
    "budget": "the rules are too complex for the search",
}

#: Why a rule stays.
_KEPT = {
    "unread": "this collection cannot write it",
    "mode": "it is only tried ({about})",
    "effects": "what its {about} adds is not compared",
    "templates": "it meets rules that protect, brand or route mail in another way, and which one wins is not documented (U01, U02)",
    "freed": "without it, a later rule may mark or log mail that it does not now, which is not compared",
    "silent": "Exchange logs what it does, and nothing of a rule that does the same (set_audit_severity: DoNotAudit)",
    "inspection": "if Exchange cannot finish inspecting the content for it, mail may be treated differently without it (U12)",
    "later": "it begins on {about}",
    "difference": "without it, some mail {about}",
}


def simplified_row(found: Simplified, to_yaml: Callable[[Any], str]) -> dict[str, Any]:
    """Fewer rules, as results have them: ``rules`` and ``yaml`` (where some are proposed), ``removed``, ``merged``,
    ``kept``, ``unwritten`` (where there are some) and ``proof``.

    :param to_yaml: writes a value as YAML.
    """
    rules = [dict(rule) for rule in found.rules]
    return {
        **({"rules": rules, "yaml": to_yaml(rules)} if rules else {}),
        "removed": [
            {"rule": each.rule, "reason": visible_line(_why(each)), "by": list(each.by)} for each in found.removed
        ],
        "merged": [{"rules": list(each.rules), "into": each.rules[0], "option": each.option} for each in found.merged],
        "kept": [{"rule": each.rule, "reason": visible_line(_why_kept(each))} for each in found.kept],
        **({"unwritten": list(found.unwritten)} if found.unwritten else {}),
        "proof": _proof(found),
    }


def _proof(found: Simplified) -> dict[str, Any]:
    if found.why_not:
        return {"equal": False, "reason": _WHY_NOT[found.why_not], "comparisons": found.comparisons}
    assumed = list(map(premise_row, found.premises))
    return {
        "equal": True,
        "assumptions": assumed,
        "rules_before": found.before,
        "rules_after": _left(found),
        "comparisons": found.comparisons,
    }


def _left(found: Simplified) -> int:
    return found.before - len(found.removed) - sum(len(each.rules) - 1 for each in found.merged)


def _why(found: Removed) -> str:
    others = listed([repr(each) for each in found.by], joint="and")
    one = len(found.by) == 1
    if found.why == "covered":
        return f"{others} {'does' if one else 'do'} the same to all of its mail"
    if found.why == "disabled":
        return "it is disabled"
    stopped = f"{others} {'stops' if one else 'stop'} all mail that it applies to"
    return (
        f"it never acts: {stopped if found.by else 'its dates exclude today, or its conditions contradict each other'}"
    )


def _why_kept(found: Kept) -> str:
    about = [BECOMES[each] for each in found.about] if found.why == "difference" else list(found.about)
    return _KEPT[found.why].format(about=listed(about, joint="and") if about else BECOMES["unknown"])


def simplified_lines(found: Simplified) -> Iterator[str]:
    """Fewer rules, as lines for a terminal."""
    if not found.before:
        yield "There are no rules."
    elif found.why_not:
        yield f"No fewer rules do provably the same: {_WHY_NOT[found.why_not]}."
    else:
        left = _left(found)
        yield f"{left} rule{' does' if left == 1 else 's do'} the same to all mail as {found.before}:"
    yield from (f"  {each.rule!r} can go: {visible_line(_why(each))}." for each in found.removed)
    yield from (f"  {_merged(each)}." for each in found.merged)
    yield from (f"  {each.rule!r} stays: {visible_line(_why_kept(each))}." for each in found.kept)


def _merged(found: Merged) -> str:
    names: Sequence[str] = [repr(each) for each in found.rules]
    return f"{listed(names, joint='and', most=len(names))} can be one: {names[0]} with the values of all of them in {found.option}"
