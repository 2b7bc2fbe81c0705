# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules that look at the sender's IP address do to a copy is known of its FromIP: mail from a mailbox has no last hop."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay, Tallies
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import SENT, Row, Trace
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import replay_lines
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import ReplayRow

from tests.unit.mail_flow.organizations.content_first import behind
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import HOP, Organization, rule
from tests.unit.mail_flow.replaying import KNOWN, ROW, encrypting, replayed

Values = dict[str, Any]

#: Of outgoing copies, at least so many are decided.
LEAST = 0.8

PROVIDER = "198.51.100.0/24"


def stopping(*ranges: str, exceptions: Values | None = None, **conditions: Any) -> Values:
    """A rule that ends the mail that a provider hands over."""
    looks = {"sender_ip_ranges": list(ranges)} if ranges else {}
    return rule("Provider", {**looks, **conditions}, {"stop_rule_processing": True}, exceptions)


@pytest.mark.parametrize("organization", ORGANIZATIONS.values(), ids=list(ORGANIZATIONS))
@pytest.mark.parametrize("ranges", [[PROVIDER], [f"{HOP}/32", "10.0.0.0/8"]], ids=["others", "everything outside"])
def test_behind_a_stop_on_the_senders_address_most_outgoing_copies_are_decided_and_each_as_the_emulator_does(
    organization: Organization, ranges: list[str]
) -> None:
    ours = behind(organization, stopping(*ranges))
    week = ours.traffic(5, 200)
    decided = copies = ended = 0
    for message, results in week.results.items():
        trace = Trace()
        rows = [row for row in week.rows if row.message == message]
        for row in rows:
            trace.add(row)
        found = Replay(week.rules, week.facts, examples=20).run(trace)
        ended += any(each["name"] == "Provider" for row in results.values() for each in row["rules"])
        leaving = {
            row.recipient for row in rows if row.status == "Delivered" and ours.leaves(row.sender, row.recipient)
        }
        copies += len(leaving)
        for (fate, protection, by, _by_dlp), tally in found.outcomes.items():
            for example in tally.examples:
                decided += example.recipient in leaving
                result = results[example.recipient]
                assert (fate, protection) == (result["fate"], result.get("protection", "")), (message, example)
                assert set(by) <= set(result.get("protected_by", ())), (message, example)
    assert copies > 100
    assert decided / copies >= LEAST
    assert bool(ended) is (HOP in ranges[0])


def _decided(provider: Values, known: Values | None = None, **row: Any) -> tuple[Any, Tallies]:
    """Who protects a copy behind a rule of the provider; the reason if that is open; and what was counted."""
    trace = Trace()
    trace.add(Row(**{**ROW, **row}))
    found = Replay(RuleSet([provider, encrypting({})]), facts_of({**KNOWN, **(known or {})})).run(trace)
    return next(iter([outcome[2] for outcome in found.outcomes] or [why.kind for why in found.undecided])), found


BY_US: tuple[str, ...] = ("Encrypt",)


@pytest.mark.parametrize(
    ("provider", "row", "result", "resting"),
    [
        (stopping(PROVIDER), {}, BY_US, 1),
        # What a rule compares in place of a last hop is not documented.
        (stopping(f"{NO_HOP}/32"), {}, "envelope", 0),
        (stopping("0.0.0.0/0"), {}, "envelope", 0),
        (stopping(exceptions={"sender_ip_ranges": [PROVIDER]}), {}, (), 1),
        (stopping(exceptions={"sender_ip_ranges": ["0.0.0.0/0"]}), {}, "envelope", 0),
        # Its other condition decides.
        (stopping(PROVIDER, subject_contains_words=["bill"]), {}, BY_US, 0),
        (
            stopping(PROVIDER),
            {"from_ip": "198.51.100.7", "sender": "kim@fabrikam.com", "recipient": "joe@contoso.com"},
            (),
            0,
        ),
        (stopping(PROVIDER), {"from_ip": "198.51.100.7"}, (), 0),
        (stopping(PROVIDER), {"from_ip": "2001:db8::1"}, "envelope", 0),
        (stopping(PROVIDER), {"from_ip": SENT}, BY_US, 1),
        (stopping(PROVIDER), {"from_ip": ""}, "from_ip", 0),
        # The service made it, or somebody's mailbox forwards it.
        (stopping(PROVIDER), {"sender": "kim@fabrikam.com"}, "envelope", 0),
    ],
)
def test_what_a_row_tells_of_the_last_hop(provider: Values, row: Values, result: Any, resting: int) -> None:
    decided, found = _decided(provider, **row)
    assert (decided, found.premises["mailboxes"]) == (result, resting)


def test_mail_that_a_server_on_premises_may_have_handed_over_may_have_a_last_hop() -> None:
    connector = {"name": "Office", "enabled": True, "connector_type": "OnPremises", "sender_ip_addresses": ["10.0.0.1"]}
    assert _decided(stopping(PROVIDER), {"inbound_connectors": [connector]}, from_ip=SENT)[0] == "from_ip"


def test_how_many_copies_rest_on_it_is_said() -> None:
    found = replayed([stopping(PROVIDER), encrypting({})])
    rows = {row["id"]: row for row in found["assumes"]}
    assert rows["mailboxes"]["copies"] == 1
    assert rows["mailboxes"]["text"].endswith(" 1 of 1 copy rests on it.")
    lines = replay_lines(ReplayRow.from_row(found))
    assert "1 of 1 copy rests on this: no rule finds an IP address of mail from mailboxes in a range." in lines
    assert "copies" not in rows["arrival"]
    assert "mailboxes" not in {row["id"] for row in replayed([encrypting({})])["assumes"]}
