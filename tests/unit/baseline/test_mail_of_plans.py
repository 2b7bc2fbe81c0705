# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan does to mail: the rules that it leaves are those that come out, and plan, approval, rollback, audit and
report carry the difference.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    EffectOnMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail import Mail
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
    read,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.summary import difference_lines
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.report_data import render_csv
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.run_page import render_html
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from tests.rounds import rounds
from tests.unit.baseline.guarantees import ENCRYPT, GUARANTEE, STOP, licensed
from tests.unit.baseline.rules_of_plans import found, wishes
from tests.unit.baseline.wishes import ALLOWED
from tests.unit.run_reports import run_of

from .conftest import Role

Values = dict[str, Any]


@pytest.fixture(name="role")
def role_fixture(tmp_path: Path) -> Role:
    return licensed(tmp_path)


STOPPED = (
    "All mail from inside to fabrikam.com with 'newsletter' in its subject is no longer encrypted: "
    "the new rule 'Newsletter' stops before 'Law firm'."
)
BROKEN = {"accept": ["broken_guarantee"]}
WEAKENED = {"accept": ["weakened_mail"]}


def organization(role: Role) -> Organization:
    return read(role.session, [subset for subset in SUBSETS if subset != "exported_cmdlets"], fresh=True)


def shown(mail: Mail) -> Any:
    """What decides about mail, without what Exchange makes up for a new rule."""
    told = ("name", "enabled", "mode", "conditions", "exceptions", "actions", "sender_address_location")
    return [
        {key: rule.get(key) or {"mode": "Enforce", "sender_address_location": "Header"}.get(key) for key in told}
        for rule in mail.rules
    ]


def texts(role: Role) -> list[str]:
    return [row["text"] for row in role.report["mail"].get("difference", ())]


@given(st.randoms(use_true_random=False), st.sampled_from(["baseline", "rollback", "disable"]))
@settings(max_examples=rounds(20), suppress_health_check=list(HealthCheck))
def test_what_a_plan_leaves_is_what_comes_out(source: random.Random, procedure: str) -> None:
    wished = wishes(source)
    role = Role({"transport_rules": found(source, wished)})
    variables: Values = {"encryption_rules": wished, **ALLOWED}
    try:
        if procedure != "baseline":
            role.run(**variables)
            variables = {"confirm_disable": "contoso.onmicrosoft.com"} if procedure == "disable" else {}
        now = organization(role)
        role.plan(procedure, check=True, **variables)
        planned = role.planned.plan(now, check_mode=True)
        expected = Mail.of_organization(now).after(planned)
        role.run(procedure, **variables)
    except ExchangeError:
        event(f"{procedure} refused")
        assume(False)
    event(procedure)
    after = Mail.of_organization(organization(role))
    assert shown(after) == shown(expected)
    irm = "irm_configuration"
    assert after.facts[irm] == expected.facts[irm]


def effect_lines(role: Role) -> list[str]:
    mail = EffectOnMail.from_row(role.report["mail"])
    assert mail.difference is not None
    return difference_lines(mail.difference, mail.difference_more)


def test_a_check_says_what_becomes_of_mail(role: Role) -> None:
    role.run(encryption_rules=[ENCRYPT])
    role.plan(check=True, encryption_rules=[STOP, ENCRYPT], **WEAKENED)
    assert texts(role) == [STOPPED]
    assert effect_lines(role)[0] == STOPPED
    assert role.report["mail"]["difference_more"] == 0
    (state,) = [row for row in role.report["changes"] if (row["identity"], row["option"]) == ("Newsletter", "state")]
    assert state["impact"] == "may leave in clear"
    assert [row["kind"] for row in role.report["mail"]["lint"]] == ["ends_before_encryption", "typed_stop"]


def test_a_change_without_a_difference_has_no_impact(role: Role) -> None:
    role.run(encryption_rules=[ENCRYPT])
    twin = {**ENCRYPT, "name": "Law firm, again"}
    role.plan(check=True, encryption_rules=[ENCRYPT, twin])
    assert texts(role) == []
    assert effect_lines(role) == [
        "The rule changes do not affect who gets mail, how it is protected, and who is told of it."
    ]
    assert {row["impact"] for row in role.report["changes"] if row["identity"] == twin["name"]} == {""}


