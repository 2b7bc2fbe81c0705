# SPDX-License-Identifier: GPL-3.0-or-later
"""On which copies a rule acts, behind rules that end or hold them, as the simulator says it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence import prediction
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.prediction import (
    Prediction,
    predictions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.columns import blocks_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Row, Trace

Values = dict[str, Any]

KNOWN: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mail_users": [], "inbound_connectors": []}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
STOP = {"stop_rule_processing": True}
SECRET = {"subject_or_body_contains_words": ["secret"]}
PROTECTED = {"message_type_matches": "PermissionControlled"}


def predicted(*rules: Values) -> Prediction:
    """What is predicted of the last of some rules for one copy."""
    trace = Trace()
    row = {"message": "m", "received": 1_795_010_584_000_000, "sender": "megan@contoso.com", "status": "Delivered"}
    trace.add(Row(**row, recipient="ann@fabrikam.com", subject="Offer", size=2048, from_ip=NO_HOP))
    (block,) = blocks_of(trace)
    named = [{"name": str(number), **rule} for number, rule in enumerate(rules)]
    return predictions(block, RuleSet(named), facts_of(KNOWN))[-1]


@pytest.mark.parametrize(
    ("earlier", "certain", "possible", "guesses"),
    [
        ({"actions": STOP}, 0, 0, {}),
        ({"actions": {"prepend_subject": "[X] "}}, 1, 1, {}),
        ({"actions": STOP, "conditions": SECRET}, 0, 1, {}),
        ({"actions": {"moderate_message_by_user": ["boss@contoso.com"]}}, 0, 1, {}),
        ({"actions": STOP, "mode": "Audit"}, 1, 1, {"U08": 1}),
        ({"actions": {"some_action": 1}}, 0, 1, {}),
    ],
)
def test_a_rule_acts_on_the_copies_that_earlier_ones_leave_it(
    earlier: Values, certain: int, possible: int, guesses: dict[str, int]
) -> None:
    assert predicted(earlier, {"actions": ENCRYPT}) == Prediction(certain, possible, guesses)


def test_a_copy_that_waits_and_is_then_deleted_reaches_no_later_rule() -> None:
    waits, deletes = (
        {"actions": {"moderate_message_by_user": ["boss@contoso.com"]}},
        {"actions": {"delete_message": True}},
    )
    assert predicted(waits, deletes) == Prediction(0, 1)
    assert predicted(waits, deletes, {"actions": ENCRYPT}) == Prediction(0, 0)


def test_what_two_rules_ask_has_one_answer() -> None:
    stops = {"conditions": SECRET, "actions": STOP}
    assert predicted(stops, {"conditions": SECRET, "actions": ENCRYPT}) == Prediction(0, 0)
    unless = {"exceptions": SECRET, "actions": STOP}
    assert predicted(unless, {"conditions": SECRET, "actions": ENCRYPT}) == Prediction(0, 1)
    assert predicted(stops, unless, {"actions": ENCRYPT}) == Prediction(0, 0)


def test_only_guesses_that_would_change_whether_a_rule_acts_count() -> None:
    trial = {"actions": STOP, "mode": "Audit"}
    behind_encryption = {"conditions": PROTECTED, "actions": STOP}
    encrypts = {"actions": ENCRYPT}
    assert predicted(encrypts, behind_encryption) == Prediction(0, 0, {"U03": 1})
    assert predicted(encrypts, behind_encryption, trial, encrypts) == Prediction(1, 1, {"U03": 1, "U08": 1})
    # Whether the trial stops does not matter where another rule does, nor what is asked where nothing is decided.
    assert predicted(trial, {"actions": STOP}, encrypts) == Prediction(0, 0)
    assert predicted(trial, {"conditions": SECRET, "actions": ENCRYPT}) == Prediction(0, 1)


def test_what_is_beyond_the_budget_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "STEPS_OF_BLOCK", 10)
    assert predicted({"actions": ENCRYPT}) == Prediction(0, 1)
    assert predicted({"actions": ENCRYPT, "conditions": {"from": ["kim@contoso.com"]}}) == Prediction(0, 0)
