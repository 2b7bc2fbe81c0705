# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a trace with what is reported, copy by copy."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.changes import (
    FACT,
    RULE,
    LatestChange,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.comparison import (
    Comparison,
    Evidence,
    EvidenceResult,
    compare,
    read_evidence,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.reports import (
    CopyDetails,
    EncryptionReport,
    RuleReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.tally import RuleEvidence
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import Window
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    Row,
    microseconds_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence import (
    evidence_lines,
    evidence_row,
    rule_sentence,
)

from tests.unit.mail_flow.evidence.windows import NOW, UNTIL, WINDOW, row, traced

FACTS = facts_of(
    {"accepted_domains": ["contoso.com"], "remote_domains": [], "inbound_connectors": [], "mail_users": []}
)

PARTNERS: dict[str, Any] = {
    "name": "Partners",
    "guid": "11111111-1111-1111-1111-111111111111",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
#: Whether it acts depends on the text, too.
WORDS: dict[str, Any] = {
    "name": "Words",
    "guid": "22222222-2222-2222-2222-222222222222",
    "conditions": {"subject_or_body_contains_words": ["offer"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}


UNCHANGED = LatestChange(RULE, "Partners", WINDOW.begin - datetime.timedelta(days=1), PARTNERS["guid"])


def compared(
    rules: list[dict[str, Any]],
    rows: list[Row],
    reported: dict[str, list[Row]],
    changes: Iterable[LatestChange] = (),
    **options: Any,
) -> Evidence:
    report = RuleReport(
        {name: frozenset((each.message, each.recipient) for each in copies) for name, copies in reported.items()}
    )
    window, seen, now = options.pop("window", WINDOW), options.pop("report", report), options.pop("now", NOW)
    dated = list(changes) or [
        LatestChange(RULE, rule["name"], WINDOW.begin - datetime.timedelta(days=1), rule["guid"]) for rule in rules
    ]
    asked = {
        "trace": traced(rows),
        "window": window,
        "rules": RuleSet(rules),
        "facts": FACTS,
        "changes": dated,
        "now": now,
    }
    return compare(Comparison(**asked, **options), seen)


def the_rule(evidence: Evidence) -> RuleEvidence:
    (rule,) = evidence.rules
    return rule


ROWS = [row(number) for number in range(5)]


def test_what_is_reported_as_computed_contradicts_nothing() -> None:
    found = compared([PARTNERS], [*ROWS, row(9, "kim@contoso.com")], {"Partners": ROWS})
    rule = the_rule(found)
    assert (found.copies, rule.reported, rule.certain, rule.possible, rule.contradictions, rule.why_not) == (
        6,
        5,
        5,
        0,
        (),
        None,
    )
    assert (
        rule_sentence(rule)
        == "Exchange reports that 'Partners' acted on 5 copies; 5 were certain, 0 uncertain, none contradicts."
    )


def test_contradictions_of_both_kinds_are_counted_and_named() -> None:
    inside = row(9, "kim@contoso.com")
    rule = the_rule(compared([PARTNERS], [*ROWS, inside], {"partners": [*ROWS[:4], inside]}, examples=2))
    # The newest copy is certain and reported; the oldest is not reported.
    assert [(each.kind, each.copies) for each in rule.contradictions] == [("not_reported", 1), ("not_predicted", 1)]
    assert [each.examples[0].recipient for each in rule.contradictions] == ["ann@fabrikam.com", "kim@contoso.com"]
    assert rule_sentence(rule) == (
        "Exchange reports that 'Partners' acted on 5 copies; 5 were certain, 0 uncertain. 1 copy contradicts: certain and not reported. "
        "1 copy contradicts: reported and computed as impossible."
    )


def test_uncertain_copies_are_settled_and_contradict_nothing() -> None:
    rows = [*ROWS, row(7, subject="An offer")]
    found = compared([WORDS], rows, {WORDS["guid"].upper(): [rows[5], rows[0]]})
    rule = the_rule(found)
    assert (rule.certain, rule.possible, rule.acted, rule.not_acted, rule.contradictions) == (1, 5, 1, 4, ())


def test_a_likely_answer_is_confirmed_or_contradicted() -> None:
    """Whether a rule in test mode that is told to stop stops the later ones: likely not (U08)."""
    stopping = {
        **PARTNERS,
        "name": "Trial",
        "guid": "3",
        "mode": "Audit",
        "actions": {**PARTNERS["actions"], "stop_rule_processing": True},
    }
    rules = [stopping, PARTNERS]
    found = compared(rules, ROWS, {"Trial": ROWS, "Partners": ROWS[:3]})
    trial, partners = found.rules
    assert trial.contradictions == ()
    assert [(each.kind, each.copies, each.ids) for each in partners.contradictions] == [("not_reported", 2, ("U08",))]
    assert "2 copies contradict: certain and not reported, which rests on U08." in rule_sentence(partners)
    assert rule_sentence(trial).startswith("Exchange reports that 'Trial' would have acted on 5 copies")


def test_a_rule_in_a_test_mode_may_be_reported_for_everybody_who_shares_the_message() -> None:
    trial = {**PARTNERS, "mode": "Audit"}
    both = [row(1), row(1, "kim@contoso.com"), row(2), row(2, "kim@contoso.com")]
    found = compared([trial], both, {"Partners": both[:3]})
    rule = the_rule(found)
    assert (rule.certain, rule.possible, rule.acted, rule.not_acted, rule.contradictions) == (2, 2, 1, 1, ())


def test_a_rule_that_stops_keeps_copies_from_later_ones() -> None:
    first = {
        "name": "First",
        "guid": "4",
        "conditions": {"recipient_domain_is": ["fabrikam.com"]},
        "actions": {"stop_rule_processing": True},
    }
    found = compared([first, PARTNERS], ROWS, {"First": ROWS, "Partners": ROWS[:1]})
    rule = the_rule(found)
    assert (rule.name, rule.certain) == ("Partners", 0)
    assert [(each.kind, each.copies) for each in rule.contradictions] == [("not_predicted", 1)]
    assert found.strangers == ()


def test_rejected_copies_are_not_computed_and_unknown_ones_are_counted() -> None:
    gone, other = row(6, status="Failed"), row(8)
    rule = the_rule(compared([PARTNERS], [*ROWS, gone], {"Partners": [*ROWS, gone, other]}))
    assert (rule.reported, rule.left_out, rule.untraced, rule.contradictions) == (6, 1, 1, ())
    report = RuleReport(
        {"Partners": frozenset((each.message, each.recipient) for each in (*ROWS, other))},
        beyond=frozenset({(other.message, other.recipient)}),
    )
    assert the_rule(compared([PARTNERS], ROWS, {}, report=report)).untraced == 0


def test_copies_on_which_a_rule_acted_that_is_gone_contradict_nothing() -> None:
    found = compared([PARTNERS], ROWS, {"Partners": ROWS[:4], "Gone": ROWS[3:]})
    rule = the_rule(found)
    assert (found.copies, rule.certain, rule.reported, rule.left_out, rule.contradictions, found.strangers) == (
        3,
        3,
        4,
        1,
        (),
        ("Gone",),
    )
    assert [
        (each.kind, each.copies) for each in the_rule(compared([PARTNERS], ROWS, {"Partners": ROWS[:4]})).contradictions
    ] == [("not_reported", 1)]


def test_copies_that_a_later_rule_ended_which_may_have_stood_before_contradict_nothing() -> None:
    stops = {
        **PARTNERS,
        "name": "Stops",
        "guid": "33333333-3333-3333-3333-333333333333",
        "actions": {"stop_rule_processing": True},
    }
    reported = {"Partners": ROWS[:4], "Stops": ROWS[3:]}
    moved = LatestChange(RULE, "Stops", UNTIL - datetime.timedelta(hours=1), stops["guid"])
    assert the_rule(compared([PARTNERS, stops], ROWS, reported, [UNCHANGED, moved])).contradictions == ()
    unmoved = replace(moved, when=UNCHANGED.when)
    assert [
        each.kind for each in the_rule(compared([PARTNERS, stops], ROWS, reported, [UNCHANGED, unmoved])).contradictions
    ] == ["not_reported"]


def test_copies_of_a_rule_that_ended_them_before_it_was_moved_and_edited_contradict_nothing() -> None:
    marks = {**PARTNERS, "name": "Marks", "guid": "33333333-3333-3333-3333-333333333333", "actions": {"set_scl": 1}}
    reported = {"Partners": ROWS[:4], "Marks": ROWS[3:]}
    edited = LatestChange(RULE, "Marks", UNTIL - datetime.timedelta(hours=1), marks["guid"])
    rule = the_rule(compared([PARTNERS, marks], ROWS, reported, [UNCHANGED, edited]))
    assert (rule.why_not, rule.contradictions, rule.left_out) == (None, (), 1)
    # What it did to which copies, nothing shows.
    silent = {**marks, "actions": {"set_scl": 1, "set_audit_severity": "DoNotAudit"}}
    rule = the_rule(compared([PARTNERS, silent], ROWS, {"Partners": ROWS[:4]}, [UNCHANGED, edited]))
    assert (rule.why_not and rule.why_not.change) == edited


def test_a_later_rule_that_changed_may_have_had_no_severity_before() -> None:
    """Reports since then do not tell on which copies it acted, and stopped this one, before."""
    low = {"set_scl": 1, "stop_rule_processing": True, "set_audit_severity": "Low"}
    marks = {**PARTNERS, "name": "Marks", "guid": "33333333-3333-3333-3333-333333333333", "actions": low}
    given = LatestChange(RULE, "Marks", UNTIL - datetime.timedelta(hours=1, minutes=2), marks["guid"])
    for reported in ({"Partners": ROWS[:1]}, {"Partners": ROWS[:1], "Marks": ROWS[:1]}):
        rule = the_rule(compared([PARTNERS, marks], ROWS, reported, [UNCHANGED, given]))
        assert (rule.contradictions, rule.why_not and rule.why_not.change) == ((), given)
    # Whether it was reported before the first of two changes, a report between them does not tell.
    reported = {"Partners": ROWS[:1], "Marks": ROWS[4:]}
    assert the_rule(compared([PARTNERS, marks], ROWS, reported, [UNCHANGED, given])).why_not is None
    for when in (None, WINDOW.begin + datetime.timedelta(days=1)):
        earlier = replace(given, when=when)
        assert the_rule(compared([PARTNERS, marks], ROWS, reported, [UNCHANGED, given, earlier])).why_not


@pytest.mark.parametrize(("option", "acted"), [("activation_date", ROWS[:1]), ("expiry_date", ROWS[1:])])
def test_copies_of_the_hour_behind_a_rules_date_contradict_nothing(option: str, acted: list[Row]) -> None:
    """The copies came from 60 to 64 minutes before the end of the window, newest first."""
    dated = {**PARTNERS, option: (UNTIL - datetime.timedelta(minutes=62, seconds=30)).isoformat()}
    others = row(9, received=microseconds_of(UNTIL - datetime.timedelta(minutes=5)))
    given = {"Partners": acted, "Others": [others]}
    assert the_rule(compared([dated], [*ROWS, others], given)).contradictions == ()
    long_ago = {**PARTNERS, option: (UNTIL - datetime.timedelta(hours=3)).isoformat()}
    assert the_rule(compared([long_ago], [*ROWS, others], given)).contradictions


def test_of_a_message_whose_recipient_the_report_does_not_name_no_copy_is_compared() -> None:
    copies = {"Partners": frozenset((each.message, each.recipient) for each in ROWS[:4])}
    found = the_rule(compared([PARTNERS], ROWS, {}, report=RuleReport(copies, vague=frozenset({"m4"}))))
    assert (found.contradictions, found.compared, found.why_not) == ((), 4, None)


def test_a_trace_that_is_older_than_the_report_is_refused() -> None:
    old = Window(NOW - datetime.timedelta(days=21), NOW - datetime.timedelta(days=20))
    asked = Comparison(trace=traced(ROWS), window=old, rules=RuleSet([PARTNERS]), facts=FACTS, changes=[], now=NOW)
    with pytest.raises(OptionError, match="The trace ends on 2026-11-08, before the days of the report"):
        read_evidence(Refusing(), asked)


class Refusing:
    """Nothing is asked of it."""

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        raise AssertionError(calls)


def test_a_rule_without_a_severity_of_which_nothing_is_reported_is_not_compared() -> None:
    others = {"name": "Others", "guid": "7", "conditions": {"from_scope": "InOrganization"}, "actions": {"set_scl": 1}}
    for severity in (None, "DoNotAudit", "Low"):
        rule = {**PARTNERS, "actions": {**PARTNERS["actions"], "set_audit_severity": severity}}
        found = the_rule(compared([rule, others], ROWS, {"Others": ROWS}))
        if severity == "Low":
            assert [each.kind for each in found.contradictions] == ["not_reported"]
        else:
            assert (found.contradictions, found.why_not and found.why_not.kind) == ((), "silent")
            assert "set_audit_severity" in rule_sentence(found)
        reported = the_rule(compared([rule, others], ROWS, {"Others": ROWS, "Partners": ROWS[:4]}))
        assert [each.copies for each in reported.contradictions] == [1]


def test_where_no_copy_can_contradict_it_does_not_say_that_none_does() -> None:
    failed = [row(number, status="Failed") for number in range(3)]
    found = the_rule(compared([PARTNERS], failed, {"Partners": [*failed, row(8)]}))
    assert (found.compared, found.why_not) == (0, None)
    assert rule_sentence(found) == (
        "Exchange reports that 'Partners' acted on 3 copies; 0 were certain, 0 uncertain: no copy can be compared. "
        "3 of the reported copies were not computed. 1 more was reported that the trace does not have."
    )
    assert the_rule(compared([WORDS], ROWS, {"Words": ROWS[:1]})).compared == 1
    assert the_rule(compared([WORDS], ROWS, {"Others": ROWS})).compared == 0


def test_copies_out_of_the_window_are_not_compared() -> None:
    old = row(7, received=microseconds_of(WINDOW.begin - datetime.timedelta(minutes=1)))
    found = compared([PARTNERS], [*ROWS, old], {"Partners": ROWS})
    assert (found.copies, the_rule(found).certain, the_rule(found).contradictions) == (5, 5, ())


def test_what_is_newer_than_the_report_is_late() -> None:
    found = the_rule(compared([PARTNERS], ROWS, {"Partners": ROWS[3:]}))
    assert (found.late, found.contradictions, found.why_not) == (3, (), None)
    assert rule_sentence(found).endswith("none contradicts. 3 copies were newer than the report.")
    nothing = the_rule(compared([PARTNERS], ROWS, {}))
    assert nothing.why_not
    assert rule_sentence(nothing) == (
        "'Partners' cannot be compared: nothing is reported of mail as new as this. The report comes late, or no rule acted."
    )


@pytest.mark.parametrize(
    ("options", "kind", "why"),
    [
        (
            {"report": RuleReport(refused="Get-MailDetailTransportRuleReport is not granted.")},
            "refused",
            "the report could not be read. Get-MailDetail",
        ),
        ({"now": UNTIL + datetime.timedelta(hours=23)}, "young", "the window ended less than 24 hours ago"),
        (
            {"changes": [LatestChange(RULE, "Partners", WINDOW.begin + datetime.timedelta(days=1), PARTNERS["guid"])]},
            "changed",
            "the rule 'Partners' changed on 2026-11-21T12:00 UTC: only a window that begins an hour after that, or later, can be compared.",
        ),
        (
            {"changes": [UNCHANGED, LatestChange(FACT, "Gateway", WINDOW.begin)]},
            "changed",
            "the fact 'Gateway' changed on 2026-11-20",
        ),
    ],
)
def test_it_says_why_a_rule_is_not_compared(options: dict[str, Any], kind: str, why: str) -> None:
    rule = the_rule(compared([PARTNERS], ROWS, {"Partners": ROWS[:1]}, **options))
    assert rule.why_not
    assert (rule.why_not.kind, rule.contradictions, rule.certain) == (kind, (), 5)
    assert why in rule_sentence(rule)
    assert (rule.reported is None) is (kind == "refused")


def test_only_earlier_rules_matter() -> None:
    later = {**PARTNERS, "name": "Later", "guid": "5"}
    changed = [
        LatestChange(RULE, "Partners", NOW, PARTNERS["guid"]),
        LatestChange(RULE, "Later", WINDOW.begin - datetime.timedelta(days=2), "5"),
    ]
    first, second = compared([PARTNERS, later], ROWS, {"Partners": ROWS, "Later": ROWS}, changed).rules
    assert first.why_not
    assert second.why_not
    changed = [LatestChange(RULE, "Partners", changed[1].when, PARTNERS["guid"]), LatestChange(RULE, "Later", NOW, "5")]
    first, second = compared([PARTNERS, later], ROWS, {"Partners": ROWS, "Later": ROWS}, changed).rules
    assert first.why_not is None
    assert second.why_not


def test_the_order_of_rows_changes_nothing() -> None:
    rows = [*ROWS, row(1, "kim@contoso.com"), row(7, subject="offer")]
    reported = {"Partners": ROWS[:2], "Words": [rows[-1]], "Gone": ROWS[:1]}
    options: dict[str, Any] = {"examples": 3, "sample": 4}
    one, other = (compared([PARTNERS, WORDS], each, reported, **options) for each in (rows, rows[::-1]))
    assert one == other
    assert one.strangers == ("Gone",)
    assert one.sample[:1] == (("m2", "ann@fabrikam.com"),)
    read = EvidenceResult(one, WINDOW, RuleReport(), EncryptionReport(refused="no"))
    assert (
        evidence_lines(evidence_row(read, unseen=(), examples=0))[-2]
        == "Exchange also reports rules that no longer exist by that name: 'Gone'."
    )


def test_the_result_names_nobody_unless_asked() -> None:
    found = compared([PARTNERS], ROWS, {"Partners": ROWS[1:3]})
    report = RuleReport(raw={"UserAction": "kim@contoso.com", "Policy": "P"})
    sample = [
        CopyDetails(("Partners",), "TLS1.2", "To the gateway"),
        CopyDetails(),
        CopyDetails(("Partners",), "TLS1.2", "To the gateway"),
    ]
    read = EvidenceResult(found, WINDOW, report, EncryptionReport(refused="no"), sample)
    result = evidence_row(read, unseen=["dlp"], examples=0).as_row()
    assert "@" not in str(result)
    assert "encryption" not in result
    assert (result["encrypted_otherwise"], result["unseen"]) == (
        {"text": "How much is encrypted, but not by rules, is unknown: no"},
        ["dlp"],
    )
    assert result["raw"] == [
        {"report": "rules", "column": "UserAction"},
        {"report": "rules", "column": "Policy"},
    ]
    asked = evidence_row(read, unseen=["dlp"], examples=1).as_row()
    assert [each["value"] for each in asked["raw"]] == ["kim@contoso.com", "P"]
    assert result["sample"] == [
        {"rules": ["Partners"], "tls": "TLS1.2", "connector": "To the gateway", "copies": 2},
        {"rules": [], "copies": 1},
    ]
    assert not [text for rule in result["rules"] for text in rule.values() if "encrypted" in str(text)]
