# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls of the hardened baseline: the one table from which defaults, documentation, tags, plan and report come.

The benchmarks of CIS and CISA set none of these values; Microsoft's Zero Trust Assessment
tests some of them (``assessed``). A control says where its value comes from: it is Microsoft's default, it tightens
Microsoft's default, or it is this collection's opinion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..._mail_flow.input.guarantee_options import TYPED_GUARANTEES_ARGUMENT_SPEC
from ..._mail_flow.input.message_options import MESSAGES_ARGUMENT_SPEC
from ..._mail_flow.model.connectors import VALIDATIONS
from ..._resources.activesync_org_settings import ACTIVESYNC_ORG_SETTINGS
from ..._resources.irm_configuration import IRM_CONFIGURATION
from ..._resources.mailbox_policies import MOBILE_DEVICE_MAILBOX_POLICY, OWA_MAILBOX_POLICY
from ..._resources.ome_configuration import OME_CONFIGURATION
from ..._resources.rules.fields import rule_argument_spec
from .control import Control, Variable, WritingControl
from .control_kinds import (
    BrandingControl,
    ButtonControl,
    LicensedControl,
    LicensingControl,
    PolicyControl,
    ProtectionControl,
    SettingsControl,
    SignInControl,
    TemplateControl,
    TestControl,
)
from .findings import WORDS
from .mail_control import (
    EVIDENCE_CONTROL,
    EXPERIMENT,
    EXPERIMENT_CONTROL,
    EXPERIMENT_OPTIONS,
    MAIL_CONTROL,
    EvidenceControl,
    ExperimentControl,
    MailControl,
)
from .rules_control import OUTGOING_RULE, RULES_CONTROL, RulesControl

PROFILES = ("recommended", "restrictive")

DEFAULT, TIGHTENS, OPINION = "Microsoft's default", "tightens Microsoft's default", "opinion"

_ARTICLE = "https://learn.microsoft.com/purview/manage-office-365-message-encryption"
_CMDLETS = "https://learn.microsoft.com/powershell/module/exchange"


def _irm(
    id_: str, title: str, sets: str, *variables: Variable, kind: type[SettingsControl] = SettingsControl, **more: Any
) -> Control:
    more.setdefault("source", f"{_CMDLETS}/set-irmconfiguration")
    return kind(id=id_, title=title, sets=sets, table=IRM_CONFIGURATION, variables=variables, **more)


def _switch(name: str, option: str, values: tuple[Any, Any], doc: str, *, inverted: bool = False) -> Variable:
    return Variable(name, {"type": "bool"}, doc, values, option, inverted)


_BRANDING = {
    option: spec
    for option, spec in OME_CONFIGURATION.argument_spec().items()
    if option.endswith(("_text", "_color", "_content", "_url"))
}
_BRANDING["image_path"] = {"type": "str"}

