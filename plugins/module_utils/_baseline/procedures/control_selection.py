# SPDX-License-Identifier: GPL-3.0-or-later
"""Which controls a run manages: those that its tags select and its variables give a value, without those that the
organization cannot have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..controls.acceptance import AcceptedFinding
from ..controls.control import Control, JudgingControl, WritingControl
from ..controls.controls import CONTROLS
from ..controls.mail_control import MailControl
from ..controls.rules_control import RulesControl
from ..documents.status import ControlStatus


@dataclass(frozen=True)
class ControlSelection:
    """The controls that a run manages.

    :param variables: the role's variables without their prefix, validated; what is not there or ``None`` is unmanaged.
    :param run_tags: Ansible's tags of the run: where control ids are among them, only those are managed.
    :param skip_tags: control ids that are not managed in this run.
    :param left_out: controls that the organization cannot have: id to status and reason.
    :param audits: whether the controls are only looked at, also those that only an audit looks at.
    """

    variables: Mapping[str, Any]
    run_tags: Collection[str] = ()
    skip_tags: Collection[str] = ()
    left_out: Mapping[str, tuple[ControlStatus, str]] = field(default_factory=dict)
    audits: bool = False

    def without(self, control: str, status: ControlStatus, why: str) -> ControlSelection:
        """The selection without a control, which the report shows with that status."""
        return replace(self, left_out={**self.left_out, control: (status, why)})

    @cached_property
    def exceptions(self) -> dict[str, AcceptedFinding]:
        """The accepted exceptions by control id, expired ones too."""
        return {
            item["control"]: AcceptedFinding(item["reason"], item["owner"], str(item["until"]))
            for item in self.variables.get("skip") or ()
        }

    @cached_property
    def unselected(self) -> set[str]:
        """The ids of the controls that the tags leave out."""
        ids = {control.id for control in CONTROLS}
        chosen = {tag.upper() for tag in self.run_tags} & ids
        skipped = {tag.upper() for tag in self.skip_tags} & ids
        return skipped | (ids - chosen if chosen else set())

    @cached_property
    def selected(self) -> list[Control]:
        """The controls that the tags select and the organization can have."""
        dropped = {*self.unselected, *self.left_out}
        return [control for control in CONTROLS if control.id not in dropped]

    @cached_property
    def wanted(self) -> list[Control]:
        """The selected controls that the variables give a value."""
        return [
            control
            for control in self.selected
            if control.is_wanted(self.variables) and not self._waits_for_an_audit(control)
        ]

    def _waits_for_an_audit(self, control: Control) -> bool:
        return not self.audits and isinstance(control, JudgingControl) and control.is_for_audits(self.variables)

    @cached_property
    def written(self) -> list[WritingControl]:
        """The controls that this run may write."""
        return [
            control
            for control in self.wanted
            if isinstance(control, WritingControl)
            and control.id not in self.exceptions
            and control.is_written(self.variables)
        ]

    @cached_property
    def guarding(self) -> list[JudgingControl]:
        """The controls that write nothing but can refuse what the others would do. An accepted exception refuses
        nothing.
        """
        return [
            control for control in self.wanted if isinstance(control, JudgingControl) and not self.is_excepted(control)
        ]

    @cached_property
    def rules(self) -> RulesControl | None:
        """The control of mail flow rules, if it is wanted."""
        return next((control for control in self.wanted if isinstance(control, RulesControl)), None)

    @cached_property
    def mail(self) -> MailControl | None:
        """The control of messages and guarantees, if it is wanted."""
        return next((control for control in self.wanted if isinstance(control, MailControl)), None)

    def is_excepted(self, control: Control) -> bool:
        """Whether an exception of a control is accepted and has not expired."""
        exception = self.exceptions.get(control.id)
        return exception is not None and not exception.expired
