# SPDX-License-Identifier: GPL-3.0-or-later
"""Small worlds in which parts once contradicted each other, and the mistakes by which they did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents import (
    approved_mail,
    first_look,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run import rule_evidence
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import rule_side_effects
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    Guarantee,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.inside import leaves
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator import protection
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace import columns, replay, sharing
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules import impact, rule
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import (
    BRANDING,
    ENCRYPTING,
)

from tests.unit.mail_flow import generators
from tests.unit.mail_flow.asking import ENCRYPT, IN, OUTGOING
from tests.unit.mail_flow.mutating import Patch
from tests.unit.mail_flow.small_worlds import NOW

from . import of_organizations
from .worlds import World

Values = dict[str, Any]

_CONNECTOR: Values = {
    "enabled": True,
    "recipient_domains": ["*"],
    "use_mx_record": True,
    "smart_hosts": [],
    "is_transport_rule_scoped": True,
    "test_mode": False,
    "all_accepted_domains": False,
    "tls_domain": "",
}
_OPEN: Values = {**_CONNECTOR, "name": "Open", "tls_settings": ""}
_CLOSED: Values = {**_CONNECTOR, "name": "Closed", "tls_settings": "CertificateValidation"}
_TENANT: Values = {
    "accepted_domains": [{"name": "contoso.com", "type": "Authoritative", "match_subdomains": False}],
    "remote_domains": [],
    "mailboxes": list(generators.PEOPLE),
    "mail_users": [],
    "contacts": [],
    "groups": {},
    "managers": {},
    "attributes": {},
    "inbound_connectors": [],
    "outbound_connectors": [_OPEN, _CLOSED],
}
_BRAND: Values = {"apply_rights_protection_customization_template": "Branding1"}
_FAR: Values = {"redirect_message_to": ["far@elsewhere.com"]}
_PARTNER: Values = {**IN, "recipient_domain_is": ["fabrikam.com"]}


def _rule(name: str, actions: Values, conditions: Values, **more: Any) -> Values:
    told = {"state": "Enabled", "mode": "Enforce", "exceptions": {}, **more}
    return {"name": name, "conditions": conditions, "actions": actions, **told}


def _mail(*to: str, **more: Any) -> Values:
    made = {"from": "megan@contoso.com", "mail_from": "megan@contoso.com", "authenticated": True, "to": list(to)}
    empty = {"cc": [], "bcc": [], "subject": "", "body": "", "headers": {}, "attachments": [], "type": []}
    return {**made, **empty, "size": 1000, "protection": {"kind": "none"}, "date": NOW, **more}


def _world(
    rules: Sequence[Values], before: Sequence[Values] | None = None, mail: Sequence[Values] = (), **more: Any
) -> World:
    sides = [
        tuple({**each, "priority": place} for place, each in enumerate(side))
        for side in (rules if before is None else before, rules)
    ]
    made = World(0, _TENANT, sides[0], sides[1], tuple(mail or [_mail("ann@fabrikam.com")]), (), {})
    return replace(made, **more)


@dataclass(frozen=True)
class Planted:
    """A world, and what is said of it with a mistake.

    :param kinds: the kinds of contradictions: both verbs, and what they are about.
    :param mistake: what makes it.
    """

    name: str
    world: World
    kinds: Sequence[tuple[str, str, str]]
    mistake: Callable[[Patch], None]


def brands_encrypt(patch: Patch) -> None:
    """A branding would count as protection for modules and the role."""
    for module in (rule, impact):
        patch(module, "ENCRYPTING", (*ENCRYPTING, *BRANDING))


def dates_are_not_looked_at(patch: Patch) -> None:
    """Microsoft's test would pass by a rule that has ended."""
    tests = [replace(each, by=lambda organization: "") for each in first_look.ASSESSED_TESTS]
    patch(first_look, "ASSESSED_TESTS", tuple(tests))


def nothing_parts_copies(patch: Patch) -> None:
    """In a replay, whoever a message is for would always share one copy."""
    patch(sharing.Sharing, "after_rules", lambda self, rules: self)


def nothing_is_made(patch: Patch) -> None:
    """A replay would look at the copies alone that rows show."""
    patch(columns.Block, "with_made", lambda self, people: self)


def made_copies_keep_guarantees(patch: Patch) -> None:
    """A replay would judge guarantees by the copies alone that rows show."""
    patch(replay.Replay, "_judge_made", lambda *_arguments: None)


def texts_are_not_compared(patch: Patch) -> None:
    """A difference would have no word of what people are told, and of levels of spam."""
    for name in ("_texts_of", "_spam_of"):
        patch(rule_side_effects, name, lambda rule: set())


def one_rule_is_enough(patch: Patch) -> None:
    """VRF-2 would be met once the copies of any rule are compared."""
    patch(rule_evidence, "_uncompared_rules", lambda rules: ([], False))


def copies_of_others_do_not_count(patch: Patch) -> None:
    """A guarantee would be about the copies alone of those whom its conditions name."""
    patch(Guarantee, "of_copies", None)


def routes_keep_mail_inside(patch: Patch) -> None:
    """What a rule routes to a connector would stay where its recipient is inside."""
    patch(protection, "_goes", lambda world, facts, address: leaves(facts, address))


def gains_are_not_missed(patch: Patch) -> None:
    """An approval would hold as long as there is no further effect."""
    patch(of_organizations, "moved_mail", partial(approved_mail.moved_mail, holds=lambda row: False))
    patch(approved_mail, "_moved_foundations", lambda approved, current: [])


