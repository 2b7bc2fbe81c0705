# SPDX-License-Identifier: GPL-3.0-or-later
"""The control of mail flow rules: the declared rules, whether those that encrypt act, the senders that they cover, and
Exchange's limits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._engine.plan import PlanWarning, warning
from ..._exchange.errors import ExchangeError, NotFoundError, OptionError
from ..._exchange.kinds import exact_bytes
from ..._exchange.list_kinds import Patterns
from ..._exchange.names import name_key, same_name
from ..._exchange.organization import Organization
from ..._exchange.spelling import meant
from ..._exchange.text import value_text
from ..._mail_flow.wording.plans import expired_sentence, trial_sentence
from ..._resources.rules.fields import LOOKS, SECTIONS, SETTINGS_OF_A_NEW_RULE
from ..._resources.rules.impact import OUTGOING
from ..._resources.rules.moderation import doing
from ..._resources.rules.organization_rules import RULE, rules_of
from ..._resources.rules.planner import refuse_double
from ..._resources.rules.rule import (
    BRANDS_ONLY,
    DeclaredRule,
    Rule,
    brands_only,
    declare,
    encrypts,
    idle_words,
    keeps_senders_inside,
)
from ..._resources.rules.rule_index import RuleBook
from ..._resources.rules.rule_plan import plan_rule
from .control import BaselineRequest, Outlook, Parts, WritingControl, named
from .findings import PREFIX, Finding
from .trial import LONGEST_NAME, Trial, trial_among, trial_name, trial_of, tried_by

#: The name of the rule that ``encrypt_outgoing`` builds.
OUTGOING_RULE = "Encrypt all outgoing mail"

#: The control.
RULES_CONTROL = "MFR-1"

#: Exchange's own limits, where Get-TransportConfig does not show them.
_RULES, _RULE_BYTES, _PATTERN_BYTES = 300, 8192, 20480

_PATTERNS = [
    (section, field.option)
    for section, fields in SECTIONS.items()
    for field in fields
    if isinstance(field.kind, Patterns)
]


@dataclass(frozen=True, kw_only=True)
class RulesControl(WritingControl):
    """Mail flow rules and their order.

    Four variables: the rules, the one that encrypts all outgoing mail, the names of rules that are only tried, and for
    how many days at most.
    """

    @property
    def resource(self) -> str:
        return RULE

    @property
    def subset(self) -> str:
        return "transport_rules"

    def is_wanted(self, variables: Mapping[str, Any]) -> bool:
        return any(variables.get(variable.name) not in (None, [], {}) for variable in self.variables[:3])

    def check(self, request: BaselineRequest) -> None:
        self.rules(request)

    def rules(self, request: BaselineRequest) -> list[DeclaredRule]:
        """The rules that the variables want enforced, in order."""
        return request.parsed(self.id, lambda: self._declared(request))[0]

    def on_trial(self, request: BaselineRequest) -> list[DeclaredRule]:
        """The rules that the variables want on trial, as they are declared, in order."""
        return request.parsed(self.id, lambda: self._declared(request))[1]

    def _declared(self, request: BaselineRequest) -> tuple[list[DeclaredRule], list[DeclaredRule]]:
        listed, outgoing, trial, days = (variable.name for variable in self.variables)
        if int(request.variables.get(days) or 0) < 0:
            raise OptionError(f"{PREFIX}{days} must be 0 or more, not {request.variables[days]}.")
        rules = [
            declare(whole(rule), f"hardened_baseline_{listed}[{index}].")
            for index, rule in enumerate(request.variables.get(listed) or ())
        ]
        names = request.variables.get(trial) or ()
        _refuse_trials(names, rules)
        keys = {name_key(name) for name in names}
        trials = [rule for rule in rules if name_key(rule.name) in keys]
        rules = [rule for rule in rules if name_key(rule.name) not in keys]
        wanted = request.variables.get(outgoing)
        return [*rules, declare(whole(_outgoing(wanted, request)), named(outgoing))] if wanted else rules, trials

    def desired(self, request: BaselineRequest, organization: Organization) -> Parts:
        return {self.subset: self._wanted(request, organization)}

    def _wanted(self, request: BaselineRequest, organization: Organization) -> list[DeclaredRule]:
        """The rules as they should be in the organization: without trials that nobody wants any more, and with those
        that are wanted as its last ones.
        """
        stored = rules_of(organization)
        rules = self.rules(request)
        conflicts = self._conflicts(request, organization)
        trials = []
        for rule in self.on_trial(request):
            trial = trial_among(stored, rule.name)
            trials += [replace(trial_of(rule), guid=trial.guid if trial else "")] if rule.name not in conflicts else []
        wanted_names = {name_key(name) for rule in (*rules, *trials) for name in (rule.name, rule.guid)}
        over = [
            rule
            for rule in stored
            if self._is_ours(request, rule) and wanted_names.isdisjoint((name_key(rule.name), name_key(rule.guid)))
        ]
        return [*(DeclaredRule("", rule.guid, "absent", None, None, {}, {}) for rule in over), *rules, *trials]

    def _is_ours(self, request: BaselineRequest, rule: Rule) -> bool:
        """Whether a rule of the organization is the trial of a declared one. The trial of any other is somebody else's,
        and stays.
        """
        declared = {name_key(ours.name) for ours in (*self.rules(request), *self.on_trial(request)) if ours.name}
        return name_key(tried_by(rule)) in declared

    def _conflicts(self, request: BaselineRequest, organization: Organization) -> dict[str, str]:
        """Why rules cannot be on trial in this organization, as sentences, by their names."""
        stored = rules_of(organization) if self.on_trial(request) else []
        rules = [rule for rule in stored if not self._is_ours(request, rule)]
        conflicts = {}
        for trial in self.on_trial(request):
            for rule in rules:
                if same_name(rule.name, trial.name) or rule.guid == trial.guid:
                    conflicts[trial.name] = (
                        f"{trial.name!r} cannot be on trial, because the organization has the rule {rule.name!r} (mode {rule.settings['mode']}): a rule is "
                        f"either on trial or enforced. Remove its name from {PREFIX}trial, or remove the rule from the organization first."
                    )
                elif same_name(rule.name, trial_name(trial.name)):
                    conflicts[trial.name] = (
                        f"{trial.name!r} cannot be on trial, because the organization has a rule with the name of its trial that is none: {rule.name!r} "
                        f"(mode {rule.settings['mode']}). Rename one of the two."
                    )
        return conflicts

    def trials(self, request: BaselineRequest, organization: Organization) -> list[Trial]:
        """The rules that it only tries."""
        stored = rules_of(organization)
        conflicts = self._conflicts(request, organization)
        days = int(request.variables.get(self.variables[3].name) or 0)
        return [
            Trial.of_rule(rule.name, trial_among(stored, rule.name), days)
            for rule in self.on_trial(request)
            if rule.name not in conflicts
        ]

    def names_of_rules(self, request: BaselineRequest, organization: Organization) -> list[str]:
        """The names of the mail flow rules that it declares."""
        declared = [rule for rule in self.rules(request) if rule.state == "present"]
        guids = {rule.guid for rule in declared if rule.guid}
        stored = rules_of(organization) if organization.error(self.subset) is None else []
        trials = [trial_name(rule.name) for rule in self.on_trial(request)]
        return [
            *(rule.name for rule in declared if rule.name),
            *trials,
            *(rule.name for rule in stored if rule.guid in guids or self._is_ours(request, rule)),
        ]

    def shown(self, request: BaselineRequest) -> dict[str, Any]:
        trials = [_shown(trial_of(rule)) for rule in self.on_trial(request)]
        return {"rules": [_shown(rule) for rule in self.rules(request)], **({"trials": trials} if trials else {})}

    def shortcomings(self, request: BaselineRequest, organization: Organization) -> list[str]:
        expired = [expired_sentence(trial.row) for trial in self.trials(request, organization) if trial.expired]
        return [
            *self._conflicts(request, organization).values(),
            *expired,
            *shortcomings(self.rules(request), organization),
        ]

    def remarks(self, request: BaselineRequest, organization: Organization) -> list[str]:
        stored = rules_of(organization)
        trials = [trial for trial in self.trials(request, organization) if trial_among(stored, trial.name)]
        return [*remarks(self.rules(request), organization), *(trial_sentence(trial.row) for trial in trials)]

    def errors(self, request: BaselineRequest, organization: Organization, *, check_mode: bool) -> list[ExchangeError]:
        if organization.error(self.subset) is not None:
            return super().errors(request, organization, check_mode=check_mode)
        return self._errors(request, organization) or super().errors(request, organization, check_mode=check_mode)

    def _errors(self, request: BaselineRequest, organization: Organization) -> list[ExchangeError]:
        """The error of each rule that cannot be planned, each on its own."""
        errors: list[ExchangeError] = [OptionError(text) for text in self._conflicts(request, organization).values()]
        known = []
        for rule in self._wanted(request, organization):
            try:
                book = RuleBook(organization, created=request.created)
                stored = book.find(rule)
                known += [stored.guid] if stored else []
                refuse_double(book, rule, known)
                plan_rule(book, rule)
            except ExchangeError as error:
                errors.append(error)
        return errors

    def findings(self, outlook: Outlook) -> list[Finding]:
        return [*super().findings(outlook), *self._sender_findings(outlook), *self._limit_findings(outlook)]

    def warnings(self, outlook: Outlook) -> list[PlanWarning]:
        """The exceptions that the plan would remove from existing rules. Somebody may have added one in an emergency."""
        whole_rules = {
            change.identity
            for change in outlook.plan.changes
            if change.resource == self.resource and change.option == "state"
        }
        lost_policies: dict[str, dict[str, Any]] = {}
        for change in outlook.plan.changes:
            gone = (
                _gone(change.before, change.after)
                if change.resource == self.resource and change.option.startswith("exceptions.")
                else None
            )
            if gone and change.identity not in whole_rules:
                lost_policies.setdefault(change.identity, {})[change.option.partition(".")[2]] = gone
        changed = (
            {rule.name: rule.properties.get("LastModifiedBy") for rule in rules_of(outlook.organization)}
            if lost_policies
            else {}
        )
        return [
            self._lost_exceptions(name, options, str(changed.get(name) or ""))
            for name, options in lost_policies.items()
        ]

    def _lost_exceptions(self, name: str, options: Mapping[str, Any], changed_by: str) -> PlanWarning:
        """The warning about exceptions of a rule that the plan would remove."""
        text = (
            f"The run removes an exception of {name!r} that is not declared ({'; '.join(f'{option}: {value_text(gone)}' for option, gone in options.items())})"
            f"{f', last changed by {changed_by}' if changed_by else ''}. If it is meant, declare it, or keep it until a date: "
            f"{PREFIX}skip: [{{control: {self.id}, reason: <why>, owner: <who>, until: <date>}}]."
        )
        return warning("exception_removed", text, control=self.id, rule=name, exceptions=options, changed_by=changed_by)

    def _sender_findings(self, outlook: Outlook) -> list[Finding]:
        """Rules that this run creates or changes, and that cover mail from any sender."""
        touched = {name_key(change.identity) for change in outlook.plan.changes if change.resource == self.resource}
        findings = []
        for rule in self.rules(outlook.request):
            try:
                stored = RuleBook(outlook.organization).find(rule)
                sections = _effective(outlook.organization, rule)
            except (NotFoundError, OptionError):
                continue  # The rule is among the findings already.
            name = stored.name if stored else rule.name
            if rule.state == "absent" or name_key(name) not in touched or not encrypts(doing(sections)):
                continue
            if not sections["conditions"]:
                findings.append(
                    Finding.acceptable(
                        self.id, f"{name!r} would encrypt all mail: it has no condition.", "unconditional_rule"
                    )
                )
            elif not keeps_senders_inside(sections):
                text = (
                    f"{name!r} has no condition that keeps its senders inside. It has no effect on mail from outside, or bounces it (550 5.7.162), "
                    "depending on the state of the service."
                )
                findings.append(Finding.acceptable(self.id, text, "any_sender"))
        return findings

    def _limit_findings(self, outlook: Outlook) -> list[Finding]:
        """What would exceed Exchange's limits for rules. Sizes are estimates, because Exchange counts its own form of a
        rule.
        """
        organization = outlook.organization
        rules = self._wanted(outlook.request, outlook.organization)
        config = organization.only("transport_config") if organization.error("transport_config") is None else {}
        book = RuleBook(organization)
        try:
            after = _sections_after(organization, book, rules)
        except ExchangeError:
            return []
        texts = [
            *_too_many_rules(config, book, after),
            *_too_large_rules(config, organization, rules),
            *_too_long_patterns(config, book, after),
        ]
        return [Finding(self.id, text) for text in texts]


#: The sections of each rule by its GUID, or by its name if it does not exist yet.
_SectionsOfRules = Mapping[str, Mapping[str, Mapping[str, Any]]]


def _sections_after(organization: Organization, book: RuleBook, rules: Iterable[DeclaredRule]) -> _SectionsOfRules:
    """The rules as the declared ones would leave them."""
    after: dict[str, Mapping[str, Mapping[str, Any]]] = {rule.guid: rule.sections for rule in book.rules}
    for rule in rules:
        stored = book.find(rule)
        key = stored.guid if stored else rule.name
        if rule.state == "absent":
            after.pop(key, None)
        else:
            after[key] = _effective(organization, rule)
    return after


def _too_many_rules(config: Mapping[str, Any], book: RuleBook, after: _SectionsOfRules) -> list[str]:
    limit = int(config.get("TransportRuleLimit") or _RULES)
    # Rules are removed after others have been created.
    most = len(book.rules) + len(set(after) - set(book.by_guid))
    if most <= limit or most <= len(book.rules):
        return []
    until = "" if len(after) > limit else " until the run removes those that go"
    return [f"there would be {max(len(after), most)} rules{until}; the organization can have {limit}."]


def _too_large_rules(
    config: Mapping[str, Any], organization: Organization, rules: Iterable[DeclaredRule]
) -> Iterator[str]:
    limit = _bytes(config.get("TransportRuleSizeLimit"), _RULE_BYTES)
    for rule in rules:
        if rule.state != "present":
            continue
        written = json.dumps(_effective(organization, rule), ensure_ascii=False)
        length = len(written.encode("utf-8", "surrogatepass"))
        if length > limit:
            yield f"the rule {rule.label!r} would have about {length:,} bytes; Exchange accepts {limit:,}."


def _too_long_patterns(config: Mapping[str, Any], book: RuleBook, after: _SectionsOfRules) -> list[str]:
    limit = _bytes(config.get("TransportRuleCollectionRegexCharsLimit"), _PATTERN_BYTES)
    before = _length_of_patterns(rule.sections for rule in book.rules)
    length = _length_of_patterns(after.values())
    if length <= limit or length <= before:
        return []
    return [f"the patterns of all rules would have {length:,} characters, and the organization can have {limit:,}."]


def _length_of_patterns(rules: Iterable[Mapping[str, Mapping[str, Any]]]) -> int:
    return sum(
        len(pattern)
        for sections in rules
        for section, option in _PATTERNS
        for pattern in sections.get(section, {}).get(option, ())
    )


def _refuse_trials(names: Sequence[str], rules: Sequence[DeclaredRule]) -> None:
    """Refuses names that cannot be on trial, whatever the organization has."""
    declared = {name_key(rule.name): rule for rule in rules if rule.name}
    seen: set[str] = set()
    for index, name in enumerate(names):
        where = f"{PREFIX}trial[{index}]: {name!r}"
        rule = declared.get(name_key(name))
        if rule is None:
            raise OptionError(
                f"{where} is not the name of a rule of {PREFIX}encryption_rules{meant(name, (other.name for other in declared.values()))}"
            )
        if name_key(name) in seen:
            raise OptionError(f"{where} is listed twice.")
        if rule.state == "absent":
            raise OptionError(f"{where} has state: absent, so there is nothing to try.")
        if len(rule.name) > LONGEST_NAME:
            raise OptionError(
                f"{where} has {len(rule.name)} characters; a rule on trial can have {LONGEST_NAME}, because the name of its trial is longer."
            )
        if name_key(trial_name(name)) in declared:
            raise OptionError(
                f"{where} cannot be on trial, because {PREFIX}encryption_rules has a rule with the name of its trial, {trial_name(name)!r}."
            )
        seen.add(name_key(name))


def _outgoing(wanted: Mapping[str, Any], request: BaselineRequest) -> dict[str, Any]:
    """The rule that encrypts all mail from inside to outside, with the branding of the OME configuration that the
    baseline creates.
    """
    actions = {"apply_rights_protection_template": wanted.get("template") or "Encrypt"}
    if request.created:
        actions["apply_rights_protection_customization_template"] = request.created[0]
    return {
        "name": OUTGOING_RULE,
        "mode": wanted.get("mode"),
        "rule_error_action": "Defer",
        "conditions": dict(OUTGOING),
        "exceptions": outgoing_exceptions(wanted),
        "actions": actions,
    }


def outgoing_exceptions(wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The exceptions of the rule that encrypts all outgoing mail: the given ones, and the domains to which mail is
    protected in transit instead.
    """
    given_section = wanted.get("exceptions")
    domains = wanted.get("protected_in_transit") or []
    if not domains:
        return given_section
    return {
        **(given_section or {}),
        "recipient_domain_is": list(
            dict.fromkeys([*((given_section or {}).get("recipient_domain_is") or ()), *domains])
        ),
    }


