# SPDX-License-Identifier: GPL-3.0-or-later
"""Small worlds that are each about one family of conditions or actions: a row is an organization, its mail, and what
its rules look for and do.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

from tests.unit.mail_flow.small_rules import PLAIN, Theme
from tests.unit.mail_flow.small_worlds import EXPIRY, HEADER, NOW, TENANT
from tests.unit.mail_flow.theme_mail import (
    ANN,
    BELOW,
    BOB,
    JOE,
    MEGAN,
    ROBERT,
    WAYS,
    Values,
    every,
    header,
    lists,
    sent,
)
from tests.unit.mail_flow.themes_of_people import ADDRESSES, BROUGHT, PEOPLE

_RANGES = (
    "10.0.0.0/24",
    "10.0.0.0/25",
    "10.0.0.128/25",
    "10.0.0.64-10.0.0.191",
    "10.0.0.5",
    "10.0.0.127-10.0.0.128",
    "10.0.0.6-10.0.0.255",
    "2001:db8::/127",
)
_HOPS = (
    "9.255.255.255",
    *(f"10.0.0.{last}" for last in (0, 4, 5, 6, 63, 64, 127, 128, 191, 192, 255)),
    "10.0.1.0",
    "2001:db8::1",
    "2001:db8::2",
)

HOPS = Theme(
    messages=partial(every, WAYS, sender_ip=_HOPS, subject=("", "secure")),
    predicates=lists("sender_ip_ranges", *_RANGES),
    most=3,
)

_TEXT_WORDS = ("secure", "top secret", "secret", "encrypt:", "offer")
_TEXT_PATTERNS = (
    "^secure",
    "secure$",
    "^$",
    "sec(ure|ret)",
    r"secret\s",
    r"^\[x\]",
    "offer",
    "(?m)^secret",
    "t s",
    "[^a-z]",
)
_LABELS = ("yes", "no", "yes no")

TEXTS = Theme(
    most=3,
    messages=partial(
        every,
        (WAYS[0], WAYS[2], WAYS[4]),
        subject=("", "secure", "insecure offer", "secret", "offer: top secret", "encrypt:now"),
        body=("", "secure offer", "top  secret"),
        headers=({}, {HEADER: "yes"}, {HEADER: "No"}, {HEADER: ["yes", "no"]}, {HEADER: "yes no"}, {HEADER: ""}),
    ),
    predicates=[
        *lists("subject_contains_words", *_TEXT_WORDS),
        *lists("subject_matches_patterns", *_TEXT_PATTERNS),
        *lists("subject_or_body_contains_words", *_TEXT_WORDS),
        *lists("subject_or_body_matches_patterns", *_TEXT_PATTERNS),
        *(2 * header(HEADER, _LABELS, ("^yes$", "yes", "^no", ".*", "s n", "^$", "o"))),
        *header("From", ("megan", "contoso.com"), ("^megan", r"contoso\.com", "n")),
        *header("Subject", _TEXT_WORDS[:2], _TEXT_PATTERNS[:4]),
        *header("To", ("ann", "fabrikam.com"), ("ann", r"^ann@", "n")),
    ],
    actions=[
        *((1, {"prepend_subject": prefix}) for prefix in ("[X] ", "secure", "top ", "in")),
        *((1, {"set_header_name": HEADER, "set_header_value": value}) for value in ("no", "yes no", "")),
        (1, {"remove_header": HEADER}),
        *(
            (1, {"apply_html_disclaimer_text": f"<p>{text}</p>", "apply_html_disclaimer_location": place})
            for text, place in itertools.product(("secure", "top secret"), ("Append", "Prepend"))
        ),
    ],
)

_MEGABYTE = 2**20


def _attached(name: str, **more: Any) -> Values:
    told = {"executable": False, "password_protected": False, "unsupported": False, "limit_exceeded": False}
    return {"name": name, "size": 1000, "text": "", "nested": [], "properties": {}, **told, **more}


CONTENT = Theme(
    most=3,
    messages=partial(
        every,
        (WAYS[0], WAYS[2], WAYS[4]),
        attachments=(
            [],
            [_attached("a.pdf")],
            [_attached("a.docx", size=6 * _MEGABYTE, text="secret", password_protected=True)],
            [_attached("b.zip", nested=["a.PDF"])],
        ),
        type=(None, "OOF", "AutoForward", "Signed"),
        importance=("Normal", "High"),
        classification=(None, ["Secret"]),
        disclaimer_insertable=(None, False),
        protection=({"kind": "none"}, {"kind": "encrypt", "owner": "own"}, {"kind": "smime", "owner": "other"}),
    ),
    tenants=(TENANT, {**TENANT, "irm_configuration": {"enable_pdf_encryption": False}}),
    predicates=[
        *(
            {"message_type_matches": kind}
            for kind in (
                "OOF",
                "AutoForward",
                "Signed",
                "Calendaring",
                "Encrypted",
                "PermissionControlled",
                "ReadReceipt",
            )
        ),
        *({"with_importance": level} for level in ("Low", "Normal", "High")),
        *({"has_classification": name} for name in ("Secret", "Internal")),
        {"has_no_classification": True},
        *(
            {option: size}
            for option in ("message_size_over", "attachment_size_over")
            for size in ("1MB", "5MB", "7MB", "30MB")
        ),
        *lists("attachment_extension_matches_words", "pdf", "docx", "zip"),
        *lists("attachment_name_matches_patterns", r"\.pdf$", "^a", r"\.", "docx"),
        *lists("attachment_contains_words", "secret", "offer"),
        *lists("attachment_matches_patterns", "secret", "^$", "^s"),
        {"attachment_is_password_protected": True},
        {"attachment_has_executable_content": True},
        *lists("subject_or_body_contains_words", "top", "secret"),
        {"subject_or_body_matches_patterns": ["^$"]},
    ],
    actions=[
        *((1, {"apply_classification": name}) for name in ("Secret", "Internal")),
        *(
            (
                2,
                {
                    "apply_html_disclaimer_text": "<p>top</p>",
                    "apply_html_disclaimer_location": place,
                    "apply_html_disclaimer_fallback_action": fallback,
                },
            )
            for place, fallback in (
                ("Append", "Wrap"),
                ("Prepend", "Ignore"),
                ("Append", "Reject"),
                ("Prepend", "Wrap"),
            )
        ),
        (1, {"remove_ome_v2": True, "remove_rms_attachment_encryption": True}),
        (1, {"apply_ome": True}),
    ],
)

#: Rules with disclaimers that may not fit, and what else they do then.
DISCLAIMERS = Theme(
    most=3,
    messages=partial(
        every,
        (WAYS[0], WAYS[2]),
        subject=("", "secure"),
        body=("", "offer"),
        type=(None, "Signed"),
        disclaimer_insertable=(None, False),
        protection=({"kind": "none"}, {"kind": "encrypt", "owner": "own"}, {"kind": "smime", "owner": "other"}),
    ),
    predicates=[
        {},
        *({"from_scope": scope} for scope in ("InOrganization", "NotInOrganization")),
        *lists("subject_contains_words", "secure"),
        *lists("subject_or_body_contains_words", "offer", "top"),
    ],
    actions=[
        (8, {"apply_html_disclaimer_text": "<p>top</p>", "apply_html_disclaimer_fallback_action": fallback, **beside})
        for fallback in ("Ignore", "Reject", "Wrap")
        for beside in ({}, {"stop_rule_processing": True}, {"apply_rights_protection_template": "Encrypt"})
    ],
)

_TOGETHER: tuple[Values, ...] = (
    {"moderate_message_by_user": [BOB]},
    {"moderate_message_by_manager": True},
    {"delete_message": True},
    {"reject_message_reason_text": "no"},
    {"quarantine": True},
    {"redirect_message_to": ["moved@northwind.com"]},
    {"copy_to": ["new@northwind.com"]},
    {"blind_copy_to": ["new@eu.fabrikam.com"]},
    {"add_to_recipients": ["new@northwind.com", "more@northwind.com"]},
    {"add_manager_as_recipient_type": "Cc"},
    {"add_manager_as_recipient_type": "Redirect"},
    {"apply_rights_protection_template": "Encrypt"},
    {"apply_rights_protection_template": "Do Not Forward"},
    {"apply_rights_protection_customization_template": "Branding2"},
    {"remove_ome_v2": True},
    {"prepend_subject": "secure "},
    {"set_header_name": HEADER, "set_header_value": "yes"},
    {"remove_header": HEADER},
    {"stop_rule_processing": True},
    {"apply_html_disclaimer_text": "<p>secure</p>", "apply_html_disclaimer_fallback_action": "Ignore"},
    {"apply_html_disclaimer_text": "<p>offer</p>", "apply_html_disclaimer_fallback_action": "Reject"},
)

ACTIONS = Theme(
    most=3,
    messages=partial(
        every,
        [*WAYS, sent(MEGAN, ANN, cc=[BOB]), sent(MEGAN, ANN, JOE), sent(BOB, ROBERT)],
        subject=("", "secure", "offer"),
        headers=({}, {HEADER: "yes"}),
        disclaimer_insertable=(None, False),
        protection=(
            {"kind": "none"},
            {"kind": "encrypt", "owner": "own"},
            {"kind": "encrypt", "owner": "other"},
            {"kind": "smime", "owner": "other"},
        ),
    ),
    tenants=(TENANT, {**TENANT, "managers": {MEGAN: BOB}}, {**TENANT, "managers": {MEGAN: ANN, BOB: MEGAN}}),
    hidden=("managers",),
    predicates=[
        {},
        {"from_scope": "InOrganization"},
        {"subject_contains_words": ["secure"]},
        {"subject_or_body_contains_words": ["offer"]},
    ],
    actions=[(1, actions) for actions in _TOGETHER],
    beside=_TOGETHER,
    often=0.6,
)

#: Headers that rules set and remove, and what conditions of other kinds make of them.
EDITS = Theme(
    most=4,
    messages=partial(
        every,
        [
            *(WAYS[place] for place in (0, 2, 3)),
            sent(MEGAN, ANN, cc=[BOB]),
            sent(MEGAN, ANN, JOE),
            {**sent(BOB, ANN), "mail_from": MEGAN},
        ],
        subject=("", "secure", "offer"),
        body=("", "secure"),
        importance=("Normal", "High"),
        scl=(1, 6),
    ),
    predicates=[
        *lists("subject_contains_words", "secure", "offer"),
        *lists("subject_matches_patterns", "^secure", "^$"),
        *lists("subject_or_body_contains_words", "secure", "offer"),
        *lists("sender_domain_is", "contoso.com", "fabrikam.com"),
        *({option: [MEGAN]} for option in ("from", "from_address_contains_words")),
        *({"from_scope": scope} for scope in ("InOrganization", "NotInOrganization")),
        {"sent_to_scope": "InOrganization"},
        *(
            {option: [who]}
            for option in ("any_of_to_header", "any_of_to_cc_header")
            for who in (ANN, "new@northwind.com")
        ),
        *({"with_importance": level} for level in ("Low", "Normal", "High")),
        *({"has_classification": name} for name in ("Secret", "Internal")),
        {"message_type_matches": "OOF"},
        *({"scl_over": level} for level in (0, 5)),
        *(2 * [each for name in ("To", "Cc") for each in header(name, ("ann", "new"), ("^ann@", "new"))]),
        *header("Subject", ("secure",), ("^$",)),
        *header("From", ("megan",), ()),
        *header("Importance", ("high",), ()),
    ],
    actions=[
        (20, {"apply_rights_protection_template": "Encrypt"}),
        *(
            (4, {"set_header_name": name, "set_header_value": value})
            for name, value in (
                *(("Subject", value) for value in ("secure", "offer")),
                *((name, ANN) for name in ("From", "To", "Cc")),
                *(("Importance", value) for value in ("Low", "High")),
                ("X-Priority", "1"),
                ("X-MS-Exchange-Organization-SCL", "9"),
                ("X-MS-Exchange-Organization-AuthAs", "Internal"),
                ("X-MS-Exchange-Organization-Classification", "Secret"),
                ("Auto-Submitted", "auto-replied"),
            )
        ),
        *((6, {"remove_header": name}) for name in ("Subject", "From", "To", "Importance")),
        (1, {"set_header_name": "Subject", "set_header_value": "secure", "remove_header": "Subject"}),
        (1, {"prepend_subject": "offer "}),
        (1, {"set_scl": 9}),
        (1, {"apply_classification": "Secret"}),
        *((8, {option: ["new@northwind.com"]}) for option in ("add_to_recipients", "copy_to")),
    ],
    settings=[
        *({"sender_address_location": where} for where in ("Envelope", "HeaderOrEnvelope")),
        {"recipient_address_type": "Original"},
    ],
    often=0,
)

_INSTANTS = (
    "2026-02-01T00:00:00Z",
    "2026-04-01T00:00:00Z",
    NOW,
    "2026-03-01T12:00:00",
    "2026-02-28T12:00:00",
    "2026-03-01T01:00:00+02:00",
)

DATES = Theme(
    most=3,
    messages=partial(
        every, [*WAYS, sent(MEGAN, ANN, cc=[BOB])], subject=("", "secure", "offer"), headers=({}, {HEADER: "yes"})
    ),
    predicates=[
        {},
        {"from_scope": "InOrganization"},
        {"subject_contains_words": ["secure"]},
        {"sent_to_scope": "NotInOrganization"},
    ],
    settings=[
        *({name: instant} for name in ("activation_date", "expiry_date") for instant in _INSTANTS),
        {"activation_date": _INSTANTS[0], "expiry_date": _INSTANTS[1]},
        {"activation_date": _INSTANTS[4], "expiry_date": _INSTANTS[3]},
    ],
)


#: What the wishes that are rare are about: brandings of which not all expire in time, and mail that rules decrypt, hold
#: back or send elsewhere.
WISHES = Theme(
    tenants=(
        {
            **TENANT,
            "ome_configurations": [
                {"identity": name, "external_mail_expiry_in_days": days} for name, days in EXPIRY.items()
            ],
        },
    ),
    hidden=("ome_configurations",),
    predicates=[
        *({"from_scope": scope} for scope in ("InOrganization", "NotInOrganization")),
        *({"sent_to_scope": scope} for scope in ("InOrganization", "NotInOrganization")),
        {"message_type_matches": "PermissionControlled"},
        {"subject_contains_words": ["secure"]},
    ],
    actions=[
        *(
            (3, {"apply_rights_protection_template": "Encrypt", "apply_rights_protection_customization_template": name})
            for name in EXPIRY
        ),
        *((1, {"apply_rights_protection_customization_template": name}) for name in EXPIRY),
        (6, {"remove_ome_v2": True}),
        (1, {"apply_html_disclaimer_text": "<p>x</p>", "apply_html_disclaimer_fallback_action": "Reject"}),
    ],
)

THEMES = {
    "brought": BROUGHT,
    "hops": HOPS,
    "texts": TEXTS,
    "content": CONTENT,
    "disclaimers": DISCLAIMERS,
    "addresses": ADDRESSES,
    "people": PEOPLE,
    "actions": ACTIONS,
    "dates": DATES,
    "edits": EDITS,
}


def drawn(seed: int) -> Theme:
    """The theme of a seed. Half of them have the plain world."""
    return list(THEMES.values())[seed // 2 % len(THEMES)] if seed % 2 else PLAIN


#: Many rules that encrypt, each for some mail, and a few that keep mail from them: what one edit does, it does to mail
#: of several.
CROWDED = Theme(
    most=8,
    messages=partial(
        every,
        [
            *(sent(sender, to) for sender in (MEGAN, BOB) for to in (ANN, BELOW, JOE, BOB)),
            sent(MEGAN, ANN, bcc=[JOE]),
            sent(ANN, BOB, authenticated=False),
        ],
        subject=("", "secure", "offer", "secure offer"),
        headers=({}, {HEADER: "yes"}),
        importance=("Normal", "High"),
    ),
    predicates=[
        *({"recipient_domain_is": [name]} for name in ("fabrikam.com", "eu.fabrikam.com", "northwind.com")),
        *({"subject_contains_words": [word]} for word in ("secure", "offer")),
        {"with_importance": "High"},
        *({"from": [who]} for who in (MEGAN, BOB)),
        *header(HEADER, ("yes",), ()),
    ],
    actions=[
        (30, {"apply_rights_protection_template": "Encrypt"}),
        (8, {"stop_rule_processing": True}),
        (6, {"set_header_name": HEADER, "set_header_value": "yes"}),
        (4, {"reject_message_reason_text": "no"}),
        (2, {"apply_rights_protection_template": "Do Not Forward"}),
    ],
)
