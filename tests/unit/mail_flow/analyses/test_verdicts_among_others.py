# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict does not depend on what else is asked: each guarantee about an organization as one finds them is judged
alone, among others and in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import verifier
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import (
    BudgetError,
    own_budgets,
    spend,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import bounded as budget_of

from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, rule
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

THENS = ("encrypted", "not_in_clear", "not_in_clear_if_delivered", "delivered")


def guarantees_of(rules: Sequence[Values]) -> list[Values]:
    """What somebody would want to be true under rules: of the mail of each rule, and of all mail that leaves."""
    wanted = [OUTGOING, *(each["conditions"] for each in rules if each["conditions"])]
    return [
        {"name": "Guaranteed", "when": when, "then": THENS[place % len(THENS)]} for place, when in enumerate(wanted)
    ]


def verdicts(rules: Sequence[Values], facts: Values, guarantees: Sequence[Values]) -> dict[str, str]:
    return {each["name"]: each["verdict"] for each in prove(rules, facts, guarantees, NOW)}


@pytest.mark.parametrize("name", ORGANIZATIONS)
def test_a_verdict_is_the_same_alone_among_others_and_in_another_order(name: str) -> None:
    organization = ORGANIZATIONS[name]
    rules, facts = organization.numbered_rules, organization.facts
    asked = [each.guarantee for each in organization.questions]
    guarantees = [*organization.guarantees, *asked, *guarantees_of(rules)]
    guarantees = [{**each, "name": f"{place} {each['name']}"} for place, each in enumerate(guarantees)]
    alone = {}
    for each in list(guarantees):
        try:
            alone.update(verdicts(rules, facts, [each]))
        except OptionError:  # There is no such mail.
            guarantees.remove(each)
    assert len(alone) > len(rules)
    assert verdicts(rules, facts, guarantees) == alone
    assert verdicts(rules, facts, guarantees[::-1]) == alone


def test_a_guarantee_that_takes_its_whole_budget_leaves_the_others_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = verifier._Prover.judge

    def costly(prover: Any, place: int, where: str) -> Any:
        if prover.guarantees[place].name.startswith("Costly"):
            try:
                spend(1 << 40)
            except BudgetError:
                return verifier.Judgment(prover.guarantees[place], unknown=(verifier.BUDGET,))
        return judge(prover, place, where)

    monkeypatch.setattr(verifier._Prover, "judge", costly)
    cheap = [{"name": "Cheap", "when": IN, "then": "encrypted"}]
    costly_ones = [{"name": f"Costly {number}", "when": IN, "then": "encrypted"} for number in range(20)]
    rules = [rule("R", OUTGOING, ENCRYPT)]
    for guarantees in ([*costly_ones, *cheap], [*cheap, *costly_ones]):
        found = verdicts(rules, TENANT, guarantees)
        assert (found.pop("Cheap"), set(found.values())) == ("refuted", {"unknown"})


def test_a_guarantee_that_is_not_decided_among_others_is_asked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = verifier._Prover.judge

    def forgetful(prover: Any, place: int, where: str) -> Any:
        if len(prover.guarantees) > 1:
            return verifier.Judgment(prover.guarantees[place], unknown=(verifier.NOT_FOUND,))
        return judge(prover, place, where)

    monkeypatch.setattr(verifier._Prover, "judge", forgetful)
    wanted = [{"name": name, "when": when, "then": "encrypted"} for name, when in (("A", IN), ("B", OUTGOING))]
    assert verdicts([rule("R", OUTGOING, ENCRYPT)], TENANT, wanted) == {"A": "refuted", "B": "proved"}


def test_what_has_a_budget_apart_is_not_paid_by_the_one_around() -> None:
    with budget_of(10, share=1) as meter:
        with own_budgets():
            spend(1_000)
        assert meter.remaining == 10
        with pytest.raises(BudgetError):
            spend(11)