def _effective(organization: Organization, rule: DeclaredRule) -> Mapping[str, Mapping[str, Any]]:
    """A rule's sections after the run."""
    stored = RuleBook(organization).find(rule)
    return {**{section: {} for section in SECTIONS}, **(stored.sections if stored else {}), **rule.sections}


def _gone(before: Any, after: Any) -> Any:
    """The values that an exception loses; empty if it loses none."""
    if isinstance(before, list) and isinstance(after, list):
        return [value for value in before if value not in after]
    return before if after in (None, "", [], False) else None


def _shown(rule: DeclaredRule) -> dict[str, Any]:
    values = {
        "name": rule.name,
        "guid": rule.guid,
        "state": rule.state,
        "enabled": rule.enabled,
        **rule.settings,
        **rule.sections,
    }
    return {option: value for option, value in values.items() if value not in (None, "")}


def _bytes(value: Any, otherwise: int) -> int:
    count = exact_bytes(str(value or ""))
    return otherwise if count is None else count


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
    given_options = {option: value for option, value in rule.items() if value is not None}
    return given_options if given_options.get("state") == "absent" else {**WHOLE, **given_options}


def shortcomings(wanted: Sequence[DeclaredRule], organization: Organization) -> list[str]:
    """Why the rules do less than they seem to, as sentences; empty if at least one encrypts, and each acts or is
    declared in a test mode.

    :param wanted: the rules as declared. The plan reports those that do not exist.
    """
    rules = rules_of(organization)
    present = [
        (declared, stored)
        for declared in wanted
        if declared.state == "present" and (stored := _stored_rule(declared, rules))
    ]
    encrypting = [(declared, rule) for declared, rule in present if encrypts(doing(rule.sections))]
    sentences = [] if encrypting else ["No rule of the list exists that encrypts."]
    sentences += [f"{rule.name!r} {BRANDS_ONLY}." for _declared, rule in present if brands_only(doing(rule.sections))]
    for declared, rule in encrypting:
        idle = [(option, value) for option, value in rule.idle.items() if not _is_meant(declared, option)]
        sentences += [f"{rule.name!r} {idle_words(option, value)}." for option, value in idle]
        sentences += _not_declared(declared, rule)
    return sentences


