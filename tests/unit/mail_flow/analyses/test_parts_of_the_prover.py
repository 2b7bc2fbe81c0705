# SPDX-License-Identifier: GPL-3.0-or-later
"""The prover's parts, each by itself: formulas of a guarantee, replays of messages, the search, and a proof's premises."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.counterexample_search import (
    CounterexampleSearch,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.guarantee_formulas import (
    GuaranteeFormulas,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.guarantee_replay import (
    GuaranteeReplay,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import Breach
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.proof_premises import (
    proof_premises,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import claims_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.disclosures import (
    disclosures,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.concretizer import (
    WrittenMessage,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.message_search import (
    CONFLICTS,
    CandidateMessage,
)

from tests.unit.mail_flow.asking import ALL, ENCRYPT, NOW, OUTGOING, PARTNER, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

COPIED = "copied@northwind.com"
COPY = rule("Copy", OUTGOING, {"blind_copy_to": [COPIED]})
REPORT = rule(
    "Report", OUTGOING, {"generate_incident_report": COPIED, "incident_report_content": ["AttachOriginalMail"]}
)


def formulas_of(*rules: Values, **wanted: Any) -> GuaranteeFormulas:
    """A guarantee about outgoing mail, in a model of rules."""
    (guarantee,) = guarantees_of([{"name": "G", "when": OUTGOING, "then": "not_in_clear", **wanted}])
    facts = facts_of({**TENANT, "irm_configuration": {"enable_pdf_encryption": False}})
    rule_set = RuleSet(rules)
    model = Model([rule_set], claims_of([guarantee.selection]), facts, NOW)
    return GuaranteeFormulas(model, guarantee, 0, list(disclosures(rule_set.rules, facts)))


def replay_of(formulas: GuaranteeFormulas, *brought: str) -> GuaranteeReplay:
    model = formulas.model
    breach = Breach(formulas.guarantee, model.rule_sets[0], model.claims, model.claims.rules[0])
    return GuaranteeReplay(breach, frozenset(brought))


def search_of(formulas: GuaranteeFormulas) -> CounterexampleSearch:
    return CounterexampleSearch(formulas, replay_of(formulas), CONFLICTS)


def letter(**more: Any) -> CandidateMessage:
    """A message of somebody inside to somebody outside."""
    options = {"from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"], **more}
    message = message_of({**options, "date": NOW.isoformat()}, "", "message")
    return CandidateMessage(WrittenMessage(options, "ann@fabrikam.com"), message, (facts_of(TENANT),))


class TestFormulas:
    def test_of_a_guarantee_that_applies(self) -> None:
        formulas = formulas_of()
        assert formulas.model.solve([formulas.applies])
        assert formulas.model.solve([formulas.applies, formulas.broken()])
        assert not formulas.model.solve([formulas.surely_broken, ~formulas.applies])

    def test_mail_that_a_rule_encrypts_does_not_break_it(self) -> None:
        formulas = formulas_of(ALL)
        usual = [assumption.literal for assumption in formulas.first_assumptions]
        assert formulas.model.solve([formulas.applies, *usual])
        assert not formulas.model.solve([formulas.broken(), *usual])

    def test_a_guarantee_about_documents_does_not_assume_that_there_are_none(self) -> None:
        documents = {**OUTGOING, "attachment_extension_matches_words": ["pdf"]}
        about = [formulas_of(ALL), formulas_of(ALL, when=documents)]
        assumed = [{assumption.id for assumption in formulas.first_assumptions} for formulas in about]
        assert [questions.PDF in ids for ids in assumed] == [True, False]

    def test_there_is_a_literal_for_each_person_to_whom_rules_show_mail(self) -> None:
        assert [len(formulas_of(*rules).breaking_disclosures) for rules in ((), (REPORT,))] == [0, 1]

    def test_a_refined_model_has_the_same_guarantee(self) -> None:
        formulas = formulas_of(rule("Ann", {"any_of_to_header": ["ann@fabrikam.com"]}, ENCRYPT))
        refined = formulas.refined([("address", "ann@fabrikam.com")])
        assert refined.guarantee is formulas.guarantee
        assert ("address", "ann@fabrikam.com") in refined.model.exact


class TestReplay:
    def test_a_message_in_clear_breaks_it(self) -> None:
        tell = replay_of(formulas_of()).breaks(letter(protection={"kind": "none"}))
        assert tell is not None
        assert tell().recipient == "ann@fabrikam.com"

    def test_a_message_that_a_rule_encrypts_does_not(self) -> None:
        assert replay_of(formulas_of(ALL)).breaks(letter(protection={"kind": "none"})) is None

    def test_a_copy_counts_of_those_only_whom_rules_are_known_to_send_one(self) -> None:
        formulas = formulas_of(
            COPY, rule("Others", {"sent_to": ["ann@fabrikam.com"]}, {"delete_message": True}), copies="all"
        )
        told = [
            replay_of(formulas, *brought).breaks(letter(protection={"kind": "none"})) for brought in ((), (COPIED,))
        ]
        assert [tell().recipient if tell else None for tell in told] == [None, COPIED]

    def test_what_is_open_about_a_message_has_reasons(self) -> None:
        (reason,) = set(replay_of(formulas_of(ALL)).reasons(letter(type="Signed")))
        assert reason.id

    @pytest.mark.parametrize(
        ("rules", "more", "wanted", "may_break"),
        [
            ((), {"protection": {"kind": "none"}}, {}, True),
            ((ALL,), {"protection": {"kind": "none"}}, {}, False),
            ((ALL,), {"type": "Signed"}, {}, True),  # Whether rules encrypt it is open.
            ((ALL, REPORT), {"protection": {"kind": "none"}}, {}, True),
            ((ALL, REPORT), {"protection": {"kind": "smime"}}, {}, False),
            ((ALL, REPORT), {"protection": {"kind": "none"}}, {"then": "delivered"}, False),
            ((ALL, REPORT), {"protection": {"kind": "none"}, "to": ["megan@contoso.com"]}, {}, False),
        ],
    )
    def test_whether_a_message_may_break_it(
        self, rules: tuple[Values, ...], more: Values, wanted: Values, may_break: bool
    ) -> None:
        formulas = formulas_of(*rules, **wanted)
        assert replay_of(formulas).may_break(letter(**more)) is may_break


class TestSearch:
    def test_of_usual_mail_finds_a_counterexample(self) -> None:
        formulas = formulas_of()
        found = search_of(formulas).among_usual(formulas.first_assumptions)
        assert found.counterexample is not None
        assert not found.is_none

    def test_of_usual_mail_knows_that_there_is_none_and_what_contradicts_it(self) -> None:
        formulas = formulas_of(ALL)
        found = search_of(formulas).among_usual(formulas.first_assumptions)
        assert found.is_none
        assert set(found.core) > {formulas.broken()}

    @pytest.mark.parametrize("usual", [False, True])
    def test_of_all_mail(self, usual: bool) -> None:
        for rules, refuted in (((), True), ((ALL,), False)):
            formulas = formulas_of(*rules)
            found = search_of(formulas).among_all(formulas.first_assumptions, usual=usual)
            assert (found.counterexample is not None) is refuted

    def test_where_a_rule_may_encrypt_what_is_shown_no_certain_one_is_searched(self) -> None:
        formulas = formulas_of(ALL, REPORT)
        found = search_of(formulas).among_all(formulas.first_assumptions, usual=True)
        assert found.counterexample is None
        assert "open" not in vars(formulas.model)  # The side that would show it is not built.

    def test_what_no_copy_certainly_breaks_is_not_searched_copy_by_copy(self) -> None:
        classified = {"message_contains_data_classifications": ["Cards"]}
        for exceptions in ({}, classified):
            formulas = formulas_of(COPY, {**ALL, "exceptions": exceptions})
            found = search_of(formulas).among_all(formulas.first_assumptions, usual=True)
            assert found.counterexample is None
            assert found.is_none
            assert "open" not in vars(formulas.model)  # The side that would show it is not built.

    def test_of_the_plainest_message(self) -> None:
        formulas = formulas_of()
        tell = search_of(formulas).plainest(formulas.first_assumptions)
        assert tell is not None
        assert "headers" not in tell().message


class TestPremises:
    def test_only_the_assumptions_that_a_proof_needs_are_premises(self) -> None:
        formulas = formulas_of(ALL)
        assumptions = formulas.first_assumptions
        premises = proof_premises(formulas, formulas, assumptions, CONFLICTS)
        ids = {assumption.id for assumption in assumptions}
        assumed = {premise.id for premise in premises if premise.id in ids}
        assert 0 < len(assumed) < len(ids)

    def test_copies_that_do_not_count_are_told(self) -> None:
        formulas = formulas_of(COPY, rule("Partner", PARTNER, ENCRYPT), when=PARTNER, copies="recipients_only")
        premises = proof_premises(formulas, formulas, formulas.first_assumptions, CONFLICTS)
        assert [premise.values[0] for premise in premises if premise.id == "added_copies"] == ["Copy"]