def test_settings_alone_may_do_something_to_mail(role: Role) -> None:
    role.run(encryption_rules=[ENCRYPT], azure_rms_licensing=True)
    role.plan(check=True, azure_rms_licensing=False, encryption_rules=[ENCRYPT], accept=["encryption_off"])
    assert texts(role) == ["Mail may be treated differently (U28): azure_rms_licensing_enabled is now false."]
    assert role.report["mail"]["difference"][0]["rules"] == []
    role.plan(check=True, decrypt_attachments_for_encrypt_only=True, accept=["IRM-4"], encryption_rules=[ENCRYPT])
    assert "difference" not in role.report["mail"]


def test_a_rollback_says_what_going_back_does(role: Role) -> None:
    role.run(encryption_rules=[ENCRYPT])
    role.plan("rollback", check=True)
    (text,) = texts(role)
    assert (
        text
        == "All mail from inside to fabrikam.com is no longer encrypted: the removed rule 'Law firm' applied to it."
    )
    (row,) = [row for row in role.report["changes"] if row["identity"] == "Law firm"]
    assert row["impact"] == "may leave in clear"


def test_an_audit_says_what_putting_it_right_would_do(role: Role) -> None:
    role.run(encryption_rules=[ENCRYPT])
    role.session.edit(
        "New-TransportRule", Name="Partners", Priority=0, FromScope="InOrganization", StopRuleProcessing=True
    )
    role.plan("audit", encryption_rules=[ENCRYPT], guarantees=[GUARANTEE])
    assert [row["verdict"] for row in role.report["mail"]["guarantees"]] == ["refuted"]
    assert "never_acts" in [row["kind"] for row in role.report["mail"]["lint"]]


def test_an_approval_is_one_of_what_becomes_of_mail(role: Role) -> None:
    """Somebody else's rule, which the plan does not touch, and what the plan does to mail is something else."""
    role.run(encryption_rules=[ENCRYPT])
    wished = {"encryption_rules": [STOP, ENCRYPT], **WEAKENED}
    checked = role.plan(check=True, **wished)
    plan = json.loads(Path(checked["plan"]).read_text(encoding="utf-8"))[0]
    assert [row["text"] for row in plan["mail"]["difference"]] == texts(role) == [STOPPED]
    role.session.edit(
        "New-TransportRule",
        Name="Board",
        FromScope="InOrganization",
        SubjectContainsWords=["board"],
        DeleteMessage=True,
    )
    said = r"approved_plan: it does not include this effect on mail: .* is now delivered .before, it was deleted.: the new rule 'Newsletter'"
    with pytest.raises(ExchangeError, match=said):
        role.plan(**wished, approved_plan=checked["digest"])
    role.session.edit("Remove-TransportRule", Identity="Board")
    role.run(**wished, approved_plan=checked["digest"])


def test_the_place_of_a_rule_does_not_count(role: Role) -> None:
    role.run(encryption_rules=[ENCRYPT])
    wished = {"encryption_rules": [STOP, ENCRYPT], **WEAKENED}
    first = role.plan(check=True, **wished)["digest"]
    role.session.edit(
        "New-TransportRule",
        Name="Sales",
        Priority=0,
        SubjectContainsWords=["nobody says this"],
        Mode="Enforce",
        PrependSubject="[x] ",
    )
    second = role.plan(check=True, **wished)
    assert second["digest"] == first


def test_facts_that_are_not_granted_never_fail_a_plan(role: Role) -> None:
    role.session.organization.patch(
        {"hidden_cmdlets": ["Get-AcceptedDomain", "Get-RemoteDomain", "Get-InboundConnector"]}
    )
    role.run(encryption_rules=[ENCRYPT], guarantees=[GUARANTEE])
    assert texts(role)


def test_the_page_shows_sentence_message_and_verdict(role: Role) -> None:
    role.run(encryption_rules=[ENCRYPT])
    role.plan(check=True, encryption_rules=[STOP, ENCRYPT], guarantees=[GUARANTEE], **BROKEN)
    report = run_of(role.report, kind="check")
    page = render_html(report)
    for text in (
        "the new rule &#39;Newsletter&#39; stops before",
        "Encrypted by &#39;Law firm&#39;",
        "Unprotected by rules or forced TLS",
        "recipient@fabrikam.com",
        "Not guaranteed",
    ):
        assert text in page
    # It comes before everything but the three answers.
    assert page.index('id="mail"') < page.index('id="run"')
    table = render_csv(report)
    assert '"mail","protection_lost","No longer protected"' in table
    assert f'"guarantee","","{GUARANTEE["name"]}","refuted","proved"' in table
