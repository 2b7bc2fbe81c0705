# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the rules and facts of a test come from: options, the organization, or a file, which is an export, a snapshot,
a capture, or the info module's output.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._engine.arguments import validate
from ..._engine.context import ModuleContext
from ..._exchange.capture import Capture, capture_of, name_of_call, not_captured
from ..._exchange.cmdlet import Call, Result
from ..._exchange.errors import OptionError, PermissionDeniedError
from ..._exchange.organization import COMPLIANCE_FACTS, MAIL_FACTS, MOST_PEOPLE, Organization, read, reads_of
from ..._exchange.permissions import why_not_read
from ..._resources.organization_state import describe
from ..._resources.rights_management import RMS_TEMPLATES
from ..._resources.rules.action_effects import Does
from ..._resources.rules.fields import DLP_CONDITIONS, DLP_POLICY_PROPERTIES, EDGE_PROPERTIES, rule_argument_spec
from ..._resources.rules.organization_rules import rules_of
from ..._resources.rules.rule import Rule, proposed_rules
from ..model.addresses import domain
from ..model.facts import Facts
from ..model.message import Message
from ..rules.dlp_rules import DlpRules
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .added_rules import declared_additions, with_added
from .directory import facts_of_directory, read_directory
from .guarantee_options import Guarantee
from .message_options import MESSAGES_ARGUMENT_SPEC
from .messages import Case
from .observations import CountedObservations, observations_of, observed_of
from .parsing import DIALECTS, facts_of


@dataclass
class MailFlowContext(ModuleContext):
    """A task that can read files of rules.

    :param load: returns the content of a YAML or JSON file, by the path that a user gave.
    :param to_yaml: writes a value as YAML for people.
    :param connected: whether the host is an organization, whose facts count for the rules of a file.
    """

    load: Callable[[str], Any] = lambda path: None
    to_yaml: Callable[[Any], str] = json.dumps
    connected: bool = False


#: The argument spec of rules.
RULES_ARGUMENT_SPEC: dict[str, Any] = {"type": "list", "elements": "dict", "options": rule_argument_spec()}

#: Whether the compliance endpoint is asked, as the option of a module.
COMPLIANCE_ARGUMENT_SPEC: dict[str, Any] = {"compliance": {"type": "bool", "default": False}}

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


@dataclass(frozen=True)
class TestedRules:
    """What a task tests.

    :param rules: the tested rules.
    :param facts: the facts under which they are tested, as the option ``facts`` takes them.
    :param unavailable: why some facts could not be read, by fact.
    :param without: the rules without those that the task adds; ``None`` if it adds none.
    :param observed: what was observed in the organization.
    :param organization: where the rules were read; ``None`` if they were told.
    """

    rules: RuleSet
    facts: dict[str, Any]
    unavailable: dict[str, str]
    without: RuleSet | None
    observed: CountedObservations = field(default_factory=CountedObservations)
    organization: Organization | None = None


def tested_rules(
    task: MailFlowContext,
    cases: Sequence[Case],
    others: RuleSet | None,
    guarantees: Sequence[Guarantee],
    *,
    every_fact: bool,
    compliance: bool,
) -> TestedRules:
    """The rules that a task tests, with their facts, and with what was observed. One round trip, and more where rules or
    guarantees name groups, people by a name, or managers.

    :param every_fact: whether mail of every kind passes the rules, so that every fact is needed.
    :param compliance: whether the compliance endpoint is asked for those that nobody told.
    """
    tested = _read_rules(task, cases, others, guarantees, every_fact=every_fact, compliance=compliance)
    observed = observed_for(task, tested.rules)
    return replace(tested, facts=with_observed(tested.facts, observed), observed=observed)


def observed_for(task: MailFlowContext, rules: RuleSet) -> CountedObservations:
    """What the file of observations says of an organization with these rules.

    :raises OptionError: it cannot be read, or is of another organization.
    """
    path = task.params.get("observations")
    if not path:
        return CountedObservations()
    here = task.describe().organization_name if task.connected else ""
    observations = observations_of(task.load(path), f"observations: {path}", here)
    today = datetime.datetime.now(datetime.UTC).date()
    return observed_of(observations, rules, today, task.params["observations_max_age"])


