# SPDX-License-Identifier: GPL-3.0-or-later
"""The prover with a mistake in it: a relation too many, or a piece of the semantics that is left out. A named claim
notices each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import copy_state
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions import thresholds
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import (
    FALSE,
    TRUE,
    Literal,
    negate,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.circuit import Circuit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic import (
    address_relations,
    compile_added_copies,
    compile_conditions,
    compile_outcomes,
    compile_protection,
    compile_recipients,
    compile_rules,
    compile_text_edits,
    encoding,
    message_content,
    message_properties,
    other_people,
    scopes,
    string_constraints,
    symbolic_message,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import Logic

from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, OUTGOING, STOP, rule, verdict
from tests.unit.mail_flow.mutating import Patch, Values, subject
from tests.unit.mail_flow.small_worlds import TENANT


def words_hold_each_other(patch: Patch) -> None:
    """L23 and phrases: a word would hold every other one."""
    whole = message_content.relate_texts

    def relate(circuit: Any, atoms: Any, **how: Any) -> None:
        whole(circuit, atoms, **how)
        words = [literal for (sort, _value), literal in atoms.items() if sort == "word"]
        for one in words:
            for other in words:
                circuit.add(~one, other)

    patch(message_content, "relate_texts", relate)


def parents_are_in_their_children(patch: Patch) -> None:
    """L5: a domain would lie in its subdomains."""
    whole = address_relations.AddressRelations._relate_domains

    def relate(self: Any, people: Any) -> None:
        whole(self, people)
        for name in self._slot.values("below"):
            for other in self._slot.values("below"):
                if name.endswith(f".{other}"):
                    self._circuit.add(~self._atoms["below", other], self._atoms["below", name])

    patch(address_relations.AddressRelations, "_relate_domains", relate)


def everybody_is_named(patch: Patch) -> None:
    """L7: there would be no addresses but those that somebody mentions."""
    whole = address_relations.AddressRelations.add

    def relate(self: Any) -> None:
        whole(self)
        self._circuit.add(self._slot.named)

    patch(address_relations.AddressRelations, "add", relate)


def small_is_large(patch: Patch) -> None:
    """L14: over the smaller limit would be over the larger."""
    whole = thresholds.declare_ladder

    def ladder(properties: Any, sort: str, values: Any) -> None:
        whole(properties, sort, values)
        for one in values:
            for other in values:
                if one < 17 << 20 and other < 17 << 20:
                    properties.circuit.add(~properties.literals[sort, one], properties.literals[sort, other])

    patch(thresholds, "declare_ladder", ladder)


def scopes_are_opposites(patch: Patch) -> None:
    """L11: whoever is not inside would be outside."""
    whole = scopes.Scopes.sender

    def scope(self: Any, value: str, slot: Any) -> Any:
        return whole(self, value, slot) if value == "InOrganization" else negate(whole(self, "InOrganization", slot))

    patch(scopes.Scopes, "sender", scope)


def all_mail_arrives_in_clear(patch: Patch) -> None:
    """L19 and the table of arrivals."""
    whole = symbolic_message.SymbolicMessage._assume_the_usual

    def assume(self: Any, *about: Any) -> None:
        whole(self, *about)
        for literal in self.arrival.values():
            self.circuit.add(~literal)

    patch(symbolic_message.SymbolicMessage, "_assume_the_usual", assume)


def copies_are_never_split(patch: Patch) -> None:
    patch(
        compile_recipients.OtherRecipientsFormulas,
        "split",
        lambda self, conditions, rule, name, alive, matches, seen: compile_recipients.Split(
            seen.splits, seen.splits, alive
        ),
    )


def nobody_leaves_a_field(patch: Patch) -> None:
    """U07 would be settled."""
    patch(compile_recipients.OtherRecipientsFormulas, "still_there", lambda self, address, history: TRUE)


def stop_is_ignored(patch: Patch) -> None:
    patch(copy_state.CopyState, "stop", lambda self, logic, when, matches=None: None)


def releases_are_forgotten(patch: Patch) -> None:
    whole = compile_outcomes.CopyFate.__init__

    def fate(self: Any, *of: Any) -> None:
        whole(self, *of)
        self.gone |= self.released
        self.released = FALSE

    patch(compile_outcomes.CopyFate, "__init__", fate)


def removal_is_ignored(patch: Patch) -> None:
    protects, *others = compile_rules.FAMILIES

    def request(copy: Any, act: Any) -> None:
        protects.on_copy(copy, act)
        copy.removed = FALSE

    patch(compile_rules, "FAMILIES", (replace(protects, on_copy=request), *others))


def headers_stay(patch: Patch) -> None:
    patch(compile_text_edits.TextEdits, "replaced", lambda self, *arguments: arguments[-1])


def prefixes_are_ignored(patch: Patch) -> None:
    patch(compile_text_edits.Changer, "prefixed", lambda self, *arguments: {})


def prefixes_hide_no_word(patch: Patch) -> None:
    patch(message_content.PrefixedSubject, "begins", lambda self, key: FALSE)


def exchange_decrypts_everything(patch: Patch) -> None:
    patch(compile_rules.RuleChain, "_reject_encrypted", lambda self: None)


def nothing_of_an_address_is_open(patch: Patch) -> None:
    """What a named address may have (U17), it would have."""
    whole = address_relations.AddressRelations._has
    patch(
        address_relations.AddressRelations, "_has", lambda self, person, key, sure: whole(self, person, key, sure=True)
    )


def words_and_patterns_see_alike(patch: Patch) -> None:
    whole = message_content.relate_texts
    patch(message_content, "relate_texts", lambda circuit, atoms, alike=True: whole(circuit, atoms))


HEADER = {"header_contains_message_header": "X-Class", "header_contains_words": ["yes"]}
SET = {"set_header_name": "X-Class", "set_header_value": "yes"}

#: Rules and a guarantee that is not proved.
CLAIMS: dict[str, tuple[list[Values], Values]] = {
    "another word": ([rule("R", {**IN, **subject("quote")}, ENCRYPT)], {"when": {**IN, **subject("sales")}}),
    "the parent domain": (
        [rule("R", {**IN, "recipient_domain_is": ["eu.fabrikam.com"]}, ENCRYPT)],
        {"when": {**IN, "recipient_domain_is": ["fabrikam.com"]}},
    ),
    "somebody else": (
        [rule("R", {**IN, "sent_to": ["ann@fabrikam.com"]}, ENCRYPT)],
        {"when": {**IN, "recipient_domain_is": ["fabrikam.com"]}},
    ),
    "over the smaller": (
        [rule("R", {**IN, "message_size_over": "9MB"}, ENCRYPT)],
        {"when": {**IN, "message_size_over": "5MB"}},
    ),
    "forged senders": (
        [rule("R", {"from_scope": "NotInOrganization"}, {"delete_message": True}), rule("S", IN, ENCRYPT)],
        {"when": {}, "then": "not_in_clear"},
    ),
    "protected on arrival": (
        [rule("R", {}, {"remove_ome_v2": True})],
        {"when": OUTGOING, "then": "unencrypted", "unless": {}},
    ),
    "protected twice": ([ALL], {"when": OUTGOING, "template": "Encrypt"}),
    "split before any_of": (
        [
            rule("R", {"recipient_domain_is": ["fabrikam.com"]}, {"set_audit_severity": "Low"}),
            rule("S", {**IN, "any_of_recipient_address_contains_words": ["fabrikam"]}, ENCRYPT),
        ],
        {"when": {**IN, "any_of_recipient_address_contains_words": ["fabrikam"]}},
    ),
    "split before a field": (
        [
            rule("R", {"recipient_domain_is": ["fabrikam.com"]}, {"set_audit_severity": "Low"}),
            rule("S", {**IN, "any_of_to_header": ["ann@fabrikam.com"]}, ENCRYPT),
        ],
        {"when": {**IN, "any_of_to_header": ["ann@fabrikam.com"]}},
    ),
    "stopped before": ([rule("R", {**IN, **subject("public")}, STOP), ALL], {}),
    "released": ([rule("R", {**IN, **subject("bad")}, {"quarantine": True}), ALL], {"then": "not_in_clear"}),
    "decrypted": ([ALL, rule("R", {**IN, **subject("open")}, {"remove_ome_v2": True})], {}),
    "header set": (
        [rule("R", {**IN, **subject("x")}, SET), rule("S", {**IN, **HEADER}, STOP), ALL],
        {"unless": HEADER},
    ),
    "prefixed": (
        [rule("R", IN, {"prepend_subject": "public: "}), rule("S", {**IN, **subject("public")}, STOP), ALL],
        {"unless": subject("public")},
    ),
}


@pytest.mark.parametrize(
    ("mutant", "noticed_by"),
    [
        (words_hold_each_other, "another word"),
        (parents_are_in_their_children, "the parent domain"),
        (everybody_is_named, "somebody else"),
        (small_is_large, "over the smaller"),
        (scopes_are_opposites, "forged senders"),
        (all_mail_arrives_in_clear, "protected twice"),
        (copies_are_never_split, "split before any_of"),
        (nobody_leaves_a_field, "split before a field"),
        (stop_is_ignored, "stopped before"),
        (releases_are_forgotten, "released"),
        (removal_is_ignored, "decrypted"),
        (headers_stay, "header set"),
        (prefixes_are_ignored, "prefixed"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_mistake_is_noticed(
    mutant: Callable[[Patch], None], noticed_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, claim = CLAIMS[noticed_by]
    assert verdict(rules, **claim)["verdict"] in ("refuted", "unknown")
    mutant(monkeypatch.setattr)
    assert verdict(rules, **claim)["verdict"] == "proved"


def unknown_is(number: str, value: int) -> Callable[[Patch], None]:
    """An open question would be answered."""

    def mutant(patch: Patch) -> None:
        whole = Logic.unknown
        patch(Logic, "unknown", lambda self, *name: value if name[0] == number else whole(self, *name))

    mutant.__name__ = f"{number}_is_settled"
    return mutant


def held_is_lost(patch: Patch) -> None:
    """Approvals would never come."""
    whole = compile_outcomes.CopyFate.__init__

    def fate(self: Any, *of: Any) -> None:
        whole(self, *of)
        self.delivered &= ~self.waits()
        self.gone |= self.waits()

    patch(compile_outcomes.CopyFate, "__init__", fate)


def mail_from_anywhere_is_encrypted(patch: Patch) -> None:
    for name in ("_from_outside", "_unsure"):
        patch(compile_protection.ProtectionByRules, name, lambda self: FALSE)


def nothing_is_too_large(patch: Patch) -> None:
    patch(compile_protection.ProtectionByRules, "may_be_refused", FALSE)


def added_people_are_forgotten(patch: Patch) -> None:
    patch(encoding.Model, "added", lambda self, *_sides, **_how: compile_added_copies.AddedCopies((), cut=False))


def whom_a_field_names_is_somebody_else(patch: Patch) -> None:
    whole = other_people.Companions.companion

    def companion(self: Any, key: Any) -> Any:
        made = whole(self, key)
        for field in ("to", "cc") if key[0] == "address" else ():
            self._circuit.add(~self._addressing.named(key[1], field), made.there)
        return made

    patch(other_people.Companions, "companion", companion)


ADDS = rule("Adds", {**IN, **subject("x")}, {"copy_to": ["ann@fabrikam.com"]})
DNF = {"apply_rights_protection_template": "Do Not Forward"}
CLEAR_ONLY = [
    rule(kind, {"message_type_matches": kind}, {"delete_message": True})
    for kind in ("Encrypted", "PermissionControlled")
]
TO_SALES = {"recipient_address_contains_words": ["sales"]}
MANDATORY = {**TENANT, "irm_configuration": {"transport_decryption_setting": "Mandatory"}}
NAMED = {"sent_to": ["x@eu.fabrikam.com"], "any_of_to_cc_header": ["x@eu.fabrikam.com"], "from": ["megan@contoso.com"]}


@pytest.mark.parametrize(
    ("mutant", "rules", "claim"),
    [
        (
            unknown_is("U01", TRUE),
            [*CLEAR_ONLY, ALL, rule("R", IN, DNF)],
            {"then": "not_in_clear", "template": "Encrypt"},
        ),
        (unknown_is("U08", FALSE), [rule("R", {**IN, **subject("x")}, STOP, mode="Audit"), ALL], {}),
        (unknown_is("U09", TRUE), [ADDS, ALL], {"then": "not_in_clear"}),
        (
            held_is_lost,
            [
                rule("R", {**IN, **subject("x")}, {"moderate_message_by_user": ["bob@contoso.com"]}),
                rule("S", subject("x"), STOP),
                ALL,
            ],
            {"then": "not_in_clear"},
        ),
        (
            mail_from_anywhere_is_encrypted,
            [rule("R", {}, ENCRYPT)],
            {"when": {"from_scope": "NotInOrganization"}, "then": "not_in_clear"},
        ),
        (nothing_is_too_large, [ALL], {"when": {**OUTGOING, "message_size_over": "60MB"}}),
        (added_people_are_forgotten, [ALL, ADDS], {"then": "not_in_clear"}),
        (
            prefixes_hide_no_word,
            [rule("R", {}, {"prepend_subject": "internal"}), rule("S", {**IN, **subject("x")}, ENCRYPT)],
            {"when": {**IN, **subject("x")}},
        ),
        (
            nothing_of_an_address_is_open,
            [rule("R", {**IN, **TO_SALES}, ENCRYPT)],
            {"when": {**IN, "sent_to": ["sales_eu@fabrikam.com"]}},
        ),
        (
            words_and_patterns_see_alike,
            [rule("R", {**IN, "attachment_matches_patterns": ["secret"]}, ENCRYPT)],
            {"when": {**IN, "attachment_contains_words": ["secret"]}},
        ),
        (
            exchange_decrypts_everything,
            [],
            {"facts": MANDATORY, "when": {"message_type_matches": "PermissionControlled"}},
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_false_proof_is_noticed(
    mutant: Callable[[Patch], None], rules: list[Values], claim: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(rules, **claim)["verdict"] in ("refuted", "unknown")
    mutant(monkeypatch.setattr)
    assert verdict(rules, **claim)["verdict"] == "proved"


def test_a_false_refusal_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would be the recipient whom the field names."""
    rules = [rule("R", {}, ENCRYPT), rule("S", {"any_of_to_header": ["bob@contoso.com"]}, ENCRYPT)]
    assert verdict(rules, when=NAMED, then="not_in_clear")["verdict"] == "unknown"
    whom_a_field_names_is_somebody_else(monkeypatch.setattr)
    with pytest.raises(OptionError, match="no message can meet when and unless"):
        verdict(rules, when=NAMED, then="not_in_clear")


