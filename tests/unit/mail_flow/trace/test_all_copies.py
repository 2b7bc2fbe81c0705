# SPDX-License-Identifier: GPL-3.0-or-later
"""A replay is about all copies that a message makes: those of people whom rules bring, and those that rules part."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    declared_guarantees,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.conditions import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay, Tallies
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import NEVER, Row, Trace

Values = dict[str, Any]

KNOWN: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mail_users": [], "inbound_connectors": []}
OUTGOING: Values = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT: Values = {"apply_rights_protection_template": "Encrypt"}
WHEN = 1_795_010_584_000_000


def rule(name: str, conditions: Values, actions: Values, **more: Any) -> Values:
    return {"name": name, "conditions": conditions, "actions": actions, **more}


def trace_of(*messages: tuple[str, ...], whole: bool = True, **row: Any) -> Trace:
    """The rows of messages, each with its recipients."""
    found = Trace()
    for number, people in enumerate(messages):
        for person in people:
            found.add(
                Row(
                    **{
                        "message": f"m{number}",
                        "received": WHEN,
                        "sender": "megan@contoso.com",
                        "recipient": person,
                        "status": "Delivered",
                        "subject": "Offer",
                        "size": 2048,
                        "from_ip": NO_HOP,
                        **row,
                    }
                )
            )
    if not whole:
        found.whole = NEVER
    return found


def replayed(
    after: list[Values], before: list[Values], trace: Trace, known: Values | None = None, *guarantees: Values
) -> Tallies:
    facts = facts_of({**KNOWN, **(known or {})})
    return Replay(RuleSet(after), facts, RuleSet(before), guarantees=declared_guarantees(list(guarantees))).run(trace)


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
    assert {fate: dict(tally.certain) for (fate, _protection, _by), tally in found.outcomes.items()} == {
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
    assert {why.word for why in found.undecided} == {"semantics"}
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
    assert [why.word for why in partial.undecided] == ["recipients"]
