# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about all recipients of a copy, and about those whom its fields name. A rule with one of them does not
split the copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..formula import Value, high
from ..model import questions
from ..model.addresses import is_name
from ..model.facts import Facts
from ..model.header_edits import ADDED
from ..model.kleene import Truth, any_of, opened, with_field
from ..model.message_recipients import people_behind
from ..model.rule_view import RuleView, Settings
from .formulas import AddressVariables, Formulas
from .keys import RECIPIENT, Key, holds
from .people import (
    OfAddress,
    address_has_pattern,
    address_has_word,
    address_is,
    everybody,
    has_one,
    if_present,
    known_by_name_only,
    member_of,
    read_address,
)
from .predicate import Atom, Evaluate, Phrase, Predicate, Reach, any_value_in, list_predicate, lowercase_texts, words_in
from .recipients import address_of, as_written
from .seen_message import SeenMessage

#: The visible fields of recipients.
SHOWN_FIELDS = ("to", "cc")

#: The maximum number of members of groups in fields who are modeled.
_MOST_MODELED = 8

# Evaluation


def of_any_address(decide: OfAddress) -> Evaluate:
    """A predicate about the addresses of all recipients of the copy."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        sure = any_of(address_of(decide, rule_view, person, values, settings) for person in rule_view.fork.sure)
        if sure is True:
            return True
        others = (
            if_present(address_of(decide, rule_view, person, values, settings), person, reasons)
            for person, reasons in rule_view.fork.perhaps
        )
        return with_field(any_of((sure, *others)), "to")

    return evaluate


def of_fields(fields: tuple[str, ...], decide: OfAddress) -> Evaluate:
    """A predicate about who is named in the To or Cc field."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        if "fields" in rule_view.message.unsaid:
            return opened(("fields", fields, values), questions.A_FACT, "fields")
        named = [address for name in fields for address in getattr(rule_view.message, name)]
        added_by_rules = [
            (person, edit.reason)
            for name in fields
            for edit in rule_view.content.edits_of((ADDED[name],))
            for person in people_behind(rule_view.facts, edit.what[1])
            if edit.reason
        ]
        return any_of(
            (
                *(_in_field(decide, rule_view, written.lower(), values, settings) for written in named),
                *(
                    if_present(
                        known_by_name_only(person)
                        if is_name(person.address)
                        else decide(rule_view, person.address, values, settings),
                        person,
                        (reason,),
                    )
                    for person, reason in added_by_rules
                ),
            )
        )

    return evaluate


def _in_field(decide: OfAddress, rule_view: RuleView, written: str, values: Any, settings: Settings) -> Truth:
    """Evaluates a predicate on somebody whom a field names; open if that person does not share the copy (U07), or if the
    field names an alias (U24).
    """
    primary = rule_view.facts.people.primary(written)
    by_primary = read_address(decide, rule_view, primary, values, settings)
    if by_primary is False:
        return False
    if primary != written and decide(rule_view, written, values, settings) is False:
        return opened(("field", written, values), questions.ALIASES, "alias_in_header", written, primary)
    in_copy = {
        address
        for person in rule_view.fork.sure
        for address in (person.address, person.group, *map(rule_view.facts.people.primary, person.also))
    }
    if primary not in in_copy:
        field_counts = rule_view.facts.observed.get(questions.FIELDS_OF_A_COPY)
        if field_counts:
            return by_primary
        if field_counts is False and not _may_share_copy(rule_view, primary):
            return False
        return opened(("field", written, values), questions.FIELDS_OF_A_COPY, "header_of_a_copy", written)
    return by_primary


def _may_share_copy(rule_view: RuleView, primary: str) -> bool:
    """Whether somebody who may share the copy was written to at an address: at their own, or at a group's."""
    fork = rule_view.fork
    reached = {primary, *rule_view.facts.groups.members_of(primary)}
    return any(person.address in reached for person in (*fork.sure, *(person for person, _reasons in fork.perhaps)))


# Formulas


