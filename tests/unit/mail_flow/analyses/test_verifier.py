# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees: the semantics' worked example, bad input, and random claims against enumeration."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES

from tests.rounds import seeds
from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.asking import ALL, ENCRYPT, ENCRYPTING, IN, NOW, OUTGOING, PARTNER, STOP, rule, verdict
from tests.unit.mail_flow.deciding import proofs
from tests.unit.mail_flow.search import Search
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

AWAY = rule("Partner", PARTNER, STOP)


def test_what_is_unknown_of_the_claim_itself_is_said() -> None:
    """Who the manager of the sender is, and whether mail with more recipients counts (U05)."""
    unknown = {key: value for key, value in TENANT.items() if key != "managers"}
    for when in (
        {"sender_management_relationship": "Manager"},
        {"manager_for_evaluated_user": "Sender", "manager_addresses": ["bob@contoso.com"]},
    ):
        found = verdict([], unknown, when=when, then="not_in_clear")
        assert found["verdict"] == "unknown"
        assert [each["reason"] for each in found["unknown"] if "manager" in each["reason"]]


def test_mail_to_an_alias_is_mail() -> None:
    words = {"recipient_address_contains_words": ["bob"]}
    to_bob = {"when": {"from_scope": "InOrganization", "sent_to": ["bob@contoso.com"]}, "then": "not_in_clear"}
    resolved, original = (rule("R", words, ENCRYPT, recipient_address_type=kind) for kind in ("Resolved", "Original"))
    assert verdict([resolved], **to_bob)["verdict"] == "proved"
    found = verdict([original], **to_bob)
    assert found["counterexample"]["message"]["to"] == ["robert@contoso.com"]
    by_domain = rule("R", {"recipient_domain_is": ["contoso.com"]}, ENCRYPT, recipient_address_type="Original")
    found = verdict([by_domain], **to_bob)
    assert (found["verdict"], {each["id"] for each in found["unknown"]}) == ("unknown", {"U24"})
    assert verdict([original], **{**to_bob, "when": {"from_scope": "InOrganization"}})["counterexample"]["message"][
        "to"
    ] != ["robert@contoso.com"]


def test_all_outgoing_mail_is_proved_with_what_was_assumed() -> None:
    found = verdict([ALL])
    assert found["verdict"] == "proved"
    named = [
        "U26",
        "U27",
        "U29",
        "U29",
        "U31",
        "authenticated",
        "settled",
        "rule_errors",
        "configured",
        "system_mail",
        "later",
    ]
    assert [each["id"] for each in found["assumptions"]] == named
    assert verdict([], then="encrypted")["assumptions"] == []


@pytest.mark.parametrize(
    ("reading", "conditions", "when"),
    [
        ("authenticated", {}, {"from_scope": "InOrganization"}),
        (
            "authenticated",
            {"from_scope": "InOrganization"},
            {"from_member_of": ["all@contoso.com"], "from_scope": "InOrganization"},
        ),
        ("subdomains", {"recipient_domain_is": ["partner.com"]}, {"recipient_domain_is": ["eu.partner.com"]}),
        ("subdomains", {"recipient_domain_is": ["partner.com"]}, {"sent_to": ["a@eu.partner.com"]}),
        ("sent_from", {}, {"from_address_contains_words": ["megan"]}),
        ("sizes", {"message_size_over": "4MB"}, {"attachment_size_over": "5MB"}),
    ],
)
def test_a_proof_names_the_readings_that_it_may_rest_on(reading: str, conditions: Values, when: Values) -> None:
    inside = {"from_scope": "InOrganization", **when}
    readings = {"authenticated", "subdomains", "sent_from", "sizes"}
    found = verdict([rule("R", conditions, {"delete_message": True})], when=inside, then="not_in_clear")
    assert (found["verdict"], readings & {each["id"] for each in found["assumptions"]}) == (
        "proved",
        {"authenticated", reading},
    )


