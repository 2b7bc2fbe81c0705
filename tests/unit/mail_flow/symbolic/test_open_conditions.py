# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions that once gave false proofs: mail that may break the claim, for the prover, the simulator and the
emulator's mail flow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

from tests.unit.mail_flow.answers import difference, lint, prove
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, STOP
from tests.unit.mail_flow.oracle import wrong_counterexample
from tests.unit.mail_flow.small_worlds import TENANT, Claim, SmallWorld

Values = dict[str, Any]

DOMAINS: Values = {"accepted_domains": ["contoso.com"], "remote_domains": []}
MINOR = {"set_audit_severity": "Low"}


def rule(conditions: Values, actions: Values | None = None, exceptions: Values | None = None, **more: Any) -> Values:
    return {
        "conditions": conditions,
        "exceptions": exceptions or {},
        "actions": ENCRYPT if actions is None else actions,
        **more,
    }


def named(*given: Values) -> list[Values]:
    return [{"name": f"R{place}", "priority": place, **each} for place, each in enumerate(given)]


def header(name: str, word: str) -> Values:
    return {"header_contains_message_header": name, "header_contains_words": [word]}


def directory(*mailboxes: str, **more: Any) -> Values:
    """Facts with all mailboxes of the organization, of which bob@contoso.com is one."""
    return {**DOMAINS, "mailboxes": ["bob@contoso.com", *mailboxes], "mail_users": [], **more}


@dataclass(frozen=True)
class Case:
    """A claim that some mail from bob@contoso.com may break, and must not be proved.

    :param rules: sections of rules, in order.
    :param breaks: the message that may break the claim, as far as it differs from mail to ann@fabrikam.com.
    :param says: the verdict.
    :param emulated: whether the emulator leaves it open, too.
    """

    rules: Sequence[Values]
    when: Values
    breaks: Values
    unless: Values = field(default_factory=dict)
    facts: Values = field(default_factory=lambda: DOMAINS)
    says: str = "unknown"
    emulated: bool = True

    @property
    def claim(self) -> Claim:
        return Claim(self.when, self.unless, "not_in_clear")

    @property
    def message(self) -> Values:
        plain: Values = {
            "from": "bob@contoso.com",
            "authenticated": True,
            "to": ["ann@fabrikam.com"],
            "cc": [],
            "bcc": [],
            "subject": "",
            "body": "",
        }
        made = {**plain, "headers": {}, "attachments": [], "protection": {"kind": "none"}, **self.breaks}
        return {"mail_from": made["from"], **made}

    @property
    def tenant(self) -> Values:
        """The organization for the emulator, which knows all of it."""
        return {
            **TENANT,
            "proxy_addresses": {},
            **{key: value for key, value in self.facts.items() if key != "accepted_domains"},
        }


FOO = header("X-MS-Foo", "yes")
PDF: Values = {"name": "a.pdf", "size": 1, "text": "", "nested": [], "properties": {}}
NO_PDF_ENCRYPTION: Values = {**DOMAINS, "irm_configuration": {"enable_pdf_encryption": False}}
TO_GROUP = {"any_of_to_header_member_of": ["g@contoso.com"]}
MANAGES = {"sender_management_relationship": "Manager"}
SECRET = {"any_of_recipient_address_contains_words": ["secret"]}
STAFF = directory(groups={"staff@contoso.com": ["bob@contoso.com"]})
TO_ANN: Values = {**IN, "header_matches_message_header": "To", "header_matches_patterns": ["ann"]}
ROBERT = directory(proxy_addresses={"robert@contoso.com": "bob@contoso.com"})
ANYBODY_FROM_BOB: Values = {**IN, "from": ["bob@contoso.com"]}

