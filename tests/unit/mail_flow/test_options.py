# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person writes: messages, facts and expectations that are wrong are refused by name."""

from __future__ import annotations

from email.message import EmailMessage
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.expectations import run_cases
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.eml import message_from_eml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.messages import (
    Case,
    broken,
    check,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
    with_facts,
    with_options,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    document_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.summary import (
    failure_diff,
    failure_text,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import proposed_rules
from ansible_collections.m365.message_encryption.plugins.modules import (
    mail_flow_experiment,
    mail_flow_replay,
    mail_flow_test,
)

MESSAGE: dict[str, Any] = {"from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"]}
FACTS: dict[str, Any] = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mailboxes": ["megan@contoso.com"]}
ENCRYPT = {
    "name": "Enc",
    "conditions": {"subject_or_body_contains_words": ["secret"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"form": "x@y.z"}, "messages[0].form is not known. Did you mean from?"),
        ({"from": "Megan"}, "messages[0].from is 'Megan', which is not a valid SMTP address."),
        ({"to": ["ann"]}, "messages[0].to is 'ann', which is not a valid SMTP address."),
        ({"to": []}, "messages[0].to, cc and bcc are empty."),
        ({"mail_from": "x"}, "messages[0].mail_from is 'x', which is not a valid SMTP address."),
        ({"type": ["oof"]}, "messages[0].type is 'oof'. Did you mean"),
        ({"importance": "high"}, "messages[0].importance is 'high'. Did you mean High?"),
        ({"scl": 10}, "messages[0].scl must be a number from -1 to 9, not 10."),
        ({"sender_ip": "300.1.1.1"}, "messages[0].sender_ip is '300.1.1.1', which is not a valid IP address."),
        ({"size": "big"}, "messages[0].size is 'big', which is not a valid size."),
        ({"date": "tomorrow"}, "messages[0].date is 'tomorrow', which is not a valid date."),
        ({"protection": {"kind": "encrypted"}}, "messages[0].protection.kind is 'encrypted'. Did you mean encrypt?"),
        ({"protection": {"kind": "template:"}}, "messages[0].protection.kind names no template."),
        ({"attachments": [{"size": 1}]}, "messages[0].attachments[0].name is required."),
        (
            {"attachments": [{"name": "a", "texts": ""}]},
            "messages[0].attachments[0].texts is not known. Did you mean text?",
        ),
        ({"headers": ["X"]}, "messages[0].headers must be a mapping"),
        (
            {"type": ["Encrypted"], "protection": {"kind": "encrypt"}},
            "messages[0].type is Encrypted, which means encrypted with S/MIME, but messages[0].protection.kind is "
            "'encrypt'.",
        ),
        (
            {"type": ["Encrypted"], "protection": {"kind": "smime_signed"}},
            "messages[0].type is Encrypted, which means encrypted with S/MIME, but messages[0].protection.kind is "
            "'smime_signed'.",
        ),
        (
            {"type": ["OOF", "PermissionControlled"], "protection": {"kind": "none"}},
            "messages[0].type is PermissionControlled, which means protected by message encryption or rights management,"
            " but messages[0].protection.kind is 'none'.",
        ),
        (
            {"type": ["PermissionControlled", "Encrypted"]},
            "messages[0].type is both Encrypted and PermissionControlled.",
        ),
    ],
)
def test_a_wrong_message_is_refused_by_name(options: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError) as caught:
        message_of({**MESSAGE, **options}, "messages[0].")
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize(
    ("options", "kind", "owner"),
    [
        ({"type": ["Encrypted"]}, "smime", "own"),
        ({"type": ["Encrypted", "Signed"], "protection": {"kind": "smime"}}, "smime", "own"),
        ({"type": ["PermissionControlled"]}, "protected_option_unknown", "unknown"),
        ({"type": ["PermissionControlled"], "protection": {"owner": "own"}}, "protected_option_unknown", "own"),
        ({"type": ["PermissionControlled"], "protection": {"kind": "do_not_forward"}}, "do_not_forward", "unknown"),
        ({"type": ["Signed"]}, "none", "own"),
    ],
)
def test_a_type_says_how_a_message_arrives(options: dict[str, Any], kind: str, owner: str) -> None:
    protection = message_of({**MESSAGE, **options}, "").protection
    assert protection is not None
    assert (protection.kind, protection.owner) == (kind, owner)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"accepted_domain": []}, "facts.accepted_domain is not known. Did you mean accepted_domains?"),
        (
            {"accepted_domains": [{"name": "a.b", "type": "Internal"}]},
            "facts.accepted_domains.type is 'Internal'. Did you mean InternalRelay?",
        ),
        ({"accepted_domains": [{"type": "Authoritative"}]}, "facts.accepted_domains.name is required."),
        ({"mailboxes": ["megan"]}, "facts.mailboxes is 'megan', which is not a valid SMTP address."),
        ({"managers": ["a@b.c"]}, "facts.managers must be a mapping"),
        ({"groups": {"a@b.c": ["x"]}}, "facts.groups.a@b.c is 'x', which is not a valid SMTP address."),
        ({"remote_domains": [{"is_internal": True}]}, "facts.remote_domains.domain_name is required."),
        ({"ome_configurations": [{"name": "Week"}]}, "facts.ome_configurations.identity is required."),
    ],
)
def test_wrong_facts_are_refused_by_name(options: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError) as caught:
        facts_of(options)
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ({"ann": {"fate": "delivered"}}, "expect.ann is not an address. Name one of the recipients: ann@fabrikam.com."),
        (
            {"ann@fabrikam.com": {"protektion": "none"}},
            "expect.ann@fabrikam.com.protektion is not known. Did you mean protection?",
        ),
        ({"ann@fabrikam.com": {"fate": "sent"}}, "expect.ann@fabrikam.com.fate is 'sent'."),
        (
            {"ann@fabrikam.com": {"protection": "encrypted"}},
            "expect.ann@fabrikam.com.protection is 'encrypted'. Did you mean encrypt?",
        ),
        ({"ann@fabrikam.com": {}}, "expect.ann@fabrikam.com must be a mapping with at least one of"),
        (
            {"ann@fabrikam.com": {"after_release": {"fat": "delivered"}}},
            "expect.ann@fabrikam.com.after_release.fat is not known. Did you mean fate?",
        ),
    ],
)
def test_an_expectation_that_nothing_could_meet_is_refused_by_name(expect: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError) as caught:
        check(expect, message_of(MESSAGE, ""), "expect")
    assert str(caught.value).startswith(says)


