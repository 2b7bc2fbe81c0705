# SPDX-License-Identifier: GPL-3.0-or-later
"""Random organizations, rules and messages, in the collection's options and the test vectors' keys.

They draw from few people, words and headers, so that rules meet messages often. Everything takes a ``random.Random``,
as hypothesis has one to give and a search without hypothesis another.
"""

from __future__ import annotations

import random
from typing import Any

PEOPLE = ("megan@contoso.com", "adele@contoso.com", "bob@contoso.com")
OUTSIDERS = ("ann@fabrikam.com", "x@eu.fabrikam.com", "joe@northwind.com", "sis@sister.com")
GUEST = "guest@fabrikam.com"
RELAYED = ("old@relay.contoso.net", "new@sub.contoso.com", "plain@contoso.com")
GROUPS = ("sales@contoso.com", "all@contoso.com")
PROXY = "helpdesk@contoso.com"
WORDS = ("secure", "offer", "top secret", "encrypt:", "public")
TEXTS = (
    "",
    "secure",
    "Secure offer",
    "an offer: top secret",
    "insecure",
    "[Encrypt] public",
    "encrypt:now",
    "top  secret",
    "encrypt: offer",
    "secure_offer",
)
PATTERNS = (
    r"\[encrypt\]",
    "^secure",
    "offer$",
    "sec(ure|ret)",
    "[a-d]b",
    r"\d{2,3}",
    "(?=secure)secure",
    r"@fabrikam\.com$",
    r"\.com$",
    "north.*d",
)
HEADERS = ("X-Class", "X-Flag")
HEADER_VALUES = ("yes", "no", "secure yes")
#: Headers that say what other conditions look at, with values that rules may set.
SAYING = {
    "Subject": TEXTS[1:3],
    "From": ("ann@fabrikam.com", "megan@contoso.com"),
    "To": ("ann@fabrikam.com", "adele@contoso.com"),
    "Cc": ("helpdesk@contoso.com",),
    "Importance": ("Low", "High"),
    "X-MS-Exchange-Organization-SCL": ("9",),
    "X-MS-Exchange-Organization-AuthAs": ("Internal",),
}
CLASSES = ("Internal", "Secret")
TEMPLATES = ("Encrypt", "Do Not Forward", "Confidential")
CONNECTORS = ("ToAppliance", "Bank", "Everybody")
BRANDINGS = ("Branding1", "Branding2")
TYPES = ("OOF", "AutoForward", "Calendaring", "ReadReceipt", "Signed", "SmtpForwarding")
SIZES = (1_000, 4 * 2**20, 5 * 2**20, 8 * 2**20)
ATTRIBUTES = {PEOPLE[0]: {"Department": "Sales", "Office": "12"}, PEOPLE[1]: {"Department": "Legal"}, PEOPLE[2]: {}}

Values = dict[str, Any]


def organization(source: random.Random) -> Values:
    """What is known of an organization; now and then not everything."""
    domains = [{"name": "contoso.com", "type": "Authoritative", "match_subdomains": source.random() < 0.3}]
    if source.random() < 0.5:
        domains.append(
            {
                "name": "relay.contoso.net",
                "type": source.choice(["ExternalRelay", "InternalRelay"]),
                "match_subdomains": False,
            }
        )
    known: Values = {
        "accepted_domains": domains,
        "remote_domains": [{"name": "sister.com", "is_internal": source.random() < 0.5}],
        "mailboxes": list(PEOPLE),
        "mail_users": [GUEST],
        "contacts": ["joe@northwind.com"],
        "groups": {GROUPS[0]: [PEOPLE[1], PEOPLE[2]], GROUPS[1]: [GROUPS[0], PEOPLE[0]]},
        "managers": {PEOPLE[0]: PEOPLE[1], PEOPLE[2]: PEOPLE[1]},
        "attributes": {person: dict(held) for person, held in ATTRIBUTES.items()},
        "proxy_addresses": {PROXY: PEOPLE[1]},
    }
    if source.random() < 0.2:
        settings = ["azure_rms_licensing_enabled", "internal_licensing_enabled", "enable_pdf_encryption"]
        known["irm_configuration"] = {name: source.random() < 0.8 for name in settings}
        known["irm_configuration"]["transport_decryption_setting"] = source.choice(
            ["Optional", "Disabled", "Mandatory"]
        )
        # Of its own source, so that what follows stays as it was.
        if random.Random(repr(known)).random() < 0.3:
            known["rms_templates"] = []
    if source.random() < 0.5:
        known["outbound_connectors"] = [connector(source, name) for name in CONNECTORS if source.random() < 0.5]
    if source.random() < 0.15:
        known.pop(source.choice(["remote_domains", "managers", "attributes", "mail_users"]))
    return known


