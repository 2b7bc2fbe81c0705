# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange tells of guests, journals, and the groups and people that rules name: read where a rule needs it, and
what is not read is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import MOST_PEOPLE, read
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.directory import (
    MOST_ASKED,
    MOST_LEVELS,
    facts_of_directory,
    read_directory,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    facts_from,
    facts_not_in,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    people_behind,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.emulated_session import EmulatedSession
from tests.unit.mail_flow.answers import prove

DOMAIN = "contoso.onmicrosoft.com"
OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
FACTS = {"accepted_domains": [DOMAIN], "remote_domains": []}


def rule(conditions: Mapping[str, Any], **actions: Any) -> dict[str, Any]:
    return {"name": "Rule", "conditions": conditions, "exceptions": {}, "actions": actions or ENCRYPT}


def person(name: str, *members: str, **more: Any) -> dict[str, Any]:
    address = more.pop("address", f"{name}@{DOMAIN}")
    return {
        "name": name,
        "alias": name,
        "address": address,
        **({"members": [f"{each}@{DOMAIN}" for each in members]} if members else {}),
        **more,
    }


def session_of(**state: Any) -> EmulatedSession:
    return EmulatedSession(state, "rest")


def directory(session: EmulatedSession, *rules: dict[str, Any], **given: Any) -> tuple[dict[str, Any], dict[str, str]]:
    return facts_of_directory(read_directory(session, [RuleSet(rules)], given), given)


def test_only_groups_and_people_that_rules_name_are_read_and_all_at_once() -> None:
    people = [
        person("ann"),
        person("bob"),
        person("board", "ann", "bob"),
        person("Ext Contact", address="x@evil.example"),
        person("unnamed", "ann"),
    ]
    session = session_of(recipients=people)
    facts, unavailable = directory(
        session,
        rule({"sent_to_member_of": [f"board@{DOMAIN}"]}),
        rule(OUT, blind_copy_to=["Ext Contact", f"ann@{DOMAIN}", "y@elsewhere.example"]),
    )
    assert session.reads == 1
    assert facts == {
        "groups": {f"board@{DOMAIN}": [f"ann@{DOMAIN}", f"bob@{DOMAIN}"]},
        "proxy_addresses": {"ext contact": "x@evil.example"},
    }
    assert unavailable == {}
    assert directory(session, rule(OUT)) == ({}, {})
    assert session.reads == 1
    known = {f"board@{DOMAIN}": [f"ann@{DOMAIN}"]}
    assert directory(session, rule({"sent_to_member_of": [f"board@{DOMAIN}"]}), groups=known) == ({"groups": known}, {})
    assert session.reads == 1


def test_groups_in_groups_are_read_and_a_group_is_known_only_if_they_are() -> None:
    deep = [person(f"g{number}", f"g{number + 1}", "ann") for number in range(MOST_LEVELS)]
    session = session_of(
        recipients=[
            *deep,
            person(f"g{MOST_LEVELS}", "ann"),
            person("ann"),
            person("board", "inner"),
            person("inner", "ann", "board"),
        ]
    )
    facts, unavailable = directory(session, rule({"from_member_of": [f"board@{DOMAIN}", f"g0@{DOMAIN}"]}))
    assert facts["groups"] == {
        f"board@{DOMAIN}": [f"inner@{DOMAIN}"],
        f"inner@{DOMAIN}": [f"ann@{DOMAIN}", f"board@{DOMAIN}"],
    }
    assert facts["unread_groups"] == [f"g{number}@{DOMAIN}" for number in range(MOST_LEVELS)]
    names = ", ".join(f"g{number}@{DOMAIN}" for number in range(MOST_LEVELS))
    assert unavailable == {"groups": f"{names}: Get-DistributionGroupMember shows nested groups that are unknown."}


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"hidden_cmdlets": ["Get-DistributionGroupMember"]}, "Get-DistributionGroupMember"),
        ({"recipients": [person("ann"), person("other", "ann")]}, "couldn't be found"),
        ({"recipients": [person("board", *(["ann"] * (MOST_PEOPLE + 1))), person("ann")]}, "more than 1000 members"),
    ],
)
def test_a_group_that_cannot_be_read_whole_is_not_known_and_why_is_said(state: dict[str, Any], why: str) -> None:
    session = session_of(**{"recipients": [person("ann"), person("board", "ann")], **state})
    facts, unavailable = directory(session, rule({"sent_to_member_of": [f"board@{DOMAIN}"]}))
    assert "groups" not in facts
    assert why in unavailable["groups"]
    assert f"board@{DOMAIN}: " in unavailable["groups"]


