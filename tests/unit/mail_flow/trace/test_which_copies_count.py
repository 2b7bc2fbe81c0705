# SPDX-License-Identifier: GPL-3.0-or-later
"""The same copies count for a guarantee in a proof and in a replay: for each way in which rules give others mail, for each
person, and for each value of the option ``copies``.

No recipient gets mail here, so that a guarantee is broken or open only if what somebody else gets counts.
"""

from __future__ import annotations

import datetime
import itertools
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import COPIES

from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.trace.guaranteed import KNOWN, OUTGOING, replayed, rule, trace_of

Values = dict[str, Any]

INSIDE, OUTSIDE, SELECTED = "dpo@contoso.com", "spy@other.example", "kim@partner.com"
PEOPLE = (INSIDE, OUTSIDE, SELECTED)
NOW = datetime.datetime(2026, 11, 18, tzinfo=datetime.UTC)
WHEN: Values = {"recipient_domain_is": ["partner.com"]}
DELETES = rule("Deletes", WHEN, {"delete_message": True})


def report(who: str, *content: str) -> Values:
    return {"generate_incident_report": who, "incident_report_content": list(content)}


def actions_for(kind: str, who: str) -> Values:
    return {
        "redirected": {"redirect_message_to": [who]},
        "copied": {"blind_copy_to": [who]},
        "added": {"add_to_recipients": [who]},
        "asked": {"moderate_message_by_user": [who]},
        "reported": report(who, "Sender", "AttachOriginalMail"),
        "told": report(who, "Sender", "Recipients", "Subject", "MatchDetections"),
    }[kind]


KINDS = ("redirected", "copied", "added", "asked", "reported", "told")


def counts(kind: str, who: str, copies: str) -> bool:
    """What the option says: people inside who are asked, and people who are told of mail, get no copy."""
    if kind == "told" or (kind == "asked" and who == INSIDE):
        return False
    return who == SELECTED or copies == "all" or (copies == "outside" and who == OUTSIDE)


@pytest.mark.parametrize(("kind", "who", "copies"), list(itertools.product(KINDS, PEOPLE, COPIES)))
def test_a_proof_and_a_replay_count_the_same_copies(kind: str, who: str, copies: str) -> None:
    rules = [rule("Gives", {**OUTGOING, "sent_to": ["ann@partner.com"]}, actions_for(kind, who)), DELETES]
    guarantee = {"name": "Partner", "when": {**OUTGOING, **WHEN}, "then": "not_in_clear", "copies": copies}
    expected = counts(kind, who, copies)
    known = {**KNOWN, "outbound_connectors": [], "mailboxes": [INSIDE, "megan@contoso.com"]}
    (proof,) = prove(rules, known, [guarantee], NOW)
    found = replayed(rules, rules, trace_of(("ann@partner.com",)), known, guarantee)
    counted = found.unsettled["Partner"] + found.broken["Partner"].certain.total()
    assert (proof["verdict"] != "proved", counted > 0) == (expected, expected)


def test_mail_that_others_see_counts_for_a_guarantee_about_these_people() -> None:
    """The guarantee selects whoever sees the report, and not the recipient of the mail."""
    rules = [rule("Gives", OUTGOING, report(OUTSIDE, "AttachOriginalMail"))]
    for copies, who in itertools.product(COPIES, (OUTSIDE, "else@other.example")):
        guarantee = {"name": "Seen", "when": {"sent_to": [who]}, "then": "not_in_clear", "copies": copies}
        found = replayed(
            rules, rules, trace_of(("ann@partner.com", "kim@partner.com"), ("b@contoso.com",)), None, guarantee
        )
        assert found.unsettled["Seen"] == (who == OUTSIDE)


def test_what_a_rule_shows_counts_only_where_mail_comes_to_it() -> None:
    gives = rule("Gives", OUTGOING, report(OUTSIDE, "AttachOriginalMail"))
    stops = rule("Stops", {"sent_to": ["ann@partner.com"]}, {"stop_rule_processing": True})
    guarantee = {"name": "Partner", "when": WHEN, "then": "not_in_clear"}
    for rules, shown in (([stops, gives], 1), ([gives, stops], 2)):
        found = replayed(rules, rules, trace_of(("ann@partner.com",), ("kim@partner.com",)), None, guarantee)
        assert found.unsettled["Partner"] == shown


def test_an_approval_shows_the_sender_s_own_manager_mail() -> None:
    asks = rule("Asks", OUTGOING, {"moderate_message_by_manager": True})
    known = {
        "managers": {"megan@contoso.com": OUTSIDE, "joe@contoso.com": "chief@other.example"},
        "mailboxes": ["megan@contoso.com", "joe@contoso.com"],
    }
    guarantee = {"name": "Partner", "when": WHEN, "then": "not_in_clear"}
    found = replayed([asks, DELETES], [], trace_of(("ann@partner.com",)), known, guarantee)
    assert found.unsettled["Partner"] == 1


@pytest.mark.parametrize("copies", COPIES)
def test_a_copy_of_a_copy_that_a_guarantee_is_about_is_not_said_to_keep_it(copies: str) -> None:
    """The guarantee is about the first copy, and neither about the mail nor about the second."""
    rules = [
        rule("First", OUTGOING, {"redirect_message_to": [SELECTED]}),
        rule("Second", {}, {"redirect_message_to": [INSIDE]}),
    ]
    guarantee = {"name": "Partner", "when": WHEN, "then": "not_in_clear", "copies": copies}
    (proof,) = prove(rules, {**KNOWN, "outbound_connectors": []}, [guarantee], NOW)
    found = replayed(rules, rules, trace_of(("z@other.example",)), None, guarantee)
    assert (proof["verdict"] != "proved", found.unsettled["Partner"]) == (copies == "all", copies == "all")
