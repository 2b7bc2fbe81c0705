# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestions for a guarantee, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import (
    GoalSuggestions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.organizations.suggested import Edits, edits_of
from tests.unit.mail_flow.small_worlds import TENANT


def repaired(
    rules: Sequence[Mapping[str, Any]], guarantee: Mapping[str, Any], facts: Mapping[str, Any] = TENANT
) -> tuple[GoalSuggestions, list[Edits]]:
    """What is suggested for a guarantee, and the edits of each suggestion."""
    read = RuleSet(rules)
    judged = prove(read, facts, guarantees_of([{"name": "G", **guarantee}]), NOW)
    (found,) = suggestions(read, facts, judged, (), NOW)
    return found, [edits_of(suggestion) for suggestion in found.suggestions]