def _formula(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """Whether somebody who shares the copy has one of the values in the address."""
    written = atom.settings.address_type == "Original"
    own = has_one(formulas, formulas.mail.recipient, atom)
    others = [
        value
        for key in atom.keys
        for value in (
            formulas.other_recipients.another_has(key, seen.splits, written=written),
            *_by_added_recipients(formulas, atom, key, seen),
        )
    ]
    return formulas.logic.any_of((as_written(formulas, own, atom, seen) if written else own, *others))


def _by_added_recipients(
    formulas: Formulas, atom: Atom, key: Key, seen: SeenMessage, fields: tuple[str, ...] = ("to", "cc", "bcc")
) -> list[Value]:
    """The contribution of recipients added by rules: whether later rules consider them is open (U09), separately after
    each split.
    """
    logic = formulas.logic
    return [
        when & logic.unknown(questions.ADDED_RECIPIENTS, name, address, atom.predicate.options, seen.splits)
        for address, field, when, name in seen.added
        if field in fields and (not address or _may_have(formulas, address, key))
    ]


def _may_have(formulas: Formulas, address: str, key: Key) -> bool:
    """Whether somebody may have an atom."""
    facts, (sort, value) = formulas.mail.facts, key
    primary = facts.people.primary(address)
    if sort == "member":
        return facts.is_member(primary, value) is not False
    return primary == value if sort == "address" else holds(primary, key) is not False


@dataclass(frozen=True, slots=True)
class MembersInFields:
    """The members of groups for whom conditions look in fields, as far as each of them is modeled.

    :param modeled: their primary addresses.
    :param others: whether a field may name a member who is not modeled.
    """

    modeled: tuple[str, ...]
    others: bool


def members_in_fields(facts: Facts, groups: Iterable[str]) -> MembersInFields:
    """The members of some groups, as far as they are modeled: the first ones of a large group are enough to show that a
    rule looks for them.
    """
    known = facts.groups.members or {}
    listed = [known.get(group) for group in groups]
    people = {person for members in listed for person in members or ()}
    direct = sorted(people - known.keys())
    others = None in listed or len(direct) < len(people) or len(direct) > _MOST_MODELED
    return MembersInFields(tuple(direct[:_MOST_MODELED]), others)


def _formula_of_members(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """Whether a field names a member of one of the groups."""
    logic, (option,), fields = formulas.logic, atom.predicate.options, atom.predicate.fields
    ways = [value for key in atom.keys for value in _by_added_recipients(formulas, atom, key, seen, fields)]
    members = members_in_fields(formulas.mail.facts, atom.values)
    for address in members.modeled:
        ways += _named_in_fields(formulas, atom, seen, address)
    if members.others:
        # The one that is named may be gone, or somebody else: only that the field still counts decides.
        counts = logic.observed.get(questions.FIELDS_OF_A_COPY)
        counts_anyway = (
            logic.known(True) if counts else logic.unknown("field of a copy", option, atom.values, seen.splits)
        )
        ways.append(formulas.mail.addressing.members_named & counts_anyway)
    return logic.any_of(ways)


def _formula_of_fields(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """Whether a field names one of the people."""
    fields = atom.predicate.fields
    ways: list[Value] = []
    for address in atom.values:
        ways += _named_in_fields(formulas, atom, seen, address)
        ways += _by_added_recipients(formulas, atom, ("address", address), seen, fields)
    return formulas.logic.any_of(ways)


def _named_in_fields(formulas: Formulas, atom: Atom, seen: SeenMessage, address: str) -> list[Value]:
    """The ways in which a field may name somebody. All conditions treat an alias there alike, unless rules distinguish
    it: such mail is like mail to the primary address, in that field or in Bcc.
    """
    logic, mail = formulas.logic, formulas.mail
    (option,), fields = atom.predicate.options, atom.predicate.fields
    named = mail.circuit.disjunction([mail.addressing.named(address, name) for name in fields])
    counts = logic.observed.get(questions.FIELDS_OF_A_COPY)
    # Members of a group who share the copy are not modeled: that the field counts for nobody decides nothing of it.
    of_group = counts is False and address in mail.facts.groups.expanded
    question = "field of a group" if of_group else questions.FIELDS_OF_A_COPY
    # Where it is not known who shares the copy, another split may mean another answer.
    history = 0 if formulas.other_recipients.is_modeled(address) else seen.splits
    counts_anyway = logic.unknown(question, option, atom.values, address, history)
    stays = formulas.other_recipients.still_there(address, seen.splits)
    there = mail.recipient["address", address] | stays | counts_anyway
    ways: list[Value] = [named & there]
    if mail.addressing.watches_aliases:
        own = ~mail.addressing.direct & mail.recipient["address", address]
        at_alias = own | formulas.other_recipients.at_alias(address)
        by_alias = logic.unknown(questions.ALIASES, option, atom.values, atom.settings.address_type, address)
        if logic.free:
            mail.addressing.perhaps_named.setdefault(address, {})[high(by_alias)] = None
        ways.append(at_alias & by_alias)
    return ways


def possible_for_added(formulas: Formulas, atom: Atom, seen: SeenMessage) -> Value:
    """The possible results of a condition about all recipients on the copy of somebody whom a rule added: in fields,
    only people who may be named there.
    """
    logic, mail = formulas.logic, formulas.mail
    if not atom.predicate.fields or atom.predicate.sort == "member":
        return logic.known(True)
    edited = [acts for _edit, acts in seen.edits_of(atom.headers)]
    named = [mail.addressing.named(address, name) for address in atom.values for name in SHOWN_FIELDS]
    added_by_rules = [
        value
        for address in atom.values
        for value in _by_added_recipients(formulas, atom, ("address", address), seen, SHOWN_FIELDS)
    ]
    by_alias = [
        ~direct for direct in (mail.addressing.direct, mail.addressing.others_direct) if mail.addressing.watches_aliases
    ]
    return logic.any_of((*named, *added_by_rules, *by_alias, *edited))


# Words


def _saw(rule_view: RuleView, atom: Atom) -> str:
    return everybody(rule_view.fork)


def _saw_fields(rule_view: RuleView, atom: Atom) -> str:
    return f"To: {', '.join(rule_view.message.to)}; Cc: {', '.join(rule_view.message.cc)}"


# The rows

#: What the conditions about an address have in common, and what those about fields have.
_RECIPIENTS: Mapping[str, Any] = {
    "looks_at": "recipients",
    "slots": (RECIPIENT,),
    "reach": Reach.COPY,
    "column": "recipient",
    "formula": _formula,
    "witness": None,
    "saw": _saw,
}
_FIELDS: Mapping[str, Any] = {
    "looks_at": "fields",
    "slots": (RECIPIENT,),
    "reach": Reach.COPY,
    "untraced": "to_or_cc",
    "witness": None,
    "saw": _saw_fields,
}


def _in_fields(kind: str, fields: tuple[str, ...], where: str) -> tuple[Predicate, Predicate]:
    """Somebody in a field of the message, or a member of a group there."""
    return (
        list_predicate(
            f"any_of_{kind}_header",
            lowercase_texts,
            **_FIELDS,
            headers=fields,
            sort="address",
            fields=fields,
            evaluate=of_fields(fields, address_is),
            formula=_formula_of_fields,
            needs=any_value_in("field"),
            unknowns=(questions.FIELDS_OF_A_COPY, questions.ALIASES),
            phrase=Phrase(4, f"with {{}} in its {where} field", ""),
        ),
        list_predicate(
            f"any_of_{kind}_header_member_of",
            lowercase_texts,
            **_FIELDS,
            headers=fields,
            sort="member",
            fields=fields,
            evaluate=of_fields(fields, member_of),
            formula=_formula_of_members,
            unknowns=(questions.NESTED_GROUPS, questions.FIELDS_OF_A_COPY, questions.ALIASES),
            phrase=Phrase(4, f"with a member of {{}} in its {where} field", ""),
        ),
    )


#: The conditions, in the order of the documentation.
COPIES: tuple[Predicate, ...] = (
    list_predicate(
        "any_of_recipient_address_contains_words",
        **_RECIPIENTS,
        sort="word",
        evaluate=of_any_address(address_has_word),
        needs=words_in("recipient word"),
        unknowns=(questions.AUDIT_SPLITS, questions.ADDED_RECIPIENTS, questions.WORD_BORDERS, questions.ALIASES),
        phrase=Phrase(4, "with a recipient whose address has {}"),
    ),
    list_predicate(
        "any_of_recipient_address_matches_patterns",
        **_RECIPIENTS,
        sort="pattern",
        evaluate=of_any_address(address_has_pattern),
        unknowns=(questions.AUDIT_SPLITS, questions.ADDED_RECIPIENTS, questions.PATTERN_SYNTAX, questions.ALIASES),
        phrase=Phrase(4, "with a recipient whose address matches {}"),
    ),
    *_in_fields("to", ("to",), "To"),
    *_in_fields("cc", ("cc",), "Cc"),
    *_in_fields("to_cc", ("to", "cc"), "To or Cc"),
)
