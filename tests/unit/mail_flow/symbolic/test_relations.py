# SPDX-License-Identifier: GPL-3.0-or-later
"""The relations between conditions that come of how the prover reads them, each left out and each overdone. A named
claim notices either.

Relations that are clauses of their own, such as those between words or domains, are in ``test_mutants``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.keys import BODY
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicate import Atom
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicates import BY_OPTION
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import FALSE, TRUE, negate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic import (
    addressing,
    compile_protection,
    compile_recipients,
    symbolic_message,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_conditions import (
    Conditions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import Logic
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.scopes import Scopes

from tests.unit.mail_flow.asking import ENCRYPT, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT

Patch = Callable[[Any, str, Any], None]
Values = dict[str, Any]

IN: Values = {"from_scope": "InOrganization"}
ANN, FABRIKAM = ["ann@fabrikam.com"], ["fabrikam"]
GROUPS: Values = {
    **TENANT,
    "groups": {"sales@contoso.com": ["megan@contoso.com"], "all@contoso.com": ["bob@contoso.com"]},
}


def mutant(where: Any, name: str, instead: Any) -> Callable[[Patch], None]:
    """Another method or property."""
    return lambda patch: patch(where, name, instead)


def formula(option: str, instead: Callable[..., Any]) -> Callable[[Patch], None]:
    """Another formula of all conditions that have that of one."""
    row, truth = BY_OPTION[option], Conditions._truth

    def other(self: Any, atom: Atom, seen: Any, person: Any) -> Any:
        if atom.predicate.formula is row.formula:
            atom = replace(atom, predicate=replace(atom.predicate, formula=instead))
        return truth(self, atom, seen, person)

    return lambda patch: patch(Conditions, "_truth", other)


def encrypts(**conditions_: Any) -> list[Values]:
    return [rule("R", {**IN, **conditions_}, ENCRYPT)]


def claim(**conditions_: Any) -> Values:
    return {"when": {**IN, **conditions_}}


def lists_are_apart(formulas: Any, atom: Any, seen: Any, person: Any) -> Any:
    return formulas.logic.unknown("apart", atom.predicate.options, atom.values)


def only_the_body(formulas: Any, atom: Any, seen: Any, person: Any) -> Any:
    return formulas.logic.any_of([formulas.text(BODY, key, seen) for key in atom.keys])


def fields(*, apart: bool) -> Callable[..., Any]:
    """To and Cc would be a field of its own, or nothing but To."""
    whole = BY_OPTION["any_of_to_cc_header"].formula

    def of_fields(formulas: Any, atom: Any, seen: Any, person: Any) -> Any:
        if atom.predicate.options[0] != "any_of_to_cc_header":
            return whole(formulas, atom, seen, person)
        names, circuit = "to_cc" if apart else "to", formulas.mail.circuit
        return circuit.disjunction([circuit.variable((names, address)) for address in atom.values])

    return of_fields


def without_the_recipient(formulas: Any, atom: Any, seen: Any, person: Any) -> Any:
    return formulas.logic.any_of([formulas.other_recipients.another_has(key, seen.splits) for key in atom.keys])


def relation(known: Callable[..., Any]) -> Callable[..., Any]:
    """What the sender is to a recipient would be known."""
    whole = Logic.unknown

    def unknown(self: Any, *name: Any) -> Any:
        return known(self, name, whole) if name[0] == "U05" else whole(self, *name)

    return unknown


def reports_have_other_managers(self: Any, name: Any, whole: Any) -> Any:
    """L22 overdone: whoever is not the manager would be a direct report."""
    manager = whole(self, "manager")
    return manager if "Manager" in name[2] else negate(manager)


def insiders_may_be_forged(self: Any, value: str, slot: Any) -> Any:
    accepted = self._accepted(slot)
    return accepted if value == "InOrganization" else negate(accepted)


def always(sort: str) -> Callable[[Patch], None]:
    """A property that all mail would have."""

    def change(patch: Patch) -> None:
        whole = symbolic_message.SymbolicMessage._assume_the_usual

        def assume(self: Any, *about: Any) -> None:
            whole(self, *about)
            literals = [literal for key, literal in self.properties.items() if key[0] == sort]
            for literal in literals or [getattr(self, sort, TRUE)]:
                self.circuit.add(literal)

        patch(symbolic_message.SymbolicMessage, "_assume_the_usual", assume)

    return change


def one_sender(patch: Patch) -> None:
    """The envelope's sender would always be the one of the From field."""
    whole = addressing.Envelope.set_sender

    def relate(self: Any, *senders: Any) -> None:
        whole(self, *senders)
        self._circuit.add(self.same)

    patch(addressing.Envelope, "set_sender", relate)


