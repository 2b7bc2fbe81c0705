# SPDX-License-Identifier: GPL-3.0-or-later
"""Among the rules of lived-in organizations, most outgoing copies are decided, as the emulator's mail flow decides the
whole messages; planted reports that are missing are found; and an edit that cannot touch delivery does not touch it.
"""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.changes import (
    RULE,
    LatestChange,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.comparison import (
    Comparison,
    compare,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.reports import RuleReport
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import Window
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import NO_TIME, Trace

from tests.rounds import seeds
from tests.unit.mail_flow.organizations.bank import BANK
from tests.unit.mail_flow.organizations.hospital import HOSPITAL
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import LEAVING, Organization, Traffic, rule

#: Of outgoing copies, at least so many are decided.
LEAST = 0.8


#: Why the others are undecided: what no row shows of them. Devices that do not sign in have an open envelope, and
#: automatic replies are never of a known kind.
UNSEEN = {"body", "type", "attachment", "envelope", "to_or_cc", "semantics"}

EVERY = pytest.mark.parametrize("organization", ORGANIZATIONS.values(), ids=list(ORGANIZATIONS))


@EVERY
@pytest.mark.parametrize("seed", seeds(3))
def test_most_outgoing_copies_are_decided_and_each_as_the_emulator_does(organization: Organization, seed: int) -> None:
    week = organization.traffic(seed)
    decided = copies = 0
    undecided: dict[str, int] = {}
    for row in week.rows:
        if row.status != "Delivered" or not organization.leaves(row.sender, row.recipient):
            continue
        trace = Trace()
        for each in week.rows:
            if each.message == row.message:
                trace.add(each)
        found = Replay(week.rules, week.facts, examples=20).run(trace)
        copies += 1
        for (fate, protection, by, _by_dlp), tally in found.outcomes.items():
            if row.recipient not in {example.recipient for example in tally.examples}:
                continue
            decided += 1
            result = week.results[row.message][row.recipient]
            assert (fate, protection) == (result["fate"], result.get("protection", "")), row
            assert set(by) <= set(result.get("protected_by", ())), row
        for why, tally in found.undecided.items():
            if row.recipient in {example.recipient for example in tally.examples}:
                undecided[why.kind] = undecided.get(why.kind, 0) + 1
    assert copies > 200
    assert decided / copies >= LEAST, undecided
    assert decided + sum(undecided.values()) == copies
    assert undecided.keys() <= UNSEEN, undecided


def _evidence(organization: Organization, week: Traffic, missing: set[tuple[str, str]]) -> Any:
    trace = Trace()
    for row in week.rows:  # Of the others, the emulator does not know what would be reported.
        if week.results[row.message][row.recipient]["fate"] != "unknown":
            trace.add(row)
    reported = {
        rule["name"]: frozenset(
            (name, recipient)
            for name, results in week.results.items()
            for recipient, result in results.items()
            for acting in result["rules"]
            if acting["name"] == rule["name"] and acting["matched"] is True and (name, recipient) not in missing
        )
        for rule in organization.rules
    }
    until = datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC)
    window = Window(until - datetime.timedelta(days=9), until)
    since = window.begin - datetime.timedelta(days=1)
    changes = [LatestChange(RULE, rule.name, since, rule.guid) for rule in week.rules.rules]
    return compare(
        Comparison(
            trace=trace,
            window=window,
            rules=week.rules,
            facts=week.facts,
            changes=changes,
            now=until + datetime.timedelta(days=2),
        ),
        RuleReport(reported),
    )


@EVERY
def test_planted_reports_that_are_missing_are_found(organization: Organization) -> None:
    _find_twelve(organization, organization.traffic(7))


#: Rules about what no row shows, before all others. Of what a rule with a severity does, Exchange reports each copy.
_FIRST = [
    rule("Programs", {"attachment_has_executable_content": True}, {"quarantine": True, "set_audit_severity": "Low"}),
    rule("Extensions", {"attachment_extension_matches_words": ["exe", "js"]}, {"reject_message_reason_text": "no"}),
    rule("Text", {**LEAVING, "subject_or_body_contains_words": ["lunch"]}, {"delete_message": True}),
]


@EVERY
def test_planted_reports_that_are_missing_are_found_behind_rules_about_content(organization: Organization) -> None:
    ours = replace(organization, rules=(*_FIRST, *organization.rules))
    _find_twelve(ours, ours.traffic(7))


def _find_twelve(organization: Organization, week: Traffic) -> None:
    """Takes away twelve reports, which are all found, and nothing else."""
    whole = _evidence(organization, week, set())
    assert [each.contradictions for each in whole.rules if each.contradictions] == []
    # No row shows what these find.
    by_text = {each["name"] for each in organization.rules if any("body" in option for option in each["conditions"])}
    protected = [
        (name, recipient)
        for name, results in sorted(week.results.items())
        for recipient, result in sorted(results.items())
        if len(result.get("protected_by", ())) == 1 and result["fate"] == "delivered"
        if not by_text & {*result["protected_by"]}
    ]
    planted = set(protected[:: len(protected) // 12][:12])
    assert len(planted) == 12
    found = _evidence(organization, week, planted)
    kinds = [(each.kind, each.copies) for rule in found.rules for each in rule.contradictions]
    assert {kind for kind, _copies in kinds} == {"not_reported"}
    assert sum(copies for _kind, copies in kinds) == 12


_TEMPLATE = {"actions": {"apply_rights_protection_template": "Do Not Forward"}}


@pytest.mark.parametrize(
    ("name", "edit", "kinds"),
    [
        ("Secure", _TEMPLATE, {"protection_changed": True, "unknown": False}),
        ("Numbers of employees", _TEMPLATE, {"protection_changed": False, "unknown": False}),
        ("Insurers", {"exceptions": {}}, {"protection_gained": True}),
        ("Patients", {"enabled": False}, {"protection_lost": True, "unknown": False}),
        # What senders of automatic mail are told.
        ("Block auto-forward", {"actions": {"reject_message_reason_text": "No."}}, {"side_effect_changed": False}),
        ("Too large", {"exceptions": {"from": ["nobody@lakeside.example"]}}, {}),
        ("Numbers of employees", {"name": "SSN", "rule_error_action": "Defer"}, {}),
    ],
)
def test_an_edit_that_cannot_touch_delivery_does_not(name: str, edit: dict[str, Any], kinds: dict[str, bool]) -> None:
    week = HOSPITAL.traffic(3)
    after = RuleSet([{**rule, **(edit if rule["name"] == name else {})} for rule in HOSPITAL.rules])
    found = Replay(after, week.facts, week.rules).run(week.trace)
    assert {kind: bool(tally.certain) for kind, tally in found.difference.items()} == kinds


@pytest.mark.parametrize("organization", [HOSPITAL, BANK], ids=lambda each: each.name)
@pytest.mark.parametrize("whole", [True, False], ids=("whole", "in part"))
def test_a_severity_changes_nothing_also_of_copies_that_are_undecided(organization: Organization, whole: bool) -> None:
    """What is open of a rule that looks at all recipients is the same question whatever earlier rules do beside."""
    week = organization.traffic(3, 150)
    trace = week.trace
    trace.whole = trace.whole if whole else NO_TIME
    told = [{**rule, "actions": {**rule["actions"], "set_audit_severity": "High"}} for rule in organization.rules]
    found = Replay(RuleSet(told), week.facts, week.rules).run(trace)
    assert found.undecided
    assert found.difference == {}


@EVERY
@pytest.mark.parametrize("whole", [True, False], ids=("whole", "in part"))
def test_an_edit_of_a_template_never_shows_as_mail_that_is_protected_or_delivered_only_now_or_before(
    organization: Organization, whole: bool
) -> None:
    week = organization.traffic(3, 80)
    trace = week.trace
    trace.whole = trace.whole if whole else NO_TIME
    changed = 0
    for place, each in enumerate(organization.rules):
        template = each["actions"].get("apply_rights_protection_template")
        if template is None:
            continue
        other = "Encrypt" if template == "Do Not Forward" else "Do Not Forward"
        edited = {**each, "actions": {**each["actions"], "apply_rights_protection_template": other}}
        after = RuleSet([*organization.rules[:place], edited, *organization.rules[place + 1 :]])
        found = Replay(after, week.facts, week.rules).run(trace).difference
        assert found.keys() <= {"protection_changed", "unknown"}, each["name"]
        changed += len(found)
    assert changed
