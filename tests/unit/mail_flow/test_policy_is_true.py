# SPDX-License-Identifier: GPL-3.0-or-later
"""Every statement about what rules do is true of all of its mail, and names exactly the rules that keep mail from it:
asked of the simulator and of the prover, in organizations as one finds them and in random ones.
"""

from __future__ import annotations

import datetime
import itertools
import random
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import (
    MailPolicy,
    policy,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_effects import MISFITS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import message_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.dlp_rules import DlpRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import (
    policy_lines,
    policy_rows,
)

from tests.rounds import seeds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.asking import ENCRYPT, OUTGOING, STOP, rule
from tests.unit.mail_flow.dlp_worlds import CHAINS, certain_policies_of, mail_of, policies_of
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import Organization
from tests.unit.mail_flow.small_rules import rule_set
from tests.unit.mail_flow.small_worlds import TENANT
from tests.unit.mail_flow.stating import Mail, verdict_without, witnesses

Values = dict[str, Any]

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)

#: The most sentences that fit on a page.
_A_PAGE = 40


def facts_of(organization: Organization) -> Values:
    return {"outbound_connectors": [], **organization.facts}


def policy_of(organization: Organization) -> MailPolicy:
    return policy(organization.numbered_rules, facts_of(organization), NOW)


@pytest.mark.parametrize("name", ORGANIZATIONS)
def test_what_is_said_of_an_organization_is_true_of_its_mail(name: str) -> None:
    organization = ORGANIZATIONS[name]
    rules, facts = organization.numbered_rules, facts_of(organization)
    found = policy_of(organization)
    assert found.complete
    assert found.statements
    mail = [Mail(rules, given, [message]) for message, given in witnesses(rules, facts, NOW)]
    week = organization.traffic(5, 200)
    messages = [message_of(made, "", key) for key, made in week.messages.items()]
    mail.append(Mail(rules, facts, messages, list(week.results.values())))
    assert [text for said in found.statements for each in mail for text in each.false(said)] == []


@pytest.mark.parametrize("name", ORGANIZATIONS)
def test_exactly_the_rules_that_keep_mail_from_it_are_named(name: str) -> None:
    """Without these rules, all mail of an encrypting rule is encrypted; with any of them alone, not all."""
    rules, facts = ORGANIZATIONS[name].numbered_rules, facts_of(ORGANIZATIONS[name])
    for said in policy_of(ORGANIZATIONS[name]).statements:
        if said.effect.kind != "encrypted" or said.changed or said.senders or said.unknown:
            continue
        assert verdict_without(said, rules, facts, NOW) == "proved", said
        for each in said.exempting:
            if each.how != "asks":
                assert verdict_without(said, rules, facts, NOW, [each.rule]) != "proved", (said, each)


@pytest.mark.parametrize("name", ORGANIZATIONS)
def test_it_fits_on_a_page(name: str) -> None:
    rows = policy_rows(policy_of(ORGANIZATIONS[name]))
    assert len(rows) <= _A_PAGE
    assert list(policy_lines(rows))


@pytest.mark.parametrize("seed", seeds(12))
def test_what_is_said_of_random_rules_is_true_of_random_mail(seed: int) -> None:
    source = random.Random(f"{seed} policy")
    rules = rule_set(source)
    found = policy(rules, TENANT, NOW)
    mail = [Mail(rules, given, [message]) for message, given in witnesses(rules, TENANT, NOW)]
    messages = [generators.message(source) for _each in range(20)]
    mail.append(Mail(rules, TENANT, [message_of({**each, "date": NOW}, "", "random") for each in messages]))
    assert [text for said in found.statements for each in mail for text in each.false(said)] == []


#: DLP rules that surely act, for organizations as one finds them.
_CERTAIN_DLP: list[Values] = [
    {
        "name": "Others",
        "priority": place,
        "rules": [
            {"name": name, "conditions": {"access_scope": "NotInOrganization", **conditions}, "actions": actions}
        ],
    }
    for place, (name, conditions, actions) in enumerate(
        (
            ("Hospitals", {"recipient_domain_is": ["hospital.example"]}, {"encrypt_rms_template": "Encrypt"}),
            ("Authorities", {"recipient_domain_is": ["authority.example"]}, {"remove_rms_template": True}),
            ("Rivals", {"recipient_domain_is": ["rival.example"]}, {"block_access": True}),
            (
                "Clinics",
                {"recipient_domain_is": ["clinic.example", "rival.example"]},
                {"encrypt_rms_template": "Do Not Forward"},
            ),
        )
    )
]


