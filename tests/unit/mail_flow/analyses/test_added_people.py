# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies of people whom rules add: guarantees about them, and what a change does to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.mail_flow.answers import difference
from tests.unit.mail_flow.asking import ALL, ENCRYPT, ENCRYPTING, IN, NOW, OUTGOING, STOP, compared, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

COPIED = {**IN, "subject_contains_words": ["x"]}
SUBJECT = {**IN, "subject_contains_words": ["offer"]}
COPY = rule("Copy", IN, {"copy_to": ["a@b.com"]})


# Guarantees


def test_recipients_whom_a_rule_adds_may_meet_later_rules() -> None:
    copy = rule("Copy", {"from_scope": "InOrganization"}, {"add_to_recipients": ["bob@contoso.com"]})
    stop = rule("Stop", {"from_scope": "InOrganization", "any_of_to_header": ["bob@contoso.com"]}, STOP)
    unless = {"any_of_to_header": ["bob@contoso.com"]}
    assert verdict([stop, copy, ALL], unless=unless, copies="outside")["verdict"] == "proved"
    found = verdict([copy, stop, ALL], unless=unless, copies="outside")
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U09"])


@pytest.mark.parametrize("way", ["add_to_recipients", "copy_to", "blind_copy_to", "redirect_message_to"])
def test_recipients_whom_a_rule_adds_get_what_the_copy_has_and_meets(way: str) -> None:
    adds = rule("Adds", COPIED, {way: ["Ann@fabrikam.com"]})
    found = verdict([ALL, adds], then="not_in_clear")
    assert (found["verdict"], found["counterexample"]["recipient"]) == ("refuted", "ann@fabrikam.com")
    assert found["counterexample"]["message"]["to"][0].endswith("contoso.com")
    assert found["counterexample"]["outcome"]["protection"] == "none"
    # A rule before has asked for encryption, and one behind that looks at no recipient asks for it of whoever gets the
    # copy.
    for rules in ([ENCRYPTING, adds], [adds, ENCRYPTING]):
        found = verdict(rules, then="not_in_clear")
        assert found["verdict"] == "proved"
        assert "U09" not in [each["id"] for each in found["assumptions"]]
    # Whether one behind that looks at recipients looks at them is not documented.
    found = verdict([adds, ALL], then="not_in_clear")
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U09"])
    assert verdict([adds, ALL], then="not_in_clear", unless={"subject_contains_words": ["x"]})["verdict"] == "proved"
    spared = {"then": "not_in_clear", "unless": {"sent_to": ["ann@fabrikam.com"]}}
    assert verdict([adds, ALL], **spared)["verdict"] == "unknown"
    assert verdict([adds, ALL], **spared, copies="recipients_only")["verdict"] == "proved"


def test_copies_of_copies_are_followed() -> None:
    """The first person's copy meets the rule that adds the second."""
    away = rule("Away", COPIED, {"redirect_message_to": ["bob@contoso.com"]})
    more = rule("More", COPIED, {"copy_to": ["ann@fabrikam.com"]})
    found = verdict([ALL, away, more], then="not_in_clear")
    assert (found["verdict"], found["counterexample"]["recipient"]) == ("refuted", "ann@fabrikam.com")
    stops = {**away, "actions": {**away["actions"], **STOP}}
    assert verdict([ALL, stops, more], then="not_in_clear")["verdict"] == "proved"
    assert (
        verdict([stops, ENCRYPTING], when={"from_scope": "InOrganization"}, then="not_in_clear")["verdict"] == "refuted"
    )


def test_somebody_who_is_redirected_to_themselves() -> None:
    """They get a copy, though theirs is redirected. What holds of only one of two copies is not told."""
    away = rule("Away", {"from_scope": "InOrganization"}, {"redirect_message_to": ["ann@fabrikam.com"]})
    when = {"from_scope": "InOrganization", "sent_to": ["ann@fabrikam.com"]}
    assert verdict([away], when=when, then="not_in_clear")["verdict"] == "refuted"
    alone = {**when, "any_of_to_header": ["ann@fabrikam.com"]}
    assert verdict([rule("Away", alone, away["actions"])], when=alone, then="not_in_clear")["verdict"] != "proved"
    assert verdict([ENCRYPTING, away], when=when, then="not_in_clear")["verdict"] == "proved"


