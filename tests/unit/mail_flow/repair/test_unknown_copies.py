# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit that only makes it unknown whether mail that breaks a guarantee still does puts nothing right."""

from __future__ import annotations

from tests.unit.mail_flow.asking import ENCRYPT, IN, OUTGOING, STOP, rule
from tests.unit.mail_flow.repair.repairing import repaired

SECURE = {**OUTGOING, "subject_contains_words": ["[secure]"]}
RELAYED = rule("Relayed", {"header_contains_message_header": "X-Relayed", "header_contains_words": ["yes"]}, STOP)
ARCHIVE = rule("Archive", {"from": ["megan@contoso.com"]}, {"blind_copy_to": ["vault@archive.com"]})
FOOTER = rule("Footer", {**IN, "subject_contains_words": ["news"]}, {"prepend_subject": "News: "})
WANTED = {"when": SECURE, "then": "not_in_clear", "copies": "outside"}


def test_the_plain_edit_goes_first_and_none_has_a_rule_beside_it_for_what_stays_unknown() -> None:
    found, edits = repaired([RELAYED, rule("Secure", SECURE, ENCRYPT), ARCHIVE, FOOTER], WANTED)
    first = found.suggestions[0]
    assert edits[0] == [("move", "Secure")]
    assert first.is_refuted
    assert first.puts_right
    assert [("move", "Secure"), ("add", "Encrypt: G")] not in edits


def test_an_exception_is_taken_out_before_a_rule_is_added_after_which_a_copy_is_unknown() -> None:
    exempting = rule("Secure", SECURE, ENCRYPT, exceptions={"any_of_to_header": ["press@contoso.com"]})
    _found, edits = repaired([exempting, ARCHIVE, FOOTER], WANTED)
    assert edits[0] == [("exception", "Secure")]


def test_no_rule_is_added_that_only_makes_it_unknown_whether_a_copy_is_protected() -> None:
    wanted = {**WANTED, "when": {**SECURE, "from": ["megan@contoso.com"]}}
    found, edits = repaired([rule("Secure", SECURE, ENCRYPT), ARCHIVE, FOOTER], wanted)
    assert edits[0] == [("add", "Encrypt: G")]
    assert [each["name"] for each in found.suggestions[0].rules] == ["Secure", "Encrypt: G", "Archive", "Footer"]
    # It is also for mail inside, of which the copy leaves.
    assert found.suggestions[0].rules[1]["conditions"] == {
        "from_scope": "InOrganization",
        "subject_contains_words": ["[secure]"],
        "from": ["megan@contoso.com"],
    }
    assert all(suggestion.puts_right and suggestion.left_open is None for suggestion in found.suggestions)


def test_an_exception_of_a_rejecting_rule_goes_where_nobody_knows_whether_encryption_helps() -> None:
    """Whether Exchange encrypts mail that is forwarded is not documented."""
    forwarded = {**OUTGOING, "message_type_matches": "AutoForward"}
    rejects = rule(
        "No forwarding", forwarded, {"reject_message_reason_text": "No."}, exceptions={"from": ["megan@contoso.com"]}
    )
    found, edits = repaired([rejects], {"when": forwarded, "then": "not_in_clear"})
    assert edits[0] == [("exception", "No forwarding")]
    assert found.suggestions[0].puts_right
    assert not found.suggestions[0].losses
