# SPDX-License-Identifier: GPL-3.0-or-later
"""A guarantee that is broken already, and whether a change breaks it for more mail."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.regression import (
    later_instants,
    skipped_dates,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.answers import worsened
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]


def worse(before: Values, after: Values) -> Values | None:
    (guarantee,) = guarantees_of(
        [{"name": "G", "when": {**IN, "sent_to_scope": "InOrganization"}, "then": "not_in_clear"}]
    )
    return worsened([before], [after], TENANT, guarantee, NOW)


def test_mail_that_is_in_clear_now() -> None:
    some, fewer = (
        rule("R", {**IN, "recipient_address_contains_words": words}, ENCRYPT) for words in (["bob", "megan"], ["megan"])
    )
    found = worse(some, fewer)
    assert found is not None
    assert found["message"]["to"] == ["bob@contoso.com"]
    assert worse(fewer, some) is None
    assert worse(fewer, fewer) is None


def test_a_copy_that_a_rule_makes_is_in_clear_now() -> None:
    """Mail to Ann is in clear anyway. Whom a rule brings it gets it in clear now, or gets it at all."""
    encrypts = rule("E", {**IN, "sent_to": ["new@fabrikam.com"]}, ENCRYPT)
    copies, far = (rule("C", IN, {"copy_to": [who]}) for who in ("new@fabrikam.com", "far@fabrikam.com"))
    when = {"name": "G", "when": {**IN, "sent_to": ["ann@fabrikam.com"]}, "then": "not_in_clear"}
    (every,) = guarantees_of([when])
    (own,) = guarantees_of([{**when, "copies": "recipients_only"}])
    clear = rule("Clear", {**IN, "sent_to": ["ann@fabrikam.com"]}, {"prepend_subject": "x"})
    for before in ([clear], [clear, far]):
        found = worsened(before, [clear, copies], TENANT, every, NOW)
        assert found is not None
        assert (found["recipient"], found["message"]["to"]) == ("new@fabrikam.com", ["ann@fabrikam.com"])
        assert worsened(before, [clear, copies], TENANT, own, NOW) is None
    assert worsened([copies], [copies], TENANT, every, NOW) is None
    assert worsened([copies], [clear], TENANT, every, NOW) is None
    assert worsened([copies], [copies, encrypts], TENANT, every, NOW) is None


SPY, OTHER = "spy@evil.example", "other@evil.example"


def reports(who: str, *content: str) -> Values:
    return rule("Shows", IN, {"generate_incident_report": who, "incident_report_content": list(content)})


def asks(who: str) -> Values:
    return rule("Shows", IN, {"moderate_message_by_user": [who]})


@pytest.mark.parametrize("shows", [reports(SPY, "Sender", "AttachOriginalMail"), asks(SPY)], ids=["report", "approval"])
def test_who_is_shown_mail_gets_it_in_clear_now(shows: Values) -> None:
    """Mail to Ann is in clear anyway."""
    when = {"name": "G", "when": {**IN, "sent_to": ["ann@fabrikam.com"]}, "then": "not_in_clear"}
    (every,) = guarantees_of([when])
    (own,) = guarantees_of([{**when, "copies": "recipients_only"}])
    to_other = {**shows, "name": "Other", "actions": {**reports(OTHER, "AttachOriginalMail")["actions"]}}
    to_spy = {**to_other, "actions": {**reports(SPY, "AttachOriginalMail")["actions"]}}
    without = {**to_other, "actions": {**reports(SPY, "Sender")["actions"]}}
    for before in ([], [to_other], [without]):
        found = worsened(before, [*before, shows], TENANT, every, NOW)
        assert found is not None
        assert (found["shown_to"], found["message"]["to"]) == (SPY, ["ann@fabrikam.com"])
        assert worsened(before, [*before, shows], TENANT, own, NOW) is None
    assert worsened([to_spy], [to_spy, shows], TENANT, every, NOW) is None
    assert worsened([shows], [shows], TENANT, every, NOW) is None
    assert worsened([shows], [], TENANT, every, NOW) is None


def test_who_had_mail_in_clear_already_is_shown_nothing_new() -> None:
    (every,) = guarantees_of([{"name": "G", "when": {**IN, "sent_to": [SPY]}, "then": "not_in_clear"}])
    shows = reports(SPY, "AttachOriginalMail")
    assert worsened([], [{**shows, "conditions": {**IN, "sent_to": [SPY]}}], TENANT, every, NOW) is None
    assert worsened([], [shows], TENANT, every, NOW) is not None  # Of mail to others, too.


def test_mail_to_an_alias_that_is_in_clear_now() -> None:
    resolved, original = (
        rule("R", {**IN, "recipient_address_contains_words": ["bob"]}, ENCRYPT, recipient_address_type=kind)
        for kind in ("Resolved", "Original")
    )
    found = worse(resolved, original)
    assert found is not None
    assert (found["message"]["to"], found["recipient"]) == (["robert@contoso.com"], "bob@contoso.com")
    assert worse(resolved, resolved) is None


def test_mail_that_is_in_clear_once_a_rule_ends() -> None:
    some = rule("R", {**IN, "recipient_address_contains_words": ["bob", "megan"]}, ENCRYPT)
    ends, begins = ({**some, option: "2026-05-01T00:00:00Z"} for option in ("expiry_date", "activation_date"))
    found = worse(some, ends)
    assert found is not None
    assert found["message"]["date"].startswith("2026-05-01")
    assert worse(ends, some) is None
    assert worse(ends, ends) is None
    assert worse({**ends, "enabled": False}, ends) is None
    now = worse(some, begins)
    assert now is not None
    assert "date" not in now["message"]
    assert worse(some, {**some, "expiry_date": "one day"}) is None


def test_dates_behind_which_nobody_looks_are_known() -> None:
    """Those of one side are looked at first; a date that cannot be read never is."""
    days = [{**rule(f"R{day}", IN, ENCRYPT), "expiry_date": f"2026-05-0{day}T00:00:00Z"} for day in range(1, 8)]
    odd = {**rule("Odd", IN, ENCRYPT), "expiry_date": "one day"}
    sides = [RuleSet([*days, odd]), RuleSet(days[:3])]
    seen = [instant.day for instant in later_instants(sides, NOW)]
    assert seen == [4, 5, 6, 7]
    assert skipped_dates(sides, NOW) == [*(f"2026-05-0{day}T00:00:00Z" for day in (1, 2, 3)), "one day"]
    assert len(later_instants(sides, NOW, None)) == 7
    assert skipped_dates([RuleSet(days[:4])], NOW) == []
