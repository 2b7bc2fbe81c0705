# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange tells of guests, journals, and the groups and people that rules name: read where a rule needs it, and what is not read is not known."""

from __future__ import annotations

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
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.facts_from_organization import facts_from, facts_not_in
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet

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
    return {"name": name, "alias": name, "address": address, **({"members": [f"{each}@{DOMAIN}" for each in members]} if members else {}), **more}


def session_of(**state: Any) -> EmulatedSession:
    return EmulatedSession(state, "rest")


def directory(session: EmulatedSession, *rules: dict[str, Any], **given: Any) -> tuple[dict[str, Any], dict[str, str]]:
    return facts_of_directory(read_directory(session, [RuleSet(rules)], given), given)


def test_only_groups_and_people_that_rules_name_are_read_and_all_at_once() -> None:
    people = [person("ann"), person("bob"), person("board", "ann", "bob"), person("Ext Contact", address="x@evil.example"), person("unnamed", "ann")]
    session = session_of(recipients=people)
    facts, unavailable = directory(
        session, rule({"sent_to_member_of": [f"board@{DOMAIN}"]}), rule(OUT, blind_copy_to=["Ext Contact", f"ann@{DOMAIN}", "y@elsewhere.example"])
    )
    assert session.reads == 1
    assert facts == {"groups": {f"board@{DOMAIN}": [f"ann@{DOMAIN}", f"bob@{DOMAIN}"]}, "proxy_addresses": {"ext contact": "x@evil.example"}}
    assert unavailable == {}
    assert directory(session, rule(OUT)) == ({}, {})
    assert session.reads == 1
    known = {f"board@{DOMAIN}": [f"ann@{DOMAIN}"]}
    assert directory(session, rule({"sent_to_member_of": [f"board@{DOMAIN}"]}), groups=known) == ({"groups": known}, {})
    assert session.reads == 1


def test_groups_in_groups_are_read_and_a_group_is_known_only_if_they_are() -> None:
    deep = [person(f"g{number}", f"g{number + 1}", "ann") for number in range(MOST_LEVELS)]
    session = session_of(recipients=[*deep, person(f"g{MOST_LEVELS}", "ann"), person("ann"), person("board", "inner"), person("inner", "ann", "board")])
    facts, unavailable = directory(session, rule({"from_member_of": [f"board@{DOMAIN}", f"g0@{DOMAIN}"]}))
    assert facts["groups"] == {f"board@{DOMAIN}": [f"inner@{DOMAIN}"], f"inner@{DOMAIN}": [f"ann@{DOMAIN}", f"board@{DOMAIN}"]}
    assert facts["unread_groups"] == [f"g{number}@{DOMAIN}" for number in range(MOST_LEVELS)]
    names = ", ".join(f"g{number}@{DOMAIN}" for number in range(MOST_LEVELS))
    assert unavailable == {"groups": f"{names}: Get-DistributionGroupMember shows groups in it that are not known."}


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
    facts, unavailable = directory(session_of(recipients=[{**person("board"), "members": []}]), rule({"sent_to_member_of": [f"board@{DOMAIN}"]}))
    assert facts == {"unread_groups": [f"board@{DOMAIN}"]}
    assert unavailable == {"groups": f"board@{DOMAIN}: Get-DistributionGroupMember shows no member."}


def test_guests_and_journals_are_facts_where_they_can_be_read() -> None:
    subsets = ("mail_users", "journal_rules")
    session = session_of(
        mail_users=[{"PrimarySmtpAddress": "Guest@partner.example"}], journal_rules=[{"Name": "Archive", "JournalEmailAddress": "a@b.example"}]
    )
    facts, unavailable = facts_from(read(session, subsets), subsets)
    assert (facts["mail_users"], unavailable) == (["guest@partner.example"], {})
    assert [(each["name"], each["enabled"], each["journal_email_address"]) for each in facts["journal_rules"]] == [("Archive", True, "a@b.example")]
    many = session_of(
        mail_users=[{"PrimarySmtpAddress": f"g{number}@partner.example"} for number in range(MOST_PEOPLE + 1)], hidden_cmdlets=["Get-JournalRule"]
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
    (found,) = prove([rule(OUT)], {**FACTS, "mail_users": ["guest@partner.example"]}, [{"name": "G", "when": to_partner, "then": "not_in_clear"}])
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U20"])
    assert "guest@partner.example" in found["unknown"][0]["reason"]


def test_too_many_guests_to_be_told_apart_are_said_to_be_left_out() -> None:
    verdict, assumed = assumptions(
        {"mail_users": [f"g{number}@partner.example" for number in range(301)]}, rule(OUT), **{**OUT, "recipient_domain_is": ["a.example"]}
    )
    assert verdict == "proved"
    assert "U20" not in assumed or "too many to be told apart" in assumed["U20"]


def test_journals_are_named_beside_a_proof() -> None:
    journals = [{"name": "A", "enabled": True, "journal_email_address": "a@b.example"}, {"name": "B", "enabled": False, "journal_email_address": "c@d.example"}]
    verdict, assumed = assumptions({"journal_rules": journals}, rule(OUT))
    assert (verdict, assumed["journals"]) == ("proved", "Journal rules send copies of mail to a@b.example, which are not considered.")


def test_names_beyond_the_bound_are_not_known_and_that_is_said() -> None:
    names = [f"group{number}@{DOMAIN}" for number in range(MOST_ASKED + 10)]
    session = session_of(recipients=[person("ann"), *(person(name.partition("@")[0], "ann") for name in names)])
    facts, unavailable = directory(session, rule({"sent_to_member_of": names}), rule(OUT, copy_to=["Some Body"]))
    assert (session.reads, sorted(facts["groups"])) == (1, sorted(names[:MOST_ASKED]))
    why = "rules name more than 100 groups and people, and so many are read."
    assert unavailable == {"groups": f"{', '.join(names[MOST_ASKED:][:5])} and 5 more: {why}", "proxy_addresses": f"some body: {why}"}


def test_groups_in_groups_beyond_the_bound_are_not_known_either() -> None:
    names = [f"group{number}@{DOMAIN}" for number in range(MOST_ASKED)]
    session = session_of(recipients=[person("ann"), person("inner", "ann"), *(person(name.partition("@")[0], "ann", "inner") for name in names)])
    facts, unavailable = directory(session, rule({"sent_to_member_of": names}))
    assert (session.reads, set(facts)) == (1, {"unread_groups"})
    assert f"inner@{DOMAIN}: rules name more than 100" in unavailable["groups"]
    assert "groups in it that are not known" in unavailable["groups"]


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
    for cmdlet in ("Get-Recipient", "Get-DistributionGroupMember"):
        verdict, why = copied(session_of(recipients=[person("project")], hidden_cmdlets=[cmdlet]))
        assert (verdict, cmdlet in why) == ("unknown", True), cmdlet


def test_a_copy_for_a_group_is_one_for_its_members() -> None:
    outside = person("x", address="x@evil.example", type="MailContact")
    group = {**person("project"), "members": ["x@evil.example"]}
    assert copied(session_of(recipients=[group, outside])) == ("refuted", "")
    assert copied(session_of(recipients=[person("project", "ann"), person("ann")])) == ("proved", "")