#: Claims that are proved, and are not without the relation.
LEFT_OUT: dict[str, tuple[Callable[[Patch], None], list[Values], Values]] = {
    "L1": (
        formula("subject_contains_words", lists_are_apart),
        encrypts(subject_contains_words=["offer", "quote"]),
        claim(subject_contains_words=["offer"]),
    ),
    "L2": (
        formula("subject_or_body_contains_words", only_the_body),
        encrypts(subject_or_body_contains_words=["offer"]),
        claim(subject_contains_words=["offer"]),
    ),
    "L3": (
        formula("any_of_to_cc_header", fields(apart=True)),
        encrypts(any_of_to_cc_header=ANN),
        claim(any_of_to_header=ANN),
    ),
    "L4": (
        formula("any_of_recipient_address_contains_words", without_the_recipient),
        encrypts(any_of_recipient_address_contains_words=FABRIKAM),
        claim(recipient_address_contains_words=FABRIKAM),
    ),
    "L25": (
        mutant(Scopes, "sender", insiders_may_be_forged),
        encrypts(sent_to_scope="InOrganization"),
        claim(sent_to=["new@contoso.com"]),
    ),
}

#: Claims that are not proved, and are with more of it than there is.
OVERDONE: dict[str, tuple[Callable[[Patch], None], list[Values], Values]] = {
    "L1": (
        mutant(Atom, "keys", property(lambda atom, whole=Atom.keys: whole.fget(atom)[:1])),
        encrypts(subject_contains_words=["offer"]),
        claim(subject_contains_words=["offer", "quote"]),
    ),
    "L2": (
        formula("subject_or_body_contains_words", BY_OPTION["subject_contains_words"].formula),
        encrypts(subject_contains_words=["offer"]),
        claim(subject_or_body_contains_words=["offer"]),
    ),
    "L3": (
        formula("any_of_to_cc_header", fields(apart=False)),
        encrypts(any_of_to_header=ANN),
        claim(any_of_to_cc_header=ANN),
    ),
    "L4": (
        mutant(
            compile_recipients.OtherRecipientsFormulas, "another_has", lambda self, key, history, written=False: FALSE
        ),
        encrypts(recipient_address_contains_words=FABRIKAM),
        claim(any_of_recipient_address_contains_words=FABRIKAM),
    ),
    # Whether a relation of the sender to one recipient is one to the whole message is open (U05).
    "L20": (
        mutant(Logic, "unknown", relation(lambda self, name, whole: TRUE)),
        encrypts(between_member_of_1=["sales@contoso.com"], between_member_of_2=["all@contoso.com"]),
        {**claim(from_member_of=["sales@contoso.com"], sent_to_member_of=["all@contoso.com"]), "facts": GROUPS},
    ),
    "L22": (
        mutant(Logic, "unknown", relation(reports_have_other_managers)),
        [
            *encrypts(sender_management_relationship="Manager"),
            rule("S", {**IN, "sender_management_relationship": "DirectReport"}, ENCRYPT),
        ],
        claim(),
    ),
    "L24": (always("attachment"), encrypts(attachment_size_over="1KB"), claim()),
    "L25": (
        always("authenticated"),
        [rule("R", IN, {"delete_message": True})],
        {"when": {"from": ["megan@contoso.com"]}, "then": "not_in_clear"},
    ),
    # What an Inbox rule forwards and what a mailbox setting forwards are two kinds of mail, and neither is certain to
    # be encrypted (U26).
    "L26": (
        mutant(compile_protection.ProtectionByRules, "_forwarded", lambda self: FALSE),
        encrypts(message_type_matches="AutoForward"),
        claim(message_type_matches="AutoForward"),
    ),
    "envelope": (
        one_sender,
        [rule("R", {"from": ["megan@contoso.com"], **IN}, ENCRYPT, sender_address_location="Envelope")],
        claim(**{"from": ["megan@contoso.com"]}),
    ),
}


@pytest.mark.parametrize("relation", LEFT_OUT)
def test_a_relation_that_is_left_out_is_noticed(relation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change, rules, guarantee = LEFT_OUT[relation]
    assert verdict(rules, **guarantee)["verdict"] == "proved"
    change(monkeypatch.setattr)
    assert verdict(rules, **guarantee)["verdict"] != "proved"


@pytest.mark.parametrize("relation", OVERDONE)
def test_a_relation_that_is_overdone_is_noticed(relation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change, rules, guarantee = OVERDONE[relation]
    assert verdict(rules, **guarantee)["verdict"] != "proved"
    change(monkeypatch.setattr)
    assert verdict(rules, **guarantee)["verdict"] == "proved"
