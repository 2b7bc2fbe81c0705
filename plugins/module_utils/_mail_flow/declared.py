# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees with their values in the form that rules have, whoever gives them. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.guarantees import GUARANTEES_ARGUMENT_SPEC, Guarantee, guarantees_of
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import rule_argument_spec
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import declare_section

#: Section of a guarantee to the section of a rule that it is like.
_LIKE = {"when": "conditions", "unless": "exceptions"}

#: The sections, with their options as a rule has them.
_SECTIONS: dict[str, dict[str, Any]] = {name: {"type": "dict", "options": rule_argument_spec()[like]["options"]} for name, like in _LIKE.items()}

#: A guarantee, with its sections as a rule has them.
TYPED_GUARANTEES_ARGUMENT_SPEC: dict[str, Any] = {**GUARANTEES_ARGUMENT_SPEC, "options": {**GUARANTEES_ARGUMENT_SPEC["options"], **_SECTIONS}}


def declared_guarantees(given: Sequence[Mapping[str, Any]], where: str = "guarantees") -> list[Guarantee]:
    """Guarantees as an option has them, their sections checked and completed as a rule's are.

    :raises OptionError: what is wrong with one, by name.
    """
    rows = [{key: value for key, value in row.items() if value is not None} for row in given]
    read = guarantees_of(rows, where)
    return [
        replace(each, when=_declared("when", each.when, f"{where}[{index}]"), unless=_declared("unless", each.unless, f"{where}[{index}]"))
        for index, each in enumerate(read)
    ]


def _declared(section: str, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    validation, errors = validate({section: dict(values)}, {section: _SECTIONS[section]})
    if errors:
        raise OptionError(f"{where}: {'; '.join(errors)}")
    return declare_section(_LIKE[section], validation.validated_parameters[section], f"{where}.{section}.")
