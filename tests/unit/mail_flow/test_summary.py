# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording import guarantees
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import change_sentence
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import (
    ReplayDifferenceRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.summary import (
    message_lines,
    message_words,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.unseen import unseen_lines

from tests.unit.mail_flow.answers import prove, verdict_lines, verdict_sentence
from tests.unit.mail_flow.running import NoSession, flow

FACTS: dict[str, Any] = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mailboxes": ["megan@contoso.com"]}
OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT = {"name": "Encrypt", "conditions": OUT, "actions": {"apply_rights_protection_template": "Encrypt"}}
STOP = {"name": "Stop", "conditions": {"subject_contains_words": ["public"]}, "actions": {"stop_rule_processing": True}}
LAW = {"from_scope": "InOrganization", "recipient_domain_is": ["law.example"]}
GUARANTEES = [
    {"name": "Outgoing", "when": OUT, "then": "not_in_clear"},
    {
        "name": "Law",
        "when": LAW,
        "unless": {"subject_contains_words": ["public"], "with_importance": "Low"},
        "then": "encrypted",
    },
]
UNKNOWN_TLS = "unencrypted by rules (whether by forced TLS is unknown)"
PROVED_LAW = "'Law' is guaranteed: all mail from inside to law.example, except mail with 'public' in its subject or of Low importance, is delivered encrypted."
BASIS = [
    "  Not covered: forwarded mail, S/MIME-signed mail, automatic replies, receipts, meetings, requests for approval, mail over 17.8 MB, Exchange's reports.",
    "  Assumes: authenticated mail from inside, rules in effect for some hours, no rule errors, working encryption, no change after the rules.",
]


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("subject", "Offer", ("Subject", "Offer")),
        ("body", "secret", ("Text", "secret")),
        ("headers", {"x-class": "yes", "x-tag": "1"}, ("Headers", "x-class: yes, x-tag: 1")),
        ("type", ["Calendaring", "Signed"], ("Type", "Calendaring, Signed")),
        ("size", 26214401, ("Size", "26,214,401 bytes")),
        ("size", "25MB", ("Size", "25MB")),
        ("sender_ip", "192.0.2.1", ("Sender's IP", "192.0.2.1")),
        ("authenticated", False, ("Sender", "not signed in")),
        ("disclaimer_insertable", False, ("Disclaimer", "cannot be inserted")),
        ("protection", {"kind": "encrypt", "owner": "own"}, ("Arrives", "encrypted, with the organization's own keys")),
        (
            "protection",
            {"kind": "template:Board", "owner": "other"},
            ("Arrives", "protected with 'Board', with another organization's keys"),
        ),
        ("protection", {"kind": "smime"}, ("Arrives", "protected by S/MIME")),
        ("protection", {"kind": "smime_signed"}, ("Arrives", "signed with S/MIME")),
        ("protection", {"kind": "none"}, ("Arrives", "unencrypted")),
        (
            "attachments",
            [{"name": "a.exe", "size": 1, "text": "", "nested": [], "properties": {}, "executable": True}],
            ("Attached", "a.exe (executable)"),
        ),
        (
            "attachments",
            [
                {
                    "name": "a",
                    "size": 1200,
                    "text": "secret",
                    "nested": ["b.docx"],
                    "properties": {"Department": "Legal"},
                },
                {"name": "b", "size": "2MB"},
            ],
            ("Attached", "a (1,200 bytes, with 'secret', with 'b.docx', Department: Legal), b (2MB)"),
        ),
        ("attachments", [{"name": "a", "password_protected": True}], ("Attached", "a (protected by a password)")),
    ],
)
def test_a_message_is_a_list_of_lines(key: str, value: Any, line: tuple[str, str]) -> None:
    lines = list(
        message_lines(
            {"name": "witness", "from": "megan@contoso.com", "to": ["ann@fabrikam.com"], key: value}, "ann@fabrikam.com"
        )
    )
    assert lines == [("From", "megan@contoso.com"), ("To", "ann@fabrikam.com"), line]


