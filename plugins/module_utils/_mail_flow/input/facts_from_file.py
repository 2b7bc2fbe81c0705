# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules and facts from a file: an export, a snapshot, a capture, or the info module's output. Private to the
collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.capture import (
    Capture,
    capture_of,
    name_of_call,
    not_captured,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    Organization,
    reads_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.directory import (
    facts_of_directory,
    read_directory,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.facts_from_organization import (
    FACT_SUBSETS,
    RULE_SUBSETS,
    facts_from,
    rules_from,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    Guarantee,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet


@dataclass(frozen=True)
class Document:
    """What a file says about an organization.

    :param rules: its rules, as a rule set takes them.
    :param facts: its facts, as the option ``facts`` takes them.
    """

    rules: list[dict[str, Any]]
    facts: dict[str, Any] = field(default_factory=dict)


def document_of(content: Any, where: str, guarantees: Sequence[Guarantee] = ()) -> Document:
    """The document in a loaded file.

    :param where: the file, for an error.
    :param guarantees: what may name groups and people whom no rule names.
    :raises OptionError: it does not contain rules.
    """
    # An artifact is a list: the document, and words that prevent loading it as variables.
    if isinstance(content, list) and content and all(isinstance(each, str) for each in content[1:]):
        content = content[0]
    if isinstance(content, Mapping) and isinstance(content.get("reads"), list):
        return _of_capture(capture_of(content, f"source: {where}"), where, guarantees)
    if isinstance(content, Mapping):
        state = (
            content.get("state")
            if content.get("kind") == "snapshot"
            else content.get("message_encryption_state", content)
        )
        if isinstance(state, Mapping) and isinstance(state.get("transport_rules"), list):
            return Document(_in_order(state, content.get("order") or []), _facts_in(state))
    raise OptionError(
        f"{where} holds no mail flow rules.",
        remedy="Give an export, a snapshot or a capture of this collection, or what message_encryption_info returned.",
    )


def _facts_in(state: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a state. Its part about the organization only identifies it, so that is not a fact."""
    return {key: state[key] for key in FACT_SUBSETS if key != "organization" and state.get(key) is not None}


def _in_order(state: Mapping[str, Any], order: list[str]) -> list[dict[str, Any]]:
    """The rules, first to last. Nothing is known about a rule that the file only names."""
    rules = [dict(rule) for rule in state["transport_rules"]]
    named = [_only_named(rule) for rule in state.get("transport_rules_unsupported") or ()]
    places = {guid: place for place, guid in enumerate(order)}
    whole = sorted([*rules, *named], key=lambda rule: places.get(rule.get("guid", ""), len(places)))
    return [{key: value for key, value in rule.items() if key != "priority"} for rule in (whole if named else rules)]


def _only_named(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **rule,
        "conditions": {"which the file does not hold": True},
        "actions": {"which the file does not hold": True},
    }


def _of_capture(capture: Capture, where: str, guarantees: Sequence[Guarantee]) -> Document:
    found = capture.answers()
    subsets = (*RULE_SUBSETS, *FACT_SUBSETS)
    reads = reads_of(subsets)
    organization = Organization(
        reads, {name: found.get(name_of_call(call)) or not_captured(call, where) for name, call in reads.items()}
    )
    rules, facts = rules_from(organization), facts_from(organization, FACT_SUBSETS)[0]
    naming = [RuleSet(rules), RuleSet(each.selection for each in guarantees)]
    people = facts_of_directory(read_directory(_Recorded(found, where), naming, facts), {})[0]
    return Document(rules, {**facts, **people})


@dataclass(frozen=True)
class _Recorded:
    """A session that answers from a capture only."""

    answers: Mapping[str, Result]
    where: str

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        return [self.answers.get(name_of_call(call)) or not_captured(call, self.where) for call in calls]
