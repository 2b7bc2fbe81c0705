# SPDX-License-Identifier: GPL-3.0-or-later
"""Small worlds that are each about people: their addresses, their groups, and who is brought."""

from __future__ import annotations

from functools import partial

from tests.unit.mail_flow.small_rules import Theme
from tests.unit.mail_flow.small_worlds import HEADER, TENANT
from tests.unit.mail_flow.theme_mail import (
    ALL,
    ANN,
    BELOW,
    BOB,
    EVE,
    JOE,
    MEGAN,
    PARTNERS,
    ROBERT,
    SALES,
    Values,
    every,
    lists,
    sent,
)

_ADDRESS_WORDS = (
    ".fabrikam.com",
    "@fabrikam",
    "fabrikam.com",
    "fabrikam",
    "eu",
    "@eu.fabrikam.com",
    "ann",
    "bob@",
    "robert",
    "contoso.com",
    "x",
)
_ADDRESS_PATTERNS = (
    *(r"@fabrikam\.com$", r"\.fabrikam\.com$", r"[.@]fabrikam\.com$", r"\.com$", r"@\w+\.com$"),
    *("fabrikam", "^ann@", "^[a-z]+@", r"\+", "n@f", "robert"),
)
_DOMAINS = ("fabrikam.com", "eu.fabrikam.com", "contoso.com", "com", "northwind.com")

ADDRESSES = Theme(
    most=3,
    messages=partial(
        every,
        [
            *(
                sent(sender, *to)
                for sender in (MEGAN, BOB)
                for to in ([ANN], [BELOW], [JOE], [BOB], [ROBERT], ["ann+x@fabrikam.com"], ["a@notfabrikam.com"])
            ),
            *(
                sent(MEGAN, one, **{way: [other]})
                for one, other in ((ANN, BELOW), (ANN, BOB), (ROBERT, ANN), (BELOW, JOE))
                for way in ("cc", "bcc")
            ),
            *(sent(sender, BOB, authenticated=False) for sender in (ANN, BELOW, JOE, MEGAN)),
            *({**sent(BOB, ANN), "mail_from": envelope} for envelope in (MEGAN, ANN, "")),
        ],
        subject=("", "secure"),
        headers=({}, {HEADER: "yes"}),
    ),
    predicates=[
        *(
            found
            for whose in ("recipient", "recipient", "any_of_recipient", "from")
            for found in (
                *lists(f"{whose}_address_contains_words", *_ADDRESS_WORDS),
                *lists(f"{whose}_address_matches_patterns", *_ADDRESS_PATTERNS),
            )
        ),
        *(2 * lists("recipient_domain_is", *_DOMAINS)),
        *lists("sender_domain_is", *_DOMAINS),
    ],
    settings=(
        {"sender_address_location": "Envelope"},
        {"sender_address_location": "HeaderOrEnvelope"},
        {"recipient_address_type": "Original"},
    ),
)

_STAFF: Values = {
    **TENANT,
    "mailboxes": [MEGAN, BOB, EVE],
    "contacts": [JOE],
    "groups": {SALES: [BOB, EVE], ALL: [SALES, MEGAN], PARTNERS: [ANN, JOE]},
    "managers": {MEGAN: EVE, BOB: MEGAN},
    "attributes": {
        MEGAN: {"Department": "Sales", "Office": "12"},
        BOB: {"Department": "Legal"},
        EVE: {"Department": "Field Sales"},
    },
}
_GROUP_OPTIONS = (
    "from_member_of",
    "sent_to_member_of",
    "any_of_to_header_member_of",
    "any_of_to_cc_header_member_of",
    "any_of_cc_header_member_of",
)