@pytest.mark.parametrize(
    ("unless", "said"),
    [
        ({"scl_over": 5}, "recipient@example.org with the spam level 5"),
        ({"scl_over": 0}, "recipient@example.org with the spam level 0"),
        ({"with_importance": "Low"}, "recipient@example.org with the importance Low"),
        (
            {"any_of_recipient_address_contains_words": ["boss"]},
            "recipient@example.org (also to recipient.0.boss@example.org)",
        ),
        ({"any_of_to_cc_header": ["boss@contoso.com"]}, "recipient@example.org (also to boss@contoso.com)"),
        ({"has_classification": "Secret"}, "recipient@example.org with the classification Secret"),
        ({"attachment_extension_matches_words": ["exe"]}, "recipient@example.org with the attachment file0.exe"),
        ({"message_size_over": "10MB"}, "recipient@example.org with a size of 10,485,761 bytes"),
        ({"sender_ip_ranges": ["192.0.2.1"]}, "recipient@example.org with the sender's IP address 192.0.2.1"),
        ({"subject_or_body_contains_words": ["offer"]}, "recipient@example.org with the text 'offer'"),
        (
            {"header_contains_message_header": "X-A", "header_contains_words": ["b"]},
            "recipient@example.org with the header x-a: b",
        ),
        ({"message_type_matches": "Signed"}, "recipient@example.org (Signed)"),
    ],
)
def test_a_refutation_names_what_mail_it_is_about(unless: dict[str, Any], said: str) -> None:
    """Without that, it would read as all mail."""
    (row,) = prove([{**ENCRYPT, "exceptions": unless}], FACTS, GUARANTEES[:1])
    assert verdict_sentence(row).startswith(
        f"'Outgoing' is not guaranteed: mail from megan@contoso.com to {said} is delivered {UNKNOWN_TLS}: "
        "the rule 'Encrypt' exempts mail "
    )


def test_an_exception_of_two_options_is_one_condition_in_a_refutation() -> None:
    exempt = {"header_contains_message_header": "X-A", "header_contains_words": ["b", "c"]}
    (row,) = prove([{**ENCRYPT, "exceptions": exempt}], FACTS, GUARANTEES[:1])
    assert verdict_sentence(row).endswith("the rule 'Encrypt' exempts mail with 'b' or 'c' in the header X-A.")


_TEAM = {"from_member_of": ["team@contoso.com"]}


@pytest.mark.parametrize(
    ("rule", "when", "supposed", "said"),
    [
        (
            {**ENCRYPT, "conditions": _TEAM},
            OUT,
            ["team@contoso.com"],
            "if nobody is a member of team@contoso.com, whose members are not known, mail from ",
        ),
        (
            {**STOP, "conditions": OUT},
            {**OUT, **_TEAM},
            ["team@contoso.com"],
            "if megan@contoso.com is a member of team@contoso.com, whose members are not known, mail from ",
        ),
        # It breaks it whoever is in the group.
        ({**STOP, "conditions": _TEAM}, OUT, [], "mail from "),
    ],
)
def test_a_refutation_that_rests_on_a_group_that_nobody_knows_says_so(
    rule: dict[str, Any], when: dict[str, Any], supposed: list[str], said: str
) -> None:
    (row,) = prove([rule], FACTS, [{"name": "Outgoing", "when": when, "then": "not_in_clear"}])
    assert row["counterexample"].get("supposed_groups", []) == supposed
    assert verdict_sentence(row).startswith(f"'Outgoing' is not guaranteed: {said}")


def test_a_refutation_by_a_copy_of_which_the_fate_is_open_says_that_each_one_breaks_it() -> None:
    groups = {"between_member_of_1": ["megan@contoso.com"], "between_member_of_2": ["law@contoso.com"]}
    rules = [
        {"name": "Wall", "conditions": groups, "actions": {"delete_message": True}},
        {"name": "Held", "conditions": {}, "actions": {"quarantine": True}},
    ]
    (row,) = prove(rules, FACTS, [{"name": "Mail", "when": OUT, "then": "delivered"}])
    row["counterexample"]["outcome"] = {"fate": "unknown", "rules": [{"name": "Wall", "matched": "unknown"}]}
    del row["counterexample"]["decided_by"], row["counterexample"]["cause"]
    assert verdict_sentence(row) == (
        "'Mail' is not guaranteed: mail from megan@contoso.com to recipient@example.org comes out in a way that is unknown, and"
        " each possible one breaks it, whether or not the rule 'Wall' matched."
    )


