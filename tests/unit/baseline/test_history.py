# SPDX-License-Identifier: GPL-3.0-or-later
"""Since when something is open: from what runs saw, whatever was renamed, missed or broken in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.history import (
    history_document,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.run_findings import (
    FindingKey,
    RunFindings,
    SeenFinding,
    run_findings_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import ControlStatus
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.task_result import (
    organization_report,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.run_reports import run_of

from .conftest import Role

TENANT = "aaaaaaaa-0000-0000-0000-000000000001"
OPEN, MET, ACCEPTED, UNKNOWN, UNMANAGED = "open", "met", "accepted", "unknown", "unmanaged"
_STATUS = {
    OPEN: ControlStatus.NOT_MET,
    MET: ControlStatus.MET,
    ACCEPTED: ControlStatus.ACCEPTED,
    UNMANAGED: ControlStatus.UNMANAGED,
}
KEY = FindingKey("OME-1", "ome_configuration", "OME Configuration", "social_id_sign_in")


def day(number: int) -> str:
    return f"2026-11-{number + 1:02}T03:00:00Z"


def look(
    number: int,
    what: str,
    *,
    name: str = "contoso.onmicrosoft.com",
    tenant: str = TENANT,
    host: str = "contoso",
    **more: Any,
) -> RunFindings:
    judged = {} if what == UNKNOWN else {"OME-1": _STATUS[what]}
    found = (
        {KEY: SeenFinding("No social accounts", "OME Configuration", "social_id_sign_in", True, False)}
        if what == OPEN
        else {}
    )
    return RunFindings(day(number), f"run-{number}", host, name, "Contoso", tenant, judged, found, **more)


def finding(looks: Sequence[RunFindings]) -> dict[str, Any]:
    (row,) = history_document(looks, len(looks)).as_row()["findings"]
    return dict(row)


def times(moment: dict[str, str]) -> tuple[str, str]:
    return moment.get("after", ""), moment["by"]


def test_open_since_between_two_runs() -> None:
    row = finding([look(0, MET), look(1, OPEN), look(2, OPEN)])
    assert (row["state"], times(row["since"]), row["last_seen"], row["flapping"]) == (
        "open",
        (day(0), day(1)),
        day(2),
        False,
    )
    assert row["since"]["text"] == "between 2026-11-01 03:00 UTC and 2026-11-02 03:00 UTC"
    assert "ended" not in row


def test_of_a_finding_that_was_there_at_the_first_look_nobody_knows_since_when() -> None:
    row = finding([look(0, OPEN), look(1, OPEN)])
    assert times(row["since"]) == ("", day(0))
    assert row["since"]["text"] == "2026-11-01 03:00 UTC or earlier (first check)"


@pytest.mark.parametrize(
    "missed",
    [[], [look(2, UNKNOWN)], [look(2, UNKNOWN, name="", tenant="")]],
    ids=["no run", "not assessable", "not reachable"],
)
def test_a_gap_makes_it_longer_and_changes_nothing_else(missed: list[RunFindings]) -> None:
    row = finding([look(0, MET), look(1, OPEN), *missed, look(5, MET)])
    assert (row["state"], times(row["since"]), times(row["ended"])) == ("fixed", (day(0), day(1)), (day(1), day(5)))
    row = finding([look(0, MET), *missed, look(5, OPEN)])
    assert times(row["since"]) == (day(0), day(5))


def test_one_that_comes_back_is_flapping() -> None:
    row = finding([look(0, OPEN), look(1, MET), look(2, OPEN), look(3, MET), look(4, OPEN)])
    assert (row["state"], row["flapping"], row["openings"]) == ("open", True, 3)
    assert times(row["since"]) == (day(3), day(4))
    assert [times(episode["ended"]) for episode in row["earlier"]] == [(day(0), day(1)), (day(2), day(3))]


@pytest.mark.parametrize(("what", "how"), [(MET, "fixed"), (ACCEPTED, "accepted"), (UNMANAGED, "unmanaged")])
def test_it_says_how_it_ended(what: str, how: str) -> None:
    assert finding([look(0, OPEN), look(1, what)])["ended"]["how"] == how


def test_the_run_that_put_it_right_is_named() -> None:
    assert (
        finding([look(0, OPEN), look(1, MET, stored={KEY: SeenFinding("", "", "")})])["state"]
        == "fixed by the run run-1"
    )


RENAMED = {
    "the initial domain": {"name": "contoso-group.onmicrosoft.com"},
    "the host": {"host": "contoso-group"},
    "both": {"name": "contoso-group.onmicrosoft.com", "host": "contoso-group"},
    "the tenant id is not shown": {"tenant": ""},
    "another case": {"name": "CONTOSO.onmicrosoft.com", "tenant": TENANT.upper()},
}


@pytest.mark.parametrize("how", RENAMED)
def test_a_renamed_organization_keeps_its_history(how: str) -> None:
    looks = [look(0, MET), look(1, OPEN), look(2, OPEN, **RENAMED[how])]
    assert times(finding(looks)["since"]) == (day(0), day(1))
    (organization,) = history_document(looks, 3).as_row()["organizations"]
    assert organization["runs"] == 3


def test_a_run_that_read_nothing_belongs_to_the_organization_that_its_host_is_named_after() -> None:
    """A first look takes the initial domain for the host's name."""
    looks = [look(0, OPEN), look(1, UNKNOWN, name="", tenant="", host="Contoso.onmicrosoft.com")]
    (organization,) = history_document(looks, 2).as_row()["organizations"]
    assert (organization["runs"], organization["runs_missed"], organization["tenant_id"]) == (1, 1, TENANT)


