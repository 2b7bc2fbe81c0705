# SPDX-License-Identifier: GPL-3.0-or-later
"""A guarantee that no rules can keep together with a goal."""

from __future__ import annotations

import itertools

from ..analyses.judgment import GuaranteeVerdict, Judgment
from ..analyses.verifier import claims_of
from ..input.guarantee_options import Guarantee
from ..model.facts import Facts
from ..model.wishes import WISHES
from ..symbolic.witness_replay import is_about
from .advice import leaving_out
from .known_counterexamples import KnownCounterexamples
from .suggestion import OpposedGuarantee
from .task import RepairTask


def opposed_guarantee(goal: Guarantee | None, task: RepairTask, known: KnownCounterexamples) -> OpposedGuarantee | None:
    """A guarantee that is not refuted and that no rules can keep together with a goal for one of the messages that are
    known: it arrives in clear, one of both wants it protected if it is delivered, and the other one wants it delivered and
    not protected by rules. Those that hold come first. ``None`` if there is none, or DLP policies or labels may protect
    what rules leave in clear.

    :param goal: the guarantee of the goal; ``None`` of a message.
    """
    if goal is None or _others_may_protect(task.facts):
        return None
    opposed = [judgment for judgment in _not_refuted(task) if _are_opposed(judgment.guarantee, goal)]
    others = [judgment.guarantee for judgment in opposed]
    if not others:
        return None
    claims = claims_of([goal.selection, *(other.selection for other in others)], task.rules.dialect)
    for shown in known:
        copy = shown.wrong.copy
        if not any(shown.guarantee is guarantee for guarantee in (goal, *others)) or not copy.message.arrives_in_clear:
            continue
        of_goal, *of_others = (
            is_about(claims, rule, copy.message, copy.facts, copy.recipient) is True for rule in claims.rules
        )
        other = next(itertools.compress(opposed, of_others), None)
        if of_goal and other is not None:
            holds = other.verdict is GuaranteeVerdict.PROVED
            unless = leaving_out(goal, other.guarantee.when) or {}
            return OpposedGuarantee(other.guarantee.name, holds, shown.counterexample, unless)
    return None


def _not_refuted(task: RepairTask) -> list[Judgment]:
    """The guarantees that are not refuted: those that hold first."""
    kept = [judgment for judgment in task.judged if judgment.verdict is not GuaranteeVerdict.REFUTED]
    return sorted(kept, key=lambda judgment: judgment.verdict is not GuaranteeVerdict.PROVED)


def _others_may_protect(facts: Facts) -> bool:
    """Whether DLP policies or labels that are known may protect what rules leave in clear."""
    encrypters = facts.encrypters
    by_dlp = encrypters.dlp_policies.encrypters if encrypters.dlp_policies else ()
    protecting = any(encrypter.acts and (encrypter.options or encrypter.not_understood) for encrypter in by_dlp)
    return protecting or bool(encrypters.auto_label_policies)


def _are_opposed(one: Guarantee, other: Guarantee) -> bool:
    """Whether of two guarantees one wants mail protected if it is delivered, and the other one delivered and unencrypted."""
    wishes = [WISHES[guarantee.then] for guarantee in (one, other)]
    return any(wish.wants_no_rule_to_protect for wish in wishes) and any(
        wish.protects_what_is_delivered for wish in wishes
    )
