# SPDX-License-Identifier: GPL-3.0-or-later
"""A university: students whom no rule is for, alumni who count as outside, a hospital that counts as inside, and partners
who read in clear, one of them a guest.
"""

from __future__ import annotations

from tests.unit.mail_flow.organizations.organization import (
    ENCRYPT,
    INSIDE,
    LEAVING,
    OUTSIDE,
    Correspondence,
    Organization,
    Question,
    Values,
    rule,
)

OWN = "aldermoor.example"
STUDENTS_DOMAIN, ALUMNI, CLINIC = f"students.{OWN}", f"alumni.{OWN}", f"clinic.{OWN}"
INSTITUTE, CONSORTIUM, LOANS, MINISTRY = "institute.example", "consortium.example", "loans.example", "ministry.example"

STAFF = tuple(
    f"{name}@{OWN}" for name in ("ash", "bray", "cole", "dunn", "ellis", "ford", "gale", "hart", "innes", "jude")
)
NURSES, PERSONNEL, BOARD, EMERITI = STAFF[:2], STAFF[2:4], STAFF[4:6], STAFF[6:7]
LEARNERS = tuple(f"{name}@{STUDENTS_DOMAIN}" for name in ("kim", "lou", "max"))
REGISTRY, EXAMS, DEAN = (f"{name}@{OWN}" for name in ("registry", "exams", "dean"))
STUDENTS, HEALTH, HR, ETHICS, RETIRED, EVERY_STUDENT = (
    f"{name}@{OWN}" for name in ("students", "health", "hr", "ethics", "retired", "all-students")
)
GUEST, RECORDS = f"prof@{INSTITUTE}", "records@vault.example"
OUTSIDERS = (
    GUEST,
    f"team@{CONSORTIUM}",
    f"desk@{LOANS}",
    f"office@{MINISTRY}",
    f"graduate@{ALUMNI}",
    "pat@mail.example",
    "lee@mail.example",
)

FACTS: Values = {
    "accepted_domains": [
        {"name": OWN, "type": "Authoritative"},
        {"name": STUDENTS_DOMAIN, "type": "Authoritative"},
        {"name": ALUMNI, "type": "ExternalRelay"},
        {"name": CLINIC, "type": "InternalRelay"},
    ],
    "remote_domains": [],
    "mail_users": [GUEST],
    "inbound_connectors": [],
    "outbound_connectors": [],
    "managers": {},
    "mailboxes": [*STAFF, *LEARNERS, REGISTRY, EXAMS, DEAN],
    "groups": {
        STUDENTS: [*LEARNERS],
        HEALTH: [*NURSES],
        HR: [*PERSONNEL],
        ETHICS: [*BOARD],
        RETIRED: [*EMERITI],
        EVERY_STUDENT: [*LEARNERS],
    },
    "ome_configurations": [
        {"identity": "OME Configuration", "external_mail_expiry_in_days": 0},
        {"identity": "Health", "external_mail_expiry_in_days": 14},
    ],
}

_PATIENT, _STUDENT = r"MRN-\d{6}", r"S\d{7}"
_NO_FORWARD: Values = {"apply_rights_protection_template": "Do Not Forward"}

