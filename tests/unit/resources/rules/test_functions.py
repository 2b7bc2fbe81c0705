# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes of rules do to mail, which rules cover others, and what is sent of a section: each function by
itself."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Choice, Integer, Size
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.list_kinds import Words
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules import impact as _impact
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    FIELDS,
    SETTINGS_OF_A_NEW_RULE,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.impact import (
    RuleChange,
    behind,
    matches_more,
    of_creation,
    of_switch,
    passed_over,
    reach,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.moderation import doing, done
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import RmsTemplates, Rule
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.shadowing import (
    PlacedRule,
    first_that_covers,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.values import (
    differing,
    given_sections,
    remedy_for,
    section_parameters,
    sent,
)

from .plain import ENCRYPT, INSIDE, STOP, TEMPLATES, rule, standing, wanted

CLEAR, NONE = Impact.IN_CLEAR, Impact.NONE
OUTGOING = {**INSIDE, "sent_to_scope": "NotInOrganization"}
PLAIN = {"actions": {"prepend_subject": "x"}}
PROTECTS = {"conditions": OUTGOING, "actions": ENCRYPT}
BY_USER, BY_MANAGER = {"moderate_message_by_user": ["boss@contoso.com"]}, {"moderate_message_by_manager": True}
EXPOSES = {"conditions": OUTGOING, "actions": {"remove_ome_v2": True}}


def _with(sections: dict[str, Any], option: str, value: Any) -> dict[str, Any]:
    """The sections with that action, if it has a value."""
    return {**sections, "actions": {**sections["actions"], option: value}} if value else sections


def over(rules: dict[str, Rule], before: str, after: str) -> list[str]:
    """The rules that are passed over between two orders, each of which is a letter for each rule."""
    return passed_over(rules, list(before), list(after))


class TestImpact:
    @pytest.mark.parametrize(
        ("conditions", "expected"),
        [
            (None, Impact.ALL_OUTGOING),
            ({}, Impact.ALL_OUTGOING),
            (INSIDE, Impact.ALL_OUTGOING),
            (OUTGOING, Impact.ALL_OUTGOING),
            ({"from_scope": "NotInOrganization"}, Impact.SOME_MAIL),
            ({**OUTGOING, "subject_contains_words": ["x"]}, Impact.SOME_MAIL),
        ],
    )
    def test_whose_mail_a_rule_affects(self, conditions: dict[str, Any] | None, expected: Impact) -> None:
        where = {} if conditions is None else {"conditions": conditions}
        assert reach({**where, "actions": ENCRYPT}) is expected
        assert reach({**where, **PLAIN}) is NONE
        assert of_creation({**where, "actions": ENCRYPT}, True, {}) is expected
        assert of_creation({**where, "actions": ENCRYPT}, False, {}) is NONE
        assert of_creation({**where, "actions": ENCRYPT}, True, {"mode": "Audit"}) is NONE

    @pytest.mark.parametrize(
        ("sections", "on", "off"),
        [
            (PROTECTS, Impact.ALL_OUTGOING, CLEAR),
            (EXPOSES, CLEAR, NONE),
            (PLAIN, NONE, NONE),
            ({"actions": {**ENCRYPT, "remove_ome_v2": True}}, CLEAR, CLEAR),
        ],
    )
    def test_a_rule_that_is_switched(self, sections: dict[str, Any], on: Impact, off: Impact) -> None:
        assert (of_switch(sections, True), of_switch(sections, False)) == (on, off)

    @pytest.mark.parametrize(
        ("option", "value", "protects", "exposes"),
        [
            ("rule_error_action", "Ignore", CLEAR, NONE),
            ("rule_error_action", "Defer", NONE, NONE),
            ("comments", "x", NONE, NONE),
            ("mode", "Audit", CLEAR, NONE),
            ("mode", "Enforce", Impact.ALL_OUTGOING, CLEAR),
            ("activation_date", "2999-01-01T00:00:00Z", CLEAR, NONE),
            ("activation_date", "2020-01-01T00:00:00Z", Impact.ALL_OUTGOING, CLEAR),
            ("activation_date", "", Impact.ALL_OUTGOING, CLEAR),
            ("expiry_date", "2999-01-01T00:00:00Z", CLEAR, NONE),
            ("expiry_date", "", Impact.ALL_OUTGOING, CLEAR),
        ],
    )
    def test_a_setting_that_makes_a_rule_act_or_not(
        self, option: str, value: str, protects: Impact, exposes: Impact
    ) -> None:
        # What counts is what the rule does after the change.
        assert RuleChange(PLAIN, PROTECTS).of_setting(option, value) is protects
        assert RuleChange(PROTECTS, EXPOSES).of_setting(option, value) is exposes
        assert RuleChange(PROTECTS, PLAIN).of_setting(option, value) is NONE

    @pytest.mark.parametrize(
        ("section", "option", "before", "after", "more", "fewer"),
        [
            ("conditions", "subject_contains_words", ["a"], ["a", "b"], True, False),
            ("conditions", "subject_contains_words", ["a", "b"], ["A"], False, True),
            ("conditions", "subject_contains_words", ["a"], ["b"], True, True),
            ("conditions", "subject_contains_words", None, ["a"], False, True),
            ("conditions", "subject_contains_words", ["a"], None, True, False),
            ("exceptions", "subject_contains_words", ["a"], ["a", "b"], False, True),
            ("exceptions", "subject_contains_words", ["a", "b"], ["a"], True, False),
            ("exceptions", "subject_contains_words", None, ["a"], False, True),
            ("exceptions", "subject_contains_words", ["a"], None, True, False),
            ("conditions", "message_size_over", "2MB", "1MB", True, False),
            ("conditions", "message_size_over", "1MB", "2MB", False, True),
            ("conditions", "scl_over", 5, 3, True, False),
            ("exceptions", "scl_over", 5, 3, False, True),
            ("conditions", "from_scope", "InOrganization", "NotInOrganization", True, True),
        ],
    )
    def test_a_condition_that_matches_more_or_fewer(
        self, section: str, option: str, before: Any, after: Any, more: bool, fewer: bool
    ) -> None:
        field = FIELDS[section][option]
        assert RuleChange(PROTECTS, PROTECTS).of_option(section, field, before, after) is (
            CLEAR if fewer else Impact.WIDENS
        )
        assert RuleChange(EXPOSES, EXPOSES).of_option(section, field, before, after) is (CLEAR if more else NONE)
        assert RuleChange(PLAIN, PLAIN).of_option(section, field, before, after) is (Impact.WIDENS if more else NONE)
        # A rule that encrypted lets out what it no longer matches; one that decrypts from now on lets out what it
        # matches.
        assert (RuleChange(PROTECTS, PLAIN).of_option(section, field, before, after) is CLEAR) is fewer
        assert (RuleChange(PLAIN, EXPOSES).of_option(section, field, before, after) is CLEAR) is more

    @pytest.mark.parametrize(
        ("before", "after", "option", "value", "passes", "expected"),
        [
            (PLAIN, PLAIN, "delete_message", True, [], Impact.REJECTS),
            (PLAIN, PLAIN, "delete_message", False, [], NONE),
            (PLAIN, PROTECTS, "apply_rights_protection_template", "Encrypt", [], Impact.ALL_OUTGOING),
            (PROTECTS, PROTECTS, "apply_rights_protection_template", "Secret", [], NONE),
            (PROTECTS, PROTECTS, "apply_rights_protection_customization_template", None, [], Impact.TAKES_AWAY),
            (PROTECTS, PLAIN, "apply_rights_protection_template", None, [], CLEAR),
            (PLAIN, EXPOSES, "remove_ome_v2", True, [], CLEAR),
            (EXPOSES, PLAIN, "remove_ome_v2", None, [], NONE),
            (PLAIN, PLAIN, "prepend_subject", "x", ["later"], NONE),
            (PLAIN, PLAIN, "stop_rule_processing", True, [], NONE),
            (PLAIN, PLAIN, "stop_rule_processing", True, ["later"], CLEAR),
            (PLAIN, PLAIN, "stop_rule_processing", None, ["later"], NONE),
            (PROTECTS, PROTECTS, "stop_rule_processing", True, ["later"], NONE),
        ],
    )
    def test_an_action(
        self, before: Any, after: Any, option: str, value: Any, passes: list[str], expected: Impact
    ) -> None:
        field = FIELDS["actions"][option]
        edit = RuleChange(_with(before, option, None if value else "old"), _with(after, option, value))
        assert edit.of_option("actions", field, None, value, passes=passes) is expected
        if not passes:
            assert edit.of_option("actions", field, None, value) is expected

    def test_what_an_approval_keeps_a_rule_from_has_no_impact(self) -> None:
        asks, perhaps = (
            [{**sections, "actions": {**sections["actions"], **approval}} for sections in (PROTECTS, EXPOSES)]
            for approval in (BY_USER, BY_MANAGER)
        )
        words = FIELDS["conditions"]["subject_contains_words"]
        for sections in asks:
            assert (reach(sections), of_switch(sections, True), of_switch(sections, False)) == (NONE, NONE, NONE)
            assert RuleChange(sections, sections).of_setting("rule_error_action", "Ignore") is NONE
            assert RuleChange(sections, sections).of_option("conditions", words, ["a"], ["b"]) is Impact.WIDENS
        # Of a sender without a manager, nobody is asked.
        protects, exposes = perhaps
        assert (reach(protects), of_switch(protects, False), of_switch(exposes, True)) == (
            Impact.ALL_OUTGOING,
            CLEAR,
            CLEAR,
        )
        assert RuleChange(protects, protects).of_setting("rule_error_action", "Ignore") is CLEAR
        assert RuleChange(protects, protects).of_option("conditions", words, ["a", "b"], ["a"]) is CLEAR
        assert RuleChange(exposes, exposes).of_option("conditions", words, ["a"], ["a", "b"]) is CLEAR

    @pytest.mark.parametrize("approval", [BY_USER, BY_MANAGER])
    @pytest.mark.parametrize(
        ("actions", "passes", "comes", "goes"),
        [
            (ENCRYPT, [], CLEAR, Impact.ALL_OUTGOING),
            ({"remove_ome_v2": True}, [], NONE, CLEAR),
            ({"delete_message": True, **ENCRYPT}, [], CLEAR, Impact.REJECTS),
            (STOP, ["later"], NONE, CLEAR),
            (STOP, [], NONE, NONE),
            ({}, ["later"], NONE, NONE),
        ],
    )
    def test_an_approval_that_comes_or_goes(
        self, approval: dict[str, Any], actions: dict[str, Any], passes: list[str], comes: Impact, goes: Impact
    ) -> None:
        free, asks = {"actions": actions}, {"actions": {**actions, **approval}}
        (option,) = approval
        field = FIELDS["actions"][option]
        assert RuleChange(free, asks).of_option("actions", field, None, approval[option], passes=passes) is comes
        assert RuleChange(asks, free).of_option("actions", field, approval[option], None, passes=passes) is goes
        assert RuleChange(asks, asks).of_option("actions", field, None, approval[option], passes=passes) is NONE
        if "stop_rule_processing" in actions:
            stop = RuleChange({"actions": {"prepend_subject": "x", **approval}}, asks).of_option(
                "actions", FIELDS["actions"]["stop_rule_processing"], None, True
            )
            assert stop is NONE

    @pytest.mark.parametrize(("approval", "expected"), [(BY_USER, NONE), (BY_MANAGER, CLEAR)])
    def test_a_stop_beside_an_approval(self, approval: dict[str, Any], expected: Impact) -> None:
        edit = RuleChange({"actions": approval}, {"actions": {**approval, "stop_rule_processing": True}})
        assert (
            edit.of_option("actions", FIELDS["actions"]["stop_rule_processing"], None, True, passes=["later"])
            is expected
        )

    @pytest.mark.parametrize(("approval", "expected"), [(BY_USER, NONE), (BY_MANAGER, CLEAR)])
    def test_an_encryption_that_goes_beside_an_approval(self, approval: dict[str, Any], expected: Impact) -> None:
        edit = RuleChange({"actions": {**approval, **ENCRYPT}}, {"actions": approval})
        assert (
            edit.of_option("actions", FIELDS["actions"]["apply_rights_protection_template"], "Encrypt", None)
            is expected
        )

    def test_what_is_done_beside_an_approval(self) -> None:
        actions = {"prepend_subject": "x", "stop_rule_processing": True}
        for managed in (True, False):
            assert done(actions, managed) == actions
            assert done({**actions, **BY_USER}, managed) == BY_USER
            assert done({**actions, "moderate_message_by_user": []}, managed) == actions
        assert done({**actions, **BY_MANAGER}, True) == BY_MANAGER
        assert done({**actions, **BY_MANAGER}, False) == actions
        assert done({**actions, **BY_MANAGER, **BY_USER}, True) == {**BY_MANAGER, **BY_USER}
        assert done({**actions, **BY_MANAGER, **BY_USER}, False) == BY_USER
        assert doing({"conditions": INSIDE, "actions": {**actions, **BY_MANAGER}}) == {
            "conditions": INSIDE,
            "actions": actions,
        }
        assert doing({"actions": {**actions, **BY_MANAGER}}, managed=True) == {"actions": BY_MANAGER}
        assert doing({}) == {"actions": {}}

    @pytest.mark.parametrize(
        ("kind", "key", "other", "more"),
        [
            (Words(), frozenset("a"), frozenset("ab"), True),
            (Words(), frozenset("ab"), frozenset("a"), False),
            (Words(), frozenset("a"), frozenset("a"), False),
            (Size(), 2, 1, True),
            (Size(), 1, 2, False),
            (Size(), 1, 1, False),
            (Integer(0), 2, 1, True),
            (Integer(0), 1, 1, False),
            (Choice("a", "b"), "a", "b", True),
            (Choice("a", "b"), "a", "a", False),
        ],
    )
    def test_values_that_match_more(self, kind: Any, key: Any, other: Any, more: bool) -> None:
        assert matches_more(kind, key, other) is more


class TestOrder:
    ENCRYPTS = rule("encrypts", ApplyRightsProtectionTemplate="Encrypt")
    STOPS = rule("stops", StopRuleProcessing=True, PrependSubject="x")

    @pytest.mark.parametrize(
        ("before", "after", "passed"),
        [
            ("es", "se", ["encrypts"]),
            ("se", "es", []),
            ("es", "es", []),
            ("se", "se", []),
            ("xes", "sxe", ["encrypts"]),
            ("exs", "esx", []),
        ],
    )
    def test_a_rule_that_comes_behind_one_that_stops(self, before: str, after: str, passed: list[str]) -> None:
        rules = {"e": self.ENCRYPTS, "s": self.STOPS}
        assert (
            over(
                {**rules, "x": rule("other", PrependSubject="x")},
                before + "x" * ("x" not in before),
                after + "x" * ("x" not in after),
            )
            == passed
        )

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (ENCRYPTS, rule("off", StopRuleProcessing=True, State="Disabled")),
            (ENCRYPTS, rule("both", StopRuleProcessing=True, ApplyRightsProtectionTemplate="Encrypt")),
            (ENCRYPTS, rule("plain", PrependSubject="x")),
            (rule("off", ApplyRightsProtectionTemplate="Encrypt", State="Disabled"), STOPS),
            (rule("plain", PrependSubject="x"), STOPS),
            (ENCRYPTS, rule("asks", StopRuleProcessing=True, ModerateMessageByUser=["boss@contoso.com"])),
            (rule("asks", ApplyRightsProtectionTemplate="Encrypt", ModerateMessageByUser=["boss@contoso.com"]), STOPS),
        ],
    )
    def test_what_does_not_stop_or_encrypt_is_passed_over_by_nothing(self, first: Any, second: Any) -> None:
        assert over({"e": first, "s": second}, "es", "se") == []

    def test_two_that_stop_are_judged_by_themselves(self) -> None:
        rules = {
            "e": self.ENCRYPTS,
            "s": self.STOPS,
            "t": rule("stops, too", StopRuleProcessing=True, PrependSubject="x"),
        }
        assert over(rules, "set", "ste") == ["encrypts"]
        assert over(rules, "ste", "set") == []

    def test_the_rules_behind_one_that_encrypt(self) -> None:
        rules = {
            "a": self.ENCRYPTS,
            "b": rule("off", ApplyRightsProtectionTemplate="Encrypt", State="Disabled"),
            "c": rule("plain", PrependSubject="x"),
            "d": rule("last", ApplyRightsProtectionTemplate="Secret"),
        }
        assert behind(rules, ["a", "s", "b", "new", "c", "d"], "s") == ["last"]
        assert behind(rules, ["s", "a", "d"], "s") == ["encrypts", "last"]
        assert behind(rules, ["a", "d"], "a") == ["last"]
        assert behind(rules, ["a", "d"], "d") == []