# Relations that are left out: what holds is no longer proved


def left_out(where: Any, name: str) -> Callable[[Patch], None]:
    """The relations that a function adds would not be there."""

    def mutant(patch: Patch) -> None:
        patch(where, name, lambda *_arguments, **_more: None)

    mutant.__name__ = f"without{name}"
    return mutant


def domains_together(patch: Patch) -> None:
    """An address could be in two domains, and no text would show that there is none like that."""
    left_out(Circuit, "at_most_one")(patch)
    patch(string_constraints, "_exclude", lambda *_arguments, **_more: False)


def words_apart_from_domains(patch: Patch) -> None:
    """The words in addresses would not be related to domains, and no text would show that they are."""
    left_out(address_relations.AddressRelations, "_relate_endings")(patch)
    patch(string_constraints, "_exclude", lambda *_arguments, **_more: False)


def without_members(patch: Patch) -> None:
    patch(address_relations.AddressRelations, "_relate_members", lambda self, people: setattr(self, "nested", {}))


def without_order(patch: Patch) -> None:
    """L14: limits would not be related."""

    def ladder(properties: Any, sort: str, values: Any) -> None:
        properties.literals.update({(sort, value): properties.circuit.variable((sort, value)) for value in values})

    patch(thresholds, "declare_ladder", ladder)


