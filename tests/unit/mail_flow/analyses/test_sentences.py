# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sentences about a changed rule name: the mail that sets its versions apart, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import (
    DifferenceKind,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import (
    difference as search,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    ChangedMail,
    Exempting,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.difference import effects_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import (
    becomes,
    mail_of,
    mail_of_rule,
    sentence,
)

from tests.unit.mail_flow.answers import difference
from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, NOW, OUTGOING, STOP, compared, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

OUT = "from inside to people outside"
LOST, GAINED = "is no longer encrypted", "is now encrypted"
PUBLIC, SECRET = {"subject_contains_words": ["public"]}, {"subject_contains_words": ["secret"]}
FABRIKAM = {"recipient_domain_is": ["fabrikam.com"]}


def but(**exceptions: Any) -> Values:
    return {**ALL, "exceptions": exceptions}


def only(**conditions: Any) -> Values:
    return {**ALL, "conditions": {**OUTGOING, **conditions}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (ALL, but(**FABRIKAM), f"All mail {OUT} at fabrikam.com {LOST}"),
        (but(**FABRIKAM), ALL, f"All mail {OUT} at fabrikam.com {GAINED}"),
        (ALL, but(**PUBLIC), f"All mail {OUT} with 'public' in its subject {LOST}"),
        (but(**FABRIKAM), but(recipient_domain_is=["fabrikam.com", "b.com"]), f"All mail {OUT} at b.com {LOST}"),
        (
            but(**FABRIKAM),
            but(recipient_domain_is=["eu.fabrikam.com"]),
            f"All mail {OUT} at fabrikam.com, except mail to eu.fabrikam.com, {GAINED}",
        ),
        (
            ALL,
            but(**FABRIKAM, **PUBLIC),
            f"All mail {OUT}, either to fabrikam.com or with 'public' in its subject, {LOST}",
        ),
        (ALL, only(**SECRET), f"All mail {OUT}, except mail with 'secret' in its subject, {LOST}"),
        (only(**SECRET), ALL, f"All mail {OUT}, except mail with 'secret' in its subject, {GAINED}"),
        (
            ALL,
            only(**SECRET, with_importance="High"),
            f"All mail {OUT}, except mail of High importance with 'secret' in its subject, {LOST}",
        ),
        (
            ALL,
            {**only(**SECRET), "exceptions": FABRIKAM},
            f"All mail {OUT}, either to fabrikam.com or not with 'secret' in its subject, {LOST}",
        ),
        (
            only(subject_contains_words=["a1", "b1"]),
            only(subject_contains_words=["a1"]),
            f"All mail {OUT} with 'b1' in its subject, except mail with 'a1' in its ",
        ),
        # Where something else than conditions and exceptions differs, all of the rule's mail is meant.
        (
            ALL,
            {**but(**FABRIKAM), "mode": "Audit"},
            f"All mail {OUT} {LOST}: the changed rule 'All' is now only in a test mode (Audit)",
        ),
        ({**ALL, "mode": "Audit"}, ALL, f"All mail {OUT} {GAINED}: the changed rule 'All' is now enforced"),
        (
            ALL,
            {**but(**FABRIKAM), "sender_address_location": "Envelope"},
            f"Some mail {OUT} {LOST}: ",
        ),
    ],
)
def test_a_changed_rule(before: Values, after: Values, said: str) -> None:
    rows = [row for row in compared([before], [after]).rows if row["kind"] != "unknown"]
    assert [row["text"][: len(said)] for row in rows] == [said]


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"from_member_of": ["g@contoso.com"]}, "sent by members of g@contoso.com"),
        ({"from": ["megan@contoso.com"]}, "sent by megan@contoso.com"),
        ({"sender_ip_ranges": ["10.0.0.0/8"]}, "sent from IP 10.0.0.0/8"),
        ({"from_address_contains_words": ["sales"]}, "sent from addresses with 'sales'"),
        ({"sender_domain_is": ["eu.contoso.com"]}, "at eu.contoso.com"),
    ],
)
def test_who_of_the_people_inside_sends_mail(conditions: Values, said: str) -> None:
    (only_rule,) = RuleSet([only(**conditions)]).rules
    assert str(mail_of([only_rule], every=True)) == f"All mail from inside {said} to people outside"


