# SPDX-License-Identifier: GPL-3.0-or-later
"""What the comparison with the emulator's mail flow has found, kept as small cases. Each was once said to be known, or
for a wrong reason.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mail_flow.comparison import disagreement, named_by, simulated

Values = dict[str, Any]

TENANT: Values = {
    "accepted_domains": [{"name": "contoso.com", "type": "Authoritative"}],
    "remote_domains": [],
    "mailboxes": ["megan@contoso.com", "adele@contoso.com"],
    "mail_users": ["guest@fabrikam.com"],
    "proxy_addresses": {"helpdesk@contoso.com": "adele@contoso.com"},
}
ENCRYPT: Values = {"apply_rights_protection_template": "Encrypt"}


def rules(*given: tuple[Values, Values], **settings: Any) -> list[Values]:
    return [
        {
            "name": chr(65 + place),
            "priority": place,
            "state": "Enabled",
            "mode": "Enforce",
            "conditions": conditions,
            "exceptions": {},
            "actions": actions,
            **settings,
        }
        for place, (conditions, actions) in enumerate(given)
    ]


def results(of_rules: list[Values], tenant: Values | None = None, **message: Any) -> dict[str, Values]:
    """Address to result; both agree about them."""
    whole = {
        "from": "megan@contoso.com",
        "authenticated": True,
        "to": ["ann@fabrikam.com"],
        "date": "2026-03-01T12:00:00Z",
        **message,
    }
    known = {**TENANT, **(tenant or {})}
    assert disagreement(known, of_rules, whole) == ""
    return simulated(known, of_rules, whole)


def numbers(result: Values) -> set[str]:
    return {row["id"] for row in result.get("unknown", ())}


def test_only_the_guess_that_decides_is_named() -> None:
    (result,) = results(
        rules(({"from_scope": "InOrganization"}, {"prepend_subject": "x"})),
        **{"from": "guest@fabrikam.com", "authenticated": None},
    ).values()
    assert result["assumes"] == ["U20"]


def test_names_of_files_in_an_archive_count_for_all_conditions_or_for_none() -> None:
    named, others = ({"attachment_name_matches_patterns": patterns} for patterns in ([r"\.pdf$", "^q"], [r"\.pdf$"]))
    either = rules((named, ENCRYPT), ({}, ENCRYPT))
    either[1]["exceptions"] = others
    (result,) = results(either, attachments=[{"name": "b.zip", "size": 1, "nested": ["a.pdf"]}]).values()
    assert result["protection"] == "encrypt"


@pytest.mark.parametrize("name", ["Subject", "From", "To"])
@pytest.mark.parametrize("change", [{"set_header_value": "offer"}, {}])
def test_headers_that_every_message_has_are_not_known_once_a_rule_changes_them(name: str, change: Values) -> None:
    """Some headers cannot be set or removed, and no page says which."""
    action = {"set_header_name": name, **change} if change else {"remove_header": name}
    looks = {"header_contains_message_header": name, "header_contains_words": ["offer"]}
    told = {"subject": "x", "headers": {"From": "Megan Bowen <megan@contoso.com>", "To": "Ann <ann@fabrikam.com>"}}
    (before,) = results(rules((looks, ENCRYPT)), **told).values()
    assert (before["protection"], before.get("unknown", [])) == ("none", [])
    (after,) = results(rules(({}, action), (looks, ENCRYPT)), **told).values()
    assert (after["protection"], numbers(after)) == ("unknown", {"U00"})


def test_a_rule_that_changes_nothing_matches_by_the_guess_too() -> None:
    (result,) = results(
        rules(({"from_scope": "NotInOrganization"}, {"set_audit_severity": "Low"})), **{"from": "guest@fabrikam.com"}
    ).values()
    assert (result["rules"], result["assumes"]) == ([{"name": "A", "matched": True}], ["U20"])


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ({"type": "Signed"}, "U27"),
        ({"protection": {"kind": "smime_signed"}}, "U27"),
        ({"type": "SmtpForwarding", "from": "joe@northwind.com", "authenticated": False}, "U26"),
        ({"size": 20 * 2**20}, "U31"),
    ],
)
def test_an_encrypting_rule_that_may_not_encrypt(message: Values, number: str) -> None:
    (result,) = results(rules(({}, ENCRYPT)), **message).values()
    assert (result["protection"], numbers(result)) == ("unknown", {number})


@pytest.mark.parametrize(
    ("message", "irm"),
    [
        ({"protection": {"kind": "smime_signed"}, "size": 30 * 2**20}, {}),
        ({"attachments": [{"name": "offer.pdf", "size": 1000}]}, {"enable_pdf_encryption": False}),
    ],
)
def test_what_can_not_be_encrypted_may_not_be_delivered(message: Values, irm: Values) -> None:
    (result,) = results(rules(({}, ENCRYPT)), {"irm_configuration": irm}, **message).values()
    assert result["fate"] == "unknown"


def test_no_disclaimer_fits_into_signed_mail() -> None:
    reject = {"apply_html_disclaimer_text": "x", "apply_html_disclaimer_fallback_action": "Reject"}
    (result,) = results(rules(({}, reject)), type="Signed").values()
    assert result["fate"] == "rejected"


def test_two_conditions_on_hidden_content_are_two_questions() -> None:
    """That one holds says nothing of the other: neither rule may act."""
    one, other = ({"subject_or_body_contains_words": [word]} for word in ("secret", "offer"))
    foreign = {"protection": {"kind": "encrypt", "owner": "other"}, "body": "secret"}
    of_rules = rules((one, {"delete_message": True}), ({}, {"delete_message": True}))
    of_rules[1]["exceptions"] = other
    (result,) = results(of_rules, **foreign).values()
    assert (result["fate"], numbers(result)) == ("unknown", {"U30"})


def test_two_managers_are_two_questions() -> None:
    boss, other = (
        {"manager_for_evaluated_user": "Sender", "manager_addresses": [one]}
        for one in ("adele@contoso.com", "ann@fabrikam.com")
    )
    of_rules = rules((boss, {"delete_message": True}), ({}, {"delete_message": True}))
    of_rules[1]["exceptions"] = other
    (result,) = results(of_rules).values()
    assert result["fate"] == "unknown"


@pytest.mark.parametrize(
    "condition", [{"any_of_recipient_address_contains_words": ["copied"]}, {"any_of_cc_header": ["copied@contoso.com"]}]
)
def test_whether_later_rules_count_an_added_recipient(condition: Values) -> None:
    result = results(rules(({}, {"copy_to": ["copied@contoso.com"]}), (condition, ENCRYPT)))["ann@fabrikam.com"]
    assert (result["protection"], numbers(result)) == ("unknown", {"U09"})


def test_whether_an_exception_counts_the_one_whom_the_copy_was_redirected_to() -> None:
    """The rule may look at them as a recipient, and nobody says whether they count among all recipients of the copy."""
    own = {"protection": {"kind": "encrypt", "owner": "own"}}
    of_rules = rules(({}, {"redirect_message_to": ["moved@contoso.com"]}), ({}, {"remove_ome_v2": True}))
    of_rules[1]["exceptions"] = {"any_of_recipient_address_contains_words": ["moved"]}
    result = results(of_rules, **own)["moved@contoso.com"]
    assert (result["protection"], numbers(result)) == ("unknown", {"U09"})


@pytest.mark.parametrize(
    "condition", [{"recipient_domain_is": ["fabrikam.com"]}, {"sent_to": ["joe@northwind.com"]}], ids=str
)
def test_a_rule_may_match_somebody_whose_address_is_unknown(condition: Values) -> None:
    adds, copies = ({}, {"copy_to": ["Ext Contact"]}), (condition, {"copy_to": ["copied@contoso.com"]})
    found = results(rules(adds, copies), to=["megan@contoso.com"])
    assert [(row["name"], row["matched"]) for row in found["ext contact"]["rules"]] == [("A", True), ("B", "unknown")]
    assert "copied@contoso.com" in found


def test_members_of_a_group_whom_a_rule_copies_are_brought() -> None:
    copies = rules(({}, {"copy_to": ["sales@contoso.com"]}))
    message = {"from": "megan@contoso.com", "to": ["bob@contoso.com", "ann@fabrikam.com"]}
    tenant = {**TENANT, "groups": {"sales@contoso.com": ["bob@contoso.com"]}}
    assert named_by(tenant, message, copies) == {"ann@fabrikam.com"}


def test_whoever_is_named_twice_has_two_original_addresses() -> None:
    named = {"to": ["helpdesk@contoso.com"], "cc": ["adele@contoso.com"]}
    (result,) = results(
        rules(({"recipient_address_contains_words": ["helpdesk"]}, ENCRYPT), recipient_address_type="Original"), **named
    ).values()
    assert (result["protection"], numbers(result)) == ("unknown", {"U24"})


def test_a_recipient_who_is_reached_in_two_ways() -> None:
    """One copy has lost its protection before both are redirected."""
    decrypt = ({"recipient_domain_is": ["fabrikam.com"]}, {"remove_ome_v2": True})
    own = {"to": ["ann@fabrikam.com", "joe@northwind.com"], "protection": {"kind": "encrypt", "owner": "own"}}
    result = results(rules(decrypt, ({}, {"redirect_message_to": ["moved@contoso.com"]})), **own)["moved@contoso.com"]
    assert (result["protection"], numbers(result)) == ("unknown", {"U09"})


def test_a_recipient_who_is_reached_in_one_way_and_perhaps_in_another() -> None:
    """Whether the second rule copies, too, is open, and makes no difference to the copy."""
    copy, perhaps = (
        {"copy_to": ["moved@contoso.com"]},
        {"sent_to": ["joe@northwind.com"], "sender_in_recipient_list": ["list"]},
    )
    both = {"to": ["ann@fabrikam.com", "joe@northwind.com"]}
    result = results(rules(({"recipient_domain_is": ["fabrikam.com"]}, copy), (perhaps, copy)), **both)[
        "moved@contoso.com"
    ]
    assert (result["fate"], result["protection"]) == ("delivered", "none")


def test_a_header_that_one_rule_sets_and_removes() -> None:
    both = {"set_header_name": "X-A", "set_header_value": "yes", "remove_header": "x-a"}
    seen = {"header_contains_message_header": "X-A", "header_contains_words": ["yes"]}
    (result,) = results(rules(({}, both), (seen, ENCRYPT))).values()
    assert result["protection"] == "unknown"


def test_a_rule_that_can_not_be_processed_does_not_split_the_message() -> None:
    """It may, if it does anything at all: then the later rule is for one copy only."""
    first = ({"recipient_domain_is": ["fabrikam.com"]}, {"apply_rights_protection_template": "Encrypt"})
    later = ({"any_of_recipient_address_contains_words": ["northwind"]}, {"delete_message": True})
    hidden = {"to": ["ann@fabrikam.com", "joe@northwind.com"], "protection": {"kind": "smime", "owner": "other"}}
    assert results(rules(first, later), **hidden)["ann@fabrikam.com"]["fate"] == "deleted"
    first[1]["prepend_subject"] = "x"
    assert results(rules(first, later), **hidden)["ann@fabrikam.com"]["fate"] == "unknown"


def test_whether_a_rule_that_is_only_tried_splits_the_message() -> None:
    tried, sees = rules(
        ({"sent_to": ["adele@contoso.com"]}, {}),
        ({"any_of_recipient_address_contains_words": ["fabrikam"]}, {}),
    )
    both = {"to": ["ann@fabrikam.com", "adele@contoso.com"]}
    found = results([{**tried, "mode": "Audit"}, sees], **both)["adele@contoso.com"]
    assert (found["rules"][1]["matched"], numbers(found)) == ("unknown", {"U06"})
    assert [row["name"] for row in results([tried, sees], **both)["adele@contoso.com"]["rules"]] == ["A"]


def test_both_guesses_are_named_where_either_would_do() -> None:
    conditions = {"sent_to_scope": "NotInOrganization"}
    tenant = {key: value for key, value in TENANT.items() if key != "remote_domains"}
    message = {
        "from": "megan@contoso.com",
        "authenticated": True,
        "to": ["guest@fabrikam.com", "sis@sister.com"],
        "date": "2026-03-01T12:00:00Z",
    }
    of_rules = rules(
        (conditions, {"set_audit_severity": "Low"}),
        ({"any_of_recipient_address_contains_words": ["fabrikam"]}, {"set_audit_severity": "Low"}),
    )
    assert disagreement(tenant, of_rules, message) == ""
    assert simulated(tenant, of_rules, message)["guest@fabrikam.com"]["assumes"] == ["U20", "U21"]


def test_a_guess_that_made_no_difference_yet_may_make_one_later() -> None:
    """Whether a guest is inside does not matter to the first rule's effect, and does to the second."""
    of_rules = rules(({}, {"stop_rule_processing": True}), ({"from_scope": "InOrganization"}, {"delete_message": True}))
    of_rules[0]["exceptions"] = {"sender_in_recipient_list": ["list"], "from_scope": "InOrganization"}
    (result,) = results(of_rules, **{"from": "guest@fabrikam.com"}).values()
    assert (result["fate"], result["assumes"]) == ("delivered", ["U20"])


