# SPDX-License-Identifier: GPL-3.0-or-later
"""Random worlds: an organization, an edit of its rules, guarantees, and mail. They are drawn by the generators of the
other laws, with rules beside that do what parts may see in two ways. A world shrinks by what can be left out of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.unit.mail_flow import generators, small_rules, unusual
from tests.unit.mail_flow.asking import ENCRYPT, IN, OUTGOING
from tests.unit.mail_flow.small_worlds import NOW

Values = dict[str, Any]

#: Messages of a world that are as usual, and others.
_USUAL, _UNUSUAL = 7, 3
_PARTS = ("conditions", "exceptions", "actions")
_PEOPLE = ("to", "cc", "bcc")

#: Rules that parts may see in two ways. What they do stands before what they are about.
_BESIDE: tuple[tuple[Values, Values], ...] = (
    ({"apply_rights_protection_customization_template": "Branding1"}, OUTGOING),
    ({"apply_rights_protection_customization_template": "Branding2"}, IN),
    ({"blind_copy_to": ["far@elsewhere.com"]}, IN),
    ({"redirect_message_to": ["far@elsewhere.com"]}, {"recipient_domain_is": ["fabrikam.com"]}),
    ({"copy_to": ["far@elsewhere.com"]}, OUTGOING),
    ({"add_manager_as_recipient_type": "Bcc"}, IN),
    ({"route_message_outbound_connector": "Open"}, {"sent_to_scope": "InOrganization"}),
    ({"route_message_outbound_connector": "Open"}, {}),
    ({"delete_message": True}, {"any_of_recipient_address_contains_words": ["fabrikam"]}),
    ({"prepend_subject": "[X] "}, {"sent_to_scope": "NotInOrganization"}),
    ({"set_scl": 6}, IN),
    ({"generate_incident_report": "far@elsewhere.com", "incident_report_content": ["AttachOriginalMail"]}, IN),
    ({"generate_notification": "<p>Seen</p>"}, IN),
    ({"reject_message_reason_text": "No."}, {"subject_contains_words": ["offer"]}),
    ({"moderate_message_by_user": ["bob@contoso.com"], **ENCRYPT}, IN),
    ({"stop_rule_processing": True, "set_audit_severity": "Low"}, {"recipient_domain_is": ["eu.fabrikam.com"]}),
    ({"route_message_outbound_connector": "Closed"}, {"recipient_domain_is": ["northwind.com"]}),
    ({"apply_html_disclaimer_text": "<p>Ours</p>", "apply_html_disclaimer_fallback_action": "Ignore"}, OUTGOING),
    ({**ENCRYPT, "apply_rights_protection_customization_template": "Branding1"}, OUTGOING),
    ({**ENCRYPT, "apply_rights_protection_customization_template": "Branding1"}, IN),
    (ENCRYPT, {**IN, "recipient_domain_is": ["northwind.com"]}),
    (ENCRYPT, OUTGOING),
)
#: A rule that looks at all who share a copy, and one that parts them.
_SHARED: tuple[Values, ...] = (
    {"exceptions": {"any_of_recipient_address_contains_words": ["fabrikam"]}, "actions": {"delete_message": True}},
    {"conditions": {"any_of_recipient_address_contains_words": ["fabrikam"]}, "actions": {"delete_message": True}},
    {"conditions": {"any_of_recipient_address_contains_words": ["fabrikam"]}, "actions": ENCRYPT},
    {"exceptions": {"any_of_recipient_address_contains_words": ["north"]}, "actions": ENCRYPT},
)
#: What an edit may set otherwise, beside whatever it may take away.
_OTHERWISE: tuple[Values, ...] = (
    ENCRYPT,
    {"apply_rights_protection_customization_template": "Branding1"},
    {"route_message_outbound_connector": "Closed"},
    {"blind_copy_to": ["far@elsewhere.com"]},
)
#: Other values of what rules tell people, or mark mail with.
_TOLD: Values = {
    "set_scl": 9,
    "reject_message_reason_text": "Not that.",
    "generate_notification": "<p>Read</p>",
    "apply_html_disclaimer_text": "<p>Theirs</p>",
}
_GUARANTEES: tuple[Values, ...] = (
    {"when": OUTGOING, "then": "not_in_clear"},
    {"when": {**IN, "recipient_domain_is": ["fabrikam.com"]}, "then": "not_in_clear"},
    {"when": IN, "then": "protected_in_transit"},
    {"when": {**IN, "sent_to_scope": "InOrganization"}, "then": "protected_in_transit"},
    {"when": {**IN, "recipient_domain_is": ["fabrikam.com"]}, "then": "protected_in_transit"},
    {"when": OUTGOING, "then": "delivered"},
)


@dataclass(frozen=True)
class World:
    """An organization, what is asked of it, and its mail.

    :param tenant: the facts.
    :param before: the rules before an edit, and :param:`rules` after it, as options with ``priority`` and ``state``.
    :param later: facts that are other ones once the edit is approved.
    """

    number: int
    tenant: Values
    before: tuple[Values, ...]
    rules: tuple[Values, ...]
    mail: tuple[Values, ...]
    guarantees: tuple[Values, ...]
    later: Values

    @property
    def edited(self) -> list[str]:
        """The names of the rules that the edit adds, removes, changes or moves."""
        old, new = ({each["name"]: each for each in rules} for rules in (self.before, self.rules))
        names = dict.fromkeys((*old, *new))
        kept = [name for name in names if name in old and name in new]
        order = [[name for name in rules if name in kept] for rules in (old, new)]
        changed = [name for name in names if _told(old.get(name)) != _told(new.get(name))]
        return [*changed, *(["order"] if order[0] != order[1] else [])]


def _told(rule: Mapping[str, Any] | None) -> Values | None:
    return None if rule is None else {key: value for key, value in rule.items() if key != "priority"}


def drawn(number: int) -> World:
    """The world of a number."""
    source = random.Random(f"{number} world")
    tenant = {"inbound_connectors": [], **unusual.drawn_organization(source)}
    if source.random() < 0.8:
        tenant["outbound_connectors"] = [*tenant.get("outbound_connectors", ()), *_connectors(source)]
    before = _rules(source, number)
    return World(
        number,
        tenant,
        tuple(before),
        tuple(_edited(source, before)),
        tuple(_message(source, usual=place < _USUAL) for place in range(_USUAL + _UNUSUAL)),
        tuple(
            {"name": f"G{place}", **each}
            for place, each in enumerate(
                (_nameless(unusual.drawn_guarantee(source, 0)), *source.sample(_GUARANTEES, 2))
            )
        ),
        _later(source, tenant),
    )


def _nameless(guarantee: Values) -> Values:
    return {key: value for key, value in guarantee.items() if key != "name"}


def _connectors(source: random.Random) -> list[Values]:
    """One that forces TLS for what rules route to it, and one that mostly does not, for everybody."""
    working = {"enabled": True, "test_mode": False, "recipient_domains": ["*"], "tls_domain": ""}
    return [
        {
            **generators.connector(source, "Open"),
            **working,
            "is_transport_rule_scoped": source.random() < 0.7,
            "tls_settings": source.choice(("", "", "EncryptionOnly")),
        },
        {
            **generators.connector(source, "Closed"),
            **working,
            "is_transport_rule_scoped": True,
            "tls_settings": "CertificateValidation",
        },
    ]


def _later(source: random.Random, tenant: Values) -> Values:
    """Facts of which one is another: a connector lost its TLS, or was switched off, or groups have other members."""
    connectors = tenant.get("outbound_connectors") or ()
    match source.choice(("tls", "tls", "off", "groups")):
        case "tls":
            return {"outbound_connectors": [{**each, "tls_settings": ""} for each in connectors]}
        case "off":
            return {"outbound_connectors": [{**each, "enabled": False} for each in connectors]}
    return {"groups": {name: members[:1] for name, members in tenant["groups"].items()}}


def _rules(source: random.Random, number: int) -> list[Values]:
    match number % 3:
        case 0:
            found = unusual.drawn_rules(source)
        case 1:
            found = generators.rules(source, 4, newcomers=True, rare=0.1)
        case _:
            found = small_rules.rule_set(source)
    found = [_plain(each) for each in found]
    for place in range(source.choice((0, 1, 1, 2))):
        found.insert(source.randint(0, len(found)), _beside(source, f"Beside {place}"))
    if source.random() < 0.15:
        empty: Values = {"conditions": {}, "exceptions": {}}
        found.append({**_beside(source, "Shared"), **empty, **source.choice(_SHARED)})
    return _placed(found)


def _plain(rule: Values) -> Values:
    """A rule whose dates are past, whenever they are looked at, and all of which is known."""
    made = {key: value for key, value in rule.items() if key != "is_rule_configuration_supported"}
    dates = {name: "2020-02-01T00:00:00Z" for name in ("activation_date", "expiry_date") if name in made}
    return {"state": "Enabled", "mode": "Enforce", **made, **dates}


def _beside(source: random.Random, name: str) -> Values:
    actions, conditions = source.choice(_BESIDE)
    more = small_rules.section(source, 1) if source.random() < 0.4 else {}
    return {
        "name": name,
        "state": "Enabled",
        "mode": "Enforce",
        "conditions": {**conditions, **more},
        "exceptions": small_rules.section(source, 1) if source.random() < 0.2 else {},
        "actions": dict(actions),
    }


def _placed(rules: Sequence[Values]) -> list[Values]:
    return [{**each, "priority": place} for place, each in enumerate(rules)]


def _edited(source: random.Random, before: Sequence[Values]) -> list[Values]:
    """The rules after a random edit of one of them."""
    after = [{**each, **{part: dict(each[part]) for part in _PARTS}} for each in before]
    place = source.randrange(len(after)) if after else 0
    match source.choice(("new", "new", "first", "away", "away", "otherwise", "told", "state", "any", "any")):
        case "new":
            after.insert(source.randint(0, len(after)), _beside(source, "New"))
        case "first":
            parts = {"conditions": {"sent_to_scope": source.choice(("InOrganization", "NotInOrganization"))}}
            after.insert(0, {**_beside(source, "New"), **parts, "actions": {"set_audit_severity": "Low"}})
        case "told" if telling := [each for each in after if each["actions"].keys() & _TOLD.keys()]:
            actions = source.choice(telling)["actions"]
            option = source.choice(sorted(actions.keys() & _TOLD.keys()))
            actions[option] = _TOLD[option]
        case "away" if after and (there := [(part, key) for part in _PARTS for key in after[place][part]]):
            part, key = source.choice([each for each in there if len(after[place][each[0]]) > 1] or there)
            after[place][part] = _but(after[place][part], key)
        case "otherwise" if after:
            after[place]["actions"] |= source.choice(_OTHERWISE)
        case "state" if after:
            after[place]["state"] = "Disabled" if after[place]["state"] == "Enabled" else "Enabled"
        case _ if after:
            after = [_plain(each) for each in small_rules.edited(source, after)]
    return _placed([each for each in after if each["actions"]])


#: Options that go together.
_TOGETHER = (
    *("header_contains_", "header_matches_", "ad_comparison_", "manager_", "between_member_of_", "set_header_"),
    *("apply_html_disclaimer_", "generate_incident_report incident_report_"),
)


def _but(section: Mapping[str, Any], option: str) -> Values:
    """A section without an option, and without those that have no meaning without it."""
    group = next((each.split() for each in _TOGETHER if option.startswith(tuple(each.split()))), [])
    gone = {each for each in section if each == option or each.startswith(tuple(group) or ("-",))}
    return {key: value for key, value in section.items() if key not in gone}


def _message(source: random.Random, *, usual: bool) -> Values:
    made = unusual.message(source)
    # Policies and replays say what becomes of mail into which a disclaimer fits.
    made |= {"date": NOW, "disclaimer_insertable": True, "size": min(made["size"], 30 << 20)}
    if usual:
        made |= {"type": [], "size": source.choice(generators.SIZES), "protection": {"kind": "none"}, "attachments": []}
        made |= {"from": source.choice(generators.PEOPLE), "authenticated": True}
        made["mail_from"] = made["from"]
    return generators.alterable(made)


def smaller(world: World) -> Iterator[World]:
    """Worlds with a little less, those with much less first."""
    for name in dict.fromkeys(each["name"] for each in (*world.before, *world.rules)):
        yield _with_rules(world, lambda rules, name=name: [each for each in rules if each["name"] != name])
    for key in ("mail", "guarantees"):
        rows = getattr(world, key)
        yield from (replace(world, **{key: (*rows[:place], *rows[place + 1 :])}) for place in range(len(rows)))
    yield from _less_edited(world)
    every = (*world.before, *world.rules)
    options = ((each["name"], part, option) for each in every for part in _PARTS for option in each[part])
    for gone in dict.fromkeys(options):
        yield _with_rules(world, lambda rules, gone=gone: _without(rules, *gone))
    for place, message in enumerate(world.mail):
        for less in _less_mail(message):
            yield replace(world, mail=(*world.mail[:place], less, *world.mail[place + 1 :]))
    for option in ("outbound_connectors", "irm_configuration"):
        if option in world.tenant:
            yield replace(world, tenant={key: value for key, value in world.tenant.items() if key != option})


def _with_rules(world: World, change: Any) -> World:
    sides = [tuple(_placed(change(rules))) for rules in (world.before, world.rules)]
    return replace(world, before=sides[0], rules=sides[1])


def _less_edited(world: World) -> Iterator[World]:
    """The same rules before as after, or but for one of them."""
    if world.before != world.rules:
        yield replace(world, before=world.rules)
        yield replace(world, rules=world.before)


def _without(rules: Sequence[Values], name: str, part: str, option: str) -> list[Values]:
    """Rules without an option of one of them, and without it where it then does nothing."""
    found = [{**each, part: _but(each[part], option)} if each["name"] == name else each for each in rules]
    return [each for each in found if each["actions"]]


def _less_mail(message: Values) -> Iterator[Values]:
    people = [(field, address) for field in _PEOPLE for address in message[field]]
    for field, address in people if len(people) > 1 else ():
        yield {**message, field: [each for each in message[field] if each != address]}
    for key, empty in (
        ("headers", {}),
        ("attachments", []),
        ("type", []),
        ("subject", ""),
        ("body", ""),
        ("protection", {"kind": "none"}),
    ):
        if message.get(key) != empty:
            yield {**message, key: empty}
    for key in ("importance", "classification", "scl", "sender_ip"):
        if key in message:
            yield {name: value for name, value in message.items() if name != key}