def test_two_organizations_that_had_one_host_or_one_name_are_two() -> None:
    other = TENANT.replace("1", "2")
    looks = [look(0, OPEN), look(1, MET, tenant=other), look(2, OPEN)]
    document = history_document(looks, 3).as_row()
    assert {organization["tenant_id"] for organization in document["organizations"]} == {TENANT, other}
    assert [row["state"] for row in document["findings"]] == ["open"]
    # Of a run that shows neither, nobody knows which of the two it saw.
    assert len(history_document([*looks, look(3, UNKNOWN, name="", tenant="")], 4).as_row()["organizations"]) == 3


def test_the_order_of_folders_does_not_matter() -> None:
    looks = [look(0, MET), look(1, OPEN), look(2, MET)]
    shuffled = history_document([looks[2], looks[0], looks[1]], 3).as_row()
    assert shuffled["findings"] == history_document(looks, 3).as_row()["findings"]


@given(st.lists(st.sampled_from([OPEN, MET, UNKNOWN]), min_size=1, max_size=12))
def test_what_is_said_is_what_runs_saw(story: list[str]) -> None:
    """Against a model that knows only sequences: the runs that judged, split where what they saw changes."""
    judged = [(number, what) for number, what in enumerate(story) if what != UNKNOWN]
    rows = history_document([look(number, what) for number, what in enumerate(story)], len(story)).as_row()["findings"]
    starts = [
        place
        for place, (_number, what) in enumerate(judged)
        if what == OPEN and (place == 0 or judged[place - 1][1] == MET)
    ]
    if not starts:
        assert rows == []
        return
    (row,) = rows
    assert row["openings"] == len(starts)
    assert (row["state"] == "open") == (judged[-1][1] == OPEN)
    episodes = [*row["earlier"], {key: row[key] for key in ("since", "ended") if key in row}]
    for start, episode in zip(starts, episodes, strict=True):
        before = day(judged[start - 1][0]) if start else ""
        assert times(episode["since"]) == (before, day(judged[start][0]))
        end = next((place for place in range(start, len(judged)) if judged[place][1] == MET), None)
        assert ("ended" in episode) == (end is not None)
        if end is not None:
            assert times(episode["ended"]) == (day(judged[end - 1][0]), day(judged[end][0]))