def test_what_is_not_as_expected_is_told_key_by_key() -> None:
    found = Simulator([ENCRYPT], facts_of(FACTS)).run(message_of({**MESSAGE, "body": "secret"}, ""))["recipients"]
    assert (
        broken(
            {
                "Ann@Fabrikam.com": {
                    "protection": "encrypt",
                    "rules": ["Enc"],
                    "protected_by": ["Enc"],
                    "fate": "delivered",
                }
            },
            found,
        )
        == []
    )
    misses = broken(
        {"ann@fabrikam.com": {"protection": "none", "rules": []}, "bob@contoso.com": {"fate": "delivered"}}, found
    )
    assert [(miss.recipient, miss.key) for miss in misses] == [
        ("ann@fabrikam.com", "protection"),
        ("ann@fabrikam.com", "rules"),
        ("bob@contoso.com", ""),
    ]


def test_where_what_exchange_knows_ends_can_be_expected() -> None:
    result = {"ann@fabrikam.com": {"transit": {"tls": "forced", "ends_at": ["gateway.example"]}}}
    assert broken({"ann@fabrikam.com": {"transit": {"ends_at": ["gateway.example"]}}}, result) == []
    (miss,) = broken({"ann@fabrikam.com": {"transit": {"ends_at": ["other.example"]}}}, result)
    assert miss.key == "transit.ends_at"


HR_BRAND = {**ENCRYPT, "name": "HR brand", "actions": {"apply_rights_protection_customization_template": "HR"}}


