# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before the first write, and the word that allows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variable_validation import (
    checked_variables,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import (
    document_of,
    document_text,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.modules import baseline_apply, owa_mailbox_policy

from tests.emulator import rules
from tests.unit.baseline.refusing import refused

from .conftest import Role

ENCRYPT = {"apply_rights_protection_template": "Encrypt"}


@pytest.mark.parametrize(
    ("state", "variables", "text", "word"),
    [
        ({}, {"one_time_passcode": False}, "neither passcodes nor social accounts", {"accept": ["work_accounts_only"]}),
        (
            {},
            {"encryption_rules": [{"name": "r", "actions": ENCRYPT}]},
            "no condition",
            {"accept": ["unconditional_rule"]},
        ),
        (
            {},
            {"encryption_rules": [{"name": "r", "conditions": {"subject_contains_words": ["x"]}, "actions": ENCRYPT}]},
            "keeps its senders inside",
            {"accept": ["any_sender"]},
        ),
        ({}, {"transport_decryption": "Mandatory"}, "reject mail", {"accept": ["mail_rejection"]}),
        ({}, {"transport_decryption": "Disabled"}, "no longer read", {"accept": ["blind_transport"]}),
        ({}, {"pdf_encryption": True}, "enable_pdf_encryption would become true", {"accept": ["IRM-5"]}),
        (
            {"irm_configuration": {"DecryptAttachmentForEncryptOnly": True}},
            {},
            "decrypt_attachment_for_encrypt_only would become false",
            {"accept": ["IRM-4"]},
        ),
        (
            {"activesync_organization_settings": {"AllowRMSSupportForUnenlightenedApps": True}},
            {},
            "allow_rms_support_for_unenlightened_apps would become false",
            {"accept": ["EAS-1"]},
        ),
        (
            {"owa_mailbox_policies": [{"Name": "p", "IRMEnabled": False}]},
            {"mailbox_policies": "enforce"},
            "irm_enabled of 'p' would become true",
            {"accept": ["POL-1"]},
        ),
        ({}, {"branding_template": {"name": "week"}}, "Advanced Message Encryption", {"on_missing_license": "skip"}),
        (
            {"irm_configuration": {"LicensingLocation": ["https://rms.contoso.com/_wmcs/licensing"]}},
            {},
            "LicensingLocation shows AD RMS",
            {"azure_rms_licensing": None},
        ),
        (
            {"hidden_cmdlets": ["Get-OrganizationConfig"]},
            {},
            "it cannot be identified",
            {"accept": ["unidentified_organization"]},
        ),
        ({}, {"awx": {"job_id": "7"}}, "AWX deletes the directory of a job", {"artifacts_durable": True}),
        ({}, {"awx": {"job_id": "7"}}, "AWX deletes the directory of a job", {"artifacts_publish": "publish.yml"}),
        (
            {},
            {"approval_valid_until": "2020-01-31"},
            "approval expired on 2020-01-31",
            {"approval_valid_until": "2999-01-31"},
        ),
        (
            {"transport_rules": [{"Name": "old", "ApplyOME": True}]},
            {"encryption_rules": [{"name": "old", "state": "absent"}]},
            "could not be rolled back",
            {"accept": ["irreversible", "weakened_mail"]},
        ),
    ],
)
def test_a_word_allows_it(
    tmp_path: Path, state: dict[str, Any], variables: dict[str, Any], text: str, word: dict[str, Any]
) -> None:
    role = Role(state, str(tmp_path))
    assert text in refused(role, **variables)
    assert role.plan(check=False, **{**variables, **word})["pending"] is True


def test_a_license_that_is_missing(tmp_path: Path) -> None:
    role = Role({}, str(tmp_path))
    refused(role, branding_template={"name": "week"})
    assert role.controls()["OME-4"] == "not met"
    role.run(branding_template={"name": "week"}, on_missing_license="skip")
    assert role.controls()["OME-4"] == "not applicable"
    (control,) = (control for control in role.report["controls"] if control["id"] == "OME-4")
    assert "Advanced Message Encryption" in control["findings"][0]
    assert [item["Identity"] for item in role.session.organization.dump()["ome_configurations"]] == [
        "OME Configuration"
    ]
    outgoing = {"branding_template": {"name": "week"}, "encrypt_outgoing": {"template": "Encrypt"}}
    role.run(on_missing_license="skip", **outgoing)
    (rule,) = role.session.organization.dump()["transport_rules"]
    assert not rule.get("ApplyRightsProtectionCustomizationTemplate")
    assert not role.plan(on_missing_license="skip", **outgoing)["pending"]
    role.plan("audit", branding_template={"name": "week"})
    assert (role.controls()["OME-4"], role.report["status"]) == ("not met", "drift")
    role.plan("audit", branding_template={"name": "week"}, on_missing_license="skip")
    assert (role.controls()["OME-4"], role.report["status"]) == ("not applicable", "met")


DEHYDRATED = {
    "dehydrated": True,
    "owa_mailbox_policies": [{"Name": name, "IRMEnabled": False} for name in ("OwaMailboxPolicy-Default", "Sales")],
}
ENFORCED = {"mailbox_policies": "enforce", "accept": ["POL-1"]}


def test_a_new_organization_is_dehydrated_and_only_its_built_in_policy_is_out_of_reach(tmp_path: Path) -> None:
    role = Role(DEHYDRATED, str(tmp_path), "rest")
    text = refused(role, **ENFORCED)
    assert (
        "POL-1: 'OwaMailboxPolicy-Default' is built in: Exchange allows changes to such a policy only after Enable-OrganizationCustomization"
        in text
    )
    assert text.endswith("hardened_baseline_mailbox_policy_names without this one, which leaves the policy alone")
    assert "'Sales'" not in text
    assert role.run(**ENFORCED, mailbox_policy_names=["Sales"], encrypt_outgoing=True)["changed"]
    assert [policy["IRMEnabled"] for policy in role.session.organization.state["owa_mailbox_policies"]] == [False, True]


def test_what_exchange_says_of_a_dehydrated_organization_is_passed_on(tmp_path: Path) -> None:
    role = Role(DEHYDRATED, str(tmp_path), "rest")
    with pytest.raises(ExchangeError, match="Enable-OrganizationCustomization"):
        role.session.run(owa_mailbox_policy, identity="OwaMailboxPolicy-Default", irm_enabled=True)


def test_portal_tracking_logs_need_the_license(tmp_path: Path) -> None:
    role = Role({}, str(tmp_path), "rest")
    assert "IRM-7: EnablePortalTrackingLogs requires Advanced Message Encryption" in refused(
        role, portal_tracking_logs=True
    )
    role.run(portal_tracking_logs=True, on_missing_license="skip")
    assert role.controls()["IRM-7"] == "not applicable"
    licensed = Role({"advanced_message_encryption": True}, str(tmp_path), "rest")
    licensed.run(portal_tracking_logs=True)
    assert licensed.session.organization.state["irm_configuration"]["EnablePortalTrackingLogs"] is True


def test_an_on_premises_organization(tmp_path: Path) -> None:
    role = Role({"cloud": False}, str(tmp_path), "server")
    assert "it is on-premises" in refused(role)
    planned = dict.fromkeys(("OME-1", "OME-2"), "not applicable")
    role.plan("audit", accept=["on_premises"])
    assert {id_: status for id_, status in role.controls().items() if id_ in planned} == planned


def test_a_variable_that_is_misspelt(role: Role) -> None:
    text = refused(role, one_time_passcodes=True)
    assert (
        "hardened_baseline_one_time_passcodes is not a variable of this role. Did you mean hardened_baseline_one_time_passcode?"
        in text
    )


def test_null_is_the_default_where_it_is_no_control(role: Role) -> None:
    nothing = dict.fromkeys(
        ("artifacts_publish", "skip", "accept", "verify_timeout", "rollback_scope", "disable_rules", "approved_plan")
    )
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    assert role.run(**nothing)["pending"]
    assert role.run("rollback", **nothing)["pending"]


def test_switching_off_needs_a_stage() -> None:
    _validation, errors = validate({"procedure": "disable", "variables": {}}, **baseline_apply.SPEC)
    assert "stage" in "".join(errors)


def test_a_snapshot_that_nothing_keeps_is_refused_under_awx(role: Role) -> None:
    assert "AWX deletes the directory of a job" in refused(role, "snapshot", awx={"job_id": "7"})


def test_all_findings_come_at_once(role: Role) -> None:
    text = refused(
        role,
        one_time_passcode=False,
        transport_decryption="Mandatory",
        pdf_encryption=True,
        encryption_rules=[
            {"name": "a", "actions": ENCRYPT},
            {"name": "b", "actions": {"apply_rights_protection_template": "Nonsense"}},
        ],
    )
    for part in ("OME-1", "IRM-6", "IRM-5", "'Nonsense' is not an RMS template"):
        assert part in text
    assert role.report["status"] == "refused"
    assert len(role.report["findings"]) >= 4


def test_a_missing_cmdlet_is_named_with_what_grants_it(tmp_path: Path) -> None:
    role = Role({"hidden_cmdlets": ["Set-IRMConfiguration"]}, str(tmp_path))
    text = refused(role)
    assert "Set-IRMConfiguration is not granted" in text
    assert "Information Rights Management" in text


def test_an_organization_that_meets_the_baseline_needs_no_cmdlet_to_write(tmp_path: Path) -> None:
    role = Role({}, str(tmp_path))
    role.run()
    role.session.organization.patch({"hidden_cmdlets": ["Set-IRMConfiguration", "Set-OMEConfiguration"]})
    assert role.run()["pending"] is False


def test_the_built_rule_uses_the_template_and_the_template_is_new(role: Role) -> None:
    role.run(
        branding_template={"name": "week", "external_mail_expiry_in_days": 7}, encrypt_outgoing={"template": "Encrypt"}
    )
    state = role.session.organization.dump()
    (rule,) = state["transport_rules"]
    assert (rule["Name"], rule["FromScope"], rule["SentToScope"], rule["RuleErrorAction"]) == (
        "Encrypt all outgoing mail",
        "InOrganization",
        "NotInOrganization",
        "Defer",
    )
    assert rule["ApplyRightsProtectionCustomizationTemplate"] == "week"
    assert [item["SocialIdSignIn"] for item in state["ome_configurations"]] == [False, False]


def test_a_template_that_no_rule_uses_is_a_warning(role: Role) -> None:
    role.plan(check=True, branding_template={"name": "week"})
    assert any("No rule applies the branding template 'week'" in warning for warning in role.report["warnings"])


def test_rules_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAXIMUM_RULES", 3)
    full = [{"Name": f"rule {number}", "PrependSubject": "x"} for number in range(3)]
    role = Role({"transport_rules": full}, str(tmp_path))
    said = refused(role, encrypt_outgoing={"template": "Encrypt"})
    assert "there would be 4 rules; the organization can have 3." in said


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"profile": "paranoid"}, "hardened_baseline_profile"),
        ({"transport_decryption": "Opt"}, "hardened_baseline_transport_decryption"),
        ({"socal_id_sign_in": False}, "hardened_baseline_socal_id_sign_in is not a variable"),
        ({"skip": [{"control": "OME-9", "reason": "r", "owner": "o", "until": "2999-01-01"}]}, "OME-9"),
        (
            {"skip": [{"control": "OME-1", "reason": "r", "owner": "o", "until": "soon"}]},
            "hardened_baseline_skip[].until",
        ),
        (
            {"encryption_rules": [{"name": "r", "conditions": {"subject_contains_words": [True]}, "actions": ENCRYPT}]},
            "put it in quotes",
        ),
        ({"branding_template": {"name": "OME Configuration"}}, "hardened_baseline_branding_template.name"),
        ({"approved_plan": "/nowhere/plan.json"}, "/nowhere/plan.json cannot be read"),
        ({"mailbox_policy_names": ["gone"]}, "hardened_baseline_mailbox_policy_names contains 'gone'"),
    ],
)
def test_a_wrong_variable_is_named(role: Role, variables: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError) as refusal:
        role.plan(**{"profile": "recommended", **variables})
    assert text in str(refusal.value)
    assert role.session.writes == []


