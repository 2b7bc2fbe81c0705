# SPDX-License-Identifier: GPL-3.0-or-later
"""Each refusal of the preflight by itself: what it is about, what it says, and the line that allows it."""

from __future__ import annotations

import datetime
import types
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls import (
    acceptance as _acceptance,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.findings import Finding
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import RollbackClass
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures import refusals as _refusals
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.refusals import (
    check_ring,
    cmdlet_findings,
    confirmation_findings,
    dehydration_findings,
    organization_findings,
    organization_refusals,
    rollback_findings,
    run_findings,
    session_findings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Phase, Plan, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ExchangeError,
    OptionError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SessionDescription

from tests.unit.clock import stopped
from tests.unit.readings import organization

from .plain import CLOUD, CONTOSO, ON_PREMISES, planned

BUILT_IN = "OwaMailboxPolicy-Default"
NEW_POLICY = (
    f"{BUILT_IN!r} is built in: Exchange allows changes to such a policy only after Enable-OrganizationCustomization in this organization. "
    "That cannot be undone, so run it yourself if you agree."
)
ALONE = "hardened_baseline_mailbox_policies: warn, or hardened_baseline_mailbox_policy_names without this one, which leaves the policy alone"


def policy(name: str, resource: str = "owa_mailbox_policy") -> Step:
    changes = (Change(resource, name, "irm_enabled", False, True),)
    return Step(
        Call(
            f"Set-{'OwaMailboxPolicy' if resource.startswith('owa') else 'MobileDeviceMailboxPolicy'}",
            {"Identity": name},
        ),
        changes,
        Phase.POLICIES,
    )


class TestOrganization:
    @pytest.mark.parametrize("expected", ["", CONTOSO["name"], CONTOSO["name"].upper(), CONTOSO["tenant_id"]])
    def test_the_one_that_is_meant(self, expected: str) -> None:
        assert organization_findings(organization(organization=[CLOUD]), expected) == []

    def test_another_one_is_never_allowed(self) -> None:
        (found,) = organization_findings(organization(organization=[CLOUD]), "fabrikam.onmicrosoft.com")
        said = f"the session is in the organization {CONTOSO['name']} ({CONTOSO['tenant_id']}), but ansible_exchange_organization is fabrikam.onmicrosoft.com."
        assert found == Finding("organization", said)

    def test_one_on_premises_is_a_word_away(self) -> None:
        text = "it is on-premises, where most features of message encryption do not exist."
        assert organization_findings(organization(organization=[ON_PREMISES]), "") == [
            Finding.acceptable("organization", text, "on_premises")
        ]
        other, found = organization_findings(organization(organization=[ON_PREMISES]), "fabrikam.onmicrosoft.com")
        assert (other.allow, found.word) == ("", "on_premises")

    def test_one_that_cannot_be_identified(self) -> None:
        read = organization(organization=CmdletNotAvailableError("not granted.", cmdlet="Get-OrganizationConfig"))
        text = "it cannot be identified: Get-OrganizationConfig: not granted."
        assert organization_findings(read, "contoso.com") == [
            Finding.acceptable("organization", text, "unidentified_organization")
        ]
        assert dehydration_findings(read, Plan(steps=[policy(BUILT_IN)])) == []


class TestDehydrated:
    @pytest.mark.parametrize("name", [BUILT_IN, BUILT_IN.upper()])
    def test_the_built_in_policy_is_out_of_reach(self, name: str) -> None:
        plan = Plan(steps=[policy("Sales"), policy(BUILT_IN, "mobile_device_mailbox_policy"), policy(name)])
        found = dehydration_findings(organization(organization=[{**CLOUD, "IsDehydrated": True}]), plan)
        assert found == [Finding("POL-1", NEW_POLICY.replace(BUILT_IN, name), ALONE)]

    def test_elsewhere_it_is_a_policy_as_others(self) -> None:
        assert (
            dehydration_findings(
                organization(organization=[{**CLOUD, "IsDehydrated": False}]), Plan(steps=[policy(BUILT_IN)])
            )
            == []
        )


class TestCmdlets:
    PLAN = Plan(steps=[policy("b"), policy("a"), Step(Call("Set-Unheard"), (), Phase.RULES)])

    @pytest.mark.parametrize(
        ("granted", "missing"),
        [
            ([{"Name": "Set-OwaMailboxPolicy"}, {"Name": "Set-Unheard"}, {"Name": "Get-X"}], []),
            ([{"Name": "Get-X"}], ["Set-OwaMailboxPolicy", "Set-Unheard"]),
            ([{"Name": "Set-OwaMailboxPolicy"}], ["Set-Unheard"]),
            # A session that lists none does not tell.
            ([], []),
        ],
    )
    def test_what_the_session_does_not_have(self, granted: list[dict[str, str]], missing: list[str]) -> None:
        roles = {"Set-OwaMailboxPolicy": "Recipient Policies", "Set-Unheard": "an Exchange role"}
        found = cmdlet_findings(organization(exported_cmdlets=granted), self.PLAN)
        assert [(finding.id, finding.allow, finding.text.partition(" ")[0]) for finding in found] == [
            ("permissions", "", cmdlet) for cmdlet in missing
        ]
        for finding, cmdlet in zip(found, missing, strict=True):
            assert finding.text.startswith(f"{cmdlet} is not granted to this session. It requires ")
            assert roles[cmdlet] in finding.text
            assert finding.text.endswith(".")

    def test_a_session_that_cannot_be_asked_refuses_nothing(self) -> None:
        assert cmdlet_findings(organization(), self.PLAN) == []
        with pytest.raises(ExchangeError, match="broken"):
            cmdlet_findings(organization(exported_cmdlets=ExchangeError("broken")), self.PLAN)


def test_all_that_is_refused_about_an_organization_stands_in_one_list() -> None:
    read = organization(organization=[{**CLOUD, "IsDehydrated": True}], exported_cmdlets=[{"Name": "Get-X"}])
    found = organization_refusals(read, Plan(steps=[policy(BUILT_IN)]), "fabrikam.com")
    assert [finding.id for finding in found] == ["organization", "POL-1", "permissions"]


def test_what_cannot_be_rolled_back_is_named() -> None:
    changes = [
        planned("search_enabled"),
        planned(
            "image",
            resource="ome_configuration",
            identity="OME Configuration",
            control="OME-4",
            rollback=RollbackClass.NOT_POSSIBLE,
        ),
        planned("state", rollback=RollbackClass.EQUIVALENT),
        planned("decrypt", control="", rollback=RollbackClass.NOT_POSSIBLE),
    ]
    assert rollback_findings(changes) == [
        Finding.acceptable("OME-4", "image of OME Configuration could not be rolled back.", "irreversible"),
        Finding.acceptable("rollback", "decrypt of irm_configuration could not be rolled back.", "irreversible"),
    ]


@pytest.mark.parametrize(
    ("hosts", "confirmed", "said"),
    [
        (["a"], None, None),
        (["a", "b"], ["b", "a"], None),
        (["a", "b"], None, "it is not set"),
        (["a", "b"], ["a"], "it is a"),
        (["a", "b", "münchen"], ["a", "b"], "it is a, b"),
    ],
)
def test_several_organizations_are_confirmed_by_name(
    hosts: list[str], confirmed: list[str] | None, said: str | None
) -> None:
    found = confirmation_findings({"confirm_rollback": confirmed}, hosts)
    if said is None:
        assert found == []
    else:
        text = f"this run rolls back {len(hosts)} organizations. The list of their names must confirm this, but {said}."
        listed = ", ".join(f'"{host}"' for host in hosts)
        typed = f"""-e '{{"hardened_baseline_confirm_rollback": [{listed}]}}'"""
        remedy = f"hardened_baseline_confirm_rollback: [{listed}], or in a command {typed}"
        assert found == [Finding("confirm_rollback", text, remedy)]


@pytest.mark.parametrize(
    ("described", "writes", "text"),
    [
        ({"read_only": True, "transport": "file"}, False, None),
        ({"read_only": False, "transport": "file"}, True, None),
        ({}, True, None),
        (
            {"read_only": True, "transport": "file"},
            True,
            "ansible_exchange_transport is file, and a capture can only be read. Add --check",
        ),
        (
            {"read_only": True, "transport": "rest"},
            True,
            "it was opened by a person who signed in (ansible_exchange_device_code or",
        ),
        ({"read_only": True}, True, "register an application and set ansible_exchange_certificate_path."),
    ],
)
def test_a_session_for_a_look_is_not_written_over(described: dict[str, Any], writes: bool, text: str | None) -> None:
    found = session_findings(SessionDescription(**described), writes=writes)
    assert [(finding.id, finding.allow) for finding in found] == ([] if text is None else [("session", "")])
    assert all(str(text) in finding.text for finding in found)


class TestRun:
    NOW = datetime.datetime(2030, 1, 31, 8, 0, tzinfo=datetime.UTC)

    @pytest.mark.parametrize(
        ("until", "expired"),
        [
            ("", False),
            ("2030-01-31", False),
            ("2030-01-30", True),
            ("2030-01-31T09:00:00+01:00", True),
            ("2030-01-31T08:00:00.000001+00:00", False),
        ],
    )
    def test_an_approval_ends(self, monkeypatch: pytest.MonkeyPatch, until: str, expired: bool) -> None:
        for module in (_acceptance, _refusals):
            monkeypatch.setattr(module, "datetime", stopped(self.NOW))
        allow = "a new approval, and its hardened_baseline_approval_valid_until: <date>"
        found = run_findings({"approval_valid_until": until}, {}, writes=False)
        assert found == ([Finding("approval", f"the approval expired on {until}.", allow)] if expired else [])

    def test_an_end_that_is_no_date_names_its_variable(self) -> None:
        with pytest.raises(OptionError, match="hardened_baseline_approval_valid_until must be a date"):
            run_findings({"approval_valid_until": "soon"}, {}, writes=True)

    @pytest.mark.parametrize(
        ("variables", "awx", "writes", "refused"),
        [
            ({}, {"job_id": "7"}, True, True),
            ({}, {"job_id": "7"}, False, False),
            ({}, {}, True, False),
            ({"artifacts_durable": True}, {"job_id": "7"}, True, False),
            ({"artifacts_publish": "publish.yml"}, {"job_id": "7"}, True, False),
        ],
    )
    def test_a_snapshot_must_outlive_its_job(
        self, variables: dict[str, Any], awx: dict[str, str], writes: bool, refused: bool
    ) -> None:
        text = "AWX deletes the directory of a job, including the snapshot, and a rollback is not possible without it."
        allow = "hardened_baseline_artifacts_publish: <task file> or hardened_baseline_artifacts_durable: true"
        assert run_findings(variables, awx, writes=writes) == ([Finding("artifacts", text, allow)] if refused else [])


@pytest.mark.parametrize(
    ("rings", "check_mode", "failed", "asked"),
    [
        (True, False, ["a", "b"], ["a", "b"]),
        (True, False, [], ["a", "b"]),
        (True, True, ["a"], None),
        (False, False, ["a"], None),
    ],
)
def test_a_ring_after_one_that_failed(
    rings: bool, check_mode: bool, failed: list[str], asked: list[str] | None
) -> None:
    questions: list[Any] = []

    def answer(what: str, hosts: list[str]) -> list[str]:
        questions.append((what, hosts))
        return failed

    task: Any = types.SimpleNamespace(
        hosts=["a", "b", "c"], batch=["c"], params={"rings": rings}, check_mode=check_mode
    )
    files: Any = types.SimpleNamespace(notes=types.SimpleNamespace(marked=answer))
    if asked is not None and failed:
        with pytest.raises(OptionError) as refusal:
            check_ring(task, files)
        assert refusal.value.message == "Nothing was read or written, because an earlier ring failed: a, b."
        assert refusal.value.remedy == "Find out why, and run the playbook again."
    else:
        check_ring(task, files)
    assert questions == ([] if asked is None else [("failed", asked)])


def test_an_organization_that_was_not_read_is_an_error() -> None:
    with pytest.raises(KeyError):
        organization_findings(Organization({}, {}), "")
