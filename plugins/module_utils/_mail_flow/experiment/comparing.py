# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of a copy, beside what was computed of it.

Each of fate, rules and protection agrees, contradicts, or cannot be compared. One contradiction decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .observing import NOT_SEEN, Sighting

#: That two cannot be compared.
NOT_COMPARABLE = "not_comparable"

#: Predicted fate to the seen ones that agree with it, and to those that contradict it. What is in neither says nothing: a
#: copy can fail for other reasons than rules, and spam filters come before and after them.
_AGREES: Mapping[str, tuple[str, ...]] = {
    "delivered": ("delivered",),
    "rejected": ("rejected",),
    "quarantined": ("quarantined",),
}
_CONTRADICTS: Mapping[str, tuple[str, ...]] = {
    "delivered": ("rejected",),
    "rejected": ("delivered",),
    "quarantined": ("delivered", "rejected"),
    "deleted": ("delivered", "rejected", "quarantined"),
    "redirected": ("delivered", "rejected", "quarantined"),
}

#: Predicted protections that rights make.
_CLEAR = "none"
_OTHER = ("unknown", "smime", "")


@dataclass(frozen=True)
class Agreement:
    """How what was seen compares with what was computed.

    :param agrees: true, false, or :data:`NOT_COMPARABLE`.
    :param parts: of ``fate``, ``rules``, ``protection`` those that contradict, each with what was computed and what was seen.
    :param agreeing: those that agree.
    """

    agrees: bool | str
    parts: tuple[tuple[str, Any, Any], ...] = ()
    agreeing: tuple[str, ...] = ()


def is_silent(actions: Mapping[str, Any]) -> bool:
    """Whether Exchange need not log that a rule with these actions acted."""
    return str(actions.get("set_audit_severity") or "DoNotAudit") == "DoNotAudit"


def agreement_of(
    predicted: Mapping[str, Any],
    seen: Sighting,
    silent: Sequence[str],
    known: Sequence[str],
    unlogged: Sequence[str] = (),
) -> Agreement:
    """Compares a recipient's result with what was seen.

    :param predicted: a recipient's result; empty for somebody for whom none was computed.
    :param silent: the names of rules of which Exchange need not log that they acted.
    :param known: the names of all rules of the organization.
    :param unlogged: the names of the silent rules that can act: nothing shows that one of them did not.
    """
    if not predicted:
        return Agreement(NOT_COMPARABLE if seen.fate in (NOT_SEEN, "expanded") else False, (("copy", "", seen.fate),))
    if "contradicting" in seen.remarks or "duplicated" in seen.remarks or seen.internal is False:
        return Agreement(NOT_COMPARABLE)
    agrees_by_part = {
        "fate": _fate(predicted, seen),
        "rules": _rules(predicted, seen, silent, known, unlogged),
        "protection": _protection(predicted, seen),
    }
    contradicting = tuple(
        (part, _computed(part, predicted), _shown(part, seen))
        for part, value in agrees_by_part.items()
        if value is False
    )
    if contradicting:
        return Agreement(False, contradicting)
    is_enough = agrees_by_part["fate"] is True and (
        agrees_by_part["rules"] is True or agrees_by_part["protection"] is True
    )
    agreeing = tuple(part for part, value in agrees_by_part.items() if value is True)
    return Agreement(True if is_enough else NOT_COMPARABLE, agreeing=agreeing)


def lacks_protection(predicted: Mapping[str, Any], seen: Sighting) -> bool:
    """Whether protection was computed of a copy, and nobody saw whether it has it."""
    return seen.protection == NOT_SEEN and str(predicted.get("protection", "")) not in (_CLEAR, *_OTHER)


def shows_rule(rule: str, predicted: Mapping[str, Any], seen: Sighting) -> bool:
    """Whether what was seen of a copy shows a rule that acts on it, by its name or by the protection that was computed."""
    if rule in (seen.rules or ()):
        return True
    return seen.protection == "protected" and rule in predicted.get("protected_by", ())


def _fate(predicted: Mapping[str, Any], seen: Sighting) -> bool | None:
    computed = str(predicted.get("fate"))
    if seen.fate in _AGREES.get(computed, ()):
        return True
    return False if seen.fate in _CONTRADICTS.get(computed, ()) else None


def _rules(
    predicted: Mapping[str, Any], seen: Sighting, silent: Sequence[str], known: Sequence[str], unlogged: Sequence[str]
) -> bool | None:
    """Whether the rules that were seen are those that act. A rule that need not be logged is not missed, and neither is
    one that no report names yet. Where none acts, silence shows it only if no rule can act without a log.
    """
    if seen.rules is None:
        return None
    acted = set(seen.rules)
    matched = {str(rule["name"]): rule["matched"] for rule in predicted.get("rules", ())}
    if (acted & set(known)) - matched.keys():
        return False
    certain = {name for name, value in matched.items() if value is True}
    missed, strange = certain - acted, acted - set(known)
    if "detail" in seen.evidence and missed - set(silent) and not strange:
        return False
    if missed or strange or len(certain) < len(matched):
        return None
    is_silence = not certain and set(unlogged) - acted
    return None if is_silence else True


def _protection(predicted: Mapping[str, Any], seen: Sighting) -> bool | None:
    computed = str(predicted.get("protection", ""))
    if seen.protection == NOT_SEEN or computed in _OTHER:
        return None
    return (computed != _CLEAR) is (seen.protection == "protected")


def _computed(part: str, predicted: Mapping[str, Any]) -> Any:
    if part == "rules":
        return [str(rule["name"]) for rule in predicted.get("rules", ()) if rule["matched"] is True]
    return predicted.get(part, "")


def _shown(part: str, seen: Sighting) -> Any:
    return list(seen.rules or ()) if part == "rules" else getattr(seen, part)