CASES = {
    "between two ranges": Case(
        [rule({**IN, "sender_ip_ranges": ["10.0.0.0/26", "10.0.0.128/25"]})],
        {**IN, "sender_ip_ranges": ["10.0.0.0/24"]},
        {"sender_ip": "10.0.0.100"},
        says="refuted",
    ),
    "a word in the To field, and a pattern": Case(
        [rule({**IN, **header("To", "ann")})], TO_ANN, {"to": ["joanna@fabrikam.com"]}
    ),
    "a header of the mail system that a rule sets": Case(
        [
            rule({**IN, **FOO}),
            rule({}, {"set_header_name": "X-MS-Foo", "set_header_value": "yes"}),
            rule(IN, exceptions=FOO),
        ],
        IN,
        {"headers": {"X-MS-Foo": "no"}},
    ),
    "an alias in the From field": Case(
        [rule(header("From", "robert"), STOP), rule(IN)], ANYBODY_FROM_BOB, {"from": "robert@contoso.com"}, facts=ROBERT
    ),
    "a name in the From field": Case(
        [rule(header("From", "Board Member"), STOP), rule(IN)],
        IN,
        {"headers": {"From": "Board Member <bob@contoso.com>"}},
    ),
    "the importance of normal mail": Case(
        [rule(header("Importance", "normal"), STOP), rule(IN)], IN, {"headers": {"Importance": "normal"}}
    ),
    "a member of a group whom a rule adds": Case(
        [rule({}, {"add_to_recipients": ["x@contoso.com"]}), rule(IN, exceptions=TO_GROUP)],
        {**IN, "sent_to": ["ann@fabrikam.com"]},
        {},
        unless=TO_GROUP,
        facts=directory("x@contoso.com", groups={"g@contoso.com": ["x@contoso.com"]}),
    ),
    "a relation, and somebody whom a rule adds": Case(
        [rule({}, {"copy_to": ["x@contoso.com"]}), rule({**IN, **MANAGES})],
        {**IN, "sent_to": ["amy@contoso.com"], **MANAGES},
        {"to": ["amy@contoso.com"]},
        facts=directory("x@contoso.com", "amy@contoso.com", managers={"amy@contoso.com": "bob@contoso.com"}),
    ),
    "an alias of somebody whom a rule adds": Case(
        [rule({}, {"blind_copy_to": ["pr@contoso.com"]}), rule(IN, exceptions=SECRET)],
        {**IN, "sent_to": ["ann@fabrikam.com"]},
        {},
        unless=SECRET,
        facts={**DOMAINS, "proxy_addresses": {"pr@contoso.com": "boss.secret@contoso.com"}},
    ),
    "somebody whom a rule adds, and who leaves": Case(
        [
            rule({}, {"copy_to": ["x@contoso.com"]}),
            rule(IN, exceptions={"any_of_recipient_address_contains_words": ["x"]}),
            rule({"recipient_domain_is": ["fabrikam.com"]}, MINOR),
            rule({**IN, "any_of_recipient_address_contains_words": ["x"]}),
        ],
        {**IN, "sent_to": ["ann@fabrikam.com"]},
        {},
        says="refuted",  # by a message that somebody else gets, who has the word
    ),
    "a scope that is open for each recipient": Case(
        [
            rule({"sent_to_scope": "ExternalPartner"}, MINOR),
            rule({**IN, "any_of_recipient_address_contains_words": ["ann"]}),
        ],
        {**IN, "any_of_recipient_address_contains_words": ["ann"]},
        {"to": ["ann@fabrikam.com", "joe@x.com"]},
    ),
    "a member of the group that the sender wrote to": Case(
        [rule(IN, exceptions={"sent_to": ["staff@contoso.com"]}, recipient_address_type="Original")],
        {**IN, "sent_to": ["bob@contoso.com"]},
        {"to": ["staff@contoso.com"]},
        facts=STAFF,
    ),
    "a group in the To field, whose members leave": Case(
        [rule({"recipient_domain_is": ["fabrikam.com"]}, MINOR), rule({**IN, "any_of_to_header": ["g@contoso.com"]})],
        {**IN, "any_of_to_header": ["g@contoso.com"]},
        {"to": ["g@contoso.com", "bob@contoso.com"]},
        unless={"recipient_domain_is": ["fabrikam.com"]},
        facts={**DOMAINS, "groups": {"g@contoso.com": ["ann@fabrikam.com"]}},
    ),
    "a group in the To field, whose members are called something else": Case(
        [rule({**IN, "any_of_recipient_address_contains_words": ["staff"]}), rule({}, STOP, mode="Audit"), rule(IN)],
        {**IN, "any_of_to_header": ["staff@contoso.com"]},
        {"to": ["staff@contoso.com"]},
        facts=STAFF,
    ),
    "an alias in a field, for two types of addresses": Case(
        [
            rule(IN, exceptions={"any_of_to_header": ["bob@contoso.com"]}),
            rule({**IN, "any_of_to_header": ["bob@contoso.com"]}, recipient_address_type="Original"),
        ],
        IN,
        {"to": ["robert@contoso.com"]},
        facts=ROBERT,
        emulated=False,
    ),
}


def verdict(case: Case) -> Values:
    (found,) = prove(named(*case.rules), case.facts, [case.claim.option()], NOW)
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_may_break_is_not_proved(case: Case) -> None:
    found = verdict(case)
    assert found["verdict"] == case.says
    if case.says == "refuted":
        assert wrong_counterexample(found["counterexample"], case.claim, named(*case.rules), case.tenant) == ""


@pytest.mark.parametrize(
    "case",
    [each for each in CASES.values() if each.emulated],
    ids=[name for name, each in CASES.items() if each.emulated],
)
def test_the_emulator_says_so_too(case: Case) -> None:
    (found,) = SmallWorld(case.tenant, [case.message]).verdicts(named(*case.rules), [case.claim])
    assert found.says in ("refuted", "unknown")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_simulator_does_not_say_that_it_is_protected(case: Case) -> None:
    """It may if it names a guess."""
    simulator = Simulator(RuleSet(named(*case.rules)), facts_of(case.facts))
    found: Mapping[str, Any] = simulator.run(message_of({**case.message, "date": NOW}, "", "message"))["recipients"]
    assert any(each["protection"] in ("none", "unknown") or each.get("assumes") for each in found.values())


