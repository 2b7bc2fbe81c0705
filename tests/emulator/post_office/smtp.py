# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server outside, over which mail reaches the emulator's organizations: SMTP with STARTTLS, or TLS from the start.

It is the server of whoever sends mail to the organizations. It hands each message over at once, so that the answer to its
content is the organization's. Whom no organization has as a recipient, it refuses.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import secrets
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..organization import Organization
from ..service import Service
from ..web import Lost
from . import letters, office
from .letters import Letter

LARGEST = 36 * 2**20
_ADDRESS = re.compile(r"(?:FROM|TO):\s*<([^>]*)>(.*)", re.IGNORECASE)


class SmtpFront(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A listening port on loopback.

    :param tls: the server's TLS settings; may be replaced while running, for connections to come.
    :param implicit: TLS begins with the connection; else with STARTTLS.
    :param password: of the user ``user``, for whom wants to sign in; nobody has to.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, service: Service, tls: ssl.SSLContext, *, implicit: bool, user: str, password: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.service = service
        self.tls = tls
        self.implicit = implicit
        self.user = user
        self.password = password
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(5)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or does not trust us, is no event here."""


@dataclass
class _Envelope:
    sender: str | None = None
    recipients: list[tuple[str, Organization]] = field(default_factory=list)


class _Connection(socketserver.StreamRequestHandler):
    server: SmtpFront

    def handle(self) -> None:
        self.request.settimeout(60)
        self._envelope = _Envelope()
        self._is_safe = self.server.implicit
        self._is_mute = False
        with contextlib.suppress(Lost, OSError):
            if self.server.implicit:
                self._use(self.server.tls)
            self._at("connect", lambda: self._say("220 mail.outside.invalid ESMTP"))
            while self._command():
                pass

    def _use(self, settings: ssl.SSLContext) -> None:
        self.request = self.connection = settings.wrap_socket(self.request, server_side=True)
        self.rfile = self.request.makefile("rb")
        self.wfile = self.request.makefile("wb", buffering=0)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def _say(self, *lines: str) -> None:
        if self._is_mute:
            return
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def _at(self, step: str, work: Callable[[], None]) -> bool:
        """Does the work of a step, unless a fault strikes there. :returns: whether the client has its answer."""
        names = {organization.name for _address, organization in self._envelope.recipients}
        fault = self.server.service.faults.transport("smtp", step, organization=next(iter(names), ""))
        if fault is None:
            work()
            return True
        if step not in ("starttls", "data") and (fault.kind == "lost_after" or fault.after):
            self._is_mute = True
            work()
            self._is_mute = False
        if fault.kind in ("lost_before", "lost_after"):
            raise Lost
        self._say("451 4.7.0 Try again later" if fault.kind == "temporary" else "550 5.7.0 Refused")
        return False

    def _command(self) -> bool:
        """Serves one command. :returns: whether there may be another."""
        line = self.rfile.readline(4096).decode("utf-8", "replace").rstrip("\r\n")
        verb, _space, rest = line.partition(" ")
        step = verb.lower()
        if not line or step == "quit":
            self._say("221 2.0.0 Bye")
            return False
        known = {
            "ehlo": self._greet,
            "helo": self._greet,
            "starttls": self._start_tls,
            "auth": self._sign_in,
            "mail": self._from,
            "rcpt": self._to,
            "rset": self._reset,
            "noop": lambda _rest: self._say("250 2.0.0 OK"),
        }
        if step == "data":
            self._data()
        elif step in known:
            self._at(step, lambda: known[step](rest))
        else:
            self._say("500 5.5.1 Unknown command")
        return True

    def _greet(self, _rest: str) -> None:
        offered = ["SIZE " + str(LARGEST), "8BITMIME", "AUTH PLAIN LOGIN" if self._is_safe else "STARTTLS"]
        lines = ["mail.outside.invalid", *offered]
        self._say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    def _start_tls(self, _rest: str) -> None:
        if self._is_safe:
            self._say("503 5.5.1 TLS is there already")
            return
        self._say("220 2.0.0 Ready to start TLS")
        self._use(self.server.tls)
        self._is_safe = True
        self._envelope = _Envelope()

    def _sign_in(self, rest: str) -> None:
        if not self._is_safe:
            self._say("530 5.7.0 Must issue a STARTTLS command first")
            return
        kind, _space, first = rest.partition(" ")
        try:
            if kind.upper() == "PLAIN":
                _who, user, password = _decoded(first or self._asked("334 ")).split("\0")
            else:
                user = _decoded(first or self._asked("334 VXNlcm5hbWU6"))
                password = _decoded(self._asked("334 UGFzc3dvcmQ6"))
        except (ValueError, binascii.Error):
            self._say("501 5.5.2 Cannot decode")
            return
        right = user == self.server.user and secrets.compare_digest(password, self.server.password)
        self._say("235 2.7.0 Authentication successful" if right else "535 5.7.8 Authentication credentials invalid")

    def _asked(self, question: str) -> str:
        self._say(question)
        return self.rfile.readline(4096).decode().strip()

    def _from(self, rest: str) -> None:
        found = _ADDRESS.fullmatch(rest)
        if found is None:
            self._say("501 5.5.4 Invalid address")
            return
        self._envelope = _Envelope(found[1])
        self._say("250 2.1.0 Sender OK")

    def _to(self, rest: str) -> None:
        found = _ADDRESS.fullmatch(rest)
        if found is None or self._envelope.sender is None:
            self._say("503 5.5.2 Bad sequence of commands")
            return
        address = found[1]
        organization = self.server.service.find(address.rpartition("@")[2])
        if organization is None or not organization.cloud:
            self._say("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain")
            return
        state = organization.state
        if state["reject_direct_send"] and office.is_own(state, self._envelope.sender):
            self._say("550 5.7.68 TenantInboundAttribution; Direct Send not allowed for this organization")
            return
        known = {row["address"].lower() for row in state["recipients"]}
        if office.is_own(state, address) and not office.mailbox(state, address) and address.lower() not in known:
            self._say("550 5.4.1 Recipient address rejected: Access denied.")
            return
        self._envelope.recipients.append((address, organization))
        self._say("250 2.1.5 Recipient OK")

    def _data(self) -> None:
        if not self._envelope.recipients:
            self._say("503 5.5.2 Need recipients")
            return
        if not self._at("data", lambda: self._say("354 Start mail input; end with <CRLF>.<CRLF>")):
            return
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        if not line:
            raise Lost
        envelope, self._envelope = self._envelope, _Envelope()
        self._at("content", lambda: self._taken(envelope, b"".join(lines)))

    def _taken(self, envelope: _Envelope, content: bytes) -> None:
        refusals = [
            office.take(
                organization,
                Letter(
                    _received(content, organization),
                    envelope.sender or "",
                    tuple(address for address, whose in envelope.recipients if whose is organization),
                    authenticated=False,
                    sender_ip=organization.state["smtp_client"],
                ),
            ).refusal
            for organization in _each_once(whose for _address, whose in envelope.recipients)
        ]
        self._say(next(filter(None, refusals), "250 2.6.0 Queued mail for delivery"))

    def _reset(self, _rest: str) -> None:
        self._envelope = _Envelope()
        self._say("250 2.0.0 OK")


def _each_once(organizations: Iterable[Organization]) -> list[Organization]:
    return list({each.name: each for each in organizations}.values())


def _received(content: bytes, organization: Organization) -> bytes:
    """The message with the line that the service puts on top of what it takes from outside."""
    client = organization.state["smtp_client"]
    head = f"Received: from mail.outside.invalid ({client}) by mail.protection.outlook.com with SMTP\r\n"
    message = letters.parsed(content)
    if not str(message["Message-ID"] or "").strip():
        head += f"Message-ID: {letters.new_message_id('mail.outside.invalid')}\r\n"
    return head.encode() + content


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()
