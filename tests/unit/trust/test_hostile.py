# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service or a tenant could send to do harm: it ends in an error that says so, or in data that is only data."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Plan, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import (
    PARTS,
    declare_state,
    describe,
    plan_state,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.resource import Planning
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_index import RuleBook
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml, pypsrp, records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.schema import rule_properties
from tests.rounds import rounds
from tests.soak.world import World
from tests.unit.matrix import matrix
from tests.unit.trust.hostile_texts import HOSTILE

from .wires import EVERY_WIRE

LAUGHS = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]><Obj RefId="0"><MS><S N="Name">&lol2;</S></MS></Obj>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Obj RefId="0"><MS><S N="Name">&e;</S></MS></Obj>'

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_NAMED = {
    "Name": "rule",
    "Guid": "00000000-0000-0000-0000-000000000001",
    "Priority": 0,
    "State": "Enabled",
    "Identity": "x",
}
_PROPERTIES = {
    "irm_configuration": [
        "TransportDecryptionSetting",
        "LicensingLocation",
        "SearchEnabled",
        "InternalLicensingEnabled",
    ],
    "activesync_org_settings": ["AdminMailRecipients", "DefaultAccessLevel", "UserMailInsert", "TenantAdminPreference"],
    "ome_configurations": [
        "Image",
        "ImageUrl",
        "ExternalMailExpiryInterval",
        "OTPEnabled",
        "BackgroundColor",
        "EmailText",
    ],
    "owa_mailbox_policies": ["IRMEnabled"],
    "mobile_device_mailbox_policies": ["IrmEnabled"],
    "transport_rules": [*rule_properties()],
}
_ODD = JSON | st.sampled_from(
    [
        "P1D",
        "1.00:00:00",
        "(12 bytes)",
        "10 MB (x bytes)",
        "2026-13-45",
        "0001-01-01T00:00:00+14:00",
        "9" * 5000,
        "{{ 1 }}",
        "#12",
    ]
)


@st.composite
def organizations(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """One object of each part, in which some properties hold anything."""
    found = {}
    for part, names in _PROPERTIES.items():
        odd = draw(st.dictionaries(st.sampled_from([*names, *_NAMED]) | st.text(max_size=10), _ODD, max_size=4))
        found[part] = [{**_NAMED, **odd}]
    return found


@settings(max_examples=rounds(50), suppress_health_check=list(HealthCheck))
@given(found=organizations(), wanted=organizations())
def test_no_answer_breaks_what_reads_and_plans(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    organization = Organization(SUBSETS, {part: Result(objects=objects) for part, objects in found.items()})
    refusals: list[str] = []
    for part in PARTS:
        try:
            state = describe(organization, [part])
            other = describe(Organization(SUBSETS, {part: Result(objects=wanted[part])}), [part])
            plan_state(organization, declare_state({part: state[part]}), Planning(restoring=True))
            plan_state(organization, declare_state({part: other[part]}), Planning(restoring=True))
            if part == "transport_rules":
                RuleBook(organization)
        except errors.ExchangeError as error:
            refusals.append(str(error))
    assert not any("\n" in refusal for refusal in refusals)


def test_a_value_that_is_not_understood_names_its_property() -> None:
    organization = Organization(
        SUBSETS, {"ome_configurations": Result(objects=[{"Identity": "x", "ExternalMailExpiryInterval": {"Weeks": 1}}])}
    )
    with pytest.raises(
        errors.ProtocolError, match="ExternalMailExpiryInterval has a value that the collection cannot interpret"
    ):
        describe(organization, ["ome_configurations"])


def test_a_defect_after_a_write_still_tells_what_was_written() -> None:
    class Session:
        def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
            return [Result(objects=[{"Name": "x"}]) for _call in calls]

    step = Step(
        Call("Set-IRMConfiguration", {"SearchEnabled": True}),
        (Change("irm_configuration", "", "search_enabled", False, True),),
        0,
    )
    plans = iter([Plan(steps=[step])])
    task = ModuleContext(params={"verify_timeout": 1}, check_mode=False, session=Session())
    with pytest.raises(errors.ProtocolError, match=r"StopIteration at test_hostile\.py:\d+") as failure:
        converge(task, ["irm_configuration"], lambda organization: next(plans))
    assert failure.value.result["commands"] == ["Set-IRMConfiguration -SearchEnabled $true"]


@pytest.mark.parametrize(
    "text",
    [LAUGHS, OUTSIDE, f"<!--{'x' * 10000}-->{OUTSIDE}", f"\n\ufeff  {LAUGHS}"],
    ids=["laughs", "outside", "late", "spaces"],
)
def test_entities_are_refused_wherever_xml_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="document type"):
        records.readable(text.encode())
    with pytest.raises(ValueError, match="document type"):
        clixml.decode(text)
    with pytest.raises(ValueError, match="document type"):
        pypsrp._Serializer().deserialize(text, mock.Mock())
    for encoding in ("utf-8", "utf-16", "utf-32", "cp037"):
        with pytest.raises(ValueError, match="document type"):
            pypsrp.refuse_document_type(text.replace("\ufeff", "").encode(encoding))


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE, "powershell"))
def test_texts_are_only_texts_there_and_back(world: World, wire: str) -> None:
    world.start({"advanced_message_encryption": True})
    for text in [*HOSTILE, "x" * 1024]:
        outcome = world.run(wire, "ome_configuration", {"email_text": text})
        assert outcome.error is None, (text, outcome.error)
        assert outcome.result["after"]["email_text"] == text
        assert world.organization.state["ome_configurations"][0]["EmailText"] == text
    assert {write.cmdlet for write in outcome.writes} == {"Set-OMEConfiguration"}


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE, "powershell"))
def test_a_megabyte_is_only_large(world: World, wire: str) -> None:
    world.start({"advanced_message_encryption": True})
    picture = base64.b64encode(b"\x89PNG" + bytes(range(256)) * 4096).decode()
    outcome = world.run(wire, "ome_configuration", {"image_content": picture})
    assert outcome.error is None
    assert world.organization.state["ome_configurations"][0]["Image"] == picture


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\udfff low", "\ufffe", "a\uffffb"])
def test_what_no_wire_carries_is_refused_by_name_before_anything_is_sent(world: World, text: str) -> None:
    world.start({})
    outcome = world.run("rest", "ome_configuration", {"email_text": text})
    assert isinstance(outcome.error, errors.OptionError)
    assert "email_text" in str(outcome.error)
    assert outcome.writes == []


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE))
@pytest.mark.parametrize("odd", ["\ufffe", "\uffff"])
def test_one_rule_with_what_xml_forbids_costs_no_other_rule(world: World, wire: str, odd: str) -> None:
    """Another client can store it: it is read as it is, the rule is listed apart, and rules go on being written."""
    world.start({})
    world.edit("New-TransportRule", Name="odd", Comments=f"a{odd}b", PrependSubject="x")
    outcome = world.run(wire, "ome_transport_rule", {"name": "even", "actions": {"prepend_subject": "y"}})
    assert outcome.error is None
    assert outcome.result["changed"]
    found = world.run(wire, "message_encryption_info", {"gather": ["transport_rules"]}).result
    assert [rule["name"] for rule in found["transport_rules"]] == ["even"]
    ((name, reason),) = [(rule["name"], rule["reason"]) for rule in found["transport_rules_unsupported"]]
    assert (name, f"U+{ord(odd):04X}" in reason) == ("odd", True)
