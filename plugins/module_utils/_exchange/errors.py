# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that the collection raises, one hierarchy for both transports.

Private to the collection: no promise is made to other code.
An error is raised where it is known what happened, travels unchanged over the broker's socket, and becomes a task
result in one place, the action base class.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ExchangeError(Exception):
    """Something that Exchange, the connection to it, or the collection itself refused.

    :param message: what happened, as a sentence.
    :param remedy: what the reader can do about it, as a sentence; empty when nothing is known.
    :param cmdlet: the cmdlet that failed; empty when none was run.
    :param error_id: Exchange's own identifier or .NET exception type; empty when there is none.
    """

    classes: ClassVar[dict[str, type[ExchangeError]]] = {}

    #: What a task had written when the error ended it: result keys. Set by the engine.
    progress: dict[str, Any] | None = None

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
        return f"{text} {self.remedy}" if self.remedy else text

    def to_wire(self) -> dict[str, str]:
        """The error as plain values for the broker's socket."""
        return {"class": type(self).__name__, "message": self.message, "remedy": self.remedy, "cmdlet": self.cmdlet, "error_id": self.error_id}

    @staticmethod
    def from_wire(data: dict[str, str]) -> ExchangeError:
        """The error that :meth:`to_wire` described."""
        values = dict(data)
        return ExchangeError.classes[values.pop("class")](values.pop("message"), **values)


ExchangeError.classes[ExchangeError.__name__] = ExchangeError


class UnreachableError(ExchangeError):
    """No session could be opened: nothing was read and nothing was written. Ansible calls such a host unreachable."""


class AuthenticationError(UnreachableError):
    """The credential was refused, by the authority or by Exchange."""


class WrongOrganizationError(UnreachableError):
    """The session is in another organization than the inventory names."""


class OptionError(ExchangeError):
    """An option or a variable is wrong. Raised before anything is sent."""


class PermissionDeniedError(ExchangeError):
    """The caller may not run this cmdlet, or not on this object."""


class CmdletNotAvailableError(PermissionDeniedError):
    """The session does not have this cmdlet or parameter: a role or a license is missing, or the service has retired it."""


class NotFoundError(ExchangeError):
    """The object does not exist."""


class AlreadyExistsError(ExchangeError):
    """An object of that name exists already."""


class InvalidValueError(ExchangeError):
    """Exchange refused a value."""


class ThrottledError(ExchangeError):
    """The service asks callers to slow down, and did so until the last try."""


class NotSentError(ExchangeError):
    """The connection was lost before the call was carried out: it did not happen, so it may be sent again."""


class OutcomeUnknownError(ExchangeError):
    """The answer of a write was lost. It may or may not have happened: read, then decide."""


class ServiceError(ExchangeError):
    """The service failed in a way that is not about the call itself, and did so until the last try."""


class ProtocolError(ExchangeError):
    """An answer that cannot be understood. Never taken for "nothing there"."""


class VerificationError(ExchangeError):
    """A write was accepted, and reading back does not show it."""


def defect(error: Exception) -> ExchangeError:
    """The error for an exception that nobody foresaw: what and where, and no value, since values may be secret."""
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}", trace.tb_next
    return ProtocolError(f"something came that was not foreseen ({type(error).__name__} at {place}), which is an error in the collection.", remedy="Report it.")
