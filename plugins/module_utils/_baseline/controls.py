# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls of the hardened baseline: the one table from which defaults, documentation, tags, plan and report come.

Private to the collection. The benchmarks of CIS and CISA set none of these values; Microsoft's Zero Trust Assessment tests
some of them (``assessed``). A control says where its value comes from: it is Microsoft's default, it tightens Microsoft's
default, or it is this collection's opinion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.control import Control, Variable
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.control_kinds import (
    BrandingControl,
    LicensedControl,
    LicensingControl,
    PolicyControl,
    SettingsControl,
    SignInControl,
    TemplateControl,
    TestControl,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.findings import WORDS
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.mail_control import MailControl
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.rules_control import OUTGOING_RULE, RulesControl
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.cases import MESSAGES_ARGUMENT_SPEC
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.declared import TYPED_GUARANTEES_ARGUMENT_SPEC
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import ACTIVESYNC_ORG_SETTINGS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import IRM_CONFIGURATION
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.mailbox_policies import MOBILE_DEVICE_MAILBOX_POLICY, OWA_MAILBOX_POLICY
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import OME_CONFIGURATION
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import rule_argument_spec

PROFILES = ("recommended", "restrictive")

DEFAULT, TIGHTENS, OPINION = "Microsoft's default", "tightens Microsoft's default", "opinion"

_ARTICLE = "https://learn.microsoft.com/purview/manage-office-365-message-encryption"
_CMDLETS = "https://learn.microsoft.com/powershell/module/exchange"


def _irm(id_: str, title: str, sets: str, *variables: Variable, kind: type[SettingsControl] = SettingsControl, **more: Any) -> Control:
    more.setdefault("source", f"{_CMDLETS}/set-irmconfiguration")
    return kind(id=id_, title=title, sets=sets, table=IRM_CONFIGURATION, variables=variables, **more)


def _switch(name: str, option: str, values: tuple[Any, Any], doc: str, *, inverted: bool = False) -> Variable:
    return Variable(name, {"type": "bool"}, doc, values, option, inverted)


_BRANDING = {option: spec for option, spec in OME_CONFIGURATION.argument_spec().items() if option.endswith(("_text", "_color", "_content", "_url"))}
_BRANDING["image_path"] = {"type": "str"}

CONTROLS: tuple[Control, ...] = (
    _irm(
        "IRM-1",
        "Azure Rights Management protects mail",
        "AzureRMSLicensingEnabled",
        _switch("azure_rms_licensing", "azure_rms_licensing_enabled", (True, True), "Whether Exchange Online uses Azure Rights Management."),
        kind=LicensingControl,
        reason="Message encryption does not work without it.",
        risk="An organization that still uses AD RMS would switch its key service; that is refused.",
        notice="Nobody, where it is on already; else everybody gains the means to protect mail.",
        provenance=DEFAULT,
        assessed_by="35024",
        cloud_only=True,
    ),
    _irm(
        "IRM-2",
        "Mail can be protected",
        "InternalLicensingEnabled",
        _switch("internal_licensing", "internal_licensing_enabled", (True, True), "Whether mail can be protected, to recipients inside and outside."),
        reason="In Exchange Online it governs mail to inside and outside alike: without it Exchange lists no templates, and nobody can protect mail.",
        risk="None known.",
        notice="Nobody, where it is on already.",
        provenance=DEFAULT,
        assessed_by="35025",
    ),
    _irm(
        "IRM-3",
        "People can encrypt in Outlook on the web",
        "SimplifiedClientAccessEnabled, SimplifiedClientAccessEncryptOnlyDisabled, SimplifiedClientAccessDoNotForwardDisabled",
        _switch("encrypt_button", "simplified_client_access_enabled", (True, True), "Whether Outlook on the web shows the Encrypt button."),
        _switch(
            "encrypt_only_option",
            "simplified_client_access_encrypt_only_disabled",
            (None, True),
            "Whether the button offers Encrypt (encrypt only).",
            inverted=True,
        ),
        _switch(
            "do_not_forward_option",
            "simplified_client_access_do_not_forward_disabled",
            (None, True),
            "Whether the button offers Do Not Forward.",
            inverted=True,
        ),
        reason="Who can protect a message with one click does it more often.",
        risk="Protected mail that nobody expected reaches partners.",
        notice="Everybody who uses Outlook on the web.",
        provenance=OPINION,
        assessed_by="35026",
        source=_ARTICLE,
        cloud_only=True,
    ),
    _irm(
        "IRM-4",
        "Attachments stay encrypted on download",
        "DecryptAttachmentForEncryptOnly",
        _switch(
            "decrypt_attachments_for_encrypt_only",
            "decrypt_attachment_for_encrypt_only",
            (False, False),
            "Whether attachments of encrypt-only mail are decrypted when they are downloaded in a browser.",
        ),
        reason="A decrypted copy on a device is out of reach of any policy.",
        risk="Recipients whose programs cannot open protected files cannot read them.",
        notice="Who downloads attachments of encrypted mail in a browser.",
        provenance=DEFAULT,
        source=_ARTICLE,
        takes_away=(False,),
        cloud_only=True,
    ),
    _irm(
        "IRM-5",
        "PDF attachments are encrypted",
        "EnablePdfEncryption",
        _switch("pdf_encryption", "enable_pdf_encryption", (None, True), "Whether PDF attachments of protected mail are encrypted, too."),
        reason="A PDF would otherwise leave a protected message in clear.",
        risk="Recipients need a program that opens protected PDF files.",
        notice="Whoever receives a PDF with protected mail.",
        provenance=TIGHTENS,
        takes_away=(True,),
        cloud_only=True,
    ),
    _irm(
        "IRM-6",
        "Transport can look into protected mail",
        "TransportDecryptionSetting",
        Variable(
            "transport_decryption",
            {"type": "str", "choices": ["Disabled", "Mandatory", "Optional"]},
            "Whether Exchange decrypts protected mail in transport. Any value but V(Optional) is refused until its word is accepted.",
            ("Optional", "Optional"),
            "transport_decryption_setting",
        ),
        dangerous={
            "Mandatory": ("mail_rejection", "mail that cannot be decrypted would be rejected."),
            "Disabled": ("blind_transport", "rules and scanners would no longer see into protected mail."),
        },
        reason="Rules, journaling and malware scanning see into protected mail, and mail that cannot be decrypted still arrives.",
        risk="None known for Optional.",
        notice="Nobody.",
        provenance=DEFAULT,
    ),
    _irm(
        "IRM-7",
        "What happens in the portal is logged",
        "EnablePortalTrackingLogs",
        _switch("portal_tracking_logs", "enable_portal_tracking_logs", (None, True), "Whether activities in the encryption portal are logged."),
        kind=LicensedControl,
        reason="Without it nobody can tell who read a message in the portal.",
        risk="It needs Advanced Message Encryption: without the license Exchange has no such parameter.",
        notice="Nobody; a works council may want to know.",
        provenance=TIGHTENS,
        cloud_only=True,
    ),
    SignInControl(
        id="OME-1",
        title="No sign-in to the portal with a social account",
        sets="SocialIdSignIn of every OME configuration",
        table=OME_CONFIGURATION,
        reason="How well a Google, Yahoo or Microsoft account is protected is not in the organization's hands.",
        risk="Recipients fall back to a one-time passcode, so OME-2 should be on.",
        notice="Recipients outside who used such an account.",
        provenance=TIGHTENS,
        source=_ARTICLE,
        variables=(
            _switch(
                "social_id_sign_in",
                "social_id_sign_in",
                (False, False),
                "Whether recipients may sign in to the portal with a social account; on every OME configuration.",
            ),
        ),
        cloud_only=True,
    ),
    SignInControl(
        id="OME-2",
        title="One-time passcodes open the portal",
        sets="OTPEnabled of every OME configuration",
        table=OME_CONFIGURATION,
        reason="A recipient without a work or school account needs a way to read the message.",
        risk="Whoever reads the recipient's mailbox can read the message.",
        notice="Recipients outside.",
        provenance=DEFAULT,
        source=_ARTICLE,
        variables=(_switch("one_time_passcode", "otp_enabled", (True, True), "Whether recipients may use one-time passcodes; on every OME configuration."),),
        cloud_only=True,
    ),
    BrandingControl(
        id="OME-3",
        title="Encrypted mail and the portal look like the organization",
        sets="texts, color and logo of the default OME configuration",
        table=OME_CONFIGURATION,
        reason="Recipients trust a portal that they recognize.",
        risk="None known.",
        notice="Recipients outside.",
        provenance=OPINION,
        assessed_by="35027",
        source="https://learn.microsoft.com/purview/add-your-organization-brand-to-encrypted-messages",
        variables=(
            Variable(
                "branding",
                {"type": "dict", "options": _BRANDING},
                "Texts, color and logo of the default OME configuration, as M(m365.message_encryption.ome_configuration) takes them.",
            ),
        ),
        cloud_only=True,
    ),
    TemplateControl(
        id="OME-4",
        title="Mail in the portal expires and can be revoked",
        sets="a custom OME configuration with ExternalMailExpiryInDays",
        table=OME_CONFIGURATION,
        reason="A message that has to be read in the portal can expire and be revoked.",
        risk="It takes effect only for mail to which a rule applies it. It needs Advanced Message Encryption.",
        notice="Recipients outside, once a rule applies it.",
        provenance=TIGHTENS,
        source=_ARTICLE,
        variables=(
            Variable(
                "branding_template",
                {
                    "type": "dict",
                    "options": {"name": {"type": "str", "required": True}, "external_mail_expiry_in_days": {"type": "int"}},
                },
                "A custom OME configuration, by name, and after how many days mail that is sent with it expires.",
                (None, {"name": "One week expiration", "external_mail_expiry_in_days": 7}),
            ),
        ),
        cloud_only=True,
    ),
    RulesControl(
        id="MFR-1",
        title="Mail flow rules encrypt",
        sets="mail flow rules and their order",
        reason="A rule does not forget to encrypt.",
        risk="Partners' systems may not be able to read encrypted mail; rules act within minutes to hours.",
        notice="Recipients outside, and whoever gets their answers.",
        provenance=OPINION,
        assessed_by="35029",
        source="https://learn.microsoft.com/purview/define-mail-flow-rules-to-encrypt-email",
        variables=(
            Variable(
                "encryption_rules",
                {"type": "list", "elements": "dict", "options": rule_argument_spec()},
                "Mail flow rules, in order, as M(m365.message_encryption.ome_transport_rules) takes them. A rule is whole: where it does not name "
                "C(enabled), C(mode), C(exceptions) or its dates, it is enabled, enforced, and has no exceptions and no dates.",
                ([], []),
            ),
            Variable(
                "encrypt_outgoing",
                {
                    "type": "dict",
                    "options": {
                        "template": {"type": "str", "choices": ["Encrypt", "Do Not Forward"], "default": "Encrypt"},
                        "mode": {"type": "str", "choices": ["Audit", "AuditAndNotify", "Enforce"], "default": "Enforce"},
                        "exceptions": {"type": "dict", "options": rule_argument_spec()["exceptions"]["options"]},
                    },
                },
                f"Adds the rule C({OUTGOING_RULE}) behind the others: sender inside and recipient outside, with the template of OME-4 where that is managed. "
                "V(true) adds it as it comes.",
                (False, False),
            ),
        ),
    ),
    MailControl(
        id="MFR-2",
        title="Mail is treated as expected",
        sets="nothing: messages are computed through the rules, and guarantees are proved of them",
        reason="That a rule is there does not say what becomes of a message.",
        risk="None: no mail is sent.",
        notice="Nobody.",
        provenance=OPINION,
        source="https://learn.microsoft.com/exchange/security-and-compliance/mail-flow-rules/test-mail-flow-rules",
        variables=(
            Variable(
                "messages",
                MESSAGES_ARGUMENT_SPEC,
                "Messages with what is expected of them, as M(m365.message_encryption.mail_flow_test) takes them. In check mode they meet the rules as "
                "the run would leave them, in an audit those that are there.",
                ([], []),
            ),
            Variable(
                "guarantees",
                TYPED_GUARANTEES_ARGUMENT_SPEC,
                "What is guaranteed of mail: C(when) and C(unless), sections like a rule's, say which mail, C(then) what becomes of each copy of it "
                "(V(encrypted), V(not_in_clear), V(portal) or V(unencrypted)). Each is proved of all mail, refuted by a message, or unknown; "
                "a plan that would break one is refused. O(hardened_baseline_encrypt_outgoing) brings one of its own.",
                ([], []),
            ),
        ),
    ),
    SettingsControl(
        id="EAS-1",
        title="Apps that cannot decrypt get no decrypted copies",
        sets="AllowRMSSupportForUnenlightenedApps",
        table=ACTIVESYNC_ORG_SETTINGS,
        reason="The iOS mail app and the like would store a decrypted copy on the device.",
        risk="People with such an app cannot read protected mail in it.",
        notice="Who reads protected mail in the iOS mail app.",
        provenance=DEFAULT,
        source=_ARTICLE,
        variables=(
            _switch(
                "decrypt_for_unenlightened_apps",
                "allow_rms_support_for_unenlightened_apps",
                (False, False),
                "Whether the service decrypts mail for apps that cannot do it.",
            ),
        ),
        takes_away=(False,),
        cloud_only=True,
    ),
    *(
        PolicyControl(
            id=id_,
            title=f"No policy of {what} has rights management off",
            sets=f"{table.fields[0].parameter} of mailbox policies of {what}",
            table=table,
            reason="A policy with it off overrules the organization's settings for its users.",
            risk="Somebody may have switched it off on purpose.",
            notice="Users of that policy.",
            provenance=DEFAULT,
            source=f"{_CMDLETS}/set-{table.noun.lower()}",
            variables=(
                Variable(
                    "mailbox_policies",
                    {"type": "str", "choices": ["warn", "enforce"]},
                    "Whether policies of Outlook on the web and of mobile devices that have rights management off are reported or switched on.",
                    ("warn", "enforce"),
                ),
                Variable(
                    "mailbox_policy_names", {"type": "list", "elements": "str"}, "The policies that are looked at; all of them where it is empty.", ([], [])
                ),
            ),
            takes_away=(True,),
        )
        for id_, what, table in (("POL-1", "Outlook on the web", OWA_MAILBOX_POLICY), ("POL-2", "mobile devices", MOBILE_DEVICE_MAILBOX_POLICY))
    ),
    TestControl(
        id="VRF-1",
        title="Exchange's own test passes",
        sets="nothing: Test-IRMConfiguration must pass",
        reason="That a setting is stored does not say that mail is protected.",
        risk="None: it sends no mail.",
        notice="Nobody.",
        provenance=OPINION,
        source=f"{_CMDLETS}/test-irmconfiguration",
        variables=(
            Variable("test_sender", {"type": "str"}, "The sender of the test, by SMTP address. Without it, VRF-1 is unmanaged.", ("", "")),
            Variable(
                "test_recipients",
                {"type": "list", "elements": "str"},
                "The recipients of the test, by SMTP address; the sender itself where it is empty.",
                ([], []),
            ),
            Variable("test_timeout", {"type": "int"}, "For how many seconds a failed test is tried again: changes of IRM take time.", (300, 300)),
        ),
    ),
)

CONTROL: dict[str, Control] = {control.id: control for control in CONTROLS}

#: Every variable of the controls, once.
CONTROL_VARIABLES: dict[str, Variable] = {variable.name: variable for control in CONTROLS for variable in control.variables}


@dataclass(frozen=True)
class Observed:
    """A setting of the IRM configuration that is reported and never changed."""

    title: str
    option: str
    reason: str


OBSERVED: tuple[Observed, ...] = (
    Observed("Journal report decryption", "journal_report_decryption_enabled", "Whether journals hold protected mail in clear is a matter of retention rules."),
    Observed("eDiscovery super user", "e_discovery_super_user_enabled", "Whether eDiscovery can read protected mail is a matter of law and works agreements."),
    Observed("Search in protected mail", "search_enabled", "Off, protected mail cannot be found."),
    Observed("Automatic service update", "automatic_service_update_enabled", "Microsoft applies updates of the service by itself."),
    Observed("Licensing locations", "licensing_location", "They show which key service the organization uses."),
)


def acceptable_words() -> dict[str, str]:
    """The words of ``accept``, and what each allows: the ids of controls that may take something away from users, and the words of findings."""
    return {**{control.id: f"{control.title}. {control.notice}" for control in CONTROLS if control.takes_away}, **WORDS}


def control_of(resource: str, identity: str, option: str) -> str:
    """The control that a change belongs to; empty for one that no control makes."""
    owners = [control.id for control in CONTROLS if control.resource and control.owns(resource, identity, option)]
    return owners[0] if owners else ""