def test_what_is_not_known_is_not_told_as_absent() -> None:
    """Whether the second rule matches is open, so is the branding; the reasons of the ways to open it are sentences."""
    rules = [
        ENCRYPT,
        {**HR_BRAND, "conditions": {"from_member_of": ["hr@contoso.com"]}},
    ]
    expect = {
        "ann@fabrikam.com": {
            "protection": "encrypt",
            "branding": "HR",
            "opens": ["inline"],
            "protected_by": ["HR brand"],
            "after_approval": {"branding": "HR"},
        }
    }
    options = {**MESSAGE, "body": "secret"}
    tested = run_cases(
        [Case(message_of(options, ""), expect)],
        Simulator(rules, facts_of({**FACTS, "groups": {"it@contoso.com": []}})),
    )
    (failure,) = tested.failures
    found = {each.key: each.found for each in failure.broken}
    assert found["branding"] == "unknown"
    assert found["after_approval"] is None
    assert "protection" not in found
    assert "+branding: unknown" in failure_text(failure)
    assert failure_diff(failure)["after"]


def test_an_unmet_expectation_says_where_no_rule_encrypts() -> None:
    expect = {"ann@fabrikam.com": {"protection": "encrypt"}}
    for rules, says in (([], True), ([ENCRYPT], False)):
        tested = run_cases([Case(message_of(MESSAGE, ""), expect)], Simulator(rules, facts_of(FACTS)))
        (failure,) = tested.failures
        assert ("no rule encrypts mail" in failure_text(failure)) is says


def _eml(**headers: str) -> EmailMessage:
    mail = EmailMessage()
    for name, value in {"From": "Megan <megan@contoso.com>", "To": "ann@fabrikam.com", **headers}.items():
        mail[name] = value
    return mail


def test_a_file_is_a_message() -> None:
    mail = _eml(
        Subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        Cc="bob@contoso.com",
        Importance="high",
        Date="Wed, 25 Nov 2026 03:00:00 +0000",
    )
    mail.set_content("the secret text")
    mail.add_attachment(b"12345", maintype="application", subtype="pdf", filename="a.pdf")
    message = message_from_eml(mail.as_bytes(), "offer.eml")
    assert (message.sender, message.to, message.cc, message.subject, message.importance) == (
        "megan@contoso.com",
        ("ann@fabrikam.com",),
        ("bob@contoso.com",),
        "Grüße",
        "High",
    )
    assert message.body is not None
    assert "secret text" in message.body
    assert [(attachment.name, attachment.size, attachment.text) for attachment in message.attachments or ()] == [
        ("a.pdf", 5, None)
    ]
    assert (message.authenticated, message.mail_from, message.classifications, message.types) == (
        None,
        None,
        None,
        frozenset(),
    )
    assert message.date is not None


def test_what_a_file_does_not_say_is_unknown_and_can_be_said_beside() -> None:
    mail = _eml(Subject="x")
    mail.set_content("secret")
    rule = {**ENCRYPT, "conditions": {"from_scope": "InOrganization", "subject_or_body_contains_words": ["secret"]}}
    message = message_from_eml(mail.as_bytes(), "a.eml")
    simulator = Simulator([rule], facts_of(FACTS))
    assert simulator.run(message)["recipients"]["ann@fabrikam.com"]["unknown"][0]["id"] == "U22"
    known = with_options(message, {"authenticated": True, "bcc": ["joe@fabrikam.com"]}, "messages[0].")
    found = simulator.run(known)["recipients"]
    assert {address: result["protection"] for address, result in found.items()} == {
        "ann@fabrikam.com": "encrypt",
        "joe@fabrikam.com": "encrypt",
    }


def test_a_file_that_is_protected_says_so_and_not_how() -> None:
    mail = _eml(Subject="x")
    mail.set_content("cover")
    mail.add_attachment(b"1", maintype="application", subtype="x-microsoft-rpmsg-message", filename="message.rpmsg")
    found = Simulator([ENCRYPT], facts_of(FACTS)).run(message_from_eml(mail.as_bytes(), "a.eml"))["recipients"][
        "ann@fabrikam.com"
    ]
    assert (found["protection"], found["protected_on_arrival"]) == ("protected_option_unknown", True)
    assert found["unknown"]