def test_each_of_three_exceptions_has_its_own_noun() -> None:
    exceptions = {"from_member_of": ["g@contoso.com"], **SECRET, "message_type_matches": "Calendaring"}
    (spared,) = RuleSet([but(**exceptions)]).rules
    assert str(mail_of_rule(spared, every=True)) == (
        f"All mail {OUT}, except mail from members of g@contoso.com, mail with 'secret' in its subject or mail of the type"
        " Calendaring,"
    )


def test_a_rule_for_another_domain_excepts_none() -> None:
    """No mail is to both, so that one needs no exception of the other."""
    rows = compared([only(**FABRIKAM)], [only(recipient_domain_is=["b.com"])]).rows
    texts = [row["text"].partition(":")[0] for row in rows if row["kind"] != "unknown"]
    assert texts == [f"All mail {OUT} at fabrikam.com {LOST}", f"All mail {OUT} at b.com {GAINED}"]


_REJECTS = {"reject_message_reason_text": "No."}
_OF_COLLEAGUES = {"any_of_recipient_address_contains_words": ["contoso.com"]}


def _log(domain: str) -> Values:
    return rule("Log", {**IN, "recipient_domain_is": [domain]}, {"set_audit_severity": "Low"})


def test_what_depends_on_others_who_get_the_message_is_said_of_some_mail() -> None:
    """Mail to one person keeps its other recipients, whose address is in the exception, unless a rule splits it."""
    colleague = rule("Ask", OUTGOING, _REJECTS) | {"exceptions": _OF_COLLEAGUES}
    rows = compared([_log("adatum.com"), colleague], [_log("fabrikam.com"), colleague]).rows
    assert rows
    assert {row["text"].partition(" from ")[0] for row in rows if row["kind"] == "delivery_lost"} == {"Some mail"}


def test_mail_that_another_rule_treats_otherwise_is_not_said_to_be_treated_so() -> None:
    """Mail with the word is rejected, which is also a loss, but not the one that the sentence tells."""
    first = rule("First", {**IN, **PUBLIC}, _REJECTS)
    stops = rule("Stops", {**OUTGOING, **FABRIKAM}, {"set_audit_severity": "Low", **STOP})
    later = [
        rule("Rejects", {**OUTGOING, **SECRET}, _REJECTS),
        rule("Asks", OUTGOING, {"moderate_message_by_user": ["joe@contoso.com"]}),
    ]
    goes_on = {**stops, "actions": {"set_audit_severity": "Low"}}
    rows = compared([first, stops, *later], [first, goes_on, *later]).rows
    (waits,) = [row for row in rows if row.get("later") == ["Asks"] and row["kind"] == "delivery_lost"]
    assert waits["text"].startswith(
        f"Mail {OUT} at fabrikam.com now waits for approval, unless it is rejected by 'First' or 'Rejects': "
    )


def test_a_change_that_mail_to_one_and_mail_to_several_show_is_told_once() -> None:
    tag = rule("Tag", {"from_scope": "NotInOrganization"}, STOP) | {"exceptions": {"sender_domain_is": ["b.com"]}}
    asks = rule("Asks", {"from_scope": "NotInOrganization"}, {"moderate_message_by_user": ["joe@contoso.com"]})
    closed = rule("Closed", {"any_of_to_header": ["list@contoso.com"]}, _REJECTS)
    texts = [row["text"] for row in compared([tag, asks, closed], [asks, closed, tag]).rows]
    assert len(texts) == len(set(texts)) > 0


def test_a_rule_that_rejects_what_its_disclaimer_does_not_fit_exempts_no_other_mail() -> None:
    stops = rule("Stops", FABRIKAM, {"set_audit_severity": "Low", **STOP})
    later = [
        rule("Rejects", {**OUTGOING, **SECRET}, _REJECTS),
        rule("Foot", OUTGOING, {"apply_html_disclaimer_text": "x", "apply_html_disclaimer_fallback_action": "Reject"}),
    ]
    rows = compared([stops, *later], [{**stops, "actions": {"set_audit_severity": "Low"}}, *later]).rows
    assert [row["text"] for row in rows if row["text"].startswith("Mail") and "rejected by 'Foot'" in row["text"]] == []


