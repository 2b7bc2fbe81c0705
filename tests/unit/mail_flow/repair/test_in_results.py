# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module says of suggestions, and of copies in clear."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    MailFlowContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.aims import (
    as_options,
    unwritten,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestion_row import (
    SuggestionRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_texts,
)
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_test
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.diff import to_yaml

from tests.unit.mail_flow.dlp_worlds import policy

Values = dict[str, Any]

OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT: Values = {"name": "Encrypt", "conditions": OUT, "actions": {"apply_rights_protection_template": "Encrypt"}}
PARTNERS: Values = {
    "name": "Partners",
    "conditions": {"recipient_domain_is": ["fabrikam.com", "northwind.com"]},
    "actions": {"stop_rule_processing": True, "set_audit_severity": "Low"},
}
FACTS: Values = {
    "accepted_domains": ["contoso.com"],
    "remote_domains": [],
    "mailboxes": ["alexw@contoso.com"],
    "outbound_connectors": [],
}
FIRM: Values = {
    "name": "The law firm",
    "when": {**OUT, "recipient_domain_is": ["fabrikam.com"]},
    "then": "not_in_clear",
}
OFFER: Values = {"name": "Offer", "from": "alexw@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"]}


def flow(**options: Any) -> Values:
    """Runs the module as its action does."""
    spec = {name: value for name, value in mail_flow_test.SPEC.items() if name != "argument_spec"}
    given = json.loads(json.dumps({"rules": [PARTNERS, ENCRYPT], "facts": FACTS, **options}))
    validation, errors = validate(given, mail_flow_test.SPEC["argument_spec"], **spec)
    assert errors == []
    task = MailFlowContext(
        params=validation.validated_parameters,
        check_mode=False,
        session=None,
        find_file=lambda path: b"",
        to_yaml=to_yaml,
    )
    result: Values = mail_flow_test.run(task)
    return result


def explained(result: Values) -> list[str]:
    """The lines of the message without those that say what becomes of copies."""
    return [line for line in result["msg"].splitlines() if not line.startswith("  Offer, to")]


def test_a_suggestion_can_be_pasted_and_holds() -> None:
    result = flow(guarantees=[FIRM], suggest=True)
    first = result["suggestions"][0]
    edit = {"kind": "condition", "rule": "Partners", "option": "conditions.recipient_domain_is"}
    assert first["edits"] == [{**edit, "before": ["fabrikam.com", "northwind.com"], "after": ["northwind.com"]}]
    text = "Remove 'fabrikam.com' from the condition recipient_domain_is of the rule 'Partners'."
    assert (first["for"], first["text"]) == ("The law firm", text)
    assert [row["kind"] for row in first["difference"]] == ["protection_gained"]
    assert yaml.safe_load(first["yaml"]) == [first["rules"][0]]
    assert [line for line in first["diff"].splitlines() if line[:1] in "+-"][2:] == ["-      - fabrikam.com"]
    assert result["failed"] is True
    assert first["puts_right"].startswith("This puts right mail from ")
    assert f"{text} {first['puts_right']} {first['effect']}" in " ".join(result["msg"].split())
    assert (
        suggestion_texts(map(SuggestionRow.from_row, result["suggestions"]))[0]
        == f"The law firm: {text}\n{first['diff']}"
    )
    for each in result["suggestions"]:
        again = flow(rules=each["rules"], guarantees=[FIRM], suggest=True)
        assert (again["guarantees"][0]["verdict"], again["suggestions"], "failed" in again) == ("proved", [], False)
    assert "suggestions" not in flow(guarantees=[FIRM])


def test_of_several_kinds_of_mail_all_are_said_and_the_widest_first() -> None:
    inside = {"from_scope": "InOrganization"}
    encrypt = {"apply_rights_protection_template": "Encrypt"}
    firm = {**inside, "recipient_domain_is": ["fabrikam.com"]}
    rules = [
        {"name": "Newsletter", "conditions": firm, "actions": {"stop_rule_processing": True}},
        {"name": "Secret", "conditions": {**inside, "subject_contains_words": ["secret"]}, "actions": encrypt},
        {
            "name": "Archive",
            "conditions": {**inside, "subject_contains_words": ["offer"]},
            "actions": {"blind_copy_to": ["archive@vault.example"]},
        },
        {"name": "All", "enabled": False, "conditions": inside, "actions": encrypt},
    ]
    outgoing = {"name": "Out", "when": {**inside, "sent_to_scope": "NotInOrganization"}, "then": "not_in_clear"}
    rows = flow(rules=rules, guarantees=[outgoing], suggest=True)["suggestions"]
    several = [row for row in rows if len(row["difference"]) > 1 and "'All'" in row["text"]]
    assert several
    for row in several:
        assert row["effect"].startswith("Once this is applied: Mail from inside is now encrypted")
        assert row["effect"].count(". ") == len(row["difference"]) - 1
        assert "of which" not in row["effect"]


