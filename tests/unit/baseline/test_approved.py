# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plan an approval is for, whether it is the plan that is needed, and whether a run has taken it: files in
memory, no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.findings import Finding
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.approval import (
    Approval,
    TakenApproval,
    approval_findings,
    approval_of,
    refused_switch,
    used,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot import (
    SnapshotDocument,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot_chain import (
    Link,
    SnapshotChain,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError

from .plain import ORGANIZATION, document, planned, warned

CHANGE = planned("search_enabled", impact=Impact.WIDENS)
PLAN = document(CHANGE)
TAKEN = TakenApproval(PLAN.digest, "", "run_7")
AGAIN = "a check-mode run, and the approval of its plan"
ONCE = (
    f"{AGAIN}; or hardened_baseline_approval_valid_until: <date>, until which the approval counts for more than one run"
)
UNKNOWN = "No file here contains the approved plan, so the differences are unknown."


class Plans(dict[str, Any]):
    """Plans in memory, by their path or their digest."""

    #: Digest to the other organization whose plan it is.
    owners: Mapping[str, str]

    def owner_of(self, digest: str) -> str:
        return self.owners.get(digest, "")

    def load(self, path: str) -> Any:
        return self[path]

    def with_digest(self, digest: str) -> Any:
        found = self.get(digest)
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class Snapshots:
    """The chain of snapshots, and the approvals whose snapshots are gone."""

    links: Sequence[Link]
    taken: Sequence[TakenApproval]

    def chain(self) -> SnapshotChain:
        return SnapshotChain(self.links)

    def taken_approvals(self, digest: str) -> list[TakenApproval]:
        return list(self.taken)


class Files:
    """The files of an organization, in memory.

    :param contents: path to what it holds; with ``links`` the chain.
    """

    def __init__(
        self,
        contents: Mapping[str, Any] | None = None,
        links: Sequence[Link] = (),
        plans: Mapping[str, Any] | None = None,
        *,
        owners: Mapping[str, str] | None = None,
        taken: Sequence[TakenApproval] = (),
    ) -> None:
        self.plans, self.snapshots = Plans(plans or {}), Snapshots(links, taken)
        self.plans.owners = owners or {}
        self._contents = contents or {}

    def load(self, path: str) -> Any:
        found = self._contents[path]
        if isinstance(found, Exception):
            raise found
        return found


def snapshot(approved: str, plan: Any = None, planned_by: str = "") -> dict[str, Any]:
    return SnapshotDocument(
        "1", "", "run_1", "2030-01-31T08:00:00Z", {}, {}, (), {}, plan, approved, planned_by
    ).as_dict()


def link(name: str, approved: str = "", previous: str = "") -> Link:
    return Link(f"/s/{name}", name, previous, approved=approved.removeprefix("sha256:")[:8])


class TestWhich:
    @pytest.mark.parametrize("variables", [{}, {"approved_plan": None}, {"approved_plan": ""}])
    def test_none_is_named(self, variables: dict[str, Any]) -> None:
        assert approval_of(variables, Files()) is None

    def test_a_file(self) -> None:
        assert approval_of({"approved_plan": "CHG-1.json"}, Files(plans={"CHG-1.json": PLAN.as_dict()})) == Approval(
            PLAN.digest, PLAN
        )
        with pytest.raises(
            OptionError, match=r"^hardened_baseline_approved_plan: CHG-1\.json is not a plan of this collection\.$"
        ):
            approval_of({"approved_plan": "CHG-1.json"}, Files(plans={"CHG-1.json": {}}))

    def test_which_run_made_it_is_known_from_a_file_or_a_check(self) -> None:
        made = replace(PLAN, run="run_6")
        files = Files(
            {"/s/a": {"plan": replace(PLAN, run="run_9").as_dict()}}, [link("a")], {"CHG-1.json": made.as_dict()}
        )
        for approved in ("CHG-1.json", PLAN.digest):
            files.plans[approved] = made.as_dict()
            found = approval_of({"approved_plan": approved}, files)
            assert found is not None
            assert (found.digest, found.run) == (PLAN.digest, "run_6")
            del files.plans[approved]
        # In a snapshot is the plan as the run saw it that wrote.
        found = approval_of({"approved_plan": PLAN.digest}, files)
        assert found is not None
        assert (found.plan, found.run) == (replace(PLAN, run="run_9"), "")

    def test_a_digest_of_a_plan_that_a_check_left(self) -> None:
        assert approval_of({"approved_plan": PLAN.digest}, Files(plans={PLAN.digest: PLAN.as_dict()})) == Approval(
            PLAN.digest, PLAN
        )

    def test_a_digest_of_the_plan_in_the_last_snapshot(self) -> None:
        other = document(planned("another"))
        files = Files(
            {"/s/a": {"plan": other.as_dict()}, "/s/b": {"plan": PLAN.as_dict()}}, [link("a"), link("b", previous="a")]
        )
        assert approval_of({"approved_plan": PLAN.digest}, files) == Approval(PLAN.digest, PLAN)
        # Only the last one: what was written before it is history.
        assert approval_of({"approved_plan": other.digest}, files) == Approval(other.digest, None, UNKNOWN)

    @pytest.mark.parametrize("broken", [{}, {"plan": None}, {"plan": {}}, {"plan": 7}, OptionError("truncated"), []])
    def test_what_is_broken_is_no_approval(self, broken: Any) -> None:
        for plans in (
            {},
            {PLAN.digest: OptionError("broken")},
            {PLAN.digest: None},
            {PLAN.digest: {"digest": "another"}},
            {PLAN.digest: 7},
        ):
            files = Files({"/s/a": broken}, [link("a")], plans)
            assert approval_of({"approved_plan": PLAN.digest}, files) == Approval(PLAN.digest, None, UNKNOWN)
        # It does not hide the one behind it.
        files = Files({"/s/a": {"plan": PLAN.as_dict()}}, [link("a")], {PLAN.digest: OptionError("broken")})
        assert approval_of({"approved_plan": PLAN.digest}, files) == Approval(PLAN.digest, PLAN)

    def test_why_a_plan_of_that_digest_is_none_is_said(self) -> None:
        found = approval_of({"approved_plan": PLAN.digest}, Files(plans={PLAN.digest: {**PLAN.as_dict(), "seal": ""}}))
        missing = "hardened_baseline_approved_plan: the plan of that digest does not match its own digest: it was changed after it was written."
        assert found == Approval(PLAN.digest, None, missing)
        files = Files({"/s/a": {"plan": PLAN.as_dict()}}, [link("a")], {PLAN.digest: {**PLAN.as_dict(), "seal": ""}})
        assert approval_of({"approved_plan": PLAN.digest}, files) == Approval(PLAN.digest, PLAN)


class TestNeeded:
    """Whether a run is refused for want of an approval."""

    def findings(
        self,
        approval: Approval | None,
        plan: Any = PLAN,
        *,
        files: Files | None = None,
        writes: bool = True,
        named: bool = False,
        **variables: Any,
    ) -> list[Finding]:
        return approval_findings(approval, plan, variables, files or Files(), writes=writes, named=named)

    def test_none_was_given(self) -> None:
        text = "hardened_baseline_require_approval is true, but no plan was approved."
        allow = f"{AGAIN}, as hardened_baseline_approved_plan: <file, or sha256:...>"
        assert self.findings(None, require_approval=True) == [Finding("approved_plan", text, allow)]
        assert self.findings(None, require_approval=True, writes=False) == []
        assert self.findings(None) == []
        assert self.findings(None, require_approval=False) == []

    def test_what_looks_approved_is_not_approved(self) -> None:
        (found,) = self.findings(None, named=True, approver="Board", change_reference="CHG 7")
        assert found.text == "The extra variable hardened_baseline_approved_plan is empty, so no plan was approved."
        assert self.findings(None, named=True, writes=False) == []
        assert self.findings(None, approver="Board", change_reference="CHG 7") == []

    def test_it_is_the_plan_that_is_needed(self) -> None:
        assert self.findings(Approval(PLAN.digest, PLAN)) == []
        assert self.findings(Approval(PLAN.digest, None)) == []
        # What is left of it.
        assert self.findings(Approval(PLAN.digest, PLAN), document()) == []

    def test_the_plan_goes_beyond_it(self) -> None:
        text = "another of irm_configuration would go from true to false, which is not in the approved plan."
        assert self.findings(Approval(PLAN.digest, PLAN), document(planned("another"))) == [
            Finding("approved_plan", text, AGAIN)
        ]

    def test_only_its_digest_is_known(self) -> None:
        text = f"sha256:1 was approved, but the digest of the plan is now {PLAN.digest}. {UNKNOWN}"
        assert self.findings(Approval("sha256:1", None, UNKNOWN)) == [Finding("approved_plan", text, AGAIN)]

    def test_a_run_has_used_it(self) -> None:
        files = Files(taken=[TAKEN])
        text = f"{PLAN.digest} was approved for one run, and run_7 took it (its snapshot is no longer kept)."
        again = Finding("approved_plan", text, ONCE)
        assert self.findings(Approval(PLAN.digest, PLAN), files=files) == [again]
        # It counts for several runs, or there is nothing left to do.
        assert self.findings(Approval(PLAN.digest, PLAN), files=files, approval_valid_until="2999-01-31") == []
        assert self.findings(Approval(PLAN.digest, PLAN), document(), files=files) == []
        # What goes beyond it is said first, and also where it counts for several.
        beyond = self.findings(Approval(PLAN.digest, PLAN), document(planned("another")), files=files)
        assert [finding.allow for finding in beyond] == [AGAIN, ONCE]
        assert (
            self.findings(
                Approval(PLAN.digest, PLAN),
                document(planned("another")),
                files=files,
                approval_valid_until="2999-01-31",
            )
            == beyond[:1]
        )

    def test_a_second_use_is_compared_as_the_first(self) -> None:
        approval, files = Approval(PLAN.digest, PLAN, run="run_6"), Files(taken=[TAKEN])
        mail = {
            "difference": [
                {"text": "Mail to all is not encrypted.", "rules": [], "kind": "protection_lost", "when": {}}
            ],
            "difference_more": 0,
        }
        currents = [
            document(replace(CHANGE, impact=Impact.IN_CLEAR)),
            document(CHANGE, mail=mail),
            document(CHANGE, plan=warned("It warns.")),
        ]
        for current in currents:
            assert len(self.findings(approval, current, approval_valid_until="2999-01-31")) == 1
            assert len(self.findings(approval, current, files=files, approval_valid_until="2999-01-31")) == 1


class TestUsed:
    def test_nothing_tells_of_it(self) -> None:
        assert used(PLAN.digest, "", Files()) == []
        assert used(PLAN.digest, "", Files(links=[link("a"), link("b", "sha256:12345678", "a")])) == []

    @pytest.mark.parametrize("before", [[], [link("0")], [link("0", "sha256:12345678")]])
    def test_a_snapshot_tells_of_it(self, before: list[Link]) -> None:
        files = Files({"/s/a": snapshot(PLAN.digest)}, [*before, link("a", PLAN.digest)])
        text = f"{PLAN.digest} was approved for one run, and the run of 2030-01-31T08:00:00Z took it (/s/a)."
        assert used(PLAN.digest, "", files) == [Finding("approved_plan", text, ONCE)]
        # The run that asks is not another one.
        assert used(PLAN.digest, "", files, own="/s/a") == []
        assert used(PLAN.digest, "", files, own="/s/b") != []

    @pytest.mark.parametrize(
        ("planned_by", "recorded", "refused"),
        [("r1", "r1", 1), ("r2", "r1", 0), ("", "r1", 1), ("r2", "", 1), ("", "", 1)],
    )
    def test_it_is_used_for_the_plan_of_one_run(self, planned_by: str, recorded: str, refused: int) -> None:
        files = Files({"/s/a": snapshot(PLAN.digest, planned_by=recorded)}, [link("a", PLAN.digest)])
        assert len(used(PLAN.digest, planned_by, files)) == refused
        assert len(used(PLAN.digest, planned_by, Files(taken=[replace(TAKEN, planned_by=recorded)]))) == refused

    def test_the_name_of_a_file_alone_proves_nothing(self) -> None:
        files = Files(
            {"/s/a": snapshot("sha256:another"), "/s/b": snapshot(PLAN.digest)},
            [link("a", PLAN.digest), link("b", PLAN.digest, "a")],
        )
        (found,) = used(PLAN.digest, "", files)
        assert "(/s/b)" in found.text

    @pytest.mark.parametrize(
        ("content", "why"),
        [(OptionError("cannot be read"), "cannot be read"), ({}, "hardened_baseline_rollback_snapshot: /s/a is not a")],
    )
    def test_a_snapshot_that_cannot_be_read_leaves_it_open(self, content: Any, why: str) -> None:
        (found,) = used(PLAN.digest, "", Files({"/s/a": content}, [link("a", PLAN.digest)]))
        assert found.text.startswith(f"whether a run took the approval of {PLAN.digest} before is unknown: {why}")
        assert (found.id, found.allow) == ("approved_plan", ONCE)

    def test_a_run_whose_snapshot_is_gone(self) -> None:
        (found,) = used(
            PLAN.digest,
            "",
            Files(
                {"/s/a": snapshot("sha256:another")},
                [link("a", "sha256:another")],
                taken=[replace(TAKEN, digest="sha256:another"), TAKEN],
            ),
        )
        assert found == Finding(
            "approved_plan",
            f"{PLAN.digest} was approved for one run, and run_7 took it (its snapshot is no longer kept).",
            ONCE,
        )


@pytest.mark.parametrize(
    ("variables", "given", "refused"),
    [
        ({}, (), False),
        ({"hardened_baseline_require_approval": False}, (), False),
        ({"hardened_baseline_require_approval": False}, ("hardened_baseline_approved_plan",), False),
        *(
            ({"hardened_baseline_require_approval": value}, ("hardened_baseline_require_approval",), False)
            for value in (True, "true", "Yes", "ON", "1", 1)
        ),
        *(
            ({"hardened_baseline_require_approval": value}, ("hardened_baseline_require_approval",), True)
            for value in (False, "no", "", None, 0, "2")
        ),
        ({}, ("hardened_baseline_require_approval",), True),
    ],
)
def test_a_single_run_cannot_switch_approvals_off(
    variables: Mapping[str, Any], given: tuple[str, ...], refused: bool
) -> None:
    value = variables.get("hardened_baseline_require_approval")
    text = f"hardened_baseline_require_approval is {value!r} as an extra variable (-e, or a launch variable), but only true is accepted there: "
    assert refused_switch(variables, frozenset(given)) == (
        [f"{text}a single run cannot switch off approvals. Remove it"] if refused else []
    )


def test_an_approval_of_another_organization_is_that() -> None:
    theirs = document(CHANGE, organization=replace(ORGANIZATION, tenant_id="33"))
    (found,) = approval_findings(Approval(theirs.digest, theirs), PLAN, {}, Files(), writes=True)
    assert "it was read from" in found.text


def test_a_digest_of_another_organization_says_whose_it_is() -> None:
    files = Files(owners={PLAN.digest: "fabrikam"})
    approval = approval_of({"approved_plan": PLAN.digest}, files)
    assert approval is not None
    assert approval.missing == "It is the digest of the plan for fabrikam: an approval is for one organization."
    (found,) = approval_findings(approval, document(CHANGE, desired={"IRM-1": False}), {}, files, writes=True)
    assert approval.missing in found.text
    alone = approval_of({"approved_plan": PLAN.digest}, Files())
    assert alone is not None
    assert alone.missing == UNKNOWN
