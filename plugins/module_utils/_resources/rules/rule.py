# SPDX-License-Identifier: GPL-3.0-or-later
"""One mail flow rule: as Exchange shows it, and as a user declares it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..._exchange.errors import OptionError, ProtocolError
from ..._exchange.kinds import unsendable
from ..._exchange.names import name_key, same_name
from .action_effects import BRANDING, DECRYPTING, ENCRYPTING, MODERATING, REJECTING
from .fields import (
    DESCRIPTIVE_PROPERTIES,
    DLP_PROPERTIES,
    EDGE_PROPERTIES,
    GROUPS,
    SECTIONS,
    SENDER_CONDITIONS,
    SETTINGS_FIELDS,
)
from .moderation import doing, done

_KNOWN_PROPERTIES = DESCRIPTIVE_PROPERTIES | {
    field.output or field.parameter for fields in SECTIONS.values() for field in fields
}

#: Exchange's two built-in RMS templates: their names, in other languages, too, and their GUIDs, which are the same
#: everywhere. Sources: organizations of these languages, and Outlook's own German words.
_BUILT_IN_TEMPLATES = {
    **{
        name_key(name): "Encrypt"
        for name in ("Encrypt", "Chiffrer", "Verschlüsseln", "c026002d-cda6-401e-bfad-28de214d0fba")
    },
    **{
        name_key(name): "Do Not Forward"
        for name in (
            "Do Not Forward",
            "Ne pas transférer",
            "Nicht weiterleiten",
            "cf5cf348-a8d7-40d5-91ef-a600b88a395d",
        )
    },
}


_ACTIONS = {field.option: field for field in SECTIONS["actions"]}


class RmsTemplates:
    """The RMS templates of an organization.

    :param objects: the output of Get-RMSTemplate. An empty list proves nothing: Exchange also returns one if licensing
        is off or the caller may not see them.
    :param unlisted: why there is no list, as a clause; empty if Exchange returned one.
    """

    def __init__(self, objects: Sequence[Mapping[str, Any]] = (), unlisted: str = "") -> None:
        self.unlisted = unlisted or "Exchange lists no RMS templates"
        self._names = {name_key(str(item["Name"])): str(item["Name"]) for item in objects}
        #: The built-in templates by the names that they have here, as far as their GUIDs tell.
        self._built_in = {
            name_key(str(item["Name"])): _BUILT_IN_TEMPLATES[key]
            for item in objects
            if (key := name_key(str(item.get("TemplateGuid")))) in _BUILT_IN_TEMPLATES
        }
        self._guids = {
            name_key(str(guid)): str(item["Name"])
            for item in objects
            for guid in (item.get("TemplateGuid"), item.get("Guid"))
            if guid
        }

    @property
    def listed(self) -> bool:
        """Whether Exchange lists any RMS template."""
        return bool(self._names)

    def canonical(self, reference: str) -> str:
        """The RMS template's name. Built-in ones have their English name, whatever the organization's language."""
        name = self._guids.get(name_key(reference), reference)
        return self._built_in.get(name_key(name)) or _BUILT_IN_TEMPLATES.get(name_key(name), name)

    def sendable(self, name: str) -> str:
        """The name by which this organization knows an RMS template."""
        return next((listed for listed in self._names.values() if same_name(self.canonical(listed), name)), name)

    def unnamed(self, name: str) -> bool:
        """Whether it is a built-in RMS template, and Exchange lists others, but none that is known to be it."""
        return self.listed and name in _BUILT_IN_TEMPLATES.values() and not self._lists(name)

    def known(self, name: str) -> bool | None:
        """Whether the RMS template exists; ``None`` if unknown."""
        if name in _BUILT_IN_TEMPLATES.values() or self._lists(name):
            return True
        return False if self._names else None

    def _lists(self, name: str) -> bool:
        return any(same_name(self.canonical(listed), name) for listed in self._names.values())

    def __str__(self) -> str:
        return ", ".join(sorted(self._names.values()))


def _is_overlooked(name: str, value: Any) -> bool:
    """Whether no option says what a property with this value says."""
    if name == "RuleSubType":
        return _is_dlp(value)
    return name not in _KNOWN_PROPERTIES and value not in (None, False, "", [])


def _is_dlp(sub_type: Any) -> bool:
    return str(sub_type).casefold() == "dlp"


class Rule:
    """A rule as Exchange shows it."""

    def __init__(self, properties: Mapping[str, Any], templates: RmsTemplates) -> None:
        self.properties = properties
        self.rms_templates = templates
        try:
            self.name = str(properties["Name"])
            self.guid = str(properties["Guid"])
            self.priority = int(properties["Priority"])
            self.enabled = str(properties["State"]).lower() == "enabled"
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(
                "Exchange returned a rule without name, GUID, priority or state.", cmdlet="Get-TransportRule"
            ) from error

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings outside of the sections, canonical."""
        return {field.option: field.read(self.properties) for field in SETTINGS_FIELDS}

    @cached_property
    def sections(self) -> dict[str, dict[str, Any]]:
        """Section to the options set in it, canonical."""
        read = {
            section: {field.option: field.read(self.properties) for field in fields}
            for section, fields in SECTIONS.items()
        }
        cleared = {
            section: {field.option: field.kind.cleared for field in fields} for section, fields in SECTIONS.items()
        }
        sections = {
            section: {
                option: value
                for option, value in options.items()
                if value is not None and value != cleared[section][option]
            }
            for section, options in read.items()
        }
        return {**sections, "actions": by_rms_template_name(sections["actions"], self.rms_templates)}

    def does(self, options: Iterable[str]) -> bool:
        """Whether the rule does any of these actions for some sender. Reads only these, and those that ask for an
        approval.
        """
        wanted = set(options)
        read = {option: _ACTIONS[option].read(self.properties) for option in wanted.union(MODERATING)}
        actions = {
            option: value for option, value in read.items() if value not in (None, _ACTIONS[option].kind.cleared)
        }
        return not wanted.isdisjoint(done(actions, managed=False))

    @cached_property
    def unknown(self) -> dict[str, tuple[str, ...]]:
        """Section to the set properties that correspond to no option and would be overlooked. From outside, conditions
        and actions look alike.
        """
        names = [name for name, value in self.properties.items() if _is_overlooked(name, value)]
        exceptions = tuple(name for name in names if name.startswith("ExceptIf"))
        others = tuple(name for name in names if not name.startswith("ExceptIf"))
        return {"conditions": others, "exceptions": exceptions, "actions": others}

    @property
    def dlp_policy(self) -> bool:
        """Whether the rule belongs to a policy of data loss prevention."""
        return bool(self.properties.get("DlpPolicy")) or _is_dlp(self.properties.get("RuleSubType"))

    @property
    def idle(self) -> dict[str, str]:
        """What keeps the rule from acting today, as :func:`idle` says it."""
        return idle({"enabled": self.enabled, **self.settings, "dlp_policy": self.dlp_policy})

    @property
    def encrypts_today(self) -> bool:
        """Whether the rule protects mail today."""
        return encrypts(doing(self.sections)) and not self.idle

    @cached_property
    def unsupported(self) -> str:
        """Why the modules cannot write this rule; empty if they can."""
        unknown = {*self.unknown["conditions"], *self.unknown["exceptions"]}
        if unknown & set(DLP_PROPERTIES):
            return f"it is a data loss prevention rule ({', '.join(sorted(unknown & set(DLP_PROPERTIES)))}), which Exchange Online does not allow to be written"
        if unknown & set(EDGE_PROPERTIES):
            return f"it uses an action of Edge servers ({', '.join(sorted(unknown & set(EDGE_PROPERTIES)))})"
        if unknown:
            return f"it uses properties that this collection does not know: {', '.join(sorted(unknown))}"
        if odd := unsendable(json.dumps(self.describe(), ensure_ascii=False)):
            return f"it contains {odd}, which no transport carries unchanged"
        legacy = [option for option in ("apply_ome", "remove_ome") if self.sections["actions"].get(option)]
        if legacy:
            return f"it uses the retired action {legacy[0]}"
        try:
            declare(self.describe())
        except OptionError as error:
            return f"it has a value that the modules do not write: {error.message.rstrip('.')}"
        return ""

    @property
    def not_rebuildable(self) -> str:
        """Why the rule cannot be recreated after a removal; empty if it can."""
        if self.unsupported:
            return self.unsupported
        return (
            "it has expired, and Exchange does not accept a past date for a new rule"
            if is_past(self.settings["expiry_date"])
            else ""
        )

    @property
    def rebuilding(self) -> dict[str, Any]:
        """What decides whether the rule can be recreated, as values: its name, its properties that the modules cannot
        write, and whether it has expired.
        """
        unknown = {*self.unknown["conditions"], *self.unknown["exceptions"]}
        return {"rule": self.name, "properties": sorted(unknown), "expired": is_past(self.settings["expiry_date"])}

    def describe(self) -> dict[str, Any]:
        """The rule in the form that the modules accept."""
        settings = {option: value for option, value in self.settings.items() if value is not None}
        return {
            "name": self.name,
            "guid": self.guid,
            "enabled": self.enabled,
            "priority": self.priority,
            **settings,
            **self.sections,
        }