def connector(source: random.Random, name: str) -> Values:
    """An outbound connector."""
    hosts = source.choice([[], [], ["gate.contoso.com"], ["one.contoso.com", "two.contoso.com"]])
    return {
        "name": name,
        "enabled": source.random() < 0.85,
        "recipient_domains": source.sample(
            ["fabrikam.com", "*.fabrikam.com", "northwind.com", "eu.fabrikam.com", "*"], source.choice([0, 1, 1, 2])
        ),
        "connector_type": "OnPremises" if hosts else "Partner",
        "tls_settings": source.choice(["", "EncryptionOnly", "CertificateValidation", "DomainValidation"]),
        "tls_domain": "" if hosts else "fabrikam.com",
        "use_mx_record": not hosts,
        "smart_hosts": hosts,
        "is_transport_rule_scoped": source.random() < 0.3,
        "test_mode": source.random() < 0.15,
        "all_accepted_domains": source.random() < 0.1,
    }


def message(source: random.Random) -> Values:
    """A message with every text, and with most facts."""
    sender = source.choice([PEOPLE[0], PEOPLE[0], PEOPLE[2], OUTSIDERS[0], "plain@contoso.com", GUEST])
    made: Values = {
        "from": sender,
        "mail_from": source.choice([sender, sender, sender, PEOPLE[2], OUTSIDERS[2], ""]),
        "subject": source.choice(TEXTS),
        "body": source.choice(TEXTS),
        "headers": {name: source.choice(HEADER_VALUES) for name in HEADERS if source.random() < 0.4},
        "attachments": [attachment(source) for _count in range(source.choice([0, 0, 0, 1, 2]))],
        "to": [],
        "cc": [],
        "bcc": [],
        "protection": source.choice([{"kind": "none"}] * 6 + list(_ARRIVALS)),
    }
    if source.random() < 0.9:
        made["authenticated"] = sender not in OUTSIDERS and source.random() < 0.85
    for address in source.sample(
        [*PEOPLE, *OUTSIDERS, *RELAYED, GUEST, PROXY, *GROUPS], source.choice([1, 1, 2, 2, 3, 4])
    ):
        made[source.choice(["to", "to", "cc", "bcc"])].append(address)
    optional: Values = {
        "type": source.choice(TYPES),
        "importance": source.choice(["Low", "Normal", "High"]),
        "classification": source.choice([[], [CLASSES[0]], list(CLASSES)]),
        "scl": source.choice([-1, 0, 5, 9]),
        "sender_ip": source.choice(["10.0.0.1", "192.0.2.7"]),
        "size": source.choice([*SIZES, 30 * 2**20]),
        "disclaimer_insertable": source.random() < 0.5,
    }
    made["date"] = source.choice(["2026-01-15T12:00:00Z", "2026-03-15T12:00:00Z"])
    return alterable(
        made | {key: value for key, value in optional.items() if source.random() < (0.15 if key == "type" else 0.5)}
    )


def alterable(message: Values) -> Values:
    """A message that does not say that a disclaimer fits into it although it is signed, or encrypted by others."""
    protection = message["protection"]
    signed = "Signed" in message.get("type", ()) or protection["kind"].startswith("smime")
    if message.get("disclaimer_insertable") and (signed or protection.get("owner") == "other"):
        del message["disclaimer_insertable"]
    return message


_ARRIVALS = (
    {"kind": "encrypt", "owner": "own"},
    {"kind": "do_not_forward", "owner": "own"},
    {"kind": "template:Confidential", "owner": "own"},
    {"kind": "encrypt", "owner": "other"},
    {"kind": "smime", "owner": "other"},
    {"kind": "smime_signed"},
)


