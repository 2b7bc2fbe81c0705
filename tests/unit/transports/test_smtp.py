# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server of the user: TLS before anything else, and what each answer says of a message."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AuthenticationError,
    ExchangeError,
    InvalidValueError,
    NotSentError,
    OutcomeUnknownError,
    ServiceError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.smtp import SmtpServer

MIME = b"From: ann@fabrikam.com\r\nSubject: Offer\r\n\r\n.hidden\r\nHello\r\n"


@dataclass
class Script:
    """A server that answers as it is told, by command.

    :param answers: by command what is answered instead of success; ``END`` is the end of a message, and an empty text hangs up.
    """

    context: ssl.SSLContext
    security: str = "starttls"
    answers: Mapping[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            try:
                self._talk(connection)
            except (OSError, ssl.SSLError):
                pass
            finally:
                connection.close()

    def _talk(self, connection: socket.socket) -> None:
        encrypted = self.security == "tls"
        if encrypted:
            connection = self.context.wrap_socket(connection, server_side=True)
        file = connection.makefile("rwb", buffering=0)
        file.write(b"220 ready\r\n")
        while line := file.readline():
            command = line.decode().strip()
            word = command.partition(" ")[0].partition(":")[0].upper()
            self.commands.append(f"{'tls' if encrypted else 'plain'} {word}{command[len(word) :]}")
            said = self.answers.get(word, "starts" if word == "STARTTLS" else "ok")
            if not said:
                return
            if word == "EHLO":
                offered = b"250-x\r\n250-AUTH PLAIN\r\n" if encrypted else b"250-x\r\n"
                offered += b"250-STARTTLS\r\n" if not encrypted and "no" not in self.answers else b""
                file.write(offered + b"250 8BITMIME\r\n")
            elif word == "STARTTLS":
                file.write(b"220 go\r\n")
                connection = self.context.wrap_socket(connection, server_side=True)
                file = connection.makefile("rwb", buffering=0)
                encrypted = True
            elif word == "DATA" and said == "ok":
                file.write(b"354 go\r\n")
                content = b""
                while not content.endswith(b"\r\n.\r\n"):
                    content += file.readline()
                self.messages.append(content)
                end = self.answers.get("END", "250 taken")
                if not end:
                    return
                file.write(f"{end}\r\n".encode())
            elif word == "AUTH" and said == "ok":
                file.write(b"235 welcome\r\n")
            elif word == "QUIT":
                file.write(b"221 bye\r\n")
                return
            else:
                file.write(b"250 ok\r\n" if said == "ok" else f"{said}\r\n".encode())


@pytest.fixture(name="authority", scope="module")
def authority_fixture() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(name="trusted")
def trusted_fixture(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture(name="context", scope="module")
def context_fixture(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture(name="scripts")
def scripts_fixture() -> Iterator[list[Script]]:
    made: list[Script] = []
    yield made
    for script in made:
        script.close()


def server(script: Script, trusted: str, host: str = "localhost", **options: str) -> SmtpServer:
    return SmtpServer(host, script.port, script.security, authorities=trusted, **options)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_message_goes_over_tls_alone(
    security: str, context: ssl.SSLContext, trusted: str, scripts: list[Script]
) -> None:
    script = Script(context, security)
    scripts.append(script)
    logged_in = server(script, trusted, username="ann", password="secret-word")
    logged_in.send("ann@fabrikam.com", ["a@contoso.com", "b@contoso.com"], MIME)
    (content,) = script.messages
    assert content == MIME.replace(b"\r\n.hidden", b"\r\n..hidden") + b".\r\n"
    early = [command for command in script.commands if command.startswith("plain ")]
    assert [command.split()[1] for command in early] == ([] if security == "tls" else ["EHLO", "STARTTLS"])
    assert [command for command in script.commands if "RCPT" in command] == [
        "tls RCPT TO:<a@contoso.com>",
        "tls RCPT TO:<b@contoso.com>",
    ]
    assert "secret-word" not in repr(logged_in)
    assert socket.getfqdn() not in "".join(script.commands) or socket.getfqdn() == "localhost"


def test_without_tls_nothing_is_sent(context: ssl.SSLContext, trusted: str, scripts: list[Script]) -> None:
    script = Script(context, answers={"no": "x"})
    scripts.append(script)
    with pytest.raises(NotSentError, match="STARTTLS"):
        server(script, trusted, username="ann", password="secret-word").send(
            "ann@fabrikam.com", ["a@contoso.com"], MIME
        )
    assert not any("AUTH" in command or "MAIL" in command for command in script.commands)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_a_certificate_is_always_verified(
    security: str, wrong: str, context: ssl.SSLContext, trusted: str, scripts: list[Script]
) -> None:
    script = Script(context, security)
    scripts.append(script)
    host = "127.0.0.1" if wrong == "name" else "localhost"
    with pytest.raises(NotSentError, match="certificate"):
        server(script, trusted if wrong == "name" else "", host).send("ann@fabrikam.com", ["a@contoso.com"], MIME)
    assert not any("MAIL" in command for command in script.commands)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"MAIL": "550 no"}, InvalidValueError),
        ({"RCPT": "550 5.1.1 unknown"}, InvalidValueError),
        ({"RCPT": "450 later"}, ServiceError),
        ({"DATA": "554 no"}, InvalidValueError),
        ({"END": "550 5.7.1 TRANSPORT.RULES.RejectMessage"}, InvalidValueError),
        ({"END": "451 later"}, ServiceError),
        ({"END": ""}, OutcomeUnknownError),
        ({"END": "what?"}, OutcomeUnknownError),
        ({"END": "251 perhaps"}, OutcomeUnknownError),
        ({"END": f"250 {'x' * 9000}"}, OutcomeUnknownError),
        ({"MAIL": ""}, NotSentError),
        ({"AUTH": "535 5.7.139 SmtpClientAuthentication is disabled"}, AuthenticationError),
    ],
    ids=str,
)
def test_an_answer_says_whether_a_message_was_taken(
    answers: dict[str, str], error: type[ExchangeError], context: ssl.SSLContext, trusted: str, scripts: list[Script]
) -> None:
    script = Script(context, answers=answers)
    scripts.append(script)
    with pytest.raises(error) as caught:
        server(script, trusted, username="ann", password="secret-word").send(
            "ann@fabrikam.com", ["a@contoso.com"], MIME
        )
    assert "secret-word" not in str(caught.value)
    assert len(script.messages) == ("END" in answers)


def test_nobody_listens(trusted: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSentError):
        SmtpServer("localhost", port, "tls", authorities=trusted).send("ann@fabrikam.com", ["a@contoso.com"], MIME)


@pytest.mark.parametrize("secret", [{"password": "gehe\u00efm"}, {"username": "j\u00fcrgen"}], ids=str)
def test_who_cannot_log_in_in_ascii_is_told_so(
    secret: dict[str, str], context: ssl.SSLContext, trusted: str, scripts: list[Script]
) -> None:
    script = Script(context)
    scripts.append(script)
    given = {"username": "ann", "password": "secret-word", **secret}
    with pytest.raises(AuthenticationError, match="ASCII") as caught:
        server(script, trusted, **given).send("ann@fabrikam.com", ["a@contoso.com"], MIME)
    assert caught.value.__suppress_context__
    assert not any(value in str(caught.value) for value in secret.values())
