# SPDX-License-Identifier: GPL-3.0-or-later
"""The prover as a search holds it against enumeration: each function answers what ``Search`` asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError

from tests.unit.mail_flow.answers import difference, lint, prove
from tests.unit.mail_flow.asking import NOW

Values = dict[str, Any]


def proofs(rules: Sequence[Values], tenant: Mapping[str, Any], options: Sequence[Values]) -> list[Values]:
    """Verdicts; a guarantee that is refused is missing."""
    found: list[Values] = []
    for option in options:
        try:
            found += prove(rules, tenant, [option], NOW)
        except OptionError:
            continue
    return found


def classes(before: Sequence[Values], after: Sequence[Values], tenant: Mapping[str, Any]) -> tuple[list[Values], int]:
    """The rows that tell the difference between two rule sets, and how many more there are."""
    found = difference(before, after, tenant, NOW)
    return found.rows, found.more


def of_settings(
    before: Sequence[Values],
    after: Sequence[Values],
    tenant: Mapping[str, Any],
    irm_before: Mapping[str, Any],
    irm_after: Mapping[str, Any],
) -> tuple[list[Values], int]:
    """The same where the settings of IRM differ, too."""
    found = difference(before, after, {**tenant, "irm_configuration": irm_after}, NOW, irm_before=irm_before)
    return found.rows, found.more


def never(rules: Sequence[Values], tenant: Mapping[str, Any]) -> set[str]:
    """The names of the rules that are said never to act."""
    return {each["rules"][0] for each in lint(rules, tenant, NOW) if each["kind"] == "never_acts"}