def test_a_later_rule_that_another_one_keeps_from_some_of_the_mail_applies_to_some_of_it() -> None:
    stops = rule("Stops", {**IN, **FABRIKAM}, {"set_audit_severity": "Low", **STOP})
    later = [
        rule("Rejects", {**OUTGOING, **SECRET}, _REJECTS),
        rule("Asks", OUTGOING, {"moderate_message_by_user": ["joe@contoso.com"]}),
    ]
    rows = compared([stops, *later], [{**stops, "actions": {"set_audit_severity": "Low"}}, *later]).rows
    ends = {row["later"][0]: row["text"].rpartition("; ")[2] for row in rows if row["kind"] == "delivery_lost"}
    assert ends == {"Rejects": "'Rejects' now applies to it.", "Asks": "'Asks' now applies to some of it."}


def test_a_value_that_no_mail_has_is_no_exception() -> None:
    rows = compared([_log("@fabrikam.com"), ALL], [{**_log("fabrikam.com"), "actions": _REJECTS}, ALL]).rows
    assert [(row["text"].partition(" now ")[0], row.get("unless")) for row in rows if row["kind"] != "unknown"] == [
        ("All mail from inside to fabrikam.com is", None)
    ]


def test_what_some_mail_becomes_is_not_what_it_becomes_there() -> None:
    """Which mail that is, neither sentence says."""
    before = [rule("Ours", OUTGOING, ENCRYPT)]
    (found, *_more) = search([], before, TENANT, NOW).findings
    assert isinstance(found, ChangedMail)
    branded = replace(found, kind=DifferenceKind.BRANDING_CHANGED)
    assert " It " in effects_of([found, branded], 2)[0]
    some = [replace(each, limit="some") for each in (found, branded)]
    assert effects_of(some, 2)[0].count("Some mail from inside to people outside") == 2
    assert effects_of([found, found], 1) == effects_of([found], 1)


def test_other_conditions_are_not_called_other_actions() -> None:
    """Whether the second rule rejects is unknown: an edit of the first one may decide which text people get."""
    unclear = rule("Unclear", {**OUTGOING, "subject_matches_patterns": ["*a"]}, _REJECTS)
    rejects = rule("Rejects", OUTGOING, {"reject_message_reason_text": "Never."}) | {"exceptions": _OF_COLLEAGUES}
    rows = compared([_log("adatum.com"), rejects, unclear], [_log("fabrikam.com"), rejects, unclear]).rows
    assert [row["text"] for row in rows if "'Log' now has another" in row["text"]] == []
    assert any("'Log' now has other conditions or exceptions" in row["text"] for row in rows)


def test_what_is_said_is_a_section_too() -> None:
    """Where a section can say it: several reasons, one of which is enough, it cannot."""
    (row,) = compared([ALL], [but(**FABRIKAM)]).rows
    assert (row["when"], row.get("unless"), row["every"]) == ({**OUTGOING, **FABRIKAM}, None, True)
    (row,) = compared([ALL], [only(**SECRET)]).rows
    assert (row["when"], row["unless"], row["every"]) == (OUTGOING, SECRET, True)
    (row,) = compared([ALL], [but(**FABRIKAM, **PUBLIC)]).rows
    assert (row["when"], row.get("unless"), row["every"]) == (OUTGOING, None, False)


def test_every_reason_is_one_of_some_message() -> None:
    """The sentence with two reasons holds of mail for each: with one of the exceptions, the other mail is still
    encrypted.
    """
    (both,) = compared([ALL], [but(**FABRIKAM, **PUBLIC)]).rows
    assert both["text"].startswith("All mail")
    for left, other in ((PUBLIC, "to people outside at fabrikam.com"), (FABRIKAM, "with 'public'")):
        (row,) = compared([but(**left)], [but(**FABRIKAM, **PUBLIC)]).rows
        assert other in row["text"]


def test_what_an_earlier_rule_brings_about_is_not_named() -> None:
    """The exception spares mail with a word that only an earlier rule puts there, which is not how the mail arrives."""
    tag = rule("Tag", {"from_scope": "InOrganization"}, {"prepend_subject": "[public] "})
    rows = compared([tag, ALL], [tag, but(**PUBLIC)]).rows
    assert [row["text"].partition(":")[0] for row in rows] == [f"All mail {OUT} {LOST}"]


