# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about senders and recipients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._exchange.text import listed
from . import content, questions
from . import sender_recipient as people
from .kleene import Truth
from .predicate import (
    RECIPIENT,
    SENDER,
    Phrase,
    Predicate,
    Reach,
    Use,
    as_list_of,
    each_in,
    several,
    single,
    small,
    words_in,
)
from .rule_view import RuleView, Settings

#: What conditions of a family have in common.
_SENDER: Mapping[str, Any] = {
    "looks_at": "sender",
    "headers": ("from",),
    "slots": (SENDER,),
    "reach": Reach.SENDER,
    "column": "sender",
}
_RECIPIENT: Mapping[str, Any] = {
    "looks_at": "recipient",
    "slots": (RECIPIENT,),
    "reach": Reach.RECIPIENT,
    "column": "recipient",
}
_RECIPIENTS: Mapping[str, Any] = {
    "looks_at": "recipients",
    "slots": (RECIPIENT,),
    "reach": Reach.COPY,
    "column": "recipient",
}
_FIELDS: Mapping[str, Any] = {"looks_at": "fields", "slots": (RECIPIENT,), "reach": Reach.COPY, "untraced": "to_or_cc"}
_RELATION: Mapping[str, Any] = {"looks_at": "relation", "sort": "relation", "reach": Reach.RELATION}
_TO_SENDER: Mapping[str, Any] = {**_RELATION, "headers": ("from",)}


def _in_fields(kind: str, fields: tuple[str, ...], where: str) -> tuple[Predicate, Predicate]:
    """Somebody in a field of the message, or a member of a group there."""
    return (
        several(
            f"any_of_{kind}_header",
            small,
            **_FIELDS,
            headers=fields,
            sort="address",
            fields=fields,
            use=Use.COMPUTABLE,
            evaluate=people.of_fields(fields, people.address_is),
            needs=each_in("field"),
            unknowns=(questions.FIELDS_OF_A_COPY, questions.ALIASES),
            phrase=Phrase(4, f"with {{}} in its {where} field", ""),
        ),
        several(
            f"any_of_{kind}_header_member_of",
            small,
            **_FIELDS,
            headers=fields,
            sort="member",
            fields=fields,
            use=Use.FACTS,
            evaluate=people.of_fields(fields, people.member_of),
            unknowns=(questions.NESTED_GROUPS, questions.FIELDS_OF_A_COPY, questions.ALIASES),
            phrase=Phrase(4, f"with a member of {{}} in its {where} field", ""),
        ),
    )


def _where(scope: str) -> tuple[str, ...]:
    """Only who is inside depends on whether the message was authenticated."""
    return ("x-ms-exchange-organization-authas",) if scope == "InOrganization" else ()


def _manages(rule_view: RuleView, values: tuple[str, tuple[str, ...]], settings: Settings) -> Truth:
    if values[0] == "Sender":
        return people.is_manager_of_sender(rule_view, values[1], settings)
    return people.relation(lambda seen, person, wanted: people.is_manager_of_recipient(seen, person, wanted[1]))(
        rule_view, values, settings
    )


def _comparison(values: tuple[str, str]) -> tuple[str, list[Any]]:
    name, operator = values
    return (
        f"to people with the sender's {name}"
        if operator == "Equal"
        else f"to people with another {name} than the sender's"
    ), []


