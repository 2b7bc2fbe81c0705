# SPDX-License-Identifier: GPL-3.0-or-later
"""DLP policies and their rules: as the compliance endpoint shows them, as results hold them, and as facts give them.

The fact ``dlp_policies`` (of ``message_encryption_info``, captures, snapshots and the option ``facts``) is a list, by
priority; no key holds null::

    name: Encrypt card numbers
    guid: 838ee1e2-1fc1-4c96-a9b8-e36c4d0a5ee1      # read ones only
    mode: Enable                                    # only Enable acts; absent if unreadable
    priority: 0
    scope:                                          # whose mail it is about; see PolicyScope
      exchange: true
      senders: [ann@contoso.com]                    # the lists are absent if empty
      senders_except: []
      sender_groups: []
      sender_groups_except: []
      adaptive: []                                  # names of adaptive scopes, whose members are not shown
      adaptive_except: []
    rules:                                          # by priority
      - name: Card numbers
        guid: e1145e28-b958-49bc-aac3-17dba1170fd5
        priority: 0
        enabled: true
        conditions: {access_scope: NotInOrganization}   # or, of an advanced rule, {advanced: tree}
        exceptions: {sender_domain_is: [example.com]}
        actions: {encrypt_rms_template: Encrypt}
        sender_address_location: Header             # and rule_error_action, evaluate_rule_per_component,
                                                    # activation_date, expiry_date: absent if unset
        unreadable: []                              # see Unreadable; absent if empty
    unreadable: []

All conditions of a rule must hold, and none of its exceptions. An advanced rule has one condition, the tree ``advanced``
(:mod:`.advanced_rule`), such as ``{operator: and, conditions: [{from_scope: InOrganization}, {operator: not, conditions: [{sent_to:
[ann@contoso.com]}]}]}``, and no exceptions. Which options there are, :mod:`.dlp_fields` says. A rule whose policy is not shown stands in a policy
of that name that is unreadable but for its rules. Actions for devices, files and other places than mail are left out.

A told policy may omit all but its name: its mode is then Enable, it is about everybody's mail, and its rules are enabled.

Sources: Microsoft's pages of New-DlpCompliancePolicy and New-DlpComplianceRule, and the policies of a test organization
that ScubaGear publishes: whether a policy is about mail, ExchangeLocation says, and not Workload; Enabled is true in test
modes, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._exchange.names import name_key
from .advanced_rule import ADVANCED, UNREADABLE, declared_tree, read_tree
from .dlp_fields import ACTIONS, CONDITIONS, KINDS, SETTINGS, TOGETHER, DlpPart, Options, is_overlooked, with_meaning
from .dlp_values import is_set, listed, people
from .fact_checks import (
    checked,
    declared_mode,
    declared_unreadable,
    declared_values,
    flag,
    items,
    number,
    refuse,
    texts,
)
from .unreadable import Unreadable, bounded_json

#: The mode in which a policy acts, and all.
ACTS = "Enable"
MODES = (ACTS, "TestWithNotifications", "TestWithoutNotifications", "Disable", "PendingDeletion")
#: What has neither a name nor a GUID.
NAMELESS = "(no name)"

_LISTS = {
    "senders": "ExchangeSender",
    "senders_except": "ExchangeSenderException",
    "sender_groups": "ExchangeSenderMemberOf",
    "sender_groups_except": "ExchangeSenderMemberOfException",
}
#: A scope's lists of senders, each with the condition that it is.
SENDERS = {"senders": "from", "sender_groups": "from_member_of"}
SENDERS_EXCEPT = {"senders_except": "from", "sender_groups_except": "from_member_of"}
_ADAPTIVE = {"adaptive": "ExchangeAdaptiveScopes", "adaptive_except": "ExchangeAdaptiveScopesException"}

#: Other properties of a policy whose names begin like those of its scope, and mean another place.
_OTHER_PLACES = frozenset({"ExchangeOnPremisesLocation", "ExchangeVersion", "ExchangeObjectId", "ExchangeLocation"})


@dataclass(frozen=True)
class PolicyScope:
    """Whose mail a policy is about: everybody's, or that of these senders and members of these groups.

    :param exchange: whether it is about mail at all; ``None`` if that was not understood.
    :param senders: addresses; likewise the next three.
    :param adaptive: names of adaptive scopes, whose members are not shown.
    """

    exchange: bool | None = True
    senders: tuple[str, ...] = ()
    senders_except: tuple[str, ...] = ()
    sender_groups: tuple[str, ...] = ()
    sender_groups_except: tuple[str, ...] = ()
    adaptive: tuple[str, ...] = ()
    adaptive_except: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Its form in results and facts."""
        exchange = {} if self.exchange is None else {"exchange": self.exchange}
        return {**exchange, **{key: list(names) for key in _SCOPE_LISTS if (names := getattr(self, key))}}