@dataclass(frozen=True)
class DeclaredRule:
    """A rule as a user declares it, canonical. A ``None`` or missing value is left alone.

    :param settings: the settings outside the sections.
    :param sections: section to its authoritative content. Omitted sections are missing.
    :param where: the start of an error about one of its options, such as ``rules[2].``.
    :param last: whether it stands after all other rules, whoever made them.
    """

    name: str
    guid: str
    state: str
    enabled: bool | None
    priority: int | None
    settings: dict[str, Any]
    sections: dict[str, dict[str, Any]]
    where: str = ""
    last: bool = False

    @property
    def label(self) -> str:
        """The rule's name, or its GUID if only that is given."""
        return self.name or self.guid


def declare(options: Mapping[str, Any], where: str = "", *, retired: bool = False) -> DeclaredRule:
    """The canonical form of a rule's options. Raises OptionError, which names what is invalid.

    :param retired: whether it may have actions that Exchange only shows and removes.
    """
    name, guid = _declared_names(options, where)
    priority = options.get("priority")
    if priority is not None and priority < 0:
        raise OptionError(f"{where}priority must be 0 or more, not {priority}.")
    sections = {
        section: declare_section(section, options[section], f"{where}{section}.", retired=retired)
        for section in SECTIONS
        if options.get(section) is not None
    }
    if "actions" in sections and not sections["actions"] and options.get("state") != "absent":
        raise OptionError(
            f"{where}actions of {name or guid!r} is empty: a rule without an action does nothing.",
            remedy="Set an action, or omit actions.",
        )
    return DeclaredRule(
        name=name,
        guid=guid,
        state=options.get("state") or "present",
        enabled=options.get("enabled"),
        priority=priority,
        settings={
            field.option: field.parse(options[field.option], where)
            for field in SETTINGS_FIELDS
            if options.get(field.option) is not None
        },
        sections=sections,
        where=where,
    )