def test_a_proof_names_no_reading_that_does_not_matter() -> None:
    named = {"recipient_domain_is": ["partner.com"], "attachment_size_over": "5MB"}
    found = verdict([rule("R", named, {"delete_message": True})], when=named, then="not_in_clear")
    assert (
        found["verdict"],
        {"authenticated", "subdomains", "sent_from", "sizes"} & {each["id"] for each in found["assumptions"]},
    ) == ("proved", set())


def test_a_partner_rule_takes_the_partners_subdomains_too() -> None:
    assert verdict([AWAY, ALL], unless={"recipient_domain_is": ["partner.com"]})["verdict"] == "proved"
    found = verdict([AWAY, ALL], unless={"sent_to": ["a@partner.com"]})
    assert found["verdict"] == "refuted"
    assert found["counterexample"]["recipient"].endswith("partner.com")
    assert found["counterexample"]["outcome"]["protection"] == "none"


def test_a_word_in_the_subject_lets_mail_escape() -> None:
    public = rule("Public", {"from_scope": "InOrganization", "subject_contains_words": ["public"]}, STOP)
    found = verdict([public, ALL])
    assert found["verdict"] == "refuted"
    assert found["counterexample"]["message"]["subject"] == "public"
    audited = verdict([{**public, "mode": "Audit"}, ALL])
    assert audited["verdict"] == "unknown"
    assert [each["id"] for each in audited["unknown"]] == ["U08"]
    assert all(each["settled_by"] for each in audited["unknown"])


@pytest.mark.parametrize(
    ("header", "words", "unless", "says"),
    [
        ("Subject", ["public"], {"subject_contains_words": ["public"]}, "proved"),
        # The sender's name may be Megan, too.
        ("From", ["megan"], {"from_address_contains_words": ["megan"]}, "unknown"),
        ("Importance", ["low"], {"with_importance": "Low"}, "proved"),
    ],
)
def test_headers_that_repeat_what_the_message_says(header: str, words: list[str], unless: Values, says: str) -> None:
    stop = rule("Stop", {"header_contains_message_header": header, "header_contains_words": words}, STOP)
    assert verdict([stop, ALL], unless=unless)["verdict"] == says
    assert verdict([stop, ALL])["verdict"] == "refuted"
    sets = rule("Sets", {}, {"set_header_name": header, "set_header_value": "x"})
    assert verdict([sets, stop, ALL], unless=unless)["verdict"] == "unknown"
    assert (
        verdict([rule("To", {"header_contains_message_header": "To", "header_contains_words": ["x"]}, STOP), ALL])[
            "verdict"
        ]
        == "unknown"
    )


def test_what_is_not_known_of_the_organization_is_assumed_and_named() -> None:
    found = verdict([ALL], {"accepted_domains": ["contoso.com"]})
    assert found["verdict"] == "proved"
    assert {"U20"} <= {each["id"] for each in found["assumptions"]}
    refuted = verdict([AWAY, ALL], {"accepted_domains": ["contoso.com"]})
    assert refuted["verdict"] == "refuted"
    assert refuted["counterexample"]["facts"]["remote_domains"] == []
    assert verdict([ALL], {})["verdict"] in ("unknown", "proved")


def test_a_rule_that_is_only_tried_leaves_alone_what_smime_hides() -> None:
    """Found by the soak: whether a rule in Audit mode stops is open, but not of mail that it cannot protect."""
    tried = rule("Tried", {}, {"apply_rights_protection_template": "Encrypt", **STOP}, mode="Audit")
    reject = rule("Reject", {"from_scope": "InOrganization"}, {"reject_message_reason_text": "no"})
    found = verdict([rule("All", {}, ENCRYPT), tried, reject], when={"from_scope": "InOrganization"})
    assert found["verdict"] == "refuted"
    assert found["counterexample"]["message"]["protection"]["kind"] == "smime"
    assert found["counterexample"]["outcome"]["fate"] == "rejected"