def test_html_is_read_as_text() -> None:
    mail = _eml(Subject="x")
    mail.set_content("<style>secret</style><p>sec<b>ret</b></p><p>two</p>", subtype="html")
    assert (message_from_eml(mail.as_bytes(), "a.eml").body or "").split() == ["secret", "two"]


@pytest.mark.parametrize("content", [b"", b"no message at all", b"\xff\xfe\x00", b"Subject: x\n\ntext"])
def test_a_file_that_is_no_message_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(OptionError, match=r"offer\.eml is not a message"):
        message_from_eml(content, "offer.eml")


@pytest.mark.parametrize(
    "content", [None, [], {}, "text", {"transport_rules": "x"}, {"kind": "snapshot"}, [{"reads": 1}]]
)
def test_a_file_without_rules_is_refused_by_name(content: Any) -> None:
    with pytest.raises(OptionError, match=r"rules\.yml holds no mail flow rules"):
        document_of(content, "rules.yml")


def test_a_rule_that_a_snapshot_only_names_makes_answers_unknown() -> None:
    state = {
        "transport_rules": [{**ENCRYPT, "guid": "2", "priority": 1}],
        "transport_rules_unsupported": [{"name": "Old", "guid": "1", "reason": "x"}],
    }
    document = document_of({"kind": "snapshot", "state": state, "order": ["1", "2"]}, "snapshot.json")
    assert [rule["name"] for rule in document.rules] == ["Old", "Enc"]
    found = Simulator(document.rules, facts_of(FACTS)).run(message_of({**MESSAGE, "body": "secret"}, ""))["recipients"][
        "ann@fabrikam.com"
    ]
    assert (found["fate"], found["protection"]) == ("unknown", "unknown")
    assert {each["id"] for each in found["unknown"]} == {"U13"}


def test_a_priority_that_contradicts_the_order_of_the_list_is_refused_by_name() -> None:
    rules = [
        {**ENCRYPT, "name": name, **({} if priority is None else {"priority": priority})}
        for name, priority in (("a", 2), ("b", None), ("c", 1))
    ]
    with pytest.raises(OptionError) as caught:
        proposed_rules(rules, "rules")
    assert (
        caught.value.message
        == "rules[2].priority of 'c' is 1, but 'a' comes before it with 2: the list's order is the order of the rules."
    )
    assert [rule["name"] for rule in proposed_rules(rules[:2], "rules")] == ["a", "b"]


def test_facts_in_place_of_others_of_the_same_keys() -> None:
    others = {"mailboxes": ["Ann@contoso.com"], "attributes": {"ann@contoso.com": {"Department": "hr"}}}
    known = facts_of({**FACTS, "unread_groups": ["g@contoso.com"]})
    assert with_facts(known, others) == facts_of({**FACTS, "unread_groups": ["g@contoso.com"], **others})
    assert with_facts(known, {}) is known


@pytest.mark.parametrize("module", [mail_flow_test, mail_flow_replay, mail_flow_experiment])
def test_unknown_conditions_of_all_guarantees_are_told_with_all_other_errors(module: ModuleType) -> None:
    """A task is corrected once."""
    guarantees = [
        {"name": "A", "when": {"form_scope": "InOrganization", "odd": 1}, "then": "encryptd"},
        {"name": "B", "unless": {"Subjec": "x"}, "then": "encrypted"},
    ]
    _validation, errors = validate({"guarantees": guarantees}, module.SPEC["argument_spec"])
    assert [text.partition(":")[0].partition(" ")[0] for text in errors] == [
        "guarantees[0].when.form_scope",
        "guarantees[0].when.odd",
        "guarantees[1].unless.Subjec",
        "guarantees[0].then",
    ]
    assert errors[0].endswith("did you mean from_scope?")
