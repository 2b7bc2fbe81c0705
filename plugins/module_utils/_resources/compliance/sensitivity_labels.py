# SPDX-License-Identifier: GPL-3.0-or-later
"""Sensitivity labels, the policies that publish them, and those that label mail on the way: as the compliance endpoint
shows them, as results hold them, and as facts give them.

No key holds null. ``labels``, by priority::

    name: Confidential
    guid: 2f0f9a8c-...                  # read ones only
    display_name: Confidential
    priority: 2
    enabled: true
    content_type: [File, Email]         # absent if not shown. A label without Email is none for mail
    parent: 5c3d...                     # absent if none
    encryption: rights                  # see below; absent if unreadable
    template: 11111111-2222-...         # the RMS template of rights
    double_key_encryption: true         # absent if not
    unreadable: []                      # see Unreadable; absent if empty

``encryption`` is ``none``; ``encrypt_only`` and ``do_not_forward``, by which Outlook protects; ``rights``, which the
label assigns; ``user_defined``, of which Word, Excel and PowerPoint ask the user, but Outlook does not; or ``remove``,
which takes protection away.

``label_policies``::

    name: Global
    guid: ...
    mode: Enable                        # absent if unreadable
    enabled: true
    priority: 0
    labels: [Confidential, External]    # as Exchange shows them: names or GUIDs
    scope: {exchange: true}             # to whom it is published; senders and senders_except as in a DLP policy
    default_label: 2222-...             # of Outlook; empty if none
    mandatory: false                    # whether Outlook asks for a label
    settings: {mandatory: "false", ...} # all, names in lower case

``auto_label_policies`` are as DLP policies (:mod:`.dlp_policies`), their rules without actions, and with::

    label: 2f0f9a8c-...                 # the label that it gives mail; absent if unreadable
    overwrite_label: false              # whether it replaces one that a person chose
    external_mail_rights_management_owner: it@contoso.com   # empty: mail from outside is not encrypted

Sources: Microsoft's pages of New-Label, Set-LabelPolicy and New-AutoSensitivityLabelPolicy, and, for the form in which
Get-Label shows actions, the programs Microsoft365DSC and CIPP. No capture under a license that permits reuse was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .advanced_rule import UNREADABLE
from .dlp_policies import (
    ACTS,
    MODES,
    DlpRuleFact,
    PolicyScope,
    declared_rules,
    declared_scope,
    described_policy,
    described_unreadable,
    mode_of,
    name_of,
    own_name,
    policy_named_by,
    priority_of,
    read_rule,
    rules_by_policy,
    scope_of,
    text_of,
)
from .dlp_values import is_set, listed, people, split
from .fact_checks import checked, choice, declared_mode, declared_unreadable, flag, number, refuse, texts
from .unreadable import Unreadable, bounded_json

#: What a label does to mail.
ENCRYPTIONS = ("none", "encrypt_only", "do_not_forward", "rights", "user_defined", "remove")

#: The modes of a policy that publishes labels: Enforce is what Get-LabelPolicy shows of one that acts.
_PUBLISHES = "Enforce"
PUBLISHING_MODES = (_PUBLISHES, *MODES)


@dataclass(frozen=True)
class LabelFact:
    """A sensitivity label.

    :param encryption: one of :data:`ENCRYPTIONS`; empty if it was not understood.
    :param content_type: what it is for, such as ``Email``; ``None`` if Exchange does not show it.
    :param parent: the label that it belongs to, as Exchange shows it; empty if none.
    :param template: the GUID of the RMS template by which it gives rights; empty if none.
    """

    name: str
    guid: str = ""
    display_name: str = ""
    priority: int = 0
    enabled: bool = True
    content_type: tuple[str, ...] | None = None
    parent: str = ""
    encryption: str = "none"
    template: str = ""
    double_key_encryption: bool = False
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def for_mail(self) -> bool:
        """Whether mail can have it. One of which Exchange does not show what it is for may be for mail."""
        return self.content_type is None or any(content.lower() == "email" for content in self.content_type)

    def describe(self) -> dict[str, Any]:
        """Its form in results and facts."""
        texts_of = {
            key: getattr(self, key)
            for key in ("guid", "display_name", "parent", "encryption", "template")
            if getattr(self, key)
        }
        return {
            "name": self.name,
            **texts_of,
            "priority": self.priority,
            "enabled": self.enabled,
            **({} if self.content_type is None else {"content_type": list(self.content_type)}),
            **({"double_key_encryption": True} if self.double_key_encryption else {}),
            **described_unreadable(self.unreadable),
        }


@dataclass(frozen=True)
class LabelPolicyFact:
    """A policy that publishes labels to people.

    :param mode: one of :data:`PUBLISHING_MODES`; empty if it was not understood.
    :param labels: names or GUIDs.
    :param default_label: the label that Outlook gives new mail; empty if none.
    :param mandatory: whether Outlook asks for a label.
    :param settings: all of its settings, names in lower case.
    """

    name: str
    guid: str = ""
    mode: str = _PUBLISHES
    enabled: bool = True
    priority: int = 0
    labels: tuple[str, ...] = ()
    scope: PolicyScope = field(default_factory=PolicyScope)
    default_label: str = ""
    mandatory: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def is_published(self) -> bool:
        """Whether it publishes labels to anybody, as far as that was understood."""
        return self.enabled and self.mode in (_PUBLISHES, ACTS, "") and self.scope.exchange is not False

    def describe(self) -> dict[str, Any]:
        """Its form in results and facts."""
        return {
            **described_policy(self),
            "enabled": self.enabled,
            "labels": list(self.labels),
            "default_label": self.default_label,
            "mandatory": self.mandatory,
            "settings": dict(self.settings),
            **described_unreadable(self.unreadable),
        }


@dataclass(frozen=True)
class AutoLabelPolicyFact:
    """A policy by which Exchange labels mail on the way.

    :param label: the name or GUID of the label; empty if it was not understood.
    :param overwrite_label: whether it replaces a label that a person chose.
    :param external_mail_rights_management_owner: who owns the protection of mail from outside; empty if nobody does, and
        Exchange then does not encrypt it.
    """

    name: str
    guid: str = ""
    mode: str = ACTS
    priority: int = 0
    scope: PolicyScope = field(default_factory=PolicyScope)
    label: str = ""
    overwrite_label: bool = False
    external_mail_rights_management_owner: str = ""
    rules: tuple[DlpRuleFact, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Its form in results and facts."""
        rules = ({key: value for key, value in rule.describe().items() if key != "actions"} for rule in self.rules)
        return {
            **described_policy(self),
            **({"label": self.label} if self.label else {}),
            "overwrite_label": self.overwrite_label,
            "external_mail_rights_management_owner": self.external_mail_rights_management_owner,
            "rules": list(rules),
            **described_unreadable(self.unreadable),
        }