def without_clauses_of(*sorts: str) -> Callable[[Patch], None]:
    """The clauses with variables of these names would not be there."""

    def mutant(patch: Patch) -> None:
        whole = Circuit.add

        def add(self: Any, *clause: Literal) -> None:
            names = {
                literal: name
                for name, literal in self.names.items()
                if any(name == sort or (isinstance(name, tuple) and sort in name) for sort in sorts)
            }
            if not any(literal in names or ~literal in names for literal in clause):
                whole(self, *clause)

        patch(Circuit, "add", add)

    mutant.__name__ = f"without_{'_'.join(sorts)}"
    return mutant


def hops_apart(patch: Patch) -> None:
    """Ranges of addresses would have nothing to do with each other."""

    whole = message_properties.MessageProperties.__init__

    def apart(self: Any, circuit: Circuit, atoms: Any) -> None:
        whole(self, circuit, atoms)
        for key in self.literals:
            if key[0] == "range":
                self.literals[key] = circuit.variable(key)

    patch(message_properties.MessageProperties, "__init__", apart)


def content_is_never_hidden(patch: Patch) -> None:
    patch(compile_conditions.Conditions, "hidden_by_smime", lambda self, seen: FALSE)


ANYBODY: Values = {"accepted_domains": ["contoso.com"], "remote_domains": []}
GROUP: Values = {**TENANT, "groups": {"sales@contoso.com": ["bob@contoso.com"]}}


