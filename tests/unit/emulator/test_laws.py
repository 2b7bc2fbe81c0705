# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws that hold for every organization and every sequence of edits."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st
from psrpcore import types

from tests.emulator import Organization
from tests.emulator.clixml import Flavour, document
from tests.emulator.errors import CmdletError
from tests.emulator.properties import OME, Record
from tests.emulator.runner import run
from tests.emulator.schema import rule_properties
from tests.emulator.values import days_text, parse_instant, size_text, stored_instant
from tests.rounds import rounds

_NAMES = st.sampled_from(["a", "b", "c", "d", "A", "e", "f"])
_PRIORITY = st.none() | st.integers(-1, 5)
_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "SubjectContainsWords": st.none() | st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=2),
        "SCLOver": st.none() | st.integers(-1, 9),
        "FromScope": st.none() | st.sampled_from(["InOrganization", "NotIn"]),
        "RejectMessageReasonText": st.none() | st.just("No."),
        "RejectMessageEnhancedStatusCode": st.none() | st.just("5.7.900"),
        "DeleteMessage": st.booleans(),
        "HeaderContainsWords": st.none() | st.just(["x"]),
        "HeaderContainsMessageHeader": st.none() | st.just("X-A"),
    },
)
_EDITS = st.one_of(
    st.tuples(st.just("New-TransportRule"), _NAMES, _PRIORITY, _SETTINGS),
    st.tuples(st.just("Set-TransportRule"), _NAMES, _PRIORITY, _SETTINGS),
    st.tuples(
        st.sampled_from(["Remove-TransportRule", "Enable-TransportRule", "Disable-TransportRule"]),
        _NAMES,
        st.none(),
        st.just({}),
    ),
)
#: Most edits of drawn values are refused: an organization with rules at the start has some at the end, too.
_RULES = {"transport_rules": [{"Name": name, "DeleteMessage": True} for name in "abcd"]}
_TEXT = st.text(max_size=40)
_NO_CIPHER: Any = None


@given(st.lists(_EDITS, max_size=15))
@settings(max_examples=rounds(150))
def test_rules_stay_in_order_whatever_happens(edits: list[tuple[str, str, int | None, dict[str, Any]]]) -> None:
    organization = Organization(_RULES)
    for cmdlet, name, priority, settings_ in edits:
        before = organization.dump()
        parameters: dict[str, Any] = {"Name" if cmdlet.startswith("New") else "Identity": name, **settings_}
        if priority is not None:
            parameters["Priority"] = priority
        try:
            run(organization, cmdlet, parameters, rest=True, prompts=False)
        except CmdletError:
            assert organization.dump() == before
    records = run(organization, "Get-TransportRule", {}, rest=True, prompts=False).records
    assert [record.values["Priority"] for record in records] == list(range(len(records)))
    assert len({record.values["Name"].lower() for record in records}) == len(records)
    for record in records:
        assert tuple(record.values) == rule_properties()
        assert record.values["Actions"]
        for one, other in (
            ("RejectMessageReasonText", "RejectMessageEnhancedStatusCode"),
            ("HeaderContainsWords", "HeaderContainsMessageHeader"),
        ):
            assert (record.values[one] is None) == (record.values[other] is None)


@given(st.lists(_EDITS, max_size=8))
@settings(max_examples=rounds(50))
def test_a_state_survives_its_file(edits: list[tuple[str, str, int | None, dict[str, Any]]]) -> None:
    organization = Organization(_RULES)
    for cmdlet, name, _unused, settings_ in edits:
        try:
            run(
                organization,
                cmdlet,
                {"Name" if cmdlet.startswith("New") else "Identity": name, **settings_},
                rest=True,
                prompts=False,
            )
        except CmdletError:
            continue
    state = organization.dump()
    assert Organization(json.loads(json.dumps(state))).dump() == state


@given(
    st.fixed_dictionaries({"EmailText": _TEXT, "PortalText": st.none() | _TEXT, "OTPEnabled": st.booleans()}),
    st.sampled_from(list(Flavour)),
)
@settings(deadline=None)
def test_texts_survive_clixml(values: dict[str, Any], flavour: Flavour) -> None:
    xml = ElementTree.tostring(document(Record(OME, values), flavour))
    shown = types.deserialize(ElementTree.fromstring(xml), cipher=_NO_CIPHER)  # noqa: S314
    assert {name: getattr(shown, name) for name in values} == values


@given(st.datetimes())
def test_instants_survive(value: Any) -> None:
    stored = stored_instant(parse_instant(value.isoformat()))
    assert stored_instant(parse_instant(stored)) == stored


@given(st.integers(0, 2**45))
def test_sizes_tell_the_exact_number(count: int) -> None:
    assert f"({count:,} bytes)" in size_text(count)


@given(st.integers(0, 730))
def test_days_are_timespans(days: int) -> None:
    assert days_text(days).partition(".")[0] == (str(days) if days else "00:00:00")