class TestCoverage:
    LATE = standing("late", {**OUTGOING, "subject_contains_words": ["secret"]}, ENCRYPT)

    @pytest.mark.parametrize(
        ("conditions", "more", "covers"),
        [
            ({}, {}, True),
            (INSIDE, {}, True),
            ({"subject_contains_words": ["SECRET", "other"]}, {}, True),
            ({"subject_contains_words": ["other"]}, {}, False),
            ({"sent_to_scope": "InOrganization"}, {}, False),
            ({"scl_over": 5}, {}, False),
            (INSIDE, {"enabled": False}, False),
            (INSIDE, {"understood": False}, False),
            (INSIDE, {"exceptions": {"scl_over": 5}}, False),
            (INSIDE, {"settings": {"mode": "Audit"}}, False),
            (INSIDE, {"settings": {"expiry_date": "2999-01-01T00:00:00Z"}}, False),
            (INSIDE, {"settings": {"sender_address_location": "Envelope"}}, False),
            (INSIDE, {"settings": {"comments": "x"}}, True),
            # Without a condition, nothing is examined.
            ({}, {"settings": {"sender_address_location": "Envelope"}}, True),
        ],
    )
    def test_an_earlier_rule_that_takes_all_mail(
        self, conditions: dict[str, Any], more: dict[str, Any], covers: bool
    ) -> None:
        early = standing("early", conditions, STOP, **more)
        assert first_that_covers(self.LATE, [early]) is (early if covers else None)

    @pytest.mark.parametrize(
        ("actions", "ends"),
        [
            ({"delete_message": True}, True),
            ({"reject_message_reason_text": "x"}, True),
            ({"quarantine": True}, True),
            ({"redirect_message_to": ["pat@contoso.com"]}, True),
            (ENCRYPT, False),
            ({}, False),
            ({**STOP, **BY_USER}, False),
            # For a sender without a manager it ends, and that is not certain.
            ({**STOP, **BY_MANAGER}, False),
        ],
    )
    def test_only_one_that_ends_the_processing(self, actions: dict[str, Any], ends: bool) -> None:
        early = standing("early", {}, actions)
        assert first_that_covers(self.LATE, [early]) is (early if ends else None)
        # A section that was never given is empty.
        bare_late = PlacedRule("late", True, SETTINGS_OF_A_NEW_RULE, {})
        assert first_that_covers(bare_late, [standing("early", INSIDE, actions)]) is None
        bare = PlacedRule("early", True, SETTINGS_OF_A_NEW_RULE, {"actions": actions} if actions else {})
        assert first_that_covers(bare_late, [bare]) is (bare if ends else None)

    def test_it_is_the_first_of_those_that_do(self) -> None:
        first, second = standing("first", INSIDE, STOP), standing("second", {}, STOP)
        assert first_that_covers(self.LATE, iter([standing("other", {}, {}), first, second])) is first
        assert first_that_covers(self.LATE, []) is None

    def test_words_of_another_header_are_others(self) -> None:
        def of(header: str) -> PlacedRule:
            return standing(header, {"header_contains_words": ["x"], "header_contains_message_header": header}, STOP)

        assert first_that_covers(of("X-A"), [of("X-B")]) is None
        assert first_that_covers(of("X-A"), [of("X-A")]) is not None
        # The partner alone is compared, too.
        late = standing(
            "late", {"header_contains_words": ["x"], "header_contains_message_header": "X-A", "scl_over": 5}, ENCRYPT
        )
        assert first_that_covers(late, [standing("early", {"header_contains_words": ["x"]}, STOP)]) is None

    def test_a_rule_as_it_will_be(self) -> None:
        stored = rule("old", FromScope="InOrganization", PrependSubject="x", Comments="c", State="Disabled")
        assert PlacedRule.from_rules(stored) == PlacedRule("old", False, stored.settings, stored.sections, True)
        changed = PlacedRule.from_rules(stored, wanted("new", enabled=True, comments="d", conditions={"scl_over": 5}))
        assert changed == PlacedRule(
            "new", True, {**stored.settings, "comments": "d"}, {**stored.sections, "conditions": {"scl_over": 5}}, True
        )
        kept = PlacedRule.from_rules(stored, wanted(guid="g-old", actions=ENCRYPT))
        assert (kept.name, kept.enabled, kept.sections) == ("old", False, {**stored.sections, "actions": ENCRYPT})
        made = PlacedRule.from_rules(None, wanted("new", actions=ENCRYPT))
        assert made == PlacedRule("new", True, SETTINGS_OF_A_NEW_RULE, {"actions": ENCRYPT}, True)
        assert PlacedRule.from_rules(None, wanted("new", enabled=False)).enabled is False
        assert PlacedRule.from_rules(None, wanted(guid="g-gone")).name == ""
        assert PlacedRule.from_rules(rule("odd", DlpPolicy="x")).understood is False
        assert PlacedRule.from_rules(rule("odd", ExceptIfUnheard="x")).understood is False