def test_what_keeps_mail_from_somebody_whom_a_rule_adds_says_which_copy_it_is_about() -> None:
    rejects = rule("Rejects", {**OUTGOING, "subject_contains_words": ["virus"]}, {"reject_message_reason_text": "No."})
    copies = rule("Copies", OUTGOING, {"blind_copy_to": ["joe@northwind.com"]})
    assert [row["text"].partition(":")[0] for row in compared([rejects], [rejects, copies]).rows] == [
        f"Mail {OUT} now reaches joe@northwind.com, unless the recipient's copy is rejected by 'Rejects'"
    ]


SOON, UNTIL = ({**ALL, date: "2026-04-01T00:00:00Z"} for date in ("activation_date", "expiry_date"))
IDLE = rule("Idle", {**OUTGOING, "sent_to": ["a@b.com"], "recipient_domain_is": ["c.com"]}, ENCRYPT)
STOPS = rule("Stops", {**OUTGOING, "subject_contains_words": ["draft"]}, STOP)
OFFERS = rule("Offers", {**OUTGOING, "subject_contains_words": ["offer"]}, ENCRYPT)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([ALL], [{**ALL, "expiry_date": "2026-04-01T00:00:00Z"}], "rule 'All' ends on 2026-04-01 00:00 UTC"),
        ([{**ALL, "expiry_date": "2026-04-01T00:00:00Z"}], [ALL], "rule 'All' no longer ends on 2026-04-01 00:00 UTC"),
        ([], [SOON], "rule 'All' begins on 2026-04-01 00:00 UTC"),
        ([SOON], [], "rule 'All' no longer begins on 2026-04-01 00:00 UTC"),
        ([SOON], [{**SOON, "state": "Disabled"}], "rule 'All' no longer begins on 2026-04-01 00:00 UTC"),
        (
            [SOON],
            [{**SOON, "actions": {"delete_message": True}}],
            "rule 'All' is no longer the same when it begins on 2026-04-01 00:00 UTC",
        ),
        ([STOPS, SOON], [SOON], "rule 'All' meets changed rules or settings when it begins on 2026-04-01 00:00 UTC"),
        ([UNTIL, OFFERS], [UNTIL], "rule 'All' meets changed rules or settings when it ends on 2026-04-01 00:00 UTC"),
    ],
)
def test_a_date_to_come_is_named(before: list[Values], after: list[Values], said: str) -> None:
    rows = [row for row in compared(before, after).rows if row["kind"] == "unknown"]
    assert [row["text"] for row in rows] == [f"Mail {OUT} may be treated differently later: the {said}."]
    assert [each["id"] for each in rows[0]["unknown"]] == rows[0]["in_words"] == ["date"]


LOUD = rule("Loud", {**OUTGOING, "subject_contains_words": ["draft"]}, {"generate_incident_report": "sec@contoso.com"})
ELSEWHERE = rule("Elsewhere", {"from_scope": "InOrganization", "sent_to_scope": "InOrganization"}, ENCRYPT)
DELETES = rule("Deletes", {**OUTGOING, "subject_contains_words": ["draft"]}, {"delete_message": True})
LATER_STOP = rule("Later", OUTGOING, STOP, activation_date="2026-04-01T00:00:00Z")
TWICE = rule("Twice", OUTGOING, {"apply_rights_protection_template": "Do Not Forward"})
BCC = rule("Bcc", {"from": ["bob@contoso.com"]}, {"blind_copy_to": ["joe@northwind.com"]})
FOR_JOE = rule("For Joe", {**OUTGOING, "sent_to": ["joe@northwind.com"]}, ENCRYPT)


@pytest.mark.parametrize(
    ("before", "after", "is_named"),
    [
        ([SOON, IDLE], [SOON], False),
        ([UNTIL, IDLE], [UNTIL], False),
        ([SOON, ELSEWHERE], [SOON], False),
        ([SOON, STOPS], [SOON], False),  # It stops behind it.
        ([SOON, DELETES], [SOON], False),  # Deleted mail is deleted, encrypted or not.
        ([SOON, OFFERS], [SOON], True),
        ([LATER_STOP, OFFERS], [LATER_STOP], True),
        ([OFFERS, LATER_STOP], [LATER_STOP], False),
        ([LATER_STOP, LOUD], [LATER_STOP], True),
        ([LOUD, LATER_STOP], [LATER_STOP], False),
        ([SOON, TWICE], [SOON], True),
        ([BCC, FOR_JOE, LATER_STOP], [BCC, LATER_STOP], False),
        ([BCC, LATER_STOP, FOR_JOE], [BCC, LATER_STOP], True),
    ],
)
def test_the_date_of_a_rule_that_no_edit_touches_is_named_only_where_the_edits_then_do_something_else(
    before: list[Values], after: list[Values], is_named: bool
) -> None:
    assert any(row.get("dates") for row in compared(before, after).rows) is is_named


