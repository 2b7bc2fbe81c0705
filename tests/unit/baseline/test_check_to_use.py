# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes between the preflight and the first write: what the plan then does to mail is compared with what was
shown.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures import refusals
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.apply import apply
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError

from tests.unit.clock import stopped
from tests.unit.emulated_session import EmulatedSession

from .conftest import Role

ENCRYPT = {
    "FromScope": "InOrganization",
    "SentToScope": "NotInOrganization",
    "ApplyRightsProtectionTemplate": "Encrypt",
}
SECTIONS = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
#: Harmless as long as another rule encrypts the same mail.
OFF = {
    "name": "second",
    "conditions": SECTIONS,
    "actions": {"apply_rights_protection_template": "Encrypt"},
    "enabled": False,
}
ON = {"name": "ours", "conditions": SECTIONS, "actions": {"apply_rights_protection_template": "Encrypt"}}


def apply_planned(role: Role, planned: dict[str, Any], **variables: Any) -> dict[str, Any]:
    return apply(
        role._task("baseline", "recommended", variables, False, run_tags=[], skip_tags=[], snapshot=planned["snapshot"])
    )


@pytest.fixture(autouse=True)
def licensed(role: Role) -> None:
    """What rules encrypt is encrypted."""
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)


def two_rules(role: Role) -> None:
    for name in ("first", "second"):
        role.session.edit("New-TransportRule", Name=name, **ENCRYPT)


class TestRules:
    def test_a_plan_that_became_harmful_is_not_written(self, role: Role) -> None:
        two_rules(role)
        wishes = {"encryption_rules": [OFF]}
        planned = role.plan(**wishes)
        role.session.edit("Remove-TransportRule", Identity="first")
        writes = len(role.session.writes)
        with pytest.raises(
            ExchangeError, match="The organization was changed after the plan was made, so nothing was written"
        ) as refusal:
            apply_planned(role, planned, **wishes)
        assert "it does not include this effect on mail" in str(refusal.value)
        assert len(role.session.writes) == writes

    def test_a_guarantee_is_proved_again_before_the_write(self, role: Role) -> None:
        guarantee = {"name": "Outgoing", "when": SECTIONS, "then": "not_in_clear"}
        wishes = {"encryption_rules": [ON], "guarantees": [guarantee]}
        planned = role.plan(**wishes)
        role.session.edit(
            "New-TransportRule", Name="stop", Priority=0, StopRuleProcessing=True, SubjectContainsWords=["plain"]
        )
        writes = len(role.session.writes)
        with pytest.raises(ExchangeError, match="'Outgoing' is proved, but now it is refuted"):
            apply_planned(role, planned, **wishes)
        assert len(role.session.writes) == writes

    def test_what_the_run_has_read_before_is_not_reused(self, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
        wishes = {"encryption_rules": [ON]}
        planned = role.plan(**wishes)
        invoke, reused = role.session.invoke, []

        def watched(calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
            if not fresh:
                reused.extend(map(str, calls))
            return invoke(calls, fresh=fresh)

        monkeypatch.setattr(role.session, "invoke", watched)
        assert apply_planned(role, planned, **wishes)["changed"]
        assert reused == []

    def test_what_changes_nothing_of_it_does_not_stop_the_run(self, role: Role) -> None:
        wishes = {"encryption_rules": [ON]}
        planned = role.plan(**wishes)
        (shown,) = role.report["mail"]["difference"]
        role.session.edit("New-TransportRule", Name="tag", PrependSubject="x", FromScope="NotInOrganization")
        assert apply_planned(role, planned, **wishes)["changed"]
        (written,) = role.report["mail"]["difference"]
        assert shown["kind"] == written["kind"] == "protection_gained"


class TestTheRun:
    def test_another_organization_is_not_written_to(self, role: Role) -> None:
        planned = role.plan()
        role.session = EmulatedSession({"advanced_message_encryption": True, "name": "fabrikam.onmicrosoft.com"})
        with pytest.raises(
            ExchangeError, match="The plan is for another organization, so nothing was written"
        ) as error:
            apply_planned(role, planned)
        assert "but this is fabrikam.onmicrosoft.com" in str(error.value)
        assert role.session.writes == []
        assert {row["state"] for row in role.report["changes"]} == {"not applied"}

    @pytest.mark.parametrize("procedure", ["baseline", "disable"])
    def test_an_approval_that_expires_before_the_write_does_not_count(
        self, role: Role, monkeypatch: pytest.MonkeyPatch, procedure: str
    ) -> None:
        """Publishing a snapshot takes a while, and disabling waits for an hour."""
        wishes = {"approval_valid_until": "2030-01-31T12:00:00+00:00"}
        if procedure == "disable":
            role.run()
            wishes["confirm_disable"] = "contoso.onmicrosoft.com"
        planned = role.plan(procedure, **wishes)
        writes = len(role.session.writes)
        late = datetime.datetime(2030, 1, 31, 12, 0, 1, tzinfo=datetime.UTC)
        monkeypatch.setattr(refusals, "datetime", stopped(late))
        task = role._task(
            procedure,
            "recommended",
            wishes,
            False,
            run_tags=[],
            skip_tags=[],
            snapshot=planned["snapshot"],
            stage="settings" if procedure == "disable" else "",
        )
        with pytest.raises(OptionError, match=r"Nothing was written: .*the approval expired on 2030-01-31T12:00"):
            apply(task)
        assert len(role.session.writes) == writes

    def test_an_approval_that_expires_between_the_stages_leaves_the_settings_and_says_so(
        self, role: Role, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        two_rules(role)
        wishes = {"approval_valid_until": "2030-01-31T12:00:00+00:00", "confirm_disable": "contoso.onmicrosoft.com"}
        snapshot = role.plan("disable", **wishes)["snapshot"]

        def stage(name: str) -> None:
            options = {"run_tags": [], "skip_tags": [], "snapshot": snapshot, "stage": name}
            apply(role._task("disable", "recommended", wishes, False, **options))

        stage("rules")
        late = datetime.datetime(2030, 1, 31, 12, 0, 1, tzinfo=datetime.UTC)
        monkeypatch.setattr(refusals, "datetime", stopped(late))
        with pytest.raises(OptionError) as refusal:
            stage("settings")
        assert str(refusal.value).startswith(
            "Stored so far: MFR-1 'first' removed; MFR-1 'second' removed. Left: IRM-1 azure_rms_licensing true -> false"
        )
        assert "Nothing more was written: approval: the approval expired on 2030-01-31T12:00" in str(refusal.value)
        assert {(row["resource"], row["state"]) for row in role.report["changes"]} == {
            ("ome_transport_rule", "stored"),
            ("irm_configuration", "not applied"),
        }


class TestFacts:
    def test_a_domain_that_became_ours_counts(self, role: Role) -> None:
        guarantee = {
            "name": "Partner",
            "when": {"from_scope": "InOrganization", "recipient_domain_is": ["partner.example"]},
            "then": "not_in_clear",
        }
        wishes = {"encryption_rules": [ON], "guarantees": [guarantee]}
        planned = role.plan(**wishes)
        state = role.session.organization.state
        (ours,) = state["accepted_domains"]
        role.session.organization.commit(
            {
                **state,
                "accepted_domains": [
                    ours,
                    {**ours, "Name": "partner.example", "DomainName": "partner.example", "Default": False},
                ],
            }
        )
        writes = len(role.session.writes)
        with pytest.raises(ExchangeError, match="'Partner' is proved, but now it is refuted"):
            apply_planned(role, planned, **wishes)
        assert len(role.session.writes) == writes