#: The conditions, in the order of the documentation.
OF_PEOPLE: tuple[Predicate, ...] = (
    # The sender
    several(
        "from",
        small,
        **_SENDER,
        sort="address",
        use=Use.COMPUTABLE,
        evaluate=people.of_sender(people.address_is),
        needs=each_in("sender"),
        phrase=Phrase(0, "from {}", ""),
    ),
    several(
        "from_address_contains_words",
        **_SENDER,
        sort="word",
        use=Use.COMPUTABLE,
        evaluate=people.of_sender(people.address_has_word, written=True),
        needs=words_in("sender word"),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(1, "from addresses with {}"),
    ),
    several(
        "from_address_matches_patterns",
        **_SENDER,
        sort="pattern",
        use=Use.COMPUTABLE,
        evaluate=people.of_sender(people.address_has_pattern, written=True),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(1, "from addresses that match {}"),
    ),
    several(
        "from_member_of",
        small,
        **_SENDER,
        sort="member",
        use=Use.FACTS,
        evaluate=people.of_sender(people.member_of),
        unknowns=(questions.NESTED_GROUPS,),
        phrase=Phrase(1, "from members of {}", ""),
    ),
    several(
        "sender_domain_is",
        small,
        **_SENDER,
        sort="below",
        use=Use.COMPUTABLE,
        evaluate=people.of_sender(people.domain_is, written=True),
        needs=each_in("sender domain"),
        phrase=Phrase(1, "from {}", ""),
    ),
    single(
        "from_scope",
        looks_at="sender",
        headers=("from",),
        headers_of=_where,
        sort="scope",
        reach=Reach.SENDER,
        column="sender",
        use=Use.FACTS,
        evaluate=people.from_scope,
        unknowns=(questions.SENDER_LOCATION, questions.GUESTS, questions.AUTHENTICATED),
        phrase=Phrase(
            0, "with the scope <>", forms={"InOrganization": "from inside", "NotInOrganization": "from outside"}
        ),
    ),
    several(
        "sender_ad_attribute_contains_words",
        **_SENDER,
        sort="attribute word",
        use=Use.FACTS,
        evaluate=people.of_directory_sender(people.attribute_has_word),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(1, "from people with {}"),
    ),
    several(
        "sender_ad_attribute_matches_patterns",
        **_SENDER,
        sort="attribute pattern",
        use=Use.FACTS,
        evaluate=people.of_directory_sender(people.attribute_has_pattern),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(1, "from people with {}"),
    ),
    several(
        "sender_ip_ranges",
        reach=Reach.MESSAGE,
        looks_at="last hop",
        column="hop",
        sort="range",
        slots=("last hop",),
        use=Use.FACTS,
        evaluate=content.sent_from,
        phrase=Phrase(1, "from the IP addresses {}", ""),
    ),
    # What the sender is to a recipient
    several(
        "sender_in_recipient_list",
        **_TO_SENDER,
        use=Use.OPAQUE,
        evaluate=content.never_documented,
        phrase=Phrase(0, "from people in a list {} of the recipient"),
    ),
    several(
        "recipient_in_sender_list",
        **_TO_SENDER,
        use=Use.OPAQUE,
        evaluate=content.never_documented,
        phrase=Phrase(2, "to people in a list {} of the sender"),
    ),
    single(
        "sender_management_relationship",
        **_TO_SENDER,
        use=Use.FACTS,
        column="pair",
        evaluate=people.relation(people.is_related),
        unknowns=(questions.RELATION_TO_WHOM,),
        phrase=Phrase(2, "to people whose manager is the sender", forms={"DirectReport": "to the sender's manager"}),
    ),
    Predicate(
        options=("manager_for_evaluated_user", "manager_addresses"),
        **_RELATION,
        headers_of=lambda values: ("from",) if values[0] == "Sender" else (),
        use=Use.FACTS,
        column="pair",
        evaluate=_manages,
        read=lambda section: (str(section["manager_for_evaluated_user"]), small("manager_addresses")(section)),
        shown=as_list_of,
        unknowns=(questions.RELATION_TO_WHOM,),
        reach_of=lambda values: Reach.SENDER if values[0] == "Sender" else Reach.RELATION,
        phrase=Phrase(2, "to people whose manager is {}", "", {"Sender": "from people whose manager is {}"}),
    ),
    Predicate(
        options=("ad_comparison_attribute", "ad_comparison_operator"),
        **_TO_SENDER,
        use=Use.FACTS,
        column="pair",
        evaluate=people.relation(people.has_equal_attribute),
        read=lambda section: (
            str(section["ad_comparison_attribute"]),
            str(section.get("ad_comparison_operator") or "Equal"),
        ),
        shown=_comparison,
        unknowns=(questions.RELATION_TO_WHOM,),
        phrase=Phrase(2, "<>"),
    ),
    Predicate(
        options=("between_member_of_1", "between_member_of_2"),
        **_TO_SENDER,
        use=Use.FACTS,
        column="pair",
        evaluate=people.relation(people.is_between),
        read=lambda section: (small("between_member_of_1")(section), small("between_member_of_2")(section)),
        shown=lambda values: (" and members of ".join(listed(each) for each in values), []),
        unknowns=(questions.NESTED_GROUPS, questions.RELATION_TO_WHOM),
        phrase=Phrase(0, "between members of <>"),
    ),
    # Each recipient
    several(
        "sent_to",
        small,
        **_RECIPIENT,
        sort="address",
        use=Use.COMPUTABLE,
        evaluate=people.of_recipient(people.address_is),
        needs=each_in("recipient"),
        unknowns=(questions.ALIASES,),
        phrase=Phrase(2, "to {}", ""),
    ),
    single(
        "sent_to_scope",
        looks_at="recipient",
        headers_of=_where,
        sort="scope",
        reach=Reach.RECIPIENT,
        column="recipient",
        use=Use.FACTS,
        evaluate=people.sent_to_scope,
        unknowns=(questions.UNAUTHENTICATED_INSIDE, questions.GUESTS, questions.REMOTE_DOMAINS),
        phrase=Phrase(
            2,
            "with the scope <>",
            forms={"InOrganization": "to people inside", "NotInOrganization": "to people outside"},
        ),
    ),
    several(
        "sent_to_member_of",
        small,
        **_RECIPIENT,
        sort="member",
        use=Use.FACTS,
        evaluate=people.of_recipient(people.member_of),
        unknowns=(questions.NESTED_GROUPS, questions.ALIASES),
        phrase=Phrase(3, "to members of {}", ""),
    ),
    several(
        "recipient_address_contains_words",
        **_RECIPIENT,
        sort="word",
        use=Use.COMPUTABLE,
        evaluate=people.of_address(people.address_has_word),
        needs=words_in("recipient word"),
        unknowns=(questions.WORD_BORDERS, questions.ALIASES),
        phrase=Phrase(3, "to addresses with {}"),
    ),
    several(
        "recipient_address_matches_patterns",
        **_RECIPIENT,
        sort="pattern",
        use=Use.COMPUTABLE,
        evaluate=people.of_address(people.address_has_pattern),
        unknowns=(questions.PATTERN_SYNTAX, questions.ALIASES),
        phrase=Phrase(3, "to addresses that match {}"),
    ),
    several(
        "recipient_domain_is",
        small,
        **_RECIPIENT,
        sort="below",
        use=Use.COMPUTABLE,
        evaluate=people.of_recipient(people.domain_is),
        needs=each_in("recipient domain"),
        unknowns=(questions.ALIASES,),
        phrase=Phrase(3, "to {}", ""),
    ),
    several(
        "recipient_ad_attribute_contains_words",
        **_RECIPIENT,
        sort="attribute word",
        use=Use.FACTS,
        evaluate=people.of_directory_recipient(people.attribute_has_word),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(3, "to people with {}"),
    ),
    several(
        "recipient_ad_attribute_matches_patterns",
        **_RECIPIENT,
        sort="attribute pattern",
        use=Use.FACTS,
        evaluate=people.of_directory_recipient(people.attribute_has_pattern),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(3, "to people with {}"),
    ),
    # All who share the copy
    several(
        "any_of_recipient_address_contains_words",
        **_RECIPIENTS,
        sort="word",
        use=Use.COMPUTABLE,
        evaluate=people.of_any_address(people.address_has_word),
        needs=words_in("recipient word"),
        unknowns=(questions.AUDIT_SPLITS, questions.ADDED_RECIPIENTS, questions.WORD_BORDERS, questions.ALIASES),
        phrase=Phrase(4, "with a recipient whose address has {}"),
    ),
    several(
        "any_of_recipient_address_matches_patterns",
        **_RECIPIENTS,
        sort="pattern",
        use=Use.COMPUTABLE,
        evaluate=people.of_any_address(people.address_has_pattern),
        unknowns=(questions.AUDIT_SPLITS, questions.ADDED_RECIPIENTS, questions.PATTERN_SYNTAX, questions.ALIASES),
        phrase=Phrase(4, "with a recipient whose address matches {}"),
    ),
    *_in_fields("to", ("to",), "To"),
    *_in_fields("cc", ("cc",), "Cc"),
    *_in_fields("to_cc", ("to", "cc"), "To or Cc"),
)
