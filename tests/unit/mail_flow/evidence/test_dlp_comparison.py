# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a trace with what is reported of DLP rules, copy by copy."""

from __future__ import annotations

import contextlib
import datetime
import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ServiceError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.changes import (
    DLP_POLICY,
    DLP_RULE,
    RULE,
    LatestChange,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.comparison import (
    Comparison,
    read_evidence,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.dlp_comparison import (
    DlpEvidence,
    compare_dlp,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.dlp_prediction import (
    dlp_predictions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.reports import RuleReport
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.tally import RuleEvidence
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.dlp_rules import DlpRules
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.columns import blocks_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence import (
    dlp_lines,
    evidence_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence_row import (
    DlpEvidenceRow,
)

from tests.emulator.mail_flow import MailFlow, TooManyWorlds
from tests.rounds import seeds
from tests.unit.mail_flow.dlp_worlds import CHAINS, OUTGOING, SENSITIVE, encrypts, mail_of, policies_of, policy
from tests.unit.mail_flow.evidence.windows import NOW, UNTIL, WINDOW, row
from tests.unit.mail_flow.evidence.windows import traced as trace_of
from tests.unit.mail_flow.followed_rules import ENCRYPT, FACTS
from tests.unit.mail_flow.tracing import traced as trace_of_messages
from tests.unit.mail_flow.translation import facts as stored_facts
from tests.unit.mail_flow.translation import stored

OUTSIDE = encrypts(OUTGOING)
INSIDE = row(7, "kim@contoso.com")
ROWS = [row(number) for number in range(4)]
BEFORE = WINDOW.begin - datetime.timedelta(days=1)
UNCHANGED = (LatestChange(DLP_POLICY, "P", BEFORE), LatestChange(DLP_RULE, "P", BEFORE))


def known(*policies: dict[str, Any]) -> Any:
    """Facts with some DLP policies."""
    people = {"remote_domains": [], "inbound_connectors": [], "mail_users": []}
    return facts_of({"accepted_domains": ["contoso.com"], **people, "dlp_policies": list(policies)})


def compared(
    policies: Sequence[dict[str, Any]],
    rows: Iterable[Any],
    reported: dict[str, list[Any]],
    changes: Sequence[LatestChange] = UNCHANGED,
    **options: Any,
) -> DlpEvidence:
    seen = {name: frozenset((each.message, each.recipient) for each in copies) for name, copies in reported.items()}
    report = options.pop("report", RuleReport(seen))
    asked = {"rules": RuleSet(options.pop("rules", [])), "window": WINDOW, "now": NOW, **options}
    return compare_dlp(report, trace=trace_of(rows), facts=known(*policies), changes=changes, **asked)


def the_rule(evidence: DlpEvidence) -> RuleEvidence:
    (rule,) = evidence.rules
    return rule


def kinds(rule: RuleEvidence) -> list[tuple[str, int]]:
    return [(each.kind, each.copies) for each in rule.contradictions]


def test_what_is_reported_as_computed_contradicts_nothing() -> None:
    rule = the_rule(compared([OUTSIDE], [*ROWS, INSIDE], {"P": ROWS}))
    assert (rule.name, rule.policy, rule.mode, rule.why_not) == ("P", "P", "Enable", None)
    assert (rule.reported, rule.certain, rule.possible, rule.compared, kinds(rule)) == (4, 4, 0, 4, [])


def test_a_copy_that_a_rule_cannot_match_contradicts() -> None:
    assert kinds(the_rule(compared([OUTSIDE], [*ROWS, INSIDE], {"P": [*ROWS, INSIDE]}))) == [("not_predicted", 1)]


def test_a_certain_copy_contradicts_only_where_its_message_is_reported() -> None:
    other = row(0, "joe@fabrikam.com")
    found = the_rule(compared([OUTSIDE], [*ROWS, other], {"P": ROWS[:3]}))
    assert (kinds(found), found.late, found.compared) == ([("not_reported", 1)], 1, 4)
    alone = the_rule(compared([OUTSIDE], ROWS, {}))
    assert (alone.certain, alone.why_not and alone.why_not.kind) == (4, "late")


@pytest.mark.parametrize(
    "policies",
    [
        [encrypts({**OUTGOING, **SENSITIVE})],
        [OUTSIDE, encrypts(SENSITIVE, "Q", priority=1)],
        [policy(SENSITIVE, "S", stop_policy_processing=True), {**OUTSIDE, "priority": 1}],
        [policy(OUTGOING, block_access=True, block_access_scope="PerUser")],
        [encrypts({**OUTGOING, "subject_contains_words": ["subject"]})],
    ],
)
def test_what_is_open_of_a_copy_contradicts_nothing(policies: list[dict[str, Any]]) -> None:
    rule = next(
        each for each in compared(policies, ROWS, {"Other": [ROWS[0]], "P": [ROWS[1]]}).rules if each.name == "P"
    )
    assert (rule.certain, rule.possible, kinds(rule)) == (0, 3, [])  # One of four is a stranger's.


def test_what_a_rule_may_keep_from_dlp_is_not_certain() -> None:
    rejects = {"name": "X", "conditions": {"subject_or_body_contains_words": ["x"]}}
    rejects["actions"] = {"reject_message_reason_text": "no"}
    rule = the_rule(compared([OUTSIDE], ROWS, {"P": ROWS[:1]}, rules=[rejects]))
    assert (rule.certain, rule.possible, kinds(rule)) == (0, 4, [])


@pytest.mark.parametrize(
    ("actions", "certain", "possible"),
    [
        ({"reject_message_reason_text": "no"}, 0, 0),
        ({"quarantine": True}, 0, 0),
        ({"redirect_message_to": ["joe@contoso.com"]}, 0, 0),
        ({"moderate_message_by_user": ["joe@contoso.com"]}, 0, 4),
        ({"stop_rule_processing": True}, 4, 4),
    ],
)
def test_what_rules_end_does_not_reach_dlp(actions: dict[str, Any], certain: int, possible: int) -> None:
    """As the simulator says; what waits for an approval may, and what stops rules does not stop DLP."""
    first = {"name": "X", "conditions": {"recipient_domain_is": ["fabrikam.com"]}, "actions": actions}
    # It would reject what the first rule stops.
    later = {"name": "Y", "conditions": {}, "actions": {"reject_message_reason_text": "no"}}
    rules = [first, later] if "stop_rule_processing" in actions else [first]
    facts = known(OUTSIDE)
    policies = facts.encrypters.dlp_policies
    assert isinstance(policies, DlpRules)
    (block,) = blocks_of(trace_of(ROWS))
    (found,) = dlp_predictions(block, policies, RuleSet(rules), facts)
    assert (found.certain.bit_count(), found.possible.bit_count()) == (certain, possible)


def test_a_rule_that_is_stopped_matches_nothing() -> None:
    stops = policy(OUTGOING, "S", stop_policy_processing=True)
    _stops, later = compared([stops, {**OUTSIDE, "priority": 1}], ROWS, {"P": ROWS[:1]}).rules
    assert (later.certain, later.possible, kinds(later)) == (0, 0, [("not_predicted", 1)])


@pytest.mark.parametrize(
    ("changes", "options", "why"),
    [
        ([LatestChange(DLP_POLICY, "Other", NOW)], {}, "changed"),
        ([LatestChange(DLP_POLICY, "", None)], {}, "changed"),
        ([*UNCHANGED, LatestChange(RULE, "Partners", NOW, "1")], {}, "changed"),
        (UNCHANGED, {"now": UNTIL}, "young"),
        (UNCHANGED, {"report": RuleReport(refused="no")}, "refused"),
    ],
)
def test_what_cannot_be_compared_says_why(changes: Sequence[LatestChange], options: dict[str, Any], why: str) -> None:
    rule = the_rule(compared([OUTSIDE], ROWS, {"P": ROWS}, changes, **options))
    assert (rule.why_not and rule.why_not.kind, kinds(rule)) == (why, [])


def test_copies_of_a_rule_that_is_gone_and_vague_ones_are_left_out() -> None:
    found = compared([OUTSIDE], [*ROWS, INSIDE], {"Gone": [INSIDE], "P": [*ROWS, INSIDE]})
    assert (found.strangers, kinds(the_rule(found))) == (("Gone",), [])
    vague = RuleReport({"P": frozenset([(INSIDE.message, INSIDE.recipient)])}, vague=frozenset([INSIDE.message]))
    assert kinds(the_rule(compared([OUTSIDE], [INSIDE], {}, report=vague))) == []


class Exchange:
    """Answers with the DLP report that it is given; the others are empty."""

    def __init__(self, answer: Result) -> None:
        self.answer, self.asked = answer, list[Call]()

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        assert fresh
        self.asked += calls
        return [self.answer if "DlpPolicy" in call.cmdlet else Result([]) for call in calls]


def read(answer: Result, *policies: dict[str, Any]) -> tuple[dict[str, Any], Exchange]:
    """The result of the module over an answer."""
    exchange = Exchange(answer)
    asked = Comparison(
        trace=trace_of(ROWS),
        window=WINDOW,
        rules=RuleSet([]),
        facts=known(*policies),
        changes=[],
        dlp_changes=UNCHANGED,
        now=NOW,
    )
    found = read_evidence(exchange, asked)
    return evidence_row(found, unseen=[], examples=0, unavailable=found.unavailable).as_row(), exchange


@pytest.mark.parametrize(
    "answer",
    [
        Result(error=CmdletNotAvailableError("It is gone.")),
        Result(error=ServiceError("It is retired.")),
        Result([{"Date": UNTIL.isoformat(), "Rule": "P"}]),
    ],
)
def test_a_report_that_cannot_be_read_is_one_line_and_the_rest_goes_on(answer: Result) -> None:
    result, _exchange = read(answer, OUTSIDE, encrypts(OUTGOING, "Q", priority=1))
    assert set(result["unavailable"]) == {"dlp_report"}
    assert [rule["why"] for rule in result["dlp"]["rules"]] == ["refused", "refused"]
    assert len(dlp_lines(DlpEvidenceRow.from_row(result["dlp"]))) == 1


def test_the_report_is_read_only_where_a_dlp_rule_acts_and_as_far_as_it_reaches() -> None:
    result, exchange = read(Result([]), encrypts(OUTGOING, mode="TestWithNotifications"))
    assert ("dlp" in result, [call for call in exchange.asked if "Dlp" in call.cmdlet]) == (False, [])
    result, exchange = read(Result([]), OUTSIDE)
    (call,) = [call for call in exchange.asked if "Dlp" in call.cmdlet]
    assert call.parameters["StartDate"] == NOW - datetime.timedelta(days=7)
    assert call.parameters["EventType"] == ["DLPRuleHits", "DLPActionHits"]
    assert result["dlp"]["window"]["from"] > result["window"]["from"]


@pytest.mark.parametrize("seed", seeds(24))
def test_what_the_emulator_would_report_contradicts_nothing(seed: int) -> None:
    """In no world a rule matches that cannot, and none in which one does not that is certain."""
    source = random.Random(f"{seed} dlp evidence")
    tenant = {
        **FACTS,
        "accepted_domains": [{"name": "contoso.com", "type": "Authoritative"}],
        "inbound_connectors": [],
        "dlp_policies": policies_of(source, followed=True),
    }
    facts, given = facts_of(tenant), source.choice(CHAINS)
    policies, rules = facts.encrypters.dlp_policies, RuleSet(given)
    if not isinstance(policies, DlpRules):
        return
    told = stored_facts({key: value for key, value in tenant.items() if key != "inbound_connectors"})
    flow = MailFlow([stored({"priority": place, **rule}) for place, rule in enumerate(given)], told)
    for sent in (each for each in mail_of({}) if "protection" not in each):
        with contextlib.suppress(TooManyWorlds):
            worlds = flow.worlds(sent)
            for block in blocks_of(
                trace_of_messages([message_of({**sent, "date": UNTIL.isoformat()}, "", "m")], facts)
            ):
                matched = [
                    [set(one.matched_dlp) if one else set() for one in worlds[block.text("recipient", place)]]
                    for place in range(len(block))
                ]
                for rule, found in zip(policies.rules, dlp_predictions(block, policies, rules, facts), strict=True):
                    for place, names in enumerate(matched):
                        assert not found.certain >> place & 1 or all(rule.does.name in each for each in names)
                        assert found.possible >> place & 1 or not any(rule.does.name in each for each in names)


def test_the_law_above_sees_certain_and_impossible_copies() -> None:
    facts = known(OUTSIDE, encrypts({"recipient_domain_is": ["adatum.com"]}, "Q", priority=1))
    policies = facts.encrypters.dlp_policies
    assert isinstance(policies, DlpRules)
    (block,) = blocks_of(trace_of(ROWS))
    first, second = dlp_predictions(block, policies, RuleSet([ENCRYPT]), facts)
    assert (first.certain, first.possible, second.possible) == (0b1111, 0b1111, 0)
