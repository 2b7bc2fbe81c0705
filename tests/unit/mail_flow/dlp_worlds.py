# SPDX-License-Identifier: GPL-3.0-or-later
"""DLP policies, labels and mail of small random worlds."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from tests.unit.mail_flow.followed_rules import BRAND, DECRYPT, ENCRYPT, message

OUTGOING = {"from_scope": "InOrganization", "access_scope": "NotInOrganization"}
TREE = [{option: value} for option, value in OUTGOING.items()]
SENSITIVE = {"content_contains_sensitive_information": [{"groups": []}]}
SECRET = "01234567-89ab-cdef-0123-456789abcdef"
LABELLED = {
    "content_contains_sensitive_information": [
        {"groups": [{"name": "Default", "operator": "Or", "labels": [{"name": SECRET, "type": "Sensitivity"}]}]}
    ]
}
#: Conditions about files: of the last one, Microsoft does not say what it looks at.
FILES: tuple[dict[str, Any], ...] = (
    {"document_contains_words": ["secret"]},
    {"content_extension_matches_words": ["docx"]},
    {"content_file_type_matches": ["docx"]},
)
LABELS = [
    {"name": "Secret", "guid": SECRET, "encryption": "do_not_forward"},
    {"name": "Public", "encryption": "none"},
    {"name": "Open", "encryption": "remove"},
]


def policy(conditions: dict[str, Any], name: str = "P", **more: Any) -> dict[str, Any]:
    """A policy of one rule; what is none of its keys is an action of the rule."""
    keys = {key: more.pop(key) for key in ("scope", "mode", "priority") if key in more}
    own = {key: more.pop(key) for key in ("exceptions", "enabled") if key in more}
    return {"name": name, **keys, "rules": [{"name": name, "conditions": conditions, **own, "actions": more}]}


def encrypts(conditions: dict[str, Any], name: str = "P", **more: Any) -> dict[str, Any]:
    return policy(conditions, name, encrypt_rms_template="Encrypt", **more)


def decrypts(conditions: dict[str, Any], name: str = "D", **more: Any) -> dict[str, Any]:
    return policy(conditions, name, remove_rms_template=True, **more)


def tree(operator: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"operator": operator, "conditions": list(conditions)}


_DOMAINS = ("fabrikam.com", "adatum.com")
CHAINS: Sequence[list[dict[str, Any]]] = ([], [ENCRYPT], [BRAND], [DECRYPT], [DECRYPT, BRAND])


def conditions_of(source: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if source.random() < 0.7:
        found["access_scope"] = source.choice(("InOrganization", "NotInOrganization"))
    if source.random() < 0.4:
        found["from_scope"] = source.choice(("InOrganization", "NotInOrganization"))
    if source.random() < 0.4:
        found["recipient_domain_is"] = [source.choice(_DOMAINS)]
    if source.random() < 0.2:
        found["from"] = ["megan@contoso.com"]
    if source.random() < 0.15:
        found["subject_contains_words"] = ["secret"]
    if source.random() < 0.25:
        found.update(source.choice((SENSITIVE, SENSITIVE, LABELLED)))
    if source.random() < 0.2:
        found.update(source.choice(FILES))
    found = found or dict(OUTGOING)
    return {"advanced": tree_of(source, found)} if source.random() < 0.35 else found


def tree_of(source: random.Random, conditions: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """A tree of some conditions, and of others below it."""
    parts = [{option: value} for option, value in conditions.items()]
    if depth < 2 and source.random() < 0.6:
        parts.append(tree_of(source, dict(OUTGOING), depth + 1))
    joined = tree(source.choice(("and", "or")), *parts)
    return tree("not", joined) if source.random() < 0.3 else joined


#: What sends mail to people whom the sender does not name, or perhaps does.
_SENDING: Sequence[dict[str, Any]] = (
    {"redirect_message_to": ["ann@fabrikam.com"]},
    {"redirect_message_to": ["joe@contoso.com"], "encrypt_rms_template": "Encrypt"},
    {"copy_to": ["audit@fabrikam.com"]},
    {"copy_to": ["joe@adatum.com"]},
    {"blind_copy_to": ["audit@fabrikam.com"], "encrypt_rms_template": "Encrypt"},
    {"add_to_recipients": ["joe@contoso.com", "audit@fabrikam.com"], "remove_rms_template": True},
    {"add_manager_as_recipient_type": "Bcc"},
    {"copy_to": ["audit@fabrikam.com"], "quarantine": True},
    {"copy_to": ["audit@fabrikam.com"], "block_access": True},
    {"copy_to": ["audit@fabrikam.com"], "moderate_message_by_user": ["joe@contoso.com"]},
    {"copy_to": ["audit@fabrikam.com"], "redirect_message_to": ["joe@contoso.com"]},
)


def actions_of(source: random.Random, *, followed: bool = False) -> dict[str, Any]:
    """:param followed: whether to leave out what the simulator does not follow."""
    every: list[dict[str, Any]] = [
        *({"encrypt_rms_template": name} for name in ("Encrypt", "Encrypt", "Do Not Forward")),
        *({"remove_rms_template": True}, {"remove_rms_template": True}),
        {"encrypt_rms_template": "Encrypt", "apply_branding_template": "Other"},
        *({"block_access": True}, {"block_access": True, "block_access_scope": "PerUser"}),
        {"block_access": True, "block_access_scope": "PerUser", "encrypt_rms_template": "Encrypt"},
        {"block_access": True, "block_access_scope": "PerUser", "copy_to": ["audit@fabrikam.com"]},
        {"notify_user": ["Owner"]},
        *({"quarantine": True}, {"redirect_message_to": ["joe@contoso.com"]}),
        {"quarantine": True, "encrypt_rms_template": "Encrypt"},
        {"moderate_message_by_user": ["joe@contoso.com"]},
        {"moderate_message_by_user": ["joe@contoso.com"], "encrypt_rms_template": "Encrypt"},
        *_SENDING,
    ]
    actions = source.choice(every)
    # Whether a rule that may stop others before, and does the same as they, comes first does not matter; it is not seen.
    stops = source.random() < 0.2 and not (followed and "notify_user" not in actions)
    return {**actions, **({"stop_policy_processing": True} if stops else {})}


def policies_of(source: random.Random, *, followed: bool = False) -> list[dict[str, Any]]:
    """The policies of a small world."""
    return [
        {
            "name": f"P{place}",
            "mode": source.choice(("Enable", "Enable", "Enable", "TestWithNotifications")),
            "priority": place,
            "scope": {"exchange": True, "senders": ["megan@contoso.com"]} if source.random() < 0.2 else {},
            "rules": [
                {
                    "name": f"R{place}{number}",
                    "conditions": conditions_of(source),
                    "exceptions": {"recipient_domain_is": ["adatum.com"]} if source.random() < 0.2 else {},
                    "actions": actions_of(source, followed=followed),
                }
                for number in range(source.randint(1, 2))
            ],
        }
        for place in range(source.randint(0, 3))
    ]


def certain_policies_of(source: random.Random) -> list[dict[str, Any]]:
    """Some policies of one rule each that surely acts on the mail that it is about."""
    conditions = (
        {"access_scope": "NotInOrganization"},
        {"recipient_domain_is": ["fabrikam.com"]},
        {"access_scope": "NotInOrganization", "recipient_domain_is": ["adatum.com"]},
        {"from_scope": "InOrganization", "access_scope": "NotInOrganization"},
        {"from": ["megan@contoso.com"]},
    )
    return [
        {
            "name": f"P{place}",
            "priority": place,
            "rules": [
                {
                    "name": f"R{place}",
                    "conditions": source.choice(conditions),
                    "exceptions": {"recipient_domain_is": ["adatum.com"]} if source.random() < 0.2 else {},
                    "actions": actions_of(source),
                }
            ],
        }
        for place in range(source.randint(1, 3))
    ]


def labels_of(source: random.Random) -> dict[str, Any]:
    if source.random() < 0.5:
        return {}
    auto = [{"name": "A", "label": source.choice(LABELS)["name"]}] if source.random() < 0.3 else []
    return {"labels": source.sample(LABELS, source.randint(1, 3)), "auto_label_policies": auto}


_KEYS: Sequence[dict[str, Any]] = (
    {},
    {"subject": "secret"},
    {"protection": {"kind": "encrypt", "owner": "own"}},
    {"sensitive_information": False},
    {"attachments": [{"name": "a.docx", "size": 1000}]},
)


def mail_of(labels: dict[str, Any]) -> Iterator[dict[str, Any]]:
    names = ["", *(each["name"] for each in labels.get("labels", ()))]
    for sender in ("megan@contoso.com", "eve@adatum.com"):
        for recipient in ("ann@fabrikam.com", "joe@adatum.com", "megan@contoso.com"):
            for keys in _KEYS:
                yield message(**{"from": sender}, to=[recipient], authenticated=sender.endswith("contoso.com"), **keys)
    for name in names[1:]:
        yield message(sensitivity_label=name)
        yield message(sensitivity_label=name, sensitive_information=False)