class Runs:
    """Runs of the role over one organization, with the looks that their reports give."""

    def __init__(self) -> None:
        self.role = Role({"advanced_message_encryption": True})
        self.looks: list[RunFindings] = []

    def run(self, procedure: str = "audit", kind: str = "audit", **variables: Any) -> None:
        self.role.run(procedure, **variables) if kind == "apply" else self.role.plan(
            procedure, check=kind == "check", **variables
        )
        report = organization_report("contoso", procedure, OrganizationReport.from_row(self.role.report), [])
        number = len(self.looks)
        self.looks += run_findings_of(run_of(report.as_row(), kind=kind, generated_at=day(number), run=f"run-{number}"))

    def findings(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        return {
            (row["control"], row["identity"], row["option"]): row
            for row in history_document(self.looks, len(self.looks)).as_row()["findings"]
        }


CONTRACTS = {
    "name": "Contracts",
    "conditions": {"from_scope": "InOrganization", "subject_contains_words": ["contract"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}


def test_from_reports_of_the_role() -> None:
    runs, variables = Runs(), {"encryption_rules": [CONTRACTS]}
    runs.run("baseline", "check", **variables)
    runs.run("baseline", "apply", **variables)
    session = runs.role.session
    session.edit("Set-TransportRule", Identity="Contracts", SubjectContainsWords=["x"])
    session.organization.state["transport_rules"][0]["LastModifiedBy"] = "Mallory"
    runs.run(**variables)
    social = runs.findings()["OME-1", "OME Configuration", "social_id_sign_in"]
    assert (social["state"], times(social["ended"])) == ("fixed by the run run-1", (day(0), day(1)))
    words = runs.findings()["MFR-1", "Contracts", "conditions.subject_contains_words"]
    assert (words["state"], times(words["since"]), words["found"], words["wanted"]) == (
        "open",
        (day(1), day(2)),
        ["x"],
        ["contract"],
    )
    assert words["modified_by"] == "Mallory"
    assert words["guid"] == session.organization.dump()["transport_rules"][0]["Guid"]
    # A rule that is renamed is still the same rule.
    session.edit("Set-TransportRule", Identity="Contracts", Name="Deals")
    runs.run(encryption_rules=[{**CONTRACTS, "name": "Deals"}])
    (renamed,) = [
        row
        for (_control, _identity, option), row in runs.findings().items()
        if option == "conditions.subject_contains_words"
    ]
    assert (renamed["identity"], times(renamed["since"])) == ("Deals", (day(1), day(2)))


@pytest.mark.parametrize("audits", [0, 1])
def test_what_a_rollback_sets_back_is_open_again(audits: int) -> None:
    """Whether or not anybody looked between the run that had fixed it and the rollback, or before both."""
    runs, variables = Runs(), {"encryption_rules": [CONTRACTS]}
    for _each in range(audits):
        runs.run(**variables)
    runs.run("baseline", "apply", **variables)
    for _each in range(audits):
        runs.run(**variables)
    assert {row["state"] for row in runs.findings().values()} <= {f"fixed by the run run-{audits}"}
    back = len(runs.looks)
    runs.role.run("rollback")
    rollback = run_of(runs.role.report, kind="rollback", generated_at=day(back), run=f"run-{back}")
    runs.looks += run_findings_of(rollback)
    found = runs.findings()
    assert {key for key, row in found.items() if row["state"] == "open"} >= {
        ("OME-1", "OME Configuration", "social_id_sign_in"),
        ("MFR-1", "Contracts", "state"),
        ("IRM-1", "", "azure_rms_licensing_enabled"),
    }
    social = found["OME-1", "OME Configuration", "social_id_sign_in"]
    assert (times(social["since"])[1], social["found"], social["wanted"]) == (day(back), True, False)
    # The next audit sees the same, and the run after it puts it right.
    runs.run(**variables)
    assert len([row for row in runs.findings().values() if row["state"] == "open"]) == len(
        [row for row in found.values() if row["state"] == "open"]
    )


def test_what_a_check_of_a_rollback_foresees_opens_nothing() -> None:
    runs = Runs()
    runs.run("baseline", "apply")
    runs.role.plan("rollback", check=True)
    assert run_findings_of(run_of(runs.role.report, kind="rollback", generated_at=day(5), run="run-5")) == []


def test_a_control_that_the_tags_leave_out_says_nothing() -> None:
    runs = Runs()
    runs.run()
    runs.run(skip_tags=["OME-1"])
    runs.run("baseline", "apply", skip_tags=["OME-1"])
    assert runs.findings()["OME-1", "OME Configuration", "social_id_sign_in"]["state"] == "open"
    assert runs.findings()["IRM-1", "", "azure_rms_licensing_enabled"]["state"] == "fixed by the run run-2"


def test_a_check_foresees_guarantees_and_does_not_see_them() -> None:
    runs, variables = Runs(), {"encrypt_outgoing": {"template": "Encrypt"}}
    runs.run(**variables)
    assert [row["state"] for (control, *_rest), row in runs.findings().items() if control == "MFR-2"] == ["open"]
    runs.run("baseline", "check", **variables)
    assert [row["state"] for (control, *_rest), row in runs.findings().items() if control == "MFR-2"] == ["open"]
    runs.run("baseline", "apply", **variables)
    assert [row["state"] for (control, *_rest), row in runs.findings().items() if control == "MFR-2"] == ["fixed"]
