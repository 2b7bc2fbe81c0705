# SPDX-License-Identifier: GPL-3.0-or-later
"""A small part of the fault search, and by name every case in which it once found the law broken."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.permissions import GRANTED_BY
from hypothesis import HealthCheck, given, seed, settings

from tests.rounds import rounds
from tests.soak.search import Case, Tally, cases, examine
from tests.soak.wishes import LATE, OVERSIZED
from tests.soak.world import ENGINE_WIRES, WIRES, World
from tests.unit.matrix import matrix
from tests.unit.transports.wires import MODULE_BENEATH
from tests.unit.trust.checking import ENCRYPT, IRM, WRITES, check

from .wires import ENGINE, EVERY_WIRE, PROCESS, SHELLS

#: An example over a real PowerShell takes more than a second; "make soak-engine" tries many.
_EXAMPLES = {"rest": 60, "server": 12, "engine": 3, "endpoint": 3, "powershell": 3}


@pytest.mark.parametrize("wire", matrix([*WIRES, *ENGINE]))
def test_the_law_holds(world: World, wire: str, record_property: Any) -> None:
    tally = Tally()

    @seed((*WIRES, *ENGINE_WIRES).index(wire))
    @settings(max_examples=rounds(_EXAMPLES.get(wire, 20)), database=None, suppress_health_check=list(HealthCheck))
    @given(cases([wire]))
    def law(case: Case) -> None:
        examine(world, case, tally)

    law()
    record_property("schedules", tally.schedules)
    record_property("faults", sum(tally.struck.values()))
    assert tally.struck


def test_a_lost_answer_and_then_a_lost_authority_leave_the_write_named(world: World) -> None:
    check(
        world,
        "rest",
        (IRM, {"search_enabled": False}),
        {"kind": "401_expired", "nth": 3, "times": 2},
        {"kind": "garbled", "cmdlet": WRITES},
    )


def test_a_write_whose_effect_others_depend_on_is_named_when_reading_fails_after_it(world: World) -> None:
    """A step after which everything is planned anew counts as done before that."""
    rules = {"rules": [{"name": name, "actions": ENCRYPT} for name in ("alpha", "beta", "gamma")]}
    wish = ("ome_transport_rule_order", {"rules": ["gamma", "beta", "alpha"]})
    for nth in range(2, 6):
        check(world, "rest", wish, {"kind": "403", "nth": nth, "times": None}, past=[("ome_transport_rules", rules)])


@pytest.mark.parametrize("wire", matrix(SHELLS))
@pytest.mark.parametrize("kind", ["dead_shell", "403", "429", "500", "lost_before", "lost_after"])
@pytest.mark.parametrize("step", ["receive", "signal"])
def test_nothing_tells_that_a_running_pipeline_was_not_carried_out(
    world: World, wire: str, kind: str, step: str
) -> None:
    """Neither a shell that is gone nor a polite refusal: after the command went out, only a whole answer tells
    anything.
    """
    check(world, wire, (IRM, {"search_enabled": False}), {"kind": kind, "cmdlet": WRITES, "step": step})


@pytest.mark.parametrize("kind", ["break", pytest.param("continue", marks=pytest.mark.matrix), "exit", "return_null"])
@pytest.mark.parametrize("wire", matrix([*SHELLS, PROCESS]))
def test_a_read_that_shows_nothing_of_what_there_is_leads_to_a_refusal(world: World, wire: str, kind: str) -> None:
    """PowerShell goes on with the next statement, so that it cannot be told from an empty list. Nothing is made twice,
    and the next run does the work.
    """
    rules = {"rules": [{"name": name, "actions": ENCRYPT, "comments": "x"} for name in ("alpha", "beta")]}
    wish = ("ome_transport_rules", {"rules": [{**rule, "comments": "y"} for rule in rules["rules"]]})
    fault = {"kind": kind, "cmdlet": "Get-TransportRule"}
    tally = check(world, wire, wish, fault, past=[("ome_transport_rules", rules)])
    # Microsoft's module repeats writes by itself, so that it may have met its own first try. An Exchange server's
    # session does not.
    assert tally.failed == {"AlreadyExistsError" if wire == "server" else "OutcomeUnknownError": 1}
    # Also where the answer of the write is lost, and the rule that is found is another one.
    check(
        world,
        wire,
        wish,
        fault,
        {"kind": "404" if wire != "powershell" else "lost_before", "cmdlet": WRITES},
        past=[("ome_transport_rules", rules)],
    )


@pytest.mark.engine
def test_a_process_that_shows_nothing_of_what_there_is_leads_to_a_refusal(world: World) -> None:
    """In the other ways a real PowerShell leaves as the emulator's shells do: see
    tests/unit/emulator/test_engine_comparison.py.
    """
    test_a_read_that_shows_nothing_of_what_there_is_leads_to_a_refusal(world, "powershell", "exit")


@pytest.mark.engine
@pytest.mark.parametrize(
    ("kind", "aim"),
    [
        # tests/unit/transports/test_powershell.py has what is known of a write or a read when the process dies.
        pytest.param("dead_shell", "write", marks=pytest.mark.matrix),
        # The process dies at the same moment.
        pytest.param("lost_before", "write", marks=pytest.mark.matrix),
        ("lost_after", "write"),
        pytest.param("lost_after", "read", marks=pytest.mark.matrix),
        # tests/unit/transports/test_powershell.py has what dies while it connects.
        pytest.param("dead_shell", "connect", marks=pytest.mark.matrix),
        pytest.param("dead_shell", "read", marks=pytest.mark.matrix),
        pytest.param("lost_before", "read", marks=pytest.mark.matrix),
        pytest.param("lost_before", "connect", marks=pytest.mark.matrix),
        pytest.param("lost_after", "connect", marks=pytest.mark.matrix),
    ],
)
def test_nothing_tells_what_a_process_did_before_it_died(world: World, kind: str, aim: str) -> None:
    where = {
        "write": {"cmdlet": WRITES, "step": "invoke"},
        "read": {"step": "invoke", "nth": 1},
        "connect": {"step": "connect"},
    }[aim]
    check(world, "powershell", (IRM, {"search_enabled": False}), {"kind": kind, **where}, reconnect=aim == "connect")


@pytest.mark.parametrize("step", ["discovery", "token"])
@pytest.mark.parametrize("kind", ["500", "503", "429", "truncated", "lost_after", "half_answer"])
def test_an_authority_that_fails_for_a_moment_is_asked_again(world: World, kind: str, step: str) -> None:
    tally = check(world, "rest", (IRM, {"search_enabled": False}), {"kind": kind, "step": step}, reconnect=True)
    assert tally.survived == tally.struck


def test_a_part_of_a_lost_write_that_somebody_else_did_is_not_taken_for_the_whole(world: World) -> None:
    edit = {"cmdlet": "Set-IRMConfiguration", "parameters": {"SearchEnabled": False}}
    wish = (IRM, {"search_enabled": False, "transport_decryption_setting": "Disabled"})
    check(world, "host", wish, {"kind": "403", "cmdlet": WRITES}, {"kind": "portal_edit", "nth": 2, "edit": edit})


def test_a_write_on_what_was_read_too_early_is_no_change(world: World) -> None:
    """Exchange says that nothing was modified: the read before the write was behind."""
    world.start({})
    world.emulator.faults.set([{"kind": "stale_reads", "cmdlet": WRITES, "reads": 1}])
    world.edit("Set-IRMConfiguration", SearchEnabled=True)
    assert world.run("rest", IRM, {"search_enabled": False}).result["changed"]
    again = world.run("rest", IRM, {"search_enabled": False})
    assert (again.result["changed"], again.result["commands"]) == (False, [])


@pytest.mark.parametrize("wire", ["rest", "server"])
def test_a_setting_that_is_ignored_is_told_from_one_that_is_late(world: World, wire: str) -> None:
    world.start({"ignored_parameters": ["Set-IRMConfiguration -EnablePdfEncryption"]})
    options = {"enable_pdf_encryption": True, "search_enabled": False, "verify_timeout": 4}
    outcome = world.run(wire, IRM, options)
    assert isinstance(outcome.error, errors.VerificationError)
    assert (
        "ignored a part of it: enable_pdf_encryption is False, not True. search_enabled of the same call is stored"
        in str(outcome.error)
    )
    assert "Information Rights Management" in outcome.error.remedy
    assert outcome.result["changed"]


@pytest.mark.parametrize("wire", ["rest", "server"])
def test_a_setting_that_is_ignored_alone_names_role_and_license(world: World, wire: str) -> None:
    world.start({"ignored_parameters": ["Set-OMEConfiguration -PortalText"]})
    outcome = world.run(wire, "ome_configuration", {"portal_text": "x", "verify_timeout": 4})
    assert isinstance(outcome.error, errors.VerificationError)
    assert GRANTED_BY["Set-OMEConfiguration"] in outcome.error.remedy
    assert "Advanced Message Encryption" in outcome.error.remedy


@pytest.mark.parametrize("alternate", [True, False])
def test_a_write_that_is_late_is_waited_for(world: World, alternate: bool) -> None:
    world.start({})
    world.emulator.faults.set([{"kind": "stale_reads", "cmdlet": WRITES, "reads": 4, "alternate": alternate}])
    outcome = world.run("rest", IRM, {"search_enabled": False, "verify_timeout": 60})
    assert outcome.error is None
    assert outcome.commands == [write.text for write in outcome.own]


def test_a_write_that_never_reaches_every_server_is_said_to_be_late_and_not_ignored(world: World) -> None:
    world.start({})
    world.emulator.faults.set([{"kind": "stale_reads", "cmdlet": WRITES, "reads": 1000, "alternate": True}])
    outcome = world.run("rest", IRM, {"search_enabled": False, "verify_timeout": 10})
    assert isinstance(outcome.error, errors.VerificationError)
    assert "not on every server yet" in str(outcome.error)
    assert outcome.result["changed"]


@pytest.mark.parametrize("wire", matrix(SHELLS))
def test_a_part_of_an_answer_that_is_lost_for_good_is_never_taken_for_the_whole(world: World, wire: str) -> None:
    """The answer is lost, and what comes instead when it is asked for again is only the news that time is up."""
    lost = [{"kind": "lost_after", "step": "receive", "nth": nth, "times": 1} for nth in (1, 2)]
    late = [{"kind": "operation_timeout", "step": "receive", "nth": nth, "times": 1} for nth in (2, 3)]
    for fault, other in zip(lost, late, strict=True):
        check(world, wire, (IRM, {"search_enabled": False}), fault, other)


def test_a_lost_write_that_is_first_seen_when_it_is_sent_again_is_a_change(world: World) -> None:
    """Reads stay behind for longer than the task waits; the second try finds nothing to change."""
    late = {"kind": "stale_reads", "cmdlet": WRITES, "reads": 3}
    check(
        world,
        "server",
        (IRM, {"search_enabled": False}),
        {"kind": "half_answer", "step": "receive", "cmdlet": WRITES},
        late,
        verify_timeout=4,
    )
    check(
        world,
        "rest",
        (IRM, {"search_enabled": False}),
        {"kind": "lost_after", "step": "batch", "cmdlet": WRITES},
        late,
        verify_timeout=4,
    )


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
def test_a_lost_write_is_counted_once_where_its_impact_has_changed(world: World, wire: str) -> None:
    """Once the rule does not encrypt any more, switching it off takes nothing away: the same step, with another impact."""
    sections = {"conditions": {"from_scope": "InOrganization"}, "actions": ENCRYPT}
    past = [("ome_transport_rules", {"rules": [{"name": "alpha", **sections}]})]
    wish = (
        "ome_transport_rules",
        {"rules": [{"name": "alpha", "enabled": False, "actions": {"prepend_subject": "[E] "}}]},
    )
    check(world, wire, wish, {"kind": "error_in_200", "cmdlet": "Disable-*"}, past=past)


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
@pytest.mark.parametrize("kind", ["500", "lost_before", "403"])
def test_rules_are_written_while_exchange_tells_what_it_calls_their_template(
    world: World, wire: str, kind: str
) -> None:
    """Without licensing no templates are listed, and a French organization knows Encrypt by another name."""
    rules = [{"name": name, "actions": ENCRYPT} for name in ("alpha", "beta")]
    wish = ("message_encryption_state", {IRM: {"internal_licensing_enabled": False}, "transport_rules": rules})
    tally = Tally()
    examine(world, Case(wire, (), {"locale": "fr-FR"}, wish, [{"kind": kind, "cmdlet": WRITES, "nth": 2}]), tally)
    assert tally.struck
    templates = [rule["ApplyRightsProtectionTemplate"] for rule in world.organization.state["transport_rules"]]
    assert (templates, world.organization.state[IRM]["InternalLicensingEnabled"]) == (["Chiffrer"] * 2, False)


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
def test_rules_are_planned_anew_once_licensing_is_on(world: World, wire: str) -> None:
    world.start({"locale": "fr-FR"})
    world.edit("Set-IRMConfiguration", InternalLicensingEnabled=False)
    rules = [{"name": "alpha", "actions": ENCRYPT}]
    outcome = world.run(
        wire,
        "message_encryption_state",
        {"state": {IRM: {"internal_licensing_enabled": True}, "transport_rules": rules}},
    )
    assert outcome.error is None
    assert world.organization.state["transport_rules"][0]["ApplyRightsProtectionTemplate"] == "Chiffrer"
    assert [write.cmdlet for write in outcome.own] == ["Set-IRMConfiguration", "New-TransportRule"]


@pytest.mark.parametrize("enabled", [False, True])
def test_a_template_that_is_refused_while_none_is_listed_says_what_it_hangs_on(world: World, enabled: bool) -> None:
    world.start({"locale": "fr-FR"})
    world.edit("New-TransportRule", Name="beta", PrependSubject="x")
    world.edit("Set-IRMConfiguration", InternalLicensingEnabled=enabled)
    for name in ("alpha", "beta"):
        outcome = world.run("rest", "ome_transport_rule", {"name": name, "actions": ENCRYPT})
        assert ("internal_licensing_enabled" in str(outcome.error)) is not enabled


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("same", [False, True])
def test_the_same_option_at_the_same_moment(world: World, wire: str, after: bool, same: bool) -> None:
    """What the guide says of it: ours wins over what came before it, and what came after it is an error."""
    world.start({})
    edit = {
        "cmdlet": "Set-IRMConfiguration",
        "parameters": {"TransportDecryptionSetting": "Disabled" if same else "Optional"},
    }
    world.edit("Set-IRMConfiguration", TransportDecryptionSetting="Mandatory")
    world.emulator.faults.set([{"kind": "portal_edit", "cmdlet": WRITES, "edit": edit, "after": after}])
    outcome = world.run(wire, IRM, {"transport_decryption_setting": "Disabled", "verify_timeout": 4})
    assert world.emulator.faults.struck
    # Microsoft's module may have sent it before, and then Exchange's warning that nothing changed is about a repetition.
    assert outcome.result["changed"] is not (same and not after and wire not in MODULE_BENEATH)
    if after and not same:
        assert isinstance(outcome.error, errors.VerificationError)
        assert "'Optional', not 'Disabled'" in str(outcome.error)
    else:
        assert outcome.error is None
        assert world.organization.state[IRM]["TransportDecryptionSetting"] == "Disabled"


@pytest.mark.parametrize("wire", matrix(WIRES))
@pytest.mark.parametrize("aim", [{"cmdlet": WRITES}, {"nth": 1}, {"nth": 2}], ids=["write", "first", "second"])
@pytest.mark.parametrize("kind", ["slow", "huge"])
def test_an_answer_that_comes_too_late_or_is_too_large(world: World, wire: str, kind: str, aim: dict[str, Any]) -> None:
    fault = {"kind": kind, "wire": "rest" if wire == "rest" else "psrp", "seconds": LATE, "size": OVERSIZED, **aim}
    tally = check(world, wire, (IRM, {"search_enabled": False}), fault, hurried=kind == "slow")
    assert set(tally.failed) <= {"UnreachableError", "ProtocolError", "ConnectionLostError"}
    if kind == "huge":
        # What is written is read back, and so survives.
        assert bool(tally.failed) is (aim == {"nth": 1})


#: Writes that share a round trip, and a rule after them.
_TOGETHER = (
    "message_encryption_state",
    {
        "irm_configuration": {"search_enabled": False},
        "ome_configurations": [{"identity": "OME Configuration", "otp_enabled": False}],
        "activesync_org_settings": {"default_access_level": "Block"},
    },
)


@pytest.mark.parametrize("order", ["given", "reversed", "reads_first"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost_before"},
        {"kind": "lost_after"},
        {"kind": "429"},
        {"kind": "429", "times": 9},
        {"kind": "504", "after": True},
        {"kind": "504"},
    ],
)
def test_a_part_of_a_batch_of_writes(world: World, fault: dict[str, Any], nth: int, order: str) -> None:
    """A lost line in the middle of a batch leaves a part of it done; other faults strike one part alone."""
    faults = [{**fault, "wire": "rest", "step": "batched", "cmdlet": WRITES, "nth": nth}]
    tally = Tally()
    examine(world, Case("rest", (), {"batch_order": order}, _TOGETHER, faults), tally)
    assert tally.struck


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("kind", ["stored_error", "half_stored", "silent_noop", "transient", "garbled"])
def test_one_of_several_writes_goes_wrong(world: World, wire: str, kind: str, nth: int) -> None:
    check(world, wire, _TOGETHER, {"kind": kind, "cmdlet": WRITES, "nth": nth})


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
@pytest.mark.parametrize("alternate", [True, False])
def test_what_travels_with_several_writes_is_behind(world: World, wire: str, alternate: bool) -> None:
    check(
        world,
        wire,
        _TOGETHER,
        {"kind": "stale_reads", "cmdlet": WRITES, "times": 3, "reads": 7, "alternate": alternate},
    )


@pytest.mark.parametrize("wire", matrix(WIRES[1:]))
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_pipeline_of_writes_ends_in_the_middle(world: World, wire: str, nth: int) -> None:
    check(world, wire, _TOGETHER, {"kind": "dead_after", "cmdlet": WRITES, "nth": nth})


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
def test_nothing_is_written_because_of_what_an_earlier_task_read(world: World, wire: str) -> None:
    """Another administrator has made the change since."""
    edit = {"cmdlet": "Set-IRMConfiguration", "parameters": {"SearchEnabled": False}}
    tally = Tally()
    examine(world, Case(wire, (), {}, (IRM, {"search_enabled": False}), (), meanwhile=[edit]), tally)
    assert tally.writes == 0
