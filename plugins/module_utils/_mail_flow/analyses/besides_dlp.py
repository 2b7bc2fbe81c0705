# SPDX-License-Identifier: GPL-3.0-or-later
"""The DLP rules of which it is certain on which mail they act, and the undecided ones, of which that is open, such as those that
look for sensitive information. Findings are about mail on which no undecided rule acts, and name these rules once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..model.facts import Facts
from ..rules.dlp_rules import DlpRule, DlpRules


def certain_dlp_rules(facts: Facts) -> tuple[DlpRule, ...]:
    """The DLP rules that surely act on the mail that they are about, in their order."""
    policies = facts.encrypters.dlp_policies
    return tuple(rule for rule in policies.rules if rule.is_certain) if isinstance(policies, DlpRules) else ()


def undecided_dlp_rules(facts: Facts) -> tuple[DlpRule, ...]:
    """The DLP rules of which it is open on which mail they act."""
    policies = facts.encrypters.dlp_policies
    return policies.undecided if isinstance(policies, DlpRules) else ()


def without_dlp_rules(facts: Facts, rules: Collection[DlpRule]) -> Facts:
    """The facts without some DLP rules: what is true of mail on which these do not act."""
    policies = facts.encrypters.dlp_policies
    if not rules or not isinstance(policies, DlpRules):
        return facts
    return replace(facts, encrypters=replace(facts.encrypters, dlp_policies=policies.without(rules)))