@pytest.mark.parametrize(
    ("mutant", "rules", "claim"),
    [
        (
            left_out(message_content, "relate_texts"),
            [rule("R", {**IN, **subject("offer")}, ENCRYPT)],
            {"when": {**IN, **subject("big offer")}},
        ),
        (
            left_out(message_content, "relate_texts"),
            [rule("R", {**IN, "subject_matches_patterns": ["offer"]}, ENCRYPT)],
            {"when": {**IN, **subject("offer")}},
        ),
        (
            left_out(address_relations.AddressRelations, "_relate_domains"),
            [rule("R", {**IN, "recipient_domain_is": ["fabrikam.com"]}, ENCRYPT)],
            {"when": {**IN, "recipient_domain_is": ["eu.fabrikam.com"]}},
        ),
        (
            left_out(address_relations.AddressRelations, "_relate_domains"),
            [rule("R", {**IN, "recipient_domain_is": ["fabrikam.com"]}, ENCRYPT)],
            {"when": {**IN, "sent_to": ["ann@fabrikam.com"]}},
        ),
        (
            domains_together,
            [rule("S", {**IN, "recipient_domain_is": ["northwind.com"]}, STOP), rule("R", IN, ENCRYPT)],
            {"when": {**IN, "recipient_domain_is": ["fabrikam.com"]}},
        ),
        (
            left_out(Circuit, "at_most_one"),
            [rule("S", {"with_importance": "Low"}, STOP), ALL],
            {"when": {**OUTGOING, "with_importance": "High"}},
        ),
        (
            words_apart_from_domains,
            [rule("R", {**IN, "recipient_address_contains_words": ["fabrikam"]}, ENCRYPT)],
            {"when": {**IN, "recipient_domain_is": ["fabrikam.com"]}},
        ),
        (
            without_members,
            [rule("R", {**IN, "sent_to": ["bob@contoso.com"]}, ENCRYPT)],
            {"facts": GROUP, "when": {**IN, "sent_to_member_of": ["sales@contoso.com"]}},
        ),
        (
            left_out(address_relations.AddressRelations, "_relate_directory"),
            [rule("R", {**IN, "sent_to_scope": "InOrganization"}, ENCRYPT)],
            {"facts": ANYBODY, "when": {**IN, "recipient_ad_attribute_contains_words": ["City:Rome"]}},
        ),
        (
            without_order,
            [rule("R", {**IN, "message_size_over": "5MB"}, ENCRYPT)],
            {"when": {**IN, "message_size_over": "9MB"}},
        ),
        (
            without_clauses_of("attachment"),
            [rule("R", {**IN, "message_size_over": "5MB"}, ENCRYPT)],
            {"when": {**IN, "attachment_size_over": "9MB"}},
        ),
        (
            without_clauses_of("no classification"),
            [rule("S", {"has_no_classification": True}, STOP), ALL],
            {"when": {**OUTGOING, "has_classification": "a"}},
        ),
        (
            hops_apart,
            [rule("R", {**IN, "sender_ip_ranges": ["10.0.0.0/8"]}, ENCRYPT)],
            {"when": {**IN, "sender_ip_ranges": ["10.1.0.0/16"]}},
        ),
        (
            content_is_never_hidden,
            [rule("R", {"subject_or_body_contains_words": ["x"]}, {"delete_message": True})],
            {"when": {"message_type_matches": "Encrypted", "subject_or_body_contains_words": ["x"]}},
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_lost_proof_is_noticed(
    mutant: Callable[[Patch], None], rules: list[Values], claim: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(rules, **claim)["verdict"] == "proved"
    mutant(monkeypatch.setattr)
    assert verdict(rules, **claim)["verdict"] != "proved"
