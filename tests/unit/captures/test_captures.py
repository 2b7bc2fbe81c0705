# SPDX-License-Identifier: GPL-3.0-or-later
"""What real organizations answered goes through everything that the collection does with an answer.

Each file ``tests/data/captures/CMDLET/NAME.json`` is tested as soon as it is there, over each of the ways in which
objects come: it is decoded, described, declared again, and planned. Nothing may fail, nothing may be planned, and
nothing that is set may be lost without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources import organization_state as states
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_test import parse
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.registry import RESOURCES
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.resource import Planning
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    DESCRIPTIVE_PROPERTIES,
    SECTIONS,
    SETTINGS_FIELDS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field, Table
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml, decode, rest_answers

from tests.emulator.clixml import Flavour, document
from tests.emulator.properties import IRM, KINDS, OME, ORGANIZATION, RULE, Kind, Record, kind_of
from tests.emulator.schema import manifest

CAPTURES = Path(__file__).parents[2] / "data/captures"
SUBSET = {call.cmdlet: subset for subset, call in SUBSETS.items()}
STATES = {resource.subset for resource in RESOURCES}
WAYS = ("rest", "module", "server")


def captured(cmdlets: Iterable[str]) -> list[Any]:
    wanted = set(cmdlets)
    paths = (path for path in sorted(CAPTURES.glob("*/*.json")) if path.parent.name in wanted)
    return [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in paths]


def objects(path: Path) -> list[dict[str, Any]]:
    """The objects of a capture: one, a list of them, or a whole answer of the REST interface."""
    content = json.loads(path.read_text(encoding="utf-8"))
    found = content.get("value", [content]) if isinstance(content, dict) else content
    assert isinstance(found, list)
    return found


def decoded(item: dict[str, Any], cmdlet: str, way: str) -> dict[str, Any]:
    """The object as the collection has it when it came this way."""
    if way == "rest":
        return decode.json_object(item)
    # What a remote session hands out of it, by the emulator's encoder: texts, or the server's own types.
    values = {name: value for name, value in item.items() if "@" not in name and not isinstance(value, dict)}
    record = CapturedRecord(cmdlet.partition("-")[2], values)
    record = replace(record, values={name: _as_stored(value, record.kind(name)) for name, value in values.items()})
    flavour = Flavour.SERVER if way == "server" else Flavour.MODULE
    return clixml.decode(ElementTree.tostring(document(record, flavour), encoding="unicode"))


class CapturedRecord(Record):
    """A captured object: what the emulator does not know is of the kind that its value shows."""

    def kind(self, name: str) -> Kind:
        return KINDS.get(self.type, {}).get(name) or kind_of(name, self.values[name])


def _as_stored(value: Any, kind: Kind) -> Any:
    """A value for the encoder, which is strict about what a kind can hold."""
    if kind in (Kind.INSTANT, Kind.INSTANT_UTC) and isinstance(value, str) and value.startswith("/Date("):
        return "2026-01-01T00:00:00.0000000Z"
    if kind in (Kind.LIST, Kind.URI_LIST, Kind.RULE_LIST) and isinstance(value, (str, int)):
        return [value]
    return value


def organization(subset: str, items: list[dict[str, Any]]) -> Organization:
    """An organization of which these objects are known, and of whose other parts nothing."""
    reads: dict[str, Call] = {subset: SUBSETS[subset]}
    return Organization(reads, {subset: Result(items)})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", captured(set(SUBSET)))
def test_it_is_read_described_and_planned(path: Path, way: str) -> None:
    subset = SUBSET[path.parent.name]
    items = [decoded(item, path.parent.name, way) for item in objects(path)]
    known = organization(subset, items)
    described = states.describe(known, [subset])
    assert described[subset] or subset == "transport_rules"
    if subset not in STATES:
        return
    parts = states.declare_state(states.validated(json.loads(json.dumps(described))))
    plan = states.plan_state(known, parts, Planning(restoring=True))
    assert [str(step.call) for step in plan.steps] == []
    assert plan.warnings == []
    for item in items:
        assert lost(subset, item, described) == []


def lost(subset: str, item: dict[str, Any], described: dict[str, Any]) -> list[str]:
    """The properties that are set and can be set, and of which the description says nothing."""
    resource = next(resource for resource in RESOURCES if resource.subset == subset)
    is_set = [
        name
        for name, value in item.items()
        if value not in (None, "", [], {}) and (value is not False or subset != "transport_rules")
    ]
    if subset == "transport_rules":
        return [name for name in is_set if not _in_rule(name, item, described)]
    table: Table = resource.table  # type: ignore[attr-defined]
    settable = {name.lower() for name in manifest()[f"Set-{table.noun}"]["parameters"]} - {"identity"}
    shown = described[subset][0] if isinstance(described[subset], list) else described[subset]
    fields = {(row.output or row.parameter).lower(): row for row in table.fields}
    not_managed = settable - set(fields) if table.subset.endswith("policies") else set()
    return [
        name
        for name in is_set
        if (name.lower() in settable or name.lower() in fields)
        and name.lower() not in not_managed
        and not _is_shown(fields.get(name.lower()), shown)
    ]


def _is_shown(row: Field | None, shown: dict[str, Any]) -> bool:
    return row is not None and row.option in shown


def _in_rule(name: str, item: dict[str, Any], described: dict[str, Any]) -> bool:
    if name in DESCRIPTIVE_PROPERTIES:
        return True
    if any(name in row["reason"] for row in described["transport_rules_unsupported"]):
        return True
    rules = [rule for rule in described["transport_rules"] if rule["name"] == item["Name"]]
    settings = {row.output or row.parameter: row.option for row in SETTINGS_FIELDS}
    for rule in rules:
        if name in settings:
            return settings[name] in rule
        for section, fields in SECTIONS.items():
            option = next((row.option for row in fields if name == (row.output or row.parameter)), None)
            if option is not None:
                return option in rule[section]
    return False


@pytest.mark.parametrize("path", captured({"Get-TransportRule"}))
def test_conditions_and_actions_are_all_there(path: Path) -> None:
    """As many classes as Exchange names, so many predicates and actions are described, whatever their properties are
    called.
    """
    items = [decoded(item, path.parent.name, "rest") for item in objects(path)]
    for item in items:
        (rule,) = states.describe(organization("transport_rules", [item]), ["transport_rules"])["transport_rules"]
        for title, section in (("Conditions", "conditions"), ("Exceptions", "exceptions"), ("Actions", "actions")):
            assert bool(item.get(title)) == bool(rule[section]), section


@pytest.mark.parametrize("path", captured({path.name for path in CAPTURES.iterdir()} - {*SUBSET, "rest"}))
def test_what_nothing_reads_yet_is_decoded(path: Path) -> None:
    for item in objects(path):
        for way in WAYS:
            names = {name for name, value in item.items() if "@" not in name and not isinstance(value, dict)}
            assert names <= set(decoded(item, path.parent.name, way))


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("rest/*.json")), ids=lambda path: path.stem)
def test_an_answer_of_the_interface_is_what_it_says(path: Path) -> None:
    """A whole body, as the service sent it: an error with the words that are in its depths, or objects, warnings and
    where the next ones are.
    """
    body = json.loads(path.read_text(encoding="utf-8"))
    found = rest_answers.outcome(Call("Get-Recipient"), 400 if "error" in body else 200, {}, path.read_bytes())
    if "error" in body:
        assert isinstance(found, Result)
        assert type(found.error).__name__ != "ExchangeError", "an error of no kind"
        assert " ".join(body["error"]["innererror"]["internalexception"]["message"].split()) in str(found.error)
        return
    assert isinstance(found, rest_answers.Page)
    assert [list(item) for item in found.result.objects] == [
        [name for name in item if "@" not in name] for item in body["value"]
    ]
    assert (found.result.warnings, found.next_link) == (body["@adminapi.warnings"], body.get("@odata.nextLink", ""))


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("Test-IRMConfiguration/*.txt")), ids=lambda path: path.stem)
def test_what_the_test_said_is_understood(path: Path) -> None:
    text = path.read_text(encoding="utf-8").partition("Results")[2].lstrip(" :")
    outcome = parse(text)
    assert outcome.passed == ("FAIL" not in text)


@pytest.mark.parametrize(
    "path",
    sorted(path for path in CAPTURES.glob("*/*") if path.suffix != ".source"),
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_each_names_its_source_and_license(path: Path) -> None:
    source = path.with_suffix(".source").read_text(encoding="utf-8")
    assert "License: " in source
    assert len(source.splitlines()) == 2


#: What older organizations showed, Exchange on-premises shows, or PowerShell adds.
_NOT_TODAYS = {
    "ExchangeVersion",
    "RunspaceId",
    "SerializationData",
    "OMEExpiryDays",
    "RootPublicFolderMailbox",
    "EwsAllowedAppIDs",
    "MessageRecallEnabled",
}


@pytest.mark.parametrize("path", captured(f"Get-{kind}" for kind in (IRM, OME, ORGANIZATION, RULE)))
def test_the_emulators_objects_have_these_properties(path: Path) -> None:
    for item in objects(path):
        names = {name for name in item if "@" not in name} - _NOT_TODAYS
        assert sorted(names - set(KINDS[path.parent.name.removeprefix("Get-")])) == []
