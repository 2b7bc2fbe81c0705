# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a declared rule before anything is sent: refuses what is invalid and warns about what is dangerous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._engine.plan import PlanWarning, warning
from ..._exchange.errors import NotFoundError, OptionError
from ..._exchange.names import name_key, same_name
from ..settings import lookalike_warnings
from .brackets import unbalanced
from .moderation import doing
from .organization_rules import exists_on_premises_only
from .rule import (
    BRANDS_ONLY,
    REMEDIES,
    DeclaredRule,
    Rule,
    brands_only,
    encrypts,
    idle_words,
    keeps_senders_inside,
)
from .rule_index import RuleBook
from .unmatchable_values import never_matching
from .values import given_sections


def check_rule(book: RuleBook, wanted: DeclaredRule, rule: Rule | None) -> list[PlanWarning]:
    """Refuses what must not be sent, by option name. Returns warnings about what is dangerous."""
    warnings: list[PlanWarning] = []
    unknown = rule.unknown if rule else {}
    _refuse_unwritable(wanted, unknown)
    if rule and any(unknown.values()):
        warnings.append(
            warning(
                "parts_not_compared",
                f"The rule {rule.name!r} has parts that were not compared: {rule.unsupported}.",
                **rule.rebuilding,
            )
        )
    sections_given = given_sections(wanted, book.rms_templates)
    actions = sections_given.get("actions", {})
    warnings += _check_values(book, wanted.where, sections_given)
    warnings += _check_patterns(wanted, rule, sections_given)
    warnings += _check_template(book, wanted.where, actions)
    warnings += _check_language(book, wanted.where, actions, rule)
    warnings += _check_branding(book, wanted.where, actions)
    sections = doing({**(rule.sections if rule else {}), **sections_given})
    if encrypts(sections) and not keeps_senders_inside(sections):
        text = (
            f"The rule {wanted.label!r} encrypts but has no condition that keeps its senders inside. Such a rule has no effect on mail from outside, or "
            "bounces it (550 5.7.162), depending on the state of the service. In most cases, conditions.from_scope: InOrganization is what you want."
        )
        warnings.append(warning("any_sender", text, rule=wanted.label))
    if brands_only(sections):
        warnings.append(warning("brands_only", f"The rule {wanted.label!r} {BRANDS_ONLY}.", rule=wanted.label))
    return [*warnings, *(_idleness(wanted, rule) if rule and encrypts(sections) else ())]


def _refuse_unwritable(wanted: DeclaredRule, unknown: Mapping[str, Sequence[str]]) -> None:
    """Refuses to replace a section of a rule that has parts that cannot be written.

    :param unknown: section to the names of these parts.
    """
    for section in wanted.sections:
        overlooked = unknown.get(section)
        if overlooked:
            raise OptionError(
                f"{wanted.where}{section} of {wanted.label!r}: the rule also has {', '.join(overlooked)}, which this collection cannot write.",
                remedy=f"Omit {section}, or remove that part in the portal first.",
            )


def _check_patterns(
    wanted: DeclaredRule, rule: Rule | None, sections: Mapping[str, Mapping[str, Any]]
) -> list[PlanWarning]:
    """Warns about regular expressions that Exchange refuses.

    :param sections: section to its options.
    """
    legacy = bool(wanted.settings.get("use_legacy_regex", rule.settings.get("use_legacy_regex") if rule else False))
    return [
        warning(
            "pattern_unbalanced",
            f"{wanted.where}{section}.{option} {pattern!r} has {wrong}: it is not a regular expression, and Exchange refuses it. "
            "Put a backslash before a bracket that stands for itself.",
            option=f"{wanted.where}{section}.{option}",
            value=pattern,
        )
        for section, values in sections.items()
        for option, patterns in values.items()
        if option.endswith("_matches_patterns")
        for pattern in patterns or ()
        if (wrong := unbalanced(pattern, legacy=legacy))
    ]


def _check_values(book: RuleBook, where: str, sections: Mapping[str, Mapping[str, Any]]) -> list[PlanWarning]:
    """Refuses values that only Exchange on-premises has, and warns about conditions that match no mail.

    :param sections: section to its options.
    """
    warnings = []
    for section, values in sections.items():
        for option, value in values.items():
            if book.in_cloud and exists_on_premises_only(section, option, value):
                raise OptionError(
                    f"{where}{section}.{option} {value} is available only in Exchange on-premises.",
                    remedy="In Exchange Online, use NotInOrganization.",
                )
        if section != "actions":
            warnings += [
                warning(
                    "matches_no_mail",
                    f"{where}{section}.{option} {value!r} matches no mail: Exchange takes it as it is written. Write {instead}.",
                    option=f"{where}{section}.{option}",
                    value=value,
                )
                for option, value, instead in never_matching(values)
            ]
    return warnings