def attachment(source: random.Random) -> Values:
    made: Values = {"name": source.choice(["offer.pdf", "setup.exe", "data.zip"]), "size": source.choice(SIZES)}
    made["properties"] = source.choice([{}, {"Class": "Secret"}, {"Class": "internal", "Owner": "Megan Bowen"}])
    made |= {
        told: source.random() < 0.5
        for told in ("executable", "password_protected", "unsupported", "limit_exceeded")
        if source.random() < 0.7
    }
    if made["name"] == "data.zip":
        made["nested"] = source.choice([[], ["setup.exe"]])
    if source.random() < 0.8:
        made["text"] = source.choice(TEXTS)
    return made


def some(source: random.Random, values: Any) -> list[Any]:
    """One or two of the values."""
    return source.sample(list(values), source.choice([1, 1, 2]))


def _addresses(source: random.Random) -> list[str]:
    return some(source, [*PEOPLE, *OUTSIDERS, *GROUPS[:1], GUEST])


def _pairs(source: random.Random) -> list[str]:
    return [source.choice(["Department:Sales", "Department:Legal,Sales", "Office:12"])]


def _words(source: random.Random) -> list[str]:
    return some(source, WORDS)


def _patterns(source: random.Random) -> list[str]:
    return some(source, PATTERNS)


def _address_words(source: random.Random) -> list[str]:
    return some(source, ["fabrikam", "contoso.com", "megan", "helpdesk", "x", "ann@fabrikam.com"])


def _domains(source: random.Random) -> list[str]:
    return some(source, ["fabrikam.com", "eu.fabrikam.com", "contoso.com", "sister.com", "com"])


def _scope(source: random.Random) -> str:
    return source.choice(["InOrganization", "NotInOrganization"])


#: Predicates that come up often, and those that come up now and then.
COMMON = {
    "from": _addresses,
    "from_scope": _scope,
    "sender_domain_is": _domains,
    "sent_to": _addresses,
    "sent_to_scope": _scope,
    "recipient_domain_is": _domains,
    "recipient_address_contains_words": _address_words,
    "any_of_recipient_address_contains_words": _address_words,
    "any_of_to_header": _addresses,
    "any_of_to_cc_header": _addresses,
    "subject_contains_words": _words,
    "subject_or_body_contains_words": _words,
    "subject_matches_patterns": _patterns,
    "header_contains": lambda source: {
        "header_contains_message_header": source.choice(HEADERS),
        "header_contains_words": some(source, HEADER_VALUES),
    },
    "own_header_contains": lambda source: {
        "header_contains_message_header": source.choice(("Subject", "From", "To", "Cc")),
        "header_contains_words": some(source, ("secure", "ann", "copied", "adele")),
    },
    "message_type_matches": lambda source: source.choice(
        ["OOF", "AutoForward", "Encrypted", "PermissionControlled", "Signed", "Calendaring"]
    ),
}
RARE = {
    "from_member_of": lambda source: some(source, GROUPS),
    "from_address_contains_words": _address_words,
    "from_address_matches_patterns": _patterns,
    "sender_ip_ranges": lambda source: some(source, ["10.0.0.0/24", "192.0.2.1-192.0.2.9", "10.0.0.1"]),
    "sender_ad_attribute_contains_words": _pairs,
    "recipient_ad_attribute_contains_words": _pairs,
    "sender_management_relationship": lambda source: source.choice(["Manager", "DirectReport"]),
    "manager": lambda source: {
        "manager_for_evaluated_user": source.choice(["Sender", "Recipient"]),
        "manager_addresses": some(source, PEOPLE),
    },
    "between": lambda source: {
        "between_member_of_1": [source.choice(GROUPS)],
        "between_member_of_2": [source.choice(GROUPS)],
    },
    "comparison": lambda source: {
        "ad_comparison_attribute": "Department",
        "ad_comparison_operator": source.choice(["Equal", "NotEqual"]),
    },
    "sent_to_member_of": lambda source: some(source, GROUPS),
    "recipient_address_matches_patterns": _patterns,
    "any_of_recipient_address_matches_patterns": _patterns,
    "any_of_cc_header": _addresses,
    "any_of_to_header_member_of": lambda source: some(source, GROUPS),
    "any_of_to_cc_header_member_of": lambda source: some(source, GROUPS),
    "subject_or_body_matches_patterns": _patterns,
    "header_matches": lambda source: {
        "header_matches_message_header": source.choice(HEADERS),
        "header_matches_patterns": _patterns(source),
    },
    "attachment_contains_words": _words,
    "attachment_matches_patterns": _patterns,
    "attachment_name_matches_patterns": lambda source: some(source, ["offer", r"\.exe$", "data"]),
    "attachment_extension_matches_words": lambda source: some(source, ["exe", "pdf", "zip"]),
    "attachment_size_over": lambda source: source.choice(["4MB", "5MB", "10MB"]),
    "message_size_over": lambda source: source.choice(["4MB", "10MB"]),
    "with_importance": lambda source: source.choice(["Low", "Normal", "High"]),
    "has_classification": lambda source: source.choice(CLASSES),
    "has_no_classification": lambda source: source.random() < 0.8,
    "sender_ad_attribute_matches_patterns": lambda source: [
        source.choice(["Department:^sales$", "Office:1.", "Department:(?=x)y"])
    ],
    "recipient_ad_attribute_matches_patterns": lambda source: [
        source.choice(["Department:^sales$", "Office:1.", "Department:leg"])
    ],
    "sender_in_recipient_list": lambda source: ["list"],
    "recipient_in_sender_list": lambda source: ["list"],
    "any_of_cc_header_member_of": lambda source: some(source, GROUPS),
    "attachment_property_contains_words": lambda source: [
        source.choice(["Class:secret", "Class:secret,public", "Owner:megan"])
    ],
    "attachment_has_executable_content": lambda source: True,
    "attachment_is_password_protected": lambda source: True,
    "attachment_is_unsupported": lambda source: True,
    "attachment_processing_limit_exceeded": lambda source: True,
    "content_character_set_contains_words": lambda source: some(source, ["utf-8", "koi8-r"]),
    "scl_over": lambda source: source.choice([0, 5, 6]),
}