def test_whom_a_field_names_may_be_the_recipient() -> None:
    """Somebody is built for each address that a condition looks for in the fields. The recipient with that address is
    nobody else.
    """
    rules = [rule("All", {}, ENCRYPT), rule("Bob", {"any_of_to_header": ["bob@contoso.com"]}, ENCRYPT)]
    when = {
        "from": ["megan@contoso.com"],
        "sent_to": ["x@eu.fabrikam.com"],
        "any_of_to_cc_header": ["x@eu.fabrikam.com"],
    }
    found = verdict(rules, when=when, then="not_in_clear")
    assert found["verdict"] == "unknown"
    assert [each["id"] for each in found["unknown"]] == ["U26"]


def test_an_unknown_condition_makes_it_unknown() -> None:
    strange = rule("Strange", {"which nobody knows": True, "from_scope": "InOrganization"}, STOP)
    found = verdict([strange, ALL])
    assert found["verdict"] == "unknown"
    assert [each["id"] for each in found["unknown"]] == ["U13"]
    assert verdict([ALL, strange])["verdict"] == "proved"


def test_a_budget_that_is_spent_is_unknown() -> None:
    rules = [
        rule(
            f"R{number}",
            {
                "from_scope": "InOrganization",
                "subject_contains_words": [f"a{number % 7}", f"b{number % 5}"],
                "recipient_domain_is": [f"d{number % 3}.com"],
            },
            STOP,
        )
        for number in range(30)
    ]
    found = prove([*rules, ALL], TENANT, [{"name": "G", "when": OUTGOING, "then": "encrypted"}], NOW, budget=0)
    assert found[0]["verdict"] in ("unknown", "refuted")


@pytest.mark.parametrize(
    ("guarantee", "said"),
    [
        ({"then": "encrypted"}, "guarantees[0].name is required."),
        ({"name": "G"}, "guarantees[0].then is required: the guarantee 'G' has no effect without it."),
        ({"name": "G", "then": "encrypt"}, "guarantees[0].then is 'encrypt'. Did you mean encrypted?"),
        ({"name": "G", "then": "encrypted", "whens": {}}, "guarantees[0].whens is not known. Did you mean when?"),
        (
            {"name": "G", "then": "encrypted", "whenever": {}},
            "guarantees[0].whenever is not known. Known are name, when, unless, then",
        ),
        ({"name": " ", "then": "encrypted"}, "guarantees[0].name is required."),
        (
            {"name": "G", "then": "encrypted", "template": ""},
            "guarantees[0].template is empty. Give the name of an RMS template, or omit it",
        ),
        (
            {"name": "G", "then": "encrypted", "when": ["a"]},
            "guarantees[0].when must be a section like a rule's conditions, not ['a'].",
        ),
        (
            {"name": "G", "then": "encrypted", "when": {"from_scop": "InOrganization"}},
            "guarantees[0].when.from_scop is not a condition: did you mean from_scope?",
        ),
        (
            {"name": "G", "then": "portal", "template": "X"},
            "guarantees[0].template cannot be used with then: portal. Use it only with encrypted, not_in_clear or not_in_clear_if_delivered.",
        ),
        (
            {"name": "G", "then": "encrypted", "when": {"sent_to": ["a@b.com"], "recipient_domain_is": ["c.com"]}},
            "guarantees[0]: no message can meet when and unless of the guarantee 'G', so it has no effect. Change when or unless.",
        ),
    ],
)
def test_bad_guarantees_are_refused_by_name(guarantee: Values, said: str) -> None:
    with pytest.raises(OptionError) as raised:
        prove([ALL], TENANT, [guarantee], NOW)
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize("then", WISHES)
@pytest.mark.parametrize(
    ("when", "unless"),
    [
        ({"attachment_size_over": "10MB"}, {"message_size_over": "5MB"}),
        ({"attachment_size_over": "5MB"}, {"attachment_size_over": "3MB"}),
        ({"attachment_contains_words": ["offer"]}, {"attachment_contains_words": ["price", "offer"]}),
        ({"subject_or_body_contains_words": ["offer"]}, {"subject_or_body_contains_words": ["price", "offer"]}),
    ],
)
def test_content_that_nobody_can_read_is_in_order(when: Values, unless: Values, then: str) -> None:
    """L1, L14 and L15 hold of what a rule makes of protected content, too (U30): a claim that contradicts itself is
    proved of nothing.
    """
    with pytest.raises(OptionError, match="no message can meet when and unless"):
        verdict([ALL], when=when, unless=unless, then=then)
    assert verdict([ALL], when={**OUTGOING, **unless}, unless=when, then="not_in_clear")["verdict"] == "proved"