def test_the_address_of_a_witness_outside_of_all_ranges_is_in_none() -> None:
    found = verdict(Case([rule({**IN, "sender_ip_ranges": ["192.0.2.0/24"]})], IN, {}))
    assert (found["verdict"], found["counterexample"]["message"]["sender_ip"]) == ("refuted", "198.51.100.254")
    everything = verdict(Case([rule({**IN, "sender_ip_ranges": ["0.0.0.0/0", "::/0"]})], IN, {}))
    assert everything["verdict"] == "unknown"


@pytest.mark.parametrize("option", ["recipient_ad_attribute_contains_words", "recipient_ad_attribute_matches_patterns"])
def test_what_the_directory_says_does_not_depend_on_the_address_that_was_written(option: str) -> None:
    attribute = {option: ["Department:Sales"]}
    rules = named(rule({**IN, **attribute}, recipient_address_type="Original"))
    facts = directory("amy@contoso.com", attributes={"amy@contoso.com": {"department": "Sales"}, "bob@contoso.com": {}})
    claims = [
        Claim({**IN, "sent_to": [who]}, {}, "not_in_clear").option(who)
        for who in ("amy@contoso.com", "bob@contoso.com")
    ]
    assert [each["verdict"] for each in prove(rules, facts, claims, NOW)] == ["proved", "refuted"]
    assert lint(rules, facts, NOW) == []
    assert [row["kind"] for row in difference(rules, [], facts, NOW).rows] == ["protection_lost"]


@pytest.mark.parametrize("option", ["add_to_recipients", "copy_to", "blind_copy_to", "redirect_message_to"])
def test_one_person_is_a_list_of_one(option: str) -> None:
    one, several = ([*named(rule(IN, {option: people}), rule(IN))] for people in ("new@x.com", ["new@x.com"]))
    claim = Claim({**IN, "sent_to": ["new@x.com"]}, {}, "not_in_clear").option()
    assert prove(one, DOMAINS, [claim], NOW) == prove(several, DOMAINS, [claim], NOW)
    assert difference(one, several, DOMAINS, NOW).rows == []
    assert lint(one, DOMAINS, NOW) == lint(several, DOMAINS, NOW)


@pytest.mark.parametrize(
    "limit",
    [
        {"attachment_extension_matches_words": ["pdf"]},
        {"attachment_extension_matches_words": ["docx", ".PDF"]},
        *(
            {"attachment_name_matches_patterns": [pattern]}
            for pattern in (r"\.pdf$", r"\.(pdf|docx)$", r"\.pdf\b", ".")
        ),
    ],
)
def test_no_guarantee_about_pdf_documents_assumes_that_there_are_none(limit: Values) -> None:
    case = Case([rule(IN)], {**IN, **limit}, {"attachments": [PDF]}, facts=NO_PDF_ENCRYPTION)
    assert verdict(case)["verdict"] == "unknown"
    (found,) = SmallWorld(case.tenant, [case.message]).verdicts(named(*case.rules), [case.claim])
    assert found.says in ("unknown", "empty")


@pytest.mark.parametrize(
    "limit", [{}, {"attachment_name_matches_patterns": [r"\.docx$"]}, {"attachment_contains_words": ["pdf"]}]
)
def test_other_guarantees_assume_that_there_are_no_pdf_documents(limit: Values) -> None:
    found = verdict(Case([rule(IN)], {**IN, **limit}, {}, facts=NO_PDF_ENCRYPTION))
    assert (found["verdict"], "U25" in {each["id"] for each in found["assumptions"]}) == ("proved", True)


def test_conditions_take_an_alias_in_a_field_alike() -> None:
    """Whoever is found in the To field is found in the To or Cc field, too, at whatever address."""
    bob = ["bob@contoso.com"]
    rules = [rule(IN, exceptions={"any_of_to_header": bob}), rule({**IN, "any_of_to_cc_header": bob})]
    case = Case(rules, IN, {"to": ["robert@contoso.com"]}, facts=ROBERT)
    assert verdict(case)["verdict"] == "proved"
    (found,) = SmallWorld(case.tenant, [case.message]).verdicts(named(*case.rules), [case.claim])
    assert found.says == "proved"


def test_each_setting_of_the_spam_confidence_level_may_be_seen() -> None:
    """A rule that sees what earlier ones set sees the last level: the second rule does not act then, nor does the last."""
    seen = {"scl_over": 5}
    rules = [rule({}, {"set_scl": "-1"}), rule({**IN, **seen}), rule({}, {"set_scl": "9"}), rule(IN, exceptions=seen)]
    assert verdict(Case(rules, IN, {}))["verdict"] == "unknown"
    assert verdict(Case([rules[0], rules[1], rules[3]], IN, {}))["verdict"] == "proved"
