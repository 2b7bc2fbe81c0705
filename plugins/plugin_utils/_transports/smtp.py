# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands mail to a server of the user, over TLS that is verified.

Each message has a connection of its own. Until the server has all of it, it was certainly not accepted; from then on, only its answer
says what became of it. Sources: RFC 5321, and the library's own source for what it raises.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...module_utils._exchange.errors import (
    AuthenticationError,
    InvalidValueError,
    NotSentError,
    OutcomeUnknownError,
    ServiceError,
)

#: Seconds to wait for an answer of the server.
TIMEOUT = 60

#: The ports, by how TLS begins.
PORTS = {"starttls": 587, "tls": 465}

#: The most characters of an answer that an error quotes.
_QUOTED = 300


@dataclass(frozen=True)
class SmtpServer:
    """A server that takes mail.

    :param security: ``starttls`` or ``tls``.
    :param authorities: a file with the certificate authorities to trust; empty for those of the system.
    """

    host: str
    port: int
    security: str
    username: str = ""
    password: str = field(default="", repr=False)
    authorities: str = ""

    def send(self, sender: str, recipients: Sequence[str], mime: bytes) -> None:
        """Hands over a message, for all recipients or for none.

        :raises OutcomeUnknownError: it was perhaps accepted.
        :raises ExchangeError: it was not.
        """
        with self._session(sender) as smtp:
            self._address(smtp, sender, recipients)
            try:
                code, answer = smtp.data(mime)
            except smtplib.SMTPDataError as error:
                raise self._refused(error.smtp_code, error.smtp_error) from None
            except OSError as error:  # what the library raises is one, too
                raise OutcomeUnknownError(
                    f"the connection to {self.host} was lost before it said whether it takes the message ({type(error).__name__})."
                ) from None
            if 400 <= code < 600:
                raise self._refused(code, answer)
            if code != 250:
                raise OutcomeUnknownError(f"{self.host} does not say whether it takes the message (SMTP {code}).")

    def _address(self, smtp: smtplib.SMTP, sender: str, recipients: Sequence[str]) -> None:
        """Names the sender and all recipients.

        :raises ExchangeError: the server does not take one of them.
        """
        try:
            for code, answer in (smtp.mail(sender), *map(smtp.rcpt, recipients)):
                if code not in (250, 251):
                    raise self._refused(code, answer)
        except smtplib.SMTPException as error:
            raise NotSentError(f"{self.host} refuses the sender or a recipient ({type(error).__name__}).") from None
        except OSError as error:
            raise self._unreached(error) from None

    @contextlib.contextmanager
    def _session(self, sender: str) -> Iterator[smtplib.SMTP]:
        """A connection with TLS, logged in if a user is given.

        :raises ExchangeError: there is none.
        """
        smtp = self._connected(sender)
        try:
            self._log_in(smtp)
            yield smtp
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()

    def _connected(self, sender: str) -> smtplib.SMTP:
        try:
            context = ssl.create_default_context(cafile=self.authorities or None)
            # The name of this machine is nobody's business.
            name = sender.rpartition("@")[2]
            if self.security == "tls":
                return smtplib.SMTP_SSL(self.host, self.port, local_hostname=name, timeout=TIMEOUT, context=context)
            smtp = smtplib.SMTP(self.host, self.port, local_hostname=name, timeout=TIMEOUT)
        except (OSError, smtplib.SMTPException) as error:
            raise self._unreached(error) from None
        try:
            smtp.starttls(context=context)
        except (OSError, smtplib.SMTPException, RuntimeError) as error:
            smtp.close()
            raise self._unreached(error) from None
        return smtp

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if not self.username:
            return
        try:
            smtp.login(self.username, self.password)
        except smtplib.SMTPException as error:
            code = getattr(error, "smtp_code", "")
            raise AuthenticationError(
                f"{self.host} does not let smtp_username log in ({f'SMTP {code}' if code else type(error).__name__}).",
                remedy="Check smtp_username and smtp_password.",
            ) from None
        except UnicodeError:
            # Its text and its traceback would show what stands there.
            raise AuthenticationError(
                f"{self.host} cannot be logged in to: smtp_username or smtp_password has a character beyond ASCII.",
                remedy="Use a user and a password in ASCII.",
            ) from None
        except OSError as error:
            raise self._unreached(error) from None

    def _unreached(self, error: Exception) -> NotSentError:
        """The error if no message could be handed over."""
        if isinstance(error, ssl.SSLError):
            why, remedy = (
                "its certificate or TLS is not accepted",
                "Check smtp_host, smtp_security and ansible_exchange_ca_cert.",
            )
        elif isinstance(error, smtplib.SMTPNotSupportedError):
            why, remedy = "it offers no STARTTLS", "Use smtp_security: tls, or a server that offers it."
        else:
            why, remedy = type(error).__name__, "Check smtp_host and smtp_port."
        return NotSentError(f"no message can be handed to {self.host}:{self.port} ({why}).", remedy=remedy)

    def _refused(self, code: int, answer: bytes | str) -> ServiceError | InvalidValueError:
        """A clear refusal: for now, or for good."""
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        said = " ".join(text.split())[:_QUOTED]
        kind = ServiceError if 400 <= code < 500 else InvalidValueError
        return kind(f"{self.host} does not take the message (SMTP {code}: {said}).")
