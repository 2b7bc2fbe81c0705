# SPDX-License-Identifier: GPL-3.0-or-later
"""Guesses that are tried at once against the solver: what one shows is so, and the findings of lint do not depend on
them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import lint
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import Literal
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat import batch
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.circuit import Circuit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.guesses import shown_by_guesses

from tests.bench import mail_proof
from tests.unit.mail_flow import small_rules
from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.small_worlds import TENANT


def either(source: random.Random, literal: Literal) -> Literal:
    return ~literal if source.randrange(2) else literal


def random_circuit(source: random.Random) -> tuple[Circuit, list[Literal]]:
    """A circuit with gates, clauses and alternatives, and its literals."""
    circuit = Circuit()
    inputs = [circuit.variable(number) for number in range(8)]
    literals = list(inputs)
    circuit.at_most_one(inputs[:3])
    for _clause in range(4):
        circuit.add(*(either(source, source.choice(inputs)) for _literal in range(2)))
    for _gate in range(12):
        literals.append(
            circuit.conjunction([either(source, source.choice(literals)) for _part in range(source.randint(2, 4))])
        )
    return circuit, literals


@pytest.mark.parametrize("seed", range(10))
def test_what_a_guess_shows_is_so(seed: int) -> None:
    source = random.Random(seed)
    answered = possible = 0
    for _circuit in range(20):
        circuit, literals = random_circuit(source)
        questions = [
            [either(source, source.choice(literals)) for _literal in range(source.randint(1, 3))]
            for _question in range(12)
        ]
        for known in ([], circuit.solver.model if circuit.solver.solve() else []):
            for question, answer in zip(questions, shown_by_guesses(circuit, questions, known), strict=True):
                can = circuit.solver.solve([literal.code for literal in question])
                assert can or not answer
                answered, possible = answered + answer, possible + bool(can)
    assert answered > possible / 2


def test_nothing_is_shown_where_clauses_contradict_each_other() -> None:
    circuit = Circuit()
    one = circuit.variable("one")
    circuit.add(one)
    circuit.add(~one)
    assert shown_by_guesses(circuit, [[one], [~one], []]) == [False, False, False]


def never_shown(circuit: Circuit, questions: Sequence[Sequence[Literal]], known: Sequence[int] = ()) -> list[bool]:
    return [False] * len(questions)


@pytest.mark.parametrize("seed", range(10))
def test_findings_are_those_of_the_solver_alone(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = mail_proof.rule_set(40)[seed % 5 :] if seed < 5 else small_rules.rule_set(random.Random(seed))
    tenant = mail_proof.FACTS if seed < 5 else TENANT
    found = lint.lint(rules, tenant, NOW)
    monkeypatch.setattr(batch, "shown_by_guesses", never_shown)
    assert lint.lint(rules, tenant, NOW) == found


def test_a_chain_of_formulas_that_share_parts_is_followed_once() -> None:
    """Found by hand: rules that each change the subject for the next took minutes, and no step was counted."""
    circuit = Circuit()
    last = circuit.variable("first")
    for number in range(200):
        other = circuit.variable(number)
        last = ~(last & other) & ~(last & ~other)
    assert len(shown_by_guesses(circuit, [[last], [~last]])) == 2