def test_of_a_copy_that_a_rule_makes_the_rule_is_said() -> None:
    inside = {"from_scope": "InOrganization"}
    encrypt = {"apply_rights_protection_template": "Encrypt"}
    copies = {
        "name": "Archive",
        "conditions": {**inside, "sent_to_scope": "InOrganization", "subject_contains_words": ["offer"]},
        "actions": {"blind_copy_to": ["archive@vault.example"]},
    }
    rules = [ENCRYPT, copies, {"name": "All", "enabled": False, "conditions": inside, "actions": encrypt}]
    outgoing = {"name": "Out", "when": OUT, "then": "not_in_clear"}
    first = flow(rules=rules, guarantees=[outgoing], suggest=True)["suggestions"][0]
    assert first["text"].startswith("Enable the rule 'All'.")
    assert "with the subject 'offer', which the rule 'Archive' copies to archive@vault.example." in first["puts_right"]


def test_mail_of_which_only_a_part_changes_is_named_by_that_part() -> None:
    anybody = {"name": "Firm", "enabled": False, "conditions": {"recipient_domain_is": ["fabrikam.com"]}}
    rules = [{**anybody, "actions": {"apply_rights_protection_template": "Encrypt"}}]
    first = flow(rules=rules, guarantees=[FIRM], suggest=True)["suggestions"][0]
    assert first["effect"].startswith("Once this is applied: Mail from inside to fabrikam.com is now encrypted")
    assert "not from inside" not in first["effect"]


def test_where_nothing_is_found_it_says_what_was_tried() -> None:
    clear = {**OFFER, "expect": {"ann@fabrikam.com": {"protection": "none"}}}
    result = flow(rules=[ENCRYPT], guarantees=[FIRM], messages=[clear], suggest=True, fail_on_error=False)
    (row,) = result["suggestions"]
    assert (row["for"], row["edits"], row["tried"]["complete"]) == ("Offer", [], True)
    assert row["tried"]["edits"] > 1
    assert row["text"].startswith(f"No edit was found that helps: {row['tried']['edits']} edits and ")
    assert row["text"].endswith(" What would put its message right breaks 'The law firm'.")
    assert set(row) == {"for", "edits", "text", "tried"}


def test_two_guarantees_that_contradict_each_other_are_named_with_a_message() -> None:
    result = flow(rules=[], guarantees=[{**FIRM, "name": "Clear", "then": "unencrypted"}, FIRM], suggest=True)
    (row,) = result["suggestions"]
    assert (row["for"], row["edits"], row["tried"]["edits"]) == ("The law firm", [], 0)
    assert row["text"].startswith("No rules can keep both this guarantee and 'Clear', which holds: ")
    assert "mail from alexw@contoso.com to recipient@fabrikam.com" in row["text"]


def test_rules_as_the_option_takes_them() -> None:
    """What is not set is left out, but for what an edit took out: an option that is omitted is left alone."""
    odd: Values = {
        "name": "Odd",
        "conditions": {"made_up": ["x"]},
        "exceptions": {},
        "actions": {"set_audit_severity": "Low"},
    }
    policy = {**ENCRYPT, "name": "Policy", "dlp_policy": True}
    present = [
        odd,
        policy,
        {**ENCRYPT, "guid": "", "enabled": False, "dlp_policy": False, "exceptions": {"from": ["a@contoso.com"]}},
    ]
    after = [odd, policy, {**present[2], "enabled": True, "exceptions": {}}]
    assert as_options(after, present) == [{**ENCRYPT, "enabled": True, "exceptions": {}}]
    assert as_options(
        [{**ENCRYPT, "enabled": True, "exceptions": {}}], [{**ENCRYPT, "enabled": True, "exceptions": {}}]
    ) == [ENCRYPT]
    shown = {**ENCRYPT, "state": "Disabled"}
    assert as_options([shown], [shown]) == [{**ENCRYPT, "enabled": False}]
    assert unwritten(after) == ["Odd", "Policy"]


