# SPDX-License-Identifier: GPL-3.0-or-later
"""Met means that mail is treated so: the rules that MFR-1 calls met do to every message what the wished ones would do.

The emulator's own mail flow judges it: once with the rules as the organization stores them, once with the wishes as
they stand in the playbook. Other rules of the organization are left aside, what they do to mail is MFR-2's.
"""

from __future__ import annotations

import random

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from tests.emulator.mail_flow import MailFlow
from tests.rounds import rounds
from tests.unit.baseline.rules_of_plans import Values, found, wishes
from tests.unit.baseline.wishes import ALLOWED
from tests.unit.emulated_session import WIRES
from tests.unit.mail_flow import small_worlds
from tests.unit.mail_flow.translation import facts, stored
from tests.unit.mail_flow.translation import option as option_of

from .conftest import Role


def differences(role: Role, wished: list[Values], messages: list[Values]) -> list[tuple[Values, str]]:
    """Messages and recipients for whom the organization's rules do something else than the wished ones."""
    names = {wish["name"] for wish in wished}
    known = facts(small_worlds.TENANT)
    rows = [rule for rule in role.session.organization.dump()["transport_rules"] if rule["Name"] in names]
    flows = [
        MailFlow(rows, known),
        MailFlow([stored({"state": "Enabled", "priority": place, **wish}) for place, wish in enumerate(wished)], known),
    ]
    unlike = []
    for message in messages:
        real, meant = (flow.worlds(message) for flow in flows)
        unlike += [(message, address) for address in meant if real.get(address) != meant[address]]
    return unlike


MESSAGES = list(small_worlds.messages())


@given(st.randoms(use_true_random=False), st.sampled_from(WIRES), st.booleans())
@settings(max_examples=rounds(25), suppress_health_check=list(HealthCheck))
def test_met_means_that_mail_is_treated_so(source: random.Random, wire: str, write: bool) -> None:
    wished = wishes(source)
    role = Role({"transport_rules": found(source, wished)}, wire=wire)
    try:
        role.run(encryption_rules=wished, **ALLOWED) if write else role.plan("audit", encryption_rules=wished)
    except ExchangeError:
        event("refused")
        return
    status = role.controls()["MFR-1"]
    event(f"{status}, {'applied' if write else 'audited'}")
    if status == "met":
        note(f"wished {wished}, found {role.session.organization.dump()['transport_rules']}")
        # Also messages whose envelope names another sender.
        sent = [
            {**one, "mail_from": source.choice([one["from"], *small_worlds.INSIDERS, "ann@fabrikam.com"])}
            for one in source.sample(MESSAGES, 40)
        ]
        assert differences(role, wished, sent) == []


def test_a_rule_that_does_something_else_is_noticed() -> None:
    """The oracle itself: one edit, and mail that it concerns."""
    wished = [
        {
            "name": "wish",
            "conditions": {"from_scope": "InOrganization"},
            "exceptions": {},
            "actions": {"apply_rights_protection_template": "Encrypt"},
        }
    ]
    for edit, noticed in (
        ({}, False),
        ({"Mode": "Audit"}, True),
        ({"ExceptIfSubjectContainsWords": ["offer"]}, True),
        ({"Comments": "x"}, False),
    ):
        role = Role({"transport_rules": [{**stored({"state": "Enabled", **wished[0]}), **edit}]})
        assert bool(differences(role, wished, MESSAGES[:400])) is noticed


LOOKS = ({"SenderAddressLocation": "Envelope"}, {"RecipientAddressType": "Original"}, {"UseLegacyRegex": True})


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("edit", LOOKS, ids=lambda edit: next(iter(edit)))
def test_settings_that_decide_what_conditions_mean_are_not_passed_over(edit: Values, wire: str) -> None:
    """Somebody lets the rule look at the envelope: it takes other mail than the playbook says, and none of its sections
    shows it.
    """
    wish = {
        "name": "wish",
        "conditions": {"from": ["megan@contoso.com"]},
        "exceptions": {},
        "actions": {"apply_rights_protection_template": "Encrypt"},
    }
    role = Role({"transport_rules": [{**stored({"state": "Enabled", **wish}), **edit}]}, wire=wire)
    role.plan("audit", encryption_rules=[wish])
    (control,) = [control for control in role.report["controls"] if control["id"] == "MFR-1"]
    (option,) = (option_of(name) for name in edit)
    assert control["status"] == "not met"
    assert f"has {option}: " in control["findings"][0]
    (value,) = edit.values()
    role.plan("audit", encryption_rules=[{**wish, option: value}])
    assert role.controls()["MFR-1"] == "met"
