# SPDX-License-Identifier: GPL-3.0-or-later
"""Two actions in one rule, in front of a rule that encrypts: what the simulator, the emulator's mail flow and the
proofs make of every pair.

A rule that asks for an approval does nothing else, neither stop; to copy and to block a message takes two rules.
Source: Microsoft's pages "Mail flow rules" and "Best practices for configuring mail flow rules". Whether a rule adds
recipients to a message that it redirects is not documented.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.rule_trace import Tracer

from tests.emulator.mail_flow import MailFlow
from tests.unit.mail_flow.answers import lint
from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.comparison import certain, contradiction, disagreement, simulated
from tests.unit.mail_flow.deciding import proofs
from tests.unit.mail_flow.oracle import wrong_verdict
from tests.unit.mail_flow.small_worlds import TENANT, THENS, Claim, SmallWorld
from tests.unit.mail_flow.translation import facts, stored

Values = dict[str, Any]

COPIED, MOVED, BOSS, ANN = "copied@northwind.com", "moved@northwind.com", "bob@contoso.com", "ann@fabrikam.com"
ACTIONS: dict[str, Values] = {
    "moderate": {"moderate_message_by_user": ["bob@contoso.com"]},
    "moderate by manager": {"moderate_message_by_manager": True},
    "stop": {"stop_rule_processing": True},
    "encrypt": {"apply_rights_protection_template": "Encrypt"},
    "copy": {"copy_to": [COPIED]},
    "add": {"add_to_recipients": ["added@northwind.com"]},
    "add manager": {"add_manager_as_recipient_type": "Cc"},
    "redirect to manager": {"add_manager_as_recipient_type": "Redirect"},
    "delete": {"delete_message": True},
    "quarantine": {"quarantine": True},
    "reject": {"reject_message_reason_text": "no"},
    "redirect": {"redirect_message_to": [MOVED]},
    "prefix": {"prepend_subject": "secure "},
    "set header": {"set_header_name": "X-Class", "set_header_value": "yes"},
    "disclaim": {"apply_html_disclaimer_text": "<p>top</p>", "apply_html_disclaimer_fallback_action": "Ignore"},
    "report": {"generate_incident_report": "bob@contoso.com"},
}
ENCRYPT = ACTIONS["encrypt"]
TENANTS = {
    "a manager": {**TENANT, "managers": {"megan@contoso.com": BOSS}},
    "no manager": TENANT,
    "managers unknown": {key: value for key, value in TENANT.items() if key != "managers"},
}
PAIRS = [pair for pair in itertools.combinations(ACTIONS, 2) if not {*pair} >= {"add manager", "redirect to manager"}]
#: What is known of managers matters to the pairs that ask for one; beside every other pair "make test-all" has it, too.
TRIED = [
    pytest.param("a manager", PAIRS, id="a manager"),
    *(
        pytest.param(tenant, [pair for pair in PAIRS if any("manager" in name for name in pair)], id=tenant)
        for tenant in ("no manager", "managers unknown")
    ),
    *(
        pytest.param(tenant, PAIRS, id=f"{tenant}, all pairs", marks=pytest.mark.matrix)
        for tenant in ("no manager", "managers unknown")
    ),
]
#: Pairs that Exchange calls exclusive, or of which nobody says which counts.
EXCLUSIVE = {"delete", "quarantine", "reject", "redirect", "redirect to manager"}


def rules_of(*names: str, mode: str = "Enforce") -> list[Values]:
    """A rule with these actions, and one that encrypts mail of which the subject has not become another."""
    actions = {option: value for name in names for option, value in ACTIONS[name].items()}
    first: Values = {
        "name": "First",
        "priority": 0,
        "state": "Enabled",
        "mode": mode,
        "conditions": {"from_scope": "InOrganization"},
        "actions": actions,
    }
    second = {**first, "name": "Second", "priority": 1, "mode": "Enforce", "actions": ENCRYPT}
    return [{**first, "exceptions": {}}, {**second, "exceptions": {"subject_contains_words": ["secure"]}}]


def message(*to: str, kind: str = "none") -> Values:
    made: Values = {
        "from": "megan@contoso.com",
        "mail_from": "megan@contoso.com",
        "authenticated": True,
        "to": list(to or [ANN]),
        "cc": [],
        "bcc": [],
    }
    protection = (
        {"kind": kind, "owner": "own"}
        if kind == "encrypt"
        else {"kind": kind, "owner": "other"}
        if kind == "smime"
        else {"kind": kind}
    )
    return {**made, "subject": "offer", "body": "", "headers": {}, "attachments": [], "protection": protection}


MESSAGES = [message(), message(ANN, "joe@northwind.com"), message(kind="encrypt"), message(kind="smime")]


def of_everybody(tenant: Values, rules: Sequence[Values], sent: Values) -> str:
    """What the simulator and the emulator disagree about, also of those whom rules add: there is one way to each of
    them.
    """
    if wrong := disagreement(tenant, list(rules), sent):
        return wrong
    loose = MailFlow([stored(rule) for rule in rules], facts(tenant)).deliver(sent, independent=True)["recipients"]
    for address, result in simulated(tenant, list(rules), sent).items():
        if wrong := contradiction(certain(loose[address], by=False), result):
            return f"{address}: knows less than can be known: {wrong}"
    return ""


@pytest.mark.parametrize(("tenant", "pairs"), TRIED)
def test_simulator_and_emulator_agree(tenant: str, pairs: Sequence[tuple[str, str]]) -> None:
    tried = itertools.product(pairs, ("Enforce", "Audit", "AuditAndNotify"), MESSAGES)
    found = [
        (pair, mode, of_everybody(TENANTS[tenant], rules_of(*pair, mode=mode), sent)) for pair, mode, sent in tried
    ]
    assert [case for case in found if case[-1]] == []


@pytest.mark.parametrize(("tenant", "pairs"), TRIED)
def test_proofs_agree_with_enumeration(tenant: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Of fates that exclude each other a proof need not say what it could: here neither it nor anybody else knows which
    of them a message meets.
    """
    assert [case for pair in pairs for case in wrong_proofs(pair, tenant)] == []


