# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for one rule: its calls and changes, and what is shown before and after. No session."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Impact, Phase, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_index import (
    RuleBook,
    RulePlan,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_plan import (
    move,
    plan_rule,
    removal_warnings,
    switch,
)

from .plain import ENCRYPT, INSIDE, STOP, book, encrypting, rule, shown, stopping, wanted

CLEAR, NONE = Impact.IN_CLEAR, Impact.NONE
AFTER_A_MOVE = frozenset({Phase.RULE_ORDER, Phase.RULE_STATE, Phase.RULE_REMOVAL})
PLAIN = {"prepend_subject": "x"}


def planned(rules: RuleBook, name: str = "a", where: str = "", index: int | None = None, **options: Any) -> RulePlan:
    return plan_rule(rules, wanted(name, where, **options), index=index)


def refused(rules: RuleBook, **options: Any) -> tuple[str, str]:
    with pytest.raises(OptionError) as refusal:
        planned(rules, where="rules[1].", **options)
    return refusal.value.message, refusal.value.remedy


def change(option: str, before: Any, after: Any, impact: Impact = NONE, name: str = "a") -> Change:
    return Change("ome_transport_rule", name, option, before, after, impact)


def call(cmdlet: str, **parameters: Any) -> Call:
    return Call(f"{cmdlet}-TransportRule", {**parameters, "Confirm": False})


def calls(plan: RulePlan) -> list[Call]:
    return [step.call for step in plan.steps]


