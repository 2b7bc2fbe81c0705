# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a copy is in clear: the rule that came nearest to encrypting it, and what kept it from that. Private to the
collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import (
    STEPS_OF_MESSAGE,
    BudgetError,
    bounded,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.standing import (
    Copy,
    Standing,
    standings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.rule_trace import Saw, plain

#: A recipient's result.
Row = dict[str, Any]


@dataclass(frozen=True)
class Nearest:
    """The encrypting rule that came nearest to acting on a copy in clear, and the first thing that kept it from that;
    or the rule that decrypted what arrived protected, and its action (``actions.remove_ome_v2``).

    :param option: ``enabled``, ``mode`` or a date; ``priority`` of a rule that the copy did not reach; or a condition or exception such as
        ``conditions.sent_to``.
    :param value: the option's value.
    :param looked_at: what the condition looked at; of a rule that was not reached, the name of the rule that stopped
        before.
    :param others: how many other things kept it from acting.
    """

    rule: str
    option: str
    value: Any
    looked_at: Saw | str = ""
    others: int = 0


def in_clear(rules: RuleSet, copies: Iterable[tuple[Row, Copy]]) -> Iterator[tuple[Row, Nearest]]:
    """The results of copies that are delivered in clear, each with what kept it so.

    :param copies: results with the copies that they are about.
    """
    for result, copy in copies:
        found = (
            nearest(rules, copy) if (result.get("fate"), result.get("protection")) == ("delivered", "none") else None
        )
        if found:
            yield result, found


def nearest(rules: RuleSet, copy: Copy) -> Nearest | None:
    """What kept a copy in clear; ``None`` if no rule encrypts or decrypts it, or what did is not known."""
    try:
        with bounded(STEPS_OF_MESSAGE):
            every = standings(rules, copy)
    except BudgetError:
        return None
    arrival = copy.message.protection
    if arrival is not None and arrival.by_rights:
        acting = [each.rule for each in every if each.acts and each.rule.enforced]
        done = [(rule.name, option) for rule in acting for option in rule.does(Does.DECRYPT)]
        if done:
            return Nearest(done[0][0], f"actions.{done[0][1]}", value=True)
    kept = [each for each in every if each.rule.does(Does.ENCRYPT) and not each.rule.dlp and each.distance]
    if not kept:
        return None
    first = min(kept, key=lambda each: (each.distance, len(each.failed)))
    stops = [each.rule.name for each in every if each.acts and each.rule.is_final]
    return _why(first, stops[-1] if stops else "")


def _why(standing: Standing, stop: str) -> Nearest:
    rule, others = standing.rule, standing.distance - 1
    if standing.failed:
        failed = standing.failed[0]
        option = f"{failed.section}.{failed.atom.predicate.options[0]}"
        return Nearest(rule.name, option, plain(failed.atom.values), Saw(failed.atom, standing.rule_view), others)
    if rule.idle:
        return Nearest(rule.name, "enabled", False, others=others)
    if not rule.enforced:
        return Nearest(rule.name, "mode", rule.mode, others=others)
    if not standing.in_window:
        dates = [each for each in (("activation_date", rule.begins), ("expiry_date", rule.ends)) if each[1]]
        borders = zip(dates, rule.borders(standing.rule_view.message.date), strict=True)
        option, value = next(date for date, border in borders if border is False)
        return Nearest(
            rule.name,
            option,
            value,
            standing.rule_view.message.date.isoformat() if standing.rule_view.message.date else "",
            others,
        )
    return Nearest(rule.name, "priority", rule.place, stop, others)
