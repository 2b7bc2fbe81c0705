# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that the collection raises: one hierarchy for all transports.

The code that knows what happened raises the error. It travels unchanged over the broker's socket, and only the action
base class turns it into a task result.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class ExchangeError(Exception):
    """A failure reported by Exchange, by the connection to it, or by the collection itself.

    :param message: what happened, as a sentence.
    :param remedy: what the reader can do about it, as a sentence. Empty if unknown.
    :param cmdlet: the cmdlet that failed. Empty if no cmdlet ran.
    :param error_id: Exchange's own identifier or .NET exception type. Empty if there is none.
    """

    classes: ClassVar[dict[str, type[ExchangeError]]] = {}

    #: Whether it proves, as the answer to the first sending of a write, that nothing of the write was carried out.
    refuses: ClassVar[bool] = False

    #: Keys of the failed task's result: what it had done before the error, or why it could do nothing.
    result: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, message: str, *, remedy: str = "", cmdlet: str = "", error_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.cmdlet = cmdlet
        self.error_id = error_id

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        ExchangeError.classes[cls.__name__] = cls

    def __str__(self) -> str:
        text = f"{self.cmdlet}: {self.message}" if self.cmdlet else self.message
        if not self.remedy:
            return text
        # Exchange's own messages may end without a period.
        ends = text.endswith((".", "!", "?", ":", '"', "'"))
        return f"{text}{'' if ends else '.'} {self.remedy}"

    def to_wire(self) -> dict[str, Any]:
        """The error as plain values for the broker's socket."""
        fields = {name: getattr(self, name) for name in ("message", "remedy", "cmdlet", "error_id")}
        return {"class": type(self).__name__, **fields}

    @staticmethod
    def from_wire(data: dict[str, Any]) -> ExchangeError:
        """The inverse of :meth:`to_wire`."""
        values = dict(data)
        return ExchangeError.classes[values.pop("class")](values.pop("message"), **values)


ExchangeError.classes[ExchangeError.__name__] = ExchangeError


class UnreachableError(ExchangeError):
    """A session cannot be opened: nothing was read or written. Ansible reports the host as unreachable."""

    refuses = True


class AuthenticationError(UnreachableError):
    """The authority or Exchange refused the credential."""


class CertificateError(AuthenticationError):
    """The certificate file cannot be used."""


class TokenRefusedError(AuthenticationError):
    """Exchange does not accept the token that the authority issued."""


class WrongOrganizationError(UnreachableError):
    """The session is not in the organization that the inventory names."""


class OptionError(ExchangeError):
    """An option or a variable is invalid. Raised before anything is sent."""

    refuses = True


class PermissionDeniedError(ExchangeError):
    """The caller has no permission to run this cmdlet, or not on this object."""

    refuses = True


class CmdletNotAvailableError(PermissionDeniedError):
    """The session does not have this cmdlet or parameter: a role or a license is missing, or the service retired it."""


class NotCapturedError(PermissionDeniedError):
    """The capture that stands for the organization does not hold this read: nothing is known of what it would bring."""


class NotFoundError(ExchangeError):
    """The object does not exist."""

    refuses = True


class AlreadyExistsError(ExchangeError):
    """An object with this name already exists."""

    refuses = True


class InvalidValueError(ExchangeError):
    """Exchange refused a value."""

    refuses = True


class ThrottledError(ExchangeError):
    """The service throttles the caller, and still did on the last try."""

    refuses = True


class NotSentError(ExchangeError):
    """The connection was lost before the call ran, so the call is safe to send again."""

    refuses = True


class OutcomeUnknownError(ExchangeError):
    """It is unknown whether a write happened, because its response was lost, or is no clear refusal of its first
    sending: read, then decide.

    :param reason: why, as a sentence: what was answered, or how the response was lost.
    :param again: whether it is worth sending again once reads do not show it. Of an error that was answered, sending
        again brings only another one.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        cmdlet: str = "",
        error_id: str = "",
        reason: str = "",
        again: bool = True,
    ) -> None:
        super().__init__(message, remedy=remedy, cmdlet=cmdlet, error_id=error_id)
        self.reason = reason or message
        self.again = again

    def to_wire(self) -> dict[str, Any]:
        return {**super().to_wire(), "reason": self.reason, "again": self.again}


class ServiceError(ExchangeError):
    """The service failed for a reason unrelated to the call, and still did on the last try."""


class ProtocolError(ExchangeError):
    """The response cannot be interpreted. This is never treated as "nothing there"."""


class VerificationError(ExchangeError):
    """Exchange accepted a write, but a later read does not show it."""


def defect(error: Exception) -> ExchangeError:
    """The error for an unexpected exception: its type and place, but no values, because values may be secret."""
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}", trace.tb_next
    return ProtocolError(f"Unexpected error ({type(error).__name__} at {place}): this is a bug, please report it.")
