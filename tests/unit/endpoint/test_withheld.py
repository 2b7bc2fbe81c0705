# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that somebody else made: what they withhold is told by its name, and the rest works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors

from tests.emulator.engine import Engine
from tests.soak.world import World

#: Takes Get-Command away at the end of the start-up script: the function of constrained sessions, and the cmdlet behind
#: it.
WITHOUT_GET_COMMAND = """
Remove-Item -LiteralPath function:Get-Command
$ExecutionContext.InvokeCommand.GetCommand('Get-Command', 'Cmdlet').Visibility = 'Private'
"""
RULE = {
    "name": "r",
    "conditions": {"from_scope": "InOrganization"},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}

Endpoint = Callable[[Callable[[str], str]], str]


@pytest.fixture(scope="module")
def world(engine: Engine | None) -> Iterator[World]:
    with World(engine).patched() as made:
        yield made


@pytest.fixture
def endpoint(world: World) -> Iterator[Endpoint]:
    """Changes the start-up script of the endpoint for one test. Gives the wire."""
    script = world.emulator.directory / "endpoint/MessageEncryption.Baseline/Start-Baseline.ps1"
    plain = script.read_text(encoding="utf-8")

    def change(how: Callable[[str], str]) -> str:
        changed = how(plain)
        assert changed != plain
        script.write_text(changed, encoding="utf-8")
        world.hang_up("endpoint")
        world.start({"advanced_message_encryption": True})
        return "endpoint"

    yield change
    script.write_text(plain, encoding="utf-8")
    world.hang_up("endpoint")


def without(*texts: str) -> Callable[[str], str]:
    def change(script: str) -> str:
        for text in texts:
            script = script.replace(text, "")
        return script

    return change


@pytest.mark.engine
def test_without_get_command_everything_works_and_what_is_granted_is_unknown(world: World, endpoint: Endpoint) -> None:
    wire = endpoint(lambda script: script + WITHOUT_GET_COMMAND)
    assert world.run(wire, "irm_configuration", {"search_enabled": False}).result["changed"]
    made = world.run(wire, "ome_transport_rule", RULE)
    assert (made.error, made.result["changed"]) == (None, True)
    assert not world.run(wire, "ome_transport_rule", RULE).result["changed"]
    told = world.run(wire, "exchange_connection_info", {})
    assert told.error is None
    assert any(warning.startswith("The granted cmdlets are unknown: Get-Command") for warning in told.warnings)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("how", "told"),
    [
        (without(", 'ResultSize'", "'ResultSize'"), ["'ResultSize'", "endpoint"]),
        (
            lambda script: script.replace(
                "`nparam($parameters)",
                "`nparam($($parameters.Replace('${ResultSize}', '[ValidateSet(''10'')]${ResultSize}')))",
            ),
            ["10"],
        ),
    ],
    ids=["no ResultSize", "ValidateSet"],
)
def test_a_parameter_that_is_withheld_is_told_by_its_name(
    world: World, endpoint: Endpoint, how: Any, told: list[str]
) -> None:
    wire = endpoint(how)
    refused = world.run(wire, "ome_transport_rule", RULE)
    assert isinstance(refused.error, (errors.CmdletNotAvailableError, errors.InvalidValueError))
    assert refused.error.cmdlet in ("Get-TransportRule", "Get-RMSTemplate")
    assert [text for text in told if text not in str(refused.error)] == []
    assert refused.writes == []
    assert world.run(wire, "irm_configuration", {"search_enabled": False}).result["changed"], "the rest works"


@pytest.mark.engine
def test_templates_that_cannot_be_listed_are_not_taken_for_none(world: World, endpoint: Endpoint) -> None:
    wire = endpoint(without("        'Get-RMSTemplate' = @('ResultSize')\n"))
    made = world.run(wire, "ome_transport_rule", RULE, check_mode=True)
    assert made.error is None
    other = {**RULE, "actions": {"apply_rights_protection_template": "Nowhere"}}
    refused = world.run(wire, "ome_transport_rule", other)
    assert any("does not have Get-RMSTemplate" in warning for warning in refused.warnings)
    assert "'Nowhere'" in str(refused.error)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("first", "says"),
    [("throw 'the store is locked'\n", "the store is locked"), ("exit 3\n", "Get-OrganizationConfig")],
)
def test_a_start_up_script_that_does_not_come_to_its_end_opens_nothing(
    world: World, endpoint: Endpoint, first: str, says: str
) -> None:
    wire = endpoint(lambda script: first + script)
    outcome = world.run(wire, "irm_configuration", {"search_enabled": False})
    assert isinstance(outcome.error, errors.UnreachableError)
    assert says in str(outcome.error)
    assert outcome.writes == []