@pytest.mark.parametrize(
    ("rules", "row", "said"),
    [
        (
            [PARTNERS, ENCRYPT],
            {"option": "priority", "value": 1, "looked_at": "Partners"},
            "It is not reached: 'Partners' stops before.",
        ),
        ([{**ENCRYPT, "enabled": False}], {"option": "enabled", "value": False}, "It is disabled."),
        ([{**ENCRYPT, "mode": "Audit"}], {"option": "mode", "value": "Audit"}, "It is only tested (mode: Audit)."),
        (
            [{**ENCRYPT, "exceptions": {"recipient_domain_is": ["fabrikam.com"]}}],
            {"option": "exceptions.recipient_domain_is", "value": ["fabrikam.com"], "looked_at": "ann@fabrikam.com"},
            "Its exception recipient_domain_is looks for 'fabrikam.com', and finds ann@fabrikam.com.",
        ),
        (
            [
                {
                    **ENCRYPT,
                    "conditions": {
                        **OUT,
                        "header_contains_message_header": "X-Class",
                        "header_contains_words": ["a", "b"],
                    },
                }
            ],
            {
                "option": "conditions.header_contains_message_header",
                "value": ["X-Class", ["a", "b"]],
                "looked_at": "no such header",
            },
            "Its condition header_contains_message_header looks for 'a' or 'b' in the header X-Class, and finds no such header.",
        ),
        (
            [{**ENCRYPT, "conditions": {**OUT, "sent_to": ["bob@fabrikam.com"], "subject_contains_words": ["secure"]}}],
            {
                "option": "conditions.sent_to",
                "value": ["bob@fabrikam.com"],
                "looked_at": "ann@fabrikam.com",
                "others": 1,
            },
            "Its condition sent_to looks for 'bob@fabrikam.com', and finds ann@fabrikam.com.",
        ),
    ],
)
def test_why_a_message_is_in_clear(rules: list[Values], row: Values, said: str) -> None:
    result = flow(rules=rules, messages=[OFFER], explain=True)
    assert result["messages"][0]["recipients"]["ann@fabrikam.com"]["nearest"] == {"rule": "Encrypt", **row}
    lines = explained(result)
    assert lines[1:4] == [
        "Offer, to ann@fabrikam.com, is not encrypted by rules.",
        "  Nearest: the rule 'Encrypt'.",
        f"  {said}",
    ]
    assert len(lines) <= 6


def test_a_rule_that_comes_before_the_one_that_makes_a_copy_is_not_said_to_be_stopped_before() -> None:
    encrypts = {**ENCRYPT, "conditions": {**ENCRYPT["conditions"], "sent_to_scope": "InOrganization"}}
    redirects: Values = {
        "name": "Redirect",
        "conditions": {"sent_to": ["ann@fabrikam.com"]},
        "actions": {"redirect_message_to": ["megan@contoso.com"]},
    }
    result = flow(rules=[encrypts, redirects], messages=[OFFER], explain=True)
    found = result["messages"][0]["recipients"]["megan@contoso.com"]["nearest"]
    assert found == {"rule": "Encrypt", "option": "priority", "value": 0}
    assert "  Only a later rule makes this copy." in explained(result)


@pytest.mark.parametrize("change", [{"mode": "Audit"}, {"enabled": False}, {"activation_date": "2090-01-01T00:00:00Z"}])
def test_a_rule_in_effect_that_exempts_a_message_is_nearer_than_one_that_is_not(change: Values) -> None:
    exempts = {**ENCRYPT, "exceptions": {"recipient_domain_is": ["fabrikam.com"]}}
    result = flow(rules=[{**ENCRYPT, "name": "Later", **change}, exempts], messages=[OFFER], explain=True)
    found = result["messages"][0]["recipients"]["ann@fabrikam.com"]["nearest"]
    assert (found["rule"], found["option"]) == ("Encrypt", "exceptions.recipient_domain_is")


def test_a_rule_that_is_meant_for_a_message_and_misspells_its_domain_is_nearer_than_one_for_other_mail() -> None:
    other = {**ENCRYPT, "name": "Other", "conditions": {**OUT, "recipient_domain_is": ["other.example"]}}
    misspelled = {**ENCRYPT, "conditions": {**OUT, "recipient_domain_is": ["fabirkam.com"]}}
    result = flow(rules=[other, misspelled], messages=[OFFER], explain=True)
    found = result["messages"][0]["recipients"]["ann@fabrikam.com"]["nearest"]
    assert (found["rule"], found["option"]) == ("Encrypt", "conditions.recipient_domain_is")