RULES: tuple[Values, ...] = (
    rule(
        "No automatic forwarding",
        {**LEAVING, "message_type_matches": "AutoForward"},
        {"reject_message_reason_text": "Mail stays here."},
        {"from_member_of": [RETIRED]},
    ),
    rule(
        "Programs from outside",
        {"from_scope": OUTSIDE, "attachment_extension_matches_words": ["exe", "js"]},
        {"quarantine": True},
    ),
    rule(
        "The dean does not write from outside",
        {"from_scope": OUTSIDE, "header_contains_message_header": "From", "header_contains_words": ["Dean Jude"]},
        {"quarantine": True},
    ),
    rule(
        "Mail to all students",
        {"any_of_to_header": [EVERY_STUDENT]},
        {"moderate_message_by_user": [REGISTRY]},
        {"from": [REGISTRY]},
    ),
    rule(
        "Exams only from inside",
        {"from_scope": OUTSIDE, "sent_to": [EXAMS]},
        {"reject_message_reason_text": "Use the portal."},
        {"subject_contains_words": ["re-sit"]},
    ),
    rule("Students", {"from_member_of": [STUDENTS]}, {"stop_rule_processing": True}),
    rule(
        "Research partners",
        {"from_scope": INSIDE, "recipient_domain_is": [INSTITUTE, CONSORTIUM]},
        {"stop_rule_processing": True},
        {"subject_contains_words": ["patient", "trial data"]},
    ),
    rule(
        "Health service",
        {**LEAVING, "from_member_of": [HEALTH]},
        {**ENCRYPT, "apply_rights_protection_customization_template": "Health"},
    ),
    rule("Patients", {**LEAVING, "subject_or_body_matches_patterns": [_PATIENT]}, _NO_FORWARD),
    rule(
        "Letters of HR",
        {"from_scope": INSIDE, "from_member_of": [HR], "subject_contains_words": ["salary", "contract"]},
        ENCRYPT,
    ),
    rule(
        "Students' numbers",
        {**LEAVING, "subject_or_body_matches_patterns": [_STUDENT]},
        ENCRYPT,
        {"recipient_domain_is": [ALUMNI, MINISTRY]},
    ),
    rule("On request", {**LEAVING, "subject_matches_patterns": [r"^\[encrypt\]"]}, ENCRYPT),
    rule("Ethics", {"from_scope": INSIDE, "any_of_to_cc_header_member_of": [ETHICS]}, ENCRYPT),
    rule(
        "Loans by TLS",
        {"from_scope": INSIDE, "recipient_domain_is": [LOANS]},
        {"route_message_outbound_require_tls": True},
    ),
    rule(
        "Exam papers",
        {**LEAVING, "attachment_name_matches_patterns": [r"exam.*\.pdf$"]},
        _NO_FORWARD,
        {"from": [EXAMS]},
    ),
    rule(
        "Replies",
        {"from_scope": OUTSIDE, "sent_to_scope": INSIDE, "message_type_matches": "PermissionControlled"},
        {"remove_ome_v2": True},
        {"sent_to_member_of": [HEALTH]},
    ),
    rule("Hospitals", {**LEAVING, "recipient_domain_is": ["hospital.example"]}, ENCRYPT, enabled=False),
    rule(
        "From next term",
        LEAVING,
        ENCRYPT,
        {"from_member_of": [STUDENTS], "recipient_domain_is": [INSTITUTE, CONSORTIUM]},
        activation_date="2027-02-01T00:00:00Z",
    ),
    rule("Records of HR", {"from_member_of": [HR], "sent_to_scope": OUTSIDE}, {"blind_copy_to": [RECORDS]}),
)

_SUBJECTS = (
    "Your contract",
    "Salary of May",
    "S1234567",
    "MRN-123456",
    "[encrypt] Notes",
    "Re: [encrypt] Notes",
    "Trial data",
    "Lunch?",
    "re-sit",
    "Seminar",
)

_OUT: Values = {"copies": "outside"}
_PARTNERS: Values = {"recipient_domain_is": [INSTITUTE, CONSORTIUM]}
_NO_STUDENTS: Values = {"from_member_of": [STUDENTS]}
_HEALTH: Values = {**LEAVING, "from_member_of": [HEALTH]}
_OF_HR: Values = {"from_scope": INSIDE, "from_member_of": [HR], "subject_contains_words": ["salary"]}
_NUMBERS: Values = {**LEAVING, "subject_or_body_matches_patterns": [_STUDENT]}
_PATIENTS: Values = {**LEAVING, "subject_or_body_matches_patterns": [_PATIENT]}
_REPLIES: Values = {"from_scope": OUTSIDE, "sent_to_scope": INSIDE}


def _about(name: str, when: Values, then: str = "not_in_clear", **more: Values | str | int) -> Values:
    return {"name": name, "when": when, "then": then, **more}


GUARANTEES: tuple[Values, ...] = (
    _about("Health service, but partners", _HEALTH, unless=_PARTNERS, **_OUT),
    _about("Letters of HR, but partners", _OF_HR, unless=_PARTNERS, **_OUT),
)

