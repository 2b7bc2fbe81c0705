# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..._resources.rules.action_effects import Does
from ..._resources.rules.moderation import done
from ..actions.act import Action
from ..actions.actions import BY_OPTION as ACTION_BY_OPTION
from ..model.header_edits import ADDED, FIELD_OF, header_edits
from ..model.kleene import Reason

#: The actions of a sort of which a rule has none.
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class RuleActions:
    """What a rule does once it matches.

    :param options: option to value of what it does, or may do.
    :param declared: the same for everything that it is told to do.
    :param mode: ``Enforce``, ``Audit`` or ``AuditAndNotify``.
    :param by_manager: whether what it does depends on whether the sender has a manager.
    :param surprises: why it is open what it does.
    """

    options: Mapping[str, Any]
    declared: Mapping[str, Any]
    mode: str = "Enforce"
    by_manager: bool = False
    surprises: tuple[Reason, ...] = ()

    @classmethod
    def from_options(cls, declared: Mapping[str, Any], mode: str, surprises: tuple[Reason, ...] = ()) -> RuleActions:
        """What a rule does that is told to do this. If it asks for an approval, it does the rest once that is given.

        :param surprises: why it is open what else it does.
        """
        # A rule in a test mode asks nobody for approval, so it does what it does without one.
        managed, unmanaged = (
            done(declared, is_managed) if mode == "Enforce" else declared for is_managed in (True, False)
        )
        by_manager = managed != unmanaged
        return cls(declared if by_manager else managed, declared, mode, by_manager, surprises)

    @cached_property
    def enforced(self) -> bool:
        """Whether it does more than report."""
        return self.mode == "Enforce"

    def does(self, what: Does) -> Mapping[str, Any]:
        """Its actions of one sort: option to value."""
        return self._by_sort.get(what, _NOTHING)

    @cached_property
    def _by_sort(self) -> Mapping[Does, Mapping[str, Any]]:
        options: dict[Does, dict[str, Any]] = {}
        for option, value in self.options.items():
            options.setdefault(ACTION_BY_OPTION[option].does, {})[option] = value
        return options

    @cached_property
    def rows(self) -> tuple[Action, ...]:
        """The rows of its actions."""
        return tuple(ACTION_BY_OPTION[option] for option in self.options)

    @cached_property
    def sorts(self) -> frozenset[Does]:
        """What it does."""
        return frozenset(row.does for row in self.rows)

    @cached_property
    def is_final(self) -> bool:
        """Whether no later rule is evaluated for the copies that it acts on."""
        return self.enforced and any(row.ends for row in self.rows)

    @cached_property
    def templates(self) -> list[str]:
        """The rights management templates that it applies."""
        return [
            "Encrypt" if option == "apply_ome" else str(value)
            for option, value in sorted(self.does(Does.ENCRYPT).items())
        ]

    @property
    def redirects_to_manager(self) -> bool:
        """Whether the sender's manager gets the message instead of its recipients, if there is one."""
        return self._manager_as == "Redirect"

    @property
    def manager_field(self) -> str:
        """The field in which it adds the sender's manager; empty if it adds none."""
        return "" if self.redirects_to_manager else self._manager_as.lower()

    @property
    def _manager_as(self) -> str:
        return str(self.options.get("add_manager_as_recipient_type") or "")

    @cached_property
    def blocks(self) -> bool:
        """Whether it blocks a message. Only an earlier rule can copy such a message to somebody, so their copy need not
        be blocked.
        """
        return self.enforced and bool(self.does(Does.DELETE) or self.does(Does.REJECT))

    @cached_property
    def edits(self) -> frozenset[str]:
        """The header fields that it edits; see ``model.header_edits``."""
        if not self.enforced:
            return frozenset()
        added = [field for option, field in FIELD_OF.items() if option in self.declared]
        added.append(str(self.declared.get("add_manager_as_recipient_type") or "").lower())
        return frozenset(
            (
                *(edit.field for edit in header_edits(self.declared)),
                *(ADDED[field_name] for field_name in added if field_name in ADDED),
            )
        )

    @cached_property
    def changes_content(self) -> bool:
        """Whether it is told to do something for which it needs content that S/MIME hides."""
        return any(ACTION_BY_OPTION[option].content for option in self.declared)

    @cached_property
    def left_undone(self) -> tuple[str, ...]:
        """The options that the rule is told to do, and does not do because it asks for an approval."""
        doing = done(self.declared, managed=True) if self.enforced else self.declared
        return tuple(
            option
            for option in self.declared
            if option not in doing and ACTION_BY_OPTION[option].does not in (Does.DETAIL, Does.STOP)
        )

    @cached_property
    def stops_approved(self) -> bool:
        """Whether it is told to stop and asks for an approval. Whether it stops once that is given is not documented."""
        return (
            bool(self.does(Does.MODERATE))
            and "stop_rule_processing" in self.declared
            and "stop_rule_processing" not in self.options
        )

    @cached_property
    def as_declared(self) -> RuleActions:
        """The actions as if the rule did all that it is told to do."""
        return replace(self, options=self.declared, by_manager=False)

    def where(self, managed: bool) -> RuleActions:
        """The actions if the sender has a manager, or has none."""
        return replace(self, options=done(self.declared, managed), by_manager=False)
