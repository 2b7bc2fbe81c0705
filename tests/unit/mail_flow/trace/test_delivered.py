# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivered copy did not meet the rules that would have kept it back: what they ask, and no row shows, has an answer."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.changes import (
    FACT,
    RULE,
    TAKES_EFFECT,
    LatestChange,
    unchanged_since,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay, Tallies
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    Row,
    Trace,
    instant_of,
    microseconds_of,
)

from tests.unit.mail_flow.organizations.content_first import FIRST, behind, unplain
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import LEAVING, Organization, rule
from tests.unit.mail_flow.replaying import KNOWN, ROW, WHEN, encrypting

Values = dict[str, Any]

EVERY = pytest.mark.parametrize("organization", ORGANIZATIONS.values(), ids=list(ORGANIZATIONS))

#: Of outgoing copies, at least so many are decided.
LEAST = 0.8

REJECT, STOP = {"reject_message_reason_text": "No."}, {"stop_rule_processing": True}
PROGRAMS: Values = {"attachment_has_executable_content": True}
MARKED: Values = {"header_contains_message_header": "X-Mark", "header_contains_words": ["yes"]}
ENCRYPTED = ("delivered", "encrypt", ("Encrypt",))
UNDECIDED = "undecided"


@EVERY
def test_behind_rules_about_content_most_outgoing_copies_are_decided_and_each_as_the_emulator_does(
    organization: Organization,
) -> None:
    ours = unplain(behind(organization, *FIRST), 1)
    week = ours.traffic(3, 250)
    since = [0] * len(ours.rules)
    decided = copies = 0
    for message, results in week.results.items():
        trace = Trace()
        for row in week.rows:
            if row.message == message:
                trace.add(row)
        found = Replay(week.rules, week.facts, examples=20, since=since).run(trace)
        leaving = {
            row.recipient
            for row in week.rows
            if row.message == message and row.status == "Delivered" and ours.leaves(row.sender, row.recipient)
        }
        copies += len(leaving)
        for (fate, protection, by, _by_dlp), tally in found.outcomes.items():
            for example in (each for each in tally.examples if each.recipient in leaving):
                decided += 1
                result = results[example.recipient]
                if result["fate"] == "unknown":  # Delivery tells what the message does not.
                    continue
                assert (fate, protection) == (result["fate"], result.get("protection", "")), example
                assert set(by) <= set(result.get("protected_by", ())), example
    assert copies > 100
    assert decided / copies >= LEAST


def _found(
    rules: list[Values], before: list[Values] | None = None, since: int | None = WHEN, **row: Any
) -> str | tuple[str, str, tuple[str, ...]]:
    """What becomes of a copy that passed the rules, or those before: its fate, its protection and who protects it."""
    (outcome, *_others) = _replayed(rules, before, since, Row(**{**ROW, **row})).outcomes or [None]
    return outcome[:3] if outcome else UNDECIDED


def _replayed(rules: list[Values], before: list[Values] | None, since: int | None, *rows: Row) -> Tallies:
    trace = Trace()
    for row in rows:
        trace.add(row)
    others = None if before is None else RuleSet(before)
    present = RuleSet(rules) if others is None else others
    times = [since] * len(present.rules)
    return Replay(RuleSet(rules), facts_of(KNOWN), others, present=-1, since=times).run(trace)


def test_a_delivered_copy_did_not_meet_a_rule_that_rejects() -> None:
    rules = [rule("Programs", PROGRAMS, REJECT), encrypting(LEAVING)]
    assert _found(rules) == ENCRYPTED
    assert _found(rules, since=WHEN + 1) == UNDECIDED
    assert _found(rules, since=None) == UNDECIDED
    assert _found(rules, status="Pending") == UNDECIDED
    assert _found(rules, status="FilteredAsSpam") == UNDECIDED


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (REJECT, ENCRYPTED),
        ({"delete_message": True}, ENCRYPTED),
        ({"quarantine": True}, ENCRYPTED),
        # Somebody approved it, or it goes to somebody who was named, too.
        ({"moderate_message_by_user": ["joe@contoso.com"]}, UNDECIDED),
        ({"redirect_message_to": ["joe@contoso.com"]}, UNDECIDED),
        (STOP, UNDECIDED),
        # What nobody knows of it may let it go.
        ({**REJECT, "NotifySender": "RejectUnlessSilentOverride"}, UNDECIDED),
    ],
)
def test_what_keeps_copies_back(actions: Values, expected: Any) -> None:
    assert _found([rule("Programs", PROGRAMS, actions), encrypting(LEAVING)]) == expected


