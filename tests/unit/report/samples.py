# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports as the role makes them, of organizations that do not exist."""

from __future__ import annotations

import copy
from typing import Any

LEARN = "https://learn.microsoft.com/powershell/module/exchangepowershell/"
IRM, OME, EAS, MFR, POL = (
    LEARN + page
    for page in (
        "set-irmconfiguration",
        "set-omeconfiguration",
        "set-activesyncorganizationsettings",
        "new-transportrule",
        "set-owamailboxpolicy",
    )
)

#: id, title, wanted, reason, risk, who notices, provenance, source
CONTROLS = [
    ("IRM-1", "Azure RMS licensing is on", True, "Without it nothing in the organization can be encrypted.",
     "Off, mail that should be encrypted is not.", "Nobody, when it goes on.", "Microsoft's default", IRM),
    ("IRM-2", "Internal licensing is on", True, "People inside the organization can open what colleagues protect.",
     "Off, protected mail inside cannot be opened in Outlook on the web.", "Nobody, when it goes on.", "Microsoft's default", IRM),
    ("IRM-3", "The Encrypt button is shown", True, "People encrypt by hand what no rule catches.",
     "Off, the only protection is what the mail flow rules know.", "Everyone who uses Outlook on the web: a new button.", "Microsoft's default", IRM),
    ("IRM-4", "Downloaded attachments stay encrypted", False, "A file that leaves the mailbox in clear can go anywhere.",
     "On, one download removes the protection of an Encrypt-Only attachment for good.",
     "People who open Encrypt-Only attachments from a browser in programs that cannot show protected files.", "Microsoft's default", IRM),
    ("IRM-5", "PDF attachments are encrypted", True, "A PDF file is the usual form of a contract or an invoice.",
     "Off, PDF attachments of protected mail travel as they are.", "Recipients whose PDF reader does not know protection.", "Tightens", IRM),
    ("IRM-6", "Transport may decrypt", "Mandatory", "Mail flow rules and malware scanning look inside protected mail.",
     "Mandatory rejects every message that transport cannot decrypt, with a report of non-delivery.",
     "Anyone who writes to this organization with protection that it cannot read: the mail comes back.", "Opinion", IRM),
    ("IRM-7", "The portal keeps tracking logs", True, "Who opened what in the portal is needed after an incident.",
     "Off, an incident leaves no trace of portal access.", "Nobody.", "Tightens", IRM),
    ("OME-1", "No sign-in with social accounts", False, "An organization cannot vouch for accounts of other providers.",
     "On, whoever holds a private account with the recipient's address reads the mail.",
     "Recipients who signed in to the portal with Google, Yahoo or Microsoft accounts: they get a passcode.", "Tightens", OME),
    ("OME-2", "One-time passcodes are on", True, "It is the way in for recipients without a work account.",
     "Off, together with social accounts off, nobody outside gets in.", "Recipients who use the portal.", "Microsoft's default", OME),
    ("OME-3", "The portal carries the brand", None, "Recipients recognize whom the mail is from.", "Without it, the mail looks like phishing.",
     "All recipients of portal mail.", "Opinion", OME),
    ("MFR-1", "Outgoing mail is encrypted", ["Encrypt all outgoing mail"], "Encryption that nobody has to think of.",
     "A rule without a sender condition makes Exchange bounce inbound mail.", "Every external recipient.", "Opinion", MFR),
    ("EAS-1", "No decryption for simple mobile mail apps", False, "The decrypted copy stays on the phone, without usage rights.",
     "On, protected mail lies in clear on devices.", "People who read mail in the iOS mail app: protected messages no longer open there.",
     "Microsoft's default", EAS),
    ("POL-1", "Outlook on the web policies leave IRM on", ["OwaMailboxPolicy-Default"], "A policy with IRM off overrides the organization.",
     "People under such a policy cannot protect or read protected mail.", "People under the policy.", "Microsoft's default", POL),
    ("VRF-1", "The IRM test passes", "PASS", "The service itself says that protection works.", "Settings may be right and still not work.",
     "Nobody.", "Tightens", LEARN + "test-irmconfiguration"),
]  # fmt: skip

OBSERVED = [
    {
        "title": "Journal report decryption",
        "value": True,
        "reason": "Journal mailboxes hold protected mail in clear. Decided with the archive's owner.",
    },
    {
        "title": "eDiscovery super user",
        "value": True,
        "reason": "Search in protected mail. Decided with the legal department.",
    },
    {
        "title": "Licensing location",
        "value": ["https://5c6bb73b.rms.eu.aadrm.com/_wmcs/licensing"],
        "reason": "Written by the service.",
    },
]