def test_statuses(tmp_path: Path) -> None:
    role = Role(
        {
            "owa_mailbox_policies": [{"Name": "p", "IRMEnabled": False}],
            "hidden_cmdlets": ["Get-MobileDeviceMailboxPolicy"],
        },
        str(tmp_path),
    )
    accepted = {"control": "OME-1", "reason": "partners", "owner": "desk", "until": "2999-01-01"}
    expired = {"control": "IRM-3", "reason": "later", "owner": "desk", "until": "2020-01-01"}
    role.plan("audit", check=True, skip=[accepted, expired], skip_tags=["irm-6"])
    statuses = role.controls()
    assert statuses["OME-1"] == "accepted exception"
    assert statuses["IRM-3"] == "not met"
    assert statuses["IRM-2"] == "met"
    assert statuses["IRM-6"] == statuses["IRM-5"] == statuses["OME-4"] == "unmanaged"
    assert statuses["POL-1"] == "not met"
    assert statuses["POL-2"] == "not assessable"
    assert role.report["status"] == "drift"
    assert {change["control"] for change in role.report["changes"]} == {"IRM-1"}


def test_tags_select_controls(role: Role) -> None:
    role.run(run_tags=["ome-1"])
    assert [str(call).split()[0] for call in role.session.writes] == ["Set-OMEConfiguration"]


