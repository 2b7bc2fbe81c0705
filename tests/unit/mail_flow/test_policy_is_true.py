# SPDX-License-Identifier: GPL-3.0-or-later
"""Every statement about what rules do is true of all of its mail, and names exactly the rules that keep mail from it:
asked of the simulator and of the prover, in organizations as one finds them and in random ones.
"""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import (
    MailPolicy,
    policy,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import message_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import (
    policy_lines,
    policy_rows,
)

from tests.rounds import seeds
from tests.unit.mail_flow import generators
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
