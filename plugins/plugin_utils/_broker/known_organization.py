# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session knows of the organization that it is in, and whether that is the one that the inventory names."""

from __future__ import annotations

from typing import Any

from ...module_utils._exchange.cmdlet import Result
from ...module_utils._exchange.errors import (
    AuthenticationError,
    CmdletNotAvailableError,
    ExchangeError,
    NotCapturedError,
    PermissionDeniedError,
    UnreachableError,
    WrongOrganizationError,
)
from ...module_utils._exchange.tenant import (
    ORGANIZATION_CONFIG,
    SESSION,
    OrganizationIdentity,
    identity_of,
    session_facts,
    why_another,
    why_not_from,
)


class KnownOrganization:
    """The organization of a session.

    :param wanted: the one that the inventory names; empty if it names none.
    """

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        #: ``None`` if it was not read, or is not granted.
        self.identity: OrganizationIdentity | None = None
        self._facts: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Its name; empty if it is not known."""
        return self.identity.name if self.identity else ""

    @property
    def may_be_in_the_cloud(self) -> bool:
        """Whether it is in the cloud, as far as the session says."""
        return self._facts is None or bool(self._facts["cloud"])

    @property
    def lacks_facts(self) -> bool:
        """Whether what only the session knows about it was not asked for yet."""
        return self._facts is None

    def learn(self, connection: Result) -> None:
        """Takes what Get-ConnectionInformation tells. An endpoint without this cmdlet does not use the Exchange Online
        module; other failures prove nothing.
        """
        if connection.error is None or isinstance(connection.error, CmdletNotAvailableError):
            self._facts = session_facts(connection.objects)

    def complete(self, who: Result) -> None:
        """Adds to a description of the organization what only the session knows about it."""
        if self._facts is not None:
            who.objects = [{SESSION: self._facts, **row} for row in who.objects]

    def take(self, who: Result) -> None:
        """Takes the organization as it is described, whichever it is."""
        self.identity = _identity_in(who) if who.error is None else None

    def verify(self, who: Result) -> None:
        """Takes the organization, if it is the one that the inventory names.

        :raises UnreachableError: it is another one, or cannot be verified.
        """
        if isinstance(who.error, NotCapturedError):
            raise UnreachableError(
                f"the organization cannot be verified: {who.error.message}",
                remedy="Take a new capture.",
                cmdlet=ORGANIZATION_CONFIG.cmdlet,
            )
        if isinstance(who.error, PermissionDeniedError):
            raise AuthenticationError(
                "Get-OrganizationConfig is not granted to the caller, so the organization cannot be verified.",
                remedy="Assign an Exchange role to the application or user (View-Only Configuration at least), "
                "or set ansible_exchange_verify_organization: false if the endpoint withholds it intentionally.",
                cmdlet=ORGANIZATION_CONFIG.cmdlet,
                error_id=who.error.error_id,
            )
        if who.error is not None:
            raise unreachable(who.error)
        organization = _identity_in(who)
        if organization is None:
            raise UnreachableError(
                "Get-OrganizationConfig returned no organization, so the organization cannot be verified.",
                cmdlet=ORGANIZATION_CONFIG.cmdlet,
            )
        another = why_another(organization, self._wanted)
        if another:
            raise WrongOrganizationError(
                f"{another}.",
                remedy="Nothing was written. Set ansible_exchange_organization to the organization's initial domain.",
            )
        self.identity = organization

    def verify_same(self, who: Result, connection: Result) -> None:
        """Takes the organization of another connection, if it is this one.

        :raises UnreachableError: it is another one, or cannot be verified.
        """
        before = self.identity
        try:
            facts = session_facts(connection.objects)
            self.verify(Result(objects=[{SESSION: facts, **row} for row in who.objects], error=who.error))
            if before and self.identity and (another := why_not_from(self.identity, before)):
                raise WrongOrganizationError(f"{another}.", remedy="Nothing was sent to it.")
        except UnreachableError:
            self.identity = before
            raise

    def forget(self) -> None:
        """Forgets what was read of it: the session has ended."""
        self.identity = self._facts = None


def _identity_in(who: Result) -> OrganizationIdentity | None:
    """The identity of the organization; ``None`` if the answer names none."""
    identity = identity_of(who.objects[0]) if who.objects else None
    return identity if identity and identity.name else None


def unreachable(error: ExchangeError | None) -> UnreachableError:
    """The error of a session that could not be opened.

    :param error: why; ``None`` if that is not known.
    """
    if isinstance(error, UnreachableError):
        return error
    if error is None:
        return UnreachableError("no session could be opened.")
    remedy = "" if isinstance(error, CmdletNotAvailableError) else error.remedy
    kind = AuthenticationError if isinstance(error, PermissionDeniedError) else UnreachableError
    return kind(
        f"no session could be opened: {error.message}", remedy=remedy, cmdlet=error.cmdlet, error_id=error.error_id
    )
