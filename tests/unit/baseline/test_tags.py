# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag that is misspelt selects nothing, and never everything."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.prepare import tag_errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError

from .conftest import Role


@pytest.mark.parametrize("tag", ["OME1", "ome_1", "OME-9", "irm 3", "IRM8", "OMR-1", "VRF2"])
def test_what_looks_like_a_control_is_refused_everywhere(role: Role, tag: str) -> None:
    for tags in ({"run_tags": [tag]}, {"skip_tags": [tag]}):
        with pytest.raises(OptionError, match="is not a control"):
            role.run(**tags)
    assert role.session.writes == []


@pytest.mark.parametrize(
    "tag", ["all", "always", "never", "tagged", "untagged", "OME-1", "ome-1", "quick", "web1", "home1", "encryption"]
)
def test_what_does_not_is_left_to_the_playbook(tag: str) -> None:
    assert tag_errors([tag], selects=True, only_controls=False) == []


@pytest.mark.parametrize(
    ("tag", "known"), [("all", True), ("OME-1", True), ("ome-1", True), ("quick", False), ("baseline", False)]
)
def test_where_nothing_else_has_tags_every_other_one_is_refused(tag: str, known: bool) -> None:
    assert bool(tag_errors([tag], selects=True, only_controls=True)) is not known


def test_what_is_meant_is_asked() -> None:
    assert tag_errors(["OME1"], selects=True, only_controls=False) == [
        "The tag 'OME1' is not a control. Did you mean OME-1?"
    ]


@pytest.mark.parametrize("procedure", ["rollback", "snapshot", "disable"])
def test_what_takes_an_organization_as_a_whole_takes_no_control(role: Role, procedure: str) -> None:
    with pytest.raises(OptionError, match="takes an organization as a whole"):
        role.run(procedure, run_tags=["OME-1"])


@pytest.mark.parametrize("only_controls", [False, True])
def test_what_molecule_skips_in_every_run_is_no_mistake(only_controls: bool) -> None:
    assert (
        tag_errors(
            ["molecule-notest", "notest", "molecule-idempotence-notest"], selects=True, only_controls=only_controls
        )
        == []
    )
