# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots as documents: what is taken from what was read, their written form to the letter, and what is refused as
one.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents import snapshot as _snapshot
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot import (
    SnapshotDocument,
    captured,
    read_snapshot,
    state_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import VERSION
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ExchangeError,
    OptionError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import PARTS

from tests.unit.clock import stopped
from tests.unit.readings import organization

from .plain import CLOUD, CONTOSO, document, planned

NOW = datetime.datetime(2030, 1, 31, 8, 30, 59, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
NOT_GRANTED = CmdletNotAvailableError("not granted.", cmdlet="Get-X")
PLAN = document(planned("search_enabled"), collection_version="1.0.0")
TAKEN = SnapshotDocument(
    id="0123456789ab",
    previous="ba9876543210",
    run="run_1",
    created_at="2030-01-31T07:30:59Z",
    organization={**CONTOSO, "on_premises": False},
    state={"irm_configuration": {"search_enabled": True}},
    order=("b-2", "a-1"),
    unavailable={"ome_configurations": "Get-OMEConfiguration: not granted."},
    plan=PLAN,
    approved_plan="sha256:1",
    collection_version="1.0.0",
)
#: Of that document. Whoever changes it makes all snapshots that were taken before void.
DIGEST = "sha256:6cc77a90997766acb571afc0699f59852c02a630f49e2e3cda81e38a4d4e7442"


def rule(name: str, guid: str, priority: int) -> dict[str, Any]:
    return {"Name": name, "Guid": guid, "Priority": priority, "State": "Enabled"}


def read(**more: Any) -> Organization:
    """An organization of which everything was read; nothing is there but what is named."""
    empty: dict[str, Any] = {part: [] for part in PARTS}
    irm = {"irm_configuration": [{"SearchEnabled": True}], "activesync_org_settings": [{}], "organization": [CLOUD]}
    return organization(**{**empty, **irm, **more})


class TestTaken:
    def test_what_was_read_is_in_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_snapshot, "datetime", stopped(NOW))
        rules = [rule("second", "b-2", 1), rule("first", "a-1", 0)]
        taken = SnapshotDocument.take(
            read(transport_rules=rules), PLAN, previous="ba98", run="run_1", approved_plan="sha256:1"
        )
        assert (taken.previous, taken.run, taken.approved_plan, taken.plan) == ("ba98", "run_1", "sha256:1", PLAN)
        assert (taken.created_at, taken.collection_version, taken.order, taken.unavailable) == (
            "2030-01-31T07:30:59Z",
            VERSION,
            ("a-1", "b-2"),
            {},
        )
        assert (taken.organization["name"], taken.organization["tenant_id"]) == (CONTOSO["name"], CONTOSO["tenant_id"])
        assert set(taken.state) >= set(PARTS)
        assert taken.state["irm_configuration"]["search_enabled"] is True
        assert taken.changes == PLAN.changes

    def test_one_by_itself_has_no_plan_and_no_predecessor(self) -> None:
        one, other = (SnapshotDocument.take(read(), None) for _unused in range(2))
        assert (one.previous, one.run, one.approved_plan, one.plan, one.changes) == ("", "", "", None, ())
        assert re.fullmatch("[0-9a-f]{12}", one.id)
        assert one.id != other.id
        assert one.as_dict()["plan"] is None
        assert SnapshotDocument.parse(one.as_dict()) == one

    def test_what_the_session_does_not_have_is_left_out_and_named(self) -> None:
        taken = SnapshotDocument.take(
            read(transport_rules=NOT_GRANTED, ome_configurations=NOT_GRANTED, organization=NOT_GRANTED), None
        )
        assert (taken.organization, taken.order) == ({}, ())
        assert taken.unavailable == dict.fromkeys(("ome_configurations", "transport_rules"), "Get-X: not granted.")
        assert not {"transport_rules", "ome_configurations"} & set(taken.state)
        assert "irm_configuration" in taken.state

    @pytest.mark.parametrize("part", ["organization", *PARTS])
    def test_no_other_failed_read_is_taken_for_nothing(self, part: str) -> None:
        found = read(**{part: ExchangeError("broken")})
        with pytest.raises(ExchangeError, match="broken"):
            SnapshotDocument.take(found, None)
        if part != "organization":
            with pytest.raises(ExchangeError, match="broken"):
                state_of(found)

    def test_the_capture_beside_it_holds_what_was_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_snapshot, "datetime", stopped(NOW))
        found = captured(read(), "psrp")
        assert (found.organization, found.tenant_id, found.transport, found.collection_version) == (
            CONTOSO["name"],
            CONTOSO["tenant_id"],
            "psrp",
            VERSION,
        )
        assert (found.captured_at, found.captured_at.tzinfo) == (NOW, datetime.UTC)
        assert {str(call) for call, _result in found.reads} == {str(SUBSETS[part]) for part in (*PARTS, "organization")}
        unknown = captured(read(organization=NOT_GRANTED), "rest")
        assert (unknown.organization, unknown.tenant_id) == ("", "")


