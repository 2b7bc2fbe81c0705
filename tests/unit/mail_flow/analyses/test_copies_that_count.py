# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies that rules make of the mail that a guarantee is about count, whoever gets them, unless it says otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

from tests.rounds import seeds
from tests.unit.mail_flow.answers import prove, verdict_sentence
from tests.unit.mail_flow.deciding import proofs
from tests.unit.mail_flow.search import Search
from tests.unit.mail_flow.transit_vectors import FACTS, INSIDE, NOW, TO_BANK, WIDE, rule

Values = dict[str, Any]

SPY = "spy@other.example"
ENCRYPT = rule(
    "Encrypt",
    {"apply_rights_protection_template": "Encrypt", "apply_rights_protection_customization_template": "Bank"},
    conditions=TO_BANK,
)
#: What makes a copy for somebody else, before the rule that encrypts.
MAKERS: dict[str, Values] = {
    "Redirects": {"redirect_message_to": [SPY]},
    "Copies": {"blind_copy_to": [SPY]},
    "Adds": {"add_to_recipients": [SPY]},
}
PROTECTING = [name for name, wish in WISHES.items() if wish.of_copies]


def verdict(rules: list[Values], then: str, when: Values = TO_BANK, **more: Any) -> Values:
    facts = {**FACTS, "outbound_connectors": [WIDE] if then == "protected_in_transit" else []}
    rules = [each for each in rules if then != "protected_in_transit" or each["name"] != "Encrypt"]
    (found,) = prove(rules, facts, [{"name": "Bank", "when": when, "then": then, **more}], NOW)
    return found


def left_out(found: Values) -> list[str]:
    return [row["mail"] for row in found["assumptions"] if row["id"] in ("added_copies", "shown_copies")]


@pytest.mark.parametrize("then", PROTECTING)
@pytest.mark.parametrize("name", MAKERS)
def test_a_copy_for_somebody_else_refutes(name: str, then: str) -> None:
    rules = [rule(name, MAKERS[name], conditions=TO_BANK), ENCRYPT]
    assert verdict([ENCRYPT], then)["verdict"] == "proved"
    found = verdict(rules, then)
    if then == "encrypted" and name == "Redirects":  # The recipient's copy is not delivered at all.
        assert found["verdict"] == "refuted"
        return
    meant = verdict(rules, then, copies="recipients_only")
    assert (meant["verdict"], left_out(meant)) == ("proved", [f"copies that the rule {name!r} makes for {SPY}"])
    if name != "Redirects" and then != "protected_in_transit":
        # A rule that does not look at whom rules add may encrypt their copy with that of the recipient.
        assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U09"])
        assert repr(name) in verdict_sentence(found)
        assert SPY in verdict_sentence(found)
        return
    assert found["verdict"] == "refuted"
    example = found["counterexample"]
    assert (example["recipient"], example["decided_by"]) == (SPY, [name])
    assert SPY in verdict_sentence(found)
    message = {key: value for key, value in example["message"].items() if key != "name"}
    again = Simulator(rules, facts_of({**FACTS, **example.get("facts", {})})).run(message_of(message, "", "again"))
    assert again["recipients"][SPY]["protection"] == ("none" if name == "Redirects" else "unknown")


def test_a_copy_refutes_where_its_original_is_blocked() -> None:
    """A copy survives a rule that blocks its original, which no reading takes along."""
    blocks = rule("Blocks", {"delete_message": True}, conditions=TO_BANK)
    assert verdict([blocks], "not_in_clear")["verdict"] == "proved"
    found = verdict([rule("Copies", MAKERS["Copies"], conditions=TO_BANK), blocks], "not_in_clear")
    assert (found["verdict"], found["counterexample"]["recipient"]) == ("refuted", SPY)


@pytest.mark.parametrize("then", PROTECTING)
def test_it_is_the_copy_and_not_the_mail_beside_it_that_counts(then: str) -> None:
    """A rule that copies other mail, or a copy that is protected, breaks nothing."""
    other = rule("Other", MAKERS["Copies"], conditions={**INSIDE, "recipient_domain_is": ["else.example"]})
    assert verdict([other, ENCRYPT], then)["verdict"] == "proved"
    every = {**ENCRYPT, "conditions": INSIDE}
    copies = rule("Copies", MAKERS["Copies"], conditions=TO_BANK)
    if then == "protected_in_transit":
        copies = {**copies, "actions": {"blind_copy_to": ["eve@bank.example"]}}
    assert verdict([every, copies], then)["verdict"] == "proved"
    assert left_out(verdict([every, copies], then, copies="recipients_only")) == []