def _check_template(book: RuleBook, where: str, actions: Mapping[str, Any]) -> list[PlanWarning]:
    """Refuses an unknown RMS template. Warns if the templates could not be read."""
    template = actions.get("apply_rights_protection_template")
    known = book.rms_templates.known(template) if template else True
    if known:
        return []
    option = f"{where}actions.apply_rights_protection_template"
    if known is False:
        raise NotFoundError(
            f"{option} {template!r} is not an RMS template of this organization.",
            remedy=f"Known RMS templates: {book.rms_templates}.",
        )
    # Why is left to the sentence: it differs between wires.
    text = f"{option} {template!r} could not be checked: {book.rms_templates.unlisted}."
    return [warning("template_not_checked", text, option=option, value=template)]


def _check_language(book: RuleBook, where: str, actions: Mapping[str, Any], rule: Rule | None) -> list[PlanWarning]:
    """Warns where Exchange does not list a built-in RMS template by its English name: always if none is known to be it,
    and in check mode of a change if one is.
    """
    template = actions.get("apply_rights_protection_template")
    if not template:
        return []
    option = f"{where}actions.apply_rights_protection_template"
    if book.rms_templates.unnamed(template):
        text = (
            f"{option} {template!r} is not among the RMS templates that Exchange lists ({book.rms_templates}). In another language the template has "
            "another name, and Exchange may refuse the English one: give the name from the list, or the template's GUID."
        )
        return [warning("template_not_named", text, option=option, value=template, listed=str(book.rms_templates))]
    here = book.rms_templates.sendable(template)
    stored = rule.sections["actions"].get("apply_rights_protection_template") if rule else None
    if not book.check_mode or same_name(here, template) or same_name(str(stored), template):
        return []
    text = f"{option} {template!r} is called {here!r} in this organization, and is sent by that name."
    return [warning("template_called", text, option=option, value=template, here=here)]


def _check_branding(book: RuleBook, where: str, actions: Mapping[str, Any]) -> list[PlanWarning]:
    """Refuses an unknown OME configuration. In check mode, an earlier task may be about to create it."""
    branding = actions.get("apply_rights_protection_customization_template")
    if not branding or book.ome_configurations is None or name_key(branding) in book.ome_configurations:
        return []
    option = f"{where}actions.apply_rights_protection_customization_template"
    missing = f"{option} {branding!r} is not an OME configuration of this organization."
    if not book.check_mode:
        raise NotFoundError(missing, remedy="Create it with m365.message_encryption.ome_configuration first.")
    return [warning("configuration_missing", missing, option=option, value=branding)]


def _idleness(wanted: DeclaredRule, rule: Rule) -> list[PlanWarning]:
    """Warns about an encrypting rule that does not act as it seems to, if the task does not manage the option that
    prevents it.
    """
    warnings = []
    declared = {*wanted.settings, *(["enabled"] if wanted.enabled is not None else [])}
    for option, value in rule.idle.items():
        if option not in declared:
            remedy = (
                f"which this task does not manage. To change that, set {REMEDIES[option]}"
                if option in REMEDIES
                else "and no task can change that. Create the rule under another name, and remove this one"
            )
            reason = f"{idle_words(option, value)}, {remedy}"
            text = f"The rule {rule.name!r} encrypts but {reason}."
            warnings.append(
                warning("idle", text, rule=rule.name, option=option, value=rule.settings.get(option, rule.enabled))
            )
    if wanted.sections and "exceptions" not in wanted.sections and rule.sections["exceptions"]:
        names = list(rule.sections["exceptions"])
        text = f"The rule {rule.name!r} encrypts but has exceptions that this task does not manage ({', '.join(names)}). To clear them, set exceptions: {{}}."
        warnings.append(warning("exceptions_not_managed", text, rule=rule.name, exceptions=names))
    return warnings


def lookalikes_of(book: RuleBook, name: str, besides: str = "") -> list[PlanWarning]:
    """Warns about a new name that a directory with loose comparison may confuse with that of another rule."""
    others = [rule.name for rule in book.rules if rule.name != besides] + [
        entry for entry in book.order if entry not in book.by_guid
    ]
    return lookalike_warnings(name, others)