def test_a_rule_that_a_copy_may_not_have_reached_tells_nothing() -> None:
    rejects, encrypts = rule("Programs", PROGRAMS, REJECT), encrypting(LEAVING)
    assert _found([rule("Marked", MARKED, STOP), rejects, encrypts]) == UNDECIDED
    assert _found([rule("Marked", MARKED, {"prepend_subject": "[x] "}), rejects, encrypts]) == ENCRYPTED
    # It met neither of the two.
    assert _found([rule("Marked", MARKED, REJECT), rejects, encrypts]) == ENCRYPTED


def test_of_two_open_conditions_one_is_false_and_nobody_knows_which() -> None:
    rejects = rule("Both", {**PROGRAMS, **MARKED}, REJECT)
    assert _found([rejects, encrypting(LEAVING)]) == ENCRYPTED
    assert _found([rejects, encrypting(MARKED)]) == UNDECIDED
    assert _found([rejects, rule("Programs", PROGRAMS, REJECT), encrypting(PROGRAMS)]) == ("delivered", "none", ())


def test_an_exception_that_kept_a_rule_from_a_copy_is_met() -> None:
    rejects = rule("Unmarked", LEAVING, REJECT, MARKED)
    assert _found([rejects, encrypting(MARKED)]) == ENCRYPTED


def test_what_a_copy_did_not_meet_then_it_does_not_meet_under_other_rules() -> None:
    before = [rule("Programs", PROGRAMS, REJECT), encrypting(LEAVING)]
    assert _found([rule("Other", PROGRAMS, {"quarantine": True}), encrypting(LEAVING)], before) == ENCRYPTED
    assert _found([rule("Other", MARKED, {"quarantine": True}), encrypting(LEAVING)], before) == UNDECIDED
    found = _replayed(before[1:], before, WHEN, Row(**ROW))
    assert (dict(found.difference), found.premises["delivered"]) == ({}, 1)


def test_a_row_that_the_rules_of_then_contradict_tells_nothing() -> None:
    rules = [rule("Programs", PROGRAMS, REJECT), rule("All", LEAVING, REJECT), encrypting(LEAVING)]
    assert not _replayed(rules, None, WHEN, Row(**ROW)).premises["delivered"]


@pytest.mark.parametrize("statuses", [("Delivered", "Quarantined"), ("Quarantined", "Delivered", "Delivered")])
def test_a_copy_that_was_released_from_quarantine_is_replayed_and_tells_nothing(statuses: tuple[str, ...]) -> None:
    rules = [rule("Programs", PROGRAMS, {"quarantine": True}), encrypting(LEAVING)]
    found = _replayed(rules, None, WHEN, *(Row(**{**ROW, "status": status}) for status in statuses))
    assert (found.outcomes, sum(tally.certain.total() for tally in found.undecided.values())) == ({}, 1)


def test_a_rule_is_as_it_is_now_since_it_and_all_before_it_and_the_facts_changed_last() -> None:
    rules = RuleSet([{**rule(name, {}, STOP), "guid": name.lower()} for name in ("A", "B", "C")]).rules
    day = instant_of(WHEN)
    later, hour = day + datetime.timedelta(days=1), microseconds_of(day + TAKES_EFFECT)
    changes = [
        LatestChange(RULE, "A", day, "a"),
        LatestChange(RULE, "B", later, "b"),
        LatestChange(RULE, "C", day, "c"),
    ]
    next_day = microseconds_of(later + TAKES_EFFECT)
    assert unchanged_since(rules, changes) == [hour, next_day, next_day]
    assert unchanged_since(rules, [*changes, LatestChange(FACT, "Domains", later)]) == [next_day] * 3
    assert unchanged_since(rules, [replace(changes[0], when=None), *changes[1:]]) == [None] * 3
    assert unchanged_since(rules, changes[:2]) == [hour, next_day, None]