@pytest.mark.parametrize("name", ORGANIZATIONS)
def test_what_is_said_of_dlp_rules_is_true_and_provable(name: str) -> None:
    organization = ORGANIZATIONS[name]
    rules, facts = organization.numbered_rules, {**facts_of(organization), "dlp_policies": _CERTAIN_DLP}
    found = policy(rules, facts, NOW)
    assert found.complete
    assert len(policy_rows(found)) <= _A_PAGE
    by_dlp = [said for said in found.statements if isinstance(said.rule, DlpRule)]
    kinds = [(said.rule.name, said.effect.kind) for said in by_dlp]
    assert kinds[0] == ("Hospitals", "encrypted")
    assert kinds[-2:] == [("Rivals", "rejected"), ("Clinics", "encrypted")]
    inside = facts["accepted_domains"][0]["name"]
    people = [f"somebody@{domain}" for domain in ("hospital.example", "authority.example", "rival.example")]
    sent = [
        {**message, "to": [person], "cc": [], "bcc": []} for message in _each_once(organization) for person in people
    ]
    mail = Mail(rules, facts, [message_of(message, "", inside) for message in sent])
    assert [text for said in by_dlp for text in mail.false(said)] == []
    for said in by_dlp:
        if said.effect.kind != "encrypted" or said.unknown:
            continue
        assert verdict_without(said, rules, facts, NOW) == "proved", said
        for each in said.exempting:
            if each.how not in ("asks", "dlp_asks"):
                assert verdict_without(said, rules, facts, NOW, [each.rule]) != "proved", (said, each)


def _each_once(organization: Organization) -> list[Values]:
    """A message of each sender in a day of traffic."""
    return list({made["from"]: made for made in organization.traffic(1, 100).messages.values()}.values())


def _dlp_world(seed: int) -> tuple[list[Values], Values, Mail]:
    """Rules, facts and mail of a small organization with DLP policies."""
    source = random.Random(f"{seed} dlp policy")
    rules = rule_set(source) if seed % 2 else [dict(each) for each in source.choice(CHAINS)]
    policies = certain_policies_of(source) if seed % 3 else policies_of(source)
    facts = {**TENANT, "outbound_connectors": [], "dlp_policies": policies, "labels": []}
    beside = {"size": 1000, "attachments": [], "headers": {}, "type": [], "body": "", "date": NOW}
    sent = [{**beside, "subject": "", **each} for each in mail_of({})]
    return rules, facts, Mail(rules, facts, [message_of(each, "", "dlp") for each in sent])


@pytest.mark.parametrize("seed", seeds(50, 163))
def test_what_is_said_beside_random_dlp_rules_is_true(seed: int) -> None:
    rules, facts, mail = _dlp_world(seed)
    assert [text for said in policy(rules, facts, NOW).statements for text in mail.false(said)] == []


def test_each_kind_of_statement_about_dlp_rules_is_checked() -> None:
    """The random organizations have statements of each of these kinds, and mail that they are about."""
    checked: set[str] = set()
    for seed in range(50):
        rules, facts, mail = _dlp_world(seed)
        for said in policy(rules, facts, NOW).statements:
            if isinstance(said.rule, DlpRule) and any(mail.copies_of(said)):
                checked |= {said.effect.kind, *(each.how for each in said.exempting)}
    ends = {"rejected", "quarantined", "redirected", "moderated"}
    assert {
        "encrypted",
        "decrypted",
        "copied",
        "copied_instead",
        "dlp_acts",
        "dlp_blocks",
        "dlp_stops",
        *ends,
    } <= checked