_SCOPE_LISTS = (*_LISTS, *_ADAPTIVE)


@dataclass(frozen=True)
class DlpRuleFact:
    """A rule of a DLP policy, or of a policy that labels mail.

    :param priority: its place in its policy, the first being 0.
    :param conditions: option to value; likewise exceptions and actions.
    :param settings: what it says beside its sections, option to value.
    """

    name: str
    guid: str = ""
    priority: int = 0
    enabled: bool = True
    conditions: Options = field(default_factory=dict)
    exceptions: Options = field(default_factory=dict)
    actions: Options = field(default_factory=dict)
    settings: Options = field(default_factory=dict)
    unreadable: tuple[Unreadable, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Its form in results and facts."""
        return {
            "name": self.name,
            **({"guid": self.guid} if self.guid else {}),
            "priority": self.priority,
            "enabled": self.enabled,
            "conditions": dict(self.conditions),
            "exceptions": dict(self.exceptions),
            "actions": dict(self.actions),
            **self.settings,
            **described_unreadable(self.unreadable),
        }


@dataclass(frozen=True)
class DlpPolicyFact:
    """A DLP policy.

    :param mode: one of :data:`MODES`; empty if it was not understood.
    :param priority: its place among the policies, the first being 0.
    """

    name: str
    guid: str = ""
    mode: str = ACTS
    priority: int = 0
    scope: PolicyScope = field(default_factory=PolicyScope)
    rules: tuple[DlpRuleFact, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def acts(self) -> bool | None:
        """Whether it does anything to mail; ``None`` if nobody knows."""
        if self.scope.exchange is False or self.mode not in (ACTS, ""):
            return False
        return None if self.scope.exchange is None or not self.mode else True

    def describe(self) -> dict[str, Any]:
        """Its form in results and facts."""
        return {
            **described_policy(self),
            "rules": [rule.describe() for rule in self.rules],
            **described_unreadable(self.unreadable),
        }


def described_policy(policy: Any) -> dict[str, Any]:
    """What policies of all kinds have: name, GUID, mode, priority and scope."""
    return {
        "name": policy.name,
        **({"guid": policy.guid} if policy.guid else {}),
        **({"mode": policy.mode} if policy.mode else {}),
        "priority": policy.priority,
        "scope": policy.scope.describe(),
    }


def described_unreadable(unreadable: Iterable[Unreadable]) -> dict[str, Any]:
    """What was not understood, as a key of a result; none if all was."""
    described = [part.describe() for part in unreadable]
    return {UNREADABLE: described} if described else {}


# As the compliance endpoint shows them


def read_policies(policies: Sequence[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]]) -> list[DlpPolicyFact]:
    """The DLP policies that Get-DlpCompliancePolicy and Get-DlpComplianceRule show."""
    by_policy = rules_by_policy(policies, rules)
    shown = [_policy(policy, by_policy.get(place, [])) for place, policy in enumerate(policies)]
    return [
        *sorted(shown, key=lambda policy: policy.priority),
        *_of_hidden_policies(by_policy.get(None, []), len(shown)),
    ]


def rules_by_policy(
    policies: Sequence[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]]
) -> dict[int | None, list[Mapping[str, Any]]]:
    """The place of each policy to its rules; ``None`` to those whose policy is not shown."""
    places: dict[str, int] = {}
    for place, policy in enumerate(policies):
        for key in ("Guid", "ExchangeObjectId", "Name"):
            if policy.get(key):
                places.setdefault(name_key(str(policy[key])), place)
    by_policy: dict[int | None, list[Mapping[str, Any]]] = {}
    for rule in rules:
        keys = [name_key(str(rule[key])) for key in ("Policy", "ParentPolicyName") if rule.get(key)]
        by_policy.setdefault(next((places[key] for key in keys if key in places), None), []).append(rule)
    return by_policy


def _policy(properties: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> DlpPolicyFact:
    unreadable: list[Unreadable] = []
    return DlpPolicyFact(
        name=own_name(properties, unreadable),
        guid=text_of(properties, "Guid").lower(),
        mode=mode_of(properties, unreadable),
        priority=priority_of(properties, unreadable),
        scope=scope_of(properties, unreadable),
        rules=tuple(sorted(map(read_rule, rules), key=lambda rule: rule.priority)),
        unreadable=tuple(unreadable),
    )


def _of_hidden_policies(rules: Iterable[Mapping[str, Any]], priority: int) -> list[DlpPolicyFact]:
    """Policies of which only rules are shown."""
    by_name: dict[str, list[DlpRuleFact]] = {}
    for rule in rules:
        by_name.setdefault(policy_named_by(rule), []).append(read_rule(rule))
    hidden = Unreadable("Policy", ("mode", "priority", "scope"), "Exchange shows rules of it, but not the policy")
    return [
        DlpPolicyFact(
            name=name,
            mode="",
            priority=priority + place,
            scope=PolicyScope(exchange=None),
            rules=tuple(sorted(by_name[name], key=lambda rule: rule.priority)),
            unreadable=(hidden,),
        )
        for place, name in enumerate(sorted(by_name))
    ]


def text_of(properties: Mapping[str, Any], name: str) -> str:
    """A text of Exchange's; empty if it is not set."""
    value = properties.get(name)
    return "" if value is None else str(value)


def policy_named_by(rule: Mapping[str, Any]) -> str:
    """What a rule calls its policy, which is not shown."""
    return text_of(rule, "ParentPolicyName").strip() or text_of(rule, "Policy").strip() or NAMELESS


def own_name(properties: Mapping[str, Any], unreadable: list[Unreadable]) -> str:
    """The name of a policy, rule or label. If it has none, it goes by its GUID, with a remark in ``unreadable``: it is there,
    and does what it does.
    """
    name = text_of(properties, "Name")
    if name.strip():
        return name
    unreadable.append(Unreadable("Name", ("name",), "it is empty"))
    return text_of(properties, "Guid").lower() or NAMELESS


def mode_of(properties: Mapping[str, Any], unreadable: list[Unreadable]) -> str:
    """The mode of a policy; empty, with a remark in ``unreadable``, if it is none that Microsoft documents."""
    shown = text_of(properties, "Mode")
    mode = next((documented for documented in MODES if documented.lower() == shown.lower()), "")
    if not mode:
        unreadable.append(Unreadable("Mode", ("mode",), f"it is {shown!r}, which Microsoft does not document"))
    return mode


def priority_of(properties: Mapping[str, Any], unreadable: list[Unreadable]) -> int:
    """The place of a policy or rule; 0, with a remark in ``unreadable``, if it is no number of 0 or more."""
    try:
        place = int(properties["Priority"])
    except (KeyError, TypeError, ValueError):
        place = -1
    if place < 0:
        unreadable.append(Unreadable("Priority", ("priority",), "it is no number of 0 or more"))
    return max(place, 0)


def scope_of(properties: Mapping[str, Any], unreadable: list[Unreadable]) -> PolicyScope:
    """Whose mail a policy is about, with a remark in ``unreadable`` for what was not understood."""
    lists: dict[str, tuple[str, ...]] = {}
    for key, name in _LISTS.items():
        try:
            lists[key] = tuple(people(properties.get(name)))
        except ValueError as error:
            unreadable.append(Unreadable(name, ("scope",), str(error)))
    for key, name in _ADAPTIVE.items():
        lists[key] = tuple(map(name_of, listed(properties.get(name))))
    known = {*_LISTS.values(), *_ADAPTIVE.values(), *_OTHER_PLACES}
    for name, value in properties.items():
        if name.startswith("Exchange") and name not in known and is_set(value):
            unreadable.append(Unreadable(name, ("scope",), "it is newer than this collection"))
    unreadable += _units(properties)
    if "ExchangeLocation" not in properties:
        unreadable.append(Unreadable("ExchangeLocation", ("scope",), "Exchange does not show it"))
        return PolicyScope(None, **lists)
    places = list(map(name_of, listed(properties["ExchangeLocation"])))
    if not places and any(lists.values()):
        unreadable.append(Unreadable("ExchangeLocation", ("scope",), "it names no place, and the policy names senders"))
        return PolicyScope(None, **lists)
    if any(place.lower() != "all" for place in places):
        unreadable.append(Unreadable("ExchangeLocation", ("scope",), "it names others than All"))
    return PolicyScope(bool(places), **lists)


def name_of(value: Any) -> str:
    """The name of a member of a list, which Exchange may show as an object or its JSON text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = bounded_json(value)
        except ValueError:
            return str(value)
    if isinstance(value, Mapping):
        small = {str(key).lower(): content for key, content in value.items()}
        return str(small.get("displayname") or small.get("name") or json.dumps(value, sort_keys=True))
    return str(value)


def _units(properties: Mapping[str, Any]) -> list[Unreadable]:
    """A remark if a policy is limited to administrative units, whose members no cmdlet of this collection shows."""
    constraints = properties.get("PolicyConstraints")
    try:
        content = bounded_json(constraints) if isinstance(constraints, str) and constraints else constraints
        limited = bool(content) and any(map(is_set, content.values()))  # type: ignore[union-attr]
    except (ValueError, AttributeError):
        limited = True
    names = [
        name
        for name, is_limit in (
            ("PolicyConstraints", limited),
            ("PolicyRBACScopes", is_set(properties.get("PolicyRBACScopes"))),
        )
        if is_limit
    ]
    return [
        Unreadable(name, ("scope",), "it limits the policy to people whom Exchange does not name") for name in names
    ]


def read_rule(properties: Mapping[str, Any]) -> DlpRuleFact:
    """A rule that Get-DlpComplianceRule or Get-AutoSensitivityLabelRule shows."""
    unreadable: list[Unreadable] = []
    conditions = _section(properties, CONDITIONS, "conditions", unreadable)
    exceptions = _section(properties, [part for part in CONDITIONS if part.twin], "exceptions", unreadable, "ExceptIf")
    actions = with_meaning(_section(properties, ACTIONS, "actions", unreadable))
    settings = _section(properties, SETTINGS, "settings", unreadable)
    for name, value in properties.items():
        if is_overlooked(name, value):
            parts = ("exceptions",) if name.startswith("ExceptIf") else ("conditions", "actions")
            unreadable.append(Unreadable(name, parts, "it is newer than this collection"))
    if _is_advanced(properties) or not (conditions or exceptions or unreadable):
        unreadable += [
            Unreadable(option, ("conditions",), "an advanced rule has it beside its tree")
            for option in (*conditions, *exceptions)
        ]
        tree, unread = read_tree(properties.get("AdvancedRule"))
        conditions, exceptions = {ADVANCED: tree}, {}
        unreadable += unread
    return DlpRuleFact(
        name=own_name(properties, unreadable),
        guid=text_of(properties, "Guid").lower(),
        priority=priority_of(properties, unreadable),
        enabled=str(properties.get("Disabled")).lower() != "true",
        conditions=conditions,
        exceptions=exceptions,
        actions=actions,
        settings=settings,
        unreadable=tuple(unreadable),
    )


def _is_advanced(properties: Mapping[str, Any]) -> bool:
    """Whether the tree has the conditions. It is there in any case, and the only place for those of a rule without others."""
    return str(properties.get("IsAdvancedRule")).lower() == "true"


def _section(
    properties: Mapping[str, Any],
    parts: Iterable[DlpPart],
    section: str,
    unreadable: list[Unreadable],
    prefix: str = "",
) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in parts:
        name = f"{prefix}{part.name}"
        if name not in properties:
            continue
        try:
            options.update(part.read(properties[name]))
        except ValueError as error:
            unreadable.append(Unreadable(name, (section,), str(error)))
    return options


# As facts give them

_POLICY_KEYS = ("name", "guid", "mode", "priority", "scope", "rules", UNREADABLE)
_RULE_KEYS = (
    "name",
    "guid",
    "priority",
    "enabled",
    "conditions",
    "exceptions",
    "actions",
    UNREADABLE,
    *KINDS["settings"],
)


def declared_policy(options: Any, where: str) -> DlpPolicyFact:
    """A DLP policy of the fact ``dlp_policies``.

    :param where: the beginning of errors, such as ``facts.dlp_policies[0]``.
    :raises OptionError: it is invalid; the message names the option.
    """
    given = checked(options, where, _POLICY_KEYS)
    return DlpPolicyFact(
        name=str(given["name"]),
        guid=str(given.get("guid") or ""),
        mode=declared_mode(given, where, MODES, ACTS),
        priority=number(given.get("priority"), f"{where}.priority"),
        scope=declared_scope(given, where),
        rules=declared_rules(given, where),
        unreadable=declared_unreadable(given, where),
    )


def declared_scope(given: Mapping[str, Any], where: str) -> PolicyScope:
    """Whose mail a told policy is about."""
    scope = checked(given.get("scope") or {}, f"{where}.scope", ("exchange", *_SCOPE_LISTS), name="")
    unread = any("scope" in unreadable.parts for unreadable in declared_unreadable(given, where))
    exchange = flag(scope.get("exchange"), f"{where}.scope.exchange", None if unread else True)
    return PolicyScope(exchange, **{key: tuple(texts(scope.get(key), f"{where}.scope.{key}")) for key in _SCOPE_LISTS})


def declared_rules(given: Mapping[str, Any], where: str) -> tuple[DlpRuleFact, ...]:
    """The rules of a told policy, the first first. Those without a priority have the place that they have in the list."""
    rules = [
        _declared_rule(rule, f"{where}.rules[{place}]", place)
        for place, rule in enumerate(items(given.get("rules"), f"{where}.rules"))
    ]
    return tuple(sorted(rules, key=lambda rule: rule.priority))


def _declared_rule(options: Any, where: str, place: int) -> DlpRuleFact:
    given = checked(options, where, _RULE_KEYS)
    sections = {section: given.get(section) or {} for section in ("conditions", "exceptions", "actions")}
    settings = {option: given[option] for option in KINDS["settings"] if option in given}
    return DlpRuleFact(
        name=str(given["name"]),
        guid=str(given.get("guid") or ""),
        priority=number(given.get("priority"), f"{where}.priority", place),
        enabled=flag(given.get("enabled"), f"{where}.enabled", True) is not False,
        conditions=_declared_conditions(sections["conditions"], f"{where}.conditions"),
        exceptions=_declared_section(sections["exceptions"], f"{where}.exceptions", "exceptions"),
        actions=with_meaning(declared_values(sections["actions"], f"{where}.actions", KINDS["actions"])),
        settings=declared_values(settings, where, KINDS["settings"]),
        unreadable=declared_unreadable(given, where),
    )


def _declared_conditions(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or value.get(ADVANCED) is None:
        return _declared_section(value, where, "conditions")
    if len(value) > 1:
        refuse(f"{where} has {ADVANCED} and others.", f"Put all of them into {ADVANCED}.")
    try:
        return {ADVANCED: declared_tree(value[ADVANCED], _declared_leaf, f"{where}.{ADVANCED}")}
    except ValueError as error:
        refuse(str(error))


def _declared_leaf(leaf: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    if set(leaf) == {UNREADABLE}:
        return {UNREADABLE: str(leaf[UNREADABLE])}
    condition = _declared_section(leaf, where, "conditions")
    if tuple(sorted(condition)) not in _LEAVES:
        refuse(f"{where} must have one condition with a value.", "Join several with operator and conditions.")
    return condition


#: The options that a leaf of a tree can have.
_LEAVES = {tuple(sorted(part.kinds)) for part in CONDITIONS}


def _declared_section(value: Any, where: str, section: str) -> dict[str, Any]:
    values = declared_values(value, where, KINDS[section])
    for options in TOGETHER:
        given = [option for option in options if option in values]
        if given and len(given) < len(options):
            refuse(f"{where} must have all of {' and '.join(options)}, or none.")
    return values