def test_of_a_rule_with_two_dates_the_one_that_excludes_the_message_is_named() -> None:
    dated = {**ENCRYPT, "activation_date": "2026-01-01T00:00:00Z", "expiry_date": "2026-02-01T00:00:00Z"}
    for date, option in (("2026-03-01T00:00:00Z", "expiry_date"), ("2025-12-01T00:00:00Z", "activation_date")):
        result = flow(rules=[dated], messages=[{**OFFER, "date": date}], explain=True)
        found = result["messages"][0]["recipients"]["ann@fabrikam.com"]["nearest"]
        assert (found["option"], found["value"][:10]) == (option, dated[option][:10])


def test_of_mail_that_arrives_protected_the_rule_that_decrypts_it_is_named() -> None:
    decrypts: Values = {"name": "Decrypt", "conditions": {}, "actions": {"remove_ome_v2": True}}
    arrives = {**OFFER, "protection": {"kind": "encrypt", "owner": "own"}}
    for rules in ([decrypts], [decrypts, {**ENCRYPT, "enabled": False}]):
        result = flow(rules=rules, messages=[arrives], explain=True)
        found = result["messages"][0]["recipients"]["ann@fabrikam.com"]["nearest"]
        assert found == {"rule": "Decrypt", "option": "actions.remove_ome_v2", "value": True}
        assert explained(result)[1:-1] == [
            "Offer, to ann@fabrikam.com, is not encrypted by rules.",
            "  It arrives protected, and the rule 'Decrypt' decrypts it (remove_ome_v2).",
        ]
    (clear,) = flow(rules=[decrypts], messages=[OFFER], explain=True)["messages"][0]["recipients"].values()
    assert "nearest" not in clear


def test_one_more_thing_is_said_in_the_singular_and_that_nothing_helps_is_no_suggestion() -> None:
    far = {**ENCRYPT, "conditions": {**OUT, "sent_to": ["bob@fabrikam.com"], "subject_contains_words": ["secure"]}}
    expected = {**OFFER, "expect": {"ann@fabrikam.com": {"protection": "template:Gone", "fate": "rejected"}}}
    lines = flow(rules=[far], messages=[expected], explain=True, suggest=True, fail_on_error=False)["msg"]
    assert "  1 more condition or setting keeps it from acting." in lines.splitlines()
    assert "Suggested: Nothing" not in lines
    assert "  No edit was found that helps" in lines


_SECURE = {"subject_contains_words": ["zebra"]}


@pytest.mark.parametrize(
    ("conditions", "row", "said"),
    [
        (
            {"subject_contains_words": ["offer"]},
            {
                "rule": "Encrypt",
                "option": "actions.apply_rights_protection_template",
                "value": "Encrypt",
                "looked_at": "joe@fabrikam.com",
            },
            ": not even 'Encrypt'.",
        ),
        (_SECURE, {"option": "from", "value": "joe@fabrikam.com"}, "."),
        ({"sent_to_scope": "NotInOrganization"}, {"option": "from", "value": "joe@fabrikam.com"}, "."),
    ],
)
def test_of_mail_from_outside_only_a_rule_that_acts_on_it_is_named(conditions: Values, row: Values, said: str) -> None:
    """Rules do not encrypt it, whether they act on it or not."""
    rules = [{**ENCRYPT, "name": "Zebra", "conditions": _SECURE}, {**ENCRYPT, "conditions": conditions}]
    arrives = {**OFFER, "from": "joe@fabrikam.com", "authenticated": False, "to": ["alexw@contoso.com"]}
    result = flow(rules=rules, messages=[{**arrives, "subject": "offer"}], explain=True)
    assert result["messages"][0]["recipients"]["alexw@contoso.com"]["nearest"] == row
    assert explained(result)[1:-1] == [
        "Offer, to alexw@contoso.com, is not encrypted by rules.",
        f"  It comes from outside, from joe@fabrikam.com, and rules do not encrypt such mail{said}",
    ]


