# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of mail of which once nothing was said, and sentences that were not true. Each was found by an attack."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from random import Random
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import FALSE, Literal
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.circuit import Circuit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic import encoding

from tests.unit.mail_flow import small_rules
from tests.unit.mail_flow.answers import difference
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, STOP, rule, unknown_ids
from tests.unit.mail_flow.emulating import emulated, simulated
from tests.unit.mail_flow.small_worlds import TENANT
from tests.unit.mail_flow.themes import drawn

Values = dict[str, Any]


def brand(name: str) -> Values:
    return {"apply_rights_protection_customization_template": name}


BRAND = brand("Board")
ALL = rule("All", IN, ENCRYPT)
ANN, BOB, JOE = "ann@fabrikam.com", "bob@contoso.com", "joe@northwind.com"


def rows(before: Sequence[Values], after: Sequence[Values]) -> list[Values]:
    found = difference(before, after, TENANT, NOW)
    assert found.complete
    return found.rows


def subject(*words: str) -> Values:
    return {**IN, "subject_contains_words": list(words)}


def prefix(name: str, text: str) -> Values:
    return rule(name, IN, {"prepend_subject": text})


def test_the_copies_of_two_people_whom_one_rule_adds_are_two() -> None:
    sends, stops = rule("Sends", IN, {"redirect_message_to": [JOE, BOB]}), rule("Stops", {"sent_to": [BOB]}, STOP)
    lost = {row.get("added") for row in rows([ALL, sends, stops], [sends, stops]) if row["kind"] == "protection_lost"}
    assert lost == {BOB, JOE}
    for person in lost:
        assert emulated([ALL, sends, stops], recipient=str(person))["protection"] == "encrypt"


@pytest.mark.parametrize("what", ["apply_rights_protection_customization_template", "apply_rights_protection_template"])
def test_names_in_other_letters_are_the_same_names(what: str) -> None:
    """A clause that was meant to follow said that one rule acts where another one does."""
    first, same = rule("First", subject("x"), {what: "Board"}), rule("Same", IN, {what: "board"})
    more = rule(
        "More",
        subject("y"),
        {"apply_rights_protection_customization_template": "Plain"}
        if what.endswith("protection_template")
        else ENCRYPT,
    )
    kinds = {row["kind"] for row in rows([first, same, more], [same])}
    assert kinds & {"protection_lost", "branding_changed"}
    assert {row["kind"] for row in rows([{**first, "actions": {what: "board"}}, same, more], [same])} == kinds