def section(source: random.Random, most: int, *, rare: float = 0.2, only: tuple[str, ...] | None = None) -> Values:
    """Conditions or exceptions."""
    found: Values = {}
    for _count in range(source.choice(range(most + 1))):
        pool = RARE if only is None and source.random() < rare else COMMON
        name = source.choice(only or list(pool))
        value = {**COMMON, **RARE}[name](source)
        found |= value if isinstance(value, dict) else {name: value}
    return found


def _said_otherwise(source: random.Random, name: str) -> Values:
    """Sets or removes a header that says what other conditions look at."""
    if source.random() < 0.3:
        return {"remove_header": name}
    return {"set_header_name": name, "set_header_value": source.choice(SAYING[name])}


_ACTIONS: dict[str, Any] = {
    "encrypt": lambda source: {
        "apply_rights_protection_template": source.choice(TEMPLATES[:2] if source.random() < 0.8 else TEMPLATES)
    },
    "decrypt": lambda source: {"remove_ome_v2": True},
    "brand": lambda source: {"apply_rights_protection_customization_template": source.choice(BRANDINGS)},
    "delete": lambda source: {"delete_message": True},
    "reject": lambda source: {"reject_message_reason_text": "no"},
    "quarantine": lambda source: {"quarantine": True},
    "moderate": lambda source: {"moderate_message_by_user": [PEOPLE[1]]},
    "moderate by manager": lambda source: {"moderate_message_by_manager": True},
    "prefix": lambda source: {"prepend_subject": source.choice(["[X] ", "secure ", "off"])},
    "set header": lambda source: {
        "set_header_name": source.choice(HEADERS),
        "set_header_value": source.choice(HEADER_VALUES),
    },
    "remove header": lambda source: {"remove_header": source.choice(HEADERS)},
    "say otherwise": lambda source: _said_otherwise(source, source.choice(list(SAYING))),
    "classify": lambda source: {"apply_classification": source.choice(CLASSES)},
    "set scl": lambda source: {"set_scl": 5},
    "disclaim": lambda source: {
        "apply_html_disclaimer_text": "<p>top secret</p>",
        "apply_html_disclaimer_location": source.choice(["Append", "Prepend"]),
        "apply_html_disclaimer_fallback_action": source.choice(["Wrap", "Ignore", "Reject"]),
    },
    "report": lambda source: {"generate_incident_report": PEOPLE[1], "incident_report_content": ["Subject"]},
    "notify": lambda source: {"generate_notification": "matched"},
    "redirect": lambda source: {"redirect_message_to": ["moved@contoso.com"]},
    "copy": lambda source: {source.choice(["copy_to", "blind_copy_to", "add_to_recipients"]): ["copied@contoso.com"]},
    "bring": lambda source: {
        source.choice(["copy_to", "blind_copy_to", "redirect_message_to"]): some(
            source, [*GROUPS, "Ext Contact", "far@fabrikam.com"]
        )
    },
    "add manager": lambda source: {"add_manager_as_recipient_type": source.choice(["To", "Cc", "Bcc", "Redirect"])},
    "encrypt as before": lambda source: {"apply_ome": True},
    "decrypt attachments": lambda source: {"remove_ome_v2": True, "remove_rms_attachment_encryption": True},
    "require TLS": lambda source: {"route_message_outbound_require_tls": True},
    "route": lambda source: {"route_message_outbound_connector": source.choice([*CONNECTORS, "Gone"])},
}
_WEIGHTS = {"encrypt": 8, "decrypt": 3, "brand": 2, "prefix": 2, "set header": 3, "say otherwise": 3}
#: Actions that bring recipients.
_BRINGING = {"redirect", "copy", "add manager", "bring"}
#: Actions that go with few others; rules that have others beside them are rare.
_ALONE = {"delete", "reject", "quarantine", "moderate", "moderate by manager", "redirect", "add manager", "bring"}