# As the compliance endpoint shows them


def read_labels(labels: Sequence[Mapping[str, Any]]) -> list[LabelFact]:
    """The labels that Get-Label shows, by priority."""
    return sorted(map(_label, labels), key=lambda label: label.priority)


def _label(properties: Mapping[str, Any]) -> LabelFact:
    unreadable: list[Unreadable] = []
    encryption, template = _encryption(properties, unreadable)
    return LabelFact(
        name=own_name(properties, unreadable),
        guid=text_of(properties, "Guid").lower(),
        display_name=text_of(properties, "DisplayName"),
        priority=priority_of(properties, unreadable),
        enabled=str(properties.get("Disabled")).lower() != "true",
        content_type=_content_type(properties.get("ContentType"), unreadable),
        parent=text_of(properties, "ParentId").lower(),
        encryption=encryption,
        template=template.lower(),
        double_key_encryption=any(
            "doublekey" in text.lower() for text in map(str, listed(properties.get("Capabilities")))
        ),
        unreadable=tuple(unreadable),
    )


def _content_type(shown: Any, unreadable: list[Unreadable]) -> tuple[str, ...] | None:
    """What a label is for; ``None`` if Exchange does not show it, or, with a remark in ``unreadable``, if it was not understood."""
    try:
        return tuple(split(shown)) if is_set(shown) else None
    except ValueError:
        unreadable.append(Unreadable("ContentType", ("content_type",), "it is no list of texts"))
        return None