_BRANDED = _rule("R", _BRAND, OUTGOING)
_BOTH = _rule("R", {**ENCRYPT, **_BRAND}, OUTGOING)
_ELSEWHERE = _rule("R", _FAR, _PARTNER)

PLANTED: tuple[Planted, ...] = (
    Planted(
        "a rule that only brands encrypts",
        _world([_BRANDED]),
        [
            ("Encrypts:", "simulation", "encrypts"),
            ("Encrypts:", "policy", "some rule encrypts"),
            ("MFR-1", "policy", "some rule encrypts"),
        ],
        brands_encrypt,
    ),
    Planted(
        "the module does not warn where protection goes and the branding stays",
        _world([_BRANDED], [_BOTH]),
        [("module", "simulation", "lets mail out")],
        brands_encrypt,
    ),
    Planted(
        "protection beside a branding has no impact",
        _world([_BOTH], [_BRANDED]),
        [("module", "simulation", "reaches mail")],
        brands_encrypt,
    ),
    Planted(
        "35029 passes by a rule that has ended",
        _world([_rule("R", ENCRYPT, OUTGOING, expiry_date="2020-02-01T00:00:00Z")]),
        [("35029", "Encrypts:", "some rule encrypts")],
        dates_are_not_looked_at,
    ),
    Planted(
        "a replay hides copies that another one is parted from",
        _world(
            [
                _rule("New", {"set_audit_severity": "Low"}, {"sent_to_scope": "NotInOrganization"}),
                _rule(
                    "R",
                    {"delete_message": True},
                    {},
                    exceptions={"any_of_recipient_address_contains_words": ["fabrikam"]},
                ),
            ],
            [
                _rule(
                    "R",
                    {"delete_message": True},
                    {},
                    exceptions={"any_of_recipient_address_contains_words": ["fabrikam"]},
                )
            ],
            [_mail("ann@fabrikam.com", "bob@contoso.com")],
        ),
        [("changed messages", "replay", "changes")],
        nothing_parts_copies,
    ),
    Planted(
        "a replay hides copies that rules make",
        _world([_rule("New", {"blind_copy_to": ["far@elsewhere.com"]}, IN)], []),
        [("changed messages", "replay", "changes")],
        nothing_is_made,
    ),
    Planted(
        "a replay's guarantee does not count copies that rules make",
        _world([_ELSEWHERE], guarantees=({"name": "G", "when": _PARTNER, "then": "not_in_clear"},)),
        [("replay", "simulation", "in clear")],
        made_copies_keep_guarantees,
    ),
    Planted(
        "a guarantee does not count copies that rules make",
        _world([_ELSEWHERE], guarantees=({"name": "G", "when": _PARTNER, "then": "not_in_clear"},)),
        [("guarantees", "simulation", "in clear")],
        copies_of_others_do_not_count,
    ),
    Planted(
        "nor does one about the way",
        _world([_ELSEWHERE], guarantees=({"name": "G", "when": _PARTNER, "then": "protected_in_transit"},)),
        [("guarantees", "simulation", "exposed")],
        copies_of_others_do_not_count,
    ),
    Planted(
        "mail for somebody inside that a rule routes to a connector stays",
        _world(
            [_rule("R", {"route_message_outbound_connector": "Open"}, {"sent_to_scope": "InOrganization"})],
            mail=[_mail("bob@contoso.com")],
            guarantees=(
                {"name": "G", "when": {**IN, "sent_to_scope": "InOrganization"}, "then": "protected_in_transit"},
            ),
        ),
        [
            ("policy", "simulation", "way"),
            ("policy", "simulation", "exposed"),
        ],
        routes_keep_mail_inside,
    ),
    Planted(
        "a gain that somebody approved is gone",
        _world(
            [_rule("R", {"route_message_outbound_connector": "Closed"}, OUTGOING)],
            [],
            later={"outbound_connectors": [_OPEN, {**_CLOSED, "tls_settings": ""}]},
        ),
        [("approval", "difference", "mail is treated as somebody approved")],
        gains_are_not_missed,
    ),
    Planted(
        "other words for people are no difference",
        _world(
            [_rule("R", {"reject_message_reason_text": "No."}, IN)],
            [_rule("R", {"reject_message_reason_text": "Never."}, IN)],
        ),
        [("difference", "module", "matters")],
        texts_are_not_compared,
    ),
    Planted(
        "another spam confidence level is no difference",
        _world([_rule("R", {"set_scl": 9}, IN)], [_rule("R", {"set_scl": 1}, IN)]),
        [("difference", "module", "matters")],
        texts_are_not_compared,
    ),
    Planted(
        "VRF-2 is met by the copies of another rule",
        _world(
            [
                _rule("Few", {**ENCRYPT, "set_audit_severity": "Low"}, {**IN, "recipient_domain_is": ["fabrikam.com"]}),
                _rule(
                    "Most", {**ENCRYPT, "set_audit_severity": "Low"}, {**IN, "recipient_domain_is": ["northwind.com"]}
                ),
            ],
            mail=[
                _mail("ann@fabrikam.com"),
                *(_mail(f"{name}@northwind.com", subject=name) for name in ("joe", "kim", "lee")),
            ],
        ),
        [("VRF-2", "evidence", "every rule that protects is compared")],
        one_rule_is_enough,
    ),
)