def test_what_no_mail_can_show_meets_no_date_to_come() -> None:
    """A rule in a test mode that tells nobody does nothing on any date, unless somebody looks at who shares a copy."""
    tried = rule("Tried", OUTGOING, {"prepend_subject": "[out] "}, mode="Audit")
    assert compared([SOON, tried], [SOON]).rows == []
    assert compared([SOON, tried], [SOON, {**tried, "state": "Disabled"}]).rows == []
    reports = {**tried, "actions": {"generate_incident_report": "bob@contoso.com"}}
    looks = rule("Looks", {"any_of_recipient_address_contains_words": ["secret"]}, ENCRYPT)
    for before, after in (([LATER_STOP, reports], [LATER_STOP]), ([tried, SOON, looks], [SOON, looks])):
        ids = [each["id"] for row in compared(before, after).rows for each in row.get("unknown", ())]
        assert "date" in ids


def test_a_date_that_is_over_is_not() -> None:
    assert compared([ALL], [{**ALL, "activation_date": "2020-01-01T00:00:00Z"}]).rows == []


def test_a_witness_is_an_ordinary_message() -> None:
    """Its envelope repeats the From field unless a difference between them matters."""
    wide = rule("Wide", {"from_address_contains_words": ["boss"]}, ENCRYPT, sender_address_location="HeaderOrEnvelope")
    (row,) = compared([], [wide]).rows
    assert "mail_from" not in row["witness"]["message"]
    header = {**wide, "sender_address_location": "Header"}
    (row,) = [each for each in compared([header], [wide]).rows if each["kind"] != "unknown"]
    assert row["witness"]["message"]["mail_from"] != row["witness"]["message"]["from"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (only(message_contains_data_classifications=["a"]), only(message_contains_data_classifications=["b"])),
        (but(message_contains_data_classifications=["a"]), but(message_contains_data_classifications=["b"])),
        (but(has_sender_override=True), only(has_sender_override=True)),
        ({**ALL, "actions": {**ENCRYPT, "sign_message": "a"}}, {**ALL, "actions": {**ENCRYPT, "sign_message": "b"}}),
    ],
)
def test_what_is_not_known_here_means_the_same_only_with_the_same_value(before: Values, after: Values) -> None:
    (row,) = compared([before], [after]).rows
    assert (row["kind"], {each["id"] for each in row["unknown"]}) == ("unknown", {"U13"})
    assert compared([before], [before]).rows == []


BOSS = "megan@contoso.com"


def mail(*conditions: Values) -> str:
    return str(mail_of(RuleSet([rule("R", each, ENCRYPT) for each in conditions]).rules, every=False))


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (
            {"between_member_of_1": ["a@b.com"], "between_member_of_2": ["c@b.com", "d@b.com"]},
            "between members of a@b.com and members of c@b.com or d@b.com",
        ),
        ({"manager_for_evaluated_user": "Sender", "manager_addresses": [BOSS]}, f"from people whose manager is {BOSS}"),
        (
            {"manager_for_evaluated_user": "Recipient", "manager_addresses": [BOSS]},
            f"to people whose manager is {BOSS}",
        ),
        ({"ad_comparison_attribute": "Department"}, "to people with the sender's Department"),
        (
            {"ad_comparison_attribute": "City", "ad_comparison_operator": "NotEqual"},
            "to people with another City than the sender's",
        ),
        ({"sender_management_relationship": "Manager"}, "to people whose manager is the sender"),
        ({"sender_management_relationship": "DirectReport"}, "to the sender's manager"),
        ({"sender_in_recipient_list": ["Allow"]}, "from people in a list 'Allow' of the recipient"),
        ({"has_no_classification": True}, "without a classification"),
        ({"has_no_classification": False}, "where has_no_classification is false (which is not documented, U15)"),
        (
            {"header_contains_message_header": "X-A", "header_contains_words": ["{}", "<>"]},
            "with '{}' or '<>' in the header X-A",
        ),
    ],
)
def test_conditions_in_words(conditions: Values, said: str) -> None:
    assert mail(conditions) == f"Mail {said}"