def _not_declared(declared: DeclaredRule, rule: Rule) -> Iterator[str]:
    """What a stored rule has that changes its mail and is not declared, as sentences."""
    for section in ("conditions", "exceptions"):
        more = [] if section in declared.sections else list(rule.sections[section])
        if more:
            yield f"{rule.name!r} has {section} that are not declared ({', '.join(more)}): declare them, or set {section}: {{}}."
    for option in LOOKS:
        value = rule.settings[option]
        if option not in declared.settings and value not in (None, SETTINGS_OF_A_NEW_RULE[option]):
            text = (
                f"{option}: {value_text(value, str)}, which is not declared but affects which mail its conditions match"
            )
            yield f"{rule.name!r} has {text}: declare it."


def remarks(wanted: Sequence[DeclaredRule], organization: Organization) -> list[str]:
    """The rules that are declared in a test mode, as sentences."""
    rules = rules_of(organization)
    trials = [
        (declared, rule)
        for declared in wanted
        if declared.state == "present" and (rule := _stored_rule(declared, rules))
    ]
    return [
        f"{rule.name!r} {idle_words(option, value)}, as declared: it does not act."
        for declared, rule in trials
        if encrypts(doing(rule.sections))
        for option, value in rule.idle.items()
        if _is_meant(declared, option)
    ]


def _is_meant(declared: DeclaredRule, option: str) -> bool:
    """Whether a rule is declared not to act yet, in a test mode."""
    return option == "mode" and declared.settings.get("mode", "Enforce") != "Enforce"


def _stored_rule(declared: DeclaredRule, rules: Sequence[Rule]) -> Rule | None:
    by_guid = next((rule for rule in rules if declared.guid and rule.guid == declared.guid), None)
    return by_guid or next((rule for rule in rules if same_name(rule.name, declared.name)), None)