def _encryption(properties: Mapping[str, Any], unreadable: list[Unreadable]) -> tuple[str, str]:
    """How a label encrypts, and its template; the first empty, with a remark in ``unreadable``, if it was not understood."""
    try:
        if "LabelActions" in properties and properties["LabelActions"] is not None:
            return _of_actions(list(map(_settings_of, listed(properties["LabelActions"]))))
        if properties.get("EncryptionEnabled") is not None:
            return _of_parameters(properties)
        raise ValueError("Exchange shows neither it nor EncryptionEnabled")
    except ValueError as error:
        unreadable.append(Unreadable("LabelActions", ("encryption",), str(error)))
    except (TypeError, LookupError, AttributeError):
        unreadable.append(
            Unreadable("LabelActions", ("encryption",), "it has another form than the programs show that read it")
        )
    return "", ""


def _settings_of(action: Any) -> dict[str, str]:
    """The settings of an action, names in lower case, and its ``type``."""
    content = bounded_json(action) if isinstance(action, str) else action
    small = {str(key).lower(): value for key, value in content.items()}
    pairs = [{str(key).lower(): value for key, value in pair.items()} for pair in listed(small.get("settings"))]
    settings = {str(pair["key"]).lower(): "" if pair.get("value") is None else str(pair["value"]) for pair in pairs}
    return {**settings, "type": str(small["type"]).lower()}


