# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about what the sender is to a recipient. On whom a rule then acts is not documented (U05)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..._exchange.text import listed
from ..formula import Value
from ..model import questions
from ..model.addresses import is_name
from ..model.kleene import Truth, all_of, any_of, negate, opened
from ..model.rule_view import RuleView, Settings
from .formulas import AddressVariables, Formulas
from .people import everybody
from .predicate import (
    Atom,
    Evaluate,
    Phrase,
    Predicate,
    Reach,
    as_list_of,
    list_predicate,
    lowercase_texts,
    row,
    single,
)
from .seen_message import SeenMessage

# Evaluation


def relation(decide: Callable[[RuleView, str, Any], Truth]) -> Evaluate:
    """A predicate about the relation of sender and recipient. Whether it splits a message with several recipients is
    not documented.
    """

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        of_recipient = decide(rule_view, rule_view.recipient.address, values)
        people = (*rule_view.fork.sure, *(person for person, _reasons in rule_view.fork.perhaps))
        if not any(is_name(person.address) for person in people) and all(
            decide(rule_view, person.address, values) == of_recipient
            for person in people
            if isinstance(of_recipient, bool)
        ):
            return of_recipient
        return opened(("relation", rule_view.recipient.address, values), questions.RELATION_TO_WHOM, "relation")

    return evaluate


def is_manager_of_sender(rule_view: RuleView, values: tuple[Any, ...], settings: Settings) -> Truth:
    """Whether the sender's manager is one of the named people."""
    return _manages(rule_view, rule_view.facts.people.primary(rule_view.message.sender), values)


def _manages(rule_view: RuleView, person: str, managers: Iterable[str]) -> Truth:
    manager = rule_view.facts.people.manager(person)
    return (
        opened(("manager", person), questions.A_FACT, "manager", person)
        if manager is None
        else bool(manager) and manager in managers
    )


def is_manager_of_recipient(rule_view: RuleView, person: str, values: tuple[Any, ...]) -> Truth:
    """Whether the recipient's manager is one of the named people."""
    return _manages(rule_view, person, values)


def is_related(rule_view: RuleView, person: str, value: str) -> Truth:
    """Whether the sender is the recipient's manager (``Manager``), or the recipient the sender's (``DirectReport``)."""
    sender = rule_view.facts.people.primary(rule_view.message.sender)
    return _manages(rule_view, person, (sender,)) if value == "Manager" else _manages(rule_view, sender, (person,))


def is_between(rule_view: RuleView, person: str, values: tuple[tuple[str, ...], tuple[str, ...]]) -> Truth:
    """Whether the sender is in one group and the recipient in the other, either way round."""
    sender = rule_view.facts.people.primary(rule_view.message.sender)

    def in_one(address: str, groups: tuple[str, ...]) -> Truth:
        return any_of(rule_view.facts.is_member(address, group) for group in groups)

    first, second = values
    return any_of(
        (
            all_of((in_one(sender, first), in_one(person, second))),
            all_of((in_one(sender, second), in_one(person, first))),
        )
    )


def has_equal_attribute(rule_view: RuleView, person: str, values: tuple[str, str]) -> Truth:
    """Whether an attribute has the same value for sender and recipient (``Equal``), or another one (``NotEqual``)."""
    name, operator = values
    sender = rule_view.facts.people.primary(rule_view.message.sender)
    one, other = rule_view.facts.attribute(sender, name), rule_view.facts.attribute(person, name)
    if one is None or other is None:
        return opened(
            ("attribute", sender, person, name), questions.A_FACT, "attribute", name, sender if one is None else person
        )
    if not one or not other:
        unset = person if one else sender
        return opened(("attribute", sender, person, name), questions.RELATION_TO_WHOM, "attribute_not_set", name, unset)
    equal = one.casefold() == other.casefold()
    return equal if operator == "Equal" else negate(equal)


def _is_managed(rule_view: RuleView, values: tuple[str, tuple[str, ...]], settings: Settings) -> Truth:
    if values[0] == "Sender":
        return is_manager_of_sender(rule_view, values[1], settings)
    return relation(lambda seen, person, wanted: is_manager_of_recipient(seen, person, wanted[1]))(
        rule_view, values, settings
    )