class TestCreation:
    def test_one_call_makes_all_of_it(self) -> None:
        options = {
            "comments": "c",
            "expiry_date": "2999-01-01T00:00:00Z",
            "conditions": INSIDE,
            "exceptions": {"scl_over": 5},
        }
        plan = planned(
            book(shown("x"), shown("y")),
            enabled=False,
            priority=1,
            actions={**ENCRYPT, "prepend_subject": "x"},
            **options,
        )
        parameters: dict[str, Any] = {"Name": "a", "Priority": 1, "Enabled": False, "Comments": "c"}
        parameters["ExpiryDate"] = datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)
        parameters |= {
            "FromScope": "InOrganization",
            "ExceptIfSCLOver": 5,
            "ApplyRightsProtectionTemplate": "Encrypt",
            "PrependSubject": "x",
        }
        (step,) = plan.steps
        assert (step.call, step.phase, step.remedy, step.replans) == (
            call("New", **parameters),
            Phase.RULES,
            "",
            frozenset(),
        )
        assert step.changes[0] == change("state", "absent", "present")
        assert list(step.changes[1:]) == [
            change("comments", None, "c"),
            change("expiry_date", None, "2999-01-01T00:00:00Z"),
            change("enabled", None, False),
            change("conditions.from_scope", None, "InOrganization"),
            change("exceptions.scl_over", None, 5),
            change("actions.apply_rights_protection_template", None, "Encrypt"),
            change("actions.prepend_subject", None, "x"),
        ]
        assert (plan.key, plan.before, plan.order) == ("a", {"state": "absent"}, ["g-x", "a", "g-y"])
        assert plan.after == {
            "state": "present",
            "name": "a",
            "enabled": False,
            "priority": 1,
            "comments": "c",
            "expiry_date": "2999-01-01T00:00:00Z",
            "conditions": INSIDE,
            "exceptions": {"scl_over": 5},
            "actions": {**ENCRYPT, "prepend_subject": "x"},
        }
        assert plan.standing is not None
        assert (plan.standing.name, plan.standing.enabled, plan.standing.sections["conditions"]) == ("a", False, INSIDE)

    @pytest.mark.parametrize(
        ("priority", "index", "sent", "place"),
        [
            (None, None, None, 2),
            (0, None, 0, 0),
            (1, None, 1, 1),
            (2, None, None, 2),
            (None, 0, 0, 0),
            (None, 2, None, 2),
            (0, 1, 1, 1),
            (9, 1, 1, 1),
        ],
    )
    def test_its_place(self, priority: int | None, index: int | None, sent: int | None, place: int) -> None:
        plan = planned(book(shown("x"), shown("y")), priority=priority, index=index, actions=PLAIN)
        assert plan.steps[0].call.parameters.get("Priority") == sent
        assert plan.order.index("a") == place
        assert plan.after.get("priority") == (None if priority is None else place)

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (
                {"actions": PLAIN, "expiry_date": "2020-01-01T00:00:00Z"},
                "expiry_date 2020-01-01T00:00:00Z is in the past, and Exchange does not accept a past date for a new rule.",
            ),
            ({"actions": PLAIN, "priority": 3}, "priority 3 is too high: the valid range for a new rule is 0 to 2."),
        ],
    )
    def test_what_is_refused(self, options: dict[str, Any], says: str) -> None:
        assert refused(book(shown("x"), shown("y")), **options) == (f"rules[1].{says}", "")

    def test_a_name_that_no_rule_has_is_refused_with_the_nearest_one(self) -> None:
        remedy = "Correct the name. To create the rule, set rules[1].actions: a rule without an action does nothing."
        for options in ({"conditions": INSIDE}, {"enabled": False}):
            assert refused(book(shown("x"), shown("y")), **options) == ("rules[1].name: there is no rule 'a'.", remedy)
        assert (
            refused(book(shown("Partnrs")), name="Partners", enabled=False)[0]
            == "rules[1].name: there is no rule 'Partners'. Did you mean Partnrs?"
        )

    def test_what_is_cleared_is_not_sent(self) -> None:
        (step,) = planned(book(), comments="", expiry_date="", enabled=True, actions=PLAIN).steps
        assert (step.call, [item.option for item in step.changes]) == (
            call("New", Name="a", PrependSubject="x"),
            ["state", "actions.prepend_subject"],
        )

    @pytest.mark.parametrize(
        ("options", "impact"),
        [
            ({"actions": ENCRYPT, "conditions": INSIDE}, Impact.ALL_OUTGOING),
            ({"actions": ENCRYPT, "conditions": {**INSIDE, "scl_over": 5}}, Impact.SOME_MAIL),
            ({"actions": ENCRYPT, "conditions": INSIDE, "enabled": False}, NONE),
            ({"actions": ENCRYPT, "conditions": INSIDE, "mode": "Audit"}, NONE),
            ({"actions": PLAIN}, NONE),
        ],
    )
    def test_whose_mail_it_affects(self, options: dict[str, Any], impact: Impact) -> None:
        first, *others = planned(book(), **options).steps[0].changes
        assert first == change("state", "absent", "present", impact)
        assert {item.impact for item in others} == {NONE}

    @pytest.mark.parametrize(("index", "impact"), [(0, CLEAR), (1, NONE), (None, NONE)])
    def test_one_that_stops_before_one_that_encrypts(self, index: int | None, impact: Impact) -> None:
        plan = planned(book(encrypting("e")), index=index, actions=STOP)
        assert plan.steps[0].changes[-1] == change("actions.stop_rule_processing", None, True, impact)

    def test_an_action_that_rejects_and_a_template_that_nobody_lists(self) -> None:
        assert planned(book(), actions={"delete_message": True}).steps[0].changes[1].impact is Impact.REJECTS
        (step,) = planned(
            book(templates=[]), conditions=INSIDE, actions={"apply_rights_protection_template": "Unheard"}
        ).steps
        assert step.remedy.startswith("Exchange lists no RMS templates.")
        french = [{"Name": "Chiffrer", "TemplateGuid": "e1"}]
        (step,) = planned(book(templates=french), conditions=INSIDE, actions=ENCRYPT).steps
        assert (step.call.parameters["ApplyRightsProtectionTemplate"], step.changes[-1].after) == (
            "Chiffrer",
            "Encrypt",
        )

    def test_its_warnings(self) -> None:
        plan = planned(book(shown("Resume")), name="Résumé", actions=ENCRYPT)
        assert [warning.kind for warning in plan.warnings] == ["any_sender", "lookalike"]
        # What is dangerous in a state that is restored is not the task's; what it does is.
        assert len(planned(book(restoring=True), actions=ENCRYPT).warnings) == 1


