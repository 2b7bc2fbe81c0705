# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws of the simulator over random rules, messages and facts."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    FACT_KEYS,
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.decider import MessageDecider
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import (
    Simulator,
    result,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import Passage
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rounds import rounds

INSIDE = ["megan@contoso.com", "adele@contoso.com", "bob@eu.contoso.com", "helpdesk@contoso.com"]
OUTSIDE = ["ann@fabrikam.com", "joe@eu.fabrikam.com", "guest@northwind.com", "x@sister.com"]
GROUP = "sales@contoso.com"
ADDRESSES = [*INSIDE, *OUTSIDE]
WORDS = ["secure", "encrypt:", "sales quote", "fabrikam", "Ä1"]
TEXTS = ["", "Secure: report", "please encrypt:now", "sales  quote", "[secure] ä1 _secure_", "nothing\nsecure"]
PATTERNS = ["^sec", r"\d+", "(?=x)", "a|e", "*x", "@fabrikam\\.com$"]


def _some(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


def _condition(option: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({option: values})


_ONE_CONDITION = st.one_of(
    _condition("from_scope", st.sampled_from(["InOrganization", "NotInOrganization"])),
    _condition("sent_to_scope", st.sampled_from(["InOrganization", "NotInOrganization", "ExternalPartner"])),
    *(
        _condition(option, _some(ADDRESSES))
        for option in ("from", "sent_to", "any_of_to_header", "any_of_to_cc_header", "any_of_cc_header")
    ),
    *(
        _condition(option, _some([GROUP, "gone@contoso.com"]))
        for option in ("from_member_of", "sent_to_member_of", "any_of_to_header_member_of")
    ),
    *(
        _condition(option, _some(["fabrikam.com", "contoso.com", "com"]))
        for option in ("sender_domain_is", "recipient_domain_is")
    ),
    *(
        _condition(f"{place}_contains_words", _some(WORDS))
        for place in (
            "subject",
            "subject_or_body",
            "from_address",
            "recipient_address",
            "any_of_recipient_address",
            "attachment",
        )
    ),
    *(
        _condition(f"{place}_matches_patterns", _some(PATTERNS))
        for place in (
            "subject",
            "subject_or_body",
            "from_address",
            "recipient_address",
            "any_of_recipient_address",
            "attachment_name",
        )
    ),
    st.fixed_dictionaries(
        {
            "header_contains_message_header": st.sampled_from(["X-A", "Subject", "Received"]),
            "header_contains_words": _some(WORDS),
        }
    ),
    _condition("attachment_extension_matches_words", _some(["exe", "zip"])),
    _condition("attachment_size_over", st.sampled_from(["10B", "1MB"])),
    _condition("message_size_over", st.sampled_from(["10B", "1MB"])),
    _condition("message_type_matches", st.sampled_from(["PermissionControlled", "Encrypted", "OOF", "AutoForward"])),
    _condition("with_importance", st.sampled_from(["High", "Normal"])),
    _condition("scl_over", st.sampled_from([-1, 5])),
    _condition("sender_management_relationship", st.sampled_from(["Manager", "DirectReport"])),
    _condition("recipient_ad_attribute_contains_words", _some(["Department:Sales"])),
    _condition("has_classification", st.just("secret")),
    _condition("which nobody knows", st.just(True)),
)
_SECTION = st.lists(_ONE_CONDITION, max_size=2).map(
    lambda found: {option: value for each in found for option, value in each.items()}
)
_ACTIONS = st.lists(
    st.sampled_from(
        [
            *({"apply_rights_protection_template": name} for name in ("Encrypt", "Encrypt", "Do Not Forward")),
            {"remove_ome_v2": True},
            {"apply_rights_protection_customization_template": "Branding"},
            {"stop_rule_processing": True},
            {"reject_message_reason_text": "no"},
            {"delete_message": True},
            {"quarantine": True},
            {"redirect_message_to": ["adele@contoso.com"]},
            {"copy_to": ["joe@eu.fabrikam.com"]},
            {"moderate_message_by_manager": True},
            {"prepend_subject": "[secure] "},
            {"set_header_name": "X-A", "set_header_value": "secure"},
            {"remove_header": "X-A"},
            {"apply_classification": "secret"},
            {"set_scl": 5},
            {"apply_html_disclaimer_text": "<p>secure</p>"},
            {"apply_html_disclaimer_text": "<p>secure</p>", "apply_html_disclaimer_fallback_action": "Ignore"},
            {"generate_notification": "matched"},
        ]
    ),
    min_size=1,
    max_size=2,
).map(lambda found: {option: value for each in found for option, value in each.items()})


@st.composite
def rule_sets(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        {
            "name": f"R{place}",
            "mode": draw(st.sampled_from(["Enforce", "Enforce", "Enforce", "Audit", "AuditAndNotify"])),
            "enabled": draw(st.sampled_from([True, True, True, False])),
            "sender_address_location": draw(st.sampled_from(["Header", "Header", "Envelope", "HeaderOrEnvelope"])),
            "recipient_address_type": draw(st.sampled_from(["Resolved", "Resolved", "Original"])),
            "conditions": draw(_SECTION),
            "exceptions": draw(_SECTION) if draw(st.booleans()) else {},
            "actions": draw(_ACTIONS),
        }
        for place in range(draw(st.integers(1, 5)))
    ]


_PROTECTIONS = [
    *(None, None, None),
    {"kind": "encrypt", "owner": "own"},
    {"kind": "template:X", "owner": "other"},
    {"kind": "smime", "owner": "other"},
    {"kind": "smime_signed"},
]


@st.composite
def messages(draw: st.DrawFn) -> Message:
    options = {
        "from": draw(st.sampled_from(ADDRESSES)),
        "mail_from": draw(st.sampled_from([None, None, "", "bob@eu.contoso.com"])),
        "authenticated": draw(st.sampled_from([True, True, False, None])),
        "to": draw(st.lists(st.sampled_from([*ADDRESSES, GROUP]), min_size=1, max_size=3, unique=True)),
        "cc": draw(st.lists(st.sampled_from(ADDRESSES), max_size=1)),
        "bcc": draw(st.lists(st.sampled_from(ADDRESSES), max_size=1)),
        "subject": draw(st.sampled_from(TEXTS)),
        "body": draw(st.sampled_from(TEXTS)),
        "headers": draw(st.sampled_from([{}, {"X-A": "secure"}])),
        "attachments": draw(
            st.sampled_from(
                [[], [{"name": "a.zip", "size": 10}], [{"name": "1.exe", "text": "secure", "size": 2 << 20}]]
            )
        ),
        "type": draw(st.sampled_from([None, None, None, "OOF", "AutoForward", "NDR"])),
        "scl": draw(st.sampled_from([None, 5])),
        "size": draw(st.sampled_from([None, None, 30 << 20])),
        "protection": draw(st.sampled_from(_PROTECTIONS)),
    }
    return message_of(options, "", "m")


FACTS: dict[str, Any] = {
    "accepted_domains": [{"name": "contoso.com", "match_subdomains": True}],
    "remote_domains": [{"domain_name": "sister.com", "is_internal": True}, {"domain_name": "*", "is_internal": False}],
    "mailboxes": ["megan@contoso.com", "adele@contoso.com", "bob@eu.contoso.com"],
    "mail_users": ["guest@northwind.com"],
    "groups": {
        GROUP: ["megan@contoso.com", "ann@fabrikam.com", "inner@contoso.com"],
        "inner@contoso.com": ["bob@eu.contoso.com"],
        "gone@contoso.com": [],
    },
    "managers": {"megan@contoso.com": "adele@contoso.com"},
    "attributes": {address: {"Department": "Sales"} for address in INSIDE},
    "proxy_addresses": {"helpdesk@contoso.com": "adele@contoso.com"},
}
#: Facts that can be hidden: without groups and secondary addresses the recipients would be others.
HIDDEN = sorted(set(FACTS) & set(FACT_KEYS) - {"groups", "proxy_addresses", "mail_users"})


def _answer(rules: list[dict[str, Any]], message: Message, facts: Facts, *, everything: bool = False) -> dict[str, Any]:
    rule_set = RuleSet(rules)
    decider = MessageDecider(rule_set, message, facts, everything=everything)
    courses = Passage(rule_set, message, facts, decider).courses()
    found = {course.recipient.label: result(course, rule_set, message, facts) for course in courses}
    return {label: described.as_row() for label, described in found.items() if described is not None}


@given(rule_sets(), messages())
@settings(max_examples=rounds(100))
def test_passing_over_rules_changes_no_answer(rules: list[dict[str, Any]], message: Message) -> None:
    facts = facts_of(FACTS)
    assert _answer(rules, message, facts) == _answer(rules, message, facts, everything=True)


def test_a_rule_is_passed_over_unless_the_message_has_something_for_each_of_its_conditions() -> None:
    domain = {"recipient_domain_is": ["fabrikam.com"]}
    conditions = [{"subject_contains_words": ["quote"], **domain}, domain, {}]
    rules = RuleSet([{"name": str(place), "conditions": each} for place, each in enumerate(conditions)])
    by_word = rules.needs_met_by_words(("subject word",), frozenset({"quote"}))
    by_domain = rules.needs_met([("recipient domain", "fabrikam.com")])
    found = [rules.candidates(met) for met in (0, by_word, by_domain, by_word | by_domain)]
    assert found == [0b100, 0b100, 0b110, 0b111]


@given(rule_sets(), messages())
@settings(deadline=None)
def test_results_have_no_nulls_and_are_the_same_again(rules: list[dict[str, Any]], message: Message) -> None:
    first = json.dumps(worded(Simulator(rules, facts_of(FACTS)).run(message)))
    assert "null" not in first
    turned = [
        dict(
            reversed(
                [
                    (key, dict(reversed(value.items())) if isinstance(value, dict) else value)
                    for key, value in rule.items()
                ]
            )
        )
        for rule in rules
    ]
    assert json.dumps(worded(Simulator(turned, facts_of(FACTS)).run(message))) == first


@given(rule_sets(), messages(), st.sets(st.sampled_from(HIDDEN), min_size=1))
@settings(max_examples=rounds(100))
def test_what_is_said_without_a_fact_stays_true_with_it(
    rules: list[dict[str, Any]], message: Message, hidden: set[str]
) -> None:
    whole = _answer(rules, message, facts_of(FACTS))
    partial = _answer(rules, message, facts_of({key: value for key, value in FACTS.items() if key not in hidden}))
    for recipient in set(whole) & set(partial):
        _stays(partial[recipient], whole[recipient])


def _stays(partial: dict[str, Any], whole: dict[str, Any]) -> None:
    """What the partial answer says without a guess, the whole one says, too, unless that knows less for another reason."""
    if partial.get("assumes") or whole.get("assumes"):
        return
    for key in ("fate", "protection"):
        said = partial.get(key, "unknown")
        assert "unknown" in said or whole.get(key, "unknown") == said or "unknown" in whole.get(key, "unknown"), (
            key,
            partial,
            whole,
        )
    sure = [rule["name"] for rule in partial["rules"] if rule["matched"] is True]
    assert set(sure) <= {rule["name"] for rule in whole["rules"]}


@given(rule_sets(), messages())
@settings(deadline=None)
def test_every_unknown_has_a_reason_and_every_answer_its_keys(rules: list[dict[str, Any]], message: Message) -> None:
    for described in _answer(rules, message, facts_of({})).values():
        _has_its_keys(described)


def _has_its_keys(described: dict[str, Any]) -> None:
    doubtful = "unknown" in (described["fate"], described.get("protection")) or any(
        rule["matched"] == "unknown" for rule in described["rules"]
    )
    assert bool(described.get("unknown")) >= doubtful
    assert ("protection" in described) is (described["fate"] in ("delivered", "unknown"))
    assert ("after_approval" in described) is (described["fate"] == "moderated")
    assert ("after_release" in described) is (described["fate"] == "quarantined")
    for later in ("after_approval", "after_release"):
        if later in described:
            _has_its_keys(described[later])


def test_where_a_disclaimer_does_not_fit_its_fallback_decides() -> None:
    text = {"apply_html_disclaimer_text": "<p>Confidential.</p>"}
    said = {
        "from": "alexw@contoso.com",
        "authenticated": True,
        "to": ["ann@fabrikam.com"],
        "disclaimer_insertable": False,
    }
    fates = {}
    for fallback in ("Wrap", "Reject", "Ignore"):
        actions = {**text, "apply_html_disclaimer_fallback_action": fallback}
        rules = [{"name": "Disclaimer", "conditions": {}, "actions": actions}]
        (found,) = Simulator(rules, facts_of(FACTS)).run(message_of(said, "", "m"))["recipients"].values()
        fates[fallback] = found["fate"]
    assert fates == {"Wrap": "delivered", "Reject": "rejected", "Ignore": "delivered"}


def test_a_size_is_over_a_limit_beyond_it_and_open_exactly_at_it() -> None:
    """Microsoft's pages disagree about exactly the limit (U23)."""
    limit = 10 << 20
    for option in ("message_size_over", "attachment_size_over"):
        rules = [{"name": "R", "priority": 0, "conditions": {option: "10MB"}, "exceptions": {}, "actions": {}}]
        for size, matched in ((limit - 1, None), (limit, "unknown"), (limit + 1, True)):
            whole = size if option == "message_size_over" else limit * 3
            said = {"from": INSIDE[0], "to": [INSIDE[1]], "size": whole, "attachments": [{"name": "a", "size": size}]}
            (found,) = Simulator(rules, facts_of(FACTS)).run(message_of(said, "", "m"))["recipients"].values()
            assert [rule["matched"] for rule in found["rules"]] == ([] if matched is None else [matched])
