# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task is going to do: changes that people read, and the cmdlet calls that make them. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call

#: The order of work: what protects comes before what it protects, and what is taken away goes last.
SETTINGS, TEMPLATES, POLICIES, RULES, RULE_ORDER, RULE_STATE, RULE_REMOVAL, TEMPLATE_REMOVAL, LICENSING_REMOVAL = range(9)


@dataclass(frozen=True)
class Change:
    """One difference.

    :param resource: the module that manages it, such as ``irm_configuration``.
    :param identity: the object's name; empty where there is only one.
    :param option: the option's name, with its section where it has one (``conditions.from_scope``), or ``state``.
    :param before: the canonical value now; ``None`` for "not set".
    :param after: the canonical value then.
    :param impact: what it does to people beyond being a change: ``widens``, ``rejects``, ``deletes``, ``takes away``; else empty.
    """

    resource: str
    identity: str
    option: str
    before: Any
    after: Any
    impact: str = ""


@dataclass(frozen=True)
class Step:
    """One cmdlet call, with the changes that it makes.

    :param phase: where in the order of work it stands.
    :param reread: the step's successors depend on what the service makes of it: read and plan again after it.
    :param remedy: what to do where the service refuses the call, as a sentence.
    :param lists_templates: whether Exchange will list templates after it, or no longer; ``None`` where the step has nothing to do with that.
    """

    call: Call
    changes: tuple[Change, ...]
    phase: int
    reread: bool = False
    remedy: str = ""
    lists_templates: bool | None = None


@dataclass
class Plan:
    """Everything that a task found out and is going to do.

    :param before: the managed options as they are, canonical.
    :param after: the managed options as they will be.
    :param steps: what to run, in order.
    :param warnings: what the reader should know.
    """

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        """The changes of all steps."""
        return [change for step in self.steps for change in step.changes]

    @staticmethod
    def join(plans: Mapping[str, Plan]) -> Plan:
        """One plan of several, each under its own key in ``before`` and ``after``; the steps in the order of work."""
        whole = Plan()
        for key, plan in plans.items():
            whole.before[key] = plan.before
            whole.after[key] = plan.after
            whole.steps += plan.steps
            whole.warnings += [warning for warning in plan.warnings if warning not in whole.warnings]
        if any(RULES <= step.phase <= RULE_REMOVAL for step in whole.steps):
            whole.steps = [_while_licensed(step) for step in whole.steps]
        whole.steps.sort(key=lambda step: step.phase)
        return whole


def _while_licensed(step: Step) -> Step:
    """The step in its place among those that write rules.

    Exchange lists templates only while licensing is on, and only the list tells by which name an organization knows one of Exchange's own.
    So rules are written before licensing goes off, and planned anew once it is on.
    """
    if step.lists_templates is None:
        return step
    return replace(step, reread=True) if step.lists_templates else replace(step, phase=LICENSING_REMOVAL)