PEOPLE = Theme(
    most=3,
    messages=partial(
        every,
        [
            *(
                sent(sender, to)
                for sender in (MEGAN, BOB, EVE)
                for to in (MEGAN, BOB, EVE, ANN, JOE, SALES, PARTNERS, ROBERT)
                if sender != to
            ),
            *(
                sent(MEGAN, one, **{way: [other]})
                for one, other in ((EVE, BOB), (EVE, ANN), (ANN, BOB), (SALES, ANN), (JOE, ANN))
                for way in ("cc", "bcc")
            ),
            *(sent(sender, BOB, authenticated=False) for sender in (ANN, JOE, MEGAN)),
            sent(BOB, MEGAN, EVE, ANN),
        ],
        subject=("", "secure"),
        headers=({}, {HEADER: "yes"}),
    ),
    tenants=(
        _STAFF,
        {
            **_STAFF,
            "managers": {MEGAN: EVE, BOB: EVE, EVE: MEGAN},
            "attributes": {MEGAN: {"Department": "Sales"}, BOB: {"Department": "sales"}},
        },
        {
            **_STAFF,
            "managers": {},
            "attributes": {MEGAN: {}, BOB: {}, EVE: {"Office": "12"}},
            "groups": {SALES: [EVE], ALL: [MEGAN, BOB, EVE], PARTNERS: [ANN]},
        },
    ),
    hidden=("managers", "attributes", "groups"),
    predicates=[
        *(
            found
            for whose in ("sender", "recipient")
            for found in (
                *lists(
                    f"{whose}_ad_attribute_contains_words",
                    "Department:Sales",
                    "Department:Legal,Sales",
                    "Office:12",
                    "Department:Field Sales",
                ),
                *lists(f"{whose}_ad_attribute_matches_patterns", "Department:^sales$", "Department:sales", "Office:1."),
            )
        ),
        *(
            {"ad_comparison_attribute": "Department", "ad_comparison_operator": operator}
            for operator in ("Equal", "NotEqual")
        ),
        *({"sender_management_relationship": relation} for relation in ("Manager", "DirectReport")),
        *(
            {"manager_for_evaluated_user": whose, "manager_addresses": [boss]}
            for whose in ("Sender", "Recipient")
            for boss in (EVE, MEGAN)
        ),
        *({option: [group]} for option in _GROUP_OPTIONS for group in (SALES, ALL, PARTNERS)),
        *(
            {"between_member_of_1": [one], "between_member_of_2": [other]}
            for one, other in ((SALES, ALL), (ALL, PARTNERS), (SALES, PARTNERS), (ALL, ALL))
        ),
        *({option: [who]} for option in ("sent_to", "any_of_to_header", "from") for who in (EVE, JOE, SALES)),
    ],
    actions=[
        *((1, {"add_manager_as_recipient_type": way}) for way in ("To", "Cc", "Bcc", "Redirect")),
        (2, {"moderate_message_by_manager": True}),
        (1, {"add_to_recipients": [EVE]}),
    ],
)

BROUGHT = Theme(
    most=3,
    messages=partial(
        every,
        [
            *(sent(sender, to) for sender in (MEGAN, BOB, EVE) for to in (ANN, BOB, JOE) if sender != to),
            sent(MEGAN, ANN, cc=[BOB]),
            sent(MEGAN, ANN, JOE),
        ],
        subject=("", "secure", "offer"),
        headers=({}, {HEADER: "yes"}),
    ),
    tenants=(
        {
            **_STAFF,
            "groups": {
                SALES: [EVE, "out@northwind.com"],
                ALL: [SALES, "far@eu.fabrikam.com"],
                PARTNERS: ["in@contoso.com"],
            },
        },
        {
            **_STAFF,
            "groups": {SALES: [], ALL: ["out@northwind.com"], PARTNERS: ["in@contoso.com"]},
            "managers": {MEGAN: "boss@northwind.com"},
        },
        {
            **TENANT,
            "proxy_addresses": {**TENANT["proxy_addresses"], "ext contact": "out@northwind.com"},
            "managers": {MEGAN: "in@contoso.com"},
        },
    ),
    hidden=("managers",),
    predicates=[
        {},
        {"from_scope": "InOrganization"},
        {"sent_to_scope": "NotInOrganization"},
        {"subject_contains_words": ["secure"]},
    ],
    actions=[
        *(
            (2, {way: [who]})
            for way in ("copy_to", "blind_copy_to", "redirect_message_to")
            for who in (SALES, ALL, PARTNERS, "Ext Contact")
        ),
        (2, {"copy_to": ["Ext Contact", "new@northwind.com"]}),
        (2, {"blind_copy_to": [f"in{number}@contoso.com" for number in range(7)] + ["out@northwind.com"]}),
        *((1, {"add_manager_as_recipient_type": way}) for way in ("Cc", "Redirect")),
    ],
)
