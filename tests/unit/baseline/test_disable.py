# SPDX-License-Identifier: GPL-3.0-or-later
"""Switching message encryption off."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run import apply as _apply
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError

from .conftest import Role


class TestDisable:
    STATE = {
        "irm_configuration": {"AzureRMSLicensingEnabled": True, "SimplifiedClientAccessEnabled": True},
        "transport_rules": [
            {"Name": "new", "ApplyRightsProtectionTemplate": "Encrypt"},
            {"Name": "old", "ApplyOME": True},
            {"Name": "other", "PrependSubject": "x"},
        ],
    }

    def test_in_the_order_of_the_article_and_back(self, tmp_path: Path) -> None:
        role = Role(self.STATE, str(tmp_path))
        before = role.state()
        role.run("disable", confirm_disable="contoso.onmicrosoft.com", settle_minutes=0)
        assert [str(call).split()[0] for call in role.session.writes] == [
            "Disable-TransportRule",
            "Remove-TransportRule",
            "Set-IRMConfiguration",
            "Set-IRMConfiguration",
        ]
        assert "AzureRMSLicensingEnabled" in role.session.writes[-1].parameters
        state = role.session.organization.dump()
        assert [(rule["Name"], rule["State"]) for rule in state["transport_rules"]] == [
            ("old", "Disabled"),
            ("other", "Enabled"),
        ]
        role.run("rollback")
        assert role.state() == before

    @pytest.mark.parametrize("confirmed", ["", "fabrikam.onmicrosoft.com"])
    def test_needs_the_name(self, tmp_path: Path, confirmed: str) -> None:
        role = Role(self.STATE, str(tmp_path))
        with pytest.raises(ExchangeError, match=r"hardened_baseline_confirm_disable: contoso\.onmicrosoft\.com"):
            role.run("disable", confirm_disable=confirmed)
        assert role.session.writes == []

    def test_one_organization_at_a_time(self, tmp_path: Path) -> None:
        role = Role(self.STATE, str(tmp_path))
        with pytest.raises(ExchangeError, match="2 organizations"):
            role.run("disable", confirm_disable="contoso.onmicrosoft.com", hosts=["contoso", "fabrikam"])

    @pytest.mark.parametrize(("minutes", "waited"), [(60, 3600), (0, 0)])
    def test_the_settings_wait_until_the_rules_no_longer_act(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int, waited: int
    ) -> None:
        said: list[str] = []
        pauses: list[float] = []
        role = Role(self.STATE, str(tmp_path))
        role.say = said.append
        # Its own clock, because threads of other tests may sleep at any time.
        monkeypatch.setattr(_apply, "time", SimpleNamespace(time=lambda: 1_000_000.0, sleep=pauses.append))
        role.run("disable", confirm_disable="contoso.onmicrosoft.com", settle_minutes=minutes)
        assert sum(pauses) == waited
        assert any("Waiting 60 minutes" in text for text in said) == bool(minutes)
        # Without a rule that was changed there is nothing to wait for.
        pauses.clear()
        only_settings = Role({"irm_configuration": {"AzureRMSLicensingEnabled": True}}, str(tmp_path / "other"))
        only_settings.run("disable", confirm_disable="contoso.onmicrosoft.com", settle_minutes=minutes)
        assert pauses == []