def with_observed(facts: Mapping[str, Any], observed: CountedObservations) -> dict[str, Any]:
    """Facts, with what was observed as one more."""
    return {**facts, **observed.facts}


def _read_rules(
    task: MailFlowContext,
    cases: Sequence[Case],
    others: RuleSet | None,
    guarantees: Sequence[Guarantee],
    *,
    every_fact: bool,
    compliance: bool,
) -> TestedRules:
    """The rules that a task tests, with their facts."""
    params = task.params
    facts_given = given_facts(task.params)
    added = params["add_rules"] or []
    if params["source"]:
        naming = [RuleSet(declared_additions(added)), RuleSet(guarantee.selection for guarantee in guarantees)]
        document = document_of(task.load(params["source"]), f"source: {params['source']}", naming)
        is_asked = task.connected and params["facts"] is None
        known = None if is_asked else {**document.facts, **facts_given}
        asks = {"every_fact": every_fact, "compliance": compliance}
        return _with_facts(task, document.rules, known, cases, others, guarantees, **asks)
    if params["rules"] is not None:
        rules = proposed_rules(params["rules"], "rules")
        known = None if params["facts"] is None else facts_given
        asks = {"every_fact": every_fact, "compliance": compliance}
        return _with_facts(task, rules, known, cases, others, guarantees, **asks)
    subsets = facts_not_in(facts_given, compliance=compliance)
    organization = read(task.session, [*RULE_SUBSETS, *subsets], fresh=True)
    rules = rules_from(organization)
    whole, without = _sets(rules, added)
    facts, unavailable = _with_people(task, whole, others, guarantees, *facts_from(organization, subsets))
    return TestedRules(whole, facts, unavailable, without, organization=organization)


def _sets(rules: Sequence[Mapping[str, Any]], added: Sequence[Mapping[str, Any]]) -> tuple[RuleSet, RuleSet | None]:
    """All rules, and, if some are added, those without these."""
    return RuleSet(with_added(rules, added)), RuleSet(rules) if added else None


#: The options that ask for statements about all mail.
_PROVING = ("guarantees", "lint", "overview", "simplify")


def _subsets_of_proofs(guarantees: Iterable[Guarantee]) -> list[str]:
    """The facts that a proof needs: it is about all mail, so these are all about who is inside."""
    expires = any(guarantee.expires_within_days for guarantee in guarantees)
    return [*PROOF_SUBSETS, *(["ome_configurations"] if expires else [])]


def _with_facts(
    task: MailFlowContext,
    rules: Sequence[Mapping[str, Any]],
    known: dict[str, Any] | None,
    cases: Sequence[Case],
    others: RuleSet | None,
    guarantees: Sequence[Guarantee],
    *,
    every_fact: bool,
    compliance: bool,
) -> TestedRules:
    """Rules that are not read of the organization, with those that the task adds and with their facts.

    :param known: the facts, if the organization is not asked for any but those of the compliance endpoint.
    """
    whole, without = _sets(rules, task.params["add_rules"] or [])
    if known is not None:
        # A host that is no organization has no endpoint to ask.
        asks = compliance and task.connected
        facts, unavailable = _read_facts(task, _compliance_facts_not_in(known) if asks else [])
        return TestedRules(whole, {**facts, **known}, unavailable, without)
    facts_given = given_facts(task.params)
    subsets = facts_not_in(facts_given)
    if not every_fact:
        needed = facts_needed([whole, *([others] if others else [])], [case.message for case in cases], facts_given)
        if others is not None or without is not None or any(task.params[name] for name in _PROVING):
            needed += _subsets_of_proofs(guarantees)
        subsets = [name for name in subsets if name in needed]
    facts, unavailable = _read_facts(task, [*subsets, *(_compliance_facts_not_in(facts_given) if compliance else [])])
    return TestedRules(whole, *_with_people(task, whole, others, guarantees, facts, unavailable), without)