def test_a_message_is_named_with_all_that_it_needs() -> None:
    message = {
        "name": "M",
        "from": "megan@contoso.com",
        "to": ["Ann@b.com", *(f"a{number}@b.com" for number in range(5))],
        "mail_from": "",
        "subject": "Offer",
        "body": "x" * 200,
        "headers": {"x-a": "1", "x-b": "2"},
        "protection": {"kind": "encrypt", "owner": "own"},
        "disclaimer_insertable": False,
    }
    assert message_words(message, "ann@b.com") == (
        "mail from megan@contoso.com to ann@b.com (also to a0@b.com, a1@b.com, a2@b.com and 2 more) (arrives encrypted, with the "
        f"organization's own keys) with the subject 'Offer', the text '{'x' * 120}...', the headers x-a: 1, x-b: 2, "
        "a text into which a disclaimer cannot be put and an empty envelope sender"
    )


def test_what_is_taken_for_granted_is_not_said() -> None:
    message = {
        "name": "witness",
        "authenticated": True,
        "bcc": ["Ann@fabrikam.com"],
        "subject": "",
        "attachments": [],
        "headers": {},
        "size": None,
    }
    assert list(message_lines(message, "ann@fabrikam.com")) == [("From", "nobody"), ("Bcc", "Ann@fabrikam.com")]


def test_of_many_people_it_is_said_whom_a_message_is_about() -> None:
    message = {
        "name": "witness",
        "from": "megan@contoso.com",
        "to": [f"a{number}@b.com" for number in range(5)],
        "cc": ["joe@b.com"],
        "mail_from": "",
    }
    assert list(message_lines(message, "joe@b.com"))[1:] == [
        ("To", "a0@b.com, a1@b.com, a2@b.com and 2 more"),
        ("Cc", "joe@b.com"),
        ("Seen by", "joe@b.com"),
        ("Envelope", "empty"),
    ]
    added = {"name": "witness", "from": "megan@contoso.com", "to": ["ann@b.com"]}
    assert list(message_lines(added, "archive@b.com"))[1:] == [("To", "ann@b.com"), ("Seen by", "archive@b.com")]


def test_proofs_say_for_what_they_hold_and_then_once_what_they_leave_open_and_rely_on() -> None:
    rows = prove([ENCRYPT], FACTS, GUARANTEES)
    lines = verdict_lines(rows)
    assert lines == [
        "'Outgoing' is guaranteed: no mail from inside to people outside is delivered unprotected by rules.",
        PROVED_LAW,
        *BASIS,
    ]
    (proved, _other) = rows
    said = [each.get("mail") or guarantees.RELIED_ON[each["id"]] for each in proved["assumptions"]]
    assert all(each in f"{lines[2]}{lines[3]}" for each in said)


def test_what_is_refuted_comes_first() -> None:
    outgoing, law = prove([STOP, ENCRYPT], FACTS, GUARANTEES)
    assert verdict_lines([law, outgoing]) == verdict_lines([outgoing, law])


def test_what_rules_let_out_is_a_line_with_its_message_and_a_proof_beside_it_keeps_what_it_relies_on() -> None:
    lines = verdict_lines(prove([STOP, ENCRYPT], FACTS, GUARANTEES))
    assert lines == [
        "'Outgoing' is not guaranteed: mail from megan@contoso.com to recipient@example.org with the subject 'public' is delivered "
        f"{UNKNOWN_TLS}: "
        "the rule 'Stop' stops before the rule 'Encrypt'.",
        PROVED_LAW,
        *BASIS,
    ]