class TestChanges:
    def test_nothing_that_is_there_is_sent(self) -> None:
        plan = planned(
            book(encrypting("a", Comments="c"), shown("x")),
            enabled=True,
            priority=0,
            comments="c",
            conditions=INSIDE,
            actions=ENCRYPT,
        )
        assert (plan.key, plan.steps, plan.order, plan.warnings) == ("g-a", [], ["g-a", "g-x"], [])
        expected = {
            "state": "present",
            "name": "a",
            "enabled": True,
            "priority": 0,
            "comments": "c",
            "conditions": INSIDE,
            "actions": ENCRYPT,
        }
        assert plan.before == plan.after == expected

    def test_one_call_changes_all_of_it(self) -> None:
        rules = book(encrypting("a", Comments="c", WithImportance="High"), shown("x"))
        options = {"guid": "g-a", "comments": "d", "conditions": INSIDE, "actions": {**ENCRYPT, "prepend_subject": "x"}}
        plan = planned(rules, name="b", **options)
        (step,) = plan.steps
        assert step.call == call("Set", Identity="g-a", Name="b", Comments="d", WithImportance=None, PrependSubject="x")
        assert step.changes == (
            change("name", "a", "b"),
            change("comments", "c", "d"),
            change("conditions.with_importance", "High", None, Impact.WIDENS),
            change("actions.prepend_subject", None, "x"),
        )
        assert (step.phase, step.remedy) == (Phase.RULES, "")
        assert plan.before == {
            "state": "present",
            "name": "a",
            "comments": "c",
            "conditions": {**INSIDE, "with_importance": "High"},
            "actions": ENCRYPT,
        }
        assert plan.after == {
            "state": "present",
            "name": "b",
            **{name: value for name, value in options.items() if name != "guid"},
        }

    def test_a_guid_alone_keeps_the_name(self) -> None:
        plan = planned(book(encrypting("a")), name="", guid="g-a", comments="d")
        assert calls(plan) == [call("Set", Identity="g-a", Comments="d")]
        assert (plan.before["name"], plan.after["name"], plan.before["comments"]) == ("a", "a", "")

    def test_a_new_name_may_be_like_that_of_another_rule_only(self) -> None:
        rules = book(shown("Resume", Guid="g-1"), shown("x", PrependSubject="x"))
        assert planned(rules, name="Résumé", guid="g-1", comments="c").warnings == []
        (warning,) = map(str, planned(rules, name="Résumé", guid="g-x", comments="c").warnings)
        assert "differ only in accents" in warning

    @pytest.mark.parametrize(
        ("stored", "enabled", "sections", "expected"),
        [
            (encrypting("a"), False, {}, ("Disable", Phase.RULE_STATE, CLEAR)),
            # One that is disabled is judged by what it did, one that is enabled by what it will do.
            (encrypting("a"), False, {"actions": PLAIN}, ("Disable", Phase.RULE_STATE, CLEAR)),
            (
                shown("a", PrependSubject="x", FromScope="InOrganization"),
                False,
                {"actions": ENCRYPT},
                ("Disable", Phase.RULE_STATE, NONE),
            ),
            (encrypting("a", State="Disabled"), True, {}, ("Enable", Phase.RULES, Impact.ALL_OUTGOING)),
            (encrypting("a", State="Disabled"), True, {"actions": PLAIN}, ("Enable", Phase.RULES, NONE)),
            (
                shown("a", State="Disabled", PrependSubject="x", FromScope="InOrganization"),
                True,
                {"actions": ENCRYPT},
                ("Enable", Phase.RULES, Impact.ALL_OUTGOING),
            ),
        ],
    )
    def test_it_is_switched(
        self, stored: dict[str, Any], enabled: bool, sections: dict[str, Any], expected: tuple[str, Phase, Impact]
    ) -> None:
        plan = planned(book(stored), enabled=enabled, **sections)
        cmdlet, phase, impact = expected
        step = plan.steps[-1]
        assert (step.call, step.phase) == (call(cmdlet, Identity="g-a"), phase)
        assert step.changes == (change("enabled", not enabled, enabled, impact),)
        assert (plan.before["enabled"], plan.after["enabled"], len(plan.steps)) == (
            not enabled,
            enabled,
            1 + bool(sections),
        )

    def test_a_switch_by_itself_is_judged_by_what_is_stored(self) -> None:
        rules = book(encrypting("a"))
        assert switch(rules, rules.rules[0], False).changes == (change("enabled", True, False, CLEAR),)
        assert switch(rules, rules.rules[0], False, {}).changes == (change("enabled", True, False),)

    @pytest.mark.parametrize(("priority", "order"), [(0, ["g-a", "g-x", "g-y"]), (1, None), (2, ["g-x", "g-y", "g-a"])])
    def test_it_is_moved(self, priority: int, order: list[str] | None) -> None:
        plan = planned(book(shown("x"), shown("a", PrependSubject="x"), shown("y")), priority=priority)
        assert plan.steps == (
            []
            if order is None
            else [
                Step(
                    call("Set", Identity="g-a", Priority=priority),
                    (change("priority", 1, priority),),
                    Phase.RULE_ORDER,
                    AFTER_A_MOVE,
                )
            ]
        )
        assert (plan.order, plan.before["priority"], plan.after["priority"]) == (
            order or ["g-x", "g-a", "g-y"],
            1,
            priority,
        )

    def test_a_place_that_there_is_not(self) -> None:
        rules = book(shown("x"), shown("a", PrependSubject="x"))
        assert refused(rules, priority=2) == (
            "rules[1].priority 2 is too high: with 2 rules, the highest priority value is 1.",
            "",
        )

    def test_what_is_there_already_keeps_nothing_else_from_being_sent(self) -> None:
        """Whichever comes first."""
        stored = shown("a", PrependSubject="x", Comments="c", RuleErrorAction="Defer")
        assert calls(planned(book(stored), comments="c", rule_error_action="Ignore")) == [
            call("Set", Identity="g-a", RuleErrorAction="Ignore")
        ]
        assert calls(planned(book(stored), comments="d", rule_error_action="Defer")) == [
            call("Set", Identity="g-a", Comments="d")
        ]

    def test_what_only_a_new_rule_can_have(self) -> None:
        stored = shown("a", PrependSubject="x", UseLegacyRegex=False, Comments="c")
        (said, remedy) = refused(book(stored), comments="d", use_legacy_regex=True)
        assert said == "rules[1].use_legacy_regex can only be set on a new rule, but 'a' already exists with False."
        assert remedy == "Remove the rule first."

    def test_a_date_that_may_be_the_same_in_another_zone_is_not_written(self) -> None:
        stored = shown(
            "a",
            PrependSubject="x",
            ActivationDate="2998-01-31T08:00:00",
            ExpiryDate="2999-01-31T08:00:00",
            Comments="c",
        )
        dates = {"activation_date": "2998-01-31T07:00:00Z", "expiry_date": "2999-01-31T08:07:00Z", "comments": "d"}
        plan = planned(book(stored), where="rules[1].", **dates)
        assert [item.option for item in plan.steps[0].changes] == [
            option for option in plan.after if option in ("expiry_date", "comments")
        ]
        assert list(map(str, plan.warnings)) == [
            "rules[1].activation_date of 'a' was not written: Exchange shows 2998-01-31T08:00:00 without a time zone, which may be the same instant as "
            "2998-01-31T07:00:00Z in another zone. Check it in the portal."
        ]

    @pytest.mark.parametrize(
        ("stored", "options", "impact"),
        [
            (encrypting("a"), {"mode": "Audit"}, CLEAR),
            (encrypting("a"), {"comments": "x"}, NONE),
            (encrypting("a"), {"conditions": {**INSIDE, "scl_over": 5}}, CLEAR),
            (encrypting("a"), {"actions": PLAIN}, CLEAR),
            (shown("a", PrependSubject="x"), {"actions": STOP}, CLEAR),
        ],
    )
    def test_what_lets_mail_out(self, stored: dict[str, Any], options: dict[str, Any], impact: Impact) -> None:
        (step,) = planned(book(stored, encrypting("later")), **options).steps
        assert min(step.changes, key=lambda item: list(Impact).index(item.impact)).impact is impact

    def test_what_a_portal_added_is_left_alone_and_shown(self) -> None:
        stored = shown("a", PrependSubject="x", SetAuditSeverity="Low", FromScope="InOrganization")
        plan = planned(book(stored), actions=PLAIN)
        assert (plan.steps, plan.before, plan.after) == ([], plan.before, plan.before)
        assert plan.before["actions"] == {**PLAIN, "set_audit_severity": "Low"}
        changed = planned(book(stored), actions={**PLAIN, "set_audit_severity": "High"})
        assert changed.after["actions"] == {**PLAIN, "set_audit_severity": "High"}
        # To restore a state, all of it counts.
        restored = planned(book(stored, restoring=True), actions=PLAIN, conditions=INSIDE)
        assert calls(restored) == [call("Set", Identity="g-a", SetAuditSeverity=None)]
        assert restored.after["actions"] == PLAIN

    def test_a_state_that_is_there_already_warns_of_nothing(self) -> None:
        stored = shown("a", ApplyRightsProtectionTemplate="Encrypt")
        assert len(planned(book(stored), actions=ENCRYPT).warnings) == 1
        assert planned(book(stored, restoring=True), actions=ENCRYPT, conditions={}).warnings == []
        assert len(planned(book(stored, restoring=True), actions=ENCRYPT, conditions={}, comments="x").warnings) == 1

    def test_what_it_will_be(self) -> None:
        plan = planned(book(encrypting("a")), comments="x", actions={"apply_rights_protection_template": "S1"})
        assert plan.standing is not None
        assert plan.standing.sections["actions"] == {"apply_rights_protection_template": "Secret"}
        assert (plan.standing.settings["comments"], plan.standing.sections["conditions"]) == ("x", INSIDE)

    def test_a_header_is_sent_with_its_value(self) -> None:
        rules = book(shown("a", SetHeaderName="X-A", SetHeaderValue="1"))
        (step,) = planned(rules, actions={"set_header_name": "X-A", "set_header_value": "2"}).steps
        assert step.call == call("Set", Identity="g-a", SetHeaderName="X-A", SetHeaderValue="2")
        assert step.changes == (change("actions.set_header_value", "1", "2"),)
        (step,) = planned(rules, actions=PLAIN).steps
        assert step.call == call("Set", Identity="g-a", PrependSubject="x", SetHeaderName=None, SetHeaderValue=None)

    def test_parts_that_nobody_knows_are_told_and_not_overwritten(self) -> None:
        stored = shown("a", PrependSubject="x", ExceptIfUnheard="y")
        (warning,) = map(str, planned(book(stored), comments="c").warnings)
        assert "ExceptIfUnheard" in warning
        assert "ExceptIfUnheard" in refused(book(stored), exceptions={})[0]