def test_conditions_about_different_things_are_not_one() -> None:
    own, theirs = (
        {"manager_for_evaluated_user": whose, "manager_addresses": [BOSS]} for whose in ("Sender", "Recipient")
    )
    assert mail(own, theirs) == f"Mail from people whose manager is {BOSS} to people whose manager is {BOSS}"
    same, other = {"ad_comparison_attribute": "Department"}, {"ad_comparison_attribute": "City"}
    assert mail(same, other) == "Mail to people with the sender's Department to people with the sender's City"


@pytest.mark.parametrize(
    ("action", "names"),
    [("apply_rights_protection_customization_template", ("B1", "b1")), (next(iter(ENCRYPT)), ("Board", "BOARD"))],
)
def test_names_compare_without_case(action: str, names: tuple[str, str]) -> None:
    one, other = ({**ALL, "actions": {**ENCRYPT, action: name}} for name in names)
    assert compared([one], [other]).rows == []
    assert compared([one], [{**ALL, "actions": {**ENCRYPT, action: "Other"}}]).rows


def test_a_sentence_is_one_line() -> None:
    odd = {**only(subject_contains_words=["a\nb\u202e"]), "name": "R\r\n\tx"}
    (row,) = compared([], [odd]).rows
    assert "'a[U+000A]b[U+202E]'" in row["text"]
    assert "rule 'R[U+000A][U+0009]x'" in row["text"]
    assert row["text"].isprintable()


@pytest.mark.parametrize("rules", [[SOON], [UNTIL]])
def test_a_date_that_changes_nothing_is_not_named(rules: list[Values]) -> None:
    assert compared(rules, rules).rows == []
    assert [row["kind"] for row in compared([UNTIL], []).rows] == ["protection_lost"]


SPLITS = rule("Splits", {"recipient_domain_is": ["fabrikam.com"]}, {"set_audit_severity": "Low"})
WIDE = rule("Wide", {**IN, "any_of_recipient_address_contains_words": ["fabrikam"]}, ENCRYPT)
STOPS = rule("Stops", {}, {"stop_rule_processing": True}, expiry_date="2026-04-01T00:00:00Z")


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ([WIDE], [{**SPLITS, "activation_date": "2026-04-01T00:00:00Z"}, WIDE], "Splits"),
        ([STOPS, ALL], [{**STOPS, "actions": {**STOPS["actions"], "prepend_subject": "x"}}], "Stops"),
        ([STOPS, ALL], [{**STOPS, "enabled": False}], "Stops"),
        ([STOPS, ALL], [], "Stops"),
    ],
)
def test_a_date_matters_to_whatever_else_is_edited(before: list[Values], after: list[Values], name: str) -> None:
    assert [name] in [
        row["rules"]
        for row in compared(before, after).rows
        if [each["id"] for each in row.get("unknown", ())] == ["date"]
    ]


def test_a_date_matters_to_other_settings() -> None:
    facts = {**TENANT, "irm_configuration": {"azure_rms_licensing_enabled": False}}
    assert [row["rules"] for row in difference([SOON], [SOON], facts, NOW, irm_before={}).rows] == [["All"]]


def test_whoever_looks_at_content_may_defer_it() -> None:
    """Also a rule that only reports (U12)."""
    before, after = (
        [
            rule(
                "R",
                {**IN, "attachment_contains_words": ["x"]},
                {"generate_incident_report": "a@b.com"},
                rule_error_action=each,
            )
        ]
        for each in ("Ignore", "Defer")
    )
    assert [[each["id"] for each in row["unknown"]] for row in compared(before, after).rows] == [["U12"]]
    assert compared(after, before).rows == []


def test_where_there_is_no_other_rule_none_is_blamed() -> None:
    brands = [
        rule("Brand", IN, {**ENCRYPT, "apply_rights_protection_customization_template": name})
        for name in ("One", "Two")
    ]
    for before, after, said in (
        ([], [rule("All", {}, ENCRYPT)], "Mail from inside is now encrypted: "),
        (
            brands[:1],
            brands[1:],
            "Mail from inside that arrives unprotected now shows the branding 'Two' instead of 'One' (some that arrives protected, "
            "too): ",
        ),
    ):
        (text,) = [row["text"] for row in compared(before, after).rows]
        assert text.startswith(said)


