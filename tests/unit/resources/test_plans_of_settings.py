# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans from a table of settings: each reason for and against sending a setting, and what resources do with their
parts. No session.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import (
    Change,
    Impact,
    Phase,
    Plan,
    Step,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ExchangeError,
    NotFoundError,
    OptionError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import (
    Boolean,
    Image,
    Integer,
    Text,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.list_kinds import Listing
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import (
    ACTIVESYNC_ORG_SETTINGS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.mailbox_policies import (
    MOBILE_DEVICE_MAILBOX_POLICY,
    OWA_MAILBOX_POLICY,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.resource import Planning
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import (
    NamedResource,
    SingleResource,
    converge_policies,
    converge_settings,
    declared,
    only_in_cloud,
    override_warnings,
    overriding_policies,
    plan_settings,
    policies_without_irm,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field, Order, Table

from tests.unit.fake_session import FakeSession, task
from tests.unit.readings import organization

LATE = Order(Phase.LICENSING_REMOVAL, frozenset({Phase.RULES}))
EARLY = Order(Phase.SETTINGS, frozenset({Phase.RULE_ORDER}))
FIELDS = (
    Field(
        "switch",
        Boolean(),
        "Switch",
        impacts={False: Impact.TAKES_AWAY},
        dangers={True: "beware."},
        cloud_only=True,
        order={False: LATE},
    ),
    Field("text", Text(), "Text", order={"early": EARLY}),
    Field("words", Listing(multivalued=True), "Words"),
    Field("image", Image(), "Image", shown_by="ImageUrl", sent_by="image_force"),
)
ONE = Table(
    "irm_configuration", "irm_configuration", "IRMConfiguration", Phase.CONFIGURATIONS, FIELDS, extra={"Force": True}
)
SEVERAL = Table(
    "ome_configuration", "ome_configurations", "OMEConfiguration", Phase.CONFIGURATIONS, FIELDS, identity="identity"
)
HIDDEN = "image: Exchange shows that it is set but not its value, so it was not compared. image_force sends it."


class Resource(SingleResource):
    pass


class Named(NamedResource):
    def plan(self, organization: Any, parts: Any, options: Any) -> Plan:
        raise NotImplementedError


def change(
    option: str,
    before: Any,
    after: Any,
    impact: Impact = Impact.NONE,
    name: str = "irm_configuration",
    identity: str = "",
) -> Change:
    return Change(name, identity, option, before, after, impact)


class TestPlan:
    def test_only_what_differs_is_sent(self) -> None:
        stored = {"Identity": "ControlPoint Configuration", "Switch": True, "Text": "a", "Words": ["x"]}
        plan = plan_settings(ONE, {"switch": False, "text": "a", "words": ["y"]}, stored)
        changes = (change("switch", True, False, Impact.TAKES_AWAY), change("words", ["x"], ["y"]))
        call = Call("Set-IRMConfiguration", {"Switch": False, "Words": ["y"], "Force": True})
        assert plan.steps == [Step(call, changes, Phase.LICENSING_REMOVAL, frozenset({Phase.RULES}), is_visible=True)]
        assert list(plan.steps[0].call.parameters) == ["Switch", "Words", "Force"]
        assert (plan.before, plan.after) == (
            {"switch": True, "text": "a", "words": ["x"]},
            {"switch": False, "text": "a", "words": ["y"]},
        )
        assert plan.warnings == []

    def test_nothing_that_is_there_is_sent(self) -> None:
        assert plan_settings(ONE, {"text": "a"}, {"Text": "a", "Switch": True}).steps == []
        assert plan_settings(ONE, {}, {"Text": "a"}) == Plan()

    def test_it_can_be_sent_all_the_same(self) -> None:
        (step,) = plan_settings(ONE, {"text": "a", "words": []}, {"Text": "a"}, force=["text"]).steps
        assert (step.call.parameters, step.changes) == ({"Text": "a", "Force": True}, (change("text", "a", "a"),))

    @pytest.mark.parametrize(
        ("wanted", "phase", "replans"),
        [
            ({"text": "x"}, Phase.CONFIGURATIONS, set()),
            # A step is never earlier than its resource's own place.
            ({"text": "early"}, Phase.CONFIGURATIONS, {Phase.RULE_ORDER}),
            ({"switch": False, "text": "early"}, Phase.LICENSING_REMOVAL, {Phase.RULES, Phase.RULE_ORDER}),
            ({"switch": True, "text": "x"}, Phase.CONFIGURATIONS, set()),
        ],
    )
    def test_its_place_in_the_order_of_work(self, wanted: dict[str, Any], phase: Phase, replans: set[Phase]) -> None:
        (step,) = plan_settings(ONE, wanted, {"Text": "a"}).steps
        assert (step.phase, step.replans) == (phase, replans)

    def test_one_of_several_is_named(self) -> None:
        (step,) = plan_settings(SEVERAL, {"text": "b"}, {"Identity": "Week", "Text": "a"}).steps
        assert step.call == Call("Set-OMEConfiguration", {"Identity": "Week", "Text": "b", "Confirm": False})
        assert step.changes == (change("text", "a", "b", name="ome_configuration", identity="Week"),)
        (other,) = plan_settings(SEVERAL, {"text": "b"}, {"Identity": "Week", "Text": "a"}, identity="week").steps
        assert other.call.parameters["Identity"] == "week"

    def test_a_new_one_takes_nothing_away(self) -> None:
        plan = plan_settings(SEVERAL, {"switch": False, "text": "", "words": ["x"]}, None, identity="week")
        (step,) = plan.steps
        assert step.call == Call(
            "New-OMEConfiguration", {"Identity": "week", "Switch": False, "Words": ["x"], "Confirm": False}
        )
        assert step.changes == tuple(
            change(option, None, value, name="ome_configuration", identity="week")
            for option, value in (("switch", False), ("words", ["x"]))
        )
        assert (step.phase, step.is_visible) == (Phase.LICENSING_REMOVAL, True)
        assert plan.before == {"switch": None, "text": None, "words": None}
        assert plan_settings(SEVERAL, {"text": "x"}, None, identity="week").steps[0].phase is Phase.CONFIGURATIONS
        assert plan_settings(SEVERAL, {}, None, identity="week").steps[0].call.parameters == {
            "Identity": "week",
            "Confirm": False,
        }

    @pytest.mark.parametrize(
        ("stored", "wanted", "force", "sent", "visible", "warned"),
        [
            ({"ImageUrl": "u"}, "dGV4dA==", (), False, True, [HIDDEN]),
            ({"ImageUrl": "u"}, "dGV4dA==", ("image",), True, False, []),
            ({"ImageUrl": "u"}, "", (), True, False, []),
            ({"ImageUrl": ""}, "dGV4dA==", (), True, True, []),
            ({"ImageUrl": "u", "Image": "dGV4dA=="}, "dGV4dA==", (), False, True, []),
        ],
    )
    def test_a_value_that_exchange_does_not_show(
        self, stored: dict[str, Any], wanted: str, force: tuple[str, ...], sent: bool, visible: bool, warned: list[str]
    ) -> None:
        plan = plan_settings(ONE, {"image": wanted, "text": "b"}, {"Text": "a", **stored}, force=force)
        assert list(map(str, plan.warnings)) == warned
        # What comes after it in the table is sent all the same.
        first = Table("x", "x", "X", Phase.SETTINGS, (FIELDS[3], FIELDS[1]))
        (step,) = plan_settings(first, {"image": wanted, "text": "b"}, {"Text": "a", **stored}, force=force).steps
        assert ("Image" in step.call.parameters, step.is_visible) == (sent, visible)
        assert step.call.parameters["Text"] == "b"
        if warned:
            # It is taken for what is wanted.
            assert plan.before["image"] == plan.after["image"]

    def test_one_that_is_not_shown_hides_the_whole_call(self) -> None:
        fields = (FIELDS[3], FIELDS[1])
        (step,) = plan_settings(
            Table("x", "x", "X", Phase.SETTINGS, fields), {"image": "", "text": "b"}, {"ImageUrl": "u", "Text": "a"}
        ).steps
        assert step.is_visible is False

    def test_a_danger_is_warned_of_whether_it_is_there_or_not(self) -> None:
        for stored in ({"Switch": True}, {"Switch": False}, None):
            assert list(map(str, plan_settings(ONE, {"switch": True}, stored).warnings)) == ["switch true: beware."]
        assert plan_settings(ONE, {"switch": False}, {"Switch": True}).warnings == []


class TestDeclared:
    def test_omitted_options_are_missing(self) -> None:
        assert declared(ONE, {"switch": None, "text": "", "words": [], "other": 1}) == {"text": "", "words": []}
        assert declared(ONE, {}) == {}
        with pytest.raises(OptionError, match=r"^words contains an empty element\.$"):
            declared(ONE, {"words": [""]})

    @pytest.mark.parametrize(
        ("table", "wanted", "names"),
        [
            (ONE, {"switch": True}, ["switch"]),
            (ONE, {"text": "a"}, []),
            (Table("x", "x", "X", Phase.RULES, FIELDS, cloud_only=True), {}, ["x"]),
            (
                Table("x", "x", "X", Phase.RULES, (FIELDS[0], Field("other", Integer(0), "O", cloud_only=True))),
                {"switch": 1, "other": 1},
                ["switch", "other"],
            ),
        ],
    )
    def test_what_exchange_on_premises_lacks(self, table: Table, wanted: dict[str, Any], names: list[str]) -> None:
        assert only_in_cloud(table, wanted) == names


class TestPolicies:
    """Policies that have IRM off override a setting of the organization for their users."""

    READ = organization(
        owa_mailbox_policies=[
            {"Identity": "On", "IRMEnabled": True},
            {"Identity": "Off", "IRMEnabled": False},
            {"Identity": "Unset", "IRMEnabled": None},
        ],
        mobile_device_mailbox_policies=[
            {"Identity": "Phones", "IrmEnabled": False},
            {"Identity": "Old phones", "IrmEnabled": False},
        ],
    )
    WANTED = {"allow_rms_support_for_unenlightened_apps": True}
    TEXT = "allow_rms_support_for_unenlightened_apps has no effect for users of {}: IRM is off in their policy ({})."

    def test_they_are_named(self) -> None:
        assert policies_without_irm(self.READ, OWA_MAILBOX_POLICY) == ["Off"]
        assert policies_without_irm(self.READ, MOBILE_DEVICE_MAILBOX_POLICY) == ["Phones", "Old phones"]
        assert policies_without_irm(organization(), OWA_MAILBOX_POLICY) == []
        assert (
            policies_without_irm(organization(owa_mailbox_policies=CmdletNotAvailableError("no")), OWA_MAILBOX_POLICY)
            == []
        )
        with pytest.raises(ExchangeError, match="broken"):
            policies_without_irm(organization(owa_mailbox_policies=ExchangeError("broken")), OWA_MAILBOX_POLICY)

    def test_they_are_warned_of_where_they_override(self) -> None:
        (field,) = [row for row in ACTIVESYNC_ORG_SETTINGS.fields if row.option in self.WANTED]
        said = {
            "owa_mailbox_policies": ("Off", "OwaMailboxPolicy"),
            "mobile_device_mailbox_policies": ("Phones, Old phones", "MobileDeviceMailboxPolicy"),
        }
        expected = [self.TEXT.format(*said[policies.subset]) for policies in field.policies]
        assert list(map(str, override_warnings(ACTIVESYNC_ORG_SETTINGS, self.WANTED, self.READ))) == expected != []
        assert override_warnings(ACTIVESYNC_ORG_SETTINGS, dict.fromkeys(self.WANTED, False), self.READ) == []
        assert override_warnings(ACTIVESYNC_ORG_SETTINGS, {}, self.READ) == []
        assert override_warnings(ACTIVESYNC_ORG_SETTINGS, self.WANTED, organization()) == []

    def test_they_are_read_once_and_only_where_they_matter(self) -> None:
        fields = tuple(
            Field(option, Boolean(), option, policies=(OWA_MAILBOX_POLICY, MOBILE_DEVICE_MAILBOX_POLICY))
            for option in ("a", "b")
        )
        table = Table("x", "x", "X", Phase.SETTINGS, fields)
        assert overriding_policies(table, {"a": True, "b": True}) == [
            "owa_mailbox_policies",
            "mobile_device_mailbox_policies",
        ]
        assert overriding_policies(table, {"a": False}) == []


class TestConverge:
    POLICIES = {"OwaMailboxPolicy": [{"Identity": "b", "IRMEnabled": True}, {"Identity": "a", "IRMEnabled": True}]}

    def test_what_an_organization_has_once(self) -> None:
        objects = {
            "ActiveSyncOrganizationSettings": [{"Identity": "x", "AllowRMSSupportForUnenlightenedApps": False}],
            **self.POLICIES,
        }
        objects["MobileDeviceMailboxPolicy"] = [{"Identity": "Phones", "IrmEnabled": False}]
        session = FakeSession(objects)
        done = task(session, allow_rms_support_for_unenlightened_apps=True)
        result = converge_settings(done, ACTIVESYNC_ORG_SETTINGS)
        assert (result["changed"], result["after"]) == (True, {"allow_rms_support_for_unenlightened_apps": True})
        assert any("no effect for users of Phones" in warning for warning in done.warnings)
        assert session.reads[0][0].cmdlet == "Get-ActiveSyncOrganizationSettings"

    @pytest.mark.parametrize(
        ("identity", "changed", "after"),
        [
            ("*", ["b", "a"], {"b": {"irm_enabled": False}, "a": {"irm_enabled": False}}),
            ("A", ["a"], {"irm_enabled": False}),
        ],
    )
    def test_policies_of_that_name_or_all(self, identity: str, changed: list[str], after: dict[str, Any]) -> None:
        session = FakeSession(self.POLICIES)
        result = converge_policies(task(session, identity=identity, irm_enabled=False), OWA_MAILBOX_POLICY)
        assert [call.parameters["Identity"] for call in session.writes] == changed
        assert result["after"] == after
        assert [[call.cmdlet for call in calls] for calls in session.reads[:1]] == [["Get-OwaMailboxPolicy"]]

    @pytest.mark.parametrize(("stored", "known"), [(POLICIES["OwaMailboxPolicy"], "a, b"), ([], "")])
    def test_a_policy_that_does_not_exist(self, stored: list[dict[str, Any]], known: str) -> None:
        with pytest.raises(NotFoundError) as refusal:
            converge_policies(
                task(FakeSession({"OwaMailboxPolicy": stored}), identity="x", irm_enabled=False), OWA_MAILBOX_POLICY
            )
        assert refusal.value.message == "identity 'x' is not a policy of this organization."
        assert refusal.value.remedy == f"Known policies: {known}."


class TestResources:
    SINGLE, NAMED = Resource(ONE), Named(SEVERAL)

    def test_what_they_are(self) -> None:
        for resource, table in ((Resource(ONE), ONE), (Named(SEVERAL), SEVERAL)):
            assert (resource.table, resource.name, resource.subset) == (table, table.name, table.subset)
            assert (resource.field("text"), resource.field("other")) == (FIELDS[1], None)
            assert resource.defaults() == {"text": "", "words": [], "image": ""}

    def test_what_ansible_validates(self) -> None:
        options = ONE.argument_spec()
        assert self.SINGLE.argument_spec() == {"type": "dict", "options": options}
        spec = {
            "type": "list",
            "elements": "dict",
            "options": {"identity": {"type": "str", "required": True}, **options},
        }
        assert self.NAMED.argument_spec() == spec

    def test_what_is_declared_and_described(self) -> None:
        assert self.SINGLE.declare({"text": "a", "switch": None}) == {"text": "a"}
        items = [{"identity": "week", "text": "a"}, {"identity": "day", "text": None}]
        assert self.NAMED.declare(items) == {"week": {"text": "a"}, "day": {}}
        stored = {"Identity": "week", "Switch": True, "Text": "a"}
        described = {"switch": True, "text": "a", "words": [], "image": ""}
        assert self.SINGLE.describe(organization(irm_configuration=[stored])) == {"irm_configuration": described}
        read = organization(ome_configurations=[stored, {**stored, "Identity": "day"}])
        assert self.NAMED.describe(read) == {
            "ome_configurations": [{"identity": "week", **described}, {"identity": "day", **described}]
        }
        with pytest.raises(ExchangeError, match="0 objects; exactly one"):
            self.SINGLE.describe(organization(irm_configuration=[]))

    def test_what_is_left_of_a_part_for_some_changes(self) -> None:
        assert self.SINGLE.narrowed({"text": "a", "switch": True}, iter([("", "text"), ("", "other")])) == {"text": "a"}
        parts = {"week": {"text": "a", "switch": True}, "day": {"text": "b"}}
        changes = [("week", "switch"), ("week", "text"), ("day", "switch"), ("year", "text")]
        assert self.NAMED.narrowed(parts, iter(changes)) == {"week": {"switch": True, "text": "a"}}

    def test_a_plan_of_what_there_is_once(self) -> None:
        read = organization(irm_configuration=[{"Switch": False, "Text": "a"}])
        parts = {"irm_configuration": {"switch": True, "text": "a"}, "other": {}}
        (step,) = self.SINGLE.plan(read, parts, Planning()).steps
        assert step.call.parameters == {"Switch": True, "Force": True}
        assert list(map(str, self.SINGLE.plan(read, parts, Planning()).warnings)) == ["switch true: beware."]
        there = organization(irm_configuration=[{"Switch": True, "Text": "a"}])
        assert self.SINGLE.plan(there, parts, Planning(restoring=True)).warnings == []