CONTROLS: tuple[Control, ...] = (
    _irm(
        "IRM-1",
        "Azure Rights Management protects mail",
        "AzureRMSLicensingEnabled",
        _switch(
            "azure_rms_licensing",
            "azure_rms_licensing_enabled",
            (True, True),
            "Whether Exchange Online uses Azure Rights Management.",
        ),
        kind=LicensingControl,
        reason="Message encryption does not work without it.",
        risk="An organization that still uses AD RMS would change its key service, so it is refused there.",
        notice="Nobody if it is already on. Otherwise, everybody can protect mail.",
        provenance=DEFAULT,
        assessed_by="35024",
        cloud_only=True,
    ),
    _irm(
        "IRM-2",
        "Mail can be protected",
        "InternalLicensingEnabled",
        _switch(
            "internal_licensing",
            "internal_licensing_enabled",
            (True, True),
            "Whether mail can be protected, for internal and external recipients.",
        ),
        kind=ProtectionControl,
        reason="In Exchange Online it applies to internal and external mail alike. Without it, Exchange lists no templates, and nobody can protect mail.",
        risk="None known.",
        notice="Nobody if it is already on.",
        provenance=DEFAULT,
        assessed_by="35025",
    ),
    _irm(
        "IRM-3",
        "People can encrypt in Outlook on the web",
        "SimplifiedClientAccessEnabled, SimplifiedClientAccessEncryptOnlyDisabled, SimplifiedClientAccessDoNotForwardDisabled",
        _switch(
            "encrypt_button",
            "simplified_client_access_enabled",
            (True, True),
            "Whether Outlook on the web shows the Encrypt button.",
        ),
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
        kind=ButtonControl,
        reason="People who can protect a message with one click do it more often.",
        risk="Partners may receive protected mail that they do not expect.",
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
            "Whether attachments of encrypt-only mail are decrypted when someone downloads them in a browser.",
        ),
        reason="No policy protects a decrypted copy on a device.",
        risk="Recipients cannot read them with programs that do not support protected files.",
        notice="People who download attachments of encrypted mail in a browser.",
        provenance=DEFAULT,
        source=_ARTICLE,
        takes_away=(False,),
        cloud_only=True,
    ),
    _irm(
        "IRM-5",
        "PDF attachments are encrypted",
        "EnablePdfEncryption",
        _switch(
            "pdf_encryption",
            "enable_pdf_encryption",
            (None, True),
            "Whether PDF attachments of protected mail are encrypted as well.",
        ),
        reason="Otherwise, a PDF in a protected message is sent unencrypted.",
        risk="Recipients need a program that can open protected PDF files.",
        notice="People who receive PDF files in protected mail.",
        provenance=TIGHTENS,
        takes_away=(True,),
        cloud_only=True,
    ),
    _irm(
        "IRM-6",
        "Transport can read protected mail",
        "TransportDecryptionSetting",
        Variable(
            "transport_decryption",
            {"type": "str", "choices": ["Disabled", "Mandatory", "Optional"]},
            "Whether Exchange decrypts protected mail in transport. Any value other than V(Optional) is refused until its word is accepted.",
            ("Optional", "Optional"),
            "transport_decryption_setting",
        ),
        dangerous={
            "Mandatory": ("mail_rejection", "Exchange would reject mail that it cannot decrypt."),
            "Disabled": ("blind_transport", "rules and scanners could no longer read protected mail."),
        },
        reason="Rules, journaling and malware scanners can read protected mail, and mail that cannot be decrypted is still delivered.",
        risk="None known for Optional.",
        notice="Nobody.",
        provenance=DEFAULT,
    ),
    _irm(
        "IRM-7",
        "Activities in the portal are logged",
        "EnablePortalTrackingLogs",
        _switch(
            "portal_tracking_logs",
            "enable_portal_tracking_logs",
            (None, True),
            "Whether activities in the encryption portal are logged.",
        ),
        kind=LicensedControl,
        reason="Without the log, nobody can tell who read a message in the portal.",
        risk="It requires Advanced Message Encryption. Without the license, Exchange does not have this parameter.",
        notice="Nobody; a works council may want to know.",
        provenance=TIGHTENS,
        cloud_only=True,
    ),
    SignInControl(
        id="OME-1",
        title="Nobody signs in to the portal with a social account",
        sets="SocialIdSignIn of every OME configuration",
        table=OME_CONFIGURATION,
        reason="The organization does not control how well a Google, Yahoo or Microsoft account is protected.",
        risk="Recipients fall back to a one-time passcode, so OME-2 should be on.",
        notice="External recipients who used such an account.",
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
        title="Recipients can open the portal with a one-time passcode",
        sets="OTPEnabled of every OME configuration",
        table=OME_CONFIGURATION,
        reason="Recipients without a work or school account need a way to read the message.",
        risk="Anyone who can read the recipient's mailbox can read the message.",
        notice="External recipients.",
        provenance=DEFAULT,
        source=_ARTICLE,
        variables=(
            _switch(
                "one_time_passcode",
                "otp_enabled",
                (True, True),
                "Whether recipients may use one-time passcodes; on every OME configuration.",
            ),
        ),
        cloud_only=True,
    ),
    BrandingControl(
        id="OME-3",
        title="Encrypted mail and the portal show the organization's branding",
        sets="texts, color and logo of the default OME configuration",
        table=OME_CONFIGURATION,
        reason="Recipients trust a portal that they recognize.",
        risk="None known.",
        notice="External recipients.",
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
        reason="A message that recipients read in the portal can expire and can be revoked.",
        risk="It affects only mail to which a rule applies it. It requires Advanced Message Encryption.",
        notice="External recipients, once a rule applies it.",
        provenance=TIGHTENS,
        source=_ARTICLE,
        variables=(
            Variable(
                "branding_template",
                {
                    "type": "dict",
                    "options": {
                        "name": {"type": "str", "required": True},
                        "external_mail_expiry_in_days": {"type": "int"},
                    },
                },
                "The name of a custom OME configuration, and the number of days after which mail that is sent with it expires.",
                (None, {"name": "One week expiration", "external_mail_expiry_in_days": 7}),
            ),
        ),
        cloud_only=True,
    ),
    RulesControl(
        id=RULES_CONTROL,
        title="Mail flow rules encrypt",
        sets="mail flow rules and their order",
        reason="People forget to encrypt; rules do not.",
        risk="Some partners' systems cannot read encrypted mail. Rules take effect within minutes to hours.",
        notice="External recipients, and the people who receive their replies.",
        provenance=OPINION,
        assessed_by="35029",
        source="https://learn.microsoft.com/purview/define-mail-flow-rules-to-encrypt-email",
        variables=(
            Variable(
                "encryption_rules",
                {"type": "list", "elements": "dict", "options": rule_argument_spec()},
                "Mail flow rules, in order, as M(m365.message_encryption.ome_transport_rules) takes them. Each rule is complete: if it does not set "
                "C(enabled), C(mode), C(exceptions) or its dates, it is enabled and enforced, and has no exceptions and no dates.",
                ([], []),
            ),
            Variable(
                "encrypt_outgoing",
                {
                    "type": "dict",
                    "options": {
                        "template": {"type": "str", "choices": ["Encrypt", "Do Not Forward"], "default": "Encrypt"},
                        "mode": {
                            "type": "str",
                            "choices": ["Audit", "AuditAndNotify", "Enforce"],
                            "default": "Enforce",
                        },
                        "exceptions": {"type": "dict", "options": rule_argument_spec()["exceptions"]["options"]},
                        "protected_in_transit": {"type": "list", "elements": "str"},
                        "tls_validation": {"type": "str", "choices": list(VALIDATIONS)},
                    },
                },
                f"Adds the rule C({OUTGOING_RULE}) after the others: sender inside and recipient outside, with the template of OME-4 if that is managed. "
                "V(true) adds it with its defaults. C(protected_in_transit) names domains, with their subdomains, to which mail is not encrypted but "
                "leaves by forced TLS: a guarantee says so, and C(tls_validation) what TLS has to check at least.",
                (False, False),
            ),
            Variable(
                "trial",
                {"type": "list", "elements": "str"},
                'Names of rules of O(hardened_baseline_encryption_rules) that are only tried. Such a rule is created with "(trial)" after its '
                "name: last, in mode V(Audit), in which Exchange logs its actions but does nothing to mail, and without stop, notification and incident "
                "report. MFR-1 and guarantees do not count it. A plan in check mode and an audit show what it would do. Once its name leaves this list, one "
                "plan removes the trial and enforces the rule.",
                ([], []),
            ),
            Variable(
                "trial_days",
                {"type": "int"},
                "The number of days after which a trial is a finding of MFR-1; V(0) is never. Nothing is enforced by time.",
                (14, 14),
            ),
        ),
    ),
    MailControl(
        id=MAIL_CONTROL,
        title="Mail is treated as expected",
        sets="nothing: messages are computed through the rules, and guarantees are proved of them",
        reason="A rule that exists does not tell what happens to a message.",
        risk="None: no mail is sent.",
        notice="Nobody.",
        provenance=OPINION,
        source="https://learn.microsoft.com/exchange/security-and-compliance/mail-flow-rules/test-mail-flow-rules",
        variables=(
            Variable(
                "messages",
                MESSAGES_ARGUMENT_SPEC,
                "Messages and the results that you expect, as M(m365.message_encryption.mail_flow_test) takes them. Check mode applies the rules as "
                "the run would leave them; an audit applies the existing rules.",
                ([], []),
            ),
            Variable(
                "guarantees",
                TYPED_GUARANTEES_ARGUMENT_SPEC,
                "Guarantees about mail. C(when) and C(unless), like sections of a rule, select the mail; C(then) is what must happen to each copy "
                "(V(encrypted), V(not_in_clear), V(not_in_clear_if_delivered), V(portal), V(delivered), V(unencrypted), V(decrypted_on_arrival) or "
                "V(protected_in_transit)). A guarantee is proved if no mail that it covers breaks it, under the assumptions listed; "
                "refuted by a message; or unknown. A plan that would break one, or after which one that is proved would be unknown, is refused; "
                "rollback and disable only show it. C(hardened_baseline_encrypt_outgoing) adds one of its own, about all copies that leave. Copies that rules "
                "make of its mail count, whoever gets them, unless C(copies) says V(outside) (those that leave the organization) or V(recipients_only).",
                ([], []),
            ),
        ),
    ),
    SettingsControl(
        id="EAS-1",
        title="Apps that cannot decrypt mail get no decrypted copies",
        sets="AllowRMSSupportForUnenlightenedApps",
        table=ACTIVESYNC_ORG_SETTINGS,
        reason="Apps such as the iOS mail app would store a decrypted copy on the device.",
        risk="People cannot read protected mail in such an app.",
        notice="People who read protected mail in the iOS mail app.",
        provenance=DEFAULT,
        source=_ARTICLE,
        variables=(
            _switch(
                "decrypt_for_unenlightened_apps",
                "allow_rms_support_for_unenlightened_apps",
                (False, False),
                "Whether the service decrypts mail for apps that cannot decrypt it.",
            ),
        ),
        takes_away=(False,),
        cloud_only=True,
    ),
    *(
        PolicyControl(
            id=id_,
            title=f"No policy of {what} turns rights management off",
            sets=f"{table.fields[0].parameter} of mailbox policies of {what}",
            table=table,
            reason="A policy that turns it off overrides the organization's settings for its users.",
            risk="Someone may have turned it off on purpose.",
            notice="Users of that policy.",
            provenance=DEFAULT,
            source=f"{_CMDLETS}/set-{table.noun.lower()}",
            variables=(
                Variable(
                    "mailbox_policies",
                    {"type": "str", "choices": ["warn", "enforce"]},
                    "Whether policies of Outlook on the web and of mobile devices that turn rights management off are only reported, or corrected.",
                    ("warn", "enforce"),
                ),
                Variable(
                    "mailbox_policy_names",
                    {"type": "list", "elements": "str"},
                    "The policies to check. Default: all.",
                    ([], []),
                ),
            ),
            takes_away=(True,),
        )
        for id_, what, table in (
            ("POL-1", "Outlook on the web", OWA_MAILBOX_POLICY),
            ("POL-2", "mobile devices", MOBILE_DEVICE_MAILBOX_POLICY),
        )
    ),
    TestControl(
        id="VRF-1",
        title="Exchange's own test passes",
        sets="nothing: Test-IRMConfiguration must pass",
        reason="A stored setting does not prove that mail is protected.",
        risk="None: it sends no mail.",
        notice="Nobody.",
        provenance=OPINION,
        source=f"{_CMDLETS}/test-irmconfiguration",
        variables=(
            Variable(
                "test_sender",
                {"type": "str"},
                "The sender of the test, by SMTP address. Without it, VRF-1 is unmanaged.",
                ("", ""),
            ),
            Variable(
                "test_recipients",
                {"type": "list", "elements": "str"},
                "The recipients of the test, by SMTP address. Default: the sender.",
                ([], []),
            ),
            Variable(
                "test_timeout",
                {"type": "int"},
                "The number of seconds during which a failed test is repeated: changes to IRM take time.",
                (300, 300),
            ),
        ),
    ),
    EvidenceControl(
        id=EVIDENCE_CONTROL,
        title="Exchange reports what was computed",
        sets="nothing: the report of rules is compared with the rules' effect on the traced mail",
        reason="A computation is about rules as this collection understands them. What Exchange reports shows whether that is right.",
        risk="None: it only reads. It takes the message trace and the reports of the last days.",
        notice="Nobody.",
        provenance=OPINION,
        source=f"{_CMDLETS}/get-maildetailtransportrulereport",
        variables=(
            Variable(
                "evidence_days",
                {"type": "int"},
                "The days of mail, 1 to 10, of which an audit compares what Exchange reports of rules with what was computed; V(0) is off. It reads the "
                "message trace and reports, and stores numbers, but no addresses and no subjects.",
                (0, 0),
            ),
        ),
    ),
    ExperimentControl(
        id=EXPERIMENT_CONTROL,
        title="Mail does what was computed",
        sets="nothing: test messages are sent, and what Exchange shows of them is compared with what was computed",
        reason="A computation is about rules as this collection understands them, and a rule that is stored acts on mail only later. A message shows both.",
        risk="It sends real messages. Rules do with them what they do with all mail: they report, ask moderators and make copies.",
        notice="The people whose mailboxes it names, and those to whom rules report.",
        provenance=OPINION,
        source="https://learn.microsoft.com/graph/api/user-sendmail",
        variables=(
            Variable(
                EXPERIMENT,
                {"type": "dict", "options": EXPERIMENT_OPTIONS},
                "Options of M(m365.message_encryption.mail_flow_experiment), with which an audit sends test messages: C(senders) and C(recipients), both "
                "required, C(may_reach), C(max_messages), C(wait), C(read_copies), C(observations), C(send_with), and those for SMTP. The messages are "
                "about the guarantees, and about C(rules), which are those of O(hardened_baseline_encryption_rules) by default. With C(after_changes), a "
                "baseline that has written rules sends messages about these rules, too, and again for C(effective_within) minutes (30) until they show the "
                "rules' effect, but never more than C(max_messages).",
            ),
        ),
    ),
)