def test_who_else_encrypts_mail_that_is_now_encrypted_makes_no_other_class() -> None:
    """The sentence names none of these rules, so that it would be there twice."""
    (found,) = search(RuleSet([]), RuleSet([ALL]), TENANT, NOW).findings
    assert isinstance(found, ChangedMail)
    ours, theirs = (replace(found, limit="another", by=(Exempting(name, "encrypts"),)) for name in ("Ours", "Theirs"))
    assert ours.what_is_told == theirs.what_is_told
    assert sentence(ours) == sentence(theirs)
    stopped = replace(ours, by=(Exempting("Ours", "stops"),))
    assert stopped.what_is_told != ours.what_is_told


def test_a_branding_that_some_of_the_mail_newly_shows_is_named() -> None:
    said = becomes(DifferenceKind.BRANDING_CHANGED, person="boss@contoso.com", branding="Ours")
    assert said == "now shows a different branding, such as 'Ours', or none for boss@contoso.com"


def test_the_branding_of_the_message_that_shows_a_change_is_an_example() -> None:
    """Where another rule chooses a branding, too, which one mail shows is not documented."""
    branded = [
        rule(
            name,
            {**OUTGOING, "subject_contains_words": [name]},
            {"apply_rights_protection_customization_template": name},
        )
        for name in ("a", "b")
    ]
    encrypts = rule("Encrypts", OUTGOING, {"apply_rights_protection_template": "Encrypt"})
    texts = [
        row["text"] for row in compared([encrypts], [encrypts, *branded]).rows if row["kind"] == "branding_changed"
    ]
    assert texts
    assert not any("different branding or none" in text for text in texts)


@pytest.mark.parametrize(("spared", "waits"), [({}, True), ({"recipient_domain_is": ["b.com"]}, False)])
def test_mail_is_told_once_it_is_approved_only_where_all_of_it_waits(spared: Values, waits: bool) -> None:
    ask = rule("Ask", OUTGOING, {"moderate_message_by_user": ["bob@contoso.com"]}) | {"exceptions": spared}
    found = search([ask, ALL], [ask, but(**SECRET)], TENANT, NOW).findings
    assert [each.approved for each in found if isinstance(each, ChangedMail)] == [waits]


def test_an_exception_names_only_values_that_the_mail_may_have() -> None:
    """Mail to partner.com is never mail to @nowhere.com, which matches nothing."""
    old = rule("P", {**IN, "recipient_domain_is": ["a.partner.com", "@nowhere.com"]}, ENCRYPT)
    new = {**old, "conditions": {**IN, "recipient_domain_is": ["partner.com"]}}
    (text,) = (row["text"] for row in compared([old], [new]).rows if row["kind"] == "protection_gained")
    assert "to partner.com, except mail to a.partner.com, is now encrypted" in text


def test_mail_that_is_now_rejected_may_be_rejected_already() -> None:
    other = rule("Other", {"subject_contains_words": ["offer"]}, {"reject_message_reason_text": "no"})
    ours = rule("Ours", OUTGOING, {"reject_message_reason_text": "no"})
    (said,) = [row["text"] for row in compared([other], [other, ours]).rows if row["kind"] == "delivery_lost"]
    assert said.startswith(f"Mail {OUT} is now rejected, unless it is already rejected by 'Other': ")


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ({"delete_message": True}, {"quarantine": True}, "now has quarantine instead of delete_message"),
        (
            {**ENCRYPT, "stop_rule_processing": True},
            {**ENCRYPT, "stop_rule_processing": False},
            "no longer has stop_rule_processing",
        ),
        ({"set_scl": 0}, {"set_scl": 9}, "now has another set_scl"),
    ],
)
def test_the_actions_that_change_are_named(was: Values, now: Values, said: str) -> None:
    later = rule("Later", {**OUTGOING, "subject_contains_words": ["offer"]}, _REJECTS)
    rows = compared([rule("Ours", OUTGOING, was), later], [rule("Ours", OUTGOING, now), later]).rows
    assert all(f": the changed rule 'Ours' {said}" in row["text"] for row in rows)
    assert rows