def rule(source: random.Random, place: int, *, newcomers: bool = False, rare: float = 0.2) -> Values:
    """A rule. ``newcomers`` allows actions that bring recipients."""
    names = [name for name in _ACTIONS if newcomers or name not in _BRINGING]
    name = source.choices(names, [_WEIGHTS.get(one, 1) for one in names])[0]
    actions = _ACTIONS[name](source)
    if name not in _ALONE and source.random() < 0.3:
        other = source.choices(names, [_WEIGHTS.get(one, 1) for one in names])[0]
        actions |= _ACTIONS[other](source) if other not in _ALONE else {}
    elif source.random() < 0.1:
        actions |= _ACTIONS[source.choice(names)](source)
    if source.random() < 0.25:
        actions["stop_rule_processing"] = True
    made: Values = {
        "name": f"Rule {place}",
        "priority": place,
        "state": "Disabled" if source.random() < 0.05 else "Enabled",
        "mode": source.choices(["Enforce", "Audit", "AuditAndNotify"], [12, 1, 1])[0],
        "conditions": section(source, 3, rare=rare),
        "exceptions": section(source, 2, rare=rare) if source.random() < 0.4 else {},
        "actions": actions,
    }
    settings: Values = {
        "sender_address_location": source.choice(["Envelope", "HeaderOrEnvelope"]),
        "recipient_address_type": "Original",
        "use_legacy_regex": True,
        "activation_date": "2026-02-01T00:00:00Z",
        "expiry_date": "2026-02-01T00:00:00Z",
        "is_rule_configuration_supported": False,
    }
    return made | {key: value for key, value in settings.items() if source.random() < 0.04}


#: Conditions of what headers say that rules may set.
_SAID = (
    *("subject_contains_words", "subject_or_body_contains_words", "subject_matches_patterns", "own_header_contains"),
    *("from", "from_scope", "sender_domain_is", "from_member_of", "sender_ad_attribute_contains_words", "manager"),
    *("any_of_to_header", "any_of_to_cc_header", "any_of_cc_header", "with_importance", "scl_over", "sent_to_scope"),
)


def editing_rules(source: random.Random, **options: Any) -> list[Values]:
    """Rules that set or remove headers, or add people, and later ones that look at what these say."""
    names = ["say otherwise", "say otherwise", "copy", "prefix", "set scl", "disclaim"]
    first = [rule(source, place, **options) for place in range(source.choice([1, 1, 2]))]
    for one in first:
        one |= {"actions": _ACTIONS[source.choice(names)](source), "conditions": section(source, 1)}
    later = [rule(source, place, **options) for place in range(len(first), len(first) + source.choice([1, 2, 3]))]
    for one in later:
        one |= {part: section(source, most, only=_SAID) for part, most in (("conditions", 2), ("exceptions", 1))}
    return [*first, *later]


def rules(source: random.Random, most: int = 5, **options: Any) -> list[Values]:
    return [rule(source, place, **options) for place in range(source.randint(1, most))]