def test_a_verdict_that_is_another_than_until_now_says_so_in_its_line() -> None:
    (row, _other) = prove([ENCRYPT], FACTS, GUARANTEES)
    assert verdict_lines([{**row, "before": "refuted"}])[0].endswith(
        "is delivered unprotected by rules. Until now: refuted."
    )


def test_what_has_no_room_in_a_line_is_counted() -> None:
    (row, _other) = prove([ENCRYPT], FACTS, GUARANTEES)
    (_verdict, undecided, _basis) = verdict_lines(
        [{**row, "assumptions": [{"id": "U", "text": "T.", "mail": "m" * 40}] * 9}, row]
    )[:3]
    assert undecided == f"  Not covered: {', '.join(['m' * 40] * 3)} and 6 more."
    long = [{"id": "U", "text": f"{'t' * 300}."}]
    assert verdict_lines([{**row, "assumptions": long}])[1:] == [f"  Assumes: {'t' * 300}."]


@pytest.mark.parametrize(
    ("then", "limit", "claim"),
    [
        ("encrypted", None, "all mail from inside to law.example is delivered encrypted"),
        ("encrypted", "Board", "all mail from inside to law.example is delivered with 'Board'"),
        ("not_in_clear", None, "no mail from inside to law.example is delivered unprotected by rules"),
        ("not_in_clear", "{Board}", "no mail from inside to law.example is delivered without '{Board}'"),
        (
            "portal",
            None,
            "no mail from inside to law.example is delivered unprotected by rules, and people outside are led to the portal",
        ),
        (
            "portal",
            1,
            "no mail from inside to law.example is delivered unprotected by rules, and people outside are led to the portal, where it expires within 1 day",
        ),
        (
            "portal",
            7,
            "no mail from inside to law.example is delivered unprotected by rules, and people outside are led to the portal, where it expires within 7 days",
        ),
        ("unencrypted", None, "all mail from inside to law.example is delivered, and no rule encrypts it"),
        ("delivered", None, "all mail from inside to law.example is delivered"),
        ("not_in_clear_if_delivered", None, "all mail from inside to law.example that is delivered is encrypted"),
        ("not_in_clear_if_delivered", "Board", "all mail from inside to law.example that is delivered has 'Board'"),
        (
            "decrypted_on_arrival",
            None,
            "all mail from inside to law.example that arrives encrypted by this organization is delivered decrypted",
        ),
    ],
)
def test_what_is_guaranteed_is_a_clause(then: str, limit: str | int | None, claim: str) -> None:
    narrowed = {WISHES[then].narrowed_by: limit} if limit else {}
    (row,) = prove([], FACTS, [{"name": "G", "when": LAW, "then": then, **narrowed}])
    assert row["claim"] == claim


def test_every_assumption_has_a_few_words() -> None:
    # No proof names that mail is addressed to primary addresses: matches in an alias have formulas of their own.
    for kind in set(guarantees._TEXTS) - {"primary_addresses"}:
        number = {"plain_letters": "U17", "one_line_subject": "U18"}.get(kind, kind)
        words = guarantees._LEAVES_OUT.get(kind) or guarantees.RELIED_ON[number]
        assert 0 < len(words) <= 60, kind


def test_the_guide_shows_the_lines_of_its_guarantee() -> None:
    guide = (Path(__file__).parents[3] / "docs/docsite/rst/guide_what_is_guaranteed.rst").read_text(encoding="utf-8")
    before, _said, after = guide.partition("For the example:\n")
    (task,) = yaml.safe_load(
        before[before.rindex("    - name: Prove that rules") : before.rindex("    - name: It is proved")]
    )
    options = task["m365.message_encryption.mail_flow_test"]
    rows = prove(options["rules"], options["facts"], options["guarantees"])
    lines = [f"    {line}" for line in (*verdict_lines(rows), *unseen_lines(rows[0]["unseen"]))]
    assert lines[0] in after
    assert after.startswith("\n".join(["", ".. code-block:: text", "", *lines, "", ""]))


