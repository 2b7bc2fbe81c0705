# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes that take messages, an organization that traces them, and a task that runs the module over both.

What becomes of a copy, a test says; nothing is computed here.
"""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import (
    GRAPH_FIND,
    GRAPH_SEND,
    Call,
    Result,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    NotFoundError,
    OptionError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import (
    OrganizationIdentity,
    SessionDescription,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.experiment_context import (
    AbandonedRecord,
    ExperimentContext,
)
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_experiment, ome_transport_rules

from tests.emulator.message_trace import row
from tests.emulator.rule_reports import detail
from tests.unit.emulated_session import EmulatedSession

DOMAIN = "contoso.onmicrosoft.com"
SENDER, INSIDE = f"alexw@{DOMAIN}", f"meganb@{DOMAIN}"
PARTNER, STRANGER = "tests@fabrikam.com", "tests@northwind.com"
ENCRYPT: dict[str, Any] = {
    "name": "Partners",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "exceptions": {"subject_contains_words": ["[plain]"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
WORDS: dict[str, Any] = {
    "name": "Salaries",
    "conditions": {"subject_or_body_contains_words": ["salary"], "sent_to_scope": "NotInOrganization"},
    "actions": {"reject_message_reason_text": "No."},
}
LOGGED: dict[str, Any] = {**ENCRYPT, "actions": {**ENCRYPT["actions"], "set_audit_severity": "Low"}}
TRIED: dict[str, Any] = {
    "name": "Tried",
    "mode": "Audit",
    "conditions": {"from_scope": "InOrganization"},
    "actions": {"set_header_name": "X-Tried", "set_header_value": "1", "stop_rule_processing": True},
}
PREFIX: dict[str, Any] = {
    "name": "Prefix",
    "conditions": {"message_type_matches": "PermissionControlled"},
    "actions": {"prepend_subject": "[protected] ", "set_audit_severity": "Low"},
}
UNCLASSIFIED: dict[str, Any] = {
    "name": "Unclassified",
    "conditions": {"has_no_classification": False},
    "actions": {"reject_message_reason_text": "No.", "set_audit_severity": "Low"},
}
GUARANTEE: dict[str, Any] = {
    "name": "To the partner",
    "when": {"recipient_domain_is": ["fabrikam.com"]},
    "unless": {"subject_contains_words": ["[plain]"]},
    "then": "not_in_clear",
}


def session_with(*rules: dict[str, Any], **state: Any) -> EmulatedSession:
    licensed = {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
    session = EmulatedSession({"advanced_message_encryption": True, "irm_configuration": licensed, **state})
    session.run(ome_transport_rules, rules=list(rules))
    session.writes.clear()
    return session


def message(**options: Any) -> dict[str, Any]:
    return {"name": "Offer", "from": SENDER, "to": [PARTNER], "subject": "Offer", "body": "Hello", **options}


DELIVERED: dict[str, Any] = {"status": "Delivered", "rules": {}}


@dataclass
class Mailboxes:
    """A session with Microsoft Graph over an organization.

    :param fates: by recipient ``status``, the ``rules`` that act (name to GUID), further ``events``, and how ``late`` the row is; one without is delivered.
    :param copies: by recipient the MIME of the copy.
    :param fault: called before each message is taken; what it raises is the answer.
    :param after: the same, once it was taken.
    """

    session: EmulatedSession
    fates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    copies: Mapping[str, bytes] = field(default_factory=dict)
    fault: Callable[[int], None] = lambda number: None
    after: Callable[[int], None] = lambda number: None
    sent: list[Message] = field(default_factory=list)
    tried: int = 0

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        """The protocol of a session."""
        return [self._answer(call) for call in calls]

    def send(self, sender: str, recipients: Sequence[str], mime: bytes) -> None:
        """The same as a mail server."""
        self._take(sender, mime)

    def _answer(self, call: Call) -> Result:
        parameters = call.parameters
        try:
            if call.cmdlet == GRAPH_SEND:
                content = parameters["Message"]
                assert isinstance(content, bytes)
                self._take(str(parameters["Mailbox"]), content)
                return Result()
            copy = self.copies.get(str(parameters["Mailbox"]))
            if copy is None:
                raise NotFoundError("No such mailbox.")
            if call.cmdlet == GRAPH_FIND:
                return Result([{"id": "AAA"}])
            return Result([{"mime": base64.b64encode(copy).decode("ascii")}])
        except ExchangeError as error:
            return Result(error=error)

    def _take(self, sender: str, mime: bytes) -> None:
        self.tried += 1
        self.fault(self.tried)
        parsed = BytesParser().parsebytes(mime)
        self.sent.append(parsed)
        state = self.session.organization.state
        people = [address for _name, address in getaddresses([str(parsed["To"]), str(parsed["Cc"] or "")]) if address]
        for recipient in people:
            fate = {**DELIVERED, **self.fates.get(recipient, {})}
            for turn in range(fate.get("times", 1)):
                made = row(
                    100 * self.tried + 50 * turn,
                    datetime.datetime.now(datetime.UTC),
                    sender,
                    fate.get("as", recipient),
                    Subject=str(parsed["Subject"]),
                    Status=fate["status"],
                    Late=fate.get("late", 0),
                )
                if fate["status"]:
                    state["message_trace"] = [*state["message_trace"], made]
                    events = [*detail(made, fate["rules"]), *fate.get("events", ())]
                    keys = {name: made[name] for name in ("MessageTraceId", "RecipientAddress", "MessageId")}
                    state["message_trace_details"] = [
                        *state["message_trace_details"],
                        *({**events[0], **each, **keys} for each in events),
                    ]
        self.after(self.tried)


@dataclass
class KeptRecord:
    """A record in memory, as JSON, with all its versions."""

    versions: list[str] = field(default_factory=list)

    def exists(self) -> bool:
        """Whether it is there."""
        return bool(self.versions)

    def create(self, document: Mapping[str, Any]) -> None:
        """Makes it."""
        if self.versions:
            raise OptionError("The file exists.")
        self.write(document)

    def write(self, document: Mapping[str, Any]) -> None:
        """Replaces it."""
        self.versions.append(json.dumps(document))

    def read(self) -> Mapping[str, Any]:
        """What it holds."""
        if not self.versions:
            raise OptionError("The file cannot be read.")
        found: dict[str, Any] = json.loads(self.versions[-1])
        return found


def run(
    session: EmulatedSession,
    mailboxes: Mailboxes,
    kept: KeptRecord,
    *,
    check_mode: bool = False,
    others: Mapping[str, KeptRecord] | None = None,
    sleep: Callable[[float], None] = lambda seconds: None,
    abandoned: Sequence[AbandonedRecord] = (),
    **options: Any,
) -> dict[str, Any]:
    """Runs the module as its action does.

    :param sleep: called with each time that the module waits.
    """
    argument_spec = mail_flow_experiment.SPEC["argument_spec"]
    other_rules = {name: rule for name, rule in mail_flow_experiment.SPEC.items() if name != "argument_spec"}
    given = json.loads(json.dumps({"record": "record.json", "wait": 0, **options}))
    validation, errors = validate(given, argument_spec, **other_rules)
    if errors:
        raise OptionError("; ".join(errors))
    slept: list[float] = []
    said: list[str] = []

    def wait(seconds: float) -> None:
        slept.append(seconds)
        sleep(seconds)

    task = ExperimentContext(
        params=validation.validated_parameters,
        check_mode=check_mode,
        session=session,
        describe=lambda: SessionDescription(organization=OrganizationIdentity("contoso.onmicrosoft.com")),
        mailboxes=lambda: mailboxes,
        record_file=lambda path: (others or {}).get(path, kept),
        mail_server=lambda params: mailboxes,
        sleep=wait,
        say=said.append,
        abandoned=lambda path: abandoned,
    )
    found = mail_flow_experiment.run(task)
    assert "@" not in found["msg"]
    assert not any("@" in line for line in said)
    return {**found, "_slept": slept, "_said": said, "_warnings": task.warnings}