def wrong_proofs(pair: tuple[str, str], tenant: str) -> list[tuple[str, ...]]:
    """What the prover says of a rule with two actions, and is not so."""
    rules, facts_given = rules_of(*pair), TENANTS[tenant]
    claims = [
        Claim(when, {}, then)
        for then in THENS
        for when in ({"from_scope": "InOrganization"}, {"recipient_domain_is": ["northwind.com"]})
    ]
    answers = {
        answer["name"]: answer
        for answer in proofs(rules, facts_given, [claim.option(str(place)) for place, claim in enumerate(claims)])
    }
    found: list[tuple[str, ...]] = []
    for place, (claim, verdict) in enumerate(
        zip(claims, SmallWorld(facts_given, MESSAGES).verdicts(rules, claims), strict=True)
    ):
        answer = answers[str(place)]
        if answer["verdict"] != "unknown" or len({*pair} & EXCLUSIVE) < 2:
            found.append((*pair, str(claim), wrong_verdict(answer, verdict, claim, rules, facts_given)))
    return [case for case in found if case[-1]]


def outcome(*names: str, tenant: str = "a manager", to: str = ANN, **sent: str) -> Values:
    """A recipient's result under the two rules; empty for somebody who gets nothing, nor would have."""
    simulator = Simulator(rules_of(*names), facts_of(TENANTS[tenant]))
    return dict(simulator.run(message_of(message(**sent), "", "message"))["recipients"].get(to, {}))


def ways(result: Values) -> list[str]:
    """The fates of a result, one behind the other, and its protection at the end."""
    later = result.get("after_approval") or result.get("after_release")
    return [result["fate"], *(ways(later) if later else [result.get("protection", "")])]


