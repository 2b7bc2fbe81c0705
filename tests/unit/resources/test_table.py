# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of mail flow rules is Exchange's own list of parameters. Documentation against spec is tested with all
modules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import (
    Boolean,
    Choice,
    Flag,
    Instant,
    Integer,
    Kind,
    Name,
    RecipientAddress,
    Size,
    StatusCode,
    Text,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.list_kinds import (
    Listing,
    Patterns,
    Recipients,
    Words,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    ATTRIBUTES,
    DESCRIPTIVE_PROPERTIES,
    DLP_PROPERTIES,
    EDGE_PROPERTIES,
    GROUPS,
    SECTIONS,
    SETTINGS_FIELDS,
    rule_argument_spec,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field

from tests.emulator.schema import cmdlets, rule_properties, rule_refusals, rule_sections

NEW = {parameter.name: parameter for parameter in cmdlets()["new-transportrule"].parameters.values()}
SET = {parameter.name: parameter for parameter in cmdlets()["set-transportrule"].parameters.values()}

#: The settings that have code of their own beside the table.
BY_HAND = {"Name": "name", "Enabled": "enabled", "Priority": "priority"}

KINDS: dict[str, type[Kind]] = {
    "Boolean": Flag,
    "Word[]": Words,
    "Pattern[]": Patterns,
    "MultiValuedProperty": Words,
    "RecipientIdParameter[]": Recipients,
    "RecipientIdParameter": RecipientAddress,
    "ByteQuantifiedSize": Size,
    "SclValue": Integer,
    "DateTime": Instant,
    "IncidentReportContent[]": Listing,
    "RejectEnhancedStatus": StatusCode,
    "HeaderName": Name,
    "RmsTemplateIdParameter": Name,
    "OMEConfigurationIdParameter": Name,
    "OutboundConnectorIdParameter": Name,
}


def rows() -> Iterator[tuple[str, Field]]:
    for section, fields in {"rule": SETTINGS_FIELDS, **SECTIONS}.items():
        for row in fields:
            yield section, row


ROWS = [pytest.param(section, row, id=row.parameter) for section, row in rows()]


def documented(row: Field) -> str:
    """The parameter as the documentation spells it; the live module spells two of them otherwise."""
    return row.parameter.replace("AdComparison", "ADComparison")


def snake(parameter: str) -> str:
    """The option that stands for a parameter."""
    words = re.sub(r"OMEv2$", "OmeV2", parameter.removeprefix("ExceptIf"))
    words = re.sub(r"(AD|SCL|OME|RMS)(?=[A-Z]|$)", lambda match: match[1].capitalize(), words)
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "_", words).lower()


def test_every_parameter_has_its_section_and_no_other() -> None:
    managed = {parameter: section for parameter, section in rule_sections().items() if section}
    assert {documented(row): section for section, row in rows()} | dict.fromkeys(BY_HAND, "rule") == managed


def test_what_is_no_option_has_a_reason() -> None:
    without = {parameter for parameter, section in rule_sections().items() if not section}
    assert without == set(rule_refusals())
    assert without - {"Confirm", "WhatIf", "RuleSubType", "NotifySender"} <= {*DLP_PROPERTIES, *EDGE_PROPERTIES}


@pytest.mark.parametrize(("section", "row"), ROWS)
def test_a_row_is_the_cmdlets_parameter(section: str, row: Field) -> None:
    parameter = NEW[documented(row)]
    assert row.option == snake(documented(row))
    assert row.doc
    assert row.create_only is (documented(row) not in SET)
    assert row.cloud_only is not parameter.onprem
    choices = row.kind.spec.get("choices")
    if parameter.values and parameter.type != "Boolean":
        assert sorted(choices or ()) == sorted(parameter.values)
        assert isinstance(row.kind, (Choice, Listing))
    else:
        assert choices is None or parameter.type == "String"
        # Only this switch's false says something.
        expected = Boolean if row.listed[1] else KINDS.get(parameter.type, Choice if choices else Text)
        assert row.kind.__class__ is expected
    if parameter.max_length is not None:
        assert row.kind.maximum == parameter.max_length  # type: ignore[attr-defined]
    for limit in ("minimum", "maximum"):
        if getattr(parameter, limit) is not None:
            assert getattr(row.kind, limit) == getattr(parameter, limit)


def test_the_argument_spec_is_the_table() -> None:
    spec = rule_argument_spec()
    for section, row in rows():
        options = spec if section == "rule" else spec[section]["options"]
        taken = dict(options[row.option])
        # Nothing in a rule is a secret; where a name sounds like one, the spec says so.
        assert taken.pop("no_log", False) is False
        assert taken == row.kind.spec
    assert {section: len(spec[section]["options"]) for section in SECTIONS} == {
        section: len(fields) for section, fields in SECTIONS.items()
    }
    assert set(spec) == {*BY_HAND.values(), "guid", "state", *SECTIONS, *(row.option for row in SETTINGS_FIELDS)}


def test_every_exception_is_a_condition_and_most_conditions_are_exceptions() -> None:
    assert [row.option for row in SECTIONS["exceptions"]] == [row.option for row in SECTIONS["conditions"]]


def test_every_property_that_exchange_returns_has_a_place() -> None:
    options = {row.output or row.parameter for _section, row in rows()}
    prompts = {name for name in rule_properties() if "ContentMatchesPrompt" in name}
    assert (
        set(rule_properties()) - options - DESCRIPTIVE_PROPERTIES - set(DLP_PROPERTIES) - set(EDGE_PROPERTIES) - prompts
        == set()
    )


def test_groups_name_options_that_exist_once() -> None:
    for section, groups in GROUPS.items():
        options = {row.option: row for row in SECTIONS[section]}
        grouped = [option for group in groups for option in group.options]
        assert len(grouped) == len(set(grouped))
        for group in groups:
            assert {*group.needs, *group.fills} <= set(group.options) <= set(options)
            for option, value in group.fills.items():
                assert options[option].parse(value) == value


def test_attributes_are_those_of_the_cmdlet() -> None:
    assert sorted(ATTRIBUTES) == sorted(NEW["ADComparisonAttribute"].values)