class TestWritten:
    def test_it_is_written_to_the_letter(self) -> None:
        assert TAKEN.as_dict() == {
            "format": 1,
            "kind": "snapshot",
            "id": "0123456789ab",
            "previous": "ba9876543210",
            "run": "run_1",
            "created_at": "2030-01-31T07:30:59Z",
            "collection_version": "1.0.0",
            "organization": {**CONTOSO, "on_premises": False},
            "state": {"irm_configuration": {"search_enabled": True}},
            "order": ["b-2", "a-1"],
            "unavailable": {"ome_configurations": "Get-OMEConfiguration: not granted."},
            "plan": PLAN.as_dict(),
            "approved_plan": "sha256:1",
            "approved_run": "",
            "digest": DIGEST,
        }

    @pytest.mark.parametrize("version", ["1.0.0", "0.1.0"])
    def test_what_was_written_is_read(self, version: str) -> None:
        written = replace(TAKEN, collection_version=version)
        assert read_snapshot(written.as_dict(), "a.json") == written
        assert SnapshotDocument.parse(written.as_dict()) == written

    @pytest.mark.parametrize(
        "part",
        [
            {"id": "1"},
            {"previous": ""},
            {"run": "x"},
            {"created_at": "x"},
            {"collection_version": "0.1.0"},
            {"organization": {}},
            {"state": {}},
            {"unavailable": {}},
            {"plan": None},
            {"approved_plan": ""},
        ],
    )
    def test_the_digest_covers_every_part(self, part: dict[str, Any]) -> None:
        assert replace(TAKEN, **part).digest != DIGEST


class TestRefused:
    WRITTEN = TAKEN.as_dict()
    START = "hardened_baseline_rollback_snapshot: a.json "
    CHANGED = f"{START}does not match its own digest: it was changed after it was written, or is truncated."

    def refused(self, found: Any) -> OptionError:
        with pytest.raises(OptionError) as refusal:
            read_snapshot(found, "a.json")
        return refusal.value

    @pytest.mark.parametrize("found", [None, [], "snapshot", {}, {"kind": "plan"}, {**WRITTEN, "kind": "baseline"}])
    def test_another_document(self, found: Any) -> None:
        assert self.refused(found).message == f"{self.START}is not a snapshot of this collection."

    @pytest.mark.parametrize("format_", [0, -1, 2, 1.0, True, "1", None])
    def test_another_format(self, format_: Any) -> None:
        error = self.refused({**self.WRITTEN, "format": format_})
        assert (
            error.message
            == f"{self.START}has format {format_!r}, but this version of the collection supports formats up to 1."
        )
        assert error.remedy == "Use the version of the collection that wrote it, or a newer one."

    @pytest.mark.parametrize(
        "part",
        [
            {"state": {}},
            {"digest": ""},
            {"order": ["a-1", "b-2"][:1]},
            {"more": 1},
            {"id": 7},
            {"plan": {}},
            {"plan": 7},
            {"order": ()},
            {"state": []},
        ],
    )
    def test_one_that_was_changed(self, part: dict[str, Any]) -> None:
        assert self.refused({**self.WRITTEN, **part}).message == self.CHANGED

    @pytest.mark.parametrize("part", sorted({*WRITTEN} - {"kind", "format"}))
    def test_one_that_is_truncated(self, part: str) -> None:
        without = {key: value for key, value in self.WRITTEN.items() if key != part}
        assert self.refused(without).message == self.CHANGED
        with pytest.raises(ValueError, match=r"^it lacks a part, or has another$"):
            SnapshotDocument.parse(without)

    @pytest.mark.parametrize("part", sorted({*WRITTEN} - {"format", "plan"}))
    def test_a_part_of_another_type(self, part: str) -> None:
        with pytest.raises(ValueError, match=r"^a part of it has the wrong type$"):
            SnapshotDocument.parse({**self.WRITTEN, part: 7})