def never_documented(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
    """A supervision list: Microsoft reserves it, so its content is unknown."""
    return opened(("list", rule_view.recipient.address, values), questions.A_FACT, "reserved")


# Formulas


def _formula(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """An unknown: on whom a rule acts is not documented (U05). It may depend on who shares the copy, including people whom
    rules added.
    """
    return formulas.logic.unknown(
        questions.RELATION_TO_WHOM, atom.predicate.options, repr(atom.values), person.name, seen.splits, seen.added
    )


def _formula_between(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """Whether sender and recipient are in one group each: false of mail from somebody in neither, whichever recipients count;
    as it is documented of mail for one recipient alone; unknown otherwise.
    """
    logic, sender, (first, second) = formulas.logic, formulas.mail.sender, atom.values

    def in_one(who: AddressVariables, groups: tuple[str, ...]) -> Value:
        return logic.any_of([who.value(("member", group), logic) for group in groups])

    perhaps = in_one(sender, (*first, *second)) & _formula(formulas, atom, seen, person)
    if seen.added or person is not formulas.mail.recipient:
        return perhaps
    between = (in_one(sender, first) & in_one(person, second)) | (in_one(sender, second) & in_one(person, first))
    return logic.choose(logic.all_of(formulas.other_recipients.nobody), between, perhaps)


# Words


def _saw(rule_view: RuleView, atom: Atom) -> str:
    return f"{rule_view.message.sender} to {everybody(rule_view.fork)}"


def _comparison(values: tuple[str, str]) -> tuple[str, list[Any]]:
    name, operator = values
    return (
        f"to people with the sender's {name}"
        if operator == "Equal"
        else f"to people with another {name} than the sender's"
    ), []


# The rows

#: What the conditions have in common.
_RELATION: Mapping[str, Any] = {
    "looks_at": "relation",
    "sort": "relation",
    "reach": Reach.RELATION,
    "formula": _formula,
    "witness": None,
    "saw": _saw,
}
_TO_SENDER: Mapping[str, Any] = {**_RELATION, "headers": ("from",)}

#: The conditions, in the order of the documentation.
RELATIONS: tuple[Predicate, ...] = (
    list_predicate(
        "sender_in_recipient_list",
        **_TO_SENDER,
        untraced="semantics",
        evaluate=never_documented,
        phrase=Phrase(0, "from people in a list {} of the recipient"),
    ),
    list_predicate(
        "recipient_in_sender_list",
        **_TO_SENDER,
        untraced="semantics",
        evaluate=never_documented,
        phrase=Phrase(2, "to people in a list {} of the sender"),
    ),
    single(
        "sender_management_relationship",
        **_TO_SENDER,
        column="pair",
        evaluate=relation(is_related),
        managers=True,
        unknowns=(questions.RELATION_TO_WHOM,),
        phrase=Phrase(2, "to people whose manager is the sender", forms={"DirectReport": "to the sender's manager"}),
    ),
    row(
        "manager_for_evaluated_user",
        "manager_addresses",
        **_RELATION,
        headers_of=lambda values: ("from",) if values[0] == "Sender" else (),
        column="pair",
        evaluate=_is_managed,
        managers=True,
        read=lambda section: (
            str(section["manager_for_evaluated_user"]),
            lowercase_texts("manager_addresses")(section),
        ),
        shown=as_list_of,
        unknowns=(questions.RELATION_TO_WHOM,),
        reach_of=lambda values: Reach.SENDER if values[0] == "Sender" else Reach.RELATION,
        phrase=Phrase(2, "to people whose manager is {}", "", {"Sender": "from people whose manager is {}"}),
    ),
    row(
        "ad_comparison_attribute",
        "ad_comparison_operator",
        optional=("ad_comparison_operator",),
        **_TO_SENDER,
        column="pair",
        evaluate=relation(has_equal_attribute),
        read=lambda section: (
            str(section["ad_comparison_attribute"]),
            str(section.get("ad_comparison_operator") or "Equal"),
        ),
        shown=_comparison,
        unknowns=(questions.RELATION_TO_WHOM,),
        phrase=Phrase(2, "<>"),
    ),
    row(
        "between_member_of_1",
        "between_member_of_2",
        **{**_TO_SENDER, "formula": _formula_between},
        column="pair",
        evaluate=relation(is_between),
        groups=lambda values: (*values[0], *values[1]),
        read=lambda section: (
            lowercase_texts("between_member_of_1")(section),
            lowercase_texts("between_member_of_2")(section),
        ),
        shown=lambda values: (" and members of ".join(listed(group) for group in values), []),
        unknowns=(questions.NESTED_GROUPS, questions.RELATION_TO_WHOM),
        phrase=Phrase(0, "between members of <>"),
    ),
)
