# SPDX-License-Identifier: GPL-3.0-or-later
"""Wishes and organizations of all kinds, for the properties of the role."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

ALLOWED: dict[str, Any] = {
    "accept": [
        "EAS-1",
        "IRM-4",
        "IRM-5",
        "POL-1",
        "POL-2",
        "work_accounts_only",
        "any_sender",
        "unconditional_rule",
        "mail_rejection",
        "blind_transport",
        "irreversible",
        "weakened_mail",
    ],
    "remove_created_templates": True,
}


SWITCH = st.sampled_from([True, False, None])


WORDS = st.lists(st.sampled_from(["secret", "Contract", "a b"]), min_size=1, max_size=2, unique=True)


CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "from_scope": st.sampled_from(["InOrganization", "NotInOrganization"]),
        "sent_to_scope": st.just("NotInOrganization"),
        "subject_contains_words": WORDS,
        "subject_matches_patterns": st.just(["^x+$"]),
    },
)


ACTIONS = st.sampled_from(
    [
        {"apply_rights_protection_template": "Encrypt"},
        {"apply_rights_protection_template": "Do Not Forward"},
        {"remove_ome_v2": True},
        {"prepend_subject": "[x] "},
    ]
)


NAMES = ("one", "two", "three", "four", "Encrypt all outgoing mail")


WANTED_RULE = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES[:4])},
    optional={
        "enabled": st.booleans(),
        "mode": st.sampled_from(["Audit", "Enforce"]),
        "comments": st.sampled_from(["", "theirs"]),
        "conditions": CONDITIONS,
        "exceptions": CONDITIONS,
    },
).flatmap(
    lambda rule: st.one_of(
        ACTIONS.map(lambda actions: {**rule, "actions": actions}),
        st.just({"name": rule["name"], "state": "absent"}),
    )
)


WISHES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("azure_rms_licensing", "internal_licensing", "encrypt_button", "encrypt_only_option", "pdf_encryption"),
            SWITCH,
        ),
        **dict.fromkeys(
            ("decrypt_attachments_for_encrypt_only", "portal_tracking_logs", "social_id_sign_in", "one_time_passcode"),
            SWITCH,
        ),
        "transport_decryption": st.sampled_from(["Mandatory", "Optional", "Disabled", None]),
        "branding": st.sampled_from([None, {"portal_text": "Ours", "email_text": ""}, {"background_color": "#102030"}]),
        "branding_template": st.sampled_from(
            [None, {"name": "week", "external_mail_expiry_in_days": 7}, {"name": "old"}]
        ),
        "mailbox_policies": st.sampled_from(["warn", "enforce", None]),
        "encrypt_outgoing": st.sampled_from(
            [
                False,
                {"template": "Do Not Forward"},
                {"mode": "Audit", "exceptions": {"subject_contains_words": ["clear"]}},
            ]
        ),
        "encryption_rules": st.lists(WANTED_RULE, max_size=4, unique_by=lambda rule: rule["name"]),
    },
).flatmap(
    # Some of the rules may be on trial.
    lambda wishes: st.lists(
        st.sampled_from([rule["name"] for rule in wishes.get("encryption_rules", ())] or [""]), unique=True, max_size=2
    ).map(lambda names: {**wishes, **({"trial": names} if names and all(names) else {})})
)


STORED_RULE = st.fixed_dictionaries(
    {
        "Name": st.sampled_from(NAMES),
        "State": st.sampled_from(["Enabled", "Disabled"]),
        "Mode": st.sampled_from(["Enforce", "Audit"]),
    },
    optional={
        "Comments": st.just("before"),
        "SubjectContainsWords": WORDS,
        "FromScope": st.just("InOrganization"),
        "ExceptIfSubjectContainsWords": WORDS,
        "StopRuleProcessing": st.just(True),
    },
).flatmap(
    lambda rule: st.sampled_from([{"ApplyRightsProtectionTemplate": "Encrypt"}, {"PrependSubject": "[y] "}]).map(
        lambda actions: {**rule, **actions}
    )
)


STATES = st.fixed_dictionaries(
    {
        "advanced_message_encryption": st.just(True),
        "transport_rules": st.lists(STORED_RULE, max_size=5, unique_by=lambda rule: rule["Name"]),
    },
    optional={
        "irm_configuration": st.fixed_dictionaries(
            {},
            optional={
                name: st.booleans()
                for name in ("AzureRMSLicensingEnabled", "SimplifiedClientAccessEnabled", "EnablePdfEncryption")
            },
        ),
        "ome_configurations": st.sampled_from(
            [
                [
                    {"Identity": "OME Configuration", "PortalText": "Theirs"},
                    {"Identity": "old", "OTPEnabled": False, "SocialIdSignIn": True},
                ],
                [{"Identity": "OME Configuration", "SocialIdSignIn": False, "OTPEnabled": False}],
            ]
        ),
        "owa_mailbox_policies": st.just(
            [{"Name": "OwaMailboxPolicy-Default", "IRMEnabled": False}, {"Name": "second"}]
        ),
    },
)
