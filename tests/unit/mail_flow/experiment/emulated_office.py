# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes of an emulated organization, whose post office decides what becomes of a message."""

from __future__ import annotations

from tests.emulator.post_office import letters, office
from tests.unit.mail_flow.experiment.mailboxes import DOMAIN, Mailboxes


class Office(Mailboxes):
    """Mailboxes in an emulated organization, which does with messages what its answers say."""

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