@pytest.mark.parametrize(("first", "second"), [("expiry_date", "activation_date"), ("activation_date", "expiry_date")])
def test_of_two_rules_of_which_one_begins_when_the_other_ends_one_is_in_effect(first: str, second: str) -> None:
    """The date has no offset, so it is open whether it is over: for both rules alike."""
    handed = rules(({}, ENCRYPT), ({}, ENCRYPT))
    for one, option in zip(handed, (first, second), strict=True):
        one[option] = "2026-03-01T06:00:00"
    (result,) = results(handed).values()
    assert result["protection"] == "encrypt"


def test_a_rule_that_has_ended_is_not_in_effect_whenever_it_began() -> None:
    (result,) = results(
        rules(({}, ENCRYPT), activation_date="2026-03-01T06:00:00", expiry_date="2026-03-01T07:00:00Z")
    ).values()
    assert (result["protection"], numbers(result)) == ("none", set())


def test_each_guess_is_named_that_a_match_relies_on_where_two_rule_it_out() -> None:
    """Without protection after the first rule, or with a guest who is inside, the second one does not match."""
    of_rules = rules(
        ({}, {"remove_ome_v2": True, "remove_rms_attachment_encryption": True}),
        ({"message_type_matches": "PermissionControlled", "from_scope": "NotInOrganization"}, ENCRYPT),
    )
    protection = {"kind": "do_not_forward", "owner": "own"}
    (result,) = results(of_rules, **{"from": "guest@fabrikam.com", "protection": protection}).values()
    assert (result["rules"][1]["matched"], result["assumes"]) == (True, ["U03", "U20"])


