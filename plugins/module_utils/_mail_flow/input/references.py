# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules name, and whether an organization has it: people, groups, templates, OME configurations and connectors.

It takes two round trips, whatever the rules name. Who has an address outside of the organization's domains is not asked for. Only two clear
answers that there is nobody mean so, because Get-Recipient does not show Microsoft 365 groups by itself.

Sources: Microsoft's pages of Get-Recipient and Get-UnifiedGroupLinks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._exchange.cmdlet import Call, Session
from ..._exchange.errors import NotFoundError
from ..._exchange.kinds import RecipientAddress
from ..._exchange.list_kinds import Recipients
from ..._exchange.names import name_key
from ..._exchange.organization import Organization, read
from ..._resources.rules.fields import SECTIONS
from ..._resources.rules.organization_rules import rms_templates_of
from ..._resources.table import Field
from ..model.addresses import domain, is_address, person
from .directory import MOST_ASKED
from .parsing import facts_of
from .rule_sources import facts_from

PRESENT, MISSING, OUTSIDE, UNKNOWN = "present", "missing", "outside", "unknown"
RECIPIENT, GROUP = "recipient", "group"
_TEMPLATE, _BRANDING, _CONNECTOR, _CLASSIFICATION = "template", "ome_configuration", "connector", "classification"

#: Options whose values are names of something else than people, to what they name.
_NAMES = {
    "apply_rights_protection_template": _TEMPLATE,
    "apply_rights_protection_customization_template": _BRANDING,
    "route_message_outbound_connector": _CONNECTOR,
    "has_classification": _CLASSIFICATION,
    "apply_classification": _CLASSIFICATION,
}
#: What is named, to the fact that lists all of them and the key of the name.
_LISTS = {_BRANDING: ("ome_configurations", "identity"), _CONNECTOR: ("outbound_connectors", "name")}
_SUBSETS = ("accepted_domains", "rms_templates", "ome_configurations", "outbound_connectors")
_SHOWS, _LINKS = "shows ", "links "


def _kind(named: Field) -> str:
    """The kind of what the values of an option name; empty if they name nothing."""
    if named.option in _NAMES:
        return _NAMES[named.option]
    if not isinstance(named.kind, Recipients | RecipientAddress):
        return ""
    return GROUP if "member_of" in named.option else RECIPIENT


#: A section and an option, to the kind of what its values name.
_KINDS = {(section, each.option): _kind(each) for section, fields in SECTIONS.items() for each in fields if _kind(each)}


@dataclass
class Reference:
    """Something that rules name.

    :param rules: the names of the rules.
    :param options: where it stands in them, with the sections.
    :param status: whether the organization has it.
    :param reason: why it counts as missing or unknown.
    """

    kind: str
    value: str
    rules: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    status: str = PRESENT
    reason: str = ""


def references(session: Session, rules: Iterable[Mapping[str, Any]]) -> list[Reference]:
    """What rules name, in their order, each once.

    :param rules: as a rule set takes them.
    """
    named: dict[tuple[str, str], Reference] = {}
    for rule in rules:
        for where, kind, value in _named_by(rule):
            reference = named.setdefault((kind, name_key(value)), Reference(kind, value))
            reference.rules = list(dict.fromkeys([*reference.rules, str(rule.get("name") or "")]))
            reference.options = list(dict.fromkeys([*reference.options, where]))
    if named:
        _judge(session, list(named.values()))
    return list(named.values())


def _named_by(rule: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each option with its section, the kind of what it names, and the name."""
    for section in SECTIONS:
        for option, value in (rule.get(section) or {}).items():
            kind = _KINDS.get((section, option), "")
            if not kind or not value:
                continue
            for name in value if isinstance(value, list) else [value]:
                yield f"{section}.{option}", kind, person(str(name))


def _judge(session: Session, named: list[Reference]) -> None:
    organization = read(session, _SUBSETS, fresh=True)
    facts, unavailable = facts_from(organization, [reference for reference in _SUBSETS if reference != "rms_templates"])
    domains = facts_of({"accepted_domains": facts.get("accepted_domains")}).domains
    people = [reference for reference in named if reference.kind in (RECIPIENT, GROUP)]
    for reference in people:
        if is_address(reference.value) and domains.type_of(domain(reference.value)) == "":
            reference.status = OUTSIDE
            reference.reason = f"{domain(reference.value)} is no accepted domain"
    asked = [reference for reference in people if reference.status != OUTSIDE]
    values = list(dict.fromkeys(reference.value for reference in asked))[:MOST_ASKED]
    calls = {
        **{_SHOWS + value: Call("Get-Recipient", {"Identity": value, "ResultSize": 2}) for value in values},
        **{
            _LINKS + value: Call("Get-UnifiedGroupLinks", {"Identity": value, "LinkType": "Members", "ResultSize": 1})
            for value in values
        },
    }
    directory = read(session, calls, fresh=True) if calls else Organization({}, {})
    for reference in asked:
        reference.status, reference.reason = _person(directory, reference, unavailable.get("accepted_domains", ""))
    for reference in named:
        if reference.kind in _NAMES.values():
            reference.status, reference.reason = _thing(organization, reference, facts, unavailable)


def _person(directory: Organization, named: Reference, no_domains: str) -> tuple[str, str]:
    """Whether there is somebody, or a group, of this name or address.

    :param no_domains: why the organization's domains are unknown; empty if they are known.
    """
    shows, links = _SHOWS + named.value, _LINKS + named.value
    if shows not in directory.subsets:
        return UNKNOWN, f"the rules name more than {MOST_ASKED}, and only that many are asked for"
    error, none = directory.error(shows), directory.error(links)
    if none is None:
        return PRESENT, ""
    if error is None:
        return _shown(directory.objects(shows), named)
    if not isinstance(error, NotFoundError):
        return UNKNOWN, str(error)
    if not isinstance(none, NotFoundError):
        return UNKNOWN, f"Get-Recipient shows nobody, and whether it is a Microsoft 365 group is unknown: {none}"
    if no_domains and is_address(named.value):
        return UNKNOWN, f"Exchange shows nobody, and whether the address is inside is unknown: {no_domains}"
    return MISSING, f"Exchange shows no {'group' if named.kind == GROUP else 'recipient'} of this name"


def _shown(rows: list[dict[str, Any]], named: Reference) -> tuple[str, str]:
    if not rows:
        return UNKNOWN, "Get-Recipient answers with nothing"
    if len(rows) > 1:
        return UNKNOWN, "Get-Recipient shows several"
    type_ = str(rows[0].get("RecipientType") or "")
    if named.kind == GROUP and "group" not in type_.lower():
        return MISSING, f"it is no group there, but a {type_}"
    return PRESENT, ""


def _thing(
    organization: Organization, named: Reference, facts: Mapping[str, Any], unavailable: Mapping[str, str]
) -> tuple[str, str]:
    if named.kind == _CLASSIFICATION:
        return UNKNOWN, "message classifications are not read"
    if named.kind == _TEMPLATE:
        templates = rms_templates_of(organization)
        known = templates.known(templates.canonical(named.value))
        if known is None:
            return UNKNOWN, templates.unlisted
        return (PRESENT, "") if known else (MISSING, f"the organization's RMS templates are {templates}")
    fact, key = _LISTS[named.kind]
    if fact in unavailable:
        return UNKNOWN, unavailable[fact]
    if name_key(named.value) in {name_key(str(fact_row.get(key))) for fact_row in facts[fact]}:
        return PRESENT, ""
    return MISSING, "Exchange does not list it"
