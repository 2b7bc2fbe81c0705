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
from ..model.kleene import Truth, about, any_of, opened
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
    member_of,
    of_name,
    perhaps,
    read_address,
)
from .predicate import Atom, Evaluate, Phrase, Predicate, Reach, each_in, list_predicate, small, words_in
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
            perhaps(address_of(decide, rule_view, person, values, settings), person, reasons)
            for person, reasons in rule_view.fork.perhaps
        )
        return about(any_of((sure, *others)), "to")

    return evaluate


def of_fields(fields: tuple[str, ...], decide: OfAddress) -> Evaluate:
    """A predicate about who is named in the To or Cc field."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        if "fields" in rule_view.message.unsaid:
            return opened(("fields", fields, values), questions.A_FACT, "fields")
        named = [address for name in fields for address in getattr(rule_view.message, name)]
        brought = [
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
                    perhaps(
                        of_name(person)
                        if is_name(person.address)
                        else decide(rule_view, person.address, values, settings),
                        person,
                        (reason,),
                    )
                    for person, reason in brought
                ),
            )
        )

    return evaluate


def _in_field(decide: OfAddress, rule_view: RuleView, written: str, values: Any, settings: Settings) -> Truth:
    primary = rule_view.facts.people.primary(written)
    found = read_address(decide, rule_view, primary, values, settings)
    if found is False:
        return False
    if primary != written and decide(rule_view, written, values, settings) is False:
        return opened(("field", written, values), questions.ALIASES, "alias_in_header", written, primary)
    here = {
        address
        for person in rule_view.fork.sure
        for address in (person.address, person.group, *map(rule_view.facts.people.primary, person.also))
    }
    if primary not in here:
        still = rule_view.facts.observed.get(questions.FIELDS_OF_A_COPY)
        if still:
            return found
        if still is False and not _perhaps_here(rule_view, primary):
            return False
        return opened(("field", written, values), questions.FIELDS_OF_A_COPY, "header_of_a_copy", written)
    return found


def _perhaps_here(rule_view: RuleView, primary: str) -> bool:
    """Whether somebody who may share the copy was written to at an address: at their own, or at a group's."""
    fork = rule_view.fork
    reached = {primary, *rule_view.facts.groups.members_of(primary)}
    return any(person.address in reached for person in (*fork.sure, *(person for person, _reasons in fork.perhaps)))


# Formulas


def _formula(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """The address of somebody who shares the copy."""
    written = atom.settings.address_type == "Original"
    own = has_one(formulas, formulas.mail.recipient, atom)
    others = [
        value
        for key in atom.keys
        for value in (
            formulas.company.another_has(key, seen.splits, written=written),
            *_brought(formulas, atom, key, seen),
        )
    ]
    return formulas.logic.any_of((as_written(formulas, own, atom, seen) if written else own, *others))


def _brought(
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
    """Those of some groups. Of a large group the first ones are enough to show that a rule looks for them."""
    known = facts.groups.members or {}
    listed = [known.get(group) for group in groups]
    people = {person for members in listed for person in members or ()}
    direct = sorted(people - known.keys())
    others = None in listed or len(direct) < len(people) or len(direct) > _MOST_MODELED
    return MembersInFields(tuple(direct[:_MOST_MODELED]), others)


def _formula_of_members(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """Members of groups in fields."""
    logic, (option,), fields = formulas.logic, atom.predicate.options, atom.predicate.fields
    found = [value for key in atom.keys for value in _brought(formulas, atom, key, seen, fields)]
    members = members_in_fields(formulas.mail.facts, atom.values)
    for address in members.modeled:
        found += _named_in_fields(formulas, atom, seen, address)
    if members.others:
        # The one that is named may be gone, or somebody else: only that the field still counts decides.
        counts = logic.observed.get(questions.FIELDS_OF_A_COPY)
        gone = logic.known(True) if counts else logic.unknown("field of a copy", option, atom.values, seen.splits)
        found.append(formulas.mail.addressing.members_named & gone)
    return logic.any_of(found)


def _formula_of_fields(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """Somebody in fields."""
    fields = atom.predicate.fields
    found: list[Value] = []
    for address in atom.values:
        found += _named_in_fields(formulas, atom, seen, address)
        found += _brought(formulas, atom, ("address", address), seen, fields)
    return formulas.logic.any_of(found)


def _named_in_fields(formulas: Formulas, atom: Atom, seen: SeenMessage, address: str) -> list[Value]:
    """That a field names somebody. All conditions treat an alias there alike, unless rules distinguish it: such mail is like
    mail to the primary address, in that field or in Bcc.
    """
    logic, mail = formulas.logic, formulas.mail
    (option,), fields = atom.predicate.options, atom.predicate.fields
    named = mail.circuit.disjunction([mail.addressing.named(address, name) for name in fields])
    counts = logic.observed.get(questions.FIELDS_OF_A_COPY)
    # Members of a group who share the copy are not modeled: that the field counts for nobody decides nothing of it.
    of_group = counts is False and address in mail.facts.groups.expanded
    question = "field of a group" if of_group else questions.FIELDS_OF_A_COPY
    gone = logic.unknown(question, option, atom.values, address, seen.splits)
    stays = formulas.company.still_there(address, seen.splits)
    there = mail.recipient["address", address] | stays | gone
    found: list[Value] = [named & there]
    if mail.addressing.watches_aliases:
        own = ~mail.addressing.direct & mail.recipient["address", address]
        at_alias = own | formulas.company.at_alias(address)
        named_so = logic.unknown(questions.ALIASES, option, atom.values, atom.settings.address_type, address)
        if logic.free:
            mail.addressing.perhaps_named.setdefault(address, {})[high(named_so)] = None
        found.append(at_alias & named_so)
    return found


def possible_for_added(formulas: Formulas, atom: Atom, seen: SeenMessage) -> Value:
    """The possible results of a condition about all recipients on the copy of somebody whom a rule added: in fields,
    only people who may be named there.
    """
    logic, mail = formulas.logic, formulas.mail
    if not atom.predicate.fields or atom.predicate.sort == "member":
        return logic.known(True)
    edited = [acts for _edit, acts in seen.edits_of(atom.headers)]
    named = [mail.addressing.named(address, name) for address in atom.values for name in SHOWN_FIELDS]
    brought = [
        value for address in atom.values for value in _brought(formulas, atom, ("address", address), seen, SHOWN_FIELDS)
    ]
    by_alias = [
        ~direct for direct in (mail.addressing.direct, mail.addressing.others_direct) if mail.addressing.watches_aliases
    ]
    return logic.any_of((*named, *brought, *by_alias, *edited))


# Words


def _saw(rule_view: RuleView, atom: Atom) -> str:
    return everybody(rule_view.fork)


def _saw_fields(rule_view: RuleView, atom: Atom) -> str:
    return f"To: {', '.join(rule_view.message.to)}; Cc: {', '.join(rule_view.message.cc)}"


# The rows

#: What the conditions about an address have in common, and those about fields.
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
            small,
            **_FIELDS,
            headers=fields,
            sort="address",
            fields=fields,
            evaluate=of_fields(fields, address_is),
            formula=_formula_of_fields,
            needs=each_in("field"),
            unknowns=(questions.FIELDS_OF_A_COPY, questions.ALIASES),
            phrase=Phrase(4, f"with {{}} in its {where} field", ""),
        ),
        list_predicate(
            f"any_of_{kind}_header_member_of",
            small,
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