@pytest.mark.parametrize(
    ("type_", "protection", "matching"),
    [("Encrypted", "smime", {"T": True}), ("PermissionControlled", "protected_option_unknown", {"B": "unknown"})],
)
def test_a_type_that_protects_a_message_is_not_in_clear(type_: str, protection: str, matching: Values) -> None:
    """It keeps its protection, and what it hides no rule reads."""
    of_rules = rules(
        ({"message_type_matches": "Encrypted"}, {"set_audit_severity": "Low"}),
        ({"subject_or_body_contains_words": ["text"]}, {"set_audit_severity": "Low"}),
        ({"from_scope": "InOrganization"}, ENCRYPT),
    )
    of_rules = [{**each, "name": name} for each, name in zip(of_rules, "TBE", strict=True)]
    (result,) = results(of_rules, type=[type_], body="text").values()
    assert (result["protection"], result.get("protected_by"), result["protected_on_arrival"]) == (
        protection,
        None,
        True,
    )
    assert {row["name"]: row["matched"] for row in result["rules"] if row["name"] != "E"} == matching


@pytest.mark.parametrize(("headers", "protection"), [({"X-A": ""}, "encrypt"), ({"X-B": ""}, "none")])
def test_a_header_that_is_there_but_empty_has_an_empty_value(headers: Values, protection: str) -> None:
    empty = {"header_matches_message_header": "X-A", "header_matches_patterns": ["^$"]}
    (result,) = results(rules((empty, ENCRYPT)), headers=headers).values()
    assert result["protection"] == protection


@pytest.mark.parametrize("option", ["contains_words", "matches_patterns"])
def test_another_spelling_of_the_only_recipient_may_count(option: str) -> None:
    of_rules = rules(({f"any_of_recipient_address_{option}": ["adele@contoso.com"]}, ENCRYPT))
    result = results(of_rules, to=["adele+x@contoso.com"])["adele+x@contoso.com"]
    assert (result["protection"], numbers(result)) == ("unknown", {"U24"})
