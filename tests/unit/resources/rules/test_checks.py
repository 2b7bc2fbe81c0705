# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused and warned of before a rule is sent, and which rule of an organization a declared one is: no
session."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Impact, Phase, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ExchangeError,
    NotFoundError,
    OptionError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.checks import (
    check_rule,
    lookalikes_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_index import (
    RuleBook,
    RulePlan,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.shadowing import PlacedRule

from .plain import ENCRYPT, INSIDE, book, encrypting, shown, wanted

CLOUD, ON_PREMISES = [{"Name": "contoso", "Session": {"cloud": True}}], [{"Name": "contoso"}]
OUTSIDERS = (
    "The rule {!r} encrypts but has no condition that keeps its senders inside. Such a rule has no effect on mail from outside, or "
    "bounces it (550 5.7.162), depending on the state of the service. In most cases, conditions.from_scope: InOrganization is what you want."
)


def checked(rules: RuleBook, name: str = "a", where: str = "", **options: Any) -> list[str]:
    declared = wanted(name, where, **options)
    return list(map(str, check_rule(rules, declared, rules.find(declared))))


def refused(rules: RuleBook, kind: type[ExchangeError] = OptionError, **options: Any) -> tuple[str, str]:
    with pytest.raises(kind) as refusal:
        checked(rules, where="rules[2].", **options)
    return refusal.value.message, refusal.value.remedy


class TestUnknownParts:
    ODD = shown("a", PrependSubject="x", ExceptIfUnheard="y", DlpPolicy="z")

    @pytest.mark.parametrize(
        ("section", "options", "part"),
        [
            ("exceptions", {}, "ExceptIfUnheard"),
            ("conditions", {}, "DlpPolicy"),
            ("actions", {"prepend_subject": "x"}, "DlpPolicy"),
        ],
    )
    def test_a_section_with_more_than_can_be_written(self, section: str, options: dict[str, Any], part: str) -> None:
        said = f"rules[2].{section} of 'a': the rule also has {part}, which this collection cannot write."
        assert refused(book(self.ODD), **{section: options}) == (
            said,
            f"Omit {section}, or remove that part in the portal first.",
        )

    def test_what_is_not_given_is_only_warned_of(self) -> None:
        (warning,) = checked(book(self.ODD), enabled=True)
        assert warning.startswith(
            "The rule 'a' has parts that were not compared: it is a data loss prevention rule (DlpPolicy)"
        )
        assert checked(
            book(shown("a", PrependSubject="x", ExceptIfUnheard="y")), conditions={}, actions={"prepend_subject": "x"}
        ) == [
            "The rule 'a' has parts that were not compared: it uses properties that this collection does not know: ExceptIfUnheard."
        ]
        assert checked(book(shown("a", PrependSubject="x")), enabled=True) == []
        assert checked(book(), actions={"prepend_subject": "x"}) == []


class TestPremises:
    @pytest.mark.parametrize("section", ["conditions", "exceptions"])
    def test_a_scope_that_the_cloud_does_not_have(self, section: str) -> None:
        options = {"actions": {"prepend_subject": "x"}, section: {"sent_to_scope": "ExternalPartner"}}
        said = f"rules[2].{section}.sent_to_scope ExternalPartner is available only in Exchange on-premises."
        assert refused(book(organization=CLOUD), **options) == (said, "In Exchange Online, use NotInOrganization.")
        for elsewhere in (book(organization=ON_PREMISES), book(), book(organization=CmdletNotAvailableError("no"))):
            assert checked(elsewhere, **options) == []
        assert (
            checked(
                book(organization=CLOUD),
                actions={"prepend_subject": "x"},
                **{section: {"sent_to_scope": "NotInOrganization"}},
            )
            == []
        )


class TestTemplates:
    def test_one_that_is_not_there(self) -> None:
        said = (
            "rules[2].actions.apply_rights_protection_template 'Nowhere' is not an RMS template of this organization."
        )
        found = refused(book(), NotFoundError, actions={"apply_rights_protection_template": "Nowhere"})
        assert found == (said, "Known RMS templates: Do Not Forward, Encrypt, Secret.")

    def test_one_that_nobody_can_tell_of(self) -> None:
        options = {"conditions": INSIDE, "actions": {"apply_rights_protection_template": "Nowhere"}}
        said = "rules[2].actions.apply_rights_protection_template 'Nowhere' could not be checked: Exchange lists no RMS templates."
        assert checked(book(templates=[]), where="rules[2].", **options) == [said]
        blind = "the session does not have Get-RMSTemplate, so RMS templates are not listed"
        assert checked(book(templates=CmdletNotAvailableError("no")), where="rules[2].", **options) == [
            said.replace("Exchange lists no RMS templates", blind)
        ]

    @pytest.mark.parametrize("name", ["Encrypt", "s1", "SECRET"])
    def test_one_that_is_there(self, name: str) -> None:
        assert checked(book(), conditions=INSIDE, actions={"apply_rights_protection_template": name}) == []

    @pytest.mark.parametrize(
        "read", [{}, {"ome_configurations": [{"Identity": "Week"}]}, {"ome_configurations": [], "created": ["week"]}]
    )
    def test_a_branding_that_is_there_or_that_nobody_asked_for(self, read: dict[str, Any]) -> None:
        options = {
            "conditions": INSIDE,
            "actions": {**ENCRYPT, "apply_rights_protection_customization_template": "WEEK"},
        }
        assert checked(book(**read), **options) == []

    def test_a_branding_that_is_not_there(self) -> None:
        options = {
            "conditions": INSIDE,
            "actions": {**ENCRYPT, "apply_rights_protection_customization_template": "week"},
        }
        read = {"ome_configurations": [{"Identity": "OME Configuration"}], "created": ["day"]}
        said = "rules[2].actions.apply_rights_protection_customization_template 'week' is not an OME configuration of this organization."
        assert refused(book(**read), NotFoundError, **options) == (
            said,
            "Create it with m365.message_encryption.ome_configuration first.",
        )
        # The same play may create it.
        assert checked(book(**read, check_mode=True), where="rules[2].", **options) == [said]


class TestDangers:
    @pytest.mark.parametrize(
        ("conditions", "warned"),
        [
            ({}, True),
            ({"from_scope": "NotInOrganization"}, True),
            ({"sent_to_scope": "NotInOrganization"}, True),
            (INSIDE, False),
            ({"from_member_of": ["a@b.com"]}, False),
        ],
    )
    def test_a_rule_that_encrypts_for_outsiders(self, conditions: dict[str, Any], warned: bool) -> None:
        expected = [OUTSIDERS.format("a")] if warned else []
        assert checked(book(), conditions=conditions, actions=ENCRYPT) == expected
        # The sections that are given count, and those that are stored where none is.
        assert checked(book(encrypting("a")), conditions=conditions) == expected
        assert checked(book(shown("a", ApplyRightsProtectionTemplate="Encrypt")), conditions=conditions) == expected
        assert checked(book(encrypting("a")), enabled=True) == []
        assert checked(book(), conditions=conditions, actions={"prepend_subject": "x"}) == []

    @pytest.mark.parametrize(
        ("stored", "managed", "reason", "remedy"),
        [
            ({"State": "Disabled"}, {"enabled": True}, "is disabled", "enabled: true"),
            ({"Mode": "Audit"}, {"mode": "Audit"}, "is only in test mode (Audit)", "mode: Enforce"),
            (
                {"ExpiryDate": "2020-01-01T00:00:00Z"},
                {"expiry_date": ""},
                "has expired (2020-01-01T00:00:00Z)",
                'expiry_date: ""',
            ),
        ],
    )
    def test_a_rule_that_encrypts_and_does_not_act(
        self, stored: dict[str, Any], managed: dict[str, Any], reason: str, remedy: str
    ) -> None:
        said = f"The rule 'a' encrypts but {reason}, which this task does not manage. To change that, set {remedy}."
        assert checked(book(encrypting("a", **stored)), conditions=INSIDE) == [said]
        assert checked(book(encrypting("a", **stored)), **managed) == []
        assert checked(book(encrypting("a", **{"State": "Enabled", **stored})), comments="x") == [said]
        assert checked(book(shown("a", PrependSubject="x", **stored)), conditions=INSIDE) == []

    def test_exceptions_that_the_task_does_not_manage(self) -> None:
        rules = book(encrypting("a", ExceptIfSCLOver=5, ExceptIfSubjectContainsWords=["x"]))
        (warning,) = checked(rules, conditions=INSIDE)
        assert warning == (
            "The rule 'a' encrypts but has exceptions that this task does not manage (scl_over, subject_contains_words). To clear them, set exceptions: {}."
        )
        # A task that manages no section, or this one, has said enough.
        assert checked(rules, enabled=True) == []
        assert checked(rules, conditions=INSIDE, exceptions={"scl_over": 5}) == []
        assert checked(book(encrypting("a")), conditions=INSIDE) == []


def test_a_name_that_a_directory_may_take_for_another() -> None:
    rules = book(shown("Resume"), shown("other"))
    (found,) = lookalikes_of(rules, "Résumé")
    assert str(found) == (
        "The names 'Résumé' and 'Resume' differ only in accents, width or similar. If Exchange treats them as the same, only one can exist."
    )
    assert lookalikes_of(rules, "Résumé", besides="Resume") == []
    assert lookalikes_of(rules, "Résumé", besides="other") == lookalikes_of(rules, "Résumé")
    # One that does not exist yet counts, a GUID does not.
    rules.order.append("Mün")
    assert len(lookalikes_of(rules, "Mun")) == 1
    assert lookalikes_of(rules, "g-Résume") == []


class TestBook:
    @pytest.mark.parametrize(
        ("options", "found"),
        [
            ({"name": "a"}, "a"),
            ({"name": "A"}, "a"),
            ({"guid": "g-b"}, "b"),
            ({"guid": "g-b", "name": "new"}, "b"),
            ({"guid": "g-b", "name": "b"}, "b"),
            ({"guid": "g-gone", "name": "b"}, "b"),
            ({"guid": "g-gone", "name": "new"}, None),
            ({"name": "new"}, None),
            ({"guid": "g-gone", "state": "absent"}, None),
        ],
    )
    def test_which_rule_is_meant(self, options: dict[str, Any], found: str | None) -> None:
        rule = book(shown("a"), shown("b")).find(wanted(**options))
        assert (rule and rule.name) == found

    @pytest.mark.parametrize(
        ("options", "claimed", "kind", "says", "remedy"),
        [
            (
                {"guid": "g-a", "name": "b"},
                (),
                OptionError,
                "guid g-a is the rule 'a', but another rule has the name 'b'.",
                "Set guid or name for the rule that you want to manage.",
            ),
            (
                {"name": "twin"},
                (),
                OptionError,
                "name 'twin' is the name of several rules (g-1, g-2).",
                "Set guid to identify the rule.",
            ),
            (
                {"name": "b"},
                ("g-b",),
                OptionError,
                "name 'b' is the name of a rule that another entry of the list identifies by its guid.",
                "Set guid to identify the rule, or rename that rule first.",
            ),
            (
                {"guid": "g-gone"},
                (),
                NotFoundError,
                "guid g-gone is not a rule of this organization.",
                "To create a rule, set its name instead.",
            ),
        ],
    )
    def test_one_that_is_not_clear_is_refused(
        self, options: dict[str, Any], claimed: tuple[str, ...], kind: type[ExchangeError], says: str, remedy: str
    ) -> None:
        rules = book(shown("a"), shown("b"), shown("twin", Guid="g-1"), shown("Twin", Guid="g-2"))
        rules.claimed = set(claimed)
        with pytest.raises(kind) as refusal:
            rules.find(wanted(where="rules[0].", **options))
        assert (refusal.value.message, refusal.value.remedy) == (f"rules[0].{says}", remedy)

    def test_a_guid_tells_twins_apart_and_a_claim_is_for_others(self) -> None:
        rules = book(shown("twin", Guid="g-1"), shown("twin", Guid="g-2"))
        rules.claimed = {"g-1"}
        assert rules.find(wanted(guid="g-1")) is rules.rules[0]
        # To restore, one gives the name up to the other.
        rules = book(shown("a"), shown("b"), restoring=True)
        assert rules.find(wanted("b", guid="g-a")) is rules.rules[0]

    def test_what_it_knows_of_an_organization(self) -> None:
        rules = book(shown("a"), shown("b"))
        assert ([rule.name for rule in rules.rules], rules.order, rules.names) == (
            ["a", "b"],
            ["g-a", "g-b"],
            {"A", "B"},
        )
        assert rules.by_guid == {"g-a": rules.rules[0], "g-b": rules.rules[1]}
        assert (rules.ome_configurations, rules.in_cloud, rules.restoring, rules.check_mode) == (
            None,
            False,
            False,
            False,
        )
        assert (rules.standings, rules.claimed) == ({}, set())
        assert book(organization=CLOUD).in_cloud is True
        assert book(organization=ON_PREMISES).in_cloud is False
        assert book(ome_configurations=[{"Identity": "Day"}], created=["week"]).ome_configurations == {"DAY", "WEEK"}
        assert book(ome_configurations=CmdletNotAvailableError("no"), created=["week"]).ome_configurations is None

    def test_keys_and_names(self) -> None:
        rules = book(shown("a"), shown("twin", Guid="g-1"), shown("twin", Guid="g-2"))
        rules.take(
            RulePlan(
                "new",
                ["g-a", "new", "g-1", "g-2"],
                standing=PlacedRule.from_rules(None, wanted("new", actions=ENCRYPT)),
            )
        )
        assert rules.order == ["g-a", "new", "g-1", "g-2"]
        assert (rules.key("A", "rules"), rules.key("NEW", "rules")) == ("g-a", "new")
        assert (rules.name("g-a"), rules.name("new")) == ("a", "new")
        assert rules.standing("g-a") == PlacedRule.from_rules(rules.rules[0])
        for name, kind, says, remedy in (
            ("x", NotFoundError, "place_before names the rule 'x', which this organization does not have.", ""),
            (
                "twin",
                OptionError,
                "place_before 'twin' is the name of several rules (g-1, g-2).",
                "Rename one of them.",
            ),
        ):
            with pytest.raises(kind) as refusal:
                rules.key(name, "place_before")
            assert (refusal.value.message, refusal.value.remedy) == (says, remedy)
        # What becomes of a rule is what the next plan builds on; one that is removed leaves nothing.
        changed = PlacedRule.from_rules(rules.rules[0], wanted("a", enabled=False))
        rules.take(RulePlan("g-a", rules.order, standing=changed))
        rules.take(RulePlan("g-1", rules.order))
        assert (rules.standing("g-a"), set(rules.standings)) == (changed, {"new", "g-a"})

    def test_a_new_name_is_found_and_the_old_one_is_not(self) -> None:
        rules = book(shown("Old"), shown("b"))
        rules.rename(rules.rules[0], "New")
        assert (rules.named("new"), rules.named("old"), rules.names) == (rules.rules[0], None, {"NEW", "B"})

    def test_a_change_and_its_step(self) -> None:
        rules = book(shown("a"), templates=[])
        change = rules.change("a", "enabled", True, False)
        assert change == Change("ome_transport_rule", "a", "enabled", True, False, Impact.NONE)
        assert rules.change("a", "enabled", True, False, Impact.IN_CLEAR).impact is Impact.IN_CLEAR
        step = rules.step("Set-TransportRule", "g-a", {"Comments": "x"}, iter([change]), Phase.RULES)
        assert step == Step(
            Call("Set-TransportRule", {"Identity": "g-a", "Comments": "x", "Confirm": False}), (change,), Phase.RULES
        )
        assert list(step.call.parameters) == ["Identity", "Comments", "Confirm"]
        encrypts = rules.step(
            "Set-TransportRule",
            "g-a",
            {"ApplyRightsProtectionTemplate": "x"},
            [change],
            Phase.RULE_STATE,
            frozenset({Phase.RULES}),
        )
        assert (encrypts.phase, encrypts.replans) == (Phase.RULE_STATE, {Phase.RULES})
        assert encrypts.remedy.startswith("Exchange lists no RMS templates.")


class TestValuesThatNeverMatch:
    @pytest.mark.parametrize(
        ("section", "option", "value", "instead"),
        [
            ("exceptions", "sent_to", "*@partner.com", "recipient_domain_is: [partner.com]"),
            ("conditions", "from", "*@partner.com", "sender_domain_is: [partner.com]"),
            ("conditions", "recipient_domain_is", "@partner.com", "partner.com, which means its subdomains, too"),
            ("conditions", "recipient_domain_is", "*.partner.com", "partner.com, which means its subdomains, too"),
            ("exceptions", "sender_domain_is", ".partner.com", "partner.com, which means its subdomains, too"),
            ("conditions", "any_of_to_header", "*@partner.com", "the address of each person or group"),
            ("conditions", "attachment_extension_matches_words", "*.pdf", "pdf"),
        ],
    )
    def test_they_are_warned_of(self, section: str, option: str, value: str, instead: str) -> None:
        options = {
            "actions": {"prepend_subject": "x"},
            section: {option: ["usual@partner.com" if "domain" not in option else "usual.com", value]},
        }
        if option == "attachment_extension_matches_words":
            options[section] = {option: ["pdf", value]}
        said = f"rules[2].{section}.{option} {value!r} matches no mail: Exchange takes it as it is written. Write {instead}."
        assert checked(book(), where="rules[2].", **options) == [said]

    def test_usual_values_are_not(self) -> None:
        conditions = {
            "sent_to": ["a@b.com"],
            "recipient_domain_is": ["b.com"],
            "subject_contains_words": ["*"],
            "attachment_extension_matches_words": ["pdf"],
        }
        assert checked(book(), actions={"prepend_subject": "x"}, conditions=conditions) == []
