# SPDX-License-Identifier: GPL-3.0-or-later
"""Which messages an experiment sends: the module in check mode, over an emulated organization."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.letters import (
    SENDABLE,
    Sending,
    UnsendableError,
    letter_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.message_options import (
    MESSAGE_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import BY_ID
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_experiment

from tests.unit.emulated_session import EmulatedSession
from tests.unit.mail_flow.experiment.mailboxes import (
    DOMAIN,
    ENCRYPT,
    GUARANTEE,
    INSIDE,
    PARTNER,
    SENDER,
    STRANGER,
    WORDS,
    message,
    session_with,
)


def planned(session: EmulatedSession, **options: Any) -> dict[str, Any]:
    found = session.run(
        mail_flow_experiment,
        check_mode=True,
        **{"senders": [SENDER], "recipients": [INSIDE, PARTNER, STRANGER], **options},
    )
    assert session.writes == []
    return found


def reasons(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["name"], row["why"]) for row in found["not_sent"]]


def test_a_message_is_computed_with_its_mark() -> None:
    found = planned(session_with(ENCRYPT), messages=[message(expect={PARTNER: {"protection": "encrypt"}})])
    (row,) = found["experiments"]
    assert row["recipients"][PARTNER]["predicted"]["protected_by"] == ["Partners"]
    assert row["message"] == message()
    assert (found["sent"], found["not_sent"], found.get("failed")) == (0, [], None)
    assert "unexpected" not in row


def test_check_mode_says_what_is_computed_of_each_message_and_names_no_address() -> None:
    found = planned(session_with(ENCRYPT), rules=["Partners"])
    computed = [line.strip() for line in found["msg"].splitlines() if line.strip().startswith("to ")]
    assert f"to {PARTNER.rpartition('@')[2]}: encrypted by 'Partners'" in computed
    assert len(computed) == len(found["experiments"])
    assert not [address for address in (SENDER, INSIDE, PARTNER, STRANGER) if address in found["msg"]]


def test_what_a_message_shows_names_its_guarantee_once() -> None:
    found = planned(session_with(ENCRYPT), guarantees=[GUARANTEE])
    first = next(line for line in found["msg"].splitlines() if "covered" in line)
    assert first.count(GUARANTEE["name"]) == 1
    assert "'Partners'" in first
    assert len(found["experiments"][0]["shows"]) > 1


def test_what_is_not_as_expected_fails() -> None:
    found = planned(session_with(ENCRYPT), messages=[message(expect={PARTNER: {"protection": "none"}})])
    (missed,) = found["experiments"][0]["unexpected"]
    assert (missed["key"], missed["expected"], missed["predicted"]) == ("protection", "none", "encrypt")
    assert found["failed"]


def test_a_rule_gets_a_message_that_it_acts_on_and_one_that_it_does_not() -> None:
    found = planned(session_with(ENCRYPT, WORDS), rules=["partners", "Salaries"])
    acting = {
        rule["name"]
        for row in found["experiments"]
        for recipient in row["recipients"].values()
        for rule in recipient["predicted"]["rules"]
        if rule["matched"] is True
    }
    assert acting == {"Partners", "Salaries"}
    assert reasons(found) == []
    shown = [text for row in found["experiments"] for text in row["shows"]]
    assert len(shown) == len(set(shown)) == 4
    # One message shows of one rule that it acts, and of the other that it does not.
    assert len(found["experiments"]) <= 3


def test_a_guarantee_gets_its_plainest_messages() -> None:
    found = planned(session_with(ENCRYPT), guarantees=[GUARANTEE])
    rows = found["experiments"]
    assert len(rows) == 2
    witness = next(row for row in rows if row["message"]["to"] == [PARTNER] and "subject" not in row["message"])
    assert len(witness["shows"]) == 2
    (beside,) = [row for row in rows if row is not witness]
    assert beside["message"]["subject"] == "[plain]"
    assert reasons(found) == []


def test_what_no_message_can_show_is_said() -> None:
    hidden = {**WORDS, "name": "Documents", "conditions": {"attachment_has_executable_content": True}}
    idle = {**WORDS, "name": "Idle", "enabled": False}
    found = planned(session_with(hidden, idle), rules=["Documents", "Idle"], messages=[message()])
    assert sorted(why for _name, why in reasons(found)) == ["disabled_rule", "nobody", "nobody"]
    assert len(found["experiments"]) == 1


def test_recipients_have_the_keys_that_they_have_when_messages_are_sent() -> None:
    found = planned(session_with(ENCRYPT), messages=[message(to=[PARTNER.upper()])])
    assert list(found["experiments"][0]["recipients"]) == [PARTNER]


def test_nothing_to_send_is_refused_before() -> None:
    with pytest.raises(OptionError, match="no message"):
        planned(session_with(ENCRYPT), messages=[message(**{"from": STRANGER})])


def test_a_rule_is_shown_where_copies_are_read() -> None:
    rule = {**ENCRYPT, "conditions": {"subject_contains_words": ["secret"]}}
    asked: dict[str, Any] = {"rules": ["Partners"], "guarantees": [GUARANTEE], "recipients": [PARTNER, INSIDE]}
    for read_copies in (False, True):
        found = planned(session_with(rule), read_copies=read_copies, **asked)
        acting = {
            address
            for row in found["experiments"]
            if "the rule 'Partners' acts" in row["shows"]
            for address in row["recipients"]
        }
        assert acting == ({INSIDE} if read_copies else {PARTNER})


def test_what_is_computed_refutes_a_guarantee() -> None:
    found = planned(session_with(WORDS), guarantees=[GUARANTEE])
    assert [row["refutes"] for row in found["experiments"] if "refutes" in row] == [[GUARANTEE["name"]]]
    assert found["failed"]
    assert "failed" not in planned(session_with(ENCRYPT), guarantees=[GUARANTEE])


@pytest.mark.parametrize("key", sorted({*MESSAGE_ARGUMENT_SPEC} - {*SENDABLE}))
def test_each_key_that_only_describes_a_message_is_refused(key: str) -> None:
    sending = Sending("graph", [SENDER], [PARTNER], "token", datetime.datetime.now(datetime.UTC))
    with pytest.raises(UnsendableError) as refused:
        letter_of(1, {**message(), key: "x"}, None, sending, Facts())
    assert (refused.value.kind, refused.value.names) == ("described", (key,))


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(OptionError, match="Partners"):
        planned(session_with(ENCRYPT), rules=["Partner"])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"from": "other@contoso.com"}, "sender"),
        ({"to": ["somebody@fabrikam.com"]}, "recipient"),
        ({"to": [PARTNER], "cc": ["somebody@fabrikam.com"]}, "recipient"),
        ({"headers": {"Resent-To": "x"}}, "header"),
        ({"headers": {"X-MS-Exchange-Organization-SCL": "9"}}, "header"),
        ({"headers": {"X-Message-Encryption-Experiment": "9"}}, "header"),
        ({"attachments": [{"name": "offer.docx"}]}, "attachment"),
        ({"body": "x" * (1 << 20)}, "large"),
        ({"from": "a b@contoso.com"}, "address"),
        ({"from": ""}, "no_sender"),
    ],
    ids=str,
)
def test_what_may_not_be_sent_is_not(options: dict[str, Any], why: str) -> None:
    found = planned(session_with(ENCRYPT), messages=[message(**options), message(name="Good")])
    assert reasons(found) == [("Offer", why)]
    assert [row["name"] for row in found["experiments"]] == ["Good"]


@pytest.mark.parametrize(
    "options",
    [
        {"subject": "Offer\r\nBcc: victim@example.com"},
        {"subject": "Offer\nX: y"},
        {"from": f"{SENDER}\r\nBcc: victim@example.com"},
        {"to": [f"{PARTNER}\nBcc: victim@example.com"]},
        {"headers": {"X-Own": "a\r\nBcc: victim@example.com"}},
        {"attachments": [{"name": "a.txt\r\nX: y"}]},
        {"subject": "Offer\x85X: y"},
    ],
    ids=str,
)
def test_nothing_begins_a_header_of_its_own(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="line break"):
        planned(session_with(ENCRYPT), messages=[message(**options)])


def test_no_more_than_so_many() -> None:
    found = planned(
        session_with(ENCRYPT), messages=[message(), message(name="Second")], rules=["Partners"], max_messages=1
    )
    assert [row["name"] for row in found["experiments"]] == ["Offer"]
    assert {why for _name, why in reasons(found)} == {"limit"}


@pytest.mark.parametrize(
    "actions",
    [
        {"blind_copy_to": ["archive@elsewhere.example"]},
        {"redirect_message_to": ["archive@elsewhere.example"]},
        {"moderate_message_by_user": ["archive@elsewhere.example"]},
        {"generate_incident_report": "archive@elsewhere.example", "incident_report_content": ["Sender"]},
    ],
    ids=str,
)
def test_a_copy_for_somebody_outside_is_refused_unless_allowed(actions: dict[str, Any]) -> None:
    copying = {"name": "Archive", "conditions": {"from_scope": "InOrganization"}, "actions": actions}
    session = session_with(copying)
    with pytest.raises(OptionError, match="may_reach"):
        planned(session, messages=[message()])
    found = planned(session, messages=[message()], may_reach=["Archive@Elsewhere.example"])
    assert found["experiments"][0]["may_get"] == ["archive@elsewhere.example"]


def test_a_copy_for_somebody_inside_is_shown() -> None:
    copying = {
        "name": "Archive",
        "conditions": {"from_scope": "InOrganization"},
        "actions": {"blind_copy_to": [f"archive@{DOMAIN}"]},
    }
    found = planned(session_with(copying), messages=[message()])
    assert found["experiments"][0]["may_get"] == [f"archive@{DOMAIN}"]


def test_nobody_can_compute_a_manager() -> None:
    managed = {
        "name": "Managers",
        "conditions": {"from_scope": "InOrganization"},
        "actions": {"add_manager_as_recipient_type": "Bcc"},
    }
    session = session_with(managed, hidden_cmdlets=["Get-Recipient"])
    with pytest.raises(OptionError, match="unknown"):
        planned(session, messages=[message()])
    assert planned(session, messages=[message()], may_reach=["unknown"])["experiments"]


def test_the_terminal_names_nobody() -> None:
    found = planned(session_with(ENCRYPT), messages=[message()], rules=["Partners"])
    assert "@" not in found["msg"]
    assert "Hello" not in found["msg"]


def test_questions_are_refused_with_what_to_do() -> None:
    with pytest.raises(OptionError, match=BY_ID["U08"].settled_by):
        planned(session_with(ENCRYPT), questions=["U08"])
    with pytest.raises(OptionError, match="U008"):
        planned(session_with(ENCRYPT), questions=["U008"])


def test_a_group_whose_members_cannot_be_read_is_refused() -> None:
    group = {
        "name": "Team",
        "alias": "team",
        "address": f"team@{DOMAIN}",
        "members": [INSIDE, "guest@elsewhere.example"],
    }
    session = session_with(ENCRYPT)
    session.organization.state["recipients"].append(group)
    options: dict[str, Any] = {"recipients": [f"team@{DOMAIN}"], "messages": [message(to=[f"team@{DOMAIN}"])]}
    with pytest.raises(OptionError, match="unknown"):
        planned(session, **options)


def test_members_outside_of_a_group_are_refused() -> None:
    team = f"team@{DOMAIN}"
    facts = {"groups": {team: [INSIDE, "guest@elsewhere.example"]}}
    options: dict[str, Any] = {"recipients": [team], "messages": [message(to=[team])], "facts": facts}
    with pytest.raises(OptionError, match=r"guest@elsewhere\.example"):
        planned(session_with(ENCRYPT), **options)
    found = planned(session_with(ENCRYPT), **options, may_reach=["guest@elsewhere.example"])
    assert found["experiments"][0]["may_get"] == [INSIDE, "guest@elsewhere.example"]


@pytest.mark.parametrize(
    "actions",
    [{"blind_copy_to": ["archive@elsewhere.example"]}, {"generate_incident_report": ["archive@elsewhere.example"]}],
    ids=str,
)
def test_whom_a_dlp_policy_names_may_get_mail(actions: dict[str, Any]) -> None:
    rule: dict[str, Any] = {"name": "R", "conditions": {}, "actions": actions}
    policy = {"name": "P", "rules": [rule]}
    options: dict[str, Any] = {"messages": [message()], "facts": {"dlp_policies": [policy]}}
    with pytest.raises(OptionError, match=r"archive@elsewhere\.example"):
        planned(session_with(ENCRYPT), **options)
    disabled = {**policy, "rules": [{**rule, "enabled": False}]}
    assert planned(session_with(ENCRYPT), **{**options, "facts": {"dlp_policies": [disabled]}})["experiments"]


def test_a_rule_that_copies_to_a_group_whose_members_cannot_be_read_is_refused() -> None:
    team = f"team@{DOMAIN}"
    copying = {
        "name": "Archive",
        "conditions": {"from_scope": "InOrganization"},
        "actions": {"blind_copy_to": [team]},
    }
    options: dict[str, Any] = {"messages": [message()], "facts": {"unread_groups": [team]}}
    with pytest.raises(OptionError, match="unknown"):
        planned(session_with(copying), **options)
    assert planned(session_with(copying), **options, may_reach=["unknown"])["experiments"]


@pytest.mark.parametrize(
    "address",
    [
        "m\u00fcller@fabrikam.com",
        "ann@b\u00fccher.example",
        "ann@\u212aelvin.example",
        "=?utf-8?q?tests?=@fabrikam.com",
    ],
    ids=["local part", "domain", "another letter K", "encoded word"],
)
def test_an_address_that_a_header_would_write_in_another_way_gets_nothing(address: str) -> None:
    with pytest.raises(OptionError, match="ASCII"):
        planned(session_with(ENCRYPT), recipients=[address], messages=[message()])
    found = planned(session_with(ENCRYPT), messages=[message(to=[address]), message(name="Plain")])
    assert reasons(found) == [("Offer", "address")]
    assert [row["name"] for row in found["experiments"]] == ["Plain"]


def test_a_header_has_a_name_in_ascii() -> None:
    found = planned(session_with(ENCRYPT), messages=[message(headers={"X-\u017fub": "x"}), message(name="Plain")])
    assert reasons(found) == [("Offer", "header")]