#: An organization with connectors, brandings and managers, and the rules that are about these.
_BUSY: Values = {
    **TENANT,
    "managers": {"megan@contoso.com": "bob@contoso.com"},
    "ome_configurations": [{"identity": name} for name in ("OME Configuration", "Blue", "Red")],
    "outbound_connectors": [
        {"name": "Gate", "is_transport_rule_scoped": True, "tls_settings": "CertificateValidation"},
        {"name": "Open", "is_transport_rule_scoped": True},
        {"name": "Partner", "recipient_domains": ["fabrikam.com"], "tls_settings": "EncryptionOnly"},
    ],
}
_CONDITIONS: tuple[Values, ...] = (
    OUTGOING,
    {**OUTGOING, "subject_contains_words": ["secure"]},
    {**OUTGOING, "subject_contains_words": ["offer"]},
    {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    {"from": ["megan@contoso.com"]},
)
_BUSY_ACTIONS: tuple[Values, ...] = (
    {"route_message_outbound_connector": "Gate"},
    {"route_message_outbound_connector": "Open"},
    ENCRYPT,
    {**ENCRYPT, "apply_rights_protection_customization_template": "Blue"},
    {"apply_rights_protection_customization_template": "Red"},
    {"add_manager_as_recipient_type": "Cc"},
    {"add_manager_as_recipient_type": "Redirect"},
    {"moderate_message_by_manager": True},
    {"apply_html_disclaimer_text": "x", "apply_html_disclaimer_fallback_action": "Reject"},
    {"reject_message_reason_text": "No."},
    {"generate_incident_report": "bob@contoso.com", "incident_report_content": ["Sender"]},
    STOP,
)


def _busy_rules(source: random.Random) -> list[Values]:
    made = [
        rule(f"R{number}", source.choice(_CONDITIONS), actions, priority=number)
        for number, actions in enumerate(source.sample(_BUSY_ACTIONS, 4))
    ]
    for each in made:
        if source.random() < 0.3:
            each["exceptions"] = {"subject_contains_words": [source.choice(("secure", "offer"))]}
    return made


def _busy_mail() -> list[Values]:
    people = ("ann@fabrikam.com", "joe@northwind.com", "bob@contoso.com")
    senders = ("megan@contoso.com", "bob@contoso.com")
    product = itertools.product(senders, people, ("", "secure", "offer", "secure / offer"), (True, False))
    return [
        {
            "from": sender,
            "authenticated": True,
            "to": [person],
            "subject": subject,
            "body": "",
            "headers": {},
            "attachments": [],
            "size": 1000,
            "type": [],
            "protection": {"kind": "none"},
            "disclaimer_insertable": fits,
            "date": NOW,
        }
        for sender, person, subject, fits in product
    ]


@pytest.mark.parametrize("seed", seeds(25))
def test_what_is_said_of_ways_brandings_and_managers_is_true(seed: int) -> None:
    source = random.Random(f"{seed} busy policy")
    rules = _busy_rules(source)
    found = policy(rules, _BUSY, NOW)
    mail = Mail(rules, _BUSY, [message_of(each, "", "busy") for each in _busy_mail()])
    assert [text for said in found.statements for text in mail.false(said)] == []


def test_each_kind_of_statement_is_checked() -> None:
    """The random organizations have statements of each of these kinds, and mail that they are about."""
    checked: set[str] = set()
    for seed in range(25):
        rules = _busy_rules(random.Random(f"{seed} busy policy"))
        mail = Mail(rules, _BUSY, [message_of(each, "", "busy") for each in _busy_mail()])
        for said in policy(rules, _BUSY, NOW).statements:
            if any(mail.copies_of(said)):
                checked |= {said.effect.kind, *(["managed"] if said.managed else []), str(said.effect)}
    assert {"in_transit", "branded", "managed", str(MISFITS)} <= checked


@pytest.mark.parametrize(
    "condition",
    [
        {"recipient_domain_is": ["@fabrikam.com", "*.fabrikam.com"]},
        {"from": ["*@contoso.com"]},
        {"attachment_extension_matches_words": ["*.dwg"]},
    ],
)
def test_nothing_is_said_of_a_rule_whose_values_match_no_mail(condition: Values) -> None:
    never = rule("Never", {"from_scope": "InOrganization", **condition}, ENCRYPT)
    assert not policy([never], TENANT, NOW).statements