def _of_actions(actions: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    encrypting = [action for action in actions if action["type"] == "encrypt" and not _is_true(action.get("disabled"))]
    if not encrypting:
        return "none", ""
    if len(encrypting) > 1:
        raise ValueError("it encrypts in two ways")
    (action,) = encrypting
    return _kind_of(
        action.get("protectiontype", ""),
        do_not_forward=_is_true(action.get("donotforward")),
        encrypt_only=_is_true(action.get("encryptonly")),
        template=action.get("templateid") or action.get("linkedtemplateid", ""),
    )


def _of_parameters(properties: Mapping[str, Any]) -> tuple[str, str]:
    """What the properties say that are named as the parameters of New-Label."""
    if not _is_true(properties["EncryptionEnabled"]):
        return "none", ""
    return _kind_of(
        text_of(properties, "EncryptionProtectionType"),
        do_not_forward=_is_true(properties.get("EncryptionDoNotForward")),
        encrypt_only=_is_true(properties.get("EncryptionEncryptOnly")),
        template=text_of(properties, "EncryptionTemplateId"),
    )


def _kind_of(protection: str, *, do_not_forward: bool, encrypt_only: bool, template: str) -> tuple[str, str]:
    kind = protection.lower()
    if kind == "template":
        return "rights", template
    if kind == "removeprotection":
        return "remove", ""
    if kind != "userdefined":
        raise ValueError(f"it has the protection type {protection!r}, which Microsoft does not document")
    if do_not_forward and encrypt_only:
        raise ValueError("it says both Do Not Forward and Encrypt-Only")
    if do_not_forward:
        return "do_not_forward", ""
    return ("encrypt_only" if encrypt_only else "user_defined"), ""


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def read_label_policies(policies: Sequence[Mapping[str, Any]]) -> list[LabelPolicyFact]:
    """The policies that Get-LabelPolicy shows, by priority."""
    return sorted(map(_label_policy, policies), key=lambda policy: policy.priority)


def _label_policy(properties: Mapping[str, Any]) -> LabelPolicyFact:
    unreadable: list[Unreadable] = []
    settings = _settings(properties, unreadable)
    shown = text_of(properties, "Mode")
    mode = next((documented for documented in PUBLISHING_MODES if documented.lower() == shown.lower()), "")
    if not mode:
        unreadable.append(Unreadable("Mode", ("mode",), f"it is {shown!r}, which Microsoft does not document"))
    default = settings.get("outlookdefaultlabel") or settings.get("defaultlabelid") or ""
    return LabelPolicyFact(
        name=own_name(properties, unreadable),
        guid=text_of(properties, "Guid").lower(),
        mode=mode,
        enabled=str(properties.get("Enabled")).lower() != "false",
        priority=priority_of(properties, unreadable),
        labels=tuple(map(name_of, listed(properties.get("Labels")))),
        scope=_published(properties, unreadable),
        default_label="" if default.lower() == "none" else default,
        mandatory=_is_true(settings.get("mandatory")) and not _is_true(settings.get("disablemandatoryinoutlook")),
        settings=settings,
        unreadable=tuple(unreadable),
    )


def _settings(properties: Mapping[str, Any], unreadable: list[Unreadable]) -> dict[str, str]:
    """The settings, which Exchange shows as texts ``[name, value]``."""
    settings: dict[str, str] = {}
    for shown in listed(properties.get("Settings")):
        name, comma, value = str(shown).strip().removeprefix("[").removesuffix("]").partition(",")
        key = name.strip().lower()
        if not comma or settings.get(key, value.strip()) != value.strip():
            unreadable.append(
                Unreadable("Settings", ("settings",), "it has another form than the programs show that read it")
            )
            continue
        settings[key] = value.strip()
    return settings


def _published(properties: Mapping[str, Any], unreadable: list[Unreadable]) -> PolicyScope:
    """To whom labels are published: to everybody, or to people and groups."""
    lists: dict[str, tuple[str, ...]] = {}
    for key, name in (("senders", "ExchangeLocation"), ("senders_except", "ExchangeLocationException")):
        try:
            everybody = [name_of(member).lower() for member in listed(properties.get(name))] == ["all"]
            lists[key] = () if everybody and key == "senders" else tuple(people(properties.get(name)))
        except ValueError as error:
            unreadable.append(Unreadable(name, ("scope",), str(error)))
    for name in ("ModernGroupLocation", "ModernGroupLocationException"):
        if is_set(properties.get(name)):
            unreadable.append(
                Unreadable(name, ("scope",), "it is about groups of Microsoft 365, whose members nobody reads")
            )
    return PolicyScope(bool(listed(properties.get("ExchangeLocation"))), **lists)


def read_auto_label_policies(
    policies: Sequence[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]]
) -> list[AutoLabelPolicyFact]:
    """The policies that Get-AutoSensitivityLabelPolicy and Get-AutoSensitivityLabelRule show, by priority. Rules for other
    places than mail are left out.
    """
    for_mail = [rule for rule in rules if "Exchange" in (split(rule.get("Workload")) or ["Exchange"])]
    by_policy = rules_by_policy(policies, for_mail)
    shown = [_auto_label_policy(policy, by_policy.get(place, [])) for place, policy in enumerate(policies)]
    hidden = Unreadable("Policy", ("mode", "scope", "label"), "Exchange shows rules of it, but not the policy")
    others = [
        AutoLabelPolicyFact(
            name=policy_named_by(rule),
            mode="",
            priority=len(shown),
            scope=PolicyScope(exchange=None),
            rules=(read_rule(rule),),
            unreadable=(hidden,),
        )
        for rule in by_policy.get(None, [])
    ]
    return [*sorted(shown, key=lambda policy: policy.priority), *others]


