# SPDX-License-Identifier: GPL-3.0-or-later
"""What results say of a replay: nothing that the rows do not tell, and no copy twice."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    EffectOnMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.rule_application import (
    RuleApplication,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import Passage
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import Window, until_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    NO_SENDER,
    SENT,
    Row,
    Trace,
    instant_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.truth_sets import UNTRACED_KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import (
    NOT_KNOWN,
    SETTLED_BY,
    hopless_lines,
    kept_back_lines,
    open_rules_lines,
    replay_lines,
    replay_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import ReplayRow
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.replay_section import (
    ReplaySection,
    headline_of,
    replay_section,
)

from tests.unit.mail_flow.replaying import KNOWN, ROW, WHEN, encrypting, replayed
from tests.unit.mail_flow.tracing import PUBLIC

Values = dict[str, Any]


@pytest.mark.parametrize(
    ("row", "outcome", "reason"),
    [
        ({}, "encrypt", ""),
        ({"from_ip": PUBLIC}, "", "envelope"),
        ({"from_ip": PUBLIC, "sender": "joe@northwind.com"}, "none", ""),
        ({"from_ip": NO_HOP, "sender": "joe@northwind.com"}, "none", ""),
        ({"from_ip": ""}, "", "from_ip"),
        ({"from_ip": SENT}, "encrypt", ""),
        ({"from_ip": SENT, "sender": "joe@northwind.com"}, "none", ""),
    ],
)
def test_an_address_of_the_organization_may_have_signed_in_over_the_internet(
    row: Values, outcome: str, reason: str
) -> None:
    found = replayed([encrypting({"from_scope": "InOrganization"})], **row)
    assert [each["protection"] for each in found["outcome"]] == ([outcome] if outcome else [])
    assert [each["reason"] for each in found["undecided"]] == ([reason] if reason else [])


#: A DLP rule whose match depends on what a message says.
BLOCKS: Values = {
    "name": "Cards",
    "conditions": {
        "access_scope": "NotInOrganization",
        "content_contains_sensitive_information": [{"name": "Credit Card Number"}],
    },
    "actions": {"block_access": True},
}


def test_a_dlp_rule_that_may_block_a_copy_hides_no_difference_of_the_rules() -> None:
    policies = [{"name": "Cards", "mode": "Enable", "rules": [BLOCKS]}]
    known = {**KNOWN, "dlp_policies": policies, "labels": [], "auto_label_policies": []}
    found = replayed([encrypting({"from_scope": "InOrganization"})], [], known)
    assert [(row["reason"], row["id"]) for row in found["undecided"]] == [("dlp", "U33")]
    assert [(row["kind"], row["possible"], row["because"], row["plain"]) for row in found["difference"]] == [
        ("protection_gained", 1, ["dlp"], {"certain": 1, "possible": 0}),
        ("unknown", 1, ["dlp"], {"certain": 0, "possible": 0}),
    ]
    same = encrypting({"from_scope": "InOrganization"}, name="Renamed")
    assert replayed([same], [encrypting({"from_scope": "InOrganization"})], known)["difference"] == []


@pytest.mark.parametrize(("sender", "encrypted"), [("megan@contoso.com", 1), ("joe@northwind.com", 0)])
def test_what_rules_encrypt_is_counted_whatever_dlp_rules_and_labels_may_do(sender: str, encrypted: int) -> None:
    secret = {"name": "Secret", "encryption": "do_not_forward"}
    policies = [{"name": "Cards", "mode": "Enable", "rules": [BLOCKS]}]
    known = facts_of({**KNOWN, "dlp_policies": policies, "labels": [secret], "auto_label_policies": []})
    trace = Trace()
    trace.add(Row(**{**ROW, "sender": sender}))
    found = Replay(RuleSet([encrypting({"from_scope": "InOrganization"})]), known).run(trace)
    assert (found.encrypted, found.perhaps_encrypted) == (encrypted, encrypted)


@pytest.mark.parametrize(
    ("connectors", "outcome", "reason"),
    [
        (None, "", "from_ip"),
        ([{"name": "Partner", "enabled": True, "connector_type": "Partner"}], "encrypt", ""),
        ([{"name": "Off", "enabled": False, "connector_type": "OnPremises"}], "encrypt", ""),
        ([{"name": "Devices", "enabled": True, "connector_type": "OnPremises"}], "", "from_ip"),
        ([{"name": "Any", "enabled": True}], "", "from_ip"),
    ],
)
def test_mail_that_a_report_calls_outbound_may_be_of_a_device(
    connectors: list[Values] | None, outcome: str, reason: str
) -> None:
    known = {**KNOWN, "inbound_connectors": connectors}
    found = replayed([encrypting({"from_scope": "InOrganization"})], known=known, from_ip=SENT)
    assert [each["protection"] for each in found["outcome"]] == ([outcome] if outcome else [])
    assert [each["reason"] for each in found["undecided"]] == ([reason] if reason else [])


def test_rows_without_the_last_hop_are_told_so_and_how_to_export_it() -> None:
    lines = replay_lines(ReplayRow.from_row(replayed([encrypting({"from_scope": "InOrganization"})], from_ip="")))
    assert "1 (whether the sender signed in, or its last hop 1)" in lines[1]
    assert lines[-1].startswith(
        "Undecided: 1, because FromIP is missing or empty in their rows: did a mailbox send them, or which server handed them over? "
        "Export the trace with Get-MessageTraceV2"
    )
    known = replayed([encrypting({"from_scope": "InOrganization"})], from_ip=PUBLIC)
    assert not hopless_lines(ReplayRow.from_row(known))


@pytest.mark.parametrize(
    ("status", "counted"),
    [("Failed", "1 rejected or not deliverable"), ("Quarantined", "1 quarantined"), ("Expanded", "")],
)
def test_copies_that_were_kept_back_are_said_not_to_be_compared(status: str, counted: str) -> None:
    reject = {"name": "Reject", "conditions": {}, "exceptions": {}, "actions": {"reject_message_reason_text": "no"}}
    found = replayed([], [reject], status=status)
    assert found["difference"] == []
    lines = kept_back_lines(found["counts"]["left_out"])
    assert len(lines) == bool(counted)
    assert all(counted in line for line in lines)
    assert kept_back_lines(replayed([], [], status="Delivered")["counts"]["left_out"]) == []


def test_a_rule_that_leaves_most_copies_open_is_named_with_what_would_tell() -> None:
    by_field = {**encrypting({"any_of_to_header": ["ann@fabrikam.com"]}), "name": "To Ann"}
    open_ = ReplayRow.from_row(replayed([by_field]))
    (line,) = open_rules_lines(open_)
    assert "1 of 1 copy" in line
    assert "'To Ann'" in line
    assert NOT_KNOWN["to_or_cc"] in line
    assert line in replay_lines(open_)
    for from_ip in (NO_HOP, ""):
        decided = replayed([encrypting({"from_scope": "InOrganization"})], from_ip=from_ip)
        assert open_rules_lines(ReplayRow.from_row(decided)) == []


def test_nothing_changes_only_of_the_copies_that_were_compared() -> None:
    counts = {"copies": 3, "messages": 3, "recipients": 3, "left_out": {"system": 1}}
    assert "None of the 2 copies that were compared is protected or delivered differently." in replay_lines(
        ReplayRow.from_row({**replayed([], []), "counts": counts})
    )
    (line, _kept_back) = replay_lines(ReplayRow.from_row(replayed([], [], status="Failed")))[-2:]
    assert line == "No copy could be compared."


def test_a_header_that_a_rule_sets_is_another_one_without_that_rule() -> None:
    sets = {"set_header_name": "X-Mark", "set_header_value": "secret"}
    marked = {"header_contains_message_header": "X-Mark", "header_contains_words": ["secret"]}
    first, second = ({"name": "Mark", "conditions": {}, "actions": sets}, encrypting(marked))
    found = replayed([{**first, "priority": 0}, {**second, "priority": 1}], [{**second, "priority": 0}])
    assert {row["kind"]: row["possible"] for row in found["difference"]}["protection_gained"] == 1


def test_every_reason_is_told_in_words() -> None:
    assert NOT_KNOWN.keys() == SETTLED_BY.keys() == set(UNTRACED_KINDS)


@pytest.mark.parametrize(
    ("looked_for", "certain"),
    [
        ({"header_contains_words": ["megan"]}, True),
        ({"header_contains_words": ["CEO"]}, False),
        ({"header_matches_patterns": [r"@contoso\.com"]}, True),
        ({"header_matches_patterns": ["^megan@"]}, False),
        ({"header_matches_patterns": [r"contoso\.com$"]}, False),
        ({"header_matches_patterns": [r"contoso\.com$", "megan"]}, True),
    ],
)
def test_the_field_of_the_sender_may_have_a_name(looked_for: Values, certain: bool) -> None:
    option = next(iter(looked_for)).rpartition("_")[0]
    found = replayed([encrypting({f"{option}_message_header": "From", **looked_for})])
    assert [each["reason"] for each in found["undecided"]] == ([] if certain else ["header"])


def test_a_copy_that_is_changed_in_two_ways_is_one_copy() -> None:
    branded = encrypting({}, apply_rights_protection_customization_template="Branding")
    found = replayed([branded], [{**branded, "actions": {"apply_rights_protection_template": "Do Not Forward"}}])
    assert [row["kind"] for row in found["difference"]] == ["protection_changed", "branding_changed"]
    assert found["counts"]["changed"] == {"certain": 1, "possible": 0}
    headline = headline_of(OrganizationReport(mail=EffectOnMail(replay=ReplayRow.from_row(found))))
    assert headline == "1 copy of real mail was replayed: 1 would be treated differently"


@pytest.mark.parametrize(
    ("conditions", "reasons"),
    [
        ({}, None),
        ({"header_contains_message_header": "X-Class", "header_contains_words": ["secret"]}, ["header"]),
        ({"subject_or_body_contains_words": ["nobody says this"]}, ["body"]),
        ({"has_classification": "Secret"}, ["classification"]),
    ],
)
def test_a_difference_says_why_copies_are_only_possible(conditions: Values, reasons: list[str] | None) -> None:
    found = replayed([encrypting(conditions)], [])
    (row,) = [row for row in found["difference"] if row["kind"] == "protection_gained"]
    assert (row["certain"], row["possible"]) == ((1, 0) if reasons is None else (0, 1))
    assert sorted(row.get("because", [])) == sorted(reasons or [])
    assert "because" in row or reasons is None
    undecided = {each["reason"] for each in found["undecided"]}
    assert undecided <= set(row.get("because", ()))


def test_a_row_without_a_size_is_said_to_be_taken_for_small() -> None:
    assumed = [
        [each["id"] for each in replayed([encrypting({})], size=size, status=status)["assumes"]]
        for size, status in ((2048, "Delivered"), (None, "Failed"), (None, "Delivered"))
    ]
    assert assumed == [
        ["arrival", "ordinary", "attachments", "recipients"],
        ["arrival", "ordinary", "attachments", "recipients"],
        ["arrival", "ordinary", "attachments", "recipients", "size"],
    ]


def test_what_is_missing_is_settled_by_giving_it() -> None:
    unknown = {"remote_domains": [], "mail_users": [], "inbound_connectors": []}
    (missing,) = replayed([encrypting({"sent_to_scope": "NotInOrganization"})], known=unknown)["undecided"]
    assert (missing["reason"], "id" in missing) == ("semantics", False)
    assert missing["settled_by"].endswith("the option facts.")
    (limit,) = replayed([encrypting({"message_size_over": "2KB"})])["undecided"]
    assert (limit["reason"], limit["id"]) == ("semantics", "U23")
    assert "A test in Exchange" in limit["settled_by"]


@pytest.mark.parametrize(
    "asked",
    [
        {"from_scope": "InOrganization"},
        {"from_scope": "NotInOrganization"},
        {"sender_domain_is": ["contoso.com"]},
        {"from": ["megan@contoso.com"]},
        {"from_address_matches_patterns": ["contoso"]},
        {"header_contains_message_header": "From", "header_contains_words": ["contoso"]},
    ],
)
@pytest.mark.parametrize("from_ip", [NO_HOP, PUBLIC, ""])
def test_without_a_senders_address_the_from_field_may_have_any(asked: Values, from_ip: str) -> None:
    for rule in (encrypting(asked), {**encrypting({}), "exceptions": asked}):
        found = replayed([rule], sender=NO_SENDER, from_ip=from_ip)
        assert (found["outcome"], [each["reason"] for each in found["undecided"]]) == ([], ["address"])


def test_no_fact_about_the_organization_is_asked_for_that_would_not_help() -> None:
    (nobody,) = replayed([encrypting({"from_scope": "InOrganization"})], sender="no address")["undecided"]
    assert (nobody["reason"], nobody["settled_by"]) == (
        "address",
        "The SMTP address of the sender or recipient, which the row does not have.",
    )
    (partner,) = replayed([encrypting({"sent_to_scope": "ExternalPartner"})])["undecided"]
    assert partner["reason"] == "semantics"
    assert "A test in Exchange" in partner["settled_by"]


def test_rules_that_protect_are_in_their_order() -> None:
    found = replayed([encrypting({}, "Z"), encrypting({}, "A")])
    assert found["outcome"][0]["protected_by"] == ["Z", "A"]


def test_a_window_says_its_time_in_full_and_in_utc() -> None:
    window = Window(instant_of(WHEN + 900_000), instant_of(WHEN + 1_000_000), "limit")
    found = Replay(RuleSet([]), facts_of(KNOWN)).run(Trace())
    row = replay_row(found, window, compared=False, guaranteed=False, domains=10, rules=[]).as_row()["window"]
    # Whoever reads on from there must not miss the rest of the second.
    assert (row["from"], row["until"]) == ("2026-11-18T14:03:04.900000Z", "2026-11-18T14:03:05Z")
    now = datetime.datetime(2026, 11, 19, tzinfo=datetime.UTC)
    assert until_of(row["from"], now) == window.begin
    assert until_of("2026-11-18T14:00:00+02:00", now).isoformat() == "2026-11-18T12:00:00+00:00"


def looking_inside(rules: int, template: str) -> list[Values]:
    """Rules that look for words in the subject and in attachments."""
    return [
        {
            "name": f"R{number}",
            "conditions": {"subject_contains_words": [f"w{number}"], "attachment_contains_words": [f"a{number}"]},
            "actions": {"apply_rights_protection_template": template.format(number)},
        }
        for number in range(rules)
    ]


def test_copies_that_meet_other_rules_that_do_the_same_pass_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = Trace()
    for number in range(40):
        trace.add(
            Row(**{**ROW, "message": f"m{number}", "subject": f"w{number} w{(number + 7) % 40} w{(number + 9) % 40}"})
        )
    passed: list[int] = []
    way_of = Passage.way_of
    monkeypatch.setattr(Passage, "way_of", lambda self, person: passed.append(1) or way_of(self, person))
    before, after = (RuleSet(looking_inside(count, "Encrypt")) for count in (20, 40))
    found = replay_row(
        Replay(after, facts_of(KNOWN), before).run(trace),
        Window(instant_of(WHEN), instant_of(WHEN)),
        compared=True,
        guaranteed=False,
        domains=10,
        rules=[f"R{number}" for number in range(40)],
    ).as_row()
    assert len(passed) < 10
    (row,) = found["undecided"]
    assert (row["reason"], row["copies"], len(row["rules"])) == ("attachment", 40, 40)
    (change,) = found["difference"]
    # Of the others, every word that they have is one of a rule that was there before.
    assert (change["kind"], change["certain"], change["possible"]) == ("protection_gained", 0, 29)


def test_so_many_open_rules_of_different_templates_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[int] = []
    way_of = Passage.way_of
    monkeypatch.setattr(Passage, "way_of", lambda self, person: followed.append(1) or way_of(self, person))
    # Plain copies are followed in any case.
    for count, times in ((7, 2), (8, 1)):
        followed.clear()
        found = replayed(looking_inside(count, "T{}"), subject=" ".join(f"w{each}" for each in range(count)))
        assert (found["outcome"], len(followed)) == ([], times)
        (row,) = found["undecided"]
        assert (row["reason"], row["copies"], row["rules"]) == ("attachment", 1, ["R0"])


def test_where_there_are_too_many_ways_the_rest_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    apply = RuleApplication.worlds_after
    monkeypatch.setattr(RuleApplication, "worlds_after", lambda self, *others: steps.append(1) or apply(self, *others))
    # Those that stop may leave no mark.
    rules = [
        {**rule, "actions": {**rule["actions"], "stop_rule_processing": True}} for rule in looking_inside(200, "T{}")
    ]
    found = replayed(rules, subject=" ".join(f"w{each}" for each in range(200)))
    assert (found["outcome"], [row["reason"] for row in found["undecided"]]) == ([], ["attachment"])
    assert len(steps) < 140


def test_the_rules_that_protect_are_named_by_their_own_copies() -> None:
    trace = Trace()
    rules = [encrypting({"subject_contains_words": [f"w{number}"]}, f"R{number}") for number in range(3)]
    for number in range(3):
        trace.add(Row(**{**ROW, "message": f"m{number}", "subject": f"w{number}"}))
    found = Replay(RuleSet(rules), facts_of(KNOWN)).run(trace)
    assert {by: tally.certain.total() for (_fate, _protection, by, _by_dlp), tally in found.outcomes.items()} == {
        (f"R{number}",): 1 for number in range(3)
    }


def test_a_page_says_in_words_what_is_not_known() -> None:
    rows = replayed([encrypting({"from_scope": "InOrganization"})], from_ip="")
    section = replay_section(ReplayRow.from_row(rows))
    assert isinstance(section, ReplaySection)
    (line,) = section.settled_by
    assert line.startswith("Whether the sender signed in, or its last hop (1): ")
