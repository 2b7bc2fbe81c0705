# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of a declared rule: their meaning in this organization, what differs, and what is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._exchange.cmdlet import Value
from ..table import Field
from .fields import AMBIENT, GROUPS, SECTIONS
from .rule import DeclaredRule, RmsTemplates, by_rms_template_name


def given_sections(wanted: DeclaredRule, templates: RmsTemplates) -> dict[str, dict[str, Any]]:
    """The given sections, with RMS templates by their canonical names."""
    sections = wanted.sections
    return (
        {**sections, "actions": by_rms_template_name(sections["actions"], templates)}
        if "actions" in sections
        else sections
    )


def differing(section: str, wanted: Mapping[str, Any], stored: Mapping[str, Any], *, restoring: bool) -> list[str]:
    """The options of a section that differ.

    :param restoring: compare also what a portal adds on its own.
    """
    return [
        field.option
        for field in SECTIONS[section]
        if (field.option in wanted or (field.option in stored and (restoring or field.option not in AMBIENT)))
        and not field.equal(wanted.get(field.option), stored.get(field.option))
    ]


def section_parameters(
    section: str, wanted: Mapping[str, Any], stored: Mapping[str, Any], options: Sequence[str], templates: RmsTemplates
) -> dict[str, Value]:
    """The parameters for some options of a section, and for the options that Exchange treats as a unit with them."""
    in_same_group = {
        option
        for group in GROUPS[section]
        if set(group.options) & set(options)
        for option in group.options
        if option in wanted or option in stored
    }
    fields = [field for field in SECTIONS[section] if field.option in options or field.option in in_same_group]
    return {field.parameter: sent(field, wanted.get(field.option), templates) for field in fields}


def sent(field: Field, value: Any, templates: RmsTemplates) -> Value:
    """A value in the form that Exchange accepts."""
    return (
        templates.sendable(value) if field.option == "apply_rights_protection_template" and value else field.send(value)
    )


def remedy_for(parameters: Mapping[str, Value], templates: RmsTemplates) -> str:
    """What to do if Exchange refuses the parameters: an RMS template that it does not list, or a null for a switch
    whose false has a meaning.
    """
    if any(
        field.listed[1] and parameters.get(field.parameter, field) is None
        for fields in SECTIONS.values()
        for field in fields
    ):
        return (
            "A PowerShell session accepts no null for has_no_classification, and false has another meaning. Remove the condition in the portal, "
            "or over the rest transport."
        )
    if templates.listed or not parameters.get("ApplyRightsProtectionTemplate"):
        return ""
    return (
        f"{templates.unlisted[0].upper()}{templates.unlisted[1:]}. Exchange lists none while internal_licensing_enabled of the IRM configuration "
        "is off, while the service is not activated (Enable-AipService activates it), or to callers who may not see them. "
        "Then the names of Encrypt and Do Not Forward in the organization's language are unknown."
    )