@pytest.mark.parametrize("other", ["G", "g", "G ", " g"])
def test_two_guarantees_of_one_name_are_refused(other: str) -> None:
    with pytest.raises(OptionError, match=rf"guarantees\[1\].name is '{other}', which another guarantee already uses"):
        prove([ALL], TENANT, [{"name": "G", "then": "encrypted"}, {"name": other, "then": "portal"}], NOW)


@pytest.mark.parametrize(
    "empty", [{"recipient_domain_is": []}, {"with_importance": ""}, {"attachment_is_unsupported": False}]
)
def test_a_condition_without_a_value_is_refused(empty: Values) -> None:
    """It would make a claim about some mail one about all mail. An exception without a value spares none, as it says."""
    (option,) = empty
    with pytest.raises(OptionError, match=rf"guarantees\[0\].when.{option} is empty, so it limits no mail"):
        verdict([ALL], when={**OUTGOING, **empty})
    assert verdict([ALL], when={**OUTGOING, "scl_over": 0}, then="not_in_clear")["verdict"] == "proved"
    assert verdict([ALL], unless={"recipient_domain_is": []})["verdict"] == "proved"


# 30, 58: a counterexample had more than it needed, where less of it rested on fewer guesses or rules.
@pytest.mark.parametrize("seed", seeds(12, 30, 58))
def test_random_claims_as_enumeration_says(seed: int) -> None:
    assert Search(150).claims(proofs, seed, 12) == ""


def test_nobody_else_has_an_alias_where_nobody_else_is() -> None:
    """Where a rule looks at the aliases of all who share a copy, a message to one person has only theirs."""
    held = rule("Held", {}, {"moderate_message_by_user": ["bob@contoso.com"]}, recipient_address_type="Original")
    held["exceptions"] = {"any_of_recipient_address_contains_words": ["bob"]}
    assert (
        verdict([held], when={"any_of_recipient_address_contains_words": ["bob"]}, then="unencrypted")["verdict"]
        == "refuted"
    )


def test_whether_a_field_with_an_alias_names_its_owner_is_open() -> None:
    """Mail to ``robert@``, an alias, is no mail to an address with ``bob``. Whether its To field names ``bob@`` nobody
    knows (U24).
    """
    first = rule(
        "First",
        {"any_of_recipient_address_contains_words": ["bob"]},
        {**ENCRYPT, **STOP},
        recipient_address_type="Original",
    )
    named = rule("Named", {"any_of_to_header": ["bob@contoso.com"]}, STOP)
    when = {"from_scope": "InOrganization", "sent_to": ["joe@northwind.com"]}
    every = rule("All", {}, ENCRYPT)
    assert verdict([first, every], when=when)["verdict"] == "proved"
    answer = verdict([first, named, every], when=when)
    assert (answer["verdict"], [each["id"] for each in answer["unknown"]]) == ("unknown", ["U24"])


def test_whom_no_field_names_is_not_seen_on_the_copy_of_somebody_who_is_added() -> None:
    every = rule("Every", {}, {"redirect_message_to": ["new@fabrikam.com"]})
    named = rule("Named", {"any_of_to_header": ["bob@contoso.com"]}, {"reject_message_reason_text": "no"})
    outside = rule(
        "Outside", {"sent_to_scope": "NotInOrganization", "from_scope": "NotInOrganization"}, {"delete_message": True}
    )
    answer = verdict([every, outside, named], when={"message_type_matches": "Voicemail"}, then="not_in_clear")
    assert (answer["verdict"], answer["counterexample"]["recipient"]) == ("refuted", "new@fabrikam.com")