class TestApproval:
    def test_the_same_plan_runs(self, role: Role) -> None:
        plan = role.plan(check=True)
        assert role.run(approved_plan=plan["plan"])["changed"]

    def test_what_is_not_managed_does_not_void_it(self, role: Role) -> None:
        digest = role.plan(check=True, encrypt_outgoing={"template": "Encrypt"})["digest"]
        role.session.edit("New-TransportRule", Name="theirs", PrependSubject="x", Priority=0)
        assert role.run(approved_plan=digest, encrypt_outgoing={"template": "Encrypt"})["changed"]

    def test_other_wishes_are_refused(self, role: Role) -> None:
        plan = role.plan(check=True)
        assert "the variables of OME-2 have changed" in refused(
            role, approved_plan=plan["plan"], one_time_passcode=None
        )

    def test_a_moved_state_is_refused(self, role: Role) -> None:
        role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
        digest = role.plan(check=True)["digest"]
        role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=False)
        text = refused(role, approved_plan=digest)
        assert (
            "azure_rms_licensing_enabled of irm_configuration would go from false to true, which is not in the approved plan"
            in text
        )

    def test_an_unknown_digest_is_refused(self, role: Role) -> None:
        assert "No file here contains the approved plan" in refused(role, approved_plan="sha256:0000")

    def test_a_plan_that_was_changed_by_hand_is_refused(self, role: Role) -> None:
        path = Path(role.plan(check=True)["plan"])
        document = document_of(path.read_bytes())
        document["changes"] = []
        path.write_text(document_text(document))
        assert "does not match its own digest" in refused(role, approved_plan=str(path))

    def test_another_organizations_plan_is_refused(self, role: Role, tmp_path: Path) -> None:
        other = Role({"name": "fabrikam.onmicrosoft.com"}, str(tmp_path / "other"))
        assert "it was read from fabrikam.onmicrosoft.com" in refused(
            role, approved_plan=other.plan(check=True)["plan"]
        )

    def test_it_works_once(self, role: Role) -> None:
        check = role.plan(check=True)
        first, planned_by = check["digest"], role.artifacts.run
        run = role.run(approved_plan=first)
        snapshot = document_of(Path(run["snapshot"]).read_bytes())
        assert (snapshot["approved_plan"], snapshot["approved_run"]) == (first, planned_by)
        # Nothing is left to do, so nothing is refused.
        assert not role.plan(approved_plan=first)["pending"]
        role.run("rollback")
        for approved in (first, check["plan"]):
            text = refused(role, approved_plan=approved)
            assert f"{first} was approved for one run, and the run of" in text
            assert run["snapshot"] in text
            assert "hardened_baseline_approval_valid_until" in text

    def test_it_works_again_as_long_as_it_is_said_to_be_valid(self, role: Role) -> None:
        first = role.plan(check=True)["digest"]
        role.run(approved_plan=first)
        role.run("rollback")
        assert role.run(approved_plan=first, approval_valid_until="2999-01-31")["changed"]
        role.run("rollback")
        assert "expired on 2020-01-31" in refused(role, approved_plan=first, approval_valid_until="2020-01-31")

    @pytest.mark.parametrize("approved", ["plan", "digest"])
    def test_the_same_change_can_be_planned_and_approved_anew(self, role: Role, approved: str) -> None:
        first = role.plan(check=True)
        role.run(approved_plan=first["plan"])
        role.run("rollback")
        again = role.plan(check=True)
        assert again["digest"] == first["digest"]
        # The old approval is still used.
        assert "was approved for one run" in refused(role, approved_plan=first["plan"])
        assert role.run(approved_plan=again[approved])["changed"]
        role.run("rollback")
        assert "was approved for one run" in refused(role, approved_plan=again[approved])

    def test_another_use_is_compared_with_all_that_was_approved(self, role: Role) -> None:
        """A plan was harmless because another rule encrypted, too; that rule has gone."""
        encrypt = {
            "FromScope": "InOrganization",
            "SentToScope": "NotInOrganization",
            "ApplyRightsProtectionTemplate": "Encrypt",
        }
        role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
        for name in ("first", "second"):
            role.session.edit("New-TransportRule", Name=name, **encrypt)
        sections = {"conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}}
        rules = [
            {"name": "second", **sections, "actions": {"apply_rights_protection_template": "Encrypt"}, "enabled": False}
        ]
        wishes = {"encryption_rules": rules, "approval_valid_until": "2999-01-31"}
        approved = role.plan(check=True, **wishes)["digest"]
        assert role.run(approved_plan=approved, **wishes)["changed"]
        role.run("rollback")
        assert role.run(approved_plan=approved, **wishes)["changed"]
        role.run("rollback")
        role.session.edit("Remove-TransportRule", Identity="first")
        writes = len(role.session.writes)
        assert "it does not include this effect on mail" in refused(role, approved_plan=approved, **wishes)
        assert len(role.session.writes) == writes

    def test_a_snapshot_that_cannot_be_read_leaves_it_open(self, role: Role) -> None:
        digest = role.plan(check=True)["digest"]
        snapshot = Path(role.run(approved_plan=digest)["snapshot"])
        role.run("rollback")
        snapshot.write_text(snapshot.read_text().replace("approved_plan", "approved_plam"))
        assert f"whether a run took the approval of {digest} before is unknown" in refused(role, approved_plan=digest)

    def test_a_run_without_a_plan_is_refused_where_one_is_required(self, role: Role) -> None:
        text = refused(role, require_approval=True)
        assert "hardened_baseline_require_approval is true, but no plan was approved" in text
        plan = role.plan(check=True, require_approval=True)
        assert role.run(approved_plan=plan["digest"], require_approval=True)["changed"]
        # A run that has nothing to write needs none.
        assert not role.run(require_approval=True)["pending"]

    def test_the_folder_of_a_run_holds_the_plan_of_each_organization(self, role: Role, tmp_path: Path) -> None:
        plan = Path(role.plan(check=True)["plan"])
        folder = tmp_path / "approved/contoso"
        folder.mkdir(parents=True)
        plan.rename(folder / "plan.json")
        with pytest.raises(OptionError, match="does not contain a plan of contoso") as error:
            role.plan(approved_plan=str(folder))
        assert str(error.value.remedy).startswith("Set it to the plan.json of a check-mode run")
        assert role.run(approved_plan=str(folder.parent))["changed"]

    def test_a_bare_name_that_means_two_plans_is_refused(
        self, role: Role, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        older = Path(role.plan(check=True)["plan"]).read_bytes()
        newest = role.plan(check=True)["plan"]
        monkeypatch.chdir(tmp_path)
        (tmp_path / "plan.json").write_bytes(older)
        text = refused(role, approved_plan="plan.json")
        assert f"plan.json is a file in the working directory (./plan.json), and {newest} is another plan." in text
        assert role.run(approved_plan="./plan.json")["changed"]

    @pytest.mark.parametrize("content", [None, "", "[", "[" * 100_000, "[1, 2]"])
    def test_a_file_that_is_no_plan_is_refused_by_its_variable(
        self, role: Role, tmp_path: Path, content: str | None
    ) -> None:
        path = tmp_path / "approved.json"
        if content is not None:
            path.write_text(content)
        text = refused(role, approved_plan=str(path))
        assert text.startswith(f"hardened_baseline_approved_plan: The file {path}")
        assert "Set it to the plan.json of a check-mode run" in text


def test_an_expired_exception_says_so_before_anything_is_written(role: Role) -> None:
    row = {"control": "OME-1", "reason": "r", "owner": "desk", "until": "2020-01-01"}
    role.plan(check=True, skip=[row], social_id_sign_in=False)
    (warning,) = [text for text in role.report["warnings"] if "OME-1" in text]
    assert warning.startswith(
        "hardened_baseline_skip: the exception of OME-1 (owner: desk) has expired: it ended on 2020-01-01."
    )
    (control,) = [control for control in role.report["controls"] if control["id"] == "OME-1"]
    assert control["findings"][0] == "The accepted exception has expired: it ended on 2020-01-01."


def test_a_short_form_of_an_exception_is_refused_with_the_form() -> None:
    with pytest.raises(
        OptionError,
        match=r"hardened_baseline_skip\[0\] is 'OME-2', which is not a dictionary: it needs control, reason, owner, until",
    ):
        checked_variables({"hardened_baseline_skip": ["OME-2"]}, "baseline", Path.read_bytes)


def test_an_apply_names_the_exception_that_it_would_take_away(role: Role) -> None:
    rule = {
        "name": "mine",
        "conditions": {"from_scope": "InOrganization"},
        "actions": {"apply_rights_protection_template": "Encrypt"},
    }
    role.run(encryption_rules=[rule])
    role.session.edit("Set-TransportRule", Identity="mine", ExceptIfRecipientDomainIs=["fabrikam.com"])
    role.plan(check=True, encryption_rules=[rule])
    (warning,) = [text for text in role.report["warnings"] if "exception" in text]
    assert warning.startswith(
        "The run removes an exception of 'mine' that is not declared (recipient_domain_is: ['fabrikam.com']), last changed by Administrator."
    )
    assert "hardened_baseline_skip: [{control: MFR-1, reason: <why>, owner: <who>, until: <date>}]" in warning
    kept = [{"control": "MFR-1", "reason": "r", "owner": "o", "until": "2999-01-01"}]
    assert not role.run(encryption_rules=[rule], skip=kept)["pending"]


@pytest.mark.parametrize(
    ("variables", "option"),
    [
        ({"hardened_baseline_artifacts_publish": "/nowhere/publish.yml"}, "hardened_baseline_artifacts_publish"),
        ({"hardened_baseline_branding": {"image_path": "logo.png"}}, "hardened_baseline_branding.image_path"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_variable(variables: dict[str, Any], option: str) -> None:
    def missing(path: str) -> bytes:
        raise OptionError(f"The file {path!r} cannot be read.")

    with pytest.raises(OptionError, match=rf"^{option}: The file .* cannot be read"):
        checked_variables(variables, "baseline", missing)
    # Only Ansible knows where it searches for a relative path to tasks.
    assert (
        checked_variables({"hardened_baseline_artifacts_publish": "publish.yml"}, "baseline", missing)[
            "artifacts_publish"
        ]
        == "publish.yml"
    )


@pytest.mark.parametrize("value", [False, "false", "", None, "no", 0, "{{ false }}"])
def test_an_approval_is_not_switched_off_on_launch(value: Any) -> None:
    name = "hardened_baseline_require_approval"
    with pytest.raises(OptionError) as refusal:
        checked_variables({name: value}, "baseline", lambda path: b"", frozenset([name]))
    assert f"{name} is {value!r} as an extra variable" in str(refusal.value)


@pytest.mark.parametrize("value", [True, "true", "yes", 1])
def test_an_approval_can_be_required_on_launch(value: Any) -> None:
    name = "hardened_baseline_require_approval"
    assert checked_variables({name: value}, "baseline", lambda path: b"", frozenset([name]))["require_approval"] is True
    assert checked_variables({name: False}, "baseline", lambda path: b"")["require_approval"] is False