def test_a_group_without_members_may_be_one_that_is_not_shown() -> None:
    facts, unavailable = directory(
        session_of(recipients=[{**person("board"), "members": []}]), rule({"sent_to_member_of": [f"board@{DOMAIN}"]})
    )
    assert facts == {"unread_groups": [f"board@{DOMAIN}"]}
    assert unavailable == {"groups": f"board@{DOMAIN}: Get-DistributionGroupMember shows no member."}


def test_guests_and_journals_are_facts_where_they_can_be_read() -> None:
    subsets = ("mail_users", "journal_rules")
    session = session_of(
        mail_users=[{"PrimarySmtpAddress": "Guest@partner.example"}],
        journal_rules=[{"Name": "Archive", "JournalEmailAddress": "a@b.example"}],
    )
    facts, unavailable = facts_from(read(session, subsets), subsets)
    assert (facts["mail_users"], unavailable) == (["guest@partner.example"], {})
    assert [(each["name"], each["enabled"], each["journal_email_address"]) for each in facts["journal_rules"]] == [
        ("Archive", True, "a@b.example")
    ]
    many = session_of(
        mail_users=[{"PrimarySmtpAddress": f"g{number}@partner.example"} for number in range(MOST_PEOPLE + 1)],
        hidden_cmdlets=["Get-JournalRule"],
    )
    facts, unavailable = facts_from(read(many, subsets), subsets)
    assert facts == {}
    assert "more than 1000 mail users" in unavailable["mail_users"]
    assert "Get-JournalRule" in unavailable["journal_rules"]


def assumptions(facts: Mapping[str, Any], *rules: dict[str, Any], **when: Any) -> tuple[str, dict[str, str]]:
    (found,) = prove(rules, {**FACTS, **facts}, [{"name": "G", "when": when or OUT, "then": "not_in_clear"}])
    return found["verdict"], {each["id"]: each["text"] for each in found["assumptions"]}


def test_who_is_no_guest_is_assumed_only_where_nobody_knows_the_guests() -> None:
    to_partner, from_inside = {"from_scope": "InOrganization", "recipient_domain_is": ["partner.example"]}, rule(OUT)
    verdict, assumed = assumptions({}, from_inside, **to_partner)
    assert (verdict, "Get-MailUser" in assumed["U20"]) == ("proved", True)
    verdict, assumed = assumptions({"mail_users": ["ann@elsewhere.example"]}, from_inside, **to_partner)
    assert (verdict, "who have no mailbox here, send no mail" in assumed["U20"]) == ("proved", True)
    verdict, assumed = assumptions({"mail_users": []}, from_inside, **to_partner)
    assert (verdict, "U20" in assumed) == ("proved", False)


def test_a_guest_whom_a_guarantee_is_about_is_no_assumption() -> None:
    """Whether guests are outside is not documented, so mail to one may pass a rule for mail to people outside."""
    to_partner = {"from_scope": "InOrganization", "recipient_domain_is": ["partner.example"]}
    (found,) = prove(
        [rule(OUT)],
        {**FACTS, "mail_users": ["guest@partner.example"]},
        [{"name": "G", "when": to_partner, "then": "not_in_clear"}],
    )
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U20"])
    assert "guest@partner.example" in found["unknown"][0]["reason"]


