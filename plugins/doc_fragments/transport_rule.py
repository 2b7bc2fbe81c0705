# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    SECTIONS,
    SETTINGS_FIELDS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.topics import MOST_USED, TOPICS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field

_SECTION_DOCS = {
    "conditions": "The messages that the rule applies to. All conditions must be true; in a list, one value is enough. C({}) matches every message.",
    "exceptions": "The messages that the rule leaves alone although they match O(REPLACEconditions). One exception is enough. C({}) means no exceptions.",
    "actions": "What the rule does.",
}


def _option(row: Field, prefix: str, topic: str = "") -> dict[str, Any]:
    """An option with its topic, its description, and its name in PowerShell."""
    text = re.sub(r"O\((\w+\.)", rf"O({prefix}\1", row.doc)
    return {"description": [f"{f'{topic}: ' if topic else ''}{text} PowerShell: C({row.parameter})."], **row.kind.spec}


def _exception(row: Field, prefix: str) -> dict[str, Any]:
    """An exception, which refers to its condition."""
    return {"description": [f"As O({prefix}conditions.{row.option}). PowerShell: C({row.parameter})."], **row.kind.spec}


def _by_topic(section: str, prefix: str) -> list[str]:
    """The options of a section by topic, the most used first."""
    if section not in TOPICS:
        return []
    most = ", ".join(f"O({prefix}{section}.{option})" for option in MOST_USED[section])
    return [
        f"Most used - {most}.",
        *(
            f"{topic} - {', '.join(f'C({option})' for option in options)}."
            for topic, options in TOPICS[section].items()
        ),
    ]


def _suboptions(section: str, fields: Sequence[Field], prefix: str) -> dict[str, Any]:
    if section not in TOPICS:
        return {row.option: _exception(row, prefix) for row in fields}
    rows = {row.option: row for row in fields}
    return {
        option: _option(rows[option], prefix, topic) for topic, options in TOPICS[section].items() for option in options
    }


def _rule_options(prefix: str = "") -> dict[str, Any]:
    """The documentation of one rule's options, from the table. ``prefix`` is the path to the rule."""
    sections = {
        section: {
            "description": [
                _SECTION_DOCS[section].replace("REPLACE", prefix),
                "A section is authoritative: anything else in it is removed. An omitted section is left alone.",
                *_by_topic(section, prefix),
                *([] if section in TOPICS else ["Each exception has the same name and type as its condition."]),
            ],
            "type": "dict",
            "suboptions": _suboptions(section, fields, prefix),
        }
        for section, fields in SECTIONS.items()
    }
    return {
        "name": {
            "description": [
                "The rule's name, at most 64 characters. PowerShell: C(Name).",
                f"Together with O({prefix}guid) it renames the rule.",
            ],
            "type": "str",
        },
        "guid": {
            "description": [
                "The rule's GUID. It stays the same when the rule is renamed. PowerShell: C(Identity).",
                f"If no rule has this GUID, O({prefix}name) identifies the rule.",
            ],
            "type": "str",
        },
        "state": {
            "description": ["Whether the rule exists. PowerShell: C(New-TransportRule), C(Remove-TransportRule)."],
            "type": "str",
            "choices": ["present", "absent"],
            "default": "present",
        },
        "enabled": {
            "description": [
                "Whether the rule is enabled. A new rule is enabled by default.",
                "PowerShell: C(Enabled) for a new rule, then C(Enable-TransportRule) and C(Disable-TransportRule).",
            ],
            "type": "bool",
        },
        "priority": {
            "description": [
                "The rule's position; V(0) is the first. The rules after it move. PowerShell: C(Priority).",
                "In a list of rules the order of the list counts instead. The option is accepted there so that you can apply a rule as it was returned.",
            ],
            "type": "int",
        },
        **{row.option: _option(row, prefix) for row in SETTINGS_FIELDS},
        **sections,
    }


def _documentation(options: dict[str, Any]) -> str:
    return str(yaml.safe_dump({"options": options}, sort_keys=False, width=160))


#: The place of a rule that is added to others. A list of all rules is in order.
_PLACES = {
    "priority": {
        "description": [
            "The rule's position, counted from V(0) for the first, when it is added. Without a place, it is the last rule. PowerShell: C(Priority).",
        ],
        "type": "int",
    },
    "place_before": {
        "description": [
            "The name of the rule that it directly precedes, one that is there or an earlier one of this list."
        ],
        "type": "str",
    },
    "place_after": {
        "description": [
            "The name of the rule that it directly follows, one that is there or an earlier one of this list."
        ],
        "type": "str",
    },
}


def _rules(
    option: str, *description: str, required: bool, places: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """The documentation of an option that is a list of rules."""
    row = {
        "description": list(description),
        "type": "list",
        "elements": "dict",
        "suboptions": {**_rule_options(f"{option}[]."), **places},
    }
    return {option: {**row, "required": True} if required else row}


class ModuleDocFragment:
    """The options of a mail flow rule, from the table that defines rules everywhere else."""

    DOCUMENTATION: ClassVar[str] = _documentation(_rule_options())

    RULES: ClassVar[str] = _documentation(_rules("rules", "The rules, in order.", required=True))

    PROPOSED: ClassVar[str] = _documentation(
        _rules(
            "rules",
            "A proposed rule set: all of the organization's rules, in order. An option that a rule omits has Exchange's default.",
            "A disabled rule may have the retired actions C(apply_ome) and C(remove_ome).",
            required=False,
        )
    )

    ADDED: ClassVar[str] = _documentation(
        _rules(
            "add_rules",
            "Rules in addition to the others, each in its place. An option that a rule omits has Exchange's default.",
            "The result is compared with the rules without them, unless O(compare_with) is given.",
            required=False,
            places=_PLACES,
        )
    )