def _auto_label_policy(properties: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> AutoLabelPolicyFact:
    unreadable: list[Unreadable] = []
    label = properties.get("ApplySensitivityLabel")
    if not is_set(label):
        unreadable.append(Unreadable("ApplySensitivityLabel", ("label",), "Exchange does not show it"))
    owner = properties.get("ExternalMailRightsManagementOwner")
    return AutoLabelPolicyFact(
        name=own_name(properties, unreadable),
        guid=text_of(properties, "Guid").lower(),
        mode=mode_of(properties, unreadable),
        priority=priority_of(properties, unreadable),
        scope=scope_of(properties, unreadable),
        label=name_of(label) if is_set(label) else "",
        overwrite_label=_is_true(properties.get("OverwriteLabel")),
        external_mail_rights_management_owner=name_of(owner) if is_set(owner) else "",
        rules=tuple(sorted(map(read_rule, rules), key=lambda rule: rule.priority)),
        unreadable=tuple(unreadable),
    )


# As facts give them

_LABEL_KEYS = (
    "name",
    "guid",
    "display_name",
    "priority",
    "enabled",
    "content_type",
    "parent",
    "encryption",
    "template",
    "double_key_encryption",
    UNREADABLE,
)
_LABEL_POLICY_KEYS = (
    "name",
    "guid",
    "mode",
    "enabled",
    "priority",
    "labels",
    "scope",
    "default_label",
    "mandatory",
    "settings",
    UNREADABLE,
)
_AUTO_KEYS = (
    "name",
    "guid",
    "mode",
    "priority",
    "scope",
    "label",
    "overwrite_label",
    "rules",
    "external_mail_rights_management_owner",
    UNREADABLE,
)


def declared_label(options: Any, where: str) -> LabelFact:
    """A label of the fact ``labels``. Raises OptionError, which names what is invalid."""
    given = checked(options, where, _LABEL_KEYS)
    unreadable = declared_unreadable(given, where)
    if "encryption" not in given and not any("encryption" in part.parts for part in unreadable):
        refuse(f"{where}.encryption is required.", f"Use one of {', '.join(ENCRYPTIONS)}.")
    content = given.get("content_type")
    return LabelFact(
        name=str(given["name"]),
        guid=str(given.get("guid") or ""),
        display_name=str(given.get("display_name") or ""),
        priority=number(given.get("priority"), f"{where}.priority"),
        enabled=flag(given.get("enabled"), f"{where}.enabled", True) is not False,
        content_type=None if content is None else tuple(texts(content, f"{where}.content_type")),
        parent=str(given.get("parent") or ""),
        encryption=choice(given["encryption"], f"{where}.encryption", ENCRYPTIONS) if "encryption" in given else "",
        template=str(given.get("template") or ""),
        double_key_encryption=flag(given.get("double_key_encryption"), f"{where}.double_key_encryption", False) is True,
        unreadable=unreadable,
    )


def declared_label_policy(options: Any, where: str) -> LabelPolicyFact:
    """A policy of the fact ``label_policies``. Raises OptionError, which names what is invalid."""
    given = checked(options, where, _LABEL_POLICY_KEYS)
    settings = given.get("settings") or {}
    if not isinstance(settings, Mapping):
        refuse(f"{where}.settings must be a mapping, not {settings!r}.")
    return LabelPolicyFact(
        name=str(given["name"]),
        guid=str(given.get("guid") or ""),
        mode=declared_mode(given, where, PUBLISHING_MODES, _PUBLISHES),
        enabled=flag(given.get("enabled"), f"{where}.enabled", True) is not False,
        priority=number(given.get("priority"), f"{where}.priority"),
        labels=tuple(texts(given.get("labels"), f"{where}.labels")),
        scope=declared_scope(given, where),
        default_label=str(given.get("default_label") or ""),
        mandatory=flag(given.get("mandatory"), f"{where}.mandatory", False) is True,
        settings={str(name).lower(): str(value) for name, value in settings.items()},
        unreadable=declared_unreadable(given, where),
    )


def declared_auto_label_policy(options: Any, where: str) -> AutoLabelPolicyFact:
    """A policy of the fact ``auto_label_policies``. Raises OptionError, which names what is invalid."""
    given = checked(options, where, _AUTO_KEYS)
    unreadable = declared_unreadable(given, where)
    if not given.get("label") and not any("label" in part.parts for part in unreadable):
        refuse(f"{where}.label is required.", "Give the label's name or GUID.")
    rules = declared_rules(given, where)
    for place, rule in enumerate(rules):
        if rule.actions:
            refuse(f"{where}.rules[{place}].actions is not known.", "A policy that labels mail has only the label.")
    return AutoLabelPolicyFact(
        name=str(given["name"]),
        guid=str(given.get("guid") or ""),
        mode=declared_mode(given, where, MODES, ACTS),
        priority=number(given.get("priority"), f"{where}.priority"),
        scope=declared_scope(given, where),
        label=str(given.get("label") or ""),
        overwrite_label=flag(given.get("overwrite_label"), f"{where}.overwrite_label", False) is True,
        external_mail_rights_management_owner=str(given.get("external_mail_rights_management_owner") or ""),
        rules=rules,
        unreadable=unreadable,
    )