def test_mail_to_a_group_is_mail_to_its_members() -> None:
    """Its address is an object of the organization like a mailbox's, and comes first here, but rules never see it as a
    recipient's.
    """
    facts = {**TENANT, "groups": {"all@contoso.com": ["bob@contoso.com"]}}
    answer = verdict([], facts, when={"sent_to_scope": "InOrganization"}, then="not_in_clear")
    assert answer["verdict"] == "refuted"
    assert answer["counterexample"]["recipient"] in TENANT["mailboxes"]


SALES = {"sender_ad_attribute_contains_words": ["Department:Sales"]}


GROUP = "board@contoso.com"


@pytest.mark.parametrize("size", [1, 30])
@pytest.mark.parametrize("option", ["any_of_to_header_member_of", "any_of_cc_header_member_of"])
def test_somebody_of_a_group_in_a_field_is_found(option: str, size: int) -> None:
    """A rule that exempts mail with one of a group in a field exempts a message that can be shown."""
    members = ["bob@contoso.com", *(f"member{number}@contoso.com" for number in range(1, size))]
    facts = {**TENANT, "mailboxes": ["megan@contoso.com", *members], "groups": {GROUP: members}}
    spares = rule("Spares", OUTGOING, ENCRYPT, exceptions={option: [GROUP]})
    found = verdict([spares], facts, then="not_in_clear")
    assert found["verdict"] == "refuted"
    field = "cc" if "_cc_" in option else "to"
    assert {*found["counterexample"]["message"][field]} & {*members}
    after = [rule("Stops", PARTNER, STOP), spares]
    unless = {option: [GROUP], "recipient_domain_is": ["partner.com"]}
    says = "proved" if size == 1 else "unknown"
    assert verdict(after, facts, then="not_in_clear", unless=unless)["verdict"] == says


def test_a_nested_group_in_a_field_is_open() -> None:
    facts = {**TENANT, "groups": {GROUP: ["chairs@contoso.com"], "chairs@contoso.com": ["bob@contoso.com"]}}
    spares = rule("Spares", OUTGOING, ENCRYPT, exceptions={"any_of_to_header_member_of": [GROUP]})
    assert verdict([spares], facts, then="not_in_clear")["verdict"] == "unknown"


def test_what_is_known_of_a_person_is_so_in_a_witness() -> None:
    """The department was cut to the word that a condition looks for, so that two departments were the same."""
    facts = {
        **TENANT,
        "attributes": {"megan@contoso.com": {"Department": "Sales team"}, "bob@contoso.com": {"Department": "Sales"}},
    }
    same = {"ad_comparison_attribute": "Department", "ad_comparison_operator": "Equal"}
    spares = rule("Inside", {"from_scope": "InOrganization"}, ENCRYPT, exceptions=same)
    when = {"from_scope": "InOrganization", "from": ["megan@contoso.com"], "sent_to": ["bob@contoso.com"], **SALES}
    assert verdict([spares], facts, when=when, then="not_in_clear")["verdict"] != "refuted"


def test_an_attribute_in_a_witness_matches_its_pattern() -> None:
    when = {"from_scope": "InOrganization", **SALES, "sender_ad_attribute_matches_patterns": ["Department:^sales$"]}
    answer = verdict([], TENANT, when=when, then="not_in_clear")
    shown = answer["counterexample"]
    assert shown["facts"] == {"attributes": {shown["message"]["from"]: {"department": "sales"}}}


def test_somebody_with_an_attribute_is_somebody() -> None:
    """In a directory that is told, the sender is one of several people, although nothing else asks which."""
    answer = verdict([], TENANT, when=SALES, then="not_in_clear")
    assert (answer["verdict"], answer["counterexample"]["message"]["from"] in TENANT["mailboxes"]) == ("refuted", True)


def test_the_text_of_an_attachment_is_none_that_it_must_not_be() -> None:
    when = {"from_scope": "InOrganization", "attachment_has_executable_content": True}
    answer = verdict([], when=when, unless={"attachment_matches_patterns": ["^$"]}, then="not_in_clear")
    assert answer["counterexample"]["message"]["attachments"][0]["text"] == "a"


