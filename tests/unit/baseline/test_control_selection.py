# SPDX-License-Identifier: GPL-3.0-or-later
"""Which controls a run manages: tags, values, exceptions and what an organization cannot have."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.control import Control
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import ControlStatus
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.control_selection import (
    ControlSelection,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import (
    KINDS,
    SnapshotTime,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variables import profile_values

VALUES = {name.removeprefix("hardened_baseline_"): value for name, value in profile_values("recommended").items()}


def exception(until: str) -> list[dict[str, str]]:
    return [{"control": "OME-1", "reason": "A test.", "owner": "Kim", "until": until}]


def ids(controls: Iterable[Control]) -> set[str]:
    return {control.id for control in controls}


def test_without_tags_every_control_is_selected() -> None:
    selection = ControlSelection(VALUES)
    assert selection.unselected == set()
    assert "OME-1" in ids(selection.written)


@pytest.mark.parametrize("tags", [["ome-1"], ["OME-1", "web"]])
def test_tags_that_are_controls_select_these_alone(tags: list[str]) -> None:
    assert ids(ControlSelection(VALUES, tags).selected) == {"OME-1"}


def test_other_tags_select_nothing_and_leave_nothing_out() -> None:
    assert ControlSelection(VALUES, ["web"], ["quick"]).unselected == set()


def test_a_control_that_is_skipped_is_not_selected() -> None:
    selection = ControlSelection(VALUES, skip_tags=["ome-1"])
    assert selection.unselected == {"OME-1"}
    assert "OME-1" not in ids(selection.selected)


def test_a_control_without_a_value_is_not_wanted() -> None:
    selection = ControlSelection({})
    assert selection.selected
    assert selection.wanted == selection.written == []


@pytest.mark.parametrize(("until", "excepted"), [("2999-12-31", True), ("2001-01-01", False)])
def test_a_control_with_an_exception_is_not_written(until: str, excepted: bool) -> None:
    selection = ControlSelection({**VALUES, "skip": exception(until)})
    (control,) = (control for control in selection.wanted if control.id == "OME-1")
    assert control not in selection.written
    assert selection.is_excepted(control) is excepted


def test_what_an_organization_cannot_have_is_left_out_of_a_copy() -> None:
    selection = ControlSelection(VALUES)
    without = selection.without("OME-1", ControlStatus.NOT_APPLICABLE, "It has no license.")
    assert "OME-1" not in ids(without.selected)
    assert without.left_out == {"OME-1": (ControlStatus.NOT_APPLICABLE, "It has no license.")}
    assert "OME-1" in ids(selection.selected)


def test_only_what_writes_takes_a_snapshot_before() -> None:
    """A rollback takes none: it goes back to one."""
    before = {kind.name for kind in KINDS.values() if kind.snapshot_time is SnapshotTime.BEFORE_WRITING}
    assert before == {"baseline", "disable"}
    assert {kind.name for kind in KINDS.values() if kind.approvable} == before


def test_check_mode_of_the_baseline_has_a_name_of_its_own() -> None:
    names = {kind.name: {kind.name_in_report(check_mode=mode) for mode in (False, True)} for kind in KINDS.values()}
    assert names.pop("baseline") == {"apply", "check"}
    assert all(reported == {name} for name, reported in names.items())
