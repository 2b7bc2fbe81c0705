# SPDX-License-Identifier: GPL-3.0-or-later
"""How rules end the way of mail."""

from __future__ import annotations

from ..._resources.rules.action_effects import Does
from ..actions.edit import may_insert
from ..formula import Value
from ..rules.flow_rule import FlowRule
from ..symbolic.compile_rules import RuleChain


def rejects_misfits(rule: FlowRule) -> bool:
    """Whether a rule rejects mail into which its disclaimer does not fit."""
    fallback = rule.actions.options.get("apply_html_disclaimer_fallback_action")
    return "apply_html_disclaimer_text" in rule.actions.options and str(fallback) == "Reject"


#: Action that ends the way of mail to how a rule ends it.
_ENDS = {
    Does.REJECT: "rejects",
    Does.DELETE: "deletes",
    Does.QUARANTINE: "quarantines",
    Does.REDIRECT: "redirects",
}


def how_it_ends(rule: FlowRule) -> str:
    """How a rule ends the way of mail; empty if it does not."""
    for does, how in _ENDS.items():
        if rule.actions.does(does):
            return how
    if rule.actions.redirects_to_manager:
        return "redirects"
    return "rejects" if rejects_misfits(rule) else ""


def ends_all_its_mail(rule: FlowRule) -> bool:
    """Whether a rule ends the way of all mail on which it acts, and not only of some, as :func:`how_it_ends` says."""
    return any(map(rule.actions.does, _ENDS))


def ended_by(rule: FlowRule, chain: RuleChain) -> Value:
    """The value that is true if a rule ends the way of a copy, as :func:`how_it_ends` says: one that acts does not if its
    disclaimer fits, or if the sender has no manager. For a rule that ends the way of no mail, whether it acts.
    """
    acts = chain.acts(rule)
    step = chain.step(rule)
    if step is None or ends_all_its_mail(rule):
        return acts
    if rule.actions.redirects_to_manager:
        return acts & chain.mail.sender.managed
    return acts & ~may_insert(chain.mail, step.seen) if rejects_misfits(rule) else acts