def test_random_claims_as_full_enumeration_says() -> None:
    assert Search().claims(proofs, 5000, 8) == ""


MANAGED: Values = {"managers": {"megan@contoso.com": "ann@fabrikam.com"}}


def test_a_sender_with_a_manager_is_one_who_has_one() -> None:
    """An approval by the manager takes the place of the rejection, and lets mail through in clear."""
    asks = rule("Ask", {}, {"reject_message_reason_text": "no", "moderate_message_by_manager": True})
    found = verdict([asks], {**TENANT, **MANAGED}, when={"subject_contains_words": ["offer"]}, then="not_in_clear")
    assert (found["verdict"], found["counterexample"]["message"]["from"]) == ("refuted", "megan@contoso.com")


def test_a_guarantee_that_only_managers_may_meet_is_not_refused() -> None:
    """She is none of the recipients: those have no such word in their addresses."""
    only = {
        "when": {"sent_to": ["ann@fabrikam.com"]},
        "unless": {"any_of_recipient_address_contains_words": ["fabrikam"]},
        "then": "not_in_clear",
    }
    found = verdict([rule("Copy", {}, {"add_manager_as_recipient_type": "Cc"})], {**TENANT, **MANAGED}, **only)
    assert (found["verdict"], found["counterexample"]["recipient"]) == ("refuted", "ann@fabrikam.com")
    with pytest.raises(OptionError, match="no message can meet when and unless"):
        verdict([ALL], **only)


def test_of_two_rules_of_which_one_begins_when_the_other_ends_one_encrypts() -> None:
    """Whatever the time zone of that date is."""
    handed = [
        {**ALL, "name": name, option: "2026-03-01T06:00:00"}
        for name, option in (("Old", "expiry_date"), ("New", "activation_date"))
    ]
    assert verdict(handed)["verdict"] == "proved"
    assert [verdict([one])["verdict"] for one in handed] == ["unknown", "unknown"]


EXPIRES_NOW = rule(
    "Until now", {"subject_contains_words": ["x"]}, {**ENCRYPT, **STOP}, expiry_date="2026-03-01T00:00:00Z"
)
UNDONE = rule("Undone", OUTGOING, {**ENCRYPT, "remove_ome_v2": True, "quarantine": True})
HIDDEN: Values = {"message_type_matches": "Encrypted"}
DELETES = rule("Delete", HIDDEN, {"delete_message": True, "remove_ome_v2": True})


@pytest.mark.parametrize(
    ("rules", "guarantee"),
    [
        # Whether the first is over is open, and the second encrypts alike.
        (
            [EXPIRES_NOW, rule("Outside", {"sent_to_scope": "NotInOrganization"}, ENCRYPT)],
            {"when": {"subject_contains_words": ["x"]}, "then": "unencrypted"},
        ),
        # Whether it is protected once it is released is open (U02), and it has no branding.
        ([UNDONE], {"unless": {"message_type_matches": "PermissionControlled"}, "then": "portal"}),
        # Whether the first acts on S/MIME is open, and the second rejects what is left.
        ([DELETES, rule("Reject", OUTGOING, {"reject_message_reason_text": "no"})], {"when": HIDDEN}),
    ],
)
def test_what_is_broken_in_one_way_or_another_is_refuted(rules: list[Values], guarantee: Values) -> None:
    assert verdict(rules, **guarantee)["verdict"] == "refuted"


@pytest.mark.parametrize(
    ("alone", "guarantee"),
    [(EXPIRES_NOW, {"when": {"subject_contains_words": ["x"]}, "then": "unencrypted"}), (DELETES, {"when": HIDDEN})],
)
def test_what_one_of_the_answers_spares_is_unknown(alone: Values, guarantee: Values) -> None:
    assert verdict([alone], **guarantee)["verdict"] == "unknown"


