# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer rules that do the same, as rows of results and as lines of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..._exchange.text import listed, visible_line
from ..analyses.aspects import DifferenceKind
from ..model import questions
from ..repair.merging import MergedRules
from ..repair.simplify import KeptRule, RemovedRule, Simplified
from .guarantees import RELIED_ON, assumption_row
from .instants import instant_words
from .sentences import BECOMES

#: Why nothing is proposed.
_WHY_NOT = {
    "nothing": "no rule is disabled, never acts, or leaves all of its work to others, and no two differ in the values of one condition only",
    "difference": "for every rule that looks as if it could go, it is possible that mail is treated differently without it",
    "budget": "the rules are too complex for the search",
    "contradicted": "a test message contradicts what is computed",
}


#: Why a rule stays.
_WHY_RULES_STAY = {
    "unread": "this collection cannot write it",
    "mode": "it is in a test mode ({about})",
    "effects": "what its {about} adds is not compared",
    "templates": (
        "it meets rules that protect, brand or route mail in another way, and which one wins is not documented"
        f" ({questions.WHICH_TEMPLATE}, {questions.ENCRYPTED_AND_DECRYPTED})"
    ),
    "freed": "without it, a later rule may mark or log mail that it does not now, which is not compared",
    "silent": "Exchange logs what it does, and nothing of a rule that does the same (set_audit_severity: DoNotAudit)",
    "inspection": (
        "if Exchange cannot finish inspecting the content for it, mail may be treated differently without it"
        f" ({questions.RULE_FAILS})"
    ),
    "later": "it begins on {about}",
    "difference": "without it, some mail {about}",
    "people": "without it, mail may be treated differently once other people are in the organization or its groups",
}


def simplified_row(simplified: Simplified, to_yaml: Callable[[Any], str]) -> dict[str, Any]:
    """Fewer rules, as results have them: ``rules`` and ``yaml`` (where some are proposed), ``removed``, ``merged``,
    ``kept``, ``unwritten`` (where there are some) and ``proof``.

    :param to_yaml: writes a value as YAML.
    """
    rules = [dict(rule) for rule in simplified.rules]
    return {
        **({"rules": rules, "yaml": to_yaml(rules)} if rules else {}),
        "removed": [
            {"rule": removed.rule, "reason": visible_line(_why(removed)), "by": list(removed.by)}
            for removed in simplified.removed
        ],
        "merged": [
            {"rules": list(merged.rules), "into": merged.rules[0], "option": merged.option}
            for merged in simplified.merged
        ],
        "kept": [{"rule": staying.rule, "reason": visible_line(_why_kept(staying))} for staying in simplified.kept],
        **({"unwritten": list(simplified.unwritten)} if simplified.unwritten else {}),
        "proof": _proof(simplified),
    }


def _proof(simplified: Simplified) -> dict[str, Any]:
    if simplified.why_not:
        return {"equal": False, "reason": _WHY_NOT[simplified.why_not], "comparisons": simplified.comparisons}
    assumed = [assumption_row(premise).as_row() for premise in simplified.premises]
    return {
        "equal": True,
        "assumptions": assumed,
        "rules_before": simplified.before,
        "rules_after": _rules_that_remain(simplified),
        "comparisons": simplified.comparisons,
    }


def _rules_that_remain(simplified: Simplified) -> int:
    return simplified.before - len(simplified.removed) - sum(len(merged.rules) - 1 for merged in simplified.merged)


def _why(removed: RemovedRule) -> str:
    others = listed([repr(name) for name in removed.by], joint="and")
    one = len(removed.by) == 1
    if removed.why == "covered":
        return f"{others} {'does' if one else 'do'} the same to all of its mail"
    if removed.why == "disabled":
        return "it is disabled"
    stopped = f"{others} {'stops' if one else 'stop'} all mail that it applies to"
    return f"it never acts: {stopped if removed.by else 'its dates exclude today, or no mail meets its conditions'}"


def _why_kept(staying: KeptRule) -> str:
    about = list(staying.about)
    if staying.why == "difference":
        about = [BECOMES[DifferenceKind(kind)] for kind in staying.about]
    elif staying.why == "later":
        about = [instant_words(date) for date in staying.about]
    return _WHY_RULES_STAY[staying.why].format(
        about=listed(about, joint="and") if about else BECOMES[DifferenceKind.UNKNOWN]
    )


def simplified_lines(simplified: Simplified) -> Iterator[str]:
    """Fewer rules, as lines for a terminal."""
    if not simplified.before:
        yield "There are no rules."
    elif simplified.why_not:
        yield f"No fewer rules do provably the same: {_WHY_NOT[simplified.why_not]}."
    else:
        remaining = _rules_that_remain(simplified)
        yield f"{remaining} rule{' does' if remaining == 1 else 's do'} the same to all mail as {simplified.before}:"
    if simplified.premises:
        yield f"  Assumes: {', '.join(RELIED_ON[premise.id] for premise in simplified.premises)}."
    yield from (f"  {removed.rule!r} can go: {visible_line(_why(removed))}." for removed in simplified.removed)
    yield from (f"  {_merged(merged)}." for merged in simplified.merged)
    yield from (f"  {staying.rule!r} stays: {visible_line(_why_kept(staying))}." for staying in simplified.kept)


def _merged(merged: MergedRules) -> str:
    names: Sequence[str] = [repr(name) for name in merged.rules]
    return f"{listed(names, joint='and', most=len(names))} can be one: {names[0]} with the values of all of them in {merged.option}"
