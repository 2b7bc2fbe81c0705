# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending to an emulated organization, and looking at what became of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

import requests

from tests.emulator import Emulator, Organization
from tests.emulator.post_office import letters, office
from tests.emulator.post_office.letters import Letter

NAME = "contoso.onmicrosoft.com"
MEGAN, ALEX, LEGAL = f"MeganB@{NAME}", f"AlexW@{NAME}", f"legal@{NAME}"
ANN = "ann@fabrikam.com"
#: The service is set up to protect.
IRM = {"AzureRMSLicensingEnabled": True}
ENCRYPT = {"Name": "Encrypt", "SubjectContainsWords": ["secure"], "ApplyRightsProtectionTemplate": "Encrypt"}
REJECT = {"Name": "Reject", "SubjectContainsWords": ["forbidden"], "RejectMessageReasonText": "Not this way"}


def tenant(*rules: Mapping[str, Any], **state: Any) -> dict[str, Any]:
    """The state of an organization in which mail can be sent and seen."""
    defaults = {
        "name": NAME,
        "irm_configuration": IRM,
        "mail_grants": {"send": [MEGAN], "read": [MEGAN, ALEX]},
        "transport_rules": list(rules),
    }
    return {**defaults, **state}


def mime(subject: str, to: Sequence[str] = (ANN,), sender: str = MEGAN, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, ", ".join(to), subject
    message["Message-ID"] = "<probe@probes.invalid>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("This is a test.")
    return message


def post(organization: Organization, message: EmailMessage, **how: Any) -> office.Receipt:
    """Sends as a mailbox does, without a wire."""
    sender = str(message["From"])
    given = {"envelope_sender": sender, "envelope": letters.addresses_of(message), "authenticated": True, **how}
    return office.take(organization, Letter(message.as_bytes(), **given))


def outcome(organization: Organization) -> dict[str, Any]:
    """What can be seen of all mail: status and rules of each row, and of each copy the protection and the marks."""
    state = organization.state
    rows = sorted((row["RecipientAddress"], row["Status"], row["Subject"]) for row in state["message_trace"])
    acted = sorted(
        (row["RecipientAddress"], row["Detail"].split("'")[1])
        for row in state["message_trace_details"]
        if row["Event"] == "Transport rule"
    )
    copies = [(box, row) for box, held in state["mailboxes"].items() for row in held]
    copies += [(row["recipient"], row) for row in state["left"]]
    seen = sorted((who, row["protection"], _marks(row["content"])) for who, row in copies)
    return {"rows": rows, "acted": acted, "copies": seen}


def _marks(content: str) -> tuple[str, ...]:
    message = letters.parsed(content.encode("latin-1"))
    return (str(message["Subject"]), *(name for name in message if name.startswith("X-Mark")))


class Client:
    """Microsoft Graph's mail, raw."""

    def __init__(self, emulator: Emulator, organization: str = NAME) -> None:
        self.emulator = emulator
        self.organization = emulator.organizations[organization]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(emulator.ca_cert)
        self.sign_in()

    def sign_in(self) -> None:
        application = self.emulator.applications[self.organization.name]
        token = self.emulator.authority.issue(application, self.organization, "graph.microsoft.com")
        self.session.headers["Authorization"] = f"Bearer {token}"

    def send(self, message: EmailMessage, box: str = MEGAN) -> requests.Response:
        return self.send_raw(base64.b64encode(message.as_bytes()), box)

    def send_raw(self, body: bytes, box: str = MEGAN) -> requests.Response:
        return self.session.post(
            self._url(box, "sendMail"), data=body, headers={"Content-Type": "text/plain"}, timeout=60
        )

    def send_json(self, message: Mapping[str, Any], box: str = MEGAN, **others: Any) -> requests.Response:
        return self.session.post(self._url(box, "sendMail"), json={"message": message, **others}, timeout=60)

    def found(self, message_id: str, box: str = ALEX) -> requests.Response:
        condition = {"$filter": f"internetMessageId eq '{message_id}'"}
        return self.session.get(self._url(box, "messages"), params=condition, timeout=60)

    def copy(self, identifier: str, box: str = ALEX) -> requests.Response:
        return self.session.get(self._url(box, f"messages/{identifier}/$value"), timeout=60)

    def _url(self, box: str, what: str) -> str:
        return f"{self.emulator.url}/v1.0/users/{box}/{what}"