def _compliance_facts_not_in(facts: Mapping[str, Any]) -> list[str]:
    return [name for name in COMPLIANCE_FACTS if facts.get(name) is None]


def _read_facts(task: MailFlowContext, subsets: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts of some subsets, and why some could not be read. Without subsets, nothing is asked."""
    return facts_from(read(task.session, subsets, fresh=True), subsets) if subsets else ({}, {})


def organization_rules(
    task: MailFlowContext,
    guarantees: Sequence[Guarantee] = (),
    people: Sequence[str] = (),
    *,
    compliance: bool = False,
) -> tuple[Organization, RuleSet, dict[str, Any], dict[str, str]]:
    """What was read of the organization, its rules, every fact, and why some could not be read.

    :param guarantees: guarantees that may name groups and people, too.
    :param people: addresses of which the directory is asked whether they are groups, and of whom.
    :param compliance: whether the compliance endpoint is asked for its facts, too.
    """
    subsets = facts_not_in(given_facts(task.params), compliance=compliance)
    organization = read(task.session, [*RULE_SUBSETS, *subsets], fresh=True)
    rules = RuleSet(rules_from(organization))
    named = RuleSet([{"name": "people", "actions": {"blind_copy_to": list(people)}}] if people else [])
    return organization, rules, *_with_people(task, rules, named, guarantees, *facts_from(organization, subsets))


def _with_people(
    task: MailFlowContext,
    rules: RuleSet,
    others: RuleSet | None,
    guarantees: Sequence[Guarantee],
    facts_read: Mapping[str, Any],
    unavailable: Mapping[str, str],
) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts, what the directory says of those whom rules and guarantees name included, and why some could not be
    read.
    """
    facts_given = given_facts(task.params)
    facts, naming = {**facts_read, **facts_given}, [rules, *([others] if others else [])]
    naming.append(RuleSet(guarantee.selection for guarantee in guarantees))
    people, unread = facts_of_directory(read_directory(task.session, naming, facts), facts_given)
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
    facts: Mapping[str, Any], facts_given: Mapping[str, Any], others: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The IRM configuration for the other rules: that of their file, if it and the tested one are known. A given one
    applies to both.
    """
    now: Mapping[str, Any] | None = facts.get("irm_configuration")
    if now is None or facts_given.get("irm_configuration") is not None:
        return now
    return {**now, **{name: value for name, value in (others.get("irm_configuration") or {}).items() if name in now}}


@dataclass(frozen=True)
class Document:
    """What a file says about an organization.

    :param rules: its rules, as a rule set takes them.
    :param facts: its facts, as the option ``facts`` takes them.
    """

    rules: list[dict[str, Any]]
    facts: dict[str, Any] = field(default_factory=dict)


def document_of(content: Any, where: str, naming: Sequence[RuleSet] = ()) -> Document:
    """The document in a loaded file.

    :param where: the file, for an error.
    :param naming: what may name groups and people whom no rule of the file names.
    :raises OptionError: it does not contain rules.
    """
    # An artifact is a list: the document, and words that prevent loading it as variables.
    if isinstance(content, list) and content and all(isinstance(line, str) for line in content[1:]):
        content = content[0]
    if isinstance(content, Mapping) and isinstance(content.get("reads"), list):
        return _of_capture(capture_of(content, f"source: {where}"), where, naming)
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
    facts = (key for key in (*FACT_SUBSETS, *COMPLIANCE_FACTS) if key != "organization")
    return {key: state[key] for key in facts if state.get(key) is not None}


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


def _of_capture(capture: Capture, where: str, naming: Sequence[RuleSet]) -> Document:
    answers = capture.answers()
    known = (*FACT_SUBSETS, *COMPLIANCE_FACTS)
    subsets = (*RULE_SUBSETS, *known)
    reads = reads_of(subsets)
    organization = Organization(
        reads, {name: answers.get(name_of_call(call)) or not_captured(call, where) for name, call in reads.items()}
    )
    rules = rules_from(organization)
    facts = facts_from(organization, known)[0]
    session = _CaptureSession(answers, where)
    people = facts_of_directory(read_directory(session, [RuleSet(rules), *naming], facts), {})[0]
    return Document(rules, {**facts, **people})


@dataclass(frozen=True)
class _CaptureSession:
    """A session that answers from a capture only."""

    answers: Mapping[str, Result]
    where: str

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        return [self.answers.get(name_of_call(call)) or not_captured(call, self.where) for call in calls]


#: Subsets that hold the rules, and those that hold facts.
RULE_SUBSETS = ("transport_rules", RMS_TEMPLATES)


FACT_SUBSETS = (
    "organization",
    *MAIL_FACTS,
    "irm_configuration",
    RMS_TEMPLATES,
    "ome_configurations",
    "owa_mailbox_policies",
)


#: The name of a subset's fact, if it is not the subset's own name.
_FACTS = {"organization": "organization_config"}


#: Optional subsets: if their reads fail, they are unknown, and nothing fails.
_TOLERANT = ("organization", "outbound_connectors", "mail_users", "journal_rules", RMS_TEMPLATES, *COMPLIANCE_FACTS)


#: The subsets without which little can be said about all mail.
PROOF_SUBSETS = (
    "organization",
    "accepted_domains",
    "remote_domains",
    "outbound_connectors",
    "mail_users",
    "journal_rules",
    "irm_configuration",
    RMS_TEMPLATES,
)


def facts_not_in(facts_given: Mapping[str, Any], *, compliance: bool = False) -> list[str]:
    """The subsets whose facts were not given.

    :param compliance: whether those of the compliance endpoint are among them.
    """
    subsets = (*FACT_SUBSETS, *COMPLIANCE_FACTS) if compliance else FACT_SUBSETS
    return [subset for subset in subsets if facts_given.get(_FACTS.get(subset, subset)) is None]


def rules_from(organization: Organization) -> list[dict[str, Any]]:
    """The rules as a rule set takes them, including rules that no module can write."""
    return [_rule(rule) for rule in rules_of(organization)]


def _rule(rule: Rule) -> dict[str, Any]:
    described = rule.describe()
    unknown = {section: _open_parts(section, names) for section, names in rule.unknown.items()}
    return {
        **described,
        # An unknown property may be a condition or an action.
        **{
            section: {**described[section], **{name: rule.properties[name] for name in names}}
            for section, names in unknown.items()
        },
        "dlp_policy": rule.dlp_policy,
        "is_rule_configuration_supported": rule.properties.get("IsRuleConfigurationSupported"),
    }


def _open_parts(section: str, names: Iterable[str]) -> list[str]:
    """The unknown properties that may decide, in this section, what a rule does."""
    decided = {*DLP_POLICY_PROPERTIES, *EDGE_PROPERTIES, *(DLP_CONDITIONS if section == "actions" else ())}
    return [name for name in names if name not in decided]


def facts_from(organization: Organization, subsets: Iterable[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts that were read, in the form of the option ``facts``, and the reasons for those that may not be read.

    An empty answer about domains is not an answer: every organization has at least one of each kind. Any other failed
    read is raised.
    """
    facts: dict[str, Any] = {}
    unavailable: dict[str, str] = {}
    for subset in subsets:
        error = organization.error(subset)
        if isinstance(error, PermissionDeniedError) or (error is not None and subset in _TOLERANT):
            shared = why_not_read(error) if subset in COMPLIANCE_FACTS else ""
            unavailable[_FACTS.get(subset, subset)] = shared or str(error)
            continue
        if subset == "organization":
            facts.update(_organization_config(organization))
            continue
        described = describe(organization, [subset])[subset]
        if subset == "mail_users" and len(organization.objects(subset)) > MOST_PEOPLE:
            unavailable[subset] = f"Get-MailUser shows more than {MOST_PEOPLE} mail users, so not all are known."
            continue
        if subset in ("accepted_domains", "remote_domains") and not described:
            unavailable[subset] = "Exchange showed none, and every organization has at least one."
        else:
            facts[subset] = described
    return facts, unavailable


def facts_needed(
    rule_sets: Iterable[RuleSet], messages: Sequence[Message], facts_given: Mapping[str, Any]
) -> list[str]:
    """The subsets of facts without which a result of these messages is unknown under one of the rule sets."""
    acting = [rule for rules in rule_sets for rule in rules.rules if not rule.idle]
    encrypting = facts_of({fact: facts_given[fact] for fact in ("dlp_policies", "labels") if facts_given.get(fact)})
    options = _options_looked_at(acting, encrypting)
    encrypts = _may_protect(acting, encrypting)
    shows_protection = encrypts or any(map(_may_be_protected, messages))
    # Mail for somebody inside may leave where a rule routes it.
    leaves = any(map(_has_others_domain, messages)) or any(map(_routes, acting))
    looks_at_scope = bool({"from_scope", "sent_to_scope"} & options)
    unauthenticated = any(message.authenticated is None for message in messages)
    wanted = {
        "organization": any(map(_has_plus_address, messages)),
        "accepted_domains": looks_at_scope or shows_protection or leaves,
        "remote_domains": "sent_to_scope" in options or shows_protection,
        "mail_users": looks_at_scope or encrypts,
        "journal_rules": False,
        "inbound_connectors": ("from_scope" in options or encrypts) and unauthenticated,
        "outbound_connectors": leaves,
        "irm_configuration": shows_protection,
        RMS_TEMPLATES: shows_protection,
        "ome_configurations": shows_protection,
        "owa_mailbox_policies": shows_protection,
    }
    return [subset for subset in facts_not_in(facts_given) if wanted[subset]]


def _options_looked_at(acting: Iterable[FlowRule], facts: Facts) -> set[str]:
    """The options of the conditions of mail flow rules and of DLP rules."""
    atoms = [atom for rule in acting for atom in rule.criteria.atoms]
    if isinstance(facts.encrypters.dlp_policies, DlpRules):
        atoms += facts.encrypters.dlp_policies.leaves.atoms
    return {option for atom in atoms for option in atom.predicate.options}


def _may_protect(acting: Iterable[FlowRule], facts: Facts) -> bool:
    """Whether a mail flow rule encrypts, or a DLP rule or a label changes how mail is protected."""
    if any(rule.actions.does(Does.ENCRYPT) for rule in acting) or any(
        label.changes_mail for label in facts.encrypters.labels or ()
    ):
        return True
    return isinstance(facts.encrypters.dlp_policies, DlpRules) and any(
        rule.does.changes_mail for rule in facts.encrypters.dlp_policies.rules
    )


def _routes(rule: FlowRule) -> bool:
    """Whether a rule sends mail to a connector."""
    return "route_message_outbound_connector" in rule.actions.does(Does.ROUTE)


def _may_be_protected(message: Message) -> bool:
    """Whether a message is protected by rights, or may be."""
    return message.protection is None or message.protection.by_rights


def _has_plus_address(message: Message) -> bool:
    return any("+" in address for address in (message.sender, *_recipients(message)))


def _recipients(message: Message) -> tuple[str, ...]:
    return (*message.to, *message.cc, *message.bcc)


def _has_others_domain(message: Message) -> bool:
    """Whether a recipient is in another domain than the sender."""
    return any(domain(address) != domain(message.sender) for address in _recipients(message))


def _organization_config(organization: Organization) -> dict[str, Any]:
    """Whether plus addressing is off, if the organization says so. Exchange on-premises does not."""
    off = organization.only("organization").get("DisablePlusAddressInRecipients")
    return {} if off is None else {"organization_config": {"disable_plus_address_in_recipients": bool(off)}}
