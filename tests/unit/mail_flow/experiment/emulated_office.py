# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes of an emulated organization, whose post office decides what becomes of a message."""

from __future__ import annotations

import base64

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import (
    GRAPH_FIND,
    GRAPH_MIME,
    Call,
    Result,
)

from tests.emulator.post_office import letters, office
from tests.unit.mail_flow.experiment.mailboxes import DOMAIN, Mailboxes


class Office(Mailboxes):
    """Mailboxes in an emulated organization, which does with messages what its answers say."""

    def _answer(self, call: Call) -> Result:
        """The delivered copies are those in the mailboxes."""
        parameters = call.parameters
        rows = office.messages_of(self.session.organization.state, str(parameters["Mailbox"]))
        if call.cmdlet == GRAPH_FIND:
            return Result([{"id": row["id"]} for row in rows if str(parameters["MessageId"]) in row["content"]])
        if call.cmdlet == GRAPH_MIME:
            (content,) = [row["content"] for row in rows if row["id"] == parameters["Id"]]
            return Result([{"mime": base64.b64encode(content.encode("latin-1")).decode("ascii")}])
        return super()._answer(call)

    def _take(self, sender: str, mime: bytes) -> None:
        self.tried += 1
        self.fault(self.tried)
        parsed = letters.parsed(mime)
        outside = not sender.lower().endswith(DOMAIN)
        office.take(
            self.session.organization,
            letters.Letter(
                mime, sender, letters.addresses_of(parsed), not outside, sender_ip="203.0.113.25" if outside else ""
            ),
        )
        self.after(self.tried)