def test_somebody_who_gets_two_copies_may_get_one_as_well() -> None:
    """Of the copy of somebody whom the field names, and that of the recipient, something else is known. The field may
    name the recipient.
    """
    encrypt = rule("Encrypt", {"recipient_domain_is": ["fabrikam.com"], "sent_to_scope": "NotInOrganization"}, ENCRYPT)
    away = rule("Away", {}, {"redirect_message_to": ["new@fabrikam.com"]})
    found = verdict(
        [encrypt, away], when={"from": ["bob@contoso.com"], "any_of_to_header": ["ann@fabrikam.com"]}, then="portal"
    )
    assert found["verdict"] == "refuted"
    assert found["counterexample"]["recipient"] == "new@fabrikam.com"


def test_a_copy_that_is_redirected_to_whom_it_is_for_stays() -> None:
    again = [rule(f"Redirect {number}", {}, {"redirect_message_to": ["new@fabrikam.com"]}) for number in range(2)]
    assert verdict(again, when={"from_scope": "InOrganization"}, then="not_in_clear")["verdict"] != "proved"


def test_a_copy_that_may_go_where_it_is_hides_none_that_certainly_stays() -> None:
    first, second = (
        rule(f"Redirect {number}", {}, {"redirect_message_to": ["new@fabrikam.com"]}) for number in range(2)
    )
    spared = {**second, "exceptions": {"header_contains_message_header": "X-Class", "header_contains_words": ["yes"]}}
    found = verdict([first, spared], when={"from_scope": "InOrganization"}, then="not_in_clear")
    assert (found["verdict"], found["counterexample"]["message"]["headers"]) == ("refuted", {"x-class": "yes"})


# Differences


@pytest.mark.parametrize(
    ("before", "after", "kind", "text"),
    [
        (
            [],
            [COPY],
            "delivery_gained",
            "All mail from inside now reaches a@b.com: the new rule 'Copy' now applies to it.",
        ),
        (
            [COPY],
            [],
            "delivery_lost",
            "All mail from inside no longer reaches a@b.com: the removed rule 'Copy' applied to it.",
        ),
        (
            [COPY],
            [{**COPY, "actions": {"copy_to": ["a@b.com", "c@d.com"]}}],
            "delivery_gained",
            "All mail from inside now reaches c@d.com: the changed rule 'Copy' now has another copy_to.",
        ),
        (
            [COPY],
            [rule("Stop", SUBJECT, STOP), COPY],
            "delivery_lost",
            "All mail from inside with 'offer' in its subject no longer reaches a@b.com: the new rule 'Stop' stops before 'Copy'.",
        ),
        (
            [COPY],
            [COPY, rule("Hold", SUBJECT, {"quarantine": True})],
            "delivery_lost",
            "All mail from inside with 'offer' in its subject no longer reaches a@b.com: the new rule 'Hold' now applies to it.",
        ),
    ],
)
def test_what_becomes_of_the_copies_of_people_whom_rules_add(
    before: Sequence[Values], after: Sequence[Values], kind: str, text: str
) -> None:
    rows = {row["kind"]: row for row in compared([ENCRYPTING, *before], [ENCRYPTING, *after]).rows if "added" in row}
    assert list(rows) == [kind]
    row = rows[kind]
    assert (row["text"], row["witness"]["recipient"]) == (text, row["added"])
    assert ("before" in row, "after" in row) == (kind == "delivery_lost", kind == "delivery_gained" or "'Hold'" in text)
    assert compared([ENCRYPTING, *after], [ENCRYPTING, *after]).rows == []


def test_the_copies_of_people_whom_rules_add_are_protected_or_not() -> None:
    """Also by rules that nobody edited, and until it is open whether a rule applies to them."""
    (theirs, own) = sorted(compared([COPY, ENCRYPTING], [COPY]).rows, key=lambda row: "added" not in row)
    assert (theirs["kind"], theirs["added"], own["kind"]) == ("protection_lost", "a@b.com", "protection_lost")
    assert (
        theirs["text"]
        == "All mail from inside is no longer encrypted for a@b.com: the removed rule 'Encrypting' applied to it."
    )
    (row,) = (row for row in compared([COPY, ALL], [COPY]).rows if "added" in row)
    assert (row["kind"], [each["id"] for each in row["unknown"]]) == ("unknown", ["U09"])
    # Mail that somebody was sent anyway is nothing new to them.
    redirect = rule("Redirect", IN, {"redirect_message_to": ["a@b.com"]})
    assert [row["kind"] for row in compared([COPY], [redirect]).rows if "added" in row] == []


