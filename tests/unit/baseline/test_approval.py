# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals, attacked: what is approved is all that was read, a plan file is as it was written, and an approval works
once.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import NO_EFFECT
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.change import stable_command
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.plan_document import (
    PlanDocument,
    moved,
    read_plan,
    sealed,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.apply import apply
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import (
    document_of,
    document_text,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import OrganizationIdentity
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.baseline.refusing import refused

from .conftest import Role

ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
RULE = {
    "name": "ours",
    "conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"},
    "actions": ENCRYPT,
}


def read(path: str | Path) -> dict[str, Any]:
    return document_of(Path(path).read_bytes())


@pytest.fixture(name="document")
def document_fixture(role: Role) -> dict[str, Any]:
    """A plan with changes of settings and of rules, and with warnings."""
    role.session.edit("New-TransportRule", Name="moved", PrependSubject="x")
    wishes = {"encryption_rules": [RULE], "branding_template": {"name": "week"}}
    document = read(role.plan(check=True, **wishes)["plan"])
    assert document["changes"]
    assert document["warnings"]
    return document


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all scalars and empty containers."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = False
    for key, item in items:
        found = True
        yield from leaves(item, (*path, key))
    if not found:
        yield path


def changed(document: Mapping[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The document with another value there."""
    other = copy.deepcopy(dict(document))
    place: Any = other
    for key in path[:-1]:
        place = place[key]
    value = place[path[-1]]
    place[path[-1]] = (
        not value
        if isinstance(value, bool)
        else value + 1
        if isinstance(value, int)
        else f"{value}x"
        if isinstance(value, str)
        else "x"
    )
    return other


def difference(approved: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    return moved(PlanDocument.parse(approved), PlanDocument.parse(current))


class TestDigest:
    def test_what_is_read_is_what_was_written(self, document: dict[str, Any]) -> None:
        assert read_plan(document, "CHG-1.json").as_dict() == document
        assert list(PlanDocument.parse(document).as_dict()) == list(document)

    def test_no_part_of_a_plan_file_can_be_changed(self, document: dict[str, Any]) -> None:
        for path in leaves(document):
            with pytest.raises(OptionError, match=r"CHG-1\.json"):
                read_plan(changed(document, path), "CHG-1.json")
        for key in document:
            with pytest.raises(OptionError, match=r"CHG-1\.json is not a plan"):
                read_plan({name: value for name, value in document.items() if name != key}, "CHG-1.json")
            if isinstance(document[key], list) and len(document[key]) > 1:
                with pytest.raises(OptionError, match=r"CHG-1\.json does not match"):
                    read_plan({**document, key: document[key][:-1]}, "CHG-1.json")

    @pytest.mark.parametrize(
        "part", ["impact", "rollback", "command", "before", "after", "option", "identity", "resource"]
    )
    def test_it_covers_every_part_of_every_change(self, document: dict[str, Any], part: str) -> None:
        for number, change in enumerate(document["changes"]):
            if change["option"] == "priority" and part in ("before", "after"):
                continue  # Where a rule stands among those of others counts for nothing.
            other = copy.deepcopy(document)
            words = {"impact": "may leave in clear", "rollback": "not possible"}
            other["changes"][number][part] = words.get(part, f"{change[part]} another")
            assert PlanDocument.parse(other).digest != document["digest"]
            # A new seal does not help.
            with pytest.raises(OptionError, match="does not match its own digest"):
                read_plan(sealed(other), "CHG-1.json")

    @pytest.mark.parametrize("part", ["kind", "warnings", "desired", "managed", "collection_version", "organization"])
    def test_it_covers_what_stands_beside_the_changes(self, document: dict[str, Any], part: str) -> None:
        value = document[part]
        value = (
            [*value, {"kind": "another", "text": "It warns.", "values": {}}]
            if isinstance(value, list)
            else {**value, "name": "another"}
            if isinstance(value, dict)
            else f"{value} another"
        )
        assert PlanDocument.parse({**document, part: value}).digest != document["digest"]

    @pytest.mark.parametrize(
        ("text", "stable"),
        [
            ("Set-TransportRule -Identity '1-2' -Mode 'Enforce'", "Set-TransportRule -Mode 'Enforce'"),
            ("New-TransportRule -Name 'a' -Priority 3 -Comments 'b'", "New-TransportRule -Name 'a' -Comments 'b'"),
            (
                "New-TransportRule -Name 'a -Priority 3' -Comments 'it''s -Identity ''x'''",
                "New-TransportRule -Name 'a -Priority 3' -Comments 'it''s -Identity ''x'''",
            ),
            ("Set-IRMConfiguration -Force:$true", "Set-IRMConfiguration -Force:$true"),
        ],
    )
    def test_of_a_command_only_guids_and_places_do_not_count(self, text: str, stable: str) -> None:
        assert stable_command(text) == stable

    def test_it_is_the_same_where_a_rule_was_made_again(self, role: Role) -> None:
        role.session.edit(
            "New-TransportRule",
            Name="ours",
            FromScope="InOrganization",
            SentToScope="NotInOrganization",
            ApplyRightsProtectionTemplate="Encrypt",
        )
        wishes = {"encryption_rules": [{**RULE, "comments": "ours"}]}
        first = role.plan(check=True, **wishes)["digest"]
        role.session.edit("Remove-TransportRule", Identity="ours")
        role.session.edit("New-TransportRule", Name="theirs", PrependSubject="x")
        role.session.edit(
            "New-TransportRule",
            Name="ours",
            FromScope="InOrganization",
            SentToScope="NotInOrganization",
            ApplyRightsProtectionTemplate="Encrypt",
        )
        assert role.plan(check=True, **wishes)["digest"] == first


class TestMoved:
    def test_an_accepted_exception_is_part_of_what_is_approved(self, role: Role) -> None:
        skip = {"control": "OME-1", "reason": "partners", "owner": "desk", "until": "2999-01-01"}
        approved = role.plan(check=True, skip=[skip])
        assert "the variables of skip have changed" in refused(
            role, approved_plan=approved["digest"], skip=[{**skip, "until": "2999-12-31"}]
        )
        assert role.run(approved_plan=approved["digest"], skip=[skip])["changed"]

    def test_a_new_warning_needs_a_new_approval(self, role: Role) -> None:
        approved = role.plan(check=True, encryption_rules=[RULE])
        role.session.edit("New-TransportRule", Name="first", Priority=0, PrependSubject="x", StopRuleProcessing=True)
        text = refused(role, approved_plan=approved["digest"], encryption_rules=[RULE])
        assert "it does not warn that: The rule 'ours' can never act" in text

    @pytest.mark.parametrize(("part", "value"), [("impact", "may leave in clear"), ("rollback", "not possible")])
    def test_the_same_change_with_another_effect_is_named(
        self, document: dict[str, Any], part: str, value: str
    ) -> None:
        current = copy.deepcopy(document)
        current["changes"][0][part] = value
        (text,) = difference(document, current)
        assert value in text
        assert document["changes"][0]["option"] in text

    def test_what_is_left_of_a_plan_is_in_it(self, document: dict[str, Any]) -> None:
        current = copy.deepcopy(document)
        current["changes"] = current["changes"][1:]
        # One call makes several changes; what is left of it is another call.
        current["changes"][0]["command"] += " less"
        current["warnings"] = []
        assert difference(document, current) == []

    def test_a_session_that_does_not_show_the_tenant_is_in_the_same_organization(
        self, document: dict[str, Any]
    ) -> None:
        document["organization"]["tenant_id"] = "11111111-1111-1111-1111-111111111111"
        current = copy.deepcopy(document)
        current["organization"]["tenant_id"] = None
        current["warnings"] = current["changes"] = []
        assert difference(document, current) == []
        current["organization"]["tenant_id"] = "00000000-0000-0000-0000-000000000000"
        assert "it was read from" in difference(document, current)[0]

    def test_another_versions_plan_is_refused_as_that(self, role: Role, tmp_path: Path) -> None:
        path = Path(role.plan(check=True)["plan"])
        document = {**read(path), "collection_version": "0.9.0"}
        document = sealed({**document, "digest": PlanDocument.parse(document).digest})
        path.write_text(document_text(document))
        for approved in (str(path), document["digest"]):
            text = refused(role, approved_plan=approved)
            assert "was made by version 0.9.0 of the collection, but this is version 1.0.0" in text


_TEXTS = st.text(max_size=5)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
)
PLAN = PlanDocument("baseline", OrganizationIdentity("a"), {"OME-1": {}}, {}, (), NO_EFFECT, ())


@pytest.mark.parametrize("part", PLAN.as_dict())
@given(_TEXTS | st.lists(_VALUES, max_size=3) | st.dictionaries(_TEXTS, _VALUES, max_size=3) | _VALUES)
def test_what_is_no_plan_is_refused_by_name(part: str, value: Any) -> None:
    """Also where whoever made it has computed digest and seal anew. What is a plan is read as it stands there."""
    document: dict[str, Any] = {**PLAN.as_dict(), part: value}
    if part not in ("digest", "seal"):
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            document = sealed({**document, "digest": PlanDocument.parse(document).digest})
    try:
        plan = read_plan(document, "CHG-1.json")
    except OptionError as error:
        assert "hardened_baseline_approved_plan: CHG-1.json" in str(error)  # noqa: PT017
    else:
        assert plan.as_dict() == document
        moved(plan, dataclasses.replace(PLAN, managed={"ome": 1}))


def test_the_plan_whose_parts_are_replaced_is_one() -> None:
    assert read_plan(PLAN.as_dict(), "CHG-1.json") == PLAN


def second_name(role: Role) -> Role:
    """The same organization under another name of the inventory."""
    other = Role(role.session, role.directory)
    other.host, other._runs = "second", 100
    other.begin("baseline")
    return other


class TestOnce:
    def test_it_does_not_come_back_with_the_end_of_its_snapshot(self, role: Role) -> None:
        first = role.plan(check=True)["digest"]
        run = role.run(approved_plan=first)
        role.run("rollback")
        for _unused in range(2):
            role.run("snapshot")
        role.artifacts.snapshots.cut(1)
        assert not Path(run["snapshot"]).exists()
        text = refused(role, approved_plan=first)
        assert f"{first} was approved for one run" in text

    def test_under_another_name_of_the_organization_it_is_used_as_well(self, tmp_path: Path) -> None:
        role = Role({}, str(tmp_path))
        digest = role.plan(check=True)["digest"]
        role.run(approved_plan=digest)
        role.run("rollback")
        other = second_name(role)
        text = refused(other, approved_plan=digest)
        assert f"{digest} was approved for one run" in text
        assert "(for the same organization as contoso)" in text
        # Another plan with an approval of its own is not.
        plan = other.plan(check=True)
        assert plan["digest"] == digest
        assert other.run(approved_plan=plan["plan"])["changed"]

    def test_two_names_cannot_both_use_it_at_once(self, tmp_path: Path) -> None:
        role = Role({}, str(tmp_path))
        digest = role.plan(check=True)["digest"]
        other = second_name(role)
        planned = role.plan(approved_plan=digest)
        assert "was approved for one run" in refused(other, approved_plan=digest)
        assert role.apply_planned(planned, approved_plan=digest)["changed"]

    def test_a_use_that_cannot_be_read_is_no_approval(self, tmp_path: Path) -> None:
        role = Role({}, str(tmp_path))
        digest = role.plan(check=True)["digest"]
        role.run(approved_plan=digest)
        role.run("rollback")
        (record,) = (tmp_path / "used-approvals").iterdir()
        record.write_text('[{"digest": 5}, "not variables"]', encoding="utf-8")
        with pytest.raises(ExchangeError, match="is not a record of a used approval"):
            second_name(role).plan(approved_plan=digest)

    def test_two_runs_at_once_cannot_both_use_it(self, tmp_path: Path) -> None:
        one, other = Role({}, str(tmp_path)), None
        digest = one.plan(check=True)["digest"]
        other = Role(one.session, str(tmp_path))
        other._runs = 100
        # Both have looked before either has taken its snapshot.
        store = one.artifacts.snapshots.__class__.store
        second: dict[str, Any] = {}

        def late(artifacts: Any, *documents: Mapping[str, Any]) -> str:
            one.artifacts.snapshots.__class__.store = store  # type: ignore[method-assign]
            second.update(other.plan(approved_plan=digest))
            return store(artifacts, *documents)

        one.artifacts.snapshots.__class__.store = late  # type: ignore[method-assign,assignment]
        try:
            first = one.plan(approved_plan=digest)
        finally:
            one.artifacts.snapshots.__class__.store = store  # type: ignore[method-assign]
        wrote, refusals = 0, []
        for role, planned in ((one, first), (other, second)):
            try:
                wrote += bool(role.apply_planned(planned, approved_plan=digest)["changed"])
            except ExchangeError as error:
                refusals.append(str(error))
        # Each finds the snapshot of the other, which names the approval: neither writes.
        assert wrote == 0
        assert ["was approved for one run" in text for text in refusals] == [True, True]

    def test_a_digest_is_the_whole_one(self, role: Role) -> None:
        digest = role.plan(check=True)["digest"]
        for approved in (digest[:-1], digest + "0", digest.upper(), "sha256:", "sha256:" + "0" * 64):
            refused(role, approved_plan=approved)


class TestRefusedIsRefused:
    """What was refused is not written by going on with the next task, as ``ignore_errors`` does."""

    def apply(self, role: Role, **variables: Any) -> str:
        task = role._task("baseline", "recommended", variables, False, run_tags=[], skip_tags=[], snapshot="")
        with pytest.raises(ExchangeError) as refusal:
            apply(task)
        assert role.session.writes == []
        return str(refusal.value)

    def test_after_findings(self, role: Role) -> None:
        refused(role, require_approval=True)
        assert "The plan of this run was refused" in self.apply(role, require_approval=True)

    def test_after_a_check(self, role: Role) -> None:
        role.plan(check=True)
        assert "nothing was written" in self.apply(role)

    def test_where_the_snapshot_could_not_be_written(self, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(artifacts: Any, *documents: Any) -> str:
            raise OptionError("no space left")

        monkeypatch.setattr(role.artifacts.snapshots.__class__, "store", full)
        refused(role)
        assert "nothing was written" in self.apply(role)


def test_a_plan_is_json_of_plain_values(document: dict[str, Any]) -> None:
    assert json.loads(json.dumps(document)) == document
