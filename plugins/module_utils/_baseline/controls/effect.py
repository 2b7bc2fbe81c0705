# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether rules that encrypt act, beyond matching their declaration. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import same_name
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import value_text
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.approval import doing
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    LOOKS,
    SETTINGS_OF_A_NEW_RULE,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import (
    DeclaredRule,
    Rule,
    encrypts,
    idle,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.stored import rules_of

#: What a rule of the role has where it does not say so: what Exchange gives a new rule.
WHOLE: Mapping[str, Any] = {
    "enabled": True,
    "mode": "Enforce",
    "activation_date": "",
    "expiry_date": "",
    "exceptions": {},
}


def whole(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as the role wants it. Options that it does not name get the defaults of a new rule, instead of staying as
    they are.

    Conditions and actions have no default: a rule without conditions takes all mail, and a rule without actions does
    not exist.
    """
    given = {option: value for option, value in rule.items() if value is not None}
    return given if given.get("state") == "absent" else {**WHOLE, **given}


def shortcomings(wanted: Sequence[DeclaredRule], organization: Organization) -> list[str]:
    """Why the rules do less than they seem to, as sentences; empty if at least one encrypts, and each acts or is
    declared in a test mode.

    :param wanted: the rules as declared. The plan reports those that do not exist.
    """
    rules = rules_of(organization)
    present = [
        (declared, found) for declared in wanted if declared.state == "present" and (found := _stored(declared, rules))
    ]
    encrypting = [(declared, rule) for declared, rule in present if encrypts(doing(rule.sections))]
    sentences = [] if encrypting else ["No rule of the list exists that encrypts."]
    for declared, rule in encrypting:
        sentences += [
            f"{rule.name!r} {reason}."
            for option, reason in idle(rule.enabled, rule.settings).items()
            if not _is_meant(declared, option)
        ]
        for section in ("conditions", "exceptions"):
            more = [] if section in declared.sections else list(rule.sections[section])
            if more:
                sentences.append(
                    f"{rule.name!r} has {section} that are not declared ({', '.join(more)}): declare them, or set {section}: {{}}."
                )
        for option in LOOKS:
            value = rule.settings[option]
            if option not in declared.settings and value not in (None, SETTINGS_OF_A_NEW_RULE[option]):
                text = f"{option}: {value_text(value, str)}, which is not declared but affects which mail its conditions match"
                sentences.append(f"{rule.name!r} has {text}: declare it.")
    return sentences


def remarks(wanted: Sequence[DeclaredRule], organization: Organization) -> list[str]:
    """The rules that are declared in a test mode, as sentences."""
    rules = rules_of(organization)
    found = [
        (declared, rule) for declared in wanted if declared.state == "present" and (rule := _stored(declared, rules))
    ]
    return [
        f"{rule.name!r} {reason}, as declared: it does not act."
        for declared, rule in found
        if encrypts(doing(rule.sections))
        for option, reason in idle(rule.enabled, rule.settings).items()
        if _is_meant(declared, option)
    ]


def _is_meant(declared: DeclaredRule, option: str) -> bool:
    """Whether a rule is declared not to act yet, in a test mode."""
    return option == "mode" and declared.settings.get("mode", "Enforce") != "Enforce"


def _stored(declared: DeclaredRule, rules: Sequence[Rule]) -> Rule | None:
    by_guid = next((rule for rule in rules if declared.guid and rule.guid == declared.guid), None)
    return by_guid or next((rule for rule in rules if same_name(rule.name, declared.name)), None)