def _declared_names(options: Mapping[str, Any], where: str) -> tuple[str, str]:
    """The name and the GUID of a declared rule, of which one may be empty."""
    name = options.get("name") or ""
    guid = (options.get("guid") or "").lower()
    if not name and not guid:
        raise OptionError(f"{where}name or guid is required.")
    if len(name) > 64:
        raise OptionError(f"{where}name has {len(name)} characters; Exchange accepts at most 64.")
    if odd := unsendable(name):
        raise OptionError(f"{where}name contains {odd}, which no transport carries unchanged.")
    return name, guid


def proposed_rules(rules: Sequence[Mapping[str, Any]], where: str) -> list[dict[str, Any]]:
    """Proposed rules, complete and first to last, in the form of an organization's description. Raises OptionError,
    which names what is invalid.
    """
    declared = [_declare_proposed(rule, f"{where}[{index}].") for index, rule in enumerate(rules)]
    _refuse_other_order(declared)
    return [_described(rule) for rule in declared if rule.state == "present"]


def proposed_rule(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """One proposed rule, complete, in the form of an organization's description. Raises OptionError, which names what is
    invalid.
    """
    return _described(_declare_proposed(options, where))


def _declare_proposed(options: Mapping[str, Any], where: str) -> DeclaredRule:
    """A proposed rule is never written, so a disabled one may have retired actions, as those of organizations do."""
    return declare(options, where, retired=options.get("enabled") is False)


def _described(rule: DeclaredRule) -> dict[str, Any]:
    empty: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    return {
        "name": rule.label,
        "guid": rule.guid,
        "enabled": rule.enabled is not False,
        **rule.settings,
        **empty,
        **rule.sections,
        # A built-in template is what it is by any of its names.
        "actions": by_rms_template_name(rule.sections.get("actions", {}), RmsTemplates()),
    }


def _refuse_other_order(rules: Sequence[DeclaredRule]) -> None:
    """Refuses a priority that contradicts the order of the list."""
    before: DeclaredRule | None = None
    for rule in (rule for rule in rules if rule.priority is not None):
        if before is not None and rule.priority <= before.priority:  # type: ignore[operator]
            raise OptionError(
                f"{rule.where}priority of {rule.label!r} is {rule.priority}, but {before.label!r} comes before it with {before.priority}: "
                "the list's order is the order of the rules.",
                remedy="Sort the list, or omit priority.",
            )
        before = rule


def encrypts(sections: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a rule is told to protect mail."""
    return _has_any_action(sections, ENCRYPTING)


#: What a rule does that has a branding and no protection, as a part of a sentence.
BRANDS_ONLY = "brands, but encrypts nothing: if it should, add apply_rights_protection_template"


def brands_only(sections: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a rule is told to choose how protected mail looks, and not to protect it."""
    return _has_any_action(sections, BRANDING) and not encrypts(sections)


def decrypts(sections: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a rule is told to remove protection."""
    return _has_any_action(sections, DECRYPTING)


def decides_about_mail(sections: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a rule is told to do something that decides whether mail is delivered or protected, be it by keeping it
    from other rules.
    """
    return _has_any_action(sections, (*ENCRYPTING, *DECRYPTING, *REJECTING, *MODERATING, "stop_rule_processing"))


def _has_any_action(sections: Mapping[str, Mapping[str, Any]], options: Iterable[str]) -> bool:
    """Whether a rule has one of these actions."""
    return any(sections.get("actions", {}).get(option) for option in options)


#: Option to the setting that makes a rule act that the option keeps from acting.
REMEDIES: Mapping[str, str] = {
    "enabled": "enabled: true",
    "mode": "mode: Enforce",
    "activation_date": 'activation_date: ""',
    "expiry_date": 'expiry_date: ""',
}


#: Option that keeps a rule from acting today to a part of a sentence about its value.
_IDLE = {
    "dlp_policy": "belongs to a policy of data loss prevention, and Exchange Online no longer evaluates such rules",
    "enabled": "is disabled",
    "mode": "is only in test mode ({})",
    "activation_date": "does not act before {}",
    "expiry_date": "has expired ({})",
}


def idle_words(option: str, value: str) -> str:
    """What :func:`idle` finds, as a part of a sentence."""
    return _IDLE[option].format(value)


def idle(rule: Mapping[str, Any]) -> dict[str, str]:
    """What keeps a rule from acting today: option to its value; empty if it acts.

    :param rule: ``enabled``, its settings outside the sections and ``dlp_policy``, as a rule is described. Missing ones
        are as in a new rule.
    """
    activation, expiry = rule.get("activation_date") or "", rule.get("expiry_date") or ""
    mode = rule.get("mode") or "Enforce"
    values = {
        "dlp_policy": "true" if rule.get("dlp_policy") else "",
        "enabled": "false" if rule.get("enabled") is False else "",
        "mode": "" if mode == "Enforce" else mode,
        "activation_date": "" if is_past(activation) else activation,
        "expiry_date": expiry if is_past(expiry) else "",
    }
    return {option: value for option, value in values.items() if value}


def encrypts_today(rule: Mapping[str, Any]) -> bool:
    """Whether a rule protects mail today.

    :param rule: as :func:`idle` takes it, with its sections.
    """
    return encrypts(doing(rule)) and not idle(rule)


def keeps_senders_inside(sections: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a condition limits the rule to senders inside the organization."""
    conditions = sections.get("conditions", {})
    return conditions.get("from_scope") == "InOrganization" or any(
        conditions.get(option) for option in SENDER_CONDITIONS
    )


def is_past(instant: str) -> bool:
    """Whether a canonical instant is in the past. False for an empty one."""
    return bool(instant) and datetime.datetime.fromisoformat(instant) <= datetime.datetime.now(datetime.UTC)


def declare_section(section: str, options: Mapping[str, Any], prefix: str, *, retired: bool = False) -> dict[str, Any]:
    """The authoritative content of a section: only what is set, completed with what Exchange fills in.

    :param prefix: the start of an error about one of its options, such as ``rules[2].conditions.``.
    :param retired: whether values are accepted that Exchange only shows and removes.
    """
    wanted: dict[str, Any] = {}
    for field in SECTIONS[section]:
        if options.get(field.option) is not None:
            value = field.parse(options[field.option], prefix, retired=retired)
            if value != field.kind.cleared:
                wanted[field.option] = value
    for group in GROUPS[section]:
        declared = [option for option in group.options if option in wanted]
        missing = [option for option in group.needs if option not in wanted]
        if declared and missing:
            raise OptionError(
                f"{prefix}{declared[0]} needs {' and '.join(prefix + option for option in missing)}.",
                remedy="Set both or neither.",
            )
        if declared:
            wanted = {**group.fills, **wanted}
    return wanted


def by_rms_template_name(actions: Mapping[str, Any], templates: RmsTemplates) -> dict[str, Any]:
    """Actions with the RMS template by its canonical name."""
    return {
        option: templates.canonical(value) if option == "apply_rights_protection_template" else value
        for option, value in actions.items()
    }


def first_date(properties: Mapping[str, Any], *names: str) -> datetime.datetime | None:
    """The first of these dates that Exchange shows; ``None`` if it shows none."""
    for name in names:
        try:
            return datetime.datetime.fromisoformat(str(properties.get(name)))
        except ValueError:
            continue
    return None