@pytest.mark.parametrize(
    ("names", "tenant", "expected"),
    [
        # What an approval lets through goes on to the next rules. Whether a rule that is told to stop then does is not
        # documented.
        (("moderate", "stop"), "a manager", ["moderated", "delivered", "unknown"]),
        (("moderate", "delete"), "a manager", ["moderated", "delivered", "encrypt"]),
        (("moderate", "redirect"), "a manager", ["moderated", "delivered", "encrypt"]),
        # The exception of the second rule shows that the subject has not become another.
        (("moderate", "prefix"), "a manager", ["moderated", "delivered", "encrypt"]),
        (("moderate by manager", "stop"), "a manager", ["moderated", "delivered", "unknown"]),
        (("moderate by manager", "quarantine"), "a manager", ["moderated", "delivered", "encrypt"]),
        # Where there is nobody to ask, the rule does the rest.
        (("moderate by manager", "stop"), "no manager", ["delivered", "none"]),
        (("moderate by manager", "encrypt", "stop"), "no manager", ["delivered", "encrypt"]),
        (("moderate by manager", "delete"), "no manager", ["deleted", ""]),
        (("moderate", "moderate by manager", "stop"), "no manager", ["moderated", "delivered", "unknown"]),
        (("moderate by manager", "stop"), "managers unknown", ["unknown", "unknown"]),
        (("redirect to manager", "encrypt"), "no manager", ["delivered", "encrypt"]),
        (("redirect to manager", "encrypt"), "a manager", ["redirected", ""]),
    ],
)
def test_beside_an_approval_a_rule_does_nothing(names: Sequence[str], tenant: str, expected: list[str]) -> None:
    assert ways(outcome(*names, tenant=tenant)) == expected


def test_an_approval_does_not_encrypt() -> None:
    """The second rule makes an exception here, so that nothing else encrypts."""
    for name, verdict in (("moderate", "refuted"), ("stop", "proved")):
        rules = rules_of(name, "encrypt")[:1]
        (answer,) = proofs(
            rules, TENANT, [{"name": "G", "when": {"from_scope": "InOrganization"}, "then": "not_in_clear"}]
        )
        assert answer["verdict"] == verdict
    (answer,) = proofs(
        rules_of("moderate", "stop"),
        TENANT,
        [{"name": "G", "when": {"from_scope": "InOrganization"}, "then": "not_in_clear"}],
    )
    assert answer["verdict"] == "refuted"
    assert answer["counterexample"]["message"]["subject"] == "secure"


def test_whether_an_approval_is_asked_for_where_s_mime_hides_what_the_rule_would_change_is_open() -> None:
    assert ways(outcome("moderate", "stop", kind="smime")) == ["moderated", "delivered", "smime"]
    assert outcome("moderate", "encrypt", kind="smime")["fate"] == "unknown"


def test_a_rule_that_is_only_tried_asks_nobody_and_may_stop() -> None:
    simulator = Simulator(rules_of("moderate", "stop", mode="Audit"), facts_of(TENANT))
    result = simulator.run(message_of(message(), "", "message"))["recipients"][ANN]
    assert (ways(result), result["assumes"]) == (["delivered", "encrypt"], ["U08"])


@pytest.mark.parametrize(
    ("block", "fate"), [("delete", "deleted"), ("reject", "rejected"), ("quarantine", "quarantined")]
)
def test_whom_a_rule_adds_shares_its_block(block: str, fate: str) -> None:
    for adds, to in (("copy", COPIED), ("add manager", BOSS)):
        assert [outcome(adds, block, to=each)["fate"] for each in (ANN, to)] == [fate, fate]
        assert outcome(adds, "stop", to=to)["fate"] == "delivered"
    when = {"recipient_domain_is": ["northwind.com"]}
    (answer,) = proofs(
        rules_of("copy", block)[:1],
        TENANT,
        [{"name": "G", "when": {**when, "from_scope": "InOrganization"}, "then": "not_in_clear"}],
    )
    assert answer["verdict"] == ("refuted" if block == "quarantine" else "proved")


@pytest.mark.parametrize("block", ["delete", "reject"])
def test_a_block_behind_the_rule_that_copies_may_leave_the_copy_alone(block: str) -> None:
    """Two rules are the documented way to copy a message and to block it; that the second leaves the copy alone is said
    nowhere (U09).
    """
    rules = [*rules_of("copy")[:1], {**rules_of(block)[0], "name": "Second", "priority": 1}]
    for sent in MESSAGES:
        assert of_everybody(TENANT, rules, sent) == ""
    results = Simulator(rules, facts_of(TENANT)).run(message_of(message(), "", "message"))["recipients"]
    assert results[COPIED]["fate"] == "unknown"
    assert [each["id"] for each in results[COPIED]["unknown"]] == ["U09"]
    assert results[ANN]["fate"] != "unknown"
    claim = Claim({"from_scope": "InOrganization", "recipient_domain_is": ["northwind.com"]}, {}, "not_in_clear")
    (answer,) = proofs(rules, TENANT, [claim.option()])
    (verdict,) = SmallWorld(TENANT, MESSAGES).verdicts(rules, [claim])
    assert wrong_verdict(answer, verdict, claim, rules, TENANT) == ""
    assert answer["verdict"] == "unknown"


