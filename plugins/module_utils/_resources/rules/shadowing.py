# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds rules that can certainly never act because an earlier rule takes all their mail.

This is certain if the earlier rule acts, has no exceptions, matches all mail of the later rule with each of its
conditions, and ends the processing (it stops it, or removes the message). Other rules may be unreachable, too, but are
not reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .action_effects import ENDING
from .fields import LOOKS, SECTIONS, SETTINGS_OF_A_NEW_RULE
from .impact import matches_more
from .moderation import doing
from .rule import DeclaredRule, Rule, idle

_CONDITIONS = {field.option: field for field in SECTIONS["conditions"]}

#: Conditions that have a meaning only with a partner, which must be equal.
_PAIRS = {
    "header_contains_words": "header_contains_message_header",
    "header_matches_patterns": "header_matches_message_header",
    "ad_comparison_attribute": "ad_comparison_operator",
    "manager_addresses": "manager_for_evaluated_user",
}


@dataclass(frozen=True)
class PlacedRule:
    """A rule as it will be, in its place.

    :param understood: whether the collection knows all parts of it.
    :param dlp_policy: whether it belongs to a policy of data loss prevention.
    """

    name: str
    enabled: bool
    settings: Mapping[str, Any]
    sections: Mapping[str, Mapping[str, Any]]
    understood: bool = True
    dlp_policy: bool = False

    @classmethod
    def from_rules(cls, stored: Rule | None, wanted: DeclaredRule | None = None) -> PlacedRule:
        """An existing rule with the declared changes applied."""
        enabled = stored.enabled if stored else True
        settings = stored.settings if stored else SETTINGS_OF_A_NEW_RULE
        sections = stored.sections if stored else {}
        return cls(
            (wanted.name if wanted else "") or (stored.name if stored else ""),
            enabled if wanted is None or wanted.enabled is None else wanted.enabled,
            {**settings, **(wanted.settings if wanted else {})},
            {**sections, **(wanted.sections if wanted else {})},
            not (stored and any(stored.unknown.values())),
            stored is not None and stored.dlp_policy,
        )

    @property
    def idle(self) -> dict[str, str]:
        """What keeps it from acting today, as :func:`idle` says it."""
        return idle({"enabled": self.enabled, **self.settings, "dlp_policy": self.dlp_policy})


def first_that_covers(late: PlacedRule, earlier: Iterable[PlacedRule]) -> PlacedRule | None:
    """The first earlier rule that takes all mail of a rule, so that the rule never acts."""
    return next((early for early in earlier if _ends(early) and _covers(early, late)), None)


def _ends(rule: PlacedRule) -> bool:
    acts = rule.understood and not rule.idle and not rule.settings.get("expiry_date")
    return (
        acts
        and not rule.sections.get("exceptions")
        and any(doing(rule.sections, managed=True)["actions"].get(option) for option in ENDING)
    )


def _covers(early: PlacedRule, late: PlacedRule) -> bool:
    """Whether the earlier rule takes all mail of the later one."""
    conditions, narrower = early.sections.get("conditions", {}), late.sections.get("conditions", {})
    if conditions and any(early.settings.get(option) != late.settings.get(option) for option in LOOKS):
        return False
    return all(
        option in narrower and _met(option, value, narrower[option]) for option, value in conditions.items()
    ) and all(
        conditions.get(partner) == narrower.get(partner) for option, partner in _PAIRS.items() if option in conditions
    )


def _met(option: str, wide: Any, narrow: Any) -> bool:
    """Whether all mail that matches the narrow value of a condition also matches the wide one."""
    kind = _CONDITIONS[option].kind
    return not matches_more(kind, kind.key(wide), kind.key(narrow))