QUESTIONS: tuple[Question, ...] = (
    *(Question(each, "proved") for each in GUARANTEES),
    Question(_about("Health service", _HEALTH, **_OUT), "refuted", ("Research partners",)),
    Question(
        _about("Health service in the portal", _HEALTH, "portal", unless=_PARTNERS, expires_within_days=14, **_OUT),
        "proved",
    ),
    Question(_about("Patients", _PATIENTS, **_OUT), "refuted", ("Students", "Research partners")),
    # What a sender encrypted keeps that protection.
    Question(
        _about(
            "Patients' mail stays where it is",
            _PATIENTS,
            unless={**_PARTNERS, **_NO_STUDENTS},
            template="Do Not Forward",
            **_OUT,
        ),
        "refuted",
    ),
    Question(_about("Letters of HR", _OF_HR), "refuted", ("Research partners",)),
    # The records get mail to people whom the rule exempts, and are outside themselves.
    Question(
        _about(
            "Students' numbers",
            _NUMBERS,
            unless={"recipient_domain_is": [ALUMNI, MINISTRY, INSTITUTE, CONSORTIUM], **_NO_STUDENTS},
            **_OUT,
        ),
        "refuted",
        ("Records of HR",),
    ),
    Question(
        _about(
            "Students' numbers of all but HR",
            _NUMBERS,
            unless={
                "recipient_domain_is": [ALUMNI, MINISTRY, INSTITUTE, CONSORTIUM],
                "from_member_of": [STUDENTS, HR],
            },
            **_OUT,
        ),
        "proved",
    ),
    Question(
        _about(
            "Students' numbers to alumni",
            {**_NUMBERS, "recipient_domain_is": [ALUMNI]},
            unless=_NO_STUDENTS,
            **_OUT,
        ),
        "refuted",
        ("Students' numbers",),
    ),
    # A blind copy shows no member.
    Question(
        _about("Ethics", {"from_scope": INSIDE, "sent_to_member_of": [ETHICS]}, unless=_NO_STUDENTS, **_OUT),
        "refuted",
        ("Ethics",),
    ),
    Question(
        _about("Loans by TLS", {"from_scope": INSIDE, "recipient_domain_is": [LOANS]}, "protected_in_transit", **_OUT),
        "refuted",
        ("Students",),
    ),
    Question(
        _about(
            "Loans of staff by TLS",
            {"from_scope": INSIDE, "recipient_domain_is": [LOANS]},
            "protected_in_transit",
            unless=_NO_STUDENTS,
            **_OUT,
        ),
        "proved",
    ),
    Question(
        _about(
            "Exam papers",
            {**LEAVING, "attachment_name_matches_patterns": ["exam"]},
            unless={**_PARTNERS, **_NO_STUDENTS},
            **_OUT,
        ),
        "refuted",
        ("Exam papers",),
    ),
    Question(
        _about(
            "On request",
            {**LEAVING, "subject_contains_words": ["[encrypt]"]},
            unless={**_PARTNERS, **_NO_STUDENTS},
            **_OUT,
        ),
        "refuted",
        ("On request",),
    ),
    Question(_about("Replies", _REPLIES, "decrypted_on_arrival"), "refuted", ("Replies", "Exams only from inside")),
    Question(
        _about(
            "Replies, but some",
            _REPLIES,
            "decrypted_on_arrival",
            unless={
                "attachment_extension_matches_words": ["exe", "js"],
                "sent_to": [EXAMS],
                "header_contains_message_header": "From",
                "header_contains_words": ["Dean Jude"],
                "any_of_to_header": [EVERY_STUDENT],
                "sent_to_member_of": [HEALTH],
            },
        ),
        "proved",
    ),
    Question(
        _about("Students in clear", {**LEAVING, **_NO_STUDENTS}, "unencrypted"),
        "refuted",
        ("No automatic forwarding", "Mail to all students"),
    ),
    Question(_about("All that leaves", LEAVING, **_OUT), "refuted", ("From next term",)),
    Question(
        _about("The hospital in clear", {"from_scope": INSIDE, "recipient_domain_is": [CLINIC]}, "unencrypted"),
        "refuted",
        ("Letters of HR", "Ethics"),
    ),
    # Whether the guest is outside (U20) does not matter.
    Question(
        _about(
            "Patients to the guest",
            {"from_scope": INSIDE, "sent_to": [GUEST], "subject_or_body_matches_patterns": [_PATIENT]},
            **_OUT,
        ),
        "refuted",
        ("Research partners",),
    ),
    Question(
        _about(
            "Trial data",
            {"from_scope": INSIDE, "recipient_domain_is": [CONSORTIUM], "subject_contains_words": ["trial data"]},
            unless=_NO_STUDENTS,
            **_OUT,
        ),
        "refuted",
    ),
)

UNIVERSITY = Organization(
    "university",
    OWN,
    FACTS,
    RULES,
    Correspondence(
        staff=(*STAFF, *STAFF, REGISTRY, EXAMS, DEAN),
        outsiders=OUTSIDERS,
        subjects=_SUBJECTS,
        bodies=("Hello.", "MRN-123456", "S1234567", "See you at lunch."),
        files=("exam.pdf", "letter.docx", "tool.exe"),
        claimed=("Dean Jude", "Sales"),
    ),
    GUARANTEES,
    QUESTIONS,
)