class TestRemoval:
    def test_a_rule(self) -> None:
        plan = planned(book(encrypting("a"), shown("x")), state="absent", enabled=True, comments="c")
        assert plan.steps == [
            Step(
                call("Remove", Identity="g-a"),
                (change("state", "present", "absent", Impact.DELETES),),
                Phase.RULE_REMOVAL,
            )
        ]
        assert (plan.key, plan.after, plan.order, plan.warnings, plan.standing) == (
            "g-a",
            {"state": "absent"},
            ["g-a", "g-x"],
            [],
            None,
        )
        assert plan.before == {"state": "present", "name": "a", "enabled": True, "comments": ""}

    def test_one_that_is_gone(self) -> None:
        plan = planned(book(shown("x")), state="absent")
        assert (plan.key, plan.steps, plan.before, plan.after, plan.warnings) == (
            "",
            [],
            {"state": "absent"},
            {"state": "absent"},
            [],
        )

    def test_one_that_cannot_be_made_again(self) -> None:
        said = "The rule 'a' cannot be recreated after its removal: it uses the retired action apply_ome."
        assert list(map(str, planned(book(shown("a", ApplyOME=True)), state="absent").warnings)) == [said]
        assert removal_warnings(rule("a", PrependSubject="x")) == []


class TestMove:
    def test_one_that_does_not_exist_yet(self) -> None:
        rules = book(shown("x"))
        step, order = move(rules, ["g-x", "new"], "new", 0)
        assert order == ["new", "g-x"]
        assert step == Step(
            call("Set", Identity="new", Priority=0),
            (change("priority", 1, 0, name="new"),),
            Phase.RULE_ORDER,
            AFTER_A_MOVE,
        )

    def test_one_that_stops_before_one_that_encrypts(self) -> None:
        rules = book(encrypting("e"), stopping("s"), shown("x"))
        before = list(rules.order)
        step, order = move(rules, rules.order, "g-s", 0)
        assert (step.changes, order, rules.order) == (
            (change("priority", 1, 0, CLEAR, "s"),),
            ["g-s", "g-e", "g-x"],
            before,
        )
        step, order = move(rules, rules.order, "g-x", 0)
        assert (step.changes[0].impact, order) == (NONE, ["g-x", "g-e", "g-s"])