def test_which_of_two_ways_a_message_comes_to_be_seen_matters_to_no_claim() -> None:
    """Whether S/MIME keeps a rule from its quarantine is open; the message is seen in either case."""
    rules = rules_of("encrypt", "quarantine")[:1]
    claim = Claim({"from_scope": "InOrganization", "message_type_matches": "Encrypted"}, {}, "not_in_clear", "Encrypt")
    (answer,) = proofs(rules, TENANT, [claim.option()])
    assert answer["verdict"] == "refuted"


@pytest.mark.parametrize("redirects", ["redirect", "redirect to manager"])
def test_whether_a_rule_adds_to_what_it_redirects_is_open(redirects: str) -> None:
    found_for = outcome("copy", redirects, to=COPIED)
    assert found_for["fate"] == "unknown"
    assert [each["id"] for each in found_for["unknown"]] == ["U00"]
    assert outcome("copy", redirects)["fate"] == "redirected"
    assert outcome("copy", "redirect to manager", tenant="no manager", to=COPIED)["fate"] == "delivered"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (
            ("moderate", "encrypt"),
            "asks for an approval and then takes no further action: Exchange ignores its apply_rights_protection_template",
        ),
        (
            ("moderate by manager", "prefix"),
            "asks for an approval, if the sender has a manager, and then takes no further action: Exchange ignores",
        ),
        (("moderate", "stop"), "asks for an approval: whether it then stops the later rules is not documented"),
        (("copy", "delete"), "has copy_to, which has no effect beside delete_message: that takes two rules"),
        (("prefix", "reject"), "has prepend_subject, which has no effect beside reject_message_reason_text"),
        (("copy", "redirect"), "has copy_to: whether that does anything beside redirect_message_to is not documented"),
        (
            ("copy", "redirect to manager"),
            "has copy_to: whether that does anything beside add_manager_as_recipient_type is not documented",
        ),
    ],
)
def test_lint_tells_of_actions_that_are_not_done(names: Sequence[str], reason: str) -> None:
    (told,) = [each for each in lint(rules_of(*names), TENANT, NOW) if each["kind"] == "actions_left_undone"]
    assert (told["rules"], reason in told["reason"]) == (["First"], True)


@pytest.mark.parametrize(
    "names",
    [
        ("moderate",),
        ("moderate", "report"),
        ("prefix", "quarantine"),
        ("copy", "encrypt"),
        ("delete", "stop"),
        ("redirect", "stop"),
    ],
)
def test_lint_tells_of_nothing_else(names: Sequence[str]) -> None:
    kinds = [each["kind"] for mode in ("Enforce", "Audit") for each in lint(rules_of(*names, mode=mode), TENANT, NOW)]
    assert kinds.count("actions_left_undone") == (names == ("moderate", "report"))


def test_a_prefix_is_no_way_to_the_manager() -> None:
    (first, *_others) = rules_of("copy")
    prefixed = {**first, "actions": {**first["actions"], "prepend_subject": "Redirect"}}
    assert not [each for each in lint([prefixed], TENANT, NOW) if each["kind"] == "actions_left_undone"]


def test_a_trace_shows_what_is_done() -> None:
    for names, tenant, done in (
        (("moderate", "stop"), "no manager", ["moderate_message_by_user"]),
        (("moderate by manager", "stop"), "a manager", ["moderate_message_by_manager"]),
        (("moderate by manager", "stop"), "no manager", ["stop_rule_processing"]),
    ):
        (entry, *_later) = Tracer(
            RuleSet(rules_of(*names)), message_of(message(), "", "message"), facts_of(TENANTS[tenant])
        ).trace(ANN)
        assert entry["actions"] == done