HEADER = {**IN, "header_matches_message_header": "X-A", "header_matches_patterns": [r"\bEXT\b"]}
CHANGES: dict[str, tuple[list[Values], list[Values]]] = {
    "a prefix before another one": (
        [prefix("Q", "secret: "), prefix("P", "top "), rule("K", subject("top secret"), ENCRYPT)],
        [prefix("P", "top "), rule("K", subject("top secret"), ENCRYPT)],
    ),
    "a longer prefix": tuple(  # type: ignore[dict-item]
        [prefix("P", text), rule("K", IN, ENCRYPT, exceptions={"subject_contains_words": ["top secret plan"]})]
        for text in ("top ", "top secret ")
    ),
    "a pattern over two prefixes": (
        [
            prefix("Q", "[EXT] "),
            prefix("P", "[SEC] "),
            rule("K", {**IN, "subject_matches_patterns": [r"^\[SEC\] \[EXT\]"]}, ENCRYPT),
        ],
        [prefix("P", "[SEC] "), rule("K", {**IN, "subject_matches_patterns": [r"^\[SEC\] \[EXT\]"]}, ENCRYPT)],
    ),
    "another end of the text": tuple(  # type: ignore[dict-item]
        [
            rule("P", IN, {"apply_html_disclaimer_text": "x", "apply_html_disclaimer_location": where}),
            rule("K", {**IN, "subject_or_body_matches_patterns": ["^b"]}, ENCRYPT),
        ]
        for where in ("Append", "Prepend")
    ),
    "an open pattern": tuple(  # type: ignore[dict-item]
        [prefix("P", text), rule("K", {**IN, "subject_matches_patterns": [r"\bEXT\b"]}, ENCRYPT)]
        for text in ("EXT ", "EXTERNAL ")
    ),
    "an open pattern in a header": tuple(  # type: ignore[dict-item]
        [rule("P", IN, {"set_header_name": "X-A", "set_header_value": text}), rule("K", HEADER, ENCRYPT)]
        for text in ("EXT", "EXTERNAL")
    ),
    "another spam level": tuple(  # type: ignore[dict-item]
        [rule("P", IN, {"set_scl": level}), rule("K", {**IN, "scl_over": 5}, ENCRYPT)] for level in (1, 9)
    ),
    "another token": tuple(  # type: ignore[dict-item]
        [
            rule("P", IN, {"apply_html_disclaimer_text": text}),
            rule("K", {**IN, "subject_or_body_contains_words": ["sales"]}, ENCRYPT),
        ]
        for text in ("%%Department%%", "%%Company%%")
    ),
    "rules that encrypt and decrypt": (
        [ALL, rule("D", IN, {"remove_ome_v2": True})],
        [rule("D", IN, {"remove_ome_v2": True}), ALL],
    ),
    "two templates": tuple(  # type: ignore[dict-item]
        order
        for order in ([ALL, rule("F", IN, {"apply_rights_protection_template": "Do Not Forward"})],)
        for order in (order, order[::-1])
    ),
    "a prefix with an underscore": (
        [rule("K", subject("a"), ENCRYPT)],
        [prefix("P", "x_"), rule("K", subject("a"), ENCRYPT)],
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_open_of_two_texts_or_orders_is_not_the_same(what: str) -> None:
    """The same name of what is open made them alike, so that nothing was said."""
    before, after = CHANGES[what]
    assert rows(before, after)
    assert not rows(before, before)


def test_a_word_that_an_underscore_or_a_script_without_spaces_touches_is_open() -> None:
    assert unknown_ids([prefix("P", "x_"), rule("K", subject("a"), ENCRYPT)], when=subject("a")) == ["U17"]
    assert unknown_ids([rule("K", subject("a"), ENCRYPT)], when={**IN, "subject_matches_patterns": ["^a_b$"]}) == [
        "U17"
    ]
    header = {"set_header_name": "X-A", "set_header_value": "\N{CJK UNIFIED IDEOGRAPH-4E2D}secret"}
    looks = {**IN, "header_contains_message_header": "X-A", "header_contains_words": ["secret"]}
    rules = [rule("P", IN, header), rule("S", looks, STOP), ALL]
    assert unknown_ids(rules) == ["U17"]
    assert [found["protection"] for found in (emulated(rules), simulated(rules))] == ["unknown", "unknown"]


@pytest.mark.parametrize("html", ["a<b>b</b>", "<style>a</style>x", "<!-- a -->x"])
def test_what_rules_read_of_markup_is_open(html: str) -> None:
    rules = [
        rule("P", IN, {"apply_html_disclaimer_text": html}),
        rule("K", IN, ENCRYPT, exceptions={"subject_or_body_contains_words": ["a"]}),
    ]
    assert unknown_ids(rules, unless={"subject_or_body_contains_words": ["a"]}) == ["U00"]
    assert [found["protection"] for found in (emulated(rules), simulated(rules))] == ["unknown", "unknown"]


@pytest.mark.parametrize(
    ("actions", "text"),
    [
        (
            {"apply_html_disclaimer_text": "x", "apply_html_disclaimer_fallback_action": "Reject"},
            # So it is of mail with an S/MIME signature, or with another organization's keys.
            "Some mail from inside is now rejected: ",
        ),
        (
            {"remove_ome_v2": True},
            "All mail from inside that arrives protected by the organization's own keys is no longer encrypted: ",
        ),
    ],
)
def test_a_sentence_tells_how_mail_has_to_arrive(actions: Values, text: str) -> None:
    (row,) = [row for row in rows([], [rule("M", IN, actions)]) if row["kind"] != "unknown"]
    assert (row["text"].startswith(text), row["every"]) == (True, False)


def test_the_copy_of_another_recipient_may_reach_whom_a_rule_adds() -> None:
    copies = rule("C", IN, {"copy_to": [JOE]})
    spared = {**copies, "exceptions": {"sent_to": [ANN]}}
    (row,) = rows([copies], [spared])
    assert (row["text"].startswith(f"Mail from inside to {ANN} no longer reaches {JOE}"), row["every"]) == (True, False)
    assert emulated([spared], recipient=JOE, to=[ANN, "kim@example.org"])["fate"] == "delivered"


def test_a_part_of_a_difference_that_takes_two_recipients_is_told() -> None:
    """Mail to one recipient shows the other parts of the same kind, with the same cause."""
    header = {"header_contains_message_header": "X-A", "header_contains_words": ["yes"]}
    first = rule("First", {"any_of_to_header": [BOB]}, STOP)
    others = [
        rule("Two", {"any_of_to_header": [ANN], "recipient_domain_is": ["contoso.com"]}, BRAND),
        rule("One", {**header, "recipient_address_contains_words": ["eu"]}, {**ENCRYPT, **BRAND}),
    ]
    found = rows([first, *others], [{**first, "conditions": {**header, "sent_to": ["x@eu.fabrikam.com"]}}, *others])
    later = {(*row["later"], row["becomes"]) for row in found if row["kind"] == "branding_changed"}
    assert {("One", ""), ("Two", "Board")} <= later


def test_whom_a_field_names_is_not_compared_as_somebody_whom_rules_add() -> None:
    copies = rule("C", {"any_of_to_header": [JOE]}, {"copy_to": [JOE]})
    assert [row.get("added") for row in rows([copies], [copies, ALL])] == [None]


TEMPLATE = "apply_rights_protection_template"


@pytest.mark.parametrize(
    ("one", "other", "are_two"), [("Maße", "Masse", True), ("Maße", "MAßE", False), ("Board", "BOARD", False)]
)
def test_names_of_templates_and_classifications_are_compared_as_exchange_does(
    one: str, other: str, *, are_two: bool
) -> None:
    """A sharp s is not two of them."""
    before, after = ([rule("R", IN, {TEMPLATE: name})] for name in (one, other))
    assert [row["kind"] for row in rows(before, after)] == (["protection_changed"] if are_two else [])
    both = [*before, rule("S", IN, {TEMPLATE: other})]
    assert (simulated(both)["protection"] == "protected_option_unknown") is are_two
    before, after = ([rule("R", {**IN, "has_classification": name}, ENCRYPT)] for name in (one, other))
    assert bool(rows(before, after)) is are_two


@pytest.mark.parametrize("second", [{TEMPLATE: "Do Not Forward"}, {"remove_ome_v2": True}], ids=["U01", "U02"])
def test_the_order_of_rules_that_act_is_the_order(second: Values) -> None:
    """Whichever of the others may act, too."""
    orders = [rule("R1", subject("x"), ENCRYPT), rule("R2", IN, second), rule("R3", subject("y"), ENCRYPT)]
    assert {row["kind"] for row in rows(orders, orders[::-1])} == {"unknown"}


def test_whether_a_rule_sees_somebody_who_was_added_is_another_question_of_another_rule() -> None:
    """Of a copy for joe alone, a rule about all recipients may look at him (U09)."""
    copies = rule("C", IN, {"redirect_message_to": [JOE]})
    before, after = (
        [copies, rule("K", {**IN, "any_of_recipient_address_contains_words": [word]}, ENCRYPT)]
        for word in ("joe", "northwind")
    )
    assert ("unknown", JOE) in {(row["kind"], row.get("added")) for row in rows(before, after)}


def _approves(name: str, conditions: Values) -> Values:
    return rule(name, conditions, {"moderate_message_by_user": [BOB]})


def test_what_another_approval_holds_is_not_delivered() -> None:
    """Nor was it before."""
    every, some, holds = (
        _approves("Every", IN),
        _approves("Some", {"subject_contains_words": ["x"]}),
        rule("Holds", IN, {"quarantine": True}),
    )
    for before, after in (([every, some], [some]), ([some], [every, some]), ([some, holds], [some])):
        assert [(row["kind"].split("_")[0], row["every"]) for row in rows(before, after)] == [("delivery", False)]
    assert [row["every"] for row in rows([every], [])] == [True]


@pytest.mark.parametrize(
    ("words", "steer"),
    [
        (["deal"], []),
        (["x"], ["One", "Two"]),  # The word is in the prefix.
        (["x deal"], ["One", "Two"]),  # The prefix and the subject may join to it.
    ],
)
def test_a_rule_whose_change_nobody_sees_does_not_steer(words: list[str], steer: list[str]) -> None:
    """What follows while nothing steers mail apart is said of more questions the fewer rules do."""
    rules = RuleSet([prefix("One", "[x] "), prefix("Two", "x "), rule("Encrypts", subject(*words), ENCRYPT)])
    (chain,) = encoding.Model([rules], RuleSet([]), TENANT, NOW).free.chains
    assert [each.name for each in rules.rules if chain.steers(each) != FALSE] == steer


# Clauses that follow


class _Noted(Circuit):
    """A circuit that leaves out what follows, and notes it. What is open of those who share a copy, and of what rules
    asked for, is alike where the same people do, and rules asked for the same. No clause says that: here it is alike
    anyway.
    """

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[Literal, ...]] = []

    def follows(self, *clause: Literal) -> None:
        self.noted.append(clause)

    def variable(self, name: Hashable) -> Literal:
        if isinstance(name, tuple) and name[0] == "unknown" and name[1] in ("U03", "U05", "U07", "U09"):
            name = tuple(
                part for part in (name[:-1] if name[1] == "U05" else name) if not isinstance(part, int | Literal)
            )
        return super().variable(name)


def _drawn(seed: int) -> tuple[list[Values], list[Values], Values]:
    source, theme = Random(seed), drawn(seed)
    _tenant, told = theme.organization(source)
    before = (small_rules.shared_rule_set if seed % 2 else small_rules.rule_set)(source, theme)
    return before, small_rules.edited(source, before, theme), told


def _without_first(*rules: Values) -> tuple[list[Values], list[Values], Values]:
    return [*rules], [*rules[1:]], TENANT


#: Rules before and after, and the organization. No rule looks for people in fields: that these are there still, while
#: nobody leaves, no clause says.
SETS: dict[str, tuple[list[Values], list[Values], Values]] = {
    "two people": _without_first(
        ALL, rule("R", IN, {"redirect_message_to": [JOE, BOB]}), rule("S", {"sent_to": [BOB]}, STOP)
    ),
    "letters": _without_first(
        rule("A", subject("x"), BRAND), rule("B", IN, brand("board")), rule("C", subject("y"), ENCRYPT)
    ),
    **{str(seed): found for seed in range(80) if not re.search(r"any_of_(to|cc)", str(found := _drawn(seed)))},
}


@pytest.mark.parametrize("name", SETS)
def test_what_is_said_to_follow_follows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clause too many hides changes. Each is asked about without any of them."""
    before, after, tenant = SETS[name]
    made: list[_Noted] = []

    def circuit() -> _Noted:
        made.append(_Noted())
        return made[-1]

    monkeypatch.setattr(encoding, "Circuit", circuit)
    difference(before, after, tenant, NOW)
    for each in made:
        for clause in each.noted:
            assert each.solver.solve([(~literal).code for literal in clause], 3_000) is not True, clause