@pytest.mark.parametrize(
    ("kind", "certain", "possible", "said"),
    [
        ("protection_lost", 1, 0, "1 copy is no longer encrypted: 'A'."),
        ("protection_lost", 2, 1, "2 copies are no longer encrypted, 1 more perhaps: 'A'."),
        ("branding_changed", 1, 0, "1 copy now shows a different branding or none: 'A'."),
        ("branding_changed", 0, 2, "2 copies may show a different branding or none: 'A'."),
        ("unknown", 0, 2, "2 copies may be treated differently: 'A'."),
    ],
)
def test_what_becomes_of_copies_is_a_sentence_for_one_and_for_several(
    kind: str, certain: int, possible: int, said: str
) -> None:
    row = {"kind": kind, "senders": 1, "domains": [], "more_domains": 0, "rules": ["A"]}
    assert change_sentence(ReplayDifferenceRow.from_row({**row, "certain": certain, "possible": possible})) == said


def test_guarantees_that_are_unknown_for_the_same_reasons_have_one_line() -> None:
    soc = "soc@else.example"
    report = {"generate_incident_report": soc, "incident_report_content": ["Sender", "AttachOriginalMail"]}
    rules = [{"name": "Report", "conditions": {"from_scope": "InOrganization"}, "actions": report}, ENCRYPT]
    marked = {**OUT, "subject_contains_words": ["x"]}
    wanted = [{"name": name, "when": when, "then": "not_in_clear"} for name, when in (("A", OUT), ("B", marked))]
    rows = prove(rules, FACTS, wanted)
    (line,) = verdict_lines(rows)
    assert line.startswith("Cannot verify 'A' and 'B': ")
    # What has more to say has a line of its own.
    assert len(verdict_lines([rows[0], {**rows[1], "before": "proved"}])) == 2
    # The two ways out that the line names are ways out.
    ways = ({"then": "not_in_clear_if_delivered"}, {"copies": "recipients_only", "unless": {"sent_to": [soc]}})
    assert all(key in line and str(value) in line for way in ways[:1] for key, value in way.items())
    assert "copies: recipients_only with that recipient in unless" in line
    assert [prove(rules, FACTS, [{**wanted[0], **way}])[0]["verdict"] for way in ways] == ["proved", "proved"]


def test_an_address_that_no_rule_names_is_not_said() -> None:
    message = {"from": "a@contoso.com", "to": ["ann@b.com"], "sender_ip": "192.0.2.254"}
    assert message_words(message, "ann@b.com") == "mail from a@contoso.com to ann@b.com"
    named = message_words({**message, "sender_ip": "192.0.2.7"}, "ann@b.com")
    assert named == "mail from a@contoso.com to ann@b.com with the sender's IP address 192.0.2.7"


def _tested(*rules: Any, **message: Any) -> str:
    """What is said of a message from Megan to Ann."""
    sent = {"name": "M", "from": "megan@contoso.com", "authenticated": True, "to": ["ann@b.com"], **message}
    said: str = flow(NoSession(), rules=list(rules), facts=FACTS, messages=[sent])["msg"]
    return " ".join(said.split())


def test_why_it_is_unknown_what_becomes_of_approved_mail_is_said() -> None:
    hold = {"name": "Hold", "conditions": OUT, "actions": {"moderate_message_by_user": ["megan@contoso.com"]}}
    said = _tested(hold, ENCRYPT, size="24MB")
    assert "held for approval, and once approved" in said
    assert "(U31)" in said


def test_all_rules_that_encrypt_a_message_are_named_in_a_row() -> None:
    assert "encrypted by 'Encrypt' and 'Also'" in _tested(ENCRYPT, {**ENCRYPT, "name": "Also"})


def test_that_a_template_is_unknown_is_said_of_the_template() -> None:
    other = {**ENCRYPT, "name": "Other", "actions": {"apply_rights_protection_template": "Do Not Forward"}}
    said = _tested(ENCRYPT, other)
    assert "encrypted (with which template is unknown) by 'Encrypt' and 'Other'" in said
    assert "whether the message gets 'Do Not Forward' or 'Encrypt' (U01)" in said