@pytest.mark.parametrize("rules", [[ENCRYPT], [{**ENCRYPT, "enabled": False}]])
def test_where_dlp_takes_all_protection_away_the_dlp_rule_is_named(rules: list[Values]) -> None:
    """Whatever kept another rule from encrypting the copy does not matter then."""
    removes = policy(
        {"access_scope": "NotInOrganization", "recipient_domain_is": ["fabrikam.com"]},
        "Readable",
        remove_rms_template=True,
    )
    later = {**ENCRYPT, "name": "Later", "activation_date": "2090-01-01T00:00:00Z"}
    facts = {**FACTS, "dlp_policies": [removes]}
    result = flow(rules=[*rules, later], messages=[OFFER], facts=facts, explain=True)
    found = result["messages"][0]["recipients"]["ann@fabrikam.com"]["nearest"]
    assert found == {"rule": "Readable", "option": "actions.remove_rms_template", "value": True}
    assert explained(result)[1:3] == [
        "Offer, to ann@fabrikam.com, is not protected by rules.",
        "  The DLP rule 'Readable' leaves no such mail protected (remove_rms_template).",
    ]


def test_what_is_encrypted_needs_no_explanation() -> None:
    result = flow(rules=[ENCRYPT], messages=[OFFER], explain=True)
    assert "nearest" not in result["messages"][0]["recipients"]["ann@fabrikam.com"]
    assert len(explained(result)) == 2
    assert (
        "nearest" not in flow(rules=[], messages=[OFFER], explain=True)["messages"][0]["recipients"]["ann@fabrikam.com"]
    )


def test_why_a_counterexample_is_in_clear() -> None:
    result = flow(guarantees=[FIRM], explain=True)
    row = result["guarantees"][0]["counterexample"]
    assert row["outcome"]["nearest"] == {"rule": "Encrypt", "option": "priority", "value": 1, "looked_at": "Partners"}
    assert f"The law firm, to {row['recipient']}, is not encrypted by rules." in result["msg"].splitlines()
    proved = flow(rules=[ENCRYPT], guarantees=[FIRM], explain=True)
    assert "is not encrypted by rules." not in proved["msg"]


def test_a_rule_that_encrypts_is_not_nearest_where_another_one_is_meant_or_forced_tls_is_asked_for() -> None:
    other = {**ENCRYPT, "name": "Other", "conditions": {**OUT, "subject_contains_words": ["secure"]}}
    holds: Values = {"name": "Holds", "conditions": OUT, "actions": {"moderate_message_by_manager": True}}
    waits = {"name": "Waits", "when": OUT, "then": "not_in_clear_if_delivered"}
    by_tls = {"name": "TLS", "when": {**OUT, "recipient_domain_is": ["fabrikam.com"]}, "then": "protected_in_transit"}
    facts = {**FACTS, "managers": {}, "outbound_connectors": []}
    result = flow(rules=[holds, other], guarantees=[waits, by_tls], facts=facts, explain=True)
    assert [row["verdict"] for row in result["guarantees"]] == ["refuted", "refuted"]
    assert result["guarantees"][0]["counterexample"]["cause"]["kind"] == "no_manager"
    assert not [row for row in result["guarantees"] if "nearest" in row["counterexample"]["outcome"]]
    clear = {**waits, "then": "not_in_clear"}
    (row,) = flow(rules=[other], guarantees=[clear], facts=facts, explain=True)["guarantees"]
    assert row["counterexample"]["outcome"]["nearest"]["rule"] == "Other"


def test_an_explanation_and_a_suggestion_are_said_once() -> None:
    wanted = {**OFFER, "expect": {"ann@fabrikam.com": {"protection": "encrypt"}}}
    result = flow(messages=[wanted], explain=True, suggest=True, fail_on_error=False)
    assert result["msg"].count("Offer, to ann@fabrikam.com, is not encrypted by rules.") == 1
    assert " ".join(result["msg"].split()).count(result["suggestions"][0]["text"]) == 1


def test_a_diff_shows_no_section_that_nobody_wrote() -> None:
    excepts = {"kind": "exception", "rule": "Partners"}
    rows = flow(guarantees=[FIRM], suggest=True)["suggestions"]
    given = [row["diff"] for row in rows if excepts.items() <= row["edits"][0].items()]
    assert given
    assert not [line for diff in given for line in diff.splitlines()[1:] if line[:1] == "-"]


def test_an_exception_that_none_of_the_mail_meets_is_not_said() -> None:
    (first, *_others) = flow(guarantees=[FIRM], suggest=True)["suggestions"]
    assert first["difference"][0]["when"]["recipient_domain_is"] == ["fabrikam.com"]
    assert "unless" not in first["difference"][0]