def test_too_many_guests_to_be_told_apart_are_said_to_be_left_out() -> None:
    verdict, assumed = assumptions(
        {"mail_users": [f"g{number}@partner.example" for number in range(301)]},
        rule(OUT),
        **{**OUT, "recipient_domain_is": ["a.example"]},
    )
    assert verdict == "proved"
    assert "U20" not in assumed or "too many to distinguish" in assumed["U20"]


def test_journals_are_named_beside_a_proof() -> None:
    journals = [
        {"name": "A", "enabled": True, "journal_email_address": "a@b.example"},
        {"name": "B", "enabled": False, "journal_email_address": "c@d.example"},
    ]
    verdict, assumed = assumptions({"journal_rules": journals}, rule(OUT))
    assert (verdict, assumed["journals"]) == (
        "proved",
        "Journal rules send copies of mail to a@b.example, which are not considered.",
    )


def test_names_beyond_the_bound_are_not_known_and_that_is_said() -> None:
    names = [f"group{number}@{DOMAIN}" for number in range(MOST_ASKED + 10)]
    session = session_of(recipients=[person("ann"), *(person(name.partition("@")[0], "ann") for name in names)])
    facts, unavailable = directory(session, rule({"sent_to_member_of": names}), rule(OUT, copy_to=["Some Body"]))
    assert (session.reads, sorted(facts["groups"])) == (1, sorted(names[:MOST_ASKED]))
    why = "rules name more than 100 groups and people, and only that many are read."
    assert unavailable == {
        "groups": f"{', '.join(names[MOST_ASKED:][:5])} and 5 more: {why}",
        "proxy_addresses": f"some body: {why}",
    }


def test_groups_in_groups_beyond_the_bound_are_not_known_either() -> None:
    names = [f"group{number}@{DOMAIN}" for number in range(MOST_ASKED)]
    session = session_of(
        recipients=[
            person("ann"),
            person("inner", "ann"),
            *(person(name.partition("@")[0], "ann", "inner") for name in names),
        ]
    )
    facts, unavailable = directory(session, rule({"sent_to_member_of": names}))
    assert (session.reads, set(facts)) == (1, {"unread_groups"})
    assert f"inner@{DOMAIN}: rules name more than 100" in unavailable["groups"]
    assert "nested groups that are unknown" in unavailable["groups"]


@pytest.mark.parametrize("off", [True, False])
def test_whether_plus_addressing_is_off_is_read_with_the_other_facts(off: bool) -> None:
    session = session_of(added_properties={"Get-OrganizationConfig": {"DisablePlusAddressInRecipients": off}})
    found = facts_from(read(session, ["organization"]), ["organization"])
    assert found == ({"organization_config": {"disable_plus_address_in_recipients": off}}, {})
    assert "organization" in facts_not_in({})
    assert "organization" not in facts_not_in(found[0])


def test_an_organization_that_does_not_say_whether_plus_addressing_is_off_leaves_it_open() -> None:
    silent = session_of(dropped_properties={"Get-OrganizationConfig": ["DisablePlusAddressInRecipients"]})
    assert facts_from(read(silent, ["organization"]), ["organization"]) == ({}, {})
    hidden = session_of(hidden_cmdlets=["Get-OrganizationConfig"])
    facts, unavailable = facts_from(read(hidden, ["organization"]), ["organization"])
    assert (facts, "Get-OrganizationConfig" in unavailable["organization_config"]) == ({}, True)


COPYING = [rule(OUT), rule({"from_scope": "InOrganization"}, blind_copy_to=[f"project@{DOMAIN}"])]
#: Of mail inside, a copy for somebody outside is the only one that leaves.
LEAVES = {"name": "G", "when": OUT, "then": "not_in_clear"}


def copied(session: EmulatedSession) -> tuple[str, str]:
    """What holds of a guarantee where a rule copies mail to an address, and what is not known of that."""
    facts, unavailable = directory(session, *COPYING)
    (found,) = prove(COPYING, {**FACTS, "mail_users": [], **facts}, [LEAVES])
    assert session.reads == 1
    return found["verdict"], unavailable.get("groups", "")


