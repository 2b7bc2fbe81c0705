# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the rules and facts of a test come from: options, files, or the organization. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization, read
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.context import MailFlowContext
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.directory import (
    facts_of_directory,
    read_directory,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.facts_from_file import (
    document_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.facts_from_organization import (
    PROOF_SUBSETS,
    RULE_SUBSETS,
    facts_from,
    facts_needed,
    facts_not_in,
    rules_from,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    Guarantee,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.messages import (
    MESSAGES_ARGUMENT_SPEC,
    Case,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import DIALECTS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import rule_argument_spec
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import proposed_rules

#: The argument spec of rules.
RULES_ARGUMENT_SPEC: dict[str, Any] = {"type": "list", "elements": "dict", "options": rule_argument_spec()}

#: How patterns are read, as the option of a module.
DIALECT_ARGUMENT_SPEC: dict[str, Any] = {"type": "str", "choices": list(DIALECTS)}


def given_messages(task: MailFlowContext) -> tuple[Sequence[Mapping[str, Any]], str]:
    """The messages of a test from the option or the file, and the name of the option."""
    path = task.params["messages_path"]
    if path is None:
        return task.params["messages"] or [], "messages"
    content = task.load(path)
    if not isinstance(content, list):
        raise OptionError(f"messages_path: {path} has no list of messages.", remedy="Write it as the option messages.")
    return _validated("messages_path", content, MESSAGES_ARGUMENT_SPEC), "messages_path"


def given_facts(params: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that the options of a task give, how patterns are read included."""
    return {**(params["facts"] or {}), **({"dialect": params["dialect"]} if params["dialect"] else {})}


def tested_rules(
    task: MailFlowContext, cases: Sequence[Case], others: RuleSet | None, guarantees: Sequence[Guarantee]
) -> tuple[RuleSet, dict[str, Any], dict[str, str]]:
    """The tested rules, the facts, and why some facts could not be read. One round trip, and more where rules or
    guarantees name groups, people by a name, or managers.
    """
    params, given = task.params, given_facts(task.params)
    if params["source"]:
        document = document_of(task.load(params["source"]), f"source: {params['source']}", guarantees)
        return RuleSet(document.rules), {**document.facts, **given}, {}
    proposed = None if params["rules"] is None else RuleSet(proposed_rules(params["rules"], "rules"))
    if proposed is not None and params["facts"] is not None:
        return proposed, given, {}
    if proposed is None:
        wanted = facts_not_in(given)
        organization = read(task.session, [*RULE_SUBSETS, *wanted], fresh=True)
        rules, (found, unavailable) = RuleSet(rules_from(organization)), facts_from(organization, wanted)
    else:
        rules, wanted = (
            proposed,
            facts_needed([proposed, *([others] if others else [])], [case.message for case in cases], given),
        )
        if params["guarantees"] or params["overview"] or params["simplify"] or others is not None:
            # A proof is about all mail, so it needs every fact about who is inside.
            expiry = ["ome_configurations"] if any(each.expires_within_days for each in guarantees) else []
            wanted = [name for name in facts_not_in(given) if name in wanted or name in (*PROOF_SUBSETS, *expiry)]
        found, unavailable = facts_from(read(task.session, wanted, fresh=True), wanted) if wanted else ({}, {})
    return rules, *_with_people(task, [rules, *([others] if others else [])], guarantees, found, unavailable)


def replayed_rules(
    task: MailFlowContext, others: RuleSet | None, guarantees: Sequence[Guarantee]
) -> tuple[RuleSet, dict[str, Any], dict[str, str]]:
    """The rules that a trace is replayed through, the facts, and why some facts could not be read. Real mail is of
    every kind, so it needs every fact.
    """
    params, given = task.params, given_facts(task.params)
    if params["source"] or (params["rules"] is not None and params["facts"] is not None):
        return tested_rules(task, (), others, guarantees)
    subsets = facts_not_in(given)
    organization = read(task.session, [*(RULE_SUBSETS if params["rules"] is None else ()), *subsets], fresh=True)
    rules = RuleSet(rules_from(organization) if params["rules"] is None else proposed_rules(params["rules"], "rules"))
    found, unavailable = facts_from(organization, subsets)
    return rules, *_with_people(task, [rules, *([others] if others else [])], guarantees, found, unavailable)


def organization_rules(task: MailFlowContext) -> tuple[Organization, RuleSet, dict[str, Any], dict[str, str]]:
    """What was read of the organization, its rules, every fact, and why some could not be read."""
    subsets = facts_not_in(given_facts(task.params))
    organization = read(task.session, [*RULE_SUBSETS, *subsets], fresh=True)
    rules = RuleSet(rules_from(organization))
    return organization, rules, *_with_people(task, [rules], (), *facts_from(organization, subsets))


def _with_people(
    task: MailFlowContext,
    rule_sets: Sequence[RuleSet],
    guarantees: Sequence[Guarantee],
    found: Mapping[str, Any],
    unavailable: Mapping[str, str],
) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts, what the directory says of those whom rules and guarantees name included, and why some could not be
    read.
    """
    given = given_facts(task.params)
    facts = {**found, **given}
    people, unread = facts_of_directory(
        read_directory(task.session, [*rule_sets, RuleSet(each.selection for each in guarantees)], facts), given
    )
    return {**facts, **people}, {**unavailable, **unread}


def compared_rules(task: MailFlowContext) -> tuple[RuleSet | None, Mapping[str, Any]]:
    """The rules to compare with, and the facts of their file."""
    other = task.params["compare_with"]
    if other is None:
        return None, {}
    if isinstance(other, str):
        document = document_of(task.load(other), f"compare_with: {other}")
        return RuleSet(document.rules), document.facts
    return RuleSet(proposed_rules(_validated("compare_with", other, RULES_ARGUMENT_SPEC), "compare_with")), {}


def _validated(option: str, value: Any, spec: Mapping[str, Any]) -> Any:
    """The validated value of an option whose form depends on another option."""
    validation, errors = validate({option: value}, {option: spec})
    if errors:
        raise OptionError("; ".join(errors))
    return validation.validated_parameters[option]


def settings_before(
    facts: Mapping[str, Any], given: Mapping[str, Any], others: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The IRM configuration for the other rules: that of their file, if it and the tested one are known. A given one
    applies to both.
    """
    now: Mapping[str, Any] | None = facts.get("irm_configuration")
    if now is None or given.get("irm_configuration") is not None:
        return now
    return {**now, **{name: value for name, value in (others.get("irm_configuration") or {}).items() if name in now}}