def test_a_copy_of_a_copy_counts() -> None:
    first = rule("First", {"blind_copy_to": ["in@contoso.com"]}, conditions=TO_BANK)
    second = rule("Second", MAKERS["Redirects"], conditions={"sent_to": ["in@contoso.com"]})
    found = verdict([ENCRYPT, first, second], "not_in_clear")
    assert found["verdict"] in ("proved", "unknown")  # It is encrypted before it is copied.
    found = verdict([first, second, ENCRYPT], "not_in_clear", copies="outside")
    assert found["verdict"] in ("refuted", "unknown")  # Whether later rules look at whom rules add is open (U09).


@pytest.mark.parametrize("then", [each for each in PROTECTING if each != "protected_in_transit"])
def test_a_copy_that_stays_inside_counts_unless_only_those_outside_do(then: str) -> None:
    archive = rule("Archive", {"blind_copy_to": ["archive@contoso.com"]}, conditions=TO_BANK)
    found = verdict([archive, ENCRYPT], then)
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U09"])
    assert "archive@contoso.com" in found["unknown"][0]["reason"]
    for copies in ("outside", "recipients_only"):
        found = verdict([archive, ENCRYPT], then, copies=copies)
        assert (found["verdict"], left_out(found)) == (
            "proved",
            ["copies that the rule 'Archive' makes for archive@contoso.com"],
        )
    both = [archive, rule("Copies", MAKERS["Copies"], conditions=TO_BANK), ENCRYPT]
    (why,) = verdict(both, then, copies="outside")["unknown"]
    assert (why["id"], SPY in why["reason"], "archive@contoso.com" in why["reason"]) == ("U09", True, False)


@pytest.mark.parametrize("then", ["not_in_clear", "portal", "encrypted", "protected_in_transit"])
def test_what_a_report_or_an_approval_shows_counts(then: str) -> None:
    report = {"generate_incident_report": SPY, "incident_report_content": ["AttachOriginalMail"]}
    rules = [rule("Reports", report, conditions=TO_BANK), ENCRYPT]
    assert verdict(rules, then)["verdict"] in ("refuted", "unknown")
    found = verdict(rules, then, copies="recipients_only")
    assert (found["verdict"], left_out(found)) == ("proved", [f"what the rule 'Reports' shows {SPY}"])


@pytest.mark.parametrize("then", ["not_in_clear", "portal", "encrypted"])
def test_a_report_to_somebody_inside_counts_unless_only_those_outside_do(then: str) -> None:
    report = {"generate_incident_report": "dpo@contoso.com", "incident_report_content": ["AttachOriginalMail"]}
    reports = rule("Reports", report, conditions=TO_BANK)
    found = verdict([reports, ENCRYPT], then)
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["shown"])
    assert "dpo@contoso.com" in found["unknown"][0]["reason"]
    for copies in ("outside", "recipients_only"):
        found = verdict([reports, ENCRYPT], then, copies=copies)
        assert (found["verdict"], left_out(found)) == ("proved", ["what the rule 'Reports' shows dpo@contoso.com"])
    # Where no rule encrypts what is shown, it certainly is in clear.
    found = verdict([reports, rule("Deletes", {"delete_message": True}, conditions=TO_BANK)], "not_in_clear")
    assert (found["verdict"], found["counterexample"]["shown_to"]) == ("refuted", "dpo@contoso.com")


def test_somebody_inside_who_is_asked_for_an_approval_gets_no_copy() -> None:
    asks = rule("Asks", {"moderate_message_by_user": ["boss@contoso.com"]}, conditions=TO_BANK)
    assert verdict([asks, ENCRYPT], "not_in_clear")["verdict"] == "proved"
    assert left_out(verdict([asks, ENCRYPT], "not_in_clear", copies="recipients_only")) == []


def test_a_wish_that_copies_cannot_break_has_no_say_about_them() -> None:
    copies = rule("Copies", MAKERS["Copies"], conditions=TO_BANK)
    for then in ("delivered", "unencrypted"):
        assert verdict([copies], then)["verdict"] == "proved"
    with pytest.raises(OptionError) as error:
        guarantees_of([{"name": "G", "then": "delivered", "copies": "all"}])
    assert str(error.value).startswith("guarantees[0].copies cannot be used with then: delivered. Use it only with ")
    with pytest.raises(OptionError) as error:
        guarantees_of([{"name": "G", "then": "portal", "copies": "recipient_only"}])
    assert str(error.value) == "guarantees[0].copies is 'recipient_only'. Did you mean recipients_only?"


@pytest.mark.parametrize("seed", seeds(8))
def test_random_copies_as_enumeration_says(seed: int) -> None:
    assert Search(60).claims(proofs, seed, 10) == ""