def test_a_copy_for_an_address_is_one_for_a_person_only_where_that_is_known() -> None:
    group = {"type": "MailUniversalDistributionGroup"}
    dynamic = {"type": "DynamicDistributionGroup"}
    assert copied(session_of(recipients=[person("project")])) == ("proved", "")
    assert copied(session_of(recipients=[person("ann")])) == ("proved", "")
    for kind in (group, dynamic):
        verdict, why = copied(session_of(recipients=[person("project", **kind)]))
        assert (verdict, f"project@{DOMAIN}" in why) == ("unknown", True), kind
    assert copied(session_of(recipients=[person("project")], hidden_cmdlets=["Get-DistributionGroupMember"])) == (
        "proved",
        "",
    )
    # Get-Recipient shows no Microsoft 365 group to who does not ask for its type, so that nobody found may be one.
    for cmdlet, known in (
        ("Get-Recipient", "project"),
        ("Get-DistributionGroupMember", "ann"),
        ("Get-UnifiedGroupLinks", "ann"),
    ):
        verdict, why = copied(session_of(recipients=[person(known)], hidden_cmdlets=[cmdlet]))
        assert (verdict, cmdlet in why) == ("unknown", True), cmdlet


def linked(name: str, *members: str, key: str = "linked_members", **more: Any) -> dict[str, Any]:
    """A Microsoft 365 group, or with another key a dynamic one."""
    return {**person(name, **more), key: [each if "@" in each else f"{each}@{DOMAIN}" for each in members]}


@pytest.mark.parametrize(
    ("key", "cmdlet"),
    [("linked_members", "Get-UnifiedGroupLinks"), ("dynamic_members", "Get-DynamicDistributionGroupMember")],
    ids=["linked", "dynamic"],
)
def test_members_of_microsoft_365_and_dynamic_groups_are_read_but_not_whether_mail_to_them_is_expanded(
    key: str, cmdlet: str
) -> None:
    condition = rule({"from_member_of": [f"board@{DOMAIN}"]})
    session = session_of(recipients=[linked("board", "ann", key=key), person("ann"), person("bob")])
    facts, unavailable = directory(session, condition)
    assert (session.reads, unavailable) == (1, {})
    assert facts == {"groups": {f"board@{DOMAIN}": [f"ann@{DOMAIN}"]}, "unread_groups": [f"board@{DOMAIN}"]}
    known = facts_of({**FACTS, **facts})
    assert [known.groups.is_member(f"{name}@{DOMAIN}", f"board@{DOMAIN}") for name in ("ann", "bob")] == [
        True,
        False,
    ]
    # Who gets a copy for it, nobody knows: subscribers of a Microsoft 365 group, or the stored list of a dynamic one.
    assert [each.address for each in people_behind(known, f"board@{DOMAIN}")] == [f"each member of board at {DOMAIN}"]
    assert copied(session_of(recipients=[linked("project", "ann", key=key), person("ann")])) == ("unknown", "")
    hidden = session_of(recipients=[linked("board", "ann", key=key), person("ann")], hidden_cmdlets=[cmdlet])
    facts, unavailable = directory(hidden, condition)
    assert (facts, cmdlet in unavailable["groups"]) == ({"unread_groups": [f"board@{DOMAIN}"]}, True)


def test_a_group_with_a_dynamic_one_in_it_is_known_but_not_whom_mail_to_it_goes_to() -> None:
    people = [
        person("board", "ann", "dynamic"),
        linked("dynamic", "bob", key="dynamic_members"),
        person("ann"),
        person("bob"),
    ]
    facts, unavailable = directory(session_of(recipients=people), rule({"sent_to_member_of": [f"board@{DOMAIN}"]}))
    assert (sorted(facts["groups"]), facts["unread_groups"]) == (
        [f"board@{DOMAIN}", f"dynamic@{DOMAIN}"],
        [f"board@{DOMAIN}", f"dynamic@{DOMAIN}"],
    )
    assert unavailable == {}


