# SPDX-License-Identifier: GPL-3.0-or-later
"""Random rules, claims and edits that name nothing but what a small world has."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.unit.mail_flow.small_worlds import (
    HEADER,
    INSIDERS,
    MORE_THENS,
    RECIPIENTS,
    TENANT,
    THENS,
    WORDS,
    Claim,
    messages,
)

Values = dict[str, Any]


def _predicate(source: random.Random) -> Values:
    scopes = ("InOrganization", "NotInOrganization")
    domains = (
        ["fabrikam.com"],
        ["eu.fabrikam.com"],
        ["northwind.com"],
        ["contoso.com"],
        ["fabrikam.com", "northwind.com"],
    )
    choices: list[Values] = [
        {"from_scope": source.choice(scopes)},
        {"from": [source.choice((*INSIDERS, "ann@fabrikam.com"))]},
        {"sender_domain_is": source.choice(domains)},
        {"sent_to_scope": source.choice(scopes)},
        {"sent_to": [source.choice(RECIPIENTS)]},
        {"recipient_domain_is": source.choice(domains)},
        {"recipient_address_contains_words": [source.choice(("fabrikam", "eu", "northwind.com", "bob", "robert"))]},
        {
            "any_of_recipient_address_contains_words": [
                source.choice(("fabrikam", "eu", "northwind.com", "bob", "robert"))
            ]
        },
        {"any_of_to_header": [source.choice(RECIPIENTS)]},
        {"any_of_to_cc_header": [source.choice(RECIPIENTS)]},
        {"subject_contains_words": [source.choice(WORDS)]},
        {"subject_or_body_contains_words": [source.choice(WORDS)]},
        {"header_contains_message_header": HEADER, "header_contains_words": ["yes"]},
        {"message_type_matches": source.choice(("Voicemail", "Encrypted", "PermissionControlled"))},
    ]
    return source.choice(choices)


_ACTIONS: tuple[tuple[int, Values], ...] = (
    (7, {"apply_rights_protection_template": "Encrypt"}),
    (2, {"apply_rights_protection_template": "Do Not Forward"}),
    (2, {"apply_rights_protection_template": "Encrypt", "apply_rights_protection_customization_template": "Branding1"}),
    (2, {"remove_ome_v2": True}),
    (1, {"apply_rights_protection_customization_template": "Branding1"}),
    (1, {"delete_message": True}),
    (1, {"reject_message_reason_text": "no"}),
    (1, {"quarantine": True}),
    (1, {"moderate_message_by_user": ["bob@contoso.com"]}),
    (3, {"stop_rule_processing": True, "set_audit_severity": "Low"}),
    (1, {"prepend_subject": "secure "}),
    (2, {"set_header_name": HEADER, "set_header_value": "yes"}),
    (1, {"set_header_name": HEADER, "set_header_value": "other"}),
    (1, {"remove_header": HEADER}),
    (1, {"set_audit_severity": "Low"}),
    # Whom rules add is nobody whom messages name: they would get two copies, of which only what is the same in both can
    # be told.
    (1, {"copy_to": ["new@northwind.com"]}),
    (1, {"blind_copy_to": ["new@eu.fabrikam.com"], "apply_rights_protection_template": "Encrypt"}),
    (1, {"redirect_message_to": ["new@fabrikam.com"]}),
)


#: What a rule does rarely beside its other actions: it asks for an approval, so that nothing else is done, or blocks
#: the message for whom it adds, too.
_BESIDE: tuple[Values, ...] = (
    {"moderate_message_by_user": ["bob@contoso.com"]},
    {"moderate_message_by_manager": True},
    {"delete_message": True, "copy_to": ["new@northwind.com"]},
    {"quarantine": True, "apply_rights_protection_template": "Encrypt"},
)
#: Actions of which nobody knows what two of them do in one rule.
_FATES = {"delete_message", "reject_message_reason_text", "quarantine", "redirect_message_to"}
#: Actions of which nobody knows whether they are done where the message is redirected.
_ADDING = {"add_to_recipients", "copy_to", "blind_copy_to"}


@dataclass(frozen=True)
class Theme:
    """A kind of small worlds: what is sent in which organization, and what its rules and claims have beside those of
    the plain world.

    :param tenants: organizations, of which one is drawn, and :param:`hidden` what may not be told of it: a proof holds
        whatever that is.
    :param settings: options of rules that are neither conditions nor actions.
    :param beside: what a rule does beside its other actions, and :param:`often` how often.
    :param most: how many rules there are at most.
    """

    messages: Callable[[], Iterable[Values]] = messages
    tenants: Sequence[Values] = (TENANT,)
    hidden: Sequence[str] = ()
    predicates: Sequence[Values] = ()
    actions: Sequence[tuple[int, Values]] = ()
    settings: Sequence[Values] = ()
    beside: Sequence[Values] = _BESIDE
    often: float = 0.06
    most: int = 5

    def organization(self, source: random.Random) -> tuple[Values, Values]:
        """An organization, and what is told of it."""
        whole = source.choice(self.tenants) if len(self.tenants) > 1 else self.tenants[0]
        untold = source.choice(("", "", *self.hidden)) if self.hidden else ""
        return whole, {key: value for key, value in whole.items() if key != untold} if untold else whole


#: The plain world. It draws as it always has, so that a seed that found something finds it again.
PLAIN = Theme()


def section(source: random.Random, most: int, theme: Theme = PLAIN) -> Values:
    found: Values = {}
    for _count in range(source.randint(0, most)):
        found |= source.choice(theme.predicates) if theme.predicates and source.random() < 0.6 else _predicate(source)
    return found


def _go_together(one: Values, other: Values) -> bool:
    """Whether the sources say what becomes of a message for which a rule does both."""
    both = {**one, **other}
    to_manager = both.get("add_manager_as_recipient_type")
    adds = both.keys() & _ADDING or to_manager not in (None, "Redirect")
    fates = sum(
        len(actions.keys() & _FATES) + (actions.get("add_manager_as_recipient_type") == "Redirect")
        for actions in (one, other)
    )
    return fates < 2 and not (adds and ("redirect_message_to" in both or to_manager == "Redirect"))


def rule(source: random.Random, place: int, theme: Theme = PLAIN) -> Values:
    choices = (*_ACTIONS, *theme.actions)
    (_weight, actions) = source.choices(choices, [weight for weight, _actions in choices])[0]
    if source.random() < 0.2:
        actions = {**actions, "stop_rule_processing": True}
    beside = source.choice(theme.beside) if source.random() < theme.often else {}
    if _go_together(actions, beside):
        actions = {**actions, **beside}
    made = {
        "name": f"Rule {place}",
        "priority": place,
        "state": "Disabled" if source.random() < 0.04 else "Enabled",
        "mode": source.choices(("Enforce", "Audit"), (15, 1))[0],
        "conditions": section(source, 3, theme),
        "exceptions": section(source, 1, theme),
        "actions": dict(actions),
        "recipient_address_type": source.choices(("Resolved", "Original"), (7, 1))[0],
    }
    return made | (source.choice(theme.settings) if theme.settings and source.random() < 0.4 else {})


def rule_set(source: random.Random, theme: Theme = PLAIN) -> list[Values]:
    return [rule(source, place, theme) for place in range(source.randint(1, theme.most))]


def shared_rule_set(source: random.Random, theme: Theme = PLAIN) -> list[Values]:
    """Rules of which some split messages, and some look at all who share a copy."""
    while True:
        found = rule_set(source, theme)
        options = {option for one in found for part in ("conditions", "exceptions") for option in one[part]}
        if any(option.startswith("any_of_") for option in options) and any(
            option.startswith(("sent_to", "recipient_")) for option in options
        ):
            return found


def claim(source: random.Random, theme: Theme = PLAIN, of_rules: Sequence[Values] = ()) -> Claim:
    """A claim; where rules are given, often about nearly the mail from inside that one of them is about."""
    then = source.choices(THENS, (4, 6, 1, 1))[0]
    template = source.choice(("", "", "Encrypt", "Do Not Forward")) if then in ("encrypted", "not_in_clear") else ""
    if of_rules and source.random() < 0.7:
        one = source.choice(
            [one for one in of_rules if "apply_rights_protection_template" in one["actions"]] or of_rules
        )
        template = template and source.choice(("", template))
        return Claim(
            _INSIDE | _near(source, one["conditions"], theme), _near(source, one["exceptions"], theme), then, template
        )
    return Claim(section(source, 3, theme) or _INSIDE, section(source, 1, theme), then, template)


def wishing(source: random.Random, given: Claim) -> Claim:
    """The same mail with one of the wishes that :func:`claim` does not draw."""
    then = source.choice((*MORE_THENS, "portal"))
    template = source.choice(("", "Encrypt")) if then == "not_in_clear_if_delivered" else ""
    days = source.choice((3, 7, 7, 30)) if then == "portal" else 0
    copies = source.choice(("", "", "outside", "recipients_only")) if template or days else ""
    return replace(given, then=then, template=template, expires_within_days=days, copies=copies)


_INSIDE: Values = {"from_scope": "InOrganization"}


def _near(source: random.Random, given: Values, theme: Theme) -> Values:
    """These predicates, or with another of the theme in place of one with the same option, or beside them."""
    match source.choice(("same", "other", "more")):
        case "other":
            others = [one for one in theme.predicates if one.keys() <= given.keys()]
            return {**given, **source.choice(others)} if others else dict(given)
        case "more":
            return {**given, **source.choice(theme.predicates)}
    return dict(given)


def edited(source: random.Random, given: Sequence[Values], theme: Theme = PLAIN) -> list[Values]:
    """The rules after a random edit: one added, removed, changed or moved; in a theme also nearly the same."""
    after = [dict(one) for one in given]
    match source.choice(("add", "remove", "change", "move", *(["near"] * 4 if theme.predicates else []))):
        case "add":
            after.insert(source.randint(0, len(after)), {**rule(source, 0, theme), "name": "New"})
        case "remove" if len(after) > 1:
            after.pop(source.randrange(len(after)))
        case "move":
            after.insert(source.randrange(len(after)), after.pop(source.randrange(len(after))))
        case "near":
            one, part = source.choice(after), source.choice(("conditions", "conditions", "exceptions"))
            one[part] = _near(source, one[part], theme)
        case _:
            place = source.randrange(len(after))
            after[place] = {**rule(source, 0, theme), "name": after[place]["name"]}
    return [{**one, "priority": place} for place, one in enumerate(after)]


def irm_configuration(source: random.Random) -> Values:
    """Settings of IRM, most of them as they are by default."""
    settings: Values = {
        "azure_rms_licensing_enabled": source.random() < 0.8,
        "internal_licensing_enabled": source.random() < 0.9,
    }
    return settings | {"transport_decryption_setting": source.choice(("Optional", "Optional", "Disabled", "Mandatory"))}