def control(identifier: str, status: str = "met", found: Any = ..., **more: Any) -> dict[str, Any]:
    for about in CONTROLS:
        if about[0] == identifier:
            names = ("id", "title", "wanted", "reason", "risk", "notice", "provenance", "source")
            made = dict(zip(names, about, strict=True))
            return {
                **made,
                "selected": True,
                "status": status,
                "found": made["wanted"] if found is ... else found,
                "exception": None,
                "findings": [],
                **more,
            }
    raise KeyError(identifier)


def change(
    control: str, resource: str, option: str, before: Any, after: Any, command: str, **more: Any
) -> dict[str, Any]:
    return {"control": control, "resource": resource, "identity": "", "option": option, "before": before, "after": after, "impact": "",
            "rollback": "exact", "command": command, "state": "planned", **more}  # fmt: skip


def organization(name: str, status: str = "met", number: int = 1, **more: Any) -> dict[str, Any]:
    host = "".join(character for character in name.lower() if character.isalnum())
    return {
        "host": host,
        "name": f"{host}.onmicrosoft.com",
        "display_name": name,
        "tenant_id": f"6f2c1b7e-0d4a-4c55-9a1e-{number:012x}",
        "status": status,
        "message": "",
        "connection": {
            "transport": "rest",
            "endpoint": "https://outlook.office365.com",
            "authentication": "certificate",
            "client_id": "0b8e4c1d-7f65-4f0e-8f86-2f5f3a9c1d20",
        },
        "controls": [
            control(about[0], "unmanaged" if about[0] == "OME-3" else "met", None if about[0] == "OME-3" else ...)
            for about in CONTROLS
        ],
        "observed": copy.deepcopy(OBSERVED),
        "changes": [],
        "findings": [],
        "warnings": [],
        "accepted": [],
        "snapshot": None,
        "digests": {"plan": f"sha256:{number:064x}", "snapshot": "", "state": f"sha256:{number + 7:064x}"},
        "applied": 0,
        "not_applied": 0,
        **more,
    }


def unread(host: str, **more: Any) -> dict[str, Any]:
    """An organization of which nothing is known."""
    known = organization("", "not assessable", controls=[], observed=[], connection={}, **more)
    return {**known, "host": host, "name": "", "tenant_id": "", "digests": {"plan": "", "snapshot": "", "state": ""}}


def run(kind: str, organizations: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "generated_at": "2026-09-14T08:12:44Z",
        "kind": kind,
        "run": "20260914T081244Z-baseline-4711ab",
        "command": "ansible-playbook -i inventory.yml m365.message_encryption.baseline --limit contoso"
        if kind == "check"
        else "",
        "approvable": kind == "check",
        "collection_version": "1.0.0",
        "ansible_version": "2.19.14",
        "change_reference": "CHG0048213",
        "approver": "Maria Lindqvist, Change Advisory Board",
        "approval_valid_until": "2026-09-21",
        "awx": {"job_id": 48213, "user": "j.okafor", "template": "Message Encryption: review"},
        "organizations": organizations,
        **more,
    }


def replace(organization: dict[str, Any], *controls: dict[str, Any]) -> dict[str, Any]:
    new = {control["id"]: control for control in controls}
    organization["controls"] = [new.get(control["id"], control) for control in organization["controls"]]
    return organization


IRM_COMMAND = (
    "Set-IRMConfiguration -AzureRMSLicensingEnabled $true -SimplifiedClientAccessEnabled $true -EnablePdfEncryption $true "
    "-TransportDecryptionSetting 'Mandatory' -EnablePortalTrackingLogs $true -Force $true -Confirm $false"
)
RULE_COMMAND = (
    "New-TransportRule -Name 'Encrypt all outgoing mail' -FromScope 'InOrganization' -SentToScope 'NotInOrganization' "
    "-ApplyRightsProtectionTemplate 'Encrypt' -RuleErrorAction 'Defer' -Mode 'Enforce' -Priority 0 -Enabled $true"
)
PLANNED = [
    change("IRM-1", "irm_configuration", "azure_rms_licensing_enabled", False, True, IRM_COMMAND),
    change("IRM-3", "irm_configuration", "simplified_client_access_enabled", False, True, IRM_COMMAND),
    change("IRM-5", "irm_configuration", "enable_pdf_encryption", False, True, IRM_COMMAND),
    change("IRM-6", "irm_configuration", "transport_decryption_setting", "Optional", "Mandatory", IRM_COMMAND, impact="rejects"),
    change("IRM-7", "irm_configuration", "enable_portal_tracking_logs", False, True, IRM_COMMAND),
    change("OME-1", "ome_configuration", "social_id_sign_in", True, False, "Set-OMEConfiguration -Identity 'OME Configuration' -SocialIdSignIn $false",
           identity="OME Configuration"),
    change("EAS-1", "activesync_org_settings", "allow_rms_support_for_unenlightened_apps", True, False,
           "Set-ActiveSyncOrganizationSettings -AllowRMSSupportForUnenlightenedApps $false", impact="takes away"),
    change("POL-1", "owa_mailbox_policy", "irm_enabled", False, True, "Set-OwaMailboxPolicy -Identity 'OwaMailboxPolicy-Default' -IRMEnabled $true",
           identity="OwaMailboxPolicy-Default"),
    change("MFR-1", "ome_transport_rule", "state", "absent",
           {"state": "present", "enabled": True, "conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"},
            "actions": {"apply_rights_protection_template": "Encrypt"}, "rule_error_action": "Defer"},
           RULE_COMMAND, identity="Encrypt all outgoing mail", rollback="equivalent", impact="affects all outgoing mail"),
]  # fmt: skip