def test_guarantees_name_groups_and_people_too() -> None:
    session = session_of(recipients=[person("board", "ann"), person("ann")])
    selection = {"name": "G", "conditions": {"from_member_of": [f"board@{DOMAIN}"]}, "exceptions": {}}
    assert directory(session, rule(OUT), selection)[0] == {"groups": {f"board@{DOMAIN}": [f"ann@{DOMAIN}"]}}


def test_nobody_outside_of_the_domains_is_asked_for_as_a_group() -> None:
    session = session_of(recipients=[person("ann")])
    read_directory(session, [RuleSet([rule(OUT, copy_to=["x@evil.example"])])], FACTS)
    assert session.reads == 0


STAFF = [
    person("ann", manager="Boss"),
    person("bob", manager="ann"),
    person("Boss", address="boss@evil.example"),
    person("x"),
]
MODERATED = rule({"from_scope": "InOrganization"}, moderate_message_by_manager=True)


@pytest.mark.parametrize(
    "looks",
    [
        MODERATED,
        rule(OUT, add_manager_as_recipient_type="Bcc"),
        rule({"manager_for_evaluated_user": "Sender", "manager_addresses": [f"ann@{DOMAIN}"]}),
        rule({"sender_management_relationship": "Manager"}),
    ],
    ids=["moderates", "adds", "addresses", "relation"],
)
def test_managers_are_read_where_a_rule_looks_at_them(looks: dict[str, Any]) -> None:
    """Who has a manager in one read; in another one the managers that have none themselves."""
    session = session_of(recipients=STAFF)
    facts, unavailable = directory(session, looks)
    assert (session.reads, unavailable) == (2, {})
    assert facts == {"managers": {f"ann@{DOMAIN}": "boss@evil.example", f"bob@{DOMAIN}": f"ann@{DOMAIN}"}}
    assert directory(session, looks, managers={}) == ({}, {})
    assert directory(session, rule(OUT)) == ({}, {})
    assert session.reads == 2
    assert directory(session_of(recipients=[person("x")]), looks) == ({"managers": {}}, {})


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"hidden_cmdlets": ["Get-Recipient"]}, "Get-Recipient"),
        ({"recipients": [person("ann", manager="Gone")]}, "the manager Gone: .*couldn't be found"),
        (
            {"recipients": [person(f"p{number}", manager="p0") for number in range(MOST_PEOPLE + 1)]},
            "more than 1000 people who have a manager",
        ),
        (
            {"recipients": [person(f"p{number}", manager=f"boss{number}") for number in range(MOST_ASKED + 1)]},
            "couldn't be found|rules name more than 100",
        ),
    ],
    ids=["hidden", "nobody", "many", "many managers"],
)
def test_managers_that_cannot_all_be_read_are_not_known_and_why_is_said(state: dict[str, Any], why: str) -> None:
    facts, unavailable = directory(session_of(**{"recipients": STAFF, **state}), MODERATED)
    assert facts == {}
    assert re.search(why, unavailable["managers"])


def test_a_manager_outside_who_is_asked_for_an_approval_keeps_a_guarantee_from_being_proved() -> None:
    rules = [MODERATED, rule(OUT)]
    for boss, verdict in (("boss@evil.example", "unknown"), (f"boss@{DOMAIN}", "proved")):
        facts, _unavailable = directory(
            session_of(recipients=[person("ann", manager="Boss"), person("Boss", address=boss)]), *rules
        )
        (found,) = prove(rules, {**FACTS, "mail_users": [], **facts}, [LEAVES])
        assert found["verdict"] == verdict, boss


def test_a_copy_for_a_group_is_one_for_its_members() -> None:
    outside = person("x", address="x@evil.example", type="MailContact")
    group = {**person("project"), "members": ["x@evil.example"]}
    assert copied(session_of(recipients=[group, outside])) == ("refuted", "")
    assert copied(session_of(recipients=[person("project", "ann"), person("ann")])) == ("proved", "")