CONTROL: dict[str, Control] = {control.id: control for control in CONTROLS}

#: Every variable of the controls, once.
CONTROL_VARIABLES: dict[str, Variable] = {
    variable.name: variable for control in CONTROLS for variable in control.variables
}


@dataclass(frozen=True)
class Observed:
    """A setting of the IRM configuration that is reported but never changed."""

    title: str
    option: str
    reason: str


OBSERVED: tuple[Observed, ...] = (
    Observed(
        "Journal report decryption",
        "journal_report_decryption_enabled",
        "Your retention rules decide whether journals contain protected mail decrypted.",
    ),
    Observed(
        "eDiscovery super user",
        "e_discovery_super_user_enabled",
        "Law and works agreements decide whether eDiscovery can read protected mail.",
    ),
    Observed(
        "Search in protected mail", "search_enabled", "If it is off, nobody can find protected mail by searching."
    ),
    Observed(
        "Automatic service update", "automatic_service_update_enabled", "Microsoft updates the service automatically."
    ),
    Observed("Licensing locations", "licensing_location", "They show which key service the organization uses."),
)


def acceptable_words() -> dict[str, str]:
    """The words of ``accept`` and what each allows: the IDs of controls that can take something away from users, and
    the words of findings.
    """
    return {**{control.id: f"{control.title}. {control.notice}" for control in CONTROLS if control.takes_away}, **WORDS}


def control_of(resource: str, identity: str, option: str) -> str:
    """The ID of the control that makes a change; empty if no control does."""
    owners = [
        control.id
        for control in CONTROLS
        if isinstance(control, WritingControl) and control.owns(resource, identity, option)
    ]
    return owners[0] if owners else ""