def result(protection: str, by: str = "") -> dict[str, Any]:
    rules = [{"name": by, "matched": True}] if by else []
    return {
        "fate": "delivered",
        "protection": protection,
        **({"protected_by": [by]} if by else {}),
        "protected_on_arrival": False,
        "rules": rules,
    }


def witness(recipient: str, **more: Any) -> dict[str, Any]:
    return {
        "message": {"name": "witness", "from": "sender@contoso.com", "authenticated": True, "to": [recipient], **more},
        "recipient": recipient,
    }


OUTGOING = "Encrypt all outgoing mail"
#: What the check's rule does to mail, and three guarantees with each of the verdicts.
MAIL = {
    "difference": [
        {"kind": "protection_gained",
         "text": f"All mail from inside to people outside is now encrypted: the new rule '{OUTGOING}' now applies to it.",
         "when": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"},
         "before": result("none"), "after": result("encrypt", OUTGOING), "witness": witness("recipient@example.org")},
        {"kind": "unknown",
         "text": f"Mail from inside to people outside may be treated differently (U27): the new rule '{OUTGOING}' now applies to it.",
         "when": {}, "witness": witness("recipient@fabrikam.com", type=["Signed"]),
         "unknown": [{"id": "U27", "reason": "what happens to signed mail that a rule encrypts", "settled_by": "A test message with an S/MIME signature."}]},
    ],
    "difference_more": 0,
    "guarantees": [
        {"name": "No outgoing mail leaves unprotected by rules", "claim": "no mail from inside to people outside is delivered unprotected by rules",
         "verdict": "proved", "before": "refuted",
         "assumptions": [{"id": "settled", "text": "The rules have been in effect for some hours: Exchange applies changes with a delay."}]},
        {"name": "Rules protect all mail to the law firm", "verdict": "refuted", "assumptions": [],
         "counterexample": {**witness("ann@fabrikam.com", subject="newsletter", importance="High"), "outcome": result("none")}},
        {"name": "Partners read in the portal", "verdict": "unknown", "assumptions": [],
         "unknown": [{"id": "U08", "reason": "whether the rule 'Tried' stops", "settled_by": "Enforce it, or remove the stop."}]},
    ],
    "suggestions": [
        {"for": "Rules protect all mail to the law firm", "text": "Move the rule 'Law firm' from priority 1 to 0.",
         "edits": [{"kind": "move", "rule": "Law firm", "option": "priority", "before": 1, "after": 0}],
         "difference": [{"kind": "protection_gained", "text": "Mail to fabrikam.com with 'newsletter' in its subject is now encrypted.", "when": {}}],
         "difference_more": 0, "diff": "- name: Law firm", "yaml": "- name: Law firm", "tried": {"edits": 4, "pairs": 0, "complete": True}},
    ],
    "lint": [{"kind": "never_acts", "rules": ["Old"], "reason": "The rule 'Old' does not act now: its dates exclude today."}],
}  # fmt: skip


def replay(**more: Any) -> dict[str, Any]:
    """A replay of a week without mail."""
    return {
        "window": {"from": "2026-11-21T17:00:00Z", "until": "2026-11-28T17:00:00Z", "complete": True},
        "counts": {"copies": 0, "messages": 0, "recipients": 0, "left_out": {}},
        **{name: [] for name in ("outcome", "undecided", "plain", "days", "domains", "assumes", "unseen")},
        **more,
    }


def check() -> dict[str, Any]:
    """One organization before a change: nine changes, two of high impact."""
    one = organization(
        "Contoso Ltd",
        "drift",
        changes=copy.deepcopy(PLANNED),
        warnings=["The rule 'Old DLP' uses a legacy action and is left alone."],
    )
    replace(
        one,
        *(control(name, "not met", False) for name in ("IRM-1", "IRM-3", "IRM-5", "IRM-7", "POL-1")),
        *(control(name, "not met", True) for name in ("OME-1", "EAS-1")),
        control("IRM-6", "not met", "Optional"),
        control("MFR-1", "not met", []),
        control("VRF-1", "not applicable", None),
        control(
            "IRM-4",
            "accepted exception",
            True,
            exception={"reason": "The claims system reads attachments.", "owner": "A. Rossi", "until": "2026-12-31"},
        ),
    )
    return run("check", [one])