def test_of_somebody_who_may_get_two_copies_a_difference_is_not_ruled_out() -> None:
    """One may be treated differently where the other was before, though no edited rule acts differently on it."""
    copy = rule("Copy", {}, {"copy_to": ["new@fabrikam.com"]})
    away = rule("Away", {"sent_to": ["new@fabrikam.com"]}, {"redirect_message_to": ["new@fabrikam.com"]})
    wide = {**away, "conditions": {"recipient_domain_is": ["fabrikam.com"]}}
    (row,) = (row for row in compared([copy, away], [copy, wide]).rows if "added" in row)
    assert (row["kind"], row["added"]) == ("unknown", "new@fabrikam.com")
    assert [each["id"] for each in row["unknown"]] == ["U09"]


def test_whom_a_rule_adds_that_cannot_be_followed_is_said() -> None:
    """What becomes of their copies is not compared, but that mail may reach them is no secret."""
    facts = {key: value for key, value in TENANT.items() if key != "managers"}
    manager = rule("Copy", IN, {"add_manager_as_recipient_type": "Cc"})
    for text, before, after in (
        (
            "Mail from inside may now reach the sender's manager (U09): the new rule 'Copy' now applies to it.",
            [ALL],
            [manager, ALL],
        ),
        (
            "Mail from inside may no longer reach the sender's manager (U09): the removed rule 'Copy' applied to it.",
            [manager, ALL],
            [ALL],
        ),
    ):
        (row,) = difference(before, after, facts, NOW).rows
        assert (row["kind"], row["text"], row["rules"], row["unknown"][0]["id"]) == ("unknown", text, ["Copy"], "U09")
    assert difference([manager, ALL], [manager, ALL], facts, NOW).rows == []
    never = rule("Never", {**OUTGOING, "sent_to": ["a@b.com"], "recipient_domain_is": ["c.com"]}, manager["actions"])
    assert difference([ALL], [never, ALL], facts, NOW).rows == []


def test_known_managers_are_followed() -> None:
    """It said "may now, or may no longer, reach the sender's manager (U09)" of managers whom the simulator knows."""
    facts = {**TENANT, "managers": {"bob@contoso.com": "megan@contoso.com"}}
    stops = rule("Stops", {"subject_contains_words": ["offer"]}, STOP)
    copies = rule("Copies", IN, {"add_manager_as_recipient_type": "Cc"})
    encrypts = rule("Encrypts", IN, ENCRYPT)
    offers = "Mail from inside with 'offer' in its subject whose sender reports to megan@contoso.com"
    for before, after, expected in (
        (
            [copies],
            [stops, copies],
            [f"{offers} no longer reaches megan@contoso.com: the new rule 'Stops' stops before 'Copies'."],
        ),
        ([stops, copies], [copies, stops], ["now reaches megan@contoso.com: the moved rule 'Copies'"]),
        ([copies], [copies, stops], []),
        (
            [copies],
            [copies, encrypts],
            ["Mail from inside whose sender reports to megan@contoso.com is now encrypted for megan@contoso.com: "],
        ),
    ):
        rows = [row for row in difference(before, after, facts, NOW).rows if row.get("added") or row.get("people")]
        assert [(row["added"], row["kind"] == "unknown") for row in rows] == [("megan@contoso.com", False)] * len(rows)
        assert all(text in row["text"] for text, row in zip(expected, rows, strict=True))
        assert {row["witness"]["message"]["from"] for row in rows} <= {"bob@contoso.com"}
    nobody = {**TENANT, "managers": {}}
    assert difference([copies], [stops, copies], nobody, NOW).rows == []


@pytest.mark.parametrize("address", ["sales@contoso.com", "Vendite@contoso.com"], ids=["primary", "alias"])
def test_members_of_a_group_that_a_rule_adds_cannot_be_followed(address: str) -> None:
    facts = {
        **TENANT,
        "groups": {"sales@contoso.com": ["bob@contoso.com"]},
        "proxy_addresses": {"vendite@contoso.com": "sales@contoso.com"},
    }
    found = difference([ALL], [rule("Copy", IN, {"copy_to": [address]}), ALL], facts, NOW)
    assert [each["id"] for row in found.rows if "added" not in row for each in row.get("unknown", ())] == ["U09"]
