# SPDX-License-Identifier: GPL-3.0-or-later
"""A write that Exchange answers with an error, and stores all the same, wholly or in part: nothing is said of it but
what was read.
"""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors

from tests.soak.world import World
from tests.unit.matrix import matrix

from .checking import ENCRYPT, IRM, WRITES, check
from .wires import EVERY_WIRE

BOTH = {"search_enabled": False, "transport_decryption_setting": "Mandatory"}


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
@pytest.mark.parametrize("late", [None, 1])
def test_what_is_stored_in_spite_of_an_error_is_a_change(world: World, wire: str, late: int | None) -> None:
    """Also where the first server that is asked is behind."""
    world.start({})
    world.emulator.faults.set([{"kind": "stored_error", "cmdlet": WRITES, "reads": late}])
    outcome = world.run(wire, IRM, BOTH)
    assert world.emulator.faults.struck
    assert outcome.error is None
    assert outcome.result["changed"]
    assert outcome.commands == [write.text for write in outcome.own]
    assert any("returned an error but shows the change" in warning for warning in outcome.warnings)


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
def test_what_is_stored_in_part_is_named_and_its_outcome_unknown(world: World, wire: str) -> None:
    world.start({})
    world.emulator.faults.set([{"kind": "half_stored", "cmdlet": WRITES}])
    outcome = world.run(wire, IRM, BOTH)
    assert isinstance(outcome.error, errors.OutcomeUnknownError)
    assert "a part of the change is stored: search_enabled" in str(outcome.error)
    assert "did not end well" in str(outcome.error)
    assert outcome.result["outcome_unknown"] == [write.text for write in outcome.own]
    assert outcome.result["not_applied"] == []
    again = world.run(wire, IRM, BOTH)
    assert (again.error, again.result["changed"]) == (None, True)


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
def test_what_is_refused_and_not_stored_is_not_applied(world: World, wire: str) -> None:
    world.start({})
    outcome = world.run(
        wire,
        "ome_transport_rule",
        {"name": "alpha", "actions": {"apply_rights_protection_template": "No such template"}},
    )
    assert not isinstance(outcome.error, errors.OutcomeUnknownError)
    assert outcome.error is not None
    assert outcome.result.get("outcome_unknown", []) == []


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
def test_what_cannot_be_read_back_after_a_refusal_is_unknown(world: World, wire: str) -> None:
    world.start({})
    reads = {"kind": "transient", "cmdlet": "Get-IRMConfiguration", "nth": 2, "times": None}
    world.emulator.faults.set([{"kind": "stored_error", "cmdlet": WRITES}, reads])
    outcome = world.run(wire, IRM, BOTH)
    assert isinstance(outcome.error, errors.OutcomeUnknownError)
    assert "the read failed" in str(outcome.error)
    assert len(outcome.result["outcome_unknown"]) == 1
    assert outcome.result["not_applied"] == []


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
@pytest.mark.parametrize("kind", ["stored_error", "half_stored"])
def test_the_law_holds_for_refusals_that_store(world: World, wire: str, kind: str) -> None:
    rules = {"rules": [{"name": name, "actions": ENCRYPT, "comments": "x"} for name in ("alpha", "beta")]}
    for wish in ((IRM, BOTH), ("ome_transport_rules", rules)):
        for nth in (1, 2):
            if wish[0] != IRM or nth == 1:
                check(world, wire, wish, {"kind": kind, "cmdlet": WRITES, "nth": nth})


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
def test_a_refusal_of_what_nobody_can_see_is_unknown(world: World, wire: str) -> None:
    """A logo of which Exchange shows only the address."""
    world.start({"advanced_message_encryption": True, "image_output": "url"})
    world.edit("Set-OMEConfiguration", Identity="OME Configuration", Image=b"\x89PNG")
    world.emulator.faults.set([{"kind": "stored_error", "cmdlet": WRITES}])
    outcome = world.run(wire, "ome_configuration", {"image_content": "Qk0AAQID", "image_force": True})
    assert isinstance(outcome.error, errors.OutcomeUnknownError)
    assert "Exchange does not show the properties" in str(outcome.error)
    assert len(outcome.result["outcome_unknown"]) == 1
    world.emulator.faults.set([{"kind": "stored_error", "cmdlet": WRITES, "nth": 2}])
    options = {"portal_text": "Hello", "image_content": "Qk0AAQID", "image_force": True}
    outcome = world.run(wire, "ome_configuration", options)
    assert isinstance(outcome.error, errors.OutcomeUnknownError)
    assert [change["option"] for change in outcome.result["changes"]] == ["portal_text"]
    assert outcome.result["changed"]
    assert len(outcome.result["commands"]) == len(outcome.result["outcome_unknown"]) == 1


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
def test_a_session_without_get_rmstemplate_is_told_from_an_organization_without_templates(
    world: World, wire: str
) -> None:
    options = {"name": "alpha", "actions": {"apply_rights_protection_template": "Nowhere"}}
    world.start({"hidden_cmdlets": ["Get-RMSTemplate"]})
    outcome = world.run(wire, "ome_transport_rule", options, check_mode=True)
    assert any("does not have Get-RMSTemplate" in warning for warning in outcome.warnings)
    world.start({})
    world.edit("Set-IRMConfiguration", InternalLicensingEnabled=False)
    outcome = world.run(wire, "ome_transport_rule", options, check_mode=True)
    assert any("Exchange lists no RMS templates" in warning for warning in outcome.warnings)