def audit() -> dict[str, Any]:
    """Twelve organizations: three drifted, one not assessable, one with an exception that has expired."""
    names = ["Adatum", "Alpine Ski House", "Bellows College", "Contoso Ltd", "Fabrikam", "Fourth Coffee", "Litware", "Northwind Traders",
             "Proseware", "Tailspin Toys", "Wide World Importers", "Woodgrove Bank"]  # fmt: skip
    all_of_them = [organization(name, number=number) for number, name in enumerate(names, 1)]
    for place, changed in {2: ("OME-1",), 5: ("OME-1", "EAS-1"), 8: ("MFR-1",)}.items():
        one = all_of_them[place]
        one["status"] = "drift"
        for name in changed:
            found = {"OME-1": True, "EAS-1": True, "MFR-1": ["Encrypt all outgoing mail (disabled)"]}[name]
            replace(one, control(name, "not met", found))
            one["changes"] += [change for change in copy.deepcopy(PLANNED) if change["control"] == name]
    all_of_them[6].update(
        status="not assessable",
        message="AADSTS7000215: the client secret is wrong or has expired. Give a new one in exchange_client_secret, or a certificate.",
        controls=[control(about[0], "not assessable", None) for about in CONTROLS],
        observed=[],
        digests={"plan": "", "snapshot": "", "state": ""},
    )
    over = {"reason": "The claims system reads attachments.", "owner": "A. Rossi", "until": "2026-08-31"}
    replace(all_of_them[11], control("IRM-4", "accepted exception", True, exception=over))
    return run("audit", all_of_them, change_reference="", approver="", approval_valid_until="")


def refused() -> dict[str, Any]:
    """A run that was refused before its first write, with three findings."""
    findings = [
        {"id": "lock-out", "allow": "hardened_baseline_accept: [work_accounts_only]",
         "text": "With one-time passcodes and social accounts both off, external recipients without a work account cannot open any message "
                 "of the OME configurations 'OME Configuration' and 'Partners'."},
        {"id": "mail-rejection", "allow": "hardened_baseline_accept: [mail_rejection]",
         "text": "TransportDecryptionSetting Mandatory rejects every message that transport cannot decrypt."},
        {"id": "missing-cmdlet", "allow": "",
         "text": "New-OMEConfiguration is not granted. It needs Advanced Message Encryption; the license is missing or not yet active."},
    ]  # fmt: skip
    one = organization(
        "Tailspin Toys", "refused", findings=findings, changes=copy.deepcopy(PLANNED[3:6]), message="3 findings."
    )
    for planned in one["changes"]:
        planned["state"] = "not applied"
    replace(
        one,
        control("IRM-6", "not met", "Optional"),
        control("IRM-7", "not met", False),
        control("OME-1", "not met", True),
    )
    return run("apply", [one])


def met() -> dict[str, Any]:
    """An organization where everything is as wanted."""
    return run("audit", [organization("Woodgrove Bank")])


def applied() -> dict[str, Any]:
    """The check's changes, made."""
    report = check()
    report["kind"] = "apply"
    (one,) = report["organizations"]
    one.update(status="changed", applied=9, controls=organization("Contoso Ltd")["controls"])
    for made in one["changes"]:
        made["state"] = "stored"
    return report


def many(number: int, different: bool = False) -> dict[str, Any]:
    """A run over many organizations: one in ten drifted, one in fifty refused, one in a hundred not assessable; or each
    with its own changes.
    """
    all_of_them = []
    for place in range(number):
        source = check() if place % 10 == 3 or different else refused() if place % 50 == 7 else None
        one = source["organizations"][0] if source else organization(str(place))
        one.update(
            {"host": f"o{place}", "display_name": f"Organization {place:04}", "name": f"o{place}.onmicrosoft.com"}
        )
        if place % 100 == 11:
            one.update(status="not assessable", message="The certificate has expired.")
        if different:
            for planned in one["changes"]:
                planned["identity"] = f"Rule {place}"
        all_of_them.append(one)
    return run("check", all_of_them)


def mail() -> dict[str, Any]:
    """The check, with its effect on mail."""
    report = check()
    report["organizations"][0]["mail"] = copy.deepcopy(MAIL)
    return report


#: By name, all that a report can be.
REPORTS = {"check": check, "mail": mail, "applied": applied, "audit": audit, "refused": refused, "met": met}