def test_a_file_of_a_type_is_called_so_in_a_counterexample() -> None:
    """Found by the soak: a name that had to lack the type's letters was written with them, and none was found."""
    conditions, spared = {"attachment_name_matches_patterns": ["docx"]}, {"attachment_contains_words": ["offer"]}
    deletes = {**rule("Deletes", conditions, {"delete_message": True}), "exceptions": spared}
    found = verdict([deletes], when={**OUTGOING, "attachment_extension_matches_words": ["docx"]}, then="not_in_clear")
    files = found["counterexample"]["message"]["attachments"]
    assert (
        found["verdict"],
        [each["name"] for each in files if each["name"].endswith(".docx")],
        {each["text"] for each in files if each.get("text")},
    ) == (
        "refuted",
        ["file0.docx"],
        {"offer"},
    )


def test_one_date_of_several_rules_has_one_answer() -> None:
    """Found by the soak: either the first rule stops, or it has not begun, and neither has the second, which ends
    later.
    """
    stops = rule("Stops", OUTGOING, STOP, activation_date="2026-02-28T12:00:00")
    encrypts = rule(
        "Encrypts", OUTGOING, ENCRYPT, activation_date="2026-02-28T12:00:00", expiry_date="2026-03-01T12:00:00"
    )
    assert verdict([stops, encrypts])["verdict"] == "refuted"
    assert verdict([encrypts])["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("rules", "mail"),
    [
        (
            [
                rule("Marks", {"sent_to_member_of": ["g@contoso.com"]}, {"prepend_subject": "x "}),
                rule("Boss", {"any_of_recipient_address_contains_words": ["boss"]}, ENCRYPT),
            ],
            {"when": {**OUTGOING, "any_of_recipient_address_contains_words": ["boss"]}, "then": "encrypted"},
        ),
        (
            [
                rule(
                    "Bounces",
                    {"from_member_of": ["g@contoso.com"]},
                    {"delete_message": True},
                    sender_address_location="Envelope",
                )
            ],
            {"when": OUTGOING, "unless": {"from_member_of": ["g@contoso.com"]}, "then": "unencrypted"},
        ),
    ],
    ids=["another recipient", "the envelope's sender"],
)
def test_a_counterexample_has_the_facts_of_everybody_in_it(rules: list[Values], mail: Values) -> None:
    """Without who is in a group, what was found did not replay, and the guarantee was unknown."""
    facts = {name: value for name, value in TENANT.items() if name != "groups"}
    answer = verdict(rules, facts, **mail)
    assert answer["verdict"] == "refuted"
    assert answer["counterexample"]["facts"]["groups"]["g@contoso.com"]


@pytest.mark.parametrize(("then", "subject"), [("encrypted", "secret"), ("unencrypted", "Re: secret")])
def test_a_prefix_hides_the_word_that_begins_the_subject(then: str, subject: str) -> None:
    """Found by the soak: whether the word still is there after the prefix counted as unknown, although the message
    shows it.
    """
    rules = [
        rule("Prefix", {}, {"prepend_subject": "internal"}),
        rule("Secret", {**OUTGOING, "subject_contains_words": ["secret"]}, ENCRYPT),
    ]
    answer = verdict(rules, when={**OUTGOING, "subject_contains_words": ["secret"]}, then=then)
    assert (answer["verdict"], answer["counterexample"]["message"]["subject"]) == ("refuted", subject)


@pytest.mark.parametrize(
    "among", [[], guarantees_of([{"name": "G", "then": "encrypted"}])], ids=["alone", "among others"]
)
def test_what_is_no_guarantee_is_refused(among: list[Any]) -> None:
    with pytest.raises(OptionError, match="must be a mapping"):
        prove([], TENANT, [*among, "G"], NOW)


@pytest.mark.parametrize("value", ["@partner.com", "*.partner.com", ".partner.com", "partner.com."])
def test_no_address_is_in_a_domain_that_is_none(value: str) -> None:
    """So a rule about it does not keep a guarantee, nor break one."""
    never = rule("Never", {**IN, "recipient_domain_is": [value]}, {"delete_message": True})
    assert verdict([never, ENCRYPTING], when=PARTNER, then="encrypted")["verdict"] == "proved"