class TestValues:
    LISTED, FRENCH = RmsTemplates(TEMPLATES), RmsTemplates([{"Name": "Chiffrer", "TemplateGuid": "e1"}])

    def test_templates_have_their_canonical_names(self) -> None:
        declared = wanted(
            "x", conditions=INSIDE, actions={"apply_rights_protection_template": "S1", "prepend_subject": "x"}
        )
        assert given_sections(declared, self.LISTED) == {
            "conditions": INSIDE,
            "actions": {"apply_rights_protection_template": "Secret", "prepend_subject": "x"},
        }
        assert given_sections(wanted("x", conditions=INSIDE), self.LISTED) == {"conditions": INSIDE}

    @pytest.mark.parametrize(
        ("declared", "stored", "restoring", "options"),
        [
            ({}, {}, False, []),
            ({"prepend_subject": "a"}, {"prepend_subject": "a"}, False, []),
            ({"prepend_subject": "a"}, {"prepend_subject": "b"}, False, ["prepend_subject"]),
            ({"prepend_subject": "a"}, {}, False, ["prepend_subject"]),
            ({}, {"prepend_subject": "b"}, False, ["prepend_subject"]),
            # What a portal adds on its own is left alone, unless it is named or restored.
            ({}, {"set_audit_severity": "Low"}, False, []),
            ({}, {"set_audit_severity": "Low"}, True, ["set_audit_severity"]),
            ({"set_audit_severity": "High"}, {"set_audit_severity": "Low"}, False, ["set_audit_severity"]),
        ],
    )
    def test_what_differs(
        self, declared: dict[str, Any], stored: dict[str, Any], restoring: bool, options: list[str]
    ) -> None:
        assert differing("actions", declared, stored, restoring=restoring) == options

    def test_what_exchange_takes_for_a_unit_is_sent_as_one(self) -> None:
        declared = {"set_header_name": "X-A", "set_header_value": "2", "prepend_subject": "x"}
        stored = {"set_header_name": "X-A", "set_header_value": "1"}
        assert section_parameters("actions", declared, stored, ["set_header_value"], self.LISTED) == {
            "SetHeaderName": "X-A",
            "SetHeaderValue": "2",
        }
        assert section_parameters("actions", declared, stored, ["prepend_subject"], self.LISTED) == {
            "PrependSubject": "x"
        }
        template = {"apply_rights_protection_template": "Encrypt"}
        assert section_parameters("actions", template, {}, list(template), self.FRENCH) == {
            "ApplyRightsProtectionTemplate": "Chiffrer"
        }
        # What is neither declared nor stored is no part of it.
        assert section_parameters("actions", {}, {"remove_ome_v2": True}, ["remove_ome_v2"], self.LISTED) == {
            "RemoveOMEv2": False
        }
        assert section_parameters(
            "actions", {"set_header_name": "X-A"}, {"set_header_value": "1"}, ["set_header_name"], self.LISTED
        ) == {
            "SetHeaderName": "X-A",
            "SetHeaderValue": None,
        }

    def test_a_template_goes_by_the_name_that_the_organization_knows(self) -> None:
        template, branding = (
            FIELDS["actions"][f"apply_rights_protection_{name}"] for name in ("template", "customization_template")
        )
        assert sent(template, "Encrypt", self.FRENCH) == "Chiffrer"
        assert sent(template, None, self.FRENCH) is None
        assert sent(branding, "Encrypt", self.FRENCH) == "Encrypt"

    @pytest.mark.parametrize(
        ("parameters", "templates", "says"),
        [
            ({}, LISTED, ""),
            ({"HasNoClassification": True}, LISTED, ""),
            (
                {"HasNoClassification": None},
                LISTED,
                "A PowerShell session accepts no null for has_no_classification, and false has another meaning.",
            ),
            (
                {"ExceptIfHasNoClassification": None},
                LISTED,
                "A PowerShell session accepts no null for has_no_classification",
            ),
            ({"PrependSubject": None}, LISTED, ""),
            ({"ApplyRightsProtectionTemplate": "x"}, LISTED, ""),
            (
                {"ApplyRightsProtectionTemplate": "x"},
                RmsTemplates(),
                "Exchange lists no RMS templates. Exchange lists none while internal_licensing_enabled",
            ),
            (
                {"ApplyRightsProtectionTemplate": "x"},
                RmsTemplates(unlisted="the session is blind"),
                "The session is blind. Exchange lists none while",
            ),
            ({"ApplyRightsProtectionTemplate": None}, RmsTemplates(), ""),
            ({"PrependSubject": "x"}, RmsTemplates(), ""),
        ],
    )
    def test_what_to_do_about_a_refusal(self, parameters: dict[str, Any], templates: RmsTemplates, says: str) -> None:
        found = remedy_for(parameters, templates)
        assert found.startswith(says)
        assert bool(found) is bool(says)


def test_what_the_table_of_outgoing_mail_names_are_options() -> None:
    assert set(_impact.OUTGOING) <= set(FIELDS["conditions"])
