# SPDX-License-Identifier: GPL-3.0-or-later
"""A replay is about all copies that a message makes: those of people whom rules bring, and those that rules part."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace import replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Tallies
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Trace

from tests.unit.mail_flow.trace.guaranteed import OUTGOING, replayed, rule, trace_of

Values = dict[str, Any]

ENCRYPT: Values = {"apply_rights_protection_template": "Encrypt"}


def changes(found: Tallies) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
    return {kind: (dict(tally.certain), dict(tally.possible)) for kind, tally in found.difference.items()}


DELETE = rule(
    "Delete",
    {"from_scope": "InOrganization"},
    {"delete_message": True},
    exceptions={"any_of_recipient_address_contains_words": ["partner"]},
)
SPLIT = rule("Split", {"sent_to_scope": "NotInOrganization"}, {"set_header_name": "X-A", "set_header_value": "b"})


def test_a_rule_that_splits_the_message_changes_what_later_rules_see_of_the_others() -> None:
    found = replayed([SPLIT, DELETE], [DELETE], trace_of(("z@partner.com", "b@contoso.com")))
    assert changes(found) == {"delivery_lost": ({"contoso.com": 1}, {})}
    assert not found.undecided
    assert {fate: dict(tally.certain) for (fate, _protection, _by, _by_dlp), tally in found.outcomes.items()} == {
        "delivered": {"partner.com": 1},
        "deleted": {"contoso.com": 1},
    }


@pytest.mark.parametrize(
    ("split", "known"),
    [
        ({**SPLIT, "mode": "Audit"}, {}),  # Whether a rule in a test mode splits is open.
        ({**SPLIT, "conditions": {"sent_to_member_of": ["sales@contoso.com"]}}, {}),
        ({**SPLIT, "conditions": {**SPLIT["conditions"], "subject_or_body_contains_words": ["word"]}}, {}),
    ],
)
def test_where_it_is_open_whether_a_message_is_split_so_is_what_changes(split: Values, known: Values) -> None:
    found = replayed([split, DELETE], [DELETE], trace_of(("z@partner.com", "b@contoso.com")), known)
    assert changes(found) == {"delivery_lost": ({}, {"contoso.com": 1})}
    assert {why.kind for why in found.undecided} == {"semantics"}
    assert [dict(tally.certain) for tally in found.undecided.values()] == [{"contoso.com": 1}]


def test_nothing_is_split_that_one_rule_treats_alike() -> None:
    both = {**SPLIT, "conditions": {"from_scope": "InOrganization"}}
    found = replayed([both, DELETE], [DELETE], trace_of(("z@partner.com", "b@contoso.com")))
    assert (changes(found), dict(found.undecided)) == ({}, {})
    elsewhere = replayed([DELETE, SPLIT], [DELETE], trace_of(("z@partner.com", "b@contoso.com")))
    assert (changes(elsewhere), dict(elsewhere.undecided)) == ({}, {})
    # Whose row is missing may share a copy.
    partial = replayed([SPLIT, DELETE], [DELETE], trace_of(("b@contoso.com",), whole=False))
    assert changes(partial)["delivery_lost"] == ({}, {"contoso.com": 1})
    assert [why.kind for why in partial.undecided] == ["recipients"]


GUARANTEE: Values = {"name": "Encrypted", "when": OUTGOING, "then": "not_in_clear"}
#: Encrypts mail to the partner alone, so it does not cover whom other rules bring.
COVERS = rule("Encrypt", {"recipient_domain_is": ["partner.com"]}, ENCRYPT)
MANAGED: Values = {"managers": {"megan@contoso.com": "z@other.example"}}


@pytest.mark.parametrize(
    ("action", "known", "instead"),
    [
        ({"blind_copy_to": ["z@other.example"]}, {}, False),
        ({"copy_to": ["z@other.example"]}, {}, False),
        ({"add_to_recipients": ["z@other.example"]}, {}, False),
        ({"redirect_message_to": ["z@other.example"]}, {}, True),
        ({"add_manager_as_recipient_type": "Bcc"}, MANAGED, False),
        ({"add_manager_as_recipient_type": "Redirect"}, MANAGED, True),
        ({"blind_copy_to": ["all@contoso.com"]}, {"groups": {"all@contoso.com": ["z@other.example"]}}, False),
    ],
)
def test_a_copy_that_a_new_rule_makes_is_counted_and_may_break_the_guarantee(
    action: Values, known: Values, instead: bool
) -> None:
    copies = rule("Copies", OUTGOING, action)
    trace = trace_of(("ann@partner.com", "kim@partner.com"), ("ann@partner.com",))
    found = replayed([copies, COVERS], [COVERS], trace, known, GUARANTEE)
    lost = {"delivery_lost": ({"partner.com": 3}, {})} if instead else {}
    assert changes(found) == {"delivery_gained": ({"other.example": 2}, {}), **lost}
    assert found.difference["delivery_gained"].rules == {"Copies": None}
    # A rule for the recipient that does not look at whom rules add may encrypt their copy, too; of mail that is sent to
    # others instead, none is there for the recipient.
    assert dict(found.broken["Encrypted"].certain) == ({"other.example": 2} if instead else {})
    assert (found.kept["Encrypted"], found.unsettled["Encrypted"]) == (3, 0 if instead else 2)
    assert (found.changed.certain["other.example"], found.copies) == (2, 3)
    # Nothing is different the other way round but what is lost.
    back = replayed([COVERS], [copies, COVERS], trace, known)
    gained = {"delivery_gained": ({"partner.com": 3}, {})} if instead else {}
    assert changes(back) == {"delivery_lost": ({"other.example": 2}, {}), **gained}
    # A rule that was there before changes nothing, wherever another one is.
    same = replayed([SPLIT, copies, COVERS], [copies, COVERS], trace, known)
    assert changes(same) == {}


def test_a_copy_that_rules_make_passes_the_later_rules() -> None:
    copies = rule("Copies", OUTGOING, {"blind_copy_to": ["z@other.example"]})
    every = rule("Encrypt all", {"from_scope": "InOrganization"}, ENCRYPT)
    trace = trace_of(("ann@partner.com",))
    found = replayed([copies, every], [copies], trace, None, GUARANTEE)
    assert changes(found) == {"protection_gained": ({"partner.com": 1, "other.example": 1}, {})}
    assert (found.kept["Encrypted"], dict(found.broken["Encrypted"].certain)) == (2, {})
    # What was asked before the copy was made holds for it, too.
    found = replayed([COVERS, copies], [COVERS], trace, None, GUARANTEE)
    assert (found.kept["Encrypted"], dict(found.broken["Encrypted"].certain)) == (2, {})
    # Whether a rule that looks at recipients counts somebody whom a rule added is open.
    asks = rule("Encrypt outgoing", {"sent_to_scope": "NotInOrganization"}, ENCRYPT)
    found = replayed([copies, asks], [copies], trace, None, GUARANTEE)
    assert changes(found)["protection_gained"] == ({"partner.com": 1}, {"other.example": 1})
    assert (found.kept["Encrypted"], found.unsettled["Encrypted"]) == (1, 1)


@pytest.mark.parametrize(
    ("conditions", "known", "whole"),
    [
        ({**OUTGOING, "subject_or_body_contains_words": ["word"]}, {}, True),
        (OUTGOING, {}, False),  # The sender may have named them, in a row that is missing.
    ],
)
def test_where_it_is_open_whether_a_copy_is_made_it_is_only_possible(
    conditions: Values, known: Values, whole: bool
) -> None:
    copies = rule("Copies", conditions, {"blind_copy_to": ["z@other.example"]})
    found = replayed([copies, COVERS], [COVERS], trace_of(("ann@partner.com",), whole=whole), known, GUARANTEE)
    assert changes(found)["delivery_gained"] == ({}, {"other.example": 1})
    assert (found.kept["Encrypted"], dict(found.broken["Encrypted"].certain)) == (1, {})
    assert found.unsettled["Encrypted"] == 1


def test_somebody_who_has_a_row_may_have_been_named_or_brought() -> None:
    copies = rule("Copies", OUTGOING, {"blind_copy_to": ["z@other.example"]})
    found = replayed([copies, COVERS], [COVERS], trace_of(("ann@partner.com", "z@other.example")), None, GUARANTEE)
    assert changes(found)["delivery_gained"] == ({}, {"other.example": 1})
    assert (found.kept["Encrypted"], found.unsettled["Encrypted"]) == (1, 1)


def test_whoever_a_rule_may_have_brought_is_so_in_any_order_of_rows() -> None:
    after = [
        rule("Copy", {}, {"blind_copy_to": ["boss@contoso.com"]}),
        rule("Delete", {"any_of_recipient_address_contains_words": ["boss"]}, {"delete_message": True}),
    ]
    people = ("ann@fabrikam.com", "boss@contoso.com")
    first, last = (changes(replayed(after, [], trace_of(order))) for order in (people, people[::-1]))
    assert first == last
    assert "delivery_gained" in first


def test_a_copy_of_a_copy_is_followed() -> None:
    first = rule("First", OUTGOING, {"blind_copy_to": ["z@other.example"]})
    second = rule("Second", {"from_scope": "InOrganization"}, {"blind_copy_to": ["y@third.example"]})
    moved = rule("Moved", {"sent_to": ["z@other.example"]}, {"redirect_message_to": ["y@third.example"]})
    found = replayed([first, second], [], trace_of(("ann@partner.com",)))
    assert changes(found) == {"delivery_gained": ({"other.example": 1, "third.example": 1}, {})}
    found = replayed([first, moved], [first], trace_of(("ann@partner.com",)))
    # Whether a rule that looks at recipients counts somebody whom a rule added is open.
    assert changes(found)["delivery_gained"] == ({}, {"third.example": 1})
    assert changes(found)["delivery_lost"] == ({}, {"other.example": 1})


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in part"])
def test_of_two_rules_that_may_bring_somebody_the_same_one_counts_before_and_after(whole: bool) -> None:
    words = [
        rule(word, {"subject_or_body_contains_words": [word]}, {"blind_copy_to": ["z@other.example"]})
        for word in ("first", "second")
    ]
    every = rule("Encrypt all", {"from_scope": "InOrganization"}, ENCRYPT)
    edited = {**every, "actions": {"apply_rights_protection_template": "Do Not Forward"}}
    trace = trace_of(("ann@partner.com",), whole=whole)
    changed = ({"partner.com": 1}, {"other.example": 1})
    assert changes(replayed([*words, edited], [*words, every], trace)) == {"protection_changed": changed}
    # One that is new, or gone, brings what it brings.
    gained = changes(replayed([*words, every], [words[0], every], trace))
    assert gained == {"delivery_gained": ({}, {"other.example": 1})}


def test_a_manager_whom_nobody_knows_may_get_a_copy() -> None:
    copies = rule("Copies", OUTGOING, {"add_manager_as_recipient_type": "Bcc"})
    found = replayed([copies, COVERS], [COVERS], trace_of(("ann@partner.com",)), None, GUARANTEE)
    assert not found.difference["delivery_gained"].certain
    assert found.difference["delivery_gained"].possible.total() == 1


def test_an_edit_elsewhere_changes_no_copy_that_rules_make() -> None:
    archive = rule("Archive", {}, {"blind_copy_to": ["archive@contoso.com"]})
    other = rule("Other", {"sent_to": ["joe@northwind.com"]}, {"delete_message": True})
    trace = trace_of(("ann@partner.com", "archive@contoso.com"), ("ann@partner.com",), ("b@contoso.com",))
    assert changes(replayed([archive, other], [archive], trace)) == {}


def test_copies_that_meet_too_many_different_rules_are_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [
        rule(
            f"R{number}", {"subject_contains_words": [f"w{number}"]}, {"apply_rights_protection_template": f"T{number}"}
        )
        for number in range(6)
    ]
    trace = Trace()
    for number in range(64):
        subject = " ".join(f"w{each}" for each in range(6) if number >> each & 1)
        for times in range(3 if number == 5 else 1):
            trace.add(trace_of(("ann@partner.com",), message=f"m{number} {times}", subject=subject).row(0))
    monkeypatch.setattr(replay, "STEPS_OF_BLOCK", 30_000)
    guarantee = {"name": "Encrypted", "then": "not_in_clear"}
    found = replayed(words, words[1:], trace, None, guarantee)
    kinds = {why.kind: tally.certain.total() for why, tally in found.undecided.items()}
    assert 0 < kinds["kinds"] < 60
    assert sum(tally.certain.total() for tally in found.outcomes.values()) + kinds["kinds"] == len(trace)
    # The most frequent ones are followed first.
    assert found.outcomes["delivered", "protected_option_unknown", ("R0", "R2"), ()].certain.total() == 3
    assert found.difference["unknown"].possible.total() > 0
    assert found.unsettled["Encrypted"] >= kinds["kinds"]


REPORT: Values = {"generate_incident_report": "dpo@other.example", "incident_report_content": ["AttachOriginalMail"]}


@pytest.mark.parametrize(
    "action",
    [REPORT, {"moderate_message_by_user": ["boss@other.example"]}, {"route_message_outbound_connector": "Gateway"}],
)
def test_what_a_new_rule_does_beside_is_a_difference(action: Values) -> None:
    beside = rule("Beside", OUTGOING, action)
    trace = trace_of(("ann@partner.com",), ("b@contoso.com",))
    assert changes(replayed([beside], [], trace))["side_effect_changed"] == ({"partner.com": 1}, {})
    assert changes(replayed([beside, SPLIT], [beside], trace)) == {}
    asks = rule("Beside", {**OUTGOING, "subject_or_body_contains_words": ["word"]}, action)
    assert changes(replayed([asks], [], trace))["side_effect_changed"] == ({}, {"partner.com": 1})
    # Mail that is deleted before does not come to it.
    gone = rule("Gone", {"from_scope": "InOrganization"}, {"delete_message": True})
    assert changes(replayed([gone, beside], [gone], trace)) == {}


def test_mail_that_a_rule_shows_somebody_keeps_no_guarantee_for_certain() -> None:
    every = rule("Encrypt all", {"from_scope": "InOrganization"}, ENCRYPT)
    report = rule("Report", OUTGOING, REPORT)
    found = replayed([every, report], [every], trace_of(("ann@partner.com", "kim@partner.com")), None, GUARANTEE)
    assert (found.kept["Encrypted"], found.unsettled["Encrypted"]) == (2, 1)
    inside = rule("Report", OUTGOING, {**REPORT, "generate_incident_report": "dpo@contoso.com"})
    found = replayed([every, inside], [every], trace_of(("ann@partner.com",)), None, GUARANTEE)
    assert (found.kept["Encrypted"], found.unsettled["Encrypted"]) == (1, 1)
    leaving = {**GUARANTEE, "copies": "outside"}
    found = replayed([every, inside], [every], trace_of(("ann@partner.com",)), None, leaving)
    assert (found.kept["Encrypted"], found.unsettled["Encrypted"]) == (1, 0)


@pytest.mark.parametrize(
    ("copies", "who", "counts"),
    [
        ("all", "z@other.example", True),
        ("all", "z@contoso.com", True),
        ("outside", "z@other.example", True),
        ("outside", "z@contoso.com", False),
        ("recipients_only", "z@other.example", False),
    ],
)
def test_copies_of_a_guarantees_mail_count_whoever_gets_them(copies: str, who: str, counts: bool) -> None:
    """As mail_flow_test has it: the guarantee is about mail to the partner. Whether the copy is encrypted is open."""
    copied = rule("Copies", OUTGOING, {"blind_copy_to": [who]})
    guarantee = {"name": "Partner", "when": {"recipient_domain_is": ["partner.com"]}, "then": "not_in_clear"}
    found = replayed([copied, COVERS], [], trace_of(("ann@partner.com",)), None, {**guarantee, "copies": copies})
    assert (found.kept["Partner"], found.unsettled["Partner"]) == (1, counts)
    found = replayed([copied], [], trace_of(("ann@partner.com",)), None, {**guarantee, "copies": copies})
    assert found.broken["Partner"].certain.total() == 1 + counts
